//! Many questions from a JSON lines file, one after the other, each with its own result line. Those of one expert are
//! asked together, so that as few experts as possible take the lectern.

use crate::output::{Exit, Output};
use engine::Engine;
use engine::report::benchmark::by_expert;
pub use engine::report::questions::{HasQuestion, lines_of};
use engine::words::{Answer, Failure, Question};
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

/// A line of a question file.
#[derive(Deserialize)]
pub struct Line {
    id: Value,
    question: String,
    /// Text that a right answer contains.
    expected: Option<String>,
}

impl HasQuestion for Line {
    fn question(&self) -> &str {
        &self.question
    }
}

/// What a file of questions came to.
#[derive(Default)]
struct Tally {
    answered: u64,
    failed: u64,
    stopped: u64,
    refused: u64,
    loads: u64,
    tokens: u64,
    expected: u64,
    contain_expected: u64,
}

impl Tally {
    fn count(&mut self, answer: &Answer, expected: Option<bool>) {
        self.answered += 1;
        self.stopped += u64::from(answer.stopped);
        self.refused += u64::from(answer.refused);
        self.loads += answer
            .trace
            .council
            .as_ref()
            .map_or_else(|| u64::from(answer.trace.seat.load_ms > 0.0), |council| u64::from(council.loads));
        self.tokens += u64::from(answer.tokens);
        self.expected += u64::from(expected.is_some());
        self.contain_expected += u64::from(expected == Some(true));
    }
}

/// Asks each line; the last line of the output is the summary.
pub fn ask(
    engine: &Engine,
    lines: &[Line],
    template: &Question,
    stop: &Arc<AtomicBool>,
    output: &Output,
) -> Result<(), Exit> {
    let begun = Instant::now();
    let mut tally = Tally::default();
    let queue = by_expert(engine, lines.iter().map(HasQuestion::question), template);
    for line in queue.places.iter().map(|at| &lines[*at]) {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let question = Question { text: line.question.clone(), ..template.clone() };
        match engine.ask(question, Arc::clone(stop), &mut |_| {}) {
            Ok(answer) => {
                let contains =
                    line.expected.as_ref().map(|expected| answer.answer.contains(expected.as_str()));
                tally.count(&answer, contains);
                show_answer(line, &answer, contains, output);
            }
            Err(failure) => {
                tally.failed += 1;
                show_failure(line, &failure, output);
            }
        }
    }
    let asked = tally.answered + tally.failed;
    let summary = json!({ "summary": {
        "questions": lines.len(),
        "answered": tally.answered,
        "failed": tally.failed,
        "stopped": tally.stopped,
        "refused": tally.refused,
        "not_asked": lines.len() as u64 - asked,
        "loads": tally.loads,
        "loads_in_file_order": queue.loads_as_given,
        "loads_saved": queue.loads_as_given.saturating_sub(tally.loads),
        "tokens": tally.tokens,
        "with_expected": tally.expected,
        "contain_expected": tally.contain_expected,
        "elapsed_ms": begun.elapsed().as_secs_f32() * 1000.0,
    }});
    if output.is_json() {
        output.json(&summary);
    } else {
        output.note(&format!(
            "{} answered, {} failed, {} loads ({} in the order of the file), {:.1} s",
            tally.answered,
            tally.failed,
            tally.loads,
            queue.loads_as_given,
            begun.elapsed().as_secs_f32()
        ));
    }
    if tally.failed == 0 {
        return Ok(());
    }
    // The lines above said what failed; only the status is left to tell.
    Err(Exit::Said)
}

fn show_answer(line: &Line, answer: &Answer, contains: Option<bool>, output: &Output) {
    if !output.is_json() {
        output.line(&format!("[{}] {}", plain(&line.id), answer.answer));
        return;
    }
    let mut result = match serde_json::to_value(answer) {
        Ok(Value::Object(fields)) => fields,
        // An answer is a struct of plain fields: this cannot happen, and a lost line would be worse than an odd one.
        other => serde_json::Map::from_iter([("answer".to_owned(), other.unwrap_or(Value::Null))]),
    };
    // The caller's id takes the field; the archive's own stands beside it.
    let own = result.insert("id".into(), line.id.clone()).unwrap_or(Value::Null);
    result.insert("answer_id".into(), own);
    if let (Some(expected), Some(contains)) = (&line.expected, contains) {
        result.insert("expected".into(), json!(expected));
        result.insert("contains_expected".into(), json!(contains));
    }
    output.json(&result);
}

fn show_failure(line: &Line, failure: &Failure, output: &Output) {
    if output.is_json() {
        output.json(&json!({ "id": line.id, "error": failure }));
    } else {
        output.note(&format!("[{}] {} {}", plain(&line.id), failure.message, failure.fix));
    }
}

/// A text id without its quotation marks.
fn plain(id: &Value) -> String {
    id.as_str().map_or_else(|| id.to_string(), str::to_owned)
}
