//! `lectern model bench`: how fast a model file runs on this machine, in its own process, as every expert does.

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use clap::Args;
use engine::words::Failure;
use runtime::host::{Finished, Host, Purpose, Request};
use serde::Serialize;

use crate::model::{host_failure, interrupted, start};
use crate::output::{Exit, Output};

#[derive(Args)]
pub struct Arguments {
    file: PathBuf,
    /// Tokens of the prompt.
    #[arg(long, default_value_t = 512, value_parser = clap::value_parser!(u32).range(1..))]
    prompt: u32,
    /// Tokens to generate.
    #[arg(long, default_value_t = 128, value_parser = clap::value_parser!(u32).range(2..))]
    generate: u32,
    /// Also generates after a text of this many tokens.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    depth: Option<u32>,
    /// Runs; each loads the file anew.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    repeat: u32,
}

/// Some runs of one figure.
#[derive(Serialize)]
struct Figure {
    median: f64,
    least: f64,
    most: f64,
}

#[derive(Serialize)]
struct Benched {
    threads: usize,
    runs: u32,
    prompt_tokens: u32,
    prompt_tokens_per_s: Figure,
    /// After one token.
    tokens_per_s: Figure,
    depth: Option<u32>,
    tokens_per_s_at_depth: Option<Figure>,
    load_ms: Figure,
    /// From the request with the whole prompt to its first token.
    first_token_ms: Figure,
    peak_rss_bytes: u64,
}

pub fn run(arguments: Arguments, output: &Output) -> Result<(), Exit> {
    let stop = interrupted();
    let mut runs = Runs::default();
    for _ in 0..arguments.repeat {
        runs.add(&arguments, output, &stop)?;
    }
    let depth = arguments.depth.map(|_| runs.depth);
    let benched = Benched {
        threads: runs.threads,
        runs: arguments.repeat,
        prompt_tokens: runs.prompt,
        prompt_tokens_per_s: figure(runs.prompt_tokens_per_s),
        tokens_per_s: figure(runs.tokens_per_s),
        depth,
        tokens_per_s_at_depth: depth.map(|_| figure(runs.tokens_per_s_at_depth)),
        load_ms: figure(runs.load_ms),
        first_token_ms: figure(runs.first_token_ms),
        peak_rss_bytes: runs.peak_rss_bytes,
    };
    output.show(&benched, in_words);
    Ok(())
}

#[derive(Default)]
struct Runs {
    threads: usize,
    prompt: u32,
    depth: u32,
    prompt_tokens_per_s: Vec<f32>,
    tokens_per_s: Vec<f32>,
    tokens_per_s_at_depth: Vec<f32>,
    load_ms: Vec<f32>,
    first_token_ms: Vec<f32>,
    peak_rss_bytes: u64,
}

impl Runs {
    fn add(&mut self, arguments: &Arguments, output: &Output, stop: &AtomicBool) -> Result<(), Exit> {
        let mut host = start(&arguments.file, Purpose::Generate, output, stop)?;
        self.threads = host.facts().threads;
        self.load_ms.push(host.facts().load_ms);
        // What a text of one token costs beside its tokens is measured with them: nothing was computed before.
        let prompt = text_of(&mut host, arguments.prompt)?;
        let read = generate(&mut host, &prompt, 1, stop)?;
        self.prompt = read.prompt_tokens;
        self.prompt_tokens_per_s.push(read.prompt_tokens_per_s);
        self.first_token_ms.push(read.first_token_ms);
        let mut peak = read.peak_memory_bytes;
        let written = generate(&mut host, "", arguments.generate, stop)?;
        self.tokens_per_s.push(rate(&written, &arguments.file)?);
        peak = peak.max(written.peak_memory_bytes);
        if let Some(depth) = arguments.depth {
            let text = text_of(&mut host, depth)?;
            let deep = generate(&mut host, &text, arguments.generate, stop)?;
            self.depth = deep.prompt_tokens;
            self.tokens_per_s_at_depth.push(rate(&deep, &arguments.file)?);
            peak = peak.max(deep.peak_memory_bytes);
        }
        self.peak_rss_bytes = self.peak_rss_bytes.max(peak);
        host.leave();
        Ok(())
    }
}

