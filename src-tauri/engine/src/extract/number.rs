//! Numbers as people and models write them, in one form.

use super::units;

/// A text with its numbers in one form.
pub struct Unified {
    pub text: String,
    pub numbers: Vec<String>,
}

impl Unified {
    pub fn is_number(&self) -> bool {
        self.numbers.len() == 1 && self.numbers[0] == self.text
    }
}

/// Lower case, single spaces, 1,000 as 1000 and 3.50 as 3.5.
pub fn unified(text: &str) -> Unified {
    let folded = text.to_lowercase().replace('\u{2212}', "-");
    let folded: Vec<char> = folded.split_whitespace().collect::<Vec<_>>().join(" ").chars().collect();
    let (mut text, mut numbers, mut at) = (String::new(), Vec::new(), 0);
    while at < folded.len() {
        match number_at(&folded, at) {
            Some((number, end)) => {
                text.push_str(&number);
                numbers.push(number);
                at = end;
            }
            None => {
                text.push(folded[at]);
                at += 1;
            }
        }
    }
    Unified { text, numbers }
}

/// The number that begins at `at`, in one form, and where it ends. A minus belongs to it unless it stands behind a
/// letter, a digit or a bracket; digits inside a word are no number.
fn number_at(text: &[char], at: usize) -> Option<(String, usize)> {
    let digit = |place: usize| text.get(place).is_some_and(char::is_ascii_digit);
    let before = at.checked_sub(1).map(|place| text[place]);
    let minus = text[at] == '-';
    if before.is_some_and(|before| before.is_alphanumeric() || (minus && [')', ']', '_'].contains(&before))) {
        return None;
    }
    let mut end = at + usize::from(minus);
    // ".5" is a number, but not in "1.2.5".
    if !digit(end)
        && !(text.get(end) == Some(&'.') && digit(end + 1) && (minus || !before.is_some_and(is_mark)))
    {
        return None;
    }
    let (mut whole, mut fraction) = (String::new(), String::new());
    while digit(end) || is_thousands(text, end, whole.len()) {
        if digit(end) {
            whole.push(text[end]);
        }
        end += 1;
    }
    if text.get(end) == Some(&'.') && digit(end + 1) {
        end += 1;
        while digit(end) {
            fraction.push(text[end]);
            end += 1;
        }
    }
    Some((canonical(minus, &whole, &fraction), end))
}

fn canonical(minus: bool, whole: &str, fraction: &str) -> String {
    let whole = whole.trim_start_matches('0');
    let whole = if whole.is_empty() { "0" } else { whole };
    let fraction = fraction.trim_end_matches('0');
    let number = if fraction.is_empty() { whole.to_owned() } else { format!("{whole}.{fraction}") };
    if minus && number != "0" { format!("-{number}") } else { number }
}

fn is_mark(character: char) -> bool {
    ['.', ','].contains(&character)
}

/// A comma between thousands: one to three digits (or whole groups) before it, three behind it.
fn is_thousands(text: &[char], comma: usize, digits_before: usize) -> bool {
    let digit = |place: usize| text.get(place).is_some_and(char::is_ascii_digit);
    let first_group = text[..comma.min(text.len())].iter().rev().take_while(|c| c.is_ascii_digit()).count();
    text.get(comma) == Some(&',')
        && digits_before > 0
        && (1..=3).contains(&first_group)
        && (1..=3).all(|place| digit(comma + place))
        && !digit(comma + 4)
}

/// A number of a text with what belongs to it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Number {
    pub value: String,
    pub unit: String,
    /// Where its digits begin, in characters.
    start: usize,
}

/// Every number of a text that [`super::text::plain`] has gone over, with fractions, powers of ten, scales, and units.
pub(super) fn all(text: &str) -> Vec<Number> {
    let chars: Vec<char> = text.chars().collect();
    let (mut found, mut at) = (Vec::new(), 0);
    while at < chars.len() {
        let Some((value, end)) = decimal_comma(&chars, at).or_else(|| number_at(&chars, at)) else {
            at += 1;
            continue;
        };
        // 3:45 is a time of the day.
        if chars.get(end) == Some(&':') && chars.get(end + 1).is_some_and(char::is_ascii_digit) {
            at = end + 1 + chars[end + 1..].iter().take_while(|c| c.is_ascii_digit()).count();
            continue;
        }
        let (value, end) =
            mixed(&chars, &value, end).or_else(|| fraction(&chars, &value, end)).unwrap_or((value, end));
        let (value, end) = power(&chars, &value, end).unwrap_or((value, end));
        let (value, end) = scale(&chars, &value, end).unwrap_or((value, end));
        let (unit, end) = units::behind(&chars, end).unwrap_or_else(|| (units::before(&chars, at), end));
        found.push(Number { value, unit, start: at });
        at = end;
    }
    found
}

