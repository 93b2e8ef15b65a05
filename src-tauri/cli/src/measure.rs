//! `lectern bench`: a file of questions, asked in each mode along the one path, and what that comes to. With strategies and
//! councils, each beside asking once. Nothing of it is stored, learned or counted, but what `--remember` keeps.

use crate::ask;
use crate::output::{Exit, Output};
use engine::abilities::{JudgedBy, Outcome};
use engine::home::Home;
use engine::measured::{Gain, Measured, ModeGain};
use engine::report::benchmark::{
    Difference, Figures, Sample, Share, accuracy_by, ask_each, difference, figures,
};
use engine::report::questions;
use engine::settings::Settings;
use engine::words::{Aggregate, Failure, Mode, Question, Strategy};
use engine::{Engine, Options};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

/// How an answer is judged, for people.
const RULE: &str = "right: equal to `expected` after trimming, folding case and spaces and writing numbers alike \
                    (1,000 is 1000, 3.50 is 3.5), or its last line without emphasis is, or `expected` is a number and the \
                    answer's last number is that number";

#[derive(clap::Args)]
pub struct Arguments {
    /// JSON lines: {"id", "question", "expected"?}.
    #[arg(long, value_name = "Q.jsonl")]
    file: PathBuf,
    /// One after the other, each beginning with an empty seat. Default: basic,fast,optimized; basic alone with strategies or
    /// councils.
    #[arg(long, value_name = "MODES", value_delimiter = ',', value_parser = ask::mode)]
    modes: Option<Vec<Mode>>,
    /// Ask by each of these as well, and say what it gains over asking once.
    #[arg(long, value_name = "A,B", value_delimiter = ',', value_parser = ask::strategy)]
    strategies: Vec<Strategy>,
    /// The same for councils: voting, weighted, sequential, ensemble, hierarchical, auto.
    #[arg(long, value_name = "A,B", value_delimiter = ',', value_parser = ask::aggregate, conflicts_with = "expert")]
    aggregate: Vec<Aggregate>,
    /// Experts of a council. Default: 3, or 5 for a hard question.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=64), requires = "aggregate")]
    top_k: Option<u32>,
    /// Keep what was found: councils weigh by it, and the mode optimized asks by a strategy whose gain is proven.
    #[arg(long)]
    remember: bool,
    /// Of sampled answers.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// This expert answers, whatever the router says.
    #[arg(long, value_name = "NAME")]
    expert: Option<String>,
    /// The first N questions only.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    limit: Option<u32>,
    /// Keep every answer here, as JSON lines: what each figure is made of.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

#[derive(Serialize)]
struct Report {
    file: PathBuf,
    /// Questions of the file that were to be asked in each mode.
    questions: usize,
    /// Interrupted: the figures are of what was asked until then.
    stopped: bool,
    rule: &'static str,
    modes: Vec<Found>,
    all: Group,
    differences: Vec<Compared>,
    /// Where every sample is.
    out: Option<PathBuf>,
}

/// One way of asking all questions.
#[derive(Clone)]
struct List {
    mode: Mode,
    /// Empty: as the mode has it.
    way: &'static str,
    question: Question,
}

impl List {
    fn name(&self) -> String {
        named(self.mode, self.way)
    }
}

fn named(mode: Mode, way: &str) -> String {
    if way.is_empty() { mode.name().to_owned() } else { format!("{} {way}", mode.name()) }
}

#[derive(Serialize)]
struct Found {
    mode: Mode,
    #[serde(skip_serializing_if = "str::is_empty")]
    way: &'static str,
    #[serde(flatten)]
    group: Group,
}

#[derive(Serialize)]
struct Group {
    #[serde(flatten)]
    figures: Figures,
    experts: BTreeMap<String, Option<Share>>,
    domains: BTreeMap<String, Option<Share>>,
}

impl Group {
    fn of<'s>(samples: impl Iterator<Item = &'s Sample> + Clone) -> Group {
        Group {
            figures: figures(samples.clone()),
            experts: accuracy_by(samples.clone(), |sample| &sample.expert),
            domains: accuracy_by(samples, |sample| &sample.domain),
        }
    }
}

/// The accuracy of `mode` (asked this `way`) minus that of `than`.
#[derive(Serialize)]
struct Compared {
    mode: Mode,
    #[serde(skip_serializing_if = "str::is_empty")]
    way: &'static str,
    than: Mode,
    #[serde(skip_serializing_if = "str::is_empty")]
    than_way: &'static str,
    /// Of this domain's questions; `None`: of all.
    #[serde(skip_serializing_if = "Option::is_none")]
    domain: Option<String>,
    #[serde(flatten)]
    difference: Difference,
}

