//! Pool: the experts, those that came with Lectern and those that the user added.
//!
//! In:     shipped starters, model files that the user points to, outcomes of answers
//! Out:    experts with their manifests, files and measured statistics
//! Fails:  a file that is no model or cannot be run (said before anything is added), a name that is taken
//! Cost:   opening compares a few file sizes; listing reads a few small files when something changed
//! Source: manifests are JSON files under the home; statistics are rows of its database

mod choice;
mod edit;
mod endpoint;
mod failure;
mod file;
mod followed;
mod handles;
mod manifest;
mod mask;
mod retired;
mod starters;
mod statistics;
mod yaml;

pub use crate::archive::STARTER_REFUSAL as REFUSAL;
pub use choice::{base, is_quantisation};
pub use edit::Edit;
pub use endpoint::Endpoint;
pub use failure::PoolError;
pub use file::{Aggregation, Entry, Management, PoolFile, Router, RouterKind, Server};
pub use followed::FileState;
pub use handles::Handles;
pub use manifest::{Capability, Implementation, Manifest, Measured, Offer, Reads, check_name};
pub use mask::{Mask, MaskedLayer};
pub use retired::Change;
pub use starters::{Shipped, gate, shipped};
pub(crate) use statistics::percentile;
pub use statistics::{Counts, Outcome, Statistics};
pub(crate) use yaml::of_yaml;

use crate::archive::database;
use crate::home::{Home, write_atomically};
use crate::words::Failure;
use runtime::inspect::inspect;
use rusqlite::Connection;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use ts_rs::TS;

/// Open for one process; any number of threads.
pub struct Pool {
    home: Home,
    starters: Vec<Expert>,
    statistics: Mutex<Counted>,
    /// Memory that the file of an expert is chosen for.
    budget_bytes: AtomicU64,
    followed: Mutex<file::Followed>,
    /// Why no question may leave Lectern.
    inside: Mutex<Option<String>>,
}

/// One expert of the pool.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct Expert {
    pub manifest: Manifest,
    /// The model file in use.
    #[ts(type = "string")]
    pub file: PathBuf,
    /// Its place among the manifest's implementations.
    #[ts(type = "number")]
    pub using: usize,
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

impl Expert {
    /// Routing may send questions to it.
    pub fn is_ready(&self) -> bool {
        let comes_by_itself = self.endpoint().is_none_or(|endpoint| endpoint.automatic);
        self.is_there() && self.retired.is_none() && comes_by_itself
    }

    /// It can be asked by name.
    pub fn is_there(&self) -> bool {
        self.unavailable.is_none()
    }

    /// Where it is asked, when that is outside Lectern.
    pub fn endpoint(&self) -> Option<&Endpoint> {
        self.implementation()?.endpoint.as_ref()
    }

    /// The implementation in use.
    pub fn implementation(&self) -> Option<&Implementation> {
        self.manifest.implementations.get(self.using)
    }
}

