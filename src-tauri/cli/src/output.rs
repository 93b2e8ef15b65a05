//! Output: the only place of the command line that writes to stdout.
//!
//! With `--json` one document (or one a line where the input is many) goes to stdout and nothing else; progress and
//! logs go to stderr. A reader that closes the pipe (`lectern … | head`) ends the command quietly.

use engine::words::Failure;
use serde::Serialize;
use serde_json::Value;
use std::io::{ErrorKind, Write};

/// Where a command's words go.
#[derive(Clone, Copy, Debug)]
pub struct Output {
    json: bool,
    /// `--threads`, where compute runs.
    pub threads: Option<usize>,
    /// `--device cpu`.
    pub processor_only: bool,
}

/// Why a command did not finish; decides the exit status.
#[derive(Debug)]
pub enum Exit {
    /// The work failed: status 1.
    Failed(Failure),
    /// Asked in a way that cannot work: status 2.
    Usage(String),
    /// The work failed in part, and the output says where already: status 1.
    Said,
}

impl From<Failure> for Exit {
    fn from(failure: Failure) -> Self {
        Exit::Failed(failure)
    }
}

impl Output {
    pub fn new(json: bool, threads: Option<usize>, processor_only: bool) -> Self {
        Output { json, threads, processor_only }
    }

    /// `--json` was given.
    pub fn is_json(&self) -> bool {
        self.json
    }

    /// One JSON document on one line.
    pub fn json(&self, value: &impl Serialize) {
        match serde_json::to_string(value) {
            Ok(line) => self.line(&line),
            Err(error) => self.note(&format!("cannot write the result as JSON: {error}")),
        }
    }

    /// JSON with `--json`, else what `words` says.
    pub fn show<T: Serialize>(&self, value: &T, words: impl FnOnce(&T) -> String) {
        if self.json {
            self.json(value);
        } else {
            self.line(words(value).trim_end_matches('\n'));
        }
    }

    /// A line on stdout.
    pub fn line(&self, text: &str) {
        write_or_leave(&mut std::io::stdout().lock(), &format!("{text}\n"));
    }

    /// Text on stdout as it comes, visible at once.
    pub fn piece(&self, text: &str) {
        write_or_leave(&mut std::io::stdout().lock(), text);
    }

    /// A line on stderr: progress, notes. Lost without harm when nobody reads.
    pub fn note(&self, text: &str) {
        let _ = writeln!(std::io::stderr().lock(), "{text}");
    }

    /// The error as the contract has it, and the exit status that belongs to it.
    pub fn fail(&self, exit: &Exit) -> u8 {
        let (failure, status) = match exit {
            Exit::Failed(failure) => (failure.clone(), 1),
            Exit::Usage(message) => (usage(message), 2),
            Exit::Said => return 1,
        };
        if self.json {
            self.json(&serde_json::json!({ "error": failure }));
        } else {
            self.note(&format!("error: {}", failure.message));
            if !failure.fix.is_empty() {
                self.note(&format!("  fix: {}", failure.fix));
            }
        }
        status
    }
}

/// A value to add fields to. Numbers keep the digits that [`Output::json`] writes: `serde_json` would widen an f32 first.
pub fn value_of(what: &impl Serialize) -> Value {
    serde_json::to_string(what).and_then(|text| serde_json::from_str(&text)).unwrap_or_default()
}

fn usage(message: &str) -> Failure {
    Failure {
        code: "usage".into(),
        message: message.into(),
        fix: "`lectern --help` lists the commands; `lectern COMMAND --help` its options.".into(),
        detail: None,
    }
}

/// Writes and flushes; when nobody reads any more, the work has no purpose and the process ends without a word.
fn write_or_leave(to: &mut impl Write, text: &str) {
    if let Err(error) = to.write_all(text.as_bytes()).and_then(|()| to.flush()) {
        if error.kind() == ErrorKind::BrokenPipe {
            std::process::exit(0);
        }
        let _ = writeln!(std::io::stderr().lock(), "error: stdout takes no more: {error}");
        std::process::exit(1);
    }
}
