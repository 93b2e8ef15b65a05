//! Shorten: one text made shorter, whole units at a time, and checked.
//!
//! A context that comes with its question loses what bears least on it. A text that asks nothing of a context (a prompt,
//! worked examples, a document alone) loses only units without a guard: each number, name, formula, quote and negation
//! in it may be the point.

use super::by_model::{Surprise, by_model};
use super::choose::choose;
use super::guards::{self, guards};
use super::question::{self, asks};
use super::relevance::{Terms, relevance};
use super::rules;
use super::units::{Unit, about_words, units};
use std::collections::HashSet;
use std::ops::Range;
use std::time::Instant;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Padding of politeness, whole words.
    Rules,
    /// Whole sentences by relevance.
    Extractive,
    /// Whole sentences by what a model makes of them, see [`by_model`](super::by_model).
    Model,
}

impl Method {
    pub fn name(self) -> &'static str {
        match self {
            Method::Rules => "rules",
            Method::Extractive => "extractive",
            Method::Model => "model",
        }
    }
}

/// How a text is to be shortened.
#[derive(Clone, Copy, Debug)]
pub struct Wish<'a> {
    /// What the text is read for; `None` looks for a question in the text.
    pub question: Option<&'a str>,
    /// The part of the tokens that stays, above 0, at most 1.
    pub ratio: f32,
    /// `None`: extractive for a context, rules for a prompt.
    pub method: Option<Method>,
}

/// What went, and what that did.
#[derive(Clone, Debug, PartialEq)]
pub struct Shortened {
    /// Bytes of the text, in order, apart from each other.
    pub dropped: Vec<Range<usize>>,
    pub tokens_before: u32,
    pub tokens_after: u32,
    pub method: Method,
    /// Nothing guarded was lost; what would have lost it was not dropped.
    pub kept_guards: bool,
    /// One sentence.
    pub reason: String,
    pub elapsed_ms: f32,
}

impl Shortened {
    /// What stays of the text that this was made from.
    pub fn text(&self, of: &str) -> String {
        without(of, &self.dropped)
    }

    /// What stays of a part of that text.
    pub fn text_within(&self, of: &str, part: &Range<usize>) -> String {
        let (start, end) = (part.start, part.end);
        let inside = self.dropped.iter().filter(|range| range.start < end && range.end > start);
        let shifted: Vec<Range<usize>> =
            inside.map(|range| range.start.max(start) - start..range.end.min(end) - start).collect();
        without(&of[start..end], &shifted)
    }

    /// The part of the tokens that stayed; 1 for a text without any.
    pub fn ratio(&self) -> f32 {
        if self.tokens_before == 0 { 1.0 } else { self.tokens_after as f32 / self.tokens_before as f32 }
    }
}

/// Texts of fewer words are prompts, whatever they look like; those with several paragraphs are contexts earlier.
const CONTEXT_WORDS: usize = 500;
const CONTEXT_WORDS_IN_PARAGRAPHS: usize = 250;
const CONTEXT_PARAGRAPHS: usize = 4;

/// A question of ordinary length has fewer words than this: nothing of it is dropped as a sentence.
const ORDINARY_WORDS: usize = 60;

/// Tries to come nearer to the ratio: tokens of a text are not quite the sum of its sentences'.
const TRIES: usize = 4;

/// Near enough, as a part of the tokens.
const NEAR: f32 = 0.005;

/// Shortens `text`; `count` gives the tokens of a text by the tokenizer of whoever reads it.
pub fn shorten<E>(
    text: &str,
    wish: &Wish,
    count: &mut dyn FnMut(&str) -> Result<u32, E>,
) -> Result<Shortened, E> {
    shorten_with(text, wish, count, None)
}

