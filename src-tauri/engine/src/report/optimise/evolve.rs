//! Evolve: prompts that are better and better, within so many questions asked.
//!
//! In:     the prompt of now, questions to learn from and to choose by, a world that asks and proposes changes
//! Out:    every prompt that was tried, with its parents, its figures and whether it is on the front
//! Fails:  where the world does; stopped, it has what it has
//! Cost:   at most the budget, in questions asked; the same prompt is asked the same question once
//! Source: GEPA (arXiv:2507.19457): a parent is drawn from the Pareto front of scores question by question, each as likely as
//!         the number of questions where nobody is better; a child that does better than it on a few questions is asked all
//!         of them; two parents are merged part by part against what they both come from

use super::dice::Dice;
use super::edits::{Missed, Proposal};
use crate::prompts::{Count, Made, Tried};
use crate::words::{Failure, Prompt, Shot};
use std::collections::{BTreeMap, HashSet, VecDeque};

/// Questions by which a prompt is let in.
pub const BATCH: usize = 4;
/// Every so many prompts two parents are tried together.
const MERGE_EVERY: usize = 4;

/// One question, asked with one prompt.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rollout {
    pub right: bool,
    pub answer: String,
    pub prompt_tokens: u32,
}

/// Whoever asks, judges and proposes. Places are those of the questions.
pub trait World {
    /// `None`: it was stopped, or has no time or tokens left.
    fn ask(&mut self, prompt: &Prompt, place: usize) -> Result<Option<Rollout>, Failure>;
    /// The text of a question, and what is expected.
    fn question(&self, place: usize) -> (&str, &str);
    /// Changes of a prompt, those to be tried first in front. `right`: answers that were.
    fn edits(&mut self, parent: &Prompt, missed: &[Missed], right: &[Shot], dice: &mut Dice)
    -> Vec<Proposal>;
    /// Asks an expert for a better prompt, which counts as a question asked. `None`: there is no such expert.
    fn reflect(&mut self, parent: &Prompt, missed: &[Missed]) -> Result<Option<Reflected>, Failure>;
    /// What there is after each question asked; `tried` is there when it changed.
    fn told(&mut self, spent: usize, tried: Option<&[Tried]>) -> Result<(), Failure>;
}

/// What an expert made of a prompt. `None`: nothing that can be tried.
pub struct Reflected {
    pub expert: String,
    pub proposal: Option<Proposal>,
}

/// Why a search ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// What is left of the budget is not enough to try another prompt.
    Budget,
    /// Nothing goes wrong, or every change was tried.
    Nothing,
    Stopped,
}

pub struct Evolved {
    pub tried: Vec<Tried>,
    /// The place of the best: most right of the questions that are chosen by, then fewest tokens, then the oldest.
    pub best: usize,
    pub spent: usize,
    pub end: End,
}

/// Broken off in the middle of a prompt.
struct Halt;

struct Search<'a> {
    world: &'a mut dyn World,
    dice: &'a mut Dice,
    feedback: &'a [usize],
    front: &'a [usize],
    budget: usize,
    spent: usize,
    tried: Vec<Tried>,
    /// Answers of each prompt by question.
    answers: Vec<BTreeMap<usize, Rollout>>,
    /// What each prompt may still be changed to; `None`: nobody proposed yet.
    changes: Vec<Option<VecDeque<Proposal>>>,
    known: HashSet<Prompt>,
    /// Of the questions to learn from, those that come next.
    next: VecDeque<usize>,
    merged: HashSet<(usize, usize)>,
}

/// Tries prompts until `budget` questions were asked, or nothing is left to try.
pub fn evolve(
    world: &mut dyn World,
    given: Prompt,
    feedback: &[usize],
    front: &[usize],
    budget: usize,
    dice: &mut Dice,
) -> Result<Evolved, Failure> {
    let mut search = Search {
        world,
        dice,
        feedback,
        front,
        budget,
        spent: 0,
        tried: Vec::new(),
        answers: Vec::new(),
        changes: Vec::new(),
        known: HashSet::new(),
        next: VecDeque::new(),
        merged: HashSet::new(),
    };
    let end = search.run(given)?;
    let best = search.best();
    Ok(Evolved { tried: search.tried, best, spent: search.spent, end })
}

