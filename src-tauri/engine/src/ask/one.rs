//! How one expert is heard: it takes the lectern, what it reads is made to fit, it is asked, and its answer streams. One
//! that cannot answer is passed over for the next.

use super::{Halt, chosen, room};
use crate::engine::Engine;
use crate::events::AnswerEvent;
use crate::measured::Gain;
use crate::settings::Gates;
use crate::words::{
    Advice, Compressed, Context, Difficulty, Exchange, Failure, Finish, Generated, Mode, PassedOver, Plan,
    Prompt, Question, Reasoned, Seated, Stage, Step, StepKind, Strategy, Trace,
};
use crate::{compress, pool, reason, retrieve, route, seat};
use compress::Reader;
use pool::Manifest;
use reason::strategy::{Subject, Voice, think};
use route::Standing;
use runtime::host::Request;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// So many experts are asked at most before a question fails.
const ASKED: usize = 4;

/// Complexity under which nothing but asking once is chosen without being told to.
const EASY: f32 = 3.0;

/// What is the same for every expert that hears a question.
pub(super) struct Way<'a> {
    pub engine: &'a Engine,
    pub question: &'a Question,
    pub conversation: &'a str,
    pub stop: &'a Arc<AtomicBool>,
    pub experts: &'a [pool::Expert],
}

/// What one expert gave; what it did not come to is empty.
#[derive(Default)]
pub(super) struct Heard {
    pub difficulty: Option<Difficulty>,
    pub advice: Option<Box<Advice>>,
    pub seat: Seated,
    pub compress: Compressed,
    pub generate: Generated,
    pub reason: Option<Reasoned>,
    /// The number of the prompt that it was asked with.
    pub prompt: Option<i64>,
    pub text: String,
    /// It failed for a reason that is this expert's own: another one may answer.
    pub is_unable: bool,
}

