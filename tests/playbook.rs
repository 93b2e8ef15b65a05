//! The playbook: what experts are told beside a question, what it comes from, and that it goes with that.

// A helper that cannot go on fails its test.
#![allow(clippy::unwrap_used)]

#[path = "support/toy.rs"]
mod toy;
#[allow(dead_code)]
#[path = "support/toys.rs"]
mod toys;

use engine::Engine;
use engine::home::Home;
use engine::playbook::{Bullet, BulletKind, NewBullet};
use engine::words::{Answer, Mode, Origin, Question};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::Command;
use toy::Toy;
use toys::{Toys, options};

const RULE: &str = "Give the result with its unit (km).";

/// Two experts, of whom the second one gives the unit.
fn two() -> Toys {
    let says = |says| Toy { says, ..Toy::default() };
    Toys::with(&[("alpha", says(&["5.3"])), ("beta", says(&["5.3", "km"]))])
}

impl Toys {
    fn tell(&self, domain: &str, text: &str) -> i64 {
        let new = NewBullet { domain, text, origin: Origin::User, sources: &[] };
        self.engine.playbook().add(self.engine.archive(), &new).unwrap().id
    }

    fn by(&self, expert: &str, text: &str) -> Answer {
        let question = Question { expert: Some(expert.into()), ..Question::new(text) };
        self.listen(question, &mut |_| {}).unwrap()
    }

    fn all(&self, kind: BulletKind) -> Vec<Bullet> {
        let all = self.engine.playbook().list().unwrap().into_iter();
        all.filter(|bullet| bullet.kind == kind).collect()
    }
}

#[test]
fn a_bullet_is_read_named_in_the_trace_and_counted_by_the_thumb() {
    let toys = two();
    let id = toys.tell("alpha", "Answer in kilometres and write nothing else.");
    toys.tell("beta", "Be brief.");
    let answer = toys.ask("alpha how far is it").unwrap();
    let advice = answer.trace.advice.as_deref().unwrap();
    assert_eq!(advice.bullets.iter().map(|bullet| bullet.id).collect::<Vec<_>>(), [id], "{advice:?}");
    assert!(advice.tokens > 0 && advice.left_out.is_none());
    let without = Question { playbook: Some(false), recall: false, ..Question::new("alpha how far is it") };
    let without = toys.listen(without, &mut |_| {}).unwrap();
    let said = without.trace.advice.as_deref().unwrap();
    assert!(said.bullets.is_empty() && said.left_out.as_deref().unwrap().contains("for this question"));
    let read = |answer: &Answer| answer.trace.generate.prompt_tokens;
    assert!(
        read(&answer) >= read(&without) + advice.tokens,
        "the expert read it: {} tokens, and {} without {}",
        read(&answer),
        read(&without),
        advice.tokens
    );
    let basic = Question { mode: Mode::Basic, ..Question::new("alpha how far is it") };
    assert!(toys.listen(basic, &mut |_| {}).unwrap().trace.advice.is_none());

    let counts = || {
        let bullet = toys.all(BulletKind::Bullet).into_iter().find(|bullet| bullet.id == id).unwrap();
        (bullet.uses, bullet.helpful, bullet.harmful)
    };
    assert_eq!(counts(), (1, 0, 0), "nobody judged it yet");
    toys.engine.rate(&answer.id, -1).unwrap();
    assert_eq!(counts(), (1, 0, 1));
    toys.engine.rate(&answer.id, 1).unwrap();
    assert_eq!(counts(), (1, 1, 0));
    toys.engine.archive().forget(&answer.id).unwrap();
    assert_eq!(counts(), (0, 0, 0));
}

#[test]
fn bullets_keep_to_their_room() {
    let toys = two();
    for at in 0..30 {
        toys.tell("alpha", &format!("Rule number {at} of many, about {at} things that have to be kept."));
    }
    let answer = toys.ask("alpha how far is it").unwrap();
    let advice = answer.trace.advice.unwrap();
    assert!(advice.tokens <= 256 && advice.bullets.len() <= 8 && !advice.bullets.is_empty(), "{advice:?}");
    assert_eq!(advice.considered, 30);
    assert!(advice.left_out.unwrap().contains("do not fit"));
}

