//! The pool file as people see it: where it lies, what it says, when it was read, what is wrong with it; and the way back.

use super::file::{Aggregation, Management, PoolFile, Router};
use super::{Pool, PoolError};
use crate::home::write_atomically;
use crate::words::Failure;
use serde::Serialize;
use std::path::Path;
use ts_rs::TS;

#[derive(Clone, Debug, PartialEq, Serialize, TS)]
pub struct FileState {
    pub path: String,
    pub is_there: bool,
    /// When it was read and right last, Unix time in milliseconds; it is read again whenever it has changed.
    #[ts(type = "number | null")]
    pub read: Option<i64>,
    /// What is wrong with it, with line and column; until it is right the rules from before hold.
    pub problem: Option<Failure>,
    pub router: Router,
    pub aggregation: Aggregation,
    pub management: Management,
    /// Experts that it names.
    #[ts(type = "number")]
    pub experts: usize,
}

impl Pool {
    /// The home's pool file, read anew when it has changed.
    pub fn file_state(&self) -> FileState {
        let path = self.home.pool_file();
        let PoolFile { router, aggregation, management, experts } = self.rules();
        let (read, problem) = self.followed().seen();
        let (is_there, path) = (path.is_file(), path.display().to_string());
        FileState { path, is_there, read, problem, router, aggregation, management, experts: experts.len() }
    }

    /// Routing, aggregation and management as they are without a file; experts of the file stay. Gives the file as it was,
    /// for [`Pool::put_file`]; `None`: there was none.
    pub fn reset_rules(&self) -> Result<Option<String>, PoolError> {
        let path = self.home.pool_file();
        if !path.is_file() {
            return Ok(None);
        }
        let before = std::fs::read_to_string(&path).map_err(files("read", &path))?;
        // Of one that cannot be understood nothing can be kept; the text comes back with the way back.
        let experts = PoolFile::read(&path).map(|file| file.experts).unwrap_or_default();
        self.put_file(&PoolFile { experts, ..PoolFile::default() }.to_yaml()?)?;
        Ok(Some(before))
    }

    /// Writes the pool file as it is given, and reads it: what is wrong with it is told as ever.
    pub fn put_file(&self, text: &str) -> Result<(), PoolError> {
        let path = self.home.pool_file();
        write_atomically(&path, text.as_bytes()).map_err(files("write", &path))?;
        self.rules();
        Ok(())
    }
}

fn files(doing: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> PoolError {
    let path = path.to_path_buf();
    move |source| PoolError::Files { doing, path, source }
}
