//! Many questions from a JSON lines file, each with its own result line. Those of one expert are asked together, so that as
//! few experts as possible take the lectern; councils are asked several at a time, so that one visit serves them all.
//!
//! With a file for the results ([`results`](crate::results)) a run that was broken off goes on where it was.

use crate::output::{Exit, Output, value_of};
use crate::results::Results;
use engine::Engine;
use engine::report::benchmark::by_expert;
pub use engine::report::questions::{HasQuestion, lines_of};
use engine::words::{Answer, Failure, Question};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::time::Instant;

/// Councils at a time: one visit of an expert serves several.
const COUNCILS: usize = 8;

/// A line of a question file.
#[derive(Deserialize)]
pub struct Line {
    pub id: Value,
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
    passed_over: u64,
    loads: u64,
    tokens: u64,
    expected: u64,
    contain_expected: u64,
    peak_memory_bytes: u64,
}

impl Tally {
    fn count(&mut self, answer: &Answer, expected: Option<bool>) {
        let trace = &answer.trace;
        self.answered += u64::from(!answer.stopped);
        self.stopped += u64::from(answer.stopped);
        self.refused += u64::from(answer.refused);
        self.passed_over += u64::from(!trace.passed_over.is_empty());
        self.tokens += u64::from(answer.tokens);
        self.expected += u64::from(expected.is_some());
        self.contain_expected += u64::from(expected == Some(true));
        let drafts = trace.council.iter().flat_map(|council| &council.drafts);
        let generated = drafts.map(|draft| &draft.generate).chain([&trace.generate]);
        let peak = generated.map(|generate| generate.peak_memory_bytes).max().unwrap_or(0);
        self.peak_memory_bytes = self.peak_memory_bytes.max(peak);
    }
}