fn generate(host: &mut Host, text: &str, tokens: u32, stop: &AtomicBool) -> Result<Finished, Exit> {
    // Without guesses: how often they are right says more about the text than about the machine.
    let request = Request { lookup: false, ..Request::raw(text, tokens) };
    let done = host.generate(&request, stop, &mut |_| {}).map_err(host_failure)?;
    if done.finish == runtime::host::Finish::Stopped {
        return Err(Exit::Failed(Failure {
            code: "bench.stopped".into(),
            message: "stopped before the last run".into(),
            fix: String::new(),
            detail: None,
        }));
    }
    Ok(done)
}

/// Tokens a second; a text that ended at once has none.
fn rate(done: &Finished, file: &Path) -> Result<f32, Exit> {
    if done.tokens < 2 {
        return Err(Exit::Failed(Failure {
            code: "bench.ended".into(),
            message: format!("{}: the model ended the text after {} tokens", file.display(), done.tokens),
            fix: "Give a --depth or --prompt after which the model goes on.".into(),
            detail: None,
        }));
    }
    Ok(done.tokens_per_s)
}

/// A text of about `tokens` tokens, the start token included: words, cut where the tokenizer says.
fn text_of(host: &mut Host, tokens: u32) -> Result<String, Exit> {
    const WORDS: &[&str] = &[
        "river", "seven", "lantern", "quiet", "paper", "mountain", "of", "the", "winter", "reads", "a",
        "letter", "under", "green", "stones", "and", "counts", "every", "boat", "again",
    ];
    let wanted = tokens.saturating_sub(1) as usize;
    let mut text = String::new();
    for number in 0..wanted {
        // Steps of 7 through 20 words, shifted at each round: no line comes twice in a row.
        text.push_str(WORDS[(number * 7 + number / WORDS.len()) % WORDS.len()]);
        text.push(' ');
    }
    let pieces = host.tokenize(&text, false).map_err(host_failure)?.pieces;
    let kept: usize = pieces.iter().take(wanted).map(|piece| piece.chars().count()).sum();
    Ok(text.chars().take(kept).collect())
}

fn figure(mut values: Vec<f32>) -> Figure {
    values.sort_by(f32::total_cmp);
    let at = |index: usize| values.get(index).copied().map_or(0.0, f64::from);
    let (middle, last) = (values.len() / 2, values.len().saturating_sub(1));
    let median = if values.len().is_multiple_of(2) {
        (at(middle.saturating_sub(1)) + at(middle)) / 2.0
    } else {
        at(middle)
    };
    Figure { median, least: at(0), most: at(last) }
}

fn in_words(benched: &Benched) -> String {
    let line = |name: &str, figure: &Figure| {
        format!("{name:<28}{:>10.1}   ({:.1} to {:.1})", figure.median, figure.least, figure.most)
    };
    let mut lines = vec![
        format!("{} threads, {} runs, medians (least to most)", benched.threads, benched.runs),
        line(&format!("prompt of {}, tokens/s", benched.prompt_tokens), &benched.prompt_tokens_per_s),
        line("answer, tokens/s", &benched.tokens_per_s),
    ];
    if let (Some(depth), Some(figure)) = (benched.depth, &benched.tokens_per_s_at_depth) {
        lines.push(line(&format!("answer after {depth}, tokens/s"), figure));
    }
    lines.extend([
        line("first token, ms", &benched.first_token_ms),
        line("load, ms", &benched.load_ms),
        format!("{:<28}{:>10}", "memory at most, bytes", benched.peak_rss_bytes),
    ]);
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_an_even_number_of_runs_lies_between_the_middle_two() {
        let Figure { median, least, most } = figure(vec![4.0, 1.0, 2.0, 10.0]);
        assert_eq!((median, least, most), (3.0, 1.0, 10.0));
        assert_eq!(figure(vec![4.0, 1.0, 2.0]).median, 2.0);
    }
}
