//! Reports: what ran, what it changed and what it cost, from counters.

use crate::house::House;
use engine::report::ComponentStatus;
use engine::words::Failure;
use tauri::State;

#[tauri::command(async)]
pub fn status(house: State<'_, House>) -> Result<Vec<ComponentStatus>, Failure> {
    house.inside()?.engine.status()
}
