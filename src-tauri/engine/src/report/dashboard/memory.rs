//! Memory and swaps: what experts take, how often one comes for another, and what staying seated spares.

use super::{Behind, Clock, Figure, Point, Row};
use crate::archive::Metric;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use ts_rs::TS;

#[derive(Clone, Debug, Default, PartialEq, Serialize, TS)]
pub struct Memory {
    /// The most bytes that an expert took.
    pub peak: Figure,
    /// Median part of the budget that was taken.
    pub utilization: Figure,
    /// Answers for which an expert was loaded, of those that took the seat.
    pub loads: Figure,
    /// Median milliseconds of a load.
    pub load_ms: Figure,
    /// Experts that left for another.
    pub swaps: Figure,
    /// Answers whose expert was there already, and the milliseconds that its last load took, in all.
    pub stays: Figure,
    pub stays_ms: Figure,
    pub peaks: Vec<Point>,
    pub loads_by_time: Vec<Point>,
    pub experts: Vec<ExpertMemory>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, TS)]
pub struct ExpertMemory {
    pub name: String,
    pub peak: Figure,
    pub load_ms: Figure,
    /// Answers for which it was loaded.
    pub loads: Figure,
    pub stays: Figure,
}

pub(super) fn of(rows: &[Row], clock: &Clock) -> Memory {
    let loaded = || {
        let loads = rows.iter().filter_map(|row| Some((row, row.metric.load_ms?)));
        loads.filter(|(_, ms)| *ms > 0.0).map(|(row, ms)| row.behind(ms))
    };
    let stayed = || rows.iter().filter(|row| stays(row));
    let names: BTreeSet<&str> = rows.iter().filter_map(|row| row.metric.expert.as_deref()).collect();
    Memory {
        peak: Figure::most(rows.iter().filter_map(peak)),
        utilization: Figure::median(
            rows.iter().filter_map(|row| Some(row.behind(row.metric.max_utilization?))),
        ),
        loads: Figure::share(rows.iter().filter_map(|row| Some(row.is(row.metric.load_ms? > 0.0)))),
        load_ms: Figure::median(loaded()),
        swaps: Figure::sum(rows.iter().filter_map(|row| {
            Some(row.metric.swaps?).filter(|swaps| *swaps > 0).map(|swaps| row.behind(swaps as f64))
        })),
        stays: Figure::sum(stayed().map(|row| row.is(true))),
        stays_ms: Figure::sum(spared(rows).into_iter()),
        peaks: clock.points(rows.iter().filter_map(peak), Figure::most),
        loads_by_time: clock.points(loaded().map(|one| Behind { value: 1.0, ..one }), Figure::sum),
        experts: names.into_iter().map(|name| expert(rows, name)).collect(),
    }
}

fn peak(row: &Row) -> Option<Behind> {
    Some(row.behind(row.metric.peak_memory_bytes? as f64))
}

fn stays(row: &Row) -> bool {
    row.seen.as_ref().and_then(|seen| seen.was_seated) == Some(true)
}

/// Of each answer whose expert was there already what its last load before took; where none was measured in this time,
/// nothing is said.
fn spared(rows: &[Row]) -> Vec<Behind> {
    let mut last: BTreeMap<&str, f64> = BTreeMap::new();
    let mut spared = Vec::new();
    for row in rows {
        let Metric { expert: Some(expert), load_ms: Some(load_ms), skills_selected: Some(1), .. } =
            &row.metric
        else {
            continue;
        };
        if *load_ms > 0.0 {
            last.insert(expert, *load_ms);
        } else if let Some(ms) = last.get(expert.as_str()).filter(|_| stays(row)) {
            spared.push(row.behind(*ms));
        }
    }
    spared
}

/// Of answers that it gave alone: a council's memory is of whoever took the most.
fn expert(rows: &[Row], name: &str) -> ExpertMemory {
    let own = || {
        let alone = |metric: &Metric| metric.skills_selected == Some(1);
        rows.iter().filter(move |row| row.metric.expert.as_deref() == Some(name) && alone(&row.metric))
    };
    let loaded = || {
        let loads = own().filter_map(|row| Some((row, row.metric.load_ms?)));
        loads.filter(|(_, ms)| *ms > 0.0).map(|(row, ms)| row.behind(ms))
    };
    ExpertMemory {
        name: name.to_owned(),
        peak: Figure::most(own().filter_map(peak)),
        load_ms: Figure::median(loaded()),
        loads: Figure::sum(loaded().map(|one| Behind { value: 1.0, ..one })),
        stays: Figure::sum(own().filter(|row| stays(row)).map(|row| row.is(true))),
    }
}
