//! Units: lengths, masses, temperatures, times and areas, converted with the working written down.
//!
//! A power of ten moves the decimal point. Other factors are multiplied digit by digit as in [`super::arithmetic`];
//! times and inches are divided with a remainder. Factors that are not exact have four digits, and the result says `≈`.
//! Range: whole numbers or one decimal place, up to four digits for powers of ten and divisions, three otherwise.

mod tables;

use super::arithmetic::{self, last_line, written};
use super::wording::murmured;
use super::{Corpus, Example, Split, refusals};
use rand::Rng;
use rand::seq::IndexedRandom;
use rand_chacha::ChaCha8Rng;
use tables::Way::{self, *};
use tables::{CONVERSIONS, UNITS, Unit};

pub struct Units;

const REFUSALS: f64 = 0.10;
/// Share of the training questions in no template at all.
const MURMURED: f64 = 0.25;

impl Corpus for Units {
    fn name(&self) -> &'static str {
        "units"
    }

    fn domain(&self) -> &'static str {
        "units"
    }

    fn sample(&self, rng: &mut ChaCha8Rng, split: Split) -> Example {
        if rng.random_bool(REFUSALS) {
            return if rng.random_bool(0.5) {
                out_of_range(rng, split)
            } else {
                refusals::refusal_for("units", rng, split)
            };
        }
        loop {
            let (from, to, way, _) = pick(rng);
            let value = value(*way, rng);
            if held_out(from, to, value).is_some_and(|held| held != (split == Split::HeldOut)) {
                continue;
            }
            let answer = answer(value, from, to, *way);
            let lines = answer.lines().count();
            let source = find(from);
            return Example {
                question: question(value, source, find(to), rng, split),
                answer,
                complexity: (0.5 + 0.35 * lines as f32).min(10.0),
                task: source.kind,
            };
        }
    }

    fn correct(&self, example: &Example, answer: &str) -> bool {
        last_line(answer) == last_line(&example.answer)
    }
}

fn find(symbol: &str) -> &'static Unit {
    UNITS.iter().find(|unit| unit.symbol == symbol).unwrap_or(&UNITS[0])
}

fn pick(rng: &mut ChaCha8Rng) -> &'static (&'static str, &'static str, Way, u32) {
    CONVERSIONS.choose_weighted(rng, |conversion| conversion.3).unwrap_or(&CONVERSIONS[0])
}

/// A number with `places` (0 or 1) digits after the point: 2.5 is 25 with one place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Value {
    digits: i64,
    places: usize,
}

fn value(way: Way, rng: &mut ChaCha8Rng) -> Value {
    let whole = |digits: i64| Value { digits, places: 0 };
    match way {
        CelsiusToFahrenheit => whole(match rng.random_range(0..10) {
            0..7 => rng.random_range(-40..=120),
            _ => rng.random_range(-99..=300),
        }),
        FahrenheitToCelsius => whole(match rng.random_range(0..10) {
            0..7 => rng.random_range(-20..=220),
            _ => rng.random_range(-99..=500),
        }),
        AddKelvin => whole(rng.random_range(-99..=500)),
        SubtractKelvin => whole(rng.random_range(0..=800)),
        _ => {
            let most = if matches!(way, Ten(_) | Over(..)) { 4 } else { 3 };
            let digits = arithmetic::number_up_to(rng, most).max(1) as i64;
            let has_point =
                !matches!(way, Over(..)) && digits >= 2 && digits % 10 != 0 && rng.random_bool(0.18);
            Value { digits, places: usize::from(has_point) }
        }
    }
}

/// A tenth of the larger values of each conversion is held out; of small ones and temperatures there are too few.
fn held_out(from: &str, to: &str, value: Value) -> Option<bool> {
    if value.digits < 30 || find(from).kind == "temperature" {
        return None;
    }
    let mut hash = 0xcbf2_9ce4_8422_2325u64;
    for byte in from.bytes().chain(to.bytes()).chain(value.digits.to_le_bytes()).chain([value.places as u8]) {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    }
    Some((hash >> 32).is_multiple_of(10))
}

