//! Benchmark: what the answers to a file of questions come to.
//!
//! In:     samples, one a question, each with all that its figures are made of
//! Out:    shares with intervals, times, tokens, memory and loads; the difference of two lists over the same questions
//! Source: intervals of 95 %: Wilson's for a share, Newcombe's for paired shares (Statistics in Medicine 17:2635,
//!         1998, method 10); percentiles are nearest rank

use super::is_right;
use super::pruning::Asked;
use crate::Engine;
use crate::pool::percentile;
use crate::words::{Answer, Failure, Mode, Question};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use ts_rs::TS;

/// The quantile of a normal distribution that leaves 2.5 % on each side.
const Z: f64 = 1.959_963_984_540_054;

/// One question and what became of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, TS)]
pub struct Sample {
    /// Place in the file, from 1: a question has the same in every list.
    pub place: usize,
    pub id: String,
    pub mode: Mode,
    /// How it was asked, beside the mode: empty where nobody said.
    pub way: String,
    pub question: String,
    pub expected: Option<String>,
    /// Judged by [`is_right`]; a failure where an answer was expected is not right. `None`: nothing was expected.
    pub right: Option<bool>,
    pub answer: String,
    /// Empty when nobody could be asked.
    pub expert: String,
    pub domain: String,
    /// As the question was read, 0 to 10.
    pub complexity: f32,
    pub refused: bool,
    pub failure: Option<Failure>,
    /// Past answers that the expert was given.
    pub recalled: u32,
    pub prompt_tokens: u32,
    pub tokens: u32,
    pub first_token_ms: f32,
    pub total_ms: f32,
    pub load_ms: f32,
    pub memory_bytes: u64,
    pub peak_memory_bytes: u64,
    /// Who left the seat for it.
    pub left: Option<String>,
    /// Experts that took the seat for it, and those of them for whom another one left.
    pub loads: u32,
    pub swaps: u32,
}

impl Sample {
    pub fn answered(self, answer: &Answer) -> Sample {
        let trace = &answer.trace;
        Sample {
            right: self.expected.as_deref().map(|expected| is_right(expected, &answer.answer)),
            answer: answer.answer.clone(),
            expert: answer.expert.clone(),
            domain: trace.read.domain.clone(),
            complexity: trace.read.complexity,
            refused: answer.refused,
            recalled: trace.compress.kept,
            prompt_tokens: trace.generate.prompt_tokens,
            tokens: answer.tokens,
            first_token_ms: trace.generate.first_token_ms,
            total_ms: trace.total_ms,
            load_ms: trace.seat.load_ms,
            memory_bytes: trace.seat.memory_bytes,
            peak_memory_bytes: trace.generate.peak_memory_bytes.max(trace.seat.memory_bytes),
            left: trace.seat.left.clone(),
            loads: trace
                .council
                .as_ref()
                .map_or(u32::from(trace.seat.load_ms > 0.0), |council| council.loads),
            swaps: trace
                .council
                .as_ref()
                .map_or(u32::from(trace.seat.left.is_some()), |council| council.swaps),
            ..self
        }
    }

    pub fn failed(self, failure: Failure) -> Sample {
        Sample { right: self.expected.as_ref().map(|_| false), failure: Some(failure), ..self }
    }
}

/// Asks every line like `question`, those of one expert together, until `stop`. `on` hears how many samples there are
/// and the newest; an answer that was stopped is none.
pub fn ask_each<E: From<Failure>>(
    engine: &Engine,
    lines: &[Asked],
    question: &Question,
    stop: &Arc<AtomicBool>,
    on: &mut dyn FnMut(usize, &Sample) -> Result<(), E>,
) -> Result<Vec<Sample>, E> {
    let mut samples = Vec::with_capacity(lines.len());
    let texts = lines.iter().map(|line| line.question.as_str());
    for at in by_expert(engine, texts, question).groups.into_iter().flatten() {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let line = &lines[at];
        let sample = Sample {
            place: at + 1,
            id: line.id.clone(),
            mode: question.mode,
            question: line.question.clone(),
            expected: line.expected.clone(),
            ..Sample::default()
        };
        let without = [question.without.as_slice(), &line.without].concat();
        let asked = Question { text: line.question.clone(), without, ..question.clone() };
        let sample = match engine.ask(asked, Arc::clone(stop), &mut |_| {}) {
            Ok(answer) if answer.stopped => break,
            Ok(answer) => sample.answered(&answer),
            Err(failure) => sample.failed(failure),
        };
        on(samples.len() + 1, &sample)?;
        samples.push(sample);
    }
    Ok(samples)
}

