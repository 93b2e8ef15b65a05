//! Threshold: experts that perform worse than the pool file asks for. They are named in the report, and retired when the file
//! says so.

use super::criteria::{Criterion, ENOUGH, Verdict, Worth, worth};
use super::pruning::{Gain, Pruned, Removed};
use crate::Engine;
use crate::words::Failure;

/// Retires the experts whose performance is under `threshold` by enough answers. What the pool is left with can still
/// answer: those that answer for lack of another stay. Gives their names.
pub fn retire_under(engine: &Engine, threshold: f64) -> Result<Vec<String>, Failure> {
    let experts = engine.pool().experts();
    let log = engine.archive().log()?;
    let all = worth(&experts, &log, 0);
    let names = under(&all, threshold);
    if names.is_empty() {
        return Ok(names);
    }
    let of = |worth: &&Worth| names.contains(&worth.name);
    let removed: Vec<Removed> = all
        .iter()
        .filter(of)
        .map(|worth| Removed {
            name: worth.name.clone(),
            score: worth.performance,
            disk_bytes: worth.disk_bytes,
        })
        .collect();
    let original: Vec<String> =
        all.iter().filter(|worth| worth.verdict != Verdict::Retired).map(|w| w.name.clone()).collect();
    let before: u64 = all.iter().map(|worth| worth.disk_bytes).sum();
    let freed: u64 = removed.iter().map(|removed| removed.disk_bytes).sum();
    let pruned = Pruned {
        criterion: Criterion::Performance,
        seed: 0,
        target: 0.0,
        retained: original.iter().filter(|name| !names.contains(name)).cloned().collect(),
        original,
        removed,
        disk_bytes_before: before,
        gain: Gain { disk_bytes: freed, disk_share: freed as f64 / before.max(1) as f64, ..Gain::default() },
        replay: None,
        stopped: false,
        applied: true,
    };
    engine.pool().retire(&names, &serde_json::json!({ "pruned": pruned }))?;
    Ok(names)
}

/// Experts that may go, have answered enough, and perform worse than `threshold`.
pub fn under(all: &[Worth], threshold: f64) -> Vec<String> {
    let is_under = |worth: &&Worth| worth.may_go && worth.answers >= ENOUGH && worth.performance < threshold;
    all.iter().filter(is_under).map(|worth| worth.name.clone()).collect()
}
