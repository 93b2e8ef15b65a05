//! Table: a row of numbers for each word piece; the vector of a text is the sum of the rows of its pieces, at length 1. It
//! needs no process and no download, and means the same on every machine and after every restart.
//!
//! In:     the bytes of a table file; a text
//! Out:    a vector of length 1, or of nothing for a text without words
//! Fails:  [`TableError`] when a file is not what it claims; a text never makes it fail
//! Cost:   some ten microseconds for a short text; the numbers stay where the bytes are
//! Source: smooth inverse frequency (Arora, Liang, Ma, "A Simple but Tough-to-Beat Baseline for Sentence Embeddings", 2017)
//!         on rows distilled from an encoder (Reimers, Gurevych, arXiv:1908.10084); `lab/src/vectors.rs` makes them
//!
//! The file, little end first: "LTVT", then as u32 version, width, pieces and bytes of the list; the list of pieces, one a
//! line, as `vocab.txt` writes them; a scale for each piece (f32); the numbers, (pieces, width), one signed byte each.

use super::Packed;
use crate::tokenizer::Words;
use std::borrow::Cow;

const MAGIC: [u8; 4] = *b"LTVT";
const VERSION: u32 = 1;
/// Some times what is of use.
const WIDTH: u32 = 4096;
const PIECES: u32 = 1 << 20;
const LIST_BYTES: u32 = 32 << 20;
/// Pieces of a text that are read.
const READ: usize = 512;

#[derive(Debug, thiserror::Error, PartialEq)]
pub enum TableError {
    #[error("not a table of vectors")]
    Magic,
    #[error("table of vectors of version {0}; this build reads {VERSION}")]
    Version(u32),
    #[error("the table of vectors has {found} bytes where {needed} belong")]
    Size { needed: u64, found: u64 },
    #[error("table of vectors: {field}: {why}")]
    Field { field: String, why: String },
}

/// A checked table.
pub struct Table {
    words: Words,
    width: usize,
    /// (pieces)
    scales: Vec<f32>,
    bytes: Cow<'static, [u8]>,
    /// Where the numbers begin; (pieces, width)
    numbers: usize,
}

impl Table {
    pub fn load(bytes: impl Into<Cow<'static, [u8]>>) -> Result<Table, TableError> {
        let bytes = bytes.into();
        let found = bytes.len() as u64;
        let size = |needed: u64| TableError::Size { needed, found };
        if !bytes.starts_with(&MAGIC) {
            return Err(TableError::Magic);
        }
        let number = |at: usize| {
            let four = bytes.get(at..at + 4).and_then(|four| four.try_into().ok());
            four.map(u32::from_le_bytes).ok_or_else(|| size(at as u64 + 4))
        };
        let version = number(4)?;
        if version != VERSION {
            return Err(TableError::Version(version));
        }
        let (width, pieces, list) = (number(8)?, number(12)?, number(16)?);
        for (name, value, most) in
            [("width", width, WIDTH), ("pieces", pieces, PIECES), ("list", list, LIST_BYTES)]
        {
            if value == 0 || value > most {
                return Err(field(name, format!("is {value}; 1 to {most} are possible")));
            }
        }
        // None of these can overflow: 2^20 rows of 2^12 bytes.
        let (width, pieces) = (width as usize, pieces as usize);
        let scales = 20 + list as usize;
        let numbers = scales + 4 * pieces;
        let needed = numbers as u64 + pieces as u64 * width as u64;
        if found != needed {
            return Err(size(needed));
        }
        let text =
            std::str::from_utf8(&bytes[20..scales]).map_err(|error| field("list", error.to_string()))?;
        let words = Words::read(text, true, true).map_err(|(name, why)| field(&name, why))?;
        if words.len() != pieces {
            return Err(field("list", format!("has {} pieces where {pieces} belong", words.len())));
        }
        let scales: Vec<f32> = bytes[scales..numbers]
            .chunks_exact(4)
            .map(|four| f32::from_le_bytes([four[0], four[1], four[2], four[3]]))
            .collect();
        if let Some(row) = scales.iter().position(|scale| !(scale.is_finite() && *scale >= 0.0)) {
            return Err(field("scales", format!("that of row {row} is {}", scales[row])));
        }
        Ok(Table { words, width, scales, bytes, numbers })
    }

    /// The file of a table. `list`: pieces as `vocab.txt` writes them, one for each row; rows have one width.
    pub fn write(list: &str, rows: &[Packed]) -> Result<Vec<u8>, TableError> {
        let width = rows.first().map_or(0, |row| row.numbers.len());
        if let Some(row) = rows.iter().position(|row| row.numbers.len() != width) {
            return Err(field("rows", format!("row {row} is not {width} wide")));
        }
        let mut out = MAGIC.to_vec();
        for number in [VERSION as usize, width, rows.len(), list.len()] {
            let number =
                u32::try_from(number).map_err(|_| field("size", format!("{number} is too large")))?;
            out.extend(number.to_le_bytes());
        }
        out.extend(list.as_bytes());
        rows.iter().for_each(|row| out.extend(row.scale.to_le_bytes()));
        rows.iter().for_each(|row| out.extend(bytemuck::cast_slice::<i8, u8>(&row.numbers)));
        Table::load(out.clone())?;
        Ok(out)
    }

