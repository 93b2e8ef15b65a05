//! Checks: another question whose answer follows from an answer, in the form that experts of single questions know ("384 +
//! 97 = 481" is right if "481 - 97" is 384 and "481 - 384" is 97), or what is known without asking: a remainder is
//! smaller than its divisor, and the table of units by which answers are compared has its factors.

use crate::extract::{Said, said};

/// One check of an answer.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Check {
    /// A question for the expert, and what it says when the answer is right.
    Ask { question: String, wanted: Said },
    /// Known without asking. `about`: what was compared.
    Known { about: String, agrees: bool },
}

/// The checks of an answer; none where it is of no kind that is known here.
pub(super) fn of(question: &str, text: &str, says: &Said) -> Vec<Check> {
    let sum = equation(question, text);
    let found = sum.and_then(|sum| sum.checks(says));
    found
        .or_else(|| conversion(question, text, says))
        .or_else(|| reversal(question, says))
        .unwrap_or_default()
}

/// What an answer says that it answers, as the plainest question.
pub(super) fn claim(question: &str, text: &str, says: &Said) -> Option<String> {
    let sum = equation(question, text).map(|sum| sum.asked());
    sum.or_else(|| {
        let (given, from) = amount(question, text)?;
        match says {
            Said::Number { unit, .. } if !unit.is_empty() => {
                Some(format!("Convert {given} {from} to {unit}"))
            }
            _ => None,
        }
    })
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operation {
    Add,
    Subtract,
    Multiply,
    Divide,
    Percent,
}

/// Two whole numbers and what is done with them.
struct Sum {
    operation: Operation,
    a: u64,
    b: u64,
}

/// The sum in the last line of an answer, before its `=`; else the one that the question is.
fn equation(question: &str, text: &str) -> Option<Sum> {
    left_side(text).and_then(|left| sum(&left)).or_else(|| sum(question))
}

/// What stands before the `=` or `≈` of an answer's last line.
fn left_side(text: &str) -> Option<String> {
    let line = text.trim().lines().last()?.trim_matches(['*', '_', '`', ' ']);
    let (left, _) = line.split_once(['=', '≈'])?;
    Some(left.trim().to_owned())
}

/// Two whole numbers with one sign between them.
fn sum(text: &str) -> Option<Sum> {
    let lower = text.to_lowercase().replace(['\u{2212}', '\u{2013}'], "-");
    let chars: Vec<char> = lower.chars().collect();
    let mut numbers: Vec<(u64, usize, usize)> = Vec::new();
    let mut at = 0;
    while at < chars.len() {
        let start = at;
        let mut digits = String::new();
        while chars.get(at).is_some_and(char::is_ascii_digit) || is_group(&chars, at, &digits) {
            if chars[at] != ',' {
                digits.push(chars[at]);
            }
            at += 1;
        }
        if digits.is_empty() {
            at += 1;
            continue;
        }
        let is_decimal = chars.get(at) == Some(&'.') && chars.get(at + 1).is_some_and(char::is_ascii_digit);
        let in_word = start > 0 && (chars[start - 1].is_alphanumeric() || chars[start - 1] == '.');
        if is_decimal || in_word {
            return None;
        }
        numbers.push((digits.parse().ok()?, start, at));
    }
    let &[(a, _, end), (b, start, _)] = numbers.as_slice() else { return None };
    let between: String = chars[end..start].iter().filter(|c| !c.is_whitespace()).collect();
    let operation = match between.as_str() {
        "+" | "plus" => Operation::Add,
        "-" | "minus" => Operation::Subtract,
        "*" | "×" | "x" | "times" | "multipliedby" => Operation::Multiply,
        "/" | "÷" | "dividedby" => Operation::Divide,
        "%of" | "percentof" => Operation::Percent,
        _ => return None,
    };
    (a < 1_000_000 && b < 1_000_000).then_some(Sum { operation, a, b })
}

fn is_group(chars: &[char], at: usize, digits: &str) -> bool {
    let digit = |place: usize| chars.get(place).is_some_and(char::is_ascii_digit);
    chars.get(at) == Some(&',')
        && !digits.is_empty()
        && (1..=3).all(|place| digit(at + place))
        && !digit(at + 4)
}

impl Sum {
    fn asked(&self) -> String {
        let Sum { a, b, .. } = self;
        match self.operation {
            Operation::Add => format!("What is {a} + {b}?"),
            Operation::Subtract => format!("What is {a} - {b}?"),
            Operation::Multiply => format!("What is {a} * {b}?"),
            Operation::Divide => format!("What is {a} / {b}?"),
            Operation::Percent => format!("What is {a}% of {b}?"),
        }
    }

    /// The other way round: what the answer `says` leads back to. `None`: it is not a whole number of this kind.
    fn checks(&self, says: &Said) -> Option<Vec<Check>> {
        let Sum { a, b, .. } = self;
        let (result, left) = match says {
            Said::Number { value, .. } => (value.parse::<u64>().ok(), 0),
            Said::Text(text) => {
                let (whole, left) = text.split_once(" r ")?;
                (whole.parse().ok(), left.parse().ok()?)
            }
            _ => return None,
        };
        let whole = |value: u64| Said::Number { value: value.to_string(), unit: String::new() };
        let c = result?;
        if self.operation == Operation::Divide && left >= *b {
            let about = format!("a remainder of {left} is not smaller than the divisor {b}");
            return Some(vec![Check::Known { about, agrees: false }]);
        }
        let divisible = |by: u64| left == 0 && c < 10_000 && by > 0;
        let (one, other) = match self.operation {
            Operation::Add => ((format!("What is {c} - {b}?"), *a), (format!("What is {c} - {a}?"), *b)),
            Operation::Subtract => ((format!("What is {c} + {b}?"), *a), (format!("What is {a} - {c}?"), *b)),
            Operation::Multiply if divisible(*b) => {
                ((format!("What is {c} / {b}?"), *a), (format!("What is {b} * {a}?"), c))
            }
            Operation::Multiply => ((format!("What is {b} * {a}?"), c), (format!("What is {a} * {b}?"), c)),
            Operation::Divide => {
                let whole = a.checked_sub(left)?;
                ((format!("What is {c} * {b}?"), whole), (format!("What is {b} * {c}?"), whole))
            }
            // a % of b: a · b is a hundred times it.
            Operation::Percent => {
                let hundreds = c.checked_mul(100)?;
                ((format!("What is {b} * {a}?"), hundreds), (format!("What is {a} * {b}?"), hundreds))
            }
        };
        Some([one, other].map(|(question, value)| Check::Ask { question, wanted: whole(value) }).into())
    }
}

/// One amount in one unit, answered in another: by the table of units, else back again.
fn conversion(question: &str, text: &str, answer: &Said) -> Option<Vec<Check>> {
    let Said::Number { value, unit } = answer else { return None };
    let (given, from) = amount(question, text)?;
    if unit.is_empty() || *unit == from {
        return None;
    }
    let given_amount = Said::Number { value: given.clone(), unit: from.clone() };
    if let Some(agrees) = given_amount.is_about(answer) {
        let about = format!("{given} {from} and {value} {unit}, by the table of units");
        return Some(vec![Check::Known { about, agrees }]);
    }
    let back = Check::Ask { question: format!("Convert {value} {unit} to {from}"), wanted: given_amount };
    let again = Check::Ask { question: format!("Convert {given} {from} to {unit}"), wanted: answer.clone() };
    Some(vec![back, again])
}

/// The one number with its unit that is converted: what the answer says, else what the question does.
fn amount(question: &str, text: &str) -> Option<(String, String)> {
    left_side(text).and_then(|left| one(&left)).or_else(|| one(question))
}

/// The number of a text that has one, with its unit.
fn one(text: &str) -> Option<(String, String)> {
    match said("", text) {
        Said::Number { value, unit } if !unit.is_empty() && crate::extract::numbers(text).len() == 1 => {
            Some((value, unit))
        }
        _ => None,
    }
}

/// A word turned round: round again it is in the question.
fn reversal(question: &str, answer: &Said) -> Option<Vec<Check>> {
    let Said::Text(text) = answer else { return None };
    let lower = question.to_lowercase();
    let asks = ["reverse", "backward", "back to front"].iter().any(|word| lower.contains(word));
    if !asks || text.is_empty() || !text.chars().all(char::is_alphabetic) {
        return None;
    }
    let letters = |word: &str| {
        let mut letters: Vec<char> = word.chars().collect();
        letters.sort_unstable();
        letters
    };
    let words = lower.split(|c: char| !c.is_alphabetic()).filter(|word| !word.is_empty());
    // The word that is meant has as many letters, give or take what went wrong.
    let given = words
        .filter(|word| !["reverse", "word", "backwards", "reversed", "letters"].contains(word))
        .find(|word| word.len().abs_diff(text.len()) <= 1 && shares(&letters(word), &letters(text)))?;
    let back =
        Check::Ask { question: format!("Reverse the word {text}"), wanted: Said::Text(given.to_owned()) };
    let again = Check::Ask { question: format!("Reverse the word {given}"), wanted: answer.clone() };
    Some(vec![back, again])
}

/// All but two letters at most are in both. Sorted.
fn shares(a: &[char], b: &[char]) -> bool {
    let mut rest: Vec<char> = b.to_vec();
    let common =
        a.iter().filter(|letter| rest.iter().position(|c| c == *letter).map(|at| rest.remove(at)).is_some());
    common.count() + 2 >= a.len().max(b.len()) && a.len() > 2
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(value: &str, unit: &str) -> Said {
        Said::Number { value: value.into(), unit: unit.into() }
    }

    fn ask(question: &str, wanted: Said) -> Check {
        Check::Ask { question: question.into(), wanted }
    }

    #[test]
    fn an_equation_is_checked_the_other_way_round() {
        for (answer, says, inverse, wanted) in [
            ("384 + 97 = 481", "481", "What is 481 - 97?", "384"),
            ("work\n**384 - 97 = 287**", "287", "What is 287 + 97?", "384"),
            ("17 × 23 = 391", "391", "What is 391 / 23?", "17"),
            ("999 × 998 = 997002", "997002", "What is 998 * 999?", "997002"),
            ("8464 ÷ 23 = 368", "368", "What is 368 * 23?", "8464"),
            ("15% of 240 = 36", "36", "What is 240 * 15?", "3600"),
        ] {
            let checks = of("a story about it", answer, &number(says, ""));
            assert_eq!(checks[0], ask(inverse, number(wanted, "")), "{answer}");
            assert_eq!(checks.len(), 2);
        }
        let by_question = of("What is 12 plus 30?", "It is 42.", &number("42", ""));
        assert_eq!(by_question[0], ask("What is 42 - 30?", number("12", "")));
        let left = of("?", "65 ÷ 7 = 9 remainder 2", &Said::Text("9 r 2".into()));
        assert_eq!(left[0], ask("What is 9 * 7?", number("63", "")));
        let large = of("?", "113 ÷ 13 = 7 remainder 22", &Said::Text("7 r 22".into()));
        assert!(matches!(&large[..], [Check::Known { agrees: false, .. }]), "a remainder over its divisor");
    }

    #[test]
    fn a_conversion_is_checked_by_the_table_or_converted_back() {
        let checks = |question: &str, value: &str, unit: &str| of(question, "", &number(value, unit));
        let known = |checks: &[Check]| match checks {
            [Check::Known { agrees, .. }] => Some(*agrees),
            _ => None,
        };
        assert_eq!(known(&checks("How many metres are 5 km?", "5000", "m")), Some(true));
        assert_eq!(known(&checks("How many metres are 5 km?", "500", "m")), Some(false));
        let back = checks("100 °C in °F", "212", "°F");
        assert_eq!(back[0], ask("Convert 212 °F to °C", number("100", "°C")));
    }

    #[test]
    fn a_word_turned_round_is_turned_back() {
        let checks = of("Reverse the word lantern", "nretnal", &Said::Text("nretnal".into()));
        assert_eq!(checks[0], ask("Reverse the word nretnal", Said::Text("lantern".into())));
    }

    #[test]
    fn what_is_not_surely_read_is_not_checked() {
        for question in [
            "A train has 12 wagons with 34 seats each, and 3 are closed. How many seats?",
            "how many times can 3 be taken out of 27?", "What is 2.5 + 3?", "Who wrote the Iliad?",
            "Anna has 12 apples and gives 3 to Ben. How many are left?",
        ] {
            assert!(of(question, "9", &number("9", "")).is_empty(), "{question}");
        }
    }
}
