//! Weights: a model file mapped into memory, and matrices that read their rows from it in place.
//!
//! In:     a checked header and the open file
//! Out:    matrices and vectors by name, each with the shape that was asked for
//! Fails:  [`GgufError`] naming the tensor
//! Cost:   no copies of matrices; norms and biases are read into memory
#![allow(unsafe_code)]

use std::fs::File;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use candle_core::quantized::GgmlType;
use candle_core::quantized::k_quants::{
    BlockQ2K, BlockQ3K, BlockQ4_0, BlockQ4_1, BlockQ5_0, BlockQ5_1, BlockQ5K,
};
use memmap2::Mmap;
use rayon::prelude::*;

use crate::gguf::{Dtype, GgufError, Header, TensorInfo};
use crate::kernels::{dot, dot4};
use crate::unpack;

/// Multiplications below which a second thread costs more than it gives (about 30 µs of work).
pub const WORTH_THREADS: usize = 1 << 18;

/// A model file in memory.
pub struct Weights {
    map: Arc<Mmap>,
}

/// A matrix in the file: `rows` rows of `columns` numbers; multiplies a vector of `columns` into one of `rows`.
#[derive(Clone)]
pub struct Matrix {
    map: Arc<Mmap>,
    offset: usize,
    dtype: Dtype,
    rows: usize,
    columns: usize,
    row_bytes: usize,
}

impl Weights {
    /// Maps the file that the header was read from.
    pub fn map(file: &File, header: &Header) -> Result<Weights, GgufError> {
        // SAFETY: the map is only read, as plain numbers for which every bit pattern is valid. Should another process
        // cut the file off meanwhile, the access raises SIGBUS and ends this expert's own process, nothing else.
        let map = unsafe { Mmap::map(file) }
            .map_err(|error| header.error("file", format!("cannot be mapped into memory: {error}")))?;
        if (map.len() as u64) < header.size() {
            return Err(header.error("file", format!("was cut off while it was opened: {} bytes", map.len())));
        }
        #[cfg(unix)]
        let _ = map.advise(memmap2::Advice::WillNeed);
        Ok(Weights { map: Arc::new(map) })
    }

    /// Reads every page once, so that the first token does not wait for the disk. `progress` gets bytes done, about
    /// every 64 MB.
    pub fn touch(&self, progress: &mut dyn FnMut(u64)) {
        let mut sum = 0u8;
        for (number, piece) in self.map.chunks(1 << 26).enumerate() {
            sum = piece.iter().step_by(4096).fold(sum, |sum, byte| sum.wrapping_add(*byte));
            progress((number as u64) << 26);
        }
        std::hint::black_box(sum);
    }

    fn tensor<'a>(
        &self,
        header: &'a Header,
        name: &str,
        dims: &[usize],
    ) -> Result<&'a TensorInfo, GgufError> {
        let tensor = tensor(header, name, dims)?;
        if !tensor.dtype.computable() {
            let why = format!("is stored as {}, which is not supported", tensor.dtype.name());
            return Err(header.error(name, why));
        }
        // Blocks hold 16-bit numbers and are read in place; the map itself begins on a page.
        if !tensor.offset.is_multiple_of(2) {
            return Err(header.error(name, format!("begins at the odd byte {}", tensor.offset)));
        }
        Ok(tensor)
    }

    /// The matrix `name` that must have these sizes.
    pub fn matrix(
        &self,
        header: &Header,
        name: &str,
        columns: usize,
        rows: usize,
    ) -> Result<Matrix, GgufError> {
        let tensor = self.tensor(header, name, &[columns, rows])?;
        Ok(self.matrix_of(tensor, columns, rows))
    }

    /// `count` matrices of these sizes that are stacked in one tensor.
    pub fn stack(
        &self,
        header: &Header,
        name: &str,
        columns: usize,
        rows: usize,
        count: usize,
    ) -> Result<Vec<Matrix>, GgufError> {
        let tensor = self.tensor(header, name, &[columns, rows, count])?;
        let whole = self.matrix_of(tensor, columns, rows);
        let place = |index| Matrix { offset: whole.offset + index * rows * whole.row_bytes, ..whole.clone() };
        Ok((0..count).map(place).collect())
    }

    fn matrix_of(&self, tensor: &TensorInfo, columns: usize, rows: usize) -> Matrix {
        let row_bytes = (columns as u64 / tensor.dtype.block_values() * tensor.dtype.block_bytes()) as usize;
        let (map, offset) = (Arc::clone(&self.map), tensor.offset as usize);
        Matrix { map, offset, dtype: tensor.dtype, rows, columns, row_bytes }
    }

    /// The vector `name` of `length` numbers.
    pub fn vector(&self, header: &Header, name: &str, length: usize) -> Result<Vec<f32>, GgufError> {
        let tensor = self.tensor(header, name, &[length])?;
        let mut values = vec![0.0; length];
        self.matrix_of(tensor, length, 1).read_row(0, &mut values);
        Ok(values)
    }
}

