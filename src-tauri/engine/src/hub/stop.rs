//! Stop: one download is told to end, wherever it is: waiting, reading from a silent host, or hashing; or every question
//! to the hub that is under way.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};
use ureq::Agent;

/// What the user wants of a download.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Will {
    #[default]
    GoOn,
    /// What is here stays.
    Pause,
    /// What is here goes.
    Cancel,
}

#[derive(Debug, Default)]
pub struct Stop {
    state: Mutex<State>,
    bell: Condvar,
}

#[derive(Debug, Default)]
struct State {
    will: Will,
    /// Whose connections end with it.
    agents: Vec<Agent>,
}

impl Stop {
    pub fn pause(&self) {
        self.set(Will::Pause);
    }

    pub fn cancel(&self) {
        self.set(Will::Cancel);
    }

    fn set(&self, will: Will) {
        let agents = {
            let mut state = self.state();
            state.will = will;
            std::mem::take(&mut state.agents)
        };
        self.bell.notify_all();
        agents.into_iter().for_each(Agent::shutdown);
    }

    pub fn will(&self) -> Will {
        self.state().will
    }

    pub fn is_set(&self) -> bool {
        self.will() != Will::GoOn
    }

    /// Connections of this agent are cut when the stop is set.
    pub(super) fn cuts(&self, agent: &Agent) {
        let mut state = self.state();
        if state.will != Will::GoOn {
            drop(state);
            return agent.clone().shutdown();
        }
        state.agents.push(agent.clone());
    }

    /// Waits; `true` when it was set meanwhile.
    pub fn wait(&self, time: Duration) -> bool {
        let until = Instant::now() + time;
        let mut state = self.state();
        while state.will == Will::GoOn {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            state = self.bell.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is under way and can be stopped together.
#[derive(Debug, Default)]
pub struct Stops(Mutex<Vec<Weak<Stop>>>);

impl Stops {
    /// One more, until it is dropped.
    pub fn begin(&self) -> Arc<Stop> {
        let stop = Arc::new(Stop::default());
        let mut stops = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        stops.retain(|known| known.strong_count() > 0);
        stops.push(Arc::downgrade(&stop));
        stop
    }

    /// Ends all of it; their connections are cut.
    pub fn stop(&self) {
        let stops = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        stops.iter().filter_map(Weak::upgrade).for_each(|stop| stop.cancel());
    }
}
