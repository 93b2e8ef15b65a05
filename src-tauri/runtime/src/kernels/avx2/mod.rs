//! Kernels for x86-64 with AVX2, FMA and F16C. They give bit for bit what the plain ones give.
#![allow(unsafe_code)]

mod formats;
mod product;

use std::arch::x86_64::*;

use super::activations::scale_of;
pub(super) use product::{many, one};

/// This machine can run what is in this module.
pub fn here() -> bool {
    is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") && is_x86_feature_detected!("f16c")
}

/// As [`super::activations::plain_narrow_groups`].
pub(super) fn narrow_groups(
    x: &[f32],
    narrow: &mut [i8],
    scales: &mut [f32],
    sums: &mut [f32],
    sum_of: usize,
) {
    assert!(
        here() && x.len() == narrow.len() && x.len() == scales.len() * 32 && x.len() == sums.len() * sum_of
    );
    // SAFETY: the features are there, and the lengths are those of whole groups.
    unsafe { narrow_groups_here(x, narrow, scales, sums, sum_of) }
}

/// As [`super::activations::plain_wide_groups`].
pub(super) fn wide_groups(x: &[f32], wide: &mut [i16], scales: &mut [f32]) {
    assert!(here() && x.len() == wide.len() && x.len() == scales.len() * 32);
    // SAFETY: as above.
    unsafe { wide_groups_here(x, wide, scales) }
}

/// 32 numbers, and the bits of the largest magnitude.
#[inline(always)]
unsafe fn group(at: *const f32) -> ([__m256; 4], u32) {
    unsafe {
        let mut x = [_mm256_setzero_ps(); 4];
        let mut most = _mm256_setzero_si256();
        for (index, x) in x.iter_mut().enumerate() {
            *x = _mm256_loadu_ps(at.add(8 * index));
            let bits = _mm256_and_si256(_mm256_castps_si256(*x), _mm256_set1_epi32(0x7fff_ffff));
            most = _mm256_max_epu32(most, bits);
        }
        let most = _mm_max_epu32(_mm256_castsi256_si128(most), _mm256_extracti128_si256::<1>(most));
        let most = _mm_max_epu32(most, _mm_shuffle_epi32::<0b00_00_11_10>(most));
        let most = _mm_max_epu32(most, _mm_shuffle_epi32::<0b00_00_00_01>(most));
        (x, _mm_cvtsi128_si32(most) as u32)
    }
}

/// 32 whole numbers as 16 bits, in order.
#[inline(always)]
unsafe fn wholes(x: [__m256; 4], inverse: f32) -> [__m256i; 2] {
    unsafe {
        let inverse = _mm256_set1_ps(inverse);
        // The rounding mode of every process is to the nearest, ties to even.
        let mut halves = [_mm256_setzero_si256(); 2];
        for (half, x) in halves.iter_mut().zip(x.as_chunks::<2>().0) {
            let low = _mm256_cvtps_epi32(_mm256_mul_ps(x[0], inverse));
            let high = _mm256_cvtps_epi32(_mm256_mul_ps(x[1], inverse));
            *half = _mm256_permute4x64_epi64::<0b11_01_10_00>(_mm256_packs_epi32(low, high));
        }
        halves
    }
}

#[inline(always)]
unsafe fn sum_of_16(numbers: __m256i) -> i32 {
    unsafe {
        let eight = _mm256_madd_epi16(numbers, _mm256_set1_epi16(1));
        let four = _mm_add_epi32(_mm256_castsi256_si128(eight), _mm256_extracti128_si256::<1>(eight));
        let two = _mm_add_epi32(four, _mm_shuffle_epi32::<0b00_00_11_10>(four));
        _mm_cvtsi128_si32(_mm_add_epi32(two, _mm_shuffle_epi32::<0b00_00_00_01>(two)))
    }
}

#[target_feature(enable = "avx2,fma,f16c")]
unsafe fn narrow_groups_here(
    x: &[f32],
    narrow: &mut [i8],
    scales: &mut [f32],
    sums: &mut [f32],
    sum_of: usize,
) {
    for (number, scale) in scales.iter_mut().enumerate() {
        // SAFETY: the caller has checked that every slice holds this group.
        unsafe {
            let (x, most) = group(x.as_ptr().add(number * 32));
            let (of_group, inverse) = scale_of(most, 127.0);
            *scale = of_group;
            let [low, high] = wholes(x, inverse);
            let bytes = _mm256_permute4x64_epi64::<0b11_01_10_00>(_mm256_packs_epi16(low, high));
            _mm256_storeu_si256(narrow.as_mut_ptr().add(number * 32).cast(), bytes);
            let (low, high) = (sum_of_16(low), sum_of_16(high));
            if sum_of == 32 {
                sums[number] = of_group * (low + high) as f32;
            } else {
                sums[number * 2] = of_group * low as f32;
                sums[number * 2 + 1] = of_group * high as f32;
            }
        }
    }
}

