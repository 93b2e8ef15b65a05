//! Candidates by BM25. The words of the user become term queries; they never pass a query parser, which would
//! refuse or misread half of what people type.

use super::fresh::{Fresh, Known};
use super::index::{SearchIndex, failed};
use super::meaning::Meant;
use super::vectors::{Near, Of};
use super::{Archive, ArchiveError, Entry, entries, fuse, now_ms, terms};
use serde::{Deserialize, Serialize};
use std::collections::{HashMap, HashSet};
use std::time::Instant;
use tantivy::collector::{Count, TopDocs};
use tantivy::query::{BooleanQuery, BoostQuery, Occur, Query, TermQuery, TermSetQuery};
use tantivy::schema::{Field, IndexRecordOption, Value};
use tantivy::{Searcher, TantivyDocument, Term};
use ts_rs::TS;

/// Of a larger index nobody counts what has one of several words: that takes longer than the search.
const COUNTED: u64 = 20_000;

/// A pasted book is searched by its rarest words.
const MOST_TERMS: usize = 64;

/// A word in the past question says more than one somewhere in the answer.
const QUESTION_BOOST: f32 = 1.5;

/// Saturation of a term's frequency in tantivy's BM25: a term adds at most `idf (K1 + 1)`.
const K1: f32 = 1.2;

/// One hit of a search.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct Hit {
    pub id: String,
    pub question: String,
    pub answer: String,
    pub expert: String,
    /// 0 to 1. By words alone: `bm25` as a part of what these words could reach at most; with vectors: that
    /// part and the cosine, fused.
    pub score: f32,
    pub bm25: f32,
    /// Of its vector with that of the text; `None` without vectors.
    pub cosine: Option<f32>,
    pub rating: i32,
    /// Unix time in milliseconds.
    #[ts(type = "number")]
    pub created: i64,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, TS)]
pub struct Hits {
    pub hits: Vec<Hit>,
    /// Past answers with at least one of the words; of more than 20,000 kept ones, with the most common of the words.
    pub considered: u32,
    /// The encoder that was used, or the built-in table.
    pub encoder: Option<String>,
    /// Why the one that was chosen was not.
    pub without_meaning: Option<String>,
    pub elapsed_ms: f32,
}

/// Past answers that share words with a question, best BM25 first, then others that are near in meaning.
#[derive(Clone, Debug, Default)]
pub struct Candidates {
    pub entries: Vec<Candidate>,
    pub considered: u32,
}

#[derive(Clone, Debug)]
pub struct Candidate {
    pub entry: Entry,
    /// 0: none of the words.
    pub bm25: f32,
    /// `None`: there is no encoder, or no vector yet.
    pub cosine: Option<f32>,
}

/// Ids with their BM25, best first.
pub(crate) struct Found {
    pub ids: Vec<(String, f32)>,
    /// Past answers with at least one of the words; of more than 20,000 kept ones, with the most common of the words.
    pub considered: u32,
    /// What BM25 cannot exceed for these words.
    pub ceiling: f32,
}

/// How often terms occur among the kept questions: what rarity is computed from.
#[derive(Clone, Debug, Default)]
pub struct Frequencies {
    questions: u64,
    of: HashMap<String, u64>,
}

impl Frequencies {
    /// Kept questions in all.
    pub fn questions(&self) -> u64 {
        self.questions
    }

    /// Kept questions with this term; 0 for one that was not asked about.
    pub fn of(&self, term: &str) -> u64 {
        self.of.get(term).copied().unwrap_or(0)
    }
}

/// More hits are no search.
const MOST_HITS: usize = 10_000;

/// Looked at in each of two orders before they become one.
const DEPTH: usize = 100;

/// What [`Archive::search`] gives.
pub(super) fn hits(archive: &Archive, text: &str, limit: usize) -> Result<Hits, ArchiveError> {
    let started = Instant::now();
    let limit = limit.min(MOST_HITS);
    let (meant, without_meaning) = archive.meant_to_rank(text)?;
    let mut hits = Hits { without_meaning, ..Hits::default() };
    let depth = if meant.is_some() { limit.max(DEPTH) } else { limit };
    let (found, entries) = archive.find(terms(text), depth, true)?;
    let by_words = entries.into_iter().map(|(entry, bm25)| {
        let score = if found.ceiling > 0.0 { (bm25 / found.ceiling).clamp(0.0, 1.0) } else { 0.0 };
        hit(entry, bm25, score)
    });
    (hits.hits, hits.considered) = (by_words.collect(), found.considered);
    if let Some(meant) = meant {
        hits.hits = by_meaning_too(archive, &meant, hits.hits)?;
        hits.encoder = Some(meant.encoder().to_owned());
    }
    hits.hits.truncate(limit);
    hits.elapsed_ms = started.elapsed().as_secs_f32() * 1e3;
    Ok(hits)
}

