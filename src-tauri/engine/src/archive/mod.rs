//! Archive: conversations, and the past answers that later questions may recall.
//!
//! In:     answers with their traces; entries from elsewhere
//! Out:    conversations, hits by BM25, candidates for recall; forgetting for good
//! Fails:  a damaged or newer database (named), a full disk. A busy or damaged index never loses anything: it
//!         follows later
//! Cost:   a save is one SQLite transaction, some milliseconds, and is found at once; the index follows on a thread. A search
//!         takes under a millisecond, of a million some tens
//! Source: SQLite is the truth (WAL, secure_delete); the tantivy index is made from it whenever it has to be

mod conversations;
mod counters;
pub(crate) mod database;
mod encoder;
mod entries;
pub(crate) mod erase;
mod failure;
mod follow;
pub(crate) mod forget;
mod fresh;
mod fuse;
pub(crate) mod index;
mod log;
pub(crate) mod meaning;
mod metrics;
pub(crate) mod search;
mod table;
mod terms;
mod vectors;
mod worker;
mod worth;

pub use conversations::Conversation;
pub use counters::Counted;
pub use encoder::Chosen;
pub use entries::{Entry, HIGHEST_RATING, LOWEST_RATING, NewEntry};
pub use failure::ArchiveError;
pub use log::Logged;
pub use metrics::Metric;
pub use search::{Candidate, Candidates, Frequencies, Hit, Hits};
pub(crate) use table::table as built_in_vectors;
pub use terms::terms;
pub(crate) use vectors::Of;
pub use worth::{STARTER_REFUSAL, normalise, not_worth_keeping};

use crate::home::Home;
use crate::states;
use crate::words::Answer;
use follow::Work;
use fresh::Fresh;
use index::{Patience, SearchIndex};
use meaning::{Meaning, Meant};
use rusqlite::{Connection, Transaction, TransactionBehavior};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use worker::Worker;

/// Open for one process; any number of threads and any number of processes may have it open.
pub struct Archive {
    home: Home,
    database: Mutex<Connection>,
    index: Arc<SearchIndex>,
    /// Writes the index after a save; started by the first one.
    follower: Mutex<Option<Worker>>,
    /// Makes vectors, where that was asked for.
    embedder: Mutex<Option<Worker>>,
    /// With the note of the index and the newest change that it was read at.
    fresh: Mutex<(Option<String>, i64, Arc<Fresh>)>,
    meaning: Meaning,
}

impl Archive {
    /// Opens or makes the archive of this home and brings its index to the state of its database.
    pub fn open(home: &Home) -> Result<Archive, ArchiveError> {
        home.prepare()?;
        let database = database::open(home)?;
        let index = Arc::new(SearchIndex::open(home.index_dir(), home.index_lock())?);
        let (database, home) = (Mutex::new(database), home.clone());
        let (follower, embedder, fresh) = (Mutex::default(), Mutex::default(), Mutex::default());
        let meaning = Meaning::default();
        let archive = Archive { home, database, index, follower, embedder, fresh, meaning };
        {
            let database = archive.database();
            match follow::reconcile(&database, &archive.index) {
                // Damaged in a way that its check sums do not tell: made again, once.
                Err(ArchiveError::Index { .. }) => {
                    archive.index.start_over()?;
                    follow::reconcile(&database, &archive.index)?;
                }
                other => other?,
            }
            archive.measure_the_stored(&database)?;
            // What a killed process left in the log.
            database::empty_log(&database)
                .map_err(|source| ArchiveError::Database { doing: "empty the log", source })?;
        }
        Ok(archive)
    }

    fn measure_the_stored(&self, database: &Connection) -> Result<(), ArchiveError> {
        let doing = "measure the stored answers";
        let failed = |source| ArchiveError::Database { doing, source };
        if metrics::is_whole(database).map_err(failed)? {
            return Ok(());
        }
        self.change(database, doing, |step| metrics::fill(step).map_err(failed))
    }

