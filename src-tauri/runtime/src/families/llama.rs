//! Llama 2 and 3, Mistral, Mixtral, SmolLM2 ("llama"); Ministral 3 ("mistral3"). Sources: arXiv:2307.09288,
//! arXiv:2407.21783, arXiv:2401.04088. Their files have queries and keys permuted so that neighbours are turned together.

use super::ModelError;
use super::keys::Keys;
use super::shape::{Scaling, Shape, Temperature, yarn_magnitude};

pub(super) fn llama(keys: &Keys<'_>) -> Result<Shape, ModelError> {
    let mut shape = Shape::read(keys)?;
    shape.window = Some(keys.count("attention.sliding_window", u64::MAX)?).filter(|&window| window > 0);
    shape.local = vec![shape.window.is_some(); shape.layers];
    Ok(shape)
}

pub(super) fn mistral3(keys: &Keys<'_>) -> Result<Shape, ModelError> {
    let mut shape = Shape::read(keys)?;
    if let Scaling::Yarn(yarn) = shape.rope.scaling
        && let Some(weight) = keys.optional("rope.scaling.yarn_log_multiplier")?
    {
        shape.rope.magnitude = yarn_magnitude(yarn.factor, 1.0) / yarn_magnitude(yarn.factor, weight);
    }
    shape.temperature = keys
        .optional("attention.temperature_scale")?
        .map(|beta| Temperature { beta, length: shape.rope.original });
    Ok(shape)
}
