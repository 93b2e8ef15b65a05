//! Attention on a device. What it computes is said in `families::decoder` and `kernels::attend`.
//!
//! Heads come first here, (heads, tokens, width): the heads that share keys lie side by side, and one product serves all.

use candle_core::{DType, Result, Tensor};

use super::weights::{Linear, Norm, Weighed, floats, vector};
use super::{Device, Rows};
use crate::blocks::{Pairs, Turn};
use crate::families::{AttentionParts, HeadNorm, LatentShape, NormParts, Projections, Queries, Shape, Up};

/// Scores that are computed at once: 256 MB of them.
const SCORES: usize = 1 << 26;

/// What gives queries, keys and values.
pub enum Heads {
    Split { q: Linear, k: Linear, v: Linear, rest: Rest },
    Joined { qkv: Linear, rest: Rest },
    Latent(Box<Latent>),
}

/// What heads may have.
pub struct Rest {
    q_norm: Option<Norm>,
    k_norm: Option<Norm>,
    /// (heads)
    sinks: Option<Tensor>,
}

pub struct Latent {
    queries: Vec<Linear>,
    query_norm: Option<Norm>,
    down: Linear,
    norm: Norm,
    shape: LatentShape,
    /// (heads, plain, rank): from queries to what short vectors are asked.
    keys: Tensor,
    /// (heads, rank, value): from short vectors to values.
    values: Tensor,
}

/// Angles of some positions, on the device.
pub struct Angles {
    /// (positions, pairs)
    cosine: Tensor,
    sine: Tensor,
    pairs: Pairs,
}

impl Angles {
    pub fn new(turn: &Turn, device: &Device) -> Result<Angles> {
        let (pairs, kind) = (turn.pairs(), turn.kind());
        let (sines, cosines): (Vec<f32>, Vec<f32>) = turn.angles().iter().copied().unzip();
        let there = |numbers: Vec<f32>| {
            let positions = numbers.len() / pairs.max(1);
            Tensor::from_vec(numbers, (positions, pairs), &device.candle)
        };
        Ok(Angles { cosine: there(cosines)?, sine: there(sines)?, pairs: kind })
    }

    /// Turns the numbers of every head of `x` (heads, tokens, width) from its number `first` on.
    fn apply(&self, x: &Tensor, first: usize) -> Result<Tensor> {
        let (width, turned) = (x.dim(2)?, 2 * self.cosine.dim(1)?);
        let part = x.narrow(2, first, turned)?.contiguous()?.unsqueeze(0)?;
        let part = match self.pairs {
            Pairs::Neighbours => candle_nn::rotary_emb::rope_i(&part, &self.cosine, &self.sine)?,
            Pairs::Halves => candle_nn::rotary_emb::rope(&part, &self.cosine, &self.sine)?,
        };
        let part = part.squeeze(0)?;
        if turned == width {
            return Ok(part);
        }
        let after = first + turned;
        Tensor::cat(&[&x.narrow(2, 0, first)?, &part, &x.narrow(2, after, width - after)?], 2)
    }
}

/// What the tokens of a text see in the layers that look alike: made once for all of them.
pub struct View {
    /// Position of the first that anybody sees, and how many there are from it on.
    least: usize,
    seen: usize,
    /// (tokens, seen): nothing where a token sees a position, else minus infinity. `None`: everybody sees all.
    mask: Option<Tensor>,
}

impl View {
    /// `count` tokens from position `first` on see up to themselves, and with a `window` no more positions than that.
    pub fn new(first: usize, count: usize, window: Option<usize>, device: &Device) -> Result<View> {
        // Nobody sees what comes before the first token's window.
        let least = window.map_or(0, |window| (first + 1).saturating_sub(window));
        let seen = first + count - least;
        let windowed = window.is_some_and(|window| first + count > window + least);
        if count == 1 && !windowed {
            return Ok(View { least, seen, mask: None });
        }
        let device = &device.candle;
        // Positions are whole numbers far below 2^24: exact as floats.
        let positions = Tensor::arange(least as f32, (least + seen) as f32, device)?.reshape((1, seen))?;
        let column = |of: &dyn Fn(usize) -> f32| {
            Tensor::from_vec((first..first + count).map(of).collect::<Vec<_>>(), (count, 1), device)
        };
        let mut hidden = positions.broadcast_gt(&column(&|token| token as f32)?)?;
        if let Some(window) = window {
            let before = column(&|token| (token as f32 + 1.0) - window as f32)?;
            hidden = (hidden + positions.broadcast_lt(&before)?)?;
        }
        let never = Tensor::full(f32::NEG_INFINITY, (count, seen), device)?;
        let always = Tensor::zeros((count, seen), DType::F32, device)?;
        Ok(View { least, seen, mask: Some(hidden.where_cond(&never, &always)?) })
    }
}

