//! Examine: what the experts of a mixture do with an example, and how much differs without some of them.

use std::sync::atomic::{AtomicBool, Ordering};

use sha2::{Digest, Sha256};

use super::{Computing, Expert, RequestError, refused};
use crate::blocks::{Cache, Network, Observer};
use crate::families::{Model, Pass, Want};
use crate::gguf::Dtype;
use crate::host::{Compared, Examined, Example, Look, Other, Overflow, Request};
use crate::kernels::round::SMALLER;
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
        let Computing { pool, model, weights, rounded, .. } = computing;
        pool.install(|| match look {
            Look::Profile => {
                let _exactly = weights.exactly();
                profile(model, &text, stop)
            }
            Look::Compare { others } => compare(model, rounded, &text, others, stop).map(Examined::Compare),
            Look::Surprise => surprise(model, &text, stop).map(Examined::Surprise),
            Look::Digest { excluded } => digest(model, &text, excluded, stop),
        })
    }

    /// Goes without these experts from now on. What was read with them is forgotten.
    pub fn leave_out(&mut self, mask: Vec<Vec<bool>>) -> Result<(), RequestError> {
        let computing = self.computing.as_mut().ok_or(RequestError::TokenizerOnly)?;
        let fingerprint = computing.fingerprint.without(&mask);
        computing.model.leave_out(mask).map_err(RequestError::Mask)?;
        computing.contexts.iter_mut().for_each(|context| context.truncate(0));
        computing.fingerprint = fingerprint;
        Ok(())
    }

    /// AIMER of each layer with a mixture.
    pub fn weigh(&self, stop: &AtomicBool) -> Result<Vec<(usize, Vec<f64>)>, RequestError> {
        let computing = self.computing.as_ref().ok_or(RequestError::TokenizerOnly)?;
        let mixtures = computing.model.mixtures();
        let each = |(layer, mixture)| {
            if stop.load(Ordering::Relaxed) {
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

/// A text that is computed in chunks from an empty cache.
struct Reading<'a> {
    cache: Cache,
    length: usize,
    excluded: &'a [Vec<bool>],
}

impl<'a> Reading<'a> {
    fn new(model: &Model, text: &Text, excluded: &'a [Vec<bool>]) -> Reading<'a> {
        Reading { cache: model.cache(), length: text.ids.len(), excluded }
    }

    fn read<'b>(
        &mut self,
        model: &Model,
        tokens: &[u32],
        want: Want,
        observer: Option<&'b mut dyn Observer>,
        stop: &'b AtomicBool,
    ) -> Result<Vec<f32>, RequestError>
    where
        'a: 'b,
    {
        let pass = Pass { length: self.length, observer, excluded: self.excluded, ..Pass::new(want, stop) };
        model.pass(tokens, &mut self.cache, pass).map_err(refused)
    }
}

fn profile(model: &Model, text: &Text, stop: &AtomicBool) -> Result<Examined, RequestError> {
    let mut profiler = Profiler::new(model.mixtures().map(|(layer, mixture)| (layer, mixture.experts.len())));
    let mut reading = Reading::new(model, text, &[]);
    for chunk in text.ids.chunks(model.shape().chunk()) {
        reading.read(model, chunk, Want::None, Some(&mut profiler), stop)?;
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

/// The experts of a model: layer, and its own.
pub(super) type Experts = Vec<(usize, Vec<Network>)>;

/// The experts of `model` in a storage type.
fn round(model: &Model, number: u32, stop: &AtomicBool) -> Result<Experts, RequestError> {
    let dtype = Dtype::from_number(number).filter(|dtype| SMALLER.contains(dtype));
    let dtype =
        dtype.ok_or_else(|| RequestError::Rounding(format!("no rounding to type {number} is known")))?;
    let mut all = Experts::new();
    for (layer, mixture) in model.mixtures() {
        let mut experts = Vec::new();
        for expert in &mixture.experts {
            if stop.load(Ordering::Relaxed) {
                return Err(RequestError::Stopped);
            }
            let rounded = expert.rounded(dtype).map_err(|error| RequestError::Rounding(error.to_string()));
            experts.push(rounded?);
            crate::host::step();
        }
        all.push((layer, experts));
    }
    Ok(all)
}

fn surprise(model: &Model, text: &Text, stop: &AtomicBool) -> Result<Vec<f64>, RequestError> {
    let vocabulary = model.shape().vocabulary;
    let mut reading = Reading::new(model, text, &[]);
    let mut found = Vec::new();
    // The token at `at` + 1 is foretold by the logits at `at`; the last foretells nothing.
    let (first, mut at) = (text.prompt.saturating_sub(1), 0);
    for chunk in text.ids[..text.ids.len().saturating_sub(1)].chunks(chunk(model)) {
        let end = at + chunk.len();
        let want = if end > first { Want::All } else { Want::None };
        let logits = reading.read(model, chunk, want, None, stop)?;
        for (row, logits) in logits.chunks_exact(vocabulary).enumerate().skip(first.saturating_sub(at)) {
            found.push(normaliser(logits) - f64::from(logits[text.ids[at + row + 1] as usize]));
        }
        at = end;
    }
    if found.iter().any(|value| !value.is_finite()) {
        return Err(RequestError::NotNumbers { tokens: text.ids.len() });
    }
    Ok(found)
}

fn compare(
    model: &mut Model,
    rounded: &mut Vec<(u32, Experts)>,
    text: &Text,
    others: &[Other],
    stop: &AtomicBool,
) -> Result<Vec<Compared>, RequestError> {
    for other in others {
        if let Other::Rounded(number) = other
            && rounded.iter().all(|(known, _)| known != number)
        {
            rounded.push((*number, round(model, *number, stop)?));
        }
    }
    let vocabulary = model.shape().vocabulary;
    let mut whole = Reading::new(model, text, &[]);
    let mut each: Vec<(Reading<'_>, Compared)> = others
        .iter()
        .map(|other| match other {
            Other::Without(excluded) => (Reading::new(model, text, excluded), Compared::default()),
            Other::Rounded(_) => (Reading::new(model, text, &[]), Compared::default()),
        })
        .collect();
    // The token at `at` + 1 is foretold by the logits at `at`; the last foretells nothing.
    let (first, mut at) = (text.prompt.saturating_sub(1), 0);
    for chunk in text.ids[..text.ids.len() - 1].chunks(chunk(model)) {
        let end = at + chunk.len();
        let want = if end > first { Want::All } else { Want::None };
        let before = whole.read(model, chunk, want, None, stop)?;
        let skipped = first.saturating_sub(at);
        for (other, (reading, compared)) in others.iter().zip(&mut each) {
            let experts = match other {
                Other::Without(_) => None,
                Other::Rounded(number) => rounded.iter_mut().find(|(known, _)| known == number),
            };
            let after = match experts {
                None => reading.read(model, chunk, want, None, stop),
                Some((_, experts)) => {
                    model.exchange(experts);
                    let after = reading.read(model, chunk, want, None, stop);
                    model.exchange(experts);
                    after
                }
            }?;
            let rows = before.chunks_exact(vocabulary).zip(after.chunks_exact(vocabulary));
            for (row, (before, after)) in rows.enumerate().skip(skipped) {
                compared.add(before, after, text.ids[at + row + 1] as usize);
            }
        }
        at = end;
    }
    let all: Vec<Compared> = each.into_iter().map(|(_, compared)| compared).collect();
    let numbers = all.iter().flat_map(|compared| compared.divergence.iter().chain(&compared.after));
    if numbers.clone().any(|value| !value.is_finite()) {
        return Err(RequestError::NotNumbers { tokens: text.ids.len() });
    }
    Ok(all)
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
        for logit in reading.read(model, chunk, Want::All, None, stop)? {
            sum.update(logit.to_bits().to_le_bytes());
        }
    }
    Ok(Examined::Digest(format!("{:x}", sum.finalize())))
}
