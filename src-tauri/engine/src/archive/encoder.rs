//! Encoder: the one that the user chose, its processes, and what of its vectors is in memory. Where none was chosen the
//! built-in table makes them, without a process.

use super::vectors::{self, Near, Of, Signs};
use super::{ArchiveError, table};
use runtime::embed::{Embedder, Packed, Table};
use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::UNIX_EPOCH;

/// Threads of the encoder: short texts have little to share.
const THREADS: usize = 2;
/// Texts that are embedded between two looks at the database: so many are lost when it ends meanwhile.
pub(super) const BATCH: usize = 16;

/// The encoder whose vectors are used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Chosen {
    /// sha256 of its weights.
    pub id: String,
    /// Its folder's name.
    pub name: String,
    /// Empty: the built-in table.
    pub folder: PathBuf,
    pub(super) bytes: u64,
    pub(super) modified: i64,
}

impl Chosen {
    /// The table that is shipped, which no one chose.
    pub fn is_built_in(&self) -> bool {
        self.folder.as_os_str().is_empty()
    }
}

/// The encoder's processes and its vectors in memory.
pub(crate) struct Encoder {
    pub chosen: Chosen,
    executable: PathBuf,
    /// Started with the first question.
    asked: Mutex<Option<Embedder>>,
    /// Another one for many texts, so that no question waits for them; it ends when they are done.
    many: Mutex<Option<Embedder>>,
    /// The last question with its vector: several search by it.
    last: Mutex<Option<(String, Packed)>>,
    past_answers: Mutex<Signs>,
    passages: Mutex<Signs>,
}

/// The encoder that the database names.
pub(super) fn chosen(database: &Connection) -> rusqlite::Result<Option<Chosen>> {
    database
        .prepare_cached("SELECT id, name, folder, bytes, modified FROM encoder")?
        .query_row([], |row| {
            let folder: String = row.get(2)?;
            let (id, name, bytes, modified) = (row.get(0)?, row.get(1)?, row.get(3)?, row.get(4)?);
            Ok(Chosen { id, name, folder: folder.into(), bytes, modified })
        })
        .optional()
}

/// Removes the choice; its vectors go, and those of the built-in table are to be made.
pub(super) fn drop_choice(database: &Connection) -> rusqlite::Result<()> {
    let step = Transaction::new_unchecked(database, TransactionBehavior::Immediate)?;
    step.execute_batch("DELETE FROM signs; DELETE FROM meanings; DELETE FROM encoder")?;
    if let Some(table) = table::chosen() {
        put(&step, &table)?;
    }
    step.commit()
}

/// From now on this one is used. With other weights than those before, every vector is to be made again.
pub(super) fn put(database: &Connection, chosen: &Chosen) -> rusqlite::Result<()> {
    let is_another = self::chosen(database)?.is_none_or(|before| before.id != chosen.id);
    database.execute(
        "INSERT OR REPLACE INTO encoder (only, id, name, folder, bytes, modified) VALUES (1, ?1, ?2, ?3, ?4, ?5)",
        params![chosen.id, chosen.name, chosen.folder.display().to_string(), chosen.bytes, chosen.modified],
    )?;
    if is_another {
        database.execute_batch(
            "DELETE FROM signs; DELETE FROM meanings;
             INSERT INTO meanings (past_answer) SELECT id FROM past_answers;
             INSERT INTO meanings (passage) SELECT id FROM document_passages;",
        )?;
    }
    Ok(())
}

impl Encoder {
    pub fn of(chosen: Chosen, executable: &Path) -> Encoder {
        let (asked, many, last) = (Mutex::default(), Mutex::default(), Mutex::default());
        let (past_answers, passages) = (Mutex::default(), Mutex::default());
        Encoder { chosen, executable: executable.into(), asked, many, last, past_answers, passages }
    }

