//! Reader: a process of its own that turns the bytes of one file into passages and can do nothing else.
//!
//! It is this executable, started with `--lectern-reader`. Before it sees a byte it gives up files, network and programs
//! and bounds its memory, as an expert's process does; its parent bounds its time. A file that makes the code of a format
//! panic, loop, overflow or run out of memory costs that file and nothing else.

use super::formats::{self, Kind, NoText};
use super::passages::{self, Piece};
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

const ARGUMENT: &str = "--lectern-reader";
/// Larger files are refused, in bytes.
pub(super) const MOST_BYTES: u64 = 128 << 20;
/// Memory of the process, in bytes: some times the largest file, as a PDF's streams are unpacked.
const MEMORY: u64 = 1 << 30;
/// A PDF of a thousand pages takes some seconds.
pub(super) const TIME: Duration = Duration::from_secs(60);
/// Words of 16 MiB of text with their quotes and places: more is not what the reader says.
const MOST_SAID: u64 = 256 << 20;

#[derive(Debug, thiserror::Error)]
pub(super) enum ReadError {
    #[error(transparent)]
    NoText(#[from] NoText),
    #[error("reading it took more than {} s", .0.as_secs())]
    TooSlow(Duration),
    #[error("reading it failed ({0}): it is damaged, or larger than it seems")]
    Crashed(String),
    #[error("the process that reads documents cannot be started: {0}")]
    Spawn(std::io::Error),
}

/// Becomes a reader when the command line says so, and then never returns. To be called in `main` before any thread is
/// started.
pub fn serve_if_asked() {
    let mut arguments = std::env::args().skip(1);
    if arguments.next().is_none_or(|first| first != ARGUMENT) {
        return;
    }
    let kind = arguments.next().and_then(|kind| serde_json::from_str(&format!("\"{kind}\"")).ok());
    let Some(kind) = kind else { std::process::exit(2) };
    std::panic::set_hook(Box::new(|_| std::process::exit(101)));
    let own = std::env::current_exe().unwrap_or_default();
    runtime::host::lock_down(&own, 0, 1, Some(MEMORY));
    let mut bytes = Vec::new();
    if std::io::stdin().lock().take(MOST_BYTES).read_to_end(&mut bytes).is_err() {
        std::process::exit(3);
    }
    let read: Result<Vec<Piece>, NoText> =
        formats::blocks(kind, &bytes).map(|blocks| passages::cut(&blocks, kind == Kind::Code));
    let said = serde_json::to_vec(&read).unwrap_or_default();
    let done = std::io::stdout().lock().write_all(&said).is_ok();
    std::process::exit(if done { 0 } else { 3 });
}

/// The passages of a file, when they can be had in this time.
pub(super) fn read(
    executable: &Path,
    kind: Kind,
    bytes: Vec<u8>,
    time: Duration,
) -> Result<Vec<Piece>, ReadError> {
    let name = serde_json::to_string(&kind).unwrap_or_default();
    let mut command = Command::new(executable);
    command.arg(ARGUMENT).arg(name.trim_matches('"'));
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    #[cfg(unix)]
    command.env_clear();
    let mut child = command.spawn().map_err(ReadError::Spawn)?;
    if let Some(mut stdin) = child.stdin.take() {
        // A reader that ended early does not hear the rest; how it ended says why.
        std::thread::spawn(move || drop(stdin.write_all(&bytes)));
    }
    let (give, take) = mpsc::channel();
    if let Some(stdout) = child.stdout.take() {
        std::thread::spawn(move || {
            let mut said = Vec::new();
            let _ = stdout.take(MOST_SAID).read_to_end(&mut said);
            let _ = give.send(said);
        });
    }
    let said = take.recv_timeout(time);
    if said.is_err() {
        let _ = child.kill();
    }
    let status = child.wait().map_err(ReadError::Spawn)?;
    let said = said.map_err(|_| ReadError::TooSlow(time))?;
    if !status.success() {
        return Err(ReadError::Crashed(status.to_string()));
    }
    let read: Result<Vec<Piece>, NoText> =
        serde_json::from_slice(&said).map_err(|error| ReadError::Crashed(error.to_string()))?;
    match read? {
        pieces if pieces.is_empty() => Err(NoText::Empty.into()),
        pieces => Ok(pieces),
    }
}
