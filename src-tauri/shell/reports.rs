//! Reports: what ran, what it changed and what it cost; and what the answers come to.

use crate::house::House;
use crate::saving::save;
use engine::report::dashboard::{self, Dashboard};
use engine::report::modes::{self, ModeCost};
use engine::report::{ComponentStatus, table};
use engine::words::{Answer, Failure};
use serde::Serialize;
use std::path::PathBuf;
use tauri::{AppHandle, State};
use ts_rs::TS;

#[tauri::command(async)]
pub fn status(house: State<'_, House>) -> Result<Vec<ComponentStatus>, Failure> {
    house.inside()?.engine.status()
}

/// The answers from `since` to now; 0: all.
#[tauri::command(async)]
pub fn dashboard(house: State<'_, House>, since: i64) -> Result<Dashboard, Failure> {
    dashboard::dashboard(house.inside()?.engine.archive(), since)
}

/// What a mode takes and gains on this machine.
#[tauri::command(async)]
pub fn modes(house: State<'_, House>) -> Result<Vec<ModeCost>, Failure> {
    modes::modes(&house.inside()?.engine)
}

/// An answer behind a figure.
#[derive(Clone, Debug, Serialize, TS)]
pub struct Opened {
    pub id: String,
    pub conversation: String,
    pub question: String,
    pub answer: String,
    pub expert: String,
    pub rating: i32,
    pub refused: bool,
}

impl From<Answer> for Opened {
    fn from(answer: Answer) -> Opened {
        let Answer { id, conversation, question, answer, expert, rating, refused, .. } = answer;
        Opened { id, conversation, question, answer, expert, rating, refused }
    }
}

/// Those of them that are still there.
#[tauri::command(async)]
pub fn answers_behind(house: State<'_, House>, ids: Vec<String>) -> Result<Vec<Opened>, Failure> {
    let answers = house.inside()?.engine.archive().answers(&ids)?;
    Ok(answers.into_iter().map(Opened::from).collect())
}

/// The rows of that time as comma-separated values, where the system's own dialog is told to. `None`: it was closed.
#[tauri::command(async)]
pub fn export_metrics(
    app: AppHandle,
    house: State<'_, House>,
    since: i64,
) -> Result<Option<PathBuf>, Failure> {
    let text = table::csv(house.inside()?.engine.archive(), since)?;
    save(&app, "lectern-metrics.csv", ("CSV", &["csv"]), &text)
}
