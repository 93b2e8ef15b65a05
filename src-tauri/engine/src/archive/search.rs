//! Candidates by BM25. The words of the user become term queries; they never pass a query parser, which would
//! refuse or misread half of what people type.

use super::index::{SearchIndex, failed};
use super::meaning::Meaning;
use super::{Archive, ArchiveError, Entry, entries, fuse, now_ms, terms};
use serde::{Deserialize, Serialize};
use std::collections::{HashMap, HashSet};
use std::time::Instant;
use tantivy::collector::{Count, TopDocs};
use tantivy::query::{BooleanQuery, BoostQuery, Occur, Query, TermQuery};
use tantivy::schema::{Field, IndexRecordOption, Value};
use tantivy::{Searcher, TantivyDocument, Term};
use ts_rs::TS;

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
    /// 0 to 1. By words alone: `bm25` as a part of what these words could reach at most; with an encoder: the ranks by
    /// words and by meaning, fused.
    pub score: f32,
    pub bm25: f32,
    /// Of its vector with that of the text; `None` without an encoder.
    pub cosine: Option<f32>,
    pub rating: i32,
    /// Unix time in milliseconds.
    #[ts(type = "number")]
    pub created: i64,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, TS)]
pub struct Hits {
    pub hits: Vec<Hit>,
    /// Past answers with at least one of the words.
    pub considered: u32,
    /// The encoder that was used.
    pub encoder: Option<String>,
    /// Why the one that was chosen was not.
    pub without_meaning: Option<String>,
    pub elapsed_ms: f32,
}

/// Past answers that share words with a question, best BM25 first.
#[derive(Clone, Debug, Default)]
pub struct Candidates {
    pub entries: Vec<(Entry, f32)>,
    pub considered: u32,
}

