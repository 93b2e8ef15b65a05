//! Route: choose which expert answers, and say why.
//!
//! In:     the question as the user wrote it, its reading, the pool, who is seated and what swaps cost
//! Out:    a plan: every ready expert with every term of its score, the one that answers, and one sentence; of a plan,
//!         a [`council`] and how it is to be [`compose`]d; by other [`arms`], the same list to compare with
//! Fails:  NoExpert (nothing is ready), UnknownExpert and Unavailable (a choice by hand that cannot be followed)
//! Cost:   under 1 ms for 64 experts; loads nothing
//! Source: gate and self-assessment of requirement R61

pub mod arms;
pub mod compose;
pub mod council;
mod score;

pub use score::{GATE_SHARE, MIN_CONFIDENCE, SELF_SHARE, score, swap_price};

use crate::pool::Expert;
use crate::words::{Candidate, Failure, Plan, Reading, Taught, Terms};
use std::collections::HashMap;
use std::time::Instant;

#[derive(Debug, thiserror::Error)]
pub enum RouteError {
    #[error("no expert is ready: the pool has {0}, each retired or without its file")]
    NoExpert(usize),
    #[error("there is no expert named \"{name}\"; the pool has {known}")]
    UnknownExpert { name: String, known: String },
    #[error("{name} cannot answer now: {why}")]
    Unavailable { name: String, why: String },
}

impl From<RouteError> for Failure {
    fn from(error: RouteError) -> Self {
        let (code, fix) = match &error {
            RouteError::NoExpert(_) => {
                ("no_expert", "Add an expert, or start Lectern again to restore the starters.")
            }
            RouteError::UnknownExpert { .. } => {
                ("unknown_expert", "Choose one of these, or let the router choose.")
            }
            RouteError::Unavailable { .. } => {
                ("expert_unavailable", "Put that right, or choose another expert.")
            }
        };
        Failure { code: code.into(), message: error.to_string(), fix: fix.into(), detail: None }
    }
}

/// A conversation stays with its expert unless another scores so much more: "and in feet?" says little of its own.
const STAYS: f32 = 0.15;

/// How things stand at the lectern when the question comes.
#[derive(Clone, Debug, Default)]
pub struct Standing {
    /// Who is there, or on the way there.
    pub seated: Option<String>,
    /// Measured time that an expert's last load took.
    pub load_ms: HashMap<String, f32>,
    /// Questions that wait for an expert or are with it.
    pub waiting: HashMap<String, u32>,
    /// The expert that answered last in this conversation, when it reads conversations.
    pub before: Option<String>,
    /// What the user's lessons say of the question.
    pub taught: Option<Taught>,
    pub rules: Rules,
}

/// What the pool file says of routing.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// The expert's own word stands in the gate's place.
    pub heuristic: bool,
    /// Below this score the generalist answers.
    pub min_confidence: f32,
    /// The question decides; else the generalist answers everything that nobody is chosen for by hand.
    pub dynamic: bool,
}

impl Default for Rules {
    fn default() -> Self {
        Rules { heuristic: false, min_confidence: MIN_CONFIDENCE, dynamic: true }
    }
}

