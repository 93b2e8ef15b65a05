//! The queue before the lectern, among everything that can go wrong there: a pool of 23 experts, and experts that are
//! killed, hang, are too large or too slow, a queue that is full, a disk that is full. Every question ends in an answer or
//! a clear error, and the next one works.
#![cfg(target_os = "linux")]
// A helper that cannot go on fails its test.
#![allow(clippy::unwrap_used)]

#[path = "support/many.rs"]
mod many;
#[allow(dead_code)]
#[path = "support/toy.rs"]
mod toy;
#[allow(dead_code)]
#[path = "support/toys.rs"]
mod toys;

use engine::Engine;
use engine::events::{AnswerEvent, Seat};
use engine::home::Home;
use engine::settings::{QueueSettings, Settings};
use engine::words::{Answer, Failure, Question};
use many::{LOOK, NAMES, mixed, watched};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use toy::Toy;
use toys::Toys;

const SENTENCE: &[&str] = &["the", "answer", "is", "forty", "two"];
const FOR_EVER: Toy =
    Toy { says: &["on", "and"], for_ever: true, layers: 4, feed_forward: 512, context: 16_384 };

fn says() -> Toy<'static> {
    Toy { says: SENTENCE, ..Toy::default() }
}

fn pool_of_23(rules: QueueSettings) -> Toys {
    let toys = many::pool_of_23(SENTENCE);
    ruled(&toys, rules);
    toys
}

/// From now on, for this engine and for those that come.
fn ruled(toys: &Toys, rules: QueueSettings) {
    let settings = Settings { queue: rules, ..Settings::default() };
    settings.save(&Home::at(toys.folder.path().join("home"))).unwrap();
    toys.engine.set_queue(rules);
}

fn question(expert: &str, at: usize) -> Question {
    Question { recall: false, ..Question::new(format!("{expert}: number {at}")) }
}

fn by_hand(expert: &str, text: &str) -> Question {
    Question { expert: Some(expert.into()), recall: false, ..Question::new(text) }
}

/// All questions, asked by `askers` who each wait for their answer before they ask the next one.
fn ask_all(toys: &Toys, questions: &[Question], askers: usize) -> Vec<Result<Answer, Failure>> {
    let (next, outcomes) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..askers {
            scope.spawn(|| {
                while let Some(question) = questions.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let outcome = toys.listen(question.clone(), &mut |_| {});
                    outcomes.lock().unwrap().push(outcome);
                }
            });
        }
    });
    outcomes.into_inner().unwrap()
}

#[test]
fn a_hundred_mixed_questions_to_23_experts_cost_half_of_the_loads_or_less_with_one_in_memory() {
    let toys = pool_of_23(QueueSettings { depth: 100, together: 1, ..QueueSettings::default() });
    let (mixed, outcomes) = (mixed(), Mutex::new(Vec::new()));
    let ((), most, peak) = watched(toys.folder.path(), || {
        std::thread::scope(|scope| {
            let mut held = false;
            let hold = by_hand("alpha", "hold");
            let first = toys.listen(hold, &mut |event| {
                if matches!(event, AnswerEvent::Seated(_)) && !std::mem::replace(&mut held, true) {
                    // While alpha is held all others come, one by one, each when the one before it stands in the queue.
                    for (place, (at, expert)) in mixed.iter().enumerate() {
                        let (toys, outcomes) = (&toys, &outcomes);
                        scope.spawn(move || {
                            let asked = Question { batch: true, ..question(expert, *at) };
                            let outcome = toys.listen(asked, &mut |_| {});
                            outcomes.lock().unwrap().push(outcome);
                        });
                        wait_until(|| toys.engine.waiting().values().sum::<u32>() as usize == place + 2);
                    }
                }
            });
            first.unwrap();
        });
    });
    let outcomes = outcomes.into_inner().unwrap();
    assert_eq!(outcomes.len(), 100);
    for outcome in outcomes {
        let answer = outcome.unwrap();
        assert!(
            answer.question.starts_with(&answer.expert),
            "{} was sent to {}",
            answer.question,
            answer.expert
        );
        assert_eq!(answer.answer.trim(), SENTENCE.join(" "));
    }
    assert_eq!(most, 1, "never two experts at once");
    let traffic = toys.engine.traffic();
    let by_arrival = traffic.loads as i64 + traffic.loads_saved;
    eprintln!(
        "queue: {} loads, {by_arrival} in the order of arrival; {} waited; peak of all experts {:.1} MB",
        traffic.loads,
        traffic.deepest - 1,
        peak as f64 / 1e6
    );
    assert_eq!((traffic.turns, traffic.deepest), (101, 101));
    assert!(by_arrival > 80, "{by_arrival}");
    assert!(2 * traffic.loads as i64 <= by_arrival, "{} of {by_arrival}", traffic.loads);
    // What the status page tells is no more than what was saved.
    let counted = toys.engine.status().unwrap().into_iter().find(|row| row.component == "queue").unwrap();
    let saved = counted.changed_answer.unwrap();
    assert!(saved > 0 && saved as i64 <= traffic.loads_saved, "{saved} of {}", traffic.loads_saved);
}

