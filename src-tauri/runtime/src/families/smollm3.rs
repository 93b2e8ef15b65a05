//! SmolLM 3. Source: its model card; layers without positions: arXiv:2501.18795.

use super::ModelError;
use super::keys::Keys;
use super::shape::Shape;

pub(super) fn smollm3(keys: &Keys<'_>) -> Result<Shape, ModelError> {
    let mut shape = Shape::read(keys)?;
    shape.turned = (1..=shape.layers).map(|layer| layer % 4 != 0).collect();
    Ok(shape)
}
