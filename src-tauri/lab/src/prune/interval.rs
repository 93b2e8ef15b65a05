//! How far a mean may be off: bootstrap over questions, which are drawn whole because tokens of one answer hang together.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

const RESAMPLES: usize = 1000;

/// A mean, and the range that holds 95 % of the means of resampled questions. One question says nothing of others: it gives
/// no range.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, TS)]
pub struct Interval {
    pub mean: f64,
    pub low: Option<f64>,
    pub high: Option<f64>,
}

impl Interval {
    /// Of (sum, count) of each question: the mean is of all that was counted. The same seed gives the same interval.
    pub fn of(questions: &[(f64, f64)], seed: u64) -> Interval {
        let mean = |sum: f64, count: f64| if count > 0.0 { sum / count } else { 0.0 };
        let total = questions.iter().fold((0.0, 0.0), |(sum, count), one| (sum + one.0, count + one.1));
        let whole = mean(total.0, total.1);
        if questions.len() < 2 {
            return Interval { mean: whole, low: None, high: None };
        }
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut means: Vec<f64> = (0..RESAMPLES)
            .map(|_| {
                let drawn = (0..questions.len()).map(|_| questions[rng.random_range(0..questions.len())]);
                let (sum, count) = drawn.fold((0.0, 0.0), |(sum, count), one| (sum + one.0, count + one.1));
                mean(sum, count)
            })
            .collect();
        means.sort_by(f64::total_cmp);
        let at = |share: f64| Some(means[((RESAMPLES - 1) as f64 * share).round() as usize]);
        Interval { mean: whole, low: at(0.025), high: at(0.975) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_of_coin_throws_is_that_of_the_binomial() {
        // 400 questions of one token, half of them 1: the standard error is 0.5 / √400 = 0.025, 95 % are ±0.049.
        let throws: Vec<(f64, f64)> = (0..400).map(|at| (f64::from(at % 2), 1.0)).collect();
        let found = Interval::of(&throws, 1);
        assert_eq!(found.mean, 0.5);
        let (low, high) = (found.low.unwrap(), found.high.unwrap());
        assert!((low - 0.451).abs() < 0.01 && (high - 0.549).abs() < 0.01, "{found:?}");
    }

    #[test]
    fn what_never_differs_has_no_width_and_one_question_no_range() {
        let never = Interval { mean: 0.0, low: Some(0.0), high: Some(0.0) };
        assert_eq!(Interval::of(&[(0.0, 5.0), (0.0, 9.0)], 1), never);
        assert_eq!(Interval::of(&[(1.0, 4.0)], 1), Interval { mean: 0.25, low: None, high: None });
    }
}
