//! Transfer: the bytes of one file come over several ranges at once, are hashed in their order while they come, and are
//! believed when the whole has the check sum that the hub named.
//!
//! The transfer is ours and not the crate hf-hub's: 0.5 resumes but checks nothing, 1.0 checks neither status nor length
//! and begins anew, and both keep a login page as a model.
//!
//! ```text
//! workers    take the lowest missing part, fetch it, write it, note it        Missing → Taken → There
//! checker    reads the parts back in their order and hashes them; one of an earlier run that is not as it came is Missing
//! caller     hears how far it is, four times a second
//! ```
//!
//! The first part is fetched alone: it shows whether the host knows ranges. Where somebody looks at the header, what is
//! behind it waits for what he says, so that a model that cannot be run costs its header and not its gigabytes.

use super::client::{Ask, Client, Reply, authority};
use super::partial::{PART, Partial};
use super::resolve::{Located, resolve};
use super::stop::Stop;
use super::{HubError, Patience};
use sha2::{Digest, Sha256};
use std::io::{Read, Seek, SeekFrom};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Ranges under way at once.
const WORKERS: usize = 4;
/// How often the caller hears.
const TICK: Duration = Duration::from_millis(250);

/// How far it is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Far {
    /// Bytes that are here, those of parts under way included.
    pub done: u64,
    /// Bytes that came over the network in this run.
    pub received: u64,
    /// Why nothing comes at the moment.
    pub waits: Option<String>,
}

/// What the checker made of the bytes.
#[derive(Debug)]
pub struct Summed {
    pub sha256: String,
    /// Bytes of earlier runs that were still as they came.
    pub resumed: u64,
    pub received: u64,
}

/// Looks at the beginning of a file of so many bytes and may refuse the rest of it. What it reads comes while it reads.
pub type Look<'a> = &'a (dyn Fn(&mut dyn Source, u64) -> Result<(), HubError> + Sync);

pub trait Source: Read + Seek {}
impl<T: Read + Seek> Source for T {}

pub struct Transfer<'a> {
    client: &'a Client,
    partial: &'a Partial,
    stop: &'a Stop,
    patience: &'a Patience,
    origin: Mutex<Origin>,
    board: Mutex<Board>,
    bell: Condvar,
    /// Of the parts under way.
    in_flight: AtomicU64,
    received: AtomicU64,
}

/// Where the bytes come from now.
#[derive(Clone)]
struct Origin {
    located: Located,
    /// Counts addresses.
    generation: u32,
    /// What that host calls these bytes; another name means other bytes.
    etag: Option<String>,
}

#[derive(Clone, Copy, PartialEq)]
enum Part {
    Missing,
    Taken,
    There(u32),
}

/// How many may fetch.
#[derive(Clone, Copy, PartialEq)]
enum Mode {
    /// One, until it is known what the host can.
    First,
    Ranges,
    /// One: the host sends whole files alone.
    Whole,
}

struct Board {
    parts: Vec<Part>,
    mode: Mode,
    /// The look at the header has ended well.
    looked: bool,
    /// The last part that the look wants to see; those behind it wait for what it says.
    wanted: usize,
    /// Parts that are hashed.
    checked: usize,
    /// Bytes from earlier runs that are still believed.
    resumed: u64,
    /// From an earlier run, and not checked yet.
    old: Vec<bool>,
    waits: Option<String>,
    over: Option<Result<(), HubError>>,
}

