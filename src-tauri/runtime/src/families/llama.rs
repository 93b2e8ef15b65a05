//! The Llama family, dense and mixture (Mixtral). Source: arXiv:2302.13971, arXiv:2307.09288, arXiv:2401.04088; names
//! and layout of tensors as GGUF files of architecture "llama" have them (queries and keys already permuted so that
//! neighbours are turned together).

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};

use super::{ForwardError, ModelError, Shape, Want};
use crate::blocks::{Attention, Cache, Feed, Linear, Network, Rope, Turn, add, rms_norm};
use crate::gguf::{GgufError, Header};
use crate::weights::{Matrix, Weights, tensor};

pub struct Llama {
    hyper: Hyper,
    /// (vocabulary, width)
    embedding: Matrix,
    layers: Vec<Layer>,
    norm: Vec<f32>,
    /// (vocabulary, width); the embedding when the file has no other.
    output: Matrix,
    rope: Rope,
}

struct Layer {
    attention_norm: Vec<f32>,
    q: Linear,
    k: Linear,
    v: Linear,
    o: Linear,
    feed_norm: Vec<f32>,
    feed: Feed,
}

struct Hyper {
    shape: Shape,
    epsilon: f32,
    rope_base: f32,
    rope_dims: usize,
    rope_scale: f32,
}

/// Largest of each size; several times what any model has, and far from where products wrap.
const LAYERS: u64 = 4096;
const SIZE: u64 = 1 << 24;

impl Hyper {
    fn read(header: &Header) -> Result<Hyper, ModelError> {
        let size = |key: &str, limit: u64| -> Result<Option<usize>, GgufError> {
            let key = format!("llama.{key}");
            match header.u64(&key)? {
                Some(value) if !(1..=limit).contains(&value) => {
                    Err(header.error(&key, format!("{value} is not between 1 and {limit}")))
                }
                value => Ok(value.map(|value| value as usize)),
            }
        };
        let needed = |key: &str, limit: u64| -> Result<usize, GgufError> {
            size(key, limit)?.ok_or_else(|| header.error(&format!("llama.{key}"), "is absent"))
        };
        if header.tensors().is_empty() {
            return Err(ModelError::unsupported(header, "there are no weights in the file, only a vocabulary"));
        }
        let layers = needed("block_count", LAYERS)?;
        let width = needed("embedding_length", SIZE)?;
        let feed = needed("feed_forward_length", SIZE)?;
        let context = needed("context_length", 1 << 31)?;
        let heads = needed("attention.head_count", SIZE)?;
        let kv_heads = size("attention.head_count_kv", SIZE)?.unwrap_or(heads);
        if !heads.is_multiple_of(kv_heads) {
            let why = format!("{kv_heads} does not divide the {heads} heads");
            return Err(header.error("llama.attention.head_count_kv", why).into());
        }
        let head_width = match size("attention.key_length", SIZE)? {
            Some(head_width) => head_width,
            None if width.is_multiple_of(heads) => width / heads,
            None => {
                let why = format!("{heads} heads do not divide the width {width}");
                return Err(header.error("llama.attention.head_count", why).into());
            }
        };
        let value_width = size("attention.value_length", SIZE)?.unwrap_or(head_width);
        if value_width != head_width {
            let why = format!("values of width {value_width} beside keys of width {head_width} are not supported");
            return Err(ModelError::unsupported(header, why));
        }
        let rope_dims = size("rope.dimension_count", SIZE)?.unwrap_or(head_width);
        if !rope_dims.is_multiple_of(2) || rope_dims > head_width {
            let why = format!("{rope_dims} is not an even number up to the head width {head_width}");
            return Err(header.error("llama.rope.dimension_count", why).into());
        }
        let epsilon = header
            .f32("llama.attention.layer_norm_rms_epsilon")?
            .ok_or_else(|| header.error("llama.attention.layer_norm_rms_epsilon", "is absent"))?;
        let rope_base = header.f32("llama.rope.freq_base")?.unwrap_or(10_000.0);
        for (key, value) in [("attention.layer_norm_rms_epsilon", epsilon), ("rope.freq_base", rope_base)] {
            if value <= 0.0 {
                return Err(header.error(&format!("llama.{key}"), format!("{value} is not above 0")).into());
            }
        }
        let (experts, experts_used) = mixture(header)?;
        let vocabulary = header
            .tensor("token_embd.weight")
            .and_then(|tensor| tensor.dims.get(1).copied())
            .ok_or_else(|| header.error("token_embd.weight", "the tensor is absent or has one dimension"))?;
        if vocabulary > SIZE {
            return Err(header.error("token_embd.weight", format!("{vocabulary} tokens are too many")).into());
        }
        for (key, count) in [
            ("llama.vocab_size", header.u64("llama.vocab_size")?),
            ("tokenizer.ggml.tokens", header.strings("tokenizer.ggml.tokens")?.map(|t| t.len() as u64)),
        ] {
            if let Some(count) = count.filter(|&count| count != vocabulary) {
                let why = format!("{count} tokens, but token_embd.weight has {vocabulary} rows");
                return Err(header.error(key, why).into());
            }
        }
        let rope_scale = scaling(header)?;
        let vocabulary = vocabulary as usize;
        let shape = Shape {
            layers,
            width,
            heads,
            kv_heads,
            head_width,
            feed,
            vocabulary,
            context,
            experts,
            experts_used,
        };
        Ok(Hyper { shape, epsilon, rope_base, rope_dims, rope_scale })
    }
}

