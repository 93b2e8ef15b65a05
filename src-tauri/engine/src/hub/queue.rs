//! Queue: several downloads, a few at once, each with its state as a window draws it. States are whole, never deltas.

use super::download::{Fetched, Phase};
use super::look::{Found, look};
use super::names::FileName;
use super::stop::{Stop, Will};
use super::transfer::Source;
use super::{Hub, HubError};
use crate::words::Failure;
use serde::Serialize;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use ts_rs::TS;

/// The speed is the mean of so long: shorter jumps, longer lies.
const SPEED_OVER: Duration = Duration::from_secs(5);

/// One download.
#[derive(Clone, Debug, PartialEq, Serialize, TS)]
pub struct Download {
    /// In this process.
    #[ts(type = "number")]
    pub id: u64,
    pub name: FileName,
    pub state: State,
}

#[derive(Clone, Debug, PartialEq, Serialize, TS)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum State {
    /// Others come first.
    Queued,
    /// The hub is asked what the file is.
    Finding,
    /// Another program fetches the same file.
    WaitsForAnother,
    Fetching {
        #[ts(type = "number")]
        done_bytes: u64,
        #[ts(type = "number")]
        total_bytes: u64,
        /// `None` until it was measured.
        bytes_per_s: Option<f64>,
        seconds_left: Option<f64>,
        /// Why nothing comes at the moment; it is tried again.
        waits: Option<String>,
    },
    /// A whole file that was here already is hashed.
    Checking {
        #[ts(type = "number")]
        done_bytes: u64,
    },
    /// What is here stays, also over a restart.
    Paused {
        #[ts(type = "number")]
        done_bytes: u64,
        #[ts(type = "number")]
        total_bytes: u64,
    },
    Ready {
        fetched: Fetched,
    },
    Failed {
        failure: Failure,
    },
}

impl State {
    /// Nothing happens to it by itself any more.
    pub fn is_still(&self) -> bool {
        matches!(self, State::Paused { .. } | State::Ready { .. } | State::Failed { .. })
    }
}

type Watcher = Box<dyn Fn(&[Download]) + Send>;

/// Cheap to clone. Downloads go on in threads of their own until they are done or the process ends; what is here then is
/// gone on with at the next start.
#[derive(Clone)]
pub struct Downloads {
    inside: Arc<Inside>,
}

struct Inside {
    hub: Hub,
    at_once: usize,
    list: Mutex<List>,
    bell: Condvar,
    watchers: Mutex<Vec<Watcher>>,
}

#[derive(Default)]
struct List {
    rows: Vec<Row>,
    last_id: u64,
    running: usize,
}

struct Row {
    download: Download,
    stop: Arc<Stop>,
}

impl Downloads {
    /// Those that an earlier run left unfinished are in it, paused.
    pub fn new(hub: Hub, at_once: usize) -> Downloads {
        let mut list = List::default();
        for (record, done_bytes) in hub.unfinished() {
            list.last_id += 1;
            let state = State::Paused { done_bytes, total_bytes: record.size };
            let download = Download { id: list.last_id, name: record.name, state };
            list.rows.push(Row { download, stop: Arc::default() });
        }
        let (list, at_once) = (Mutex::new(list), at_once.max(1));
        let inside = Inside { hub, at_once, list, bell: Condvar::new(), watchers: Mutex::default() };
        Downloads { inside: Arc::new(inside) }
    }

    /// Every download, oldest first.
    pub fn list(&self) -> Vec<Download> {
        self.inside.list().rows.iter().map(|row| row.download.clone()).collect()
    }

    /// Hears the list now and at each change, from whichever thread changes it.
    pub fn watch(&self, watcher: Watcher) {
        watcher(&self.list());
        self.inside.watchers.lock().unwrap_or_else(PoisonError::into_inner).push(watcher);
    }

    /// Fetches a file. One that is in the list and can go on goes on.
    pub fn start(&self, name: &FileName) -> u64 {
        let id = {
            let mut list = self.inside.list();
            let known = list.rows.iter_mut().find(|row| row.download.name == *name);
            match known {
                Some(row) if !row.download.state.is_still() => return row.download.id,
                Some(row) => {
                    (row.download.state, row.stop) = (State::Queued, Arc::default());
                    row.download.id
                }
                None => {
                    list.last_id += 1;
                    let id = list.last_id;
                    let download = Download { id, name: name.clone(), state: State::Queued };
                    list.rows.push(Row { download, stop: Arc::default() });
                    id
                }
            }
        };
        self.inside.tell();
        let inside = Arc::clone(&self.inside);
        let run = move || inside.run(id);
        if let Err(source) = std::thread::Builder::new().name(format!("download {id}")).spawn(run) {
            let path = self.inside.hub.cache.root().to_path_buf();
            let error = HubError::Files { doing: "start a thread for", path, source };
            self.inside.show(id, State::Failed { failure: error.into() });
        }
        id
    }

    /// What is here stays.
    pub fn pause(&self, id: u64) -> Result<(), HubError> {
        self.inside.stop_of(id)?.pause();
        self.inside.bell.notify_all();
        Ok(())
    }

    pub fn resume(&self, id: u64) -> Result<(), HubError> {
        let name = self.inside.row(id).map(|download| download.name)?;
        self.start(&name);
        Ok(())
    }

