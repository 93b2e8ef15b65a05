//! Weights on a device: uploaded once, from the mapped file.
//!
//! Quantised types that candle has go as they are. IQ4_NL, IQ4_XS and MXFP4, which it has not, become Q8_0: their
//! numbers are whole, so only the scale of a group is rounded, to 11 bits. Plain floats become 32 bits.

use std::borrow::Cow;
use std::sync::Arc;

use candle_core::quantized::{GgmlDType, QMatMul, QStorage, QTensor};
use candle_core::{D, Module, Result, Tensor};
use half::f16;

use super::Device;
use crate::blocks::NormKind;
use crate::families::{FromWeights, LinearParts, NormParts, Shape};
use crate::gguf::Dtype;
use crate::kernels::layout::{Block, layout};
use crate::weights::Matrix;

pub type Weighed<'a> = FromWeights<'a>;

/// `y = W·x + b`.
pub struct Linear {
    matrix: QMatMul,
    bias: Option<Tensor>,
}

impl Linear {
    pub fn load((matrix, bias): LinearParts<Weighed<'_>>, device: &Device) -> Result<Linear> {
        let bias = bias.map(|bias| vector(bias, device)).transpose()?;
        Ok(Linear { matrix: upload(&matrix, device)?, bias })
    }

    pub fn plain(matrix: &Matrix, device: &Device) -> Result<Linear> {
        Ok(Linear { matrix: upload(matrix, device)?, bias: None })
    }

    /// (tokens, rows) from `x` (tokens, columns).
    pub fn apply(&self, x: &Tensor) -> Result<Tensor> {
        let y = self.matrix.forward(&x.contiguous()?)?;
        match &self.bias {
            Some(bias) => y.broadcast_add(bias),
            None => Ok(y),
        }
    }
}

/// A vector on the device.
pub fn vector(numbers: Vec<f32>, device: &Device) -> Result<Tensor> {
    let length = numbers.len();
    Tensor::from_vec(numbers, length, &device.candle)
}

/// All numbers of some matrices of one size: (matrices, rows, columns), as floats.
pub fn floats<'a>(matrices: impl ExactSizeIterator<Item = &'a Matrix>, device: &Device) -> Result<Tensor> {
    let (mut numbers, count, mut size) = (Vec::new(), matrices.len(), (0, 0));
    for matrix in matrices {
        size = (matrix.rows(), matrix.columns());
        numbers.extend(read(matrix));
    }
    Tensor::from_vec(numbers, (count, size.0, size.1), &device.candle)
}

fn read(matrix: &Matrix) -> Vec<f32> {
    let mut numbers = vec![0.0; matrix.rows() * matrix.columns()];
    let rows = numbers.chunks_exact_mut(matrix.columns()).enumerate();
    rows.for_each(|(row, numbers)| matrix.read_row(row, numbers));
    numbers
}

fn upload(matrix: &Matrix, device: &Device) -> Result<QMatMul> {
    let shape = (matrix.rows(), matrix.columns());
    let quantised = |bytes: &[u8], dtype| -> Result<QMatMul> {
        let storage = QStorage::from_data(aligned(bytes), &device.candle, dtype)?;
        Ok(QMatMul::QTensor(Arc::new(QTensor::new(storage, shape)?)))
    };
    if let Some(dtype) = candles(matrix.dtype()) {
        return quantised(matrix.bytes(), dtype);
    }
    match as_q8(matrix) {
        Some(bytes) => quantised(&bytes, GgmlDType::Q8_0),
        None => Ok(QMatMul::Tensor(Tensor::from_vec(read(matrix), shape, &device.candle)?)),
    }
}

