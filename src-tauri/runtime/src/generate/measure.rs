//! Measure: what a loaded expert reaches on this machine, for benchmarks.

use std::sync::atomic::AtomicBool;
use std::time::Instant;

use super::{Computing, RequestError, refused};
use crate::families::{Pass, Text, Want};
use crate::host::Measure;
use crate::pool;
use crate::tokenizer::Tokenizer;

/// Bytes of the buffer that is read: several times the caches of any processor today.
const BUFFER: usize = 512 << 20;
/// Bytes that a thread reads at a time.
const PIECE: usize = 4 << 20;
/// The best of so many readings counts: others use the memory, too.
const READINGS: usize = 4;

pub(super) fn measure(
    computing: &Computing,
    tokenizer: &Tokenizer,
    what: Measure,
    stop: &AtomicBool,
) -> Result<f64, RequestError> {
    computing.pool.install(|| match what {
        Measure::Decoding { texts, tokens } => decoding(computing, tokenizer, texts, tokens, stop),
        Measure::Reading => reading(),
    })
}

/// Tokens a second of all texts together, each going on by its likeliest token.
fn decoding(
    computing: &Computing,
    tokenizer: &Tokenizer,
    texts: u32,
    tokens: u32,
    stop: &AtomicBool,
) -> Result<f64, RequestError> {
    let model = &computing.model;
    let vocabulary = model.shape().vocabulary;
    let mut caches: Vec<_> = (0..texts).map(|_| model.cache()).collect();
    // Different texts: each begins with a token of its own.
    let mut newest: Vec<u32> = (0..texts).map(|text| text % vocabulary as u32).collect();
    let start = tokenizer.start().filter(|&start| (start as usize) < vocabulary);
    for cache in caches.iter_mut() {
        if let Some(start) = start {
            model.forward(&[start], cache, Want::None, stop).map_err(refused)?;
        }
    }
    let began = Instant::now();
    for _ in 0..tokens {
        let pairs = caches.iter_mut().zip(newest.chunks_exact(1));
        let mut pass: Vec<Text<'_>> =
            pairs.map(|(cache, tokens)| Text { tokens, cache, length: 0 }).collect();
        let logits = model.pass_together(&mut pass, Pass::new(Want::Last, stop)).map_err(refused)?;
        newest = logits.chunks_exact(vocabulary).map(likeliest).collect();
    }
    Ok(f64::from(texts) * f64::from(tokens) / began.elapsed().as_secs_f64())
}

fn likeliest(logits: &[f32]) -> u32 {
    let best = logits.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1));
    best.map_or(0, |(id, _)| id as u32)
}

/// Bytes a second that all threads together read from memory, in order.
fn reading() -> Result<f64, RequestError> {
    let mut buffer: Vec<u64> = Vec::new();
    let full = |_| RequestError::Memory(crate::cache::CacheFull { positions: 0, bytes: BUFFER as u64 });
    buffer.try_reserve_exact(BUFFER / 8).map_err(full)?;
    // Pages of zeros would all be one page.
    buffer.resize(BUFFER / 8, 1);
    let pieces: Vec<&[u64]> = buffer.chunks(PIECE / 8).collect();
    let read = || {
        let began = Instant::now();
        pool::spread(pieces.len(), &|piece| {
            let sum = pieces[piece].iter().fold(0u64, |sum, number| sum.wrapping_add(*number));
            std::hint::black_box(sum);
        });
        BUFFER as f64 / began.elapsed().as_secs_f64()
    };
    Ok((0..READINGS).map(|_| read()).fold(0.0, f64::max))
}
