//! Relevance of a past question to a new one, 0 to 1: how much of what each is about the other is about as
//! well.
//!
//! Each question becomes its subject: its terms without the words that only ask ("what is", "please"). Each
//! term weighs by its rarity, words that name the form of a task rather than its matter ("function", "word") a
//! part of that. The overlap is the Dice coefficient of the weights. Numbers are the matter of the questions
//! that have them: other numbers, or the same ones in another order where order counts, make another question.

use crate::archive::{Frequencies, terms};

/// Words that ask. Stems, as the analyzer makes them.
const ASKING: &[&str] = &[
    "a", "about", "am", "an", "and", "ani", "answer", "are", "as", "ask", "at", "be", "been", "by", "calcul",
    "can", "comput", "convert", "could", "describ", "did", "do", "doe", "doesn", "don", "equal", "evalu",
    "explain", "figur", "find", "for", "from", "get", "give", "given", "had", "has", "have", "help", "hey",
    "hi", "how", "i", "if", "in", "into", "is", "isn", "it", "its", "just", "know", "let", "like", "look",
    "make", "me", "mean", "much", "mani", "need", "of", "on", "one", "or", "out", "plea", "pleas", "quick",
    "question", "result", "s", "say", "should", "show", "so", "solv", "some", "tell", "than", "that", "the",
    "them", "then", "there", "these", "thi", "this", "those", "to", "us", "valu", "want", "was", "we",
    "were", "what", "when", "where", "which", "who", "whi", "will", "with", "work", "would", "write", "you",
];

/// Words that name the form of a task. They tell kinds of tasks apart, not tasks of one kind.
const FORM: &[&str] = &[
    "code", "exampl", "follow", "function", "letter", "number", "phrase", "program", "python", "return",
    "script", "sentenc", "snippet", "take", "text", "use", "word",
];
const FORM_WEIGHT: f32 = 0.3;

/// "My name" is not "your name"; beside more matter it hardly counts.
const WHOSE: [&str; 6] = ["her", "his", "my", "our", "their", "your"];
const WHOSE_WEIGHT: f32 = 0.4;

/// What is asked for. Two questions that ask about the same thing, one when and one why, have different
/// answers.
const KINDS: &[&str] =
    &["when", "where", "which", "who", "whi", "long", "mani", "much", "often", "how", "what"];
const OTHER_KIND: f32 = 0.7;

/// One name for each operation, whichever word or sign was used: the term that the index has for its sign.
const OPERATIONS: &[(&str, &str)] = &[
    ("plus", "plus"),
    ("add", "plus"),
    ("ad", "plus"),
    ("sum", "plus"),
    ("total", "plus"),
    ("addit", "plus"),
    ("minus", "minus"),
    ("subtract", "minus"),
    ("less", "minus"),
    ("differ", "minus"),
    ("time", "time"),
    ("multipli", "time"),
    ("multipl", "time"),
    ("product", "time"),
    ("divid", "divid"),
    ("quotient", "divid"),
    ("over", "divid"),
    ("percent", "percent"),
    ("percentag", "percent"),
];

/// With these the order of the numbers does not count.
const COMMUTATIVE: &[&str] = &["plus", "time"];

/// A small archive has seen too little to say what is rare: as if this many questions were known already, of
/// which a word has `PRIOR_SEEN`. In a large archive the archive itself decides.
const PRIOR_QUESTIONS: f32 = 1_000.0;
const PRIOR_SEEN: f32 = 5.0;

/// What a question is about.
#[derive(Clone, Debug, PartialEq)]
pub struct Subject {
    /// In the order written, each once.
    terms: Vec<String>,
    /// The same as the index has them, before words for one operation became one.
    as_indexed: Vec<String>,
    /// In the order written, repeated ones too.
    numbers: Vec<String>,
    /// Nothing but words that ask ("who are you"): it is like another question only when it is the same.
    only_asks: bool,
    /// The first word of `KINDS`, in the order of that list: "how many" asks for a number, "what time" for what
    /// it says.
    kind: Option<&'static str>,
}

