//! `lectern pool`: what each expert is worth by the log, who could go, what that would lose by asking past questions
//! without them, and taking experts back.

use crate::ask;
use crate::measure::{Kept, first_of, open, points, progress, right};
use crate::output::{Exit, Output};
use engine::archive::Archive;
use engine::home::Home;
use engine::pool::{Change, Pool};
use engine::report::criteria::{Criterion, Verdict, worth};
use engine::report::everybody::{self, Everybody};
use engine::report::optimise::task;
use engine::report::page;
use engine::report::pipeline::{self, Pipeline, PoolStage, Wish};
use engine::report::pruning::{PoolReport, Pruned, past, pool_report, replay};
use engine::report::questions;
use engine::report::threshold::under;
use engine::words::Failure;
use serde::Serialize;
use serde_json::json;
use std::path::PathBuf;
use std::sync::atomic::Ordering;

#[derive(clap::Subcommand)]
pub enum Command {
    /// Every expert: what it did, what it takes, its criteria, and keep, merge or retire with the evidence.
    ///
    /// performance = (rated up + 100 a) / (rated up + rated down + refused + 100), a the manifest's measured accuracy or
    /// 0.5; frequency = its answers / those of the most asked; combined = their mean; adaptive = 0.6 performance + 0.4
    /// recent frequency, where an answer halves every 30 days before the newest; random = sha256("SEED:NAME"), its first
    /// 8 bytes / 2^64.
    Report {
        /// Of the random control.
        #[arg(long, value_name = "N", default_value_t = 1)]
        seed: u64,
        /// The same as a page to read and to print, with the history.
        #[arg(long, value_name = "FILE.html")]
        html: Option<PathBuf>,
    },
    /// How able each expert is in a domain, and how hard its questions are: fitted to answers that were rated, checked, asked
    /// again of another expert, or benchmarked with --remember.
    Abilities,
    /// Ask every expert the same questions: who can do what, who says the same, who would be missed (regret), what two know
    /// together; the router beside the best expert alone and beside whoever was right.
    Compare(Compare),
    /// Who would go for a smaller pool, and what that would lose: questions are asked with and without them.
    Prune(Prune),
    /// All in one: prune, compose (which two together pay), optimise (prompts) and capabilities (who is right how often),
    /// one after the other. Retires nobody and uses no prompt; the last step writes the measured figures down.
    Pipeline(GoThrough),
    /// Take a retired expert back into routing.
    Restore {
        #[arg(required_unless_present = "all", conflicts_with = "all")]
        name: Option<String>,
        /// Every retired expert.
        #[arg(long)]
        all: bool,
    },
    /// What was pruned and taken back, with its evidence.
    History,
    /// The pool as a YAML file: how questions are routed, and every expert with its models.
    Export {
        /// Without it, to stdout.
        file: Option<PathBuf>,
    },
    /// Route as this YAML file says, and add and change its experts; those that it does not name stay. `pool.yaml` beside
    /// the settings is that file from then on, and is followed when it is edited.
    Import { file: PathBuf },
}

#[derive(clap::Args)]
pub struct Compare {
    /// Ask these: {"id", "question", "expected"?}. Without it, past questions; their own answers are expected.
    #[arg(long, value_name = "Q.jsonl")]
    file: Option<PathBuf>,
    /// The newest (or, of a file, the first) N questions only.
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
    /// These experts. Default: everybody who is routed to.
    #[arg(long, value_name = "A,B", value_delimiter = ',')]
    experts: Vec<String>,
    /// Keep every answer here, as JSON lines.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// What was found as a page to read and to print, with the report and the history.
    #[arg(long, value_name = "FILE.html")]
    html: Option<PathBuf>,
}

#[derive(clap::Args)]
pub struct Prune {
    /// The part of the routed experts' bytes on the disk that should go, at least.
    #[arg(long, value_name = "0.3", value_parser = part)]
    target: f64,
    /// performance, frequency, combined, adaptive or random: the least goes first.
    #[arg(long, value_name = "CRITERION", value_parser = criterion, default_value = "adaptive")]
    criterion: Criterion,
    /// Of the random control.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Ask these: {"id", "question", "expected"?}. Without it, past questions; their own answers are expected.
    #[arg(long, value_name = "Q.jsonl")]
    file: Option<PathBuf>,
    /// The newest (or, of a file, the first) N questions only.
    #[arg(long, value_name = "N", default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
    /// Keep every answer here, as JSON lines.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// The plan as a page to read and to print, with the report and the history.
    #[arg(long, value_name = "FILE.html")]
    html: Option<PathBuf>,
    /// Retire them: routing passes them by at once, their files stay.
    #[arg(long)]
    apply: bool,
}

