//! Relevance: how much each unit of a context bears on a question.
//!
//! With a question, what was learned of a unit's [`features`]; first of them is a score by hand: what the unit's own terms
//! share with the question, plus what its passage shares, plus a little of its neighbours (the answer often stands beside
//! the sentence that repeats the question), its place in the passage, and whether it holds the kind of thing that is asked
//! for (a time for "when"). Rarity comes from the context itself.
//!
//! Source: BM25 (Robertson and Zaragoza 2009) with k1 1.2; weights learned on Natural Questions, see `tests/compress.rs`

use super::features::features;
use super::scorer::Scorer;
use super::sought::Sought;
use super::units::{Kind, Unit};
use crate::archive::terms;
use std::collections::{HashMap, HashSet};
use std::ops::Range;

/// What the parts of a score weigh.
#[derive(Clone, Copy, Debug)]
pub struct Weights {
    pub passage: f32,
    pub neighbour: f32,
    pub place: f32,
    pub kind: f32,
    pub pairs: f32,
    pub unit_b: f32,
    pub passage_b: f32,
    /// What the best unit of a passage lends to the others.
    pub best: f32,
    /// What each unit of a passage loses for every better one, so that no passage takes the whole budget.
    pub rank: f32,
}

/// Found by coordinate ascent on 1,000 questions of Natural Questions, on passages without titles; most of them may move by a
/// quarter without a change of more than a point.
pub const WEIGHTS: Weights = Weights {
    passage: 1.125,
    neighbour: 0.55,
    place: 0.2,
    kind: 0.225,
    pairs: 0.1,
    unit_b: 0.75,
    passage_b: 0.75,
    best: 0.3,
    rank: 0.03,
};

const K1: f32 = 1.2;

/// A passage of more units than this is read by neighbourhoods of so many units to each side.
const LONG_PASSAGE: usize = 12;
const NEIGHBOURS: usize = 2;

/// Words that ask and join: they say nothing of what is asked about.
pub(super) const ASKING: [&str; 57] = [
    "a", "an", "the", "of", "in", "on", "at", "to", "for", "by", "with", "from", "and", "or", "is", "are",
    "was", "were", "be", "been", "do", "doe", "did", "has", "have", "had", "who", "whom", "whose", "what",
    "when", "where", "which", "why", "how", "mani", "much", "it", "this", "that", "these", "those", "as",
    "can", "could", "will", "would", "should", "i", "you", "me", "my", "your", "we", "tell", "pleas",
    "there",
];

/// The terms of the units of a context, and how rare each is in it.
pub struct Terms {
    /// Of each unit, in order.
    pub of: Vec<Vec<u32>>,
    pub(super) known: HashMap<String, u32>,
    /// Units that hold the term.
    within: Vec<u32>,
    numbers: Vec<bool>,
}

impl Terms {
    pub fn of(text: &str, units: &[Unit]) -> Terms {
        let mut all = Terms {
            of: Vec::with_capacity(units.len()),
            known: HashMap::new(),
            within: Vec::new(),
            numbers: Vec::new(),
        };
        let mut last_unit: Vec<usize> = Vec::new();
        for (at, unit) in units.iter().enumerate() {
            let mut ids = Vec::new();
            for term in terms(&text[unit.body()]) {
                let next = all.known.len() as u32;
                let is_number = term.bytes().any(|byte| byte.is_ascii_digit());
                let id = *all.known.entry(term).or_insert(next);
                if id == next {
                    all.numbers.push(is_number);
                    all.within.push(0);
                    last_unit.push(usize::MAX);
                }
                if last_unit[id as usize] != at {
                    last_unit[id as usize] = at;
                    all.within[id as usize] += 1;
                }
                ids.push(id);
            }
            all.of.push(ids);
        }
        all
    }

    /// It has a digit.
    pub fn is_number(&self, id: u32) -> bool {
        self.numbers[id as usize]
    }

    /// Rarity of a term among the units, above 0.
    pub fn rarity(&self, id: u32) -> f32 {
        let (n, within) = (self.of.len() as f32, self.within[id as usize] as f32);
        (1.0 + (n - within + 0.5) / (within + 0.5)).ln()
    }
}

/// The score of each unit; only the order means something. With a question, what was learned of its [`features`];
/// without one, how much a unit has in common with the whole.
pub fn relevance(text: &str, units: &[Unit], terms_of: &Terms, question: Option<&str>) -> Vec<f32> {
    let asked = question.map(|question| asked(question, terms_of)).unwrap_or_default();
    match question {
        Some(question) if !asked.is_empty() => {
            let scorer = Scorer::shipped();
            features(text, units, terms_of, question).iter().map(|row| scorer.score(row)).collect()
        }
        _ => parts(text, units, terms_of, question, &WEIGHTS)
            .map_or_else(|| vec![0.0; units.len()], |parts| parts.score),
    }
}

