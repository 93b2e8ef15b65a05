//! Sampling: choose the next token from the logits.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

/// Tokens back that the repeat penalty looks at.
const RECENT: usize = 64;

/// How the next token is chosen. The default is greedy: always the most likely one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Sampling {
    /// 0 is greedy; 1 samples from the model's own distribution.
    pub temperature: f32,
    /// Only the k most likely tokens; 0 is all.
    pub top_k: u32,
    /// Only the most likely tokens that together have this probability; 1 is all.
    pub top_p: f32,
    /// Only tokens with at least this share of the most likely one's probability; 0 is all.
    pub min_p: f32,
    /// Divides positive (multiplies negative) logits of recent tokens; 1 changes nothing.
    pub repeat_penalty: f32,
    /// The same seed gives the same text.
    pub seed: u64,
}

impl Default for Sampling {
    fn default() -> Self {
        Sampling { temperature: 0.0, top_k: 0, top_p: 1.0, min_p: 0.0, repeat_penalty: 1.0, seed: 0 }
    }
}

impl Sampling {
    /// What is wrong with the settings, if anything is.
    pub fn problem(&self) -> Option<String> {
        let range = |name: &str, value: f32, from: f32, to: f32| {
            let good = value >= from && value <= to;
            (!good).then(|| format!("{name} is {value}; {from} to {to} is possible"))
        };
        range("temperature", self.temperature, 0.0, 100.0)
            .or_else(|| range("top_p", self.top_p, 0.0, 1.0))
            .or_else(|| range("min_p", self.min_p, 0.0, 1.0))
            .or_else(|| range("repeat_penalty", self.repeat_penalty, 0.01, 100.0))
    }
}

/// One chosen token.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Chosen {
    pub id: u32,
    /// What the model gave it, before penalty, temperature and cuts.
    pub probability: f32,
}

/// Chooses token after token.
pub struct Sampler {
    sampling: Sampling,
    random: ChaCha8Rng,
    recent: Vec<u32>,
}

impl Sampler {
    pub fn new(sampling: &Sampling) -> Sampler {
        let random = ChaCha8Rng::seed_from_u64(sampling.seed);
        Sampler { sampling: sampling.clone(), random, recent: Vec::new() }
    }

    /// The next token; `None` when no logit is a finite number, which no sound model gives.
    pub fn choose(&mut self, logits: &[f32]) -> Option<Chosen> {
        let top = logits
            .iter()
            .copied()
            .filter(|logit| logit.is_finite())
            .fold(None, |top: Option<f32>, logit| Some(top.map_or(logit, |top| top.max(logit))))?;
        let all: f64 = logits.iter().filter(|logit| logit.is_finite()).map(|logit| odds(*logit, top)).sum();
        let id = if self.sampling.temperature <= 0.0 { self.likeliest(logits)? } else { self.draw(logits)? };
        self.recent.push(id);
        Some(Chosen { id, probability: (odds(logits[id as usize], top) / all) as f32 })
    }

    fn penalised(&self, id: usize, logit: f32) -> f32 {
        let penalty = self.sampling.repeat_penalty;
        let from = self.recent.len().saturating_sub(RECENT);
        if penalty == 1.0 || !self.recent[from..].contains(&(id as u32)) {
            return logit;
        }
        if logit > 0.0 { logit / penalty } else { logit * penalty }
    }

    /// The most likely token; of equal ones the first.
    fn likeliest(&self, logits: &[f32]) -> Option<u32> {
        let mut best: Option<(usize, f32)> = None;
        for (id, &logit) in logits.iter().enumerate().filter(|(_, logit)| logit.is_finite()) {
            let logit = self.penalised(id, logit);
            if best.is_none_or(|(_, best)| logit > best) {
                best = Some((id, logit));
            }
        }
        best.map(|(id, _)| id as u32)
    }

