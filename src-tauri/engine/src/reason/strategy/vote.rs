//! Vote: several samples, and the answer that most of them give. Guided: several samples, and the one that goes most like
//! past answers that were good.

use super::{Attempt, Outcome, Work};
use crate::words::Failure;
use std::collections::HashSet;

const SAMPLES: usize = 5;
const GUIDED: usize = 4;

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

pub(super) fn guided(work: &mut Work) -> Result<Outcome, Failure> {
    let past: Vec<String> = work
        .subject
        .past
        .iter()
        .filter(|passage| passage.rating >= 0)
        .flat_map(|passage| passage.answer.lines().map(str::to_owned).collect::<Vec<_>>())
        .filter(|line| !line.trim().is_empty())
        .collect();
    if past.is_empty() {
        return work.directly("no past answer goes with this question: answered directly");
    }
    let mut attempts = vec![work.answer()?];
    while attempts.len() < GUIDED {
        match work.sample()? {
            Some(attempt) => attempts.push(attempt),
            None => break,
        }
    }
    if work.stopped && attempts.len() > 1 {
        attempts.pop();
    }
    let scores: Vec<f32> = attempts.iter().map(|attempt| likeness(&attempt.text, &past)).collect();
    for (attempt, score) in attempts.iter().zip(&scores) {
        work.note(attempt.at, Some(*score), "mean likeness of its lines to those of past answers");
    }
    // Of equals the first, which is the likeliest.
    let mut best = 0;
    for at in 1..attempts.len() {
        if scores[at] > scores[best] + 1e-3 {
            best = at;
        }
    }
    let said = format!("The attempt most like past answers ({:.2}) of {}.", scores[best], attempts.len());
    Ok(Outcome { answer: attempts[best].clone(), said, fell_back: None })
}

/// Mean over an attempt's lines of the likeness to the nearest past line, 0 to 1.
fn likeness(text: &str, past: &[String]) -> f32 {
    let past: Vec<HashSet<[String; 2]>> = past.iter().map(|line| pairs(line)).collect();
    let lines: Vec<HashSet<[String; 2]>> =
        text.lines().filter(|line| !line.trim().is_empty()).map(pairs).collect();
    if lines.is_empty() {
        return 0.0;
    }
    let nearest =
        |line: &HashSet<[String; 2]>| past.iter().map(|known| dice(line, known)).fold(0.0, f32::max);
    lines.iter().map(nearest).sum::<f32>() / lines.len() as f32
}

fn dice(a: &HashSet<[String; 2]>, b: &HashSet<[String; 2]>) -> f32 {
    if a.is_empty() || b.is_empty() {
        return 0.0;
    }
    2.0 * a.intersection(b).count() as f32 / (a.len() + b.len()) as f32
}

/// Neighbouring words and signs; every number is the same word, so that the way counts and not the figures.
fn pairs(line: &str) -> HashSet<[String; 2]> {
    let mut words = vec![String::new()];
    for c in line.to_lowercase().chars() {
        match c {
            c if c.is_ascii_digit() => {
                if words.last().is_none_or(|last| last != "#") {
                    words.push("#".into());
                }
            }
            c if c.is_alphabetic() => match words.last_mut() {
                Some(last) if last.chars().all(char::is_alphabetic) => last.push(c),
                _ => words.push(c.to_string()),
            },
            c if c.is_whitespace() => words.push(String::new()),
            c => words.push(c.to_string()),
        }
    }
    words.retain(|word| !word.is_empty());
    words.insert(0, "^".into());
    words.windows(2).map(|pair| [pair[0].clone(), pair[1].clone()]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_counts_and_not_the_figures() {
        let past = vec!["12 + 30 = 42".to_owned(), "units: 2 + 0 = 2".to_owned()];
        assert!((likeness("384 + 97 = 481", &past) - 1.0).abs() < 1e-6);
        assert!(likeness("I do not know", &past) < 0.2);
    }
}
