//! Search: what the hub has, with what matters before a download: does it run here, does it fit, what may be done with it.
//!
//! In:     words, or one repository
//! Out:    repositories with their GGUF files
//! Fails:  offline, no connection, an answer that is none
//! Source: the hub's interface `api/models`

use super::client::Ask;
use super::names::{FileName, below, check_repo, is_piece, is_sha256, quantisation};
use super::stop::Stop;
use super::{Hub, HubError};
use crate::pool::{Expert, Implementation};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// Repositories of one search.
const MOST: usize = 50;

/// What this machine can do with a model.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Machine {
    /// Memory for an expert.
    pub budget_bytes: u64,
    /// Weights that an expert read a second while it answered here; `None` until one was measured.
    pub bytes_per_s: Option<f64>,
}

impl Machine {
    /// By what the experts did here. An answer reads every weight once a token; the starters are left out, whose weights
    /// stay in the processor's own memory.
    pub fn measured(budget_bytes: u64, experts: &[Expert]) -> Machine {
        let read = |expert: &Expert| {
            let tokens_per_s = expert.statistics.mean_tokens_per_s.filter(|_| !expert.starter)?;
            let bytes = expert.implementation()?.bytes;
            (bytes >= LARGE).then(|| f64::from(tokens_per_s) * bytes as f64)
        };
        let mut measured: Vec<f64> = experts.iter().filter_map(read).collect();
        measured.sort_by(f64::total_cmp);
        Machine { budget_bytes, bytes_per_s: measured.get(measured.len() / 2).copied() }
    }
}

/// Weights that no processor keeps in its own memory.
const LARGE: u64 = 256 << 20;

/// A repository with models.
#[derive(Clone, Debug, Default, PartialEq, Serialize, TS)]
pub struct Model {
    pub repo: String,
    /// As its owner declares it; `None` where he does not.
    pub licence: Option<String>,
    /// Its owner lets people in one by one, or after they accept terms.
    pub gated: bool,
    #[ts(type = "number | null")]
    pub downloads: Option<u64>,
    pub architecture: Option<String>,
    #[ts(type = "number | null")]
    pub parameters: Option<u64>,
    #[ts(type = "number | null")]
    pub context_length: Option<u64>,
    /// Its architecture can be computed here; `None`: the hub does not say what it is.
    pub supported: Option<bool>,
    pub why_not: Option<String>,
    /// Smallest first.
    pub files: Vec<Choice>,
}

/// One GGUF file of a repository.
#[derive(Clone, Debug, Default, PartialEq, Serialize, TS)]
pub struct Choice {
    pub file: String,
    /// Bytes on the disk; `None` where the hub does not say.
    #[ts(type = "number | null")]
    pub size: Option<u64>,
    pub sha256: Option<String>,
    pub quantisation: Option<String>,
    /// About so much memory, before its header was read.
    #[ts(type = "number | null")]
    pub memory_bytes: Option<u64>,
    /// That much is inside the budget for experts.
    pub fits: Option<bool>,
    /// About so many, by what was measured here; less than a mixture will do, which reads a part of its weights alone.
    pub tokens_per_s: Option<f64>,
    /// On this disk already.
    pub here: bool,
    /// Why this file cannot be used although its model could.
    pub why_not: Option<String>,
}

