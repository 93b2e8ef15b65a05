//! `cargo xtask test`: every check in order, each with its time, all of them even when one fails, and the sum at the end.

use crate::build::{cargo, finish};
use crate::{Outcome, front_end, machine};
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::Instant;

pub fn test_everything() -> Outcome {
    machine::prepare(machine::Purpose::Test)?;
    front_end::install_packages()?;
    let mut sum = Sum::default();

    sum.check("front end: types", &mut front_end::npm(&["run", "check"]));
    sum.tests("front end: tests", &mut front_end::npm(&["test"]));
    if sum.check("front end: build", &mut front_end::npm(&["run", "build"])) {
        front_end::remember_build()?;
    }
    sum.check("rust: format", cargo().args(["fmt", "--all", "--check"]));
    sum.check(
        "rust: clippy",
        cargo().args(["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]),
    );

    // The window's tests bring their own screen: nothing flickers over somebody's work, and none is needed.
    let mut tests = cargo();
    tests.args(["test", "--workspace", "--no-fail-fast"]).stdin(Stdio::null());
    sum.tests("rust: tests, and the real window", &mut tests);

    sum.tell()
}

/// What passed and failed so far. A check counts as one.
#[derive(Default)]
struct Sum {
    passed: u64,
    failed: u64,
    lines: Vec<String>,
}

impl Sum {
    /// One command that is right or wrong as a whole.
    fn check(&mut self, name: &str, command: &mut Command) -> bool {
        let started = self.begin(name);
        let outcome = finish(command, name);
        let passed = outcome.is_ok();
        self.end(name, started, u64::from(passed), u64::from(!passed), outcome.err());
        passed
    }

    /// One command that prints how many of its tests passed and failed.
    fn tests(&mut self, name: &str, command: &mut Command) {
        let started = self.begin(name);
        let mut counted = Counted::default();
        let outcome = run_and_read(command, |line| counted.read(line));
        // A runner that fails without a failed test did not get that far (a build error, say).
        let failed = if outcome.is_err() { counted.failed.max(1) } else { counted.failed };
        self.end(name, started, counted.passed, failed, outcome.err());
    }

    fn begin(&self, name: &str) -> Instant {
        println!("\n=== {name}");
        Instant::now()
    }

    fn end(&mut self, name: &str, started: Instant, passed: u64, failed: u64, why: Option<String>) {
        let seconds = started.elapsed().as_secs_f32();
        let verdict = if failed == 0 { "ok    " } else { "FAILED" };
        let why = why.map(|why| format!("  ({why})")).unwrap_or_default();
        println!("=== {name}: {} in {seconds:.1} s", verdict.trim());
        self.lines
            .push(format!("  {verdict} {seconds:>7.1} s  {name}: {passed} passed, {failed} failed{why}"));
        self.passed += passed;
        self.failed += failed;
    }

    fn tell(self) -> Outcome {
        println!("\n{}", self.lines.join("\n"));
        println!("{} passed, {} failed", self.passed, self.failed);
        if self.failed == 0 {
            Ok(())
        } else {
            Err("not every check passed; the first failure is above".to_owned())
        }
    }
}

/// Runs with its output shown as it comes, each line of stdout also read by `read`.
fn run_and_read(command: &mut Command, mut read: impl FnMut(&str)) -> Outcome {
    let mut child = command
        .env("NO_COLOR", "1")
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| format!("does not start ({command:?}): {error}"))?;
    if let Some(stdout) = child.stdout.take() {
        for line in BufReader::new(stdout).split(b'\n').map_while(Result::ok) {
            let line = String::from_utf8_lossy(&line);
            println!("{line}");
            read(&line);
        }
    }
    let status = child.wait().map_err(|error| format!("cannot wait for it: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("{status}")) }
}

/// The figures of Rust's runner (`test result: ok. 12 passed; 0 failed; …`, one line a target) and of vitest
/// (`Tests  1 failed | 31 passed (32)`).
#[derive(Default, Debug, PartialEq)]
struct Counted {
    passed: u64,
    failed: u64,
}

impl Counted {
    fn read(&mut self, line: &str) {
        let line = line.trim();
        if line.starts_with("test result:") || line.starts_with("Tests ") {
            self.passed += number_before(line, "passed");
            self.failed += number_before(line, "failed");
        }
    }
}

fn number_before(line: &str, word: &str) -> u64 {
    let mut last = "";
    for part in line.split(|letter: char| !letter.is_alphanumeric()).filter(|part| !part.is_empty()) {
        if part == word {
            return last.parse().unwrap_or(0);
        }
        last = part;
    }
    0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lines_of_both_runners_are_counted_and_others_are_not() {
        let mut counted = Counted::default();
        for line in [
            "test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.02s",
            "test result: FAILED. 3 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.02s",
            " Test Files  3 passed (3)", "      Tests  1 failed | 31 passed (32)",
            "test seat::tests::one_passed ... ok",
        ] {
            counted.read(line);
        }
        assert_eq!(counted, Counted { passed: 46, failed: 3 });
    }
}
