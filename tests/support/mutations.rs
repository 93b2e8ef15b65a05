//! Damages files the way an attacker would: numbers become extreme, lengths lie, types change, pieces are cut out, doubled
//! and mixed with other files. One seed and one number always give the same file.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Numbers at which readers break: ends of ranges, products that wrap, signs.
const EXTREMES: &[u64] = &[
    0,
    1,
    2,
    7,
    8,
    31,
    32,
    63,
    64,
    255,
    256,
    4095,
    65_535,
    65_536,
    (1 << 24) + 1,
    (1 << 31) - 1,
    1 << 31,
    u32::MAX as u64,
    1 << 32,
    (1 << 61) + 1,
    1 << 62,
    i64::MAX as u64,
    1 << 63,
    u64::MAX - 7,
    u64::MAX,
];

/// Mutation `number` of `seed`: one of `corpus`, damaged in up to eight places. `words` are pieces of the format.
pub fn mutation(corpus: &[Vec<u8>], words: &[&[u8]], seed: u64, number: u64) -> Vec<u8> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    random.set_stream(number);
    let mut bytes = corpus[random.random_range(0..corpus.len())].clone();
    loop {
        damage(&mut bytes, corpus, words, &mut random);
        if random.random_bool(0.5) || bytes.is_empty() {
            return bytes;
        }
    }
}

fn damage(bytes: &mut Vec<u8>, corpus: &[Vec<u8>], words: &[&[u8]], random: &mut ChaCha8Rng) {
    let length = bytes.len();
    if length == 0 {
        return;
    }
    let at = random.random_range(0..length);
    let short = random.random_range(1..=64usize.min(length));
    match random.random_range(0..14) {
        0 => bytes[at] ^= 1 << random.random_range(0..8),
        1 => bytes[at] = random.random(),
        2 => overwrite(bytes, at, &extreme(random).to_le_bytes()[..1 << random.random_range(0..4)]),
        3 | 4 => {
            if let Some(at) = small_number(bytes, random) {
                let now = u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap_or_default());
                let lie = match random.random_range(0..5) {
                    0 => now.wrapping_add(1),
                    1 => now.wrapping_sub(1),
                    // As many bytes as are left, or one more.
                    2 => (length - at - 8 + random.random_range(0..2)) as u64,
                    _ => extreme(random),
                };
                overwrite(bytes, at, &lie.to_le_bytes());
            }
        }
        5 => overwrite(bytes, at / 4 * 4, &random.random_range(0..44u32).to_le_bytes()),
        6 => bytes.truncate(at),
        7 => bytes.extend(std::iter::repeat_n(random.random::<u8>(), short)),
        8 => drop(bytes.drain(at..(at + short).min(length))),
        9 => {
            let piece = bytes[at..(at + short).min(length)].to_vec();
            let to = random.random_range(0..=length);
            bytes.splice(to..to, piece);
        }
        10 => {
            let other = &corpus[random.random_range(0..corpus.len())];
            let from = random.random_range(0..other.len());
            let piece = &other[from..(from + 4 * short).min(other.len())];
            let end = if random.random() { at } else { (at + piece.len()).min(length) };
            bytes.splice(at..end, piece.iter().copied());
        }
        11 | 12 if !words.is_empty() => {
            let word = words[random.random_range(0..words.len())];
            let end = if random.random() { at } else { (at + word.len()).min(length) };
            bytes.splice(at..end, word.iter().copied());
        }
        _ => {
            // A number that is written in digits.
            if let Some(start) = (at..length).find(|&at| bytes[at].is_ascii_digit()) {
                let end = (start..length).find(|&at| !bytes[at].is_ascii_digit()).unwrap_or(length);
                let number = extreme(random).to_string();
                bytes.splice(start..end, number.bytes());
            }
        }
    }
}

fn extreme(random: &mut ChaCha8Rng) -> u64 {
    EXTREMES[random.random_range(0..EXTREMES.len())]
}

fn overwrite(bytes: &mut [u8], at: usize, with: &[u8]) {
    let end = (at + with.len()).min(bytes.len());
    bytes[at..end].copy_from_slice(&with[..end - at]);
}

/// Where eight bytes are a small number: a length, a count, a size, an offset.
fn small_number(bytes: &[u8], random: &mut ChaCha8Rng) -> Option<usize> {
    let last = bytes.len().checked_sub(8)?;
    (0..32).map(|_| random.random_range(0..=last)).find(|&at| {
        let number = u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap_or_default());
        (1..1 << 20).contains(&number) && bytes[at] > 0
    })
}
