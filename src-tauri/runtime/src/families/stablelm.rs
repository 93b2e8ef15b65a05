//! StableLM 3B and 2. Source: arXiv:2402.17834.

use super::ModelError;
use super::keys::Keys;
use super::shape::{HeadNorm, Norms, Shape};
use crate::blocks::Pairs;

pub(super) fn stablelm(keys: &Keys<'_>) -> Result<Shape, ModelError> {
    let mut shape = Shape::read(keys)?;
    shape.rope.pairs = Pairs::Halves;
    // StableLM 2 12B: one norm for both parts, and norms of every head. Older files say "parallel" wrongly, the tensors
    // do not.
    keys.flag("use_parallel_residual")?;
    if keys.header.tensor("blk.0.ffn_norm.weight").is_none() {
        shape.norms = Norms::Parallel;
    }
    if keys.header.tensor("blk.0.attn_q_norm.weight").is_some() {
        shape.head_norm = HeadNorm::Each;
    }
    Ok(shape)
}
