//! What a decoder looks like: every size and switch in which families differ. A family starts from what a file's keys say
//! of all of them ([`Shape::read`]) and changes what is its own.

use super::ModelError;
use super::keys::{Keys, LAYERS, SIZE};
use crate::blocks::Score;
use crate::blocks::{Activation, NormKind, Pairs, Routing, Scores, Yarn};
use crate::cache::KvType;

/// A model's sizes and switches.
#[derive(Clone, Debug, PartialEq)]
pub struct Shape {
    pub layers: usize,
    pub width: usize,
    pub vocabulary: usize,
    /// Tokens that the model was made for.
    pub context: usize,
    /// How the cache keeps its numbers.
    pub kv_type: KvType,
    /// Width of the feed-forward part of a layer without a mixture.
    pub feed: usize,
    pub activation: Activation,
    /// Gate and up are one matrix.
    pub joined_feed: bool,
    pub mixture: Option<MixtureShape>,

    pub heads: usize,
    pub kv_heads: usize,
    /// Of one head as it is attended with.
    pub key_width: usize,
    pub value_width: usize,
    pub latent: Option<LatentShape>,
    pub head_norm: HeadNorm,
    /// Queries, keys and values must have a bias; else it may be there.
    pub biased: bool,
    /// Each head has a score that takes attention away.
    pub sinks: bool,
    pub score: Score,
    /// Queries grow with the position.
    pub temperature: Option<Temperature>,
    pub rope: RopeShape,
    /// Of the layers that see a window.
    pub local_rope: Option<RopeShape>,
    /// For each layer: positions are told.
    pub turned: Vec<bool>,
    /// Positions that a local layer sees.
    pub window: Option<usize>,
    /// For each layer: it sees a window.
    pub local: Vec<bool>,

    pub norm: NormKind,
    pub epsilon: f32,
    pub norms: Norms,
    /// The norm before the feed-forward part has the name that others give to the one after attention.
    pub feed_norm_name: &'static str,
    pub embedding_scale: f32,
    pub residual_scale: f32,
    pub logit_scale: f32,
    pub logit_cap: Option<f32>,
}

/// Where the norms of a layer lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Norms {
    Before,
    /// Between a part and the sum that it is added to.
    After,
    Around,
    /// One norm before attention and feed-forward, which are computed from the same numbers.
    Parallel,
}

/// Norms of queries and keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeadNorm {
    None,
    /// Every head by itself, with the same weights.
    Head,
    /// Every head by itself, with its own weights.
    Each,
    /// All heads together.
    Whole,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MixtureShape {
    pub experts: usize,
    /// Width of one expert.
    pub feed: usize,
    pub routing: Routing,
    /// Layers at the start that have no mixture.
    pub leading: usize,
    /// Width of what is computed for every token; 0 for nothing.
    pub shared: usize,
    /// That has a gate of its own.
    pub shared_gate: bool,
    /// Router and experts have biases.
    pub biased: bool,
}

/// Keys and values of all heads in one short vector (arXiv:2405.04434).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LatentShape {
    /// Numbers of the short vector.
    pub rank: usize,
    /// Queries come from a short vector too.
    pub query_rank: Option<usize>,
    /// Numbers of a key of one head that know no position, and those that do.
    pub plain: usize,
    pub turned: usize,
    /// Of a value of one head.
    pub value: usize,
    /// Keys and values are unpacked by one matrix.
    pub joined: bool,
}