/// The same with a model to score sentences by, for [`Method::Model`]; without one that is [`Method::Extractive`].
pub fn shorten_with<E>(
    text: &str,
    wish: &Wish,
    count: &mut dyn FnMut(&str) -> Result<u32, E>,
    surprise: Option<&mut Surprise<'_, E>>,
) -> Result<Shortened, E> {
    let begun = Instant::now();
    let units = units(text);
    let found = wish.question.is_none().then(|| question::find(text, &units)).flatten();
    let is_context = wish.question.is_some() || (found.is_some() && is_context(text, &units));
    let method = wish.method.unwrap_or(if is_context { Method::Extractive } else { Method::Rules });
    let method = if method == Method::Model && surprise.is_none() { Method::Extractive } else { method };
    let tokens_before = count(text)?;
    let mut done = Shortened {
        dropped: Vec::new(),
        tokens_before,
        tokens_after: tokens_before,
        method,
        kept_guards: true,
        reason: String::new(),
        elapsed_ms: 0.0,
    };
    if method == Method::Rules {
        by_rules(text, &mut done, count)?;
    } else if let Some(why_not) = why_not(text, &units, wish.ratio, is_context) {
        done.reason = why_not;
    } else {
        let asked = wish.question.or(found.as_ref().map(|found| found.text.as_str()));
        let own = found.as_ref().map_or(&[][..], |found| &found.units);
        let asked = Asked { text: asked, units: own, is_context };
        let scores = match surprise.filter(|_| method == Method::Model) {
            Some(surprise) => by_model(text, &units, asked.text, asked.units, surprise)?,
            None => None,
        };
        if method == Method::Model && scores.is_none() {
            done.method = Method::Extractive;
        }
        extract(text, &units, &asked, scores, wish.ratio, &mut done, count)?;
        if method == Method::Model && done.method == Method::Extractive {
            done.reason = format!(
                "No sentence helps this model to foretell the question, so relevance chose. {}",
                done.reason
            );
        }
    }
    done.elapsed_ms = begun.elapsed().as_secs_f32() * 1000.0;
    Ok(done)
}

/// The question of a long text that holds it: what a paste asks.
pub fn question_in(text: &str) -> Option<String> {
    let units = units(text);
    question::find(text, &units).filter(|_| is_context(text, &units)).map(|asked| asked.text)
}

fn is_context(text: &str, units: &[Unit]) -> bool {
    let words = about_words(text);
    let paragraphs = units.last().map_or(0, |unit| unit.passage + 1);
    words >= CONTEXT_WORDS || (words >= CONTEXT_WORDS_IN_PARAGRAPHS && paragraphs >= CONTEXT_PARAGRAPHS)
}

fn why_not(text: &str, units: &[Unit], ratio: f32, is_context: bool) -> Option<String> {
    if ratio >= 1.0 {
        return Some("All of it was asked for.".into());
    }
    if units.len() < 2 {
        return Some(
            "It is one sentence or one block: whole sentences are dropped, and this is the only one.".into(),
        );
    }
    let words = about_words(text);
    (!is_context && words < ORDINARY_WORDS)
        .then(|| format!("It has about {words} words, an ordinary question: nothing of it is dropped."))
}

fn by_rules<E>(
    text: &str,
    done: &mut Shortened,
    count: &mut dyn FnMut(&str) -> Result<u32, E>,
) -> Result<(), E> {
    let dropped = rules::padding(text);
    let rest = without(text, &dropped);
    if dropped.is_empty() || rest.trim().is_empty() {
        done.reason = "There is no padding in it.".into();
    } else if !guards::lost(&guards(text), &guards(&rest)).is_empty() {
        // The name after a lost "please" begins its sentence now, or the like: not worth the risk.
        done.reason =
            "Without its padding something guarded would read otherwise, so it stays as it is.".into();
    } else {
        done.tokens_after = count(&rest)?;
        done.reason = format!("{} stretches of padding went; every other word stays.", dropped.len());
        done.dropped = dropped;
    }
    Ok(())
}

struct Asked<'a> {
    text: Option<&'a str>,
    /// The units that ask; they stay.
    units: &'a [usize],
    is_context: bool,
}

