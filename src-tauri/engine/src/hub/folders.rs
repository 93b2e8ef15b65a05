//! Folders: models in folders that the user named are offered as experts: in the pool while their files are there, asked
//! by hand alone until somebody says what for, never moved and never written.
//!
//! In:     the folders of the settings
//! Out:    each of their GGUF files with the expert that it is, or why it is none
//! Fails:  a file that cannot be an expert says why; a folder that is away offers nothing
//! Cost:   lists folders six deep; reads the header of a file that is new

use super::disk::{models_under, whole};
use super::expert::free_name;
use crate::pool::{Implementation, Manifest, Offer, Pool, Reads};
use crate::settings::Settings;
use crate::words::Failure;
use notify::event::{AccessKind, AccessMode};
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use runtime::inspect::inspect;
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;
use ts_rs::TS;

/// A copy into a folder makes many events; what is looked at is the folder after so long a silence.
const QUIET: Duration = Duration::from_millis(500);

/// One folder of the settings.
#[derive(Clone, Debug, PartialEq, Serialize, TS)]
pub struct Folder {
    pub path: String,
    /// It is there now; a drive may be unplugged.
    pub here: bool,
    pub files: Vec<Watched>,
}

/// One GGUF file in it.
#[derive(Clone, Debug, PartialEq, Serialize, TS)]
pub struct Watched {
    #[ts(type = "string")]
    pub path: PathBuf,
    #[ts(type = "number")]
    pub bytes: u64,
    /// The expert that it is.
    pub expert: Option<String>,
    /// Why it is none.
    pub why_not: Option<String>,
}

/// Looks through the folders of the settings and offers what is new in them. Offers of folders that are watched no more
/// go.
pub fn offer(pool: &Pool, settings: &Settings) -> Result<Vec<Folder>, Failure> {
    let folders: Vec<PathBuf> = settings.hub.folders.iter().map(PathBuf::from).collect();
    let mut known: BTreeMap<PathBuf, Manifest> = BTreeMap::new();
    for manifest in pool.manifests() {
        let is_watched = |file: &str| folders.iter().any(|folder| Path::new(file).starts_with(folder));
        let is_offer = manifest.offer != Offer::Accepted;
        if is_offer && !manifest.implementations.iter().any(|its| is_watched(&its.file)) {
            pool.forget(&manifest.name)?;
            continue;
        }
        for its in &manifest.implementations {
            let path = PathBuf::from(&its.file);
            known.insert(path.canonicalize().unwrap_or(path), manifest.clone());
        }
    }
    let mut found = Vec::new();
    for folder in folders {
        let mut files = Vec::new();
        for path in models_under(&folder) {
            let Some((real, bytes)) = whole(&path) else { continue };
            let manifest = known.get(&real);
            let is_as_it_was = |manifest: &Manifest| {
                let its = manifest.implementations.iter().find(|its| Path::new(&its.file) == path);
                manifest.offer != Offer::Open || its.is_none_or(|its| its.bytes == bytes)
            };
            let (expert, why_not) = match manifest {
                Some(known) if known.offer == Offer::Declined => (None, Some("you removed it".to_owned())),
                Some(known) if is_as_it_was(known) => (Some(known.name.clone()), None),
                _ => match offer_one(pool, &folder, &path, manifest) {
                    Ok(name) => (Some(name), None),
                    Err(failure) => (None, Some(failure.message)),
                },
            };
            files.push(Watched { path, bytes, expert, why_not });
        }
        found.push(Folder { path: folder.display().to_string(), here: folder.is_dir(), files });
    }
    Ok(found)
}

/// Offers one file: as one more of a model that is offered already, else as a new expert. Gives its name. `known`: the
/// offer of another file that was here.
fn offer_one(pool: &Pool, folder: &Path, file: &Path, known: Option<&Manifest>) -> Result<String, Failure> {
    let facts = inspect(file).map_err(|error| Failure {
        code: error.code().into(),
        message: error.problem.to_string(),
        fix: error.fix().into(),
        detail: None,
    })?;
    if !facts.supported {
        let message = facts.why_not.unwrap_or_else(|| "its kind is not known".into());
        return Err(Failure { code: "hub.unsupported".into(), message, fix: String::new(), detail: None });
    }
    let its = Implementation::of(file, &facts, "");
    let is_same = |offered: &Manifest| {
        let is_open = offered.offer == Offer::Open;
        is_open && offered.implementations.iter().any(|other| other.is_same_model(&its))
    };
    if let Some(same) = pool.manifests().into_iter().find(|offered| is_same(offered)) {
        return Ok(pool.extend(same, its)?.name);
    }
    if let Some(known) = known.filter(|known| known.offer == Offer::Open) {
        pool.forget(&known.name)?;
    }
    let last = file.file_name().unwrap_or_default().to_string_lossy();
    let mut manifest = Manifest::named(&free_name(&last, pool));
    let title = facts.name.as_deref().map(str::trim).filter(|title| !title.is_empty());
    manifest.title = title.unwrap_or(last.trim_end_matches(".gguf")).to_owned();
    manifest.licence = facts.license.unwrap_or_default();
    manifest.origin = format!("offered from {}", folder.display());
    manifest.sampling = facts.sampling;
    manifest.reads = Reads::Conversation;
    manifest.offer = Offer::Open;
    manifest.implementations = vec![its];
    pool.put(&manifest)?;
    Ok(manifest.name)
}

/// Hears of changes in folders until it is dropped.
pub struct Watch {
    _watcher: RecommendedWatcher,
}

impl Watch {
    /// `changed` is called from a thread of its own, once for changes that come together. A folder that is away, or that
    /// the system does not watch, is only looked at when somebody looks.
    pub fn begin(folders: &[PathBuf], changed: impl Fn() + Send + 'static) -> notify::Result<Watch> {
        let (tell, told) = channel();
        let mut watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
            if event.is_ok_and(|event| says_something(&event.kind)) {
                // Nobody listens any more: the watch ends.
                let _ = tell.send(());
            }
        })?;
        for folder in folders {
            let _ = watcher.watch(folder, RecursiveMode::Recursive);
        }
        let listen = move || {
            while told.recv().is_ok() {
                loop {
                    match told.recv_timeout(QUIET) {
                        Ok(()) => {}
                        Err(RecvTimeoutError::Timeout) => break,
                        Err(RecvTimeoutError::Disconnected) => return,
                    }
                }
                changed();
            }
        };
        std::thread::Builder::new().name("folders".into()).spawn(listen).map_err(notify::Error::io)?;
        Ok(Watch { _watcher: watcher })
    }
}

/// Reading a file changes nothing; that a writer closed it does.
fn says_something(kind: &EventKind) -> bool {
    !matches!(kind, EventKind::Access(access) if *access != AccessKind::Close(AccessMode::Write))
}
