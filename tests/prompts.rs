//! Prompts: a search for better words along the one path, over starters whose answers depend on how they are asked, and
//! over toys; its history, and what is used and taken back.

// A helper that cannot go on fails its test.
#![allow(clippy::unwrap_used)]

#[allow(dead_code)]
#[path = "support/toy.rs"]
mod toy;
#[allow(dead_code)]
#[path = "support/toys.rs"]
mod toys;

use engine::prompts::{Prompts, Tried};
use engine::report::optimise::{Limits, Proof, optimise, task};
use engine::words::{Prompt, Question};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use toy::Toy;
use toys::Toys;

fn lectern(home: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_lectern"))
        .args(arguments)
        .args(["--json", "--threads", "1"])
        .env("LECTERN_HOME", home)
        .output()
        .unwrap()
}

fn shown(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)))
}

fn has_starters() -> bool {
    let shipped = |name: &str| engine::pool::shipped().iter().any(|starter| starter.name == name);
    let there = shipped("words") && shipped("arithmetic") && engine::pool::gate().is_some();
    if !there {
        eprintln!("skipped: this build carries no starters (cargo xtask train)");
    }
    there
}

const WORDS: &str = "river lantern basket garden window pencil bottle mirror carpet candle orange banana pepper tomato \
    potato silver copper winter summer spring autumn monkey rabbit turtle spider bridge castle temple market harbor \
    forest desert island valley meadow button ribbon needle thread hammer";

/// Bare words that are to be reversed: nothing but how they are asked says so.
fn reversed(folder: &Path) -> PathBuf {
    let lines: String = WORDS
        .split_whitespace()
        .map(|word| {
            let reversed: String = word.chars().rev().collect();
            format!("{}\n", json!({ "question": word, "answer": reversed, "kind": "text" }))
        })
        .collect();
    let path = folder.join("reversed.jsonl");
    std::fs::write(&path, lines).unwrap();
    path
}

