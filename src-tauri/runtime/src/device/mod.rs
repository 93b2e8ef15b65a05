//! Device: the upper layers of a model on a graphics processor, computed by candle.
//!
//! In:     what the layers below gave, on the processor
//! Out:    logits
//! Fails:  [`DeviceError`]: the driver's own words
//! Cost:   the weights of its layers in the device's memory; types that candle does not have take more (see `weights`)
//!
//! As many layers as fit are on the device, from the last one down; those below are computed on the processor from the
//! mapped file. Everything here is also computed by candle on the processor ([`Device::processor`]), so that it can be
//! compared with the reference on machines without a device.
//!
//! | file | what |
//! |---|---|
//! | `weights` | matrices, biases and norms on the device |
//! | `upper` | the pass through the layers |
//! | `attend` | queries, keys and values, and attention |
//! | `feed` | feed-forward networks and mixtures |
//! | `rows` | the cache |
//! | `absent` | all of it for programs without a device |

#[cfg(not(feature = "gpu"))]
mod absent;
#[cfg(feature = "gpu")]
mod attend;
#[cfg(feature = "gpu")]
mod feed;
#[cfg(feature = "gpu")]
mod rows;
#[cfg(feature = "gpu")]
mod upper;
#[cfg(feature = "gpu")]
mod weights;

#[cfg(not(feature = "gpu"))]
pub use absent::{Device, Rows, Upper};
#[cfg(feature = "gpu")]
pub use {rows::Rows, upper::Upper};

use crate::families::Shape;
use crate::gguf::{Dtype, Header, TensorInfo};

/// This program is for graphics processors: it was built with CUDA or Metal.
pub const BUILT: bool = cfg!(any(feature = "cuda", feature = "metal"));
/// Tokens that are computed together when every layer is on the device.
pub const CHUNK: usize = 512;
/// Positions that the cache must have room for beside the weights, if the model can have so many.
const POSITIONS: usize = 8192;
/// For the numbers of a pass.
const WORK: u64 = 512 << 20;

/// A device does not do what it is asked; in the words of its driver.
#[derive(Debug, thiserror::Error)]
#[error("the graphics processor failed: {0}")]
pub struct DeviceError(pub String);

/// The lowest layer that is on a device with `room` free bytes, all above it being there too. `None`: not even the last.
pub fn lowest_layer(header: &Header, shape: &Shape, room: u64) -> Option<usize> {
    let of = |prefix: &str| -> u64 {
        let tensors = header.tensors();
        let tensors = tensors.iter().filter(|tensor| tensor.name.starts_with(prefix));
        tensors.map(|tensor| bytes(&tensor)).fold(0, u64::saturating_add)
    };
    let output = if header.tensor("output.weight").is_some() { of("output") } else { of("token_embd.") };
    let cache = shape.cache_bytes_per_token() / shape.layers as u64 * POSITIONS.min(shape.context) as u64;
    let mut left = room.checked_sub(WORK)?.checked_sub(output)?;
    let mut lowest = None;
    for layer in (0..shape.layers).rev() {
        let Some(rest) = left.checked_sub(of(&format!("blk.{layer}.")).saturating_add(cache)) else { break };
        (left, lowest) = (rest, Some(layer));
    }
    lowest
}

/// What a tensor takes on a device.
fn bytes(tensor: &TensorInfo) -> u64 {
    match tensor.dtype {
        Dtype::F32 | Dtype::F16 | Dtype::BF16 => tensor.values().saturating_mul(4),
        // Kept as Q8_0.
        Dtype::IQ4_NL | Dtype::IQ4_XS | Dtype::MXFP4 => tensor.values().saturating_mul(34) / 32,
        _ => tensor.bytes,
    }
}

#[cfg(feature = "gpu")]
mod open {
    use candle_core::Device as Candle;

    /// Where layers are computed.
    #[derive(Clone)]
    pub struct Device {
        pub(super) candle: Candle,
        name: String,
    }

    impl Device {
        /// The machine's graphics processor, or why there is none to compute with.
        pub fn open() -> Result<Device, String> {
            #[cfg(feature = "cuda")]
            return cuda();
            #[cfg(all(feature = "metal", not(feature = "cuda")))]
            return metal();
            #[cfg(not(any(feature = "cuda", feature = "metal")))]
            Err("this program was built without CUDA and without Metal".into())
        }

        /// Candle on the processor: slower than the decoder of this crate, and what it is compared with.
        pub fn processor() -> Device {
            Device { candle: Candle::Cpu, name: "candle on the processor".into() }
        }

        /// For people, such as "NVIDIA GeForce RTX 4090 (CUDA)".
        pub fn name(&self) -> &str {
            &self.name
        }

        /// Memory that is free now; `None` where nobody tells.
        pub fn free_bytes(&self) -> Option<u64> {
            match &self.candle {
                Candle::Cpu => None,
                #[cfg(feature = "cuda")]
                Candle::Cuda(_) => {
                    let (free, _) = candle_core::cuda::cudarc::driver::result::mem_get_info().ok()?;
                    Some(free as u64)
                }
                #[cfg(feature = "metal")]
                Candle::Metal(device) => {
                    use objc2_metal::MTLDevice;
                    let device = device.metal_device();
                    let most = device.as_ref().recommendedMaxWorkingSetSize();
                    Some(most.saturating_sub(device.as_ref().currentAllocatedSize() as u64))
                }
                #[allow(unreachable_patterns)]
                _ => None,
            }
        }
    }

    #[cfg(feature = "cuda")]
    fn cuda() -> Result<Device, String> {
        use candle_core::cuda::cudarc::driver::CudaContext;
        let words = |error: &dyn std::fmt::Display| format!("CUDA cannot be used: {error}");
        let count = CudaContext::device_count().map_err(|error| words(&error))?;
        if count < 1 {
            return Err("CUDA sees no graphics processor".into());
        }
        let context = CudaContext::new(0).map_err(|error| words(&error))?;
        let name = context.name().unwrap_or_else(|_| "graphics processor 0".into());
        let candle = Candle::new_cuda(0).map_err(|error| words(&error))?;
        Ok(Device { candle, name: format!("{name} (CUDA)") })
    }

    #[cfg(all(feature = "metal", not(feature = "cuda")))]
    fn metal() -> Result<Device, String> {
        use objc2_metal::MTLDevice;
        let candle = Candle::new_metal(0).map_err(|error| format!("Metal cannot be used: {error}"))?;
        let name = match &candle {
            Candle::Metal(device) => device.metal_device().as_ref().name().to_string(),
            _ => "graphics processor 0".into(),
        };
        Ok(Device { candle, name: format!("{name} (Metal)") })
    }
}

#[cfg(feature = "gpu")]
pub use open::Device;

#[cfg(feature = "gpu")]
impl From<candle_core::Error> for DeviceError {
    fn from(error: candle_core::Error) -> Self {
        // A backtrace is nothing for people.
        DeviceError(error.to_string().lines().next().unwrap_or_default().to_owned())
    }
}
