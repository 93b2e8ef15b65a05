//! Phi 3 and 4. Sources: arXiv:2404.14219, arXiv:2412.08905; factors for short and long texts: arXiv:2402.13753.

use super::ModelError;
use super::keys::Keys;
use super::shape::Shape;
use crate::blocks::Pairs;

pub(super) fn phi3(keys: &Keys<'_>) -> Result<Shape, ModelError> {
    let mut shape = Shape::read(keys)?;
    shape.rope.pairs = Pairs::Halves;
    shape.joined_feed = true;
    shape.window = Some(keys.count("attention.sliding_window", u64::MAX)?).filter(|&window| window > 0);
    shape.local = vec![shape.window.is_some(); shape.layers];
    Ok(shape)
}
