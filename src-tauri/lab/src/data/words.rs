//! Words: sorting, reversing, counting, case, initials and plurals, letter by letter.
//!
//! The first line of an answer names the task and copies what it is about, so that the work below reads that line and
//! not the question. Letters (`_` for a space) are numbered before they are reversed, a count goes on from letter to
//! letter, and lists are sorted by their first letters, then by the next ones where those are the same: every step looks
//! up one letter, one number or one word.
//! Range: single words of 2 to 14 letters, lists of 2 to 6 words, phrases of up to 10 words, the letters a to z.
//!
//! Long because each task has steps of its own.

mod phrases;
mod plurals;
mod vocabulary;

use super::arithmetic::last_line;
use super::wording::{first_letter, one_of, say};
use super::{Corpus, Example, Split, refusals};
use rand::Rng;
use rand::seq::{IndexedRandom, SliceRandom};
use rand_chacha::ChaCha8Rng;

pub struct Words;

const REFUSALS: f64 = 0.09;
/// Bytes of the longest answer; with a long question it stays below the context of 512.
const LONGEST: usize = 330;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Task {
    Sort,
    SortDown,
    Reverse,
    ReverseWords,
    CountLetters,
    CountVowels,
    CountConsonants,
    CountLetter,
    CountWords,
    Upper,
    Lower,
    Title,
    Initials,
    Plural,
}

use Task::*;

/// Each task, its name in reports, and how often it is practised.
const TASKS: &[(Task, &str, u32)] = &[
    (Sort, "sort", 22),
    (SortDown, "sort", 6),
    (Reverse, "reverse", 20),
    (ReverseWords, "reverse", 5),
    (CountLetters, "count", 7),
    (CountVowels, "count", 7),
    (CountConsonants, "count", 3),
    (CountLetter, "count", 12),
    (CountWords, "count", 5),
    (Upper, "case", 4),
    (Lower, "case", 4),
    (Title, "case", 4),
    (Initials, "initials", 6),
    (Plural, "plural", 10),
];

impl Corpus for Words {
    fn name(&self) -> &'static str {
        "words"
    }

    fn domain(&self) -> &'static str {
        "words"
    }

    fn sample(&self, rng: &mut ChaCha8Rng, split: Split) -> Example {
        if rng.random_bool(REFUSALS) {
            return if rng.random_bool(0.5) {
                out_of_range(rng, split)
            } else {
                refusals::refusal_for("words", rng, split)
            };
        }
        let (task, name, _) = *TASKS.choose_weighted(rng, |task| task.2).unwrap_or(&TASKS[0]);
        let (subject, answer) = loop {
            let subject = subject(task, rng, split);
            let answer = answer(task, &subject);
            if answer.len() <= LONGEST {
                break (subject, answer);
            }
        };
        let shown = quoted(task, &subject.text, rng);
        let (letters, letter) = (subject.letters.as_str(), subject.letter_shown.as_str());
        let slots = [("w", shown.as_str()), ("n", subject.text.as_str()), ("c", letters), ("s", letter)];
        let wording = phrases::wording(task, split, rng);
        let question = say(&[&wording], &slots, rng);
        let steps = answer.len() as f32 / 20.0;
        Example { question, answer, complexity: (0.6 + 0.5 * steps).min(10.0), task: name }
    }

    fn correct(&self, example: &Example, answer: &str) -> bool {
        last_line(answer) == last_line(&example.answer)
    }
}

/// What a question is about.
#[derive(Clone, Debug, Default, PartialEq)]
struct Subject {
    text: String,
    /// The words of a list, or of a phrase.
    parts: Vec<String>,
    /// For counting one letter: the letter, how the question writes its plural, and how it writes the letter.
    letter: char,
    letters: String,
    letter_shown: String,
}

