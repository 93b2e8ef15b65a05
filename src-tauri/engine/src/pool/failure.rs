//! What can go wrong in the pool, with what to do.

use crate::archive::ArchiveError;
use crate::home::HomeError;
use crate::words::Failure;
use std::path::PathBuf;

#[derive(Debug, thiserror::Error)]
pub enum PoolError {
    #[error(transparent)]
    Home(#[from] HomeError),
    #[error(transparent)]
    Database(#[from] ArchiveError),
    #[error("could not {doing}: {source}")]
    Statistics { doing: &'static str, source: rusqlite::Error },
    #[error("could not {doing} {}: {source}", path.display())]
    Files { doing: &'static str, path: PathBuf, source: std::io::Error },
    #[error("the manifest {} is not right: {detail}", path.display())]
    BadManifest { path: PathBuf, detail: String },
    /// `place`: file, line and column.
    #[error("{place}: {what}")]
    BadPoolFile { place: String, what: String },
    #[error("the address {url:?} cannot be used: {why}")]
    BadEndpoint { url: String, why: String },
    #[error("{0}")]
    BadName(String),
    #[error("there is an expert named {0} already")]
    NameTaken(String),
    #[error("there is no expert named {name}; the pool has {known}")]
    NotFound { name: String, known: String },
    #[error("{name} has no file {wanted}; it has {known}")]
    NoFile { name: String, wanted: String, known: String },
    #[error("{name} has several files {wanted}: {known}")]
    WhichFile { name: String, wanted: String, known: String },
    #[error("{field} {why}")]
    BadEdit { field: &'static str, why: &'static str },
    #[error("{0} has no other file")]
    LastFile(String),
    #[error("{0} is only offered: its files come and go with the folder that has them")]
    IsOffered(String),
    #[error("the mask does not fit {file}: {why}")]
    Mask { file: String, why: String },
    #[error("{} was not made from a file of {name} by model pruning", path.display())]
    NotPruned { name: String, path: PathBuf },
    #[error("{0} came with Lectern and cannot be removed")]
    IsStarter(String),
    /// The file is no model, or broken: what its reader said.
    #[error("{}", .0.message)]
    BadFile(Failure),
    #[error("{} holds a model that this Lectern cannot run: {why_not}", path.display())]
    Unsupported { path: PathBuf, why_not: String },
}

impl From<PoolError> for Failure {
    fn from(error: PoolError) -> Failure {
        let message = error.to_string();
        let (code, fix) = match error {
            // These know their own code and remedy.
            PoolError::BadFile(failure) => return failure,
            PoolError::Home(error) => return error.into(),
            PoolError::Database(error) => return error.into(),
            PoolError::Statistics { .. } => {
                ("pool.statistics", "Check that the disk is not full and that the folder can be written.")
            }
            PoolError::Files { .. } => (
                "pool.files", "Check that the path is right, the disk is not full, and you may use the file.",
            ),
            PoolError::BadManifest { .. } => {
                ("pool.bad_manifest", "Correct that file, or delete it and add the expert again.")
            }
            PoolError::BadPoolFile { .. } => {
                ("pool.bad_file", "Correct that place; until then the rules from before it hold.")
            }
            PoolError::BadEndpoint { .. } => (
                "pool.bad_endpoint",
                "Give the address of an OpenAI-compatible server, for example https://host/v1 or http://localhost:11434/v1.",
            ),
            PoolError::BadName(_) => ("pool.bad_name", "Choose another name, for example qwen-14b."),
            PoolError::NameTaken(_) => {
                ("pool.name_taken", "Choose another name, or remove that expert first.")
            }
            PoolError::NotFound { .. } => {
                ("pool.not_found", "Choose one of these names; `lectern experts list` shows them.")
            }
            PoolError::NoFile { .. } => {
                ("pool.no_file", "Choose one of these; `lectern experts show NAME` lists them.")
            }
            PoolError::WhichFile { .. } => ("pool.which_file", "Name the file itself."),
            PoolError::BadEdit { .. } => ("pool.bad_edit", "Nothing was changed. Give another value."),
            PoolError::LastFile(_) => ("pool.last_file", "Remove the expert, and its file goes with it."),
            PoolError::IsOffered(_) => {
                ("pool.is_offered", "Remove the offer, or take the file out of that folder.")
            }
            PoolError::Mask { .. } => {
                ("pool.mask", "Make a plan for this very file: `lectern prune scan` and `plan`.")
            }
            PoolError::NotPruned { .. } => {
                ("pool.not_pruned", "Add it as an expert of its own: `lectern experts add`.")
            }
            PoolError::IsStarter(_) => {
                ("pool.is_starter", "Add a better expert for its domain; the router then prefers it.")
            }
            PoolError::Unsupported { .. } => (
                "pool.unsupported",
                "Choose another model; `lectern model inspect FILE` says what is supported.",
            ),
        };
        Failure { code: code.into(), message, fix: fix.into(), detail: None }
    }
}
