//! Compression: how often context is shortened, to what part, and what that takes and spares.

use super::{Clock, Figure, Point, Row};
use serde::Serialize;
use ts_rs::TS;

#[derive(Clone, Debug, Default, PartialEq, Serialize, TS)]
pub struct Compression {
    /// Answers for which something was left out, of those whose context was measured.
    pub share: Figure,
    /// Median part of the tokens that stayed, where something was left out.
    pub ratio: Figure,
    /// Tokens that were left out.
    pub tokens: Figure,
    /// Milliseconds in all: what it took, also where nothing was left out, and what reading the tokens that went would
    /// have taken at the speed of that answer.
    pub spent_ms: Figure,
    pub spared_ms: Figure,
    pub ratios: Vec<Point>,
}

pub(super) fn of(rows: &[Row], clock: &Clock) -> Compression {
    let went = |row: &Row| row.seen.as_ref()?.went;
    let shortened = || rows.iter().filter(|row| went(row).is_some_and(|tokens| tokens > 0));
    let ratios = || shortened().filter_map(|row| Some(row.behind(row.metric.compression_ratio?)));
    Compression {
        share: Figure::share(rows.iter().filter_map(|row| Some(row.is(went(row)? > 0)))),
        ratio: Figure::median(ratios()),
        tokens: Figure::sum(shortened().filter_map(|row| Some(row.behind(f64::from(went(row)?))))),
        spent_ms: Figure::sum(
            rows.iter().filter_map(|row| Some(row.behind(row.seen.as_ref()?.compress_ms?))),
        ),
        spared_ms: Figure::sum(shortened().filter_map(|row| Some(row.behind(row.seen.as_ref()?.spared_ms?)))),
        ratios: clock.points(ratios(), Figure::mean_of_any),
    }
}