/// (experts, experts for each token); zeros without a mixture.
fn mixture(header: &Header) -> Result<(usize, usize), ModelError> {
    let experts = header.u64("llama.expert_count")?.unwrap_or(0);
    let used = header.u64("llama.expert_used_count")?.unwrap_or(0);
    if experts > 4096 {
        return Err(header.error("llama.expert_count", format!("{experts} is more than 4096")).into());
    }
    if experts == 0 {
        return Ok((0, 0));
    }
    if used == 0 || used > experts {
        let why = format!("{used} is not between 1 and the {experts} experts");
        return Err(header.error("llama.expert_used_count", why).into());
    }
    Ok((experts as usize, used as usize))
}

/// By how much positions are squeezed. Other kinds of scaling are refused: ignoring them gives text that is wrong
/// without a sign.
fn scaling(header: &Header) -> Result<f32, ModelError> {
    let kind = header.text("llama.rope.scaling.type")?;
    let old = header.f32("llama.rope.scale_linear")?;
    let factor = match kind {
        None => old.unwrap_or(1.0),
        Some("none") => 1.0,
        Some("linear") => header.f32("llama.rope.scaling.factor")?.or(old).unwrap_or(1.0),
        Some(other) => {
            let why = format!("rope scaling \"{other}\" is not supported; \"none\" and \"linear\" are");
            return Err(ModelError::unsupported(header, why));
        }
    };
    // Files exist that write 0 for "no scaling".
    let factor = if factor == 0.0 { 1.0 } else { factor };
    if factor < 0.0 {
        return Err(header.error("llama.rope.scaling.factor", format!("{factor} is not above 0")).into());
    }
    Ok(factor)
}

/// What the loader asks of a file; the check answers from the header alone, loading answers with weights.
trait Source {
    type Matrix;
    type Vector;
    fn matrix(&mut self, name: String, columns: usize, rows: usize) -> Result<Self::Matrix, ModelError>;
    fn stack(
        &mut self,
        name: String,
        columns: usize,
        rows: usize,
        count: usize,
    ) -> Result<Vec<Self::Matrix>, ModelError>;
    fn vector(&mut self, name: String, length: usize) -> Result<Self::Vector, ModelError>;
}

struct FromHeader<'a> {
    header: &'a Header,
    used: HashSet<String>,
}

impl FromHeader<'_> {
    fn look(&mut self, name: String, dims: &[usize]) -> Result<(), ModelError> {
        let tensor = tensor(self.header, &name, dims)?;
        if !tensor.dtype.computable() {
            let why = format!("the tensor \"{name}\" is stored as {}, which is not supported", tensor.dtype.name());
            return Err(ModelError::unsupported(self.header, why));
        }
        self.used.insert(name);
        Ok(())
    }
}

impl Source for FromHeader<'_> {
    type Matrix = ();
    type Vector = ();
    fn matrix(&mut self, name: String, columns: usize, rows: usize) -> Result<(), ModelError> {
        self.look(name, &[columns, rows])
    }
    fn stack(&mut self, name: String, columns: usize, rows: usize, count: usize) -> Result<Vec<()>, ModelError> {
        self.look(name, &[columns, rows, count]).map(|()| vec![(); count])
    }
    fn vector(&mut self, name: String, length: usize) -> Result<(), ModelError> {
        self.look(name, &[length])
    }
}

struct FromWeights<'a> {
    header: &'a Header,
    weights: &'a Weights,
}

impl Source for FromWeights<'_> {
    type Matrix = Matrix;
    type Vector = Vec<f32>;
    fn matrix(&mut self, name: String, columns: usize, rows: usize) -> Result<Matrix, ModelError> {
        Ok(self.weights.matrix(self.header, &name, columns, rows)?)
    }
    fn stack(
        &mut self,
        name: String,
        columns: usize,
        rows: usize,
        count: usize,
    ) -> Result<Vec<Matrix>, ModelError> {
        Ok(self.weights.stack(self.header, &name, columns, rows, count)?)
    }
    fn vector(&mut self, name: String, length: usize) -> Result<Vec<f32>, ModelError> {
        Ok(self.weights.vector(self.header, &name, length)?)
    }
}

