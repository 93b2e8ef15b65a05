//! Disk: the model files that are here, whoever brought them: ours, those of the Hugging Face cache, of Ollama and of LM
//! Studio. Read only: a file of another tool is used where it lies, never moved, never written.
//!
//! Cost:   lists folders; reads no model but where two of the same size have no known check sum

use super::cache::sha256_of;
use super::names::is_sha256;
use super::{Hub, HubError};
use crate::pool::{Expert, Implementation};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use ts_rs::TS;

/// Who keeps a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// It came with Lectern.
    Starter,
    /// Lectern fetched it into the shared cache, and may remove it.
    Fetched,
    /// Another tool fetched it into the shared cache.
    HuggingFace,
    Ollama,
    LmStudio,
    /// Anywhere else on this disk.
    Elsewhere,
}

/// One model file.
#[derive(Clone, Debug, PartialEq, Serialize, TS)]
pub struct FoundFile {
    /// As a person knows it: `owner/name:file`, `llama3.2:3b`, a file name.
    pub name: String,
    #[ts(type = "string")]
    pub path: PathBuf,
    #[ts(type = "number")]
    pub bytes: u64,
    pub source: Source,
    /// As the tool that keeps it says, or as it was computed.
    pub sha256: Option<String>,
    /// Experts that use it.
    pub experts: Vec<String>,
}

/// One expert's share.
#[derive(Clone, Debug, PartialEq, Serialize, TS)]
pub struct Usage {
    pub expert: String,
    #[ts(type = "string")]
    pub path: PathBuf,
    #[ts(type = "number")]
    pub bytes: u64,
    pub source: Source,
    /// Unix time in milliseconds; `None`: it never answered here.
    #[ts(type = "number | null")]
    pub last_used: Option<i64>,
    /// Removing it frees bytes: a file of it is ours, and no other expert uses it.
    pub frees: bool,
}

/// The same bytes in several places.
#[derive(Clone, Debug, PartialEq, Serialize, TS)]
pub struct Copies {
    pub sha256: String,
    #[ts(type = "number")]
    pub bytes: u64,
    #[ts(type = "string[]")]
    pub paths: Vec<PathBuf>,
}

#[derive(Clone, Debug, PartialEq, Serialize, TS)]
pub struct OnDisk {
    pub experts: Vec<Usage>,
    /// Model files that no expert uses yet, and those that some do.
    pub files: Vec<FoundFile>,
    pub copies: Vec<Copies>,
    #[ts(type = "string")]
    pub cache: PathBuf,
    #[ts(type = "number")]
    pub free_bytes: u64,
}

/// Where other tools keep models.
#[derive(Clone, Debug, Default)]
pub struct Elsewhere {
    pub ollama: Vec<PathBuf>,
    pub lm_studio: Vec<PathBuf>,
}

impl Elsewhere {
    /// The usual folders, and those that the tools' own variables name.
    pub fn usual() -> Elsewhere {
        let home = directories::BaseDirs::new().map(|folders| folders.home_dir().to_path_buf());
        let under = |parts: &[&str]| home.iter().map(|home| home.join(parts.join("/"))).collect::<Vec<_>>();
        let set = std::env::var_os("OLLAMA_MODELS").filter(|value| !value.is_empty());
        let mut ollama: Vec<PathBuf> = match set {
            Some(folder) => vec![folder.into()],
            None => under(&[".ollama/models"]),
        };
        // Where its packages for Linux keep them.
        ollama.push("/usr/share/ollama/.ollama/models".into());
        let lm_studio = [under(&[".lmstudio/models"]), under(&[".cache/lm-studio/models"])].concat();
        Elsewhere { ollama, lm_studio }
    }
}

