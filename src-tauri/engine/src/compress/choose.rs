//! Choose: the units that stay, best first, until the budget of tokens is met.

use super::relevance::Terms;
use super::units::{Kind, Unit};
use std::collections::HashMap;

/// A unit says again what another says when this share of its terms stands there, and each of its numbers.
const SAME: f32 = 0.9;

/// Fewer terms than this are too few to call two units the same, unless they are equal.
const FEWEST_TERMS: usize = 5;

/// Whether each unit stays. `must` ones stay whatever they cost; of the others the best by `scores` that fit into
/// `budget` tokens, the same thing once. A heading stays with the first unit of its passage.
pub fn choose(
    units: &[Unit],
    terms: &Terms,
    scores: &[f32],
    tokens: &[u32],
    must: &[bool],
    budget: u32,
) -> Vec<bool> {
    let kept = vec![false; units.len()];
    let mut chosen =
        Chosen { units, terms, tokens, headings: headings(units), kept, spent: 0, told: Told::default() };
    for at in (0..units.len()).filter(|&at| must[at]) {
        chosen.keep(at);
    }
    // The question says nothing of its answer, however alike they are: it was not told.
    chosen.told = Told::default();
    let mut order: Vec<usize> =
        (0..units.len()).filter(|&at| !must[at] && units[at].kind != Kind::Heading).collect();
    order.sort_by(|&a, &b| scores[b].total_cmp(&scores[a]).then(a.cmp(&b)));
    let (mut left_out, mut told) = (Vec::new(), Vec::new());
    for at in order {
        if chosen.told.again(at, terms) {
            told.push(at);
        } else if !chosen.fits(at, budget) {
            left_out.push(at);
        }
    }
    // Only when all that is new is in, what was told already.
    if left_out.is_empty() {
        for at in told {
            chosen.fits(at, budget);
        }
    }
    chosen.come_nearer(&left_out, must, scores, budget);
    chosen.kept
}

struct Chosen<'a> {
    units: &'a [Unit],
    terms: &'a Terms,
    tokens: &'a [u32],
    /// Of each passage.
    headings: Vec<Option<usize>>,
    kept: Vec<bool>,
    spent: u32,
    told: Told,
}

impl Chosen<'_> {
    /// Tokens that keeping this unit adds, with its heading when that is not in yet.
    fn cost(&self, at: usize) -> u32 {
        self.tokens[at] + self.heading(at).map_or(0, |heading| self.tokens[heading])
    }

    /// The heading of the unit's passage that is not kept yet.
    fn heading(&self, at: usize) -> Option<usize> {
        self.headings[self.units[at].passage].filter(|&heading| !self.kept[heading] && heading != at)
    }

    /// Keeps it if it fits.
    fn fits(&mut self, at: usize, budget: u32) -> bool {
        let fits = self.spent + self.cost(at) <= budget;
        if fits {
            self.keep(at);
        }
        fits
    }

    fn keep(&mut self, at: usize) {
        if let Some(heading) = self.heading(at) {
            self.kept[heading] = true;
            self.spent += self.tokens[heading];
        }
        if !self.kept[at] {
            self.kept[at] = true;
            self.spent += self.tokens[at];
            self.told.hear(at, self.terms);
        }
    }

    /// One exchange of the least kept unit for one that was left out, where that comes nearest to the budget.
    fn come_nearer(&mut self, left_out: &[usize], must: &[bool], scores: &[f32], budget: u32) {
        let far = |spent: u32| spent.abs_diff(budget);
        // The best of what did not fit may also go over the budget by less than what is missing now.
        let over = left_out
            .iter()
            .take(8)
            .copied()
            .find(|&at| far(self.spent + self.cost(at)) < far(self.spent) / 2);
        if let Some(at) = over {
            self.keep(at);
            return;
        }
        let least = (0..self.units.len())
            .filter(|&at| self.kept[at] && !must[at] && self.units[at].kind != Kind::Heading)
            .min_by(|&a, &b| scores[a].total_cmp(&scores[b]));
        let Some(least) = least else { return };
        let without = self.spent - self.tokens[least];
        let better = left_out.iter().take(16).copied().min_by_key(|&at| far(without + self.cost(at)));
        if let Some(at) = better
            && far(without + self.cost(at)) * 2 < far(self.spent)
        {
            self.kept[least] = false;
            self.spent = without;
            self.keep(at);
        }
    }
}

/// The unit that names each passage: its first, where that is a heading.
fn headings(units: &[Unit]) -> Vec<Option<usize>> {
    let mut headings: Vec<Option<usize>> = vec![None; units.last().map_or(0, |unit| unit.passage + 1)];
    for (at, unit) in units.iter().enumerate().rev() {
        headings[unit.passage] = (unit.kind == Kind::Heading).then_some(at);
    }
    headings
}

/// What the kept units say, to hear it when another says it again.
#[derive(Default)]
struct Told {
    /// Kept units by their rarest terms.
    by_term: HashMap<u32, Vec<usize>>,
}

impl Told {
    /// The unit's distinct terms, rarest first.
    fn distinct(at: usize, terms: &Terms) -> Vec<u32> {
        let mut ids = terms.of[at].clone();
        ids.sort_unstable();
        ids.dedup();
        ids.sort_by(|&a, &b| terms.rarity(b).total_cmp(&terms.rarity(a)));
        ids
    }

    fn hear(&mut self, at: usize, terms: &Terms) {
        for id in Self::distinct(at, terms) {
            let heard = self.by_term.entry(id).or_default();
            // A word that is everywhere tells nothing apart.
            if heard.len() < 32 {
                heard.push(at);
            }
        }
    }

    /// A kept unit says the same.
    fn again(&self, at: usize, terms: &Terms) -> bool {
        let ids = Self::distinct(at, terms);
        let candidates = ids.iter().take(3).filter_map(|id| self.by_term.get(id)).flatten();
        let mut looked_at: Vec<usize> = Vec::new();
        for &other in candidates {
            if looked_at.contains(&other) {
                continue;
            }
            looked_at.push(other);
            if terms.of[at] == terms.of[other] {
                return true;
            }
            let theirs = &terms.of[other];
            let (mut shared, mut numbers) = (0, true);
            for &id in &ids {
                let there = theirs.contains(&id);
                shared += usize::from(there);
                numbers &= there || !terms.is_number(id);
            }
            if numbers && ids.len() >= FEWEST_TERMS && shared as f32 >= SAME * ids.len() as f32 {
                return true;
            }
        }
        false
    }
}
