//! Trajectories: how answers went that were judged, good and bad ones. One an answer; it goes with it.

use super::{BulletKind, Playbook, writing};
use crate::archive::{ArchiveError, now_ms};
use crate::words::{Answer, StepKind};
use rusqlite::{OptionalExtension, params};

/// The longest that is kept: a way, not a text.
const MOST_LINES: usize = 24;
const MOST_CHARACTERS: usize = 2_000;
/// Of the form of a question.
const FORM: usize = 80;

/// A bad answer and a later good one to the same question.
#[derive(Clone, Debug)]
pub struct Pair {
    pub bad: Answer,
    pub good: Answer,
}

/// The form of a question: every number is "…".
pub fn form(question: &str) -> String {
    let mut form = String::new();
    let mut in_number = false;
    for c in question.split_whitespace().collect::<Vec<_>>().join(" ").chars() {
        let is_number = c.is_ascii_digit() || (in_number && ['.', ','].contains(&c));
        match (is_number, in_number) {
            (true, false) => form.push('…'),
            (true, true) => {}
            (false, _) => form.push(c),
        }
        in_number = is_number;
    }
    match form.char_indices().nth(FORM) {
        Some((end, _)) => format!("{}…", form[..end].trim_end()),
        None => form,
    }
}

/// The lines of the answer, and before them those of the parts that it was made of.
fn steps(answer: &Answer) -> String {
    let parts = answer.trace.reason.iter().flat_map(|reasoned| &reasoned.steps);
    let parts = parts.filter(|step| step.accepted && [StepKind::Plan, StepKind::Part].contains(&step.step));
    let texts: Vec<&str> = parts.map(|step| step.text.as_str()).chain([answer.answer.as_str()]).collect();
    let lines = texts.iter().flat_map(|text| text.lines()).filter(|line| !line.trim().is_empty());
    let text = lines.take(MOST_LINES).collect::<Vec<_>>().join("\n");
    text.chars().take(MOST_CHARACTERS).collect()
}

impl Playbook {
    /// An answer was judged good or bad, or its judgement was taken back.
    pub fn went(&self, answer: &Answer, good: Option<bool>) -> Result<(), ArchiveError> {
        let state = self.state();
        let write = || -> rusqlite::Result<()> {
            let step = state.database.unchecked_transaction()?;
            step.execute(
                "DELETE FROM playbook WHERE kind = 'trajectory' AND id IN (SELECT bullet FROM playbook_sources WHERE turn = ?1)",
                [&answer.id],
            )?;
            let there = "SELECT 1 FROM turns WHERE id = ?1";
            let there = step.query_row(there, [&answer.id], |_| Ok(())).optional()?.is_some();
            if let Some(good) = good.filter(|_| there && !answer.answer.trim().is_empty()) {
                step.execute(
                    "INSERT INTO playbook (kind, domain, title, applies, text, origin, good, created)
                     VALUES (?1, ?2, ?3, ?4, ?5, 'reflector', ?6, ?7)",
                    params![
                        BulletKind::Trajectory.name(),
                        answer.trace.read.domain,
                        form(&answer.question),
                        answer.question.trim(),
                        steps(answer),
                        good,
                        now_ms()
                    ],
                )?;
                let id = step.last_insert_rowid();
                step.execute(
                    "INSERT INTO playbook_sources (bullet, turn) VALUES (?1, ?2)",
                    params![id, answer.id],
                )?;
            }
            step.commit()
        };
        write().map_err(writing)
    }

    /// The judged answers to the question of the answer `turn` that it is to be compared with: the newest bad one before it
    /// where it is good, the newest good one after it where it is bad; and all such pairs with `None`.
    pub fn pairs(&self, turn: Option<&str>) -> Result<Vec<Pair>, ArchiveError> {
        let state = self.state();
        let read = || -> rusqlite::Result<Vec<(String, String)>> {
            state
                .database
                .prepare_cached(
                    "SELECT bad.whole, good.whole FROM turns AS good JOIN turns AS bad ON bad.id =
                         (SELECT id FROM turns AS b WHERE b.normalised = good.normalised AND b.created <= good.created
                              AND b.id IN (SELECT turn FROM outcomes WHERE turn = b.id AND source = 'rating' AND good = 0)
                              AND b.id <> good.id ORDER BY b.created DESC LIMIT 1)
                     WHERE good.id IN (SELECT turn FROM outcomes WHERE source = 'rating' AND outcomes.good = 1)
                         AND (?1 IS NULL OR good.id = ?1 OR bad.id = ?1)
                     ORDER BY good.created",
                )?
                .query_map([turn], |row| Ok((row.get(0)?, row.get(1)?)))?
                .collect()
        };
        let rows = read().map_err(super::reading)?;
        let parse = |text: &str| serde_json::from_str::<Answer>(text).ok();
        Ok(rows
            .iter()
            .filter_map(|(bad, good)| Some(Pair { bad: parse(bad)?, good: parse(good)? }))
            .collect())
    }
}