/// The order in which questions are asked, and how often an expert would be loaded in the order they came in.
pub struct Queue {
    /// Places of questions that load the same.
    pub groups: Vec<Vec<usize>>,
    pub loads_as_given: u64,
}

/// The places of those who share what they load, and the names of that.
type Group = (Vec<String>, Vec<usize>);

/// Questions that load the same experts stand together, a council by all of its members; after each group comes the one
/// that shares most with it, of equals the one whose question comes first. What nobody can be found for comes last. The
/// loads as given are a replay: each question's experts in the order in which they would take the lectern.
pub fn by_expert<'t>(engine: &Engine, texts: impl Iterator<Item = &'t str>, like: &Question) -> Queue {
    let mut groups: Vec<Group> = Vec::new();
    let mut nobodys = Vec::new();
    let (mut seated, mut loads_as_given) = (None, 0);
    for (at, text) in texts.enumerate() {
        let question = Question { text: text.to_owned(), ..like.clone() };
        let Ok(mut names) = engine.cast(&question, seated.as_deref()) else {
            nobodys.push(at);
            continue;
        };
        for name in &names {
            loads_as_given += u64::from(seated.as_ref() != Some(name));
            seated = Some(name.clone());
        }
        names.sort();
        match groups.iter_mut().find(|(known, _)| *known == names) {
            Some((_, group)) => group.push(at),
            None => groups.push((names, vec![at])),
        }
    }
    let mut ordered = Vec::new();
    let mut last: Vec<String> = Vec::new();
    while !groups.is_empty() {
        let shared = |names: &[String]| names.iter().filter(|name| last.contains(name)).count();
        // Of equals `max_by_key` gives the last, so it is asked from behind.
        let next = (0..groups.len()).rev().max_by_key(|at| shared(&groups[*at].0)).unwrap_or(0);
        let (names, group) = groups.remove(next);
        ordered.push(group);
        last = names;
    }
    ordered.push(nobodys);
    Queue { groups: ordered, loads_as_given }
}

/// A share of `n` with its 95 % interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct Share {
    pub count: usize,
    pub n: usize,
    pub share: f64,
    pub low: f64,
    pub high: f64,
}

impl Share {
    /// Wilson's score interval. `None` of nothing.
    pub fn of(count: usize, n: usize) -> Option<Share> {
        if n == 0 {
            return None;
        }
        let (size, share) = (n as f64, count as f64 / n as f64);
        let middle = share + Z * Z / (2.0 * size);
        let half = Z * (share * (1.0 - share) / size + Z * Z / (4.0 * size * size)).sqrt();
        let whole = 1.0 + Z * Z / size;
        // At the ends the interval ends there, whatever rounding says.
        let low = if count == 0 { 0.0 } else { (middle - half) / whole };
        let high = if count == n { 1.0 } else { (middle + half) / whole };
        Some(Share { count, n, share, low, high })
    }
}

/// What a list of samples comes to.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, TS)]
pub struct Figures {
    pub n: usize,
    pub failed: usize,
    pub refused: usize,
    /// Lines without `expected`: asked and timed, not judged.
    pub without_expected: usize,
    /// Right ones of those with `expected`.
    pub accuracy: Option<Share>,
    /// Answers that were given past answers.
    pub recalled: usize,
    pub prompt_tokens: u64,
    pub tokens: u64,
    pub latency_p50_ms: Option<f32>,
    pub latency_p99_ms: Option<f32>,
    pub first_token_p50_ms: Option<f32>,
    /// The most that an expert's process took.
    pub peak_memory_bytes: u64,
    /// Experts that took the seat, and those of them for whom another one left it.
    pub loads: usize,
    pub swaps: usize,
    pub load_ms: f32,
}