impl Search<'_> {
    fn run(&mut self, given: Prompt) -> Result<End, Failure> {
        let first = self.add(given, Vec::new(), Made::Given, "as it is asked now".into());
        if self.admit(first)?.is_err() {
            return Ok(End::Stopped);
        }
        let mut idle = 0;
        while self.spent + 2 * BATCH + self.front.len() <= self.budget {
            // Every question to learn from was right, or nothing was left to change, with everybody that was drawn.
            if idle > 2 * self.feedback.len() {
                return Ok(End::Nothing);
            }
            let turn = match self.tried.len() % MERGE_EVERY {
                0 => self.merge()?,
                _ => None,
            };
            let turn = match turn {
                Some(turn) => turn,
                None => self.mutate()?,
            };
            match turn {
                Ok(true) => idle = 0,
                Ok(false) => idle += 1,
                Err(Halt) => return Ok(End::Stopped),
            }
        }
        Ok(End::Budget)
    }

    /// One parent, one change. `false`: there was nothing to change, or no way to.
    fn mutate(&mut self) -> Result<Result<bool, Halt>, Failure> {
        let weights: Vec<usize> = self.weights();
        let Some(parent) = self.dice.weighed(&weights) else { return Ok(Ok(false)) };
        let batch = self.batch();
        if self.ask_all(parent, &batch)?.is_err() {
            return Ok(Err(Halt));
        }
        if batch.iter().all(|place| self.is_right(parent, *place)) {
            return Ok(Ok(false));
        }
        let (missed, right) = self.went(parent);
        let Some((proposal, made)) = self.proposal(parent, &missed, &right)? else { return Ok(Ok(false)) };
        self.child(proposal, vec![parent], made, &batch).map(|done| done.map(|()| true))
    }

    /// What is tried next of a parent; an expert and plain changes take turns.
    fn proposal(
        &mut self,
        parent: usize,
        missed: &[Missed],
        right: &[Shot],
    ) -> Result<Option<(Proposal, Made)>, Failure> {
        let prompt = self.tried[parent].prompt.clone();
        let room = self.spent + 1 + BATCH + self.front.len() <= self.budget;
        if room
            && self.tried.len() % 2 == 1
            && let Some(Reflected { expert, proposal }) = self.world.reflect(&prompt, missed)?
        {
            self.spent += 1;
            self.world.told(self.spent, None)?;
            if let Some(proposal) = proposal.filter(|proposal| !self.known.contains(&proposal.prompt)) {
                return Ok(Some((proposal, Made::Reflection { expert })));
            }
        }
        if self.changes[parent].is_none() {
            let all = self.world.edits(&prompt, missed, right, self.dice);
            self.changes[parent] = Some(all.into());
        }
        let known = &self.known;
        let changes = self.changes[parent].as_mut();
        let next = changes.and_then(|changes| {
            while changes.front().is_some_and(|next| known.contains(&next.prompt)) {
                changes.pop_front();
            }
            changes.pop_front()
        });
        Ok(next.map(|proposal| (proposal, Made::Edit)))
    }

    /// Two of the front that are no kin, joined part by part. `None`: there are no such two.
    fn merge(&mut self) -> Result<Option<Result<bool, Halt>>, Failure> {
        let on_front: Vec<usize> =
            (0..self.tried.len()).filter(|place| self.tried[*place].on_front).collect();
        let mut pairs: Vec<(usize, usize)> = on_front
            .iter()
            .flat_map(|a| on_front.iter().filter(move |b| *b > a).map(move |b| (*a, *b)))
            .filter(|(a, b)| !self.merged.contains(&(*a, *b)) && !self.ancestors(*b).contains(a))
            .collect();
        self.dice.shuffle(&mut pairs);
        for (a, b) in pairs {
            self.merged.insert((a, b));
            let elders = self.ancestors(a);
            let Some(elder) = self.ancestors(b).into_iter().filter(|elder| elders.contains(elder)).max()
            else {
                continue;
            };
            let of = |place: usize| &self.tried[place].prompt;
            let right = |place: usize| self.tried[place].front.map_or(0, |front| front.right);
            let (better, other) = if right(b) > right(a) { (b, a) } else { (a, b) };
            let prompt = joined(of(elder), of(better), of(other));
            if self.known.contains(&prompt) {
                continue;
            }
            let batch = self.batch();
            if self.ask_all(better, &batch)?.is_err() {
                return Ok(Some(Err(Halt)));
            }
            let change = format!("what {a} and {b} changed, together");
            let child = self.child(Proposal { prompt, change }, vec![better, other], Made::Merge, &batch)?;
            return Ok(Some(child.map(|()| true)));
        }
        Ok(None)
    }

    /// A new prompt answers a few questions, and when it does better on them than its parent, all.
    fn child(
        &mut self,
        proposal: Proposal,
        parents: Vec<usize>,
        made: Made,
        batch: &[usize],
    ) -> Result<Result<(), Halt>, Failure> {
        let parent = parents[0];
        let place = self.add(proposal.prompt, parents, made, proposal.change);
        let asked = self.ask_all(place, batch)?;
        let (own, before) = (self.count(place, batch), self.count(parent, batch));
        (self.tried[place].batch, self.tried[place].parent_batch) = (Some(own), Some(before));
        if asked.is_err() {
            self.tell()?;
            return Ok(Err(Halt));
        }
        // A merge is let in when nothing is lost: what it joins was good on its own.
        let is_merge = self.tried[place].made == Made::Merge;
        if own.right > before.right || (is_merge && own.right == before.right) {
            return self.admit(place);
        }
        self.tell()?;
        Ok(Ok(()))
    }

    /// All questions that prompts are chosen by.
    fn admit(&mut self, place: usize) -> Result<Result<(), Halt>, Failure> {
        let asked = self.ask_all(place, self.front)?;
        if asked.is_ok() {
            self.tried[place].front = Some(self.count(place, self.front));
            self.draw_front();
        }
        self.tell()?;
        Ok(asked)
    }

    fn tell(&mut self) -> Result<(), Failure> {
        self.world.told(self.spent, Some(&self.tried))
    }

    fn add(&mut self, prompt: Prompt, parents: Vec<usize>, made: Made, change: String) -> usize {
        let place = self.tried.len();
        self.known.insert(prompt.clone());
        self.tried.push(Tried { place, parents, made, change, prompt, ..Tried::default() });
        self.answers.push(BTreeMap::new());
        self.changes.push(None);
        place
    }

    fn ask_all(&mut self, place: usize, questions: &[usize]) -> Result<Result<(), Halt>, Failure> {
        for question in questions {
            if self.answers[place].contains_key(question) {
                continue;
            }
            let Some(rollout) = self.world.ask(&self.tried[place].prompt, *question)? else {
                return Ok(Err(Halt));
            };
            self.spent += 1;
            self.answers[place].insert(*question, rollout);
            let tokens: u64 = self.answers[place].values().map(|one| u64::from(one.prompt_tokens)).sum();
            self.tried[place].prompt_tokens = tokens as f32 / self.answers[place].len() as f32;
            self.world.told(self.spent, None)?;
        }
        Ok(Ok(()))
    }

    fn is_right(&self, place: usize, question: usize) -> bool {
        self.answers[place].get(&question).is_some_and(|rollout| rollout.right)
    }

    /// Of those that it was asked.
    fn count(&self, place: usize, questions: &[usize]) -> Count {
        let asked = questions.iter().filter(|question| self.answers[place].contains_key(question));
        let right = questions.iter().filter(|question| self.is_right(place, **question)).count();
        Count { right, n: asked.count() }
    }

    /// The next few questions to learn from; when all were there, again in another order.
    fn batch(&mut self) -> Vec<usize> {
        let mut batch = Vec::with_capacity(BATCH);
        while batch.len() < BATCH.min(self.feedback.len()) {
            if self.next.is_empty() {
                let mut all = self.feedback.to_vec();
                self.dice.shuffle(&mut all);
                self.next = all.into();
            }
            let Some(next) = self.next.pop_front() else { break };
            if !batch.contains(&next) {
                batch.push(next);
            }
        }
        batch
    }

    /// What went wrong with this prompt among the questions to learn from, and what went right with anybody.
    fn went(&self, place: usize) -> (Vec<Missed>, Vec<Shot>) {
        let of_feedback =
            |place: usize| self.answers[place].iter().filter(|(at, _)| self.feedback.contains(at));
        let missed = of_feedback(place).filter(|(_, rollout)| !rollout.right).map(|(at, rollout)| {
            let (question, expected) = self.world.question(*at);
            Missed { question: question.into(), expected: expected.into(), answer: rollout.answer.clone() }
        });
        let mut right: BTreeMap<usize, Shot> = BTreeMap::new();
        for (at, rollout) in (0..self.tried.len()).flat_map(of_feedback).filter(|(_, rollout)| rollout.right)
        {
            let question = self.world.question(*at).0.to_owned();
            right.entry(*at).or_insert_with(|| Shot { question, answer: rollout.answer.trim().to_owned() });
        }
        (missed.collect(), right.into_values().collect())
    }

    /// Who is on the front, and at how many questions nobody is better.
    fn draw_front(&mut self) {
        let inside: Vec<usize> =
            (0..self.tried.len()).filter(|place| self.tried[*place].front.is_some()).collect();
        let scores: BTreeMap<usize, Vec<bool>> = inside
            .iter()
            .map(|place| {
                (*place, self.front.iter().map(|question| self.is_right(*place, *question)).collect())
            })
            .collect();
        let tokens = |place: usize| self.tried[place].prompt_tokens;
        let beats = |one: usize, other: usize| {
            let (of_one, of_other) = (&scores[&one], &scores[&other]);
            let never_worse = of_one.iter().zip(of_other).all(|(one, other)| one >= other);
            // Of two that are right on the same questions the shorter stays, or the older.
            let shorter = (tokens(one), one) < (tokens(other), other);
            one != other && never_worse && (of_one != of_other || shorter)
        };
        let on_front: Vec<usize> = inside
            .iter()
            .copied()
            .filter(|place| !inside.iter().any(|other| beats(*other, *place)))
            .collect();
        let most: Vec<bool> =
            (0..self.front.len()).map(|at| scores.values().any(|scores| scores[at])).collect();
        for place in inside {
            let best_at = scores[&place].iter().zip(&most).filter(|(own, most)| own == most).count();
            let is_there = on_front.contains(&place);
            let tried = &mut self.tried[place];
            (tried.on_front, tried.best_at) = (is_there, best_at);
        }
    }

    /// How likely each prompt becomes a parent.
    fn weights(&self) -> Vec<usize> {
        let is_open = |place: usize| self.changes[place].as_ref().is_none_or(|changes| !changes.is_empty());
        self.tried
            .iter()
            .map(|tried| if tried.on_front && is_open(tried.place) { tried.best_at } else { 0 })
            .collect()
    }

    fn ancestors(&self, place: usize) -> Vec<usize> {
        let mut found = vec![place];
        let mut at = 0;
        while at < found.len() {
            for parent in &self.tried[found[at]].parents {
                if !found.contains(parent) {
                    found.push(*parent);
                }
            }
            at += 1;
        }
        found
    }

    fn best(&self) -> usize {
        let right = |tried: &Tried| tried.front.map_or(0, |front| front.right);
        let inside = self.tried.iter().filter(|tried| tried.front.is_some());
        let best = inside.max_by(|a, b| {
            let tokens = b.prompt_tokens.total_cmp(&a.prompt_tokens);
            right(a).cmp(&right(b)).then(tokens).then(b.place.cmp(&a.place))
        });
        best.map_or(0, |best| best.place)
    }
}

/// Of every part the one that was changed; where both changed it, that of the better one.
fn joined(elder: &Prompt, better: &Prompt, other: &Prompt) -> Prompt {
    fn part<T: PartialEq + Clone>(elder: &T, better: &T, other: &T) -> T {
        if better == elder { other.clone() } else { better.clone() }
    }
    Prompt {
        system: part(&elder.system, &better.system, &other.system),
        layout: part(&elder.layout, &better.layout, &other.layout),
        shots: part(&elder.shots, &better.shots, &other.shots),
        words: better.words,
    }
}

#[cfg(test)]
mod tests;
