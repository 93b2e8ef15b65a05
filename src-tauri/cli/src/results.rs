//! The results of a file of questions, one JSON line each, appended as they come. A process that is killed leaves whole
//! lines, and at most one torn one at the end, which the next run cuts off.

use crate::batch::Line;
use crate::output::Exit;
use engine::words::Failure;
use serde_json::Value;
use std::collections::HashSet;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

pub struct Results {
    file: File,
    path: PathBuf,
    /// Ids that have an answer; a failure is asked again.
    done: HashSet<String>,
}

impl Results {
    /// Opens or makes the file; held against other processes until this is dropped.
    pub fn open(path: &Path) -> Result<Results, Exit> {
        let cannot = |what: &str| failure("results_unusable", path, what);
        let options = File::options().read(true).append(true).create(true).open(path);
        let mut file = options.map_err(|error| cannot(&format!("cannot be opened: {error}")))?;
        file.try_lock().map_err(|_| cannot("is being written by another run"))?;
        let mut text = Vec::new();
        file.read_to_end(&mut text).map_err(|error| cannot(&format!("cannot be read: {error}")))?;
        let whole = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let mut done = HashSet::new();
        for (at, line) in text[..whole].split(|byte| *byte == b'\n').enumerate() {
            if line.trim_ascii().is_empty() {
                continue;
            }
            let result: Value = serde_json::from_slice(line)
                .map_err(|error| cannot(&format!("is no file of results: line {}: {error}", at + 1)))?;
            let id = result.get("id").ok_or_else(|| cannot(&format!("line {} has no \"id\"", at + 1)))?;
            if result.get("answer").is_some() {
                done.insert(id.to_string());
            }
        }
        if whole < text.len() {
            file.set_len(whole as u64).map_err(|error| cannot(&format!("cannot be cut: {error}")))?;
        }
        Ok(Results { file, path: path.to_path_buf(), done })
    }

    pub fn has(&self, id: &Value) -> bool {
        self.done.contains(&id.to_string())
    }

    /// One whole line, or nothing: half of one is taken back.
    pub fn append(&mut self, result: &Value) -> Result<(), Failure> {
        let before = self.file.seek(SeekFrom::End(0));
        let written = self.file.write_all(format!("{result}\n").as_bytes());
        written.map_err(|error| {
            if let Ok(before) = before {
                // What cannot be taken back now is cut off by the next run.
                let _ = self.file.set_len(before);
            }
            Failure {
                code: "results_unwritable".into(),
                message: format!("{} cannot be written: {error}", self.path.display()),
                fix: "Free disk space and start the same command again: it goes on where it was.".into(),
                detail: None,
            }
        })
    }
}

/// Results are told apart by their ids.
pub fn check_ids(lines: &[Line], file: &Path) -> Result<(), Exit> {
    let mut seen = HashSet::new();
    match lines.iter().find(|line| !seen.insert(line.id.to_string())) {
        None => Ok(()),
        Some(line) => Err(failure("same_id", file, &format!("has the id {} twice", line.id))),
    }
}

fn failure(code: &str, path: &Path, what: &str) -> Exit {
    Exit::Failed(Failure {
        code: code.into(),
        message: format!("{} {what}", path.display()),
        fix: "With --out every question needs an id of its own, and a file of results or a new one.".into(),
        detail: None,
    })
}
