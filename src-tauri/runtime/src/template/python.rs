//! Python's string and dictionary methods, which chat templates call and Jinja engines outside Python lack.

use minijinja::value::ValueKind;
use minijinja::{Error, ErrorKind, State, Value};

/// Called when a template uses a method that minijinja does not know.
pub(super) fn method(_: &mut State, value: &Value, name: &str, arguments: &[Value]) -> Result<Value, Error> {
    match (value.as_str(), value.kind()) {
        (Some(text), _) => string_method(text, name, arguments),
        (None, ValueKind::Map) => map_method(value, name, arguments),
        _ => Err(Error::from(ErrorKind::UnknownMethod)),
    }
}

fn string_method(text: &str, name: &str, arguments: &[Value]) -> Result<Value, Error> {
    let argument = |index: usize| arguments.get(index).and_then(Value::as_str);
    let needed = |index: usize| argument(index).ok_or_else(|| Error::from(ErrorKind::MissingArgument));
    let set = argument(0);
    let stripped = |letter: char| match set {
        Some(set) => set.contains(letter),
        None => letter.is_whitespace(),
    };
    Ok(match name {
        "strip" => text.trim_matches(stripped).into(),
        "lstrip" => text.trim_start_matches(stripped).into(),
        "rstrip" => text.trim_end_matches(stripped).into(),
        "startswith" => text.starts_with(needed(0)?).into(),
        "endswith" => text.ends_with(needed(0)?).into(),
        "upper" => text.to_uppercase().into(),
        "lower" => text.to_lowercase().into(),
        "title" => title(text).into(),
        "capitalize" => capitalized(&text.to_lowercase()).into(),
        "replace" => text.replace(needed(0)?, needed(1)?).into(),
        "count" => text.matches(needed(0)?).count().into(),
        "find" => text.find(needed(0)?).map_or(-1, |at| text[..at].chars().count() as i64).into(),
        "split" => {
            let most =
                arguments.get(1).and_then(Value::as_i64).filter(|most| *most >= 0).map(|most| most as usize);
            let pieces: Vec<Value> = match (argument(0), most) {
                (Some(""), _) => {
                    return Err(Error::new(ErrorKind::InvalidOperation, "empty separator"));
                }
                (Some(separator), Some(most)) => text.splitn(most + 1, separator).map(Value::from).collect(),
                (Some(separator), None) => text.split(separator).map(Value::from).collect(),
                (None, _) => text.split_whitespace().map(Value::from).collect(),
            };
            pieces.into()
        }
        _ => return Err(Error::from(ErrorKind::UnknownMethod)),
    })
}

fn map_method(map: &Value, name: &str, arguments: &[Value]) -> Result<Value, Error> {
    let pairs = |pick: fn(Value, Value) -> Value| -> Result<Value, Error> {
        let mut all = Vec::new();
        for key in map.try_iter()? {
            let value = map.get_item(&key)?;
            all.push(pick(key, value));
        }
        Ok(all.into())
    };
    match name {
        "items" => pairs(|key, value| vec![key, value].into()),
        "keys" => pairs(|key, _| key),
        "values" => pairs(|_, value| value),
        "get" => {
            let key = arguments.first().ok_or_else(|| Error::from(ErrorKind::MissingArgument))?;
            let found = map.get_item(key)?;
            let default = || arguments.get(1).cloned().unwrap_or_else(|| Value::from(()));
            Ok(if found.is_undefined() { default() } else { found })
        }
        _ => Err(Error::from(ErrorKind::UnknownMethod)),
    }
}

fn capitalized(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

fn title(text: &str) -> String {
    text.split_inclusive(|letter: char| !letter.is_alphabetic())
        .map(|word| capitalized(&word.to_lowercase()))
        .collect()
}

/// Today in UTC by a strftime format: years, months and days, which is what templates ask for.
pub(super) fn strftime(format: &str) -> String {
    let now =
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default().as_secs();
    at(format, (now / 86_400) as i64)
}

const MONTHS: [&str; 12] = [
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
    "November", "December",
];

/// `day`: days since 1 January 1970.
fn at(format: &str, day: i64) -> String {
    let (year, month, day) = civil(day);
    let name = MONTHS[month as usize - 1];
    format
        .replace("%Y", &format!("{year:04}"))
        .replace("%m", &format!("{month:02}"))
        .replace("%d", &format!("{day:02}"))
        .replace("%B", name)
        .replace("%b", &name[..3])
}

/// The date of a day of the Unix epoch. Source: the proleptic Gregorian calendar in eras of 400 years, 146,097 days.
fn civil(day: i64) -> (i64, u32, u32) {
    let shifted = day + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = (of_year - (153 * from_march + 2) / 5 + 1) as u32;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 } as u32;
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_the_calendar() {
        assert_eq!(at("%d %b %Y", 0), "01 Jan 1970");
        // 2024-02-29 is day 19,782 of the epoch (54 * 365 + 13 leap days + 59).
        assert_eq!(at("%Y-%m-%d, %B", 19_782), "2024-02-29, February");
    }
}
