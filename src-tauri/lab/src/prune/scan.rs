//! Scan: what every expert of a mixture does with a person's questions.

use std::collections::BTreeMap;
use std::path::Path;

use runtime::host::{Examined, HostError, Look};
use runtime::profile::Sums;
use serde::{Deserialize, Serialize};

use super::{Asking, Document, ModelId, PruneError, Question, Workshop};

/// Below so many tokens for each expert, shared evenly, the scores are not believed. A mean norm of 32 tokens is known
/// to 10 % where norms spread by half of their size (0.5 / √32).
pub const ENOUGH: f64 = 32.0;

/// Scores of all experts, and what they rest on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scan {
    pub model: ModelId,
    pub calibration: Calibration,
    pub layers: Vec<LayerScores>,
    /// The same sums from every other question, first, third, …, then second, fourth, …: by layer, by expert.
    pub halves: [Vec<Vec<Weighted>>; 2],
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    pub questions: usize,
    /// Of questions and answers.
    pub tokens: u64,
    /// Questions without an answer of their own.
    pub own_answers: usize,
    /// Questions of each topic.
    pub topics: BTreeMap<String, usize>,
    /// Tokens for each expert, if all got as many.
    pub tokens_per_expert: f64,
    /// `tokens_per_expert` is at least 32.
    pub enough: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LayerScores {
    pub layer: usize,
    pub experts: Vec<ExpertScores>,
    /// Experts that no token was sent to.
    pub idle: Vec<u32>,
    /// Experts whose means rest on fewer than 32 tokens.
    pub few: Vec<u32>,
}

/// Every question counts by its weight in all but `tokens` and `aimer`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ExpertScores {
    pub expert: u32,
    /// That were sent to it.
    pub tokens: u64,
    /// The same, weighted.
    pub count: f64,
    /// Sum of its shares, as the model uses them.
    pub gate: f64,
    /// Mean and sum of the norms of its output, and mean of their squares.
    pub norm_mean: f64,
    pub norm_sum: f64,
    pub norm_squared: f64,
    /// Mean of share · norm, the shares of a token's experts adding up to 1.
    pub reap: f64,
    /// Sum of share · norm · how far the routed experts turn the token's stream.
    pub easy_ep: f64,
    /// mean|W| / RMS(W); less is better.
    pub aimer: f64,
}

/// Weighted sums of an expert.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Weighted {
    pub count: f64,
    pub gate: f64,
    pub norm: f64,
    pub norm_squared: f64,
    pub weighted: f64,
    pub easy_ep: f64,
}

impl Weighted {
    fn add(&mut self, sums: &Sums, weight: f64) {
        self.count += weight * sums.tokens as f64;
        self.gate += weight * sums.gate;
        self.norm += weight * sums.norm;
        self.norm_squared += weight * sums.norm_squared;
        self.weighted += weight * sums.weighted;
        self.easy_ep += weight * sums.easy_ep;
    }

    pub(super) fn scores(&self, expert: u32, tokens: u64, aimer: f64) -> ExpertScores {
        let mean = |sum: f64| if self.count > 0.0 { sum / self.count } else { 0.0 };
        ExpertScores {
            expert,
            tokens,
            count: self.count,
            gate: self.gate,
            norm_mean: mean(self.norm),
            norm_sum: self.norm,
            norm_squared: mean(self.norm_squared),
            reap: mean(self.weighted),
            easy_ep: self.easy_ep,
            aimer,
        }
    }
}

impl Document for Scan {
    const WHAT: &'static str = "scan";

    /// Its layers have the model's experts in order, and so have both halves where there were questions.
    fn sound(&self) -> Result<(), String> {
        let all = self.model.experts as usize;
        for (at, layer) in self.layers.iter().enumerate() {
            if !layer.experts.iter().map(|expert| expert.expert).eq(0..self.model.experts) {
                return Err(format!("layers[{at}].experts: they are not numbered from 0 to {all}"));
            }
        }
        for (at, half) in self.halves.iter().enumerate().filter(|_| self.calibration.questions > 0) {
            if half.len() != self.layers.len() || half.iter().any(|layer| layer.len() != all) {
                return Err(format!("halves[{at}]: it does not have the layers and experts of the scan"));
            }
        }
        Ok(())
    }
}

