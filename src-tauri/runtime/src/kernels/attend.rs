//! Attention over a cache, block by block of positions. Source: online softmax (arXiv:1805.02867), in blocks as in
//! FlashAttention (arXiv:2205.14135).
//!
//! The queries that share keys (a group of heads, some tokens) go through a block together, so that it is read and
//! unpacked once. Blocks begin at fixed positions and every query adds in their order: its result does not depend on
//! what is computed with it.

use super::wide::mac;
use crate::cache::Rows;
use crate::{pool, wide};

/// Positions of a block.
const BLOCK: usize = 64;
/// Queries of a job, about: their sums and scores stay in a second-level cache.
const QUERIES: usize = 64;
/// Lanes of a product: two AVX2 registers.
const LANES: usize = 16;

/// How the product of a query and a key becomes a score.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Score {
    pub scale: f32,
    /// Scores come no higher: cap · tanh(score / cap). Source: Gemma 2 (arXiv:2408.00118).
    pub cap: Option<f32>,
}

/// How the heads of a layer attend.
#[derive(Clone, Copy, Debug)]
pub struct Heads<'a> {
    pub heads: usize,
    pub kv_heads: usize,
    pub key_width: usize,
    pub value_width: usize,
    pub score: Score,
    /// Positions that a token sees, itself included.
    pub window: Option<usize>,
    /// One score for each head that takes attention away and gives nothing.
    pub sinks: Option<&'a [f32]>,
}

/// Attends with `queries` (tokens, heads · key_width) of the positions from `before` on to everything up to each.
/// `out`: (tokens, heads · value_width).
pub fn attend(
    heads: &Heads,
    queries: &[f32],
    (keys, values): (&Rows, &Rows),
    before: usize,
    out: &mut [f32],
) {
    let tokens = queries.len() / (heads.heads * heads.key_width);
    let group = heads.heads / heads.kv_heads;
    let tile = (QUERIES / group).clamp(1, tokens.max(1));
    let tiles = tokens.div_ceil(tile);
    let out = &super::Out::new(out, heads.heads * heads.value_width);
    let work = queries.len() * (before + tokens);
    let each = |job: usize| {
        // The last tiles have the most positions: they begin first.
        let (first, kv_head) = ((tiles - 1 - job / heads.kv_heads) * tile, job % heads.kv_heads);
        let end = tokens.min(first + tile);
        Tile { heads, keys, values, before, first, end, kv_head, group }.attend(queries, out);
    };
    if work < crate::weights::WORTH_THREADS {
        (0..tiles * heads.kv_heads).for_each(each);
    } else {
        pool::spread(tiles * heads.kv_heads, &each);
    }
}

/// Some tokens' queries of the heads that share one head of keys.
struct Tile<'a> {
    heads: &'a Heads<'a>,
    keys: &'a Rows,
    values: &'a Rows,
    before: usize,
    first: usize,
    end: usize,
    kv_head: usize,
    group: usize,
}

