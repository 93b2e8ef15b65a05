//! Cover: how much of a question a passage of a document speaks of, 0 to 1.
//!
//! The question becomes its subject, its terms weigh by their rarity among the passages, and the cover is the part of that
//! weight whose terms stand in the passage, its heading or its file's name. A word that no document has counts against
//! all of them: that keeps documents out of questions that are about something else.

use super::relevance::{Rarity, Subject};
use super::{MOST_PASSAGES, THRESHOLD};
use crate::archive::terms;
use crate::documents::{Documents, DocumentsError};
use crate::words::{Passage, Question, Recalled};
use std::collections::HashSet;

/// Passages that cover less are not shown. Measured on questions people asked a search engine, see the test in
/// `tests/documents.rs`.
pub const LEAST_COVER: f32 = 0.65;

/// One term in common is chance, unless the question has no other.
const LEAST_TERMS: usize = 2;

/// Looked at by cover.
const CANDIDATES: usize = 30;

/// BM25 orders what covers the question: it knows where the terms are dense.
const BM25_PART: f32 = 0.5;

/// What documents alone know about a question.
pub fn recalled(documents: &Documents, question: &Question) -> Result<Recalled, DocumentsError> {
    let (passages, considered) = passages(documents, question)?;
    Ok(Recalled { asked: true, passages, considered, threshold: THRESHOLD, ..Recalled::default() })
}

/// Passages that bear on the question, best first, and how many had a word of it. Their scores are on the scale of past
/// answers: the least cover is the threshold.
pub(super) fn passages(
    documents: &Documents,
    question: &Question,
) -> Result<(Vec<Passage>, u32), DocumentsError> {
    let asked = Subject::of(&question.text);
    if asked.only_asks() {
        return Ok((Vec::new(), 0));
    }
    let found = documents.candidates(asked.words().to_vec(), CANDIDATES)?;
    let rarity = Rarity::new(documents.frequencies(asked.words().iter().map(String::as_str))?);
    let best = found.passages.iter().map(|passage| passage.bm25).fold(f32::MIN_POSITIVE, f32::max);
    let mut kept = Vec::new();
    for passage in found.passages {
        let cover = cover(&asked, &passage, &rarity);
        if cover >= LEAST_COVER && !question.without.contains(&passage.id) {
            let order = (1.0 - BM25_PART) * cover + BM25_PART * passage.bm25 / best;
            let score = 1.0 - (1.0 - cover) * (1.0 - THRESHOLD) / (1.0 - LEAST_COVER);
            kept.push((order, Passage { score, ..passage }));
        }
    }
    kept.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    kept.truncate(MOST_PASSAGES);
    Ok((kept.into_iter().map(|(_, passage)| passage).collect(), found.considered))
}

fn cover(asked: &Subject, passage: &Passage, rarity: &Rarity) -> f32 {
    let own: HashSet<String> = terms(&passage.question).into_iter().chain(terms(&passage.answer)).collect();
    let words: HashSet<&str> = asked.words().iter().map(String::as_str).collect();
    let common = words.iter().filter(|word| own.contains(**word));
    if common.clone().count() < LEAST_TERMS.min(words.len()) {
        return 0.0;
    }
    let common: f32 = common.map(|word| rarity.of(word)).sum();
    let all: f32 = words.iter().map(|word| rarity.of(word)).sum();
    common / all.max(f32::MIN_POSITIVE)
}
