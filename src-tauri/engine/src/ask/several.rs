//! How several experts are heard: each takes the lectern in turn, then their drafts become one answer. An expert that
//! cannot come is absent and named; the others answer.

use super::one::{Heard, Instead, Way};
use super::{Halt, hierarchy, milliseconds};
use crate::aggregate::{self, Decision};
use crate::events::AnswerEvent;
use crate::extract::said;
use crate::pool::{Expert, REFUSAL, Reads};
use crate::route::{self, Standing};
use crate::words::{Aggregate, Called, Candidate, Compressed, Council, Draft, Failure, Stage, Trace};
use std::sync::atomic::Ordering;
use std::time::Instant;

/// Asks a council. What it has stays in `trace` and `text`, also when it is stopped.
pub(super) fn ask(
    way: &Way,
    standing: &Standing,
    trace: &mut Trace,
    text: &mut String,
    on: &mut dyn FnMut(AnswerEvent),
) -> Result<(), Halt> {
    let begun = Instant::now();
    let question = way.question;
    let aggregate = question.aggregate.unwrap_or_default();
    let mut council = Council { aggregate, ..Council::default() };
    if aggregate == Aggregate::Hierarchical {
        match hierarchy::parts(way, trace, &mut council, on) {
            Ok(parts) if parts.is_empty() => {}
            Ok(parts) => return hierarchy::ask(way, standing, parts, council, trace, text, on),
            Err(halt) => {
                trace.council = Some(Box::new(council));
                return Err(halt);
            }
        }
    }
    let k = question.top_k.unwrap_or_else(|| route::council::size(trace.read.complexity));
    let mut members = route::council::order(route::council::members(&trace.route, k), standing);
    (council.k, council.why) = (k, why(question.top_k, k, &members, trace));

    let mut halted = None;
    let mut compressed = Vec::new();
    let of = members.len() as u32;
    for at in 1..=of {
        // Whoever another question has brought to the lectern meanwhile speaks now, for nothing.
        let seated = super::seated(way.engine);
        let next = members.iter().position(|member| Some(&member.name) == seated.as_ref()).unwrap_or(0);
        let member = &members.remove(next);
        if way.stop.load(Ordering::Relaxed) {
            halted = Some(Halt::Stopped(Stage::Seat));
            break;
        }
        let place = Called { expert: member.name.clone(), title: member.title.clone(), at, of };
        on(AnswerEvent::Called(place));
        let before = if aggregate == Aggregate::Sequential {
            last_word(&question.text, &council.drafts)
        } else {
            None
        };
        let (draft, fitted, end) = draft(way, member, trace, before.as_deref(), on);
        compressed.push(fitted);
        on(AnswerEvent::Drafted(Box::new(draft.clone())));
        council.drafts.push(draft);
        if let Some(Halt::Stopped(stage)) = end {
            halted = Some(Halt::Stopped(stage));
            break;
        }
    }
    if let Some(failure) = nobody(&council.drafts).filter(|_| halted.is_none()) {
        trace.council = Some(Box::new(council));
        return Err(Halt::Failed(failure));
    }

    let decision = match aggregate {
        Aggregate::Sequential => aggregate::last_of_chain(&question.text, &council.drafts),
        _ => aggregate::decide(&question.text, aggregate, &council.drafts),
    };
    let mut joined = None;
    if aggregate == Aggregate::Ensemble && halted.is_none() {
        match synthesis(way, trace, &council.drafts, on) {
            Ok(draft) => joined = Some(draft),
            Err(ended) => {
                let Ended { draft, why, stopped } = *ended;
                council.synthesis = draft.map(Box::new);
                council.fell_back = Some(format!("{why}: voted instead"));
                halted = stopped.map(Halt::Stopped);
            }
        }
    }
    finish(&mut council, decision, joined, compressed, trace, text);
    council.elapsed_ms = milliseconds(begun);
    on(AnswerEvent::Joined(Box::new(council.clone())));
    trace.council = Some(Box::new(council));
    halted.map_or(Ok(()), Err)
}

/// Why so many, and why in this order.
fn why(asked: Option<u32>, k: u32, members: &[Candidate], trace: &Trace) -> String {
    let many = match asked {
        Some(_) if trace.composed.is_some() => format!("{k} that are worth asking"),
        Some(_) if (members.len() as u32) < k => {
            format!("{k} were asked for, and {} are ready", members.len())
        }
        Some(_) => format!("{k} were asked for"),
        None => format!("{k} for complexity {:.1} of 10", trace.read.complexity),
    };
    format!("{many}; who is seated begins, then the quickest to load.")
}