impl Tile<'_> {
    fn attend(&self, queries: &[f32], out: &super::Out) {
        let Heads { key_width, value_width, score, window, .. } = *self.heads;
        let count = (self.end - self.first) * self.group;
        let padded = value_width.next_multiple_of(LANES);
        // Query `token · group + head`, gathered.
        let mut q = Vec::with_capacity(count * key_width);
        for token in self.first..self.end {
            let at = (token * self.heads.heads + self.kv_head * self.group) * key_width;
            q.extend_from_slice(&queries[at..at + self.group * key_width]);
        }
        let mut rows = vec![0f32; BLOCK * key_width];
        let mut keys = vec![0f32; key_width * BLOCK];
        let mut values = vec![0f32; BLOCK * padded];
        let mut scores = vec![0f32; count * BLOCK];
        let mut sums = vec![0f32; count * padded];
        let mut states = vec![State { top: f32::NEG_INFINITY, sum: 0.0 }; count];
        let seen = |token: usize| {
            let end = self.before + token + 1;
            (window.map_or(0, |window| end.saturating_sub(window)), end)
        };
        let (least, most) = (seen(self.first).0, seen(self.end - 1).1);
        for begin in (least / BLOCK * BLOCK..most).step_by(BLOCK) {
            let there = BLOCK.min(most - begin);
            self.keys.read(
                begin,
                self.kv_head * key_width,
                key_width,
                &mut rows[..there * key_width],
                key_width,
            );
            turn(&rows[..there * key_width], key_width, &mut keys);
            self.values.read(
                begin,
                self.kv_head * value_width,
                value_width,
                &mut values[..there * padded],
                padded,
            );
            scores.fill(0.0);
            product(&q, &keys, &mut scores, key_width, key_width, BLOCK);
            for (index, (scores, state)) in scores.chunks_exact_mut(BLOCK).zip(&mut states).enumerate() {
                let (from, end) = seen(self.first + index / self.group);
                let from = from.saturating_sub(begin).min(BLOCK);
                let end = end.saturating_sub(begin).min(BLOCK);
                let sums = &mut sums[index * padded..][..padded];
                if from < end {
                    soften(scores, from, end, score, state, sums);
                } else {
                    scores.fill(0.0);
                }
            }
            product(&scores, &values[..there * padded], &mut sums, BLOCK, there, padded);
        }
        for (index, (sums, state)) in sums.chunks_exact(padded).zip(&states).enumerate() {
            let (token, head) =
                (self.first + index / self.group, self.kv_head * self.group + index % self.group);
            let (mut scale, mut sum) = (1.0, state.sum);
            if let Some(sinks) = self.heads.sinks {
                let top = state.top.max(sinks[head]);
                scale = (state.top - top).exp();
                sum = sum * scale + (sinks[head] - top).exp();
            }
            for (place, value) in sums[..value_width].iter().enumerate() {
                out.set(token, head * value_width + place, value * scale / sum);
            }
        }
    }
}

/// The largest score of a query so far, and the sum of the exponentials below it.
#[derive(Clone, Copy)]
struct State {
    top: f32,
    sum: f32,
}

/// `rows` (positions, width) to `out` (width, BLOCK).
fn turn(rows: &[f32], width: usize, out: &mut [f32]) {
    #[cfg(target_arch = "x86_64")]
    if width.is_multiple_of(8) && rows.len().is_multiple_of(8 * width) && super::level().has_avx2() {
        return super::avx2::turn(rows, width, out, BLOCK);
    }
    #[cfg(target_arch = "aarch64")]
    if width.is_multiple_of(4)
        && rows.len().is_multiple_of(4 * width)
        && super::level() != super::Level::Plain
    {
        return super::neon::turn(rows, width, out, BLOCK);
    }
    for (position, row) in rows.chunks_exact(width).enumerate() {
        for (place, number) in row.iter().enumerate() {
            out[place * BLOCK + position] = *number;
        }
    }
}

wide! {
    /// `c` (rows, columns) += `a` (rows, stride), of which the first `inner` count, · `b` (inner, columns). Columns are
    /// whole lanes; every number of `c` adds its products in order.
    fn product<FUSED>(a: &[f32], b: &[f32], c: &mut [f32], stride: usize, inner: usize, columns: usize) {
        let mut fours = a.chunks_exact(4 * stride);
        let mut to = c.chunks_exact_mut(4 * columns);
        for (a, c) in fours.by_ref().zip(to.by_ref()) {
            some::<FUSED, 4>(a, b, c, stride, inner, columns);
        }
        for (a, c) in fours.remainder().chunks_exact(stride).zip(to.into_remainder().chunks_exact_mut(columns)) {
            some::<FUSED, 1>(a, b, c, stride, inner, columns);
        }
    }
}

#[inline(always)]
fn some<const FUSED: bool, const ROWS: usize>(
    a: &[f32],
    b: &[f32],
    c: &mut [f32],
    stride: usize,
    inner: usize,
    columns: usize,
) {
    let a: [&[f32]; ROWS] = std::array::from_fn(|row| &a[row * stride..][..inner]);
    for lane in (0..columns).step_by(LANES) {
        let mut sums: [[f32; LANES]; ROWS] = std::array::from_fn(|row| {
            *c[row * columns + lane..].first_chunk().expect("columns are whole lanes")
        });
        for (k, b) in b.chunks_exact(columns).enumerate().take(inner) {
            let b: &[f32; LANES] = b[lane..].first_chunk().expect("columns are whole lanes");
            for row in 0..ROWS {
                let number = a[row][k];
                for (sum, b) in sums[row].iter_mut().zip(b) {
                    *sum = mac::<FUSED>(*sum, number, *b);
                }
            }
        }
        for row in 0..ROWS {
            c[row * columns + lane..][..LANES].copy_from_slice(&sums[row]);
        }
    }
}

