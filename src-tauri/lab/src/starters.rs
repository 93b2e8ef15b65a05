//! Starters: trains an expert and writes what ships, its GGUF file and its manifest with the accuracy just measured.

use crate::accuracy::{Accuracy, measure};
use crate::{LabError, recipes};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};

/// Questions of the held-out test that stands in the manifest.
pub const TEST_QUESTIONS: u32 = 500;
/// The seed of that test; training uses another.
pub const TEST_SEED: u64 = 1;
pub const GATE_SEED: u64 = 20_261_121;

/// Declared by hand; what is measured is filled in.
fn declared(name: &str) -> Result<&'static str, LabError> {
    Ok(match name {
        "arithmetic" => include_str!("manifests/arithmetic.json"),
        "units" => include_str!("manifests/units.json"),
        "words" => include_str!("manifests/words.json"),
        "code" => include_str!("manifests/code.json"),
        "generalist" => include_str!("manifests/generalist.json"),
        other => return Err(LabError::NoRecipe(other.into())),
    })
}

/// Where a starter is made.
pub struct Place {
    /// Checkpoints.
    pub work: PathBuf,
    /// The files that ship.
    pub out: PathBuf,
    /// Hosts the finished model while it is measured.
    pub executable: PathBuf,
}

/// Trains `name` (or goes on) up to step `until`, its parent first, then writes `NAME.gguf` and `NAME.json` with its
/// accuracy on `questions` held-out questions.
pub fn make(
    name: &str,
    place: &Place,
    until: Option<u64>,
    questions: u32,
    say: &mut dyn FnMut(String),
) -> Result<(), LabError> {
    let Place { work, out, executable } = place;
    let recipe = recipes::recipe(name)?;
    if let Some((parent, step)) = recipe.parent
        && !crate::train::kept(&work.join(parent), step).exists()
    {
        crate::train::train(&recipes::recipe(parent)?, work, Some(step), say)?;
    }
    let trained = crate::train::train(&recipe, work, until, say)?;
    let file = out.join(format!("{name}.gguf"));
    std::fs::create_dir_all(out).map_err(|e| LabError::File(out.clone(), e))?;
    crate::export::export(&file, name, &trained.model, &trained.tokenizer)?;
    let accuracy = measure(executable, &file, &recipe.corpora, questions, TEST_SEED)?;
    say(format!("{name}: {}", line(&accuracy)));
    let manifest = manifest(name, &file, trained.model.parameters(), &accuracy)?;
    let path = out.join(format!("{name}.json"));
    let text = serde_json::to_string_pretty(&manifest)? + "\n";
    std::fs::write(&path, text).map_err(|e| LabError::File(path.clone(), e))
}

fn manifest(name: &str, file: &Path, parameters: usize, accuracy: &Accuracy) -> Result<Value, LabError> {
    let bytes = std::fs::read(file).map_err(|e| LabError::File(file.into(), e))?;
    let sha256: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    let mut manifest: Value = serde_json::from_str(declared(name)?)?;
    let score = |test: String, score: crate::accuracy::Score| json!({ "test": test, "accuracy": score.accuracy(), "n": score.n, "seed": accuracy.seed });
    let mut measured = vec![score("held-out wordings and numbers".into(), accuracy.all())];
    measured.extend(accuracy.by_task.iter().map(|(task, s)| score(format!("held-out: {task}"), *s)));
    manifest["measured"] = Value::Array(measured);
    manifest["implementations"] = json!([{
        "file": format!("{name}.gguf"),
        "quantisation": "F16",
        "bytes": bytes.len(),
        "sha256": sha256,
        "parameters": parameters,
    }]);
    Ok(manifest)
}

/// `97.2 % of 500 (addition 140/140, ...)`
pub fn line(accuracy: &Accuracy) -> String {
    let all = accuracy.all();
    let tasks: Vec<String> =
        accuracy.by_task.iter().map(|(task, s)| format!("{task} {}/{}", s.right, s.n)).collect();
    format!("{:.1} % of {} held-out questions right ({})", 100.0 * all.accuracy(), all.n, tasks.join(", "))
}
