//! The feed-forward part of a layer: one gated network for all tokens (arXiv:2002.05202), or a mixture of experts of
//! which a router picks some for each token (Mixtral, arXiv:2401.04088; DeepSeek-V2, arXiv:2405.04434).

use std::sync::atomic::AtomicBool;

use super::{Linear, add};
use crate::gguf::Dtype;
use crate::kernels::float::silu_times;

/// What bends the gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activation {
    /// x · sigmoid(x)
    Silu,
    /// The approximation with tanh. Source: arXiv:1606.08415.
    Gelu,
    /// gpt-oss: gate and up are limited to 7, sigmoid(1.702 x), and 1 is added to up. Source: the gpt-oss model card.
    Limited,
}

/// `down(activation(gate(x)) · up(x))`.
pub struct Network {
    pub entry: Entry,
    pub down: Linear,
    pub activation: Activation,
}

/// Gate and up.
pub enum Entry {
    Split {
        gate: Linear,
        up: Linear,
    },
    /// One matrix: the rows of the gate, then those of up.
    Joined(Linear),
}

pub enum Feed {
    Dense(Box<Network>),
    Mixture(Box<Mixture>),
}

pub struct Mixture {
    /// (experts, width)
    pub router: Linear,
    /// Added to the experts' scores when they are chosen, not to their shares. Source: DeepSeek-V3 (arXiv:2412.19437).
    pub choice_bias: Option<Vec<f32>>,
    pub experts: Vec<Network>,
    pub routing: Routing,
    /// Computed for every token.
    pub shared: Option<Shared>,
}

pub struct Shared {
    pub network: Network,
    /// Its answer is multiplied by sigmoid(gate · x).
    pub gate: Option<Vec<f32>>,
}

/// How a router's numbers become shares.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Routing {
    /// Experts for each token.
    pub used: usize,
    pub scores: Scores,
    /// The shares of the chosen add up to 1.
    pub normalised: bool,
    /// Every share is multiplied by this.
    pub scale: f32,
}

