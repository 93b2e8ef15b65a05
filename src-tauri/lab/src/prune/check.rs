//! Check: what a plan would cost, found by leaving its experts out before a byte is written.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use runtime::host::{Compared, Examined, Host, HostError, Look, Measure, Other};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::rival::{self, Rival};
use super::write::size_of;
use super::{Asking, Interval, Plan, PruneError, Question, Workshop};

/// What was found, and of which plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct Check {
    /// [`Plan::sum`] of the plan that was tried.
    pub plan: String,
    pub outcome: Outcome,
    /// Why.
    pub verdict: String,
    /// Most nats that a token may be foretold worse, in the mean of a set.
    pub limit: f64,
    pub held_out: Delta,
    pub guard: Option<Delta>,
    pub topics: Vec<Topic>,
    /// Of the model's file, and of the file that the plan would make.
    #[serde(default)]
    pub bytes_before: u64,
    #[serde(default)]
    pub bytes_after: u64,
    /// The model with all its experts, on this machine; what comes after it is measured on the written file.
    #[serde(default)]
    pub before: Option<Running>,
    /// The same model made as small by rounding the experts' weights, where that was asked for.
    #[serde(default)]
    pub rival: Option<Rival>,
}

/// A loaded model, measured.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct Running {
    /// Generated, one text at a time.
    pub tokens_per_s: f64,
    /// Resident memory of its process.
    pub memory_bytes: u64,
}

/// Tokens that a speed is measured by.
const SPEED_TOKENS: u32 = 32;

