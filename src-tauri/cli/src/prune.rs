//! `lectern prune …`: model pruning. Scores the experts inside a mixture, plans who stays, tries it, writes the file.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use engine::words::Failure;
use lab::prune::{
    Asking, Check, Delta, Interval, Outcome, Plan, PlanHow, PruneError, Scan, Score, Trial, Workshop,
    Written, check, load, plan, questions, save, scan, write,
};

use crate::model::interrupted;
use crate::output::{Exit, Output};
use crate::program::own_file;

#[derive(Subcommand)]
pub enum Command {
    /// Score every expert by what it does with your questions.
    Scan(ScanFlags),
    /// Say who stays.
    Plan(PlanFlags),
    /// Try a plan on other questions, before a byte is written. The plan file keeps what is found.
    Check(CheckFlags),
    /// Write the model without the experts that go.
    Write(WriteFlags),
}

#[derive(Args)]
pub struct ScanFlags {
    file: PathBuf,
    /// JSON lines {"question", "answer"?, "topic"?, "weight"?}. Without them AIMER alone is computed.
    #[arg(long, value_name = "Q.jsonl")]
    calibrate: Option<PathBuf>,
    #[arg(long, value_name = "scan.json")]
    out: Option<PathBuf>,
    #[command(flatten)]
    asking: Asking,
}

#[derive(Args)]
pub struct PlanFlags {
    scan: PathBuf,
    /// Share of the experts that stay.
    #[arg(long)]
    keep: f64,
    #[arg(long, default_value = "reap")]
    score: Score,
    /// One budget for all layers. A file has one number of experts for all its layers, so that writing such a plan fills
    /// the others up to the largest.
    #[arg(long)]
    per_layer: bool,
    /// Of the random score.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    #[arg(long, value_name = "plan.json")]
    out: Option<PathBuf>,
}

#[derive(Args)]
pub struct CheckFlags {
    file: PathBuf,
    plan: PathBuf,
    /// Questions that the scan has not seen.
    #[arg(long, value_name = "Q.jsonl")]
    held_out: PathBuf,
    /// Questions on what must not suffer.
    #[arg(long, value_name = "G.jsonl")]
    guard: Option<PathBuf>,
    /// A plan is blocked when a token is foretold worse than by so many nats, in the mean of either set.
    #[arg(long, default_value_t = 0.1, value_name = "NATS")]
    limit: f64,
    #[command(flatten)]
    asking: Asking,
}

#[derive(Args)]
pub struct WriteFlags {
    file: PathBuf,
    plan: PathBuf,
    #[arg(long, value_name = "NEW.gguf")]
    out: PathBuf,
    /// Write also what was not checked, or did not pass.
    #[arg(long)]
    unchecked: bool,
    /// Do not load both files afterwards to compare their logits.
    #[arg(long)]
    no_comparison: bool,
}

pub fn run(command: Command, output: &Output) -> Result<(), Exit> {
    let workshop = Workshop { executable: own_file()?, threads: output.threads, stop: interrupted() };
    let done = match command {
        Command::Scan(flags) => scan_file(flags, &workshop, output),
        Command::Plan(flags) => plan_scan(flags, output),
        Command::Check(flags) => check_plan(flags, &workshop, output),
        Command::Write(flags) => write_plan(flags, &workshop, output),
    };
    done.map_err(|error| match error {
        PruneError::Usage(why) => Exit::Usage(why),
        error => Exit::Failed(Failure {
            code: error.code().into(),
            message: error.to_string(),
            fix: error.fix().into(),
            detail: None,
        }),
    })
}

fn scan_file(flags: ScanFlags, workshop: &Workshop, output: &Output) -> Result<(), PruneError> {
    let asked = flags.calibrate.as_deref().map(questions).transpose()?.unwrap_or_default();
    let count = asked.len();
    let mut done = |at: usize| {
        if at.is_multiple_of(10) || at == count {
            output.note(&format!("{at} of {count} questions"));
        }
    };
    let found = scan(&flags.file, &asked, flags.asking, workshop, &mut done)?;
    if let Some(out) = &flags.out {
        save(out, &found)?;
    }
    output.show(&found, scan_in_words);
    Ok(())
}

fn scan_in_words(scan: &Scan) -> String {
    let of = &scan.calibration;
    let mut lines = vec![format!(
        "{} questions, {} tokens, {:.0} for each expert{}",
        of.questions,
        of.tokens,
        of.tokens_per_expert,
        if of.enough { "" } else { ": not enough to believe; ask more, or plan with --score aimer" }
    )];
    for layer in &scan.layers {
        lines.push(format!("layer {}", layer.layer));
        lines.push("  expert  tokens       gate  norm mean        reap     easy-ep   aimer".into());
        for expert in &layer.experts {
            lines.push(format!(
                "  {:6} {:7} {:10.3} {:10.4} {:11.5} {:11.5} {:7.4}{}",
                expert.expert,
                expert.tokens,
                expert.gate,
                expert.norm_mean,
                expert.reap,
                expert.easy_ep,
                expert.aimer,
                if layer.idle.contains(&expert.expert) { "  never chosen" } else { "" }
            ));
        }
    }
    lines.extend(spare(scan));
    lines.join("\n")
}

