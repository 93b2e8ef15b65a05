//! Round: numbers brought into a smaller storage type.
//!
//! In:     a row of floats that fills whole blocks of the type
//! Out:    the bytes of the row, which [`super::layout`] reads
//! Source: the types without minima as ggml's reference does it; those with minima by a search for scale and minimum that
//!         comes from least squares, each number weighed by its size, as llama.cpp's quantiser does without an importance
//!         matrix

use half::f16;

use crate::gguf::Dtype;

/// Types that numbers can be brought into, the largest first; Q4_0 for rows that do not fill blocks of 256.
pub const SMALLER: [Dtype; 5] = [Dtype::Q8_0, Dtype::Q5_0, Dtype::Q4K, Dtype::Q4_0, Dtype::Q2K];

/// A tensor of rows of `columns` numbers is brought from the one type into the other: that makes it smaller.
pub fn gets_smaller(from: Dtype, to: Dtype, columns: u64) -> bool {
    let fills = columns > 0 && columns.is_multiple_of(to.block_values());
    // Bytes of a number, by cross-multiplication.
    let less = to.block_bytes() * from.block_values() < from.block_bytes() * to.block_values();
    SMALLER.contains(&to) && fills && less
}

/// `row` in one of [`SMALLER`]. `out`: bytes of whole blocks.
pub fn round_row(dtype: Dtype, row: &[f32], out: &mut [u8]) {
    let (values, bytes) = (dtype.block_values() as usize, dtype.block_bytes() as usize);
    for (values, out) in row.chunks_exact(values).zip(out.chunks_exact_mut(bytes)) {
        match dtype {
            Dtype::Q8_0 => q8_0(values, out),
            Dtype::Q5_0 => q5_0(values, out),
            Dtype::Q4_0 => q4_0(values, out),
            Dtype::Q4K => q4_k(values, out),
            Dtype::Q2K => q2_k(values, out),
            other => unreachable!("{} is not in SMALLER", other.name()),
        }
    }
}

fn half(value: f32) -> [u8; 2] {
    f16::from_f32(value).to_le_bytes()
}

/// What `value` is after it was stored.
fn stored(value: f32) -> f32 {
    f16::from_f32(value).to_f32()
}

fn inverse(scale: f32) -> f32 {
    if scale == 0.0 { 0.0 } else { 1.0 / scale }
}

fn q8_0(values: &[f32], out: &mut [u8]) {
    let scale = values.iter().fold(0.0f32, |most, value| most.max(value.abs())) / 127.0;
    out[..2].copy_from_slice(&half(scale));
    let inverse = inverse(scale);
    for (out, value) in out[2..].iter_mut().zip(values) {
        *out = (value * inverse).round() as i8 as u8;
    }
}

/// The number of the largest size, which gets the one number that has no opposite.
fn furthest(values: &[f32]) -> f32 {
    values.iter().copied().fold(0.0, |most: f32, value| if value.abs() > most.abs() { value } else { most })
}

fn q4_0(values: &[f32], out: &mut [u8]) {
    let scale = furthest(values) / -8.0;
    out[..2].copy_from_slice(&half(scale));
    let inverse = inverse(scale);
    let number = |value: f32| ((value * inverse + 8.5) as i8).clamp(0, 15) as u8;
    for (place, out) in out[2..].iter_mut().enumerate() {
        *out = number(values[place]) | number(values[place + 16]) << 4;
    }
}

fn q5_0(values: &[f32], out: &mut [u8]) {
    let scale = furthest(values) / -16.0;
    let inverse = inverse(scale);
    let number = |value: f32| ((value * inverse + 16.5) as i8).clamp(0, 31) as u8;
    let mut fifth = 0u32;
    for (place, &value) in values.iter().enumerate() {
        fifth |= u32::from(number(value) >> 4) << place;
    }
    out[..2].copy_from_slice(&half(scale));
    out[2..6].copy_from_slice(&fifth.to_le_bytes());
    for (place, out) in out[6..].iter_mut().enumerate() {
        *out = number(values[place]) & 15 | (number(values[place + 16]) & 15) << 4;
    }
}