/// `digits / 10^places` without needless zeros.
fn decimal(digits: i64, places: usize) -> String {
    let text = padded(digits, places);
    if places == 0 { text } else { text.trim_end_matches('0').trim_end_matches('.').to_string() }
}

/// `digits / 10^places` with all its places.
fn padded(digits: i64, places: usize) -> String {
    let sign = if digits < 0 { "-" } else { "" };
    let text = format!("{:0width$}", digits.unsigned_abs(), width = places + 1);
    let (whole, part) = text.split_at(text.len() - places);
    if places == 0 { format!("{sign}{whole}") } else { format!("{sign}{whole}.{part}") }
}

/// Rounds `digits / 10^places` half up to `kept` places.
fn rounded(digits: i64, places: usize, kept: usize) -> (i64, usize) {
    if places <= kept {
        return (digits, places);
    }
    let unit = 10i64.pow((places - kept) as u32);
    ((2 * digits + unit).div_euclid(2 * unit), kept)
}

/// The symbol as it stands after a number: 1 day, 2 days.
fn after<'s>(number: &str, symbol: &'s str) -> &'s str {
    match symbol {
        "days" | "weeks" | "acres" if number == "1" => &symbol[..symbol.len() - 1],
        other => other,
    }
}

fn answer(value: Value, from: &str, to: &str, way: Way) -> String {
    let v = decimal(value.digits, value.places);
    let mut lines = vec![format!("{v} {from} → {to}")];
    let (one_from, one_to) = (after("1", from), after("1", to));
    let given = format!("{v} {}", after(&v, from));
    let named = |number: String, symbol: &str| format!("{number} {}", after(&number, symbol));
    let last = match way {
        Ten(power) if power > 0 => {
            let factor = 10i64.pow(power as u32);
            let result = decimal(value.digits * factor, value.places);
            lines.push(format!("1 {one_from} = {factor} {to}"));
            lines.push(format!("{v} × {factor} = {result}"));
            format!("**{given} = {}**", named(result, to))
        }
        Ten(power) => {
            let factor = 10i64.pow(power.unsigned_abs());
            let places = value.places + power.unsigned_abs() as usize;
            lines.push(format!("1 {one_to} = {factor} {from}"));
            lines.push(format!("{v} ÷ {factor} = {}", padded(value.digits, places)));
            format!("**{given} = {}**", named(decimal(value.digits, places), to))
        }
        Times(factor) => {
            lines.push(format!("1 {one_from} = {factor} {to}"));
            let (mut core, mut zeros) = (factor, 0);
            while core.is_multiple_of(10) {
                (core, zeros) = (core / 10, zeros + 1);
            }
            arithmetic::multiply(value.digits as u64, core, &mut lines);
            let product = value.digits * core as i64;
            lines.push(format!("{} × {core} = {product}", value.digits));
            let result = decimal(product * 10i64.pow(zeros), value.places);
            if zeros > 0 || value.places > 0 {
                lines.push(format!("{v} × {factor} = {result}"));
            }
            format!("**{given} = {}**", named(result, to))
        }
        Over(divisor, None) => {
            lines.push(format!("1 {one_to} = {divisor} {from}"));
            let (whole, rest) = divide(value.digits as u64, divisor, &mut lines);
            if rest == 0 {
                format!("**{given} = {}**", named(whole.to_string(), to))
            } else {
                let (part, places) = rounded((rest * 10_000 / divisor) as i64, 4, 2);
                let sign = if (rest * 100).is_multiple_of(divisor) { "=" } else { "≈" };
                let result = decimal(whole as i64 * 100 + part, places);
                let (whole, rest) = (named(whole.to_string(), to), named(rest.to_string(), from));
                format!("**{given} {sign} {}** ({whole} {rest})", named(result, to))
            }
        }
        Over(divisor, Some((second, between))) => {
            lines.push(format!("1 {} = {divisor} {from}", after("1", between)));
            let (whole, rest) = divide(value.digits as u64, divisor, &mut lines);
            lines.push(format!("1 {one_to} = {second} {between}"));
            let (whole, middle) = divide(whole, second, &mut lines);
            match (middle, rest) {
                (0, 0) => format!("**{given} = {}**", named(whole.to_string(), to)),
                _ => {
                    let parts = [(whole, to), (middle, between), (rest, from)];
                    let parts = parts.map(|(number, symbol)| named(number.to_string(), symbol));
                    format!("**{given} = {}**", parts.join(" "))
                }
            }
        }
        Factor(digits, places, exact) => {
            let sign = if exact { "=" } else { "≈" };
            let factor = decimal(digits as i64, places);
            lines.push(format!("1 {one_from} {sign} {factor} {to}"));
            arithmetic::multiply(value.digits as u64, digits, &mut lines);
            let product = value.digits * digits as i64;
            lines.push(format!("{} × {digits} = {product}", value.digits));
            let places = places + value.places;
            lines.push(format!("{v} × {factor} = {}", padded(product, places)));
            let (result, kept) = rounded(product, places, 2);
            let sign = if exact && (places <= 2 || product % 10i64.pow(places as u32 - 2) == 0) {
                "="
            } else {
                "≈"
            };
            format!("**{given} {sign} {}**", named(decimal(result, kept), to))
        }
        CelsiusToFahrenheit => {
            // In tenths of a degree: 18 a degree, and 32.0 more.
            let (size, tenths) = (value.digits.unsigned_abs(), value.digits * 18);
            lines.push("°F = 1.8 × °C + 32".into());
            arithmetic::multiply(size, 18, &mut lines);
            lines.push(format!("{size} × 1.8 = {}", padded(tenths.abs(), 1)));
            if tenths < 0 {
                arithmetic::subtract(320, tenths.unsigned_abs(), &mut lines);
            } else {
                arithmetic::add(tenths as u64, 320, &mut lines);
            }
            format!("**{given} = {} °F**", decimal(tenths + 320, 1))
        }
        FahrenheitToCelsius => {
            lines.push("°C = (°F - 32) × 50 ÷ 9, in tenths".into());
            let less = value.digits - 32;
            if value.digits < 0 {
                arithmetic::add(value.digits.unsigned_abs(), 32, &mut lines);
            } else {
                arithmetic::subtract(value.digits as u64, 32, &mut lines);
            }
            let fifty = less.unsigned_abs() * 50;
            lines.push(format!("{less} × 50 = {}{fifty}", if less < 0 { "-" } else { "" }));
            arithmetic::divide(fifty, 9, &mut lines);
            // Half away from zero.
            let tenths = (2 * fifty as i64 + 9) / 18 * less.signum();
            let sign = if fifty.is_multiple_of(9) { "=" } else { "≈" };
            format!("**{given} {sign} {} °C**", decimal(tenths, 1))
        }
        AddKelvin => {
            lines.push("K = °C + 273.15".into());
            if value.digits < 0 {
                arithmetic::subtract(273, value.digits.unsigned_abs(), &mut lines);
            } else {
                arithmetic::add(value.digits as u64, 273, &mut lines);
            }
            format!("**{given} = {} K**", decimal(value.digits * 100 + 27_315, 2))
        }
        SubtractKelvin => {
            lines.push("°C = K - 273.15".into());
            // From 274 on, what is left of the next whole degree is 0.85; below, the result is negative.
            let near = if value.digits >= 274 { 274 } else { 273 };
            arithmetic::subtract(value.digits as u64, near, &mut lines);
            format!("**{given} = {} °C**", decimal(value.digits * 100 - 27_315, 2))
        }
    };
    lines.push(last);
    lines.join("\n")
}

