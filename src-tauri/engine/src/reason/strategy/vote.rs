//! Vote: several samples, and the answer that most of them give.

use super::{Attempt, Outcome, Work};
use crate::words::Failure;

const SAMPLES: usize = 5;

/// Samples that say the same.
struct Camp {
    of: Vec<usize>,
    confidence: f32,
}

pub(super) fn vote(work: &mut Work) -> Result<Outcome, Failure> {
    let mut attempts = vec![work.answer()?];
    while attempts.len() < SAMPLES && camps(&attempts)[0].of.len() * 2 <= SAMPLES {
        match work.sample()? {
            Some(attempt) => attempts.push(attempt),
            None => break,
        }
    }
    // What was stopped half way has no vote.
    if work.stopped && attempts.len() > 1 {
        attempts.pop();
    }
    let camps = camps(&attempts);
    for (place, camp) in camps.iter().enumerate() {
        let share = camp.of.len() as f32 / attempts.len() as f32;
        for &at in &camp.of {
            work.note(attempts[at].at, Some(share), "part of the samples that say this");
            work.steps[attempts[at].at].accepted = place == 0;
        }
    }
    let best = |a: &&usize, b: &&usize| {
        attempts[**a].generated.confidence.total_cmp(&attempts[**b].generated.confidence).then(b.cmp(a))
    };
    let answer = camps[0].of.iter().max_by(best).map_or(0, |at| *at);
    let said = format!("{} of {} samples agree.", camps[0].of.len(), attempts.len());
    Ok(Outcome { answer: attempts[answer].clone(), said, fell_back: None })
}

/// The largest first, of two the one that the expert was surer of.
fn camps(attempts: &[Attempt]) -> Vec<Camp> {
    let mut camps: Vec<Camp> = Vec::new();
    for (at, attempt) in attempts.iter().enumerate() {
        let confidence = attempt.generated.confidence;
        match camps.iter_mut().find(|camp| attempts[camp.of[0]].said.agrees(&attempt.said)) {
            Some(camp) => {
                camp.of.push(at);
                camp.confidence += confidence;
            }
            None => camps.push(Camp { of: vec![at], confidence }),
        }
    }
    camps.sort_by(|a, b| b.of.len().cmp(&a.of.len()).then(b.confidence.total_cmp(&a.confidence)));
    camps
}
