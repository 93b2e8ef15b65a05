//! Learn: what this answer teaches the archive. The conversation keeps every turn; recall keeps only what is
//! worth it.
//!
//! In:     the question and its finished answer with the trace
//! Out:    whether it may be recalled later, and why not
//! Fails:  never for the one who asked: an answer that cannot be stored says so in its trace
//! Cost:   one transaction, some milliseconds, after the text was shown; the index follows on a thread

mod judge;

pub use judge::{Stores, answered, is_another, rated};

use crate::archive::{Archive, not_worth_keeping, terms};
use crate::lessons::{Lessons, New, TaughtBy};
use crate::words::{Answer, Council, Finish, Learned, Question};
use std::time::Instant;

/// Stores the answer: the turn always, the past answer when it is worth keeping. Database first, then the
/// index. A regenerated answer takes the place of the one that it replaces, in the conversation and in recall.
pub fn learn(archive: &Archive, question: &Question, answer: &Answer) -> Learned {
    let started = Instant::now();
    if question.trial {
        let why_not = Some("it was asked to measure, and leaves no trace".to_owned());
        return Learned { stored: false, why_not, elapsed_ms: 0.0 };
    }
    let why_not = why_not(answer);
    let mut learned = Learned { stored: why_not.is_none(), why_not, elapsed_ms: 0.0 };
    // What is stored says itself what became of it.
    let mut stored = answer.clone();
    stored.trace.learn = learned.clone();
    if let Err(error) = archive.save_instead_of(&stored, learned.stored, question.replaces.as_deref()) {
        learned.stored = false;
        learned.why_not = Some(format!("it could not be stored: {error}"));
    }
    learned.elapsed_ms = started.elapsed().as_secs_f32() * 1e3;
    // A trace that lacks this one figure is no reason to fail.
    let _ = archive.note_learned(&answer.id, learned.elapsed_ms);
    learned
}

/// The answer that this question replaces, when it is the same question: read before the new answer takes its place.
pub fn asked_before(archive: &Archive, question: &Question) -> Option<Answer> {
    let before = archive.answers(&[question.replaces.clone()?]).ok()?.pop()?;
    (before.question.trim() == question.text.trim()).then_some(before)
}

/// The same question was asked of another expert by hand: that one is right for it, and the one before was not.
pub fn asked_again(lessons: &Lessons, before: &Answer, answer: &Answer) {
    if !is_another(before, answer) {
        return;
    }
    let before = before.expert.as_str();
    let (question, turn) = (answer.question.as_str(), Some(answer.id.as_str()));
    let new = |expert, right| New { question, expert, right, source: TaughtBy::Retry, turn };
    // A lesson that cannot be kept is no reason to fail an answer.
    let _ = lessons.add(&[new(&answer.expert, true), new(before, false)]);
}

/// Why later questions should not be shown this answer; `None` when they may.
pub fn why_not(answer: &Answer) -> Option<String> {
    if answer.stopped || answer.trace.generate.finish == Finish::Stopped {
        return Some("it was stopped before it was finished".into());
    }
    if answer.refused {
        return Some("the expert said that it cannot do this".into());
    }
    if answer.trace.generate.finish == Finish::Length {
        return Some(format!("it was cut off at {} tokens", answer.tokens));
    }
    let of_parts = |council: &&Council| council.drafts.iter().any(|draft| draft.part.is_some());
    if let Some(council) = answer.trace.council.as_deref().filter(of_parts) {
        if council.agreement < 1.0 {
            return Some("a part of it has no answer".into());
        }
        if council.drafts.iter().any(|draft| draft.generate.finish == Finish::Length) {
            return Some("a part of it was cut off".into());
        }
    }
    if terms(&answer.question).is_empty() {
        return Some("the question has no word to find it by".into());
    }
    not_worth_keeping(&answer.question, &answer.answer).map(str::to_owned)
}