#[test]
fn words_that_matter_are_found_their_gain_is_shown_and_they_are_used_and_taken_back() {
    if !has_starters() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().join("home");
    let file = reversed(folder.path());
    let file = file.to_str().unwrap();
    let arguments = ["prompts", "optimise", "--expert", "words", "--file", file, "--rollouts", "160"];
    let found = shown(&lectern(&home, &arguments));
    let optimised = &found["optimised"];
    assert_eq!(optimised["shown"], "gain", "{optimised}");
    assert_eq!(optimised["parts"], json!({ "feedback": 8, "front": 12, "held_out": 20 }));
    assert!(optimised["spent"].as_u64().unwrap() <= 160, "{optimised}");
    assert_eq!(optimised["reflector"], Value::Null, "starters write no prompts");
    assert_eq!(optimised["rl_ratio"], Value::Null);
    let gain = &optimised["gain"];
    assert_eq!(gain["n"], 20);
    assert!(gain["low"].as_f64().unwrap() > 0.0 && gain["difference"].as_f64().unwrap() > 0.8, "{gain}");
    let best = optimised["best"].as_i64().unwrap();
    let tried = found["tried"].as_array().unwrap();
    let chosen = tried.iter().find(|one| one["number"] == best).unwrap();
    assert_eq!(chosen["prompt"]["layout"], "Reverse the word {question}");
    assert_eq!(chosen["held_out"]["n"], 20);
    // The gain is that of the pairs, and the pairs are the answers.
    let pairs = found["pairs"].as_array().unwrap();
    let right = |side: &str| pairs.iter().filter(|pair| pair[side]["right"] == true).count();
    assert_eq!((pairs.len(), right("second")), (20, chosen["held_out"]["right"].as_u64().unwrap() as usize));
    assert_eq!(gain["first_only"].as_u64().unwrap() as usize, right("second") - right("first"));

    // The same seed is the same search.
    let again = shown(&lectern(&home, &arguments));
    let changes = |found: &Value| -> Vec<Value> {
        found["tried"].as_array().unwrap().iter().map(|one| one["change"].clone()).collect()
    };
    assert_eq!(changes(&again), changes(&found));
    assert_eq!(&again["optimised"]["gain"], gain);

    // A search changes nothing; its prompt is used when somebody says so, and in another process.
    let ask = |question: &str| {
        shown(&lectern(&home, &["ask", question, "--expert", "words", "--mode", "basic", "--no-recall"]))
    };
    assert!(!ask("violin")["answer"].as_str().unwrap().contains("niloiv"));
    let used = shown(&lectern(&home, &["prompts", "use", &best.to_string()]));
    let domain = ask("violin")["trace"]["read"]["domain"].clone();
    if used["domains"].as_array().unwrap().contains(&domain) {
        let answer = ask("violin");
        assert!(answer["answer"].as_str().unwrap().contains("niloiv"), "{answer}");
        assert_eq!((&answer["trace"]["prompt"], &answer["question"]), (&json!(best), &json!("violin")));
    } else {
        panic!("the case that this test is about: {domain} is among {used}");
    }
    let longer = ask("Reverse the word violin");
    assert!(longer["trace"]["prompt"].is_null(), "it was tried on single words alone");
    assert!(longer["answer"].as_str().unwrap().contains("niloiv"));

    let restored = shown(&lectern(&home, &["prompts", "restore", "words"]));
    assert_eq!(restored["domains"].as_array().unwrap().len(), used["domains"].as_array().unwrap().len());
    assert!(!ask("violin")["answer"].as_str().unwrap().contains("niloiv"));
    // Whatever was tried once can be used again, also of the older search.
    shown(&lectern(&home, &["prompts", "use", &best.to_string(), "--domains", domain.as_str().unwrap()]));
    assert!(ask("violin")["answer"].as_str().unwrap().contains("niloiv"));
    let listed = shown(&lectern(&home, &["prompts", "list"]));
    assert_eq!(listed["runs"].as_array().unwrap().len(), 2);
    let now: Vec<&Value> = listed["uses"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|one| one["now"] == true && one["prompt"] == best)
        .collect();
    assert_eq!((now.len(), &now[0]["domain"]), (1, &domain));
    let one = shown(&lectern(&home, &["prompts", "show", &best.to_string()]));
    assert_eq!(one["changed"], json!(["- asked: {question}", "+ asked: Reverse the word {question}"]));
}

#[test]
fn where_words_do_not_matter_no_gain_is_claimed() {
    if !has_starters() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().join("home");
    let found = shown(&lectern(
        &home,
        &["prompts", "optimise", "--expert", "arithmetic", "--test", "40", "--rollouts", "100"],
    ));
    let optimised = &found["optimised"];
    assert_ne!(optimised["shown"], "gain", "it was trained on such questions as they stand: {optimised}");
    assert_ne!(optimised["shown"], "unfinished");
    assert!(optimised["domains"].as_array().unwrap().iter().any(|domain| domain == "mathematics"));
}

#[test]
fn too_few_questions_and_too_few_rollouts_are_refused_with_what_is_needed() {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().join("home");
    let few = folder.path().join("few.jsonl");
    let lines: String = (0..39)
        .map(|n| format!("{}\n", json!({ "question": format!("{n} + 1"), "answer": n + 1 })))
        .collect();
    std::fs::write(&few, lines).unwrap();
    let expert = engine::pool::shipped().first().map_or("words", |starter| starter.name);
    let ask = |more: &[&str]| {
        shown(&lectern(&home, &[&["prompts", "optimise", "--expert", expert], more].concat()))["error"]
            .clone()
    };
    let failure = ask(&["--file", few.to_str().unwrap()]);
    assert_eq!(failure["code"], "too_few_questions", "{failure}");
    assert!(failure["message"].as_str().unwrap().contains("39 questions"));
    let enough = reversed(folder.path());
    let failure = ask(&["--file", enough.to_str().unwrap(), "--rollouts", "71"]);
    assert_eq!(failure["code"], "too_few_rollouts");
    assert!(failure["message"].as_str().unwrap().contains("takes 72"), "{failure}");
    assert_eq!(ask(&[])["code"], "too_few_questions", "nothing was rated");
    let listed = shown(&lectern(&home, &["prompts", "list"]));
    assert_eq!(listed["runs"], json!([]), "what was refused never began");
}

