//! Layouts: how each quantised storage type keeps its numbers, read one block at a time in plain code. This is the
//! definition that every faster kernel is compared with.
//!
//! Every type comes down to one form. A block is cut into groups of 16 or 32 numbers, and number `q` of a group is
//! `scale · q + offset`. Source: ggml's block formats (ggml-common.h, ggml-quants.c), and the OCP microscaling
//! specification 1.0 for MXFP4.

use half::f16;

use crate::gguf::Dtype;

/// Most numbers in a block.
pub const MOST: usize = 256;

/// One block, unpacked: (numbers), and for each group its scale and offset.
pub struct Block {
    pub numbers: [i8; MOST],
    pub scales: [f32; MOST / 16],
    pub offsets: [f32; MOST / 16],
}

impl Block {
    pub const EMPTY: Block =
        Block { numbers: [0; MOST], scales: [0.0; MOST / 16], offsets: [0.0; MOST / 16] };
}

/// What a kernel has to know about a storage type.
pub struct Layout {
    /// Numbers in a block.
    pub values: usize,
    /// Bytes of a block.
    pub bytes: usize,
    /// Numbers that share a scale.
    pub group: usize,
    /// What makes every number of a narrow type at least 0; `None` for types whose numbers take all eight bits, which
    /// are multiplied with activations of 16 bits.
    pub zero: Option<u8>,
    pub unpack: fn(&[u8], &mut Block),
}

/// The layout of a quantised type; `None` for floats and for types that nothing computes with.
pub fn layout(dtype: Dtype) -> Option<&'static Layout> {
    Some(match dtype {
        Dtype::Q4_0 => &Layout { values: 32, bytes: 18, group: 32, zero: Some(8), unpack: q4_0 },
        Dtype::Q4_1 => &Layout { values: 32, bytes: 20, group: 32, zero: Some(0), unpack: q4_1 },
        Dtype::Q5_0 => &Layout { values: 32, bytes: 22, group: 32, zero: Some(16), unpack: q5_0 },
        Dtype::Q5_1 => &Layout { values: 32, bytes: 24, group: 32, zero: Some(0), unpack: q5_1 },
        Dtype::Q8_0 => &Layout { values: 32, bytes: 34, group: 32, zero: None, unpack: q8_0 },
        Dtype::Q2K => &Layout { values: 256, bytes: 84, group: 16, zero: Some(0), unpack: q2_k },
        Dtype::Q3K => &Layout { values: 256, bytes: 110, group: 16, zero: Some(4), unpack: q3_k },
        Dtype::Q4K => &Layout { values: 256, bytes: 144, group: 32, zero: Some(0), unpack: q4_k },
        Dtype::Q5K => &Layout { values: 256, bytes: 176, group: 32, zero: Some(0), unpack: q5_k },
        Dtype::Q6K => &Layout { values: 256, bytes: 210, group: 16, zero: Some(32), unpack: q6_k },
        Dtype::IQ4_NL => &Layout { values: 32, bytes: 18, group: 32, zero: None, unpack: iq4_nl },
        Dtype::IQ4_XS => &Layout { values: 256, bytes: 136, group: 32, zero: None, unpack: iq4_xs },
        Dtype::MXFP4 => &Layout { values: 32, bytes: 17, group: 32, zero: Some(12), unpack: mxfp4 },
        Dtype::F32 | Dtype::F16 | Dtype::BF16 | Dtype::Q8_1 | Dtype::Q8K | Dtype::Other(_) => return None,
    })
}

/// Unpacks a row of whole blocks as ggml does: `scale · q`, rounded, then the offset added, rounded again.
pub fn unpack_row(layout: &Layout, bytes: &[u8], out: &mut [f32]) {
    let mut block = Block::EMPTY;
    for (bytes, out) in bytes.chunks_exact(layout.bytes).zip(out.chunks_exact_mut(layout.values)) {
        (layout.unpack)(bytes, &mut block);
        let numbers = block.numbers.chunks_exact(layout.group);
        for (group, (out, numbers)) in out.chunks_exact_mut(layout.group).zip(numbers).enumerate() {
            let (scale, offset) = (block.scales[group], block.offsets[group]);
            for (out, number) in out.iter_mut().zip(numbers) {
                *out = scale * f32::from(*number) + offset;
            }
        }
    }
}