pub fn run(arguments: Arguments, output: &Output) -> Result<(), Exit> {
    let lists = lists(&arguments);
    let lines = first_of(questions::of_file(&arguments.file)?, arguments.limit);
    let mut out = arguments.out.as_deref().map(Kept::new).transpose()?;
    let home = Home::find()?;
    let engine = open(home, output)?;
    let stop = ask::stop_on_interrupt()?;

    let mut samples: Vec<Vec<Sample>> = Vec::new();
    for list in &lists {
        // Each pays for its own loads.
        engine.unseat()?;
        let asked = ask_each(&engine, &lines, &list.question, &stop, &mut |so_far, sample| {
            output.note(&progress(&list.name(), so_far, lines.len(), sample));
            let sample = Sample { way: list.way.to_owned(), ..sample.clone() };
            out.as_mut().map_or(Ok::<_, Exit>(()), |out| out.keep(&sample))
        })?;
        samples.push(asked);
    }
    let stopped = stop.load(Ordering::Relaxed);
    let report = report(arguments.file, lines.len(), &lists, &samples, stopped, arguments.out);
    if arguments.remember && !stopped {
        engine.remember(remembered(engine.measured(), &lists, &samples))?;
        engine.outcomes().bench(&judged(&lists, &samples)).map_err(Failure::from)?;
    }
    output.show(&report, in_words);
    let failed = report.all.figures.failed;
    if failed > 0 && failed == report.all.figures.n { Err(Exit::Said) } else { Ok(()) }
}

/// Each mode; with strategies and councils, asking once first and then each of them.
fn lists(arguments: &Arguments) -> Vec<List> {
    let alone = arguments.strategies.is_empty() && arguments.aggregate.is_empty();
    let usual = if alone { vec![Mode::Basic, Mode::Fast, Mode::Optimized] } else { vec![Mode::Basic] };
    let mut lists: Vec<List> = Vec::new();
    for mode in arguments.modes.clone().unwrap_or(usual) {
        let question = Question {
            mode,
            recall: true,
            expert: arguments.expert.clone(),
            trial: true,
            ..Question::default()
        };
        let mut add = |way: &'static str, question: Question| {
            if !lists.iter().any(|list: &List| list.mode == mode && list.way == way) {
                lists.push(List { mode, way, question });
            }
        };
        if alone {
            add("", question);
            continue;
        }
        let question = Question { strategy: Some(Strategy::Direct), seed: Some(arguments.seed), ..question };
        add(Strategy::Direct.name(), question.clone());
        for strategy in &arguments.strategies {
            add(strategy.name(), Question { strategy: Some(*strategy), ..question.clone() });
        }
        for aggregate in &arguments.aggregate {
            let council =
                Question { aggregate: Some(*aggregate), top_k: arguments.top_k, ..question.clone() };
            add(aggregate.name(), council);
        }
    }
    lists
}

/// Who was right with what, of those that were asked once; of several modes the first.
fn judged<'s>(lists: &[List], samples: &'s [Vec<Sample>]) -> Vec<Outcome<'s>> {
    let once = |list: &List| list.way.is_empty() || list.way == Strategy::Direct.name();
    let first = lists.iter().zip(samples).find(|(list, _)| once(list));
    let answered =
        first.into_iter().flat_map(|(_, samples)| samples).filter(|sample| !sample.expert.is_empty());
    let outcome = |sample: &'s Sample| {
        let Sample { expert, domain, complexity, .. } = sample;
        let (complexity, right, by) = (*complexity, sample.right?, JudgedBy::Bench);
        Some(Outcome { turn: None, expert, domain, complexity, right, by })
    };
    answered.filter_map(outcome).collect()
}

