//! One pass of a batch through a model, forward and backward, over buffers that are kept from step to step.
//!
//! Shapes: n tokens of all rows, m of them learned, D width, F feed-forward width, V vocabulary. Rows lie one after
//! another without padding; only attention sees where they begin.

use super::mixture::Mixture;
use super::model::{Batch, EMBEDDING, Expert, Layer, Model, NORM};
use super::ops;
use super::product::{Packs, Part, Side, To, multiply};

#[derive(Default)]
pub struct Pass {
    packs: Packs,
    /// cos and sin, (context, head / 2).
    rope: Vec<(f32, f32)>,
    /// Positions whose loss weight is above zero.
    learned: Vec<usize>,
    layers: Vec<Kept>,
    /// (n, D): what the last layer gives.
    x: Vec<f32>,
    /// (m, D): `x` of the learned positions, and the same normed.
    last: Vec<f32>,
    last_normed: Vec<f32>,
    /// (m, V)
    logits: Vec<f32>,
    scratch: Scratch,
}

/// What a layer's backward pass needs of its forward pass.
#[derive(Default)]
struct Kept {
    /// (n, D): the layer's input, and the same normed.
    x: Vec<f32>,
    normed: Vec<f32>,
    /// (n, 3 · D): rotated queries, rotated keys, values.
    qkv: Vec<f32>,
    /// Row after row, head after head: (time, time).
    attention: Vec<f32>,
    /// (n, D): what the heads give.
    mixed: Vec<f32>,
    /// (n, D): the input of the feed-forward block, and the same normed.
    middle: Vec<f32>,
    middle_normed: Vec<f32>,
    dense: Activations,
    mixture: Mixture,
}

/// Inside a feed-forward block: (tokens, F) each.
#[derive(Default)]
pub struct Activations {
    gate: Vec<f32>,
    up: Vec<f32>,
    product: Vec<f32>,
}

/// Gradients on their way back.
#[derive(Default)]
struct Scratch {
    x: Vec<f32>,
    normed: Vec<f32>,
    qkv: Vec<f32>,
    mixed: Vec<f32>,
    attention: Vec<f32>,
    inner: Vec<f32>,
}

/// What a forward pass gives.
pub struct Forward<'a> {
    /// (m, V): of the positions whose loss weight is above zero.
    pub logits: &'a [f32],
    /// Those positions.
    pub learned: &'a [usize],
}

/// The first `n` numbers of a buffer that grows when it must; they hold anything.
pub fn sized<T: Copy + Default>(buffer: &mut Vec<T>, n: usize) -> &mut [T] {
    if buffer.len() < n {
        buffer.resize(n, T::default());
    }
    &mut buffer[..n]
}

