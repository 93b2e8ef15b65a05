//! The experts that come inside the program, written beside the user's data so that a host process can map
//! their files.
//!
//! Written when missing or different. At a normal start only sizes and times are compared; the check sum is
//! read when they differ.

use super::{Expert, Implementation, Manifest, PoolError, check_name};
use crate::home::{Home, write_atomically};
use runtime::inspect::inspect;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;
use std::time::UNIX_EPOCH;

/// One starter as it is shipped.
#[derive(Clone, Copy, Debug)]
pub struct Shipped {
    pub name: &'static str,
    /// JSON, see [`Manifest`].
    pub manifest: &'static str,
    /// The GGUF file.
    pub model: &'static [u8],
    /// Of `model`, 64 hex digits.
    pub sha256: &'static str,
}

include!(concat!(env!("OUT_DIR"), "/shipped.rs"));

/// The starters of this program.
pub fn shipped() -> &'static [Shipped] {
    SHIPPED
}

/// The classifier that reads questions, when it is shipped.
pub fn gate() -> Option<&'static [u8]> {
    GATE
}

/// What a file looked like when its check sum was right.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Stamp {
    sha256: String,
    bytes: u64,
    modified_ns: u64,
}

/// Every starter with its file in place.
pub(super) fn install(home: &Home, shipped: &[Shipped]) -> Result<Vec<Expert>, PoolError> {
    let folder = home.starters_dir();
    let list = folder.join("written.json");
    // A list that cannot be read only costs reading the check sums.
    let known: BTreeMap<String, Stamp> =
        std::fs::read(&list).ok().and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default();
    let mut stamps = known.clone();
    let mut experts = Vec::with_capacity(shipped.len());
    for starter in shipped {
        let mut manifest = Manifest::from_json(starter.manifest)
            .and_then(|manifest| check_name(starter.name).map(|()| manifest))
            .map_err(|detail| PoolError::BadManifest {
                path: format!("{}.json", starter.name).into(),
                detail,
            })?;
        manifest.name = starter.name.into();
        let file = folder.join(format!("{}.gguf", starter.name));
        let stamp = put_in_place(&file, starter, stamps.get(starter.name))?;
        stamps.insert(starter.name.into(), stamp);
        fill(&mut manifest, &file, starter);
        experts.push(Expert {
            manifest,
            file,
            using: 0,
            statistics: Default::default(),
            starter: true,
            unavailable: None,
            retired: None,
        });
    }
    if stamps != known {
        let text = serde_json::to_vec_pretty(&stamps).unwrap_or_default();
        write_atomically(&list, &text).map_err(|source| PoolError::Files {
            doing: "write",
            path: list,
            source,
        })?;
    }
    Ok(experts)
}

fn put_in_place(file: &Path, starter: &Shipped, known: Option<&Stamp>) -> Result<Stamp, PoolError> {
    let failed = |doing: &'static str| {
        let path = file.to_path_buf();
        move |source| PoolError::Files { doing, path, source }
    };
    if let Some(now) = stamp(file, starter.sha256).filter(|now| Some(now) == known) {
        return Ok(now);
    }
    let is_right = file.is_file() && sha256_of(file).map_err(failed("read"))? == starter.sha256;
    if !is_right {
        write_atomically(file, starter.model).map_err(failed("write"))?;
    }
    stamp(file, starter.sha256).ok_or_else(|| failed("read")(std::io::Error::other("it is gone again")))
}

/// `None` when there is no file.
fn stamp(file: &Path, sha256: &str) -> Option<Stamp> {
    let metadata = file.metadata().ok().filter(std::fs::Metadata::is_file)?;
    let modified = metadata.modified().ok()?.duration_since(UNIX_EPOCH).unwrap_or_default();
    Some(Stamp { sha256: sha256.into(), bytes: metadata.len(), modified_ns: modified.as_nanos() as u64 })
}

/// What the manifest leaves out is read from the file; what the file says better is taken from there.
fn fill(manifest: &mut Manifest, file: &Path, starter: &Shipped) {
    let declared = manifest.implementations.first().cloned().unwrap_or_default();
    let (mut quantisation, mut parameters) = (declared.quantisation.clone(), declared.parameters);
    let is_complete = !quantisation.is_empty() && parameters > 0;
    if !is_complete && let Ok(facts) = inspect(file) {
        (quantisation, parameters) = (facts.quantisation, facts.parameters);
    }
    manifest.implementations = vec![Implementation {
        file: file.display().to_string(),
        quantisation,
        bytes: starter.model.len() as u64,
        sha256: starter.sha256.into(),
        parameters,
        ..declared
    }];
}

/// The check sum of a file, 64 hex digits.
pub(super) fn sha256_of(file: &Path) -> std::io::Result<String> {
    let mut reader = std::fs::File::open(file)?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    loop {
        match reader.read(&mut buffer)? {
            0 => break,
            read => hash.update(&buffer[..read]),
        }
    }
    Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}
