//! The gate: a linear classifier over hashed n-grams that reads a question's domain and complexity
//! ([`runtime::classifier`]). It learns the starters' domains from their corpora, those of the packs from requests that
//! the lab wrote and from public ones, and everyday talk as `none`.
//!
//! Out:    `gate.bin`, the same for the same seed and texts, with a temperature fitted on texts held out
//! Source: AdaGrad (JMLR 12, 2011); temperature scaling (arXiv:1706.04599); public texts: [`crate::data::public`]

use crate::LabError;
use crate::data::requests::{DOMAINS, Request};
use crate::data::{self, Split, public, refusals, requests};
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use runtime::classifier::{Classifier, Weights, features_in};
use std::path::Path;

/// The starters' corpora and what their questions are labelled.
const CORPORA: [(&str, &str); 4] =
    [("arithmetic", "mathematics"), ("units", "units"), ("words", "words"), ("code", "code")];
const NONE: &str = "none";
const BUCKETS: u32 = 1 << 18;
/// Questions of each starter in training, and of each in the held-out set.
const TRAIN: usize = 3_000;
const HELD_OUT: usize = 300;
/// How often a request counts that a person could have typed: a starter has thousands of questions, a domain hundreds.
const REPEATS: usize = 12;
const EPOCHS: usize = 4;
/// The part of a text's n-grams that one step does not see, so that no word has to decide alone.
const UNSEEN: f64 = 0.2;
const RATE: f32 = 0.2;
/// Towards zero at each step, so that rare n-grams cannot shout.
const SHRINK: f32 = 5e-4;

/// What the held-out wordings say, each figure from `n` questions.
#[derive(Clone, Debug)]
pub struct Report {
    pub accuracy: f32,
    /// Expected calibration error over ten bins.
    pub calibration_error: f32,
    /// Mean absolute error of the complexity.
    pub complexity_error: f32,
    pub temperature: f32,
    pub n: usize,
    /// Of each label: right, and of how many.
    pub by_label: Vec<(String, usize, usize)>,
}

struct Text {
    features: Vec<(u32, f32)>,
    label: usize,
    /// Where it is known.
    complexity: Option<f32>,
}

/// In the order of the file: the starters' own, the packs', and what belongs to nobody.
pub fn labels() -> Vec<&'static str> {
    let mut labels: Vec<&str> = CORPORA.iter().map(|(_, label)| *label).collect();
    for (domain, _) in DOMAINS {
        if !labels.contains(&domain) {
            labels.push(domain);
        }
    }
    labels
}

/// Trains and writes the classifier to `out`. `public`: a folder of public texts, without which it knows less.
pub fn train(out: &Path, public: Option<&Path>, seed: u64) -> Result<Report, LabError> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut requests = requests::requests();
    if let Some(folder) = public {
        requests.extend(public::requests(folder)?);
    }
    let mut texts = texts(TRAIN, Split::Train, &requests, &mut rng)?;
    let mut weights = untrained(&labels());
    fit(&mut weights, &mut texts, &mut rng);
    let mut held_out = self::texts(HELD_OUT, Split::HeldOut, &requests, &mut rng)?;
    held_out.shuffle(&mut rng);
    let (fitting, testing) = held_out.split_at(held_out.len() / 2);
    weights.temperature = temperature(&weights, fitting);
    let report = report(&weights, testing);
    let bytes = weights.write()?;
    Classifier::load(&bytes)?;
    std::fs::write(out, bytes).map_err(|e| LabError::File(out.into(), e))?;
    Ok(report)
}

/// Of each domain's requests, and of each starter's questions.
const BACKGROUND: usize = 100;

