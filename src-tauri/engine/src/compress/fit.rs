//! Fit: what was recalled, and a paste that is too long, must fit the seated expert.
//!
//! Everything goes in whole while it fits and nobody asked for less. Otherwise recalled passages lose the sentences that bear
//! least on the question, and a long text that holds its own question loses the same; the question itself never does.
//! Earlier turns go in whole or not at all.

use super::shorten::{Method, Shortened, Wish, question_in, shorten};
use crate::words::{Compressed, Context, Exchange, Failure, Mode, Passage, Question};

/// Tokens that a chat template adds around one message; measured templates take 3 to 8.
const TEMPLATE_TOKENS: u32 = 8;

/// What the expert is and what it reads.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a> {
    pub title: &'a str,
    pub context_length: u32,
    /// Room that the answer needs at least.
    pub answer_tokens: u32,
    pub system_prompt: Option<&'a str>,
    /// It was made for more than a single question: passages and earlier turns may go in.
    pub reads_conversation: bool,
}

/// Why nothing could be fitted; `E` is the failure of whoever counts the tokens.
#[derive(Debug)]
pub enum CompressError<E> {
    TooLong { title: String, tokens: u32, room: u32 },
    Counting(E),
}

impl<E: Into<Failure>> From<CompressError<E>> for Failure {
    fn from(error: CompressError<E>) -> Self {
        let message = match error {
            CompressError::Counting(inner) => return inner.into(),
            CompressError::TooLong { title, tokens, room } => {
                format!(
                    "the question has {tokens} tokens, and {title} reads at most {room} beside its answer"
                )
            }
        };
        Failure {
            code: "question_too_long".into(),
            message,
            fix: "Shorten the question, or choose an expert with a longer context.".into(),
            detail: None,
        }
    }
}

/// What goes in: the question, then turns, newest first, then passages, best first. `count` gives the tokens of a text.
pub fn compress<E>(
    question: &Question,
    passages: &[Passage],
    earlier: &[Exchange],
    reader: &Reader,
    count: &mut dyn FnMut(&str) -> Result<u32, E>,
) -> Result<(Compressed, Context), CompressError<E>> {
    let begun = std::time::Instant::now();
    let mut count = |text: &str| count(text).map(|n| n + TEMPLATE_TOKENS).map_err(CompressError::Counting);
    let system = reader.system_prompt.map_or(Ok(0), &mut count)?;
    let written = count(&question.text)?;
    let room = reader.context_length.saturating_sub(reader.answer_tokens);
    let mut done = Compressed { kept_guards: true, ..Compressed::default() };
    let mut context = Context::default();

    let mut own = system + written;
    if question.mode != Mode::Basic && (own > room || question.ratio.is_some()) {
        let part = room.saturating_sub(system) as f32 / written as f32;
        let ratio = question.ratio.unwrap_or(1.0).min(part);
        if let Some(paste) = shorten_paste(&question.text, ratio, &mut count)? {
            own = system + paste.tokens_after;
            context.question = Some(paste.text(&question.text));
            told(&mut done, &paste);
        }
    }
    if own > room {
        return Err(CompressError::TooLong { title: reader.title.into(), tokens: own, room });
    }

    let mut fitted = Fitted { before: system + written, after: own, room, open: reader.reads_conversation };
    let recalled = (passages.len(), earlier.len());
    // What it may not read is not made shorter for it.
    let (earlier, passages) =
        if reader.reads_conversation { (earlier, passages) } else { (&[][..], &[][..]) };
    for turn in earlier.iter().rev() {
        let tokens = count(&turn.question)? + count(&turn.answer)?;
        // A conversation with a hole in it reads wrong: the first turn that does not fit ends it.
        if !fitted.take(tokens) {
            fitted.open = false;
        } else {
            context.earlier.push(turn.clone());
        }
    }
    context.earlier.reverse();

    fitted.open = reader.reads_conversation;
    let tokens: Vec<u32> =
        passages.iter().map(|passage| count(&passage.in_prompt())).collect::<Result<_, _>>()?;
    let all: u32 = tokens.iter().sum();
    fitted.before = fitted.before.saturating_add(all);
    let left = room - fitted.after;
    let wished = question.ratio.map_or(left, |ratio| left.min((ratio * all as f32) as u32));
    let mut shorter = None;
    if fitted.open && all > wished {
        shorter = shorten_passages(&question.text, passages, wished, &mut count)?;
    }
    match shorter {
        Some((passages, tokens, shortened)) => {
            fitted.after += tokens;
            told(&mut done, &shortened);
            context.passages = passages;
        }
        None => {
            for (passage, tokens) in passages.iter().zip(tokens) {
                if fitted.open && fitted.after + tokens <= room {
                    fitted.after += tokens;
                    context.passages.push(passage.clone());
                }
            }
        }
    }
    done.tokens_before = fitted.before;
    done.tokens_after = fitted.after;
    done.kept = context.passages.len() as u32;
    done.dropped = (passages.len() - context.passages.len()) as u32;
    done.ratio = fitted.after as f32 / fitted.before.max(1) as f32;
    done.reason = reason(reader, recalled, &context, &done, room);
    done.elapsed_ms = begun.elapsed().as_secs_f32() * 1000.0;
    Ok((done, context))
}

