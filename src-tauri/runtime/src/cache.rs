//! Cache: keys and values of the positions so far, layer by layer.
//!
//! In:     rows of keys and values as attention computes them
//! Out:    the rows of some positions, as floats
//! Fails:  [`CacheFull`] when the memory for more positions is not there
//! Cost:   4, 2 or 1.125 bytes a number

use std::borrow::Cow;
use std::io::{self, Read};

use half::f16;
use half::slice::HalfFloatSliceExt;

use crate::gguf::{Dtype, Header};
use crate::{device, kernels};

/// Positions by which a cache grows, so that a long answer does not move its memory at every token.
pub(crate) const STEP: usize = 256;
/// Numbers that share a scale in 8 bits.
const GROUP: usize = 32;

/// How the numbers are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum KvType {
    /// As computed.
    F32,
    /// Rounded to 11 bits: an error of at most 2^-11 of each number.
    #[default]
    F16,
    /// Rounded to 1/127 of the largest of 32.
    Q8,
}

impl KvType {
    /// The cache is as exact as the weights: 32 bits beside plain floats, 16 beside quantised ones.
    pub fn of(header: &Header) -> KvType {
        let largest = header.tensors().iter().max_by_key(|tensor| tensor.bytes);
        let plain = |dtype| matches!(dtype, Dtype::F32 | Dtype::F16 | Dtype::BF16);
        if largest.is_some_and(|tensor| plain(tensor.dtype)) { KvType::F32 } else { KvType::F16 }
    }

    /// Bytes of `numbers` numbers.
    pub fn bytes_of(self, numbers: usize) -> usize {
        match self {
            KvType::F32 => 4 * numbers,
            KvType::F16 => 2 * numbers,
            KvType::Q8 => numbers + 4 * numbers.div_ceil(GROUP),
        }
    }
}

/// Keys and values of every layer for the positions so far.
pub struct Cache {
    layers: Vec<[Rows; 2]>,
    /// Those above them, on a device.
    upper: Vec<[device::Rows; 2]>,
    positions: usize,
}

/// The memory for more positions is not there.
#[derive(Debug, thiserror::Error)]
#[error("there is no memory for {positions} positions ({bytes} bytes)")]
pub struct CacheFull {
    pub positions: usize,
    pub bytes: u64,
}

/// Rows of one layer: (positions, width).
pub struct Rows {
    width: usize,
    store: Store,
}

enum Store {
    F32(Vec<f32>),
    F16(Vec<f16>),
    /// (positions, width) and (positions, width / 32, rounded up)
    Q8(Vec<i8>, Vec<f32>),
}

impl Cache {
    /// `keys`, `values`: numbers of one position in one layer; no values where attention takes them from the keys.
    pub fn new(kind: KvType, layers: usize, keys: usize, values: usize) -> Cache {
        let layers = (0..layers).map(|_| [Rows::new(kind, keys), Rows::new(kind, values)]).collect();
        Cache { layers, upper: Vec::new(), positions: 0 }
    }

    /// With layers above these on a device.
    pub fn below(mut self, upper: Vec<[device::Rows; 2]>) -> Cache {
        self.upper = upper;
        self
    }

    pub fn positions(&self) -> usize {
        self.positions
    }

    /// Forgets all positions after the first `positions`; their memory is kept for the next text.
    pub fn truncate(&mut self, positions: usize) {
        self.positions = self.positions.min(positions);
        for rows in self.layers.as_flattened_mut() {
            rows.truncate(self.positions);
        }
        for rows in self.upper.as_flattened_mut() {
            rows.truncate(self.positions);
        }
    }

    /// Makes room for `count` positions more.
    pub fn reserve(&mut self, count: usize) -> Result<(), CacheFull> {
        let positions = self.positions + count;
        let wanted = positions.next_multiple_of(STEP);
        for rows in self.layers.as_flattened_mut() {
            rows.reserve(positions, wanted).map_err(|bytes| CacheFull { positions, bytes })?;
        }
        for rows in self.upper.as_flattened_mut() {
            rows.reserve(positions).map_err(|bytes| CacheFull { positions, bytes })?;
        }
        Ok(())
    }

    /// Adds rows of keys and values (tokens, width) to a layer. They count from [`Cache::advance`] on.
    pub fn append(&mut self, layer: usize, keys: &[f32], values: &[f32]) {
        self.layers[layer][0].append(keys);
        self.layers[layer][1].append(values);
    }

    /// Keys and values of a layer; the keys twice where it has no values.
    pub fn layer(&self, layer: usize) -> (&Rows, &Rows) {
        let [keys, values] = &self.layers[layer];
        (keys, if values.width == 0 { keys } else { values })
    }

