//! Attention with grouped keys and values. Source: arXiv:2305.13245.

use crate::cache::Cache;
pub use crate::kernels::attend::{Heads as Attention, Score};

impl Attention<'_> {
    /// Appends `keys` and `values` (tokens, kv_heads · width) to the cache of `layer` and attends with `queries`
    /// (tokens, heads · key_width) to what each token sees. `out`: (tokens, heads · value_width).
    pub fn apply(
        &self,
        queries: &[f32],
        keys: &[f32],
        values: &[f32],
        cache: &mut Cache,
        layer: usize,
        out: &mut [f32],
    ) {
        let before = cache.positions();
        cache.append(layer, keys, values);
        crate::kernels::attend::attend(self, queries, cache.layer(layer), before, out);
    }
}
