//! Report: what ran here, what it changed and what it cost.
//!
//! In:     the trace of each answer
//! Out:    the table of components, with those that never ran
//! Fails:  when the archive cannot be read; counting never fails an answer
//! Cost:   one small transaction an answer
//! Source: counters in the archive; nothing on the status page is typed in (requirement R6)

pub mod benchmark;
pub mod compare;
pub mod criteria;
pub mod dashboard;
pub mod everybody;
mod judge;
pub mod modes;
pub mod optimise;
pub mod page;
pub mod pipeline;
pub mod pruning;
pub mod questions;
pub mod table;
pub mod threshold;

pub use judge::is_right;

use crate::archive::{Archive, Counted};
use crate::pool::{Outcome, Pool};
use crate::words::{Answer, Council, Draft, Failure, Group, Question, Trace};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// One component's counters since this home was made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct ComponentStatus {
    pub component: String,
    /// Answers in which it ran; 0: it never ran here.
    #[ts(type = "number")]
    pub runs: u64,
    /// Answers that would have been others without it; `None` where that has no meaning.
    #[ts(type = "number | null")]
    pub changed_answer: Option<u64>,
    /// What is counted as a change.
    pub change_means: Option<String>,
    /// Its cost: time of one run. `None` until it ran.
    pub mean_ms: Option<f32>,
    pub total_ms: f32,
    /// Unix time in milliseconds.
    #[ts(type = "number | null")]
    pub last_run: Option<i64>,
}

/// A component's name and what is counted as a change that it makes.
const COMPONENTS: [(&str, Option<&str>); 10] = [
    ("read", None),
    ("retrieve", Some("a past answer was given to the expert")),
    ("route", Some("another expert than the generalist answered, and nobody chose it by hand")),
    ("seat", None),
    ("compress", Some("something that was recalled was left out")),
    ("generate", None),
    ("reason", Some("a strategy gave another answer than asking once")),
    (
        "aggregate",
        Some("a council gave another answer than the expert that the router would have asked alone"),
    ),
    ("learn", None),
    ("queue", Some("a load that the order of arrival would have cost was saved")),
];

/// One run of one component in one answer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Run {
    pub component: &'static str,
    pub elapsed_ms: f32,
    pub changed_answer: bool,
}

/// The rooms that a trace shows to have run. A room that was not reached, or was switched off, left its part empty.
pub fn runs(trace: &Trace, generalist: Option<&str>) -> Vec<Run> {
    let routed = !trace.route.by_hand && generalist.is_some_and(|name| name != trace.route.chosen);
    let learned = trace.learn.stored || trace.learn.why_not.is_some();
    let reasoned = trace.reason.as_ref();
    let council = trace.council.as_deref();
    let table = [
        (!trace.read.domains.is_empty(), trace.read.elapsed_ms, false),
        (trace.retrieve.asked, trace.retrieve.elapsed_ms, trace.compress.kept > 0),
        (!trace.route.experts.is_empty(), trace.route.elapsed_ms, routed),
        (!trace.seat.expert.is_empty(), trace.seat.elapsed_ms, false),
        (!trace.compress.reason.is_empty(), trace.compress.elapsed_ms, trace.compress.dropped > 0),
        (trace.generate.elapsed_ms > 0.0, trace.generate.elapsed_ms, false),
        (
            reasoned.is_some(),
            reasoned.map_or(0.0, |reasoned| reasoned.elapsed_ms),
            reasoned.is_some_and(|reasoned| reasoned.changed_answer),
        ),
        (
            council.is_some(),
            council.map_or(0.0, |council| council.elapsed_ms),
            council.is_some_and(|council| outvoted(council, &trace.route.chosen)),
        ),
        (learned, trace.learn.elapsed_ms, false),
    ];
    COMPONENTS
        .iter()
        .zip(table)
        .filter(|(_, (ran, _, _))| *ran)
        .map(|((component, _), (_, ms, changed))| Run { component, elapsed_ms: ms, changed_answer: changed })
        .collect()
}

/// What the router's expert says is not what the council says.
fn outvoted(council: &Council, alone: &str) -> bool {
    let says = |group: &Group| group.experts.iter().any(|expert| expert == alone);
    match council.groups.iter().position(says) {
        Some(place) => !council.groups[place].experts.contains(&council.speaker),
        None => council.speaker != alone,
    }
}

/// Counts the rooms of one answer. A counter that cannot be written costs a figure, not the answer.
fn count(archive: &Archive, pool: &Pool, trace: &Trace) {
    let experts = pool.experts();
    let generalist = experts.iter().find(|expert| expert.manifest.fallback).map(|e| e.manifest.name.as_str());
    for run in runs(trace, generalist) {
        let _ = archive.count_component(run.component, run.elapsed_ms, run.changed_answer);
    }
}

