//! `lectern model bench`: how fast a model file runs on this machine, in its own process, as every expert does.

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use clap::Args;
use engine::words::Failure;
use runtime::host::{
    Finished, Host, HostError, Measure, PageCache, Placement, Purpose, Request, Spawn, Swap, swap,
};
use serde::Serialize;

use crate::model::{host_failure, interrupted, spawn, start};
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
    /// Texts that go on in the same passes.
    #[arg(long, value_delimiter = ',', default_values_t = [1, 2, 4, 8], value_parser = clap::value_parser!(u32).range(1..=64))]
    texts: Vec<u32>,
    /// Swaps of each kind.
    #[arg(long, default_value_t = 5)]
    swaps: u32,
    /// Swaps go between this file and the first; else the same file comes again.
    #[arg(long, value_name = "FILE")]
    other: Option<PathBuf>,
}

/// Weights smaller than this may lie in a processor's caches, and are not read from memory then.
const CACHES: u64 = 256 << 20;

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
    placement: Placement,
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
    weight_bytes_per_token: u64,
    /// What the threads together read from a buffer that is larger than caches.
    memory_bytes_per_s: Figure,
    /// The part of it that decoding after one token reaches; not known of weights that may lie in caches.
    memory_share: Option<Figure>,
    together: Vec<Together>,
    swap: Option<Swaps>,
}

/// Several texts in the same passes; tokens a second of all of them.
#[derive(Serialize)]
struct Together {
    texts: u32,
    tokens_per_s: Figure,
}

#[derive(Serialize)]
struct Swaps {
    /// Of each kind.
    n: u32,
    /// The file on the disk alone; not everywhere possible.
    cold: Option<Times>,
    page_cache: Times,
    /// The expert is seated: no swap.
    warm_first_token_ms: Spread,
}

#[derive(Serialize)]
struct Times {
    /// Until who sat there is gone and its memory measured free.
    leave_ms: Spread,
    /// Until who comes takes requests.
    ready_ms: Spread,
    /// From its start to its first token.
    first_token_ms: Spread,
    /// From the word to leave to the first token of the other.
    total_ms: Spread,
    /// Part of the file that was in the page cache before, as the system says.
    cached_share: Option<Spread>,
}

#[derive(Serialize)]
struct Spread {
    p50: f64,
    p99: f64,
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
        placement: runs.placement,
        runs: arguments.repeat,
        prompt_tokens: runs.prompt,
        prompt_tokens_per_s: figure(runs.prompt_tokens_per_s),
        tokens_per_s: figure(runs.tokens_per_s),
        depth,
        tokens_per_s_at_depth: depth.map(|_| figure(runs.tokens_per_s_at_depth)),
        load_ms: figure(runs.load_ms),
        first_token_ms: figure(runs.first_token_ms),
        peak_rss_bytes: runs.peak_rss_bytes,
        weight_bytes_per_token: runs.weight_bytes_per_token,
        memory_bytes_per_s: figure(runs.memory_bytes_per_s),
        memory_share: (runs.weight_bytes_per_token >= CACHES).then(|| figure(runs.memory_share)),
        together: runs
            .together
            .into_iter()
            .map(|(texts, of)| Together { texts, tokens_per_s: figure(of) })
            .collect(),
        swap: if arguments.swaps > 0 { Some(swaps(&arguments, output, &stop)?) } else { None },
    };
    output.show(&benched, in_words);
    Ok(())
}

#[derive(Default)]
struct Runs {
    threads: usize,
    placement: Placement,
    prompt: u32,
    depth: u32,
    prompt_tokens_per_s: Vec<f32>,
    tokens_per_s: Vec<f32>,
    tokens_per_s_at_depth: Vec<f32>,
    load_ms: Vec<f32>,
    first_token_ms: Vec<f32>,
    peak_rss_bytes: u64,
    weight_bytes_per_token: u64,
    memory_bytes_per_s: Vec<f32>,
    memory_share: Vec<f32>,
    together: Vec<(u32, Vec<f32>)>,
}

impl Runs {
    fn add(&mut self, arguments: &Arguments, output: &Output, stop: &AtomicBool) -> Result<(), Exit> {
        let mut host = start(&arguments.file, Purpose::Generate, output, stop)?;
        self.threads = host.facts().threads;
        self.placement = host.facts().placement.clone();
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
        self.measure(arguments, &mut host, rate(&written, &arguments.file)?, stop)?;
        host.leave();
        Ok(())
    }

    /// What is not seen from an answer. `tokens_per_s`: of this run.
    fn measure(
        &mut self,
        arguments: &Arguments,
        host: &mut Host,
        tokens_per_s: f32,
        stop: &AtomicBool,
    ) -> Result<(), Exit> {
        let weights = host.facts().weight_bytes_per_token;
        let memory = host.measure(Measure::Reading, stop).map_err(host_failure)?;
        self.weight_bytes_per_token = weights;
        self.memory_bytes_per_s.push(memory as f32);
        self.memory_share.push((weights as f64 * f64::from(tokens_per_s) / memory) as f32);
        for (at, &texts) in arguments.texts.iter().enumerate() {
            let what = Measure::Decoding { texts, tokens: arguments.generate };
            let rate = host.measure(what, stop).map_err(host_failure)? as f32;
            match self.together.get_mut(at) {
                Some((_, rates)) => rates.push(rate),
                None => self.together.push((texts, vec![rate])),
            }
        }
        Ok(())
    }
}

