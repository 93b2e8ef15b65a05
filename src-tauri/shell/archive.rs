//! Archive: conversations and past answers.

use crate::house::House;
use crate::markdown::{self, Block};
use engine::archive::{Conversation, Hits};
use engine::words::{Answer, Failure};
use serde::Serialize;
use tauri::State;
use ts_rs::TS;

/// One question with its answer, as the page draws it.
#[derive(Clone, Debug, Serialize, TS)]
pub struct Turn {
    pub answer: Answer,
    pub blocks: Vec<Block>,
    /// Of each draft of a council, in their order.
    pub drafts: Vec<Vec<Block>>,
}

impl Turn {
    fn of(answer: Answer) -> Turn {
        let council = answer.trace.council.as_deref();
        let drafts = council.map_or(&[][..], |council| &council.drafts);
        let drafts = drafts.iter().map(|draft| markdown::blocks(&draft.answer)).collect();
        Turn { blocks: markdown::blocks(&answer.answer), drafts, answer }
    }
}

#[tauri::command(async)]
pub fn conversations(house: State<'_, House>, search: Option<String>) -> Result<Vec<Conversation>, Failure> {
    Ok(house.inside()?.engine.archive().conversations(search.as_deref())?)
}

#[tauri::command(async)]
pub fn conversation(house: State<'_, House>, id: String) -> Result<Vec<Turn>, Failure> {
    let answers = house.inside()?.engine.archive().conversation(&id)?;
    Ok(answers.into_iter().map(Turn::of).collect())
}

#[tauri::command(async)]
pub fn delete_conversation(house: State<'_, House>, id: String) -> Result<(), Failure> {
    house.inside()?.engine.archive().delete_conversation(&id)?;
    Ok(())
}

#[tauri::command(async)]
pub fn rename_conversation(house: State<'_, House>, id: String, title: String) -> Result<(), Failure> {
    house.inside()?.engine.archive().rename_conversation(&id, &title)?;
    Ok(())
}

/// That past answer is gone for good, from the files as well.
#[tauri::command(async)]
pub fn forget(house: State<'_, House>, id: String) -> Result<(), Failure> {
    house.inside()?.engine.archive().forget(&id)?;
    Ok(())
}

#[tauri::command(async)]
pub fn rate(house: State<'_, House>, id: String, rating: i32) -> Result<(), Failure> {
    house.inside()?.engine.rate(&id, rating)?;
    Ok(())
}

#[tauri::command(async)]
pub fn search(house: State<'_, House>, text: String, limit: usize) -> Result<Hits, Failure> {
    Ok(house.inside()?.engine.archive().search(&text, limit)?)
}
