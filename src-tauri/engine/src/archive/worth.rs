//! What is worth keeping: an answer that says nothing is never kept, or it comes back later as if it were
//! knowledge.

/// What a starter expert says outside its range.
pub const STARTER_REFUSAL: &str = "This starter expert can't do that; download one that can.";

/// Questions that ask back and apologies open an answer; deep inside a long text the same words are part of the
/// matter.
const OPENINGS: &[&str] = &[
    "i don't know", "i do not know", "i dont know", "i'm not sure", "i am not sure", "i'm unable to",
    "i am unable to", "i'm not able to", "i am not able to", "i can't help", "i cannot help",
    "i can't assist", "i cannot assist", "i can't answer", "i cannot answer", "i can't provide",
    "i cannot provide", "i can't do that", "i cannot do that", "i have no information",
    "i don't have information", "i don't have access", "i do not have access",
    "i don't have enough information", "i need more information", "i'm sorry, but", "i am sorry, but",
    "i'm sorry, i", "sorry, but i", "sorry, i ", "i apologize, but", "as an ai", "as a language model",
    "as a large language model", "please specify", "please provide", "please clarify", "please give me",
    "please rephrase", "could you please", "could you clarify", "could you specify", "could you provide",
    "can you please", "can you clarify", "can you specify", "can you provide", "it is not clear what",
    "it's not clear what", "it is unclear what", "it's unclear what", "there is no information",
    "there is not enough information", "no answer", "unknown", "n/a",
];

/// Asking back anywhere makes a short answer a question.
const ASKING_BACK: &[&str] = &[
    "please specify", "please provide more", "please clarify", "could you clarify",
    "could you please clarify", "could you please provide", "could you provide more", "can you provide more",
    "need more information", "need more context", "as an ai language model", "as an ai, i cannot",
    "as an ai i cannot",
];

/// Words up to which an answer is short.
const SHORT: usize = 40;

/// Why an answer's text is not worth keeping; `None` when it is.
pub fn not_worth_keeping(question: &str, answer: &str) -> Option<&'static str> {
    let lower = normalise(answer).replace('\u{2019}', "'");
    if lower.is_empty() {
        return Some("the answer is empty");
    }
    if !lower.chars().any(char::is_alphanumeric) {
        return Some("the answer is only punctuation");
    }
    if lower.starts_with(&normalise(STARTER_REFUSAL)) {
        return Some("the expert said that it cannot do this");
    }
    let words: Vec<&str> = lower.split_whitespace().collect();
    let is_short = words.len() <= SHORT;
    let opening = lower.trim_start_matches(|c: char| !c.is_alphanumeric());
    if is_short && OPENINGS.iter().any(|start| opens_with(opening, start)) {
        return Some("the answer says that it has none");
    }
    if is_short && ASKING_BACK.iter().any(|phrase| lower.contains(phrase)) {
        return Some("the answer asks back instead of answering");
    }
    if lower == normalise(question) {
        return Some("the answer only repeats the question");
    }
    if is_loop(answer, &words) {
        return Some("the answer repeats itself over and over");
    }
    None
}

/// The same question in another dress: case, spaces and the closing mark do not count.
pub fn normalise(text: &str) -> String {
    let joined = text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
    joined.trim_end_matches(['.', '?', '!', ' ', '\u{2026}']).to_owned()
}

/// `start` stands at the beginning and ends there at the end of a word ("unknown quantities are" does not open
/// with "unknown").
fn opens_with(text: &str, start: &str) -> bool {
    match start {
        // Single words are a non-answer only when they are all of it.
        "unknown" | "n/a" | "no answer" => text == start,
        _ => text
            .strip_prefix(start)
            .is_some_and(|rest| start.ends_with(' ') || !rest.starts_with(char::is_alphanumeric)),
    }
}

/// A model that has lost itself: one character without end, one line again and again, or a few words in a
/// circle to the end.
fn is_loop(answer: &str, words: &[&str]) -> bool {
    one_character(answer) || one_line(answer) || circle(words)
}

/// 60 times the same letter; longer than any number or rule that somebody wants to read.
fn one_character(answer: &str) -> bool {
    let mut run = (None, 0_u32);
    answer.chars().any(|c| {
        run = if run.0 == Some(c) { (Some(c), run.1 + 1) } else { (Some(c), 1) };
        run.1 >= 60 && c.is_alphanumeric()
    })
}

