//! Reads the parts of a header in order and knows at every byte how many are left: a length is believed only when the
//! file is long enough for it.

use std::io::Read;
use std::path::Path;

use super::value::{Array, Strings, Value};
use super::{GgufError, Problem};

/// Arrays inside arrays: no known file has any; a few levels are read, thousands are an attack on the stack.
const DEPTH: u32 = 4;
/// Arrays inside one array; each costs more memory than the 12 bytes that it takes in the file.
const NESTED: u64 = 1 << 16;

pub(super) struct Reader<'a, R> {
    source: R,
    path: &'a Path,
    position: u64,
    size: u64,
    nested: u64,
}

/// Type numbers of metadata values in the file.
const TEXT: u32 = 8;
const ARRAY: u32 = 9;

impl<'a, R: Read> Reader<'a, R> {
    pub fn new(source: R, size: u64, path: &'a Path) -> Self {
        Reader { source, path, position: 0, size, nested: 0 }
    }

    pub fn position(&self) -> u64 {
        self.position
    }

    fn left(&self) -> u64 {
        self.size.saturating_sub(self.position)
    }

    fn fail<T>(&self, problem: Problem) -> Result<T, GgufError> {
        Err(GgufError::new(self.path, problem))
    }

    /// The file must have `count` times `each` bytes left.
    pub fn expect(&self, field: &str, count: u64, each: u64) -> Result<u64, GgufError> {
        let needed = count.saturating_mul(each);
        if needed > self.left() {
            return self.fail(Problem::Truncated { field: field.to_owned(), needed, left: self.left() });
        }
        Ok(needed)
    }

    fn fill(&mut self, field: &str, bytes: &mut [u8]) -> Result<(), GgufError> {
        self.expect(field, bytes.len() as u64, 1)?;
        if let Err(error) = self.source.read_exact(bytes) {
            return self.fail(Problem::Unreadable(format!("{field}: {error}")));
        }
        self.position += bytes.len() as u64;
        Ok(())
    }

    fn number<const N: usize>(&mut self, field: &str) -> Result<[u8; N], GgufError> {
        let mut bytes = [0; N];
        self.fill(field, &mut bytes)?;
        Ok(bytes)
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

    pub fn string(&mut self, field: &str) -> Result<String, GgufError> {
        let length = self.u64(field)?;
        let length = self.expect(field, length, 1)? as usize;
        let mut bytes = vec![0; length];
        self.fill(field, &mut bytes)?;
        match String::from_utf8(bytes) {
            Ok(text) => Ok(text),
            Err(_) => {
                self.fail(Problem::Field { field: field.to_owned(), why: "the text is not UTF-8".into() })
            }
        }
    }

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
            7 => Value::Bool(self.number::<1>(field)?[0] != 0),
            TEXT => Value::Text(self.string(field)?),
            ARRAY => Value::Array(self.array(field, 0)?),
            10 => Value::U64(self.u64(field)?),
            11 => Value::I64(i64::from_le_bytes(self.number(field)?)),
            12 => Value::F64(f64::from_le_bytes(self.number(field)?)),
            _ => return self.unknown(field, kind),
        })
    }

    fn unknown<T>(&self, field: &str, kind: u32) -> Result<T, GgufError> {
        self.fail(Problem::Field {
            field: field.to_owned(),
            why: format!("value type {kind} does not exist"),
        })
    }

    fn array(&mut self, field: &str, depth: u32) -> Result<Array, GgufError> {
        let kind = self.u32(field)?;
        let count = self.u64(field)?;
        Ok(match kind {
            0 => Array::U8(self.numbers(field, count, u8::from_le_bytes)?),
            1 => Array::I8(self.numbers(field, count, i8::from_le_bytes)?),
            2 => Array::U16(self.numbers(field, count, u16::from_le_bytes)?),
            3 => Array::I16(self.numbers(field, count, i16::from_le_bytes)?),
            4 => Array::U32(self.numbers(field, count, u32::from_le_bytes)?),
            5 => Array::I32(self.numbers(field, count, i32::from_le_bytes)?),
            6 => Array::F32(self.numbers(field, count, f32::from_le_bytes)?),
            7 => Array::Bool(self.numbers(field, count, |[byte]: [u8; 1]| byte != 0)?),
            TEXT => Array::Text(self.strings(field, count)?),
            ARRAY => Array::Nested(self.arrays(field, count, depth)?),
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
        self.expect(field, count, N as u64)?;
        let mut all = Vec::with_capacity(count as usize);
        for _ in 0..count {
            all.push(read(self.number(field)?));
        }
        Ok(all)
    }

    fn strings(&mut self, field: &str, count: u64) -> Result<Strings, GgufError> {
        self.expect(field, count, 8)?;
        let mut all = Strings::with_capacity(count as usize);
        for _ in 0..count {
            all.push(&self.string(field)?);
        }
        Ok(all)
    }

    fn arrays(&mut self, field: &str, count: u64, depth: u32) -> Result<Vec<Array>, GgufError> {
        self.expect(field, count, 12)?;
        self.nested = self.nested.saturating_add(count);
        if depth + 1 >= DEPTH {
            let why = format!("arrays are nested more than {DEPTH} deep");
            return self.fail(Problem::Field { field: field.to_owned(), why });
        }
        if self.nested > NESTED {
            return self.fail(Problem::TooMany {
                field: field.to_owned(),
                count: self.nested,
                limit: NESTED,
            });
        }
        let mut all = Vec::new();
        for _ in 0..count {
            all.push(self.array(field, depth + 1)?);
        }
        Ok(all)
    }
}
