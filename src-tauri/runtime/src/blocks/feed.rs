//! The feed-forward part of a layer: one gated network for all tokens (arXiv:2002.05202), or a mixture of experts of
//! which a router picks some for each token (Mixtral, arXiv:2401.04088).

use std::sync::atomic::AtomicBool;

use super::{Linear, add};
use crate::weights::Matrix;

pub enum Feed {
    Dense(Network),
    Mixture {
        /// (experts, width)
        router: Matrix,
        experts: Vec<Network>,
        /// Experts for each token.
        used: usize,
    },
}

/// `down(silu(gate(x)) · up(x))`.
pub struct Network {
    pub gate: Linear,
    pub up: Linear,
    pub down: Linear,
}

impl Feed {
    /// `out` from `x`, both (tokens, width).
    pub fn apply(&self, x: &[f32], out: &mut [f32], stop: &AtomicBool) {
        match self {
            Feed::Dense(network) => network.apply(x, out, stop),
            Feed::Mixture { router, experts, used } => {
                let width = router.columns();
                let choices = choose(router, *used, x, stop);
                out.fill(0.0);
                let mut gathered = Vec::new();
                let mut answers = Vec::new();
                for (number, expert) in experts.iter().enumerate() {
                    // The tokens of this expert, so that its weights are read once for all of them.
                    let mine: Vec<(usize, f32)> =
                        choices.iter().filter(|c| c.expert == number).map(|c| (c.token, c.share)).collect();
                    if mine.is_empty() {
                        continue;
                    }
                    gathered.clear();
                    for (token, _) in &mine {
                        gathered.extend_from_slice(&x[token * width..][..width]);
                    }
                    answers.resize(gathered.len(), 0.0);
                    expert.apply(&gathered, &mut answers, stop);
                    for ((token, share), answer) in mine.iter().zip(answers.chunks_exact_mut(width)) {
                        answer.iter_mut().for_each(|value| *value *= share);
                        add(&mut out[token * width..][..width], answer);
                    }
                }
            }
        }
    }
}

struct Choice {
    token: usize,
    expert: usize,
    share: f32,
}

/// The `used` most likely experts of every token; their probabilities, made to add up to 1, are the shares.
fn choose(router: &Matrix, used: usize, x: &[f32], stop: &AtomicBool) -> Vec<Choice> {
    let experts = router.rows();
    let tokens = x.len() / router.columns();
    let mut logits = vec![0.0; tokens * experts];
    router.multiply(x, &mut logits, stop);
    let mut choices = Vec::with_capacity(tokens * used);
    for (token, logits) in logits.chunks_exact(experts).enumerate() {
        let mut order: Vec<usize> = (0..experts).collect();
        // Stable: of equal experts the first is taken.
        order.sort_by(|&a, &b| logits[b].total_cmp(&logits[a]));
        // softmax over all and renormalised over the chosen is softmax over the chosen.
        let top = logits[order[0]];
        let odds: Vec<f32> = order[..used].iter().map(|&expert| (logits[expert] - top).exp()).collect();
        let total: f32 = odds.iter().sum();
        for (&expert, odds) in order.iter().zip(&odds) {
            choices.push(Choice { token, expert, share: odds / total });
        }
    }
    choices
}

impl Network {
    fn apply(&self, x: &[f32], out: &mut [f32], stop: &AtomicBool) {
        let tokens = x.len() / self.gate.matrix.columns();
        let mut inner = vec![0.0; tokens * self.gate.matrix.rows()];
        let mut up = vec![0.0; inner.len()];
        self.gate.apply(x, &mut inner, stop);
        self.up.apply(x, &mut up, stop);
        for (gate, up) in inner.iter_mut().zip(&up) {
            *gate = *gate / (1.0 + (-*gate).exp()) * up;
        }
        self.down.apply(&inner, out, stop);
    }
}
