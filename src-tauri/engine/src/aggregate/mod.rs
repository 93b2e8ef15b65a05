//! Aggregate: several drafts become one answer.
//!
//! In:     the question, the drafts of a council in the order in which they were given, each with its weight
//! Out:    whose text is the answer, what was said with its support, and why
//! Fails:  never: the caller sees to it that there is a draft
//! Cost:   microseconds

mod weight;

pub use weight::weight;

use crate::extract::{Said, numbers, said};
use crate::words::{Aggregate, Draft, Group};

/// Who speaks for the council.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Decision {
    /// The draft whose text is the answer.
    pub speaker: usize,
    /// Most support first.
    pub groups: Vec<Group>,
    /// Part of the votes (of the weight, in a weighted council) for the answer.
    pub agreement: f32,
    pub outcome: String,
}

/// Drafts that say the same, by their place.
struct Camp {
    said: Said,
    of: Vec<usize>,
    weight: f32,
}

/// The answer of a council that votes. Absent experts have no vote, nor have those that refused, unless all did.
pub fn decide(question: &str, aggregate: Aggregate, drafts: &[Draft]) -> Decision {
    let camps = camps(question, drafts, aggregate);
    let Some(first) = camps.first() else { return alone(drafts) };
    let votes: usize = camps.iter().map(|camp| camp.of.len()).sum();
    let weights: f32 = camps.iter().map(|camp| camp.weight).sum();
    let by_weight = aggregate == Aggregate::Weighted && weights > 0.0;
    let agreement = if by_weight { first.weight / weights } else { first.of.len() as f32 / votes as f32 };
    // Of those who say it, the one with the most weight says it.
    let heavier = |a: &&usize, b: &&usize| {
        drafts[**a].weight.weight.total_cmp(&drafts[**b].weight.weight).then(b.cmp(a))
    };
    let speaker = first.of.iter().max_by(heavier).copied().unwrap_or(0);
    Decision {
        speaker,
        agreement,
        outcome: outcome(&camps, votes, by_weight, weights),
        groups: camps.iter().map(|camp| group(camp, drafts)).collect(),
    }
}

/// The answer of a council in which each saw the answer before it.
pub fn last_of_chain(question: &str, drafts: &[Draft]) -> Decision {
    let groups = camps(question, drafts, Aggregate::Voting);
    let Some(mut speaker) = drafts.iter().position(speaks) else { return alone(drafts) };
    let mut improved = 0;
    for (at, draft) in drafts.iter().enumerate().skip(speaker + 1) {
        // Who was not shown the answer takes its place only where the router thinks more of him.
        let follows = draft.shown_answer || draft.weight.route > drafts[speaker].weight.route;
        if speaks(draft) && follows {
            improved += usize::from(draft.shown_answer);
            speaker = at;
        }
    }
    let unseen = drafts.iter().filter(|draft| speaks(draft) && !draft.shown_answer).count().saturating_sub(1);
    let mut outcome = format!("{} has the last word", drafts[speaker].title);
    outcome.push_str(&match improved {
        0 => String::new(),
        1 => ", after 1 improvement".into(),
        more => format!(", after {more} improvements"),
    });
    if unseen > 0 {
        outcome
            .push_str(&format!("; {unseen} read single questions and were not shown the answer before them"));
    }
    let votes: usize = groups.iter().map(|camp| camp.of.len()).sum();
    let with = groups.iter().find(|camp| camp.of.contains(&speaker)).map_or(1, |camp| camp.of.len());
    Decision {
        speaker,
        agreement: with as f32 / votes.max(1) as f32,
        outcome: outcome + ".",
        groups: groups.iter().map(|camp| group(camp, drafts)).collect(),
    }
}

/// A number in `synthesis` that neither the question nor a draft has; numbers of a list's items do not count.
pub fn invented(question: &str, drafts: &[Draft], synthesis: &str) -> Option<String> {
    let known: Vec<String> = drafts
        .iter()
        .filter(|draft| speaks(draft))
        .flat_map(|draft| numbers(&draft.answer))
        .chain(numbers(question))
        .collect();
    let text: Vec<&str> = synthesis.lines().map(without_item).collect();
    numbers(&text.join("\n")).into_iter().find(|number| !known.contains(number))
}

fn without_item(line: &str) -> &str {
    let bare = line.trim_start();
    let rest = bare.trim_start_matches(|c: char| c.is_ascii_digit());
    let item = rest.strip_prefix(". ").or_else(|| rest.strip_prefix(") "));
    item.filter(|_| rest.len() < bare.len()).unwrap_or(line)
}

/// It has something to say.
pub fn speaks(draft: &Draft) -> bool {
    draft.absent.is_none() && !draft.refused && !draft.answer.trim().is_empty()
}

fn camps(question: &str, drafts: &[Draft], aggregate: Aggregate) -> Vec<Camp> {
    let mut camps: Vec<Camp> = Vec::new();
    let mut voters: Vec<(usize, Said)> = drafts
        .iter()
        .enumerate()
        .filter(|(_, draft)| speaks(draft))
        .map(|(at, draft)| (at, said(question, &draft.answer)))
        .collect();
    // One that names a unit comes before one that does not, so that both find each other whatever the order.
    voters.sort_by_key(|(_, said)| matches!(said, Said::Number { unit, .. } if unit.is_empty()));
    for (at, said) in voters {
        let weight = drafts[at].weight.weight;
        match camps.iter_mut().filter(|camp| camp.said.agrees(&said)).max_by_key(|camp| camp.of.len()) {
            Some(camp) => {
                camp.of.push(at);
                camp.weight += weight;
            }
            None => camps.push(Camp { said, of: vec![at], weight }),
        }
    }
    let by_weight = aggregate == Aggregate::Weighted;
    camps.sort_by(|a, b| {
        let (votes, weight) = (b.of.len().cmp(&a.of.len()), b.weight.total_cmp(&a.weight));
        if by_weight { weight.then(votes) } else { votes.then(weight) }
    });
    camps
}

fn group(camp: &Camp, drafts: &[Draft]) -> Group {
    Group {
        says: camp.said.shown(),
        experts: camp.of.iter().map(|&at| drafts[at].expert.clone()).collect(),
        votes: camp.of.len() as u32,
        weight: camp.weight,
    }
}

/// Nobody has anything to say but that he cannot: the first who is there says so.
fn alone(drafts: &[Draft]) -> Decision {
    let there = drafts.iter().position(|draft| draft.absent.is_none()).unwrap_or(0);
    Decision {
        speaker: there,
        outcome: "No expert of the council has an answer.".into(),
        ..Decision::default()
    }
}

fn outcome(camps: &[Camp], votes: usize, by_weight: bool, weights: f32) -> String {
    let first = &camps[0];
    let tie = camps.get(1).is_some_and(|second| second.of.len() == first.of.len());
    let said = first.said.shown();
    if by_weight {
        return format!("\"{said}\" has {:.2} of {weights:.2} of the weight.", first.weight);
    }
    match (votes, tie) {
        (1, _) => format!("One expert has an answer: \"{said}\"."),
        (_, false) => format!("{} of {votes} say \"{said}\".", first.of.len()),
        (_, true) => format!("A tie of {} each; \"{said}\" has more weight.", first.of.len()),
    }
}

#[cfg(test)]
mod tests;
