//! Gemma 2 and 3. Sources: arXiv:2408.00118, arXiv:2503.19786. Their files have 1 added to the weights of norms.

use super::ModelError;
use super::keys::Keys;
use super::shape::{HeadNorm, Norms, Shape};
use crate::blocks::{Activation, Pairs};

pub(super) fn gemma2(keys: &Keys<'_>) -> Result<Shape, ModelError> {
    // 46 layers: Gemma 2 27B.
    let mut shape = common(keys, 46)?;
    shape.score.cap = keys.optional("attn_logit_softcapping")?;
    let window = keys.count("attention.sliding_window", u64::MAX)?;
    shape.window = Some(if window > 0 { window } else { 4096 });
    shape.local = keys.pattern("attention.sliding_window_pattern", shape.layers, 2)?;
    Ok(shape)
}

pub(super) fn gemma3(keys: &Keys<'_>) -> Result<Shape, ModelError> {
    // 62 layers: Gemma 3 27B.
    let mut shape = common(keys, 62)?;
    shape.head_norm = HeadNorm::Head;
    shape.window = Some(keys.count("attention.sliding_window", u64::MAX)?).filter(|&window| window > 0);
    if shape.window.is_some() {
        shape.local = keys.pattern("attention.sliding_window_pattern", shape.layers, 6)?;
        let base = keys.positive("rope.freq_base_swa")?.unwrap_or(10_000.0);
        shape.local_rope = Some(shape.rope.plain(base));
    }
    Ok(shape)
}

/// `large`: layers of the one size whose queries are scaled by the width of the model over its heads; files do not say it.
fn common(keys: &Keys<'_>, large: usize) -> Result<Shape, ModelError> {
    let mut shape = Shape::read(keys)?;
    shape.rope.pairs = Pairs::Halves;
    shape.norms = Norms::Around;
    shape.activation = Activation::Gelu;
    shape.embedding_scale = (shape.width as f32).sqrt();
    shape.logit_cap = keys.optional("final_logit_softcapping")?;
    if shape.layers == large {
        shape.score.scale = 1.0 / ((shape.width / shape.heads) as f32).sqrt();
    }
    if let Some(scale) = keys.optional("attention.scale")? {
        shape.score.scale = scale;
    }
    Ok(shape)
}
