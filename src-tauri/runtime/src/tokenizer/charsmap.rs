//! SentencePiece's table of characters and what they are normalised to: a double array of prefixes, then the texts.
//!
//! Layout: u32 length of the array in bytes; the array, u32 each; texts that end with a zero byte. An entry: bits 0 to 7
//! the label, bit 8 has a value, bit 9 the offset is shifted by 8, bits 10 to 30 the offset; a value entry has bit 31.
//! Source: Kanda, "Space- and time-efficient string dictionaries" (2018); SentencePiece's normaliser.

use crate::gguf::{Array, GgufError, Header, Value};

pub(super) struct CharsMap {
    entries: Vec<u32>,
    texts: String,
}

const KEY: &str = "tokenizer.ggml.precompiled_charsmap";

impl CharsMap {
    /// The table of a file; `None` when it has none.
    pub fn read(header: &Header) -> Result<Option<CharsMap>, GgufError> {
        let bytes: Vec<u8> = match header.get(KEY) {
            None => return Ok(None),
            Some(Value::Array(Array::U8(bytes))) => bytes.clone(),
            Some(Value::Array(Array::I8(bytes))) => bytes.iter().map(|&byte| byte as u8).collect(),
            Some(other) => {
                return Err(header.error(KEY, format!("is {} where an array of bytes belongs", other.kind())));
            }
        };
        if bytes.is_empty() {
            return Ok(None);
        }
        let short = || header.error(KEY, format!("is cut off: it has {} bytes", bytes.len()));
        let size = bytes.first_chunk().map(|&size| u32::from_le_bytes(size) as usize).ok_or_else(short)?;
        let rest = &bytes[4..];
        let (array, texts) = rest.split_at_checked(size).ok_or_else(short)?;
        if !size.is_multiple_of(4) {
            return Err(header.error(KEY, format!("its array has {size} bytes, not a multiple of 4")));
        }
        let entries =
            array.chunks_exact(4).map(|chunk| u32::from_le_bytes([chunk[0], chunk[1], chunk[2], chunk[3]]));
        let texts =
            String::from_utf8(texts.to_vec()).map_err(|_| header.error(KEY, "its texts are not UTF-8"))?;
        if !texts.is_empty() && !texts.ends_with('\0') {
            return Err(header.error(KEY, "its last text has no end"));
        }
        Ok(Some(CharsMap { entries: entries.collect(), texts }))
    }

    /// The longest beginning of `text` that the table has: its bytes, and what it becomes.
    pub fn longest(&self, text: &str) -> Option<(usize, &str)> {
        let entry = |index: usize| self.entries.get(index).copied();
        let offset = |entry: u32| ((entry >> 10) << ((entry & (1 << 9)) >> 6)) as usize;
        let mut index = offset(entry(0)?);
        let mut found = None;
        for (place, byte) in text.bytes().enumerate() {
            index ^= byte as usize;
            let Some(here) = entry(index) else { break };
            if byte == 0 || here & (1 << 31 | 0xff) != u32::from(byte) {
                break;
            }
            index ^= offset(here);
            if here & (1 << 8) != 0 && text.is_char_boundary(place + 1) {
                let value = entry(index).map(|value| (value & !(1 << 31)) as usize);
                let becomes = value.and_then(|at| self.texts.get(at..)?.split('\0').next());
                found = becomes.map(|becomes| (place + 1, becomes)).or(found);
            }
        }
        found
    }
}
