//! One question from start to end, one line a room. This file is the architecture: only it strings rooms together, with
//! those beside it: how [`one`] expert is heard, how [`several`] are and which way is [`compose`]d for a question, how the
//! parts of one are answered ([`hierarchy`]), and how an expert is asked to [`reflect`].
//!
//! Each room gives its part of the trace and its event; between rooms the user may stop. A stopped answer keeps what it
//! has; a failed one ends the stream with its failure, and the next question works.

mod compose;
mod hierarchy;
mod one;
mod reflect;
mod several;

use crate::engine::Engine;
use crate::events::AnswerEvent;
use crate::words::{Aggregate, Answer, Failure, Plan, Question, Ranked, Reading, Stage, Trace};
use crate::{learn, pool, reason, report, retrieve, route};
use one::Way;
pub(crate) use one::guest;
use reason::strategy::questions_in;
pub use reflect::Reflected;
pub(crate) use reflect::reflect;
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
    let question = &engine.ruled(question);
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
    let before = learn::asked_before(&engine.archive, question);
    answer.trace.learn = learn::learn(&engine.archive, question, &answer);
    if let Some(before) = &before {
        learn::asked_again(&engine.lessons, before, &answer);
    }
    if !question.trial {
        learn::answered(&engine.learning(), &answer, before.as_ref());
    }
    answer.trace.total_ms = milliseconds(begun);
    on(AnswerEvent::Done { answer: Box::new(answer.clone()) });
    // Counting is for the status page: nobody waits for it.
    engine.count_queue(question.trial);
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
    trace.mode = Some(question.mode);

    trace.read = room(Stage::Read, stop, || engine.reader.read(&question.text))?;
    on(AnswerEvent::Read(trace.read.clone()));

    trace.retrieve =
        room(Stage::Retrieve, stop, || retrieve::retrieve(&engine.archive, &engine.documents, question))?;
    on(AnswerEvent::Retrieved(trace.retrieve.clone()));

    let experts = taking_part(engine, question);
    let standing = standing_for(engine, question, &experts);
    let by_hand = question.expert.as_deref();
    trace.waiting = Some(engine.waiting().values().sum());
    trace.route = room(Stage::Route, stop, || {
        question.synthesis.iter().try_for_each(|name| route::knows(&experts, name))?;
        route::route(&trace.read, &question.text, &experts, &standing, by_hand)
    })?;
    on(AnswerEvent::Routed(trace.route.clone()));

    let composed = compose::composed(engine, question, &trace.read, &trace.route, &experts);
    let composed = composed.map_err(Halt::Failed)?;
    if let Some((composed, _)) = &composed {
        trace.composed = Some(composed.clone());
        on(AnswerEvent::Composed(composed.clone()));
    }
    let question = composed.as_ref().map_or(question, |(_, asked)| asked);
    let way = Way { engine, question, conversation, stop, experts: &experts };
    if question.is_for_several() {
        return several::ask(&way, &standing, trace, text, on);
    }
    one::ask(&way, &standing, trace, text, on)
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
    let (reading, mut plan) = read_and_route(engine, question, &taking_part(engine, question))?;
    plan.elapsed_ms += reading.elapsed_ms;
    Ok(plan)
}

fn read_and_route(
    engine: &Engine,
    question: &Question,
    experts: &[pool::Expert],
) -> Result<(Reading, Plan), Failure> {
    let reading = engine.reader.read(&question.text)?;
    let standing = standing_for(engine, question, experts);
    let plan = route::route(&reading, &question.text, experts, &standing, question.expert.as_deref())?;
    Ok((reading, plan))
}