/// Forty questions that are right when the toy says its words.
fn forty() -> task::Task {
    let case = |n: usize| task::Case {
        asked: engine::report::pruning::Asked {
            id: n.to_string(),
            question: format!("alpha: question {n}"),
            expected: Some("the answer is 42".into()),
            ..Default::default()
        },
        expected: vec!["the answer is 42".into()],
        kind: String::new(),
    };
    task::Task {
        from: "test".into(),
        signature: engine::prompts::Signature::plain(engine::prompts::Kind::Text),
        cases: (0..40).map(case).collect(),
    }
}

/// A toy that says "w r", and "r" alone when its system prompt has the word politely in it: its own template looks.
fn polite() -> Toys {
    let toys = Toys::with(&[]);
    let file = toys.model("alpha");
    let toy = Toy { says: &["w", "r"], ..Toy::default() };
    let template = "{% if messages[0].role == 'system' and 'politely' in messages[0].content %}\
                    {% for m in messages %}{{ m.content }}{% endfor %}~ w\
                    {% else %}{% for m in messages %}{{ m.content }}{% endfor %}~{% endif %}";
    toy.write_with(&file, |file| {
        file.set("tokenizer.chat_template", template);
    });
    let engine = &toys.engine;
    engine.pool().add(&file, "alpha", &["alpha".into()]).unwrap();
    let writer = toys.model("writer");
    Toy { says: &["answer", "politely"], ..Toy::default() }.write(&writer);
    engine.pool().add(&writer, "writer", &["writer".into()]).unwrap();
    toys
}

#[test]
fn an_expert_writes_a_better_prompt_from_what_went_wrong() {
    let toys = polite();
    let plain = toys
        .listen(Question { expert: Some("alpha".into()), ..Question::new("alpha: one") }, &mut |_| {})
        .unwrap();
    assert_eq!(plain.answer.trim(), "w r", "the case that this test is about");
    let mut task = forty();
    for case in &mut task.cases {
        case.expected = vec!["r".into()];
        case.asked.expected = Some("r".into());
    }
    let limits = Limits { rollouts: 200, reflect: Some("writer".into()), ..Limits::default() };
    let stop = Arc::new(AtomicBool::new(false));
    let mut seen = 0;
    let found = optimise(&toys.engine, "alpha", &task, &limits, &stop, &mut |far| {
        assert!(far.spent >= seen && far.spent <= far.of);
        seen = far.spent;
        Ok(())
    })
    .unwrap();
    assert_eq!(found.optimised.shown, Proof::Gain, "{:?}", found.optimised);
    let best = found.tried.iter().find(|kept| Some(kept.number) == found.optimised.best).unwrap();
    assert_eq!(best.tried.prompt.system.as_deref(), Some("answer politely"));
    assert_eq!(best.tried.made, engine::prompts::Made::Reflection { expert: "writer".into() });
    let gain = found.optimised.gain.unwrap();
    assert_eq!((gain.first_only, gain.second_only, gain.n), (20, 0, 20));
}