    /// Keys and values of a layer on the device, counted from the lowest there.
    pub fn upper_mut(&mut self, layer: usize) -> &mut [device::Rows; 2] {
        &mut self.upper[layer]
    }

    /// The positions that were appended to every layer count from now on.
    pub fn advance(&mut self, count: usize) {
        self.positions += count;
        debug_assert!(self.layers.iter().all(|[keys, _]| keys.positions() == self.positions));
        debug_assert!(self.upper.iter().all(|[keys, _]| keys.positions() == self.positions));
    }

    /// Layers, numbers of one position in one layer's keys and in its values, and the type of a number.
    pub fn stored_shape(&self) -> [u32; 4] {
        let [keys, values, kind] = match (self.layers.first(), self.upper.first()) {
            (Some([keys, values]), _) => [keys.width as u32, values.width as u32, keys.kind() as u32],
            (None, Some([keys, values])) => [keys.width() as u32, values.width() as u32, keys.kind() as u32],
            (None, None) => [0; 3],
        };
        [(self.layers.len() + self.upper.len()) as u32, keys, values, kind]
    }

    /// Bytes of one position in all layers.
    pub fn stored_bytes_per_position(&self) -> u64 {
        let here = self.layers.as_flattened().iter().map(|rows| rows.kind().bytes_of(rows.width));
        let there = self.upper.as_flattened().iter().map(|rows| rows.kind().bytes_of(rows.width()));
        here.chain(there).map(|bytes| bytes as u64).sum()
    }

    /// The stored bytes of all positions: each layer's keys, then its values; of 8-bit ones the scales after them.
    pub fn stored(&self) -> impl Iterator<Item = io::Result<Cow<'_, [u8]>>> {
        let here =
            self.layers.as_flattened().iter().flat_map(Rows::stored).map(|part| Ok(Cow::Borrowed(part)));
        here.chain(self.upper.as_flattened().iter().map(|rows| rows.stored().map(Cow::Owned)))
    }

    /// Takes back what [`Cache::stored`] gave for `positions`, in place of what there is. There has to be room.
    pub fn restore(&mut self, positions: usize, source: &mut dyn Read) -> io::Result<()> {
        self.truncate(0);
        for rows in self.layers.as_flattened_mut() {
            rows.restore(positions, source)?;
        }
        for rows in self.upper.as_flattened_mut() {
            rows.restore(positions, source)?;
        }
        self.positions = positions;
        Ok(())
    }

    /// Drops what a stopped pass has left behind.
    pub fn roll_back(&mut self) {
        self.truncate(self.positions);
    }
}

impl Rows {
    fn new(kind: KvType, width: usize) -> Rows {
        let store = match kind {
            KvType::F32 => Store::F32(Vec::new()),
            KvType::F16 => Store::F16(Vec::new()),
            KvType::Q8 => Store::Q8(Vec::new(), Vec::new()),
        };
        Rows { width, store }
    }

    fn kind(&self) -> KvType {
        match &self.store {
            Store::F32(_) => KvType::F32,
            Store::F16(_) => KvType::F16,
            Store::Q8(..) => KvType::Q8,
        }
    }

    fn stored(&self) -> [&[u8]; 2] {
        match &self.store {
            Store::F32(numbers) => [bytemuck::cast_slice(numbers), &[]],
            Store::F16(numbers) => [bytemuck::cast_slice(numbers.reinterpret_cast()), &[]],
            Store::Q8(numbers, scales) => [bytemuck::cast_slice(numbers), bytemuck::cast_slice(scales)],
        }
    }

    fn restore(&mut self, positions: usize, source: &mut dyn Read) -> io::Result<()> {
        let (numbers_wanted, groups) = (positions * self.width, positions * self.width.div_ceil(GROUP));
        match &mut self.store {
            Store::F32(numbers) => {
                numbers.resize(numbers_wanted, 0.0);
                source.read_exact(bytemuck::cast_slice_mut(numbers))
            }
            Store::F16(numbers) => {
                numbers.resize(numbers_wanted, f16::ZERO);
                source.read_exact(bytemuck::cast_slice_mut(numbers.reinterpret_cast_mut()))
            }
            Store::Q8(numbers, scales) => {
                numbers.resize(numbers_wanted, 0);
                source.read_exact(bytemuck::cast_slice_mut(numbers))?;
                scales.resize(groups, 0.0);
                source.read_exact(bytemuck::cast_slice_mut(scales))
            }
        }
    }

    fn positions(&self) -> usize {
        let numbers = match &self.store {
            Store::F32(numbers) => numbers.len(),
            Store::F16(numbers) => numbers.len(),
            Store::Q8(numbers, _) => numbers.len(),
        };
        numbers / self.width.max(1)
    }

