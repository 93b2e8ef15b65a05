//! How a question that leaves it open is answered: what is known of it goes to the router, and comes back as one of the
//! ways of a council or as one expert.

use super::standing_for;
use crate::engine::Engine;
use crate::pool::Expert;
use crate::reason::strategy::{MOST_PARTS, questions_in};
use crate::route;
use crate::route::compose::{Known, compose};
use crate::words::{Aggregate, Candidate, Composed, Failure, Part, Plan, Question, Reading};

/// A part of the question, how it was read, and who answers it.
pub(super) struct Routed {
    pub part: Part,
    pub reading: Reading,
    pub plan: Plan,
}

/// The question as its composition has it; `None`: that was not left open.
pub(super) fn composed(
    engine: &Engine,
    question: &Question,
    reading: &Reading,
    plan: &Plan,
    experts: &[Expert],
) -> Result<Option<(Composed, Question)>, Failure> {
    if question.aggregate != Some(Aggregate::Auto) {
        return Ok(None);
    }
    let written = routed(engine, questions_in(&question.text), experts)?;
    let parts: Vec<(Part, String)> = written.into_iter().map(|one| (one.part, title(&one.plan))).collect();
    let composed = compose(&Known {
        text: &question.text,
        reading,
        plan,
        parts: &parts,
        experts,
        measured: &engine.measured(),
        most: question.top_k.unwrap_or_else(|| route::council::size(reading.complexity)),
    });
    let top_k = match composed.k {
        0 => question.top_k.filter(|_| composed.aggregate.is_some()),
        k => Some(k),
    };
    let asked = Question { aggregate: composed.aggregate, top_k, ..question.clone() };
    Ok(Some((composed, asked)))
}

/// Each text read and routed on its own; nobody is asked. Of one text alone there are no parts.
pub(super) fn routed(
    engine: &Engine,
    parts: Vec<String>,
    experts: &[Expert],
) -> Result<Vec<Routed>, Failure> {
    if parts.len() < 2 {
        return Ok(Vec::new());
    }
    let route = |(at, text): (usize, String)| {
        let reading = engine.reader.read(&text)?;
        let standing = standing_for(engine, &Question::new(text.as_str()), experts);
        let plan = route::route(&reading, &text, experts, &standing, None)?;
        Ok(Routed {
            part: Part { place: at as u32 + 1, text, domain: reading.domain.clone() },
            reading,
            plan,
        })
    };
    parts.into_iter().take(MOST_PARTS).enumerate().map(route).collect()
}

fn title(plan: &Plan) -> String {
    let chosen = plan.experts.iter().find(|candidate| candidate.name == plan.chosen);
    chosen.map_or_else(|| plan.chosen.clone(), |chosen| chosen.title.clone())
}

/// The parts in the order in which their experts take the lectern: whoever is seated begins, `last` ends, between them the
/// quickest to load; those of one expert stand together, as they stand in the question.
pub(super) fn in_turn(parts: Vec<Routed>, standing: &route::Standing, last: Option<&str>) -> Vec<Routed> {
    let mut members: Vec<Candidate> = Vec::new();
    for candidate in
        parts.iter().filter_map(|one| one.plan.experts.iter().find(|it| it.name == one.plan.chosen))
    {
        if members.iter().all(|known| known.name != candidate.name) {
            members.push(candidate.clone());
        }
    }
    let mut order: Vec<String> =
        route::council::order(members, standing).into_iter().map(|member| member.name).collect();
    // Who is seated and ends as well costs the same load either way, and has the first word at once.
    let ends = order.iter().skip(1).position(|name| Some(name.as_str()) == last);
    if let Some(at) = ends {
        let name = order.remove(at + 1);
        order.push(name);
    }
    let place = |one: &Routed| order.iter().position(|name| *name == one.plan.chosen);
    let mut parts = parts;
    parts.sort_by_key(|one| (place(one), one.part.place));
    parts
}
