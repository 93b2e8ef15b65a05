//! Export: a trained decoder as a GGUF file of the `llama` architecture, with its tokenizer and chat template inside.

use crate::LabError;
use crate::tokenizer::{BYTES_ONLY, CONTROL, END, PRE, Tokenizer};
use crate::train::model::{Expert, Model};
use candle_core::{Result, Tensor, Var};
use runtime::gguf::write::Writer;
use std::path::Path;

/// Single questions: the form in which the lab writes its training texts.
const CHAT_TEMPLATE: &str = "{% for message in messages %}{% if message.role == 'user' %}<|user|>{{ message.content }}\
{% elif message.role == 'assistant' %}<|assistant|>{{ message.content }}<|end|>{% endif %}{% endfor %}\
{% if add_generation_prompt %}<|assistant|>{% endif %}";

/// GGUF's token types.
const NORMAL: i32 = 1;
const CONTROL_TYPE: i32 = 3;
/// GGUF's `general.file_type` of matrices in 16-bit floats.
const MOSTLY_F16: u32 = 1;

/// Writes `model`: matrices in F16, norms and the router in F32.
pub fn export(
    path: &Path,
    name: &str,
    model: &Model,
    tokenizer: &Tokenizer,
) -> std::result::Result<(), LabError> {
    let shape = &model.shape;
    let mut writer = Writer::new();
    let head = shape.width / shape.heads;
    writer
        .set("general.architecture", "llama")
        .set("general.name", format!("Lectern {name}"))
        .set("general.author", "Lectern")
        .set("general.license", "apache-2.0")
        .set("general.file_type", MOSTLY_F16)
        .set("llama.vocab_size", shape.vocabulary as u32)
        .set("llama.context_length", shape.context as u32)
        .set("llama.embedding_length", shape.width as u32)
        .set("llama.block_count", shape.layers as u32)
        .set("llama.feed_forward_length", shape.feed_forward as u32)
        .set("llama.attention.head_count", shape.heads as u32)
        .set("llama.attention.head_count_kv", shape.heads as u32)
        .set("llama.attention.layer_norm_rms_epsilon", shape.norm_eps)
        .set("llama.rope.dimension_count", head as u32)
        .set("llama.rope.freq_base", shape.rope_base);
    if shape.experts > 0 {
        writer
            .set("llama.expert_count", shape.experts as u32)
            .set("llama.expert_used_count", shape.experts_used as u32)
            .set("llama.expert_feed_forward_length", shape.feed_forward as u32);
    }
    let (tokens, merges) = tokenizer.tokens_and_merges()?;
    let types: Vec<i32> =
        (0..tokens.len()).map(|id| if id < CONTROL.len() { CONTROL_TYPE } else { NORMAL }).collect();
    writer
        .set("tokenizer.ggml.model", "gpt2")
        .set("tokenizer.ggml.pre", PRE)
        .set("tokenizer.ggml.tokens", tokens)
        .set("tokenizer.ggml.token_type", types)
        .set("tokenizer.ggml.merges", merges)
        .set("tokenizer.ggml.bos_token_id", END)
        .set("tokenizer.ggml.eos_token_id", END)
        .set("tokenizer.ggml.padding_token_id", END)
        .set("tokenizer.ggml.add_bos_token", false)
        .set("tokenizer.ggml.add_eos_token", false)
        .set("tokenizer.chat_template", CHAT_TEMPLATE);
    debug_assert!(shape.vocabulary >= BYTES_ONLY);

    f16(&mut writer, "token_embd.weight", &[shape.width, shape.vocabulary], &model.embedding)?;
    f32(&mut writer, "output_norm.weight", &model.norm)?;
    for (i, layer) in model.layers.iter().enumerate() {
        let name = |part: &str| format!("blk.{i}.{part}.weight");
        f32(&mut writer, &name("attn_norm"), &layer.attention_norm)?;
        f32(&mut writer, &name("ffn_norm"), &layer.feed_forward_norm)?;
        let matrices = [
            ("attn_q", &layer.query),
            ("attn_k", &layer.key),
            ("attn_v", &layer.value),
            ("attn_output", &layer.output),
        ];
        for (part, var) in matrices {
            matrix(&mut writer, &name(part), var)?;
        }
        match &layer.router {
            None => {
                let expert = &layer.experts[0];
                matrix(&mut writer, &name("ffn_gate"), &expert.gate)?;
                matrix(&mut writer, &name("ffn_up"), &expert.up)?;
                matrix(&mut writer, &name("ffn_down"), &expert.down)?;
            }
            Some(router) => {
                let router = router.t()?.contiguous()?;
                writer.tensor_f32(&name("ffn_gate_inp"), &dims(&router)?, &flat(&router)?);
                stack(&mut writer, &name("ffn_gate_exps"), &layer.experts, |expert| &expert.gate)?;
                stack(&mut writer, &name("ffn_up_exps"), &layer.experts, |expert| &expert.up)?;
                stack(&mut writer, &name("ffn_down_exps"), &layer.experts, |expert| &expert.down)?;
            }
        }
    }
    Ok(writer.write_to(path)?)
}

fn flat(tensor: &Tensor) -> Result<Vec<f32>> {
    tensor.flatten_all()?.to_vec1()
}

/// GGUF names the contiguous dimension first.
fn dims(tensor: &Tensor) -> Result<Vec<u64>> {
    Ok(tensor.dims().iter().rev().map(|d| *d as u64).collect())
}

fn f32(writer: &mut Writer, name: &str, var: &Var) -> Result<()> {
    writer.tensor_f32(name, &dims(var)?, &flat(var)?);
    Ok(())
}

fn f16(writer: &mut Writer, name: &str, shape: &[usize], tensor: &Tensor) -> Result<()> {
    let dims: Vec<u64> = shape.iter().map(|d| *d as u64).collect();
    writer.tensor_f16(name, &dims, &flat(tensor)?);
    Ok(())
}

/// (in, out) becomes GGUF's [in, out]: one contiguous row of `in` numbers an output.
fn matrix(writer: &mut Writer, name: &str, var: &Var) -> Result<()> {
    let (inputs, outputs) = var.dims2()?;
    f16(writer, name, &[inputs, outputs], &var.t()?.contiguous()?)
}

/// All experts' matrices in one tensor, [in, out, experts].
fn stack(writer: &mut Writer, name: &str, experts: &[Expert], part: impl Fn(&Expert) -> &Var) -> Result<()> {
    let (inputs, outputs) = part(&experts[0]).dims2()?;
    let all = experts.iter().map(|expert| part(expert).t()?.contiguous()).collect::<Result<Vec<_>>>()?;
    f16(writer, name, &[inputs, outputs, experts.len()], &Tensor::stack(&all, 0)?)
}
