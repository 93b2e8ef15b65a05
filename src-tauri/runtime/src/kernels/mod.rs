//! Kernels: the inner loops. What they compute is defined once in plain code, and again for the machines that have
//! wide registers, chosen at run time, because a release binary may not assume them.
//!
//! | file | what |
//! |---|---|
//! | `layout` | the storage types of quantised weights, one block at a time |
//! | `activations` | rows of activations as whole numbers |
//! | `float` | dot products of plain floats |
//! | `wide` | one body compiled for two kinds of machines |
//! | `attend` | attention over the cache |
//! | `avx2` | x86-64 with AVX2 and FMA |

pub mod activations;
pub mod attend;
#[cfg(target_arch = "x86_64")]
mod avx2;
pub mod float;
pub mod layout;
pub mod wide;

use std::ops::Range;

use crate::gguf::Dtype;
use activations::{Activations, GROUP};
use layout::{Block, Layout};

/// Tokens from which on it pays to unpack rows once for all of them.
const PANEL_FROM: usize = 4;

/// Quantised rows in memory.
pub struct Packed<'a> {
    pub dtype: Dtype,
    pub layout: &'static Layout,
    /// (rows, row_bytes)
    pub bytes: &'a [u8],
    pub rows: usize,
    pub columns: usize,
    pub row_bytes: usize,
}

/// Where products go: (tokens, rows), written by several threads, each its own rows.
pub struct Out<'a> {
    first: *mut f32,
    tokens: usize,
    rows: usize,
    lifetime: std::marker::PhantomData<&'a mut [f32]>,
}

// SAFETY: numbers are only written, through `put`, and callers give every thread rows of its own.
#[allow(unsafe_code)]
unsafe impl Sync for Out<'_> {}

impl<'a> Out<'a> {
    /// `out`: (tokens, rows)
    pub fn new(out: &'a mut [f32], rows: usize) -> Out<'a> {
        Out { first: out.as_mut_ptr(), tokens: out.len() / rows, rows, lifetime: std::marker::PhantomData }
    }

    /// Sets `out[token][row]`. No other thread may write this row.
    #[allow(unsafe_code)]
    #[inline(always)]
    pub fn set(&self, token: usize, row: usize, value: f32) {
        assert!(token < self.tokens && row < self.rows);
        // SAFETY: inside the slice by the line above.
        unsafe { *self.first.add(token * self.rows + row) = value }
    }

    /// Sets up to eight rows from `row` on, none from `end` on.
    #[cfg(target_arch = "x86_64")]
    #[allow(unsafe_code)]
    #[inline(always)]
    fn put(&self, token: usize, row: usize, values: std::arch::x86_64::__m256, end: usize) {
        // SAFETY: both types are 32 bytes of floats.
        let values: [f32; 8] = unsafe { std::mem::transmute(values) };
        if row + 8 <= end {
            assert!(token < self.tokens && row + 8 <= self.rows);
            // SAFETY: inside the slice by the line above.
            unsafe { self.first.add(token * self.rows + row).cast::<[f32; 8]>().write(values) }
        } else {
            (row..end).for_each(|row_of| self.set(token, row_of, values[row_of - row]));
        }
    }
}

impl Packed<'_> {
    /// `x` (tokens, columns) as this type's kernels want it.
    pub fn activations(&self, x: &[f32]) -> Activations {
        match self.layout.zero {
            Some(_) => Activations::narrow(x, self.columns, self.layout.group),
            None => Activations::wide(x, self.columns),
        }
    }

    /// `out[token][row]` for all tokens and these rows.
    pub fn multiply(&self, x: &Activations, rows: Range<usize>, out: &Out) {
        #[cfg(target_arch = "x86_64")]
        if avx2::here() {
            if x.rows() < PANEL_FROM {
                (0..x.rows()).for_each(|token| avx2::one(self, token, x, rows.clone(), out));
            } else {
                avx2::many(self, x, rows, out);
            }
            return;
        }
        self.multiply_plainly(x, rows, out);
    }

    /// The same in plain code.
    pub fn multiply_plainly(&self, x: &Activations, rows: Range<usize>, out: &Out) {
        for row in rows {
            let bytes = &self.bytes[row * self.row_bytes..][..self.row_bytes];
            for token in 0..x.rows() {
                out.set(token, row, plain_row(self.layout, bytes, x, token));
            }
        }
    }
}