/// Queries are multiplied by 1 + beta · ln(1 + ⌊position / length⌋). Source: Llama 4's model card.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Temperature {
    pub beta: f32,
    pub length: usize,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RopeShape {
    /// Numbers of a head that are turned.
    pub dims: usize,
    pub base: f32,
    pub pairs: Pairs,
    pub scaling: Scaling,
    /// What is turned is multiplied by this.
    pub magnitude: f32,
    /// Texts of more tokens than this get the file's long factors, others its short ones.
    pub original: usize,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Scaling {
    /// Positions are squeezed; 1 is none.
    Linear(f32),
    Yarn(Yarn),
}

impl Shape {
    /// What the keys say that all families have, with the switches as Llama has them.
    pub(super) fn read(keys: &Keys<'_>) -> Result<Shape, ModelError> {
        let header = keys.header;
        if header.tensors().is_empty() {
            return Err(keys.unsupported("there are no weights in the file, only a vocabulary"));
        }
        let layers = keys.needed("block_count", LAYERS)?;
        let width = keys.needed("embedding_length", SIZE)?;
        let feed = keys.needed("feed_forward_length", SIZE)?;
        let context = keys.needed("context_length", 1 << 31)?;
        let heads = keys.needed("attention.head_count", SIZE)?;
        let kv_heads = keys.size("attention.head_count_kv", SIZE)?.unwrap_or(heads);
        if !heads.is_multiple_of(kv_heads) {
            let why = format!("{kv_heads} does not divide the {heads} heads");
            return Err(keys.error("attention.head_count_kv", why));
        }
        let key_width = match keys.size("attention.key_length", SIZE)? {
            Some(key_width) => key_width,
            None if width.is_multiple_of(heads) => width / heads,
            None => {
                let why = format!("{heads} heads do not divide the width {width}");
                return Err(keys.error("attention.head_count", why));
            }
        };
        let value_width = keys.size("attention.value_length", SIZE)?.unwrap_or(key_width);
        let (norm, epsilon) = epsilon(keys)?;
        let (experts, used) = keys.experts()?;
        let expert_feed = keys.size("expert_feed_forward_length", SIZE)?.unwrap_or(feed);
        let mixture = (experts > 0).then_some(MixtureShape {
            experts,
            feed: expert_feed,
            routing: Routing { used, scores: Scores::Softmax, normalised: true, scale: 1.0 },
            leading: 0,
            shared: 0,
            shared_gate: false,
            biased: false,
        });
        Ok(Shape {
            layers,
            width,
            vocabulary: vocabulary(keys)?,
            context,
            kv_type: KvType::of(header),
            feed,
            activation: Activation::Silu,
            joined_feed: false,
            mixture,
            heads,
            kv_heads,
            key_width,
            value_width,
            latent: None,
            head_norm: HeadNorm::None,
            biased: false,
            sinks: false,
            score: Score { scale: 1.0 / (key_width as f32).sqrt(), cap: None },
            temperature: None,
            rope: RopeShape::read(keys, key_width, context)?,
            local_rope: None,
            turned: vec![true; layers],
            window: None,
            local: vec![false; layers],
            norm,
            epsilon,
            norms: Norms::Before,
            feed_norm_name: "ffn_norm",
            embedding_scale: 1.0,
            residual_scale: 1.0,
            logit_scale: 1.0,
            logit_cap: None,
        })
    }

    /// The mixture that a family must have.
    pub(super) fn needed_mixture(&mut self, keys: &Keys<'_>) -> Result<&mut MixtureShape, ModelError> {
        let why = "is absent or 0, but this architecture is a mixture";
        self.mixture.as_mut().ok_or_else(|| keys.error("expert_count", why))
    }

    /// Experts of a layer's mixture; 0: none.
    pub fn experts(&self) -> usize {
        self.mixture.map_or(0, |mixture| mixture.experts)
    }

    pub(super) fn mixture_of(&self, layer: usize) -> Option<&MixtureShape> {
        self.mixture.as_ref().filter(|mixture| layer >= mixture.leading)
    }

    /// Numbers of the cache for one position in one layer: keys, and values where they are not a part of them.
    pub fn cache_widths(&self) -> (usize, usize) {
        match &self.latent {
            Some(latent) => (latent.rank + latent.turned, 0),
            None => (self.kv_heads * self.key_width, self.kv_heads * self.value_width),
        }
    }

    /// Bytes of the cache for one position.
    pub fn cache_bytes_per_token(&self) -> u64 {
        let (keys, values) = self.cache_widths();
        (self.layers * (self.kv_type.bytes_of(keys) + self.kv_type.bytes_of(values))) as u64
    }

    /// Widest feed-forward part that a token goes through.
    fn widest_feed(&self) -> usize {
        self.mixture.map_or(self.feed, |mixture| self.feed.max(mixture.feed).max(mixture.shared))
    }

    /// Numbers that a pass keeps for each of its tokens.
    pub fn working_values(&self) -> usize {
        let heads = 2 * self.heads * (self.key_width + self.value_width);
        let cached = 2 * self.kv_heads * (self.key_width + self.value_width);
        6 * self.width + 4 * self.widest_feed() + heads + cached
    }

    /// Tokens that are computed together: as many as keep one layer's work well below the time in which a stop must
    /// be obeyed, and the buffers in some megabytes.
    pub fn chunk(&self) -> usize {
        let active = match &self.mixture {
            Some(mixture) => self.feed.max(mixture.feed * mixture.routing.used + mixture.shared),
            None => self.feed,
        };
        let attention = (self.heads + self.kv_heads) * (self.key_width + self.value_width);
        let layer = self.width * (3 * active + attention);
        let by_work = (1usize << 30) / layer.max(1);
        let by_memory = (1usize << 22) / self.width.max(self.widest_feed()).max(1);
        by_work.min(by_memory).clamp(1, 128)
    }
}

fn epsilon(keys: &Keys<'_>) -> Result<(NormKind, f32), ModelError> {
    const ROOT: &str = "attention.layer_norm_rms_epsilon";
    if let Some(epsilon) = keys.positive(ROOT)? {
        return Ok((NormKind::RootMeanSquare, epsilon));
    }
    match keys.positive("attention.layer_norm_epsilon")? {
        Some(epsilon) => Ok((NormKind::Layer, epsilon)),
        None => Err(keys.error(ROOT, "is absent")),
    }
}

fn vocabulary(keys: &Keys<'_>) -> Result<usize, ModelError> {
    let header = keys.header;
    let vocabulary = header
        .tensor("token_embd.weight")
        .and_then(|tensor| tensor.dims.get(1).copied())
        .ok_or_else(|| header.error("token_embd.weight", "the tensor is absent or has one dimension"))?;
    if vocabulary > SIZE {
        return Err(header.error("token_embd.weight", format!("{vocabulary} tokens are too many")).into());
    }
    let own = format!("{}.vocab_size", keys.architecture);
    let tokens = "tokenizer.ggml.tokens";
    for (key, count) in [
        (own.as_str(), header.u64(&own)?),
        (tokens, header.strings(tokens)?.map(|tokens| tokens.len() as u64)),
    ] {
        if let Some(count) = count.filter(|&count| count != vocabulary) {
            let why = format!("{count} tokens, but token_embd.weight has {vocabulary} rows");
            return Err(header.error(key, why).into());
        }
    }
    Ok(vocabulary as usize)
}

impl RopeShape {
    /// `width`: of a head. Kinds of scaling that are not known are refused: ignoring them gives text that is wrong
    /// without a sign.
    fn read(keys: &Keys<'_>, width: usize, context: usize) -> Result<RopeShape, ModelError> {
        let dims = keys.size("rope.dimension_count", SIZE)?.unwrap_or(width);
        if !dims.is_multiple_of(2) || dims > width {
            let why = format!("{dims} is not an even number up to the head width {width}");
            return Err(keys.error("rope.dimension_count", why));
        }
        let base = keys.positive("rope.freq_base")?.unwrap_or(10_000.0);
        if base <= 1.0 {
            return Err(keys.error("rope.freq_base", format!("{base} is not above 1")));
        }
        let original = keys.size("rope.scaling.original_context_length", 1 << 31)?.unwrap_or(context);
        let factor = keys.optional("rope.scaling.factor")?;
        let old = keys.optional("rope.scale_linear")?;
        let mut magnitude = keys.positive("rope.scaling.attn_factor")?.unwrap_or(1.0);
        let scaling = match keys.text("rope.scaling.type")? {
            None | Some("linear") => Scaling::Linear(factor.or(old).unwrap_or(1.0)),
            Some("none" | "longrope") => Scaling::Linear(1.0),
            Some("yarn") => {
                let yarn = Yarn {
                    factor: factor.unwrap_or(1.0),
                    original: original as f32,
                    fast: keys.positive("rope.scaling.yarn_beta_fast")?.unwrap_or(32.0),
                    slow: keys.positive("rope.scaling.yarn_beta_slow")?.unwrap_or(1.0),
                    whole: true,
                };
                magnitude *= match keys.positive("rope.scaling.yarn_attn_factor")? {
                    Some(magnitude) => magnitude,
                    None => yarn_magnitude(yarn.factor, 1.0),
                };
                Scaling::Yarn(yarn)
            }
            Some(other) => {
                let known = "\"none\", \"linear\", \"yarn\" and \"longrope\" are";
                return Err(keys.unsupported(format!("rope scaling \"{other}\" is not supported; {known}")));
            }
        };
        Ok(RopeShape { dims, base, pairs: Pairs::Neighbours, scaling, magnitude, original })
    }

    /// The same without scaling, for layers that see a window.
    pub(super) fn plain(self, base: f32) -> RopeShape {
        RopeShape { base, scaling: Scaling::Linear(1.0), magnitude: 1.0, ..self }
    }
}

/// By how much YaRN magnifies for each side of the product. Source: arXiv:2309.00071, eq. 22, with a weight.
pub(super) fn yarn_magnitude(factor: f32, weight: f32) -> f32 {
    if factor <= 1.0 { 1.0 } else { 0.1 * weight * factor.ln() + 1.0 }
}
