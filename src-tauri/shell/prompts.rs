//! Prompts: a search for better words for an expert, its history, and what is in use.

use crate::apart::apart;
use crate::failure::failure;
use crate::house::{House, Open};
use engine::prompts::{KeptPrompt, Use};
use engine::reason::strategy::diff;
use engine::report::optimise::{self, Far, Found, Limits, Optimised, Task, least, task};
use engine::words::Failure;
use serde::Serialize;
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use tauri::ipc::Channel;
use tauri::{AppHandle, State};
use ts_rs::TS;

/// By this name the page stops it.
const SEARCH: &str = "prompt-search";

/// Questions that there are to search with.
#[derive(Clone, Debug, Serialize, TS)]
pub struct Searchable {
    /// Those whose right answer is known.
    pub questions: usize,
    /// With fewer there is no search.
    pub least: usize,
    /// With fewer rollouts there is none with so many questions; `None`: there are too few questions.
    pub rollouts: Option<usize>,
}

/// One search of the history.
#[derive(Clone, Debug, Serialize, TS)]
pub struct Searched {
    pub number: i64,
    /// Unix time in milliseconds.
    pub created: i64,
    pub expert: String,
    pub tried: usize,
    /// `None`: another version of Lectern wrote it.
    pub optimised: Option<Optimised>,
}

/// Every search, and what was in use when, the newest first.
#[derive(Clone, Debug, Serialize, TS)]
pub struct PromptHistory {
    pub searches: Vec<Searched>,
    pub uses: Vec<Use>,
}

/// A prompt that was tried, with the lines that went (`- `) and came (`+ `).
#[derive(Clone, Debug, Serialize, TS)]
pub struct ShownPrompt {
    pub kept: KeptPrompt,
    /// Against the first prompt of its search, and against its parent.
    pub changed: Vec<String>,
    pub changed_from_parent: Vec<String>,
    pub lines: Vec<String>,
}

pub(crate) fn task_of(open: &Open, file: Option<PathBuf>) -> Result<Task, Failure> {
    match file {
        Some(file) => task::of_file(&file, None),
        None => task::of_log(&open.engine),
    }
}

/// Of a file, or of past answers that were rated up.
#[tauri::command(async)]
pub fn searchable(house: State<'_, House>, file: Option<PathBuf>) -> Result<Searchable, Failure> {
    let questions = task_of(&*house.inside()?, file)?.cases.len();
    Ok(Searchable { questions, least: optimise::LEAST, rollouts: least(questions) })
}

/// Searches for a better prompt; changes nothing.
#[tauri::command]
pub async fn search_prompt(
    app: AppHandle,
    expert: String,
    file: Option<PathBuf>,
    limits: Limits,
    progress: Channel<Far>,
) -> Result<Found, Failure> {
    let broke_off = failure(
        "window.search_panicked", "Searching for a better prompt broke off inside Lectern. This is a bug.",
        "What was tried until then is in the history. If it happens again, please report it.",
    );
    apart(app, broke_off, move |house| {
        let open = house.inside()?;
        let found = house.alone(SEARCH, |stop| {
            let task = task_of(&open, file)?;
            optimise::optimise(&open.engine, &expert, &task, &limits, stop, &mut |far| {
                // Nobody listens any more.
                if progress.send(far).is_err() {
                    stop.store(true, Ordering::SeqCst);
                }
                Ok(())
            })
        });
        found.unwrap_or_else(|| {
            let busy = "A search for a better prompt is under way already.";
            Err(failure("window.busy", busy, "Wait for it to end, or stop it.").into())
        })
    })
    .await
}

#[tauri::command(async)]
pub fn stop_search_prompt(house: State<'_, House>) -> bool {
    house.stop(SEARCH)
}

#[tauri::command(async)]
pub fn prompt_history(house: State<'_, House>) -> Result<PromptHistory, Failure> {
    let open = house.inside()?;
    let prompts = open.engine.prompts();
    let searched = |run: engine::prompts::Run| Searched {
        number: run.number,
        created: run.created,
        expert: run.expert,
        tried: run.tried,
        optimised: serde_json::from_value(run.whole).ok(),
    };
    Ok(PromptHistory { searches: prompts.runs()?.into_iter().map(searched).collect(), uses: prompts.uses()? })
}

/// The prompts of one search, in the order in which they were tried.
#[tauri::command(async)]
pub fn prompts_of(house: State<'_, House>, search: i64) -> Result<Vec<ShownPrompt>, Failure> {
    let all = house.inside()?.engine.prompts().of_run(search)?;
    let lines: Vec<String> = all.iter().map(|kept| kept.tried.prompt.lines()).collect();
    let changed = |from: usize, to: &str| diff::lines(lines.get(from).map_or("", String::as_str), to);
    let shown = all.iter().zip(&lines).map(|(kept, own)| ShownPrompt {
        kept: kept.clone(),
        changed: changed(0, own),
        changed_from_parent: changed(kept.tried.parents.first().copied().unwrap_or(0), own),
        lines: own.lines().map(str::to_owned).collect(),
    });
    Ok(shown.collect())
}

/// The expert is asked with this prompt from now on, in these domains.
#[tauri::command(async)]
pub fn use_prompt(house: State<'_, House>, number: i64, domains: Vec<String>) -> Result<(), Failure> {
    house.inside()?.engine.prompts().put_to_use(number, &domains)?;
    Ok(())
}

/// The expert is asked as its manifest has it again, in every domain.
#[tauri::command(async)]
pub fn restore_prompt(house: State<'_, House>, expert: String) -> Result<Vec<String>, Failure> {
    Ok(house.inside()?.engine.prompts().take_back(&expert, None)?)
}

/// A search goes with its prompts for good.
#[tauri::command(async)]
pub fn forget_search(house: State<'_, House>, search: i64) -> Result<bool, Failure> {
    Ok(house.inside()?.engine.prompts().forget(search)?)
}
