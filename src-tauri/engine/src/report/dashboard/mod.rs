//! Dashboard: what the answers of a time come to, a page a question: routing, compression, retrieval, memory, latency.
//!
//! In:     the rows of `brain_moe_metrics` from a moment on, with their answers where these are still there
//! Out:    figures, each with its n and the answers behind it; too few of them and it is not measured yet
//! Fails:  when the archive cannot be read
//! Cost:   one pass over the answers of that time, each read with its trace

mod compression;
mod figure;
mod latency;
mod memory;
mod retrieval;
mod routing;

pub use compression::Compression;
pub use figure::{Behind, Figure};
pub use latency::{Latency, StageTime, Targets};
pub use memory::{ExpertMemory, Memory};
pub use retrieval::Retrieval;
pub use routing::{Part, Routing};

use crate::archive::{Archive, Metric};
use crate::words::{Answer, Failure};
use jiff::{Timestamp, tz::TimeZone};
use serde::Serialize;
use ts_rs::TS;

const HOUR: i64 = 3_600_000;
/// A longer time is shown by days.
const BY_HOURS: i64 = 48 * HOUR;

#[derive(Clone, Debug, PartialEq, Serialize, TS)]
pub struct Dashboard {
    /// Unix time in milliseconds; 0: from the beginning.
    pub since: i64,
    pub until: i64,
    /// What one point of a trend is.
    pub trend: Trend,
    pub answers: usize,
    pub routing: Routing,
    pub compression: Compression,
    pub retrieval: Retrieval,
    pub memory: Memory,
    pub latency: Latency,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Trend {
    #[default]
    Hours,
    Days,
}

/// An hour or a day.
#[derive(Clone, Debug, Default, PartialEq, Serialize, TS)]
pub struct Point {
    /// When it begins, Unix time in milliseconds.
    pub start: i64,
    pub figure: Figure,
}

/// Answers whose value is in `low..high` (the last one: `..=high`).
#[derive(Clone, Debug, Default, PartialEq, Serialize, TS)]
pub struct Bin {
    pub low: f64,
    pub high: f64,
    pub answers: Figure,
    /// Right ones of those that were judged.
    pub right: Figure,
}

/// A row of the table with what the pages ask of its trace.
#[derive(Clone, Debug, Default)]
struct Row {
    metric: Metric,
    /// `None`: its answer is gone.
    seen: Option<Seen>,
}

#[derive(Clone, Debug, Default)]
struct Seen {
    first_token_ms: Option<f64>,
    /// Rooms that ran, in the order of the path.
    stages: Vec<(&'static str, f64)>,
    /// Past answers and documents were looked at; so many were given to the expert, the best with this score.
    asked: bool,
    given: u32,
    best: Option<f64>,
    /// Context was fitted; so many tokens of it went by compression.
    went: Option<u32>,
    /// What compression took, and what reading the tokens would have taken that went.
    compress_ms: Option<f64>,
    spared_ms: Option<f64>,
    /// Its one expert was at the lectern already.
    was_seated: Option<bool>,
}

impl Seen {
    fn of(answer: &Answer) -> Seen {
        let trace = &answer.trace;
        let (compress, generate) = (&trace.compress, &trace.generate);
        let whole = !answer.stopped;
        // What else is missing the expert could not have read.
        let less = compress.tokens_before.saturating_sub(compress.tokens_after);
        let went = compress.method.as_ref().map_or(0, |_| less);
        let was_fitted = !compress.reason.is_empty();
        let speed = f64::from(generate.prompt_tokens_per_s);
        let alone = trace.council.is_none();
        let stages = super::runs(trace, None)
            .into_iter()
            // A strategy's time holds that of its last generation, a council's that of all it did.
            .filter(|run| match run.component {
                "generate" => trace.reason.is_none() && alone,
                "seat" | "compress" | "reason" => alone,
                _ => true,
            })
            .map(|run| (run.component, f64::from(run.elapsed_ms)));
        Seen {
            first_token_ms: (whole && alone && trace.reason.is_none() && generate.first_token_ms > 0.0)
                .then(|| f64::from(generate.first_token_ms)),
            stages: if whole { stages.collect() } else { Vec::new() },
            asked: trace.retrieve.asked,
            given: compress.kept,
            best: (compress.kept > 0)
                .then(|| {
                    trace.retrieve.passages.iter().map(|passage| f64::from(passage.score)).reduce(f64::max)
                })
                .flatten(),
            went: was_fitted.then_some(went),
            compress_ms: was_fitted.then(|| f64::from(compress.elapsed_ms)),
            spared_ms: (alone && speed > 0.0).then(|| f64::from(went) / speed * 1e3),
            was_seated: (alone && !trace.seat.expert.is_empty()).then_some(trace.seat.was_seated),
        }
    }
}

impl Row {
    fn behind(&self, value: f64) -> Behind {
        Behind { answer: self.metric.answer.clone(), created: self.metric.timestamp, value }
    }

