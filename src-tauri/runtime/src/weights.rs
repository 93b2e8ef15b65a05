//! Weights: a model file mapped into memory, and matrices that read their rows from it in place.
//!
//! In:     a checked header and the open file
//! Out:    matrices and vectors by name, each with the shape that was asked for
//! Fails:  [`GgufError`] naming the tensor
//! Cost:   no copies of matrices; norms and biases are read into memory
#![allow(unsafe_code)]

use std::fs::File;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use memmap2::{Mmap, MmapMut};

use crate::gguf::{Dtype, GgufError, Header, TensorInfo};
use crate::kernels::layout::{self, layout};
use crate::kernels::{Out, Packed, float, level, round};
use crate::pool;

/// Multiplications below which a second thread costs more than it gives (about 30 µs of work).
pub const WORTH_THREADS: usize = 1 << 18;

/// A model file in memory.
pub struct Weights {
    file: Arc<Mapped>,
}

struct Mapped {
    map: Mmap,
    /// Products are computed with activations as they are.
    exact: AtomicBool,
}

/// Until it is dropped, products of its [`Weights`] are exact.
pub struct Exactly<'a>(&'a AtomicBool);

impl Drop for Exactly<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

/// A matrix in the file: `rows` rows of `columns` numbers; multiplies a vector of `columns` into one of `rows`.
#[derive(Clone)]
pub struct Matrix {
    file: Arc<Mapped>,
    offset: usize,
    dtype: Dtype,
    rows: usize,
    columns: usize,
    row_bytes: usize,
}

impl Weights {
    /// Maps the file that the header was read from.
    pub fn map(file: &File, header: &Header) -> Result<Weights, GgufError> {
        Weights::whole(file, header.size())
            .map_err(|error| header.error("file", format!("cannot be mapped into memory: {error}")))
    }

    /// Maps the first `size` bytes of a file whose header something else has read.
    pub(crate) fn whole(file: &File, size: u64) -> std::io::Result<Weights> {
        // SAFETY: the map is only read, as plain numbers for which every bit pattern is valid. Should another process
        // cut the file off meanwhile, the access raises SIGBUS and ends this expert's own process, nothing else.
        let map = unsafe { Mmap::map(file) }?;
        if (map.len() as u64) < size {
            let why = format!("it was cut off while it was opened: {} bytes", map.len());
            return Err(std::io::Error::other(why));
        }
        // Where the kernel can, the file is read into large pages: fewer of them to look up while all weights pass by.
        #[cfg(target_os = "linux")]
        let _ = map.advise(memmap2::Advice::HugePage);
        #[cfg(unix)]
        let _ = map.advise(memmap2::Advice::WillNeed);
        Ok(Weights { file: Arc::new(Mapped { map, exact: AtomicBool::new(false) }) })
    }

    /// Plain floats from this byte of the file on; `None`: they are not all in it.
    pub(crate) fn floats_at(&self, offset: u64, dtype: Dtype, columns: usize, rows: usize) -> Option<Matrix> {
        debug_assert!(matches!(dtype, Dtype::F32 | Dtype::F16 | Dtype::BF16));
        let row_bytes = columns.checked_mul(dtype.block_bytes() as usize)?;
        let offset = usize::try_from(offset).ok()?;
        let end = rows.checked_mul(row_bytes)?.checked_add(offset)?;
        let file = Arc::clone(&self.file);
        (end <= file.map.len()).then_some(Matrix { file, offset, dtype, rows, columns, row_bytes })
    }

    /// Reads every page once, so that the first token does not wait for the disk. `progress` gets bytes done, about
    /// every 64 MB.
    pub fn touch(&self, progress: &mut dyn FnMut(u64)) {
        let mut sum = 0u8;
        for (number, piece) in self.file.map.chunks(1 << 26).enumerate() {
            sum = piece.iter().step_by(4096).fold(sum, |sum, byte| sum.wrapping_add(*byte));
            progress((number as u64) << 26);
        }
        std::hint::black_box(sum);
    }

    /// From now on activations are multiplied as they are, not rounded to whole numbers, also with quantised weights:
    /// about three times slower, and what a reference in floats computes. For figures that are compared with others'.
    pub fn exactly(&self) -> Exactly<'_> {
        self.file.exact.store(true, Ordering::Relaxed);
        Exactly(&self.file.exact)
    }

    /// Gives the pages back that have been read; they are read from the file again when they are needed.
    pub fn let_go(&self) {
        // SAFETY: the map is of a file and never written, so that what is read later is what was there before.
        #[cfg(unix)]
        let _ = unsafe { self.file.map.unchecked_advise(memmap2::UncheckedAdvice::DontNeed) };
    }

    fn tensor(&self, header: &Header, name: &str, dims: &[usize]) -> Result<TensorInfo, GgufError> {
        let tensor = tensor(header, name, dims)?;
        if !tensor.dtype.computable() {
            let why = format!("is stored as {}, which is not supported", tensor.dtype.name());
            return Err(header.error(name, why));
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
        Ok(self.matrix_of(&tensor, columns, rows))
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
        let whole = self.matrix_of(&tensor, columns, rows);
        let place = |index| Matrix { offset: whole.offset + index * rows * whole.row_bytes, ..whole.clone() };
        Ok((0..count).map(place).collect())
    }

    fn matrix_of(&self, tensor: &TensorInfo, columns: usize, rows: usize) -> Matrix {
        let row_bytes = (columns as u64 / tensor.dtype.block_values() * tensor.dtype.block_bytes()) as usize;
        let (file, offset) = (Arc::clone(&self.file), tensor.offset as usize);
        Matrix { file, offset, dtype: tensor.dtype, rows, columns, row_bytes }
    }

    /// The vector `name` of `length` numbers.
    pub fn vector(&self, header: &Header, name: &str, length: usize) -> Result<Vec<f32>, GgufError> {
        let tensor = self.tensor(header, name, &[length])?;
        let mut values = vec![0.0; length];
        self.matrix_of(&tensor, length, 1).read_row(0, &mut values);
        Ok(values)
    }
}