impl<'a> Transfer<'a> {
    pub fn new(
        client: &'a Client,
        located: &Located,
        partial: &'a Partial,
        stop: &'a Stop,
        patience: &'a Patience,
    ) -> Transfer<'a> {
        let parts: Vec<Part> =
            partial.known.iter().map(|sum| sum.map_or(Part::Missing, Part::There)).collect();
        let old: Vec<bool> = partial.known.iter().map(Option::is_some).collect();
        let board = Board {
            mode: Mode::First,
            looked: false,
            wanted: 0,
            checked: 0,
            resumed: (0..parts.len()).filter(|&part| old[part]).map(|part| bytes_of(partial, part)).sum(),
            old,
            parts,
            waits: None,
            over: None,
        };
        Transfer {
            client,
            partial,
            stop,
            patience,
            origin: Mutex::new(Origin { located: located.clone(), generation: 0, etag: None }),
            board: Mutex::new(board),
            bell: Condvar::new(),
            in_flight: AtomicU64::new(0),
            received: AtomicU64::new(0),
        }
    }

    /// Fetches what is missing. Returns when every byte is here and hashed, or with the first error that will not pass.
    pub fn run(&self, look: Option<Look<'_>>, on: &mut dyn FnMut(Far)) -> Result<Summed, HubError> {
        let sha256 = std::thread::scope(|scope| {
            for _ in 0..WORKERS.min(self.partial.record.parts()) {
                scope.spawn(|| self.work());
            }
            let checker = scope.spawn(|| self.check());
            scope.spawn(move || self.look(look));
            loop {
                let board = self.board();
                let far = self.far(&board);
                if board.over.is_some() {
                    break;
                }
                drop(board);
                on(far);
                if self.stop.is_set() {
                    self.end(Err(HubError::Stopped));
                }
                let board = self.board();
                if board.over.is_none() {
                    drop(self.bell.wait_timeout(board, TICK));
                }
            }
            checker.join().unwrap_or_default()
        });
        let mut board = self.board();
        let received = self.received.load(Ordering::Relaxed);
        match board.over.take() {
            Some(Err(error)) => Err(error),
            _ => Ok(Summed { sha256, resumed: board.resumed, received }),
        }
    }

    fn far(&self, board: &Board) -> Far {
        let there = (0..board.parts.len()).filter(|&part| matches!(board.parts[part], Part::There(_)));
        let there: u64 = there.map(|part| bytes_of(self.partial, part)).sum();
        let size = self.partial.record.size;
        Far {
            done: (there + self.in_flight.load(Ordering::Relaxed)).min(size),
            received: self.received.load(Ordering::Relaxed),
            waits: board.waits.clone(),
        }
    }

    /// The first end counts. A bad one cuts what is still under way.
    fn end(&self, how: Result<(), HubError>) {
        if how.is_err() {
            self.client.cut();
        }
        self.board().over.get_or_insert(how);
        self.bell.notify_all();
    }

    // ---- the look

    fn look(&self, look: Option<Look<'_>>) {
        let looked = match look {
            Some(look) => look(&mut Beginning { transfer: self, position: 0 }, self.partial.record.size),
            None => Ok(()),
        };
        match looked {
            Ok(()) => self.board().looked = true,
            Err(error) => self.end(Err(error)),
        }
        self.bell.notify_all();
    }

    // ---- the checker

    /// The check sum of the whole, when the whole was seen.
    fn check(&self) -> String {
        let mut hash = Sha256::new();
        let mut bytes = vec![0; PART as usize];
        for part in 0..self.partial.record.parts() {
            loop {
                let Some(sum) = self.arrived(part) else { return String::new() };
                let (first, end) = self.partial.record.range(part);
                let bytes = &mut bytes[..(end - first) as usize];
                if let Err(error) = self.partial.read(bytes, first) {
                    self.end(Err(error));
                    return String::new();
                }
                // What came in this run was summed as it came; what an earlier run left may have changed since.
                let is_old = self.board().old[part];
                let is_right = !is_old || crc32fast::hash(bytes) == sum;
                if is_right {
                    hash.update(&*bytes);
                }
                let mut board = self.board();
                if is_right {
                    board.checked = part + 1;
                } else {
                    board.parts[part] = Part::Missing;
                    if std::mem::take(&mut board.old[part]) {
                        board.resumed -= end - first;
                    }
                }
                drop(board);
                self.bell.notify_all();
                if is_right {
                    break;
                }
            }
        }
        // The look may still read what is here.
        let mut board = self.board();
        while !board.looked && board.over.is_none() {
            board = self.bell.wait(board).unwrap_or_else(PoisonError::into_inner);
        }
        drop(board);
        self.end(Ok(()));
        super::cache::hex(hash)
    }

    /// Waits for a part; `None` when it will not come.
    fn arrived(&self, part: usize) -> Option<u32> {
        let mut board = self.board();
        loop {
            if board.over.is_some() {
                return None;
            }
            if let Part::There(sum) = board.parts[part] {
                return Some(sum);
            }
            board = self.bell.wait(board).unwrap_or_else(PoisonError::into_inner);
        }
    }

    // ---- the workers

    fn work(&self) {
        let mut buffer = vec![0; PART as usize];
        let mut failures = 0;
        while let Some(part) = self.take() {
            let fetched = self.fetch(part, &mut buffer);
            let mut board = self.board();
            if board.parts[part] == Part::Taken {
                board.parts[part] = Part::Missing;
            }
            match fetched {
                Ok(()) => {
                    failures = 0;
                    board.waits = None;
                }
                Err(error) if error.may_pass() && failures < self.patience.attempts => {
                    failures += 1;
                    board.waits = Some(error.to_string());
                    drop(board);
                    self.bell.notify_all();
                    self.rest(self.patience.pause(failures, &error));
                    continue;
                }
                Err(error) => {
                    drop(board);
                    let is_stopped = self.stop.is_set();
                    return self.end(Err(if is_stopped { HubError::Stopped } else { error }));
                }
            }
            drop(board);
            self.bell.notify_all();
        }
    }

    /// Waits, unless it is over.
    fn rest(&self, time: Duration) {
        let until = Instant::now() + time;
        let mut board = self.board();
        while board.over.is_none() {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            board = self.bell.wait_timeout(board, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// The lowest missing part; waits while others have them all, `None` at the end.
    fn take(&self) -> Option<usize> {
        let mut board = self.board();
        loop {
            if board.over.is_some() || self.stop.is_set() {
                return None;
            }
            let alone = board.mode != Mode::Ranges || !board.looked;
            let is_free = !alone || !board.parts.contains(&Part::Taken);
            let missing = board.parts.iter().position(|part| *part == Part::Missing);
            let is_wanted = |part: &usize| board.looked || *part <= board.wanted;
            if let Some(part) = missing.filter(|part| is_free && is_wanted(part)) {
                board.parts[part] = Part::Taken;
                return Some(part);
            }
            board = self.bell.wait(board).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn fetch(&self, part: usize, buffer: &mut [u8]) -> Result<(), HubError> {
        let origin = self.origin().clone();
        let (first, end) = self.partial.record.range(part);
        let name = &self.partial.record.name;
        let why =
            format!("part {} of {} of {}:{}", part + 1, self.partial.record.parts(), name.repo, name.file);
        let ask = Ask { range: Some((first, end - 1)), ..Ask::get(&origin.located.location, &why) };
        let mut reply = self.client.follow(&ask, |_| false)?;
        let host = authority(&reply.url);
        match reply.status {
            206 => {}
            200 => return self.whole(reply, &origin, buffer),
            // A signed address that has expired, or a host that never heard of it: the hub knows another.
            401 | 403 | 404 | 410 | 412 | 416 => {
                self.relocate(&origin)?;
                let why = format!("its address had expired (status {})", reply.status);
                return Err(HubError::Connection { host, why });
            }
            429 => return Err(HubError::TooMany { host, wait: reply.rest() }),
            status => return Err(HubError::Status { host, status, asked: why }),
        }
        self.is_the_same(&reply, &origin)?;
        let expected = format!("bytes {first}-{}/", end - 1);
        let range = reply.header("content-range").unwrap_or_default().to_owned();
        let total = range.strip_prefix(&expected);
        if total.is_none_or(|total| total != "*" && total.parse() != Ok(self.partial.record.size)) {
            if total.is_some() {
                // Either the host is wrong about the size, or the hub was.
                self.relocate(&origin)?;
            }
            let why = format!("is {range:?} where {expected}{} was asked for", self.partial.record.size);
            return Err(HubError::Garbled { host, field: "content-range", why });
        }
        self.open_ranges();
        let bytes = &mut buffer[..(end - first) as usize];
        self.fill(&mut reply, bytes, &host)?;
        // Only a body whose end was read gives its connection back for the next part.
        let _ = reply.read(&mut [0]);
        self.keep(part, bytes)
    }

    /// The host sends the whole file whatever it is asked for: what is here already is passed over.
    fn whole(&self, mut reply: Reply, origin: &Origin, buffer: &mut [u8]) -> Result<(), HubError> {
        let host = authority(&reply.url);
        let record = &self.partial.record;
        let length = reply.number("content-length").filter(|_| !reply.is_page());
        if length.is_some_and(|length| length != record.size) {
            self.relocate(origin)?;
        }
        if reply.is_page() || length.is_some_and(|length| length != record.size) {
            let why = format!("is a page or has another length than {} bytes", record.size);
            return Err(HubError::Garbled { host, field: "its answer", why });
        }
        self.is_the_same(&reply, origin)?;
        self.board().mode = Mode::Whole;
        for part in 0..record.parts() {
            let (first, end) = record.range(part);
            let bytes = &mut buffer[..(end - first) as usize];
            self.fill(&mut reply, bytes, &host)?;
            if !matches!(self.board().parts[part], Part::There(_)) {
                self.keep(part, bytes)?;
            }
            self.bell.notify_all();
            // What the look refuses is not fetched to its end.
            if self.board().over.is_some() {
                return Ok(());
            }
        }
        Ok(())
    }

    fn keep(&self, part: usize, bytes: &[u8]) -> Result<(), HubError> {
        let sum = self.partial.keep(part, bytes)?;
        self.board().parts[part] = Part::There(sum);
        Ok(())
    }

    /// Exactly so many bytes, or an error that may pass.
    fn fill(&self, reply: &mut Reply, bytes: &mut [u8], host: &str) -> Result<(), HubError> {
        let mut filled = 0;
        let result = loop {
            if filled == bytes.len() {
                break Ok(());
            }
            // In pieces, so that the figures move on a slow line.
            let piece = bytes.len().min(filled + (64 << 10));
            match reply.read(&mut bytes[filled..piece]) {
                Ok(0) => break Err("it ended in the middle".to_owned()),
                Ok(read) => {
                    filled += read;
                    self.in_flight.fetch_add(read as u64, Ordering::Relaxed);
                    self.received.fetch_add(read as u64, Ordering::Relaxed);
                }
                Err(error) => break Err(error.to_string()),
            }
        };
        self.in_flight.fetch_sub(filled as u64, Ordering::Relaxed);
        result.map_err(|why| HubError::Connection { host: host.to_owned(), why })
    }

    fn open_ranges(&self) {
        let mut board = self.board();
        if board.mode != Mode::Ranges {
            board.mode = Mode::Ranges;
            drop(board);
            self.bell.notify_all();
        }
    }

    /// The host still means the same bytes by this address.
    fn is_the_same(&self, reply: &Reply, origin: &Origin) -> Result<(), HubError> {
        let host = authority(&reply.url);
        if let Some(encoding) = reply.header("content-encoding").filter(|encoding| *encoding != "identity") {
            let why = format!("is {encoding:?}, which nobody asked for");
            return Err(HubError::Garbled { host, field: "content-encoding", why });
        }
        let Some(etag) = reply.header("etag") else { return Ok(()) };
        {
            let mut now = self.origin();
            if now.generation == origin.generation && now.etag.is_none() {
                now.etag = Some(etag.to_owned());
            }
            if now.generation != origin.generation || now.etag.as_deref() == Some(etag) {
                return Ok(());
            }
        }
        self.relocate(origin)?;
        Err(HubError::Connection { host, why: "it has other bytes there now".into() })
    }

    /// Asks the hub where the bytes are now, once for all workers that found out together.
    fn relocate(&self, old: &Origin) -> Result<(), HubError> {
        let mut origin = self.origin();
        if origin.generation != old.generation {
            return Ok(());
        }
        let name = &self.partial.record.name;
        // At the commit: a branch may have moved on meanwhile, and that is no error.
        let found = resolve(self.client, &name.at(&self.partial.record.commit))?;
        if found.sha256 != origin.located.sha256 || found.size != origin.located.size {
            return Err(HubError::Changed { file: name.file.clone() });
        }
        *origin = Origin { located: found, generation: origin.generation + 1, etag: None };
        Ok(())
    }

    fn origin(&self) -> MutexGuard<'_, Origin> {
        self.origin.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn board(&self) -> MutexGuard<'_, Board> {
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn bytes_of(partial: &Partial, part: usize) -> u64 {
    let (first, end) = partial.record.range(part);
    end - first
}

/// The file as far as it was checked; a read beyond waits.
struct Beginning<'a, 'b> {
    transfer: &'b Transfer<'a>,
    position: u64,
}

impl Read for Beginning<'_, '_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let size = self.transfer.partial.record.size;
        if self.position >= size {
            return Ok(0);
        }
        let mut board = self.transfer.board();
        let checked = loop {
            let checked = (board.checked as u64 * PART).min(size);
            if checked > self.position {
                break checked;
            }
            if board.over.is_some() {
                return Err(std::io::Error::other("the download ended"));
            }
            let part = (self.position / PART) as usize;
            if part > board.wanted {
                board.wanted = part;
                self.transfer.bell.notify_all();
            }
            board = self.transfer.bell.wait(board).unwrap_or_else(PoisonError::into_inner);
        };
        drop(board);
        let length = buffer.len().min((checked - self.position) as usize);
        self.transfer.partial.read(&mut buffer[..length], self.position).map_err(std::io::Error::other)?;
        self.position += length as u64;
        Ok(length)
    }
}

impl Seek for Beginning<'_, '_> {
    fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
        let size = self.transfer.partial.record.size;
        let position = match to {
            SeekFrom::Start(position) => Some(position),
            SeekFrom::Current(by) => self.position.checked_add_signed(by),
            SeekFrom::End(by) => size.checked_add_signed(by),
        };
        self.position = position.ok_or(std::io::ErrorKind::InvalidInput)?;
        Ok(self.position)
    }
}