/// Sums of all layers so far.
#[derive(Default)]
struct Tally {
    /// Layer numbers, in order.
    layers: Vec<usize>,
    tokens: Vec<Vec<u64>>,
    halves: [Vec<Vec<Weighted>>; 2],
    read: u64,
}

impl Tally {
    fn add(&mut self, half: usize, weight: f64, examined: Examined) -> Result<(), HostError> {
        let garbled = |what: &str| HostError::Garbled { what: what.to_owned() };
        let Examined::Profile { tokens, layers } = examined else {
            return Err(garbled("an answer to another question"));
        };
        if self.layers.is_empty() {
            self.layers = layers.iter().map(|layer| layer.layer).collect();
            self.tokens = layers.iter().map(|layer| vec![0; layer.experts.len()]).collect();
            let empty = layers.iter().map(|layer| vec![Weighted::default(); layer.experts.len()]);
            self.halves = [empty.clone().collect(), empty.collect()];
        }
        self.read += u64::from(tokens);
        let same = self.layers.iter().copied().eq(layers.iter().map(|layer| layer.layer))
            && self.tokens.iter().map(Vec::len).eq(layers.iter().map(|layer| layer.experts.len()));
        if !same {
            return Err(garbled("layers that were not there before"));
        }
        for (at, layer) in layers.iter().enumerate() {
            for (expert, sums) in layer.experts.iter().enumerate() {
                self.tokens[at][expert] += sums.tokens;
                self.halves[half][at][expert].add(sums, weight);
            }
        }
        Ok(())
    }
}

/// Scores every expert of the model at `path`. Without questions AIMER alone has a meaning. `progress` gets questions done.
pub fn scan(
    path: &Path,
    questions: &[Question],
    asking: Asking,
    workshop: &Workshop,
    progress: &mut dyn FnMut(usize),
) -> Result<Scan, PruneError> {
    let model = ModelId::read(path)?;
    let mut host = workshop.start(path)?;
    let aimer = host.aimer(&workshop.stop)?;
    let mut tally = Tally::default();
    for (at, question) in questions.iter().enumerate() {
        let examined = host.examine(&question.example(asking), &Look::Profile, &workshop.stop)?;
        tally.add(at % 2, question.weight(), examined)?;
        progress(at + 1);
    }
    host.leave();
    let shared = tally.read as f64 * f64::from(model.experts_used) / f64::from(model.experts);
    let mut topics = BTreeMap::new();
    questions.iter().for_each(|question| *topics.entry(question.topic().to_owned()).or_insert(0) += 1);
    let calibration = Calibration {
        questions: questions.len(),
        tokens: tally.read,
        own_answers: questions.iter().filter(|question| question.answer.is_none()).count(),
        topics,
        tokens_per_expert: shared,
        enough: shared >= ENOUGH,
    };
    let layers = aimer.iter().enumerate().map(|(at, (layer, aimer))| {
        let all = |half: usize, expert: usize| tally.halves[half].get(at)?.get(expert).copied();
        let experts = aimer.iter().enumerate().map(|(expert, &aimer)| {
            let [mut sum, other] = [0, 1].map(|half| all(half, expert).unwrap_or_default());
            sum.count += other.count;
            sum.gate += other.gate;
            sum.norm += other.norm;
            sum.norm_squared += other.norm_squared;
            sum.weighted += other.weighted;
            sum.easy_ep += other.easy_ep;
            let tokens = tally.tokens.get(at).and_then(|layer| layer.get(expert)).copied().unwrap_or(0);
            sum.scores(expert as u32, tokens, aimer)
        });
        let experts: Vec<ExpertScores> = experts.collect();
        let those = |of: &dyn Fn(u64) -> bool| {
            experts.iter().filter(|expert| of(expert.tokens)).map(|expert| expert.expert).collect()
        };
        let idle = if questions.is_empty() { Vec::new() } else { those(&|tokens| tokens == 0) };
        let few = those(&|tokens| tokens > 0 && (tokens as f64) < ENOUGH);
        LayerScores { layer: *layer, experts, idle, few }
    });
    Ok(Scan { model, calibration, layers: layers.collect(), halves: tally.halves })
}
