//! The process of an encoder: this executable, started with `--lectern-encoder`. It opens the files of the folder, gives up
//! everything else, then reads them and answers until its parent is gone.

use super::model::{EmbedError, Encoder, Files};
use crate::host::lock_down;
use crate::host::protocol::{FrameError, read_frame, write_frame};
use serde::{Deserialize, Serialize};
use std::io::{BufReader, BufWriter};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

const ARGUMENT: &str = "--lectern-encoder";
/// Memory of its own, in bytes, beside the mapped weights.
const MEMORY: u64 = 1 << 30;
/// The texts of a request take some seconds of one core when they are long; a machine may be busy with something else.
const TIME: Duration = Duration::from_secs(120);
/// Texts of one request.
const TEXTS: usize = 8;
/// Bytes of a text that are sent: more than the longest that encoders read.
const BYTES: usize = 64 << 10;

#[derive(Serialize, Deserialize)]
struct Request {
    texts: Vec<String>,
}

#[derive(Serialize, Deserialize)]
enum Said {
    Ready { width: usize, sandbox: Vec<String> },
    Vectors { vectors: Vec<Vec<f32>> },
    Bad { code: String, message: String, fix: String },
}

/// Why a text has no vector.
#[derive(Clone, Debug, thiserror::Error)]
pub enum EmbedderError {
    #[error("{message}")]
    Model { code: String, message: String, fix: String },
    #[error("the process of the encoder cannot be started: {0}")]
    Spawn(String),
    #[error("the process of the encoder ended ({0})")]
    Ended(String),
    #[error("the encoder took more than {} s", TIME.as_secs())]
    TooSlow,
}

impl EmbedderError {
    /// Stable name for programs.
    pub fn code(&self) -> &str {
        match self {
            EmbedderError::Model { code, .. } => code,
            EmbedderError::Spawn(_) => "embed.spawn",
            EmbedderError::Ended(_) => "embed.ended",
            EmbedderError::TooSlow => "embed.too_slow",
        }
    }

    /// What to do about it.
    pub fn fix(&self) -> &str {
        match self {
            EmbedderError::Model { fix, .. } => fix,
            EmbedderError::Spawn(_) => "Check that the application file is still there.",
            EmbedderError::Ended(_) | EmbedderError::TooSlow => {
                "Free some memory and try again; search goes on by words alone."
            }
        }
    }
}

/// Becomes an encoder's process when the command line says so, and then never returns. To be called in `main` before any
/// thread is started.
pub fn serve_if_asked() {
    let mut arguments = std::env::args_os().skip(1);
    if arguments.next().is_none_or(|first| first != ARGUMENT) {
        return;
    }
    let threads = arguments.next().and_then(|threads| threads.to_str()?.parse().ok());
    let (Some(threads), Some(folder)) = (threads, arguments.next()) else { std::process::exit(2) };
    std::panic::set_hook(Box::new(|_| std::process::exit(101)));
    let mut out = BufWriter::new(std::io::stdout());
    let mut say = |said: &Said| {
        if write_frame(&mut out, said).is_err() {
            std::process::exit(0);
        }
    };
    let folder = PathBuf::from(folder);
    let mut sandbox = Vec::new();
    let opened = Files::open(&folder).and_then(|files| {
        let size = files.size();
        let weights = folder.join("model.safetensors");
        sandbox = lock_down(&weights, size, threads, Some(size.saturating_add(MEMORY)));
        Encoder::read(files, threads)
    });
    let encoder = match opened {
        Ok(encoder) => encoder,
        Err(error) => {
            say(&bad(&error));
            std::process::exit(0)
        }
    };
    say(&Said::Ready { width: encoder.width(), sandbox });
    let mut source = BufReader::new(std::io::stdin());
    loop {
        match read_frame::<Request>(&mut source) {
            Ok(request) => say(&Said::Vectors { vectors: encoder.embed(&request.texts) }),
            Err(FrameError::End) => std::process::exit(0),
            Err(_) => std::process::exit(3),
        }
    }
}

fn bad(error: &EmbedError) -> Said {
    Said::Bad { code: error.code().into(), message: error.to_string(), fix: error.fix().into() }
}