/// Everything that a file of this family holds.
struct Parts<S: Source> {
    embedding: S::Matrix,
    layers: Vec<LayerParts<S>>,
    norm: S::Vector,
    output: Option<S::Matrix>,
    rope_factors: Option<S::Vector>,
}

type Projection<S> = (<S as Source>::Matrix, Option<<S as Source>::Vector>);

struct LayerParts<S: Source> {
    attention_norm: S::Vector,
    /// Queries, keys, values, output.
    projections: [Projection<S>; 4],
    feed_norm: S::Vector,
    router: Option<S::Matrix>,
    /// (gate, up, down) of the one network or of every expert.
    networks: Vec<[S::Matrix; 3]>,
}

/// The one list of tensors of this family with their shapes.
fn parts<S: Source>(header: &Header, shape: &Shape, from: &mut S) -> Result<Parts<S>, ModelError> {
    let Shape { width, heads, kv_heads, head_width, feed, vocabulary, experts, .. } = *shape;
    let mut layers = Vec::new();
    for number in 0..shape.layers {
        let name = |part: &str| format!("blk.{number}.{part}");
        let (q, kv) = (heads * head_width, kv_heads * head_width);
        let mut project = |part: &str, columns, rows| -> Result<Projection<S>, ModelError> {
            let matrix = from.matrix(name(&format!("{part}.weight")), columns, rows)?;
            let bias = name(&format!("{part}.bias"));
            let bias = header.tensor(&bias).is_some().then(|| from.vector(bias.clone(), rows)).transpose()?;
            Ok((matrix, bias))
        };
        let projections = [
            project("attn_q", width, q)?,
            project("attn_k", width, kv)?,
            project("attn_v", width, kv)?,
            project("attn_output", q, width)?,
        ];
        let (router, networks) = if experts == 0 {
            let gate = from.matrix(name("ffn_gate.weight"), width, feed)?;
            let up = from.matrix(name("ffn_up.weight"), width, feed)?;
            (None, vec![[gate, up, from.matrix(name("ffn_down.weight"), feed, width)?]])
        } else {
            if header.tensor(&name("ffn_gate.0.weight")).is_some() {
                let why = "its experts are stored one by one, as before April 2024; a newer conversion is needed";
                return Err(ModelError::unsupported(header, why));
            }
            let router = from.matrix(name("ffn_gate_inp.weight"), width, experts)?;
            let gate = from.stack(name("ffn_gate_exps.weight"), width, feed, experts)?;
            let up = from.stack(name("ffn_up_exps.weight"), width, feed, experts)?;
            let down = from.stack(name("ffn_down_exps.weight"), feed, width, experts)?;
            let networks = gate.into_iter().zip(up).zip(down).map(|((gate, up), down)| [gate, up, down]);
            (Some(router), networks.collect())
        };
        layers.push(LayerParts {
            attention_norm: from.vector(name("attn_norm.weight"), width)?,
            projections,
            feed_norm: from.vector(name("ffn_norm.weight"), width)?,
            router,
            networks,
        });
    }
    let output = header.tensor("output.weight").is_some();
    let factors = header.tensor("rope_freqs.weight").map(|tensor| tensor.values() as usize);
    Ok(Parts {
        embedding: from.matrix("token_embd.weight".into(), width, vocabulary)?,
        layers,
        norm: from.vector("output_norm.weight".into(), width)?,
        output: output.then(|| from.matrix("output.weight".into(), width, vocabulary)).transpose()?,
        rope_factors: factors.map(|count| from.vector("rope_freqs.weight".into(), count)).transpose()?,
    })
}

/// Checks a file of this family from its header.
pub(super) fn check(header: &Header) -> Result<Shape, ModelError> {
    let hyper = Hyper::read(header)?;
    let mut source = FromHeader { header, used: HashSet::new() };
    parts(header, &hyper.shape, &mut source)?;
    if let Some(factors) = header.tensor("rope_freqs.weight")
        && factors.values() != hyper.rope_dims as u64 / 2
    {
        let why = format!("{} factors where {} belong", factors.values(), hyper.rope_dims / 2);
        return Err(header.error("rope_freqs.weight", why).into());
    }
    // A tensor that is not read would be computed without, and the text be wrong without a sign.
    if let Some(unread) = header.tensors().iter().find(|tensor| !source.used.contains(&tensor.name)) {
        let why = format!("it has the tensor \"{}\", which this architecture does not use here", unread.name);
        return Err(ModelError::unsupported(header, why));
    }
    Ok(hyper.shape)
}

