//! Experts outside Lectern: asked by name, marked, refused while nothing may leave; and servers in every manner that they
//! have. Each question ends in an answer or a clear error, and the next one works.

// A helper that cannot go on fails its test.
#![allow(clippy::unwrap_used)]

// Other journeys use the rest of each.
#[allow(dead_code)]
#[path = "support/house.rs"]
mod house;
#[allow(dead_code)]
#[path = "support/hub.rs"]
mod hub;
#[path = "support/server.rs"]
mod server;
#[allow(dead_code)]
#[path = "support/toy.rs"]
mod toy;
#[allow(dead_code)]
#[path = "support/toys.rs"]
mod toys;

use engine::events::{AnswerEvent, Seat};
use engine::home::Home;
use engine::hub::{Outside, why_inside};
use engine::pool::{Edit, Endpoint};
use engine::settings::{QueueSettings, Settings};
use engine::words::{Answer, Failure, Question};
use house::{House, json};
use server::{Manner, Server};
use std::io::Write;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use toy::Toy;
use toys::Toys;

const WORDS: [&str; 3] = ["Forty", "-two", " ☂."];

/// One expert here, `near`, and one at the server, `far`, whose domains it shares.
struct World {
    toys: Toys,
    server: Server,
}

impl World {
    fn with(manner: Manner) -> World {
        let toys = Toys::with(&[("near", Toy { says: &["here"], ..Toy::default() })]);
        let world = World { toys, server: Server::start(manner) };
        world.set(&Settings { outside: true, ..Settings::default() });
        let endpoint = Endpoint::new(&world.server.url(), "big", None).unwrap();
        world.toys.engine.pool().add_endpoint(endpoint, "far", &["near".into()]).unwrap();
        world
    }

    fn set(&self, settings: &Settings) {
        settings.save(&Home::at(self.toys.folder.path().join("home"))).unwrap();
        self.toys.engine.let_out(settings);
    }

    fn ask(&self, expert: Option<&str>) -> Result<Answer, Failure> {
        self.toys.listen(question(expert), &mut |_| {})
    }

    /// It fails with this code, having been asked by name; the next question works.
    fn fails(&self, code: &str) -> Failure {
        let failure = self.ask(Some("far")).unwrap_err();
        assert_eq!(failure.code, code, "{failure:?}");
        assert!(!failure.fix.is_empty());
        assert_eq!(self.ask(Some("near")).unwrap().answer.trim(), "here", "the next question works");
        failure
    }
}

fn question(expert: Option<&str>) -> Question {
    Question {
        expert: expert.map(str::to_owned),
        recall: false,
        ..Question::new("near: what is six times seven?")
    }
}

#[test]
fn an_expert_outside_answers_by_name_marked_and_with_nobody_resident() {
    let world = World::with(Manner::Says(WORDS.to_vec()));
    assert_eq!(world.ask(None).unwrap().expert, "near", "the router sends nothing out by itself");
    assert_eq!(toys::hosts_under(world.toys.folder.path()).len(), 1, "near is resident");

    let (mut pieces, mut lent, mut resident) = (Vec::new(), None, 1);
    let answer = world.toys.listen(question(Some("far")), &mut |event| match event {
        AnswerEvent::Seating(Seat::Lent { what }) => lent = Some(what),
        AnswerEvent::Text { piece } => {
            resident = toys::hosts_under(world.toys.folder.path()).len();
            pieces.push(piece);
        }
        _ => {}
    });
    let answer = answer.unwrap();
    assert_eq!((pieces.concat(), answer.answer.as_str()), ("Forty-two ☂.".into(), "Forty-two ☂."));
    assert_eq!(resident, 0, "nobody is resident while it answers");
    let told = format!("leaves Lectern: another program of this machine, {}", world.server.host());
    assert_eq!(lent.unwrap(), format!("far ({told})"));
    let seat = &answer.trace.seat;
    assert_eq!(
        (seat.outside.as_ref(), seat.memory_bytes, seat.left.as_deref()),
        (Some(&told), 0, Some("near"))
    );
    assert!(seat.freed_bytes > 0, "what near had came back before");
    let generated = &answer.trace.generate;
    assert_eq!((generated.prompt_tokens, answer.tokens), (11, 3), "the server's own figures");
    assert!(answer.trace.route.by_hand && answer.trace.route.reason.contains("outside Lectern"));

    let [heard] = &world.server.heard()[..] else { panic!("one request") };
    assert_eq!((heard.path.as_str(), &heard.authorization), ("/v1/chat/completions", &None));
    assert_eq!((&heard.body["model"], &heard.body["stream"]), (&"big".into(), &true.into()));
    let messages = heard.body["messages"].as_array().unwrap();
    assert_eq!(messages.last().unwrap()["content"], "near: what is six times seven?");

    let log = std::fs::read_to_string(world.toys.folder.path().join("home/logs/network.jsonl")).unwrap();
    let line: serde_json::Value = serde_json::from_str(log.trim()).unwrap();
    assert_eq!((&line["host"], &line["why"]), (&world.server.host().into(), &"a question to far".into()));
    assert!(line["sent_bytes"].as_u64().unwrap() > 100 && line["bytes"].as_u64().unwrap() > 100, "{line}");
    assert_eq!(line["with_token"], false);
    assert!(world.ask(None).unwrap().trace.seat.outside.is_none());
}

