//! Curve: what each size of a model would cost, all of them tried in one pass over the held-out questions.

use std::path::Path;

use runtime::host::Other;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::check::compared;
use super::write::size_of;
use super::{Delta, ModelId, Plan, PlanHow, PruneError, Question, Scan, Score, Trial, Workshop, plan};

/// Sizes that are tried at most, for either kind of plan.
const MOST: usize = 8;

/// Sizes and losses by one score.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct Curve {
    pub model: ModelId,
    pub score: Score,
    /// The smallest first.
    pub points: Vec<Point>,
}

/// One plan, tried.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[ts(rename = "CurvePoint")]
pub struct Point {
    pub how: PlanHow,
    /// Experts of all layers together that stay, and how many there are.
    pub kept: usize,
    pub of: usize,
    /// Of the file that the plan would make.
    pub bytes: u64,
    pub held_out: Delta,
    pub guard: Option<Delta>,
    /// No other point is as small and loses less, on the held-out questions.
    pub pareto: bool,
}

/// Tries plans of several sizes, uniform ones and such with one budget for all layers. Of `how` the share and the kind are
/// not looked at. `progress` gets questions done.
pub fn curve(
    path: &Path,
    scan: &Scan,
    how: PlanHow,
    trial: &Trial,
    workshop: &Workshop,
    progress: &mut dyn FnMut(usize),
) -> Result<Curve, PruneError> {
    scan.model.must_be(path, "scan")?;
    let plans = plans(scan, how)?;
    let others: Vec<Other> = plans.iter().map(|plan| Other::Without(plan.excluded())).collect();
    let mut host = workshop.start(path)?;
    let mut done = 0;
    let mut all = |questions: &[Question]| -> Result<Vec<Vec<_>>, PruneError> {
        let mut each = vec![Vec::with_capacity(questions.len()); plans.len()];
        for question in questions {
            let answers = compared(&mut host, question, trial.asking, &others, &workshop.stop)?;
            each.iter_mut().zip(answers).for_each(|(all, answer)| all.push(answer));
            done += 1;
            progress(done);
        }
        Ok(each)
    };
    let (held_out, guard) = (all(&trial.held_out)?, all(&trial.guard)?);
    host.leave();
    let mut points = Vec::new();
    for (at, plan) in plans.iter().enumerate() {
        points.push(Point {
            how: plan.how,
            kept: plan.layers.iter().map(|layer| layer.kept.len()).sum(),
            of: plan.layers.iter().map(|layer| layer.experts).sum(),
            bytes: size_of(path, plan)?,
            held_out: Delta::of(&held_out[at].iter().collect::<Vec<_>>()),
            guard: (!guard[at].is_empty()).then(|| Delta::of(&guard[at].iter().collect::<Vec<_>>())),
            pareto: false,
        });
    }
    points.sort_by(|a, b| a.bytes.cmp(&b.bytes).then(a.kept.cmp(&b.kept)));
    mark(&mut points);
    Ok(Curve { model: scan.model.clone(), score: how.score, points })
}

/// Plans that differ, from as few experts as are used for a token to all but one.
fn plans(scan: &Scan, how: PlanHow) -> Result<Vec<Plan>, PruneError> {
    let (all, used) = (scan.model.experts as usize, scan.model.experts_used as usize);
    let most = all.saturating_sub(1).max(used);
    let steps = (most - used).min(MOST - 1);
    let mut plans: Vec<Plan> = Vec::new();
    for step in 0..=steps {
        let kept = used + (most - used) * step / steps.max(1);
        for per_layer in [false, true] {
            let plan = plan(scan, PlanHow { keep: kept as f64 / all as f64, per_layer, ..how })?;
            let cuts = plan.layers.iter().all(|layer| layer.kept.len() < layer.experts);
            if cuts && plans.iter().all(|other| other.sum() != plan.sum()) {
                plans.push(plan);
            }
        }
    }
    match plans.is_empty() {
        true => Err(PruneError::Nothing {
            layer: scan.layers.first().map_or(0, |layer| layer.layer),
            experts: all,
        }),
        false => Ok(plans),
    }
}

/// A point is on the front when every point of at most its size loses more.
fn mark(points: &mut [Point]) {
    let all: Vec<(u64, usize, f64)> =
        points.iter().map(|point| (point.bytes, point.kept, point.held_out.loss.mean)).collect();
    for (at, point) in points.iter_mut().enumerate() {
        let (bytes, kept, loss) = all[at];
        let beats = |&(other_bytes, other_kept, other_loss): &(u64, usize, f64)| {
            let no_larger = other_bytes <= bytes && other_loss <= loss;
            no_larger && (other_bytes < bytes || other_loss < loss || other_kept < kept)
        };
        point.pareto = !all.iter().any(beats);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prune::Interval;

    #[test]
    fn the_front_has_what_nothing_smaller_beats() {
        let point = |bytes: u64, mean: f64| Point {
            how: PlanHow { keep: 0.5, score: Score::Reap, per_layer: false, seed: 0, protect: true },
            kept: 4,
            of: 8,
            bytes,
            held_out: Delta { loss: Interval { mean, low: None, high: None }, ..Delta::default() },
            guard: None,
            pareto: false,
        };
        let mut points = [point(10, 0.9), point(20, 0.4), point(20, 0.5), point(30, 0.4), point(40, 0.1)];
        mark(&mut points);
        assert_eq!(points.map(|point| point.pareto), [true, true, false, false, true]);
    }
}
