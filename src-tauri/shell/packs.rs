//! Packs: what a domain needs, in one file; shown, added over the model of an expert, taken out.

use crate::house::{House, Open};
use engine::packs::{Listed, Pack, Packs, Stores};
use engine::words::Failure;
use serde::Serialize;
use std::path::PathBuf;
use tauri::State;
use ts_rs::TS;

/// Everything that the page shows.
#[derive(Clone, Debug, Serialize, TS)]
pub struct AllPacks {
    pub packs: Vec<Listed>,
    /// Files in the home that are not right.
    pub wrong: Vec<Failure>,
}

#[tauri::command(async)]
pub fn packs(house: State<'_, House>) -> Result<AllPacks, Failure> {
    let open = house.inside()?;
    let mut all = AllPacks { packs: Vec::new(), wrong: Vec::new() };
    for one in Packs::of(&open.home).all(open.engine.pool()) {
        match one {
            Ok(listed) => all.packs.push(listed),
            Err(error) => all.wrong.push(error.into()),
        }
    }
    Ok(all)
}

/// What a file has, before it is added; what is wrong in it is said with its line.
#[tauri::command(async)]
pub fn pack_at(path: PathBuf) -> Result<Pack, Failure> {
    Ok(Pack::read(&path).map_err(engine::packs::PackError::from)?)
}

/// `what`: a name or a file. `expert`: whose model speaks for it; `None`: nobody does yet.
#[tauri::command(async)]
pub fn add_pack(house: State<'_, House>, what: String, expert: Option<String>) -> Result<Listed, Failure> {
    let open = house.inside()?;
    let packs = Packs::of(&open.home);
    packs.add(&packs.find(&what)?, expert.as_deref(), stores(&open))
}

/// It goes with its experts, its lessons, and its bullets that nobody has changed.
#[tauri::command(async)]
pub fn remove_pack(house: State<'_, House>, name: String) -> Result<(), Failure> {
    let open = house.inside()?;
    Packs::of(&open.home).remove(&name, stores(&open))
}

fn stores(open: &Open) -> Stores<'_> {
    let engine = &open.engine;
    Stores {
        pool: engine.pool(),
        lessons: engine.lessons(),
        playbook: engine.playbook(),
        archive: engine.archive(),
    }
}
