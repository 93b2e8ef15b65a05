//! Task: the questions of a search with what is expected, from a file or from the user's own rated answers.
//!
//! A line of the file is `{"question", "expected" or "answer", "kind"?}`; with a signature it has a field for each input
//! and each output. `kind` is what comes out (`text`, `number`, `choice`, `code`), or any word that sorts the questions.

use crate::Engine;
use crate::prompts::{Kind, Signature};
use crate::report::compare::past_questions;
use crate::report::is_right;
use crate::report::pruning::Asked;
use crate::report::questions::{HasQuestion, lines_of};
use crate::words::Failure;
use serde::Deserialize;
use serde_json::{Map, Value};
use std::path::Path;

/// What an expert is to do, and questions to see whether it does.
#[derive(Clone, Debug)]
pub struct Task {
    /// Where the questions are from: `log`, or the file.
    pub from: String,
    pub signature: Signature,
    pub cases: Vec<Case>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Case {
    pub asked: Asked,
    /// One for each output.
    pub expected: Vec<String>,
    /// Questions of one kind are spread evenly over the parts.
    pub kind: String,
}

impl Case {
    /// Judged as a benchmark does, output by output.
    pub fn is_right(&self, signature: &Signature, answer: &str) -> bool {
        let read = signature.read(&self.asked.question, answer);
        self.expected.len() == read.len()
            && self.expected.iter().zip(&read).all(|(expected, given)| is_right(expected, given))
    }
}

#[derive(Deserialize)]
#[serde(from = "Map<String, Value>")]
struct Line {
    fields: Map<String, Value>,
    text: String,
}

impl From<Map<String, Value>> for Line {
    fn from(fields: Map<String, Value>) -> Line {
        let text = match fields.get("question") {
            Some(Value::String(text)) => text.clone(),
            _ => Value::Object(fields.clone()).to_string(),
        };
        Line { fields, text }
    }
}

impl HasQuestion for Line {
    fn question(&self) -> &str {
        &self.text
    }
}

/// The questions of a file that have an answer to judge by.
pub fn of_file(file: &Path, signature: Option<Signature>) -> Result<Task, Failure> {
    let lines: Vec<Line> = lines_of(file)?;
    let kind = |line: &Line| line.fields.get("kind").and_then(Value::as_str).unwrap_or_default().to_owned();
    // Where every line says the same kind of answer, that is the signature's.
    let kinds: Vec<Option<Kind>> = lines.iter().map(|line| Kind::named(&kind(line))).collect();
    let usual =
        kinds.first().copied().flatten().filter(|first| kinds.iter().all(|kind| *kind == Some(*first)));
    let signature = signature.unwrap_or_else(|| Signature::plain(usual.unwrap_or_default()));
    let mut cases = Vec::with_capacity(lines.len());
    for (at, line) in lines.iter().enumerate() {
        let wrong = |what: String| {
            Failure {
            code: "bad_line".into(),
            message: format!("{}, question {}: {what}", file.display(), at + 1),
            fix: "Each line is an object with \"question\" and \"expected\", or with the fields of the signature.".into(),
            detail: None,
        }
        };
        let question = signature.question(&line.fields).map_err(wrong)?;
        let Some(expected) = signature.expected(&line.fields).map_err(wrong)? else { continue };
        let id = match line.fields.get("id") {
            Some(Value::String(id)) => id.clone(),
            Some(Value::Number(id)) => id.to_string(),
            _ => (at + 1).to_string(),
        };
        let asked = Asked { id, question, expected: Some(expected.join("\n")), ..Asked::default() };
        cases.push(Case { asked, expected, kind: kind(line) });
    }
    Ok(Task { from: file.display().to_string(), signature, cases })
}

/// Past questions whose answer was rated up; that is what is expected.
pub fn of_log(engine: &Engine) -> Result<Task, Failure> {
    let log = engine.archive().log()?;
    let cases = past_questions(&log, &engine.pool().experts()).into_iter().filter_map(|asked| {
        let expected = vec![asked.expected.clone()?];
        let kind = engine.route(&asked.question, None).map(|plan| plan.domain).unwrap_or_default();
        Some(Case { kind, asked, expected })
    });
    Ok(Task { from: "log".into(), signature: Signature::plain(Kind::Text), cases: cases.collect() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn task(text: &str, signature: Option<Signature>) -> Result<Task, Failure> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        of_file(file.path(), signature)
    }

    #[test]
    fn a_line_has_a_question_and_an_answer_under_either_name() {
        let text = r#"{"question": "2 + 2", "answer": 4, "kind": "number"}
            {"id": "b", "question": "3 + 3", "expected": "6", "kind": "number"}
            {"question": "4 + 4", "kind": "number"}"#;
        let found = task(text, None).unwrap();
        assert_eq!(found.cases.len(), 2, "what nobody knows the answer of is no use");
        assert_eq!((found.cases[0].asked.id.as_str(), found.cases[1].asked.id.as_str()), ("1", "b"));
        assert_eq!(found.signature, Signature::plain(Kind::Number));
        assert!(
            found.cases[0].is_right(&found.signature, "2 + 2 = 4")
                && !found.cases[0].is_right(&found.signature, "5")
        );
    }

    #[test]
    fn with_a_signature_a_line_has_its_fields_and_every_output_counts() {
        let signature = Signature::from_json(
            r#"{"inputs": [{"name": "a", "kind": "number"}], "outputs": [{"name": "twice", "kind": "number"}, {"name": "sign", "kind": "choice", "choices": ["plus", "minus"]}]}"#,
        )
        .unwrap();
        let found = task(r#"{"a": 2, "twice": 4, "sign": "plus"}"#, Some(signature.clone())).unwrap();
        let case = &found.cases[0];
        assert_eq!(case.asked.question, "2");
        assert!(case.is_right(&signature, "twice: 4\nsign: plus"));
        assert!(!case.is_right(&signature, "twice: 4\nsign: minus") && !case.is_right(&signature, "4 plus"));
        let failure =
            task(r#"{"a": "two apples or so", "twice": 4, "sign": "plus"}"#, Some(signature)).unwrap_err();
        assert!(failure.message.contains("question 1") && failure.message.contains("\"a\""), "{failure:?}");
    }
}
