//! Criteria: what each expert of the pool is worth, from the log alone, so that every figure can be made again by hand.
//!
//! | criterion | is |
//! |---|---|
//! | performance | (rated up + 100 a) / (rated up + rated down + refused + 100); a is the measured accuracy of the manifest, 0.5 without |
//! | frequency | its answers as a part of those of the most asked expert |
//! | combined | (performance + frequency) / 2 |
//! | adaptive | 0.6 performance + 0.4 recent frequency: an answer counts half for every 30 days that it is older than the newest |
//! | random | the first 8 bytes of sha256("SEED:NAME") as a part of 2^64: the control |

use super::benchmark::Share;
use crate::archive::Logged;
use crate::pool::{Expert, Measured, percentile};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::path::Path;
use ts_rs::TS;

/// What a manifest's accuracy weighs, in judged answers.
const PRIOR: f64 = 100.0;
/// The accuracy of an expert that nobody measured.
const UNKNOWN: f64 = 0.5;
const HALF_LIFE_MS: f64 = 30.0 * 24.0 * 3600.0 * 1e3;
/// With fewer answers nothing is said against an expert.
pub const ENOUGH: usize = 20;
/// An expert whose share is surely under this is asked too seldom.
const SELDOM: f64 = 0.05;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Criterion {
    Performance,
    Frequency,
    Combined,
    #[default]
    Adaptive,
    Random,
}

/// One expert, with what its criteria are made of.
#[derive(Clone, Debug, PartialEq, Serialize, TS)]
pub struct Worth {
    pub name: String,
    pub domains: Vec<String>,
    pub answers: usize,
    /// Of the log.
    pub share: Option<Share>,
    pub rated_up: usize,
    pub rated_down: usize,
    /// Refused or empty, and not rated.
    pub refused: usize,
    /// Mean over the manifest's tests, weighted by their questions.
    pub measured_accuracy: Option<f64>,
    pub measured_n: u64,
    pub latency_p50_ms: Option<f32>,
    pub load_p50_ms: Option<f32>,
    pub disk_bytes: u64,
    /// The most that it took in the log; `None`: it has not answered.
    pub memory_bytes: Option<u64>,
    pub performance: f64,
    pub frequency: f64,
    pub recent_frequency: f64,
    pub combined: f64,
    pub adaptive: f64,
    pub random: f64,
    pub verdict: Verdict,
    pub evidence: String,
    /// Pruning may take it: it is routed to, and is not the one that answers for lack of another.
    pub may_go: bool,
}

