//! GGUF: the file format of model files. Reads the header of an untrusted file, and writes files.
//!
//! In:     a path
//! Out:    metadata and tensor descriptions, every one checked before it is used
//! Fails:  [`GgufError`] with the file, the field and the way out
//! Cost:   the header's own bytes and less than as much again, whatever they say; no weights are read
//! Source: the GGUF specification (versions 2 and 3) of the ggml project

pub mod cut;
mod dtype;
mod header;
mod reader;
mod value;
pub mod write;

use std::path::{Path, PathBuf};

pub use dtype::Dtype;
pub(crate) use header::open;
pub use header::{Header, TensorInfo, Tensors};
pub use value::{Array, Strings, Value};

/// The first four bytes of every GGUF file.
pub const MAGIC: [u8; 4] = *b"GGUF";

/// A GGUF file that cannot be used, or not be written.
#[derive(Debug, thiserror::Error)]
#[error("{}: {problem}", .path.display())]
pub struct GgufError {
    pub path: PathBuf,
    pub problem: Problem,
}

/// What is wrong with the file.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    #[error("there is no such file")]
    Absent,
    #[error("this is a folder, not a file")]
    Folder,
    #[error("this is not an ordinary file")]
    NotAFile,
    #[error("the file cannot be read: {0}")]
    Unreadable(String),
    #[error("the file cannot be written: {0}")]
    Unwritable(String),
    #[error("the file is empty (0 bytes)")]
    Empty,
    #[error("not a GGUF file: it starts with {found} instead of \"GGUF\"{}", if *.text { "; it looks like a text file" } else { "" })]
    Magic { found: String, text: bool },
    #[error("GGUF version {0} is not supported; versions 2 and 3 are")]
    Version(u32),
    #[error("the file is written for big-endian machines, which is not supported")]
    BigEndian,
    #[error("piece {number} of a model split into {count} files")]
    Split { number: u64, count: u64 },
    #[error("{field}: needs {needed} bytes, but the file has {left} left")]
    Truncated { field: String, needed: u64, left: u64 },
    #[error("{field}: {count} is more than the {limit} that are accepted")]
    TooMany { field: String, count: u64, limit: u64 },
    #[error("{field}: {why}")]
    Field { field: String, why: String },
    #[error("the key \"{0}\" appears twice")]
    DuplicateKey(String),
    #[error("the tensor \"{0}\" appears twice")]
    DuplicateTensor(String),
    #[error("the tensors \"{first}\" and \"{second}\" overlap at byte {offset}")]
    Overlap { first: String, second: String, offset: u64 },
}

impl GgufError {
    pub(crate) fn new(path: &Path, problem: Problem) -> Self {
        GgufError { path: path.to_path_buf(), problem }
    }

    /// A problem of one named field.
    pub fn field(path: &Path, field: impl Into<String>, why: impl Into<String>) -> Self {
        GgufError::new(path, Problem::Field { field: field.into(), why: why.into() })
    }

    /// Stable name for programs.
    pub fn code(&self) -> &'static str {
        match self.problem {
            Problem::Absent => "model.absent",
            Problem::Folder | Problem::NotAFile => "model.not_a_file",
            Problem::Unreadable(_) => "model.unreadable",
            Problem::Unwritable(_) => "model.unwritable",
            Problem::Empty => "model.empty",
            Problem::Magic { .. } => "model.not_gguf",
            Problem::Version(_) | Problem::BigEndian => "model.version",
            Problem::Split { .. } => "model.split",
            Problem::Truncated { .. } => "model.truncated",
            _ => "model.malformed",
        }
    }

    /// What to do about it.
    pub fn fix(&self) -> &'static str {
        match self.problem {
            Problem::Absent => "Check the path.",
            Problem::Folder => "Choose the .gguf file inside the folder.",
            Problem::NotAFile => "Choose a .gguf file.",
            Problem::Unreadable(_) => "Check the file's permissions.",
            Problem::Unwritable(_) => "Check that the folder exists, can be written and has room.",
            Problem::Empty | Problem::Truncated { .. } => {
                "The download did not finish: download the file again."
            }
            Problem::Magic { .. } => "Choose a model file in the GGUF format.",
            Problem::Version(_) => "Download a newer conversion of this model.",
            Problem::BigEndian => "Download the little-endian conversion of this model.",
            Problem::Split { .. } => {
                "Join the pieces into one file first, or download a single-file conversion."
            }
            _ => "The file is damaged or was made by a faulty tool: download it again from its source.",
        }
    }
}
