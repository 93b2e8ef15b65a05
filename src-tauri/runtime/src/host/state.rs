//! Longer requests of the parent: a text's perplexity, measuring, and a state saved to a file and restored from it. The expert's
//! process may open no file: the state travels in parts, and the parent, which understands nothing of it, writes it.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD as BASE64;

use super::HostError;
use super::parent::Host;
use super::protocol::{FromExpert, MAX_FRAME, ToExpert};
use super::words::{Measure, Perplexity, Saved};

/// Bytes of a part.
pub(super) const PART: usize = 1 << 20;

pub(super) fn packed(bytes: &[u8]) -> String {
    BASE64.encode(bytes)
}

/// Garbage gives an error, which ends the reading.
pub(super) fn unpacked(part: &str) -> io::Result<Vec<u8>> {
    BASE64.decode(part).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}

/// What the parent makes of a word from the expert.
pub(super) enum Turn<T> {
    /// That was the answer.
    Done(T),
    GoOn,
    Reply(ToExpert),
    /// It belongs to something else.
    Other(FromExpert),
}

impl Host {
    /// Asks and listens until `turn` has the answer. When `stop` is set the expert is told.
    pub(super) fn converse<T>(
        &mut self,
        id: u64,
        ask: ToExpert,
        stop: &AtomicBool,
        turn: &mut dyn FnMut(FromExpert) -> Turn<T>,
    ) -> Result<T, HostError> {
        self.tell(ask);
        let mut told = false;
        loop {
            if !told && stop.load(Ordering::Relaxed) {
                self.tell(ToExpert::Stop { id });
                told = true;
            }
            let Some(word) = self.hear()? else { continue };
            match turn(word) {
                Turn::Done(answer) => return Ok(answer),
                Turn::GoOn => {}
                Turn::Reply(reply) => self.tell(reply),
                Turn::Other(other) => self.unexpected(id, other)?,
            }
        }
    }

    /// How well the model foretells a text, in windows of `context` tokens. `on_read` gets the tokens read so far.
    pub fn perplexity(
        &mut self,
        text: &str,
        context: u32,
        stop: &AtomicBool,
        on_read: &mut dyn FnMut(u32),
    ) -> Result<Perplexity, HostError> {
        // A sign takes six bytes at most in a frame.
        let most = MAX_FRAME as usize / 6 - 100;
        if text.len() > most {
            return Err(HostError::Refused {
                code: "request.long".into(),
                message: format!("the text has {} bytes; at most {most} are possible", text.len()),
                fix: "Give a part of the text.".into(),
            });
        }
        let id = self.new_id();
        let ask = ToExpert::Perplexity { id, text: text.to_owned(), context };
        self.converse(id, ask, stop, &mut |word| match word {
            FromExpert::Prompt { id: of, done } if of == id => {
                on_read(done);
                Turn::GoOn
            }
            FromExpert::Perplexity { id: of, perplexity } if of == id => Turn::Done(perplexity),
            other => Turn::Other(other),
        })
    }

    /// Measures the loaded expert on this machine.
    pub fn measure(&mut self, what: Measure, stop: &AtomicBool) -> Result<f64, HostError> {
        let id = self.new_id();
        self.converse(id, ToExpert::Measure { id, what }, stop, &mut |word| match word {
            FromExpert::Measured { id: of, value } if of == id => Turn::Done(value),
            other => Turn::Other(other),
        })
    }

    /// Writes what the expert has read in a slot to `path`: whole, or not at all. It is not forced onto the disk: one that a power
    /// cut spoils is refused by its sum.
    pub fn save_state(&mut self, slot: usize, path: &Path) -> Result<Saved, HostError> {
        let mut name = path.file_name().unwrap_or_default().to_os_string();
        name.push(".part");
        let part = path.with_file_name(name);
        let result = self.save_to(slot, &part, path);
        if result.is_err() {
            let _ = std::fs::remove_file(&part);
        }
        result
    }

    fn save_to(&mut self, slot: usize, part: &Path, path: &Path) -> Result<Saved, HostError> {
        let unwritable = |error| file_error("file.unwritable", path, "cannot be written", &error);
        let mut file = private(part).map_err(unwritable)?;
        let mut written = Ok(0);
        let id = self.new_id();
        let ask = ToExpert::SaveState { id, slot };
        let tokens = self.converse(id, ask, &AtomicBool::new(false), &mut |word| match word {
            FromExpert::StatePart { id: of, part } if of == id => {
                // After an error the rest is heard to its end, so that the next request finds silence.
                if let Ok(bytes) = written {
                    let write = |part: Vec<u8>| file.write_all(&part).map(|()| bytes + part.len() as u64);
                    written = unpacked(&part).and_then(write);
                }
                Turn::GoOn
            }
            FromExpert::StateSaved { id: of, tokens } if of == id => Turn::Done(tokens),
            other => Turn::Other(other),
        })?;
        let bytes = written.map_err(unwritable)?;
        std::fs::rename(part, path).map_err(unwritable)?;
        Ok(Saved { tokens, bytes })
    }

    /// Gives the expert a saved state in place of what it has read in a slot; gives how many tokens that are. A state that cannot
    /// be used is refused, and the expert has read nothing then.
    pub fn restore_state(&mut self, slot: usize, path: &Path) -> Result<u32, HostError> {
        let unreadable = |error| file_error("file.unreadable", path, "cannot be read", &error);
        let file = File::open(path).map_err(unreadable)?;
        let about = file.metadata().map_err(unreadable)?;
        if !about.is_file() {
            return Err(unreadable(io::Error::other("it is not a file")));
        }
        let id = self.new_id();
        let ask = ToExpert::RestoreState { id, slot, bytes: about.len() };
        self.converse(id, ask, &AtomicBool::new(false), &mut |word| match word {
            FromExpert::StateWanted { id: of } if of == id => {
                let mut bytes = Vec::with_capacity(PART);
                // What cannot be read is an early end to the expert, which refuses it.
                let _ = (&file).take(PART as u64).read_to_end(&mut bytes);
                Turn::Reply(ToExpert::StatePart { id, part: packed(&bytes) })
            }
            FromExpert::StateRestored { id: of, tokens } if of == id => Turn::Done(tokens),
            other => Turn::Other(other),
        })
    }
}

/// A new file that nobody else may read: what is in it has been said in private.
fn private(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    options.open(path)
}

fn file_error(code: &str, path: &Path, what: &str, error: &io::Error) -> HostError {
    HostError::Refused {
        code: code.into(),
        message: format!("{}: {what}: {error}", path.display()),
        fix: "Check that the path is right, may be used and has room.".into(),
    }
}
