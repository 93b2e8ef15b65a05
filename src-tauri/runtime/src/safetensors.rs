//! Safetensors: the file format in which models are published before they are converted. Reads the header of an
//! untrusted file.
//!
//! In:     a path
//! Out:    where each tensor lies, of what type and shape, every one checked; the file's notes about itself
//! Fails:  [`SafetensorsError`] with the file, the place and the way out
//! Cost:   the header's own bytes and less than as much again, whatever they say; no weights are read
//! Source: the format's description and its reference reader, huggingface/safetensors 0.6
//!
//! The header is JSON of one shape, so its own small scanner reads it in place: it takes no memory, keeps no names, and
//! has no depth that a file could exhaust.

use std::fs::File;
use std::io::{BufRead, BufReader, Seek};
use std::path::{Path, PathBuf};

use crate::gguf;

/// Largest header. The reference reader takes 100 MB; the largest that are published have some megabytes.
const HEADER: u64 = 32 << 20;
/// Most dimensions of a tensor.
const RANK: usize = 8;
/// The key that is no tensor: a map of texts.
const NOTES: &str = "__metadata__";

/// (name in the file, bits of one value)
const DTYPES: &[(&str, u64)] = &[
    ("BOOL", 8),
    ("F4", 4),
    ("F6_E2M3", 6),
    ("F6_E3M2", 6),
    ("F8_E5M2", 8),
    ("F8_E4M3", 8),
    ("F8_E8M0", 8),
    ("U8", 8),
    ("I8", 8),
    ("U16", 16),
    ("I16", 16),
    ("F16", 16),
    ("BF16", 16),
    ("U32", 32),
    ("I32", 32),
    ("F32", 32),
    ("U64", 64),
    ("I64", 64),
    ("F64", 64),
    ("C64", 64),
];

/// A safetensors file that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{}: {problem}", .path.display())]
pub struct SafetensorsError {
    pub path: PathBuf,
    pub problem: Problem,
}

#[derive(Debug, thiserror::Error)]
pub enum Problem {
    #[error("the file cannot be read: {0}")]
    Unreadable(String),
    #[error("not a safetensors file: {0}")]
    Other(String),
    #[error("the header: {needed} bytes, but the file has {left} left")]
    Truncated { needed: u64, left: u64 },
    #[error("the header has {0} bytes; at most {HEADER} are accepted")]
    TooLong(u64),
    #[error("header, byte {at}: {why}")]
    Json { at: usize, why: String },
    #[error("tensor \"{name}\": {why}")]
    Tensor { name: String, why: String },
    #[error("\"{0}\" appears twice")]
    Duplicate(String),
    #[error("bytes {from} to {to} of the data belong to no tensor")]
    Gap { from: u64, to: u64 },
    #[error("the tensors \"{first}\" and \"{second}\" overlap at byte {at} of the data")]
    Overlap { first: String, second: String, at: u64 },
    #[error("the tensors end at byte {end} of the data, but the file has {size} bytes of it")]
    Size { end: u64, size: u64 },
}

impl SafetensorsError {
    /// Stable name for programs.
    pub fn code(&self) -> &'static str {
        match self.problem {
            Problem::Unreadable(_) => "model.unreadable",
            Problem::Other(_) => "model.not_safetensors",
            Problem::Truncated { .. } => "model.truncated",
            _ => "model.malformed",
        }
    }

    /// What to do about it.
    pub fn fix(&self) -> &'static str {
        match self.problem {
            Problem::Unreadable(_) => "Check the path and the file's permissions.",
            Problem::Other(_) => "Choose a model file in the safetensors format.",
            Problem::Truncated { .. } | Problem::Size { .. } => {
                "The download did not finish: download the file again."
            }
            _ => "The file is damaged or was made by a faulty tool: download it again from its source.",
        }
    }
}

