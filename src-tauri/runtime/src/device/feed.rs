//! The feed-forward part of a layer on a device. What it computes is said in `blocks::feed`.

use candle_core::{Result, Tensor};

use super::Device;
use super::weights::{Linear, Weighed, vector};
use crate::blocks::{Activation, Choice, Routing, Watch};
use crate::families::{FeedParts, NetworkParts, Shape};

pub enum Feed {
    Dense(Network),
    Mixture(Box<Mixture>),
}

pub struct Mixture {
    router: Linear,
    choice_bias: Option<Vec<f32>>,
    experts: Vec<Network>,
    routing: Routing,
    shared: Option<(Network, Option<Tensor>)>,
}

pub struct Network {
    /// Gate and up; one that has the rows of both where the file joins them.
    entry: Vec<Linear>,
    down: Linear,
    activation: Activation,
    inner: usize,
}

impl Feed {
    pub fn load(shape: &Shape, parts: FeedParts<Weighed<'_>>, device: &Device) -> Result<Feed> {
        match parts {
            FeedParts::Dense(parts) => Ok(Feed::Dense(Network::load(shape, parts, device)?)),
            FeedParts::Mixture { router, choice_bias, experts, biases, shared } => {
                let routing = shape.mixture.as_ref().expect("a mixture has a shape").routing;
                let experts = NetworkParts::of_experts(experts, biases);
                let experts = experts.map(|parts| Network::load(shape, parts, device));
                let experts = experts.collect::<Result<_>>()?;
                let shared = match shared {
                    None => None,
                    Some((parts, gate)) => {
                        let gate = gate.map(|gate| vector(gate, device)).transpose()?;
                        Some((Network::load(shape, parts, device)?, gate))
                    }
                };
                let router = Linear::load(router, device)?;
                Ok(Feed::Mixture(Box::new(Mixture { router, choice_bias, experts, routing, shared })))
            }
        }
    }

    /// (tokens, width) from `x` (tokens, width).
    pub fn apply(&self, x: &Tensor, watch: Watch<'_, '_>) -> Result<Tensor> {
        match self {
            Feed::Dense(network) => network.apply(x),
            Feed::Mixture(mixture) => mixture.apply(x, watch),
        }
    }
}

impl Mixture {
    fn apply(&self, x: &Tensor, watch: Watch<'_, '_>) -> Result<Tensor> {
        let Watch { layer, observer, excluded } = watch;
        // Which experts are computed is decided on the processor.
        let logits = self.router.apply(x)?.flatten_all()?.to_vec1::<f32>()?;
        if let Some(observer) = observer {
            observer.routed(layer, &logits);
        }
        let choices = self.routing.choose(self.experts.len(), self.choice_bias.as_deref(), &logits, excluded);
        if let Some(observer) = observer {
            observer.chosen(layer, &choices);
        }
        let mut out = match &self.shared {
            Some((network, None)) => network.apply(x)?,
            Some((network, Some(gate))) => {
                let open = candle_nn::ops::sigmoid(&x.broadcast_mul(gate)?.sum_keepdim(1)?)?;
                network.apply(x)?.broadcast_mul(&open)?
            }
            None => x.zeros_like()?,
        };
        let mut mine = Vec::<Choice>::new();
        for (number, expert) in self.experts.iter().enumerate() {
            // The tokens of this expert, so that its weights are read once for all of them.
            mine.clear();
            mine.extend(choices.iter().filter(|choice| choice.expert == number));
            if mine.is_empty() {
                continue;
            }
            let tokens = mine.iter().map(|choice| choice.token as u32).collect::<Vec<_>>();
            let tokens = Tensor::from_vec(tokens, mine.len(), x.device())?;
            let answers = expert.apply(&x.index_select(&tokens, 0)?)?;
            if let Some(observer) = observer {
                observer.answered(layer, &mine, &answers.flatten_all()?.to_vec1::<f32>()?);
            }
            let shares = mine.iter().map(|choice| choice.share).collect::<Vec<_>>();
            let shares = Tensor::from_vec(shares, (mine.len(), 1), x.device())?;
            out = out.index_add(&tokens, &answers.broadcast_mul(&shares)?, 0)?;
        }
        Ok(out)
    }
}

impl Network {
    fn load(shape: &Shape, parts: NetworkParts<Weighed<'_>>, device: &Device) -> Result<Network> {
        let inner = parts.down.0.columns();
        let entry = parts.entry.into_iter().map(|part| Linear::load(part, device)).collect::<Result<_>>()?;
        let down = Linear::load(parts.down, device)?;
        Ok(Network { entry, down, activation: shape.activation, inner })
    }

    fn apply(&self, x: &Tensor) -> Result<Tensor> {
        let first = self.entry[0].apply(x)?;
        let (gate, up) = match self.entry.get(1) {
            Some(up) => (first, up.apply(x)?),
            None => (first.narrow(1, 0, self.inner)?, first.narrow(1, self.inner, self.inner)?),
        };
        self.down.apply(&bent(self.activation, &gate.contiguous()?, &up.contiguous()?)?)
    }
}

/// activation(gate) · up
fn bent(activation: Activation, gate: &Tensor, up: &Tensor) -> Result<Tensor> {
    match activation {
        Activation::Silu => gate.silu()? * up,
        Activation::Gelu => gate.gelu()? * up,
        Activation::Limited => {
            let (open, up) = (gate.minimum(7f32)?, up.clamp(-7f32, 7f32)?);
            (&open * candle_nn::ops::sigmoid(&(&open * 1.702)?)?)? * (up + 1.0)?
        }
    }
}