/// Asks each line that has no result yet; the last line of the output is the summary.
pub fn ask(
    engine: &Engine,
    lines: &[Line],
    mut results: Option<&mut Results>,
    template: &Question,
    stop: &Arc<AtomicBool>,
    output: &Output,
) -> Result<(), Exit> {
    let begun = Instant::now();
    let has_result = |line: &&Line| results.as_ref().is_some_and(|results| results.has(&line.id));
    let (done, open): (Vec<&Line>, Vec<&Line>) = lines.iter().partition(has_result);
    let template = engine.ruled(&Question { batch: true, ..template.clone() });
    let queue = by_expert(engine, open.iter().map(|line| line.question()), &template);
    let loads_as_given = queue.loads_as_given;
    let rules = engine.rules();
    let (askers, groups) = if template.is_for_several() {
        (COUNCILS as u32, vec![queue.groups.concat()])
    } else {
        // An expert is done before the next one is wanted.
        (rules.together, queue.groups)
    };
    // No more than may wait: none is refused.
    let per_expert = if rules.per_expert == 0 { rules.depth } else { rules.per_expert };
    let askers = askers.min(rules.depth).min(per_expert);
    let mut tally = Tally::default();
    let (says, heard) = channel();
    let ask = |at: usize| {
        let question = Question { text: open[at].question.clone(), ..template.clone() };
        engine.ask(question, Arc::clone(stop), &mut |_| {})
    };
    let ask_group = |group: &[usize], says: &Sender<_>| {
        let next = AtomicUsize::new(0);
        let one_by_one = || {
            while let Some(at) = group.get(next.fetch_add(1, Ordering::Relaxed)) {
                if stop.load(Ordering::Relaxed) || says.send((*at, ask(*at))).is_err() {
                    break;
                }
            }
        };
        std::thread::scope(|scope| (0..askers).for_each(|_| drop(scope.spawn(one_by_one))));
    };
    let mut order = groups.concat().into_iter().peekable();
    // What is there before its turn to be told.
    let mut early: BTreeMap<usize, Told> = BTreeMap::new();
    let written: Result<(), Exit> = std::thread::scope(|scope| {
        scope.spawn(move || groups.iter().for_each(|group| ask_group(group, &says)));
        for (at, outcome) in heard {
            let line = open[at];
            let (result, in_words) = match &outcome {
                Ok(answer) => {
                    let contains = line.expected.as_ref().map(|expected| answer.answer.contains(expected));
                    tally.count(answer, contains);
                    (of_answer(line, answer, contains), None)
                }
                Err(failure) => {
                    tally.failed += 1;
                    (json!({ "id": line.id, "error": failure }), Some(failure))
                }
            };
            // Half an answer is none: it is asked again.
            let is_whole = outcome.as_ref().is_ok_and(|answer| !answer.stopped);
            if let Some(results) = results.as_deref_mut().filter(|_| is_whole || outcome.is_err())
                && let Err(failure) = results.append(&result)
            {
                // Nothing more can be kept: nothing more is asked.
                stop.store(true, Ordering::Relaxed);
                return Err(failure.into());
            }
            early.insert(at, (result, in_words.cloned()));
            while let Some(told) = order.peek().and_then(|at| early.remove(at)) {
                order.next();
                tell(output, told);
            }
        }
        Ok(())
    });
    // Those that came after one that was not asked.
    early.into_values().for_each(|told| tell(output, told));
    let traffic = engine.traffic();
    tally.loads = traffic.loads;
    let asked = tally.answered + tally.stopped + tally.failed;
    let not_asked = open.len() as u64 - asked;
    let was_broken_off = tally.stopped + not_asked > 0;
    // What was never asked saved no load.
    let saved = if was_broken_off { 0 } else { loads_as_given.saturating_sub(tally.loads) };
    // What the queue of the seat saved is counted already.
    engine.count_loads_saved(saved.saturating_sub(traffic.loads_saved.max(0) as u64));
    let summary = json!({ "summary": {
        "questions": lines.len(),
        "done_before": done.len(),
        "answered": tally.answered,
        "failed": tally.failed,
        "stopped": tally.stopped,
        "refused": tally.refused,
        "passed_over": tally.passed_over,
        "not_asked": not_asked,
        "loads": tally.loads,
        "loads_in_file_order": loads_as_given,
        "loads_saved": saved,
        "peak_memory_bytes": tally.peak_memory_bytes,
        "tokens": tally.tokens,
        "with_expected": tally.expected,
        "contain_expected": tally.contain_expected,
        "elapsed_ms": begun.elapsed().as_secs_f32() * 1000.0,
    }});
    if output.is_json() {
        output.json(&summary);
    } else {
        let before = if done.is_empty() { String::new() } else { format!("{} done before, ", done.len()) };
        let broken_off = if was_broken_off {
            format!("{} stopped, {not_asked} not asked, ", tally.stopped)
        } else {
            String::new()
        };
        output.note(&format!(
            "{before}{} answered, {broken_off}{} failed, {} loads ({} in the order of the file), {:.1} s",
            tally.answered,
            tally.failed,
            tally.loads,
            loads_as_given,
            begun.elapsed().as_secs_f32()
        ));
    }
    written?;
    if tally.failed == 0 && !was_broken_off {
        return Ok(());
    }
    // The lines above said what failed; only the status is left to tell.
    Err(Exit::Said)
}

/// A line's result, and what failed.
type Told = (Value, Option<Failure>);

fn tell(output: &Output, (result, failure): Told) {
    let id = plain(&result["id"]);
    match (output.is_json(), failure) {
        (true, _) => output.json(&result),
        (false, None) if result["stopped"] == true => {
            output.note(&format!("[{id}] stopped"));
        }
        (false, None) => output.line(&format!("[{id}] {}", result["answer"].as_str().unwrap_or(""))),
        (false, Some(failure)) => output.note(&format!("[{id}] {} {}", failure.message, failure.fix)),
    }
}

fn of_answer(line: &Line, answer: &Answer, contains: Option<bool>) -> Value {
    let mut result = match value_of(answer) {
        Value::Object(fields) => fields,
        // An answer is a struct of plain fields: this cannot happen, and a lost line would be worse than an odd one.
        other => serde_json::Map::from_iter([("answer".to_owned(), other)]),
    };
    // The caller's id takes the field; the archive's own stands beside it.
    let own = result.insert("id".into(), line.id.clone()).unwrap_or(Value::Null);
    result.insert("answer_id".into(), own);
    if let (Some(expected), Some(contains)) = (&line.expected, contains) {
        result.insert("expected".into(), json!(expected));
        result.insert("contains_expected".into(), json!(contains));
    }
    Value::Object(result)
}

/// A text id without its quotation marks.
fn plain(id: &Value) -> String {
    id.as_str().map_or_else(|| id.to_string(), str::to_owned)
}
