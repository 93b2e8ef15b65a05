//! Lessons: questions with the expert that was right, or wrong, for them. Routing learns from them.
//!
//! In:     a rating, a question asked again of another expert, or a word of the user's
//! Out:    of a question: which experts the lessons speak for and against, and how much stays as it was without them
//! Fails:  when the database cannot be read or written
//! Cost:   under 1 ms a question; some tenths of a second for the first one and for the first after a change
//! Source: [`head`]
//!
//! The database has the lessons; what was learned is in memory alone, made again from them after each start and each
//! change, so that a lesson that is taken back leaves nothing.

mod head;

use crate::archive::{ArchiveError, database, now_ms};
use crate::home::Home;
use crate::words::{Taught, TaughtExpert};
use head::{Example, Features, Head};
use rusqlite::{Connection, OptionalExtension, params};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use ts_rs::TS;

/// Requests of every kind: what the head must not forget.
const BACKGROUND: &str = include_str!("../../../starters/background.txt");
/// The newest so many are learned from.
const MOST: usize = 4_000;
/// Below this a word for or against an expert is noise.
const LEAST: f32 = 0.005;

/// Where a lesson comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum TaughtBy {
    /// A thumb up or down.
    Rating,
    /// The question was asked again of another expert, chosen by hand.
    Retry,
    /// The user said so.
    Told,
}

impl TaughtBy {
    fn name(self) -> &'static str {
        match self {
            TaughtBy::Rating => "rating",
            TaughtBy::Retry => "retry",
            TaughtBy::Told => "told",
        }
    }
}

/// One lesson.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct Lesson {
    #[ts(type = "number")]
    pub id: i64,
    pub question: String,
    pub expert: String,
    /// Whether that expert is right for it, or wrong.
    pub right: bool,
    pub source: TaughtBy,
    /// Unix time in milliseconds.
    #[ts(type = "number")]
    pub created: i64,
}

/// What is to be learned: a question and an expert.
#[derive(Clone, Debug, PartialEq)]
pub struct New<'a> {
    pub question: &'a str,
    pub expert: &'a str,
    pub right: bool,
    pub source: TaughtBy,
    /// The answer that it goes with: forgotten together.
    pub turn: Option<&'a str>,
}

/// The lessons of one home.
pub struct Lessons {
    state: Mutex<State>,
}

struct State {
    database: Connection,
    /// SQLite's own count of the changes that others made, when it was last looked at; `None` after a change of our own.
    version: Option<i64>,
    /// The lessons that `learned` was made from.
    seen: Option<Seen>,
    learned: Option<Learned>,
}

#[derive(PartialEq, Eq)]
struct Seen {
    count: i64,
    newest: i64,
}

/// What the lessons taught.
struct Learned {
    right: Option<(Vec<String>, Head)>,
    /// One head for each expert that was wrong.
    wrong: Vec<(String, Head)>,
}

impl Lessons {
    /// Opens the store; what is there is learned from with the first question.
    pub fn open(home: &Home) -> Result<Lessons, ArchiveError> {
        home.prepare()?;
        let database = database::open(home)?;
        let state = State { database, version: None, seen: None, learned: None };
        Ok(Lessons { state: Mutex::new(state) })
    }

    /// Adds lessons. A newer word on the same question and expert takes the place of the older one.
    pub fn add(&self, lessons: &[New<'_>]) -> Result<(), ArchiveError> {
        let mut state = self.state();
        let write = |state: &mut State| -> rusqlite::Result<()> {
            let step = state.database.transaction()?;
            for lesson in lessons {
                step.execute(
                    "INSERT OR REPLACE INTO lessons (question, expert, good, source, turn, created)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                    params![
                        lesson.question.trim(),
                        lesson.expert,
                        lesson.right,
                        lesson.source.name(),
                        lesson.turn,
                        now_ms()
                    ],
                )?;
            }
            state.version = None;
            step.commit()
        };
        write(&mut state).map_err(writing)
    }

    /// The lessons, the newest first.
    pub fn list(&self) -> Result<Vec<Lesson>, ArchiveError> {
        all(&self.state().database, usize::MAX).map_err(reading)
    }

