//! Apart: work that takes seconds or minutes has a thread of its own, not one of the few that serve commands.

use crate::failure::Draft;
use crate::house::House;
use engine::words::Failure;
use tauri::{AppHandle, Manager};

/// Does `job` on a thread of its own. `broke_off` is said when it panicked: that is a bug.
pub async fn apart<T: Send + 'static>(
    app: AppHandle,
    broke_off: Draft,
    job: impl FnOnce(&House) -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    let working = tauri::async_runtime::spawn_blocking(move || job(&app.state::<House>()));
    working.await.unwrap_or_else(|error| Err(broke_off.with(error.to_string())))
}
