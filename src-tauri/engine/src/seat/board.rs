//! The board beside the seat: copies of the seat's state for everybody to read. Only the thread that owns the seat
//! writes who stands there.

use super::SeatError;
use crate::events::{News, Queue, Seat, Traffic};
use crate::settings::QueueSettings;
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

type Watcher = Box<dyn Fn(News) + Send>;

pub(super) struct Board {
    written: Mutex<Written>,
    watchers: Mutex<Vec<Watcher>>,
}

struct Written {
    seat: Seat,
    budget_bytes: u64,
    processor_only: bool,
    rules: QueueSettings,
    load_ms: HashMap<String, f32>,
    waiting: HashMap<String, u32>,
    answering: u32,
    traffic: Traffic,
    resting: HashMap<String, Instant>,
    /// Who is loaded without having been asked, and what stops that.
    warming: Option<(String, Arc<AtomicBool>)>,
}

impl Board {
    pub(super) fn new(budget_bytes: u64, processor_only: bool, rules: QueueSettings) -> Self {
        let written = Written {
            seat: Seat::Empty,
            budget_bytes,
            processor_only,
            rules,
            load_ms: HashMap::new(),
            waiting: HashMap::new(),
            answering: 0,
            traffic: Traffic::default(),
            resting: HashMap::new(),
            warming: None,
        };
        Board { written: Mutex::new(written), watchers: Mutex::new(Vec::new()) }
    }

    pub(super) fn seat(&self) -> Seat {
        self.read().seat.clone()
    }

    pub(super) fn budget_bytes(&self) -> u64 {
        self.read().budget_bytes
    }

    pub(super) fn load_ms(&self) -> HashMap<String, f32> {
        self.read().load_ms.clone()
    }

    pub(super) fn waiting(&self) -> HashMap<String, u32> {
        self.read().waiting.clone()
    }

    pub(super) fn traffic(&self) -> Traffic {
        self.read().traffic.clone()
    }

    pub(super) fn count(&self, change: impl FnOnce(&mut Traffic)) {
        change(&mut self.read().traffic);
    }

    pub(super) fn rules(&self) -> QueueSettings {
        self.read().rules
    }

    pub(super) fn set_rules(&self, rules: QueueSettings) {
        self.read().rules = rules;
    }

    pub(super) fn set_resting(&self, resting: HashMap<String, Instant>) {
        self.read().resting = resting;
        self.tell(Self::queue);
    }

    /// So many questions are answered now.
    pub(super) fn set_answering(&self, answering: u32) {
        if std::mem::replace(&mut self.read().answering, answering) != answering {
            self.tell(Self::queue);
        }
    }

    pub(super) fn set_warming(&self, warming: Option<(String, Arc<AtomicBool>)>) {
        self.read().warming = warming;
    }

    /// Somebody wants `expert`: another one is not loaded before.
    pub(super) fn wanted(&self, expert: &str) {
        if let Some((_, stop)) = self.read().warming.as_ref().filter(|(name, _)| name != expert) {
            stop.store(true, Ordering::Relaxed);
        }
    }

    /// How long an expert that failed too often is not asked.
    pub(super) fn rests(&self, expert: &str) -> Option<Duration> {
        let until = *self.read().resting.get(expert)?;
        until.checked_duration_since(Instant::now()).filter(|left| !left.is_zero())
    }

    /// Writes who stands there and tells the watchers, when that is news.
    pub(super) fn show(&self, seat: Seat) {
        {
            let mut written = self.read();
            if written.seat == seat {
                return;
            }
            written.seat = seat;
        }
        self.tell(Self::news);
    }

    pub(super) fn processor_only(&self) -> bool {
        self.read().processor_only
    }

    pub(super) fn set_processor_only(&self, processor_only: bool) {
        self.read().processor_only = processor_only;
    }

    pub(super) fn set_budget(&self, bytes: u64) {
        self.read().budget_bytes = bytes;
        self.tell(Self::news);
    }

    pub(super) fn loaded(&self, expert: &str, load_ms: f32) {
        let mut written = self.read();
        written.load_ms.insert(expert.to_owned(), load_ms);
        written.traffic.loads += 1;
    }

    pub(super) fn watch(&self, watcher: Watcher) {
        // Told and entered under one lock: no change falls between.
        let mut watchers = self.watchers.lock().unwrap_or_else(PoisonError::into_inner);
        watcher(self.news());
        watcher(self.queue());
        watchers.push(watcher);
    }

    fn tell(&self, news: impl Fn(&Board) -> News) {
        let watchers = self.watchers.lock().unwrap_or_else(PoisonError::into_inner);
        if watchers.is_empty() {
            return;
        }
        let news = news(self);
        for watcher in watchers.iter() {
            watcher(news.clone());
        }
    }

    fn news(&self) -> News {
        let written = self.read();
        News::Seat { seat: written.seat.clone(), budget_bytes: written.budget_bytes }
    }

    fn queue(&self) -> News {
        let written = self.read();
        let now = Instant::now();
        let resting = written.resting.iter().filter(|(_, until)| **until > now);
        let mut resting: Vec<String> = resting.map(|(expert, _)| expert.clone()).collect();
        resting.sort();
        let waiting = written.waiting.iter().map(|(expert, count)| (expert.clone(), *count)).collect();
        let (answering, traffic) = (written.answering, written.traffic.clone());
        News::Queue { queue: Queue { waiting, answering, resting, traffic } }
    }

    /// Every write is one assignment: a panic elsewhere while it was held cannot have left half of one.
    fn read(&self) -> MutexGuard<'_, Written> {
        self.written.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One question that waits for an expert or is with it, counted until dropped.
pub(super) struct Waiting {
    board: Arc<Board>,
    expert: String,
}

impl Waiting {
    /// Refused when too many wait already.
    pub(super) fn begin(board: &Arc<Board>, expert: &str, title: &str) -> Result<Self, SeatError> {
        let mut written = board.read();
        let QueueSettings { depth, per_expert, .. } = written.rules;
        let here: u32 = written.waiting.values().sum();
        // One of them is at the lectern and waits no longer.
        if here > depth {
            return Err(SeatError::QueueFull { depth });
        }
        let count = written.waiting.entry(expert.to_owned()).or_insert(0);
        if per_expert > 0 && *count >= per_expert {
            return Err(SeatError::Busy { title: title.into(), limit: per_expert });
        }
        *count += 1;
        written.traffic.deepest = written.traffic.deepest.max(here + 1);
        drop(written);
        board.tell(Board::queue);
        Ok(Waiting { board: Arc::clone(board), expert: expert.to_owned() })
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        {
            let mut written = self.board.read();
            if let Some(count) = written.waiting.get_mut(&self.expert) {
                *count -= 1;
                if *count == 0 {
                    written.waiting.remove(&self.expert);
                }
            }
        }
        self.board.tell(Board::queue);
    }
}
