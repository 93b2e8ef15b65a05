//! The `lectern` command line: the same engine as the window, without a window.
//!
//! One file a command. Each has its arguments (`clap`), and
//! `pub fn run(command: Command, output: &Output) -> Result<(), Exit>`; this file only finds the right one.

mod abilities;
mod archive;
mod ask;
mod batch;
mod bench;
mod compress;
mod documents;
mod experts;
mod hub;
mod lessons;
mod measure;
mod metrics;
mod model;
mod output;
mod outside;
mod packs;
mod playbook;
mod pool;
mod program;
mod prompts;
mod prune;
mod results;
mod route;
mod shelf;
mod status;

use clap::error::ErrorKind;
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use output::{Exit, Output};
use std::process::ExitCode;

/// Private answers from a pool of expert models, one at the lectern at a time.
#[derive(Parser)]
#[command(name = "lectern", version, disable_help_subcommand = true)]
struct Arguments {
    /// One JSON document (or one a line) on stdout and nothing else there.
    #[arg(long, global = true)]
    json: bool,
    /// Threads where compute runs; all cores when not given.
    #[arg(long, global = true, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
    /// auto: a graphics processor where this Lectern has a program for it; cpu: never.
    #[arg(long, global = true, value_name = "DEVICE", default_value = "auto")]
    device: Device,
    #[command(subcommand)]
    command: Command,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Device {
    Auto,
    Cpu,
}

#[derive(Subcommand)]
enum Command {
    /// Ask a question; the answer streams to stdout.
    Ask(ask::Arguments),
    /// Say which expert would answer, and why; loads nothing.
    Route(route::Arguments),
    /// Shorten the text on stdin; its question, and the answer, stay.
    Compress(compress::Arguments),
    /// Past answers: search, add, forget.
    #[command(subcommand)]
    Archive(archive::Command),
    /// Files that answers may cite: add, list, search, remove.
    #[command(subcommand)]
    Documents(documents::Command),
    /// The pool: list, show, add, remove; search the hub and fetch from it.
    #[command(subcommand)]
    Experts(experts::Command),
    /// Who was right for which question: add, list, remove. Routing learns from it.
    #[command(subcommand)]
    Lessons(lessons::Command),
    /// What experts are told beside a question: list, add, edit, merge, retire, undo.
    #[command(subcommand)]
    Playbook(playbook::Command),
    /// Look into a model file and run it alone.
    #[command(subcommand)]
    Model(model::Command),
    /// Model pruning: a mixture without the experts that your questions do not need.
    #[command(subcommand)]
    Prune(prune::Command),
    /// Ask a file of questions in each mode, by strategies and by councils: accuracy, tokens, times, memory, swaps. Stores and
    /// learns nothing without --remember.
    ///
    /// An answer is right when it equals `expected` after trimming, folding case and spaces and writing numbers alike
    /// (1,000 is 1000, 3.50 is 3.5), or when its last line without emphasis does, or when `expected` is a number and the
    /// last number of the answer is that number. A
    /// question that fails is not right. Lines without `expected` are asked and timed, and counted as such.
    Bench(measure::Arguments),
    /// What a domain needs: prompts, a playbook, words that mark it, test questions. Twelve come with Lectern.
    #[command(subcommand)]
    Packs(packs::Command),
    /// What each expert is worth, who could go and what that would lose, and taking experts back.
    #[command(subcommand)]
    Pool(pool::Command),
    /// In what words experts are asked: search for better ones, use and take them back.
    #[command(subcommand)]
    Prompts(prompts::Command),
    /// What ran here, what it changed and what it cost.
    Status,
    /// What each answer took and gave, in figures: one row an answer, of the table brain_moe_metrics.
    Metrics(metrics::Arguments),
}

fn main() -> ExitCode {
    // When this process was started as an expert's host, it is that and nothing else.
    runtime::host::serve_if_asked();
    runtime::embed::serve_if_asked();
    engine::documents::serve_if_asked();

    let parsed = negative(Arguments::command()).try_get_matches();
    let arguments = match parsed.and_then(|found| Arguments::from_arg_matches(&found)) {
        Ok(arguments) => arguments,
        Err(error) => return wrong_usage(&error),
    };
    let processor_only = arguments.device == Device::Cpu;
    let output = Output::new(arguments.json, arguments.threads.map(usize::from), processor_only);
    let done = match arguments.command {
        Command::Ask(ask) => ask::run(ask, &output),
        Command::Route(route) => route::run(route, &output),
        Command::Compress(compress) => compress::run(compress, &output),
        Command::Archive(command) => archive::run(command, &output),
        Command::Documents(command) => documents::run(command, &output),
        Command::Experts(command) => experts::run(command, &output),
        Command::Lessons(command) => lessons::run(command, &output),
        Command::Playbook(command) => playbook::run(command, &output),
        Command::Model(command) => model::run(command, &output),
        Command::Prune(command) => prune::run(command, &output),
        Command::Bench(bench) => measure::run(bench, &output),
        Command::Packs(command) => packs::run(command, &output),
        Command::Pool(command) => pool::run(command, &output),
        Command::Prompts(command) => prompts::run(command, &output),
        Command::Status => status::run(&output),
        Command::Metrics(metrics) => metrics::run(&metrics, &output),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(exit) => ExitCode::from(output.fail(&exit)),
    }
}

/// A number below 0 is a value that is refused by its option's own words, and no unknown option.
fn negative(command: clap::Command) -> clap::Command {
    command.allow_negative_numbers(true).mut_subcommands(negative)
}

/// Help and version are answers; everything else is wrong usage, as JSON when `--json` is among the arguments.
fn wrong_usage(error: &clap::Error) -> ExitCode {
    if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
        Output::new(false, None, false).piece(&error.to_string());
        return ExitCode::SUCCESS;
    }
    if std::env::args().any(|argument| argument == "--json") {
        let text = error.to_string();
        // What is wrong, without the usage that follows.
        let lines = text.lines().take_while(|line| !line.starts_with("Usage:")).map(str::trim);
        let what = lines.filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ");
        let what = what.trim_start_matches("error: ").to_owned();
        return ExitCode::from(Output::new(true, None, false).fail(&Exit::Usage(what)));
    }
    let _ = error.print();
    ExitCode::from(2)
}
