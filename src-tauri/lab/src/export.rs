//! Export: a trained decoder as a GGUF file of the `llama` architecture, with its tokenizer and chat template inside.

use crate::LabError;
use crate::tokenizer::{BYTES_ONLY, CONTROL, END, PRE, Tokenizer};
use crate::train::model::{EMBEDDING, Expert, Model, NORM, Weight};
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
pub fn export(path: &Path, name: &str, model: &Model, tokenizer: &Tokenizer) -> Result<(), LabError> {
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

    let weight = |at: usize| &model.weights[at];
    writer.tensor_f16("token_embd.weight", &dims(&[shape.width, shape.vocabulary]), &weight(EMBEDDING).data);
    let norm = |writer: &mut Writer, name: &str, weight: &Weight| {
        writer.tensor_f32(name, &dims(&weight.shape), &weight.data);
    };
    norm(&mut writer, "output_norm.weight", weight(NORM));
    for (i, layer) in model.layers.iter().enumerate() {
        let name = |part: &str| format!("blk.{i}.{part}.weight");
        norm(&mut writer, &name("attn_norm"), weight(layer.attention_norm));
        norm(&mut writer, &name("ffn_norm"), weight(layer.feed_forward_norm));
        let matrices = [
            ("attn_q", layer.query),
            ("attn_k", layer.key),
            ("attn_v", layer.value),
            ("attn_output", layer.output),
        ];
        for (part, at) in matrices {
            let weight = weight(at);
            writer.tensor_f16(&name(part), &dims(&weight.shape), &turned(weight));
        }
        let suffix = match layer.router {
            None => "",
            Some(router) => {
                let weight = weight(router);
                writer.tensor_f32(&name("ffn_gate_inp"), &dims(&weight.shape), &turned(weight));
                "_exps"
            }
        };
        let mut stack = |part: &str, of: fn(&Expert) -> usize| {
            let mut shape = weight(of(&layer.experts[0])).shape.clone();
            if layer.router.is_some() {
                shape.push(layer.experts.len());
            }
            let all: Vec<f32> = layer.experts.iter().flat_map(|expert| turned(weight(of(expert)))).collect();
            writer.tensor_f16(&name(&format!("{part}{suffix}")), &dims(&shape), &all);
        };
        stack("ffn_gate", |expert| expert.gate);
        stack("ffn_up", |expert| expert.up);
        stack("ffn_down", |expert| expert.down);
    }
    Ok(writer.write_to(path)?)
}

/// GGUF names the contiguous dimension first: the input, of a matrix that is [`turned`].
fn dims(shape: &[usize]) -> Vec<u64> {
    shape.iter().map(|d| *d as u64).collect()
}

/// (in, out) in GGUF's order: one contiguous row of `in` numbers an output.
fn turned(weight: &Weight) -> Vec<f32> {
    let (inputs, outputs) = (weight.shape[0], weight.shape[1]);
    (0..outputs).flat_map(|o| (0..inputs).map(move |i| weight.data[i * outputs + o])).collect()
}