/// What this benchmark adds to what is known: accuracies of experts that were asked once, and what strategies gain.
fn remembered(mut known: Measured, lists: &[List], samples: &[Vec<Sample>]) -> Measured {
    for (list, samples) in lists.iter().zip(samples) {
        let once = list.way.is_empty() || list.way == Strategy::Direct.name();
        if once {
            let mut counts: BTreeMap<(&str, &str), (u32, u32)> = BTreeMap::new();
            for sample in samples.iter().filter(|sample| !sample.expert.is_empty()) {
                let (right, n) = counts.entry((&sample.expert, &sample.domain)).or_default();
                *right += u32::from(sample.right == Some(true));
                *n += u32::from(sample.right.is_some());
            }
            for ((expert, domain), (right, n)) in counts.into_iter().filter(|(_, (_, n))| *n > 0) {
                known.count(expert, domain, right, n);
            }
        }
    }
    for (domain, list, found) in by_domain(lists, samples) {
        let (Some(strategy), None) = (list.question.strategy, list.question.aggregate) else { continue };
        let Difference { n, difference, low, high, .. } = found;
        known.gain(Gain { strategy, domain, n: n as u32, difference, low, high });
    }
    let plain = || lists.iter().zip(samples).filter(|(list, _)| list.way.is_empty());
    for (one, of_one) in plain() {
        for (than, of_than) in plain().filter(|(than, _)| than.mode != one.mode) {
            if let Some(Difference { n, difference, low, high, .. }) = difference(of_one, of_than) {
                known.mode(ModeGain { mode: one.mode, than: than.mode, n: n as u32, difference, low, high });
            }
        }
    }
    known
}

/// What each way gains over asking once in the same mode, by domain.
fn by_domain<'l>(lists: &'l [List], samples: &[Vec<Sample>]) -> Vec<(String, &'l List, Difference)> {
    let mut found = Vec::new();
    let direct = Strategy::Direct.name();
    for (list, of_list) in lists.iter().zip(samples).filter(|(list, _)| !["", direct].contains(&list.way)) {
        let Some(base) = lists.iter().position(|base| base.mode == list.mode && base.way == direct) else {
            continue;
        };
        let domains: std::collections::BTreeSet<&String> =
            of_list.iter().map(|sample| &sample.domain).collect();
        for domain in domains {
            let only = |samples: &[Sample]| -> Vec<Sample> {
                samples.iter().filter(|sample| sample.domain == *domain).cloned().collect()
            };
            if let Some(difference) = difference(&only(of_list), &only(&samples[base])) {
                found.push((domain.clone(), list, difference));
            }
        }
    }
    found
}

/// The engine as measurements open it: nobody comes back to their conversations.
pub fn open(home: Home, output: &Output) -> Result<Engine, Exit> {
    let loaded = Settings::load(&home);
    if let Some(warning) = loaded.warning {
        output.note(&format!("{} {}", warning.message, warning.fix));
    }
    let options = ask::options(&loaded.settings, output)?;
    Ok(Engine::open(home, Options { states_bytes: Some(0), ..options })?)
}

pub fn first_of<T>(mut all: Vec<T>, limit: Option<u32>) -> Vec<T> {
    all.truncate(limit.map_or(usize::MAX, |limit| limit as usize));
    all
}

/// The file of `--out`: one sample a line, written as it comes.
pub struct Kept {
    path: PathBuf,
    file: BufWriter<File>,
}

impl Kept {
    pub fn new(path: &Path) -> Result<Kept, Failure> {
        let file = File::create(path).map_err(|error| unwritable(path, &error))?;
        Ok(Kept { path: path.to_path_buf(), file: BufWriter::new(file) })
    }

    pub fn keep(&mut self, sample: &impl Serialize) -> Result<(), Exit> {
        let line = serde_json::to_string(sample).map_err(std::io::Error::from);
        let written = line.and_then(|line| writeln!(self.file, "{line}")).and_then(|()| self.file.flush());
        Ok(written.map_err(|error| unwritable(&self.path, &error))?)
    }
}

fn unwritable(path: &Path, error: &std::io::Error) -> Failure {
    Failure {
        code: "unwritable_file".into(),
        message: format!("{} cannot be written: {error}", path.display()),
        fix: "Give a path in a folder that you can write to, on a disk that is not full.".into(),
        detail: None,
    }
}

