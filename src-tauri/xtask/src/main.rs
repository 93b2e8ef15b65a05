//! `cargo xtask`: from a fresh machine with Rust and Node to a running window, a tested tree or a trained expert.
//! Standard library only, so that it builds in a second and before anything else is there.
//!
//! In:     a word (`run`, `test`, `train`, `accuracy`, `fuzz`, `faults`, `bindings`, `help`) and its arguments
//! Out:    what that word promises; everything that it installs is said first, with the reason
//! Fails:  with one sentence and what to do; exit status 1
#![allow(clippy::print_stdout, reason = "a command line tool speaks on stdout")]

mod build;
mod front_end;
mod machine;
mod stamp;
mod steps;

use std::path::PathBuf;
use std::process::ExitCode;

const HELP: &str = "\
cargo xtask run                 set up, build and open the window
cargo xtask run -- ask TEXT     answer in the terminal (any `lectern` command; needs neither WebKit nor Node)
cargo xtask test                set up and run every test: front end, Rust, the real window
cargo xtask train NAME          train a starter expert again, from its seed
cargo xtask accuracy [NAME]     measure the starter experts on their held-out questions
cargo xtask fuzz [TARGET] [--mutations N] [--seed S]
                                feed damaged files to whatever reads files: gguf, safetensors, frames, inspect,
                                tokenizer, load; a million mutations of each when N is not given
cargo xtask faults [--runs N] [--seed S]
                                pull models from a hub that lies and breaks, in processes that are killed at any byte;
                                two thousand runs when N is not given
cargo xtask bindings            write ui/src/api/bindings.ts from the Rust types
cargo xtask help                this text";

/// What goes wrong here is read by a person and by nobody else: one sentence, with what to do.
pub type Outcome<T = ()> = Result<T, String>;

fn main() -> ExitCode {
    let mut words: Vec<String> = std::env::args().skip(1).collect();
    let command = if words.is_empty() { "help".to_owned() } else { words.remove(0) };
    if words.first().is_some_and(|word| word == "--") {
        words.remove(0);
    }
    let outcome = match command.as_str() {
        "run" if words.is_empty() => open_the_window(),
        "run" => build::run_bin("lectern", &words),
        "test" => steps::test_everything(),
        "train" if words.is_empty() => {
            Err("Say which expert to train, such as: cargo xtask train arithmetic".to_owned())
        }
        "train" => lab("train", words),
        "accuracy" => lab("accuracy", words),
        "fuzz" => fuzz(words),
        "faults" => faults(words),
        "bindings" => build::write_bindings(),
        "help" | "--help" | "-h" => {
            println!("{HELP}");
            Ok(())
        }
        other => Err(format!("There is no `cargo xtask {other}`.\n\n{HELP}")),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("xtask: {why}");
            ExitCode::FAILURE
        }
    }
}

fn open_the_window() -> Outcome {
    if !has_display() {
        return Err("This machine has no display, so no window can open here. Ask in the terminal:\n\n    \
                    cargo xtask run -- ask \"What is 17 * 23?\"\n"
            .to_owned());
    }
    machine::prepare(machine::Purpose::Window)?;
    front_end::build_if_changed()?;
    build::run_bin("lectern-app", &[])
}

/// Whether a window can open here.
fn has_display() -> bool {
    let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    !cfg!(target_os = "linux") || set("DISPLAY") || set("WAYLAND_DISPLAY")
}

/// Runs the test `fuzz` for longer than the ordinary tests do.
fn fuzz(words: Vec<String>) -> Outcome {
    let mut tests = build::cargo();
    tests.args(["test", "--workspace", "--test", "fuzz", "--", "--nocapture", "--test-threads=1"]);
    tests.env("LECTERN_MUTATIONS", "1000000");
    let target =
        numbers(words, &[("--mutations", "LECTERN_MUTATIONS"), ("--seed", "LECTERN_SEED")], &mut tests)?;
    if let Some(target) = target {
        tests.args(["--exact", &target]);
    }
    build::finish(&mut tests, "fuzzing")
}

/// Runs the test `faults` for longer than the ordinary tests do, with the moves that are killed and the files of gigabytes;
/// from a seed that somebody names the runs alone.
fn faults(words: Vec<String>) -> Outcome {
    let is_all = !words.iter().any(|word| word == "--seed");
    let mut tests = build::cargo();
    tests.args(["test", "--workspace", "--test", "faults"]);
    tests.args(is_all.then_some(["--test", "moving"]).into_iter().flatten());
    tests.args(["--", "--nocapture", "--test-threads=1"]).args(is_all.then_some("--include-ignored"));
    tests.env("LECTERN_RUNS", "2000");
    match numbers(words, &[("--runs", "LECTERN_RUNS"), ("--seed", "LECTERN_SEED")], &mut tests)? {
        None => build::finish(&mut tests, "the runs"),
        Some(other) => Err(format!("`{other}` is not expected here.\n\n{HELP}")),
    }
}

/// Hands numbers on as variables; gives the word that is no option, if there is one.
fn numbers(
    words: Vec<String>,
    known: &[(&str, &str)],
    tests: &mut std::process::Command,
) -> Outcome<Option<String>> {
    let mut other = None;
    let mut words = words.into_iter();
    while let Some(word) = words.next() {
        match known.iter().find(|(option, _)| *option == word) {
            Some((_, variable)) => {
                let number = words.next().filter(|number| number.parse::<u64>().is_ok());
                tests.env(variable, number.ok_or_else(|| format!("`{word}` needs a number after it."))?);
            }
            None if !word.starts_with('-') && other.is_none() => other = Some(word),
            None => return Err(format!("There is no option `{word}`.\n\n{HELP}")),
        }
    }
    Ok(other)
}

fn lab(word: &str, mut arguments: Vec<String>) -> Outcome {
    arguments.insert(0, word.to_owned());
    // It reads and writes starters and checkpoints by their place in the tree.
    std::env::set_current_dir(root())
        .map_err(|error| format!("cannot go to {}: {error}", root().display()))?;
    build::run_bin("lectern-lab", &arguments)
}

/// The folder of `Cargo.toml`, `tauri.conf.json` and `ui/`.
pub fn root() -> PathBuf {
    let own = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    own.parent().and_then(|folder| folder.parent()).map(PathBuf::from).unwrap_or(own)
}
