//! The encoder's forward pass: every token looks at every other one of its text.

use super::model::{Layer, Model, Pooling};
use crate::blocks::{Linear, add};
use crate::kernels::attend::exp;
use crate::kernels::float::dot;
use crate::kernels::wide::mac;
use crate::wide;
use std::ops::Range;
use std::sync::atomic::AtomicBool;

/// A vector of length 1 for each text. `texts`: ids with their first and last token, none empty or longer than the model
/// has positions, every id below the size of its vocabulary.
pub(super) fn forward(model: &Model, texts: &[Vec<u32>]) -> Vec<Vec<f32>> {
    let width = model.width;
    let mut spans: Vec<Range<usize>> = Vec::with_capacity(texts.len());
    let mut x: Vec<f32> = Vec::new();
    let mut row = vec![0.0; width];
    for ids in texts {
        let first = x.len() / width;
        for (position, &id) in ids.iter().enumerate() {
            model.words.read_row(id as usize, &mut row);
            add(&mut row, &model.positions[position * width..][..width]);
            add(&mut row, &model.kind);
            x.extend_from_slice(&row);
        }
        spans.push(first..x.len() / width);
    }
    model.norm.in_place(&mut x);
    for layer in &model.layers {
        block(model, layer, &spans, &mut x);
    }
    spans.iter().map(|span| pool(model, &x[span.start * width..span.end * width])).collect()
}

/// `x` (tokens, width) goes through one layer; tokens of other texts are not looked at.
fn block(model: &Model, layer: &Layer, spans: &[Range<usize>], x: &mut [f32]) {
    let tokens = x.len() / model.width;
    let query = apply(&layer.query, x, tokens);
    let key = apply(&layer.key, x, tokens);
    let value = apply(&layer.value, x, tokens);
    let mut looked = vec![0.0; x.len()];
    let job = |number: usize| -> Vec<f32> {
        let (span, head) = (&spans[number / model.heads], number % model.heads);
        attend(model, &query, &key, &value, span, head)
    };
    let parts: Vec<std::sync::OnceLock<Vec<f32>>> =
        (0..spans.len() * model.heads).map(|_| std::sync::OnceLock::new()).collect();
    crate::pool::spread(parts.len(), &|number| {
        let _ = parts[number].set(job(number));
    });
    let head_width = model.width / model.heads;
    for (number, part) in parts.iter().enumerate() {
        let (span, head) = (&spans[number / model.heads], number % model.heads);
        let rows = part.get().map(Vec::as_slice).unwrap_or_default().chunks_exact(head_width);
        for (token, row) in span.clone().zip(rows) {
            looked[token * model.width + head * head_width..][..head_width].copy_from_slice(row);
        }
    }
    add(x, &apply(&layer.look, &looked, tokens));
    layer.look_norm.in_place(x);

    let mut inner = apply(&layer.up, x, tokens);
    gelu(&mut inner);
    add(x, &apply(&layer.down, &inner, tokens));
    layer.norm.in_place(x);
}

fn apply(linear: &Linear, x: &[f32], tokens: usize) -> Vec<f32> {
    let mut out = vec![0.0; tokens * linear.matrix.rows()];
    linear.apply(x, &mut out, &AtomicBool::new(false));
    out
}

/// What one head sees, (tokens of the text, head width): softmax(q·k / √width) over all of its tokens, times v.
fn attend(
    model: &Model,
    query: &[f32],
    key: &[f32],
    value: &[f32],
    span: &Range<usize>,
    head: usize,
) -> Vec<f32> {
    let head_width = model.width / model.heads;
    let of = |rows: &'_ [f32], token: usize| -> Range<usize> {
        let from = token * model.width + head * head_width;
        debug_assert!(from + head_width <= rows.len());
        from..from + head_width
    };
    let scale = 1.0 / (head_width as f32).sqrt();
    let mut out = vec![0.0; span.len() * head_width];
    let mut weights = vec![0.0f32; span.len()];
    for (token, out) in span.clone().zip(out.chunks_exact_mut(head_width)) {
        let asking = &query[of(query, token)];
        for (weight, other) in weights.iter_mut().zip(span.clone()) {
            *weight = dot(asking, &key[of(key, other)]) * scale;
        }
        let top = weights.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        soft(&mut weights, top);
        let sum: f32 = weights.iter().sum();
        for (weight, other) in weights.iter().zip(span.clone()) {
            for (out, value) in out.iter_mut().zip(&value[of(value, other)]) {
                *out += weight / sum * value;
            }
        }
    }
    out
}

wide! {
    /// e^(x - top) of all.
    fn soft<FUSED>(weights: &mut [f32], top: f32) {
        for weight in weights {
            *weight = exp::<FUSED>(*weight - top);
        }
    }
}

wide! {
    /// x · Φ(x) (arXiv:1606.08415), with the error function by Abramowitz and Stegun 7.1.26, within 1.5e-7.
    fn gelu<FUSED>(x: &mut [f32]) {
        for x in x {
            let z = x.abs() * std::f32::consts::FRAC_1_SQRT_2;
            let t = 1.0 / mac::<FUSED>(1.0, 0.327_591_1, z);
            let mut sum = 1.061_405_4;
            for term in [-1.453_152_1, 1.421_413_7, -0.284_496_72, 0.254_829_6] {
                sum = mac::<FUSED>(term, sum, t);
            }
            let rest = sum * t * exp::<FUSED>(-z * z);
            let phi = if *x < 0.0 { 0.5 * rest } else { 1.0 - 0.5 * rest };
            *x *= phi;
        }
    }
}

/// One vector of length 1 for the tokens of a text, (tokens, width).
fn pool(model: &Model, x: &[f32]) -> Vec<f32> {
    let mut sum = vec![0.0; model.width];
    match model.pooling {
        Pooling::First => sum.copy_from_slice(&x[..model.width]),
        Pooling::Mean => x.chunks_exact(model.width).for_each(|row| add(&mut sum, row)),
    }
    let length = sum.iter().map(|x| f64::from(*x) * f64::from(*x)).sum::<f64>().sqrt();
    if length.is_finite() && length > 0.0 {
        sum.iter_mut().for_each(|x| *x = (f64::from(*x) / length) as f32);
    } else {
        // Weights that are no numbers: like nothing at all.
        sum.fill(0.0);
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values of x · (1 + erf(x / √2)) / 2 by Python's math.erf, float64.
    #[test]
    fn gelu_is_that_of_the_error_function() {
        let table = [
            (-6.0f32, -5.919_526e-9),
            (-3.0, -0.004_049_694),
            (-1.0, -0.158_655_25),
            (-0.1, -0.046_017_216),
            (0.0, 0.0),
            (0.5, 0.345_731_23),
            (2.0, 1.954_499_7),
            (8.0, 8.0),
        ];
        for (x, expected) in table {
            let mut one = [x];
            gelu(&mut one);
            assert!((one[0] - expected).abs() < 1e-6, "gelu({x}) = {}, not {expected}", one[0]);
        }
    }
}
