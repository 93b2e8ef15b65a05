//! What the kernels ask of a storage type: 32 numbers in a register, and the scales of eight rows in one.

use std::arch::x86_64::*;

use crate::kernels::layout::{E2M1, IQ4};

/// Blocks of eight rows at one place.
pub(super) type Blocks = [*const u8; 8];

/// A storage type, as its [`Layout`](crate::kernels::layout::Layout) defines it.
///
/// The methods need AVX2 and F16C, and pointers to whole blocks.
pub(super) trait Format {
    const VALUES: usize;
    const BYTES: usize;
    /// Numbers that share a scale.
    const GROUP: usize;
    /// How many products of two pairs (numbers of this type by ±127) a 16-bit sum holds; 0 for types whose numbers
    /// take eight bits with sign.
    const SUMS: usize;
    /// The numbers have an offset.
    const OFFSETS: bool;
    /// Numbers `32 · part ..` of a block, at least 0 when `SUMS` is not 0.
    unsafe fn numbers(block: *const u8, part: usize) -> __m256i;
    /// As [`numbers`](Format::numbers) of two blocks: the first sixteen of `a` and of `b`, then the last sixteen.
    #[inline(always)]
    unsafe fn both(a: *const u8, b: *const u8, part: usize) -> [__m256i; 2] {
        unsafe {
            let (a, b) = (Self::numbers(a, part), Self::numbers(b, part));
            [_mm256_permute2x128_si256::<0x20>(a, b), _mm256_permute2x128_si256::<0x31>(a, b)]
        }
    }
    /// Scale and offset of every group for eight rows; the offset counts for numbers as `numbers` gives them.
    unsafe fn scales(blocks: &Blocks, scales: &mut [__m256; 16], offsets: &mut [__m256; 16]);
}

#[inline(always)]
unsafe fn load16(at: *const u8) -> __m128i {
    unsafe { _mm_loadu_si128(at.cast()) }
}

#[inline(always)]
unsafe fn load32(at: *const u8) -> __m256i {
    unsafe { _mm256_loadu_si256(at.cast()) }
}

/// Sixteen bytes of each of two blocks.
#[inline(always)]
unsafe fn load_both(a: *const u8, b: *const u8) -> __m256i {
    unsafe { _mm256_inserti128_si256::<1>(_mm256_castsi128_si256(load16(a)), load16(b)) }
}

/// As [`nibbles`], of two blocks.
#[inline(always)]
unsafe fn both_nibbles(a: *const u8, b: *const u8) -> [__m256i; 2] {
    unsafe {
        let (bytes, low) = (load_both(a, b), _mm256_set1_epi8(15));
        [_mm256_and_si256(bytes, low), _mm256_and_si256(_mm256_srli_epi16::<4>(bytes), low)]
    }
}

/// Sixteen bytes of two numbers each: the low ones, then the high ones.
#[inline(always)]
unsafe fn nibbles(at: *const u8) -> __m256i {
    unsafe {
        let low = load16(at);
        let both = _mm256_inserti128_si256::<1>(_mm256_castsi128_si256(low), _mm_srli_epi16::<4>(low));
        _mm256_and_si256(both, _mm256_set1_epi8(15))
    }
}

/// The bits of four bytes as 32 bytes of 0 or 16.
#[inline(always)]
unsafe fn fifth_bits(at: *const u8) -> __m256i {
    unsafe {
        let bits = _mm256_set1_epi32(at.cast::<i32>().read_unaligned());
        let spread =
            _mm256_set_epi64x(0x0303_0303_0303_0303, 0x0202_0202_0202_0202, 0x0101_0101_0101_0101, 0);
        let own = _mm256_set1_epi64x(0x8040_2010_0804_0201_u64 as i64);
        let bytes = _mm256_and_si256(_mm256_shuffle_epi8(bits, spread), own);
        _mm256_and_si256(_mm256_cmpeq_epi8(bytes, own), _mm256_set1_epi8(16))
    }
}

/// Eight 16-bit floats, one of each row.
#[inline(always)]
unsafe fn halves(blocks: &Blocks, at: usize) -> __m256 {
    unsafe {
        let mut bits = [0u16; 8];
        for (bits, block) in bits.iter_mut().zip(blocks) {
            *bits = block.add(at).cast::<u16>().read_unaligned();
        }
        _mm256_cvtph_ps(_mm_loadu_si128(bits.as_ptr().cast()))
    }
}