/// Scale and minimum (at least 0, to be taken away) for numbers from 0 to `top`.
fn fit(values: &[f32], top: f32) -> (f32, f32) {
    let low = values.iter().copied().fold(0.0, f32::min);
    let high = values.iter().copied().fold(low, f32::max);
    if high <= low {
        return (0.0, -low);
    }
    let typical = (values.iter().map(|value| value * value).sum::<f32>() / values.len() as f32).sqrt();
    let weight = |value: f32| typical + value.abs();
    let error = |scale: f32, low: f32| -> f32 {
        let off = |value: &f32| {
            let number = ((value - low) / scale).round().clamp(0.0, top);
            weight(*value) * (scale * number + low - value).powi(2)
        };
        values.iter().map(off).sum()
    };
    let begin = (high - low) / top;
    let mut best = (error(begin, low), begin, low);
    for step in 0..=20 {
        let inverse = (top - 1.0 + 0.1 * step as f32) / (high - low);
        // Σ of weights, numbers, their squares, values, and numbers · values.
        let mut sums = [0.0f32; 5];
        for &value in values {
            let (number, weight) = ((inverse * (value - low)).round().clamp(0.0, top), weight(value));
            let terms = [1.0, number, number * number, value, number * value];
            sums.iter_mut().zip(terms).for_each(|(sum, term)| *sum += weight * term);
        }
        let [w, n, nn, v, nv] = sums;
        let determinant = w * nn - n * n;
        if determinant <= 0.0 {
            continue;
        }
        let (mut scale, mut offset) = ((w * nv - v * n) / determinant, (nn * v - n * nv) / determinant);
        if offset > 0.0 {
            (scale, offset) = (nv / nn, 0.0);
        }
        if scale > 0.0 {
            let error = error(scale, offset);
            if error < best.0 {
                best = (error, scale, offset);
            }
        }
    }
    (best.1, -best.2)
}

/// Groups with scales and minima that are themselves whole numbers up to `most`: the scales of those (as stored), the
/// whole numbers of each group, and the numbers of each value up to `top`.
fn groups(values: &[f32], size: usize, most: f32, top: f32) -> ([f32; 2], Vec<[u8; 2]>, Vec<u8>) {
    let fits: Vec<(f32, f32)> = values.chunks_exact(size).map(|group| fit(group, top)).collect();
    let largest = |of: &dyn Fn(&(f32, f32)) -> f32| fits.iter().map(of).fold(0.0, f32::max);
    let over = [largest(&|fit| fit.0) / most, largest(&|fit| fit.1) / most];
    let whole = |value: f32, over: f32| (value * inverse(over)).round().clamp(0.0, most) as u8;
    let each: Vec<[u8; 2]> = fits.iter().map(|fit| [whole(fit.0, over[0]), whole(fit.1, over[1])]).collect();
    let over = over.map(stored);
    let mut numbers = Vec::with_capacity(values.len());
    for (group, [scale, least]) in values.chunks_exact(size).zip(&each) {
        let (inverse, least) = (inverse(over[0] * f32::from(*scale)), over[1] * f32::from(*least));
        numbers.extend(group.iter().map(|value| ((value + least) * inverse).round().clamp(0.0, top) as u8));
    }
    (over, each, numbers)
}

fn q4_k(values: &[f32], out: &mut [u8]) {
    let (over, each, numbers) = groups(values, 32, 63.0, 15.0);
    out.fill(0);
    out[..2].copy_from_slice(&half(over[0]));
    out[2..4].copy_from_slice(&half(over[1]));
    for (group, [scale, least]) in each.into_iter().enumerate() {
        let packed = &mut out[4..16];
        if group < 4 {
            packed[group] = scale;
            packed[group + 4] = least;
        } else {
            packed[group + 4] = scale & 15 | (least & 15) << 4;
            packed[group - 4] |= scale >> 4 << 6;
            packed[group] |= least >> 4 << 6;
        }
    }
    for (place, number) in numbers.into_iter().enumerate() {
        out[16 + place / 64 * 32 + place % 32] |= number << (place / 32 % 2 * 4);
    }
}

