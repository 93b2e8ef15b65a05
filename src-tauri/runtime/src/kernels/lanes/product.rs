//! Products of packed rows with whole activations, two registers' rows at a time.
//!
//! Rows are unpacked a block at a time into a panel that is the same for every storage type, and the panel is multiplied
//! with some tokens at a time: the only code of a storage type is what unpacks it. All is added in the order that
//! [`crate::kernels::plain_row`] defines, group after group, so that a token's numbers do not depend on how many
//! tokens came with it.

// An index over a constant number of registers names them, which an iterator would put into memory.
#![allow(clippy::needless_range_loop)]

use std::mem::MaybeUninit;
use std::ops::Range;

use super::formats::{Format, Scales};
use super::{Lanes, MOST_ROWS, Rows};
use crate::kernels::activations::{Activations, GROUP};
use crate::kernels::{Out, Packed, layout};

/// Two registers' rows of `layout::MOST` numbers, unpacked, with their scales.
pub(in crate::kernels) struct Panel<M: Lanes> {
    /// Four numbers of every row, [`Lanes::WIDE`] registers of them where they are wide.
    words: [MaybeUninit<[M::Words; 2]>; layout::MOST / 2],
    scales: [MaybeUninit<[M::Floats; 2]>; layout::MOST / 16],
    offsets: [MaybeUninit<[M::Floats; 2]>; layout::MOST / 16],
}

/// Which blocks are unpacked: `count` from byte `at` of every row on. Meanwhile as many from `next` on are fetched.
#[derive(Clone, Copy)]
pub(in crate::kernels) struct Blocks {
    at: usize,
    next: usize,
    count: usize,
}

/// Numbers `begin .. begin + count` of the rows of activations from `token` on.
#[derive(Clone, Copy)]
pub(in crate::kernels) struct Part {
    token: usize,
    begin: usize,
    count: usize,
}

/// [`fill`] of a storage type, and [`tile`] for some tokens, compiled for a machine.
pub(in crate::kernels) type Fill<M> = unsafe fn(&mut Panel<M>, usize, &Rows, Blocks);
pub(in crate::kernels) type Tile<M> =
    unsafe fn(&Panel<M>, &Activations, Part, &mut [[<M as Lanes>::Floats; 2]]);

/// Makes `multiply` of a machine whose features are named, and which `here` has seen.
macro_rules! machine {
    ($machine:ty, $features:literal, $here:expr) => {
        /// `out[token][row]` for `rows` and all rows of activations.
        pub(in crate::kernels) fn multiply(
            packed: &$crate::kernels::Packed,
            x: &$crate::kernels::activations::Activations,
            rows: std::ops::Range<usize>,
            out: &$crate::kernels::Out,
        ) {
            use $crate::kernels::activations::Activations;
            use $crate::kernels::lanes::formats::Format;
            use $crate::kernels::lanes::product::{self, Blocks, Fill, Panel, Part, Tile};
            use $crate::kernels::lanes::{Lanes, Rows};
            use $crate::kernels::{Out, Packed};

            #[target_feature(enable = $features)]
            unsafe fn fill<F: Format>(
                panel: &mut Panel<$machine>,
                half: usize,
                rows: &Rows,
                blocks: Blocks,
            ) {
                unsafe { product::fill::<$machine, F>(panel, half, rows, blocks) }
            }
            #[target_feature(enable = $features)]
            unsafe fn tile<const GROUP: usize, const WIDE: bool, const T: usize>(
                panel: &Panel<$machine>,
                x: &Activations,
                part: Part,
                sums: &mut [[<$machine as Lanes>::Floats; 2]],
            ) {
                unsafe { product::tile::<$machine, GROUP, WIDE, T>(panel, x, part, sums) }
            }
            #[target_feature(enable = $features)]
            unsafe fn all(
                packed: &Packed,
                x: &Activations,
                rows: std::ops::Range<usize>,
                out: &Out,
                fill: Fill<$machine>,
                tiles: [(usize, Tile<$machine>); 3],
            ) {
                unsafe { product::all::<$machine>(packed, x, rows, out, fill, tiles) }
            }
            assert!($here);
            product::check(packed, x, &rows);
            let fill = product::by_format!(packed.dtype, F => fill::<F> as Fill<$machine>);
            let tiles: [(usize, Tile<$machine>); 3] = match (packed.layout.group, packed.layout.zero) {
                (16, _) => [(4, tile::<16, false, 4>), (2, tile::<16, false, 2>), (1, tile::<16, false, 1>)],
                (_, Some(_)) => [(4, tile::<32, false, 4>), (2, tile::<32, false, 2>), (1, tile::<32, false, 1>)],
                (_, None) => [(4, tile::<32, true, 4>), (2, tile::<32, true, 2>), (1, tile::<32, true, 1>)],
            };
            // SAFETY: the lines above have seen the features, and that rows and activations are there.
            unsafe { all(packed, x, rows, out, fill, tiles) }
        }
    };
}
pub(in crate::kernels) use machine;

