//! Inner loops over plain slices. Each exists once as a body; on x86-64 it is compiled a second time for machines with
//! AVX2 and FMA and chosen at run time, because a release binary may not assume them.

/// Lanes of one accumulator: two AVX2 registers. All dot products add in this order, so that a token's result does not
/// depend on how many tokens were computed with it.
const LANES: usize = 16;

/// `sum + a · b`, rounded once where the machine can (`FUSED`).
#[inline(always)]
fn mac<const FUSED: bool>(sum: f32, a: f32, b: f32) -> f32 {
    if FUSED { a.mul_add(b, sum) } else { sum + a * b }
}

macro_rules! dispatched {
    ($(#[$doc:meta])* fn $name:ident<FUSED>($($arg:ident: $type:ty),* $(,)?) $(-> $out:ty)? $body:block) => {
        $(#[$doc])*
        // The parameters are what one head of attention has; a struct for one call would only rename them.
        #[allow(clippy::too_many_arguments)]
        pub fn $name($($arg: $type),*) $(-> $out)? {
            #[inline(always)]
            fn body<const FUSED: bool>($($arg: $type),*) $(-> $out)? $body

            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx2,fma")]
                fn wide($($arg: $type),*) $(-> $out)? {
                    body::<true>($($arg),*)
                }
                if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                    #[allow(unsafe_code)]
                    // SAFETY: the line above has checked that this machine has both features.
                    return unsafe { wide($($arg),*) };
                }
            }
            body::<false>($($arg),*)
        }
    };
}

pub(crate) use dispatched;

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

dispatched! {
    /// Σ aᵢ·bᵢ of two slices of one length.
    fn dot<FUSED>(a: &[f32], b: &[f32]) -> f32 {
        dot_body::<FUSED>(a, b)
    }
}

dispatched! {
    /// Dot products of `a` with four slices of its length, each equal to [`dot`] of the two.
    fn dot4<FUSED>(a: &[f32], b: [&[f32]; 4]) -> [f32; 4] {
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

dispatched! {
    /// One head of attention for one token: `out` = softmax(scale · q·Kᵀ) · V over the rows of a head's cache.
    /// `keys` and `values`: (positions, stride), the head's numbers at `offset`. `scores`: one place a position.
    fn attend<FUSED>(
        q: &[f32],
        keys: &[f32],
        values: &[f32],
        stride: usize,
        offset: usize,
        scale: f32,
        scores: &mut [f32],
        out: &mut [f32]
    ) {
        let width = q.len();
        let mut top = f32::NEG_INFINITY;
        for (score, row) in scores.iter_mut().zip(keys.chunks_exact(stride)) {
            *score = scale * dot_body::<FUSED>(q, &row[offset..offset + width]);
            top = top.max(*score);
        }
        let mut sum = 0.0;
        for score in scores.iter_mut() {
            *score = (*score - top).exp();
            sum += *score;
        }
        out.fill(0.0);
        for (score, row) in scores.iter().zip(values.chunks_exact(stride)) {
            let row = &row[offset..offset + width];
            for (out, value) in out.iter_mut().zip(row) {
                *out = mac::<FUSED>(*out, *score, *value);
            }
        }
        for out in out.iter_mut() {
            *out /= sum;
        }
    }
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
    fn attention_over_equal_keys_is_the_mean_of_the_values() {
        let keys = [1.0; 6];
        let values = [9.0, 1.0, 9.0, 2.0, 9.0, 6.0];
        let (mut scores, mut out) = ([0.0; 3], [0.0]);
        attend(&[2.0], &keys, &values, 2, 1, 0.5, &mut scores, &mut out);
        assert!((out[0] - 3.0).abs() < 1e-6, "{out:?}");
    }
}
