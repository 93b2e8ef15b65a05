//! Everybody: each expert is asked the same questions, so that what the router's choice is worth, who says what others say
//! too, and who would be missed can be said without guessing.
//!
//! In:     questions, the experts
//! Out:    who can do what (expert by domain), who says the same, what each one's absence costs (regret), what two know
//!         together; the router beside the best expert alone and beside whoever was right
//! Cost:   every question once an expert, each expert loaded once; nothing is recalled, stored or counted
//! Source: intervals as in [`super::benchmark`]

use super::benchmark::{Difference, Sample, Share, accuracy, accuracy_by, ask_each, difference};
use super::pruning::Asked;
use crate::Engine;
use crate::extract::said;
use crate::words::{Failure, Mode, Question};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use ts_rs::TS;

/// What asking everybody came to.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, TS)]
pub struct Everybody {
    /// Asked, and those of them with an answer to be judged by.
    pub questions: usize,
    pub judged: usize,
    pub experts: Vec<String>,
    pub capability: Vec<Capability>,
    pub overlap: Vec<Overlap>,
    pub regret: Vec<Regret>,
    pub together: Vec<Together>,
    /// Right by the router's choice.
    pub router: Option<Share>,
    /// The expert that is right most often alone.
    pub best_alone: Option<Alone>,
    /// Somebody was right: no choice of one expert can do better.
    pub somebody: Option<Share>,
    /// The router's choice minus the best expert alone.
    pub over_best_alone: Option<Difference>,
    pub stopped: bool,
}

/// How often an expert is right in a domain, as questions are read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[ts(rename = "EverybodyCapability")]
pub struct Capability {
    pub expert: String,
    pub domain: String,
    /// `None`: nothing was expected.
    pub right: Option<Share>,
}

/// How often two experts say the same: the same number, choice, code or text, whatever is written around it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct Overlap {
    pub first: String,
    pub second: String,
    pub same: Option<Share>,
}

/// What is lost without an expert, when the router chooses among the others.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct Regret {
    pub expert: String,
    /// Questions that the router gives it.
    pub routed: usize,
    /// Right with it minus right without it, over all questions.
    pub loss: Option<Difference>,
}

/// Two experts: how often one of them is right at least, and what that is over the better one alone. It bounds what a
/// council of the two can gain.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct Together {
    pub first: String,
    pub second: String,
    pub either: Option<Share>,
    pub gain: Option<Difference>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct Alone {
    pub expert: String,
    pub right: Share,
}

/// One expert's samples, one a question.
pub type Of = (String, Vec<Sample>);

/// Asks every question of every expert in `experts`, one expert after the other. `on` hears the expert, how many of its
/// questions are done, and the newest. After `stop` lists are shorter or missing.
pub fn ask_everybody<E: From<Failure>>(
    engine: &Engine,
    questions: &[Asked],
    experts: &[String],
    stop: &Arc<AtomicBool>,
    on: &mut dyn FnMut(&str, usize, &Sample) -> Result<(), E>,
) -> Result<Vec<Of>, E> {
    let mut all = Vec::with_capacity(experts.len());
    for name in experts {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let like =
            Question { mode: Mode::Basic, trial: true, expert: Some(name.clone()), ..Question::default() };
        let samples = ask_each(engine, questions, &like, stop, &mut |done, sample| on(name, done, sample))?;
        all.push((name.clone(), samples));
    }
    Ok(all)
}

/// Whom the router would ask each of these questions, by place from 1: of everybody, and without each expert. Asks nobody,
/// and begins with an empty seat, so that nobody has the advantage of being there.
pub fn choices(engine: &Engine, questions: &[Asked], experts: &[String]) -> Result<Choices, Failure> {
    engine.unseat()?;
    let choose = |text: &str, excluding: Vec<String>| -> Result<String, Failure> {
        let question = Question { mode: Mode::Basic, trial: true, excluding, ..Question::new(text) };
        engine.plan(&question).map(|plan| plan.chosen)
    };
    let mut found = Choices::default();
    for (at, asked) in questions.iter().enumerate() {
        let chosen = choose(&asked.question, Vec::new())?;
        // Only who is chosen changes the choice by not being there. Without the last one nobody is left to ask.
        if experts.contains(&chosen)
            && let Ok(next) = choose(&asked.question, vec![chosen.clone()])
        {
            found.without.insert((chosen.clone(), at + 1), next);
        }
        found.with.insert(at + 1, chosen);
    }
    Ok(found)
}

#[derive(Clone, Debug, Default)]
pub struct Choices {
    with: BTreeMap<usize, String>,
    without: BTreeMap<(String, usize), String>,
}

