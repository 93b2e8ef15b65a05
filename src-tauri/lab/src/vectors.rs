//! The built-in vectors: a table from word pieces to numbers ([`runtime::embed::Table`]), distilled from an encoder.
//!
//! Each piece of the encoder's list is read alone, as if it were a text; its vector, less the mean of all, is turned to their
//! principal components, of which the first are kept; and a row weighs the less, the more often its piece comes in the lab's
//! requests and the public texts.
//!
//! Out:    `vectors.bin`, the same for the same encoder and texts on the same kind of processor
//! Source: smooth inverse frequency (Arora, Liang, Ma, 2017); principal components of the piece vectors as in Model2Vec

use crate::LabError;
use crate::data::{public, requests};
use nalgebra::{DMatrix, SymmetricEigen};
use runtime::embed::{Encoder, Packed, Table};
use std::path::Path;

/// Numbers of a vector.
const WIDTH: usize = 128;
/// Arora's a: a piece that is this part of all text counts half.
const HALF: f64 = 1e-3;
const THREADS: usize = 2;
/// Pieces that no text becomes.
const NEVER: [&str; 4] = ["[PAD]", "[CLS]", "[SEP]", "[MASK]"];

/// What was made.
#[derive(Clone, Copy, Debug)]
pub struct Report {
    pub pieces: usize,
    pub width: usize,
    pub bytes: usize,
    /// Of the pieces' variance, before they are weighed.
    pub kept: f64,
    /// Pieces in the texts that frequencies are from.
    pub counted: u64,
}

/// Distils the encoder in a folder and writes the table to `out`. `public`: a folder of public texts for the frequencies.
pub fn train(out: &Path, encoder: &Path, public: Option<&Path>) -> Result<Report, LabError> {
    let list = encoder.join("vocab.txt");
    let list = std::fs::read_to_string(&list).map_err(|error| LabError::File(list, error))?;
    let encoder = Encoder::open(encoder, THREADS)?;
    let mut texts = requests::requests();
    if let Some(folder) = public {
        texts.extend(public::requests(folder)?);
    }
    let mut counts = vec![0u64; list.lines().count()];
    for text in &texts {
        let ids = encoder.ids(&text.text);
        // Without the ends.
        ids[1..ids.len() - 1].iter().for_each(|&id| counts[id as usize] += 1);
    }
    let counted: u64 = counts.iter().sum();
    let comes = |piece: &str| !(piece.starts_with("[unused") || NEVER.contains(&piece));
    let (mut pieces, mut rows, mut shares) = (Vec::new(), Vec::new(), Vec::new());
    for ((piece, vector), count) in list.lines().zip(encoder.embed_words()).zip(counts) {
        if comes(piece) {
            pieces.push(piece);
            rows.push(vector);
            shares.push(count as f64 / counted.max(1) as f64);
        }
    }
    let (turned, kept) = principal(&rows, WIDTH);
    let packed: Vec<Packed> = turned
        .row_iter()
        .zip(shares)
        .map(|(row, share)| {
            let weight = HALF / (HALF + share);
            Packed::of(&row.iter().map(|x| (x * weight) as f32).collect::<Vec<_>>())
        })
        .collect();
    let bytes = Table::write(&pieces.join("\n"), &packed)?;
    std::fs::write(out, &bytes).map_err(|error| LabError::File(out.into(), error))?;
    Ok(Report { pieces: pieces.len(), width: turned.ncols(), bytes: bytes.len(), kept, counted })
}

/// Rows less their mean, in the first `width` of their principal components, and the part of the variance that is kept.
fn principal(rows: &[Vec<f32>], width: usize) -> (DMatrix<f64>, f64) {
    let columns = rows.first().map_or(0, Vec::len);
    let mut centred = DMatrix::from_fn(rows.len(), columns, |row, column| f64::from(rows[row][column]));
    for mut column in centred.column_iter_mut() {
        let mean = column.mean();
        column.add_scalar_mut(-mean);
    }
    let eigen = SymmetricEigen::new(centred.tr_mul(&centred));
    let mut order: Vec<usize> = (0..columns).collect();
    order.sort_by(|&a, &b| eigen.eigenvalues[b].total_cmp(&eigen.eigenvalues[a]));
    order.truncate(width);
    let kept = order.iter().map(|&at| eigen.eigenvalues[at]).sum::<f64>() / eigen.eigenvalues.sum();
    let axes: Vec<_> = order
        .iter()
        .map(|&at| {
            let axis = eigen.eigenvectors.column(at).into_owned();
            // An axis has no sign: its largest number is positive.
            if axis[axis.icamax()] < 0.0 { -axis } else { axis }
        })
        .collect();
    (centred * DMatrix::from_columns(&axes), kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn components_come_by_their_variance_and_keep_what_lies_in_them() {
        // Points on the line (0.6, 0.8, 0) around (1, 1, 1), with a little of (-0.8, 0.6, 0): covariance by hand.
        let rows: Vec<Vec<f32>> = [(-2.0, 0.1), (-1.0, -0.1), (1.0, -0.1), (2.0, 0.1)]
            .map(|(far, off)| vec![1.0 + 0.6 * far - 0.8 * off, 1.0 + 0.8 * far + 0.6 * off, 1.0])
            .to_vec();
        let (turned, kept) = principal(&rows, 2);
        for (row, far, off) in [(0, -2.0, 0.1), (3, 2.0, 0.1)] {
            assert!((turned[(row, 0)] - far).abs() < 1e-6 && (turned[(row, 1)].abs() - off).abs() < 1e-6);
        }
        assert!((kept - 1.0).abs() < 1e-9, "two of three hold all: {kept}");
        // 10 of 10.04.
        assert!((principal(&rows, 1).1 - 10.0 / 10.04).abs() < 1e-6);
    }
}
