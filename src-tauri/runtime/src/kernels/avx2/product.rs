//! Products of packed rows with whole activations, eight rows at a time.
//!
//! Both kernels add in the order that [`crate::kernels::plain_row`] defines, group after group, so that a token's
//! numbers do not depend on how many tokens came with it.

// An index over a constant number of tokens names registers, which an iterator would put into memory.
#![allow(clippy::needless_range_loop)]

use std::arch::x86_64::*;
use std::mem::MaybeUninit;

use super::formats::*;
use crate::gguf::Dtype;
use crate::kernels::activations::{Activations, GROUP};
use crate::kernels::{Out, Packed};

/// Numbers of a row that are unpacked at a time: 16 rows of them fill half of a first-level cache.
const PANEL: usize = 512;
/// Tokens whose sums are in registers together.
const TOKENS: usize = 4;

macro_rules! by_format {
    ($dtype:expr, $F:ident => $call:expr) => {
        match $dtype {
            Dtype::Q4_0 => {
                type $F = Q4_0;
                $call
            }
            Dtype::Q4_1 => {
                type $F = Q4_1;
                $call
            }
            Dtype::Q5_0 => {
                type $F = Q5_0;
                $call
            }
            Dtype::Q5_1 => {
                type $F = Q5_1;
                $call
            }
            Dtype::Q8_0 => {
                type $F = Q8_0;
                $call
            }
            Dtype::Q2K => {
                type $F = Q2K;
                $call
            }
            Dtype::Q3K => {
                type $F = Q3K;
                $call
            }
            Dtype::Q4K => {
                type $F = Q4K;
                $call
            }
            Dtype::Q5K => {
                type $F = Q5K;
                $call
            }
            Dtype::Q6K => {
                type $F = Q6K;
                $call
            }
            Dtype::IQ4_NL => {
                type $F = Iq4Nl;
                $call
            }
            Dtype::IQ4_XS => {
                type $F = Iq4Xs;
                $call
            }
            Dtype::MXFP4 => {
                type $F = Mxfp4;
                $call
            }
            Dtype::F32 | Dtype::F16 | Dtype::BF16 | Dtype::Q8_1 | Dtype::Q8K | Dtype::Other(_) => {
                unreachable!("Packed holds quantised types alone")
            }
        }
    };
}

/// `out[0][row]` for `rows` and one row of activations.
pub fn one(packed: &Packed, token: usize, x: &Activations, rows: std::ops::Range<usize>, out: &Out) {
    check(packed, x, &rows);
    // SAFETY: `check` has seen the features and that rows and activations are there.
    by_format!(packed.dtype, F => unsafe { one_here::<F>(packed, token, x, rows, out) })
}

/// `out[token][row]` for `rows` and all rows of activations.
pub fn many(packed: &Packed, x: &Activations, rows: std::ops::Range<usize>, out: &Out) {
    check(packed, x, &rows);
    // SAFETY: as above.
    by_format!(packed.dtype, F => unsafe { many_here::<F>(packed, x, rows, out) })
}

fn check(packed: &Packed, x: &Activations, rows: &std::ops::Range<usize>) {
    assert!(super::here(), "the caller has looked for the features");
    assert!(rows.end <= packed.rows && packed.bytes.len() >= packed.rows * packed.row_bytes);
    assert_eq!(x.columns, packed.columns);
    assert_eq!(packed.columns / packed.layout.values * packed.layout.bytes, packed.row_bytes);
    let numbers = x.narrow.len().max(x.wide.len());
    assert_eq!(numbers, x.rows() * x.columns);
    assert_eq!(x.wide.is_empty(), packed.layout.zero.is_some());
    if packed.layout.zero.is_some() {
        assert_eq!((x.sum_of, x.sums.len()), (packed.layout.group, numbers / packed.layout.group));
    }
}

/// Pointers to eight rows from `first` on; behind the last row it is repeated.
fn eight(packed: &Packed, first: usize, last: usize) -> Blocks {
    std::array::from_fn(|index| packed.bytes[(first + index).min(last) * packed.row_bytes..].as_ptr())
}

macro_rules! each_part {
    ($F:ident, $part:ident, $body:block) => {
        each_part!(@ $F, $part, $body, 0 1 2 3 4 5 6 7)
    };
    (@ $F:ident, $part:ident, $body:block, $($number:literal)*) => {
        $( if $number < $F::VALUES / 32 { let $part: usize = $number; $body } )*
    };
}

