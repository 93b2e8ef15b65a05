//! `lectern route`: which expert would answer, with every term of every score. Loads nothing.

use crate::ask;
use crate::batch::{self, HasQuestion};
use crate::output::{Exit, Output, value_of};
use engine::Engine;
use engine::home::Home;
use engine::route::arms::Arm;
use engine::settings::Settings;
use engine::words::{Plan, Ranked};
use serde::Deserialize;
use serde_json::Value;
use std::path::PathBuf;

#[derive(clap::Args)]
pub struct Arguments {
    /// The question.
    #[arg(required_unless_present = "file", conflicts_with = "file")]
    text: Option<String>,
    /// Route each line of a JSON lines file: {"id", "question"}.
    #[arg(long, value_name = "Q.jsonl")]
    file: Option<PathBuf>,
    /// As if this expert had been chosen by hand.
    #[arg(long, value_name = "NAME")]
    expert: Option<String>,
    /// gate: the router; heuristic, keywords, all, rank: other scores to compare it with, each with its terms and formula.
    #[arg(long, value_name = "ARM", value_parser = arm, default_value = "gate", conflicts_with = "expert")]
    arm: Scored,
}

/// By what experts are scored.
#[derive(Clone, Copy)]
enum Scored {
    Gate,
    By(Arm),
}

fn arm(text: &str) -> Result<Scored, String> {
    let known = Arm::ALL.into_iter().find(|(name, _)| *name == text);
    match (text, known) {
        ("gate", _) => Ok(Scored::Gate),
        (_, Some((_, arm))) => Ok(Scored::By(arm)),
        _ => Err("gate, heuristic, keywords, all or rank".into()),
    }
}

#[derive(Deserialize)]
struct Line {
    id: Option<Value>,
    question: String,
}

impl HasQuestion for Line {
    fn question(&self) -> &str {
        &self.question
    }
}

pub fn run(arguments: Arguments, output: &Output) -> Result<(), Exit> {
    let lines = match &arguments.file {
        Some(file) => Some(batch::lines_of::<Line>(file)?),
        None => None,
    };
    let text = arguments.text.unwrap_or_default();
    if lines.is_none() && text.trim().is_empty() {
        return Err(Exit::Usage("the question is empty".into()));
    }
    let home = Home::find()?;
    let settings = Settings::load(&home).settings;
    let engine = ask::open(home, &settings, output)?;
    let by_hand = arguments.expert.as_deref();
    match (lines, arguments.arm) {
        (None, Scored::Gate) => output.show(&engine.route(&text, by_hand)?, in_words),
        (None, Scored::By(arm)) => output.show(&engine.ranked(&text, arm)?, ranked_in_words),
        (Some(lines), scored) => {
            for line in &lines {
                match scored {
                    Scored::Gate => show_line(&engine, line, by_hand, output)?,
                    Scored::By(arm) => show_ranked(&engine, line, arm, output)?,
                }
            }
        }
    }
    Ok(())
}

fn show_ranked(engine: &Engine, line: &Line, arm: Arm, output: &Output) -> Result<(), Exit> {
    let ranked = engine.ranked(&line.question, arm)?;
    if output.is_json() {
        output.json(&with_id(value_of(&ranked), line));
    } else {
        let score = ranked.experts.first().map_or(0.0, |best| best.score);
        output.line(&format!("{:<14} {score:.2}  {}", ranked.chosen, line.question));
    }
    Ok(())
}

fn with_id(mut result: Value, line: &Line) -> Value {
    if let (Some(fields), Some(id)) = (result.as_object_mut(), &line.id) {
        fields.insert("id".into(), id.clone());
    }
    result
}

fn ranked_in_words(ranked: &Ranked) -> String {
    let mut text = format!("score = {}\n\n", ranked.formula);
    for expert in &ranked.experts {
        let terms: Vec<String> = expert.terms.iter().map(|(name, term)| format!("{name} {term}")).collect();
        text.push_str(&format!("  {:<14} {:>8}  {}\n", expert.name, expert.score, terms.join(", ")));
    }
    text.push_str(&format!("\n  domain {} · complexity {:.1} of 10", ranked.domain, ranked.complexity));
    text
}

fn show_line(engine: &Engine, line: &Line, by_hand: Option<&str>, output: &Output) -> Result<(), Exit> {
    let plan = engine.route(&line.question, by_hand)?;
    if !output.is_json() {
        let score = plan.experts.iter().find(|e| e.name == plan.chosen).map_or(0.0, |e| e.score);
        output.line(&format!("{:<14} {score:.2}  {}", plan.chosen, line.question));
        return Ok(());
    }
    output.json(&with_id(value_of(&plan), line));
    Ok(())
}

/// The plan as a table: who, score, and the terms that make it.
fn in_words(plan: &Plan) -> String {
    let mut text = format!("{}\n\n", plan.reason);
    text.push_str("  expert          score    gate    self    load    swap\n");
    for expert in &plan.experts {
        let mark = if expert.name == plan.chosen { '→' } else { ' ' };
        let t = &expert.terms;
        text.push_str(&format!(
            "{mark} {:<14} {:>6.3}  {:>6.3}  {:>6.3}  {:>6.2}  {:>6.3}\n",
            expert.name, expert.score, t.gate, t.self_assessment, t.load, t.swap
        ));
    }
    text.push_str(&format!(
        "\n  domain {} · complexity {:.1} of 10 · {:.2} ms\n  score = (0.6 gate + 0.4 self) x load - swap; below {:.2} the generalist answers",
        plan.domain, plan.complexity, plan.elapsed_ms, plan.min_confidence
    ));
    text
}
