//! Vectors: in SQLite, eight bits a number with one scale each, and of each its signs in a table of their own. The signs are
//! read into memory and searched; the vectors of the best few are read from their rows and compared.

use runtime::embed::{Nearest, Packed};
use rusqlite::{Connection, OptionalExtension, params};
use std::collections::HashMap;

/// What a vector is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Of {
    PastAnswers,
    Passages,
}

impl Of {
    fn column(self) -> &'static str {
        match self {
            Of::PastAnswers => "past_answer",
            Of::Passages => "passage",
        }
    }
}

/// Ids near a text with their cosines, nearest first, and the cosines of others that were asked for.
#[derive(Debug, Default)]
pub(crate) struct Near {
    pub nearest: Vec<(String, f32)>,
    pub of: HashMap<String, f32>,
}

/// A copy of the signs of one kind. What was deleted since is still in it, until its row is asked for or it is let go.
#[derive(Default)]
pub(super) struct Signs {
    newest: i64,
    pub nearest: Nearest,
}

impl Signs {
    /// Reads what came since. The rows of one encoder have one width; another one is passed over.
    pub fn follow(&mut self, database: &Connection, of: Of) -> rusqlite::Result<()> {
        let sql = "SELECT number, bits FROM signs WHERE number > ?1 AND passage = ?2 ORDER BY number";
        let mut rows = database.prepare_cached(sql)?;
        let mut rows = rows.query(params![self.newest, of == Of::Passages])?;
        while let Some(row) = rows.next()? {
            self.newest = row.get(0)?;
            self.nearest.push(self.newest, row.get_ref(1)?.as_blob()?);
        }
        Ok(())
    }
}

/// Stores the vectors of rows that lack one. Gives of how many: a row may have been forgotten meanwhile.
pub(super) fn store(
    database: &Connection,
    vectors: impl Iterator<Item = (i64, Packed)>,
) -> rusqlite::Result<usize> {
    // The row without numbers goes: what it is of is unique.
    let mut vector = database.prepare_cached(
        "INSERT OR REPLACE INTO meanings (past_answer, passage, scale, numbers)
         SELECT past_answer, passage, ?2, ?3 FROM meanings WHERE number = ?1",
    )?;
    let mut signs = database.prepare_cached(
        "INSERT INTO signs (number, passage, bits) SELECT number, passage IS NOT NULL, ?2 FROM meanings WHERE number = ?1",
    )?;
    let mut made = 0;
    for (number, packed) in vectors {
        if vector.execute(params![number, packed.scale, packed.bytes()])? > 0 {
            made += signs.execute(params![database.last_insert_rowid(), packed.signs()])?;
        }
    }
    Ok(made)
}

/// The nearest of the candidates, and the cosines of `others`.
pub(super) fn near<'a>(
    database: &Connection,
    of: Of,
    asked: &Packed,
    candidates: &[i64],
    limit: usize,
    others: impl Iterator<Item = &'a str>,
) -> rusqlite::Result<Near> {
    let cosine = |row: &rusqlite::Row<'_>| -> rusqlite::Result<Option<f32>> {
        let scale: Option<f32> = row.get(0)?;
        Ok(scale
            .zip(row.get_ref(1)?.as_blob_or_null()?)
            .and_then(|(scale, bytes)| asked.cosine(scale, bytes)))
    };
    let mut vector = database.prepare_cached("SELECT scale, numbers FROM meanings WHERE number = ?1")?;
    let mut best: Vec<(f32, i64)> = Vec::with_capacity(candidates.len());
    for &number in candidates {
        // Gone from the database: it is gone.
        let cosine = vector.query_row([number], cosine).optional()?.flatten();
        best.extend(cosine.map(|cosine| (cosine, number)));
    }
    let nearer = |a: &(f32, i64), b: &(f32, i64)| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1));
    if best.len() > limit {
        best.select_nth_unstable_by(limit, nearer);
        best.truncate(limit);
    }
    best.sort_by(nearer);
    let mut near = Near::default();
    let sql = format!("SELECT {} FROM meanings WHERE number = ?1", of.column());
    let mut id = database.prepare_cached(&sql)?;
    for (cosine, number) in best {
        near.nearest.push((id.query_row([number], |row| row.get(0))?, cosine));
    }
    let sql = format!("SELECT scale, numbers FROM meanings WHERE {} = ?1", of.column());
    let mut vector = database.prepare_cached(&sql)?;
    for other in others {
        let cosine = vector.query_row([other], cosine).optional()?.flatten();
        near.of.extend(cosine.map(|cosine| (other.to_owned(), cosine)));
    }
    Ok(near)
}
