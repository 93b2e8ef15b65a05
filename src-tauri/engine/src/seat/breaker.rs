//! Breaker: an expert that keeps failing rests, so that questions go to others at once and do not wait for one more
//! failure.
//!
//! Closed until [`FAILURES`] fall within [`WINDOW`]; then open for [`REST`]. After that half open: one question tries it.
//! When it answers the breaker is closed; when it fails it opens for twice as long, up to [`LONGEST`].

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

pub(super) const FAILURES: usize = 3;
pub(super) const WINDOW: Duration = Duration::from_secs(60);
const REST: Duration = Duration::from_secs(30);
const LONGEST: Duration = Duration::from_secs(600);

#[derive(Default)]
pub(super) struct Breakers(HashMap<String, Breaker>);

#[derive(Default)]
struct Breaker {
    /// Failures while it is closed, oldest first.
    failed: VecDeque<Instant>,
    /// Until when it is open, and for how long it was opened; past it the breaker is half open.
    open: Option<(Instant, Duration)>,
}

impl Breakers {
    /// How long the expert still rests; `None`: it may be asked, and when it is half open this question is the trial.
    pub fn rests(&self, expert: &str, now: Instant) -> Option<Duration> {
        let (until, _) = self.0.get(expert)?.open?;
        until.checked_duration_since(now).filter(|left| !left.is_zero())
    }

    pub fn succeeded(&mut self, expert: &str) {
        self.0.remove(expert);
    }

    pub fn failed(&mut self, expert: &str, now: Instant) {
        let breaker = self.0.entry(expert.to_owned()).or_default();
        if let Some((_, rested)) = breaker.open {
            let rest = (2 * rested).min(LONGEST);
            breaker.open = Some((now + rest, rest));
            return;
        }
        breaker.failed.push_back(now);
        breaker.failed.retain(|at| now.saturating_duration_since(*at) < WINDOW);
        if breaker.failed.len() >= FAILURES {
            breaker.failed.clear();
            breaker.open = Some((now + REST, REST));
        }
    }

    /// Who rests, and until when.
    pub fn resting(&self) -> HashMap<String, Instant> {
        let open = |(expert, breaker): (&String, &Breaker)| Some((expert.clone(), breaker.open?.0));
        self.0.iter().filter_map(open).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_opens_after_three_failures_within_the_window_and_not_before() {
        let start = Instant::now();
        let at = |seconds: u64| start + Duration::from_secs(seconds);
        let mut breakers = Breakers::default();
        // Three, and never within one window.
        for seconds in [0, 40, 80] {
            breakers.failed("a", at(seconds));
        }
        assert_eq!(breakers.rests("a", at(80)), None);
        breakers.failed("a", at(81));
        assert_eq!(breakers.rests("a", at(81)), Some(REST), "40, 80 and 81");
        assert_eq!(breakers.rests("b", at(81)), None, "each expert has its own");
    }

    #[test]
    fn a_success_closes_it_and_begins_the_count_anew() {
        let now = Instant::now();
        let mut breakers = Breakers::default();
        for _ in 0..2 {
            breakers.failed("a", now);
            breakers.failed("a", now);
            breakers.succeeded("a");
        }
        assert_eq!(breakers.rests("a", now), None);
    }

    #[test]
    fn half_open_one_trial_closes_it_or_opens_it_for_twice_as_long() {
        let now = Instant::now();
        let mut breakers = Breakers::default();
        (0..FAILURES).for_each(|_| breakers.failed("a", now));
        let mut rest = REST;
        let mut at = now;
        for _ in 0..8 {
            assert_eq!(breakers.rests("a", at), Some(rest));
            at += rest;
            assert_eq!(breakers.rests("a", at), None, "half open");
            breakers.failed("a", at);
            rest = (2 * rest).min(LONGEST);
        }
        assert_eq!(rest, LONGEST);
        breakers.succeeded("a");
        assert!(breakers.resting().is_empty());
        breakers.failed("a", at);
        assert_eq!(breakers.rests("a", at), None, "closed: one failure is none");
    }
}
