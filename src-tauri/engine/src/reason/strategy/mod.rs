//! Strategies: ways of asking one expert more than once. Each is bounded in calls and in time, says what it did step by
//! step, and says so when the expert cannot follow it.
//!
//! | strategy | source |
//! |---|---|
//! | vote | self-consistency (arXiv:2203.11171) |
//! | verify | checks by the inverse question; bounded as in recursive verification (arXiv:2510.04871) |
//! | refine | moves that lower an energy, after energy-based models: −ln of the mean probability of the answer's tokens |
//! | steps | decomposition, least to most (arXiv:2205.10625) |
//! | guided | attempts scored by likeness to trajectories that were good (supervised RL, arXiv:2510.25992), less that to bad ones |
//! | multi-stage | plan, then solve (arXiv:2305.04091), then verify |

mod checks;
pub mod diff;
mod guided;
mod parts;
mod refine;
mod verify;
mod vote;

pub use parts::{MOST_PARTS, listing, numbered, questions_in, side_by_side};

use super::direct;
use crate::extract::{Said, said};
use crate::pool::{Manifest, Reads};
use crate::words::{
    Advised, Context, Exchange, Failure, Finish, Generated, Passage, Question, Reasoned, Step, StepKind,
    Strategy,
};
use runtime::host::Request;
use std::time::{Duration, Instant};

/// A strategy asks no more often than this, and begins no new call after so long.
pub const MOST_CALLS: usize = 16;
pub const MOST_TIME: Duration = Duration::from_secs(120);
/// Samples differ from the likeliest answer by this much where the question names no temperature.
const TEMPERATURE: f32 = 0.7;

/// The seated expert, to be asked more than once.
pub trait Voice {
    /// Its answer to one request; `kind` and `prompt` say what for.
    fn say(&mut self, kind: StepKind, prompt: &str, request: Request)
    -> Result<(String, Generated), Failure>;
    /// A step is complete.
    fn done(&mut self, step: &Step);
}

/// What a strategy is about.
pub struct Subject<'a> {
    pub manifest: &'a Manifest,
    pub question: &'a Question,
    pub context: &'a Context,
    /// Past answers that bear on the question.
    pub past: &'a [Passage],
    /// How judged answers to like questions went.
    pub trajectories: &'a [Advised],
}

/// The answer of a strategy.
pub struct Thought {
    pub text: String,
    /// Of the attempt that became the answer.
    pub generated: Generated,
    pub reasoned: Reasoned,
}

/// Asks by `strategy`, and says `why` this one in the trace.
pub fn think(
    strategy: Strategy,
    why: &str,
    subject: &Subject,
    voice: &mut dyn Voice,
) -> Result<Thought, Failure> {
    let mut work = Work::new(subject, voice);
    let outcome = match strategy {
        Strategy::Direct => work.directly("asked once"),
        Strategy::Steps => parts::steps(&mut work),
        Strategy::Guided => guided::guided(&mut work),
        Strategy::Refine => refine::refine(&mut work),
        Strategy::Verify => verify::verify(&mut work),
        Strategy::MultiStage => parts::stages(&mut work),
        Strategy::Vote => vote::vote(&mut work),
    }?;
    Ok(work.end(strategy, why, outcome))
}

/// One text of the expert.
#[derive(Clone)]
struct Attempt {
    /// Its step.
    at: usize,
    text: String,
    generated: Generated,
    said: Said,
}

impl Attempt {
    /// −ln of the mean probability that the expert gave to its tokens: 0 where it was sure of each.
    fn energy(&self) -> f32 {
        -self.generated.confidence.clamp(1e-6, 1.0).ln()
    }
}

/// What a strategy comes to.
struct Outcome {
    answer: Attempt,
    said: String,
    fell_back: Option<String>,
}

/// A strategy at work: the expert's voice, and what it has said so far.
struct Work<'a> {
    subject: &'a Subject<'a>,
    voice: &'a mut dyn Voice,
    steps: Vec<Step>,
    begun: Instant,
    seed: u64,
    stopped: bool,
    /// The answer to the question as it is.
    first: Option<Attempt>,
}

