//! The thread that owns the seat. It alone holds the expert's process; it calls those who wait as the queue has it and
//! writes each change on the board.

use super::board::Board;
use super::breaker::Breakers;
use super::queue::{Next, Queue};
use super::turn::{Asked, Says, Work};
use super::{Guest, SeatError, governor, host_failure};
use crate::events::Seat;
use crate::states::{Place, States};
use crate::words::{Failure, Placement, Seated};
use runtime::host::{Finish, Host, HostError, Purpose, Spawn};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

/// An idle expert's memory is measured this often, so that the meter is true and a dead process is noticed.
const HEARTBEAT: Duration = Duration::from_secs(2);
/// Progress of a load is shown this often at most: more than a window draws is noise.
const PROGRESS: Duration = Duration::from_millis(30);

/// What others say to the owner.
pub(super) enum Word {
    Sit(Sit),
    /// Load it, if nobody wants anything else.
    Warm {
        guest: Guest,
    },
    /// The reply: bytes that came back.
    Leave {
        done: Sender<u64>,
    },
    /// The seat stays empty until nobody can say `back` any more.
    Lend {
        what: String,
        granted: Sender<Cleared>,
        back: Receiver<()>,
    },
    Close,
}

pub(super) struct Sit {
    pub guest: Guest,
    pub urgent: bool,
    pub arrived: Instant,
    /// The asker waits still.
    pub asker: Arc<AtomicBool>,
    pub stop: Arc<AtomicBool>,
    pub replies: Sender<Reply>,
}

impl Sit {
    fn still_waits(&self) -> bool {
        self.asker.load(Ordering::Relaxed) && !self.stop.load(Ordering::Relaxed)
    }
}

pub(super) enum Reply {
    Changing(Seat),
    Seated { seated: Seated, context_length: u32, work: Sender<Work> },
    Failed(SeatError),
}

pub(super) struct Owner {
    inbox: Receiver<Word>,
    board: Arc<Board>,
    executable: PathBuf,
    threads: Option<usize>,
    states: States,
    occupant: Option<Occupant>,
    queue: Queue<Sit>,
    breakers: Breakers,
    /// Those who wait for the seat to be empty, with the number of questions that came before.
    leaves: Vec<(u64, Sender<u64>)>,
    loans: Vec<Loan>,
    warm: Option<Guest>,
    /// Since when nobody wants anything.
    idle_since: Instant,
    is_closed: bool,
}

struct Occupant {
    guest: Guest,
    host: Host,
    /// Of its last answer.
    tokens_per_s: Option<f32>,
    reading: Option<Reading>,
}

/// The conversation that an expert has read.
struct Reading {
    place: Place,
    tokens: u32,
}

impl Occupant {
    fn seat(&self, busy: bool) -> Seat {
        Seat::Taken {
            expert: self.guest.name.clone(),
            title: self.guest.title.clone(),
            memory_bytes: self.host.memory(),
            pid: self.host.pid(),
            busy,
            tokens_per_s: self.tokens_per_s,
        }
    }

    /// Has the expert go on with a conversation: what it has read of another one is saved, what it had read of this one
    /// comes back. True when it did.
    fn turn_to(&mut self, conversation: Option<&str>, states: &States) -> bool {
        let place = conversation.and_then(|conversation| states.place(&self.guest.file, conversation));
        if place.is_some() && self.reading.as_ref().map(|reading| &reading.place) == place.as_ref() {
            return false;
        }
        self.save(states);
        let Some(place) = place else { return false };
        let came_back = match states.find(&place).map(|path| self.host.restore_state(path)) {
            Some(Ok(tokens)) => tokens > 0,
            Some(Err(_)) => {
                states.drop_at(&place);
                false
            }
            None => false,
        };
        self.reading = Some(Reading { place, tokens: 0 });
        came_back
    }