impl Subject {
    pub fn of(question: &str) -> Subject {
        let all = terms(question);
        let numbers: Vec<String> = all.iter().filter(|term| is_number(term)).cloned().collect();
        let has_numbers = !numbers.is_empty();
        let is_matter = |term: &&String| !only_asks(term);
        let only_asks = !all.iter().any(|term| is_matter(&term));
        let as_indexed: Vec<String> =
            all.iter().filter(|term| only_asks || is_matter(term)).cloned().collect();
        let kind = KINDS.iter().copied().find(|kind| all.iter().any(|term| term == kind));
        let mut once: Vec<String> = Vec::new();
        for term in &as_indexed {
            let term = if has_numbers { operation(term) } else { term };
            if !once.iter().any(|known| known == term) {
                once.push(term.to_owned());
            }
        }
        Subject { terms: once, as_indexed, numbers, only_asks, kind }
    }

    /// What to look for in the index.
    pub fn words(&self) -> &[String] {
        &self.as_indexed
    }

    /// Nothing but words that ask.
    pub fn only_asks(&self) -> bool {
        self.only_asks
    }

    pub fn terms(&self) -> impl Iterator<Item = &str> {
        self.terms.iter().map(String::as_str)
    }

    fn has(&self, term: &str) -> bool {
        self.terms.iter().any(|own| own == term)
    }

    fn is_commutative(&self) -> bool {
        let mut operations = self.terms.iter().filter(|term| is_operation(term));
        let first = operations.next();
        first.is_some_and(|first| COMMUTATIVE.contains(&first.as_str())) && operations.next().is_none()
    }
}

/// How much a term tells, from how rare it is among the kept questions.
#[derive(Clone, Debug, Default)]
pub struct Rarity(Frequencies);

impl Rarity {
    pub fn new(frequencies: Frequencies) -> Rarity {
        Rarity(frequencies)
    }

    /// `ln((1000 + questions) / (5 + questions with it))`: inverse document frequency over the prior.
    pub(super) fn of(&self, term: &str) -> f32 {
        let rarity =
            ((PRIOR_QUESTIONS + self.0.questions() as f32) / (PRIOR_SEEN + self.0.of(term) as f32)).ln();
        let part = match term {
            term if FORM.contains(&term) => FORM_WEIGHT,
            term if WHOSE.contains(&term) => WHOSE_WEIGHT,
            _ => 1.0,
        };
        rarity.max(0.1) * part
    }
}

/// Relevance of `past` to `asked`; symmetric.
pub fn relevance(asked: &Subject, past: &Subject, rarity: &Rarity) -> f32 {
    if asked.only_asks || past.only_asks {
        return if asked.terms == past.terms { 1.0 } else { 0.0 };
    }
    let weight = |subject: &Subject| -> f32 { subject.terms().map(|term| rarity.of(term)).sum() };
    let common: f32 = asked.terms().filter(|term| past.has(term)).map(|term| rarity.of(term)).sum();
    let both = weight(asked) + weight(past);
    if both <= 0.0 {
        return 0.0;
    }
    (2.0 * common / both) * numbers_agree(asked, past) * order_agrees(asked, past) * kinds_agree(asked, past)
}

/// Whether two questions that are near in meaning may be one. Numbers, and nothing but words that ask, are near without being
/// so: there the words decide alone. So are "my name" and "your name", and when and how to do a thing.
pub(super) fn may_mean_the_same(a: &Subject, b: &Subject) -> bool {
    let whose = |subject: &Subject| WHOSE.map(|word| subject.has(word));
    // "How do I" is "what is the best way to" as well.
    let is_open = |kind: Option<&str>| kind.is_none_or(|kind| ["how", "what", "which"].contains(&kind));
    let kinds_agree = a.kind.is_none() || b.kind.is_none() || a.kind == b.kind;
    ![a, b].into_iter().any(|subject| subject.only_asks || !subject.numbers.is_empty())
        && whose(a) == whose(b)
        && (kinds_agree || is_open(a.kind) && is_open(b.kind))
}

