//! Documents: files of the user that answers may cite.
//!
//! In:     files and folders (text, Markdown, HTML, PDF, Word, program text)
//! Out:    passages with their pages or lines, found by BM25; removing for good
//! Fails:  by file, each with its reason; the others are added. The store like the archive
//! Cost:   a file is read in a process of its own, a few milliseconds and what its format takes; a search about 1 ms
//! Source: SQLite is the truth, beside the archive's tables; the tantivy index is made from it whenever it has to be

mod formats;
mod gather;
mod index;
mod passages;
mod reader;

pub use reader::serve_if_asked;

use crate::archive::index::{Patience, SearchIndex};
use crate::archive::meaning::{Meaning, Meant};
use crate::archive::{Archive, ArchiveError, Frequencies, Of, database, forget, now_ms, search, terms};
use crate::home::Home;
use crate::states;
use crate::words::{DocumentPlace, Failure, Passage};
use formats::Kind;
use gather::gather;
use reader::ReadError;
use rusqlite::{Connection, OptionalExtension, Row, Transaction, TransactionBehavior, params};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, UNIX_EPOCH};
use ts_rs::TS;

/// What reading changed files again may take of a start; the rest is read at the next start or `add`.
const REFRESH: Duration = Duration::from_secs(2);

/// Looked at in each of two orders, by the words and by the meaning.
const DEPTH: usize = 100;

/// Open for one process; any number of threads and processes may have it open.
pub struct Documents {
    home: Home,
    /// The program that reads files when started for that: this one.
    executable: PathBuf,
    database: Mutex<Connection>,
    index: SearchIndex,
    meaning: Meaning,
}

/// A file that was read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct Document {
    pub id: String,
    pub name: String,
    pub path: String,
    #[ts(type = "number")]
    pub bytes: u64,
    pub passages: u32,
    /// Unix time in milliseconds.
    #[ts(type = "number")]
    pub added: i64,
    /// The file is no longer where it was; what was read of it stays.
    pub missing: bool,
    /// Why the file as it is now could not be read; what was read of it before stays.
    pub unread: Option<String>,
}

/// What became of the files that were to be added.
#[derive(Clone, Debug, Default, Serialize, Deserialize, TS)]
#[ts(rename = "AddedDocuments")]
pub struct Added {
    /// New, or changed since they were read.
    pub added: Vec<Document>,
    /// Known with this content, perhaps under another path.
    pub unchanged: Vec<Document>,
    pub failed: Vec<NotAdded>,
}

#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct NotAdded {
    pub path: String,
    pub failure: Failure,
}

/// Passages that a search found, best first.
#[derive(Clone, Debug, Default, Serialize, Deserialize, TS)]
#[ts(rename = "FoundPassages")]
pub struct Found {
    pub passages: Vec<Passage>,
    /// Passages with at least one of the words.
    pub considered: u32,
    pub elapsed_ms: f32,
}

#[derive(Debug, thiserror::Error)]
pub enum DocumentsError {
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    #[error("there is no document {0}")]
    Unknown(String),
}

impl From<DocumentsError> for Failure {
    fn from(error: DocumentsError) -> Failure {
        match error {
            DocumentsError::Archive(error) => error.into(),
            DocumentsError::Unknown(_) => failure(
                "documents.unknown",
                error.to_string(),
                "`lectern documents list` shows those that are there.",
            ),
        }
    }
}

impl Documents {
    /// Opens the store and brings its index to the state of its database. `executable` reads the files: the program itself.
    pub fn open(home: &Home, executable: &Path) -> Result<Documents, DocumentsError> {
        home.prepare().map_err(ArchiveError::from)?;
        let database = database::open(home)?;
        let index = SearchIndex::open(home.documents_index_dir(), home.documents_index_lock())?;
        if let Err(DocumentsError::Archive(ArchiveError::Index { .. })) =
            index::follow(&database, &index, Patience::Long)
        {
            index.start_over()?;
            index::follow(&database, &index, Patience::Long)?;
        }
        let documents = Documents {
            home: home.clone(),
            executable: executable.into(),
            database: Mutex::new(database),
            index,
            meaning: Meaning::default(),
        };
        Ok(documents)
    }