/// Requests of every kind, one a line, for whoever learns something new and must not forget what the gate knows. All
/// everyday ones are there: they are most like what a user teaches.
pub fn background(seed: u64) -> Result<Vec<String>, LabError> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut lines = Vec::new();
    for (domain, text) in DOMAINS {
        let mut requests: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        requests.shuffle(&mut rng);
        requests.truncate(if domain == NONE { usize::MAX } else { BACKGROUND });
        lines.extend(requests.into_iter().map(str::to_owned));
    }
    for (name, _) in CORPORA {
        let corpus = data::corpus(name)?;
        let questions = (0..BACKGROUND).map(|_| corpus.sample(&mut rng, Split::Train).question);
        lines.extend(questions.map(|question| question.split_whitespace().collect::<Vec<_>>().join(" ")));
    }
    Ok(lines)
}

fn untrained(labels: &[&str]) -> Weights {
    Weights {
        labels: labels.iter().copied().map(String::from).collect(),
        temperature: 1.0,
        buckets: BUCKETS,
        class_bias: vec![0.0; labels.len()],
        class_weights: vec![0.0; BUCKETS as usize * labels.len()],
        complexity_bias: 3.0,
        complexity_weights: vec![0.0; BUCKETS as usize],
    }
}

fn texts(
    each: usize,
    split: Split,
    requests: &[Request],
    rng: &mut ChaCha8Rng,
) -> Result<Vec<Text>, LabError> {
    let labels = labels();
    let label = |domain: &str| labels.iter().position(|label| *label == domain).unwrap_or(labels.len() - 1);
    let mut texts = Vec::new();
    let mut add = |question: &str, label, complexity| {
        texts.push(Text { features: features_in(question, BUCKETS), label, complexity });
    };
    for (name, domain) in CORPORA {
        let corpus = data::corpus(name)?;
        let mut count = 0;
        while count < each {
            let example = corpus.sample(rng, split);
            // What is refused because it is not a starter's own belongs to any domain or to none; a question out of a
            // starter's range goes to that starter, which knows that it is.
            if example.task != refusals::TASK {
                add(&example.question, label(domain), Some(example.complexity));
                count += 1;
            }
        }
    }
    for _ in 0..each / 4 {
        add(&refusals::everyday_with_a_number(rng, split), label(NONE), Some(refusals::COMPLEXITY));
    }
    let repeats = if split == Split::Train { REPEATS } else { 1 };
    for request in requests.iter().filter(|request| request.held_out == (split == Split::HeldOut)) {
        for _ in 0..repeats {
            add(&request.text, label(request.domain), None);
        }
    }
    Ok(texts)
}

/// Softmax regression and least squares by AdaGrad, one text at a time.
fn fit(weights: &mut Weights, texts: &mut [Text], rng: &mut ChaCha8Rng) {
    let labels = weights.labels.len();
    let mut class_squares = vec![1e-3f32; weights.class_weights.len()];
    let mut complexity_squares = vec![1e-3f32; weights.complexity_weights.len()];
    for _ in 0..EPOCHS {
        texts.shuffle(rng);
        for text in texts.iter() {
            let seen = text.features.iter().filter(|_| !rng.random_bool(UNSEEN)).copied().collect();
            let text = &Text { features: seen, ..*text };
            let probabilities = probabilities(weights, text, 1.0);
            for (class, p) in probabilities.iter().enumerate() {
                let gradient = p - f32::from(u8::from(class == text.label));
                weights.class_bias[class] -= 0.01 * gradient;
                for (bucket, value) in &text.features {
                    let at = *bucket as usize * labels + class;
                    let g = gradient * value + SHRINK * weights.class_weights[at];
                    class_squares[at] += g * g;
                    weights.class_weights[at] -= RATE * g / class_squares[at].sqrt();
                }
            }
            let Some(known) = text.complexity else { continue };
            let off = complexity(weights, text) - known;
            weights.complexity_bias -= 0.002 * off;
            for (bucket, value) in &text.features {
                let at = *bucket as usize;
                let g = off * value;
                complexity_squares[at] += g * g;
                weights.complexity_weights[at] -= 0.1 * g / complexity_squares[at].sqrt();
            }
        }
    }
}