fn report(
    file: PathBuf,
    questions: usize,
    lists: &[List],
    samples: &[Vec<Sample>],
    stopped: bool,
    out: Option<PathBuf>,
) -> Report {
    let direct = Strategy::Direct.name();
    // Ways are compared with asking once, modes with each other.
    let comparable = |one: &List, than: &List| match (one.way, than.way) {
        (one_way, than_way) if one_way == than_way => true,
        (_, than_way) => than_way == direct && one.mode == than.mode,
    };
    let all: Vec<(&List, &[Sample])> = lists.iter().zip(samples.iter().map(Vec::as_slice)).collect();
    let pairs =
        all.iter().enumerate().flat_map(|(at, than)| all[at + 1..].iter().map(move |one| (one, than)));
    let compared = |one: &List, than: &List, domain: Option<String>, difference: Difference| Compared {
        mode: one.mode,
        way: one.way,
        than: than.mode,
        than_way: than.way,
        domain,
        difference,
    };
    let whole = pairs
        .filter(|((one, _), (than, _))| comparable(one, than))
        .filter_map(|((one, a), (than, b))| Some(compared(one, than, None, difference(a, b)?)));
    let parts = by_domain(lists, samples).into_iter().map(|(domain, list, difference)| {
        compared(list, &List { way: direct, ..list.clone() }, Some(domain), difference)
    });
    Report {
        file,
        questions,
        stopped,
        rule: RULE,
        all: Group::of(samples.iter().flatten()),
        differences: whole.chain(parts).collect(),
        modes: all
            .iter()
            .map(|(list, samples)| Found { mode: list.mode, way: list.way, group: Group::of(samples.iter()) })
            .collect(),
        out,
    }
}

pub fn progress(list: &str, so_far: usize, of: usize, sample: &Sample) -> String {
    let became = match (&sample.failure, sample.right) {
        (Some(failure), _) => format!("failed: {}", failure.message),
        (None, Some(true)) => "right".into(),
        (None, Some(false)) => "not right".into(),
        (None, None) => "answered".into(),
    };
    format!(
        "{list} {so_far}/{of} [{}] {} · {:.2} s · {became}",
        sample.id,
        sample.expert,
        sample.total_ms / 1e3
    )
}

fn in_words(report: &Report) -> String {
    let mut text = format!(
        "{:<17} {:>5}  {:<36} {:>15} {:>9} {:>9} {:>9} {:>9} {:>5} {:>5}\n",
        "mode", "n", "right (95 %)", "tokens in/out", "p50 ms", "p99 ms", "first ms", "MB", "loads", "swaps"
    );
    for Found { mode, way, group } in &report.modes {
        text.push_str(&row(&named(*mode, way), &group.figures));
    }
    text.push_str(&row("all", &report.all.figures));
    for (kind, shares) in [("expert", &report.all.experts), ("domain", &report.all.domains)] {
        text.push_str(&format!("\nby {kind}, all modes\n"));
        for (name, share) in shares {
            let name = if name.is_empty() { "nobody" } else { name };
            text.push_str(&format!("  {name:<16} {}\n", right(share.as_ref())));
        }
    }
    if !report.differences.is_empty() {
        text.push_str("\ndifference in points, paired (95 %)\n");
    }
    for Compared { mode, way, than, than_way, domain, difference: found } in &report.differences {
        let of = domain.as_ref().map_or(String::new(), |domain| format!(" in {domain}"));
        text.push_str(&format!(
            "  {} - {}{of}: {}\n",
            named(*mode, way),
            named(*than, than_way),
            points(found)
        ));
    }
    let all = &report.all.figures;
    text.push_str(&format!(
        "\n{} failed, {} refused, {} without `expected`, {} given past answers\n{}\n",
        all.failed, all.refused, all.without_expected, all.recalled, report.rule
    ));
    if report.stopped {
        text.push_str("stopped: the figures are of what was asked until then\n");
    }
    text
}

/// A difference of shares in points, with its interval and what it is of.
pub fn points(found: &Difference) -> String {
    format!(
        "{:+.1} ({:+.1} to {:+.1}), n = {}: {} only the first right, {} only the second",
        found.difference * 100.0,
        found.low * 100.0,
        found.high * 100.0,
        found.n,
        found.first_only,
        found.second_only
    )
}

fn row(name: &str, figures: &Figures) -> String {
    let ms = |time: Option<f32>| time.map_or("-".into(), |time| format!("{time:.1}"));
    format!(
        "{name:<17} {:>5}  {:<36} {:>15} {:>9} {:>9} {:>9} {:>9.1} {:>5} {:>5}\n",
        figures.n,
        right(figures.accuracy.as_ref()),
        format!("{}/{}", figures.prompt_tokens, figures.tokens),
        ms(figures.latency_p50_ms),
        ms(figures.latency_p99_ms),
        ms(figures.first_token_p50_ms),
        figures.peak_memory_bytes as f64 / 1e6,
        figures.loads,
        figures.swaps
    )
}

/// A share as people read it.
pub fn right(share: Option<&Share>) -> String {
    share.map_or("nothing expected".into(), |share| {
        format!(
            "{} of {}, {:.1} % ({:.1} to {:.1})",
            share.count,
            share.n,
            share.share * 100.0,
            share.low * 100.0,
            share.high * 100.0
        )
    })
}
