//! The language between an expert's process and its parent: frames of a length (4 bytes, little-endian) and JSON.
//! Either side may be handed garbage: a reader takes what is well-formed, names what is not, and never allocates more
//! than [`MAX_FRAME`].

use std::io::{Read, Write};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::words::{
    Cut, Cutting, Examined, Example, Finished, Loaded, Look, Measure, Perplexity, Request, Tokenized,
};

/// Both sides must say the same.
pub const VERSION: u32 = 8;
/// Largest frame: a prompt of some million characters, or the logits of a vocabulary of a million.
pub const MAX_FRAME: u32 = 32 << 20;

/// From the parent to the expert.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ToExpert {
    Hello {
        version: u32,
    },
    /// Several can run at once, each in a slot of its own.
    Generate {
        id: u64,
        slot: usize,
        request: Request,
    },
    Tokenize {
        id: u64,
        text: String,
        special: bool,
    },
    Logits {
        id: u64,
        tokens: Vec<u32>,
        all: bool,
    },
    Perplexity {
        id: u64,
        text: String,
        context: u32,
    },
    /// What a mixture's experts do with an example.
    Examine {
        id: u64,
        example: Example,
        look: Look,
    },
    /// What the weights of a mixture's experts say.
    Weigh {
        id: u64,
    },
    /// These experts are left out from now on.
    LeaveOut {
        id: u64,
        mask: Vec<Vec<bool>>,
    },
    /// For a process that was started to cut.
    Cut {
        id: u64,
        cutting: Cutting,
    },
    Measure {
        id: u64,
        what: Measure,
    },
    /// What the model has read in a slot is to be told, in parts.
    SaveState {
        id: u64,
        slot: usize,
    },
    /// A saved state of so many bytes is to be taken: the expert asks for its parts.
    RestoreState {
        id: u64,
        slot: usize,
        bytes: u64,
    },
    /// Base64; empty at the end.
    StatePart {
        id: u64,
        part: String,
    },
    Stop {
        id: u64,
    },
    /// Is it there? Answered at once, also while it computes.
    Ping {
        id: u64,
    },
    Leave,
}

impl ToExpert {
    /// Of a request.
    pub fn id(&self) -> Option<u64> {
        match self {
            ToExpert::Hello { .. } | ToExpert::Leave => None,
            ToExpert::Generate { id, .. }
            | ToExpert::Tokenize { id, .. }
            | ToExpert::Logits { id, .. }
            | ToExpert::Perplexity { id, .. }
            | ToExpert::Examine { id, .. }
            | ToExpert::Weigh { id }
            | ToExpert::LeaveOut { id, .. }
            | ToExpert::Cut { id, .. }
            | ToExpert::Measure { id, .. }
            | ToExpert::SaveState { id, .. }
            | ToExpert::RestoreState { id, .. }
            | ToExpert::StatePart { id, .. }
            | ToExpert::Stop { id }
            | ToExpert::Ping { id } => Some(*id),
        }
    }
}

/// From the expert to the parent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum FromExpert {
    Hello {
        version: u32,
    },
    /// It is alive and loading.
    Loading {
        done_bytes: u64,
    },
    Loaded {
        loaded: Box<Loaded>,
    },
    /// It computes and gets on, though it has nothing to say yet. `steps`: forward passes so far.
    Beat {
        steps: u64,
    },
    Pong {
        id: u64,
    },
    /// The file cannot be used; the process ends.
    BadModel {
        code: String,
        message: String,
        fix: String,
    },
    /// Prompt tokens that have been read.
    Prompt {
        id: u64,
        done: u32,
    },
    Piece {
        id: u64,
        text: String,
    },
    Finished {
        id: u64,
        finished: Finished,
    },
    Tokenized {
        id: u64,
        tokenized: Tokenized,
    },
    /// Logits of one position as the bits of 32-bit floats: JSON has no infinity, and bits survive exactly.
    Logits {
        id: u64,
        position: u32,
        bits: Vec<u32>,
    },
    LogitsEnd {
        id: u64,
    },
    Perplexity {
        id: u64,
        perplexity: Perplexity,
    },
    Examined {
        id: u64,
        examined: Examined,
    },
    /// AIMER for each layer with a mixture, and for each expert.
    Weighed {
        id: u64,
        layers: Vec<(usize, Vec<f64>)>,
    },
    LeftOut {
        id: u64,
    },
    /// Bytes of the new file so far.
    Cutting {
        id: u64,
        done_bytes: u64,
    },
    Cut {
        id: u64,
        cut: Cut,
    },
    Measured {
        id: u64,
        value: f64,
    },
    /// Base64.
    StatePart {
        id: u64,
        part: String,
    },
    /// The state has been told whole.
    StateSaved {
        id: u64,
        tokens: u32,
    },
    /// The next part, please.
    StateWanted {
        id: u64,
    },
    StateRestored {
        id: u64,
        tokens: u32,
    },
    Refused {
        id: u64,
        code: String,
        message: String,
        fix: String,
    },
}