fn subject(task: Task, rng: &mut ChaCha8Rng, split: Split) -> Subject {
    match task {
        Sort | SortDown => list(rng, split),
        Reverse if rng.random_bool(0.1) => {
            let words = [vocabulary::word(rng, split, 6), vocabulary::word(rng, split, 5)];
            Subject { text: words.join(" "), ..Subject::default() }
        }
        Reverse | CountLetters | CountVowels | CountConsonants => {
            let word = vocabulary::word(rng, split, if task == Reverse { 12 } else { 14 });
            Subject { text: typed(word, rng), ..Subject::default() }
        }
        CountLetter => counted_letter(rng, split),
        ReverseWords => {
            let count = rng.random_range(2..=6);
            phrase(vocabulary::sentence(rng, split, count))
        }
        CountWords => {
            let count = rng.random_range(2..=10);
            let text = vocabulary::sentence(rng, split, count);
            let text = if rng.random_bool(0.4) { first_letter(&text, true) } else { text };
            phrase(text)
        }
        Upper | Lower | Title => {
            let count = *[1, 1, 1, 2, 2, 2, 3, 3, 4, 5].choose(rng).unwrap_or(&1);
            let text = if count == 1 {
                vocabulary::word(rng, split, 14)
            } else {
                vocabulary::sentence(rng, split, count)
            };
            phrase(match (task, rng.random_range(0..6)) {
                (Lower, 0..3) | (Title, 0) => text.to_uppercase(),
                (Lower, 3..5) => {
                    text.split(' ').map(|word| first_letter(word, true)).collect::<Vec<_>>().join(" ")
                }
                (Upper, 0) | (Lower, _) => first_letter(&text, true),
                _ => text,
            })
        }
        Initials => {
            let text = match rng.random_range(0..10) {
                0..7 => vocabulary::name(rng, split),
                _ => {
                    let count = rng.random_range(2..=5);
                    vocabulary::sentence(rng, split, count)
                }
            };
            phrase(if rng.random_bool(0.1) { text.to_lowercase() } else { text })
        }
        Plural => Subject { text: noun(rng, split), ..Subject::default() },
    }
}

fn phrase(text: String) -> Subject {
    Subject { parts: text.split(' ').map(String::from).collect(), text, ..Subject::default() }
}

/// Mostly lower case, as people type.
fn typed(word: String, rng: &mut ChaCha8Rng) -> String {
    match rng.random_range(0..20) {
        0..3 => first_letter(&word, true),
        3 => word.to_uppercase(),
        _ => word,
    }
}

/// Two to six different words; half of the lists have words that begin alike.
fn list(rng: &mut ChaCha8Rng, split: Split) -> Subject {
    let count = rng.random_range(2..=6);
    let mut parts: Vec<String> = Vec::new();
    let alike = rng.random_bool(0.5);
    let mut tries = 0;
    while parts.len() < count {
        let word = if rng.random_bool(0.75) {
            vocabulary::plain(rng, split)
        } else {
            vocabulary::word(rng, split, 9)
        };
        tries += 1;
        let wanted = !alike || parts.is_empty() || rng.random_bool(0.5) || tries > 300 || {
            let (first, length) = (&parts[0], 1 + usize::from(rng.random_bool(0.3)));
            first.get(..length) == word.get(..length)
        };
        if wanted && word.len() > 2 && !parts.contains(&word) {
            parts.push(word);
        }
    }
    parts.shuffle(rng);
    if rng.random_bool(0.12) {
        parts = parts.iter().map(|word| first_letter(word, true)).collect();
    }
    let shown: Vec<String> = match rng.random_range(0..8) {
        0 => parts.iter().map(|word| format!("\"{word}\"")).collect(),
        _ => parts.clone(),
    };
    let text = match (rng.random_range(0..10), shown.split_last()) {
        (0..2, _) => shown.join(" "),
        (2..4, Some((last, before))) => format!("{} and {last}", before.join(", ")),
        (4, Some((last, before))) if count > 2 => format!("{}, and {last}", before.join(", ")),
        (5, _) => shown.join(","),
        _ => shown.join(", "),
    };
    Subject { text, parts, ..Subject::default() }
}

fn counted_letter(rng: &mut ChaCha8Rng, split: Split) -> Subject {
    let text = vocabulary::word(rng, split, 14);
    let letters: Vec<char> = text.chars().collect();
    let repeated: Vec<char> =
        letters.iter().copied().filter(|l| letters.iter().filter(|m| *m == l).count() > 1).collect();
    let letter = match rng.random_range(0..10) {
        0..5 if !repeated.is_empty() => *repeated.choose(rng).unwrap_or(&'a'),
        0..8 => *letters.choose(rng).unwrap_or(&'a'),
        _ => char::from(rng.random_range(b'a'..=b'z')),
    };
    let upper = letter.to_ascii_uppercase();
    let letters = match rng.random_range(0..9) {
        0..3 => format!("{letter}'s"),
        3 => format!("{letter}s"),
        4 => format!("{upper}s"),
        5 => format!("{upper}'s"),
        6 => format!("letter {letter}'s"),
        7 => format!("\"{letter}\"s"),
        _ => format!("'{letter}'s"),
    };
    let letter_shown = match rng.random_range(0..6) {
        0..3 => letter.to_string(),
        3 => upper.to_string(),
        4 => format!("\"{letter}\""),
        _ => format!("'{letter}'"),
    };
    Subject { text: typed(text, rng), letter, letters, letter_shown, ..Subject::default() }
}