/// Who takes the lectern for a question, in that order, if `seated` stands there. Who writes the one answer of an ensemble
/// or of parts, or names parts that do not stand in the question, is not among them: that is known only on the way.
pub(crate) fn cast(
    engine: &Engine,
    question: &Question,
    seated: Option<&str>,
) -> Result<Vec<String>, Failure> {
    let ruled = engine.ruled(question);
    let experts = taking_part(engine, &ruled);
    let (reading, plan) = read_and_route(engine, &ruled, &experts)?;
    let composed = compose::composed(engine, &ruled, &reading, &plan, &experts)?;
    let question = composed.map_or(ruled, |(_, asked)| asked);
    if !question.is_for_several() {
        return Ok(vec![plan.chosen]);
    }
    if question.aggregate == Some(Aggregate::Hierarchical) {
        let parts = compose::routed(engine, questions_in(&question.text), &experts)?;
        if !parts.is_empty() {
            let standing = route::Standing { seated: seated.map(str::to_owned), ..standing(engine) };
            let mut names: Vec<String> =
                compose::in_turn(parts, &standing, None).into_iter().map(|one| one.plan.chosen).collect();
            names.dedup();
            return Ok(names);
        }
    }
    let k = question.top_k.unwrap_or_else(|| route::council::size(plan.complexity));
    let standing = route::Standing { seated: seated.map(str::to_owned), ..standing(engine) };
    let members = route::council::order(route::council::members(&plan, k), &standing);
    Ok(members.into_iter().map(|member| member.name).collect())
}

/// The experts as another arm scores them, to compare the router with.
pub(crate) fn ranked(engine: &Engine, text: &str, arm: route::arms::Arm) -> Result<Ranked, Failure> {
    let (reading, experts) = (engine.reader.read(text)?, engine.pool.experts());
    let standing = standing_for(engine, &Question::new(text), &experts);
    Ok(route::arms::ranked(arm, &reading, text, &experts, &standing))
}

/// Who is at the lectern, or on the way there.
pub(crate) fn seated(engine: &Engine) -> Option<String> {
    use crate::events::Seat;
    match engine.lectern.seat() {
        Seat::Loading { expert, .. } | Seat::Taken { expert, .. } => Some(expert),
        Seat::Empty | Seat::Lent { .. } | Seat::Leaving { .. } | Seat::Failed { .. } => None,
    }
}

/// How things stand at the lectern, whoever asks.
fn standing(engine: &Engine) -> route::Standing {
    let seated = seated(engine);
    let router = engine.pool_rules().router;
    let heuristic = router.kind == pool::RouterKind::Heuristic;
    let switches = engine.overrides().switches();
    let rules = route::Rules { heuristic, min_confidence: router.min_confidence, dynamic: switches.dynamic };
    let waiting = if switches.balancing { engine.lectern.waiting() } else { Default::default() };
    let load_ms = engine.lectern.load_ms();
    route::Standing { seated, load_ms, waiting, rules, ..route::Standing::default() }
}

/// The same for a question: whom its conversation stays with, and what the user taught.
fn standing_for(engine: &Engine, question: &Question, experts: &[pool::Expert]) -> route::Standing {
    // One that reads single questions gains nothing from staying.
    let follows = |name: &String| {
        let found = experts.iter().find(|expert| expert.manifest.name == *name);
        found.is_some_and(|expert| expert.manifest.reads == pool::Reads::Conversation)
    };
    let conversation = question.conversation.as_deref();
    let before = conversation.and_then(|id| engine.archive.last_expert(id).ok().flatten()).filter(follows);
    let mut standing = standing(engine);
    if question.batch {
        // What waits of a batch waits for itself: each question goes where it would go alone.
        standing.waiting.clear();
    }
    route::Standing { before, taught: engine.lessons.say(&question.text), ..standing }
}

fn chosen<'a>(plan: &Plan, experts: &'a [pool::Expert]) -> Result<&'a pool::Expert, Failure> {
    experts.iter().find(|expert| expert.manifest.name == plan.chosen).ok_or_else(|| {
        route::RouteError::UnknownExpert { name: plan.chosen.clone(), known: "none of that name".into() }
            .into()
    })
}

fn answer(id: String, conversation: String, question: &Question, gathered: Gathered) -> Answer {
    let Gathered { trace, text } = gathered;
    let (speaker, tokens) = match (&trace.council, &trace.reason) {
        (Some(council), _) => (council.speaker.clone(), council.tokens),
        (None, Some(reasoned)) => (trace.route.chosen.clone(), reasoned.tokens),
        (None, None) => (trace.route.chosen.clone(), trace.generate.tokens),
    };
    Answer {
        id,
        conversation,
        question: question.text.clone(),
        refused: text.trim_start().starts_with(pool::REFUSAL),
        answer: text,
        expert: speaker,
        tokens,
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
