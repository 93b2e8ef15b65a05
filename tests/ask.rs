//! Ask: one question from start to end, through the engine and through the command line.

#[allow(dead_code)]
#[path = "support/toy.rs"]
mod toy;
#[allow(dead_code)]
#[path = "support/toys.rs"]
mod toys;

use engine::events::AnswerEvent;
use engine::home::Home;
use engine::words::{Finish, Mode, Question, Stage};
use engine::{Engine, Options};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;
use toy::Toy;
use toys::Toys;

const SENTENCE: &[&str] = &["the", "answer", "is", "forty", "two"];
const FOR_EVER: Toy =
    Toy { says: &["on", "and"], for_ever: true, layers: 4, feed_forward: 512, context: 16_384 };

/// A question whose answer goes on until somebody stops it.
fn endless(text: &str) -> Question {
    Question { max_tokens: Some(16_000), ..Question::new(text) }
}

/// Nobody else may answer it.
fn by_hand(expert: &str, question: Question) -> Question {
    Question { expert: Some(expert.into()), ..question }
}

fn name(event: &AnswerEvent) -> &'static str {
    match event {
        AnswerEvent::Begun { .. } => "begun",
        AnswerEvent::Read(_) => "read",
        AnswerEvent::Retrieved(_) => "retrieved",
        AnswerEvent::Routed(_) => "routed",
        AnswerEvent::Composed(_) => "composed",
        AnswerEvent::Called(_) => "called",
        AnswerEvent::PassedOver(_) => "passed over",
        AnswerEvent::Asked { .. } => "asked",
        AnswerEvent::Step(_) => "step",
        AnswerEvent::Reasoned(_) => "reasoned",
        AnswerEvent::Drafted(_) => "drafted",
        AnswerEvent::Joined(_) => "joined",
        AnswerEvent::Seating(_) => "seating",
        AnswerEvent::Seated(_) => "seated",
        AnswerEvent::Compressed(_) => "compressed",
        AnswerEvent::Text { .. } => "text",
        AnswerEvent::Generated(_) => "generated",
        AnswerEvent::Done { .. } => "done",
        AnswerEvent::Failed { .. } => "failed",
    }
}

#[test]
fn a_question_passes_every_room_in_order_and_its_trace_is_whole() {
    let toys = Toys::with(&[("alpha", Toy { says: SENTENCE, ..Toy::default() })]);
    let (mut order, mut text) = (Vec::new(), String::new());
    let answer = toys
        .listen(Question::new("alpha: what is the answer?"), &mut |event| {
            order.push(name(&event));
            if let AnswerEvent::Text { piece } = &event {
                text.push_str(piece);
            }
        })
        .expect("an answer");
    order.dedup();
    let rooms = [
        "begun", "read", "retrieved", "routed", "seating", "seated", "compressed", "text", "generated",
        "done",
    ];
    assert_eq!(order, rooms);
    assert_eq!(answer.answer.trim(), "the answer is forty two");
    assert_eq!(text.trim(), answer.answer.trim(), "what streamed is what was answered");

    let trace = &answer.trace;
    assert_eq!((answer.expert.as_str(), trace.route.chosen.as_str()), ("alpha", "alpha"));
    assert_eq!(trace.read.domain, "alpha");
    assert!(trace.retrieve.asked && trace.retrieve.passages.is_empty());
    assert!(!trace.seat.was_seated && trace.seat.load_ms > 0.0 && trace.seat.memory_bytes > 1_000_000);
    assert!(trace.compress.tokens_after > 0 && !trace.compress.reason.is_empty());
    assert_eq!((trace.generate.finish, trace.generate.tokens), (Finish::End, 5));
    assert!(trace.generate.peak_memory_bytes >= 1_000_000 && trace.generate.confidence > 0.0);
    assert!(trace.learn.stored, "{:?}", trace.learn.why_not);
    assert_eq!(trace.stopped_in, None);
    let parts = trace.read.elapsed_ms + trace.seat.elapsed_ms + trace.generate.elapsed_ms;
    assert!(trace.total_ms >= parts, "{} for parts of {parts}", trace.total_ms);
}

