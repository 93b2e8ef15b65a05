//! Latency: how long answers take, which rooms the time goes to, how that goes, and the reference's targets beside it.

use super::{Behind, Clock, Figure, HOUR, Point, Row};
use serde::Serialize;
use ts_rs::TS;

#[derive(Clone, Debug, Default, PartialEq, Serialize, TS)]
pub struct Latency {
    pub p50: Figure,
    pub p99: Figure,
    pub first_p50: Figure,
    pub first_p99: Figure,
    pub stages: Vec<StageTime>,
    /// Medians.
    pub trend: Vec<Point>,
    /// Means of the last 24 hours, and of the time before.
    pub day: Figure,
    pub before: Figure,
    pub targets: Targets,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, TS)]
pub struct StageTime {
    pub stage: String,
    pub p50: Figure,
    pub p99: Figure,
    /// Part of the time of all stages.
    pub part: f64,
}

/// What requirement R91 names, as it is here.
#[derive(Clone, Debug, Default, PartialEq, Serialize, TS)]
pub struct Targets {
    /// Mean milliseconds of an answer.
    pub response_ms: Figure,
    /// Seconds saved as a part of saved and spent, over the answers where both were measured.
    pub cost_saved: Figure,
    pub p99_ms: Figure,
    /// Mean peak memory as a part of the budget.
    pub utilization: Figure,
}

pub(super) fn of(rows: &[Row], until: i64, clock: &Clock) -> Latency {
    let totals = || rows.iter().filter_map(|row| Some(row.behind(row.metric.total_time_ms?)));
    let firsts = || rows.iter().filter_map(|row| Some(row.behind(row.seen.as_ref()?.first_token_ms?)));
    let new = |one: &Behind| one.created > until - 24 * HOUR;
    Latency {
        p50: Figure::median(totals()),
        p99: Figure::p99(totals()),
        first_p50: Figure::median(firsts()),
        first_p99: Figure::p99(firsts()),
        stages: stages(rows),
        trend: clock.points(totals(), Figure::median_of_any),
        day: Figure::mean(totals().filter(new)),
        before: Figure::mean(totals().filter(|one| !new(one))),
        targets: Targets {
            response_ms: Figure::mean(totals()),
            cost_saved: cost_saved(rows),
            p99_ms: Figure::p99(totals()),
            utilization: Figure::mean(
                rows.iter().filter_map(|row| Some(row.behind(row.metric.max_utilization?))),
            ),
        },
    }
}

fn stages(rows: &[Row]) -> Vec<StageTime> {
    let of = |stage: &str| -> Vec<Behind> {
        let seen = rows.iter().filter_map(|row| Some((row, row.seen.as_ref()?)));
        let times = seen.filter_map(|(row, seen)| {
            let (_, ms) = seen.stages.iter().find(|(name, _)| *name == stage)?;
            Some(row.behind(*ms))
        });
        times.collect()
    };
    let names = crate::report::COMPONENTS.iter().map(|(name, _)| *name);
    let all: Vec<(&str, Vec<Behind>)> =
        names.map(|name| (name, of(name))).filter(|(_, times)| !times.is_empty()).collect();
    let sum = |times: &[Behind]| times.iter().map(|time| time.value).sum::<f64>();
    let whole: f64 = all.iter().map(|(_, times)| sum(times)).sum();
    all.into_iter()
        .map(|(name, times)| StageTime {
            stage: name.to_owned(),
            part: if whole > 0.0 { sum(&times) / whole } else { 0.0 },
            p50: Figure::median(times.clone().into_iter()),
            p99: Figure::p99(times.into_iter()),
        })
        .collect()
}

/// Behind it stand the seconds that each answer saved.
fn cost_saved(rows: &[Row]) -> Figure {
    let known = || rows.iter().filter_map(|row| Some((row, row.metric.cost_saved?, row.metric.total_cost?)));
    let (saved, spent) = known().fold((0.0, 0.0), |(saved, spent), (_, s, c)| (saved + s, spent + c));
    let seconds = Figure::mean(known().map(|(row, saved, _)| row.behind(saved)));
    let part = if saved + spent > 0.0 { saved / (saved + spent) } else { 0.0 };
    Figure { value: seconds.value.map(|_| part), ..seconds }
}
