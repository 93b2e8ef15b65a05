//! The thread that owns the seat. It alone holds the expert's process; it calls those who wait as the queue has it and
//! writes each change on the board. Several questions can have their turn with the seated expert at the same time; it then
//! computes what they need in the same passes.

use super::attend::{Answering, Served};
use super::board::Board;
use super::breaker::Breakers;
use super::occupant::{Occupant, placement};
use super::queue::{Next, Queue};
use super::turn::{Desk, Says, Work};
use super::{Guest, SeatError, governor, host_failure};
use crate::events::Seat;
use crate::states::States;
use crate::words::{Failure, Seated};
use runtime::host::{Host, HostError, Purpose, Spawn};
use runtime::inspect::COUNTED_CONTEXT;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

/// An idle expert's memory is measured this often, so that the meter is true and a dead process is noticed.
pub(super) const HEARTBEAT: Duration = Duration::from_secs(2);
/// Progress of a load is shown this often at most: more than a window draws is noise.
const PROGRESS: Duration = Duration::from_millis(30);

/// What others say to the owner.
pub(super) enum Word {
    Sit(Sit),
    /// What a turn asks of the expert.
    Work {
        turn: u64,
        work: Work,
    },
    /// A turn has ended.
    Over {
        turn: u64,
    },
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
    Seated { seated: Seated, context_length: u32, desk: Desk },
    Failed(SeatError),
}

