//! The one decoder: layers built from a shape and its tensors, and the pass through them.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};

use super::parts::{
    AttentionParts, FeedParts, FromWeights, LayerParts, NetworkParts, Parts, Projections, Queries, Up,
};
use super::parts::{LinearParts, NormParts};
use super::shape::{HeadNorm, LatentShape, RopeShape, Scaling, Shape};
use super::{ForwardError, Pass, Text, Want};
use crate::blocks::{
    Attention, Entry, Feed, Latent, Linear, Mixture, Network, Norm, Rope, Shared, Turn, Watch, add,
};
use crate::device::Upper;
use crate::weights::Matrix;

pub(super) struct Decoder {
    shape: Shape,
    /// (vocabulary, width)
    embedding: Matrix,
    layers: Vec<Layer>,
    norm: Norm,
    /// (vocabulary, width); the embedding when the file has no other.
    output: Matrix,
    rope: Rope,
    /// For texts longer than `RopeShape::original`.
    long_rope: Option<Rope>,
    local_rope: Option<Rope>,
    /// The layers from its lowest on are computed there.
    upper: Option<Upper>,
}

struct Layer {
    before_attention: Option<Norm>,
    heads: Heads,
    output: Linear,
    after_attention: Option<Norm>,
    before_feed: Option<Norm>,
    feed: Feed,
    after_feed: Option<Norm>,
}

/// What gives queries, keys and values.
enum Heads {
    Split { q: Linear, k: Linear, v: Linear, rest: Rest },
    Joined { qkv: Linear, rest: Rest },
    Latent { queries: Vec<Linear>, query_norm: Option<Norm>, down: Linear, norm: Norm, up: Latent },
}

/// What heads may have.
struct Rest {
    q_norm: Option<Norm>,
    k_norm: Option<Norm>,
    sinks: Option<Vec<f32>>,
}

type Weighed<'a> = FromWeights<'a>;

fn linear((matrix, bias): LinearParts<Weighed<'_>>) -> Linear {
    Linear { matrix, bias }
}

fn plain(matrix: Matrix) -> Linear {
    Linear { matrix, bias: None }
}

impl Decoder {
    pub fn new(shape: Shape, parts: Parts<Weighed<'_>>) -> Decoder {
        let [long, short] = match parts.length_factors {
            Some([long, short]) => [Some(long), Some(short)],
            None => [None, None],
        };
        Decoder {
            rope: rope(&shape.rope, short.or(parts.rope_factors).as_deref()),
            long_rope: long.map(|factors| rope(&shape.rope, Some(&factors))),
            local_rope: shape.local_rope.as_ref().map(|local| rope(local, None)),
            norm: norm(&shape, parts.norm, shape.width),
            output: parts.output.unwrap_or_else(|| parts.embedding.clone()),
            embedding: parts.embedding,
            layers: parts.layers.into_iter().map(|layer| Layer::new(&shape, layer)).collect(),
            shape,
            upper: None,
        }
    }

    /// With the layers from `upper`'s lowest on there.
    pub fn below(mut self, upper: Upper) -> Decoder {
        self.layers.truncate(upper.lowest());
        self.upper = Some(upper);
        self
    }

    pub fn upper(&self) -> Option<&Upper> {
        self.upper.as_ref()
    }

    pub fn shape(&self) -> &Shape {
        &self.shape
    }

    pub fn mixture(&self, layer: usize) -> Option<&Mixture> {
        match &self.layers.get(layer)?.feed {
            Feed::Mixture(mixture) => Some(mixture),
            Feed::Dense(_) => None,
        }
    }

    pub fn mixture_mut(&mut self, layer: usize) -> Option<&mut Mixture> {
        match &mut self.layers.get_mut(layer)?.feed {
            Feed::Mixture(mixture) => Some(mixture),
            Feed::Dense(_) => None,
        }
    }

    pub fn reads_as_long(&self, length: usize) -> bool {
        self.long_rope.is_some() && length > self.shape.rope.original
    }