/// The plan for one question. Experts that are not available take no part; retired ones only when chosen by hand.
pub fn route(
    reading: &Reading,
    text: &str,
    experts: &[Expert],
    standing: &Standing,
    by_hand: Option<&str>,
) -> Result<Plan, RouteError> {
    let begun = Instant::now();
    let takes_anything =
        |expert: &&Expert| !expert.manifest.fallback && score::is_general(&expert.manifest.domains);
    let pool = score::Pool::of(reading, experts.iter().filter(|expert| expert.is_ready()));
    let mut ready: Vec<(Candidate, i32)> = experts
        .iter()
        .filter(|expert| expert.is_ready())
        .map(|expert| {
            let terms = score::terms(reading, text, expert, standing, &pool);
            (candidate(expert, terms), expert.manifest.priority)
        })
        .collect();
    ready.sort_by(|(a, a_first), (b, b_first)| {
        b.score.total_cmp(&a.score).then(b_first.cmp(a_first)).then(a.name.cmp(&b.name))
    });
    let mut candidates: Vec<Candidate> = ready.into_iter().map(|(candidate, _)| candidate).collect();
    // One that is retired, or outside and not let in, is asked by name alone, after all others.
    let by_name =
        |expert: &&Expert| by_hand == Some(&expert.manifest.name) && expert.is_there() && !expert.is_ready();
    let called_back = experts.iter().find(by_name);
    candidates.extend(
        called_back.map(|expert| candidate(expert, score::terms(reading, text, expert, standing, &pool))),
    );
    let best = candidates.first().ok_or(RouteError::NoExpert(experts.len()))?;

    let falls_to = |candidate: &&Candidate| {
        let expert = experts.iter().find(|expert| expert.manifest.name == candidate.name);
        expert.is_some_and(|expert| {
            if pool.stopgap_is_needed { expert.manifest.fallback } else { takes_anything(&expert) }
        })
    };
    let fallback = candidates.iter().find(falls_to);
    let rules = standing.rules;
    let doubt = best.score < rules.min_confidence;
    let routed = if doubt { fallback.unwrap_or(best) } else { best };

    let stays = standing.before.as_ref().and_then(|before| {
        let before = candidates.iter().find(|candidate| candidate.name == *before)?;
        (before.name != routed.name && best.score - before.score < STAYS).then_some(before)
    });

    let (chosen, abstained, reason) = match by_hand {
        Some(name) => {
            let chosen = chosen_by_hand(name, experts, &candidates)?;
            let note = match called_back {
                Some(expert) if expert.retired.is_some() => " It is retired: the router passes it by.",
                Some(_) => " It is outside Lectern, and the router sends nothing there by itself.",
                None => "",
            };
            (chosen, false, said_by_hand(chosen, routed) + note)
        }
        None if !rules.dynamic => {
            let general = fallback.unwrap_or(best);
            let why = format!("Routing by question is switched off, so {} answers.", general.title);
            (general, false, why)
        }
        None => match stays {
            Some(before) => (before, false, said_staying(before, best)),
            None => (routed, doubt, said(reading, best, routed, doubt, rules) + &learned(routed, standing)),
        },
    };
    Ok(Plan {
        domain: reading.domain.clone(),
        confidence: reading.confidence,
        complexity: reading.complexity,
        chosen: chosen.name.clone(),
        abstained,
        by_hand: by_hand.is_some(),
        min_confidence: rules.min_confidence,
        reason,
        taught: standing.taught.clone(),
        elapsed_ms: begun.elapsed().as_secs_f32() * 1000.0,
        experts: candidates,
    })
}

fn candidate(expert: &Expert, terms: Terms) -> Candidate {
    Candidate {
        name: expert.manifest.name.clone(),
        title: expert.manifest.title.clone(),
        score: score(&terms),
        terms,
    }
}

fn chosen_by_hand<'a>(
    name: &str,
    experts: &[Expert],
    candidates: &'a [Candidate],
) -> Result<&'a Candidate, RouteError> {
    if let Some(found) = candidates.iter().find(|candidate| candidate.name == name) {
        return Ok(found);
    }
    match experts.iter().find(|expert| expert.manifest.name == name) {
        Some(expert) => {
            let why = expert.unavailable.clone().unwrap_or_default();
            Err(RouteError::Unavailable { name: name.into(), why })
        }
        None => {
            let known: Vec<&str> = candidates.iter().map(|candidate| candidate.name.as_str()).collect();
            Err(RouteError::UnknownExpert { name: name.into(), known: known.join(", ") })
        }
    }
}

/// Whether there is an expert of that name.
pub fn knows(experts: &[Expert], name: &str) -> Result<(), RouteError> {
    if experts.iter().any(|expert| expert.manifest.name == name) {
        return Ok(());
    }
    let known: Vec<&str> = experts.iter().map(|expert| expert.manifest.name.as_str()).collect();
    Err(RouteError::UnknownExpert { name: name.into(), known: known.join(", ") })
}

fn said_by_hand(chosen: &Candidate, routed: &Candidate) -> String {
    if chosen.name == routed.name {
        format!("You chose {}; the router would have, too ({:.2}).", chosen.title, routed.score)
    } else {
        format!(
            "You chose {} ({:.2}); the router would have chosen {} ({:.2}).",
            chosen.title, chosen.score, routed.title, routed.score
        )
    }
}

fn said_staying(before: &Candidate, best: &Candidate) -> String {
    format!(
        "The conversation stays with {} ({:.2}): {} scores {:.2}, and less than {STAYS:.2} more is no reason to change.",
        before.title, before.score, best.title, best.score
    )
}

