//! Lessons: what routing learned from the user, and taking it back.

use crate::house::House;
use engine::lessons::Lesson;
use engine::words::Failure;
use tauri::State;

/// The newest first.
#[tauri::command(async)]
pub fn lessons(house: State<'_, House>) -> Result<Vec<Lesson>, Failure> {
    Ok(house.inside()?.engine.lessons().list()?)
}

/// That one is taken back; all of them when none is named.
#[tauri::command(async)]
pub fn unlearn(house: State<'_, House>, id: Option<i64>) -> Result<(), Failure> {
    house.inside()?.engine.lessons().remove(id)?;
    Ok(())
}