/// Counts an answer's rooms, and the answer into its expert's statistics. Stopped ones say nothing about the expert,
/// and a trial counts nowhere.
pub fn count_answer(archive: &Archive, pool: &Pool, question: &Question, answer: &Answer) {
    if question.trial {
        return;
    }
    count(archive, pool, &answer.trace);
    if answer.trace.stopped_in.is_some() {
        return;
    }
    if let Some(council) = &answer.trace.council {
        for draft in &council.drafts {
            let _ = pool.record(&draft.expert, of_draft(draft));
        }
        return;
    }
    let generate = &answer.trace.generate;
    let _ = pool.record(
        &answer.expert,
        Outcome {
            success: !answer.refused && !answer.answer.trim().is_empty(),
            latency_ms: answer.trace.total_ms,
            tokens: answer.tokens,
            first_token_ms: Some(generate.first_token_ms),
            tokens_per_s: Some(generate.tokens_per_s),
        },
    );
}

fn of_draft(draft: &Draft) -> Outcome {
    let said = draft.absent.is_none();
    Outcome {
        success: said && !draft.refused && !draft.answer.trim().is_empty(),
        latency_ms: draft.elapsed_ms,
        tokens: draft.generate.tokens,
        first_token_ms: said.then_some(draft.generate.first_token_ms),
        tokens_per_s: said.then_some(draft.generate.tokens_per_s),
    }
}

/// Counts the rooms of an answer that failed; one that failed after its expert was seated is a failure of that expert.
pub fn count_failure(archive: &Archive, pool: &Pool, question: &Question, trace: &Trace, total_ms: f32) {
    if question.trial {
        return;
    }
    count(archive, pool, trace);
    if trace.seat.expert.is_empty() {
        return;
    }
    let outcome =
        Outcome { success: false, latency_ms: total_ms, tokens: 0, first_token_ms: None, tokens_per_s: None };
    let _ = pool.record(&trace.seat.expert, outcome);
}

/// The table of components, in the order of the path.
pub fn status(archive: &Archive) -> Result<Vec<ComponentStatus>, Failure> {
    Ok(table(&archive.components()?))
}

fn table(counted: &[Counted]) -> Vec<ComponentStatus> {
    COMPONENTS
        .iter()
        .map(|(component, change_means)| {
            let found = counted.iter().find(|counted| counted.component == *component);
            let runs = found.map_or(0, |found| found.runs);
            let total_ms = found.map_or(0.0, |found| found.total_ms as f32);
            ComponentStatus {
                component: (*component).to_owned(),
                runs,
                changed_answer: change_means.map(|_| found.map_or(0, |found| found.changed_answer)),
                change_means: change_means.map(str::to_owned),
                mean_ms: (runs > 0).then(|| total_ms / runs as f32),
                total_ms,
                last_run: found.map(|found| found.last_run),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::{Candidate, Compressed, DomainScore, Plan, Recalled};

    fn routed_to(expert: &str) -> Trace {
        Trace {
            route: Plan { chosen: expert.into(), experts: vec![Candidate::default()], ..Plan::default() },
            ..Trace::default()
        }
    }

    #[test]
    fn a_component_that_never_ran_is_in_the_table_and_says_so() {
        let table = table(&[]);
        assert_eq!(table.len(), 10);
        assert!(table.iter().all(|row| row.runs == 0 && row.mean_ms.is_none() && row.last_run.is_none()));
        assert_eq!(table[1].changed_answer, Some(0));
        assert_eq!(table[3].changed_answer, None, "who sits there is not a change of the answer");
    }

    #[test]
    fn a_room_that_was_not_reached_is_not_counted() {
        let read = crate::words::Reading { domains: vec![DomainScore::default()], ..Default::default() };
        let trace = Trace { read, ..Trace::default() };
        assert_eq!(runs(&trace, None).iter().map(|run| run.component).collect::<Vec<_>>(), ["read"]);
    }

    #[test]
    fn routing_changed_the_answer_when_the_generalist_would_have_given_it() {
        let changed = |trace: &Trace| runs(trace, Some("generalist"))[0].changed_answer;
        assert!(changed(&routed_to("units")));
        assert!(!changed(&routed_to("generalist")));
        let mut by_hand = routed_to("units");
        by_hand.route.by_hand = true;
        assert!(!changed(&by_hand), "that was the user");
    }

    #[test]
    fn recall_that_the_expert_was_not_given_changed_nothing() {
        let mut trace =
            Trace { retrieve: Recalled { asked: true, ..Recalled::default() }, ..Trace::default() };
        assert!(!runs(&trace, None)[0].changed_answer);
        trace.compress = Compressed { kept: 1, dropped: 2, reason: "fits".into(), ..Compressed::default() };
        assert!(runs(&trace, None).iter().all(|run| run.changed_answer));
    }
}