#[test]
fn the_second_like_question_shows_the_first_as_its_source() {
    let toys = Toys::with(&[("alpha", Toy { says: SENTENCE, ..Toy::default() })]);
    let first = toys.ask("alpha: what is the height of the old bell tower?").expect("an answer");
    let second = toys.ask("alpha: what height is the old bell tower?").expect("an answer");
    let sources = &second.trace.retrieve.passages;
    assert_eq!(sources.iter().map(|source| source.id.as_str()).collect::<Vec<_>>(), [first.id.as_str()]);
    assert_eq!((sources[0].expert.as_str(), sources[0].answer.as_str()), ("alpha", first.answer.as_str()));
    assert_eq!(second.trace.compress.kept, 1, "an expert that reads conversations is given it");
    assert!(second.trace.generate.prompt_tokens > first.trace.generate.prompt_tokens);

    let without = Question {
        without: vec![first.id.clone(), second.id.clone()],
        ..Question::new("alpha: what height is the old bell tower?")
    };
    assert!(toys.listen(without, &mut |_| {}).expect("an answer").trace.retrieve.passages.is_empty());
}

#[test]
fn recall_is_off_by_hand_and_in_the_modes_without_it() {
    let toys = Toys::with(&[("alpha", Toy { says: SENTENCE, ..Toy::default() })]);
    let text = "alpha: what is the height of the old bell tower?";
    toys.ask(text).expect("an answer");
    let off =
        |question: Question| toys.listen(question, &mut |_| {}).expect("an answer").trace.retrieve.asked;
    assert!(!off(Question { recall: false, ..Question::new(text) }));
    assert!(!off(Question { mode: Mode::Fast, ..Question::new(text) }));
    assert!(!off(Question { mode: Mode::Basic, ..Question::new(text) }));
}

#[test]
fn a_conversation_is_read_on_and_kept_in_order() {
    let toys = Toys::with(&[("alpha", Toy { says: SENTENCE, ..Toy::default() })]);
    let alone = |text: &str| Question { recall: false, ..Question::new(text) };
    let first = toys.listen(alone("alpha: one"), &mut |_| {}).expect("an answer");
    let on = Question { conversation: Some(first.conversation.clone()), ..alone("alpha: two") };
    let second = toys.listen(on, &mut |_| {}).expect("an answer");
    assert_eq!(second.conversation, first.conversation);
    assert!(
        second.trace.generate.prompt_tokens > first.trace.generate.prompt_tokens,
        "the first turn is read, too"
    );
    let turns = toys.engine.archive().conversation(&first.conversation).expect("the conversation is there");
    assert_eq!(
        turns.iter().map(|turn| turn.question.as_str()).collect::<Vec<_>>(),
        ["alpha: one", "alpha: two"]
    );
    assert_eq!(turns[1].trace.generate.prompt_tokens, second.trace.generate.prompt_tokens, "traces are kept");
}

#[test]
fn a_stop_while_it_generates_takes_under_200_ms_and_keeps_what_there_is() {
    let toys = Toys::with(&[("alpha", FOR_EVER)]);
    // Three tries: a machine that is busy with something else may hold one of them up, an engine that is slow all.
    let mut fastest = f32::MAX;
    for _ in 0..3 {
        let stop = Arc::new(AtomicBool::new(false));
        let (mut pieces, mut stopped_at) = (0, None);
        let mut ended_at = None;
        let answer = toys
            .engine
            .ask(endless("alpha: go on"), Arc::clone(&stop), &mut |event| match event {
                AnswerEvent::Text { .. } => {
                    pieces += 1;
                    if pieces == 20 {
                        stop.store(true, Ordering::Relaxed);
                        stopped_at = Some(Instant::now());
                    }
                }
                AnswerEvent::Generated(_) => ended_at = Some(Instant::now()),
                _ => {}
            })
            .expect("a stopped answer is an answer");
        assert!(answer.stopped && answer.trace.stopped_in == Some(Stage::Generate));
        assert_eq!(answer.trace.generate.finish, Finish::Stopped);
        assert!(answer.answer.contains("on and on and"), "it keeps what it has: {:?}", answer.answer);
        assert!(!answer.trace.learn.stored, "a stopped answer is not recalled");
        let turns =
            toys.engine.archive().conversation(&answer.conversation).expect("the conversation is there");
        assert!(turns[0].stopped, "and it stays in its conversation, as stopped");
        let took = ended_at.zip(stopped_at).map(|(end, stop)| (end - stop).as_secs_f32() * 1000.0);
        fastest = fastest.min(took.expect("it was stopped and it ended"));
    }
    assert!(fastest < 200.0, "the fastest of three stops took {fastest} ms");
}