/// Sixteen bytes of each row as four registers: word 0 of all rows, word 1, and so on. The bytes begin `SKIP` after
/// `at`, and as many zeros follow, so that nothing behind the block is read.
#[inline(always)]
unsafe fn words<const SKIP: i32>(blocks: &Blocks, at: usize) -> [__m256i; 4] {
    unsafe {
        let two = |row: usize| {
            let low = _mm256_castsi128_si256(load16(blocks[row].add(at)));
            let both = _mm256_inserti128_si256::<1>(low, load16(blocks[row + 4].add(at)));
            if SKIP == 0 { both } else { _mm256_bsrli_epi128::<SKIP>(both) }
        };
        let (r0, r1, r2, r3) = (two(0), two(1), two(2), two(3));
        let (a, b) = (_mm256_unpacklo_epi32(r0, r1), _mm256_unpacklo_epi32(r2, r3));
        let (c, d) = (_mm256_unpackhi_epi32(r0, r1), _mm256_unpackhi_epi32(r2, r3));
        [
            _mm256_unpacklo_epi64(a, b),
            _mm256_unpackhi_epi64(a, b),
            _mm256_unpacklo_epi64(c, d),
            _mm256_unpackhi_epi64(c, d),
        ]
    }
}

/// The low and the high 16-bit floats of eight words.
#[inline(always)]
unsafe fn two_halves(words: __m256i) -> (__m256, __m256) {
    unsafe {
        let low = _mm256_and_si256(words, _mm256_set1_epi32(0xffff));
        let packed = _mm256_packus_epi32(low, _mm256_srli_epi32::<16>(words));
        let ordered = _mm256_permute4x64_epi64::<0b11_01_10_00>(packed);
        let high = _mm256_extracti128_si256::<1>(ordered);
        (_mm256_cvtph_ps(_mm256_castsi256_si128(ordered)), _mm256_cvtph_ps(high))
    }
}

/// Byte `number` (0 to 3) of every word, as floats.
#[inline(always)]
unsafe fn bytes_of(words: __m256i, number: usize) -> __m256 {
    unsafe {
        let moved = match number {
            0 => words,
            1 => _mm256_srli_epi32::<8>(words),
            2 => _mm256_srli_epi32::<16>(words),
            _ => return _mm256_cvtepi32_ps(_mm256_srli_epi32::<24>(words)),
        };
        _mm256_cvtepi32_ps(_mm256_and_si256(moved, _mm256_set1_epi32(255)))
    }
}

/// Byte `number` (0 to 3) of every word with its sign, as floats.
#[inline(always)]
unsafe fn signed_bytes_of(words: __m256i, number: usize) -> __m256 {
    unsafe {
        let top = match number {
            0 => _mm256_slli_epi32::<24>(words),
            1 => _mm256_slli_epi32::<16>(words),
            2 => _mm256_slli_epi32::<8>(words),
            _ => words,
        };
        _mm256_cvtepi32_ps(_mm256_srai_epi32::<24>(top))
    }
}

#[inline(always)]
unsafe fn negated(x: __m256) -> __m256 {
    unsafe { _mm256_xor_ps(x, _mm256_set1_ps(-0.0)) }
}

/// `-zero · scale`
#[inline(always)]
unsafe fn shift_of(scale: __m256, zero: f32) -> __m256 {
    unsafe { _mm256_mul_ps(scale, _mm256_set1_ps(-zero)) }
}

macro_rules! format {
    ($name:ident, $values:literal in $bytes:literal, groups of $group:literal, sums of $sums:literal, offsets $offsets:literal,
     |$block:ident, $part:ident| $numbers:block, |$blocks:ident, $scales:ident, $shifts:ident| $of:block
     $(, two |$a:ident, $b:ident, $of_two:ident| $both:block)?) => {
        pub(super) struct $name;
        impl Format for $name {
            const VALUES: usize = $values;
            const BYTES: usize = $bytes;
            const GROUP: usize = $group;
            const SUMS: usize = $sums;
            const OFFSETS: bool = $offsets;
            #[inline(always)]
            unsafe fn numbers($block: *const u8, $part: usize) -> __m256i {
                unsafe { $numbers }
            }
            $(
                #[inline(always)]
                unsafe fn both($a: *const u8, $b: *const u8, $of_two: usize) -> [__m256i; 2] {
                    unsafe { $both }
                }
            )?
            #[inline(always)]
            unsafe fn scales($blocks: &Blocks, $scales: &mut [__m256; 16], $shifts: &mut [__m256; 16]) {
                unsafe { $of }
            }
        }
    };
}

