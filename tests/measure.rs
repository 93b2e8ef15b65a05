//! Measure: `lectern bench` and `lectern pool`, over toy experts whose words are known before they say them.

// A helper that cannot go on fails its test.
#![allow(clippy::unwrap_used)]

#[allow(dead_code)]
#[path = "support/toy.rs"]
mod toy;
#[allow(dead_code)]
#[path = "support/toys.rs"]
mod toys;

use engine::archive::Logged;
use engine::pool::{Expert, Manifest, Statistics};
use engine::report::criteria::{Criterion, Verdict, bytes_to_free, going, worth};
use engine::report::status;
use engine::words::Question;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
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

/// The expert of this name in a list of JSON objects.
fn named<'v>(list: &'v Value, name: &str) -> &'v Value {
    let found = list.as_array().unwrap().iter().find(|expert| expert["name"] == name);
    found.unwrap_or_else(|| panic!("no {name} in {list}"))
}

#[test]
fn the_criteria_of_the_pool_are_made_again_by_hand_from_the_log() {
    let toys = Toys::with(&[
        ("alpha", Toy { says: SENTENCE, ..Toy::default() }),
        ("beta", Toy { says: &["fine"], ..Toy::default() }),
    ]);
    let ask = |expert: &str, text: &str| {
        let question = Question { expert: Some(expert.into()), recall: false, ..Question::new(text) };
        toys.listen(question, &mut |_| {}).unwrap()
    };
    let mut times = Vec::new();
    for (text, rating) in [("alpha: one", 1), ("alpha: two", -1), ("alpha: three", 0)] {
        let answer = ask("alpha", text);
        toys.engine.archive().rate(&answer.id, rating).unwrap();
        times.push(answer.created);
    }
    times.push(ask("beta", "beta: four").created);

    let report = shown(&lectern(&toys, &["pool", "report", "--seed", "7"]));
    assert_eq!(report["answers"], 4);
    let (alpha, beta) = (named(&report["experts"], "alpha"), named(&report["experts"], "beta"));
    assert_eq!(
        (&alpha["answers"], &alpha["rated_up"], &alpha["rated_down"]),
        (&json!(3), &json!(1), &json!(1))
    );
    assert_eq!((&alpha["share"]["count"], &alpha["share"]["n"]), (&json!(3), &json!(4)));
    // One of two judged answers was good, and nobody measured these two: (1 + 100 · 0.5) / (2 + 100).
    assert_eq!(alpha["performance"].as_f64(), Some(51.0 / 102.0));
    assert_eq!(beta["performance"].as_f64(), Some(50.0 / 100.0));
    assert_eq!((alpha["frequency"].as_f64(), beta["frequency"].as_f64()), (Some(1.0), Some(1.0 / 3.0)));
    assert_eq!(beta["combined"].as_f64(), Some((0.5 + 1.0 / 3.0) / 2.0));
    // Half for every 30 days before the newest answer, which is beta's.
    let old = |at: usize| 0.5_f64.powf((times[3] - times[at]) as f64 / (30.0 * 86_400_000.0));
    let recent = 1.0 / (old(0) + old(1) + old(2));
    // To the last bit but one, which JSON's numbers lose on the way through text.
    let is = |found: &Value, expected: f64| (found.as_f64().unwrap() - expected).abs() < 1e-15;
    assert!(is(&beta["recent_frequency"], recent), "{beta}");
    assert!(is(&beta["adaptive"], 0.6 * 0.5 + 0.4 * recent), "{beta}");
    // printf '7:alpha' | sha256sum begins with 13c68b5aae7c3cf3.
    assert_eq!(alpha["random"].as_f64(), Some(0x13c6_8b5a_ae7c_3cf3_u64 as f64 / 2.0_f64.powi(64)));
    assert_eq!(alpha["verdict"], "keep");
    assert_eq!(alpha["evidence"], "not enough: n = 3 of 4 answers");
    assert_eq!(alpha["disk_bytes"].as_u64(), Some(toys.model("alpha").metadata().unwrap().len()));
}