impl Pass {
    /// Rows must be no longer than the model's context, and its tokens below its vocabulary.
    pub fn forward(&mut self, model: &Model, batch: &Batch) -> Forward<'_> {
        let shape = &model.shape;
        let (n, d, v) = (batch.inputs.len(), shape.width, shape.vocabulary);
        if self.rope.is_empty() {
            self.rope = ops::rope_table(shape.context, d / shape.heads, shape.rope_base);
            self.layers.resize_with(shape.layers, Kept::default);
        }
        let embedding = &model.weights[EMBEDDING].data;
        for (x, id) in sized(&mut self.x, n * d).chunks_exact_mut(d).zip(&batch.inputs) {
            x.copy_from_slice(&embedding[*id as usize * d..][..d]);
        }
        for (layer, kept) in model.layers.iter().zip(&mut self.layers) {
            sized(&mut kept.x, n * d).copy_from_slice(&self.x[..n * d]);
            kept.attend(model, layer, batch, &self.rope, &mut self.packs, &mut self.x);
            sized(&mut kept.middle, n * d).copy_from_slice(&self.x[..n * d]);
            let normed = sized(&mut kept.middle_normed, n * d);
            ops::rms_norm(&kept.middle[..n * d], model.data(layer.feed_forward_norm), shape.norm_eps, normed);
            match layer.router {
                None => {
                    let to = To::add(&mut self.x, d);
                    kept.dense.forward(model, layer.experts[0], normed, to, &mut self.packs);
                }
                Some(router) => {
                    let to = &mut self.x[..n * d];
                    kept.mixture.forward(model, layer, router, normed, to, &mut self.packs);
                }
            }
        }
        self.learned.clear();
        self.learned.extend((0..n).filter(|t| batch.weights[*t] > 0.0));
        let m = self.learned.len();
        for (last, t) in sized(&mut self.last, m * d).chunks_exact_mut(d).zip(&self.learned) {
            last.copy_from_slice(&self.x[t * d..][..d]);
        }
        let normed = sized(&mut self.last_normed, m * d);
        ops::rms_norm(&self.last[..m * d], model.data(NORM), shape.norm_eps, normed);
        let logits = sized(&mut self.logits, m * v);
        let to = To::set(logits, v);
        multiply(
            &mut self.packs,
            Side::new(normed, d),
            Side::turned(embedding, d),
            to,
            [m, v, d],
            Part::Whole,
        );
        Forward { logits: &self.logits[..m * v], learned: &self.learned }
    }

    /// Mean load-balance loss over the layers of the last forward pass, 1.0 when even; 0.0 when dense.
    pub fn balance(&self) -> f32 {
        self.layers.iter().map(|kept| kept.mixture.balance()).sum::<f32>() / self.layers.len().max(1) as f32
    }

    /// Forward, then backward: `gradient`, in the order of the weights, becomes that of the weighted mean cross-entropy
    /// plus `balance` times the mean load-balance loss. Returns the cross-entropy, in nats.
    pub fn learn(&mut self, model: &Model, batch: &Batch, balance: f32, gradient: &mut [Vec<f32>]) -> f32 {
        self.forward(model, batch);
        let shape = &model.shape;
        let (n, m) = (batch.inputs.len(), self.learned.len());
        let (d, v) = (shape.width, shape.vocabulary);
        let total = batch.weights.iter().sum::<f32>().max(1e-9);
        let mut loss = 0f64;
        for (row, t) in self.logits[..m * v].chunks_exact_mut(v).zip(&self.learned) {
            loss += f64::from(ops::cross_entropy(row, batch.targets[*t], batch.weights[*t] / total));
        }

        let packs = &mut self.packs;
        let (logits, normed) = (&self.logits[..m * v], &self.last_normed[..m * d]);
        let to = To::set(&mut gradient[EMBEDDING], d);
        multiply(packs, Side::turned(logits, v), Side::new(normed, d), to, [v, d, m], Part::Whole);
        let s = &mut self.scratch;
        let dnormed = sized(&mut s.normed, n * d);
        let embedding = &model.weights[EMBEDDING].data;
        let to = To::set(dnormed, d);
        multiply(packs, Side::new(logits, v), Side::new(embedding, d), to, [m, d, v], Part::Whole);
        // The learned positions' gradient takes the place of their last activations.
        let dlast = sized(&mut s.mixed, n * d);
        dlast[..m * d].fill(0.0);
        gradient[NORM].fill(0.0);
        ops::rms_norm_back(
            &self.last[..m * d],
            model.data(NORM),
            shape.norm_eps,
            &dnormed[..m * d],
            &mut dlast[..m * d],
            &mut gradient[NORM],
        );
        let dx = sized(&mut s.x, n * d);
        dx.fill(0.0);
        for (dlast, t) in dlast.chunks_exact(d).zip(&self.learned) {
            dx[t * d..][..d].copy_from_slice(dlast);
        }

        for (layer, kept) in model.layers.iter().zip(&mut self.layers).rev() {
            let normed = &kept.middle_normed[..n * d];
            let dx = &s.x[..n * d];
            let dnormed = sized(&mut s.normed, n * d);
            match layer.router {
                None => {
                    let dinner = sized(&mut s.inner, n * shape.feed_forward);
                    kept.dense
                        .backward(model, layer.experts[0], normed, dx, dnormed, dinner, gradient, packs);
                }
                Some(router) => {
                    let balance = balance / shape.layers as f32;
                    kept.mixture
                        .backward(model, layer, router, balance, normed, dx, dnormed, gradient, packs);
                }
            }
            gradient[layer.feed_forward_norm].fill(0.0);
            ops::rms_norm_back(
                &kept.middle[..n * d],
                model.data(layer.feed_forward_norm),
                shape.norm_eps,
                dnormed,
                &mut s.x[..n * d],
                &mut gradient[layer.feed_forward_norm],
            );
            kept.attend_back(model, layer, batch, &self.rope, packs, s, gradient);
        }
        for (dx, id) in s.x[..n * d].chunks_exact(d).zip(&batch.inputs) {
            ops::add_scaled(&mut gradient[EMBEDDING][*id as usize * d..][..d], dx, 1.0);
        }
        loss as f32
    }
}