    pub fn forward(&self, texts: &mut [Text<'_>], pass: &mut Pass<'_>) -> Result<Vec<f32>, ForwardError> {
        let (shape, width) = (&self.shape, self.shape.width);
        let stretches = self.stretches(texts);
        let count = stretches.last().map_or(0, |stretch| stretch.rows.end);
        // (tokens, width): the running sum that every layer adds to. The texts' tokens stand one after the other.
        let mut x = vec![0.0; count * width];
        let tokens = texts.iter().flat_map(|text| text.tokens);
        for (row, &token) in x.chunks_exact_mut(width).zip(tokens) {
            self.embedding.read_row(token as usize, row);
        }
        scale(&mut x, shape.embedding_scale);
        let mut normed = vec![0.0; x.len()];
        let mut change = vec![0.0; x.len()];
        let mut attended = vec![0.0; count * self.attended_width()];
        for (number, layer) in self.layers.iter().enumerate() {
            let here = Here { shape, stretches: &stretches, layer: number };
            let input = before(&layer.before_attention, &x, &mut normed);
            layer.heads.apply(&here, input, texts, &mut attended, pass.stop);
            layer.output.apply(&attended, &mut change, pass.stop);
            if let Some(norm) = &layer.after_attention {
                norm.in_place(&mut change);
            }
            scale(&mut change, shape.residual_scale);
            add(&mut x, &change);
            // Without a norm of its own the feed-forward part reads what attention has read.
            let input = match (&layer.before_feed, &layer.before_attention) {
                (None, Some(_)) => &normed[..],
                (norm, _) => before(norm, &x, &mut normed),
            };
            let excluded = pass.excluded.get(number).map_or(&[][..], Vec::as_slice);
            let watch = Watch { layer: number, observer: &mut pass.observer, excluded };
            layer.feed.apply(input, &mut change, watch, pass.stop);
            if let Some(norm) = &layer.after_feed {
                norm.in_place(&mut change);
            }
            scale(&mut change, shape.residual_scale);
            if let Some(observer) = &mut pass.observer {
                observer.added(number, &x, shape.residual_scale);
            }
            add(&mut x, &change);
            if pass.stop.load(Ordering::Relaxed) {
                return Err(ForwardError::Stopped);
            }
        }
        let mut logits = match &self.upper {
            Some(upper) => upper.forward(shape, x, &stretches, texts, pass)?,
            None => self.logits(&x, &stretches, pass)?,
        };
        scale(&mut logits, shape.logit_scale);
        if let Some(cap) = shape.logit_cap {
            logits.iter_mut().for_each(|logit| *logit = cap * (*logit / cap).tanh());
        }
        texts.iter_mut().for_each(|text| text.cache.advance(text.tokens.len()));
        Ok(logits)
    }

    fn stretches(&self, texts: &[Text<'_>]) -> Vec<Stretch> {
        let mut begin = 0;
        let stretch = |text: &Text<'_>| {
            let (first, count) = (text.cache.positions(), text.tokens.len());
            let long = self.long_rope.as_ref().filter(|_| self.reads_as_long(text.length.max(first + count)));
            let rows = begin..begin + count;
            begin = rows.end;
            Stretch {
                rows,
                first,
                turn: long.unwrap_or(&self.rope).turn(first, count),
                local_turn: self.local_rope.as_ref().map(|rope| rope.turn(first, count)),
            }
        };
        texts.iter().map(stretch).collect()
    }

    /// Numbers of what was attended to, for one token.
    fn attended_width(&self) -> usize {
        let value = self.shape.latent.map_or(self.shape.value_width, |latent| latent.value);
        self.shape.heads * value
    }

    fn logits(&self, x: &[f32], stretches: &[Stretch], pass: &Pass<'_>) -> Result<Vec<f32>, ForwardError> {
        let Shape { width, vocabulary, .. } = self.shape;
        let wanted = match pass.want {
            Want::None => return Ok(Vec::new()),
            Want::Last => {
                let last = stretches.iter().map(|stretch| &x[(stretch.rows.end - 1) * width..][..width]);
                Cow::Owned(last.collect::<Vec<_>>().concat())
            }
            Want::All => Cow::Borrowed(x),
        };
        let mut normed = vec![0.0; wanted.len()];
        self.norm.apply(&wanted, &mut normed);
        let mut logits = vec![0.0; wanted.len() / width * vocabulary];
        self.output.multiply(&normed, &mut logits, pass.stop);
        if pass.stop.load(Ordering::Relaxed) {
            return Err(ForwardError::Stopped);
        }
        Ok(logits)
    }
}

fn rope(shape: &RopeShape, factors: Option<&[f32]>) -> Rope {
    let plain = Rope::new(shape.dims, shape.base, shape.pairs).magnified(shape.magnitude);
    let scaled = match &shape.scaling {
        Scaling::Linear(factor) => plain.linear(*factor),
        Scaling::Yarn(yarn) => plain.yarn(shape.base, yarn),
    };
    match factors {
        Some(factors) => scaled.divided(factors),
        None => scaled,
    }
}

/// A norm of `span` numbers at a time.
fn norm(shape: &Shape, (weight, bias): NormParts<Weighed<'_>>, span: usize) -> Norm {
    Norm { kind: shape.norm, epsilon: shape.epsilon, span, weight, bias }
}

/// `x` through the norm, if there is one.
fn before<'a>(norm: &Option<Norm>, x: &'a [f32], normed: &'a mut [f32]) -> &'a [f32] {
    match norm {
        Some(norm) => {
            norm.apply(x, normed);
            normed
        }
        None => x,
    }
}

fn scale(x: &mut [f32], by: f32) {
    if by != 1.0 {
        x.iter_mut().for_each(|x| *x *= by);
    }
}

impl Layer {
    fn new(shape: &Shape, parts: LayerParts<Weighed<'_>>) -> Layer {
        let wide = |parts: Option<NormParts<Weighed<'_>>>| parts.map(|parts| norm(shape, parts, shape.width));
        Layer {
            before_attention: wide(parts.before_attention),
            heads: Heads::new(shape, parts.attention),
            output: linear(parts.output),
            after_attention: wide(parts.after_attention),
            before_feed: wide(parts.before_feed),
            feed: feed(shape, parts.feed),
            after_feed: wide(parts.after_feed),
        }
    }
}

fn network(shape: &Shape, parts: NetworkParts<Weighed<'_>>) -> Network {
    let mut entry = parts.entry.into_iter().map(linear);
    let entry = match (entry.next(), entry.next()) {
        (Some(gate), Some(up)) => Entry::Split { gate, up },
        (joined, _) => Entry::Joined(joined.expect("the list of tensors has one or two")),
    };
    Network { entry, down: linear(parts.down), activation: shape.activation }
}

fn feed(shape: &Shape, parts: FeedParts<Weighed<'_>>) -> Feed {
    match parts {
        FeedParts::Dense(parts) => Feed::Dense(Box::new(network(shape, parts))),
        FeedParts::Mixture { router, choice_bias, experts, biases, shared } => {
            let routing = shape.mixture.as_ref().expect("a mixture has a shape").routing;
            let experts = NetworkParts::of_experts(experts, biases);
            let experts = experts.map(|parts| network(shape, parts)).collect();
            let shared = shared.map(|(parts, gate)| Shared { network: network(shape, parts), gate });
            Feed::Mixture(Box::new(Mixture { router: linear(router), choice_bias, experts, routing, shared }))
        }
    }
}

/// The tokens of one text in a pass.
pub(crate) struct Stretch {
    /// Among all tokens of the pass.
    pub rows: Range<usize>,
    /// Position of the first one in its text.
    pub first: usize,
    pub turn: Turn,
    pub local_turn: Option<Turn>,
}

/// Where in the model and in which texts a layer is computed.
struct Here<'a> {
    shape: &'a Shape,
    stretches: &'a [Stretch],
    layer: usize,
}

