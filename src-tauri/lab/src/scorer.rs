//! The scorer: what a sentence is worth to a question, learned from questions whose answers are known.
//!
//! In:     of each question the features of its sentences, and which of them hold the answer
//! Out:    a weight for each feature, the same for the same questions
//! Source: listwise softmax (ListNet, ICML 2007) by Adam (arXiv:1412.6980)
//!
//! The engine reads the weights (`src-tauri/engine/src/compress/scorer.txt`); the command that writes them again is in
//! `tests/compress.rs`, where the questions are.

/// One question.
#[derive(Clone, Debug)]
pub struct Example {
    /// (sentences, features)
    pub rows: Vec<Vec<f32>>,
    /// Whether each sentence holds the answer.
    pub holds: Vec<bool>,
}

const EPOCHS: usize = 12;
/// Questions of one step.
const BATCH: usize = 32;
/// Falls in a straight line to 0.
const RATE: f32 = 0.02;
/// Towards zero at each step: features that say the same share their weight.
const SHRINK: f32 = 0.01;

/// What a feature has to spread to count as one, so that a constant is not blown up.
const LEAST_SPREAD: f32 = 1e-3;

/// The weights by which sentences that hold the answer get the most of the softmax over their question's sentences.
/// A question is seen in the order given, so examples that are alike should stand apart.
pub fn train(examples: &[Example]) -> Vec<f32> {
    let width = examples.first().and_then(|one| one.rows.first()).map_or(0, Vec::len);
    let rows = || examples.iter().flat_map(|one| &one.rows);
    let n = rows().count().max(1) as f32;
    let mean: Vec<f32> = (0..width).map(|f| rows().map(|row| row[f]).sum::<f32>() / n).collect();
    let spread: Vec<f32> = (0..width)
        .map(|f| (rows().map(|row| (row[f] - mean[f]).powi(2)).sum::<f32>() / n).sqrt().max(LEAST_SPREAD))
        .collect();
    let standard =
        |row: &Vec<f32>| -> Vec<f32> { (0..width).map(|f| (row[f] - mean[f]) / spread[f]).collect() };
    let told: Vec<(Vec<Vec<f32>>, &[bool])> = examples
        .iter()
        .filter(|one| one.holds.contains(&true) && one.holds.contains(&false))
        .map(|one| (one.rows.iter().map(standard).collect(), &one.holds[..]))
        .collect();
    let mut adam =
        Adam { weights: vec![0.0; width], first: vec![0.0; width], second: vec![0.0; width], steps: 0 };
    let steps = (EPOCHS * told.len().div_ceil(BATCH)) as f32;
    for _ in 0..EPOCHS {
        for batch in told.chunks(BATCH) {
            let mut slope = vec![0.0; width];
            batch.iter().for_each(|(rows, holds)| add_slope(&adam.weights, rows, holds, &mut slope));
            slope.iter_mut().for_each(|slope| *slope /= batch.len() as f32);
            adam.step(&slope, RATE * (1.0 - adam.steps as f32 / steps));
        }
    }
    // The mean moves every sentence alike, which changes no order.
    adam.weights.iter().zip(&spread).map(|(weight, spread)| weight / spread).collect()
}

/// Adds the slope of -ln(the softmax's share of the sentences that hold the answer).
fn add_slope(weights: &[f32], rows: &[Vec<f32>], holds: &[bool], slope: &mut [f32]) {
    let score = |x: &Vec<f32>| weights.iter().zip(x).map(|(w, x)| w * x).sum::<f32>();
    let scores: Vec<f32> = rows.iter().map(score).collect();
    let most = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let shares: Vec<f32> = scores.iter().map(|score| (score - most).exp()).collect();
    let all: f32 = shares.iter().sum();
    let right: f32 = shares.iter().zip(holds).filter(|(_, holds)| **holds).map(|(share, _)| share).sum();
    for ((x, share), holds) in rows.iter().zip(&shares).zip(holds) {
        let wanted = if *holds { share / right.max(f32::MIN_POSITIVE) } else { 0.0 };
        slope.iter_mut().zip(x).for_each(|(slope, x)| *slope += (share / all - wanted) * x);
    }
}

struct Adam {
    weights: Vec<f32>,
    first: Vec<f32>,
    second: Vec<f32>,
    steps: i32,
}

impl Adam {
    fn step(&mut self, slope: &[f32], rate: f32) {
        const FIRST: f32 = 0.9;
        const SECOND: f32 = 0.999;
        self.steps += 1;
        let (first_seen, second_seen) = (1.0 - FIRST.powi(self.steps), 1.0 - SECOND.powi(self.steps));
        for (at, weight) in self.weights.iter_mut().enumerate() {
            let slope = slope[at] + SHRINK * *weight;
            self.first[at] = FIRST * self.first[at] + (1.0 - FIRST) * slope;
            self.second[at] = SECOND * self.second[at] + (1.0 - SECOND) * slope * slope;
            *weight -= rate * (self.first[at] / first_seen) / ((self.second[at] / second_seen).sqrt() + 1e-8);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The answer is where the first feature is largest; the second is noise of chance, the third never moves.
    fn examples() -> Vec<Example> {
        (0..200u32)
            .map(|question| {
                let noise = |at: u32| ((question * 7 + at * 13) % 11) as f32 / 11.0;
                let rows = (0..5).map(|at| {
                    vec![if at == question % 5 { 1.0 } else { 0.2 * noise(at) }, noise(at + 3), 4.0]
                });
                Example { rows: rows.collect(), holds: (0..5).map(|at| at == question % 5).collect() }
            })
            .collect()
    }

    #[test]
    fn what_tells_the_answer_is_weighed_and_the_rest_is_not() {
        let weights = train(&examples());
        assert!(weights[0] > 1.0 && weights[0] > 10.0 * weights[1].abs(), "{weights:?}");
        assert_eq!(weights[2], 0.0, "a constant says nothing");
        assert_eq!(train(&examples()), weights);
    }

    #[test]
    fn nothing_told_is_nothing_learned() {
        assert_eq!(train(&[]), Vec::<f32>::new());
        let all = Example { rows: vec![vec![1.0], vec![2.0]], holds: vec![true, true] };
        assert_eq!(train(&[all]), [0.0]);
    }

    #[test]
    fn the_slope_is_that_of_the_loss() {
        let (rows, holds) = (vec![vec![0.3, -1.0], vec![1.0, 0.5], vec![-0.2, 0.8]], [false, true, true]);
        let loss = |w: &[f32]| {
            let shares: Vec<f32> =
                rows.iter().map(|x: &Vec<f32>| (w[0] * x[0] + w[1] * x[1]).exp()).collect();
            -((shares[1] + shares[2]) / shares.iter().sum::<f32>()).ln()
        };
        let mut slope = [0.0; 2];
        add_slope(&[0.4, -0.3], &rows, &holds, &mut slope);
        // Central differences of 0.01 in f32: exact to about 1e-4.
        let near = [
            (loss(&[0.41, -0.3]) - loss(&[0.39, -0.3])) / 0.02,
            (loss(&[0.4, -0.29]) - loss(&[0.4, -0.31])) / 0.02,
        ];
        assert!((slope[0] - near[0]).abs() < 1e-3 && (slope[1] - near[1]).abs() < 1e-3, "{slope:?} {near:?}");
    }
}
