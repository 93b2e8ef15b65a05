//! What an expert's word counts: its measured accuracy in the question's domain, calibrated, times the route's score.

use crate::measured::Measured;
use crate::pool::Expert;
use crate::words::Weight;

/// A test of the expert's maker counts as so many answers at most, beside those that were measured here.
const PRIOR: f32 = 100.0;
/// Of an expert that nobody measured in this domain: one right and one wrong.
const UNKNOWN: (f32, f32) = (0.5, 2.0);

/// `(right + p · a) / (n + p)` times `route`: a and p are the accuracy and size (at most 100) of the manifest's tests
/// where the domain is one of the expert's, 0.5 and 2 elsewhere; `right` of `n` were measured here.
pub fn weight(expert: &Expert, domain: &str, route: f32, measured: &Measured) -> Weight {
    let manifest = &expert.manifest;
    let is_own = manifest.domains.iter().any(|own| own.eq_ignore_ascii_case(domain));
    // The first test is the whole one, those after it are its parts.
    let whole = manifest.measured.first().filter(|_| is_own);
    let (share, prior) = whole.map_or(UNKNOWN, |test| (test.accuracy, (test.n as f32).min(PRIOR)));
    let (right, n) = measured.accuracy(&manifest.name, domain).unwrap_or((0, 0));
    let accuracy = ((right as f32 + prior * share) / (n as f32 + prior)).clamp(0.0, 1.0);
    let source = match (n, whole) {
        (0, None) => format!("not measured in {domain}"),
        (0, Some(test)) => format!("its maker's test: {}", test.test),
        (_, None) => format!("measured here in {domain}"),
        (_, Some(_)) => format!("measured here in {domain}, with its maker's test"),
    };
    let route = route.max(0.0);
    let n = n + whole.map_or(0, |test| test.n);
    Weight { weight: accuracy * route, accuracy, n, source, route }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pool::{self, Manifest, Statistics};

    fn expert(domain: &str) -> Expert {
        let mut manifest = Manifest::named("a");
        manifest.domains = vec![domain.into()];
        manifest.measured = vec![pool::Measured { test: "held out".into(), accuracy: 0.9, n: 500, seed: 1 }];
        let (file, statistics) = ("a.gguf".into(), Statistics::default());
        Expert { manifest, file, using: 0, statistics, starter: false, unavailable: None, retired: None }
    }

    #[test]
    fn a_weight_is_calibrated_accuracy_times_the_routes_score() {
        let mut measured = Measured::default();
        let own = weight(&expert("units"), "units", 0.8, &measured);
        assert!((own.accuracy - 0.9).abs() < 1e-6 && (own.weight - 0.72).abs() < 1e-6, "{own:?}");
        let other = weight(&expert("units"), "words", 0.8, &measured);
        assert!((other.accuracy - 0.5).abs() < 1e-6 && other.n == 0, "{other:?}");
        // (20 + 100 · 0.9) / (100 + 100)
        measured.count("a", "units", 20, 100);
        let worse = weight(&expert("units"), "units", 1.0, &measured);
        assert!((worse.accuracy - 0.55).abs() < 1e-6 && worse.n == 600, "{worse:?}");
        assert_eq!(weight(&expert("units"), "units", -0.1, &measured).weight, 0.0);
    }
}
