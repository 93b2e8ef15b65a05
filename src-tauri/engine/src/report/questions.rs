//! Questions from a JSON lines file: `{"id", "question", "expected"?}` a line.

use super::pruning::Asked;
use crate::words::Failure;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use std::path::Path;

/// What every line of a question file has.
pub trait HasQuestion {
    fn question(&self) -> &str;
}

/// A line whose answer is judged.
#[derive(Deserialize)]
#[serde(try_from = "Map<String, Value>")]
struct Line(Asked);

impl TryFrom<Map<String, Value>> for Line {
    type Error = String;

    fn try_from(fields: Map<String, Value>) -> Result<Line, String> {
        let field = |name: &str| match fields.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(Value::Number(number)) => Ok(Some(number.to_string())),
            Some(_) => Err(format!("the field \"{name}\" is neither text nor a number")),
        };
        let missing = |name: &str| format!("the field \"{name}\" is missing");
        let question = match fields.get("question") {
            Some(Value::String(text)) => text.clone(),
            Some(_) => return Err("the field \"question\" is no text".into()),
            None => return Err(missing("question")),
        };
        let id = field("id")?.ok_or_else(|| missing("id"))?;
        Ok(Line(Asked { id, question, expected: field("expected")?, ..Asked::default() }))
    }
}

impl HasQuestion for Line {
    fn question(&self) -> &str {
        &self.0.question
    }
}

/// The questions of a file, in their order.
pub fn of_file(file: &Path) -> Result<Vec<Asked>, Failure> {
    Ok(lines_of::<Line>(file)?.into_iter().map(|line| line.0).collect())
}

/// Every line or none: a file with a bad line is refused before its first question is asked.
pub fn lines_of<L: DeserializeOwned + HasQuestion>(file: &Path) -> Result<Vec<L>, Failure> {
    let text = std::fs::read_to_string(file).map_err(|error| Failure {
        code: "unreadable_file".into(),
        message: format!("{} cannot be read: {error}", file.display()),
        fix: "Give the path of a text file with one JSON object a line.".into(),
        detail: None,
    })?;
    // Some editors begin a file with a mark of its encoding.
    let lines =
        text.trim_start_matches('\u{feff}').lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    lines
        .map(|(at, text)| {
            let line: L =
                serde_json::from_str(text).map_err(|error| bad_line(file, at, &error.to_string()))?;
            if line.question().trim().is_empty() {
                return Err(bad_line(file, at, "the question is empty"));
            }
            Ok(line)
        })
        .collect()
}

fn bad_line(file: &Path, at: usize, what: &str) -> Failure {
    Failure {
        code: "bad_line".into(),
        message: format!("{}, line {}: {what}", file.display(), at + 1),
        fix: "Each line is an object with \"id\" and \"question\", and \"expected\" if you like.".into(),
        detail: None,
    }
}