impl Running {
    pub(super) fn measure(host: &mut Host, stop: &AtomicBool) -> Result<Running, HostError> {
        let tokens_per_s = host.measure(Measure::Decoding { texts: 1, tokens: SPEED_TOKENS }, stop)?;
        Ok(Running { tokens_per_s, memory_bytes: host.memory() })
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(rename = "CheckOutcome")]
pub enum Outcome {
    Passed,
    /// The loss of a set is over the limit.
    Blocked,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct Topic {
    pub topic: String,
    #[serde(flatten)]
    pub delta: Delta,
}

/// Answers of the model against answers of what stands in its place. Means are of tokens; intervals of 95 % from questions.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, TS)]
pub struct Delta {
    pub questions: usize,
    /// Of the answers.
    pub tokens: usize,
    pub perplexity_before: f64,
    pub perplexity_after: f64,
    /// How much worse a token is foretold, in nats.
    pub loss: Interval,
    /// Kullback–Leibler divergence of a token's probabilities, in nats.
    pub kl_mean: Interval,
    pub kl_p99: f64,
    /// Share of tokens where both find the same token the most likely.
    pub top1_agreement: Interval,
}

const SEED: u64 = 1;

impl Delta {
    pub(super) fn of(answers: &[&Compared]) -> Delta {
        let sum = |values: &[f64]| values.iter().sum::<f64>();
        let interval = |of: &dyn Fn(&Compared) -> f64| {
            let each: Vec<(f64, f64)> =
                answers.iter().map(|answer| (of(answer), answer.before.len() as f64)).collect();
            Interval::of(&each, SEED)
        };
        let tokens: usize = answers.iter().map(|answer| answer.before.len()).sum();
        let mean = |of: &dyn Fn(&Compared) -> f64| {
            answers.iter().map(|answer| of(answer)).sum::<f64>() / tokens.max(1) as f64
        };
        let mut divergences: Vec<f64> = answers.iter().flat_map(|answer| answer.divergence.clone()).collect();
        divergences.sort_by(f64::total_cmp);
        // The smallest value that 99 % are not above.
        let p99 = divergences.get((divergences.len() * 99).div_ceil(100).saturating_sub(1)).copied();
        Delta {
            questions: answers.len(),
            tokens,
            perplexity_before: mean(&|answer| sum(&answer.before)).exp(),
            perplexity_after: mean(&|answer| sum(&answer.after)).exp(),
            loss: interval(&|answer| sum(&answer.after) - sum(&answer.before)),
            kl_mean: interval(&|answer| sum(&answer.divergence)),
            kl_p99: p99.unwrap_or(0.0),
            top1_agreement: interval(&|answer| answer.same.iter().filter(|same| **same).count() as f64),
        }
    }
}

/// What a plan is tried on.
pub struct Trial {
    /// Questions that the scan has not seen.
    pub held_out: Vec<Question>,
    /// Questions on what must not suffer.
    pub guard: Vec<Question>,
    pub asking: Asking,
    /// Most nats that a token may be foretold worse, in the mean of either set.
    pub limit: f64,
    /// Rounding the experts' weights to about the same size is tried as well.
    pub rival: bool,
}

/// What each of `others` makes of a question.
pub(super) fn compared(
    host: &mut Host,
    question: &Question,
    asking: Asking,
    others: &[Other],
    stop: &AtomicBool,
) -> Result<Vec<Compared>, PruneError> {
    let look = Look::Compare { others: others.to_vec() };
    let Examined::Compare(all) = host.examine(&question.example(asking), &look, stop)? else {
        return Err(HostError::Garbled { what: "an answer to another question".into() }.into());
    };
    let fits = |Compared { before, after, divergence, same }: &Compared| {
        [after.len(), divergence.len(), same.len()].iter().all(|&length| length == before.len())
    };
    if all.len() != others.len() || !all.iter().all(fits) {
        return Err(HostError::Garbled { what: "lists of different lengths".into() }.into());
    }
    Ok(all)
}

/// Tries a plan. `progress` gets questions done.
pub fn check(
    path: &Path,
    plan: &Plan,
    trial: &Trial,
    workshop: &Workshop,
    progress: &mut dyn FnMut(usize),
) -> Result<Check, PruneError> {
    plan.model.must_be(path, "plan")?;
    let stop = &workshop.stop;
    let bytes_after = size_of(path, plan)?;
    let rounding = if trial.rival { rival::choose(path, bytes_after)? } else { None };
    let mut others = vec![Other::Without(plan.excluded())];
    others.extend(rounding.iter().map(|(dtype, _)| Other::Rounded(dtype.number())));
    let mut host = workshop.start(path)?;
    let before = Some(Running::measure(&mut host, stop)?);
    let mut done = 0;
    let mut all = |questions: &[Question]| -> Result<Vec<Vec<Compared>>, PruneError> {
        let mut each = vec![Vec::with_capacity(questions.len()); others.len()];
        for question in questions {
            let answers = compared(&mut host, question, trial.asking, &others, stop)?;
            each.iter_mut().zip(answers).for_each(|(all, answer)| all.push(answer));
            done += 1;
            progress(done);
        }
        Ok(each)
    };
    let (answers, guarded) = (all(&trial.held_out)?, all(&trial.guard)?);
    host.leave();
    let delta = |answers: &[Compared]| Delta::of(&answers.iter().collect::<Vec<_>>());
    let guard_of = |other: usize| Some(&guarded[other]).filter(|all| !all.is_empty()).map(|all| delta(all));
    let rival = rounding.map(|(dtype, bytes)| Rival {
        storage: dtype.name().into(),
        bytes,
        held_out: delta(&answers[1]),
        guard: guard_of(1),
    });
    let mut topics: BTreeMap<&str, Vec<&Compared>> = BTreeMap::new();
    for (question, answer) in trial.held_out.iter().zip(&answers[0]) {
        topics.entry(question.topic()).or_default().push(answer);
    }
    let topic =
        |(topic, answers): (&str, Vec<&Compared>)| Topic { topic: topic.into(), delta: Delta::of(&answers) };
    let (held_out, guard) = (delta(&answers[0]), guard_of(0));
    let limit = trial.limit;
    if held_out.tokens == 0 || guard.as_ref().is_some_and(|guard| guard.tokens == 0) {
        return Err(PruneError::Usage("the answers have no tokens: there is nothing to compare".into()));
    }
    let (outcome, verdict) = judge(limit, &held_out, guard.as_ref());
    Ok(Check {
        plan: plan.sum(),
        outcome,
        verdict,
        limit,
        held_out,
        guard,
        topics: topics.into_iter().map(topic).collect(),
        bytes_before: plan.model.bytes,
        bytes_after,
        before,
        rival,
    })
}

fn judge(limit: f64, held_out: &Delta, guard: Option<&Delta>) -> (Outcome, String) {
    let sets = [("held-out", Some(held_out)), ("guard", guard)];
    let mut words = Vec::new();
    for (name, delta) in sets.into_iter().filter_map(|(name, delta)| Some((name, delta?))) {
        let Interval { mean, high, .. } = delta.loss;
        if mean > limit {
            let n = delta.questions;
            let why = format!(
                "without these experts a token of the {name} questions is foretold {mean:.4} nats worse (n = {n}): \
                 more than the limit of {limit}"
            );
            return (Outcome::Blocked, why);
        }
        let sure = high.is_some_and(|high| high <= limit);
        let far = if sure { "" } else { "; the interval reaches over it, more questions would tell" };
        words.push(format!("the {name} questions lose {mean:.4} nats a token{far}"));
    }
    (Outcome::Passed, format!("within the limit of {limit}: {}", words.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_those_of_the_definitions() {
        let one = Compared {
            before: vec![1.0, 2.0],
            after: vec![1.5, 2.5],
            divergence: vec![0.1, 0.3],
            same: vec![true, false],
        };
        let two = Compared { before: vec![3.0], after: vec![3.0], divergence: vec![0.0], same: vec![true] };
        let delta = Delta::of(&[&one, &two]);
        assert_eq!((delta.questions, delta.tokens), (2, 3));
        assert!((delta.perplexity_before - 2f64.exp()).abs() < 1e-12);
        assert!((delta.perplexity_after - (7f64 / 3.0).exp()).abs() < 1e-12);
        assert!((delta.loss.mean - 1.0 / 3.0).abs() < 1e-12);
        assert!((delta.kl_mean.mean - 0.4 / 3.0).abs() < 1e-12);
        assert_eq!(delta.kl_p99, 0.3);
        assert!((delta.top1_agreement.mean - 2.0 / 3.0).abs() < 1e-12);
    }

    #[test]
    fn a_loss_over_the_limit_blocks_wherever_it_is() {
        let delta = |mean, high| {
            let loss = Interval { mean, low: Some(0.0), high: Some(high) };
            Delta { questions: 9, loss, ..Delta::default() }
        };
        assert_eq!(judge(0.1, &delta(0.05, 0.08), Some(&delta(0.09, 0.2))).0, Outcome::Passed);
        let (outcome, why) = judge(0.1, &delta(0.05, 0.08), Some(&delta(0.11, 0.2)));
        assert!(outcome == Outcome::Blocked && why.contains("guard"), "{why}");
        let (outcome, why) = judge(0.1, &delta(0.3, 0.4), None);
        assert!(outcome == Outcome::Blocked && why.contains("held-out"), "{why}");
    }
}
