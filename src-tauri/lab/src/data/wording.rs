//! Wording: one request in the many ways that people type it.
//!
//! A template is text with slots, `Reverse {word}`, and choices, `<Reverse|flip> <the word |>{word}`. [`say`] picks a
//! template, picks its choices, puts a greeting or a thank-you around it, types it more or less carefully, and fills
//! the slots last, so that what the question is about is never changed by how it is asked.

use rand::Rng;
use rand::seq::IndexedRandom;
use rand_chacha::ChaCha8Rng;

const BEFORE: &[&str] = &[
    "", "", "", "", "", "", "", "", "", "", "", "", "", "", "", "", "Please ", "please, ", "Hi, ", "Hello! ",
    "Hey, ", "hey ", "Quick question: ", "ok, ", "Okay, ", "So, ", "One more: ", "Hi there. ", "Question: ",
    "And ", "Now ", "Next: ", "Q: ", "hm, ", "Good morning! ", "Help: ", "Sorry, one more thing: ",
    "My teacher asks: ", "For my homework: ",
];

const AFTER: &[&str] = &[
    "", "", "", "", "", "", "", "", "", "", "", "", "", "", "", "", " Thanks!", " please", " Thank you.",
    " for me", " thanks", ", please", " then", " now", " Thanks in advance.", " :)", " Show the steps.",
    " step by step",
];

/// Share of the requests that a murmur stands before.
const MURMURED: f64 = 0.15;

/// Words that say nothing about what is asked.
const COMMON: &str = "could you would like know need want tell show me please help with this that my our the a for now today \
    just quick some any thing here something question work do make get give find let us see how what which when is are be \
    will can maybe really simple short small good kind project school boss friend thanks thank hello hi hey dear again \
    again then so well okay sure right think thought wonder wondering trying try stuck looking look searching teacher kid \
    homework task job exercise test quiz report idea answer result explain kindly quickly exactly simply still also too \
    only even about if it its we i am was were have has had must should may might did does done going go come came say \
    said ask asked asking am everyone someone anybody one thing stuff bit lot sorry cheers morning evening day moment \
    second time first last next following above below part point case example problem puzzle sheet book page class lesson";

/// 0 to `most` common words in no order: what stands around a request when nobody foresaw how it would be put. A model
/// that learns with it looks for the words that matter.
pub fn murmur(most: usize, rng: &mut ChaCha8Rng) -> String {
    let words: Vec<&str> = COMMON.split_whitespace().collect();
    let count = rng.random_range(0..=most);
    (0..count).map(|_| words.choose(rng).copied().unwrap_or("please")).collect::<Vec<_>>().join(" ")
}

/// `text` with a murmur before and after it.
pub fn murmured(text: &str, before: usize, after: usize, rng: &mut ChaCha8Rng) -> String {
    let (start, end) = (murmur(before, rng), murmur(after, rng));
    let sign = *["", "", "?", "."].choose(rng).unwrap_or(&"");
    format!("{start} {text} {end}").trim().to_string() + sign
}

/// One of `templates` as a person would type it, its slots filled with `slots`.
pub fn say(templates: &[&str], slots: &[(&str, &str)], rng: &mut ChaCha8Rng) -> String {
    let template = templates.choose(rng).copied().unwrap_or("");
    let mut text = choices(template, rng);
    if !text.starts_with('{') && rng.random_bool(MURMURED) {
        text = murmured(&first_letter(&text, false), 6, 0, rng);
    }
    let before = one_of(BEFORE, rng);
    if !before.is_empty() && !text.starts_with("I ") && !text.starts_with("I'") && rng.random_bool(0.8) {
        text = first_letter(&text, false);
    }
    text = format!("{before}{text}{}", one_of(AFTER, rng));
    fill(&carelessly(text, rng), slots)
}

/// Like [`say`], word for word.
pub fn say_plainly(templates: &[&str], slots: &[(&str, &str)], rng: &mut ChaCha8Rng) -> String {
    let template = templates.choose(rng).copied().unwrap_or("");
    fill(&choices(template, rng), slots)
}