impl<'a> Work<'a> {
    fn new(subject: &'a Subject<'a>, voice: &'a mut dyn Voice) -> Work<'a> {
        let seed = subject.question.seed.unwrap_or_else(super::fresh_seed);
        Work { subject, voice, steps: Vec::new(), begun: Instant::now(), seed, stopped: false, first: None }
    }

    /// The expert is given the turns before and prompts of our own.
    fn follows(&self) -> bool {
        self.subject.manifest.reads == Reads::Conversation
    }

    fn is_over(&self) -> bool {
        self.stopped || self.steps.len() >= MOST_CALLS || self.begun.elapsed() > MOST_TIME
    }

    fn request(&self, text: &str) -> Request {
        let question = Question { text: text.to_owned(), ..self.subject.question.clone() };
        let mut request = direct(self.subject.manifest, &question, self.subject.context);
        request.sampling.seed = self.seed;
        request
    }

    /// The question as it is.
    fn answer(&mut self) -> Result<Attempt, Failure> {
        let request = self.request(&self.subject.question.text.clone());
        let attempt = self.call(StepKind::Answer, String::new(), request)?;
        self.first = Some(attempt.clone());
        Ok(attempt)
    }

    /// The question as it is, sampled. `None`: stopped, or the strategy has had its calls or its time.
    fn sample(&mut self) -> Result<Option<Attempt>, Failure> {
        let own = self.subject.question.temperature.filter(|own| *own > 0.0);
        self.sample_of(&self.subject.question.text, own.unwrap_or(TEMPERATURE))
    }

    /// The same of another text.
    fn sample_of(&mut self, text: &str, temperature: f32) -> Result<Option<Attempt>, Failure> {
        if self.is_over() {
            return Ok(None);
        }
        let mut request = self.request(text);
        request.sampling.temperature = temperature;
        request.sampling.seed = self.seed.wrapping_add(self.steps.len() as u64);
        let is_own = text == self.subject.question.text;
        let prompt = if is_own { String::new() } else { text.to_owned() };
        self.call(StepKind::Sample, prompt, request).map(Some)
    }

    /// Another text in the place of the question.
    fn ask(&mut self, kind: StepKind, prompt: String) -> Result<Option<Attempt>, Failure> {
        if self.is_over() {
            return Ok(None);
        }
        let request = self.request(&prompt);
        self.call(kind, prompt, request).map(Some)
    }

    /// The same behind the turns of this strategy: who asks so is one that follows.
    fn go_on(
        &mut self,
        kind: StepKind,
        turns: &[Exchange],
        prompt: String,
    ) -> Result<Option<Attempt>, Failure> {
        if self.is_over() {
            return Ok(None);
        }
        let mut context = self.subject.context.clone();
        context.earlier.extend_from_slice(turns);
        let question = Question { text: prompt.clone(), ..self.subject.question.clone() };
        let request = direct(self.subject.manifest, &question, &context);
        self.call(kind, prompt, request).map(Some)
    }

    fn call(&mut self, kind: StepKind, prompt: String, request: Request) -> Result<Attempt, Failure> {
        let (text, generated) = self.voice.say(kind, &prompt, request)?;
        self.stopped |= generated.finish == Finish::Stopped;
        let asked = if prompt.is_empty() { &self.subject.question.text } else { &prompt };
        let said = said(asked, &text);
        let step = Step {
            step: kind,
            prompt,
            says: said.shown(),
            text: text.clone(),
            tokens: generated.tokens,
            elapsed_ms: generated.elapsed_ms,
            ..Step::default()
        };
        self.voice.done(&step);
        self.steps.push(step);
        Ok(Attempt { at: self.steps.len() - 1, text, generated, said })
    }

    /// A check that the expert was not asked.
    fn known(&mut self, about: &str, agrees: bool) {
        let step = Step {
            step: StepKind::Check,
            text: about.to_owned(),
            score: Some(f32::from(u8::from(agrees))),
            note: "known without asking the expert".into(),
            ..Step::default()
        };
        self.voice.done(&step);
        self.steps.push(step);
    }

    fn note(&mut self, at: usize, score: Option<f32>, note: impl Into<String>) {
        if let Some(step) = self.steps.get_mut(at) {
            step.score = score;
            step.note = note.into();
        }
    }

    /// Asked once, because of `why`.
    fn directly(&mut self, why: &str) -> Result<Outcome, Failure> {
        let answer = match self.first.clone() {
            Some(first) => first,
            None => self.answer()?,
        };
        Ok(Outcome { answer, said: format!("{why}."), fell_back: Some(why.to_owned()) })
    }

    fn end(mut self, strategy: Strategy, why: &str, outcome: Outcome) -> Thought {
        let Outcome { answer, said, fell_back } = outcome;
        if let Some(step) = self.steps.get_mut(answer.at) {
            step.accepted = true;
        }
        let tokens = self.steps.iter().map(|step| step.tokens).sum();
        let first = self.first.as_ref();
        let changed_answer =
            first.is_some_and(|first| first.text != answer.text && !first.said.agrees(&answer.said));
        let diff = match first {
            Some(first) if first.text != answer.text => diff::lines(&first.text, &answer.text),
            _ => Vec::new(),
        };
        let mut generated = answer.generated;
        if self.stopped {
            generated.finish = Finish::Stopped;
        }
        let reasoned = Reasoned {
            strategy,
            why: why.to_owned(),
            steps: self.steps,
            outcome: said,
            fell_back: fell_back.filter(|_| strategy != Strategy::Direct),
            changed_answer,
            diff,
            tokens,
            elapsed_ms: self.begun.elapsed().as_secs_f32() * 1000.0,
        };
        Thought { text: answer.text, generated, reasoned }
    }
}

#[cfg(test)]
mod tests;
