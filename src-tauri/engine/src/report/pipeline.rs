//! Pipeline: the pool gone through from end to end in one operation: prune, compose, optimise, capabilities. Each stage can
//! be left out; nothing is changed but the measured figures that the last one writes down.
//!
//! In:     questions with their answers
//! Out:    who could go and what that loses; which council of two pays in which domain; better prompts where there are
//!         some; who is right how often in which domain. Each finding with what it is made of
//! Fails:  where nobody can be asked; a domain with too few questions is passed over, and says so
//! Cost:   prune twice, everybody once for compose and capabilities together, two ways for each council, and the rollouts
//!         of each search
//! Source: [`super::pruning`], [`super::everybody`], [`super::optimise`], intervals as in [`super::benchmark`]

use super::benchmark::{Difference, Sample, Share, accuracy, ask_each, difference};
use super::compare::Both;
use super::criteria::{Criterion, ENOUGH, worth};
use super::everybody::{Everybody, Of, ask_everybody, choices};
use super::optimise::{Limits, Optimised, Task, least, optimise};
use super::pruning::{Asked, Pair, Pruned, replay};
use crate::Engine;
use crate::measured::PairGain;
use crate::words::{Aggregate, Failure, Mode, Question};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use ts_rs::TS;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum PoolStage {
    Prune,
    Compose,
    Optimise,
    Capabilities,
}

impl PoolStage {
    pub const ALL: [PoolStage; 4] =
        [PoolStage::Prune, PoolStage::Compose, PoolStage::Optimise, PoolStage::Capabilities];

    pub fn name(self) -> &'static str {
        match self {
            PoolStage::Prune => "prune",
            PoolStage::Compose => "compose",
            PoolStage::Optimise => "optimise",
            PoolStage::Capabilities => "capabilities",
        }
    }
}

/// How it is gone through.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct Wish {
    pub skip: BTreeSet<PoolStage>,
    pub criterion: Criterion,
    /// The part of the experts' bytes that should go, at least.
    pub target: f64,
    /// Of each search for a prompt.
    pub rollouts: usize,
    pub seed: u64,
}

impl Default for Wish {
    fn default() -> Wish {
        Wish { skip: BTreeSet::new(), criterion: Criterion::default(), target: 0.3, rollouts: 300, seed: 1 }
    }
}

/// What it came to; a stage that was left out, or not reached, is `None`.
#[derive(Clone, Debug, Default, Serialize, TS)]
pub struct Pipeline {
    /// Where the questions are from: `log`, or the file.
    pub questions: String,
    pub asked: usize,
    pub prune: Option<Prune>,
    pub compose: Option<Vec<Composition>>,
    pub optimise: Option<Vec<Bettered>>,
    pub capabilities: Option<Everybody>,
    pub stopped: bool,
}

/// Who could go, and the answers with and without them.
#[derive(Clone, Debug, Serialize, TS)]
pub struct Prune {
    pub pruned: Pruned,
    pub pairs: Vec<Pair>,
}

/// How a domain's questions are asked best.
#[derive(Clone, Debug, Default, Serialize, TS)]
pub struct Composition {
    pub domain: String,
    pub n: usize,
    /// The expert that is right most often alone.
    pub alone: String,
    pub right: Option<Share>,
    /// Who was tried beside it, weighed with it: who of the others knows most that it does not.
    pub beside: Option<String>,
    /// Where one of the two at least is right, minus the one alone: no council of them can gain more.
    pub at_most: Option<Difference>,
    /// Right as a council minus right alone.
    pub gain: Option<Difference>,
    pub pays: bool,
    /// Alone, and as a council.
    pub pairs: Vec<Both>,
}

/// A search for a better prompt of the expert that is best in a domain, or why there was none.
#[derive(Clone, Debug, Serialize, TS)]
pub struct Bettered {
    pub expert: String,
    pub domain: String,
    pub questions: usize,
    pub run: Option<i64>,
    pub optimised: Option<Optimised>,
    /// The held-out questions, as it is asked now and with the best prompt.
    pub pairs: Vec<Both>,
    pub passed_over: Option<String>,
}

