//! Figure: a value with its n, the fewest answers that it takes, and the answers that it is made of.

use crate::pool::percentile;
use crate::report::benchmark::Share;
use crate::report::criteria::ENOUGH;
use serde::Serialize;
use ts_rs::TS;

/// A median or a mean of fewer says nothing.
pub const FEW: usize = 5;
/// Of fewer a 99th percentile is the largest, whatever that was.
pub const MANY: usize = 100;
/// Answers that a figure opens; the newest.
const BEHIND: usize = 200;

#[derive(Clone, Debug, Default, PartialEq, Serialize, TS)]
pub struct Figure {
    /// `None`: of fewer than `least`.
    pub value: Option<f64>,
    /// 95 % interval of a share.
    pub low: Option<f64>,
    pub high: Option<f64>,
    pub n: usize,
    pub least: usize,
    /// What it is made of, the newest first.
    pub behind: Vec<Behind>,
}

/// What one answer gives to a figure.
#[derive(Clone, Debug, Default, PartialEq, Serialize, TS)]
pub struct Behind {
    /// `None`: another answer took its place.
    pub answer: Option<String>,
    /// Unix time in milliseconds.
    pub created: i64,
    pub value: f64,
}

impl Figure {
    /// Part of them that is so (1, the others 0), with Wilson's interval.
    pub fn share(of: impl Iterator<Item = Behind>) -> Figure {
        Figure::of(of, ENOUGH, |values| {
            let count = values.iter().filter(|value| **value > 0.5).count();
            Share::of(count, values.len()).map(|share| (share.share, Some((share.low, share.high))))
        })
    }

    pub fn median(of: impl Iterator<Item = Behind>) -> Figure {
        Figure::of(of, FEW, |values| at(values, 0.5))
    }

    /// By nearest rank.
    pub fn p99(of: impl Iterator<Item = Behind>) -> Figure {
        Figure::of(of, MANY, |values| at(values, 0.99))
    }

    pub fn mean(of: impl Iterator<Item = Behind>) -> Figure {
        Figure::of(of, FEW, mean)
    }

    /// The same of any number, for a point of a trend that says how many it is of.
    pub fn median_of_any(of: impl Iterator<Item = Behind>) -> Figure {
        Figure::of(of, 1, |values| at(values, 0.5))
    }

    pub fn mean_of_any(of: impl Iterator<Item = Behind>) -> Figure {
        Figure::of(of, 1, mean)
    }

    /// The largest.
    pub fn most(of: impl Iterator<Item = Behind>) -> Figure {
        Figure::of(of, 1, |values| Some((values.iter().copied().fold(f64::MIN, f64::max), None)))
    }

    /// Their sum: of none it is 0.
    pub fn sum(of: impl Iterator<Item = Behind>) -> Figure {
        Figure::of(of, 0, |values| Some((values.iter().fold(0.0, |sum, value| sum + value), None)))
    }

    /// `of`: oldest first.
    fn of(of: impl Iterator<Item = Behind>, least: usize, value: impl FnOnce(&[f64]) -> Found) -> Figure {
        let mut behind: Vec<Behind> = of.collect();
        let values: Vec<f64> = behind.iter().map(|one| one.value).collect();
        let found = if values.len() < least { None } else { value(&values) };
        behind.reverse();
        behind.truncate(BEHIND);
        let interval = found.and_then(|(_, interval)| interval);
        Figure {
            value: found.map(|(value, _)| value),
            low: interval.map(|(low, _)| low),
            high: interval.map(|(_, high)| high),
            n: values.len(),
            least,
            behind,
        }
    }
}

/// A value with its interval, where it has one.
type Found = Option<(f64, Option<(f64, f64)>)>;

fn mean(values: &[f64]) -> Found {
    Some((values.iter().sum::<f64>() / values.len() as f64, None))
}

fn at(values: &[f64], p: f64) -> Found {
    let mut values: Vec<f32> = values.iter().map(|value| *value as f32).collect();
    percentile(&mut values, p).map(|value| (f64::from(value), None))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn some(values: &[f64]) -> impl Iterator<Item = Behind> {
        let made = |(at, value): (usize, &f64)| Behind { answer: None, created: at as i64, value: *value };
        values.iter().enumerate().map(made).collect::<Vec<_>>().into_iter()
    }

    #[test]
    fn of_too_few_nothing_is_said_but_how_many() {
        let found = Figure::median(some(&[1.0; 4]));
        assert_eq!((found.value, found.n, found.least), (None, 4, 5));
        assert_eq!(Figure::share(some(&[1.0; 19])).value, None);
        assert_eq!(Figure::p99(some(&[1.0; 99])).value, None);
        assert_eq!(Figure::sum(some(&[])).value, Some(0.0));
    }

    #[test]
    fn figures_are_what_they_are_called() {
        assert_eq!(Figure::median(some(&[5.0, 1.0, 4.0, 2.0, 3.0])).value, Some(3.0));
        let hundred: Vec<f64> = (1..=100).map(f64::from).collect();
        assert_eq!(Figure::p99(some(&hundred)).value, Some(99.0));
        assert_eq!(Figure::mean(some(&[1.0, 2.0, 3.0, 4.0, 10.0])).value, Some(4.0));
        assert_eq!(Figure::most(some(&[-3.0, -1.0])).value, Some(-1.0));
        // 16 of 20 by Wilson: (0.8 + 3.84146/40 ± 1.95996 √(0.16/20 + 3.84146/1600)) / 1.192073.
        let share = Figure::share(some(&[[1.0; 16].as_slice(), &[0.0; 4]].concat()));
        assert_eq!(share.value, Some(0.8));
        assert!((share.low.unwrap() - 0.5840).abs() < 5e-5 && (share.high.unwrap() - 0.9193).abs() < 5e-5);
    }

    #[test]
    fn the_newest_answers_are_behind_a_figure() {
        let many: Vec<f64> = (0..300).map(f64::from).collect();
        let found = Figure::median(some(&many));
        assert_eq!((found.n, found.behind.len()), (300, 200));
        assert_eq!((found.behind[0].value, found.behind[199].value), (299.0, 100.0));
    }
}
