//! Sandbox: what an expert's process gives up before it reads its file. Every part that the system does not offer is
//! left out and not claimed.

#[cfg(target_os = "linux")]
mod linux;

use std::path::Path;

/// Private memory for a process that was given no limit: its file's size again, and this.
#[cfg(unix)]
const WITHOUT_LIMIT: u64 = 2 << 30;
/// No limit leaves less than this beside the mapped file: tokenizer, template and a short text have to fit.
#[cfg(unix)]
const AT_LEAST: u64 = 192 << 20;
/// What a thread's stack takes of a limit.
#[cfg(unix)]
const THREAD: u64 = 4 << 20;

/// Gives up what is not needed to serve the model at `model` (`size` bytes) on this many threads. Gives the parts that hold, one short
/// phrase each.
pub(super) fn enter(model: &Path, size: u64, threads: usize, memory_limit: Option<u64>) -> Vec<String> {
    let mut parts = Vec::new();
    #[cfg(unix)]
    limits(size, threads, memory_limit, &mut parts);
    #[cfg(target_os = "linux")]
    linux::enter(model, &mut parts);
    #[cfg(not(unix))]
    let _ = (size, threads, memory_limit);
    #[cfg(not(target_os = "linux"))]
    let _ = model;
    parts
}

#[cfg(unix)]
#[allow(unsafe_code)]
fn limits(size: u64, threads: usize, memory_limit: Option<u64>, parts: &mut Vec<String>) {
    // The mapped file is not in the data limit; what was given for both, less the file, is.
    let data = match memory_limit {
        Some(limit) => limit.saturating_sub(size).max(AT_LEAST + threads as u64 * THREAD),
        None => size.saturating_add(WITHOUT_LIMIT),
    };
    let set = |resource, value: u64| {
        let limit = libc::rlimit { rlim_cur: value as libc::rlim_t, rlim_max: value as libc::rlim_t };
        // SAFETY: `limit` is a valid rlimit for the duration of the call, which changes this process alone.
        unsafe { libc::setrlimit(resource, &limit) == 0 }
    };
    if set(libc::RLIMIT_CORE, 0) {
        parts.push("no core dumps".into());
    }
    if set(libc::RLIMIT_FSIZE, 0) {
        parts.push("no writing to files".into());
    }
    if set(libc::RLIMIT_DATA, data) && cfg!(target_os = "linux") {
        parts.push(format!("at most {} MiB of own memory", data >> 20));
    }
}
