//! Advice: what of the playbook goes beside the question, and why the rest does not.

use crate::archive::{Archive, ArchiveError};
use crate::playbook::{Found, Playbook};
use crate::pool::{Manifest, Reads};
use crate::settings::PlaybookSettings;
use crate::words::{Advice, Advised, Origin};
use std::time::Instant;

/// More are no rules that anybody keeps.
const MOST: usize = 8;
/// The part of an expert's context that they may take.
const OF_CONTEXT: u32 = 8;

/// Who is told what.
pub struct Listener<'a> {
    pub question: &'a str,
    /// That of the question, then those of the expert into which no question is read.
    pub domains: &'a [&'a str],
    pub manifest: &'a Manifest,
    pub context_length: u32,
    /// What the question says itself.
    pub wanted: Option<bool>,
    pub settings: PlaybookSettings,
    /// Why bullets that nobody wrote are not for this question.
    pub without_learned: Option<String>,
}

/// What bears on the question; `None`: the playbook has nothing for it. `count`: tokens by the expert's tokenizer.
pub fn advice<E: From<ArchiveError>>(
    archive: &Archive,
    playbook: &Playbook,
    listener: &Listener<'_>,
    count: &mut dyn FnMut(&str) -> Result<u32, E>,
) -> Result<Option<Advice>, E> {
    let begun = Instant::now();
    if !playbook.knows(listener.domains)? {
        return Ok(None);
    }
    let (meant, _) = archive.meant(listener.question)?;
    let Found { bullets, trajectories, considered } =
        playbook.find(listener.question, listener.domains, meant.as_ref())?;
    let mut advice = Advice { trajectories, considered, ..Advice::default() };
    match off(playbook, listener)? {
        Some(why) => advice.left_out = Some(why).filter(|_| considered > 0),
        None => {
            let told = |bullet: &Advised| listener.without_learned.is_none() || bullet.origin == Origin::User;
            let (bullets, learned): (Vec<Advised>, Vec<Advised>) = bullets.into_iter().partition(told);
            let room = listener.settings.tokens.min(listener.context_length / OF_CONTEXT);
            let all = bullets.len();
            for bullet in bullets.into_iter().take(MOST) {
                let tokens = count(&bullet.text)?;
                if advice.tokens + tokens <= room {
                    advice.tokens += tokens;
                    advice.bullets.push(bullet);
                }
            }
            let more = all - advice.bullets.len();
            let over =
                (more > 0).then(|| format!("{more} more do not fit into {room} tokens or are beyond {MOST}"));
            let harder = listener.without_learned.clone().filter(|_| !learned.is_empty());
            let why: Vec<String> = harder.into_iter().chain(over).collect();
            advice.left_out = (!why.is_empty()).then(|| format!("{}.", why.join("; ")));
        }
    }
    if advice.considered == 0 && advice.trajectories.is_empty() {
        return Ok(None);
    }
    advice.elapsed_ms = begun.elapsed().as_secs_f32() * 1e3;
    Ok(Some(advice))
}

/// Why no bullet is given at all.
fn off(playbook: &Playbook, listener: &Listener<'_>) -> Result<Option<String>, ArchiveError> {
    let Listener { domains, manifest, wanted, settings, .. } = listener;
    if *wanted == Some(false) {
        return Ok(Some("Switched off for this question.".into()));
    }
    if manifest.reads == Reads::Question {
        let why =
            format!("{} reads single questions in its own form, and would not read them.", manifest.title);
        return Ok(Some(why));
    }
    if *wanted == Some(true) {
        return Ok(None);
    }
    if !settings.on {
        return Ok(Some("Switched off in the settings.".into()));
    }
    domains.first().map_or(Ok(None), |domain| playbook.price(domain))
}
