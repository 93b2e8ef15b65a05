//! Seat: one expert in memory at a time, in a process of its own, as the system itself sees it.

#[allow(dead_code)]
#[path = "support/toy.rs"]
mod toy;
#[allow(dead_code)]
#[path = "support/toys.rs"]
mod toys;

use engine::events::{News, Seat};
use engine::words::Question;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use toy::Toy;
use toys::Toys;

/// Large enough that its weights, about 24 MB, stand out from the program's own memory.
const LARGE: Toy = Toy { says: &["large"], for_ever: false, layers: 6, feed_forward: 3072, context: 256 };
const WEIGHTS: u64 = 6 * 3 * 3072 * 320 * 4;

#[cfg(target_os = "linux")]
#[test]
fn one_expert_at_a_time_whoever_is_asked() {
    let toys = Toys::with(&[("alpha", LARGE), ("beta", LARGE)]);
    let done = AtomicBool::new(false);
    let (mut answers, mut most, mut seen) = (Vec::new(), 0, 0);
    std::thread::scope(|scope| {
        // Looks at the system without pause while experts come and go.
        let watcher = scope.spawn(|| {
            let (mut most, mut looks) = (0, 0);
            while !done.load(Ordering::Relaxed) {
                most = most.max(toys::hosts_under(toys.folder.path()).len());
                looks += 1;
            }
            (most, looks)
        });
        for text in ["alpha: a", "beta: b", "beta: c", "alpha: d"] {
            answers.push(toys.ask(text).expect("an answer"));
        }
        done.store(true, Ordering::Relaxed);
        (most, seen) = watcher.join().expect("the watcher only looks");
    });
    assert!(seen > 4, "the system was looked at {seen} times");
    assert_eq!(most, 1, "never two experts at once");

    let seats: Vec<_> = answers.iter().map(|answer| &answer.trace.seat).collect();
    assert_eq!(seats.iter().map(|seat| seat.was_seated).collect::<Vec<_>>(), [false, false, true, false]);
    assert_eq!(seats[1].left.as_deref(), Some("alpha"));
    assert_eq!(seats[3].left.as_deref(), Some("beta"));
    assert_eq!(seats[0].left, None);
    assert!(
        seats[1].freed_bytes > WEIGHTS,
        "what alpha held came back: {} of {WEIGHTS}",
        seats[1].freed_bytes
    );
    for answer in &answers {
        let peak = answer.trace.generate.peak_memory_bytes;
        assert!(peak > WEIGHTS && peak < 2 * WEIGHTS, "a peak of {peak} is one expert of {WEIGHTS}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn who_leaves_is_gone_and_so_is_everybody_when_the_engine_ends() {
    let toys = Toys::with(&[("alpha", LARGE)]);
    toys.ask("alpha: a").expect("an answer");
    let Seat::Taken { pid, busy: false, memory_bytes, .. } = toys.engine.seat().0 else {
        panic!("alpha sits there")
    };
    assert_eq!(toys::hosts_under(toys.folder.path()).iter().map(|host| host.pid).collect::<Vec<_>>(), [pid]);
    assert!(memory_bytes > WEIGHTS);

    let freed = toys.engine.unseat().expect("it leaves");
    assert!(freed > WEIGHTS, "{freed} bytes came back");
    assert_eq!(toys.engine.seat().0, Seat::Empty);
    assert!(toys::hosts_under(toys.folder.path()).is_empty());
    assert_eq!(toys.engine.unseat().expect("nobody has to leave"), 0);

    toys.ask("alpha: b").expect("it comes back when it is asked");
    let Toys { engine, folder } = toys;
    drop(engine);
    assert!(toys::hosts_under(folder.path()).is_empty(), "the engine took its expert with it");
}

#[test]
fn what_does_not_fit_the_budget_is_refused_before_it_is_loaded() {
    let small = Toy { says: &["small"], context: 256, ..Toy::default() };
    let toys = Toys::with_budget(&[("alpha", LARGE), ("beta", small)], Some(30_000_000));
    let seats = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&seats);
    toys.engine.watch(Box::new(move |News::Seat { seat, .. }| heard.lock().expect("no panic").push(seat)));
    let failure = toys
        .ask("alpha: a")
        .expect_err("its 24 MB of weights and what it takes to run them do not fit 30 MB");
    assert_eq!(failure.code, "expert_too_large");
    assert!(failure.message.contains("30.0 MB"), "both numbers are told: {}", failure.message);
    assert!(failure.fix.contains("beta"), "and who would fit: {}", failure.fix);
    assert_eq!(*seats.lock().expect("no panic"), [Seat::Empty], "nothing was loaded for it");

    toys.engine.set_budget(Some(2_000_000_000));
    toys.ask("alpha: a").expect("a larger budget lets it in");
}

#[test]
fn a_refusal_leaves_the_seated_expert_in_peace() {
    let small = Toy { says: &["small"], context: 256, ..Toy::default() };
    let toys = Toys::with_budget(&[("alpha", LARGE), ("beta", small)], Some(30_000_000));
    toys.ask("beta: a").expect("it fits");
    toys.ask("alpha: a").expect_err("this one does not");
    assert!(toys.ask("beta: b").expect("it is still there").trace.seat.was_seated);
}

#[test]
fn questions_wait_in_their_order_and_all_are_answered() {
    let toys = Toys::with(&[("alpha", Toy::default()), ("beta", Toy::default())]);
    let answered = Mutex::new(0);
    std::thread::scope(|scope| {
        for at in 0..8 {
            let (toys, answered) = (&toys, &answered);
            scope.spawn(move || {
                let expert = if at % 2 == 0 { "alpha" } else { "beta" };
                let question = Question { recall: false, ..Question::new(format!("{expert}: number {at}")) };
                let answer = toys.listen(question, &mut |_| {}).expect("everybody is answered");
                assert_eq!(answer.expert, expert);
                *answered.lock().expect("no panic") += 1;
            });
        }
    });
    assert_eq!(answered.into_inner().expect("no panic"), 8);
}

#[test]
fn the_news_tell_of_a_swap_from_leaving_to_taken() {
    let toys = Toys::with(&[("alpha", Toy::default()), ("beta", Toy::default())]);
    toys.ask("alpha: a").expect("an answer");
    let states = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&states);
    toys.engine.watch(Box::new(move |News::Seat { seat, budget_bytes }| {
        assert!(budget_bytes > 0);
        let state = match seat {
            Seat::Empty => "empty".to_owned(),
            Seat::Loading { expert, .. } => format!("{expert} loading"),
            Seat::Taken { expert, busy, .. } => format!("{expert} {}", if busy { "busy" } else { "idle" }),
            Seat::Leaving { expert, .. } => format!("{expert} leaving"),
            Seat::Failed { expert, .. } => format!("{expert} failed"),
        };
        heard.lock().expect("no panic").push(state);
    }));
    toys.ask("beta: b").expect("an answer");
    toys.engine.unseat().expect("it leaves");
    let mut states = states.lock().expect("no panic").clone();
    states.dedup();
    assert_eq!(
        states,
        ["alpha idle", "alpha leaving", "beta loading", "beta busy", "beta idle", "beta leaving", "empty"]
    );
}

