//! Queue: whose question goes next. It knows no clock and no process: the owner tells it the time and who is seated.
//!
//! People go before batches. Among equals whoever the seated expert can answer goes first, so that as few experts as
//! possible are loaded; then the expert of the oldest question comes. Nobody starves: at most [`OVERTAKEN`] later questions
//! go before any question, so one that found `k` others waiting has its turn after `k + OVERTAKEN` turns at the latest.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// So many later questions may go before one; then it is next. With 50 that wait for 23 experts by chance this saves 77 of
/// 100 loads, as no bound does; 16 would save 56 (means of 20 seeds, 1,000 questions).
pub(super) const OVERTAKEN: u32 = 50;

/// What waits: the rest of it is the owner's.
pub(super) struct Place<T> {
    number: u64,
    pub expert: String,
    /// A person waits for it, not a batch.
    is_urgent: bool,
    overtaken: u32,
    pub what: T,
}

pub(super) enum Next<T> {
    Serve(Place<T>),
    /// Another expert would have to come: so long somebody may still come for the one who is here.
    Gather(Duration),
    Nobody,
}

pub(super) struct Queue<T> {
    /// In the order in which they came.
    waiting: Vec<Place<T>>,
    arrived: u64,
    last_arrival: Option<Instant>,
    /// Somebody has the expert's ear; since when nobody has.
    is_busy: bool,
    free_since: Option<Instant>,
    /// Mean time between arrivals of questions that found others there; `None`: the last one found nobody.
    crowd: Option<Duration>,
    loads: Loads,
}

impl<T> Queue<T> {
    pub fn new() -> Self {
        Queue {
            waiting: Vec::new(),
            arrived: 0,
            last_arrival: None,
            is_busy: false,
            free_since: None,
            crowd: None,
            loads: Loads::default(),
        }
    }

    pub fn push(&mut self, expert: String, is_urgent: bool, arrived: Instant, what: T) {
        let found_others =
            !self.waiting.is_empty() || self.is_busy || self.free_since.is_some_and(|free| arrived < free);
        let gap = self.last_arrival.map(|last| arrived.saturating_duration_since(last));
        self.crowd = gap.filter(|_| found_others).map(|gap| self.crowd.map_or(gap, |mean| (mean + gap) / 2));
        self.last_arrival = Some(arrived);
        self.waiting.push(Place { number: self.arrived, expert, is_urgent, overtaken: 0, what });
        self.arrived += 1;
    }

    /// Those who wait no longer are gone.
    pub fn keep(&mut self, still_waits: impl Fn(&T) -> bool) {
        let loads = &mut self.loads;
        self.waiting.retain(|place| {
            let stays = still_waits(&place.what);
            if !stays {
                loads.gone(place.number);
            }
            stays
        });
    }

    /// `window`: the longest that a swap is put off for somebody who may come.
    pub fn next(&mut self, seated: Option<&str>, now: Instant, window: Duration) -> Next<T> {
        let Some(at) = self.first(seated) else { return Next::Nobody };
        let swaps = seated.is_some_and(|seated| seated != self.waiting[at].expert);
        if swaps && let Some(left) = self.gathering(now, window) {
            return Next::Gather(left);
        }
        Next::Serve(self.serve(at))
    }

    /// The next one beside those whom the seated expert answers already: nobody when somebody else's turn has come, or
    /// when the expert that is there is not the one that he wants (`fits`).
    pub fn next_beside(&mut self, seated: &str, fits: impl Fn(&T) -> bool) -> Option<Place<T>> {
        let at = self.first(Some(seated))?;
        let place = &self.waiting[at];
        (place.expert == seated && fits(&place.what)).then(|| self.serve(at))
    }

    fn serve(&mut self, at: usize) -> Place<T> {
        let place = self.waiting.remove(at);
        self.waiting[..at].iter_mut().for_each(|passed| passed.overtaken += 1);
        self.loads.served(place.number, &place.expert);
        self.is_busy = true;
        place
    }

