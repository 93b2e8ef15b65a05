//! The header of a GGUF file: metadata and where each tensor lies.

use std::fs::File;
use std::io::{BufRead, BufReader, Seek};
use std::path::{Path, PathBuf};

use super::dtype::Dtype;
use super::reader::{ARRAY, RANK, Reader, TEXT, measure};
use super::value::{Array, Strings, Value};
use super::{GgufError, MAGIC, Problem};

/// More keys than any file has (real ones: about 40).
const KEYS: u64 = 1 << 16;
/// More tensors than any file has (real ones: up to about 2,000; one expert a tensor, 20,000).
const TENSORS: u64 = 1 << 17;
/// Longest name of a key or a tensor; the specification allows 64 KiB for keys and 64 bytes for tensors.
const NAME: usize = 65_535;

/// A checked header. Every tensor in it lies inside the file, aligned, and overlaps no other.
///
/// It is kept as its own bytes with an index of 4 bytes an entry, so that it never takes twice its size, whatever is in it.
#[derive(Debug)]
pub struct Header {
    path: PathBuf,
    version: u32,
    size: u64,
    alignment: u64,
    data_start: u64,
    /// The file's first bytes, as far as the header goes.
    bytes: Vec<u8>,
    /// Where each key's entry begins in `bytes`, by name.
    keys: Vec<u32>,
    /// Where each tensor's entry begins in `bytes`, by name.
    tensors: Vec<u32>,
    first_tensor: usize,
}

/// Magic, version and the two counts.
const FIRST_KEY: usize = 24;

/// One tensor's description.
#[derive(Clone, Debug, PartialEq)]
pub struct TensorInfo {
    pub name: String,
    /// As in the file: the first dimension is the one that is contiguous in memory.
    pub dims: Vec<u64>,
    pub dtype: Dtype,
    /// From the start of the file.
    pub offset: u64,
    pub bytes: u64,
}

impl TensorInfo {
    /// How many numbers it holds.
    pub fn values(&self) -> u64 {
        self.dims.iter().product()
    }
}

/// All tensors of a header, in the file's order.
#[derive(Clone, Copy)]
pub struct Tensors<'a> {
    header: &'a Header,
}

impl<'a> Tensors<'a> {
    pub fn len(&self) -> usize {
        self.header.tensors.len()
    }

    pub fn is_empty(&self) -> bool {
        self.header.tensors.is_empty()
    }

    pub fn iter(&self) -> impl Iterator<Item = TensorInfo> + use<'a> {
        let header = self.header;
        let mut reader = header.reader(header.first_tensor);
        (0..self.len()).filter_map(move |_| Entry::read(&mut reader, header.alignment).ok()?.info(header))
    }
}

impl<'a> IntoIterator for Tensors<'a> {
    type Item = TensorInfo;
    type IntoIter = Box<dyn Iterator<Item = TensorInfo> + 'a>;

    fn into_iter(self) -> Self::IntoIter {
        Box::new(self.iter())
    }
}

impl Header {
    /// Reads and checks the header of the file at `path`.
    pub fn read(path: &Path) -> Result<Header, GgufError> {
        let file = open(path)?;
        Header::read_from(&file, path)
    }

    /// Reads and checks the header of an open file; `path` is its name in messages.
    pub fn read_from(file: &File, path: &Path) -> Result<Header, GgufError> {
        let fail = |error: std::io::Error| GgufError::new(path, Problem::Unreadable(error.to_string()));
        let size = file.metadata().map_err(fail)?.len();
        Header::parse(BufReader::with_capacity(1 << 13, file), size, path)
    }

    /// Reads and checks a header from any source of `size` bytes.
    pub fn parse(mut source: impl BufRead + Seek, size: u64, path: &Path) -> Result<Header, GgufError> {
        let fail = |problem| GgufError::new(path, problem);
        let unreadable = |error: std::io::Error| fail(Problem::Unreadable(error.to_string()));
        if size == 0 {
            return Err(fail(Problem::Empty));
        }
        source.rewind().map_err(unreadable)?;
        let mut magic = [0; 4];
        let there = magic.len().min(size as usize);
        source.read_exact(&mut magic[..there]).map_err(unreadable)?;
        if magic != MAGIC && there == magic.len() {
            let text = magic.iter().all(|byte| byte.is_ascii_graphic() || byte.is_ascii_whitespace());
            return Err(fail(Problem::Magic { found: format!("\"{}\"", magic.escape_ascii()), text }));
        }
        source.rewind().map_err(unreadable)?;
        let length = measure(&mut source, size).map_err(unreadable)?;
        source.rewind().map_err(unreadable)?;
        let mut bytes = vec![0; length as usize];
        source.read_exact(&mut bytes).map_err(unreadable)?;
        Header::check(bytes, size, path)
    }

