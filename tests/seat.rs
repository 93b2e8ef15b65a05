//! Seat: one expert in memory at a time, in a process of its own, as the system itself sees it.

#[allow(dead_code)]
#[path = "support/toy.rs"]
mod toy;
#[allow(dead_code)]
#[path = "support/toys.rs"]
mod toys;

use engine::Engine;
use engine::events::{News, Seat};
use engine::home::Home;
use engine::words::{Answer, Failure, Kept, Question};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use toy::Toy;
use toys::Toys;

/// Large enough that its weights, about 24 MB, stand out from the program's own memory.
const LARGE: Toy = Toy { says: &["large"], for_ever: false, layers: 6, feed_forward: 3072, context: 256 };
const WEIGHTS: u64 = 6 * 3 * 3072 * 320 * 4;

/// Asks this expert, and nobody else if it cannot.
fn by_hand(toys: &Toys, expert: &str) -> Result<Answer, Failure> {
    let question = Question { expert: Some(expert.into()), ..Question::new(format!("{expert}: a")) };
    toys.listen(question, &mut |_| {})
}

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
    toys.engine.watch(Box::new(move |news| {
        if let News::Seat { seat, .. } = news {
            heard.lock().expect("no panic").push(seat);
        }
    }));
    let failure = by_hand(&toys, "alpha")
        .expect_err("its 24 MB of weights and what it takes to run them do not fit 30 MB");
    assert_eq!(failure.code, "expert_too_large");
    assert!(failure.message.contains("30.0 MB"), "both numbers are told: {}", failure.message);
    assert!(failure.fix.contains("beta"), "and who would fit: {}", failure.fix);
    assert_eq!(*seats.lock().expect("no panic"), [Seat::Empty], "nothing was loaded for it");

    toys.engine.set_budget(Some(2_000_000_000));
    by_hand(&toys, "alpha").expect("a larger budget lets it in");
}

#[test]
fn a_refusal_leaves_the_seated_expert_in_peace() {
    let small = Toy { says: &["small"], context: 256, ..Toy::default() };
    let toys = Toys::with_budget(&[("alpha", LARGE), ("beta", small)], Some(30_000_000));
    toys.ask("beta: a").expect("it fits");
    by_hand(&toys, "alpha").expect_err("this one does not");
    assert!(toys.ask("beta: b").expect("it is still there").trace.seat.was_seated);
}

