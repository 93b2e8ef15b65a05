//! Reliability: what is foretold of answers against what came, each foretold by a fit to four fifths of the judged answers
//! that it is not among.

use super::{Abilities, Reliability, Row, domains};
use std::collections::BTreeMap;

const FOLDS: usize = 5;
const BINS: usize = 10;

/// One answer that was foretold.
struct Foretold {
    odds: f64,
    /// By the domain's share alone.
    share: f64,
    right: f64,
}

/// The part of [`Abilities`] that says how far to trust it; nothing of fewer answers than folds.
pub(super) fn foretold(rows: &[Row]) -> Abilities {
    let answers: Vec<Foretold> = (0..FOLDS).flat_map(|fold| of_fold(rows, fold)).collect();
    if answers.is_empty() {
        return Abilities::default();
    }
    let n = answers.len() as f64;
    let mean = |of: &dyn Fn(&Foretold) -> f64| answers.iter().map(of).sum::<f64>() / n;
    let mut bins: Vec<Vec<&Foretold>> = (0..BINS).map(|_| Vec::new()).collect();
    for answer in &answers {
        bins[((answer.odds * BINS as f64) as usize).min(BINS - 1)].push(answer);
    }
    let reliability: Vec<Reliability> =
        bins.iter().enumerate().filter(|(_, bin)| !bin.is_empty()).map(|(at, bin)| row(at, bin)).collect();
    let apart = |row: &Reliability| (row.foretold - row.right).abs() * f64::from(row.n) / n;
    Abilities {
        calibration_error: Some(reliability.iter().map(apart).sum()),
        reliability,
        brier: Some(mean(&|answer| (answer.odds - answer.right).powi(2))),
        brier_of_the_share: Some(mean(&|answer| (answer.share - answer.right).powi(2))),
        ..Abilities::default()
    }
}

fn row(at: usize, bin: &[&Foretold]) -> Reliability {
    let n = bin.len() as f64;
    Reliability {
        from: at as f64 / BINS as f64,
        to: (at + 1) as f64 / BINS as f64,
        n: bin.len() as u32,
        foretold: bin.iter().map(|answer| answer.odds).sum::<f64>() / n,
        right: bin.iter().map(|answer| answer.right).sum::<f64>() / n,
    }
}

fn of_fold(rows: &[Row], fold: usize) -> Vec<Foretold> {
    let known = || rows.iter().enumerate().filter(|(at, _)| at % FOLDS != fold).map(|(_, row)| row);
    let fitted = domains(known());
    let mut shares: BTreeMap<&str, (f64, f64)> = BTreeMap::new();
    for row in known() {
        let share = shares.entry(&row.domain).or_default();
        *share = (share.0 + f64::from(u8::from(row.right)), share.1 + 1.0);
    }
    let tell = |row: &Row| {
        let odds = fitted.get(&row.domain)?.right(&row.expert, row.band)?;
        let (right, n) = shares.get(row.domain.as_str())?;
        Some(Foretold { odds, share: right / n, right: f64::from(u8::from(row.right)) })
    };
    rows.iter().enumerate().filter(|(at, _)| at % FOLDS == fold).filter_map(|(_, row)| tell(row)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2000 answers whose odds are known: what is foretold lies within 3 binomial deviations of what came in each bin, and
    /// tells more than the share alone.
    #[test]
    fn what_is_foretold_comes_as_often_as_it_was_said() {
        let mut state = 7_u64;
        let mut random = move || {
            // Knuth's generator (MMIX).
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 11) as f64 / (1_u64 << 53) as f64
        };
        let mut rows = Vec::new();
        for at in 0..2000 {
            let (expert, band) = (at % 4, (at / 4) % 5);
            let odds = 1.0 / (1.0 + (-1.5 * (expert as f64 - 1.5 - (band as f64 - 2.0))).exp());
            rows.push(Row {
                expert: expert.to_string(),
                domain: "units".into(),
                band,
                right: random() < odds,
            });
        }
        let found = foretold(&rows);
        assert!(found.reliability.len() >= 6);
        for bin in &found.reliability {
            let deviation = (bin.foretold * (1.0 - bin.foretold) / f64::from(bin.n)).sqrt();
            assert!((bin.foretold - bin.right).abs() < 3.0 * deviation + 0.01, "{bin:?}");
        }
        assert!(found.calibration_error.unwrap() < 0.04, "{found:?}");
        assert!(found.brier.unwrap() < 0.8 * found.brier_of_the_share.unwrap());
    }

    #[test]
    fn nothing_judged_is_nothing_foretold() {
        assert_eq!(foretold(&[]), Abilities::default());
    }
}