impl Model {
    fn data(&self, weight: usize) -> &[f32] {
        &self.weights[weight].data
    }
}

/// Where each row begins, how long it is, and where its attention begins.
fn rows(batch: &Batch, heads: usize) -> impl Iterator<Item = (usize, usize, usize)> {
    batch.lengths.iter().scan((0, 0), move |(start, squares), time| {
        let row = (*start, *time, *squares);
        *start += time;
        *squares += heads * time * time;
        Some(row)
    })
}

impl Kept {
    /// `out` += attention over `self.x`.
    fn attend(
        &mut self,
        model: &Model,
        layer: &Layer,
        batch: &Batch,
        rope: &[(f32, f32)],
        packs: &mut Packs,
        out: &mut [f32],
    ) {
        let (n, d, heads) = (batch.inputs.len(), model.shape.width, model.shape.heads);
        let (size, wide) = (d / heads, 3 * d);
        let normed = sized(&mut self.normed, n * d);
        ops::rms_norm(&self.x[..n * d], model.data(layer.attention_norm), model.shape.norm_eps, normed);
        let qkv = sized(&mut self.qkv, n * wide);
        for (part, weight) in [layer.query, layer.key, layer.value].into_iter().enumerate() {
            let (to, weight) = (To::set(&mut qkv[part * d..], wide), Side::new(model.data(weight), d));
            multiply(packs, Side::new(normed, d), weight, to, [n, d, d], Part::Whole);
        }
        let squares = heads * batch.lengths.iter().map(|time| time * time).sum::<usize>();
        let attention = sized(&mut self.attention, squares);
        let mixed = sized(&mut self.mixed, n * d);
        let scale = (size as f32).powf(-0.5);
        for (start, time, square) in rows(batch, heads) {
            let qkv = &mut qkv[start * wide..(start + time) * wide];
            for (token, row) in qkv.chunks_exact_mut(wide).zip(rope.chunks_exact(size / 2)) {
                ops::rotate(&mut token[..2 * d], row, false);
            }
            for h in 0..heads {
                let p = &mut attention[square + h * time * time..][..time * time];
                let part = |part: usize| &qkv[part * d + h * size..];
                let (q, k, v) = (part(0), part(1), part(2));
                let to = To::set(p, time);
                multiply(
                    packs,
                    Side::new(q, wide),
                    Side::turned(k, wide),
                    to,
                    [time, time, size],
                    Part::Below,
                );
                ops::causal_softmax(p, time, scale);
                let to = To::set(&mut mixed[start * d + h * size..], d);
                multiply(
                    packs,
                    Side::new(p, time),
                    Side::new(v, wide),
                    to,
                    [time, size, time],
                    Part::LowerLeft,
                );
            }
        }
        let weight = Side::new(model.data(layer.output), d);
        multiply(packs, Side::new(mixed, d), weight, To::add(out, d), [n, d, d], Part::Whole);
    }