    /// Makes the vectors in the place of a process, where no encoder was chosen.
    fn table(&self) -> Option<&'static Table> {
        if self.chosen.is_built_in() { table::table() } else { None }
    }

    /// Makes the encoder in a folder the one that is used, when it works.
    pub fn choose(
        database: &Mutex<Connection>,
        executable: &Path,
        folder: &Path,
    ) -> Result<Encoder, ArchiveError> {
        let folder = std::path::absolute(folder).unwrap_or_else(|_| folder.to_path_buf());
        // It says best itself what is wrong with its folder.
        let mut running = Embedder::start(executable, &folder, THREADS)?;
        running.embed(&["Does it work?"])?;
        let files = |source| ArchiveError::Files { doing: "read the encoder", path: folder.clone(), source };
        let (bytes, modified) = look(&folder).map_err(files)?;
        let id = digest(&weights(&folder)).map_err(files)?;
        let name = folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let chosen = Chosen { id, name, folder, bytes, modified };
        let encoder = Encoder { asked: Mutex::new(Some(running)), ..Encoder::of(chosen, executable) };
        let store = || -> rusqlite::Result<()> {
            let mut database = lock(database);
            let step = database.transaction()?;
            put(&step, &encoder.chosen)?;
            step.commit()
        };
        store().map_err(failed("store which encoder is used"))?;
        Ok(encoder)
    }

    /// Other weights lie there now, or the same ones copied again. Files that are gone are told by the first search.
    pub fn is_another(chosen: &Chosen) -> bool {
        !chosen.is_built_in() && look(&chosen.folder).is_ok_and(|now| now != (chosen.bytes, chosen.modified))
    }

    /// Its process starts, and nobody waits for it.
    pub fn begin(&self) {
        let mut process = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        if process.is_none() && !self.chosen.is_built_in() {
            *process = Embedder::start(&self.executable, &self.chosen.folder, THREADS).ok();
        }
    }

    /// The vector of a question, which is made once for all who search by it.
    pub fn question(&self, text: &str) -> Result<Packed, ArchiveError> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, vector)) = last.as_ref().filter(|(same, _)| same == text) {
            return Ok(vector.clone());
        }
        let vector = self.embed(text)?;
        *last = Some((text.to_owned(), vector.clone()));
        Ok(vector)
    }

    /// The vector of a text.
    pub fn embed(&self, text: &str) -> Result<Packed, ArchiveError> {
        if let Some(table) = self.table() {
            return Ok(Packed::of(&table.embed(text)));
        }
        let vectors = self.run(&self.asked, &[text])?;
        Ok(vectors.first().map(|vector| Packed::of(vector)).unwrap_or_default())
    }

    fn run(&self, process: &Mutex<Option<Embedder>>, texts: &[&str]) -> Result<Vec<Vec<f32>>, ArchiveError> {
        let mut process = process.lock().unwrap_or_else(PoisonError::into_inner);
        let running = match process.take() {
            Some(running) => Ok(running),
            None => Embedder::start(&self.executable, &self.chosen.folder, THREADS),
        };
        let embedded = running.and_then(|mut running| {
            let vectors = running.embed(texts)?;
            *process = Some(running);
            Ok(vectors)
        });
        Ok(embedded?)
    }

    /// Makes up to `BATCH` vectors that are missing; none when more than `most` are. The table, for which they are little
    /// work, always makes a batch of its own. Gives how many.
    pub fn make_some(&self, database: &Mutex<Connection>, most: usize) -> Result<usize, ArchiveError> {
        let reading = failed("read what lacks a vector");
        let packed: Vec<(i64, Packed)> = if let Some(table) = self.table() {
            let missing = missing(&lock(database), table::BATCH).map_err(reading)?;
            let vector = |row: &Missing| table::vector(table, row.of, &row.first, &row.second);
            missing.iter().map(|row| (row.number, vector(row))).collect()
        } else {
            let missing = missing(&lock(database), most.min(BATCH) + 1).map_err(reading)?;
            if missing.is_empty() || most < BATCH && missing.len() > most {
                if most >= BATCH {
                    *self.many.lock().unwrap_or_else(PoisonError::into_inner) = None;
                }
                return Ok(0);
            }
            let missing = &missing[..missing.len().min(BATCH)];
            let texts: Vec<String> =
                missing.iter().map(|row| format!("{}\n{}", row.first, row.second)).collect();
            let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
            let vectors = self.run(if most < BATCH { &self.asked } else { &self.many }, &texts)?;
            missing.iter().zip(vectors).map(|(row, vector)| (row.number, Packed::of(&vector))).collect()
        };
        // Nobody waits for a turn to write nothing.
        if packed.is_empty() { Ok(0) } else { self.store(database, packed.into_iter()) }
    }

    /// The vectors of rows that lack one.
    pub(super) fn store(
        &self,
        database: &Mutex<Connection>,
        vectors: impl Iterator<Item = (i64, Packed)>,
    ) -> Result<usize, ArchiveError> {
        let store = || -> rusqlite::Result<usize> {
            let mut database = lock(database);
            let step = database.transaction()?;
            // Another process may have chosen another one meanwhile.
            if chosen(&step)?.is_none_or(|now| now.id != self.chosen.id) {
                return Ok(0);
            }
            let made = vectors::store(&step, vectors)?;
            step.commit()?;
            Ok(made)
        };
        store().map_err(failed("store vectors"))
    }

    /// What is nearest to `asked`, and the cosines of `others`.
    pub fn near<'a>(
        &self,
        database: &Connection,
        of: Of,
        asked: &Packed,
        limit: usize,
        others: impl Iterator<Item = &'a str>,
    ) -> Result<Near, ArchiveError> {
        let read = || -> rusqlite::Result<Near> {
            let candidates = {
                let mut signs = self.signs(of).lock().unwrap_or_else(PoisonError::into_inner);
                signs.follow(database, of)?;
                signs.nearest.candidates(asked, limit)
            };
            vectors::near(database, of, asked, &candidates, limit, others)
        };
        read().map_err(failed("read the vectors"))
    }

    /// After forgetting: nothing of it stays in memory either.
    pub fn let_go(&self) {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = None;
        for of in [Of::PastAnswers, Of::Passages] {
            *self.signs(of).lock().unwrap_or_else(PoisonError::into_inner) = Signs::default();
        }
    }

    fn signs(&self, of: Of) -> &Mutex<Signs> {
        match of {
            Of::PastAnswers => &self.past_answers,
            Of::Passages => &self.passages,
        }
    }
}