impl Heads {
    fn new(shape: &Shape, parts: AttentionParts<Weighed<'_>>) -> Heads {
        match parts {
            AttentionParts::Heads { projections, norms, sinks } => {
                let span = |whole: usize| match shape.head_norm {
                    HeadNorm::Whole => whole,
                    _ => shape.key_width,
                };
                let [q_norm, k_norm] = match norms {
                    Some([q, k]) => [
                        Some(norm(shape, q, span(shape.heads * shape.key_width))),
                        Some(norm(shape, k, span(shape.kv_heads * shape.key_width))),
                    ],
                    None => [None, None],
                };
                let rest = Rest { q_norm, k_norm, sinks };
                match projections {
                    Projections::Split(split) => {
                        let [q, k, v] = split.map(linear);
                        Heads::Split { q, k, v, rest }
                    }
                    Projections::Joined(joined) => Heads::Joined { qkv: linear(joined), rest },
                }
            }
            AttentionParts::Latent { queries, down, norm: latent_norm, up } => {
                let latent = shape.latent.as_ref().expect("a latent attention has a shape");
                let (queries, query_norm) = match queries {
                    Queries::Plain(queries) => (vec![linear(queries)], None),
                    Queries::Short { down, norm: short, up } => {
                        let span = down.rows();
                        (vec![plain(down), plain(up)], Some(norm(shape, short, span)))
                    }
                };
                let up = match up {
                    Up::Split { keys, values } => Latent::Split { keys, values },
                    Up::Joined(matrix) => Latent::Joined { matrix, heads: shape.heads, plain: latent.plain },
                };
                let norm = norm(shape, latent_norm, latent.rank);
                Heads::Latent { queries, query_norm, down: plain(down), norm, up }
            }
        }
    }

