//! Wording: one request in the many ways that people type it.
//!
//! A template is text with slots, `Reverse {word}`, and choices, `<Reverse|flip> <the word |>{word}`. [`say`] picks a
//! template, picks its choices, puts a greeting or a thank-you around it, types it more or less carefully, and fills
//! the slots last, so that what the question is about is never changed by how it is asked.

use rand::Rng;
use rand::seq::IndexedRandom;
use rand_chacha::ChaCha8Rng;

const BEFORE: &[&str] = &[
    "", "", "", "", "", "", "", "", "", "", "", "", "", "", "", "", "Please ", "please, ", "Hi, ", "Hello! ",
    "Hey, ", "hey ", "Quick question: ", "ok, ", "Okay, ", "So, ", "One more: ", "Hi there. ", "Question: ",
    "And ", "Now ", "Next: ", "Q: ", "hm, ", "Good morning! ", "Help: ", "Sorry, one more thing: ",
    "My teacher asks: ", "For my homework: ", "Quick one: ", "One more thing: ", "Number one question: ",
    "This one: ", "Two seconds please: ", "Just one thing, ", "First question: ", "Question 2: ", "1. ",
    "3) ", "Q4: ", "Second one: ", "A quick one, ", "Good evening. ", "Excuse me, ", "Alright, ",
    "Could you help me? ", "I have a question. ", "Dear Lectern, ", "Task: ", "Last one for today: ",
    "Got a minute? ", "yo ", "hi! ",
];

const AFTER: &[&str] = &[
    "", "", "", "", "", "", "", "", "", "", "", "", "", "", "", "", " Thanks!", " please", " Thank you.",
    " for me", " thanks", ", please", " then", " now", " Thanks in advance.", " :)", " Show the steps.",
    " step by step", " Thanks a lot!", " thx", " pls", " if you can", " thank you!", ", thank you",
    ", thanks", " One more after this.", " I have two minutes.", " It is my first one.", "!", " Cheers",
    " right now",
];

/// Share of the requests that a murmur stands before.
const MURMURED: f64 = 0.15;

/// Words that say nothing about what is asked.
const COMMON: &str = "could you would like know need want tell show me please help with this that my our the a for now today \
    just quick some any thing here something question work do make get give find let us see how what which when is are be \
    will can maybe really simple short small good kind project school boss friend thanks thank hello hi hey dear again \
    again then so well okay sure right think thought wonder wondering trying try stuck looking look searching teacher kid \
    homework task job exercise test quiz report idea answer result explain kindly quickly exactly simply still also too \
    only even about if it its we i am was were have has had must should may might did does done going go come came say \
    said ask asked asking am everyone someone anybody one thing stuff bit lot sorry cheers morning evening day moment \
    second time first last next following above below part point case example problem puzzle sheet book page class lesson";

/// 0 to `most` common words in no order: what stands around a request when nobody foresaw how it would be put. A model
/// that learns with it looks for the words that matter.
pub fn murmur(most: usize, rng: &mut ChaCha8Rng) -> String {
    let words: Vec<&str> = COMMON.split_whitespace().collect();
    let count = rng.random_range(0..=most);
    (0..count).map(|_| words.choose(rng).copied().unwrap_or("please")).collect::<Vec<_>>().join(" ")
}

/// `text` with a murmur before and after it.
pub fn murmured(text: &str, before: usize, after: usize, rng: &mut ChaCha8Rng) -> String {
    let (start, end) = (murmur(before, rng), murmur(after, rng));
    let sign = *["", "", "?", "."].choose(rng).unwrap_or(&"");
    format!("{start} {text} {end}").trim().to_string() + sign
}

/// One of `templates` as a person would type it, its slots filled with `slots`.
pub fn say(templates: &[&str], slots: &[(&str, &str)], rng: &mut ChaCha8Rng) -> String {
    let template = templates.choose(rng).copied().unwrap_or("");
    let mut text = choices(template, rng);
    if !text.starts_with('{') && rng.random_bool(MURMURED) {
        text = murmured(&first_letter(&text, false), 6, 0, rng);
    }
    let before = one_of(BEFORE, rng);
    if !before.is_empty() && !text.starts_with("I ") && !text.starts_with("I'") && rng.random_bool(0.8) {
        text = first_letter(&text, false);
    }
    text = format!("{before}{text}{}", one_of(AFTER, rng));
    fill(&carelessly(text, rng), slots)
}