format!(Q4_0, 32 in 18, groups of 32, sums of 8, offsets true,
|block, _part| { nibbles(block.add(2)) },
|blocks, scales, offsets| {
    scales[0] = halves(blocks, 0);
    offsets[0] = shift_of(scales[0], 8.0);
},
two |a, b, _part| { both_nibbles(a.add(2), b.add(2)) });

format!(Q4_1, 32 in 20, groups of 32, sums of 8, offsets true,
    |block, _part| { nibbles(block.add(4)) },
    |blocks, scales, offsets| { (scales[0], offsets[0]) = (halves(blocks, 0), halves(blocks, 2)); },
    two |a, b, _part| { both_nibbles(a.add(4), b.add(4)) });

format!(Q5_0, 32 in 22, groups of 32, sums of 4, offsets true,
|block, _part| { _mm256_or_si256(nibbles(block.add(6)), fifth_bits(block.add(2))) },
|blocks, scales, offsets| {
    scales[0] = halves(blocks, 0);
    offsets[0] = shift_of(scales[0], 16.0);
});

format!(Q5_1, 32 in 24, groups of 32, sums of 4, offsets true,
    |block, _part| { _mm256_or_si256(nibbles(block.add(8)), fifth_bits(block.add(4))) },
    |blocks, scales, offsets| { (scales[0], offsets[0]) = (halves(blocks, 0), halves(blocks, 2)); });

format!(Q8_0, 32 in 34, groups of 32, sums of 0, offsets false,
    |block, _part| { load32(block.add(2)) },
    |blocks, scales, _offsets| { scales[0] = halves(blocks, 0); });

format!(Iq4Nl, 32 in 18, groups of 32, sums of 0, offsets false,
    |block, _part| { looked_up(&IQ4, nibbles(block.add(2))) },
    |blocks, scales, _offsets| { scales[0] = halves(blocks, 0); });

format!(Mxfp4, 32 in 17, groups of 32, sums of 4, offsets true,
|block, _part| {
    _mm256_add_epi8(looked_up(&E2M1, nibbles(block.add(1))), _mm256_set1_epi8(12))
},
|blocks, scales, offsets| {
    let mut exponents = [0i32; 8];
    for (exponent, block) in exponents.iter_mut().zip(blocks) {
        *exponent = i32::from(**block);
    }
    let exponents = _mm256_loadu_si256(exponents.as_ptr().cast());
    let normal = _mm256_slli_epi32::<23>(_mm256_sub_epi32(exponents, _mm256_set1_epi32(1)));
    let subnormal = _mm256_sllv_epi32(_mm256_set1_epi32(0x0020_0000), exponents);
    let small = _mm256_cmpgt_epi32(_mm256_set1_epi32(2), exponents);
    scales[0] = _mm256_castsi256_ps(_mm256_blendv_epi8(normal, subnormal, small));
    offsets[0] = shift_of(scales[0], 12.0);
});

format!(Q2K, 256 in 84, groups of 16, sums of 4, offsets true,
|block, part| { two_bits(block.add(16), part) },
|blocks, scales, offsets| {
    let (scale, least) = (halves(blocks, 80), negated(halves(blocks, 82)));
    let (packed, low) = (words::<0>(blocks, 0), _mm256_set1_epi8(15));
    for word in 0..4 {
        let multipliers = _mm256_and_si256(packed[word], low);
        let minima = _mm256_and_si256(_mm256_srli_epi32::<4>(packed[word]), low);
        for byte in 0..4 {
            scales[word * 4 + byte] = _mm256_mul_ps(scale, bytes_of(multipliers, byte));
            offsets[word * 4 + byte] = _mm256_mul_ps(least, bytes_of(minima, byte));
        }
    }
});

