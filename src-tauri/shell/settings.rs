//! Settings: read and written whole.

use crate::house::House;
use engine::settings::Settings;
use engine::words::Failure;
use tauri::State;

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
    open.engine.set_advice_rules(settings.playbook, settings.gates);
    Ok(())
}

/// There is a program for graphics processors beside this one.
#[tauri::command(async)]
pub fn has_device_program() -> bool {
    std::env::current_exe().is_ok_and(|program| engine::seat::device_program(&program).is_some())
}
