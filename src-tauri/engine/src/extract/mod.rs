//! Extract: what an answer comes to, whatever is written around it, so that two answers can be compared.
//!
//! In:     the question, the whole text of an answer
//! Out:    a number with its unit, a choice, code, or short text; nothing where nothing is said
//! Fails:  never; what cannot be read is compared as the text that it is
//! Cost:   microseconds; plain scanning
//!
//! The judge of benchmarks, councils and strategies all read answers here.

mod number;
mod text;
mod units;

pub use number::{Unified, unified};

use number::Number;

/// What an answer comes to.
#[derive(Clone, Debug, PartialEq)]
pub enum Said {
    /// In one form (`1234.5`, `-2`, `1/3`); the unit in its short form, empty without one.
    Number {
        value: String,
        unit: String,
    },
    /// A letter that the question offers.
    Choice(char),
    /// Without comments, empty lines and trailing space.
    Code(String),
    /// Lower case, without emphasis, quotes and what leads up to it.
    Text(String),
    Nothing,
}

impl Said {
    /// Both say the same. A number without a unit agrees with the same number with one; 5 km agree with 5000 m.
    pub fn agrees(&self, other: &Said) -> bool {
        match (self, other) {
            (Said::Nothing, _) | (_, Said::Nothing) => false,
            (Said::Number { value: a, unit: of_a }, Said::Number { value: b, unit: of_b }) => {
                let one_has_none = of_a.is_empty() || of_b.is_empty();
                (a == b && (of_a == of_b || one_has_none)) || units::are_equal((a, of_a), (b, of_b))
            }
            _ => self == other,
        }
    }

    /// Whether `self`, in the unit of `other`, is `other` as far as it is written out. `None`: these cannot be compared.
    pub fn is_about(&self, other: &Said) -> Option<bool> {
        match (self, other) {
            (Said::Number { value: a, unit: of_a }, Said::Number { value: b, unit: of_b }) => {
                units::are_about((a, of_a), (b, of_b))
            }
            _ => None,
        }
    }

    /// As people read it, in a few words.
    pub fn shown(&self) -> String {
        match self {
            Said::Number { value, unit } if unit.is_empty() => value.clone(),
            Said::Number { value, unit } => format!("{value} {unit}"),
            Said::Choice(letter) => letter.to_string(),
            Said::Code(code) => shortened(code.lines().next().unwrap_or_default()),
            Said::Text(text) => shortened(text),
            Said::Nothing => String::new(),
        }
    }
}

/// At most 60 characters.
fn shortened(text: &str) -> String {
    match text.char_indices().nth(60) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", text[..end].trim_end()),
    }
}

/// What `answer` says to `question`.
pub fn said(question: &str, answer: &str) -> Said {
    let answer = text::without_thoughts(answer);
    if answer.trim().is_empty() {
        return Said::Nothing;
    }
    if let Some(code) = text::code(question, answer) {
        return Said::Code(code);
    }
    let offered = text::offered(question);
    if let Some(letter) = text::choice(&offered, answer) {
        return Said::Choice(letter);
    }
    let end = text::ending(answer);
    let plain = text::plain(&end.text);
    if let Some(remainder) = number::with_remainder(&plain) {
        return Said::Text(remainder);
    }
    if let Some(verdict) =
        text::verdict(question, &plain).or_else(|| text::verdict(question, &text::plain(answer)))
    {
        return Said::Text(verdict.into());
    }
    if let Some(list) = text::list(&plain) {
        return Said::Text(list);
    }
    let may_be_number = end.is_marked || !text::wants_words(question);
    let number = number::meant(&text::plain(question), &plain).filter(|_| may_be_number);
    if let Some(Number { value, unit, .. }) = number {
        return Said::Number { value, unit };
    }
    match text::core(question, &plain) {
        text if text.is_empty() => Said::Nothing,
        text => Said::Text(text),
    }
}

/// The question offers letters to choose from.
pub fn offers_choices(question: &str) -> bool {
    text::offered(question).len() > 1
}

/// Every number of a text in its one form.
pub fn numbers(text: &str) -> Vec<String> {
    number::all(&text::plain(text)).into_iter().map(|number| number.value).collect()
}

#[cfg(test)]
mod tests;
