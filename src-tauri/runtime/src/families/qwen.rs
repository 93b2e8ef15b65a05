//! Qwen 2 and 2.5 ("qwen2"), Qwen 3 ("qwen3") and their mixtures ("qwen2moe", "qwen3moe"). Sources: arXiv:2407.10671,
//! arXiv:2505.09388.

use super::ModelError;
use super::keys::{Keys, SIZE};
use super::shape::{HeadNorm, Shape};
use crate::blocks::Pairs;

pub(super) fn qwen2(keys: &Keys<'_>) -> Result<Shape, ModelError> {
    let mut shape = Shape::read(keys)?;
    shape.rope.pairs = Pairs::Halves;
    shape.biased = true;
    Ok(shape)
}

pub(super) fn qwen3(keys: &Keys<'_>) -> Result<Shape, ModelError> {
    let mut shape = Shape::read(keys)?;
    shape.rope.pairs = Pairs::Halves;
    shape.head_norm = HeadNorm::Head;
    Ok(shape)
}

pub(super) fn qwen2moe(keys: &Keys<'_>) -> Result<Shape, ModelError> {
    let mut shape = qwen2(keys)?;
    let feed = shape.feed;
    let mixture = shape.needed_mixture(keys)?;
    mixture.routing.normalised = false;
    mixture.shared = keys.size("expert_shared_feed_forward_length", SIZE)?.unwrap_or(feed);
    mixture.shared_gate = true;
    Ok(shape)
}

pub(super) fn qwen3moe(keys: &Keys<'_>) -> Result<Shape, ModelError> {
    let mut shape = qwen3(keys)?;
    shape.needed_mixture(keys)?;
    Ok(shape)
}
