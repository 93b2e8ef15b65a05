//! The governor: what an expert will take is known, and refused when it does not fit, before anything is loaded.

use super::SeatError;
use runtime::generate::SLOTS;
use std::path::Path;
use sysinfo::{MemoryRefreshKind, RefreshKind, System};

/// The part of the physical memory that one expert may take when the user sets no budget.
const SHARE: f64 = 0.6;

/// Where the system does not tell its memory: what nearly every machine that runs a desktop can spare.
const UNTOLD: u64 = 2_000_000_000;

/// 60 % of the memory of this machine, or of the container that we are in.
pub fn default_budget() -> u64 {
    let Some(system) = measured() else { return UNTOLD };
    let limit = system.cgroup_limits().map_or(u64::MAX, |limits| limits.total_memory);
    (system.total_memory().min(limit) as f64 * SHARE) as u64
}

/// Memory that the model in `file` takes when loaded: weights, key and value cache, scratch; from its header alone.
pub fn memory_needed(title: &str, file: &Path) -> Result<u64, SeatError> {
    let facts = runtime::inspect::inspect(file)
        .map_err(|error| SeatError::Unsupported { title: title.into(), why: error.to_string() })?;
    if !facts.supported {
        let why = facts.why_not.unwrap_or_else(|| format!("its architecture is {}", facts.architecture));
        return Err(SeatError::Unsupported { title: title.into(), why });
    }
    Ok(facts.memory_needed_bytes)
}

/// Fits the budget, and the memory that is free now plus what the expert before it gives back.
pub(super) fn allow(title: &str, needed: u64, budget: u64, given_back: u64) -> Result<(), SeatError> {
    if needed > budget {
        return Err(SeatError::TooLarge { title: title.into(), needed, budget });
    }
    let free = free_memory().saturating_add(given_back);
    if needed > free {
        return Err(SeatError::NoMemory { title: title.into(), needed, free });
    }
    Ok(())
}

/// Texts that a loaded expert can go on with at the same time: the one that `needed` counts, and those whose caches of
/// `cache` bytes fit the budget and what is free beside it.
pub(super) fn texts(needed: u64, cache: u64, budget: u64) -> usize {
    let room = budget.saturating_sub(needed).min(free_memory());
    1 + (room / cache.max(1)).min(SLOTS as u64 - 1) as usize
}

/// What the system could give now; without limit where it does not tell.
pub(super) fn free_memory() -> u64 {
    let Some(system) = measured() else { return u64::MAX };
    let limit = system.cgroup_limits().map_or(u64::MAX, |limits| limits.free_memory);
    system.available_memory().min(limit)
}

fn measured() -> Option<System> {
    System::new_with_specifics(RefreshKind::nothing().with_memory(MemoryRefreshKind::everything())).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_budget_is_a_share_of_what_there_is() {
        let total = measured().expect("this system tells").total_memory();
        let budget = default_budget();
        assert!(budget > 0 && budget <= (total as f64 * SHARE) as u64, "{budget} of {total}");
    }

    #[test]
    fn as_many_texts_go_on_as_their_caches_fit() {
        assert_eq!(texts(1_000, 100, 1_000), 1, "nothing is left");
        assert_eq!(texts(1_000, 100, 1_350), 4);
        assert_eq!(texts(1_000, 100, 900), 1, "whoever is seated answers");
        assert_eq!(texts(0, 0, 1_000_000), SLOTS);
    }

    #[test]
    fn what_exceeds_the_budget_is_refused_with_both_numbers() {
        let error = allow("Big", 3_000_000_000, 2_000_000_000, 0).expect_err("3 GB do not fit 2 GB");
        assert_eq!(error.to_string(), "Big needs 3.0 GB of memory, and the budget is 2.0 GB");
    }

    #[test]
    fn what_exceeds_the_machine_is_refused_even_inside_the_budget() {
        let error = allow("Huge", u64::MAX, u64::MAX, 0).expect_err("no machine has that");
        assert!(matches!(error, SeatError::NoMemory { .. }), "{error}");
        allow("Huge", u64::MAX, u64::MAX, u64::MAX).expect("the one before gives it all back");
    }
}
