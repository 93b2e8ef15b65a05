//! Rotary position embedding. Sources: RoFormer (arXiv:2104.09864); YaRN (arXiv:2309.00071); frequency factors: Llama 3.1
//! and LongRoPE (arXiv:2402.13753).
//!
//! Angles are computed in double precision at every position: a table in 16 or 32 bits is wrong far into a text.

/// Which numbers of a head form a pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pairs {
    /// (0, 1), (2, 3), …
    Neighbours,
    /// (0, n/2), (1, n/2 + 1), …
    Halves,
}

/// Turns pairs of numbers by an angle that grows with the position.
pub struct Rope {
    /// Radians a position, one for each pair.
    speeds: Vec<f64>,
    pairs: Pairs,
    /// What is turned is also multiplied by this.
    magnitude: f32,
}

/// Which pairs YaRN slows down: those that turn fewer than `slow` times in `original` positions wholly, those that turn
/// more than `fast` times not at all, between them in proportion.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Yarn {
    pub factor: f32,
    /// Positions that the model was trained with before.
    pub original: f32,
    pub fast: f32,
    pub slow: f32,
    /// The borders are moved outwards to whole pairs.
    pub whole: bool,
}

impl Rope {
    /// `dims`: numbers of a head that are turned.
    pub fn new(dims: usize, base: f32, pairs: Pairs) -> Rope {
        let speed = |pair: usize| f64::from(base).powf(-2.0 * pair as f64 / dims as f64);
        Rope { speeds: (0..dims / 2).map(speed).collect(), pairs, magnitude: 1.0 }
    }

    /// Positions are squeezed by `factor`.
    pub fn linear(mut self, factor: f32) -> Rope {
        self.speeds.iter_mut().for_each(|speed| *speed /= f64::from(factor));
        self
    }

    /// Each pair's speed divided by its own factor (dims / 2).
    pub fn divided(mut self, factors: &[f32]) -> Rope {
        self.speeds.iter_mut().zip(factors).for_each(|(speed, factor)| *speed /= f64::from(*factor));
        self
    }

    pub fn magnified(mut self, magnitude: f32) -> Rope {
        self.magnitude = magnitude;
        self
    }

    pub fn yarn(mut self, base: f32, yarn: &Yarn) -> Rope {
        let pairs = self.speeds.len() as f64;
        // The pair that turns `turns` times in the original context.
        let pair = |turns: f32| {
            let wave = f64::from(yarn.original) / (f64::from(turns) * std::f64::consts::TAU);
            pairs * wave.ln() / f64::from(base).ln()
        };
        let (mut low, mut high) = (pair(yarn.fast), pair(yarn.slow));
        if yarn.whole {
            (low, high) = (low.floor(), high.ceil());
        }
        (low, high) = (low.max(0.0), high.min(2.0 * pairs - 1.0));
        if low == high {
            high += 0.001;
        }
        for (pair, speed) in self.speeds.iter_mut().enumerate() {
            let squeezed = ((pair as f64 - low) / (high - low)).clamp(0.0, 1.0);
            *speed = *speed / f64::from(yarn.factor) * squeezed + *speed * (1.0 - squeezed);
        }
        self
    }

    /// Angles for `count` positions from `first` on.
    pub fn turn(&self, first: usize, count: usize) -> Turn {
        let mut turn = Turn { angles: Vec::new(), pairs: self.speeds.len(), kind: self.pairs };
        turn.angles.reserve_exact(count * self.speeds.len());
        for position in first..first + count {
            for speed in &self.speeds {
                let (sine, cosine) = (position as f64 * speed).sin_cos();
                turn.angles.push((sine as f32 * self.magnitude, cosine as f32 * self.magnitude));
            }
        }
        turn
    }
}

/// Angles of some positions in a row.
pub struct Turn {
    /// (positions, pairs) of sine and cosine.
    angles: Vec<(f32, f32)>,
    pairs: usize,
    kind: Pairs,
}

impl Turn {
    /// (positions, pairs) of sine and cosine, times the magnitude.
    pub fn angles(&self) -> &[(f32, f32)] {
        &self.angles
    }

    /// Pairs of a head that are turned.
    pub fn pairs(&self) -> usize {
        self.pairs
    }

    pub fn kind(&self) -> Pairs {
        self.kind
    }

    /// Turns every head of `x` (positions, heads, head_width), from its number `first` on.
    pub fn apply(&self, x: &mut [f32], heads: usize, head_width: usize, first: usize) {
        for (x, angles) in x.chunks_exact_mut(heads * head_width).zip(self.angles.chunks_exact(self.pairs)) {
            for head in x.chunks_exact_mut(head_width) {
                let head = &mut head[first..first + 2 * self.pairs];
                match self.kind {
                    Pairs::Neighbours => {
                        for (pair, angle) in head.chunks_exact_mut(2).zip(angles) {
                            (pair[0], pair[1]) = turned(pair[0], pair[1], *angle);
                        }
                    }
                    Pairs::Halves => {
                        let (low, high) = head.split_at_mut(self.pairs);
                        for ((a, b), angle) in low.iter_mut().zip(high).zip(angles) {
                            (*a, *b) = turned(*a, *b, *angle);
                        }
                    }
                }
            }
        }
    }
}

#[inline(always)]
fn turned(a: f32, b: f32, (sine, cosine): (f32, f32)) -> (f32, f32) {
    (a * cosine - b * sine, a * sine + b * cosine)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_depend_on_the_distance_alone() {
        for pairs in [Pairs::Neighbours, Pairs::Halves] {
            let rope = Rope::new(8, 10_000.0, pairs);
            let (q, k) = ([1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0], [8.0, 1.0, 7.0, 2.0, 6.0, 3.0, 5.0, 4.0]);
            let score = |at_q: usize, at_k: usize| {
                let (mut q, mut k) = (q, k);
                rope.turn(at_q, 1).apply(&mut q, 1, 8, 0);
                rope.turn(at_k, 1).apply(&mut k, 1, 8, 0);
                q.iter().zip(&k).map(|(q, k)| f64::from(*q) * f64::from(*k)).sum::<f64>()
            };
            // Eight products below 64, each with an error of about 2^-22 of itself.
            assert!((score(9, 4) - score(90_009, 90_004)).abs() < 2e-4);
            assert!((score(9, 4) - score(9, 5)).abs() > 0.1);
        }
    }

    #[test]
    fn yarn_keeps_fast_pairs_and_slows_slow_ones() {
        let yarn = Yarn { factor: 8.0, original: 4096.0, fast: 32.0, slow: 1.0, whole: true };
        let plain = Rope::new(64, 10_000.0, Pairs::Halves);
        let scaled = Rope::new(64, 10_000.0, Pairs::Halves).yarn(10_000.0, &yarn);
        assert_eq!(scaled.speeds[0], plain.speeds[0]);
        assert!((scaled.speeds[31] * 8.0 / plain.speeds[31] - 1.0).abs() < 1e-12);
        assert!(scaled.speeds.windows(2).all(|pair| pair[0] > pair[1]));
    }
}
