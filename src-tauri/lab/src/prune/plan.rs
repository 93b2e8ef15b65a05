//! Plan: which experts stay.

use clap::ValueEnum;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use ts_rs::TS;

use super::scan::{ExpertScores, Weighted};
use super::{Check, Document, ModelId, PruneError, Scan};

/// No model has more.
const MOST_LAYERS: usize = 1 << 16;

/// By what experts are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ValueEnum, TS)]
#[serde(rename_all = "kebab-case")]
#[ts(rename = "ExpertScore")]
pub enum Score {
    /// Mean of share and norm of the output, over the expert's own tokens.
    Reap,
    /// Share, norm and turn of the stream, summed over all tokens.
    EasyEp,
    /// From the weights alone.
    Aimer,
    /// How often it is chosen.
    Count,
    /// Mean norm of the output.
    Norm,
    /// A control.
    Random,
}

impl Score {
    pub fn name(self) -> &'static str {
        match self {
            Score::Reap => "reap",
            Score::EasyEp => "easy-ep",
            Score::Aimer => "aimer",
            Score::Count => "count",
            Score::Norm => "norm",
            Score::Random => "random",
        }
    }

    /// It rests on the questions.
    fn is_measured(self) -> bool {
        !matches!(self, Score::Aimer | Score::Random)
    }

    /// At least 0; more is better.
    fn of(self, expert: &ExpertScores, rng: &mut ChaCha8Rng) -> f64 {
        match self {
            Score::Reap => expert.reap,
            Score::EasyEp => expert.easy_ep,
            // mean|W| is never more than RMS(W).
            Score::Aimer => 1.0 - expert.aimer,
            Score::Count => expert.count,
            Score::Norm => expert.norm_mean,
            Score::Random => rng.random(),
        }
    }
}

/// What is asked of a plan.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct PlanHow {
    /// Share of the experts that stay.
    pub keep: f64,
    pub score: Score,
    /// Layers may keep more or fewer: the share is of all layers' experts together.
    pub per_layer: bool,
    /// Of the random score.
    pub seed: u64,
    /// Super experts stay, whatever their score.
    #[serde(default)]
    pub protect: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[ts(rename = "ModelPlan")]
