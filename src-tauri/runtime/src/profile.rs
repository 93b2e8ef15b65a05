//! Profile: what the experts of a model's mixtures do with a text, and what their weights alone say of them.
//!
//! In:     a pass that is watched ([`Profiler`] is the observer), or a mixture
//! Out:    sums for each layer and expert, which add up over texts
//! Cost:   a pass, and about as much again for one of its products a layer; nothing of the pass changes
//! Exact:  where products are ([`crate::weights::Weights::exactly`]), float64 on dequantised weights gives the same to
//!         1e-5 for every storage type, unless a close choice of experts tips
//! Source: REAP (arXiv:2510.13999), EASY-EP (arXiv:2504.06792), AIMER (arXiv:2603.18492), super experts (arXiv:2507.23279)

use serde::{Deserialize, Serialize};

use crate::blocks::{Choice, Entry, Mixture, Network, Observer};
use crate::weights::Matrix;

/// What one expert did, summed over the tokens that were sent to it. Its output is taken before the router's share.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Sums {
    pub tokens: u64,
    /// Of the shares, as the model uses them.
    pub gate: f64,
    /// Of the L2 norms of its output.
    pub norm: f64,
    /// Of their squares.
    pub norm_squared: f64,
    /// Of share · norm, the shares of a token's experts adding up to 1.
    pub weighted: f64,
    /// Of share · norm · max(0, 1 − cosine), the cosine of the token's stream without and with what the routed experts
    /// add to it.
    pub easy_ep: f64,
    /// The largest size of a number of its output; of two texts the larger one.
    #[serde(default)]
    pub peak: f64,
}

/// One layer with a mixture.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LayerSums {
    pub layer: usize,
    pub experts: Vec<Sums>,
}

/// Watches passes and adds up.
pub struct Profiler {
    layers: Vec<LayerSums>,
    /// Of the layer that is being computed: for each token the sum of its shares.
    shares: Vec<f64>,
    /// (tokens, width): what the routed experts give together.
    routed: Vec<f64>,
    /// (token, expert, share · norm)
    open: Vec<(usize, usize, f64)>,
}

impl Profiler {
    /// For a model whose layers have these mixtures: (layer, experts).
    pub fn new(mixtures: impl IntoIterator<Item = (usize, usize)>) -> Profiler {
        let layer = |(layer, experts)| LayerSums { layer, experts: vec![Sums::default(); experts] };
        let layers = mixtures.into_iter().map(layer).collect();
        Profiler { layers, shares: Vec::new(), routed: Vec::new(), open: Vec::new() }
    }

    pub fn layers(self) -> Vec<LayerSums> {
        self.layers
    }

    fn layer(&mut self, layer: usize) -> Option<&mut LayerSums> {
        self.layers.iter_mut().find(|known| known.layer == layer)
    }
}

impl Observer for Profiler {
    fn chosen(&mut self, _layer: usize, choices: &[Choice]) {
        self.shares.clear();
        self.routed.clear();
        self.open.clear();
        self.shares.resize(choices.iter().map(|choice| choice.token + 1).max().unwrap_or(0), 0.0);
        for choice in choices {
            self.shares[choice.token] += f64::from(choice.share);
        }
    }

    fn answered(&mut self, layer: usize, choices: &[Choice], output: &[f32]) {
        let width = output.len() / choices.len().max(1);
        self.routed.resize(self.shares.len() * width, 0.0);
        for (choice, output) in choices.iter().zip(output.chunks_exact(width)) {
            let share = f64::from(choice.share);
            let squared: f64 = output.iter().map(|&value| f64::from(value).powi(2)).sum();
            let norm = squared.sqrt();
            let whole = self.shares[choice.token];
            self.open.push((choice.token, choice.expert, share * norm));
            for (sum, &value) in self.routed[choice.token * width..][..width].iter_mut().zip(output) {
                *sum += share * f64::from(value);
            }
            let Some(sums) = self.layer(layer).and_then(|layer| layer.experts.get_mut(choice.expert)) else {
                continue;
            };
            sums.tokens += 1;
            sums.gate += share;
            sums.norm += norm;
            sums.norm_squared += squared;
            sums.peak = output.iter().fold(sums.peak, |peak, &value| peak.max(f64::from(value.abs())));
            sums.weighted += if whole > 0.0 { share / whole * norm } else { 0.0 };
        }
    }

