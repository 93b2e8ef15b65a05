//! Nearest: one bit of each number of many vectors in memory, and which of them may point most the way of another one.
//!
//! A bit says that a number is above 0. The numbers of the question, added up where a vector has its bits, order vectors
//! nearly as their cosines do: whoever keeps the vectors compares the best few in full. Nothing is built, so that adding is
//! appending and a vector that is forgotten is gone; `tests/scale.rs` measures what is missed.
//!
//! Source: one bit for the vector and four for the question, as in RaBitQ (arXiv:2405.12497), without its rotation, which
//!         vectors of sentences do not need

use crate::kernels::float::dot_i8;
use crate::wide;

/// One vector in so many is compared in full, and never fewer than the other. Of 12,500 vectors of questions by
/// all-MiniLM-L6-v2 the ten nearest are among one in 400 to 95.3 %, among one in 200 to 98.7 %; by counting differing signs
/// 85.1 and 93.0 %.
const ONE_IN: usize = 250;
const LEAST: usize = 500;

/// Vectors whose words lie together.
const BLOCK: usize = 256;

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

    /// The numbers as they are stored.
    pub fn bytes(&self) -> &[u8] {
        bytemuck::cast_slice(&self.numbers)
    }

    /// The dot product with a stored vector; `None`: that one has another width.
    pub fn cosine(&self, scale: f32, bytes: &[u8]) -> Option<f32> {
        let same = bytes.len() == self.numbers.len();
        same.then(|| dot_i8(&self.numbers, bytemuck::cast_slice(bytes)) as f32 * self.scale * scale)
    }

    /// One bit for each number, 1 where it is above 0, the last byte filled up with zeros.
    pub fn signs(&self) -> Vec<u8> {
        let byte = |numbers: &[i8]| {
            numbers.iter().enumerate().fold(0, |byte, (at, &number)| byte | u8::from(number > 0) << at)
        };
        self.numbers.chunks(8).map(byte).collect()
    }
}

/// Signs of vectors of one width under keys that rise.
#[derive(Default)]
pub struct Nearest {
    /// Bytes of each.
    bytes: usize,
    keys: Vec<i64>,
    /// (blocks, words of 64 numbers, [`BLOCK`]), the last block filled up with zeros.
    words: Vec<u64>,
}

impl Nearest {
    /// `false`: the key does not rise, or the signs are of another width than the first.
    pub fn push(&mut self, key: i64, signs: &[u8]) -> bool {
        if self.keys.is_empty() {
            self.bytes = signs.len();
        }
        if signs.len() != self.bytes || self.keys.last().is_some_and(|last| *last >= key) {
            return false;
        }
        let (at, count) = (self.keys.len(), self.bytes.div_ceil(8));
        let block = at / BLOCK * BLOCK * count;
        self.words.resize(block + BLOCK * count, 0);
        for (word, bytes) in self.words[block + at % BLOCK..].iter_mut().step_by(BLOCK).zip(signs.chunks(8)) {
            *word = bytes.iter().enumerate().fold(0, |word, (at, &byte)| word | u64::from(byte) << (8 * at));
        }
        self.keys.push(key);
        true
    }

    pub fn len(&self) -> usize {
        self.keys.len()
    }

    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Keys in their order of at least `limit` vectors, if there are so many, with the nearest among them.
    pub fn candidates(&self, asked: &Packed, limit: usize) -> Vec<i64> {
        if asked.numbers.len().div_ceil(8) != self.bytes || limit == 0 {
            return Vec::new();
        }
        let enough = (self.len() / ONE_IN).max(LEAST).max(limit);
        if self.len() <= enough {
            return self.keys.clone();
        }
        let mut sums = vec![0; self.words.len() / self.bytes.div_ceil(8)];
        sum_where_set(&self.words, &planes(asked), &mut sums);
        sums.truncate(self.len());
        let (least, most) = sums.iter().fold((i32::MAX, i32::MIN), |(a, b), &sum| (a.min(sum), b.max(sum)));
        let mut counts = vec![0usize; (most - least) as usize + 1];
        sums.iter().for_each(|sum| counts[(most - sum) as usize] += 1);
        let mut so_far = 0;
        let below = counts.iter().position(|count| {
            so_far += count;
            so_far >= enough
        });
        let least = most - below.unwrap_or(counts.len()) as i32;
        self.keys.iter().zip(&sums).filter(|(_, sum)| **sum >= least).map(|(key, _)| *key).collect()
    }
}

/// The question's numbers in four bits each, two's complement. (words, 4): where each of the bits is set.
fn planes(asked: &Packed) -> Vec<[u64; 4]> {
    let most = asked.numbers.iter().map(|number| i32::from(*number).abs()).max().unwrap_or(0).max(1);
    let four = |number: i8| (f32::from(number) * 7.0 / most as f32).round() as i8 as u64;
    let words = asked.numbers.chunks(64).map(|numbers| {
        let bits = numbers.iter().enumerate();
        bits.fold([0u64; 4], |planes, (at, &number)| {
            std::array::from_fn(|bit| planes[bit] | (four(number) >> bit & 1) << at)
        })
    });
    words.collect()
}

wide! {
    /// For each vector the sum of the question's numbers where it has its bits. `words` as in [`Nearest`].
    fn sum_where_set<FUSED>(words: &[u64], planes: &[[u64; 4]], sums: &mut [i32]) {
        let _ = FUSED;
        for (block, sums) in words.chunks_exact(BLOCK * planes.len()).zip(sums.chunks_exact_mut(BLOCK)) {
            for (words, planes) in block.chunks_exact(BLOCK).zip(planes) {
                for (word, sum) in words.iter().zip(sums.iter_mut()) {
                    let [one, two, four, minus_eight] = planes.map(|plane| (word & plane).count_ones() as i32);
                    *sum += one + 2 * two + 4 * four - 8 * minus_eight;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packed(from: i8) -> Packed {
        Packed { scale: 0.01, numbers: (0..100).map(|at| ((at * 7 + i32::from(from)) * 31) as i8).collect() }
    }

    #[test]
    fn sums_are_those_of_the_questions_numbers_where_a_vector_is_above_zero() {
        let (asked, mut nearest) = (packed(3), Nearest::default());
        let vectors: Vec<Packed> = (0..600).map(|n| packed((n % 127) as i8)).collect();
        for (key, vector) in vectors.iter().enumerate() {
            assert!(nearest.push(key as i64, &vector.signs()));
        }
        let mut sums = vec![0; nearest.words.len() / 2];
        sum_where_set(&nearest.words, &planes(&asked), &mut sums);
        let most = asked.numbers.iter().map(|number| i32::from(*number).abs()).max().unwrap();
        for (vector, sum) in vectors.iter().zip(&sums) {
            let four = |number: i8| (f32::from(number) * 7.0 / most as f32).round() as i32;
            let set = asked.numbers.iter().zip(&vector.numbers).filter(|(_, number)| **number > 0);
            assert_eq!(set.map(|(asked, _)| four(*asked)).sum::<i32>(), *sum);
        }
        assert_eq!(sums[600..], vec![0; 768 - 600], "the last block is filled up");
        let found = nearest.candidates(&asked, 1);
        assert!((LEAST..600).contains(&found.len()) && found.is_sorted() && found.contains(&3));
        assert!(!nearest.push(599, &vectors[0].signs()), "keys rise");
        assert!(!nearest.push(600, &[0; 3]), "one width");
        assert!(nearest.candidates(&Packed { scale: 1.0, numbers: vec![1; 8] }, 5).is_empty());
    }
}
