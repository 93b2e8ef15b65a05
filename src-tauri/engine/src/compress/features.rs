//! Features: what is known of each unit beside a question, as the numbers that [`super::scorer`] weighs.
//!
//! In:     a context in units with its terms, and a question that has a term in common with it
//! Out:    [`COUNT`] numbers a unit, most of them 0 to 1
//! Cost:   linear in the terms of the context

use super::kin::families;
use super::relevance::{ASKING, Parts, Terms, WEIGHTS, first_units, parts};
use super::sought::Sought;
use super::units::Unit;
use crate::archive::{built_in_vectors, terms};
use std::collections::HashMap;

/// What each number of a unit is, in order; `scorer.txt` weighs them by these names.
pub const NAMES: [&str; 64] = [
    "own", "around", "near", "place", "kind", "pairs", "hand", "around_of_most", "passage_rank",
    "own_of_most", "rank_within", "literal", "any", "passage", "before", "first", "passage_lead", "length",
    "leans", "is_first", "is_last", "capitals", "digit", "year", "month", "names", "novel", "together",
    "passage_behind", "behind_within", "hand_of_most", "begun", "aside", "time_year", "time_month",
    "time_digit", "number_digit", "number_word", "person_names", "person_capitals", "person_leans",
    "place_at", "place_capitals", "thing_names", "thing_aside", "kin", "rarest", "length_any",
    "rarest_passage", "name_terms", "name_terms_passage", "other_terms", "other_terms_passage",
    "passage_kin", "is_first_passage", "person_kin", "passage_length", "kind_missing", "means",
    "passage_means", "means_of_mean", "passage_means_behind", "passage_means_rank", "means_behind_within",
];

pub const COUNT: usize = NAMES.len();

/// ln(1 + terms) / 4 of the unit: what it costs.
pub const LENGTH: usize = 17;

/// A question's further terms than these are not looked for.
const MOST_TERMS: usize = 64;

/// One row a unit; none when the text has nothing of the question.
pub fn features(text: &str, units: &[Unit], terms_of: &Terms, question: &str) -> Vec<[f32; COUNT]> {
    let Some(parts) = parts(text, units, terms_of, Some(question), &WEIGHTS) else {
        return Vec::new();
    };
    let found = Found::of(text, units, terms_of, question);
    let passages = Passages::of(units, &parts, &found);
    let first = first_units(units);
    let asks = Asks::of(question);
    let means = Means::of(text, units, question);
    let most = |values: &[f32]| values.iter().copied().fold(f32::MIN_POSITIVE, f32::max);
    let (most_own, most_around, most_score) = (most(&parts.own), most(&parts.around), most(&parts.score));
    units
        .iter()
        .enumerate()
        .map(|(at, unit)| {
            let passage = &passages.of[unit.passage];
            let shape = Shape::of(&text[unit.body()]);
            let (lit, all) = (found.literal[at], found.any[at]);
            let same = |other: usize| units.get(other).is_some_and(|other| other.passage == unit.passage);
            let before =
                at.checked_sub(1).filter(|&before| same(before)).map_or(0, |before| found.any[before]);
            let length = terms_of.of[at].len() as f32;
            let novel = length - found.hits[at];
            let size = |n: f32| (1.0 + n).ln() / 4.0;
            let when = |asked: bool, there: bool| f32::from(u8::from(asked && there));
            let there = |there: bool| f32::from(u8::from(there));
            let [lit, any] = [lit, all].map(|mask| found.share(mask));
            [
                parts.own[at],
                parts.around[at],
                parts.near[at],
                parts.place[at],
                parts.kind[at],
                parts.pairs[at],
                parts.score[at],
                parts.around[at] / most_around,
                1.0 / (1.0 + passage.rank as f32),
                parts.own[at] / most_own,
                1.0 / (1.0 + passages.rank_within[at] as f32),
                lit,
                any,
                found.share(passage.mask),
                found.share(all | before),
                found.share(all | found.any[first[unit.passage]]),
                found.share(passage.mask) - passages.best_other(unit.passage),
                size(length),
                there(shape.leans),
                there(at == first[unit.passage]),
                there(!same(at + 1)),
                shape.capitals,
                there(shape.digit),
                there(shape.year),
                there(shape.month),
                there(shape.names),
                size(novel),
                found.together(&terms_of.of[at]),
                passage.best - most_score,
                parts.score[at] - passage.best,
                parts.score[at] / most_score,
                there(shape.begun),
                there(shape.aside),
                when(asks.time, shape.year),
                when(asks.time, shape.month),
                when(asks.time, shape.digit),
                when(asks.number, shape.digit),
                when(asks.number, shape.number_word),
                when(asks.person, shape.names),
                when(asks.person, shape.capitals > 0.15),
                when(asks.person, shape.leans),
                when(asks.place, shape.at_a_place),
                when(asks.place, shape.capitals > 0.15),
                when(asks.thing, shape.names),
                when(asks.thing, shape.aside),
                any - lit,
                found.share(found.rarest & all),
                size(length) * any,
                found.share(found.rarest & passage.mask),
                found.part(all, found.names),
                found.part(passage.mask, found.names),
                found.part(all & !found.names, !found.names),
                found.part(passage.mask & !found.names, !found.names),
                found.share(passage.mask) - found.share(passage.literal),
                there(at == first[unit.passage]) * found.share(passage.mask),
                when(asks.person || asks.thing, any > lit),
                size(passage.length as f32),
                when(asks.time || asks.number || asks.place || asks.person, parts.kind[at] == 0.0),
                means.unit[at],
                means.passage[unit.passage],
                means.unit[at] - means.mean,
                means.passage[unit.passage] - means.most,
                1.0 / (1.0 + means.rank[unit.passage] as f32),
                means.unit[at] - means.best[unit.passage],
            ]
        })
        .collect()
}

