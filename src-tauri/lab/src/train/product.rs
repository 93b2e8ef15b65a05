//! Matrix products on one core: tiles of 6 rows by 16 columns whose sums stay in registers, over a right side that is
//! packed by 16 columns. Source: K. Goto, R. van de Geijn, Anatomy of High-Performance Matrix Multiplication, 2008.

use runtime::kernels::wide::mac;
use runtime::wide;

/// Of a tile: 12 sums of 8 lanes, 2 registers of the right side and one of the left fill AVX2's 16.
const ROWS: usize = 6;
const LANES: usize = 16;
/// Steps of the inner dimension at a time: a packed panel of 16 KB stays in the first cache.
const DEPTH: usize = 256;
/// Rows of the left side at a time: 96 KB stay in the second cache.
const BLOCK: usize = 96;

/// One side of a product: element (i, j) stands at `i · stride + j`, or at `j · stride + i` when `turned`.
#[derive(Clone, Copy)]
pub struct Side<'a> {
    data: &'a [f32],
    stride: usize,
    turned: bool,
}

impl<'a> Side<'a> {
    pub fn new(data: &'a [f32], stride: usize) -> Side<'a> {
        Side { data, stride, turned: false }
    }

    /// The transpose of what stands in memory.
    pub fn turned(data: &'a [f32], stride: usize) -> Side<'a> {
        Side { data, stride, turned: true }
    }
}

/// What of a product is computed.
#[derive(Clone, Copy, PartialEq)]
pub enum Part {
    Whole,
    /// Tiles that touch the diagonal or lie below it; the others keep what they hold.
    Below,
    /// The left side is zero above its diagonal, so its steps after a row's own are left out. A row's numbers up to
    /// the end of its tile, [`tile_end`], are read and must be zero above the diagonal.
    LowerLeft,
    /// The same of a turned left side: the steps before a row's own are left out.
    UpperLeft,
}

/// One past the last column of the tile that row `i` lies in.
pub fn tile_end(i: usize) -> usize {
    (i / ROWS + 1) * ROWS
}

/// Packed sides, kept from product to product.
#[derive(Default)]
pub struct Packs {
    left: Vec<[f32; ROWS]>,
    right: Vec<[f32; LANES]>,
}

/// Where a product goes: element (i, j) at `i · stride + j`.
pub struct To<'a> {
    data: &'a mut [f32],
    stride: usize,
    add: bool,
}

impl<'a> To<'a> {
    pub fn set(data: &'a mut [f32], stride: usize) -> To<'a> {
        To { data, stride, add: false }
    }

    pub fn add(data: &'a mut [f32], stride: usize) -> To<'a> {
        To { data, stride, add: true }
    }
}

wide! {
    /// `to` = (or +=) `a` · `b`; `a`: (m, k), `b`: (k, n), `size`: m, n, k.
    pub fn multiply<FUSED>(
        packs: &mut Packs,
        a: Side<'_>,
        b: Side<'_>,
        to: To<'_>,
        size: [usize; 3],
        part: Part,
    ) {
        let [m, n, k] = size;
        for k0 in (0..k.max(1)).step_by(DEPTH) {
            let depth = DEPTH.min(k - k0);
            let add = to.add || k0 > 0;
            pack_right(&mut packs.right, b, k0, depth, n);
            for i0 in (0..m).step_by(BLOCK) {
                let end = m.min(i0 + BLOCK);
                if a.turned {
                    pack_left(&mut packs.left, a, k0, depth, (i0, end));
                }
                for j in 0..n.div_ceil(LANES) {
                    let panel = &packs.right[j * depth..(j + 1) * depth];
                    for i in (i0..end).step_by(ROWS) {
                        if part == Part::Below && j * LANES >= i + ROWS {
                            continue;
                        }
                        let steps = match part {
                            Part::LowerLeft => 0..(i + ROWS).saturating_sub(k0).min(depth),
                            Part::UpperLeft => i.saturating_sub(k0).min(depth)..depth,
                            _ => 0..depth,
                        };
                        if steps.is_empty() && add {
                            continue;
                        }
                        let panel = &panel[steps.clone()];
                        let sums = if a.turned {
                            let left = &packs.left[(i - i0) / ROWS * depth..][steps];
                            tile::<FUSED>(left.iter().copied(), panel)
                        } else {
                            let row = |r: usize| {
                                let begin = (i + r).min(m - 1) * a.stride + k0;
                                a.data[begin + steps.start..begin + steps.end].iter()
                            };
                            let rows = row(0).zip(row(1)).zip(row(2)).zip(row(3)).zip(row(4)).zip(row(5));
                            tile::<FUSED>(rows.map(|(((((a, b), c), d), e), f)| [*a, *b, *c, *d, *e, *f]), panel)
                        };
                        let columns = LANES.min(n - j * LANES);
                        for (r, sums) in sums.iter().enumerate().take(end - i) {
                            let c = &mut to.data[(i + r) * to.stride + j * LANES..][..columns];
                            match (<&mut [f32; LANES]>::try_from(&mut *c), add) {
                                (Ok(c), true) => c.iter_mut().zip(sums).for_each(|(c, s)| *c += s),
                                (Ok(c), false) => *c = *sums,
                                (Err(_), true) => c.iter_mut().zip(sums).for_each(|(c, s)| *c += s),
                                (Err(_), false) => c.copy_from_slice(&sums[..columns]),
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Σ over `panel`'s steps of the outer product of the step's 6 rows and its 16 columns.
#[inline(always)]
fn tile<const FUSED: bool>(
    left: impl Iterator<Item = [f32; ROWS]>,
    panel: &[[f32; LANES]],
) -> [[f32; LANES]; ROWS] {
    let [mut r0, mut r1, mut r2, mut r3, mut r4, mut r5] = [[0f32; LANES]; ROWS];
    for (a, b) in left.zip(panel) {
        r0 = step::<FUSED>(r0, a[0], b);
        r1 = step::<FUSED>(r1, a[1], b);
        r2 = step::<FUSED>(r2, a[2], b);
        r3 = step::<FUSED>(r3, a[3], b);
        r4 = step::<FUSED>(r4, a[4], b);
        r5 = step::<FUSED>(r5, a[5], b);
    }
    [r0, r1, r2, r3, r4, r5]
}

/// `sums` + a · `b`, lane by lane. By value, so that the sums stay in registers.
#[inline(always)]
fn step<const FUSED: bool>(mut sums: [f32; LANES], a: f32, b: &[f32; LANES]) -> [f32; LANES] {
    for lane in 0..LANES {
        sums[lane] = mac::<FUSED>(sums[lane], a, b[lane]);
    }
    sums
}

/// Panels of 16 columns, step after step; columns past the last are zero.
#[inline(always)]
fn pack_right(pack: &mut Vec<[f32; LANES]>, b: Side<'_>, k0: usize, depth: usize, n: usize) {
    pack.clear();
    for j in (0..n).step_by(LANES) {
        let columns = LANES.min(n - j);
        if b.turned {
            let at = pack.len();
            pack.resize(at + depth, [0.0; LANES]);
            for lane in 0..columns {
                let row = &b.data[(j + lane) * b.stride + k0..][..depth];
                for (packed, x) in pack[at..].iter_mut().zip(row) {
                    packed[lane] = *x;
                }
            }
        } else {
            for k in k0..k0 + depth {
                let row = &b.data[k * b.stride + j..][..columns];
                pack.push(match <[f32; LANES]>::try_from(row) {
                    Ok(row) => row,
                    Err(_) => std::array::from_fn(|lane| row.get(lane).copied().unwrap_or(0.0)),
                });
            }
        }
    }
}

/// Tiles of 6 rows of a turned side, step after step; rows past the last are zero.
#[inline(always)]
fn pack_left(pack: &mut Vec<[f32; ROWS]>, a: Side<'_>, k0: usize, depth: usize, (i0, end): (usize, usize)) {
    pack.resize((end - i0).div_ceil(ROWS) * depth, [0.0; ROWS]);
    for k in 0..depth {
        let row = &a.data[(k0 + k) * a.stride + i0..][..end - i0];
        let (whole, rest) = row.as_chunks::<ROWS>();
        for (t, rows) in whole.iter().enumerate() {
            pack[t * depth + k] = *rows;
        }
        if !rest.is_empty() {
            let last = &mut pack[whole.len() * depth + k];
            *last = [0.0; ROWS];
            last.iter_mut().zip(rest).for_each(|(last, x)| *last = *x);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(n: usize, seed: f32) -> Vec<f32> {
        (0..n).map(|i| ((i as f32 + 1.0) * 0.7 + seed).sin()).collect()
    }

    /// Against the sum written out, in f64; f32 sums of k products of numbers up to 1 are off by less than k · 1e-6.
    #[test]
    fn every_form_of_a_product_agrees_with_the_sum_written_out() {
        let mut packs = Packs::default();
        for (m, n, k) in [(1, 1, 1), (6, 16, 3), (13, 37, 300), (100, 20, 7), (40, 40, 40), (270, 33, 270)] {
            let (a, b) = (numbers(m * k, 0.1), numbers(k * n, 0.2));
            for (left, right) in [(false, false), (false, true), (true, false), (true, true)] {
                for part in [Part::Whole, Part::Below, Part::LowerLeft, Part::UpperLeft] {
                    if part != Part::Whole && m != k {
                        continue;
                    }
                    let mut a = a.clone();
                    let at = |i: usize, p: usize| if left { p * m + i } else { i * k + p };
                    for (i, p) in (0..m).flat_map(|i| (0..k).map(move |p| (i, p))) {
                        if (part == Part::LowerLeft && p > i) || (part == Part::UpperLeft && p < i) {
                            a[at(i, p)] = 0.0;
                        }
                    }
                    for add in [false, true] {
                        let before = numbers(m * n, 0.3);
                        let mut c = before.clone();
                        let side = |data, stride, other, turned| match turned {
                            false => Side::new(data, stride),
                            true => Side::turned(data, other),
                        };
                        let to = if add { To::add(&mut c, n) } else { To::set(&mut c, n) };
                        let (x, y) = (side(&a, k, m, left), side(&b, n, k, right));
                        multiply(&mut packs, x, y, to, [m, n, k], part);
                        for (i, j) in (0..m).flat_map(|i| (0..n).map(move |j| (i, j))) {
                            if part == Part::Below && j > i {
                                continue;
                            }
                            let sum: f64 = (0..k)
                                .map(|p| {
                                    let b = b[if right { j * k + p } else { p * n + j }];
                                    f64::from(a[at(i, p)]) * f64::from(b)
                                })
                                .sum();
                            let wanted = sum + if add { f64::from(before[i * n + j]) } else { 0.0 };
                            let off = (f64::from(c[i * n + j]) - wanted).abs();
                            assert!(
                                off < 1e-6 * (k + 1) as f64,
                                "({m}, {n}, {k}) at ({i}, {j}): off by {off}"
                            );
                        }
                    }
                }
            }
        }
    }
}
