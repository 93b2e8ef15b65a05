//! Walks over the bytes of a header in order and knows at every byte how many are left: a length is believed only when
//! there are bytes for it. [`measure`] finds where the header ends without keeping any of it; [`Reader`] then checks
//! every byte of it, and takes values out of it when they are asked for.

use std::io::BufRead;
use std::path::Path;

use super::value::{Array, Strings, Value};
use super::{GgufError, Problem};

/// Largest header: metadata and descriptions of tensors. The largest known (vocabularies of 260,000 tokens with their
/// merges) have about 20 MB.
pub(super) const HEADER: u64 = 128 << 20;
/// Most dimensions of a tensor, from ggml.
pub(super) const RANK: u32 = 4;
/// Arrays inside arrays: no known file has any; a few levels are read, thousands are an attack on the stack.
const DEPTH: u32 = 4;
/// Arrays inside arrays of one file; each costs more memory than the 12 bytes that it takes there.
const NESTED: u64 = 1 << 16;

/// Type numbers of metadata values in the file.
const BOOL: u32 = 7;
pub(super) const TEXT: u32 = 8;
pub(super) const ARRAY: u32 = 9;

/// Bytes of a value of this type; `None` for texts, arrays and numbers that are no type.
fn fixed(kind: u32) -> Option<u64> {
    match kind {
        0 | 1 | BOOL => Some(1),
        2 | 3 => Some(2),
        4..=6 => Some(4),
        10..=12 => Some(8),
        _ => None,
    }
}

/// Where the header ends, in bytes from the start, or how far it makes sense: [`Reader`] then finds at that very place
/// what is wrong, and says it better. Takes no memory of its own.
pub(super) fn measure(source: impl BufRead, size: u64) -> std::io::Result<u64> {
    let mut ruler = Ruler { source, position: 0, size: size.min(HEADER), nested: 0 };
    ruler.header()?;
    Ok(ruler.position)
}

struct Ruler<R> {
    source: R,
    position: u64,
    size: u64,
    nested: u64,
}

/// `None`: it makes no sense from here on.
type Sense = std::io::Result<Option<()>>;

macro_rules! sense {
    ($step:expr) => {
        match $step? {
            Some(value) => value,
            None => return Ok(None),
        }
    };
}

impl<R: BufRead> Ruler<R> {
    fn header(&mut self) -> Sense {
        sense!(self.skip(4));
        sense!(self.skip(4));
        let tensors = sense!(self.number(8));
        let keys = sense!(self.number(8));
        for _ in 0..keys {
            sense!(self.text());
            let kind = sense!(self.number(4)) as u32;
            sense!(self.value(kind, 0));
        }
        for _ in 0..tensors {
            sense!(self.text());
            let rank = sense!(self.number(4));
            if rank > RANK.into() {
                return Ok(None);
            }
            sense!(self.skip(8 * rank + 4 + 8));
        }
        Ok(Some(()))
    }

    fn value(&mut self, kind: u32, depth: u32) -> Sense {
        match kind {
            TEXT => self.text(),
            ARRAY => {
                let kind = sense!(self.number(4)) as u32;
                let count = sense!(self.number(8));
                if let Some(each) = fixed(kind) {
                    return self.skip(count.saturating_mul(each));
                }
                if kind == ARRAY {
                    self.nested = self.nested.saturating_add(count);
                    if depth + 1 >= DEPTH || self.nested > NESTED {
                        return Ok(None);
                    }
                }
                for _ in 0..count {
                    sense!(self.value(kind, depth + 1));
                }
                Ok(Some(()))
            }
            other => match fixed(other) {
                Some(bytes) => self.skip(bytes),
                None => Ok(None),
            },
        }
    }

    fn text(&mut self) -> Sense {
        let length = sense!(self.number(8));
        self.skip(length)
    }

    /// A number of 4 or 8 bytes.
    fn number(&mut self, bytes: usize) -> std::io::Result<Option<u64>> {
        if self.size - self.position < bytes as u64 {
            return Ok(None);
        }
        let mut number = [0; 8];
        self.source.read_exact(&mut number[..bytes])?;
        self.position += bytes as u64;
        Ok(Some(u64::from_le_bytes(number)))
    }

    fn skip(&mut self, bytes: u64) -> Sense {
        if self.size - self.position < bytes {
            return Ok(None);
        }
        let mut left = bytes;
        while left > 0 {
            let there = self.source.fill_buf()?.len();
            if there == 0 {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
            let taken = left.min(there as u64);
            self.source.consume(taken as usize);
            left -= taken;
        }
        self.position += bytes;
        Ok(Some(()))
    }
}

/// Reads the header's bytes in order.
pub(super) struct Reader<'a> {
    /// The header.
    bytes: &'a [u8],
    position: usize,
    /// Of the whole file.
    size: u64,
    path: &'a Path,
    nested: u64,
}

