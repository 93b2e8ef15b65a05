//! The manifest of an expert: what it is, what it says that it can do, and what was measured of it.
//!
//! A JSON file. Only `name` has to be there; `manifest.example.json` beside this file shows every field.

use super::choice::is_quantisation;
use super::endpoint::Endpoint;
use super::handles::{self, Handles};
use super::mask::Mask;
use crate::words::Reading;
use runtime::inspect::Facts;
use runtime::sample::Sampling;
use serde::{Deserialize, Serialize};
use std::path::Path;
use ts_rs::TS;

/// One expert as its maker declares it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct Manifest {
    /// Unique in the pool: lowercase letters, digits and dashes.
    pub name: String,
    /// What people read; the name when empty.
    #[serde(default)]
    pub title: String,
    /// One or two sentences.
    #[serde(default)]
    pub description: String,
    /// The classifier's domains that it answers (`mathematics`, `units`, ...); `general` for one that takes
    /// anything.
    #[serde(default)]
    pub domains: Vec<String>,
    /// What it can do, with declared limits.
    #[serde(default)]
    pub capabilities: Vec<Capability>,
    /// Complexity, 0 to 10, at which it is at its best.
    #[serde(default = "middle")]
    pub optimal_complexity: f32,
    /// Of two experts with the same score the higher priority answers.
    #[serde(default)]
    pub priority: i32,
    /// Stands before every conversation; none for starters, which were trained without.
    #[serde(default)]
    pub system_prompt: Option<String>,
    /// How its words are chosen; greedy when absent.
    #[serde(default)]
    #[ts(
        type = "{ temperature: number, top_k: number, top_p: number, min_p: number, repeat_penalty: number, seed: number }"
    )]
    pub sampling: Sampling,
    /// The most tokens of one answer.
    #[serde(default = "answer_tokens")]
    pub max_tokens: u32,
    /// SPDX name, or what its file says; empty when unknown.
    #[serde(default)]
    pub licence: String,
    /// Where it comes from.
    #[serde(default)]
    pub origin: String,
    /// The generalist: it answers when no other expert is sure enough.
    #[serde(default)]
    pub fallback: bool,
    #[serde(default)]
    pub reads: Reads,
    /// One honest sentence about what it cannot do.
    #[serde(default)]
    pub cannot: String,
    /// Questions that it answers well.
    #[serde(default)]
    pub examples: Vec<String>,
    /// By what it recognises a question that is its own.
    #[serde(default)]
    pub handles: Handles,
    /// Results of tests that were run; empty when none were.
    #[serde(default)]
    pub measured: Vec<Measured>,
    /// Its files: the same model with more or fewer bits a weight. May be absent for a starter: it is filled from the
    /// file.
    #[serde(default)]
    pub implementations: Vec<Implementation>,
    /// The `file` among `implementations` that its user chose; `None`: the best that fits the memory.
    #[serde(default)]
    pub uses: Option<String>,
    #[serde(default)]
    pub offer: Offer,
}

/// How an expert came into the pool.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Offer {
    /// Somebody wanted it.
    #[default]
    Accepted,
    /// It lies in a watched folder: there while its file is, and asked by hand alone.
    Open,
    /// The same, and its user does not want it.
    Declined,
}

/// What the expert is given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Reads {
    /// The question alone: it was trained on single questions. Sources are shown to the user but not to it.
    Question,
    /// Sources and the turns before as well.
    #[default]
    Conversation,
}

/// One declared ability.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct Capability {
    pub name: String,
    /// Confidence from which it should be used.
    #[serde(default)]
    pub threshold: f32,
    /// Questions that may wait for it at once before it counts as overloaded; 0 is no limit.
    #[serde(default)]
    pub max_load: u32,
    /// Declared by its maker; measured latency stands in the statistics.
    #[serde(default)]
    pub declared_latency_ms: Option<f32>,
}

/// One result on a test set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct Measured {
    pub test: String,
    /// Part of exact answers, 0 to 1.
    pub accuracy: f32,
    /// Questions in the test.
    pub n: u32,
    /// The seed that makes the same test again.
    #[serde(default)]
    #[ts(type = "number")]
    pub seed: u64,
}

/// One file of the expert.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, TS)]
#[serde(default)]
pub struct Implementation {
    /// Absolute, or beside the manifest.
    pub file: String,
    pub quantisation: String,
    #[ts(type = "number")]
    pub bytes: u64,
    /// 64 hex digits.
    pub sha256: String,
    #[ts(type = "number")]
    pub parameters: u64,
    /// What it takes when it is loaded, as its header says; 0: nobody looked.
    #[ts(type = "number")]
    pub memory_bytes: u64,
    /// Experts inside the mixture were cut out of this file: what it comes from, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub pruned: Option<String>,
    /// Experts inside the mixture that it goes without until the mask is taken off.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub mask: Option<Mask>,
    /// It is no file: a server is asked, and `file` is its address.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub endpoint: Option<Endpoint>,
}

