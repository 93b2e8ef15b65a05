//! Forgetting for good: the answer, the turn that it came from, the copies that other traces show, and what
//! recall has of it. All in one transaction; the index follows, and the caller empties the log.

use super::{ArchiveError, conversations, entries, worth};
use crate::words::Answer;
use rusqlite::{Connection, OptionalExtension, params};

/// Forgets one answer. Later kept answers with the same question and the same text are the same piece of
/// knowledge and leave recall as well (their turns stay). Gives how many answers went: 0 when nothing has this
/// id.
pub(super) fn forget(database: &Connection, id: &str) -> Result<u64, ArchiveError> {
    let failed = |source| ArchiveError::Database { doing: "forget the answer", source };
    let mut gone = vec![id.to_owned()];
    match texts(database, id).map_err(failed)? {
        Some((question, answer)) => {
            let twins = entries::with_question(database, &question, id).map_err(failed)?;
            let is_twin = |twin: &entries::Entry| worth::normalise(&twin.answer) == worth::normalise(&answer);
            gone.extend(twins.into_iter().filter(is_twin).map(|twin| twin.id));
        }
        // Replaced since, but still shown as a source somewhere.
        None if is_cited(database, id).map_err(failed)? => {}
        None => return Ok(0),
    }
    for id in &gone {
        entries::drop_entry(database, id, true).map_err(failed)?;
        take_out_of_traces(database, id)?;
    }
    take_advice_out_of_traces(database, id)?;
    remove_turn(database, id).map_err(failed)?;
    Ok(1)
}

/// Forgets every answer of a conversation and the conversation. `false`: there is none.
pub(super) fn forget_conversation(database: &Connection, id: &str) -> Result<bool, ArchiveError> {
    let failed = |source| ArchiveError::Database { doing: "delete the conversation", source };
    let mut rows = database.prepare("SELECT id FROM turns WHERE conversation = ?1").map_err(failed)?;
    let ids = rows
        .query_map([id], |row| row.get(0))
        .and_then(Iterator::collect::<rusqlite::Result<Vec<String>>>)
        .map_err(failed)?;
    for id in &ids {
        entries::drop_entry(database, id, true).map_err(failed)?;
        take_out_of_traces(database, id)?;
        take_advice_out_of_traces(database, id)?;
    }
    let deleted = database.execute("DELETE FROM conversations WHERE id = ?1", [id]).map_err(failed)?;
    Ok(deleted > 0)
}

/// Forgets everything that was asked and answered. Gives how many answers went.
pub(super) fn forget_all(database: &Connection) -> Result<u64, ArchiveError> {
    let all = || -> rusqlite::Result<u64> {
        let answers = database.query_row(
            "SELECT count(*) FROM (SELECT id FROM past_answers UNION SELECT id FROM turns)",
            [],
            |row| row.get(0),
        )?;
        database
            .execute("INSERT INTO changes (past_answer, forgotten) SELECT id, 1 FROM past_answers", [])?;
        // Words of replaced answers may be in the index although no row is left: one change makes it erase all
        // the same.
        database.execute("INSERT INTO changes (past_answer, forgotten) VALUES ('', 1)", [])?;
        database.execute_batch(
            "DELETE FROM past_answers; DELETE FROM citations; DELETE FROM turns; DELETE FROM conversations;",
        )?;
        Ok(answers)
    };
    all().map_err(|source| ArchiveError::Database { doing: "forget everything", source })
}

/// The turn that a regenerated answer replaces: out of the conversation and out of recall, without the erasing
/// of its words.
pub(super) fn withdraw(database: &Connection, id: &str) -> Result<(), ArchiveError> {
    take_advice_out_of_traces(database, id)?;
    let withdraw = || -> rusqlite::Result<()> {
        entries::drop_entry(database, id, false)?;
        database.execute("DELETE FROM turns WHERE id = ?1", [id])?;
        Ok(())
    };
    withdraw().map_err(|source| ArchiveError::Database { doing: "replace the answer", source })
}

/// Question and answer of an id, kept or only shown.
fn texts(database: &Connection, id: &str) -> rusqlite::Result<Option<(String, String)>> {
    let sql = "SELECT question, answer FROM past_answers WHERE id = ?1
               UNION ALL SELECT question, answer FROM turns WHERE id = ?1 LIMIT 1";
    database.query_row(sql, [id], |row| Ok((row.get(0)?, row.get(1)?))).optional()
}

