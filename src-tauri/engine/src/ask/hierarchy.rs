//! How a question is heard in parts: each is asked of the expert that it would go to alone, as any question is, and one
//! expert that reads what is put before it joins the answers. Where none does, they stand together.
//!
//! Bounded: at most [`MOST_PARTS`] parts, none begun after [`MOST_TIME`], each within the question's own limit of tokens.

use super::compose::{Routed, in_turn, routed};
use super::one::{self, Heard, Instead, Way};
use super::several::{Ended, accepted, finish, nobody, take, written};
use super::{Halt, milliseconds, standing_for};
use crate::aggregate::{self, Decision};
use crate::events::AnswerEvent;
use crate::pool::{Expert, Reads};
use crate::reason::strategy::{MOST_PARTS, MOST_TIME, numbered, questions_in, side_by_side};
use crate::route::Standing;
use crate::words::{Called, Compressed, Council, Draft, Question, Stage, Trace};
use std::sync::atomic::Ordering;
use std::time::Instant;

/// The parts of the question with their plans: those that stand in it, or as the expert names them that is the best for
/// the whole and reads prompts. None: why stands in `council.fell_back`.
pub(super) fn parts(
    way: &Way,
    trace: &Trace,
    council: &mut Council,
    on: &mut dyn FnMut(AnswerEvent),
) -> Result<Vec<Routed>, Halt> {
    let mut texts = questions_in(&way.question.text);
    let none = |why: String| Some(format!("{why}: voted instead"));
    if texts.len() < 2 {
        let Some(lead) = lead(way, trace) else {
            let why =
                "its parts do not stand in it, and no expert of the pool reads what it is asked to list";
            council.fell_back = none(why.into());
            return Ok(Vec::new());
        };
        let (draft, stopped) = written(way, trace, lead, Instead::List, (1, 1), on);
        texts = numbered(&draft.answer);
        let title = &draft.title;
        let why = match &draft.absent {
            Some(failure) => format!("{title} could not name its parts ({})", failure.message),
            None => format!("{title} named no parts of it"),
        };
        council.listed = Some(Box::new(draft));
        if let Some(stage) = stopped {
            return Err(Halt::Stopped(stage));
        }
        if texts.len() < 2 {
            council.fell_back = none(why);
            return Ok(Vec::new());
        }
    }
    if texts.len() > MOST_PARTS {
        let many = texts.len();
        council.fell_back = Some(format!("it has {many} parts, of which the first {MOST_PARTS} were asked"));
    }
    routed(way.engine, texts, way.experts).map_err(Halt::Failed)
}

/// Asks every part, then has them joined. What there is stays in `trace` and `text`, also when it is stopped.
pub(super) fn ask(
    way: &Way,
    standing: &Standing,
    parts: Vec<Routed>,
    mut council: Council,
    trace: &mut Trace,
    text: &mut String,
    on: &mut dyn FnMut(AnswerEvent),
) -> Result<(), Halt> {
    let begun = Instant::now();
    let (all, lead) = (parts.len(), lead(way, trace));
    let parts = in_turn(parts, standing, lead.map(|lead| lead.manifest.name.as_str()));
    let of = (all + usize::from(lead.is_some())) as u32;
    council.k = all as u32;
    council.why = format!(
        "{all} parts, each asked of the expert that it would go to alone; who is seated begins, then the quickest to load."
    );
    let mut halted = None;
    let mut compressed = Vec::new();
    for (at, one) in parts.into_iter().enumerate() {
        if way.stop.load(Ordering::Relaxed) {
            halted = Some(Halt::Stopped(Stage::Seat));
            break;
        }
        if begun.elapsed() > MOST_TIME {
            let late = format!("{} of {all} parts were not begun within {} s", all - at, MOST_TIME.as_secs());
            also(&mut council.fell_back, late);
            break;
        }
        let (draft, fitted, stopped) = part(way, trace, one, (at as u32 + 1, of), on);
        compressed.push(fitted);
        on(AnswerEvent::Drafted(Box::new(draft.clone())));
        council.drafts.push(draft);
        if let Some(stage) = stopped {
            halted = Some(Halt::Stopped(stage));
            break;
        }
    }
    if let Some(failure) = nobody(&council.drafts).filter(|_| halted.is_none()) {
        trace.council = Some(Box::new(council));
        return Err(Halt::Failed(failure));
    }

    let answers = answers(&council.drafts);
    let spoke = council.drafts.iter().filter(|draft| aggregate::speaks(draft)).count();
    let together = side_by_side(answers.iter().map(|(part, answer)| (part.as_str(), answer.as_str())));
    let mut joined = None;
    if halted.is_none() {
        match join(way, trace, lead, &council, &answers, of, on) {
            Ok(draft) => joined = Some(draft),
            Err(ended) => {
                let Ended { draft, why, stopped } = *ended;
                council.synthesis = draft.map(Box::new);
                also(&mut council.fell_back, format!("{why}: the parts stand together"));
                halted = stopped.map(Halt::Stopped);
            }
        }
    }
    let place = |draft: &Draft| draft.part.as_ref().map(|part| part.place);
    let drafts = council.drafts.iter().enumerate();
    let first = drafts.min_by_key(|(_, draft)| (!aggregate::speaks(draft), place(draft)));
    let decision = Decision {
        speaker: first.map_or(0, |(at, _)| at),
        agreement: spoke as f32 / all as f32,
        outcome: format!("{spoke} of {all} parts have an answer."),
        ..Decision::default()
    };
    let is_joined = joined.is_some();
    finish(&mut council, decision, joined, compressed, trace, text);
    if !is_joined && spoke > 0 {
        *text = together;
    }
    council.elapsed_ms = milliseconds(begun);
    on(AnswerEvent::Joined(Box::new(council.clone())));
    trace.council = Some(Box::new(council));
    halted.map_or(Ok(()), Err)
}

