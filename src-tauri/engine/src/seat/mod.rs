//! Seat: the one place in memory, and who stands there.
//!
//! In:     the expert that is to answer
//! Out:    a turn at the lectern: the expert's process, loaded, until the turn is dropped; some questions for the same
//!         expert have theirs at the same time, and what they need is computed together
//! Fails:  QueueFull, Busy and Resting at once; TooLarge and NoMemory before anything is loaded; Unsupported; Host when
//!         the process fails; WaitedTooLong, TooSlow; Stopped
//! Cost:   nothing when the expert is there; else the leave of the last one and a load
//!
//! One thread ([`owner`]) owns the expert's process; everybody else sends it words and reads the [`board`]. An expert is
//! loaded only after the last one's process has exited and its memory was measured free; what it had read of a
//! conversation is saved before, and comes back with the conversation. Who goes next is the [`queue`]'s to say; whom
//! nobody is sent to for a while, the [`breaker`]'s. Each can be stopped while it waits, and nothing else waits with it.

mod attend;
mod board;
mod breaker;
mod governor;
mod occupant;
mod outside;
mod owner;
mod prefetch;
mod queue;
mod turn;

pub use governor::{default_budget, memory_needed};
pub use prefetch::Prefetch;
pub use runtime::host::device_program;
pub use turn::Turn;

use crate::events::{News, Seat, Traffic};
use crate::settings::QueueSettings;
use crate::states::States;
use crate::words::{Failure, Seated};
use board::Board;
use owner::{Cleared, Owner, Reply, Sit, Word};
use runtime::host::HostError;
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How often somebody who waits looks whether he was told to stop: well inside the 200 ms that a stop may take.
const LOOK: Duration = Duration::from_millis(20);

/// Whom the seat is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Guest {
    pub name: String,
    pub title: String,
    pub file: PathBuf,
    /// Experts of its mixtures that it goes without: (layers, experts); empty: none.
    pub mask: Vec<Vec<bool>>,
}

#[derive(Debug, thiserror::Error)]
pub enum SeatError {
    /// News, not an error: the user stopped waiting.
    #[error("stopped by the user")]
    Stopped,
    #[error("{title} needs {} of memory, and the budget is {}", gigabytes(*needed), gigabytes(*budget))]
    TooLarge { title: String, needed: u64, budget: u64 },
    #[error("{title} needs {} of memory, and {} is free on this machine now", gigabytes(*needed), gigabytes(*free))]
    NoMemory { title: String, needed: u64, free: u64 },
    #[error("{title} cannot be run: {why}")]
    Unsupported { title: String, why: String },
    #[error("{title}: {source}")]
    Host { title: String, source: HostError },
    #[error("{depth} questions wait already")]
    QueueFull { depth: u32 },
    #[error("{limit} questions wait for {title} already or are with it")]
    Busy { title: String, limit: u32 },
    #[error("the question waited {seconds} s for {title} and did not have its turn")]
    WaitedTooLong { title: String, seconds: u32 },
    #[error("{title} was not done after {seconds} s and was stopped")]
    TooSlow { title: String, seconds: u32 },
    #[error("{title} failed {} times in {} s and is not asked for {seconds} s", breaker::FAILURES, breaker::WINDOW.as_secs())]
    Resting { title: String, seconds: u64 },
    #[error("the thread that owns the seat is gone")]
    Closed,
}

impl SeatError {
    /// It is about this expert: another one may answer.
    pub fn is_the_experts(&self) -> bool {
        match self {
            SeatError::Host { source, .. } => !source.expert_survives(),
            SeatError::TooLarge { .. }
            | SeatError::NoMemory { .. }
            | SeatError::Unsupported { .. }
            | SeatError::Busy { .. }
            | SeatError::TooSlow { .. }
            | SeatError::Resting { .. } => true,
            SeatError::Stopped
            | SeatError::QueueFull { .. }
            | SeatError::WaitedTooLong { .. }
            | SeatError::Closed => false,
        }
    }
}

impl From<SeatError> for Failure {
    fn from(error: SeatError) -> Self {
        Failure::from(&error)
    }
}