fn extract<E>(
    text: &str,
    units: &[Unit],
    asked: &Asked,
    scores: Option<Vec<f32>>,
    ratio: f32,
    done: &mut Shortened,
    count: &mut dyn FnMut(&str) -> Result<u32, E>,
) -> Result<(), E> {
    let tokens = units.iter().map(|unit| count(&text[unit.body()])).collect::<Result<Vec<u32>, E>>()?;
    let sum: u32 = tokens.iter().sum();
    let terms = Terms::of(text, units);
    let scores = match scores {
        Some(scores) => scores,
        None if asked.units.is_empty() => relevance(text, units, &terms, asked.text),
        None => of_the_rest(text, units, asked),
    };
    let mut must = vec![false; units.len()];
    asked.units.iter().for_each(|&at| must[at] = true);
    if !asked.is_context {
        guard_all(text, units, &mut must);
    }

    let wanted = ratio * done.tokens_before as f32;
    let mut budget = ratio * sum as f32;
    let mut best: Option<(f32, Vec<Range<usize>>, u32)> = None;
    for _ in 0..TRIES {
        let mut kept = choose(units, &terms, &scores, &tokens, &must, budget.max(0.0) as u32);
        if !kept.contains(&true) {
            let first = (0..units.len()).max_by(|&a, &b| scores[a].total_cmp(&scores[b]).then(b.cmp(&a)));
            first.into_iter().for_each(|at| kept[at] = true);
        }
        let dropped = ranges(units, &kept);
        let rest = without(text, &dropped);
        // A thing of the question that the context knows must still be known.
        if let Some(holder) = asked.text.and_then(|asked| lost_of(asked, text, &rest, units, &scores)) {
            must[holder] = true;
            best = None;
            continue;
        }
        let after = count(&rest)?;
        let missing = wanted - after as f32;
        if best.as_ref().is_none_or(|(least, ..)| missing.abs() < *least) {
            best = Some((missing.abs(), dropped, after));
        }
        if missing.abs() <= NEAR * done.tokens_before as f32 {
            break;
        }
        budget += missing * sum as f32 / done.tokens_before.max(1) as f32;
    }
    let Some((_, dropped, after)) = best else {
        done.reason = "Too much of it is named in the question: nothing was dropped.".into();
        return Ok(());
    };
    let rest = without(text, &dropped);
    let lost = if asked.is_context { Vec::new() } else { missing_kinds(text, &rest) };
    if lost.is_empty() && after < done.tokens_before {
        done.reason = reason(units.len(), &dropped, wanted, after, ratio, asked.is_context);
        (done.dropped, done.tokens_after) = (dropped, after);
    } else {
        done.reason = format!(
            "Nothing was dropped: {}.",
            lost.first().map_or("each sentence holds something that must stay".into(), |lost| format!(
                "{:?} would be lost",
                lost.said
            ))
        );
    }
    Ok(())
}

/// The scores of the units that do not ask, as if the question stood elsewhere; it bears most on itself.
fn of_the_rest(text: &str, units: &[Unit], asked: &Asked) -> Vec<f32> {
    let others: Vec<usize> = (0..units.len()).filter(|at| !asked.units.contains(at)).collect();
    let rest: Vec<Unit> = others.iter().map(|&at| units[at].clone()).collect();
    let mut scores = vec![f32::MAX; units.len()];
    let of_rest = relevance(text, &rest, &Terms::of(text, &rest), asked.text);
    others.into_iter().zip(of_rest).for_each(|(at, score)| scores[at] = score);
    scores
}

fn reason(
    units: usize,
    dropped: &[Range<usize>],
    wanted: f32,
    after: u32,
    ratio: f32,
    is_context: bool,
) -> String {
    let percent = (ratio * 100.0).round();
    if after as f32 > wanted * 1.1 + 1.0 {
        let why = if is_context {
            "the question, what it names and whole sentences"
        } else {
            "numbers, names, formulas, code, quotes, negations and requests"
        };
        return format!(
            "Less was dropped than the {percent} % asked for would take: {why} need {after} tokens."
        );
    }
    let how = if is_context {
        "by what they have to do with the question"
    } else {
        "those without anything guarded"
    };
    format!(
        "Of {units} sentences and blocks some were dropped in {} places, {how}; the others are whole.",
        dropped.len()
    )
}

/// In a prompt each unit with a guard or a request stays; what stands there twice, once.
fn guard_all(text: &str, units: &[Unit], must: &mut [bool]) {
    let mut seen = HashSet::new();
    for (unit, must) in units.iter().zip(must) {
        let said = &text[unit.body()];
        let guarded = unit.kind == super::units::Kind::Code || asks(said) || !guards(said).is_empty();
        *must |= guarded && seen.insert(said.trim());
    }
}

