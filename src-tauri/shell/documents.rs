//! Documents: the files that answers may cite.

use crate::apart::apart;
use crate::failure::failure;
use crate::house::House;
use engine::documents::{Added, Document, Found};
use engine::words::{Failure, Passage};
use serde::Serialize;
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use tauri::ipc::Channel;
use tauri::{AppHandle, State};
use ts_rs::TS;

/// By this name the page stops it.
const READING: &str = "reading documents";

/// How far the reading of files is.
#[derive(Clone, Debug, Serialize, TS)]
pub struct ReadingFiles {
    pub done: usize,
    pub of: usize,
    /// The file that is being read.
    pub path: PathBuf,
}

/// By name.
#[tauri::command(async)]
pub fn documents(house: State<'_, House>) -> Result<Vec<Document>, Failure> {
    Ok(house.inside()?.engine.documents().list()?)
}

/// Reads files and folders; one that was read before is read again where its content is another.
#[tauri::command]
pub async fn add_documents(
    app: AppHandle,
    paths: Vec<PathBuf>,
    progress: Channel<ReadingFiles>,
) -> Result<Added, Failure> {
    let broke_off = failure(
        "window.reading_panicked", "Reading the files broke off inside Lectern. This is a bug.",
        "What was read is kept. If it happens again, please report it.",
    );
    apart(app, broke_off, move |house| read(house, &paths, &progress)).await
}

fn read(house: &House, paths: &[PathBuf], progress: &Channel<ReadingFiles>) -> Result<Added, Failure> {
    let open = house.inside()?;
    let added = house.alone(READING, |stop| {
        open.engine.documents().add(paths, stop, &mut |done, of, path| {
            // Nobody listens any more.
            if progress.send(ReadingFiles { done, of, path: path.to_path_buf() }).is_err() {
                stop.store(true, Ordering::SeqCst);
            }
        })
    });
    let busy = || failure("documents.busy", "Other files are being read.", "Add these when those are done.");
    Ok(added.ok_or_else(|| Failure::from(busy()))??)
}

/// The files that have not been read yet are not read.
#[tauri::command(async)]
pub fn stop_reading(house: State<'_, House>) -> bool {
    house.stop(READING)
}

/// Reads those again that have changed since.
#[tauri::command(async)]
pub fn refresh_documents(house: State<'_, House>) -> Result<Added, Failure> {
    Ok(house.inside()?.engine.documents().refresh()?)
}

/// That one goes for good; all of them when none is named.
#[tauri::command(async)]
pub fn remove_documents(house: State<'_, House>, id: Option<String>) -> Result<Vec<Document>, Failure> {
    Ok(house.inside()?.engine.documents().remove(id.as_deref())?)
}

/// Passages with these words or of this meaning, best first.
#[tauri::command(async)]
pub fn search_documents(house: State<'_, House>, text: String) -> Result<Found, Failure> {
    /// More than this nobody reads.
    const MOST: usize = 30;
    Ok(house.inside()?.engine.documents().search(&text, MOST)?)
}

/// What was read of a document, in its order.
#[tauri::command(async)]
pub fn document_passages(house: State<'_, House>, id: String) -> Result<Vec<Passage>, Failure> {
    Ok(house.inside()?.engine.documents().passages(&id)?)
}