/// The figures of these samples; times are of those that were answered.
pub fn figures<'s>(samples: impl Iterator<Item = &'s Sample> + Clone) -> Figures {
    let count = |which: fn(&Sample) -> bool| samples.clone().filter(|sample| which(sample)).count();
    let times = |which: fn(&Sample) -> f32| -> Vec<f32> {
        samples.clone().filter(|sample| sample.failure.is_none()).map(which).collect()
    };
    let mut latencies = times(|sample| sample.total_ms);
    let mut first_tokens = times(|sample| sample.first_token_ms);
    let judged = count(|sample| sample.right.is_some());
    let n = samples.clone().count();
    Figures {
        n,
        failed: count(|sample| sample.failure.is_some()),
        refused: count(|sample| sample.refused),
        without_expected: n - judged,
        accuracy: accuracy(samples.clone()),
        recalled: count(|sample| sample.recalled > 0),
        prompt_tokens: samples.clone().map(|sample| u64::from(sample.prompt_tokens)).sum(),
        tokens: samples.clone().map(|sample| u64::from(sample.tokens)).sum(),
        latency_p50_ms: percentile(&mut latencies, 0.50),
        latency_p99_ms: percentile(&mut latencies, 0.99),
        first_token_p50_ms: percentile(&mut first_tokens, 0.50),
        peak_memory_bytes: samples.clone().map(|sample| sample.peak_memory_bytes).max().unwrap_or(0),
        loads: samples.clone().map(|sample| sample.loads as usize).sum(),
        swaps: samples.clone().map(|sample| sample.swaps as usize).sum(),
        load_ms: samples.clone().map(|sample| sample.load_ms).sum(),
    }
}

/// Right ones of those that were judged; `None` where nothing was expected.
pub fn accuracy<'s>(samples: impl Iterator<Item = &'s Sample>) -> Option<Share> {
    let judged: Vec<bool> = samples.filter_map(|sample| sample.right).collect();
    Share::of(judged.iter().filter(|right| **right).count(), judged.len())
}

/// How many were right of each kind; `None` where nothing was expected.
pub fn accuracy_by<'s>(
    samples: impl Iterator<Item = &'s Sample>,
    kind: fn(&Sample) -> &str,
) -> BTreeMap<String, Option<Share>> {
    let mut counts: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    for sample in samples {
        let (right, judged) = counts.entry(kind(sample).to_owned()).or_default();
        *right += usize::from(sample.right == Some(true));
        *judged += usize::from(sample.right.is_some());
    }
    counts.into_iter().map(|(name, (right, judged))| (name, Share::of(right, judged))).collect()
}

/// The accuracy of one list minus that of another, over the questions that both judged.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct Difference {
    pub n: usize,
    pub both: usize,
    pub first_only: usize,
    pub second_only: usize,
    pub neither: usize,
    pub difference: f64,
    pub low: f64,
    pub high: f64,
}

/// First minus second, paired by place. `None` when no question is in both.
pub fn difference(first: &[Sample], second: &[Sample]) -> Option<Difference> {
    let other: BTreeMap<usize, bool> =
        second.iter().filter_map(|sample| Some((sample.place, sample.right?))).collect();
    let mut table = [[0; 2]; 2];
    for sample in first {
        if let (Some(right), Some(other)) = (sample.right, other.get(&sample.place)) {
            table[usize::from(right)][usize::from(*other)] += 1;
        }
    }
    let [[neither, second_only], [first_only, both]] = table;
    paired(both, first_only, second_only, neither)
}