    /// Saves what the expert has read. What cannot be saved is read again another time.
    fn save(&mut self, states: &States) {
        let Some(reading) = self.reading.take() else { return };
        let bytes = u64::from(reading.tokens) * self.host.facts().cache_bytes_per_token;
        if bytes > 0 && self.host.is_idle() {
            states.keep(&reading.place, bytes, |path| self.host.save_state(path).map(drop));
        }
    }
}

fn placement(host: &Host) -> Placement {
    let runtime::host::Placement { device, layers, on_device, why } = host.facts().placement.clone();
    Placement { device, layers, on_device, why }
}

/// What the last expert's leaving gave.
#[derive(Default)]
pub(super) struct Cleared {
    pub who: Option<String>,
    pub freed_bytes: u64,
    pub leave_ms: f32,
}

/// Somebody who wants the seat to be empty.
struct Loan {
    /// Questions that had come before.
    arrived: u64,
    what: String,
    granted: Sender<Cleared>,
    back: Receiver<()>,
}

impl Owner {
    pub(super) fn new(
        inbox: Receiver<Word>,
        board: Arc<Board>,
        executable: PathBuf,
        threads: Option<usize>,
        states: States,
    ) -> Self {
        Owner {
            inbox,
            board,
            executable,
            threads,
            states,
            occupant: None,
            queue: Queue::new(),
            breakers: Breakers::default(),
            leaves: Vec::new(),
            loans: Vec::new(),
            warm: None,
            idle_since: Instant::now(),
            is_closed: false,
        }
    }

    pub(super) fn run(mut self) {
        while !self.is_closed {
            while let Ok(word) = self.inbox.try_recv() {
                self.hear(word);
            }
            self.queue.keep(Sit::still_waits);
            self.let_leave();
            self.lend();
            let seated = self.occupant.as_ref().map(|here| here.guest.name.as_str());
            let window = self.board.rules().gathering();
            match self.queue.next(seated, Instant::now(), window) {
                Next::Serve(place) => {
                    self.serve(&place.what);
                    self.idle_since = Instant::now();
                    self.queue.free(self.idle_since);
                    let (by_arrival, made) = self.queue.loads();
                    self.board.count(|traffic| {
                        // A process that lasts 10^18 loads is not expected.
                        traffic.loads_saved = by_arrival as i64 - made as i64;
                    });
                }
                Next::Gather(left) => self.wait(left),
                Next::Nobody => match self.warm.take() {
                    Some(guest) => self.warm(guest),
                    None => self.rest(),
                },
            }
        }
        self.clear(&mut |_| {});
        self.board.show(Seat::Empty);
    }

    fn hear(&mut self, word: Word) {
        match word {
            Word::Sit(sit) => {
                self.warm = None;
                let (expert, urgent, arrived) = (sit.guest.name.clone(), sit.urgent, sit.arrived);
                self.queue.push(expert, urgent, arrived, sit);
            }
            Word::Warm { guest } => self.warm = Some(guest),
            Word::Leave { done } => self.leaves.push((self.queue.arrived(), done)),
            Word::Lend { what, granted, back } => {
                self.loans.push(Loan { arrived: self.queue.arrived(), what, granted, back });
            }
            Word::Close => self.is_closed = true,
        }
    }

    fn wait(&mut self, at_most: Duration) {
        match self.inbox.recv_timeout(at_most) {
            Ok(word) => self.hear(word),
            Err(RecvTimeoutError::Disconnected) => self.is_closed = true,
            Err(RecvTimeoutError::Timeout) => {}
        }
    }

    /// Nobody wants anything: the expert is looked at, and leaves when that has lasted long enough.
    fn rest(&mut self) {
        let limit = Duration::from_secs(self.board.rules().idle_s.into());
        let left = match (limit.is_zero(), &self.occupant) {
            (false, Some(_)) => limit.saturating_sub(self.idle_since.elapsed()),
            _ => HEARTBEAT,
        };
        if left.is_zero() {
            self.clear(&mut |_| {});
            self.board.show(Seat::Empty);
            return;
        }
        let begun = Instant::now();
        let at_most = left.min(HEARTBEAT);
        self.wait(at_most);
        if begun.elapsed() >= at_most {
            self.look();
        }
    }

