//! A trainable decoder of the GGUF `llama` architecture, dense or with a mixture of experts.
//!
//! Shapes: B batch, T time, D width, H heads, F feed-forward width, E experts, V vocabulary. Weights are stored
//! (in, out), the way they multiply; [`crate::export`] turns them to GGUF's order.

use super::ops;
use candle_core::{DType, Device, Result, Tensor, Var};
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

pub struct Model {
    pub shape: Shape,
    /// (V, D), also the output projection.
    pub embedding: Var,
    pub layers: Vec<Layer>,
    pub norm: Var,
}

pub struct Layer {
    pub attention_norm: Var,
    pub query: Var,
    pub key: Var,
    pub value: Var,
    pub output: Var,
    pub feed_forward_norm: Var,
    /// (D, E) when there are experts.
    pub router: Option<Var>,
    /// One when dense, E otherwise.
    pub experts: Vec<Expert>,
}

pub struct Expert {
    pub gate: Var,
    pub up: Var,
    pub down: Var,
}

/// Right-padded rows: `inputs` and `targets` (B · T), loss weight 0 where there is nothing to learn.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Batch {
    pub rows: usize,
    pub inputs: Vec<u32>,
    pub targets: Vec<u32>,
    pub weights: Vec<f32>,
}

/// What a forward pass gives.
pub struct Forward {
    /// (B · T, V)
    pub logits: Tensor,
    /// Mean load-balance loss over the layers, 1.0 when even; `None` when dense.
    pub balance: Option<Tensor>,
}

impl Model {
    /// Weights from a normal distribution of deviation 0.02·√(128/D)…; residual outputs scaled by 1/√(2·layers).
    pub fn new(shape: Shape, rng: &mut ChaCha8Rng) -> Result<Model> {
        let (d, f) = (shape.width, shape.feed_forward);
        let into = (d as f32).powf(-0.5);
        let out = into / (2.0 * shape.layers as f32).sqrt();
        let down = (f as f32).powf(-0.5) / (2.0 * shape.layers as f32).sqrt();
        let embedding = normal(rng, (shape.vocabulary, d), 0.05)?;
        let mut layers = Vec::new();
        for _ in 0..shape.layers {
            let mut experts = Vec::new();
            let attention_norm = ones(d)?;
            let (query, key) = (normal(rng, (d, d), into)?, normal(rng, (d, d), into)?);
            let (value, output) = (normal(rng, (d, d), into)?, normal(rng, (d, d), out)?);
            let router = match shape.experts {
                0 => None,
                count => Some(normal(rng, (d, count), into)?),
            };
            for _ in 0..shape.experts.max(1) {
                experts.push(Expert {
                    gate: normal(rng, (d, f), into)?,
                    up: normal(rng, (d, f), into)?,
                    down: normal(rng, (f, d), down)?,
                });
            }
            layers.push(Layer {
                attention_norm,
                query,
                key,
                value,
                output,
                feed_forward_norm: ones(d)?,
                router,
                experts,
            });
        }
        Ok(Model { embedding, layers, norm: ones(d)?, shape })
    }

    /// Every trained tensor with its name, in a fixed order.
    pub fn vars(&self) -> Vec<(String, &Var)> {
        let mut vars = vec![("embedding".to_string(), &self.embedding), ("norm".to_string(), &self.norm)];
        for (i, layer) in self.layers.iter().enumerate() {
            let mut add = |name: &str, var| vars.push((format!("{i}.{name}"), var));
            add("attention_norm", &layer.attention_norm);
            add("query", &layer.query);
            add("key", &layer.key);
            add("value", &layer.value);
            add("output", &layer.output);
            add("feed_forward_norm", &layer.feed_forward_norm);
            if let Some(router) = &layer.router {
                add("router", router);
            }
            for (e, expert) in layer.experts.iter().enumerate() {
                add(&format!("gate.{e}"), &expert.gate);
                add(&format!("up.{e}"), &expert.up);
                add(&format!("down.{e}"), &expert.down);
            }
        }
        vars
    }