/// Less when both say what they ask for and it is not the same. Between numbers the signs have said it.
fn kinds_agree(a: &Subject, b: &Subject) -> f32 {
    match (a.kind, b.kind) {
        (Some(one), Some(other)) if one != other && a.numbers.is_empty() => OTHER_KIND,
        _ => 1.0,
    }
}

/// 1 when the questions have the same numbers or neither has any, less when one has more, a half when they
/// differ.
fn numbers_agree(a: &Subject, b: &Subject) -> f32 {
    let sorted = |subject: &Subject| {
        let mut numbers = subject.numbers.clone();
        numbers.sort();
        numbers
    };
    match (a.numbers.is_empty(), b.numbers.is_empty()) {
        (true, true) => 1.0,
        (false, false) if sorted(a) == sorted(b) => 1.0,
        (false, false) => 0.5,
        _ => 0.8,
    }
}

/// 1 when the common terms come in the same order. Where there are numbers order is meaning ("5 km to m" and "5
/// m to km", "7 - 12" and "12 - 7"), elsewhere mostly style.
fn order_agrees(a: &Subject, b: &Subject) -> f32 {
    let has_numbers = !a.numbers.is_empty() && !b.numbers.is_empty();
    let free = has_numbers && a.is_commutative() && b.is_commutative();
    let places: Vec<usize> = a
        .terms()
        .filter(|term| !(has_numbers && is_operation(term) || free && is_number(term)))
        .filter_map(|term| b.terms().position(|other| other == term))
        .collect();
    let pairs = places.len() * places.len().saturating_sub(1) / 2;
    if pairs == 0 {
        return 1.0;
    }
    let kept = places
        .iter()
        .enumerate()
        .map(|(at, place)| places[at + 1..].iter().filter(|later| *later > place).count());
    let share = kept.sum::<usize>() as f32 / pairs as f32;
    if has_numbers { share * share } else { 0.8 + 0.2 * share }
}

/// A word that asks and says nothing of the matter.
pub(super) fn only_asks(term: &str) -> bool {
    ASKING.contains(&term)
}

fn is_number(term: &str) -> bool {
    term.starts_with(|c: char| c.is_ascii_digit())
}

fn operation(term: &str) -> &str {
    OPERATIONS.iter().find(|(word, _)| *word == term).map_or(term, |(_, name)| name)
}

fn is_operation(term: &str) -> bool {
    OPERATIONS.iter().any(|(_, name)| *name == term)
}

#[cfg(test)]
mod tests {
    use super::super::{FLOOR, THRESHOLD};
    use super::*;

    fn pair(a: &str, b: &str) -> f32 {
        relevance(&Subject::of(a), &Subject::of(b), &Rarity::default())
    }

    /// The same question, or one whose answer answers the other.
    const RELATED: &[(&str, &str)] = &[
        ("What is 384 + 97?", "What's 384 plus 97"),
        ("What is 384 + 97?", "384+97"),
        ("What is 384 + 97?", "Add 97 to 384"),
        ("What is 384 + 97?", "What is the sum of 384 and 97?"),
        ("What is 12 * 12?", "multiply 12 by 12"),
        ("What is 15% of 200?", "Calculate 15 percent of 200."),
        ("Convert 5 km to m", "please convert 5 km into m"),
        ("Who wrote Hamlet?", "who wrote hamlet"),
        ("What is the capital of France?", "France's capital, please"),
        ("How do I reverse a string in Python?", "Write a Python function that reverses a string"),
        ("Sort these words: pear apple fig", "sort the words pear apple fig"),
        ("Why is the sky blue?", "Can you explain why the sky is blue"),
        ("How long does it take to boil an egg?", "How long should I boil an egg"),
        ("日本の首都はどこですか", "日本の首都はどこ"),
        ("who are you", "Who are you?"),
    ];