    /// Attends from `x` (tokens, width), each text to itself; `out`: (tokens, heads · value width).
    fn apply(&self, here: &Here<'_>, x: &[f32], texts: &mut [Text<'_>], out: &mut [f32], stop: &AtomicBool) {
        let Shape { width, heads, kv_heads, key_width, value_width, .. } = *here.shape;
        let count = x.len() / width;
        let (q_width, k_width, v_width) = (heads * key_width, kv_heads * key_width, kv_heads * value_width);
        let (mut q, mut k) = (vec![0.0; count * q_width], vec![0.0; count * k_width]);
        let mut v = vec![0.0; count * v_width];
        let rest = match self {
            Heads::Split { q: q_linear, k: k_linear, v: v_linear, rest } => {
                q_linear.apply(x, &mut q, stop);
                k_linear.apply(x, &mut k, stop);
                v_linear.apply(x, &mut v, stop);
                rest
            }
            Heads::Joined { qkv, rest } => {
                let mut all = vec![0.0; count * (q_width + k_width + v_width)];
                qkv.apply(x, &mut all, stop);
                for (token, all) in all.chunks_exact(q_width + k_width + v_width).enumerate() {
                    q[token * q_width..][..q_width].copy_from_slice(&all[..q_width]);
                    k[token * k_width..][..k_width].copy_from_slice(&all[q_width..q_width + k_width]);
                    v[token * v_width..][..v_width].copy_from_slice(&all[q_width + k_width..]);
                }
                rest
            }
            Heads::Latent { .. } => return self.latent(here, x, texts, out, stop),
        };
        if let Some(norm) = &rest.q_norm {
            norm.in_place(&mut q);
        }
        if let Some(norm) = &rest.k_norm {
            norm.in_place(&mut k);
        }
        let attention = here.attention(rest.sinks.as_deref());
        for (stretch, text) in here.stretches.iter().zip(texts) {
            let (q, k) = (stretch.of_mut(&mut q, q_width), stretch.of_mut(&mut k, k_width));
            if let Some(turn) = here.turn(stretch) {
                turn.apply(q, heads, key_width, 0);
                turn.apply(k, kv_heads, key_width, 0);
            }
            here.warm(stretch, q, q_width);
            let out = stretch.of_mut(out, heads * value_width);
            attention.apply(q, k, stretch.of(&v, v_width), text.cache, here.layer, out);
        }
    }

    fn latent(&self, here: &Here<'_>, x: &[f32], texts: &mut [Text<'_>], out: &mut [f32], stop: &AtomicBool) {
        let (Heads::Latent { queries, query_norm, down, norm, up }, Some(latent)) =
            (self, &here.shape.latent)
        else {
            return;
        };
        let Shape { width, heads, key_width, .. } = *here.shape;
        let LatentShape { rank, plain, turned, .. } = *latent;
        let count = x.len() / width;
        let through = |linear: &Linear, x: &[f32]| {
            let mut out = vec![0.0; count * linear.matrix.rows()];
            linear.apply(x, &mut out, stop);
            out
        };
        let mut q = through(&queries[0], x);
        if let (Some(norm), Some(second)) = (query_norm, queries.get(1)) {
            norm.in_place(&mut q);
            q = through(second, &q);
        }
        let mut k = through(down, x);
        for k in k.chunks_exact_mut(key_width) {
            norm.in_place(&mut k[..rank]);
        }
        for stretch in here.stretches {
            if let Some(turn) = here.turn(stretch) {
                turn.apply(stretch.of_mut(&mut q, heads * (plain + turned)), heads, plain + turned, plain);
                turn.apply(stretch.of_mut(&mut k, key_width), 1, key_width, rank);
            }
        }
        let mut asked = vec![0.0; count * heads * key_width];
        up.absorb(&q, plain + turned, &mut asked, key_width, stop);
        for (asked, q) in asked.chunks_exact_mut(key_width).zip(q.chunks_exact(plain + turned)) {
            asked[rank..].copy_from_slice(&q[plain..]);
        }
        let mut attended = vec![0.0; count * heads * rank];
        for (stretch, text) in here.stretches.iter().zip(texts) {
            let asked = stretch.of_mut(&mut asked, heads * key_width);
            here.warm(stretch, asked, heads * key_width);
            let (k, attended) = (stretch.of(&k, key_width), stretch.of_mut(&mut attended, heads * rank));
            here.attention(None).apply(asked, k, &[], text.cache, here.layer, attended);
        }
        up.unpack(&attended, rank, out, stop);
    }
}