fn q2_k(values: &[f32], out: &mut [u8]) {
    let (over, each, numbers) = groups(values, 16, 15.0, 3.0);
    out.fill(0);
    for (out, [scale, least]) in out.iter_mut().zip(each) {
        *out = scale | least << 4;
    }
    for (place, number) in numbers.into_iter().enumerate() {
        out[16 + place / 128 * 32 + place % 32] |= number << (place % 128 / 32 * 2);
    }
    out[80..82].copy_from_slice(&half(over[0]));
    out[82..84].copy_from_slice(&half(over[1]));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::layout::{layout, unpack_row};
    use rand::{Rng, SeedableRng};

    #[test]
    fn the_bytes_are_those_of_the_reference() {
        // gguf 0.19.0, `gguf.quants.quantize`, of ((37 i mod 101) − 50) / 16 · (1 + i mod 7).
        let row: Vec<f32> =
            (0..32).map(|i| ((i * 37 % 101) as f32 - 50.0) / 16.0 * (1 + i % 7) as f32).collect();
        let hex = |dtype: Dtype| {
            let mut out = vec![0; dtype.block_bytes() as usize];
            round_row(dtype, &row, &mut out);
            out.iter().map(|byte| format!("{byte:02x}")).collect::<String>()
        };
        assert_eq!(hex(Dtype::Q8_0), "7130e9f420b8f95ca10328e51f96e555ef0032cf177fca09d8f736b3087ef50c44e7");
        assert_eq!(hex(Dtype::Q5_0), "68bcdbdad292a361dc0971f45c109ba3fc0d13f57230");
        assert_eq!(hex(Dtype::Q4_0), "68c059b9760db872ae9856da760f9a7349a8");
    }

    /// Root mean square of what rounding changes, of numbers with a deviation of 1.
    fn error(dtype: Dtype) -> f64 {
        let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(1);
        // Twelve evenly spread numbers have a variance of 1.
        let row: Vec<f32> =
            (0..4096).map(|_| (0..12).map(|_| rng.random::<f32>()).sum::<f32>() - 6.0).collect();
        let layout = layout(dtype).unwrap();
        let mut bytes = vec![0; row.len() / layout.values * layout.bytes];
        let mut back = vec![0.0; row.len()];
        round_row(dtype, &row, &mut bytes);
        unpack_row(layout, &bytes, &mut back);
        let squares = row.iter().zip(&back).map(|(a, b)| f64::from(a - b).powi(2));
        (squares.sum::<f64>() / row.len() as f64).sqrt()
    }

    #[test]
    fn more_bits_keep_more() {
        // Evenly spread steps err by step / √12. Of 32 normal numbers the furthest is about 2.2 away: steps of 2.2 / 127,
        // 2.2 / 16, 2.2 / 8. With a minimum fifteen steps span about 4.1; three steps span about 3.5 of sixteen numbers,
        // and the fit takes a part of that away.
        for (dtype, least, most) in [
            (Dtype::Q8_0, 0.004, 0.006),
            (Dtype::Q5_0, 0.03, 0.05),
            (Dtype::Q4_0, 0.06, 0.10),
            (Dtype::Q4K, 0.05, 0.085),
            (Dtype::Q2K, 0.2, 0.36),
        ] {
            let error = error(dtype);
            assert!((least..most).contains(&error), "{}: {error}", dtype.name());
        }
        assert!(error(Dtype::Q4K) < error(Dtype::Q4_0));
    }

    #[test]
    fn nothing_stays_nothing() {
        for dtype in SMALLER {
            let layout = layout(dtype).unwrap();
            let (mut bytes, mut back) = (vec![7; layout.bytes], vec![1.0; layout.values]);
            round_row(dtype, &vec![0.0; layout.values], &mut bytes);
            unpack_row(layout, &bytes, &mut back);
            assert!(back.iter().all(|value| *value == 0.0), "{}", dtype.name());
        }
    }

    #[test]
    fn only_what_gets_smaller_is_rounded() {
        assert!(gets_smaller(Dtype::F16, Dtype::Q8_0, 32));
        assert!(!gets_smaller(Dtype::F16, Dtype::Q4K, 32), "no whole block");
        assert!(!gets_smaller(Dtype::Q4K, Dtype::Q4_0, 256), "as many bytes");
        assert!(gets_smaller(Dtype::Q4K, Dtype::Q2K, 256));
    }
}
