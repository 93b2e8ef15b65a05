//! Download: one file of the hub comes into the cache, or nothing of it does.
//!
//! ```text
//! find it (commit, sha256, size) → wait for whoever fetches it already → take the space → transfer → compare → publish
//! ```

use super::cache::{Lock, sha256_of};
use super::client::Client;
use super::names::{FileName, is_commit};
use super::partial::{self, Partial, Record, forget};
use super::resolve::{Located, resolve};
use super::stop::{Stop, Will};
use super::transfer::{Far, Look, Transfer};
use super::{Hub, HubError};
use serde::Serialize;
use std::path::PathBuf;
use std::time::Duration;
use ts_rs::TS;

/// How often somebody who waits for another process looks.
const LOOK: Duration = Duration::from_millis(200);

/// What a download is at; the figures are in bytes.
#[derive(Clone, Debug, PartialEq)]
pub enum Phase {
    /// The hub is asked what the file is.
    Finding,
    /// Another program fetches the same file.
    WaitsForAnother,
    Fetching {
        far: Far,
        total: u64,
    },
    /// A whole file that was here already is hashed.
    Checking {
        done: u64,
    },
}

/// A file in the cache, with the check sum that its bytes have.
#[derive(Clone, Debug, PartialEq, Serialize, TS)]
pub struct Fetched {
    pub name: FileName,
    pub commit: String,
    /// As other tools find it.
    #[ts(type = "string")]
    pub path: PathBuf,
    pub sha256: String,
    #[ts(type = "number")]
    pub bytes: u64,
    /// Bytes that were here when it began; `bytes` when the file was.
    #[ts(type = "number")]
    pub resumed_from: u64,
    /// Bytes that came over the network for it.
    #[ts(type = "number")]
    pub received: u64,
}

impl Hub {
    /// Fetches a file, or finds it. `look` may refuse it by its beginning. Several processes and threads may ask for the
    /// same: one fetches.
    pub fn fetch(
        &self,
        name: &FileName,
        look: Option<Look<'_>>,
        stop: &Stop,
        on: &mut dyn FnMut(Phase),
    ) -> Result<Fetched, HubError> {
        if self.place.offline.is_some() {
            return self.in_cache_alone(name, stop, on);
        }
        on(Phase::Finding);
        let located = self.patiently(stop, |client| resolve(client, name))?;
        self.ledger.agrees(name, &located)?;
        let lock = self.lock(name, &located, stop, on)?;
        let record = Record::new(name, &located.commit, &located.sha256, located.size);
        self.complete(&record)?;
        if let Some(here) = self.already(name, &located, stop, on)? {
            return Ok(here);
        }
        self.forget_older(name, &located.sha256)?;
        // A second try from nothing, because one of the many who carried the bytes may have changed them.
        let fetched = match self.transfer(record.clone(), &located, look, stop, on) {
            Err(HubError::WrongBytes { .. }) => self.transfer(record, &located, look, stop, on),
            other => other,
        };
        if fetched.is_err() && !self.cache.blobs(&name.repo).is_dir() {
            lock.vanish();
        }
        fetched
    }

    fn transfer(
        &self,
        record: Record,
        located: &Located,
        look: Option<Look<'_>>,
        stop: &Stop,
        on: &mut dyn FnMut(Phase),
    ) -> Result<Fetched, HubError> {
        let name = &record.name.clone();
        let partial = Partial::open(&self.cache, record.clone(), self.patience.spare_bytes)?;
        let client = self.client().stopped_by(stop);
        let total = located.size;
        let moved = Transfer::new(&client, located, &partial, stop, &self.patience)
            .run(look, &mut |far| on(Phase::Fetching { far, total }));
        let summed = match moved {
            Ok(summed) => summed,
            Err(error) => {
                // Where the hub names other bytes than before, it may be wrong now: the next start tells.
                if matches!(error, HubError::Unsupported { .. }) || stop.will() == Will::Cancel {
                    partial.forget(&self.cache)?;
                }
                return Err(error);
            }
        };
        if summed.sha256 != located.sha256 {
            partial.forget(&self.cache)?;
            let (file, expected) = (name.file.clone(), located.sha256.clone());
            return Err(HubError::WrongBytes { file, expected, found: summed.sha256 });
        }
        partial.publish(&self.cache)?;
        let fetched = self.point(name, located, summed.resumed, summed.received)?;
        self.ledger.add(&fetched)?;
        partial::close(&self.cache, &record)?;
        Ok(fetched)
    }

    /// A kill may have come between the final name and the links: they are made now. The caller holds the lock.
    fn complete(&self, record: &Record) -> Result<(), HubError> {
        if !partial::is_unclosed(&self.cache, record) {
            return Ok(());
        }
        let Record { name, commit, sha256, size, .. } = record.clone();
        let path = self.cache.point(&name, &commit, &sha256)?;
        let fetched = Fetched { name, commit, path, sha256, bytes: size, resumed_from: size, received: 0 };
        if self.ledger.ours(&fetched.name.repo, &fetched.sha256).is_none() {
            self.ledger.add(&fetched)?;
        }
        partial::close(&self.cache, record)
    }

