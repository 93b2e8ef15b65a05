//! Scan: what every expert of a mixture does with a person's questions.

use std::collections::BTreeMap;
use std::path::Path;

use runtime::host::{Examined, HostError, Look};
use runtime::profile::Sums;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

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
    /// The largest peak first. `None`: there were no questions, or the model has too few experts to tell.
    #[serde(default)]
    pub super_experts: Option<Vec<SuperExpert>>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
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

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct LayerScores {
    pub layer: usize,
    pub experts: Vec<ExpertScores>,
    /// Experts that no token was sent to.
    pub idle: Vec<u32>,
    /// Experts whose means rest on fewer than 32 tokens.
    pub few: Vec<u32>,
}

/// Every question counts by its weight in all but `tokens`, `aimer` and `peak`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, TS)]
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
    /// The largest size of a number of its output.
    #[serde(default)]
    pub peak: f64,
}

/// An expert with outliers in its output that the whole model leans on.
/// Source: Super Experts (arXiv:2507.23279): above the 99.5th percentile of all peaks, and above a tenth of the largest.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct SuperExpert {
    pub layer: usize,
    pub expert: u32,
    pub peak: f64,
}

/// Among fewer experts the 99.5th percentile lies between the two largest peaks, and singles one out in any model.
const CROWD: usize = 200;

/// `None`: there were no questions, or there are too few experts to tell.
fn super_experts(layers: &[LayerScores]) -> Option<Vec<SuperExpert>> {
    let all = layers.iter().flat_map(|layer| {
        layer.experts.iter().map(|expert| SuperExpert {
            layer: layer.layer,
            expert: expert.expert,
            peak: expert.peak,
        })
    });
    let mut all: Vec<SuperExpert> = all.collect();
    let mut peaks: Vec<f64> = all.iter().map(|expert| expert.peak).collect();
    peaks.sort_by(f64::total_cmp);
    let largest = peaks.last().copied().filter(|largest| *largest > 0.0 && peaks.len() >= CROWD)?;
    let place = 0.995 * (peaks.len() - 1) as f64;
    let (below, above) = (peaks[place.floor() as usize], peaks[place.ceil() as usize]);
    let percentile = below + (above - below) * place.fract();
    all.retain(|expert| expert.peak > percentile && expert.peak > largest / 10.0);
    all.sort_by(|a, b| b.peak.total_cmp(&a.peak));
    Some(all)
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

    pub(super) fn scores(&self, expert: u32, tokens: u64, aimer: f64, peak: f64) -> ExpertScores {
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
            peak,
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
    peaks: Vec<Vec<f64>>,
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
            self.peaks = layers.iter().map(|layer| vec![0.0; layer.experts.len()]).collect();
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
                self.peaks[at][expert] = self.peaks[at][expert].max(sums.peak);
                self.halves[half][at][expert].add(sums, weight);
            }
        }
        Ok(())
    }
}

/// A scan that is under way.
pub struct Growing<'a> {
    model: &'a ModelId,
    /// By layer: its number, and of each expert.
    aimer: &'a [(usize, Vec<f64>)],
    tally: &'a Tally,
    questions: &'a [Question],
}

impl Growing<'_> {
    /// Questions that were asked.
    pub fn asked(&self) -> usize {
        self.questions.len()
    }

    /// The scan as it would be if it ended here.
    pub fn so_far(&self) -> Scan {
        let Growing { model, aimer, tally, questions } = self;
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
        let layers: Vec<LayerScores> =
            aimer.iter().enumerate().map(|(at, (layer, aimer))| self.layer(at, *layer, aimer)).collect();
        let super_experts = super_experts(&layers);
        Scan { model: (*model).clone(), calibration, layers, halves: tally.halves.clone(), super_experts }
    }

    fn layer(&self, at: usize, layer: usize, aimer: &[f64]) -> LayerScores {
        let tally = self.tally;
        let half =
            |half: usize, expert: usize| tally.halves[half].get(at).and_then(|all| all.get(expert)).copied();
        let experts = aimer.iter().enumerate().map(|(expert, &aimer)| {
            let [mut sum, other] = [0, 1].map(|of| half(of, expert).unwrap_or_default());
            sum.count += other.count;
            sum.gate += other.gate;
            sum.norm += other.norm;
            sum.norm_squared += other.norm_squared;
            sum.weighted += other.weighted;
            sum.easy_ep += other.easy_ep;
            let tokens = tally.tokens.get(at).and_then(|layer| layer.get(expert)).copied().unwrap_or(0);
            let peak = tally.peaks.get(at).and_then(|layer| layer.get(expert)).copied().unwrap_or(0.0);
            sum.scores(expert as u32, tokens, aimer, peak)
        });
        let experts: Vec<ExpertScores> = experts.collect();
        let those = |of: &dyn Fn(u64) -> bool| {
            experts.iter().filter(|expert| of(expert.tokens)).map(|expert| expert.expert).collect()
        };
        let idle = if self.questions.is_empty() { Vec::new() } else { those(&|tokens| tokens == 0) };
        let few = those(&|tokens| tokens > 0 && (tokens as f64) < ENOUGH);
        LayerScores { layer, experts, idle, few }
    }
}

/// Scores every expert of the model at `path`. Without questions AIMER alone has a meaning. `progress` gets what there is
/// before the first question and after each.
pub fn scan(
    path: &Path,
    questions: &[Question],
    asking: Asking,
    workshop: &Workshop,
    progress: &mut dyn FnMut(&Growing<'_>),
) -> Result<Scan, PruneError> {
    let model = ModelId::read(path)?;
    let mut host = workshop.start(path)?;
    let aimer = host.aimer(&workshop.stop)?;
    let mut tally = Tally::default();
    progress(&Growing { model: &model, aimer: &aimer, tally: &tally, questions: &[] });
    for (at, question) in questions.iter().enumerate() {
        let examined = host.examine(&question.example(asking), &Look::Profile, &workshop.stop)?;
        tally.add(at % 2, question.weight(), examined)?;
        progress(&Growing { model: &model, aimer: &aimer, tally: &tally, questions: &questions[..=at] });
    }
    host.leave();
    Ok(Growing { model: &model, aimer: &aimer, tally: &tally, questions }.so_far())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layers(peaks: &[Vec<f64>]) -> Vec<LayerScores> {
        let of = |(layer, peaks): (usize, &Vec<f64>)| LayerScores {
            layer,
            experts: (0..)
                .zip(peaks)
                .map(|(at, &peak)| Weighted::default().scores(at, 1, 0.5, peak))
                .collect(),
            idle: Vec::new(),
            few: Vec::new(),
        };
        peaks.iter().enumerate().map(of).collect()
    }

    #[test]
    fn experts_with_outliers_are_found_among_many() {
        let mut peaks = vec![vec![1.0; 128]; 4];
        (peaks[1][7], peaks[2][30]) = (500.0, 90.0);
        // 512 experts: the percentile lies between the third and fourth largest. 40 is over it, but no tenth of 500.
        peaks[3][1] = 40.0;
        let found = super_experts(&layers(&peaks)).unwrap();
        let who: Vec<(usize, u32)> = found.iter().map(|expert| (expert.layer, expert.expert)).collect();
        assert_eq!(who, [(1, 7), (2, 30)]);
    }

    #[test]
    fn among_few_nobody_can_tell_and_nobody_is_super_where_all_are_alike() {
        assert_eq!(super_experts(&layers(&[vec![1.0, 900.0], vec![1.0, 1.0]])), None);
        assert_eq!(super_experts(&layers(&vec![vec![3.0; 128]; 2])), Some(Vec::new()));
    }
}
