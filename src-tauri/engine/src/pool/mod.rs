//! Pool: the experts, those that came with Lectern and those that the user added.
//!
//! In:     shipped starters, model files that the user points to, outcomes of answers
//! Out:    experts with their manifests, files and measured statistics
//! Fails:  a file that is no model or cannot be run (said before anything is added), a name that is taken
//! Cost:   opening compares a few file sizes; listing reads a few small files when something changed
//! Source: manifests are JSON files under the home; statistics are rows of its database

mod failure;
mod handles;
mod manifest;
mod retired;
mod starters;
mod statistics;

pub use crate::archive::STARTER_REFUSAL as REFUSAL;
pub use failure::PoolError;
pub use handles::Handles;
pub use manifest::{Capability, Implementation, Manifest, Measured, Reads, check_name};
pub use retired::Change;
pub use starters::{Shipped, gate, shipped};
pub(crate) use statistics::percentile;
pub use statistics::{Outcome, Statistics};

use crate::archive::database;
use crate::home::{Home, write_atomically};
use crate::words::Failure;
use runtime::inspect::inspect;
use rusqlite::Connection;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use ts_rs::TS;

/// Open for one process; any number of threads.
pub struct Pool {
    home: Home,
    starters: Vec<Expert>,
    statistics: Mutex<Counted>,
}

/// One expert of the pool.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct Expert {
    pub manifest: Manifest,
    /// The model file in use.
    #[ts(type = "string")]
    pub file: PathBuf,
    pub statistics: Statistics,
    /// It came with Lectern.
    pub starter: bool,
    /// Why it cannot answer now; it is listed but not asked.
    pub unavailable: Option<String>,
    /// Since when routing passes it by, Unix time in milliseconds; by name it still answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional, type = "number")]
    pub retired: Option<i64>,
}

/// The statistics as last read, and the connection that says whether they changed.
struct Counted {
    database: Connection,
    /// SQLite's number of changes by other connections when `by_expert` was read; `None`: read again.
    seen: Option<i64>,
    by_expert: HashMap<String, Statistics>,
    retired: HashMap<String, i64>,
}

impl Pool {
    /// Opens the pool of this home and puts the starters in place.
    pub fn open(home: &Home) -> Result<Pool, PoolError> {
        Pool::open_with(home, shipped())
    }

    /// The same with other starters.
    pub fn open_with(home: &Home, shipped: &[Shipped]) -> Result<Pool, PoolError> {
        home.prepare()?;
        let starters = starters::install(home, shipped)?;
        let statistics = Counted {
            database: database::open(home)?,
            seen: None,
            by_expert: HashMap::new(),
            retired: HashMap::new(),
        };
        Ok(Pool { home: home.clone(), starters, statistics: Mutex::new(statistics) })
    }

    /// Every expert, starters first, then by name. One whose file is gone says so in `unavailable`.
    pub fn experts(&self) -> Vec<Expert> {
        let mut experts = self.starters.clone();
        experts.extend(self.added().into_iter().filter_map(Result::ok));
        // Statistics that cannot be read now are not measured, as far as anybody can say.
        let (statistics, retired) = self.statistics().unwrap_or_default();
        for expert in &mut experts {
            expert.statistics = statistics.get(&expert.manifest.name).cloned().unwrap_or_default();
            expert.unavailable = unavailable(expert);
            expert.retired = retired.get(&expert.manifest.name).copied();
        }
        experts
    }

    /// Manifests of added experts that are not right.
    pub fn problems(&self) -> Vec<Failure> {
        self.added().into_iter().filter_map(Result::err).map(Failure::from).collect()
    }

    pub fn get(&self, name: &str) -> Result<Expert, PoolError> {
        let experts = self.experts();
        let known =
            || experts.iter().map(|expert| expert.manifest.name.as_str()).collect::<Vec<_>>().join(", ");
        let found = experts.iter().find(|expert| expert.manifest.name == name).cloned();
        found.ok_or_else(|| PoolError::NotFound { name: name.into(), known: known() })
    }

    /// Adds the model in `file`, which is checked first and stays where it is. `domains` as the classifier
    /// names them.
    pub fn add(&self, file: &Path, name: &str, domains: &[String]) -> Result<Manifest, PoolError> {
        check_name(name).map_err(PoolError::BadName)?;
        let manifest_file = self.manifest_file(name);
        if self.starters.iter().any(|starter| starter.manifest.name == name) || manifest_file.exists() {
            return Err(PoolError::NameTaken(name.into()));
        }
        let files =
            |doing: &'static str| move |source| PoolError::Files { doing, path: file.to_path_buf(), source };
        let file = &std::path::absolute(file).map_err(files("find"))?;
        let facts =
            inspect(file).map_err(|error| PoolError::BadFile(said(error.code(), error.fix(), &error)))?;
        if !facts.supported {
            let why_not = facts.why_not.clone().unwrap_or_else(|| "its kind is not known".into());
            return Err(PoolError::Unsupported { path: file.clone(), why_not });
        }
        let sha256 = starters::sha256_of(file).map_err(files("read"))?;
        let mut manifest = Manifest::named(name);
        manifest.domains = domains
            .iter()
            .map(|domain| domain.trim().to_lowercase())
            .filter(|domain| !domain.is_empty())
            .collect();
        manifest.licence = facts.license.clone().unwrap_or_default();
        manifest.origin = "added by you".into();
        manifest.reads = Reads::Conversation;
        manifest.implementations = vec![Implementation {
            file: file.display().to_string(),
            quantisation: facts.quantisation.clone(),
            bytes: facts.size_bytes,
            sha256,
            parameters: facts.parameters,
        }];
        self.write(&manifest)?;
        Ok(manifest)
    }

