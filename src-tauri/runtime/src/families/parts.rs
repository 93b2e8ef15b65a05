//! The tensors of a file, listed once from the shape: the check asks the list of a header, the loader asks it of the
//! weights.

use std::collections::HashSet;

use super::ModelError;
use super::shape::{HeadNorm, LatentShape, MixtureShape, Norms, Shape};
use crate::blocks::NormKind;
use crate::gguf::Header;
use crate::weights::{Matrix, Weights, tensor};

/// What the loader asks of a file; the check answers from the header alone, loading answers with weights.
pub(crate) trait Source {
    type Matrix;
    type Vector;
    fn header(&self) -> &Header;
    fn matrix(&mut self, name: &str, columns: usize, rows: usize) -> Result<Self::Matrix, ModelError>;
    fn stack(
        &mut self,
        name: &str,
        columns: usize,
        rows: usize,
        count: usize,
    ) -> Result<Vec<Self::Matrix>, ModelError>;
    /// `count` vectors of `length` numbers, one after the other.
    fn vectors(&mut self, name: &str, length: usize, count: usize) -> Result<Self::Vector, ModelError>;

    fn vector(&mut self, name: &str, length: usize) -> Result<Self::Vector, ModelError> {
        self.vectors(name, length, 1)
    }

    fn has(&self, name: &str) -> bool {
        self.header().tensor(name).is_some()
    }
}

pub(crate) struct FromHeader<'a> {
    pub header: &'a Header,
    /// Names that were asked for.
    pub used: HashSet<String>,
}

impl FromHeader<'_> {
    fn look(&mut self, name: &str, dims: &[usize]) -> Result<(), ModelError> {
        let tensor = tensor(self.header, name, dims)?;
        if !tensor.dtype.computable() {
            let why =
                format!("the tensor \"{name}\" is stored as {}, which is not supported", tensor.dtype.name());
            return Err(ModelError::unsupported(self.header, why));
        }
        self.used.insert(name.to_owned());
        Ok(())
    }
}

impl Source for FromHeader<'_> {
    type Matrix = ();
    type Vector = ();
    fn header(&self) -> &Header {
        self.header
    }
    fn matrix(&mut self, name: &str, columns: usize, rows: usize) -> Result<(), ModelError> {
        self.look(name, &[columns, rows])
    }
    fn stack(
        &mut self,
        name: &str,
        columns: usize,
        rows: usize,
        count: usize,
    ) -> Result<Vec<()>, ModelError> {
        self.look(name, &[columns, rows, count]).map(|()| vec![(); count])
    }
    fn vectors(&mut self, name: &str, length: usize, count: usize) -> Result<(), ModelError> {
        self.look(name, &[length, count])
    }
}

pub(crate) struct FromWeights<'a> {
    pub header: &'a Header,
    pub weights: &'a Weights,
}

impl Source for FromWeights<'_> {
    type Matrix = Matrix;
    type Vector = Vec<f32>;
    fn header(&self) -> &Header {
        self.header
    }
    fn matrix(&mut self, name: &str, columns: usize, rows: usize) -> Result<Matrix, ModelError> {
        Ok(self.weights.matrix(self.header, name, columns, rows)?)
    }
    fn stack(
        &mut self,
        name: &str,
        columns: usize,
        rows: usize,
        count: usize,
    ) -> Result<Vec<Matrix>, ModelError> {
        Ok(self.weights.stack(self.header, name, columns, rows, count)?)
    }
    fn vectors(&mut self, name: &str, length: usize, count: usize) -> Result<Vec<f32>, ModelError> {
        if count == 1 {
            return Ok(self.weights.vector(self.header, name, length)?);
        }
        let matrix = self.weights.matrix(self.header, name, length, count)?;
        let mut values = vec![0.0; length * count];
        values.chunks_exact_mut(length).enumerate().for_each(|(row, values)| matrix.read_row(row, values));
        Ok(values)
    }
}

/// A matrix and a bias.
pub(crate) type LinearParts<S> = (<S as Source>::Matrix, Option<<S as Source>::Vector>);
/// Weights and a bias.
pub(crate) type NormParts<S> = (<S as Source>::Vector, Option<<S as Source>::Vector>);

