//! Gather: which files a path means.

use super::formats::Kind;
use super::{KINDS, NotAdded, failure};
use std::path::{Path, PathBuf};

/// A folder with more files than this is named a mistake.
const MOST_FILES: usize = 20_000;
/// Folders of programs, not of people.
const NOT_ENTERED: &[&str] = &["node_modules", "target", "__pycache__", "venv", "dist", "build"];

/// The files of a path. In folders hidden ones, and those whose endings are not known, are passed over; a folder that may
/// not be entered is told.
pub(super) fn gather(path: &Path, files: &mut Vec<PathBuf>, failed: &mut Vec<NotAdded>) {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
    if !path.is_dir() {
        files.push(path);
        return;
    }
    let mut tell = |path: &Path, code, message, fix| {
        failed.push(NotAdded { path: path.display().to_string(), failure: failure(code, message, fix) });
    };
    let is_open = |entry: &walkdir::DirEntry| {
        let name = entry.file_name().to_string_lossy();
        entry.depth() == 0
            || !(name.starts_with('.') || entry.file_type().is_dir() && NOT_ENTERED.contains(&&*name))
    };
    let before = files.len();
    let mut closed = false;
    for entry in walkdir::WalkDir::new(&path).sort_by_file_name().into_iter().filter_entry(is_open) {
        match entry {
            Ok(entry) if entry.file_type().is_file() && Kind::of(entry.path()).is_some() => {
                files.push(entry.into_path());
            }
            Ok(_) => {}
            Err(error) => {
                let at = error.path().unwrap_or(&path);
                let message = format!("{}: {error}", at.display());
                tell(at, "documents.file", message, "Check that the folder may be read.");
                closed = true;
            }
        }
        if files.len() - before > MOST_FILES {
            files.truncate(before);
            let message = format!("{} has more than {MOST_FILES} files", path.display());
            return tell(&path, "documents.too_many", message, "Add the folders inside it that you mean.");
        }
    }
    if files.len() == before && !closed {
        let message = format!("{} has no files that can be read", path.display());
        tell(&path, "documents.none", message, KINDS);
    }
}
