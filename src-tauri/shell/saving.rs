//! Saving: a text goes where the system's own dialog is told to.

use crate::failure::failure;
use engine::words::Failure;
use std::path::PathBuf;
use tauri::AppHandle;
use tauri_plugin_dialog::DialogExt;

/// Where it was written; `None`: the dialog was closed. `kind`: what files of this sort are called, then their endings.
pub fn save(
    app: &AppHandle,
    name: &str,
    (kind, endings): (&str, &[&str]),
    text: &str,
) -> Result<Option<PathBuf>, Failure> {
    let dialog = app.dialog().file().set_file_name(name).add_filter(kind, endings);
    let Some(chosen) = dialog.blocking_save_file() else { return Ok(None) };
    let refused = |error: String| {
        failure(
            "window.unwritable_file", "The file could not be written.",
            "Choose a folder that you can write to, on a disk that is not full.",
        )
        .with(error)
    };
    let path = chosen.into_path().map_err(|error| refused(error.to_string()))?;
    std::fs::write(&path, text).map_err(|error| refused(format!("{}: {error}", path.display())))?;
    Ok(Some(path))
}