#[test]
fn all_who_wait_are_answered() {
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

#[cfg(target_os = "linux")]
#[test]
fn while_the_seat_is_lent_nobody_is_loaded_and_questions_wait() {
    let toys = Toys::with(&[("alpha", LARGE)]);
    toys.ask("alpha: a").expect("an answer");
    let never = AtomicBool::new(false);
    let loan = toys.engine.lend("work", &never).expect("nobody answers");
    assert!(toys::hosts_under(toys.folder.path()).is_empty(), "the memory is free");
    assert_eq!(toys.engine.seat().0, Seat::Lent { what: "work".into() });
    std::thread::scope(|scope| {
        let toys = &toys;
        let (told, hears) = std::sync::mpsc::channel();
        let asked = scope.spawn(move || {
            let question = Question { recall: false, ..Question::new("alpha: b") };
            toys.listen(question, &mut |event| {
                if let engine::events::AnswerEvent::Seating(Seat::Lent { what }) = event {
                    let _ = told.send(what.clone());
                }
            })
        });
        assert_eq!(hears.recv().expect("it hears why it waits"), "work");
        assert!(toys::hosts_under(toys.folder.path()).is_empty() && !asked.is_finished());
        drop(loan);
        assert!(!asked.join().expect("no panic").expect("it is answered then").trace.seat.was_seated);
    });
    // Who has stopped waiting gets no loan, and holds nobody up.
    let stopped = AtomicBool::new(true);
    toys.ask("alpha: c").expect("an answer");
    let _ = toys.engine.lend("work", &stopped);
    toys.ask("alpha: d").expect("nothing is lent any more");
}

#[test]
fn the_news_tell_of_a_swap_from_leaving_to_taken() {
    let toys = Toys::with(&[("alpha", Toy::default()), ("beta", Toy::default())]);
    toys.ask("alpha: a").expect("an answer");
    let states = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&states);
    toys.engine.watch(Box::new(move |news| {
        let News::Seat { seat, budget_bytes } = news else { return };
        assert!(budget_bytes > 0);
        let state = match seat {
            Seat::Empty => "empty".to_owned(),
            Seat::Loading { expert, .. } => format!("{expert} loading"),
            Seat::Taken { expert, busy, .. } => format!("{expert} {}", if busy { "busy" } else { "idle" }),
            Seat::Leaving { expert, .. } => format!("{expert} leaving"),
            Seat::Lent { what } => what,
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
    let failure = by_hand(&toys, "alpha").expect_err("zeros are no model");
    assert!(failure.message.contains("alpha"), "the file is named: {}", failure.message);
    assert!(toys.ask("beta: b").expect("beta is still there").trace.seat.was_seated);
}

/// Two experts that read conversations, over files whose answers hang on every word that they read.
struct Talkers {
    engine: Engine,
    folder: tempfile::TempDir,
}

impl Talkers {
    fn new() -> Talkers {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let talkers = Talkers { engine: Talkers::open(folder.path()), folder };
        let starters = Path::new(env!("CARGO_MANIFEST_DIR")).join("../starters");
        for (name, file) in [("alpha", "arithmetic.gguf"), ("beta", "words.gguf")] {
            let domain = [name.to_owned()];
            talkers.engine.pool().add(&starters.join(file), name, &domain).expect("starters are there");
        }
        talkers
    }

    fn open(folder: &Path) -> Engine {
        let home = Home::at(folder.join("home"));
        Engine::open(home, toys::options(&["alpha", "beta"], None)).expect("an engine over this home")
    }

    fn ask(&self, expert: &str, text: &str, conversation: Option<&str>) -> Answer {
        let question = Question {
            expert: Some(expert.into()),
            conversation: conversation.map(str::to_owned),
            seed: Some(1),
            max_tokens: Some(24),
            recall: false,
            ..Question::new(text)
        };
        self.engine.ask(question, Arc::new(AtomicBool::new(false)), &mut |_| {}).expect("an answer")
    }

    /// Two questions of one conversation to alpha, with something between them.
    fn converse(mut self, between: impl FnOnce(&mut Talkers)) -> (Answer, Answer, Talkers) {
        let first = self.ask("alpha", "What is 17 * 23?", None);
        between(&mut self);
        let second = self.ask("alpha", "And 38 more?", Some(&first.conversation));
        (first, second, self)
    }

    fn states(&self) -> Vec<PathBuf> {
        let list = |folder: &Path| std::fs::read_dir(folder).into_iter().flatten().flatten();
        let folders = list(&self.folder.path().join("home/states"));
        folders.flat_map(|folder| list(&folder.path()).map(|file| file.path()).collect::<Vec<_>>()).collect()
    }
}

#[test]
fn a_conversation_that_comes_back_is_not_read_again_and_goes_on_as_if_it_had_never_left() {
    let (first, stayed, talkers) = Talkers::new().converse(|_| {});
    let expected = &stayed.trace.generate;
    assert_eq!(expected.cached_in, Some(Kept::Seat));
    assert!(expected.cached_tokens >= first.trace.generate.prompt_tokens, "{expected:?}");
    assert_eq!(expected.cached_tokens + expected.read_tokens, expected.prompt_tokens);
    assert!(talkers.states().is_empty(), "who stays needs no state");

    type Between = fn(&mut Talkers);
    let ways: [(&str, Between); 3] = [
        ("another expert came", |talkers| drop(talkers.ask("beta", "Sort: pear, fig", None))),
        ("another conversation came", |talkers| drop(talkers.ask("alpha", "What is 2 + 2?", None))),
        ("Lectern was closed", |talkers| {
            // An engine elsewhere in its place: this home's ends before it is opened again.
            let other = tempfile::tempdir().expect("a temporary folder");
            talkers.engine = Talkers::open(other.path());
            talkers.engine = Talkers::open(talkers.folder.path());
        }),
    ];
    for (what, between) in ways {
        let (_, second, talkers) = Talkers::new().converse(between);
        let found = &second.trace.generate;
        assert_eq!(second.answer, stayed.answer, "{what}");
        assert_eq!(
            found.confidence, expected.confidence,
            "{what}: the same numbers, not only the same words"
        );
        assert_eq!(found.cached_in, Some(Kept::State), "{what}");
        assert_eq!(
            (found.cached_tokens, found.read_tokens),
            (expected.cached_tokens, expected.read_tokens),
            "{what}"
        );
        assert!(!talkers.states().is_empty(), "{what}");
        let third = talkers.ask("alpha", "And 1 more?", Some(&second.conversation));
        assert_eq!(third.trace.generate.cached_in, Some(Kept::Seat), "{what}: now it is there");
    }
}

#[test]
fn a_damaged_state_costs_reading_again_and_no_answer() {
    let (_, stayed, _) = Talkers::new().converse(|_| {});
    type Damage = fn(&mut Vec<u8>);
    let ways: [Damage; 4] = [
        |bytes| {
            let middle = bytes.len() / 2;
            bytes[middle] ^= 1;
        },
        |bytes| bytes.truncate(1000),
        Vec::clear,
        // Of another build: the first sixteen bytes say which.
        |bytes| bytes[14] += 1,
    ];
    for damage in ways {
        let (_, second, talkers) = Talkers::new().converse(|talkers| {
            talkers.ask("beta", "Sort: pear, fig", None);
            let states = talkers.states();
            assert_eq!(states.len(), 1);
            let mut bytes = std::fs::read(&states[0]).expect("it is there");
            damage(&mut bytes);
            std::fs::write(&states[0], bytes).expect("it is written");
        });
        assert_eq!((&second.answer, second.trace.generate.cached_in), (&stayed.answer, None));
        assert_eq!(second.trace.generate.read_tokens, second.trace.generate.prompt_tokens);
        // Beta's is there; alpha's was deleted.
        assert_eq!(talkers.states().len(), 1);
    }
}

#[test]
fn what_is_forgotten_is_in_no_state_and_comes_into_none() {
    let (first, _, talkers) = Talkers::new().converse(|talkers| {
        talkers.ask("beta", "Sort: pear, fig", None);
    });
    assert!(!talkers.states().is_empty());
    // Alpha has it in its process, too, and leaves only now.
    talkers.engine.archive().delete_conversation(&first.conversation).expect("it is there");
    assert!(talkers.states().is_empty());
    talkers.engine.unseat().expect("it leaves");
    assert!(talkers.states().is_empty(), "what was read before is not written after");

    let again = talkers.ask("alpha", "What is 2 + 2?", None);
    talkers.engine.unseat().expect("it leaves");
    assert_eq!(talkers.states().len(), 1, "the next conversation is kept again");
    talkers.engine.archive().forget(&again.id).expect("it is there");
    assert!(talkers.states().is_empty());
    talkers.ask("alpha", "What is 3 + 3?", None);
    talkers.engine.unseat().expect("it leaves");
    talkers.engine.archive().forget_all().expect("everything");
    assert!(talkers.states().is_empty());
}

#[test]
fn what_outgrows_the_context_is_said() {
    let talker = Toy { says: &["on", "and"], for_ever: true, context: 64, ..Toy::default() };
    let toys = Toys::with(&[("alpha", talker)]);
    let ask = |max_tokens| {
        let question = Question { max_tokens: Some(max_tokens), ..Question::new("alpha: a") };
        toys.listen(question, &mut |_| {}).expect("an answer").trace.generate
    };
    let short = ask(20);
    assert_eq!((short.tokens, short.shifted), (20, 0));
    let long = ask(200);
    assert_eq!(long.tokens, 200, "it goes on");
    // Prompt and answer less what was dropped fit; what was dropped is no more than that takes, by half a context.
    let left = long.prompt_tokens + long.tokens - long.shifted;
    assert!((32..=64).contains(&left), "{left} of {long:?}");
}
