//! State: what a model has read, saved and restored bit for bit, so that coming back costs no computing.
//!
//! Layout, little-endian: `LECTERN STATE 1\n`, the model's fingerprint (32 bytes), then as u32 the layers, the numbers
//! of one position in one layer's keys and in its values, the number type, the tokens that the text was to have, and the
//! positions; the token ids as u32; the stored keys and values of each layer; SHA-256 of all that comes before.
//!
//! A state may come from anywhere: nothing of it is used before its model, shape and length are right, and nothing
//! stays of one whose sum is wrong.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};

use sha2::{Digest, Sha256};

use super::{Computing, RequestError};
use crate::gguf::{GgufError, Header};

const MAGIC: &[u8; 16] = b"LECTERN STATE 1\n";
/// Magic, fingerprint, six numbers.
const HEAD: usize = 16 + 32 + 24;
const SUM: usize = 32;

/// SHA-256 of a model's header and its file's size: models with the same one compute the same, unless somebody has
/// changed weights in place.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Fingerprint([u8; 32]);

impl Fingerprint {
    pub fn of(file: &File, header: &Header) -> Result<Fingerprint, GgufError> {
        let mut sum = Sha256::new();
        let mut hash = || -> io::Result<()> {
            let mut file = file;
            file.seek(SeekFrom::Start(0))?;
            io::copy(&mut file.take(header.data_start()), &mut sum).map(drop)
        };
        hash().map_err(|error| header.error("header", format!("cannot be read again: {error}")))?;
        sum.update(header.size().to_le_bytes());
        Ok(Fingerprint(sum.finalize().into()))
    }
}

impl Fingerprint {
    /// Of the same model without some of its experts.
    pub fn without(self, mask: &[Vec<bool>]) -> Fingerprint {
        let mut sum = Sha256::new();
        sum.update(self.0);
        for layer in mask {
            sum.update((layer.len() as u64).to_le_bytes());
            layer.iter().for_each(|&out| sum.update([u8::from(out)]));
        }
        Fingerprint(sum.finalize().into())
    }
}

pub(super) fn save(computing: &Computing, slot: usize, out: &mut dyn Write) -> io::Result<u32> {
    let mut out = Summing { inner: out, sum: Sha256::new() };
    let context = computing.contexts.get(slot).ok_or_else(|| io::Error::other("nothing was read there"))?;
    let positions = context.ids.len() as u32;
    out.write_all(MAGIC)?;
    out.write_all(&computing.fingerprint.0)?;
    for number in context.cache.stored_shape().into_iter().chain([context.length as u32, positions]) {
        out.write_all(&number.to_le_bytes())?;
    }
    for id in &context.ids {
        out.write_all(&id.to_le_bytes())?;
    }
    for stored in context.cache.stored() {
        out.write_all(&stored?)?;
    }
    let Summing { inner, sum } = out;
    inner.write_all(&sum.finalize())?;
    inner.flush()?;
    Ok(positions)
}

pub(super) fn restore(
    computing: &mut Computing,
    slot: usize,
    source: &mut dyn Read,
    bytes: u64,
) -> Result<u32, RequestError> {
    computing.contexts[slot].truncate(0);
    let result = read(computing, slot, source, bytes);
    if result.is_err() {
        computing.contexts[slot].truncate(0);
    }
    result
}

fn read(
    computing: &mut Computing,
    slot: usize,
    source: &mut dyn Read,
    bytes: u64,
) -> Result<u32, RequestError> {
    let bad = |why: &str| RequestError::State(why.to_owned());
    let cut = |error: io::Error| RequestError::State(format!("it cannot be read to its end: {error}"));
    let mut source = Summing { inner: source, sum: Sha256::new() };
    let mut head = [0; HEAD];
    source.read_exact(&mut head).map_err(cut)?;
    if !head.starts_with(MAGIC) {
        return Err(bad("it is no saved state of this version"));
    }
    if head[16..48] != computing.fingerprint.0 {
        return Err(bad("it belongs to another model"));
    }
    let mut numbers = head[48..].chunks_exact(4).map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]]));
    let context = &mut computing.contexts[slot];
    let expected = context.cache.stored_shape();
    if !expected.iter().all(|&expected| numbers.next() == Some(expected)) {
        return Err(bad("its shape or number type is not this model's"));
    }
    let text_length = numbers.next().unwrap_or(0) as usize;
    let positions = numbers.next().unwrap_or(0) as usize;
    let cache = &mut context.cache;
    let length = (HEAD + SUM) as u64 + positions as u64 * (4 + cache.stored_bytes_per_position());
    if bytes != length {
        let why = format!("it has {bytes} bytes where {positions} tokens take {length}");
        return Err(RequestError::State(why));
    }
    // The length is right, so that nothing is allocated that the file does not have.
    let mut ids = vec![0; 4 * positions];
    source.read_exact(&mut ids).map_err(cut)?;
    let ids: Vec<u32> = ids.chunks_exact(4).map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
    let vocabulary = computing.model.shape().vocabulary;
    if ids.iter().any(|&id| id as usize >= vocabulary) {
        return Err(bad("it has tokens outside the vocabulary"));
    }
    cache.reserve(positions)?;
    cache.restore(positions, &mut source).map_err(cut)?;
    let Summing { inner, sum } = source;
    let mut told = [0; SUM];
    inner.read_exact(&mut told).map_err(cut)?;
    if told != *sum.finalize() {
        return Err(bad("its sum is wrong: it is damaged"));
    }
    context.ids = ids;
    context.length = text_length;
    Ok(positions as u32)
}

/// Passes bytes on and sums them.
struct Summing<'a, T: ?Sized> {
    inner: &'a mut T,
    sum: Sha256,
}

impl Write for Summing<'_, dyn Write + '_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.inner.write(bytes)?;
        self.sum.update(&bytes[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

impl Read for Summing<'_, dyn Read + '_> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(bytes)?;
        self.sum.update(&bytes[..count]);
        Ok(count)
    }
}