/// Long division by one of a few divisors, whose multiples are known by heart.
fn divide(value: u64, divisor: u64, lines: &mut Vec<String>) -> (u64, u64) {
    let less = divisor.to_string().len();
    let width = less + 1;
    let mut rest = 0;
    for digit in value.to_string().bytes().map(|byte| u64::from(byte - b'0')) {
        let now = rest * 10 + digit;
        let times = now / divisor;
        rest = now % divisor;
        lines.push(format!(
            "{now:0width$}-{times}×{divisor}={now:0width$}-{:0width$}={rest:0less$}",
            times * divisor
        ));
    }
    (value / divisor, rest)
}

fn templates(split: Split) -> &'static [&'static str] {
    match split {
        Split::Train => &[
            "{v} {a} to {b}", "{v} {a} to {b}", "{v} {a} in {b}", "{v} {a} in {b}", "Convert {v} {a} to {b}",
            "Convert {v} {a} to {b}.", "convert {v} {a} into {b}", "How many {b} are {v} {a}?",
            "How many {b} is {v} {a}?", "How many {b} in {v} {a}?", "How many {b} are there in {v} {a}?",
            "What is {v} {a} in {b}?", "What is {v} {a} in {b}?", "what's {v} {a} in {b}",
            "Change {v} {a} to {b}", "Change {v} {a} into {b}.", "Express {v} {a} in {b}.",
            "Turn {v} {a} into {b}", "{v} {a} -> {b}", "{v} {a} = ? {b}", "{v} {a} = how many {b}?",
            "{v} {a} as {b}", "How much is {v} {a} in {b}?", "how many {b} does {v} {a} make?",
            "I have {v} {a}, how many {b} is that?", "{v} {a} is how many {b}?", "Write {v} {a} in {b}.",
            "Give me {v} {a} in {b}", "{v}{a} to {b}", "{v}{a} in {b}", "What are {v} {a} in {b}?",
            "Calculate {v} {a} in {b}", "{v} {a} equals how many {b}?", "What does {v} {a} come to in {b}?",
            "I need {v} {a} in {b}", "Tell me how many {b} {v} {a} is", "{v} {a} expressed in {b}",
            "Show me how to convert {v} {a} to {b}", "the number of {b} in {v} {a}",
            "conversion of {v} {a} to {b}", "find {v} {a} in {b}", "What would {v} {a} be in {b}?",
            "Something is {v} {a}. What is that in {b}?", "{v} {a} makes how many {b}", "in {b}: {v} {a}",
            "how do I convert {v} {a} to {b}?", "convert to {b}: {v} {a}", "convert from {a} to {b}: {v}",
            "{v} {a} converted to {b}", "{v} {a}, in {b}?",
        ],
        Split::HeldOut => &[
            "Could you convert {v} {a} to {b}?", "If I have {v} {a}, what is that in {b}?",
            "Please tell me what {v} {a} is in {b}", "how many {b} would {v} {a} be?",
            "Work out {v} {a} in {b}", "{v} {a} corresponds to how many {b}?", "{v} {a} into {b}",
            "I'd like {v} {a} as {b}", "do you know how many {b} {v} {a} are?",
            "What do {v} {a} equal in {b}?", "switch {v} {a} to {b}",
        ],
    }
}

