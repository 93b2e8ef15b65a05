//! Pool: a few threads that share one piece of work at a time, taken in small jobs from one counter.
//!
//! In:     a number of jobs and what to do for each
//! Out:    all of them done
//! Cost:   about 1 µs while the threads are awake; they fall asleep 50 µs after the last work
//!
//! The caller works as well and never waits for a thread that has not begun: when another process takes a core, its
//! share goes to the others. Whoever waits looks for 50 µs at most and then sleeps until it is woken.
#![allow(unsafe_code)]

use std::cell::RefCell;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{JoinHandle, Thread};
use std::time::{Duration, Instant};

/// How long a thread looks for what it waits for before it sleeps: longer than what lies between two products of a pass,
/// much shorter than a pass.
const AWAKE: Duration = Duration::from_micros(50);

thread_local! {
    static CURRENT: RefCell<Option<Arc<Shared>>> = const { RefCell::new(None) };
}

/// Threads; they end when it is dropped.
pub struct Pool {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

struct Shared {
    /// Even: no work. Odd: work is there, and every number means another one.
    turn: AtomicU64,
    /// Threads of the pool that look at `work`.
    inside: AtomicUsize,
    work: std::cell::UnsafeCell<Option<Work>>,
    /// The next job.
    next: AtomicUsize,
    panicked: AtomicBool,
    ends: AtomicBool,
    /// Who sleeps until nobody is inside.
    closer: Mutex<Option<Thread>>,
    sleepers: Vec<AtomicBool>,
    names: std::sync::OnceLock<Vec<Thread>>,
}

#[derive(Clone, Copy)]
struct Work {
    jobs: usize,
    each: *const (dyn Fn(usize) + Sync),
}

// SAFETY: `work` is written by `spread` alone, while `turn` is even and nobody is inside, and read by threads that are
// inside while it is odd; all else is atomic.
unsafe impl Sync for Shared {}
// SAFETY: the pointer in it is used only as `spread` says.
unsafe impl Send for Shared {}

impl Pool {
    /// Threads that compute, the caller included.
    pub fn new(threads: usize) -> std::io::Result<Pool> {
        let others = threads.max(1) - 1;
        crate::cores::somebody_waits();
        let shared = Arc::new(Shared {
            turn: AtomicU64::new(0),
            inside: AtomicUsize::new(0),
            work: std::cell::UnsafeCell::new(None),
            next: AtomicUsize::new(0),
            panicked: AtomicBool::new(false),
            ends: AtomicBool::new(false),
            closer: Mutex::new(None),
            sleepers: (0..others).map(|_| AtomicBool::new(false)).collect(),
            names: std::sync::OnceLock::new(),
        });
        let mut pool = Pool { shared: Arc::clone(&shared), threads: Vec::new() };
        for number in 0..others {
            let shared = Arc::clone(&shared);
            let name = format!("expert-{}", number + 1);
            let thread = std::thread::Builder::new().name(name).spawn(move || shared.serve(number))?;
            pool.threads.push(thread);
        }
        let _ = shared.names.set(pool.threads.iter().map(|thread| thread.thread().clone()).collect());
        Ok(pool)
    }

