//! Reason: how one expert is asked.
//!
//! In:     the expert's manifest, the question, the context that fits
//! Out:    the request for the expert's process: messages, sampling, limits
//! Fails:  never
//! Cost:   none; the expert's work is the next step
//!
//! One way today: direct. The expert's own chat template, inside its file, turns the messages into text.

use crate::pool::Manifest;
use crate::words::{Context, Question};
use runtime::host::{Message, Prompt, Request, Role};
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};

/// Asks once and takes what comes: system prompt, earlier turns, then the question with its sources before it.
pub fn direct(manifest: &Manifest, question: &Question, context: &Context) -> Request {
    let mut messages = Vec::new();
    if let Some(prompt) = &manifest.system_prompt {
        messages.push(Message::new(Role::System, prompt.as_str()));
    }
    for turn in &context.earlier {
        messages.push(Message::new(Role::User, turn.question.as_str()));
        messages.push(Message::new(Role::Assistant, turn.answer.as_str()));
    }
    messages.push(Message::new(Role::User, with_sources(question, context)));

    let mut sampling = manifest.sampling.clone();
    if let Some(temperature) = question.temperature {
        sampling.temperature = temperature;
    }
    sampling.seed = question.seed.unwrap_or_else(fresh_seed);
    Request {
        prompt: Prompt::Messages(messages),
        max_tokens: question.max_tokens.unwrap_or(manifest.max_tokens),
        sampling,
        stop_strings: Vec::new(),
    }
}

/// The question as it was written; with sources, they stand before it, numbered as the window shows them.
fn with_sources(question: &Question, context: &Context) -> String {
    if context.passages.is_empty() {
        return question.text.clone();
    }
    let mut text = String::from("Earlier questions and their answers that may help:\n\n");
    for (at, passage) in context.passages.iter().enumerate() {
        text.push_str(&format!("[{}] {}\n\n", at + 1, passage.in_prompt()));
    }
    text.push_str("Now answer this question:\n\n");
    text.push_str(&question.text);
    text
}

/// A seed for one answer. The standard library keys each `RandomState` with the system's randomness.
fn fresh_seed() -> u64 {
    let mut hasher = RandomState::new().build_hasher();
    hasher.write_u64(0);
    hasher.finish()
}
