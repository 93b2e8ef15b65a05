//! Inspect: what a model file is and what it needs, from its header alone.
//!
//! In:     a path
//! Out:    [`Facts`]
//! Fails:  [`GgufError`] when the file is not what it claims; a sound file of an unknown kind is a fact, not an error
//! Cost:   reads the header, no weights

use std::path::Path;

use serde::Serialize;

use crate::families::{self, ModelError};
use crate::gguf::{GgufError, Header};
use crate::sample::Sampling;
use crate::tokenizer::Tokenizer;

/// Memory of an expert's process besides weights and cache, measured on Linux (about 8 MB) and rounded up.
const PROCESS_BYTES: u64 = 16 << 20;
/// The memory figure counts a cache for this many tokens, or for the model's whole context when that is less.
pub const COUNTED_CONTEXT: u64 = 4096;

/// What a model file is.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Facts {
    pub name: Option<String>,
    pub license: Option<String>,
    pub architecture: String,
    /// It can be loaded here.
    pub supported: bool,
    /// Why it cannot.
    pub why_not: Option<String>,
    pub parameters: u64,
    /// The storage type of most of its bytes; "none" without tensors.
    pub quantisation: String,
    pub context_length: Option<u64>,
    /// Experts of a mixture; 0 for a dense model.
    pub experts: u64,
    pub experts_used: u64,
    pub tokenizer: Option<String>,
    /// The file brings its own chat template.
    pub chat_template: bool,
    pub size_bytes: u64,
    /// Mapped weights and the process, and for a supported model a cache for up to 4,096 tokens and buffers.
    pub memory_needed_bytes: u64,
    pub vocabulary: Option<u64>,
    pub cache_bytes_per_token: Option<u64>,
    pub tensors: u64,
    pub gguf_version: u32,
    /// As its maker recommends; greedy where the file says nothing.
    pub sampling: Sampling,
}

/// Looks at the file at `path`.
pub fn inspect(path: &Path) -> Result<Facts, GgufError> {
    facts(&Header::read(path)?)
}

/// What a checked header says.
pub fn facts(header: &Header) -> Result<Facts, GgufError> {
    let architecture = header
        .text("general.architecture")?
        .ok_or_else(|| header.error("general.architecture", "is absent: the file does not say what it is"))?;
    let key = |name: &str| header.u64(&format!("{architecture}.{name}"));
    let (shape, mut why_not) = match families::check(header) {
        Ok(shape) => (Some(shape), None),
        Err(ModelError::Unsupported { why, .. }) => (None, Some(why)),
        Err(ModelError::File(error)) => return Err(error),
    };
    if why_not.is_none() {
        why_not = Tokenizer::why_not(header)?;
    }
    let buffers = |shape: &families::Shape| {
        (4 * (shape.chunk() * shape.working_values() + 2 * shape.vocabulary)) as u64
    };
    let working = shape.as_ref().map_or(0, |shape| {
        shape.cache_bytes_per_token() * COUNTED_CONTEXT.min(shape.context as u64) + buffers(shape)
    });
    let tokens = header.strings("tokenizer.ggml.tokens")?.map(|tokens| tokens.len() as u64);
    Ok(Facts {
        name: header.text("general.name")?.map(str::to_owned),
        license: header.text("general.license")?.map(str::to_owned),
        architecture: architecture.to_owned(),
        supported: why_not.is_none(),
        why_not,
        parameters: parameters(header),
        quantisation: quantisation(header),
        context_length: key("context_length")?,
        experts: key("expert_count")?.unwrap_or(0),
        experts_used: key("expert_used_count")?.unwrap_or(0),
        tokenizer: Tokenizer::name_in(header)?,
        chat_template: header.text("tokenizer.chat_template")?.is_some(),
        size_bytes: header.size(),
        memory_needed_bytes: header.size().saturating_add(working).saturating_add(PROCESS_BYTES),
        vocabulary: shape.as_ref().map(|shape| shape.vocabulary as u64).or(tokens),
        cache_bytes_per_token: shape.as_ref().map(|shape| shape.cache_bytes_per_token()),
        tensors: header.tensors().len() as u64,
        gguf_version: header.version(),
        sampling: sampling(header),
    })
}

/// The keys of llama.cpp's converter. Advice that makes no sense is passed over: the model is none the worse.
fn sampling(header: &Header) -> Sampling {
    let number = |name: &str, from: f32, to: f32| {
        let number = header.f32(&format!("general.sampling.{name}")).ok().flatten();
        number.filter(|number| (from..=to).contains(number))
    };
    let usual = Sampling::default();
    Sampling {
        temperature: number("temp", 0.0, 5.0).unwrap_or(usual.temperature),
        top_k: header.u32("general.sampling.top_k").ok().flatten().unwrap_or(usual.top_k),
        top_p: number("top_p", f32::MIN_POSITIVE, 1.0).unwrap_or(usual.top_p),
        min_p: number("min_p", 0.0, 1.0).unwrap_or(usual.min_p),
        repeat_penalty: number("penalty_repeat", 0.1, 10.0).unwrap_or(usual.repeat_penalty),
        ..usual
    }
}

/// Trained numbers: all tensors but the tables of rope factors.
pub fn parameters(header: &Header) -> u64 {
    let tables = ["rope_freqs.weight", "rope_factors_long.weight", "rope_factors_short.weight"];
    let trained = header.tensors().iter().filter(|tensor| !tables.contains(&tensor.name.as_str()));
    trained.map(|tensor| tensor.values()).fold(0, u64::saturating_add)
}

fn quantisation(header: &Header) -> String {
    let mut sizes: Vec<(&str, u64)> = Vec::new();
    for tensor in header.tensors() {
        let name = tensor.dtype.name();
        match sizes.iter_mut().find(|(known, _)| *known == name) {
            Some((_, bytes)) => *bytes += tensor.bytes,
            None => sizes.push((name, tensor.bytes)),
        }
    }
    sizes.into_iter().max_by_key(|(_, bytes)| *bytes).map_or("none", |(name, _)| name).to_owned()
}