/// Tokens under which shortening saves less time than it takes, whatever the ratio.
const WORTH_TOKENS: u32 = 64;

/// A hard room is met with a try or two: tokens of a joined text are not quite the sum of its parts.
const TRIES: usize = 4;

/// A text that holds its own question, at most `ratio` of its tokens long; `None` when it is no such text.
fn shorten_paste<E>(
    text: &str,
    ratio: f32,
    count: &mut dyn FnMut(&str) -> Result<u32, E>,
) -> Result<Option<Shortened>, E> {
    if ratio <= 0.0 || question_in(text).is_none() {
        return Ok(None);
    }
    let mut aim = ratio;
    for _ in 0..TRIES {
        let wish = Wish { question: None, ratio: aim, method: Some(Method::Extractive) };
        let shortened = shorten(text, &wish, count)?;
        if shortened.dropped.is_empty() {
            return Ok(None);
        }
        if shortened.ratio() <= ratio {
            return Ok(Some(shortened));
        }
        aim *= 0.95 * ratio / shortened.ratio();
    }
    Ok(None)
}

/// The passages with what bears least on the question left out of their answers, in at most `room` tokens, and the tokens
/// that they take. `None` when nothing useful fits, or there is too little to gain.
fn shorten_passages<E>(
    question: &str,
    passages: &[Passage],
    room: u32,
    count: &mut dyn FnMut(&str) -> Result<u32, E>,
) -> Result<Option<(Vec<Passage>, u32, Shortened)>, E> {
    let mut joined = String::new();
    let mut places = Vec::with_capacity(passages.len());
    let mut around = 0;
    for passage in passages {
        let start = joined.len();
        joined.push_str(passage.answer.trim());
        places.push(start..joined.len());
        joined.push_str("\n\n");
        around += count(&Passage { answer: String::new(), ..passage.clone() }.in_prompt())?;
    }
    let all = count(&joined)?;
    if all < WORTH_TOKENS || room <= around {
        return Ok(None);
    }
    let mut ratio = (room - around) as f32 / all as f32;
    for _ in 0..TRIES {
        let wish = Wish { question: Some(question), ratio, method: Some(Method::Extractive) };
        let shortened = shorten(&joined, &wish, count)?;
        let mut kept = Vec::new();
        let mut tokens = 0;
        for (passage, place) in passages.iter().zip(&places) {
            let answer = shortened.text_within(&joined, place);
            if !answer.trim().is_empty() {
                let passage = Passage { answer, ..passage.clone() };
                tokens += count(&passage.in_prompt())?;
                kept.push(passage);
            }
        }
        if tokens <= room {
            return Ok(
                (!kept.is_empty() && !shortened.dropped.is_empty()).then_some((kept, tokens, shortened))
            );
        }
        ratio *= 0.95 * room as f32 / tokens as f32;
    }
    Ok(None)
}

