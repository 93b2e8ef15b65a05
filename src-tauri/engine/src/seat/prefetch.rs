//! Prefetch: the file of the expert that will probably be asked comes into the system's page cache while the user still
//! types, so that its load costs no disk. Nothing is loaded for it, and a guess that was wrong costs reading alone.

use super::governor;
use runtime::host::pages;
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// A file of which so much is in the cache is as good as there.
const THERE: f32 = 0.98;
/// What stays free of the memory that is free now: the cache must not push others out.
const SPARED: f64 = 0.25;

/// Reads one file at a time; a newer guess ends an older one.
pub struct Prefetch {
    guess: Arc<Guess>,
}

#[derive(Default)]
struct Guess {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// Rises with every guess.
    number: u64,
    file: Option<PathBuf>,
    /// Nothing is being read.
    idle: bool,
    closed: bool,
}

impl Guess {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Prefetch {
    pub fn open() -> std::io::Result<Prefetch> {
        let guess = Arc::new(Guess::default());
        let worker = Arc::clone(&guess);
        std::thread::Builder::new().name("prefetch".into()).spawn(move || read_guesses(&worker))?;
        Ok(Prefetch { guess })
    }

    /// This file is likely to be loaded next; `None`: none is any more.
    pub fn guess(&self, file: Option<PathBuf>) {
        let mut state = self.guess.state();
        if state.file != file {
            state.number += 1;
            state.file = file;
            state.idle = false;
            self.guess.changed.notify_all();
        }
    }

    /// Waits until nothing is being read.
    pub fn wait(&self) {
        let mut state = self.guess.state();
        while !state.idle {
            state = self.guess.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Drop for Prefetch {
    fn drop(&mut self) {
        let mut state = self.guess.state();
        state.closed = true;
        state.number += 1;
        self.guess.changed.notify_all();
    }
}

fn read_guesses(guess: &Guess) {
    let mut done = 0;
    loop {
        let (number, file) = {
            let mut state = guess.state();
            while state.number == done && !state.closed {
                state.idle = true;
                guess.changed.notify_all();
                state = guess.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
            if state.closed {
                return;
            }
            (state.number, state.file.clone())
        };
        done = number;
        let Some(file) = file else { continue };
        let bytes = std::fs::metadata(&file).map_or(u64::MAX, |about| about.len());
        let fits = bytes as f64 <= governor::free_memory() as f64 * (1.0 - SPARED);
        if fits && pages::share(&file).is_none_or(|share| share < THERE) {
            // A file that cannot be read says so when it is loaded.
            let _ = pages::bring_into_cache(&file, &mut || guess.state().number == number);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guesses_are_read_and_nonsense_hurts_nobody() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("model.gguf");
        std::fs::write(&file, vec![7u8; 3 << 20]).unwrap();
        let prefetch = Prefetch::open().unwrap();
        prefetch.guess(Some(folder.path().join("nobody.gguf")));
        prefetch.guess(Some(file.clone()));
        prefetch.wait();
        // Where the system tells: just written, it was there before; it must be there still.
        assert!(pages::share(&file).is_none_or(|share| share > THERE));
        prefetch.guess(None);
        prefetch.wait();
    }
}