/// The best unit with a guard of the question that the whole text holds and the rest does not.
fn lost_of(asked: &str, text: &str, rest: &str, units: &[Unit], scores: &[f32]) -> Option<usize> {
    // The unit after a number in the question need not follow it in the context: words are looked for, not guards.
    let words: HashSet<String> = guards(asked)
        .into_iter()
        .filter(|guard| {
            matches!(
                guard.kind,
                guards::Kind::Number | guards::Kind::Code | guards::Kind::Quote | guards::Kind::Name
            )
        })
        .map(|guard| match guard.kind {
            guards::Kind::Number => guard.said.split(' ').next().unwrap_or_default().to_owned(),
            _ => guard.said.trim_matches(['"', '“', '”', '`', '\'']).to_owned(),
        })
        .filter(|word| word.chars().count() >= 2)
        .collect();
    let gone = words
        .into_iter()
        .filter(|word| !rest.contains(word.as_str()) && text.contains(word.as_str()))
        .min()?;
    let holders = (0..units.len()).filter(|&at| text[units[at].body()].contains(gone.as_str()));
    holders.max_by(|&a, &b| scores[a].total_cmp(&scores[b]))
}

/// Guards of `before` that are nowhere in `after`.
fn missing_kinds(before: &str, after: &str) -> Vec<guards::Guard> {
    let there: HashSet<guards::Guard> = guards(after).into_iter().collect();
    guards(before).into_iter().filter(|guard| !there.contains(guard)).collect()
}

/// The bytes of the units that are not kept. Where paragraphs were apart, what is left of them is.
fn ranges(units: &[Unit], kept: &[bool]) -> Vec<Range<usize>> {
    let mut dropped = Vec::new();
    let mut at = 0;
    while at < units.len() {
        if kept[at] {
            at += 1;
            continue;
        }
        let end = (at..units.len()).find(|&next| kept[next]).unwrap_or(units.len());
        let last = &units[end - 1];
        let before = at.checked_sub(1).map(|before| &units[before]);
        let same = |other: &Unit| before.is_some_and(|before| before.passage == other.passage);
        dropped.push(match before {
            // The white space after the last one parts what is left.
            Some(before) if !units.get(end).is_some_and(same) => before.end..last.end,
            _ => units[at].range.start..last.range.end,
        });
        at = end;
    }
    dropped
}

