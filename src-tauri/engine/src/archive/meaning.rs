//! Meaning: a vector beside each past answer and each passage of a document, made by an encoder that the user chose, and
//! without one by the built-in table, which only ranks what search finds: the rest goes by words alone then.

use super::encoder::{self, BATCH, Chosen, Encoder, failed};
use super::vectors::{Near, Of};
use super::worker::Worker;
use super::{Archive, ArchiveError, database, fuse, table};
use runtime::embed::Packed;
use rusqlite::Connection;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

/// New texts that a question embeds on its way; when more lack a vector it goes without them.
const ON_THE_WAY: usize = 8;
/// How often the background looks for texts without a vector: those of documents, and of other processes.
const LOOK: Duration = Duration::from_secs(5);

/// The encoder that is used now, whoever chose it: shared by all in this process who ask for meaning.
#[derive(Clone, Default)]
pub(crate) struct Meaning(Arc<Inside>);

#[derive(Default)]
struct Inside {
    /// Runs the encoder. Nobody has said who would: then there is none.
    executable: OnceLock<PathBuf>,
    encoder: Mutex<Option<Arc<Encoder>>>,
}

/// A question with its vector.
pub(crate) struct Meant {
    encoder: Arc<Encoder>,
    vector: Packed,
}

/// Vectors of texts that lie in no table of the archive, for whoever keeps the texts.
#[derive(Default)]
pub(crate) struct Vectors {
    /// The encoder that made them.
    encoder: String,
    of: HashMap<String, Packed>,
}

impl Vectors {
    pub fn keep(&mut self, is_there: impl Fn(&str) -> bool) {
        self.of.retain(|text, _| is_there(text));
    }
}

impl Meaning {
    fn encoder(&self, database: &Connection) -> Result<Option<Arc<Encoder>>, ArchiveError> {
        let executable = self.0.executable.get();
        let is_of_use = |chosen: &Chosen| match chosen.is_built_in() {
            true => table::chosen().as_ref() == Some(chosen),
            false => executable.is_some(),
        };
        let chosen =
            encoder::chosen(database).map_err(failed("read which encoder is used"))?.filter(is_of_use);
        let mut now = self.0.encoder.lock().unwrap_or_else(PoisonError::into_inner);
        if now.as_ref().map(|now| &now.chosen) != chosen.as_ref() {
            *now = chosen.map(|chosen| {
                Arc::new(Encoder::of(chosen, executable.map(PathBuf::as_path).unwrap_or(Path::new(""))))
            });
        }
        Ok(now.clone())
    }

    /// The vector of a question, once for all who search by it; what is new gets its own on the way. `None`: there is
    /// neither an encoder nor a table.
    pub fn of(&self, database: &Mutex<Connection>, text: &str) -> Result<Option<Meant>, ArchiveError> {
        let encoder = self.encoder(&database.lock().unwrap_or_else(PoisonError::into_inner))?;
        let Some(encoder) = encoder else { return Ok(None) };
        encoder.make_some(database, ON_THE_WAY)?;
        let vector = encoder.question(text)?;
        Ok(Some(Meant { encoder, vector }))
    }

    /// After forgetting: nothing of it stays in memory either.
    pub fn let_go(&self) {
        if let Some(encoder) = &*self.0.encoder.lock().unwrap_or_else(PoisonError::into_inner) {
            encoder.let_go();
        }
    }
}

impl Meant {
    pub fn encoder(&self) -> &str {
        &self.encoder.chosen.name
    }

    /// By words and meaning, with the weight that the words have beside this encoder; 0 to 1.
    pub fn fused(&self, words: f32, cosine: Option<f32>) -> f32 {
        fuse::fused(words, cosine, if self.is_built_in() { fuse::WORDS_BESIDE_TABLE } else { fuse::WORDS })
    }

    fn is_built_in(&self) -> bool {
        self.encoder.chosen.is_built_in()
    }

    /// The cosine of another text with it, whose vector is made once.
    pub fn cosine(&self, text: &str, known: &mut Vectors) -> Result<f32, ArchiveError> {
        if known.encoder != self.encoder.chosen.id {
            *known = Vectors { encoder: self.encoder.chosen.id.clone(), of: HashMap::new() };
        }
        if !known.of.contains_key(text) {
            known.of.insert(text.to_owned(), self.encoder.embed(text)?);
        }
        let other = known.of.get(text);
        Ok(other.and_then(|other| self.vector.cosine(other.scale, other.bytes())).unwrap_or(0.0))
    }

