//! Arithmetic: whole numbers of up to four digits, the four operations and percentages, worked digit by digit.
//!
//! Every step depends on a few digits at fixed distances, so that a model of a million parameters can learn it, and
//! every line is a true equation that a person can check. What is out of range is refused.

mod wordings;

use super::{Corpus, Example, Split};
use crate::data::refusals;
use crate::data::wording::{choices, fill, first_letter, murmured, one_of, say};
use rand::Rng;
use rand::seq::IndexedRandom;
use rand_chacha::ChaCha8Rng;
use wordings::{AFTER, BEFORE, DIFFERENCE, FRAMES, HELD_OUT_FRAMES, phrases, sentences, story};

pub struct Arithmetic;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Operation {
    Add,
    Subtract,
    Multiply,
    Divide,
    Percent,
}

use Operation::{Add, Divide, Multiply, Percent, Subtract};

/// Share of the examples that the expert must refuse.
const REFUSALS: f64 = 0.10;

impl Corpus for Arithmetic {
    fn name(&self) -> &'static str {
        "arithmetic"
    }

    fn domain(&self) -> &'static str {
        "mathematics"
    }

    fn sample(&self, rng: &mut ChaCha8Rng, split: Split) -> Example {
        if rng.random_bool(REFUSALS) {
            return if rng.random_bool(0.5) {
                out_of_range(rng, split)
            } else {
                refusals::refusal_for("arithmetic", rng, split)
            };
        }
        let operation =
            *[Add, Subtract, Multiply, Multiply, Divide, Divide, Percent].choose(rng).unwrap_or(&Add);
        loop {
            let (a, b) = operands(operation, rng);
            if held_out(operation, a, b).is_none_or(|held| held == (split == Split::HeldOut)) {
                return Example {
                    question: question(operation, a, b, rng, split),
                    answer: answer(operation, a, b),
                    complexity: complexity(operation, a, b),
                    task: task(operation),
                };
            }
        }
    }

    fn correct(&self, example: &Example, answer: &str) -> bool {
        result(answer) == result(&example.answer)
    }
}

/// What stands after the last line's `=`: 8 × 2 is as right as 2 × 8.
fn result(answer: &str) -> &str {
    last_line(answer).rsplit('=').next().unwrap_or("").trim()
}

pub(super) fn last_line(text: &str) -> &str {
    text.trim().lines().last().unwrap_or("").trim()
}

fn task(operation: Operation) -> &'static str {
    match operation {
        Add => "addition",
        Subtract => "subtraction",
        Multiply => "multiplication",
        Divide => "division",
        Percent => "percentage",
    }
}

