//! Playbook: what experts are told beside a question. Bullets are rules, by domain; trajectories are the ways that answers
//! went which were judged good or bad. One store: both come from answers, go with them, are found by likeness, and count
//! the answers that they were used in.
//!
//! In:     bullets from the user, from elsewhere, or from a good answer beside a bad one; judged answers
//! Out:    those that bear on a question; each with how often it helped or harmed, as its answers were judged
//! Fails:  when the database cannot be read or written; an edit that another one has overtaken
//! Cost:   under 1 ms a question for some hundreds of rows; with an encoder some milliseconds for each new row, once
//! Source: Agentic Context Engineering (arXiv:2510.04618): delta edits and counters; ReasoningBank (arXiv:2509.25140):
//!         successes and failures both
//!
//! Counts are not kept: they are the answers that used a bullet, with what became of them, so that a forgotten answer is in
//! none.

pub mod distil;
mod edits;
mod find;
mod trajectories;

pub(crate) use edits::rule;
pub use edits::{Added, EditKind, Edited, NewBullet, Rewording};
pub use find::Found;
pub use trajectories::{Pair, form};

use crate::archive::{ArchiveError, database};
use crate::home::Home;
use crate::words::{Failure, Origin};
use find::Known;
use rusqlite::Connection;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use ts_rs::TS;

/// The domain of bullets that are for every question.
pub const ANY: &str = "any";
/// The longest bullet in characters: a rule, not a text.
pub const LONGEST: usize = 500;

/// What a row is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum BulletKind {
    #[default]
    Bullet,
    Trajectory,
}

impl BulletKind {
    fn name(self) -> &'static str {
        match self {
            BulletKind::Bullet => "bullet",
            BulletKind::Trajectory => "trajectory",
        }
    }
}

/// A bullet or a trajectory.
#[derive(Clone, Debug, Default, PartialEq, Serialize, TS)]
pub struct Bullet {
    #[ts(type = "number")]
    pub id: i64,
    pub kind: BulletKind,
    pub domain: String,
    /// Of a trajectory: the form of the questions that it is for, and the question that it comes from.
    pub title: String,
    pub applies: String,
    pub text: String,
    pub origin: Origin,
    /// Of a trajectory: whether it led to a good answer.
    pub good: Option<bool>,
    /// Unix time in milliseconds.
    #[ts(type = "number")]
    pub created: i64,
    /// Since when it is not used.
    #[ts(type = "number | null")]
    pub retired: Option<i64>,
    /// The bullet that says it as well, and has its counts.
    #[ts(type = "number | null")]
    pub merged_into: Option<i64>,
    /// Answers that used it, and those of them that were judged right, and wrong.
    pub uses: u32,
    pub helpful: u32,
    pub harmful: u32,
    #[ts(type = "number | null")]
    pub last_used: Option<i64>,
    /// The answers that it comes from.
    pub sources: Vec<String>,
    /// Why it should perhaps go.
    pub doubt: Option<String>,
}

impl Bullet {
    pub fn is_in_use(&self) -> bool {
        self.retired.is_none() && self.merged_into.is_none()
    }
}

#[derive(Debug, thiserror::Error)]
pub enum PlaybookError {
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    #[error("there is no rule {0}")]
    Unknown(i64),
    #[error("a rule has no words")]
    Empty,
    #[error("a rule has {0} characters; at most {LONGEST} are one")]
    Long(usize),
    #[error("rule {0} cannot be merged into {1}: that is merged into it, retired, or the same")]
    Circle(i64, i64),
    #[error("there is no edit {0} that could be undone")]
    NoEdit(i64),
    #[error("there is nothing to undo")]
    NothingToUndo,
    #[error("edit {0} was overtaken by edit {1} of the same rule")]
    Overtaken(i64, i64),
    #[error("{0} is a trajectory: it says how an answer went, and goes with that answer")]
    NotABullet(i64),
}

impl From<PlaybookError> for Failure {
    fn from(error: PlaybookError) -> Failure {
        let (code, fix) = match &error {
            PlaybookError::Archive(_) => ("playbook.database", ""),
            PlaybookError::Unknown(_) => {
                ("playbook.unknown", "`lectern playbook list` shows those that there are.")
            }
            PlaybookError::Empty => ("playbook.empty", "Write what an expert should do."),
            PlaybookError::Long(_) => ("playbook.long", "Say it shorter, or in two rules."),
            PlaybookError::Circle(..) => ("playbook.circle", "Merge it into a rule that is in use."),
            PlaybookError::NoEdit(_) | PlaybookError::NothingToUndo => {
                ("playbook.no_edit", "`lectern playbook list --log` shows the edits.")
            }
            PlaybookError::Overtaken(..) => ("playbook.overtaken", "Undo the newer edit first."),
            PlaybookError::NotABullet(_) => ("playbook.not_a_bullet", "Rate or forget that answer."),
        };
        match error {
            PlaybookError::Archive(error) => error.into(),
            error => Failure { code: code.into(), message: error.to_string(), fix: fix.into(), detail: None },
        }
    }
}