/// Where the terms of the question stand: a bit for each.
struct Found {
    /// As the question says them, and also as their kin.
    literal: Vec<u64>,
    any: Vec<u64>,
    /// Terms of each unit that are the question's or kin.
    hits: Vec<f32>,
    weights: Vec<f32>,
    rarest: u64,
    /// Terms that the context mostly writes with a capital.
    names: u64,
    /// Bits of each term of the context.
    bits: Vec<u64>,
}

impl Found {
    fn of(text: &str, units: &[Unit], terms_of: &Terms, question: &str) -> Found {
        let mut wanted: Vec<String> = Vec::new();
        for term in terms(question) {
            if wanted.len() < MOST_TERMS && !ASKING.contains(&term.as_str()) && !wanted.contains(&term) {
                wanted.push(term);
            }
        }
        let mut by_family: HashMap<u16, u64> = HashMap::new();
        let mut by_term: HashMap<&str, u64> = HashMap::new();
        for (bit, term) in wanted.iter().enumerate() {
            by_term.insert(term, 1 << bit);
            families(term).iter().for_each(|&family| *by_family.entry(family).or_default() |= 1 << bit);
        }
        let count = terms_of.known.len();
        let (mut as_said, mut bits) = (vec![0u64; count], vec![0u64; count]);
        for (term, &id) in &terms_of.known {
            let said = by_term.get(term.as_str()).copied().unwrap_or_default();
            let kin = families(term).iter().filter_map(|family| by_family.get(family));
            as_said[id as usize] = said;
            bits[id as usize] = kin.fold(said, |all, bits| all | bits);
        }
        let mask = |bits: &[u64], ids: &[u32]| ids.iter().fold(0, |all, &id| all | bits[id as usize]);
        let literal: Vec<u64> = terms_of.of.iter().map(|ids| mask(&as_said, ids)).collect();
        let any: Vec<u64> = terms_of.of.iter().map(|ids| mask(&bits, ids)).collect();
        let hits = terms_of
            .of
            .iter()
            .map(|ids| ids.iter().filter(|&&id| bits[id as usize] != 0).count() as f32)
            .collect();
        let n = any.len() as f32;
        let weights: Vec<f32> = (0..wanted.len())
            .map(|bit| {
                let within = any.iter().filter(|&&mask| mask & (1 << bit) != 0).count() as f32;
                (1.0 + (n - within + 0.5) / (within + 0.5)).ln()
            })
            .collect();
        let known = any.iter().fold(0, |all, mask| all | mask);
        let rarest = (0..wanted.len())
            .filter(|bit| known & (1 << bit) != 0)
            .max_by(|&a, &b| weights[a].total_cmp(&weights[b]))
            .map_or(0, |bit| 1 << bit);
        let names = names(text, units, &wanted);
        Found { literal, any, hits, weights, rarest, names, bits }
    }