/// One text in a layer.
pub struct Place<'a> {
    pub shape: &'a Shape,
    /// Its rows among all tokens of the pass.
    pub rows: std::ops::Range<usize>,
    /// Position of the first one.
    pub first: usize,
    pub angles: Option<&'a Angles>,
    pub view: &'a View,
    pub cache: &'a mut [Rows; 2],
}

impl Place<'_> {
    /// Its rows of `x` (tokens of the pass, heads · width), heads first.
    fn heads(&self, x: &Tensor, heads: usize) -> Result<Tensor> {
        let (count, width) = (self.rows.len(), x.dim(1)? / heads);
        x.narrow(0, self.rows.start, count)?.reshape((count, heads, width))?.transpose(0, 1)?.contiguous()
    }

    fn turn(&self, x: Tensor, first: usize) -> Result<Tensor> {
        match self.angles {
            Some(angles) => angles.apply(&x, first),
            None => Ok(x),
        }
    }

    /// Queries (heads, tokens, width) grow with their positions.
    fn warm(&self, queries: Tensor) -> Result<Tensor> {
        let Some(temperature) = &self.shape.temperature else { return Ok(queries) };
        let count = self.rows.len();
        let factor = |position: usize| {
            let times = position / temperature.length;
            1.0 + temperature.beta * (1.0 + times as f32).ln()
        };
        let factors = (self.first..self.first + count).map(factor).collect::<Vec<_>>();
        queries.broadcast_mul(&Tensor::from_vec(factors, (1, count, 1), queries.device())?)
    }

    /// `q` (heads, tokens, width) attends to the cache; the values are the first `value` numbers of its values, or of its
    /// keys where it has none. Gives (heads, tokens, value).
    fn attend(&self, q: &Tensor, value: usize, sinks: Option<&Tensor>) -> Result<Tensor> {
        let Shape { heads, kv_heads, score, .. } = *self.shape;
        let (count, group) = (q.dim(1)?, heads / kv_heads);
        let [keys, values] = &*self.cache;
        let View { least, seen, mask } = self.view;
        let (least, seen) = (*least, *seen);
        let k = keys.from(least)?;
        let v =
            if values.width() == 0 { k.narrow(2, 0, value)?.contiguous()? } else { values.from(least)? };
        let k = k.transpose(1, 2)?;
        let step = (SCORES / (heads * seen)).clamp(1, count);
        let mut parts = Vec::new();
        for begin in (0..count).step_by(step) {
            let step = step.min(count - begin);
            let q = q.narrow(1, begin, step)?.contiguous()?.reshape((kv_heads, group * step, ()))?;
            let mut scores = (q.matmul(&k)? * f64::from(score.scale))?;
            if let Some(cap) = score.cap {
                scores = ((scores / f64::from(cap))?.tanh()? * f64::from(cap))?;
            }
            let mut scores = scores.reshape((kv_heads, group, step, seen))?;
            if let Some(mask) = mask {
                scores = scores.broadcast_add(&mask.narrow(0, begin, step)?)?;
            }
            let shares = match sinks {
                None => candle_nn::ops::softmax_last_dim(&scores.contiguous()?)?,
                // One more score that takes attention away and gives nothing.
                Some(sinks) => {
                    let sinks = sinks.reshape((kv_heads, group, 1, 1))?;
                    let sinks = sinks.broadcast_as((kv_heads, group, step, 1))?.contiguous()?;
                    let with = Tensor::cat(&[&scores, &sinks], 3)?;
                    candle_nn::ops::softmax_last_dim(&with)?.narrow(3, 0, seen)?.contiguous()?
                }
            };
            let given = shares.reshape((kv_heads, group * step, seen))?.matmul(&v.contiguous()?)?;
            parts.push(given.reshape((heads, step, value))?);
        }
        if parts.len() == 1 { Ok(parts.remove(0)) } else { Tensor::cat(&parts, 1) }
    }
}