/// How far it is. `of` is 0 while nobody knows.
#[derive(Clone, Debug, Serialize, TS)]
pub struct Going {
    pub step: PoolStage,
    pub what: String,
    pub done: usize,
    pub of: usize,
}

/// Goes through the pool. `on` hears how far it is; after `stop` it has the stages that were reached.
pub fn pipeline(
    engine: &Engine,
    task: &Task,
    wish: &Wish,
    stop: &Arc<AtomicBool>,
    on: &mut dyn FnMut(Going) -> Result<(), Failure>,
) -> Result<Pipeline, Failure> {
    let lines: Vec<Asked> = task.cases.iter().map(|case| case.asked.clone()).collect();
    let wants = |step: PoolStage| !wish.skip.contains(&step) && !stop.load(Ordering::Relaxed);
    let mut found = Pipeline { questions: task.from.clone(), asked: lines.len(), ..Pipeline::default() };
    if wants(PoolStage::Prune) {
        found.prune = Some(prune(engine, task, &lines, wish, stop, on)?);
    }
    let everybody = [PoolStage::Compose, PoolStage::Optimise, PoolStage::Capabilities];
    if everybody.into_iter().any(wants) {
        let names: Vec<String> = ready(engine);
        let chosen = choices(engine, &lines, &names)?;
        let (of, mut done) = (lines.len() * names.len(), 0);
        let step = everybody.into_iter().find(|step| wants(*step)).unwrap_or(PoolStage::Capabilities);
        let lists = ask_everybody(engine, &lines, &names, stop, &mut |name, _, _| {
            done += 1;
            on(Going { step, what: name.to_owned(), done, of })
        })?;
        let is_whole = !stop.load(Ordering::Relaxed);
        if wants(PoolStage::Compose) {
            let composed = compose(engine, &lines, &lists, stop, on)?;
            remember_pairs(engine, &composed)?;
            found.compose = Some(composed);
        }
        if wants(PoolStage::Optimise) {
            found.optimise = Some(optimised(engine, task, &lists, wish, stop, on)?);
        }
        if !wish.skip.contains(&PoolStage::Capabilities) && is_whole {
            let everybody = Everybody::of(&lists, &chosen, false);
            remember(engine, &everybody)?;
            found.capabilities = Some(everybody);
        }
    }
    found.stopped = stop.load(Ordering::Relaxed);
    Ok(found)
}

fn ready(engine: &Engine) -> Vec<String> {
    let ready = engine.pool().experts().into_iter().filter(crate::pool::Expert::is_ready);
    ready.map(|expert| expert.manifest.name).collect()
}

fn prune(
    engine: &Engine,
    task: &Task,
    lines: &[Asked],
    wish: &Wish,
    stop: &Arc<AtomicBool>,
    on: &mut dyn FnMut(Going) -> Result<(), Failure>,
) -> Result<Prune, Failure> {
    let experts = engine.pool().experts();
    let all = worth(&experts, &engine.archive().log()?, wish.seed);
    let mut pruned = Pruned::plan(&experts, &all, wish.criterion, wish.seed, wish.target);
    let mut pairs = Vec::new();
    if !pruned.removed.is_empty() {
        let (of, mut done) = (lines.len() * 2, 0);
        let lists = replay(engine, lines, &pruned.names(), stop, &mut |list, _, _| {
            done += 1;
            on(Going { step: PoolStage::Prune, what: list.to_owned(), done, of })
        })?;
        pruned = pruned.replayed(lists.figures(task.from.clone()));
        pairs = lists.pairs();
    }
    pruned.stopped = stop.load(Ordering::Relaxed);
    Ok(Prune { pruned, pairs })
}