    /// Alike to the eye; the answer of one would be wrong for the other.
    const UNRELATED: &[(&str, &str)] = &[
        ("What is 384 + 97?", "What is 12 * 12?"),
        ("What is 384 + 97?", "Convert 5 km to m"),
        ("What is 384 + 97?", "What is 384 + 98?"),
        ("What is 384 + 97?", "What is 384 - 97?"),
        ("What is 384 + 97?", "What is 384 * 97?"),
        ("What is 12 - 7?", "What is 7 - 12?"),
        ("What is 84 / 7?", "What is 7 / 84?"),
        ("What is 12 + 12?", "What is 12 * 12?"),
        ("What is 2 + 3?", "What is 2 + 3 + 2?"),
        ("Convert 5 km to m", "Convert 5 m to km"),
        ("Convert 5 km to m", "Convert 7 km to m"),
        ("Convert 5 km to m", "Convert 5 km to miles"),
        ("What is the capital of France?", "What is the capital of Germany?"),
        ("Who wrote Hamlet?", "Who wrote Macbeth?"),
        ("Write a Python function that reverses a list", "Write a Python function that sorts a list"),
        (
            "Write a Python function that returns the maximum of a list",
            "Write a Python function that returns the minimum of a list",
        ),
        ("Reverse the word stream", "Reverse the word lamp"),
        ("Reverse the word stream", "Count the letters in the word stream"),
        ("Write the plural of the word mouse", "Write the plural of the word goose"),
        ("When should I change the oil?", "How do I change the oil?"),
        ("What is my name?", "What is your name?"),
        ("What time is it in Tokyo?", "What is the weather in Tokyo?"),
        ("日本の首都はどこですか", "日本の人口はどのくらいですか"),
        ("who are you", "What are you?"),
        ("who are you", "How are you"),
    ];

    #[test]
    fn the_threshold_stands_between_related_and_unrelated_questions() {
        let worst =
            RELATED.iter().map(|(a, b)| (pair(a, b), a, b)).min_by(|x, y| x.0.total_cmp(&y.0)).unwrap();
        let best =
            UNRELATED.iter().map(|(a, b)| (pair(a, b), a, b)).max_by(|x, y| x.0.total_cmp(&y.0)).unwrap();
        eprintln!("worst related {worst:?}, best unrelated {best:?}");
        // A related one may be old and not rated (FLOOR + nothing), an unrelated one new and loved (factor 1).
        assert!(worst.0 * FLOOR >= THRESHOLD, "a related question would not be recalled: {worst:?}");
        assert!(best.0 < THRESHOLD, "an unrelated question would be recalled: {best:?}");
    }

    #[test]
    fn relevance_is_symmetric_and_between_0_and_1() {
        for (a, b) in RELATED.iter().chain(UNRELATED) {
            let (there, back) = (pair(a, b), pair(b, a));
            assert!((there - back).abs() < 1e-5, "{a:?} {b:?}: {there} and {back}");
            assert!((0.0..=1.0001).contains(&there), "{a:?} {b:?}: {there}");
            assert!((pair(a, a) - 1.0).abs() < 1e-5, "a question is as relevant as can be to itself: {a:?}");
        }
    }

    #[test]
    fn what_is_near_without_being_the_same_is_left_to_the_words() {
        let may = |a: &str, b: &str| may_mean_the_same(&Subject::of(a), &Subject::of(b));
        assert!(may("How do I delete my account?", "What is the best way to remove my account?"));
        assert!(may("remove my account", "When is my account removed?"));
        for (a, b) in [
            ("What is 384 + 97?", "What is 384 + 98?"),
            ("What is my name?", "What is your name?"),
            ("When should I change the oil?", "How do I change the oil?"),
            ("who are you", "what are you"),
        ] {
            assert!(!may(a, b) && !may(b, a), "{a:?} {b:?}");
        }
    }

    #[test]
    fn texts_without_words_do_not_make_it_fail() {
        for text in ["", "???", "🙂", "+ + +"] {
            assert_eq!(pair(text, "What is 2 + 2?"), 0.0);
        }
    }
}
