//! Activations as whole numbers: every 32 of a row share a scale, chosen so that the largest takes all bits.
//!
//! Storage types of at most six bits are multiplied with activations of 8 bits (error at most 1/254 of the largest of
//! 32), types of eight bits with activations of 16 bits (1/65,534), where a product costs the same.

#[cfg(target_arch = "x86_64")]
use super::{avx2, level};

/// Numbers that share a scale.
pub const GROUP: usize = 32;

/// Rows of activations. A number is `scale · whole`.
pub struct Activations {
    /// Numbers of a row.
    pub columns: usize,
    /// (rows, columns), empty when they are wide.
    pub narrow: Vec<i8>,
    /// (rows, columns), empty when they are narrow.
    pub wide: Vec<i16>,
    /// (rows, columns / 32)
    pub scales: Vec<f32>,
    /// Sums of the narrow numbers as floats, for groups of `sum_of` numbers: (rows, columns / sum_of).
    pub sums: Vec<f32>,
    pub sum_of: usize,
}

impl Activations {
    /// Of 8 bits, with sums over groups of 16 or 32. `x`: (rows, columns), columns a multiple of 32.
    pub fn narrow(x: &[f32], columns: usize, sum_of: usize) -> Activations {
        Self::narrow_by(narrow_groups, x, columns, sum_of)
    }

    /// Of 16 bits.
    pub fn wide(x: &[f32], columns: usize) -> Activations {
        Self::wide_by(wide_groups, x, columns)
    }

    /// As [`Self::narrow`], in plain code.
    pub(super) fn plain_narrow(x: &[f32], columns: usize, sum_of: usize) -> Activations {
        Self::narrow_by(plain_narrow_groups, x, columns, sum_of)
    }

    /// As [`Self::wide`], in plain code.
    pub(super) fn plain_wide(x: &[f32], columns: usize) -> Activations {
        Self::wide_by(plain_wide_groups, x, columns)
    }

    fn narrow_by(
        groups: impl Fn(&[f32], &mut [i8], &mut [f32], &mut [f32], usize),
        x: &[f32],
        columns: usize,
        sum_of: usize,
    ) -> Activations {
        let (mut narrow, mut scales) = (vec![0i8; x.len()], vec![0f32; x.len() / GROUP]);
        let mut sums = vec![0f32; x.len() / sum_of];
        groups(x, &mut narrow, &mut scales, &mut sums, sum_of);
        Activations { columns, narrow, wide: Vec::new(), scales, sums, sum_of }
    }

    fn wide_by(groups: impl Fn(&[f32], &mut [i16], &mut [f32]), x: &[f32], columns: usize) -> Activations {
        let (mut wide, mut scales) = (vec![0i16; x.len()], vec![0f32; x.len() / GROUP]);
        groups(x, &mut wide, &mut scales);
        Activations { columns, narrow: Vec::new(), wide, scales, sums: Vec::new(), sum_of: GROUP }
    }

    pub fn rows(&self) -> usize {
        self.scales.len() * GROUP / self.columns
    }
}

/// (scale, its inverse) for numbers up to `most`. What is not a number makes the scale one, so that the product is
/// not a number either.
#[inline(always)]
pub(super) fn scale_of(largest_bits: u32, most: f32) -> (f32, f32) {
    let largest = f32::from_bits(largest_bits);
    if !largest.is_finite() {
        return (f32::NAN, 0.0);
    }
    let scale = largest / most;
    // Below that the inverse would be infinite; such numbers are 0 beside any weight.
    if scale < f32::MIN_POSITIVE { (0.0, 0.0) } else { (scale, most / largest) }
}

/// The largest magnitude, as bits: they order like the numbers, and not-a-number comes last.
fn largest_bits(x: &[f32]) -> u32 {
    x.iter().map(|x| x.to_bits() & 0x7fff_ffff).max().unwrap_or(0)
}

fn narrow_groups(x: &[f32], narrow: &mut [i8], scales: &mut [f32], sums: &mut [f32], sum_of: usize) {
    #[cfg(target_arch = "x86_64")]
    if level().has_avx2() {
        return avx2::narrow_groups(x, narrow, scales, sums, sum_of);
    }
    plain_narrow_groups(x, narrow, scales, sums, sum_of);
}

fn wide_groups(x: &[f32], wide: &mut [i16], scales: &mut [f32]) {
    #[cfg(target_arch = "x86_64")]
    if level().has_avx2() {
        return avx2::wide_groups(x, wide, scales);
    }
    plain_wide_groups(x, wide, scales);
}

pub(super) fn plain_narrow_groups(
    x: &[f32],
    narrow: &mut [i8],
    scales: &mut [f32],
    sums: &mut [f32],
    sum_of: usize,
) {
    let groups = x.as_chunks::<GROUP>().0.iter().zip(narrow.as_chunks_mut::<GROUP>().0);
    for (((x, narrow), scale), sums) in groups.zip(scales).zip(sums.chunks_exact_mut(GROUP / sum_of)) {
        let (of_group, inverse) = scale_of(largest_bits(x), 127.0);
        *scale = of_group;
        for (narrow, x) in narrow.iter_mut().zip(x) {
            *narrow = (x * inverse).round_ties_even() as i8;
        }
        for (sum, narrow) in sums.iter_mut().zip(narrow.chunks_exact(sum_of)) {
            *sum = of_group * narrow.iter().map(|&number| i32::from(number)).sum::<i32>() as f32;
        }
    }
}

pub(super) fn plain_wide_groups(x: &[f32], wide: &mut [i16], scales: &mut [f32]) {
    let groups = x.as_chunks::<GROUP>().0.iter().zip(wide.as_chunks_mut::<GROUP>().0);
    for ((x, wide), scale) in groups.zip(scales) {
        let (of_group, inverse) = scale_of(largest_bits(x), 32_767.0);
        *scale = of_group;
        for (wide, x) in wide.iter_mut().zip(x) {
            *wide = (x * inverse).round_ties_even() as i16;
        }
    }
}
