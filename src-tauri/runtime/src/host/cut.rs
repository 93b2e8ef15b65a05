//! Cut: a process of its own that copies a model file without some of its experts. It reads the one file and writes the
//! other, which its parent has opened for it; it holds no model.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::HostError;
use super::parent::Host;
use super::protocol::{FromExpert, ToExpert};
use super::state::Turn;
use super::words::{Block, Cut, Cutting, Purpose, Spawn};
use crate::families::{ModelError, check};
use crate::generate::LoadError;
use crate::gguf::cut::{Copied, CutError, Layout};
use crate::gguf::{GgufError, Header, Value};

/// A new file is never larger than the old one and this, for the keys that say where it comes from.
pub(super) const KEYS: u64 = 16 << 20;
/// Memory for a header of the largest size, twice, and a buffer.
const MEMORY: u64 = 512 << 20;

/// Copies the file of `spawn` to `output` without the experts that are not kept. `progress` gets bytes written. What
/// `output` holds after an error means nothing. When it cannot be written, the error's code is `cut.unwritable`.
pub fn cut(
    spawn: Spawn,
    output: File,
    cutting: &Cutting,
    stop: &AtomicBool,
    progress: &mut dyn FnMut(u64),
) -> Result<Cut, HostError> {
    let size = std::fs::metadata(&spawn.model).map_or(0, |about| about.len());
    let spawn = Spawn {
        purpose: Purpose::Cut,
        // Of this the file is not a part, for it is not mapped.
        memory_limit: Some(size.saturating_add(MEMORY)),
        output: Some(Arc::new(output)),
        ..spawn
    };
    let mut host = Host::start_unless(spawn, stop, &mut |_| {})?;
    let id = host.new_id();
    let ask = ToExpert::Cut { id, cutting: cutting.clone() };
    let cut = host.converse(id, ask, stop, &mut |word| match word {
        FromExpert::Cutting { id: of, done_bytes } if of == id => {
            progress(done_bytes);
            Turn::GoOn
        }
        FromExpert::Cut { id: of, cut } if of == id => Turn::Done(cut),
        other => Turn::Other(other),
    })?;
    host.leave();
    Ok(cut)
}

/// Why the process does not cut.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refusal {
    #[error(transparent)]
    Source(#[from] LoadError),
    #[error("the new file cannot be written: {0}")]
    Unwritable(io::Error),
    #[error("stopped")]
    Stopped,
}

impl From<GgufError> for Refusal {
    fn from(error: GgufError) -> Refusal {
        Refusal::Source(error.into())
    }
}

impl From<ModelError> for Refusal {
    fn from(error: ModelError) -> Refusal {
        Refusal::Source(error.into())
    }
}

impl Refusal {
    pub fn code(&self) -> &'static str {
        match self {
            Refusal::Source(error) => error.code(),
            Refusal::Unwritable(_) => "cut.unwritable",
            Refusal::Stopped => "stopped",
        }
    }

    pub fn fix(&self) -> &'static str {
        match self {
            Refusal::Source(error) => error.fix(),
            Refusal::Unwritable(_) => "Make room, or choose another place for the new file.",
            Refusal::Stopped => "Ask again when you like.",
        }
    }
}

/// The process's side: writes to its error output, which is the new file.
pub(super) fn write(
    file: &File,
    model: &Path,
    cutting: &Cutting,
    stop: &AtomicBool,
    progress: &mut dyn FnMut(u64),
) -> Result<Cut, Refusal> {
    let header = Header::read_from(file, model)?;
    // What is not understood as a whole is not cut: a tensor of a kind nobody knows might go by experts too.
    let shape = check(&header)?;
    if shape.experts() == 0 {
        return Err(ModelError::unsupported(&header, "it is no mixture: it has no experts to cut").into());
    }
    let mut keys: BTreeMap<String, Value> = BTreeMap::new();
    keys.extend(cutting.texts.iter().map(|(key, text)| (key.clone(), text.as_str().into())));
    keys.extend(cutting.lists.iter().map(|(key, list)| (key.clone(), list.clone().into())));
    let kept = cutting.kept.iter().cloned().collect();
    let layout = Layout::new(&header, &kept, &keys)?;
    let mut out = std::io::stderr().lock();
    let copied = layout.write(&mut &*file, &mut out, stop, progress).map_err(|error| match error {
        CutError::Reading(error) => header.unreadable(&error).into(),
        CutError::Writing(error) => Refusal::Unwritable(error),
        CutError::Stopped => Refusal::Stopped,
    })?;
    let block = |copied: Copied| Block {
        tensor: copied.tensor,
        expert: copied.expert,
        bytes: copied.bytes,
        sha256: copied.sha256,
    };
    let kept = copied.into_iter().map(block).collect();
    Ok(Cut { bytes_before: header.size(), bytes: layout.bytes(), kept })
}