impl Worth {
    pub fn by(&self, criterion: Criterion) -> f64 {
        match criterion {
            Criterion::Performance => self.performance,
            Criterion::Frequency => self.frequency,
            Criterion::Combined => self.combined,
            Criterion::Adaptive => self.adaptive,
            Criterion::Random => self.random,
        }
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    #[default]
    Keep,
    Retire,
    /// Another expert has its domains and does better.
    Merge {
        into: String,
    },
    Retired,
}

/// What every expert is worth by this log, in the order of the pool.
pub fn worth(experts: &[Expert], log: &[Logged], seed: u64) -> Vec<Worth> {
    let newest = log.iter().map(|answer| answer.created).max().unwrap_or(0);
    let of = |name: &str| log.iter().filter(move |answer| answer.expert == name).collect::<Vec<_>>();
    // Halved once for every half-life that it is older than the newest answer.
    let recent = |answers: &[&Logged]| -> f64 {
        answers.iter().map(|answer| 0.5_f64.powf((newest - answer.created) as f64 / HALF_LIFE_MS)).sum()
    };
    let logs: Vec<Vec<&Logged>> = experts.iter().map(|expert| of(&expert.manifest.name)).collect();
    let most = logs.iter().map(Vec::len).max().unwrap_or(0) as f64;
    let most_recent = logs.iter().map(|answers| recent(answers)).fold(0.0, f64::max);
    let part = |of: f64, whole: f64| if whole > 0.0 { of / whole } else { 0.0 };
    let mut all: Vec<Worth> = experts
        .iter()
        .zip(&logs)
        .map(|(expert, answers)| {
            let frequency = part(answers.len() as f64, most);
            let recent_frequency = part(recent(answers), most_recent);
            one(expert, answers, log.len(), frequency, recent_frequency, seed)
        })
        .collect();
    for at in 0..all.len() {
        let (verdict, evidence) = judged(&experts[at], &all[at], &all, experts, log.len());
        (all[at].verdict, all[at].evidence) = (verdict, evidence);
    }
    all
}

/// Without those that are a part of another, "held-out: subtraction" of "held-out": its questions count once.
fn whole_tests(tests: &[Measured]) -> Vec<&Measured> {
    let is_part = |test: &Measured| {
        let whole = test.test.split_once(": ").map(|(whole, _)| whole);
        whole.is_some_and(|whole| tests.iter().any(|other| other.test == whole))
    };
    tests.iter().filter(|test| !is_part(test)).collect()
}

fn one(
    expert: &Expert,
    answers: &[&Logged],
    log: usize,
    frequency: f64,
    recent_frequency: f64,
    seed: u64,
) -> Worth {
    let count = |which: fn(&Logged) -> bool| answers.iter().filter(|answer| which(answer)).count();
    let rated_up = count(|answer| answer.rating > 0);
    let rated_down = count(|answer| answer.rating < 0);
    let refused = count(|answer| answer.rating == 0 && (answer.refused || answer.answer.trim().is_empty()));
    let tests = whole_tests(&expert.manifest.measured);
    let measured_n = tests.iter().map(|test| u64::from(test.n)).sum::<u64>();
    // The decimal that the manifest says, not its nearest f32.
    let decimal = |accuracy: f32| accuracy.to_string().parse::<f64>().unwrap_or(f64::from(accuracy));
    let right: f64 = tests.iter().map(|test| decimal(test.accuracy) * f64::from(test.n)).sum();
    let measured_accuracy = (measured_n > 0).then(|| right / measured_n as f64);
    let judged = (rated_up + rated_down + refused) as f64;
    let performance = (rated_up as f64 + PRIOR * measured_accuracy.unwrap_or(UNKNOWN)) / (judged + PRIOR);
    let mut latencies: Vec<f32> = answers.iter().map(|answer| answer.total_ms).collect();
    let mut loads: Vec<f32> =
        answers.iter().map(|answer| answer.load_ms).filter(|load_ms| *load_ms > 0.0).collect();
    Worth {
        name: expert.manifest.name.clone(),
        domains: expert.manifest.domains.clone(),
        answers: answers.len(),
        share: Share::of(answers.len(), log),
        rated_up,
        rated_down,
        refused,
        measured_accuracy,
        measured_n,
        latency_p50_ms: percentile(&mut latencies, 0.5),
        load_p50_ms: percentile(&mut loads, 0.5),
        disk_bytes: bytes_of(&expert.file),
        memory_bytes: answers.iter().map(|answer| answer.memory_bytes).max(),
        performance,
        frequency,
        recent_frequency,
        combined: (performance + frequency) / 2.0,
        adaptive: 0.6 * performance + 0.4 * recent_frequency,
        random: random(seed, &expert.manifest.name),
        verdict: Verdict::Keep,
        evidence: String::new(),
        may_go: expert.is_ready() && !expert.manifest.fallback,
    }
}

fn random(seed: u64, name: &str) -> f64 {
    let digest = Sha256::digest(format!("{seed}:{name}"));
    let first = digest.iter().take(8).fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
    first as f64 / 2.0_f64.powi(64)
}

fn bytes_of(file: &Path) -> u64 {
    file.metadata().map_or(0, |metadata| metadata.len())
}

fn judged(
    expert: &Expert,
    worth: &Worth,
    all: &[Worth],
    experts: &[Expert],
    log: usize,
) -> (Verdict, String) {
    if expert.retired.is_some() {
        return (Verdict::Retired, "routing passes it by".into());
    }
    if expert.manifest.fallback {
        return (Verdict::Keep, "it answers when no other expert is sure enough".into());
    }
    if log < ENOUGH {
        return (Verdict::Keep, format!("not enough: n = {} of {log} answers", worth.answers));
    }
    let covers = |(other, of): &(&Worth, &Expert)| {
        other.name != worth.name
            && of.is_ready()
            && !worth.domains.is_empty()
            && worth.domains.iter().all(|domain| other.domains.contains(domain))
            && other.adaptive > worth.adaptive
    };
    if let Some((other, _)) = all.iter().zip(experts).find(covers) {
        let why = format!(
            "{} has all its domains ({}) and scores more: adaptive {:.3} to {:.3}, n = {}",
            other.name,
            worth.domains.join(", "),
            other.adaptive,
            worth.adaptive,
            worth.answers
        );
        return (Verdict::Merge { into: other.name.clone() }, why);
    }
    let judged = worth.rated_up + worth.rated_down + worth.refused;
    if let Some(good) = Share::of(worth.rated_up, judged).filter(|good| judged >= ENOUGH && good.high < 0.5) {
        let why = format!(
            "{} of {judged} judged answers were good, at most {:.1} %",
            good.count,
            good.high * 100.0
        );
        return (Verdict::Retire, why);
    }
    match worth.share {
        Some(share) if share.high < SELDOM => {
            let why =
                format!("{} of {log} answers are its own, at most {:.1} %", share.count, share.high * 100.0);
            (Verdict::Retire, why)
        }
        _ if worth.answers < ENOUGH => (Verdict::Keep, format!("not enough: n = {}", worth.answers)),
        _ => (Verdict::Keep, format!("n = {}, performance {:.3}", worth.answers, worth.performance)),
    }
}

/// Who would go so that at least the part `target` of the routed experts' bytes goes, the least worth first, and never
/// everybody.
pub fn going(all: &[Worth], criterion: Criterion, target: f64) -> Vec<String> {
    let routed: Vec<&Worth> = all.iter().filter(|worth| worth.verdict != Verdict::Retired).collect();
    let wanted = target * routed.iter().map(|worth| worth.disk_bytes as f64).sum::<f64>();
    let mut order: Vec<&&Worth> = routed.iter().filter(|worth| worth.may_go).collect();
    order.sort_by(|a, b| a.by(criterion).total_cmp(&b.by(criterion)).then_with(|| a.name.cmp(&b.name)));
    let (mut gone, mut names) = (0.0, Vec::new());
    for worth in order {
        if gone >= wanted || names.len() + 1 == routed.len() {
            break;
        }
        gone += worth.disk_bytes as f64;
        names.push(worth.name.clone());
    }
    names
}

/// Bytes of the files of `names` that no other expert uses: what deleting them would free.
pub fn bytes_to_free(experts: &[Expert], names: &[String]) -> u64 {
    let goes = |expert: &&Expert| names.contains(&expert.manifest.name);
    let others: Vec<&Path> = experts.iter().filter(|e| !goes(e)).map(|e| e.file.as_path()).collect();
    let files: BTreeMap<&Path, u64> = experts
        .iter()
        .filter(goes)
        .filter(|expert| !others.contains(&expert.file.as_path()))
        .map(|expert| (expert.file.as_path(), bytes_of(&expert.file)))
        .collect();
    files.values().sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_questions_of_a_part_of_a_test_count_once() {
        let test = |test: &str, n| Measured { test: test.into(), accuracy: 1.0, n, seed: 1 };
        let tests = [
            test("held-out", 500),
            test("held-out: sums", 300),
            test("held-out: rest", 200),
            test("mine: a", 7),
        ];
        let whole: Vec<u32> = whole_tests(&tests).iter().map(|test| test.n).collect();
        assert_eq!(whole, [500, 7]);
    }
}