    /// Numbers of a vector.
    pub fn width(&self) -> usize {
        self.width
    }

    /// The sum of the rows of a text, of its beginning where it is long: for who adds texts up.
    pub fn sum(&self, text: &str) -> Vec<f32> {
        let mut pieces = Vec::new();
        self.words.encode(text, READ, &mut pieces);
        let rows: &[i8] = bytemuck::cast_slice(&self.bytes[self.numbers..]);
        let mut sum = vec![0.0f32; self.width];
        for piece in pieces {
            let piece = piece as usize;
            let scale = self.scales[piece];
            let row = &rows[piece * self.width..][..self.width];
            sum.iter_mut().zip(row).for_each(|(sum, &number)| *sum += scale * f32::from(number));
        }
        sum
    }

    /// The vector of a text, of its beginning where it is long; nothing but zeros when it has no words.
    pub fn embed(&self, text: &str) -> Vec<f32> {
        let mut sum = self.sum(text);
        let length = sum.iter().map(|x| x * x).sum::<f32>().sqrt();
        // Squares of less have no digits left.
        if length.is_finite() && length > 1e-15 {
            sum.iter_mut().for_each(|x| *x /= length);
            sum
        } else {
            vec![0.0; self.width]
        }
    }
}

fn field(field: &str, why: String) -> TableError {
    TableError::Field { field: field.into(), why }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const LIST: &str = "[UNK]\ncat\n##s\ndog";

    fn toy() -> Vec<u8> {
        let rows = [[0.0, 0.0], [3.0, 4.0], [0.5, -0.5], [4.0, -3.0]];
        Table::write(LIST, &rows.map(|row| Packed::of(&row))).unwrap()
    }

    fn near(vector: &[f32], expected: [f32; 2]) {
        // Eight bits a number: half of 1/127 of a row's largest, over the length of the sum.
        assert!(
            vector.iter().zip(expected).all(|(a, b)| (a - b).abs() < 0.01),
            "{vector:?} and {expected:?}"
        );
    }

    #[test]
    fn a_text_is_the_sum_of_its_pieces_at_length_one() {
        let table = Table::load(toy()).unwrap();
        assert_eq!(table.width(), 2);
        near(&table.embed("Cat"), [0.6, 0.8]);
        // (3 + 4, 4 - 3) / sqrt(50)
        near(&table.embed("cat DOG"), [0.98995, 0.141_42]);
        // (3.5, 3.5) / sqrt(24.5)
        near(&table.embed("cats"), [std::f32::consts::FRAC_1_SQRT_2; 2]);
        assert_eq!(table.embed(""), [0.0, 0.0]);
        assert_eq!(table.embed("?"), [0.0, 0.0], "what the list has not is the unknown piece");
    }

    #[test]
    fn what_a_damaged_file_says_is_named() {
        let why = |change: &dyn Fn(&mut Vec<u8>)| {
            let mut bytes = toy();
            change(&mut bytes);
            Table::load(bytes).err().map(|error| error.to_string()).unwrap_or_default()
        };
        assert_eq!(why(&|bytes| bytes[0] = 0), "not a table of vectors");
        assert!(why(&|bytes| bytes[4] = 9).contains("version 9"));
        assert!(why(&|bytes| bytes[8..12].fill(0xff)).contains("width: is 4294967295"));
        assert!(why(&|bytes| bytes[12..16].fill(0)).contains("pieces: is 0"));
        assert!(why(&|bytes| bytes[16..20].fill(0x7f)).contains("list: is"));
        assert!(why(&|bytes| bytes[12] = 5).contains("belong"));
        assert!(why(&|bytes| bytes[20] = 0xff).contains("list: invalid utf-8"));
        assert!(why(&|bytes| bytes[21] = b'V').contains("[UNK]: the word is absent"));
        assert!(why(&|bytes| bytes[29] = b' ').contains("list: has 3 pieces where 4 belong"));
        let scales = 20 + LIST.len();
        assert!(why(&|bytes| bytes[scales + 4..scales + 8].fill(0xff)).contains("scales: that of row 1"));
        let bytes = toy();
        for end in 0..bytes.len() {
            assert!(Table::load(bytes[..end].to_vec()).is_err(), "cut at {end}");
        }
        assert!(Table::load([bytes, vec![0]].concat()).is_err(), "longer than it says");
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(at in 0usize..60, value: u8, text in "\\PC{0,40}") {
            let mut bytes = toy();
            if let Some(byte) = bytes.get_mut(at) {
                *byte = value;
            }
            if let Ok(table) = Table::load(bytes) {
                let squares: f32 = table.embed(&text).iter().map(|x| x * x).sum();
                prop_assert!(squares == 0.0 || (squares - 1.0).abs() < 1e-4);
            }
        }
    }
}