/// Of each domain with enough questions the samples of every expert; a domain is what questions are read as.
fn by_domain(lists: &[Of]) -> BTreeMap<String, Vec<Of>> {
    let mut domains: BTreeMap<String, Vec<Of>> = BTreeMap::new();
    let all: BTreeSet<&str> =
        lists.iter().flat_map(|(_, list)| list).map(|sample| sample.domain.as_str()).collect();
    for domain in all {
        let of = |list: &[Sample]| -> Vec<Sample> {
            list.iter().filter(|sample| sample.domain == domain && sample.right.is_some()).cloned().collect()
        };
        let lists: Vec<Of> = lists.iter().map(|(name, list)| (name.clone(), of(list))).collect();
        if lists.iter().any(|(_, list)| list.len() >= ENOUGH) {
            domains.insert(domain.to_owned(), lists);
        }
    }
    domains
}

/// The expert that is right most often, of equals the first by name.
fn best_alone(lists: &[Of]) -> Option<(&str, &[Sample])> {
    let share = |list: &[Sample]| accuracy(list.iter()).map_or(-1.0, |share| share.share);
    let best = lists.iter().max_by(|a, b| share(&a.1).total_cmp(&share(&b.1)).then(b.0.cmp(&a.0)));
    best.map(|(name, list)| (name.as_str(), list.as_slice()))
}

/// Samples that are right where one of the two is.
fn one_of(first: &[Sample], second: &[Sample]) -> Vec<Sample> {
    let other: BTreeMap<usize, bool> =
        second.iter().filter_map(|sample| Some((sample.place, sample.right?))).collect();
    let right = |sample: &Sample| sample.right.map(|right| right || other.get(&sample.place) == Some(&true));
    first.iter().map(|sample| Sample { right: right(sample), ..sample.clone() }).collect()
}

/// In every domain the best expert alone beside a council of it and whoever knows most that it does not.
fn compose(
    engine: &Engine,
    lines: &[Asked],
    lists: &[Of],
    stop: &Arc<AtomicBool>,
    on: &mut dyn FnMut(Going) -> Result<(), Failure>,
) -> Result<Vec<Composition>, Failure> {
    let mut all = Vec::new();
    for (domain, lists) in by_domain(lists) {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let Some((alone, own)) = best_alone(&lists) else { continue };
        let together = lists.iter().filter(|(name, _)| name != alone).filter_map(|(name, list)| {
            let at_most = difference(&one_of(own, list), own)?;
            Some((name.clone(), at_most))
        });
        let beside = together
            .max_by(|a, b| a.1.difference.total_cmp(&b.1.difference).then(b.0.cmp(&a.0)))
            .filter(|(_, at_most)| at_most.difference > 0.0);
        let mut found = Composition {
            domain: domain.clone(),
            n: own.len(),
            alone: alone.to_owned(),
            right: accuracy(own.iter()),
            ..Composition::default()
        };
        if let Some((name, at_most)) = beside {
            let questions: Vec<Asked> =
                own.iter().filter_map(|sample| lines.get(sample.place - 1).cloned()).collect();
            let others = engine.pool().experts().into_iter().map(|expert| expert.manifest.name);
            let like = Question {
                mode: Mode::Basic,
                trial: true,
                aggregate: Some(Aggregate::Weighted),
                top_k: Some(2),
                excluding: others.filter(|other| *other != name && other != alone).collect(),
                ..Question::default()
            };
            let (of, mut done) = (questions.len(), 0);
            let council = ask_each(engine, &questions, &like, stop, &mut |_, _| {
                done += 1;
                on(Going { step: PoolStage::Compose, what: format!("{alone} + {name}"), done, of })
            })?;
            // Its places are those of the few that it was asked.
            let council: Vec<Sample> = council
                .into_iter()
                .filter_map(|sample| Some(Sample { place: own.get(sample.place - 1)?.place, ..sample }))
                .collect();
            found.at_most = Some(at_most);
            found.gain = difference(&council, own).filter(|_| council.len() == own.len());
            found.pays = found.gain.is_some_and(|gain| gain.low > 0.0);
            found.pairs = super::compare::of(own, &council).pairs;
            found.beside = Some(name);
        }
        all.push(found);
    }
    Ok(all)
}

