//! Optimise: better words for an expert, found by asking, and what they gain on questions that the search never saw.
//!
//! In:     an expert, questions with their answers, how many may be asked
//! Out:    every prompt that was tried with its lineage; the best one's gain on held-out questions, paired, with its 95 %
//!         interval. It is offered only when the whole interval is above nothing
//! Fails:  too few questions, too small a budget; where the expert cannot be asked
//! Cost:   at most the budget, in questions asked along the one path; nothing of it is stored, learned or counted but the
//!         prompts and their figures
//! Source: [`evolve`] (GEPA), [`edits`] (DSPy), [`super::benchmark`] (Newcombe's paired interval)
//!
//! | file | what |
//! |---|---|
//! | [`task`] | the questions |
//! | [`split`] | which of them are for what |
//! | [`evolve`] | which prompt is tried next, and which are the best |
//! | [`edits`] | what may be changed |
//! | `asking` | a question asked with a prompt, and an expert asked for a better one |

mod asking;
mod dice;
pub mod edits;
pub mod evolve;
pub mod split;
pub mod task;

use super::benchmark::{Difference, Sample, difference};
use super::compare::Both;
use crate::Engine;
use crate::pool::{Expert, Reads};
use crate::prompts::{Count, KeptPrompt, Tried};
use crate::words::{Failure, Mode, Prompt, Question};
use asking::Asking;
use dice::Dice;
use edits::Hints;
use evolve::{BATCH, End, Evolved};
use serde::{Deserialize, Serialize};
use serde_json::json;
use split::{Split, split};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};
pub use task::Task;
use ts_rs::TS;

/// Questions with an answer to judge by that a search needs.
pub const LEAST: usize = split::HELD_OUT + split::FEEDBACK + split::FRONT;

/// How far a search may go.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct Limits {
    /// Questions asked in all, the held-out ones and reflections included.
    pub rollouts: usize,
    pub seed: u64,
    /// Read and written, in all.
    pub tokens: Option<u64>,
    pub seconds: Option<u64>,
    /// Who writes better prompts from what went wrong; `None`: the expert itself where it can, else whoever can.
    pub reflect: Option<String>,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { rollouts: 300, seed: 1, tokens: None, seconds: None, reflect: None }
    }
}

/// Why a search went no further.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Ended {
    #[default]
    Budget,
    /// Nothing goes wrong, or every change was tried.
    Nothing,
    Stopped,
    Tokens,
    Time,
}

/// What a search says of its prompt.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Proof {
    /// The interval of the gain is wholly above nothing: it is offered.
    Gain,
    /// It is not.
    #[default]
    NoGain,
    /// No prompt was better on the questions that prompts are chosen by.
    NoBetter,
    /// It ended before it could say.
    Unfinished,
}

/// How many questions were for what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Parts {
    pub feedback: usize,
    pub front: usize,
    pub held_out: usize,
}

/// What a search came to.
#[derive(Clone, Debug, Default, Serialize, Deserialize, TS)]
pub struct Optimised {
    pub expert: String,
    /// Where the questions are from: `log`, or the file.
    pub questions: String,
    pub limits: Limits,
    pub parts: Parts,
    /// Questions asked.
    pub spent: usize,
    /// Read and written.
    pub tokens: u64,
    pub elapsed_ms: f64,
    /// Who wrote prompts; `None`: nobody could, they were changed by plain edits alone.
    pub reflector: Option<String>,
    /// What its questions were read as: a prompt that is put to use is used there.
    pub domains: Vec<String>,
    /// The number of the best one.
    pub best: Option<i64>,
    /// Right with the best one minus right as it is asked now, on held-out questions.
    pub gain: Option<Difference>,
    pub shown: Proof,
    pub ended: Ended,
    /// Beside a baseline of reinforcement learning: none was run.
    pub rl_ratio: Option<f64>,
}

/// The same with what it is made of.
#[derive(Clone, Debug, Serialize, TS)]
pub struct Found {
    pub run: i64,
    pub optimised: Optimised,
    pub tried: Vec<KeptPrompt>,
    /// The held-out questions, as it is asked now and with the best prompt.
    pub pairs: Vec<Both>,
}