/// The parent's side: a running encoder. Its process ends when this is dropped.
pub struct Embedder {
    child: Child,
    stdin: Option<ChildStdin>,
    said: Receiver<Result<Said, String>>,
    /// What the process is ready with, once that is known.
    ready: Option<(usize, Vec<String>)>,
}

impl Embedder {
    /// Starts the encoder of a folder and does not wait until it is ready. `executable` has `serve_if_asked` in its `main`.
    pub fn start(executable: &Path, folder: &Path, threads: usize) -> Result<Embedder, EmbedderError> {
        let mut command = Command::new(executable);
        command.arg(ARGUMENT).arg(threads.to_string()).arg(folder);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        #[cfg(unix)]
        command.env_clear();
        let mut child = command.spawn().map_err(|error| EmbedderError::Spawn(error.to_string()))?;
        let (give, said) = channel();
        if let Some(stdout) = child.stdout.take() {
            let mut source = BufReader::new(stdout);
            std::thread::spawn(move || {
                loop {
                    let frame = read_frame(&mut source).map_err(|error| error.to_string());
                    let ends = frame.is_err();
                    if give.send(frame).is_err() || ends {
                        return;
                    }
                }
            });
        }
        let stdin = child.stdin.take();
        Ok(Embedder { child, stdin, said, ready: None })
    }

    /// Numbers of a vector. Waits until the encoder is ready.
    pub fn width(&mut self) -> Result<usize, EmbedderError> {
        Ok(self.ready()?.0)
    }

    /// What the process has given up, one short phrase each.
    pub fn sandbox(&mut self) -> Result<Vec<String>, EmbedderError> {
        Ok(self.ready()?.1.clone())
    }

    /// A vector of length 1 for each text, in their order.
    pub fn embed<S: AsRef<str>>(&mut self, texts: &[S]) -> Result<Vec<Vec<f32>>, EmbedderError> {
        let width = self.width()?;
        let mut all = Vec::with_capacity(texts.len());
        for texts in texts.chunks(TEXTS) {
            let cut = |text: &S| {
                let text = text.as_ref();
                text[..text.floor_char_boundary(BYTES)].to_owned()
            };
            let request = Request { texts: texts.iter().map(cut).collect() };
            let Some(stdin) = &mut self.stdin else {
                return Err(EmbedderError::Ended("it was ended".into()));
            };
            write_frame(stdin, &request).map_err(|error| EmbedderError::Ended(error.to_string()))?;
            match self.hear()? {
                Said::Vectors { vectors }
                    if vectors.len() == texts.len() && vectors.iter().all(|vector| vector.len() == width) =>
                {
                    all.extend(vectors);
                }
                _ => return Err(self.end("it said something else")),
            }
        }
        Ok(all)
    }

    fn ready(&mut self) -> Result<&(usize, Vec<String>), EmbedderError> {
        if self.ready.is_none() {
            self.ready = Some(match self.hear()? {
                Said::Ready { width, sandbox } if width > 0 => (width, sandbox),
                Said::Bad { code, message, fix } => return Err(EmbedderError::Model { code, message, fix }),
                _ => return Err(self.end("it said something else")),
            });
        }
        self.ready.as_ref().ok_or_else(|| EmbedderError::Ended("it was ended".into()))
    }

    fn hear(&mut self) -> Result<Said, EmbedderError> {
        match self.said.recv_timeout(TIME) {
            Ok(Ok(said)) => Ok(said),
            Ok(Err(why)) => Err(self.end(&why)),
            Err(RecvTimeoutError::Disconnected) => Err(self.end("its pipe is closed")),
            Err(RecvTimeoutError::Timeout) => {
                self.end("it took too long");
                Err(EmbedderError::TooSlow)
            }
        }
    }

    fn end(&mut self, why: &str) -> EmbedderError {
        self.stdin = None;
        let _ = self.child.kill();
        let status = self.child.wait().map_or_else(|error| error.to_string(), |status| status.to_string());
        EmbedderError::Ended(format!("{why}; {status}"))
    }
}

impl Drop for Embedder {
    fn drop(&mut self) {
        self.stdin = None;
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
