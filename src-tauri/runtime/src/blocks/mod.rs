//! Blocks that model families are built from.

mod attention;
mod feed;
mod norm;
mod rope;

pub use attention::{Attention, Cache, CacheFull};
pub use feed::{Feed, Network};
pub use norm::rms_norm;
pub use rope::{Rope, Turn};

use crate::weights::Matrix;

/// `y = W·x + b`.
pub struct Linear {
    pub matrix: Matrix,
    pub bias: Option<Vec<f32>>,
}

impl Linear {
    /// `out` (tokens, rows) from `x` (tokens, columns).
    pub fn apply(&self, x: &[f32], out: &mut [f32], stop: &std::sync::atomic::AtomicBool) {
        self.matrix.multiply(x, out, stop);
        if let Some(bias) = &self.bias {
            for row in out.chunks_exact_mut(bias.len()) {
                add(row, bias);
            }
        }
    }
}

/// `to` += `from`.
pub fn add(to: &mut [f32], from: &[f32]) {
    for (to, from) in to.iter_mut().zip(from) {
        *to += from;
    }
}
