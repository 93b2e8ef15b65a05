//! Self-assessment: how well an expert can handle a question, from what its manifest declares. Plain scanning
//! of words, numbers and signs; about ten microseconds an expert, so that it runs on every key of the draft.

use crate::words::Reading;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use ts_rs::TS;

/// By what an expert recognises a question that is its own. Evidence adds up as independent hints do (1 minus the
/// product of what each leaves open), limits cut what came together.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, TS)]
#[serde(default)]
pub struct Handles {
    /// Words or phrases, lowercase, with how much each says, 0 to 1. A `*` at the end stands for any ending.
    pub keywords: BTreeMap<String, f32>,
    /// Signs that count between numbers (`%` also after one).
    pub operators: Vec<String>,
    /// Names and signs of units, lowercase.
    pub units: Vec<String>,
    /// Words of programming, lowercase.
    pub code_words: Vec<String>,
    /// Text in quotes is a hint.
    pub quotes: bool,
    /// Words or phrases that speak against it, lowercase; `*` as in `keywords`.
    pub not: Vec<String>,
    /// Without a number it can do nothing.
    pub needs_numbers: bool,
    /// The most digits of a number.
    pub max_digits: Option<u32>,
    /// The most words of a question.
    pub max_words: Option<u32>,
    /// The highest complexity, 0 to 10.
    pub max_complexity: Option<f32>,
}

/// How much each kind of hint says.
const OPERATOR: f32 = 0.85;
const ONE_UNIT: f32 = 0.5;
const TWO_UNITS: f32 = 0.85;
const CODE: f32 = 0.6;
const QUOTES: f32 = 0.3;

/// Nobody is sure of himself.
const MOST: f32 = 0.95;
/// What is left beyond a limit.
const BEYOND: f32 = 0.1;

impl Handles {
    pub fn has_detectors(&self) -> bool {
        !(self.keywords.is_empty()
            && self.operators.is_empty()
            && self.units.is_empty()
            && self.code_words.is_empty())
            || self.quotes
    }

    /// How many of its keywords `text` has.
    pub fn keywords_in(&self, text: &str) -> usize {
        let words = Words::of(text);
        self.keywords.keys().filter(|keyword| words.has(keyword)).count()
    }
}

/// Assessment by declared detectors, 0 to 0.95.
pub(super) fn by_detectors(handles: &Handles, reading: &Reading, text: &str) -> f32 {
    let words = Words::of(text);
    let features = &reading.features;
    let mut doubt = 1.0_f32;
    let mut hint = |weight: f32| doubt *= 1.0 - weight.clamp(0.0, 1.0);
    for (keyword, weight) in &handles.keywords {
        if words.has(keyword) {
            hint(*weight);
        }
    }
    if handles.operators.iter().any(|operator| has_operator(text, operator)) {
        hint(OPERATOR);
    }
    match handles.units.iter().filter(|unit| words.has_unit(unit)).take(2).count() {
        0 => {}
        1 => hint(ONE_UNIT),
        _ => hint(TWO_UNITS),
    }
    if !handles.code_words.is_empty()
        && (features.has_code || handles.code_words.iter().any(|word| words.has(word)))
    {
        hint(CODE);
    }
    if handles.quotes && features.has_quotes {
        hint(QUOTES);
    }
    let beyond = [
        handles.needs_numbers && features.numbers == 0,
        handles.max_digits.is_some_and(|most| features.longest_number_digits > most),
        handles.max_words.is_some_and(|most| features.words > most),
        handles.not.iter().any(|phrase| words.has(phrase)),
    ];
    let limits: f32 = beyond.iter().map(|beyond| if *beyond { BEYOND } else { 1.0 }).product();
    // Halves for every two steps of complexity above the most.
    let excess = handles.max_complexity.map_or(0.0, |most| (reading.complexity - most).max(0.0));
    (MOST * (1.0 - doubt) * limits * 0.5_f32.powf(excess / 2.0)).clamp(0.0, MOST)
}

/// Assessment without detectors: what the reading thinks of the expert's domains, 0.2 to 0.9; 0.5 when it knows
/// none of them.
pub(super) fn by_domains(domains: &[String], reading: &Reading) -> f32 {
    let probability = |domain: &String| {
        reading
            .domains
            .iter()
            .find(|known| known.domain.eq_ignore_ascii_case(domain))
            .map(|known| known.probability)
    };
    match domains.iter().filter_map(probability).reduce(f32::max) {
        Some(probability) => 0.2 + 0.7 * probability.clamp(0.0, 1.0),
        None => 0.5,
    }
}

/// The lowercase words of a text with a space on both sides of each, and which of them follow a number.
struct Words {
    spaced: String,
    list: Vec<String>,
}

impl Words {
    fn of(text: &str) -> Words {
        let mut list: Vec<String> = Vec::new();
        let mut word = String::new();
        let mut is_number = false;
        for c in text.chars().flat_map(char::to_lowercase) {
            let joins = c.is_alphanumeric() || (c == '.' && is_number) || c == '\'';
            // A letter after digits begins a new word (5km).
            if !joins || (is_number && c.is_alphabetic()) {
                push(&mut list, &mut word);
                is_number = false;
            }
            if joins && c != '\'' {
                is_number = word.is_empty() && c.is_ascii_digit() || is_number;
                word.push(c);
            }
        }
        push(&mut list, &mut word);
        let spaced = format!(" {} ", list.join(" "));
        Words { spaced, list }
    }

    /// The word or phrase stands here; with `*` at its end as a beginning.
    fn has(&self, phrase: &str) -> bool {
        match phrase.strip_suffix('*') {
            Some(start) => !start.is_empty() && self.spaced.contains(&format!(" {start}")),
            None => !phrase.is_empty() && self.spaced.contains(&format!(" {phrase} ")),
        }
    }

