//! Check: what a plan would cost, found by leaving its experts out before a byte is written.

use std::collections::BTreeMap;
use std::path::Path;

use runtime::host::{Compared, Examined, Host, HostError, Look};
use serde::{Deserialize, Serialize};

use super::{Asking, Interval, Plan, PruneError, Question, Workshop};

/// What was found, and of which plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
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
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    Passed,
    /// The loss of a set is over the limit.
    Blocked,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Topic {
    pub topic: String,
    #[serde(flatten)]
    pub delta: Delta,
}

/// Answers with all experts against answers without those that go. Means are of tokens; intervals of 95 % from questions.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
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
    fn of(answers: &[&Compared]) -> Delta {
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
    let look = Look::Compare { excluded: plan.excluded() };
    let mut host = workshop.start(path)?;
    let mut done = 0;
    let mut compare = |host: &mut Host, question: &Question| -> Result<Compared, PruneError> {
        let compared = match host.examine(&question.example(trial.asking), &look, &workshop.stop)? {
            Examined::Compare(compared) => compared,
            _ => return Err(HostError::Garbled { what: "an answer to another question".into() }.into()),
        };
        let Compared { before, after, divergence, same } = &compared;
        if [after.len(), divergence.len(), same.len()].iter().any(|&length| length != before.len()) {
            return Err(HostError::Garbled { what: "lists of different lengths".into() }.into());
        }
        done += 1;
        progress(done);
        Ok(compared)
    };
    let mut all = |questions: &[Question]| {
        questions.iter().map(|question| compare(&mut host, question)).collect::<Result<Vec<_>, _>>()
    };
    let (answers, guarded) = (all(&trial.held_out)?, all(&trial.guard)?);
    host.leave();
    let delta = |answers: &[Compared]| Delta::of(&answers.iter().collect::<Vec<_>>());
    let mut topics: BTreeMap<&str, Vec<&Compared>> = BTreeMap::new();
    for (question, answer) in trial.held_out.iter().zip(&answers) {
        topics.entry(question.topic()).or_default().push(answer);
    }
    let topic =
        |(topic, answers): (&str, Vec<&Compared>)| Topic { topic: topic.into(), delta: Delta::of(&answers) };
    let (held_out, guard) = (delta(&answers), (!guarded.is_empty()).then(|| delta(&guarded)));
    let limit = trial.limit;
    if held_out.tokens == 0 || guard.as_ref().is_some_and(|guard| guard.tokens == 0) {
        return Err(PruneError::Usage("the answers have no tokens: there is nothing to compare".into()));
    }
    let (outcome, verdict) = judge(limit, &held_out, guard.as_ref());
    let topics = topics.into_iter().map(topic).collect();
    Ok(Check { plan: plan.sum(), outcome, verdict, limit, held_out, guard, topics })
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
