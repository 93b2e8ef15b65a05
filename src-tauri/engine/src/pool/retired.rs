//! Retired experts: routing passes them by, and nothing else changes. What was retired and taken back is kept with its
//! evidence.

use super::{Pool, PoolError};
use crate::archive::now_ms;
use rusqlite::{Connection, Transaction, TransactionBehavior, params};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::HashMap;

/// One change of who is routed to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Change {
    pub number: i64,
    /// Unix time in milliseconds.
    pub created: i64,
    pub what: Value,
}

impl Pool {
    /// From now on routing passes these experts by; `what` is kept in the history, in the same transaction.
    pub fn retire(&self, names: &[String], what: &Value) -> Result<(), PoolError> {
        for name in names {
            self.get(name)?;
        }
        self.change(what, "retire experts", |step| {
            for name in names {
                step.execute(
                    "INSERT OR IGNORE INTO retired_experts (expert, since) VALUES (?1, ?2)",
                    params![name, now_ms()],
                )?;
            }
            Ok(())
        })
    }

    /// Takes retired experts back into routing; all of them with `None`. Gives their names.
    pub fn restore(&self, name: Option<&str>) -> Result<Vec<String>, PoolError> {
        if let Some(name) = name {
            self.get(name)?;
        }
        let retired = self.experts().into_iter().filter(|expert| expert.retired.is_some());
        let names: Vec<String> = retired
            .map(|expert| expert.manifest.name)
            .filter(|retired| name.is_none_or(|name| name == retired))
            .collect();
        if names.is_empty() {
            return Ok(names);
        }
        self.change(&serde_json::json!({ "restored": names }), "take experts back", |step| {
            for name in &names {
                step.execute("DELETE FROM retired_experts WHERE expert = ?1", [name])?;
            }
            Ok(())
        })?;
        Ok(names)
    }

    /// Every change of who is routed to, the oldest first.
    pub fn history(&self) -> Result<Vec<Change>, PoolError> {
        let counted = self.counted();
        let read = || -> rusqlite::Result<Vec<Change>> {
            counted
                .database
                .prepare("SELECT number, created, whole FROM pool_history ORDER BY number")?
                .query_map([], |row| {
                    let whole: String = row.get(2)?;
                    // What is no JSON was written by another hand: shown as it is.
                    let what = serde_json::from_str(&whole).unwrap_or(Value::String(whole));
                    Ok(Change { number: row.get(0)?, created: row.get(1)?, what })
                })?
                .collect()
        };
        read().map_err(|source| PoolError::Statistics { doing: "read the pool's history", source })
    }

    fn change(
        &self,
        what: &Value,
        doing: &'static str,
        change: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<()>,
    ) -> Result<(), PoolError> {
        let mut counted = self.counted();
        counted.seen = None;
        let write = || -> rusqlite::Result<()> {
            let step = Transaction::new_unchecked(&counted.database, TransactionBehavior::Immediate)?;
            change(&step)?;
            step.execute(
                "INSERT INTO pool_history (created, whole) VALUES (?1, ?2)",
                params![now_ms(), what.to_string()],
            )?;
            step.commit()
        };
        write().map_err(|source| PoolError::Statistics { doing, source })
    }
}

/// Who is retired, and since when.
pub(super) fn all(database: &Connection) -> rusqlite::Result<HashMap<String, i64>> {
    let mut rows = database.prepare_cached("SELECT expert, since FROM retired_experts")?;
    rows.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
}
