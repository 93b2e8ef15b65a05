//! Compare: the same questions asked in two ways, and whether that makes a difference (requirement R5).
//!
//! In:     past questions of this home or those of a file, and two ways of asking
//! Out:    of each measure the paired difference with its 95 % interval, and a verdict once there are enough
//! Fails:  where nobody can be asked; a question that fails is one of the samples
//! Cost:   every question twice; nothing is stored, learned or counted but what a mode gains over another
//! Source: shares by Newcombe's paired interval; medians by order statistics: the differences of ranks k and n+1-k hold
//!         the median with probability 1 - 2 P(Binomial(n, 1/2) < k), whatever their distribution
//!
//! There is no verdict before the last question: whoever looks early and stops at a lucky moment finds differences that
//! are not there.

use super::benchmark::{Difference, Figures, Sample, Share, ask_each, difference, figures};
use super::criteria::ENOUGH;
use super::pruning::{Asked, stands_alone};
use crate::Engine;
use crate::archive::{Logged, normalise};
use crate::measured::ModeGain;
use crate::pool::Expert;
use crate::words::{Failure, Question};
use serde::Serialize;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use ts_rs::TS;

/// What asking in two ways came to. Every difference is the second minus the first.
#[derive(Clone, Debug, Default, PartialEq, Serialize, TS)]
pub struct Comparison {
    /// Where the questions are from: `log`, or the file.
    pub questions: String,
    /// That were to be asked.
    pub asked: usize,
    pub first: Figures,
    pub second: Figures,
    /// Answers that are the same word for word.
    pub same: Option<Share>,
    /// Of the questions whose right answer is known; `first_only` are those that the second way alone has right.
    pub right: Option<Difference>,
    pub right_finding: Finding,
    pub total_ms: Option<Change>,
    /// Read and written.
    pub tokens: Option<Change>,
    pub peak_memory_bytes: Option<Change>,
    /// Fewer pairs give no verdict.
    pub least: usize,
    pub stopped: bool,
    pub pairs: Vec<Both>,
}

/// One question, asked both ways.
#[derive(Clone, Debug, Default, PartialEq, Serialize, TS)]
pub struct Both {
    /// Word for word.
    pub same: bool,
    pub first: Sample,
    pub second: Sample,
}