fn paired(both: usize, first_only: usize, second_only: usize, neither: usize) -> Option<Difference> {
    let n = both + first_only + second_only + neither;
    let first = Share::of(both + first_only, n)?;
    let second = Share::of(both + second_only, n)?;
    let [a, b, c, d] = [both, first_only, second_only, neither].map(|count| count as f64);
    let margins = (a + b) * (c + d) * (a + c) * (b + d);
    let together = a * d - b * c;
    // With the correction for continuity.
    let together = if together > 0.0 { (together - n as f64 / 2.0).max(0.0) } else { together };
    let phi = if margins > 0.0 { together / margins.sqrt() } else { 0.0 };
    let reach = |one: f64, other: f64| (one * one - 2.0 * phi * one * other + other * other).max(0.0).sqrt();
    let difference = first.share - second.share;
    Some(Difference {
        n,
        both,
        first_only,
        second_only,
        neither,
        difference,
        low: difference - reach(first.share - first.low, second.high - second.share),
        high: difference + reach(first.high - first.share, second.share - second.low),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(got: f64, wanted: f64) {
        assert!((got - wanted).abs() < 5e-5, "{got}, not {wanted}");
    }

    #[test]
    fn a_share_has_wilsons_interval() {
        // 8 of 10: (0.8 + 3.8415/20 ± 1.96 √(0.016 + 3.8415/400)) / 1.38415.
        let share = Share::of(8, 10).unwrap();
        near(share.low, 0.4902);
        near(share.high, 0.9433);
        // 0 of 20: up to z²/(n + z²).
        let none = Share::of(0, 20).unwrap();
        near(none.low, 0.0);
        near(none.high, 0.1611);
        assert_eq!(Share::of(20, 20).unwrap().high, 1.0);
        assert_eq!(Share::of(0, 0), None);
    }

    #[test]
    fn a_paired_difference_has_newcombes_interval() {
        // The first example of the paper's table for method 10.
        let found = paired(36, 12, 2, 0).unwrap();
        near(found.difference, 0.2);
        near(found.low, 0.0569);
        near(found.high, 0.3404);
    }

    #[test]
    fn lists_that_agree_differ_by_nothing_but_not_surely() {
        let found = paired(10, 0, 0, 0).unwrap();
        assert_eq!(found.difference, 0.0);
        assert!(found.low < -0.2 && found.high > 0.2, "ten questions prove little: {found:?}");
    }

    fn sample(place: usize, right: Option<bool>, total_ms: f32) -> Sample {
        Sample { place, right, total_ms, expert: "a".into(), tokens: 2, ..Sample::default() }
    }

    #[test]
    fn figures_are_what_the_samples_say() {
        let mut samples = vec![
            sample(1, Some(true), 10.0),
            sample(2, Some(false), 20.0),
            sample(3, None, 30.0),
            sample(4, Some(true), 40.0),
        ];
        samples.push(Sample { expected: Some("7".into()), ..sample(5, None, 0.0) }.failed(Failure {
            code: "c".into(),
            message: "m".into(),
            fix: "f".into(),
            detail: None,
        }));
        let found = figures(samples.iter());
        let accuracy = found.accuracy.unwrap();
        assert_eq!((found.n, found.failed, found.without_expected), (5, 1, 1));
        assert_eq!((accuracy.count, accuracy.n), (2, 4), "a failure is not right");
        // Four were answered: rank 2 is 20, rank 4 is 40.
        assert_eq!((found.latency_p50_ms, found.latency_p99_ms), (Some(20.0), Some(40.0)));
    }

    #[test]
    fn questions_are_paired_by_place_and_only_where_both_judged() {
        let first = [sample(1, Some(true), 0.0), sample(2, Some(true), 0.0), sample(3, None, 0.0)];
        let second = [sample(2, Some(false), 0.0), sample(1, Some(true), 0.0), sample(3, Some(true), 0.0)];
        let found = difference(&first, &second).unwrap();
        assert_eq!((found.n, found.both, found.first_only), (2, 1, 1));
        assert_eq!(difference(&first, &[]), None);
    }
}