impl Everybody {
    pub fn of(lists: &[Of], choices: &Choices, stopped: bool) -> Everybody {
        let by_name: BTreeMap<&str, BTreeMap<usize, &Sample>> = lists
            .iter()
            .map(|(name, list)| (name.as_str(), list.iter().map(|sample| (sample.place, sample)).collect()))
            .collect();
        let sample = |name: &str, place: usize| by_name.get(name)?.get(&place).copied().cloned();
        let places: Vec<usize> = lists.first().map_or(Vec::new(), |(_, list)| {
            let mut places: Vec<usize> = list.iter().map(|sample| sample.place).collect();
            places.sort_unstable();
            places
        });
        let routed: Vec<Sample> =
            places.iter().filter_map(|place| sample(choices.with.get(place)?, *place)).collect();
        let best = lists
            .iter()
            .filter_map(|(name, list)| Some((name, list, accuracy(list.iter())?)))
            .max_by(|a, b| a.2.share.total_cmp(&b.2.share).then(b.0.cmp(a.0)));
        Everybody {
            questions: places.len(),
            judged: lists
                .first()
                .map_or(0, |(_, list)| list.iter().filter(|sample| sample.right.is_some()).count()),
            experts: lists.iter().map(|(name, _)| name.clone()).collect(),
            capability: lists.iter().flat_map(capabilities).collect(),
            overlap: pairs(lists).map(|(a, b)| overlap(a, b)).collect(),
            regret: lists.iter().map(|(name, _)| regret(name, &places, choices, &sample)).collect(),
            together: pairs(lists).map(|(a, b)| together(a, b)).collect(),
            router: accuracy(routed.iter()),
            over_best_alone: best.as_ref().and_then(|(_, list, _)| difference(&routed, list)),
            best_alone: best.map(|(name, _, right)| Alone { expert: name.clone(), right }),
            somebody: accuracy(
                either(&lists.iter().map(|(_, list)| list.as_slice()).collect::<Vec<_>>()).iter(),
            ),
            stopped,
        }
    }
}

fn pairs(lists: &[Of]) -> impl Iterator<Item = (&Of, &Of)> {
    lists.iter().enumerate().flat_map(|(at, first)| lists[at + 1..].iter().map(move |second| (first, second)))
}

fn capabilities((name, list): &Of) -> impl Iterator<Item = Capability> {
    let by_domain = accuracy_by(list.iter(), |sample| sample.domain.as_str());
    let expert = name.clone();
    by_domain.into_iter().map(move |(domain, right)| Capability { expert: expert.clone(), domain, right })
}

/// Of the questions that both answered; two who both say that they cannot do it say nothing that could be the same.
fn overlap((first, of_first): &Of, (second, of_second): &Of) -> Overlap {
    let says = |sample: &Sample| {
        (sample.failure.is_none() && !sample.refused).then(|| said(&sample.question, &sample.answer))
    };
    let others: BTreeMap<usize, _> =
        of_second.iter().filter_map(|sample| Some((sample.place, says(sample)?))).collect();
    let both: Vec<bool> =
        of_first.iter().filter_map(|sample| Some(says(sample)?.agrees(others.get(&sample.place)?))).collect();
    let same = Share::of(both.iter().filter(|same| **same).count(), both.len());
    Overlap { first: first.clone(), second: second.clone(), same }
}

fn regret(
    expert: &str,
    places: &[usize],
    choices: &Choices,
    sample: &dyn Fn(&str, usize) -> Option<Sample>,
) -> Regret {
    let (mut with, mut without) = (Vec::new(), Vec::new());
    let mut routed = 0;
    for place in places {
        let Some(chosen) = choices.with.get(place) else { continue };
        let next = if chosen == expert {
            routed += 1;
            choices.without.get(&(expert.to_owned(), *place))
        } else {
            Some(chosen)
        };
        let Some(before) = sample(chosen, *place) else { continue };
        // Nobody is left: nothing is answered.
        let after = next.and_then(|next| sample(next, *place));
        let nothing = Sample { place: *place, right: before.right.map(|_| false), ..Sample::default() };
        with.push(before);
        without.push(after.unwrap_or(nothing));
    }
    Regret { expert: expert.to_owned(), routed, loss: difference(&with, &without) }
}

fn together((first, of_first): &Of, (second, of_second): &Of) -> Together {
    let either = either(&[of_first.as_slice(), of_second.as_slice()]);
    let share = |list: &[Sample]| accuracy(list.iter()).map_or(0.0, |share| share.share);
    let better = if share(of_first) >= share(of_second) { of_first } else { of_second };
    Together {
        first: first.clone(),
        second: second.clone(),
        gain: difference(&either, better),
        either: accuracy(either.iter()),
    }
}

