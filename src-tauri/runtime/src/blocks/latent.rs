//! Keys and values of all heads in one short vector for each position. Source: DeepSeek-V2 (arXiv:2405.04434), section
//! 2.1; what unpacks keys is moved to the queries, and what unpacks values behind the attention, so that the cache holds
//! the short vector alone.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::kernels::float::dot;
use crate::weights::Matrix;

/// What turns the short vector of `rank` numbers into keys (`plain` numbers without a position) and values of each head.
pub enum Latent {
    /// For each head one matrix (rank, plain) and one (value, rank).
    Split { keys: Vec<Matrix>, values: Vec<Matrix> },
    /// As files before 2025 have it: for each head the rows of keys (plain), then of values, each of `rank` numbers. The
    /// keys are needed by columns, which a matrix by rows does not give in parallel: slower than `Split`.
    Joined { matrix: Matrix, heads: usize, plain: usize },
}

impl Latent {
    /// Queries as the short vectors have to be asked. `queries`: (tokens, heads, query_width), of which the first
    /// `plain` are meant; `out`: (tokens, heads, out_width), of which the first `rank` are written.
    pub fn absorb(
        &self,
        queries: &[f32],
        query_width: usize,
        out: &mut [f32],
        out_width: usize,
        stop: &AtomicBool,
    ) {
        match self {
            Latent::Split { keys, .. } => each(keys, queries, query_width, out, out_width, stop),
            Latent::Joined { matrix, heads, plain } => {
                let (rows, rank) = (matrix.rows() / heads, matrix.columns());
                let mut row = vec![0.0; rank];
                out.fill(0.0);
                for (head, number) in
                    (0..*heads).flat_map(|head| (0..*plain).map(move |number| (head, number)))
                {
                    matrix.read_row(head * rows + number, &mut row);
                    let asked = queries.chunks_exact(query_width).skip(head).step_by(*heads);
                    let outs = out.chunks_exact_mut(out_width).skip(head).step_by(*heads);
                    for (query, out) in asked.zip(outs) {
                        out.iter_mut().zip(&row).for_each(|(out, row)| *out += query[number] * row);
                    }
                    if stop.load(Ordering::Relaxed) {
                        return;
                    }
                }
            }
        }
    }

    /// What was attended to, from short vectors to values. `attended`: (tokens, heads, rank); `out`: (tokens, heads,
    /// value).
    pub fn unpack(&self, attended: &[f32], rank: usize, out: &mut [f32], stop: &AtomicBool) {
        match self {
            Latent::Split { values, .. } => each(values, attended, rank, out, values[0].rows(), stop),
            Latent::Joined { matrix, heads, plain } => {
                let rows = matrix.rows() / heads;
                let value = rows - plain;
                let mut row = vec![0.0; rank];
                for (head, number) in
                    (0..*heads).flat_map(|head| (0..value).map(move |number| (head, number)))
                {
                    matrix.read_row(head * rows + plain + number, &mut row);
                    let given = attended.chunks_exact(rank).skip(head).step_by(*heads);
                    let outs = out.chunks_exact_mut(value).skip(head).step_by(*heads);
                    given.zip(outs).for_each(|(given, out)| out[number] = dot(&row, given));
                    if stop.load(Ordering::Relaxed) {
                        return;
                    }
                }
            }
        }
    }
}

/// Every head's part of `x` (tokens, heads, x_width) through its own matrix into `out` (tokens, heads, out_width).
fn each(
    matrices: &[Matrix],
    x: &[f32],
    x_width: usize,
    out: &mut [f32],
    out_width: usize,
    stop: &AtomicBool,
) {
    let heads = matrices.len();
    let (mut gathered, mut result) = (Vec::new(), Vec::new());
    for (head, matrix) in matrices.iter().enumerate() {
        gathered.clear();
        for x in x.chunks_exact(x_width).skip(head).step_by(heads) {
            gathered.extend_from_slice(&x[..matrix.columns()]);
        }
        result.resize(gathered.len() / matrix.columns() * matrix.rows(), 0.0);
        matrix.multiply(&gathered, &mut result, stop);
        let outs = out.chunks_exact_mut(out_width).skip(head).step_by(heads);
        for (out, result) in outs.zip(result.chunks_exact(matrix.rows())) {
            out[..matrix.rows()].copy_from_slice(result);
        }
    }
}
