//! Conversations and their turns: everything that was asked, kept or not.

use super::{ArchiveError, worth};
use crate::words::Answer;
use rusqlite::{Connection, OptionalExtension, params};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// A title is cut from the first question to about this many characters.
const TITLE_CHARACTERS: usize = 60;

/// One line of the list of conversations.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Conversation {
    pub id: String,
    pub title: String,
    /// Unix time in milliseconds.
    #[ts(type = "number")]
    pub created: i64,
    #[ts(type = "number")]
    pub updated: i64,
    pub answers: u32,
}

/// Writes the turn, its conversation when new, and what its trace cites. `replaces` gives its place in the
/// conversation.
pub(super) fn save_turn(
    database: &Connection,
    answer: &Answer,
    replaces: Option<&str>,
) -> Result<(), ArchiveError> {
    let whole = serde_json::to_string(answer)
        .map_err(|error| ArchiveError::Unreadable { id: answer.id.clone(), detail: error.to_string() })?;
    let save = || -> rusqlite::Result<()> {
        database.execute(
            "INSERT INTO conversations (id, title, created, updated) VALUES (?1, ?2, ?3, ?3)
             ON CONFLICT (id) DO UPDATE SET updated = max(updated, excluded.updated)",
            params![answer.conversation, title(&answer.question), answer.created],
        )?;
        let place: Option<i64> = match replaces {
            Some(old) => database
                .query_row("SELECT place FROM turns WHERE id = ?1", [old], |row| row.get(0))
                .optional()?,
            None => None,
        };
        database.execute(
            "INSERT INTO turns (id, conversation, place, question, normalised, answer, expert, domain, complexity, tokens,
                                stopped, refused, total_ms, created, whole)
             VALUES (?1, ?2, coalesce(?3, (SELECT coalesce(max(place), 0) + 1 FROM turns WHERE conversation = ?2)),
                     ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)
             ON CONFLICT (id) DO UPDATE SET
                 question = excluded.question, normalised = excluded.normalised, answer = excluded.answer,
                 expert = excluded.expert, domain = excluded.domain, complexity = excluded.complexity, tokens = excluded.tokens,
                 stopped = excluded.stopped, refused = excluded.refused, total_ms = excluded.total_ms, whole = excluded.whole",
            params![
                answer.id,
                answer.conversation,
                place,
                answer.question,
                worth::normalise(&answer.question),
                answer.answer,
                answer.expert,
                answer.trace.read.domain,
                answer.trace.read.complexity,
                answer.tokens,
                answer.stopped,
                answer.refused,
                answer.trace.total_ms,
                answer.created,
                whole,
            ],
        )?;
        database.execute("DELETE FROM citations WHERE turn = ?1", [&answer.id])?;
        for passage in &answer.trace.retrieve.passages {
            database.execute(
                "INSERT OR IGNORE INTO citations (turn, past_answer) VALUES (?1, ?2)",
                [&answer.id, &passage.id],
            )?;
        }
        Ok(())
    };
    save().map_err(|source| ArchiveError::Database { doing: "store the answer", source })
}

/// Newest first. With `search`: those where each word stands in the title, a question or an answer.
pub(super) fn list(database: &Connection, search: Option<&str>) -> rusqlite::Result<Vec<Conversation>> {
    let words: Vec<String> = search.unwrap_or_default().split_whitespace().map(like).collect();
    let mut sql = String::from(
        "SELECT id, title, created, updated, (SELECT count(*) FROM turns WHERE conversation = conversations.id)
         FROM conversations WHERE true",
    );
    for number in 1..=words.len() {
        sql.push_str(&format!(
            " AND (title LIKE ?{number} ESCAPE '\\' OR EXISTS (SELECT 1 FROM turns WHERE conversation = conversations.id
               AND (question LIKE ?{number} ESCAPE '\\' OR answer LIKE ?{number} ESCAPE '\\')))"
        ));
    }
    sql.push_str(" ORDER BY updated DESC, id");
    database
        .prepare_cached(&sql)?
        .query_map(rusqlite::params_from_iter(&words), |row| {
            Ok(Conversation {
                id: row.get(0)?,
                title: row.get(1)?,
                created: row.get(2)?,
                updated: row.get(3)?,
                answers: row.get(4)?,
            })
        })?
        .collect()
}

/// The answers of one conversation in their order.
pub(super) fn turns(database: &Connection, id: &str) -> Result<Vec<Answer>, ArchiveError> {
    let rows = || -> rusqlite::Result<Option<Vec<(String, String, i32)>>> {
        let known: bool =
            database.query_row("SELECT EXISTS (SELECT 1 FROM conversations WHERE id = ?1)", [id], |row| {
                row.get(0)
            })?;
        if !known {
            return Ok(None);
        }
        let mut rows = database.prepare_cached(
            "SELECT id, whole, rating FROM turns WHERE conversation = ?1 ORDER BY place, created",
        )?;
        let rows = rows
            .query_map([id], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
            .collect::<rusqlite::Result<_>>()?;
        Ok(Some(rows))
    };
    rows()
        .map_err(|source| ArchiveError::Database { doing: "read the conversation", source })?
        .ok_or_else(|| ArchiveError::NoConversation(id.into()))?
        .into_iter()
        .map(|(id, whole, rating)| {
            let answer: Answer = serde_json::from_str(&whole)
                .map_err(|error| ArchiveError::Unreadable { id, detail: error.to_string() })?;
            Ok(Answer { rating, ..answer })
        })
        .collect()
}

/// `false`: there is no such conversation.
pub(super) fn last_expert(database: &Connection, id: &str) -> rusqlite::Result<Option<String>> {
    let sql = "SELECT expert FROM turns WHERE conversation = ?1 ORDER BY place DESC, created DESC LIMIT 1";
    database.prepare_cached(sql)?.query_row([id], |row| row.get(0)).optional()
}

pub(super) fn rename(database: &Connection, id: &str, title: &str) -> rusqlite::Result<bool> {
    Ok(database.execute("UPDATE conversations SET title = ?2, named = 1 WHERE id = ?1", [id, title])? > 0)
}

/// The first line of a question, cut at a word.
pub(super) fn title(question: &str) -> String {
    let line = question.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or("Untitled");
    if line.chars().count() <= TITLE_CHARACTERS {
        return line.to_owned();
    }
    let cut: String = line.chars().take(TITLE_CHARACTERS).collect();
    let whole_words = cut.rsplit_once(' ').map_or(cut.as_str(), |(words, _)| words);
    format!("{}…", whole_words.trim_end())
}

/// A word for LIKE: anywhere, with the signs of LIKE taken as they are.
fn like(word: &str) -> String {
    let escaped: String = word
        .chars()
        .flat_map(|c| if matches!(c, '%' | '_' | '\\') { vec!['\\', c] } else { vec![c] })
        .collect();
    format!("%{escaped}%")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_is_the_first_line_cut_at_a_word() {
        assert_eq!(title("\n  What is 2 + 2?\nand more"), "What is 2 + 2?");
        let long = title(&"word ".repeat(40));
        assert!(long.chars().count() <= TITLE_CHARACTERS + 1 && long.ends_with("word…"), "{long:?}");
        assert_eq!(title("  \n "), "Untitled");
        assert!(
            title(&"é".repeat(200)).ends_with("é…"),
            "a long word without a space is cut between characters"
        );
    }
}