pub(super) struct Owner {
    inbox: Receiver<Word>,
    /// For those who have their turn.
    words: Sender<Word>,
    pub(super) board: Arc<Board>,
    executable: PathBuf,
    threads: Option<usize>,
    pub(super) states: States,
    pub(super) occupant: Option<Occupant>,
    /// Those who have their turn with the occupant, by a number that no other turn has had.
    pub(super) turns: BTreeMap<u64, Served>,
    served: u64,
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
        (words, inbox): (Sender<Word>, Receiver<Word>),
        board: Arc<Board>,
        executable: PathBuf,
        threads: Option<usize>,
        states: States,
    ) -> Self {
        Owner {
            inbox,
            words,
            board,
            executable,
            threads,
            states,
            occupant: None,
            turns: BTreeMap::new(),
            served: 0,
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
            if !self.turns.is_empty() {
                self.admit();
                self.attend();
                continue;
            }
            self.let_leave();
            self.lend();
            let seated = self.occupant.as_ref().map(|here| here.guest.name.as_str());
            let window = self.board.rules().gathering();
            match self.queue.next(seated, Instant::now(), window) {
                Next::Serve(place) => self.serve(&place.what),
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
            Word::Work { turn, work } => self.begin(turn, work),
            Word::Over { turn } => self.over(turn),
            Word::Warm { guest } => self.warm = Some(guest),
            Word::Leave { done } => self.leaves.push((self.queue.arrived(), done)),
            Word::Lend { what, granted, back } => {
                self.loans.push(Loan { arrived: self.queue.arrived(), what, granted, back });
            }
            Word::Close => self.is_closed = true,
        }
    }

    pub(super) fn wait(&mut self, at_most: Duration) {
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
        self.show();
        self.idle_since = Instant::now();
    }

    /// More questions for the seated expert have their turn beside those that have it, as the queue has it and as memory
    /// and settings allow; none while somebody waits for the seat to be empty.
    fn admit(&mut self) {
        while self.leaves.is_empty() && self.loans.is_empty() {
            let Some(here) = &self.occupant else { return };
            let most = here.room.min(self.board.rules().together as usize);
            if self.turns.len() >= most {
                return;
            }
            let guest = here.guest.clone();
            let Some(place) = self.queue.next_beside(&guest.name, |sit| sit.guest == guest) else { return };
            self.serve(&place.what);
        }
    }

    /// A question's turn begins with its expert in the seat.
    fn serve(&mut self, sit: &Sit) {
        self.give_turn(sit);
        self.free_if_nobody();
        let (by_arrival, made) = self.queue.loads();
        // A process that lasts 10^18 loads is not expected.
        self.board.count(|traffic| traffic.loads_saved = by_arrival as i64 - made as i64);
    }

    fn give_turn(&mut self, sit: &Sit) {
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
                self.served += 1;
                let desk = Desk::new(self.served, self.words.clone());
                self.turns.insert(self.served, Served::default());
                // One whose asker is gone is over as soon as its desk is dropped.
                let _ = sit.replies.send(Reply::Seated { seated, context_length, desk });
                self.show();
            }
            Err(error) => {
                if matches!(&error, SeatError::Host { source, .. } if !source.expert_survives()) {
                    self.failed(expert);
                }
                let _ = sit.replies.send(Reply::Failed(error));
            }
        }
    }

    pub(super) fn failed(&mut self, expert: &str) {
        self.breakers.failed(expert, Instant::now());
        self.board.set_resting(self.breakers.resting());
    }

    pub(super) fn succeeded(&mut self, expert: &str) {
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
        let cache_bytes = host.facts().cache_bytes_per_token * COUNTED_CONTEXT.min(context_length.into());
        let room = match host.facts().placement.device {
            // What several texts take there has not been measured.
            Some(_) => 1,
            None => governor::texts(expected_bytes, cache_bytes, budget_bytes),
        };
        self.occupant =
            Some(Occupant { guest: sit.guest.clone(), host, tokens_per_s: None, readings: Vec::new(), room });
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
        for slot in 0..leaving.readings.len() {
            leaving.save(slot, &self.states);
        }
        let left = leaving.host.leave();
        let leave_ms = begun.elapsed().as_secs_f32() * 1000.0;
        Cleared { who: Some(leaving.guest.name), freed_bytes: left.freed_bytes, leave_ms }
    }

    pub(super) fn free_if_nobody(&mut self) {
        if self.turns.is_empty() {
            self.idle_since = Instant::now();
            self.queue.free(self.idle_since);
            self.board.set_answering(0);
        }
    }

    /// The expert's process was ended because it did not obey: nobody is there.
    pub(super) fn vanish(&mut self) {
        self.occupant = None;
        self.turns.clear();
        self.free_if_nobody();
        self.board.show(Seat::Empty);
    }

    /// Takes away an expert whose process is gone, before anybody hears of it: the next question finds a true board.
    pub(super) fn fall_if_ended(&mut self, error: Option<&HostError>) {
        let Some((error, here)) = error.filter(|error| !error.expert_survives()).zip(self.occupant.as_ref())
        else {
            return;
        };
        let failure = host_failure(&here.guest.title, error);
        let expert = here.guest.name.clone();
        let lost = self.fall(failure);
        self.failed(&expert);
        for Answering { says, came_back, .. } in lost {
            let _ = says.send(Says::Ended { finished: Err(error.clone()), came_back });
        }
    }

    /// The expert's process is gone without having been asked to leave. Gives the answers that are lost with it.
    fn fall(&mut self, failure: Failure) -> Vec<Answering> {
        if let Some(fallen) = self.occupant.take() {
            let expert = fallen.guest.name.clone();
            // Reaps the process and waits until its memory is free, as for any other.
            fallen.host.leave();
            self.board.show(Seat::Failed { expert, failure });
        }
        let turns = std::mem::take(&mut self.turns);
        self.free_if_nobody();
        turns.into_values().filter_map(|served| served.answering).collect()
    }

    /// Asks whoever is there for a sign of life, and measures him.
    fn look(&mut self) {
        let Some(here) = &mut self.occupant else { return };
        if here.host.answers() {
            return self.show();
        }
        let title = &here.guest.title;
        let failure = Failure {
            code: "expert_crashed".into(),
            message: format!("{title} ended while nobody was asking it anything."),
            fix: "Ask again: it is started anew.".into(),
            detail: None,
        };
        for Answering { says, came_back, .. } in self.fall(failure) {
            let finished =
                Err(HostError::Crashed { how: "it gave no sign of life".into(), last_words: String::new() });
            let _ = says.send(Says::Ended { finished, came_back });
        }
    }

    /// Writes who is there on the board; a failure that is written there stays until somebody comes.
    pub(super) fn show(&self) {
        self.board.set_answering(self.turns.len() as u32);
        if let Some(here) = &self.occupant {
            self.board.show(here.seat(!self.turns.is_empty()));
        }
    }

    fn show_failure(&self, expert: &str, error: &SeatError) {
        self.board.show(Seat::Failed { expert: expert.to_owned(), failure: Failure::from(error) });
    }
}