/// A request made of parts: `whole` sentences, things to `do` ("reverse {w}"), things to name ("the plural of {w}") and
/// things to `ask` ("how long is {w}"). `subject` is the slot that a person may also name before or after the request,
/// and `called` is what stands in its place then.
pub struct Parts<'p> {
    pub whole: &'p [&'p str],
    pub to_do: &'p [&'p str],
    pub to_name: &'p [&'p str],
    pub to_ask: &'p [&'p str],
    pub subject: &'p str,
    pub called: &'p [&'p str],
}

const TO_DO: &[&str] = &[
    "{r}", "{r}", "{r}", "{r}.", "<Can|Could|Would|Will> you <please |>{r}<?|>",
    "<Can|Could> you {r} for me<?|>", "<I want|I need|I'd like|I would like> you to {r}",
    "<I want|I need|I have|I'd like|I am trying|I'm trying> to {r}",
    "<Help me|Help me to|Help us|Let's|let us|Kindly|Go ahead and|You should|Now> {r}",
    "<How do I|How can I|How do you|How would you|How to> {r}<?|>",
    "<Your task is|The task is|My homework is|I was told|We have|I must> to {r}",
    "My <teacher|boss|friend|sister> <wants me|asked me|told me> to {r}",
    "<Would you mind helping me|Are you able|Is it possible for you|Do you know how> to {r}<?|>",
    "<Show me how to|Tell me how to|Try to|Be so kind and> {r}",
    "what <do you get|do I get|happens|comes out> <if|when> <you|I> {r}<?|>",
    "if <you|I> {r}, what <is it|do you get|comes out><?|>",
    "<What is|what's|show me|give me> the result <if|when> you {r}<?|>", "someone please {r}",
    "{r} and <show|tell> me <the result|the answer|how>",
];

const TO_NAME: &[&str] = &[
    "{r}", "{r}", "{r}<?|.>", "<What is|What's|What would be|whats|and what is> {r}<?|>",
    "<Give|Tell|Show> me {r}<.|>",
    "<Can|Could|Would> you <please |><give me|tell me|show me|find|write|work out|write down> {r}<?|>",
    "<I need|I want|I'd like|I would like|I'm looking for|I am after|I have to find|We need> {r}<.|>",
    "<Find|Write|Write down|Get|Work out|State|Provide|Return|Print|Determine> {r}<.|>", "{r} please",
    "{r}, please<.|>",
    "<Do you know|Can you tell me|Any idea what|Could you say what|I wonder what|I'd love to know> {r}<| is>?",
    "<I don't know|I forgot|Help me find|Help me with|Let me see|let me have> {r}",
    "<My teacher|My boss|My friend|My son> <needs|wants|asks for> {r}",
    "<Answer|Output|Result wanted|Looking for|Wanted|Needed>: {r}", "what do you say is {r}<?|>",
];

const TO_ASK: &[&str] = &[
    "{r}?",
    "{r}?",
    "{r}",
    "<Tell me|Tell me please|Please tell me|I want to know|I need to know|I'd like to know|I wonder|let me know>: {r}<?|>",
    "<Can you tell me|Could you tell me|Do you know|Any idea>, {r}?",
    "<Just asking|My question is|The question is|My son asks|Here's what I want to know>: {r}<?|>",
    "{r}, <do you know|any idea|please|can you say>?",
    "<Can|Could> you <check|work out|find out>: {r}?",
];

const SUBJECT_AFTER: &[&str] =
    &["{r}: {s}", "{r}: {s}", "{r}: {s}.", "{r}:\n{s}", "{r} - {s}", "{r}\n{s}", "{r}... {s}"];