    /// A unit of one or two letters is one only after a number or after "to", "in" or "into"; a longer one
    /// anywhere.
    fn has_unit(&self, unit: &str) -> bool {
        let unit = unit.trim_start_matches('°');
        if unit.chars().count() > 2 {
            return self.has(unit);
        }
        self.list.iter().enumerate().any(|(at, word)| {
            let before = at.checked_sub(1).and_then(|before| self.list.get(before));
            word == unit
                && before.is_some_and(|before| {
                    before.starts_with(|c: char| c.is_ascii_digit())
                        || matches!(before.as_str(), "to" | "in" | "into" | "many")
                })
        })
    }
}

fn push(list: &mut Vec<String>, word: &mut String) {
    let trimmed = word.trim_end_matches('.');
    if !trimmed.is_empty() {
        list.push(trimmed.to_owned());
    }
    word.clear();
}

/// The sign stands after a number (or a closing bracket) and before one; `%` only has to stand after one.
fn has_operator(text: &str, operator: &str) -> bool {
    !operator.is_empty()
        && text.match_indices(operator).any(|(at, _)| {
            let before = text[..at].trim_end().chars().next_back();
            let after = text[at + operator.len()..].trim_start().chars().next();
            let is_after_number = before.is_some_and(|c| c.is_ascii_digit() || c == ')');
            is_after_number
                && (operator == "%" || after.is_some_and(|c| c.is_ascii_digit() || matches!(c, '(' | '-')))
        })
}

#[cfg(test)]
mod tests {
    use super::super::Manifest;
    use super::*;
    use crate::words::{DomainScore, Features};

    fn arithmetic() -> Manifest {
        Manifest::from_json(include_str!("manifest.example.json")).unwrap()
    }

    fn reading(text: &str, complexity: f32) -> Reading {
        let digits = |run: &str| run.len() as u32;
        let numbers: Vec<u32> =
            text.split(|c: char| !c.is_ascii_digit()).filter(|run| !run.is_empty()).map(digits).collect();
        Reading {
            complexity,
            features: Features {
                words: text.split_whitespace().count() as u32,
                numbers: numbers.len() as u32,
                longest_number_digits: numbers.iter().copied().max().unwrap_or(0),
                has_quotes: text.contains('"'),
                ..Features::default()
            },
            ..Reading::default()
        }
    }

    fn assess(manifest: &Manifest, text: &str) -> f32 {
        manifest.can_handle(&reading(text, 1.0), text)
    }

    #[test]
    fn arithmetic_knows_its_own_questions() {
        for text in [
            "What is 384 + 97?", "384+97", "15% of 240", "12 times 12", "What is the sum of 3 and 4?",
            "(3 + 4) * 5",
        ] {
            let score = assess(&arithmetic(), text);
            assert!(score > 0.5, "{text:?} scores {score}");
        }
    }

    #[test]
    fn arithmetic_leaves_other_questions_alone() {
        for text in [
            "Who wrote Hamlet?", "Convert 5 km to m", "well-known and/or", "plus ça change",
            "the square root of 9 + 7", "2024",
        ] {
            let score = assess(&arithmetic(), text);
            assert!(score < 0.3, "{text:?} scores {score}");
        }
    }

    #[test]
    fn a_question_beyond_a_limit_is_left_to_others() {
        let (small, large) =
            (assess(&arithmetic(), "What is 1234 + 1?"), assess(&arithmetic(), "What is 12345 + 1?"));
        assert!(large < small / 5.0, "five digits are beyond it: {large} against {small}");
        let text = "What is 3 + 4?";
        let hard = arithmetic().can_handle(&reading(text, 9.0), text);
        assert!(
            (hard - assess(&arithmetic(), text) * 0.25).abs() < 1e-5,
            "four steps too complex are a quarter: {hard}"
        );
    }

    #[test]
    fn units_are_recognised_by_their_names() {
        let mut units = Manifest::named("units");
        units.handles.units =
            ["km", "m", "in", "kilometers", "miles", "°c", "hours"].map(String::from).to_vec();
        assert!(assess(&units, "Convert 5km to m") > 0.75);
        assert!(assess(&units, "It is 20 °C") > 0.4);
        assert!(assess(&units, "How many miles are 5 kilometers?") > 0.75);
        assert!(assess(&units, "I'm in the house") < 0.1, "a short word is a unit only beside a number");
    }

    #[test]
    fn an_ending_may_be_left_open() {
        let words = Words::of("Multiplying, REVERSED; don't");
        assert!(words.has("multipl*") && words.has("reversed") && words.has("dont"));
        assert!(!words.has("multipl") && !words.has("verse*"));
    }

    #[test]
    fn without_detectors_the_domains_speak() {
        let mut added = Manifest::named("added");
        assert_eq!(assess(&added, "anything"), 0.5, "no domains: neutral");
        added.domains = vec!["law".into()];
        assert_eq!(assess(&added, "anything"), 0.5, "a domain that no reading knows: neutral");
        added.domains = vec!["Mathematics".into()];
        let scored = |probability| {
            let domains = vec![DomainScore { domain: "mathematics".into(), probability }];
            added.can_handle(&Reading { domains, ..Reading::default() }, "x")
        };
        assert!(scored(0.95) > 0.8 && scored(0.01) < 0.25);
    }

    #[test]
    fn no_text_makes_it_fail() {
        for text in ["", "+", "%", "5 +", "°", "'", "....", "٣ + ٤", "🙂+🙂", "1.2.3."] {
            let score = assess(&arithmetic(), text);
            assert!((0.0..=MOST).contains(&score), "{text:?} scores {score}");
        }
    }
}
