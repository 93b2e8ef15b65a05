//! Families: the architectures that can be computed, all by one decoder over the shared blocks. A new one is a file here
//! that says in what it differs, and a line in [`FAMILIES`].

mod decoder;
mod deepseek2;
mod gemma;
mod glm4;
mod gpt_oss;
mod granite;
mod keys;
mod llama;
mod olmo;
mod parts;
mod phi3;
mod qwen;
mod shape;
mod smollm3;
mod stablelm;

use std::collections::HashSet;
use std::sync::atomic::AtomicBool;

use crate::blocks::{Cache, CacheFull, Mixture, Network, Observer};
use crate::device::{self, Device, DeviceError, Upper};
use crate::gguf::{GgufError, Header};
use crate::weights::Weights;
use decoder::Decoder;
pub(crate) use decoder::Stretch;
use keys::Keys;
#[cfg(feature = "gpu")]
pub(crate) use parts::{
    AttentionParts, FeedParts, LayerParts, LinearParts, NetworkParts, NormParts, Projections, Queries, Up,
};
use parts::{FromHeader, parts};
pub(crate) use parts::{FromWeights, Parts};
pub use shape::{HeadNorm, LatentShape, MixtureShape, Norms, RopeShape, Scaling, Shape, Temperature};

type Read = fn(&Keys<'_>) -> Result<Shape, ModelError>;

/// Names in `general.architecture`, and what reads their keys.
const FAMILIES: &[(&str, Read)] = &[
    ("deepseek2", deepseek2::deepseek2),
    ("gemma2", gemma::gemma2),
    ("gemma3", gemma::gemma3),
    ("glm4", glm4::glm4),
    ("gpt-oss", gpt_oss::gpt_oss),
    ("granite", granite::granite),
    ("granitemoe", granite::granitemoe),
    ("llama", llama::llama),
    ("mistral3", llama::mistral3),
    ("olmo2", olmo::olmo2),
    ("olmoe", olmo::olmoe),
    ("phi3", phi3::phi3),
    ("qwen2", qwen::qwen2),
    ("qwen2moe", qwen::qwen2moe),
    ("qwen3", qwen::qwen3),
    ("qwen3moe", qwen::qwen3moe),
    ("smollm3", smollm3::smollm3),
    ("stablelm", stablelm::stablelm),
];

/// The architectures that can be computed, as `general.architecture` names them.
pub fn names() -> impl Iterator<Item = &'static str> {
    FAMILIES.iter().map(|(name, _)| *name)
}

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
    #[error(transparent)]
    Device(#[from] DeviceError),
}

/// Which logits a pass gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Want {
    None,
    Last,
    All,
}

/// One text in a pass.
pub struct Text<'a> {
    /// The next ones, at least one.
    pub tokens: &'a [u32],
    /// Of what comes before them.
    pub cache: &'a mut Cache,
    /// See [`Pass::length`].
    pub length: usize,
}

/// What a pass is asked for.
pub struct Pass<'a> {
    pub want: Want,
    pub stop: &'a AtomicBool,
    /// Tokens that the text will have, where that is known: some models read long texts in another way from the start.
    pub length: usize,
    /// Sees what the mixtures do.
    pub observer: Option<&'a mut dyn Observer>,
    /// (layers, experts): true may not be chosen. A layer that is absent or empty leaves nobody out; no layers: those of
    /// [`Model::leave_out`].
    pub excluded: &'a [Vec<bool>],
}

