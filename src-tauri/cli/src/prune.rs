//! `lectern prune …`: model pruning. Scores the experts inside a mixture, plans who stays, tries it, writes the file.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use engine::home::Home;
use engine::pool::{Expert, Mask, MaskedLayer, Pool};
use engine::words::Failure;
use lab::prune::{
    Asking, Check, Curve, Delta, Growing, Interval, Outcome, Plan, PlanHow, PruneError, Running, Scan, Score,
    Trial, Workshop, Written, check, curve, load, plan, questions, save, scan, write,
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
    /// Try several sizes on other questions at once: what each would cost.
    Curve(CurveFlags),
    /// Try a plan on other questions, before a byte is written. The plan file keeps what is found.
    Check(CheckFlags),
    /// Write the model without the experts that go.
    Write(WriteFlags),
    /// Have an expert of the pool go without the experts that a plan removes, until `unmask`. Its file stays as it is.
    Mask(MaskFlags),
    /// Take the mask off: all experts of the file are used again.
    Unmask { name: String },
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
    /// Super experts may go like any other.
    #[arg(long)]
    unprotected: bool,
    #[arg(long, value_name = "plan.json")]
    out: Option<PathBuf>,
}

#[derive(Args)]
pub struct CurveFlags {
    file: PathBuf,
    scan: PathBuf,
    /// Questions that the scan has not seen.
    #[arg(long, value_name = "Q.jsonl")]
    held_out: PathBuf,
    /// Questions on what must not suffer.
    #[arg(long, value_name = "G.jsonl")]
    guard: Option<PathBuf>,
    #[arg(long, default_value = "reap")]
    score: Score,
    /// Of the random score.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Super experts may go like any other.
    #[arg(long)]
    unprotected: bool,
    #[command(flatten)]
    asking: Asking,
}

#[derive(Args)]
pub struct MaskFlags {
    name: String,
    plan: PathBuf,
    /// Also a plan that was not checked, or did not pass.
    #[arg(long)]
    unchecked: bool,
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
    /// Try also what rounding the experts' weights to about the same size would cost. It takes memory for them.
    #[arg(long)]
    rival: bool,
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
    /// The expert of the pool whose file was pruned: the new file becomes one more build of it. Of an expert that came with
    /// Lectern it becomes an expert of its own.
    #[arg(long, value_name = "NAME")]
    expert: Option<String>,
}

pub fn run(command: Command, output: &Output) -> Result<(), Exit> {
    let workshop = Workshop { executable: own_file()?, threads: output.threads, stop: interrupted() };
    match command {
        Command::Scan(flags) => scan_file(flags, &workshop, output).map_err(exit),
        Command::Plan(flags) => plan_scan(flags, output).map_err(exit),
        Command::Curve(flags) => draw_curve(flags, &workshop, output).map_err(exit),
        Command::Check(flags) => check_plan(flags, &workshop, output).map_err(exit),
        Command::Write(flags) => write_plan(flags, &workshop, output),
        Command::Mask(flags) => mask(&flags, output),
        Command::Unmask { name } => unmask(&name, output),
    }
}

fn exit(error: PruneError) -> Exit {
    match error {
        PruneError::Usage(why) => Exit::Usage(why),
        error => Exit::Failed(Failure {
            code: error.code().into(),
            message: error.to_string(),
            fix: error.fix().into(),
            detail: None,
        }),
    }
}

fn counting(output: &Output, count: usize) -> impl FnMut(usize) {
    move |at: usize| {
        if at.is_multiple_of(10) || at == count {
            output.note(&format!("{at} of {count} questions"));
        }
    }
}

fn scan_file(flags: ScanFlags, workshop: &Workshop, output: &Output) -> Result<(), PruneError> {
    let asked = flags.calibrate.as_deref().map(questions).transpose()?.unwrap_or_default();
    let count = asked.len();
    let mut done = counting(output, count);
    let mut done = |growing: &Growing<'_>| match growing.asked() {
        0 => {}
        asked => done(asked),
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
    lines.push(match &scan.super_experts {
        None => "super experts: too few experts, or no questions, to tell".into(),
        Some(found) if found.is_empty() => "super experts: none".into(),
        Some(found) => {
            let each = found.iter().map(|it| format!("{} of layer {} ({:.1})", it.expert, it.layer, it.peak));
            format!("super experts, which a plan keeps: {}", each.collect::<Vec<_>>().join(", "))
        }
    });
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
    let PlanFlags { keep, score, per_layer, seed, unprotected, .. } = flags;
    let planned = plan(&scan, PlanHow { keep, score, per_layer, seed, protect: !unprotected })?;
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
        rival: flags.rival,
    };
    let mut done = counting(output, trial.held_out.len() + trial.guard.len());
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
    lines.push(format!(
        "file: {} bytes of {}{}",
        check.bytes_after,
        check.bytes_before,
        check.before.as_ref().map(|before| format!("; now {}", running_in_words(before))).unwrap_or_default()
    ));
    if let Some(rival) = &check.rival {
        lines.push(format!("rival: the experts' weights as {}, {} bytes", rival.storage, rival.bytes));
        lines.push(delta_in_words("  held-out", &rival.held_out));
        lines.extend(rival.guard.as_ref().map(|guard| delta_in_words("  guard", guard)));
    }
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

