//! What stands behind the window: the engine, open or failed, and the answers that are running.
//!
//! The window is there at once, whatever the engine takes to open. An engine that cannot open is a state of the app and
//! not its end: every command then says why, the page shows it, and trying again is possible.

use crate::drops::Drops;
use crate::failure::failure;
use crate::lab::Lab;
use crate::library::Library;
use crate::opening::Opening;
use engine::home::Home;
use engine::settings::Settings;
use engine::words::Failure;
use engine::{Engine, Options};
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub struct House {
    opening: Opening<Open>,
    /// The stop flag of each answer that is under way, by the answer's id.
    running: Mutex<HashMap<String, Arc<AtomicBool>>>,
    pub drops: Drops,
    pub lab: Lab,
}

/// An open house.
pub struct Open {
    pub engine: Engine,
    pub home: Home,
    pub library: Library,
}

impl House {
    pub fn open() -> House {
        House {
            opening: Opening::begin(open),
            running: Mutex::default(),
            drops: Drops::default(),
            lab: Lab::default(),
        }
    }

    /// The engine and its home; waits while they open.
    pub fn inside(&self) -> Result<Arc<Open>, Failure> {
        self.opening.get()
    }

    pub fn begin(&self, answer: &str, stop: &Arc<AtomicBool>) {
        self.running().insert(answer.to_owned(), Arc::clone(stop));
    }

    /// Does work that there may be one of at a time; by its name it is stopped. `None`: it is under way already.
    pub fn alone<T>(&self, work: &str, job: impl FnOnce(&Arc<AtomicBool>) -> T) -> Option<T> {
        /// Over, also when the job panics.
        struct Over<'a>(&'a House, &'a str);
        impl Drop for Over<'_> {
            fn drop(&mut self) {
                self.0.end(self.1);
            }
        }
        let stop = Arc::new(AtomicBool::new(false));
        match self.running().entry(work.to_owned()) {
            Entry::Occupied(_) => return None,
            Entry::Vacant(free) => free.insert(Arc::clone(&stop)),
        };
        let _over = Over(self, work);
        Some(job(&stop))
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
        if let Some(open) = self.opening.peek() {
            // Whatever fails here, the expert's process ends with our end of its pipe.
            let _ = open.engine.unseat();
            // What stays is deleted at the next start.
            let _ = open.library.free();
        }
    }

    /// A panic elsewhere cannot leave the map half-written: its operations are single inserts and removes.
    fn running(&self) -> MutexGuard<'_, HashMap<String, Arc<AtomicBool>>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn open() -> Result<Open, Failure> {
    let home = Home::find()?;
    let settings = Settings::load(&home).settings;
    let budget_bytes = settings.budget_bytes();
    let host_executable = std::env::current_exe().map_err(|error| {
        failure(
            "window.own_program_unknown",
            "The system does not say where Lectern's own program is, and experts are started from it.",
            "Start Lectern by its full path.",
        )
        .with(error.to_string())
    })?;
    let options = Options {
        host_executable: host_executable.clone(),
        budget_bytes,
        processor_only: settings.processor_only,
        ..Options::default()
    };
    let engine = Engine::open(home.clone(), options)?;
    engine.archive().embed_in_background()?;
    let library = Library::open(&home, host_executable, &settings);
    Ok(Open { engine, home, library })
}