#[target_feature(enable = "avx2,fma,f16c")]
unsafe fn one_here<F: Format>(
    packed: &Packed,
    token: usize,
    x: &Activations,
    rows: std::ops::Range<usize>,
    out: &Out,
) {
    let last = rows.end - 1;
    let zero = _mm256_setzero_ps();
    for first in rows.clone().step_by(8) {
        let mut blocks = eight(packed, first, last);
        let mut sum = zero;
        let (mut scales, mut offsets) = ([zero; 16], [zero; 16]);
        // SAFETY: a row has `columns / VALUES` blocks, and so many groups of activations, scales and sums.
        unsafe {
            let mut narrow = x.narrow.as_ptr().add(token * x.columns * usize::from(F::SUMS > 0));
            let mut wide = x.wide.as_ptr().add(token * x.columns * usize::from(F::SUMS == 0));
            let mut of_x = x.scales.as_ptr().add(token * x.columns / GROUP);
            let mut sums_of_x = x.sums.as_ptr().wrapping_add(token * x.columns / F::GROUP);
            let mut next = packed.bytes.as_ptr().wrapping_add((first + 8) * packed.row_bytes);
            for _ in 0..packed.columns / F::VALUES {
                // The next eight rows, evenly over these.
                for line in 0..(8 * F::BYTES).div_ceil(64) {
                    _mm_prefetch::<_MM_HINT_T0>(next.wrapping_add(64 * line).cast());
                }
                next = next.wrapping_add(8 * F::BYTES);
                F::scales(&blocks, &mut scales, &mut offsets);
                each_part!(F, part, {
                    let of_x = _mm256_broadcast_ss(&*of_x.add(part));
                    let mut add = |group: usize, whole: __m256i| {
                        let product = _mm256_mul_ps(_mm256_cvtepi32_ps(whole), of_x);
                        sum = _mm256_fmadd_ps(scales[group], product, sum);
                        if F::OFFSETS {
                            let sum_of_x = _mm256_broadcast_ss(&*sums_of_x.add(group));
                            sum = _mm256_fmadd_ps(offsets[group], sum_of_x, sum);
                        }
                    };
                    if F::SUMS > 0 && F::GROUP == 32 {
                        // Row r beside row r + 4: two halves of a group add before anything is summed across.
                        let low = _mm256_broadcastsi128_si256(_mm_loadu_si128(narrow.add(part * 32).cast()));
                        let high = narrow.add(part * 32 + 16);
                        let high = _mm256_broadcastsi128_si256(_mm_loadu_si128(high.cast()));
                        let ones = _mm256_set1_epi16(1);
                        let row = |row: usize| {
                            let [a, b] = F::both(blocks[row], blocks[row + 4], part);
                            _mm256_add_epi16(_mm256_maddubs_epi16(a, low), _mm256_maddubs_epi16(b, high))
                        };
                        let two = |first: usize| _mm256_hadd_epi16(row(first), row(first + 1));
                        let (low, high) = (two(0), two(2));
                        add(
                            part,
                            if F::SUMS < 8 {
                                let (low, high) =
                                    (_mm256_madd_epi16(low, ones), _mm256_madd_epi16(high, ones));
                                _mm256_hadd_epi32(low, high)
                            } else {
                                _mm256_madd_epi16(_mm256_hadd_epi16(low, high), ones)
                            },
                        );
                    } else if F::SUMS > 0 {
                        let x = _mm256_loadu_si256(narrow.add(part * 32).cast());
                        let ones = _mm256_set1_epi16(1);
                        let two = |row: usize| {
                            let a = _mm256_maddubs_epi16(F::numbers(blocks[row], part), x);
                            let b = _mm256_maddubs_epi16(F::numbers(blocks[row + 1], part), x);
                            _mm256_madd_epi16(_mm256_hadd_epi16(a, b), ones)
                        };
                        let low = _mm256_hadd_epi32(two(0), two(2));
                        let high = _mm256_hadd_epi32(two(4), two(6));
                        let first = _mm256_permute2x128_si256::<0x20>(low, high);
                        let second = _mm256_permute2x128_si256::<0x31>(low, high);
                        add(part * 2, first);
                        add(part * 2 + 1, second);
                    } else {
                        let low = _mm256_loadu_si256(wide.add(part * 32).cast());
                        let high = _mm256_loadu_si256(wide.add(part * 32 + 16).cast());
                        let row = |row: usize| {
                            let numbers = F::numbers(blocks[row], part);
                            let a = _mm256_cvtepi8_epi16(_mm256_castsi256_si128(numbers));
                            let b = _mm256_cvtepi8_epi16(_mm256_extracti128_si256::<1>(numbers));
                            _mm256_add_epi32(_mm256_madd_epi16(a, low), _mm256_madd_epi16(b, high))
                        };
                        let two = |first: usize| _mm256_hadd_epi32(row(first), row(first + 1));
                        let low = _mm256_hadd_epi32(two(0), two(2));
                        let high = _mm256_hadd_epi32(two(4), two(6));
                        let first = _mm256_permute2x128_si256::<0x20>(low, high);
                        let second = _mm256_permute2x128_si256::<0x31>(low, high);
                        add(part, _mm256_add_epi32(first, second));
                    }
                });
                for block in &mut blocks {
                    *block = block.wrapping_add(F::BYTES);
                }
                if F::SUMS > 0 {
                    narrow = narrow.add(F::VALUES);
                    sums_of_x = sums_of_x.add(F::VALUES / F::GROUP);
                } else {
                    wide = wide.add(F::VALUES);
                }
                of_x = of_x.add(F::VALUES / GROUP);
            }
        }
        out.put(token, first, sum, rows.end);
    }
}

