//! Refine: another attempt replaces the answer only where its energy is lower. The energy is −ln of the mean probability
//! that the expert gave to the answer's tokens, plus 1 for each constraint that it breaks.

use super::{Attempt, Outcome, Work};
use crate::pool::REFUSAL;
use crate::words::{Exchange, Failure, Finish, StepKind};

const MOVES: usize = 4;
/// After so many moves in a row that were no better, it ends.
const PATIENCE: usize = 2;
/// Less is no gain.
const LEAST: f32 = 1e-4;

pub(super) fn refine(work: &mut Work) -> Result<Outcome, Failure> {
    let first = work.answer()?;
    let mut best = first.clone();
    let before = energy(&best);
    work.note(best.at, Some(before), "its energy");
    let (mut moves, mut taken, mut refused) = (0, 0, 0);
    while moves < MOVES && refused < PATIENCE {
        let Some(attempt) = next(work, &best)? else { break };
        if work.stopped {
            break;
        }
        moves += 1;
        let (old, new) = (energy(&best), energy(&attempt));
        if new + LEAST < old {
            work.note(attempt.at, Some(new), "its energy, lower: taken");
            work.steps[attempt.at].accepted = true;
            (best, taken, refused) = (attempt, taken + 1, 0);
        } else {
            work.note(attempt.at, Some(new), "its energy, not lower: not taken");
            refused += 1;
        }
    }
    let said = format!("{taken} of {moves} moves taken; energy {before:.4}, now {:.4}.", energy(&best));
    Ok(Outcome { answer: best, said, fell_back: None })
}

/// A better version, where the expert can be asked for one; else another sample.
fn next(work: &mut Work, best: &Attempt) -> Result<Option<Attempt>, Failure> {
    if !work.follows() {
        return work.sample();
    }
    let turns = [Exchange { question: work.subject.question.text.clone(), answer: best.text.clone() }];
    let prompt =
        "Read your answer again. Write it anew, without its mistakes and without what is not needed.";
    work.go_on(StepKind::Improve, &turns, prompt.into())
}

fn energy(attempt: &Attempt) -> f32 {
    let broken = [
        attempt.text.trim().is_empty(),
        attempt.generated.finish == Finish::Length,
        attempt.text.trim_start().starts_with(REFUSAL),
    ];
    attempt.energy() + broken.iter().filter(|broken| **broken).count() as f32
}
