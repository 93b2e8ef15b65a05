//! How a question that leaves it open is answered: by one expert, by several who vote or improve each other's text, or in
//! parts, each by its own expert.
//!
//! In:     the reading, the plan, the parts that stand in the question, what was measured here
//! Out:    one of the ways of a council or none, and why in one sentence
//! Cost:   microseconds; asks nobody

use super::STAYS;
use crate::extract;
use crate::measured::{Measured, PairGain};
use crate::pool::{Expert, Reads};
use crate::words::{Aggregate, Candidate, Composed, Part, Plan, Reading};

/// Scores that differ by no more, swaps aside, are near: less does not make the router leave a conversation's expert,
/// either. Whoever is further behind has mostly another domain, and says so or errs.
const NEAR: f32 = STAYS;
/// A second domain from this probability on is spoken of, too: of 500 fresh questions about arithmetic 6 % get that far
/// and of 500 about units 2 %, of 100 about both 54 % (`tests/compose.rs`); the others are asked as if about one.
const SECOND: f32 = 0.15;
/// Fewer answers are no measurement of an expert's or a pair's accuracy; as everywhere in the reports.
const ENOUGH: u32 = 20;

/// Domains whose answers come to a number, a word or code.
const EXACT: [&str; 7] = ["mathematics", "units", "words", "code", "physics", "chemistry", "reasoning"];
/// What begins a question with a short answer.
const SHORT: [&str; 9] =
    ["how many", "how much", "what is the", "which", "who", "when", "where", "is ", "are "];

/// What is known of a question before anybody is asked.
pub struct Known<'a> {
    pub text: &'a str,
    pub reading: &'a Reading,
    pub plan: &'a Plan,
    /// The parts that stand in the text, each with the title of the expert that it would go to.
    pub parts: &'a [(Part, String)],
    pub experts: &'a [Expert],
    pub measured: &'a Measured,
    /// Experts at most.
    pub most: u32,
}

/// The way that this question is answered.
pub fn compose(known: &Known) -> Composed {
    let Known { plan, measured, .. } = known;
    let one = |why: String| Composed { aggregate: None, k: 0, why };
    let [first, second, ..] = plan.experts.as_slice() else {
        return one("Only one expert is ready.".into());
    };
    if let Some(why) = spans(known) {
        return Composed { aggregate: Some(Aggregate::Hierarchical), k: 0, why };
    }
    if known.most < 2 {
        return one("One expert was asked for.".into());
    }
    if plan.abstained {
        return one("Nobody is trusted with it, and several of them know no more than one.".into());
    }
    if let Some(pair) = measured.pair(&first.name, &second.name, &plan.domain).filter(|pair| pair.n >= ENOUGH)
    {
        let found = figures(pair, first, second);
        if pair.difference < 0.0 {
            return one(format!("{found}: one is asked."));
        }
        if pair.low > 0.0 {
            return Composed {
                aggregate: Some(pair.aggregate),
                k: 2,
                why: format!("{found}: both are asked."),
            };
        }
    }
    let gap = able(first) - able(second);
    if gap > NEAR {
        let (ahead, behind) = (&first.title, &second.title);
        return one(format!(
            "{ahead} is {gap:.2} ahead of {behind}, more than {NEAR}: others would cost swaps and gain nothing."
        ));
    }
    let near = plan.experts.iter().filter(|other| able(first) - able(other) <= NEAR);
    let k = (near.clone().count() as u32).min(known.most);
    let names: Vec<&str> = near.clone().take(k as usize).map(|expert| expert.title.as_str()).collect();
    let are_near = format!("{} are within {NEAR} of each other", names.join(", "));
    if let Some(what) = exact(known) {
        let counted = |expert: &Candidate| {
            measured.accuracy(&expert.name, &plan.domain).filter(|(_, n)| *n >= ENOUGH).is_some()
        };
        let (aggregate, by) = match near.take(k as usize).all(counted) {
            true => (Aggregate::Weighted, "weighed by what was measured here"),
            false => (Aggregate::Voting, "counted"),
        };
        return Composed {
            aggregate: Some(aggregate),
            k,
            why: format!("{are_near} and {what}: answers are {by}."),
        };
    }
    let reads = |expert: &Candidate| reads(known.experts, &expert.name);
    if plan.experts.iter().take(k as usize).skip(1).any(reads) {
        let why = format!("{are_near} and the answer is a text: each makes the one before it better.");
        return Composed { aggregate: Some(Aggregate::Sequential), k, why };
    }
    one("The answer is a text, which cannot be counted, and no other expert near reads what was written."
        .into())
}

