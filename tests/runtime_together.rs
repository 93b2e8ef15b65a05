//! Generations that go on in the same passes: each gets what it gets alone.
#![allow(clippy::unwrap_used)]

#[path = "reference/recipe.rs"]
mod recipe;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use runtime::generate::{Expert, Said};
use runtime::gguf::Header;
use runtime::host::{Finish, Finished, Overflow, Request};
use runtime::sample::Sampling;

fn load(path: &Path) -> Expert {
    let header = Header::read(path).expect("a sound file");
    Expert::load(&File::open(path).unwrap(), &header, 1, &mut |_| {}).expect("a supported model")
}

/// Random models never come to an end of their own where their end token is none.
fn endless(model: usize) -> (tempfile::TempDir, PathBuf) {
    let mut writer = recipe::reference().models[model].endless();
    writer.set("tokenizer.ggml.add_bos_token", true);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.gguf");
    writer.write_to(&path).unwrap();
    (folder, path)
}

fn sampled(temperature: f32, seed: u64) -> Sampling {
    Sampling { temperature, seed, ..Default::default() }
}

fn run(expert: &mut Expert, request: &Request) -> Finished {
    expert.generate(request, &AtomicBool::new(false), &mut |_| {}, &mut |_| {}).unwrap()
}

/// Begins each request in the pass that its number says and goes on until all have ended, by their place in `requests`.
fn together(expert: &mut Expert, requests: &[(usize, Request)], stop: &dyn Fn(u64) -> bool) -> Vec<Finished> {
    let mut ended: Vec<Option<Finished>> = vec![None; requests.len()];
    let mut pieces = vec![String::new(); requests.len()];
    for pass in 0.. {
        for (slot, (_, request)) in requests.iter().enumerate().filter(|(_, (begins, _))| *begins == pass) {
            expert.begin(slot as u64, slot, request).unwrap();
        }
        expert.go_on(&AtomicBool::new(false), stop, &mut |id, said| match said {
            Said::Read(_) => {}
            Said::Piece(text) => pieces[id as usize].push_str(text),
            Said::Ended(finished) => ended[id as usize] = Some(finished.unwrap()),
        });
        if ended.iter().all(Option::is_some) {
            break;
        }
    }
    assert_eq!(expert.running(), 0);
    let ended: Vec<Finished> = ended.into_iter().flatten().collect();
    assert!(ended.iter().zip(&pieces).all(|(finished, pieces)| finished.text == *pieces));
    ended
}

#[test]
fn each_of_several_gets_token_for_token_what_it_gets_alone() {
    for model in 0..recipe::reference().models.len() {
        let (_folder, path) = endless(model);
        let request = |text: &str, tokens, sampling| Request { sampling, ..Request::raw(text, tokens) };
        let requests = [
            (0, request("once upon a time", 24, sampled(0.0, 0))),
            (0, request("a b a b a b a b", 9, sampled(0.0, 0))),
            (3, request("the bear", 20, sampled(0.9, 7))),
            (
                5,
                Request {
                    overflow: Overflow::Shift { context: Some(20) },
                    ..request("a b c", 30, sampled(0.0, 0))
                },
            ),
            (40, request("late", 4, sampled(0.0, 0))),
        ];
        let many = together(&mut load(&path), &requests, &|_| false);
        for (finished, (_, request)) in many.iter().zip(&requests) {
            let alone = run(&mut load(&path), request);
            assert_eq!((&finished.ids, finished.finish), (&alone.ids, alone.finish), "model {model}");
            assert_eq!(finished.mean_probability, alone.mean_probability, "model {model}");
            assert_eq!(finished.shifted, alone.shifted);
        }
        let met: Vec<u32> = many.iter().map(|finished| finished.together).collect();
        assert!(met[0] >= 3 && met[4] == 1, "{met:?}: the first met the others, the last nobody");
    }
}

#[test]
fn who_is_stopped_among_several_ends_alone_and_leaves_his_slot() {
    let (_folder, path) = endless(0);
    let mut expert = load(&path);
    let request = Request::raw("once upon a time", 12);
    let requests = [(0, request.clone()), (0, request.clone())];
    let ended = together(&mut expert, &requests, &|id| id == 1);
    assert_eq!((ended[0].finish, ended[0].tokens), (Finish::Length, 12));
    assert_eq!((ended[1].finish, ended[1].tokens), (Finish::Stopped, 0));
    expert.begin(7, 1, &request).unwrap();
    let taken = expert.begin(8, 1, &request).unwrap_err();
    assert_eq!(taken.code(), "request.slot");
    assert_eq!(
        expert.save_state(1, &mut Vec::new()).unwrap_err().code(),
        "request.slot",
        "it is being written"
    );
    while expert.running() > 0 {
        expert.go_on(&AtomicBool::new(false), &|_| false, &mut |_, _| {});
    }
    // What was read in one slot serves no other, and comes back by a state.
    let mut state = Vec::new();
    expert.save_state(1, &mut state).unwrap();
    expert.restore_state(3, &mut state.as_slice(), state.len() as u64).unwrap();
    let again = together(&mut expert, &[(0, request)], &|_| false);
    assert_eq!(again[0].ids, ended[0].ids);
}