/// A checked header. The tensors cover the data without gap or overlap, to the last byte of the file.
#[derive(Debug)]
pub struct Header {
    path: PathBuf,
    /// The JSON as it stands in the file.
    bytes: Vec<u8>,
    /// Where each tensor's name begins in `bytes`, by name.
    tensors: Vec<u32>,
    /// Where each note's key begins in `bytes`, by key.
    notes: Vec<u32>,
}

/// One tensor's description.
#[derive(Clone, Debug, PartialEq)]
pub struct TensorInfo {
    pub name: String,
    /// As the file names it, one of 20: "F32", "BF16", …
    pub dtype: &'static str,
    /// The last dimension is the one that is contiguous in memory; none for a single number.
    pub shape: Vec<u64>,
    /// From the start of the file.
    pub offset: u64,
    pub bytes: u64,
}

impl Header {
    /// Reads and checks the header of the file at `path`.
    pub fn read(path: &Path) -> Result<Header, SafetensorsError> {
        let fail = |why: String| error(path, Problem::Unreadable(why));
        let file: File = gguf::open(path).map_err(|error| fail(error.problem.to_string()))?;
        let size = file.metadata().map_err(|error| fail(error.to_string()))?.len();
        Header::parse(BufReader::with_capacity(1 << 13, file), size, path)
    }

    /// Reads and checks a header from any source of `size` bytes.
    pub fn parse(
        mut source: impl BufRead + Seek,
        size: u64,
        path: &Path,
    ) -> Result<Header, SafetensorsError> {
        let fail = |problem| error(path, problem);
        let unreadable = |error: std::io::Error| fail(Problem::Unreadable(error.to_string()));
        if size < 8 {
            return Err(fail(Problem::Other(format!("it has {size} bytes"))));
        }
        let mut length = [0; 8];
        source.rewind().and_then(|()| source.read_exact(&mut length)).map_err(unreadable)?;
        let length = u64::from_le_bytes(length);
        let first = source.fill_buf().map_err(unreadable)?.first().copied();
        if first.is_some_and(|first| first != b'{') {
            return Err(fail(Problem::Other("the header does not begin with \"{\"".into())));
        }
        if length > HEADER {
            return Err(fail(Problem::TooLong(length)));
        }
        if length > size - 8 {
            return Err(fail(Problem::Truncated { needed: length, left: size - 8 }));
        }
        let mut bytes = vec![0; length as usize];
        source.read_exact(&mut bytes).map_err(unreadable)?;
        let header = Header { path: path.to_path_buf(), bytes, tensors: Vec::new(), notes: Vec::new() };
        header.check(size - 8 - length)
    }

    /// `data`: bytes that follow the header.
    fn check(mut self, data: u64) -> Result<Header, SafetensorsError> {
        if let Err(wrong) = std::str::from_utf8(&self.bytes) {
            return Err(self.error(Problem::Json { at: wrong.valid_up_to(), why: "it is not UTF-8".into() }));
        }
        // Once to count, so that no memory is taken in vain; once to keep where each entry is.
        let (mut tensors, mut notes) = (0, 0);
        self.walk(&mut |_| tensors += 1, &mut |_| notes += 1)?;
        let (mut of_tensors, mut of_notes) = (Vec::with_capacity(tensors), Vec::with_capacity(notes));
        self.walk(&mut |at| of_tensors.push(at), &mut |at| of_notes.push(at))?;

        of_tensors.sort_unstable_by_key(|&at| self.place(at));
        let mut end = 0;
        let mut before: Option<u32> = None;
        for &at in &of_tensors {
            let (begin, next) = self.place(at);
            if begin > end {
                return Err(self.error(Problem::Gap { from: end, to: begin }));
            }
            if let Some(before) = before.filter(|_| begin < end) {
                let (first, second) = (self.name(before).to_owned(), self.name(at).to_owned());
                return Err(self.error(Problem::Overlap { first, second, at: begin }));
            }
            end = next;
            before = Some(at);
        }
        if end != data {
            return Err(self.error(Problem::Size { end, size: data }));
        }
        for of in [&mut of_tensors, &mut of_notes] {
            of.sort_unstable_by_key(|&at| self.name(at));
            if let Some(pair) = of.windows(2).find(|pair| self.name(pair[0]) == self.name(pair[1])) {
                return Err(self.error(Problem::Duplicate(self.name(pair[0]).to_owned())));
            }
        }
        (self.tensors, self.notes) = (of_tensors, of_notes);
        Ok(self)
    }

