//! The models of `logits.py`, made again bit for bit: weights by SplitMix64 from the name of each tensor.

// Every test file that includes this uses a part of it.
#![allow(dead_code)]

use runtime::gguf::write::Writer;
use serde::Deserialize;

#[derive(Deserialize)]
pub struct Reference {
    pub models: Vec<Recipe>,
}

#[derive(Clone, Deserialize)]
pub struct Recipe {
    pub name: String,
    pub layers: u32,
    pub width: u64,
    pub heads: u32,
    pub kv_heads: u32,
    pub head_width: u64,
    pub feed: u64,
    pub vocabulary: u64,
    pub experts: u32,
    pub experts_used: u32,
    pub rope_dims: u32,
    pub rope_base: f32,
    pub rope_scale: f32,
    pub rope_factors: bool,
    pub tied: bool,
    /// How many tokens the text has.
    pub tokens: usize,
    pub positions: Vec<usize>,
    /// (positions, vocabulary)
    pub logits: Vec<Vec<f64>>,
}

/// The recorded models with their logits.
pub fn reference() -> Reference {
    serde_json::from_str(include_str!("logits.json")).expect("the file is made by logits.py")
}

/// SplitMix64 from the name.
pub fn noise(name: &str, count: usize) -> impl Iterator<Item = u64> {
    let fnv = |seed: u64, byte: u8| (seed ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    let seed = name.bytes().fold(0xcbf2_9ce4_8422_2325, fnv);
    (1..=count as u64).map(move |number| {
        let mut z = seed.wrapping_add(number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    })
}

fn uniform(name: &str, count: usize) -> impl Iterator<Item = f32> {
    noise(name, count).map(|z| (z >> 40) as f32 / (1 << 24) as f32 - 0.5)
}

impl Recipe {
    /// The text.
    pub fn ids(&self) -> Vec<u32> {
        noise(&format!("{}/tokens", self.name), self.tokens).map(|z| (z % self.vocabulary) as u32).collect()
    }

    /// The numbers of a matrix, or of a stack of them. `dims`: contiguous dimension first.
    pub fn matrix(&self, name: &str, dims: &[u64]) -> Vec<f32> {
        let scale = (12.0 / dims[0] as f32).sqrt().log2().round().exp2();
        let count = dims.iter().product::<u64>() as usize;
        uniform(&format!("{}/{name}", self.name), count).map(|value| value * scale).collect()
    }

    fn gains(&self, name: &str) -> Vec<f32> {
        uniform(&format!("{}/{name}", self.name), self.width as usize)
            .map(|value| 1.0 + value * 0.5)
            .collect()
    }

    /// [`Recipe::writer`] without a token that ends an answer: what such a model writes goes on for ever.
    pub fn endless(&self) -> Writer {
        let kinds: Vec<i32> =
            (0..self.vocabulary).map(|id| [2, 3].get(id as usize).copied().unwrap_or(1)).collect();
        let mut writer = self.writer();
        writer.set("tokenizer.ggml.eos_token_id", u32::MAX).set("tokenizer.ggml.token_type", kinds);
        writer
    }

    /// The model file, stored as 32-bit floats, with a vocabulary of single letters.
    pub fn writer(&self) -> Writer {
        let mut writer = Writer::new();
        writer
            .set("general.architecture", "llama")
            .set("general.name", self.name.as_str())
            .set("llama.context_length", 4096u32)
            .set("llama.block_count", self.layers)
            .set("llama.embedding_length", self.width as u32)
            .set("llama.feed_forward_length", self.feed as u32)
            .set("llama.attention.head_count", self.heads)
            .set("llama.attention.head_count_kv", self.kv_heads)
            .set("llama.attention.key_length", self.head_width as u32)
            .set("llama.attention.value_length", self.head_width as u32)
            .set("llama.attention.layer_norm_rms_epsilon", 1e-5f32)
            .set("llama.rope.dimension_count", self.rope_dims)
            .set("llama.rope.freq_base", self.rope_base)
            .set("llama.vocab_size", self.vocabulary as u32);
        if self.rope_scale != 1.0 {
            writer.set("llama.rope.scaling.type", "linear").set("llama.rope.scaling.factor", self.rope_scale);
        }
        if self.experts > 0 {
            writer.set("llama.expert_count", self.experts).set("llama.expert_used_count", self.experts_used);
        }
        self.set_vocabulary(&mut writer);

        let add = |writer: &mut Writer, name: &str, dims: &[u64]| {
            writer.tensor_f32(name, dims, &self.matrix(name, dims));
        };
        let (width, feed) = (self.width, self.feed);
        let (q, kv) = (u64::from(self.heads) * self.head_width, u64::from(self.kv_heads) * self.head_width);
        add(&mut writer, "token_embd.weight", &[width, self.vocabulary]);
        for layer in 0..self.layers {
            let name = |part: &str| format!("blk.{layer}.{part}.weight");
            for part in ["attn_norm", "ffn_norm"] {
                writer.tensor_f32(&name(part), &[width], &self.gains(&name(part)));
            }
            for (part, dims) in [
                ("attn_q", [width, q]),
                ("attn_k", [width, kv]),
                ("attn_v", [width, kv]),
                ("attn_output", [q, width]),
            ] {
                add(&mut writer, &name(part), &dims);
            }
            if self.experts == 0 {
                for (part, dims) in
                    [("ffn_gate", [width, feed]), ("ffn_up", [width, feed]), ("ffn_down", [feed, width])]
                {
                    add(&mut writer, &name(part), &dims);
                }
            } else {
                let experts = u64::from(self.experts);
                add(&mut writer, &name("ffn_gate_inp"), &[width, experts]);
                add(&mut writer, &name("ffn_gate_exps"), &[width, feed, experts]);
                add(&mut writer, &name("ffn_up_exps"), &[width, feed, experts]);
                add(&mut writer, &name("ffn_down_exps"), &[feed, width, experts]);
            }
        }
        writer.tensor_f32("output_norm.weight", &[width], &self.gains("output_norm.weight"));
        if !self.tied {
            add(&mut writer, "output.weight", &[width, self.vocabulary]);
        }
        if self.rope_factors {
            let factors: Vec<f32> =
                (0..self.rope_dims / 2).map(|pair| 1.0 + 0.5 * (pair % 4) as f32).collect();
            writer.tensor_f32("rope_freqs.weight", &[factors.len() as u64], &factors);
        }
        writer
    }

    /// `<unk>`, `<s>`, `</s>`, `▁`, then letters.
    fn set_vocabulary(&self, writer: &mut Writer) {
        let fixed = ["<unk>", "<s>", "</s>", "▁"].map(String::from);
        let letters = ('a'..='z').chain('A'..='Z').map(String::from);
        let tokens: Vec<String> = fixed.into_iter().chain(letters).take(self.vocabulary as usize).collect();
        let kinds: Vec<i32> = (0..tokens.len()).map(|id| [2, 3, 3].get(id).copied().unwrap_or(1)).collect();
        writer
            .set("tokenizer.ggml.model", "llama")
            .set("tokenizer.ggml.scores", vec![0f32; tokens.len()])
            .set("tokenizer.ggml.tokens", tokens)
            .set("tokenizer.ggml.token_type", kinds)
            .set("tokenizer.ggml.bos_token_id", 1u32)
            .set("tokenizer.ggml.eos_token_id", 2u32)
            .set("tokenizer.ggml.unknown_token_id", 0u32);
    }
}