    pub fn parameters(&self) -> usize {
        self.vars().iter().map(|(_, var)| var.elem_count()).sum()
    }

    /// `batch.inputs`: (B · T) to logits (B · T, V).
    pub fn forward(&self, batch: &Batch) -> Result<Forward> {
        let shape = &self.shape;
        let (b, n) = (batch.rows, batch.inputs.len());
        let ids = Tensor::from_slice(&batch.inputs, n, &Device::Cpu)?;
        let mut x = self.embedding.index_select(&ids, 0)?;
        let mut balance: Option<Tensor> = None;
        let scale = ((shape.width / shape.heads) as f32).powf(-0.5);
        for layer in &self.layers {
            let normed = ops::rms_norm(&x, &layer.attention_norm, shape.norm_eps)?;
            let rope = Some(shape.rope_base);
            let q = ops::heads(&normed.matmul(&layer.query)?, b, shape.heads, rope)?;
            let k = ops::heads(&normed.matmul(&layer.key)?, b, shape.heads, rope)?;
            let v = ops::heads(&normed.matmul(&layer.value)?, b, shape.heads, None)?;
            let p = ops::causal_softmax(&q.matmul(&k.t()?)?, scale)?;
            let mixed = p.matmul(&v)?.transpose(1, 2)?.reshape((n, shape.width))?;
            x = (x + mixed.matmul(&layer.output)?)?;
            let normed = ops::rms_norm(&x, &layer.feed_forward_norm, shape.norm_eps)?;
            let y = match &layer.router {
                None => layer.experts[0].forward(&normed)?,
                Some(router) => {
                    let (y, even) = mixture(&normed, router, &layer.experts, shape.experts_used)?;
                    balance = Some(match balance {
                        None => even,
                        Some(sum) => (sum + even)?,
                    });
                    y
                }
            };
            x = (x + y)?;
        }
        let x = ops::rms_norm(&x, &self.norm, shape.norm_eps)?;
        let logits = x.matmul(&self.embedding.t()?)?;
        let balance = balance.map(|sum| sum.affine(1.0 / shape.layers as f64, 0.0)).transpose()?;
        Ok(Forward { logits, balance })
    }
}

impl Expert {
    /// (N, D) to (N, D)
    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        ops::swiglu(&x.matmul(&self.gate)?, &x.matmul(&self.up)?)?.matmul(&self.down)
    }
}

/// Every token through its `used` best experts, weighted by the router's probabilities renormalised over them
/// (Mixtral, arXiv:2401.04088). Also the load-balance loss of Switch Transformers, eq. 4 with α = 1
/// (arXiv:2101.03961), with the share of the top-k choices: 1.0 when experts share the tokens evenly.
fn mixture(x: &Tensor, router: &Var, experts: &[Expert], used: usize) -> Result<(Tensor, Tensor)> {
    let (n, count) = (x.dim(0)?, experts.len());
    let probabilities = ops::softmax(&x.matmul(router)?)?;
    let rows = probabilities.to_vec2::<f32>()?;
    let mut chosen = Vec::with_capacity(n * used);
    let mut tokens_of: Vec<(Vec<u32>, Vec<u32>)> = vec![Default::default(); count];
    for (token, row) in rows.iter().enumerate() {
        let mut order: Vec<u32> = (0..count as u32).collect();
        order.sort_by(|a, b| row[*b as usize].total_cmp(&row[*a as usize]).then(a.cmp(b)));
        for expert in &order[..used] {
            let (tokens, places) = &mut tokens_of[*expert as usize];
            tokens.push(token as u32);
            places.push(chosen.len() as u32);
            chosen.push(*expert);
        }
    }
    let chosen = Tensor::from_vec(chosen, (n, used), x.device())?;
    let gates = probabilities.gather(&chosen, 1)?;
    let gates = gates.broadcast_div(&gates.sum_keepdim(1)?)?.reshape((n * used, 1))?;
    let mut y = x.zeros_like()?;
    let mut shares = Vec::with_capacity(count);
    for (expert, (tokens, places)) in experts.iter().zip(&tokens_of) {
        shares.push(tokens.len() as f32 / (n * used) as f32);
        if tokens.is_empty() {
            continue;
        }
        let tokens = Tensor::from_slice(tokens, tokens.len(), x.device())?;
        let places = Tensor::from_slice(places, places.len(), x.device())?;
        let out = expert.forward(&x.index_select(&tokens, 0)?)?;
        y = y.index_add(&tokens, &out.broadcast_mul(&gates.index_select(&places, 0)?)?, 0)?;
    }
    let shares = Tensor::from_vec(shares, count, x.device())?;
    let balance = (probabilities.mean(0)?.mul(&shares)?.sum_all()? * count as f64)?;
    Ok((y, balance))
}

