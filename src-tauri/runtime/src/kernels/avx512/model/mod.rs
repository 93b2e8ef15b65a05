//! The steps of AVX-512 on a model of its instructions, for machines that have none: what the steps compute can be
//! compared with the plain kernels everywhere, and the instructions with their narrower twins of AVX2.

mod intrinsics;
// The same text as the machine's, on other instructions.
#[allow(clippy::duplicate_mod)]
#[path = "../steps.rs"]
mod steps;

use crate::kernels::lanes::product::machine;

machine!(steps::Avx512, "sse2", true);

/// The model against the machine's instructions of AVX2.
mod tests {
    use std::arch::x86_64 as real;

    use bytemuck::cast;

    use super::intrinsics::*;
    use crate::kernels::Level;
    use crate::kernels::trial::Random;

    fn random(random: &mut Random) -> __m512i {
        // Ends of ranges more often than chance would give them.
        let number = |_| match random.next() % 8 {
            0 => 0,
            1 => u32::MAX,
            2 => 0x8000_0000 | random.next() >> 24,
            3 => 0x7fff_807f,
            4 => random.next() % 40,
            _ => random.next(),
        };
        __m512i(cast::<[u32; 16], _>(std::array::from_fn(number)))
    }

    fn half(a: __m512i, half: usize) -> real::__m256i {
        cast(<[u8; 32]>::try_from(&a.0[32 * half..][..32]).expect("32 bytes"))
    }

    fn quarter(a: __m512i, quarter: usize) -> real::__m128i {
        cast(<[u8; 16]>::try_from(&a.0[16 * quarter..][..16]).expect("16 bytes"))
    }

    fn whole(halves: [real::__m256i; 2]) -> [u8; 64] {
        cast(halves.map(cast::<_, [u8; 32]>))
    }

    /// An instruction does with whole registers what its twin does with their halves.
    macro_rules! twins {
        ($($model:ident $twin:ident $(::<$constant:literal>)? ($($register:ident)*) $($both:ident)?;)*) => {$(
            let found = $model$(::<$constant>)?($($register,)* $($both.0)?);
            let twin = [0, 1].map(|number| {
                $(let $register = half($register, number);)*
                real::$twin$(::<$constant>)?($($register,)* $($both.1)?)
            });
            assert_eq!(found.0, whole(twin), stringify!($model));
        )*};
    }

    fn with_three(check: unsafe fn(__m512i, __m512i, __m512i)) {
        if !Level::Avx2.here() {
            return;
        }
        let numbers = &mut Random(7);
        for _ in 0..5_000 {
            let [a, b, c] = std::array::from_fn(|_| random(numbers));
            // SAFETY: the line above has seen the features that a check needs.
            unsafe { check(a, b, c) }
        }
    }

    #[test]
    fn the_instructions_on_bits_are_those_of_avx2_on_halves() {
        #[target_feature(enable = "avx2")]
        unsafe fn check(a: __m512i, b: __m512i, c: __m512i) {
            // SAFETY: the features are there; the model needs none.
            unsafe {
                let by = i32::from(c.0[0] % 40);
                let by = (_mm_cvtsi32_si128(by), real::_mm_cvtsi32_si128(by));
                let zero = _mm512_setzero_si512();
                twins! {
                    _mm512_unpacklo_epi32 _mm256_unpacklo_epi32 (a b);
                    _mm512_unpackhi_epi32 _mm256_unpackhi_epi32 (a b);
                    _mm512_unpacklo_epi64 _mm256_unpacklo_epi64 (a b);
                    _mm512_unpackhi_epi64 _mm256_unpackhi_epi64 (a b);
                    _mm512_shuffle_epi8 _mm256_shuffle_epi8 (a b);
                    _mm512_and_si512 _mm256_and_si256 (a b);
                    _mm512_or_si512 _mm256_or_si256 (a b);
                    _mm512_add_epi8 _mm256_add_epi8 (a b);
                    _mm512_sub_epi32 _mm256_sub_epi32 (a b);
                    _mm512_srl_epi16 _mm256_srl_epi16 (a) by;
                    _mm512_sll_epi16 _mm256_sll_epi16 (a) by;
                    _mm512_srl_epi32 _mm256_srl_epi32 (a) by;
                    _mm512_sll_epi32 _mm256_sll_epi32 (a) by;
                    _mm512_slli_epi32 _mm256_slli_epi32::<23>(a);
                    _mm512_srai_epi16 _mm256_srai_epi16::<8>(a);
                    _mm512_srai_epi32 _mm256_srai_epi32::<24>(a);
                }

                // Masks, which AVX2 keeps in registers.
                let both = [0, 1].map(|h| real::_mm256_and_si256(half(a, h), half(b, h)));
                let none = both.map(|both| real::_mm256_cmpeq_epi8(both, half(zero, 0)));
                let mask = _mm512_test_epi8_mask(a, b);
                let bits = none.map(|none| !real::_mm256_movemask_epi8(none) as u32);
                assert_eq!(mask, u64::from(bits[0]) | u64::from(bits[1]) << 32);
                let kept = [0, 1].map(|h| real::_mm256_andnot_si256(none[h], half(c, h)));
                assert_eq!(_mm512_maskz_mov_epi8(mask, c).0, whole(kept));

                let less = [0, 1].map(|h| real::_mm256_cmpgt_epi32(half(b, h), half(a, h)));
                let mask = _mm512_cmplt_epi32_mask(a, b);
                let bits = less.map(|less| real::_mm256_movemask_ps(cast(less)) as u16);
                assert_eq!(mask, bits[0] | bits[1] << 8);
                let shifted = [0, 1].map(|h| {
                    let shifted = real::_mm256_sllv_epi32(half(a, h), half(b, h));
                    real::_mm256_blendv_epi8(half(c, h), shifted, less[h])
                });
                assert_eq!(_mm512_mask_sllv_epi32(c, mask, a, b).0, whole(shifted));
            }
        }
        with_three(check);
    }