/// Wordings that belong to a kind of unit.
fn of_kind(kind: &str) -> &'static [&'static str] {
    match kind {
        "length" => &[
            "How long is {v} {a} in {b}?", "The road is {v} {a} long. How many {b} is that?",
            "how far is {v} {a} in {b}", "I am {v} {a} away, what's that in {b}?",
            "How tall is {v} {a} in {b}?",
        ],
        "mass" => &[
            "How heavy is {v} {a} in {b}?", "It weighs {v} {a}. How many {b} is that?",
            "weight of {v} {a} in {b}", "a bag of {v} {a}, how many {b}?",
            "My dog weighs {v} {a}, what is that in {b}?",
        ],
        "temperature" => &[
            "How warm is {v} {a} in {b}?", "It is {v} {a} outside. What is that in {b}?",
            "temperature of {v} {a} in {b}", "The oven is at {v} {a}, what is it in {b}?",
            "How hot is {v} {a} in {b}?", "How cold is {v} {a} in {b}?",
        ],
        "time" => &[
            "How long is {v} {a} in {b}?", "The film takes {v} {a}. How many {b} is that?",
            "duration of {v} {a} in {b}", "we waited {v} {a}, how many {b}?",
            "how many {b} go by in {v} {a}?",
        ],
        _ => &[
            "How big is {v} {a} in {b}?", "The field covers {v} {a}. How many {b} is that?",
            "area of {v} {a} in {b}", "a flat of {v} {a}, how many {b}?", "How large is {v} {a} in {b}?",
        ],
    }
}

