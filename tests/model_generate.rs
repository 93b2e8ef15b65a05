//! `lectern model generate` and `perplexity`: settings, constraint and state through the command line and the expert's
//! own process.
#![allow(clippy::unwrap_used)]

#[path = "reference/recipe.rs"]
mod recipe;
#[path = "support/speller.rs"]
mod speller;
#[path = "support/toy.rs"]
#[allow(dead_code)]
mod toy;

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::AtomicBool;

use runtime::host::{Constraint, Host, HostError, Request, Spawn};
use serde_json::Value;
use toy::Toy;

const LECTERN: &str = env!("CARGO_BIN_EXE_lectern");

struct Model {
    folder: tempfile::TempDir,
    path: PathBuf,
}

fn model() -> Model {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("speller.gguf");
    speller::writer().write_to(&path).unwrap();
    Model { folder, path }
}

impl Model {
    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn run(&self, command: &str, arguments: &[&str]) -> Output {
        let mut program = Command::new(LECTERN);
        program.arg("model").arg(command).arg(&self.path).args(arguments).args(["--json", "--threads", "1"]);
        program.stdin(Stdio::null()).output().unwrap()
    }

    fn json(&self, command: &str, arguments: &[&str]) -> Value {
        let output = self.run(command, arguments);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).expect("one JSON document")
    }

    fn error(&self, command: &str, arguments: &[&str]) -> Value {
        let output = self.run(command, arguments);
        assert_eq!(output.status.code(), Some(1));
        serde_json::from_slice::<Value>(&output.stdout).expect("one JSON document")["error"].clone()
    }
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn a_seed_repeats_and_the_settings_arrive() {
    let model = model();
    let base = ["once", "--raw", "--max-tokens", "30", "--temperature", "0.9", "--seed", "5"];
    let ids = |more: &[&str]| model.json("generate", &[&base[..], more].concat())["ids"].clone();
    let plain = ids(&[]);
    assert_eq!(ids(&[]), plain);
    assert_eq!(ids(&["--no-lookup"]), plain);
    for more in [
        ["--top-k", "2"],
        ["--top-p", "0.2"],
        ["--min-p", "0.5"],
        ["--typical-p", "0.2"],
        ["--repeat-penalty", "3"],
        ["--presence-penalty", "5"],
        ["--frequency-penalty", "5"],
        ["--logit-bias", "70=9"],
    ] {
        assert_ne!(ids(&more), plain, "{more:?}");
    }
    let error = model.error("generate", &["once", "--raw", "--top-p", "7"]);
    assert!(error["message"].as_str().unwrap().contains("top_p is 7"), "{error}");
}

#[test]
fn an_answer_follows_the_schema_in_a_file() {
    let model = model();
    let schema = model.file("schema.json");
    let write = |schema_text: &str| std::fs::write(&schema, schema_text).unwrap();
    let arguments = ["a", "--raw", "--temperature", "1", "--seed", "3", "--json-schema", text(&schema)];
    write(r#"{"type": "array", "items": {"type": "integer"}, "minItems": 2, "maxItems": 3}"#);
    let answer = model.json("generate", &arguments);
    let numbers: Vec<f64> = serde_json::from_str(answer["text"].as_str().unwrap()).unwrap();
    assert!((2..=3).contains(&numbers.len()) && answer["finish"] == "end", "{answer}");
    write("{\"type\": \"array\",\n oops}");
    let error = model.error("generate", &arguments);
    assert_eq!(error["code"], "request.constraint");
    assert!(error["message"].as_str().unwrap().contains("line 2"), "{error}");
}

#[test]
fn a_state_file_saves_reading_the_prompt_again() {
    let model = model();
    let state = model.file("talk.state");
    let arguments = ["the story of a bear", "--raw", "--max-tokens", "20", "--state", text(&state)];
    let first = model.json("generate", &arguments);
    assert_eq!(first["cached_tokens"], 0);
    let again = model.json("generate", &arguments);
    assert_eq!(again["ids"], first["ids"]);
    assert_eq!(again["cached_tokens"].as_u64().unwrap(), first["prompt_tokens"].as_u64().unwrap() - 1);
    let left: Vec<_> =
        std::fs::read_dir(model.folder.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(left.len(), 2, "the model and the state: {left:?}");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(&state).unwrap().permissions().mode() & 0o777, 0o600);
    }
    std::fs::write(&state, "no state").unwrap();
    assert_eq!(model.error("generate", &arguments)["code"], "state.unusable");
}