/// A sentence when it is lessons that brought the question to this expert.
fn learned(routed: &Candidate, standing: &Standing) -> String {
    let Some(taught) = &standing.taught else { return String::new() };
    let own = taught.experts.iter().find(|expert| expert.name == routed.name && expert.right > 0.5);
    own.map_or(String::new(), |own| {
        let (lessons, are) = if taught.lessons == 1 { ("lesson", "is") } else { ("lessons", "are") };
        format!(
            " It learned that from you: {} of your {lessons} {are} like this question ({:.0} %).",
            taught.lessons,
            own.right * 100.0
        )
    })
}

fn said(reading: &Reading, best: &Candidate, routed: &Candidate, doubt: bool, rules: Rules) -> String {
    if !doubt && rules.heuristic {
        let own = best.terms.self_assessment * 100.0;
        return format!("{} scores highest, {:.2}: it gives itself {own:.0} %.", best.title, best.score);
    }
    if !doubt {
        return format!(
            "{} scores highest, {:.2}: the gate gives it {:.0} %, and it gives itself {:.0} %.",
            best.title,
            best.score,
            best.terms.gate * 100.0,
            best.terms.self_assessment * 100.0
        );
    }
    let unsure = {
        let least = rules.min_confidence;
        format!("No expert reaches {least:.2} (best: {} {:.2})", best.title, best.score)
    };
    if routed.name != best.name {
        format!("{unsure}, so {} answers.", routed.title)
    } else {
        format!(
            "{unsure} for a question read as \"{}\" ({:.0} %); {} answers all the same.",
            reading.domain,
            reading.confidence * 100.0,
            routed.title
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pool::{Manifest, Statistics};
    use crate::words::DomainScore;

    fn expert(name: &str, domain: &str) -> Expert {
        let mut manifest = Manifest::named(name);
        manifest.domains = vec![domain.into()];
        manifest.fallback = domain == "general";
        let file = std::path::PathBuf::from(format!("{name}.gguf"));
        let statistics = Statistics::default();
        Expert { manifest, file, using: 0, statistics, starter: true, unavailable: None, retired: None }
    }

    fn pool() -> [Expert; 3] {
        [expert("arithmetic", "mathematics"), expert("words", "words"), expert("generalist", "general")]
    }

    fn reading(mathematics: f32, words: f32, none: f32) -> Reading {
        let domains = [("mathematics", mathematics), ("words", words), ("none", none)]
            .map(|(domain, probability)| DomainScore { domain: domain.into(), probability });
        Reading {
            domain: "mathematics".into(),
            confidence: mathematics,
            domains: domains.into(),
            ..Reading::default()
        }
    }

    #[test]
    fn the_likeliest_domain_wins() {
        let plan =
            route(&reading(0.9, 0.05, 0.05), "3 + 4", &pool(), &Standing::default(), None).expect("a plan");
        assert_eq!(plan.chosen, "arithmetic");
        assert!(!plan.abstained && !plan.by_hand);
        assert_eq!(plan.experts.len(), 3, "the plan shows everybody");
    }

    #[test]
    fn a_doubt_goes_to_the_generalist_and_is_said() {
        // Nobody is likely, and the experts think little of themselves, too: their own assessment is 0 for no domain.
        let mut experts = pool();
        for expert in &mut experts {
            expert.manifest.handles.keywords.insert("never said".into(), 1.0);
        }
        let plan = route(&reading(0.4, 0.4, 0.2), "?", &experts, &Standing::default(), None).expect("a plan");
        assert!(plan.experts[0].score < plan.min_confidence, "the case that this test is about");
        assert_eq!((plan.chosen.as_str(), plan.abstained), ("generalist", true));
        assert!(plan.reason.contains("0.35"), "{}", plan.reason);
    }

    #[test]
    fn an_expert_of_ones_own_that_takes_anything_comes_before_the_stopgap() {
        let mut big = expert("big", "general");
        big.manifest.fallback = false;
        let mut experts = [pool().as_slice(), &[big]].concat();
        // Even where the stopgap stands at the lectern already, and where nobody is sure.
        let standing = Standing { seated: Some("generalist".into()), ..Standing::default() };
        for read in [reading(0.05, 0.05, 0.9), reading(0.1, 0.5, 0.4)] {
            let plan = route(&read, "?", &experts[2..], &standing, None).expect("a plan");
            assert_eq!(plan.chosen, "big", "{}", plan.reason);
        }
        experts[3].unavailable = Some("its file is gone".into());
        let plan = route(&reading(0.05, 0.05, 0.9), "?", &experts, &standing, None).expect("a plan");
        assert_eq!(plan.chosen, "generalist");
    }

    #[test]
    fn by_heuristics_the_gate_has_no_word_and_the_score_is_made_of_what_is_shown() {
        let mut experts = pool();
        experts[1].manifest.handles.keywords.insert("pear".into(), 1.0);
        let rules = Rules { heuristic: true, min_confidence: 0.2, ..Rules::default() };
        let standing = Standing { rules, ..Standing::default() };
        let sure = reading(0.98, 0.01, 0.01);
        let plan = route(&sure, "a pear", &experts[1..], &standing, None).expect("a plan");
        assert_eq!((plan.chosen.as_str(), plan.min_confidence), ("words", 0.2), "{}", plan.reason);
        for candidate in &plan.experts {
            assert_eq!(candidate.terms.gate, candidate.terms.self_assessment);
            assert_eq!(candidate.score, score(&candidate.terms));
        }
    }

    #[test]
    fn a_choice_by_hand_is_followed_and_the_routers_own_is_still_told() {
        let plan = route(&reading(0.9, 0.05, 0.05), "3 + 4", &pool(), &Standing::default(), Some("words"))
            .expect("a plan");
        assert_eq!((plan.chosen.as_str(), plan.by_hand, plan.abstained), ("words", true, false));
        assert!(plan.reason.contains("arithmetic"), "{}", plan.reason);
    }

    #[test]
    fn nobody_is_sent_to_an_expert_without_a_file() {
        let mut experts = pool();
        experts[0].unavailable = Some("its file is gone".into());
        let plan =
            route(&reading(0.9, 0.05, 0.05), "3 + 4", &experts, &Standing::default(), None).expect("a plan");
        assert!(plan.experts.iter().all(|candidate| candidate.name != "arithmetic"));
        let by_hand =
            route(&reading(0.9, 0.05, 0.05), "3 + 4", &experts, &Standing::default(), Some("arithmetic"));
        assert_eq!(by_hand.map_err(|error| Failure::from(error).code).unwrap_err(), "expert_unavailable");
    }

    #[test]
    fn a_close_call_stays_with_who_is_seated() {
        let near = reading(0.48, 0.5, 0.02);
        let away = route(&near, "?", &pool(), &Standing::default(), None).expect("a plan");
        assert_eq!(away.chosen, "words");
        let standing = Standing { seated: Some("arithmetic".into()), ..Standing::default() };
        let seated = route(&near, "?", &pool(), &standing, None).expect("a plan");
        assert_eq!(seated.chosen, "arithmetic");
        assert_eq!(seated.experts[0].terms.swap, 0.0);
    }

    #[test]
    fn a_conversation_stays_with_its_expert_until_another_is_clearly_better() {
        let standing = Standing { before: Some("words".into()), ..Standing::default() };
        let plan = |mathematics, words| {
            route(&reading(mathematics, words, 0.0), "?", &pool(), &standing, None).expect("a plan")
        };
        let close = plan(0.55, 0.45);
        assert_eq!(close.chosen, "words", "{}", close.reason);
        assert_eq!(close.experts[0].name, "arithmetic", "the scores are as they are");
        assert!(close.reason.contains("stays with"), "{}", close.reason);
        assert_eq!(plan(0.9, 0.1).chosen, "arithmetic");
        let by_hand =
            route(&reading(0.55, 0.45, 0.0), "?", &pool(), &standing, Some("arithmetic")).expect("a plan");
        assert_eq!(by_hand.chosen, "arithmetic");
        let unknown = Standing { before: Some("gone".into()), ..Standing::default() };
        let plan = route(&reading(0.55, 0.45, 0.0), "?", &pool(), &unknown, None).expect("a plan");
        assert_eq!(plan.chosen, "arithmetic");
    }

    #[test]
    fn a_choice_that_nobody_has_names_those_that_there_are() {
        let error =
            route(&reading(1.0, 0.0, 0.0), "?", &pool(), &Standing::default(), Some("law")).unwrap_err();
        assert!(error.to_string().contains("generalist"), "{error}");
    }
}