macro_rules! by_format {
    ($dtype:expr, $F:ident => $call:expr) => {{
        use $crate::gguf::Dtype;
        use $crate::kernels::lanes::formats;
        $crate::kernels::lanes::product::by_format!(@ $dtype, $F => $call, Q4_0 Q4_0, Q4_1 Q4_1, Q5_0 Q5_0, Q5_1 Q5_1,
            Q8_0 Q8_0, Q2K Q2K, Q3K Q3K, Q4K Q4K, Q5K Q5K, Q6K Q6K, IQ4_NL Iq4Nl, IQ4_XS Iq4Xs, MXFP4 Mxfp4)
    }};
    (@ $dtype:expr, $F:ident => $call:expr, $($of:ident $format:ident),*) => {
        match $dtype {
            $(Dtype::$of => {
                type $F = formats::$format;
                $call
            })*
            Dtype::F32 | Dtype::F16 | Dtype::BF16 | Dtype::Q8_1 | Dtype::Q8K | Dtype::Other(_) => {
                unreachable!("Packed holds quantised types alone")
            }
        }
    };
}
pub(in crate::kernels) use by_format;

/// Everything that the kernels read is there.
pub(in crate::kernels) fn check(packed: &Packed, x: &Activations, rows: &Range<usize>) {
    let layout = packed.layout;
    assert!(rows.start < rows.end && rows.end <= packed.rows);
    assert!(packed.columns.is_multiple_of(layout.values) && packed.columns == x.columns);
    assert!(packed.row_bytes == packed.columns / layout.values * layout.bytes);
    assert!(packed.bytes.len() >= packed.rows * packed.row_bytes);
    let numbers = x.rows() * x.columns;
    match layout.zero {
        Some(_) => assert!(x.narrow.len() == numbers && x.sums.len() == numbers / layout.group),
        None => assert!(x.wide.len() == numbers && layout.group == GROUP),
    }
    assert!(x.scales.len() == numbers / GROUP);
}

/// Where `count` rows from `first` on begin; those after `last` are `last` again.
fn beginnings(packed: &Packed, first: usize, last: usize, count: usize) -> Rows {
    let mut rows = [std::ptr::null(); MOST_ROWS];
    for (index, row) in rows.iter_mut().take(count).enumerate() {
        *row = packed.bytes[(first + index).min(last) * packed.row_bytes..].as_ptr();
    }
    rows
}

/// `out[token][row]` for `rows` and all rows of activations. `tiles`: each with its number of tokens, most first.
#[inline(always)]
pub(in crate::kernels) unsafe fn all<M: Lanes>(
    packed: &Packed,
    x: &Activations,
    rows: Range<usize>,
    out: &Out,
    fill: Fill<M>,
    tiles: [(usize, Tile<M>); 3],
) {
    let (last, layout) = (rows.end - 1, packed.layout);
    let mut panel = Panel::<M> {
        words: [MaybeUninit::uninit(); layout::MOST / 2],
        scales: [MaybeUninit::uninit(); layout::MOST / 16],
        offsets: [MaybeUninit::uninit(); layout::MOST / 16],
    };
    // SAFETY: `begin + count` numbers are in every row of weights and activations (`check`), and `fill` makes both halves
    // of the panel of them before a tile reads it.
    unsafe {
        let zero = [M::all(0.0); 2];
        let mut sums = vec![zero; x.rows()];
        for first in rows.step_by(2 * M::ROWS) {
            let halves = [
                beginnings(packed, first, last, M::ROWS),
                beginnings(packed, first + M::ROWS, last, M::ROWS),
            ];
            sums.fill(zero);
            for begin in (0..packed.columns).step_by(layout::MOST) {
                let count = layout::MOST.min(packed.columns - begin);
                let (at, bytes) =
                    (begin / layout.values * layout.bytes, count / layout.values * layout.bytes);
                // After the last blocks of these rows come the first of the next ones.
                let next =
                    if begin + count < packed.columns { at + bytes } else { 2 * M::ROWS * packed.row_bytes };
                for (half, rows) in halves.iter().enumerate() {
                    fill(&mut panel, half, rows, Blocks { at, next, count: count / layout.values });
                }
                let mut token = 0;
                for (tokens, tile) in tiles {
                    while token + tokens <= sums.len() {
                        tile(&panel, x, Part { token, begin, count }, &mut sums[token..token + tokens]);
                        token += tokens;
                    }
                }
            }
            for (token, sums) in sums.iter().enumerate() {
                for (half, sums) in sums.iter().enumerate() {
                    let row = first + half * M::ROWS;
                    let count = M::ROWS.min((last + 1).saturating_sub(row));
                    if count > 0 {
                        // `place` has checked that so many numbers are there.
                        M::store(out.place(token, row, count), *sums, count);
                    }
                }
            }
        }
    }
}

