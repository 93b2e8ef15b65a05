//! Pool: the experts that are there, one more, one less.

use crate::house::House;
use crate::saving::save;
use engine::hub::{Discarded, WithoutFile};
use engine::pool::{Edit, Expert, FileState, Manifest};
use engine::words::Failure;
use std::path::PathBuf;
use tauri::{AppHandle, State};

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

/// Which of its files an expert uses; `None`: the best that fits the memory.
#[tauri::command(async)]
pub fn choose_file(house: State<'_, House>, name: String, file: Option<String>) -> Result<Expert, Failure> {
    Ok(house.inside()?.engine.pool().choose(&name, file.as_deref())?)
}

/// What is said of an expert is another.
#[tauri::command(async)]
pub fn edit_expert(house: State<'_, House>, name: String, edit: Edit) -> Result<Expert, Failure> {
    Ok(house.inside()?.engine.pool().edit(&name, &edit)?)
}

/// A retired expert is routed to again.
#[tauri::command(async)]
pub fn take_back_expert(house: State<'_, House>, name: String) -> Result<(), Failure> {
    house.inside()?.engine.pool().restore(Some(&name))?;
    Ok(())
}

/// Its file goes as well when we fetched it and no other expert uses it. Gives the bytes that come free.
#[tauri::command(async)]
pub fn remove_expert(house: State<'_, House>, name: String) -> Result<u64, Failure> {
    let open = house.inside()?;
    let key = crate::outside::key(&open, &name);
    let freed = open.library.remove(open.engine.pool(), &name)?;
    if let Ok(key) = key {
        // Where no keyring runs none was kept there.
        let _ = key.remove();
    }
    Ok(freed)
}

/// One of several files of an expert goes, and off the disk as well when we fetched it and no other expert uses it.
#[tauri::command(async)]
pub fn remove_build(house: State<'_, House>, name: String, file: String) -> Result<WithoutFile, Failure> {
    let open = house.inside()?;
    open.library.remove_build(open.engine.pool(), &name, &file)
}

/// Undoes that; possible until the window closes.
#[tauri::command(async)]
pub fn restore_build(house: State<'_, House>, name: String, file: String) -> Result<Expert, Failure> {
    let open = house.inside()?;
    open.library.restore_build(open.engine.pool(), &name, &file)
}

/// A model that Lectern fetched and no expert uses goes off the disk.
#[tauri::command(async)]
pub fn remove_unused(house: State<'_, House>, path: String) -> Result<Discarded, Failure> {
    let open = house.inside()?;
    open.library.remove_unused(open.engine.pool(), &path)
}

/// Undoes that; possible until the window closes.
#[tauri::command(async)]
pub fn restore_unused(house: State<'_, House>, sha256: String) -> Result<(), Failure> {
    house.inside()?.library.restore_unused(&sha256)
}

/// Undoes a removal; possible until the window closes.
#[tauri::command(async)]
pub fn restore_expert(house: State<'_, House>, manifest: Manifest) -> Result<(), Failure> {
    let open = house.inside()?;
    open.library.restore(open.engine.pool(), &manifest)
}

/// The files of removed experts go for good. Gives the bytes that came free.
#[tauri::command(async)]
pub fn free_removed(house: State<'_, House>) -> Result<u64, Failure> {
    house.inside()?.library.free()
}

/// The pool file of this home: where it lies, what it says, what is wrong with it.
#[tauri::command(async)]
pub fn pool_file(house: State<'_, House>) -> Result<FileState, Failure> {
    Ok(house.inside()?.engine.pool().file_state())
}

/// A pool file is checked, and becomes that of this home. Nothing is kept of one that is not right.
#[tauri::command(async)]
pub fn import_pool(house: State<'_, House>, path: PathBuf) -> Result<FileState, Failure> {
    let open = house.inside()?;
    open.engine.pool().import(&path)?;
    Ok(open.engine.pool().file_state())
}

/// The rules and every expert, where the user chooses; `None`: he closed the dialog.
#[tauri::command(async)]
pub fn export_pool(app: AppHandle, house: State<'_, House>) -> Result<Option<PathBuf>, Failure> {
    let text = house.inside()?.engine.pool().export().to_yaml()?;
    save(&app, "pool.yaml", ("YAML", &["yaml", "yml"]), &text)
}