#[test]
fn stopped_a_search_ends_at_once_and_its_history_stays() {
    let toys = Toys::with(&[("alpha", Toy { says: &["wrong"], for_ever: true, ..Toy::default() })]);
    let stop = Arc::new(AtomicBool::new(false));
    let asked = AtomicBool::new(false);
    let mut stopped_at = None;
    let begun = Instant::now();
    // Its answers never end by themselves: it is stopped in the middle of one, from another thread.
    let found = std::thread::scope(|scope| {
        scope.spawn(|| {
            while !asked.load(Ordering::SeqCst) && begun.elapsed() < Duration::from_secs(60) {
                std::thread::yield_now();
            }
            stop.store(true, Ordering::SeqCst);
            Instant::now()
        });
        optimise(&toys.engine, "alpha", &forty(), &Limits::default(), &stop, &mut |far| {
            if far.spent == 2 {
                asked.store(true, Ordering::SeqCst);
                stopped_at = Some(Instant::now());
            }
            Ok(())
        })
        .unwrap()
    });
    let took = stopped_at.unwrap().elapsed();
    assert!(took < Duration::from_secs(2), "{took:?} from the stop to the end");
    assert_eq!(found.optimised.shown, Proof::Unfinished);
    assert_eq!(found.tried.len(), 1, "what was tried until then is kept");
    // Another process reads the same.
    let other = Prompts::open(&engine::home::Home::at(toys.folder.path().join("home"))).unwrap();
    let runs = other.runs().unwrap();
    assert_eq!((runs.len(), runs[0].number, runs[0].tried), (1, found.run, 1));
    assert_eq!(runs[0].whole["ended"], "stopped");
}

#[test]
fn a_killed_search_leaves_what_it_tried() {
    if !has_starters() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().join("home");
    let file = reversed(folder.path());
    let mut search = Command::new(env!("CARGO_BIN_EXE_lectern"))
        .args(["prompts", "optimise", "--expert", "words", "--rollouts", "2000", "--threads", "1", "--file"])
        .arg(&file)
        .env("LECTERN_HOME", &home)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // The first line says that the first prompt is in the history.
    let mut line = String::new();
    let stderr = search.stderr.take().unwrap();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(stderr), &mut line).unwrap();
    search.kill().unwrap();
    search.wait().unwrap();
    assert!(line.contains("prompt 0"), "{line}");
    let listed = shown(&lectern(&home, &["prompts", "list"]));
    let run = &listed["runs"][0];
    assert!(run["tried"].as_u64().unwrap() >= 1, "{run}");
    assert_eq!(run["whole"]["shown"], "unfinished", "it never claims what it did not measure");
    let number = run["number"].to_string();
    let prompts = shown(&lectern(&home, &["prompts", "list", "--run", &number]));
    assert_eq!(prompts["prompts"][0]["change"], "as it is asked now");
}

#[test]
fn answers_that_were_rated_up_are_questions_to_search_with() {
    let toys = Toys::with(&[("alpha", Toy { says: &["wrong"], ..Toy::default() })]);
    let archive = toys.engine.archive();
    for n in 0..41 {
        let answer = engine::words::Answer {
            id: archive.new_id().unwrap(),
            conversation: archive.new_id().unwrap(),
            question: format!("alpha: number {n}"),
            answer: "the answer is 42".into(),
            expert: "alpha".into(),
            created: n,
            ..Default::default()
        };
        archive.save(&answer, true).unwrap();
        assert!(archive.rate(&answer.id, if n == 7 { -1 } else { 1 }).unwrap());
    }
    let task = task::of_log(&toys.engine).unwrap();
    assert_eq!(task.cases.len(), 40, "what was rated down is no answer to judge by");
    assert!(
        task.cases
            .iter()
            .all(|case| case.expected == ["the answer is 42"] && case.asked.question != "alpha: number 7")
    );
    let stop = Arc::new(AtomicBool::new(false));
    let limits = Limits { rollouts: 160, ..Limits::default() };
    let found = optimise(&toys.engine, "alpha", &task, &limits, &stop, &mut |_| Ok(())).unwrap();
    assert_eq!(found.optimised.shown, Proof::NoBetter, "the toy says one thing, however it is asked");
    assert_eq!(found.optimised.domains, ["alpha"]);
    // An example that it was shown goes with the answer that it came from.
    let shown = found.tried.iter().find(|kept| !kept.tried.prompt.shots.is_empty()).unwrap();
    let first = shown.tried.prompt.shots[0].question.clone();
    let id = archive.log().unwrap().into_iter().find(|past| past.question == first).unwrap().id;
    archive.forget(&id).unwrap();
    let now = toys.engine.prompts().get(shown.number).unwrap();
    assert_eq!(now.shots_gone, 1);
    assert!(now.tried.prompt.shots.iter().all(|shot| shot.question != first));
}