wide! {
    /// Products of a block become weights below the largest so far, zero outside `from..end`; `sums` are brought to the
    /// new largest.
    fn soften<FUSED>(scores: &mut [f32], from: usize, end: usize, score: Score, state: &mut State, sums: &mut [f32]) {
        scores[..from].fill(f32::NEG_INFINITY);
        scores[end..].fill(f32::NEG_INFINITY);
        for score_of in &mut scores[from..end] {
            *score_of *= score.scale;
        }
        if let Some(cap) = score.cap {
            for score_of in &mut scores[from..end] {
                *score_of = cap * (*score_of / cap).tanh();
            }
        }
        // Not-a-number stays where it is: the sum becomes one too.
        let top = scores.iter().fold(state.top, |top, &score| if score > top { score } else { top });
        let factor = exp::<FUSED>(state.top - top);
        let mut lanes = [0f32; LANES];
        for scores in scores.as_chunks_mut::<LANES>().0 {
            for (score, lane) in scores.iter_mut().zip(&mut lanes) {
                *score = exp::<FUSED>(*score - top);
                *lane += *score;
            }
        }
        state.sum = state.sum * factor + lanes.iter().sum::<f32>();
        state.top = top;
        if factor != 1.0 {
            sums.iter_mut().for_each(|sum| *sum *= factor);
        }
    }
}