    /// Reads files, and the files in folders whose endings are known; a file that was read before is read again when its
    /// content is another. `on` hears before each file how many are done, of how many, and its path. When `stop` is set
    /// the rest is not read.
    pub fn add(
        &self,
        paths: &[PathBuf],
        stop: &AtomicBool,
        on: &mut dyn FnMut(usize, usize, &Path),
    ) -> Result<Added, DocumentsError> {
        let mut done = Added::default();
        let mut files = Vec::new();
        for path in paths {
            gather(path, &mut files, &mut done.failed);
        }
        let all = files.len();
        for (at, path) in files.into_iter().enumerate() {
            if stop.load(Ordering::Relaxed) {
                break;
            }
            on(at, all, &path);
            self.add_file(&path, reader::TIME, &mut done)?;
        }
        self.follow()?;
        Ok(done)
    }

    /// Reads files again that have changed since.
    pub fn refresh(&self) -> Result<Added, DocumentsError> {
        let started = Instant::now();
        let mut done = Added::default();
        let known = {
            let database = self.database();
            let mut rows =
                database.prepare("SELECT path, bytes, modified FROM documents").map_err(reading)?;
            rows.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
                .and_then(Iterator::collect::<rusqlite::Result<Vec<(String, u64, i64)>>>)
                .map_err(reading)?
        };
        for (path, bytes, modified) in known {
            let path = PathBuf::from(path);
            let Ok(about) = std::fs::metadata(&path) else { continue };
            let is_another = about.len() != bytes || modified_ms(&about) != modified;
            if !is_another || started.elapsed() > REFRESH {
                continue;
            }
            let failed = done.failed.len();
            self.add_file(&path, REFRESH, &mut done)?;
            if let Some(failed) = done.failed.get(failed) {
                self.note_unread(&path, &about, &failed.failure)?;
            }
        }
        self.follow()?;
        Ok(done)
    }

    /// So that the next start does not try it again.
    fn note_unread(
        &self,
        path: &Path,
        about: &std::fs::Metadata,
        failure: &Failure,
    ) -> Result<(), DocumentsError> {
        let sql = "UPDATE documents SET bytes = ?2, modified = ?3, unread = ?4 WHERE path = ?1";
        let stored = path.display().to_string();
        let values = params![stored, about.len(), modified_ms(about), failure.message];
        self.database().execute(sql, values).map_err(writing)?;
        Ok(())
    }

    /// By name.
    pub fn list(&self) -> Result<Vec<Document>, DocumentsError> {
        let database = self.database();
        let mut rows = database.prepare(&format!("{DOCUMENT} ORDER BY name, path")).map_err(reading)?;
        let all = rows.query_map([], document).and_then(Iterator::collect).map_err(reading);
        Ok(all?)
    }

    /// What was read of a document, in its order.
    pub fn passages(&self, id: &str) -> Result<Vec<Passage>, DocumentsError> {
        let database = self.database();
        let mut rows =
            database.prepare(&format!("{PASSAGES} d.id = ?1 ORDER BY p.place")).map_err(reading)?;
        let all: Vec<Passage> = rows.query_map([id], passage).and_then(Iterator::collect).map_err(reading)?;
        if all.is_empty() { Err(DocumentsError::Unknown(id.into())) } else { Ok(all) }
    }

    /// Removes documents for good: their text leaves the database, the index, and the traces that show it. `which` is an
    /// id, a name (all of that name) or a path; `None` is all. Answers that the experts gave from them are answers: they
    /// stay.
    pub fn remove(&self, which: Option<&str>) -> Result<Vec<Document>, DocumentsError> {
        let path = which.and_then(|which| std::path::absolute(which).ok());
        let is_it = |document: &Document| {
            which.is_none_or(|which| {
                document.id == which
                    || document.name == which
                    || path.as_deref() == Some(Path::new(&document.path))
            })
        };
        let gone: Vec<Document> = self.list()?.into_iter().filter(is_it).collect();
        match which {
            Some(which) if gone.is_empty() => return Err(DocumentsError::Unknown(which.into())),
            _ => {}
        }
        self.change(|step| gone.iter().try_for_each(|document| drop_document(step, &document.id)))?;
        self.erase()?;
        Ok(gone)
    }

    /// Passages with the words of `text`, and where an encoder is used those of like meaning as well, best first.
    pub fn search(&self, text: &str, limit: usize) -> Result<Found, DocumentsError> {
        let meant = match self.meaning.of(&self.database, text) {
            Err(ArchiveError::Encoder(_)) => None,
            meant => meant?,
        };
        let depth = if meant.is_some() { limit.max(DEPTH) } else { limit };
        let mut found = self.candidates(terms(text), meant.as_ref(), depth)?;
        found.passages.truncate(limit);
        Ok(found)
    }

