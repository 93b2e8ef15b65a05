//! What each expert did here: counted totals, and figures from its last 200 answers. What was not measured yet
//! is `None`.

use super::PoolError;
use crate::archive::now_ms;
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params, params_from_iter};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use ts_rs::TS;

/// Samples kept of each expert: enough for a 99th percentile that is not the maximum alone.
const SAMPLES: i64 = 200;

/// A new figure counts a fifth in a moving mean: about the last nine answers.
const NEWEST: f64 = 0.2;

/// How one answer went.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Outcome {
    pub success: bool,
    /// From the question to the end of the answer.
    pub latency_ms: f32,
    pub tokens: u32,
    pub first_token_ms: Option<f32>,
    pub tokens_per_s: Option<f32>,
}

/// Measured on this machine, of one expert.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, TS)]
#[serde(default)]
pub struct Statistics {
    #[ts(type = "number")]
    pub answers: u64,
    #[ts(type = "number")]
    pub successes: u64,
    #[ts(type = "number")]
    pub failures: u64,
    /// Tokens generated in all.
    #[ts(type = "number")]
    pub tokens: u64,
    /// Moving mean of the latency (the newest answer counts a fifth).
    pub mean_latency_ms: Option<f32>,
    /// Percentiles of `samples` answers, nearest rank.
    pub latency_p50_ms: Option<f32>,
    pub latency_p99_ms: Option<f32>,
    pub first_token_p50_ms: Option<f32>,
    /// Moving mean.
    pub mean_tokens_per_s: Option<f32>,
    /// Answers behind the percentiles, at most 200.
    pub samples: u32,
    /// Unix time in milliseconds.
    #[ts(type = "number | null")]
    pub last_used: Option<i64>,
}