#[test]
fn nothing_leaves_while_it_is_switched_off_or_offline() {
    let world = World::with(Manner::Says(WORDS.to_vec()));
    let mut offline = Settings { outside: true, ..Settings::default() };
    offline.hub.offline = true;
    for (settings, word) in [(Settings::default(), "switched off"), (offline, "offline")] {
        world.set(&settings);
        assert!(why_inside(&settings).unwrap().contains(word));
        let failure = world.ask(Some("far")).unwrap_err();
        assert_eq!(failure.code, "expert_unavailable");
        assert!(failure.message.contains(word), "{failure:?}");
        // Another process switched it off: this one asks the settings before each request.
        world.toys.engine.pool().keep_inside(None);
        let failure = world.ask(Some("far")).unwrap_err();
        assert_eq!(failure.code, "outside.off");
        assert!(failure.message.contains(word), "{failure:?}");
    }
    assert!(world.server.heard().is_empty(), "not one request was made");
}

#[test]
fn what_a_server_says_instead_of_an_answer_is_told() {
    let world = World::with(Manner::HangsUp);
    world.fails("outside.connection");
    for (status, code) in [
        (401, "outside.unauthorised"),
        (403, "outside.unauthorised"),
        (404, "outside.absent"),
        (429, "outside.too_many"),
        (500, "outside.status"),
        (204, "outside.status"),
    ] {
        world.server.now(Manner::Refuses(
            status,
            String::new(),
            r#"{"error":{"message":"no\u001b[31m such luck"}}"#,
        ));
        let failure = world.fails(code);
        assert!(status == 204 || failure.message.contains("no [31m such luck"), "{failure:?}");
    }
    world.server.now(Manner::Refuses(502, String::new(), "<html>a page of somebody's proxy</html>"));
    assert!(!world.fails("outside.status").message.contains("html"));
}

#[test]
fn a_redirect_is_not_followed_and_the_key_stays_with_its_server() {
    let elsewhere = Server::start(Manner::Says(WORDS.to_vec()));
    let there = format!("location: {}/chat/completions\r\n", elsewhere.url());
    let world = World::with(Manner::Refuses(307, there, ""));
    let engine = &world.toys.engine;
    let far = engine.pool().get("far").unwrap();
    let endpoint = far.endpoint().unwrap();
    engine.outside().key("far", endpoint).set_for_session("sk-secret-7").unwrap();
    let failure = world.fails("outside.redirect");
    assert!(failure.message.contains(&elsewhere.host()), "{failure:?}");
    assert!(elsewhere.heard().is_empty());
    assert_eq!(world.server.heard()[0].authorization.as_deref(), Some("Bearer sk-secret-7"));
    let other = Endpoint::new(&elsewhere.url(), "big", None).unwrap();
    assert_eq!(engine.outside().key("far", &other).get().0, None, "another address has no key");
    for path in ["home/logs/network.jsonl", "home/pool/far.json"] {
        let text = std::fs::read_to_string(world.toys.folder.path().join(path)).unwrap();
        assert!(!text.contains("sk-secret"), "{path}");
    }
}

