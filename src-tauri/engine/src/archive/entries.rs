//! Past answers: the rows that later questions may recall, and the list of changes that the index follows.

use super::worth;
use rusqlite::{Connection, OptionalExtension, params};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// Ratings are kept within these.
pub const LOWEST_RATING: i32 = -5;
pub const HIGHEST_RATING: i32 = 5;

/// One past answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct Entry {
    pub id: String,
    pub question: String,
    pub answer: String,
    pub expert: String,
    /// Unix time in milliseconds.
    #[ts(type = "number")]
    pub created: i64,
    pub rating: i32,
}

/// A past answer from elsewhere.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct NewEntry {
    pub question: String,
    pub answer: String,
    #[serde(default)]
    pub expert: Option<String>,
    /// Unix time in milliseconds; now when absent.
    #[serde(default)]
    pub created: Option<i64>,
    #[serde(default)]
    pub rating: Option<i32>,
}

/// A random id of 16 hex digits.
pub(super) fn new_id(database: &Connection) -> rusqlite::Result<String> {
    database.query_row("SELECT lower(hex(randomblob(8)))", [], |row| row.get(0))
}

/// Keeps the entry in the place of one with the same id.
pub(super) fn keep(database: &Connection, entry: &Entry) -> rusqlite::Result<()> {
    database
        .prepare_cached(
            "INSERT OR REPLACE INTO past_answers (id, question, normalised, answer, expert, rating, created)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?
        .execute(params![
            entry.id,
            entry.question,
            worth::normalise(&entry.question),
            entry.answer,
            entry.expert,
            entry.rating.clamp(LOWEST_RATING, HIGHEST_RATING),
            entry.created,
        ])?;
    note(database, &entry.id, false)
}

/// No longer recalled. `forgotten`: its words must leave the files of the index as well. `false`: it was not
/// kept.
pub(super) fn drop_entry(database: &Connection, id: &str, forgotten: bool) -> rusqlite::Result<bool> {
    let was_kept = database.execute("DELETE FROM past_answers WHERE id = ?1", [id])? > 0;
    // A forgotten one is noted even when it was not kept: an older copy may still be in a segment.
    if was_kept || forgotten {
        note(database, id, forgotten)?;
    }
    Ok(was_kept)
}

/// Kept entries that answer the same question (normalised), but not `except`.
pub(super) fn with_question(
    database: &Connection,
    question: &str,
    except: &str,
) -> rusqlite::Result<Vec<Entry>> {
    let sql = "SELECT id, question, answer, expert, created, rating FROM past_answers WHERE normalised = ?1 AND id <> ?2";
    database.prepare_cached(sql)?.query_map([&worth::normalise(question), except], entry)?.collect()
}

pub(super) fn get(database: &Connection, id: &str) -> rusqlite::Result<Option<Entry>> {
    let sql = "SELECT id, question, answer, expert, created, rating FROM past_answers WHERE id = ?1";
    database.prepare_cached(sql)?.query_row([id], entry).optional()
}

/// Up to a thousand after the id `last`, in the order of their ids.
pub(super) fn page(database: &Connection, last: &str) -> rusqlite::Result<Vec<Entry>> {
    let sql = "SELECT id, question, answer, expert, created, rating FROM past_answers WHERE id > ?1 ORDER BY id LIMIT 1000";
    database.prepare_cached(sql)?.query_map([last], entry)?.collect()
}

/// Rates a past answer and the turn that it came from. `false`: neither is there.
pub(super) fn rate(database: &Connection, id: &str, rating: i32) -> rusqlite::Result<bool> {
    let rating = rating.clamp(LOWEST_RATING, HIGHEST_RATING);
    let kept = database.execute("UPDATE past_answers SET rating = ?2 WHERE id = ?1", params![id, rating])?;
    let shown = database.execute("UPDATE turns SET rating = ?2 WHERE id = ?1", params![id, rating])?;
    Ok(kept + shown > 0)
}

fn entry(row: &rusqlite::Row<'_>) -> rusqlite::Result<Entry> {
    Ok(Entry {
        id: row.get(0)?,
        question: row.get(1)?,
        answer: row.get(2)?,
        expert: row.get(3)?,
        created: row.get(4)?,
        rating: row.get(5)?,
    })
}

fn note(database: &Connection, id: &str, forgotten: bool) -> rusqlite::Result<()> {
    database
        .prepare_cached("INSERT INTO changes (past_answer, forgotten) VALUES (?1, ?2)")?
        .execute(params![id, forgotten])?;
    Ok(())
}
