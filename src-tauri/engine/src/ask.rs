//! One question from start to end, one line a room. This file is the architecture: only it strings rooms together.
//!
//! Each room gives its part of the trace and its event; between rooms the user may stop. A stopped answer keeps what it
//! has; a failed one ends the stream with its failure, and the next question works.

use crate::engine::Engine;
use crate::events::AnswerEvent;
use crate::words::{Answer, Context, Exchange, Failure, Finish, Plan, Question, Stage, Trace};
use crate::{compress, learn, pool, reason, report, retrieve, route, seat};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// Why a question went no further.
enum Halt {
    Stopped(Stage),
    Failed(Failure),
}

/// What a question has gathered on its way.
#[derive(Default)]
struct Gathered {
    trace: Trace,
    text: String,
}

/// Answers `question`; the only way that a question is answered, whoever asks.
pub(crate) fn ask(
    engine: &Engine,
    question: &Question,
    stop: &Arc<AtomicBool>,
    on: &mut dyn FnMut(AnswerEvent),
) -> Result<Answer, Failure> {
    let begun = Instant::now();
    if question.text.trim().is_empty() {
        return Err(nothing_asked());
    }
    let id = engine.archive.new_id()?;
    let conversation = match &question.conversation {
        Some(conversation) => conversation.clone(),
        None => engine.archive.new_id()?,
    };
    on(AnswerEvent::Begun { id: id.clone(), conversation: conversation.clone() });

    let mut gathered = Gathered::default();
    match walk(engine, question, &conversation, stop, &mut gathered, on) {
        Ok(()) => {}
        Err(Halt::Stopped(stage)) => gathered.trace.stopped_in = Some(stage),
        Err(Halt::Failed(failure)) => {
            on(AnswerEvent::Failed { failure: failure.clone() });
            report::count_failure(
                &engine.archive,
                &engine.pool,
                question,
                &gathered.trace,
                milliseconds(begun),
            );
            return Err(failure);
        }
    }
    gathered.trace.total_ms = milliseconds(begun);
    let mut answer = answer(id, conversation, question, gathered);
    answer.trace.learn = learn::learn(&engine.archive, question, &answer);
    answer.trace.total_ms = milliseconds(begun);
    on(AnswerEvent::Done { answer: Box::new(answer.clone()) });
    // Counting is for the status page: nobody waits for it.
    report::count_answer(&engine.archive, &engine.pool, question, &answer);
    Ok(answer)
}

/// The rooms in their order, up to the answer's text.
fn walk(
    engine: &Engine,
    question: &Question,
    conversation: &str,
    stop: &Arc<AtomicBool>,
    gathered: &mut Gathered,
    on: &mut dyn FnMut(AnswerEvent),
) -> Result<(), Halt> {
    let Gathered { trace, text } = gathered;

    trace.read = room(Stage::Read, stop, || engine.reader.read(&question.text))?;
    on(AnswerEvent::Read(trace.read.clone()));

    trace.retrieve =
        room(Stage::Retrieve, stop, || retrieve::retrieve(&engine.archive, &engine.documents, question))?;
    on(AnswerEvent::Retrieved(trace.retrieve.clone()));

    let experts = taking_part(engine, question);
    let standing = standing(engine);
    let by_hand = question.expert.as_deref();
    trace.route =
        room(Stage::Route, stop, || route::route(&trace.read, &question.text, &experts, &standing, by_hand))?;
    on(AnswerEvent::Routed(trace.route.clone()));

    let expert = chosen(&trace.route, &experts).map_err(Halt::Failed)?;
    let guest = guest(expert);
    let turn = room(Stage::Seat, stop, || {
        let taken = engine.lectern.take(guest, stop, &mut |seat| on(AnswerEvent::Seating(seat)));
        taken.map_err(|error| with_who_fits(error, &experts))
    })?;
    trace.seat = turn.seated().clone();
    on(AnswerEvent::Seated(trace.seat.clone()));

    let earlier = earlier(engine, question, expert).map_err(Halt::Failed)?;
    let passages = &trace.retrieve.passages;
    let reader = reader(expert, &turn, question);
    let (compressed, context): (_, Context) = room(Stage::Compress, stop, || {
        compress::compress(question, passages, &earlier, &reader, &mut |text| turn.count_tokens(text, stop))
    })?;
    trace.compress = compressed;
    on(AnswerEvent::Compressed(trace.compress.clone()));

    let shorter = context.question.clone().map(|text| Question { text, ..question.clone() });
    let request = reason::direct(&expert.manifest, shorter.as_ref().unwrap_or(question), &context);
    let goes_on = Some(conversation).filter(|_| reader.reads_conversation && !question.trial);
    let (whole, generated) = room(Stage::Generate, stop, || {
        turn.generate(request, goes_on, stop, &mut |piece| {
            text.push_str(piece);
            on(AnswerEvent::Text { piece: piece.to_owned() });
        })
    })?;
    *text = whole;
    trace.generate = generated;
    on(AnswerEvent::Generated(trace.generate.clone()));
    if trace.generate.finish == Finish::Stopped { Err(Halt::Stopped(Stage::Generate)) } else { Ok(()) }
}