    /// Goes through the whole header and says where each tensor and each note begins.
    fn walk(
        &self,
        on_tensor: &mut dyn FnMut(u32),
        on_note: &mut dyn FnMut(u32),
    ) -> Result<(), SafetensorsError> {
        let mut scan = self.scan(0);
        let mut has_notes = false;
        scan.map(|scan, at, key| {
            if key != NOTES {
                on_tensor(at);
                return scan.tensor(key).map(drop);
            }
            if std::mem::replace(&mut has_notes, true) {
                return Err(scan.problem(Problem::Duplicate(NOTES.into())));
            }
            scan.map(|scan, at, _| {
                on_note(at);
                scan.text().map(drop)
            })
        })?;
        // The header is filled up with spaces.
        scan.spaces();
        if scan.at < self.bytes.len() { scan.wrong("something follows the header's end") } else { Ok(()) }
    }

    fn error(&self, problem: Problem) -> SafetensorsError {
        error(&self.path, problem)
    }

    fn scan(&self, at: usize) -> Scan<'_> {
        Scan { bytes: &self.bytes, at, path: &self.path }
    }

    /// The key that begins at `at`.
    fn name(&self, at: u32) -> &str {
        self.scan(at as usize).key().expect("every entry was read when the file was checked")
    }

    fn entry(&self, at: u32) -> Entry<'_> {
        let mut scan = self.scan(at as usize);
        let entry = scan.key().and_then(|name| {
            scan.byte(b':')?;
            scan.tensor(name)
        });
        entry.expect("every entry was read when the file was checked")
    }

    /// First byte of a tensor's data and the one after its last, from the start of the data.
    fn place(&self, at: u32) -> (u64, u64) {
        self.entry(at).data
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where the tensors begin in the file.
    pub fn data_start(&self) -> u64 {
        8 + self.bytes.len() as u64
    }

    fn info(&self, entry: Entry<'_>) -> TensorInfo {
        TensorInfo {
            name: entry.name.to_owned(),
            dtype: entry.dtype,
            shape: entry.shape[..entry.rank].to_vec(),
            offset: self.data_start() + entry.data.0,
            bytes: entry.data.1 - entry.data.0,
        }
    }

    /// All tensors by name.
    pub fn tensors(&self) -> impl ExactSizeIterator<Item = TensorInfo> {
        self.tensors.iter().map(|&at| self.info(self.entry(at)))
    }

    pub fn tensor(&self, name: &str) -> Option<TensorInfo> {
        let index = self.tensors.binary_search_by(|&at| self.name(at).cmp(name)).ok()?;
        Some(self.info(self.entry(self.tensors[index])))
    }

    /// What the file says about itself under `key`.
    pub fn note(&self, key: &str) -> Option<String> {
        let index = self.notes.binary_search_by(|&at| self.name(at).cmp(key)).ok()?;
        let mut scan = self.scan(self.notes[index] as usize);
        scan.key().and_then(|_| scan.byte(b':')).ok()?;
        let text = scan.text().ok()?;
        serde_json::from_str(&format!("\"{text}\"")).ok()
    }
}

fn error(path: &Path, problem: Problem) -> SafetensorsError {
    SafetensorsError { path: path.to_path_buf(), problem }
}

/// A tensor's description as it stands in the header.
struct Entry<'a> {
    name: &'a str,
    dtype: &'static str,
    rank: usize,
    shape: [u64; RANK],
    data: (u64, u64),
}

