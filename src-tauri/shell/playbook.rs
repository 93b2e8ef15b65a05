//! Playbook: what experts are told beside a question, and how able they are; read and edited.

use crate::house::House;
use engine::abilities::Abilities;
use engine::ask::Reflected;
use engine::playbook::{Added, Bullet, Edited, NewBullet, Rewording};
use engine::words::{Failure, Origin};
use serde::Serialize;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use tauri::State;
use ts_rs::TS;

/// Everything that the page shows.
#[derive(Clone, Debug, Serialize, TS)]
pub struct WholePlaybook {
    pub bullets: Vec<Bullet>,
    /// The newest first.
    pub log: Vec<Edited>,
    /// The domains that questions are read into.
    pub domains: Vec<String>,
    /// Bad and good answers to the same question.
    pub pairs: u32,
}

#[tauri::command(async)]
pub fn playbook(house: State<'_, House>) -> Result<WholePlaybook, Failure> {
    let open = house.inside()?;
    let playbook = open.engine.playbook();
    Ok(WholePlaybook {
        bullets: playbook.list()?,
        log: playbook.log()?,
        domains: open.engine.domains(),
        pairs: playbook.pairs(None)?.len() as u32,
    })
}

#[tauri::command(async)]
pub fn add_bullet(house: State<'_, House>, domain: String, text: String) -> Result<Added, Failure> {
    let open = house.inside()?;
    let new = NewBullet { domain: &domain, text: &text, origin: Origin::User, sources: &[] };
    Ok(open.engine.playbook().add(open.engine.archive(), &new)?)
}

#[tauri::command(async)]
pub fn edit_bullet(house: State<'_, House>, id: i64, change: Rewording) -> Result<(), Failure> {
    Ok(house.inside()?.engine.playbook().edit(id, &change)?)
}

/// `into` says what `id` says, and counts for both.
#[tauri::command(async)]
pub fn merge_bullets(house: State<'_, House>, id: i64, into: i64) -> Result<(), Failure> {
    Ok(house.inside()?.engine.playbook().merge(id, into, None)?)
}

#[tauri::command(async)]
pub fn retire_bullet(house: State<'_, House>, id: i64) -> Result<(), Failure> {
    Ok(house.inside()?.engine.playbook().retire(id)?)
}

/// That edit, or the newest.
#[tauri::command(async)]
pub fn undo_bullet(house: State<'_, House>, number: Option<i64>) -> Result<(), Failure> {
    house.inside()?.engine.playbook().undo(number)?;
    Ok(())
}

/// An expert is asked what good answers did that bad ones did not.
#[tauri::command(async)]
pub fn reflect(house: State<'_, House>) -> Result<Reflected, Failure> {
    house.inside()?.engine.reflect(None, &Arc::new(AtomicBool::new(false)))
}

#[tauri::command(async)]
pub fn abilities(house: State<'_, House>) -> Result<Abilities, Failure> {
    Ok(house.inside()?.engine.outcomes().abilities()?)
}
