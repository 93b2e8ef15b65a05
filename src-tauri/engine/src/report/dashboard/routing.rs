//! Routing: who answers, how sure the reading is, and how often that is right.

use super::{Bin, Figure, Row, bins};
use crate::archive::Metric;
use serde::Serialize;
use std::collections::BTreeMap;
use ts_rs::TS;

#[derive(Clone, Debug, Default, PartialEq, Serialize, TS)]
pub struct Routing {
    /// Who answers most comes first.
    pub experts: Vec<Part>,
    pub domains: Vec<Part>,
    /// Right ones of all that were judged.
    pub right: Figure,
    /// Median probability of the domain that was read.
    pub confidence: Figure,
    pub by_confidence: Vec<Bin>,
}

/// An expert or a domain.
#[derive(Clone, Debug, Default, PartialEq, Serialize, TS)]
pub struct Part {
    pub name: String,
    /// Of all answers.
    pub share: Figure,
    pub right: Figure,
    pub confidence: Figure,
}

pub(super) fn of(rows: &[Row]) -> Routing {
    Routing {
        experts: parts(rows, |metric| metric.expert.as_deref()),
        domains: parts(rows, |metric| metric.domain.as_deref()),
        right: Figure::share(rows.iter().filter_map(Row::right)),
        confidence: confidence(rows.iter()),
        by_confidence: bins(rows, |row| row.metric.confidence),
    }
}

fn confidence<'r>(rows: impl Iterator<Item = &'r Row>) -> Figure {
    Figure::median(rows.filter_map(|row| Some(row.behind(row.metric.confidence?))))
}

fn parts(rows: &[Row], name_of: fn(&Metric) -> Option<&str>) -> Vec<Part> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for name in rows.iter().filter_map(|row| name_of(&row.metric)) {
        *counts.entry(name).or_default() += 1;
    }
    let mut names: Vec<(&str, usize)> = counts.into_iter().collect();
    names.sort_by_key(|(name, count)| (std::cmp::Reverse(*count), *name));
    names
        .into_iter()
        .map(|(name, _)| {
            let is = |row: &&Row| name_of(&row.metric) == Some(name);
            let all = rows.iter().filter(|row| name_of(&row.metric).is_some());
            let mut share = Figure::share(all.map(|row| row.is(is(&row))));
            // Behind a share of all stand those that are the part.
            share.behind = Figure::sum(rows.iter().filter(is).map(|row| row.is(true))).behind;
            Part {
                name: name.to_owned(),
                share,
                right: Figure::share(rows.iter().filter(is).filter_map(Row::right)),
                confidence: confidence(rows.iter().filter(is)),
            }
        })
        .collect()
}