/// As the hub writes it. What is absent is not known, and no reason to fail.
#[derive(Deserialize)]
struct Listed {
    id: String,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Info {
    id: String,
    gated: serde_json::Value,
    downloads: Option<u64>,
    card_data: Option<serde_json::Value>,
    tags: Vec<String>,
    gguf: Option<Gguf>,
    siblings: Vec<Sibling>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Gguf {
    total: Option<u64>,
    architecture: Option<String>,
    context_length: Option<u64>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Sibling {
    rfilename: String,
    size: Option<u64>,
    lfs: Option<Lfs>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Lfs {
    #[serde(alias = "oid")]
    sha256: String,
    size: Option<u64>,
}

impl Hub {
    /// Repositories with GGUF files that match `text`, those that many fetched first.
    pub fn search(&self, text: &str, limit: usize, machine: Machine) -> Result<Vec<Model>, HubError> {
        let mut url = below(&self.place.endpoint, ["api", "models"].into_iter());
        url.query_pairs_mut()
            .append_pair("search", text)
            .append_pair("filter", "gguf")
            .append_pair("sort", "downloads")
            .append_pair("direction", "-1")
            .append_pair("limit", &limit.clamp(1, MOST).to_string());
        let (stop, machine) = (self.asked.begin(), machine.predicting());
        let listed: Vec<Listed> = self.patiently(&stop, |client| {
            client.json(&Ask::get(&url, &format!("search for {text:?}")), "the search")
        })?;
        let mut models = Vec::new();
        let mut failed = None;
        for Listed { id } in listed.into_iter().take(limit.min(MOST)) {
            // A name that is none is not asked for; one that cannot be told of does not take the others with it.
            match self.model_until(&id, machine, &stop) {
                Ok(model) if !model.files.is_empty() => models.push(model),
                Ok(_)
                | Err(HubError::Name { .. } | HubError::Absent { .. } | HubError::Unauthorised { .. }) => {}
                Err(
                    error @ (HubError::Gated { .. } | HubError::Garbled { .. } | HubError::Status { .. }),
                ) => failed = Some(error),
                Err(error) => return Err(error),
            }
        }
        match failed {
            Some(error) if models.is_empty() => Err(error),
            _ => Ok(models),
        }
    }

    /// One repository.
    pub fn model(&self, repo: &str, machine: Machine) -> Result<Model, HubError> {
        self.model_until(repo, machine.predicting(), &self.asked.begin())
    }

    fn model_until(&self, repo: &str, machine: Machine, stop: &Stop) -> Result<Model, HubError> {
        check_repo(repo)?;
        let mut url = below(&self.place.endpoint, ["api", "models"].into_iter().chain(repo.split('/')));
        url.query_pairs_mut().append_pair("blobs", "true");
        let why = format!("see the files of {repo}");
        let info: Info = self.patiently(stop, |client| client.json(&Ask::get(&url, &why), repo))?;
        Ok(self.described(repo, info, machine))
    }

    /// The file that somebody means who names a repository alone: the only one, else the best that fits; four to five
    /// bits are the usual balance of size and quality.
    pub fn choose(&self, repo: &str, machine: Machine) -> Result<FileName, HubError> {
        let model = self.model_until(repo, machine, &self.asked.begin())?;
        let usable: Vec<&Choice> = model.files.iter().filter(|choice| choice.why_not.is_none()).collect();
        let names = || usable.iter().map(|choice| choice.file.as_str()).collect::<Vec<_>>().join(", ");
        let chosen = match usable.as_slice() {
            [] => return Err(HubError::NoModel { repo: repo.into() }),
            [only] => only,
            several => {
                let usual = ["Q4_K_M", "Q4_K_S", "Q5_K_M", "MXFP4", "Q4_0", "Q8_0"];
                let fitting = |wanted: &&str| {
                    let is = |choice: &&&Choice| {
                        choice.quantisation.as_deref() == Some(*wanted) && choice.fits != Some(false)
                    };
                    several.iter().find(is)
                };
                let which = || HubError::WhichFile { repo: repo.into(), files: names() };
                usual.iter().find_map(fitting).ok_or_else(which)?
            }
        };
        FileName::new(repo, "main", &chosen.file)
    }

    fn described(&self, repo: &str, info: Info, machine: Machine) -> Model {
        let gguf = info.gguf.unwrap_or_default();
        let why_not = gguf.architecture.as_deref().and_then(refusal);
        let siblings = info.siblings.into_iter().filter(|sibling| sibling.rfilename.ends_with(".gguf"));
        let mut files: Vec<Choice> = siblings
            .filter(|sibling| FileName::new(repo, "main", &sibling.rfilename).is_ok())
            .map(|sibling| self.choice(repo, sibling, machine))
            .collect();
        files.sort_by(|a, b| a.size.cmp(&b.size).then_with(|| a.file.cmp(&b.file)));
        Model {
            repo: if check_repo(&info.id).is_ok() { info.id } else { repo.to_owned() },
            licence: licence(info.card_data.as_ref(), &info.tags),
            gated: !matches!(info.gated, serde_json::Value::Null | serde_json::Value::Bool(false)),
            downloads: info.downloads,
            supported: gguf.architecture.is_some().then_some(why_not.is_none()),
            architecture: gguf.architecture,
            parameters: gguf.total,
            context_length: gguf.context_length,
            why_not,
            files,
        }
    }

    fn choice(&self, repo: &str, sibling: Sibling, machine: Machine) -> Choice {
        let Sibling { rfilename: file, size, lfs } = sibling;
        let lfs = lfs.unwrap_or_default();
        let size = lfs.size.or(size);
        let sha256 = Some(lfs.sha256).filter(|sum| is_sha256(sum));
        let memory_bytes = size.map(|bytes| Implementation { bytes, ..Implementation::default() }.memory());
        Choice {
            quantisation: quantisation(&file),
            here: sha256.as_ref().is_some_and(|sum| self.cache.blob(repo, sum).is_file()),
            why_not: is_piece(&file)
                .then(|| "it is one piece of several, which have to be joined first".into()),
            tokens_per_s: machine.bytes_per_s.zip(size).map(|(speed, size)| speed / size.max(1) as f64),
            fits: memory_bytes.map(|needed| needed <= machine.budget_bytes),
            file,
            size,
            sha256,
            memory_bytes,
        }
    }
}

/// Why an architecture cannot be computed here.
fn refusal(architecture: &str) -> Option<String> {
    if runtime::families::names().any(|known| known == architecture) {
        return None;
    }
    Some(format!("the architecture \"{}\" is not supported", super::names::shown(architecture)))
}

/// `apache-2.0`; where the card says "other", the name that it gives.
fn licence(card: Option<&serde_json::Value>, tags: &[String]) -> Option<String> {
    let of_card = |field: &str| card?.get(field)?.as_str().map(str::to_owned);
    let of_tags = || tags.iter().find_map(|tag| tag.strip_prefix("license:")).map(str::to_owned);
    match of_card("license").or_else(of_tags) {
        Some(other) if other == "other" => of_card("license_name").or(Some(other)),
        known => known,
    }
}