fn noun(rng: &mut ChaCha8Rng, split: Split) -> String {
    loop {
        let known = rng.random_range(0..20);
        let noun = match known {
            0..4 => plurals::IRREGULAR.choose(rng).map_or("child", |pair| pair.0).to_string(),
            4..7 => {
                plurals::to_be_known().collect::<Vec<_>>().choose(rng).copied().unwrap_or("leaf").to_string()
            }
            7..16 => plurals::REGULAR
                .split_whitespace()
                .collect::<Vec<_>>()
                .choose(rng)
                .copied()
                .unwrap_or("cat")
                .to_string(),
            _ => return vocabulary::made_up_noun(rng, split),
        };
        // What must be known is in both; what follows a rule is not.
        if known < 7 || vocabulary::belongs(&noun, split) {
            return noun;
        }
    }
}

/// The subject as the question shows it, with or without quotation marks.
fn quoted(task: Task, text: &str, rng: &mut ChaCha8Rng) -> String {
    match (task, rng.random_range(0..12)) {
        (Sort | SortDown, 0) => format!("[{text}]"),
        (Sort | SortDown, _) => text.to_string(),
        // Whoever asks about words in a row shows where they begin and end.
        (CountWords | ReverseWords | Upper | Lower | Title, 0..7) if text.contains(' ') => {
            format!("\"{text}\"")
        }
        (_, 0..3) => format!("\"{text}\""),
        (_, 7) => format!("'{text}'"),
        (_, 8) => format!("“{text}”"),
        (CountWords | ReverseWords | Upper | Lower | Title, _) if text.contains(' ') => {
            format!("\"{text}\"")
        }
        _ => text.to_string(),
    }
}

/// What the first line says of a task.
fn heading(task: Task, letter: char) -> String {
    match task {
        Sort => "sort a-z".into(),
        SortDown => "sort z-a".into(),
        Reverse => "reverse".into(),
        ReverseWords => "reverse words".into(),
        CountLetters => "count letters".into(),
        CountVowels => "count vowels".into(),
        CountConsonants => "count consonants".into(),
        CountLetter => format!("count {letter}"),
        CountWords => "count words".into(),
        Upper => "upper case".into(),
        Lower => "lower case".into(),
        Title => "title case".into(),
        Initials => "initials".into(),
        Plural => "plural".into(),
    }
}

fn answer(task: Task, subject: &Subject) -> String {
    let text = &subject.text;
    let about = match task {
        Sort | SortDown => subject.parts.join(", "),
        _ => text.clone(),
    };
    let work = match task {
        Sort | SortDown => sorted(&subject.parts, task == SortDown),
        Reverse => {
            let letters: Vec<String> =
                text.chars().map(|c| if c == ' ' { '_' } else { c }).map(String::from).collect();
            let back: String = text.chars().rev().collect();
            format!("{}\n{}\n**{back}**", numbered(&letters, false), numbered(&letters, true))
        }
        ReverseWords => {
            let back: Vec<&str> = subject.parts.iter().rev().map(String::as_str).collect();
            let back = back.join(" ");
            format!("{}\n{}\n**{back}**", numbered(&subject.parts, false), numbered(&subject.parts, true))
        }
        CountLetters => {
            let letters: Vec<String> = text.chars().map(String::from).collect();
            format!("{}\n**{text} has {} letters**", numbered(&letters, false), letters.len())
        }
        CountVowels => counted(text, |letter| "aeiou".contains(letter), "vowel"),
        CountConsonants => counted(text, |letter| !"aeiou".contains(letter), "consonant"),
        CountLetter => {
            let (line, count) = tally(text, |letter| letter == subject.letter);
            let plural = if count == 1 { "" } else { "'s" };
            format!("{line}\n**{text} has {count} {}{plural}**", subject.letter)
        }
        CountWords => format!("{}\n**{} words**", numbered(&subject.parts, false), subject.parts.len()),
        Upper => format!("**{}**", text.to_uppercase()),
        Lower => format!("**{}**", text.to_lowercase()),
        Title => {
            let words: Vec<String> =
                subject.parts.iter().map(|w| first_letter(&w.to_lowercase(), true)).collect();
            format!("**{}**", words.join(" "))
        }
        Initials => {
            let initial = |part: &String| part.chars().next().unwrap_or(' ').to_ascii_uppercase();
            let lines: Vec<String> =
                subject.parts.iter().map(|part| format!("{part}: {}", initial(part))).collect();
            let short: String = subject.parts.iter().map(initial).collect();
            let dotted: String = subject.parts.iter().map(|part| format!("{}.", initial(part))).collect();
            format!("{}\n**{short}** ({dotted})", lines.join("\n"))
        }
        Plural => {
            let (why, plural) = plurals::plural(&text.to_lowercase());
            format!("{why}\n**{plural}**")
        }
    };
    format!("{}: {about}\n{work}", heading(task, subject.letter))
}