    /// Checks every byte. `bytes`: the file's first, as far as the header goes.
    fn check(bytes: Vec<u8>, size: u64, path: &Path) -> Result<Header, GgufError> {
        let fail = |problem| GgufError::new(path, problem);
        let mut reader = Reader::new(&bytes, 0, size, path);
        reader.bytes4("magic")?;
        let version = reader.u32("version")?;
        match version {
            2 | 3 => {}
            other if (1..=3).contains(&other.swap_bytes()) => return Err(fail(Problem::BigEndian)),
            other => return Err(fail(Problem::Version(other))),
        }
        let tensor_count = reader.u64("tensor count")?;
        let key_count = reader.u64("key count")?;
        at_most(path, "tensor count", tensor_count, TENSORS)?;
        at_most(path, "key count", key_count, KEYS)?;
        // The least bytes that a key (length, one letter, type, one byte) and a tensor can take.
        reader.expect("key count", key_count, 8 + 1 + 4 + 1)?;
        reader.expect("tensor count", tensor_count, 8 + 1 + 4 + 8 + 4 + 8)?;

        // No more than there are bytes for: a walk that is broken off must not have taken memory for the rest.
        let mut keys = Vec::with_capacity((key_count as usize).min(bytes.len() / 14));
        for number in 0..key_count {
            keys.push(reader.position() as u32);
            let key = reader.text(&format!("name of key {number}"))?;
            name_is_good(path, "key", key)?;
            reader.pass(key)?;
        }
        let first_tensor = reader.position();
        let mut header = Header {
            path: path.to_path_buf(),
            version,
            size,
            alignment: 32,
            data_start: 0,
            bytes: Vec::new(),
            keys,
            tensors: Vec::new(),
            first_tensor,
        };
        header.bytes = bytes;
        let mut keys = std::mem::take(&mut header.keys);
        keys.sort_unstable_by_key(|&at| header.name_at(at));
        if let Some(pair) = keys.windows(2).find(|pair| header.name_at(pair[0]) == header.name_at(pair[1])) {
            return Err(fail(Problem::DuplicateKey(header.name_at(pair[0]).to_owned())));
        }
        header.keys = keys;
        if let Some(alignment) = header.u64("general.alignment")? {
            if !alignment.is_power_of_two() || alignment > 1 << 20 {
                let why = format!("{alignment} is not a power of two between 1 and {}", 1 << 20);
                return Err(GgufError::field(path, "general.alignment", why));
            }
            header.alignment = alignment;
        }
        if let Some(count) = header.u64("split.count")?.filter(|&count| count > 1) {
            let number = header.u64("split.no")?.unwrap_or(0).saturating_add(1);
            return Err(fail(Problem::Split { number, count }));
        }
        header.place(tensor_count)?;
        Ok(header)
    }

    /// Checks each tensor's description, then that all of them lie inside the file and apart.
    fn place(&mut self, count: u64) -> Result<(), GgufError> {
        let path = self.path.as_path();
        let mut tensors = Vec::with_capacity((count as usize).min(self.bytes.len() / 33));
        let mut reader = self.reader(self.first_tensor);
        for number in 0..count {
            tensors.push(reader.position() as u32);
            let name = Reader::new(&self.bytes, reader.position(), self.size, path)
                .text(&format!("name of tensor {number}"))?;
            name_is_good(path, "tensor", name)?;
            Entry::read(&mut reader, self.alignment)?;
        }
        let end = reader.position() as u64;
        self.data_start = end.next_multiple_of(self.alignment);
        for &at in &tensors {
            let entry = self.entry(at);
            if self.end_of(&entry).is_none_or(|end| end > self.size) {
                let offset = self.data_start.saturating_add(entry.offset);
                let (needed, left) = (entry.bytes, self.size.saturating_sub(offset));
                let field = format!("tensor \"{}\" at byte {offset}", entry.name);
                return Err(GgufError::new(path, Problem::Truncated { field, needed, left }));
            }
        }
        tensors.sort_unstable_by_key(|&at| self.entry(at).offset);
        for pair in tensors.windows(2) {
            let (first, second) = (self.entry(pair[0]), self.entry(pair[1]));
            if first.offset + first.bytes > second.offset {
                let offset = self.data_start + second.offset;
                let (first, second) = (first.name.to_owned(), second.name.to_owned());
                return Err(GgufError::new(path, Problem::Overlap { first, second, offset }));
            }
        }
        tensors.sort_unstable_by_key(|&at| self.name_at(at));
        if let Some(pair) = tensors.windows(2).find(|pair| self.name_at(pair[0]) == self.name_at(pair[1])) {
            return Err(GgufError::new(path, Problem::DuplicateTensor(self.name_at(pair[0]).to_owned())));
        }
        self.tensors = tensors;
        Ok(())
    }