/// The description of tensor `name`, which must have these dimensions (trailing ones of size 1 do not count).
pub fn tensor<'a>(header: &'a Header, name: &str, dims: &[usize]) -> Result<&'a TensorInfo, GgufError> {
    let Some(tensor) = header.tensor(name) else {
        return Err(header.error(name, "the tensor is absent"));
    };
    let found: Vec<u64> = tensor.dims.clone();
    let fits = (0..found.len().max(dims.len()))
        .all(|axis| found.get(axis).copied().unwrap_or(1) == dims.get(axis).map_or(1, |&dim| dim as u64));
    if !fits {
        return Err(header.error(name, format!("has dimensions {found:?} where {dims:?} belong")));
    }
    Ok(tensor)
}

impl Matrix {
    pub fn rows(&self) -> usize {
        self.rows
    }

    pub fn columns(&self) -> usize {
        self.columns
    }

    fn row_bytes(&self, row: usize) -> &[u8] {
        &self.map[self.offset + row * self.row_bytes..][..self.row_bytes]
    }

    /// Row `row` as floats; `scratch` (columns) is used when they have to be unpacked.
    #[inline]
    fn row<'a>(&'a self, row: usize, scratch: &'a mut [f32]) -> &'a [f32] {
        if self.dtype == Dtype::F32
            && let Ok(row) = bytemuck::try_cast_slice(self.row_bytes(row))
        {
            return row;
        }
        self.read_row(row, scratch);
        scratch
    }

    /// Unpacks one row. `out`: (columns).
    pub fn read_row(&self, row: usize, out: &mut [f32]) {
        let bytes = self.row_bytes(row);
        match self.dtype {
            Dtype::F32 => {
                for (out, bytes) in out.iter_mut().zip(bytes.chunks_exact(4)) {
                    *out = f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
                }
            }
            Dtype::F16 => unpack::f16_row(bytes, out),
            Dtype::BF16 => unpack::bf16_row(bytes, out),
            Dtype::Q4_0 => BlockQ4_0::to_float(blocks(bytes), out),
            Dtype::Q4_1 => BlockQ4_1::to_float(blocks(bytes), out),
            Dtype::Q5_0 => BlockQ5_0::to_float(blocks(bytes), out),
            Dtype::Q5_1 => BlockQ5_1::to_float(blocks(bytes), out),
            Dtype::Q8_0 => unpack::q8_0_row(bytes, out),
            Dtype::Q2K => BlockQ2K::to_float(blocks(bytes), out),
            Dtype::Q3K => BlockQ3K::to_float(blocks(bytes), out),
            Dtype::Q4K => unpack::q4_k_row(bytes, out),
            Dtype::Q5K => BlockQ5K::to_float(blocks(bytes), out),
            Dtype::Q6K => unpack::q6_k_row(bytes, out),
            Dtype::Q8_1 | Dtype::Q8K | Dtype::Other(_) => {
                unreachable!("Weights::tensor refuses types that are not computable")
            }
        }
    }

