//! Cover: how much of a question a passage of a document speaks of.
//!
//! The question becomes its subject, its terms weigh by their rarity among the passages, and the cover is the part of that
//! weight whose terms stand in the passage or above it: a word that the passage has not counts against it. Relevance is
//! `cover^1.5 x BM25`, and half of it only where the question does not speak of what the heading says: that keeps
//! documents out of questions about something else. The form and its one number were chosen on one half of the data
//! named in `tests/documents.rs`, which measures on the other.
//!
//! With an encoder a passage is judged by its meaning, and not by this.
//!
//! Source: BM25 as in Robertson and Zaragoza, The Probabilistic Relevance Framework (2009), with the rarities of
//!         [`Rarity`], which know a small collection from a large one.

use super::relevance::{Rarity, Subject, only_asks};
use super::{MOST_PASSAGES, THRESHOLD, on_scale};
use crate::archive::meaning::Meant;
use crate::archive::terms;
use crate::documents::{Documents, DocumentsError};
use crate::words::{Passage, Question};
use std::collections::{HashMap, HashSet};

/// Passages under it are not shown.
const LEAST: f32 = 8.0;

/// With an encoder: the cosine from which passages are shown. By 0.575 questions about something else get nothing in 98.5 % on
/// that one half, and 81 % of the others get their passage; with the words beside it there were fewer.
const LEAST_COSINE: f32 = 0.58;

/// One term in common is chance, unless the question has no other.
const LEAST_TERMS: usize = 2;

/// Looked at by cover.
const CANDIDATES: usize = 30;

/// BM25: saturation of a term, the part of a passage's length that counts, and the terms of an ordinary passage.
const K1: f32 = 1.2;
const B: f32 = 0.75;
const ORDINARY_TERMS: f32 = 110.0;

/// What relevance keeps where the question has nothing of the heading, and where there is no heading.
const WITHOUT_HEADING: f32 = 0.5;
const NO_HEADING: f32 = 0.75;

/// Passages that bear on the question, best first, and how many had a word of it. Their scores are on the scale of past
/// answers: the least relevance is the threshold.
pub(super) fn passages(
    documents: &Documents,
    question: &Question,
    meant: Option<&Meant>,
) -> Result<(Vec<Passage>, u32), DocumentsError> {
    let asked = Subject::of(&question.text);
    if asked.only_asks() {
        return Ok((Vec::new(), 0));
    }
    let words: HashSet<&str> = asked.words().iter().map(String::as_str).collect();
    let found = documents.candidates(asked.words().to_vec(), meant, CANDIDATES)?;
    let headings: Vec<Vec<String>> = found.passages.iter().map(heading).collect();
    let known = headings.iter().flatten().map(String::as_str).chain(words.iter().copied());
    let rarity = Rarity::new(documents.frequencies(known)?);
    let mut kept = Vec::new();
    for (passage, heading) in found.passages.into_iter().zip(&headings) {
        let score = match passage.cosine {
            Some(cosine) => on_scale(cosine, LEAST_COSINE),
            None => 1.0 - (1.0 - THRESHOLD) * LEAST / relevance(&words, &passage.answer, heading, &rarity),
        };
        if score >= THRESHOLD && !question.without.contains(&passage.id) {
            kept.push(Passage { score, ..passage });
        }
    }
    kept.sort_by(|a, b| b.score.total_cmp(&a.score));
    kept.truncate(MOST_PASSAGES);
    Ok((kept, found.considered))
}

fn heading(passage: &Passage) -> Vec<String> {
    passage.document.as_ref().map(|place| terms(&place.heading)).unwrap_or_default()
}

/// `text` and `heading` of a passage against the words of a question; 0 for none in common, without an upper end.
fn relevance(words: &HashSet<&str>, text: &str, heading: &[String], rarity: &Rarity) -> f32 {
    let mut often: HashMap<String, u32> = HashMap::new();
    let mut length = heading.len();
    for term in terms(text).into_iter().inspect(|_| length += 1).chain(heading.iter().cloned()) {
        *often.entry(term).or_default() += 1;
    }
    let common: Vec<(&str, f32)> =
        words.iter().filter_map(|word| Some((*word, *often.get(*word)? as f32))).collect();
    if common.len() < LEAST_TERMS.min(words.len()) {
        return 0.0;
    }
    let all: f32 = words.iter().map(|word| rarity.of(word)).sum();
    let cover = common.iter().map(|(word, _)| rarity.of(word)).sum::<f32>() / all.max(f32::MIN_POSITIVE);
    let saturation = K1 * (1.0 - B + B * length as f32 / ORDINARY_TERMS);
    let bm25: f32 =
        common.iter().map(|(word, times)| rarity.of(word) * times * (K1 + 1.0) / (times + saturation)).sum();
    cover.powf(1.5) * bm25 * heading_agrees(words, heading, rarity)
}

/// How much of what the heading says the question says as well.
fn heading_agrees(words: &HashSet<&str>, heading: &[String], rarity: &Rarity) -> f32 {
    let matter: HashSet<&str> = heading.iter().map(String::as_str).filter(|term| !only_asks(term)).collect();
    let all: f32 = matter.iter().map(|term| rarity.of(term)).sum();
    if all <= 0.0 {
        return NO_HEADING;
    }
    let common: f32 = matter.intersection(words).map(|term| rarity.of(term)).sum();
    WITHOUT_HEADING + (1.0 - WITHOUT_HEADING) * common / all
}