/// Ids with their BM25, best first.
pub(crate) struct Found {
    pub ids: Vec<(String, f32)>,
    /// Past answers with at least one of the words.
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

/// Looked at in each of two orders before they become one.
const DEPTH: usize = 100;
/// New answers that a search embeds on its way; when more lack a vector it goes without them.
const ON_THE_WAY: usize = 16;

/// What [`Archive::search`] gives.
pub(super) fn hits(archive: &Archive, text: &str, limit: usize) -> Result<Hits, ArchiveError> {
    let started = Instant::now();
    let depth = if archive.meaning.is_some() { limit.max(DEPTH) } else { limit };
    let (found, entries) = archive.find(terms(text), depth, true)?;
    let by_words = entries.into_iter().map(|(entry, bm25)| {
        let score = if found.ceiling > 0.0 { (bm25 / found.ceiling).clamp(0.0, 1.0) } else { 0.0 };
        hit(entry, bm25, score)
    });
    let mut hits = Hits { hits: by_words.collect(), considered: found.considered, ..Hits::default() };
    if let Some(meaning) = archive.meaning.as_ref().filter(|_| limit > 0) {
        match by_meaning_too(archive, meaning, text, &hits.hits) {
            Ok(both) => {
                hits.hits = both;
                hits.encoder = Some(meaning.chosen.name.clone());
            }
            Err(ArchiveError::Encoder(error)) => hits.without_meaning = Some(error.to_string()),
            Err(error) => return Err(error),
        }
    }
    hits.hits.truncate(limit);
    hits.elapsed_ms = started.elapsed().as_secs_f32() * 1e3;
    Ok(hits)
}

fn by_meaning_too(
    archive: &Archive,
    meaning: &Meaning,
    text: &str,
    by_words: &[Hit],
) -> Result<Vec<Hit>, ArchiveError> {
    meaning.embed_some(&archive.database, ON_THE_WAY)?;
    let near = meaning.near(&archive.database, text, DEPTH, by_words.iter().map(|hit| hit.id.as_str()))?;
    let scores = fuse::fuse(
        by_words.iter().map(|hit| hit.id.as_str()),
        near.nearest.iter().map(|(id, _)| id.as_str()),
    );
    let mut all: Vec<Hit> = by_words.to_vec();
    {
        let database = archive.database();
        let known: HashSet<&str> = by_words.iter().map(|hit| hit.id.as_str()).collect();
        for (id, _) in near.nearest.iter().filter(|(id, _)| !known.contains(id.as_str())) {
            let entry = entries::get(&database, id)
                .map_err(|source| ArchiveError::Database { doing: "read a past answer", source })?;
            all.extend(entry.map(|entry| hit(entry, 0.0, 0.0)));
        }
    }
    let nearest = near.nearest.iter().map(|(id, cosine)| (id.as_str(), *cosine));
    let cosines: HashMap<&str, f32> =
        near.of.iter().map(|(id, cosine)| (id.as_str(), *cosine)).chain(nearest).collect();
    let now = now_ms();
    for hit in &mut all {
        hit.cosine = cosines.get(hit.id.as_str()).copied();
        let score = scores.get(hit.id.as_str()).copied().unwrap_or(0.0);
        hit.score = score * fuse::kept(hit.created, hit.rating, now);
    }
    all.sort_by(|a, b| b.score.total_cmp(&a.score));
    Ok(all)
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
    let nothing = Found { ids: Vec::new(), considered: 0, ceiling: 0.0 };
    let searcher = index.searcher()?;
    let words: HashSet<String> = words.into_iter().collect();
    if words.is_empty() || searcher.num_docs() == 0 || limit == 0 {
        return Ok(nothing);
    }
    let fields = [(index.fields.question, QUESTION_BOOST), (index.fields.answer, 1.0)];
    let mut weighed: Vec<(f32, Term, f32)> = Vec::new();
    for (field, boost) in fields.into_iter().take(if answers_too { 2 } else { 1 }) {
        for word in &words {
            let term = Term::from_field_text(field, word);
            let found = searcher.doc_freq(&term).map_err(failed("search the index"))?;
            if found > 0 {
                weighed.push((idf(searcher.num_docs(), found) * boost, term, boost));
            }
        }
    }
    weighed.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
    weighed.truncate(MOST_TERMS);
    if weighed.is_empty() {
        return Ok(nothing);
    }
    let ceiling = weighed.iter().map(|(weight, ..)| weight * (K1 + 1.0)).sum();
    let clauses = weighed.into_iter().map(|(_, term, boost)| {
        let query: Box<dyn Query> = Box::new(TermQuery::new(term, IndexRecordOption::WithFreqs));
        (Occur::Should, Box::new(BoostQuery::new(query, boost)) as Box<dyn Query>)
    });
    let query = BooleanQuery::new(clauses.collect());
    let (top, considered) = searcher
        .search(&query, &(TopDocs::with_limit(limit).order_by_score(), Count))
        .map_err(failed("search the index"))?;
    let mut ids = Vec::with_capacity(top.len());
    for (bm25, address) in top {
        let document: TantivyDocument = searcher.doc(address).map_err(failed("search the index"))?;
        if let Some(id) = document.get_first(index.fields.id).and_then(|id| id.as_str().map(str::to_owned)) {
            ids.push((id, bm25));
        }
    }
    Ok(Found { ids, considered: considered as u32, ceiling })
}

/// How many documents of the index have each of the terms in this field.
pub(crate) fn frequencies<'a>(
    index: &SearchIndex,
    field: Field,
    terms: impl Iterator<Item = &'a str>,
) -> Result<Frequencies, ArchiveError> {
    let searcher = index.searcher()?;
    let mut of = HashMap::new();
    for term in terms {
        if !of.contains_key(term) {
            of.insert(term.to_owned(), frequency(&searcher, field, term)?);
        }
    }
    Ok(Frequencies { questions: searcher.num_docs(), of })
}

fn frequency(searcher: &Searcher, field: Field, term: &str) -> Result<u64, ArchiveError> {
    searcher.doc_freq(&Term::from_field_text(field, term)).map_err(failed("search the index"))
}

/// Inverse document frequency as BM25 has it.
fn idf(documents: u64, found: u64) -> f32 {
    let (documents, found) = (documents.max(found) as f32, found as f32);
    (1.0 + (documents - found + 0.5) / (found + 0.5)).ln()
}
