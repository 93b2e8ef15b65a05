//! Modes: what each preset takes on this machine, from the metrics, and what it was measured to gain.

use super::dashboard::{Behind, Figure};
use crate::Engine;
use crate::archive::{Metric, now_ms};
use crate::measured::ModeGain;
use crate::words::{Failure, Mode};
use serde::Serialize;
use ts_rs::TS;

/// Older answers say little of the machine as it is.
const MONTH_MS: i64 = 30 * 24 * 3_600_000;

#[derive(Clone, Debug, PartialEq, Serialize, TS)]
pub struct ModeCost {
    pub mode: Mode,
    /// Median milliseconds of an answer, and tokens read and written for it, of the last 30 days.
    pub total_ms: Figure,
    pub tokens: Figure,
    /// Over the mode Basic; `None`: the two were not compared.
    pub gain: Option<ModeGain>,
}

pub fn modes(engine: &Engine) -> Result<Vec<ModeCost>, Failure> {
    let metrics = engine.archive().metrics(now_ms() - MONTH_MS)?;
    let measured = engine.measured();
    let cost = |mode| {
        let of = |value: fn(&Metric) -> Option<f64>| {
            let own = metrics.iter().filter(move |metric| metric.mode == Some(mode));
            Figure::median(own.filter_map(move |metric| {
                Some(Behind {
                    answer: metric.answer.clone(),
                    created: metric.timestamp,
                    value: value(metric)?,
                })
            }))
        };
        ModeCost {
            mode,
            total_ms: of(|metric| metric.total_time_ms),
            tokens: of(|metric| Some((metric.tokens_read? + metric.tokens_written?) as f64)),
            gain: measured.of_mode(mode, Mode::Basic).cloned(),
        }
    };
    Ok(Mode::ALL.into_iter().map(cost).collect())
}