    /// `out` (tokens, rows) = `x` (tokens, columns) · selfᵀ. When `stop` is set it ends early and `out` means nothing.
    pub fn multiply(&self, x: &[f32], out: &mut [f32], stop: &AtomicBool) {
        let tokens = x.len() / self.columns;
        debug_assert_eq!(out.len(), tokens * self.rows);
        let work = x.len() * self.rows;
        // A whole number of groups of four rows; enough chunks that a slow core holds nobody up.
        let chunk_rows = if work < WORTH_THREADS {
            self.rows
        } else {
            let chunks = (4 * rayon::current_num_threads()).min(work * 4 / WORTH_THREADS).max(1);
            self.rows.div_ceil(chunks).next_multiple_of(4)
        };
        if tokens == 1 {
            if chunk_rows >= self.rows {
                self.multiply_rows(0, x, out, stop);
            } else {
                out.par_chunks_mut(chunk_rows)
                    .enumerate()
                    .for_each(|(chunk, out)| self.multiply_rows(chunk * chunk_rows, x, out, stop));
            }
            return;
        }
        // Rows are unpacked once for all tokens, so the result comes row by row, (rows, tokens), and is turned.
        let mut turned = vec![0.0; out.len()];
        if chunk_rows >= self.rows {
            self.multiply_tokens(0, x, &mut turned, stop);
        } else {
            turned
                .par_chunks_mut(chunk_rows * tokens)
                .enumerate()
                .for_each(|(chunk, out)| self.multiply_tokens(chunk * chunk_rows, x, out, stop));
        }
        for (token, out) in out.chunks_exact_mut(self.rows).enumerate() {
            for (row, out) in out.iter_mut().enumerate() {
                *out = turned[row * tokens + token];
            }
        }
    }

    /// One token: `out` gets the rows from `first` on.
    fn multiply_rows(&self, first: usize, x: &[f32], out: &mut [f32], stop: &AtomicBool) {
        let mut scratch = vec![0.0; if self.is_plain() { 0 } else { 4 * self.columns }];
        let quarter = scratch.len() / 4;
        let (s0, rest) = scratch.split_at_mut(quarter);
        let (s1, rest) = rest.split_at_mut(quarter);
        let (s2, s3) = rest.split_at_mut(quarter);
        for (group, out) in out.chunks_mut(4).enumerate() {
            let row = first + group * 4;
            if out.len() == 4 {
                let rows =
                    [self.row(row, s0), self.row(row + 1, s1), self.row(row + 2, s2), self.row(row + 3, s3)];
                out.copy_from_slice(&dot4(x, rows));
            } else {
                for (index, out) in out.iter_mut().enumerate() {
                    *out = dot(x, self.row(row + index, s0));
                }
            }
            if group % 64 == 0 && stop.load(Ordering::Relaxed) {
                return;
            }
        }
    }

    /// Rows lie in the map as aligned floats.
    fn is_plain(&self) -> bool {
        self.dtype == Dtype::F32 && bytemuck::try_cast_slice::<u8, f32>(self.row_bytes(0)).is_ok()
    }

    /// Many tokens: `out` (rows from `first` on, tokens).
    fn multiply_tokens(&self, first: usize, x: &[f32], out: &mut [f32], stop: &AtomicBool) {
        let tokens = x.len() / self.columns;
        let mut scratch = vec![0.0; self.columns];
        for (index, out) in out.chunks_exact_mut(tokens).enumerate() {
            let row = self.row(first + index, &mut scratch);
            for (group, out) in out.chunks_mut(4).enumerate() {
                let token = |index: usize| &x[(group * 4 + index) * self.columns..][..self.columns];
                if out.len() == 4 {
                    out.copy_from_slice(&dot4(row, [token(0), token(1), token(2), token(3)]));
                } else {
                    for (index, out) in out.iter_mut().enumerate() {
                        *out = dot(row, token(index));
                    }
                }
            }
            if stop.load(Ordering::Relaxed) {
                return;
            }
        }
    }
}

/// The bytes of a row as its blocks.
fn blocks<T>(bytes: &[u8]) -> &[T] {
    // SAFETY: `T` is one of candle's `repr(C)` blocks of 16-bit floats and bytes, for which every bit
    // pattern is valid. `align_to` splits off what is not aligned; the assertion checks that nothing was: rows begin at
    // even offsets of a page-aligned map (`Weights::tensor`) and every block has an even number of bytes.
    let (before, blocks, after) = unsafe { bytes.align_to::<T>() };
    assert!(before.is_empty() && after.is_empty(), "rows are whole, aligned blocks");
    blocks
}
