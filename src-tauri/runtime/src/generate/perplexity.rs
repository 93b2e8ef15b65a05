//! Perplexity: e to the mean negative log-likelihood of a text's tokens.
//!
//! The definition is that of llama.cpp's perplexity tool: the text is cut into windows of `context` tokens that share
//! nothing, each begins with the start token where the model wants one (in place of its first token), and only tokens
//! of its second half are scored, so that each has half a window before it. What does not fill a window is left out.

use std::sync::atomic::AtomicBool;

use super::{Computing, RequestError, refused};
use crate::families::Want;
use crate::host::Perplexity;
use crate::tokenizer::Tokenizer;

pub(super) fn perplexity(
    computing: &mut Computing,
    tokenizer: &Tokenizer,
    text: &str,
    context: usize,
    stop: &AtomicBool,
    on_read: &mut (dyn FnMut(u32) + Send),
) -> Result<Perplexity, RequestError> {
    let mut tokens = tokenizer.encode(text, false);
    let start = tokenizer.start().filter(|_| tokenizer.adds_start());
    if let Some(start) = start {
        tokens.insert(0, start);
    }
    if context < 2 || tokens.len() < context {
        return Err(RequestError::Short { tokens: tokens.len(), context });
    }
    computing.accept(&tokens)?;
    let Computing { model, contexts, pool, .. } = computing;
    let read = &mut contexts[0];
    let vocabulary = model.shape().vocabulary;
    // Logits of a chunk are in memory at once: 16 MB of them at most.
    let size = model.chunk().min((4 << 20) / vocabulary).max(1);
    let first = context / 2;
    let (mut sum, mut count, mut done) = (0f64, 0u64, 0u32);
    pool.install(|| -> Result<(), RequestError> {
        for window in tokens.chunks_exact_mut(context) {
            if let Some(start) = start {
                window[0] = start;
            }
            read.truncate(0);
            read.expect(model, context);
            // The last token foretells nothing in its window.
            let mut at = 0;
            for chunk in window[..context - 1].chunks(size) {
                let end = at + chunk.len();
                let want = if end > first { Want::All } else { Want::None };
                let logits = read.read(model, chunk, want, stop).map_err(refused)?;
                let scored = at.max(first)..end.max(first);
                let rows = logits.chunks_exact(vocabulary).skip(scored.start - at);
                let next = &window[scored.start + 1..scored.end + 1];
                sum += rows.zip(next).map(|(row, &token)| surprise(row, token as usize)).sum::<f64>();
                count += scored.len() as u64;
                at = end;
                done += chunk.len() as u32;
                on_read(done);
            }
        }
        Ok(())
    })?;
    read.truncate(0);
    if !sum.is_finite() {
        return Err(RequestError::NotNumbers { tokens: tokens.len() });
    }
    let nll = sum / count as f64;
    let windows = (tokens.len() / context) as u32;
    Ok(Perplexity { perplexity: nll.exp(), nll, tokens: count, windows, context: context as u32 })
}

/// −ln of the probability of `token`.
fn surprise(logits: &[f32], token: usize) -> f64 {
    let top = f64::from(logits.iter().copied().fold(f32::NEG_INFINITY, f32::max));
    let sum: f64 = logits.iter().map(|&logit| (f64::from(logit) - top).exp()).sum();
    sum.ln() - (f64::from(logits[token]) - top)
}