#[derive(clap::Args)]
pub struct GoThrough {
    /// Questions: {"question", "expected" or "answer", "kind"?}. Without it, past questions whose answer was rated up.
    #[arg(long, value_name = "Q.jsonl")]
    file: Option<PathBuf>,
    /// Leave these out: prune, compose, optimise, capabilities.
    #[arg(long, value_name = "A,B", value_delimiter = ',', value_parser = stage)]
    skip: Vec<PoolStage>,
    /// The part of the routed experts' bytes on the disk that could go, at least.
    #[arg(long, value_name = "0.3", value_parser = part, default_value = "0.3")]
    target: f64,
    /// performance, frequency, combined, adaptive or random: the least would go first.
    #[arg(long, value_name = "CRITERION", value_parser = criterion, default_value = "adaptive")]
    criterion: Criterion,
    /// Of each search for a prompt.
    #[arg(long, value_name = "N", default_value_t = 300, value_parser = clap::value_parser!(u32).range(1..))]
    rollouts: u32,
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Keep what was found here as JSON, every answer included.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

fn stage(text: &str) -> Result<PoolStage, String> {
    let named = PoolStage::ALL.into_iter().find(|stage| stage.name() == text);
    named.ok_or_else(|| "prune, compose, optimise or capabilities".into())
}

/// The report with what the pool file says of it.
#[derive(Serialize)]
struct Told<'r> {
    #[serde(flatten)]
    report: &'r PoolReport,
    under_threshold: &'r [String],
}

fn part(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(part) if part > 0.0 && part < 1.0 => Ok(part),
        _ => Err("a number between 0 and 1".into()),
    }
}

fn criterion(text: &str) -> Result<Criterion, String> {
    serde_json::from_value(json!(text))
        .map_err(|_| "performance, frequency, combined, adaptive or random".into())
}

pub fn run(command: Command, output: &Output) -> Result<(), Exit> {
    match command {
        Command::Report { seed, html } => {
            let home = Home::find()?;
            let pool = Pool::open(&home).map_err(Failure::from)?;
            let log = Archive::open(&home).and_then(|archive| archive.log()).map_err(Failure::from)?;
            let report = pool_report(&pool.experts(), &log, seed);
            if let Some(path) = html {
                let history = pool.history().map_err(Failure::from)?;
                page::write(&path, &report, None, None, history).map_err(Exit::Failed)?;
            }
            let management = pool.rules().management;
            let threshold = f64::from(management.performance_threshold);
            let under_threshold = under(&report.experts, threshold);
            output.show(&Told { report: &report, under_threshold: &under_threshold }, |told| {
                let mut text = report_in_words(told.report);
                if !under_threshold.is_empty() {
                    text.push_str(&format!("under {threshold:.2}: {}\n", under_threshold.join(", ")));
                }
                text
            });
        }
        Command::Abilities => crate::abilities::run(output)?,
        Command::Compare(arguments) => compare(arguments, output)?,
        Command::Prune(arguments) => prune(arguments, output)?,
        Command::Pipeline(arguments) => go_through(arguments, output)?,
        Command::Restore { name, .. } => {
            let pool = Pool::open(&Home::find()?).map_err(Failure::from)?;
            let restored = pool.restore(name.as_deref()).map_err(Failure::from)?;
            output.show(&json!({ "restored": restored }), |_| match restored.as_slice() {
                [] => "nothing was retired".into(),
                names => format!("routed to again: {}", names.join(", ")),
            });
        }
        Command::Export { file } => {
            let exported = Pool::open(&Home::find()?).map_err(Failure::from)?.export();
            let yaml = exported.to_yaml().map_err(Failure::from)?;
            let Some(file) = file else {
                output.show(&exported, |_| yaml);
                return Ok(());
            };
            std::fs::write(&file, yaml).map_err(|error| Failure {
                code: "unwritable_file".into(),
                message: format!("{} cannot be written: {error}", file.display()),
                fix: "Give a path in a folder that you may write to.".into(),
                detail: None,
            })?;
            output.show(&json!({ "file": file, "experts": exported.experts.len() }), |_| {
                format!("{} experts in {}", exported.experts.len(), file.display())
            });
        }
        Command::Import { file } => {
            let home = Home::find()?;
            let pool = Pool::open(&home).map_err(Failure::from)?;
            pool.import(&file).map_err(Failure::from)?;
            let now = pool.export();
            output.show(&now, |now| {
                format!(
                    "{} experts; {} is followed from now on",
                    now.experts.len(),
                    home.pool_file().display()
                )
            });
        }
        Command::History => {
            let pool = Pool::open(&Home::find()?).map_err(Failure::from)?;
            let history = pool.history().map_err(Failure::from)?;
            output.show(&json!({ "history": history }), |_| history.iter().map(change_in_words).collect());
        }
    }
    Ok(())
}

