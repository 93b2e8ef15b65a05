//! Asking: one question with one prompt along the one path, judged and counted; an expert that reads what went wrong and
//! writes a better prompt; and the history, written as it comes.

use super::dice::Dice;
use super::edits::{self, Hints, Missed, Proposal};
use super::evolve::{Reflected, Rollout, World};
use super::{Ended, Far, Task};
use crate::Engine;
use crate::prompts::Tried;
use crate::report::benchmark::Sample;
use crate::words::{Failure, Prompt, Question, Shot};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

/// A prompt that somebody wrote may have so many characters.
const WRITTEN: usize = 2_000;
/// What went wrong is shown to whoever writes a prompt, so much of it.
const SHOWN: usize = 4;

/// Questions asked one after the other, with what a search must know of them.
pub(super) struct Asking<'a> {
    pub(super) engine: &'a Engine,
    pub(super) task: &'a Task,
    pub(super) hints: Hints,
    /// How each question is asked.
    pub(super) like: Question,
    pub(super) reflector: Option<String>,
    pub(super) stop: &'a Arc<AtomicBool>,
    pub(super) until: Option<Instant>,
    pub(super) tokens_left: u64,
    pub(super) tokens: u64,
    /// Why it had to end.
    pub(super) cut: Option<Ended>,
    pub(super) domains: BTreeSet<String>,
    pub(super) run: i64,
    pub(super) of: usize,
    /// Asked before what is counted now.
    pub(super) before: usize,
    pub(super) judging: bool,
    /// The numbers of the prompts in the history, by place; and what stands there of each.
    pub(super) numbers: Vec<i64>,
    pub(super) kept: Vec<Tried>,
    pub(super) on: &'a mut dyn FnMut(Far) -> Result<(), Failure>,
}

impl Asking<'_> {
    /// `None`: it was stopped, or something is used up.
    fn sample(&mut self, prompt: &Prompt, place: usize) -> Result<Option<Sample>, Failure> {
        if self.must_end() {
            return Ok(None);
        }
        let case = &self.task.cases[place];
        let asked = Question {
            text: case.asked.question.clone(),
            without: case.asked.without.clone(),
            prompt: Some(prompt.clone()),
            ..self.like.clone()
        };
        let sample = Sample {
            place: place + 1,
            id: case.asked.id.clone(),
            question: case.asked.question.clone(),
            expected: case.asked.expected.clone(),
            ..Sample::default()
        };
        let ask = || self.engine.ask(asked.clone(), Arc::clone(self.stop), &mut |_| {});
        // What went wrong once for another reason than the prompt does not count against it.
        let answered = ask().or_else(|failure| if is_too_long(&failure) { Err(failure) } else { ask() });
        let sample = match answered {
            Ok(answer) if answer.stopped => {
                self.cut = Some(Ended::Stopped);
                return Ok(None);
            }
            Ok(answer) => {
                let right = case.is_right(&self.task.signature, &answer.answer);
                Sample { right: Some(right), ..sample.answered(&answer) }
            }
            // An expert that cannot be asked cannot be asked any better.
            Err(failure) if !is_too_long(&failure) => return Err(failure),
            Err(failure) => sample.failed(failure),
        };
        self.count(u64::from(sample.prompt_tokens) + u64::from(sample.tokens));
        if !sample.domain.is_empty() {
            self.domains.insert(sample.domain.clone());
        }
        Ok(Some(sample))
    }

    fn count(&mut self, tokens: u64) {
        self.tokens += tokens;
        self.tokens_left = self.tokens_left.saturating_sub(tokens);
    }

    fn must_end(&mut self) -> bool {
        if self.stop.load(Ordering::Relaxed) {
            self.cut = Some(Ended::Stopped);
        } else if self.tokens_left == 0 {
            self.cut = Some(Ended::Tokens);
        } else if self.until.is_some_and(|until| Instant::now() >= until) {
            self.cut = Some(Ended::Time);
        }
        self.cut.is_some()
    }

    /// These questions with this prompt; fewer when it had to end.
    pub(super) fn judge(&mut self, prompt: &Prompt, places: &[usize]) -> Result<Vec<Sample>, Failure> {
        let mut list = Vec::with_capacity(places.len());
        for place in places {
            let Some(sample) = self.sample(prompt, *place)? else { break };
            list.push(sample);
            self.before += 1;
            self.told(0, None)?;
        }
        Ok(list)
    }

    /// What is new in the list goes into the history.
    pub(super) fn save(&mut self, tried: &[Tried]) -> Result<(), Failure> {
        let prompts = self.engine.prompts();
        for one in tried {
            match self.numbers.get(one.place) {
                None => {
                    self.numbers.push(prompts.keep(self.run, one)?);
                    self.kept.push(one.clone());
                }
                Some(number) if self.kept[one.place] != *one => {
                    prompts.judge(*number, one)?;
                    self.kept[one.place] = one.clone();
                }
                Some(_) => {}
            }
        }
        Ok(())
    }
}