    fn reader(&self, position: usize) -> Reader<'_> {
        Reader::new(&self.bytes, position, self.size, &self.path)
    }

    /// The name with which the entry at `at` begins.
    fn name_at(&self, at: u32) -> &str {
        self.reader(at as usize).text("name").expect("every entry was read when the file was checked")
    }

    /// The tensor's entry at `at`.
    fn entry(&self, at: u32) -> Entry<'_> {
        Entry::read(&mut self.reader(at as usize), self.alignment)
            .expect("every entry was read when the file was checked")
    }

    fn end_of(&self, entry: &Entry<'_>) -> Option<u64> {
        self.data_start.checked_add(entry.offset)?.checked_add(entry.bytes)
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn version(&self) -> u32 {
        self.version
    }

    /// Bytes of the whole file.
    pub fn size(&self) -> u64 {
        self.size
    }

    pub fn alignment(&self) -> u64 {
        self.alignment
    }

    /// Where the tensors begin in the file.
    pub fn data_start(&self) -> u64 {
        self.data_start
    }

    /// All metadata in the file's order.
    pub fn metadata(&self) -> impl Iterator<Item = (&str, Value)> {
        let mut reader = self.reader(FIRST_KEY);
        (0..self.keys.len()).filter_map(move |_| {
            let key = reader.text("key").ok()?;
            Some((key, reader.value(key).ok()?))
        })
    }

    /// All tensors in the file's order.
    pub fn tensors(&self) -> Tensors<'_> {
        Tensors { header: self }
    }

    pub fn tensor(&self, name: &str) -> Option<TensorInfo> {
        let index = self.tensors.binary_search_by(|&at| self.name_at(at).cmp(name)).ok()?;
        self.entry(self.tensors[index]).info(self)
    }

    /// A reader that stands before the value of `key`.
    fn value_of(&self, key: &str) -> Option<Reader<'_>> {
        let index = self.keys.binary_search_by(|&at| self.name_at(at).cmp(key)).ok()?;
        let mut reader = self.reader(self.keys[index] as usize);
        reader.text("key").ok()?;
        Some(reader)
    }

    /// A copy of the value of `key`.
    pub fn get(&self, key: &str) -> Option<Value> {
        self.value_of(key)?.value(key).ok()
    }

    /// An error about one key or tensor of this file.
    pub fn error(&self, field: &str, why: impl Into<String>) -> GgufError {
        GgufError::field(&self.path, field, why)
    }

    /// The file cannot be read, though its header could.
    pub(crate) fn unreadable(&self, error: &std::io::Error) -> GgufError {
        GgufError::new(&self.path, Problem::Unreadable(error.to_string()))
    }

    /// `array`: the value that is wanted is one; another kind is not copied to find that out.
    fn typed<T>(
        &self,
        key: &str,
        wanted: &str,
        array: bool,
        read: impl FnOnce(Value) -> Option<T>,
    ) -> Result<Option<T>, GgufError> {
        let Some(mut reader) = self.value_of(key) else { return Ok(None) };
        let wrong = |kind: &str| Err(self.error(key, format!("is {kind} where {wanted} belongs")));
        let is_array = reader.peek_kind() == Some(ARRAY);
        if is_array && !array {
            return wrong("an array");
        }
        let value = reader.value(key)?;
        let kind = value.kind();
        match read(value) {
            Some(read) => Ok(Some(read)),
            None => wrong(kind),
        }
    }

    /// A non-negative integer of any width.
    pub fn u64(&self, key: &str) -> Result<Option<u64>, GgufError> {
        self.typed(key, "a whole number of at least 0", false, |value| value.as_u64())
    }

    /// A non-negative integer that fits in 32 bits.
    pub fn u32(&self, key: &str) -> Result<Option<u32>, GgufError> {
        let wanted = "a whole number from 0 to 4294967295";
        self.typed(key, wanted, false, |value| value.as_u64().and_then(|number| number.try_into().ok()))
    }

    /// A finite number.
    pub fn f32(&self, key: &str) -> Result<Option<f32>, GgufError> {
        self.typed(key, "a finite number", false, |value| value.as_f32().filter(|number| number.is_finite()))
    }

    pub fn bool(&self, key: &str) -> Result<Option<bool>, GgufError> {
        self.typed(key, "true or false", false, |value| value.as_bool())
    }

    pub fn text(&self, key: &str) -> Result<Option<&str>, GgufError> {
        let Some(mut reader) = self.value_of(key) else { return Ok(None) };
        if reader.peek_kind() == Some(TEXT) {
            reader.u32(key)?;
            return reader.text(key).map(Some);
        }
        self.typed(key, "a text", false, |_| None)
    }

    pub fn strings(&self, key: &str) -> Result<Option<Strings>, GgufError> {
        self.typed(key, "an array of texts", true, |value| match value {
            Value::Array(Array::Text(strings)) => Some(strings),
            _ => None,
        })
    }

    pub fn floats(&self, key: &str) -> Result<Option<Vec<f32>>, GgufError> {
        self.typed(key, "an array of 32-bit numbers", true, |value| match value {
            Value::Array(Array::F32(numbers)) => Some(numbers),
            _ => None,
        })
    }

    pub fn integers(&self, key: &str) -> Result<Option<Vec<i64>>, GgufError> {
        self.typed(key, "an array of 32-bit integers", true, |value| value.as_integers())
    }
}

