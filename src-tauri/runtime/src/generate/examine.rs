//! Examine: what the experts of a mixture do with an example, and how much differs without some of them.

use std::sync::atomic::AtomicBool;

use sha2::{Digest, Sha256};

use super::{Expert, RequestError, refused};
use crate::blocks::{Cache, Observer};
use crate::families::{Model, Pass, Want};
use crate::host::{Compared, Examined, Example, Look, Overflow, Request};
use crate::profile::{Profiler, aimer};

/// An example as the model reads it.
struct Text {
    ids: Vec<u32>,
    /// Tokens before the answer.
    prompt: usize,
}

impl Expert {
    pub fn examine(
        &mut self,
        example: &Example,
        look: &Look,
        stop: &AtomicBool,
    ) -> Result<Examined, RequestError> {
        let text = self.text(example, stop)?;
        let computing = self.computing.as_mut().ok_or(RequestError::TokenizerOnly)?;
        computing.accept(&text.ids)?;
        let model = &computing.model;
        computing.pool.install(|| match look {
            Look::Profile => {
                let _exactly = computing.weights.exactly();
                profile(model, &text, stop)
            }
            Look::Compare { excluded } => compare(model, &text, excluded, stop).map(Examined::Compare),
            Look::Digest { excluded } => digest(model, &text, excluded, stop),
        })
    }

    /// AIMER of each layer with a mixture.
    pub fn weigh(&self, stop: &AtomicBool) -> Result<Vec<(usize, Vec<f64>)>, RequestError> {
        let computing = self.computing.as_ref().ok_or(RequestError::TokenizerOnly)?;
        let mixtures = computing.model.mixtures();
        let each = |(layer, mixture)| {
            if stop.load(std::sync::atomic::Ordering::Relaxed) {
                return Err(RequestError::Stopped);
            }
            Ok((layer, aimer(mixture, &mut crate::host::step)))
        };
        mixtures.map(each).collect()
    }

    fn text(&mut self, example: &Example, stop: &AtomicBool) -> Result<Text, RequestError> {
        let computing = self.computing.as_ref().ok_or(RequestError::TokenizerOnly)?;
        let most = computing.model.shape().context;
        let request = Request {
            prompt: example.prompt.clone(),
            overflow: Overflow::GoOn,
            ..Request::raw("", example.own_tokens)
        };
        let (mut ids, _) = computing.prompt(&request, &self.tokenizer)?;
        ids.truncate(most);
        let prompt = ids.len();
        let answer = match &example.answer {
            Some(answer) => self.tokenizer.encode(answer, false),
            None => self.generate(&request, stop, &mut |_| {}, &mut |_| {})?.ids,
        };
        ids.extend(answer);
        // What is longer than the model was made for would be judged by what it was never good at.
        ids.truncate(most);
        Ok(Text { prompt, ids })
    }
}

/// Computes a text in chunks from an empty cache; `each` gets the position of a chunk and its logits.
struct Reading<'a> {
    model: &'a Model,
    cache: Cache,
    length: usize,
    excluded: &'a [Vec<bool>],
}

impl<'a> Reading<'a> {
    fn new(model: &'a Model, text: &Text, excluded: &'a [Vec<bool>]) -> Reading<'a> {
        Reading { model, cache: model.cache(), length: text.ids.len(), excluded }
    }

    fn read<'b>(
        &mut self,
        tokens: &[u32],
        want: Want,
        observer: Option<&'b mut dyn Observer>,
        stop: &'b AtomicBool,
    ) -> Result<Vec<f32>, RequestError>
    where
        'a: 'b,
    {
        let pass = Pass { length: self.length, observer, excluded: self.excluded, ..Pass::new(want, stop) };
        self.model.pass(tokens, &mut self.cache, pass).map_err(refused)
    }
}