fn without(text: &str, dropped: &[Range<usize>]) -> String {
    let mut rest = String::with_capacity(text.len());
    let mut at = 0;
    for range in dropped {
        rest.push_str(&text[at..range.start]);
        at = range.end;
    }
    rest.push_str(&text[at..]);
    rest
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::convert::Infallible;

    /// A token a word: sums can be done by eye.
    fn words(text: &str) -> Result<u32, Infallible> {
        Ok(text.split_whitespace().count() as u32)
    }

    fn extractive(text: &str, question: Option<&str>, ratio: f32) -> (Shortened, String) {
        let wish = Wish { question, ratio, method: Some(Method::Extractive) };
        let done = shorten(text, &wish, &mut words).expect("words can be counted");
        let rest = done.text(text);
        assert_eq!(done.tokens_after, words(&rest).expect("counted"), "what is reported is what is there");
        assert!(done.dropped.windows(2).all(|pair| pair[0].end <= pair[1].start));
        (done, rest)
    }

    const CITIES: &str = "# Lyon\nLyon lies where two rivers meet. Its silk was known everywhere in those days.\n\n# Paris\nParis is the capital of France. The tower was built for a fair. Many people see it each year.\n\nThe weather in the south is mild. Grapes grow there in great number and in many kinds.";

    #[test]
    fn what_the_question_asks_for_stays_under_its_heading_and_the_rest_goes() {
        let (done, rest) = extractive(CITIES, Some("what is the capital of france"), 0.25);
        assert!(rest.contains("# Paris\nParis is the capital of France."), "{rest}");
        assert!(!rest.contains("Grapes") && !rest.contains("# Lyon"), "{rest}");
        assert!(done.ratio() < 0.4, "{done:?}");
    }

    #[test]
    fn sentences_stay_whole_and_in_order_and_paragraphs_apart() {
        let (_, rest) = extractive(CITIES, Some("silk of Lyon and grapes of the south"), 0.65);
        for unit in units(&rest) {
            assert!(CITIES.contains(&rest[unit.body()]), "{:?}", &rest[unit.body()]);
        }
        let (silk, grapes) = (rest.find("silk").expect("kept"), rest.find("Grapes").expect("kept"));
        assert!(rest[silk..grapes].contains("\n\n"), "{rest:?}");
    }

    #[test]
    fn what_is_said_twice_is_kept_once() {
        let text = "The old bell tower of the town is forty metres high. Bread is baked at night. The old bell tower of the town is forty metres high. Cats sleep much. Rain falls in spring and summer.";
        let (_, rest) = extractive(text, Some("how high is the bell tower"), 0.8);
        assert_eq!(rest.matches("bell tower").count(), 1, "{rest}");
    }

    #[test]
    fn a_number_of_the_question_that_the_context_knows_is_not_lost() {
        let filler = "The committee of the council talked about the budget of the town at length. ".repeat(3);
        let text = format!("{filler}\n\nIn 1931 it rained.\n\n{filler}");
        let (_, rest) =
            extractive(&text, Some("what did the committee of the council do in 1931 about the budget"), 0.3);
        assert!(rest.contains("1931"), "{rest}");
    }

    #[test]
    fn a_prompt_loses_no_number_name_negation_quote_or_request() {
        let prompt = "I have been thinking about this for a long time and it keeps me busy. John bought 12 apples at $3.50 each. It was a sunny day and everybody was happy about that. He did not buy pears. The market is a nice place to be in the morning. The seller said \"keep the change\" to Mary Ann. People like to go there with friends and family. How much did he spend?";
        let (done, rest) = extractive(prompt, None, 0.3);
        for part in [
            "12 apples at $3.50", "not buy pears", "\"keep the change\"", "Mary Ann",
            "How much did he spend?",
        ] {
            assert!(rest.contains(part), "{part} in {rest}");
        }
        assert!(done.kept_guards && !rest.contains("sunny"), "{rest}");
    }

    #[test]
    fn an_ordinary_question_and_a_single_block_are_left_alone_with_a_reason() {
        for text in ["What is 2 + 2?", "One thing. Another thing. A third.", "", "  \n ", "```\nx = 1\n```"] {
            let (done, rest) = extractive(text, None, 0.2);
            assert_eq!(rest, text);
            assert!(!done.reason.is_empty());
        }
    }

    #[test]
    fn without_a_method_a_prompt_is_shortened_by_rules_and_a_context_by_sentences() {
        let wish = Wish { question: None, ratio: 0.3, method: None };
        let prompt =
            "Hello! Could you please tell me how many moons the planet Mars has and what they are called?";
        assert_eq!(shorten(prompt, &wish, &mut words).expect("counted").method, Method::Rules);
        let context = format!("{}\n\nwhat is the capital of france", [CITIES; 8].join("\n\n"));
        let done = shorten(&context, &wish, &mut words).expect("counted");
        assert_eq!(done.method, Method::Extractive);
        assert!(done.text(&context).ends_with("what is the capital of france"));
        assert!(done.text(&context).contains("Paris is the capital"));
    }

    #[test]
    fn no_text_makes_it_fail() {
        let cjk = "東京は日本の首都です。人口は多い。川が流れる。".repeat(50);
        let table = "| a | b |\n|---|---|\n".to_owned() + &"| 1 | 2 |\n".repeat(50);
        let mail = "Dear Sir,\nsee 5.1 (a) hereof.\n> quoted\n> more\nYours,\nA.\n\n".repeat(20);
        let texts = ["\u{0}", "....", "\n\n\n", "a.b.c", "١٢ كتاب. نعم؟", "\r\n.\r\n", &cjk, &table, &mail];
        for text in texts {
            for question in [None, Some("首都"), Some("a"), Some("")] {
                for ratio in [0.01, 0.5, 1.0] {
                    extractive(text, question, ratio);
                }
            }
        }
    }
}