/// Reads JSON of this one shape.
struct Scan<'a> {
    bytes: &'a [u8],
    at: usize,
    path: &'a Path,
}

type Read<T> = Result<T, SafetensorsError>;

impl<'a> Scan<'a> {
    fn problem(&self, problem: Problem) -> SafetensorsError {
        error(self.path, problem)
    }

    fn wrong<T>(&self, why: &str) -> Read<T> {
        Err(self.problem(Problem::Json { at: self.at, why: why.into() }))
    }

    fn spaces(&mut self) {
        while matches!(self.bytes.get(self.at), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            self.at += 1;
        }
    }

    /// The next byte that is no space.
    fn next(&mut self) -> Option<u8> {
        self.spaces();
        self.bytes.get(self.at).copied()
    }

    fn byte(&mut self, wanted: u8) -> Read<()> {
        if self.next() != Some(wanted) {
            return self.wrong(&format!("\"{}\" belongs here", char::from(wanted)));
        }
        self.at += 1;
        Ok(())
    }

    /// After an item: `true` when another one follows, `false` after the closing byte.
    fn more(&mut self, close: u8) -> Read<bool> {
        match self.next() {
            Some(b',') => {
                self.at += 1;
                Ok(true)
            }
            _ => self.byte(close).map(|()| false),
        }
    }