/// The description of tensor `name`, which must have these dimensions (trailing ones of size 1 do not count).
pub fn tensor(header: &Header, name: &str, dims: &[usize]) -> Result<TensorInfo, GgufError> {
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

    /// How its numbers are stored.
    pub fn dtype(&self) -> Dtype {
        self.dtype
    }

    /// The same numbers in a smaller storage type, in memory of their own; the matrix itself where that is none.
    pub fn rounded(&self, dtype: Dtype) -> std::io::Result<Matrix> {
        if self.rows == 0 || !round::gets_smaller(self.dtype, dtype, self.columns as u64) {
            return Ok(self.clone());
        }
        let row_bytes = self.columns / dtype.block_values() as usize * dtype.block_bytes() as usize;
        // Fewer bytes than are mapped already.
        let mut map = MmapMut::map_anon(self.rows * row_bytes)?;
        let mut row = vec![0.0; self.columns];
        for (number, out) in map.chunks_exact_mut(row_bytes).enumerate() {
            self.read_row(number, &mut row);
            round::round_row(dtype, &row, out);
        }
        let file = Arc::new(Mapped { map: map.make_read_only()?, exact: AtomicBool::new(false) });
        Ok(Matrix { file, offset: 0, dtype, row_bytes, ..self.clone() })
    }

    /// All rows as they are stored.
    pub fn bytes(&self) -> &[u8] {
        &self.file.map[self.offset..][..self.rows * self.row_bytes]
    }

    fn row_bytes(&self, row: usize) -> &[u8] {
        &self.file.map[self.offset + row * self.row_bytes..][..self.row_bytes]
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
        match (self.dtype, layout(self.dtype)) {
            (Dtype::F32, _) => {
                for (out, bytes) in out.iter_mut().zip(bytes.chunks_exact(4)) {
                    *out = f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
                }
            }
            (Dtype::F16, _) => float::f16_row(bytes, out),
            (Dtype::BF16, _) => float::bf16_row(bytes, out),
            (_, Some(layout)) => layout::unpack_row(layout, bytes, out),
            (_, None) => unreachable!("Weights::tensor refuses types that are not computable"),
        }
    }

    /// `out` (tokens, rows) = `x` (tokens, columns) · selfᵀ. When `stop` is set it ends early and `out` means nothing.
    ///
    /// Rows of quantised types are multiplied with activations that are rounded to whole numbers
    /// ([`crate::kernels::activations`]) unless [`Weights::exactly`] holds; those of plain floats with the activations as
    /// they are.
    pub fn multiply(&self, x: &[f32], out: &mut [f32], stop: &AtomicBool) {
        let tokens = x.len() / self.columns;
        debug_assert_eq!(out.len(), tokens * self.rows);
        let out = &Out::new(out, self.rows);
        // Whole numbers of the rows that are multiplied together; enough jobs that a slow core holds nobody up.
        let work = x.len() * self.rows;
        let jobs = (8 * pool::width()).min(work / WORTH_THREADS).max(1);
        let rows_of_job = self.rows.div_ceil(jobs).next_multiple_of(level().rows());
        let spread = |each: &(dyn Fn(Range<usize>) + Sync)| {
            pool::spread(self.rows.div_ceil(rows_of_job), &|job| {
                if !stop.load(Ordering::Relaxed) {
                    each(job * rows_of_job..self.rows.min((job + 1) * rows_of_job));
                }
            });
        };
        match layout(self.dtype) {
            Some(layout) if !self.file.exact.load(Ordering::Relaxed) => {
                let packed = Packed {
                    dtype: self.dtype,
                    layout,
                    bytes: self.bytes(),
                    rows: self.rows,
                    columns: self.columns,
                    row_bytes: self.row_bytes,
                };
                let x = packed.activations(x);
                spread(&|rows| packed.multiply(&x, rows, out));
            }
            _ => spread(&|rows| self.multiply_floats(x, tokens, rows, out)),
        }
    }

    /// Rows as floats.
    fn multiply_floats(&self, x: &[f32], tokens: usize, rows: Range<usize>, out: &Out) {
        let mut scratch = vec![0.0; 4 * self.columns];
        let (s0, rest) = scratch.split_at_mut(self.columns);
        let (s1, rest) = rest.split_at_mut(self.columns);
        let (s2, s3) = rest.split_at_mut(self.columns);
        for first in rows.clone().step_by(4) {
            if first + 4 <= rows.end {
                let rows = [
                    self.row(first, s0),
                    self.row(first + 1, s1),
                    self.row(first + 2, s2),
                    self.row(first + 3, s3),
                ];
                for token in 0..tokens {
                    let products = float::dot4(&x[token * self.columns..][..self.columns], rows);
                    (0..4).for_each(|index| out.set(token, first + index, products[index]));
                }
            } else {
                for row in first..rows.end {
                    let numbers = self.row(row, s0);
                    for token in 0..tokens {
                        out.set(token, row, float::dot(&x[token * self.columns..][..self.columns], numbers));
                    }
                }
            }
        }
    }
}
