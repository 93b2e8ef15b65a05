//! Hyper-parameters of a Llama file, each checked before anything is computed with it.

use crate::families::{ModelError, Shape};
use crate::gguf::{GgufError, Header};

pub(super) struct Hyper {
    pub shape: Shape,
    pub epsilon: f32,
    pub rope_base: f32,
    pub rope_dims: usize,
    pub rope_scale: f32,
}

/// Largest of each size; several times what any model has, and far from where products wrap.
const LAYERS: u64 = 4096;
const SIZE: u64 = 1 << 24;

impl Hyper {
    pub fn read(header: &Header) -> Result<Hyper, ModelError> {
        let size = |key: &str, limit: u64| -> Result<Option<usize>, GgufError> {
            let key = format!("llama.{key}");
            match header.u64(&key)? {
                Some(value) if !(1..=limit).contains(&value) => {
                    Err(header.error(&key, format!("{value} is not between 1 and {limit}")))
                }
                value => Ok(value.map(|value| value as usize)),
            }
        };
        let needed = |key: &str, limit: u64| -> Result<usize, GgufError> {
            size(key, limit)?.ok_or_else(|| header.error(&format!("llama.{key}"), "is absent"))
        };
        if header.tensors().is_empty() {
            return Err(ModelError::unsupported(
                header, "there are no weights in the file, only a vocabulary",
            ));
        }
        let layers = needed("block_count", LAYERS)?;
        let width = needed("embedding_length", SIZE)?;
        let feed = needed("feed_forward_length", SIZE)?;
        let context = needed("context_length", 1 << 31)?;
        let heads = needed("attention.head_count", SIZE)?;
        let kv_heads = size("attention.head_count_kv", SIZE)?.unwrap_or(heads);
        if !heads.is_multiple_of(kv_heads) {
            let why = format!("{kv_heads} does not divide the {heads} heads");
            return Err(header.error("llama.attention.head_count_kv", why).into());
        }
        let head_width = match size("attention.key_length", SIZE)? {
            Some(head_width) => head_width,
            None if width.is_multiple_of(heads) => width / heads,
            None => {
                let why = format!("{heads} heads do not divide the width {width}");
                return Err(header.error("llama.attention.head_count", why).into());
            }
        };
        let value_width = size("attention.value_length", SIZE)?.unwrap_or(head_width);
        if value_width != head_width {
            let why =
                format!("values of width {value_width} beside keys of width {head_width} are not supported");
            return Err(ModelError::unsupported(header, why));
        }
        let rope_dims = size("rope.dimension_count", SIZE)?.unwrap_or(head_width);
        if !rope_dims.is_multiple_of(2) || rope_dims > head_width {
            let why = format!("{rope_dims} is not an even number up to the head width {head_width}");
            return Err(header.error("llama.rope.dimension_count", why).into());
        }
        let epsilon = header
            .f32("llama.attention.layer_norm_rms_epsilon")?
            .ok_or_else(|| header.error("llama.attention.layer_norm_rms_epsilon", "is absent"))?;
        let rope_base = header.f32("llama.rope.freq_base")?.unwrap_or(10_000.0);
        for (key, value) in [("attention.layer_norm_rms_epsilon", epsilon), ("rope.freq_base", rope_base)] {
            if value <= 0.0 {
                return Err(header.error(&format!("llama.{key}"), format!("{value} is not above 0")).into());
            }
        }
        let (experts, experts_used) = mixture(header)?;
        let vocabulary = header
            .tensor("token_embd.weight")
            .and_then(|tensor| tensor.dims.get(1).copied())
            .ok_or_else(|| header.error("token_embd.weight", "the tensor is absent or has one dimension"))?;
        if vocabulary > SIZE {
            return Err(header
                .error("token_embd.weight", format!("{vocabulary} tokens are too many"))
                .into());
        }
        for (key, count) in [
            ("llama.vocab_size", header.u64("llama.vocab_size")?),
            ("tokenizer.ggml.tokens", header.strings("tokenizer.ggml.tokens")?.map(|t| t.len() as u64)),
        ] {
            if let Some(count) = count.filter(|&count| count != vocabulary) {
                let why = format!("{count} tokens, but token_embd.weight has {vocabulary} rows");
                return Err(header.error(key, why).into());
            }
        }
        let rope_scale = scaling(header)?;
        let vocabulary = vocabulary as usize;
        let shape = Shape {
            layers,
            width,
            heads,
            kv_heads,
            head_width,
            feed,
            vocabulary,
            context,
            experts,
            experts_used,
        };
        Ok(Hyper { shape, epsilon, rope_base, rope_dims, rope_scale })
    }
}

/// (experts, experts for each token); zeros without a mixture.
fn mixture(header: &Header) -> Result<(usize, usize), ModelError> {
    let experts = header.u64("llama.expert_count")?.unwrap_or(0);
    let used = header.u64("llama.expert_used_count")?.unwrap_or(0);
    if experts > 4096 {
        return Err(header.error("llama.expert_count", format!("{experts} is more than 4096")).into());
    }
    if experts == 0 {
        return Ok((0, 0));
    }
    if used == 0 || used > experts {
        let why = format!("{used} is not between 1 and the {experts} experts");
        return Err(header.error("llama.expert_used_count", why).into());
    }
    Ok((experts as usize, used as usize))
}

/// By how much positions are squeezed. Other kinds of scaling are refused: ignoring them gives text that is wrong
/// without a sign.
fn scaling(header: &Header) -> Result<f32, ModelError> {
    let kind = header.text("llama.rope.scaling.type")?;
    let old = header.f32("llama.rope.scale_linear")?;
    let factor = match kind {
        None => old.unwrap_or(1.0),
        Some("none") => 1.0,
        Some("linear") => header.f32("llama.rope.scaling.factor")?.or(old).unwrap_or(1.0),
        Some(other) => {
            let why = format!("rope scaling \"{other}\" is not supported; \"none\" and \"linear\" are");
            return Err(ModelError::unsupported(header, why));
        }
    };
    // Files exist that write 0 for "no scaling".
    let factor = if factor == 0.0 { 1.0 } else { factor };
    if factor < 0.0 {
        return Err(header.error("llama.rope.scaling.factor", format!("{factor} is not above 0")).into());
    }
    Ok(factor)
}