/// What lacks a vector: question and answer of a past answer, heading and text of a passage.
struct Missing {
    number: i64,
    of: Of,
    first: String,
    second: String,
}

/// Up to `most`.
fn missing(database: &Connection, most: usize) -> rusqlite::Result<Vec<Missing>> {
    database
        .prepare_cached(
            "SELECT number, passage IS NULL, coalesce(a.question, p.heading), coalesce(a.answer, p.text)
             FROM meanings LEFT JOIN past_answers AS a ON a.id = past_answer
             LEFT JOIN document_passages AS p ON p.id = passage WHERE numbers IS NULL LIMIT ?1",
        )?
        .query_map([most], |row| {
            let of = if row.get(1)? { Of::PastAnswers } else { Of::Passages };
            Ok(Missing { number: row.get(0)?, of, first: row.get(2)?, second: row.get(3)? })
        })?
        .collect()
}

fn lock(database: &Mutex<Connection>) -> MutexGuard<'_, Connection> {
    database.lock().unwrap_or_else(PoisonError::into_inner)
}

fn weights(folder: &Path) -> PathBuf {
    folder.join("model.safetensors")
}

/// Bytes of the weights and when they were written.
fn look(folder: &Path) -> std::io::Result<(u64, i64)> {
    let about = std::fs::metadata(weights(folder))?;
    let since = about.modified()?.duration_since(UNIX_EPOCH).unwrap_or_default();
    Ok((about.len(), since.as_millis() as i64))
}

fn digest(path: &Path) -> std::io::Result<String> {
    let mut file = std::fs::File::open(path)?;
    let mut sum = Sha256::new();
    let mut piece = vec![0; 1 << 20];
    loop {
        let count = file.read(&mut piece)?;
        if count == 0 {
            return Ok(sum.finalize().iter().map(|byte| format!("{byte:02x}")).collect());
        }
        sum.update(&piece[..count]);
    }
}

pub(super) fn failed(doing: &'static str) -> impl Fn(rusqlite::Error) -> ArchiveError {
    move |source| ArchiveError::Database { doing, source }
}