/// How far a search is.
#[derive(Clone, Debug, Serialize, TS)]
pub struct Far {
    pub run: i64,
    pub spent: usize,
    pub of: usize,
    /// The held-out questions are being asked.
    pub judging: bool,
    /// There when it changed.
    pub tried: Option<Vec<Tried>>,
}

/// Searches for a better prompt of `name`. `on` hears how far it is; setting `stop` ends it within 200 ms, and what was
/// tried until then is kept.
pub fn optimise(
    engine: &Engine,
    name: &str,
    task: &Task,
    limits: &Limits,
    stop: &Arc<AtomicBool>,
    on: &mut dyn FnMut(Far) -> Result<(), Failure>,
) -> Result<Found, Failure> {
    let begun = Instant::now();
    let expert = engine.pool().get(name)?;
    let mut dice = Dice::new(limits.seed);
    let kinds: Vec<String> = task.cases.iter().map(|case| case.kind.clone()).collect();
    let Split { feedback, front, held_out } = split(&kinds, &mut dice)?;
    let last = 2 * held_out.len();
    let needed = needed(front.len(), held_out.len());
    if limits.rollouts < needed {
        return Err(too_small(limits.rollouts, needed, front.len(), held_out.len()));
    }
    let reflector = reflector(engine, &expert, limits.reflect.as_deref())?;
    let parts = Parts { feedback: feedback.len(), front: front.len(), held_out: held_out.len() };
    let lengths = task.cases.iter().map(|case| case.asked.question.split_whitespace().count() as u32);
    let words = lengths.clone().min().zip(lengths.max());
    let given = Prompt { words, ..asked_now(engine, name, task)? };
    let mut optimised = Optimised {
        expert: name.into(),
        questions: task.from.clone(),
        limits: limits.clone(),
        parts,
        reflector: reflector.clone(),
        shown: Proof::Unfinished,
        ended: Ended::Stopped,
        ..Optimised::default()
    };
    let run = engine.prompts().begin(name, &json!(optimised))?;
    let mut asking = Asking {
        engine,
        task,
        hints: Hints {
            signature: task.signature.clone(),
            examples: expert.manifest.examples.clone(),
            system: expert.manifest.system_prompt.clone(),
            reads_conversation: expert.manifest.reads == Reads::Conversation,
        },
        like: Question {
            mode: Mode::Basic,
            expert: Some(name.into()),
            seed: Some(limits.seed),
            trial: true,
            ..Question::default()
        },
        reflector,
        stop,
        until: limits.seconds.map(|seconds| begun + Duration::from_secs(seconds)),
        tokens_left: limits.tokens.unwrap_or(u64::MAX),
        tokens: 0,
        cut: None,
        domains: BTreeSet::new(),
        run,
        of: limits.rollouts,
        before: 0,
        judging: false,
        numbers: Vec::new(),
        kept: Vec::new(),
        on,
    };
    let evolved = evolve::evolve(&mut asking, given, &feedback, &front, limits.rollouts - last, &mut dice)?;
    let Evolved { mut tried, best, spent, end } = evolved;
    let better = |tried: &[Tried]| {
        let right = |at: usize| tried[at].front.map_or(0, |front| front.right);
        best != 0 && right(best) > right(0)
    };
    let mut pairs = Vec::new();
    let mut lists = [Vec::new(), Vec::new()];
    (asking.before, asking.judging) = (spent, true);
    let found_better = better(&tried);
    if found_better && end != End::Stopped {
        for (list, place) in lists.iter_mut().zip([0, best]) {
            *list = asking.judge(&tried[place].prompt, &held_out)?;
        }
        let [now, with] = &lists;
        if now.len() == held_out.len() && with.len() == held_out.len() {
            optimised.gain = difference(with, now);
            for (list, place) in [(now, 0), (with, best)] {
                let right = list.iter().filter(|sample| sample.right == Some(true)).count();
                tried[place].held_out = Some(Count { right, n: list.len() });
            }
            pairs = paired(now, with);
        }
    }
    optimised.ended = asking.cut.unwrap_or(match end {
        End::Budget => Ended::Budget,
        End::Nothing => Ended::Nothing,
        End::Stopped => Ended::Stopped,
    });
    optimised.shown = match (optimised.gain, found_better) {
        (Some(gain), _) if gain.low > 0.0 => Proof::Gain,
        (Some(_), _) => Proof::NoGain,
        (None, false) if end != End::Stopped => Proof::NoBetter,
        (None, _) => Proof::Unfinished,
    };
    optimised.spent = spent + lists.iter().map(Vec::len).sum::<usize>();
    optimised.tokens = asking.tokens;
    optimised.domains = asking.domains.iter().cloned().collect();
    asking.save(&tried)?;
    optimised.best = asking.numbers.get(best).copied().filter(|_| found_better);
    optimised.elapsed_ms = begun.elapsed().as_secs_f64() * 1e3;
    engine.prompts().tell(run, &json!(optimised))?;
    let tried = engine.prompts().of_run(run)?;
    Ok(Found { run, optimised, tried, pairs })
}

