//! The storage types, as [`super::super::layout`] defines them, for registers that hold words of several rows.

use super::{Lanes, Rows};
use crate::kernels::layout::{E2M1, IQ4};

/// A storage type. Its blocks are read in rounds, each of which ends groups and reads the same bytes for all its numbers.
pub(in crate::kernels) trait Format {
    const VALUES: usize;
    const BYTES: usize;
    /// Numbers that share a scale: 16 or 32.
    const GROUP: usize;
    /// Numbers of a round: up to four times 32.
    const ROUND: usize;
    /// Numbers take eight bits with sign, and are multiplied with activations of 16 bits; else they are at least 0.
    const WIDE: bool;
    /// Numbers `round · ROUND + set · 32 + half · 16 ..`, 16 for each set of the round, of the blocks that begin `at`
    /// in every row. Sets that the round has not repeat others.
    unsafe fn numbers<M: Lanes>(rows: &Rows, at: usize, round: usize, half: usize) -> [[M::Words; 4]; 4];
    /// Scale and offset of every group; the offset counts for numbers as `numbers` gives them. Wide types have none.
    unsafe fn scales<M: Lanes>(rows: &Rows, at: usize, to: &Scales<M>);
}

/// Where the scales and offsets of a block's groups go: to every second register.
pub(in crate::kernels) struct Scales<M: Lanes> {
    pub scales: *mut M::Floats,
    pub offsets: *mut M::Floats,
}

impl<M: Lanes> Scales<M> {
    #[inline(always)]
    unsafe fn scale(&self, group: usize, scale: M::Floats) {
        // SAFETY: whoever made this has room for all groups of a block, as for what follows.
        unsafe { *self.scales.add(2 * group) = scale }
    }

    #[inline(always)]
    unsafe fn both(&self, group: usize, scale: M::Floats, offset: M::Floats) {
        unsafe { (*self.scales.add(2 * group), *self.offsets.add(2 * group)) = (scale, offset) }
    }

    /// A scale whose numbers were raised by `zero`.
    #[inline(always)]
    unsafe fn raised(&self, group: usize, scale: M::Floats, zero: f32) {
        unsafe { self.both(group, scale, M::times(scale, M::all(-zero))) }
    }
}

// Loops over four words, not `map`: a closure that is not inlined would be compiled without the machine's features.

#[inline(always)]
unsafe fn masked<M: Lanes>(mut words: [M::Words; 4], mask: u8) -> [M::Words; 4] {
    for word in &mut words {
        *word = unsafe { M::and(*word, M::bytes(mask)) };
    }
    words
}

/// Bits `by ..` of every byte, as many as the mask has.
#[inline(always)]
unsafe fn lowered<M: Lanes>(mut words: [M::Words; 4], by: usize, mask: u8) -> [M::Words; 4] {
    if by > 0 {
        for word in &mut words {
            *word = unsafe { M::down(*word, by) };
        }
    }
    unsafe { masked::<M>(words, mask) }
}

/// The bits of the mask of every byte, `by` places higher.
#[inline(always)]
unsafe fn raised<M: Lanes>(mut words: [M::Words; 4], by: usize, mask: u8) -> [M::Words; 4] {
    if by > 0 {
        for word in &mut words {
            *word = unsafe { M::up(*word, by) };
        }
    }
    unsafe { masked::<M>(words, mask) }
}

#[inline(always)]
unsafe fn joined<M: Lanes>(mut a: [M::Words; 4], b: [M::Words; 4]) -> [M::Words; 4] {
    for (a, b) in a.iter_mut().zip(b) {
        *a = unsafe { M::or(*a, b) };
    }
    a
}

#[inline(always)]
unsafe fn looked_up<M: Lanes>(table: &[i8; 16], mut places: [M::Words; 4]) -> [M::Words; 4] {
    for word in &mut places {
        *word = unsafe { M::look_up(table, *word) };
    }
    places
}

/// The low halves of sixteen bytes, or the high ones.
#[inline(always)]
unsafe fn nibbles<M: Lanes>(rows: &Rows, at: usize, half: usize) -> [M::Words; 4] {
    unsafe { lowered::<M>(M::load(rows, at), 4 * half, 15) }
}

/// [`nibbles`] with the fifth bits of the word before them.
#[inline(always)]
unsafe fn five_bits<M: Lanes>(rows: &Rows, at: usize, half: usize) -> [M::Words; 4] {
    unsafe {
        let bits = M::load(rows, at)[0];
        let mut words = nibbles::<M>(rows, at + 4, half);
        for (place, word) in words.iter_mut().enumerate() {
            *word = M::or(*word, M::fifth_bits(bits, 16 * half + 4 * place));
        }
        words
    }
}

