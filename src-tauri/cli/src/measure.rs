//! `lectern bench`: a file of questions, asked in each mode along the one path, and what that comes to. Nothing of it is
//! stored, learned or counted.

use crate::ask;
use crate::batch::{self, HasQuestion};
use crate::output::{Exit, Output};
use engine::home::Home;
use engine::report::benchmark::{
    Difference, Figures, Sample, Share, accuracy_by, ask_each, difference, figures,
};
use engine::report::pruning::Asked;
use engine::settings::Settings;
use engine::words::{Failure, Mode, Question};
use engine::{Engine, Options};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
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
    /// One after the other, each beginning with an empty seat.
    #[arg(long, value_name = "MODES", value_delimiter = ',', value_parser = ask::mode, default_value = "basic,fast,optimized")]
    modes: Vec<Mode>,
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

/// A line of a question file.
#[derive(Deserialize)]
#[serde(try_from = "Map<String, Value>")]
pub struct Line(pub Asked);

impl TryFrom<Map<String, Value>> for Line {
    type Error = String;

    fn try_from(fields: Map<String, Value>) -> Result<Line, String> {
        let field = |name: &str| match fields.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(Value::Number(number)) => Ok(Some(number.to_string())),
            Some(_) => Err(format!("the field \"{name}\" is neither text nor a number")),
        };
        let missing = |name: &str| format!("the field \"{name}\" is missing");
        let question = match fields.get("question") {
            Some(Value::String(text)) => text.clone(),
            Some(_) => return Err("the field \"question\" is no text".into()),
            None => return Err(missing("question")),
        };
        let id = field("id")?.ok_or_else(|| missing("id"))?;
        Ok(Line(Asked { id, question, expected: field("expected")? }))
    }
}

impl HasQuestion for Line {
    fn question(&self) -> &str {
        &self.0.question
    }
}

#[derive(Serialize)]
struct Report {
    file: PathBuf,
    /// Questions of the file that were to be asked in each mode.
    questions: usize,
    /// Interrupted: the figures are of what was asked until then.
    stopped: bool,
    rule: &'static str,
    modes: Vec<Measured>,
    all: Group,
    differences: Vec<Compared>,
    /// Where every sample is.
    out: Option<PathBuf>,
}

#[derive(Serialize)]
struct Measured {
    mode: Mode,
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

/// The accuracy of `mode` minus that of `than`.
#[derive(Serialize)]
struct Compared {
    mode: Mode,
    than: Mode,
    #[serde(flatten)]
    difference: Difference,
}

pub fn run(arguments: Arguments, output: &Output) -> Result<(), Exit> {
    let mut modes = arguments.modes;
    let mut seen = Vec::new();
    modes.retain(|mode| {
        !seen.contains(mode) && {
            seen.push(*mode);
            true
        }
    });
    let lines = batch::lines_of::<Line>(&arguments.file)?.into_iter().map(|line| line.0).collect();
    let lines: Vec<Asked> = first_of(lines, arguments.limit);
    let mut out = arguments.out.as_deref().map(Kept::new).transpose()?;
    let home = Home::find()?;
    let engine = open(home, output)?;
    let stop = ask::stop_on_interrupt()?;

    let mut samples: Vec<Vec<Sample>> = Vec::new();
    for mode in &modes {
        // Each mode pays for its own loads.
        engine.unseat()?;
        let question = Question {
            mode: *mode,
            recall: true,
            expert: arguments.expert.clone(),
            trial: true,
            ..Question::default()
        };
        samples.push(ask_each(&engine, &lines, &question, &stop, &mut |so_far, sample| {
            output.note(&progress(name(*mode), so_far, lines.len(), sample));
            out.as_mut().map_or(Ok::<_, Exit>(()), |out| out.keep(sample))
        })?);
    }
    let report =
        report(arguments.file, lines.len(), &modes, &samples, stop.load(Ordering::Relaxed), arguments.out);
    output.show(&report, in_words);
    let failed = report.all.figures.failed;
    if failed > 0 && failed == report.all.figures.n { Err(Exit::Said) } else { Ok(()) }
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
    modes: &[Mode],
    samples: &[Vec<Sample>],
    stopped: bool,
    out: Option<PathBuf>,
) -> Report {
    let lists: Vec<(Mode, &[Sample])> =
        modes.iter().copied().zip(samples.iter().map(Vec::as_slice)).collect();
    let pairs =
        lists.iter().enumerate().flat_map(|(at, than)| lists[at + 1..].iter().map(move |one| (one, than)));
    Report {
        file,
        questions,
        stopped,
        rule: RULE,
        all: Group::of(samples.iter().flatten()),
        differences: pairs
            .filter_map(|((mode, one), (than, other))| {
                Some(Compared { mode: *mode, than: *than, difference: difference(one, other)? })
            })
            .collect(),
        modes: lists
            .iter()
            .map(|(mode, samples)| Measured { mode: *mode, group: Group::of(samples.iter()) })
            .collect(),
        out,
    }
}

fn name(mode: Mode) -> &'static str {
    match mode {
        Mode::Optimized => "optimized",
        Mode::Fast => "fast",
        Mode::Basic => "basic",
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
        "{:<10} {:>5}  {:<36} {:>15} {:>9} {:>9} {:>9} {:>9} {:>5} {:>5}\n",
        "mode", "n", "right (95 %)", "tokens in/out", "p50 ms", "p99 ms", "first ms", "MB", "loads", "swaps"
    );
    for measured in &report.modes {
        text.push_str(&row(name(measured.mode), &measured.group.figures));
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
    for Compared { mode, than, difference: found } in &report.differences {
        text.push_str(&format!("  {} - {}: {}\n", name(*mode), name(*than), points(found)));
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
        "{name:<10} {:>5}  {:<36} {:>15} {:>9} {:>9} {:>9} {:>9.1} {:>5} {:>5}\n",
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