/// What an expert of a council is asked in the place of the question.
pub(super) enum Instead<'a> {
    /// This answer made better.
    Improve(&'a str),
    /// These made one: title and answer.
    Join(&'a [(&'a str, &'a str)]),
    /// The answers to its parts made one: part and answer.
    Assemble(&'a [(&'a str, &'a str)]),
    /// Its parts.
    List,
}

/// The expert of the plan answers. When it cannot, and nobody chose it by hand, whoever the router names without it does.
pub(super) fn ask(
    way: &Way,
    standing: &Standing,
    trace: &mut Trace,
    text: &mut String,
    on: &mut dyn FnMut(AnswerEvent),
) -> Result<(), Halt> {
    let Way { engine, question, experts, .. } = way;
    let mut left: Vec<pool::Expert> = Vec::new();
    loop {
        let expert = chosen(&trace.route, experts).map_err(Halt::Failed)?;
        let mut heard = Heard::default();
        let outcome = way.hear(expert, trace, None, &mut heard, on);
        let Heard { difficulty, advice, seat, compress, generate, reason, prompt, text: said, is_unable } =
            heard;
        (trace.difficulty, trace.advice) = (difficulty, advice);
        (trace.seat, trace.compress, trace.generate, trace.reason, trace.prompt, *text) =
            (seat, compress, generate, reason, prompt, said);
        let Err(Halt::Failed(failure)) = outcome else { return outcome };
        if !is_unable || question.expert.is_some() {
            return Err(Halt::Failed(failure));
        }
        let Manifest { name, title, .. } = &expert.manifest;
        let passed = PassedOver { expert: name.clone(), title: title.clone(), failure };
        trace.passed_over.push(passed.clone());
        if left.is_empty() {
            left = experts.to_vec();
        }
        left.retain(|expert| expert.manifest.name != *name);
        // Who does not fit costs nothing to ask.
        let costly = trace.passed_over.iter().filter(|passed| !is_cheap(&passed.failure)).count();
        let next = route::route(&trace.read, &question.text, &left, standing, None).ok();
        let Some(next) = next.filter(|_| costly < ASKED) else {
            return Err(Halt::Failed(nobody(&trace.passed_over, passed.failure)));
        };
        if !trace.seat.expert.is_empty() && !question.trial {
            // A figure that cannot be written costs no answer.
            let _ = engine
                .pool
                .record(name, pool::Outcome { latency_ms: trace.seat.elapsed_ms, ..Default::default() });
        }
        let titles: Vec<&str> = trace.passed_over.iter().map(|passed| passed.title.as_str()).collect();
        let reason = format!("Without {}: {}", titles.join(", "), next.reason);
        trace.route = Plan { chosen: next.chosen, abstained: next.abstained, reason, ..trace.route.clone() };
        on(AnswerEvent::PassedOver(passed));
        on(AnswerEvent::Routed(trace.route.clone()));
    }
}

/// It was refused before anything was loaded or waited for.
fn is_cheap(failure: &Failure) -> bool {
    ["expert_too_large", "no_memory", "expert_unsupported", "expert_busy", "expert_resting"]
        .contains(&failure.code.as_str())
}

/// Everybody who was asked failed: the first one's failure, and what became of the others. `last`: of the last one.
fn nobody(passed: &[PassedOver], last: Failure) -> Failure {
    let [first, others @ ..] = passed else { return last };
    if others.is_empty() {
        return last;
    }
    let others: Vec<String> =
        others.iter().map(|passed| format!("{}: {}", passed.title, passed.failure.message)).collect();
    let detail = first.failure.detail.iter().cloned().chain(others).collect::<Vec<_>>().join("\n");
    let message = format!("{} Nobody else could answer, either.", sentence(&first.failure.message));
    Failure { message, detail: Some(detail), ..first.failure.clone() }
}

fn sentence(text: &str) -> String {
    if text.ends_with('.') { text.to_owned() } else { format!("{text}.") }
}

impl Way<'_> {
    /// `expert` answers, or does what it is asked `instead` where it can. What there is stays in `heard`, also when it
    /// is stopped or fails.
    pub(super) fn hear(
        &self,
        expert: &pool::Expert,
        trace: &Trace,
        instead: Option<Instead>,
        heard: &mut Heard,
        on: &mut dyn FnMut(AnswerEvent),
    ) -> Result<(), Halt> {
        let Way { engine, question, stop, experts, .. } = self;
        let guest = guest(expert);
        let turn = room(Stage::Seat, stop, || {
            let urgent = !question.batch && !question.trial;
            let mut seating = |seat| on(AnswerEvent::Seating(seat));
            let taken = match expert.endpoint() {
                None => engine.lectern.take(guest, urgent, stop, &mut seating),
                Some(_) => {
                    let line = engine.outside.line(expert).map_err(Failure::from)?;
                    let pool::Manifest { name, title, .. } = &expert.manifest;
                    engine.lectern.take_outside(name, title, line, stop, &mut seating)
                }
            };
            taken.map_err(|error| {
                heard.is_unable = error.is_the_experts();
                with_who_fits(error, experts)
            })
        })?;
        heard.seat = turn.seated().clone();
        on(AnswerEvent::Seated(heard.seat.clone()));

        let earlier = earlier(engine, question, expert).map_err(Halt::Failed)?;
        let passages = &trace.retrieve.passages;
        let hard =
            engine.outcomes.difficulty(&trace.read.domain, trace.read.complexity, &expert.manifest.name);
        let advice = room(Stage::Retrieve, stop, || self.advice(expert, &turn, trace, &hard))?;
        let rules = advice.as_ref().map(Advice::in_prompt).unwrap_or_default();
        let (number, prompt) = match instead {
            Some(_) => (None, None),
            None => self.prompt(expert, trace),
        };
        heard.prompt = number;
        let mut manifest = expert.manifest.clone();
        let system = manifest.system_prompt.as_deref();
        let beside = match &prompt {
            Some(prompt) => prompt.beside(system),
            None => system.unwrap_or_default().to_owned(),
        } + &rules;
        let reader = Reader {
            system_prompt: Some(beside.as_str()).filter(|beside| !beside.is_empty()),
            ..reader(expert, &turn, question)
        };
        let (compressed, mut context): (_, Context) = room(Stage::Compress, stop, || {
            compress::compress(question, passages, &earlier, &reader, &mut |text| {
                turn.count_tokens(text, stop).inspect_err(|error| heard.is_unable = error.is_the_experts())
            })
        })?;
        let reads_conversation = reader.reads_conversation;
        heard.compress = compressed;
        context.advice = rules;
        let trajectories = advice.as_ref().map(|advice| advice.trajectories.clone()).unwrap_or_default();
        on(AnswerEvent::Compressed(heard.compress.clone()));

        let shorter = context.question.clone().map(|text| Question { text, ..(*question).clone() });
        let mut asked = shorter.unwrap_or_else(|| (*question).clone());
        if let Some(prompt) = prompt {
            asked.text = prompt.text(&asked.text);
            context.earlier.splice(0..0, prompt.turns());
            if let Some(system) = prompt.system {
                manifest.system_prompt = Some(system).filter(|it| !it.is_empty());
            }
        }
        let asked = &asked;
        let goes_on = Some(self.conversation).filter(|_| reads_conversation && !question.trial);
        let guides = !trajectories.is_empty() || !passages.is_empty();
        let (strategy, why, gate) = self.strategy(trace, &hard, guides);
        heard.difficulty = Some(Difficulty { gate, ..hard });
        heard.advice = advice.map(Box::new);
        let request = instead.and_then(|instead| match instead {
            Instead::Improve(answer) => reason::improving(&manifest, asked, &context, answer),
            Instead::Join(drafts) => reason::joining(&manifest, asked, &context, drafts),
            Instead::Assemble(parts) => reason::assembling(&manifest, asked, &context, parts),
            Instead::List => reason::listing(&manifest, asked, &context),
        });
        let mut speaker = Speaker { turn: &turn, stop, goes_on, said: String::new(), is_unable: false, on };
        let spoken = room(Stage::Generate, stop, || match (request, strategy) {
            (Some(request), _) => speaker.speak(request).map_err(Failure::from),
            (None, Strategy::Direct) => {
                let request = reason::direct(&manifest, asked, &context);
                speaker.speak(request).map_err(Failure::from)
            }
            (None, strategy) => {
                speaker.goes_on = None;
                let subject = Subject {
                    manifest: &manifest,
                    question: asked,
                    context: &context,
                    past: passages,
                    trajectories: &trajectories,
                };
                let thought = think(strategy, &why, &subject, &mut speaker)?;
                (speaker.on)(AnswerEvent::Reasoned(thought.reasoned.clone()));
                heard.reason = Some(thought.reasoned);
                Ok((thought.text, thought.generated))
            }
        });
        let said = std::mem::take(&mut speaker.said);
        heard.is_unable = speaker.is_unable;
        match spoken {
            Ok((text, generated)) => (heard.text, heard.generate) = (text, generated),
            Err(halt) => {
                // What was said before it failed is still what there is.
                heard.text = said;
                return Err(halt);
            }
        }
        on(AnswerEvent::Generated(heard.generate.clone()));
        if heard.generate.finish == Finish::Stopped { Err(Halt::Stopped(Stage::Generate)) } else { Ok(()) }
    }

    /// In what words this expert is asked, and the number of them: as it was told, or as those in use here say.
    fn prompt(&self, expert: &pool::Expert, trace: &Trace) -> (Option<i64>, Option<Prompt>) {
        let Way { question, engine, .. } = self;
        if question.prompt.is_some() {
            return (None, question.prompt.clone());
        }
        // One that cannot be read now costs no answer.
        let found = engine.prompts.in_use(&expert.manifest.name, &trace.read.domain).ok().flatten();
        found.filter(|(_, prompt)| prompt.suits(&question.text)).unzip()
    }

    /// What the playbook says to this expert. It belongs to the mode Optimized, unless the question asks for it.
    fn advice(
        &self,
        expert: &pool::Expert,
        turn: &seat::Turn,
        trace: &Trace,
        hard: &Difficulty,
    ) -> Result<Option<Advice>, Failure> {
        let Way { engine, question, stop, .. } = self;
        let wanted = question.playbook;
        if question.mode != Mode::Optimized && wanted != Some(true) {
            return Ok(None);
        }
        let (settings, gates) = engine.advice_rules();
        let value = hard.value.filter(|value| gates.on && *value < gates.verify_above);
        let (manifest, read_into) = (&expert.manifest, engine.domains());
        let of_expert = manifest.domains.iter().filter(|domain| !read_into.contains(domain));
        let domains: Vec<&str> =
            std::iter::once(&trace.read.domain).chain(of_expert).map(String::as_str).collect();
        let listener = retrieve::Listener {
            question: &question.text,
            domains: &domains,
            manifest,
            context_length: turn.context_length(),
            wanted,
            settings,
            without_learned: value.filter(|_| wanted != Some(true)).map(|value| {
                format!("Difficulty {value:.2} is under {:.2}: without learned rules", gates.verify_above)
            }),
        };
        let mut count = |text: &str| turn.count_tokens(text, stop).map_err(Failure::from);
        retrieve::advice(&engine.archive, &engine.playbook, &listener, &mut count)
    }

    /// How this question is asked, why, and what its difficulty has to do with it: as it was told, by what was measured to
    /// gain here, or by how hard it is. `guides`: there are past answers to go by.
    fn strategy(&self, trace: &Trace, hard: &Difficulty, guides: bool) -> (Strategy, String, String) {
        let Way { question, engine, .. } = self;
        if let Some(strategy) = question.strategy {
            return (strategy, "chosen by hand".into(), "The way of asking was chosen by hand.".into());
        }
        let read = &trace.read;
        let direct = |gate: &str| (Strategy::Direct, String::new(), gate.to_owned());
        if question.mode != Mode::Optimized {
            return direct("This mode asks once, however hard it is.");
        }
        if question.is_for_several() {
            return direct("Several experts are several answers already: each is asked once.");
        }
        let (_, gates) = engine.advice_rules();
        let (gate, by_gate) = gate(gates, hard, guides);
        let measured = engine.measured();
        let gain = measured.best(&read.domain).filter(|_| read.complexity >= EASY);
        match (gain, by_gate) {
            (_, Some(Strategy::Direct)) => direct(&gate),
            (Some(gain), _) => (gain.strategy, said(gain), gate),
            (None, None) => direct(&gate),
            (None, Some(strategy)) => {
                match measured.of(strategy, &read.domain).filter(|gain| gain.high < 0.0) {
                    Some(loss) => direct(&format!("{gate} Not done: {}.", said(loss))),
                    None => (strategy, format!("difficulty {:.2}", hard.value.unwrap_or_default()), gate),
                }
            }
        }
    }
}

fn said(gain: &Gain) -> String {
    format!(
        "measured here on {} questions of {}: {:+.1} points ({:+.1} to {:+.1}) over asking once",
        gain.n,
        gain.domain,
        gain.difference * 100.0,
        gain.low * 100.0,
        gain.high * 100.0
    )
}

/// What a difficulty comes to, in a sentence, and the strategy that follows from it.
fn gate(gates: Gates, hard: &Difficulty, guides: bool) -> (String, Option<Strategy>) {
    let Gates { on, minimal_below, guided_above, verify_above } = gates;
    let Some(value) = hard.value else {
        return (format!("Not measured yet (n={}, of {} that it takes).", hard.n, hard.least), None);
    };
    if !on {
        return ("The gates are off.".into(), None);
    }
    if value < minimal_below {
        return (format!("Under {minimal_below:.2}: asked once."), Some(Strategy::Direct));
    }
    if value > verify_above {
        return (format!("Above {verify_above:.2}: playbook and verification."), Some(Strategy::Verify));
    }
    if value > guided_above {
        let (strategy, what) = match guides {
            true => (Strategy::Guided, "attempts guided by past answers"),
            false => (Strategy::Refine, "refined, as no past answer can guide it"),
        };
        return (format!("Above {guided_above:.2}: {what}."), Some(strategy));
    }
    (format!("From {minimal_below:.2} to {guided_above:.2}: as otherwise."), None)
}

/// The seated expert's voice, heard by who asked.
struct Speaker<'a, 't> {
    turn: &'t seat::Turn,
    stop: &'t Arc<AtomicBool>,
    goes_on: Option<&'t str>,
    /// Since it was asked last.
    said: String,
    is_unable: bool,
    on: &'a mut dyn FnMut(AnswerEvent),
}

impl Speaker<'_, '_> {
    fn speak(&mut self, request: Request) -> Result<(String, Generated), seat::SeatError> {
        self.said.clear();
        let Speaker { turn, stop, goes_on, said, is_unable, on } = self;
        let spoken = turn.generate(request, *goes_on, stop, &mut |piece| {
            said.push_str(piece);
            on(AnswerEvent::Text { piece: piece.to_owned() });
        });
        spoken.inspect_err(|error| *is_unable = error.is_the_experts())
    }
}

impl Voice for Speaker<'_, '_> {
    fn say(
        &mut self,
        kind: StepKind,
        prompt: &str,
        request: Request,
    ) -> Result<(String, Generated), Failure> {
        (self.on)(AnswerEvent::Asked { step: kind, prompt: prompt.to_owned() });
        Ok(self.speak(request)?)
    }

    fn done(&mut self, step: &Step) {
        (self.on)(AnswerEvent::Step(step.clone()));
    }
}

pub(crate) fn guest(expert: &pool::Expert) -> seat::Guest {
    seat::Guest {
        name: expert.manifest.name.clone(),
        title: expert.manifest.title.clone(),
        file: expert.file.clone(),
        mask: expert.implementation().map(pool::Implementation::left_out).unwrap_or_default(),
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
        expert.is_ready()
            && seat::memory_needed(&expert.manifest.title, &expert.file).is_ok_and(|needed| needed <= room)
    };
    let titles: Vec<&str> =
        experts.iter().filter(fits).map(|expert| expert.manifest.title.as_str()).collect();
    let mut failure = Failure::from(error);
    let who = if titles.is_empty() { "nobody in the pool".to_owned() } else { titles.join(", ") };
    failure.fix = format!("{} What would fit: {who}.", failure.fix);
    failure
}

fn reader<'a>(expert: &'a pool::Expert, turn: &seat::Turn, question: &Question) -> Reader<'a> {
    Reader {
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