#[test]
fn a_person_does_not_wait_for_a_batch() {
    let toys = Toys::with(&[("alpha", says()), ("beta", says())]);
    ruled(&toys, QueueSettings { together: 1, ..QueueSettings::default() });
    let (order, queued) = (Mutex::new(Vec::new()), AtomicUsize::new(0));
    let ask = |text: &'static str, batch: bool| {
        let asked = Question { batch, recall: false, ..Question::new(text) };
        let mut waits = false;
        let heard = toys.listen(asked, &mut |event| match event {
            // The lectern is taken: the question stands in the queue.
            AnswerEvent::Seating(Seat::Taken { busy: true, .. }) if !std::mem::replace(&mut waits, true) => {
                queued.fetch_add(1, Ordering::SeqCst);
            }
            AnswerEvent::Seated(_) => order.lock().unwrap().push(text),
            _ => {}
        });
        heard.unwrap();
    };
    std::thread::scope(|scope| {
        let mut held = false;
        let began = Question { recall: false, ..Question::new("alpha: begin") };
        let first = toys.listen(began, &mut |event| {
            if matches!(event, AnswerEvent::Text { .. }) && !std::mem::replace(&mut held, true) {
                // While alpha is held: a batch for alpha, then a person for beta.
                let ask = &ask;
                for text in ["alpha: one", "alpha: two", "alpha: three"] {
                    scope.spawn(move || ask(text, true));
                }
                wait_until(|| queued.load(Ordering::SeqCst) == 3);
                scope.spawn(move || ask("beta: now", false));
                wait_until(|| queued.load(Ordering::SeqCst) == 4);
            }
        });
        first.unwrap();
    });
    assert_eq!(order.into_inner().unwrap()[0], "beta: now");
}

fn wait_until(is_so: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < Duration::from_secs(120), "it did not come to that within two minutes");
        std::thread::sleep(LOOK);
    }
}

#[test]
fn a_full_queue_is_refused_clearly_and_works_again_when_it_is_not() {
    let toys = Toys::with(&[("alpha", FOR_EVER), ("beta", says())]);
    ruled(&toys, QueueSettings { depth: 2, ..QueueSettings::default() });
    let stop = Arc::new(AtomicBool::new(false));
    let refused = Mutex::new(None);
    std::thread::scope(|scope| {
        let mut full = false;
        let endless = Question { max_tokens: Some(16_000), ..by_hand("alpha", "go on") };
        let held = toys.engine.ask(endless, Arc::clone(&stop), &mut |event| {
            if matches!(event, AnswerEvent::Text { .. }) && !full {
                full = true;
                for at in 0..2 {
                    let toys = &toys;
                    scope.spawn(move || toys.listen(question("beta", at), &mut |_| {}).unwrap());
                }
                wait_until(|| toys.engine.waiting().values().sum::<u32>() == 3);
                *refused.lock().unwrap() = Some(toys.listen(question("beta", 9), &mut |_| {}).unwrap_err());
                stop.store(true, Ordering::Relaxed);
            }
        });
        assert!(held.unwrap().stopped);
    });
    let failure = refused.into_inner().unwrap().unwrap();
    assert_eq!((failure.code.as_str(), failure.message.as_str()), ("queue_full", "2 questions wait already"));
    assert!(failure.fix.contains("queue.depth"));
    assert_eq!(toys.ask("beta: again").unwrap().expert, "beta");
}

