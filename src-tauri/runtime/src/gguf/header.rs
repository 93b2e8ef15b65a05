//! The header of a GGUF file: metadata and where each tensor lies.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use super::dtype::Dtype;
use super::reader::Reader;
use super::value::{Strings, Value};
use super::{GgufError, MAGIC, Problem};

/// More keys than any file has (real ones: about 40).
const KEYS: u64 = 1 << 16;
/// More tensors than any file has (real ones: up to about 2,000; one expert a tensor, 20,000).
const TENSORS: u64 = 1 << 17;
/// Longest name of a key or a tensor; the specification allows 64 KiB for keys and 64 bytes for tensors.
const NAME: usize = 65_535;

/// A checked header. Every tensor in it lies inside the file, aligned, and overlaps no other.
#[derive(Debug)]
pub struct Header {
    path: PathBuf,
    version: u32,
    size: u64,
    alignment: u64,
    data_start: u64,
    metadata: Vec<(String, Value)>,
    keys: HashMap<String, usize>,
    tensors: Vec<TensorInfo>,
    names: HashMap<String, usize>,
}

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
        Header::parse(BufReader::with_capacity(1 << 16, file), size, path)
    }

    /// Reads and checks a header from any source of `size` bytes.
    pub fn parse(source: impl Read, size: u64, path: &Path) -> Result<Header, GgufError> {
        let fail = |problem| GgufError::new(path, problem);
        if size == 0 {
            return Err(fail(Problem::Empty));
        }
        let mut reader = Reader::new(source, size, path);
        let magic = reader.bytes4("magic")?;
        if magic != MAGIC {
            let text = magic.iter().all(|byte| byte.is_ascii_graphic() || byte.is_ascii_whitespace());
            return Err(fail(Problem::Magic { found: format!("\"{}\"", magic.escape_ascii()), text }));
        }
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

        let mut header = Header {
            path: path.to_path_buf(),
            version,
            size,
            alignment: 32,
            data_start: 0,
            metadata: Vec::new(),
            keys: HashMap::new(),
            tensors: Vec::new(),
            names: HashMap::new(),
        };
        for number in 0..key_count {
            let key = reader.string(&format!("name of key {number}"))?;
            name_is_good(path, "key", &key)?;
            let value = reader.value(&key)?;
            if header.keys.insert(key.clone(), header.metadata.len()).is_some() {
                return Err(fail(Problem::DuplicateKey(key)));
            }
            header.metadata.push((key, value));
        }
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
        for number in 0..tensor_count {
            let tensor = tensor(&mut reader, number, header.alignment, path)?;
            if header.names.insert(tensor.name.clone(), header.tensors.len()).is_some() {
                return Err(fail(Problem::DuplicateTensor(tensor.name)));
            }
            header.tensors.push(tensor);
        }
        header.data_start = reader.position().next_multiple_of(header.alignment);
        header.place()?;
        Ok(header)
    }

    /// Turns offsets within the data into offsets within the file, and checks that all lie inside and apart.
    fn place(&mut self) -> Result<(), GgufError> {
        let (start, size, path) = (self.data_start, self.size, self.path.as_path());
        for tensor in &mut self.tensors {
            let end = start.checked_add(tensor.offset).and_then(|offset| {
                tensor.offset = offset;
                offset.checked_add(tensor.bytes)
            });
            if end.is_none_or(|end| end > size) {
                let left = size.saturating_sub(tensor.offset);
                let field = format!("tensor \"{}\" at byte {}", tensor.name, tensor.offset);
                return Err(GgufError::new(path, Problem::Truncated { field, needed: tensor.bytes, left }));
            }
        }
        let mut order: Vec<&TensorInfo> = self.tensors.iter().collect();
        order.sort_by_key(|tensor| tensor.offset);
        for pair in order.windows(2) {
            if pair[0].offset + pair[0].bytes > pair[1].offset {
                let (first, second) = (pair[0].name.clone(), pair[1].name.clone());
                return Err(GgufError::new(path, Problem::Overlap { first, second, offset: pair[1].offset }));
            }
        }
        Ok(())
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
    pub fn metadata(&self) -> &[(String, Value)] {
        &self.metadata
    }

    /// All tensors in the file's order.
    pub fn tensors(&self) -> &[TensorInfo] {
        &self.tensors
    }

    pub fn tensor(&self, name: &str) -> Option<&TensorInfo> {
        self.names.get(name).map(|&index| &self.tensors[index])
    }

    pub fn get(&self, key: &str) -> Option<&Value> {
        self.keys.get(key).map(|&index| &self.metadata[index].1)
    }

    /// An error about one key or tensor of this file.
    pub fn error(&self, field: &str, why: impl Into<String>) -> GgufError {
        GgufError::field(&self.path, field, why)
    }

    fn typed<'a, T>(
        &'a self,
        key: &str,
        wanted: &str,
        read: impl FnOnce(&'a Value) -> Option<T>,
    ) -> Result<Option<T>, GgufError> {
        let Some(value) = self.get(key) else { return Ok(None) };
        match read(value) {
            Some(read) => Ok(Some(read)),
            None => Err(self.error(key, format!("is {} where {wanted} belongs", value.kind()))),
        }
    }

    /// A non-negative integer of any width.
    pub fn u64(&self, key: &str) -> Result<Option<u64>, GgufError> {
        self.typed(key, "a whole number of at least 0", Value::as_u64)
    }

    /// A non-negative integer that fits in 32 bits.
    pub fn u32(&self, key: &str) -> Result<Option<u32>, GgufError> {
        let wanted = "a whole number from 0 to 4294967295";
        self.typed(key, wanted, |value| value.as_u64().and_then(|number| number.try_into().ok()))
    }

    /// A finite number.
    pub fn f32(&self, key: &str) -> Result<Option<f32>, GgufError> {
        self.typed(key, "a finite number", |value| value.as_f32().filter(|number| number.is_finite()))
    }

    pub fn bool(&self, key: &str) -> Result<Option<bool>, GgufError> {
        self.typed(key, "true or false", Value::as_bool)
    }

    pub fn text(&self, key: &str) -> Result<Option<&str>, GgufError> {
        self.typed(key, "a text", Value::as_text)
    }

    pub fn strings(&self, key: &str) -> Result<Option<&Strings>, GgufError> {
        self.typed(key, "an array of texts", Value::as_strings)
    }

    pub fn floats(&self, key: &str) -> Result<Option<&[f32]>, GgufError> {
        self.typed(key, "an array of 32-bit numbers", Value::as_floats)
    }

    pub fn integers(&self, key: &str) -> Result<Option<Vec<i64>>, GgufError> {
        self.typed(key, "an array of 32-bit integers", Value::as_integers)
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
    if name.is_empty() {
        return Err(GgufError::field(path, what, "a name is empty"));
    }
    if name.len() > NAME {
        return Err(GgufError::field(
            path,
            what,
            format!("a name has {} bytes, at most {NAME} fit", name.len()),
        ));
    }
    Ok(())
}

fn tensor<R: Read>(
    reader: &mut Reader<'_, R>,
    number: u64,
    alignment: u64,
    path: &Path,
) -> Result<TensorInfo, GgufError> {
    let name = reader.string(&format!("name of tensor {number}"))?;
    name_is_good(path, "tensor", &name)?;
    let field = format!("tensor \"{name}\"");
    let fail = |why: String| Err(GgufError::field(path, field.clone(), why));
    let rank = reader.u32(&field)?;
    if !(1..=4).contains(&rank) {
        return fail(format!("has {rank} dimensions; 1 to 4 are possible"));
    }
    let mut dims = Vec::with_capacity(rank as usize);
    for _ in 0..rank {
        dims.push(reader.u64(&field)?);
    }
    let type_number = reader.u32(&field)?;
    let offset = reader.u64(&field)?;
    let Some(dtype) = Dtype::from_number(type_number) else {
        return fail(format!("storage type {type_number} is not known"));
    };
    if dims.contains(&0) {
        return fail(format!("has an empty dimension in {dims:?}"));
    }
    let Some(values) = dims.iter().try_fold(1u64, |product, &dim| product.checked_mul(dim)) else {
        return fail(format!("the product of its dimensions {dims:?} is too large"));
    };
    if !dims[0].is_multiple_of(dtype.block_values()) {
        let (row, block) = (dims[0], dtype.block_values());
        return fail(format!(
            "rows of {row} values cannot be stored as {} in blocks of {block}",
            dtype.name()
        ));
    }
    let Some(bytes) = dtype.bytes_of(values) else {
        return fail(format!("the size of its dimensions {dims:?} is too large"));
    };
    if !offset.is_multiple_of(alignment) {
        return fail(format!("its offset {offset} is not a multiple of the alignment {alignment}"));
    }
    Ok(TensorInfo { name, dims, dtype, offset, bytes })
}
