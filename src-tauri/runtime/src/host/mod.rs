//! Host: one expert in a process of its own, so that its end gives every byte back and its crash costs one answer.
//!
//! In:     a model file, then requests
//! Out:    pieces of text as they come, figures at the end
//! Fails:  [`HostError`]; never takes the parent down
//! Cost:   some milliseconds for the process, then reading the file; one message a token
//!
//! The host is the same executable, started with `--lectern-host`: [`serve_if_asked`] is the first line of its `main`.
//! Before it reads the file it gives up what it does not need. On Linux (x86-64 and AArch64): no file but the model
//! (Landlock), no call but those that computing needs, so no sockets and no programs (seccomp), a memory limit, no core
//! dumps, and it dies with its parent; one that cuts a file may write the one that it was handed open; `tests/escapes.rs` tries to get out.
//! On macOS: a Seatbelt profile that leaves reading the model alone, and the parent ends a process that takes more memory
//! than its limit. On Windows: a job object (memory, one process, ends with the parent), low integrity, no privileges, no
//! programs; the network and reading the user's files are not cut there. Wherever a part is not available the process
//! still ends with its pipes, and [`Loaded::sandbox`] says which parts hold.

mod child;
mod cut;
mod examine;
mod hang;
mod memory;
pub mod pages;
mod parent;
mod process;
pub mod protocol;
mod sandbox;
mod state;
mod swap;
mod words;

pub(crate) use child::step;
pub use child::{lock_down, serve_if_asked};
pub use cut::cut;
pub use memory::resident_bytes;
pub use parent::{Host, Spoken, device_program};
pub use swap::{PageCache, Swap, swap};
pub use words::{
    Block, Compared, Constraint, Cut, Cutting, Examined, Example, Finish, Finished, Left, Loaded, LogitsRow,
    Look, Measure, Message, Other, Overflow, Perplexity, Placement, Prompt, Purpose, Request, Role, Saved,
    Spawn, Template, Tokenized,
};

/// What went wrong with an expert's process or with a request to it.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum HostError {
    /// The process could not be started.
    #[error("the expert's process cannot be started: {why}")]
    Spawn { why: String },
    /// The file is no model that can be used, or whoever hosts the model elsewhere says no.
    #[error("{message}")]
    BadModel { code: String, message: String, fix: String },
    /// The expert is well, but cannot do this request.
    #[error("{message}")]
    Refused { code: String, message: String, fix: String },
    /// The process ended without being asked.
    #[error("the expert's process ended unexpectedly ({how})")]
    Crashed { how: String, last_words: String },
    /// It wanted more memory than it was given.
    #[error("the expert needs more memory than its limit{}", .limit_bytes.map(|limit| format!(" of {limit} bytes")).unwrap_or_default())]
    OutOfMemory { limit_bytes: Option<u64> },
    /// It said nothing and got nowhere for too long, and was ended.
    #[error("the expert did nothing for {seconds} s and was ended")]
    Hung { seconds: u64 },
    /// It said something that is not in the protocol and was ended.
    #[error("the expert's process said something that cannot be understood and was ended: {what}")]
    Garbled { what: String },
}

impl HostError {
    /// Stable name for programs.
    pub fn code(&self) -> &str {
        match self {
            HostError::Spawn { .. } => "expert.spawn",
            HostError::BadModel { code, .. } | HostError::Refused { code, .. } => code,
            HostError::Crashed { .. } => "expert.crashed",
            HostError::OutOfMemory { .. } => "expert.out_of_memory",
            HostError::Hung { .. } => "expert.hung",
            HostError::Garbled { .. } => "expert.garbled",
        }
    }

    /// What to do about it.
    pub fn fix(&self) -> &str {
        match self {
            HostError::Spawn { .. } => "Check that the application file is still there and may be executed.",
            HostError::BadModel { fix, .. } | HostError::Refused { fix, .. } => fix,
            HostError::Crashed { .. } | HostError::Hung { .. } | HostError::Garbled { .. } => {
                "Ask again; if it happens again with this expert, download its file again or use another expert."
            }
            HostError::OutOfMemory { .. } => {
                "Raise the memory budget in the settings, or use a smaller expert."
            }
        }
    }

    /// What a person who looks closer wants to see.
    pub fn detail(&self) -> Option<&str> {
        match self {
            HostError::Crashed { last_words, .. } if !last_words.is_empty() => Some(last_words),
            _ => None,
        }
    }

    /// The process is still there and takes the next request.
    pub fn expert_survives(&self) -> bool {
        matches!(self, HostError::Refused { .. })
    }
}
