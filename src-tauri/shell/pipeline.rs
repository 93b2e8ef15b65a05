//! Pipeline: the pool gone through from end to end, stage by stage.

use crate::failure::failure;
use crate::house::House;
use crate::prompts::task_of;
use engine::report::pipeline::{self, Going, Pipeline, Wish};
use engine::words::Failure;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tauri::ipc::Channel;
use tauri::{AppHandle, Manager, State};

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
    // It takes minutes: a thread for that, not one of the few that serve commands.
    let going = tauri::async_runtime::spawn_blocking(move || {
        let house = app.state::<House>();
        let stop = Arc::new(AtomicBool::new(false));
        if !house.begin_alone(GOING, &stop) {
            return Err(failure(
                "window.busy", "The pool is being gone through already.", "Wait for it to end, or stop it.",
            )
            .into());
        }
        let found = house.inside().and_then(|open| {
            let task = task_of(&open, file)?;
            pipeline::pipeline(&open.engine, &task, &wish, &stop, &mut |far| {
                // Nobody listens any more.
                if progress.send(far).is_err() {
                    stop.store(true, Ordering::SeqCst);
                }
                Ok(())
            })
        });
        house.end(GOING);
        found
    });
    going.await.unwrap_or_else(|error| {
        Err(failure(
            "window.pipeline_panicked", "Going through the pool broke off inside Lectern. This is a bug.",
            "Nothing was changed. If it happens again, please report it.",
        )
        .with(error.to_string()))
    })
}

#[tauri::command(async)]
pub fn stop_going_through(house: State<'_, House>) -> bool {
    house.stop(GOING)
}
