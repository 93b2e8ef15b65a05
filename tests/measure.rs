//! Measure: `lectern bench` over toy experts, whose words are known before they say them.

// A helper that cannot go on fails its test.
#![allow(clippy::unwrap_used)]

#[allow(dead_code)]
#[path = "support/toy.rs"]
mod toy;
#[allow(dead_code)]
#[path = "support/toys.rs"]
mod toys;

use engine::report::status;
use engine::words::Question;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::process::{Command, Output};
use toy::Toy;
use toys::Toys;

const SENTENCE: &[&str] = &["the", "answer", "is", "42"];

fn lectern(toys: &Toys, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_lectern"))
        .args(arguments)
        .args(["--json", "--threads", "1"])
        .env("LECTERN_HOME", toys.folder.path().join("home"))
        .output()
        .unwrap()
}

fn file(toys: &Toys, name: &str, lines: &[Value]) -> PathBuf {
    let path = toys.folder.path().join(name);
    std::fs::write(&path, lines.iter().map(|line| format!("{line}\n")).collect::<String>()).unwrap();
    path
}

fn shown(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)))
}

fn near(got: &Value, wanted: f64) {
    let got = got.as_f64().unwrap_or_else(|| panic!("{got} is no number"));
    assert!((got - wanted).abs() < 5e-5, "{got}, not {wanted}");
}

#[test]
fn every_figure_of_a_benchmark_is_traced_to_its_samples() {
    let toys = Toys::with(&[("alpha", Toy { says: SENTENCE, ..Toy::default() })]);
    let questions = file(
        &toys,
        "q.jsonl",
        &[
            json!({ "id": "a", "question": "alpha: one", "expected": "42" }),
            json!({ "id": 2, "question": "alpha: two", "expected": 42.0 }),
            json!({ "id": "c", "question": "alpha: three", "expected": " The answer  IS 42 " }),
            json!({ "id": "d", "question": "alpha: four", "expected": "43" }),
            json!({ "id": "e", "question": "alpha: five" }),
        ],
    );
    let out = toys.folder.path().join("samples.jsonl");
    let output = lectern(
        &toys,
        &[
            "bench",
            "--file",
            questions.to_str().unwrap(),
            "--expert",
            "alpha",
            "--modes",
            "basic,fast",
            "--out",
            out.to_str().unwrap(),
        ],
    );
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let report = shown(&output);
    let samples: Vec<Value> = std::fs::read_to_string(out)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(samples.len(), 10, "five questions in two modes");

    for (at, mode) in ["basic", "fast"].iter().enumerate() {
        let of_mode: Vec<&Value> = samples.iter().filter(|sample| sample["mode"] == *mode).collect();
        let measured = &report["modes"][at];
        assert_eq!(measured["mode"], *mode);
        assert_eq!((&measured["n"], &measured["without_expected"]), (&json!(5), &json!(1)));
        let accuracy = &measured["accuracy"];
        assert_eq!((&accuracy["count"], &accuracy["n"]), (&json!(3), &json!(4)));
        // Wilson of 3 of 4: (0.75 + 3.84146/8 ± 1.95996 √(0.1875/4 + 3.84146/64)) / 1.960365.
        near(&accuracy["low"], 0.3006);
        near(&accuracy["high"], 0.9544);
        assert_eq!(measured["experts"]["alpha"], *accuracy);
        assert_eq!(measured["tokens"], 5 * SENTENCE.len());
        let sum = |field: &str| of_mode.iter().map(|sample| sample[field].as_u64().unwrap()).sum::<u64>();
        assert_eq!(measured["prompt_tokens"], sum("prompt_tokens"));
        assert_eq!(
            (&measured["loads"], &measured["swaps"]),
            (&json!(1), &json!(0)),
            "each mode begins empty"
        );
        let mut times: Vec<f64> = of_mode.iter().map(|sample| sample["total_ms"].as_f64().unwrap()).collect();
        times.sort_by(f64::total_cmp);
        // Nearest rank: ⌈0.5 · 5⌉ = 3, ⌈0.99 · 5⌉ = 5.
        assert_eq!(measured["latency_p50_ms"].as_f64(), Some(times[2]));
        assert_eq!(measured["latency_p99_ms"].as_f64(), Some(times[4]));
        let peak = of_mode.iter().map(|sample| sample["peak_memory_bytes"].as_u64().unwrap()).max();
        assert_eq!(measured["peak_memory_bytes"].as_u64(), peak);
        assert!(peak > Some(1_000_000), "a process takes at least a megabyte");
    }
    assert_eq!((&report["all"]["n"], &report["all"]["accuracy"]["count"]), (&json!(10), &json!(6)));
    let compared = &report["differences"][0];
    assert_eq!((&compared["mode"], &compared["than"]), (&json!("fast"), &json!("basic")));
    assert_eq!((&compared["both"], &compared["neither"]), (&json!(3), &json!(1)));
    assert_eq!(compared["difference"], 0.0);
}

#[test]
fn a_benchmark_leaves_nothing_behind() {
    let toys = Toys::with(&[("alpha", Toy { says: SENTENCE, ..Toy::default() })]);
    let text = "alpha: how high is the old bell tower?";
    let trial = Question { trial: true, ..Question::new(text) };
    let answer = toys.listen(trial.clone(), &mut |_| {}).unwrap();
    assert_eq!(answer.answer.trim(), "the answer is 42");
    assert!(!answer.trace.learn.stored);
    assert!(answer.trace.learn.why_not.unwrap().contains("measure"), "the trace says why");

    assert!(toys.engine.archive().conversations(None).unwrap().is_empty());
    assert!(toys.engine.archive().search("bell tower", 10).unwrap().hits.is_empty());
    assert!(status(toys.engine.archive()).unwrap().iter().all(|component| component.runs == 0));
    assert_eq!(toys.engine.pool().get("alpha").unwrap().statistics.answers, 0);
    let again = toys.listen(trial, &mut |_| {}).unwrap();
    assert!(again.trace.retrieve.passages.is_empty(), "what was never learned is not recalled");

    // The same question in earnest does leave all of this.
    toys.ask(text).unwrap();
    assert_eq!(toys.engine.archive().conversations(None).unwrap().len(), 1);
    assert_eq!(toys.engine.pool().get("alpha").unwrap().statistics.answers, 1);
}

#[test]
fn a_wrong_file_names_its_line_and_its_field() {
    let toys = Toys::with(&[]);
    let good = json!({ "id": 1, "question": "one" });
    for (line, field) in [
        (json!({ "id": 1 }), "\"question\" is missing"),
        (json!({ "question": "one" }), "\"id\" is missing"),
        (json!({ "id": 1, "question": ["one"] }), "\"question\" is no text"),
        (json!({ "id": 1, "question": "one", "expected": [1] }), "\"expected\" is neither"),
        (json!({ "id": 1, "question": " " }), "question is empty"),
    ] {
        let questions = file(&toys, "wrong.jsonl", &[good.clone(), line]);
        let output = lectern(&toys, &["bench", "--file", questions.to_str().unwrap()]);
        let error = &shown(&output)["error"];
        assert_eq!((output.status.code(), &error["code"]), (Some(1), &json!("bad_line")));
        let message = error["message"].as_str().unwrap();
        assert!(message.contains("wrong.jsonl, line 2:") && message.contains(field), "{message}");
    }
}
