//! Kernels: the inner loops. What they compute is defined once in plain code, and again for the machines that have
//! wide registers, chosen at run time, because a release binary may not assume them.
//!
//! | file | what |
//! |---|---|
//! | `level` | which of them this process uses |
//! | `trial` | the proof that kernels give on the machine before they are used |
//! | `layout` | the storage types of quantised weights, one block at a time |
//! | `round` | numbers brought into a smaller storage type |
//! | `activations` | rows of activations as whole numbers |
//! | `float` | dot products of plain floats |
//! | `wide` | one body of floats, compiled for two kinds of machines |
//! | `attend` | attention over the cache |
//! | `avx2` | x86-64 with AVX2 and FMA |
//! | `lanes` | storage types and products for wider registers, written once for the machines |
//! | `avx512`, `neon` | those machines |

pub mod activations;
pub mod attend;
#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
pub mod float;
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
mod lanes;
pub mod layout;
mod level;
#[cfg(target_arch = "aarch64")]
mod neon;
pub mod round;
mod trial;
pub mod wide;

use std::ops::Range;

use crate::gguf::Dtype;
use activations::{Activations, GROUP};
use layout::{Block, Layout};
pub use level::{Choice, Level, LevelError, VARIABLE, choice, level};

/// Tokens from which on it pays, with AVX2, to unpack rows once for all of them.
#[cfg(target_arch = "x86_64")]
const PANEL_FROM: usize = 2;

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