    fn draw(&mut self, logits: &[f32]) -> Option<u32> {
        let Sampling { temperature, top_k, top_p, min_p, .. } = self.sampling;
        let finite = logits.iter().enumerate().filter(|(_, logit)| logit.is_finite());
        let mut tokens: Vec<(u32, f32)> =
            finite.map(|(id, &logit)| (id as u32, self.penalised(id, logit))).collect();
        let order = |a: &(u32, f32), b: &(u32, f32)| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0));
        let k = top_k as usize;
        if k > 0 && k < tokens.len() {
            tokens.select_nth_unstable_by(k - 1, order);
            tokens.truncate(k);
        }
        tokens.sort_unstable_by(order);
        let top = tokens.first()?.1;
        let mut total = 0.0;
        let mut shares: Vec<(u32, f64)> = Vec::with_capacity(tokens.len());
        for (id, logit) in tokens {
            let share = odds(logit / temperature, top / temperature);
            // The first has share 1, so that at least one is kept.
            if share < f64::from(min_p) {
                break;
            }
            total += share;
            shares.push((id, share));
        }
        if top_p < 1.0 {
            let mut sum = 0.0;
            let enough = |(_, share): &(u32, f64)| {
                sum += share / total;
                sum >= f64::from(top_p)
            };
            if let Some(last) = shares.iter().position(enough) {
                shares.truncate(last + 1);
                total = shares.iter().map(|(_, share)| share).sum();
            }
        }
        let mut left = self.random.random::<f64>() * total;
        for (id, share) in &shares {
            left -= share;
            if left < 0.0 {
                return Some(*id);
            }
        }
        shares.last().map(|(id, _)| *id)
    }
}

fn odds(logit: f32, top: f32) -> f64 {
    f64::from(logit - top).exp()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// ln of 0.5, 0.3, 0.15, 0.05.
    fn logits() -> Vec<f32> {
        [0.05f32, 0.5, 0.15, 0.3].iter().map(|p| p.ln()).collect()
    }

    fn counts(sampling: Sampling) -> [u32; 4] {
        let mut sampler = Sampler::new(&sampling);
        let mut counts = [0; 4];
        for _ in 0..4000 {
            sampler.recent.clear();
            counts[sampler.choose(&logits()).unwrap().id as usize] += 1;
        }
        counts
    }

    #[test]
    fn greedy_takes_the_most_likely_and_says_how_likely() {
        let chosen = Sampler::new(&Sampling::default()).choose(&logits()).unwrap();
        assert_eq!(chosen.id, 1);
        assert!((chosen.probability - 0.5).abs() < 1e-6);
    }

    #[test]
    fn sampling_at_one_follows_the_distribution() {
        let counts = counts(Sampling { temperature: 1.0, seed: 5, ..Default::default() });
        for (count, p) in counts.iter().zip([0.05f64, 0.5, 0.15, 0.3]) {
            // Five standard deviations of a binomial count.
            let (mean, deviation) = (4000.0 * p, (4000.0 * p * (1.0 - p)).sqrt());
            assert!((f64::from(*count) - mean).abs() < 5.0 * deviation, "{counts:?}");
        }
    }

    #[test]
    fn cuts_leave_out_the_unlikely() {
        let base = Sampling { temperature: 1.0, ..Default::default() };
        assert_eq!(counts(Sampling { top_k: 1, ..base.clone() }), [0, 4000, 0, 0]);
        let nucleus = counts(Sampling { top_p: 0.7, ..base.clone() });
        assert!(nucleus[0] == 0 && nucleus[2] == 0 && nucleus[3] > 0, "{nucleus:?}");
        let floor = counts(Sampling { min_p: 0.2, ..base });
        assert!(floor[0] == 0 && floor[2] > 0, "{floor:?}");
    }

    #[test]
    fn a_seed_gives_the_same_tokens_and_another_gives_others() {
        let run = |seed| {
            let mut sampler = Sampler::new(&Sampling { temperature: 1.0, seed, ..Default::default() });
            (0..50).map(|_| sampler.choose(&logits()).unwrap().id).collect::<Vec<_>>()
        };
        assert_eq!(run(7), run(7));
        assert_ne!(run(7), run(8));
    }

    #[test]
    fn a_repeated_token_is_penalised() {
        let mut sampler = Sampler::new(&Sampling { repeat_penalty: 5.0, ..Default::default() });
        assert_eq!(sampler.choose(&logits()).unwrap().id, 1);
        assert_eq!(sampler.choose(&logits()).unwrap().id, 3);
    }

    #[test]
    fn logits_that_are_no_numbers_choose_nothing() {
        assert_eq!(Sampler::new(&Sampling::default()).choose(&[f32::NAN, f32::NEG_INFINITY]), None);
        let chosen = Sampler::new(&Sampling::default()).choose(&[f32::NAN, 1.0]).unwrap();
        assert_eq!((chosen.id, chosen.probability), (1, 1.0));
    }
}
