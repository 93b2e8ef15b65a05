//! One expert's score for one question: `(0.6 gate + 0.4 self) · load − swap`. Each term is rounded to four decimals
//! before it counts, so that the terms in a trace give the score in the trace to the last digit.

use super::Standing;
use crate::pool::Expert;
use crate::words::{Reading, Taught, Terms};

/// What the gate's word counts.
pub const GATE_SHARE: f64 = 0.6;
/// What the expert's own word counts.
pub const SELF_SHARE: f64 = 0.4;
/// Below this score nobody is trusted with the question and the generalist answers.
pub const MIN_CONFIDENCE: f32 = 0.35;
/// The generalist was trained on a little of every domain: this part of the questions of others is its, too.
const GENERALIST_SHARE: f32 = 0.10;
/// An expert whose domain the gate was never taught can be meant only where the gate names no domain of another's, and
/// is one of many things that may mean: half of that probability.
const UNTAUGHT_SHARE: f32 = 0.5;
/// The domain that means "anything".
const GENERAL: &str = "general";
/// A swap never costs more than this, however large the expert: it settles close calls and outvotes no clear one.
const MOST_FOR_A_SWAP: f32 = 0.10;
const SWAP_PER_SECOND: f32 = 0.05;
/// The price of an expert whose load was never measured: that of one second.
const SWAP_UNMEASURED: f32 = 0.05;
/// Loaded above this part of its `max_load`, an expert counts half.
const OVERLOADED: f32 = 0.8;

/// The score that the terms give. Computed in f64 from the four-decimal terms: at most six decimals, all exact in f32's
/// shortest form.
pub fn score(terms: &Terms) -> f32 {
    let [gate, own, load, swap] = [terms.gate, terms.self_assessment, terms.load, terms.swap].map(exact);
    let score = (GATE_SHARE * gate + SELF_SHARE * own) * load - swap;
    ((score * 1e6).round() / 1e6) as f32
}

/// What bringing an expert to the lectern costs, in score: 0.05 a measured second, at most 0.10.
pub fn swap_price(load_ms: Option<f32>) -> f32 {
    match load_ms {
        Some(ms) => four(ms / 1000.0 * SWAP_PER_SECOND).clamp(0.0, MOST_FOR_A_SWAP),
        None => SWAP_UNMEASURED,
    }
}

/// What the experts who are ready have in common.
pub(super) struct Pool {
    /// Probability of the domains that none of them names: whoever takes anything is meant.
    pub uncovered: f32,
    /// No expert takes anything but the stopgap.
    pub stopgap_is_needed: bool,
}

impl Pool {
    pub fn of<'a>(reading: &Reading, ready: impl Iterator<Item = &'a Expert> + Clone) -> Pool {
        let named = |domain: &str| {
            ready
                .clone()
                .any(|expert| expert.manifest.domains.iter().any(|named| named.eq_ignore_ascii_case(domain)))
        };
        let uncovered = reading.domains.iter().filter(|found| !named(&found.domain));
        Pool {
            uncovered: uncovered.map(|found| found.probability).sum(),
            stopgap_is_needed: !ready
                .clone()
                .any(|expert| !expert.manifest.fallback && is_general(&expert.manifest.domains)),
        }
    }
}

pub(super) fn terms(
    reading: &Reading,
    text: &str,
    expert: &Expert,
    standing: &Standing,
    pool: &Pool,
) -> Terms {
    let manifest = &expert.manifest;
    let takes_anything =
        if manifest.fallback { pool.stopgap_is_needed } else { is_general(&manifest.domains) };
    let seated = standing.seated.as_deref() == Some(manifest.name.as_str());
    let measured = standing.load_ms.get(&manifest.name).copied();
    let waiting = standing.waiting.get(&manifest.name).copied().unwrap_or(0);
    let own = four(manifest.can_handle(reading, text));
    let untaught = match standing.rules.heuristic {
        true => own,
        false => gate(reading, &manifest.domains, takes_anything, pool.uncovered),
    };
    Terms {
        gate: four(taught(untaught, &manifest.name, standing.taught.as_ref())),
        self_assessment: own,
        load: load(waiting, manifest.capabilities.iter().map(|capability| capability.max_load as f32)),
        swap: if seated { 0.0 } else { swap_price(measured) },
    }
}

/// Whether an expert with these domains takes anything.
pub(super) fn is_general(domains: &[String]) -> bool {
    domains.iter().any(|domain| domain.eq_ignore_ascii_case(GENERAL))
}

/// Sum of the probabilities of an expert's domains. One that takes anything gets those that nobody names and a small
/// share of the rest.
fn gate(reading: &Reading, domains: &[String], takes_anything: bool, uncovered: f32) -> f32 {
    let probability = |wanted: &str| {
        reading.domains.iter().find(|d| d.domain.eq_ignore_ascii_case(wanted)).map(|d| d.probability)
    };
    let taught: f32 = domains.iter().filter_map(|domain| probability(domain)).sum();
    let untaught =
        domains.iter().any(|domain| !domain.eq_ignore_ascii_case(GENERAL) && probability(domain).is_none());
    let for_anything = if takes_anything { uncovered + GENERALIST_SHARE * (1.0 - uncovered) } else { 0.0 };
    let for_untaught = if untaught { UNTAUGHT_SHARE * uncovered } else { 0.0 };
    taught.max(for_anything).max(for_untaught).clamp(0.0, 1.0)
}