format!(Q3K, 256 in 110, groups of 16, sums of 4, offsets true,
|block, part| {
    let third = _mm256_and_si256(shifted(load32(block), part), _mm256_set1_epi8(1));
    _mm256_or_si256(two_bits(block.add(32), part), _mm256_slli_epi16::<2>(third))
},
|blocks, scales, offsets| {
    // The twelve bytes begin at 96, but sixteen from there would reach behind the block.
    let packed = words::<2>(blocks, 94);
    let scale = _mm256_cvtph_ps(low_words(packed[3]));
    let (low, high) = (_mm256_set1_epi8(15), _mm256_set1_epi8(0x30));
    let upper = packed[2];
    let all = [
        _mm256_or_si256(
            _mm256_and_si256(packed[0], low),
            _mm256_and_si256(_mm256_slli_epi32::<4>(upper), high)),
        _mm256_or_si256(
            _mm256_and_si256(packed[1], low),
            _mm256_and_si256(_mm256_slli_epi32::<2>(upper), high)),
        _mm256_or_si256(
            _mm256_and_si256(_mm256_srli_epi32::<4>(packed[0]), low),
            _mm256_and_si256(upper, high)),
        _mm256_or_si256(
            _mm256_and_si256(_mm256_srli_epi32::<4>(packed[1]), low),
            _mm256_and_si256(_mm256_srli_epi32::<2>(upper), high)),
    ];
    for word in 0..4 {
        let centred = _mm256_sub_epi8(all[word], _mm256_set1_epi8(32));
        for byte in 0..4 {
            scales[word * 4 + byte] = _mm256_mul_ps(scale, signed_bytes_of(centred, byte));
            offsets[word * 4 + byte] = shift_of(scales[word * 4 + byte], 4.0);
        }
    }
});

format!(Q4K, 256 in 144, groups of 32, sums of 8, offsets true,
|block, part| { half_bytes(block.add(16), part) },
|blocks, scales, offsets| { pairs(blocks, scales, offsets) },
two |a, b, part| {
    let half = |at: usize| half_of_both(a.add(at), b.add(at), part);
    [half(16), half(32)]
});

format!(Q5K, 256 in 176, groups of 32, sums of 4, offsets true,
|block, part| {
    let fifth = _mm256_and_si256(shifted(load32(block.add(16)), part), _mm256_set1_epi8(1));
    _mm256_or_si256(half_bytes(block.add(48), part), _mm256_slli_epi16::<4>(fifth))
},
|blocks, scales, offsets| { pairs(blocks, scales, offsets) },
two |a, b, part| {
    let half = |at: usize| {
        let fifth = shifted(load_both(a.add(16 + at), b.add(16 + at)), part);
        let fifth = _mm256_slli_epi16::<4>(_mm256_and_si256(fifth, _mm256_set1_epi8(1)));
        _mm256_or_si256(half_of_both(a.add(48 + at), b.add(48 + at), part), fifth)
    };
    [half(0), half(16)]
});

format!(Q6K, 256 in 210, groups of 16, sums of 2, offsets true,
|block, part| {
    let lower = load32(block.add(part / 4 * 64 + part % 2 * 32));
    let lower = if (part / 2).is_multiple_of(2) { lower } else { _mm256_srli_epi16::<4>(lower) };
    let upper = load32(block.add(128 + part / 4 * 32));
    let upper = match part % 4 {
        0 => _mm256_slli_epi16::<4>(upper),
        1 => _mm256_slli_epi16::<2>(upper),
        2 => upper,
        _ => _mm256_srli_epi16::<2>(upper),
    };
    _mm256_or_si256(
        _mm256_and_si256(lower, _mm256_set1_epi8(15)),
        _mm256_and_si256(upper, _mm256_set1_epi8(0x30)))
},
|blocks, scales, offsets| {
    let (scale, packed) = (halves(blocks, 208), words::<0>(blocks, 192));
    for word in 0..4 {
        for byte in 0..4 {
            scales[word * 4 + byte] = _mm256_mul_ps(scale, signed_bytes_of(packed[word], byte));
            offsets[word * 4 + byte] = shift_of(scales[word * 4 + byte], 32.0);
        }
    }
});

format!(Iq4Xs, 256 in 136, groups of 32, sums of 0, offsets false,
|block, part| { looked_up(&IQ4, nibbles(block.add(8 + part * 16))) },
|blocks, scales, _offsets| {
    let [first, lower, _, _] = words::<0>(blocks, 0);
    let scale = _mm256_cvtph_ps(low_words(first));
    for group in 0..8 {
        let low = _mm256_srl_epi32(lower, _mm_cvtsi32_si128(4 * group));
        let high = _mm256_srl_epi32(first, _mm_cvtsi32_si128(16 + 2 * group));
        let whole = _mm256_or_si256(
            _mm256_and_si256(low, _mm256_set1_epi32(15)),
            _mm256_slli_epi32::<4>(_mm256_and_si256(high, _mm256_set1_epi32(3))));
        let centred = _mm256_sub_epi32(whole, _mm256_set1_epi32(32));
        scales[group as usize] = _mm256_mul_ps(scale, _mm256_cvtepi32_ps(centred));
    }
});

