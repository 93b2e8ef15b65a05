//! Edits: plain changes of a prompt, for when nobody writes a better one, and examples out of right answers.
//!
//! | change | source |
//! |---|---|
//! | the question put as in a question that the expert says it answers | its manifest |
//! | the signature's task and the form of its answer | [`Signature`] |
//! | examples that are nearest to what went wrong, or most unlike each other, or drawn | BootstrapFewShot and its random search, DSPy (arXiv:2310.03714) |
//! | one sentence or one example less | |

use super::dice::Dice;
use crate::prompts::Signature;
use crate::words::{Prompt, QUESTION, Shot, sentences};
use std::collections::HashMap;

/// Examples in one prompt.
const SHOTS: usize = 4;

/// What there is to change a prompt with.
pub struct Hints {
    pub signature: Signature,
    /// Questions that the expert says it answers well.
    pub examples: Vec<String>,
    /// The manifest's.
    pub system: Option<String>,
    /// It reads a system prompt and turns before the question.
    pub reads_conversation: bool,
}

/// A prompt to try, and what is other about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal {
    pub prompt: Prompt,
    pub change: String,
}

/// A question that was not answered rightly.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Missed {
    pub question: String,
    pub expected: String,
    pub answer: String,
}

/// Every change of `parent`, in the order in which they are to be tried: of each sort one, then the next of each.
/// `right`: answers that were, to be shown as examples.
pub fn edits(
    parent: &Prompt,
    hints: &Hints,
    missed: &[Missed],
    right: &[Shot],
    dice: &mut Dice,
) -> Vec<Proposal> {
    let mut sorts = vec![layouts(parent, hints, missed), said_less(parent, hints)];
    if hints.reads_conversation {
        sorts.push(said_more(parent, hints));
        sorts.push(shown(parent, missed, right, dice));
    }
    let most = sorts.iter().map(Vec::len).max().unwrap_or(0);
    let mut found: Vec<Proposal> = Vec::new();
    for at in 0..most {
        let mut next: Vec<Proposal> = sorts.iter().filter_map(|sort| sort.get(at).cloned()).collect();
        dice.shuffle(&mut next);
        found.extend(next);
    }
    found.retain(|proposal| proposal.prompt != *parent);
    found
}

fn layouts(parent: &Prompt, hints: &Hints, missed: &[Missed]) -> Vec<Proposal> {
    let mut frames: Vec<(String, usize)> = Vec::new();
    for example in &hints.examples {
        for missed in missed {
            let Some(frame) = frame(example, &missed.question) else { continue };
            match frames.iter_mut().find(|(known, _)| *known == frame) {
                Some((_, times)) => *times += 1,
                None => frames.push((frame, 1)),
            }
        }
    }
    // Those that fit most of what went wrong come first; of equals, in the manifest's order.
    frames.sort_by_key(|(_, times)| std::cmp::Reverse(*times));
    let mut layouts: Vec<String> = frames.into_iter().map(|(frame, _)| frame).collect();
    let task = hints.signature.task.trim();
    if !task.is_empty() {
        layouts.insert(0, format!("{task} {QUESTION}"));
    }
    if hints.reads_conversation {
        layouts.push(format!("Question: {QUESTION}\nAnswer:"));
    }
    layouts.push(QUESTION.to_owned());
    layouts
        .into_iter()
        .map(|layout| Proposal {
            change: match layout.as_str() {
                QUESTION => "the question alone".into(),
                layout => format!("asked as \"{layout}\""),
            },
            prompt: Prompt { layout, ..parent.clone() },
        })
        .collect()
}

fn said_more(parent: &Prompt, hints: &Hints) -> Vec<Proposal> {
    let system = parent.system.clone().or_else(|| hints.system.clone()).unwrap_or_default();
    let mut lines: Vec<String> = vec![hints.signature.task.trim().to_owned()];
    lines.extend(hints.signature.outputs.iter().map(|field| hints.signature.form(field)));
    lines.push("Work it out step by step, and write the answer alone on the last line.".into());
    lines
        .into_iter()
        .filter(|line| !line.is_empty() && !system.contains(line.as_str()))
        .map(|line| Proposal {
            change: format!("says \"{line}\""),
            prompt: Prompt { system: Some(format!("{system}\n{line}").trim().to_owned()), ..parent.clone() },
        })
        .collect()
}