impl<'a> Reader<'a> {
    pub fn new(bytes: &'a [u8], position: usize, size: u64, path: &'a Path) -> Self {
        Reader { bytes, position, size, path, nested: 0 }
    }

    pub fn position(&self) -> usize {
        self.position
    }

    pub fn path(&self) -> &'a Path {
        self.path
    }

    /// The type number that comes next.
    pub fn peek_kind(&self) -> Option<u32> {
        let (kind, _) = self.bytes.get(self.position..)?.split_first_chunk()?;
        Some(u32::from_le_bytes(*kind))
    }

    fn fail<T>(&self, problem: Problem) -> Result<T, GgufError> {
        Err(GgufError::new(self.path, problem))
    }

    fn wrong<T>(&self, field: &str, why: String) -> Result<T, GgufError> {
        self.fail(Problem::Field { field: field.to_owned(), why })
    }

    /// The file must have `count` times `each` bytes left.
    pub fn expect(&self, field: &str, count: u64, each: u64) -> Result<u64, GgufError> {
        let needed = count.saturating_mul(each);
        let left = self.size.saturating_sub(self.position as u64);
        if needed > left {
            return self.fail(Problem::Truncated { field: field.to_owned(), needed, left });
        }
        Ok(needed)
    }

    fn take(&mut self, field: &str, count: u64, each: u64) -> Result<&'a [u8], GgufError> {
        let needed = self.expect(field, count, each)?;
        let end = (self.position as u64).checked_add(needed);
        match end.and_then(|end| self.bytes.get(self.position..usize::try_from(end).ok()?)) {
            Some(taken) => {
                self.position += taken.len();
                Ok(taken)
            }
            None if end.is_none_or(|end| end > HEADER) => {
                let count = end.unwrap_or(u64::MAX);
                self.fail(Problem::TooMany { field: format!("{field}: header bytes"), count, limit: HEADER })
            }
            None => self.fail(Problem::Unreadable(format!("{field}: the file changed while it was read"))),
        }
    }

    fn number<const N: usize>(&mut self, field: &str) -> Result<[u8; N], GgufError> {
        let taken = self.take(field, 1, N as u64)?;
        Ok(taken.try_into().expect("as many bytes as were asked for"))
    }

    pub fn bytes4(&mut self, field: &str) -> Result<[u8; 4], GgufError> {
        self.number(field)
    }

    pub fn u32(&mut self, field: &str) -> Result<u32, GgufError> {
        Ok(u32::from_le_bytes(self.number(field)?))
    }

    pub fn u64(&mut self, field: &str) -> Result<u64, GgufError> {
        Ok(u64::from_le_bytes(self.number(field)?))
    }

    pub fn text(&mut self, field: &str) -> Result<&'a str, GgufError> {
        let length = self.u64(field)?;
        let bytes = self.take(field, length, 1)?;
        match std::str::from_utf8(bytes) {
            Ok(text) => Ok(text),
            Err(_) => self.wrong(field, "the text is not UTF-8".into()),
        }
    }

    /// Checks a value and goes past it; takes no memory.
    pub fn pass(&mut self, field: &str) -> Result<(), GgufError> {
        let kind = self.u32(field)?;
        self.pass_kind(field, kind, 0)
    }

    fn pass_kind(&mut self, field: &str, kind: u32, depth: u32) -> Result<(), GgufError> {
        match kind {
            BOOL => self.bools(field, 1).map(drop),
            TEXT => self.text(field).map(drop),
            ARRAY => self.pass_array(field, depth),
            other => match fixed(other) {
                Some(bytes) => self.take(field, 1, bytes).map(drop),
                None => self.unknown(field, kind),
            },
        }
    }

    fn pass_array(&mut self, field: &str, depth: u32) -> Result<(), GgufError> {
        let (kind, count) = (self.u32(field)?, self.u64(field)?);
        match kind {
            BOOL => return self.bools(field, count).map(drop),
            TEXT => self.expect(field, count, 8)?,
            ARRAY => self.nest(field, count, depth)?,
            other => match fixed(other) {
                Some(each) => return self.take(field, count, each).map(drop),
                None => return self.unknown(field, kind),
            },
        };
        for _ in 0..count {
            self.pass_kind(field, kind, depth + 1)?;
        }
        Ok(())
    }

    fn bools(&mut self, field: &str, count: u64) -> Result<&'a [u8], GgufError> {
        let taken = self.take(field, count, 1)?;
        match taken.iter().find(|&&byte| byte > 1) {
            Some(other) => self.wrong(field, format!("{other} where true (1) or false (0) belongs")),
            None => Ok(taken),
        }
    }

    fn nest(&mut self, field: &str, count: u64, depth: u32) -> Result<u64, GgufError> {
        self.nested = self.nested.saturating_add(count);
        if depth + 1 >= DEPTH {
            return self.wrong(field, format!("arrays are nested more than {DEPTH} deep"));
        }
        if self.nested > NESTED {
            let (field, count) = (format!("{field}: arrays in arrays"), self.nested);
            return self.fail(Problem::TooMany { field, count, limit: NESTED });
        }
        self.expect(field, count, 12)
    }

    fn unknown<T>(&self, field: &str, kind: u32) -> Result<T, GgufError> {
        self.wrong(field, format!("value type {kind} does not exist"))
    }

    /// Takes a value out.
    pub fn value(&mut self, field: &str) -> Result<Value, GgufError> {
        let kind = self.u32(field)?;
        Ok(match kind {
            0 => Value::U8(self.number::<1>(field)?[0]),
            1 => Value::I8(i8::from_le_bytes(self.number(field)?)),
            2 => Value::U16(u16::from_le_bytes(self.number(field)?)),
            3 => Value::I16(i16::from_le_bytes(self.number(field)?)),
            4 => Value::U32(self.u32(field)?),
            5 => Value::I32(i32::from_le_bytes(self.number(field)?)),
            6 => Value::F32(f32::from_le_bytes(self.number(field)?)),
            BOOL => Value::Bool(self.bools(field, 1)?[0] == 1),
            TEXT => Value::Text(self.text(field)?.to_owned()),
            ARRAY => Value::Array(self.array(field, 0)?),
            10 => Value::U64(self.u64(field)?),
            11 => Value::I64(i64::from_le_bytes(self.number(field)?)),
            12 => Value::F64(f64::from_le_bytes(self.number(field)?)),
            _ => return self.unknown(field, kind),
        })
    }

    fn array(&mut self, field: &str, depth: u32) -> Result<Array, GgufError> {
        let (kind, count) = (self.u32(field)?, self.u64(field)?);
        Ok(match kind {
            0 => Array::U8(self.take(field, count, 1)?.to_vec()),
            1 => Array::I8(self.numbers(field, count, i8::from_le_bytes)?),
            2 => Array::U16(self.numbers(field, count, u16::from_le_bytes)?),
            3 => Array::I16(self.numbers(field, count, i16::from_le_bytes)?),
            4 => Array::U32(self.numbers(field, count, u32::from_le_bytes)?),
            5 => Array::I32(self.numbers(field, count, i32::from_le_bytes)?),
            6 => Array::F32(self.numbers(field, count, f32::from_le_bytes)?),
            BOOL => Array::Bool(self.bools(field, count)?.iter().map(|&byte| byte == 1).collect()),
            TEXT => Array::Text(self.texts(field, count)?),
            ARRAY => {
                self.nest(field, count, depth)?;
                Array::Nested((0..count).map(|_| self.array(field, depth + 1)).collect::<Result<_, _>>()?)
            }
            10 => Array::U64(self.numbers(field, count, u64::from_le_bytes)?),
            11 => Array::I64(self.numbers(field, count, i64::from_le_bytes)?),
            12 => Array::F64(self.numbers(field, count, f64::from_le_bytes)?),
            _ => return self.unknown(field, kind),
        })
    }

    fn numbers<const N: usize, T>(
        &mut self,
        field: &str,
        count: u64,
        read: fn([u8; N]) -> T,
    ) -> Result<Vec<T>, GgufError> {
        let (numbers, _) = self.take(field, count, N as u64)?.as_chunks();
        Ok(numbers.iter().map(|&bytes| read(bytes)).collect())
    }

    /// Walks over them twice: first for their size, so that no memory is taken in vain.
    fn texts(&mut self, field: &str, count: u64) -> Result<Strings, GgufError> {
        self.expect(field, count, 8)?;
        let start = self.position;
        let mut bytes = 0;
        for _ in 0..count {
            bytes += self.text(field)?.len();
        }
        self.position = start;
        let mut all = Strings::with_capacity(count as usize, bytes);
        for _ in 0..count {
            all.push(self.text(field)?);
        }
        Ok(all)
    }
}
