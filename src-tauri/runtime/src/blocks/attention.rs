//! Attention with grouped keys and values, and the cache that it reads. Source: arXiv:2305.13245.

use rayon::prelude::*;

use crate::kernels::attend;
use crate::weights::WORTH_THREADS;

/// Positions by which a cache grows, so that a long answer does not move its memory at every token.
const STEP: usize = 256;

/// Keys and values of every layer for the positions so far, in 32-bit floats.
pub struct Cache {
    layers: Vec<(Vec<f32>, Vec<f32>)>,
    /// Numbers of one position in one layer: kv_heads · head_width.
    width: usize,
    positions: usize,
}

/// The memory for more positions is not there.
#[derive(Debug, thiserror::Error)]
#[error("there is no memory for {positions} positions ({bytes} bytes)")]
pub struct CacheFull {
    pub positions: usize,
    pub bytes: u64,
}

impl Cache {
    pub fn new(layers: usize, width: usize) -> Cache {
        Cache { layers: vec![(Vec::new(), Vec::new()); layers], width, positions: 0 }
    }

    pub fn positions(&self) -> usize {
        self.positions
    }

    /// Forgets all positions after the first `positions`; their memory is kept for the next text.
    pub fn truncate(&mut self, positions: usize) {
        self.positions = self.positions.min(positions);
        for (keys, values) in &mut self.layers {
            keys.truncate(self.positions * self.width);
            values.truncate(self.positions * self.width);
        }
    }

    /// Makes room for `count` positions more.
    pub fn reserve(&mut self, count: usize) -> Result<(), CacheFull> {
        let positions = self.positions + count;
        let wanted = positions.next_multiple_of(STEP) * self.width;
        for (keys, values) in &mut self.layers {
            for store in [keys, values] {
                if store.capacity() < positions * self.width {
                    let more = wanted - store.len();
                    store
                        .try_reserve_exact(more)
                        .map_err(|_| CacheFull { positions, bytes: 4 * wanted as u64 })?;
                }
            }
        }
        Ok(())
    }

    /// The positions that were appended to every layer count from now on.
    pub fn advance(&mut self, count: usize) {
        self.positions += count;
        debug_assert!(self.layers.iter().all(|(keys, _)| keys.len() == self.positions * self.width));
    }

    /// Drops what a stopped pass has left behind.
    pub fn roll_back(&mut self) {
        self.truncate(self.positions);
    }
}

/// The shape of a layer's attention.
#[derive(Clone, Copy, Debug)]
pub struct Attention {
    pub heads: usize,
    pub kv_heads: usize,
    pub head_width: usize,
}

impl Attention {
    /// Appends `keys` and `values` (tokens, kv_heads · head_width) to the cache of `layer` and attends with `queries`
    /// (tokens, heads · head_width) to everything up to each token. `out`: like `queries`.
    pub fn apply(
        &self,
        queries: &[f32],
        keys: &[f32],
        values: &[f32],
        cache: &mut Cache,
        layer: usize,
        out: &mut [f32],
    ) {
        let before = cache.positions;
        let stride = cache.width;
        let (all_keys, all_values) = &mut cache.layers[layer];
        all_keys.extend_from_slice(keys);
        all_values.extend_from_slice(values);
        let (all_keys, all_values) = (&all_keys[..], &all_values[..]);
        let scale = 1.0 / (self.head_width as f32).sqrt();
        let group = self.heads / self.kv_heads;
        let one = |unit: usize, out: &mut [f32], scores: &mut Vec<f32>| {
            let (token, head) = (unit / self.heads, unit % self.heads);
            let positions = before + token + 1;
            scores.resize(positions, 0.0);
            let q = &queries[unit * self.head_width..][..self.head_width];
            let (keys, values) = (&all_keys[..positions * stride], &all_values[..positions * stride]);
            let offset = head / group * self.head_width;
            attend(q, keys, values, stride, offset, scale, scores, out);
        };
        let positions = before + keys.len() / stride;
        if 2 * queries.len() * positions < WORTH_THREADS {
            let mut scores = Vec::with_capacity(positions);
            for (unit, out) in out.chunks_exact_mut(self.head_width).enumerate() {
                one(unit, out, &mut scores);
            }
        } else {
            out.par_chunks_exact_mut(self.head_width)
                .enumerate()
                .for_each_init(Vec::new, |scores, (unit, out)| one(unit, out, scores));
        }
    }
}
