//! What training computes beside matrix products, forward and backward, over plain slices.

use super::product::tile_end;
use runtime::kernels::wide::mac;
use runtime::wide;

const LANES: usize = 16;

/// exp(x) to 2e-7 relative for x in [-87, 88], branchless so that it vectorises. Cephes' expf polynomial.
#[inline(always)]
fn exp<const FUSED: bool>(x: f32) -> f32 {
    let x = x.clamp(-87.0, 88.0);
    let magic = 12_582_912.0f32; // 1.5 * 2^23: adding it rounds to an integer, which stands in the lowest bits
    let shifted = mac::<FUSED>(magic, x, std::f32::consts::LOG2_E);
    let n = shifted - magic;
    let r = mac::<FUSED>(mac::<FUSED>(x, n, -0.693_359_4), n, 2.121_944_4e-4);
    let p = 1.987_569_1e-4f32;
    let p = mac::<FUSED>(1.398_199_9e-3, p, r);
    let p = mac::<FUSED>(8.333_452e-3, p, r);
    let p = mac::<FUSED>(4.166_579_6e-2, p, r);
    let p = mac::<FUSED>(1.666_666_5e-1, p, r);
    let p = mac::<FUSED>(0.5, p, r);
    let e = mac::<FUSED>(r, p, r * r) + 1.0;
    e * f32::from_bits((shifted.to_bits() << 23).wrapping_add(127 << 23))
}

#[inline(always)]
fn dot<const FUSED: bool>(a: &[f32], b: &[f32]) -> f32 {
    let (a, a_rest) = a.as_chunks::<LANES>();
    let (b, b_rest) = b.as_chunks::<LANES>();
    let mut sums = [0f32; LANES];
    for (a, b) in a.iter().zip(b) {
        for lane in 0..LANES {
            sums[lane] = mac::<FUSED>(sums[lane], a[lane], b[lane]);
        }
    }
    sums.iter().sum::<f32>() + a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum::<f32>()
}

#[inline(always)]
fn sum(a: &[f32]) -> f32 {
    let (a, rest) = a.as_chunks::<LANES>();
    let mut sums = [0f32; LANES];
    for a in a {
        for lane in 0..LANES {
            sums[lane] += a[lane];
        }
    }
    sums.iter().sum::<f32>() + rest.iter().sum::<f32>()
}

#[inline(always)]
fn top(a: &[f32]) -> f32 {
    let larger = |top: f32, x: &f32| if *x > top { *x } else { top };
    let (a, rest) = a.as_chunks::<LANES>();
    let mut tops = [f32::MIN; LANES];
    for a in a {
        for lane in 0..LANES {
            tops[lane] = larger(tops[lane], &a[lane]);
        }
    }
    rest.iter().fold(tops.iter().fold(f32::MIN, larger), larger)
}

wide! {
    /// Sum of squares.
    pub fn square_sum<FUSED>(x: &[f32]) -> f32 {
        dot::<FUSED>(x, x)
    }
}

wide! {
    /// `to` += `x` · `scale`.
    pub fn add_scaled<FUSED>(to: &mut [f32], x: &[f32], scale: f32) {
        for (to, x) in to.iter_mut().zip(x) {
            *to = mac::<FUSED>(*to, *x, scale);
        }
    }
}

wide! {
    /// Σ aᵢ·bᵢ
    pub fn inner<FUSED>(a: &[f32], b: &[f32]) -> f32 {
        dot::<FUSED>(a, b)
    }
}

wide! {
    /// `x / sqrt(mean(x²) + eps) · weight`. `x`: (tokens, width); `weight`: (width). Source: arXiv:1910.07467.
    pub fn rms_norm<FUSED>(x: &[f32], weight: &[f32], eps: f32, out: &mut [f32]) {
        let width = weight.len();
        for (x, out) in x.chunks_exact(width).zip(out.chunks_exact_mut(width)) {
            let scale = (dot::<FUSED>(x, x) / width as f32 + eps).sqrt().recip();
            for ((out, x), w) in out.iter_mut().zip(x).zip(weight) {
                *out = x * scale * w;
            }
        }
    }
}

wide! {
    /// From the gradient `g` of [`rms_norm`]'s result: `dx` += that of `x`, `dw` += that of its weight.
    pub fn rms_norm_back<FUSED>(x: &[f32], weight: &[f32], eps: f32, g: &[f32], dx: &mut [f32], dw: &mut [f32]) {
        let width = weight.len();
        let rows = x.chunks_exact(width).zip(g.chunks_exact(width)).zip(dx.chunks_exact_mut(width));
        for ((x, g), dx) in rows {
            let scale = (dot::<FUSED>(x, x) / width as f32 + eps).sqrt().recip();
            let mut along = [0f32; LANES];
            for (((x, g), w), dw) in x.chunks(LANES).zip(g.chunks(LANES)).zip(weight.chunks(LANES)).zip(dw.chunks_mut(LANES)) {
                for ((((x, g), w), dw), along) in x.iter().zip(g).zip(w).zip(dw).zip(&mut along) {
                    *dw = mac::<FUSED>(*dw, g * scale, *x);
                    *along = mac::<FUSED>(*along, g * w, *x);
                }
            }
            let share = along.iter().sum::<f32>() * scale * scale * scale / width as f32;
            for (((dx, g), w), x) in dx.iter_mut().zip(g).zip(weight).zip(x) {
                *dx += g * w * scale - x * share;
            }
        }
    }
}

