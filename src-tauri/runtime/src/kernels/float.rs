//! Plain floats: dot products, 16-bit forms, and what bends a gate.

use super::wide::mac;
use crate::wide;

/// Lanes of one accumulator: two AVX2 registers. All dot products add in this order, so that a token's result does not
/// depend on how many tokens were computed with it.
const LANES: usize = 16;

/// `lanes` + `a` · `b`, lane by lane. By value, so that the lanes stay in registers.
#[inline(always)]
fn step<const FUSED: bool>(mut lanes: [f32; LANES], a: &[f32; LANES], b: &[f32; LANES]) -> [f32; LANES] {
    for lane in 0..LANES {
        lanes[lane] = mac::<FUSED>(lanes[lane], a[lane], b[lane]);
    }
    lanes
}

#[inline(always)]
fn dot_body<const FUSED: bool>(a: &[f32], b: &[f32]) -> f32 {
    let (a, a_rest) = a.as_chunks::<LANES>();
    let (b, b_rest) = b.as_chunks::<LANES>();
    let mut lanes = [0f32; LANES];
    for (a, b) in a.iter().zip(b) {
        lanes = step::<FUSED>(lanes, a, b);
    }
    rest::<FUSED>(total(&lanes), a_rest, b_rest)
}

/// `sum` + Σ aᵢ·bᵢ of what is less than a full set of lanes.
#[inline(always)]
fn rest<const FUSED: bool>(sum: f32, a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).fold(sum, |sum, (a, b)| mac::<FUSED>(sum, *a, *b))
}

#[inline(always)]
fn total(lanes: &[f32; LANES]) -> f32 {
    let mut half = [0f32; LANES / 2];
    for lane in 0..LANES / 2 {
        half[lane] = lanes[lane] + lanes[lane + LANES / 2];
    }
    half.iter().sum()
}

wide! {
    /// Σ aᵢ·bᵢ of two slices of one length.
    pub fn dot<FUSED>(a: &[f32], b: &[f32]) -> f32 {
        dot_body::<FUSED>(a, b)
    }
}

wide! {
    /// Σ aᵢ·bᵢ of two slices of one length, of fewer than 2^17 numbers.
    pub fn dot_i8<FUSED>(a: &[i8], b: &[i8]) -> i32 {
        // Whole numbers are exact in any order: the compiler finds the wide form.
        let _ = FUSED;
        a.iter().zip(b).map(|(a, b)| i32::from(i16::from(*a) * i16::from(*b))).sum()
    }
}

wide! {
    /// Dot products of `a` with four slices of its length, each equal to [`dot`] of the two.
    pub fn dot4<FUSED>(a: &[f32], b: [&[f32]; 4]) -> [f32; 4] {
        let (a, a_rest) = a.as_chunks::<LANES>();
        let [(b0, r0), (b1, r1), (b2, r2), (b3, r3)] = b.map(|b| b.as_chunks::<LANES>());
        let [mut l0, mut l1, mut l2, mut l3] = [[0f32; LANES]; 4];
        for ((((a, b0), b1), b2), b3) in a.iter().zip(b0).zip(b1).zip(b2).zip(b3) {
            l0 = step::<FUSED>(l0, a, b0);
            l1 = step::<FUSED>(l1, a, b1);
            l2 = step::<FUSED>(l2, a, b2);
            l3 = step::<FUSED>(l3, a, b3);
        }
        let ends = [(l0, r0), (l1, r1), (l2, r2), (l3, r3)];
        ends.map(|(lanes, b_rest)| rest::<FUSED>(total(&lanes), a_rest, b_rest))
    }
}

wide! {
    /// `gate` = silu(gate) · up, where silu(x) = x / (1 + e^-x). Source: arXiv:2002.05202.
    pub fn silu_times<FUSED>(gate: &mut [f32], up: &[f32]) {
        for (gate, up) in gate.iter_mut().zip(up) {
            *gate = *gate / (1.0 + super::attend::exp::<FUSED>(-*gate)) * up;
        }
    }
}

wide! {
    /// 16-bit floats.
    pub fn f16_row<FUSED>(bytes: &[u8], out: &mut [f32]) {
        for (pair, out) in bytes.as_chunks::<2>().0.iter().zip(out) {
            *out = wide(u16::from_le_bytes(*pair));
        }
    }
}

wide! {
    /// The upper halves of 32-bit floats.
    pub fn bf16_row<FUSED>(bytes: &[u8], out: &mut [f32]) {
        for (pair, out) in bytes.as_chunks::<2>().0.iter().zip(out) {
            *out = f32::from_bits(u32::from(u16::from_le_bytes(*pair)) << 16);
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The plain definition, in double precision.
    fn exact(a: &[f32], b: &[f32]) -> f64 {
        a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
    }

    proptest! {
        #[test]
        fn a_dot_product_is_its_definition(a in proptest::collection::vec(-1f32..1.0, 0..130)) {
            let b: Vec<f32> = a.iter().map(|a| (a * 7.0).sin()).collect();
            // 130 products below 1, each rounded to 2^-24: the error is below 130 * 2^-23.
            prop_assert!((f64::from(dot(&a, &b)) - exact(&a, &b)).abs() < 2e-5);
            let four = dot4(&a, [&b, &a, &b, &a]);
            prop_assert_eq!(four, [dot(&a, &b), dot(&a, &a), dot(&a, &b), dot(&a, &a)]);
        }
    }

    #[test]
    fn every_16_bit_float_is_itself_in_32_bits() {
        for bits in 0..=u16::MAX {
            let mut out = [0.0];
            f16_row(&bits.to_le_bytes(), &mut out);
            let expected = half::f16::from_bits(bits).to_f32();
            assert!(
                out[0].to_bits() == expected.to_bits() || out[0].is_nan() && expected.is_nan(),
                "{bits:04x}"
            );
        }
    }
}