impl From<&SeatError> for Failure {
    fn from(error: &SeatError) -> Self {
        let (code, fix) = match error {
            SeatError::Stopped => ("stopped", "Ask again when you like."),
            SeatError::TooLarge { .. } => {
                ("expert_too_large", "Raise the memory budget in Settings, or choose a smaller expert.")
            }
            SeatError::NoMemory { .. } => ("no_memory", "Close other programs, or choose a smaller expert."),
            SeatError::Unsupported { .. } => ("expert_unsupported", "Choose another expert."),
            SeatError::Host { title, source } => return host_failure(title, source),
            SeatError::QueueFull { .. } => (
                "queue_full",
                "Ask again when some are answered, or let more wait (`queue.depth` in the settings).",
            ),
            SeatError::Busy { .. } => (
                "expert_busy",
                "Ask again when some are answered, or let more wait (`queue.per_expert` in the settings).",
            ),
            SeatError::WaitedTooLong { .. } => (
                "queue_timeout",
                "Ask again when less is asked, or let it wait longer (`queue.waiting_s` in the settings).",
            ),
            SeatError::TooSlow { .. } => (
                "answer_timeout",
                "Ask for fewer tokens or a smaller expert, or give it longer (`queue.answering_s` in the settings).",
            ),
            SeatError::Resting { .. } => (
                "expert_resting",
                "Ask again then, or choose another expert; if it goes on, fetch its file again.",
            ),
            SeatError::Closed => ("seat_closed", "Start Lectern again, and please report this: it is a bug."),
        };
        Failure { code: code.into(), message: error.to_string(), fix: fix.into(), detail: None }
    }
}

/// What the window gets of an expert's process that failed.
fn host_failure(title: &str, error: &HostError) -> Failure {
    let (code, fix) = match error {
        HostError::Crashed { .. } => (
            "expert_crashed",
            "Ask again: the expert is started anew. If it fails each time, choose another one.",
        ),
        other => (other.code(), other.fix()),
    };
    let detail = error.detail().map(str::to_owned);
    Failure { code: code.into(), message: format!("{title}: {error}"), fix: fix.into(), detail }
}

/// The lectern: sends words to the thread that owns the seat. Dropping it ends the expert's process and waits for that.
pub struct Lectern {
    words: Sender<Word>,
    board: Arc<Board>,
    thread: Option<JoinHandle<()>>,
}

impl Lectern {
    /// An empty lectern. `executable` hosts experts; `budget_bytes` is what one of them may take; what they have read
    /// goes to `states` when they leave.
    pub fn open(
        executable: PathBuf,
        budget_bytes: u64,
        processor_only: bool,
        threads: Option<usize>,
        states: States,
        rules: QueueSettings,
    ) -> std::io::Result<Self> {
        let (words, inbox) = channel();
        let board = Arc::new(Board::new(budget_bytes, processor_only, rules));
        let owner = Owner::new((words.clone(), inbox), Arc::clone(&board), executable, threads, states);
        let thread = std::thread::Builder::new().name("seat".into()).spawn(move || owner.run())?;
        Ok(Lectern { words, board, thread: Some(thread) })
    }

    /// Waits for the seat and for the expert to be in it. `on` hears how the seat changes hands meanwhile. A person's
    /// question (`urgent`) goes before those of a batch.
    /// Returns `Stopped` within a few milliseconds when `stop` is set; a load that has begun is stopped with it.
    pub fn take(
        &self,
        guest: Guest,
        urgent: bool,
        stop: &Arc<AtomicBool>,
        on: &mut dyn FnMut(Seat),
    ) -> Result<Turn, SeatError> {
        let begun = Instant::now();
        let Guest { name, title, .. } = guest.clone();
        if let Some(left) = self.board.rests(&name) {
            return Err(SeatError::Resting { title, seconds: left.as_secs() + 1 });
        }
        let waiting = board::Waiting::begin(&self.board, &name, &title)?;
        let patience = self.board.rules().waiting();
        let (replies, answers) = channel();
        let asker = Asker::waits();
        let sit = Sit {
            guest,
            urgent,
            arrived: begun,
            asker: Arc::clone(&asker.0),
            stop: Arc::clone(stop),
            replies,
        };
        self.words.send(Word::Sit(sit)).map_err(|_| SeatError::Closed)?;
        self.board.wanted(&name);
        if let busy @ (Seat::Taken { busy: true, .. } | Seat::Lent { .. }) = self.board.seat() {
            on(busy);
        }
        let mut is_next = false;
        loop {
            match answers.recv_timeout(LOOK) {
                Ok(Reply::Changing(seat)) => {
                    is_next = true;
                    on(seat);
                }
                Ok(Reply::Seated { seated, context_length, desk }) => {
                    let elapsed_ms = begun.elapsed().as_secs_f32() * 1000.0;
                    let seated = Seated { elapsed_ms, ..seated };
                    let limit = self.board.rules().answering_s;
                    return Ok(Turn::new(seated, title, context_length, limit, desk, waiting));
                }
                Ok(Reply::Failed(error)) => return Err(error),
                Err(RecvTimeoutError::Timeout) => {}
                // The owner passes over those who were stopped while they waited.
                Err(RecvTimeoutError::Disconnected) if !stop.load(Ordering::Relaxed) => {
                    return Err(SeatError::Closed);
                }
                Err(RecvTimeoutError::Disconnected) => return Err(SeatError::Stopped),
            }
            if stop.load(Ordering::Relaxed) {
                return Err(SeatError::Stopped);
            }
            if !is_next && begun.elapsed() > patience {
                return Err(SeatError::WaitedTooLong { title, seconds: patience.as_secs() as u32 });
            }
        }
    }

