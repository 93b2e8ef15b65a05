//! Accuracy: a starter's file answers held-out questions in its own process, the way the app asks it, greedily.

use crate::LabError;
use crate::data::{Corpus, Example, Split};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use runtime::host::{Host, Message, Request, Role, Spawn};
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::AtomicBool;

/// Right answers of one kind of question.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Score {
    pub right: u32,
    pub n: u32,
}

impl Score {
    pub fn accuracy(self) -> f32 {
        self.right as f32 / self.n.max(1) as f32
    }
}

/// A question that was answered wrongly.
#[derive(Clone, Debug, Serialize)]
pub struct Miss {
    pub task: String,
    pub question: String,
    pub expected: String,
    pub answer: String,
}

#[derive(Clone, Debug, Default, Serialize)]
pub struct Accuracy {
    pub by_task: BTreeMap<String, Score>,
    pub misses: Vec<Miss>,
    pub seed: u64,
}

impl Accuracy {
    pub fn all(&self) -> Score {
        self.by_task
            .values()
            .fold(Score::default(), |sum, s| Score { right: sum.right + s.right, n: sum.n + s.n })
    }
}

/// `n` questions that `sample` writes, answered by the model in `file`; `executable` hosts it.
pub fn measure(
    executable: &Path,
    file: &Path,
    corpora: &[(Box<dyn Corpus>, f32)],
    n: u32,
    seed: u64,
) -> Result<Accuracy, LabError> {
    let mut host = Host::start(Spawn::new(executable, file), &mut |_| ())?;
    let mut result = Accuracy { seed, ..Accuracy::default() };
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let total: f32 = corpora.iter().map(|(_, share)| share).sum();
    for (corpus, share) in corpora {
        for _ in 0..(n as f32 * share / total).round() as u32 {
            let example = corpus.sample(&mut rng, Split::HeldOut);
            let answer = answer(&mut host, &example)?;
            let score = result.by_task.entry(example.task.to_string()).or_default();
            score.n += 1;
            if corpus.correct(&example, &answer) {
                score.right += 1;
            } else {
                let Example { question, answer: expected, task, .. } = example;
                result.misses.push(Miss { task: task.into(), question, expected, answer });
            }
        }
    }
    host.leave();
    Ok(result)
}

fn answer(host: &mut Host, example: &Example) -> Result<String, LabError> {
    let request = Request::chat(vec![Message::new(Role::User, &example.question)], 480);
    let finished = host.generate(&request, &AtomicBool::new(false), &mut |_| ())?;
    Ok(finished.text.trim().to_string())
}
