//! Nearest: vectors in memory, eight bits a number, and those that point most the way of another one.
//!
//! Up to [`EXACT`] all are compared. Beyond, the signs come first: one bit a number, counted where they differ, and the
//! vectors that differ least are compared in eight bits. Nothing is built and nothing is on the disk, so that adding is
//! appending and a vector that is forgotten is gone; `tests/embed.rs` measures what is missed.

use crate::kernels::float::dot_i8;
use crate::wide;

/// Vectors that are all compared.
pub const EXACT: usize = 50_000;
/// Beyond: one vector in so many is compared, and never fewer than the other.
const ONE_IN: usize = 400;
const LEAST: usize = 1_000;

/// A vector in eight bits a number: `scale * numbers`, within half a scale each.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Packed {
    pub scale: f32,
    pub numbers: Vec<i8>,
}

impl Packed {
    pub fn of(vector: &[f32]) -> Packed {
        let most = vector.iter().fold(0.0f32, |most, x| most.max(x.abs()));
        let scale = most / 127.0;
        let number = |x: &f32| if scale > 0.0 { (x / scale).round() as i8 } else { 0 };
        Packed { scale, numbers: vector.iter().map(number).collect() }
    }
}

/// Vectors of one width under keys that rise.
#[derive(Default)]
pub struct Nearest {
    width: usize,
    keys: Vec<i64>,
    scales: Vec<f32>,
    /// (keys, width)
    numbers: Vec<i8>,
    /// (keys, words of 64 numbers): 1 where a number is above 0.
    signs: Vec<u64>,
}

impl Nearest {
    /// `false`: the key does not rise, or the width is another than that of the first.
    pub fn push(&mut self, key: i64, scale: f32, numbers: impl ExactSizeIterator<Item = i8>) -> bool {
        if self.keys.is_empty() {
            self.width = numbers.len();
        }
        if numbers.len() != self.width || self.keys.last().is_some_and(|last| *last >= key) {
            return false;
        }
        let from = self.numbers.len();
        self.numbers.extend(numbers);
        self.signs.extend(signs(&self.numbers[from..]));
        self.keys.push(key);
        self.scales.push(scale);
        true
    }

    pub fn len(&self) -> usize {
        self.keys.len()
    }

    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Keys and cosines, nearest first. `EXACT` decides how.
    pub fn nearest(&self, asked: &Packed, limit: usize) -> Vec<(i64, f32)> {
        if self.len() <= EXACT { self.all(asked, limit) } else { self.by_signs(asked, limit) }
    }

    /// The same by comparing every vector.
    pub fn all(&self, asked: &Packed, limit: usize) -> Vec<(i64, f32)> {
        self.best(asked, limit, 0..self.len())
    }

    /// The same by the signs first.
    pub fn by_signs(&self, asked: &Packed, limit: usize) -> Vec<(i64, f32)> {
        if asked.numbers.len() != self.width || self.is_empty() {
            return Vec::new();
        }
        let mut differing = vec![0u16; self.len()];
        differ(&self.signs, &signs(&asked.numbers).collect::<Vec<_>>(), &mut differing);
        let mut counts = vec![0usize; self.width + 1];
        differing.iter().for_each(|&bits| counts[usize::from(bits)] += 1);
        let enough = (self.len() / ONE_IN).max(LEAST).max(limit);
        let mut so_far = 0;
        let most = counts.iter().position(|count| {
            so_far += count;
            so_far >= enough
        });
        let most = most.unwrap_or(self.width);
        let near = differing.iter().enumerate().filter(|(_, bits)| usize::from(**bits) <= most);
        self.best(asked, limit, near.map(|(at, _)| at))
    }

    /// `None`: there is none under this key.
    pub fn cosine(&self, asked: &Packed, key: i64) -> Option<f32> {
        let at = self.keys.binary_search(&key).ok()?;
        (asked.numbers.len() == self.width).then(|| self.cosine_at(asked, at))
    }

    fn cosine_at(&self, asked: &Packed, at: usize) -> f32 {
        let numbers = &self.numbers[at * self.width..][..self.width];
        dot_i8(&asked.numbers, numbers) as f32 * asked.scale * self.scales[at]
    }

    fn best(&self, asked: &Packed, limit: usize, places: impl Iterator<Item = usize>) -> Vec<(i64, f32)> {
        if asked.numbers.len() != self.width || limit == 0 {
            return Vec::new();
        }
        let mut best: Vec<(f32, usize)> = places.map(|at| (self.cosine_at(asked, at), at)).collect();
        let nearer = |a: &(f32, usize), b: &(f32, usize)| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1));
        if best.len() > limit {
            best.select_nth_unstable_by(limit, nearer);
            best.truncate(limit);
        }
        best.sort_by(nearer);
        best.into_iter().map(|(cosine, at)| (self.keys[at], cosine)).collect()
    }
}

/// A bit for each number, the last word filled up with zeros.
fn signs(numbers: &[i8]) -> impl Iterator<Item = u64> {
    numbers.chunks(64).map(|numbers| {
        numbers.iter().enumerate().fold(0, |word, (at, &number)| word | u64::from(number > 0) << at)
    })
}

wide! {
    /// In how many bits each row of `signs` differs from `asked`. `signs`: (rows of `out`, words of `asked`).
    fn differ<FUSED>(signs: &[u64], asked: &[u64], out: &mut [u16]) {
        let _ = FUSED;
        for (row, out) in signs.chunks_exact(asked.len()).zip(out) {
            *out = row.iter().zip(asked).map(|(a, b)| (a ^ b).count_ones()).sum::<u32>() as u16;
        }
    }
}