#[test]
fn too_many_for_one_expert_go_to_the_next_and_waiting_has_an_end() {
    let toys = Toys::with(&[("alpha", FOR_EVER), ("beta", says())]);
    ruled(&toys, QueueSettings { per_expert: 1, waiting_s: 1, ..QueueSettings::default() });
    let stop = Arc::new(AtomicBool::new(false));
    let mut told = None;
    let endless = Question { max_tokens: Some(16_000), ..by_hand("alpha", "go on") };
    let held = toys.engine.ask(endless, Arc::clone(&stop), &mut |event| {
        if matches!(event, AnswerEvent::Text { .. }) && told.is_none() {
            let busy = toys.listen(by_hand("alpha", "too"), &mut |_| {}).unwrap_err();
            let late = toys.listen(by_hand("beta", "soon"), &mut |_| {}).unwrap_err();
            told = Some((busy, late));
            stop.store(true, Ordering::Relaxed);
        }
    });
    assert!(held.unwrap().stopped);
    let (busy, late) = told.unwrap();
    assert_eq!((busy.code.as_str(), late.code.as_str()), ("expert_busy", "queue_timeout"));
    assert!(late.message.contains("waited 1 s"), "{}", late.message);
    assert_eq!(toys.ask("beta: again").unwrap().expert, "beta");
}

#[test]
fn who_crashes_hangs_is_too_slow_or_too_large_is_passed_over_and_the_trace_says_so() {
    let large = Toy { says: &["large"], layers: 12, feed_forward: 3072, ..Toy::default() };
    let endless = Toy { context: 1024, ..FOR_EVER };
    let toys = Toys::with(&[("alpha", endless), ("beta", says()), ("gamma", large)]);
    let needs = |name: &str| engine::seat::memory_needed(name, &toys.model(name)).unwrap();
    let budget = (needs("alpha") + needs("gamma")) / 2;
    assert!(needs("alpha") + 5_000_000 < budget && needs("beta") < budget);
    toys.engine.set_budget(Some(budget));
    ruled(&toys, QueueSettings { silence_s: 1, answering_s: 1, ..QueueSettings::default() });
    let starters: Vec<String> = engine::pool::shipped().iter().map(|one| one.name.to_owned()).collect();
    toys.engine.pool().retire(&starters, &json!({})).unwrap();

    let signal = |signal: &str| {
        let Seat::Taken { pid, .. } = toys.engine.seat().0 else { panic!("somebody is seated") };
        assert!(Command::new("kill").args([signal, &pid.to_string()]).status().unwrap().success());
    };
    let cases: [(&str, &str, Option<&str>); 3] = [
        ("alpha: crash", "expert_crashed", Some("-KILL")),
        ("alpha: endless", "answer_timeout", None),
        ("gamma: come", "expert_too_large", None),
    ];
    for (text, code, kill) in cases {
        let endless = Question { max_tokens: Some(16_000), recall: false, ..Question::new(text) };
        let (mut events, mut done) = (Vec::new(), false);
        let answer = toys
            .listen(endless.clone(), &mut |event| match event {
                AnswerEvent::PassedOver(passed) => events.push(passed),
                AnswerEvent::Text { .. } if !std::mem::replace(&mut done, true) => {
                    kill.map(signal).unwrap_or_default();
                }
                _ => {}
            })
            .unwrap();
        let first = text.split(':').next().unwrap();
        let passed = &answer.trace.passed_over;
        assert_eq!(passed[0].expert, first, "{text}");
        assert_eq!(passed[0].failure.code, code, "{text}: {}", passed[0].failure.message);
        assert_eq!(*passed, events, "{text}: it was told while it happened");
        assert_eq!(answer.expert, "beta", "{text}: {}", answer.trace.route.reason);
        assert!(answer.trace.route.reason.starts_with(&format!("Without {first}")), "{text}");
        assert_eq!(answer.answer.trim(), SENTENCE.join(" "), "{text}: nothing of the first one's text stays");
        // The order of the plan is as it was.
        assert!(answer.trace.route.experts.iter().any(|candidate| candidate.name == first));

        let chosen = Question { expert: Some(first.into()), ..endless };
        if kill.is_none() {
            let failure = toys.listen(chosen, &mut |_| {}).unwrap_err();
            assert_eq!(failure.code, code, "{text}: who was chosen by hand fails clearly");
        }
    }
    assert_eq!(toys.engine.pool().get("alpha").unwrap().statistics.failures, 3);
}