/// At least six lines, and one of them makes up more than half.
fn one_line(answer: &str) -> bool {
    let mut lines: Vec<&str> =
        answer.lines().map(str::trim).filter(|line| line.chars().any(char::is_alphanumeric)).collect();
    let all = lines.len();
    lines.sort_unstable();
    let longest = lines.chunk_by(|a, b| a == b).map(<[&str]>::len).max().unwrap_or(0);
    all >= 6 && longest * 2 > all
}

/// The end of the text goes round in a circle of up to 12 words, at least four times and over half of the text.
fn circle(words: &[&str]) -> bool {
    (1..=12).any(|period| {
        let round =
            words.iter().rev().zip(words.iter().rev().skip(period)).take_while(|(a, b)| a == b).count();
        // A circle of one word needs more rounds: "no, no, no, no" is an answer.
        let rounds = if period == 1 { 8 } else { 4 };
        round + period >= rounds * period && (round + period) * 2 > words.len() && words.len() >= 8
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn non_answers_are_not_worth_keeping() {
        let looped = "the cat sat on ".repeat(10);
        let lines = "I am here.\n".repeat(9);
        let one = "a".repeat(200);
        let table: &[(&str, &str)] = &[
            ("", "empty"),
            (" \n\t ", "empty"),
            ("...", "empty"),
            ("—, *", "punctuation"),
            (STARTER_REFUSAL, "cannot do this"),
            (
                "This starter expert can't do that; download one that can. It knows four operations.",
                "cannot do this",
            ),
            ("This starter expert can\u{2019}t do that; download one that can.", "cannot do this"),
            ("I don't know.", "has none"),
            ("I don\u{2019}t know the answer to that question.", "has none"),
            ("As an AI I cannot have opinions.", "has none"),
            ("I'm sorry, but I can't help with that.", "has none"),
            ("Please specify the problem.", "has none"),
            ("Could you please tell me which list you mean?", "has none"),
            ("To solve this, I need more information about the triangle.", "asks back"),
            ("Sure! Please specify the problem you would like me to solve.", "asks back"),
            ("N/A", "has none"),
            ("Unknown.", "has none"),
            ("What is 2 + 2?", "repeats the question"),
            (&looped, "over and over"),
            (&lines, "over and over"),
            (&one, "over and over"),
            ("yes yes yes yes yes yes yes yes yes yes", "over and over"),
        ];
        for (answer, reason) in table {
            let why = not_worth_keeping("What is 2 + 2?", answer);
            assert!(
                why.is_some_and(|why| why.contains(reason)),
                "{answer:?} should be refused as {reason:?}, got {why:?}"
            );
        }
    }

    #[test]
    fn answers_are_worth_keeping() {
        let long = "I'm not sure everybody agrees, but here is the history. Each year something else happened there, and \
             people wrote about it in letters, books and papers that we still have. First came the traders with their \
             ships, then the farmers who drained the marsh, and at last the railway that made it a town.";
        let table: &[&str] = &[
            "4",
            "481",
            "-3.5",
            "384 + 97 = 481",
            "Step 1: 4 + 7 = 11, write 1 carry 1.\nStep 2: 8 + 9 + 1 = 18, write 8 carry 1.\nStep 3: 3 + 1 = 4.\nAnswer: 481",
            "No.",
            "no, no, no, no",
            "東京です",
            "unknown quantities are written as letters",
            "def f(x):\n    return x\n",
            "0.1 m\n0.2 m\n0.3 m\n0.4 m\n0.5 m\n0.6 m\n0.7 m",
            "1000000000000000000000000000000",
            "a a a b b b c c c d d d",
            long,
        ];
        for answer in table {
            assert_eq!(not_worth_keeping("What is it?", answer), None, "{answer:?} is an answer");
        }
    }

    #[test]
    fn the_same_question_in_another_dress_is_the_same() {
        assert_eq!(normalise("  What is\n 2 + 2 ? "), normalise("what is 2 + 2"));
        assert_ne!(normalise("what is 2 + 2"), normalise("what is 2 * 2"));
        assert_ne!(normalise("is it -5"), normalise("is it 5"));
    }
}