/// The playbook of one home.
pub struct Playbook {
    state: Mutex<State>,
}

struct State {
    database: Connection,
    /// Counts and newest numbers of the rows that `all` was read from.
    seen: Option<[i64; 7]>,
    all: Arc<Vec<Bullet>>,
    /// Terms and vectors of what is in `all`.
    known: Known,
}

impl Playbook {
    pub fn open(home: &Home) -> Result<Playbook, ArchiveError> {
        home.prepare()?;
        let database = database::open(home)?;
        let state = State { database, seen: None, all: Arc::default(), known: Known::default() };
        Ok(Playbook { state: Mutex::new(state) })
    }

    /// Bullets and trajectories, by domain, in the order they came.
    pub fn list(&self) -> Result<Vec<Bullet>, ArchiveError> {
        Ok(self.state().all()?.to_vec())
    }

    /// There is something in use for a question of these domains.
    pub(crate) fn knows(&self, domains: &[&str]) -> Result<bool, ArchiveError> {
        let all = self.state().all()?;
        Ok(all.iter().any(|bullet| bullet.is_in_use() && find::bears(bullet, domains)))
    }

    /// Why bullets do not pay in a domain: of the judged answers fewer were right with them than without, beyond chance.
    pub(crate) fn price(&self, domain: &str) -> Result<Option<String>, ArchiveError> {
        let state = self.state();
        let sql = "SELECT count(*) FILTER (WHERE used AND good), count(*) FILTER (WHERE used),
                          count(*) FILTER (WHERE NOT used AND good), count(*) FILTER (WHERE NOT used)
                   FROM (SELECT good, EXISTS (SELECT 1 FROM playbook_uses JOIN playbook ON playbook.id = bullet
                                              WHERE playbook_uses.turn = o.turn AND kind = 'bullet') AS used
                         FROM outcomes AS o WHERE o.turn IS NOT NULL AND o.domain = ?1 AND o.source IN ('rating', 'check'))";
        let [right_with, with, right_without, without]: [u32; 4] = state
            .database
            .prepare_cached(sql)
            .and_then(|mut sql| {
                sql.query_row([domain], |row| Ok([row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?]))
            })
            .map_err(reading)?;
        Ok(loses((right_with, with), (right_without, without)).then(|| {
            format!(
                "They do not pay in {domain}: {right_with} of {with} judged answers were right with rules, and \
                 {right_without} of {without} without."
            )
        }))
    }

