//! Unpacking of the storage types that files mostly use, compiled for wide registers where the machine has them. The
//! other types go through candle; tests compare both. Layouts: ggml's block formats.

use half::f16;

use crate::kernels::dispatched;

dispatched! {
    /// 16-bit floats.
    fn f16_row<FUSED>(bytes: &[u8], out: &mut [f32]) {
        for (pair, out) in bytes.as_chunks::<2>().0.iter().zip(out) {
            *out = wide(u16::from_le_bytes(*pair));
        }
    }
}

dispatched! {
    /// The upper halves of 32-bit floats.
    fn bf16_row<FUSED>(bytes: &[u8], out: &mut [f32]) {
        for (pair, out) in bytes.as_chunks::<2>().0.iter().zip(out) {
            *out = f32::from_bits(u32::from(u16::from_le_bytes(*pair)) << 16);
        }
    }
}

dispatched! {
    /// Q8_0: a scale and 32 bytes.
    fn q8_0_row<FUSED>(bytes: &[u8], out: &mut [f32]) {
        let (blocks, out) = (bytes.as_chunks::<34>().0, out.as_chunks_mut::<32>().0);
        for (block, out) in blocks.iter().zip(out) {
            let scale = half_at(block, 0);
            for (out, number) in out.iter_mut().zip(&block[2..]) {
                *out = scale * f32::from(*number as i8);
            }
        }
    }
}

dispatched! {
    /// Q4_K: two scales, twelve bytes with eight pairs of 6-bit scales, 256 numbers of 4 bits.
    fn q4_k_row<FUSED>(bytes: &[u8], out: &mut [f32]) {
        let (blocks, out) = (bytes.as_chunks::<144>().0, out.as_chunks_mut::<256>().0);
        for (block, out) in blocks.iter().zip(out) {
            let (scale, least) = (half_at(block, 0), half_at(block, 2));
            let scales: &[u8] = &block[4..16];
            let of = |index: usize| {
                let (multiplier, minimum) = if index < 4 {
                    (scales[index] & 63, scales[index + 4] & 63)
                } else {
                    let both = scales[index + 4];
                    (both & 15 | scales[index - 4] >> 6 << 4, both >> 4 | scales[index] >> 6 << 4)
                };
                (scale * f32::from(multiplier), least * f32::from(minimum))
            };
            for (pair, numbers) in block[16..].as_chunks::<32>().0.iter().enumerate() {
                let (out, out_high) = out[pair * 64..][..64].split_at_mut(32);
                let ((low, low_least), (high, high_least)) = (of(2 * pair), of(2 * pair + 1));
                for ((out, out_high), number) in out.iter_mut().zip(out_high).zip(numbers) {
                    *out = low * f32::from(number & 15) - low_least;
                    *out_high = high * f32::from(number >> 4) - high_least;
                }
            }
        }
    }
}

dispatched! {
    /// Q6_K: 256 numbers of 6 bits (low four, then high two), sixteen scales, one scale of scales.
    fn q6_k_row<FUSED>(bytes: &[u8], out: &mut [f32]) {
        let (blocks, out) = (bytes.as_chunks::<210>().0, out.as_chunks_mut::<256>().0);
        for (block, out) in blocks.iter().zip(out) {
            let scale = half_at(block, 208);
            for part in 0..2 {
                let low = &block[part * 64..][..64];
                let high = &block[128 + part * 32..][..32];
                let scales = &block[192 + part * 8..][..8];
                for half in 0..2 {
                    let at = half * 16;
                    let of = |index: usize| scale * f32::from(scales[half + 2 * index] as i8);
                    let (s0, s1, s2, s3) = (of(0), of(1), of(2), of(3));
                    let out = &mut out[part * 128..][..128];
                    for place in at..at + 16 {
                        let (first, second, top) = (low[place], low[place + 32], high[place]);
                        let number = |low: u8, high: u8| f32::from((low | (high & 3) << 4) as i8 - 32);
                        out[place] = s0 * number(first & 15, top);
                        out[place + 32] = s1 * number(second & 15, top >> 2);
                        out[place + 64] = s2 * number(first >> 4, top >> 4);
                        out[place + 96] = s3 * number(second >> 4, top >> 6);
                    }
                }
            }
        }
    }
}

/// A 16-bit float as a 32-bit one, without a branch: shifted into place, the exponent is off by 112; a product with
/// 2^112 is exact and makes subnormal numbers normal. Infinity and not-a-number keep their all-ones exponent.
#[inline(always)]
fn wide(half: u16) -> f32 {
    let magnitude = u32::from(half & 0x7fff) << 13;
    let finite = (f32::from_bits(magnitude) * f32::from_bits((127 + 112) << 23)).to_bits();
    let bits = if magnitude >= 0x7c00 << 13 { magnitude | 0x7f80_0000 } else { finite };
    f32::from_bits(bits | u32::from(half & 0x8000) << 16)
}

#[inline(always)]
fn half_at(block: &[u8], at: usize) -> f32 {
    f16::from_le_bytes([block[at], block[at + 1]]).to_f32()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_16_bit_float_is_itself_in_32_bits() {
        for bits in 0..=u16::MAX {
            let mut out = [0.0];
            f16_row(&bits.to_le_bytes(), &mut out);
            let expected = f16::from_bits(bits).to_f32();
            assert!(
                out[0].to_bits() == expected.to_bits() || out[0].is_nan() && expected.is_nan(),
                "{bits:04x}"
            );
        }
    }
}