    /// The same for every such file that nobody works on. What fails now is tried at the next start.
    pub(super) fn complete_all(&self) {
        for record in partial::unclosed(&self.cache) {
            if let Ok(Some(_lock)) = self.cache.try_lock(&record.name.repo, &record.sha256) {
                let _ = self.complete(&record);
            }
        }
    }

    /// The blob is in place and right.
    fn point(
        &self,
        name: &FileName,
        located: &Located,
        resumed_from: u64,
        received: u64,
    ) -> Result<Fetched, HubError> {
        let path = self.cache.point(name, &located.commit, &located.sha256)?;
        let (commit, sha256) = (located.commit.clone(), located.sha256.clone());
        Ok(Fetched { name: name.clone(), commit, path, sha256, bytes: located.size, resumed_from, received })
    }

    /// The file that another tool or an earlier day brought, when its bytes are what its name says.
    fn already(
        &self,
        name: &FileName,
        located: &Located,
        stop: &Stop,
        on: &mut dyn FnMut(Phase),
    ) -> Result<Option<Fetched>, HubError> {
        let blob = self.cache.blob(&name.repo, &located.sha256);
        if !blob.metadata().is_ok_and(|metadata| metadata.is_file() && metadata.len() == located.size) {
            return Ok(None);
        }
        let sum = sha256_of(&blob, |done| {
            on(Phase::Checking { done });
            !stop.is_set()
        })?;
        match sum {
            None => Err(HubError::Stopped),
            Some(sum) if sum == located.sha256 => self.point(name, located, located.size, 0).map(Some),
            Some(_) => Ok(None),
        }
    }

    /// Without the network: what is there under this name, checked against the name of its blob.
    fn in_cache_alone(
        &self,
        name: &FileName,
        stop: &Stop,
        on: &mut dyn FnMut(Phase),
    ) -> Result<Fetched, HubError> {
        let offline = || HubError::Offline(self.place.offline.clone().unwrap_or_default());
        let path = self.cache.find(name).ok_or_else(offline)?;
        let blob = path.canonicalize().map_err(HubError::files("find", &path))?;
        let expected = blob.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
        let sum = sha256_of(&blob, |done| {
            on(Phase::Checking { done });
            !stop.is_set()
        })?;
        let sha256 = sum.ok_or(HubError::Stopped)?;
        if super::names::is_sha256(&expected) && expected != sha256 {
            return Err(HubError::WrongBytes { file: name.file.clone(), expected, found: sha256 });
        }
        let bytes = blob.metadata().map_err(HubError::files("find", &blob))?.len();
        let mut commit = path.ancestors().filter_map(|folder| folder.file_name()?.to_str());
        let commit = commit.find(|part| is_commit(part)).unwrap_or_default().to_owned();
        Ok(Fetched { name: name.clone(), commit, path, sha256, bytes, resumed_from: bytes, received: 0 })
    }

    /// Waits until nobody else fetches this blob.
    fn lock(
        &self,
        name: &FileName,
        located: &Located,
        stop: &Stop,
        on: &mut dyn FnMut(Phase),
    ) -> Result<Lock, HubError> {
        loop {
            if let Some(lock) = self.cache.try_lock(&name.repo, &located.sha256)? {
                return Ok(lock);
            }
            on(Phase::WaitsForAnother);
            if stop.wait(LOOK) {
                return Err(HubError::Stopped);
            }
        }
    }

    /// Asks again while what went wrong may pass.
    pub(super) fn patiently<T>(
        &self,
        stop: &Stop,
        ask: impl Fn(&Client) -> Result<T, HubError>,
    ) -> Result<T, HubError> {
        let client = self.client().stopped_by(stop);
        let mut failures = 0;
        loop {
            let error = match ask(&client) {
                Ok(answer) => return Ok(answer),
                Err(_) if stop.is_set() => return Err(HubError::Stopped),
                Err(error) if !error.may_pass() || failures >= self.patience.of(&error) => return Err(error),
                Err(error) => error,
            };
            failures += 1;
            if stop.wait(self.patience.pause(failures, &error)) {
                return Err(HubError::Stopped);
            }
        }
    }

    /// What was left of another content of the same file will not be gone on with: the branch has moved on.
    fn forget_older(&self, name: &FileName, sha256: &str) -> Result<(), HubError> {
        let unfinished = self.unfinished().into_iter().map(|(record, _)| record);
        unfinished
            .filter(|record| record.name == *name && record.sha256 != sha256)
            .try_for_each(|record| self.discard(&record))
    }

    /// Takes an unfinished download that nobody works on off the disk.
    pub fn discard(&self, record: &Record) -> Result<(), HubError> {
        match self.cache.try_lock(&record.name.repo, &record.sha256)? {
            Some(lock) => {
                forget(&self.cache, record)?;
                lock.vanish();
                Ok(())
            }
            // Whoever works on it keeps it.
            None => Ok(()),
        }
    }
}
