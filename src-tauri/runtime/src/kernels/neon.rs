//! Kernels for ARM64 with dot products of bytes, and with matrix products of bytes where they are. They give bit for
//! bit what the plain ones give.
//!
//! The compiler has no stable functions for `sdot`, `smmla` and `usmmla`: they stand here as one line of assembly each.
#![allow(unsafe_code)]
// An index over a constant number of registers names them, which an iterator would put into memory.
#![allow(clippy::needless_range_loop)]

use std::arch::aarch64::*;
use std::arch::asm;

use super::Level;
use super::lanes::product::machine;
use super::lanes::{Lanes, Rows};

machine!(Neon<false>, "neon,dotprod", Level::Neon.here());

pub(super) mod i8mm {
    use super::*;
    machine!(Neon<true>, "neon,dotprod,i8mm", Level::I8mm.here());
}

/// Four rows at a time; `MATRIX`: panels are multiplied by two rows and two tokens at a time.
struct Neon<const MATRIX: bool>;

/// Every lane's four bytes by word `PLACE` of `x`, added to the lane.
#[inline(always)]
unsafe fn dot<const PLACE: i32>(sum: int32x4_t, words: uint8x16_t, x: int8x16_t) -> int32x4_t {
    let mut sum = sum;
    // SAFETY: one instruction on registers; whoever calls has the feature.
    unsafe {
        asm!("sdot {sum:v}.4s, {words:v}.16b, {x:v}.4b[{place}]", sum = inout(vreg) sum, words = in(vreg) words,
            x = in(vreg) x, place = const PLACE, options(pure, nomem, nostack, preserves_flags));
    }
    sum
}

/// [`dot`] of four words of both registers, one after another.
#[inline(always)]
unsafe fn dots(mut sums: [int32x4_t; 2], words: *const [uint8x16_t; 2], x: int8x16_t) -> [int32x4_t; 2] {
    // SAFETY: as above; `words` are four.
    unsafe {
        for half in 0..2 {
            sums[half] = dot::<0>(sums[half], (*words)[half], x);
            sums[half] = dot::<1>(sums[half], (*words.add(1))[half], x);
            sums[half] = dot::<2>(sums[half], (*words.add(2))[half], x);
            sums[half] = dot::<3>(sums[half], (*words.add(3))[half], x);
        }
    }
    sums
}

/// Two tokens of eight bytes by two rows of eight: (token 0, row 0), (0, 1), (1, 0), (1, 1), added to the lanes. The
/// tokens' bytes have a sign, or not when `PLAIN`.
#[inline(always)]
unsafe fn matrix<const PLAIN: bool>(sum: int32x4_t, tokens: uint8x16_t, rows: uint8x16_t) -> int32x4_t {
    let mut sum = sum;
    // SAFETY: as above.
    unsafe {
        if PLAIN {
            asm!("usmmla {sum:v}.4s, {tokens:v}.16b, {rows:v}.16b", sum = inout(vreg) sum, rows = in(vreg) rows,
                tokens = in(vreg) tokens, options(pure, nomem, nostack, preserves_flags));
        } else {
            asm!("smmla {sum:v}.4s, {tokens:v}.16b, {rows:v}.16b", sum = inout(vreg) sum, rows = in(vreg) rows,
                tokens = in(vreg) tokens, options(pure, nomem, nostack, preserves_flags));
        }
    }
    sum
}

/// [`matrix`] over 16 numbers of two registers' rows and two tokens: of each register rows 0 and 1, then 2 and 3.
#[inline(always)]
unsafe fn matrices<const PLAIN: bool>(
    mut sums: [[int32x4_t; 2]; 2],
    words: *const [uint8x16_t; 2],
    [x, other]: [uint8x16_t; 2],
) -> [[int32x4_t; 2]; 2] {
    // SAFETY: as above; `words` are four.
    unsafe {
        let (x, other) = (vreinterpretq_u64_u8(x), vreinterpretq_u64_u8(other));
        let first = vreinterpretq_u8_u64(vzip1q_u64(x, other));
        let second = vreinterpretq_u8_u64(vzip2q_u64(x, other));
        for half in 0..2 {
            for pair in 0..2 {
                sums[half][pair] = matrix::<PLAIN>(sums[half][pair], first, (*words.add(pair))[half]);
                sums[half][pair] = matrix::<PLAIN>(sums[half][pair], second, (*words.add(2 + pair))[half]);
            }
        }
        sums
    }
}

/// The four rows of both tokens.
#[inline(always)]
unsafe fn by_tokens(sums: [int32x4_t; 2]) -> [int32x4_t; 2] {
    unsafe {
        let [low, high] = [vreinterpretq_s64_s32(sums[0]), vreinterpretq_s64_s32(sums[1])];
        [vreinterpretq_s32_s64(vzip1q_s64(low, high)), vreinterpretq_s32_s64(vzip2q_s64(low, high))]
    }
}