pub fn one_of(list: &[&'static str], rng: &mut ChaCha8Rng) -> &'static str {
    list.choose(rng).copied().unwrap_or("")
}

/// Replaces every `<a|b|c>` by one of its parts.
fn choices(template: &str, rng: &mut ChaCha8Rng) -> String {
    let mut out = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('<') {
        let (inside, tail) = after.split_once('>').unwrap_or((after, ""));
        let parts: Vec<&str> = inside.split('|').collect();
        out.push_str(before);
        out.push_str(parts.choose(rng).copied().unwrap_or(""));
        rest = tail;
    }
    out + rest
}

/// Replaces every `{name}` by its text.
pub fn fill(template: &str, slots: &[(&str, &str)]) -> String {
    let mut out = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        out.push_str(before);
        match after.split_once('}').and_then(|(name, tail)| Some((slots.iter().find(|s| s.0 == name)?, tail)))
        {
            Some(((_, text), tail)) => {
                out.push_str(text);
                rest = tail;
            }
            None => {
                out.push('{');
                rest = after;
            }
        }
    }
    out + rest
}

/// Lower case, capitals, a missing or an extra question mark, and now and then a slip of the finger: outside of slots.
fn carelessly(text: String, rng: &mut ChaCha8Rng) -> String {
    match rng.random_range(0..24) {
        0..5 => outside_slots(&text, |part| part.to_lowercase()),
        5 => outside_slots(&text, |part| part.to_uppercase()),
        6..8 => text.trim_end_matches(['?', '.', '!']).to_string(),
        8 => format!("{}?", text.trim_end_matches(['?', '.', '!'])),
        9 => format!("{}.", text.trim_end_matches(['?', '.', '!'])),
        10 => slip(&text, rng),
        11 => outside_slots(&text, |part| part.replace('\'', "").to_lowercase()),
        _ => text,
    }
}

fn outside_slots(text: &str, change: impl Fn(&str) -> String) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        let (slot, tail) = after.split_once('}').unwrap_or((after, ""));
        out.push_str(&change(before));
        out.push_str(&format!("{{{slot}}}"));
        rest = tail;
    }
    out + &change(rest)
}

/// Two neighbouring letters of a longer word change places, or one is missing or doubled.
fn slip(text: &str, rng: &mut ChaCha8Rng) -> String {
    let mut parts: Vec<String> = text.split(' ').map(String::from).collect();
    let long: Vec<usize> = (0..parts.len())
        .filter(|&i| parts[i].len() > 4 && parts[i].bytes().all(|byte| byte.is_ascii_alphabetic()))
        .collect();
    if let Some(&which) = long.choose(rng) {
        let at = rng.random_range(1..parts[which].len() - 1);
        let letter = parts[which].as_bytes()[at] as char;
        match rng.random_range(0..3) {
            0 => drop(parts[which].remove(at)),
            1 => parts[which].insert(at, letter),
            _ => {
                parts[which].remove(at);
                parts[which].insert(at + 1, letter);
            }
        }
    }
    parts.join(" ")
}

pub fn first_letter(text: &str, upper: bool) -> String {
    let mut letters = text.chars();
    let Some(first) = letters.next() else { return String::new() };
    let first: String = if upper { first.to_uppercase().collect() } else { first.to_lowercase().collect() };
    first + letters.as_str()
}

/// The same for a text on every machine and in every version: what decides which words and numbers are held out.
pub fn stable_hash(text: &str) -> u64 {
    let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    (hash ^ (hash >> 29)).wrapping_mul(0xBF58_476D_1CE4_E5B9) >> 32
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use std::collections::HashSet;

    #[test]
    fn one_template_is_said_in_many_ways_and_its_slots_stay_as_they_are() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let said: HashSet<String> = (0..2000)
            .map(|_| say(&["<Reverse|Flip> <the word |>{w}."], &[("w", "LanTern")], &mut rng))
            .collect();
        assert!(said.len() > 300, "{} ways", said.len());
        assert!(said.iter().all(|text| text.contains("LanTern") && !text.contains(['<', '|', '{'])));
    }

    #[test]
    fn a_brace_that_is_no_slot_stays() {
        assert_eq!(fill("a {b} {c", &[("b", "x")]), "a x {c");
        assert_eq!(fill("{none}", &[]), "{none}");
    }
}
