//! Seat and route: who stands at the lectern, and who would answer the draft.

use crate::house::House;
use engine::events::News;
use engine::settings::Settings;
use engine::words::{Failure, Plan, Question};
use tauri::State;
use tauri::ipc::Channel;

/// Who would answer this draft in that conversation, and why. Loads nothing: meant for every pause in typing.
#[tauri::command(async)]
pub fn route(
    house: State<'_, House>,
    text: String,
    expert: Option<String>,
    conversation: Option<String>,
) -> Result<Plan, Failure> {
    let draft = Question { expert, conversation, ..Question::new(text) };
    house.inside()?.engine.foresee(&draft)
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