    /// An id for a new answer or conversation.
    pub fn new_id(&self) -> Result<String, ArchiveError> {
        entries::new_id(&self.database())
            .map_err(|source| ArchiveError::Database { doing: "make an id", source })
    }

    /// Stores the turn; with `keep` also as a past answer, in the place of one with the same question
    /// (normalised).
    pub fn save(&self, answer: &Answer, keep: bool) -> Result<(), ArchiveError> {
        self.save_instead_of(answer, keep, None)
    }

    /// The same for a regenerated answer: it takes the place of the answer `replaces`, which is no longer there
    /// after.
    pub fn save_instead_of(
        &self,
        answer: &Answer,
        keep: bool,
        replaces: Option<&str>,
    ) -> Result<(), ArchiveError> {
        let database = self.database();
        self.change(&database, "store the answer", |step| {
            conversations::save_turn(step, answer, replaces)?;
            let measured = || -> rusqlite::Result<()> {
                metrics::save(step, answer)?;
                replaces
                    .filter(|old| *old != answer.id)
                    .map_or(Ok(()), |old| metrics::replaced(step, old, &answer.question))
            };
            measured().map_err(|source| ArchiveError::Database { doing: "measure the answer", source })?;
            if let Some(old) = replaces.filter(|old| *old != answer.id) {
                forget::withdraw(step, old)?;
            }
            let kept = || -> rusqlite::Result<()> {
                if !keep {
                    return entries::drop_entry(step, &answer.id, false).map(|_| ());
                }
                for old in entries::with_question(step, &answer.question, &answer.id)? {
                    entries::drop_entry(step, &old.id, false)?;
                }
                let entry = Entry {
                    id: answer.id.clone(),
                    question: answer.question.clone(),
                    answer: answer.answer.clone(),
                    expert: answer.expert.clone(),
                    created: answer.created,
                    rating: 0,
                };
                entries::keep(step, &entry)?;
                table::learn(step, &entry)
            };
            kept().map_err(|source| ArchiveError::Database { doing: "keep the answer", source })
        })?;
        self.follow_soon();
        Ok(())
    }

