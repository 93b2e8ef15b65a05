//! Split: which questions a search may learn from, which it chooses by, and which it never sees before the end.

use super::dice::Dice;
use crate::words::Failure;
use std::collections::BTreeMap;

/// Held-out questions at least: with fewer an interval says nothing.
pub const HELD_OUT: usize = 20;
/// Questions to learn from and to choose by, at least.
pub const FEEDBACK: usize = 8;
pub const FRONT: usize = 12;
/// More questions than this to choose by, or held out, cost more than they tell.
const MOST: usize = 100;

/// Places of questions, each list in the order in which they came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Split {
    /// What goes wrong here proposes changes, and what goes right here becomes examples.
    pub feedback: Vec<usize>,
    /// Prompts are chosen by these.
    pub front: Vec<usize>,
    /// Only the first prompt and the chosen one answer these.
    pub held_out: Vec<usize>,
}

/// Half is held out, a fifth is to learn from, the rest is chosen by; of each kind alike.
pub fn split(kinds: &[String], dice: &mut Dice) -> Result<Split, Failure> {
    let least = HELD_OUT + FEEDBACK + FRONT;
    if kinds.len() < least {
        return Err(Failure {
            code: "too_few_questions".into(),
            message: format!(
                "{} questions have an answer to judge by, and a search needs {least}: {FEEDBACK} to learn from, {FRONT} to \
                 choose by, and {HELD_OUT} that it never sees, to say what was gained",
                kinds.len()
            ),
            fix: "Rate more answers up, or give a file with more questions and their answers.".into(),
            detail: None,
        });
    }
    let mut by_kind: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (place, kind) in kinds.iter().enumerate() {
        by_kind.entry(kind).or_default().push(place);
    }
    // One kind after the other, ten at a time: five held out, two to learn from, three to choose by.
    let mut line: Vec<usize> = Vec::with_capacity(kinds.len());
    for places in by_kind.values_mut() {
        dice.shuffle(places);
        line.append(places);
    }
    let mut split = Split::default();
    for ten in line.chunks(10) {
        let mut deal = [0, 0, 0, 0, 0, 1, 1, 2, 2, 2];
        dice.shuffle(&mut deal);
        for (place, part) in ten.iter().zip(deal) {
            let parts = [&mut split.held_out, &mut split.feedback, &mut split.front];
            parts[part].push(*place);
        }
    }
    for places in [&mut split.front, &mut split.held_out] {
        dice.shuffle(places);
        places.truncate(MOST);
    }
    for places in [&mut split.feedback, &mut split.front, &mut split.held_out] {
        places.sort_unstable();
    }
    Ok(split)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(of: &[(&str, usize)]) -> Vec<String> {
        of.iter().flat_map(|(kind, n)| vec![(*kind).to_owned(); *n]).collect()
    }

    #[test]
    fn every_question_is_in_one_part_and_every_kind_in_each() {
        let kinds = kinds(&[("a", 60), ("b", 30), ("c", 10)]);
        let found = split(&kinds, &mut Dice::new(7)).unwrap();
        let mut all = [found.feedback.clone(), found.front.clone(), found.held_out.clone()].concat();
        all.sort_unstable();
        assert_eq!(all, (0..100).collect::<Vec<_>>());
        assert_eq!((found.feedback.len(), found.front.len(), found.held_out.len()), (20, 30, 50));
        let share = |places: &[usize], kind: &str| {
            places.iter().filter(|place| kinds[**place] == kind).count() as f64 / places.len() as f64
        };
        for part in [&found.feedback, &found.front, &found.held_out] {
            assert!((share(part, "a") - 0.6).abs() < 0.11 && share(part, "c") > 0.0, "{found:?}");
        }
        assert_eq!(split(&kinds, &mut Dice::new(7)).unwrap(), found, "the same seed gives the same parts");
        assert_ne!(split(&kinds, &mut Dice::new(8)).unwrap(), found);
    }

    #[test]
    fn the_smallest_set_has_its_three_parts_and_a_smaller_one_is_refused() {
        let found = split(&kinds(&[("a", 40)]), &mut Dice::new(1)).unwrap();
        assert_eq!((found.feedback.len(), found.front.len(), found.held_out.len()), (8, 12, 20));
        let failure = split(&kinds(&[("a", 39)]), &mut Dice::new(1)).unwrap_err();
        assert!(
            failure.message.contains("39 questions") && failure.message.contains("needs 40"),
            "{failure:?}"
        );
    }
}
