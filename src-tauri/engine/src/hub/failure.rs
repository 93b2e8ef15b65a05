//! What can go wrong between the hub and this disk, with what to do.

use crate::words::Failure;
use std::path::{Path, PathBuf};
use std::time::Duration;

#[derive(Debug, thiserror::Error)]
pub enum HubError {
    /// News, not an error: the user stopped it.
    #[error("stopped by the user")]
    Stopped,
    #[error("Lectern is offline: {0}")]
    Offline(String),
    #[error("{field} {value:?} is not right: {why}")]
    Name { field: &'static str, value: String, why: &'static str },
    #[error("{host} cannot be reached: {why}")]
    Connection { host: String, why: String },
    #[error("{host} answered {status} to {asked}")]
    Status { host: String, status: u16, asked: String },
    #[error("{host} asks for fewer requests{}", wait.map(|wait| format!("; it wants {} s of rest", wait.as_secs())).unwrap_or_default())]
    TooMany { host: String, wait: Option<Duration> },
    #[error("{what} is not on {host}")]
    Absent { host: String, what: String },
    #[error("{repo} is open to those alone whom its owner lets in")]
    Gated { repo: String, page: String },
    #[error("{host} does not accept the token, or wants one for {what}")]
    Unauthorised { host: String, what: String },
    /// A login page of a network, a proxy's message, a broken server.
    #[error("{host} did not answer as the hub does: {field} {why}")]
    Garbled { host: String, field: &'static str, why: String },
    #[error("{file} has another content on the hub now than when its download began")]
    Changed { file: String },
    #[error("{file} arrived with the check sum {found}, and the hub says {expected}")]
    WrongBytes { file: String, expected: String, found: String },
    #[error("{file} needs {needed} bytes and {free} are free on the disk of {} ({spare} stay free)", folder.display())]
    NoSpace { file: String, needed: u64, free: u64, spare: u64, folder: PathBuf },
    #[error("the disk of {} is full", path.display())]
    DiskFull { path: PathBuf },
    #[error("could not {doing} {}: {source}", path.display())]
    Files { doing: &'static str, path: PathBuf, source: std::io::Error },
    #[error("{file} cannot be run here: {why}")]
    Unsupported { file: String, why: String },
    #[error("{repo} has no GGUF file")]
    NoModel { repo: String },
    #[error("{repo} has several GGUF files: {files}")]
    WhichFile { repo: String, files: String },
    #[error("the keyring of this system cannot be used: {why}")]
    Keyring { why: String },
    #[error("there is no download with the number {0}")]
    NoDownload(u64),
    #[error("{0} is not among the files that were removed")]
    NotRemoved(String),
    #[error("{file} stays where it is: {why}")]
    Stays { file: String, why: String },
    #[error("the models are on their way to {}", to.display())]
    Moving { to: PathBuf },
    #[error("the models lie where {variable} says, and that goes before the settings")]
    Fixed { variable: &'static str },
}

impl HubError {
    /// The same request may succeed a little later.
    pub(super) fn may_pass(&self) -> bool {
        match self {
            HubError::Connection { .. } | HubError::TooMany { .. } | HubError::Garbled { .. } => true,
            HubError::Status { status, .. } => *status >= 500 || *status == 408,
            _ => false,
        }
    }

    /// An error of the file system at `path`; a full disk has its own name.
    pub(super) fn files(doing: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> HubError {
        let path = path.to_path_buf();
        move |source| match source.kind() {
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => {
                HubError::DiskFull { path }
            }
            _ => HubError::Files { doing, path, source },
        }
    }

    fn code(&self) -> &'static str {
        match self {
            HubError::Stopped => "stopped",
            HubError::Offline(_) => "hub.offline",
            HubError::Name { .. } => "hub.bad_name",
            HubError::Connection { .. } => "hub.connection",
            HubError::Status { .. } => "hub.status",
            HubError::TooMany { .. } => "hub.too_many",
            HubError::Absent { .. } => "hub.absent",
            HubError::Gated { .. } => "hub.gated",
            HubError::Unauthorised { .. } => "hub.unauthorised",
            HubError::Garbled { .. } => "hub.garbled",
            HubError::Changed { .. } => "hub.changed",
            HubError::WrongBytes { .. } => "hub.wrong_bytes",
            HubError::NoSpace { .. } => "hub.no_space",
            HubError::DiskFull { .. } => "hub.disk_full",
            HubError::Files { .. } => "hub.files",
            HubError::Unsupported { .. } => "hub.unsupported",
            HubError::NoModel { .. } => "hub.no_model",
            HubError::WhichFile { .. } => "hub.which_file",
            HubError::Keyring { .. } => "hub.keyring",
            HubError::NoDownload(_) => "hub.no_download",
            HubError::NotRemoved(_) => "hub.not_removed",
            HubError::Stays { .. } => "hub.stays",
            HubError::Moving { .. } => "hub.moving",
            HubError::Fixed { .. } => "hub.fixed",
        }
    }

    fn fix(&self) -> String {
        let fix = match self {
            HubError::Gated { page, .. } => {
                return format!(
                    "Sign in and accept its terms at {page}, then give Lectern a token of that account."
                );
            }
            HubError::Stopped => "Start it again when you like; it goes on where it stopped.",
            HubError::Offline(_) => {
                "Switch offline off in the settings (or unset HF_HUB_OFFLINE) to use the hub."
            }
            HubError::Name { .. } => "Give a repository as OWNER/NAME, and a file as the hub lists it.",
            HubError::Connection { .. } => {
                "Check the network, then start it again: it goes on where it stopped."
            }
            HubError::Status { .. } => "Try again later; what is here already stays.",
            HubError::TooMany { .. } => {
                "Wait some minutes; with a token the hub allows more. What is here already stays."
            }
            HubError::Absent { .. } => "Check the names; `lectern experts search` shows what is there.",
            HubError::Unauthorised { .. } => "Set a token that may read it: `lectern experts token set`.",
            HubError::Garbled { .. } => {
                "Sign in to this network if it asks for that, and check HF_ENDPOINT if it is set."
            }
            HubError::Changed { .. } => {
                "Start it again: if the hub still says so, the new file is fetched from its beginning."
            }
            HubError::WrongBytes { .. } => {
                "Nothing of it was kept. Start it again; if it happens again, choose another source of this model."
            }
            HubError::NoSpace { .. } | HubError::DiskFull { .. } => {
                "Free disk space or choose a smaller quantisation. What is here already stays."
            }
            HubError::Files { .. } => "Check that the folder is there and that you may write to it.",
            HubError::Unsupported { .. } => "Choose another model; nothing of it was kept.",
            HubError::NoModel { .. } => "Search for a GGUF conversion of this model.",
            HubError::WhichFile { .. } => "Name one: `lectern experts pull REPO:FILE`.",
            HubError::Keyring { .. } => {
                "Start or unlock it (GNOME Keyring, KWallet, ...), or set HF_TOKEN for this session alone."
            }
            HubError::NoDownload(_) => "The list of downloads shows the numbers.",
            HubError::Moving { .. } => {
                "Wait for its end; one that was cut off goes on by `lectern experts move`, or when the window opens."
            }
            HubError::Fixed { .. } => "Change that variable, or unset it to have the settings decide.",
            HubError::Stays { .. } => {
                "Remove the expert that uses it, or remove it with the program that keeps it."
            }
            HubError::NotRemoved(_) => "A removal can be undone until Lectern closes, and not later.",
        };
        fix.into()
    }
}

impl From<HubError> for Failure {
    fn from(error: HubError) -> Failure {
        Failure { code: error.code().into(), message: error.to_string(), fix: error.fix(), detail: None }
    }
}