    pub fn near<'a>(
        &self,
        database: &Connection,
        of: Of,
        limit: usize,
        others: impl Iterator<Item = &'a str>,
    ) -> Result<Near, ArchiveError> {
        let mut near = self.encoder.near(database, of, &self.vector, limit, others)?;
        if self.is_built_in() {
            near.nearest.retain(|(_, cosine)| *cosine >= table::LEAST);
        }
        Ok(near)
    }
}

impl Archive {
    /// The vector of a question for who decides by its cosines; `None` without an encoder, because those of the built-in
    /// table only rank. The second: why the one that was chosen cannot be used.
    pub(crate) fn meant(&self, text: &str) -> Result<(Option<Meant>, Option<String>), ArchiveError> {
        if self.encoder().is_none_or(|encoder| encoder.is_built_in()) {
            return Ok((None, None));
        }
        self.meant_to_rank(text)
    }

    /// The same for who ranks by them.
    pub(crate) fn meant_to_rank(&self, text: &str) -> Result<(Option<Meant>, Option<String>), ArchiveError> {
        match self.meaning.of(&self.database, text) {
            Err(ArchiveError::Encoder(error)) => Ok((None, Some(error.to_string()))),
            meant => Ok((meant?, None)),
        }
    }

    /// From now on search goes by meaning as well: by the encoder that was chosen, which `executable` runs, or by the
    /// built-in table.
    pub fn understand(&self, executable: &Path) -> Result<(), ArchiveError> {
        let _ = self.meaning.0.executable.set(executable.into());
        table::settle(&self.database()).map_err(failed("use the built-in vectors"))?;
        let Some(encoder) = self.meaning.encoder(&self.database())? else { return Ok(()) };
        if Encoder::is_another(&encoder.chosen) {
            match self.choose_encoder(executable, &encoder.chosen.folder) {
                Err(ArchiveError::Encoder(_) | ArchiveError::Files { .. }) => {}
                other => return other,
            }
        }
        encoder.begin();
        Ok(())
    }

    /// The encoder that search uses, or the built-in table.
    pub fn encoder(&self) -> Option<Chosen> {
        let encoder = self.meaning.encoder(&self.database()).ok()??;
        Some(encoder.chosen.clone())
    }

    /// Uses the encoder in this folder; vectors of another one go.
    pub fn choose_encoder(&self, executable: &Path, folder: &Path) -> Result<(), ArchiveError> {
        let _ = self.meaning.0.executable.set(executable.into());
        let encoder = Encoder::choose(&self.database, executable, folder)?;
        *self.meaning.0.encoder.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(encoder));
        if let Some(embedder) = &*self.embedder.lock().unwrap_or_else(PoisonError::into_inner) {
            embedder.wake();
        }
        Ok(())
    }

    /// Numbers of a vector of the built-in table, where that is used.
    pub fn built_in(&self) -> Option<usize> {
        self.encoder().filter(Chosen::is_built_in).and(table::table()).map(|table| table.width())
    }

    /// Uses none but the built-in table; its vectors go.
    pub fn drop_encoder(&self) -> Result<(), ArchiveError> {
        encoder::drop_choice(&self.database()).map_err(failed("remove the vectors"))
    }

    /// Gives some past answers and passages the vectors that they lack, in one transaction. Gives how many: 0 when none
    /// lacks one.
    pub fn embed_some(&self) -> Result<usize, ArchiveError> {
        let encoder = self.meaning.encoder(&self.database())?.ok_or(ArchiveError::NoEncoder)?;
        encoder.make_some(&self.database, BATCH)
    }

    /// Past answers and passages that have a vector of the encoder, and all that should have one.
    pub fn embedded(&self) -> Result<(u64, u64), ArchiveError> {
        self.database()
            .query_row("SELECT (SELECT count(*) FROM signs), (SELECT count(*) FROM meanings)", [], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })
            .map_err(failed("count the vectors"))
    }

    /// Makes the vectors that are missing on a thread of its own, now and whenever some are, until this archive is gone.
    pub fn embed_in_background(&self) -> Result<(), ArchiveError> {
        let (database, meaning) = (Mutex::new(database::open(&self.home)?), self.meaning());
        let worker = Worker::start("embed", Some(LOOK), move || {
            let encoder = meaning.encoder(&database.lock().unwrap_or_else(PoisonError::into_inner));
            // What fails now is tried again at the next look.
            encoder.ok().flatten().is_some_and(|encoder| encoder.make_some(&database, BATCH).unwrap_or(0) > 0)
        });
        let path = self.home.root().to_path_buf();
        let worker =
            worker.map_err(|source| ArchiveError::Files { doing: "start a thread for", path, source })?;
        worker.wake();
        *self.embedder.lock().unwrap_or_else(PoisonError::into_inner) = Some(worker);
        Ok(())
    }
}
