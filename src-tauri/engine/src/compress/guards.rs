//! Guards: what a text must not lose when it gets shorter.
//!
//! Numbers with what they count, formulas, code, names, negations and quoted text. They are found by plain signs, in any
//! text, and compared before and after; the check does not know how the text was shortened.

use std::collections::HashMap;
use std::ops::Range;
use unicode_segmentation::UnicodeSegmentation;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// With the word after it: what is counted, or the unit.
    Number,
    Formula,
    Code,
    Name,
    Negation,
    Quote,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Guard {
    pub kind: Kind,
    /// Without differences of white space.
    pub said: String,
}

/// Quoted text longer than this, in bytes, is a quote sign that was never closed.
const LONGEST_QUOTE: usize = 400;

const NUMBER_WORDS: [&str; 34] = [
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven",
    "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen", "twenty",
    "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety", "hundred", "thousand", "million",
    "billion", "half", "dozen",
];

const NEGATIONS: [&str; 19] = [
    "not", "no", "never", "none", "nothing", "nobody", "nowhere", "neither", "nor", "without", "cannot",
    "except", "unless", "only", "hardly", "barely", "avoid", "exclude", "excluding",
];

/// Every guard of a text, as often as it stands there, in its order.
pub fn guards(text: &str) -> Vec<Guard> {
    let mut found: Vec<(usize, Guard)> =
        quoted(text).into_iter().map(|(range, kind)| (range.start, guard(kind, &text[range]))).collect();
    let words: Vec<(usize, &str)> = words(text).collect();
    let mut after_end = true;
    for (at, &(start, word)) in words.iter().enumerate() {
        let first = after_end;
        after_end = word.ends_with(['.', '!', '?', ':', '…', '。', '！', '？']);
        let bare = word.trim_matches(|c: char| !c.is_alphanumeric() && !"$€£¥%°".contains(c));
        if let Some(kind) = kind_of(word, bare, first) {
            let next = words.get(at + 1).map_or("", |(_, next)| next);
            let said = match kind {
                // "5 apples" and "5 pears" are two numbers; "5, he said" is one without a unit.
                Kind::Number if word.ends_with(|c: char| c.is_alphanumeric()) && counts(next) => {
                    format!("{bare} {}", next.trim_matches(|c: char| !c.is_alphanumeric()))
                }
                Kind::Negation => bare.to_lowercase(),
                Kind::Formula | Kind::Code => {
                    word.trim_end_matches(['.', ',', ';', ':', '?', '!']).to_owned()
                }
                _ => bare.to_owned(),
            };
            found.push((start, guard(kind, &said)));
        }
    }
    found.sort_by_key(|(start, _)| *start);
    found.into_iter().map(|(_, guard)| guard).collect()
}

/// The guards of `before` that `after` holds less often.
pub fn lost(before: &[Guard], after: &[Guard]) -> Vec<Guard> {
    let mut there: HashMap<&Guard, usize> = HashMap::new();
    after.iter().for_each(|guard| *there.entry(guard).or_default() += 1);
    let mut gone = Vec::new();
    for guard in before {
        match there.get_mut(guard) {
            Some(n) if *n > 0 => *n -= 1,
            _ => gone.push(guard.clone()),
        }
    }
    gone
}

/// The bytes of quoted text and of inline or fenced code, with their signs. What stands in them is not looked into.
pub fn quoted(text: &str) -> Vec<(Range<usize>, Kind)> {
    let mut found = Vec::new();
    let mut open: Option<(usize, char)> = None;
    let mut before = ' ';
    let mut skip_to = 0;
    for (at, c) in text.char_indices() {
        if at < skip_to {
            continue;
        }
        if open.is_some_and(|(start, _)| at - start > LONGEST_QUOTE) {
            open = None;
        }
        match open {
            Some((start, close)) if c == close => {
                let kind = if close == '`' { Kind::Code } else { Kind::Quote };
                found.push((start..at + c.len_utf8(), kind));
                open = None;
            }
            Some(_) if c == '\n' => open = None,
            Some(_) => {}
            None if text[at..].starts_with("```") => {
                let end = text[at + 3..].find("```").map_or(text.len(), |end| at + 3 + end + 3);
                found.push((at..end, Kind::Code));
                skip_to = end;
            }
            None => {
                open = match c {
                    '`' => Some('`'),
                    '"' => Some('"'),
                    '“' | '„' => Some('”'),
                    '«' => Some('»'),
                    '「' => Some('」'),
                    // An apostrophe stands inside a word, a quote sign before one.
                    '\'' | '‘' if !before.is_alphanumeric() => Some(if c == '‘' { '’' } else { '\'' }),
                    _ => None,
                }
                .map(|close| (at, close));
            }
        }
        before = c;
    }
    found
}