fn ones(width: usize) -> Result<Var> {
    Var::from_tensor(&Tensor::ones(width, DType::F32, &Device::Cpu)?)
}

/// Box-Muller from the model's own generator, so that the same seed gives the same weights everywhere.
fn normal(rng: &mut ChaCha8Rng, shape: (usize, usize), deviation: f32) -> Result<Var> {
    let n = shape.0 * shape.1;
    let data: Vec<f32> = (0..n)
        .map(|_| {
            let (u, v): (f32, f32) = (rng.random_range(f32::EPSILON..1.0), rng.random());
            (-2.0 * u.ln()).sqrt() * (std::f32::consts::TAU * v).cos() * deviation
        })
        .collect();
    Var::from_tensor(&Tensor::from_vec(data, shape, &Device::Cpu)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    fn shape(experts: usize) -> Shape {
        Shape {
            vocabulary: 20,
            width: 16,
            layers: 2,
            heads: 2,
            feed_forward: 24,
            experts,
            experts_used: 2,
            context: 16,
            rope_base: 10_000.0,
            norm_eps: 1e-5,
        }
    }

    fn batch() -> Batch {
        let inputs: Vec<u32> = (0..60).map(|i| (i * 7 % 20) as u32).collect();
        let targets = inputs.iter().map(|i| (i + 1) % 20).collect();
        Batch { rows: 4, weights: vec![1.0; 60], inputs, targets }
    }

    #[test]
    fn every_weight_gets_a_finite_gradient_that_is_not_zero() {
        for experts in [0, 4] {
            let model = Model::new(shape(experts), &mut ChaCha8Rng::seed_from_u64(1)).unwrap();
            let batch = batch();
            let forward = model.forward(&batch).unwrap();
            let mut loss =
                ops::cross_entropy(&forward.logits, batch.targets.clone(), batch.weights.clone()).unwrap();
            if let Some(balance) = forward.balance {
                loss = (loss + (balance * 0.01).unwrap()).unwrap();
            }
            let grads = loss.backward().unwrap();
            for (name, var) in model.vars() {
                let grad = grads.get(var).unwrap_or_else(|| panic!("{name} gets no gradient"));
                let sum = grad.abs().unwrap().sum_all().unwrap().to_scalar::<f32>().unwrap();
                assert!(sum.is_finite() && sum > 0.0, "{name}: the gradient sums to {sum}");
            }
        }
    }

    #[test]
    fn a_position_sees_nothing_after_it() {
        let model = Model::new(shape(4), &mut ChaCha8Rng::seed_from_u64(2)).unwrap();
        let before = model.forward(&batch()).unwrap().logits.to_vec2::<f32>().unwrap();
        let mut changed = batch();
        changed.inputs[14] = 3;
        let after = model.forward(&changed).unwrap().logits.to_vec2::<f32>().unwrap();
        assert_eq!(before[..14], after[..14], "the last input of the first row changed the ones before it");
        assert_ne!(before[14], after[14]);
    }
}
