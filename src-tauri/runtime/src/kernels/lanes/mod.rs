//! Lanes: what a machine with wide registers does with several rows at once, one row a lane. Written once for all of
//! them are the storage types (`formats`) and the product (`product`); a machine is one file of small steps.
//!
//! Four bytes of every row stand in one register, a *word* of each. Numbers are unpacked, multiplied and added in the
//! lane of their row, so that nothing is ever summed across lanes and scales are applied to all rows at once.
#![allow(unsafe_code)]

pub(super) mod formats;
pub(super) mod product;

/// Most rows of any machine.
pub(super) const MOST_ROWS: usize = 16;

/// Where rows begin: as many as the machine has lanes.
pub(super) type Rows = [*const u8; MOST_ROWS];

/// A machine. Its registers may be used where its features are there, which whoever calls has checked.
pub(super) trait Lanes: Sized {
    /// Rows in a register.
    const ROWS: usize;
    /// Registers of a panel that hold a word whose numbers take eight bits with sign: 1 or 2.
    const WIDE: usize;
    /// Four bytes of every row.
    type Words: Copy;
    /// A whole number of every row.
    type Ints: Copy;
    /// A number of every row.
    type Floats: Copy;

    unsafe fn prefetch(at: *const u8);

    /// Sixteen bytes of every row.
    unsafe fn load(rows: &Rows, at: usize) -> [Self::Words; 4];
    /// Two bytes of every row as 16-bit floats.
    unsafe fn halves(rows: &Rows, at: usize) -> Self::Floats;
    /// One byte of every row as the exponent of half a power of two, [`super::layout::e8m0_half`].
    unsafe fn powers(rows: &Rows, at: usize) -> Self::Floats;

    /// The same byte in all places.
    unsafe fn bytes(byte: u8) -> Self::Words;
    unsafe fn and(a: Self::Words, b: Self::Words) -> Self::Words;
    unsafe fn or(a: Self::Words, b: Self::Words) -> Self::Words;
    unsafe fn add(a: Self::Words, b: Self::Words) -> Self::Words;
    /// Bits of bytes towards the lowest by less than 8; what comes in from above means nothing.
    unsafe fn down(a: Self::Words, by: usize) -> Self::Words;
    /// Bits of bytes towards the highest by less than 8; what comes in from below means nothing.
    unsafe fn up(a: Self::Words, by: usize) -> Self::Words;
    /// Bits of words towards the lowest, zeros behind them.
    unsafe fn down32(a: Self::Words, by: usize) -> Self::Words;
    /// Every byte, 0 to 15, as its place in a table.
    unsafe fn look_up(table: &[i8; 16], places: Self::Words) -> Self::Words;
    /// Bits `first .. first + 4` of every word (`first` a multiple of 4) as four bytes of 0 or 16.
    unsafe fn fifth_bits(words: Self::Words, first: usize) -> Self::Words;

    /// The lower halves of words as 16-bit floats.
    unsafe fn low_halves(words: Self::Words) -> Self::Floats;
    /// Every word's byte `number` with its sign.
    unsafe fn signed(words: Self::Words, number: usize) -> Self::Floats;
    unsafe fn all(x: f32) -> Self::Floats;
    unsafe fn times(a: Self::Floats, b: Self::Floats) -> Self::Floats;
    /// `sum + a · b`, rounded once.
    unsafe fn fused(a: Self::Floats, b: Self::Floats, sum: Self::Floats) -> Self::Floats;
    unsafe fn of_ints(x: Self::Ints) -> Self::Floats;

    /// Four words as they stand in a panel.
    unsafe fn panel(words: [Self::Words; 4]) -> [Self::Words; 4];
    /// Register `number` of [`WIDE`](Self::WIDE) of a word of a panel.
    unsafe fn widened(words: Self::Words, number: usize) -> Self::Words;
    /// Whole products of `QUADS` times sixteen numbers, none below 0, of two registers' rows in a panel, by those of `T`
    /// tokens at `x`, which are `stride` apart.
    unsafe fn narrow<const QUADS: usize, const T: usize>(
        words: *const [Self::Words; 2],
        x: *const i8,
        stride: usize,
    ) -> [[Self::Ints; 2]; T];
    /// The same of 32 numbers with sign by activations of 16 bits.
    unsafe fn wide<const T: usize>(
        words: *const [Self::Words; 2],
        x: *const i16,
        stride: usize,
    ) -> [[Self::Ints; 2]; T];

    /// Writes a number of every row, of `count` rows at most.
    unsafe fn store(to: *mut f32, x: Self::Floats, count: usize);
}
