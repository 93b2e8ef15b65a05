//! Arms: other ways of scoring experts, kept to compare the router with. Each shows every term, rounded to four decimals
//! before it counts, and its formula, so that the score can be made again to the digit.

use super::Standing;
use super::score::{exact, four};
use crate::pool::Expert;
use crate::words::{Ranked, RankedExpert, Reading};
use std::collections::BTreeMap;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arm {
    /// `(1 + 0.3 domain + max(0, 0.5 − 0.1 |Δcomplexity|)) · (0.7 + 0.3 success) / priority`
    Heuristic,
    /// How many of its keywords the question has.
    Keywords,
    /// Every expert that thinks it can handle the question.
    All,
    /// `0.5 success + 0.3 (1 − load / max) + 0.2 min(1, 1 / latency)`
    Rank,
}

impl Arm {
    pub const ALL: [(&'static str, Arm); 4] =
        [("heuristic", Arm::Heuristic), ("keywords", Arm::Keywords), ("all", Arm::All), ("rank", Arm::Rank)];

    fn formula(self) -> &'static str {
        match self {
            Arm::Heuristic => {
                "(1 + 0.3 domain + max(0, 0.5 - 0.1 complexity_distance)) * (0.7 + 0.3 success) / priority"
            }
            Arm::Keywords => "keywords",
            Arm::All => "1 if self >= threshold else 0",
            Arm::Rank => "0.5 success + 0.3 (1 - load / max_load) + 0.2 min(1, 1 / latency_s)",
        }
    }
}

/// An expert that nothing is known of: half of its answers were good.
const UNKNOWN_SUCCESS: f32 = 0.5;
/// What an expert bears that declares no limit.
const MAX_LOAD: u32 = 4;
/// Confidence from which an expert counts as able where it declares none.
const THRESHOLD: f32 = 0.35;

/// The experts that are ready by one arm, best first; of equals by name.
pub fn ranked(arm: Arm, reading: &Reading, text: &str, experts: &[Expert], standing: &Standing) -> Ranked {
    let ready = experts.iter().filter(|expert| expert.is_ready());
    let mut list: Vec<RankedExpert> = ready
        .map(|expert| {
            let (score, terms) = scored(arm, reading, text, expert, standing);
            RankedExpert {
                name: expert.manifest.name.clone(),
                title: expert.manifest.title.clone(),
                score: ((score * 1e6).round() / 1e6) as f32,
                terms: terms
                    .iter()
                    .map(|(name, term)| ((*name).to_owned(), *term))
                    .collect::<BTreeMap<_, _>>(),
            }
        })
        .collect();
    list.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.name.cmp(&b.name)));
    let name = Arm::ALL.iter().find(|(_, known)| *known == arm).map_or("", |(name, _)| name);
    Ranked {
        arm: name.into(),
        formula: arm.formula().into(),
        domain: reading.domain.clone(),
        complexity: reading.complexity,
        chosen: list.first().map(|first| first.name.clone()).unwrap_or_default(),
        experts: list,
    }
}