    /// An answer was given with these beside the question.
    pub fn used(&self, turn: &str, ids: &[i64]) -> Result<(), ArchiveError> {
        let state = self.state();
        let write = || -> rusqlite::Result<()> {
            let step = state.database.unchecked_transaction()?;
            for id in ids {
                // Forgotten meanwhile, or the answer was not stored: nothing to count.
                step.execute(
                    "INSERT OR IGNORE INTO playbook_uses (bullet, turn, created)
                     SELECT ?1, id, created FROM turns WHERE id = ?2 AND EXISTS (SELECT 1 FROM playbook WHERE id = ?1)",
                    (id, turn),
                )?;
            }
            step.commit()
        };
        write().map_err(writing)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Everything, read anew when it has changed, whoever changed it.
    fn all(&mut self) -> Result<Arc<Vec<Bullet>>, ArchiveError> {
        let seen = stamp(&self.database).map_err(reading)?;
        if self.seen != Some(seen) {
            let all = read(&self.database).map_err(reading)?;
            self.known.keep(&all);
            (self.all, self.seen) = (Arc::new(all), Some(seen));
        }
        Ok(Arc::clone(&self.all))
    }
}

fn stamp(database: &Connection) -> rusqlite::Result<[i64; 7]> {
    let sql = "SELECT (SELECT count(*) FROM playbook), (SELECT coalesce(max(id), 0) FROM playbook),
                      (SELECT coalesce(max(number), 0) FROM playbook_log), (SELECT count(*) FROM playbook_log WHERE undone),
                      (SELECT count(*) FROM playbook_uses), (SELECT count(*) FROM outcomes),
                      (SELECT coalesce(max(number), 0) FROM outcomes)";
    database.prepare_cached(sql)?.query_row([], |row| {
        let mut stamp = [0; 7];
        for (at, figure) in stamp.iter_mut().enumerate() {
            *figure = row.get(at)?;
        }
        Ok(stamp)
    })
}

fn read(database: &Connection) -> rusqlite::Result<Vec<Bullet>> {
    let mut all: Vec<Bullet> = database
        .prepare_cached(
            "SELECT id, kind, domain, title, applies, text, origin, good, created, retired, merged_into FROM playbook
             ORDER BY domain, id",
        )?
        .query_map([], |row| {
            let (kind, origin): (String, String) = (row.get(1)?, row.get(6)?);
            Ok(Bullet {
                id: row.get(0)?,
                kind: if kind == "bullet" { BulletKind::Bullet } else { BulletKind::Trajectory },
                domain: row.get(2)?,
                title: row.get(3)?,
                applies: row.get(4)?,
                text: row.get(5)?,
                origin: match origin.as_str() {
                    "user" => Origin::User,
                    "pack" => Origin::Pack,
                    _ => Origin::Reflector,
                },
                good: row.get(7)?,
                created: row.get(8)?,
                retired: row.get(9)?,
                merged_into: row.get(10)?,
                ..Bullet::default()
            })
        })?
        .collect::<rusqlite::Result<_>>()?;
    let mut sources: HashMap<i64, Vec<String>> = HashMap::new();
    let mut rows = database.prepare_cached("SELECT bullet, turn FROM playbook_sources")?;
    let mut rows = rows.query([])?;
    while let Some(row) = rows.next()? {
        sources.entry(row.get(0)?).or_default().push(row.get(1)?);
    }
    let mut uses = uses(database, &roots(&all))?;
    for bullet in &mut all {
        bullet.sources = sources.remove(&bullet.id).unwrap_or_default();
        for used in uses.remove(&bullet.id).unwrap_or_default().into_values() {
            bullet.uses += 1;
            bullet.helpful += u32::from(used.good == Some(true));
            bullet.harmful += u32::from(used.good == Some(false));
            bullet.last_used = bullet.last_used.max(Some(used.created));
        }
        bullet.doubt = doubt(bullet);
    }
    Ok(all)
}

/// Each with the bullet that has its counts.
fn roots(all: &[Bullet]) -> HashMap<i64, i64> {
    let into: HashMap<i64, i64> = all.iter().filter_map(|b| Some((b.id, b.merged_into?))).collect();
    let root = |id: i64| {
        let mut seen = BTreeSet::from([id]);
        let mut at = id;
        while let Some(next) = into.get(&at).copied().filter(|next| seen.insert(*next)) {
            at = next;
        }
        at
    };
    all.iter().map(|bullet| (bullet.id, root(bullet.id))).collect()
}

struct Used {
    created: i64,
    good: Option<bool>,
}

/// By root and answer: who was used twice in one answer was used once. The user's word goes before a check.
fn uses(
    database: &Connection,
    roots: &HashMap<i64, i64>,
) -> rusqlite::Result<HashMap<i64, BTreeMap<String, Used>>> {
    let mut found: HashMap<i64, BTreeMap<String, Used>> = HashMap::new();
    let mut rows = database.prepare_cached(
        "SELECT bullet, turn, playbook_uses.created,
                (SELECT good FROM outcomes WHERE outcomes.turn = turns.id AND outcomes.expert = turns.expert
                 ORDER BY source = 'rating' DESC, number DESC LIMIT 1)
         FROM playbook_uses JOIN turns ON turns.id = playbook_uses.turn",
    )?;
    let mut rows = rows.query([])?;
    while let Some(row) = rows.next()? {
        let id: i64 = row.get(0)?;
        let root = roots.get(&id).copied().unwrap_or(id);
        let used = Used { created: row.get(2)?, good: row.get(3)? };
        found.entry(root).or_default().insert(row.get(1)?, used);
    }
    Ok(found)
}

/// It harmed more often than it helped, and the 95 % interval of that (Wilson) leaves no even odds.
fn doubt(bullet: &Bullet) -> Option<String> {
    const Z: f64 = 1.959_963_984_540_054;
    let (harmful, n) = (f64::from(bullet.harmful), f64::from(bullet.helpful + bullet.harmful));
    if !bullet.is_in_use() || n == 0.0 {
        return None;
    }
    let share = harmful / n;
    let middle = share + Z * Z / (2.0 * n);
    let half = Z * (share * (1.0 - share) / n + Z * Z / (4.0 * n * n)).sqrt();
    let low = (middle - half) / (1.0 + Z * Z / n);
    (low > 0.5).then(|| {
        format!(
            "{} of the {n} answers with it that were judged were wrong: it may be better without.",
            bullet.harmful
        )
    })
}

/// Whether the first share is below the second by more than the 95 % interval of their difference (Agresti and Caffo, The
/// American Statistician 54:280, 2000), each with at least 20 answers.
fn loses((right, n): (u32, u32), (other, of): (u32, u32)) -> bool {
    const Z: f64 = 1.959_963_984_540_054;
    if n.min(of) < 20 {
        return false;
    }
    let share = |right: u32, n: u32| ((f64::from(right) + 1.0) / (f64::from(n) + 2.0), f64::from(n) + 2.0);
    let ((one, n), (other, of)) = (share(right, n), share(other, of));
    let error = (one * (1.0 - one) / n + other * (1.0 - other) / of).sqrt();
    one - other + Z * error < 0.0
}

fn reading(source: rusqlite::Error) -> ArchiveError {
    ArchiveError::Database { doing: "read the playbook", source }
}

fn writing(source: rusqlite::Error) -> ArchiveError {
    ArchiveError::Database { doing: "change the playbook", source }
}

#[cfg(test)]
mod tests;
