//! The stream of training batches: a pure function of the seed, so that a resumed run sees what it would have seen.

use super::model::Batch;
use crate::LabError;
use crate::data::{Corpus, Example, Split};
use crate::tokenizer::{ASSISTANT, END, Tokenizer, USER};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Examples that are written and cut into batches at a time.
const CHUNK: usize = 1024;

pub struct Batches<'a> {
    corpora: &'a [(Box<dyn Corpus>, f32)],
    tokenizer: &'a Tokenizer,
    seed: u64,
    context: usize,
    /// Tokens of a batch: at most these and a row's more.
    batch_tokens: usize,
    /// Chunk that `ready` was cut from, and the next batch in it: the cursor that a checkpoint keeps.
    chunk: u64,
    next: usize,
    ready: Vec<Batch>,
}

impl<'a> Batches<'a> {
    pub fn new(
        corpora: &'a [(Box<dyn Corpus>, f32)],
        tokenizer: &'a Tokenizer,
        seed: u64,
        context: usize,
        batch_tokens: usize,
    ) -> Batches<'a> {
        Batches { corpora, tokenizer, seed, context, batch_tokens, chunk: 0, next: 0, ready: Vec::new() }
    }

    pub fn cursor(&self) -> (u64, usize) {
        (self.chunk, self.next)
    }

    /// Goes on from a cursor.
    pub fn seek(&mut self, (chunk, next): (u64, usize)) -> Result<(), LabError> {
        (self.chunk, self.next) = (chunk, next);
        if chunk > 0 {
            self.ready = self.cut(chunk)?;
        }
        Ok(())
    }

    pub fn next_batch(&mut self) -> Result<Batch, LabError> {
        while self.next >= self.ready.len() {
            self.chunk += 1;
            self.next = 0;
            self.ready = self.cut(self.chunk)?;
        }
        self.next += 1;
        Ok(self.ready[self.next - 1].clone())
    }

    fn cut(&self, chunk: u64) -> Result<Vec<Batch>, LabError> {
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        rng.set_stream(chunk);
        let mut rows = Vec::with_capacity(CHUNK);
        while rows.len() < CHUNK {
            let example = pick(self.corpora, &mut rng).sample(&mut rng, Split::Train);
            let row = encode(self.tokenizer, &example)?;
            if row.0.len() <= self.context {
                rows.push(row);
            }
        }
        // The chunk's tokens shared out evenly, so that none of its batches is a remainder.
        let total: usize = rows.iter().map(|(ids, _)| ids.len() - 1).sum();
        let mut batches = vec![Batch::default(); total.div_ceil(self.batch_tokens)];
        let (count, mut before) = (batches.len(), 0);
        for row in &rows {
            push(&mut batches[before * count / total], row);
            before += row.0.len() - 1;
        }
        batches.retain(|batch| !batch.inputs.is_empty());
        Ok(batches)
    }
}

fn pick<'c>(corpora: &'c [(Box<dyn Corpus>, f32)], rng: &mut ChaCha8Rng) -> &'c dyn Corpus {
    let total: f32 = corpora.iter().map(|(_, share)| share).sum();
    let mut at = rng.random::<f32>() * total;
    for (corpus, share) in corpora {
        at -= share;
        if at < 0.0 {
            return corpus.as_ref();
        }
    }
    corpora[corpora.len() - 1].0.as_ref()
}

/// `<|user|>question<|assistant|>answer<|end|>` and the index at which the answer begins.
pub fn encode(tokenizer: &Tokenizer, example: &Example) -> Result<(Vec<u32>, usize), LabError> {
    let mut ids = vec![USER];
    ids.extend(tokenizer.encode(&example.question)?);
    ids.push(ASSISTANT);
    let answer = ids.len();
    ids.extend(tokenizer.encode(&example.answer)?);
    ids.push(END);
    Ok((ids, answer))
}

/// Rows one after another; only answers are learned.
pub fn batch_of(rows: &[(Vec<u32>, usize)]) -> Batch {
    let mut batch = Batch::default();
    rows.iter().for_each(|row| push(&mut batch, row));
    batch
}

fn push(batch: &mut Batch, (ids, answer): &(Vec<u32>, usize)) {
    let time = ids.len() - 1;
    batch.lengths.push(time);
    batch.inputs.extend(&ids[..time]);
    batch.targets.extend(&ids[1..]);
    batch.weights.extend((1..=time).map(|t| if t >= *answer { 1.0 } else { 0.0 }));
}
