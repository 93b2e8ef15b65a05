//! A mixture of experts: every token through its `used` best experts, weighted by the router's probabilities
//! renormalised over them (Mixtral, arXiv:2401.04088).
//!
//! Shapes: n tokens, D width, E experts. A place is a token's seat at one of its experts: n · used of them.

use super::model::{Layer, Model};
use super::ops;
use super::pass::{Activations, sized};
use super::product::{Packs, Part, Side, To, multiply};

#[derive(Default)]
pub struct Mixture {
    /// (n, E)
    probabilities: Vec<f32>,
    /// (n, used): experts, best first, and their shares of the result.
    chosen: Vec<usize>,
    shares: Vec<f32>,
    /// By expert, the places in `chosen` sent to it.
    places: Vec<Vec<usize>>,
    experts: Vec<Seats>,
    /// The load-balance loss of the last forward pass.
    balance: f32,
    /// Gradients of the probabilities, (n, E), and of the shares, (n, used).
    dprobabilities: Vec<f32>,
    dshares: Vec<f32>,
    dy: Vec<f32>,
    dx: Vec<f32>,
    dinner: Vec<f32>,
}

/// One expert's tokens: what goes in and comes out, (places, D).
#[derive(Default)]
struct Seats {
    x: Vec<f32>,
    y: Vec<f32>,
    activations: Activations,
}

impl Mixture {
    /// The load-balance loss of Switch Transformers, eq. 4 with α = 1 (arXiv:2101.03961), with the share of the top-k
    /// choices: 1.0 when experts share the tokens evenly; 0.0 when there are none.
    pub fn balance(&self) -> f32 {
        self.balance
    }

    #[cfg(test)]
    pub fn chosen(&self) -> &[usize] {
        &self.chosen
    }

    /// `out` += the mixture of `x`, (n, D) both.
    pub fn forward(
        &mut self,
        model: &Model,
        layer: &Layer,
        router: usize,
        x: &[f32],
        out: &mut [f32],
        packs: &mut Packs,
    ) {
        let (d, e, used) = (model.shape.width, layer.experts.len(), model.shape.experts_used);
        let n = x.len() / d;
        let probabilities = sized(&mut self.probabilities, n * e);
        let weight = Side::new(&model.weights[router].data, e);
        multiply(packs, Side::new(x, d), weight, To::set(probabilities, e), [n, e, d], Part::Whole);
        ops::softmax(probabilities, e);

        self.places.resize_with(e, Vec::new);
        self.experts.resize_with(e, Seats::default);
        self.places.iter_mut().for_each(Vec::clear);
        self.chosen.clear();
        self.shares.clear();
        let mut order: Vec<usize> = Vec::with_capacity(e);
        for row in probabilities.chunks_exact(e) {
            order.clear();
            order.extend(0..e);
            order.sort_by(|a, b| row[*b].total_cmp(&row[*a]).then(a.cmp(b)));
            let total: f32 = order[..used].iter().map(|expert| row[*expert]).sum();
            for expert in &order[..used] {
                self.places[*expert].push(self.chosen.len());
                self.chosen.push(*expert);
                self.shares.push(row[*expert] / total);
            }
        }

        for ((expert, seats), places) in layer.experts.iter().zip(&mut self.experts).zip(&self.places) {
            let taken = sized(&mut seats.x, places.len() * d);
            for (taken, place) in taken.chunks_exact_mut(d).zip(places) {
                taken.copy_from_slice(&x[place / used * d..][..d]);
            }
            let y = sized(&mut seats.y, places.len() * d);
            seats.activations.forward(model, *expert, taken, To::set(y, d), packs);
            for (y, place) in y.chunks_exact(d).zip(places) {
                ops::add_scaled(&mut out[place / used * d..][..d], y, self.shares[*place]);
            }
        }
        let mut means = vec![0f64; e];
        for row in probabilities.chunks_exact(e) {
            means.iter_mut().zip(row).for_each(|(mean, p)| *mean += f64::from(*p) / n as f64);
        }
        let loads = self.places.iter().map(|places| places.len() as f64 / (n * used) as f64);
        self.balance = (loads.zip(means).map(|(load, mean)| load * mean).sum::<f64>() * e as f64) as f32;
    }

    /// From `dy`, the gradient of what [`Self::forward`] added for `x`: `dx` becomes that of `x`, the load-balance loss
    /// counted `balance` times.
    #[allow(clippy::too_many_arguments, reason = "what a backward pass reads and writes")]
    pub fn backward(
        &mut self,
        model: &Model,
        layer: &Layer,
        router: usize,
        balance: f32,
        x: &[f32],
        dy: &[f32],
        dx: &mut [f32],
        gradient: &mut [Vec<f32>],
        packs: &mut Packs,
    ) {
        let (d, e, used) = (model.shape.width, layer.experts.len(), model.shape.experts_used);
        let (n, f) = (x.len() / d, model.shape.feed_forward);
        dx.fill(0.0);
        let dshares = sized(&mut self.dshares, n * used);
        for ((expert, seats), places) in layer.experts.iter().zip(&mut self.experts).zip(&self.places) {
            let count = places.len();
            let dseats = sized(&mut self.dy, count * d);
            dseats.fill(0.0);
            for ((dseat, y), place) in dseats.chunks_exact_mut(d).zip(seats.y.chunks_exact(d)).zip(places) {
                let dy = &dy[place / used * d..][..d];
                dshares[*place] = ops::inner(dy, y);
                ops::add_scaled(dseat, dy, self.shares[*place]);
            }
            let taken = &seats.x[..count * d];
            let dtaken = sized(&mut self.dx, count * d);
            let dinner = sized(&mut self.dinner, count * f);
            seats.activations.backward(model, *expert, taken, dseats, dtaken, dinner, gradient, packs);
            for (dtaken, place) in dtaken.chunks_exact(d).zip(places) {
                ops::add_scaled(&mut dx[place / used * d..][..d], dtaken, 1.0);
            }
        }

        let probabilities = &self.probabilities[..n * e];
        let dprobabilities = sized(&mut self.dprobabilities, n * e);
        let scale = balance * e as f32 / n as f32;
        for (t, dp) in dprobabilities.chunks_exact_mut(e).enumerate() {
            for (dp, places) in dp.iter_mut().zip(&self.places) {
                *dp = scale * places.len() as f32 / (n * used) as f32;
            }
            // A share is p / Σ chosen p.
            let row = t * used..(t + 1) * used;
            let (chosen, shares) = (&self.chosen[row.clone()], &self.shares[row.clone()]);
            let total: f32 = chosen.iter().map(|expert| probabilities[t * e + expert]).sum();
            let mean: f32 = shares.iter().zip(&dshares[row.clone()]).map(|(share, d)| share * d).sum();
            for (expert, d) in chosen.iter().zip(&dshares[row]) {
                dp[*expert] += (d - mean) / total;
            }
        }
        ops::softmax_back(probabilities, dprobabilities, e);
        let dscores = Side::new(dprobabilities, e);
        let to = To::set(&mut gradient[router], e);
        multiply(packs, Side::turned(x, d), dscores, to, [d, e, n], Part::Whole);
        let weight = Side::turned(&model.weights[router].data, e);
        multiply(packs, dscores, weight, To::add(dx, d), [n, d, e], Part::Whole);
    }
}