fn running_in_words(running: &Running) -> String {
    format!(
        "{:.1} tokens a second, {:.1} MB of memory",
        running.tokens_per_s,
        running.memory_bytes as f64 / 1e6
    )
}

fn draw_curve(flags: CurveFlags, workshop: &Workshop, output: &Output) -> Result<(), PruneError> {
    let scan: Scan = load(&flags.scan)?;
    let trial = Trial {
        held_out: questions(&flags.held_out)?,
        guard: flags.guard.as_deref().map(questions).transpose()?.unwrap_or_default(),
        asking: flags.asking,
        limit: f64::INFINITY,
        rival: false,
    };
    let mut done = counting(output, trial.held_out.len() + trial.guard.len());
    let CurveFlags { score, seed, unprotected, .. } = flags;
    let how = PlanHow { keep: 1.0, score, per_layer: false, seed, protect: !unprotected };
    let drawn = curve(&flags.file, &scan, how, &trial, workshop, &mut done)?;
    output.show(&drawn, curve_in_words);
    Ok(())
}

fn curve_in_words(curve: &Curve) -> String {
    let mut lines = vec![
        "   keep  layers      experts         bytes     loss                       guard    front".to_owned(),
    ];
    for point in &curve.points {
        let loss = &point.held_out.loss;
        lines.push(format!(
            "  {:5.3}  {:<9} {:5} of {:<5} {:12}  {:7.4} [{}, {}]  {:>7}  {}",
            point.how.keep,
            if point.how.per_layer { "differ" } else { "alike" },
            point.kept,
            point.of,
            point.bytes,
            loss.mean,
            loss.low.map_or("-".into(), |low| format!("{low:.4}")),
            loss.high.map_or("-".into(), |high| format!("{high:.4}")),
            point.guard.as_ref().map_or("-".into(), |guard| format!("{:.4}", guard.loss.mean)),
            if point.pareto { "*" } else { "" }
        ));
    }
    lines.push("* nothing as small loses less; loss: nats by which a token is foretold worse".into());
    lines.join("\n")
}

fn write_plan(flags: WriteFlags, workshop: &Workshop, output: &Output) -> Result<(), Exit> {
    let plan: Plan = load(&flags.plan).map_err(exit)?;
    let WriteFlags { file, out, unchecked, no_comparison, expert, .. } = flags;
    let pool = expert.map(|name| Ok::<_, Exit>((pool_with(&name)?, name))).transpose()?;
    let mut told = |bytes: u64| output.note(&format!("{} MB", bytes / 1_000_000));
    let written = write(&file, &plan, &out, unchecked, !no_comparison, workshop, &mut told).map_err(exit)?;
    let added = pool.map(|(pool, name)| pool.add_pruned(&name, &out)).transpose().map_err(Failure::from)?;
    if let Some(expert) = &added {
        output.note(&format!(
            "{} has the new file: `lectern experts use {} {}`",
            expert.manifest.title,
            expert.manifest.name,
            out.display()
        ));
    }
    output.show(&written, |written| in_words(written, &out));
    Ok(())
}

/// The pool, which has this expert: said before anything is written.
fn pool_with(name: &str) -> Result<Pool, Exit> {
    let pool = Pool::open(&Home::find()?).map_err(Failure::from)?;
    pool.get(name).map_err(Failure::from)?;
    Ok(pool)
}

fn mask(flags: &MaskFlags, output: &Output) -> Result<(), Exit> {
    let plan: Plan = load(&flags.plan).map_err(exit)?;
    if !flags.unchecked {
        plan.passed().map_err(exit)?;
    }
    let pool = pool_with(&flags.name)?;
    let expert = pool.get(&flags.name).map_err(Failure::from)?;
    plan.fits(&expert.file).map_err(exit)?;
    let layer = |layer: &lab::prune::LayerPlan| MaskedLayer {
        layer: layer.layer,
        experts: layer.experts,
        kept: layer.kept.clone(),
    };
    let mask = Mask {
        layers: plan.layers.iter().map(layer).collect(),
        score: plan.how.score.name().into(),
        plan: plan.sum(),
        loss: plan.check.as_ref().map(|check| check.held_out.loss.mean),
    };
    let expert = pool.mask(&flags.name, Some((mask, plan.model.bytes))).map_err(Failure::from)?;
    output.show(&expert, masked_in_words);
    Ok(())
}

fn unmask(name: &str, output: &Output) -> Result<(), Exit> {
    let expert = pool_with(name)?.mask(name, None).map_err(Failure::from)?;
    output.show(&expert, masked_in_words);
    Ok(())
}

fn masked_in_words(expert: &Expert) -> String {
    let title = &expert.manifest.title;
    match expert.implementation().and_then(|its| its.mask.as_ref()) {
        None => format!("{title} uses all experts of its file"),
        Some(mask) => {
            let (kept, all) = mask
                .layers
                .iter()
                .fold((0, 0), |(kept, all), layer| (kept + layer.kept.len(), all + layer.experts));
            format!("{title} goes without {} of {all} experts of its file from the next load on", all - kept)
        }
    }
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
    if let Some((before, after)) = written.before.as_ref().zip(written.after.as_ref()) {
        lines.push(format!("before: {}; after: {}", running_in_words(before), running_in_words(after)));
    }
    lines.join("\n")
}
