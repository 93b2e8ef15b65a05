//! What stands behind the window: the engine, open or failed, and the answers that are running.
//!
//! The engine opens on a thread of its own, so that the window is there at once; a command that comes earlier waits. An
//! engine that cannot open is a state of the app and not its end: every command then says why, and the page shows it.

use engine::home::Home;
use engine::settings::Settings;
use engine::words::Failure;
use engine::{Engine, Options};
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

pub struct House {
    opened: Arc<OnceLock<Result<Open, Failure>>>,
    /// The stop flag of each answer that is under way, by the answer's id.
    running: Mutex<HashMap<String, Arc<AtomicBool>>>,
}

pub struct Open {
    pub engine: Engine,
    pub home: Home,
}

impl House {
    /// Starts to open the engine and returns at once.
    pub fn open() -> House {
        let opened = Arc::new(OnceLock::new());
        let result = Arc::clone(&opened);
        std::thread::spawn(move || {
            // A panic must not leave the page waiting for ever.
            let outcome = std::panic::catch_unwind(open).unwrap_or_else(|_| {
                Err(crate::failure::failure(
                    "engine_panicked",
                    "Lectern's engine broke while it opened. This is a bug.",
                    "Start Lectern again; if it happens again, please report it with the text that the terminal shows.",
                )
                .into())
            });
            let _ = result.set(outcome);
        });
        House { opened, running: Mutex::default() }
    }

    /// The engine and its home; waits while it opens.
    pub fn inside(&self) -> Result<&Open, Failure> {
        self.opened.wait().as_ref().map_err(Clone::clone)
    }

    pub fn engine(&self) -> Result<&Engine, Failure> {
        Ok(&self.inside()?.engine)
    }

    pub fn begin(&self, answer: &str, stop: &Arc<AtomicBool>) {
        self.running().insert(answer.to_owned(), Arc::clone(stop));
    }

    pub fn end(&self, answer: &str) {
        self.running().remove(answer);
    }

    /// Whether that answer was running.
    pub fn stop(&self, answer: &str) -> bool {
        self.running().get(answer).is_some_and(|stop| {
            stop.store(true, Ordering::SeqCst);
            true
        })
    }

    /// The window is gone: nobody reads on, and the lectern is to be free.
    pub fn leave(&self) {
        for stop in self.running().values() {
            stop.store(true, Ordering::SeqCst);
        }
        if let Some(Ok(open)) = self.opened.get() {
            // Whatever happens to it now, the child process ends with our end of its pipe.
            let _ = open.engine.unseat();
        }
    }

    /// A panic elsewhere cannot leave the map half-written: its operations are single inserts and removes.
    fn running(&self) -> MutexGuard<'_, HashMap<String, Arc<AtomicBool>>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn open() -> Result<Open, Failure> {
    let home = Home::find()?;
    let budget_bytes = Settings::load(&home).settings.budget_bytes();
    let host_executable = std::env::current_exe().map_err(|error| {
        crate::failure::failure(
            "own_program_unknown",
            "The system does not say where Lectern's own program is, and experts are started from it.",
            "Start Lectern by its full path.",
        )
        .with(error.to_string())
    })?;
    let engine = Engine::open(home.clone(), Options { host_executable, budget_bytes, ..Options::default() })?;
    Ok(Open { engine, home })
}