/// The number that an answer comes to: behind its last `=`; else the last one that is not the question's; else the last.
pub(super) fn meant(question: &str, text: &str) -> Option<Number> {
    let equals = text.char_indices().rev().find(|(_, c)| ['=', '≈'].contains(c)).map(|(at, _)| at);
    let behind = equals.and_then(|at| all(text[at..].trim_start_matches(['=', '≈'])).into_iter().next());
    if behind.is_some() {
        return behind;
    }
    let numbers = all(text);
    if numbers.is_empty() {
        return in_words(text);
    }
    let given: Vec<Number> = all(question);
    let is_given = |number: &&Number| {
        given
            .iter()
            .any(|known| known.value == number.value && (known.unit == number.unit || number.unit.is_empty()))
    };
    numbers.iter().rev().find(|number| !is_given(number)).or(numbers.last()).cloned()
}

/// `17 r 3` where a division leaves something.
pub(super) fn with_remainder(text: &str) -> Option<String> {
    let lower = text.to_lowercase();
    let split = ["remainder of", "remainder", " rem ", " r "].iter().find_map(|mark| lower.split_once(mark));
    let (before, behind) = split.or_else(|| {
        let at = lower.char_indices().find(|(at, c)| {
            *c == 'r'
                && lower[..*at].trim_end().ends_with(|c: char| c.is_ascii_digit())
                && lower[at + 1..].starts_with(|c: char| c.is_ascii_digit())
        })?;
        Some((&lower[..at.0], &lower[at.0 + 1..]))
    })?;
    let behind = behind.trim_start_matches([' ', ':', '=']);
    let behind = behind.strip_prefix("is ").unwrap_or(behind);
    let left = all(behind).into_iter().next().filter(|number| number.start == 0)?;
    let whole = all(before).pop()?;
    Some(format!("{} r {}", whole.value, left.value))
}

/// `3,5` and `1.234,5`: a comma before one or two digits, or behind dotted thousands.
fn decimal_comma(text: &[char], at: usize) -> Option<(String, usize)> {
    let digit = |place: usize| text.get(place).is_some_and(char::is_ascii_digit);
    let before = at.checked_sub(1).map(|place| text[place]);
    if before.is_some_and(|before| before.is_alphanumeric() || is_mark(before)) {
        return None;
    }
    let minus = text[at] == '-';
    let mut end = at + usize::from(minus);
    let mut whole = String::new();
    let mut groups = 0;
    while digit(end) {
        whole.push(text[end]);
        end += 1;
    }
    let is_group =
        |at: usize| text.get(at) == Some(&'.') && (1..=3).all(|place| digit(at + place)) && !digit(at + 4);
    while is_group(end) && (groups > 0 || whole.len() <= 3) {
        groups += 1;
        whole.extend(&text[end + 1..end + 4]);
        end += 4;
    }
    let mut fraction = String::new();
    if text.get(end) == Some(&',') && digit(end + 1) {
        let digits = text[end + 1..].iter().take_while(|c| c.is_ascii_digit()).count();
        let goes_on = text.get(end + 1 + digits).is_some_and(|c| *c == ',');
        if goes_on || (groups == 0 && digits > 2) {
            return None;
        }
        fraction.extend(&text[end + 1..end + 1 + digits]);
        end += 1 + digits;
    }
    // One dot before three digits is a decimal point: 1.234.
    if whole.is_empty() || (fraction.is_empty() && groups < 2) {
        return None;
    }
    Some((canonical(minus, &whole, &fraction), end))
}

/// `3/4` is 0.75 and `2/6` is 1/3; `3/4/2026` is none.
fn fraction(text: &[char], value: &str, end: usize) -> Option<(String, usize)> {
    if text.get(end) != Some(&'/') {
        return None;
    }
    let digits: String = text[end + 1..].iter().take_while(|c| c.is_ascii_digit()).collect();
    let stop = end + 1 + digits.len();
    if digits.is_empty() || text.get(stop) == Some(&'/') {
        return None;
    }
    let (above, below): (i64, i64) = (value.parse().ok()?, digits.parse().ok()?);
    if below == 0 {
        return None;
    }
    let divisor = common_divisor(above.unsigned_abs(), below.unsigned_abs()) as i64;
    let (above, below) = (above / divisor, below / divisor);
    let mut rest = below;
    for prime in [2, 5] {
        while rest % prime == 0 {
            rest /= prime;
        }
    }
    let value = if rest == 1 { plainly(above as f64 / below as f64) } else { format!("{above}/{below}") };
    Some((value, stop))
}

/// `1 1/2` is 1.5.
fn mixed(text: &[char], value: &str, end: usize) -> Option<(String, usize)> {
    let whole: i64 = value.parse().ok()?;
    let above: String = text.get(end + 1..)?.iter().take_while(|c| c.is_ascii_digit()).collect();
    let stop = end + 1 + above.len();
    let part = fraction(text, &above, stop).filter(|_| text.get(end) == Some(&' '))?;
    let (part, end): (f64, usize) = (part.0.parse().ok()?, part.1);
    (part > 0.0 && part < 1.0).then(|| {
        let sum = if value.starts_with('-') { whole as f64 - part } else { whole as f64 + part };
        (plainly(sum), end)
    })
}

