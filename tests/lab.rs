//! The lab: a training run is a pure function of its recipe, and what it exports is the model that it trained.

#![allow(clippy::unwrap_used, reason = "what cannot be done here is the test's failure")]

use lab::data::{Corpus, Example, Split};
use lab::train::model::{Batch, Shape};
use lab::train::pass::Pass;
use lab::train::{Recipe, TokenizerFrom, train};
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use runtime::generate::Expert;
use runtime::gguf::Header;
use std::fs::File;
use std::sync::atomic::AtomicBool;

/// Doubles a digit.
struct Doubling;

impl Corpus for Doubling {
    fn name(&self) -> &'static str {
        "doubling"
    }
    fn domain(&self) -> &'static str {
        "mathematics"
    }
    fn sample(&self, rng: &mut ChaCha8Rng, _: Split) -> Example {
        let digit = rng.random_range(0..10);
        Example {
            question: format!("twice {digit}"),
            answer: format!("{}", digit * 2),
            complexity: 1.0,
            task: "double",
        }
    }
    fn correct(&self, example: &Example, answer: &str) -> bool {
        example.answer == answer
    }
}

fn recipe(experts: usize, cycles: &'static [u64]) -> Recipe {
    Recipe {
        name: "toy",
        corpora: vec![(Box::new(Doubling), 1.0)],
        parent: None,
        kept: &[],
        tokenizer: TokenizerFrom::Texts(vec![Box::new(Doubling)]),
        shape: Shape {
            vocabulary: 280,
            width: 32,
            layers: 2,
            heads: 2,
            feed_forward: 32,
            experts,
            experts_used: 2.min(experts),
            context: 32,
            rope_base: 10_000.0,
            norm_eps: 1e-5,
        },
        cycles,
        batch_tokens: 256,
        learning_rate: 3e-3,
        seed: 7,
    }
}

fn weights(model: &lab::train::model::Model) -> Vec<Vec<f32>> {
    model.weights.iter().map(|weight| weight.data.clone()).collect()
}

#[test]
fn a_stopped_run_goes_on_bit_for_bit() {
    for experts in [0, 4] {
        let (whole, halved) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let recipe = recipe(experts, &[4, 10]);
        let once = train(&recipe, whole.path(), None, &mut |_| ()).unwrap();
        train(&recipe, halved.path(), Some(5), &mut |_| ()).unwrap();
        let twice = train(&recipe, halved.path(), None, &mut |_| ()).unwrap();
        assert!(
            weights(&once.model) == weights(&twice.model),
            "{experts} experts: the resumed weights differ"
        );
        assert_eq!(once.tokens, twice.tokens);
    }
}

#[test]
fn a_mixture_starts_where_its_dense_parent_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let dense = Recipe { kept: &[250], ..recipe(0, &[250]) };
    let parent = train(&dense, folder.path(), None, &mut |_| ()).unwrap();
    let child = Recipe { name: "child", parent: Some(("toy", 250)), ..recipe(4, &[1]) };
    let started = train(&child, folder.path(), Some(0), &mut |_| ()).unwrap();
    let right =
        |model, tokenizer| lab::train::exactness(model, tokenizer, &dense.corpora, 50, 3, &mut |_, _, _| ());
    let (before, after) = (
        right(&parent.model, &parent.tokenizer).unwrap()["double"].right,
        right(&started.model, &started.tokenizer).unwrap()["double"].right,
    );
    assert!(before >= 45 && after >= 40, "the parent answers {before} of 50, the mixture made of it {after}");
}

#[test]
fn a_checkpoint_of_another_recipe_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    train(&recipe(0, &[3]), folder.path(), None, &mut |_| ()).unwrap();
    let error =
        train(&Recipe { seed: 8, ..recipe(0, &[3]) }, folder.path(), None, &mut |_| ()).err().unwrap();
    assert!(error.to_string().contains("another recipe, seed or shape"), "{error}");
}

#[test]
fn training_learns_what_it_is_shown() {
    let folder = tempfile::tempdir().unwrap();
    let recipe = recipe(0, &[150]);
    let trained = train(&recipe, folder.path(), None, &mut |_| ()).unwrap();
    let exact =
        lab::train::exactness(&trained.model, &trained.tokenizer, &recipe.corpora, 50, 3, &mut |_, _, _| ())
            .unwrap();
    assert!(exact["double"].right >= 45, "{} of 50 doublings after 150 steps", exact["double"].right);
}

/// F16 keeps 11 bits: logits of a model of this size move by less than 1 %.
#[test]
fn the_runtime_computes_from_the_exported_file_what_the_lab_trained() {
    for experts in [0, 4] {
        let folder = tempfile::tempdir().unwrap();
        let trained = train(&recipe(experts, &[20]), folder.path(), None, &mut |_| ()).unwrap();
        let path = folder.path().join("toy.gguf");
        lab::export::export(&path, "toy", &trained.model, &trained.tokenizer).unwrap();
        let text = "twice 7 is it";
        let ids = trained.tokenizer.encode(text).unwrap();
        let header = Header::read(&path).unwrap();
        let mut expert = Expert::load(&File::open(&path).unwrap(), &header, 1, &mut |_| ()).unwrap();
        assert_eq!(expert.tokenize(text, false).ids, ids, "the file's tokenizer gives other ids");
        let n = ids.len();
        let batch =
            Batch { lengths: vec![n], inputs: ids.clone(), targets: vec![0; n], weights: vec![1.0; n] };
        let mut pass = Pass::default();
        let logits = pass.forward(&trained.model, &batch).logits;
        let lab: Vec<&[f32]> = logits.chunks_exact(trained.model.shape.vocabulary).collect();
        let mut ours = Vec::new();
        expert.logits(&ids, true, &AtomicBool::new(false), &mut |row| ours.push(row.logits)).unwrap();
        let largest = logits.iter().fold(0f32, |top, x| top.max(x.abs()));
        for (position, (lab, ours)) in lab.iter().zip(&ours).enumerate() {
            for (a, b) in lab.iter().zip(ours) {
                assert!(
                    (a - b).abs() < 0.01 * largest,
                    "{experts} experts, position {position}: {a} trained, {b} run"
                );
            }
        }
    }
}