/// 16 rows of `PANEL` numbers, unpacked and interleaved, with their scales.
struct Panel {
    /// Four bytes (two 16-bit numbers) of eight rows a register; of rows 0 to 7, then 8 to 15.
    numbers: [MaybeUninit<[__m256i; 2]>; PANEL / 2],
    scales: [MaybeUninit<[__m256; 2]>; PANEL / 16],
    offsets: [MaybeUninit<[__m256; 2]>; PANEL / 16],
}

#[target_feature(enable = "avx2,fma,f16c")]
unsafe fn many_here<F: Format>(packed: &Packed, x: &Activations, rows: std::ops::Range<usize>, out: &Out) {
    let last = rows.end - 1;
    let tokens = x.rows();
    let mut panel = Panel {
        numbers: [MaybeUninit::uninit(); PANEL / 2],
        scales: [MaybeUninit::uninit(); PANEL / 16],
        offsets: [MaybeUninit::uninit(); PANEL / 16],
    };
    let mut sums = vec![[_mm256_setzero_ps(); 2]; tokens];
    for first in rows.clone().step_by(16) {
        let halves = [eight(packed, first, last), eight(packed, (first + 8).min(last), last)];
        sums.fill([_mm256_setzero_ps(); 2]);
        for begin in (0..packed.columns).step_by(PANEL) {
            let count = PANEL.min(packed.columns - begin);
            // SAFETY: `begin + count` numbers are in every row of weights and activations (`check`).
            unsafe {
                for (half, blocks) in halves.iter().enumerate() {
                    let at = begin / F::VALUES * F::BYTES;
                    fill::<F>(&mut panel, half, blocks.map(|block| block.add(at)), count / F::VALUES);
                }
                // The same part of the next 16 rows, read while the first tokens are multiplied: rows lie side by side, so
                // that all of these parts are all of those rows.
                let mut ahead = packed.bytes.as_ptr().wrapping_add((first + 16) * packed.row_bytes);
                ahead = ahead.wrapping_add(16 * (begin / F::VALUES * F::BYTES));
                for token in (0..tokens).step_by(TOKENS) {
                    let sums = &mut sums[token..];
                    let at = (token, begin, count);
                    match sums.len() {
                        1 => tile::<F, 1>(&panel, x, at, sums, ahead),
                        2 => tile::<F, 2>(&panel, x, at, sums, ahead),
                        3 => tile::<F, 3>(&panel, x, at, sums, ahead),
                        _ => tile::<F, TOKENS>(&panel, x, at, sums, ahead),
                    }
                    ahead = std::ptr::null();
                }
            }
        }
        for (token, [low, high]) in sums.iter().enumerate() {
            out.put(token, first, *low, rows.end);
            if first + 8 < rows.end {
                out.put(token, first + 8, *high, rows.end);
            }
        }
    }
}

