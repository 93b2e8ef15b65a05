//! Granite 3 ("granite") and its mixtures ("granitemoe"). Source: arXiv:2408.13359 (the scales).

use super::ModelError;
use super::keys::{Keys, SIZE};
use super::shape::Shape;

pub(super) fn granite(keys: &Keys<'_>) -> Result<Shape, ModelError> {
    let mut shape = Shape::read(keys)?;
    shape.embedding_scale = keys.optional("embedding_scale")?.unwrap_or(1.0);
    shape.residual_scale = keys.optional("residual_scale")?.unwrap_or(1.0);
    shape.logit_scale = 1.0 / keys.optional("logit_scale")?.unwrap_or(1.0);
    if let Some(scale) = keys.optional("attention.scale")? {
        shape.score.scale = scale;
    }
    if keys.flag("rope.scaling.finetuned")? == Some(false) {
        shape.turned = vec![false; shape.layers];
    }
    Ok(shape)
}

pub(super) fn granitemoe(keys: &Keys<'_>) -> Result<Shape, ModelError> {
    let mut shape = granite(keys)?;
    let shared = keys.count("expert_shared_feed_forward_length", SIZE)?;
    shape.needed_mixture(keys)?.shared = shared;
    Ok(shape)
}