#[test]
fn a_retired_expert_is_passed_by_and_still_answers_by_name() {
    let toys = Toys::with(&[
        ("alpha", Toy { says: SENTENCE, ..Toy::default() }),
        ("beta", Toy { says: &["fine"], ..Toy::default() }),
    ]);
    let text = "alpha: what is the answer?";
    let chosen = || toys.engine.route(text, None).unwrap().chosen;
    assert_eq!(chosen(), "alpha", "the case that this test is about");
    let without = Question { excluding: vec!["alpha".into()], trial: true, ..Question::new(text) };
    assert_ne!(toys.listen(without, &mut |_| {}).unwrap().expert, "alpha", "left out of one question");

    toys.engine.pool().retire(&["alpha".into()], &json!({ "pruned": {} })).unwrap();
    assert_ne!(chosen(), "alpha");
    let plan = toys.engine.route(text, Some("alpha")).unwrap();
    assert_eq!(plan.chosen, "alpha");
    assert!(plan.reason.contains("retired"), "{}", plan.reason);
    let listed = shown(&lectern(&toys, &["experts", "list"]));
    let of = |name: &str| {
        let experts = listed["experts"].as_array().unwrap();
        experts.iter().find(|expert| expert["manifest"]["name"] == name).unwrap().clone()
    };
    assert!(of("alpha")["retired"].as_i64().is_some() && of("beta")["retired"].is_null());
    assert!(toys.model("alpha").exists(), "the file stays");

    // Another process takes it back, and this one knows at once.
    assert_eq!(shown(&lectern(&toys, &["pool", "restore", "alpha"]))["restored"], json!(["alpha"]));
    assert_eq!(chosen(), "alpha");
    let history = shown(&lectern(&toys, &["pool", "history"]));
    let changes = history["history"].as_array().unwrap();
    assert_eq!(changes.len(), 2);
    assert_eq!(changes[1]["what"]["restored"], json!(["alpha"]));
}

#[test]
fn what_pruning_predicts_is_what_happens_after_it() {
    let shipped = |name: &str| engine::pool::shipped().iter().any(|starter| starter.name == name);
    if !["arithmetic", "units", "generalist"].into_iter().all(shipped) || engine::pool::gate().is_none() {
        eprintln!("skipped: this build carries no starters (cargo xtask train)");
        return;
    }
    let toys = Toys::with(&[]);
    let questions = file(
        &toys,
        "q.jsonl",
        &[
            json!({ "id": 1, "question": "What is 12 + 30?", "expected": 42 }),
            json!({ "id": 2, "question": "Convert 3 km to m", "expected": 3000 }),
            json!({ "id": 3, "question": "How many r's are in strawberry?", "expected": 3 }),
            json!({ "id": 4, "question": "What is 7 * 8?", "expected": 56 }),
        ],
    );
    let questions = questions.to_str().unwrap();
    let accuracy = |report: &Value| report["modes"][0]["accuracy"]["count"].clone();
    let bench = || shown(&lectern(&toys, &["bench", "--file", questions, "--modes", "basic"]));
    let before = accuracy(&bench());

    let arguments = ["pool", "prune", "--target", "0.3", "--file", questions];
    let planned = shown(&lectern(&toys, &arguments));
    assert_eq!(planned["applied"], false);
    let removed: Vec<String> = planned["removed"]
        .as_array()
        .unwrap()
        .iter()
        .map(|expert| expert["name"].as_str().unwrap().to_owned())
        .collect();
    assert!(!removed.is_empty() && !removed.contains(&"generalist".to_owned()), "{removed:?}");
    // What comes free is what the files take, by the file system.
    let bytes: u64 =
        removed.iter().map(|name| toys.engine.pool().get(name).unwrap().file.metadata().unwrap().len()).sum();
    assert_eq!(planned["gain"]["disk_bytes"].as_u64(), Some(bytes));
    assert!(planned["gain"]["disk_share"].as_f64().unwrap() >= 0.3);
    assert_eq!(planned["replay"]["with"]["accuracy"]["count"], before);
    let loss = &planned["replay"]["loss"];
    assert_eq!(loss["n"], 4);
    assert!(loss["low"].as_f64().unwrap() < loss["high"].as_f64().unwrap(), "four questions prove little");
    assert!(toys.engine.pool().history().unwrap().is_empty(), "looking changes nothing");

    let applied = shown(&lectern(&toys, &[&arguments[..], &["--apply"]].concat()));
    assert_eq!(applied["applied"], true);
    for name in &removed {
        assert!(toys.engine.pool().get(name).unwrap().retired.is_some(), "{name}");
    }
    let after = bench();
    assert_eq!(accuracy(&after), planned["replay"]["without"]["accuracy"]["count"]);
    let answered = after["all"]["experts"].as_object().unwrap();
    assert!(removed.iter().all(|name| !answered.contains_key(name)), "{answered:?}");
    let by_name = lectern(&toys, &["ask", "What is 2 + 2?", "--expert", &removed[0]]);
    assert_eq!(shown(&by_name)["expert"], removed[0].as_str());

    assert_eq!(
        shown(&lectern(&toys, &["pool", "restore", "--all"]))["restored"].as_array().unwrap().len(),
        removed.len()
    );
    assert_eq!(accuracy(&bench()), before, "taken back, all is as it was");
}

