//! The index follows the database. Every change of a past answer is a row of `changes`; the index remembers, in
//! the note of its last commit, up to which revision it has gone. Following is the same work after a save (on a thread of its
//! own), after a forget, at the start, and when the other process was in the way: whoever writes next does all
//! that is left.

use super::index::{Patience, SearchIndex, failed};
use super::{ArchiveError, erase, fresh, index};
use rusqlite::{Connection, OptionalExtension};
use std::collections::{BTreeSet, HashSet};
use tantivy::collector::DocSetCollector;
use tantivy::merge_policy::NoMergePolicy;
use tantivy::query::AllQuery;
use tantivy::schema::Value;
use tantivy::{Index, IndexWriter, TantivyDocument, Term, doc};

/// Memory of the one indexing thread: the least that tantivy takes.
const WRITER_BYTES: usize = 15_000_000;

/// Past answers handed to the writer between two looks at the database.
const BATCH: i64 = 1_000;

/// Up to where an index follows which database.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Position {
    database: String,
    revision: i64,
}

/// What there is to do.
#[derive(Debug)]
pub(super) enum Work {
    Nothing,
    /// The listed changes.
    Changes(BTreeSet<String>),
    /// The index is of another time or another database: compare everything.
    Everything,
}

/// Brings the index to the state of the database. `IndexBusy` leaves it to the next one who comes by.
pub(super) fn follow(
    database: &Connection,
    index: &SearchIndex,
    patience: Patience,
) -> Result<(), ArchiveError> {
    // Without the lock first: nearly always there is nothing.
    if matches!(left(database, index)?, (Work::Nothing, false)) {
        return Ok(());
    }
    write(database, index, patience, false)
}

/// The same; an index that is damaged is made again, once.
pub(super) fn follow_or_make_again(
    database: &Connection,
    index: &SearchIndex,
    patience: Patience,
) -> Result<(), ArchiveError> {
    match follow(database, index, patience) {
        Err(ArchiveError::Index { .. }) => {
            index.start_over()?;
            follow(database, index, patience)
        }
        other => other,
    }
}

/// What is left to do, and whether words have to leave the files.
pub(super) fn left(database: &Connection, index: &SearchIndex) -> Result<(Work, bool), ArchiveError> {
    let to_erase = erasures(database).map_err(read_changes)?;
    Ok((work(database, index.payload()?.as_deref())?, to_erase))
}

/// At the start: a few changes are left to the first search; an index that is in step is looked at whether it has as many
/// documents as there are past answers, and all is compared when not.
pub(super) fn reconcile(database: &Connection, index: &SearchIndex) -> Result<(), ArchiveError> {
    if matches!(left(database, index)?, (Work::Changes(ids), false) if ids.len() <= fresh::MOST) {
        return Ok(());
    }
    follow(database, index, Patience::Long)?;
    let kept: u64 = database
        .query_row("SELECT count(*) FROM past_answers", [], |row| row.get(0))
        .map_err(|source| ArchiveError::Database { doing: "count the past answers", source })?;
    if index.searcher()?.num_docs() == kept { Ok(()) } else { write(database, index, Patience::Long, true) }
}

fn write(
    database: &Connection,
    index: &SearchIndex,
    patience: Patience,
    everything: bool,
) -> Result<(), ArchiveError> {
    let to_erase = erasures(database).map_err(read_changes)?;
    let (lock, writing) = index.for_writing(patience)?;
    let payload = writing.load_metas().map_err(failed("read the search index"))?.payload;
    let target = newest_revision(database).map_err(read_changes)?;
    let work = if everything { Work::Everything } else { work(database, payload.as_deref())? };
    let mut writer: IndexWriter =
        writing.writer_with_num_threads(1, WRITER_BYTES).map_err(failed("write the search index"))?;
    if to_erase {
        // Merges that start by themselves would run beside the ones below.
        writer.set_merge_policy(Box::new(NoMergePolicy));
    }
    match work {
        Work::Nothing => {}
        Work::Changes(ids) => apply(database, index, &writer, ids.into_iter())?,
        Work::Everything => compare(database, index, &writing, &writer)?,
    }
    let position = Position { database: identity(database).map_err(read_changes)?, revision: target };
    let mut commit = writer.prepare_commit().map_err(failed("write the search index"))?;
    commit.set_payload(&position.to_payload());
    commit.commit().map_err(failed("write the search index"))?;
    if to_erase {
        erase::rewrite_marked(&writing, &mut writer)?;
    }
    writer.wait_merging_threads().map_err(failed("merge the search index"))?;
    if to_erase {
        // The searcher lets go of the old files before they are removed (elsewhere than on Unix an open file
        // stays).
        index.searcher()?;
        erase::sweep(&writing, index)?;
    }
    drop(lock);
    trim(database, target)
        .map_err(|source| ArchiveError::Database { doing: "trim the list of changes", source })
}

impl Position {
    fn to_payload(&self) -> String {
        format!("{}:{}:{}", index::VERSION, self.database, self.revision)
    }

    /// `None`: of another version, or no note at all.
    fn from_payload(payload: &str) -> Option<Position> {
        let mut parts = payload.splitn(3, ':');
        let version: u32 = parts.next()?.parse().ok()?;
        let position = Position { database: parts.next()?.into(), revision: parts.next()?.parse().ok()? };
        (version == index::VERSION).then_some(position)
    }
}

