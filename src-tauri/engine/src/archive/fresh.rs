//! Fresh: past answers that the index does not have yet. A search scores them by the formula and the statistics that the index
//! will have with them, so that nobody waits for a commit.

use super::ArchiveError;
use super::follow::read_changes;
use super::index::{Fields, failed};
use super::terms;
use rusqlite::{Connection, OptionalExtension};
use std::collections::{BTreeSet, HashMap};
use tantivy::fieldnorm::FieldNormReader;
use tantivy::query::{Bm25StatisticsProvider, Bm25Weight};
use tantivy::schema::Field;
use tantivy::{Searcher, Term};

/// More are left to the index: they would take longer than its commit.
pub(super) const MOST: usize = 128;

#[derive(Debug, Default)]
pub(crate) struct Fresh {
    /// What changed since the index was written, be it there or gone: of these the index knows nothing.
    pub ids: BTreeSet<String>,
    answers: Vec<Answer>,
}

#[derive(Debug)]
struct Answer {
    id: String,
    question: Text,
    answer: Text,
}

/// How often each term occurs.
#[derive(Debug, Default)]
struct Text {
    tokens: u32,
    of: HashMap<String, u32>,
}

impl Text {
    fn new(text: &str) -> Text {
        let mut counted = Text::default();
        for term in terms(text) {
            counted.tokens += 1;
            *counted.of.entry(term).or_default() += 1;
        }
        counted
    }
}

impl Answer {
    fn text(&self, fields: Fields, field: Field) -> &Text {
        if field == fields.question { &self.question } else { &self.answer }
    }
}

impl Fresh {
    pub fn read(database: &Connection, ids: BTreeSet<String>) -> Result<Fresh, ArchiveError> {
        let mut answers = Vec::new();
        let mut row = database
            .prepare_cached("SELECT question, answer FROM past_answers WHERE id = ?1")
            .map_err(read_changes)?;
        for id in &ids {
            let texts = row
                .query_row([id], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)))
                .optional()
                .map_err(read_changes)?;
            answers.extend(texts.map(|(question, answer)| Answer {
                id: id.clone(),
                question: Text::new(&question),
                answer: Text::new(&answer),
            }));
        }
        Ok(Fresh { ids, answers })
    }

    /// Ids with their BM25 of those that have one of the terms, each with its boost.
    pub fn score(
        &self,
        known: &Known<'_>,
        weighed: &[(Term, f32)],
    ) -> Result<Vec<(String, f32)>, ArchiveError> {
        if self.answers.is_empty() {
            return Ok(Vec::new());
        }
        let mut scores = vec![0.0; self.answers.len()];
        for (term, boost) in weighed {
            let weight = Bm25Weight::for_terms(known, std::slice::from_ref(term))
                .map_err(failed("search the index"))?
                .boost_by(*boost);
            for (answer, score) in self.answers.iter().zip(&mut scores) {
                let text = answer.text(known.fields, term.field());
                let occurs = term.value().as_str().and_then(|term| text.of.get(term));
                let norm = FieldNormReader::fieldnorm_to_id(text.tokens);
                *score += occurs.map_or(0.0, |&occurs| weight.score(norm, occurs));
            }
        }
        let found = self.answers.iter().zip(scores).filter(|(_, score)| *score > 0.0);
        Ok(found.map(|(answer, score)| (answer.id.clone(), score)).collect())
    }
}

/// The statistics of the index with what is fresh.
pub(crate) struct Known<'a> {
    pub searcher: &'a Searcher,
    pub fields: Fields,
    pub fresh: &'a Fresh,
}

impl Known<'_> {
    /// Past answers in all.
    pub fn answers(&self) -> u64 {
        self.searcher.num_docs() + self.fresh.answers.len() as u64
    }

    pub fn frequency(&self, term: &Term) -> Result<u64, ArchiveError> {
        self.doc_freq(term).map_err(failed("search the index"))
    }
}

impl Bm25StatisticsProvider for Known<'_> {
    fn total_num_tokens(&self, field: Field) -> tantivy::Result<u64> {
        let fresh = self.fresh.answers.iter().map(|answer| u64::from(answer.text(self.fields, field).tokens));
        Ok(self.searcher.total_num_tokens(field)? + fresh.sum::<u64>())
    }

    fn total_num_docs(&self) -> tantivy::Result<u64> {
        Ok(self.searcher.total_num_docs()? + self.fresh.answers.len() as u64)
    }

    fn doc_freq(&self, term: &Term) -> tantivy::Result<u64> {
        let text = term.value();
        let Some(text) = text.as_str() else { return self.searcher.doc_freq(term) };
        let has = |answer: &&Answer| answer.text(self.fields, term.field()).of.contains_key(text);
        Ok(self.searcher.doc_freq(term)? + self.fresh.answers.iter().filter(has).count() as u64)
    }
}
