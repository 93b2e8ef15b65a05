//! The index of passages follows the database: a passage never changes under its id, so that what the index lacks is added,
//! and what it has beyond that goes, its words with it.

use super::DocumentsError;
use crate::archive::ArchiveError;
use crate::archive::erase;
use crate::archive::index::{self, Patience, SearchIndex, failed};
use rusqlite::Connection;
use std::collections::HashSet;
use tantivy::collector::DocSetCollector;
use tantivy::merge_policy::NoMergePolicy;
use tantivy::query::AllQuery;
use tantivy::schema::Value;
use tantivy::{Index, IndexWriter, TantivyDocument, Term, doc};

/// Memory of the one indexing thread.
const WRITER_BYTES: usize = 50_000_000;

/// Brings the index to the state of the database. Its note says so last of all: whoever finds another note does it again.
pub(super) fn follow(
    database: &Connection,
    index: &SearchIndex,
    patience: Patience,
) -> Result<(), DocumentsError> {
    if index.payload()?.as_deref() == Some(state(database)?.as_str()) || is_unused(database, index)? {
        return Ok(());
    }
    let write = failed("write the search index of documents");
    let (_lock, writing) = index.for_writing(patience)?;
    let now = state(database)?;
    let mut writer: IndexWriter = writing.writer_with_num_threads(1, WRITER_BYTES).map_err(&write)?;
    let mut indexed = ids(&writing, index)?;
    let mut rows = database.prepare("SELECT id, heading, text FROM document_passages").map_err(reading)?;
    let mut rows = rows.query([]).map_err(reading)?;
    while let Some(row) = rows.next().map_err(reading)? {
        let text = |at| row.get::<_, String>(at).map_err(reading);
        let (id, heading, text) = (text(0)?, text(1)?, text(2)?);
        if !indexed.remove(&id) {
            let fields = index.fields;
            writer
                .add_document(doc!(fields.id => id, fields.question => heading, fields.answer => text))
                .map_err(&write)?;
        }
    }
    let to_erase = !indexed.is_empty() || has_marks(&writing)?;
    for gone in &indexed {
        writer.delete_term(Term::from_field_text(index.fields.id, gone));
    }
    if to_erase {
        // Merges that start by themselves would run beside the one of the erasing.
        writer.set_merge_policy(Box::new(NoMergePolicy));
        writer.commit().map_err(&write)?;
        erase::rewrite_marked(&writing, &mut writer)?;
        // The searcher lets go of the old files before they are removed.
        index.searcher()?;
        erase::sweep(&writing, index)?;
    }
    let mut commit = writer.prepare_commit().map_err(&write)?;
    commit.set_payload(&now);
    commit.commit().map_err(&write)?;
    writer.wait_merging_threads().map_err(&write)?;
    Ok(())
}

/// What the note of an index that is in step says.
fn state(database: &Connection) -> Result<String, DocumentsError> {
    database
        .query_row("SELECT database || ':' || documents_revision FROM identity", [], |row| {
            row.get::<_, String>(0)
        })
        .map(|state| format!("{}:{state}", index::VERSION))
        .map_err(reading)
}

/// Nobody has added a document yet.
fn is_unused(database: &Connection, index: &SearchIndex) -> Result<bool, DocumentsError> {
    let revision: i64 = database
        .query_row("SELECT documents_revision FROM identity", [], |row| row.get(0))
        .map_err(reading)?;
    Ok(revision == 0 && index.payload()?.is_none())
}

fn has_marks(writing: &Index) -> Result<bool, ArchiveError> {
    let segments = writing.searchable_segment_metas().map_err(failed("read the search index"))?;
    Ok(segments.iter().any(|segment| segment.has_deletes()))
}

fn ids(writing: &Index, index: &SearchIndex) -> Result<HashSet<String>, ArchiveError> {
    let read = failed("read the search index of documents");
    let searcher = writing.reader().map_err(&read)?.searcher();
    let mut ids = HashSet::new();
    for address in searcher.search(&AllQuery, &DocSetCollector).map_err(&read)? {
        let document: TantivyDocument = searcher.doc(address).map_err(&read)?;
        ids.extend(document.get_first(index.fields.id).and_then(|id| id.as_str().map(str::to_owned)));
    }
    Ok(ids)
}

fn reading(source: rusqlite::Error) -> DocumentsError {
    ArchiveError::Database { doing: "read the documents", source }.into()
}