/// e^x for x ≤ 88, within 2^-22 of itself; below -87, 0. 2^n · e^r with |r| ≤ ln 2 / 2, e^r by its Taylor series of
/// degree 7 (the next term is below 2^-27).
#[inline(always)]
pub(crate) fn exp<const FUSED: bool>(x: f32) -> f32 {
    // Beside 1.5 · 2^23 a sum has no places behind the point: it is rounded, and its lowest bits are n.
    const ROUND: f32 = 12_582_912.0;
    let rounded = mac::<FUSED>(ROUND, x.clamp(-88.0, 88.0), std::f32::consts::LOG2_E);
    let n = rounded - ROUND;
    // ln 2 in two parts: the first has few enough bits that its product is exact.
    let r = mac::<FUSED>(mac::<FUSED>(x, n, -0.693_359_4), n, 2.121_944_4e-4);
    let mut e = 1.0 / 5040.0;
    for term in [1.0 / 720.0, 1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5, 1.0, 1.0] {
        e = mac::<FUSED>(term, e, r);
    }
    let power = f32::from_bits(rounded.to_bits().wrapping_sub(ROUND.to_bits()).wrapping_add(127) << 23);
    if x < -87.0 { 0.0 } else { e * power }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::{Cache, KvType};

    #[test]
    fn the_exponential_is_that_of_the_library() {
        for step in -880_000..=0 {
            let x = step as f32 * 1e-4;
            let (ours, exact) = (exp::<false>(x), f64::from(x).exp());
            let off = (f64::from(ours) - exact).abs();
            // What is below e^-87 is 0.
            assert!(off <= exact * 2f64.powi(-21) || exact < 2e-38, "e^{x} = {ours}, not {exact}");
        }
        assert_eq!(exp::<false>(f32::NEG_INFINITY), 0.0);
        assert!(exp::<false>(f32::NAN).is_nan());
    }

    /// The definition, in double precision: one query, one head.
    fn exact(q: &[f32], keys: &[&[f32]], values: &[&[f32]], score: Score, sink: Option<f32>) -> Vec<f64> {
        let dot = |k: &[f32]| q.iter().zip(k).map(|(q, k)| f64::from(*q) * f64::from(*k)).sum::<f64>();
        let scores = keys.iter().map(|k| {
            let plain = dot(k) * f64::from(score.scale);
            score.cap.map_or(plain, |cap| f64::from(cap) * (plain / f64::from(cap)).tanh())
        });
        let odds: Vec<f64> = scores.map(f64::exp).collect();
        let sum = odds.iter().sum::<f64>() + sink.map_or(0.0, |sink| f64::from(sink).exp());
        let width = values[0].len();
        (0..width)
            .map(|i| odds.iter().zip(values).map(|(o, v)| o * f64::from(v[i])).sum::<f64>() / sum)
            .collect()
    }

    #[test]
    fn attention_is_its_definition_in_any_pieces() {
        let sinks = [0.3, -1.0, 2.0, 0.0];
        let plain = Score { scale: 0.4, cap: None };
        for (key_width, value_width, kv_heads, score, window, sinks) in [
            (16, 16, 2, plain, None, None),
            (8, 24, 2, Score { scale: 0.4, cap: Some(1.5) }, None, None),
            (12, 5, 4, plain, Some(70), Some(&sinks[..])),
            // Values are the first numbers of the keys.
            (24, 16, 1, plain, None, None),
        ] {
            let (heads, positions) = (4, 200);
            let of_keys = kv_heads == 1;
            let wave = |count: usize, speed: f32| -> Vec<f32> {
                (0..count).map(|i| (i as f32 * speed).sin()).collect()
            };
            let queries = wave(positions * heads * key_width, 0.37);
            let keys = wave(positions * kv_heads * key_width, 0.61);
            let values = wave(if of_keys { 0 } else { positions * kv_heads * value_width }, 0.83);
            let shape = Heads { heads, kv_heads, key_width, value_width, score, window, sinks };
            let run = |piece: usize, threads: usize| {
                let mut out = vec![0f32; positions * heads * value_width];
                let (k, v) = (kv_heads * key_width, if of_keys { 0 } else { kv_heads * value_width });
                let mut cache = Cache::new(KvType::F32, 1, k, v);
                let pool = pool::Pool::new(threads).expect("threads");
                for first in (0..positions).step_by(piece) {
                    let end = positions.min(first + piece);
                    cache.append(0, &keys[first * k..end * k], &values[first * v..end * v]);
                    let (q, o) = (heads * key_width, heads * value_width);
                    let (q, o) = (&queries[first * q..end * q], &mut out[first * o..end * o]);
                    pool.install(|| attend(&shape, q, cache.layer(0), first, o));
                    cache.advance(end - first);
                }
                out
            };
            let out = run(200, 2);
            assert_eq!(out, run(1, 1), "one at a time");
            assert_eq!(out, run(77, 3), "in uneven pieces");
            for (position, head) in [(0usize, 0usize), (5, 3), (63, 1), (64, 2), (130, 0), (199, 3)] {
                let kv = head / (heads / kv_heads);
                let from = window.map_or(0, |window: usize| (position + 1usize).saturating_sub(window));
                let row = |all: &'_ [f32], p: usize, stride: usize, width: usize| -> Vec<f32> {
                    all[p * stride + kv * width..][..width].to_vec()
                };
                let k: Vec<Vec<f32>> =
                    (from..=position).map(|p| row(&keys, p, kv_heads * key_width, key_width)).collect();
                let v: Vec<Vec<f32>> = if of_keys {
                    k.iter().map(|k| k[..value_width].to_vec()).collect()
                } else {
                    (from..=position).map(|p| row(&values, p, kv_heads * value_width, value_width)).collect()
                };
                let (k, v): (Vec<&[f32]>, Vec<&[f32]>) =
                    (k.iter().map(|k| &k[..]).collect(), v.iter().map(|v| &v[..]).collect());
                let q = &queries[(position * heads + head) * key_width..][..key_width];
                let expected = exact(q, &k, &v, score, sinks.map(|sinks| sinks[head]));
                let found = &out[(position * heads + head) * value_width..][..value_width];
                for (found, expected) in found.iter().zip(expected) {
                    // Some hundred roundings of numbers below 1.
                    assert!((f64::from(*found) - expected).abs() < 1e-5, "{found} is not {expected}");
                }
            }
        }
    }
}