    /// From now on search goes by meaning as well, by the encoder of the archive.
    pub fn understand_as(&mut self, archive: &Archive) {
        self.meaning = archive.meaning();
    }

    /// The same for terms. Scores are the part of what these terms could reach, or with `meant` that part and the cosine,
    /// fused.
    pub(crate) fn candidates(
        &self,
        terms: Vec<String>,
        meant: Option<&Meant>,
        limit: usize,
    ) -> Result<Found, DocumentsError> {
        let started = Instant::now();
        let database = self.database();
        match index::follow(&database, &self.index, Patience::None) {
            Ok(()) | Err(DocumentsError::Archive(ArchiveError::IndexBusy { .. })) => {}
            Err(error) => return Err(error),
        }
        let found = search::search(&self.index, terms, limit, true)?;
        let mut passages = Vec::with_capacity(found.ids.len());
        for (id, bm25) in &found.ids {
            let score = (bm25 / found.ceiling).clamp(0.0, 1.0);
            // Gone from the database but not yet from the index: it is gone.
            passages.extend(one_passage(&database, id)?.map(|passage| Passage {
                score,
                bm25: *bm25,
                ..passage
            }));
        }
        if let Some(meant) = meant {
            by_meaning_too(&database, meant, &mut passages, limit)?;
        }
        let elapsed_ms = started.elapsed().as_secs_f32() * 1e3;
        Ok(Found { passages, considered: found.considered, elapsed_ms })
    }