impl<'a> Pass<'a> {
    /// A pass at which nobody looks.
    pub fn new(want: Want, stop: &'a AtomicBool) -> Pass<'a> {
        Pass { want, stop, length: 0, observer: None, excluded: &[] }
    }
}

/// Layers that cannot be computed on a device.
#[derive(Debug, thiserror::Error)]
pub enum PlaceError {
    #[error(transparent)]
    Model(#[from] ModelError),
    #[error(transparent)]
    Device(#[from] DeviceError),
}

/// A model ready to compute.
pub struct Model {
    decoder: Decoder,
    /// Left out of every pass that leaves nobody else out; as in [`Pass::excluded`].
    mask: Vec<Vec<bool>>,
}

/// Checks everything that can be known without reading weights: hyper-parameters, every tensor's presence, shape and
/// type. Gives the sizes.
pub fn check(header: &Header) -> Result<Shape, ModelError> {
    let architecture = header
        .text("general.architecture")?
        .ok_or_else(|| header.error("general.architecture", "is absent: the file does not say what it is"))?;
    let Some((_, read)) = FAMILIES.iter().find(|(name, _)| *name == architecture) else {
        let known = FAMILIES.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
        let why = format!("the architecture \"{architecture}\" is not supported; {known} are");
        return Err(ModelError::unsupported(header, why));
    };
    let keys = Keys::new(header, architecture);
    let shape = read(&keys)?;
    keys.all_read()?;
    let mut source = FromHeader { header, used: HashSet::new() };
    parts(&shape, &mut source)?;
    // A tensor that is not read would be computed without, and the text be wrong without a sign.
    if let Some(unread) = header.tensors().iter().find(|tensor| !source.used.contains(&tensor.name)) {
        let why = format!("it has the tensor \"{}\", which this architecture does not use here", unread.name);
        return Err(ModelError::unsupported(header, why));
    }
    Ok(shape)
}

impl Model {
    pub fn load(header: &Header, weights: &Weights) -> Result<Model, ModelError> {
        let shape = check(header)?;
        let parts = parts(&shape, &mut FromWeights { header, weights })?;
        let [long, short] = match &parts.length_factors {
            Some([long, short]) => [Some(long), Some(short)],
            None => [None, None],
        };
        for (name, factors) in [
            ("rope_freqs.weight", parts.rope_factors.as_ref()),
            ("rope_factors_long.weight", long),
            ("rope_factors_short.weight", short),
        ] {
            let bad = |factor: &&f32| !(factor.is_finite() && **factor > 0.0);
            if let Some(factor) = factors.and_then(|factors| factors.iter().find(bad)) {
                return Err(header.error(name, format!("the factor {factor} is not above 0")).into());
            }
        }
        Ok(Model { decoder: Decoder::new(shape, parts), mask: Vec::new() })
    }

    /// The same model with its layers from `lowest` on on a device. `header`, `weights`: those it was loaded from.
    pub fn place(
        self,
        header: &Header,
        weights: &Weights,
        device: &Device,
        lowest: usize,
    ) -> Result<Model, PlaceError> {
        let parts = parts(self.shape(), &mut FromWeights { header, weights })?;
        let upper = Upper::load(self.shape(), parts, lowest, device)?;
        Ok(Model { decoder: self.decoder.below(upper), mask: self.mask })
    }

    pub fn shape(&self) -> &Shape {
        self.decoder.shape()
    }

    /// Where the upper layers are computed, if not on the processor, and the lowest of them.
    pub fn device(&self) -> Option<(&Device, usize)> {
        self.decoder.upper().map(|upper| (upper.device(), upper.lowest()))
    }

    /// Tokens that are computed together; see [`Shape::chunk`].
    pub fn chunk(&self) -> usize {
        match self.device() {
            Some((_, 0)) => device::CHUNK,
            _ => self.shape().chunk(),
        }
    }

    /// The layers of the processor that have a mixture, and it.
    pub fn mixtures(&self) -> impl Iterator<Item = (usize, &Mixture)> {
        (0..self.shape().layers).filter_map(|layer| Some((layer, self.decoder.mixture(layer)?)))
    }

    /// From now on these experts are left out of every pass. (layers, experts), no line for a layer without a mixture.
    /// `Err`: why that does not fit this model.
    pub fn leave_out(&mut self, mask: Vec<Vec<bool>>) -> Result<(), String> {
        let shape = self.shape();
        for layer in 0..mask.len().max(shape.layers) {
            let out = mask.get(layer).map_or(&[][..], Vec::as_slice);
            let mixture = shape.mixture_of(layer).filter(|_| layer < shape.layers);
            let (experts, used) = mixture.map_or((0, 0), |mixture| (mixture.experts, mixture.routing.used));
            let left = out.iter().filter(|out| !**out).count();
            if !out.is_empty() && (out.len() != experts || left < used) {
                return Err(format!(
                    "layer {layer} has {experts} experts, {used} of them used for a token, and the mask leaves {left} of {}",
                    out.len()
                ));
            }
        }
        self.mask = mask;
        Ok(())
    }

    /// The experts of these layers change places with those of the model.
    pub fn exchange(&mut self, experts: &mut [(usize, Vec<Network>)]) {
        for (layer, others) in experts {
            if let Some(mixture) = self.decoder.mixture_mut(*layer) {
                std::mem::swap(&mut mixture.experts, others);
            }
        }
    }

    /// An empty cache for this model.
    pub fn cache(&self) -> Cache {
        let shape = self.shape();
        let (keys, values) = shape.cache_widths();
        match self.decoder.upper() {
            None => Cache::new(shape.kv_type, shape.layers, keys, values),
            Some(upper) => Cache::new(shape.kv_type, upper.lowest(), keys, values).below(upper.cache(shape)),
        }
    }

    /// Whether a text of `length` tokens is long for this model, which then reads all of it in another way.
    pub fn reads_as_long(&self, length: usize) -> bool {
        self.decoder.reads_as_long(length)
    }

    /// Continues the text in `cache` by `tokens` (all below the vocabulary; at most [`Model::chunk`] at a time keeps
    /// buffers small). Logits: (1 or tokens, vocabulary). When it fails the cache is as before.
    pub fn forward(
        &self,
        tokens: &[u32],
        cache: &mut Cache,
        want: Want,
        stop: &AtomicBool,
    ) -> Result<Vec<f32>, ForwardError> {
        self.pass(tokens, cache, Pass::new(want, stop))
    }

    /// [`Model::forward`], with somebody who looks or with experts left out.
    pub fn pass(&self, tokens: &[u32], cache: &mut Cache, pass: Pass<'_>) -> Result<Vec<f32>, ForwardError> {
        let length = pass.length;
        self.pass_together(&mut [Text { tokens, cache, length }], pass)
    }

    /// [`Model::pass`] for several texts at once, so that the weights are read once for all of them. Logits: (texts or
    /// tokens, vocabulary), for each text bit by bit what it gets alone. When it fails all caches are as before.
    pub fn pass_together(&self, texts: &mut [Text<'_>], pass: Pass<'_>) -> Result<Vec<f32>, ForwardError> {
        let Pass { want, stop, length, observer, excluded } = pass;
        let excluded = if excluded.is_empty() { &self.mask[..] } else { excluded };
        #[expect(
            clippy::needless_match,
            reason = "whoever looks on is lent for a shorter time, as long as the mask lives"
        )]
        let observer: Option<&mut dyn Observer> = match observer {
            Some(observer) => Some(observer),
            None => None,
        };
        let mut pass = Pass { want, stop, length, observer, excluded };
        for text in texts.iter_mut() {
            text.cache.reserve(text.tokens.len())?;
        }
        let result = self.decoder.forward(texts, &mut pass);
        crate::host::step();
        if result.is_err() {
            texts.iter_mut().for_each(|text| text.cache.roll_back());
        }
        result
    }
}
