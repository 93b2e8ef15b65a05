//! Worker: a thread of the archive for what nobody should wait for. Ended at any moment it loses nothing: what is left to do
//! stands in the database.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

pub(super) struct Worker {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// Woken since it last began.
    wanted: bool,
    works: bool,
    ends: bool,
}

impl Worker {
    /// Does `step` when it is woken, again while that gives `true`, and `every` so often if that is said.
    pub fn start(
        name: &str,
        every: Option<Duration>,
        step: impl FnMut() -> bool + Send + 'static,
    ) -> std::io::Result<Worker> {
        let shared = Arc::<Shared>::default();
        let own = shared.clone();
        let thread = std::thread::Builder::new().name(name.into()).spawn(move || own.work(every, step))?;
        Ok(Worker { shared, thread: Some(thread) })
    }

    /// Returns at once.
    pub fn wake(&self) {
        self.shared.state().wanted = true;
        self.shared.changed.notify_all();
    }

    /// Returns when it has nothing to do.
    pub fn wait(&self) {
        let busy = |state: &mut State| state.wanted || state.works;
        drop(self.shared.changed.wait_while(self.shared.state(), busy));
    }
}

impl Drop for Worker {
    /// It finishes its step and begins no other.
    fn drop(&mut self) {
        self.shared.state().ends = true;
        self.shared.changed.notify_all();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn work(&self, every: Option<Duration>, mut step: impl FnMut() -> bool) {
        let idle = |state: &mut State| !state.wanted && !state.ends;
        loop {
            let state = self.state();
            let mut state = match every {
                Some(every) => {
                    let woken = self.changed.wait_timeout_while(state, every, idle);
                    woken.unwrap_or_else(PoisonError::into_inner).0
                }
                None => self.changed.wait_while(state, idle).unwrap_or_else(PoisonError::into_inner),
            };
            if state.ends {
                return;
            }
            (state.wanted, state.works) = (false, true);
            drop(state);
            let more = step();
            let mut state = self.state();
            state.works = false;
            state.wanted |= more;
            self.changed.notify_all();
        }
    }
}
