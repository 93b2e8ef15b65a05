//! Model pruning: find the experts inside a mixture that a person's own questions do not need, and write the model
//! without them.
//!
//! In:     a mixture's file, questions (JSON lines)
//! Out:    [`scan`] scores every expert, [`plan`] says who stays, [`check`] says what that would cost before a byte is
//!         written, [`curve`] the same of several sizes at once, [`write`] writes the smaller file
//! Fails:  [`PruneError`]
//! Cost:   scan: one pass over the questions and their answers; check: two, three with a rival; curve: one for each size;
//!         write: a copy of what stays
//! Source: REAP (arXiv:2510.13999), EASY-EP (arXiv:2504.06792), AIMER (arXiv:2603.18492), mean norms (arXiv:2606.15716),
//!         and super experts (arXiv:2507.23279)
//!
//! The file is not trusted: everything but its header is read in processes of its own (`runtime::host`).

mod check;
mod curve;
mod interval;
mod plan;
mod questions;
mod rival;
mod scan;
mod write;

use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use runtime::gguf::{GgufError, Header};
use runtime::host::{Host, HostError, Purpose, Spawn};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use ts_rs::TS;

pub use check::{Check, Delta, Outcome, Running, Topic, Trial, check};
pub use curve::{Curve, Point, curve};
pub use interval::Interval;
pub use plan::{Coverage, LayerPlan, Plan, PlanHow, Score, plan};
pub use questions::{Asking, Question, questions};
pub use rival::Rival;
pub use scan::{Calibration, ExpertScores, Growing, LayerScores, Scan, SuperExpert, scan};
pub use write::{Written, size_of, write};

/// Why nothing was pruned.
#[derive(Debug, thiserror::Error)]
pub enum PruneError {
    #[error("{path}: {why}", path = .0.display(), why = .1)]
    File(PathBuf, io::Error),
    #[error("{path}, line {line}: {why}", path = .path.display())]
    Line { path: PathBuf, line: usize, why: String },
    #[error("{path}: this is no {what}: {why}", path = .path.display())]
    Document { path: PathBuf, what: &'static str, why: String },
    #[error("{path}: the model is no mixture: it has no experts to prune", path = .0.display())]
    NoMixture(PathBuf),
    #[error("{path}: this is not the model that the {what} was made for: {why}", path = .path.display())]
    OtherModel { path: PathBuf, what: &'static str, why: String },
    #[error("{0}")]
    Usage(String),
    #[error("the plan is not written: {0}")]
    Unchecked(String),
    #[error(
        "there is nothing to cut: layer {layer} keeps all of its {experts} experts, and a file has one number for all layers"
    )]
    Nothing { layer: usize, experts: usize },
    #[error("{0}")]
    NotTheSame(String),
    #[error(transparent)]
    Gguf(#[from] GgufError),
    #[error(transparent)]
    Host(#[from] HostError),
}

impl PruneError {
    /// Stable name for programs.
    pub fn code(&self) -> &str {
        match self {
            PruneError::File(..) => "file.unusable",
            PruneError::Line { .. } => "bad_line",
            PruneError::Document { .. } => "prune.document",
            PruneError::NoMixture(_) => "prune.no_mixture",
            PruneError::OtherModel { .. } => "prune.other_model",
            PruneError::Usage(_) => "prune.usage",
            PruneError::Unchecked(_) => "prune.blocked",
            PruneError::Nothing { .. } => "prune.nothing",
            PruneError::NotTheSame(_) => "prune.not_the_same",
            PruneError::Gguf(error) => error.code(),
            PruneError::Host(error) => error.code(),
        }
    }
    /// What to do about it.
    pub fn fix(&self) -> &str {
        match self {
            PruneError::File(..) => "Check that the path is right, may be used and has room.",
            PruneError::Line { .. } => {
                "Each line is an object with \"question\", and \"answer\", \"topic\" and \"weight\" if you like."
            }
            PruneError::Document { .. } => "Make it again with `lectern prune scan` or `lectern prune plan`.",
            PruneError::NoMixture(_) => {
                "Choose a mixture of experts; `lectern model inspect` says how many it has."
            }
            PruneError::OtherModel { .. } => "Use the file that was scanned, or scan this one.",
            PruneError::Usage(_) => "`lectern prune --help` says what is possible.",
            PruneError::Unchecked(_) => {
                "Check it with `lectern prune check`, with more experts kept where it was blocked; `--unchecked` writes it all the same."
            }
            PruneError::Nothing { .. } => "Keep fewer experts, in every layer.",
            PruneError::NotTheSame(_) => "Nothing was written. Please report this with the model's name.",
            PruneError::Gguf(error) => error.fix(),
            PruneError::Host(error) => error.fix(),
        }
    }
}

fn file(path: &Path) -> impl Fn(io::Error) -> PruneError {
    let path = path.to_path_buf();
    move |error| PruneError::File(path.clone(), error)
}

/// How to start the processes that read the model.
#[derive(Clone, Debug)]
pub struct Workshop {
    /// The program that has `runtime::host::serve_if_asked` in its `main`.
    pub executable: PathBuf,
    pub threads: Option<usize>,
    pub stop: Arc<AtomicBool>,
}

impl Workshop {
    /// On the processor, where every layer can be watched and logits are the same at every run.
    fn spawn(&self, model: &Path) -> Spawn {
        let spawn = Spawn::new(&self.executable, model);
        Spawn { threads: self.threads, purpose: Purpose::Generate, device: false, ..spawn }
    }

    fn start(&self, model: &Path) -> Result<Host, PruneError> {
        Ok(Host::start_unless(self.spawn(model), &self.stop, &mut |_| {})?)
    }
}

/// Which model a document is about, from its header alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct ModelId {
    pub name: Option<String>,
    pub architecture: String,
    pub bytes: u64,
    /// Of the file's header.
    pub header_sha256: String,
    pub experts: u32,
    pub experts_used: u32,
}

impl ModelId {
    /// Reads the header of a mixture.
    pub fn read(path: &Path) -> Result<ModelId, PruneError> {
        let header = Header::read(path)?;
        let architecture = header.text("general.architecture")?.unwrap_or_default().to_owned();
        let number = |key: &str| header.u32(&format!("{architecture}.{key}"));
        let experts = number("expert_count")?.unwrap_or(0);
        let experts_used = number("expert_used_count")?.unwrap_or(0);
        if experts == 0 || experts_used == 0 || experts_used > experts {
            return Err(PruneError::NoMixture(path.to_path_buf()));
        }
        let mut sum = Sha256::new();
        let source = std::fs::File::open(path).map_err(file(path))?;
        io::copy(&mut source.take(header.data_start()), &mut sum).map_err(file(path))?;
        Ok(ModelId {
            name: header.text("general.name")?.map(str::to_owned),
            bytes: header.size(),
            header_sha256: format!("{:x}", sum.finalize()),
            architecture,
            experts,
            experts_used,
        })
    }

