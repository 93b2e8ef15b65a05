//! The network log: every request that Lectern makes, to whom, why, when and how many bytes came back.
//!
//! Lines of JSON in `logs/network.jsonl` of the home. No address beyond the host is kept: signed addresses are keys.

use crate::home::Home;
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use ts_rs::TS;

/// A log of this size is put aside, and the one before it goes.
const FULL: u64 = 4 << 20;

/// One request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct Request {
    /// Unix time in milliseconds.
    #[ts(type = "number")]
    pub when: i64,
    /// With its port where that is not the usual one.
    pub host: String,
    /// In words.
    pub why: String,
    /// `None`: no answer came.
    pub status: Option<u16>,
    /// Of the answer's body.
    #[ts(type = "number")]
    pub bytes: u64,
    /// Of what was sent with it: a question to an expert outside Lectern.
    #[serde(default, skip_serializing_if = "is_nothing")]
    #[ts(as = "Option<f64>", optional)]
    pub sent_bytes: u64,
    /// The token went with it.
    pub with_token: bool,
}

fn is_nothing(bytes: &u64) -> bool {
    *bytes == 0
}

#[derive(Clone, Debug)]
pub struct Log {
    path: PathBuf,
    /// One writer at a time in this process; other processes append whole lines.
    turn: Arc<Mutex<()>>,
}

/// A request under way; it is written when this is dropped.
#[derive(Debug)]
pub struct Entry {
    pub request: Request,
    log: Log,
}

impl Log {
    pub fn of(home: &Home) -> Log {
        Log { path: home.logs_dir().join("network.jsonl"), turn: Arc::default() }
    }

    pub fn begin(&self, host: &str, why: &str, with_token: bool) -> Entry {
        let when = jiff::Timestamp::now().as_millisecond();
        let (host, why) = (host.to_owned(), why.to_owned());
        let request = Request { when, host, why, status: None, bytes: 0, sent_bytes: 0, with_token };
        Entry { request, log: self.clone() }
    }

    /// The newest `limit` requests, oldest first.
    pub fn read(&self, limit: usize) -> Vec<Request> {
        let mut requests = Vec::new();
        for path in [self.aside(), self.path.clone()] {
            let Ok(file) = File::open(path) else { continue };
            let lines = BufReader::new(file).lines().map_while(Result::ok);
            // A line that a power cut broke is passed over.
            requests.extend(lines.filter_map(|line| serde_json::from_str(&line).ok()));
        }
        requests.split_off(requests.len().saturating_sub(limit))
    }

    fn aside(&self) -> PathBuf {
        self.path.with_extension("old.jsonl")
    }

    fn write(&self, request: &Request) {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        if self.path.metadata().is_ok_and(|metadata| metadata.len() > FULL) {
            let _ = std::fs::rename(&self.path, self.aside());
        }
        let Ok(mut line) = serde_json::to_vec(request) else { return };
        line.push(b'\n');
        // A log that cannot be written is no reason to stop: a full disk is told by what needs the disk.
        let _ = File::options()
            .create(true)
            .append(true)
            .open(&self.path)
            .and_then(|mut file| file.write_all(&line));
    }
}

/// A time as people read it, in the time zone of this machine.
pub fn date(unix_ms: i64) -> String {
    let time = jiff::Timestamp::from_millisecond(unix_ms).unwrap_or_default();
    time.to_zoned(jiff::tz::TimeZone::system()).strftime("%Y-%m-%d %H:%M:%S").to_string()
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.log.write(&self.request);
    }
}
