//! Verify: the answer is checked, and overturned only when two checks disagree with it and another answer stands its own.

use super::checks::{self, Check};
use super::{Attempt, Outcome, Work};
use crate::extract::Said;
use crate::pool::REFUSAL;
use crate::words::{Exchange, Failure, StepKind};

/// How far from the likeliest answer others are looked for after the checks have disagreed, one after the other. An expert
/// that errs once mostly errs again the same way: only unlikely texts say something else.
const TRIES: [f32; 8] = [0.0, 0.7, 0.7, 1.0, 1.0, 1.2, 1.5, 1.5];

/// What a check said.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Agrees,
    Disagrees,
    /// The expert could not do it, or the strategy had no call left.
    Silent,
}

pub(super) fn verify(work: &mut Work) -> Result<Outcome, Failure> {
    let first = work.answer()?;
    if work.stopped {
        return work.directly("stopped before it was checked");
    }
    if first.text.trim_start().starts_with(REFUSAL) {
        return work.directly("the expert said that it cannot do this: there is nothing to check");
    }
    let known = checks::of(&work.subject.question.text, &first.text, &first.said);
    match (known.is_empty(), work.follows()) {
        (false, _) => by_checks(work, first, &known),
        (true, true) => by_verdicts(work, first),
        (true, false) => work.directly(
            "no check of such a question is known in the form that this expert reads: answered directly",
        ),
    }
}

fn by_checks(work: &mut Work, first: Attempt, known: &[Check]) -> Result<Outcome, Failure> {
    let mut disagreed = 0;
    for check in known {
        match (ask(work, check)?, check) {
            (Verdict::Agrees, _) => return Ok(kept(first, "A check agrees with the answer.")),
            // What is known needs no second opinion.
            (Verdict::Disagrees, Check::Known { .. }) => disagreed += 2,
            (Verdict::Disagrees, Check::Ask { .. }) => disagreed += 1,
            (Verdict::Silent, _) => {}
        }
    }
    // With one check alone, the question itself asked again is the second.
    if disagreed == 1 {
        match work.sample()? {
            Some(again) if again.said.agrees(&first.said) => {
                work.note(again.at, None, "asked again, it says the same");
                return Ok(kept(first, "One check disagrees, and asked again it says the same."));
            }
            Some(again) => {
                work.note(again.at, None, "asked again, it says something else");
                disagreed += 1;
            }
            None => {}
        }
    }
    if disagreed < 2 {
        return Ok(kept(first, "The checks did not settle it."));
    }
    overturned(work, first)
}

/// Another answer to what the first one says that it answers, asked in the plainest words; taken where a check of its own
/// agrees.
fn overturned(work: &mut Work, first: Attempt) -> Result<Outcome, Failure> {
    let question = work.subject.question.text.clone();
    let claim = checks::claim(&question, &first.text, &first.said);
    let mut tried: Vec<Said> = vec![first.said.clone()];
    for temperature in TRIES {
        let asked = claim.as_ref().unwrap_or(&question);
        let Some(attempt) = work.sample_of(asked, temperature)? else { break };
        if work.stopped {
            break;
        }
        if tried.iter().any(|said| said.agrees(&attempt.said)) {
            work.note(attempt.at, None, "said before");
            continue;
        }
        tried.push(attempt.said.clone());
        if claim != checks::claim(&question, &attempt.text, &attempt.said) {
            work.note(attempt.at, None, "it answers something else");
            continue;
        }
        let inverse = checks::of(&question, &attempt.text, &attempt.said).into_iter().next();
        let stands = match inverse {
            Some(check) => ask(work, &check)? == Verdict::Agrees,
            None => false,
        };
        if stands {
            work.note(attempt.at, None, "a check agrees with it");
            return Ok(Outcome {
                said: "The checks disagreed with the first answer; another one stands its check.".into(),
                answer: attempt,
                fell_back: None,
            });
        }
        work.note(attempt.at, None, "no check agrees with it");
    }
    Ok(kept(first, "The checks disagree, and no other answer stands its own: the first one is kept."))
}

fn ask(work: &mut Work, check: &Check) -> Result<Verdict, Failure> {
    let (question, wanted) = match check {
        Check::Ask { question, wanted } => (question, wanted),
        Check::Known { about, agrees } => {
            work.known(about, *agrees);
            return Ok(if *agrees { Verdict::Agrees } else { Verdict::Disagrees });
        }
    };
    let Some(attempt) = work.ask(StepKind::Check, question.clone())? else {
        return Ok(Verdict::Silent);
    };
    let refused = attempt.text.trim_start().starts_with(REFUSAL);
    let verdict = match (refused || attempt.said == Said::Nothing, attempt.said.agrees(wanted)) {
        (true, _) => Verdict::Silent,
        (_, true) => Verdict::Agrees,
        _ => Verdict::Disagrees,
    };
    let note = match verdict {
        Verdict::Agrees => "agrees".into(),
        Verdict::Disagrees => format!("disagrees: {} was to come", wanted.shown()),
        Verdict::Silent => "the expert cannot do this check".into(),
    };
    let score = (verdict != Verdict::Silent).then_some(f32::from(u8::from(verdict == Verdict::Agrees)));
    work.note(attempt.at, score, note);
    Ok(verdict)
}

/// An expert that follows is asked for its verdict, at most twice, then for the answer anew.
fn by_verdicts(work: &mut Work, first: Attempt) -> Result<Outcome, Failure> {
    let question = work.subject.question.text.clone();
    let turns = [Exchange { question: question.clone(), answer: first.text.clone() }];
    let prompts = [
        "Check that answer step by step. End with one line: RIGHT if it is right, WRONG if it is not.",
        "Solve the question again in another way and compare. End with one line: RIGHT if the answer above is right, \
         WRONG if it is not.",
    ];
    for prompt in prompts {
        let Some(verdict) = work.go_on(StepKind::Check, &turns, prompt.into())? else {
            return Ok(kept(first, "Stopped before it was checked."));
        };
        match verdict_of(&verdict.text) {
            Some(true) => {
                work.note(verdict.at, Some(1.0), "agrees");
                return Ok(kept(first, "The expert's own check agrees."));
            }
            Some(false) => work.note(verdict.at, Some(0.0), "disagrees"),
            None => {
                work.note(verdict.at, None, "no verdict");
                let mut outcome = kept(first, "The check ended without a verdict.");
                outcome.fell_back =
                    Some("the expert did not give a verdict: its first answer is kept".into());
                return Ok(outcome);
            }
        }
    }
    let prompt = "That answer is wrong. Write the right answer to the question, whole.";
    match work.go_on(StepKind::Improve, &turns, prompt.into())? {
        Some(attempt) if !work.stopped && attempt.said != Said::Nothing => Ok(Outcome {
            answer: attempt,
            said: "Two checks disagreed: the answer was written anew.".into(),
            fell_back: None,
        }),
        _ => Ok(kept(first, "Two checks disagree, and no other answer came.")),
    }
}

/// Right or wrong, by the last line that says one of them alone.
fn verdict_of(text: &str) -> Option<bool> {
    let line = text.lines().rev().find(|line| line.chars().any(char::is_alphabetic))?.to_uppercase();
    match (line.contains("RIGHT"), line.contains("WRONG")) {
        (true, false) => Some(true),
        (false, true) => Some(false),
        _ => None,
    }
}

fn kept(answer: Attempt, said: &str) -> Outcome {
    Outcome { answer, said: said.into(), fell_back: None }
}