    fn is(&self, so: bool) -> Behind {
        self.behind(if so { 1.0 } else { 0.0 })
    }

    /// `None`: nobody judged it.
    fn right(&self) -> Option<Behind> {
        self.metric.quality_score.map(|quality| self.behind(quality))
    }
}

/// The answers from `since` to now, by hours or days of this machine's clock.
pub fn dashboard(archive: &Archive, since: i64) -> Result<Dashboard, Failure> {
    let until = crate::archive::now_ms();
    let mut rows = Vec::new();
    archive.metrics_of_answers(since, &mut |metric, answer| {
        rows.push(Row { metric, seen: answer.as_ref().map(Seen::of) });
    })?;
    Ok(of(&rows, since, until, &TimeZone::system()))
}

fn of(rows: &[Row], since: i64, until: i64, zone: &TimeZone) -> Dashboard {
    let first = rows.first().map_or(until, |row| row.metric.timestamp).max(since);
    let trend = if until - first <= BY_HOURS { Trend::Hours } else { Trend::Days };
    let clock = Clock { trend, zone };
    Dashboard {
        since,
        until,
        trend,
        answers: rows.len(),
        routing: routing::of(rows),
        compression: compression::of(rows, &clock),
        retrieval: retrieval::of(rows, &clock),
        memory: memory::of(rows, &clock),
        latency: latency::of(rows, until, &clock),
    }
}

struct Clock<'z> {
    trend: Trend,
    zone: &'z TimeZone,
}

impl Clock<'_> {
    /// The hour or day that this moment is in.
    fn start(&self, moment: i64) -> i64 {
        let hour = moment - moment.rem_euclid(HOUR);
        let day = || -> Result<i64, jiff::Error> {
            let day = Timestamp::from_millisecond(moment)?.to_zoned(self.zone.clone()).start_of_day()?;
            Ok(day.timestamp().as_millisecond())
        };
        match self.trend {
            Trend::Hours => hour,
            // A moment that no calendar has stays its hour.
            Trend::Days => day().unwrap_or(hour),
        }
    }

    /// A point for every hour or day that has some.
    fn points(
        &self,
        of: impl Iterator<Item = Behind>,
        figure: impl Fn(std::vec::IntoIter<Behind>) -> Figure,
    ) -> Vec<Point> {
        let mut points: Vec<(i64, Vec<Behind>)> = Vec::new();
        for one in of {
            let start = self.start(one.created);
            match points.last_mut() {
                Some((last, some)) if *last == start => some.push(one),
                _ => points.push((start, vec![one])),
            }
        }
        points.into_iter().map(|(start, some)| Point { start, figure: figure(some.into_iter()) }).collect()
    }
}

/// Ten bins from 0 to 1, of the rows that have a value.
fn bins(rows: &[Row], value: impl Fn(&Row) -> Option<f64>) -> Vec<Bin> {
    let bin_of = |value: f64| ((value * 10.0).floor().clamp(0.0, 9.0)) as usize;
    (0..10)
        .map(|at| {
            let inside = || rows.iter().filter(|row| value(row).is_some_and(|value| bin_of(value) == at));
            Bin {
                low: at as f64 / 10.0,
                high: (at + 1) as f64 / 10.0,
                answers: Figure::sum(inside().map(|row| row.is(true))),
                right: Figure::share(inside().filter_map(Row::right)),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests;
