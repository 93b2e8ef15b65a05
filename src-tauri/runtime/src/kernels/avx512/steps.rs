//! The small steps of a machine with AVX-512. The same text is compiled for the machine and, in tests, for a model of its
//! instructions in plain code.

// An index over a constant number of registers names them, which an iterator would put into memory.
#![allow(clippy::needless_range_loop)]

use super::intrinsics::*;
use crate::kernels::lanes::{Lanes, Rows};

/// Sixteen rows at a time.
pub(super) struct Avx512;

impl Lanes for Avx512 {
    const ROWS: usize = 16;
    /// Pairs of 16-bit numbers.
    const WIDE: usize = 2;
    type Words = __m512i;
    type Ints = __m512i;
    type Floats = __m512;

    #[inline(always)]
    unsafe fn prefetch(at: *const u8) {
        unsafe { _mm_prefetch::<_MM_HINT_T0>(at.cast()) }
    }
    #[inline(always)]
    unsafe fn load(rows: &Rows, at: usize) -> [__m512i; 4] {
        unsafe {
            // Rows `row`, `row + 4`, `row + 8` and `row + 12` in the four quarters.
            let mut four = [_mm512_setzero_si512(); 4];
            for (row, four) in four.iter_mut().enumerate() {
                let first = _mm512_castsi128_si512(_mm_loadu_si128(rows[row].add(at).cast()));
                let two = _mm512_inserti32x4::<1>(first, _mm_loadu_si128(rows[row + 4].add(at).cast()));
                let three = _mm512_inserti32x4::<2>(two, _mm_loadu_si128(rows[row + 8].add(at).cast()));
                *four = _mm512_inserti32x4::<3>(three, _mm_loadu_si128(rows[row + 12].add(at).cast()));
            }
            let [r0, r1, r2, r3] = four;
            let (a, b) = (_mm512_unpacklo_epi32(r0, r1), _mm512_unpacklo_epi32(r2, r3));
            let (c, d) = (_mm512_unpackhi_epi32(r0, r1), _mm512_unpackhi_epi32(r2, r3));
            [
                _mm512_unpacklo_epi64(a, b),
                _mm512_unpackhi_epi64(a, b),
                _mm512_unpacklo_epi64(c, d),
                _mm512_unpackhi_epi64(c, d),
            ]
        }
    }
    #[inline(always)]
    unsafe fn halves(rows: &Rows, at: usize) -> __m512 {
        unsafe {
            let mut bits = [0u16; 16];
            for (bits, row) in bits.iter_mut().zip(rows) {
                *bits = row.add(at).cast::<u16>().read_unaligned();
            }
            _mm512_cvtph_ps(_mm256_loadu_si256(bits.as_ptr().cast()))
        }
    }
    #[inline(always)]
    unsafe fn powers(rows: &Rows, at: usize) -> __m512 {
        unsafe {
            let mut exponents = [0u8; 16];
            for (exponent, row) in exponents.iter_mut().zip(rows) {
                *exponent = *row.add(at);
            }
            let exponents = _mm512_cvtepu8_epi32(_mm_loadu_si128(exponents.as_ptr().cast()));
            let normal = _mm512_slli_epi32::<23>(_mm512_sub_epi32(exponents, _mm512_set1_epi32(1)));
            let small = _mm512_cmplt_epi32_mask(exponents, _mm512_set1_epi32(2));
            let subnormal = _mm512_set1_epi32(0x0020_0000);
            _mm512_castsi512_ps(_mm512_mask_sllv_epi32(normal, small, subnormal, exponents))
        }
    }

    #[inline(always)]
    unsafe fn bytes(byte: u8) -> __m512i {
        unsafe { _mm512_set1_epi8(byte as i8) }
    }
    #[inline(always)]
    unsafe fn and(a: __m512i, b: __m512i) -> __m512i {
        unsafe { _mm512_and_si512(a, b) }
    }
    #[inline(always)]
    unsafe fn or(a: __m512i, b: __m512i) -> __m512i {
        unsafe { _mm512_or_si512(a, b) }
    }
    #[inline(always)]
    unsafe fn add(a: __m512i, b: __m512i) -> __m512i {
        unsafe { _mm512_add_epi8(a, b) }
    }
    #[inline(always)]
    unsafe fn down(a: __m512i, by: usize) -> __m512i {
        unsafe { _mm512_srl_epi16(a, _mm_cvtsi32_si128(by as i32)) }
    }
    #[inline(always)]
    unsafe fn up(a: __m512i, by: usize) -> __m512i {
        unsafe { _mm512_sll_epi16(a, _mm_cvtsi32_si128(by as i32)) }
    }
    #[inline(always)]
    unsafe fn down32(a: __m512i, by: usize) -> __m512i {
        unsafe { _mm512_srl_epi32(a, _mm_cvtsi32_si128(by as i32)) }
    }
    #[inline(always)]
    unsafe fn look_up(table: &[i8; 16], places: __m512i) -> __m512i {
        unsafe {
            let table = _mm512_broadcast_i32x4(_mm_loadu_si128(table.as_ptr().cast()));
            _mm512_shuffle_epi8(table, places)
        }
    }
    #[inline(always)]
    unsafe fn fifth_bits(words: __m512i, first: usize) -> __m512i {
        unsafe {
            // The byte that has the bits four times, then a bit of its own for each.
            let byte = (first / 8) as i32 * 0x0101_0101;
            let of_word = |word: i32| byte + word * 0x0404_0404;
            let spread =
                _mm512_broadcast_i32x4(_mm_setr_epi32(of_word(0), of_word(1), of_word(2), of_word(3)));
            let own = _mm512_set1_epi32(0x0804_0201 << (first % 8));
            let bits = _mm512_test_epi8_mask(_mm512_shuffle_epi8(words, spread), own);
            _mm512_maskz_mov_epi8(bits, _mm512_set1_epi8(16))
        }
    }