    /// Empties the seat for those who asked for it, when the questions that came before them are done.
    fn let_leave(&mut self) {
        let queue = &self.queue;
        if !self.leaves.iter().any(|(arrived, _)| !queue.waits_before(*arrived)) {
            return;
        }
        let freed_bytes = self.clear(&mut |_| {}).freed_bytes;
        self.board.show(Seat::Empty);
        let queue = &self.queue;
        self.leaves.retain(|(arrived, done)| {
            let waits = queue.waits_before(*arrived);
            if !waits {
                let _ = done.send(freed_bytes);
            }
            waits
        });
    }

    /// Lends the seat to those who asked for it, one after the other, when the questions that came before them are done.
    /// Who comes meanwhile waits.
    fn lend(&mut self) {
        while let Some(at) = self.loans.iter().position(|loan| !self.queue.waits_before(loan.arrived)) {
            let Loan { what, granted, back, .. } = self.loans.remove(at);
            let cleared = self.clear(&mut |_| {});
            self.board.show(Seat::Lent { what });
            if granted.send(cleared).is_ok() {
                let _ = back.recv();
            }
            self.board.show(Seat::Empty);
        }
    }

    /// Loads an expert before anybody asks it. What goes wrong is said when somebody does.
    fn warm(&mut self, guest: Guest) {
        if self.occupant.is_some() {
            return;
        }
        let stop = Arc::new(AtomicBool::new(false));
        let (replies, _nobody) = channel();
        let sit = Sit {
            guest,
            urgent: false,
            arrived: Instant::now(),
            asker: Arc::new(AtomicBool::new(true)),
            stop: Arc::clone(&stop),
            replies,
        };
        self.board.set_warming(Some((sit.guest.name.clone(), stop)));
        // Who came before this was written is in the inbox; who comes after it stops the load.
        while let Ok(word) = self.inbox.try_recv() {
            self.hear(word);
        }
        let seated = if self.queue.is_empty() { self.seat(&sit).map(drop) } else { Ok(()) };
        self.board.set_warming(None);
        if seated.is_err() {
            self.board.show(Seat::Empty);
        }
        self.show(false);
        self.idle_since = Instant::now();
    }

    /// One question's turn, from seating its expert to its end.
    fn serve(&mut self, sit: &Sit) {
        let expert = &sit.guest.name;
        if let Some(left) = self.breakers.rests(expert, Instant::now()) {
            let (title, seconds) = (sit.guest.title.clone(), left.as_secs() + 1);
            let _ = sit.replies.send(Reply::Failed(SeatError::Resting { title, seconds }));
            return;
        }
        match self.seat(sit) {
            Ok((seated, context_length)) => {
                let waited_ms = sit.arrived.elapsed().as_secs_f64() * 1000.0;
                self.board.count(|traffic| {
                    traffic.turns += 1;
                    traffic.waited_ms += waited_ms;
                });
                let (work, asked) = channel();
                if sit.replies.send(Reply::Seated { seated, context_length, work }).is_ok() {
                    self.attend(expert, &asked);
                }
                self.show(false);
            }
            Err(error) => {
                if matches!(&error, SeatError::Host { source, .. } if !source.expert_survives()) {
                    self.failed(expert);
                }
                let _ = sit.replies.send(Reply::Failed(error));
            }
        }
    }

    fn failed(&mut self, expert: &str) {
        self.breakers.failed(expert, Instant::now());
        self.board.set_resting(self.breakers.resting());
    }

    fn succeeded(&mut self, expert: &str) {
        self.breakers.succeeded(expert);
        self.board.set_resting(self.breakers.resting());
    }