/// Everything that lies in the home, with the text in it, as bytes and as compressed by nobody.
fn with_word(folder: &Path, word: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if std::fs::read(&path).is_ok_and(|bytes| {
                bytes.windows(word.len()).any(|window| window.eq_ignore_ascii_case(word.as_bytes()))
            }) {
                found.push(path);
            }
        }
    }
    found
}

#[test]
fn what_a_good_answer_did_is_a_rule_that_outlives_a_restart_and_not_its_answers() {
    let toys = two();
    let home = toys.folder.path().join("home");
    let question = "alpha how many km are 5300 m by zebrafinch";
    let bad = toys.by("alpha", question);
    toys.engine.rate(&bad.id, -1).unwrap();
    let good = toys.by("beta", question);
    toys.engine.rate(&good.id, 1).unwrap();
    let rules = toys.all(BulletKind::Bullet);
    assert_eq!(rules.len(), 1, "{rules:?}");
    assert_eq!(
        (rules[0].text.as_str(), rules[0].origin, rules[0].domain.as_str()),
        (RULE, Origin::Reflector, "alpha")
    );
    let ways: Vec<_> = toys.all(BulletKind::Trajectory).into_iter().map(|way| (way.good, way.text)).collect();
    assert_eq!(ways, [(Some(false), bad.answer.clone()), (Some(true), good.answer.clone())]);

    let Toys { engine, folder } = toys;
    drop(engine);
    let engine = Engine::open(Home::at(&home), options(&["alpha", "beta"], None)).unwrap();
    let toys = Toys { engine, folder };
    assert_eq!(toys.all(BulletKind::Bullet), rules);
    // Another answer uses both, and shows them.
    let like = toys.by("alpha", "alpha how many km are 7000 m by zebrafinch");
    let advice = like.trace.advice.as_deref().unwrap();
    assert_eq!((advice.bullets.len(), advice.trajectories.len()), (1, 2), "{advice:?}");
    assert!(advice.trajectories.iter().all(|way| way.title.contains("… m by zebrafinch")));
    let shown = || {
        toys.engine.archive().answers(std::slice::from_ref(&like.id)).unwrap()[0]
            .trace
            .advice
            .clone()
            .unwrap()
    };
    assert_eq!(shown().trajectories.len(), 2);

    toys.engine.archive().forget(&bad.id).unwrap();
    assert!(toys.all(BulletKind::Bullet).is_empty(), "it came from both");
    assert_eq!(
        (toys.all(BulletKind::Trajectory).len(), shown().trajectories.len(), shown().bullets.len()),
        (1, 1, 0)
    );
    toys.engine.archive().forget(&good.id).unwrap();
    toys.engine.archive().forget(&like.id).unwrap();
    assert!(toys.engine.playbook().list().unwrap().is_empty());
    assert!(toys.engine.playbook().log().unwrap().is_empty());
    for word in ["zebrafinch", RULE] {
        assert_eq!(with_word(&home, word), Vec::<PathBuf>::new(), "{word} is still there");
    }
}

#[test]
fn asked_again_of_another_expert_the_two_answers_are_compared() {
    let toys = two();
    let question = "alpha how many km are 5300 m";
    let first = toys.by("alpha", question);
    let again = Question {
        expert: Some("beta".into()),
        conversation: Some(first.conversation.clone()),
        replaces: Some(first.id.clone()),
        ..Question::new(question)
    };
    let second = toys.listen(again, &mut |_| {}).unwrap();
    let rules = toys.all(BulletKind::Bullet);
    assert_eq!(rules.iter().map(|rule| rule.text.as_str()).collect::<Vec<_>>(), [RULE]);
    assert_eq!(rules[0].sources, std::slice::from_ref(&second.id), "the one before is no more");
    let judged = toys.engine.outcomes().abilities().unwrap().experts;
    let of =
        |name: &str| judged.iter().find(|ability| ability.expert == name).map(|a| (a.right, a.n)).unwrap();
    assert_eq!((of("alpha"), of("beta")), ((0, 1), (1, 1)));
}