pub struct Plan {
    pub model: ModelId,
    pub how: PlanHow,
    pub layers: Vec<LayerPlan>,
    /// Of all layers.
    pub coverage: Coverage,
    /// Mean of the layers'; absent where the score does not rest on questions.
    pub stability: Option<f64>,
    /// There were tokens enough to believe the scores.
    pub enough: bool,
    /// What a dry run of this very plan found.
    pub check: Option<Check>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct LayerPlan {
    pub layer: usize,
    pub experts: usize,
    /// Ascending.
    pub kept: Vec<u32>,
    pub removed: Vec<u32>,
    /// Super experts, who stay whatever their score.
    #[serde(default)]
    pub protected: Vec<u32>,
    /// All of the layer's experts, the best first.
    pub order: Vec<u32>,
    pub coverage: Coverage,
    /// Share of `kept` that both halves of the questions choose when each chooses as many.
    pub stability: Option<f64>,
}

/// What those who stay have done, of what all did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, TS)]
#[ts(rename = "ModelCoverage")]
pub struct Coverage {
    pub count: f64,
    pub gate: f64,
    pub score: f64,
}

/// Who stays, by the scores of a scan. No layer keeps fewer than are used for a token.
pub fn plan(scan: &Scan, how: PlanHow) -> Result<Plan, PruneError> {
    if !(how.keep > 0.0 && how.keep <= 1.0) {
        return Err(PruneError::Usage(format!("--keep {} is not above 0 and at most 1", how.keep)));
    }
    if how.score.is_measured() && scan.calibration.questions == 0 {
        let name = how.score.name();
        let why = format!("the scan had no questions, and {name} rests on them; --score aimer needs none");
        return Err(PruneError::Usage(why));
    }
    let used = scan.model.experts_used as usize;
    let mut rng = ChaCha8Rng::seed_from_u64(how.seed);
    let mut values = |experts: &[ExpertScores]| -> Vec<f64> {
        experts.iter().map(|expert| how.score.of(expert, &mut rng)).collect()
    };
    let scores: Vec<Vec<f64>> = scan.layers.iter().map(|layer| values(&layer.experts)).collect();
    let halves = scan.halves.each_ref().map(|layers| {
        let of_layer = |experts: &Vec<Weighted>| {
            let scored = experts.iter().enumerate();
            values(&scored.map(|(at, sums)| sums.scores(at as u32, 0, 1.0, 0.0)).collect::<Vec<_>>())
        };
        layers.iter().map(of_layer).collect::<Vec<_>>()
    });
    let protected: Vec<Vec<u32>> =
        scan.layers.iter().map(|layer| protected(scan, how, layer.layer)).collect();
    let floors: Vec<usize> = protected.iter().map(|protected| protected.len().max(used)).collect();
    let counts =
        if how.per_layer { spread(&scores, how.keep, &floors) } else { uniform(&scores, how.keep, &floors) };
    let layers: Vec<LayerPlan> = scan
        .layers
        .iter()
        .enumerate()
        .map(|(at, layer)| {
            let order = order(&scores[at], &protected[at]);
            let kept = first(&order, counts[at]);
            let removed = (0..layer.experts.len() as u32).filter(|expert| !kept.contains(expert)).collect();
            let measured = how.score.is_measured();
            let stability = measured
                .then(|| agreement(halves.each_ref().map(|half| &half[at]), &protected[at], counts[at]));
            let coverage = coverage(&layer.experts, &scores[at], &kept);
            LayerPlan {
                layer: layer.layer,
                experts: layer.experts.len(),
                kept,
                removed,
                protected: protected[at].clone(),
                order,
                coverage,
                stability,
            }
        })
        .collect();
    let mean =
        |of: &dyn Fn(&LayerPlan) -> f64| layers.iter().map(of).sum::<f64>() / layers.len().max(1) as f64;
    Ok(Plan {
        model: scan.model.clone(),
        how,
        coverage: Coverage {
            count: mean(&|layer| layer.coverage.count),
            gate: mean(&|layer| layer.coverage.gate),
            score: mean(&|layer| layer.coverage.score),
        },
        stability: how.score.is_measured().then(|| mean(&|layer| layer.stability.unwrap_or(0.0))),
        enough: scan.calibration.enough || !how.score.is_measured(),
        layers,
        check: None,
    })
}

/// The layer's super experts.
fn protected(scan: &Scan, how: PlanHow, layer: usize) -> Vec<u32> {
    let all = scan.super_experts.iter().flatten().filter(|expert| how.protect && expert.layer == layer);
    all.map(|expert| expert.expert).collect()
}

/// Those who are protected first, then the best; of equal ones the lower number.
fn order(scores: &[f64], protected: &[u32]) -> Vec<u32> {
    let mut order: Vec<u32> = (0..scores.len() as u32).collect();
    let is_protected = |expert: &u32| protected.contains(expert);
    order.sort_by(|&a, &b| {
        let (score_a, score_b) = (scores[a as usize], scores[b as usize]);
        is_protected(&b).cmp(&is_protected(&a)).then(score_b.total_cmp(&score_a))
    });
    order
}

/// The best `count`, ascending.
fn first(order: &[u32], count: usize) -> Vec<u32> {
    let mut first = order[..count].to_vec();
    first.sort_unstable();
    first
}

/// Never fewer than the share that was asked for; a product like 0.7 · 10 is a hair above 7.
fn at_least(keep: f64, experts: usize) -> usize {
    (keep * experts as f64 - 1e-9).ceil() as usize
}

/// No layer keeps fewer than its floor.
fn uniform(scores: &[Vec<f64>], keep: f64, floors: &[usize]) -> Vec<usize> {
    // One number for all layers, as a file has it.
    let floor = floors.iter().copied().max().unwrap_or(0);
    scores.iter().map(|layer| at_least(keep, layer.len()).max(floor).min(layer.len())).collect()
}

/// One budget for all layers: after the floor, the experts with the largest part of their layer's score.
fn spread(scores: &[Vec<f64>], keep: f64, floors: &[usize]) -> Vec<usize> {
    let mut counts: Vec<usize> =
        scores.iter().zip(floors).map(|(layer, &floor)| floor.min(layer.len())).collect();
    let all = scores.iter().map(Vec::len).sum();
    let budget = at_least(keep, all).saturating_sub(counts.iter().sum());
    let mut rest: Vec<(f64, usize)> = Vec::new();
    for (at, layer) in scores.iter().enumerate() {
        let whole: f64 = layer.iter().sum();
        let share = |&expert: &u32| if whole > 0.0 { layer[expert as usize] / whole } else { 0.0 };
        rest.extend(order(layer, &[])[counts[at]..].iter().map(|expert| (share(expert), at)));
    }
    rest.sort_by(|a, b| b.0.total_cmp(&a.0));
    rest.iter().take(budget).for_each(|&(_, at)| counts[at] += 1);
    counts
}

/// Share of the first `count` that two rankings have in common.
fn agreement(halves: [&Vec<f64>; 2], protected: &[u32], count: usize) -> f64 {
    let [a, b] = halves.map(|scores| first(&order(scores, protected), count));
    a.iter().filter(|expert| b.contains(expert)).count() as f64 / count.max(1) as f64
}

fn coverage(experts: &[ExpertScores], scores: &[f64], kept: &[u32]) -> Coverage {
    let share = |of: &dyn Fn(usize) -> f64| {
        let all: f64 = (0..experts.len()).map(of).sum();
        let stays: f64 = kept.iter().map(|&expert| of(expert as usize)).sum();
        if all > 0.0 { stays / all } else { 1.0 }
    };
    Coverage {
        count: share(&|at| experts[at].count),
        gate: share(&|at| experts[at].gate),
        score: share(&|at| scores[at]),
    }
}

impl Plan {
    /// SHA-256 of what the plan does to which model: a check is of one such sum.
    pub fn sum(&self) -> String {
        let mut sum = Sha256::new();
        sum.update(&self.model.header_sha256);
        for layer in &self.layers {
            sum.update(format!("\n{}:{:?}", layer.layer, layer.kept));
        }
        format!("{:x}", sum.finalize())
    }

