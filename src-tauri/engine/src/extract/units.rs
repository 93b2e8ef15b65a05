//! Units that answers carry: one short form for each way of writing them, and what each is in its kind's own.

use super::number::plainly;

/// Short form, kind, how many of the kind's own it is, and the other ways of writing it.
type Unit = (&'static str, &'static str, f64, &'static [&'static str]);

const UNITS: &[Unit] = &[
    ("mm", "length", 1e-3, &["millimeter", "millimetre"]),
    ("cm", "length", 1e-2, &["centimeter", "centimetre"]),
    ("m", "length", 1.0, &["meter", "metre"]),
    ("km", "length", 1e3, &["kilometer", "kilometre"]),
    ("in", "length", 0.0254, &["inch", "inches"]),
    ("ft", "length", 0.3048, &["foot", "feet"]),
    ("yd", "length", 0.9144, &["yard"]),
    ("mi", "length", 1609.344, &["mile"]),
    ("mg", "mass", 1e-6, &["milligram", "milligramme"]),
    ("g", "mass", 1e-3, &["gram", "gramme"]),
    ("kg", "mass", 1.0, &["kilogram", "kilogramme", "kilo"]),
    ("t", "mass", 1e3, &["tonne", "ton"]),
    ("lb", "mass", 0.453_592_37, &["lbs", "pound"]),
    ("oz", "mass", 0.028_349_523_125, &["ounce"]),
    ("ms", "time", 1e-3, &["millisecond"]),
    ("s", "time", 1.0, &["sec", "second"]),
    ("min", "time", 60.0, &["mins", "minute"]),
    ("h", "time", 3600.0, &["hr", "hrs", "hour"]),
    ("d", "time", 86400.0, &["day"]),
    ("week", "time", 604_800.0, &[]),
    ("ml", "volume", 1e-3, &["milliliter", "millilitre"]),
    ("l", "volume", 1.0, &["liter", "litre"]),
    ("m²", "area", 1.0, &["m2", "m^2"]),
    ("cm²", "area", 1e-4, &["cm2", "cm^2"]),
    ("km²", "area", 1e6, &["km2", "km^2"]),
    ("ha", "area", 1e4, &["hectare"]),
    ("acre", "area", 4_046.856_422_4, &[]),
    ("km/h", "speed", 1.0, &["kph", "kmh"]),
    ("m/s", "speed", 3.6, &["mps"]),
    ("mph", "speed", 1.609_344, &[]),
    ("°C", "celsius", 1.0, &["c", "celsius", "centigrade"]),
    ("°F", "fahrenheit", 1.0, &["f", "fahrenheit"]),
    ("K", "kelvin", 1.0, &["k", "kelvin"]),
    ("J", "energy", 1.0, &["j", "joule"]),
    ("W", "power", 1.0, &["w", "watt"]),
    ("N", "force", 1.0, &["n", "newton"]),
    ("%", "part", 1.0, &["percent"]),
    ("$", "dollar", 1.0, &["usd", "dollar"]),
    ("€", "euro", 1.0, &["eur", "euro"]),
    ("£", "sterling", 1.0, &["gbp"]),
];

fn find(word: &str) -> Option<&'static Unit> {
    let lower = word.to_lowercase();
    let is = |name: &str| {
        let name = name.to_lowercase();
        name == lower || (name.chars().count() > 2 && lower.strip_suffix('s') == Some(&name))
    };
    UNITS.iter().find(|(short, _, _, names)| is(short) || names.iter().any(|name| is(name)))
}

/// The short form of a unit's name.
pub(super) fn short(word: &str) -> Option<&'static str> {
    find(word).map(|unit| unit.0)
}

/// The unit behind a number that ends at `end`, and where it ends.
pub(super) fn behind(text: &[char], end: usize) -> Option<(String, usize)> {
    let mut at = end;
    while text.get(at) == Some(&' ') || text.get(at) == Some(&'-') {
        at += 1;
    }
    let rest: String = text[at..].iter().take(32).collect();
    let lower = rest.to_lowercase();
    for (words, short) in [
        ("square centimet", "cm²"),
        ("square kilomet", "km²"),
        ("square met", "m²"),
        ("kilometers per hour", "km/h"),
        ("kilometres per hour", "km/h"),
        ("meters per second", "m/s"),
        ("metres per second", "m/s"),
        ("miles per hour", "mph"),
        ("degrees celsius", "°C"),
        ("degrees fahrenheit", "°F"),
        ("degrees c", "°C"),
        ("degrees f", "°F"),
        ("per cent", "%"),
    ] {
        if lower.starts_with(words) {
            let whole =
                rest.chars().skip(words.len()).take_while(|c| c.is_alphabetic()).count() + words.len();
            return Some((short.to_owned(), at + whole));
        }
    }
    let bare: String = rest.chars().skip_while(|c| ['°', ' '].contains(c)).collect();
    let skipped = rest.chars().count() - bare.chars().count();
    let word: String = bare
        .chars()
        .take_while(|c| c.is_alphanumeric() || ['%', '€', '$', '£', '²', '/', '^'].contains(c))
        .collect();
    let length = word.chars().count();
    // "5 in the box" and "3 a day" are no inches; a lone capital is no unit before a name.
    let is_word = word == "in" && text.get(at + skipped + length) == Some(&' ');
    let unit = find(&word).filter(|_| !is_word)?;
    Some((unit.0.to_owned(), at + skipped + length))
}

/// The sign of a currency before a number.
pub(super) fn before(text: &[char], start: usize) -> String {
    let sign = text[..start].iter().rev().find(|c| **c != ' ');
    sign.filter(|c| ['$', '€', '£'].contains(*c)).map(char::to_string).unwrap_or_default()
}

/// The same amount in two units of one kind: 5 km and 5000 m.
pub(super) fn are_equal((a, of_a): (&str, &str), (b, of_b): (&str, &str)) -> bool {
    let both = in_own((a, of_a), (b, of_b));
    both.is_some_and(|(a, b)| plainly(a) == plainly(b))
}

/// The same, where `b` may be rounded: by half of its last digit, or by 0.5 % for factors that are rounded themselves.
/// `None`: these are no amounts of one kind.
pub(super) fn are_about(a: (&str, &str), b: (&str, &str)) -> Option<bool> {
    let (known, given) = in_own(a, b)?;
    let digits = b.0.split_once('.').map_or(0, |(_, fraction)| fraction.len());
    let factor = find(b.1)?.2;
    let half = 0.5 * 10_f64.powi(-(digits as i32)) * factor;
    Some((known - given).abs() <= half.max(5e-3 * known.abs()) + 1e-9)
}

/// Two amounts of one kind in the kind's own unit.
fn in_own((a, of_a): (&str, &str), (b, of_b): (&str, &str)) -> Option<(f64, f64)> {
    let (one, other) = (find(of_a)?, find(of_b)?);
    let (a, b): (f64, f64) = (a.parse().ok()?, b.parse().ok()?);
    (one.1 == other.1).then_some((a * one.2, b * other.2))
}
