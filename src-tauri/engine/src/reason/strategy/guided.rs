//! Guided: several samples, and the one whose lines go most like answers that were judged good, and least like those that
//! were judged bad.
//!
//! Source: steps rewarded by their likeness to those of an expert's trajectory (Supervised Reinforcement Learning,
//!         arXiv:2510.25992), here to choose an attempt and not to train

use super::{Attempt, Outcome, Work};
use crate::words::Failure;
use std::collections::HashSet;

const ATTEMPTS: usize = 4;

pub(super) fn guided(work: &mut Work) -> Result<Outcome, Failure> {
    let lines = |text: &str| -> Vec<String> {
        text.lines().filter(|line| !line.trim().is_empty()).map(str::to_owned).collect()
    };
    let (passages, trajectories) = (work.subject.past, work.subject.trajectories);
    let of = |good: bool| trajectories.iter().filter(move |trajectory| trajectory.good == Some(good));
    let rated = passages.iter().filter(|passage| passage.rating >= 0).map(|passage| passage.answer.as_str());
    let good: Vec<String> =
        of(true).map(|trajectory| trajectory.text.as_str()).chain(rated).flat_map(lines).collect();
    let bad: Vec<String> = of(false).flat_map(|trajectory| lines(&trajectory.text)).collect();
    if good.is_empty() {
        return work.directly("no past answer goes with this question: answered directly");
    }
    let mut attempts: Vec<Attempt> = vec![work.answer()?];
    while attempts.len() < ATTEMPTS {
        match work.sample()? {
            Some(attempt) => attempts.push(attempt),
            None => break,
        }
    }
    if work.stopped && attempts.len() > 1 {
        attempts.pop();
    }
    let score = |attempt: &Attempt| likeness(&attempt.text, &good) - likeness(&attempt.text, &bad);
    let scores: Vec<f32> = attempts.iter().map(score).collect();
    let what = match bad.is_empty() {
        true => "mean likeness of its lines to those of past answers",
        false => "mean likeness of its lines to those of good past answers, less that to bad ones",
    };
    for (attempt, score) in attempts.iter().zip(&scores) {
        work.note(attempt.at, Some(*score), what);
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