/// Why a frame could not be read.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    /// The other side closed its end between two frames.
    #[error("the other side is gone")]
    End,
    #[error("a frame of {0} bytes; at most {MAX_FRAME} are possible")]
    TooLong(u32),
    #[error("a frame that is no message: {0}")]
    Garbage(String),
    #[error("{0}")]
    Broken(#[from] std::io::Error),
}

/// Writes one frame.
pub fn write_frame<T: Serialize>(out: &mut impl Write, message: &T) -> Result<(), FrameError> {
    let mut frame = vec![0; 4];
    serde_json::to_writer(&mut frame, message).map_err(|error| FrameError::Garbage(error.to_string()))?;
    let length = u32::try_from(frame.len() - 4).unwrap_or(u32::MAX);
    if length > MAX_FRAME {
        return Err(FrameError::TooLong(length));
    }
    frame[..4].copy_from_slice(&length.to_le_bytes());
    out.write_all(&frame)?;
    out.flush()?;
    Ok(())
}

/// Reads one frame. After `Garbage` the next frame can still be read; after any other error it cannot.
pub fn read_frame<T: DeserializeOwned>(source: &mut impl Read) -> Result<T, FrameError> {
    let mut head = [0; 4];
    let mut got = 0;
    while got < head.len() {
        match source.read(&mut head[got..]) {
            Ok(0) if got == 0 => return Err(FrameError::End),
            Ok(0) => return Err(FrameError::Broken(std::io::ErrorKind::UnexpectedEof.into())),
            Ok(count) => got += count,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
    }
    let length = u32::from_le_bytes(head);
    if length > MAX_FRAME {
        return Err(FrameError::TooLong(length));
    }
    // Grows with what arrives, so that a lying length costs nothing.
    let mut body = Vec::new();
    source.take(length.into()).read_to_end(&mut body)?;
    if body.len() < length as usize {
        return Err(FrameError::Broken(std::io::ErrorKind::UnexpectedEof.into()));
    }
    serde_json::from_slice(&body).map_err(|error| FrameError::Garbage(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_frame_survives_the_pipe() {
        let mut pipe = Vec::new();
        let sent = ToExpert::Generate { id: 7, slot: 0, request: Request::raw("grüß \0 \"dich\"", 3) };
        write_frame(&mut pipe, &sent).unwrap();
        write_frame(&mut pipe, &ToExpert::Leave).unwrap();
        let mut source = pipe.as_slice();
        assert_eq!(read_frame::<ToExpert>(&mut source).unwrap(), sent);
        assert_eq!(read_frame::<ToExpert>(&mut source).unwrap(), ToExpert::Leave);
        assert!(matches!(read_frame::<ToExpert>(&mut source), Err(FrameError::End)));
    }

    #[test]
    fn garbage_in_a_frame_does_not_lose_the_next_one() {
        let mut pipe = Vec::new();
        pipe.extend(5u32.to_le_bytes());
        pipe.extend(b"hello");
        write_frame(&mut pipe, &ToExpert::Leave).unwrap();
        let mut source = pipe.as_slice();
        assert!(matches!(read_frame::<ToExpert>(&mut source), Err(FrameError::Garbage(_))));
        assert_eq!(read_frame::<ToExpert>(&mut source).unwrap(), ToExpert::Leave);
    }

    #[test]
    fn a_lying_length_is_refused_or_found_out() {
        let mut long = u32::MAX.to_le_bytes().to_vec();
        long.extend([0; 16]);
        assert!(matches!(read_frame::<ToExpert>(&mut long.as_slice()), Err(FrameError::TooLong(_))));
        let mut short = 100u32.to_le_bytes().to_vec();
        short.extend(b"{}");
        assert!(matches!(read_frame::<ToExpert>(&mut short.as_slice()), Err(FrameError::Broken(_))));
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let mut source = bytes.as_slice();
            // Every frame takes at least four bytes, so the reader comes to an end.
            for _ in 0..=bytes.len() / 4 {
                match read_frame::<FromExpert>(&mut source) {
                    Ok(_) | Err(FrameError::Garbage(_)) => {}
                    Err(_) => break,
                }
            }
        }

        #[test]
        fn flipped_bytes_never_panic(at in 0usize..200, value: u8) {
            let mut pipe = Vec::new();
            let request = Request::raw("What is 17 * 23?", 64);
            write_frame(&mut pipe, &ToExpert::Generate { id: 1, slot: 0, request }).unwrap();
            let at = at % pipe.len();
            pipe[at] = value;
            let _ = read_frame::<ToExpert>(&mut pipe.as_slice());
        }
    }
}