    /// Does `work` on this thread; what it gives to [`spread`] is done by all threads of the pool.
    pub fn install<T>(&self, work: impl FnOnce() -> T) -> T {
        struct Back(Option<Arc<Shared>>);
        impl Drop for Back {
            fn drop(&mut self) {
                CURRENT.set(self.0.take());
            }
        }
        let _back = Back(CURRENT.replace(Some(Arc::clone(&self.shared))));
        work()
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.shared.ends.store(true, SeqCst);
        for thread in self.threads.drain(..) {
            thread.thread().unpark();
            let _ = thread.join();
        }
    }
}

/// Threads that share the work of this one.
pub fn width() -> usize {
    CURRENT.with_borrow(|current| current.as_ref().map_or(1, |shared| shared.sleepers.len() + 1))
}

/// Does `each` for every number below `jobs`, in any order and on all threads of the installed pool.
pub fn spread(jobs: usize, each: &(dyn Fn(usize) + Sync)) {
    let shared = CURRENT.with_borrow(Clone::clone);
    match shared {
        Some(shared) if jobs > 1 && !shared.sleepers.is_empty() => shared.spread(jobs, each),
        _ => (0..jobs).for_each(each),
    }
}

impl Shared {
    fn spread(&self, jobs: usize, each: &(dyn Fn(usize) + Sync)) {
        /// Waits until nobody uses the work any more, also when a job on this thread panics.
        struct Closing<'a>(&'a Shared);
        impl Drop for Closing<'_> {
            fn drop(&mut self) {
                self.0.turn.fetch_add(1, SeqCst);
                self.0.wait_until_empty();
            }
        }
        if self.turn.load(SeqCst) % 2 == 1 {
            // A job that spreads work itself.
            return (0..jobs).for_each(each);
        }
        // SAFETY: the lifetime is only hidden; `Closing` waits for everybody who uses it before this function ends.
        let each: *const (dyn Fn(usize) + Sync) = unsafe {
            std::mem::transmute::<*const (dyn Fn(usize) + Sync + '_), *const (dyn Fn(usize) + Sync + 'static)>(
                each,
            )
        };
        self.next.store(0, SeqCst);
        // SAFETY: `turn` is even and the last `Closing` has seen nobody inside.
        unsafe { *self.work.get() = Some(Work { jobs, each }) };
        self.turn.fetch_add(1, SeqCst);
        let closing = Closing(self);
        for (asleep, thread) in self.sleepers.iter().zip(self.names.get().into_iter().flatten()) {
            if asleep.load(SeqCst) {
                thread.unpark();
            }
        }
        self.take(Work { jobs, each });
        drop(closing);
        assert!(!self.panicked.swap(false, SeqCst), "a job panicked on another thread");
    }

    /// Waits until no thread of the pool is inside. One may have lost its core in the middle of a job.
    fn wait_until_empty(&self) {
        let since = Instant::now();
        let mut looks = 0u32;
        while self.inside.load(SeqCst) != 0 {
            looks += 1;
            if !looks.is_multiple_of(64) || since.elapsed() < AWAKE {
                std::hint::spin_loop();
                continue;
            }
            *self.closer() = Some(std::thread::current());
            // Who left before the line above did not wake this thread.
            if self.inside.load(SeqCst) != 0 {
                std::thread::park();
            }
            *self.closer() = None;
        }
    }

    fn leave(&self) {
        if self.inside.fetch_sub(1, SeqCst) == 1
            && self.turn.load(SeqCst).is_multiple_of(2)
            && let Some(thread) = &*self.closer()
        {
            thread.unpark();
        }
    }

    fn closer(&self) -> std::sync::MutexGuard<'_, Option<Thread>> {
        self.closer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self, work: Work) {
        loop {
            let job = self.next.fetch_add(1, SeqCst);
            if job >= work.jobs {
                return;
            }
            // SAFETY: `spread` keeps what it points at until everybody has left.
            unsafe { (*work.each)(job) };
        }
    }

    /// What a thread of the pool does.
    fn serve(&self, number: usize) {
        crate::cores::somebody_waits();
        let mut done = 0;
        let mut since = Instant::now();
        let mut looks = 0u32;
        while !self.ends.load(SeqCst) {
            let turn = self.turn.load(SeqCst);
            if turn % 2 == 1 && turn != done {
                self.inside.fetch_add(1, SeqCst);
                // Between the two looks the work may have been closed; as long as it is not, it waits for this thread.
                if self.turn.load(SeqCst) == turn {
                    // SAFETY: the work is open and this thread inside.
                    let work = unsafe { *self.work.get() };
                    let jobs =
                        std::panic::AssertUnwindSafe(|| work.into_iter().for_each(|work| self.take(work)));
                    if std::panic::catch_unwind(jobs).is_err() {
                        self.panicked.store(true, SeqCst);
                    }
                }
                self.leave();
                (done, since) = (turn, Instant::now());
                continue;
            }
            looks += 1;
            if !looks.is_multiple_of(64) || since.elapsed() < AWAKE {
                std::hint::spin_loop();
                continue;
            }
            self.sleepers[number].store(true, SeqCst);
            // Work that came before the line above did not wake this thread.
            if self.turn.load(SeqCst) == turn && !self.ends.load(SeqCst) {
                std::thread::park();
            }
            self.sleepers[number].store(false, SeqCst);
            since = Instant::now();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_os = "linux")]
    use std::path::Path;

    #[test]
    fn every_job_is_done_once_also_when_jobs_spread_work_themselves() {
        let pool = Pool::new(3).expect("three threads");
        pool.install(|| {
            assert_eq!(width(), 3);
            for round in 0..2_000 {
                let counts: Vec<AtomicUsize> = (0..round % 50).map(|_| AtomicUsize::new(0)).collect();
                let inner = AtomicUsize::new(0);
                spread(counts.len(), &|job| {
                    counts[job].fetch_add(1, SeqCst);
                    spread(2, &|_| {
                        inner.fetch_add(1, SeqCst);
                    });
                });
                assert!(counts.iter().all(|count| count.load(SeqCst) == 1), "round {round}");
                assert_eq!(inner.load(SeqCst), 2 * counts.len());
            }
        });
        assert_eq!(width(), 1, "the pool is installed for the work alone");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn who_waits_for_a_long_job_sleeps() {
        let pool = Pool::new(2).expect("two threads");
        // "PID/task/TID"
        let me = std::fs::read_link("/proc/thread-self").expect("Linux has it");
        let (here, begun) = (std::thread::current().id(), AtomicBool::new(false));
        pool.install(|| {
            spread(2, &|_| {
                if std::thread::current().id() == here {
                    while !begun.load(SeqCst) {
                        std::thread::yield_now();
                    }
                    return;
                }
                begun.store(true, SeqCst);
                let since = Instant::now();
                let sleeps =
                    |stat: String| stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('S'));
                let stat = Path::new("/proc").join(&me).join("stat");
                while !std::fs::read_to_string(&stat).is_ok_and(sleeps) {
                    assert!(since.elapsed() < Duration::from_secs(20), "it still looks");
                    std::thread::yield_now();
                }
            });
        });
    }

    #[test]
    fn a_panic_in_a_job_comes_back_and_the_pool_goes_on() {
        let pool = Pool::new(2).expect("two threads");
        let spoilt = std::panic::AssertUnwindSafe(|| {
            pool.install(|| spread(64, &|job| assert!(job != 40, "job 40")));
        });
        assert!(std::panic::catch_unwind(spoilt).is_err());
        let count = AtomicUsize::new(0);
        pool.install(|| {
            spread(64, &|_| {
                count.fetch_add(1, SeqCst);
            });
        });
        assert_eq!(count.into_inner(), 64);
    }
}
