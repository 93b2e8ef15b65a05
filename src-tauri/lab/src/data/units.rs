//! Units: lengths, masses, temperatures, times and areas, converted with the working written down.
//!
//! A power of ten moves the decimal point one place a step. Other factors are multiplied digit by digit as in
//! [`super::arithmetic`]; times and inches are divided digit by digit, with the multiples of the divisor written first,
//! and rounding looks at one digit that stands there. Factors that are not exact have four digits; the result says `≈`.
//! Range: whole numbers or one or two decimal places (divisions: whole numbers), up to four digits for powers of ten and
//! divisions, three otherwise.
//!
//! Long because each kind of conversion has steps of its own.

mod tables;

use super::arithmetic::{self, last_line, written};
use super::wording::{Parts, compose, murmured, say};
use super::{Corpus, Example, Split, refusals};
use rand::Rng;
use rand::seq::IndexedRandom;
use rand_chacha::ChaCha8Rng;
use tables::Way::{self, *};
use tables::{CONVERSIONS, UNITS, Unit};

pub struct Units;

const REFUSALS: f64 = 0.10;

impl Corpus for Units {
    fn name(&self) -> &'static str {
        "units"
    }

    fn domain(&self) -> &'static str {
        "units"
    }

    fn sample(&self, rng: &mut ChaCha8Rng, split: Split) -> Example {
        if rng.random_bool(REFUSALS) {
            return if rng.random_bool(0.65) {
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
    let tenths = |digits: i64| match digits % 10 {
        0 => whole(digits / 10),
        _ => Value { digits, places: 1 },
    };
    match way {
        CelsiusToFahrenheit => match rng.random_range(0..20) {
            0..13 => whole(rng.random_range(-40..=120)),
            13..17 => whole(rng.random_range(-99..=500)),
            _ => tenths(rng.random_range(-500..=999)),
        },
        FahrenheitToCelsius => match rng.random_range(0..20) {
            0..12 => whole(rng.random_range(-20..=220)),
            12..16 => whole(rng.random_range(-99..=600)),
            _ => tenths(rng.random_range(0..=1200)),
        },
        AddKelvin => whole(rng.random_range(-273..=999)),
        SubtractKelvin => whole(rng.random_range(0..=999)),
        _ => {
            let most = if matches!(way, Ten(_) | Over(..)) { 4 } else { 3 };
            let digits = arithmetic::number_up_to(rng, most).max(1) as i64;
            let may_have_point = !matches!(way, Over(..)) && digits >= 2 && digits % 10 != 0;
            let places = match rng.random_range(0..100) {
                0..18 if may_have_point => 1,
                18..25 if may_have_point => 2,
                _ => 0,
            };
            Value { digits, places }
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
        "days" | "weeks" | "months" | "years" | "acres" if number == "1" => &symbol[..symbol.len() - 1],
        other => other,
    }
}

/// `digits / 10^places` divided by 10 to the power `by`, the point one place to the left a step, as one true chain:
/// `250 ÷ 1000 = 25.0 ÷ 100 = 2.50 ÷ 10 = 0.250`. Nothing where `by` is 0.
fn shifted_left(digits: i64, places: usize, by: usize) -> Option<String> {
    let steps = (0..by).map(|step| format!("{} ÷ 1{}", padded(digits, places + step), "0".repeat(by - step)));
    let chain: Vec<String> = steps.chain([padded(digits, places + by)]).collect();
    (by > 0).then(|| chain.join(" = "))
}

/// `digits / 10^places` times 10 to the power `by`, a step at a time: `2.5 × 1000 = 25 × 100 = 250 × 10 = 2500`.
fn shifted_right(digits: i64, places: usize, by: usize) -> String {
    let at = |step: usize| {
        decimal(digits * 10i64.pow(step.saturating_sub(places) as u32), places.saturating_sub(step))
    };
    let steps = (0..by).map(|step| format!("{} × 1{}", at(step), "0".repeat(by - step)));
    steps.chain([at(by)]).collect::<Vec<_>>().join(" = ")
}

/// Rounds `digits / 10^places` to two places in a line that names the digit which decides.
fn round_to_two(digits: i64, places: usize, lines: &mut Vec<String>) -> (i64, usize) {
    if places <= 2 {
        return (digits, places);
    }
    let unit = 10i64.pow(places as u32 - 2);
    let (short, next) = (digits / unit, digits % unit * 10 / unit);
    let (result, kept) = rounded(digits, places, 2);
    let way = if next >= 5 { "up" } else { "down" };
    lines.push(format!("{}, next digit {next}, {way}: {}", padded(short, 2), padded(result, 2)));
    (result, kept)
}

fn answer(value: Value, from: &str, to: &str, way: Way) -> String {
    let v = decimal(value.digits, value.places);
    let mut lines = vec![format!("{v} {from} → {to}")];
    let (one_from, one_to) = (after("1", from), after("1", to));
    let given = format!("{v} {}", after(&v, from));
    let named = |number: String, symbol: &str| format!("{number} {}", after(&number, symbol));
    let last = match way {
        Ten(power) if power > 0 => {
            lines.push(format!("1 {one_from} = {} {to}", 10i64.pow(power as u32)));
            lines.push(shifted_right(value.digits, value.places, power as usize));
            let result = decimal(value.digits * 10i64.pow(power as u32), value.places);
            format!("**{given} = {}**", named(result, to))
        }
        Ten(power) => {
            let by = power.unsigned_abs() as usize;
            lines.push(format!("1 {one_to} = {} {from}", 10i64.pow(power.unsigned_abs())));
            lines.extend(shifted_left(value.digits, value.places, by));
            let result = decimal(value.digits, value.places + by);
            format!("**{given} = {}**", named(result, to))
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
            lines.extend(shifted_left(product, 0, value.places));
            if zeros > 0 {
                lines.push(shifted_right(product, value.places, zeros));
            }
            let result = decimal(product * 10i64.pow(zeros as u32), value.places);
            format!("**{given} = {}**", named(result, to))
        }
        Over(divisor, None) => {
            lines.push(format!("1 {one_to} = {divisor} {from}"));
            let (whole, rest) = divide(value.digits as u64, divisor, &mut lines);
            if rest == 0 {
                format!("**{given} = {}**", named(whole.to_string(), to))
            } else {
                let remainder = (whole, rest);
                lines.push(format!("{} ÷ {divisor} = {whole} r {rest}, go on with 0s", value.digits));
                let (mut digits, mut rest) = (whole, rest);
                for _ in 0..3 {
                    let times;
                    (times, rest) = divide_step(rest * 10, divisor, &mut lines);
                    digits = digits * 10 + times;
                }
                let sign = if rest == 0 && digits.is_multiple_of(10) { "=" } else { "≈" };
                lines.push(padded(digits as i64, 3));
                let (part, places) = round_to_two(digits as i64, 3, &mut lines);
                let result = decimal(part, places);
                let (whole, rest) =
                    (named(remainder.0.to_string(), to), named(remainder.1.to_string(), from));
                format!("**{given} {sign} {}** ({whole} {rest})", named(result, to))
            }
        }
        Over(divisor, Some((second, between))) => {
            lines.push(format!("1 {} = {divisor} {from}", after("1", between)));
            let (whole, rest) = divide(value.digits as u64, divisor, &mut lines);
            lines.push(format!("{} ÷ {divisor} = {whole} r {rest}", value.digits));
            lines.push(format!("1 {one_to} = {second} {between}"));
            let middle = whole;
            let (whole, left) = divide(middle, second, &mut lines);
            lines.push(format!("{middle} ÷ {second} = {whole} r {left}"));
            match (left, rest) {
                (0, 0) => format!("**{given} = {}**", named(whole.to_string(), to)),
                _ => {
                    let parts = [(whole, to), (left, between), (rest, from)];
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
            if let Some(chain) = shifted_left(product, 0, places) {
                lines.push(format!("{places} places: {chain}"));
            }
            let sign = if exact && (places <= 2 || product % 10i64.pow(places as u32 - 2) == 0) {
                "="
            } else {
                "≈"
            };
            let (result, kept) = round_to_two(product, places, &mut lines);
            format!("**{given} {sign} {}**", named(decimal(result, kept), to))
        }
        CelsiusToFahrenheit => {
            // 1.8 has one place more than the value.
            let (size, places) = (value.digits.unsigned_abs(), value.places + 1);
            let (product, unit) = (size * 18, 10u64.pow(places as u32));
            lines.push("°F = °C × 1.8 + 32".into());
            arithmetic::multiply(size, 18, &mut lines);
            lines.push(format!("{size} × 18 = {product}"));
            let result = if value.digits < 0 {
                let part = if places == 1 { "tenths" } else { "hundredths" };
                lines.push(format!("{v} × 1.8 = -{}", padded(product as i64, places)));
                lines.push(format!("32 - {}, in {part}", padded(product as i64, places)));
                arithmetic::subtract(32 * unit, product, &mut lines);
                32 * unit as i64 - product as i64
            } else {
                lines.push(format!("{v} × 1.8 = {}", padded(product as i64, places)));
                arithmetic::add(product / unit, 32, &mut lines);
                product as i64 + 32 * unit as i64
            };
            lines.push(format!("{v} × 1.8 + 32 = {}", padded(result, places)));
            format!("**{given} = {} °F**", decimal(result, places))
        }
        FahrenheitToCelsius => {
            let tenths = if value.places == 0 { value.digits * 10 } else { value.digits };
            let (size, less) = (tenths.unsigned_abs(), tenths - 320);
            lines.push("°C = (°F - 32) × 5 ÷ 9, in tenths".into());
            if tenths < 0 {
                lines.push(format!("-{size} - 320 = -({size} + 320)"));
                arithmetic::add(size, 320, &mut lines);
            } else {
                arithmetic::subtract(size, 320, &mut lines);
            }
            lines.push(format!("{tenths} - 320 = {less}"));
            let five = less.unsigned_abs() * 5;
            arithmetic::multiply(less.unsigned_abs(), 5, &mut lines);
            lines.push(format!("{} × 5 = {five}", less.unsigned_abs()));
            arithmetic::divide(five, 9, &mut lines);
            let (whole, rest) = (five / 9, five % 9);
            // Half away from zero.
            let up = u64::from(rest >= 5);
            let way = if up == 1 { "up" } else { "down" };
            lines.push(format!("{five} ÷ 9 = {whole} r {rest}, {way}: {}", whole + up));
            let sign = if rest == 0 { "=" } else { "≈" };
            format!("**{given} {sign} {} °C**", decimal((whole + up) as i64 * less.signum(), 1))
        }
        AddKelvin => {
            lines.push("K = °C + 273.15".into());
            if value.digits < 0 {
                let size = value.digits.unsigned_abs();
                lines.push(format!("{v} + 273.15 = 273 - {size} + 0.15"));
                arithmetic::subtract(273, size, &mut lines);
            } else {
                arithmetic::add(value.digits as u64, 273, &mut lines);
            }
            format!("**{given} = {} K**", decimal(value.digits * 100 + 27_315, 2))
        }
        SubtractKelvin => {
            lines.push("°C = K - 273.15".into());
            // From 274 on, what is left of the next whole degree is 0.85; below, the result is negative.
            if value.digits >= 274 {
                lines.push(format!("{v} > 273, so {v} - 274 + 0.85"));
                arithmetic::subtract(value.digits as u64, 274, &mut lines);
            } else {
                lines.push(format!("{v} < 273.15, so -(273 - {v} + 0.15)"));
                arithmetic::subtract(273, value.digits as u64, &mut lines);
            }
            format!("**{given} = {} °C**", decimal(value.digits * 100 - 27_315, 2))
        }
    };
    lines.push(last);
    lines.join("\n")
}

/// Long division, digit by digit; the multiples of the divisor first where it has two digits.
fn divide(value: u64, divisor: u64, lines: &mut Vec<String>) -> (u64, u64) {
    if divisor >= 10 {
        let multiples = (1..10).map(|times| format!("{times}×{divisor}={}", times * divisor));
        lines.push(multiples.collect::<Vec<_>>().join(" "));
    }
    let mut rest = 0;
    for digit in value.to_string().bytes().map(|byte| u64::from(byte - b'0')) {
        (_, rest) = divide_step(rest * 10 + digit, divisor, lines);
    }
    (value / divisor, rest)
}

/// One step of a division: `094: 5×16=080, 094-080=014`, or with one digit `17÷7=2 r 3`.
fn divide_step(now: u64, divisor: u64, lines: &mut Vec<String>) -> (u64, u64) {
    let (times, rest) = (now / divisor, now % divisor);
    lines.push(match divisor {
        0..10 => format!("{now:02}÷{divisor}={times} r {rest}"),
        _ => format!("{now:03}: {times}×{divisor}={0:03}, {now:03}-{0:03}={rest:03}", times * divisor),
    });
    (times, rest)
}

fn templates(split: Split) -> &'static [&'static str] {
    match split {
        Split::Train => PARTS.whole,
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
            "The <rope|wall|table|board|pipe> is {v} {a} long, <how long is that in|give it in> {b}<?|>",
            "I <ran|walked|swam|drove|cycled> {v} {a} <today|yesterday|>. How many {b} <is that|did I do|are those>?",
            "My <desk|sofa|garden|snake> is {v} {a} <wide|long>. What is the <width|length> in {b}?",
            "a <distance|length|height|depth> of {v} {a} in {b}",
            "The shop sells <cloth|cable|ribbon> of {v} {a}. I need the length in {b}.",
            "how many {b} long is a {v} {a} <rope|cable|track|road>?",
            "Anna lives {v} {a} from school. How far is it in {b}?",
            "<height|distance|depth|width> {v} {a}, in {b}", "he jumped {v} {a}, how many {b}",
        ],
        "mass" => &[
            "How heavy is {v} {a} in {b}?",
            "It weighs {v} {a}. How many {b} is that?",
            "weight of {v} {a} in {b}",
            "a bag of {v} {a}, how many {b}?",
            "My dog weighs {v} {a}, what is that in {b}?",
            "The <parcel|baby|suitcase|box|melon> weighs {v} {a}. <Give me the weight|What does it weigh|How heavy is it> in {b}<?|>",
            "The recipe <needs|says|asks for> {v} {a} of <flour|sugar|butter|rice>. How <much|many> is that in {b}?",
            "I <bought|ate|lifted|carried> {v} {a} <of apples|of gold|>. How many {b} <is that|are those>?",
            "a <mass|weight|load> of {v} {a} in {b}",
            "how many {b} does a {v} {a} <bag|stone|dumbbell|cake> weigh?",
            "<weight|mass>: {v} {a}, in {b}?",
            "I lost {v} {a}, how many {b} did I lose",
        ],
        "temperature" => &[
            "How warm is {v} {a} in {b}?", "It is {v} {a} outside. What is that in {b}?",
            "temperature of {v} {a} in {b}", "The oven is at {v} {a}, what is it in {b}?",
            "How hot is {v} {a} in {b}?", "How cold is {v} {a} in {b}?",
            "The <water|room|soup|oven|pool|air> <is|has> {v} {a}. <What is that|How warm is it> in {b}?",
            "<Bake at|Heat it to|Cool it to|Set it to> {v} {a}. What do I set in {b}?",
            "It <was|will be|gets> {v} {a} in <Paris|Chicago|winter|summer>, in {b}?",
            "My <fever|body temperature> is {v} {a}, how much is that in {b}?",
            "a temperature of {v} {a} <expressed |>in {b}",
            "the thermometer <says|shows|reads> {v} {a}, what is it in {b}",
            "<weather|forecast>: {v} {a}. In {b}?",
        ],
        "time" => &[
            "How long is {v} {a} in {b}?", "The film takes {v} {a}. How many {b} is that?",
            "duration of {v} {a} in {b}", "we waited {v} {a}, how many {b}?",
            "how many {b} go by in {v} {a}?",
            "The <trip|flight|lesson|meeting|race> <takes|lasts|took> {v} {a}. How <long is that|many {b} is it> in {b}?",
            "I <slept|worked|waited|played> {v} {a}. How many {b} <is that|were that>?",
            "a <time|duration|period> of {v} {a} in {b}", "there are {v} {a} left, how many {b} is that",
            "how many {b} pass in {v} {a}", "<time|duration>: {v} {a}, in {b}?",
            "The cake needs {v} {a} in the oven. In {b}, please.",
        ],
        _ => &[
            "How big is {v} {a} in {b}?", "The field covers {v} {a}. How many {b} is that?",
            "area of {v} {a} in {b}", "a flat of {v} {a}, how many {b}?", "How large is {v} {a} in {b}?",
            "The <room|garden|farm|park|lake|house> <has|is|measures> {v} {a}. <What is that|How large is it> in {b}?",
            "I <own|rent|bought|painted> {v} {a}. How many {b} <is that|are those>?",
            "an area of {v} {a} <given |>in {b}", "a <plot|field|wall|floor> of {v} {a} in {b}",
            "how many {b} does {v} {a} cover?", "<area|surface>: {v} {a}, in {b}?",
        ],
    }
}

/// A wording with the slots `{v}`, `{a}` and `{b}`.
fn wording(kind: &str, rng: &mut ChaCha8Rng, split: Split) -> String {
    let pick = |rng: &mut ChaCha8Rng, list: &[&'static str]| list.choose(rng).copied().unwrap_or("");
    if split == Split::HeldOut {
        return pick(rng, templates(split)).to_string();
    }
    match rng.random_range(0..100) {
        0..14 => pick(rng, of_kind(kind)).to_string(),
        14..34 => {
            let between =
                pick(rng, &["to", "in", "into", "as", "->", "=", "is how many", "expressed in", "=>", "="]);
            murmured(&format!("{{v}} {{a}} {between} {{b}}"), 6, 4, rng)
        }
        _ => {
            let kept: Vec<String> =
                templates(Split::HeldOut).iter().map(|template| template.replace("{v} {a}", "{q}")).collect();
            let kept: Vec<&str> = kept.iter().map(String::as_str).collect();
            compose(&PARTS, &kept, rng).replace("{q}", "{v} {a}")
        }
    }
}

/// `{q}` is the value with its unit.
const PARTS: Parts<'static> = Parts {
    whole: &[
        "{v} {a} to {b}", "{v} {a} to {b}", "{v} {a} in {b}", "{v} {a} in {b}", "{v}{a} to {b}",
        "{v}{a} in {b}", "convert {v}{a} to {b}", "how many {b} in {v}{a}?", "{q} -> {b}", "{q} => {b}",
        "{q} = ? {b}", "{q} = how many {b}?", "? {b} = {q}", "in {b}: {q}", "{b} from {q}", "{q} | {b}",
        "{q}, {b}?", "from {a} to {b}: {v}", "convert from {a} to {b}: {v}", "{a} to {b}: {v}",
        "{a} to {b}, {v}", "{v} ({a} to {b})", "{a} into {b}: {v} {a}", "convert to {b}: {q}",
        "unit conversion: {q} to {b}", "{q} makes how many {b}", "{q} is how many {b}?",
        "{q} equals how many {b}?", "<We|I> have {a}, but <we|I> need {b}: {v}",
        "I know it in {a} but not in {b}: {v} {a}", "I need {b}. I have {q}.",
        "I only understand {b}. What is {q}?", "Not in {a} please, in {b}: {q}", "{v} {a}. In {b}?",
        "{q}, but in {b}", "{q}; answer in {b}", "the label says {q}, I want {b}",
    ],
    to_do: &[
        "convert {q} <to|into|in> {b}", "convert {q} to {b}", "change {q} <to|into|in> {b}",
        "turn {q} into {b}", "express {q} in {b}", "write {q} <in|as> {b}", "give {q} in {b}",
        "put {q} <in|into> {b}", "state {q} in {b}", "transform {q} <to|into> {b}",
        "translate {q} <to|into> {b}", "calculate {q} in {b}", "work out how many {b} {q} is",
        "find how many {b} {q} <is|are|makes>", "compute {q} in {b}", "find {q} in {b}",
        "go from {q} to {b}", "say {q} in {b}", "get {b} from {q}", "rewrite {q} in {b}",
        "convert to {b} the value {q}", "do the conversion of {q} to {b}", "show {q} <in|as> {b}",
        "figure out how many {b} are in {q}", "tell me how many {b} {q} is", "measure {q} in {b}",
    ],
    to_name: &[
        "{q} in {b}", "{q} in {b}", "{q} <expressed|written|given|measured|stated> in {b}", "{q} as {b}",
        "{q} converted <to|into> {b}", "the number of {b} in {q}",
        "the <conversion|conversion of> {q} to {b}", "the value of {q} in {b}",
        "the equivalent of {q} in {b}", "the {b} equivalent of {q}", "how many {b} {q} <is|are>",
        "the amount of {b} in {q}",
    ],
    to_ask: &[
        "how many {b} <are|is|in|are in|are there in|make|make up|fit in|fit into> {q}",
        "how many {b} <does|do> {q} <make|have|equal|come to|contain>", "what is {q} in {b}",
        "what's {q} in {b}", "what are {q} in {b}", "how much is {q} in {b}",
        "in {b}, <what is|how much is|what's> {q}",
        "what does {q} <come to|amount to|equal|make|correspond to> in {b}", "{q} is what in {b}",
        "what would {q} be in {b}", "how many {b} can I get from {q}", "how many {b} will {q} be",
        "to how many {b} does {q} come", "which number of {b} is {q}", "what is the same as {q} but in {b}",
        "how do you write {q} in {b}", "if something is {q}, how many {b} is it", "how many {b} is {q}",
        "what is {q} when you convert it to {b}", "how many {b} is the same as {q}",
        "{q} equals what in {b}",
    ],
    subject: "q",
    called: &["it", "this", "that", "this amount", "the following", "this value", "that value"],
};

fn question(value: Value, from: &Unit, to: &Unit, rng: &mut ChaCha8Rng, split: Split) -> String {
    let pick = |rng: &mut ChaCha8Rng, list: &[&'static str]| list.choose(rng).copied().unwrap_or("");
    let is_one = value == Value { digits: 1, places: 0 };
    let (a, b) = (pick(rng, if is_one { from.one } else { from.many }), pick(rng, to.many));
    let number = match value {
        Value { digits: 1, places: 0 } if rng.random_bool(0.4) => {
            if a.starts_with(['a', 'e', 'i', 'o', 'u']) || a == "hour" { "an".into() } else { "a".into() }
        }
        Value { digits, places: 0 } if digits >= 0 => written(digits as u64, rng),
        Value { digits, places: 0 } if rng.random_bool(0.2) => format!("minus {}", -digits),
        Value { digits, places } => decimal(digits, places),
    };
    let spell = |name: &str, lower: bool| if lower { name.to_lowercase() } else { name.to_string() };
    let lower = rng.random_bool(0.2);
    let (a, b) = (spell(a, lower), spell(b, lower));
    let text = wording(from.kind, rng, split);
    say(&[&text], &[("v", &number), ("a", &a), ("b", &b)], rng)
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
        ("months", "weeks"),
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
    let template = wording(UNITS.choose(rng).map_or("length", |unit| unit.kind), rng, split);
    let name = |unit: &Unit, rng: &mut ChaCha8Rng| unit.many.choose(rng).copied().unwrap_or("m").to_string();
    let known = |a: &str, b: &str| CONVERSIONS.iter().any(|c| (c.0, c.1) == (a, b));
    let (number, a, b) = match rng.random_range(0..6) {
        5 => loop {
            // The same kind, but not a pair that was learned.
            let (a, b) = (UNITS.choose(rng).unwrap_or(&UNITS[0]), UNITS.choose(rng).unwrap_or(&UNITS[1]));
            if a.kind == b.kind && a.symbol != b.symbol && !known(a.symbol, b.symbol) {
                break (arithmetic::number_up_to(rng, 4), name(a, rng), name(b, rng));
            }
        },
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
    let question = say(&[&template], &[("v", &number.to_string()), ("a", &a), ("b", &b)], rng);
    Example { question, answer: refusals::REFUSAL.into(), complexity: 4.0, task: refusals::OUT_OF_RANGE }
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
    fn each_step_stands_in_the_answer() {
        let all = |value, from, to| {
            let (_, _, way, _) = CONVERSIONS.iter().find(|c| (c.0, c.1) == (from, to)).unwrap();
            answer(value, from, to, *way)
        };
        assert!(all(whole(250), "m", "km").contains("250 ÷ 1000 = 25.0 ÷ 100 = 2.50 ÷ 10 = 0.250"));
        assert!(
            all(Value { digits: 25, places: 1 }, "km", "m")
                .contains("2.5 × 1000 = 25 × 100 = 250 × 10 = 2500")
        );
        assert!(all(whole(17), "kg", "lb").contains("37.48, next digit 5, up: 37.49"));
        assert!(all(whole(4), "min", "h").ends_with("**4 min ≈ 0.07 h** (0 h 4 min)"));
        assert!(all(Value { digits: 986, places: 1 }, "°F", "°C").ends_with("**98.6 °F = 37 °C**"));
        assert!(all(Value { digits: 366, places: 1 }, "°C", "°F").ends_with("**36.6 °C = 97.88 °F**"));
        assert!(all(Value { digits: -125, places: 1 }, "°C", "°F").ends_with("**-12.5 °C = 9.5 °F**"));
    }

    /// The value of a chain's part: numbers with × and ÷ from left to right.
    fn worth(part: &str) -> Option<f64> {
        let mut total: Option<f64> = None;
        let mut sign = '×';
        for word in part.split_inclusive(['×', '÷']) {
            let number: f64 = word.trim_end_matches(['×', '÷']).trim().parse().ok()?;
            total = Some(match (total, sign) {
                (None, _) => number,
                (Some(total), '×') => total * number,
                (Some(total), _) => total / number,
            });
            sign = word.chars().last().unwrap();
        }
        total
    }

    #[test]
    fn every_line_is_true_and_the_result_is_what_the_definition_gives() {
        let mut rng = ChaCha8Rng::seed_from_u64(6);
        let mut seen = std::collections::HashSet::new();
        for _ in 0..6000 {
            let (from, to, way, _) = pick(&mut rng);
            let value = value(*way, &mut rng);
            let text = answer(value, from, to, *way);
            assert!(text.len() < 620, "{text}");
            seen.insert((*from, *to));
            for line in text.lines().filter(|line| !line.contains(['*', '°', ':', ',', 'r', '('])) {
                let chain: Vec<&str> = line.split(" = ").collect();
                let worths: Vec<f64> = chain.iter().filter_map(|part| worth(part)).collect();
                if worths.len() == chain.len() {
                    assert!(
                        worths.windows(2).all(|w| (w[0] - w[1]).abs() < 1e-6 * w[0].abs().max(1e-3)),
                        "{line}"
                    );
                }
            }
            let v = value.digits as f64 / 10f64.powi(value.places as i32);
            let true_result = match *way {
                Ten(power) => v * 10f64.powi(power),
                Times(factor) => v * factor as f64,
                Over(divisor, None) => v / divisor as f64,
                Over(..) => continue,
                Factor(digits, places, _) => v * digits as f64 / 10f64.powi(places as i32),
                CelsiusToFahrenheit => v * 1.8 + 32.0,
                FahrenheitToCelsius => (v - 32.0) / 1.8,
                AddKelvin => v + 273.15,
                SubtractKelvin => v - 273.15,
            };
            let last = last_line(&text).rsplit_once(['=', '≈']).unwrap().1.trim();
            let said: f64 = last.split(' ').next().unwrap().parse().unwrap();
            assert!((said - true_result).abs() < 0.0501, "{last}: {true_result}");
        }
        assert_eq!(seen.len(), CONVERSIONS.len(), "a conversion is not practised");
    }

    #[test]
    fn held_out_wordings_are_never_trained_on() {
        use super::super::wording::bare;
        let kept: std::collections::HashSet<String> =
            templates(Split::HeldOut).iter().map(|t| bare(t)).collect();
        let mut rng = ChaCha8Rng::seed_from_u64(9);
        let made: std::collections::HashSet<String> =
            (0..5000).map(|_| bare(&wording("length", &mut rng, Split::Train))).collect();
        assert!(made.is_disjoint(&kept));
        assert!(made.len() > 1000, "{} wordings", made.len());
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
