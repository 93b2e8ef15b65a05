//! Scorer: what a unit is worth to a question, by weights that were learned from questions whose answers are known.
//!
//! In:     a row of [`super::features`]
//! Out:    a score; only the order of a context's units means something
//! Source: `scorer.txt`, learned from Natural Questions by `lab/src/scorer.rs`; `tests/compress.rs` writes it again

use super::features::{COUNT, LENGTH, NAMES};
use std::sync::OnceLock;

/// What the length of a unit costs beside its weight: of two that are as likely the shorter leaves room for a third.
/// Of 0 to 4, chosen by cross-validation; half of it or a third more is worth half a point at most.
const PRICE: f32 = 2.4;

/// A weight for each feature.
#[derive(Clone, Debug, PartialEq)]
pub struct Scorer {
    weights: [f32; COUNT],
}

impl Scorer {
    /// A line for each of [`NAMES`], in that order: the name and its weight. `None` when the text is no such thing.
    pub fn read(text: &str) -> Option<Scorer> {
        let weight = |(line, name): (&str, &&str)| {
            let (said, weight) = line.split_once(' ')?;
            weight.parse().ok().filter(|weight: &f32| said == *name && weight.is_finite())
        };
        let of_ours = text.lines().zip(&NAMES).map(weight).collect::<Option<Vec<f32>>>()?;
        let weights = of_ours.try_into().ok().filter(|_| text.lines().count() == COUNT)?;
        Some(Scorer { weights })
    }

    /// The one that ships.
    pub fn shipped() -> &'static Scorer {
        static SHIPPED: OnceLock<Scorer> = OnceLock::new();
        SHIPPED.get_or_init(|| {
            Scorer::read(include_str!("scorer.txt")).expect("a test reads the file that ships")
        })
    }

    pub fn score(&self, row: &[f32; COUNT]) -> f32 {
        self.weights.iter().zip(row).map(|(weight, x)| weight * x).sum::<f32>() - PRICE * row[LENGTH]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(weigh: impl Fn(usize) -> String) -> String {
        NAMES.iter().enumerate().map(|(at, name)| format!("{name} {}\n", weigh(at))).collect()
    }

    #[test]
    fn the_file_that_ships_is_read_and_another_is_refused() {
        assert_ne!(Scorer::shipped().score(&[1.0; COUNT]), 0.0);
        let ones = text(|_| "1".into());
        assert!(Scorer::read(&ones).is_some());
        assert_eq!(Scorer::read(&text(|at| if at == 3 { "NaN".into() } else { "1".into() })), None);
        assert_eq!(Scorer::read(&ones.replacen(NAMES[0], "other", 1)), None, "a name that is not ours");
        assert_eq!(Scorer::read(ones.trim_end().rsplit_once('\n').expect("lines").0), None, "one too few");
        assert_eq!(Scorer::read(&format!("{ones}more 1")), None, "one too many");
    }

    #[test]
    fn a_score_is_the_weighted_sum_less_the_price_of_its_length() {
        let scorer =
            Scorer::read(&text(|at| if at < 2 { "0.5".into() } else { "0".into() })).expect("weights");
        let mut row = [9.0; COUNT];
        (row[0], row[1], row[LENGTH]) = (1.0, 3.0, 0.5);
        assert_eq!(scorer.score(&row), 2.0 - 0.5 * PRICE);
    }
}