/// The high and the low bytes of sixteen numbers: a number is 256 · high, with its sign, + low, without one.
#[inline(always)]
unsafe fn pieces(x: *const i16) -> [uint8x16_t; 2] {
    unsafe {
        let (first, second) = (vld1q_u8(x.cast()), vld1q_u8(x.add(8).cast()));
        [vuzp2q_u8(first, second), vuzp1q_u8(first, second)]
    }
}

/// 256 · high + low
#[inline(always)]
unsafe fn joined(high: int32x4_t, low: int32x4_t) -> int32x4_t {
    unsafe { vaddq_s32(vshlq_n_s32::<8>(high), low) }
}

impl<const MATRIX: bool> Lanes for Neon<MATRIX> {
    const ROWS: usize = 4;
    const WIDE: usize = 1;
    type Words = uint8x16_t;
    type Ints = int32x4_t;
    type Floats = float32x4_t;

    #[inline(always)]
    unsafe fn prefetch(at: *const u8) {
        // SAFETY: a hint, which any address may be given to.
        unsafe {
            asm!("prfm pldl1keep, [{at}]", at = in(reg) at, options(nostack, preserves_flags, readonly))
        }
    }
    #[inline(always)]
    unsafe fn load(rows: &Rows, at: usize) -> [uint8x16_t; 4] {
        unsafe {
            let row = |row: usize| vreinterpretq_u32_u8(vld1q_u8(rows[row].add(at)));
            let (r0, r1, r2, r3) = (row(0), row(1), row(2), row(3));
            let pair =
                |a, b| (vreinterpretq_u64_u32(vtrn1q_u32(a, b)), vreinterpretq_u64_u32(vtrn2q_u32(a, b)));
            let ((a, b), (c, d)) = (pair(r0, r1), pair(r2, r3));
            [
                vreinterpretq_u8_u64(vzip1q_u64(a, c)),
                vreinterpretq_u8_u64(vzip1q_u64(b, d)),
                vreinterpretq_u8_u64(vzip2q_u64(a, c)),
                vreinterpretq_u8_u64(vzip2q_u64(b, d)),
            ]
        }
    }
    #[inline(always)]
    unsafe fn halves(rows: &Rows, at: usize) -> float32x4_t {
        unsafe {
            let mut bits = [0u16; 4];
            for (bits, row) in bits.iter_mut().zip(rows) {
                *bits = row.add(at).cast::<u16>().read_unaligned();
            }
            vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(bits.as_ptr())))
        }
    }
    #[inline(always)]
    unsafe fn powers(rows: &Rows, at: usize) -> float32x4_t {
        let mut powers = [0f32; 4];
        for (power, row) in powers.iter_mut().zip(rows) {
            *power = super::layout::e8m0_half(unsafe { *row.add(at) });
        }
        unsafe { vld1q_f32(powers.as_ptr()) }
    }

    #[inline(always)]
    unsafe fn bytes(byte: u8) -> uint8x16_t {
        unsafe { vdupq_n_u8(byte) }
    }
    #[inline(always)]
    unsafe fn and(a: uint8x16_t, b: uint8x16_t) -> uint8x16_t {
        unsafe { vandq_u8(a, b) }
    }
    #[inline(always)]
    unsafe fn or(a: uint8x16_t, b: uint8x16_t) -> uint8x16_t {
        unsafe { vorrq_u8(a, b) }
    }
    #[inline(always)]
    unsafe fn add(a: uint8x16_t, b: uint8x16_t) -> uint8x16_t {
        unsafe { vaddq_u8(a, b) }
    }
    #[inline(always)]
    unsafe fn down(a: uint8x16_t, by: usize) -> uint8x16_t {
        unsafe { vshlq_u8(a, vdupq_n_s8(-(by as i8))) }
    }
    #[inline(always)]
    unsafe fn up(a: uint8x16_t, by: usize) -> uint8x16_t {
        unsafe { vshlq_u8(a, vdupq_n_s8(by as i8)) }
    }
    #[inline(always)]
    unsafe fn down32(a: uint8x16_t, by: usize) -> uint8x16_t {
        unsafe { vreinterpretq_u8_u32(vshlq_u32(vreinterpretq_u32_u8(a), vdupq_n_s32(-(by as i32)))) }
    }
    #[inline(always)]
    unsafe fn look_up(table: &[i8; 16], places: uint8x16_t) -> uint8x16_t {
        unsafe { vreinterpretq_u8_s8(vqtbl1q_s8(vld1q_s8(table.as_ptr()), places)) }
    }
    #[inline(always)]
    unsafe fn fifth_bits(words: uint8x16_t, first: usize) -> uint8x16_t {
        unsafe {
            // The byte that has the bits four times, then a bit of its own for each.
            let byte = (first / 8) as u64 * 0x0101_0101_0101_0101;
            let spread = vcombine_u64(
                vcreate_u64(byte + 0x0404_0404_0000_0000),
                vcreate_u64(byte + 0x0c0c_0c0c_0808_0808),
            );
            let own = vreinterpretq_u8_u32(vdupq_n_u32(0x0804_0201 << (first % 8)));
            let bits = vtstq_u8(vqtbl1q_u8(words, vreinterpretq_u8_u64(spread)), own);
            vandq_u8(bits, vdupq_n_u8(16))
        }
    }

    #[inline(always)]
    unsafe fn low_halves(words: uint8x16_t) -> float32x4_t {
        unsafe { vcvt_f32_f16(vreinterpret_f16_u16(vmovn_u32(vreinterpretq_u32_u8(words)))) }
    }
    #[inline(always)]
    unsafe fn signed(words: uint8x16_t, number: usize) -> float32x4_t {
        unsafe {
            let top = vshlq_s32(vreinterpretq_s32_u8(words), vdupq_n_s32(24 - 8 * number as i32));
            vcvtq_f32_s32(vshrq_n_s32::<24>(top))
        }
    }
    #[inline(always)]
    unsafe fn all(x: f32) -> float32x4_t {
        unsafe { vdupq_n_f32(x) }
    }
    #[inline(always)]
    unsafe fn times(a: float32x4_t, b: float32x4_t) -> float32x4_t {
        unsafe { vmulq_f32(a, b) }
    }
    #[inline(always)]
    unsafe fn fused(a: float32x4_t, b: float32x4_t, sum: float32x4_t) -> float32x4_t {
        unsafe { vfmaq_f32(sum, a, b) }
    }
    #[inline(always)]
    unsafe fn of_ints(x: int32x4_t) -> float32x4_t {
        unsafe { vcvtq_f32_s32(x) }
    }

    /// For matrix products, eight bytes of rows 0 and 1, then of rows 2 and 3.
    #[inline(always)]
    unsafe fn panel(words: [uint8x16_t; 4]) -> [uint8x16_t; 4] {
        if !MATRIX {
            return words;
        }
        unsafe {
            let [a, b, c, d] = [
                vreinterpretq_u32_u8(words[0]),
                vreinterpretq_u32_u8(words[1]),
                vreinterpretq_u32_u8(words[2]),
                vreinterpretq_u32_u8(words[3]),
            ];
            [
                vreinterpretq_u8_u32(vzip1q_u32(a, b)),
                vreinterpretq_u8_u32(vzip2q_u32(a, b)),
                vreinterpretq_u8_u32(vzip1q_u32(c, d)),
                vreinterpretq_u8_u32(vzip2q_u32(c, d)),
            ]
        }
    }
    #[inline(always)]
    unsafe fn widened(words: uint8x16_t, _number: usize) -> uint8x16_t {
        words
    }
    #[inline(always)]
    unsafe fn narrow<const QUADS: usize, const T: usize>(
        words: *const [uint8x16_t; 2],
        x: *const i8,
        stride: usize,
    ) -> [[int32x4_t; 2]; T] {
        unsafe {
            let none = vdupq_n_s32(0);
            let mut whole = [[none; 2]; T];
            if !MATRIX {
                for quad in 0..QUADS {
                    for t in 0..T {
                        let x = vld1q_s8(x.add(t * stride + 16 * quad));
                        whole[t] = dots(whole[t], words.add(4 * quad), x);
                    }
                }
                return whole;
            }
            for t in (0..T).step_by(2) {
                // A token that is left over is its own second one.
                let other = (t + 1).min(T - 1);
                let mut sums = [[none; 2]; 2];
                for quad in 0..QUADS {
                    let x = x.cast::<u8>().add(16 * quad);
                    let tokens = [vld1q_u8(x.add(t * stride)), vld1q_u8(x.add(other * stride))];
                    sums = matrices::<false>(sums, words.add(4 * quad), tokens);
                }
                for half in 0..2 {
                    let tokens = by_tokens(sums[half]);
                    whole[t][half] = tokens[0];
                    whole[other][half] = tokens[other - t];
                }
            }
            whole
        }
    }
    #[inline(always)]
    unsafe fn wide<const T: usize>(
        words: *const [uint8x16_t; 2],
        x: *const i16,
        stride: usize,
    ) -> [[int32x4_t; 2]; T] {
        unsafe {
            let none = vdupq_n_s32(0);
            let mut whole = [[none; 2]; T];
            if !MATRIX {
                // Bytes without sign cannot be multiplied: 128 is taken off the low ones, and given back as 128 times the
                // sum of the weights.
                let mut weights = [none; 2];
                for quad in 0..2 {
                    weights = dots(weights, words.add(4 * quad), vdupq_n_s8(1));
                }
                for t in 0..T {
                    let (mut high, mut low) = ([none; 2], [none; 2]);
                    for half in 0..2 {
                        low[half] = vshlq_n_s32::<7>(weights[half]);
                    }
                    for quad in 0..2 {
                        let [of_high, of_low] = pieces(x.add(t * stride + 16 * quad));
                        let of_low = veorq_u8(of_low, vdupq_n_u8(128));
                        high = dots(high, words.add(4 * quad), vreinterpretq_s8_u8(of_high));
                        low = dots(low, words.add(4 * quad), vreinterpretq_s8_u8(of_low));
                    }
                    for half in 0..2 {
                        whole[t][half] = joined(high[half], low[half]);
                    }
                }
                return whole;
            }
            for t in (0..T).step_by(2) {
                let other = (t + 1).min(T - 1);
                let (mut high, mut low) = ([[none; 2]; 2], [[none; 2]; 2]);
                for quad in 0..2 {
                    let [of_high, of_low] = pieces(x.add(t * stride + 16 * quad));
                    let [other_high, other_low] = pieces(x.add(other * stride + 16 * quad));
                    high = matrices::<false>(high, words.add(4 * quad), [of_high, other_high]);
                    low = matrices::<true>(low, words.add(4 * quad), [of_low, other_low]);
                }
                for half in 0..2 {
                    let (high, low) = (by_tokens(high[half]), by_tokens(low[half]));
                    whole[t][half] = joined(high[0], low[0]);
                    whole[other][half] = joined(high[other - t], low[other - t]);
                }
            }
            whole
        }
    }

    #[inline(always)]
    unsafe fn store(to: *mut f32, x: float32x4_t, count: usize) {
        unsafe {
            if count == 4 {
                return vst1q_f32(to, x);
            }
            let mut values = [0f32; 4];
            vst1q_f32(values.as_mut_ptr(), x);
            to.copy_from_nonoverlapping(values.as_ptr(), count);
        }
    }
}