    #[test]
    fn the_instructions_that_move_and_convert_are_those_of_avx2_on_halves() {
        #[target_feature(enable = "avx2,fma,f16c")]
        unsafe fn check(a: __m512i, b: __m512i, c: __m512i) {
            // SAFETY: as above.
            unsafe {
                let (first, second) = (quarter(b, 0), __m128i(cast(quarter(b, 0))));
                let halves = [half(a, 0), half(a, 1)];
                let low = real::_mm256_inserti128_si256::<1>(halves[0], first);
                assert_eq!(_mm512_inserti32x4::<1>(a, second).0, whole([low, halves[1]]));
                let third = real::_mm256_inserti128_si256::<0>(halves[1], first);
                assert_eq!(_mm512_inserti32x4::<2>(a, second).0, whole([halves[0], third]));
                let fourth = real::_mm256_inserti128_si256::<1>(halves[1], first);
                assert_eq!(_mm512_inserti32x4::<3>(a, second).0, whole([halves[0], fourth]));
                assert_eq!(_mm512_castsi128_si512(second).0[..16], second.0);
                let all = real::_mm256_broadcastsi128_si256(first);
                assert_eq!(_mm512_broadcast_i32x4(second).0, whole([all, all]));

                let bytes = [first, real::_mm_bsrli_si128::<8>(first)];
                let numbers = bytes.map(|bytes| real::_mm256_cvtepu8_epi32(bytes));
                assert_eq!(_mm512_cvtepu8_epi32(second).0, whole(numbers));
                let low = halves.map(|half| real::_mm256_and_si256(half, real::_mm256_set1_epi32(0xffff)));
                let packed = real::_mm256_packus_epi32(low[0], low[1]);
                let ordered = real::_mm256_permute4x64_epi64::<0b11_01_10_00>(packed);
                assert_eq!(_mm512_cvtepi32_epi16(a).0, cast::<_, [u8; 32]>(ordered));

                let floats = |a: __m512i, h: usize| cast::<_, real::__m256>(half(a, h));
                let wide = |a: __m512i| __m512(cast(a.0));
                let product = [0, 1].map(|h| real::_mm256_mul_ps(floats(a, h), floats(b, h)));
                same(_mm512_mul_ps(wide(a), wide(b)), product);
                let sum = [0, 1].map(|h| real::_mm256_fmadd_ps(floats(a, h), floats(b, h), floats(c, h)));
                same(_mm512_fmadd_ps(wide(a), wide(b), wide(c)), sum);
                same(_mm512_cvtepi32_ps(a), halves.map(|half| real::_mm256_cvtepi32_ps(half)));
                let halves = [quarter(a, 0), quarter(a, 1)].map(|eight| real::_mm256_cvtph_ps(eight));
                same(_mm512_cvtph_ps(__m256i(cast(half(a, 0)))), halves);

                let count = 1 + usize::from(c.0[0] % 16);
                let mut to = [f32::MAX; 16];
                _mm512_mask_storeu_ps(to.as_mut_ptr(), (u16::MAX as u32 >> (16 - count)) as u16, wide(a));
                let expected = (0..16).map(|lane| if lane < count { wide(a).0[lane] } else { f32::MAX });
                assert!(to.iter().zip(expected).all(|(to, from)| to.to_bits() == from.to_bits()));
            }
        }
        with_three(check);
    }

    /// Equal bits, or no number both.
    fn same(found: __m512, expected: [real::__m256; 2]) {
        let expected: [f32; 16] = cast(expected.map(cast::<_, [f32; 8]>));
        for (found, expected) in found.0.iter().zip(expected) {
            let same = found.to_bits() == expected.to_bits() || found.is_nan() && expected.is_nan();
            assert!(same, "{found} is not {expected}");
        }
    }

    #[test]
    fn the_sums_of_products_are_those_of_avx2_over_numbers_that_are_widened_first() {
        #[target_feature(enable = "avx2")]
        unsafe fn check(a: __m512i, b: __m512i, sum: __m512i) {
            // SAFETY: as above.
            unsafe {
                // The products of bytes fit in 16 bits with sign, their sums by twos in 32.
                let plain = [0, 1, 2, 3].map(|q| real::_mm256_cvtepu8_epi16(quarter(a, q)));
                let signed = [0, 1, 2, 3].map(|q| real::_mm256_cvtepi8_epi16(quarter(b, q)));
                let twos = [0, 1, 2, 3].map(|q| real::_mm256_madd_epi16(plain[q], signed[q]));
                let twos: [i32; 32] = cast(twos.map(cast::<_, [i32; 8]>));
                let sums: [i32; 16] = cast(sum.0);
                let expected: [i32; 16] = std::array::from_fn(|lane| {
                    sums[lane].wrapping_add(twos[2 * lane]).wrapping_add(twos[2 * lane + 1])
                });
                assert_eq!(cast::<_, [i32; 16]>(_mm512_dpbusd_epi32(sum, a, b).0), expected);

                let pairs = [0, 1].map(|h| {
                    let products = real::_mm256_madd_epi16(half(a, h), half(b, h));
                    real::_mm256_add_epi32(half(sum, h), products)
                });
                assert_eq!(_mm512_dpwssd_epi32(sum, a, b).0, whole(pairs));
            }
        }
        with_three(check);
    }
}