/// Adds one answer.
pub(super) fn record(database: &Connection, expert: &str, outcome: Outcome) -> rusqlite::Result<()> {
    let now = now_ms();
    let step = Transaction::new_unchecked(database, TransactionBehavior::Immediate)?;
    let known: Option<(Option<f64>, Option<f64>)> = step
        .query_row(
            "SELECT latency_ema_ms, tokens_per_s_ema FROM expert_totals WHERE expert = ?1",
            [expert],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .optional()?;
    let (latency, speed) = known.unwrap_or_default();
    step.execute(
        "INSERT INTO expert_totals (expert, asks, successes, failures, tokens, latency_ema_ms, tokens_per_s_ema, last_used)
         VALUES (?1, 1, ?2, 1 - ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT (expert) DO UPDATE SET asks = asks + 1, successes = successes + excluded.successes,
             failures = failures + excluded.failures, tokens = tokens + excluded.tokens,
             latency_ema_ms = excluded.latency_ema_ms, tokens_per_s_ema = excluded.tokens_per_s_ema,
             last_used = excluded.last_used",
        params![
            expert,
            outcome.success,
            outcome.tokens,
            moving(latency, finite(Some(outcome.latency_ms))),
            moving(speed, finite(outcome.tokens_per_s)),
            now,
        ],
    )?;
    step.execute(
        "INSERT INTO expert_samples (expert, created, success, latency_ms, tokens, first_token_ms, tokens_per_s)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        params![
            expert,
            now,
            outcome.success,
            finite(Some(outcome.latency_ms)).unwrap_or(0.0),
            outcome.tokens,
            finite(outcome.first_token_ms),
            finite(outcome.tokens_per_s),
        ],
    )?;
    step.execute(
        "DELETE FROM expert_samples WHERE expert = ?1 AND number <=
             (SELECT number FROM expert_samples WHERE expert = ?1 ORDER BY number DESC LIMIT 1 OFFSET ?2)",
        params![expert, SAMPLES],
    )?;
    step.commit()
}

/// The queue's row among the components' counters: turns, loads saved, and time that was waited.
pub(super) fn count_queue(
    database: &Connection,
    turns: u64,
    saved: u64,
    waited_ms: f64,
) -> rusqlite::Result<()> {
    database
        .prepare_cached(
            "INSERT INTO counters (component, runs, changed_answer, total_ms, last_run) VALUES ('queue', ?1, ?2, ?3, ?4)
             ON CONFLICT (component) DO UPDATE SET runs = runs + excluded.runs,
                 changed_answer = changed_answer + excluded.changed_answer,
                 total_ms = total_ms + excluded.total_ms, last_run = excluded.last_run",
        )?
        .execute(params![turns, saved, waited_ms, now_ms()])?;
    Ok(())
}

/// The statistics of every expert that answered at least once.
pub(super) fn all(database: &Connection) -> rusqlite::Result<HashMap<String, Statistics>> {
    let mut found: HashMap<String, Statistics> = database
        .prepare_cached(
            "SELECT expert, asks, successes, failures, tokens, latency_ema_ms, tokens_per_s_ema, last_used FROM expert_totals",
        )?
        .query_map([], |row| {
            let statistics = Statistics {
                answers: row.get(1)?,
                successes: row.get(2)?,
                failures: row.get(3)?,
                tokens: row.get(4)?,
                mean_latency_ms: row.get(5)?,
                mean_tokens_per_s: row.get(6)?,
                last_used: row.get(7)?,
                ..Statistics::default()
            };
            Ok((row.get(0)?, statistics))
        })?
        .collect::<rusqlite::Result<_>>()?;
    let mut samples: HashMap<String, (Vec<f32>, Vec<f32>)> = HashMap::new();
    let mut rows =
        database.prepare_cached("SELECT expert, latency_ms, first_token_ms FROM expert_samples")?;
    let mut rows = rows.query([])?;
    while let Some(row) = rows.next()? {
        let (latencies, first_tokens) = samples.entry(row.get(0)?).or_default();
        latencies.push(row.get(1)?);
        first_tokens.extend(row.get::<_, Option<f32>>(2)?);
    }
    for (expert, (mut latencies, mut first_tokens)) in samples {
        let statistics = found.entry(expert).or_default();
        statistics.samples = latencies.len() as u32;
        statistics.latency_p50_ms = percentile(&mut latencies, 0.50);
        statistics.latency_p99_ms = percentile(&mut latencies, 0.99);
        statistics.first_token_p50_ms = percentile(&mut first_tokens, 0.50);
    }
    Ok(found)
}

/// Everything that was counted of one expert, row by row as it lies in the database.
#[derive(Clone, Debug, Default)]
pub struct Counts {
    totals: Vec<Vec<Value>>,
    samples: Vec<Vec<Value>>,
}

pub(super) fn counts(database: &Connection, expert: &str) -> Result<Counts, PoolError> {
    let rows = |table: &str| -> rusqlite::Result<Vec<Vec<Value>>> {
        let mut rows = database.prepare(&format!("SELECT * FROM {table} WHERE expert = ?1"))?;
        let columns = rows.column_count();
        rows.query_map([expert], |row| (0..columns).map(|at| row.get(at)).collect())?.collect()
    };
    let read = || Ok(Counts { totals: rows("expert_totals")?, samples: rows("expert_samples")? });
    read().map_err(|source| PoolError::Statistics { doing: "read the expert's statistics", source })
}

/// What was counted counts again. The numbers of samples are never given twice, so theirs are still free.
pub(super) fn put_back(database: &Connection, counts: &Counts) -> Result<(), PoolError> {
    let put = || -> rusqlite::Result<()> {
        let step = Transaction::new_unchecked(database, TransactionBehavior::Immediate)?;
        for (table, rows) in [("expert_totals", &counts.totals), ("expert_samples", &counts.samples)] {
            for row in rows {
                let places = vec!["?"; row.len()].join(", ");
                let insert = format!("INSERT OR REPLACE INTO {table} VALUES ({places})");
                step.execute(&insert, params_from_iter(row))?;
            }
        }
        step.commit()
    };
    put().map_err(|source| PoolError::Statistics { doing: "put the expert's statistics back", source })
}

/// A removed expert takes its figures with it; another one may get its name.
pub(super) fn remove(database: &Connection, expert: &str) -> Result<(), PoolError> {
    let remove = || -> rusqlite::Result<()> {
        let step = Transaction::new_unchecked(database, TransactionBehavior::Immediate)?;
        step.execute("DELETE FROM expert_totals WHERE expert = ?1", [expert])?;
        step.execute("DELETE FROM expert_samples WHERE expert = ?1", [expert])?;
        step.execute("DELETE FROM retired_experts WHERE expert = ?1", [expert])?;
        step.commit()
    };
    remove().map_err(|source| PoolError::Statistics { doing: "remove the expert's statistics", source })
}

/// Not a number is not measured.
fn finite(figure: Option<f32>) -> Option<f64> {
    figure.filter(|figure| figure.is_finite()).map(f64::from)
}

/// Exponential moving mean; the first figure stands for itself.
fn moving(so_far: Option<f64>, newest: Option<f64>) -> Option<f64> {
    match (so_far, newest) {
        (Some(so_far), Some(newest)) => Some(so_far + NEWEST * (newest - so_far)),
        (one, other) => other.or(one),
    }
}

/// Nearest rank: the smallest figure that is not exceeded by the part `p` of them.
pub(crate) fn percentile(figures: &mut [f32], p: f64) -> Option<f32> {
    figures.sort_by(f32::total_cmp);
    let rank = (p * figures.len() as f64).ceil().max(1.0) as usize;
    figures.get(rank - 1).copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::archive::database;
    use crate::home::Home;

    fn database() -> (tempfile::TempDir, Connection) {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::at(folder.path());
        home.prepare().unwrap();
        let database = database::open(&home).unwrap();
        (folder, database)
    }

    fn outcome(latency_ms: f32) -> Outcome {
        Outcome {
            success: true,
            latency_ms,
            tokens: 10,
            first_token_ms: Some(latency_ms / 10.0),
            tokens_per_s: Some(50.0),
        }
    }

    #[test]
    fn an_expert_that_never_answered_has_no_figures() {
        let (_folder, database) = database();
        assert!(all(&database).unwrap().is_empty());
        let none = Statistics::default();
        assert_eq!((none.mean_latency_ms, none.latency_p99_ms, none.mean_tokens_per_s), (None, None, None));
    }

    #[test]
    fn percentiles_are_nearest_rank_over_the_last_200() {
        let (_folder, database) = database();
        for latency in 1..=250 {
            record(&database, "a", outcome(latency as f32)).unwrap();
        }
        let a = all(&database).unwrap().remove("a").unwrap();
        assert_eq!((a.answers, a.samples), (250, 200), "the totals count all, the percentiles the last 200");
        // The last 200 are 51..=250: rank 100 is 150, rank 198 is 248.
        assert_eq!((a.latency_p50_ms, a.latency_p99_ms), (Some(150.0), Some(248.0)));
        assert_eq!(a.first_token_p50_ms, Some(15.0));
    }

    #[test]
    fn the_mean_moves_by_a_fifth() {
        let (_folder, database) = database();
        record(&database, "a", outcome(100.0)).unwrap();
        record(&database, "a", outcome(200.0)).unwrap();
        let failed = Outcome {
            success: false,
            latency_ms: 120.0,
            tokens: 0,
            first_token_ms: None,
            tokens_per_s: None,
        };
        record(&database, "a", failed).unwrap();
        let a = all(&database).unwrap().remove("a").unwrap();
        // 100, then 100 + 0.2 · 100 = 120, then 120 + 0.2 · 0 = 120.
        assert_eq!(a.mean_latency_ms, Some(120.0));
        assert_eq!(a.mean_tokens_per_s, Some(50.0), "an answer without a speed leaves it");
        assert_eq!((a.answers, a.successes, a.failures, a.tokens), (3, 2, 1, 20));
    }

    #[test]
    fn a_figure_that_is_no_number_is_not_measured() {
        let (_folder, database) = database();
        let strange =
            Outcome { tokens_per_s: Some(f32::INFINITY), first_token_ms: Some(f32::NAN), ..outcome(1.0) };
        record(&database, "a", strange).unwrap();
        let a = all(&database).unwrap().remove("a").unwrap();
        assert_eq!((a.mean_tokens_per_s, a.first_token_p50_ms), (None, None));
    }
}