/// The sixteen values of IQ4_NL and IQ4_XS.
pub const IQ4: [i8; 16] = [-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113];
/// The sixteen values of a 4-bit float (1 sign, 2 exponent, 1 mantissa), doubled.
pub const E2M1: [i8; 16] = [0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12];

fn half_at(block: &[u8], at: usize) -> f32 {
    f16::from_le_bytes([block[at], block[at + 1]]).to_f32()
}

/// Half of 2^(exponent − 127), as the values of [`E2M1`] are doubled.
pub fn e8m0_half(exponent: u8) -> f32 {
    let exponent = u32::from(exponent);
    f32::from_bits(if exponent < 2 { 0x0020_0000 << exponent } else { (exponent - 1) << 23 })
}

/// 16 bytes of two numbers each: the low halves come first, then the high ones.
fn nibbles(bytes: &[u8], out: &mut [i8], number: impl Fn(u8, usize) -> i8) {
    for (place, byte) in bytes[..16].iter().enumerate() {
        out[place] = number(byte & 15, place);
        out[place + 16] = number(byte >> 4, place + 16);
    }
}

fn q4_0(bytes: &[u8], block: &mut Block) {
    (block.scales[0], block.offsets[0]) = (half_at(bytes, 0), 0.0);
    nibbles(&bytes[2..], &mut block.numbers, |number, _| number as i8 - 8);
}

fn q4_1(bytes: &[u8], block: &mut Block) {
    (block.scales[0], block.offsets[0]) = (half_at(bytes, 0), half_at(bytes, 2));
    nibbles(&bytes[4..], &mut block.numbers, |number, _| number as i8);
}

fn fifth_bits(bytes: &[u8], at: usize) -> impl Fn(u8, usize) -> i8 {
    let bits = u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
    move |number, place| (number | ((bits >> place & 1) as u8) << 4) as i8
}

fn q5_0(bytes: &[u8], block: &mut Block) {
    (block.scales[0], block.offsets[0]) = (half_at(bytes, 0), 0.0);
    let with = fifth_bits(bytes, 2);
    nibbles(&bytes[6..], &mut block.numbers, |number, place| with(number, place) - 16);
}

fn q5_1(bytes: &[u8], block: &mut Block) {
    (block.scales[0], block.offsets[0]) = (half_at(bytes, 0), half_at(bytes, 2));
    nibbles(&bytes[8..], &mut block.numbers, fifth_bits(bytes, 4));
}

fn q8_0(bytes: &[u8], block: &mut Block) {
    (block.scales[0], block.offsets[0]) = (half_at(bytes, 0), 0.0);
    for (number, byte) in block.numbers.iter_mut().zip(&bytes[2..34]) {
        *number = *byte as i8;
    }
}

/// Sixteen pairs of 4-bit scale and minimum, 256 numbers of 2 bits, two scales of them.
fn q2_k(bytes: &[u8], block: &mut Block) {
    let (scale, least) = (half_at(bytes, 80), half_at(bytes, 82));
    for (group, both) in bytes[..16].iter().enumerate() {
        block.scales[group] = scale * f32::from(both & 15);
        block.offsets[group] = -(least * f32::from(both >> 4));
    }
    for (place, number) in block.numbers.iter_mut().enumerate() {
        *number = (bytes[16 + place / 128 * 32 + place % 32] >> (place % 128 / 32 * 2) & 3) as i8;
    }
}

/// The third bits of 256 numbers (inverted: a missing one subtracts 4), their lower two, sixteen 6-bit scales, their
/// scale.
fn q3_k(bytes: &[u8], block: &mut Block) {
    let (third, lower, scales, scale) = (&bytes[..32], &bytes[32..96], &bytes[96..108], half_at(bytes, 108));
    for group in 0..16 {
        let low = scales[group % 8] >> (group / 8 * 4) & 15;
        let high = scales[8 + group % 4] >> (group / 4 * 2) & 3;
        block.scales[group] = scale * f32::from((low | high << 4) as i8 - 32);
        block.offsets[group] = 0.0;
    }
    for (place, number) in block.numbers.iter_mut().enumerate() {
        let low = lower[place / 128 * 32 + place % 32] >> (place % 128 / 32 * 2) & 3;
        let high = third[place % 32] >> (place / 32) & 1;
        *number = (low | high << 2) as i8 - 4;
    }
}