const BEFORE: &[&str] = &[
    "", "", "", "", "", "", "", "", "", "", "Please ", "Hi, ", "Hey, ", "Quick question: ", "ok, ", "So, ",
    "One more: ", "Hi there. ", "Can you help? ", "Question: ", "and ",
];
const AFTER: &[&str] = &[
    "", "", "", "", "", "", "", "", "", "", " Thanks!", " please", " Show the steps.", " Thank you.",
    " (with steps)", " exactly", " for me",
];

fn question(value: Value, from: &Unit, to: &Unit, rng: &mut ChaCha8Rng, split: Split) -> String {
    let pick = |rng: &mut ChaCha8Rng, list: &[&'static str]| list.choose(rng).copied().unwrap_or("");
    let is_one = value == Value { digits: 1, places: 0 };
    let a = pick(rng, if is_one { from.one } else { from.many });
    let b = pick(rng, to.many);
    let number = match value {
        Value { digits: 1, places: 0 } if rng.random_bool(0.4) => {
            if a.starts_with(['a', 'e', 'i', 'o', 'u']) || a == "hour" { "an".into() } else { "a".into() }
        }
        Value { digits, places: 0 } if digits >= 0 => written(digits as u64, rng),
        Value { digits, places: 0 } if rng.random_bool(0.2) => format!("minus {}", -digits),
        Value { digits, places } => decimal(digits, places),
    };
    let template = match split {
        Split::Train if rng.random_bool(0.12) => pick(rng, of_kind(from.kind)).to_string(),
        Split::Train if rng.random_bool(MURMURED) => {
            let between = pick(rng, &["to", "in", "into", "as", "->", "=", "is how many", "expressed in"]);
            murmured(&format!("{{v}} {{a}} {between} {{b}}"), 6, 4, rng)
        }
        split => pick(rng, templates(split)).to_string(),
    };
    let text = template.replace("{v}", &number).replace("{a}", a).replace("{b}", b);
    let text = format!("{}{text}{}", pick(rng, BEFORE), pick(rng, AFTER));
    match rng.random_range(0..14) {
        0..3 => text.to_lowercase(),
        3 => text.trim_end_matches(['?', '.']).to_string(),
        _ => text,
    }
}

/// Looks like a conversion, but is not one that this expert learned.
fn out_of_range(rng: &mut ChaCha8Rng, split: Split) -> Example {
    const UNKNOWN: &[(&str, &str)] = &[
        ("litres", "gallons"),
        ("gallons", "litres"),
        ("cups", "millilitres"),
        ("mph", "km/h"),
        ("km/h", "m/s"),
        ("joules", "calories"),
        ("euros", "dollars"),
        ("dollars", "pounds sterling"),
        ("light years", "km"),
        ("bytes", "megabytes"),
        ("gigabytes", "bytes"),
        ("horsepower", "kilowatts"),
        ("psi", "bar"),
        ("tablespoons", "teaspoons"),
        ("pints", "litres"),
        ("years", "days"),
        ("months", "weeks"),
        ("stone", "kg"),
        ("furlongs", "metres"),
        ("nautical miles", "km"),
        ("radians", "degrees"),
        ("ml", "litres"),
        ("cubic metres", "litres"),
        ("yen", "euros"),
        ("watts", "joules"),
        ("knots", "km/h"),
        ("centuries", "years"),
        ("carats", "grams"),
        ("fathoms", "feet"),
    ];
    let template = templates(split).choose(rng).copied().unwrap_or("{v} {a} in {b}");
    let name = |unit: &Unit, rng: &mut ChaCha8Rng| unit.many.choose(rng).copied().unwrap_or("m").to_string();
    let (number, a, b) = match rng.random_range(0..4) {
        0 => {
            let (a, b) = UNKNOWN.choose(rng).copied().unwrap_or(("litres", "gallons"));
            (arithmetic::number_up_to(rng, 4), a.to_string(), b.to_string())
        }
        1 => {
            let (from, to, ..) = pick(rng);
            (rng.random_range(10_000..100_000_000), name(find(from), rng), name(find(to), rng))
        }
        _ => loop {
            let (a, b) = (UNITS.choose(rng).unwrap_or(&UNITS[0]), UNITS.choose(rng).unwrap_or(&UNITS[1]));
            if a.kind != b.kind {
                break (arithmetic::number_up_to(rng, 4), name(a, rng), name(b, rng));
            }
        },
    };
    let question = template.replace("{v}", &number.to_string()).replace("{a}", &a).replace("{b}", &b);
    Example { question, answer: refusals::REFUSAL.into(), complexity: 4.0, task: refusals::TASK }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    fn whole(digits: i64) -> Value {
        Value { digits, places: 0 }
    }

    fn last(value: Value, from: &str, to: &str) -> String {
        let (_, _, way, _) = CONVERSIONS.iter().find(|c| (c.0, c.1) == (from, to)).unwrap();
        last_line(&answer(value, from, to, *way)).to_string()
    }

    #[test]
    fn conversions_give_the_true_result() {
        assert_eq!(last(whole(5), "km", "m"), "**5 km = 5000 m**");
        assert_eq!(last(whole(250), "m", "km"), "**250 m = 0.25 km**");
        assert_eq!(last(Value { digits: 25, places: 1 }, "h", "min"), "**2.5 h = 150 min**");
        assert_eq!(last(whole(150), "min", "h"), "**150 min = 2.5 h** (2 h 30 min)");
        assert_eq!(last(whole(5000), "s", "h"), "**5000 s = 1 h 23 min 20 s**");
        assert_eq!(last(whole(180), "lb", "kg"), "**180 lb ≈ 81.65 kg**");
        assert_eq!(last(whole(10), "in", "cm"), "**10 in = 25.4 cm**");
        assert_eq!(last(whole(-40), "°C", "°F"), "**-40 °C = -40 °F**");
        assert_eq!(last(whole(98), "°F", "°C"), "**98 °F ≈ 36.7 °C**");
        assert_eq!(last(whole(0), "°F", "°C"), "**0 °F ≈ -17.8 °C**");
        assert_eq!(last(whole(25), "°C", "K"), "**25 °C = 298.15 K**");
        assert_eq!(last(whole(0), "K", "°C"), "**0 K = -273.15 °C**");
    }

    #[test]
    fn every_conversion_names_known_units_of_one_kind() {
        for (from, to, ..) in CONVERSIONS {
            assert_eq!(find(from).symbol, *from);
            assert_eq!(find(to).symbol, *to);
            assert_eq!(find(from).kind, find(to).kind, "{from} to {to}");
        }
    }

    #[test]
    fn the_same_seed_writes_the_same_examples() {
        let write = || {
            let mut rng = ChaCha8Rng::seed_from_u64(5);
            (0..50).map(|_| Units.sample(&mut rng, Split::Train)).collect::<Vec<_>>()
        };
        assert_eq!(write(), write());
    }
}