/// Unpacks `count` blocks of eight rows into one half of the panel.
#[inline(always)]
unsafe fn fill<F: Format>(panel: &mut Panel, half: usize, mut blocks: Blocks, count: usize) {
    // SAFETY: the panel's registers are written as halves of pairs, whose places are inside: a block of VALUES numbers
    // fills VALUES / 4 (VALUES / 2 when wide) of them, and PANEL numbers fit.
    unsafe {
        let zero = _mm256_setzero_ps();
        let (mut scales, mut offsets) = ([zero; 16], [zero; 16]);
        let mut to = panel.numbers.as_mut_ptr().cast::<__m256i>().add(half);
        let mut scales_to = panel.scales.as_mut_ptr().cast::<__m256>().add(half);
        let mut offsets_to = panel.offsets.as_mut_ptr().cast::<__m256>().add(half);
        for _ in 0..count {
            F::scales(&blocks, &mut scales, &mut offsets);
            for group in 0..F::VALUES / F::GROUP {
                _mm256_store_ps(scales_to.cast(), scales[group]);
                _mm256_store_ps(offsets_to.cast(), offsets[group]);
                (scales_to, offsets_to) = (scales_to.add(2), offsets_to.add(2));
            }
            each_part!(F, part, {
                // Loops, not `map`: a closure that is not inlined would be compiled without the features.
                let (mut rows, mut more) = ([_mm256_setzero_si256(); 8], [_mm256_setzero_si256(); 8]);
                for row in 0..8 {
                    let numbers = F::numbers(blocks[row], part);
                    if F::SUMS > 0 {
                        rows[row] = numbers;
                    } else {
                        rows[row] = _mm256_cvtepi8_epi16(_mm256_castsi256_si128(numbers));
                        more[row] = _mm256_cvtepi8_epi16(_mm256_extracti128_si256::<1>(numbers));
                    }
                }
                to = interleave(rows, to);
                if F::SUMS == 0 {
                    to = interleave(more, to);
                }
            });
            for block in &mut blocks {
                *block = block.wrapping_add(F::BYTES);
            }
        }
    }
}

/// Word `j` of all eight rows to every second register from `to` on; gives where to go on.
#[inline(always)]
unsafe fn interleave(rows: [__m256i; 8], to: *mut __m256i) -> *mut __m256i {
    unsafe {
        let [r0, r1, r2, r3, r4, r5, r6, r7] = rows;
        let (a, b) = (_mm256_unpacklo_epi32(r0, r1), _mm256_unpackhi_epi32(r0, r1));
        let (c, d) = (_mm256_unpacklo_epi32(r2, r3), _mm256_unpackhi_epi32(r2, r3));
        let (e, f) = (_mm256_unpacklo_epi32(r4, r5), _mm256_unpackhi_epi32(r4, r5));
        let (g, h) = (_mm256_unpacklo_epi32(r6, r7), _mm256_unpackhi_epi32(r6, r7));
        let low = [
            _mm256_unpacklo_epi64(a, c),
            _mm256_unpackhi_epi64(a, c),
            _mm256_unpacklo_epi64(b, d),
            _mm256_unpackhi_epi64(b, d),
        ];
        let high = [
            _mm256_unpacklo_epi64(e, g),
            _mm256_unpackhi_epi64(e, g),
            _mm256_unpacklo_epi64(f, h),
            _mm256_unpackhi_epi64(f, h),
        ];
        for word in 0..4 {
            let front = _mm256_permute2x128_si256::<0x20>(low[word], high[word]);
            let back = _mm256_permute2x128_si256::<0x31>(low[word], high[word]);
            _mm256_store_si256(to.add(2 * word), front);
            _mm256_store_si256(to.add(2 * (word + 4)), back);
        }
        to.add(16)
    }
}