#[test]
fn an_expert_that_hangs_is_ended_and_after_three_times_it_rests() {
    let toys = Toys::with(&[("alpha", FOR_EVER), ("beta", says())]);
    ruled(&toys, QueueSettings { silence_s: 1, ..QueueSettings::default() });
    for turn in 0..3 {
        let mut done = false;
        let endless = Question { max_tokens: Some(16_000), ..by_hand("alpha", "go on") };
        let failure = toys
            .listen(endless, &mut |event| {
                if matches!(event, AnswerEvent::Text { .. }) && !std::mem::replace(&mut done, true) {
                    let Seat::Taken { pid, .. } = toys.engine.seat().0 else { panic!("alpha is seated") };
                    assert!(
                        Command::new("kill").args(["-STOP", &pid.to_string()]).status().unwrap().success()
                    );
                }
            })
            .unwrap_err();
        assert_eq!(failure.code, "expert.hung", "turn {turn}: {}", failure.message);
        assert!(toys::hosts_under(toys.folder.path()).is_empty(), "turn {turn}: it is gone");
    }
    let begun = Instant::now();
    let resting = toys.listen(by_hand("alpha", "go on"), &mut |_| {}).unwrap_err();
    assert_eq!(resting.code, "expert_resting", "{}", resting.message);
    assert!(begun.elapsed() < Duration::from_secs(1), "nothing is loaded to say so");
    let other = toys.ask("alpha: somebody?").unwrap();
    assert_eq!(other.trace.passed_over[0].failure.code, "expert_resting");
    assert_eq!(toys.ask("beta: there?").unwrap().expert, "beta");
}

#[test]
fn experts_that_are_killed_all_the_time_cost_no_question_its_end() {
    let toys = pool_of_23(QueueSettings::default());
    let questions: Vec<Question> =
        mixed().iter().take(40).map(|(at, expert)| question(expert, *at)).collect();
    let (done, kills) = (AtomicBool::new(false), AtomicUsize::new(0));
    let outcomes = std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut turns = 0;
            while !done.load(Ordering::Relaxed) {
                // Every third turn ends so, whatever it is doing.
                let now = toys.engine.traffic().turns;
                if now >= turns + 3 {
                    turns = now;
                    for host in toys::hosts_under(toys.folder.path()) {
                        let _ = Command::new("kill")
                            .args(["-9", &host.pid.to_string()])
                            .stderr(Stdio::null())
                            .status();
                        kills.fetch_add(1, Ordering::Relaxed);
                    }
                }
                std::thread::sleep(LOOK);
            }
        });
        let outcomes = ask_all(&toys, &questions, 12);
        done.store(true, Ordering::Relaxed);
        outcomes
    });
    assert_eq!(outcomes.len(), 40);
    assert!(kills.load(Ordering::Relaxed) >= 3, "{kills:?} were killed");
    for outcome in outcomes {
        match outcome {
            Ok(answer) => assert_eq!(answer.answer.trim(), SENTENCE.join(" ")),
            Err(failure) => assert!(
                !failure.fix.is_empty() && failure.code.starts_with("expert"),
                "an unclear error: {failure:?}"
            ),
        }
    }
    assert_eq!(toys.ask("alpha: and now?").unwrap().answer.trim(), SENTENCE.join(" "));
}

#[test]
fn an_expert_that_nobody_asks_leaves_and_the_last_one_used_comes_when_lectern_starts() {
    let toys = Toys::with(&[("alpha", says()), ("beta", says())]);
    let rules = QueueSettings { idle_s: 1, ..QueueSettings::default() };
    ruled(&toys, rules);
    toys.ask("alpha: a").unwrap();
    toys.ask("beta: b").unwrap();
    wait_until(|| toys.engine.seat().0 == Seat::Empty);
    assert!(toys::hosts_under(toys.folder.path()).is_empty());

    toys.engine.warm_up();
    wait_until(|| matches!(toys.engine.seat().0, Seat::Taken { busy: false, .. }));
    let Seat::Taken { expert, .. } = toys.engine.seat().0 else { panic!("somebody is there") };
    assert_eq!(expert, "beta");
    ruled(&toys, QueueSettings { idle_s: 0, ..rules });
    assert!(toys.ask("beta: c").unwrap().trace.seat.was_seated);
}

// The command line, in a process of its own that can be killed.

struct Batch {
    folder: tempfile::TempDir,
    questions: PathBuf,
    results: PathBuf,
}

impl Batch {
    /// A home with the pool of 23, and a file of the first `many` of the mixed questions.
    fn of(many: usize) -> Batch {
        let Toys { engine, folder } = pool_of_23(QueueSettings::default());
        drop(engine);
        let questions = folder.path().join("questions.jsonl");
        let lines: Vec<String> = mixed()
            .iter()
            .take(many)
            .map(|(at, expert)| json!({ "id": at, "question": format!("{expert}: number {at}") }).to_string())
            .collect();
        std::fs::write(&questions, lines.join("\n")).unwrap();
        let results = folder.path().join("results.jsonl");
        Batch { folder, questions, results }
    }