// SAFETY: numbers are only written, through `set`, `put` and `place`, and callers give every thread rows of its own.
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

    /// Where `out[token][row]` and the `count` rows from it on are, which no other thread may write.
    #[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
    #[allow(unsafe_code)]
    #[inline(always)]
    fn place(&self, token: usize, row: usize, count: usize) -> *mut f32 {
        assert!(token < self.tokens && row + count <= self.rows);
        // SAFETY: inside the slice by the line above.
        unsafe { self.first.add(token * self.rows + row) }
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

    /// [`Self::activations`] in plain code.
    fn activations_plainly(&self, x: &[f32]) -> Activations {
        match self.layout.zero {
            Some(_) => Activations::plain_narrow(x, self.columns, self.layout.group),
            None => Activations::plain_wide(x, self.columns),
        }
    }

    /// `out[token][row]` for all tokens and these rows.
    pub fn multiply(&self, x: &Activations, rows: Range<usize>, out: &Out) {
        self.multiply_at(level(), x, rows, out);
    }

    fn multiply_at(&self, level: Level, x: &Activations, rows: Range<usize>, out: &Out) {
        match level {
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 if x.rows() < PANEL_FROM => {
                (0..x.rows()).for_each(|token| avx2::one(self, token, x, rows.clone(), out));
            }
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 => avx2::many(self, x, rows, out),
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 => avx512::multiply(self, x, rows, out),
            #[cfg(target_arch = "aarch64")]
            Level::Neon => neon::multiply(self, x, rows, out),
            #[cfg(target_arch = "aarch64")]
            Level::I8mm => neon::i8mm::multiply(self, x, rows, out),
            _ => self.multiply_plainly(x, rows, out),
        }
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
                    // A scale that is infinite has no 0 times.
                    let offset = match zero {
                        0 => block.offsets[group],
                        _ => block.offsets[group] - f32::from(zero) * scale,
                    };
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
    if level().has_avx2() {
        return avx2::halves(bytemuck::cast_slice(numbers), step, width, out, stride);
    }
    #[cfg(target_arch = "aarch64")]
    if level() != Level::Plain {
        return neon::halves(bytemuck::cast_slice(numbers), step, width, out, stride);
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

    /// Rows of random blocks.
    fn rows(dtype: Dtype, layout: &Layout, rows: usize, columns: usize) -> Vec<u8> {
        trial::blocks(dtype, layout, rows * columns / layout.values, &mut trial::Random(dtype.number() + 1))
    }

    fn activations(tokens: usize, columns: usize) -> Vec<f32> {
        // One number of each 200 is an outlier, as in real models.
        let number = |i: usize| (i as f32 * 0.731).sin() * if i % 200 == 7 { 30.0 } else { 1.0 };
        (0..tokens * columns).map(number).collect()
    }

    #[test]
    fn the_fast_kernels_give_bit_for_bit_what_the_plain_ones_give() {
        for (dtype, layout, ..) in cases() {
            // 19 rows: two eights and a rest; 768: no multiple of a panel; 7 tokens: four and a rest.
            let (count, columns, tokens) = (19, if layout.values == 32 { 608 } else { 768 }, 7);
            let bytes = rows(dtype, layout, count, columns);
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

    type Multiply = Box<dyn Fn(&Packed, &Activations, Range<usize>, &Out)>;

    /// Every level of this machine, and AVX-512 also where there is none.
    fn machines() -> Vec<(&'static str, Multiply)> {
        let at = |level: Level| -> Multiply {
            Box::new(move |packed, x, rows, out| packed.multiply_at(level, x, rows, out))
        };
        let here = Level::all_here().map(|level| (level.name(), at(level)));
        #[cfg(target_arch = "x86_64")]
        let here = here.chain([("the model of avx512", Box::new(avx512::model::multiply) as Multiply)]);
        here.collect()
    }

    /// Every machine gives what the plain kernels give, with all tokens at once and with the last alone.
    fn agree((dtype, layout): (Dtype, &'static Layout), bytes: &[u8], rows: usize, x: &[f32], tokens: usize) {
        let (row_bytes, columns) = (bytes.len() / rows, x.len() / tokens);
        let packed = Packed { dtype, layout, bytes, rows, columns, row_bytes };
        let (of_x, of_last) = (packed.activations_plainly(x), &x[(tokens - 1) * columns..]);
        let mut plain = vec![0.0; tokens * rows];
        packed.multiply_plainly(&of_x, 0..rows, &Out::new(&mut plain, rows));
        for (name, multiply) in machines() {
            let name = format!("{name}, {}, {tokens} tokens of {columns}", dtype.name());
            let mut fast = vec![0.0; tokens * rows];
            // In two pieces: rows begin anywhere and end with a part of a register.
            let piece = rows.min(3);
            multiply(&packed, &of_x, 0..piece, &Out::new(&mut fast, rows));
            if piece < rows {
                multiply(&packed, &of_x, piece..rows, &Out::new(&mut fast, rows));
            }
            same(&fast, &plain, &name);
            let mut one = vec![0.0; rows];
            multiply(&packed, &packed.activations_plainly(of_last), 0..rows, &Out::new(&mut one, rows));
            same(&one, &plain[(tokens - 1) * rows..], &format!("{name}, the last alone"));
        }
    }

    /// Equal bits, or no number both.
    fn same(found: &[f32], expected: &[f32], what: &str) {
        assert_eq!(found.len(), expected.len());
        for (place, (found, expected)) in found.iter().zip(expected).enumerate() {
            let same = found.to_bits() == expected.to_bits() || found.is_nan() && expected.is_nan();
            assert!(same, "{what}: {found} is not {expected} at {place}");
        }
    }

    #[test]
    fn every_machine_gives_bit_for_bit_what_the_plain_kernels_give() {
        for (dtype, layout, ..) in cases() {
            // 37 rows: a panel of AVX-512 and a rest; 1 to 9 tokens: whole tiles and every rest.
            for tokens in 1..=9 {
                let columns = if layout.values == 32 { 96 } else { 256 };
                let bytes = rows(dtype, layout, 37, columns);
                agree((dtype, layout), &bytes, 37, &activations(tokens, columns), tokens);
            }
            // No multiple of a panel, and more than one.
            let columns = if layout.values == 32 { 1056 } else { 1280 };
            for (count, tokens) in [(1, 1), (16, 5), (67, 3)] {
                let bytes = rows(dtype, layout, count, columns);
                agree((dtype, layout), &bytes, count, &activations(tokens, columns), tokens);
            }
        }
    }

    #[test]
    fn the_machines_agree_about_extreme_numbers_and_scales_that_are_none() {
        for (dtype, layout, ..) in cases() {
            let (count, columns) = (18, 512);
            // The largest and smallest numbers, and scales that are zero, infinite and not a number.
            for (fill, scale) in [
                (0xff, 0x3c00),
                (0x80, 0x3c00),
                (0, 0x3c00),
                (0x7f, 0),
                (0x5a, 0x7c00),
                (0xa5, 0x7e00),
                (3, 0x8001),
            ] {
                let mut bytes = vec![fill; count * columns / layout.values * layout.bytes];
                for block in bytes.chunks_exact_mut(layout.bytes) {
                    for (&at, half) in trial::halves(dtype).iter().zip([scale, 0x3800]) {
                        block[at..at + 2].copy_from_slice(&u16::to_le_bytes(half));
                    }
                    if dtype == Dtype::MXFP4 {
                        block[0] = scale as u8 ^ fill;
                    }
                }
                for tokens in [1, 5] {
                    // All at one end or the other of their range: the largest sums that there are.
                    let ends: Vec<f32> = (0..tokens * columns)
                        .map(|place| if place / 16 % 3 == 0 { -7.5 } else { 7.5 })
                        .collect();
                    agree((dtype, layout), &bytes, count, &ends, tokens);
                    let mut none = ends;
                    none[40] = f32::NAN;
                    none[columns - 1] = f32::INFINITY;
                    agree((dtype, layout), &bytes, count, &none, tokens);
                    agree((dtype, layout), &bytes, count, &vec![0.0; tokens * columns], tokens);
                }
            }
        }
    }

    #[test]
    #[cfg(target_arch = "x86_64")]
    fn avx512_would_hold_its_trial() {
        assert_eq!(trial::differs(avx512::model::multiply), None);
    }

    #[test]
    fn a_product_is_that_of_the_unpacked_numbers_within_the_rounding_of_the_activations() {
        for (dtype, layout, ..) in cases() {
            let (columns, tokens) = (1024, 2);
            let bytes = rows(dtype, layout, 5, columns);
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
