//! Something that takes a while to open, may fail, and can then be tried again.
//!
//! It opens on a thread of its own. Who asks meanwhile waits and gets that attempt's outcome; who asks after a failure
//! tries once more, so that "try again" in the window does what it says.

use crate::failure::failure;
use engine::words::Failure;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

pub struct Opening<T> {
    shared: Arc<Shared<T>>,
}

struct Shared<T> {
    open: Box<dyn Fn() -> Result<T, Failure> + Send + Sync>,
    state: Mutex<State<T>>,
    changed: Condvar,
}

enum State<T> {
    Underway,
    Open(Arc<T>),
    Failed(Failure),
}

impl<T: Send + Sync + 'static> Opening<T> {
    /// Begins to open and returns at once.
    pub fn begin(open: impl Fn() -> Result<T, Failure> + Send + Sync + 'static) -> Opening<T> {
        let shared =
            Shared { open: Box::new(open), state: Mutex::new(State::Underway), changed: Condvar::new() };
        let shared = Arc::new(shared);
        let attempt = Arc::clone(&shared);
        std::thread::spawn(move || attempt.attempt());
        Opening { shared }
    }

    /// What was opened; waits for an attempt under way, and makes another one when the last failed.
    pub fn get(&self) -> Result<Arc<T>, Failure> {
        let mut state = self.shared.state();
        if let State::Failed(_) = *state {
            *state = State::Underway;
            drop(state);
            self.shared.attempt();
            state = self.shared.state();
        }
        let is_underway = |state: &mut State<T>| matches!(state, State::Underway);
        let state =
            self.shared.changed.wait_while(state, is_underway).unwrap_or_else(PoisonError::into_inner);
        match &*state {
            State::Open(opened) => Ok(Arc::clone(opened)),
            State::Failed(failure) => Err(failure.clone()),
            State::Underway => Err(broken()),
        }
    }

    /// What was opened, if it is open now.
    pub fn peek(&self) -> Option<Arc<T>> {
        match &*self.shared.state() {
            State::Open(opened) => Some(Arc::clone(opened)),
            State::Underway | State::Failed(_) => None,
        }
    }
}

impl<T> Shared<T> {
    fn attempt(&self) {
        // A panic must not leave the page waiting for ever.
        let outcome = catch_unwind(AssertUnwindSafe(|| (self.open)())).unwrap_or_else(|_| Err(broken()));
        *self.state() = match outcome {
            Ok(opened) => State::Open(Arc::new(opened)),
            Err(failure) => State::Failed(failure),
        };
        self.changed.notify_all();
    }

    /// A panic elsewhere cannot leave the state half-written: it is replaced whole.
    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn broken() -> Failure {
    failure(
        "window.engine_panicked", "Lectern's engine broke while it opened. This is a bug.",
        "Try again; if it happens again, please report it with the text that the terminal shows.",
    )
    .into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering};

    /// Opens at the `from`th attempt.
    fn opening(from: u32) -> (Opening<u32>, Arc<AtomicU32>) {
        let attempts = Arc::new(AtomicU32::new(0));
        let count = Arc::clone(&attempts);
        let opening = Opening::begin(move || {
            let attempt = count.fetch_add(1, Ordering::SeqCst) + 1;
            if attempt >= from {
                Ok(attempt)
            } else {
                Err(failure("closed", "It is closed.", "Knock again.").into())
            }
        });
        (opening, attempts)
    }

    #[test]
    fn it_opens_once_and_stays_open() {
        let (opening, attempts) = opening(1);
        assert_eq!(*opening.get().unwrap(), 1);
        assert_eq!(*opening.get().unwrap(), 1);
        assert_eq!(attempts.load(Ordering::SeqCst), 1);
        assert!(opening.peek().is_some());
    }

    #[test]
    fn after_a_failure_the_next_one_who_asks_tries_again() {
        let (opening, attempts) = opening(4);
        let mut failures = 0;
        while let Err(failure) = opening.get() {
            assert_eq!(failure.code, "closed");
            failures += 1;
            assert!(failures <= 3, "the fourth attempt opens it");
        }
        assert_eq!(attempts.load(Ordering::SeqCst), 4);
    }

    #[test]
    fn a_panic_is_a_failure_and_nobody_waits_for_ever() {
        let opening: Opening<()> = Opening::begin(|| panic!("on purpose, in a test"));
        assert_eq!(opening.get().unwrap_err().code, "window.engine_panicked");
    }
}
