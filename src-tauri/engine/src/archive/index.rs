//! The search index: tantivy files that can always be made again from the database.
//!
//! There is one of past answers and one of documents, whose `question` is a heading and whose `answer` a passage.
//! It holds their words and ids, never the text itself. Reading needs no lock. Writing
//! takes a lock file between processes and opens the index afresh under it, because tantivy keeps its list of
//! files in memory and a list from before another process wrote would leave that process's files behind for
//! ever.

use super::{ArchiveError, terms};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tantivy::directory::MmapDirectory;
use tantivy::schema::{Field, IndexRecordOption, STORED, STRING, Schema, TextFieldIndexing, TextOptions};
use tantivy::{Index, IndexReader, Opstamp, ReloadPolicy, Searcher, TantivyError};

/// Rises with the analyzer or the fields: an index of another number is made again.
pub(crate) const VERSION: u32 = 1;

/// Above this size the check sums are not read at every start; 64 MB take about 50 ms.
const CHECKED_BYTES: u64 = 64 << 20;

#[derive(Clone, Copy, Debug)]
pub(crate) struct Fields {
    pub id: Field,
    pub question: Field,
    pub answer: Field,
}

/// The index as it is searched.
pub(crate) struct SearchIndex {
    folder: PathBuf,
    lock_file: PathBuf,
    pub fields: Fields,
    reading: Mutex<Reading>,
}

struct Reading {
    index: Index,
    reader: IndexReader,
    /// What `reader` has loaded.
    seen: (Opstamp, Option<String>, usize),
}

/// How long to wait for another process that writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Patience {
    /// A question waits: not at all.
    None,
    /// Many answers were stored: the next writer or start takes them in otherwise.
    Short,
    /// The user asked for text to be gone, the index is being opened, or nobody waits.
    Long,
}

impl Patience {
    fn limit(self) -> Duration {
        match self {
            Patience::None => Duration::ZERO,
            Patience::Short => Duration::from_millis(300),
            // Of a million answers a merge takes seconds.
            Patience::Long => Duration::from_secs(30),
        }
    }
}

/// The right to write, until dropped.
pub(crate) struct WriteLock {
    _file: File,
}

impl SearchIndex {
    /// Opens it for reading; makes it (again) when it is absent, damaged, or of another version.
    pub fn open(folder: PathBuf, lock_file: PathBuf) -> Result<SearchIndex, ArchiveError> {
        let reading = match open_checked(&folder) {
            Ok(reading) => reading,
            Err(_damaged_or_absent_or_being_written) => {
                let _lock = lock(&lock_file, Patience::Long)?;
                open_checked(&folder).or_else(|_damaged_or_absent| create(&folder))?
            }
        };
        let fields = fields(&reading.index.schema())?;
        Ok(SearchIndex { folder, lock_file, fields, reading: Mutex::new(reading) })
    }

    /// Throws the files away and starts with none.
    pub fn start_over(&self) -> Result<(), ArchiveError> {
        let _lock = lock(&self.lock_file, Patience::Long)?;
        *self.reading() = create(&self.folder)?;
        Ok(())
    }

    /// What is searched now, with what other processes committed.
    pub fn searcher(&self) -> Result<Searcher, ArchiveError> {
        let mut reading = self.reading();
        let now = reading.state()?;
        if now != reading.seen {
            reading.reader.reload().map_err(failed("read the search index"))?;
            reading.seen = now;
        }
        Ok(reading.reader.searcher())
    }

    /// The note that the last commit left: up to where the index follows the database.
    pub fn payload(&self) -> Result<Option<String>, ArchiveError> {
        Ok(self.reading().state()?.1)
    }