/// Everything that a file holds.
pub(crate) struct Parts<S: Source> {
    pub embedding: S::Matrix,
    pub layers: Vec<LayerParts<S>>,
    pub norm: NormParts<S>,
    pub output: Option<S::Matrix>,
    pub rope_factors: Option<S::Vector>,
    /// Factors of long and of short texts.
    pub length_factors: Option<[S::Vector; 2]>,
}

pub(crate) struct LayerParts<S: Source> {
    pub before_attention: Option<NormParts<S>>,
    pub attention: AttentionParts<S>,
    pub output: LinearParts<S>,
    pub after_attention: Option<NormParts<S>>,
    pub before_feed: Option<NormParts<S>>,
    pub feed: FeedParts<S>,
    pub after_feed: Option<NormParts<S>>,
}

pub(crate) enum AttentionParts<S: Source> {
    Heads {
        projections: Projections<S>,
        /// Of queries and keys.
        norms: Option<[NormParts<S>; 2]>,
        sinks: Option<S::Vector>,
    },
    Latent {
        queries: Queries<S>,
        /// To the short vector and to what is turned.
        down: S::Matrix,
        norm: NormParts<S>,
        up: Up<S>,
    },
}

pub(crate) enum Projections<S: Source> {
    Split([LinearParts<S>; 3]),
    /// The rows of queries, then of keys, then of values.
    Joined(LinearParts<S>),
}

pub(crate) enum Queries<S: Source> {
    Plain(LinearParts<S>),
    /// Through a short vector.
    Short {
        down: S::Matrix,
        norm: NormParts<S>,
        up: S::Matrix,
    },
}

pub(crate) enum Up<S: Source> {
    Split { keys: Vec<S::Matrix>, values: Vec<S::Matrix> },
    Joined(S::Matrix),
}

pub(crate) struct NetworkParts<S: Source> {
    /// Gate and up; one matrix where they are joined.
    pub entry: Vec<LinearParts<S>>,
    pub down: LinearParts<S>,
}

impl NetworkParts<FromWeights<'_>> {
    /// The experts of a mixture, each with its own part of the biases.
    pub fn of_experts(
        [gate, up, down]: [Vec<Matrix>; 3],
        biases: Option<[Vec<f32>; 3]>,
    ) -> impl Iterator<Item = Self> {
        gate.into_iter().zip(up).zip(down).enumerate().map(move |(expert, ((gate, up), down))| {
            let with = |part: usize, matrix: Matrix| {
                let rows = matrix.rows();
                let bias = biases.as_ref().map(|biases| biases[part][expert * rows..][..rows].to_vec());
                (matrix, bias)
            };
            NetworkParts { entry: vec![with(0, gate), with(1, up)], down: with(2, down) }
        })
    }
}

pub(crate) enum FeedParts<S: Source> {
    Dense(NetworkParts<S>),
    Mixture {
        router: LinearParts<S>,
        choice_bias: Option<S::Vector>,
        /// Gate, up, down of every expert.
        experts: [Vec<S::Matrix>; 3],
        /// (experts, rows) of each of them.
        biases: Option<[S::Vector; 3]>,
        shared: Option<(NetworkParts<S>, Option<S::Vector>)>,
    },
}

/// The one list of tensors with their shapes.
pub(crate) fn parts<S: Source>(shape: &Shape, from: &mut S) -> Result<Parts<S>, ModelError> {
    let (width, half) = (shape.width, shape.rope.dims / 2);
    let mut ask = Ask { shape, from, layer: 0 };
    let mut layers = Vec::with_capacity(shape.layers);
    for layer in 0..shape.layers {
        ask.layer = layer;
        layers.push(ask.layer()?);
    }
    let norm = ask.norm("output_norm", width, 1)?;
    let output = from.has("output.weight");
    let factors = from.has("rope_freqs.weight");
    let by_length = from.has("rope_factors_long.weight") || from.has("rope_factors_short.weight");
    let mut length = |name: &str| from.vector(&format!("rope_factors_{name}.weight"), half);
    let length_factors = by_length
        .then(|| -> Result<_, ModelError> { Ok([length("long")?, length("short")?]) })
        .transpose()?;
    Ok(Parts {
        embedding: from.matrix("token_embd.weight", width, shape.vocabulary)?,
        layers,
        norm,
        output: output.then(|| from.matrix("output.weight", width, shape.vocabulary)).transpose()?,
        rope_factors: factors.then(|| from.vector("rope_freqs.weight", half)).transpose()?,
        length_factors,
    })
}