/// `1l 2a 3n`, or `3n 2a 1l` backwards. Words are set off from their numbers: `1 the 2 red`.
fn numbered(parts: &[String], backwards: bool) -> String {
    let gap = if parts.iter().all(|part| part.chars().count() == 1) { "" } else { " " };
    let mut all: Vec<String> =
        parts.iter().enumerate().map(|(i, part)| format!("{}{gap}{part}", i + 1)).collect();
    if backwards {
        all.reverse();
    }
    all.join(" ")
}

/// The letters in order, each with the count so far: `s0 t0 r1 a1 w1 b1 e1 r2 r3 y3`.
fn tally(text: &str, counts: impl Fn(char) -> bool) -> (String, usize) {
    let mut count = 0;
    let letters: Vec<String> = text
        .chars()
        .map(|letter| {
            count += usize::from(counts(letter.to_ascii_lowercase()));
            format!("{letter}{count}")
        })
        .collect();
    (letters.join(" "), count)
}

fn counted(text: &str, counts: impl Fn(char) -> bool, what: &str) -> String {
    let (line, count) = tally(text, counts);
    format!("{line}\n**{text} has {count} {what}{}**", if count == 1 { "" } else { "s" })
}

/// The words by the letters they begin with, in order; words that begin alike by their next letters (`-` where a word
/// ends), and so on until a line has one word, after `=`; then those words.
fn sorted(words: &[String], down: bool) -> String {
    let mut lines = Vec::new();
    let mut order = Vec::new();
    let all: Vec<&str> = words.iter().map(String::as_str).collect();
    sort_group("", &all, down, &mut lines, &mut order);
    format!("{}\n**{}**", lines.join("\n"), order.join(", "))
}

fn sort_group<'w>(
    prefix: &str,
    words: &[&'w str],
    down: bool,
    lines: &mut Vec<String>,
    order: &mut Vec<&'w str>,
) {
    if let [word] = words {
        lines.push(format!("{prefix} = {word}"));
        order.push(word);
        return;
    }
    // '-' is before all letters, as the end of a word is.
    let next = |word: &str| word[prefix.len()..].chars().next().unwrap_or('-').to_ascii_lowercase();
    let keys: Vec<char> = words.iter().map(|word| next(word)).collect();
    let mut in_order = keys.clone();
    in_order.sort_unstable();
    in_order.dedup();
    if down {
        in_order.reverse();
    }
    let show = |keys: &[char]| keys.iter().map(char::to_string).collect::<Vec<_>>().join(" ");
    let group = if prefix.is_empty() { String::new() } else { format!("{prefix}: {}: ", words.join(", ")) };
    lines.push(format!("{group}{} -> {}", show(&keys), show(&in_order)));
    for key in in_order {
        let group: Vec<&str> = words.iter().copied().filter(|word| next(word) == key).collect();
        sort_group(&format!("{prefix}{key}"), &group, down, lines, order);
    }
}

