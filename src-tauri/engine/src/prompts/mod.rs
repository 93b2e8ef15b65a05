//! Prompts: every prompt that was tried for an expert, what it was worth, and which one is in use.
//!
//! In:     prompts as a search tries them, each with its parents and its figures
//! Out:    the one that an expert is asked with in a domain; the whole history
//! Fails:  when the database cannot be read or written; a number that is no prompt
//! Cost:   one small look-up a question
//!
//! Nothing is overwritten: which prompt is in use is the newest row of a list, so whatever was in use can be again.

mod signature;

pub use signature::{Field, Kind, Signature};

use crate::archive::{ArchiveError, database, now_ms};
use crate::home::Home;
use crate::words::{Failure, Prompt, Shot};
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::sync::{Mutex, MutexGuard, PoisonError};
use ts_rs::TS;

/// Right answers of so many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Count {
    pub right: usize,
    pub n: usize,
}

/// What one prompt was made by.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case", tag = "by")]
pub enum Made {
    /// As the expert is asked already.
    #[default]
    Given,
    /// A plain change.
    Edit,
    /// What two parents changed, together.
    Merge,
    /// An expert read what went wrong and wrote it.
    Reflection { expert: String },
}

/// One prompt that was tried, and what it was worth. Its place is its number in the search, from 0.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, TS)]
pub struct Tried {
    pub place: usize,
    pub parents: Vec<usize>,
    pub made: Made,
    /// What was changed, in a few words.
    pub change: String,
    pub prompt: Prompt,
    /// On the few questions by which it was let in, and its first parent on the same ones.
    pub batch: Option<Count>,
    pub parent_batch: Option<Count>,
    /// On all questions that prompts are chosen by; `None`: it was not let in.
    pub front: Option<Count>,
    /// Of those, where no other prompt is better.
    pub best_at: usize,
    /// No other prompt is as good everywhere and better somewhere.
    pub on_front: bool,
    /// On questions that no choice was made by; of the first prompt and the chosen one alone.
    pub held_out: Option<Count>,
    /// Mean of the questions that were asked with it.
    pub prompt_tokens: f32,
}

/// A prompt that was tried, with its place in the history.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct KeptPrompt {
    pub number: i64,
    pub run: i64,
    /// Unix time in milliseconds.
    pub created: i64,
    pub expert: String,
    /// Examples of it that were forgotten since with the answers that they came from.
    pub shots_gone: usize,
    #[serde(flatten)]
    pub tried: Tried,
}

/// One search.
#[derive(Clone, Debug, PartialEq, Serialize, TS)]
pub struct Run {
    pub number: i64,
    /// Unix time in milliseconds.
    pub created: i64,
    pub expert: String,
    /// How many prompts it tried.
    pub tried: usize,
    /// How it went, as whoever searched wrote it; without an end when it was cut off.
    #[ts(type = "unknown")]
    pub whole: Value,
}

/// A prompt that came into use in a domain, or went out of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
pub struct Use {
    pub number: i64,
    /// Unix time in milliseconds.
    pub created: i64,
    pub expert: String,
    pub domain: String,
    /// `None`: as its manifest has it.
    pub prompt: Option<i64>,
    /// It is so now.
    pub now: bool,
}

/// The prompts of one home.
pub struct Prompts {
    database: Mutex<Connection>,
}

impl Prompts {
    pub fn open(home: &Home) -> Result<Prompts, ArchiveError> {
        home.prepare()?;
        Ok(Prompts { database: Mutex::new(database::open(home)?) })
    }

    /// A search begins; gives its number.
    pub fn begin(&self, expert: &str, whole: &Value) -> Result<i64, ArchiveError> {
        self.with("begin a search for prompts", |database| {
            database.execute(
                "INSERT INTO prompt_runs (created, expert, whole) VALUES (?1, ?2, ?3)",
                params![now_ms(), expert, whole.to_string()],
            )?;
            Ok(database.last_insert_rowid())
        })
    }