    /// `s.x` += the gradient that reaches the layer's input through attention.
    #[allow(clippy::too_many_arguments, reason = "what a backward pass reads and writes")]
    fn attend_back(
        &mut self,
        model: &Model,
        layer: &Layer,
        batch: &Batch,
        rope: &[(f32, f32)],
        packs: &mut Packs,
        s: &mut Scratch,
        gradient: &mut [Vec<f32>],
    ) {
        let (n, d, heads) = (batch.inputs.len(), model.shape.width, model.shape.heads);
        let (size, wide) = (d / heads, 3 * d);
        let mixed = Side::turned(&self.mixed[..n * d], d);
        let dx = &s.x[..n * d];
        let dmixed = sized(&mut s.mixed, n * d);
        let to = To::set(&mut gradient[layer.output], d);
        multiply(packs, mixed, Side::new(dx, d), to, [d, d, n], Part::Whole);
        let weight = Side::turned(model.data(layer.output), d);
        multiply(packs, Side::new(dx, d), weight, To::set(dmixed, d), [n, d, d], Part::Whole);

        let dqkv = sized(&mut s.qkv, n * wide);
        let scale = (size as f32).powf(-0.5);
        for (start, time, square) in rows(batch, heads) {
            let qkv = &self.qkv[start * wide..(start + time) * wide];
            let dqkv = &mut dqkv[start * wide..(start + time) * wide];
            for h in 0..heads {
                let p = &self.attention[square + h * time * time..][..time * time];
                let part = |part: usize| Side::new(&qkv[part * d + h * size..], wide);
                let v = Side::turned(&qkv[2 * d + h * size..], wide);
                let dout = Side::new(&dmixed[start * d + h * size..], d);
                let dp = sized(&mut s.attention, time * time);
                multiply(packs, dout, v, To::set(dp, time), [time, time, size], Part::Below);
                ops::causal_softmax_back(p, dp, time, scale);
                let (lower, upper) = (Side::new(dp, time), Side::turned(dp, time));
                let backward = [
                    (lower, part(1), Part::LowerLeft),
                    (upper, part(0), Part::UpperLeft),
                    (Side::turned(p, time), dout, Part::UpperLeft),
                ];
                for (at, (left, right, part)) in backward.into_iter().enumerate() {
                    let to = To::set(&mut dqkv[at * d + h * size..], wide);
                    multiply(packs, left, right, to, [time, size, time], part);
                }
            }
            for (token, row) in dqkv.chunks_exact_mut(wide).zip(rope.chunks_exact(size / 2)) {
                ops::rotate(&mut token[..2 * d], row, true);
            }
        }
        let dnormed = sized(&mut s.normed, n * d);
        for (part, weight) in [layer.query, layer.key, layer.value].into_iter().enumerate() {
            let dpart = Side::new(&dqkv[part * d..], wide);
            let normed = Side::turned(&self.normed[..n * d], d);
            multiply(packs, normed, dpart, To::set(&mut gradient[weight], d), [d, d, n], Part::Whole);
            let to = if part == 0 { To::set(dnormed, d) } else { To::add(dnormed, d) };
            multiply(packs, dpart, Side::turned(model.data(weight), d), to, [n, d, d], Part::Whole);
        }
        gradient[layer.attention_norm].fill(0.0);
        ops::rms_norm_back(
            &self.x[..n * d],
            model.data(layer.attention_norm),
            model.shape.norm_eps,
            dnormed,
            &mut s.x[..n * d],
            &mut gradient[layer.attention_norm],
        );
    }
}