/// Looks like a question about words, but is not one that this expert learned.
fn out_of_range(rng: &mut ChaCha8Rng, split: Split) -> Example {
    let (word, other) = (vocabulary::word(rng, split, 12), vocabulary::word(rng, split, 12));
    let shown = quoted(Plural, &word, rng);
    let numbers: Vec<String> =
        (0..rng.random_range(3..7)).map(|_| rng.random_range(1..500).to_string()).collect();
    let many: Vec<String> = (0..rng.random_range(9..14)).map(|_| vocabulary::plain(rng, split)).collect();
    let letter = one_of(&["a", "b", "c", "d", "e", "g", "h", "k", "m", "n", "p", "r", "s", "t"], rng);
    let (numbers, many) = (numbers.join(", "), many.join(", "));
    let slots = [("w", shown.as_str()), ("x", &other), ("m", &numbers), ("c", letter), ("l", &many)];
    let templates =
        if split == Split::Train { phrases::OUT_OF_RANGE } else { phrases::HELD_OUT_OUT_OF_RANGE };
    Example {
        question: say(templates, &slots, rng),
        answer: refusals::REFUSAL.into(),
        complexity: 3.0,
        task: refusals::OUT_OF_RANGE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::wording::bare;
    use rand::SeedableRng;
    use std::collections::HashSet;

    fn about(text: &str) -> Subject {
        phrase(text.into())
    }

    #[test]
    fn answers_show_their_steps_and_are_right() {
        for (task, text, expected) in [
            (Reverse, "to me", "reverse: to me\n1t 2o 3_ 4m 5e\n5e 4m 3_ 2o 1t\n**em ot**"),
            (Reverse, "river", "reverse: river\n1r 2i 3v 4e 5r\n5r 4e 3v 2i 1r\n**revir**"),
            (CountLetters, "box", "count letters: box\n1b 2o 3x\n**box has 3 letters**"),
            (CountVowels, "Apple", "count vowels: Apple\nA1 p1 p1 l1 e2\n**Apple has 2 vowels**"),
            (CountConsonants, "idea", "count consonants: idea\ni0 d1 e1 a1\n**idea has 1 consonant**"),
            (CountWords, "the red fox", "count words: the red fox\n1 the 2 red 3 fox\n**3 words**"),
            (ReverseWords, "red fox", "reverse words: red fox\n1 red 2 fox\n2 fox 1 red\n**fox red**"),
            (Initials, "ada Lovelace", "initials: ada Lovelace\nada: A\nLovelace: L\n**AL** (A.L.)"),
            (Title, "the RED fox", "title case: the RED fox\n**The Red Fox**"),
            (Plural, "city", "plural: city\ncity ends in ty: consonant and y, y becomes ies\n**cities**"),
        ] {
            assert_eq!(answer(task, &about(text)), expected);
        }
        let letter = Subject { text: "strawberry".into(), letter: 'r', ..Subject::default() };
        let expected = "count r: strawberry\ns0 t0 r1 a1 w1 b1 e1 r2 r3 y3\n**strawberry has 3 r's**";
        assert_eq!(answer(CountLetter, &letter), expected);
        let list = about("car banana apple cart cab");
        let expected = "sort a-z: car, banana, apple, cart, cab\nc b a c c -> a b c\na = apple\nb = banana\n\
                        c: car, cart, cab: a a a -> a\nca: car, cart, cab: r r b -> b r\ncab = cab\n\
                        car: car, cart: - t -> - t\ncar- = car\ncart = cart\n\
                        **apple, banana, cab, car, cart**";
        assert_eq!(answer(Sort, &list), expected);
        assert!(answer(SortDown, &list).ends_with("**cart, car, cab, banana, apple**"));
    }

    /// What an answer says in bold.
    fn bold(answer: &str) -> &str {
        answer.split("**").nth(1).unwrap()
    }

    #[test]
    fn what_the_first_line_asks_is_what_the_last_line_says() {
        let mut rng = ChaCha8Rng::seed_from_u64(7);
        let mut seen = HashSet::new();
        for _ in 0..6000 {
            let example = Words.sample(&mut rng, Split::Train);
            if example.answer == refusals::REFUSAL {
                continue;
            }
            let (task, text) = example.answer.lines().next().unwrap().split_once(": ").unwrap();
            let (said, lower) = (bold(&example.answer), text.to_lowercase());
            seen.insert(
                if task.len() == "count r".len() && task.starts_with("count ") {
                    "count letter"
                } else {
                    task
                }
                .to_string(),
            );
            let number =
                || said.rsplit_once(" has ").unwrap().1.split(' ').next().unwrap().parse::<usize>().unwrap();
            let count = |is: &dyn Fn(char) -> bool| lower.chars().filter(|c| is(*c)).count();
            match task {
                "sort a-z" | "sort z-a" => {
                    let mut words: Vec<&str> = text.split(", ").collect();
                    words.sort_by_key(|word| word.to_lowercase());
                    if task == "sort z-a" {
                        words.reverse();
                    }
                    assert_eq!(said, words.join(", "));
                }
                "reverse" => assert_eq!(said, text.chars().rev().collect::<String>()),
                "reverse words" => {
                    assert_eq!(said, text.split(' ').rev().collect::<Vec<_>>().join(" "));
                }
                "count letters" => assert_eq!(text.len(), number()),
                "count vowels" => assert_eq!(count(&|c| "aeiou".contains(c)), number()),
                "count consonants" => assert_eq!(count(&|c| !"aeiou".contains(c)), number()),
                "count words" => assert_eq!(said, format!("{} words", text.split(' ').count())),
                "upper case" => assert_eq!(said, text.to_uppercase()),
                "lower case" => assert_eq!(said, lower),
                "title case" => assert_eq!(said.to_lowercase(), lower),
                "initials" => assert_eq!(said.len(), text.split(' ').count()),
                "plural" => assert_eq!(said, plurals::plural(&lower).1),
                other => {
                    let letter = other.strip_prefix("count ").unwrap().chars().next().unwrap();
                    assert_eq!(count(&|c| c == letter), number(), "{other}: {text}");
                }
            }
        }
        for (task, ..) in TASKS.iter().filter(|task| task.0 != CountLetter) {
            assert!(seen.contains(&heading(*task, 'r')), "{task:?} is not practised");
        }
        assert!(seen.contains("count letter"));
    }

    #[test]
    fn an_example_fits_the_context_of_512_bytes() {
        let mut rng = ChaCha8Rng::seed_from_u64(8);
        for split in [Split::Train, Split::HeldOut] {
            let lengths: Vec<usize> = (0..4000)
                .map(|_| Words.sample(&mut rng, split))
                .map(|example| example.question.len() + example.answer.len() + 3)
                .collect();
            let fit = lengths.iter().filter(|length| **length <= 512).count();
            assert!(fit * 1000 >= lengths.len() * 995, "{fit} of {} fit", lengths.len());
        }
    }

    #[test]
    fn plurals_follow_the_rules_and_the_exceptions() {
        for (one, many) in [
            ("box", "boxes"),
            ("city", "cities"),
            ("day", "days"),
            ("leaf", "leaves"),
            ("knife", "knives"),
            ("roof", "roofs"),
            ("potato", "potatoes"),
            ("piano", "pianos"),
            ("child", "children"),
            ("sheep", "sheep"),
            ("church", "churches"),
            ("monkey", "monkeys"),
            ("bus", "buses"),
            ("quiz", "quizzes"),
            ("cliff", "cliffs"),
            ("cat", "cats"),
            ("safe", "safes"),
        ] {
            assert_eq!(plurals::plural(one).1, many);
        }
    }

    #[test]
    fn held_out_words_and_wordings_are_never_trained_on() {
        for (task, ..) in TASKS {
            let kept: HashSet<String> = phrases::held_out(*task).iter().map(|t| bare(t)).collect();
            let mut rng = ChaCha8Rng::seed_from_u64(9);
            let made: HashSet<String> =
                (0..1000).map(|_| bare(&phrases::wording(*task, Split::Train, &mut rng))).collect();
            assert!(made.is_disjoint(&kept), "{task:?}");
            assert!(made.len() > 3 * phrases::trained(*task).len(), "{task:?} has {} wordings", made.len());
        }
        let mut rng = ChaCha8Rng::seed_from_u64(2);
        for _ in 0..500 {
            assert!(!vocabulary::held_out(&vocabulary::word(&mut rng, Split::Train, 14)));
            assert!(list(&mut rng, Split::HeldOut).parts.iter().all(|word| vocabulary::held_out(word)));
        }
    }

    #[test]
    fn every_slot_is_filled_and_what_is_asked_about_is_in_the_question() {
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        for split in [Split::Train, Split::HeldOut] {
            for _ in 0..4000 {
                let example = Words.sample(&mut rng, split);
                assert!(!example.question.contains(['{', '}', '<', '|']), "{}", example.question);
                if let (Some((_, rest)), "count") = (example.answer.split_once("**"), example.task) {
                    let word = rest.split(" has ").next().unwrap_or("");
                    assert!(
                        rest.ends_with(" words**") || example.question.contains(word),
                        "{}",
                        example.question
                    );
                }
            }
        }
    }

    #[test]
    fn the_same_seed_writes_the_same_examples() {
        let write = || {
            let mut rng = ChaCha8Rng::seed_from_u64(5);
            (0..200).map(|_| Words.sample(&mut rng, Split::Train)).collect::<Vec<_>>()
        };
        assert_eq!(write(), write());
    }
}
