//! Meaning: a vector beside each past answer, made by an encoder that the user chose, and the past answers whose vectors
//! are nearest to that of a text. Without an encoder there are none, and search goes by words alone.
//!
//! SQLite has the vectors, eight bits a number with one scale each; memory has a copy that is scanned whole: exact, and
//! about 5 ms for 100,000 of 384 numbers.

use super::{Archive, ArchiveError, follow};
use runtime::embed::Embedder;
use runtime::kernels::float::dot_i8;
use rusqlite::{Connection, OptionalExtension, params};
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::UNIX_EPOCH;

/// Threads of the encoder: short texts have little to share.
const THREADS: usize = 2;
/// Past answers that are embedded between two looks at the database.
const BATCH: usize = 64;

/// The encoder whose vectors are used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Chosen {
    /// sha256 of its weights.
    pub id: String,
    /// Its folder's name.
    pub name: String,
    pub folder: PathBuf,
    bytes: u64,
    modified: i64,
}

/// The encoder's process and the vectors in memory.
pub(super) struct Meaning {
    pub chosen: Chosen,
    executable: PathBuf,
    /// Started with the first text.
    embedder: Mutex<Option<Embedder>>,
    rows: Mutex<Rows>,
    /// The revision at which more lacked a vector than a search gives them on the way.
    behind: AtomicI64,
}

/// A copy of the vectors; those that were replaced have a scale of 0.
#[derive(Default)]
struct Rows {
    /// The newest row of the table that is in it.
    newest: i64,
    width: usize,
    ids: Vec<Box<str>>,
    at: HashMap<Box<str>, usize>,
    scales: Vec<f32>,
    /// (ids, width)
    numbers: Vec<i8>,
}

/// Past answers without a vector.
struct Lacking {
    /// At most `BATCH`: the id and what is embedded.
    entries: Vec<(String, String)>,
    /// Of the database that this is true of.
    revision: i64,
}

/// Past answers near a text, nearest first, and the cosines of others that were asked for.
pub(super) struct Near {
    pub nearest: Vec<(String, f32)>,
    pub of: HashMap<String, f32>,
}

impl Meaning {
    /// The encoder that was chosen, when there is one.
    pub fn open(database: &Connection, executable: &Path) -> Result<Option<Meaning>, ArchiveError> {
        let read = || -> rusqlite::Result<Option<Chosen>> {
            let sql = "SELECT id, name, folder, bytes, modified FROM encoder";
            database
                .query_row(sql, [], |row| {
                    let folder: String = row.get(2)?;
                    let (id, name, bytes, modified) = (row.get(0)?, row.get(1)?, row.get(3)?, row.get(4)?);
                    Ok(Chosen { id, name, folder: folder.into(), bytes, modified })
                })
                .optional()
        };
        let Some(chosen) = read().map_err(failed("read which encoder is used"))? else { return Ok(None) };
        // Other weights, or the same ones copied again. Files that are gone are told by the first search.
        let is_another = look(&chosen.folder).is_ok_and(|now| now != (chosen.bytes, chosen.modified));
        if is_another {
            let folder = chosen.folder.clone();
            match Meaning::choose(database, executable, &folder) {
                Err(ArchiveError::Encoder(_) | ArchiveError::Files { .. }) => {}
                other => return other.map(Some),
            }
        }
        Ok(Some(Meaning::with(chosen, executable)))
    }

    /// Makes the encoder in a folder the one that is used, when it works.
    pub fn choose(database: &Connection, executable: &Path, folder: &Path) -> Result<Meaning, ArchiveError> {
        let folder = std::path::absolute(folder).unwrap_or_else(|_| folder.to_path_buf());
        // It says best itself what is wrong with its folder.
        let mut running = Embedder::start(executable, &folder, THREADS)?;
        running.embed(&["Does it work?"])?;
        let files = |source| ArchiveError::Files { doing: "read the encoder", path: folder.clone(), source };
        let (bytes, modified) = look(&folder).map_err(files)?;
        let id = digest(&weights(&folder)).map_err(files)?;
        let name = folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let chosen = Chosen { id, name, folder, bytes, modified };
        let meaning = Meaning { embedder: Mutex::new(Some(running)), ..Meaning::with(chosen, executable) };
        let chosen = &meaning.chosen;
        let store = || -> rusqlite::Result<()> {
            database.execute(
                "INSERT OR REPLACE INTO encoder (only, id, name, folder, bytes, modified, revision)
                 VALUES (1, ?1, ?2, ?3, ?4, ?5, -1)",
                params![
                    chosen.id,
                    chosen.name,
                    chosen.folder.display().to_string(),
                    chosen.bytes,
                    chosen.modified
                ],
            )?;
            database.execute("DELETE FROM vectors WHERE encoder <> ?1", [&chosen.id])?;
            Ok(())
        };
        store().map_err(failed("store which encoder is used"))?;
        Ok(meaning)
    }