/// Medians of both, and the median of the paired differences with its 95 % interval.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, TS)]
pub struct Change {
    pub n: usize,
    pub first: f64,
    pub second: f64,
    pub difference: f64,
    /// `None`: of fewer than six it may be anywhere.
    pub low: Option<f64>,
    pub high: Option<f64>,
    pub finding: Finding,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Finding {
    #[default]
    TooFew,
    /// The interval is wholly on one side of nothing.
    More,
    Less,
    /// It is not: no difference was proven.
    Unproven,
}

/// Past questions that stand alone, the newest first, each once. What is expected is the newest answer that was rated
/// up; past answers to the same question are not given for it.
pub fn past_questions(log: &[Logged], experts: &[Expert]) -> Vec<Asked> {
    let mut own: HashMap<String, Vec<String>> = HashMap::new();
    let mut right: HashMap<String, &str> = HashMap::new();
    for past in log {
        let question = normalise(&past.question);
        if past.rating > 0 {
            right.insert(question.clone(), &past.answer);
        }
        own.entry(question).or_default().push(past.id.clone());
    }
    let mut seen = HashSet::new();
    log.iter()
        .rev()
        .filter(|past| stands_alone(past, experts) && seen.insert(normalise(&past.question)))
        .enumerate()
        .map(|(at, past)| {
            let question = normalise(&past.question);
            Asked {
                id: (at + 1).to_string(),
                question: past.question.clone(),
                expected: right.get(&question).map(|answer| (*answer).to_owned()),
                without: own.remove(&question).unwrap_or_default(),
            }
        })
        .collect()
}

/// Asks every line both ways, each list beginning with an empty seat. `on` hears how many answers there are.
/// `questions` says where they are from.
pub fn compare<E: From<Failure>>(
    engine: &Engine,
    questions: String,
    lines: &[Asked],
    ways: [&Question; 2],
    stop: &Arc<AtomicBool>,
    on: &mut dyn FnMut(usize) -> Result<(), E>,
) -> Result<Comparison, E> {
    let mut done = 0;
    let mut ask = |way: &Question| -> Result<Vec<Sample>, E> {
        if stop.load(Ordering::Relaxed) {
            return Ok(Vec::new());
        }
        engine.unseat()?;
        let like = Question { trial: true, conversation: None, replaces: None, ..way.clone() };
        ask_each(engine, lines, &like, stop, &mut |_, _| {
            done += 1;
            on(done)
        })
    };
    let (first, second) = (ask(ways[0])?, ask(ways[1])?);
    let stopped = stop.load(Ordering::Relaxed);
    let found = Comparison { questions, asked: lines.len(), stopped, ..of(&first, &second) };
    if let Some(right) = found.right.filter(|right| !stopped && right.n >= ENOUGH && are_modes(ways)) {
        remember(engine, ways, &right)?;
    }
    Ok(found)
}

/// They differ in their mode, and each is asked as its mode has it.
fn are_modes([first, second]: [&Question; 2]) -> bool {
    let plain = |way: &Question| {
        way.recall
            && way.expert.is_none()
            && way.ratio.is_none()
            && way.strategy.is_none()
            && !way.is_for_several()
            && way.max_tokens.is_none()
            && way.temperature.is_none()
    };
    first.mode != second.mode && plain(first) && plain(second)
}

fn remember(engine: &Engine, [first, second]: [&Question; 2], right: &Difference) -> Result<(), Failure> {
    let Difference { n, difference, low, high, .. } = *right;
    let (mode, than, n) = (second.mode, first.mode, n as u32);
    let mut measured = engine.measured();
    measured.mode(ModeGain { mode, than, n, difference, low, high });
    measured.mode(ModeGain { mode: than, than: mode, n, difference: -difference, low: -high, high: -low });
    engine.remember(measured)
}

/// What two lists over the same questions come to.
pub fn of(first: &[Sample], second: &[Sample]) -> Comparison {
    let by_place: BTreeMap<usize, &Sample> = second.iter().map(|sample| (sample.place, sample)).collect();
    let pairs: Vec<Both> = first
        .iter()
        .filter_map(|first| {
            let second = *by_place.get(&first.place)?;
            let same = first.answer.trim() == second.answer.trim();
            Some(Both { same, first: first.clone(), second: second.clone() })
        })
        .collect();
    let right = difference(second, first);
    Comparison {
        same: Share::of(pairs.iter().filter(|both| both.same).count(), pairs.len()),
        right,
        right_finding: right.map_or(Finding::TooFew, |right| finding(right.n, right.low, right.high)),
        total_ms: change(&pairs, |sample| f64::from(sample.total_ms)),
        tokens: change(&pairs, |sample| f64::from(sample.prompt_tokens) + f64::from(sample.tokens)),
        peak_memory_bytes: change(&pairs, |sample| sample.peak_memory_bytes as f64),
        first: figures(first.iter()),
        second: figures(second.iter()),
        least: ENOUGH,
        pairs,
        ..Comparison::default()
    }
}

fn finding(n: usize, low: f64, high: f64) -> Finding {
    match (n < ENOUGH, low > 0.0, high < 0.0) {
        (true, _, _) => Finding::TooFew,
        (_, true, _) => Finding::More,
        (_, _, true) => Finding::Less,
        _ => Finding::Unproven,
    }
}

/// Over the pairs that were answered both ways; `None`: there is none.
fn change(pairs: &[Both], value: fn(&Sample) -> f64) -> Option<Change> {
    let answered = pairs.iter().filter(|both| both.first.failure.is_none() && both.second.failure.is_none());
    let values: Vec<(f64, f64)> = answered.map(|both| (value(&both.first), value(&both.second))).collect();
    let n = values.len();
    let sorted = |of: fn(&(f64, f64)) -> f64| {
        let mut all: Vec<f64> = values.iter().map(of).collect();
        all.sort_by(f64::total_cmp);
        all
    };
    let differences = sorted(|(first, second)| second - first);
    let k = rank(n);
    let low = k.and_then(|k| differences.get(k - 1)).copied();
    let high = k.and_then(|k| differences.get(n - k)).copied();
    Some(Change {
        n,
        first: middle(&sorted(|(first, _)| *first))?,
        second: middle(&sorted(|(_, second)| *second))?,
        difference: middle(&differences)?,
        low,
        high,
        finding: low.zip(high).map_or(Finding::TooFew, |(low, high)| finding(n, low, high)),
    })
}

/// The median of sorted values.
fn middle(values: &[f64]) -> Option<f64> {
    let n = values.len();
    let upper = values.get(n / 2)?;
    Some(if n.is_multiple_of(2) { f64::midpoint(*values.get(n / 2 - 1)?, *upper) } else { *upper })
}

/// The largest k with P(Binomial(n, 1/2) < k) ≤ 2.5 %; `None`: not even 1.
fn rank(n: usize) -> Option<usize> {
    // In logarithms: 2^-n is 0 from n = 1,075 on.
    let (mut below, mut k) = (0.0, 0);
    let mut log_term = -(n as f64) * std::f64::consts::LN_2;
    while k < n {
        below += log_term.exp();
        if below > 0.025 {
            break;
        }
        k += 1;
        log_term += ((n - k + 1) as f64 / k as f64).ln();
    }
    (k > 0).then_some(k)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_are_those_of_the_sign_test() {
        // P(X < 6 | n = 20) = 0.0207 and P(X < 7) = 0.0577; 50: 0.0164 and 0.0325; 100: 0.0176 and 0.0284.
        for (n, k) in [(5, None), (6, Some(1)), (9, Some(2)), (20, Some(6)), (50, Some(18)), (100, Some(40))]
        {
            assert_eq!(rank(n), k, "n = {n}");
        }
        // Normal approximation: n/2 - 0.98 √n = 956.2, give or take a rank.
        assert!(rank(2000).is_some_and(|k| (955..=957).contains(&k)));
    }

    fn sample(place: usize, total_ms: f32, right: bool) -> Sample {
        Sample { place, total_ms, right: Some(right), answer: right.to_string(), ..Sample::default() }
    }

    #[test]
    fn a_difference_is_that_of_the_pairs_and_has_a_verdict_only_when_there_are_enough() {
        let lists = |n: usize| -> (Vec<Sample>, Vec<Sample>) {
            let first = (1..=n).map(|place| sample(place, place as f32 * 10.0, true)).collect();
            // 3 ms slower each, in another order.
            let second = (1..=n).rev().map(|place| sample(place, place as f32 * 10.0 + 3.0, true)).collect();
            (first, second)
        };
        let (first, second) = lists(20);
        let found = of(&first, &second);
        let time = found.total_ms.unwrap();
        assert_eq!((time.n, time.difference, time.low, time.high), (20, 3.0, Some(3.0), Some(3.0)));
        assert_eq!((time.finding, found.right_finding), (Finding::More, Finding::Unproven));
        assert_eq!(found.same.map(|same| same.count), Some(20));
        let (first, second) = lists(19);
        assert_eq!(of(&first, &second).total_ms.unwrap().finding, Finding::TooFew);
        assert_eq!(of(&first, &[]).total_ms, None);
    }

    #[test]
    fn the_interval_is_made_of_the_sorted_differences() {
        let first: Vec<Sample> = (1..=20).map(|place| sample(place, 0.0, true)).collect();
        let second: Vec<Sample> = (1..=20).map(|place| sample(place, place as f32 - 10.0, false)).collect();
        let found = of(&first, &second);
        let time = found.total_ms.unwrap();
        // Differences -9 to 10; ranks 6 and 15.
        assert_eq!((time.difference, time.low, time.high), (0.5, Some(-4.0), Some(5.0)));
        assert_eq!(time.finding, Finding::Unproven);
        let right = found.right.unwrap();
        assert_eq!((right.first_only, right.second_only, right.difference), (0, 20, -1.0));
        assert_eq!(found.right_finding, Finding::Less);
    }

    #[test]
    fn past_questions_come_once_and_never_with_their_own_answers() {
        let past = |id: &str, question: &str, rating: i32| Logged {
            id: id.into(),
            question: question.into(),
            answer: format!("answer {id}"),
            opens: true,
            rating,
            ..Logged::default()
        };
        let log = [past("a", "What is 2 + 2?", 1), past("b", "Why?", -1), past("c", "what is 2 + 2", 0)];
        let found = past_questions(&log, &[]);
        assert_eq!(found.len(), 2);
        assert_eq!((found[0].question.as_str(), found[0].without.len()), ("what is 2 + 2", 2));
        assert_eq!(found[0].expected.as_deref(), Some("answer a"), "what was rated up is right");
        assert_eq!(found[1].expected, None, "a bad answer is no reason not to ask again");
    }
}
