//! Writes GGUF version 3 files: first beside their place, then moved there, so that a reader never sees half a file.

use std::fs::File;
use std::io::{BufWriter, Read, Write};
use std::path::Path;

use super::value::{Array, Value};
use super::{Dtype, GgufError, MAGIC, Problem};

/// Where the file has no `general.alignment`.
const ALIGNMENT: u64 = 32;

/// Collects metadata and tensors, then writes them in the order in which they were given.
#[derive(Default)]
pub struct Writer {
    metadata: Vec<(String, Value)>,
    tensors: Vec<Tensor>,
}

struct Tensor {
    name: String,
    dims: Vec<u64>,
    dtype: Dtype,
    bytes: Vec<u8>,
}

impl Writer {
    pub fn new() -> Self {
        Writer::default()
    }

    /// Sets a key; a key that was set before gets the new value in its old place.
    pub fn set(&mut self, key: &str, value: impl Into<Value>) -> &mut Self {
        let value = value.into();
        match self.metadata.iter_mut().find(|(known, _)| known == key) {
            Some(entry) => entry.1 = value,
            None => self.metadata.push((key.to_owned(), value)),
        }
        self
    }

    /// Adds a tensor. `dims` in the file's order: the contiguous dimension first, so a matrix of `rows` rows of
    /// `columns` numbers is `[columns, rows]`. `bytes` as `dtype` stores them.
    pub fn tensor(&mut self, name: &str, dims: &[u64], dtype: Dtype, bytes: Vec<u8>) -> &mut Self {
        self.tensors.push(Tensor { name: name.to_owned(), dims: dims.to_vec(), dtype, bytes });
        self
    }

    /// Puts other numbers in the place of a tensor that was added before; adds it when there is none.
    pub fn replace(&mut self, name: &str, dims: &[u64], dtype: Dtype, bytes: Vec<u8>) -> &mut Self {
        let tensor = Tensor { name: name.to_owned(), dims: dims.to_vec(), dtype, bytes };
        match self.tensors.iter_mut().find(|known| known.name == name) {
            Some(known) => *known = tensor,
            None => self.tensors.push(tensor),
        }
        self
    }

    /// Adds a tensor of 32-bit floats.
    pub fn tensor_f32(&mut self, name: &str, dims: &[u64], values: &[f32]) -> &mut Self {
        let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.tensor(name, dims, Dtype::F32, bytes)
    }

    /// Adds a tensor of 16-bit floats, rounded from 32.
    pub fn tensor_f16(&mut self, name: &str, dims: &[u64], values: &[f32]) -> &mut Self {
        let bytes = values.iter().flat_map(|&value| half::f16::from_f32(value).to_le_bytes()).collect();
        self.tensor(name, dims, Dtype::F16, bytes)
    }

    /// Writes the file. A size that does not fit its dimensions is an error and nothing is written.
    pub fn write_to(&self, path: &Path) -> Result<(), GgufError> {
        self.check(path)?;
        let mut name = path.file_name().unwrap_or_default().to_os_string();
        name.push(format!(".{}.part", std::process::id()));
        let part = path.with_file_name(name);
        let written = File::create(&part).and_then(|file| {
            let mut out = BufWriter::new(file);
            self.write(&mut out)?;
            out.into_inner()?.sync_all()?;
            std::fs::rename(&part, path)
        });
        written.map_err(|error| {
            let _ = std::fs::remove_file(&part);
            GgufError::new(path, Problem::Unwritable(error.to_string()))
        })
    }

    /// The file as bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.write(&mut bytes).expect("a Vec takes every byte");
        bytes
    }

    fn check(&self, path: &Path) -> Result<(), GgufError> {
        for (index, tensor) in self.tensors.iter().enumerate() {
            let field = format!("tensor \"{}\"", tensor.name);
            if self.tensors[..index].iter().any(|other| other.name == tensor.name) {
                return Err(GgufError::new(path, Problem::DuplicateTensor(tensor.name.clone())));
            }
            let fits = tensor.dims.first().is_some_and(|row| row.is_multiple_of(tensor.dtype.block_values()));
            let values = tensor.dims.iter().try_fold(1u64, |product, &dim| product.checked_mul(dim));
            let needed = values.and_then(|values| tensor.dtype.bytes_of(values));
            if !fits || needed != Some(tensor.bytes.len() as u64) {
                let (dims, got, name) = (&tensor.dims, tensor.bytes.len(), tensor.dtype.name());
                let why = format!("{dims:?} as {name} takes {needed:?} bytes, but {got} were given");
                return Err(GgufError::field(path, field, why));
            }
        }
        Ok(())
    }

    /// Of the tensors' first bytes; a key that can be no alignment is written all the same.
    fn alignment(&self) -> u64 {
        match self.metadata.iter().find(|(key, _)| key == "general.alignment") {
            Some((_, Value::U32(bytes))) if bytes.is_power_of_two() && *bytes <= 1 << 20 => u64::from(*bytes),
            _ => ALIGNMENT,
        }
    }

    fn write(&self, out: &mut impl Write) -> std::io::Result<()> {
        let alignment = self.alignment();
        let mut head = Vec::new();
        head.extend(MAGIC);
        head.extend(3u32.to_le_bytes());
        head.extend((self.tensors.len() as u64).to_le_bytes());
        head.extend((self.metadata.len() as u64).to_le_bytes());
        for (key, value) in &self.metadata {
            put_text(&mut head, key);
            put_value(&mut head, value);
        }
        let mut offset = 0u64;
        for tensor in &self.tensors {
            put_text(&mut head, &tensor.name);
            head.extend((tensor.dims.len() as u32).to_le_bytes());
            for dim in &tensor.dims {
                head.extend(dim.to_le_bytes());
            }
            head.extend(tensor.dtype.number().to_le_bytes());
            head.extend(offset.to_le_bytes());
            offset = (offset + tensor.bytes.len() as u64).next_multiple_of(alignment);
        }
        head.resize((head.len() as u64).next_multiple_of(alignment) as usize, 0);
        out.write_all(&head)?;
        for tensor in &self.tensors {
            let size = tensor.bytes.len() as u64;
            out.write_all(&tensor.bytes)?;
            let padding = size.next_multiple_of(alignment) - size;
            std::io::copy(&mut std::io::repeat(0).take(padding), out)?;
        }
        Ok(())
    }
}

