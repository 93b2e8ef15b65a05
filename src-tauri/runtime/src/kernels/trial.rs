//! Trial: kernels that few machines have multiply some blocks of every storage type before they are used, and every bit
//! has to be what the plain kernels give.

use std::ops::Range;

use super::activations::Activations;
use super::layout::{Layout, layout};
use super::{Out, Packed};
use crate::gguf::Dtype;

/// Two sets of sixteen rows and a part of another, seven tokens: every tile and every rest.
const ROWS: usize = 35;
const TOKENS: usize = 7;

/// The first storage type of which these products differ from the plain ones. Takes about a millisecond.
pub(super) fn differs(multiply: impl Fn(&Packed, &Activations, Range<usize>, &Out)) -> Option<Dtype> {
    let mut random = Random(1);
    let types = (0..64).filter_map(Dtype::from_number);
    types.filter_map(|dtype| Some((dtype, layout(dtype)?))).find_map(|(dtype, layout)| {
        let columns = layout.values.max(64);
        let bytes = blocks(dtype, layout, ROWS * columns / layout.values, &mut random);
        let row_bytes = columns / layout.values * layout.bytes;
        let packed = Packed { dtype, layout, bytes: &bytes, rows: ROWS, columns, row_bytes };
        let x: Vec<f32> = (0..TOKENS * columns).map(|_| random.next() as i32 as f32).collect();
        let x = packed.activations_plainly(&x);
        let (mut found, mut plain) = (vec![0f32; TOKENS * ROWS], vec![0f32; TOKENS * ROWS]);
        multiply(&packed, &x, 0..ROWS, &Out::new(&mut found, ROWS));
        packed.multiply_plainly(&x, 0..ROWS, &Out::new(&mut plain, ROWS));
        let same = found.iter().zip(&plain).all(|(found, plain)| found.to_bits() == plain.to_bits());
        (!same).then_some(dtype)
    })
}

/// Blocks of any bits but in scales, which are of an ordinary size.
pub(super) fn blocks(dtype: Dtype, layout: &Layout, count: usize, random: &mut Random) -> Vec<u8> {
    let mut bytes: Vec<u8> = (0..count * layout.bytes).map(|_| (random.next() >> 24) as u8).collect();
    for block in bytes.chunks_exact_mut(layout.bytes) {
        for &at in halves(dtype) {
            // 16-bit floats of 2^-7 to 2^-3, and below 0.
            block[at + 1] = block[at + 1] & 0x8f | 0x20;
        }
        if dtype == Dtype::MXFP4 {
            // 2^-7 to 2^8; sometimes one of the two powers that are subnormal numbers.
            block[0] = if block[0] < 16 { block[0] % 2 } else { 120 + block[0] % 16 };
        }
    }
    bytes
}

/// Where a block has its 16-bit floats.
pub(super) fn halves(dtype: Dtype) -> &'static [usize] {
    match dtype {
        Dtype::Q4_1 | Dtype::Q5_1 | Dtype::Q4K | Dtype::Q5K => &[0, 2],
        Dtype::Q2K => &[80, 82],
        Dtype::Q3K => &[108],
        Dtype::Q6K => &[208],
        Dtype::MXFP4 => &[],
        _ => &[0],
    }
}

/// Source: xorshift32 (Marsaglia 2003), from a number that is not 0.
pub(super) struct Random(pub u32);

impl Random {
    pub fn next(&mut self) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 17;
        self.0 ^= self.0 << 5;
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trial_holds_for_right_products_and_names_the_type_of_a_wrong_one() {
        assert_eq!(differs(|packed, x, rows, out| packed.multiply_plainly(x, rows, out)), None);
        for wrong in [Dtype::Q4_0, Dtype::Q6K, Dtype::MXFP4] {
            let found = differs(|packed, x, rows, out| {
                packed.multiply_plainly(x, rows, out);
                if packed.dtype == wrong {
                    // One number in its last bit.
                    let row =
                        super::super::plain_row(packed.layout, &packed.bytes[34 * packed.row_bytes..], x, 6);
                    out.set(6, 34, f32::from_bits(row.to_bits() ^ 1));
                }
            });
            assert_eq!(found, Some(wrong));
        }
    }
}
