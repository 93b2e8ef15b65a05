//! Families: the architectures that can be computed. A new one is a file here and a line in [`Model::load`] and
//! [`check`].

mod llama;

use std::sync::atomic::AtomicBool;

use crate::blocks::{Cache, CacheFull};
use crate::gguf::{GgufError, Header};
use crate::weights::Weights;

/// Names in `general.architecture`.
pub const SUPPORTED: &[&str] = &["llama"];

#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    #[error(transparent)]
    File(#[from] GgufError),
    /// A sound file of a kind that is not computed here.
    #[error("{path}: {why}")]
    Unsupported { path: String, why: String },
}

impl ModelError {
    pub(crate) fn unsupported(header: &Header, why: impl Into<String>) -> Self {
        ModelError::Unsupported { path: header.path().display().to_string(), why: why.into() }
    }
}

/// A forward pass that gave nothing.
#[derive(Debug, thiserror::Error)]
pub enum ForwardError {
    #[error("stopped")]
    Stopped,
    #[error(transparent)]
    CacheFull(#[from] CacheFull),
}

/// Sizes of a model that every family has.
#[derive(Clone, Debug, PartialEq)]
pub struct Shape {
    pub layers: usize,
    pub width: usize,
    pub heads: usize,
    pub kv_heads: usize,
    pub head_width: usize,
    /// Width of the feed-forward part, of one expert in a mixture.
    pub feed: usize,
    pub vocabulary: usize,
    /// Tokens that the model was made for.
    pub context: usize,
    /// 0: no mixture.
    pub experts: usize,
    pub experts_used: usize,
}

impl Shape {
    /// Bytes of the cache for one position.
    pub fn cache_bytes_per_token(&self) -> u64 {
        2 * 4 * (self.layers * self.kv_heads * self.head_width) as u64
    }

    /// Tokens that are computed together: as many as keep one layer's work well below the time in which a stop must
    /// be obeyed, and the buffers in some megabytes.
    pub fn chunk(&self) -> usize {
        let active = self.feed * self.experts_used.max(1) * 3;
        let layer = self.width * (active + (self.heads + self.kv_heads) * self.head_width * 2);
        let by_work = (1usize << 30) / layer.max(1);
        let by_memory = (1usize << 22) / self.width.max(self.feed).max(1);
        by_work.min(by_memory).clamp(1, 128)
    }
}

/// Which logits a pass gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Want {
    None,
    Last,
    All,
}

/// A model ready to compute.
pub enum Model {
    Llama(llama::Llama),
}

/// Checks everything that can be known without reading weights: hyper-parameters, every tensor's presence, shape and
/// type. Gives the sizes.
pub fn check(header: &Header) -> Result<Shape, ModelError> {
    match architecture(header)? {
        "llama" => llama::check(header),
        other => Err(unknown(header, other)),
    }
}

fn architecture(header: &Header) -> Result<&str, GgufError> {
    header
        .text("general.architecture")?
        .ok_or_else(|| header.error("general.architecture", "is absent: the file does not say what it is"))
}

fn unknown(header: &Header, architecture: &str) -> ModelError {
    let known = SUPPORTED.join(", ");
    ModelError::unsupported(
        header,
        format!("the architecture \"{architecture}\" is not supported; {known} is"),
    )
}

impl Model {
    pub fn load(header: &Header, weights: &Weights) -> Result<Model, ModelError> {
        match architecture(header)? {
            "llama" => Ok(Model::Llama(llama::Llama::load(header, weights)?)),
            other => Err(unknown(header, other)),
        }
    }

    pub fn shape(&self) -> &Shape {
        match self {
            Model::Llama(model) => model.shape(),
        }
    }

    /// An empty cache for this model.
    pub fn cache(&self) -> Cache {
        let shape = self.shape();
        Cache::new(shape.layers, shape.kv_heads * shape.head_width)
    }

    /// Continues the text in `cache` by `tokens` (all below the vocabulary; at most [`Shape::chunk`] at a time keeps
    /// buffers small). Logits: (1 or tokens, vocabulary). When it fails the cache is as before.
    pub fn forward(
        &self,
        tokens: &[u32],
        cache: &mut Cache,
        want: Want,
        stop: &AtomicBool,
    ) -> Result<Vec<f32>, ForwardError> {
        cache.reserve(tokens.len())?;
        let result = match self {
            Model::Llama(model) => model.forward(tokens, cache, want, stop),
        };
        if result.is_err() {
            cache.roll_back();
        }
        result
    }
}