/// `T` tokens from `token` on by `count` numbers of the panel, which begin at `begin` in their rows: `sums` (T) of 16 rows
/// each. Meanwhile what lies `ahead` (unless that is null), as much as the panel came from, is fetched.
#[inline(always)]
unsafe fn tile<F: Format, const T: usize>(
    panel: &Panel,
    x: &Activations,
    (token, begin, count): (usize, usize, usize),
    sums: &mut [[__m256; 2]],
    mut ahead: *const u8,
) {
    // SAFETY: `count` numbers of the panel were filled; the activations have rows `token..token + T`, each with
    // `begin + count` numbers, a scale for every 32 and a sum for every group.
    unsafe {
        let place = token * x.columns + begin;
        let narrow = x.narrow.as_ptr().wrapping_add(place);
        let wide = x.wide.as_ptr().wrapping_add(place);
        let of_x = x.scales.as_ptr().add(place / GROUP);
        let sums_of_x = x.sums.as_ptr().wrapping_add(place / F::GROUP);
        let (of_x_stride, sums_stride) = (x.columns / GROUP, x.columns / F::GROUP);
        let numbers = panel.numbers.as_ptr().cast::<__m256i>();
        let (stride, zero, ones) = (x.columns, _mm256_setzero_si256(), _mm256_set1_epi16(1));
        // Sums of the tile in variables of their own: through `sums` every group would wait for its last store.
        let mut tile = [[_mm256_setzero_ps(); 2]; T];
        tile.copy_from_slice(&sums[..T]);
        for group in 0..count / F::GROUP {
            if !ahead.is_null() {
                let bytes = 16 * F::BYTES * F::GROUP / F::VALUES;
                for line in 0..bytes.div_ceil(64) {
                    _mm_prefetch::<_MM_HINT_T1>(ahead.wrapping_add(64 * line).cast());
                }
                ahead = ahead.wrapping_add(bytes);
            }
            let mut whole = [[zero; 2]; T];
            if F::SUMS > 0 {
                let words = F::GROUP / 4;
                let at_once = if F::SUMS < words { F::SUMS } else { words };
                for part in 0..words / at_once {
                    let mut short = [[zero; 2]; T];
                    for inner in 0..at_once {
                        let word = group * words + part * at_once + inner;
                        let low = _mm256_load_si256(numbers.add(2 * word));
                        let high = _mm256_load_si256(numbers.add(2 * word + 1));
                        for t in 0..T {
                            let x = narrow.add(t * stride + 4 * word).cast::<i32>().read_unaligned();
                            let x = _mm256_set1_epi32(x);
                            short[t][0] = _mm256_add_epi16(short[t][0], _mm256_maddubs_epi16(low, x));
                            short[t][1] = _mm256_add_epi16(short[t][1], _mm256_maddubs_epi16(high, x));
                        }
                    }
                    for t in 0..T {
                        whole[t][0] = _mm256_add_epi32(whole[t][0], _mm256_madd_epi16(short[t][0], ones));
                        whole[t][1] = _mm256_add_epi32(whole[t][1], _mm256_madd_epi16(short[t][1], ones));
                    }
                }
            } else {
                for pair in 0..16 {
                    let word = group * 16 + pair;
                    let low = _mm256_load_si256(numbers.add(2 * word));
                    let high = _mm256_load_si256(numbers.add(2 * word + 1));
                    for t in 0..T {
                        let x = wide.add(t * stride + 2 * word).cast::<i32>().read_unaligned();
                        let x = _mm256_set1_epi32(x);
                        whole[t][0] = _mm256_add_epi32(whole[t][0], _mm256_madd_epi16(low, x));
                        whole[t][1] = _mm256_add_epi32(whole[t][1], _mm256_madd_epi16(high, x));
                    }
                }
            }
            let [scale_low, scale_high] = *panel.scales.as_ptr().cast::<[__m256; 2]>().add(group);
            for t in 0..T {
                let of_x = _mm256_broadcast_ss(&*of_x.add(t * of_x_stride + group * F::GROUP / GROUP));
                let low = _mm256_mul_ps(_mm256_cvtepi32_ps(whole[t][0]), of_x);
                let high = _mm256_mul_ps(_mm256_cvtepi32_ps(whole[t][1]), of_x);
                tile[t][0] = _mm256_fmadd_ps(scale_low, low, tile[t][0]);
                tile[t][1] = _mm256_fmadd_ps(scale_high, high, tile[t][1]);
            }
            if F::OFFSETS {
                let [offset_low, offset_high] = *panel.offsets.as_ptr().cast::<[__m256; 2]>().add(group);
                for t in 0..T {
                    let sum_of_x = _mm256_broadcast_ss(&*sums_of_x.add(t * sums_stride + group));
                    tile[t][0] = _mm256_fmadd_ps(offset_low, sum_of_x, tile[t][0]);
                    tile[t][1] = _mm256_fmadd_ps(offset_high, sum_of_x, tile[t][1]);
                }
            }
        }
        sums[..T].copy_from_slice(&tile);
    }
}