#[target_feature(enable = "avx2,fma,f16c")]
unsafe fn wide_groups_here(x: &[f32], wide: &mut [i16], scales: &mut [f32]) {
    for (number, scale) in scales.iter_mut().enumerate() {
        // SAFETY: the caller has checked that every slice holds this group.
        unsafe {
            let (x, most) = group(x.as_ptr().add(number * 32));
            let (of_group, inverse) = scale_of(most, 32_767.0);
            *scale = of_group;
            let to = wide.as_mut_ptr().add(number * 32);
            let [low, high] = wholes(x, inverse);
            _mm256_storeu_si256(to.cast(), low);
            _mm256_storeu_si256(to.add(16).cast(), high);
        }
    }
}

/// `rows` (positions, width) to `out` (width, stride); positions and width are multiples of 8.
pub(super) fn turn(rows: &[f32], width: usize, out: &mut [f32], stride: usize) {
    let positions = rows.len() / width;
    assert!(here() && width.is_multiple_of(8) && positions.is_multiple_of(8));
    assert!(rows.len() == positions * width && positions <= stride && out.len() >= width * stride);
    // SAFETY: the features are there, and the numbers of every eight by eight are inside both slices.
    unsafe { turn_here(rows, width, out, stride) }
}

#[target_feature(enable = "avx2,fma,f16c")]
unsafe fn turn_here(rows: &[f32], width: usize, out: &mut [f32], stride: usize) {
    for position in (0..rows.len() / width).step_by(8) {
        for place in (0..width).step_by(8) {
            // SAFETY: checked by `turn`.
            unsafe {
                let from = rows.as_ptr().add(position * width + place);
                let row = |row: usize| _mm256_loadu_ps(from.add(row * width));
                let to = out.as_mut_ptr().add(place * stride + position);
                let pair = |a, b| (_mm256_unpacklo_ps(a, b), _mm256_unpackhi_ps(a, b));
                let ((a, b), (c, d)) = (pair(row(0), row(1)), pair(row(2), row(3)));
                let ((e, f), (g, h)) = (pair(row(4), row(5)), pair(row(6), row(7)));
                let two = |a, b| (_mm256_shuffle_ps::<0x44>(a, b), _mm256_shuffle_ps::<0xee>(a, b));
                let ((w0, w1), (w2, w3)) = (two(a, c), two(b, d));
                let ((v0, v1), (v2, v3)) = (two(e, g), two(f, h));
                for (column, (w, v)) in [(w0, v0), (w1, v1), (w2, v2), (w3, v3)].into_iter().enumerate() {
                    _mm256_storeu_ps(to.add(column * stride), _mm256_permute2f128_ps::<0x20>(w, v));
                    _mm256_storeu_ps(to.add((column + 4) * stride), _mm256_permute2f128_ps::<0x31>(w, v));
                }
            }
        }
    }
}

/// Rows of 16-bit floats, `step` apart, to rows of `stride` floats; `width` of each count.
pub fn halves(numbers: &[u16], step: usize, width: usize, out: &mut [f32], stride: usize) {
    let rows = out.len() / stride;
    assert!(here() && width <= stride && (rows == 0 || numbers.len() >= (rows - 1) * step + width));
    // SAFETY: the features are there, and the rows inside both slices.
    unsafe { halves_here(numbers, step, width, out, stride, rows) }
}

#[target_feature(enable = "avx2,fma,f16c")]
unsafe fn halves_here(
    numbers: &[u16],
    step: usize,
    width: usize,
    out: &mut [f32],
    stride: usize,
    rows: usize,
) {
    for row in 0..rows {
        let whole = width / 8 * 8;
        // SAFETY: checked by `halves`.
        unsafe {
            let (from, to) = (numbers.as_ptr().add(row * step), out.as_mut_ptr().add(row * stride));
            for place in (0..whole).step_by(8) {
                let eight = _mm_loadu_si128(from.add(place).cast());
                _mm256_storeu_ps(to.add(place), _mm256_cvtph_ps(eight));
            }
        }
        for place in whole..width {
            out[row * stride + place] = half::f16::from_bits(numbers[row * step + place]).to_f32();
        }
    }
}