    /// Brings the guest to the seat. A refusal leaves whoever is there in peace.
    fn seat(&mut self, sit: &Sit) -> Result<(Seated, u32), SeatError> {
        let begun = Instant::now();
        self.look();
        let budget_bytes = self.board.budget_bytes();
        if let Some(here) = self.occupant.as_ref().filter(|here| here.guest == sit.guest) {
            let seated = Seated {
                expert: here.guest.name.clone(),
                was_seated: true,
                memory_bytes: here.host.memory(),
                budget_bytes,
                placement: placement(&here.host),
                elapsed_ms: begun.elapsed().as_secs_f32() * 1000.0,
                ..Seated::default()
            };
            return Ok((seated, here.host.facts().context_length));
        }
        let title = &sit.guest.title;
        let expected_bytes = governor::memory_needed(title, &sit.guest.file)?;
        let given_back = self.occupant.as_ref().map_or(0, |here| here.host.memory());
        governor::allow(title, expected_bytes, budget_bytes, given_back)?;

        let mut tell = |seat: Seat| {
            let _ = sit.replies.send(Reply::Changing(seat));
        };
        let cleared = self.clear(&mut tell);
        if sit.stop.load(Ordering::Relaxed) {
            self.board.show(Seat::Empty);
            return Err(SeatError::Stopped);
        }
        let loading = Instant::now();
        let host = match self.load(sit, expected_bytes, &mut tell) {
            Ok(host) => host,
            Err(_) if sit.stop.load(Ordering::Relaxed) => {
                self.board.show(Seat::Empty);
                return Err(SeatError::Stopped);
            }
            Err(source) => {
                let error = SeatError::Host { title: title.clone(), source };
                self.show_failure(&sit.guest.name, &error);
                return Err(error);
            }
        };
        let load_ms = loading.elapsed().as_secs_f32() * 1000.0;
        self.board.loaded(&sit.guest.name, load_ms);
        let context_length = host.facts().context_length;
        let seated = Seated {
            expert: sit.guest.name.clone(),
            was_seated: false,
            left: cleared.who,
            freed_bytes: cleared.freed_bytes,
            memory_bytes: host.memory(),
            budget_bytes,
            outside: None,
            placement: placement(&host),
            leave_ms: cleared.leave_ms,
            load_ms,
            elapsed_ms: begun.elapsed().as_secs_f32() * 1000.0,
        };
        self.occupant = Some(Occupant { guest: sit.guest.clone(), host, tokens_per_s: None, reading: None });
        Ok((seated, context_length))
    }

    fn load(&self, sit: &Sit, expected_bytes: u64, tell: &mut dyn FnMut(Seat)) -> Result<Host, HostError> {
        let guest = &sit.guest;
        let mut shown: Option<Instant> = None;
        let mut progress = |memory_bytes: u64| {
            if shown.is_some_and(|at| at.elapsed() < PROGRESS) {
                return;
            }
            shown = Some(Instant::now());
            let seat = Seat::Loading {
                expert: guest.name.clone(),
                title: guest.title.clone(),
                memory_bytes,
                expected_bytes,
            };
            self.board.show(seat.clone());
            tell(seat);
        };
        progress(0);
        let spawn = Spawn {
            executable: self.executable.clone(),
            model: guest.file.clone(),
            memory_limit: Some(self.board.budget_bytes()),
            threads: self.threads,
            purpose: Purpose::Generate,
            device: !self.board.processor_only(),
            output: None,
            mask: guest.mask.clone(),
        };
        let mut host = Host::start_unless(spawn, &sit.stop, &mut progress)?;
        host.set_patience(Duration::from_secs(self.board.rules().silence_s.into()));
        Ok(host)
    }

    /// The expert leaves: what it has read is saved, its process ends and its memory is measured free before this
    /// returns.
    fn clear(&mut self, tell: &mut dyn FnMut(Seat)) -> Cleared {
        let Some(mut leaving) = self.occupant.take() else { return Cleared::default() };
        let begun = Instant::now();
        let seat = Seat::Leaving {
            expert: leaving.guest.name.clone(),
            title: leaving.guest.title.clone(),
            memory_bytes: leaving.host.memory(),
        };
        self.board.show(seat.clone());
        tell(seat);
        leaving.save(&self.states);
        let left = leaving.host.leave();
        let leave_ms = begun.elapsed().as_secs_f32() * 1000.0;
        Cleared { who: Some(leaving.guest.name), freed_bytes: left.freed_bytes, leave_ms }
    }

