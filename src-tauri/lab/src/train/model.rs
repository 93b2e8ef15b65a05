//! A trainable decoder of the GGUF `llama` architecture, dense or with a mixture of experts: its shape and its weights.
//!
//! Shapes: D width, F feed-forward width, E experts, V vocabulary. Weights are stored (in, out), the way they multiply;
//! [`crate::export`] turns them to GGUF's order. [`super::pass`] computes with them.

use rand::Rng;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Shape {
    pub vocabulary: usize,
    pub width: usize,
    pub layers: usize,
    pub heads: usize,
    /// Width inside the feed-forward block, of each expert when there are experts.
    pub feed_forward: usize,
    /// 0: dense.
    pub experts: usize,
    pub experts_used: usize,
    pub context: usize,
    pub rope_base: f32,
    pub norm_eps: f32,
}

/// One trained tensor, rows one after another.
#[derive(Clone, Debug, PartialEq)]
pub struct Weight {
    pub name: String,
    /// (in, out), or (D) of a norm.
    pub shape: Vec<usize>,
    pub data: Vec<f32>,
}

pub struct Model {
    pub shape: Shape,
    /// Every trained tensor, in a fixed order: [`EMBEDDING`], [`NORM`], then layer by layer.
    pub weights: Vec<Weight>,
    pub layers: Vec<Layer>,
}

/// (V, D), also the output projection.
pub const EMBEDDING: usize = 0;
/// (D), before the output projection.
pub const NORM: usize = 1;

/// Where a layer's tensors stand among the weights.
#[derive(Clone, Debug)]
pub struct Layer {
    pub attention_norm: usize,
    pub query: usize,
    pub key: usize,
    pub value: usize,
    pub output: usize,
    pub feed_forward_norm: usize,
    /// (D, E) when there are experts.
    pub router: Option<usize>,
    /// One when dense, E otherwise.
    pub experts: Vec<Expert>,
}

#[derive(Clone, Copy, Debug)]
pub struct Expert {
    pub gate: usize,
    pub up: usize,
    pub down: usize,
}

/// Rows of tokens, one after another, without padding.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Batch {
    /// Tokens of each row; their sum is the length of the three below.
    pub lengths: Vec<usize>,
    pub inputs: Vec<u32>,
    pub targets: Vec<u32>,
    /// Loss weight; 0 where there is nothing to learn.
    pub weights: Vec<f32>,
}

impl Model {
    /// Normal weights of deviation 1/√in (0.05 in the embedding), residual outputs scaled by 1/√(2·layers); norms of 1.
    pub fn new(shape: Shape, rng: &mut ChaCha8Rng) -> Model {
        let (d, f) = (shape.width, shape.feed_forward);
        let into = (d as f32).powf(-0.5);
        let out = into / (2.0 * shape.layers as f32).sqrt();
        let down = (f as f32).powf(-0.5) / (2.0 * shape.layers as f32).sqrt();
        let mut weights = Vec::new();
        let mut add = |name: String, shape: Vec<usize>, deviation: f32| {
            let n = shape.iter().product();
            let data = if shape.len() == 1 { vec![1.0; n] } else { normal(rng, n, deviation) };
            weights.push(Weight { name, shape, data });
            weights.len() - 1
        };
        add("embedding".into(), vec![shape.vocabulary, d], 0.05);
        add("norm".into(), vec![d], 0.0);
        let mut layers = Vec::new();
        for i in 0..shape.layers {
            let mut add = |name: &str, shape, deviation| add(format!("{i}.{name}"), shape, deviation);
            layers.push(Layer {
                attention_norm: add("attention_norm", vec![d], 0.0),
                query: add("query", vec![d, d], into),
                key: add("key", vec![d, d], into),
                value: add("value", vec![d, d], into),
                output: add("output", vec![d, d], out),
                feed_forward_norm: add("feed_forward_norm", vec![d], 0.0),
                router: (shape.experts > 0).then(|| add("router", vec![d, shape.experts], into)),
                experts: (0..shape.experts.max(1))
                    .map(|e| Expert {
                        gate: add(&format!("gate.{e}"), vec![d, f], into),
                        up: add(&format!("up.{e}"), vec![d, f], into),
                        down: add(&format!("down.{e}"), vec![f, d], down),
                    })
                    .collect(),
            });
        }
        Model { shape, weights, layers }
    }

    pub fn parameters(&self) -> usize {
        self.weights.iter().map(|weight| weight.data.len()).sum()
    }

    /// Zeros, one for every weight.
    pub fn gradient(&self) -> Vec<Vec<f32>> {
        self.weights.iter().map(|weight| vec![0.0; weight.data.len()]).collect()
    }
}

/// Box-Muller from the model's own generator, so that the same seed gives the same weights everywhere.
fn normal(rng: &mut ChaCha8Rng, n: usize, deviation: f32) -> Vec<f32> {
    (0..n)
        .map(|_| {
            let (u, v): (f32, f32) = (rng.random_range(f32::EPSILON..1.0), rng.random());
            (-2.0 * u.ln()).sqrt() * (std::f32::consts::TAU * v).cos() * deviation
        })
        .collect()
}
