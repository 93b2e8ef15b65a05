//! Candidates by BM25. The words of the user become term queries; they never pass a query parser, which would
//! refuse or misread half of what people type.

use super::index::{SearchIndex, failed};
use super::{ArchiveError, Entry};
use serde::{Deserialize, Serialize};
use std::collections::{HashMap, HashSet};
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
    /// `bm25` as a part of what these words could reach at most, 0 to 1.
    pub score: f32,
    pub bm25: f32,
    /// Similarity of vectors; there are none yet.
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