#[test]
fn a_stop_while_the_expert_loads_and_while_another_answers_is_a_stop() {
    let toys = Toys::with(&[("alpha", FOR_EVER), ("beta", Toy { says: SENTENCE, ..Toy::default() })]);
    let loading = Arc::new(AtomicBool::new(false));
    let answer = toys
        .engine
        .ask(Question::new("beta: hello"), Arc::clone(&loading), &mut |event| {
            if let AnswerEvent::Seating(_) = event {
                loading.store(true, Ordering::Relaxed);
            }
        })
        .expect("a stopped answer is an answer");
    assert_eq!((answer.trace.stopped_in, answer.answer.as_str()), (Some(Stage::Seat), ""));

    let (held, queued) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
    std::thread::scope(|scope| {
        let mut second = None;
        let first = toys.engine.ask(endless("alpha: go on"), Arc::clone(&held), &mut |event| {
            if matches!(event, AnswerEvent::Text { .. }) && second.is_none() {
                // While alpha talks: beta is asked, waits, is stopped, and returns; only then is alpha stopped.
                let (toys, held, queued) = (&toys, Arc::clone(&held), Arc::clone(&queued));
                second = Some(scope.spawn(move || {
                    let answer =
                        toys.engine.ask(Question::new("beta: hello"), Arc::clone(&queued), &mut |event| {
                            if let AnswerEvent::Routed(_) = event {
                                queued.store(true, Ordering::Relaxed);
                            }
                        });
                    held.store(true, Ordering::Relaxed);
                    answer
                }));
            }
        });
        let second = second.expect("alpha spoke").join().expect("no panic").expect("a stopped answer");
        assert_eq!(second.trace.stopped_in, Some(Stage::Seat));
        assert_eq!(first.expect("a stopped answer").trace.stopped_in, Some(Stage::Generate));
    });
}

#[cfg(unix)]
#[test]
fn an_expert_killed_mid_answer_fails_that_answer_and_the_next_is_answered() {
    let toys = Toys::with(&[("alpha", FOR_EVER), ("beta", Toy { says: SENTENCE, ..Toy::default() })]);
    let mut killed = false;
    let mut last = "";
    let failure = toys
        .listen(by_hand("alpha", endless("alpha: go on")), &mut |event| {
            last = name(&event);
            if let (AnswerEvent::Text { .. }, false) = (&event, killed) {
                let engine::events::Seat::Taken { pid, .. } = toys.engine.seat().0 else {
                    panic!("alpha is seated")
                };
                toys::kill(pid);
                killed = true;
            }
        })
        .expect_err("its process was killed");
    assert_eq!((failure.code.as_str(), last), ("expert_crashed", "failed"));
    assert!(failure.message.contains("SIGKILL") && !failure.fix.is_empty(), "{failure:?}");
    let seat = toys.engine.seat().0;
    assert!(matches!(&seat, engine::events::Seat::Failed { expert, .. } if expert == "alpha"), "{seat:?}");

    let other = toys.ask("beta: what is it?").expect("the next question is answered");
    assert_eq!(other.answer.trim(), "the answer is forty two");
    let again = Question { max_tokens: Some(8), ..Question::new("alpha: go on") };
    let same = toys.listen(again, &mut |_| {}).expect("and so is one for the same expert");
    assert_eq!(same.trace.generate.tokens, 8);
}

#[test]
fn a_question_longer_than_the_context_is_a_clear_failure_and_the_next_works() {
    let toys = Toys::with(&[("alpha", Toy { says: SENTENCE, context: 64, ..Toy::default() })]);
    let failure =
        toys.ask(&format!("alpha: {}", "long ".repeat(60))).expect_err("64 tokens do not hold that");
    assert_eq!(failure.code, "question_too_long");
    toys.ask("alpha: short").expect("a short one fits");
}

#[test]
fn an_answer_made_again_takes_the_place_of_the_old_one() {
    let toys = Toys::with(&[("alpha", Toy { says: SENTENCE, ..Toy::default() })]);
    let text = "alpha: what is the height of the old bell tower?";
    let old = toys.ask(text).expect("an answer");
    let question = Question {
        conversation: Some(old.conversation.clone()),
        replaces: Some(old.id.clone()),
        ..Question::new(text)
    };
    let new = toys.listen(question, &mut |_| {}).expect("an answer");
    assert!(
        new.trace.retrieve.passages.is_empty(),
        "the old answer is no source of the one that replaces it"
    );
    let turns = toys.engine.archive().conversation(&old.conversation).expect("the conversation is there");
    assert_eq!(turns.iter().map(|turn| turn.id.as_str()).collect::<Vec<_>>(), [new.id.as_str()]);
}