impl Stretch {
    /// Its rows of `all` (tokens of the pass, width).
    fn of<'a>(&self, all: &'a [f32], width: usize) -> &'a [f32] {
        &all[self.rows.start * width..self.rows.end * width]
    }

    fn of_mut<'a>(&self, all: &'a mut [f32], width: usize) -> &'a mut [f32] {
        &mut all[self.rows.start * width..self.rows.end * width]
    }
}

impl<'a> Here<'a> {
    fn is_local(&self) -> bool {
        self.shape.local[self.layer]
    }

    /// How this layer turns the queries and keys of a text, if it does.
    fn turn<'b>(&self, stretch: &'b Stretch) -> Option<&'b Turn> {
        let local = stretch.local_turn.as_ref().filter(|_| self.is_local());
        Some(local.unwrap_or(&stretch.turn)).filter(|_| self.shape.turned[self.layer])
    }

    fn attention(&self, sinks: Option<&'a [f32]>) -> Attention<'a> {
        let Shape { heads, kv_heads, key_width, value_width, score, window, .. } = *self.shape;
        let window = window.filter(|_| self.is_local());
        Attention { heads, kv_heads, key_width, value_width, score, window, sinks }
    }

    /// Lets queries (tokens, width) grow with their positions.
    fn warm(&self, stretch: &Stretch, queries: &mut [f32], width: usize) {
        if let Some(temperature) = &self.shape.temperature {
            for (token, query) in queries.chunks_exact_mut(width).enumerate() {
                let times = (stretch.first + token) / temperature.length;
                scale(query, 1.0 + temperature.beta * (1.0 + times as f32).ln());
            }
        }
    }
}
