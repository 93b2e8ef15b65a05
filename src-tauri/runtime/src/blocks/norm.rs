//! Normalisation: root mean square (arXiv:1910.07467) or mean and variance (arXiv:1607.06450).

/// What is made one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NormKind {
    RootMeanSquare,
    /// The mean is taken away first.
    Layer,
}

/// Norms with trained weights.
pub struct Norm {
    pub kind: NormKind,
    pub epsilon: f32,
    /// How many numbers are normed together: all that have weights, or one head of several.
    pub span: usize,
    /// A whole number of spans.
    pub weight: Vec<f32>,
    pub bias: Option<Vec<f32>>,
}

impl Norm {
    /// `out` from `x`, both (tokens, any number of weights).
    pub fn apply(&self, x: &[f32], out: &mut [f32]) {
        out.copy_from_slice(x);
        self.in_place(out);
    }

    pub fn in_place(&self, x: &mut [f32]) {
        for x in x.chunks_exact_mut(self.weight.len()) {
            for (x, weight) in x.chunks_exact_mut(self.span).zip(self.weight.chunks_exact(self.span)) {
                self.one(x, weight);
            }
            if let Some(bias) = &self.bias {
                super::add(x, bias);
            }
        }
    }

    fn one(&self, x: &mut [f32], weight: &[f32]) {
        if self.kind == NormKind::Layer {
            let mean = (x.iter().map(|&x| f64::from(x)).sum::<f64>() / x.len() as f64) as f32;
            x.iter_mut().for_each(|x| *x -= mean);
        }
        // Squares of outlier activations overflow nothing in f64, and the sum is exact enough for any width.
        let squares: f64 = x.iter().map(|&x| f64::from(x) * f64::from(x)).sum();
        let scale = (1.0 / (squares / x.len() as f64 + f64::from(self.epsilon)).sqrt()) as f32;
        for (x, weight) in x.iter_mut().zip(weight) {
            *x = *x * scale * weight;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn norm(kind: NormKind, span: usize, weight: &[f32]) -> Norm {
        Norm { kind, epsilon: 0.0, span, weight: weight.to_vec(), bias: None }
    }

    #[test]
    fn the_root_mean_square_becomes_one() {
        let mut out = [0.0; 4];
        norm(NormKind::RootMeanSquare, 4, &[1.0; 4]).apply(&[3.0, -4.0, 0.5, 2.0], &mut out);
        let mean: f32 = out.iter().map(|x| x * x).sum::<f32>() / 4.0;
        assert!((mean - 1.0).abs() < 1e-6);
    }

    #[test]
    fn each_head_has_its_own_norm_and_weights() {
        let mut x = [1.0, 3.0, 10.0, 30.0];
        norm(NormKind::Layer, 2, &[1.0, 1.0, 5.0, 5.0]).in_place(&mut x);
        assert_eq!(x, [-1.0, 1.0, -5.0, 5.0]);
    }
}