impl Llama {
    pub(super) fn load(header: &Header, weights: &Weights) -> Result<Llama, ModelError> {
        check(header)?;
        let hyper = Hyper::read(header)?;
        let parts = parts(header, &hyper.shape, &mut FromWeights { header, weights })?;
        if let Some(factors) = &parts.rope_factors
            && let Some(factor) = factors.iter().find(|factor| !(factor.is_finite() && **factor > 0.0))
        {
            return Err(header.error("rope_freqs.weight", format!("the factor {factor} is not above 0")).into());
        }
        let rope =
            Rope::new(hyper.rope_dims, hyper.rope_base, hyper.rope_scale, parts.rope_factors.as_deref());
        let output = parts.output.unwrap_or_else(|| parts.embedding.clone());
        let layers = parts.layers.into_iter().map(|layer| Layer::new(layer, hyper.shape.experts_used)).collect();
        Ok(Llama { embedding: parts.embedding, layers, norm: parts.norm, output, rope, hyper })
    }

    pub(super) fn shape(&self) -> &Shape {
        &self.hyper.shape
    }

    pub(super) fn forward(
        &self,
        tokens: &[u32],
        cache: &mut Cache,
        want: Want,
        stop: &AtomicBool,
    ) -> Result<Vec<f32>, ForwardError> {
        let Shape { width, heads, kv_heads, head_width, vocabulary, .. } = self.hyper.shape;
        let attention = Attention { heads, kv_heads, head_width };
        let count = tokens.len();
        let first = cache.positions();
        let mut turn = Turn::default();
        self.rope.turn(first, count, &mut turn);
        // (tokens, width): the running sum that every layer adds to.
        let mut x = vec![0.0; count * width];
        for (row, &token) in x.chunks_exact_mut(width).zip(tokens) {
            self.embedding.read_row(token as usize, row);
        }
        let mut normed = vec![0.0; x.len()];
        let mut change = vec![0.0; x.len()];
        let mut q = vec![0.0; count * heads * head_width];
        let mut k = vec![0.0; count * kv_heads * head_width];
        let mut v = vec![0.0; k.len()];
        let mut attended = vec![0.0; q.len()];
        for (number, layer) in self.layers.iter().enumerate() {
            rms_norm(&x, &layer.attention_norm, self.hyper.epsilon, &mut normed);
            layer.q.apply(&normed, &mut q, stop);
            layer.k.apply(&normed, &mut k, stop);
            layer.v.apply(&normed, &mut v, stop);
            turn.neighbours(&mut q, heads, head_width);
            turn.neighbours(&mut k, kv_heads, head_width);
            attention.apply(&q, &k, &v, cache, number, &mut attended);
            layer.o.apply(&attended, &mut change, stop);
            add(&mut x, &change);
            rms_norm(&x, &layer.feed_norm, self.hyper.epsilon, &mut normed);
            layer.feed.apply(&normed, &mut change, stop);
            add(&mut x, &change);
            if stop.load(Ordering::Relaxed) {
                return Err(ForwardError::Stopped);
            }
        }
        let wanted = match want {
            Want::None => count..count,
            Want::Last => count - 1..count,
            Want::All => 0..count,
        };
        let rows = wanted.len();
        let mut logits = vec![0.0; rows * vocabulary];
        if rows > 0 {
            let normed = &mut normed[..rows * width];
            rms_norm(&x[wanted.start * width..], &self.norm, self.hyper.epsilon, normed);
            self.output.multiply(normed, &mut logits, stop);
            if stop.load(Ordering::Relaxed) {
                return Err(ForwardError::Stopped);
            }
        }
        cache.advance(count);
        Ok(logits)
    }
}

impl Layer {
    fn new(parts: LayerParts<FromWeights<'_>>, used: usize) -> Layer {
        let linear = |(matrix, bias)| Linear { matrix, bias };
        let plain = |matrix| Linear { matrix, bias: None };
        let mut networks: Vec<Network> = parts
            .networks
            .into_iter()
            .map(|[gate, up, down]| Network { gate: plain(gate), up: plain(up), down: plain(down) })
            .collect();
        let feed = match parts.router {
            Some(router) => Feed::Mixture { router, experts: networks, used },
            None => Feed::Dense(networks.remove(0)),
        };
        let [q, k, v, o] = parts.projections.map(linear);
        Layer {
            attention_norm: parts.attention_norm,
            q,
            k,
            v,
            o,
            feed_norm: parts.feed_norm,
            feed,
        }
    }
}
