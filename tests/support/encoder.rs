//! A small random encoder, as `embed.py` makes it.

// Each journey uses a part of this; a helper that cannot go on fails its test.
#![allow(dead_code, clippy::unwrap_used)]

use crate::recipe::noise;
use serde_json::{Value, json};
use std::path::Path;

/// Names and shapes.
pub type Tensors = Vec<(String, Vec<usize>)>;

pub fn reference(name: &str) -> Value {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../runtime/reference").join(name);
    serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap()
}

/// The numbers of `embed.py`.
pub fn numbers(name: &str, count: usize) -> Vec<f32> {
    let around = if name.ends_with("LayerNorm.weight") { 1.0 } else { 0.0 };
    noise(name, count).map(|z| (around + (z >> 40) as f64 / f64::from(1 << 24) - 0.5) as f32).collect()
}

/// Tensors in the order of their names.
pub fn safetensors(path: &Path, tensors: &[(String, Vec<usize>)]) {
    let (mut header, mut data) = (serde_json::Map::new(), Vec::new());
    for (name, shape) in tensors {
        let from = data.len();
        data.extend(numbers(name, shape.iter().product()).iter().flat_map(|number| number.to_le_bytes()));
        header.insert(
            name.clone(),
            json!({"dtype": "F32", "shape": shape, "data_offsets": [from, data.len()]}),
        );
    }
    let header = Value::Object(header).to_string();
    let mut file = (header.len() as u64).to_le_bytes().to_vec();
    file.extend(header.as_bytes());
    file.extend(data);
    std::fs::write(path, file).unwrap();
}

pub fn tensors(small: &Value) -> Tensors {
    let shape =
        |shape: &Value| shape.as_array().unwrap().iter().map(|n| n.as_u64().unwrap() as usize).collect();
    small["tensors"].as_object().unwrap().iter().map(|(name, dims)| (name.clone(), shape(dims))).collect()
}

/// The small random encoder of the reference.
pub fn write_small(folder: &Path, small: &Value) {
    std::fs::create_dir_all(folder).unwrap();
    std::fs::write(folder.join("config.json"), small["config"].to_string()).unwrap();
    let words: String = small["words"]
        .as_array()
        .unwrap()
        .iter()
        .map(|word| format!("{}\n", word.as_str().unwrap()))
        .collect();
    std::fs::write(folder.join("vocab.txt"), words).unwrap();
    std::fs::write(folder.join("sentence_bert_config.json"), r#"{"max_seq_length": 32}"#).unwrap();
    safetensors(&folder.join("model.safetensors"), &tensors(small));
}

/// The same with vectors of 384 numbers, as all-MiniLM-L6-v2 makes them, and one layer.
pub fn wide(small: &Value) -> Value {
    let (width, inner, words) = (384, 64, small["words"].as_array().unwrap().len());
    let shapes = tensors(small).into_iter().filter(|(name, _)| !name.contains("layer.1."));
    let wider = |n: &usize| match *n {
        24 => width,
        40 => inner,
        other => other,
    };
    let wider = |shape: Vec<usize>| json!(shape.iter().map(wider).collect::<Vec<_>>());
    let mut wide = small.clone();
    wide["tensors"] =
        shapes.map(|(name, shape)| (name, wider(shape))).collect::<serde_json::Map<_, _>>().into();
    wide["config"] = json!({"vocab_size": words, "hidden_size": width, "num_hidden_layers": 1, "num_attention_heads": 12,
        "intermediate_size": inner, "max_position_embeddings": 32, "type_vocab_size": 2});
    wide
}