#[test]
fn a_broken_stream_is_a_clear_error_and_never_an_answer() {
    let world = World::with(Manner::NeverEnds);
    world.fails("outside.broken_off");
    let half = r#"data: {"choices":[{"delta":{"content":"Forty"}}]}"#;
    for (bytes, code) in [
        (half.as_bytes().to_vec(), "outside.broken_off"),
        (format!("{half}\n\n").into_bytes(), "outside.broken_off"),
        (b"".to_vec(), "outside.broken_off"),
        (
            format!("{half}\n\ndata: {{\"error\":{{\"message\":\"out of memory\"}}}}\n\n").into_bytes(),
            "outside.broken_off",
        ),
        (b"data: {not json\n\n".to_vec(), "outside.garbled"),
        (b"data: {\"choices\":7}\n\n".to_vec(), "outside.garbled"),
        (b"data: {\"choices\":[],\"usage\":{\"completion_tokens\":-3}}\n\n".to_vec(), "outside.garbled"),
        (b"data: {\"choices\":[{\"delta\":{\"content\":\"\xff\xfe\"}}]}\n\n".to_vec(), "outside.garbled"),
    ] {
        world.server.now(Manner::Writes(bytes.clone()));
        let failure = world.ask(Some("far")).unwrap_err();
        assert_eq!(failure.code, code, "{:?}: {failure:?}", String::from_utf8_lossy(&bytes));
    }
    world.server.now(Manner::InOne("<html>sign in to this network</html>"));
    world.fails("outside.garbled");
    world
        .server
        .now(Manner::InOne(r#"{"choices":[{"message":{"content":"whole"},"finish_reason":"stop"}]}"#));
    assert_eq!(
        world.ask(Some("far")).unwrap().answer,
        "whole",
        "a server that does not stream is understood"
    );
}

#[test]
fn a_stop_ends_it_at_once_and_the_server_sees_that() {
    let started =
        br#"data: {"choices":[{"delta":{"content":"Forty"}}]}"#.iter().chain(b"\n\n").copied().collect();
    for manner in [Manner::FallsSilent(started), Manner::SaysNothing] {
        let world = World::with(manner);
        let stop = Arc::new(AtomicBool::new(false));
        let answer = std::thread::scope(|scope| {
            let asked =
                scope.spawn(|| world.toys.engine.ask(question(Some("far")), Arc::clone(&stop), &mut |_| {}));
            assert_eq!(world.server.news.recv_timeout(Duration::from_secs(30)), Ok("waits"));
            let begun = Instant::now();
            stop.store(true, Ordering::SeqCst);
            let answer = asked.join().unwrap().unwrap();
            let took = begun.elapsed();
            assert!(took < Duration::from_millis(200), "a stop took {took:?}");
            answer
        });
        assert!(answer.stopped);
        assert_eq!(
            world.server.news.recv_timeout(Duration::from_secs(10)),
            Ok("gone"),
            "the connection is closed"
        );
        assert_eq!(world.ask(Some("near")).unwrap().answer.trim(), "here");
    }
}

#[test]
fn a_server_that_falls_silent_is_given_up() {
    let world = World::with(Manner::FallsSilent(Vec::new()));
    let queue = QueueSettings { silence_s: 1, ..QueueSettings::default() };
    world.set(&Settings { outside: true, queue, ..Settings::default() });
    let begun = Instant::now();
    world.fails("outside.broken_off");
    assert!(begun.elapsed() >= Duration::from_secs(1));
}

#[test]
fn the_router_sends_questions_out_only_to_who_was_let_in_and_comes_back_when_that_fails() {
    let world = World::with(Manner::Says(WORDS.to_vec()));
    let pool = world.toys.engine.pool();
    let council = Question { top_k: Some(4), ..question(None) };
    let answer = world.toys.listen(council.clone(), &mut |_| {}).unwrap();
    let drafts = |answer: &Answer| -> Vec<String> {
        answer.trace.council.as_ref().unwrap().drafts.iter().map(|draft| draft.expert.clone()).collect()
    };
    assert!(!drafts(&answer).contains(&"far".to_owned()), "a council is the router's choice, too");

    pool.edit("far", &Edit { automatic: Some(true), ..Edit::default() }).unwrap();
    let answer = world.toys.listen(council, &mut |_| {}).unwrap();
    assert!(drafts(&answer).contains(&"far".to_owned()), "it was let in");
    let without_near = Question { excluding: vec!["near".into()], ..question(None) };
    assert_eq!(world.toys.listen(without_near.clone(), &mut |_| {}).unwrap().expert, "far");
    world.server.now(Manner::HangsUp);
    let answer = world.toys.listen(without_near, &mut |_| {}).unwrap();
    assert_eq!(answer.trace.passed_over[0].failure.code, "outside.connection");
    assert_ne!(answer.expert, "far", "another one answers");

    let refused = pool.edit("near", &Edit { automatic: Some(true), ..Edit::default() });
    assert!(refused.is_err(), "an expert of this machine is not outside");
}

#[test]
fn the_command_line_adds_one_when_that_is_switched_on_and_takes_it_away_with_its_key() {
    let (house, server) = (House::new(), Server::start(Manner::Says(WORDS.to_vec())));
    let url = server.url();
    let add = ["experts", "add", "--endpoint", &url, "--model", "big", "--name", "far", "--domains", "law"];
    let refused = house.lectern(&add).output().unwrap();
    assert!(!refused.status.success() && server.heard().is_empty());
    assert!(
        String::from_utf8_lossy(&refused.stderr).contains("switched off")
            || String::from_utf8_lossy(&refused.stdout).contains("switched off")
    );

    let on = house.lectern(&["experts", "outside", "on"]).output().unwrap();
    assert!(String::from_utf8_lossy(&on.stderr).contains("leaves Lectern"), "what leaves is said: {on:?}");
    let added = house.says(&add);
    assert_eq!(added["implementations"][0]["endpoint"]["context"], 4096, "as its server says: {added}");
    assert_eq!(added["implementations"][0]["endpoint"]["automatic"], false);
    assert_eq!(house.answer_of("far"), "Forty-two ☂.");
    let served = house.says(&["experts", "served", "far"]);
    assert_eq!((&served["has_model"], served["models"].as_array().unwrap().len()), (&true.into(), 2));

    // No keyring runs in a test: the key of one process is the environment's.
    let mut asked = house.lectern(&["ask", "hi", "--expert", "far"]);
    json(&asked.env("LECTERN_KEY_FAR", "sk-9").output().unwrap());
    assert_eq!(server.heard().last().unwrap().authorization.as_deref(), Some("Bearer sk-9"));
    let mut kept = house.lectern(&["experts", "key", "set", "far"]).stdin(Stdio::piped()).spawn().unwrap();
    kept.stdin.take().unwrap().write_all(b"sk-10\n").unwrap();
    assert!(!kept.wait_with_output().unwrap().status.success(), "a key that nothing keeps is told");

    house.says(&["experts", "outside", "off"]);
    let listed = house.says(&["experts", "show", "far"]);
    assert!(listed["unavailable"].as_str().unwrap().contains("switched off"), "{listed}");
    let before = server.heard().len();
    assert!(!house.lectern(&["ask", "hi", "--expert", "far"]).output().unwrap().status.success());
    assert_eq!(server.heard().len(), before, "nothing left");
    house.says(&["experts", "remove", "far"]);
    assert!(!house.at("home/pool/far.json").exists());
}

#[test]
fn a_pool_file_names_a_server_and_cannot_let_it_in() {
    let house = House::new();
    let pool = house.pool();
    let text = "experts:\n- name: far\n  domains: [law]\n  endpoint:\n    url: https://far.test/v1\n    model: big\n    context: 9000\n";
    let path = house.at("given.yaml");
    std::fs::write(&path, text).unwrap();
    pool.import(&path).unwrap();
    let far = pool.get("far").unwrap();
    assert!(far.unavailable.is_some(), "a pool that nobody opened to the outside lets nothing out");
    assert_eq!((far.endpoint().unwrap().context, far.endpoint().unwrap().automatic), (9000, false));
    pool.edit("far", &Edit { automatic: Some(true), ..Edit::default() }).unwrap();
    let exported = pool.export().to_yaml().unwrap();
    assert!(exported.contains("url: https://far.test/v1") && !exported.contains("automatic"), "{exported}");
    pool.import(&path).unwrap();
    assert!(pool.get("far").unwrap().endpoint().unwrap().automatic, "the same server stays let in");
    std::fs::write(&path, text.replace("far.test", "evil.test")).unwrap();
    pool.import(&path).unwrap();
    let moved = pool.get("far").unwrap();
    assert_eq!(
        (moved.endpoint().unwrap().host().as_str(), moved.endpoint().unwrap().automatic),
        ("evil.test", false)
    );
    assert_eq!(Outside::of(&house.home()).key_from(&moved), Some(engine::hub::TokenFrom::Nowhere));
}
