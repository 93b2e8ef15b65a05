//! Trash: a file that was removed can come back until Lectern closes; then its bytes are free.
//!
//! It keeps its place beside the blobs under another ending, so that neither way copies anything. A removed file whose
//! process is gone is deleted at the next start: its lock tells.

use super::cache::{link, sync_folder};
use super::disk::{Elsewhere, FoundFile, Source};
use super::ledger::Line;
use super::{Hub, HubError};
use crate::pool::{Counts, Expert, Taken};
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
    /// Files that were taken from experts which stayed, by the expert.
    files: Mutex<Vec<(String, Taken)>>,
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
pub struct Discarded {
    pub repo: String,
    pub file: String,
    pub sha256: String,
    #[ts(type = "number")]
    pub bytes: u64,
}

impl Trash {
    pub fn of(hub: &Hub) -> Trash {
        Trash {
            hub: hub.clone(),
            removed: Mutex::default(),
            counts: Mutex::default(),
            files: Mutex::default(),
        }
    }

    /// An expert of this name was removed here.
    pub fn knows(&self, expert: &str) -> bool {
        self.counts().contains_key(expert)
    }

    /// This file was taken from the expert here.
    pub fn knows_file(&self, expert: &str, file: &str) -> bool {
        self.kept_file(expert, file).is_some()
    }

    pub(super) fn keep_file(&self, expert: &str, taken: Taken) {
        self.files().push((expert.into(), taken));
    }

    pub(super) fn kept_file(&self, expert: &str, file: &str) -> Option<Taken> {
        let files = self.files();
        files
            .iter()
            .find(|(name, taken)| name == expert && taken.file.file == file)
            .map(|(_, taken)| taken.clone())
    }

    pub(super) fn forget_file(&self, expert: &str, file: &str) {
        self.files().retain(|(name, taken)| name != expert || taken.file.file != file);
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
        let lock = File::open(&blob).map_err(HubError::files("open", &blob))?;
        // Nobody else has a reason to hold it; without it only the undo while another Lectern starts is lost.
        let _ = lock.try_lock();
        std::fs::rename(&blob, &aside).map_err(HubError::files("rename", &blob))?;
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

    /// Takes a model that we fetched and that no expert uses out of the cache, by its name or its path as
    /// [`Hub::on_disk`] gives them.
    pub fn remove_unused(&self, experts: &[Expert], wanted: &str) -> Result<Discarded, HubError> {
        let files = self.hub.on_disk(experts, &Elsewhere::default(), false)?.files;
        let is_it = |file: &FoundFile| file.name == wanted || file.path == Path::new(wanted);
        let absent = || HubError::Absent { host: "this disk".into(), what: wanted.into() };
        let file = files.into_iter().find(is_it).ok_or_else(absent)?;
        let stays = |why: String| HubError::Stays { file: file.name.clone(), why };
        if let Some(expert) = file.experts.first() {
            return Err(stays(format!("{expert} uses it")));
        }
        let sum = file.sha256.as_deref().filter(|_| file.source == Source::Fetched);
        let sum = sum.ok_or_else(|| stays("Lectern did not fetch it".into()))?;
        self.remove_file(&file.path, sum)?;
        self.list().into_iter().find(|kept| kept.sha256 == sum).ok_or_else(absent)
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

    pub fn list(&self) -> Vec<Discarded> {
        let of = |removed: &Removed| Discarded {
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
            self.files().retain(|(_, taken)| taken.file.sha256 != line.sha256);
            freed += line.bytes;
            sync_folder(blob.parent().unwrap_or(Path::new("")))?;
            self.hub.cache.tidy(&line.name.repo, &pointers);
        }
        Ok(freed)
    }

    fn counts(&self) -> MutexGuard<'_, HashMap<String, Counts>> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn files(&self) -> MutexGuard<'_, Vec<(String, Taken)>> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
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

/// Ends the removals of processes that are gone.
pub fn sweep(hub: &Hub) {
    for (repo, folder) in hub.cache.repos() {
        for entry in std::fs::read_dir(folder.join("blobs")).into_iter().flatten().flatten() {
            let aside = entry.path();
            let is_alone = || File::open(&aside).is_ok_and(|file| file.try_lock().is_ok());
            if aside.extension().is_none_or(|ending| ending != ENDING) || !is_alone() {
                continue;
            }
            let blob = aside.with_extension("");
            let mut pointers = Vec::new();
            // One that was fetched anew since is another file.
            if !blob.exists() {
                pointers = hub.cache.pointers(&repo, &blob);
                for (pointer, _) in &pointers {
                    let _ = std::fs::remove_file(pointer);
                }
                let sum = blob.file_name().unwrap_or_default().to_string_lossy();
                if let Some(line) = hub.ledger.ours(&repo, &sum) {
                    let _ = hub.ledger.remove(&line);
                }
            }
            let _ = std::fs::remove_file(&aside);
            hub.cache.tidy(&repo, &pointers);
        }
    }
}