#[test]
fn an_expert_that_reads_instructions_is_asked_for_the_rule() {
    let words = ["Always", "write", "kilometres", "behind", "figures."];
    let says = |says| Toy { says, ..Toy::default() };
    let toys = Toys::with(&[("alpha", says(&["5.3"])), ("beta", says(&["53"])), ("gamma", says(&words))]);
    let question = "alpha how far is it to the sea";
    for (expert, rating) in [("alpha", -1), ("beta", 1)] {
        let answer = toys.by(expert, question);
        toys.engine.rate(&answer.id, rating).unwrap();
    }
    assert!(toys.all(BulletKind::Bullet).is_empty(), "between 5.3 and 53 there is no rule that can be named");
    let done = toys.engine.reflect(Some("gamma"), &Default::default()).unwrap();
    assert_eq!((done.expert.as_str(), done.pairs, done.asked, done.added.len()), ("gamma", 1, 1, 1));
    let rule = &toys.all(BulletKind::Bullet)[0];
    assert_eq!((rule.text.as_str(), rule.sources.len()), ("Always write kilometres behind figures.", 2));
    let again = toys.engine.reflect(Some("gamma"), &Default::default()).unwrap();
    assert_eq!((again.pairs, again.asked), (1, 0), "nobody is asked twice");
    assert_eq!(toys.engine.archive().conversations(None).unwrap().len(), 2, "the asking leaves nothing");
}

fn lectern(home: &Path, arguments: &[&str]) -> Value {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lectern"));
    let output = command.args(arguments).arg("--json").env("LECTERN_HOME", home).output().unwrap();
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)))
}

#[test]
fn the_terminal_adds_edits_merges_retires_undoes_and_carries_bullets_elsewhere() {
    let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let run = |arguments: &[&str]| lectern(here.path(), arguments);
    let texts = |home: &Path| -> Vec<Value> {
        let list = lectern(home, &["playbook", "list"]);
        list.as_array().unwrap().iter().map(|bullet| json!([bullet["domain"], bullet["text"]])).collect()
    };
    assert_eq!(run(&["playbook", "add", "Use SI units.", "--domain", "units"])[0]["id"], 1);
    assert_eq!(run(&["playbook", "add", "use SI units", "--domain", "units"])[0]["merged_into"], 1);
    run(&["playbook", "add", "Be brief."]);
    run(&["playbook", "edit", "1", "--text", "Use SI units, always."]);
    assert_eq!(texts(here.path()), [json!(["any", "Be brief."]), json!(["units", "Use SI units, always."])]);
    run(&["playbook", "merge", "3", "--into", "1"]);
    run(&["playbook", "retire", "1"]);
    assert!(texts(here.path()).is_empty());
    run(&["playbook", "undo"]);
    run(&["playbook", "undo"]);
    assert_eq!(texts(here.path()).len(), 2);
    let log = run(&["playbook", "list", "--log"]);
    let edits: Vec<&Value> = log.as_array().unwrap().iter().map(|edit| &edit["edit"]).collect();
    assert_eq!(edits, ["retire", "merge", "edit", "add", "merge", "add", "add"]);
    assert_eq!(run(&["playbook", "retire", "99"])["error"]["code"], "playbook.unknown");

    let file = here.path().join("all.jsonl");
    let file = file.to_str().unwrap();
    run(&["archive", "export", file]);
    assert_eq!(lectern(there.path(), &["archive", "import", "--file", file])["bullets"], 2);
    assert_eq!(texts(there.path()), texts(here.path()));
}

#[test]
fn an_expert_that_reads_single_questions_is_not_told_and_the_trace_says_why() {
    if engine::pool::gate().is_none() || engine::pool::shipped().len() < 5 {
        eprintln!("skipped: this build does not carry all five starters and the gate (cargo xtask train)");
        return;
    }
    let home = tempfile::tempdir().unwrap();
    lectern(home.path(), &["playbook", "add", "Show every step.", "--domain", "mathematics"]);
    let answer = lectern(home.path(), &["ask", "What is 384 + 97?", "--threads", "1"]);
    let advice = &answer["trace"]["advice"];
    assert_eq!((&advice["considered"], &advice["bullets"]), (&json!(1), &json!([])), "{advice}");
    assert!(advice["left_out"].as_str().unwrap().contains("single questions"), "{advice}");
    assert_eq!(lectern(home.path(), &["playbook", "list"])[0]["uses"], 0);
}