    /// The part of the question that these bits are, by rarity.
    fn share(&self, mask: u64) -> f32 {
        let all: f32 = self.weights.iter().sum();
        let some: f32 =
            self.weights.iter().enumerate().filter(|(bit, _)| mask & (1 << bit) != 0).map(|(_, w)| w).sum();
        some / all.max(f32::MIN_POSITIVE)
    }

    /// The part of some bits that these are; 0 when there are none.
    fn part(&self, mask: u64, of: u64) -> f32 {
        let all = self.share(of);
        if all == 0.0 { 0.0 } else { self.share(mask & of) / all }
    }

    /// How close two different terms of the question stand in a unit: 1 side by side, 0 when there are no two.
    fn together(&self, ids: &[u32]) -> f32 {
        let places = ids.iter().enumerate().map(|(at, &id)| (at, self.bits[id as usize]));
        let places: Vec<(usize, u64)> = places.filter(|(_, bits)| *bits != 0).collect();
        let gap =
            places.windows(2).filter(|pair| pair[0].1 & pair[1].1 == 0).map(|pair| pair[1].0 - pair[0].0);
        gap.min().map_or(0.0, |gap| 1.0 / gap as f32)
    }
}

/// The bits of the terms that stand in the context mostly with a capital where no sentence begins.
fn names(text: &str, units: &[Unit], wanted: &[String]) -> u64 {
    let mut counts = vec![(0u32, 0u32); wanted.len()];
    for unit in units {
        for word in text[unit.body()].split_whitespace().skip(1) {
            let bare = word.trim_matches(|c: char| !c.is_alphanumeric());
            let Some(first) = bare.chars().next() else { continue };
            for (term, (capital, all)) in wanted.iter().zip(&mut counts) {
                // A stem begins the words that it is the stem of, but for a last y.
                let same = term.is_char_boundary(first.len_utf8())
                    && term.chars().next().is_some_and(|begin| first.to_lowercase().eq([begin]))
                    && bare
                        .get(first.len_utf8()..)
                        .is_some_and(|rest| rest.to_lowercase().starts_with(&term[first.len_utf8()..]));
                *all += u32::from(same);
                *capital += u32::from(same && first.is_uppercase());
            }
        }
    }
    let mostly = counts.iter().enumerate().filter(|(_, (capital, all))| 2 * capital > *all);
    mostly.fold(0, |names, (bit, _)| names | 1 << bit)
}

struct Passage {
    mask: u64,
    /// As the question says them.
    literal: u64,
    /// Units.
    length: usize,
    /// The score of its best unit, and how many passages have a better one.
    best: f32,
    rank: usize,
}

struct Passages {
    of: Vec<Passage>,
    /// Of each unit, how many of its passage score better.
    rank_within: Vec<usize>,
    /// Passage and share of the question of the one that has most of it, and of the next.
    leaders: [(usize, f32); 2],
}

impl Passages {
    fn of(units: &[Unit], parts: &Parts, found: &Found) -> Passages {
        let count = units.last().map_or(0, |unit| unit.passage + 1);
        let mut of: Vec<Passage> = (0..count)
            .map(|_| Passage { mask: 0, literal: 0, length: 0, best: f32::NEG_INFINITY, rank: 0 })
            .collect();
        let mut rank_within = vec![0; units.len()];
        let mut start = 0;
        for run in units.chunk_by(|a, b| a.passage == b.passage) {
            let passage = &mut of[run[0].passage];
            let mut order: Vec<usize> = (start..start + run.len()).collect();
            for &at in &order {
                passage.mask |= found.any[at];
                passage.literal |= found.literal[at];
                passage.length += 1;
                passage.best = passage.best.max(parts.score[at]);
            }
            order.sort_by(|&a, &b| parts.score[b].total_cmp(&parts.score[a]));
            order.into_iter().enumerate().for_each(|(rank, at)| rank_within[at] = rank);
            start += run.len();
        }
        let mut order: Vec<usize> = (0..count).collect();
        order.sort_by(|&a, &b| of[b].best.total_cmp(&of[a].best));
        order.into_iter().enumerate().for_each(|(rank, at)| of[at].rank = rank);
        let mut leaders = [(usize::MAX, 0.0f32); 2];
        for (at, passage) in of.iter().enumerate() {
            let share = found.share(passage.mask);
            if share > leaders[0].1 {
                leaders = [(at, share), leaders[0]];
            } else if share > leaders[1].1 {
                leaders[1] = (at, share);
            }
        }
        Passages { of, rank_within, leaders }
    }