    fn first(&self, seated: Option<&str>) -> Option<usize> {
        // Whoever goes before one goes before all that are older, too: the oldest is overtaken most.
        if self.waiting.first()?.overtaken >= OVERTAKEN {
            return Some(0);
        }
        let urgent = self.waiting.iter().any(|place| place.is_urgent);
        let mut equals = self.waiting.iter().enumerate().filter(|(_, place)| place.is_urgent == urgent);
        let oldest = equals.clone().next().map(|(at, _)| at);
        equals.find(|(_, place)| Some(place.expert.as_str()) == seated).map(|(at, _)| at).or(oldest)
    }

    /// How long it is still worth waiting: twice the usual time between arrivals, counted from the last one, but a quarter
    /// of the window at least since the expert is free (those who were answered together come back together, and how soon
    /// says no time between them), and never longer than the window. Nothing when nobody else is there.
    fn gathering(&self, now: Instant, window: Duration) -> Option<Duration> {
        let usual = self.crowd.filter(|gap| *gap <= window)?;
        let free = self.free_since?;
        let until = (self.last_arrival? + 2 * usual).max(free + window / 4).min(free + window);
        until.checked_duration_since(now).filter(|left| !left.is_zero())
    }

    /// Nobody has his turn any more.
    pub fn free(&mut self, now: Instant) {
        self.is_busy = false;
        self.free_since = Some(now);
    }

    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Questions that have come so far; with it, [`Queue::waits_before`] says when those are done.
    pub fn arrived(&self) -> u64 {
        self.arrived
    }

    pub fn waits_before(&self, arrived: u64) -> bool {
        self.waiting.first().is_some_and(|oldest| oldest.number < arrived)
    }

    /// Loads that the order of arrival would have cost, and those that this order cost; exact when nobody waits.
    pub fn loads(&self) -> (u64, u64) {
        (self.loads.by_arrival, self.loads.made)
    }
}

/// The counterfactual: the questions that were served, replayed in the order of their arrival. A load is a question whose
/// expert is another than that of the question before it; one that was ended between two questions costs both orders the
/// same and is in neither.
#[derive(Default)]
struct Loads {
    made: u64,
    last_served: Option<String>,
    by_arrival: u64,
    last_arrived: Option<String>,
    /// The next number to replay, and what is known beyond it; `None`: it left unserved.
    next: u64,
    known: BTreeMap<u64, Option<String>>,
}

impl Loads {
    fn served(&mut self, number: u64, expert: &str) {
        if self.last_served.as_deref() != Some(expert) {
            self.made += 1;
            self.last_served = Some(expert.to_owned());
        }
        self.known.insert(number, Some(expert.to_owned()));
        self.replay();
    }

    fn gone(&mut self, number: u64) {
        self.known.insert(number, None);
        self.replay();
    }

