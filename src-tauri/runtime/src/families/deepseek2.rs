//! DeepSeek V2 Lite and others of its build. Source: arXiv:2405.04434.

use super::ModelError;
use super::keys::{Keys, LAYERS, SIZE};
use super::shape::{LatentShape, Scaling, Shape, yarn_magnitude};
use crate::blocks::Scores;

pub(super) fn deepseek2(keys: &Keys<'_>) -> Result<Shape, ModelError> {
    let mut shape = Shape::read(keys)?;
    let rank = keys.needed("attention.kv_lora_rank", SIZE)?;
    let turned = keys.needed("rope.dimension_count", SIZE)?;
    let unpacked = keys.size("attention.key_length_mla", SIZE)?;
    // Files before 2025 describe the unpacked heads under the plain names.
    let (key, value) = match unpacked {
        Some(key) => (key, keys.needed("attention.value_length_mla", SIZE)?),
        None => (shape.key_width, shape.value_width),
    };
    if turned >= key {
        return Err(keys.error("rope.dimension_count", format!("{turned} is not below the key width {key}")));
    }
    let query_rank = keys.size("attention.q_lora_rank", SIZE)?;
    let joined = unpacked.is_none();
    shape.latent = Some(LatentShape { rank, query_rank, plain: key - turned, turned, value, joined });
    shape.kv_heads = 1;
    shape.key_width = rank + turned;
    shape.value_width = rank;
    shape.score.scale = 1.0 / (key as f32).sqrt();
    if let Scaling::Yarn(yarn) = shape.rope.scaling {
        // The file has a tenth of the weight with which both sides of the product are magnified; what is turned is then
        // magnified no more than what is not.
        let weight = keys.optional("rope.scaling.yarn_log_multiplier")?.unwrap_or(0.0) * 10.0;
        let both = yarn_magnitude(yarn.factor, weight);
        shape.score.scale *= both * both;
        if weight > 0.0 {
            shape.rope.magnitude = 1.0;
        }
    }
    if keys.count("expert_group_count", SIZE)? > 1 {
        return Err(keys.unsupported("experts that are chosen by groups are not supported"));
    }
    let shared = keys.count("expert_shared_count", LAYERS)?;
    let scores = match keys.count("expert_gating_func", u64::MAX)? {
        0 | 1 => Scores::Softmax,
        2 => Scores::Sigmoid,
        other => return Err(keys.unsupported(format!("the gating function {other} is not supported"))),
    };
    let leading = keys.count("leading_dense_block_count", LAYERS)?;
    let scale = keys.optional("expert_weights_scale")?.unwrap_or(1.0);
    let normalised = keys.flag("expert_weights_norm")?.unwrap_or(false);
    if let Some(mixture) = &mut shape.mixture {
        mixture.routing.scores = scores;
        mixture.routing.scale = scale;
        mixture.routing.normalised = normalised;
        mixture.leading = leading;
        mixture.shared = shared * mixture.feed;
    }
    Ok(shape)
}
