//! What ran, how often it changed an answer, and what it cost: added up in the database, shown by the status
//! page.

use rusqlite::{Connection, params};
use serde::{Deserialize, Serialize};

/// The sum over all runs. A component that never ran has none.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Counted {
    pub component: String,
    pub runs: u64,
    pub changed_answer: u64,
    pub total_ms: f64,
    /// Unix time in milliseconds.
    pub last_run: i64,
}

pub(super) fn add(
    database: &Connection,
    component: &str,
    ms: f32,
    changed: bool,
    now: i64,
) -> rusqlite::Result<()> {
    database
        .prepare_cached(
            "INSERT INTO counters (component, runs, changed_answer, total_ms, last_run) VALUES (?1, 1, ?2, ?3, ?4)
             ON CONFLICT (component) DO UPDATE SET runs = runs + 1, changed_answer = changed_answer + excluded.changed_answer,
                 total_ms = total_ms + excluded.total_ms, last_run = excluded.last_run",
        )?
        .execute(params![component, changed, f64::from(ms), now])?;
    Ok(())
}

pub(super) fn all(database: &Connection) -> rusqlite::Result<Vec<Counted>> {
    database
        .prepare_cached(
            "SELECT component, runs, changed_answer, total_ms, last_run FROM counters ORDER BY component",
        )?
        .query_map([], |row| {
            Ok(Counted {
                component: row.get(0)?,
                runs: row.get(1)?,
                changed_answer: row.get(2)?,
                total_ms: row.get(3)?,
                last_run: row.get(4)?,
            })
        })?
        .collect()
}