    /// Does what the turn asks until it is dropped or the expert's process is gone.
    fn attend(&mut self, expert: &str, asked: &Asked) {
        self.show(true);
        while let Ok(work) = asked.recv() {
            let Some(here) = self.occupant.as_mut() else { return };
            match work {
                Work::Count { text, stop, reply } => {
                    let counted = here.host.count_tokens(&text, &stop);
                    if matches!(counted, Ok(None)) {
                        // It did not answer after a stop and was ended: nobody is there.
                        self.occupant = None;
                        self.board.show(Seat::Empty);
                    }
                    self.fall_if_ended(counted.as_ref().err());
                    let _ = reply.send(counted);
                }
                Work::Generate { request, conversation, stop, late, says } => {
                    let begun = Instant::now();
                    let came_back = here.turn_to(conversation.as_deref(), &self.states);
                    let turned_ms = begun.elapsed().as_secs_f32() * 1000.0;
                    let mut finished = here.host.generate(&request, &stop, &mut |piece| {
                        // A stopped asker no longer listens; the stop that it set ends this soon.
                        let _ = says.send(Says::Piece(piece.to_owned()));
                    });
                    if let Ok(finished) = &mut finished {
                        finished.first_token_ms += turned_ms;
                        if let Some(reading) = &mut here.reading {
                            reading.tokens = finished.prompt_tokens + finished.tokens;
                        }
                    }
                    match &finished {
                        // It did not stop in time and was ended: nobody is there.
                        Ok(finished) if finished.lost_expert => {
                            self.occupant = None;
                            self.board.show(Seat::Empty);
                        }
                        Ok(finished) if finished.tokens > 1 => {
                            here.tokens_per_s = Some(finished.tokens_per_s)
                        }
                        Ok(_) => {}
                        Err(error) => self.fall_if_ended(Some(error)),
                    }
                    match &finished {
                        _ if late.load(Ordering::Relaxed) => self.failed(expert),
                        Ok(finished) if finished.finish != Finish::Stopped => self.succeeded(expert),
                        _ => {}
                    }
                    let _ = says.send(Says::Ended { finished, came_back });
                }
            }
        }
    }

    /// Takes away an expert whose process is gone, before anybody hears of it: the next question finds a true board.
    fn fall_if_ended(&mut self, error: Option<&HostError>) {
        let Some((error, here)) = error.filter(|error| !error.expert_survives()).zip(self.occupant.as_ref())
        else {
            return;
        };
        let failure = host_failure(&here.guest.title, error);
        let expert = here.guest.name.clone();
        self.fall(failure);
        self.failed(&expert);
    }

    /// The expert's process is gone without having been asked to leave.
    fn fall(&mut self, failure: Failure) {
        if let Some(fallen) = self.occupant.take() {
            let expert = fallen.guest.name.clone();
            // Reaps the process and waits until its memory is free, as for any other.
            fallen.host.leave();
            self.board.show(Seat::Failed { expert, failure });
        }
    }

    /// Asks whoever is there for a sign of life, and measures him.
    fn look(&mut self) {
        let Some(here) = &mut self.occupant else { return };
        if here.host.answers() {
            self.show(false);
            return;
        }
        let failure = Failure {
            code: "expert_crashed".into(),
            message: format!("{} ended while nobody was asking it anything.", here.guest.title),
            fix: "Ask again: it is started anew.".into(),
            detail: None,
        };
        self.fall(failure);
    }

    /// Writes who is there on the board; a failure that is written there stays until somebody comes.
    fn show(&self, busy: bool) {
        if let Some(here) = &self.occupant {
            self.board.show(here.seat(busy));
        }
    }

    fn show_failure(&self, expert: &str, error: &SeatError) {
        self.board.show(Seat::Failed { expert: expert.to_owned(), failure: Failure::from(error) });
    }
}
