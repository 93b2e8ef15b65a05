//! Pool: the experts that are there, one more, one less.

use crate::house::House;
use engine::pool::Expert;
use engine::words::Failure;
use std::path::PathBuf;
use tauri::State;

#[tauri::command(async)]
pub fn experts(house: State<'_, House>) -> Result<Vec<Expert>, Failure> {
    Ok(house.inside()?.engine.pool().experts())
}

/// Takes a GGUF file into the pool; it is checked first and stays where it is.
#[tauri::command(async)]
pub fn add_expert(
    house: State<'_, House>,
    path: PathBuf,
    name: String,
    domains: Vec<String>,
) -> Result<Expert, Failure> {
    let open = house.inside()?;
    let pool = open.engine.pool();
    let manifest = pool.add(&path, &name, &domains)?;
    Ok(pool.get(&manifest.name)?)
}

#[tauri::command(async)]
pub fn remove_expert(house: State<'_, House>, name: String) -> Result<(), Failure> {
    house.inside()?.engine.pool().remove(&name)?;
    Ok(())
}
