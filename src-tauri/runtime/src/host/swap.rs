//! Swap: what it takes until another expert has said its first token, measured.
//!
//! In:     who leaves, how to start who comes, whether the file is in the page cache
//! Out:    who came, with times and bytes
//! Fails:  [`HostError`], as any start and request
//! Cost:   one end, one load, one token

use std::sync::atomic::AtomicBool;
use std::time::Instant;

use super::words::{Left, Request, Spawn};
use super::{Host, HostError, pages};

/// Where the file is before the load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PageCache {
    /// On the disk alone.
    Cold,
    /// In memory, as after a first load.
    Warm,
}

/// One swap.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Swap {
    /// From the word to leave until the process is gone and its memory measured free.
    pub leave_ms: f32,
    pub freed_bytes: u64,
    /// Share of the file that was in the page cache before the load, 0 to 1, as the system says; a cold start that was
    /// none shows here.
    pub cached: Option<f32>,
    /// From starting the process until it takes requests.
    pub ready_ms: f32,
    /// From starting the process until the first token.
    pub first_token_ms: f32,
    /// Resident memory of the process with the expert in it.
    pub memory_bytes: u64,
}

/// Lets `leaving` go, starts the other expert and has it generate the first token of `request`.
pub fn swap(
    leaving: Host,
    spawn: Spawn,
    request: &Request,
    cache: PageCache,
    stop: &AtomicBool,
) -> Result<(Host, Swap), HostError> {
    let Left { freed_bytes, elapsed_ms: leave_ms } = leaving.leave();
    // After the leave: what a process has mapped stays in the cache. Not part of the time of a swap.
    let prepared = match cache {
        PageCache::Cold => pages::drop_from_cache(&spawn.model),
        PageCache::Warm => pages::bring_into_cache(&spawn.model, &mut || true),
    };
    prepared.map_err(|why| HostError::Spawn { why: format!("{}: {why}", spawn.model.display()) })?;
    let cached = pages::share(&spawn.model);
    let began = Instant::now();
    let mut host = Host::start_unless(spawn, stop, &mut |_| {})?;
    let ready_ms = began.elapsed().as_secs_f32() * 1000.0;
    let one = Request { max_tokens: 1, ..request.clone() };
    let first_token_ms = ready_ms + host.generate(&one, stop, &mut |_| {})?.first_token_ms;
    let memory_bytes = host.memory();
    Ok((host, Swap { leave_ms, freed_bytes, cached, ready_ms, first_token_ms, memory_bytes }))
}