const SUBJECT_BEFORE: &[&str] = &[
    "{s}: {r}", "{s} - {r}", "{s}\n{r}", "{s}. {r}",
    "<Take|Consider|Look at|Here is|Here you have|Given|Here's what I have:> {s}. {r}",
    "<I have|I wrote|I've got|There is|We have> {s}. {r}", "<Take|Given|With|For|About|Regarding> {s}, {r}",
    "{s} ... {r}", "<This is it|The text|Input|Mine>: {s}. {r}", "<My friend wrote|It says|I read> {s}. {r}",
    "({s}) {r}", "{s}, {r}",
];

/// A wording of `parts` that none of `kept_back` is: the slots are not filled, the choices are made.
pub fn compose(parts: &Parts, kept_back: &[&str], rng: &mut ChaCha8Rng) -> String {
    let kept: Vec<String> = kept_back.iter().map(|template| bare(template)).collect();
    loop {
        let text = composed(parts, rng);
        if !kept.contains(&bare(&text)) {
            return text;
        }
    }
}

fn composed(parts: &Parts, rng: &mut ChaCha8Rng) -> String {
    let lists = [(parts.to_do, TO_DO), (parts.to_name, TO_NAME), (parts.to_ask, TO_ASK)];
    let listed: usize = lists.iter().map(|(list, _)| list.len()).sum();
    if listed == 0 || (!parts.whole.is_empty() && rng.random_bool(0.3)) {
        return choices(parts.whole.choose(rng).copied().unwrap_or(""), rng);
    }
    let at = rng.random_range(0..listed);
    let (said, frames) = lists
        .iter()
        .flat_map(|(list, frames)| list.iter().map(move |said| (*said, *frames)))
        .nth(at)
        .unwrap_or(("", TO_DO));
    let frame = choices(frames.choose(rng).copied().unwrap_or("{r}"), rng);
    let mut request = frame.replace("{r}", &choices(said, rng));
    let slot = format!("{{{}}}", parts.subject);
    if request.matches(&slot).count() == 1 && !parts.called.is_empty() && rng.random_bool(0.35) {
        request = request.replace(&slot, parts.called.choose(rng).copied().unwrap_or("this"));
        let around = if rng.random_bool(0.5) {
            request = request.trim_end_matches(['?', '.']).to_string();
            SUBJECT_AFTER
        } else {
            SUBJECT_BEFORE
        };
        let request = first_letter(&request, rng.random_bool(0.3));
        return choices(around.choose(rng).copied().unwrap_or("{r}: {s}"), rng)
            .replace("{s}", &slot)
            .replace("{r}", &request);
    }
    if rng.random_bool(0.5) { first_letter(&request, true) } else { request }
}

/// A wording by its words alone: what two wordings that say the same have in common.
pub fn bare(text: &str) -> String {
    let letters: String =
        text.chars().map(|c| if c.is_alphanumeric() || "{}'".contains(c) { c } else { ' ' }).collect();
    letters.to_lowercase().split_whitespace().collect::<Vec<_>>().join(" ")
}

pub fn one_of(list: &[&'static str], rng: &mut ChaCha8Rng) -> &'static str {
    list.choose(rng).copied().unwrap_or("")
}

/// Replaces every `<a|b|c>` by one of its parts.
pub fn choices(template: &str, rng: &mut ChaCha8Rng) -> String {
    let mut out = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('<') {
        let (inside, tail) = after.split_once('>').unwrap_or((after, ""));
        let parts: Vec<&str> = inside.split('|').collect();
        out.push_str(before);
        out.push_str(parts.choose(rng).copied().unwrap_or(""));
        rest = tail;
    }
    out + rest
}

/// Replaces every `{name}` by its text.
pub fn fill(template: &str, slots: &[(&str, &str)]) -> String {
    let mut out = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        out.push_str(before);
        match after.split_once('}').and_then(|(name, tail)| Some((slots.iter().find(|s| s.0 == name)?, tail)))
        {
            Some(((_, text), tail)) => {
                out.push_str(text);
                rest = tail;
            }
            None => {
                out.push('{');
                rest = after;
            }
        }
    }
    out + rest
}

/// Lower case, capitals, a missing or an extra question mark, and now and then a slip of the finger: outside of slots.
fn carelessly(text: String, rng: &mut ChaCha8Rng) -> String {
    match rng.random_range(0..24) {
        0..5 => outside_slots(&text, |part| part.to_lowercase()),
        5 => outside_slots(&text, |part| part.to_uppercase()),
        6..8 => text.trim_end_matches(['?', '.', '!']).to_string(),
        8 => format!("{}?", text.trim_end_matches(['?', '.', '!'])),
        9 => format!("{}.", text.trim_end_matches(['?', '.', '!'])),
        10 => slip(&text, rng),
        11 => outside_slots(&text, |part| part.replace('\'', "").to_lowercase()),
        _ => text,
    }
}

/// `change` made to all of a wording but its slots.
pub fn outside_slots(text: &str, change: impl Fn(&str) -> String) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        let (slot, tail) = after.split_once('}').unwrap_or((after, ""));
        out.push_str(&change(before));
        out.push_str(&format!("{{{slot}}}"));
        rest = tail;
    }
    out + &change(rest)
}