    fn truncate(&mut self, positions: usize) {
        let groups = positions * self.width.div_ceil(GROUP);
        match &mut self.store {
            Store::F32(numbers) => numbers.truncate(positions * self.width),
            Store::F16(numbers) => numbers.truncate(positions * self.width),
            Store::Q8(numbers, scales) => {
                numbers.truncate(positions * self.width);
                scales.truncate(groups);
            }
        }
    }

    /// Room for `positions` in all; when it is made, for `wanted`. Fails with the bytes that are not there.
    fn reserve(&mut self, positions: usize, wanted: usize) -> Result<(), u64> {
        fn grow<T>(store: &mut Vec<T>, needed: usize, wanted: usize) -> Result<(), u64> {
            if store.capacity() >= needed {
                return Ok(());
            }
            let more = wanted - store.len();
            store.try_reserve_exact(more).map_err(|_| (wanted * size_of::<T>()) as u64)
        }
        let (width, groups) = (self.width, self.width.div_ceil(GROUP));
        match &mut self.store {
            Store::F32(numbers) => grow(numbers, positions * width, wanted * width),
            Store::F16(numbers) => grow(numbers, positions * width, wanted * width),
            Store::Q8(numbers, scales) => {
                grow(numbers, positions * width, wanted * width)?;
                grow(scales, positions * groups, wanted * groups)
            }
        }
    }

    fn append(&mut self, rows: &[f32]) {
        if self.width == 0 {
            return;
        }
        match &mut self.store {
            Store::F32(numbers) => numbers.extend_from_slice(rows),
            Store::F16(numbers) => {
                let before = numbers.len();
                numbers.resize(before + rows.len(), f16::ZERO);
                numbers[before..].convert_from_f32_slice(rows);
            }
            Store::Q8(numbers, scales) => {
                for group in rows.chunks_exact(self.width).flat_map(|row| row.chunks(GROUP)) {
                    let largest = group.iter().fold(0f32, |largest, x| largest.max(x.abs()));
                    let inverse = if largest > 0.0 { 127.0 / largest } else { 0.0 };
                    scales.push(largest / 127.0);
                    numbers.extend(group.iter().map(|x| (x * inverse).round_ties_even() as i8));
                }
            }
        }
    }

    /// Numbers `offset..offset + width` of the rows from `first` on, to (rows, stride). What is beyond `width` in a row
    /// of `out` is left alone.
    pub fn read(&self, first: usize, offset: usize, width: usize, out: &mut [f32], stride: usize) {
        let rows = out.chunks_mut(stride).enumerate();
        let at = |row: usize| (first + row) * self.width + offset;
        match &self.store {
            Store::F32(numbers) => {
                rows.for_each(|(row, out)| out[..width].copy_from_slice(&numbers[at(row)..][..width]));
            }
            Store::F16(numbers) => kernels::halves(&numbers[at(0)..], self.width, width, out, stride),
            Store::Q8(numbers, scales) => {
                for (row, out) in rows {
                    let scales = &scales[(first + row) * self.width.div_ceil(GROUP)..];
                    for (place, (out, number)) in out[..width].iter_mut().zip(&numbers[at(row)..]).enumerate()
                    {
                        *out = scales[(offset + place) / GROUP] * f32::from(*number);
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_appended_comes_back_as_exactly_as_the_type_says() {
        // 40 is no multiple of 32: the second group of a row is shorter.
        let rows: Vec<f32> = (0..3 * 40).map(|i| (i as f32 * 0.7).sin() * 3.0).collect();
        for (kind, most) in
            [(KvType::F32, 0.0), (KvType::F16, 3.0 / 2048.0), (KvType::Q8, 3.0 / 254.0 + 1e-6)]
        {
            let mut cache = Cache::new(kind, 1, 40, 0);
            cache.reserve(3).expect("some bytes");
            cache.append(0, &rows[..40], &[]);
            cache.append(0, &rows[40..], &[]);
            cache.advance(3);
            let mut out = [9.0; 2 * 8];
            cache.layer(0).1.read(1, 30, 5, &mut out, 8);
            for row in 0..2 {
                for place in 0..5 {
                    let off = (out[row * 8 + place] - rows[(row + 1) * 40 + 30 + place]).abs();
                    assert!(off <= most, "{kind:?}: off by {off}");
                }
                assert_eq!(out[row * 8 + 5..row * 8 + 8], [9.0; 3], "what is beyond is left alone");
            }
            cache.truncate(1);
            assert_eq!((cache.positions(), cache.layer(0).0.positions()), (1, 1));
        }
    }
}