    #[inline(always)]
    unsafe fn low_halves(words: __m512i) -> __m512 {
        unsafe { _mm512_cvtph_ps(_mm512_cvtepi32_epi16(words)) }
    }
    #[inline(always)]
    unsafe fn signed(words: __m512i, number: usize) -> __m512 {
        unsafe {
            let top = _mm512_sll_epi32(words, _mm_cvtsi32_si128(24 - 8 * number as i32));
            _mm512_cvtepi32_ps(_mm512_srai_epi32::<24>(top))
        }
    }
    #[inline(always)]
    unsafe fn all(x: f32) -> __m512 {
        unsafe { _mm512_set1_ps(x) }
    }
    #[inline(always)]
    unsafe fn times(a: __m512, b: __m512) -> __m512 {
        unsafe { _mm512_mul_ps(a, b) }
    }
    #[inline(always)]
    unsafe fn fused(a: __m512, b: __m512, sum: __m512) -> __m512 {
        unsafe { _mm512_fmadd_ps(a, b, sum) }
    }
    #[inline(always)]
    unsafe fn of_ints(x: __m512i) -> __m512 {
        unsafe { _mm512_cvtepi32_ps(x) }
    }

    #[inline(always)]
    unsafe fn panel(words: [__m512i; 4]) -> [__m512i; 4] {
        words
    }
    #[inline(always)]
    unsafe fn widened(words: __m512i, number: usize) -> __m512i {
        unsafe {
            // Bytes 2 · number and the one after it of every word, each twice: once as what is shifted out again.
            let pair = |word: i32| 0x0101_0000 + (4 * word + 2 * number as i32) * 0x0101_0101;
            let spread = _mm512_broadcast_i32x4(_mm_setr_epi32(pair(0), pair(1), pair(2), pair(3)));
            _mm512_srai_epi16::<8>(_mm512_shuffle_epi8(words, spread))
        }
    }
    #[inline(always)]
    unsafe fn narrow<const QUADS: usize, const T: usize>(
        words: *const [__m512i; 2],
        x: *const i8,
        stride: usize,
    ) -> [[__m512i; 2]; T] {
        unsafe {
            let mut whole = [[_mm512_setzero_si512(); 2]; T];
            for word in 0..4 * QUADS {
                let [low, high] = *words.add(word);
                for t in 0..T {
                    let x = four_bytes(x.add(t * stride + 4 * word).cast());
                    whole[t][0] = _mm512_dpbusd_epi32(whole[t][0], low, x);
                    whole[t][1] = _mm512_dpbusd_epi32(whole[t][1], high, x);
                }
            }
            whole
        }
    }
    #[inline(always)]
    unsafe fn wide<const T: usize>(
        words: *const [__m512i; 2],
        x: *const i16,
        stride: usize,
    ) -> [[__m512i; 2]; T] {
        unsafe {
            let mut whole = [[_mm512_setzero_si512(); 2]; T];
            for pair in 0..16 {
                let [low, high] = *words.add(pair);
                for t in 0..T {
                    let x = four_bytes(x.add(t * stride + 2 * pair).cast());
                    whole[t][0] = _mm512_dpwssd_epi32(whole[t][0], low, x);
                    whole[t][1] = _mm512_dpwssd_epi32(whole[t][1], high, x);
                }
            }
            whole
        }
    }

    #[inline(always)]
    unsafe fn store(to: *mut f32, x: __m512, count: usize) {
        unsafe { _mm512_mask_storeu_ps(to, (u16::MAX as u32 >> (16 - count)) as u16, x) }
    }
}

/// The same four bytes in every lane.
#[inline(always)]
unsafe fn four_bytes(at: *const i32) -> __m512i {
    unsafe { _mm512_set1_epi32(at.read_unaligned()) }
}
