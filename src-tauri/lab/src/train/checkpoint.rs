//! A checkpoint: weights, both moments, counters and the data cursor, in one safetensors file that replaces the last
//! one atomically.

use super::model::{Model, Shape, Weight};
use super::optimizer::Optimizer;
use crate::LabError;
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
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
    let bytes = serde_json::to_vec(progress)?;
    let mut tensors = vec![("progress".to_string(), TensorView::new(Dtype::U8, vec![bytes.len()], &bytes)?)];
    for (Weight { name, shape, data }, (m, v)) in model.weights.iter().zip(&optimizer.moments) {
        for (kind, data) in [("first", m), ("second", v), ("weight", data)] {
            let view = TensorView::new(Dtype::F32, shape.clone(), bytemuck::cast_slice(data))?;
            tensors.push((format!("{kind}.{name}"), view));
        }
    }
    let partial = path.with_extension("partial");
    safetensors::serialize_to_file(tensors, None, &partial)?;
    std::fs::rename(&partial, path).map_err(|e| LabError::File(path.into(), e))
}

/// The weights alone, by name.
pub fn weights(path: &Path) -> Result<HashMap<String, Weight>, LabError> {
    let bytes = std::fs::read(path).map_err(|e| LabError::File(path.into(), e))?;
    let mut weights = HashMap::new();
    for (name, view) in SafeTensors::deserialize(&bytes)?.tensors() {
        if let Some(name) = name.strip_prefix("weight.") {
            let (name, shape) = (name.to_string(), view.shape().to_vec());
            weights.insert(name.clone(), Weight { name, shape, data: numbers(path, &view)? });
        }
    }
    Ok(weights)
}

/// Fills `model` and `optimizer` from the file; it must be of the same recipe, seed and shape.
pub fn load(
    path: &Path,
    model: &mut Model,
    optimizer: &mut Optimizer,
    expected: &Progress,
) -> Result<Progress, LabError> {
    let bytes = std::fs::read(path).map_err(|e| LabError::File(path.into(), e))?;
    let file = SafeTensors::deserialize(&bytes)?;
    let progress: Progress = serde_json::from_slice(file.tensor("progress")?.data())?;
    if (&progress.recipe, progress.seed, &progress.shape)
        != (&expected.recipe, expected.seed, &expected.shape)
    {
        return Err(LabError::Checkpoint(path.into(), "is of another recipe, seed or shape".into()));
    }
    for (Weight { name, shape, data }, (m, v)) in model.weights.iter_mut().zip(&mut optimizer.moments) {
        for (kind, data) in [("first", m), ("second", v), ("weight", data)] {
            let view = file.tensor(&format!("{kind}.{name}"))?;
            if view.shape() != shape {
                let why = format!("has {kind}.{name} of shape {:?}, not {shape:?}", view.shape());
                return Err(LabError::Checkpoint(path.into(), why));
            }
            *data = numbers(path, &view)?;
        }
    }
    optimizer.step = progress.step;
    Ok(progress)
}

fn numbers(path: &Path, view: &TensorView<'_>) -> Result<Vec<f32>, LabError> {
    match view.dtype() {
        Dtype::F32 => Ok(view.data().as_chunks::<4>().0.iter().map(|x| f32::from_le_bytes(*x)).collect()),
        other => Err(LabError::Checkpoint(path.into(), format!("has numbers of type {other:?}, not F32"))),
    }
}