/// One expert's draft, or why it is absent, with what it was given to read; and how it ended, where that was not an end.
fn draft(
    way: &Way,
    member: &Candidate,
    trace: &Trace,
    before: Option<&str>,
    on: &mut dyn FnMut(AnswerEvent),
) -> (Draft, Compressed, Option<Halt>) {
    let begun = Instant::now();
    let mut draft = Draft { expert: member.name.clone(), title: member.title.clone(), ..Draft::default() };
    let Some(expert) = way.experts.iter().find(|expert| expert.manifest.name == member.name) else {
        draft.absent = Some(gone(&member.title));
        return (draft, Compressed::default(), None);
    };
    draft.weight = aggregate::weight(expert, &trace.read.domain, member.score, &way.engine.measured());
    draft.shown_answer = before.is_some() && expert.manifest.reads == Reads::Conversation;
    let mut heard = Heard::default();
    let end = way.hear(expert, trace, before.map(Instead::Improve), &mut heard, on).err();
    let compressed = std::mem::take(&mut heard.compress);
    take(&mut draft, heard, &way.question.text);
    draft.elapsed_ms = milliseconds(begun);
    let end = match end {
        Some(Halt::Failed(failure)) => {
            draft.is_absent(failure);
            None
        }
        end => end,
    };
    (draft, compressed, end)
}

impl Draft {
    /// Half an answer of an expert that crashed is none.
    pub(super) fn is_absent(&mut self, failure: Failure) {
        (self.answer, self.says) = (String::new(), String::new());
        self.absent = Some(failure);
    }
}

/// What an expert gave becomes its draft.
pub(super) fn take(draft: &mut Draft, heard: Heard, question: &str) {
    let Heard { difficulty, advice, seat, generate, reason, text, .. } = heard;
    (draft.difficulty, draft.advice) = (difficulty, advice);
    draft.refused = text.trim_start().starts_with(REFUSAL);
    draft.says = if draft.refused { String::new() } else { said(question, &text).shown() };
    draft.confidence = generate.confidence;
    (draft.seat, draft.generate, draft.reason, draft.answer) = (seat, generate, reason, text);
}

fn gone(title: &str) -> Failure {
    Failure {
        code: "expert_unavailable".into(),
        message: format!("{title} left the pool while the council sat."),
        fix: "Ask again.".into(),
        detail: None,
    }
}

/// The answer that the next expert of a chain is shown.
fn last_word(question: &str, drafts: &[Draft]) -> Option<String> {
    let there = drafts.iter().any(aggregate::speaks);
    there.then(|| drafts[aggregate::last_of_chain(question, drafts).speaker].answer.clone())
}

/// Every expert is absent.
pub(super) fn nobody(drafts: &[Draft]) -> Option<Failure> {
    let absent: Option<Vec<&Failure>> = drafts.iter().map(|draft| draft.absent.as_ref()).collect();
    let absent = absent?;
    let why: Vec<String> = drafts
        .iter()
        .zip(&absent)
        .map(|(draft, failure)| format!("{}: {}", draft.title, failure.message))
        .collect();
    Some(Failure {
        code: "council_absent".into(),
        message: format!("None of the {} experts of the council could answer.", drafts.len()),
        fix: absent.first().map_or_else(|| "Ask again.".into(), |failure| failure.fix.clone()),
        detail: Some(why.join("\n")),
    })
}

/// Why there is no one answer from several.
pub(super) struct Ended {
    pub draft: Option<Draft>,
    pub why: String,
    pub stopped: Option<Stage>,
}

/// What `expert` writes `instead` of an answer of its own, as the `at`th of `of` who are called; and where it was stopped.
pub(super) fn written(
    way: &Way,
    trace: &Trace,
    expert: &Expert,
    instead: Instead,
    (at, of): (u32, u32),
    on: &mut dyn FnMut(AnswerEvent),
) -> (Draft, Option<Stage>) {
    let begun = Instant::now();
    let (name, title) = (expert.manifest.name.clone(), expert.manifest.title.clone());
    on(AnswerEvent::Called(Called { expert: name.clone(), title: title.clone(), at, of }));
    let mut draft = Draft { expert: name, title, shown_answer: true, ..Draft::default() };
    let mut heard = Heard::default();
    let end = way.hear(expert, trace, Some(instead), &mut heard, on).err();
    take(&mut draft, heard, &way.question.text);
    draft.elapsed_ms = milliseconds(begun);
    match end {
        Some(Halt::Stopped(stage)) => return (draft, Some(stage)),
        Some(Halt::Failed(failure)) => draft.absent = Some(failure),
        None => {}
    }
    (draft, None)
}