    /// What there is to say of a search now.
    pub fn tell(&self, run: i64, whole: &Value) -> Result<(), ArchiveError> {
        self.with("write how a search went", |database| {
            database.execute(
                "UPDATE prompt_runs SET whole = ?2 WHERE number = ?1",
                params![run, whole.to_string()],
            )?;
            Ok(())
        })
    }

    /// Keeps a prompt that was tried; gives its number.
    pub fn keep(&self, run: i64, tried: &Tried) -> Result<i64, ArchiveError> {
        self.with("keep a prompt", |database| {
            let step = database.unchecked_transaction()?;
            step.execute(
                "INSERT INTO prompts (run, created, whole) VALUES (?1, ?2, ?3)",
                params![run, now_ms(), written(tried)],
            )?;
            let number = step.last_insert_rowid();
            for (place, shot) in tried.prompt.shots.iter().enumerate() {
                step.execute(
                    "INSERT INTO prompt_shots (prompt, place, question, answer) VALUES (?1, ?2, ?3, ?4)",
                    params![number, place as i64, shot.question, shot.answer],
                )?;
            }
            step.commit()?;
            Ok(number)
        })
    }

    /// The same prompt with newer figures.
    pub fn judge(&self, number: i64, tried: &Tried) -> Result<(), ArchiveError> {
        self.with("write a prompt's figures", |database| {
            database.execute(
                "UPDATE prompts SET whole = ?2 WHERE number = ?1",
                params![number, written(tried)],
            )?;
            Ok(())
        })
    }

    /// Every search, the newest first.
    pub fn runs(&self) -> Result<Vec<Run>, ArchiveError> {
        self.with("read the searches for prompts", |database| {
            database
                .prepare_cached(
                    "SELECT number, created, expert, whole,
                            (SELECT count(*) FROM prompts WHERE run = prompt_runs.number)
                     FROM prompt_runs ORDER BY number DESC",
                )?
                .query_map([], |row| {
                    let whole: String = row.get(3)?;
                    Ok(Run {
                        number: row.get(0)?,
                        created: row.get(1)?,
                        expert: row.get(2)?,
                        tried: row.get(4)?,
                        // What is no JSON was written by another hand: shown as it is.
                        whole: serde_json::from_str(&whole).unwrap_or(Value::String(whole)),
                    })
                })?
                .collect()
        })
    }

    /// Every prompt of a search, in the order in which they were tried.
    pub fn of_run(&self, run: i64) -> Result<Vec<KeptPrompt>, ArchiveError> {
        self.with("read the prompts of a search", |database| {
            let sql = format!("{KEPT} WHERE run = ?1 ORDER BY prompts.number");
            let kept: rusqlite::Result<Vec<KeptPrompt>> =
                database.prepare_cached(&sql)?.query_map([run], kept)?.collect();
            kept?.into_iter().map(|kept| with_shots(database, kept)).collect()
        })
    }

    pub fn get(&self, number: i64) -> Result<KeptPrompt, Failure> {
        let found = self.with("read a prompt", |database| find(database, number))?;
        found.ok_or_else(|| Failure {
            code: "no_such_prompt".into(),
            message: format!("there is no prompt {number}"),
            fix: "`lectern prompts list` names them.".into(),
            detail: None,
        })
    }

    /// The prompt that an expert is asked with in a domain, and its number. `None`: as its manifest has it.
    pub fn in_use(&self, expert: &str, domain: &str) -> Result<Option<(i64, Prompt)>, ArchiveError> {
        self.with("look for the prompt in use", |database| {
            let number: Option<Option<i64>> = database
                .prepare_cached(
                    "SELECT prompt FROM prompt_uses WHERE expert = ?1 AND domain = ?2 ORDER BY number DESC LIMIT 1",
                )?
                .query_row([expert, domain], |row| row.get(0))
                .optional()?;
            let Some(number) = number.flatten() else { return Ok(None) };
            Ok(find(database, number)?.map(|kept| (number, kept.tried.prompt)))
        })
    }

