//! Compress: what is recalled must fit the seated expert, and the question is never touched.
//!
//! In:     the question, its manifest's say in what it reads, passages best first, earlier turns newest last
//! Out:    the passages and turns that go in, whole, and what was left out
//! Fails:  TooLong when the question alone exceeds the expert's context
//! Cost:   one token count a passage, by the expert's own tokenizer
//! Source: whole sentences and passages keep the answer, fragments lose it (requirement R50)

use crate::words::{Compressed, Context, Exchange, Failure, Passage, Question};

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

/// Whole turns, newest first, then whole passages, best first, while they fit. `count` gives the tokens of a text.
pub fn compress<E>(
    question: &Question,
    passages: &[Passage],
    earlier: &[Exchange],
    reader: &Reader,
    count: &mut dyn FnMut(&str) -> Result<u32, E>,
) -> Result<(Compressed, Context), CompressError<E>> {
    let begun = std::time::Instant::now();
    let mut count = |text: &str| count(text).map(|n| n + TEMPLATE_TOKENS).map_err(CompressError::Counting);
    let own = count(&question.text)? + reader.system_prompt.map_or(Ok(0), &mut count)?;
    let room = reader.context_length.saturating_sub(reader.answer_tokens);
    if own > room {
        return Err(CompressError::TooLong { title: reader.title.into(), tokens: own, room });
    }

    let mut fitted = Fitted { before: own, after: own, room, open: reader.reads_conversation };
    let mut context = Context::default();
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
    for passage in passages {
        let tokens = count(&passage.in_prompt())?;
        if fitted.take(tokens) {
            context.passages.push(passage.clone());
        }
    }
    let compressed = Compressed {
        tokens_before: fitted.before,
        tokens_after: fitted.after,
        kept: context.passages.len() as u32,
        dropped: (passages.len() - context.passages.len()) as u32,
        reason: reason(reader, passages.len(), earlier.len(), &context, room),
        elapsed_ms: begun.elapsed().as_secs_f32() * 1000.0,
    };
    Ok((compressed, context))
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

fn reason(reader: &Reader, passages: usize, turns: usize, kept: &Context, room: u32) -> String {
    if passages == 0 && turns == 0 {
        return "Nothing was recalled, so there is nothing to fit: the question goes in as it is.".into();
    }
    if !reader.reads_conversation {
        return format!(
            "{} was trained on single questions: it gets the question only; sources are shown to you, not to it.",
            reader.title
        );
    }
    if kept.passages.len() == passages && kept.earlier.len() == turns {
        return format!("All of it fits the {room} tokens that {} has beside its answer.", reader.title);
    }
    format!(
        "{} of {passages} sources and {} of {turns} earlier turns fit the {room} tokens that {} has beside its answer; the rest was left out whole.",
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
            rating: 0,
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
        assert_eq!(said.tokens_after, 12);
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
    fn a_question_longer_than_the_context_is_refused_with_its_numbers() {
        let count = &mut |text: &str| Ok::<u32, Failure>(text.chars().count() as u32);
        let error = compress(&Question::new("w".repeat(90)), &[], &[], &reader(100, true), count)
            .expect_err("98 tokens do not fit 80");
        let failure = Failure::from(error);
        assert_eq!(failure.code, "question_too_long");
        assert!(failure.message.contains("98") && failure.message.contains("80"), "{}", failure.message);
    }
}