    /// Takes one back, or all with `None`. Gives how many went.
    pub fn remove(&self, id: Option<i64>) -> Result<usize, ArchiveError> {
        let mut state = self.state();
        let gone = match id {
            Some(id) => state.database.execute("DELETE FROM lessons WHERE id = ?1", [id]),
            None => state.database.execute("DELETE FROM lessons", []),
        };
        let gone = gone.map_err(writing)?;
        state.version = None;
        // Their text is overwritten, in the log too. A reader elsewhere may keep it until the next change.
        let _ = database::empty_log(&state.database);
        Ok(gone)
    }

    /// An answer was rated: a lesson on the expert that gave it, and none when the rating is taken back.
    pub fn rate(&self, turn: &str, rating: i32) -> Result<(), ArchiveError> {
        if rating != 0 {
            let Some((question, expert)) = self.asked(turn)? else { return Ok(()) };
            let (question, expert) = (question.as_str(), expert.as_str());
            let source = TaughtBy::Rating;
            return self.add(&[New { question, expert, right: rating > 0, source, turn: Some(turn) }]);
        }
        let mut state = self.state();
        let sql = "DELETE FROM lessons WHERE turn = ?1 AND source = 'rating'";
        state.database.execute(sql, [turn]).map_err(writing)?;
        state.version = None;
        Ok(())
    }

    /// Question and expert of an answer.
    pub fn asked(&self, turn: &str) -> Result<Option<(String, String)>, ArchiveError> {
        let sql = "SELECT question, expert FROM turns WHERE id = ?1";
        let row = self.state().database.query_row(sql, [turn], |row| Ok((row.get(0)?, row.get(1)?)));
        row.optional().map_err(reading)
    }

    /// What the lessons say of a question; `None` when they say nothing.
    pub fn say(&self, question: &str) -> Option<Taught> {
        let mut state = self.state();
        // Lessons that cannot be read teach nothing, and keep nobody from asking.
        state.learn().ok()?;
        state.learned.as_ref()?.say(question)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Learns anew when the lessons have changed, whoever changed them.
    fn learn(&mut self) -> rusqlite::Result<()> {
        let version = Some(self.database.query_row("PRAGMA data_version", [], |row| row.get(0))?);
        if self.version == version {
            return Ok(());
        }
        let (count, newest) =
            self.database.query_row("SELECT count(*), coalesce(max(id), 0) FROM lessons", [], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })?;
        let seen = Seen { count, newest };
        if self.seen.as_ref() != Some(&seen) {
            let lessons = all(&self.database, MOST)?;
            self.learned = (!lessons.is_empty()).then(|| Learned::from(&lessons));
            self.seen = Some(seen);
        }
        self.version = version;
        Ok(())
    }
}

fn all(database: &Connection, most: usize) -> rusqlite::Result<Vec<Lesson>> {
    let sql = "SELECT id, question, expert, good, source, created FROM lessons ORDER BY id DESC LIMIT ?1";
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    database
        .prepare_cached(sql)?
        .query_map([most], |row| {
            let source: String = row.get(4)?;
            Ok(Lesson {
                id: row.get(0)?,
                question: row.get(1)?,
                expert: row.get(2)?,
                right: row.get(3)?,
                source: match source.as_str() {
                    "rating" => TaughtBy::Rating,
                    "retry" => TaughtBy::Retry,
                    _ => TaughtBy::Told,
                },
                created: row.get(5)?,
            })
        })?
        .collect()
}

fn background() -> &'static [Features] {
    static FEATURES: OnceLock<Vec<Features>> = OnceLock::new();
    FEATURES.get_or_init(|| BACKGROUND.lines().map(head::features).collect())
}

impl Learned {
    fn from(lessons: &[Lesson]) -> Learned {
        let read: Vec<(Features, &Lesson)> =
            lessons.iter().map(|lesson| (head::features(&lesson.question), lesson)).collect();
        let experts = |right: bool| {
            let mut names: Vec<String> =
                lessons.iter().filter(|l| l.right == right).map(|lesson| lesson.expert.clone()).collect();
            names.sort();
            names.dedup();
            names
        };
        let as_before = || background().iter().map(|features| Example { features, class: None });

        let names = experts(true);
        let right = (!names.is_empty()).then(|| {
            let class = |expert: &String| names.iter().position(|name| name == expert);
            let good = read.iter().filter(|(_, lesson)| lesson.right);
            let good = good.map(|(features, lesson)| Example { features, class: class(&lesson.expert) });
            let examples: Vec<Example<'_>> = good.chain(as_before()).collect();
            let head = Head::train(&examples, names.len());
            (names.clone(), head)
        });
        let wrong = experts(false).into_iter().map(|name| {
            let of = read.iter().filter(|(_, lesson)| lesson.expert == name);
            let of = of.map(|(features, lesson)| Example { features, class: (!lesson.right).then_some(0) });
            let examples: Vec<Example<'_>> = of.chain(as_before()).collect();
            let head = Head::train(&examples, 1);
            (name, head)
        });
        Learned { right, wrong: wrong.collect() }
    }