/// How much can go from every layer before one is missed that the questions came to.
fn spare(scan: &Scan) -> Option<String> {
    let (all, used) = (scan.model.experts, scan.model.experts_used);
    let idle = scan.layers.iter().map(|layer| layer.idle.len() as u32).min().filter(|&idle| idle > 0)?;
    let stay = (all - idle.min(all)).max(used);
    // Rounded down: a plan keeps at least the share that it is asked for.
    let keep = (f64::from(stay) / f64::from(all) * 1e4).floor() / 1e4;
    Some(format!(
        "{stay} of {all} experts were chosen in the layer that uses the most: --keep {keep} cuts none of them"
    ))
}

fn plan_scan(flags: PlanFlags, output: &Output) -> Result<(), PruneError> {
    let scan: Scan = load(&flags.scan)?;
    let PlanFlags { keep, score, per_layer, seed, .. } = flags;
    let planned = plan(&scan, PlanHow { keep, score, per_layer, seed })?;
    match &flags.out {
        Some(out) => save(out, &planned)?,
        None if !output.is_json() => output.note("nothing is kept of this plan without --out plan.json"),
        None => {}
    }
    output.show(&planned, plan_in_words);
    Ok(())
}

fn list(experts: &[u32]) -> String {
    experts.iter().map(u32::to_string).collect::<Vec<_>>().join(" ")
}

fn plan_in_words(plan: &Plan) -> String {
    let percent = |share: f64| format!("{:.1} %", 100.0 * share);
    let mut lines = Vec::new();
    for layer in &plan.layers {
        let kept = list(&layer.kept);
        lines.push(format!(
            "layer {}: keeps {} of {} ({kept}), {} of what they did",
            layer.layer,
            layer.kept.len(),
            layer.experts,
            percent(layer.coverage.score)
        ));
    }
    lines.push(format!(
        "coverage: {} of the choices, {} of the shares, {} of {}",
        percent(plan.coverage.count),
        percent(plan.coverage.gate),
        percent(plan.coverage.score),
        plan.how.score.name()
    ));
    if let Some(stability) = plan.stability {
        lines.push(format!("stability: two halves of the questions agree on {}", percent(stability)));
    }
    if !plan.enough {
        lines.push("not enough tokens to believe these scores: ask more, or --score aimer".into());
    }
    lines.join("\n")
}

fn check_plan(flags: CheckFlags, workshop: &Workshop, output: &Output) -> Result<(), PruneError> {
    let mut plan: Plan = load(&flags.plan)?;
    let trial = Trial {
        held_out: questions(&flags.held_out)?,
        guard: flags.guard.as_deref().map(questions).transpose()?.unwrap_or_default(),
        asking: flags.asking,
        limit: flags.limit,
    };
    let count = trial.held_out.len() + trial.guard.len();
    let mut done = |at: usize| {
        if at.is_multiple_of(10) || at == count {
            output.note(&format!("{at} of {count} questions"));
        }
    };
    let found = check(&flags.file, &plan, &trial, workshop, &mut done)?;
    plan.check = Some(found.clone());
    save(&flags.plan, &plan)?;
    output.show(&found, check_in_words);
    Ok(())
}

fn check_in_words(check: &Check) -> String {
    let mut lines = vec![delta_in_words("held-out", &check.held_out)];
    if check.topics.len() > 1 {
        lines.extend(
            check.topics.iter().map(|topic| delta_in_words(&format!("  {}", topic.topic), &topic.delta)),
        );
    }
    lines.extend(check.guard.as_ref().map(|guard| delta_in_words("guard", guard)));
    let word = match check.outcome {
        Outcome::Passed => "passed",
        Outcome::Blocked => "blocked",
    };
    lines.push(format!("{word}: {}", check.verdict));
    lines.join("\n")
}

fn delta_in_words(name: &str, delta: &Delta) -> String {
    let range = |interval: &Interval| {
        let (Some(low), Some(high)) = (interval.low, interval.high) else {
            return format!("{:.4} [one question tells nothing of others]", interval.mean);
        };
        format!("{:.4} [{low:.4}, {high:.4}]", interval.mean)
    };
    format!(
        "{name}: {} questions, {} tokens; perplexity {:.4} to {:.4}; loss {}; KL {}, 99 % below {:.4}; same token {}",
        delta.questions,
        delta.tokens,
        delta.perplexity_before,
        delta.perplexity_after,
        range(&delta.loss),
        range(&delta.kl_mean),
        delta.kl_p99,
        range(&delta.top1_agreement)
    )
}

fn write_plan(flags: WriteFlags, workshop: &Workshop, output: &Output) -> Result<(), PruneError> {
    let plan: Plan = load(&flags.plan)?;
    let WriteFlags { file, out, unchecked, no_comparison, .. } = flags;
    let mut told = |bytes: u64| output.note(&format!("{} MB", bytes / 1_000_000));
    let written = write(&file, &plan, &out, unchecked, !no_comparison, workshop, &mut told)?;
    output.show(&written, |written| in_words(written, &out));
    Ok(())
}

fn in_words(written: &Written, out: &Path) -> String {
    let mut lines: Vec<String> = written
        .kept
        .iter()
        .map(|block| format!("{}  {} expert {}", block.sha256, block.tensor, block.expert))
        .collect();
    for (layer, more) in &written.filled {
        lines.push(format!(
            "layer {layer} keeps {more} more than planned: a file has one number for all layers"
        ));
    }
    lines.push(format!(
        "{}: {} experts a layer, {} bytes of {}{}",
        out.display(),
        written.experts,
        written.bytes_after,
        written.bytes_before,
        match written.same_logits {
            Some(_) => "; logits are those of the masked model, bit for bit",
            None => "; logits were not compared",
        }
    ));
    lines.join("\n")
}