struct Ask<'a, S> {
    shape: &'a Shape,
    from: &'a mut S,
    layer: usize,
}

impl<S: Source> Ask<'_, S> {
    fn name(&self, part: &str, end: &str) -> String {
        match part {
            "output_norm" => format!("{part}.{end}"),
            part => format!("blk.{}.{part}.{end}", self.layer),
        }
    }

    fn matrix(&mut self, part: &str, columns: usize, rows: usize) -> Result<S::Matrix, ModelError> {
        self.from.matrix(&self.name(part, "weight"), columns, rows)
    }

    fn stack(
        &mut self,
        part: &str,
        columns: usize,
        rows: usize,
        count: usize,
    ) -> Result<Vec<S::Matrix>, ModelError> {
        self.from.stack(&self.name(part, "weight"), columns, rows, count)
    }

    /// A bias that must be there, or may be.
    fn bias(&mut self, part: &str, rows: usize, needed: bool) -> Result<Option<S::Vector>, ModelError> {
        let name = self.name(part, "bias");
        (needed || self.from.has(&name)).then(|| self.from.vector(&name, rows)).transpose()
    }

    fn linear(
        &mut self,
        part: &str,
        columns: usize,
        rows: usize,
        biased: bool,
    ) -> Result<LinearParts<S>, ModelError> {
        Ok((self.matrix(part, columns, rows)?, self.bias(part, rows, biased)?))
    }

    fn norm(&mut self, part: &str, width: usize, count: usize) -> Result<NormParts<S>, ModelError> {
        let weight = self.from.vectors(&self.name(part, "weight"), width, count)?;
        let bias = match self.shape.norm {
            NormKind::Layer => self.bias(part, width, false)?,
            NormKind::RootMeanSquare => None,
        };
        Ok((weight, bias))
    }

    fn layer(&mut self) -> Result<LayerParts<S>, ModelError> {
        let shape = self.shape;
        let before = shape.norms != Norms::After;
        let after = matches!(shape.norms, Norms::After | Norms::Around);
        let norm = |this: &mut Self, there: bool, part: &str| {
            there.then(|| this.norm(part, shape.width, 1)).transpose()
        };
        Ok(LayerParts {
            attention: match &shape.latent {
                None => self.heads()?,
                Some(latent) => self.latent(latent)?,
            },
            output: {
                let value = shape.latent.map_or(shape.value_width, |latent| latent.value);
                self.linear("attn_output", shape.heads * value, shape.width, false)?
            },
            before_attention: norm(self, before, "attn_norm")?,
            after_attention: norm(self, after, "post_attention_norm")?,
            before_feed: norm(self, before && shape.norms != Norms::Parallel, shape.feed_norm_name)?,
            after_feed: norm(self, after, "post_ffw_norm")?,
            feed: match shape.mixture_of(self.layer) {
                None => FeedParts::Dense(self.network("", shape.feed, shape.joined_feed)?),
                Some(mixture) => self.mixture(mixture)?,
            },
        })
    }

    fn heads(&mut self) -> Result<AttentionParts<S>, ModelError> {
        let Shape { width, heads, kv_heads, key_width, value_width, biased, .. } = *self.shape;
        let (q, k, v) = (heads * key_width, kv_heads * key_width, kv_heads * value_width);
        let projections = if self.from.has(&self.name("attn_qkv", "weight")) {
            Projections::Joined(self.linear("attn_qkv", width, q + k + v, biased)?)
        } else {
            Projections::Split([
                self.linear("attn_q", width, q, biased)?,
                self.linear("attn_k", width, k, biased)?,
                self.linear("attn_v", width, v, biased)?,
            ])
        };
        let sizes = match self.shape.head_norm {
            HeadNorm::None => None,
            HeadNorm::Head => Some([(key_width, 1), (key_width, 1)]),
            HeadNorm::Each => Some([(key_width, heads), (key_width, kv_heads)]),
            HeadNorm::Whole => Some([(q, 1), (k, 1)]),
        };
        let norms = match sizes {
            None => None,
            Some([q, k]) => Some([self.norm("attn_q_norm", q.0, q.1)?, self.norm("attn_k_norm", k.0, k.1)?]),
        };
        let sinks = self.name("attn_sinks", "weight");
        let sinks = self.shape.sinks.then(|| self.from.vector(&sinks, heads)).transpose()?;
        Ok(AttentionParts::Heads { projections, norms, sinks })
    }

    fn latent(&mut self, latent: &LatentShape) -> Result<AttentionParts<S>, ModelError> {
        let Shape { width, heads, .. } = *self.shape;
        let LatentShape { rank, query_rank, plain, turned, value, joined } = *latent;
        let rows = heads * (plain + turned);
        let queries = match query_rank {
            None => Queries::Plain(self.linear("attn_q", width, rows, false)?),
            Some(short) => Queries::Short {
                down: self.matrix("attn_q_a", width, short)?,
                norm: self.norm("attn_q_a_norm", short, 1)?,
                up: self.matrix("attn_q_b", short, rows)?,
            },
        };
        let up = if joined {
            Up::Joined(self.matrix("attn_kv_b", rank, heads * (plain + value))?)
        } else {
            Up::Split {
                keys: self.stack("attn_k_b", plain, rank, heads)?,
                values: self.stack("attn_v_b", rank, value, heads)?,
            }
        };
        let down = self.matrix("attn_kv_a_mqa", width, rank + turned)?;
        Ok(AttentionParts::Latent { queries, down, norm: self.norm("attn_kv_a_norm", rank, 1)?, up })
    }

    /// `end`: of the names.
    fn network(&mut self, end: &str, feed: usize, joined: bool) -> Result<NetworkParts<S>, ModelError> {
        let width = self.shape.width;
        let (gate, up, down) = (format!("ffn_gate{end}"), format!("ffn_up{end}"), format!("ffn_down{end}"));
        let entry = if joined {
            vec![self.linear(&up, width, 2 * feed, false)?]
        } else {
            vec![self.linear(&gate, width, feed, false)?, self.linear(&up, width, feed, false)?]
        };
        Ok(NetworkParts { entry, down: self.linear(&down, feed, width, false)? })
    }

    fn mixture(&mut self, mixture: &MixtureShape) -> Result<FeedParts<S>, ModelError> {
        let width = self.shape.width;
        let MixtureShape { experts, feed, shared, shared_gate, biased, .. } = *mixture;
        if self.from.has(&self.name("ffn_gate.0", "weight")) {
            let why = "its experts are stored one by one, as before April 2024; a newer conversion is needed";
            return Err(ModelError::unsupported(self.from.header(), why));
        }
        let router = self.linear("ffn_gate_inp", width, experts, biased)?;
        let sizes =
            [("ffn_gate_exps", width, feed), ("ffn_up_exps", width, feed), ("ffn_down_exps", feed, width)];
        let [gate, up, down] = sizes;
        let matrices = [
            self.stack(gate.0, gate.1, gate.2, experts)?,
            self.stack(up.0, up.1, up.2, experts)?,
            self.stack(down.0, down.1, down.2, experts)?,
        ];
        let biases = if biased {
            let mut bias = |(part, _, rows)| self.from.vectors(&self.name(part, "bias"), rows, experts);
            Some([bias(gate)?, bias(up)?, bias(down)?])
        } else {
            None
        };
        let shared = if shared == 0 {
            None
        } else {
            let gate = self.name("ffn_gate_inp_shexp", "weight");
            let gate = shared_gate.then(|| self.from.vector(&gate, width)).transpose()?;
            Some((self.network("_shexp", shared, false)?, gate))
        };
        Ok(FeedParts::Mixture {
            router,
            choice_bias: self.bias("exp_probs_b", experts, false)?,
            experts: matrices,
            biases,
            shared,
        })
    }
}
