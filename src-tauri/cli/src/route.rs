//! `lectern route`: which expert would answer, with every term of every score. Loads nothing.

use crate::ask;
use crate::batch::{self, HasQuestion};
use crate::output::{Exit, Output};
use engine::Engine;
use engine::home::Home;
use engine::settings::Settings;
use engine::words::Plan;
use serde::Deserialize;
use serde_json::{Value, json};
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
    match lines {
        None => output.show(&engine.route(&text, by_hand)?, in_words),
        Some(lines) => {
            for line in &lines {
                show_line(&engine, line, by_hand, output)?;
            }
        }
    }
    Ok(())
}

fn show_line(engine: &Engine, line: &Line, by_hand: Option<&str>, output: &Output) -> Result<(), Exit> {
    let plan = engine.route(&line.question, by_hand)?;
    if !output.is_json() {
        let score = plan.experts.iter().find(|e| e.name == plan.chosen).map_or(0.0, |e| e.score);
        output.line(&format!("{:<14} {score:.2}  {}", plan.chosen, line.question));
        return Ok(());
    }
    let mut result = json!(plan);
    if let (Some(fields), Some(id)) = (result.as_object_mut(), &line.id) {
        fields.insert("id".into(), id.clone());
    }
    output.json(&result);
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