impl Routing {
    /// The most likely experts of every token that are not left out; fewer than are used when fewer are left.
    /// `logits`: (tokens, experts); `bias` (experts) is added when they are
    /// chosen, not to their shares.
    pub fn choose(
        self,
        experts: usize,
        bias: Option<&[f32]>,
        logits: &[f32],
        excluded: &[bool],
    ) -> Vec<Choice> {
        let Routing { used, scores, normalised, scale } = self;
        let may = |expert: &usize| !excluded.get(*expert).copied().unwrap_or(false);
        let mut choices = Vec::with_capacity(logits.len() / experts * used);
        let mut order: Vec<usize> = Vec::new();
        for (token, logits) in logits.chunks_exact(experts).enumerate() {
            order.clear();
            order.extend((0..logits.len()).filter(may));
            // Who may not be chosen has no part in the others' shares, as if the router did not know him.
            let top = order.iter().map(|&expert| logits[expert]).fold(f32::NEG_INFINITY, f32::max);
            let score = |expert: usize| match scores {
                Scores::Softmax => (logits[expert] - top).exp(),
                Scores::Sigmoid => 1.0 / (1.0 + (-logits[expert]).exp()),
            };
            // Without a bias the logits give the same order, and do not round two of them to one.
            let rank = |expert: usize| match bias {
                None => logits[expert],
                Some(bias) => score(expert) + bias[expert],
            };
            let all: f32 = order.iter().map(|&expert| score(expert)).sum();
            // Stable: of equal experts the first is taken.
            order.sort_by(|&a, &b| rank(b).total_cmp(&rank(a)));
            order.truncate(used);
            let total = match (normalised, scores) {
                (true, _) => order.iter().map(|&expert| score(expert)).sum(),
                (false, Scores::Softmax) => all,
                (false, Scores::Sigmoid) => 1.0,
            };
            let share = |expert: usize| score(expert) / total * scale;
            choices.extend(order.iter().map(|&expert| Choice { token, expert, share: share(expert) }));
        }
        choices
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scores {
    Softmax,
    Sigmoid,
}

/// One expert for one token of a pass.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Choice {
    pub token: usize,
    pub expert: usize,
    pub share: f32,
}

/// Sees what the mixtures of a model do. Tokens are numbered within the pass.
pub trait Observer: Send {
    /// What the router of `layer` gave: (tokens, experts), before anything is left out.
    fn routed(&mut self, _layer: usize, _logits: &[f32]) {}
    /// The experts that are needed, before any is read; token by token, the largest share first.
    fn chosen(&mut self, _layer: usize, _choices: &[Choice]) {}
    /// What an expert gave for these tokens: (choices, width), before it is multiplied by the shares.
    fn answered(&mut self, _layer: usize, _choices: &[Choice], _output: &[f32]) {}
    /// The stream (tokens, width) that `scale` times the layer's feed-forward part is about to be added to.
    fn added(&mut self, _layer: usize, _stream: &[f32], _scale: f32) {}
}

/// Somebody who looks at the mixture of one layer, and experts that may not be chosen.
pub struct Watch<'a, 'b> {
    pub layer: usize,
    pub observer: &'a mut Option<&'b mut dyn Observer>,
    /// (experts): true is left out. Empty: none is.
    pub excluded: &'a [bool],
}

impl Feed {
    /// `out` from `x`, both (tokens, width).
    pub fn apply(&self, x: &[f32], out: &mut [f32], watch: Watch<'_, '_>, stop: &AtomicBool) {
        match self {
            Feed::Dense(network) => network.apply(x, out, stop),
            Feed::Mixture(mixture) => mixture.apply(x, out, watch, stop),
        }
    }
}

impl Mixture {
    fn apply(&self, x: &[f32], out: &mut [f32], watch: Watch<'_, '_>, stop: &AtomicBool) {
        let width = self.router.matrix.columns();
        let Watch { layer, observer, excluded } = watch;
        let mut logits = vec![0.0; x.len() / width * self.experts.len()];
        self.router.apply(x, &mut logits, stop);
        if let Some(observer) = observer {
            observer.routed(layer, &logits);
        }
        let bias = self.choice_bias.as_deref();
        let choices = self.routing.choose(self.experts.len(), bias, &logits, excluded);
        if let Some(observer) = observer {
            observer.chosen(layer, &choices);
        }
        match &self.shared {
            Some(shared) => shared.apply(x, out, stop),
            None => out.fill(0.0),
        }
        let (mut mine, mut gathered, mut answers) = (Vec::<Choice>::new(), Vec::new(), Vec::new());
        for (number, expert) in self.experts.iter().enumerate() {
            // The tokens of this expert, so that its weights are read once for all of them.
            mine.clear();
            mine.extend(choices.iter().filter(|choice| choice.expert == number));
            if mine.is_empty() {
                continue;
            }
            gathered.clear();
            for choice in &mine {
                gathered.extend_from_slice(&x[choice.token * width..][..width]);
            }
            answers.resize(gathered.len(), 0.0);
            expert.apply(&gathered, &mut answers, stop);
            if let Some(observer) = observer {
                observer.answered(layer, &mine, &answers);
            }
            for (choice, answer) in mine.iter().zip(answers.chunks_exact_mut(width)) {
                answer.iter_mut().for_each(|value| *value *= choice.share);
                add(&mut out[choice.token * width..][..width], answer);
            }
        }
    }
}

impl Shared {
    fn apply(&self, x: &[f32], out: &mut [f32], stop: &AtomicBool) {
        self.network.apply(x, out, stop);
        if let Some(gate) = &self.gate {
            for (x, out) in x.chunks_exact(gate.len()).zip(out.chunks_exact_mut(gate.len())) {
                let open = 1.0 / (1.0 + (-crate::kernels::float::dot(x, gate)).exp());
                out.iter_mut().for_each(|out| *out *= open);
            }
        }
    }
}

impl Network {
    /// The same network with its matrices in a smaller storage type, where that makes them smaller.
    pub fn rounded(&self, dtype: Dtype) -> std::io::Result<Network> {
        let rounded = |linear: &Linear| -> std::io::Result<Linear> {
            Ok(Linear { matrix: linear.matrix.rounded(dtype)?, bias: linear.bias.clone() })
        };
        let entry = match &self.entry {
            Entry::Split { gate, up } => Entry::Split { gate: rounded(gate)?, up: rounded(up)? },
            Entry::Joined(joined) => Entry::Joined(rounded(joined)?),
        };
        Ok(Network { entry, down: rounded(&self.down)?, activation: self.activation })
    }

    fn apply(&self, x: &[f32], out: &mut [f32], stop: &AtomicBool) {
        let tokens = x.len() / self.entry.columns();
        let inner = self.down.matrix.columns();
        let mut gates = vec![0.0; tokens * inner];
        match &self.entry {
            Entry::Split { gate, up } => {
                let mut ups = vec![0.0; gates.len()];
                gate.apply(x, &mut gates, stop);
                up.apply(x, &mut ups, stop);
                self.activation.apply(&mut gates, &ups);
            }
            Entry::Joined(joined) => {
                let mut both = vec![0.0; 2 * gates.len()];
                joined.apply(x, &mut both, stop);
                for (gates, both) in gates.chunks_exact_mut(inner).zip(both.chunks_exact(2 * inner)) {
                    gates.copy_from_slice(&both[..inner]);
                    self.activation.apply(gates, &both[inner..]);
                }
            }
        }
        self.down.apply(&gates, out, stop);
    }
}

impl Entry {
    fn columns(&self) -> usize {
        match self {
            Entry::Split { gate, .. } => gate.matrix.columns(),
            Entry::Joined(joined) => joined.matrix.columns(),
        }
    }
}

impl Activation {
    /// `gate` = activation(gate) · up.
    fn apply(self, gate: &mut [f32], up: &[f32]) {
        let pairs = gate.iter_mut().zip(up);
        match self {
            Activation::Silu => silu_times(gate, up),
            Activation::Gelu => pairs.for_each(|(gate, up)| {
                let inner = 0.797_884_6 * *gate * (1.0 + 0.044_715 * *gate * *gate); // √(2/π)
                *gate *= 0.5 * (1.0 + inner.tanh()) * up;
            }),
            Activation::Limited => pairs.for_each(|(gate, up)| {
                let (open, up) = (gate.min(7.0), up.clamp(-7.0, 7.0));
                *gate = open / (1.0 + (-1.702 * open).exp()) * (up + 1.0);
            }),
        }
    }
}
