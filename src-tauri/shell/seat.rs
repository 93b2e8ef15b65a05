//! Seat and route: who stands at the lectern, and who would answer the draft.

use crate::house::House;
use engine::events::News;
use engine::settings::Settings;
use engine::words::{Failure, Plan};
use tauri::State;
use tauri::ipc::Channel;

/// Who would answer this text, and why. Loads nothing: meant for every pause in typing.
#[tauri::command(async)]
pub fn route(house: State<'_, House>, text: String, expert: Option<String>) -> Result<Plan, Failure> {
    house.inside()?.engine.route(&text, expert.as_deref())
}

/// The news of the app from now on, beginning with how it stands. The page asks for them when it is drawn: the expert that
/// was used last may come now.
#[tauri::command(async)]
pub fn watch(house: State<'_, House>, news: Channel<News>) -> Result<(), Failure> {
    let open = house.inside()?;
    open.engine.watch(Box::new(move |item| {
        // A page that is gone hears nothing, and misses nothing.
        let _ = news.send(item);
    }));
    if Settings::load(&open.home).settings.queue.warm_up {
        open.engine.warm_up();
    }
    Ok(())
}

/// The expert leaves and its memory is free.
#[tauri::command(async)]
pub fn unseat(house: State<'_, House>) -> Result<(), Failure> {
    house.inside()?.engine.unseat()?;
    Ok(())
}
