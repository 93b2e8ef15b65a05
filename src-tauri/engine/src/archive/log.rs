//! The log: every stored answer that was not stopped, with the figures that judge its expert.

use super::{Archive, ArchiveError};
use serde::Serialize;
use ts_rs::TS;

/// One stored answer.
#[derive(Clone, Debug, Default, PartialEq, Serialize, TS)]
pub struct Logged {
    pub id: String,
    pub question: String,
    pub answer: String,
    pub expert: String,
    /// It opened its conversation: nothing that was said before belongs to it.
    pub opens: bool,
    pub refused: bool,
    pub rating: i32,
    pub total_ms: f32,
    /// 0: its expert was seated already.
    pub load_ms: f32,
    /// The most that its expert's process took.
    pub memory_bytes: u64,
    /// Unix time in milliseconds.
    pub created: i64,
}

impl Archive {
    /// The log, oldest first.
    pub fn log(&self) -> Result<Vec<Logged>, ArchiveError> {
        let database = self.database();
        let read = || -> rusqlite::Result<Vec<Logged>> {
            database
                .prepare(
                    "SELECT id, question, answer, expert, place = 1, refused, rating, total_ms,
                            coalesce(json_extract(whole, '$.trace.seat.load_ms'), 0.0),
                            max(coalesce(json_extract(whole, '$.trace.generate.peak_memory_bytes'), 0),
                                coalesce(json_extract(whole, '$.trace.seat.memory_bytes'), 0)),
                            created
                     FROM turns WHERE NOT stopped ORDER BY created, id",
                )?
                .query_map([], |row| {
                    Ok(Logged {
                        id: row.get(0)?,
                        question: row.get(1)?,
                        answer: row.get(2)?,
                        expert: row.get(3)?,
                        opens: row.get(4)?,
                        refused: row.get(5)?,
                        rating: row.get(6)?,
                        total_ms: row.get(7)?,
                        load_ms: row.get(8)?,
                        memory_bytes: row.get(9)?,
                        created: row.get(10)?,
                    })
                })?
                .collect()
        };
        read().map_err(|source| ArchiveError::Database { doing: "read the log", source })
    }
}