fn profile(model: &Model, text: &Text, stop: &AtomicBool) -> Result<Examined, RequestError> {
    let mut profiler = Profiler::new(model.mixtures().map(|(layer, mixture)| (layer, mixture.experts.len())));
    let mut reading = Reading::new(model, text, &[]);
    for chunk in text.ids.chunks(model.shape().chunk()) {
        reading.read(chunk, Want::None, Some(&mut profiler), stop)?;
    }
    let layers = profiler.layers();
    let sums = layers.iter().flat_map(|layer| &layer.experts);
    if sums.clone().any(|sums| !(sums.gate + sums.norm_squared + sums.easy_ep).is_finite()) {
        return Err(RequestError::NotNumbers { tokens: text.ids.len() });
    }
    Ok(Examined::Profile { tokens: text.ids.len() as u32, layers })
}

/// Tokens whose logits are in memory at once: 16 MB of them at most.
fn chunk(model: &Model) -> usize {
    let shape = model.shape();
    shape.chunk().min((4 << 20) / shape.vocabulary).max(1)
}

fn compare(
    model: &Model,
    text: &Text,
    excluded: &[Vec<bool>],
    stop: &AtomicBool,
) -> Result<Compared, RequestError> {
    let (mut all, mut less) = (Reading::new(model, text, &[]), Reading::new(model, text, excluded));
    let vocabulary = model.shape().vocabulary;
    let mut compared = Compared::default();
    // The token at `at` + 1 is foretold by the logits at `at`; the last foretells nothing.
    let (first, mut at) = (text.prompt.saturating_sub(1), 0);
    for chunk in text.ids[..text.ids.len() - 1].chunks(chunk(model)) {
        let end = at + chunk.len();
        let want = if end > first { Want::All } else { Want::None };
        let before = all.read(chunk, want, None, stop)?;
        let after = less.read(chunk, want, None, stop)?;
        let skipped = first.saturating_sub(at);
        let rows = before.chunks_exact(vocabulary).zip(after.chunks_exact(vocabulary));
        for (row, (before, after)) in rows.enumerate().skip(skipped) {
            compared.add(before, after, text.ids[at + row + 1] as usize);
        }
        at = end;
    }
    if compared.divergence.iter().chain(&compared.after).any(|value| !value.is_finite()) {
        return Err(RequestError::NotNumbers { tokens: text.ids.len() });
    }
    Ok(compared)
}

impl Compared {
    /// Logits of one position, and the token that came.
    fn add(&mut self, before: &[f32], after: &[f32], token: usize) {
        let (log_before, log_after) = (normaliser(before), normaliser(after));
        let divergence: f64 = before
            .iter()
            .zip(after)
            .map(|(&before, &after)| {
                let (before, after) = (f64::from(before) - log_before, f64::from(after) - log_after);
                // A token that is impossible adds nothing.
                if before == f64::NEG_INFINITY { 0.0 } else { before.exp() * (before - after) }
            })
            .sum();
        self.before.push(log_before - f64::from(before[token]));
        self.after.push(log_after - f64::from(after[token]));
        self.divergence.push(divergence.max(0.0));
        self.same.push(best(before) == best(after));
    }
}

/// ln Σ e^logit
fn normaliser(logits: &[f32]) -> f64 {
    let top = f64::from(logits.iter().copied().fold(f32::NEG_INFINITY, f32::max));
    top + logits.iter().map(|&logit| (f64::from(logit) - top).exp()).sum::<f64>().ln()
}

/// The first of the largest.
fn best(logits: &[f32]) -> usize {
    let mut best = 0;
    for (at, logit) in logits.iter().enumerate() {
        if *logit > logits[best] {
            best = at;
        }
    }
    best
}

fn digest(
    model: &Model,
    text: &Text,
    excluded: &[Vec<bool>],
    stop: &AtomicBool,
) -> Result<Examined, RequestError> {
    let mut reading = Reading::new(model, text, excluded);
    let mut sum = Sha256::new();
    for chunk in text.ids.chunks(chunk(model)) {
        for logit in reading.read(chunk, Want::All, None, stop)? {
            sum.update(logit.to_bits().to_le_bytes());
        }
    }
    Ok(Examined::Digest(format!("{:x}", sum.finalize())))
}
