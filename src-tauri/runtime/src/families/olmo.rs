//! OLMo 2 and 3 ("olmo2") and OLMoE ("olmoe"). Sources: arXiv:2501.00656, arXiv:2409.02060.

use super::ModelError;
use super::keys::Keys;
use super::shape::{HeadNorm, Norms, Shape};
use crate::blocks::Pairs;

pub(super) fn olmo2(keys: &Keys<'_>) -> Result<Shape, ModelError> {
    let mut shape = Shape::read(keys)?;
    shape.rope.pairs = Pairs::Halves;
    shape.head_norm = HeadNorm::Whole;
    shape.norms = Norms::After;
    shape.window = Some(keys.count("attention.sliding_window", u64::MAX)?).filter(|&window| window > 0);
    if shape.window.is_some() {
        shape.local = keys.pattern("attention.sliding_window_pattern", shape.layers, 4)?;
        let base = keys.positive("rope.freq_base_swa")?.unwrap_or(shape.rope.base);
        shape.local_rope = Some(shape.rope.plain(base));
    }
    Ok(shape)
}

pub(super) fn olmoe(keys: &Keys<'_>) -> Result<Shape, ModelError> {
    let mut shape = Shape::read(keys)?;
    shape.rope.pairs = Pairs::Halves;
    shape.head_norm = HeadNorm::Whole;
    shape.needed_mixture(keys)?.routing.normalised = false;
    Ok(shape)
}
