//! The tensors of a Llama file, listed once: the check asks the list of a header, the loader asks it of the weights.

use std::collections::HashSet;

use crate::families::{ModelError, Shape};
use crate::gguf::Header;
use crate::weights::{Matrix, Weights, tensor};

/// What the loader asks of a file; the check answers from the header alone, loading answers with weights.
pub(super) trait Source {
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

pub(super) struct FromHeader<'a> {
    pub header: &'a Header,
    /// Names that were asked for.
    pub used: HashSet<String>,
}

impl FromHeader<'_> {
    fn look(&mut self, name: String, dims: &[usize]) -> Result<(), ModelError> {
        let tensor = tensor(self.header, &name, dims)?;
        if !tensor.dtype.computable() {
            let why =
                format!("the tensor \"{name}\" is stored as {}, which is not supported", tensor.dtype.name());
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
    fn stack(
        &mut self,
        name: String,
        columns: usize,
        rows: usize,
        count: usize,
    ) -> Result<Vec<()>, ModelError> {
        self.look(name, &[columns, rows, count]).map(|()| vec![(); count])
    }
    fn vector(&mut self, name: String, length: usize) -> Result<(), ModelError> {
        self.look(name, &[length])
    }
}

pub(super) struct FromWeights<'a> {
    pub header: &'a Header,
    pub weights: &'a Weights,
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
pub(super) struct Parts<S: Source> {
    pub embedding: S::Matrix,
    pub layers: Vec<LayerParts<S>>,
    pub norm: S::Vector,
    pub output: Option<S::Matrix>,
    pub rope_factors: Option<S::Vector>,
}

pub(super) type Projection<S> = (<S as Source>::Matrix, Option<<S as Source>::Vector>);

pub(super) struct LayerParts<S: Source> {
    pub attention_norm: S::Vector,
    /// Queries, keys, values, output.
    pub projections: [Projection<S>; 4],
    pub feed_norm: S::Vector,
    pub router: Option<S::Matrix>,
    /// (gate, up, down) of the one network or of every expert.
    pub networks: Vec<[S::Matrix; 3]>,
}

/// The one list of tensors of this family with their shapes.
pub(super) fn parts<S: Source>(header: &Header, shape: &Shape, from: &mut S) -> Result<Parts<S>, ModelError> {
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
                let why =
                    "its experts are stored one by one, as before April 2024; a newer conversion is needed";
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