    /// The expert is loaded when nobody is there and nobody waits; whoever comes meanwhile for another one does not wait
    /// for it.
    pub fn warm(&self, guest: Guest) {
        // A seat whose thread is gone is noticed by the next question.
        let _ = self.words.send(Word::Warm { guest });
    }

    /// The expert leaves when the questions that came before this word are answered. Bytes that came back, measured.
    pub fn leave(&self) -> Result<u64, SeatError> {
        let (done, answer) = channel();
        self.words.send(Word::Leave { done }).map_err(|_| SeatError::Closed)?;
        answer.recv().map_err(|_| SeatError::Closed)
    }

    /// The seat is empty, its memory free, and questions wait until the loan is dropped. `what` is done meanwhile, in
    /// words. Waits for the questions that came before.
    pub fn lend(&self, what: &str, stop: &AtomicBool) -> Result<Loan, SeatError> {
        self.borrow(what, &|| stop.load(Ordering::Relaxed).then_some(SeatError::Stopped))
            .map(|(loan, _)| loan)
    }

    /// The same, with who left for it; until `over` says why not.
    fn borrow(&self, what: &str, over: &dyn Fn() -> Option<SeatError>) -> Result<(Loan, Cleared), SeatError> {
        let ((granted, answer), (loan, back)) = (channel(), channel());
        let what = what.to_owned();
        self.words.send(Word::Lend { what, granted, back }).map_err(|_| SeatError::Closed)?;
        loop {
            match answer.recv_timeout(LOOK) {
                Ok(cleared) => return Ok((Loan { _back: loan }, cleared)),
                Err(RecvTimeoutError::Disconnected) => return Err(SeatError::Closed),
                Err(RecvTimeoutError::Timeout) => {}
            }
            if let Some(why) = over() {
                return Err(why);
            }
        }
    }

    /// Who stands there now.
    pub fn seat(&self) -> Seat {
        self.board.seat()
    }

    pub fn budget_bytes(&self) -> u64 {
        self.board.budget_bytes()
    }

    /// Counts from the next load on; who is seated stays.
    pub fn set_budget(&self, bytes: u64) {
        self.board.set_budget(bytes);
    }

    /// Graphics processors are left alone, from the next load on.
    pub fn set_processor_only(&self, processor_only: bool) {
        self.board.set_processor_only(processor_only);
    }

    /// Measured time of each expert's last load here.
    pub fn load_ms(&self) -> HashMap<String, f32> {
        self.board.load_ms()
    }

    /// Questions that wait for an expert or are with it.
    pub fn waiting(&self) -> HashMap<String, u32> {
        self.board.waiting()
    }

    /// What the queue came to.
    pub fn traffic(&self) -> Traffic {
        self.board.traffic()
    }

    pub fn rules(&self) -> QueueSettings {
        self.board.rules()
    }

    /// Other rules for those who come from now on.
    pub fn set_rules(&self, rules: QueueSettings) {
        self.board.set_rules(rules);
    }

    /// Hears the seat as it is now and each time it changes.
    pub fn watch(&self, watcher: Box<dyn Fn(News) + Send>) {
        self.board.watch(watcher);
    }
}

/// Somebody who waits: until this is dropped, the owner may call him.
struct Asker(Arc<AtomicBool>);

impl Asker {
    fn waits() -> Asker {
        Asker(Arc::new(AtomicBool::new(true)))
    }
}

impl Drop for Asker {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

/// The seat is lent as long as this is there.
pub struct Loan {
    _back: Sender<()>,
}

impl Drop for Lectern {
    fn drop(&mut self) {
        let _ = self.words.send(Word::Close);
        if let Some(thread) = self.thread.take() {
            // It panicked if this fails, and then its end has ended the expert's process, too.
            let _ = thread.join();
        }
    }
}

/// Bytes as people read them.
fn gigabytes(bytes: u64) -> String {
    if bytes >= 1_000_000_000 {
        format!("{:.1} GB", bytes as f64 / 1e9)
    } else {
        format!("{:.1} MB", bytes as f64 / 1e6)
    }
}