    fn command(&self, more: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lectern"));
        command.env("LECTERN_HOME", self.folder.path().join("home"));
        command.args(["--json", "--threads", "1", "ask", "--no-recall", "--file"]).arg(&self.questions);
        command.arg("--out").arg(&self.results).args(more);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    fn run(&self, more: &[&str]) -> Output {
        self.command(more).output().unwrap()
    }

    /// Whole lines of the file of results.
    fn results(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(&self.results).unwrap_or_default();
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        whole.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

fn summary(output: &Output) -> Value {
    let text = String::from_utf8_lossy(&output.stdout);
    let last = text.lines().last().unwrap_or_else(|| panic!("{}", String::from_utf8_lossy(&output.stderr)));
    serde_json::from_str::<Value>(last).unwrap()["summary"].clone()
}

fn kill_after(child: &mut Child, is_so: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is_so() && child.try_wait().unwrap().is_none() {
        assert!(begun.elapsed() < Duration::from_secs(240), "it did not come to that in four minutes");
        std::thread::sleep(LOOK);
    }
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn a_batch_that_is_killed_again_and_again_goes_on_where_it_was() {
    let batch = Batch::of(40);
    for _ in 0..3 {
        let before = batch.results().len();
        let mut child = batch.command(&[]).stdout(Stdio::null()).spawn().unwrap();
        kill_after(&mut child, || batch.results().len() >= before + 7);
        // What a process that is killed while it writes leaves behind.
        let torn = [std::fs::read(&batch.results).unwrap(), b"{\"id\": 99, \"answ".to_vec()].concat();
        std::fs::write(&batch.results, torn).unwrap();
    }
    let before = batch.results().len() as u64;
    assert!((21..40).contains(&before), "{before} were kept over three kills");
    let told = summary(&batch.run(&[]));
    assert_eq!((told["done_before"].as_u64(), told["answered"].as_u64()), (Some(before), Some(40 - before)));
    let mut ids: Vec<u64> = batch.results().iter().map(|result| result["id"].as_u64().unwrap()).collect();
    ids.sort();
    assert_eq!(ids, (0..40).collect::<Vec<u64>>(), "each has one result");
    let again = summary(&batch.run(&[]));
    assert_eq!((again["done_before"].as_u64(), again["answered"].as_u64()), (Some(40), Some(0)));
}

#[test]
fn a_whole_batch_loads_each_expert_once() {
    let batch = Batch::of(100);
    let (output, most, peak) = watched(batch.folder.path(), || batch.run(&[]));
    let told = summary(&output);
    eprintln!("batch: {told}; peak of all experts {:.1} MB", peak as f64 / 1e6);
    assert_eq!(most, 1, "never two experts at once");
    assert_eq!((told["answered"].as_u64(), told["loads"].as_u64()), (Some(100), Some(23)));
    let given = told["loads_in_file_order"].as_u64().unwrap();
    assert!(given > 80 && told["loads_saved"].as_u64() == Some(given - 23), "{told}");
}

#[test]
fn one_visit_of_an_expert_serves_several_councils() {
    let batch = Batch::of(0);
    let lines: Vec<String> = (0..24)
        .map(|at| json!({ "id": at, "question": format!("{}: number {at}", NAMES[2 + at % 4]) }).to_string())
        .collect();
    std::fs::write(&batch.questions, lines.join("\n")).unwrap();
    let told = summary(&batch.run(&["--top-k", "3"]));
    eprintln!("councils: {told}");
    assert_eq!(told["answered"], 24);
    // Two of three change with each question when they are asked one after the other.
    let (loads, given) = (told["loads"].as_u64().unwrap(), told["loads_in_file_order"].as_u64().unwrap());
    assert!(given >= 48 && 2 * loads <= given, "{loads} of {given}");
}

#[test]
fn a_full_disk_ends_a_batch_clearly_and_the_rest_is_answered_when_there_is_room() {
    let batch = Batch::of(24);
    assert_eq!(summary(&batch.run(&[]))["answered"], 24);
    let bytes = std::fs::metadata(&batch.results).unwrap().len();
    std::fs::remove_file(&batch.results).unwrap();
    // No file may grow beyond a part of the results: what a full disk does to whoever writes, without one.
    let limit = bytes / 3 / 1024;
    let shell = r#"trap '' XFSZ; ulimit -f "$1"; shift; exec "$@""#;
    let command = batch.command(&[]);
    let mut limited = Command::new("bash");
    limited
        .args(["-c", shell, "bash", &limit.to_string()])
        .arg(command.get_program())
        .args(command.get_args());
    limited.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let output = limited.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let error: Value = serde_json::from_str(text.lines().last().unwrap_or_default()).unwrap();
    eprintln!("full disk: {} results, then {error}", batch.results().len());
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(!error["error"]["fix"].as_str().unwrap_or_default().is_empty(), "{error}");
    let kept = batch.results().len();
    assert!(kept < 24, "{kept}");

    let told = summary(&batch.run(&[]));
    assert_eq!(told["answered"].as_u64().unwrap() + told["done_before"].as_u64().unwrap(), 24, "{told}");
}

#[test]
fn results_that_are_none_and_ids_that_are_not_one_are_refused_before_anything_is_asked() {
    let batch = Batch::of(3);
    let code = |output: &Output| -> String {
        let error: Value = serde_json::from_slice(&output.stdout).unwrap();
        error["error"]["code"].as_str().unwrap().to_owned()
    };
    std::fs::write(&batch.results, "something else\n").unwrap();
    assert_eq!(code(&batch.run(&[])), "results_unusable");
    assert_eq!(std::fs::read_to_string(&batch.results).unwrap(), "something else\n", "it is left as it was");
    std::fs::write(&batch.questions, "{\"id\":1,\"question\":\"a\"}\n{\"id\":1,\"question\":\"b\"}\n")
        .unwrap();
    assert_eq!(code(&batch.run(&[])), "same_id");
}

#[test]
fn the_pool_file_is_followed_by_the_next_question() {
    let toys = Toys::with(&[("alpha", says()), ("beta", says())]);
    let starters: Vec<String> = engine::pool::shipped().iter().map(|one| one.name.to_owned()).collect();
    toys.engine.pool().retire(&starters, &json!({})).unwrap();
    assert!(toys.ask("alpha: alone").unwrap().trace.council.is_none());
    let file = toys.folder.path().join("home/pool.yaml");
    std::fs::write(&file, "router:\n  top_k: 2\naggregation:\n  strategy: weighted\n").unwrap();
    let council = toys.ask("alpha: two").unwrap().trace.council.unwrap();
    assert_eq!((council.drafts.len(), council.aggregate), (2, engine::words::Aggregate::Weighted));
    assert!(toys.listen(by_hand("alpha", "one"), &mut |_| {}).unwrap().trace.council.is_none());
    std::fs::write(&file, "router:\n  type: heuristic\n  min_confidence: 0.99\n").unwrap();
    let plan = toys.ask("alpha: by its own word").unwrap().trace.route;
    assert_eq!(plan.min_confidence, 0.99);
    assert!(plan.experts.iter().all(|candidate| candidate.terms.gate == candidate.terms.self_assessment));
}

#[test]
fn the_environment_goes_before_the_settings_and_the_status_lists_it() {
    let home = tempfile::tempdir().unwrap();
    let status = |variables: &[(&str, &str)]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lectern"));
        command.env("LECTERN_HOME", home.path()).args(["--json", "status"]).envs(variables.iter().copied());
        serde_json::from_slice::<Value>(&command.output().unwrap().stdout).unwrap()
    };
    let plain = status(&[]);
    assert_eq!((&plain["overrides"], &plain["queue"]["depth"]), (&json!([]), &json!(50)));
    let set = status(&[("BRAIN_MAX_QUEUE_DEPTH", "7"), ("BRAIN_MOE_TOP_K", "3")]);
    assert_eq!((&set["queue"]["depth"], &set["rules"]["router"]["top_k"]), (&json!(7), &json!(3)));
    assert_eq!(set["overrides"][0]["name"], "BRAIN_MAX_QUEUE_DEPTH");
    assert_eq!(status(&[("BRAIN_MOE_TOP_K", "all")])["error"]["code"], "bad_override");
}

#[test]
fn an_engine_opens_with_the_rules_of_its_home() {
    let folder = tempfile::tempdir().unwrap();
    let home = Home::at(folder.path());
    home.prepare().unwrap();
    let rules = QueueSettings { depth: 1, ..QueueSettings::default() };
    Settings { queue: rules, ..Settings::default() }.save(&home).unwrap();
    let engine = Engine::open(home, toys::options(&[], None)).unwrap();
    assert_eq!(engine.rules(), rules);
}