/// One row by one token, the definition of a product: group after group, the exact whole product of its numbers
/// becomes a float, is scaled by the activations' scale, then added with the weights' scale in one rounding; the
/// offset likewise with the sum of the activations.
pub fn plain_row(layout: &Layout, bytes: &[u8], x: &Activations, token: usize) -> f32 {
    let mut block = Block::EMPTY;
    let mut sum = 0f32;
    let mut place = token * x.columns;
    for bytes in bytes.chunks_exact(layout.bytes) {
        (layout.unpack)(bytes, &mut block);
        for (group, numbers) in block.numbers[..layout.values].chunks_exact(layout.group).enumerate() {
            let (scale, scale_of_x) = (block.scales[group], x.scales[place / GROUP]);
            match layout.zero {
                Some(zero) => {
                    let pairs = numbers.iter().zip(&x.narrow[place..]);
                    let whole: i32 =
                        pairs.map(|(w, x)| (i32::from(*w) + i32::from(zero)) * i32::from(*x)).sum();
                    sum = scale.mul_add(whole as f32 * scale_of_x, sum);
                    let offset = block.offsets[group] - f32::from(zero) * scale;
                    sum = offset.mul_add(x.sums[place / x.sum_of], sum);
                }
                None => {
                    let pairs = numbers.iter().zip(&x.wide[place..]);
                    let whole: i32 = pairs.map(|(w, x)| i32::from(*w) * i32::from(*x)).sum();
                    sum = scale.mul_add(whole as f32 * scale_of_x, sum);
                }
            }
            place += layout.group;
        }
    }
    sum
}