/// What the score is made of, of each unit.
pub(super) struct Parts {
    /// BM25 of the unit alone, of what is read with it, and of the units beside it: 0 to 1.
    pub own: Vec<f32>,
    pub around: Vec<f32>,
    pub near: Vec<f32>,
    pub place: Vec<f32>,
    pub kind: Vec<f32>,
    pub pairs: Vec<f32>,
    /// All of it by [`Weights`].
    pub score: Vec<f32>,
}

/// `None` when nothing is asked about and the text is about nothing.
pub(super) fn parts(
    text: &str,
    units: &[Unit],
    terms_of: &Terms,
    question: Option<&str>,
    weights: &Weights,
) -> Option<Parts> {
    let asked = question.map(|question| asked(question, terms_of)).unwrap_or_default();
    let wanted: Vec<u32> = if asked.is_empty() { subject(terms_of) } else { asked };
    let most: f32 = wanted.iter().map(|&id| terms_of.rarity(id)).sum::<f32>() * (K1 + 1.0);
    if most == 0.0 {
        return None;
    }
    let counted = Counted::of(terms_of, &wanted);
    let mean_unit = counted.mean_length();
    let score = |units: Range<usize>, b: f32, mean: f32| counted.bm25(units, terms_of, b, mean) / most;
    let own: Vec<f32> = (0..units.len()).map(|at| score(at..at + 1, weights.unit_b, mean_unit)).collect();
    let surroundings = surroundings(units);
    let mean_around =
        surroundings.iter().map(|around| counted.length(around)).sum::<f32>() / units.len().max(1) as f32;
    let mut around: Vec<f32> = Vec::with_capacity(units.len());
    for (at, range) in surroundings.iter().enumerate() {
        let same = at.checked_sub(1).filter(|&before| surroundings[before] == *range);
        let passage = same.map(|before| around[before]);
        around.push(passage.unwrap_or_else(|| score(range.clone(), weights.passage_b, mean_around)));
    }
    let beside = |at: usize, other: Option<usize>| {
        other
            .filter(|&other| units.get(other).is_some_and(|other| other.passage == units[at].passage))
            .map_or(0.0, |other| own[other])
    };
    let near =
        (0..units.len()).map(|at| (beside(at, at.checked_sub(1)) + beside(at, Some(at + 1))) / 2.0).collect();
    let first = first_units(units);
    let place = units
        .iter()
        .enumerate()
        .map(|(at, unit)| 1.0 / (1 + at.saturating_sub(first[unit.passage])) as f32)
        .collect();
    let sought = question.map_or(Sought::Anything, Sought::of);
    let kind = units.iter().map(|unit| f32::from(u8::from(sought.is_in(&text[unit.body()])))).collect();
    let ordered: HashSet<(u32, u32)> =
        question.map(|question| in_order(question, terms_of)).unwrap_or_default();
    let pairs = terms_of
        .of
        .iter()
        .map(|ids| {
            let there = ids.windows(2).filter(|pair| ordered.contains(&(pair[0], pair[1]))).count();
            (there as f32 / ordered.len().max(1) as f32).min(1.0)
        })
        .collect();
    let mut parts = Parts { own, around, near, place, kind, pairs, score: Vec::new() };
    parts.score = (0..units.len())
        .map(|at| {
            parts.own[at]
                + weights.passage * parts.around[at]
                + weights.neighbour * parts.near[at]
                + weights.place * parts.place[at]
                + weights.kind * parts.kind[at]
                + weights.pairs * parts.pairs[at]
        })
        .collect();
    share_within(&mut parts.score, units, weights);
    Some(parts)
}

/// The units of a passage stand by their best one, and behind each other.
fn share_within(scores: &mut [f32], units: &[Unit], weights: &Weights) {
    let mut start = 0;
    for passage in units.chunk_by(|a, b| a.passage == b.passage) {
        let own = &mut scores[start..start + passage.len()];
        let mut order: Vec<usize> = (0..own.len()).collect();
        order.sort_by(|&a, &b| own[b].total_cmp(&own[a]));
        let best = own[order[0]];
        for (rank, at) in order.into_iter().enumerate() {
            own[at] += weights.best * best - weights.rank * (rank as f32).powf(0.7);
        }
        start += passage.len();
    }
}

