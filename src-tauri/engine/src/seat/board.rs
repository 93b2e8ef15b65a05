//! The board beside the seat: copies of the seat's state for everybody to read. Only the thread that owns the seat
//! writes who stands there.

use crate::events::{News, Seat};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

type Watcher = Box<dyn Fn(News) + Send>;

pub(super) struct Board {
    written: Mutex<Written>,
    watchers: Mutex<Vec<Watcher>>,
}

struct Written {
    seat: Seat,
    budget_bytes: u64,
    processor_only: bool,
    load_ms: HashMap<String, f32>,
    waiting: HashMap<String, u32>,
}

impl Board {
    pub(super) fn new(budget_bytes: u64, processor_only: bool) -> Self {
        let written = Written {
            seat: Seat::Empty,
            budget_bytes,
            processor_only,
            load_ms: HashMap::new(),
            waiting: HashMap::new(),
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

    /// Writes who stands there and tells the watchers, when that is news.
    pub(super) fn show(&self, seat: Seat) {
        {
            let mut written = self.read();
            if written.seat == seat {
                return;
            }
            written.seat = seat;
        }
        self.tell();
    }

    pub(super) fn processor_only(&self) -> bool {
        self.read().processor_only
    }

    pub(super) fn set_processor_only(&self, processor_only: bool) {
        self.read().processor_only = processor_only;
    }

    pub(super) fn set_budget(&self, bytes: u64) {
        self.read().budget_bytes = bytes;
        self.tell();
    }

    pub(super) fn loaded(&self, expert: &str, load_ms: f32) {
        self.read().load_ms.insert(expert.to_owned(), load_ms);
    }

    pub(super) fn watch(&self, watcher: Watcher) {
        // Told and entered under one lock: no change falls between.
        let mut watchers = self.watchers.lock().unwrap_or_else(PoisonError::into_inner);
        watcher(self.news());
        watchers.push(watcher);
    }

    fn tell(&self) {
        let watchers = self.watchers.lock().unwrap_or_else(PoisonError::into_inner);
        let news = self.news();
        for watcher in watchers.iter() {
            watcher(news.clone());
        }
    }

    fn news(&self) -> News {
        let written = self.read();
        News::Seat { seat: written.seat.clone(), budget_bytes: written.budget_bytes }
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
    pub(super) fn begin(board: &Arc<Board>, expert: &str) -> Self {
        *board.read().waiting.entry(expert.to_owned()).or_insert(0) += 1;
        Waiting { board: Arc::clone(board), expert: expert.to_owned() }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let mut written = self.board.read();
        if let Some(count) = written.waiting.get_mut(&self.expert) {
            *count -= 1;
            if *count == 0 {
                written.waiting.remove(&self.expert);
            }
        }
    }
}