/// Stretches without white space.
fn words(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.split_word_bound_indices()
        .map(|(at, piece)| (at, piece.trim().is_empty()))
        .chain([(text.len(), true)])
        .scan(None, |start: &mut Option<usize>, (at, space)| {
            Some(match (*start, space) {
                (Some(from), true) => {
                    *start = None;
                    Some((from, &text[from..at]))
                }
                (None, false) => {
                    *start = Some(at);
                    None
                }
                _ => None,
            })
        })
        .flatten()
}

fn kind_of(word: &str, bare: &str, first: bool) -> Option<Kind> {
    let has_letter = bare.chars().any(char::is_alphabetic);
    let has_digit = bare.chars().any(char::is_numeric);
    let has = |signs: &str| word.chars().any(|c| signs.contains(c));
    if has("=+*^×÷√∑∫≤≥≠≈±→") || (has("<>") && word.len() > 1) || (has("/") && has_digit && !has_letter)
    {
        return Some(Kind::Formula);
    }
    let addresses = word.contains("://") || word.contains("::") || word.contains("()") || word.contains("->");
    let inner_sign = bare.char_indices().any(|(_, c)| "_@\\{}[]#|".contains(c));
    if addresses || inner_sign || (has("/") && bare.matches('/').count() >= 2) {
        return Some(Kind::Code);
    }
    let low = bare.to_lowercase();
    if has_digit || NUMBER_WORDS.contains(&low.as_str()) {
        return Some(Kind::Number);
    }
    if NEGATIONS.contains(&low.as_str()) || low.ends_with("n't") || low.ends_with("n’t") {
        return Some(Kind::Negation);
    }
    // The first word of a sentence is capital without being a name; words of capitals alone are names anywhere.
    let capital = bare.chars().next().is_some_and(char::is_uppercase);
    let shouted = bare.chars().count() >= 2 && bare.chars().all(|c| c.is_uppercase() || !c.is_alphabetic());
    let is_i =
        matches!(low.as_str(), "i" | "i'm" | "i'd" | "i'll" | "i've" | "i’m" | "i’d" | "i’ll" | "i’ve");
    ((capital && !first && !is_i) || (shouted && has_letter)).then_some(Kind::Name)
}

/// The word after a number is what it counts.
fn counts(next: &str) -> bool {
    next.chars().next().is_some_and(|c| c.is_alphabetic() || "%°".contains(c))
}

fn guard(kind: Kind, said: &str) -> Guard {
    Guard { kind, said: said.split_whitespace().collect::<Vec<_>>().join(" ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str, kind: Kind) -> Vec<String> {
        guards(text).into_iter().filter(|guard| guard.kind == kind).map(|guard| guard.said).collect()
    }

    #[test]
    fn each_kind_is_found_by_its_signs() {
        let text = "Pay $3.50 for 12 apples, but not for three pears. Ask Ada Lovelace about E = m*c^2 and call run_all() or `x.y`. She said \"no way\" and didn't go.";
        assert_eq!(said(text, Kind::Number), ["$3.50 for", "12 apples", "three pears"]);
        assert_eq!(said(text, Kind::Formula), ["=", "m*c^2"]);
        assert_eq!(said(text, Kind::Code), ["run_all()", "`x.y`"]);
        assert_eq!(said(text, Kind::Negation), ["not", "no", "didn't"]);
        assert_eq!(said(text, Kind::Quote), ["\"no way\""]);
        assert!(said(text, Kind::Name).starts_with(&["Ada".to_owned(), "Lovelace".to_owned()]));
    }

    #[test]
    fn a_guard_that_stands_there_less_often_is_lost() {
        let before = guards("He has 5 apples and 5 pears, not 6. He is not sure.");
        let after = guards("He has 5 apples, not 6. He is sure.");
        let gone: Vec<String> = lost(&before, &after).into_iter().map(|guard| guard.said).collect();
        assert_eq!(gone, ["5 pears", "not"]);
        assert!(lost(&after, &before).is_empty());
    }

    #[test]
    fn an_apostrophe_opens_no_quote_and_an_open_quote_ends() {
        assert!(said("It's the dogs' bowl, isn't it", Kind::Quote).is_empty());
        assert!(said("a \" that never\ncloses", Kind::Quote).is_empty());
        assert_eq!(said("the word 'please' and “two words”", Kind::Quote), ["'please'", "“two words”"]);
    }

    #[test]
    fn no_text_makes_it_fail() {
        for text in ["", "\"", "`", "```", "'", "“”", "5", "=", "東京は5km", "٣ كتب", "\u{0}", "a\u{301}'"]
        {
            guards(text);
        }
    }
}