/// Enters a room unless the user has stopped. What fails after a stop no longer matters: it is a stop.
fn room<T, E: Into<Failure>>(
    stage: Stage,
    stop: &AtomicBool,
    work: impl FnOnce() -> Result<T, E>,
) -> Result<T, Halt> {
    if stop.load(Ordering::Relaxed) {
        return Err(Halt::Stopped(stage));
    }
    work().map_err(|error| {
        if stop.load(Ordering::Relaxed) { Halt::Stopped(stage) } else { Halt::Failed(error.into()) }
    })
}

fn taking_part(engine: &Engine, question: &Question) -> Vec<pool::Expert> {
    let mut experts = engine.pool.experts();
    experts.retain(|expert| !question.excluding.contains(&expert.manifest.name));
    experts
}

/// The plan for a question, without answering it: what the window shows under the draft.
pub(crate) fn plan(engine: &Engine, question: &Question) -> Result<Plan, Failure> {
    let reading = engine.reader.read(&question.text)?;
    let experts = taking_part(engine, question);
    let by_hand = question.expert.as_deref();
    let mut plan = route::route(&reading, &question.text, &experts, &standing(engine), by_hand)?;
    plan.elapsed_ms += reading.elapsed_ms;
    Ok(plan)
}

fn standing(engine: &Engine) -> route::Standing {
    use crate::events::Seat;
    let seated = match engine.lectern.seat() {
        Seat::Loading { expert, .. } | Seat::Taken { expert, .. } => Some(expert),
        Seat::Empty | Seat::Leaving { .. } | Seat::Failed { .. } => None,
    };
    route::Standing { seated, load_ms: engine.lectern.load_ms(), waiting: engine.lectern.waiting() }
}

fn chosen<'a>(plan: &Plan, experts: &'a [pool::Expert]) -> Result<&'a pool::Expert, Failure> {
    experts.iter().find(|expert| expert.manifest.name == plan.chosen).ok_or_else(|| {
        route::RouteError::UnknownExpert { name: plan.chosen.clone(), known: "none of that name".into() }
            .into()
    })
}

fn guest(expert: &pool::Expert) -> seat::Guest {
    seat::Guest {
        name: expert.manifest.name.clone(),
        title: expert.manifest.title.clone(),
        file: expert.file.clone(),
    }
}

/// A refusal for memory says who of the pool would fit.
fn with_who_fits(error: seat::SeatError, experts: &[pool::Expert]) -> Failure {
    let room = match &error {
        seat::SeatError::TooLarge { budget, .. } => *budget,
        seat::SeatError::NoMemory { free, .. } => *free,
        _ => return error.into(),
    };
    let fits = |expert: &&pool::Expert| {
        expert.unavailable.is_none()
            && expert.retired.is_none()
            && seat::memory_needed(&expert.manifest.title, &expert.file).is_ok_and(|needed| needed <= room)
    };
    let titles: Vec<&str> =
        experts.iter().filter(fits).map(|expert| expert.manifest.title.as_str()).collect();
    let mut failure = Failure::from(error);
    let who = if titles.is_empty() { "nobody in the pool".to_owned() } else { titles.join(", ") };
    failure.fix = format!("{} What would fit: {who}.", failure.fix);
    failure
}

fn reader<'a>(expert: &'a pool::Expert, turn: &seat::Turn, question: &Question) -> compress::Reader<'a> {
    compress::Reader {
        title: &expert.manifest.title,
        context_length: turn.context_length(),
        // An expert with a short context still gets half of it to read with.
        answer_tokens: question
            .max_tokens
            .unwrap_or(expert.manifest.max_tokens)
            .min(turn.context_length() / 2),
        system_prompt: expert.manifest.system_prompt.as_deref(),
        reads_conversation: expert.manifest.reads == pool::Reads::Conversation,
    }
}

/// The turns of the conversation before this one, oldest first: none for an expert that reads single questions, and not
/// the answer that is being replaced.
fn earlier(engine: &Engine, question: &Question, expert: &pool::Expert) -> Result<Vec<Exchange>, Failure> {
    let Some(conversation) = &question.conversation else { return Ok(Vec::new()) };
    if expert.manifest.reads != pool::Reads::Conversation {
        return Ok(Vec::new());
    }
    let answers = engine.archive.conversation(conversation)?;
    Ok(answers
        .into_iter()
        .take_while(|answer| question.replaces.as_ref() != Some(&answer.id))
        .filter(|answer| !answer.refused && !answer.answer.trim().is_empty())
        .map(|answer| Exchange { question: answer.question, answer: answer.answer })
        .collect())
}

fn answer(id: String, conversation: String, question: &Question, gathered: Gathered) -> Answer {
    let Gathered { trace, text } = gathered;
    Answer {
        id,
        conversation,
        question: question.text.clone(),
        refused: text.trim_start().starts_with(pool::REFUSAL),
        answer: text,
        expert: trace.route.chosen.clone(),
        tokens: trace.generate.tokens,
        stopped: trace.stopped_in.is_some(),
        rating: 0,
        created: now_ms(),
        trace,
    }
}

fn milliseconds(since: Instant) -> f32 {
    since.elapsed().as_secs_f32() * 1000.0
}

fn nothing_asked() -> Failure {
    Failure {
        code: "nothing_asked".into(),
        message: "The question is empty.".into(),
        fix: "Write what you want to know.".into(),
        detail: None,
    }
}

fn now_ms() -> i64 {
    // A clock before 1970 is wrong, not fatal.
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as i64)
}