    /// An object; `read` gets where each key begins, and the key, and reads the value.
    fn map(&mut self, mut read: impl FnMut(&mut Self, u32, &'a str) -> Read<()>) -> Read<()> {
        self.byte(b'{')?;
        if self.next() == Some(b'}') {
            self.at += 1;
            return Ok(());
        }
        loop {
            self.spaces();
            let at = self.at as u32;
            let key = self.key()?;
            self.byte(b':')?;
            read(self, at, key)?;
            if !self.more(b'}')? {
                return Ok(());
            }
        }
    }

    /// A text without its quotes, as it is written: its escapes are checked and left as they are.
    fn text(&mut self) -> Read<&'a str> {
        self.byte(b'"')?;
        let start = self.at;
        loop {
            match self.bytes.get(self.at) {
                None => return self.wrong("a text has no end"),
                Some(b'"') => break,
                Some(b'\\') => {
                    self.at += 1;
                    match self.bytes.get(self.at) {
                        Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.at += 1,
                        Some(b'u') => {
                            let digits = self.bytes.get(self.at + 1..self.at + 5);
                            if !digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit)) {
                                return self.wrong("\\u needs four hexadecimal digits");
                            }
                            self.at += 5;
                        }
                        _ => return self.wrong("there is no such escape"),
                    }
                }
                Some(0..0x20) => return self.wrong("a control character stands in a text"),
                Some(_) => self.at += 1,
            }
        }
        let text = std::str::from_utf8(&self.bytes[start..self.at]);
        self.at += 1;
        text.or_else(|_| self.wrong("it is not UTF-8"))
    }

    /// A key. With escapes it could be written in several ways, and so be there twice unseen.
    fn key(&mut self) -> Read<&'a str> {
        let key = self.text()?;
        if key.contains(['\\', '\u{7f}']) {
            return self.wrong("a name has an escape or a control character");
        }
        Ok(key)
    }

    fn number(&mut self) -> Read<u64> {
        self.spaces();
        let start = self.at;
        let mut number = 0u64;
        while let Some(digit) = self.bytes.get(self.at).filter(|byte| byte.is_ascii_digit()) {
            let next = number.checked_mul(10).and_then(|ten| ten.checked_add(u64::from(digit - b'0')));
            let Some(next) = next else { return self.wrong("a number is larger than 64 bits") };
            number = next;
            self.at += 1;
        }
        let digits = &self.bytes[start..self.at];
        if digits.is_empty() || digits.len() > 1 && digits[0] == b'0' {
            return self.wrong("a whole number of at least 0 belongs here");
        }
        Ok(number)
    }

    /// Numbers in brackets; gives how many there are.
    fn numbers(&mut self, into: &mut [u64]) -> Read<usize> {
        self.byte(b'[')?;
        let mut count = 0;
        if self.next() == Some(b']') {
            self.at += 1;
            return Ok(0);
        }
        loop {
            let number = self.number()?;
            match into.get_mut(count) {
                Some(place) => *place = number,
                None => return self.wrong(&format!("more than {} numbers", into.len())),
            }
            count += 1;
            if !self.more(b']')? {
                return Ok(count);
            }
        }
    }

    /// The description of the tensor `name`; its parts fit each other.
    fn tensor(&mut self, name: &'a str) -> Read<Entry<'a>> {
        let path = self.path;
        let fail = |why: String| error(path, Problem::Tensor { name: name.to_owned(), why });
        let (mut dtype, mut shape, mut data) = (None, None, None);
        self.map(|scan, _, key| {
            let twice = match key {
                "dtype" => dtype.replace(scan.text()?).is_some(),
                "shape" => {
                    let mut dims = [1; RANK];
                    let rank = scan.numbers(&mut dims)?;
                    shape.replace((rank, dims)).is_some()
                }
                "data_offsets" => {
                    let mut ends = [0; 2];
                    if scan.numbers(&mut ends)? != 2 {
                        return Err(fail("data_offsets are not two numbers".into()));
                    }
                    data.replace((ends[0], ends[1])).is_some()
                }
                other => return Err(fail(format!("there is no field \"{other}\""))),
            };
            if twice { Err(fail(format!("\"{key}\" appears twice"))) } else { Ok(()) }
        })?;
        let (Some(dtype), Some((rank, shape)), Some(data)) = (dtype, shape, data) else {
            return Err(fail("dtype, shape and data_offsets are not all there".into()));
        };
        let Some(&(dtype, bits)) = DTYPES.iter().find(|(name, _)| *name == dtype) else {
            return Err(fail(format!("the type {dtype:?} is not known")));
        };
        let values = shape[..rank].iter().try_fold(1u64, |product, &dim| product.checked_mul(dim));
        let Some(bits) = values.and_then(|values| values.checked_mul(bits)) else {
            return Err(fail(format!("the size of its shape {:?} is too large", &shape[..rank])));
        };
        if !bits.is_multiple_of(8) {
            return Err(fail(format!("{bits} bits do not fill whole bytes")));
        }
        if data.1.checked_sub(data.0) != Some(bits / 8) {
            return Err(fail(format!("data_offsets {data:?} are not the {} bytes of its shape", bits / 8)));
        }
        Ok(Entry { name, dtype, rank, shape, data })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(json: &str, data: usize) -> Vec<u8> {
        let mut bytes = (json.len() as u64).to_le_bytes().to_vec();
        bytes.extend(json.as_bytes());
        bytes.resize(bytes.len() + data, 0);
        bytes
    }

    fn parse(bytes: &[u8]) -> Result<Header, SafetensorsError> {
        Header::parse(std::io::Cursor::new(bytes), bytes.len() as u64, Path::new("some.safetensors"))
    }

    const TWO: &str = r#"{"__metadata__":{"format":"p\u0074"},
        "b":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},
        "a":{"data_offsets":[24,26],"shape":[],"dtype":"BF16"}}   "#;

    #[test]
    fn a_sound_header_is_read() {
        let header = parse(&file(TWO, 26)).unwrap();
        let start = 8 + TWO.len() as u64;
        let a = TensorInfo { name: "a".into(), dtype: "BF16", shape: vec![], offset: start + 24, bytes: 2 };
        let b = TensorInfo { name: "b".into(), dtype: "F32", shape: vec![2, 3], offset: start, bytes: 24 };
        assert_eq!(header.tensors().collect::<Vec<_>>(), [a.clone(), b]);
        assert_eq!(header.tensor("a"), Some(a));
        assert_eq!(header.tensor("c"), None);
        assert_eq!((header.note("format").as_deref(), header.note("a")), (Some("pt"), None));
        assert!(parse(&file("{}", 0)).is_ok());
    }

    #[test]
    fn what_is_wrong_is_named() {
        let one = |rest: &str| format!("{{\"t\":{{{rest}}}}}");
        let sized = |shape: &str, ends: &str| {
            one(&format!("\"dtype\":\"F32\",\"shape\":[{shape}],\"data_offsets\":[{ends}]"))
        };
        let cases: Vec<(String, usize, &str)> = vec![
            (sized("2", "0,8"), 7, "end at byte 8"),
            (sized("2", "0,8"), 9, "end at byte 8"),
            (sized("2", "0,9"), 9, "not the 8 bytes"),
            (sized("2", "8,0"), 8, "not the 8 bytes"),
            (sized("2", "4,12"), 12, "bytes 0 to 4"),
            (sized("4294967296,4294967296", "0,8"), 8, "too large"),
            (sized("4611686018427387904", "0,0"), 0, "too large"),
            (sized("18446744073709551616", "0,0"), 0, "larger than 64 bits"),
            (sized("1,1,1,1,1,1,1,1,1", "0,4"), 4, "more than 8"),
            (sized("-1", "0,4"), 4, "whole number"),
            (sized("01", "0,4"), 4, "whole number"),
            (sized("1.0", "0,4"), 4, "\"]\" belongs"),
            (sized("1", "0,4,4"), 4, "more than 2"),
            (sized("1", "4"), 4, "not two numbers"),
            (one("\"dtype\":\"F32\",\"shape\":[1]"), 4, "not all there"),
            (
                one("\"dtype\":\"F32\",\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]"),
                4,
                "appears twice",
            ),
            (one("\"dtype\":\"F33\",\"shape\":[1],\"data_offsets\":[0,4]"), 4, "F33"),
            (one("\"dtype\":\"F4\",\"shape\":[1],\"data_offsets\":[0,1]"), 1, "whole bytes"),
            (one("\"more\":1"), 4, "no field"),
            (TWO.replace("\"b\"", "\"a\""), 26, "\"a\" appears twice"),
            (TWO.replace("[24,26]", "[0,2]"), 24, "overlap"),
            (TWO.replace("\"b\"", "\"\\u0062\""), 26, "escape"),
            (
                TWO.replace("{\"format\":\"p\\u0074\"}", "{\"a\":\"1\",\"a\":\"2\"}"),
                26,
                "\"a\" appears twice",
            ),
            (TWO.replace("\"p\\u0074\"", "7"), 26, "belongs here"),
            (TWO.replace("\"b\"", "\"__metadata__\""), 26, "\"__metadata__\" appears twice"),
            (TWO.trim_end().to_owned() + "x", 26, "something follows"),
            ("{".into(), 0, "belongs here"),
            ("{\"t".into(), 0, "no end"),
            ("[]".into(), 0, "does not begin"),
        ];
        for (json, data, words) in cases {
            let error = parse(&file(&json, data)).expect_err(&json);
            let text = error.to_string();
            assert!(text.contains(words) && text.contains("some.safetensors"), "\"{text}\" says {words}");
            assert!(!error.fix().is_empty() && !error.code().is_empty());
        }
        let lengths = [(u64::MAX, "accepted"), (HEADER + 1, "accepted"), (HEADER, "left")];
        for (length, words) in lengths {
            let mut bytes = file(TWO, 26);
            bytes[..8].copy_from_slice(&length.to_le_bytes());
            let text = parse(&bytes).unwrap_err().to_string();
            assert!(text.contains(words), "{text} says {words}");
        }
        assert!(parse(b"GGUF").is_err() && parse(b"").is_err());
    }
}