/// Rows of 16-bit floats, `step` apart, to rows of `stride` floats; `width` of each count.
pub fn halves(numbers: &[half::f16], step: usize, width: usize, out: &mut [f32], stride: usize) {
    #[cfg(target_arch = "x86_64")]
    if avx2::here() {
        return avx2::halves(bytemuck::cast_slice(numbers), step, width, out, stride);
    }
    for (row, out) in out.chunks_mut(stride).enumerate() {
        for (out, number) in out[..width].iter_mut().zip(&numbers[row * step..]) {
            *out = number.to_f32();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha8Rng;
    use serde::Deserialize;

    /// What `reference/storage_types.py` writes.
    #[derive(Deserialize)]
    struct Case {
        r#type: String,
        bytes: String,
        numbers: String,
    }

    fn cases() -> Vec<(Dtype, &'static Layout, Vec<u8>, Vec<f32>)> {
        let cases: Vec<Case> =
            serde_json::from_str(include_str!("../../reference/storage_types.json")).expect("JSON");
        let bytes = |hex: &str| -> Vec<u8> {
            (0..hex.len())
                .step_by(2)
                .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).expect("hex"))
                .collect()
        };
        let case = |case: Case| {
            let dtype = (0..64).filter_map(Dtype::from_number).find(|dtype| dtype.name() == case.r#type);
            let dtype = dtype.expect("a known type");
            let numbers = bytes(&case.numbers);
            let numbers = numbers.as_chunks().0.iter().map(|four| f32::from_le_bytes(*four)).collect();
            (dtype, layout(dtype).expect("a quantised type"), bytes(&case.bytes), numbers)
        };
        cases.into_iter().map(case).collect()
    }

    use layout::layout;

    #[test]
    fn every_type_unpacks_to_the_numbers_of_its_authors() {
        let cases = cases();
        assert_eq!(cases.len(), 13);
        for (dtype, layout, bytes, expected) in cases {
            assert_eq!(
                (layout.values as u64, layout.bytes as u64),
                (dtype.block_values(), dtype.block_bytes())
            );
            let mut found = vec![0.0; expected.len()];
            layout::unpack_row(layout, &bytes, &mut found);
            assert_eq!(found, expected, "{}", dtype.name());
        }
    }

    /// Rows of random blocks of the reference: every bit pattern of numbers, scales of an ordinary size.
    fn rows(dtype: Dtype, layout: &Layout, reference: &[u8], rows: usize, columns: usize) -> Vec<u8> {
        let mut random = ChaCha8Rng::seed_from_u64(u64::from(dtype.number()));
        let mut bytes = Vec::new();
        for _ in 0..rows * columns / layout.values {
            let from = random.random_range(0..reference.len() / layout.bytes) * layout.bytes;
            let mut block = reference[from..from + layout.bytes].to_vec();
            let plain = |at: &usize| match dtype {
                Dtype::Q4_0 | Dtype::Q8_0 | Dtype::IQ4_NL => *at >= 2,
                Dtype::Q4_1 | Dtype::Q5_1 => *at >= 4,
                Dtype::Q5_0 => *at >= 2,
                Dtype::Q4K | Dtype::Q5K => *at >= 4,
                Dtype::Q2K => *at < 80,
                Dtype::Q3K => *at < 108,
                Dtype::Q6K => *at < 208,
                Dtype::IQ4_XS => *at >= 2,
                _ => *at >= 1,
            };
            (0..layout.bytes).filter(plain).for_each(|at| block[at] = random.random());
            bytes.extend(block);
        }
        bytes
    }

    fn activations(tokens: usize, columns: usize) -> Vec<f32> {
        // One number of each 200 is an outlier, as in real models.
        let number = |i: usize| (i as f32 * 0.731).sin() * if i % 200 == 7 { 30.0 } else { 1.0 };
        (0..tokens * columns).map(number).collect()
    }

    #[test]
    fn the_fast_kernels_give_bit_for_bit_what_the_plain_ones_give() {
        for (dtype, layout, bytes, _) in cases() {
            // 19 rows: two eights and a rest; 768: no multiple of a panel; 7 tokens: four and a rest.
            let (count, columns, tokens) = (19, if layout.values == 32 { 608 } else { 768 }, 7);
            let bytes = rows(dtype, layout, &bytes, count, columns);
            let row_bytes = columns / layout.values * layout.bytes;
            let packed = Packed { dtype, layout, bytes: &bytes, rows: count, columns, row_bytes };
            let x = activations(tokens, columns);
            let of_x = packed.activations(&x);
            let mut plain = vec![0.0; tokens * count];
            packed.multiply_plainly(&of_x, 0..count, &Out::new(&mut plain, count));
            let mut fast = vec![0.0; tokens * count];
            packed.multiply(&of_x, 0..3, &Out::new(&mut fast, count));
            packed.multiply(&of_x, 3..count, &Out::new(&mut fast, count));
            assert_eq!(fast, plain, "{}: all tokens at once", dtype.name());
            for (token, x) in x.chunks_exact(columns).enumerate() {
                let mut one = vec![0.0; count];
                packed.multiply(&packed.activations(x), 0..count, &Out::new(&mut one, count));
                assert_eq!(one, plain[token * count..][..count], "{}: token {token} alone", dtype.name());
            }
        }
    }

    #[test]
    fn a_product_is_that_of_the_unpacked_numbers_within_the_rounding_of_the_activations() {
        for (dtype, layout, bytes, _) in cases() {
            let (columns, tokens) = (1024, 2);
            let bytes = rows(dtype, layout, &bytes, 5, columns);
            let row_bytes = bytes.len() / 5;
            let packed = Packed { dtype, layout, bytes: &bytes, rows: 5, columns, row_bytes };
            let x = activations(tokens, columns);
            let mut found = vec![0.0; tokens * 5];
            packed.multiply(&packed.activations(&x), 0..5, &Out::new(&mut found, 5));
            // Each activation is off by at most half a step, 1/254 (1/65,534) of the largest of its 32.
            let step = if layout.zero.is_some() { 1.0 / 254.0 } else { 1.0 / 65_534.0 };
            let mut row = vec![0.0; columns];
            for (index, bytes) in bytes.chunks_exact(row_bytes).enumerate() {
                layout::unpack_row(layout, bytes, &mut row);
                for (token, x) in x.chunks_exact(columns).enumerate() {
                    let (mut exact, mut bound) = (0f64, 1e-3);
                    for (x, row) in x.chunks_exact(GROUP).zip(row.chunks_exact(GROUP)) {
                        let largest = x.iter().fold(0f32, |most, x| most.max(x.abs()));
                        for (x, w) in x.iter().zip(row) {
                            exact += f64::from(*x) * f64::from(*w);
                            bound += f64::from(w.abs() * largest) * (step + 1e-6);
                        }
                    }
                    let off = (f64::from(found[token * 5 + index]) - exact).abs();
                    assert!(off <= bound, "{}: {exact} is off by {off}, more than {bound}", dtype.name());
                }
            }
        }
    }

    #[test]
    fn activations_are_the_same_in_wide_registers_and_what_is_no_number_stays_none() {
        let mut x = activations(1, 256);
        x[40] = f32::NAN;
        x[70] = f32::INFINITY;
        x[96..128].fill(0.0);
        x[128..160].fill(1e-40);
        for sum_of in [16, 32] {
            let fast = Activations::narrow(&x, 256, sum_of);
            let (mut narrow, mut scales, mut sums) = (vec![0; 256], vec![0.0; 8], vec![0.0; 256 / sum_of]);
            activations::plain_narrow_groups(&x, &mut narrow, &mut scales, &mut sums, sum_of);
            let bits = |x: &[f32]| x.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
            assert_eq!(bits(&fast.scales), bits(&scales));
            assert_eq!(
                (&fast.narrow[96..], bits(&fast.sums[96 / sum_of..])),
                (&narrow[96..], bits(&sums[96 / sum_of..]))
            );
            assert!(scales[1].is_nan() && scales[2].is_nan() && scales[3] == 0.0 && scales[4] == 0.0);
        }
        let fast = Activations::wide(&x, 256);
        let (mut wide, mut scales) = (vec![0; 256], vec![0.0; 8]);
        activations::plain_wide_groups(&x, &mut wide, &mut scales);
        assert_eq!(fast.wide[96..], wide[96..]);
        assert!(fast.scales.iter().zip(&scales).all(|(a, b)| a == b || a.is_nan() && b.is_nan()));
    }
}
