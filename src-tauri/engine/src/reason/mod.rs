//! Reason: how one expert is asked.
//!
//! In:     the expert's manifest, the question, the context that fits; for a [`strategy`], the seated expert's voice
//! Out:    the request for the expert's process (messages, sampling, limits); of a strategy, the answer and its steps
//! Fails:  only where the expert's process does
//! Cost:   none; the expert's work is the next step
//!
//! The expert's own chat template, inside its file, turns the messages into text.

pub mod strategy;

use crate::pool::{Manifest, Reads};
use crate::words::{Context, Question};
use runtime::host::{Message, Request, Role};
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};

/// Asks once and takes what comes: system prompt, earlier turns, then the question with what the playbook says and its
/// sources before it.
pub fn direct(manifest: &Manifest, question: &Question, context: &Context) -> Request {
    let mut messages = Vec::new();
    if let Some(prompt) = &manifest.system_prompt {
        messages.push(Message::new(Role::System, prompt.as_str()));
    }
    for turn in &context.earlier {
        messages.push(Message::new(Role::User, turn.question.as_str()));
        messages.push(Message::new(Role::Assistant, turn.answer.as_str()));
    }
    messages.push(Message::new(Role::User, context.advice.clone() + &with_sources(question, context)));

    let mut sampling = manifest.sampling.clone();
    if let Some(temperature) = question.temperature {
        sampling.temperature = temperature;
    }
    sampling.seed = question.seed.unwrap_or_else(fresh_seed);
    let max_tokens = question.max_tokens.unwrap_or(manifest.max_tokens);
    Request { sampling, ..Request::chat(messages, max_tokens) }
}

/// The same question with an answer to make better; `None`: this expert reads single questions and would not see it.
pub fn improving(
    manifest: &Manifest,
    question: &Question,
    context: &Context,
    answer: &str,
) -> Option<Request> {
    let told = format!(
        "{}\n\nAnother expert answered this:\n\n{}\n\nCorrect what is wrong in it and give the whole answer. If nothing \
         is wrong, repeat it.",
        question.text,
        answer.trim()
    );
    with_text(manifest, question, context, told)
}

/// The question with the answers of several experts, to be made one; `None`: this expert would not see them.
/// `drafts`: title and answer.
pub fn joining(
    manifest: &Manifest,
    question: &Question,
    context: &Context,
    drafts: &[(&str, &str)],
) -> Option<Request> {
    let mut told = format!("{}\n\nThese experts answered:\n\n", question.text);
    for (title, answer) in drafts {
        told.push_str(&format!("{title}:\n{}\n\n", answer.trim()));
    }
    told.push_str("Write the one answer that these support best. Use no number that none of them gives.");
    with_text(manifest, question, &beside(context), told)
}

/// The question with the answers to its parts, to be made one; `None`: this expert would not see them. `parts`: what was
/// asked, and the answer.
pub fn assembling(
    manifest: &Manifest,
    question: &Question,
    context: &Context,
    parts: &[(&str, &str)],
) -> Option<Request> {
    let mut told = format!("{}\n\nIts parts were asked one by one:\n\n", question.text);
    for (part, answer) in parts {
        told.push_str(&format!("{part}\n{}\n\n", answer.trim()));
    }
    told.push_str("With these, answer the whole question. Keep what they say, and leave none of them out.");
    with_text(manifest, question, &beside(context), told)
}

/// The question is not to be answered: what is in it that can be asked on its own is to be listed. `None`: this expert
/// would answer it.
pub fn listing(manifest: &Manifest, question: &Question, context: &Context) -> Option<Request> {
    let told = strategy::listing(&question.text, "the questions in it that can each be answered alone");
    with_text(manifest, question, context, told)
}

/// What the playbook says, without sources and earlier turns: those have gone into what is joined.
fn beside(context: &Context) -> Context {
    Context { advice: context.advice.clone(), ..Context::default() }
}

fn with_text(manifest: &Manifest, question: &Question, context: &Context, text: String) -> Option<Request> {
    let reads = manifest.reads == Reads::Conversation;
    reads.then(|| direct(manifest, &Question { text, ..question.clone() }, context))
}

/// The question as it was written; with sources, they stand before it, numbered as the window shows them.
fn with_sources(question: &Question, context: &Context) -> String {
    if context.passages.is_empty() {
        return question.text.clone();
    }
    let cites = context.passages.iter().any(|passage| passage.document.is_some());
    let mut text = String::from(if cites {
        "Sources that may help. Where you use one, name it by its number, as in [1]:\n\n"
    } else {
        "Earlier questions and their answers that may help:\n\n"
    });
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::{Exchange, Passage};
    use runtime::host::Prompt;

    fn contents(request: &Request) -> Vec<(Role, &str)> {
        match &request.prompt {
            Prompt::Messages(messages) => messages.iter().map(|m| (m.role, m.content.as_str())).collect(),
            Prompt::Raw(_) => panic!("an expert is asked in messages"),
        }
    }

    #[test]
    fn without_context_the_question_goes_in_as_it_was_written() {
        let question = Question::new("  What is 2 + 2? ");
        let request = direct(&Manifest::named("words"), &question, &Context::default());
        assert_eq!(contents(&request), [(Role::User, "  What is 2 + 2? ")]);
    }

    #[test]
    fn system_prompt_then_turns_then_sources_then_the_question() {
        let mut manifest = Manifest::named("words");
        manifest.system_prompt = Some("Be brief.".into());
        let passage = Passage { question: "Who?".into(), answer: "Anna.".into(), ..Passage::default() };
        let context = Context {
            question: None,
            passages: vec![passage],
            earlier: vec![Exchange { question: "Hi".into(), answer: "Hello".into() }],
            advice: "Rules:\n- Be exact.\n\n".into(),
        };
        let request = direct(&manifest, &Question::new("And now?"), &context);
        let said = contents(&request);
        assert_eq!(said[..3], [(Role::System, "Be brief."), (Role::User, "Hi"), (Role::Assistant, "Hello")]);
        let last = said[3].1;
        assert!(last.starts_with("Rules:\n- Be exact.\n\n"), "{last}");
        assert!(last.contains("[1] Question: Who?") && last.ends_with("And now?"), "{last}");
    }

    #[test]
    fn what_the_question_says_goes_before_what_the_manifest_says() {
        let mut manifest = Manifest::named("words");
        manifest.sampling.temperature = 0.7;
        manifest.max_tokens = 100;
        let plain = direct(&manifest, &Question::new("x"), &Context::default());
        assert_eq!((plain.sampling.temperature, plain.max_tokens), (0.7, 100));
        let question =
            Question { temperature: Some(0.0), max_tokens: Some(5), seed: Some(9), ..Question::new("x") };
        let chosen = direct(&manifest, &question, &Context::default());
        assert_eq!((chosen.sampling.temperature, chosen.max_tokens, chosen.sampling.seed), (0.0, 5, 9));
    }
}