/// Rows of 16-bit floats, `step` apart, to rows of `stride` floats; `width` of each count.
pub(super) fn halves(numbers: &[u16], step: usize, width: usize, out: &mut [f32], stride: usize) {
    let rows = out.len() / stride;
    assert!(width <= stride && (rows == 0 || numbers.len() >= (rows - 1) * step + width));
    for row in 0..rows {
        let whole = width / 4 * 4;
        for place in (0..whole).step_by(4) {
            // SAFETY: every ARM64 machine has the instructions, and the rows are inside both slices by the line above.
            unsafe {
                let four = vreinterpret_f16_u16(vld1_u16(numbers.as_ptr().add(row * step + place)));
                vst1q_f32(out.as_mut_ptr().add(row * stride + place), vcvt_f32_f16(four));
            }
        }
        for place in whole..width {
            out[row * stride + place] = half::f16::from_bits(numbers[row * step + place]).to_f32();
        }
    }
}

/// `rows` (positions, width) to `out` (width, stride); positions and width are multiples of 4.
pub(super) fn turn(rows: &[f32], width: usize, out: &mut [f32], stride: usize) {
    let positions = rows.len() / width;
    assert!(width.is_multiple_of(4) && positions.is_multiple_of(4));
    assert!(rows.len() == positions * width && positions <= stride && out.len() >= width * stride);
    for position in (0..positions).step_by(4) {
        for place in (0..width).step_by(4) {
            // SAFETY: as above; the numbers of every four by four are inside both slices.
            unsafe {
                let from = rows.as_ptr().add(position * width + place);
                let to = out.as_mut_ptr().add(place * stride + position);
                let row = |row: usize| vld1q_f32(from.add(row * width));
                let (r0, r1, r2, r3) = (row(0), row(1), row(2), row(3));
                let pair =
                    |a, b| (vreinterpretq_f64_f32(vtrn1q_f32(a, b)), vreinterpretq_f64_f32(vtrn2q_f32(a, b)));
                let ((a, b), (c, d)) = (pair(r0, r1), pair(r2, r3));
                let columns = [vzip1q_f64(a, c), vzip1q_f64(b, d), vzip2q_f64(a, c), vzip2q_f64(b, d)];
                for (column, numbers) in columns.into_iter().enumerate() {
                    vst1q_f32(to.add(column * stride), vreinterpretq_f32_f64(numbers));
                }
            }
        }
    }
}
