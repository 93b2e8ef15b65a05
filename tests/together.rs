//! Several questions for the seated expert: it computes their answers in the same passes.
#![cfg(unix)]
#![allow(clippy::unwrap_used)]

#[allow(dead_code)]
#[path = "support/toy.rs"]
mod toy;
#[allow(dead_code)]
#[path = "support/toys.rs"]
mod toys;

use engine::events::{AnswerEvent, Seat};
use engine::words::{Answer, Question};
use runtime::host::{Finish, Host, HostError, Message, Request, Role, Spawn, Spoken};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use toy::Toy;
use toys::Toys;

const FOR_EVER: Toy =
    Toy { says: &["on", "and"], for_ever: true, layers: 4, feed_forward: 512, context: 16_384 };

fn by_hand(expert: &str, text: &str) -> Question {
    Question { expert: Some(expert.into()), recall: false, ..Question::new(text) }
}

fn says(text: &str, tokens: u32) -> Request {
    Request::chat(vec![Message::new(Role::User, text)], tokens)
}

fn wait_until(is_so: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < Duration::from_secs(120), "it did not come to that within two minutes");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn questions_for_the_seated_expert_are_answered_together_and_each_as_if_alone() {
    let toys =
        Toys::with(&[("alpha", FOR_EVER), ("beta", Toy { says: &["forty", "two"], ..Toy::default() })]);
    let asked = |at: usize| Question {
        max_tokens: Some(600 + 100 * at as u32),
        ..by_hand("alpha", &format!("{at}?"))
    };
    let alone: Vec<Answer> = (0..4).map(|at| toys.listen(asked(at), &mut |_| {}).unwrap()).collect();
    assert!(alone.iter().all(|answer| answer.trace.generate.together == 1));
    // Each one's first words hold it until all four have begun: they stand at the lectern side by side.
    let begun = AtomicUsize::new(0);
    let ask = |at: usize| {
        let mut counted = false;
        let heard = toys.listen(asked(at), &mut |event| {
            if matches!(event, AnswerEvent::Text { .. }) && !std::mem::replace(&mut counted, true) {
                begun.fetch_add(1, Ordering::SeqCst);
                wait_until(|| begun.load(Ordering::SeqCst) == 4);
            }
        });
        heard.unwrap()
    };
    let together: Vec<Answer> = std::thread::scope(|scope| {
        let threads: Vec<_> =
            (0..4).map(|at| (at, &ask)).map(|(at, ask)| scope.spawn(move || ask(at))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    for (answer, alone) in together.iter().zip(&alone) {
        assert_eq!(answer.answer, alone.answer);
        assert_eq!(answer.trace.generate.tokens, alone.trace.generate.tokens);
    }
    assert!(together.iter().any(|answer| answer.trace.generate.together > 1));
    assert!(toys.engine.traffic().together > 1 && toys.engine.traffic().loads == 1);
    // One that is stopped leaves the others alone, and the seat is free for the next expert after them.
    let stop = Arc::new(AtomicBool::new(false));
    std::thread::scope(|scope| {
        let endless = Question { max_tokens: Some(16_000), ..by_hand("alpha", "go on") };
        let held = scope.spawn(|| toys.engine.ask(endless, Arc::clone(&stop), &mut |_| {}));
        wait_until(|| matches!(toys.engine.seat().0, Seat::Taken { busy: true, .. }));
        let beside = toys.listen(asked(0), &mut |_| {}).unwrap();
        assert_eq!(beside.answer, alone[0].answer);
        let beta = scope.spawn(|| toys.listen(by_hand("beta", "you?"), &mut |_| {}));
        wait_until(|| toys.engine.waiting().len() == 2);
        stop.store(true, Ordering::Relaxed);
        assert!(held.join().unwrap().unwrap().stopped);
        assert_eq!(beta.join().unwrap().unwrap().expert, "beta");
    });
}

#[test]
fn several_answers_come_at_once_and_one_is_stopped() {
    let toys = Toys::with(&[("alpha", FOR_EVER)]);
    let start =
        || Host::start(Spawn::new(env!("CARGO_BIN_EXE_lectern"), toys.model("alpha")), &mut |_| {}).unwrap();
    let mut host = start();
    let endless = host.begin(0, &says("on", 1_000_000));
    let first = host.begin(1, &says("and", 40));
    let second = host.begin(2, &says("on", 60));
    // The tokenizer answers in between.
    assert!(host.count_tokens("a b c", &AtomicBool::new(false)).unwrap().is_some());
    let error = host.logits(&[1], false, &mut |_| {}).unwrap_err();
    assert!(matches!(&error, HostError::Refused { code, .. } if code == "request.busy"), "{error}");
    let mut texts: BTreeMap<u64, String> = Default::default();
    let mut ended = BTreeMap::new();
    let mut told = None;
    while ended.len() < 3 {
        // The endless one is stopped when both others have ended.
        let stop = ended.len() == 2;
        if stop {
            told.get_or_insert_with(Instant::now);
        }
        match host.listen(&|id| stop && id == endless).unwrap() {
            Some((id, Spoken::Piece(text))) => texts.entry(id).or_default().push_str(&text),
            Some((id, Spoken::Ended(finished))) => drop(ended.insert(id, finished.unwrap())),
            None => {}
        }
    }
    assert!(told.unwrap().elapsed() < Duration::from_millis(200), "{:?}", told.unwrap().elapsed());
    assert_eq!((ended[&first].tokens, ended[&second].tokens), (40, 60));
    assert_eq!((ended[&endless].finish, ended[&endless].lost_expert), (Finish::Stopped, false));
    assert!(ended[&second].together >= 2, "{}", ended[&second].together);
    assert!(ended.iter().all(|(id, finished)| texts[id] == finished.text));
    let alone = start().generate(&says("and", 40), &AtomicBool::new(false), &mut |_| {}).unwrap();
    assert_eq!(alone.ids, ended[&first].ids);
    // The stopped one leaves its slot to the next.
    let next = host.generate(&says("a", 5), &AtomicBool::new(false), &mut |_| {}).unwrap();
    assert_eq!((next.tokens, next.finish), (5, Finish::Length));
}