/// The terms of the question that the context has and that say what is asked about; each once.
fn asked(question: &str, terms_of: &Terms) -> Vec<u32> {
    let all = terms(question);
    let known = |said: &dyn Fn(&str) -> bool| {
        let mut ids: Vec<u32> = all
            .iter()
            .filter(|term| said(term))
            .filter_map(|term| terms_of.known.get(term))
            .copied()
            .collect();
        ids.sort_unstable();
        ids.dedup();
        ids
    };
    let telling = known(&|term| !ASKING.contains(&term));
    if telling.is_empty() { known(&|_| true) } else { telling }
}

/// Pairs of terms that stand side by side in the question.
fn in_order(question: &str, terms_of: &Terms) -> HashSet<(u32, u32)> {
    let ids: Vec<Option<u32>> =
        terms(question).iter().map(|term| terms_of.known.get(term).copied()).collect();
    ids.windows(2).filter_map(|pair| Some((pair[0]?, pair[1]?))).collect()
}

/// What a text without a question is about: the terms that most of it shares, by count times rarity, at most 20.
fn subject(terms_of: &Terms) -> Vec<u32> {
    let mut counts = vec![0u32; terms_of.within.len()];
    terms_of.of.iter().flatten().for_each(|&id| counts[id as usize] += 1);
    let stop: Vec<u32> = ASKING.iter().filter_map(|word| terms_of.known.get(*word)).copied().collect();
    let mut ids: Vec<u32> = (0..counts.len() as u32).filter(|id| !stop.contains(id)).collect();
    ids.sort_by(|&a, &b| {
        let weight = |id: u32| counts[id as usize] as f32 * terms_of.rarity(id);
        weight(b).total_cmp(&weight(a)).then(a.cmp(&b))
    });
    ids.truncate(20);
    ids.sort_unstable();
    ids
}

/// How often each unit holds the wanted terms, and how long it is.
struct Counted {
    of: Vec<Vec<(u32, f32)>>,
    /// Terms before each unit, and after the last.
    before: Vec<usize>,
}

impl Counted {
    /// `wanted` in rising order.
    fn of(terms_of: &Terms, wanted: &[u32]) -> Counted {
        let mut before = vec![0];
        let of = terms_of
            .of
            .iter()
            .map(|ids| {
                before.push(before[before.len() - 1] + ids.len());
                let mut there: Vec<u32> =
                    ids.iter().filter(|id| wanted.binary_search(id).is_ok()).copied().collect();
                there.sort_unstable();
                there.chunk_by(|a, b| a == b).map(|same| (same[0], same.len() as f32)).collect()
            })
            .collect();
        Counted { of, before }
    }

    fn length(&self, units: &Range<usize>) -> f32 {
        (self.before[units.end] - self.before[units.start]) as f32
    }

    fn mean_length(&self) -> f32 {
        self.length(&(0..self.of.len())) / self.of.len().max(1) as f32
    }

    /// BM25 of neighbouring units as one document.
    fn bm25(&self, units: Range<usize>, terms_of: &Terms, b: f32, mean: f32) -> f32 {
        let length = K1 * (1.0 - b + b * self.length(&units) / mean.max(1.0));
        let mut counts: Vec<(u32, f32)> = self.of[units].iter().flatten().copied().collect();
        counts.sort_unstable_by_key(|(id, _)| *id);
        counts
            .chunk_by(|a, b| a.0 == b.0)
            .map(|same| {
                let n: f32 = same.iter().map(|(_, n)| n).sum();
                terms_of.rarity(same[0].0) * n * (K1 + 1.0) / (n + length)
            })
            .sum()
    }
}

/// For each unit the units that are read with it: its passage, or its neighbours where the passage is long.
fn surroundings(units: &[Unit]) -> Vec<Range<usize>> {
    let mut around = Vec::with_capacity(units.len());
    for passage in units.chunk_by(|a, b| a.passage == b.passage) {
        let start = around.len();
        let end = start + passage.len();
        around.extend((start..end).map(|at| {
            if passage.len() <= LONG_PASSAGE {
                start..end
            } else {
                at.saturating_sub(NEIGHBOURS).max(start)..(at + NEIGHBOURS + 1).min(end)
            }
        }));
    }
    around
}

/// The first unit of each passage that is no heading.
pub(super) fn first_units(units: &[Unit]) -> Vec<usize> {
    let mut first = vec![usize::MAX; units.last().map_or(0, |unit| unit.passage + 1)];
    for (at, unit) in units.iter().enumerate().filter(|(_, unit)| unit.kind != Kind::Heading) {
        first[unit.passage] = first[unit.passage].min(at);
    }
    for (at, unit) in units.iter().enumerate() {
        first[unit.passage] = first[unit.passage].min(at);
    }
    first
}
