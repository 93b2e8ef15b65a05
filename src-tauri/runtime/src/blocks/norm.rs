//! Root-mean-square normalisation. Source: arXiv:1910.07467.

/// `out` = x / √(mean(x²) + epsilon) · weight, token by token. `x`, `out`: (tokens, width); `weight`: (width).
pub fn rms_norm(x: &[f32], weight: &[f32], epsilon: f32, out: &mut [f32]) {
    for (x, out) in x.chunks_exact(weight.len()).zip(out.chunks_exact_mut(weight.len())) {
        // Squares of outlier activations overflow nothing in f64, and the sum is exact enough for any width.
        let squares: f64 = x.iter().map(|&x| f64::from(x) * f64::from(x)).sum();
        let scale = (1.0 / (squares / x.len() as f64 + f64::from(epsilon)).sqrt()) as f32;
        for ((out, x), weight) in out.iter_mut().zip(x).zip(weight) {
            *out = x * scale * weight;
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_root_mean_square_becomes_one() {
        let mut out = [0.0; 4];
        super::rms_norm(&[3.0, -4.0, 0.5, 2.0], &[1.0; 4], 0.0, &mut out);
        let mean: f32 = out.iter().map(|x| x * x).sum::<f32>() / 4.0;
        assert!((mean - 1.0).abs() < 1e-6);
    }
}