    /// From now on the expert of this prompt is asked with it in these domains.
    pub fn put_to_use(&self, number: i64, domains: &[String]) -> Result<KeptPrompt, Failure> {
        let kept = self.get(number)?;
        self.note(&kept.expert, domains, Some(number))?;
        Ok(kept)
    }

    /// From now on the expert is asked as its manifest has it, in this domain or in all of them. Gives those where that is
    /// a change.
    pub fn take_back(&self, expert: &str, domain: Option<&str>) -> Result<Vec<String>, ArchiveError> {
        let now =
            self.uses()?.into_iter().filter(|one| one.now && one.prompt.is_some() && one.expert == expert);
        let domains: Vec<String> =
            now.map(|one| one.domain).filter(|its| domain.is_none_or(|domain| domain == its)).collect();
        self.note(expert, &domains, None)?;
        Ok(domains)
    }

    /// What was in use when, the newest first.
    pub fn uses(&self) -> Result<Vec<Use>, ArchiveError> {
        self.with("read which prompts were in use", |database| {
            database
                .prepare_cached(
                    "SELECT number, created, expert, domain, prompt,
                            number = (SELECT max(number) FROM prompt_uses AS newer
                                      WHERE newer.expert = prompt_uses.expert AND newer.domain = prompt_uses.domain)
                     FROM prompt_uses ORDER BY number DESC",
                )?
                .query_map([], |row| {
                    Ok(Use {
                        number: row.get(0)?,
                        created: row.get(1)?,
                        expert: row.get(2)?,
                        domain: row.get(3)?,
                        prompt: row.get(4)?,
                        now: row.get(5)?,
                    })
                })?
                .collect()
        })
    }

    /// A search goes with all of its prompts; where one of them is in use, the manifest's is again.
    pub fn forget(&self, run: i64) -> Result<bool, ArchiveError> {
        self.with("forget a search", |database| {
            Ok(database.execute("DELETE FROM prompt_runs WHERE number = ?1", [run])? > 0)
        })
    }

    fn note(&self, expert: &str, domains: &[String], prompt: Option<i64>) -> Result<(), ArchiveError> {
        self.with("put a prompt to use", |database| {
            let step = database.unchecked_transaction()?;
            for domain in domains {
                step.execute(
                    "INSERT INTO prompt_uses (created, expert, domain, prompt) VALUES (?1, ?2, ?3, ?4)",
                    params![now_ms(), expert, domain, prompt],
                )?;
            }
            step.commit()
        })
    }

    fn with<T>(
        &self,
        doing: &'static str,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, ArchiveError> {
        work(&self.database()).map_err(|source| ArchiveError::Database { doing, source })
    }

    /// A panic elsewhere leaves no transaction open: it is rolled back where it was begun.
    fn database(&self) -> MutexGuard<'_, Connection> {
        self.database.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

const KEPT: &str = "SELECT prompts.number, run, prompts.created, expert, prompts.whole FROM prompts
                    JOIN prompt_runs ON prompt_runs.number = run";

fn find(database: &Connection, number: i64) -> rusqlite::Result<Option<KeptPrompt>> {
    let sql = format!("{KEPT} WHERE prompts.number = ?1");
    let found = database.prepare_cached(&sql)?.query_row([number], kept).optional()?;
    found.map(|kept| with_shots(database, kept)).transpose()
}

fn kept(row: &Row) -> rusqlite::Result<KeptPrompt> {
    let whole: String = row.get(4)?;
    let (tried, shots): (Tried, usize) = serde_json::from_str(&whole).map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(4, rusqlite::types::Type::Text, Box::new(error))
    })?;
    Ok(KeptPrompt {
        number: row.get(0)?,
        run: row.get(1)?,
        created: row.get(2)?,
        expert: row.get(3)?,
        shots_gone: shots,
        tried,
    })
}