/// A search for the expert that is best in each domain.
fn optimised(
    engine: &Engine,
    task: &Task,
    lists: &[Of],
    wish: &Wish,
    stop: &Arc<AtomicBool>,
    on: &mut dyn FnMut(Going) -> Result<(), Failure>,
) -> Result<Vec<Bettered>, Failure> {
    let mut all = Vec::new();
    for (domain, lists) in by_domain(lists) {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let Some((expert, own)) = best_alone(&lists) else { continue };
        let cases = own.iter().filter_map(|sample| task.cases.get(sample.place - 1).cloned());
        let its = Task { cases: cases.collect(), ..task.clone() };
        let mut found = Bettered {
            expert: expert.to_owned(),
            domain: domain.clone(),
            questions: its.cases.len(),
            run: None,
            optimised: None,
            pairs: Vec::new(),
            passed_over: None,
        };
        let needed = least(its.cases.len());
        if needed.is_none_or(|needed| wish.rollouts < needed) {
            found.passed_over = Some(match needed {
                None => format!("{} questions are too few for a search", its.cases.len()),
                Some(needed) => {
                    format!("a search takes at least {needed} rollouts with {} questions", its.cases.len())
                }
            });
            all.push(found);
            continue;
        }
        let limits = Limits { rollouts: wish.rollouts, seed: wish.seed, ..Limits::default() };
        let searched = optimise(engine, expert, &its, &limits, stop, &mut |far| {
            on(Going {
                step: PoolStage::Optimise,
                what: format!("{expert}, {domain}"),
                done: far.spent,
                of: far.of,
            })
        })?;
        (found.run, found.optimised, found.pairs) =
            (Some(searched.run), Some(searched.optimised), searched.pairs);
        all.push(found);
    }
    Ok(all)
}

/// What a pair gains is what decides from now on whether it is asked together.
fn remember_pairs(engine: &Engine, composed: &[Composition]) -> Result<(), Failure> {
    let mut measured = engine.measured();
    for one in composed {
        let (Some(beside), Some(gain)) = (&one.beside, one.gain) else { continue };
        let Difference { n, difference, low, high, .. } = gain;
        let (pair, domain) = ([one.alone.clone(), beside.clone()], one.domain.clone());
        let aggregate = Aggregate::Weighted;
        measured.pair_of(PairGain { pair, domain, aggregate, n: n as u32, difference, low, high });
    }
    engine.remember(measured)
}

/// Who is right how often is what councils weigh by from now on.
fn remember(engine: &Engine, everybody: &Everybody) -> Result<(), Failure> {
    let mut measured = engine.measured();
    for one in &everybody.capability {
        if let Some(right) = one.right {
            measured.count(&one.expert, &one.domain, right.count as u32, right.n as u32);
        }
    }
    engine.remember(measured)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(name: &str, right: &[bool]) -> Of {
        let sample = |(at, right): (usize, &bool)| Sample {
            place: at + 1,
            right: Some(*right),
            domain: "words".into(),
            ..Sample::default()
        };
        (name.into(), right.iter().enumerate().map(sample).collect())
    }

    #[test]
    fn the_best_alone_is_who_is_right_most_often() {
        let lists = [list("b", &[true, false]), list("a", &[true, false]), list("c", &[false, false])];
        assert_eq!(best_alone(&lists).map(|(name, _)| name), Some("a"), "of equals the first by name");
        let both = one_of(&lists[0].1, &list("d", &[false, true]).1);
        assert!(both.iter().all(|sample| sample.right == Some(true)));
    }

    #[test]
    fn a_domain_with_too_few_questions_says_nothing() {
        assert!(by_domain(&[list("a", &[true; ENOUGH - 1])]).is_empty());
        assert_eq!(by_domain(&[list("a", &[true; ENOUGH])]).len(), 1);
    }
}