impl Hub {
    /// What is on this disk. `hash`: files of the same size whose check sum nobody knows are read to tell whether they
    /// are the same.
    pub fn on_disk(&self, experts: &[Expert], elsewhere: &Elsewhere, hash: bool) -> Result<OnDisk, HubError> {
        let mut files = self.in_cache();
        files.extend(elsewhere.ollama.iter().flat_map(|folder| in_ollama(folder)));
        files.extend(elsewhere.lm_studio.iter().flat_map(|folder| in_lm_studio(folder)));
        let here = || experts.iter().filter(|expert| expert.endpoint().is_none());
        for expert in here() {
            for its in &expert.manifest.implementations {
                let path = real(Path::new(&its.file));
                match files.iter_mut().find(|file| real(&file.path) == path) {
                    Some(file) => file.experts.push(expert.manifest.name.clone()),
                    None => files.extend(of_expert(expert, its)),
                }
            }
        }
        files.sort_by(|a, b| b.bytes.cmp(&a.bytes).then_with(|| a.path.cmp(&b.path)));
        if hash {
            hash_lookalikes(&mut files)?;
        }
        let usage = |expert: &Expert| {
            let own = || files.iter().filter(|file| file.experts.contains(&expert.manifest.name));
            let used = own().find(|file| real(&file.path) == real(&expert.file));
            Usage {
                expert: expert.manifest.name.clone(),
                path: expert.file.clone(),
                bytes: own().map(|file| file.bytes).sum(),
                source: used.map_or(Source::Elsewhere, |file| file.source),
                last_used: expert.statistics.last_used,
                frees: own().any(|file| file.source == Source::Fetched && file.experts.len() == 1),
            }
        };
        let experts = here().map(usage).collect();
        let copies = copies(&files);
        let cache = self.cache.root().to_path_buf();
        let standing = cache.ancestors().find(|folder| folder.is_dir()).unwrap_or(&cache);
        let free_bytes = fs4::available_space(standing).unwrap_or(0);
        Ok(OnDisk { experts, files, copies, cache, free_bytes })
    }

    /// GGUF files of the shared cache; one of several commits is listed once.
    fn in_cache(&self) -> Vec<FoundFile> {
        let mut found: BTreeMap<PathBuf, FoundFile> = BTreeMap::new();
        for (repo, folder) in self.cache.repos() {
            let snapshots = folder.join("snapshots");
            for path in models_under(&snapshots) {
                let Some((blob, bytes)) = whole(&path) else { continue };
                let inside = path.strip_prefix(&snapshots).unwrap_or(&path);
                let file: PathBuf = inside.components().skip(1).collect();
                let name = format!("{repo}:{}", file.display());
                let sum = blob.file_name().and_then(|name| name.to_str()).filter(|name| is_sha256(name));
                let ours = sum.is_some_and(|sum| self.ledger.ours(&repo, sum).is_some());
                let source = if ours { Source::Fetched } else { Source::HuggingFace };
                let sha256 = sum.map(str::to_owned);
                found.entry(blob).or_insert(FoundFile {
                    name,
                    path,
                    bytes,
                    source,
                    sha256,
                    experts: Vec::new(),
                });
            }
        }
        found.into_values().collect()
    }
}