    fn replay(&mut self) {
        while let Some(expert) = self.known.remove(&self.next) {
            self.next += 1;
            if expert.is_some() && expert != self.last_arrived {
                self.by_arrival += 1;
                self.last_arrived = expert;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOW: Duration = Duration::from_millis(100);

    /// Numbers from a seed (an LCG of Knuth's).
    struct Chance(u64);

    impl Chance {
        fn below(&mut self, end: u64) -> u64 {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (self.0 >> 33) % end
        }
    }

    /// Serves everybody without time going by; what they are called, in the order of their turns.
    fn drain(queue: &mut Queue<u32>, mut seated: Option<String>) -> Vec<u32> {
        let now = Instant::now();
        let mut order = Vec::new();
        while let Next::Serve(place) = queue.next(seated.as_deref(), now, Duration::ZERO) {
            seated = Some(place.expert);
            order.push(place.what);
        }
        assert!(queue.is_empty());
        order
    }

    fn of(experts: &str) -> Queue<u32> {
        let mut queue = Queue::new();
        for (at, expert) in experts.chars().enumerate() {
            queue.push(expert.to_string(), false, Instant::now(), at as u32);
        }
        queue
    }

    #[test]
    fn questions_of_the_seated_expert_go_first_and_the_loads_saved_are_counted() {
        let mut queue = of("ababab");
        assert_eq!(drain(&mut queue, Some("b".into())), [1, 3, 5, 0, 2, 4]);
        assert_eq!(queue.loads(), (6, 2), "six in the order of arrival, two so");
    }

    #[test]
    fn beside_others_only_the_seated_experts_own_go_and_never_past_the_bound() {
        let mut queue = of("abab");
        let beside = |queue: &mut Queue<u32>| queue.next_beside("b", |_| true).map(|place| place.what);
        assert_eq!(beside(&mut queue), Some(1));
        assert!(queue.next_beside("b", |_| false).is_none(), "another build of it is wanted");
        assert_eq!((beside(&mut queue), beside(&mut queue)), (Some(3), None), "a waits for the seat");
        assert_eq!(drain(&mut queue, Some("b".into())), [0, 2]);

        let mut queue = of("a");
        queue.push("b".into(), true, Instant::now(), 8);
        assert!(queue.next_beside("a", |_| true).is_none(), "a person waits for another expert");

        let mut queue = of("a");
        for at in 0..2 * OVERTAKEN {
            queue.push("b".into(), false, Instant::now(), at);
        }
        let went = std::iter::from_fn(|| queue.next_beside("b", |_| true)).count();
        assert_eq!(went, OVERTAKEN as usize);
    }

    #[test]
    fn who_leaves_is_not_in_the_counterfactual() {
        let mut queue = of("aba");
        queue.keep(|what| *what != 1);
        assert_eq!(drain(&mut queue, None), [0, 2]);
        assert_eq!(queue.loads(), (1, 1), "without b nobody would have swapped");
    }

    #[test]
    fn a_person_goes_before_a_batch_whoever_is_seated() {
        let mut queue = of("aaa");
        queue.push("b".into(), true, Instant::now(), 9);
        assert_eq!(drain(&mut queue, Some("a".into())), [9, 0, 1, 2]);
        let (by_arrival, made) = queue.loads();
        assert_eq!((by_arrival, made), (2, 2));
    }

    #[test]
    fn nobody_is_overtaken_more_often_than_the_bound_says() {
        for seed in 0..300 {
            let mut chance = Chance(seed);
            let mut queue: Queue<u64> = Queue::new();
            let mut found: Vec<u64> = Vec::new();
            let mut turns_at: Vec<u64> = Vec::new();
            let (mut turns, mut seated) = (0, None::<String>);
            let now = Instant::now();
            let mut served = 0;
            while served < 400 {
                // Mostly one hungry expert and people; now and then one of a batch for another expert.
                let many = chance.below(4);
                for _ in 0..many {
                    if found.len() == 400 || queue.waiting.len() == 50 {
                        break;
                    }
                    let expert = if chance.below(10) == 0 { chance.below(23) } else { 0 };
                    found.push(queue.waiting.len() as u64);
                    turns_at.push(turns);
                    let number = found.len() as u64 - 1;
                    queue.push(format!("e{expert}"), chance.below(3) > 0, now, number);
                }
                if let Next::Serve(place) = queue.next(seated.as_deref(), now, Duration::ZERO) {
                    let number = place.what as usize;
                    let waited = turns - turns_at[number];
                    let bound = found[number] + u64::from(OVERTAKEN);
                    assert!(waited <= bound, "seed {seed}: {waited} turns, and the bound is {bound}");
                    assert!(place.overtaken <= OVERTAKEN, "seed {seed}");
                    (turns, served) = (turns + 1, served + 1);
                    seated = Some(place.expert);
                }
            }
        }
    }

    #[test]
    fn the_bound_is_reached_by_one_who_is_always_passed() {
        let mut queue: Queue<u32> = Queue::new();
        queue.push("b".into(), false, Instant::now(), 0);
        let mut passed = 0;
        loop {
            queue.push("a".into(), true, Instant::now(), 1);
            match queue.next(Some("a"), Instant::now(), Duration::ZERO) {
                Next::Serve(place) if place.what == 1 => passed += 1,
                _ => break,
            }
        }
        assert_eq!(passed, OVERTAKEN);
    }

    #[test]
    fn a_swap_waits_for_a_crowd_and_never_for_one_alone() {
        let start = Instant::now();
        let at = |ms: u64| start + Duration::from_millis(ms);
        let mut alone: Queue<u32> = Queue::new();
        alone.free(at(0));
        alone.push("b".into(), true, at(5), 0);
        assert!(matches!(alone.next(Some("a"), at(5), WINDOW), Next::Serve(_)), "nobody else is there");

        // Three come 10 ms apart while a is busy; a is free at 40.
        let mut crowd: Queue<u32> = Queue::new();
        crowd.free(at(0));
        for ms in [1, 11, 21] {
            crowd.push("a".into(), true, at(ms), 0);
        }
        crowd.push("b".into(), true, at(31), 1);
        for _ in 0..3 {
            assert!(matches!(crowd.next(Some("a"), at(32), WINDOW), Next::Serve(place) if place.what == 0));
            crowd.free(at(40));
        }
        let Next::Gather(left) = crowd.next(Some("a"), at(40), WINDOW) else { panic!("b waits a moment") };
        assert_eq!(left, Duration::from_millis(25), "a quarter of the window");
        let Next::Gather(left) = crowd.next(Some("a"), at(64), WINDOW) else { panic!("b waits still") };
        assert_eq!(left, Duration::from_millis(1));
        crowd.push("a".into(), true, at(45), 2);
        assert!(matches!(crowd.next(Some("a"), at(45), WINDOW), Next::Serve(place) if place.what == 2));
        crowd.free(at(46));
        assert!(
            matches!(crowd.next(Some("a"), at(200), WINDOW), Next::Serve(_)),
            "it does not wait for ever"
        );

        // They come more seldom than the window is long: nobody is waited for.
        let mut slow: Queue<u32> = Queue::new();
        slow.push("a".into(), true, at(0), 0);
        slow.push("b".into(), true, at(150), 1);
        let _ = slow.next(Some("a"), at(150), WINDOW);
        slow.free(at(151));
        assert!(matches!(slow.next(Some("a"), at(151), WINDOW), Next::Serve(_)));
    }

    #[test]
    fn gathering_never_lasts_longer_than_the_window() {
        let start = Instant::now();
        let at = |ms: u64| start + Duration::from_millis(ms);
        let mut queue: Queue<u32> = Queue::new();
        queue.push("b".into(), false, at(0), 0);
        queue.free(at(1));
        let mut now = 1;
        // Somebody for c comes every 30 ms, never for a.
        while let Next::Gather(_) = queue.next(Some("a"), at(now), WINDOW) {
            now += 30;
            queue.push("c".into(), false, at(now), 1);
        }
        assert!(now <= 1 + 100 + 30, "{now} ms");
    }

    #[test]
    fn seven_of_ten_loads_of_arrival_order_are_saved_on_mixed_questions() {
        let mut chance = Chance(7);
        let mut queue: Queue<u32> = Queue::new();
        let now = Instant::now();
        let (mut seated, mut came) = (None::<String>, 0);
        loop {
            while came < 1000 && queue.waiting.len() < 50 {
                queue.push(format!("e{}", chance.below(23)), false, now, came);
                came += 1;
            }
            match queue.next(seated.as_deref(), now, Duration::ZERO) {
                Next::Serve(place) => seated = Some(place.expert),
                _ => break,
            }
        }
        let (by_arrival, made) = queue.loads();
        assert!(by_arrival > 900 && 10 * made <= 3 * by_arrival, "{made} of {by_arrival}");
    }
}