    /// The share of the question that the best of the other passages has.
    fn best_other(&self, passage: usize) -> f32 {
        self.leaders[usize::from(self.leaders[0].0 == passage)].1
    }
}

/// Cosines with the question, by the built-in vectors; 0 where none are built in.
struct Means {
    unit: Vec<f32>,
    /// Of all units, and of the nearest passage.
    mean: f32,
    most: f32,
    /// Of each passage: that of all its words, how many passages are nearer, and that of its nearest unit.
    passage: Vec<f32>,
    rank: Vec<usize>,
    best: Vec<f32>,
}

impl Means {
    fn of(text: &str, units: &[Unit], question: &str) -> Means {
        let count = units.last().map_or(0, |unit| unit.passage + 1);
        let (mut unit, mut passage) = (vec![0.0; units.len()], vec![0.0; count]);
        if let Some(table) = built_in_vectors() {
            let asked = table.embed(question);
            let mut sums = vec![vec![0.0f32; table.width()]; count];
            for (unit, cosine) in units.iter().zip(&mut unit) {
                let own = table.sum(&text[unit.body()]);
                *cosine = cosine_of(&asked, &own);
                sums[unit.passage].iter_mut().zip(&own).for_each(|(sum, x)| *sum += x);
            }
            passage = sums.iter().map(|sum| cosine_of(&asked, sum)).collect();
        }
        let mut best = vec![f32::MIN; count];
        for (one, cosine) in units.iter().zip(&unit) {
            best[one.passage] = best[one.passage].max(*cosine);
        }
        let nearer = |cosine: &f32| passage.iter().filter(|other| *other > cosine).count();
        let rank = passage.iter().map(nearer).collect();
        let mean = unit.iter().sum::<f32>() / unit.len().max(1) as f32;
        let most = passage.iter().copied().fold(f32::MIN, f32::max);
        Means { unit, mean, most, passage, rank, best }
    }
}

/// With a vector of length 1; 0 with nothing.
fn cosine_of(unit: &[f32], other: &[f32]) -> f32 {
    let length = other.iter().map(|x| x * x).sum::<f32>().sqrt();
    let product: f32 = unit.iter().zip(other).map(|(a, b)| a * b).sum();
    if length > 1e-6 { product / length } else { 0.0 }
}

/// What a question asks for, finer than [`Sought`].
struct Asks {
    time: bool,
    number: bool,
    person: bool,
    place: bool,
    thing: bool,
}

impl Asks {
    fn of(question: &str) -> Asks {
        let sought = Sought::of(question);
        let low = question.to_lowercase();
        let has = |word: &str| low.split(|c: char| !c.is_alphanumeric()).any(|other| other == word);
        Asks {
            time: sought == Sought::Time,
            number: sought == Sought::Number,
            person: sought == Sought::Name && (has("who") || has("whom") || has("whose")),
            place: sought == Sought::Name && has("where"),
            thing: matches!(sought, Sought::Anything),
        }
    }
}

const MONTHS: [&str; 12] = [
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
    "November", "December",
];

const NUMBER_WORDS: [&str; 18] = [
    "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    "twenty", "thirty", "hundred", "thousand", "million", "billion",
];

/// A sentence that begins so speaks of what the one before it named.
const LEANING: [&str; 14] = [
    "it", "he", "she", "they", "this", "these", "those", "his", "her", "its", "their", "such", "however",
    "that",
];

/// What the words of a unit look like.
#[derive(Default)]
struct Shape {
    /// The part of its words, but the first, that begin with a capital.
    capitals: f32,
    /// Two such words side by side.
    names: bool,
    digit: bool,
    year: bool,
    month: bool,
    number_word: bool,
    at_a_place: bool,
    leans: bool,
    /// Its beginning is not there: a small letter begins it.
    begun: bool,
    /// It has brackets or quotes.
    aside: bool,
}

