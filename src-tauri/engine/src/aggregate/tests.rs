//! Councils whose drafts are written by hand.

use super::*;
use crate::words::{Failure, Weight};

fn draft(expert: &str, answer: &str, weight: f32) -> Draft {
    Draft {
        expert: expert.into(),
        title: expert.into(),
        answer: answer.into(),
        weight: Weight { weight, route: weight, ..Weight::default() },
        ..Draft::default()
    }
}

const QUESTION: &str = "What is 17 * 23?";

#[test]
fn most_votes_win_however_they_are_written() {
    let drafts = [
        draft("a", "17 * 23 = 390", 0.9),
        draft("b", "17 * 20 = 340\n340 + 51 = 391", 0.3),
        draft("c", "The answer is **391**.", 0.4),
    ];
    let decision = decide(QUESTION, Aggregate::Voting, &drafts);
    assert_eq!((decision.speaker, decision.groups[0].says.as_str()), (2, "391"));
    assert!((decision.agreement - 2.0 / 3.0).abs() < 1e-6);
    assert_eq!(decision.groups.len(), 2, "the other answer is a conflict that is shown");
    let weighted = decide(QUESTION, Aggregate::Weighted, &drafts);
    assert_eq!((weighted.speaker, weighted.groups[0].says.as_str()), (0, "390"));
    assert!((weighted.agreement - 0.9 / 1.6).abs() < 1e-6);
}

#[test]
fn a_tie_goes_by_weight_and_a_refusal_has_no_vote() {
    let mut drafts = vec![draft("a", "391", 0.2), draft("b", "390", 0.5), draft("c", "391", 0.9)];
    drafts[2].refused = true;
    let decision = decide(QUESTION, Aggregate::Voting, &drafts);
    assert_eq!(decision.speaker, 1);
    assert!(decision.outcome.contains("tie"), "{}", decision.outcome);
    drafts[1].absent = Some(Failure { code: "x".into(), message: "m".into(), fix: "f".into(), detail: None });
    assert_eq!(decide(QUESTION, Aggregate::Voting, &drafts).speaker, 0);
    drafts[0].refused = true;
    let nobody = decide(QUESTION, Aggregate::Voting, &drafts);
    assert_eq!((nobody.speaker, nobody.groups.len()), (0, 0), "who is there says that he cannot");
}

#[test]
fn a_number_without_its_unit_joins_those_with_it() {
    let drafts = [draft("a", "5000", 0.1), draft("b", "5000 m", 0.1), draft("c", "5 km is 5 km", 0.1)];
    let decision = decide("How many metres are 5 km?", Aggregate::Voting, &drafts);
    assert_eq!((decision.groups[0].votes, decision.groups.len()), (3, 1), "{:?}", decision.groups);
}

#[test]
fn in_a_chain_the_last_word_is_with_who_saw_the_word_before() {
    let mut drafts = vec![draft("a", "390", 0.9), draft("b", "391", 0.5), draft("c", "392", 0.1)];
    assert_eq!(last_of_chain(QUESTION, &drafts).speaker, 0, "nobody saw anything: the router's best stands");
    drafts[1].shown_answer = true;
    let decision = last_of_chain(QUESTION, &drafts);
    assert_eq!(decision.speaker, 1);
    assert!(decision.outcome.contains("1 improvement"), "{}", decision.outcome);
    drafts[2].shown_answer = true;
    drafts[2].refused = true;
    assert_eq!(last_of_chain(QUESTION, &drafts).speaker, 1, "a refusal is no improvement");
}

#[test]
fn a_number_that_nobody_gave_is_an_invention() {
    let drafts = [draft("a", "17 * 23 = 391", 0.9), draft("b", "390", 0.5)];
    assert_eq!(invented(QUESTION, &drafts, "1. Both are near.\n2. It is 391."), None);
    assert_eq!(invented(QUESTION, &drafts, "It is 391, or about 400.").as_deref(), Some("400"));
    assert_eq!(invented(QUESTION, &drafts, "17 times 23 is 391.0"), None);
}
