//! Swap: what it takes to bring an expert to the seat and to clear it again, measured.
//!
//! In:     how to start the expert, whether its file is in the page cache
//! Out:    times and bytes of one coming and going
//! Fails:  [`HostError`], as any start and request
//! Cost:   one load, one token, one end

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
    /// Share of the file that was in the page cache before the load, 0 to 1, as the system says; a cold start that was
    /// none shows here.
    pub cached: Option<f32>,
    /// From starting the process until it takes requests.
    pub ready_ms: f32,
    /// From starting the process until the first token.
    pub first_token_ms: f32,
    /// Resident memory of the process with the expert in it.
    pub memory_bytes: u64,
    /// From the word to leave until the process is gone and its memory measured free.
    pub leave_ms: f32,
    pub freed_bytes: u64,
}

/// Starts the expert, has it generate the first token of `request`, and lets it go.
pub fn swap(spawn: Spawn, request: &Request, cache: PageCache) -> Result<Swap, HostError> {
    let prepared = match cache {
        PageCache::Cold => pages::drop_from_cache(&spawn.model),
        PageCache::Warm => pages::bring_into_cache(&spawn.model),
    };
    prepared.map_err(|why| HostError::Spawn { why: format!("{}: {why}", spawn.model.display()) })?;
    let cached = pages::share(&spawn.model);
    let began = Instant::now();
    let mut host = Host::start(spawn, &mut |_| {})?;
    let ready = began.elapsed();
    let one = Request { max_tokens: 1, ..request.clone() };
    let first = host.generate(&one, &AtomicBool::new(false), &mut |_| {})?;
    let memory_bytes = host.memory();
    let Left { freed_bytes, elapsed_ms: leave_ms } = host.leave();
    let ready_ms = ready.as_secs_f32() * 1000.0;
    let first_token_ms = ready_ms + first.first_token_ms;
    Ok(Swap { cached, ready_ms, first_token_ms, memory_bytes, leave_ms, freed_bytes })
}