    /// Nothing of it stays, in the cache and in the list. Returns when that is so. A file that is whole stays: it is
    /// removed as what it is, an expert or a file of the cache.
    pub fn cancel(&self, id: u64) -> Result<(), HubError> {
        self.inside.stop_of(id)?.cancel();
        self.inside.bell.notify_all();
        let download = self.wait(id)?;
        if !matches!(download.state, State::Ready { .. }) {
            for (record, _) in self.inside.hub.unfinished() {
                if record.name == download.name {
                    self.inside.hub.discard(&record)?;
                }
            }
        }
        self.inside.list().rows.retain(|row| row.download.id != id);
        self.inside.tell();
        Ok(())
    }

    /// Waits until nothing happens to it any more.
    pub fn wait(&self, id: u64) -> Result<Download, HubError> {
        let mut list = self.inside.list();
        loop {
            let row = list.rows.iter().find(|row| row.download.id == id).ok_or(HubError::NoDownload(id))?;
            if row.download.state.is_still() {
                return Ok(row.download.clone());
            }
            list = self.inside.bell.wait(list).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Inside {
    fn run(&self, id: u64) {
        let (Ok(download), Ok(stop)) = (self.row(id), self.stop_of(id)) else { return };
        if !self.begin(&stop) {
            return self.show(id, self.stopped(&download.name));
        }
        let mut speed = Speed::default();
        let found = Found::default();
        let name = download.name.clone();
        let is_model = name.file.ends_with(".gguf");
        let see = |source: &mut dyn Source, size: u64| look(&name.file, size, source, &found);
        let fetched = self.hub.fetch(&name, is_model.then_some(&see), &stop, &mut |phase| {
            self.show(id, state(phase, &mut speed));
        });
        let last = match fetched {
            Ok(fetched) => State::Ready { fetched },
            Err(HubError::Stopped) => self.stopped(&name),
            Err(error) => State::Failed { failure: error.into() },
        };
        self.list().running -= 1;
        self.show(id, last);
    }

    /// Waits for its turn; `false` when it was stopped meanwhile.
    fn begin(&self, stop: &Stop) -> bool {
        let mut list = self.list();
        loop {
            if stop.will() != Will::GoOn {
                return false;
            }
            if list.running < self.at_once {
                list.running += 1;
                return true;
            }
            list = self.bell.wait(list).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn stopped(&self, name: &FileName) -> State {
        let mut unfinished = self.hub.unfinished().into_iter();
        let here = unfinished.find(|(record, _)| record.name == *name);
        let (done_bytes, total_bytes) = here.map_or((0, 0), |(record, done)| (done, record.size));
        State::Paused { done_bytes, total_bytes }
    }

    fn row(&self, id: u64) -> Result<Download, HubError> {
        let list = self.list();
        let row = list.rows.iter().find(|row| row.download.id == id);
        row.map(|row| row.download.clone()).ok_or(HubError::NoDownload(id))
    }

    fn stop_of(&self, id: u64) -> Result<Arc<Stop>, HubError> {
        let list = self.list();
        let row = list.rows.iter().find(|row| row.download.id == id);
        row.map(|row| Arc::clone(&row.stop)).ok_or(HubError::NoDownload(id))
    }

    fn show(&self, id: u64, state: State) {
        if let Some(row) = self.list().rows.iter_mut().find(|row| row.download.id == id) {
            row.download.state = state;
        }
        self.tell();
    }

    fn tell(&self) {
        self.bell.notify_all();
        let list: Vec<Download> = self.list().rows.iter().map(|row| row.download.clone()).collect();
        for watcher in self.watchers.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            watcher(&list);
        }
    }

    fn list(&self) -> MutexGuard<'_, List> {
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What came over the network lately.
#[derive(Debug, Default)]
pub struct Speed {
    /// When, and the bytes until then.
    seen: std::collections::VecDeque<(Instant, u64)>,
}

impl Speed {
    /// Bytes a second; `None` until half a second was seen.
    pub fn measure(&mut self, now: Instant, received: u64) -> Option<f64> {
        self.seen.push_back((now, received));
        while self.seen.len() > 2 && now.duration_since(self.seen[1].0) >= SPEED_OVER {
            self.seen.pop_front();
        }
        let (begun, before) = self.seen[0];
        let seconds = now.duration_since(begun).as_secs_f64();
        (seconds >= 0.5).then(|| received.saturating_sub(before) as f64 / seconds)
    }
}

/// A phase as it is shown.
pub fn state(phase: Phase, speed: &mut Speed) -> State {
    match phase {
        Phase::Finding => State::Finding,
        Phase::WaitsForAnother => State::WaitsForAnother,
        Phase::Checking { done } => State::Checking { done_bytes: done },
        Phase::Fetching { far, total } => {
            let bytes_per_s = speed.measure(Instant::now(), far.received);
            let left = total.saturating_sub(far.done) as f64;
            let seconds_left = bytes_per_s.filter(|&speed| speed > 0.0).map(|speed| left / speed);
            State::Fetching {
                done_bytes: far.done,
                total_bytes: total,
                bytes_per_s,
                seconds_left,
                waits: far.waits,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_speed_is_that_of_the_last_seconds() {
        let begun = Instant::now();
        let mut speed = Speed::default();
        let at = |seconds: u64| begun + Duration::from_secs(seconds);
        assert_eq!(speed.measure(at(0), 0), None, "one look measures nothing");
        assert_eq!(speed.measure(at(1), 1000), Some(1000.0));
        for second in 2..=10 {
            speed.measure(at(second), 1000);
        }
        assert_eq!(speed.measure(at(11), 1000), Some(0.0), "what came ten seconds ago is no speed of now");
    }
}