    /// Who may not be chosen, as a pass wants it: (layers, experts), no line for layers without a mixture.
    pub(super) fn excluded(&self) -> Vec<Vec<bool>> {
        excluded(self.layers.iter().map(|layer| (layer.layer, layer.experts, &layer.kept[..])))
    }
}

impl Document for Plan {
    const WHAT: &'static str = "plan";

    /// Its experts are there, ascending, and enough.
    fn sound(&self) -> Result<(), String> {
        let ModelId { experts: all, experts_used: used, .. } = self.model;
        if self.layers.is_empty() {
            return Err("layers: there is none".into());
        }
        for (at, LayerPlan { layer, experts, kept, .. }) in self.layers.iter().enumerate() {
            let wrong = |field: &str, why: String| Err(format!("layers[{at}].{field}: {why}"));
            if self.layers[..at].iter().any(|before| before.layer >= *layer) || *layer > MOST_LAYERS {
                return wrong(
                    "layer",
                    format!("{layer} is not above the one before, or above {MOST_LAYERS}"),
                );
            }
            if *experts != all as usize {
                return wrong("experts", format!("{experts}, but the model has {all}"));
            }
            let ascends = kept.windows(2).all(|pair| pair[0] < pair[1]);
            if !ascends || kept.last().is_some_and(|&last| last >= all) {
                return wrong("kept", format!("{kept:?} are not ascending numbers below {all}"));
            }
            if kept.len() < used as usize {
                return wrong("kept", format!("{} stay, but {used} are used for each token", kept.len()));
            }
        }
        Ok(())
    }
}

pub(super) fn excluded<'a>(layers: impl Iterator<Item = (usize, usize, &'a [u32])>) -> Vec<Vec<bool>> {
    let mut all = Vec::new();
    for (layer, experts, kept) in layers {
        if all.len() <= layer {
            all.resize(layer + 1, Vec::new());
        }
        all[layer] = (0..experts as u32).map(|expert| !kept.contains(&expert)).collect();
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prune::scan::{Calibration, LayerScores, SuperExpert};

    /// Two layers of four, two used: REAP as given, everything else the same for all.
    fn scan(reap: [[f64; 4]; 2]) -> Scan {
        let sums =
            |reap: f64| Weighted { count: 10.0, gate: 5.0, weighted: 10.0 * reap, ..Weighted::default() };
        let layers = reap.iter().enumerate().map(|(layer, reap)| LayerScores {
            layer: layer + 1,
            experts: reap
                .iter()
                .enumerate()
                .map(|(at, &reap)| sums(reap).scores(at as u32, 10, 0.8, 1.0))
                .collect(),
            idle: Vec::new(),
            few: Vec::new(),
        });
        let half =
            |turn: usize| reap.map(|reap| (0..4).map(|at| sums(reap[(at + turn) % 4])).collect()).to_vec();
        let model = ModelId {
            name: None,
            architecture: "toy".into(),
            bytes: 1,
            header_sha256: "0".into(),
            experts: 4,
            experts_used: 2,
        };
        let calibration = Calibration {
            questions: 2,
            tokens: 20,
            own_answers: 0,
            topics: Default::default(),
            tokens_per_expert: 10.0,
            enough: false,
        };
        Scan { model, calibration, layers: layers.collect(), halves: [half(0), half(1)], super_experts: None }
    }

    const SCORES: [[f64; 4]; 2] = [[1.0, 4.0, 2.0, 3.0], [97.0, 1.0, 1.0, 1.0]];

    fn how(keep: f64, per_layer: bool) -> PlanHow {
        PlanHow { keep, score: Score::Reap, per_layer, seed: 0, protect: true }
    }

    fn kept(plan: &Plan) -> Vec<Vec<u32>> {
        plan.layers.iter().map(|layer| layer.kept.clone()).collect()
    }

    #[test]
    fn the_best_stay_in_every_layer() {
        let plan = plan(&scan(SCORES), how(0.75, false)).unwrap();
        assert_eq!(kept(&plan), [[1, 2, 3], [0, 1, 2]]);
        assert_eq!(plan.layers[0].removed, [0]);
        let coverage = plan.layers[0].coverage;
        assert_eq!((coverage.count, coverage.gate, coverage.score), (0.75, 0.75, 0.9));
        assert!(!plan.enough);
        // The second half's scores are the first's, shifted by one: 4 2 3 1 keeps 0, 1, 2.
        assert_eq!(plan.layers[0].stability, Some(2.0 / 3.0));
    }

    #[test]
    fn one_budget_goes_to_the_layer_that_needs_it() {
        // Floor 2 and 2; of the two more, the first layer has 2/10 and 1/10 of its score left, the second 1/100 each.
        let plan = plan(&scan(SCORES), how(0.75, true)).unwrap();
        assert_eq!(kept(&plan), [vec![0, 1, 2, 3], vec![0, 1]]);
    }

    #[test]
    fn no_layer_keeps_fewer_than_are_used() {
        for per_layer in [false, true] {
            let plan = plan(&scan(SCORES), how(0.01, per_layer)).unwrap();
            assert_eq!(kept(&plan), [[1, 3], [0, 1]]);
        }
    }

    #[test]
    fn super_experts_stay_whatever_their_score() {
        let mut scan = scan(SCORES);
        scan.super_experts = Some(vec![SuperExpert { layer: 1, expert: 0, peak: 99.0 }]);
        let protecting = plan(&scan, how(0.5, false)).unwrap();
        assert_eq!(
            (kept(&protecting), &protecting.layers[0].protected),
            (vec![vec![0, 1], vec![0, 1]], &vec![0])
        );
        let open = plan(&scan, PlanHow { protect: false, ..how(0.5, false) }).unwrap();
        assert_eq!(kept(&open), [[1, 3], [0, 1]]);
    }

    #[test]
    fn a_seed_says_which_chance() {
        let random = |seed| {
            let how = PlanHow { seed, score: Score::Random, ..how(0.5, false) };
            kept(&plan(&scan(SCORES), how).unwrap())
        };
        assert_eq!(random(1), random(1));
        assert!((2..20).any(|seed| random(seed) != random(1)));
    }

    #[test]
    fn what_the_pass_leaves_out_is_what_the_plan_removes() {
        let plan = plan(&scan(SCORES), how(0.5, false)).unwrap();
        let none: Vec<bool> = Vec::new();
        assert_eq!(plan.excluded(), [none, vec![true, false, true, false], vec![false, false, true, true]]);
    }

    #[test]
    fn a_plan_that_was_changed_by_hand_is_found_out() {
        let mut plan = plan(&scan(SCORES), how(0.75, false)).unwrap();
        let sum = plan.sum();
        plan.layers[0].kept = vec![0, 1, 9];
        assert!(plan.sound().unwrap_err().starts_with("layers[0].kept: [0, 1, 9]"));
        assert_ne!(plan.sum(), sum);
        plan.layers[0].kept = vec![3];
        assert!(plan.sound().unwrap_err().contains("2 are used"));
    }
}