/// cos and sin by position and pair: (positions, size / 2). Source: RoFormer, arXiv:2104.09864.
pub fn rope_table(positions: usize, size: usize, base: f32) -> Vec<(f32, f32)> {
    let angle = |t: usize, i: usize| t as f32 * base.powf(-2.0 * i as f32 / size as f32);
    (0..positions)
        .flat_map(|t| (0..size / 2).map(move |i| (t, i)))
        .map(|(t, i)| (angle(t, i).cos(), angle(t, i).sin()))
        .collect()
}

wide! {
    /// Rotates one token's heads, side by side in `x`, by its row of the table; backwards when `back`. Pairs are
    /// (2i, 2i+1), the order of the GGUF `llama` architecture.
    pub fn rotate<FUSED>(x: &mut [f32], row: &[(f32, f32)], back: bool) {
        let sign = if back { -1.0 } else { 1.0 };
        for head in x.chunks_exact_mut(2 * row.len()) {
            for (pair, (cos, sin)) in head.as_chunks_mut::<2>().0.iter_mut().zip(row) {
                let sin = sin * sign;
                *pair = [pair[0] * cos - pair[1] * sin, pair[0] * sin + pair[1] * cos];
            }
        }
    }
}

#[inline(always)]
fn softmax_row<const FUSED: bool>(row: &mut [f32], scale: f32) {
    let top = top(row);
    row.iter_mut().for_each(|x| *x = exp::<FUSED>((*x - top) * scale));
    let total = sum(row).recip();
    row.iter_mut().for_each(|x| *x *= total);
}

/// `g` becomes the gradient of the scores, before their scale, from that of the probabilities `p`.
#[inline(always)]
fn softmax_row_back<const FUSED: bool>(p: &[f32], g: &mut [f32], scale: f32) {
    let mean = dot::<FUSED>(p, g);
    for (g, p) in g.iter_mut().zip(p) {
        *g = p * (*g - mean) * scale;
    }
}

wide! {
    /// Softmax of every row of `scores`, (rows, width).
    pub fn softmax<FUSED>(scores: &mut [f32], width: usize) {
        scores.chunks_exact_mut(width).for_each(|row| softmax_row::<FUSED>(row, 1.0));
    }
}

wide! {
    /// The gradient `g` of the probabilities `p` becomes that of the scores.
    pub fn softmax_back<FUSED>(p: &[f32], g: &mut [f32], width: usize) {
        for (p, g) in p.chunks_exact(width).zip(g.chunks_exact_mut(width)) {
            softmax_row_back::<FUSED>(p, g, 1.0);
        }
    }
}

wide! {
    /// Softmax of `scale · scores`, (time, time), position t seeing 0..=t; zero after it, up to the end of its tile.
    pub fn causal_softmax<FUSED>(scores: &mut [f32], time: usize, scale: f32) {
        for (t, row) in scores.chunks_exact_mut(time).enumerate() {
            softmax_row::<FUSED>(&mut row[..=t], scale);
            row[t + 1..tile_end(t).min(time)].fill(0.0);
        }
    }
}

wide! {
    /// The gradient `g` of [`causal_softmax`]'s probabilities `p` becomes that of the scores.
    pub fn causal_softmax_back<FUSED>(p: &[f32], g: &mut [f32], time: usize, scale: f32) {
        for (t, (p, g)) in p.chunks_exact(time).zip(g.chunks_exact_mut(time)).enumerate() {
            softmax_row_back::<FUSED>(&p[..=t], &mut g[..=t], scale);
            g[t + 1..tile_end(t).min(time)].fill(0.0);
        }
    }
}

wide! {
    /// `out` = silu(gate) · up. Source: GLU variants, arXiv:2002.05202.
    pub fn swiglu<FUSED>(gate: &[f32], up: &[f32], out: &mut [f32]) {
        for ((out, g), u) in out.iter_mut().zip(gate).zip(up) {
            *out = g / (1.0 + exp::<FUSED>(-g)) * u;
        }
    }
}

wide! {
    /// `gate` and `up` become their gradients; `d`: that of the result.
    pub fn swiglu_back<FUSED>(gate: &mut [f32], up: &mut [f32], d: &[f32]) {
        for ((g, u), d) in gate.iter_mut().zip(up).zip(d) {
            let sigmoid = 1.0 / (1.0 + exp::<FUSED>(-*g));
            let (dg, du) = (d * *u * sigmoid * (1.0 + *g * (1.0 - sigmoid)), d * *g * sigmoid);
            (*g, *u) = (dg, du);
        }
    }
}

wide! {
    /// `share · -log softmax(logits)[target]`, in nats; `logits` become their gradient.
    pub fn cross_entropy<FUSED>(logits: &mut [f32], target: u32, share: f32) -> f32 {
        let (top, aimed) = (top(logits), logits[target as usize]);
        logits.iter_mut().for_each(|x| *x = exp::<FUSED>(*x - top));
        let total = sum(logits);
        let scale = share / total;
        logits.iter_mut().for_each(|x| *x *= scale);
        logits[target as usize] -= share;
        share * (total.ln() + top - aimed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fast_exponential_agrees_with_the_standard_one() {
        for i in -800..=800 {
            let x = i as f32 * 0.1;
            let relative = (exp::<false>(x) - x.exp()).abs() / x.exp();
            assert!(relative < 1e-6, "exp({x}) is off by {relative}");
        }
    }
}