#[test]
fn what_ran_is_counted_and_what_never_ran_says_so() {
    let toys = Toys::with(&[("alpha", Toy { says: SENTENCE, ..Toy::default() })]);
    assert!(
        toys.engine.status().expect("a table").iter().all(|row| row.runs == 0),
        "nothing ran in a new home"
    );
    toys.ask("alpha: one").expect("an answer");
    toys.listen(Question { mode: Mode::Basic, ..Question::new("alpha: two") }, &mut |_| {})
        .expect("an answer");
    let runs: Vec<(String, u64)> =
        toys.engine.status().expect("a table").into_iter().map(|row| (row.component, row.runs)).collect();
    let expected = [
        ("read", 2),
        ("retrieve", 1),
        ("route", 2),
        ("seat", 2),
        ("compress", 2),
        ("generate", 2),
        ("reason", 0),
        ("aggregate", 0),
        ("learn", 2),
        ("queue", 2),
    ];
    assert_eq!(runs, expected.map(|(component, runs)| (component.to_owned(), runs)));
    let alpha = toys.engine.pool().get("alpha").expect("alpha is in the pool");
    assert_eq!((alpha.statistics.answers, alpha.statistics.successes), (2, 2));
}

// The command line.

fn lectern(home: &std::path::Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lectern"));
    command.env("LECTERN_HOME", home);
    command
}

fn run(home: &std::path::Path, arguments: &[&str]) -> Output {
    lectern(home).args(arguments).output().expect("the command line starts")
}

fn document(output: &Output) -> Value {
    let text = String::from_utf8_lossy(&output.stdout);
    serde_json::from_str(&text).unwrap_or_else(|error| {
        panic!(
            "stdout is one JSON document ({error}): {text:?}; stderr: {}",
            String::from_utf8_lossy(&output.stderr)
        )
    })
}

/// The starters that the program carries; `false` says on stderr that there are none.
fn has_starters() -> bool {
    let there = engine::pool::shipped().iter().any(|starter| starter.name == "arithmetic")
        && engine::pool::gate().is_some();
    if !there {
        eprintln!("skipped: this build carries no arithmetic starter and gate (cargo xtask train)");
    }
    there
}

