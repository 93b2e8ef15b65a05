//! What a cut of the shipped generalist costs, by the score that chooses who stays.
#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use lab::data::{Corpus, Own, Split, corpus};
use lab::prune::{Asking, Interval, Plan, PlanHow, Question, Score, Workshop, plan, scan};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use runtime::host::{Compared, Examined, Example, Host, Look, Message, Other, Prompt, Role, Spawn};

const LECTERN: &str = env!("CARGO_BIN_EXE_lectern");
const DOMAINS: [&str; 4] = ["arithmetic", "units", "words", "code"];
const CALIBRATION: usize = 150;
const HELD_OUT: usize = 100;
const GUARD: usize = 60;
/// Draws of the random control.
const DRAWS: u64 = 4;

fn model() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../starters/generalist.gguf")
}

fn questions(domains: &[&str], count: usize, seed: u64, split: Split) -> Vec<Question> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let all = domains.iter().flat_map(|domain| {
        let corpus = Own(corpus(domain).unwrap());
        let question = |_| {
            let example = corpus.sample(&mut rng, split);
            Question {
                question: example.question,
                answer: Some(example.answer),
                topic: Some((*domain).to_owned()),
                weight: None,
            }
        };
        (0..count / domains.len()).map(question).collect::<Vec<_>>()
    });
    all.collect()
}

fn without(plan: &Plan) -> Other {
    let mut all: Vec<Vec<bool>> = Vec::new();
    for layer in &plan.layers {
        all.resize(all.len().max(layer.layer + 1), Vec::new());
        all[layer.layer] = (0..layer.experts as u32).map(|expert| layer.removed.contains(&expert)).collect();
    }
    Other::Without(all)
}

/// (nats by which the answer is foretold worse, tokens) of each of the others, for each question.
fn losses(host: &mut Host, questions: &[Question], others: &[Other]) -> Vec<Vec<(f64, f64)>> {
    let look = Look::Compare { others: others.to_vec() };
    let stop = AtomicBool::new(false);
    let mut all = vec![Vec::new(); others.len()];
    for question in questions {
        let prompt = Prompt::Messages(vec![Message::new(Role::User, &question.question)]);
        let example = Example { prompt, answer: question.answer.clone(), own_tokens: 64 };
        let Examined::Compare(found) = host.examine(&example, &look, &stop).unwrap() else { panic!() };
        let sum = |Compared { before, after, .. }: &Compared| {
            (after.iter().sum::<f64>() - before.iter().sum::<f64>(), before.len() as f64)
        };
        all.iter_mut().zip(&found).for_each(|(all, compared)| all.push(sum(compared)));
    }
    all
}

fn told(name: &str, of: &[(f64, f64)]) -> String {
    let Interval { mean, low, high } = Interval::of(of, 1);
    format!("{name} {mean:.4} [{:.4}, {:.4}]", low.unwrap(), high.unwrap())
}

/// How much less one loses than the other, question by question.
fn less(one: &[(f64, f64)], other: &[(f64, f64)]) -> Vec<(f64, f64)> {
    one.iter().zip(other).map(|(one, other)| (other.0 - one.0, one.1)).collect()
}

/// Prints what keeping three quarters of the generalist's experts costs, calibrated on one domain, as means of three seeds
/// with intervals over their questions: `cargo test --workspace --test prune_generalist -- --ignored --nocapture`. Takes
/// half an hour of one core; LECTERN_PRUNE_DOMAINS and LECTERN_PRUNE_SEEDS name some, with commas.
#[test]
#[ignore = "a measurement, not a claim"]
fn what_a_cut_of_the_generalist_costs() {
    let workshop = Workshop { executable: LECTERN.into(), threads: Some(1), stop: Arc::default() };
    let spawn = Spawn { threads: Some(1), device: false, ..Spawn::new(LECTERN, model()) };
    let asking = Asking { own_tokens: 64, raw: false };
    let scores = [Score::Reap, Score::EasyEp, Score::Count];
    let seeds: Vec<u64> = std::env::var("LECTERN_PRUNE_SEEDS")
        .map_or(vec![11, 12, 13], |text| text.split(',').map(|seed| seed.parse().unwrap()).collect());
    let mut host = Host::start(spawn, &mut |_| {}).unwrap();
    let chosen = std::env::var("LECTERN_PRUNE_DOMAINS").unwrap_or_else(|_| DOMAINS.join(","));
    for domain in DOMAINS.into_iter().filter(|domain| chosen.split(',').any(|chosen| chosen == *domain)) {
        let others: Vec<&str> = DOMAINS.into_iter().filter(|other| *other != domain).collect();
        for (how, own, per_layer) in
            [("given answers", false, false), ("own answers", true, false), ("per layer", false, true)]
        {
            // By score, and last by chance: (loss, tokens) of each question, those of all seeds one after the other.
            let mut held_out = vec![Vec::new(); scores.len() + 1];
            let mut guarded = held_out.clone();
            for &seed in &seeds {
                let mut calibration = questions(&[domain], CALIBRATION, seed, Split::Train);
                calibration.iter_mut().filter(|_| own).for_each(|question| question.answer = None);
                let scan = scan(&model(), &calibration, asking, &workshop, &mut |_| {}).unwrap();
                let mut masks = Vec::new();
                for score in scores {
                    let how = PlanHow { keep: 0.75, score, per_layer, seed, protect: true };
                    masks.push(without(&plan(&scan, how).unwrap()));
                }
                for draw in 0..DRAWS {
                    let how = PlanHow {
                        keep: 0.75,
                        score: Score::Random,
                        per_layer,
                        seed: 100 * seed + draw,
                        protect: true,
                    };
                    masks.push(without(&plan(&scan, how).unwrap()));
                }
                for (asked, all) in [
                    (questions(&[domain], HELD_OUT, seed, Split::HeldOut), &mut held_out),
                    (questions(&others, GUARD, seed, Split::HeldOut), &mut guarded),
                ] {
                    let found = losses(&mut host, &asked, &masks);
                    let (scored, drawn) = found.split_at(scores.len());
                    let chance = (0..asked.len()).map(|at| {
                        let mean = drawn.iter().map(|draw| draw[at].0).sum::<f64>() / drawn.len() as f64;
                        (mean, drawn[0][at].1)
                    });
                    scored.iter().zip(all.iter_mut()).for_each(|(found, all)| all.extend(found));
                    all[scores.len()].extend(chance);
                }
            }
            let names = scores.map(Score::name).into_iter().chain(["chance"]);
            for (name, (held, guard)) in names.clone().zip(held_out.iter().zip(&guarded)) {
                eprintln!("{domain}, {how}, {}; {}", told(name, held), told("others", guard));
            }
            for (name, other) in names.zip(&held_out).skip(1) {
                eprintln!("{domain}, {how}, reap loses less than {}", told(name, &less(&held_out[0], other)));
            }
        }
    }
    host.leave();
}