/// Rollouts that a search with so many questions takes at least; `None`: there are too few questions.
pub fn least(questions: usize) -> Option<usize> {
    let found = split(&vec![String::new(); questions], &mut Dice::new(1)).ok()?;
    Some(needed(found.front.len(), found.held_out.len()))
}

/// The first prompt and one change of it, and the two that are compared.
fn needed(front: usize, held_out: usize) -> usize {
    2 * held_out + 2 * front + 2 * BATCH
}

/// The prompt in use where most of the questions belong.
fn asked_now(engine: &Engine, name: &str, task: &Task) -> Result<Prompt, Failure> {
    let mut domains: BTreeMap<String, usize> = BTreeMap::new();
    for case in &task.cases {
        *domains.entry(engine.reader.read(&case.asked.question)?.domain).or_default() += 1;
    }
    let usual =
        domains.into_iter().max_by_key(|(_, times)| *times).map(|(domain, _)| domain).unwrap_or_default();
    Ok(engine.prompts().in_use(name, &usual)?.map(|(_, prompt)| prompt).unwrap_or_default())
}

/// Who writes prompts: who was named; else the expert itself, else whoever has most parameters, of those that read more than
/// single questions.
fn reflector(engine: &Engine, expert: &Expert, named: Option<&str>) -> Result<Option<String>, Failure> {
    if let Some(named) = named {
        return Ok(Some(engine.pool().get(named)?.manifest.name));
    }
    let writes = |expert: &Expert| {
        expert.unavailable.is_none() && !expert.starter && expert.manifest.reads == Reads::Conversation
    };
    if writes(expert) {
        return Ok(Some(expert.manifest.name.clone()));
    }
    let size = |expert: &Expert| expert.implementation().map_or(0, |its| its.parameters);
    let others = engine.pool().experts().into_iter().filter(|other| writes(other) && other.is_ready());
    Ok(others.max_by_key(size).map(|other| other.manifest.name))
}

fn paired(now: &[Sample], with: &[Sample]) -> Vec<Both> {
    let by_place: BTreeMap<usize, &Sample> = with.iter().map(|sample| (sample.place, sample)).collect();
    now.iter()
        .filter_map(|first| {
            let second = (*by_place.get(&first.place)?).clone();
            Some(Both { same: first.answer.trim() == second.answer.trim(), first: first.clone(), second })
        })
        .collect()
}

fn too_small(rollouts: usize, least: usize, front: usize, held_out: usize) -> Failure {
    Failure {
        code: "too_few_rollouts".into(),
        message: format!(
            "{rollouts} rollouts are too few: with {front} questions to choose by and {held_out} held out, one change alone \
             takes {least}"
        ),
        fix: format!("Allow at least {least} rollouts; several times as many try more prompts."),
        detail: None,
    }
}