fn common_divisor(a: u64, b: u64) -> u64 {
    if b == 0 { a.max(1) } else { common_divisor(b, a % b) }
}

/// `1.2e3`, `1.2 × 10^3`.
fn power(text: &[char], value: &str, end: usize) -> Option<(String, usize)> {
    let rest: String = text[end..].iter().take(16).collect();
    if let Some(exponent) = rest.strip_prefix('^').filter(|_| value == "10") {
        let digits: String = exponent.chars().take_while(char::is_ascii_digit).take(2).collect();
        return Some((shifted("1", digits.parse().ok()?)?, end + 1 + digits.len()));
    }
    let compact = ["e", "×10^", "x10^", "*10^", " × 10^", " x 10^", " * 10^"];
    let mark = compact.iter().find(|mark| rest.to_lowercase().starts_with(**mark))?;
    let behind: String = rest.chars().skip(mark.chars().count()).collect();
    let bare = behind.trim_start_matches('{');
    let sign = usize::from(bare.starts_with(['-', '+']));
    let digits = bare.chars().skip(sign).take_while(char::is_ascii_digit).count();
    if !(1..=2).contains(&digits) {
        return None;
    }
    let exponent: i32 = bare.chars().take(sign + digits).collect::<String>().parse().ok()?;
    let opened = behind.len() - bare.len();
    let stop = end + mark.chars().count() + opened + sign + digits;
    let closed = usize::from(opened > 0 && text.get(stop) == Some(&'}'));
    Some((shifted(value, exponent)?, stop + closed))
}

/// `2 million`.
fn scale(text: &[char], value: &str, end: usize) -> Option<(String, usize)> {
    let rest: String = text[end..].iter().take(12).collect::<String>().to_lowercase();
    for (word, exponent) in [(" hundred", 2), (" thousand", 3), (" million", 6), (" billion", 9)] {
        let ends = |rest: &str| !rest.starts_with(char::is_alphanumeric);
        if rest.strip_prefix(word).is_some_and(ends) {
            return Some((shifted(value, exponent)?, end + word.len()));
        }
    }
    None
}

/// `value · 10^exponent` without leaving the decimal digits.
fn shifted(value: &str, exponent: i32) -> Option<String> {
    let minus = value.starts_with('-');
    let (whole, fraction) =
        value.trim_start_matches('-').split_once('.').unwrap_or((value.trim_start_matches('-'), ""));
    if !whole.bytes().chain(fraction.bytes()).all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let digits = format!("{whole}{fraction}");
    let point = whole.len() as i32 + exponent;
    Some(if point <= 0 {
        canonical(minus, "", &format!("{}{digits}", "0".repeat(point.unsigned_abs() as usize)))
    } else if point as usize >= digits.len() {
        canonical(minus, &format!("{digits}{}", "0".repeat(point as usize - digits.len())), "")
    } else {
        canonical(minus, &digits[..point as usize], &digits[point as usize..])
    })
}

/// A float as a decimal without an exponent.
pub(super) fn plainly(value: f64) -> String {
    let written = format!("{value:.12}");
    let (whole, fraction) = written.split_once('.').unwrap_or((&written, ""));
    canonical(whole.starts_with('-'), whole.trim_start_matches('-'), fraction)
}

const ONES: [&str; 20] = [
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven",
    "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
];
const TENS: [&str; 10] =
    ["", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"];

/// The last number that is written out: "one hundred and five metres".
fn in_words(text: &str) -> Option<Number> {
    let lower = text.to_lowercase();
    let words: Vec<&str> =
        lower.split(|c: char| !c.is_alphabetic()).filter(|word| !word.is_empty()).collect();
    let is_part = |word: &str| {
        ONES.contains(&word)
            || (TENS.contains(&word))
            || ["hundred", "thousand", "minus", "and"].contains(&word)
    };
    let end = words.iter().rposition(|word| is_part(word) && *word != "and")? + 1;
    let start = words[..end].iter().rposition(|word| !is_part(word)).map_or(0, |at| at + 1);
    let (mut whole, mut part, mut minus) = (0_u64, 0_u64, false);
    for word in words[start..end].iter().skip_while(|word| **word == "and") {
        if let Some(one) = ONES.iter().position(|known| known == word) {
            part += one as u64;
        } else if let Some(ten) = TENS.iter().position(|known| known == word) {
            part += 10 * ten as u64;
        } else if *word == "hundred" {
            part = part.max(1) * 100;
        } else if *word == "thousand" {
            whole += part.max(1) * 1000;
            part = 0;
        } else if *word == "minus" {
            minus = true;
        }
    }
    // "one" alone is more often a pronoun.
    if words[start..end] == ["one"] && words.len() > 3 {
        return None;
    }
    let unit = words.get(end).and_then(|word| units::short(word)).unwrap_or_default().to_owned();
    Some(Number { value: canonical(minus, &(whole + part).to_string(), ""), unit, start: 0 })
}
