//! `lectern metrics`: what each answer took and gave, one row an answer, and what the rows come to.

use crate::output::{Exit, Output};
use engine::archive::{Archive, now_ms};
use engine::home::Home;
use engine::report::dashboard::{Dashboard, Figure, dashboard};
use engine::report::table;
use engine::words::Failure;
use serde_json::json;

#[derive(clap::Args)]
pub struct Arguments {
    /// Answers of this long: 90m, 24h, 7d. All without it.
    #[arg(long, value_name = "24h", value_parser = hours)]
    since: Option<f64>,
    /// One line an answer, with every column; what was not measured is empty.
    #[arg(long)]
    csv: bool,
}

fn hours(text: &str) -> Result<f64, String> {
    let said = || "a number and m, h or d: 90m, 24h, 7d".to_owned();
    let (number, unit) = text.split_at_checked(text.len().saturating_sub(1)).ok_or_else(said)?;
    let unit = match unit {
        "m" => 1.0 / 60.0,
        "h" => 1.0,
        "d" => 24.0,
        _ => return Err(said()),
    };
    let number: f64 = number.parse().map_err(|_| said())?;
    if number.is_finite() && number > 0.0 { Ok(number * unit) } else { Err(said()) }
}

pub fn run(arguments: &Arguments, output: &Output) -> Result<(), Exit> {
    if arguments.csv && output.is_json() {
        return Err(Exit::Usage("--csv and --json cannot both be given".into()));
    }
    let archive = Archive::open(&Home::find()?).map_err(Failure::from)?;
    // What would be before 1970 is everything.
    let since = arguments.since.map_or(0, |hours| now_ms().saturating_sub((hours * 3.6e6) as i64).max(0));
    if arguments.csv {
        output.piece(&table::csv(&archive, since)?);
    } else if output.is_json() {
        output.json(&json!({ "since": since, "metrics": table::rows(&archive, since)? }));
    } else {
        output.line(in_words(&dashboard(&archive, since)?).trim_end());
    }
    Ok(())
}

fn in_words(found: &Dashboard) -> String {
    let Dashboard { routing, compression, retrieval, memory, latency, .. } = found;
    let mut text = format!("{} answers\n", found.answers);
    let ms = |value: f64| format!("{value:.0} ms");
    let share = |value: f64| format!("{:.1} %", value * 100.0);
    let megabytes = |value: f64| format!("{:.1} MB", value / 1e6);
    let mut line = |name: &str, figure: &Figure, shown: &dyn Fn(f64) -> String| {
        let value = figure.value.map_or("not measured yet".to_owned(), shown);
        text.push_str(&format!("{name:<34} {value:>16}   n = {}\n", figure.n));
    };
    line("answer, median", &latency.p50, &ms);
    line("answer, 99th percentile", &latency.p99, &ms);
    line("first token, median", &latency.first_p50, &ms);
    line("right, of those judged", &routing.right, &share);
    line("sure of its domain, median", &routing.confidence, &share);
    line("given something recalled", &retrieval.given, &share);
    line("context shortened", &compression.share, &share);
    line("part of the tokens that stayed", &compression.ratio, &share);
    line("peak memory", &memory.peak, &megabytes);
    line("an expert was loaded", &memory.loads, &share);
    line("load, median", &memory.load_ms, &ms);
    line("experts that left for another", &memory.swaps, &|swaps| format!("{swaps:.0}"));
    for part in &routing.experts {
        line(&part.name, &part.share, &share);
    }
    text
}