macro_rules! format {
    ($name:ident, $values:literal in $bytes:literal, groups of $group:literal, rounds of $round:literal, wide $wide:literal,
     |$rows:ident, $at:ident, $round_of:ident, $half:ident| $numbers:expr, |$to:ident| $scales:block) => {
        pub(in crate::kernels) struct $name;
        impl Format for $name {
            const VALUES: usize = $values;
            const BYTES: usize = $bytes;
            const GROUP: usize = $group;
            const ROUND: usize = $round;
            const WIDE: bool = $wide;
            #[inline(always)]
            unsafe fn numbers<M: Lanes>(
                $rows: &Rows,
                $at: usize,
                $round_of: usize,
                $half: usize,
            ) -> [[M::Words; 4]; 4] {
                unsafe { $numbers }
            }
            #[inline(always)]
            unsafe fn scales<M: Lanes>($rows: &Rows, $at: usize, $to: &Scales<M>) {
                unsafe { $scales }
            }
        }
    };
}

format!(Q4_0, 32 in 18, groups of 32, rounds of 32, wide false,
    |rows, at, _round, half| [nibbles::<M>(rows, at + 2, half); 4],
    |to| { to.raised(0, M::halves(rows, at), 8.0); });

format!(Q4_1, 32 in 20, groups of 32, rounds of 32, wide false,
    |rows, at, _round, half| [nibbles::<M>(rows, at + 4, half); 4],
    |to| { to.both(0, M::halves(rows, at), M::halves(rows, at + 2)); });

format!(Q5_0, 32 in 22, groups of 32, rounds of 32, wide false,
    |rows, at, _round, half| [five_bits::<M>(rows, at + 2, half); 4],
    |to| { to.raised(0, M::halves(rows, at), 16.0); });

format!(Q5_1, 32 in 24, groups of 32, rounds of 32, wide false,
    |rows, at, _round, half| [five_bits::<M>(rows, at + 4, half); 4],
    |to| { to.both(0, M::halves(rows, at), M::halves(rows, at + 2)); });

format!(Q8_0, 32 in 34, groups of 32, rounds of 32, wide true,
    |rows, at, _round, half| [M::load(rows, at + 2 + 16 * half); 4],
    |to| { to.scale(0, M::halves(rows, at)); });

format!(Iq4Nl, 32 in 18, groups of 32, rounds of 32, wide true,
    |rows, at, _round, half| [looked_up::<M>(&IQ4, nibbles::<M>(rows, at + 2, half)); 4],
    |to| { to.scale(0, M::halves(rows, at)); });

format!(Mxfp4, 32 in 17, groups of 32, rounds of 32, wide false,
|rows, at, _round, half| {
    let mut words = looked_up::<M>(&E2M1, nibbles::<M>(rows, at + 1, half));
    for word in &mut words {
        *word = M::add(*word, M::bytes(12));
    }
    [words; 4]
},
|to| { to.raised(0, M::powers(rows, at), 12.0); });

format!(Q2K, 256 in 84, groups of 16, rounds of 128, wide false,
|rows, at, round, half| two_bits::<M>(M::load(rows, at + 16 + 32 * round + 16 * half)),
|to| {
    let (scale, least) = (M::halves(rows, at + 80), M::halves(rows, at + 82));
    let least = M::times(least, M::all(-1.0));
    let packed = M::load(rows, at);
    let (multipliers, minima) = (masked::<M>(packed, 15), lowered::<M>(packed, 4, 15));
    for group in 0..16 {
        let byte = group % 4;
        let offset = M::times(least, M::signed(minima[group / 4], byte));
        to.both(group, M::times(scale, M::signed(multipliers[group / 4], byte)), offset);
    }
});

format!(Q3K, 256 in 110, groups of 16, rounds of 128, wide false,
|rows, at, round, half| {
    let mut sets = two_bits::<M>(M::load(rows, at + 32 + 32 * round + 16 * half));
    let third = M::load(rows, at + 16 * half);
    for (set, numbers) in sets.iter_mut().enumerate() {
        let bit = 4 * round + set;
        let third = if bit < 2 { raised::<M>(third, 2 - bit, 4) } else { lowered::<M>(third, bit - 2, 4) };
        *numbers = joined::<M>(*numbers, third);
    }
    sets
},
|to| {
    let (scale, [_, first, second, upper]) = (M::halves(rows, at + 108), M::load(rows, at + 92));
    let (low, high) = (M::bytes(15), M::bytes(0x30));
    let words = [
        M::or(M::and(first, low), M::and(M::up(upper, 4), high)),
        M::or(M::and(second, low), M::and(M::up(upper, 2), high)),
        M::or(M::and(M::down(first, 4), low), M::and(upper, high)),
        M::or(M::and(M::down(second, 4), low), M::and(M::down(upper, 2), high)),
    ];
    for group in 0..16 {
        let centred = M::add(words[group / 4], M::bytes(224));
        to.raised(group, M::times(scale, M::signed(centred, group % 4)), 4.0);
    }
});