/// The low 16 bits of eight words.
#[inline(always)]
unsafe fn low_words(words: __m256i) -> __m128i {
    unsafe {
        let low = _mm256_and_si256(words, _mm256_set1_epi32(0xffff));
        let packed = _mm256_packus_epi32(low, low);
        _mm256_castsi256_si128(_mm256_permute4x64_epi64::<0b11_01_10_00>(packed))
    }
}

#[inline(always)]
unsafe fn looked_up(table: &[i8; 16], places: __m256i) -> __m256i {
    unsafe {
        let table = _mm256_broadcastsi128_si256(_mm_loadu_si128(table.as_ptr().cast()));
        _mm256_shuffle_epi8(table, places)
    }
}

/// Every byte's bit `by` at its lowest place; the other bits mean nothing.
#[inline(always)]
unsafe fn shifted(bytes: __m256i, by: usize) -> __m256i {
    unsafe {
        match by {
            0 => bytes,
            1 => _mm256_srli_epi16::<1>(bytes),
            2 => _mm256_srli_epi16::<2>(bytes),
            3 => _mm256_srli_epi16::<3>(bytes),
            4 => _mm256_srli_epi16::<4>(bytes),
            5 => _mm256_srli_epi16::<5>(bytes),
            6 => _mm256_srli_epi16::<6>(bytes),
            _ => _mm256_srli_epi16::<7>(bytes),
        }
    }
}

/// 256 numbers of two bits: bits 0 and 1 of 32 bytes, then bits 2 and 3, …, then of the next 32 bytes.
#[inline(always)]
unsafe fn two_bits(at: *const u8, part: usize) -> __m256i {
    unsafe {
        let bytes = load32(at.add(part / 4 * 32));
        _mm256_and_si256(shifted(bytes, part % 4 * 2), _mm256_set1_epi8(3))
    }
}

/// 256 numbers of four bits: the low halves of 32 bytes, then the high ones, then of the next 32 bytes.
#[inline(always)]
unsafe fn half_bytes(at: *const u8, part: usize) -> __m256i {
    unsafe {
        let bytes = load32(at.add(part / 2 * 32));
        _mm256_and_si256(shifted(bytes, part % 2 * 4), _mm256_set1_epi8(15))
    }
}

/// As [`half_bytes`], sixteen of each of two blocks.
#[inline(always)]
unsafe fn half_of_both(a: *const u8, b: *const u8, part: usize) -> __m256i {
    unsafe {
        let bytes = load_both(a.add(part / 2 * 32), b.add(part / 2 * 32));
        _mm256_and_si256(shifted(bytes, part % 2 * 4), _mm256_set1_epi8(15))
    }
}

/// The eight pairs of 6-bit scales and minima of Q4_K and Q5_K.
#[inline(always)]
unsafe fn pairs(blocks: &Blocks, scales: &mut [__m256; 16], offsets: &mut [__m256; 16]) {
    unsafe {
        let [both, first, second, third] = words::<0>(blocks, 0);
        let (scale, least) = two_halves(both);
        let least = negated(least);
        let (six, low, high) = (_mm256_set1_epi8(63), _mm256_set1_epi8(15), _mm256_set1_epi8(0x30));
        let top = |words| _mm256_and_si256(_mm256_srli_epi32::<2>(words), high);
        let multipliers =
            [_mm256_and_si256(first, six), _mm256_or_si256(_mm256_and_si256(third, low), top(first))];
        let minima = [
            _mm256_and_si256(second, six),
            _mm256_or_si256(_mm256_and_si256(_mm256_srli_epi32::<4>(third), low), top(second)),
        ];
        for word in 0..2 {
            for byte in 0..4 {
                scales[word * 4 + byte] = _mm256_mul_ps(scale, bytes_of(multipliers[word], byte));
                offsets[word * 4 + byte] = _mm256_mul_ps(least, bytes_of(minima[word], byte));
            }
        }
    }
}