impl Activations {
    /// `to`: (tokens, D), from `x`: (tokens, D).
    pub fn forward(&mut self, model: &Model, expert: Expert, x: &[f32], to: To<'_>, packs: &mut Packs) {
        let (d, f) = (model.shape.width, model.shape.feed_forward);
        let n = x.len() / d;
        let (gate, up) = (sized(&mut self.gate, n * f), sized(&mut self.up, n * f));
        for (weight, out) in [(expert.gate, &mut *gate), (expert.up, &mut *up)] {
            let weight = Side::new(model.data(weight), f);
            multiply(packs, Side::new(x, d), weight, To::set(out, f), [n, f, d], Part::Whole);
        }
        let product = sized(&mut self.product, n * f);
        ops::swiglu(gate, up, product);
        let weight = Side::new(model.data(expert.down), d);
        multiply(packs, Side::new(product, f), weight, to, [n, d, f], Part::Whole);
    }

    /// From `dy`, the gradient of what [`Self::forward`] gave for `x`: `dx` becomes that of `x`, (tokens, D) all three;
    /// `dinner`: (tokens, F), to work in. Leaves the activations overwritten.
    #[allow(clippy::too_many_arguments, reason = "what a backward pass reads and writes")]
    pub fn backward(
        &mut self,
        model: &Model,
        expert: Expert,
        x: &[f32],
        dy: &[f32],
        dx: &mut [f32],
        dinner: &mut [f32],
        gradient: &mut [Vec<f32>],
        packs: &mut Packs,
    ) {
        let (d, f) = (model.shape.width, model.shape.feed_forward);
        let n = x.len() / d;
        let product = Side::turned(&self.product[..n * f], f);
        let to = To::set(&mut gradient[expert.down], d);
        multiply(packs, product, Side::new(dy, d), to, [f, d, n], Part::Whole);
        let weight = Side::turned(model.data(expert.down), d);
        multiply(packs, Side::new(dy, d), weight, To::set(dinner, f), [n, f, d], Part::Whole);
        let (gate, up) = (&mut self.gate[..n * f], &mut self.up[..n * f]);
        ops::swiglu_back(gate, up, dinner);
        for (weight, dinner, add) in [(expert.gate, gate, false), (expert.up, up, true)] {
            let dinner = Side::new(dinner, f);
            let to = To::set(&mut gradient[weight], f);
            multiply(packs, Side::turned(x, d), dinner, to, [d, f, n], Part::Whole);
            let to = if add { To::add(dx, d) } else { To::set(dx, d) };
            multiply(packs, dinner, Side::turned(model.data(weight), f), to, [n, d, f], Part::Whole);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::model::Shape;
    use super::super::optimizer::Optimizer;
    use super::*;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    const BALANCE: f32 = 0.5;

    fn model(experts: usize) -> Model {
        let shape = Shape {
            vocabulary: 20,
            width: 16,
            layers: 2,
            heads: 2,
            feed_forward: 24,
            experts,
            experts_used: 2,
            context: 16,
            rope_base: 100.0,
            norm_eps: 1e-5,
        };
        let mut model = Model::new(shape, &mut ChaCha8Rng::seed_from_u64(1));
        // Norms of 1 and embeddings near 0 would hide mistakes.
        for weight in model.weights.iter_mut().filter(|weight| weight.shape.len() == 1) {
            weight.data.iter_mut().enumerate().for_each(|(i, w)| *w += 0.3 * (i as f32).sin());
        }
        model.weights[EMBEDDING].data.iter_mut().for_each(|w| *w *= 10.0);
        model
    }

    /// Four rows of unequal length; a third of the positions is not learned.
    fn batch() -> Batch {
        let lengths = vec![15, 1, 7, 13];
        let inputs: Vec<u32> = (0..36).map(|i| (i * 7 % 20) as u32).collect();
        let targets = inputs.iter().map(|i| (i + 1) % 20).collect();
        let weights = (0..36).map(|i| [1.0, 0.0, 0.5][i % 3]).collect();
        Batch { lengths, inputs, targets, weights }
    }

    fn loss(pass: &mut Pass, model: &Model, batch: &Batch) -> f64 {
        let Forward { logits, learned } = pass.forward(model, batch);
        let mut sum = 0f64;
        for (row, t) in logits.chunks_exact(model.shape.vocabulary).zip(learned) {
            let total: f64 = row.iter().map(|x| f64::from(*x).exp()).sum();
            let missed = total.ln() - f64::from(row[batch.targets[*t] as usize]);
            sum += f64::from(batch.weights[*t]) * missed;
        }
        sum / f64::from(batch.weights.iter().sum::<f32>()) + f64::from(BALANCE * pass.balance())
    }

    /// Central differences of step 4e-3 in f32: a loss near 3 is known to about 1e-6, a difference to about 3e-4. The
    /// loss of a mixture jumps where a token changes its experts: such a place says nothing about the gradient.
    #[test]
    fn every_gradient_agrees_with_finite_differences() {
        for experts in [0, 4] {
            let (mut model, batch, mut pass) = (model(experts), batch(), Pass::default());
            let mut gradient = model.gradient();
            let given = pass.learn(&model, &batch, BALANCE, &mut gradient);
            let balance = BALANCE * pass.balance();
            let whole = loss(&mut pass, &model, &batch);
            let (mut compared, mut jumps) = (0, 0);
            assert!((f64::from(given + balance) - whole).abs() < 1e-5, "{given} + {balance} given, {whole}");
            for (at, gradient) in gradient.iter().enumerate() {
                let name = model.weights[at].name.clone();
                let length: f32 = gradient.iter().map(|g| g * g).sum();
                assert!(length.is_finite() && length > 0.0, "{name}: the gradient's length is {length}");
                for i in (0..gradient.len()).step_by(gradient.len() / 7) {
                    let before = model.weights[at].data[i];
                    let mut moved = |delta: f32| {
                        model.weights[at].data[i] = before + delta;
                        let loss = loss(&mut pass, &model, &batch);
                        let chosen = |kept: &Kept| kept.mixture.chosen().to_vec();
                        (loss, pass.layers.iter().map(chosen).collect::<Vec<_>>())
                    };
                    let ((above, chosen), (below, others)) = (moved(4e-3), moved(-4e-3));
                    model.weights[at].data[i] = before;
                    if chosen != others {
                        jumps += 1;
                        continue;
                    }
                    compared += 1;
                    let numeric = (above - below) / 8e-3;
                    let off = (numeric - f64::from(gradient[i])).abs();
                    assert!(
                        off < 5e-4 + 0.01 * numeric.abs(),
                        "{experts} experts, {name}[{i}]: {numeric} by differences, {} given",
                        gradient[i]
                    );
                }
            }
            assert!(compared > 5 * jumps, "only {compared} places compared, {jumps} left out");
        }
    }

    #[test]
    fn a_position_sees_nothing_after_it_and_no_other_row() {
        let (model, mut batch, mut pass) = (model(4), batch(), Pass::default());
        batch.weights.fill(1.0);
        let v = model.shape.vocabulary;
        let before = pass.forward(&model, &batch).logits.to_vec();
        batch.inputs[14] = 3;
        let after = pass.forward(&model, &batch).logits;
        for t in 0..36 {
            let same = before[t * v..][..v] == after[t * v..][..v];
            assert_eq!(same, t != 14, "position {t}, after the last input of the first row changed");
        }
    }

    #[test]
    fn a_few_steps_reduce_the_loss() {
        for experts in [0, 4] {
            let (mut model, batch, mut pass) = (model(experts), batch(), Pass::default());
            let (mut gradient, mut optimizer) = (model.gradient(), Optimizer::new(&model));
            let mut losses = Vec::new();
            for _ in 0..20 {
                losses.push(pass.learn(&model, &batch, 0.01, &mut gradient));
                optimizer.update(&mut model, &gradient, 5e-3);
            }
            assert!(losses[19] < 0.5 * losses[0], "{experts} experts: {losses:?}");
        }
    }
}