fn told(done: &mut Compressed, shortened: &Shortened) {
    done.method = Some(shortened.method.name().into());
    done.kept_guards &= shortened.kept_guards;
}

struct Fitted {
    before: u32,
    after: u32,
    room: u32,
    /// Something may go in at all.
    open: bool,
}

impl Fitted {
    fn take(&mut self, tokens: u32) -> bool {
        self.before = self.before.saturating_add(tokens);
        let fits = self.open && self.after.saturating_add(tokens) <= self.room;
        if fits {
            self.after += tokens;
        }
        fits
    }
}

fn reason(
    reader: &Reader,
    (passages, turns): (usize, usize),
    kept: &Context,
    done: &Compressed,
    room: u32,
) -> String {
    let Compressed { tokens_before, tokens_after, .. } = done;
    if kept.question.is_some() {
        return format!(
            "Of the text around the question the sentences stayed that have most to do with it: {tokens_after} of {tokens_before} tokens."
        );
    }
    if passages == 0 && turns == 0 {
        return "Nothing was recalled, so there is nothing to fit: the question goes in as it is.".into();
    }
    if !reader.reads_conversation {
        return format!(
            "{} was trained on single questions: it gets the question only; sources are shown to you, not to it.",
            reader.title
        );
    }
    if kept.passages.len() == passages && kept.earlier.len() == turns && done.method.is_none() {
        return format!("All of it fits the {room} tokens that {} has beside its answer.", reader.title);
    }
    let how = if done.method.is_some() {
        "; of the sources the sentences stayed that have most to do with the question"
    } else {
        "; the rest was left out whole"
    };
    format!(
        "{} of {passages} sources and {} of {turns} earlier turns fit the {room} tokens that {} has beside its answer{how}.",
        kept.passages.len(),
        kept.earlier.len(),
        reader.title
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::convert::Infallible;

    /// One token a character: sums can be done by eye.
    fn characters(text: &str) -> Result<u32, Infallible> {
        Ok(text.chars().count() as u32)
    }

    fn passage(id: &str, answer: &str) -> Passage {
        Passage {
            id: id.into(),
            question: "q".into(),
            answer: answer.into(),
            expert: "words".into(),
            created: 0,
            score: 0.9,
            bm25: 1.0,
            cosine: None,
            rating: 0,
            document: None,
        }
    }

    fn reader(context_length: u32, reads_conversation: bool) -> Reader<'static> {
        Reader { title: "Words", context_length, answer_tokens: 20, system_prompt: None, reads_conversation }
    }

    #[test]
    fn a_passage_that_does_not_fit_is_left_out_whole_and_a_smaller_one_still_goes_in() {
        let passages = [passage("a", &"x".repeat(500)), passage("b", "short")];
        let (said, context) =
            compress(&Question::new("why?"), &passages, &[], &reader(100, true), &mut characters)
                .expect("fits");
        assert_eq!(context.passages.iter().map(|p| p.id.as_str()).collect::<Vec<_>>(), ["b"]);
        assert_eq!((said.kept, said.dropped), (1, 1));
        // question 4 + 8, passage "Question: q\nAnswer: short" 25 + 8
        assert_eq!(said.tokens_after, 45);
        assert!(said.tokens_before > 500);
    }

    #[test]
    fn a_starter_gets_the_question_only_and_the_trace_says_so() {
        let (said, context) = compress(
            &Question::new("why?"),
            &[passage("a", "b")],
            &[],
            &reader(1000, false),
            &mut characters,
        )
        .expect("fits");
        assert!(context.passages.is_empty());
        assert!(said.reason.contains("single questions"), "{}", said.reason);
        assert_eq!(
            (said.tokens_before, said.tokens_after),
            (12, 12),
            "what it may not read was not compressed"
        );
    }

    #[test]
    fn a_conversation_keeps_its_newest_turns_without_a_hole() {
        let turn = |n: usize, size: usize| Exchange { question: format!("{n}"), answer: "y".repeat(size) };
        let turns = [turn(1, 5), turn(2, 400), turn(3, 5)];
        let (_, context) =
            compress(&Question::new("why?"), &[], &turns, &reader(120, true), &mut characters).expect("fits");
        assert_eq!(context.earlier, [turn(3, 5)], "turn 1 would fit, but not without turn 2");
    }

    #[test]
    fn passages_that_do_not_fit_lose_the_sentences_that_bear_least_on_the_question() {
        let filler = "The weather of the region was mild in that year and the next. ".repeat(4);
        let passages = [
            passage("a", &format!("{filler}The old bell tower is forty metres high. {filler}")),
            passage("b", &format!("{filler}Bread is baked before dawn. {filler}")),
        ];
        let question = Question::new("how high is the old bell tower?");
        let (said, context) =
            compress(&question, &passages, &[], &reader(400, true), &mut characters).expect("fits");
        let given: String = context.passages.iter().map(Passage::in_prompt).collect();
        assert!(given.contains("The old bell tower is forty metres high."), "{given}");
        assert_eq!(said.method.as_deref(), Some("extractive"), "{}", said.reason);
        assert!(said.tokens_after <= 380 && said.tokens_before > 1_000, "{said:?}");
        let counted: u32 = context.passages.iter().map(|p| p.in_prompt().chars().count() as u32 + 8).sum();
        assert_eq!(said.tokens_after, counted + 31 + 8, "what is reported is what goes in");
    }

    #[test]
    fn a_ratio_shortens_what_would_fit_and_none_leaves_it_whole() {
        let answer = "The old bell tower is forty metres high. Bread is baked before dawn. Cats sleep by day. Rain falls in spring.";
        let passages = [passage("a", answer)];
        let asked = |ratio| Question { ratio, ..Question::new("how high is the old bell tower?") };
        let run = |ratio| {
            compress(&asked(ratio), &passages, &[], &reader(4_000, true), &mut characters).expect("fits")
        };
        let (whole, context) = run(None);
        assert_eq!((context.passages[0].answer.as_str(), whole.method), (answer, None));
        let (half, context) = run(Some(0.6));
        assert!(context.passages[0].answer.contains("forty metres"), "{:?}", context.passages);
        assert!(half.tokens_after < whole.tokens_after && half.ratio < 1.0, "{half:?}");
    }

    #[test]
    fn a_paste_that_does_not_fit_keeps_its_question() {
        let filler = "The weather of the region was mild in that year and the next. ".repeat(12);
        let text = format!(
            "{filler}\n\n{filler}\n\nThe old bell tower is forty metres high.\n\n{filler}\n\nHow high is the old bell tower?"
        );
        let (said, context) =
            compress(&Question::new(text.clone()), &[], &[], &reader(800, true), &mut characters)
                .expect("fits");
        let goes_in = context.question.expect("it was shortened");
        assert!(goes_in.ends_with("How high is the old bell tower?"), "{goes_in}");
        assert!(goes_in.contains("forty metres high"), "{goes_in}");
        assert!(said.tokens_after <= 780, "{said:?}");
    }

    #[test]
    fn a_question_longer_than_the_context_is_refused_with_its_numbers() {
        let count = &mut |text: &str| Ok::<u32, Failure>(text.chars().count() as u32);
        let error = compress(&Question::new("w".repeat(90)), &[], &[], &reader(100, true), count)
            .expect_err("98 tokens do not fit 80");
        let failure = Failure::from(error);
        assert_eq!(failure.code, "question_too_long");
        assert!(failure.message.contains("98") && failure.message.contains("80"), "{}", failure.message);
    }
}