#[test]
fn tokens_and_time_bound_a_search_as_well() {
    let toys = Toys::with(&[("alpha", Toy { says: &["wrong"], ..Toy::default() })]);
    let stop = Arc::new(AtomicBool::new(false));
    let ended = |limits: Limits| {
        let found = optimise(&toys.engine, "alpha", &forty(), &limits, &stop, &mut |_| Ok(())).unwrap();
        (serde_json::to_value(found.optimised.ended).unwrap(), found.optimised.spent)
    };
    let (why, spent) = ended(Limits { tokens: Some(100), ..Limits::default() });
    assert_eq!(why, "tokens");
    assert!((1..=12).contains(&spent), "{spent}");
    assert_eq!(ended(Limits { seconds: Some(0), ..Limits::default() }), (json!("time"), 0));
}

#[test]
fn examples_stand_before_the_question_as_turns() {
    let toys = Toys::with(&[("alpha", Toy { says: &["fine"], ..Toy::default() })]);
    let bare = Question { expert: Some("alpha".into()), trial: true, ..Question::new("alpha: one") };
    let tokens = |prompt: Option<Prompt>| {
        let answer = toys.listen(Question { prompt, ..bare.clone() }, &mut |_| {}).unwrap();
        answer.trace.generate.prompt_tokens
    };
    let shot = engine::words::Shot { question: "alpha: zero".into(), answer: "nothing".into() };
    let shots = Prompt { shots: vec![shot], system: Some("Be brief.".into()), ..Prompt::default() };
    // The toy's vocabulary is bytes: one token a byte, and what its template adds.
    assert!(tokens(Some(shots)) >= tokens(None) + "alpha: zeronothingBe brief.".len() as u32);
    let prompts = toys.engine.prompts();
    let run = prompts.begin("alpha", &json!({})).unwrap();
    let laid = Prompt { layout: "{question}, please".into(), ..Prompt::default() };
    let number = prompts.keep(run, &Tried { prompt: laid, ..Tried::default() }).unwrap();
    prompts.put_to_use(number, &["alpha".into()]).unwrap();
    let answer = toys.listen(bare.clone(), &mut |_| {}).unwrap();
    assert_eq!((answer.trace.prompt, answer.question.as_str()), (Some(number), "alpha: one"));
}

/// Sums that arithmetic can do and words that words can reverse, as they are used to be asked.
fn mixed(folder: &Path) -> PathBuf {
    let sums =
        (0..44).map(|n| (format!("What is {} + {}?", 17 * n + 5, 211 - 3 * n), (14 * n + 216).to_string()));
    let words = WORDS.split_whitespace().take(22);
    let words =
        words.map(|word| (format!("Reverse the word {word}"), word.chars().rev().collect::<String>()));
    let lines: String = sums
        .chain(words)
        .map(|(question, answer)| format!("{}\n", json!({ "question": question, "answer": answer })))
        .collect();
    let path = folder.join("mixed.jsonl");
    std::fs::write(&path, lines).unwrap();
    path
}