/// Why it is about two domains, each with an expert of its own.
fn spans(known: &Known) -> Option<String> {
    let Known { parts, reading, experts, .. } = known;
    let mut titles: Vec<&str> = parts.iter().map(|(_, title)| title.as_str()).collect();
    titles.sort_unstable();
    titles.dedup();
    if titles.len() > 1 {
        let count = parts.len();
        return Some(format!(
            "It asks {count} things, for {}: each expert is asked its own.",
            titles.join(" and ")
        ));
    }
    if parts.len() > 1 {
        return None;
    }
    // Nobody who could name its parts, or join them.
    if !experts.iter().any(|expert| expert.is_ready() && expert.manifest.reads == Reads::Conversation) {
        return None;
    }
    let [first, second, ..] = reading.domains.as_slice() else { return None };
    let own = |domain: &str| {
        let names = |expert: &&Expert| {
            expert.is_ready() && expert.manifest.domains.iter().any(|own| own.eq_ignore_ascii_case(domain))
        };
        experts.iter().find(names).map(|expert| &expert.manifest.name)
    };
    let (one, other) = (own(&first.domain)?, own(&second.domain)?);
    (second.probability >= SECOND && one != other).then(|| {
        format!(
            "It is about {} ({:.2}) and {} ({:.2}, at least {SECOND}), which have experts of their own.",
            first.domain, first.probability, second.domain, second.probability
        )
    })
}

/// What somebody is able to, wherever he sits.
fn able(expert: &Candidate) -> f32 {
    expert.score + expert.terms.swap
}

fn reads(experts: &[Expert], name: &str) -> bool {
    let expert = experts.iter().find(|expert| expert.manifest.name == name);
    expert.is_some_and(|expert| expert.manifest.reads == Reads::Conversation)
}

/// Why two answers to it can be compared to the letter.
fn exact(known: &Known) -> Option<String> {
    if extract::offers_choices(known.text) {
        return Some("the answer is a choice".into());
    }
    let domain = &known.reading.domain;
    if EXACT.contains(&domain.as_str()) {
        return Some(format!("answers of {domain} can be compared"));
    }
    let begins = known.text.trim_start().to_lowercase();
    SHORT.iter().any(|word| begins.starts_with(word)).then(|| "the answer is short".into())
}