fn with_shots(database: &Connection, mut kept: KeptPrompt) -> rusqlite::Result<KeptPrompt> {
    kept.tried.prompt.shots = database
        .prepare_cached("SELECT question, answer FROM prompt_shots WHERE prompt = ?1 ORDER BY place")?
        .query_map([kept.number], |row| Ok(Shot { question: row.get(0)?, answer: row.get(1)? }))?
        .collect::<rusqlite::Result<_>>()?;
    kept.shots_gone = kept.shots_gone.saturating_sub(kept.tried.prompt.shots.len());
    Ok(kept)
}

/// All but the examples, and how many there were.
fn written(tried: &Tried) -> String {
    let bare = Prompt { shots: Vec::new(), ..tried.prompt.clone() };
    let shots = tried.prompt.shots.len();
    serde_json::json!([Tried { prompt: bare, ..tried.clone() }, shots]).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::archive::Archive;
    use crate::words::Answer;
    use serde_json::json;

    fn home() -> (tempfile::TempDir, Home) {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::at(folder.path());
        (folder, home)
    }

    fn tried(layout: &str, question: &str) -> Tried {
        let shots = vec![Shot { question: question.into(), answer: "4".into() }];
        Tried { prompt: Prompt { layout: layout.into(), shots, ..Prompt::default() }, ..Tried::default() }
    }

    #[test]
    fn the_newest_word_says_what_is_in_use_and_any_can_be_again() {
        let (_folder, home) = home();
        let prompts = Prompts::open(&home).unwrap();
        let run = prompts.begin("words", &json!({ "seed": 1 })).unwrap();
        let first = prompts.keep(run, &tried("A {question}", "2 + 2")).unwrap();
        let second = prompts.keep(run, &tried("B {question}", "2 + 2")).unwrap();
        let layout = |domain: &str| prompts.in_use("words", domain).unwrap().map(|(_, prompt)| prompt.layout);
        assert_eq!(layout("words"), None);
        prompts.put_to_use(first, &["words".into(), "none".into()]).unwrap();
        prompts.put_to_use(second, &["words".into()]).unwrap();
        // Another process sees the same.
        let other = Prompts::open(&home).unwrap();
        let found = other.in_use("words", "words").unwrap().unwrap();
        assert_eq!((found.0, found.1.layout.as_str(), found.1.shots.len()), (second, "B {question}", 1));
        assert_eq!((layout("none").as_deref(), layout("code")), (Some("A {question}"), None));
        assert_eq!(prompts.take_back("words", Some("words")).unwrap(), ["words"]);
        assert_eq!((layout("words"), layout("none").as_deref()), (None, Some("A {question}")));
        prompts.put_to_use(first, &["words".into()]).unwrap();
        assert_eq!(layout("words").as_deref(), Some("A {question}"));
        let uses = prompts.uses().unwrap();
        assert_eq!((uses.len(), uses.iter().filter(|one| one.now).count()), (5, 2));
        assert!(prompts.forget(run).unwrap());
        assert_eq!((layout("words"), prompts.uses().unwrap().len()), (None, 5));
        assert_eq!(prompts.get(first).unwrap_err().code, "no_such_prompt");
    }

    #[test]
    fn an_example_is_forgotten_with_the_answer_that_it_came_from() {
        let (_folder, home) = home();
        let archive = Archive::open(&home).unwrap();
        let answer = Answer {
            id: "a".into(),
            conversation: "c".into(),
            question: "What is 2 + 2?".into(),
            answer: "4".into(),
            ..Answer::default()
        };
        archive.save(&answer, true).unwrap();
        let prompts = Prompts::open(&home).unwrap();
        let run = prompts.begin("words", &json!({})).unwrap();
        let number = prompts.keep(run, &tried("{question}", "What is 2 + 2?")).unwrap();
        assert_eq!(prompts.get(number).unwrap().tried.prompt.shots.len(), 1);
        archive.forget("a").unwrap();
        let kept = prompts.get(number).unwrap();
        assert_eq!((kept.tried.prompt.shots.len(), kept.shots_gone), (0, 1));
    }
}
