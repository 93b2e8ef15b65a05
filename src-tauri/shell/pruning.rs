//! Pool pruning: what every expert is worth, who could go, what that loses, and taking it back.

use crate::apart::apart;
use crate::failure::failure;
use crate::house::House;
use crate::saving::save;
use engine::archive::Logged;
use engine::report::criteria::{Criterion, worth};
use engine::report::pruning::{self, Entry, Pair, PoolReport, Pruned};
use engine::words::Failure;
use serde::Serialize;
use serde_json::json;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tauri::ipc::Channel;
use tauri::{AppHandle, State};
use ts_rs::TS;

/// Of the random control: the same here as in the terminal.
const SEED: u64 = 1;
/// The newest questions; each is asked twice.
const QUESTIONS: usize = 200;
/// Answers behind a figure; the newest.
const SAMPLES: usize = 200;
/// By this name the page stops a replay.
const REPLAY: &str = "pool-replay";

/// How far a replay is.
#[derive(Clone, Debug, Serialize, TS)]
pub struct Replaying {
    pub done: usize,
    pub of: usize,
}

/// A replay with what its figures are made of.
#[derive(Clone, Debug, Serialize, TS)]
pub struct Replayed {
    pub pruned: Pruned,
    pub pairs: Vec<Pair>,
}

#[tauri::command(async)]
pub fn pool_report(house: State<'_, House>) -> Result<PoolReport, Failure> {
    report(&house)
}

fn report(house: &House) -> Result<PoolReport, Failure> {
    let open = house.inside()?;
    let log = open.engine.archive().log()?;
    Ok(pruning::pool_report(&open.engine.pool().experts(), &log, SEED))
}

/// The answers that an expert's figures are made of, the newest first.
#[tauri::command(async)]
pub fn pool_answers(house: State<'_, House>, name: String) -> Result<Vec<Logged>, Failure> {
    let log = house.inside()?.engine.archive().log()?;
    Ok(log.into_iter().rev().filter(|answer| answer.expert == name).take(SAMPLES).collect())
}

/// Who would go; asks nobody.
#[tauri::command(async)]
pub fn plan_pruning(house: State<'_, House>, criterion: Criterion, target: f64) -> Result<Pruned, Failure> {
    let open = house.inside()?;
    let experts = open.engine.pool().experts();
    let all = worth(&experts, &open.engine.archive().log()?, SEED);
    Ok(Pruned::plan(&experts, &all, criterion, SEED, target))
}

/// Asks past questions with everybody and without those of the plan.
#[tauri::command]
pub async fn replay_pruning(
    app: AppHandle,
    pruned: Pruned,
    progress: Channel<Replaying>,
) -> Result<Replayed, Failure> {
    let broke_off = failure(
        "window.replay_panicked", "Asking past questions again broke off inside Lectern. This is a bug.",
        "Nothing was changed. If it happens again, please report it.",
    );
    apart(app, broke_off, move |house| replay(house, pruned, &progress)).await
}

fn replay(house: &House, pruned: Pruned, progress: &Channel<Replaying>) -> Result<Replayed, Failure> {
    let stop = Arc::new(AtomicBool::new(false));
    house.begin(REPLAY, &stop);
    let replayed = asked(house, pruned, progress, &stop);
    house.end(REPLAY);
    replayed
}

fn asked(
    house: &House,
    pruned: Pruned,
    progress: &Channel<Replaying>,
    stop: &Arc<AtomicBool>,
) -> Result<Replayed, Failure> {
    let open = house.inside()?;
    let mut questions = pruning::past(&open.engine.archive().log()?, &open.engine.pool().experts());
    questions.truncate(QUESTIONS);
    if questions.is_empty() || pruned.removed.is_empty() {
        return Ok(Replayed { pruned, pairs: Vec::new() });
    }
    let of = questions.len() * 2;
    let mut done = 0;
    let lists = pruning::replay(&open.engine, &questions, &pruned.names(), stop, &mut |_, _, _| {
        done += 1;
        // Nobody listens any more.
        if progress.send(Replaying { done, of }).is_err() {
            stop.store(true, Ordering::SeqCst);
        }
        Ok::<_, Failure>(())
    })?;
    let stopped = stop.load(Ordering::SeqCst);
    let pruned = Pruned { stopped, ..pruned.replayed(lists.figures("log".into())) };
    Ok(Replayed { pruned, pairs: lists.pairs() })
}

#[tauri::command(async)]
pub fn stop_replay(house: State<'_, House>) -> bool {
    house.stop(REPLAY)
}

/// Routing passes those of the plan by; the plan is kept as the evidence.
#[tauri::command(async)]
pub fn retire_experts(house: State<'_, House>, pruned: Pruned) -> Result<(), Failure> {
    let pruned = Pruned { applied: true, ..pruned };
    house.inside()?.engine.pool().retire(&pruned.names(), &json!({ "pruned": &pruned }))?;
    Ok(())
}

/// Every change of who is routed to, the newest first.
#[tauri::command(async)]
pub fn pool_history(house: State<'_, House>) -> Result<Vec<Entry>, Failure> {
    let changes = house.inside()?.engine.pool().history()?;
    Ok(changes.into_iter().rev().map(Entry::from).collect())
}

/// The report, the plan if there is one, and the history as JSON, where the system's own dialog is told to. `None`: it
/// was closed.
#[tauri::command(async)]
pub fn export_pruning(
    app: AppHandle,
    house: State<'_, House>,
    plan: Option<Pruned>,
) -> Result<Option<PathBuf>, Failure> {
    let whole = json!({
        "report": report(&house)?,
        "plan": plan,
        "history": house.inside()?.engine.pool().history()?,
    });
    save(&app, "pool-pruning.json", ("JSON", &["json"]), &format!("{whole:#}\n"))
}
