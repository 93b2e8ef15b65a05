//! What can go wrong in the archive, with what to do.

use crate::home::HomeError;
use crate::words::Failure;
use std::path::PathBuf;

#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    #[error(transparent)]
    Home(#[from] HomeError),
    #[error("could not {doing}: {source}")]
    Database { doing: &'static str, source: rusqlite::Error },
    #[error("{} is not a Lectern archive or is damaged: {detail}", path.display())]
    Damaged { path: PathBuf, detail: String },
    #[error("{} was written by a newer Lectern (version {found}, this one knows {newest})", path.display())]
    Newer { path: PathBuf, found: u32, newest: u32 },
    #[error("could not {doing}: {source}")]
    Index { doing: &'static str, source: tantivy::TantivyError },
    #[error("could not {doing} in {}: {source}", path.display())]
    Files { doing: &'static str, path: PathBuf, source: std::io::Error },
    /// The other process keeps the index for longer than anybody should wait.
    #[error("another Lectern process has been writing the search index for {waited_ms} ms")]
    IndexBusy { waited_ms: u64 },
    /// Forgotten in the database, not yet in every file.
    #[error("forgotten, but {what} of another Lectern process still holds the text")]
    NotYetErased { what: &'static str },
    #[error("the stored answer {id} cannot be read: {detail}")]
    Unreadable { id: String, detail: String },
    #[error("there is no conversation {0}")]
    NoConversation(String),
    #[error("a conversation needs a title")]
    NoTitle,
    #[error(transparent)]
    Encoder(#[from] runtime::embed::EmbedderError),
    #[error("no encoder is chosen")]
    NoEncoder,
}

impl ArchiveError {
    fn code_and_fix(&self) -> (&str, &str) {
        match self {
            ArchiveError::Home(HomeError::Unknown) => {
                ("home.unknown", "Set LECTERN_HOME to a folder that you can write to.")
            }
            ArchiveError::Home(HomeError::CannotMake { .. }) => {
                ("home.cannot_make", "Allow writing there, or set LECTERN_HOME to another folder.")
            }
            ArchiveError::Database { .. } => (
                "archive.database",
                "Check that the disk is not full and that the folder can be written; then try again.",
            ),
            ArchiveError::Damaged { .. } => (
                "archive.damaged",
                "Move that file away (or put a backup in its place) and start Lectern again.",
            ),
            ArchiveError::Newer { .. } => {
                ("archive.newer", "Open it with that newer Lectern, or set LECTERN_HOME to another folder.")
            }
            ArchiveError::Index { .. } | ArchiveError::Files { .. } => (
                "archive.index",
                "Nothing is lost: the index is made again from the database when Lectern starts. Check that the disk is not full.",
            ),
            ArchiveError::IndexBusy { .. } => {
                ("archive.index_busy", "Close the other Lectern process and try again.")
            }
            ArchiveError::NotYetErased { .. } => (
                "archive.not_yet_erased",
                "Close the other Lectern process; the rest is erased at the next start.",
            ),
            ArchiveError::Unreadable { .. } => (
                "archive.unreadable",
                "It was written by another version of Lectern; delete that conversation or use that version.",
            ),
            ArchiveError::NoConversation(_) => (
                "archive.no_conversation",
                "Look at the list of conversations again; it may have been deleted.",
            ),
            ArchiveError::Encoder(error) => (error.code(), error.fix()),
            ArchiveError::NoEncoder => (
                "archive.no_encoder",
                "Give the folder of one: `lectern archive embed FOLDER`, with config.json, vocab.txt and model.safetensors.",
            ),
            ArchiveError::NoTitle => ("archive.no_title", "Type a title that is not empty."),
        }
    }
}

impl From<ArchiveError> for Failure {
    fn from(error: ArchiveError) -> Failure {
        let (code, fix) = error.code_and_fix();
        Failure { code: code.into(), message: error.to_string(), fix: fix.into(), detail: None }
    }
}
