//! GLM 4. Source: arXiv:2406.12793 and the model card of GLM-4-0414.

use super::ModelError;
use super::keys::Keys;
use super::shape::{Norms, Shape};

pub(super) fn glm4(keys: &Keys<'_>) -> Result<Shape, ModelError> {
    let mut shape = Shape::read(keys)?;
    shape.norms = Norms::Around;
    shape.joined_feed = true;
    Ok(shape)
}