/// Opens an ordinary file for reading; a folder, a pipe or a device is refused.
pub(crate) fn open(path: &Path) -> Result<File, GgufError> {
    let fail = |problem| GgufError::new(path, problem);
    // Looked at before it is opened: opening a pipe would wait for its other end.
    let about = match std::fs::metadata(path) {
        Ok(about) => about,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Err(fail(Problem::Absent)),
        Err(error) => return Err(fail(Problem::Unreadable(error.to_string()))),
    };
    if about.is_dir() {
        return Err(fail(Problem::Folder));
    }
    if !about.is_file() {
        return Err(fail(Problem::NotAFile));
    }
    File::open(path).map_err(|error| fail(Problem::Unreadable(error.to_string())))
}

fn at_most(path: &Path, field: &str, count: u64, limit: u64) -> Result<(), GgufError> {
    if count > limit {
        return Err(GgufError::new(path, Problem::TooMany { field: field.to_owned(), count, limit }));
    }
    Ok(())
}

fn name_is_good(path: &Path, what: &str, name: &str) -> Result<(), GgufError> {
    let wrong = |why: String| Err(GgufError::field(path, what, why));
    if name.is_empty() {
        return wrong("a name is empty".into());
    }
    if name.len() > NAME {
        return wrong(format!("a name has {} bytes, at most {NAME} fit", name.len()));
    }
    // Names are shown to people: they must not steer their terminal.
    if name.contains(char::is_control) {
        let beginning: String = name.chars().take(80).collect();
        return wrong(format!("the name {beginning:?} has control characters"));
    }
    Ok(())
}

/// A tensor's description as it stands in the header.
struct Entry<'a> {
    name: &'a str,
    rank: usize,
    dims: [u64; RANK as usize],
    dtype: Dtype,
    /// From the start of the data.
    offset: u64,
    bytes: u64,
}

impl<'a> Entry<'a> {
    /// Reads and checks the next description.
    fn read(reader: &mut Reader<'a>, alignment: u64) -> Result<Entry<'a>, GgufError> {
        let name = reader.text("name of a tensor")?;
        let path = reader.path();
        let fail = |why: String| Err(GgufError::field(path, format!("tensor \"{name}\""), why));
        let rank = reader.u32(name)?;
        if !(1..=RANK).contains(&rank) {
            return fail(format!("has {rank} dimensions; 1 to {RANK} are possible"));
        }
        let rank = rank as usize;
        let mut dims = [1; RANK as usize];
        for dim in &mut dims[..rank] {
            *dim = reader.u64(name)?;
        }
        let type_number = reader.u32(name)?;
        let offset = reader.u64(name)?;
        let Some(dtype) = Dtype::from_number(type_number) else {
            return fail(format!("storage type {type_number} is not known"));
        };
        let shown = &dims[..rank];
        if dims.contains(&0) {
            return fail(format!("has an empty dimension in {shown:?}"));
        }
        let Some(values) = dims.iter().try_fold(1u64, |product, &dim| product.checked_mul(dim)) else {
            return fail(format!("the product of its dimensions {shown:?} is too large"));
        };
        if !dims[0].is_multiple_of(dtype.block_values()) {
            let (row, block) = (dims[0], dtype.block_values());
            return fail(format!(
                "rows of {row} values cannot be stored as {} in blocks of {block}",
                dtype.name()
            ));
        }
        let Some(bytes) = dtype.bytes_of(values) else {
            return fail(format!("the size of its dimensions {shown:?} is too large"));
        };
        if !offset.is_multiple_of(alignment) {
            return fail(format!("its offset {offset} is not a multiple of the alignment {alignment}"));
        }
        Ok(Entry { name, rank, dims, dtype, offset, bytes })
    }

    fn info(&self, header: &Header) -> Option<TensorInfo> {
        Some(TensorInfo {
            name: self.name.to_owned(),
            dims: self.dims[..self.rank].to_vec(),
            dtype: self.dtype,
            offset: header.data_start.checked_add(self.offset)?,
            bytes: self.bytes,
        })
    }
}