fn compare(arguments: Compare, output: &Output) -> Result<(), Exit> {
    let given = arguments.file.as_deref().map(questions::of_file).transpose()?;
    let mut out = arguments.out.as_deref().map(Kept::new).transpose()?;
    let engine = open(Home::find()?, output)?;
    let all = engine.pool().experts();
    for name in &arguments.experts {
        engine.pool().get(name).map_err(Failure::from)?;
    }
    let names: Vec<String> = all
        .iter()
        .filter(|expert| match arguments.experts.is_empty() {
            true => expert.is_ready(),
            false => arguments.experts.contains(&expert.manifest.name),
        })
        .map(|expert| expert.manifest.name.clone())
        .collect();
    let log = engine.archive().log().map_err(Failure::from)?;
    let lines = given.unwrap_or_else(|| past(&log, &all));
    let lines = first_of(lines, Some(arguments.limit));

    let stop = ask::stop_on_interrupt()?;
    let choices = everybody::choices(&engine, &lines, &names)?;
    let lists = everybody::ask_everybody(&engine, &lines, &names, &stop, &mut |name, so_far, sample| {
        output.note(&progress(name, so_far, lines.len(), sample));
        let line = json!({ "list": name, "sample": sample });
        out.as_mut().map_or(Ok::<_, Exit>(()), |out| out.keep(&line))
    })?;
    let found = Everybody::of(&lists, &choices, stop.load(Ordering::Relaxed));
    if let Some(path) = arguments.html {
        let history = engine.pool().history().map_err(Failure::from)?;
        let report = pool_report(&all, &log, 1);
        page::write(&path, &report, None, Some(&found), history).map_err(Exit::Failed)?;
    }
    output.show(&found, everybody_in_words);
    Ok(())
}

fn everybody_in_words(found: &Everybody) -> String {
    let mut text = format!("{} questions, {} with an answer to judge by\n", found.questions, found.judged);
    text.push_str(&format!("router          {}\n", right(found.router.as_ref())));
    if let Some(best) = &found.best_alone {
        text.push_str(&format!("best alone      {} by {}\n", right(Some(&best.right)), best.expert));
    }
    text.push_str(&format!("somebody        {}\n", right(found.somebody.as_ref())));
    if let Some(over) = &found.over_best_alone {
        text.push_str(&format!("router over the best alone, in points  {}\n", points(over)));
    }
    text.push_str("\nright by domain\n");
    for one in &found.capability {
        text.push_str(&format!("{:<14} {:<16} {}\n", one.expert, one.domain, right(one.right.as_ref())));
    }
    text.push_str("\nlost without, in points\n");
    for one in &found.regret {
        let loss = one.loss.as_ref().map_or("not known: nothing was expected".into(), points);
        text.push_str(&format!("{:<14} routed {:>4}  {loss}\n", one.expert, one.routed));
    }
    text.push_str(
        "\ntwo of them: say the same; one is right at least, over the better one alone in points\n",
    );
    for (overlap, together) in found.overlap.iter().zip(&found.together) {
        let same = overlap
            .same
            .map_or("never both answered".into(), |same| format!("{} of {} the same", same.count, same.n));
        let gain = together.gain.as_ref().map_or("not known".into(), points);
        text.push_str(&format!("{:<14} {:<14} {same:<24} {gain}\n", overlap.first, overlap.second));
    }
    if found.stopped {
        text.push_str("\nstopped: not every expert was asked every question\n");
    }
    text
}

