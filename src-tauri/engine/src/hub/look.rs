//! Look: what a model is, from the first bytes of its download, by the reader that every model file meets here.

use super::HubError;
use super::transfer::Source;
use runtime::gguf::Header;
use runtime::inspect::{Facts, facts};
use std::io::BufReader;
use std::path::Path;
use std::sync::Mutex;

/// What a look found.
#[derive(Debug, Default)]
pub struct Found(Mutex<Option<Result<Facts, String>>>);

impl Found {
    /// The facts, or why the file is no model; `None`: nobody looked.
    pub fn take(&self) -> Option<Result<Facts, String>> {
        self.0.lock().ok()?.take()
    }
}

/// Reads the header of `file` while it comes. A sound model that cannot be run is refused before the rest of it comes;
/// what is no model at all may be fetched by who wants it, and never becomes an expert.
pub fn look(file: &str, size: u64, source: &mut dyn Source, found: &Found) -> Result<(), HubError> {
    let header = Header::parse(BufReader::with_capacity(1 << 16, source), size, Path::new(file));
    let seen = match header.and_then(|header| facts(&header)) {
        Ok(facts) if !facts.supported => {
            let why = facts.why_not.unwrap_or_else(|| format!("its architecture is {}", facts.architecture));
            return Err(HubError::Unsupported { file: file.into(), why });
        }
        Ok(facts) => Ok(facts),
        Err(error) if error.code() == "model.split" => {
            let why = format!("{}. {}", error.problem, error.fix());
            return Err(HubError::Unsupported { file: file.into(), why });
        }
        Err(error) => Err(error.problem.to_string()),
    };
    if let Ok(mut found) = found.0.lock() {
        *found = Some(seen);
    }
    Ok(())
}
