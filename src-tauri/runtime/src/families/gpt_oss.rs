//! gpt-oss. Source: arXiv:2508.10925.

use super::ModelError;
use super::keys::Keys;
use super::shape::{Scaling, Shape};
use crate::blocks::{Activation, Pairs};

pub(super) fn gpt_oss(keys: &Keys<'_>) -> Result<Shape, ModelError> {
    let mut shape = Shape::read(keys)?;
    shape.rope.pairs = Pairs::Halves;
    if let Scaling::Yarn(yarn) = &mut shape.rope.scaling {
        yarn.whole = false;
    }
    shape.activation = Activation::Limited;
    shape.feed_norm_name = "post_attention_norm";
    shape.biased = true;
    shape.sinks = true;
    shape.window = Some(keys.needed("attention.sliding_window", 1 << 31)?);
    shape.local = keys.pattern("attention.sliding_window_pattern", shape.layers, 2)?;
    shape.needed_mixture(keys)?.biased = true;
    Ok(shape)
}