#[cfg(target_os = "linux")]
#[test]
fn an_expert_that_dies_while_idle_is_started_anew() {
    let toys = Toys::with(&[("alpha", Toy::default())]);
    toys.ask("alpha: a").expect("an answer");
    // Asked at once: a busy system takes its time to end a process, which looks alive until then.
    for _ in 0..5 {
        let Seat::Taken { pid, .. } = toys.engine.seat().0 else { panic!("alpha sits there") };
        toys::kill(pid);
        let answer = toys.ask("alpha: b").expect("nobody notices but the trace");
        assert!(!answer.trace.seat.was_seated);
    }
}

#[test]
fn a_model_file_that_is_damaged_later_fails_clearly_and_empties_nothing_else() {
    let toys = Toys::with(&[("alpha", Toy::default()), ("beta", Toy::default())]);
    toys.ask("beta: a").expect("an answer");
    let file = toys.model("alpha");
    let length = std::fs::metadata(&file).expect("the toy is there").len();
    // Its size stays, so that the pool has no reason to doubt it; its header is gone.
    std::fs::write(&file, vec![0u8; length as usize]).expect("the folder takes it");
    let failure = toys.ask("alpha: a").expect_err("zeros are no model");
    assert!(failure.message.contains("alpha"), "the file is named: {}", failure.message);
    assert!(toys.ask("beta: b").expect("beta is still there").trace.seat.was_seated);
}
