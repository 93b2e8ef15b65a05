//! Archive: conversations and past answers.

use crate::failure::failure;
use crate::house::House;
use crate::markdown::{self, Block};
use engine::archive::{Conversation, Hits};
use engine::hub::{EncoderOnHub, Stop};
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

/// Search by meaning, as the settings show it.
#[derive(Clone, Debug, Serialize, TS)]
pub struct Meaning {
    /// The one that was chosen.
    pub encoder: Option<String>,
    /// Without one: numbers of a vector of the built-in table; `None`: search goes by words alone.
    pub built_in: Option<u32>,
    /// What can be fetched.
    pub offered: String,
    /// Past answers and passages that have a vector, and all of them.
    #[ts(type = "number")]
    pub done: u64,
    #[ts(type = "number")]
    pub all: u64,
}

#[tauri::command(async)]
pub fn meaning(house: State<'_, House>) -> Result<Meaning, Failure> {
    let open = house.inside()?;
    let archive = open.engine.archive();
    let (done, all) = archive.embedded()?;
    let encoder = archive.encoder().filter(|encoder| !encoder.is_built_in()).map(|encoder| encoder.name);
    let built_in = archive.built_in().map(|numbers| numbers as u32);
    Ok(Meaning { encoder, built_in, offered: EncoderOnHub::usual().name, done, all })
}

/// Fetches the offered encoder, among the other downloads, and uses it. Returns when it is used, or why it is not.
#[tauri::command(async)]
pub fn fetch_encoder(house: State<'_, House>) -> Result<(), Failure> {
    let open = house.inside()?;
    open.library.mover().is_still()?;
    let (shelf, wanted) = (open.library.shelf()?, EncoderOnHub::usual());
    let id = shelf.downloads.start(&wanted.weights()?);
    match shelf.downloads.wait(id)?.state {
        engine::hub::State::Ready { .. } => {}
        engine::hub::State::Failed { failure } => return Err(failure),
        _ => return Ok(()),
    }
    let folder =
        shelf.hub.fetch_encoder(&wanted, &open.home.encoders_dir(), &Stop::default(), &mut |_| {})?;
    let program = std::env::current_exe().map_err(|error| {
        failure(
            "no_executable", "Lectern does not know where its own program is.",
            "Start Lectern by its full path.",
        )
        .with(error.to_string())
    })?;
    Ok(open.engine.archive().choose_encoder(&program, &folder)?)
}

/// Search goes by the built-in vectors again; those of the encoder go, its files stay.
#[tauri::command(async)]
pub fn drop_encoder(house: State<'_, House>) -> Result<(), Failure> {
    Ok(house.inside()?.engine.archive().drop_encoder()?)
}