    /// How many passages have each of these terms in their text.
    pub fn frequencies<'a>(
        &self,
        terms: impl Iterator<Item = &'a str>,
    ) -> Result<Frequencies, DocumentsError> {
        Ok(search::frequencies(&self.index, self.index.fields.answer, terms)?)
    }

    fn add_file(&self, path: &Path, time: Duration, done: &mut Added) -> Result<(), DocumentsError> {
        match self.read_file(path, time) {
            Ok(Ok((document, true))) => done.added.push(document),
            Ok(Ok((document, false))) => done.unchanged.push(document),
            Ok(Err(failure)) => {
                done.failed.push(NotAdded { path: path.display().to_string(), failure });
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// The document of a file, and whether it had to be read.
    fn read_file(
        &self,
        path: &Path,
        time: Duration,
    ) -> Result<Result<(Document, bool), Failure>, DocumentsError> {
        let named = |what: &dyn std::fmt::Display| format!("{}: {what}", path.display());
        let unreadable = |error: std::io::Error| {
            failure("documents.file", named(&error), "Check that the file is there and may be read.")
        };
        let about = match std::fs::metadata(path) {
            Ok(about) if about.len() > reader::MOST_BYTES => {
                let most = format!("it is larger than {} MiB", reader::MOST_BYTES >> 20);
                return Ok(Err(failure("documents.too_large", named(&most), "Split the file.")));
            }
            Ok(about) => about,
            Err(error) => return Ok(Err(unreadable(error))),
        };
        let Some(kind) = Kind::of(path) else {
            return Ok(Err(failure("documents.kind", named(&"not a kind of file that can be read"), KINDS)));
        };
        let bytes = match std::fs::read(path) {
            Ok(bytes) => bytes,
            Err(error) => return Ok(Err(unreadable(error))),
        };
        let sha256: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        let (stored, size) = (path.display().to_string(), bytes.len() as u64);
        if let Some(known) = self.known(&sha256, path, &about)? {
            return Ok(Ok((known, false)));
        }
        let pieces = match reader::read(&self.executable, kind, bytes, time) {
            Ok(pieces) => pieces,
            Err(error) => return Ok(Err(not_read(&error, named(&error)))),
        };
        let mut replaced = false;
        let id = self.change(|step| {
            let store = || -> rusqlite::Result<(String, Option<String>)> {
                let sql = "SELECT id FROM documents WHERE path = ?1";
                let old: Option<String> = step.query_row(sql, [&stored], |row| row.get(0)).optional()?;
                Ok((step.query_row("SELECT lower(hex(randomblob(8)))", [], |row| row.get(0))?, old))
            };
            let (id, old) = store().map_err(writing)?;
            if let Some(old) = old {
                drop_document(step, &old)?;
                replaced = true;
            }
            let rows = || -> rusqlite::Result<()> {
                step.execute(
                    "INSERT INTO documents (id, path, name, sha256, bytes, modified, added) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                    params![id, stored, name(path), sha256, size, modified_ms(&about), now_ms()],
                )?;
                let mut row = step.prepare(
                    "INSERT INTO document_passages (id, document, place, heading, text, page, first_line, last_line)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
                )?;
                for (place, piece) in pieces.iter().enumerate() {
                    let (first, last) = piece.lines.unzip();
                    let id_here = format!("{id}-{place}");
                    row.execute(params![id_here, id, place, piece.heading, piece.text, piece.page, first, last])?;
                }
                Ok(())
            };
            rows().map_err(writing)?;
            Ok(id)
        })?;
        if replaced {
            self.erase()?;
        }
        let sql = format!("{DOCUMENT} WHERE id = ?1");
        Ok(Ok((self.database().query_row(&sql, [&id], document).map_err(reading)?, true)))
    }

    /// The document with this content, at this path or another. When its own file is gone, it has moved here.
    fn known(
        &self,
        sha256: &str,
        path: &Path,
        about: &std::fs::Metadata,
    ) -> Result<Option<Document>, DocumentsError> {
        let stored = path.display().to_string();
        let same = format!("{DOCUMENT} WHERE sha256 = ?1 ORDER BY path <> ?2 LIMIT 1");
        let known =
            self.database().query_row(&same, [sha256, &stored], document).optional().map_err(reading)?;
        let Some(known) = known else { return Ok(None) };
        let at_path = "SELECT id FROM documents WHERE path = ?1 AND id <> ?2";
        let old: Option<String> = self
            .database()
            .query_row(at_path, [&stored, &known.id], |row| row.get(0))
            .optional()
            .map_err(reading)?;
        if let Some(old) = old {
            // The file has become the same as another.
            self.change(|step| drop_document(step, &old))?;
            self.erase()?;
        }
        if known.path == stored || known.missing {
            let sql = "UPDATE documents SET path = ?2, name = ?3, bytes = ?4, modified = ?5, unread = NULL WHERE id = ?1";
            let values = params![known.id, stored, name(path), about.len(), modified_ms(about)];
            self.database().execute(sql, values).map_err(writing)?;
        }
        let by_id = format!("{DOCUMENT} WHERE id = ?1");
        Ok(Some(self.database().query_row(&by_id, [&known.id], document).map_err(reading)?))
    }

    fn database(&self) -> MutexGuard<'_, Connection> {
        // A panic in another thread cannot leave SQLite between two states: its transaction was rolled back.
        self.database.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change<T>(
        &self,
        step: impl FnOnce(&Connection) -> Result<T, ArchiveError>,
    ) -> Result<T, DocumentsError> {
        let database = self.database();
        let transaction =
            Transaction::new_unchecked(&database, TransactionBehavior::Immediate).map_err(writing)?;
        let result = step(&transaction)?;
        let sql = "UPDATE identity SET documents_revision = documents_revision + 1";
        transaction.execute(sql, []).map_err(writing)?;
        transaction.commit().map_err(writing)?;
        Ok(result)
    }

    /// Busy: the next search or start takes it in.
    fn follow(&self) -> Result<(), DocumentsError> {
        match index::follow(&self.database(), &self.index, Patience::Short) {
            Err(DocumentsError::Archive(ArchiveError::IndexBusy { .. })) => Ok(()),
            other => other,
        }
    }

    /// After removing: nothing of it stays in the index, in the log of the database, or in what experts had read.
    fn erase(&self) -> Result<(), DocumentsError> {
        self.meaning.let_go();
        let states = states::forget(&self.home);
        let database = self.database();
        index::follow(&database, &self.index, Patience::Long)?;
        match database::empty_log(&database) {
            Ok(true) if states.is_err() => Err(ArchiveError::NotYetErased { what: "a saved state" }.into()),
            Ok(true) => Ok(()),
            Ok(false) => Err(ArchiveError::NotYetErased { what: "the log of the database" }.into()),
            Err(source) => Err(ArchiveError::Database { doing: "empty the log", source }.into()),
        }
    }
}

const DOCUMENT: &str = "SELECT id, name, path, bytes, added,
    (SELECT count(*) FROM document_passages WHERE document = documents.id), unread FROM documents";

fn document(row: &Row<'_>) -> rusqlite::Result<Document> {
    let path: String = row.get(2)?;
    Ok(Document {
        id: row.get(0)?,
        name: row.get(1)?,
        bytes: row.get(3)?,
        added: row.get(4)?,
        passages: row.get(5)?,
        missing: !Path::new(&path).exists(),
        unread: row.get(6)?,
        path,
    })
}

const PASSAGES: &str =
    "SELECT p.id, p.text, d.added, d.id, d.name, d.path, p.heading, p.page, p.first_line, p.last_line
    FROM document_passages p JOIN documents d ON d.id = p.document WHERE";

fn one_passage(database: &Connection, id: &str) -> Result<Option<Passage>, ArchiveError> {
    let mut row = database.prepare_cached(&format!("{PASSAGES} p.id = ?1")).map_err(reading)?;
    row.query_row([id], passage).optional().map_err(reading)
}

fn passage(row: &Row<'_>) -> rusqlite::Result<Passage> {
    let lines = |from: Option<u32>, to: Option<u32>| from.zip(to);
    let place = DocumentPlace {
        id: row.get(3)?,
        name: row.get(4)?,
        path: row.get(5)?,
        heading: row.get(6)?,
        page: row.get(7)?,
        lines: lines(row.get(8)?, row.get(9)?),
    };
    Ok(Passage {
        id: row.get(0)?,
        question: place.in_words(),
        answer: row.get(1)?,
        created: row.get(2)?,
        document: Some(place),
        ..Passage::default()
    })
}

/// Adds what is near in meaning, and orders all by both.
fn by_meaning_too(
    database: &Connection,
    meant: &Meant,
    passages: &mut Vec<Passage>,
    limit: usize,
) -> Result<(), DocumentsError> {
    let known: HashSet<String> = passages.iter().map(|passage| passage.id.clone()).collect();
    let near = meant.near(database, Of::Passages, limit, known.iter().map(String::as_str))?;
    for passage in passages.iter_mut() {
        passage.cosine = near.of.get(&passage.id).copied();
    }
    for (id, cosine) in near.nearest.into_iter().filter(|(id, _)| !known.contains(id)) {
        let read = one_passage(database, &id)?;
        passages.extend(read.map(|passage| Passage { cosine: Some(cosine), ..passage }));
    }
    for passage in passages.iter_mut() {
        passage.score = meant.fused(passage.score, passage.cosine);
    }
    passages.sort_by(|a, b| b.score.total_cmp(&a.score).then_with(|| a.id.cmp(&b.id)));
    Ok(())
}

fn drop_document(database: &Connection, id: &str) -> Result<(), ArchiveError> {
    let mut rows =
        database.prepare("SELECT id FROM document_passages WHERE document = ?1").map_err(writing)?;
    let passages = rows
        .query_map([id], |row| row.get(0))
        .and_then(Iterator::collect::<rusqlite::Result<Vec<String>>>)
        .map_err(writing)?;
    for passage in passages {
        forget::take_out_of_traces(database, &passage)?;
    }
    database.execute("DELETE FROM documents WHERE id = ?1", [id]).map_err(writing)?;
    Ok(())
}

fn name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

const KINDS: &str = "Text, Markdown, HTML, PDF, .docx and program text can be read; save it as one of these.";

fn not_read(error: &ReadError, message: String) -> Failure {
    use formats::NoText;
    let (code, fix) = match error {
        ReadError::NoText(NoText::Empty) => ("documents.empty", "Check that it is the file that you mean."),
        ReadError::NoText(NoText::Scanned) => {
            ("documents.scanned", "Lectern does not read pictures: run text recognition (OCR) over it first.")
        }
        ReadError::NoText(NoText::Scrambled) => (
            "documents.scrambled", "Export it from its program again, or run text recognition (OCR) over it.",
        ),
        ReadError::NoText(NoText::TooMuch) => ("documents.too_large", "Split the file."),
        ReadError::NoText(NoText::Damaged(_)) | ReadError::Crashed(_) => {
            ("documents.damaged", "Open it in its program and save it again.")
        }
        ReadError::TooSlow(_) => ("documents.too_slow", "Split the file, or save it as text."),
        ReadError::Spawn(_) => ("documents.no_reader", "Check that the application file is still there."),
    };
    failure(code, message, fix)
}

fn failure(code: &str, message: String, fix: &str) -> Failure {
    Failure { code: code.into(), message, fix: fix.into(), detail: None }
}

/// 0 where the system does not say.
fn modified_ms(about: &std::fs::Metadata) -> i64 {
    let since = about.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    since.map_or(0, |since| since.as_millis() as i64)
}

fn reading(source: rusqlite::Error) -> ArchiveError {
    ArchiveError::Database { doing: "read the documents", source }
}

fn writing(source: rusqlite::Error) -> ArchiveError {
    ArchiveError::Database { doing: "store the documents", source }
}
