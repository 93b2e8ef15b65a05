//! One training run from its recipe to its weights.

use super::batches::{Batches, batch_of, encode};
use super::checkpoint::{self, Progress};
use super::model::{Model, Shape, Weight};
use super::ops;
use super::optimizer::Optimizer;
use super::pass::Pass;
use crate::LabError;
use crate::data::{Corpus, Split};
use crate::tokenizer::Tokenizer;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Everything that decides what comes out.
pub struct Recipe {
    pub name: &'static str,
    /// Corpora with their shares of the examples.
    pub corpora: Vec<(Box<dyn Corpus>, f32)>,
    /// From whose weights, at which step, and with whose tokenizer this one starts, if any; a mixture's experts start
    /// as copies.
    pub parent: Option<(&'static str, u64)>,
    /// The steps at which weights are kept for children; multiples of [`CHECKPOINT_EVERY`].
    pub kept: &'static [u64],
    /// Where it has no parent.
    pub tokenizer: TokenizerFrom,
    /// `vocabulary` is the most tokens wanted; the tokenizer may come out smaller.
    pub shape: Shape,
    /// Steps of each cycle of the learning rate.
    pub cycles: &'static [u64],
    pub batch_tokens: usize,
    pub learning_rate: f32,
    pub seed: u64,
}

/// How far the noise moves the copies of a dense model's feed-forward block apart, in standard deviations of it.
const UPCYCLING_NOISE: f32 = 0.1;

/// Where a tokenizer comes from.
pub enum TokenizerFrom {
    /// It learns its merges from texts of these.
    Texts(Vec<Box<dyn Corpus>>),
    /// It was learned before: its JSON.
    Json(&'static str),
}

pub struct Trained {
    pub model: Model,
    pub tokenizer: Tokenizer,
    pub tokens: u64,
    pub seconds: f64,
}

/// Share of examples of which every token is the most likely one: what greedy decoding writes exactly.
#[derive(Clone, Copy, Debug, Default)]
pub struct Exactness {
    pub right: usize,
    pub n: usize,
}

const WARM_UP: u64 = 100;
/// The learning rate of a cycle is constant until this share of its steps, then falls to zero in a straight line; the
/// next cycle begins at half of the rate.
const DECAY_FROM: f32 = 0.4;
pub const CHECKPOINT_EVERY: u64 = 250;
const LOOK_EVERY: u64 = 750;
/// Weight of the load-balance loss.
const BALANCE: f32 = 0.01;
/// Texts from which the tokenizer learns its merges.
const TOKENIZER_TEXTS: usize = 20_000;
const TOKENIZER: &str = "tokenizer.json";
const CHECKPOINT: &str = "checkpoint.safetensors";

/// Trains, or goes on where a checkpoint in `work/NAME` stands, up to step `until` or the recipe's last. `say` gets one
/// line at a time.
pub fn train(
    recipe: &Recipe,
    work: &Path,
    until: Option<u64>,
    say: &mut dyn FnMut(String),
) -> Result<Trained, LabError> {
    let last = until.unwrap_or(u64::MAX).min(recipe.cycles.iter().sum());
    let folder = &work.join(recipe.name);
    std::fs::create_dir_all(folder).map_err(|e| LabError::File(folder.into(), e))?;
    let parent = recipe.parent.map(|(name, step)| (work.join(name), step));
    let tokenizer = match &parent {
        Some((parent, _)) => read_tokenizer(&parent.join(TOKENIZER))?,
        None => tokenizer(recipe, folder)?,
    };
    let shape = Shape { vocabulary: tokenizer.vocabulary(), ..recipe.shape.clone() };
    let mut model = Model::new(shape.clone(), &mut ChaCha8Rng::seed_from_u64(recipe.seed));
    let mut optimizer = Optimizer::new(&model);
    let (mut pass, mut gradient) = (Pass::default(), model.gradient());
    let mut batches =
        Batches::new(&recipe.corpora, &tokenizer, recipe.seed, shape.context, recipe.batch_tokens);
    let path = folder.join(CHECKPOINT);
    let name = recipe.name.to_string();
    let mut done = Progress {
        recipe: name,
        seed: recipe.seed,
        shape,
        step: 0,
        chunk: 0,
        next: 0,
        tokens: 0,
        seconds: 0.0,
    };
    if path.exists() {
        done = checkpoint::load(&path, &mut model, &mut optimizer, &done)?;
        batches.seek((done.chunk, done.next))?;
        say(format!("{}: goes on at step {}", recipe.name, done.step));
    } else if let Some((parent, step)) = parent {
        inherit(&mut model, &checkpoint::weights(&kept(&parent, step))?)?;
    }
    say(format!("{}: {} parameters, vocabulary {}", recipe.name, model.parameters(), tokenizer.vocabulary()));
    let (mut mean, mut since, mut tokens_since) = (0f32, Instant::now(), 0u64);
    while done.step < last {
        let batch = batches.next_batch()?;
        let tokens = batch.inputs.len() as u64;
        let shown = pass.learn(&model, &batch, BALANCE, &mut gradient);
        let length = optimizer.update(&mut model, &gradient, rate(recipe, done.step));
        if !(shown.is_finite() && length.is_finite()) {
            return Err(LabError::Diverged { step: done.step, loss: shown });
        }
        done.step += 1;
        done.tokens += tokens;
        tokens_since += tokens;
        mean = if mean == 0.0 { shown } else { 0.98 * mean + 0.02 * shown };
        if done.step.is_multiple_of(CHECKPOINT_EVERY) || done.step == last {
            let seconds = since.elapsed().as_secs_f64();
            done.seconds += seconds;
            let speed = tokens_since as f64 / seconds;
            say(format!("{}: step {} loss {mean:.4} {speed:.0} tokens/s", recipe.name, done.step));
            (done.chunk, done.next) = batches.cursor();
            checkpoint::save(&path, &model, &optimizer, &done)?;
            if recipe.kept.contains(&done.step) {
                let copy = kept(folder, done.step);
                std::fs::copy(&path, &copy).map_err(|e| LabError::File(copy, e))?;
            }
            if done.step.is_multiple_of(LOOK_EVERY) || done.step == last {
                let exact = exactness(&model, &tokenizer, &recipe.corpora, 200, 1, &mut |_, _, _| ())?;
                say(format!("{}: exact on held-out wordings {}", recipe.name, line(&exact)));
            }
            (since, tokens_since) = (Instant::now(), 0);
        }
    }
    Ok(Trained { tokens: done.tokens, seconds: done.seconds, model, tokenizer })
}

/// Where the weights of a step are kept for children.
pub fn kept(folder: &Path, step: u64) -> PathBuf {
    folder.join(format!("step-{step}.safetensors"))
}

fn rate(recipe: &Recipe, mut step: u64) -> f32 {
    let (mut cycle, mut peak) = (1, recipe.learning_rate);
    for length in recipe.cycles {
        cycle = *length;
        if step < cycle {
            break;
        }
        step -= cycle;
        peak /= 2.0;
    }
    let warm = ((step + 1) as f32 / WARM_UP as f32).min(1.0);
    let done = step as f32 / cycle as f32;
    let decay = ((1.0 - done) / (1.0 - DECAY_FROM)).min(1.0);
    peak * warm * decay
}

/// The tokenizer of a run is learned once and kept beside its checkpoints.
fn tokenizer(recipe: &Recipe, folder: &Path) -> Result<Tokenizer, LabError> {
    let path = folder.join(TOKENIZER);
    if path.exists() {
        return read_tokenizer(&path);
    }
    let tokenizer = match &recipe.tokenizer {
        TokenizerFrom::Json(json) => Tokenizer::from_json(json)?,
        TokenizerFrom::Texts(corpora) => {
            let mut rng = ChaCha8Rng::seed_from_u64(recipe.seed);
            let mut texts = Vec::new();
            for corpus in corpora {
                for _ in 0..TOKENIZER_TEXTS / corpora.len() {
                    let example = corpus.sample(&mut rng, Split::Train);
                    texts.extend([example.question, example.answer]);
                }
            }
            Tokenizer::train(texts, recipe.shape.vocabulary)?
        }
    };
    std::fs::write(&path, tokenizer.to_json()?).map_err(|e| LabError::File(path.clone(), e))?;
    Ok(tokenizer)
}

fn read_tokenizer(path: &Path) -> Result<Tokenizer, LabError> {
    Tokenizer::from_json(&std::fs::read_to_string(path).map_err(|e| LabError::File(path.into(), e))?)
}

/// Starts from a trained model's weights. Where that one is dense and this one is a mixture, every expert starts as the
/// dense block with a little noise, and the router stays as it was drawn. Source: sparse upcycling, arXiv:2212.05055.
fn inherit(model: &mut Model, parent: &HashMap<String, Weight>) -> Result<(), LabError> {
    let mixture = model.shape.experts > 0;
    for weight in &mut model.weights {
        let name = &weight.name;
        if name.ends_with("router") {
            continue;
        }
        let (part, expert) = name.rsplit_once('.').unwrap_or((name, ""));
        let copied = mixture && expert.parse::<usize>().is_ok();
        let source = if copied { format!("{part}.0") } else { name.clone() };
        let missing = || LabError::NoRecipe(format!("a parent with {source} of the same shape"));
        let source = parent.get(&source).filter(|source| source.shape == weight.shape).ok_or_else(missing)?;
        if copied {
            // `weight` still holds its own random start: it is the noise.
            let deviation = |data: &[f32]| (ops::square_sum(data) / data.len() as f32).sqrt();
            let scale = UPCYCLING_NOISE * deviation(&source.data) / deviation(&weight.data);
            weight.data.iter_mut().zip(&source.data).for_each(|(w, source)| *w = source + *w * scale);
        } else {
            weight.data.clone_from(&source.data);
        }
    }
    Ok(())
}

/// By task, on `count` held-out examples of every corpus: one forward pass, because greedy decoding writes the
/// reference exactly when every token of it is the most likely one after the ones before. `wrong_at` gets a row's ids,
/// the index of the first token that it would not write, and what it would write there.
pub fn exactness(
    model: &Model,
    tokenizer: &Tokenizer,
    corpora: &[(Box<dyn Corpus>, f32)],
    count: usize,
    seed: u64,
    wrong_at: &mut dyn FnMut(&[u32], usize, u32),
) -> Result<BTreeMap<&'static str, Exactness>, LabError> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut by_task: BTreeMap<&'static str, Exactness> = BTreeMap::new();
    let (mut pass, vocabulary) = (Pass::default(), model.shape.vocabulary);
    for (corpus, _) in corpora {
        let mut rows = Vec::new();
        while rows.len() < count {
            let example = corpus.sample(&mut rng, Split::HeldOut);
            let row = encode(tokenizer, &example)?;
            if row.0.len() <= model.shape.context {
                rows.push((row, example.task));
            }
        }
        rows.sort_by_key(|((ids, _), _)| ids.len());
        for part in rows.chunks(16) {
            let (rows, tasks): (Vec<_>, Vec<_>) = part.iter().cloned().unzip();
            let batch = batch_of(&rows);
            let forward = pass.forward(model, &batch);
            let mut learned = forward.learned.iter().zip(forward.logits.chunks_exact(vocabulary)).peekable();
            let mut start = 0;
            for (((ids, _), time), task) in rows.iter().zip(&batch.lengths).zip(tasks) {
                let exact = by_task.entry(task).or_default();
                exact.n += 1;
                let mut wrong = None;
                while let Some((t, logits)) = learned.next_if(|(t, _)| **t < start + time) {
                    let best = most_likely(logits);
                    if wrong.is_none() && best != batch.targets[*t] {
                        wrong = Some((t - start + 1, best));
                    }
                }
                match wrong {
                    None => exact.right += 1,
                    Some((at, best)) => wrong_at(ids, at, best),
                }
                start += time;
            }
        }
    }
    Ok(by_task)
}

/// The first of the largest.
fn most_likely(logits: &[f32]) -> u32 {
    let best = logits.iter().enumerate().reduce(|best, next| if next.1 > best.1 { next } else { best });
    best.map_or(0, |(id, _)| id as u32)
}

fn line(exact: &BTreeMap<&'static str, Exactness>) -> String {
    let parts: Vec<String> = exact.iter().map(|(task, e)| format!("{task} {}/{}", e.right, e.n)).collect();
    parts.join(", ")
}