/// The eight pairs of 6-bit scales and minima that Q4_K and Q5_K pack into twelve bytes after their two scales.
fn pairs(bytes: &[u8], block: &mut Block) {
    let (scale, least, packed) = (half_at(bytes, 0), half_at(bytes, 2), &bytes[4..16]);
    for group in 0..8 {
        let (multiplier, minimum) = if group < 4 {
            (packed[group] & 63, packed[group + 4] & 63)
        } else {
            let both = packed[group + 4];
            (both & 15 | packed[group - 4] >> 6 << 4, both >> 4 | packed[group] >> 6 << 4)
        };
        block.scales[group] = scale * f32::from(multiplier);
        block.offsets[group] = -(least * f32::from(minimum));
    }
}

fn q4_k(bytes: &[u8], block: &mut Block) {
    pairs(bytes, block);
    for (place, number) in block.numbers.iter_mut().enumerate() {
        *number = (bytes[16 + place / 64 * 32 + place % 32] >> (place / 32 % 2 * 4) & 15) as i8;
    }
}

fn q5_k(bytes: &[u8], block: &mut Block) {
    pairs(bytes, block);
    let (fifth, lower) = (&bytes[16..48], &bytes[48..176]);
    for (place, number) in block.numbers.iter_mut().enumerate() {
        let low = lower[place / 64 * 32 + place % 32] >> (place / 32 % 2 * 4) & 15;
        *number = (low | (fifth[place % 32] >> (place / 32) & 1) << 4) as i8;
    }
}

/// 256 numbers of 6 bits (lower four, then upper two), sixteen scales, their scale.
fn q6_k(bytes: &[u8], block: &mut Block) {
    let (lower, upper, scales, scale) =
        (&bytes[..128], &bytes[128..192], &bytes[192..208], half_at(bytes, 208));
    for (group, multiplier) in scales.iter().enumerate() {
        block.scales[group] = scale * f32::from(*multiplier as i8);
        block.offsets[group] = 0.0;
    }
    for (place, number) in block.numbers.iter_mut().enumerate() {
        let (half, quarter, inner) = (place / 128, place % 128 / 32, place % 32);
        let low = lower[half * 64 + quarter % 2 * 32 + inner] >> (quarter / 2 * 4) & 15;
        let high = upper[half * 32 + inner] >> (quarter * 2) & 3;
        *number = (low | high << 4) as i8 - 32;
    }
}

fn iq4_nl(bytes: &[u8], block: &mut Block) {
    (block.scales[0], block.offsets[0]) = (half_at(bytes, 0), 0.0);
    nibbles(&bytes[2..], &mut block.numbers, |number, _| IQ4[usize::from(number)]);
}

/// A scale, eight 6-bit scales of it (upper bits, then lower), eight times 32 numbers of 4 bits.
fn iq4_xs(bytes: &[u8], block: &mut Block) {
    let (scale, upper) = (half_at(bytes, 0), u16::from_le_bytes([bytes[2], bytes[3]]));
    for group in 0..8 {
        let low = bytes[4 + group / 2] >> (group % 2 * 4) & 15;
        let high = (upper >> (2 * group) & 3) as u8;
        block.scales[group] = scale * f32::from((low | high << 4) as i8 - 32);
        block.offsets[group] = 0.0;
        nibbles(&bytes[8 + group * 16..], &mut block.numbers[group * 32..], |number, _| {
            IQ4[usize::from(number)]
        });
    }
}

fn mxfp4(bytes: &[u8], block: &mut Block) {
    (block.scales[0], block.offsets[0]) = (e8m0_half(bytes[0]), 0.0);
    nibbles(&bytes[1..], &mut block.numbers, |number, _| E2M1[usize::from(number)]);
}
