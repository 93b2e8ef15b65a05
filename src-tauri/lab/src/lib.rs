//! The lab: looks into models and trains small ones. It writes its own texts ([`data`]), learns a tokenizer from them
//! ([`tokenizer`]), trains a decoder ([`train`]) and writes it as a GGUF file that any software opens ([`export`]).

pub mod accuracy;
pub mod data;
pub mod export;
pub mod gate;
pub mod prune;
pub mod recipes;
pub mod scorer;
pub mod starters;
pub mod tokenizer;
pub mod train;
pub mod vectors;

use std::path::PathBuf;

/// What can go wrong in the lab.
#[derive(Debug, thiserror::Error)]
pub enum LabError {
    #[error("{path}: {why}", path = .0.display(), why = .1)]
    File(PathBuf, std::io::Error),
    #[error("{path}: the checkpoint {why}; delete the folder to start again", path = .0.display(), why = .1)]
    Checkpoint(PathBuf, String),
    #[error("the loss is {loss} at step {step}: lower the learning rate")]
    Diverged { step: u64, loss: f32 },
    #[error("tokenizer: {0}")]
    Tokenizer(String),
    #[error("no recipe is called {0}")]
    NoRecipe(String),
    #[error(transparent)]
    Host(#[from] runtime::host::HostError),
    #[error(transparent)]
    Gate(#[from] runtime::classifier::ClassifierError),
    #[error(transparent)]
    Encoder(#[from] runtime::embed::EmbedError),
    #[error(transparent)]
    Vectors(#[from] runtime::embed::TableError),
    #[error("say which encoder the vectors are distilled from: --encoder FOLDER")]
    NoEncoder,
    #[error(transparent)]
    Gguf(#[from] runtime::gguf::GgufError),
    #[error(transparent)]
    Tensor(#[from] safetensors::SafeTensorError),
    #[error(transparent)]
    Json(#[from] serde_json::Error),
}

impl From<tokenizers::Error> for LabError {
    fn from(error: tokenizers::Error) -> LabError {
        LabError::Tokenizer(error.to_string())
    }
}