/// What was left out before is still left out.
fn also(fell_back: &mut Option<String>, why: String) {
    *fell_back = Some(match fell_back.take() {
        Some(before) => format!("{before}; {why}"),
        None => why,
    });
}

/// Every part as it stands in the question, with what is said to it.
fn answers(drafts: &[Draft]) -> Vec<(String, String)> {
    let mut parts: Vec<_> = drafts.iter().filter_map(|draft| Some((draft.part.as_ref()?, draft))).collect();
    parts.sort_by_key(|(part, _)| part.place);
    let said = |draft: &Draft| match &draft.absent {
        Some(_) => "No expert could answer this.".to_owned(),
        None => draft.answer.trim().to_owned(),
    };
    parts.into_iter().map(|(part, draft)| (part.text.clone(), said(draft))).collect()
}

/// One part, asked as a question of its own, with what was given to read; and where it was stopped.
fn part(
    way: &Way,
    whole: &mut Trace,
    one: Routed,
    (at, of): (u32, u32),
    on: &mut dyn FnMut(AnswerEvent),
) -> (Draft, Compressed, Option<Stage>) {
    let begun = Instant::now();
    let Routed { part, reading, plan } = one;
    let asked = Question {
        text: part.text.clone(),
        top_k: None,
        aggregate: None,
        synthesis: None,
        ..way.question.clone()
    };
    let title =
        |name: &str| plan.experts.iter().find(|known| known.name == name).cloned().unwrap_or_default();
    let called = title(&plan.chosen);
    on(AnswerEvent::Called(Called { expert: called.name, title: called.title, at, of }));
    let standing = standing_for(way.engine, &Question::new(part.text.as_str()), way.experts);
    // Sources are numbered as the window shows them: those of the whole question.
    let mut trace = Trace {
        mode: whole.mode,
        read: reading,
        retrieve: whole.retrieve.clone(),
        route: plan.clone(),
        ..Trace::default()
    };
    let mut said = String::new();
    let end = one::ask(&Way { question: &asked, ..*way }, &standing, &mut trace, &mut said, &mut |event| {
        // The plan of the whole is what the window shows.
        if !matches!(event, AnswerEvent::Routed(_)) {
            on(event);
        }
    });
    let spoke = title(&trace.route.chosen);
    let mut draft = Draft { expert: spoke.name, title: spoke.title, ..Draft::default() };
    if let Some(expert) = way.experts.iter().find(|expert| expert.manifest.name == draft.expert) {
        draft.weight = aggregate::weight(expert, &part.domain, spoke.score, &way.engine.measured());
    }
    let Trace { difficulty, advice, seat, compress, generate, reason, passed_over, .. } = trace;
    whole.passed_over.extend(passed_over);
    take(
        &mut draft,
        Heard { difficulty, advice, seat, generate, reason, text: said, ..Heard::default() },
        &part.text,
    );
    draft.part = Some(part);
    draft.elapsed_ms = milliseconds(begun);
    let stopped = match end {
        Err(Halt::Stopped(stage)) => Some(stage),
        Err(Halt::Failed(failure)) => {
            draft.is_absent(failure);
            None
        }
        Ok(()) => None,
    };
    (draft, compress, stopped)
}

/// One answer from those to the parts.
fn join(
    way: &Way,
    trace: &Trace,
    lead: Option<&Expert>,
    council: &Council,
    answers: &[(String, String)],
    of: u32,
    on: &mut dyn FnMut(AnswerEvent),
) -> Result<Draft, Box<Ended>> {
    let ended = |why: String| Box::new(Ended { draft: None, why, stopped: None });
    let lead = lead.ok_or_else(|| ended("no expert of the pool reads answers that it could join".into()))?;
    let spoken: Vec<(&str, &str)> =
        answers.iter().map(|(part, said)| (part.as_str(), said.as_str())).collect();
    if council.drafts.iter().filter(|draft| aggregate::speaks(draft)).count() < 2 {
        return Err(ended("fewer than two parts have an answer to be joined".into()));
    }
    let (draft, stopped) = written(way, trace, lead, Instead::Assemble(&spoken), (of, of), on);
    // Parts that stand in the question are all that is asked; what was named may be reckoned on with.
    let invented = match &council.listed {
        None => aggregate::invented(&way.question.text, &council.drafts, &draft.answer),
        Some(_) => None,
    };
    accepted(draft, stopped, "join them", invented.map(|number| format!("{number}, which no part gave")))
}

/// The best for the whole of those that read what is put before them, or who was named for it.
fn lead<'e>(way: &Way<'e>, trace: &Trace) -> Option<&'e Expert> {
    let named = way.question.synthesis.as_deref();
    let ranked = trace.route.experts.iter();
    let experts =
        ranked.filter_map(|known| way.experts.iter().find(|expert| expert.manifest.name == known.name));
    experts
        .filter(|expert| named.is_none_or(|named| named == expert.manifest.name))
        .find(|expert| expert.manifest.reads == Reads::Conversation)
}
