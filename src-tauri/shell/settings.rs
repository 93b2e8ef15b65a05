//! Settings: read and written whole.

use crate::house::{House, Open};
use engine::overrides::{Knob, Overrides};
use engine::settings::{QueueSettings, Settings};
use engine::words::Failure;
use serde::{Deserialize, Serialize};
use tauri::State;
use ts_rs::TS;

/// What the environment can set, and whether it is listened to.
#[derive(Serialize, TS)]
pub struct Environment {
    pub obeyed: bool,
    /// Variables that are set, obeyed or not.
    pub set: Vec<String>,
    pub knobs: Vec<Knob>,
}

/// How it was before a rollback.
#[derive(Serialize, Deserialize, TS)]
pub struct RolledBack {
    pub queue: QueueSettings,
    /// The pool file; `None`: there was none.
    pub pool_file: Option<String>,
}

#[tauri::command(async)]
pub fn settings(house: State<'_, House>) -> Result<Settings, Failure> {
    Ok(Settings::load(&house.inside()?.home).settings)
}

#[tauri::command(async)]
pub fn save_settings(house: State<'_, House>, settings: Settings) -> Result<(), Failure> {
    let open = house.inside()?;
    // First: an address that no hub can have is refused before anything is kept.
    open.library.follow(&settings)?;
    settings.save(&open.home)?;
    open.engine.set_budget(settings.budget_bytes());
    open.engine.set_processor_only(settings.processor_only);
    open.engine.set_queue(settings.queue);
    open.engine.let_out(&settings);
    open.engine.set_advice_rules(settings.playbook, settings.gates);
    Ok(())
}

/// There is a program for graphics processors beside this one.
#[tauri::command(async)]
pub fn has_device_program() -> bool {
    std::env::current_exe().is_ok_and(|program| engine::seat::device_program(&program).is_some())
}

/// Each variable with what holds, where that comes from, and what would hold without it.
#[tauri::command(async)]
pub fn environment(house: State<'_, House>) -> Result<Environment, Failure> {
    let open = house.inside()?;
    let (set, overrides) = (Overrides::read()?, open.engine.overrides());
    let knobs = overrides.knobs(Settings::load(&open.home).settings.queue, &open.engine.pool().rules());
    let names = set.list().iter().map(|one| one.name.to_owned()).collect();
    Ok(Environment { obeyed: overrides == set, set: names, knobs })
}

/// Until the window closes: the environment goes before the settings and the pool file, or is not listened to.
#[tauri::command(async)]
pub fn obey_environment(house: State<'_, House>, obey: bool) -> Result<(), Failure> {
    house.inside()?.engine.obey_environment(obey)
}

/// The queue and the pool's rules are as they came; what was there before is given back.
#[tauri::command(async)]
pub fn roll_back(house: State<'_, House>) -> Result<RolledBack, Failure> {
    let open = house.inside()?;
    let before = open.engine.pool().reset_rules()?;
    let queue = keep_queue(&open, QueueSettings::default())?;
    Ok(RolledBack { queue, pool_file: before })
}

/// Undoes that.
#[tauri::command(async)]
pub fn roll_forward(house: State<'_, House>, before: RolledBack) -> Result<(), Failure> {
    let open = house.inside()?;
    if let Some(text) = before.pool_file {
        open.engine.pool().put_file(&text)?;
    }
    keep_queue(&open, before.queue)?;
    Ok(())
}

/// Gives the one before.
fn keep_queue(open: &Open, queue: QueueSettings) -> Result<QueueSettings, Failure> {
    let mut settings = Settings::load(&open.home).settings;
    let before = std::mem::replace(&mut settings.queue, queue);
    settings.save(&open.home)?;
    open.engine.set_queue(queue);
    Ok(before)
}
