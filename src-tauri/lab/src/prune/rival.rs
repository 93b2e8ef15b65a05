//! Rival: the same model made as small in the other way, by rounding the weights of its routed experts.

use std::path::Path;

use runtime::gguf::{Dtype, Header};
use runtime::kernels::round::{SMALLER, gets_smaller};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::{Delta, PruneError};

/// What rounding to about the plan's size would cost, on the same questions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct Rival {
    /// What the routed experts' weights are stored as.
    pub storage: String,
    /// Of a file with them.
    pub bytes: u64,
    pub held_out: Delta,
    pub guard: Option<Delta>,
}

/// The largest storage type with which a file of the model at `path` has at most `bytes` bytes, and how many it has. Of
/// two types as large the first in [`SMALLER`], which is the better one. `None`: there is no type so small.
pub(super) fn choose(path: &Path, bytes: u64) -> Result<Option<(Dtype, u64)>, PruneError> {
    let header = Header::read(path)?;
    let mut best: Option<(Dtype, u64)> = None;
    for dtype in SMALLER {
        let size = with(&header, dtype);
        let is_smaller = size < header.size() && size <= bytes;
        if is_smaller && best.is_none_or(|(_, best)| size > best) {
            best = Some((dtype, size));
        }
    }
    Ok(best)
}

/// Bytes of the file with its routed experts' weights in this type, where that makes them smaller.
fn with(header: &Header, dtype: Dtype) -> u64 {
    let saved =
        header.tensors().iter().filter(|tensor| tensor.name.ends_with("_exps.weight")).map(|tensor| {
            let columns = tensor.dims.first().copied().unwrap_or(0);
            let values = tensor.dims.iter().try_fold(1u64, |product, &dim| product.checked_mul(dim));
            let rounded = values.and_then(|values| dtype.bytes_of(values));
            match rounded.filter(|_| gets_smaller(tensor.dtype, dtype, columns)) {
                Some(rounded) => tensor.bytes.saturating_sub(rounded),
                None => 0,
            }
        });
    header.size().saturating_sub(saved.sum())
}

#[cfg(test)]
mod tests {
    use super::*;
    use runtime::gguf::write::Writer;

    #[test]
    fn the_rival_is_the_largest_that_is_no_larger() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("m.gguf");
        // 4 experts of 256 x 64 in 16 bits: 131,072 bytes; in Q8_0 69,632, in Q5_0 45,056, in Q4_K 36,864, Q2_K 21,504.
        Writer::new()
            .set("general.architecture", "toy")
            .tensor_f32("token_embd.weight", &[256], &[0.5; 256])
            .tensor_f16("blk.0.ffn_up_exps.weight", &[256, 64, 4], &vec![0.5; 65_536])
            .write_to(&path)
            .unwrap();
        let rest = std::fs::metadata(&path).unwrap().len() - 131_072;
        let of = |bytes: u64| choose(&path, rest + bytes).unwrap().map(|(dtype, size)| (dtype, size - rest));
        assert_eq!(of(98_304), Some((Dtype::Q8_0, 69_632)));
        assert_eq!(of(60_000), Some((Dtype::Q5_0, 45_056)));
        assert_eq!(of(36_864), Some((Dtype::Q4K, 36_864)), "not Q4_0, which is as large");
        assert_eq!(of(30_000), Some((Dtype::Q2K, 21_504)));
        assert_eq!(of(20_000), None);
    }
}