    /// The lock, and the index opened afresh for writing.
    pub fn for_writing(&self, patience: Patience) -> Result<(WriteLock, Index), ArchiveError> {
        let lock = lock(&self.lock_file, patience)?;
        let index = open(&self.folder).map_err(failed("open the search index"))?;
        Ok((lock, index))
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    fn reading(&self) -> MutexGuard<'_, Reading> {
        self.reading.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Reading {
    fn new(index: Index) -> Result<Reading, ArchiveError> {
        let reader = index
            .reader_builder()
            .reload_policy(ReloadPolicy::Manual)
            .try_into()
            .map_err(failed("read the search index"))?;
        let mut reading = Reading { index, reader, seen: (0, None, 0) };
        // The reader may be a commit newer than this; then the next search loads it once more, which is
        // harmless.
        reading.seen = reading.state()?;
        reading.reader.reload().map_err(failed("read the search index"))?;
        Ok(reading)
    }

    /// What is on disk: it changes with every commit and every merge.
    fn state(&self) -> Result<(Opstamp, Option<String>, usize), ArchiveError> {
        let metas = self.index.load_metas().map_err(failed("read the search index"))?;
        Ok((metas.opstamp, metas.payload, metas.segments.len()))
    }
}

/// Turns a tantivy error into ours.
pub(crate) fn failed(doing: &'static str) -> impl Fn(TantivyError) -> ArchiveError {
    move |source| ArchiveError::Index { doing, source }
}

fn schema() -> Schema {
    let words = TextOptions::default().set_indexing_options(
        TextFieldIndexing::default()
            .set_tokenizer(terms::ANALYZER)
            .set_index_option(IndexRecordOption::WithFreqs),
    );
    let mut schema = Schema::builder();
    schema.add_text_field("id", STRING | STORED);
    schema.add_text_field("question", words.clone());
    schema.add_text_field("answer", words);
    schema.build()
}

fn fields(schema: &Schema) -> Result<Fields, ArchiveError> {
    let field = |name: &str| schema.get_field(name).map_err(failed("read the fields of the search index"));
    Ok(Fields { id: field("id")?, question: field("question")?, answer: field("answer")? })
}

fn open(folder: &Path) -> Result<Index, TantivyError> {
    let index = Index::open_in_dir(folder)?;
    index.tokenizers().register(terms::ANALYZER, terms::analyzer());
    Ok(index)
}

/// The index that is there, if it is whole and ours.
fn open_checked(folder: &Path) -> Result<Reading, ArchiveError> {
    let index = open(folder).map_err(failed("open the search index"))?;
    if index.schema() != schema() {
        return Err(failed("use an index with other fields")(TantivyError::SchemaError(
            "other fields".into(),
        )));
    }
    let bytes: u64 = std::fs::read_dir(folder)
        .map(|entries| {
            entries.flatten().filter_map(|entry| entry.metadata().ok()).map(|metadata| metadata.len()).sum()
        })
        .unwrap_or(0);
    if bytes <= CHECKED_BYTES {
        let damaged = index.validate_checksum().map_err(failed("check the search index"))?;
        if let Some(file) = damaged.iter().next() {
            let what = format!(
                "{} of {} files have a wrong check sum, the first is {}",
                damaged.len(),
                bytes,
                file.display()
            );
            return Err(failed("check the search index")(TantivyError::InternalError(what)));
        }
    }
    Reading::new(index)
}

/// An empty index in place of whatever is there.
fn create(folder: &Path) -> Result<Reading, ArchiveError> {
    let files = |doing: &'static str| {
        let path = folder.to_path_buf();
        move |source| ArchiveError::Files { doing, path, source }
    };
    match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotADirectory => {
            std::fs::remove_file(folder).map_err(files("remove the damaged search index"))?;
        }
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(files("remove the damaged search index")(error));
        }
        _ => {}
    }
    std::fs::create_dir_all(folder).map_err(files("make the folder of the search index"))?;
    let directory =
        MmapDirectory::open(folder).map_err(|error| failed("make the search index")(error.into()))?;
    let index = Index::create(directory, schema(), tantivy::IndexSettings::default())
        .map_err(failed("make the search index"))?;
    index.tokenizers().register(terms::ANALYZER, terms::analyzer());
    Reading::new(index)
}

fn lock(path: &Path, patience: Patience) -> Result<WriteLock, ArchiveError> {
    let files =
        |source| ArchiveError::Files { doing: "lock the search index", path: path.to_path_buf(), source };
    let file = File::options().create(true).truncate(false).write(true).open(path).map_err(files)?;
    let started = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(WriteLock { _file: file }),
            Err(std::fs::TryLockError::Error(source)) => return Err(files(source)),
            Err(std::fs::TryLockError::WouldBlock) if started.elapsed() >= patience.limit() => {
                return Err(ArchiveError::IndexBusy { waited_ms: started.elapsed().as_millis() as u64 });
            }
            // A commit takes tens of milliseconds.
            Err(std::fs::TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(5)),
        }
    }
}
