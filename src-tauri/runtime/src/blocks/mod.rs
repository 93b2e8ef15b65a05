//! Blocks that model families are built from.

mod attention;
mod feed;
mod latent;
mod norm;
mod rope;

pub use crate::cache::{Cache, CacheFull};
pub use attention::{Attention, Score};
pub use feed::{Activation, Choice, Entry, Feed, Mixture, Network, Observer, Routing, Scores, Shared, Watch};
pub use latent::Latent;
pub use norm::{Norm, NormKind};
pub use rope::{Pairs, Rope, Turn, Yarn};

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