/// One expert reads all drafts and writes one answer. It may use no number that nobody gave.
fn synthesis(
    way: &Way,
    trace: &Trace,
    drafts: &[Draft],
    on: &mut dyn FnMut(AnswerEvent),
) -> Result<Draft, Box<Ended>> {
    let ended = |why: String| Box::new(Ended { draft: None, why, stopped: None });
    let given: Vec<(&str, &str)> = drafts
        .iter()
        .filter(|draft| aggregate::speaks(draft))
        .map(|draft| (draft.title.as_str(), draft.answer.as_str()))
        .collect();
    if given.len() < 2 {
        return Err(ended("there are no two answers to make one of".into()));
    }
    let expert = synthesist(way, trace).map_err(&ended)?;
    if expert.manifest.reads != Reads::Conversation {
        let title = &expert.manifest.title;
        return Err(ended(format!("{title} reads single questions and cannot read the answers")));
    }
    let called = drafts.len() as u32 + 1;
    let (draft, stopped) = written(way, trace, expert, Instead::Join(&given), (called, called), on);
    let invented = aggregate::invented(&way.question.text, drafts, &draft.answer);
    let invented = invented.map(|number| format!("{number}, which no expert gave"));
    accepted(draft, stopped, "write it", invented)
}

/// What was [`written`], where it is an answer. `work`: what was to be done; `invented`: what it may not say, and why.
pub(super) fn accepted(
    draft: Draft,
    stopped: Option<Stage>,
    work: &str,
    invented: Option<String>,
) -> Result<Draft, Box<Ended>> {
    let title = &draft.title;
    let why = match (&draft.absent, stopped) {
        (_, Some(_)) => "it was stopped before it was written".into(),
        (Some(failure), _) => format!("{title} could not {work} ({})", failure.message),
        (None, None) if !aggregate::speaks(&draft) => format!("{title} wrote nothing"),
        (None, None) => match invented {
            None => return Ok(draft),
            Some(invented) => format!("{title} wrote {invented}"),
        },
    };
    Err(Box::new(Ended { draft: Some(draft), why, stopped }))
}

/// Who was named for it, or the best generalist: of those that take anything, the first by the route's score.
fn synthesist<'a>(way: &'a Way, trace: &Trace) -> Result<&'a Expert, String> {
    let here = |expert: &&Expert| expert.is_ready();
    if let Some(name) = &way.question.synthesis {
        let found = way.experts.iter().filter(here).find(|expert| expert.manifest.name == *name);
        return found.ok_or_else(|| format!("there is no expert \"{name}\" that is ready"));
    }
    let takes_anything = |expert: &&Expert| {
        expert.manifest.fallback
            || expert.manifest.domains.iter().any(|domain| domain.eq_ignore_ascii_case("general"))
    };
    let place = |expert: &&Expert| {
        let name = &expert.manifest.name;
        trace.route.experts.iter().position(|candidate| candidate.name == *name).unwrap_or(usize::MAX)
    };
    // One that can read the answers comes before one that cannot.
    let best = way
        .experts
        .iter()
        .filter(here)
        .filter(takes_anything)
        .min_by_key(|expert| (expert.manifest.reads != Reads::Conversation, place(expert)));
    best.ok_or_else(|| "no expert of the pool takes anything".into())
}

/// The council's figures, and the speaker's part in the trace. `compressed`: what each draft's expert was given to read.
pub(super) fn finish(
    council: &mut Council,
    decision: Decision,
    joined: Option<Draft>,
    compressed: Vec<Compressed>,
    trace: &mut Trace,
    text: &mut String,
) {
    let Decision { speaker, groups, agreement, outcome } = decision;
    (council.groups, council.agreement, council.outcome) = (groups, agreement, outcome);
    trace.compress = compressed.into_iter().nth(speaker).unwrap_or_default();
    let taken = joined.is_some();
    if let Some(draft) = joined {
        council.outcome = format!("{} wrote one answer from {}.", draft.title, council.drafts.len());
        council.synthesis = Some(Box::new(draft));
    }
    let loads = council.heard().filter(|draft| draft.seat.load_ms > 0.0).count() as u32;
    let swaps = council.heard().filter(|draft| draft.seat.left.is_some()).count() as u32;
    let tokens = |draft: &Draft| draft.reason.as_ref().map_or(draft.generate.tokens, |reason| reason.tokens);
    let tokens = council.heard().map(tokens).sum();
    (council.loads, council.swaps, council.tokens) = (loads, swaps, tokens);
    let written = council.synthesis.as_deref().filter(|_| taken);
    let Some(spoken) = written.or_else(|| council.drafts.get(speaker)) else { return };
    text.clone_from(&spoken.answer);
    let (seat, generate, reason) = (spoken.seat.clone(), spoken.generate.clone(), spoken.reason.clone());
    (trace.difficulty, trace.advice) = (spoken.difficulty.clone(), spoken.advice.clone());
    let name = spoken.expert.clone();
    (trace.seat, trace.generate, trace.reason) = (seat, generate, reason);
    council.speaker = name;
}
