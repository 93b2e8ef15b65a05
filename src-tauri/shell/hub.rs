//! Hub: find, fetch, keep and remove models. Each command is one call of the engine's hub.

use crate::house::House;
use crate::library::Shelf;
use engine::hub::{
    Download, Elsewhere, FileName, Folder, FoundFile, Machine, Model, OnDisk, Pick, Prospect, Request,
    TokenFrom, catalogue, models_at as in_files, offer,
};
use engine::pool::Expert;
use engine::settings::Settings;
use engine::words::Failure;
use serde::Serialize;
use std::path::PathBuf;
use std::sync::Arc;
use tauri::State;
use tauri::ipc::Channel;
use ts_rs::TS;

/// Repositories of one search. Each is asked for by itself.
const FOUND: usize = 20;
/// Requests that the page shows.
const LOGGED: usize = 2000;

/// Where the hub is, where its files lie here, and what stands in the way of it.
#[derive(Clone, Debug, Serialize, TS)]
pub struct HubPlace {
    pub endpoint: String,
    pub cache: String,
    /// Why nothing may be asked.
    pub offline: Option<String>,
    pub token: TokenFrom,
}

fn shelf(house: &House) -> Result<Arc<Shelf>, Failure> {
    house.inside()?.library.shelf()
}

/// What this machine can do with a model, as far as it was measured.
fn machine(house: &House) -> Result<Machine, Failure> {
    let engine = &house.inside()?.engine;
    Ok(Machine::measured(engine.seat().1, &engine.pool().experts()))
}

#[tauri::command(async)]
pub fn hub(house: State<'_, House>) -> Result<HubPlace, Failure> {
    let shelf = shelf(&house)?;
    let place = shelf.hub.place();
    Ok(HubPlace {
        endpoint: place.endpoint.to_string(),
        cache: place.cache.display().to_string(),
        offline: place.offline.clone(),
        token: shelf.hub.token().get().1,
    })
}

/// How much memory an expert may take, and how fast it would be: measured at experts, or at the memory of this machine.
#[tauri::command(async)]
pub fn prospect(house: State<'_, House>) -> Result<Prospect, Failure> {
    Ok(machine(&house)?.prospect())
}

/// Recommendations; asks nobody.
#[tauri::command]
pub fn picks() -> Vec<Pick> {
    catalogue()
}

#[tauri::command(async)]
pub fn find_models(house: State<'_, House>, text: String) -> Result<Vec<Model>, Failure> {
    Ok(shelf(&house)?.hub.search(&text, FOUND, machine(&house)?)?)
}

#[tauri::command(async)]
pub fn find_model(house: State<'_, House>, repo: String) -> Result<Model, Failure> {
    Ok(shelf(&house)?.hub.model(&repo, machine(&house)?)?)
}

/// A search that is under way ends.
#[tauri::command(async)]
pub fn stop_search(house: State<'_, House>) -> Result<(), Failure> {
    shelf(&house)?.hub.stop_asking();
    Ok(())
}

/// The watched folders with what is in them; what is new is offered as an expert.
#[tauri::command(async)]
pub fn folders(house: State<'_, House>) -> Result<Vec<Folder>, Failure> {
    let open = house.inside()?;
    offer(open.engine.pool(), &Settings::load(&open.home).settings)
}

/// Something changed in a watched folder.
#[tauri::command(async)]
pub fn watch_folders(house: State<'_, House>, changes: Channel<()>) -> Result<(), Failure> {
    house.inside()?.library.look(Box::new(move || {
        // A page that is gone looks when it is back.
        let _ = changes.send(());
    }));
    Ok(())
}

/// The whole list of downloads, now and whenever it changes.
#[tauri::command(async)]
pub fn watch_downloads(house: State<'_, House>, downloads: Channel<Vec<Download>>) -> Result<(), Failure> {
    house.inside()?.library.watch(Box::new(move |list| {
        // A page that is gone hears nothing, and misses nothing.
        let _ = downloads.send(list.to_vec());
    }));
    Ok(())
}

/// A recommended file is fetched at the commit of its first use here, any other as it is now. Gives its number.
#[tauri::command(async)]
pub fn download(house: State<'_, House>, repo: String, file: String) -> Result<u64, Failure> {
    house.inside()?.library.mover().is_still()?;
    let shelf = shelf(&house)?;
    let pick = catalogue().into_iter().find(|pick| pick.repo == repo && pick.file == file);
    let name = match pick {
        Some(pick) => shelf.hub.picked(&pick)?,
        None => FileName::new(&repo, "main", &file)?,
    };
    Ok(shelf.downloads.start(&name))
}

#[tauri::command(async)]
pub fn pause_download(house: State<'_, House>, id: u64) -> Result<(), Failure> {
    Ok(shelf(&house)?.downloads.pause(id)?)
}

#[tauri::command(async)]
pub fn resume_download(house: State<'_, House>, id: u64) -> Result<(), Failure> {
    house.inside()?.library.mover().is_still()?;
    Ok(shelf(&house)?.downloads.resume(id)?)
}

#[tauri::command(async)]
pub fn cancel_download(house: State<'_, House>, id: u64) -> Result<(), Failure> {
    Ok(shelf(&house)?.downloads.cancel(id)?)
}

#[tauri::command(async)]
pub fn add_downloaded(house: State<'_, House>, id: u64) -> Result<Expert, Failure> {
    let open = house.inside()?;
    open.library.add(open.engine.pool(), id)
}

/// `hash`: files of one size are read, to tell whether they are the same.
#[tauri::command(async)]
pub fn on_disk(house: State<'_, House>, hash: bool) -> Result<OnDisk, Failure> {
    let experts = house.inside()?.engine.pool().experts();
    Ok(shelf(&house)?.hub.on_disk(&experts, &Elsewhere::usual(), hash)?)
}

/// The GGUF files among these files and in these folders.
#[tauri::command(async)]
pub fn models_at(paths: Vec<PathBuf>) -> Vec<FoundFile> {
    in_files(&paths)
}

/// Where no keyring takes it, it counts until the window closes, and the failure says so.
#[tauri::command(async)]
pub fn set_token(house: State<'_, House>, token: String) -> Result<(), Failure> {
    Ok(shelf(&house)?.hub.token().set(&token)?)
}

#[tauri::command(async)]
pub fn remove_token(house: State<'_, House>) -> Result<(), Failure> {
    Ok(shelf(&house)?.hub.token().remove()?)
}

/// Whose token it is, as the hub says.
#[tauri::command(async)]
pub fn test_token(house: State<'_, House>) -> Result<String, Failure> {
    Ok(shelf(&house)?.hub.whoami()?)
}

/// The network log, newest last.
#[tauri::command(async)]
pub fn requests(house: State<'_, House>) -> Result<Vec<Request>, Failure> {
    Ok(shelf(&house)?.hub.requests(LOGGED))
}