fn said_less(parent: &Prompt, hints: &Hints) -> Vec<Proposal> {
    let system = parent.system.clone().or_else(|| hints.system.clone()).unwrap_or_default();
    let all = sentences(&system);
    let without = |list: &[String], at: usize| -> String {
        list.iter()
            .enumerate()
            .filter(|(place, _)| *place != at)
            .map(|(_, s)| s.as_str())
            .collect::<Vec<_>>()
            .join("\n")
    };
    let fewer = all.iter().enumerate().map(|(at, sentence)| Proposal {
        change: format!("no longer says \"{sentence}\""),
        prompt: Prompt { system: Some(without(&all, at)), ..parent.clone() },
    });
    let unshown = (0..parent.shots.len()).map(|at| {
        let mut prompt = parent.clone();
        let gone = prompt.shots.remove(at);
        Proposal { prompt, change: format!("without the example \"{}\"", gone.question.trim()) }
    });
    unshown.chain(fewer).collect()
}

fn shown(parent: &Prompt, missed: &[Missed], right: &[Shot], dice: &mut Dice) -> Vec<Proposal> {
    // Where nothing was right, what would have been is shown.
    let told: Vec<Shot> = missed
        .iter()
        .map(|missed| Shot { question: missed.question.clone(), answer: missed.expected.clone() })
        .collect();
    let bank: Vec<Shot> = if right.is_empty() { told } else { right.to_vec() };
    let (near, unlike) = (nearest(&bank, missed, SHOTS), diverse(&bank, SHOTS));
    let mut drawn = bank.clone();
    dice.shuffle(&mut drawn);
    drawn.truncate(SHOTS);
    let sets = [
        (near.first().cloned().into_iter().collect(), "the nearest example"),
        (near, "the nearest examples"),
        (unlike, "examples that are most unlike each other"),
        (drawn, "examples that were drawn"),
    ];
    sets.into_iter()
        .filter(|(shots, _): &(Vec<Shot>, _)| !shots.is_empty())
        .map(|(shots, change)| Proposal {
            change: format!("shows {change}"),
            prompt: Prompt { shots, ..parent.clone() },
        })
        .collect()
}

/// Those of `bank` that are most like what went wrong.
fn nearest(bank: &[Shot], missed: &[Missed], k: usize) -> Vec<Shot> {
    let wrong: Vec<Bag> = missed.iter().map(|missed| bag(&missed.question)).collect();
    let mut scored: Vec<(f64, &Shot)> = bank
        .iter()
        .map(|shot| {
            (wrong.iter().map(|wrong| likeness(wrong, &bag(&shot.question))).fold(0.0, f64::max), shot)
        })
        .collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0));
    scored.into_iter().take(k).map(|(_, shot)| shot.clone()).collect()
}

/// The shortest first, then always the one that is least like those taken.
fn diverse(bank: &[Shot], k: usize) -> Vec<Shot> {
    let mut left: Vec<(&Shot, Bag)> = bank.iter().map(|shot| (shot, bag(&shot.question))).collect();
    left.sort_by_key(|(shot, _)| shot.question.len());
    let mut taken: Vec<(&Shot, Bag)> = Vec::new();
    while taken.len() < k && !left.is_empty() {
        let like = |one: &Bag| taken.iter().map(|(_, other)| likeness(one, other)).fold(0.0, f64::max);
        let next =
            (0..left.len()).min_by(|a, b| like(&left[*a].1).total_cmp(&like(&left[*b].1))).unwrap_or(0);
        taken.push(left.remove(next));
    }
    taken.into_iter().map(|(shot, _)| shot.clone()).collect()
}

type Bag = HashMap<String, f64>;

/// How often each word stands there; all numbers are one word.
fn bag(text: &str) -> Bag {
    let mut bag = Bag::new();
    for token in tokens(text) {
        let word = if token.is_number { "#".to_owned() } else { token.text.to_lowercase() };
        *bag.entry(word).or_default() += 1.0;
    }
    bag
}

/// Cosine.
fn likeness(a: &Bag, b: &Bag) -> f64 {
    let dot: f64 = a.iter().filter_map(|(word, times)| Some(times * b.get(word)?)).sum();
    let length = |bag: &Bag| bag.values().map(|times| times * times).sum::<f64>().sqrt();
    let lengths = length(a) * length(b);
    if lengths > 0.0 { dot / lengths } else { 0.0 }
}

struct Token<'t> {
    from: usize,
    text: &'t str,
    is_number: bool,
    is_word: bool,
}

/// Numbers, words and marks.
fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut found: Vec<Token> = Vec::new();
    let mut chars = text.char_indices().peekable();
    while let Some((from, first)) = chars.next() {
        if first.is_whitespace() {
            continue;
        }
        let (is_number, is_word) = (first.is_ascii_digit(), first.is_alphabetic());
        let mut to = from + first.len_utf8();
        while let Some((at, next)) = chars.peek().copied() {
            let goes_on =
                (is_number && next.is_ascii_digit()) || (is_word && (next.is_alphanumeric() || next == '\''));
            if !goes_on {
                break;
            }
            to = at + next.len_utf8();
            chars.next();
        }
        found.push(Token { from, text: &text[from..to], is_number, is_word });
    }
    found
}

