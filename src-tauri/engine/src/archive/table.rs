//! Table: the vectors that are built in, used where no encoder was chosen. They rank what search finds and decide nothing:
//! their cosines tell which of two is nearer, and not whether either is near.

use super::Entry;
use super::encoder::{self, Chosen};
use super::vectors::{self, Of};
use runtime::embed::{Packed, Table};
use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior};
use std::sync::OnceLock;

// `VECTORS`: the file and its sha256, where it is shipped.
include!(concat!(env!("OUT_DIR"), "/vectors.rs"));

pub(super) const NAME: &str = "built-in";
/// Texts that get their vector between two looks at the database.
pub(super) const BATCH: usize = 1024;

/// What shares no word with a question is found from this cosine on. In Natural Questions 97 % of
/// the passages that answer a question have it, and 16 % of the others.
pub(super) const LEAST: f32 = 0.35;

/// Read when it is wanted first. `None`: this program was built without it.
pub(crate) fn table() -> Option<&'static Table> {
    static TABLE: OnceLock<Option<Table>> = OnceLock::new();
    TABLE.get_or_init(|| VECTORS.and_then(|(bytes, _)| Table::load(bytes).ok())).as_ref()
}

/// The vector of question and answer, each of which counts half whatever its length, or of heading and text, of which the
/// heading counts as any words. Measured: halves are worse for passages by 0.007 of nDCG@10 (Natural Questions), and one
/// sum for past answers by 0.021 and 0.011 (StackFAQ, CovidFAQ).
pub(super) fn vector(table: &Table, of: Of, first: &str, second: &str) -> Packed {
    if of == Of::Passages {
        return Packed::of(&table.embed(&format!("{first}\n{second}")));
    }
    let mut sum = table.embed(first);
    sum.iter_mut().zip(table.embed(second)).for_each(|(sum, x)| *sum += x);
    let length = sum.iter().map(|x| x * x).sum::<f32>().sqrt();
    if length > 0.0 {
        sum.iter_mut().for_each(|x| *x /= length);
    }
    Packed::of(&sum)
}

/// What the database says where it is used: its digest, and no folder.
pub(super) fn chosen() -> Option<Chosen> {
    let (bytes, sha256) = VECTORS?;
    Some(Chosen {
        id: sha256.into(),
        name: NAME.into(),
        folder: Default::default(),
        bytes: bytes.len() as u64,
        modified: 0,
    })
}

/// Uses it where no encoder was chosen, in the place of another table as well.
pub(super) fn settle(database: &Connection) -> rusqlite::Result<()> {
    let Some(own) = chosen() else { return Ok(()) };
    let is_settled = |now: Option<Chosen>| now.is_some_and(|now| now == own || !now.is_built_in());
    if is_settled(encoder::chosen(database)?) {
        return Ok(());
    }
    let step = Transaction::new_unchecked(database, TransactionBehavior::Immediate)?;
    if !is_settled(encoder::chosen(&step)?) {
        encoder::put(&step, &own)?;
    }
    step.commit()
}

/// A past answer that is learned gets its vector with it.
pub(super) fn learn(database: &Connection, entry: &Entry) -> rusqlite::Result<()> {
    let used = encoder::chosen(database)?;
    let Some(table) = used.filter(|used| chosen().as_ref() == Some(used)).and_then(|_| table()) else {
        return Ok(());
    };
    let packed = vector(table, Of::PastAnswers, &entry.question, &entry.answer);
    let number = database
        .prepare_cached("SELECT number FROM meanings WHERE past_answer = ?1 AND numbers IS NULL")?
        .query_row([&entry.id], |row| row.get(0))
        .optional()?;
    vectors::store(database, number.map(|number| (number, packed)).into_iter()).map(|_| ())
}