    /// The model at `path` must be this one.
    fn must_be(&self, path: &Path, what: &'static str) -> Result<(), PruneError> {
        let found = ModelId::read(path)?;
        if found == *self {
            return Ok(());
        }
        let why = if found.bytes != self.bytes {
            format!("it has {} bytes, and that one {}", found.bytes, self.bytes)
        } else {
            "their headers differ".into()
        };
        Err(PruneError::OtherModel { path: path.to_path_buf(), what, why })
    }
}

/// Writes a document whole or not at all.
pub fn save<T: Document>(path: &Path, document: &T) -> Result<(), PruneError> {
    let text = serde_json::to_string(document).map_err(|error| file(path)(error.into()))?;
    publish(path, |out| out.write_all(text.as_bytes()).and_then(|()| out.write_all(b"\n")))
}

/// Writes beside `path`, then moves it there.
fn publish(path: &Path, write: impl FnOnce(&mut std::fs::File) -> io::Result<()>) -> Result<(), PruneError> {
    let part = part_of(path);
    let written = std::fs::File::create(&part).and_then(|mut out| {
        write(&mut out)?;
        out.sync_all()?;
        std::fs::rename(&part, path)
    });
    written.map_err(|error| {
        let _ = std::fs::remove_file(&part);
        file(path)(error)
    })
}

/// Removes what writers of `out` have left that were killed: nobody holds it locked.
fn sweep(out: &Path) {
    let Some(name) = out.file_name().map(|name| name.to_string_lossy().into_owned()) else { return };
    let folder = out.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let file = entry.file_name().to_string_lossy().into_owned();
        let writer = file.strip_prefix(&name).and_then(|rest| rest.strip_prefix('.')?.strip_suffix(".part"));
        let is_ours = writer.is_some_and(|writer| writer.parse::<u32>().is_ok());
        if is_ours && std::fs::File::open(entry.path()).is_ok_and(|file| file.try_lock().is_ok()) {
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

/// Where a file is written before it is whole.
fn part_of(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(format!(".{}.part", std::process::id()));
    path.with_file_name(name)
}

/// What is written for people to look at, and may come back changed.
pub trait Document: Serialize + DeserializeOwned {
    /// For messages.
    const WHAT: &'static str;
    /// What does not fit together, if anything: the field, and why.
    fn sound(&self) -> Result<(), String>;
}

/// Reads a document that [`save`] wrote.
pub fn load<T: Document>(path: &Path) -> Result<T, PruneError> {
    let text = std::fs::read_to_string(path).map_err(file(path))?;
    let wrong = |why: String| PruneError::Document { path: path.to_path_buf(), what: T::WHAT, why };
    let mut json = serde_json::Deserializer::from_str(&text);
    let document: T =
        serde_path_to_error::deserialize(&mut json).map_err(|error| wrong(error.to_string()))?;
    json.end().map_err(|error| wrong(error.to_string()))?;
    document.sound().map_err(wrong)?;
    Ok(document)
}
