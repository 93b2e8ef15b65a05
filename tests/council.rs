//! Council: several experts, one at the lectern at a time, one answer. Over toy experts whose words are known before they
//! say them, and over the starters.

// A helper that cannot go on fails its test.
#![allow(clippy::unwrap_used)]

#[allow(dead_code)]
#[path = "support/toy.rs"]
mod toy;
#[allow(dead_code)]
#[path = "support/toys.rs"]
mod toys;

use engine::events::{AnswerEvent, Seat};
use engine::words::{Aggregate, Answer, Council, Question, Stage};
use serde_json::Value;
use std::process::{Command, Output};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use toy::Toy;
use toys::Toys;

const RIGHT: &[&str] = &["the", "answer", "is", "42"];
const SHORT: &[&str] = &["42"];
const WRONG: &[&str] = &["it", "is", "41"];
const FOR_EVER: Toy =
    Toy { says: &["on", "and"], for_ever: true, layers: 4, feed_forward: 512, context: 16_384 };

fn says<'t>(says: &'t [&'t str]) -> Toy<'t> {
    Toy { says, ..Toy::default() }
}

fn three() -> Toys {
    Toys::with(&[("alpha", says(RIGHT)), ("beta", says(WRONG)), ("gamma", says(SHORT))])
}

fn asked(text: &str, k: u32, aggregate: Aggregate) -> Question {
    Question {
        top_k: Some(k),
        aggregate: Some(aggregate),
        recall: false,
        excluding: starters(),
        ..Question::new(text)
    }
}

/// The toys are among themselves.
fn starters() -> Vec<String> {
    engine::pool::shipped().iter().map(|starter| starter.name.to_owned()).collect()
}

fn council(answer: &Answer) -> &Council {
    answer.trace.council.as_deref().expect("several were asked")
}

fn experts(council: &Council) -> Vec<&str> {
    council.drafts.iter().map(|draft| draft.expert.as_str()).collect()
}

#[test]
fn experts_take_the_lectern_in_turn_and_what_most_say_is_the_answer() {
    let toys = three();
    toys.ask("beta: sit down").unwrap();
    let (mut most, mut called) = (0, Vec::new());
    let answer = toys
        .listen(asked("alpha: what is it?", 3, Aggregate::Voting), &mut |event| match event {
            AnswerEvent::Called(place) => called.push((place.expert, place.at, place.of)),
            #[cfg(target_os = "linux")]
            AnswerEvent::Text { .. } => most = most.max(toys::hosts_under(toys.folder.path()).len()),
            _ => {}
        })
        .unwrap();
    let council = council(&answer);
    assert_eq!(experts(council)[0], "beta", "who is seated begins: {}", council.why);
    assert_eq!(called.iter().map(|(_, at, of)| (*at, *of)).collect::<Vec<_>>(), [(1, 3), (2, 3), (3, 3)]);
    if cfg!(target_os = "linux") {
        assert_eq!(most, 1, "one expert is in memory at any time");
    }
    assert_eq!((council.groups[0].says.as_str(), council.groups[0].votes), ("42", 2));
    assert_eq!(
        (council.groups[1].says.as_str(), &council.groups[1].experts),
        ("41", &vec!["beta".to_owned()])
    );
    assert!((council.agreement - 2.0 / 3.0).abs() < 1e-6);
    assert_eq!((council.loads, council.swaps), (2, 2), "the seated one cost nothing");
    // alpha is the router's own: of those who say 42 its word has more weight.
    assert_eq!((answer.expert.as_str(), answer.answer.trim()), ("alpha", "the answer is 42"));
    let tokens: u32 = council.drafts.iter().map(|draft| draft.generate.tokens).sum();
    assert_eq!((answer.tokens, tokens), (council.tokens, 4 + 3 + 1));
    for draft in &council.drafts {
        let weight = &draft.weight;
        assert!((weight.weight - weight.accuracy * weight.route).abs() < 1e-6, "{weight:?}");
        assert!(draft.confidence > 0.0 && !draft.says.is_empty());
    }
    // The trace is kept with the answer.
    let kept = toys.engine.archive().conversation(&answer.conversation).unwrap();
    assert_eq!(experts(self::council(&kept[0])), experts(council));
    let runs = toys.engine.status().unwrap();
    assert_eq!(runs.iter().find(|row| row.component == "aggregate").unwrap().runs, 1);
    assert_eq!(
        toys.engine.pool().get("gamma").unwrap().statistics.answers,
        1,
        "each answer counts for who gave it"
    );
}

#[test]
fn how_many_are_asked_follows_from_the_question_when_nobody_says() {
    let toys = three();
    let question = Question { aggregate: Some(Aggregate::Weighted), ..Question::new("alpha: what is it?") };
    let answer = toys.listen(question, &mut |_| {}).unwrap();
    assert_eq!((council(&answer).k, council(&answer).drafts.len()), (3, 3));
    assert!(council(&answer).why.contains("complexity"), "{}", council(&answer).why);
    let one = toys.listen(asked("alpha: what is it?", 1, Aggregate::Voting), &mut |_| {}).unwrap();
    assert_eq!(experts(council(&one)), ["alpha"]);
}

#[cfg(unix)]
#[test]
fn an_expert_that_crashes_is_absent_and_the_others_answer() {
    let toys = Toys::with(&[("alpha", FOR_EVER), ("beta", says(SHORT))]);
    let mut killed = false;
    let question = Question { max_tokens: Some(16_000), ..asked("alpha: what is it?", 2, Aggregate::Voting) };
    let answer = toys
        .listen(question, &mut |event| {
            let Seat::Taken { expert, pid, .. } = toys.engine.seat().0 else { return };
            if matches!(event, AnswerEvent::Text { .. }) && expert == "alpha" && !killed {
                toys::kill(pid);
                killed = true;
            }
        })
        .unwrap();
    let alpha = council(&answer).drafts.iter().find(|draft| draft.expert == "alpha").unwrap();
    assert_eq!(alpha.absent.as_ref().map(|failure| failure.code.as_str()), Some("expert_crashed"));
    assert!(alpha.answer.is_empty(), "half an answer of one that crashed has no vote");
    assert_eq!((answer.expert.as_str(), answer.answer.trim()), ("beta", "42"));
    toys.ask("beta: again").unwrap();
}

#[test]
fn an_expert_without_memory_is_absent_and_a_council_of_nobody_is_a_clear_error() {
    let large = Toy { layers: 6, feed_forward: 3072, context: 256, ..says(WRONG) };
    let small = Toy { context: 256, ..says(SHORT) };
    let toys = Toys::with_budget(&[("alpha", large), ("beta", small)], Some(30_000_000));
    let answer = toys.listen(asked("alpha: what is it?", 2, Aggregate::Voting), &mut |_| {}).unwrap();
    let alpha = council(&answer).drafts.iter().find(|draft| draft.expert == "alpha").unwrap();
    assert_eq!(alpha.absent.as_ref().map(|failure| failure.code.as_str()), Some("expert_too_large"));
    assert_eq!(answer.expert, "beta");

    let failure = toys.listen(asked("alpha: what is it?", 1, Aggregate::Voting), &mut |_| {}).unwrap_err();
    assert_eq!(failure.code, "council_absent");
    assert!(failure.detail.is_some_and(|detail| detail.contains("alpha")), "it names who is absent, and why");
}

#[test]
fn a_stop_between_experts_keeps_what_was_said() {
    let toys = three();
    let stop = Arc::new(AtomicBool::new(false));
    let answer = toys
        .engine
        .ask(asked("alpha: what is it?", 3, Aggregate::Voting), Arc::clone(&stop), &mut |event| {
            if let AnswerEvent::Drafted(_) = event {
                stop.store(true, Ordering::Relaxed);
            }
        })
        .unwrap();
    assert!(answer.stopped && answer.trace.stopped_in == Some(Stage::Seat));
    assert_eq!((council(&answer).drafts.len(), answer.answer.trim()), (1, "the answer is 42"));
    assert!(!answer.trace.learn.stored);
}

#[test]
fn in_a_chain_each_reads_the_answer_before_it() {
    let toys = three();
    let answer = toys.listen(asked("alpha: what is it?", 3, Aggregate::Sequential), &mut |_| {}).unwrap();
    let council = council(&answer);
    assert!(!council.drafts[0].shown_answer);
    assert!(council.drafts[1..].iter().all(|draft| draft.shown_answer));
    let prompts: Vec<u32> = council.drafts.iter().map(|draft| draft.generate.prompt_tokens).collect();
    assert!(prompts[1] > prompts[0] + 20 && prompts[2] > prompts[0] + 20, "{prompts:?}");
    assert_eq!(answer.expert, experts(council)[2], "the last one has the last word: {}", council.outcome);
    assert!(council.outcome.contains("2 improvements"), "{}", council.outcome);
}

#[test]
fn an_ensembles_answer_may_use_no_number_that_nobody_gave() {
    let toys =
        Toys::with(&[("alpha", says(RIGHT)), ("beta", says(SHORT)), ("gamma", says(&["together", "42"]))]);
    let by = |synthesis: &str| Question {
        synthesis: Some(synthesis.into()),
        ..asked("alpha: what is it?", 2, Aggregate::Ensemble)
    };
    let answer = toys.listen(by("gamma"), &mut |_| {}).unwrap();
    assert_eq!((answer.expert.as_str(), answer.answer.trim()), ("gamma", "together 42"));
    assert!(council(&answer).fell_back.is_none());
    assert_eq!(council(&answer).drafts.len(), 2, "who writes the answer had no draft");

    let toys = Toys::with(&[("alpha", says(RIGHT)), ("beta", says(SHORT)), ("gamma", says(WRONG))]);
    let answer = toys.listen(by("gamma"), &mut |_| {}).unwrap();
    assert_eq!((answer.expert.as_str(), answer.answer.trim()), ("alpha", "the answer is 42"));
    let why = council(&answer).fell_back.clone().unwrap();
    assert!(why.contains("41") && why.contains("voted instead"), "{why}");
    assert_eq!(
        council(&answer).synthesis.as_ref().unwrap().answer.trim(),
        "it is 41",
        "what it wrote is kept"
    );
    let nobody = toys.listen(by("delta"), &mut |_| {}).unwrap_err();
    assert_eq!(nobody.code, "unknown_expert", "{nobody:?}");
}

fn lectern(home: &std::path::Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_lectern"))
        .args(arguments)
        .args(["--json", "--threads", "1"])
        .env("LECTERN_HOME", home)
        .output()
        .unwrap()
}

#[test]
fn a_council_of_the_starters_lets_those_who_cannot_answer_say_so() {
    if engine::pool::gate().is_none() || engine::pool::shipped().len() < 5 {
        eprintln!("skipped: this build does not carry all five starters and the gate (cargo xtask train)");
        return;
    }
    let home = tempfile::tempdir().unwrap();
    let output = lectern(home.path(), &["ask", "What is 384 + 97?", "--top-k", "5", "--aggregate", "voting"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    let council = &answer["trace"]["council"];
    assert_eq!(council["drafts"].as_array().map(Vec::len), Some(5));
    assert_eq!(council["groups"][0]["says"], "481", "{council}");
    assert!(answer["answer"].as_str().unwrap().contains("481"));
    let refused =
        council["drafts"].as_array().unwrap().iter().filter(|draft| draft["refused"] == true).count();
    assert!(refused >= 2, "words, units and code have no vote on a sum: {council}");

    let ensemble =
        lectern(home.path(), &["ask", "What is 384 + 97?", "--top-k", "5", "--aggregate", "ensemble"]);
    let answer: Value = serde_json::from_slice(&ensemble.stdout).unwrap();
    let why = answer["trace"]["council"]["fell_back"].as_str().unwrap_or_default().to_owned();
    assert!(
        why.contains("reads single questions"),
        "the generalist that ships cannot read answers, and says so: {why}"
    );
}
