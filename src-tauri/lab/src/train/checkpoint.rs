//! A checkpoint: weights, both moments, counters and the data cursor, in one safetensors file that replaces the last
//! one atomically.

use super::model::{Model, Shape};
use super::optimizer::Optimizer;
use crate::LabError;
use candle_core::{Device, Tensor};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::path::Path;

#[derive(Serialize, Deserialize)]
pub struct Progress {
    pub recipe: String,
    pub seed: u64,
    pub shape: Shape,
    pub step: u64,
    pub chunk: u64,
    pub next: usize,
    pub tokens: u64,
    pub seconds: f64,
}

pub fn save(path: &Path, model: &Model, optimizer: &Optimizer, progress: &Progress) -> Result<(), LabError> {
    let mut tensors = HashMap::new();
    for ((name, var), (m, v)) in model.vars().into_iter().zip(&optimizer.moments) {
        tensors.insert(format!("first.{name}"), Tensor::from_slice(m, var.shape(), &Device::Cpu)?);
        tensors.insert(format!("second.{name}"), Tensor::from_slice(v, var.shape(), &Device::Cpu)?);
        tensors.insert(format!("weight.{name}"), var.as_tensor().clone());
    }
    let bytes = serde_json::to_vec(progress)?;
    let length = bytes.len();
    tensors.insert("progress".into(), Tensor::from_vec(bytes, length, &Device::Cpu)?);
    let partial = path.with_extension("partial");
    candle_core::safetensors::save(&tensors, &partial)?;
    std::fs::rename(&partial, path).map_err(|e| LabError::File(path.into(), e))
}

/// The weights alone, by name.
pub fn weights(path: &Path) -> Result<HashMap<String, Tensor>, LabError> {
    let tensors = candle_core::safetensors::load(path, &Device::Cpu)?;
    Ok(tensors
        .into_iter()
        .filter_map(|(name, t)| Some((name.strip_prefix("weight.")?.to_string(), t)))
        .collect())
}

/// Fills `model` and `optimizer` from the file; it must be of the same recipe, seed and shape.
pub fn load(
    path: &Path,
    model: &Model,
    optimizer: &mut Optimizer,
    expected: &Progress,
) -> Result<Progress, LabError> {
    let mut tensors = candle_core::safetensors::load(path, &Device::Cpu)?;
    let mut take = |name: String| {
        tensors
            .remove(&name)
            .ok_or_else(|| LabError::Checkpoint(path.into(), format!("has no tensor {name}")))
    };
    let progress: Progress = serde_json::from_slice(&take("progress".into())?.to_vec1::<u8>()?)?;
    if (&progress.recipe, progress.seed, &progress.shape)
        != (&expected.recipe, expected.seed, &expected.shape)
    {
        return Err(LabError::Checkpoint(path.into(), "is of another recipe, seed or shape".into()));
    }
    for ((name, var), moments) in model.vars().into_iter().zip(&mut optimizer.moments) {
        var.set(&take(format!("weight.{name}"))?)?;
        moments.0 = take(format!("first.{name}"))?.flatten_all()?.to_vec1()?;
        moments.1 = take(format!("second.{name}"))?.flatten_all()?.to_vec1()?;
    }
    optimizer.step = progress.step;
    Ok(progress)
}
