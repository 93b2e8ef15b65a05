//! Outside: experts that a server hosts, and the keys to them. A key goes in and never comes out.

use crate::house::{House, Open};
use engine::hub::{AddedOutside, Served, Token, TokenFrom, Wanted};
use engine::words::Failure;
use std::sync::Arc;
use tauri::State;

/// Asks the server whether it has the model, then adds the expert whatever it said.
#[tauri::command(async)]
pub fn add_endpoint(house: State<'_, House>, wanted: Wanted) -> Result<AddedOutside, Failure> {
    let open = house.inside()?;
    open.engine.outside().add(open.engine.pool(), &wanted)
}

/// Where the key of an expert's server comes from.
#[tauri::command(async)]
pub fn key_from(house: State<'_, House>, name: String) -> Result<TokenFrom, Failure> {
    let open = house.inside()?;
    Ok(key(&open, &name)?.get().1)
}

/// Into the keyring; without one it counts until the window closes, and the failure says so.
#[tauri::command(async)]
pub fn set_key(house: State<'_, House>, name: String, text: String) -> Result<(), Failure> {
    let open = house.inside()?;
    Ok(key(&open, &name)?.set(text.trim())?)
}

#[tauri::command(async)]
pub fn remove_key(house: State<'_, House>, name: String) -> Result<(), Failure> {
    let open = house.inside()?;
    Ok(key(&open, &name)?.remove()?)
}

/// What the server of an expert says that it has.
#[tauri::command(async)]
pub fn served(house: State<'_, House>, name: String) -> Result<Served, Failure> {
    let open = house.inside()?;
    let expert = open.engine.pool().get(&name)?;
    Ok(open.engine.outside().line(&expert)?.models()?)
}

pub fn key(open: &Open, name: &str) -> Result<Arc<Token>, Failure> {
    let expert = open.engine.pool().get(name)?;
    let endpoint = expert.endpoint().ok_or(engine::hub::OutsideError::NoServer)?;
    Ok(open.engine.outside().key(name, endpoint))
}