    fn say(&self, question: &str) -> Option<Taught> {
        let features = head::features(question);
        let mut experts: HashMap<String, TaughtExpert> = HashMap::new();
        let mut lessons = 0;
        let named = |name: &String| TaughtExpert { name: name.clone(), right: 0.0, wrong: 0.0 };
        if let Some((names, head)) = &self.right {
            let (odds, alike) = head.says(&features);
            lessons += alike;
            for (name, odds) in names.iter().zip(odds).filter(|(_, odds)| *odds >= LEAST) {
                experts.entry(name.clone()).or_insert_with(|| named(name)).right = odds;
            }
        }
        for (name, head) in &self.wrong {
            let (odds, alike) = head.says(&features);
            if odds[0] >= LEAST {
                lessons += alike;
                experts.entry(name.clone()).or_insert_with(|| named(name)).wrong = odds[0];
            }
        }
        let mut experts: Vec<TaughtExpert> = experts.into_values().collect();
        experts.sort_by(|a, b| b.right.total_cmp(&a.right).then(a.name.cmp(&b.name)));
        (!experts.is_empty()).then_some(Taught { experts, lessons })
    }
}

fn reading(source: rusqlite::Error) -> ArchiveError {
    ArchiveError::Database { doing: "read the lessons", source }
}

fn writing(source: rusqlite::Error) -> ArchiveError {
    ArchiveError::Database { doing: "keep the lessons", source }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told<'a>(question: &'a str, expert: &'a str, right: bool) -> New<'a> {
        New { question, expert, right, source: TaughtBy::Told, turn: None }
    }

    fn home() -> (tempfile::TempDir, Home) {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::at(folder.path());
        (folder, home)
    }

    #[test]
    fn a_lesson_speaks_for_its_expert_and_is_gone_when_it_is_taken_back() {
        let (_folder, home) = home();
        let lessons = Lessons::open(&home).unwrap();
        assert_eq!(lessons.say("When do I prune roses?"), None);
        lessons.add(&[told("How do I prune my roses?", "garden", true)]).unwrap();
        let said = lessons.say("How do I prune my roses?").unwrap();
        assert_eq!(said.experts[0].name, "garden");
        assert!(said.experts[0].right > 0.5, "{said:?}");
        assert_eq!(lessons.say("What is 17 times 23?"), None);
        let id = lessons.list().unwrap()[0].id;
        assert_eq!(lessons.remove(Some(id)).unwrap(), 1);
        assert_eq!(lessons.say("How do I prune my roses?"), None);
    }

    #[test]
    fn a_newer_word_on_the_same_question_takes_the_place_of_the_older() {
        let (_folder, home) = home();
        let lessons = Lessons::open(&home).unwrap();
        lessons.add(&[told("How do I prune my roses?", "garden", true)]).unwrap();
        lessons.add(&[told("How do I prune my roses?", "garden", false)]).unwrap();
        assert_eq!(lessons.list().unwrap().len(), 1);
        let said = lessons.say("How do I prune my roses?").unwrap();
        assert!(said.experts[0].wrong > 0.5 && said.experts[0].right == 0.0, "{said:?}");
    }

    #[test]
    fn lessons_outlive_a_restart_and_are_seen_by_who_is_open_already() {
        let (_folder, home) = home();
        let open = Lessons::open(&home).unwrap();
        Lessons::open(&home).unwrap().add(&[told("How do I prune my roses?", "garden", true)]).unwrap();
        assert!(open.say("How do I prune my roses?").is_some());
        assert!(Lessons::open(&home).unwrap().say("How do I prune my roses?").is_some());
    }
}