/// A file that was taken out of an expert.
#[derive(Clone, Debug, PartialEq)]
pub struct Taken {
    pub file: Implementation,
    /// Where it stood among the others.
    place: usize,
    /// The user had chosen it.
    is_chosen: bool,
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
        let (statistics, budget_bytes) = (Mutex::new(statistics), AtomicU64::new(u64::MAX));
        let followed = Mutex::default();
        let inside = Mutex::new(Some("experts outside Lectern are switched off".into()));
        Ok(Pool { home: home.clone(), starters, statistics, budget_bytes, followed, inside })
    }

    /// From now on an expert with several files uses the best that takes at most so much memory; without limit until
    /// somebody says one.
    pub fn fit(&self, budget_bytes: u64) {
        self.budget_bytes.store(budget_bytes, Ordering::Relaxed);
    }

    /// Every expert, starters first, then by name. One whose file is gone says so in `unavailable`; one that is only
    /// offered is gone with it.
    pub fn experts(&self) -> Vec<Expert> {
        let mut experts = self.starters.clone();
        experts.iter_mut().for_each(|starter| self.masked(starter));
        experts.extend(self.added().into_iter().filter_map(Result::ok).filter(|expert| {
            match expert.manifest.offer {
                Offer::Accepted => true,
                Offer::Open => self.unavailable(expert).is_none(),
                Offer::Declined => false,
            }
        }));
        // Statistics that cannot be read now are not measured, as far as anybody can say.
        let (statistics, retired) = self.statistics().unwrap_or_default();
        for expert in &mut experts {
            expert.statistics = statistics.get(&expert.manifest.name).cloned().unwrap_or_default();
            expert.unavailable = self.unavailable(expert);
            expert.retired = retired.get(&expert.manifest.name).copied();
        }
        experts
    }

    /// Manifests of added experts that are not right, and a pool file that is not.
    pub fn problems(&self) -> Vec<Failure> {
        let manifests = self.added().into_iter().filter_map(Result::err).map(Failure::from);
        self.file_problem().into_iter().chain(manifests).collect()
    }

    pub fn get(&self, name: &str) -> Result<Expert, PoolError> {
        let experts = self.experts();
        let known =
            || experts.iter().map(|expert| expert.manifest.name.as_str()).collect::<Vec<_>>().join(", ");
        let found = experts.iter().find(|expert| expert.manifest.name == name).cloned();
        found.ok_or_else(|| PoolError::NotFound { name: name.into(), known: known() })
    }

    /// Every manifest that was added, those of experts that are not there included.
    pub fn manifests(&self) -> Vec<Manifest> {
        self.added().into_iter().filter_map(Result::ok).map(|expert| expert.manifest).collect()
    }

    /// Adds the model in `file`, which is checked first and stays where it is. `domains` as the classifier names them.
    /// Where the expert of that name is the same model with other bits a weight, the file becomes one of its own.
    pub fn add(&self, file: &Path, name: &str, domains: &[String]) -> Result<Manifest, PoolError> {
        check_name(name).map_err(PoolError::BadName)?;
        let is_wanted = |expert: &Expert| !expert.starter && expert.manifest.offer == Offer::Accepted;
        let known = self.get(name).ok().filter(is_wanted);
        if known.is_none() && !self.is_free(name) {
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
        let unsummed = Implementation::of(file, &facts, "");
        let is_its_own = |expert: &Expert| {
            let files = &expert.manifest.implementations;
            files.iter().any(|its| its.is_same_model(&unsummed))
                && files.iter().all(|its| its.file != unsummed.file)
        };
        if known.as_ref().is_some_and(|expert| !is_its_own(expert)) {
            return Err(PoolError::NameTaken(name.into()));
        }
        let sha256 = starters::sha256_of(file).map_err(files("read"))?;
        let implementation = Implementation { sha256, ..unsummed };
        if let Some(expert) = known {
            return self.extend(expert.manifest, implementation);
        }
        let mut manifest = Manifest::named(name);
        manifest.domains = edit::plain(domains);
        manifest.sampling = facts.sampling.clone();
        manifest.licence = facts.license.clone().unwrap_or_default();
        manifest.origin = "added by you".into();
        manifest.reads = Reads::Conversation;
        manifest.implementations = vec![implementation];
        self.put(&manifest)?;
        Ok(manifest)
    }

    /// Adds an expert that is described already, and whose file was checked. What was only offered of the same files
    /// is that no more.
    pub fn put(&self, manifest: &Manifest) -> Result<(), PoolError> {
        check_name(&manifest.name).map_err(PoolError::BadName)?;
        if !self.is_free(&manifest.name) {
            return Err(PoolError::NameTaken(manifest.name.clone()));
        }
        let uses = |file: &String| manifest.implementations.iter().any(|its| its.file == *file);
        // Another model was offered under this name: what it did here is not to be taken for this one's.
        let before = self.read(&self.manifest_file(&manifest.name)).map(|expert| expert.manifest);
        if before.is_ok_and(|before| !before.implementations.iter().any(|its| uses(&its.file))) {
            self.forget(&manifest.name)?;
        }
        self.write(manifest)?;
        for mut offered in self.manifests() {
            if offered.offer != Offer::Open || offered.name == manifest.name {
                continue;
            }
            let before = offered.implementations.len();
            offered.implementations.retain(|its| !uses(&its.file));
            match offered.implementations.len() {
                0 => self.forget(&offered.name)?,
                now if now < before => self.write(&offered)?,
                _ => {}
            }
        }
        Ok(())
    }

    /// Another file of the same model; a file that it has already is described anew.
    pub fn extend(&self, mut manifest: Manifest, file: Implementation) -> Result<Manifest, PoolError> {
        match manifest.implementations.iter_mut().find(|its| its.file == file.file) {
            Some(known) => *known = file,
            None => manifest.implementations.push(file),
        }
        self.write(&manifest)?;
        Ok(manifest)
    }

    /// Which of its files an expert uses, by the file or its quantisation; `None`: the best that fits.
    pub fn choose(&self, name: &str, file: Option<&str>) -> Result<Expert, PoolError> {
        let expert = self.get(name)?;
        if expert.starter {
            return Err(PoolError::IsStarter(name.into()));
        }
        let mut manifest = expert.manifest;
        manifest.uses = match file {
            None => None,
            Some(wanted) => Some(manifest.implementations[place_of(&manifest, wanted)?].file.clone()),
        };
        self.write(&manifest)?;
        self.get(name)
    }

    /// Takes one of several files out of an expert, by the file or its quantisation; gives it with its place, and the
    /// expert as it is then. When it was the chosen one, the best of the others that fits is used. The file itself stays.
    pub fn take_file(&self, name: &str, wanted: &str) -> Result<(Taken, Expert), PoolError> {
        let expert = self.get(name)?;
        if expert.starter {
            return Err(PoolError::IsStarter(name.into()));
        }
        let mut manifest = expert.manifest;
        let place = place_of(&manifest, wanted)?;
        if manifest.offer == Offer::Open {
            return Err(PoolError::IsOffered(name.into()));
        }
        if manifest.implementations.len() == 1 {
            return Err(PoolError::LastFile(name.into()));
        }
        let file = manifest.implementations.remove(place);
        let is_chosen = manifest.uses.take_if(|uses| *uses == file.file).is_some();
        self.write(&manifest)?;
        Ok((Taken { file, place, is_chosen }, self.get(name)?))
    }

    /// Undoes [`Pool::take_file`].
    pub fn give_file(&self, name: &str, taken: &Taken) -> Result<Expert, PoolError> {
        let mut manifest = self.get(name)?.manifest;
        if manifest.implementations.iter().all(|its| its.file != taken.file.file) {
            let place = taken.place.min(manifest.implementations.len());
            manifest.implementations.insert(place, taken.file.clone());
        }
        if taken.is_chosen && manifest.uses.is_none() {
            manifest.uses = Some(taken.file.file.clone());
        }
        self.write(&manifest)?;
        self.get(name)
    }

    /// Manifests that name the file `real`, links resolved, name it as `there` says from now on.
    pub fn follow(&self, real: &Path, there: &dyn Fn(&Path) -> PathBuf) -> Result<(), PoolError> {
        let moved = |file: &str| {
            let path = PathBuf::from(file);
            let is_it = path.canonicalize().is_ok_and(|path| path == real);
            is_it.then(|| there(&path).display().to_string())
        };
        for mut manifest in self.manifests() {
            let before = manifest.clone();
            let files = manifest.implementations.iter_mut().map(|its| &mut its.file);
            for file in files.chain(manifest.uses.as_mut()) {
                if let Some(there) = moved(file) {
                    *file = there;
                }
            }
            if manifest != before {
                self.write(&manifest)?;
            }
        }
        Ok(())
    }

    /// Takes an added expert out of the pool. Gives the bytes that came free: those of its files that lie in our own
    /// folder; what lies elsewhere is not ours and stays. One that a watched folder offers is declined.
    pub fn remove(&self, name: &str) -> Result<u64, PoolError> {
        let expert = self.get(name)?;
        if expert.starter {
            return Err(PoolError::IsStarter(name.into()));
        }
        if expert.manifest.offer == Offer::Open {
            self.write(&Manifest { offer: Offer::Declined, ..expert.manifest })?;
            return Ok(0);
        }
        self.forget(name)?;
        let mut freed = 0;
        for its in &expert.manifest.implementations {
            let file = PathBuf::from(&its.file);
            let bytes = file.metadata().map(|metadata| metadata.len()).unwrap_or(0);
            if file.starts_with(self.home.pool_dir()) && bytes > 0 {
                let doing = "remove";
                std::fs::remove_file(&file).map_err(|source| PoolError::Files {
                    doing,
                    path: file,
                    source,
                })?;
                freed += bytes;
            }
        }
        Ok(freed)
    }

    /// Its manifest and its figures go; its files stay.
    pub fn forget(&self, name: &str) -> Result<(), PoolError> {
        let path = self.manifest_file(name);
        std::fs::remove_file(&path).map_err(|source| PoolError::Files { doing: "remove", path, source })?;
        statistics::remove(&self.counted().database, name)?;
        self.counted().seen = None;
        Ok(())
    }

    /// What was counted of an expert, to be kept while it is away.
    pub fn counts(&self, name: &str) -> Result<Counts, PoolError> {
        statistics::counts(&self.counted().database, name)
    }

    /// What was counted counts again.
    pub fn put_back(&self, counts: &Counts) -> Result<(), PoolError> {
        let mut counted = self.counted();
        counted.seen = None;
        statistics::put_back(&counted.database, counts)
    }

    /// Adds one answer to an expert's statistics.
    pub fn record(&self, name: &str, outcome: Outcome) -> Result<(), PoolError> {
        let mut counted = self.counted();
        counted.seen = None;
        statistics::record(&counted.database, name, outcome)
            .map_err(|source| PoolError::Statistics { doing: "write the statistics", source })
    }

    /// Adds to the queue's counters: questions that had their turn, loads that were saved, time that was waited.
    pub fn count_queue(&self, turns: u64, loads_saved: u64, waited_ms: f64) -> Result<(), PoolError> {
        if turns == 0 && loads_saved == 0 {
            return Ok(());
        }
        statistics::count_queue(&self.counted().database, turns, loads_saved, waited_ms)
            .map_err(|source| PoolError::Statistics { doing: "write the counters", source })
    }

    /// Nobody whom somebody wanted has the name.
    fn is_free(&self, name: &str) -> bool {
        let manifest_file = self.manifest_file(name);
        let is_offer =
            || self.read(&manifest_file).is_ok_and(|expert| expert.manifest.offer != Offer::Accepted);
        let is_starter = self.starters.iter().any(|starter| starter.manifest.name == name);
        !is_starter && (!manifest_file.exists() || is_offer())
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
        let mut manifest = Manifest::from_json(&text).map_err(bad)?;
        if path.file_stem().is_none_or(|stem| stem != manifest.name.as_str()) {
            return Err(bad(format!("it is named {:?} inside", manifest.name)));
        }
        if self.starters.iter().any(|starter| starter.manifest.name == manifest.name) {
            return Err(bad("a starter has that name".into()));
        }
        if manifest.implementations.is_empty() {
            return Err(bad("it names no file".into()));
        }
        // A path that is not absolute lies beside the manifest.
        for its in &mut manifest.implementations {
            if let Some(endpoint) = &its.endpoint {
                endpoint.check().map_err(|error| bad(error.to_string()))?;
            }
            its.file = self.path_of(its).display().to_string();
        }
        if let Some(file) = &mut manifest.uses {
            *file = self.home.pool_dir().join(&*file).display().to_string();
        }
        let using = choice::choose(&manifest, self.budget_bytes.load(Ordering::Relaxed));
        let file = PathBuf::from(&manifest.implementations[using].file);
        let statistics = Statistics::default();
        Ok(Expert { manifest, file, using, statistics, starter: false, unavailable: None, retired: None })
    }

    /// Why an expert cannot be asked now.
    fn unavailable(&self, expert: &Expert) -> Option<String> {
        match expert.endpoint() {
            Some(_) => self.inside().clone(),
            None => choice::why_not(&expert.file, expert.implementation().map_or(0, |its| its.bytes)),
        }
    }

    fn inside(&self) -> MutexGuard<'_, Option<String>> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn followed(&self) -> MutexGuard<'_, file::Followed> {
        self.followed.lock().unwrap_or_else(PoisonError::into_inner)
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

/// Where the file stands that somebody names by its path or its quantisation.
fn place_of(manifest: &Manifest, wanted: &str) -> Result<usize, PoolError> {
    let files = &manifest.implementations;
    let (name, wanted) = (manifest.name.clone(), wanted.to_owned());
    if let Some(place) = files.iter().position(|its| its.file == wanted) {
        return Ok(place);
    }
    let named: Vec<usize> =
        (0..files.len()).filter(|&at| files[at].quantisation.eq_ignore_ascii_case(&wanted)).collect();
    let list = |of: &dyn Fn(&Implementation) -> String| files.iter().map(of).collect::<Vec<_>>().join(", ");
    match named[..] {
        [place] => Ok(place),
        [] => Err(PoolError::NoFile { name, wanted, known: list(&|its| its.quantisation.clone()) }),
        _ => Err(PoolError::WhichFile { name, wanted, known: list(&|its| its.file.clone()) }),
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