/// An expert whose file has `bytes` bytes.
fn expert(folder: &Path, name: &str, domain: &str, bytes: usize) -> Expert {
    let file = folder.join(name);
    std::fs::write(&file, vec![0; bytes]).unwrap();
    let mut manifest = Manifest::named(name);
    manifest.domains = vec![domain.into()];
    manifest.fallback = domain == "general";
    Expert {
        manifest,
        file,
        using: 0,
        statistics: Statistics::default(),
        starter: false,
        unavailable: None,
        retired: None,
    }
}

#[test]
fn each_word_of_the_pools_report_has_its_evidence() {
    let folder = tempfile::tempdir().unwrap();
    let experts = [("a", "x"), ("b", "x"), ("c", "y"), ("d", "z"), ("e", "general")]
        .map(|(name, domain)| expert(folder.path(), name, domain, 1));
    let log: Vec<Logged> = [("a", 60, false), ("b", 2, false), ("d", 20, true)]
        .into_iter()
        .flat_map(|(name, n, refused)| {
            let answer = Logged { expert: name.into(), answer: "so".into(), refused, ..Logged::default() };
            vec![answer; n]
        })
        .collect();
    let found = worth(&experts, &log, 1);
    let said = |at: usize| (found[at].verdict.clone(), found[at].evidence.as_str());
    assert_eq!(said(0), (Verdict::Keep, "n = 60, performance 0.500"));
    // Both have performance 0.5; recent frequency is 1 and 2 of 60.
    let merged = "a has all its domains (x) and scores more: adaptive 0.700 to 0.313, n = 2";
    assert_eq!(said(1), (Verdict::Merge { into: "a".into() }, merged));
    // Wilson of 0 of 82: up to 3.8415 / (82 + 3.8415).
    assert_eq!(said(2), (Verdict::Retire, "0 of 82 answers are its own, at most 4.5 %"));
    // Wilson of 0 of 20: up to 3.8415 / (20 + 3.8415).
    assert_eq!(said(3), (Verdict::Retire, "0 of 20 judged answers were good, at most 16.1 %"));
    assert_eq!(said(4).0, Verdict::Keep, "somebody has to answer when nobody is sure");
}

#[test]
fn the_least_worth_go_until_the_target_is_reached_and_never_everybody() {
    let folder = tempfile::tempdir().unwrap();
    let [a, b, c, rest] = [("a", "x", 100), ("b", "y", 200), ("c", "z", 300), ("rest", "general", 400)]
        .map(|(name, domain, bytes)| expert(folder.path(), name, domain, bytes));
    let names = |experts: &[Expert], target: f64| {
        going(&worth(experts, &[], 1), Criterion::Adaptive, target).join(" ")
    };
    // Nothing was asked: all are worth the same, and go by name.
    let all = [a.clone(), b.clone(), c.clone(), rest];
    assert_eq!(names(&all, 0.1), "a");
    assert_eq!(names(&all, 0.3), "a b");
    assert_eq!(names(&all, 0.95), "a b c", "who answers for lack of another stays");
    let specialists = [a.clone(), b, c];
    assert_eq!(names(&specialists, 0.95), "a b", "one stays");

    let twin = Expert { manifest: Manifest::named("twin"), ..a.clone() };
    let both = [a, twin];
    let free = |names: &[&str]| {
        bytes_to_free(&both, &names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>())
    };
    assert_eq!(
        (free(&["a"]), free(&["a", "twin"])),
        (0, 100),
        "a file that two use comes free with the last"
    );
}