/// An expert's gate with what lessons say: `(left · gate + right) · (1 − wrong)`.
fn taught(gate: f32, name: &str, taught: Option<&Taught>) -> f32 {
    let Some(taught) = taught else { return gate };
    let left = 1.0 - taught.experts.iter().map(|expert| expert.right).sum::<f32>().min(1.0);
    let own = taught.experts.iter().find(|expert| expert.name == name);
    let (right, wrong) = own.map_or((0.0, 0.0), |own| (own.right, own.wrong));
    (left * gate + right) * (1.0 - wrong)
}

/// 1.0, or 0.5 when more questions wait for the expert than it declares to bear.
fn load(waiting: u32, max_loads: impl Iterator<Item = f32>) -> f32 {
    let most = max_loads.filter(|most| *most > 0.0).fold(f32::INFINITY, f32::min);
    if waiting as f32 > OVERLOADED * most { 0.5 } else { 1.0 }
}

pub(super) fn four(value: f32) -> f32 {
    if value.is_finite() { ((f64::from(value) * 1e4).round() / 1e4) as f32 } else { 0.0 }
}

/// The four-decimal number that an f32 made by [`four`] stands for.
pub(super) fn exact(value: f32) -> f64 {
    (f64::from(value) * 1e4).round() / 1e4
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::DomainScore;

    fn reading(domains: &[(&str, f32)]) -> Reading {
        Reading {
            domains: domains
                .iter()
                .map(|(domain, probability)| DomainScore {
                    domain: (*domain).into(),
                    probability: *probability,
                })
                .collect(),
            ..Reading::default()
        }
    }

    fn gate_of(domains: &[&str], takes_anything: bool) -> f32 {
        let read = reading(&[("mathematics", 0.6), ("units", 0.3), ("none", 0.1)]);
        gate(&read, &domains.iter().map(|d| (*d).to_owned()).collect::<Vec<_>>(), takes_anything, 0.1)
    }

    #[test]
    fn the_gate_is_the_sum_of_an_experts_domains() {
        assert!((gate_of(&["mathematics", "Units"], false) - 0.9).abs() < 1e-6);
        assert_eq!(gate_of(&[], false), 0.0);
    }

    #[test]
    fn the_generalist_gets_what_nobody_names_and_a_tenth_of_the_rest() {
        // 0.1 + 0.1 · 0.9
        assert!((gate_of(&["general"], true) - 0.19).abs() < 1e-6);
        assert_eq!(gate_of(&["general"], false), 0.0, "a stopgap that is not needed");
    }

    #[test]
    fn a_domain_that_the_gate_never_learned_shares_what_nobody_names() {
        // half of 0.1
        assert!((gate_of(&["physics"], false) - 0.05).abs() < 1e-6);
    }

    #[test]
    fn lessons_move_the_gate_as_far_as_they_are_sure() {
        use crate::words::TaughtExpert;
        let said = |name: &str, right, wrong| TaughtExpert { name: name.into(), right, wrong };
        let lessons = Taught { experts: vec![said("garden", 0.8, 0.0), said("b", 0.0, 0.5)], lessons: 3 };
        assert_eq!(taught(0.9, "a", None), 0.9);
        // A fifth is left of what the gate says.
        assert!((taught(0.9, "a", Some(&lessons)) - 0.18).abs() < 1e-6);
        assert!((taught(0.1, "garden", Some(&lessons)) - 0.82).abs() < 1e-6);
        assert!((taught(0.9, "b", Some(&lessons)) - 0.09).abs() < 1e-6);
    }

    #[test]
    fn a_swap_is_bounded_and_a_measured_one_is_by_time() {
        assert_eq!(swap_price(None), 0.05);
        assert_eq!(swap_price(Some(400.0)), 0.02);
        assert_eq!(swap_price(Some(60_000.0)), 0.10);
    }

    #[test]
    fn an_expert_counts_half_when_more_wait_than_it_bears() {
        assert_eq!(load(1, [4.0].into_iter()), 1.0);
        assert_eq!(load(4, [4.0].into_iter()), 0.5);
        assert_eq!(load(100, std::iter::empty()), 1.0, "who declares no limit has none");
    }

    #[test]
    fn the_printed_terms_give_the_printed_score_to_the_digit() {
        for (gate, own, load, swap) in
            [(0.9731, 0.9, 1.0, 0.05), (0.3333, 0.1111, 0.5, 0.0173), (0.0, 0.0, 1.0, 0.1)]
        {
            let terms = Terms { gate, self_assessment: own, load, swap };
            let printed: f64 = score(&terms).to_string().parse().expect("a float prints as a number");
            let by_hand = |x: f32| x.to_string().parse::<f64>().expect("a float prints as a number");
            let again = (0.6 * by_hand(gate) + 0.4 * by_hand(own)) * by_hand(load) - by_hand(swap);
            assert!((printed - again).abs() < 1e-9, "{printed} against {again}");
        }
    }
}