pub(super) fn read_changes(source: rusqlite::Error) -> ArchiveError {
    ArchiveError::Database { doing: "read the list of changes", source }
}

fn identity(database: &Connection) -> rusqlite::Result<String> {
    database.query_row("SELECT database FROM identity", [], |row| row.get(0))
}

pub(super) fn newest_revision(database: &Connection) -> rusqlite::Result<i64> {
    // The sequence outlives the rows that are trimmed.
    let newest =
        database.query_row("SELECT seq FROM sqlite_sequence WHERE name = 'changes'", [], |row| row.get(0));
    Ok(newest.optional()?.unwrap_or(0))
}

fn erasures(database: &Connection) -> rusqlite::Result<bool> {
    database.query_row("SELECT EXISTS (SELECT 1 FROM changes WHERE forgotten = 1)", [], |row| row.get(0))
}

fn work(database: &Connection, payload: Option<&str>) -> Result<Work, ArchiveError> {
    let look = || -> rusqlite::Result<Work> {
        let newest = newest_revision(database)?;
        let trimmed: i64 = database.query_row("SELECT trimmed_to FROM identity", [], |row| row.get(0))?;
        let at = match payload.and_then(Position::from_payload) {
            Some(at)
                if at.database == identity(database)? && at.revision >= trimmed && at.revision <= newest =>
            {
                at.revision
            }
            // A new index is empty, and every change is still listed.
            None if payload.is_none() && trimmed == 0 => 0,
            _ => return Ok(Work::Everything),
        };
        if at == newest {
            return Ok(Work::Nothing);
        }
        let mut rows = database.prepare_cached("SELECT past_answer FROM changes WHERE revision > ?1")?;
        let ids = rows.query_map([at], |row| row.get(0))?.collect::<rusqlite::Result<BTreeSet<String>>>()?;
        Ok(Work::Changes(ids))
    };
    look().map_err(read_changes)
}

/// Makes the index agree about these ids: a past answer that is there is indexed as it is now, one that is gone
/// is taken out.
fn apply(
    database: &Connection,
    index: &SearchIndex,
    writer: &IndexWriter,
    ids: impl Iterator<Item = String>,
) -> Result<(), ArchiveError> {
    let mut row = database
        .prepare_cached("SELECT question, answer FROM past_answers WHERE id = ?1")
        .map_err(read_changes)?;
    for id in ids {
        writer.delete_term(Term::from_field_text(index.fields.id, &id));
        let texts = row
            .query_row([&id], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)))
            .optional()
            .map_err(read_changes)?;
        if let Some((question, answer)) = texts {
            add(index, writer, &id, &question, &answer)?;
        }
    }
    Ok(())
}

fn add(
    index: &SearchIndex,
    writer: &IndexWriter,
    id: &str,
    question: &str,
    answer: &str,
) -> Result<(), ArchiveError> {
    let fields = index.fields;
    writer
        .add_document(doc!(fields.id => id, fields.question => question, fields.answer => answer))
        .map_err(failed("write the search index"))?;
    Ok(())
}

/// Takes out what the database does not have (ghosts, doubles) and adds what is missing.
fn compare(
    database: &Connection,
    index: &SearchIndex,
    writing: &Index,
    writer: &IndexWriter,
) -> Result<(), ArchiveError> {
    let mut indexed = HashSet::new();
    let mut doubles = BTreeSet::new();
    for id in ids(writing, index)? {
        if !indexed.insert(id.clone()) {
            doubles.insert(id);
        }
    }
    let mut last = String::new();
    loop {
        let batch = page(database, &last).map_err(read_changes)?;
        let Some((newest, ..)) = batch.last() else { break };
        last.clone_from(newest);
        for (id, question, answer) in &batch {
            if !indexed.remove(id) {
                add(index, writer, id, question, answer)?;
            }
        }
    }
    // What is left in the set has no past answer.
    for ghost in &indexed {
        writer.delete_term(Term::from_field_text(index.fields.id, ghost));
    }
    doubles.retain(|id| !indexed.contains(id));
    apply(database, index, writer, doubles.into_iter())
}

/// `(id, question, answer)` after `last`, in the order of ids.
fn page(database: &Connection, last: &str) -> rusqlite::Result<Vec<(String, String, String)>> {
    database
        .prepare_cached("SELECT id, question, answer FROM past_answers WHERE id > ?1 ORDER BY id LIMIT ?2")?
        .query_map((last, BATCH), |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
        .collect()
}

/// Every id in the index, doubles included.
fn ids(writing: &Index, index: &SearchIndex) -> Result<Vec<String>, ArchiveError> {
    let read = failed("read the search index");
    let searcher = writing.reader().map_err(&read)?.searcher();
    let mut ids = Vec::new();
    for address in searcher.search(&AllQuery, &DocSetCollector).map_err(&read)? {
        let document: TantivyDocument = searcher.doc(address).map_err(&read)?;
        ids.push(
            document
                .get_first(index.fields.id)
                .and_then(|id| id.as_str().map(str::to_owned))
                .unwrap_or_default(),
        );
    }
    Ok(ids)
}

/// What every index has seen need not be listed.
fn trim(database: &Connection, to: i64) -> rusqlite::Result<()> {
    database.execute("UPDATE identity SET trimmed_to = max(trimmed_to, ?1)", [to])?;
    database.execute("DELETE FROM changes WHERE revision <= ?1", [to])?;
    Ok(())
}