fn figures(pair: &PairGain, first: &Candidate, second: &Candidate) -> String {
    format!(
        "{} and {} together, {}, were measured here at {:+.1} points ({:+.1} to {:+.1}, n = {}) over the better one",
        first.title,
        second.title,
        pair.aggregate.name(),
        pair.difference * 100.0,
        pair.low * 100.0,
        pair.high * 100.0,
        pair.n
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pool::{Manifest, Statistics};
    use crate::words::{DomainScore, Terms};

    fn expert(name: &str, reads: Reads) -> Expert {
        let mut manifest = Manifest::named(name);
        manifest.domains = vec![name.into()];
        manifest.reads = reads;
        let (file, statistics) = ("a.gguf".into(), Statistics::default());
        Expert { manifest, file, using: 0, statistics, starter: false, unavailable: None, retired: None }
    }

    fn candidate(name: &str, score: f32) -> Candidate {
        let terms = Terms { swap: 0.05, ..Terms::default() };
        Candidate { name: name.into(), title: name.into(), score, terms }
    }

    struct Case {
        text: &'static str,
        domains: [(&'static str, f32); 2],
        scores: [f32; 3],
        reads: Reads,
        measured: Measured,
        abstained: bool,
    }

    impl Default for Case {
        fn default() -> Case {
            Case {
                text: "What is 17 * 23?",
                domains: [("mathematics", 0.9), ("units", 0.1)],
                scores: [0.7, 0.6, 0.2],
                reads: Reads::Conversation,
                measured: Measured::default(),
                abstained: false,
            }
        }
    }

    fn composed(case: &Case, parts: &[(Part, String)]) -> Composed {
        let score = |(domain, probability): (&str, f32)| DomainScore { domain: domain.into(), probability };
        let names = ["mathematics", "units", "words"];
        let reading = Reading {
            domain: case.domains[0].0.into(),
            domains: case.domains.map(score).into(),
            ..Reading::default()
        };
        let plan = Plan {
            domain: reading.domain.clone(),
            experts: names.into_iter().zip(case.scores).map(|(name, score)| candidate(name, score)).collect(),
            abstained: case.abstained,
            ..Plan::default()
        };
        let experts = names.map(|name| expert(name, case.reads));
        let measured = &case.measured;
        compose(&Known {
            text: case.text,
            reading: &reading,
            plan: &plan,
            parts,
            experts: &experts,
            measured,
            most: 3,
        })
    }

    #[test]
    fn near_experts_of_an_exact_question_vote_and_are_weighed_once_measured() {
        let mut case = Case::default();
        let found = composed(&case, &[]);
        assert_eq!((found.aggregate, found.k), (Some(Aggregate::Voting), 2), "{}", found.why);
        case.measured.count("mathematics", "mathematics", 90, 100);
        assert_eq!(
            composed(&case, &[]).aggregate,
            Some(Aggregate::Voting),
            "of one of them nothing is known"
        );
        case.measured.count("units", "mathematics", 5, 20);
        assert_eq!(composed(&case, &[]).aggregate, Some(Aggregate::Weighted));
    }

    #[test]
    fn one_far_ahead_is_asked_alone_and_so_is_anybody_in_doubt() {
        let ahead = composed(&Case { scores: [0.7, 0.5, 0.2], ..Case::default() }, &[]);
        assert_eq!(ahead.aggregate, None);
        assert!(ahead.why.contains("0.20 ahead of units"), "{}", ahead.why);
        let doubt = Case { abstained: true, ..Case::default() };
        assert_eq!(composed(&doubt, &[]).aggregate, None);
    }

    #[test]
    fn two_domains_with_experts_of_their_own_are_asked_in_parts() {
        let case = Case { domains: [("mathematics", 0.6), ("units", 0.3)], ..Case::default() };
        assert_eq!(composed(&case, &[]).aggregate, Some(Aggregate::Hierarchical));
        let deaf = Case { reads: Reads::Question, ..case };
        assert_eq!(composed(&deaf, &[]).aggregate, Some(Aggregate::Voting), "nobody could name the parts");
        let part = |domain: &str| (Part { domain: domain.into(), ..Part::default() }, domain.to_owned());
        let written = composed(&deaf, &[part("mathematics"), part("units")]);
        assert_eq!(written.aggregate, Some(Aggregate::Hierarchical), "they stand in the text");
        let same = composed(&deaf, &[part("mathematics"), part("mathematics")]);
        assert_ne!(same.aggregate, Some(Aggregate::Hierarchical), "both would go to the same expert");
    }

    #[test]
    fn a_text_is_made_better_by_who_can_read_it() {
        let text = "Write a letter to my landlord about the heating.";
        let domains = [("writing", 0.9), ("law", 0.1)];
        let case = Case { text, domains, ..Case::default() };
        assert_eq!(composed(&case, &[]).aggregate, Some(Aggregate::Sequential));
        assert_eq!(composed(&Case { reads: Reads::Question, ..case }, &[]).aggregate, None);
        let choice = Case { text: "Which is law? A) a rule B) a star", domains, ..Case::default() };
        assert_eq!(composed(&choice, &[]).aggregate, Some(Aggregate::Voting));
    }

    #[test]
    fn a_pair_that_was_measured_decides() {
        let gain = |difference: f64, n: u32| {
            let mut measured = Measured::default();
            measured.pair_of(PairGain {
                pair: ["units".into(), "mathematics".into()],
                domain: "mathematics".into(),
                aggregate: Aggregate::Weighted,
                n,
                difference,
                low: difference - 0.01,
                high: difference + 0.01,
            });
            measured
        };
        let worse = composed(&Case { measured: gain(-0.02, 40), ..Case::default() }, &[]);
        assert!(worse.aggregate.is_none() && worse.why.contains("n = 40"), "{}", worse.why);
        let few = composed(&Case { measured: gain(-0.02, 19), ..Case::default() }, &[]);
        assert_eq!(few.aggregate, Some(Aggregate::Voting), "19 say nothing");
        let pays = Case { measured: gain(0.03, 40), scores: [0.9, 0.5, 0.2], ..Case::default() };
        assert_eq!(composed(&pays, &[]).aggregate, Some(Aggregate::Weighted), "also where one is ahead");
    }
}