    fn with(chosen: Chosen, executable: &Path) -> Meaning {
        let (embedder, rows, behind) = (Mutex::default(), Mutex::default(), AtomicI64::new(-1));
        Meaning { chosen, executable: executable.into(), embedder, rows, behind }
    }

    pub fn embed(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>, ArchiveError> {
        let mut embedder = self.embedder.lock().unwrap_or_else(PoisonError::into_inner);
        let running = match embedder.take() {
            Some(running) => Ok(running),
            None => Embedder::start(&self.executable, &self.chosen.folder, THREADS),
        };
        let embedded = running.and_then(|mut running| {
            let vectors = running.embed(texts)?;
            *embedder = Some(running);
            Ok(vectors)
        });
        Ok(embedded?)
    }

    /// Gives up to `BATCH` past answers the vectors that they lack; none when more than `most` do. Gives how many.
    pub fn embed_some(&self, database: &Mutex<Connection>, most: usize) -> Result<usize, ArchiveError> {
        let lock = || database.lock().unwrap_or_else(PoisonError::into_inner);
        let lacking = self.lacking(&lock()).map_err(failed("read past answers without a vector"))?;
        let Some(Lacking { entries: lacking, revision }) = lacking else { return Ok(0) };
        if lacking.len() > most {
            self.behind.store(revision, Ordering::Relaxed);
            return Ok(0);
        }
        let texts: Vec<&str> = lacking.iter().map(|(_, text)| text.as_str()).collect();
        let vectors = if texts.is_empty() { Vec::new() } else { self.embed(&texts)? };
        let store = || -> rusqlite::Result<()> {
            let mut database = lock();
            let step = database.transaction()?;
            for ((id, _), vector) in lacking.iter().zip(&vectors) {
                let (scale, numbers) = packed(vector);
                // It may have been forgotten meanwhile.
                step.prepare_cached(
                    "INSERT OR REPLACE INTO vectors (past_answer, encoder, scale, numbers)
                     SELECT id, ?2, ?3, ?4 FROM past_answers WHERE id = ?1",
                )?
                .execute(params![id, self.chosen.id, scale, bytes_of(&numbers)])?;
            }
            if lacking.len() < BATCH {
                step.execute("UPDATE encoder SET revision = ?1", [revision])?;
            }
            step.commit()
        };
        store().map_err(failed("store vectors"))?;
        Ok(lacking.len())
    }

    /// `None`: nothing has changed since none lacked a vector.
    fn lacking(&self, database: &Connection) -> rusqlite::Result<Option<Lacking>> {
        let revision = follow::newest_revision(database)?;
        let done: i64 =
            database.query_row("SELECT coalesce(max(revision), -1) FROM encoder", [], |row| row.get(0))?;
        if revision == done || revision == self.behind.load(Ordering::Relaxed) {
            return Ok(None);
        }
        let entries = database
            .prepare_cached(
                "SELECT id, question || char(10) || answer FROM past_answers AS a
                 WHERE NOT EXISTS (SELECT 1 FROM vectors AS v WHERE v.past_answer = a.id AND v.encoder = ?1)
                 LIMIT ?2",
            )?
            .query_map(params![self.chosen.id, BATCH], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect::<rusqlite::Result<_>>()?;
        Ok(Some(Lacking { entries, revision }))
    }

    /// What is nearest to the text, and the cosines of `others`.
    pub fn near<'a>(
        &self,
        database: &Mutex<Connection>,
        text: &str,
        limit: usize,
        others: impl Iterator<Item = &'a str>,
    ) -> Result<Near, ArchiveError> {
        let vectors = self.embed(&[text])?;
        let (scale, asked) = vectors.first().map(|vector| packed(vector)).unwrap_or_default();
        let mut rows = self.rows();
        rows.follow(&database.lock().unwrap_or_else(PoisonError::into_inner), &self.chosen.id)
            .map_err(failed("read the vectors"))?;
        if rows.width != asked.len() || asked.is_empty() {
            return Ok(Near { nearest: Vec::new(), of: HashMap::new() });
        }
        let cosine = |at: usize| {
            dot_i8(&asked, &rows.numbers[at * rows.width..][..rows.width]) as f32 * scale * rows.scales[at]
        };
        let mut all: Vec<(f32, usize)> = (0..rows.ids.len()).map(|at| (cosine(at), at)).collect();
        let nearer = |a: &(f32, usize), b: &(f32, usize)| b.0.total_cmp(&a.0);
        if all.len() > limit {
            all.select_nth_unstable_by(limit, nearer);
            all.truncate(limit);
        }
        all.sort_by(nearer);
        let nearest = all
            .into_iter()
            .filter(|(_, at)| rows.scales[*at] > 0.0)
            .map(|(cosine, at)| (rows.ids[at].to_string(), cosine))
            .collect();
        let of = others.filter_map(|id| Some((id.to_owned(), cosine(*rows.at.get(id)?)))).collect();
        Ok(Near { nearest, of })
    }

    /// After forgetting: nothing of it stays in memory either.
    pub fn let_go(&self) {
        *self.rows() = Rows::default();
    }

    fn rows(&self) -> MutexGuard<'_, Rows> {
        self.rows.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Archive {
    /// From now on search goes by meaning as well, when an encoder was chosen. `executable` runs it.
    pub fn understand(&mut self, executable: &Path) -> Result<(), ArchiveError> {
        let meaning = Meaning::open(&self.database(), executable)?;
        self.meaning = meaning;
        Ok(())
    }

    /// The encoder that search uses.
    pub fn encoder(&self) -> Option<&Chosen> {
        self.meaning.as_ref().map(|meaning| &meaning.chosen)
    }

    /// Uses the encoder in this folder; vectors of another one go.
    pub fn choose_encoder(&mut self, executable: &Path, folder: &Path) -> Result<(), ArchiveError> {
        let meaning = Meaning::choose(&self.database(), executable, folder)?;
        self.meaning = Some(meaning);
        Ok(())
    }

    /// Uses none; its vectors go.
    pub fn drop_encoder(&mut self) -> Result<(), ArchiveError> {
        self.meaning = None;
        self.database()
            .execute_batch("BEGIN; DELETE FROM vectors; DELETE FROM encoder; COMMIT")
            .map_err(failed("remove the vectors"))
    }

    /// Gives some past answers the vectors that they lack, in one transaction. Gives how many: 0 when none lacks one.
    pub fn embed_some(&self) -> Result<usize, ArchiveError> {
        let meaning = self.meaning.as_ref().ok_or(ArchiveError::NoEncoder)?;
        meaning.embed_some(&self.database, BATCH)
    }

    /// Past answers that have a vector of the encoder.
    pub fn embedded(&self) -> Result<u64, ArchiveError> {
        self.database()
            .query_row("SELECT count(*) FROM vectors", [], |row| row.get(0))
            .map_err(failed("count the vectors"))
    }
}

impl Rows {
    fn follow(&mut self, database: &Connection, encoder: &str) -> rusqlite::Result<()> {
        let mut rows = database.prepare_cached(
            "SELECT number, past_answer, scale, numbers FROM vectors WHERE number > ?2 AND encoder = ?1 ORDER BY number",
        )?;
        let mut rows = rows.query(params![encoder, self.newest])?;
        while let Some(row) = rows.next()? {
            let id: Box<str> = row.get::<_, String>(1)?.into();
            let numbers = row.get_ref(3)?.as_blob()?;
            if self.ids.is_empty() {
                self.width = numbers.len();
            }
            // The rows of one encoder have one width.
            if numbers.len() == self.width {
                if let Some(old) = self.at.insert(id.clone(), self.ids.len()) {
                    self.scales[old] = 0.0;
                }
                self.ids.push(id);
                self.scales.push(row.get(2)?);
                self.numbers.extend(numbers.iter().map(|&byte| byte as i8));
            }
            self.newest = row.get(0)?;
        }
        Ok(())
    }
}

/// A vector in eight bits a number: `vector = scale * numbers`, within half a scale each.
fn packed(vector: &[f32]) -> (f32, Vec<i8>) {
    let most = vector.iter().fold(0.0f32, |most, x| most.max(x.abs()));
    let scale = most / 127.0;
    let number = |x: &f32| if scale > 0.0 { (x / scale).round() as i8 } else { 0 };
    (scale, vector.iter().map(number).collect())
}

fn bytes_of(numbers: &[i8]) -> Vec<u8> {
    numbers.iter().map(|&number| number as u8).collect()
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

fn failed(doing: &'static str) -> impl Fn(rusqlite::Error) -> ArchiveError {
    move |source| ArchiveError::Database { doing, source }
}