impl Implementation {
    /// The model in `file` as its header has it; its check sum where somebody knows it.
    pub fn of(file: &Path, facts: &Facts, sha256: &str) -> Implementation {
        Implementation {
            file: file.display().to_string(),
            quantisation: quantisation(file, facts),
            bytes: facts.size_bytes,
            sha256: sha256.into(),
            parameters: facts.parameters,
            memory_bytes: facts.memory_needed_bytes,
            ..Implementation::default()
        }
    }
}

/// As the file's name says it, which knows `Q4_K_M` from `Q4_K_S`; else the type of most of its bytes.
fn quantisation(file: &Path, facts: &Facts) -> String {
    let stem = file.file_stem().map(|stem| stem.to_string_lossy().to_ascii_uppercase()).unwrap_or_default();
    let said = stem.split(['-', '.', ' ']).rev().find(|part| is_quantisation(part));
    said.map_or_else(|| facts.quantisation.clone(), str::to_owned)
}

impl Manifest {
    /// A manifest with this name and every default.
    pub fn named(name: &str) -> Manifest {
        Manifest {
            name: name.into(),
            title: name.into(),
            description: String::new(),
            domains: Vec::new(),
            capabilities: Vec::new(),
            optimal_complexity: middle(),
            priority: 0,
            system_prompt: None,
            sampling: Sampling::default(),
            max_tokens: answer_tokens(),
            licence: String::new(),
            origin: String::new(),
            fallback: false,
            reads: Reads::default(),
            cannot: String::new(),
            examples: Vec::new(),
            handles: Handles::default(),
            measured: Vec::new(),
            implementations: Vec::new(),
            uses: None,
            offer: Offer::default(),
        }
    }

    /// From JSON; what is wrong is said with the line.
    pub fn from_json(text: &str) -> Result<Manifest, String> {
        let mut manifest: Manifest = serde_json::from_str(text).map_err(|error| error.to_string())?;
        check_name(&manifest.name)?;
        if manifest.title.is_empty() {
            manifest.title.clone_from(&manifest.name);
        }
        if manifest.max_tokens == 0 {
            return Err("max_tokens is 0: it could never answer".into());
        }
        Ok(manifest)
    }

    /// How well this expert thinks that it can answer, 0 to 1. By its detectors where it declares some; else by
    /// its domains, 0.5 when the reading knows none of them.
    pub fn can_handle(&self, reading: &Reading, text: &str) -> f32 {
        match self.handles.has_detectors() {
            true => handles::by_detectors(&self.handles, reading, text),
            false => handles::by_domains(&self.domains, reading),
        }
    }
}

/// Names are also file names and words on the command line.
pub fn check_name(name: &str) -> Result<(), String> {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let starts_well = name.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit());
    if starts_well && name.len() <= 40 && name.chars().all(allowed) {
        return Ok(());
    }
    Err(format!(
        "{name:?} is no name: 1 to 40 lowercase letters, digits and dashes, not beginning with a dash"
    ))
}

fn middle() -> f32 {
    5.0
}

fn answer_tokens() -> u32 {
    512
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_is_a_manifest_with_every_field_and_reads_back() {
        let text = include_str!("manifest.example.json");
        let manifest = Manifest::from_json(text).unwrap();
        let fields = serde_json::to_value(&manifest).unwrap();
        let written: serde_json::Value = serde_json::from_str(text).unwrap();
        for (field, _) in fields.as_object().unwrap() {
            assert!(written.get(field).is_some(), "the example does not show {field:?}");
        }
        for (field, _) in written.as_object().unwrap() {
            assert!(fields.get(field).is_some(), "the example shows {field:?}, which no manifest has");
        }
        let back = Manifest::from_json(&serde_json::to_string(&manifest).unwrap()).unwrap();
        assert_eq!(back, manifest);
    }

    #[test]
    fn a_name_alone_is_enough() {
        let manifest = Manifest::from_json(r#"{"name": "law-small"}"#).unwrap();
        assert_eq!(manifest, Manifest::named("law-small"));
        assert_eq!(manifest.reads, Reads::Conversation);
        assert_eq!(manifest.sampling.temperature, 0.0, "greedy unless declared");
    }

    #[test]
    fn what_is_wrong_is_said() {
        assert!(Manifest::from_json("{\n\"name\": 3}").unwrap_err().contains("line 2"));
        assert!(Manifest::from_json("{}").unwrap_err().contains("name"));
        assert!(Manifest::from_json(r#"{"name": "a", "max_tokens": 0}"#).unwrap_err().contains("max_tokens"));
    }

    #[test]
    fn names_are_safe_as_file_names() {
        for good in ["a", "arithmetic", "qwen-14b", "7b"] {
            assert_eq!(check_name(good), Ok(()));
        }
        let long = "a".repeat(41);
        for bad in ["", "-a", "A", "a b", "../a", "a.b", "a/b", "ä", "con\0", &long] {
            assert!(check_name(bad).is_err(), "{bad:?} was accepted");
        }
    }
}