/// `example` with a place for the question where it has something of the same form: the same words and marks, any number
/// for a number; at its end any word for a word.
fn frame(example: &str, question: &str) -> Option<String> {
    if example.contains(QUESTION) {
        return None;
    }
    let without_end = |text: &'_ str| -> usize {
        let mut all = tokens(text);
        while all.last().is_some_and(|last| ["?", ".", "!"].contains(&last.text)) {
            all.pop();
        }
        all.len()
    };
    let (of_example, of_question) = (tokens(example), tokens(question));
    let (shown, asked) = (&of_example[..without_end(example)], &of_question[..without_end(question)]);
    if asked.is_empty() || asked.len() >= shown.len() {
        return None;
    }
    let same =
        |one: &Token, other: &Token, any_word: bool| match (one.is_number, one.is_word && other.is_word) {
            (true, _) => other.is_number,
            (_, true) if any_word => true,
            _ => one.text.eq_ignore_ascii_case(other.text),
        };
    let places = || shown.windows(asked.len()).enumerate();
    let fits = |any_word: bool| {
        move |(_, window): &(usize, &[Token])| {
            window.iter().zip(asked).all(|(one, other)| same(one, other, any_word))
        }
    };
    let last = shown.len() - asked.len();
    let (at, _) = places().find(fits(false)).or_else(|| places().skip(last).find(fits(true)))?;
    let (first, end) = (&shown[at], &shown[at + asked.len() - 1]);
    Some(format!("{}{QUESTION}{}", &example[..first.from], &example[end.from + end.text.len()..]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prompts::Kind;

    #[test]
    fn a_question_is_put_as_the_expert_is_used_to() {
        for (example, question, layout) in [
            ("Reverse the word lantern", "river", Some("Reverse the word {question}")),
            ("How many r's are in strawberry?", "river", Some("How many r's are in {question}?")),
            ("What is 384 + 97?", "12 + 4", Some("What is {question}?")),
            ("How many metres are 5 km?", "31 km", Some("How many metres are {question}?")),
            ("Convert 3 hours to minutes", "12 hours?", Some("Convert {question} to minutes")),
            ("What is 384 + 97?", "12 - 4", None),
            ("15% of 240", "how are you today", None),
            ("river", "river", None),
        ] {
            assert_eq!(frame(example, question).as_deref(), layout, "{question} in {example}");
        }
    }

    fn shot(question: &str) -> Shot {
        Shot { question: question.into(), answer: "x".into() }
    }

    #[test]
    fn examples_are_near_to_what_went_wrong_or_unlike_each_other() {
        let bank = ["add 3 to 4", "add 9 to 12", "plural of box", "plural of river"].map(shot);
        let missed = [Missed { question: "plural of wolf".into(), ..Missed::default() }];
        assert_eq!(nearest(&bank, &missed, 2), [bank[2].clone(), bank[3].clone()]);
        let unlike = diverse(&bank, 2);
        assert_ne!(
            unlike[0].question.starts_with("add"),
            unlike[1].question.starts_with("add"),
            "{unlike:?}"
        );
    }

    #[test]
    fn an_expert_that_reads_single_questions_is_only_asked_otherwise() {
        let hints = |reads_conversation| Hints {
            signature: Signature { task: "Reverse it.".into(), ..Signature::plain(Kind::Text) },
            examples: vec!["Reverse the word lantern".into()],
            system: None,
            reads_conversation,
        };
        let missed = [Missed { question: "river".into(), expected: "revir".into(), answer: "?".into() }];
        let all = |reads| edits(&Prompt::default(), &hints(reads), &missed, &[], &mut Dice::new(1));
        let layouts: Vec<String> = all(false).into_iter().map(|proposal| proposal.prompt.layout).collect();
        assert_eq!(layouts, ["Reverse it. {question}", "Reverse the word {question}"]);
        let more = all(true);
        assert!(
            more.iter().any(|proposal| proposal.prompt.shots
                == [Shot { question: "river".into(), answer: "revir".into() }])
        );
        assert!(more.iter().any(|proposal| proposal.prompt.system.as_deref() == Some("Reverse it.")));
        let parent =
            Prompt { system: Some("Be kind. Be brief.".into()), shots: vec![shot("a")], ..Prompt::default() };
        let less = said_less(&parent, &hints(true));
        assert_eq!(less[0].prompt.shots, []);
        assert_eq!(less[1].prompt.system.as_deref(), Some("Be brief."));
    }
}