/// Swaps from the disk, from the page cache, and answers without one.
fn swaps(arguments: &Arguments, output: &Output, stop: &AtomicBool) -> Result<Swaps, Exit> {
    let n = arguments.swaps;
    let plan = spawn(&arguments.file, Purpose::Generate, output)?;
    let mut coming =
        [arguments.other.as_ref().unwrap_or(&arguments.file), &arguments.file].into_iter().cycle();
    let request = Request::raw("", 1);
    let mut host = start(&arguments.file, Purpose::Generate, output, stop)?;
    let mut some = |mut host: Host, cache: PageCache| -> Result<(Host, Times), HostError> {
        let mut swaps = Vec::new();
        for file in coming.by_ref().take(n as usize) {
            let spawn = Spawn { model: file.clone(), ..plan.clone() };
            let swapped;
            (host, swapped) = swap(host, spawn, &request, cache, stop)?;
            swaps.push(swapped);
        }
        Ok((host, times(&swaps)))
    };
    let cold;
    if cfg!(target_os = "linux") {
        let (next, times) = some(host, PageCache::Cold).map_err(host_failure)?;
        (host, cold) = (next, Some(times));
    } else {
        cold = None;
        output.note("swaps from the disk are measured on Linux alone: elsewhere a file cannot be dropped from the cache");
    }
    let (mut host, page_cache) = some(host, PageCache::Warm).map_err(host_failure)?;
    let mut warm = Vec::new();
    for _ in 0..n {
        warm.push(generate(&mut host, "", 1, stop)?.first_token_ms);
    }
    host.leave();
    Ok(Swaps { n, cold, page_cache, warm_first_token_ms: spread(warm) })
}

fn times(swaps: &[Swap]) -> Times {
    let of = |value: fn(&Swap) -> f32| spread(swaps.iter().map(value).collect());
    let cached: Option<Vec<f32>> = swaps.iter().map(|swap| swap.cached).collect();
    Times {
        leave_ms: of(|swap| swap.leave_ms),
        ready_ms: of(|swap| swap.ready_ms),
        first_token_ms: of(|swap| swap.first_token_ms),
        total_ms: of(|swap| swap.leave_ms + swap.first_token_ms),
        cached_share: cached.map(spread),
    }
}

/// By nearest rank: the least value that so many of a hundred do not exceed.
fn spread(mut values: Vec<f32>) -> Spread {
    values.sort_by(f32::total_cmp);
    let at = |percent: usize| {
        let rank = (values.len() * percent).div_ceil(100);
        values.get(rank.saturating_sub(1)).copied().map_or(0.0, f64::from)
    };
    Spread { p50: at(50), p99: at(99) }
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

/// Where it was computed.
fn on(placement: &Placement) -> String {
    let Placement { device, layers, on_device, why } = placement;
    let place = match device {
        Some(device) => format!("{on_device} of {layers} layers on {device}"),
        None => "on the processor".into(),
    };
    why.as_ref().map_or(place.clone(), |why| format!("{place}: {why}"))
}

fn in_words(benched: &Benched) -> String {
    let line = |name: &str, figure: &Figure| {
        format!("{name:<28}{:>10.1}   ({:.1} to {:.1})", figure.median, figure.least, figure.most)
    };
    let mut lines = vec![
        format!("{} threads, {} runs, medians (least to most)", benched.threads, benched.runs),
        on(&benched.placement),
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
    let reading = &benched.memory_bytes_per_s;
    let reading =
        Figure { median: reading.median / 1e9, least: reading.least / 1e9, most: reading.most / 1e9 };
    lines.push(line("reading memory, GB/s", &reading));
    if let Some(share) = &benched.memory_share {
        let percent =
            Figure { median: share.median * 100.0, least: share.least * 100.0, most: share.most * 100.0 };
        lines.push(line("of it reached by an answer, %", &percent));
    }
    for Together { texts, tokens_per_s } in &benched.together {
        lines.push(line(&format!("{texts} at once, tokens/s"), tokens_per_s));
    }
    if let Some(swap) = &benched.swap {
        let kinds = [("disk", swap.cold.as_ref()), ("page cache", Some(&swap.page_cache))];
        lines.push(format!("{} swaps of each kind, ms: p50 (p99)", swap.n));
        for (from, times) in kinds {
            let Some(Times { leave_ms, ready_ms, first_token_ms, total_ms, .. }) = times else { continue };
            let both = |spread: &Spread| format!("{:.1} ({:.1})", spread.p50, spread.p99);
            lines.push(format!(
                "  from {from}: {} in all; leave {}, ready {}, first token {}",
                both(total_ms),
                both(leave_ms),
                both(ready_ms),
                both(first_token_ms)
            ));
        }
        let Spread { p50, p99 } = swap.warm_first_token_ms;
        lines.push(format!("  seated already: first token {p50:.1} ({p99:.1})"));
    }
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

    #[test]
    fn percentiles_are_values_that_were_measured() {
        let hundred: Vec<f32> = (1..=100).rev().map(|value| value as f32).collect();
        let Spread { p50, p99 } = spread(hundred);
        assert_eq!((p50, p99), (50.0, 99.0));
        let Spread { p50, p99 } = spread(vec![3.0, 1.0, 2.0]);
        assert_eq!((p50, p99), (2.0, 3.0), "of few the largest");
    }
}