fn prune(arguments: Prune, output: &Output) -> Result<(), Exit> {
    let given = arguments.file.as_deref().map(questions::of_file).transpose()?;
    let mut out = arguments.out.as_deref().map(Kept::new).transpose()?;
    let engine = open(Home::find()?, output)?;
    let experts = engine.pool().experts();
    let log = engine.archive().log().map_err(Failure::from)?;
    let all = worth(&experts, &log, arguments.seed);
    let mut pruned = Pruned::plan(&experts, &all, arguments.criterion, arguments.seed, arguments.target);
    let removed = pruned.names();
    let source = arguments.file.as_ref().map_or("log".to_owned(), |file| file.display().to_string());
    let lines = given.unwrap_or_else(|| past(&log, &experts));
    let lines = first_of(lines, Some(arguments.limit));

    let stop = ask::stop_on_interrupt()?;
    if !removed.is_empty() && !lines.is_empty() {
        let lists = replay(&engine, &lines, &removed, &stop, &mut |list, so_far, sample| {
            output.note(&progress(list, so_far, lines.len(), sample));
            let line = json!({ "list": list, "sample": sample });
            out.as_mut().map_or(Ok::<_, Exit>(()), |out| out.keep(&line))
        })?;
        pruned = pruned.replayed(lists.figures(source));
    }
    pruned.stopped = stop.load(Ordering::Relaxed);
    if arguments.apply && !removed.is_empty() && !pruned.stopped {
        pruned.applied = true;
        let pool = engine.pool();
        pool.retire(&removed, &json!({ "pruned": &pruned })).map_err(Failure::from)?;
    }
    if let Some(path) = arguments.html {
        let history = engine.pool().history().map_err(Failure::from)?;
        let report = pool_report(&engine.pool().experts(), &log, arguments.seed);
        page::write(&path, &report, Some(&pruned), None, history).map_err(Exit::Failed)?;
    }
    output.show(&pruned, pruned_in_words);
    Ok(())
}

fn go_through(arguments: GoThrough, output: &Output) -> Result<(), Exit> {
    let given = arguments.file.as_deref().map(|file| task::of_file(file, None)).transpose()?;
    let mut out = arguments.out.as_deref().map(Kept::new).transpose()?;
    let engine = open(Home::find()?, output)?;
    let task = match given {
        Some(task) => task,
        None => task::of_log(&engine)?,
    };
    let wish = Wish {
        skip: arguments.skip.into_iter().collect(),
        criterion: arguments.criterion,
        target: arguments.target,
        rollouts: arguments.rollouts as usize,
        seed: arguments.seed,
    };
    let stop = ask::stop_on_interrupt()?;
    let found = pipeline::pipeline(&engine, &task, &wish, &stop, &mut |far| {
        output.note(&format!("{} {} {}/{}", far.step.name(), far.what, far.done, far.of));
        Ok(())
    })?;
    if let Some(out) = out.as_mut() {
        out.keep(&found)?;
    }
    output.show(&found, pipeline_in_words);
    Ok(())
}

fn pipeline_in_words(found: &Pipeline) -> String {
    let mut text = format!("{} questions\n", found.asked);
    if let Some(prune) = &found.prune {
        text.push_str(&format!("\nprune\n{}", pruned_in_words(&prune.pruned)));
    }
    for one in found.compose.iter().flatten() {
        text.push_str(&format!(
            "\ncompose {}: {} alone {}\n",
            one.domain,
            one.alone,
            right(one.right.as_ref())
        ));
        match (&one.beside, &one.gain) {
            (Some(other), Some(gain)) => {
                let pays = if one.pays { "pays" } else { "is not shown to pay" };
                text.push_str(&format!("  with {other}, in points {}: it {pays}\n", points(gain)));
            }
            (Some(other), None) => text.push_str(&format!("  with {other}: stopped\n")),
            (None, _) => text.push_str("  nobody knows what it does not\n"),
        }
    }
    for one in found.optimise.iter().flatten() {
        let outcome = match (&one.passed_over, &one.optimised) {
            (Some(why), _) => format!("passed over: {why}"),
            (None, Some(optimised)) => crate::prompts::outcome(optimised),
            (None, None) => "stopped".into(),
        };
        text.push_str(&format!("\noptimise {} in {}: {outcome}\n", one.expert, one.domain));
    }
    if let Some(everybody) = &found.capabilities {
        text.push_str(&format!("\ncapabilities, written down\n{}", everybody_in_words(everybody)));
    }
    if found.stopped {
        text.push_str("\nstopped: what is missing was not reached\n");
    }
    text
}