fn probabilities(weights: &Weights, text: &Text, temperature: f32) -> Vec<f32> {
    let labels = weights.labels.len();
    let mut logits = weights.class_bias.clone();
    for (bucket, value) in &text.features {
        let row = &weights.class_weights[*bucket as usize * labels..][..labels];
        logits.iter_mut().zip(row).for_each(|(logit, weight)| *logit += value * weight);
    }
    let top = logits.iter().copied().fold(f32::MIN, f32::max);
    logits.iter_mut().for_each(|logit| *logit = ((*logit - top) / temperature).exp());
    let total: f32 = logits.iter().sum();
    logits.iter_mut().for_each(|p| *p /= total);
    logits
}

fn complexity(weights: &Weights, text: &Text) -> f32 {
    let sum: f32 = text
        .features
        .iter()
        .map(|(bucket, value)| value * weights.complexity_weights[*bucket as usize])
        .sum();
    weights.complexity_bias + sum
}

/// The temperature, of a fine grid, at which `texts` are least surprising.
fn temperature(weights: &Weights, texts: &[Text]) -> f32 {
    let surprise = |t: f32| -> f32 {
        texts.iter().map(|text| -probabilities(weights, text, t)[text.label].max(1e-9).ln()).sum()
    };
    let grid = (0..=70).map(|i| 0.5 + i as f32 * 0.05);
    grid.map(|t| (t, surprise(t))).min_by(|a, b| a.1.total_cmp(&b.1)).map_or(1.0, |best| best.0)
}

fn report(weights: &Weights, texts: &[Text]) -> Report {
    let mut bins = [(0f32, 0f32, 0f32); 10];
    let mut by_label: Vec<(String, usize, usize)> =
        weights.labels.iter().map(|label| (label.clone(), 0, 0)).collect();
    let (mut right, mut off, mut graded) = (0usize, 0f32, 0usize);
    for text in texts {
        let probabilities = probabilities(weights, text, weights.temperature);
        let best = (0..probabilities.len())
            .max_by(|a, b| probabilities[*a].total_cmp(&probabilities[*b]))
            .unwrap_or(0);
        let is_right = best == text.label;
        right += usize::from(is_right);
        by_label[text.label].1 += usize::from(is_right);
        by_label[text.label].2 += 1;
        if let Some(known) = text.complexity {
            off += (complexity(weights, text).clamp(0.0, 10.0) - known).abs();
            graded += 1;
        }
        let bin = &mut bins[((probabilities[best] * 10.0) as usize).min(9)];
        bin.0 += 1.0;
        bin.1 += probabilities[best];
        bin.2 += f32::from(u8::from(is_right));
    }
    let n = texts.len();
    Report {
        accuracy: right as f32 / n as f32,
        calibration_error: bins.iter().map(|(_, sure, right)| (sure - right).abs()).sum::<f32>() / n as f32,
        complexity_error: off / graded.max(1) as f32,
        temperature: weights.temperature,
        n,
        by_label,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gate_separates_what_it_was_shown() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let texts: Vec<Text> = (0..400)
            .map(|i| {
                let number: u32 = rng.random_range(0..100);
                let (question, label) = if i % 2 == 0 {
                    (format!("what is {number} + 4"), 0)
                } else {
                    (format!("how is the weather in town {number}"), 1)
                };
                Text {
                    features: features_in(&question, BUCKETS),
                    label,
                    complexity: Some(2.0 + label as f32),
                }
            })
            .collect();
        let (mut shown, asked): (Vec<_>, Vec<_>) =
            texts.into_iter().enumerate().partition(|(i, _)| i / 2 % 4 != 3);
        let mut shown: Vec<Text> = shown.drain(..).map(|(_, text)| text).collect();
        let asked: Vec<Text> = asked.into_iter().map(|(_, text)| text).collect();
        let mut weights = untrained(&["sums", "none"]);
        assert!(report(&weights, &asked).accuracy < 0.6, "untrained, it cannot tell them apart");
        fit(&mut weights, &mut shown, &mut rng);
        let report = report(&weights, &asked);
        assert!(report.accuracy > 0.98, "{report:?}");
        assert!(report.complexity_error < 0.5, "{report:?}");
    }
}