impl Shape {
    fn of(text: &str) -> Shape {
        let mut shape = Shape::default();
        let (mut words, mut capitals) = (0usize, 0usize);
        let (mut after_capital, mut after_where) = (false, false);
        for word in text.split_whitespace() {
            let bare = word.trim_matches(|c: char| !c.is_alphanumeric());
            let capital = bare.chars().next().is_some_and(char::is_uppercase);
            if words == 0 {
                let low = bare.to_lowercase();
                shape.leans = LEANING.contains(&low.as_str());
                shape.begun = bare.chars().next().is_some_and(char::is_lowercase);
            } else if capital {
                capitals += 1;
                shape.names |= after_capital;
                shape.at_a_place |= after_where;
                shape.month |= MONTHS.contains(&bare);
            }
            let digits = bare.bytes().take_while(u8::is_ascii_digit).count();
            shape.digit |= bare.bytes().any(|byte| byte.is_ascii_digit());
            shape.year |= digits == 4 && matches!(bare.as_bytes()[0], b'1' | b'2');
            shape.number_word |= NUMBER_WORDS.contains(&bare);
            shape.aside |= word.starts_with(['(', '"', '“']);
            after_capital =
                capital && words > 0 && bare.len() > 1 && word.ends_with(|c: char| c.is_alphanumeric());
            after_where = matches!(word, "in" | "at" | "near" | "to" | "from" | "of" | "on");
            words += 1;
        }
        shape.capitals = capitals as f32 / words.max(1) as f32;
        shape
    }
}

#[cfg(test)]
mod tests {
    use super::super::units::units;
    use super::*;

    /// The named numbers of each unit.
    fn named(text: &str, question: &str, names: &[&str]) -> Vec<Vec<f32>> {
        let units = units(text);
        let at = |name: &&str| NAMES.iter().position(|other| other == name).expect("a feature's name");
        let places: Vec<usize> = names.iter().map(at).collect();
        let rows = features(text, &units, &Terms::of(text, &units), question);
        rows.iter().map(|row| places.iter().map(|&place| row[place]).collect()).collect()
    }

    const TEXT: &str = "The Long Road was made in 1998 by a small studio. Principal photography took place in Old Town.\n\nA road is long when many walk it. Bread is baked before dawn.";

    #[test]
    fn numbers_stand_under_their_names() {
        let rows = named(
            TEXT,
            "when was the long road filmed",
            &["is_first", "is_last", "year", "time_year", "names"],
        );
        assert_eq!(rows[0], [1.0, 0.0, 1.0, 1.0, 1.0]);
        assert_eq!(rows[1], [0.0, 1.0, 0.0, 0.0, 1.0]);
        assert_eq!(rows[2], [1.0, 0.0, 0.0, 0.0, 0.0]);
        // Ten words and a number.
        let length = named(TEXT, "long road", &[NAMES[LENGTH]])[0][0];
        assert_eq!((NAMES[LENGTH], length), ("length", (1.0 + 11.0f32).ln() / 4.0));
    }

    #[test]
    fn a_word_of_the_same_family_is_found_and_a_stranger_is_not() {
        let rows = named(TEXT, "where was the long road filmed", &["literal", "any", "kin"]);
        let [literal, any, kin] = rows[1][..] else { unreachable!("three were asked for") };
        assert_eq!(literal, 0.0, "it repeats no word of the question");
        assert!(any > 0.0 && kin == any, "photography answers filmed: {rows:?}");
        assert_eq!(rows[3], [0.0; 3], "bread has nothing to do with it");
    }

    #[test]
    fn a_name_of_the_question_is_told_from_the_same_words_small() {
        let rows = named(
            "We saw the Long Road then. Nobody sleeps.\n\nThey went on to Long Road and ate.",
            "who made the long road",
            &["name_terms"],
        );
        assert!(rows[0][0] > 0.0 && rows[1][0] == 0.0 && rows[2][0] > 0.0, "{rows:?}");
        let small =
            named("We saw the long road then. Nobody sleeps.", "who made the long road", &["name_terms"]);
        assert_eq!(small[0][0], 0.0);
    }

    #[test]
    fn every_number_of_any_text_is_finite() {
        let many = (0..100).map(|n| format!("word{n}")).collect::<Vec<_>>().join(" ");
        let texts = [
            "a", "東京は日本の首都です。人口は多い。", "# A\n\n# B\n\nb", "İstanbul İ. ß SS. 1.",
            "- x\n- y\n\n|a|b|\n", &many,
        ];
        for text in texts {
            for question in ["a b x", "首都は東京", "İstanbul ß", &many, "who 1"] {
                for row in named(text, question, &NAMES) {
                    assert!(
                        row.iter().all(|x| x.is_finite() && x.abs() < 100.0),
                        "{text:?} {question:?}: {row:?}"
                    );
                }
            }
        }
    }
}