fn report_in_words(report: &PoolReport) -> String {
    let mut text = format!(
        "{} answers in the log\n{:<14} {:>5} {:>6} {:>4} {:>4} {:>7} {:>9} {:>9} {:>8} {:>8}  {:>6} {:>6} {:>6} {:>6} {:>6}\n",
        report.answers,
        "expert",
        "n",
        "share",
        "up",
        "down",
        "refused",
        "accuracy",
        "p50 ms",
        "MB disk",
        "MB mem",
        "perf",
        "freq",
        "comb",
        "adapt",
        "random"
    );
    for worth in &report.experts {
        let of = |figure: Option<f64>| figure.map_or("-".to_owned(), |figure| format!("{figure:.1}"));
        text.push_str(&format!(
            "{:<14} {:>5} {:>6} {:>4} {:>4} {:>7} {:>9} {:>9} {:>8.1} {:>8}  {:>6.3} {:>6.3} {:>6.3} {:>6.3} {:>6.3}\n",
            worth.name,
            worth.answers,
            of(worth.share.map(|share| share.share * 100.0)),
            worth.rated_up,
            worth.rated_down,
            worth.refused,
            of(worth.measured_accuracy.map(|accuracy| accuracy * 100.0)),
            of(worth.latency_p50_ms.map(f64::from)),
            worth.disk_bytes as f64 / 1e6,
            of(worth.memory_bytes.map(|bytes| bytes as f64 / 1e6)),
            worth.performance,
            worth.frequency,
            worth.combined,
            worth.adaptive,
            worth.random,
        ));
    }
    text.push('\n');
    for worth in &report.experts {
        let word = match &worth.verdict {
            Verdict::Keep => "keep".to_owned(),
            Verdict::Retire => "retire".into(),
            Verdict::Merge { into } => format!("merge into {into}"),
            Verdict::Retired => "retired".into(),
        };
        text.push_str(&format!("{:<14} {word}: {}\n", worth.name, worth.evidence));
    }
    text
}

fn pruned_in_words(pruned: &Pruned) -> String {
    if pruned.removed.is_empty() {
        return "nobody can go: whoever is routed to answers for lack of another\n".into();
    }
    let mut text = String::new();
    for gone in &pruned.removed {
        text.push_str(&format!(
            "{:<14} {:.3} by {}, {:.1} MB\n",
            gone.name,
            gone.score,
            json!(pruned.criterion).as_str().unwrap_or_default(),
            gone.disk_bytes as f64 / 1e6
        ));
    }
    text.push_str(&format!(
        "\n{:.1} of {:.1} MB on the disk ({:.1} %, asked for {:.1} %); the files stay until you delete them\n",
        pruned.gain.disk_bytes as f64 / 1e6,
        pruned.disk_bytes_before as f64 / 1e6,
        pruned.gain.disk_share * 100.0,
        pruned.target * 100.0
    ));
    match &pruned.replay {
        None => text.push_str("loss not known: no past question, n = 0 (--file gives some)\n"),
        Some(replay) => {
            let loss = replay.loss.as_ref().map_or("not known: nothing was expected".into(), points);
            text.push_str(&format!(
                "replayed {} of {}\nright with them     {}\nright without them  {}\nloss in points      {loss}\nsame answer         {}\n",
                replay.without.n,
                replay.questions,
                right(replay.with.accuracy.as_ref()),
                right(replay.without.accuracy.as_ref()),
                right(replay.same.as_ref())
            ));
            text.push_str(&format!(
                "peak memory {:+.1} MB, loads {:+}, time of loads {:+.0} ms\n",
                -pruned.gain.peak_memory_bytes.unwrap_or(0) as f64 / 1e6,
                -pruned.gain.loads.unwrap_or(0),
                -pruned.gain.load_ms.unwrap_or(0.0)
            ));
        }
    }
    text.push_str(match (pruned.stopped, pruned.applied) {
        (true, _) => "stopped: nothing was retired\n",
        (_, true) => "retired; `lectern pool restore --all` takes them back\n",
        _ => "nothing was changed; --apply retires them\n",
    });
    text
}

fn change_in_words(change: &Change) -> String {
    let names = |list: &serde_json::Value| -> String {
        let name =
            |entry: &serde_json::Value| entry["name"].as_str().or(entry.as_str()).unwrap_or("?").to_owned();
        list.as_array().map(|list| list.iter().map(name).collect::<Vec<_>>().join(", ")).unwrap_or_default()
    };
    let (word, who) = match &change.what["pruned"] {
        serde_json::Value::Null => ("restored", names(&change.what["restored"])),
        pruned => ("retired", names(&pruned["removed"])),
    };
    format!("{:>3}  {}  {word} {who}\n", change.number, change.created)
}
