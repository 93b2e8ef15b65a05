//! Ledger: which files of the cache we fetched ourselves. They may be removed from here; others belong to other tools.
//!
//! Lines of JSON, only ever appended: two processes may write at once, and a broken line costs itself alone.

use super::HubError;
use super::download::Fetched;
use super::names::{FileName, is_commit, is_sha256};
use super::resolve::Located;
use crate::home::Home;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;

#[derive(Clone, Debug)]
pub struct Ledger {
    path: PathBuf,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Line {
    pub name: FileName,
    pub commit: String,
    pub sha256: String,
    pub bytes: u64,
    /// Unix time in milliseconds.
    pub when: i64,
    /// It is not here any more.
    #[serde(default)]
    pub removed: bool,
}

impl Line {
    /// As a stranger may have written it: names become paths.
    pub fn is_sound(&self) -> bool {
        let FileName { repo, revision, file } = &self.name;
        let is_named = FileName::new(repo, revision, file).is_ok();
        is_named && is_sha256(&self.sha256) && is_commit(&self.commit)
    }
}

impl Ledger {
    pub fn of(home: &Home) -> Ledger {
        Ledger { path: home.root().join("fetched.jsonl") }
    }

    pub fn add(&self, fetched: &Fetched) -> Result<(), HubError> {
        self.write(&Line {
            name: fetched.name.clone(),
            commit: fetched.commit.clone(),
            sha256: fetched.sha256.clone(),
            bytes: fetched.bytes,
            when: jiff::Timestamp::now().as_millisecond(),
            removed: false,
        })
    }

    pub fn remove(&self, line: &Line) -> Result<(), HubError> {
        self.write(&Line { removed: true, ..line.clone() })
    }

    pub fn restore(&self, line: &Line) -> Result<(), HubError> {
        self.write(&Line { removed: false, ..line.clone() })
    }

    /// Oldest first.
    pub fn lines(&self) -> Vec<Line> {
        let text = std::fs::read_to_string(&self.path).unwrap_or_default();
        text.lines().filter_map(|line| serde_json::from_str(line).ok()).filter(Line::is_sound).collect()
    }

    /// The line of this blob, while it is ours.
    pub fn ours(&self, repo: &str, sha256: &str) -> Option<Line> {
        let mut lines = self.lines().into_iter();
        let last = lines.rfind(|line| line.name.repo == repo && line.sha256 == sha256)?;
        Some(last).filter(|line| !line.removed)
    }

    /// Every file that is ours.
    pub fn all(&self) -> Vec<Line> {
        let mut last: BTreeMap<(String, String), Line> = BTreeMap::new();
        for line in self.lines() {
            last.insert((line.name.repo.clone(), line.sha256.clone()), line);
        }
        last.into_values().filter(|line| !line.removed).collect()
    }

    /// A file of the catalogue stays what it was when it was first used: its commit from then.
    pub fn pin(&self, repo: &str, file: &str) -> Option<String> {
        let mut lines = self.lines().into_iter();
        lines.find(|line| line.name.repo == repo && line.name.file == file).map(|line| line.commit)
    }

    /// A commit cannot change: a hub that names another sum for the same file of the same commit is not believed.
    pub fn agrees(&self, name: &FileName, located: &Located) -> Result<(), HubError> {
        let same = |line: &Line| {
            line.name.repo == name.repo && line.name.file == name.file && line.commit == located.commit
        };
        match self.lines().into_iter().find(same) {
            Some(line) if line.sha256 != located.sha256 => Err(HubError::Changed { file: name.file.clone() }),
            _ => Ok(()),
        }
    }

    fn write(&self, line: &Line) -> Result<(), HubError> {
        // What a full disk cut off in the middle ends here, or this line would be lost with it.
        let is_cut =
            std::fs::read(&self.path).is_ok_and(|text| text.last().is_some_and(|last| *last != b'\n'));
        let mut text = if is_cut { b"\n".to_vec() } else { Vec::new() };
        text.extend(serde_json::to_vec(line).unwrap_or_default());
        text.push(b'\n');
        std::fs::File::options()
            .create(true)
            .append(true)
            .open(&self.path)
            .and_then(|mut file| file.write_all(&text).and_then(|()| file.sync_all()))
            .map_err(HubError::files("write", &self.path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_was_cut_off_costs_itself_alone() {
        let folder = tempfile::tempdir().unwrap();
        let ledger = Ledger { path: folder.path().join("fetched.jsonl") };
        let name = FileName::new("a/b", "main", "m.gguf").unwrap();
        let (commit, sha256) = ("c".repeat(40), "d".repeat(64));
        let line = Line { name, commit, sha256, bytes: 5, when: 1, removed: false };
        ledger.write(&line).unwrap();
        let whole = std::fs::read(&ledger.path).unwrap();
        std::fs::write(&ledger.path, [&whole[..], &whole[..40]].concat()).unwrap();
        let other = Line { sha256: "e".repeat(64), ..line.clone() };
        ledger.write(&other).unwrap();
        assert_eq!(ledger.lines(), [line, other]);
    }
}
