//! `lectern compress`: the text on stdin made shorter, counted by an expert's own tokenizer.

use crate::model::{host_failure, start};
use crate::output::{Exit, Output};
use engine::compress::by_model::Surprise;
use engine::compress::{Method, Shortened, Wish, shorten_with};
use engine::home::Home;
use engine::pool::{Expert, Pool};
use engine::words::Failure;
use runtime::host::{HostError, Purpose};
use serde_json::json;
use std::cell::RefCell;
use std::io::Read;
use std::sync::atomic::AtomicBool;

#[derive(clap::Args)]
pub struct Arguments {
    /// The part of the tokens that stays, above 0, at most 1.
    #[arg(long, value_name = "0.3", default_value = "0.3", value_parser = ratio)]
    ratio: f32,
    /// rules: padding of politeness; extractive: whole sentences by relevance; model: whole sentences by how much they help the
    /// expert to foretell the question. Default: extractive for a long context with a question, rules for a prompt.
    #[arg(long, value_name = "METHOD", value_parser = method)]
    method: Option<Method>,
    /// Tokens are those of this expert. Default: the expert who answers what no other does.
    #[arg(long, value_name = "NAME")]
    expert: Option<String>,
    /// What the text is read for. Default: the question in the text, when there is one.
    #[arg(long, value_name = "TEXT")]
    question: Option<String>,
}

pub fn ratio(text: &str) -> Result<f32, String> {
    match text.parse::<f32>() {
        Ok(value) if value > 0.0 && value <= 1.0 => Ok(value),
        _ => Err("a number above 0, at most 1".into()),
    }
}

fn method(text: &str) -> Result<Method, String> {
    match text {
        "rules" => Ok(Method::Rules),
        "extractive" => Ok(Method::Extractive),
        "model" => Ok(Method::Model),
        _ => Err("rules, extractive or model".into()),
    }
}

pub fn run(arguments: Arguments, output: &Output) -> Result<(), Exit> {
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text).map_err(|error| Failure {
        code: "cli.stdin".into(),
        message: format!("standard input cannot be read as text: {error}"),
        fix: "Give UTF-8 text on stdin: lectern compress --ratio 0.3 < FILE".into(),
        detail: None,
    })?;
    let expert = expert(arguments.expert.as_deref())?;
    let by_model = arguments.method == Some(Method::Model);
    let purpose = if by_model { Purpose::Generate } else { Purpose::Tokenize };
    let host = RefCell::new(start(&expert.file, purpose, output, &AtomicBool::new(false))?);
    let wish =
        Wish { question: arguments.question.as_deref(), ratio: arguments.ratio, method: arguments.method };
    // Nobody sets this stop: a count that was not stopped has a number.
    let stop = AtomicBool::new(false);
    let mut count = |text: &str| -> Result<u32, HostError> {
        Ok(host.borrow_mut().count_tokens(text, &stop)?.unwrap_or(0))
    };
    let mut surprise = |before: &str, text: &str| host.borrow_mut().surprise(before, text, &stop);
    let surprise: Option<&mut Surprise<'_, HostError>> = if by_model { Some(&mut surprise) } else { None };
    let done = shorten_with(&text, &wish, &mut count, surprise).map_err(host_failure)?;
    host.into_inner().leave();
    show(&text, &done, &expert.manifest.name, output);
    Ok(())
}

/// The expert whose tokens are counted.
fn expert(name: Option<&str>) -> Result<Expert, Failure> {
    let pool = Pool::open(&Home::find()?)?;
    if let Some(name) = name {
        return Ok(pool.get(name)?);
    }
    let experts = pool.experts();
    let ready = || experts.iter().filter(|expert| expert.unavailable.is_none());
    let expert = ready().find(|expert| expert.manifest.fallback).or_else(|| ready().next());
    expert.cloned().ok_or_else(|| Failure {
        code: "expert_unavailable".into(),
        message: "there is no expert in the pool whose tokens could be counted".into(),
        fix: "Add one: lectern experts add FILE.gguf --name NAME --domains a,b".into(),
        detail: None,
    })
}

fn show(text: &str, done: &Shortened, expert: &str, output: &Output) {
    let rest = done.text(text);
    if !output.is_json() {
        output.piece(&rest);
        output.note(&format!(
            "{} of {} tokens of {expert} ({:.0} %), {}. {}",
            done.tokens_after,
            done.tokens_before,
            done.ratio() * 100.0,
            done.method.name(),
            done.reason
        ));
        return;
    }
    let dropped: Vec<_> =
        done.dropped.iter().map(|range| json!({ "start": range.start, "end": range.end })).collect();
    output.json(&json!({
        "text": rest,
        "tokens_before": done.tokens_before,
        "tokens_after": done.tokens_after,
        "ratio": done.ratio(),
        "dropped": dropped,
        "kept_guards": done.kept_guards,
        "method": done.method.name(),
        "expert": expert,
        "reason": done.reason,
        "elapsed_ms": done.elapsed_ms,
    }));
}
