//! Trash: a file that was removed can come back until Lectern closes; then its bytes are free.
//!
//! It keeps its place beside the blobs under another ending, so that neither way copies anything. A removed file whose
//! process is gone is deleted at the next start: its lock tells.

use super::cache::{Cache, link, sync_folder};
use super::ledger::Line;
use super::{Hub, HubError};
use crate::pool::Counts;
use serde::Serialize;
use std::collections::HashMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use ts_rs::TS;

const ENDING: &str = "lectern-removed";

/// What was removed since Lectern was opened. Dropping it frees the bytes.
pub struct Trash {
    hub: Hub,
    removed: Mutex<Vec<Removed>>,
    /// What was counted of the experts that were removed.
    counts: Mutex<HashMap<String, Counts>>,
}

struct Removed {
    line: Line,
    blob: PathBuf,
    aside: PathBuf,
    /// Names of the blob that went with it, and where each pointed.
    pointers: Vec<(PathBuf, PathBuf)>,
    /// Held while this process could still bring it back.
    _lock: File,
}

/// One file in the trash.
#[derive(Clone, Debug, PartialEq, Serialize, TS)]
pub struct Kept {
    pub repo: String,
    pub file: String,
    pub sha256: String,
    #[ts(type = "number")]
    pub bytes: u64,
}

impl Trash {
    pub fn of(hub: &Hub) -> Trash {
        Trash { hub: hub.clone(), removed: Mutex::default(), counts: Mutex::default() }
    }

    /// An expert of this name was removed here.
    pub fn knows(&self, expert: &str) -> bool {
        self.counts().contains_key(expert)
    }

    pub(super) fn keep(&self, expert: &str, counts: Counts) {
        self.counts().insert(expert.into(), counts);
    }

    pub(super) fn kept(&self, expert: &str) -> Option<Counts> {
        self.counts().remove(expert)
    }

    /// Takes a file that we fetched out of the cache. Its bytes are free when this is dropped, or [`Trash::empty`].
    /// `None`: another tool brought it, and it stays.
    pub fn remove(&self, repo: &str, sha256: &str) -> Result<Option<u64>, HubError> {
        let Some(line) = self.hub.ledger.ours(repo, sha256) else { return Ok(None) };
        let cache = &self.hub.cache;
        let blob = cache.blob(repo, sha256);
        let aside = blob.with_extension(ENDING);
        let pointers = cache.pointers(repo, &blob);
        std::fs::rename(&blob, &aside).map_err(HubError::files("rename", &blob))?;
        let lock = File::open(&aside).map_err(HubError::files("open", &aside))?;
        // Nobody else has a reason to hold it; without it only the undo after a crash of ours is lost.
        let _ = lock.try_lock();
        for (pointer, _) in &pointers {
            std::fs::remove_file(pointer).map_err(HubError::files("remove", pointer))?;
        }
        self.hub.ledger.remove(&line)?;
        let bytes = line.bytes;
        self.removed().push(Removed { line, blob, aside, pointers, _lock: lock });
        Ok(Some(bytes))
    }

    /// The same by the file that an expert uses: 0 when it is not in our cache, or another tool's.
    pub fn remove_file(&self, file: &Path, sha256: &str) -> Result<u64, HubError> {
        let lines = self.hub.ledger.lines().into_iter();
        let mut ours = lines.filter(|line| line.sha256 == sha256).map(|line| line.name.repo);
        let keeps_it =
            |repo: &String| self.hub.cache.blobs(repo).parent().is_some_and(|repo| file.starts_with(repo));
        let Some(repo) = ours.find(keeps_it) else { return Ok(0) };
        Ok(self.remove(&repo, sha256)?.unwrap_or(0))
    }

    /// Brings it back as it was.
    pub fn undo(&self, sha256: &str) -> Result<(), HubError> {
        let mut removed = self.removed();
        let at = removed.iter().position(|removed| removed.line.sha256 == sha256);
        let at = at.ok_or_else(|| HubError::NotRemoved(sha256.into()))?;
        let Removed { line, blob, aside, pointers, .. } = &removed[at];
        std::fs::rename(aside, blob).map_err(HubError::files("rename", aside))?;
        for (pointer, target) in pointers {
            link(target, blob, pointer).map_err(HubError::files("make the link", pointer))?;
        }
        self.hub.ledger.restore(line)?;
        removed.remove(at);
        Ok(())
    }

    pub fn list(&self) -> Vec<Kept> {
        let of = |removed: &Removed| Kept {
            repo: removed.line.name.repo.clone(),
            file: removed.line.name.file.clone(),
            sha256: removed.line.sha256.clone(),
            bytes: removed.line.bytes,
        };
        self.removed().iter().map(of).collect()
    }

    /// Frees the bytes now; gives how many.
    pub fn empty(&self) -> Result<u64, HubError> {
        let mut freed = 0;
        let mut removed = self.removed();
        while let Some(gone) = removed.pop() {
            let Removed { line, aside, blob, pointers, _lock } = gone;
            drop(_lock);
            std::fs::remove_file(&aside).map_err(HubError::files("remove", &aside))?;
            freed += line.bytes;
            sync_folder(blob.parent().unwrap_or(Path::new("")))?;
            self.hub.cache.tidy(&line.name.repo, &pointers);
        }
        Ok(freed)
    }

    fn counts(&self) -> MutexGuard<'_, HashMap<String, Counts>> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn removed(&self) -> MutexGuard<'_, Vec<Removed>> {
        self.removed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Trash {
    fn drop(&mut self) {
        // What cannot be deleted now is at the next start.
        let _ = self.empty();
    }
}

/// Deletes what processes that are gone had removed.
pub fn sweep(cache: &Cache) {
    for (_, folder) in cache.repos() {
        for entry in std::fs::read_dir(folder.join("blobs")).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.extension().is_some_and(|ending| ending == ENDING)
                && File::open(&path).is_ok_and(|file| file.try_lock().is_ok())
            {
                let _ = std::fs::remove_file(&path);
            }
        }
    }
}