fn scored(
    arm: Arm,
    reading: &Reading,
    text: &str,
    expert: &Expert,
    standing: &Standing,
) -> (f64, Vec<(&'static str, f32)>) {
    let manifest = &expert.manifest;
    let statistics = &expert.statistics;
    let success = match statistics.answers {
        0 => UNKNOWN_SUCCESS,
        answers => four(statistics.successes as f32 / answers as f32),
    };
    match arm {
        Arm::Heuristic => {
            let own = manifest.domains.iter().any(|domain| domain.eq_ignore_ascii_case(&reading.domain));
            let domain = f32::from(u8::from(own));
            let distance = four((reading.complexity - manifest.optimal_complexity).abs());
            // The seed's priority counts down from 1 = first; ours counts up from 0.
            let priority = (1 - manifest.priority).max(1) as f32;
            let relevance = 1.0 + 0.3 * exact(domain) + (0.5 - 0.1 * exact(distance)).max(0.0);
            let score = relevance * (0.7 + 0.3 * exact(success)) / exact(priority);
            let terms = vec![
                ("domain", domain),
                ("complexity_distance", distance),
                ("success", success),
                ("priority", priority),
            ];
            (score, terms)
        }
        Arm::Keywords => {
            let found = manifest.handles.keywords_in(text) as f32;
            (exact(found), vec![("keywords", found)])
        }
        Arm::All => {
            let own = four(manifest.can_handle(reading, text));
            let declared = manifest.capabilities.iter().map(|capability| capability.threshold);
            let threshold = declared.filter(|threshold| *threshold > 0.0).fold(f32::INFINITY, f32::min);
            let threshold = if threshold.is_finite() { four(threshold) } else { THRESHOLD };
            (f64::from(u8::from(own >= threshold)), vec![("self", own), ("threshold", threshold)])
        }
        Arm::Rank => {
            let waiting = standing.waiting.get(&manifest.name).copied().unwrap_or(0) as f32;
            let most =
                manifest.capabilities.iter().map(|capability| capability.max_load).filter(|most| *most > 0);
            let most = most.min().unwrap_or(MAX_LOAD) as f32;
            // Unmeasured: nothing speaks for it.
            let latency = statistics.mean_latency_ms.map_or(f32::INFINITY, |ms| four(ms / 1000.0));
            let quick = if latency > 0.0 { (1.0 / exact_or(latency)).min(1.0) } else { 1.0 };
            let score = 0.5 * exact(success) + 0.3 * (1.0 - exact(waiting) / exact(most)) + 0.2 * quick;
            let mut terms = vec![("success", success), ("load", waiting), ("max_load", most)];
            if latency.is_finite() {
                terms.push(("latency_s", latency));
            }
            (score, terms)
        }
    }
}

fn exact_or(value: f32) -> f64 {
    if value.is_finite() { exact(value) } else { f64::INFINITY }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pool::{Capability, Manifest, Statistics};

    fn expert(name: &str) -> Expert {
        let mut manifest = Manifest::named(name);
        manifest.domains = vec!["mathematics".into()];
        manifest.optimal_complexity = 3.0;
        manifest.capabilities =
            vec![Capability { name: "c".into(), threshold: 0.35, max_load: 4, declared_latency_ms: None }];
        let statistics =
            Statistics { answers: 4, successes: 3, mean_latency_ms: Some(2500.0), ..Statistics::default() };
        let file = "a.gguf".into();
        Expert { manifest, file, using: 0, statistics, starter: false, unavailable: None, retired: None }
    }

    fn reading() -> Reading {
        Reading { domain: "mathematics".into(), complexity: 4.0, ..Reading::default() }
    }

    #[test]
    fn the_seeds_formulas_come_out_to_the_digit() {
        let mut second = expert("b");
        second.manifest.priority = -1;
        let experts = [expert("a"), second];
        let mut standing = Standing::default();
        standing.waiting.insert("a".into(), 1);
        let heuristic = ranked(Arm::Heuristic, &reading(), "x", &experts, &standing);
        // (1 + 0.3 + 0.5 − 0.1) · (0.7 + 0.3 · 0.75) = 1.7 · 0.925, and half of it.
        assert_eq!(heuristic.experts[0].score, 1.5725);
        assert_eq!(heuristic.experts[1].score, 0.78625);
        let rank = ranked(Arm::Rank, &reading(), "x", &experts, &standing);
        // 0.5 · 0.75 + 0.3 · (1 − load / 4) + 0.2 / 2.5
        assert_eq!((rank.experts[0].name.as_str(), rank.experts[0].score), ("b", 0.755));
        assert_eq!(rank.experts[1].score, 0.68);
    }

    #[test]
    fn keywords_are_whole_words_or_stems() {
        let mut known = expert("a");
        known.manifest.handles.keywords =
            ["plus", "multipl*", "sum of"].map(|word| (word.to_owned(), 0.5)).into();
        let text = "Multiplying is no surplus; the sum of it";
        assert_eq!(
            ranked(Arm::Keywords, &reading(), text, &[known], &Standing::default()).experts[0].score,
            2.0
        );
    }

    #[test]
    fn who_was_never_measured_gets_nothing_for_being_quick() {
        let mut unknown = expert("a");
        unknown.statistics = Statistics::default();
        let rank = ranked(Arm::Rank, &reading(), "x", &[unknown], &Standing::default());
        // 0.5 · 0.5 + 0.3
        assert_eq!(rank.experts[0].score, 0.55);
        assert!(!rank.experts[0].terms.contains_key("latency_s"));
    }
}