#[derive(Deserialize)]
struct Manifest {
    layers: Vec<Layer>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Layer {
    media_type: String,
    digest: String,
}

/// `manifests/HOST/LIBRARY/NAME/TAG` name their layers; the model is one of them, in `blobs/sha256-…`.
fn in_ollama(models: &Path) -> Vec<FoundFile> {
    let manifests = models.join("manifests");
    let mut found: BTreeMap<PathBuf, FoundFile> = BTreeMap::new();
    for path in files_under(&manifests, 6) {
        // A manifest is small; what is larger is none.
        let is_small = path.metadata().is_ok_and(|metadata| metadata.len() < 1 << 20);
        let text = is_small.then(|| std::fs::read(&path).ok()).flatten().unwrap_or_default();
        let Ok(manifest) = serde_json::from_slice::<Manifest>(&text) else { continue };
        let model = manifest.layers.iter().find(|layer| layer.media_type.ends_with("image.model"));
        let Some(sum) = model.and_then(|layer| layer.digest.strip_prefix("sha256:")) else { continue };
        if !is_sha256(sum) {
            continue;
        }
        let Some((blob, bytes)) = whole(&models.join("blobs").join(format!("sha256-{sum}"))) else {
            continue;
        };
        let parts: Vec<&str> = path.iter().rev().take(2).filter_map(|part| part.to_str()).collect();
        let [tag, model] = parts[..] else { continue };
        found.entry(blob.clone()).or_insert(FoundFile {
            name: format!("{model}:{tag}"),
            path: blob,
            bytes,
            source: Source::Ollama,
            sha256: Some(sum.to_owned()),
            experts: Vec::new(),
        });
    }
    found.into_values().collect()
}

/// `OWNER/NAME/FILE.gguf`.
fn in_lm_studio(models: &Path) -> Vec<FoundFile> {
    let file = |path: PathBuf| {
        let (_, bytes) = whole(&path)?;
        let name = path.strip_prefix(models).unwrap_or(&path).display().to_string();
        Some(FoundFile { name, path, bytes, source: Source::LmStudio, sha256: None, experts: Vec::new() })
    };
    models_under(models).into_iter().filter_map(file).collect()
}

fn of_expert(expert: &Expert, its: &Implementation) -> Option<FoundFile> {
    let path = PathBuf::from(&its.file);
    let (_, bytes) = whole(&path)?;
    Some(FoundFile {
        name: path.file_name()?.to_string_lossy().into_owned(),
        path,
        bytes,
        source: if expert.starter { Source::Starter } else { Source::Elsewhere },
        sha256: Some(its.sha256.clone()).filter(|sum| is_sha256(sum)),
        experts: vec![expert.manifest.name.clone()],
    })
}

/// The file behind links, and its size; `None` when it is none.
pub(super) fn whole(path: &Path) -> Option<(PathBuf, u64)> {
    let real = path.canonicalize().ok()?;
    let metadata = real.metadata().ok().filter(std::fs::Metadata::is_file)?;
    Some((real, metadata.len()))
}

fn real(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_path_buf())
}

pub(super) fn models_under(folder: &Path) -> Vec<PathBuf> {
    let is_model =
        |path: &PathBuf| path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("gguf"));
    files_under(folder, 6).into_iter().filter(is_model).collect()
}

/// Files and links of a folder, `depth` folders down; links to folders are not followed.
fn files_under(folder: &Path, depth: u32) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        match entry.file_type() {
            Ok(kind) if kind.is_dir() && depth > 0 => found.extend(files_under(&entry.path(), depth - 1)),
            Ok(kind) if !kind.is_dir() => found.push(entry.path()),
            _ => {}
        }
    }
    found.sort();
    found
}

/// Two files of one size may be the same; where one of them has no known sum, all without are read.
fn hash_lookalikes(files: &mut [FoundFile]) -> Result<(), HubError> {
    let mut sizes: BTreeMap<u64, u32> = BTreeMap::new();
    files.iter().for_each(|file| *sizes.entry(file.bytes).or_default() += 1);
    for file in files.iter_mut().filter(|file| file.sha256.is_none() && sizes[&file.bytes] > 1) {
        file.sha256 = sha256_of(&file.path, |_| true)?;
    }
    Ok(())
}

fn copies(files: &[FoundFile]) -> Vec<Copies> {
    let mut by_sum: BTreeMap<&str, Vec<&FoundFile>> = BTreeMap::new();
    for file in files {
        if let Some(sum) = &file.sha256 {
            by_sum.entry(sum).or_default().push(file);
        }
    }
    let several = by_sum.into_iter().filter(|(_, files)| files.len() > 1);
    let of = |(sum, files): (&str, Vec<&FoundFile>)| Copies {
        sha256: sum.to_owned(),
        bytes: files[0].bytes,
        paths: files.iter().map(|file| file.path.clone()).collect(),
    };
    several.map(of).collect()
}