fn by_meaning_too(archive: &Archive, meant: &Meant, by_words: Vec<Hit>) -> Result<Vec<Hit>, ArchiveError> {
    let near = near(archive, meant, DEPTH, by_words.iter().map(|hit| hit.id.as_str()))?;
    let mut all = by_words;
    all.extend(near.others.into_iter().map(|(entry, _)| hit(entry, 0.0, 0.0)));
    let now = now_ms();
    for hit in &mut all {
        hit.cosine = near.cosines.get(&hit.id).copied();
        let score = meant.fused(hit.score, hit.cosine) * fuse::kept(hit.created, hit.rating, now);
        // Sums of BM25 differ in their last bits with the files of the index.
        hit.score = (score * 1e4).round() / 1e4;
    }
    // Equals in an order that a restart does not change.
    all.sort_by(|a, b| b.score.total_cmp(&a.score).then_with(|| a.id.cmp(&b.id)));
    Ok(all)
}

/// Past answers near a question that are not `known`, and the cosines of all.
struct ByMeaning {
    others: Vec<(Entry, f32)>,
    cosines: HashMap<String, f32>,
}

fn near<'a>(
    archive: &Archive,
    meant: &Meant,
    limit: usize,
    known: impl Iterator<Item = &'a str> + Clone,
) -> Result<ByMeaning, ArchiveError> {
    let database = archive.database();
    let Near { nearest, of: mut cosines } = meant.near(&database, Of::PastAnswers, limit, known.clone())?;
    let known: HashSet<&str> = known.collect();
    let mut others = Vec::new();
    for (id, cosine) in nearest.into_iter().filter(|(id, _)| !known.contains(id.as_str())) {
        let entry = entries::get(&database, &id)
            .map_err(|source| ArchiveError::Database { doing: "read a past answer", source })?;
        others.extend(entry.map(|entry| (entry, cosine)));
        cosines.insert(id, cosine);
    }
    Ok(ByMeaning { others, cosines })
}

/// What recall chooses from: past answers whose question has some of these terms, and those near in meaning.
pub(super) fn candidates(
    archive: &Archive,
    terms: &[String],
    meant: Option<&Meant>,
    limit: usize,
) -> Result<Candidates, ArchiveError> {
    let (found, entries) = archive.find(terms.to_vec(), limit, false)?;
    let of = |(entry, bm25)| Candidate { entry, bm25, cosine: None };
    let mut candidates: Vec<Candidate> = entries.into_iter().map(of).collect();
    if let Some(meant) = meant {
        let near =
            near(archive, meant, limit, candidates.iter().map(|candidate| candidate.entry.id.as_str()))?;
        for candidate in &mut candidates {
            candidate.cosine = near.cosines.get(&candidate.entry.id).copied();
        }
        let of = |(entry, cosine)| Candidate { entry, bm25: 0.0, cosine: Some(cosine) };
        candidates.extend(near.others.into_iter().map(of));
    }
    Ok(Candidates { entries: candidates, considered: found.considered })
}

fn hit(entry: Entry, bm25: f32, score: f32) -> Hit {
    Hit {
        id: entry.id,
        question: entry.question,
        answer: entry.answer,
        expert: entry.expert,
        score,
        bm25,
        cosine: None,
        rating: entry.rating,
        created: entry.created,
    }
}

/// Past answers whose question, or also whose answer, has some of the words, which are terms of the analyzer.
pub(crate) fn search(
    index: &SearchIndex,
    words: Vec<String>,
    limit: usize,
    answers_too: bool,
) -> Result<Found, ArchiveError> {
    search_with(index, &Fresh::default(), words, limit, answers_too)
}

