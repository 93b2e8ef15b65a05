//! Pipeline: the pool gone through from end to end, stage by stage.

use crate::apart::apart;
use crate::failure::failure;
use crate::house::House;
use crate::prompts::task_of;
use engine::report::pipeline::{self, Going, Pipeline, Wish};
use engine::words::Failure;
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use tauri::ipc::Channel;
use tauri::{AppHandle, State};

/// By this name the page stops it.
const GOING: &str = "pool-pipeline";

/// With the questions of a file, or past ones whose answer was rated up. Changes nothing but measured figures.
#[tauri::command]
pub async fn go_through_pool(
    app: AppHandle,
    file: Option<PathBuf>,
    wish: Wish,
    progress: Channel<Going>,
) -> Result<Pipeline, Failure> {
    let broke_off = failure(
        "window.pipeline_panicked", "Going through the pool broke off inside Lectern. This is a bug.",
        "Nothing was changed. If it happens again, please report it.",
    );
    apart(app, broke_off, move |house| {
        let open = house.inside()?;
        let found = house.alone(GOING, |stop| {
            let task = task_of(&open, file)?;
            pipeline::pipeline(&open.engine, &task, &wish, stop, &mut |far| {
                // Nobody listens any more.
                if progress.send(far).is_err() {
                    stop.store(true, Ordering::SeqCst);
                }
                Ok(())
            })
        });
        found.unwrap_or_else(|| {
            let busy = "The pool is being gone through already.";
            Err(failure("window.busy", busy, "Wait for it to end, or stop it.").into())
        })
    })
    .await
}

#[tauri::command(async)]
pub fn stop_going_through(house: State<'_, House>) -> bool {
    house.stop(GOING)
}