    /// Writes into a stored trace how long storing it took: known only after it was stored.
    pub(crate) fn note_learned(&self, id: &str, elapsed_ms: f32) -> Result<(), ArchiveError> {
        let database = self.database();
        database
            .execute(
                "UPDATE turns SET total_ms = total_ms + ?2, whole = json_set(whole, '$.trace.learn.elapsed_ms', ?2,
                     '$.trace.total_ms', json_extract(whole, '$.trace.total_ms') + ?2) WHERE id = ?1",
                (id, f64::from(elapsed_ms)),
            )
            .and_then(|_| metrics::note_learned(&database, id, f64::from(elapsed_ms)))
            .map_err(|source| ArchiveError::Database { doing: "store the time", source })
    }

    /// Takes in a past answer from elsewhere; see [`Archive::add_all`].
    pub fn add(&self, entry: NewEntry) -> Result<Result<String, String>, ArchiveError> {
        let mut added = self.add_all(vec![entry])?;
        Ok(added.pop().unwrap_or_else(|| Err("nothing was given".into())))
    }

    /// Takes in past answers from elsewhere, in one transaction: for each its new id, or why it was not taken.
    pub fn add_all(&self, new: Vec<NewEntry>) -> Result<Vec<Result<String, String>>, ArchiveError> {
        let database = self.database();
        let now = now_ms();
        let mut results = Vec::with_capacity(new.len());
        self.change(&database, "add past answers", |step| {
            let add = || -> rusqlite::Result<()> {
                for entry in new {
                    results.push(self::add(step, entry, now)?);
                }
                Ok(())
            };
            add().map_err(|source| ArchiveError::Database { doing: "add past answers", source })
        })?;
        if results.len() <= fresh::MOST {
            self.follow_soon();
        } else {
            self.follow(&database, Patience::Short)?;
        }
        Ok(results)
    }

    /// Past answers with the words of `text` in their question or answer, and where an encoder is used those of like
    /// meaning as well, best first.
    pub fn search(&self, text: &str, limit: usize) -> Result<Hits, ArchiveError> {
        search::hits(self, text, limit)
    }

    /// Past answers whose question has some of these [`terms`], and those near in meaning: what recall chooses from.
    pub(crate) fn candidates(
        &self,
        terms: &[String],
        meant: Option<&Meant>,
        limit: usize,
    ) -> Result<Candidates, ArchiveError> {
        search::candidates(self, terms, meant, limit)
    }

    /// How many kept questions have each of these terms.
    pub fn frequencies<'a>(&self, terms: impl Iterator<Item = &'a str>) -> Result<Frequencies, ArchiveError> {
        let fresh = self.fresh(&self.database())?;
        search::frequencies_with(&self.index, &fresh, self.index.fields.question, terms)
    }

    /// Forgets an answer for good: recall, its turn, the copies in other traces, and the files of database and
    /// index. Gives how many answers went.
    pub fn forget(&self, id: &str) -> Result<u64, ArchiveError> {
        let database = self.database();
        let forgotten = self.change(&database, "forget the answer", |step| forget::forget(step, id))?;
        if forgotten > 0 {
            self.erase(&database)?;
        }
        Ok(forgotten)
    }

    /// Forgets every question and answer. Statistics, which hold no text, stay.
    pub fn forget_all(&self) -> Result<u64, ArchiveError> {
        let database = self.database();
        let forgotten = self.change(&database, "forget everything", forget::forget_all)?;
        // Sooner than taking out each. Elsewhere than on Unix an open file stays.
        if cfg!(unix) {
            self.index.start_over()?;
        }
        self.erase(&database)?;
        Ok(forgotten)
    }

    /// Newest first; with `search` those that have each of its words in a title, a question or an answer.
    pub fn conversations(&self, search: Option<&str>) -> Result<Vec<Conversation>, ArchiveError> {
        conversations::list(&self.database(), search)
            .map_err(|source| ArchiveError::Database { doing: "list the conversations", source })
    }

    /// The answers of a conversation in their order.
    pub fn conversation(&self, id: &str) -> Result<Vec<Answer>, ArchiveError> {
        conversations::turns(&self.database(), id)
    }

    /// Who answered last in a conversation.
    pub fn last_expert(&self, conversation: &str) -> Result<Option<String>, ArchiveError> {
        conversations::last_expert(&self.database(), conversation)
            .map_err(|source| ArchiveError::Database { doing: "read the conversation", source })
    }

    /// Deletes a conversation with all that recall has of it, for good.
    pub fn delete_conversation(&self, id: &str) -> Result<(), ArchiveError> {
        let database = self.database();
        let known =
            self.change(&database, "delete the conversation", |step| forget::forget_conversation(step, id))?;
        if !known {
            return Err(ArchiveError::NoConversation(id.into()));
        }
        self.erase(&database)
    }

    pub fn rename_conversation(&self, id: &str, title: &str) -> Result<(), ArchiveError> {
        let title = title.trim();
        if title.is_empty() {
            return Err(ArchiveError::NoTitle);
        }
        match conversations::rename(&self.database(), id, title) {
            Ok(true) => Ok(()),
            Ok(false) => Err(ArchiveError::NoConversation(id.into())),
            Err(source) => Err(ArchiveError::Database { doing: "rename the conversation", source }),
        }
    }

    /// Rates an answer, `LOWEST_RATING` to `HIGHEST_RATING`, 0 for none. `false`: there is no such answer.
    pub fn rate(&self, id: &str, rating: i32) -> Result<bool, ArchiveError> {
        let database = self.database();
        entries::rate(&database, id, rating)
            .and_then(|rated| metrics::rated(&database, id, rating).map(|()| rated))
            .map_err(|source| ArchiveError::Database { doing: "rate the answer", source })
    }

    /// Every past answer, in the order of their ids, as it is read: the whole archive need not fit into memory.
    pub fn each<E: From<ArchiveError>>(
        &self,
        mut with: impl FnMut(Entry) -> Result<(), E>,
    ) -> Result<u64, E> {
        let (mut count, mut last) = (0, String::new());
        loop {
            let page = entries::page(&self.database(), &last)
                .map_err(|source| ArchiveError::Database { doing: "read the past answers", source })?;
            let Some(newest) = page.last() else { return Ok(count) };
            last.clone_from(&newest.id);
            count += page.len() as u64;
            page.into_iter().try_for_each(&mut with)?;
        }
    }

    /// Past answers that may be recalled.
    pub fn count(&self) -> Result<u64, ArchiveError> {
        self.database()
            .query_row("SELECT count(*) FROM past_answers", [], |row| row.get(0))
            .map_err(|source| ArchiveError::Database { doing: "count the past answers", source })
    }

    /// One more run of a component. Adds up over all processes and starts.
    pub fn count_component(
        &self,
        component: &str,
        ms: f32,
        changed_answer: bool,
    ) -> Result<(), ArchiveError> {
        counters::add(&self.database(), component, ms, changed_answer, now_ms())
            .map_err(|source| ArchiveError::Database { doing: "count what ran", source })
    }

    /// The components that ran at least once.
    pub fn components(&self) -> Result<Vec<Counted>, ArchiveError> {
        counters::all(&self.database())
            .map_err(|source| ArchiveError::Database { doing: "read the counters", source })
    }

    /// For whoever searches by the same encoder.
    pub(crate) fn meaning(&self) -> Meaning {
        self.meaning.clone()
    }

    fn database(&self) -> MutexGuard<'_, Connection> {
        // A panic in another thread cannot leave SQLite between two states: its transaction was rolled back.
        self.database.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn find(
        &self,
        words: Vec<String>,
        limit: usize,
        answers_too: bool,
    ) -> Result<(search::Found, Vec<(Entry, f32)>), ArchiveError> {
        let database = self.database();
        let fresh = self.fresh(&database)?;
        let found = search::search_with(&self.index, &fresh, words, limit, answers_too)?;
        let mut entries = Vec::with_capacity(found.ids.len());
        for (id, bm25) in &found.ids {
            let entry = entries::get(&database, id)
                .map_err(|source| ArchiveError::Database { doing: "read a past answer", source })?;
            // Gone from the database but not yet from the index: it is gone.
            entries.extend(entry.map(|entry| (entry, *bm25)));
        }
        Ok((found, entries))
    }

    /// What the index does not have yet. More than a few changes, which another process left, are written on the way when
    /// nobody else is writing; else the search goes without them.
    fn fresh(&self, database: &Connection) -> Result<Arc<Fresh>, ArchiveError> {
        let newest = follow::newest_revision(database).map_err(follow::read_changes)?;
        let note = self.index.payload()?;
        let mut known = self.fresh.lock().unwrap_or_else(PoisonError::into_inner);
        if (&known.0, known.1) == (&note, newest) {
            return Ok(known.2.clone());
        }
        let fresh = match follow::left(database, &self.index)? {
            (Work::Nothing, false) => Fresh::default(),
            (Work::Changes(ids), false) if ids.len() <= fresh::MOST => {
                self.follow_soon();
                Fresh::read(database, ids)?
            }
            _ => {
                return match follow::follow(database, &self.index, Patience::None) {
                    Ok(()) | Err(ArchiveError::IndexBusy { .. }) => Ok(Arc::default()),
                    Err(error) => Err(error),
                };
            }
        };
        *known = (note, newest, Arc::new(fresh));
        Ok(known.2.clone())
    }

    /// The index takes in what is new, and nobody waits for it. What fails stays in the list of changes, for whoever comes
    /// next.
    fn follow_soon(&self) {
        let mut follower = self.follower.lock().unwrap_or_else(PoisonError::into_inner);
        if follower.is_none() {
            let (home, index, mut own) = (self.home.clone(), self.index.clone(), None);
            let started = Worker::start("index", None, move || {
                own = own.take().or_else(|| database::open(&home).ok());
                if let Some(database) = &own {
                    let _ = follow::follow_or_make_again(database, &index, Patience::Long);
                }
                false
            });
            *follower = started.ok();
        }
        if let Some(follower) = &*follower {
            follower.wake();
        }
        if let Some(embedder) = &*self.embedder.lock().unwrap_or_else(PoisonError::into_inner) {
            embedder.wake();
        }
    }

    /// Returns when the index has what this process kept.
    pub fn settle(&self) {
        if let Some(follower) = &*self.follower.lock().unwrap_or_else(PoisonError::into_inner) {
            follower.wait();
        }
    }

    /// One transaction; what it did is there entirely or not at all.
    fn change<T>(
        &self,
        database: &Connection,
        doing: &'static str,
        step: impl FnOnce(&Connection) -> Result<T, ArchiveError>,
    ) -> Result<T, ArchiveError> {
        let failed = |source| ArchiveError::Database { doing, source };
        let transaction =
            Transaction::new_unchecked(database, TransactionBehavior::Immediate).map_err(failed)?;
        let result = step(&transaction)?;
        transaction.commit().map_err(failed)?;
        Ok(result)
    }

    /// The index takes in what is new. Busy: the next writer, search or start does it. Damaged: made again,
    /// once.
    fn follow(&self, database: &Connection, patience: Patience) -> Result<(), ArchiveError> {
        match follow::follow_or_make_again(database, &self.index, patience) {
            Err(ArchiveError::IndexBusy { .. }) if patience != Patience::Long => Ok(()),
            other => other,
        }
    }

    /// After forgetting: nothing of it stays in the index or in the log of the database.
    fn erase(&self, database: &Connection) -> Result<(), ArchiveError> {
        self.meaning.let_go();
        *self.fresh.lock().unwrap_or_else(PoisonError::into_inner) = Default::default();
        let states = states::forget(&self.home);
        self.follow(database, Patience::Long)?;
        match database::empty_log(database) {
            Ok(true) if states.is_err() => Err(ArchiveError::NotYetErased { what: "a saved state" }),
            Ok(true) => Ok(()),
            Ok(false) => Err(ArchiveError::NotYetErased { what: "the log of the database" }),
            Err(source) => Err(ArchiveError::Database { doing: "empty the log", source }),
        }
    }
}

fn add(database: &Connection, new: NewEntry, now: i64) -> rusqlite::Result<Result<String, String>> {
    let (question, answer) = (new.question.trim(), new.answer.trim());
    if question.is_empty() {
        return Ok(Err("the question is empty".into()));
    }
    if let Some(why) = not_worth_keeping(question, answer) {
        return Ok(Err(why.into()));
    }
    let same = entries::with_question(database, question, "")?
        .into_iter()
        .find(|old| normalise(&old.answer) == normalise(answer));
    if let Some(same) = same {
        return Ok(Err(format!("the same question and answer are kept already, as {}", same.id)));
    }
    let entry = Entry {
        id: entries::new_id(database)?,
        question: question.to_owned(),
        answer: answer.to_owned(),
        expert: new.expert.unwrap_or_else(|| "imported".into()),
        created: new.created.unwrap_or(now),
        rating: new.rating.unwrap_or(0),
    };
    entries::keep(database, &entry)?;
    Ok(Ok(entry.id))
}

/// Unix time in milliseconds.
pub fn now_ms() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}
