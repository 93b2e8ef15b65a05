//! Compare: past questions, or those of a file, asked in two ways.

use crate::apart::apart;
use crate::failure::failure;
use crate::house::{House, Open};
use crate::pruning::Replaying;
use engine::report::compare::{self, Comparison, past_questions};
use engine::report::pruning::Asked;
use engine::report::questions;
use engine::words::{Failure, Question};
use serde::Serialize;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tauri::ipc::Channel;
use tauri::{AppHandle, State};
use ts_rs::TS;

/// By this name the page stops it.
const COMPARISON: &str = "comparison";

/// Questions that there are to compare with.
#[derive(Clone, Debug, Serialize, TS)]
pub struct Comparable {
    pub questions: usize,
    /// Those whose right answer is known.
    pub expected: usize,
}

fn lines(open: &Open, file: Option<PathBuf>) -> Result<Vec<Asked>, Failure> {
    match file {
        Some(file) => questions::of_file(&file),
        None => Ok(past_questions(&open.engine.archive().log()?, &open.engine.pool().experts())),
    }
}

/// Of a file, or of the log.
#[tauri::command(async)]
pub fn comparable(house: State<'_, House>, file: Option<PathBuf>) -> Result<Comparable, Failure> {
    let lines = lines(&*house.inside()?, file)?;
    let expected = lines.iter().filter(|line| line.expected.is_some()).count();
    Ok(Comparable { questions: lines.len(), expected })
}

/// Asks the newest (or, of a file, the first) `limit` questions in both ways.
#[tauri::command]
pub async fn compare(
    app: AppHandle,
    ways: [Question; 2],
    file: Option<PathBuf>,
    limit: usize,
    progress: Channel<Replaying>,
) -> Result<Comparison, Failure> {
    let broke_off = failure(
        "window.comparison_panicked", "Comparing broke off inside Lectern. This is a bug.",
        "Nothing was changed. If it happens again, please report it.",
    );
    apart(app, broke_off, move |house| {
        let stop = Arc::new(AtomicBool::new(false));
        house.begin(COMPARISON, &stop);
        let compared = asked(house, &ways, file, limit, &progress, &stop);
        house.end(COMPARISON);
        compared
    })
    .await
}

fn asked(
    house: &House,
    ways: &[Question; 2],
    file: Option<PathBuf>,
    limit: usize,
    progress: &Channel<Replaying>,
    stop: &Arc<AtomicBool>,
) -> Result<Comparison, Failure> {
    let open = house.inside()?;
    let from = file.as_ref().map_or("log".to_owned(), |file| file.display().to_string());
    let mut lines = lines(&open, file)?;
    lines.truncate(limit);
    let of = lines.len() * 2;
    compare::compare(&open.engine, from, &lines, [&ways[0], &ways[1]], stop, &mut |done| {
        // Nobody listens any more.
        if progress.send(Replaying { done, of }).is_err() {
            stop.store(true, Ordering::SeqCst);
        }
        Ok(())
    })
}

#[tauri::command(async)]
pub fn stop_comparison(house: State<'_, House>) -> bool {
    house.stop(COMPARISON)
}