/// Two neighbouring letters of a longer word change places, or one is missing or doubled.
fn slip(text: &str, rng: &mut ChaCha8Rng) -> String {
    let mut parts: Vec<String> = text.split(' ').map(String::from).collect();
    let long: Vec<usize> = (0..parts.len())
        .filter(|&i| parts[i].len() > 4 && parts[i].bytes().all(|byte| byte.is_ascii_alphabetic()))
        .collect();
    if let Some(&which) = long.choose(rng) {
        let at = rng.random_range(1..parts[which].len() - 1);
        let letter = parts[which].as_bytes()[at] as char;
        match rng.random_range(0..3) {
            0 => drop(parts[which].remove(at)),
            1 => parts[which].insert(at, letter),
            _ => {
                parts[which].remove(at);
                parts[which].insert(at + 1, letter);
            }
        }
    }
    parts.join(" ")
}

pub fn first_letter(text: &str, upper: bool) -> String {
    let mut letters = text.chars();
    let Some(first) = letters.next() else { return String::new() };
    let first: String = if upper { first.to_uppercase().collect() } else { first.to_lowercase().collect() };
    first + letters.as_str()
}

/// The same for a text on every machine and in every version: what decides which words and numbers are held out.
pub fn stable_hash(text: &str) -> u64 {
    let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    (hash ^ (hash >> 29)).wrapping_mul(0xBF58_476D_1CE4_E5B9) >> 32
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use std::collections::HashSet;

    #[test]
    fn one_template_is_said_in_many_ways_and_its_slots_stay_as_they_are() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let said: HashSet<String> = (0..2000)
            .map(|_| say(&["<Reverse|Flip> <the word |>{w}."], &[("w", "LanTern")], &mut rng))
            .collect();
        assert!(said.len() > 300, "{} ways", said.len());
        assert!(said.iter().all(|text| text.contains("LanTern") && !text.contains(['<', '|', '{'])));
    }

    #[test]
    fn parts_make_many_wordings_and_none_that_is_kept_back() {
        let parts = Parts {
            whole: &["{w} backwards"],
            to_do: &["reverse {w}"],
            to_name: &["the reverse of {w}"],
            to_ask: &["how is {w} spelled backwards"],
            subject: "w",
            called: &["this word"],
        };
        let kept_back = ["Could you reverse {w}?", "Reverse this word: {w}"];
        let mut rng = ChaCha8Rng::seed_from_u64(2);
        let made: HashSet<String> = (0..3000).map(|_| compose(&parts, &kept_back, &mut rng)).collect();
        assert!(made.len() > 300, "{} wordings", made.len());
        for text in &made {
            assert_eq!(text.matches("{w}").count(), 1, "{text}");
            assert!(!text.contains(['<', '|']) && !text.contains("{r}") && !text.contains("{s}"), "{text}");
            assert!(!kept_back.iter().any(|kept| bare(kept) == bare(text)), "{text} is kept back");
        }
    }

    #[test]
    fn a_brace_that_is_no_slot_stays() {
        assert_eq!(fill("a {b} {c", &[("b", "x")]), "a x {c");
        assert_eq!(fill("{none}", &[]), "{none}");
    }
}