/// Unpacks blocks of a register's rows into one half of the panel.
#[inline(always)]
pub(in crate::kernels) unsafe fn fill<M: Lanes, F: Format>(
    panel: &mut Panel<M>,
    half: usize,
    rows: &Rows,
    blocks: Blocks,
) {
    // SAFETY: the blocks are in every row, and their numbers are at most those of a panel: a register, or `WIDE` of them,
    // for each four of them, and one for each group, as half of a pair.
    unsafe {
        let registers = if F::WIDE { M::WIDE } else { 1 };
        let mut words = panel.words.as_mut_ptr().cast::<M::Words>().add(half);
        let mut scales = Scales::<M> {
            scales: panel.scales.as_mut_ptr().cast::<M::Floats>().add(half),
            offsets: panel.offsets.as_mut_ptr().cast::<M::Floats>().add(half),
        };
        for block in 0..blocks.count {
            let at = blocks.at + block * F::BYTES;
            for row in &rows[..M::ROWS] {
                for line in 0..F::BYTES.div_ceil(64) {
                    M::prefetch(row.wrapping_add(blocks.next + block * F::BYTES + 64 * line));
                }
            }
            F::scales::<M>(rows, at, &scales);
            for round in 0..F::VALUES / F::ROUND {
                for part in 0..2 {
                    let sets = F::numbers::<M>(rows, at, round, part);
                    for set in 0..F::ROUND / 32 {
                        let place = (round * F::ROUND + set * 32 + part * 16) / 4;
                        let turned = M::panel(sets[set]);
                        for word in 0..4 {
                            let to = words.add(2 * registers * (place + word));
                            if F::WIDE {
                                for number in 0..M::WIDE {
                                    *to.add(2 * number) = M::widened(turned[word], number);
                                }
                            } else {
                                *to = turned[word];
                            }
                        }
                    }
                }
            }
            words = words.wrapping_add(registers * F::VALUES / 2);
            let groups = F::VALUES / F::GROUP;
            scales.scales = scales.scales.wrapping_add(2 * groups);
            scales.offsets = scales.offsets.wrapping_add(2 * groups);
        }
    }
}

/// `T` tokens by the panel: `sums` (T) of two registers' rows each.
#[inline(always)]
pub(in crate::kernels) unsafe fn tile<M: Lanes, const IN_GROUP: usize, const WIDE: bool, const T: usize>(
    panel: &Panel<M>,
    x: &Activations,
    part: Part,
    sums: &mut [[M::Floats; 2]],
) {
    // SAFETY: `count` numbers of the panel were filled; the activations have rows `token .. token + T`, each with
    // `begin + count` numbers, a scale for every 32 and a sum for every group.
    unsafe {
        let place = part.token * x.columns + part.begin;
        let narrow = x.narrow.as_ptr().wrapping_add(place);
        let wide = x.wide.as_ptr().wrapping_add(place);
        let of_x = x.scales.as_ptr().add(place / GROUP);
        let sums_of_x = x.sums.as_ptr().wrapping_add(place / IN_GROUP);
        let (of_x_stride, sums_stride) = (x.columns / GROUP, x.columns / IN_GROUP);
        let words = panel.words.as_ptr().cast::<[M::Words; 2]>();
        let scales = panel.scales.as_ptr().cast::<[M::Floats; 2]>();
        let offsets = panel.offsets.as_ptr().cast::<[M::Floats; 2]>();
        // Sums of the tile in variables of their own: through `sums` every group would wait for its last store.
        let mut tile = [[M::all(0.0); 2]; T];
        tile.copy_from_slice(sums);
        for group in 0..part.count / IN_GROUP {
            let whole = if WIDE {
                M::wide::<T>(words.add(group * 8 * M::WIDE), wide.add(group * GROUP), x.columns)
            } else if IN_GROUP == 16 {
                M::narrow::<1, T>(words.add(group * 4), narrow.add(group * 16), x.columns)
            } else {
                M::narrow::<2, T>(words.add(group * 8), narrow.add(group * 32), x.columns)
            };
            let [low_scale, high_scale] = *scales.add(group);
            for t in 0..T {
                let of_x = M::all(*of_x.add(t * of_x_stride + group * IN_GROUP / GROUP));
                let low = M::times(M::of_ints(whole[t][0]), of_x);
                let high = M::times(M::of_ints(whole[t][1]), of_x);
                tile[t][0] = M::fused(low_scale, low, tile[t][0]);
                tile[t][1] = M::fused(high_scale, high, tile[t][1]);
            }
            if !WIDE {
                let [low_offset, high_offset] = *offsets.add(group);
                for t in 0..T {
                    let sum_of_x = M::all(*sums_of_x.add(t * sums_stride + group));
                    tile[t][0] = M::fused(low_offset, sum_of_x, tile[t][0]);
                    tile[t][1] = M::fused(high_offset, sum_of_x, tile[t][1]);
                }
            }
        }
        sums.copy_from_slice(&tile);
    }
}