#[test]
fn the_pool_is_gone_through_in_one_operation_and_each_stage_can_be_left_out() {
    if !has_starters() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().join("home");
    let file = mixed(folder.path());
    let go = |more: &[&str]| {
        let arguments = ["pool", "pipeline", "--file", file.to_str().unwrap(), "--rollouts", "90"];
        shown(&lectern(&home, &[&arguments[..], more].concat()))
    };
    let found = go(&[]);
    assert_eq!((&found["asked"], &found["stopped"]), (&json!(66), &json!(false)));

    let pruned = &found["prune"]["pruned"];
    assert_eq!(pruned["applied"], false);
    assert_eq!(pruned["replay"]["loss"]["n"], 66, "everything was asked with and without them");
    assert_eq!(shown(&lectern(&home, &["pool", "history"]))["history"], json!([]), "nobody was retired");

    let capability = found["capabilities"]["capability"].as_array().unwrap();
    let right = |expert: &str, domain: &str| {
        let one = capability.iter().find(|one| one["expert"] == expert && one["domain"] == domain);
        one.and_then(|one| one["right"]["count"].as_u64()).unwrap_or_else(|| panic!("{expert} in {domain}"))
    };
    assert!(right("arithmetic", "mathematics") > 35 && right("words", "mathematics") == 0);
    assert!(right("words", "words") > 15 && right("arithmetic", "words") == 0);
    // What was measured is written down, figure by figure.
    let kept: Value = serde_json::from_slice(&std::fs::read(home.join("measured.json")).unwrap()).unwrap();
    let accuracies = kept["accuracies"].as_array().unwrap();
    assert_eq!(accuracies.len(), capability.len());
    for one in accuracies {
        let (expert, domain) = (one["expert"].as_str().unwrap(), one["domain"].as_str().unwrap());
        assert_eq!(one["right"].as_u64(), Some(right(expert, domain)), "{expert} in {domain}");
    }

    let composed = found["compose"].as_array().unwrap();
    let of = |list: &[Value], domain: &str| list.iter().find(|one| one["domain"] == domain).cloned().unwrap();
    for (domain, expert, n) in [("mathematics", "arithmetic", 44), ("words", "words", 22)] {
        let one = of(composed, domain);
        assert_eq!((&one["alone"], one["n"].as_u64()), (&json!(expert), Some(n)), "{one}");
        if one["beside"].is_string() {
            let points = |field: &str| one[field]["difference"].as_f64().unwrap();
            assert_eq!(one["gain"]["n"].as_u64(), Some(n));
            assert!(
                points("gain") <= points("at_most") + 1e-9,
                "a council knows what one of it knows: {one}"
            );
            assert_eq!(one["pays"], one["gain"]["low"].as_f64().unwrap() > 0.0);
            assert_eq!(one["pairs"].as_array().unwrap().len() as u64, n);
        }
    }
    let searched = found["optimise"].as_array().unwrap();
    let sums = of(searched, "mathematics");
    assert!(sums["run"].is_i64() && sums["optimised"]["spent"].as_u64().unwrap() <= 90, "{sums}");
    let few = of(searched, "words")["passed_over"].clone();
    assert!(few.as_str().unwrap().contains("22 questions are too few"), "{few}");
    assert_eq!(shown(&lectern(&home, &["prompts", "list"]))["uses"], json!([]), "no prompt was put to use");

    let few = folder.path().join("few.jsonl");
    let first: String =
        std::fs::read_to_string(&file).unwrap().lines().take(3).map(|line| format!("{line}\n")).collect();
    std::fs::write(&few, first).unwrap();
    let arguments = ["pool", "pipeline", "--file", few.to_str().unwrap(), "--skip", "prune,compose,optimise"];
    let one = shown(&lectern(&home, &arguments));
    assert!(one["prune"].is_null() && one["compose"].is_null() && one["optimise"].is_null());
    assert_eq!(one["capabilities"]["judged"], 3);
    let none = go(&["--skip", "prune,compose,optimise,capabilities"]);
    assert!(none["capabilities"].is_null() && none["prune"].is_null());
}