/// Samples that are right where one of these is.
fn either(lists: &[&[Sample]]) -> Vec<Sample> {
    let mut right: BTreeMap<usize, Option<bool>> = BTreeMap::new();
    for sample in lists.iter().flat_map(|list| list.iter()) {
        let known = right.entry(sample.place).or_default();
        *known = match (*known, sample.right) {
            (None, right) => right,
            (known, None) => known,
            (Some(one), Some(other)) => Some(one || other),
        };
    }
    right.into_iter().map(|(place, right)| Sample { place, right, ..Sample::default() }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(place: usize, right: bool, answer: &str) -> Sample {
        let domain = if place < 3 { "mathematics" } else { "words" }.to_owned();
        let question = "What is it?".to_owned();
        Sample { place, right: Some(right), answer: answer.into(), domain, question, ..Sample::default() }
    }

    /// Four questions: a knows the first two, b the last two and the second; c refuses everything.
    fn lists() -> Vec<Of> {
        let refuses = |place| Sample { refused: true, ..sample(place, false, "I can't do that.") };
        vec![
            (
                "a".into(),
                vec![
                    sample(1, true, "1"),
                    sample(2, true, "2"),
                    sample(3, false, "9"),
                    sample(4, false, "9"),
                ],
            ),
            (
                "b".into(),
                vec![
                    sample(1, false, "7"),
                    sample(2, true, "It is 2."),
                    sample(3, true, "3"),
                    sample(4, true, "4"),
                ],
            ),
            ("c".into(), (1..=4).map(refuses).collect()),
        ]
    }

    /// The router gives mathematics to a and words to b; without one of them c gets its questions.
    fn choices() -> Choices {
        let with = [(1, "a"), (2, "a"), (3, "b"), (4, "b")].map(|(place, name)| (place, name.to_owned()));
        let without = [("a", 1, "c"), ("a", 2, "b"), ("b", 3, "c"), ("b", 4, "c")];
        Choices {
            with: with.into(),
            without: without.map(|(name, place, next)| ((name.to_owned(), place), next.to_owned())).into(),
        }
    }

    #[test]
    fn who_can_do_what_is_counted_by_domain() {
        let found = Everybody::of(&lists(), &choices(), false);
        let of = |expert: &str, domain: &str| {
            let found = found.capability.iter().find(|one| one.expert == expert && one.domain == domain);
            found.and_then(|one| one.right).map(|right| (right.count, right.n))
        };
        assert_eq!(of("a", "mathematics"), Some((2, 2)));
        assert_eq!(of("a", "words"), Some((0, 2)));
        assert_eq!(of("b", "mathematics"), Some((1, 2)));
        assert_eq!((found.questions, found.judged), (4, 4));
    }

    #[test]
    fn the_same_is_what_answers_come_to_and_refusals_are_no_answers() {
        let found = Everybody::of(&lists(), &choices(), false);
        let same = |first: &str, second: &str| {
            let found = found.overlap.iter().find(|one| one.first == first && one.second == second);
            found.expect("every pair is there").same.map(|same| (same.count, same.n))
        };
        assert_eq!(same("a", "b"), Some((1, 4)), "2 and \"It is 2.\"");
        assert_eq!(same("a", "c"), None);
    }

    #[test]
    fn regret_is_what_the_next_choice_gets_wrong() {
        let found = Everybody::of(&lists(), &choices(), false);
        let loss = |expert: &str| {
            let found = found.regret.iter().find(|one| one.expert == expert).expect("it is there");
            let loss = found.loss.expect("four were judged");
            (found.routed, loss.n, loss.first_only, loss.second_only, loss.difference)
        };
        // Without a the first question goes to c, who is not right, and the second to b, who is.
        assert_eq!(loss("a"), (2, 4, 1, 0, 0.25));
        assert_eq!(loss("b"), (2, 4, 2, 0, 0.5));
        assert_eq!(loss("c"), (0, 4, 0, 0, 0.0));
    }

    #[test]
    fn the_router_stands_between_the_best_alone_and_whoever_was_right() {
        let found = Everybody::of(&lists(), &choices(), false);
        let count = |share: Option<Share>| share.map(|share| share.count);
        assert_eq!(count(found.router), Some(4));
        assert_eq!(
            found.best_alone.as_ref().map(|best| (best.expert.as_str(), best.right.count)),
            Some(("b", 3))
        );
        assert_eq!(count(found.somebody), Some(4));
        assert_eq!(found.over_best_alone.map(|over| over.difference), Some(0.25));
        let pair = &found.together[0];
        assert_eq!((count(pair.either), pair.gain.map(|gain| gain.difference)), (Some(4), Some(0.25)));
    }

    #[test]
    fn nobody_asked_is_nothing_found() {
        assert_eq!(
            Everybody::of(&[], &Choices::default(), true),
            Everybody { stopped: true, ..Everybody::default() }
        );
    }
}