pub(super) fn put_text(out: &mut Vec<u8>, text: &str) {
    out.extend((text.len() as u64).to_le_bytes());
    out.extend(text.as_bytes());
}

pub(super) fn put_value(out: &mut Vec<u8>, value: &Value) {
    fn put<const N: usize>(out: &mut Vec<u8>, kind: u32, bytes: [u8; N]) {
        out.extend(kind.to_le_bytes());
        out.extend(bytes);
    }
    match value {
        Value::U8(v) => put(out, 0, v.to_le_bytes()),
        Value::I8(v) => put(out, 1, v.to_le_bytes()),
        Value::U16(v) => put(out, 2, v.to_le_bytes()),
        Value::I16(v) => put(out, 3, v.to_le_bytes()),
        Value::U32(v) => put(out, 4, v.to_le_bytes()),
        Value::I32(v) => put(out, 5, v.to_le_bytes()),
        Value::F32(v) => put(out, 6, v.to_le_bytes()),
        Value::Bool(v) => put(out, 7, [u8::from(*v)]),
        Value::Text(v) => {
            out.extend(8u32.to_le_bytes());
            put_text(out, v);
        }
        Value::Array(v) => {
            out.extend(9u32.to_le_bytes());
            put_array(out, v);
        }
        Value::U64(v) => put(out, 10, v.to_le_bytes()),
        Value::I64(v) => put(out, 11, v.to_le_bytes()),
        Value::F64(v) => put(out, 12, v.to_le_bytes()),
    }
}

fn put_array(out: &mut Vec<u8>, array: &Array) {
    fn put<const N: usize>(out: &mut Vec<u8>, kind: u32, items: impl ExactSizeIterator<Item = [u8; N]>) {
        out.extend(kind.to_le_bytes());
        out.extend((items.len() as u64).to_le_bytes());
        items.for_each(|item| out.extend(item));
    }
    match array {
        Array::U8(v) => put(out, 0, v.iter().map(|v| v.to_le_bytes())),
        Array::I8(v) => put(out, 1, v.iter().map(|v| v.to_le_bytes())),
        Array::U16(v) => put(out, 2, v.iter().map(|v| v.to_le_bytes())),
        Array::I16(v) => put(out, 3, v.iter().map(|v| v.to_le_bytes())),
        Array::U32(v) => put(out, 4, v.iter().map(|v| v.to_le_bytes())),
        Array::I32(v) => put(out, 5, v.iter().map(|v| v.to_le_bytes())),
        Array::F32(v) => put(out, 6, v.iter().map(|v| v.to_le_bytes())),
        Array::Bool(v) => put(out, 7, v.iter().map(|&v| [u8::from(v)])),
        Array::Text(v) => {
            out.extend(8u32.to_le_bytes());
            out.extend((v.len() as u64).to_le_bytes());
            v.iter().for_each(|text| put_text(out, text));
        }
        Array::Nested(v) => {
            out.extend(9u32.to_le_bytes());
            out.extend((v.len() as u64).to_le_bytes());
            v.iter().for_each(|inner| put_array(out, inner));
        }
        Array::U64(v) => put(out, 10, v.iter().map(|v| v.to_le_bytes())),
        Array::I64(v) => put(out, 11, v.iter().map(|v| v.to_le_bytes())),
        Array::F64(v) => put(out, 12, v.iter().map(|v| v.to_le_bytes())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gguf::Header;

    #[test]
    fn what_is_written_is_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("toy.gguf");
        Writer::new()
            .set("general.architecture", "llama")
            .set("general.alignment", 32u32)
            .set("tokenizer.ggml.tokens", vec!["<s>", "a", "ä"])
            .set("nested", Value::Array(Array::Nested(vec![Array::U64(vec![1]), Array::Bool(vec![true])])))
            .tensor_f32("a", &[3, 2], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
            .tensor_f16("b", &[5], &[0.5; 5])
            .write_to(&path)
            .unwrap();
        let header = Header::read(&path).unwrap();
        assert_eq!(header.text("general.architecture").unwrap(), Some("llama"));
        let tokens = header.strings("tokenizer.ggml.tokens").unwrap().unwrap();
        assert_eq!(tokens.iter().collect::<Vec<_>>(), ["<s>", "a", "ä"]);
        let (a, b) = (header.tensor("a").unwrap(), header.tensor("b").unwrap());
        assert_eq!((a.dims.as_slice(), a.dtype, a.bytes), ([3, 2].as_slice(), Dtype::F32, 24));
        assert_eq!((b.dtype, b.bytes, b.offset - a.offset), (Dtype::F16, 10, 32));
        let bytes = std::fs::read(&path).unwrap();
        assert_eq!(bytes[a.offset as usize..][..4], 1.0f32.to_le_bytes());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left beside the file");
    }

    #[test]
    fn a_tensor_of_the_wrong_size_is_not_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("toy.gguf");
        let error = Writer::new().tensor_f32("a", &[4], &[1.0; 3]).write_to(&path).unwrap_err();
        assert!(error.to_string().contains("tensor \"a\""), "{error}");
        assert!(!path.exists());
    }
}