/// The quantised types that candle computes with.
fn candles(dtype: Dtype) -> Option<GgmlDType> {
    Some(match dtype {
        Dtype::Q4_0 => GgmlDType::Q4_0,
        Dtype::Q4_1 => GgmlDType::Q4_1,
        Dtype::Q5_0 => GgmlDType::Q5_0,
        Dtype::Q5_1 => GgmlDType::Q5_1,
        Dtype::Q8_0 => GgmlDType::Q8_0,
        Dtype::Q2K => GgmlDType::Q2K,
        Dtype::Q3K => GgmlDType::Q3K,
        Dtype::Q4K => GgmlDType::Q4K,
        Dtype::Q5K => GgmlDType::Q5K,
        Dtype::Q6K => GgmlDType::Q6K,
        _ => return None,
    })
}

/// A file may put its tensors anywhere; candle reads blocks as numbers of up to four bytes.
fn aligned(bytes: &[u8]) -> Cow<'_, [u8]> {
    if bytes.as_ptr().addr().is_multiple_of(align_of::<u32>()) {
        return Cow::Borrowed(bytes);
    }
    // The allocator aligns what is large by more than four.
    Cow::Owned(bytes.to_vec())
}

/// A matrix of groups of 32 whole numbers with a scale, as Q8_0: for each group the scale in 16 bits, then the numbers.
/// `None` for other types, and where a scale is too small or too large for 16 bits.
fn as_q8(matrix: &Matrix) -> Option<Vec<u8>> {
    let layout = layout(matrix.dtype()).filter(|layout| layout.group == 32)?;
    let mut q8 = Vec::with_capacity(matrix.rows() * matrix.columns() / 32 * 34);
    let mut block = Block::EMPTY;
    for bytes in matrix.bytes().chunks_exact(layout.bytes) {
        (layout.unpack)(bytes, &mut block);
        let groups = block.numbers[..layout.values].chunks_exact(32);
        for ((numbers, scale), offset) in groups.zip(block.scales).zip(block.offsets) {
            let rounded = f16::from_f32(scale);
            if (rounded.to_f32() - scale).abs() > scale.abs() / 2048.0 || offset != 0.0 {
                return None;
            }
            q8.extend(rounded.to_le_bytes());
            q8.extend(bytemuck::cast_slice::<i8, u8>(numbers));
        }
    }
    Some(q8)
}

/// Norms with trained weights.
pub struct Norm {
    kind: NormKind,
    epsilon: f32,
    /// How many numbers are normed together.
    span: usize,
    /// (span): of every span; ones where each has its own.
    inner: Tensor,
    /// (spans · span), where each has its own.
    own: Option<Tensor>,
    bias: Option<Tensor>,
    zeros: Tensor,
}

impl Norm {
    pub fn load(
        shape: &Shape,
        (weight, bias): NormParts<Weighed<'_>>,
        span: usize,
        device: &Device,
    ) -> Result<Norm> {
        let (inner, own) = match weight.len() == span {
            true => (vector(weight, device)?, None),
            false => (vector(vec![1.0; span], device)?, Some(vector(weight, device)?)),
        };
        let bias = bias.map(|bias| vector(bias, device)).transpose()?;
        let zeros = vector(vec![0.0; span], device)?;
        Ok(Norm { kind: shape.norm, epsilon: shape.epsilon, span, inner, own, bias, zeros })
    }

    /// `x`: (tokens, any number of weights).
    pub fn apply(&self, x: &Tensor) -> Result<Tensor> {
        let dims = x.dims().to_vec();
        let spans = x.contiguous()?.reshape((x.elem_count() / self.span, self.span))?;
        let mut normed = match self.kind {
            NormKind::RootMeanSquare => candle_nn::ops::rms_norm(&spans, &self.inner, self.epsilon)?,
            NormKind::Layer => candle_nn::ops::layer_norm(&spans, &self.inner, &self.zeros, self.epsilon)?,
        };
        if let Some(own) = &self.own {
            normed = normed.reshape(((), own.dim(D::Minus1)?))?.broadcast_mul(own)?;
        }
        if let Some(bias) = &self.bias {
            normed = normed.reshape(((), bias.dim(D::Minus1)?))?.broadcast_add(bias)?;
        }
        normed.reshape(dims)
    }
}