#[test]
fn the_starters_add_384_and_97_in_a_new_home() {
    if !has_starters() {
        return;
    }
    let home = tempfile::tempdir().expect("a temporary folder");
    let output = run(home.path(), &["ask", "What is 384 + 97?", "--json"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let answer = document(&output);
    assert_eq!(answer["expert"], "arithmetic");
    assert!(answer["answer"].as_str().is_some_and(|text| text.contains("481")), "{}", answer["answer"]);
    for stage in ["read", "retrieve", "route", "seat", "compress", "generate", "learn"] {
        assert!(answer["trace"][stage]["elapsed_ms"].is_number(), "{stage} is in the trace with its time");
    }
    assert!(answer["tokens"].as_u64().is_some_and(|tokens| tokens > 0));
    assert_eq!(answer["stopped"], false);
}

#[test]
fn four_different_questions_seat_four_different_starters() {
    if !has_starters() || engine::pool::shipped().len() < 5 {
        return;
    }
    let home = tempfile::tempdir().expect("a temporary folder");
    let options = Options { host_executable: env!("CARGO_BIN_EXE_lectern").into(), ..Options::default() };
    let engine = Engine::open(Home::at(home.path()), options).expect("an engine over a new home");
    let asked = [
        ("What is 384 + 97?", "arithmetic"),
        ("Convert 5 kilometers to meters", "units"),
        ("Sort these words: pear, apple, fig", "words"),
        ("Write a Python function that returns the sum of a list", "code"),
    ];
    for (text, expert) in asked {
        let answer = engine
            .ask(Question::new(text), Arc::new(AtomicBool::new(false)), &mut |_| {})
            .expect("an answer");
        assert_eq!(answer.expert, expert, "{text}: {}", answer.trace.route.reason);
    }
}

#[cfg(unix)]
#[test]
fn an_interrupt_stops_the_answer_which_keeps_what_it_has() {
    if engine::pool::gate().is_none() {
        eprintln!("skipped: this build carries no gate (cargo xtask train gate)");
        return;
    }
    let home = tempfile::tempdir().expect("a temporary folder");
    let model = home.path().join("endless.gguf");
    FOR_EVER.write(&model);
    let added =
        run(home.path(), &["experts", "add", model.to_str().expect("a plain path"), "--name", "endless"]);
    assert!(added.status.success(), "{}", String::from_utf8_lossy(&added.stderr));

    // A terminal interrupts the whole group: the command and, if it were in it, the expert's process.
    let mut child = std::os::unix::process::CommandExt::process_group(&mut lectern(home.path()), 0)
        .args(["ask", "go on", "--expert", "endless", "--max-tokens", "16000"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the command line starts");
    let mut first = [0; 8];
    child.stdout.as_mut().expect("a pipe").read_exact(&mut first).expect("it begins to answer");
    let status = Command::new("kill").args(["-INT", "--", &format!("-{}", child.id())]).status();
    assert!(status.is_ok_and(|status| status.success()));
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(String::from_utf8_lossy(&output.stderr).contains("stopped"), "and it says so");

    let kept = Engine::open(Home::at(home.path()), toys::options(&[], None)).expect("the home opens");
    let conversations = kept.archive().conversations(None).expect("a list");
    let turns = kept.archive().conversation(&conversations[0].id).expect("the conversation is there");
    assert!(turns[0].stopped && !turns[0].answer.is_empty());
}

#[test]
fn wrong_usage_is_status_2_and_names_itself_in_json() {
    let home = tempfile::tempdir().expect("a temporary folder");
    for arguments in [
        &["ask", ""][..],
        &["ask", "  "],
        &["ask"],
        &["ask", "x", "--mode", "best"],
        &["nonsense"],
        &["ask", "x", "--top-k", "0"],
        &["ask", "x", "--aggregate", "averaging"],
        &["ask", "x", "--aggregate", "voting", "--expert", "units"],
        &["ask", "x", "--strategy", "luck"],
        &["ask", "x", "--top-k", "-1"],
        &["ask", "x", "--ratio", "-0.1"],
    ] {
        let output = run(home.path(), arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(output.stdout.is_empty() && !output.stderr.is_empty(), "{arguments:?} is told on stderr");
        let output = run(home.path(), &[arguments, &["--json"]].concat());
        assert_eq!(output.status.code(), Some(2), "{arguments:?} --json");
        assert_eq!(document(&output)["error"]["code"], "usage", "{arguments:?}");
        let message = document(&output)["error"]["message"].to_string();
        let names_it = arguments.iter().any(|word| !word.trim().is_empty() && message.contains(word));
        assert!(names_it || arguments.len() < 3, "{arguments:?}: {message}");
    }
    assert!(
        std::fs::read_dir(home.path()).expect("the folder is there").next().is_none(),
        "wrong usage writes nothing"
    );
}

#[test]
fn a_failure_is_status_1_with_code_message_and_fix() {
    let home = tempfile::tempdir().expect("a temporary folder");
    let output = run(home.path(), &["ask", "hello", "--expert", "nobody", "--json"]);
    assert_eq!(output.status.code(), Some(1));
    let error = &document(&output)["error"];
    for field in ["code", "message", "fix"] {
        assert!(error[field].as_str().is_some_and(|text| !text.is_empty()), "{field} of {error}");
    }
    let arguments = ["ask", "hello", "--aggregate", "ensemble", "--synthesis", "nobody", "--json"];
    assert_eq!(document(&run(home.path(), &arguments))["error"]["code"], "unknown_expert");
    let missing = run(home.path(), &["ask", "--file", "/no/such/file.jsonl", "--json"]);
    assert_eq!(document(&missing)["error"]["code"], "unreadable_file");
}

#[test]
fn a_line_that_is_no_question_is_named_before_anything_is_asked() {
    let home = tempfile::tempdir().expect("a temporary folder");
    let file = home.path().join("q.jsonl");
    std::fs::write(&file, "{\"id\": 1, \"question\": \"fine\"}\n{\"id\": 2}\n")
        .expect("the folder takes a file");
    let output = run(home.path(), &["ask", "--file", file.to_str().expect("a plain path"), "--json"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(document(&output)["error"]["message"].as_str().is_some_and(|text| text.contains("line 2")));
}

#[test]
fn a_file_of_questions_ends_with_a_true_summary() {
    if !has_starters() {
        return;
    }
    let home = tempfile::tempdir().expect("a temporary folder");
    let mut child = lectern(home.path())
        .args(["ask", "--file", "/dev/stdin", "--json", "--no-recall"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the command line starts");
    let lines = "{\"id\":\"a\",\"question\":\"What is 12 + 30?\",\"expected\":\"42\"}\n{\"id\":\"b\",\"question\":\"What is 7 * 8?\",\"expected\":\"56\"}\n";
    child.stdin.take().expect("a pipe").write_all(lines.as_bytes()).expect("it reads");
    let output = child.wait_with_output().expect("it ends");
    let results: Vec<Value> =
        output.stdout.lines().map(|line| serde_json::from_str(&line.expect("text")).expect("JSON")).collect();
    assert_eq!(
        (results.len(), results[0]["id"].as_str(), results[1]["id"].as_str()),
        (3, Some("a"), Some("b"))
    );
    let summary = &results[2]["summary"];
    assert_eq!((summary["questions"].as_u64(), summary["answered"].as_u64()), (Some(2), Some(2)));
    assert_eq!(summary["loads"].as_u64(), Some(1), "the second question finds the expert seated");
    let right = results[..2].iter().filter(|result| result["contains_expected"] == true).count() as u64;
    assert_eq!(summary["contain_expected"].as_u64(), Some(right));
}

#[test]
fn a_question_of_a_file_goes_where_it_goes_alone() {
    if !has_starters() {
        return;
    }
    let home = tempfile::tempdir().expect("a temporary folder");
    let file = home.path().join("as Windows writes it.jsonl");
    // More than the starter bears at a time.
    let lines =
        (0..12).map(|n| json!({ "id": n, "question": format!("add {n} and 1") }).to_string() + "\r\n");
    std::fs::write(&file, format!("\u{feff}{}", lines.collect::<String>())).expect("the folder takes a file");
    let file = file.to_str().expect("a plain path");
    let output = |arguments: &[&str]| {
        let output = run(home.path(), arguments);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("text")
    };
    let of = |text: &str| -> Vec<Value> {
        text.lines().map(|line| serde_json::from_str(line).expect("JSON")).take(12).collect()
    };
    let alone = output(&["route", "--file", file, "--json"]);
    let scores = alone.split("\"score\":").skip(1).map(|rest| rest.split([',', '}']).next().unwrap_or(rest));
    assert!(scores.clone().count() >= 12 && scores.clone().all(|score| score.len() < 12), "{alone}");
    let asked = output(&["ask", "--file", file, "--json", "--no-recall", "--max-tokens", "4"]);
    for (alone, asked) in of(&alone).iter().zip(of(&asked)) {
        let route = &asked["trace"]["route"];
        assert_eq!((&alone["chosen"], &alone["chosen"]), (&route["chosen"], &json!("arithmetic")), "{asked}");
        assert_eq!(route["experts"][0]["terms"]["load"], 1.0, "a file is no load on itself: {route}");
    }
}

#[test]
fn questions_of_one_expert_are_asked_together() {
    if !has_starters() {
        return;
    }
    let home = tempfile::tempdir().expect("a temporary folder");
    let file = home.path().join("mixed.jsonl");
    let texts =
        ["What is 12 + 30?", "Convert 3 km to m", "What is 7 * 8?", "Convert 5 kg to g", "What is 90 - 12?"];
    let lines: Vec<String> = texts
        .iter()
        .enumerate()
        .map(|(id, text)| json!({ "id": id, "question": text }).to_string())
        .collect();
    std::fs::write(&file, lines.join("\n")).expect("the folder takes a file");
    let output = run(
        home.path(),
        &[
            "ask",
            "--file",
            file.to_str().expect("a plain path"),
            "--json",
            "--no-recall",
            "--max-tokens",
            "4",
        ],
    );
    let results: Vec<Value> =
        output.stdout.lines().map(|line| serde_json::from_str(&line.expect("text")).expect("JSON")).collect();
    let ids: Vec<u64> = results.iter().filter_map(|result| result["id"].as_u64()).collect();
    assert_eq!(ids, [0, 2, 4, 1, 3], "arithmetic first, as in the file, then units");
    let summary = &results[5]["summary"];
    let figures = ["loads", "loads_in_file_order", "loads_saved"].map(|name| summary[name].as_u64());
    assert_eq!(figures, [Some(2), Some(5), Some(3)]);
}

#[test]
fn a_reader_that_goes_away_ends_the_command_without_a_panic() {
    let home = tempfile::tempdir().expect("a temporary folder");
    let mut child = lectern(home.path())
        .args(["status", "--json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the command line starts");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("it ends");
    let said =
        BufReader::new(&output.stderr[..]).lines().map_while(Result::ok).collect::<Vec<_>>().join("\n");
    assert!(!said.contains("panicked"), "{said}");
    assert_eq!(output.status.code(), Some(0));
}