/// A tenth of all operand pairs is kept for the held-out set; small ones, of which there are few, are in both.
fn held_out(operation: Operation, a: u64, b: u64) -> Option<bool> {
    if a.max(b) < 30 {
        return None;
    }
    let key = (operation as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ (a << 20) ^ b;
    let mixed = (key ^ (key >> 31)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    Some((mixed >> 33).is_multiple_of(10))
}

fn number(rng: &mut ChaCha8Rng, digits: u32) -> u64 {
    match digits {
        1 => rng.random_range(0..10),
        n => {
            let value = rng.random_range(10u64.pow(n - 1)..10u64.pow(n));
            // People like round numbers.
            if rng.random_bool(0.1) { (value / 10).max(1) * 10 } else { value }
        }
    }
}

fn digits_of(rng: &mut ChaCha8Rng, weights: [u32; 4]) -> u32 {
    let mut at = rng.random_range(0..weights.iter().sum());
    for (i, weight) in weights.into_iter().enumerate() {
        if at < weight {
            return i as u32 + 1;
        }
        at -= weight;
    }
    4
}

fn operands(operation: Operation, rng: &mut ChaCha8Rng) -> (u64, u64) {
    match operation {
        Add | Subtract => {
            let n = digits_of(rng, [2, 4, 5, 6]);
            let m = if rng.random_bool(0.5) { n } else { digits_of(rng, [2, 3, 3, 3]) };
            let (a, b) = (number(rng, n), number(rng, m));
            // Most differences that people ask for are positive.
            if operation == Subtract && a < b && rng.random_bool(0.6) { (b, a) } else { (a, b) }
        }
        Multiply => {
            let (n, m) = (digits_of(rng, [3, 4, 3, 3]), digits_of(rng, [3, 4, 2, 2]));
            (number(rng, n), number(rng, m))
        }
        Divide => {
            let (n, m) = (digits_of(rng, [1, 3, 4, 5]), digits_of(rng, [8, 10, 3, 1]));
            let (a, b) = (number(rng, n), number(rng, m));
            if a < b && rng.random_bool(0.8) {
                return (b, a);
            }
            // Half of what people divide comes out even.
            if b > 0 && rng.random_bool(0.4) { (a / b * b, b) } else { (a, b) }
        }
        Percent => {
            let p = if rng.random_bool(0.5) {
                *[1, 2, 3, 5, 8, 10, 12, 15, 20, 25, 30, 33, 40, 50, 60, 75, 80, 90, 100]
                    .choose(rng)
                    .unwrap_or(&10)
            } else {
                rng.random_range(1..100)
            };
            let n = digits_of(rng, [1, 4, 4, 3]);
            (p, number(rng, n))
        }
    }
}

/// Digits from the units up.
fn digits(mut value: u64, width: usize) -> Vec<u64> {
    let mut out = Vec::with_capacity(width);
    for _ in 0..width {
        out.push(value % 10);
        value /= 10;
    }
    out
}

fn length(value: u64) -> usize {
    value.to_string().len()
}

fn answer(operation: Operation, a: u64, b: u64) -> String {
    let mut lines = Vec::new();
    match operation {
        Add => {
            add(a, b, &mut lines);
            lines.push(format!("**{a} + {b} = {}**", a + b));
        }
        Subtract => {
            subtract(a, b, &mut lines);
            lines.push(format!("**{a} - {b} = {}**", a as i64 - b as i64));
        }
        Multiply => {
            multiply(a, b, &mut lines);
            lines.push(format!("**{a} × {b} = {}**", a * b));
        }
        Divide if b == 0 => lines.push("**Dividing by 0 has no answer.**".into()),
        Divide => {
            divide(a, b, &mut lines);
            lines.push(match a % b {
                0 => format!("**{a} ÷ {b} = {}**", a / b),
                rest => format!("**{a} ÷ {b} = {} remainder {rest}**", a / b),
            });
        }
        Percent => {
            lines.push(format!("{a}% of {b} = {b} × {a} ÷ 100"));
            multiply(b, a, &mut lines);
            let product = a * b;
            lines.push(format!("{b} × {a} = {product}"));
            let (whole, part) = (product / 100, product % 100);
            lines.push(format!("{product} ÷ 100 = {whole}.{part:02}"));
            let short = match part {
                0 => whole.to_string(),
                part if part % 10 == 0 => format!("{whole}.{}", part / 10),
                part => format!("{whole}.{part:02}"),
            };
            lines.push(format!("**{a}% of {b} = {short}**"));
        }
    }
    lines.join("\n")
}

/// Sums and differences stand in columns of this many digits, so that every digit is at the same distance.
const COLUMNS: usize = 4;

/// Column addition from the units: digit + digit + carry.
pub(super) fn add(a: u64, b: u64, lines: &mut Vec<String>) {
    lines.push(format!("{a:0COLUMNS$} + {b:0COLUMNS$}"));
    let mut carry = 0;
    for (x, y) in digits(a, COLUMNS).into_iter().zip(digits(b, COLUMNS)) {
        let sum = x + y + carry;
        lines.push(format!("{x}+{y}+{carry}={sum:02}"));
        carry = sum / 10;
    }
}

/// Subtraction of the smaller from the larger, which their digits from the left tell.
pub(super) fn subtract(a: u64, b: u64, lines: &mut Vec<String>) {
    lines.push(format!("{a:0COLUMNS$} - {b:0COLUMNS$}"));
    let mut compared = Vec::new();
    for (x, y) in digits(a, COLUMNS).into_iter().zip(digits(b, COLUMNS)).rev() {
        let sign = ["<", "=", ">"][(x.cmp(&y) as i8 + 1) as usize];
        compared.push(format!("{x}{sign}{y}"));
        if x != y {
            break;
        }
    }
    lines.push(compared.join(" "));
    let (large, small) = (a.max(b), a.min(b));
    if a < b {
        lines.push(format!("= -({large:0COLUMNS$} - {small:0COLUMNS$})"));
    }
    subtract_columns(large, small, COLUMNS, lines);
}

/// One line a column from the units: digit - digit - borrow.
fn subtract_columns(large: u64, small: u64, columns: usize, lines: &mut Vec<String>) {
    let mut borrow = 0;
    for (x, y) in digits(large, columns).into_iter().zip(digits(small, columns)) {
        let lend = u64::from(x < y + borrow);
        lines.push(format!("{x}-{y}-{borrow}={}, borrow {lend}", x + 10 * lend - y - borrow));
        borrow = lend;
    }
}

/// Long multiplication, the longer number on top. One block a digit of the lower number; each starts with what the
/// block before left over.
pub(super) fn multiply(a: u64, b: u64, lines: &mut Vec<String>) {
    let (top, low) = if length(b) > length(a) { (b, a) } else { (a, b) };
    let width = length(top);
    lines.push(format!("{top} × {low}"));
    let mut over = 0;
    for digit in digits(low, length(low)) {
        lines.push(format!("{top}×{digit}+{over:0width$}"));
        let mut carry = 0;
        for (x, kept) in digits(top, width).into_iter().zip(digits(over, width)) {
            let (product, extra) = (x * digit, kept + carry);
            let sum = product + extra;
            lines.push(format!("{x}×{digit}+{kept}+{carry}={product:02}+{extra:02}={sum:02}"));
            carry = sum / 10;
        }
        over = (top * digit + over) / 10;
    }
}

/// Long division: a step a digit of the dividend. A divisor of one digit takes one line a step; a longer one gets its
/// multiples first, and the largest that fits is taken away in columns.
pub(super) fn divide(a: u64, b: u64, lines: &mut Vec<String>) {
    lines.push(format!("{a} ÷ {b}"));
    let less = length(b);
    let width = less + 1;
    if b >= 10 {
        let multiples: Vec<String> = (1..10).map(|k| format!("{k}:{:0width$}", b * k)).collect();
        lines.push(multiples.join(" "));
    }
    let mut rest = 0;
    for digit in digits(a, length(a)).into_iter().rev() {
        let now = rest * 10 + digit;
        let times = now / b;
        rest = now % b;
        if b < 10 {
            lines.push(format!("{now:02}÷{b}={times}, {now:02}-{:02}={rest}", times * b));
        } else if times == 0 {
            lines.push(format!("{now:0width$}: 0"));
        } else {
            lines.push(format!("{now:0width$}: {times}×{b}={:0width$}", times * b));
            subtract_columns(now, times * b, width, lines);
            lines.push(format!("= {rest:0less$}"));
        }
    }
}

/// From the one-digit calculations that it takes.
fn complexity(operation: Operation, a: u64, b: u64) -> f32 {
    let (n, m) = (length(a), length(b));
    let steps = match operation {
        Add | Subtract => n.max(m),
        Multiply => n * m,
        Divide => n * m + if m > 1 { 3 } else { 0 },
        Percent => n * m + 2,
    };
    (0.6 + 0.45 * steps as f32).min(10.0)
}

/// How a number is written in a question.
pub(super) fn written(value: u64, rng: &mut ChaCha8Rng) -> String {
    if value >= 1000 && rng.random_bool(0.06) {
        return format!("{},{:03}", value / 1000, value % 1000);
    }
    if value < 100 && rng.random_bool(0.06) {
        return in_words(value);
    }
    value.to_string()
}

/// 0 to 99.
fn in_words(value: u64) -> String {
    const SMALL: [&str; 20] = [
        "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven",
        "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
    ];
    const TENS: [&str; 10] =
        ["", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"];
    match value {
        0..20 => SMALL[value as usize].into(),
        _ if value.is_multiple_of(10) => TENS[value as usize / 10].into(),
        _ => format!("{}-{}", TENS[value as usize / 10], SMALL[value as usize % 10]),
    }
}

fn question(operation: Operation, a: u64, b: u64, rng: &mut ChaCha8Rng, split: Split) -> String {
    let body = match split {
        Split::Train => training_body(operation, a, b, rng),
        Split::HeldOut => held_out_body(operation, a, b, rng),
    };
    let (a, b) = (written(a, rng), written(b, rng));
    if split == Split::Train && rng.random_bool(0.5) {
        return say(&[&body], &[("a", &a), ("b", &b)], rng);
    }
    dress(fill(&choices(&body, rng), &[("a", &a), ("b", &b)]), rng)
}

/// A template with the slots {a} and {b}.
fn training_body(operation: Operation, a: u64, b: u64, rng: &mut ChaCha8Rng) -> String {
    if let Some(name) = short_name(operation, b)
        && rng.random_bool(0.3)
    {
        return one_of(FRAMES, rng).replace("{e}", name);
    }
    let difference = operation == Subtract && a >= b && rng.random_bool(0.08);
    let phrase = if difference { DIFFERENCE } else { one_of(phrases(operation), rng) };
    match rng.random_range(0..100) {
        0..20 => murmured(phrase, 6, 4, rng),
        20..40 => one_of(sentences(operation, Split::Train), rng).to_string(),
        // A story of more is one of differences only where there is more.
        40..58 if operation != Subtract || a >= b => story(operation, rng),
        _ => one_of(FRAMES, rng).replace("{e}", phrase),
    }
}

fn held_out_body(operation: Operation, a: u64, b: u64, rng: &mut ChaCha8Rng) -> String {
    if rng.random_bool(0.3) {
        return one_of(sentences(operation, Split::HeldOut), rng).to_string();
    }
    let difference = operation == Subtract && a >= b && rng.random_bool(0.12);
    let phrase = if difference { DIFFERENCE } else { one_of(phrases(operation), rng) };
    one_of(HELD_OUT_FRAMES, rng).replace("{e}", phrase)
}

/// What people say for a multiplication or a division by a small number.
fn short_name(operation: Operation, b: u64) -> Option<&'static str> {
    Some(match (operation, b) {
        (Multiply, 2) => "<double|twice|two times|2 times> {a}",
        (Multiply, 3) => "<triple|three times|3 times> {a}",
        (Multiply, 4) => "<four times|quadruple> {a}",
        (Divide, 2) => "<half of|one half of|half> {a}",
        (Divide, 3) => "<a third of|one third of> {a}",
        (Divide, 4) => "<a quarter of|one quarter of|a fourth of> {a}",
        (Divide, 5) => "a fifth of {a}",
        (Divide, 10) => "<a tenth of|one tenth of> {a}",
        _ => return None,
    })
}

/// What people put around a question, and how carefully they type.
fn dress(mut text: String, rng: &mut ChaCha8Rng) -> String {
    let before = BEFORE.choose(rng).copied().unwrap_or("");
    if !before.is_empty() && rng.random_bool(0.8) {
        text = first_letter(&text, false);
    }
    text = format!("{before}{text}{}", AFTER.choose(rng).copied().unwrap_or(""));
    match rng.random_range(0..20) {
        0..3 => text.to_lowercase(),
        3 => text.to_uppercase().replace('×', "X"),
        4 => text.trim_end_matches(['?', '.']).to_string(),
        5 => format!("{text}?"),
        _ => text,
    }
}

/// Looks like arithmetic, but is more than this expert learned.
fn out_of_range(rng: &mut ChaCha8Rng, split: Split) -> Example {
    let (a, b, c) = (number_up_to(rng, 4), number_up_to(rng, 4), number_up_to(rng, 3));
    let digits = rng.random_range(5..9);
    let large = number(rng, digits);
    let sign =
        *["+", "-", "*", "/", "×", "÷", "plus", "minus", "times", "divided by"].choose(rng).unwrap_or(&"+");
    let other = *["+", "-", "*", "/", "×", "÷", "plus", "minus", "times"].choose(rng).unwrap_or(&"+");
    let tenth = rng.random_range(1..100);
    let expression = match rng.random_range(0..19) {
        0 | 1 => format!("{large} {sign} {b}"),
        2 => format!("{a} {sign} {large}"),
        3 => format!("{a} {sign} {b} {other} {c}"),
        4 => format!("{a}.{tenth} {sign} {b}"),
        5 => format!("{a} {sign} {b}.{tenth}"),
        6 => format!("{a}^{}", c % 10),
        7 => format!("the square root of {a}"),
        8 => format!("{a} to the power of {}", c % 12),
        9 => format!("{a} squared"),
        10 => format!("({a} {sign} {b}) {other} {c}"),
        11 => format!("{a}/{b} + {c}/{b} as a fraction"),
        12 => format!("{}% of {large}", c % 100),
        13 => format!("the factorial of {c}"),
        14 => format!("-{a} {sign} {b}"),
        15 => format!("{a} {sign} -{b}"),
        16 => format!("{large} {sign} {}", number(rng, digits)),
        17 => format!("{a}.{tenth} {sign} {b}.{}", c % 100),
        _ => format!("the log of {a}"),
    };
    let sentence = match rng.random_range(0..16) {
        0 => format!("Solve {}x + {} = {} for x", c % 30 + 2, b, a),
        1 => format!("Find the derivative of x^{} + {}x", c % 9 + 2, b),
        2 => format!("Is {a} a prime number?"),
        3 => format!("What is the greatest common divisor of {a} and {b}?"),
        4 => format!("Integrate {}x from 0 to {}", c % 20 + 2, b % 50),
        5 => format!("What percentage of {a} is {c}?"),
        6 => format!("Increase {a} by {}%", c % 100),
        7 => format!("What is the average of {a}, {b} and {c}?"),
        8 => format!("Round {a}.{tenth} to the nearest whole number"),
        9 => format!("{a} plus {b} minus {c}"),
        _ => {
            let frames = if split == Split::Train { FRAMES } else { HELD_OUT_FRAMES };
            frames.choose(rng).copied().unwrap_or("{e}").replace("{e}", &expression)
        }
    };
    Example {
        question: dress(sentence, rng),
        answer: refusals::REFUSAL.into(),
        complexity: 5.0,
        task: refusals::OUT_OF_RANGE,
    }
}

pub(super) fn number_up_to(rng: &mut ChaCha8Rng, most: u32) -> u64 {
    let digits = rng.random_range(1..=most);
    number(rng, digits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    #[test]
    fn the_last_line_is_the_true_result_and_every_line_is_a_true_equation() {
        assert_eq!(
            answer(Add, 384, 97),
            "0384 + 0097\n4+7+0=11\n8+9+1=18\n3+0+1=04\n0+0+0=00\n**384 + 97 = 481**"
        );
        assert!(answer(Subtract, 97, 384).ends_with("**97 - 384 = -287**"));
        assert!(answer(Multiply, 17, 23).ends_with("**17 × 23 = 391**"));
        assert!(answer(Divide, 8461, 23).ends_with("**8461 ÷ 23 = 367 remainder 20**"));
        assert!(answer(Percent, 15, 83).ends_with("**15% of 83 = 12.45**"));
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        for _ in 0..2000 {
            let operation = *[Add, Multiply, Divide].choose(&mut rng).unwrap();
            let (a, b) = operands(operation, &mut rng);
            for line in answer(operation, a, b)
                .lines()
                .filter(|l| l.contains('=') && !l.contains(['r', '*', '÷', ':']) && !l.starts_with('='))
            {
                let sides: Vec<i64> = line.split('=').map(value).collect();
                assert!(sides.windows(2).all(|pair| pair[0] == pair[1]), "{line} is not true");
            }
        }
    }

    /// Value of sums, differences and products without brackets.
    fn value(text: &str) -> i64 {
        let product = |t: &str| t.split('×').map(|n| n.trim().parse::<i64>().unwrap()).product::<i64>();
        text.split('+')
            .map(|sum| {
                let mut parts = sum.split('-').map(product);
                parts.next().unwrap() - parts.sum::<i64>()
            })
            .sum()
    }

    #[test]
    fn held_out_numbers_are_never_trained_on() {
        let mut rng = ChaCha8Rng::seed_from_u64(4);
        let mut seen = std::collections::HashSet::new();
        for split in [Split::Train, Split::HeldOut] {
            for _ in 0..3000 {
                let example = Arithmetic.sample(&mut rng, split);
                let last = last_line(&example.answer).to_string();
                let large = last.chars().filter(char::is_ascii_digit).count() > 8;
                if split == Split::Train {
                    seen.insert(last);
                } else if large && example.answer != refusals::REFUSAL {
                    assert!(!seen.contains(&last), "{last} is in both");
                }
            }
        }
    }
}
