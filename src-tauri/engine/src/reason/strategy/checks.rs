//! Checks: another question whose answer follows from an answer, in the form that experts of single questions know. The
//! inverse ("384 + 97" is 481 if "481 - 97" is 384) and another way round ("481 - 384" is 97), or the question in its
//! plainest words.

use crate::extract::{Said, said};

/// A question that the expert is asked, and what it says when the answer is right.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Check {
    pub question: String,
    pub wanted: Said,
}

/// The checks of an answer; none where the question is of no kind that is known here.
pub(super) fn of(question: &str, answer: &Said) -> Vec<Check> {
    let found = sum(question).and_then(|sum| sum.checks(answer));
    found.or_else(|| conversion(question, answer)).or_else(|| reversal(question, answer)).unwrap_or_default()
}

/// What the question comes to in its plainest words, where that differs from what it says.
pub(super) fn plainest(question: &str) -> Option<String> {
    sum(question).map(|sum| sum.asked()).filter(|plain| plain != question.trim())
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

/// Words that name one operation. A question with words of two kinds is not read.
const WORDS: [(Operation, &[&str]); 5] = [
    (Operation::Add, &["plus", "sum of", "add "]),
    (Operation::Subtract, &["minus", "difference between", "subtract", "take away"]),
    (Operation::Multiply, &["times", "product of", "multipl"]),
    (Operation::Divide, &["divide", "quotient"]),
    (Operation::Percent, &["percent", "per cent"]),
];
/// Words that put the second number first.
const TURNED: [&str; 3] = [" from ", "into", "subtracted from"];

fn sum(question: &str) -> Option<Sum> {
    let lower = question.to_lowercase().replace(['\u{2212}', '\u{2013}'], "-");
    let chars: Vec<char> = lower.chars().collect();
    let mut numbers: Vec<(u64, usize, usize)> = Vec::new();
    let mut at = 0;
    while at < chars.len() {
        let start = at;
        let mut digits = String::new();
        while chars.get(at).is_some_and(|c| c.is_ascii_digit()) || is_group(&chars, at, &digits) {
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
    let &[(a, _, end), (b, start, after)] = numbers.as_slice() else { return None };
    let between: String = chars[end..start].iter().filter(|c| !c.is_whitespace()).collect();
    let sign = match between.as_str() {
        "+" => Some(Operation::Add),
        "-" => Some(Operation::Subtract),
        "*" | "×" | "x" => Some(Operation::Multiply),
        "/" | "÷" => Some(Operation::Divide),
        "%of" => Some(Operation::Percent),
        _ => None,
    };
    let named: Vec<Operation> = WORDS
        .iter()
        .filter(|(_, words)| words.iter().any(|word| lower.contains(word)))
        .map(|(operation, _)| *operation)
        .collect();
    let operation = match (sign, named.as_slice()) {
        (Some(sign), []) => sign,
        (Some(sign), [one]) if *one == sign => sign,
        (None, [one]) => *one,
        _ => return None,
    };
    let unsigned = chars.get(after).is_none_or(|c| *c != '%');
    let turned = sign.is_none() && TURNED.iter().any(|word| lower.contains(word));
    let (a, b) = match operation {
        Operation::Subtract if lower.contains("difference") => (a.max(b), a.min(b)),
        Operation::Subtract | Operation::Divide if turned => (b, a),
        Operation::Percent if !unsigned => (b, a),
        _ => (a, b),
    };
    // A percentage has its number first, and says "of".
    let is_whole = operation != Operation::Percent || lower.contains(" of ");
    (is_whole && a < 1_000_000 && b < 1_000_000).then_some(Sum { operation, a, b })
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
        let check = |question: String, wanted: Said| Check { question, wanted };
        let c = result?;
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
        Some([one, other].map(|(question, value)| check(question, whole(value))).into())
    }
}

/// One amount in one unit, answered in another: back again.
fn conversion(question: &str, answer: &Said) -> Option<Vec<Check>> {
    let Said::Number { value, unit } = answer else { return None };
    let Said::Number { value: given, unit: from } = amount(question)? else { return None };
    if unit.is_empty() || *unit == from {
        return None;
    }
    let back = Check {
        question: format!("Convert {value} {unit} to {from}"),
        wanted: Said::Number { value: given.clone(), unit: from.clone() },
    };
    let again = Check { question: format!("Convert {given} {from} to {unit}"), wanted: answer.clone() };
    Some(vec![back, again])
}

/// The one number with a unit in a question.
fn amount(question: &str) -> Option<Said> {
    let numbers = crate::extract::numbers(question);
    let found = said("", question);
    matches!(&found, Said::Number { unit, .. } if !unit.is_empty() && numbers.len() == 1).then_some(found)
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
    let back = Check { question: format!("Reverse the word {text}"), wanted: Said::Text(given.to_owned()) };
    let again = Check { question: format!("Reverse the word {given}"), wanted: answer.clone() };
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

    #[test]
    fn a_sum_is_checked_by_its_inverse_and_in_plainest_words() {
        for (question, answer, inverse, wanted) in [
            ("What is 384 + 97?", "481", "What is 481 - 97?", "384"),
            ("Take 97 away from 384: 384 minus 97", "287", "", ""),
            ("Subtract 97 from 384", "287", "What is 287 + 97?", "384"),
            ("What is the difference between 97 and 384?", "287", "What is 287 + 97?", "384"),
            ("What is 17 * 23?", "391", "What is 391 / 23?", "17"),
            ("What is the product of 999 and 998?", "997002", "What is 998 * 999?", "997002"),
            ("Divide 8464 by 23", "368", "What is 368 * 23?", "8464"),
            ("15% of 240", "36", "What is 240 * 15?", "3600"),
        ] {
            let checks = of(question, &number(answer, ""));
            if inverse.is_empty() {
                assert!(checks.is_empty(), "{question} has more than two numbers");
                continue;
            }
            assert_eq!(
                checks[0],
                Check { question: inverse.into(), wanted: number(wanted, "") },
                "{question}"
            );
            assert_eq!(checks.len(), 2);
        }
        let left = of("Divide 65 by 7", &Said::Text("9 r 2".into()));
        assert_eq!(left[0], Check { question: "What is 9 * 7?".into(), wanted: number("63", "") });
    }

    #[test]
    fn a_conversion_is_converted_back() {
        let checks = of("How many metres are 5 km?", &number("5000", "m"));
        assert_eq!(checks[0].question, "Convert 5000 m to km");
        assert_eq!(checks[0].wanted, number("5", "km"));
    }

    #[test]
    fn a_word_turned_round_is_turned_back() {
        let checks = of("Reverse the word lantern", &Said::Text("nretnal".into()));
        assert_eq!(checks[0].wanted, Said::Text("lantern".into()));
    }

    #[test]
    fn what_is_not_surely_read_is_not_checked() {
        for question in [
            "A train has 12 wagons with 34 seats each, and 3 are closed. How many seats?",
            "What is 2.5 + 3?", "Who wrote the Iliad?",
            "Anna has 12 apples and gives 3 to Ben. How many are left?",
        ] {
            assert!(of(question, &number("9", "")).is_empty(), "{question}");
        }
    }
}