#[test]
fn a_process_goes_on_after_refusing_a_state_or_a_constraint() {
    let model = model();
    let mut host = Host::start(Spawn::new(LECTERN, &model.path), &mut |_| {}).unwrap();
    let never = AtomicBool::new(false);
    let request = Request::raw("the story of a bear", 20);
    let first = host.generate(&request, &never, &mut |_| {}).unwrap();
    let state = model.file("a.state");
    let saved = host.save_state(0, &state).unwrap();
    assert_eq!(saved.bytes, std::fs::metadata(&state).unwrap().len());
    assert_eq!(saved.tokens, first.prompt_tokens + first.tokens - 1);
    let error = host.save_state(0, &model.file("no/such/folder/a.state")).unwrap_err();
    assert!(error.expert_survives(), "{error}");
    // Longer than a part, and damaged in its middle.
    let mut long = std::fs::read(&state).unwrap();
    let length = long.len();
    long[length / 2] ^= 1;
    std::fs::write(model.file("bad.state"), &long).unwrap();
    let error = host.restore_state(0, &model.file("bad.state")).unwrap_err();
    assert!(matches!(&error, HostError::Refused { code, .. } if code == "state.unusable"), "{error}");
    let error = host.restore_state(0, model.folder.path()).unwrap_err();
    assert!(matches!(&error, HostError::Refused { code, .. } if code == "file.unreadable"), "{error}");
    assert_eq!(host.restore_state(0, &state).unwrap(), saved.tokens);
    let constraint = Some(Constraint::Regex("(".into()));
    assert!(host.generate(&Request { constraint, ..request.clone() }, &never, &mut |_| {}).is_err());
    let again = host.generate(&request, &never, &mut |_| {}).unwrap();
    assert_eq!((again.ids, again.cached_tokens), (first.ids, first.prompt_tokens - 1));
}

#[test]
fn a_large_state_travels_in_parts() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name);
    Toy { layers: 8, feed_forward: 32, ..Default::default() }.write(&file("toy.gguf"));
    let start = || Host::start(Spawn::new(LECTERN, file("toy.gguf")), &mut |_| {}).unwrap();
    // Eight layers of 320 numbers for keys and for values: a part is full after some hundred tokens, in 16 bits too.
    let request = Request::raw("b".repeat(300), 1);
    let mut host = start();
    host.generate(&request, &AtomicBool::new(false), &mut |_| {}).unwrap();
    let saved = host.save_state(0, &file("a.state")).unwrap();
    assert!(saved.bytes > 2 << 20, "{saved:?}");
    let mut other = start();
    assert_eq!(other.restore_state(0, &file("a.state")).unwrap(), saved.tokens);
    other.save_state(0, &file("b.state")).unwrap();
    let (a, b) = (std::fs::read(file("a.state")).unwrap(), std::fs::read(file("b.state")).unwrap());
    assert!(a == b, "the same to the last bit");
}

#[test]
fn a_full_context_is_said() {
    let model = model();
    let arguments = ["a long story", "--raw", "--max-tokens", "60", "--context", "32"];
    let done = model.json("generate", &arguments);
    assert!(done["shifted"].as_u64().unwrap() > 0 && done["note"].as_str().unwrap().contains("32"), "{done}");
}

#[test]
fn perplexity_is_told_with_its_definition() {
    let model = model();
    let file = model.file("text.txt");
    std::fs::write(&file, "what a model cannot foretell is news to it. ".repeat(10)).unwrap();
    let found = model.json("perplexity", &[text(&file), "--context", "64"]);
    let number = |name: &str| found[name].as_f64().unwrap();
    assert!((number("nll").exp() - number("perplexity")).abs() < 1e-6 * number("perplexity"));
    assert!(number("perplexity") > 10.0, "random weights know nothing: {found}");
    // Of each window of 64 the tokens after position 32.
    assert_eq!(number("tokens"), 31.0 * number("windows"));
    assert_eq!(model.error("perplexity", &[text(&file), "--context", "100000"])["code"], "request.short");
    assert_eq!(model.error("perplexity", &[text(&model.file("none"))])["code"], "file.unreadable");
}

/// A program that stands in for one that cannot start: the library of its driver is absent.
#[cfg(unix)]
#[test]
fn without_a_driver_the_processor_computes_and_it_is_said_why() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let folder = tempfile::tempdir().unwrap();
    let host = folder.path().join("lectern");
    symlink(LECTERN, &host).unwrap();
    let broken = folder.path().join("lectern-gpu");
    std::fs::write(&broken, "#!/bin/sh\necho 'libcuda.so.1: cannot open' >&2\nexit 127\n").unwrap();
    std::fs::set_permissions(&broken, std::fs::Permissions::from_mode(0o755)).unwrap();
    let model = model();
    let spawn = Spawn { threads: Some(1), ..Spawn::new(&host, &model.path) };
    let placement =
        |spawn: &Spawn| Host::start(spawn.clone(), &mut |_| {}).unwrap().facts().placement.clone();
    let found = placement(&spawn);
    assert_eq!((&found.device, found.on_device), (&None, 0));
    let why = found.why.expect("it is said");
    assert!(why.contains("lectern-gpu") && why.contains("libcuda.so.1"), "{why}");
    // Who wants none is told nothing, and neither is who has no program for it.
    assert_eq!(placement(&Spawn { device: false, ..spawn.clone() }).why, None);
    std::fs::remove_file(&broken).unwrap();
    assert_eq!(placement(&spawn).why, None);
}
