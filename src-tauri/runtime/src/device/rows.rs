//! Rows of the cache on a device.

use std::io::{self, Read};

use candle_core::{DType, Device, Result, Tensor};
use half::f16;

use crate::cache::{KvType, STEP};

/// Keys or values of one layer.
pub struct Rows {
    device: Device,
    heads: usize,
    /// Of one head.
    width: usize,
    kind: KvType,
    /// (heads, room for positions, width)
    store: Option<Tensor>,
    positions: usize,
}

impl Rows {
    pub fn new(device: &super::Device, kind: KvType, heads: usize, width: usize) -> Rows {
        // Eight bits are not computed with on a device.
        let kind = if kind == KvType::F32 { KvType::F32 } else { KvType::F16 };
        Rows { device: device.candle.clone(), heads, width, kind, store: None, positions: 0 }
    }

    /// Numbers of one position.
    pub fn width(&self) -> usize {
        self.heads * self.width
    }

    pub fn kind(&self) -> KvType {
        self.kind
    }

    pub fn positions(&self) -> usize {
        self.positions
    }

    pub fn truncate(&mut self, positions: usize) {
        self.positions = self.positions.min(positions);
    }

    fn dtype(&self) -> DType {
        if self.kind == KvType::F32 { DType::F32 } else { DType::F16 }
    }

    /// Room for `positions` in all. Fails with the bytes that are not there.
    pub fn reserve(&mut self, positions: usize) -> std::result::Result<(), u64> {
        let room = self.store.as_ref().map_or(0, |store| store.dims()[1]);
        if room >= positions || self.width == 0 {
            return Ok(());
        }
        // Twice as much: it is moved when it grows, and a device moves it fast but not for nothing.
        let wanted = positions.max(2 * room).next_multiple_of(STEP);
        self.grow(wanted).map_err(|_| (wanted * self.kind.bytes_of(self.width())) as u64)
    }

    fn grow(&mut self, wanted: usize) -> Result<()> {
        let larger = Tensor::zeros((self.heads, wanted, self.width), self.dtype(), &self.device)?;
        if let Some(store) = self.store.as_ref().filter(|_| self.positions > 0) {
            larger.slice_set(&store.narrow(1, 0, self.positions)?.contiguous()?, 1, 0)?;
        }
        self.store = Some(larger);
        Ok(())
    }

    /// Adds `rows` (heads, tokens, width), for which there is room.
    pub fn append(&mut self, rows: &Tensor) -> Result<()> {
        let Some(store) = &self.store else { return Ok(()) };
        store.slice_set(&rows.to_dtype(store.dtype())?.contiguous()?, 1, self.positions)?;
        self.positions += rows.dim(1)?;
        Ok(())
    }

    /// The rows from position `first` on, as floats: (heads, positions, width).
    pub fn from(&self, first: usize) -> Result<Tensor> {
        match &self.store {
            Some(store) => store.narrow(1, first, self.positions - first)?.to_dtype(DType::F32),
            None => Tensor::zeros((self.heads, 0, self.width), DType::F32, &self.device),
        }
    }

    /// The bytes that rows on the processor would have: (positions, heads, width).
    pub fn stored(&self) -> io::Result<Vec<u8>> {
        let Some(store) = self.store.as_ref().filter(|_| self.positions > 0) else { return Ok(Vec::new()) };
        let rows = || store.narrow(1, 0, self.positions)?.transpose(0, 1)?.flatten_all();
        let rows = rows().map_err(io::Error::other)?;
        Ok(match self.kind {
            KvType::F32 => bytemuck::cast_slice(&rows.to_vec1::<f32>().map_err(io::Error::other)?).to_vec(),
            _ => {
                let rows = rows.to_vec1::<f16>().map_err(io::Error::other)?;
                rows.iter().flat_map(|number| number.to_bits().to_ne_bytes()).collect()
            }
        })
    }

    /// Takes back what [`Rows::stored`] gave; there is room for it.
    pub fn restore(&mut self, positions: usize, source: &mut dyn Read) -> io::Result<()> {
        let mut bytes = vec![0; self.kind.bytes_of(positions * self.width())];
        source.read_exact(&mut bytes)?;
        self.positions = 0;
        if self.width == 0 || positions == 0 {
            return Ok(());
        }
        let shape = (positions, self.heads, self.width);
        let rows = match self.kind {
            KvType::F32 => {
                let numbers = bytes.chunks_exact(4).map(|b| f32::from_ne_bytes([b[0], b[1], b[2], b[3]]));
                Tensor::from_vec(numbers.collect::<Vec<_>>(), shape, &self.device)
            }
            _ => {
                let numbers = bytes.chunks_exact(2).map(|b| f16::from_bits(u16::from_ne_bytes([b[0], b[1]])));
                Tensor::from_vec(numbers.collect::<Vec<_>>(), shape, &self.device)
            }
        };
        let rows = rows.and_then(|rows| rows.transpose(0, 1)).map_err(io::Error::other)?;
        self.append(&rows).map_err(io::Error::other)
    }
}