    fn added(&mut self, layer: usize, stream: &[f32], scale: f32) {
        if self.open.is_empty() {
            return;
        }
        let width = self.routed.len() / self.shares.len();
        let rows = stream.chunks_exact(width).zip(self.routed.chunks_exact(width));
        let turned: Vec<f64> =
            rows.map(|(stream, routed)| turned(stream, routed, f64::from(scale))).collect();
        let open = std::mem::take(&mut self.open);
        for &(token, expert, weighted) in &open {
            if let Some(sums) = self.layer(layer).and_then(|layer| layer.experts.get_mut(expert)) {
                sums.easy_ep += weighted * turned[token];
            }
        }
        self.open = open;
        self.open.clear();
    }
}

/// max(0, 1 − cosine) of `stream` and `stream` + `scale` · `routed`.
fn turned(stream: &[f32], routed: &[f64], scale: f64) -> f64 {
    let (mut both, mut before, mut after) = (0.0, 0.0, 0.0);
    for (&x, &routed) in stream.iter().zip(routed) {
        let (x, y) = (f64::from(x), f64::from(x) + scale * routed);
        both += x * y;
        before += x * x;
        after += y * y;
    }
    let lengths = (before * after).sqrt();
    if lengths > 0.0 { (1.0 - both / lengths).max(0.0) } else { 0.0 }
}

/// mean|W| / RMS(W) over all weights of each expert, biases not counted: from 0 to 1, less for an expert whose weights
/// are less alike. `on_expert` is called after each.
pub fn aimer(mixture: &Mixture, on_expert: &mut dyn FnMut()) -> Vec<f64> {
    let each = |expert| {
        let score = aimer_of(expert);
        on_expert();
        score
    };
    mixture.experts.iter().map(each).collect()
}

fn aimer_of(expert: &Network) -> f64 {
    let entry: Vec<&Matrix> = match &expert.entry {
        Entry::Split { gate, up } => vec![&gate.matrix, &up.matrix],
        Entry::Joined(joined) => vec![&joined.matrix],
    };
    let (mut sizes, mut squares, mut count) = (0.0f64, 0.0f64, 0.0f64);
    for matrix in entry.into_iter().chain([&expert.down.matrix]) {
        let mut row = vec![0.0; matrix.columns()];
        for number in 0..matrix.rows() {
            matrix.read_row(number, &mut row);
            sizes += row.iter().map(|&value| f64::from(value.abs())).sum::<f64>();
            squares += row.iter().map(|&value| f64::from(value).powi(2)).sum::<f64>();
        }
        count += (matrix.rows() * matrix.columns()) as f64;
    }
    if squares > 0.0 { sizes / count / (squares / count).sqrt() } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two tokens, two experts of three, by hand.
    #[test]
    fn sums_are_those_of_the_definitions() {
        let mut profiler = Profiler::new([(7, 3)]);
        let choice = |token, expert, share| Choice { token, expert, share };
        let (a, b, c) = (choice(0, 0, 0.5), choice(0, 2, 0.25), choice(1, 2, 0.5));
        profiler.chosen(7, &[a, b, c]);
        profiler.answered(7, &[a], &[3.0, 4.0]);
        profiler.answered(7, &[b, c], &[0.0, 2.0, 1.0, 0.0]);
        profiler.added(7, &[1.0, 0.0, 1.0, 0.0], 2.0);
        let layers = profiler.layers();
        assert_eq!(layers[0].layer, 7);
        // The first token's stream goes from (1, 0) to (1, 0) + 2 · (0.5 · (3, 4) + 0.25 · (0, 2)) = (4, 5).
        let turned = 1.0 - 4.0 / 41f64.sqrt();
        let [first, idle, last] = layers[0].experts[..] else { panic!("three experts") };
        assert_eq!(idle, Sums::default());
        assert_eq!((first.tokens, first.gate, first.norm, first.norm_squared), (1, 0.5, 5.0, 25.0));
        assert_eq!((first.peak, last.peak), (4.0, 2.0));
        assert_eq!((last.tokens, last.gate, last.norm, last.norm_squared), (2, 0.75, 3.0, 5.0));
        assert!((first.weighted - 0.5 / 0.75 * 5.0).abs() < 1e-12);
        assert!((last.weighted - (0.25 / 0.75 * 2.0 + 1.0)).abs() < 1e-12);
        assert!((first.easy_ep - 2.5 * turned).abs() < 1e-12);
        // The second token's stream keeps its direction.
        assert!((last.easy_ep - 0.5 * turned).abs() < 1e-12);
    }
}
