//! Sandbox: what an expert's process gives up before it reads its file. Every part that the system does not offer is
//! left out and not claimed.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "macos")]
mod macos;
#[cfg(windows)]
mod windows;

use std::path::Path;

#[cfg(windows)]
pub(super) use windows::Job;

/// Private memory for a process that was given no limit: its file's size again, and this.
const WITHOUT_LIMIT: u64 = 2 << 30;
/// No limit leaves less than this beside the mapped file: tokenizer, template and a short text have to fit.
const AT_LEAST: u64 = 192 << 20;
/// What a thread's stack takes of a limit.
const THREAD: u64 = 4 << 20;

/// Memory of its own that a process may take. `memory_limit` is for that and the mapped file (`size` bytes) together;
/// systems hold a process to the first.
pub(super) fn own_bytes(size: u64, threads: usize, memory_limit: Option<u64>) -> u64 {
    match memory_limit {
        Some(limit) => limit.saturating_sub(size).max(AT_LEAST + threads as u64 * THREAD),
        None => size.saturating_add(WITHOUT_LIMIT),
    }
}

/// Gives up what is not needed to serve the model at `model` (`size` bytes) on this many threads. Files that are open can
/// be written up to `writes` bytes. `driver`: that of a graphics processor is in this process, and keeps what it needs.
/// Gives the parts that hold, one short phrase each.
pub(super) fn enter(
    model: &Path,
    size: u64,
    threads: usize,
    memory_limit: Option<u64>,
    writes: u64,
    driver: bool,
) -> Vec<String> {
    let mut parts = Vec::new();
    let own_bytes = own_bytes(size, threads, memory_limit);
    #[cfg(unix)]
    limits(own_bytes, writes, driver, &mut parts);
    #[cfg(target_os = "linux")]
    linux::enter(model, driver, &mut parts);
    #[cfg(target_os = "macos")]
    macos::enter(model, driver, &mut parts);
    #[cfg(windows)]
    windows::enter(own_bytes, driver, &mut parts);
    // Not every system uses both.
    let _ = (model, own_bytes, writes, driver);
    parts
}

#[cfg(unix)]
#[allow(unsafe_code)]
fn limits(own_bytes: u64, writes: u64, driver: bool, parts: &mut Vec<String>) {
    let set = |resource, value: u64| {
        let limit = libc::rlimit { rlim_cur: value as libc::rlim_t, rlim_max: value as libc::rlim_t };
        // SAFETY: `limit` is a valid rlimit for the duration of the call, which changes this process alone.
        unsafe { libc::setrlimit(resource, &limit) == 0 }
    };
    if set(libc::RLIMIT_CORE, 0) {
        parts.push("no core dumps".into());
    }
    if set(libc::RLIMIT_FSIZE, writes) && writes == 0 {
        parts.push("no writing to files".into());
    }
    // A driver reserves far more than it uses.
    if !driver && set(libc::RLIMIT_DATA, own_bytes) && cfg!(target_os = "linux") {
        parts.push(format!("at most {} MiB of own memory", own_bytes >> 20));
    }
}