fn is_cited(database: &Connection, id: &str) -> rusqlite::Result<bool> {
    database
        .query_row("SELECT EXISTS (SELECT 1 FROM citations WHERE past_answer = ?1)", [id], |row| row.get(0))
}

/// Removes the turn; an empty conversation goes with it, and a title that was cut from a forgotten question is
/// cut anew.
fn remove_turn(database: &Connection, id: &str) -> rusqlite::Result<()> {
    let conversation: Option<String> = database
        .query_row("SELECT conversation FROM turns WHERE id = ?1", [id], |row| row.get(0))
        .optional()?;
    let Some(conversation) = conversation else { return Ok(()) };
    database.execute("DELETE FROM turns WHERE id = ?1", [id])?;
    let first: Option<String> = database
        .query_row(
            "SELECT question FROM turns WHERE conversation = ?1 ORDER BY place, created LIMIT 1",
            [&conversation],
            |row| row.get(0),
        )
        .optional()?;
    match first {
        None => database.execute("DELETE FROM conversations WHERE id = ?1", [&conversation])?,
        Some(question) => database.execute(
            "UPDATE conversations SET title = ?2 WHERE id = ?1 AND named = 0",
            params![conversation, conversations::title(&question)],
        )?,
    };
    Ok(())
}

/// Traces hold a copy of each passage that they show.
pub(crate) fn take_out_of_traces(database: &Connection, past_answer: &str) -> Result<(), ArchiveError> {
    let failed = |source| ArchiveError::Database { doing: "take the answer out of other traces", source };
    let citing = "SELECT turns.id, whole FROM citations JOIN turns ON turns.id = citations.turn WHERE past_answer = ?1";
    in_traces(database, citing, past_answer, |answer| {
        answer.trace.retrieve.passages.retain(|passage| passage.id != past_answer);
    })?;
    database.execute("DELETE FROM citations WHERE past_answer = ?1", [past_answer]).map_err(failed)?;
    Ok(())
}

/// And of what the playbook gave them, which goes with the answer that it was made from.
fn take_advice_out_of_traces(database: &Connection, turn: &str) -> Result<(), ArchiveError> {
    let failed = |source| ArchiveError::Database { doing: "take the playbook out of other traces", source };
    let made: Vec<i64> = database
        .prepare_cached("SELECT bullet FROM playbook_sources WHERE turn = ?1")
        .and_then(|mut sql| sql.query_map([turn], |row| row.get(0))?.collect())
        .map_err(failed)?;
    let using = "SELECT DISTINCT turns.id, whole FROM playbook_sources
                 JOIN playbook_uses ON playbook_uses.bullet = playbook_sources.bullet
                 JOIN turns ON turns.id = playbook_uses.turn WHERE playbook_sources.turn = ?1";
    in_traces(database, using, turn, |answer| {
        let council = answer.trace.council.iter_mut().flat_map(|council| council.heard_mut());
        let given = council.filter_map(|draft| draft.advice.as_deref_mut());
        for advice in given.chain(answer.trace.advice.as_deref_mut()) {
            advice.bullets.retain(|bullet| !made.contains(&bullet.id));
            advice.trajectories.retain(|trajectory| !made.contains(&trajectory.id));
        }
    })
}

/// Changes the answers that `sql` finds for `id`: their ids, and what is stored of them.
fn in_traces(
    database: &Connection,
    sql: &str,
    id: &str,
    change: impl Fn(&mut Answer),
) -> Result<(), ArchiveError> {
    let failed = |source| ArchiveError::Database { doing: "take the answer out of other traces", source };
    let turns = database
        .prepare_cached(sql)
        .and_then(|mut sql| {
            sql.query_map([id], |row| Ok((row.get(0)?, row.get(1)?)))?
                .collect::<rusqlite::Result<Vec<(String, String)>>>()
        })
        .map_err(failed)?;
    for (turn, whole) in turns {
        let unreadable = |error: serde_json::Error| ArchiveError::Unreadable {
            id: turn.clone(),
            detail: error.to_string(),
        };
        let mut answer: Answer = serde_json::from_str(&whole).map_err(unreadable)?;
        change(&mut answer);
        let whole = serde_json::to_string(&answer).map_err(unreadable)?;
        database.execute("UPDATE turns SET whole = ?2 WHERE id = ?1", [&turn, &whole]).map_err(failed)?;
    }
    Ok(())
}