impl World for Asking<'_> {
    fn ask(&mut self, prompt: &Prompt, place: usize) -> Result<Option<Rollout>, Failure> {
        let sample = self.sample(prompt, place)?;
        Ok(sample.map(|sample| Rollout {
            right: sample.right == Some(true),
            answer: sample.answer,
            prompt_tokens: sample.prompt_tokens,
        }))
    }

    fn question(&self, place: usize) -> (&str, &str) {
        let asked = &self.task.cases[place].asked;
        (&asked.question, asked.expected.as_deref().unwrap_or_default())
    }

    fn edits(
        &mut self,
        parent: &Prompt,
        missed: &[Missed],
        right: &[Shot],
        dice: &mut Dice,
    ) -> Vec<Proposal> {
        edits::edits(parent, &self.hints, missed, right, dice)
    }

    fn reflect(&mut self, parent: &Prompt, missed: &[Missed]) -> Result<Option<Reflected>, Failure> {
        let Some(expert) = self.reflector.clone() else { return Ok(None) };
        let system = parent.system.clone().or_else(|| self.hints.system.clone()).unwrap_or_default();
        let question = Question {
            text: reflection(&system, missed),
            expert: Some(expert.clone()),
            prompt: Some(Prompt::default()),
            ..self.like.clone()
        };
        // Whoever cannot write now leaves it to plain edits.
        let proposal = match self.engine.ask(question, Arc::clone(self.stop), &mut |_| {}) {
            Ok(answer) if !answer.stopped && !answer.refused => {
                self.count(u64::from(answer.trace.generate.prompt_tokens) + u64::from(answer.tokens));
                written(&answer.answer, missed).map(|system| Proposal {
                    prompt: Prompt { system: Some(system), ..parent.clone() },
                    change: "written anew from what went wrong".into(),
                })
            }
            _ => None,
        };
        Ok(Some(Reflected { expert, proposal }))
    }

    fn told(&mut self, spent: usize, tried: Option<&[Tried]>) -> Result<(), Failure> {
        if let Some(tried) = tried {
            self.save(tried)?;
        }
        let (run, of, judging) = (self.run, self.of, self.judging);
        (self.on)(Far { run, spent: self.before + spent, of, judging, tried: tried.map(<[Tried]>::to_vec) })
    }
}

fn is_too_long(failure: &Failure) -> bool {
    failure.code == "question_too_long"
}

/// What an expert is asked who is to write a better prompt.
fn reflection(system: &str, missed: &[Missed]) -> String {
    let system = if system.trim().is_empty() { "(none)" } else { system.trim() };
    let mut text = format!(
        "An assistant answers questions. These are its instructions:\n\n{system}\n\nIt went wrong here:\n\n"
    );
    for missed in missed.iter().take(SHOWN) {
        text.push_str(&format!(
            "Question: {}\nIts answer: {}\nThe right answer: {}\n\n",
            missed.question.trim(),
            missed.answer.trim(),
            missed.expected.trim()
        ));
    }
    text.push_str(
        "Say in a few sentences what it must do to answer such questions rightly, and in which form. Do not repeat these \
         questions. Write the new instructions and nothing else.",
    );
    text
}

/// Instructions as an expert wrote them; `None`: there are none, they are too long, or they give away what was asked.
fn written(answer: &str, missed: &[Missed]) -> Option<String> {
    let text = answer.trim().trim_matches('`').trim().trim_matches('"').trim();
    let tells = |missed: &Missed| missed.question.len() >= 8 && text.contains(missed.question.trim());
    (!text.is_empty() && text.chars().count() <= WRITTEN && !missed.iter().any(tells))
        .then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_expert_writes_is_taken_when_it_is_instructions() {
        let missed = [Missed { question: "What is 17 * 23?".into(), ..Missed::default() }];
        assert_eq!(
            written("```\nMultiply step by step.\n```", &missed).as_deref(),
            Some("Multiply step by step.")
        );
        assert_eq!(written("  ", &missed), None);
        assert_eq!(
            written("When asked What is 17 * 23? say 391.", &missed),
            None,
            "that is an answer, not a way"
        );
        assert_eq!(written(&"a".repeat(WRITTEN + 1), &missed), None);
        let asked = reflection("", &missed);
        assert!(asked.contains("(none)") && asked.contains("17 * 23"));
    }
}
