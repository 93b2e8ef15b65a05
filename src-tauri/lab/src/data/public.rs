//! Public texts whose licence lets weights learn from them, read from a folder that is not part of the project:
//!
//! | file | domain | from |
//! |---|---|---|
//! | `mbpp.jsonl` | code | MBPP, CC-BY-4.0 |
//! | `scibench/*.json` | physics, chemistry | SciBench, MIT |
//! | `bbh/*.json` | reasoning | BIG-Bench-Hard, MIT |
//! | `clinc150.json` | none, and what asks for arithmetic or units | CLINC150, CC-BY-3.0 |

use super::requests::Request;
use crate::LabError;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::collections::HashMap;
use std::path::Path;

/// Which physical chemistry is left to chemistry, and which is physics.
const SCIBENCH: [(&str, &str); 6] = [
    ("atkins", "chemistry"),
    ("chemmc", "chemistry"),
    ("quan", "chemistry"),
    ("matter", "chemistry"),
    ("fund", "physics"),
    ("thermo", "physics"),
];
/// Intents of an assistant that experts have domains for; all others are everyday ones.
const INTENTS: [(&str, &str); 6] = [
    ("calculator", "mathematics"),
    ("measurement_conversion", "units"),
    ("spelling", "words"),
    ("definition", "knowledge"),
    ("international_visa", "knowledge"),
    ("meaning_of_life", "knowledge"),
];
/// One of so many is held out.
const HELD_OUT: usize = 5;

#[derive(Deserialize)]
struct Task {
    text: String,
}
#[derive(Deserialize)]
struct Problem {
    problem_text: String,
}
#[derive(Deserialize)]
struct Examples {
    examples: Vec<Example>,
}
#[derive(Deserialize)]
struct Example {
    input: String,
}

/// What the folder holds; files that are absent are left out.
pub fn requests(folder: &Path) -> Result<Vec<Request>, LabError> {
    let mut found: Vec<Request> = Vec::new();
    let mut add = |texts: Vec<String>, domain: &'static str| {
        found.extend(texts.into_iter().enumerate().map(|(number, text)| Request {
            text,
            domain,
            held_out: number % HELD_OUT == HELD_OUT - 1,
        }));
    };
    if let Some(lines) = read(&folder.join("mbpp.jsonl"))? {
        let texts = lines.lines().map(|line| Ok(parsed::<Task>(&folder.join("mbpp.jsonl"), line)?.text));
        add(texts.collect::<Result<_, LabError>>()?, "code");
    }
    for (name, domain) in SCIBENCH {
        let path = folder.join("scibench").join(name).with_extension("json");
        if let Some(text) = read(&path)? {
            let problems: Vec<Problem> = parsed(&path, &text)?;
            add(problems.into_iter().map(|problem| problem.problem_text).collect(), domain);
        }
    }
    let path = folder.join("bbh/salient_translation_error_detection.json");
    if let Some(text) = read(&path)? {
        // Two hundred of one form would teach that form alone.
        let inputs = parsed::<Examples>(&path, &text)?.examples.into_iter().map(|example| example.input);
        add(inputs.take(20).collect(), "reasoning");
    }
    let path = folder.join("clinc150.json");
    if let Some(text) = read(&path)? {
        let mut splits: HashMap<String, Vec<(String, String)>> = parsed(&path, &text)?;
        let train = splits.remove("train").unwrap_or_default();
        // One of three: every intent has a hundred.
        for (text, intent) in train.into_iter().step_by(3) {
            let domain =
                INTENTS.iter().find(|(name, _)| *name == intent).map_or("none", |(_, domain)| domain);
            add(vec![text], domain);
        }
    }
    Ok(found)
}

fn read(path: &Path) -> Result<Option<String>, LabError> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(LabError::File(path.into(), error)),
    }
}

fn parsed<T: DeserializeOwned>(path: &Path, text: &str) -> Result<T, LabError> {
    serde_json::from_str(text).map_err(|error| LabError::File(path.into(), error.into()))
}