    /// Adds an expert that is described already, and whose file was checked.
    pub fn put(&self, manifest: &Manifest) -> Result<(), PoolError> {
        check_name(&manifest.name).map_err(PoolError::BadName)?;
        let is_starter = self.starters.iter().any(|starter| starter.manifest.name == manifest.name);
        if is_starter || self.manifest_file(&manifest.name).exists() {
            return Err(PoolError::NameTaken(manifest.name.clone()));
        }
        self.write(manifest)
    }

    /// Takes an added expert out of the pool. Gives the bytes that came free: those of its file when it lies in
    /// our own folder; a file that lies elsewhere is not ours and stays.
    pub fn remove(&self, name: &str) -> Result<u64, PoolError> {
        let expert = self.get(name)?;
        if expert.starter {
            return Err(PoolError::IsStarter(name.into()));
        }
        let manifest_file = self.manifest_file(name);
        std::fs::remove_file(&manifest_file).map_err(|source| PoolError::Files {
            doing: "remove",
            path: manifest_file,
            source,
        })?;
        statistics::remove(&self.counted().database, name)?;
        self.counted().seen = None;
        let is_ours = expert.file.starts_with(self.home.pool_dir());
        let bytes = expert.file.metadata().map(|metadata| metadata.len()).unwrap_or(0);
        if !is_ours || bytes == 0 {
            return Ok(0);
        }
        std::fs::remove_file(&expert.file).map_err(|source| PoolError::Files {
            doing: "remove",
            path: expert.file.clone(),
            source,
        })?;
        Ok(bytes)
    }

    /// Adds one answer to an expert's statistics.
    pub fn record(&self, name: &str, outcome: Outcome) -> Result<(), PoolError> {
        let mut counted = self.counted();
        counted.seen = None;
        statistics::record(&counted.database, name, outcome)
            .map_err(|source| PoolError::Statistics { doing: "write the statistics", source })
    }

    fn manifest_file(&self, name: &str) -> PathBuf {
        self.home.pool_dir().join(format!("{name}.json"))
    }

    fn write(&self, manifest: &Manifest) -> Result<(), PoolError> {
        let path = self.manifest_file(&manifest.name);
        let text = serde_json::to_vec_pretty(manifest)
            .map_err(|error| PoolError::BadManifest { path: path.clone(), detail: error.to_string() })?;
        write_atomically(&path, &text).map_err(|source| PoolError::Files { doing: "write", path, source })
    }

    /// The added experts by name. Read each time: another process may have added one.
    fn added(&self) -> Vec<Result<Expert, PoolError>> {
        let folder = self.home.pool_dir();
        let Ok(entries) = std::fs::read_dir(&folder) else { return Vec::new() };
        let mut files: Vec<PathBuf> =
            entries.flatten().map(|entry| entry.path()).filter(|path| is_manifest(path)).collect();
        files.sort();
        files.iter().map(|path| self.read(path)).collect()
    }

    fn read(&self, path: &Path) -> Result<Expert, PoolError> {
        let bad = |detail: String| PoolError::BadManifest { path: path.to_path_buf(), detail };
        let text = std::fs::read_to_string(path).map_err(|source| PoolError::Files {
            doing: "read",
            path: path.to_path_buf(),
            source,
        })?;
        let manifest = Manifest::from_json(&text).map_err(bad)?;
        if path.file_stem().is_none_or(|stem| stem != manifest.name.as_str()) {
            return Err(bad(format!("it is named {:?} inside", manifest.name)));
        }
        if self.starters.iter().any(|starter| starter.manifest.name == manifest.name) {
            return Err(bad("a starter has that name".into()));
        }
        let implementation =
            manifest.implementations.first().ok_or_else(|| bad("it names no file".into()))?;
        let file = self.home.pool_dir().join(&implementation.file);
        Ok(Expert {
            manifest,
            file,
            statistics: Statistics::default(),
            starter: false,
            unavailable: None,
            retired: None,
        })
    }

    fn counted(&self) -> MutexGuard<'_, Counted> {
        self.statistics.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn statistics(&self) -> rusqlite::Result<(HashMap<String, Statistics>, HashMap<String, i64>)> {
        let mut counted = self.counted();
        let now: i64 = counted.database.query_row("PRAGMA data_version", [], |row| row.get(0))?;
        if counted.seen != Some(now) {
            counted.by_expert = statistics::all(&counted.database)?;
            counted.retired = retired::all(&counted.database)?;
            counted.seen = Some(now);
        }
        Ok((counted.by_expert.clone(), counted.retired.clone()))
    }
}

/// What the reader of model files said, with its own remedy.
fn said(code: &str, fix: &str, error: &impl std::fmt::Display) -> Failure {
    Failure { code: code.into(), message: error.to_string(), fix: fix.into(), detail: None }
}

/// Hidden files are those being written.
fn is_manifest(path: &Path) -> bool {
    let is_json = path.extension().is_some_and(|extension| extension == "json");
    is_json && path.file_name().is_some_and(|name| !name.to_string_lossy().starts_with('.'))
}

/// Why the file of an expert cannot be used now.
fn unavailable(expert: &Expert) -> Option<String> {
    let expected = expert.manifest.implementations.first().map_or(0, |implementation| implementation.bytes);
    match expert.file.metadata() {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            Some(format!("its file {} is gone", expert.file.display()))
        }
        Err(error) => Some(format!("its file {} cannot be read: {error}", expert.file.display())),
        Ok(metadata) if !metadata.is_file() => Some(format!("{} is no file", expert.file.display())),
        Ok(metadata) if expected > 0 && metadata.len() != expected => Some(format!(
            "its file {} has {} bytes now and had {expected}",
            expert.file.display(),
            metadata.len()
        )),
        Ok(_) => None,
    }
}
