//! A pool of 23 toy experts of 14B each by their manifests, mixed questions for them, and an eye on who is in memory.

use super::toy::Toy;
use super::toys::{self, Toys};
use serde_json::{Value, json};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

pub const NAMES: [&str; 23] = [
    "alpha", "bravo", "charlie", "delta", "echo", "foxtrot", "golf", "hotel", "india", "juliett", "kilo",
    "lima", "mike", "november", "oscar", "papa", "quebec", "romeo", "sierra", "tango", "uniform", "victor",
    "whiskey",
];
/// How often it is looked whether something has come about: a load takes twenty times as long.
pub const LOOK: Duration = Duration::from_millis(2);

/// 14 billion parameters each, by their manifests.
const DECLARED: u64 = 14_000_000_000;

/// The pool of 23, with small files behind it. The starters are retired: the 23 are among themselves.
pub fn pool_of_23(says: &[&str]) -> Toys {
    let experts: Vec<(&str, Toy)> =
        NAMES.iter().map(|name| (*name, Toy { says, ..Toy::default() })).collect();
    let toys = Toys::with(&experts);
    for name in NAMES {
        let path = toys.folder.path().join(format!("home/pool/{name}.json"));
        let mut manifest: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        manifest["implementations"][0]["parameters"] = json!(DECLARED);
        manifest["handles"] = json!({ "keywords": { name: 1.0 } });
        std::fs::write(&path, manifest.to_string()).unwrap();
    }
    let starters: Vec<String> = engine::pool::shipped().iter().map(|one| one.name.to_owned()).collect();
    toys.engine.pool().retire(&starters, &json!({})).unwrap();
    let parameters = toys.engine.pool().experts().into_iter().filter(|expert| expert.retired.is_none());
    let parameters: u64 = parameters.map(|expert| expert.implementation().unwrap().parameters).sum();
    assert_eq!(parameters, 322_000_000_000);
    toys
}

/// 100 questions, no two neighbours for the same expert by more than chance.
pub fn mixed() -> Vec<(usize, &'static str)> {
    (0..100).map(|at| (at, NAMES[(at * at * 7 + at * 37 / 5) % 23])).collect()
}

/// Looks at the system all the time while `work` is done: the most experts at once, and the most memory of one.
pub fn watched<T>(folder: &Path, work: impl FnOnce() -> T) -> (T, usize, u64) {
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let watcher = scope.spawn(|| {
            let (mut most, mut peak, mut looks) = (0, 0, 0);
            while !done.load(Ordering::Relaxed) {
                let hosts = toys::hosts_under(folder);
                most = most.max(hosts.len());
                peak = peak.max(hosts.iter().map(|host| host.resident_bytes).sum());
                looks += 1;
                std::thread::sleep(LOOK);
            }
            assert!(looks > 10, "the system was looked at {looks} times");
            (most, peak)
        });
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work));
        done.store(true, Ordering::Relaxed);
        let (most, peak) = watcher.join().unwrap();
        let result = result.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        (result, most, peak)
    })
}
