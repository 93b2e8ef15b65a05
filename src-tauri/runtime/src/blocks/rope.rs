//! Rotary position embedding. Source: RoFormer (arXiv:2104.09864); frequency factors: Llama 3.1.
//!
//! Angles are computed in double precision at every position: a table in 16 or 32 bits is wrong far into a text.

/// Turns pairs of numbers by an angle that grows with the position.
pub struct Rope {
    /// Radians a position, one for each pair.
    speeds: Vec<f64>,
}

/// Angles of some positions in a row: (positions, pairs).
#[derive(Default)]
pub struct Turn {
    sine: Vec<f32>,
    cosine: Vec<f32>,
    pairs: usize,
}

impl Rope {
    /// `dims`: numbers of a head that are turned. `scale`: linear scaling of positions. `factors`: divisors of the
    /// frequencies (dims / 2).
    pub fn new(dims: usize, base: f32, scale: f32, factors: Option<&[f32]>) -> Rope {
        let speed = |pair: usize| {
            let plain = f64::from(base).powf(-2.0 * pair as f64 / dims as f64);
            plain / factors.map_or(1.0, |factors| f64::from(factors[pair])) / f64::from(scale)
        };
        Rope { speeds: (0..dims / 2).map(speed).collect() }
    }

    /// Angles for `count` positions from `first` on.
    pub fn turn(&self, first: usize, count: usize, turn: &mut Turn) {
        turn.pairs = self.speeds.len();
        turn.sine.clear();
        turn.cosine.clear();
        for position in first..first + count {
            for speed in &self.speeds {
                let (sine, cosine) = (position as f64 * speed).sin_cos();
                turn.sine.push(sine as f32);
                turn.cosine.push(cosine as f32);
            }
        }
    }
}

impl Turn {
    /// Turns neighbours (0, 1), (2, 3), … of every head, as GGUF files of the Llama family are laid out.
    /// `x`: (positions, heads, head_width).
    pub fn neighbours(&self, x: &mut [f32], heads: usize, head_width: usize) {
        for (position, x) in x.chunks_exact_mut(heads * head_width).enumerate() {
            let angles = position * self.pairs..(position + 1) * self.pairs;
            let (sine, cosine) = (&self.sine[angles.clone()], &self.cosine[angles]);
            for head in x.chunks_exact_mut(head_width) {
                for ((pair, sine), cosine) in head.chunks_exact_mut(2).zip(sine).zip(cosine) {
                    let (a, b) = (pair[0], pair[1]);
                    pair[0] = a * cosine - b * sine;
                    pair[1] = a * sine + b * cosine;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_depend_on_the_distance_alone() {
        let rope = Rope::new(8, 10_000.0, 1.0, None);
        let (q, k) = ([1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0], [8.0, 1.0, 7.0, 2.0, 6.0, 3.0, 5.0, 4.0]);
        let score = |at_q: usize, at_k: usize| {
            let (mut q, mut k, mut turn) = (q, k, Turn::default());
            rope.turn(at_q, 1, &mut turn);
            turn.neighbours(&mut q, 1, 8);
            rope.turn(at_k, 1, &mut turn);
            turn.neighbours(&mut k, 1, 8);
            q.iter().zip(&k).map(|(q, k)| f64::from(*q) * f64::from(*k)).sum::<f64>()
        };
        // Eight products below 64, each with an error of about 2^-22 of itself.
        assert!((score(9, 4) - score(90_009, 90_004)).abs() < 2e-4);
        assert!((score(9, 4) - score(9, 5)).abs() > 0.1);
    }
}