/// The same, with what the index does not have yet.
pub(super) fn search_with(
    index: &SearchIndex,
    fresh: &Fresh,
    words: Vec<String>,
    limit: usize,
    answers_too: bool,
) -> Result<Found, ArchiveError> {
    let nothing = Found { ids: Vec::new(), considered: 0, ceiling: 0.0 };
    let searcher = index.searcher()?;
    let known = Known { searcher: &searcher, fields: index.fields, fresh };
    let words: HashSet<String> = words.into_iter().collect();
    if words.is_empty() || known.answers() == 0 || limit == 0 {
        return Ok(nothing);
    }
    let fields = [(index.fields.question, QUESTION_BOOST), (index.fields.answer, 1.0)];
    let mut weighed: Vec<(f32, Term, f32)> = Vec::new();
    let mut commonest = 0;
    for (field, boost) in fields.into_iter().take(if answers_too { 2 } else { 1 }) {
        for word in &words {
            let term = Term::from_field_text(field, word);
            let found = known.frequency(&term)?;
            commonest = commonest.max(found);
            if found > 0 {
                weighed.push((idf(known.answers(), found) * boost, term, boost));
            }
        }
    }
    weighed.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
    weighed.truncate(MOST_TERMS);
    if weighed.is_empty() {
        return Ok(nothing);
    }
    let ceiling = weighed.iter().map(|(weight, ..)| weight * (K1 + 1.0)).sum();
    let weighed: Vec<(Term, f32)> = weighed.into_iter().map(|(_, term, boost)| (term, boost)).collect();
    let clauses = weighed.iter().map(|(term, boost)| {
        let query: Box<dyn Query> = Box::new(TermQuery::new(term.clone(), IndexRecordOption::WithFreqs));
        (Occur::Should, Box::new(BoostQuery::new(query, *boost)) as Box<dyn Query>)
    });
    let query = BooleanQuery::new(clauses.collect());
    // Each by itself: the best few are found without looking at all, which counting would undo.
    let best = TopDocs::with_limit(limit + fresh.ids.len()).order_by_score();
    let top = searcher
        .search_with_statistics_provider(&query, &best, &known)
        .map_err(failed("search the index"))?;
    let mut ids = fresh.score(&known, &weighed)?;
    let considered = match known.answers() <= COUNTED {
        true => count(&searcher, index, query, fresh)? + ids.len(),
        false => commonest as usize,
    };
    for (bm25, address) in top {
        let document: TantivyDocument = searcher.doc(address).map_err(failed("search the index"))?;
        let id = document.get_first(index.fields.id).and_then(|id| id.as_str().map(str::to_owned));
        ids.extend(id.filter(|id| !fresh.ids.contains(id)).map(|id| (id, bm25)));
    }
    ids.sort_by(|a, b| b.1.total_cmp(&a.1));
    ids.truncate(limit);
    Ok(Found { ids, considered: considered as u32, ceiling })
}

/// Documents that the query finds, without those that changed since.
fn count(
    searcher: &Searcher,
    index: &SearchIndex,
    query: BooleanQuery,
    fresh: &Fresh,
) -> Result<usize, ArchiveError> {
    if fresh.ids.is_empty() {
        return searcher.search(&query, &Count).map_err(failed("search the index"));
    }
    let changed = fresh.ids.iter().map(|id| Term::from_field_text(index.fields.id, id));
    let unchanged = BooleanQuery::new(vec![
        (Occur::Must, Box::new(query)),
        (Occur::MustNot, Box::new(TermSetQuery::new(changed))),
    ]);
    searcher.search(&unchanged, &Count).map_err(failed("search the index"))
}

/// How many documents of the index have each of the terms in this field.
pub(crate) fn frequencies<'a>(
    index: &SearchIndex,
    field: Field,
    terms: impl Iterator<Item = &'a str>,
) -> Result<Frequencies, ArchiveError> {
    frequencies_with(index, &Fresh::default(), field, terms)
}

/// The same, with what the index does not have yet.
pub(super) fn frequencies_with<'a>(
    index: &SearchIndex,
    fresh: &Fresh,
    field: Field,
    terms: impl Iterator<Item = &'a str>,
) -> Result<Frequencies, ArchiveError> {
    let searcher = index.searcher()?;
    let known = Known { searcher: &searcher, fields: index.fields, fresh };
    let mut of = HashMap::new();
    for term in terms {
        if !of.contains_key(term) {
            of.insert(term.to_owned(), known.frequency(&Term::from_field_text(field, term))?);
        }
    }
    Ok(Frequencies { questions: known.answers(), of })
}

/// Inverse document frequency as BM25 has it.
fn idf(documents: u64, found: u64) -> f32 {
    let (documents, found) = (documents.max(found) as f32, found as f32);
    (1.0 + (documents - found + 0.5) / (found + 0.5)).ln()
}