impl Heads {
    pub fn load(shape: &Shape, parts: AttentionParts<Weighed<'_>>, device: &Device) -> Result<Heads> {
        match parts {
            AttentionParts::Heads { projections, norms, sinks } => {
                let whole = shape.head_norm == HeadNorm::Whole;
                let norm = |parts: NormParts<Weighed<'_>>, heads: usize| {
                    let span = if whole { heads * shape.key_width } else { shape.key_width };
                    Norm::load(shape, parts, span, device)
                };
                let [q_norm, k_norm] = match norms {
                    Some([q, k]) => [Some(norm(q, shape.heads)?), Some(norm(k, shape.kv_heads)?)],
                    None => [None, None],
                };
                let sinks = sinks.map(|sinks| vector(sinks, device)).transpose()?;
                let rest = Rest { q_norm, k_norm, sinks };
                Ok(match projections {
                    Projections::Joined(joined) => Heads::Joined { qkv: Linear::load(joined, device)?, rest },
                    Projections::Split([q, k, v]) => Heads::Split {
                        q: Linear::load(q, device)?,
                        k: Linear::load(k, device)?,
                        v: Linear::load(v, device)?,
                        rest,
                    },
                })
            }
            AttentionParts::Latent { queries, down, norm, up } => {
                let latent = shape.latent.expect("a latent attention has a shape");
                let (queries, query_norm) = match queries {
                    Queries::Plain(queries) => (vec![Linear::load(queries, device)?], None),
                    Queries::Short { down, norm, up } => {
                        let norm = Norm::load(shape, norm, down.rows(), device)?;
                        (vec![Linear::plain(&down, device)?, Linear::plain(&up, device)?], Some(norm))
                    }
                };
                let (keys, values) = match up {
                    // (heads, rank, plain) and (heads, value, rank)
                    Up::Split { keys, values } => {
                        let (keys, values) = (floats(keys.iter(), device)?, floats(values.iter(), device)?);
                        (keys.transpose(1, 2)?.contiguous()?, values)
                    }
                    // (heads · (plain + value), rank)
                    Up::Joined(matrix) => {
                        let rows = latent.plain + latent.value;
                        let all = floats([&matrix].into_iter(), device)?;
                        let all = all.reshape((shape.heads, rows, latent.rank))?;
                        let keys = all.narrow(1, 0, latent.plain)?.contiguous()?;
                        (keys, all.narrow(1, latent.plain, latent.value)?)
                    }
                };
                Ok(Heads::Latent(Box::new(Latent {
                    queries,
                    query_norm,
                    down: Linear::plain(&down, device)?,
                    norm: Norm::load(shape, norm, latent.rank, device)?,
                    shape: latent,
                    keys,
                    values: values.transpose(1, 2)?.contiguous()?,
                })))
            }
        }
    }

    /// What was attended to from `x` (tokens, width), each text to itself: (tokens, heads · value width).
    pub fn apply(&self, x: &Tensor, shape: &Shape, places: Vec<Place<'_>>) -> Result<Tensor> {
        let Shape { heads, kv_heads, key_width, value_width, .. } = *shape;
        let (q_width, k_width, v_width) = (heads * key_width, kv_heads * key_width, kv_heads * value_width);
        let (q, k, v, rest) = match self {
            Heads::Split { q, k, v, rest } => (q.apply(x)?, k.apply(x)?, v.apply(x)?, rest),
            Heads::Joined { qkv, rest } => {
                let all = qkv.apply(x)?;
                let part = |first, width| all.narrow(1, first, width);
                (part(0, q_width)?, part(q_width, k_width)?, part(q_width + k_width, v_width)?, rest)
            }
            Heads::Latent(latent) => return latent.apply(x, shape, places),
        };
        let normed =
            |norm: &Option<Norm>, x: Tensor| norm.as_ref().map_or(Ok(x.clone()), |norm| norm.apply(&x));
        let (q, k) = (normed(&rest.q_norm, q)?, normed(&rest.k_norm, k)?);
        let attend = |place: Place<'_>| {
            let q = place.warm(place.turn(place.heads(&q, heads)?, 0)?)?;
            place.cache[0].append(&place.turn(place.heads(&k, kv_heads)?, 0)?)?;
            place.cache[1].append(&place.heads(&v, kv_heads)?)?;
            tokens_first(&place.attend(&q, value_width, rest.sinks.as_ref())?)
        };
        Tensor::cat(&places.into_iter().map(attend).collect::<Result<Vec<_>>>()?, 0)
    }
}

impl Latent {
    fn apply(&self, x: &Tensor, shape: &Shape, places: Vec<Place<'_>>) -> Result<Tensor> {
        let LatentShape { rank, plain, turned, .. } = self.shape;
        let mut q = self.queries[0].apply(x)?;
        if let (Some(norm), Some(second)) = (&self.query_norm, self.queries.get(1)) {
            q = second.apply(&norm.apply(&q)?)?;
        }
        let k = self.down.apply(x)?;
        let short = self.norm.apply(&k.narrow(1, 0, rank)?)?;
        let k = Tensor::cat(&[&short, &k.narrow(1, rank, turned)?], 1)?;
        let attend = |place: Place<'_>| {
            let q = place.turn(place.heads(&q, shape.heads)?, plain)?;
            place.cache[0].append(&place.turn(place.heads(&k, 1)?, rank)?)?;
            let asked = q.narrow(2, 0, plain)?.contiguous()?.matmul(&self.keys)?;
            let asked = Tensor::cat(&[&asked, &q.narrow(2, plain, turned)?], 2)?;
            let given = place.attend(&place.warm(asked)?, rank, None)?;
            tokens_first(&given.matmul(&self.values)?)
        };
        Tensor::cat(&places.into_iter().map(attend).collect::<Result<Vec<_>>>()?, 0)
    }
}

/// (tokens, heads · width) from (heads, tokens, width).
fn tokens_first(x: &Tensor) -> Result<Tensor> {
    x.transpose(0, 1)?.contiguous()?.flatten_from(1)
}
