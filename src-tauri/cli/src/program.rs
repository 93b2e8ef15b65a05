//! Program: what a command needs of its own process: the file that hosts experts, and the interrupts of a terminal.

use engine::words::Failure;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// The file of this program, which hosts the experts as well.
pub fn own_file() -> Result<PathBuf, Failure> {
    std::env::current_exe().map_err(|error| Failure {
        code: "no_executable".into(),
        message: format!("cannot find the file of this program: {error}"),
        fix: "Start `lectern` by its full path.".into(),
        detail: None,
    })
}

/// A flag that the first interrupt sets; the second one ends the program.
pub fn stop_on_interrupt() -> Result<Arc<AtomicBool>, ctrlc::Error> {
    let stop = Arc::new(AtomicBool::new(false));
    let told = Arc::clone(&stop);
    ctrlc::set_handler(move || {
        if told.swap(true, Ordering::Relaxed) {
            // 128 + SIGINT, as shells have it.
            std::process::exit(130);
        }
    })?;
    Ok(stop)
}
