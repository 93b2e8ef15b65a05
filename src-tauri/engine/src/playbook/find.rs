//! Find: what of the playbook bears on a question, and which bullets say the same; one likeness for both, of the words and,
//! with an encoder, of the meaning, fused as search does.

use super::{ANY, Bullet, BulletKind, Playbook};
use crate::archive::meaning::{Meant, Vectors};
use crate::archive::{ArchiveError, terms};
use crate::words::{Advised, Origin};
use std::collections::{HashMap, HashSet};

/// From here on two bullets say the same.
const SAME: f32 = 0.8;
/// From here on a trajectory is of a question like this one.
const LIKE: f32 = 0.5;
const MOST_TRAJECTORIES: usize = 6;
/// So many have their meaning looked at.
const MEANT: usize = 32;
/// As if so many texts were known already, of which a word stands in a few: a small playbook does not say what is rare.
const PRIOR_TEXTS: f32 = 50.0;
const PRIOR_SEEN: f32 = 2.0;

/// Two rules that differ in these are opposites.
const NEGATIONS: [&str; 8] = ["not", "no", "never", "without", "don't", "avoid", "except", "unless"];

/// What bears on a question.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Found {
    /// Of the domain or of any, best first.
    pub bullets: Vec<Advised>,
    pub trajectories: Vec<Advised>,
    pub considered: u32,
}

/// Terms and vectors of the rows, made once.
#[derive(Default)]
pub(super) struct Known {
    terms: HashMap<i64, HashSet<String>>,
    seen: HashMap<String, u32>,
    vectors: Vectors,
}

impl Known {
    /// Nothing stays of rows that are gone.
    pub fn keep(&mut self, all: &[Bullet]) {
        self.terms =
            all.iter().map(|bullet| (bullet.id, terms(subject(bullet)).into_iter().collect())).collect();
        self.seen.clear();
        for term in self.terms.values().flatten() {
            *self.seen.entry(term.clone()).or_default() += 1;
        }
        let texts: HashSet<&str> = all.iter().map(subject).collect();
        self.vectors.keep(|text| texts.contains(text));
    }

    fn rarity(&self, term: &str) -> f32 {
        let seen = self.seen.get(term).copied().unwrap_or(0) as f32;
        ((PRIOR_TEXTS + self.terms.len() as f32) / (PRIOR_SEEN + seen)).ln().max(0.1)
    }

    /// The part of what `asked` is about that stands in `text`, by rarity.
    fn covered(&self, asked: &HashSet<String>, text: &HashSet<String>) -> f32 {
        let weight =
            |terms: &mut dyn Iterator<Item = &String>| terms.map(|term| self.rarity(term)).sum::<f32>();
        let all = weight(&mut asked.iter());
        if all > 0.0 { weight(&mut asked.intersection(text)) / all } else { 0.0 }
    }
}

/// It is for questions of one of these domains, or for all.
pub(super) fn bears(bullet: &Bullet, domains: &[&str]) -> bool {
    bullet.domain == ANY || domains.contains(&bullet.domain.as_str())
}

/// By what a row is found.
fn subject(bullet: &Bullet) -> &str {
    match bullet.kind {
        BulletKind::Bullet => &bullet.text,
        BulletKind::Trajectory => &bullet.applies,
    }
}

impl Playbook {
    /// What bears on a question of these domains. Bullets of them are all there, in the order of their likeness to it: a
    /// rule on how to answer seldom has words of the question.
    pub(crate) fn find(
        &self,
        question: &str,
        domains: &[&str],
        meant: Option<&Meant>,
    ) -> Result<Found, ArchiveError> {
        let mut state = self.state();
        let all = state.all()?;
        let known = &mut state.known;
        let asked: HashSet<String> = terms(question).into_iter().collect();
        let of_domain = |bullet: &&Bullet| bullet.is_in_use() && bears(bullet, domains);
        let mut scored: Vec<(&Bullet, f32)> = all
            .iter()
            .filter(of_domain)
            .map(|bullet| {
                (bullet, known.terms.get(&bullet.id).map_or(0.0, |text| known.covered(&asked, text)))
            })
            .collect();
        scored.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.id.cmp(&b.0.id)));
        if let Some(meant) = meant {
            for (bullet, score) in scored.iter_mut().take(MEANT) {
                let cosine = meant.cosine(subject(bullet), &mut known.vectors).ok();
                *score = meant.fused(*score, cosine);
            }
        }
        // Who harms comes last of equals; what the user wrote comes first.
        let order = |(bullet, score): &(&Bullet, f32)| {
            let balance = bullet.helpful as i64 - bullet.harmful as i64;
            (*score, balance, bullet.origin == Origin::User)
        };
        scored.sort_by(|a, b| {
            let (one, other) = (order(a), order(b));
            other.0.total_cmp(&one.0).then((other.1, other.2).cmp(&(one.1, one.2))).then(a.0.id.cmp(&b.0.id))
        });
        let mut found = Found::default();
        let mut kept: Vec<&Bullet> = Vec::new();
        for (bullet, score) in scored {
            match bullet.kind {
                BulletKind::Bullet => {
                    found.considered += 1;
                    // Two that were merged into one that is forgotten say the same.
                    if same(known, kept.iter().copied(), &bullet.text, None).is_none() {
                        kept.push(bullet);
                        found.bullets.push(advised(bullet, score));
                    }
                }
                BulletKind::Trajectory if score >= LIKE && found.trajectories.len() < MOST_TRAJECTORIES => {
                    found.trajectories.push(advised(bullet, score));
                }
                BulletKind::Trajectory => {}
            }
        }
        Ok(found)
    }
}

fn advised(bullet: &Bullet, score: f32) -> Advised {
    let Bullet { id, title, text, origin, good, .. } = bullet.clone();
    Advised { id, title, text, origin, good, score: (score * 1e4).round() / 1e4 }
}

/// The first of `bullets` that says what `text` says: both are covered by the other, with the same figures and negations.
pub(super) fn same<'b>(
    known: &mut Known,
    mut bullets: impl Iterator<Item = &'b Bullet>,
    text: &str,
    meant: Option<&Meant>,
) -> Option<&'b Bullet> {
    let own: HashSet<String> = terms(text).into_iter().collect();
    bullets.find(|bullet| {
        let empty = HashSet::new();
        let theirs = known.terms.get(&bullet.id).unwrap_or(&empty);
        let words = known.covered(&own, theirs).min(known.covered(theirs, &own));
        let cosine = meant.and_then(|meant| meant.cosine(&bullet.text, &mut known.vectors).ok());
        meant.map_or(words, |meant| meant.fused(words, cosine)) >= SAME && firm(text) == firm(&bullet.text)
    })
}

/// What must be the same where two rules are: figures, and how often they say no.
fn firm(text: &str) -> (Vec<String>, usize) {
    let lower = text.to_lowercase().replace('\u{2019}', "'");
    let words: Vec<&str> = lower.split(|c: char| !c.is_alphanumeric() && c != '\'' && c != '.').collect();
    let mut figures: Vec<String> = words
        .iter()
        .map(|word| word.trim_matches('.'))
        .filter(|word| word.chars().any(|c| c.is_ascii_digit()))
        .map(str::to_owned)
        .collect();
    figures.sort();
    let negations = words.iter().filter(|word| NEGATIONS.contains(word) || word.ends_with("n't")).count();
    (figures, negations)
}
