//! How an expert is asked what a good answer did that a bad one to the same question did not.

use crate::engine::Engine;
use crate::playbook::distil::{asking, rule_of};
use crate::playbook::{BulletKind, NewBullet, Pair};
use crate::pool::{Expert, Reads};
use crate::words::{Failure, Mode, Origin, Question, Strategy};
use serde::Serialize;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use ts_rs::TS;

/// What reflecting came to.
#[derive(Clone, Debug, Default, PartialEq, Serialize, TS)]
pub struct Reflected {
    /// Who was asked.
    pub expert: String,
    /// Pairs of a bad and a good answer to the same question, and those that nobody was asked about before.
    pub pairs: u32,
    pub asked: u32,
    /// The bullets that came of it, also where they were merged into others.
    #[ts(type = "number[]")]
    pub added: Vec<i64>,
    pub stopped: bool,
}

/// Asks an expert that reads instructions about each pair that it was not asked about. Nothing of the asking is stored but
/// the bullets; they go with the answers that they are from.
pub(crate) fn reflect(
    engine: &Engine,
    expert: Option<&str>,
    stop: &Arc<AtomicBool>,
) -> Result<Reflected, Failure> {
    let expert = reader(engine, expert)?;
    let pairs = engine.playbook.pairs(None)?;
    let mut done =
        Reflected { expert: expert.manifest.name.clone(), pairs: pairs.len() as u32, ..Default::default() };
    for Pair { bad, good } in pairs {
        if stop.load(Ordering::Relaxed) {
            done.stopped = true;
            break;
        }
        let sources = [bad.id.as_str(), good.id.as_str()];
        let told = |bullet: &crate::playbook::Bullet| {
            bullet.kind == BulletKind::Bullet
                && sources.iter().all(|source| bullet.sources.iter().any(|own| own == source))
        };
        if engine.playbook.list()?.iter().any(told) {
            continue;
        }
        let question = Question {
            trial: true,
            mode: Mode::Basic,
            playbook: Some(false),
            recall: false,
            strategy: Some(Strategy::Direct),
            expert: Some(expert.manifest.name.clone()),
            ..Question::new(asking(&good.question, &bad.answer, &good.answer))
        };
        let said = super::ask(engine, &question, stop, &mut |_| {})?;
        if said.stopped {
            done.stopped = true;
            break;
        }
        done.asked += 1;
        let Some(text) = rule_of(&said.answer) else { continue };
        let domain = good.trace.read.domain.as_str();
        let new = NewBullet { domain, text: &text, origin: Origin::Reflector, sources: &sources };
        done.added.push(engine.playbook.add(&engine.archive, &new)?.id);
    }
    Ok(done)
}

/// Who is named, or who sits at the lectern, or anybody who reads what stands in a prompt.
fn reader(engine: &Engine, named: Option<&str>) -> Result<Expert, Failure> {
    let reads = |expert: &Expert| expert.manifest.reads == Reads::Conversation;
    let unfit = |message: String| {
        Failure {
        code: "playbook.no_reader".into(),
        message,
        fix: "Add an expert that follows instructions; the experts page has some. Without one, rules come from comparing \
              the two answers alone."
            .into(),
        detail: None,
    }
    };
    if let Some(name) = named {
        let expert = engine.pool.get(name)?;
        let title = expert.manifest.title.clone();
        return match reads(&expert) {
            true => Ok(expert),
            false => {
                Err(unfit(format!("{title} reads single questions in its own form and cannot reflect.")))
            }
        };
    }
    let seated = super::seated(engine);
    let experts = engine.pool.experts();
    let mut able =
        experts.into_iter().filter(|expert| expert.is_ready() && reads(expert)).collect::<Vec<_>>();
    able.sort_by_key(|expert| seated.as_ref() != Some(&expert.manifest.name));
    able.into_iter().next().ok_or_else(|| unfit("No expert in the pool reads instructions.".into()))
}
