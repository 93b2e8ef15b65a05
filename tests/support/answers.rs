//! A home in a temporary folder, and answers to put into its archive.

// Each journey uses a part of this; a helper that cannot go on fails its test.
#![allow(dead_code, clippy::unwrap_used)]

use engine::archive::{Archive, NewEntry};
use engine::home::Home;
use engine::learn::learn;
use engine::retrieve::past_answers;
use engine::words::{Answer, Question};

pub struct Place {
    _folder: tempfile::TempDir,
    pub home: Home,
}

pub fn place() -> Place {
    let folder = tempfile::tempdir().unwrap();
    let home = Home::at(folder.path().join("home"));
    Place { _folder: folder, home }
}

pub fn answer(id: &str, conversation: &str, question: &str, text: &str, created: i64) -> Answer {
    Answer {
        id: id.into(),
        conversation: conversation.into(),
        question: question.into(),
        answer: text.into(),
        expert: "arithmetic".into(),
        tokens: 3,
        created,
        ..Answer::default()
    }
}

pub fn entry(question: &str, answer: &str) -> NewEntry {
    NewEntry { question: question.into(), answer: answer.into(), ..NewEntry::default() }
}

pub fn keep(archive: &Archive, answer: &Answer) {
    let learned = learn(archive, &Question::new(&answer.question), answer);
    assert!(learned.stored, "{:?} was not kept: {:?}", answer.question, learned.why_not);
}

pub fn recalled(archive: &Archive, question: &str) -> Vec<String> {
    past_answers(archive, &Question::new(question))
        .unwrap()
        .passages
        .into_iter()
        .map(|passage| passage.id)
        .collect()
}
