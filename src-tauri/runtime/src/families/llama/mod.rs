//! The Llama family, dense and mixture (Mixtral). Source: arXiv:2302.13971, arXiv:2307.09288, arXiv:2401.04088; names
//! and layout of tensors as GGUF files of architecture "llama" have them (queries and keys already permuted so that
//! neighbours are turned together).

mod hyper;
mod parts;

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};

use super::{ForwardError, ModelError, Shape, Want};
use crate::blocks::{Attention, Cache, Feed, Linear, Network, Rope, Turn, add, rms_norm};
use crate::gguf::Header;
use crate::weights::{Matrix, Weights};
use hyper::Hyper;
use parts::{FromHeader, FromWeights, LayerParts, parts};

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
            return Err(header
                .error("rope_freqs.weight", format!("the factor {factor} is not above 0"))
                .into());
        }
        let rope =
            Rope::new(hyper.rope_dims, hyper.rope_base, hyper.rope_scale, parts.rope_factors.as_deref());
        let output = parts.output.unwrap_or_else(|| parts.embedding.clone());
        let layers =
            parts.layers.into_iter().map(|layer| Layer::new(layer, hyper.shape.experts_used)).collect();
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
        Layer { attention_norm: parts.attention_norm, q, k, v, o, feed_norm: parts.feed_norm, feed }
    }
}