format!(Q4K, 256 in 144, groups of 32, rounds of 64, wide false,
    |rows, at, round, half| half_bytes::<M>(M::load(rows, at + 16 + 32 * round + 16 * half)),
    |to| { pairs(rows, at, to); });

format!(Q5K, 256 in 176, groups of 32, rounds of 64, wide false,
|rows, at, round, half| {
    let mut sets = half_bytes::<M>(M::load(rows, at + 48 + 32 * round + 16 * half));
    let fifth = M::load(rows, at + 16 + 16 * half);
    for (set, numbers) in sets.iter_mut().take(2).enumerate() {
        let bit = 2 * round + set;
        let fifth = if bit < 4 { raised::<M>(fifth, 4 - bit, 16) } else { lowered::<M>(fifth, bit - 4, 16) };
        *numbers = joined::<M>(*numbers, fifth);
    }
    sets
},
|to| { pairs(rows, at, to); });

format!(Q6K, 256 in 210, groups of 16, rounds of 128, wide false,
|rows, at, round, half| {
    let first = M::load(rows, at + 64 * round + 16 * half);
    let second = M::load(rows, at + 64 * round + 32 + 16 * half);
    let upper = M::load(rows, at + 128 + 32 * round + 16 * half);
    [
        joined::<M>(masked::<M>(first, 15), raised::<M>(upper, 4, 0x30)),
        joined::<M>(masked::<M>(second, 15), raised::<M>(upper, 2, 0x30)),
        joined::<M>(lowered::<M>(first, 4, 15), masked::<M>(upper, 0x30)),
        joined::<M>(lowered::<M>(second, 4, 15), lowered::<M>(upper, 2, 0x30)),
    ]
},
|to| {
    let (scale, packed) = (M::halves(rows, at + 208), M::load(rows, at + 192));
    for group in 0..16 {
        to.raised(group, M::times(scale, M::signed(packed[group / 4], group % 4)), 32.0);
    }
});

format!(Iq4Xs, 256 in 136, groups of 32, rounds of 32, wide true,
|rows, at, round, half| [looked_up::<M>(&IQ4, nibbles::<M>(rows, at + 8 + 16 * round, half)); 4],
|to| {
    let [first, lower, _, _] = M::load(rows, at);
    let scale = M::low_halves(first);
    let (low, high) = (M::bytes(15), M::bytes(0x30));
    for group in 0..8 {
        // Bits 4 · group .. of one word, and bits 16 + 2 · group .. of the other above them.
        let low = M::and(M::down32(lower, 4 * group), low);
        let high = M::and(M::down32(first, 12 + 2 * group), high);
        to.scale(group, M::times(scale, M::signed(M::add(M::or(low, high), M::bytes(224)), 0)));
    }
});

/// Four numbers of two bits in every byte, of which each is in a set of its own.
#[inline(always)]
unsafe fn two_bits<M: Lanes>(words: [M::Words; 4]) -> [[M::Words; 4]; 4] {
    unsafe {
        [
            masked::<M>(words, 3),
            lowered::<M>(words, 2, 3),
            lowered::<M>(words, 4, 3),
            lowered::<M>(words, 6, 3),
        ]
    }
}

/// Two numbers of four bits in every byte, of which each is in a set of its own.
#[inline(always)]
unsafe fn half_bytes<M: Lanes>(words: [M::Words; 4]) -> [[M::Words; 4]; 4] {
    unsafe {
        let (low, high) = (masked::<M>(words, 15), lowered::<M>(words, 4, 15));
        [low, high, low, low]
    }
}

/// The eight pairs of 6-bit scales and minima of Q4_K and Q5_K.
#[inline(always)]
unsafe fn pairs<M: Lanes>(rows: &Rows, at: usize, to: &Scales<M>) {
    unsafe {
        let [both, first, second, third] = M::load(rows, at);
        let scale = M::low_halves(both);
        let least = M::times(M::low_halves(M::down32(both, 16)), M::all(-1.0));
        let (six, low, high) = (M::bytes(63), M::bytes(15), M::bytes(0x30));
        let multipliers = [M::and(first, six), M::or(M::and(third, low), M::and(M::down(first, 2), high))];
        let minima =
            [M::and(second, six), M::or(M::and(M::down(third, 4), low), M::and(M::down(second, 2), high))];
        for group in 0..8 {
            let byte = group % 4;
            let offset = M::times(least, M::signed(minima[group / 4], byte));
            to.both(group, M::times(scale, M::signed(multipliers[group / 4], byte)), offset);
        }
    }
}
