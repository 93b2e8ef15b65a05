//! Toy experts and a toy gate, built in code: real GGUF files of the Llama family whose weights are chosen so that each
//! token leads to one next token. What such an expert says is known before it says it, and it goes through the same
//! process, tokenizer, template and decoder as any other.

use runtime::classifier::{Weights, features_in};
use runtime::gguf::Value;
use runtime::gguf::write::Writer;
use std::path::Path;

/// One toy expert.
pub struct Toy<'a> {
    /// Its words, in their order, each different from the others.
    pub says: &'a [&'a str],
    /// After the last word it begins again, until somebody stops it; else it ends.
    pub for_ever: bool,
    /// Decoder layers: they compute and change nothing, so they only take time and memory.
    pub layers: usize,
    /// Width of the feed-forward part of each layer.
    pub feed_forward: usize,
    pub context: u32,
}

impl Default for Toy<'_> {
    fn default() -> Self {
        Toy { says: &["fine"], for_ever: false, layers: 1, feed_forward: 64, context: 2048 }
    }
}

const UNKNOWN: usize = 0;
const END: usize = 2;
const FIRST_BYTE: usize = 3;
const FIRST_PIECE: usize = FIRST_BYTE + 256;
/// The template ends with this, so the answer's first word follows it.
const MARK: &str = "~";

impl Toy<'_> {
    /// Writes the file.
    pub fn write(&self, path: &Path) {
        self.write_with(path, |_| {});
    }

    /// The same with more in it.
    pub fn write_with(&self, path: &Path, more: impl FnOnce(&mut Writer)) {
        let words: Vec<String> = self.says.iter().map(|word| format!("▁{word}")).collect();
        let (tokens, types) = vocabulary(&words);
        let vocabulary = tokens.len();
        // One dimension a token, so that a hidden state names its token; a multiple of 4 heads of an even size.
        let width = vocabulary.next_multiple_of(64);
        let next = self.chain(vocabulary, words.len());

        let mut file = Writer::new();
        let scores: Vec<f32> = (0..vocabulary).map(|id| -(id as f32)).collect();
        file.set("general.architecture", "llama")
            .set("general.name", path.file_stem().and_then(|stem| stem.to_str()).unwrap_or("toy"))
            .set("llama.context_length", self.context)
            .set("llama.embedding_length", width as u32)
            .set("llama.block_count", self.layers as u32)
            .set("llama.feed_forward_length", self.feed_forward as u32)
            .set("llama.attention.head_count", 4u32)
            .set("llama.attention.head_count_kv", 4u32)
            .set("llama.attention.layer_norm_rms_epsilon", 1e-5f32)
            .set("llama.rope.dimension_count", (width / 4) as u32)
            .set("llama.vocab_size", vocabulary as u32)
            .set("tokenizer.ggml.model", "llama")
            .set("tokenizer.ggml.tokens", tokens.iter().map(String::as_str).collect::<Vec<_>>())
            .set("tokenizer.ggml.scores", Value::from(scores))
            .set("tokenizer.ggml.token_type", Value::from(types))
            .set("tokenizer.ggml.unknown_token_id", UNKNOWN as u32)
            .set("tokenizer.ggml.bos_token_id", 1u32)
            .set("tokenizer.ggml.eos_token_id", END as u32)
            .set("tokenizer.ggml.add_bos_token", true)
            .set(
                "tokenizer.chat_template",
                format!("{{% for m in messages %}}{{{{ m.content }}}}{{% endfor %}}{MARK}"),
            );

        let matrix =
            |rows: usize, columns: usize| (vec![0.0f32; rows * columns], [columns as u64, rows as u64]);
        let (mut embedding, shape) = matrix(vocabulary, width);
        (0..vocabulary).for_each(|id| embedding[id * width + id] = 1.0);
        file.tensor_f32("token_embd.weight", &shape, &embedding);
        let (mut output, shape) = matrix(vocabulary, width);
        for (id, next) in next.iter().enumerate() {
            output[next * width + id] = 1.0;
        }
        file.tensor_f32("output.weight", &shape, &output);
        file.tensor_f32("output_norm.weight", &[width as u64], &vec![1.0; width]);
        for layer in 0..self.layers {
            for norm in ["attn_norm", "ffn_norm"] {
                file.tensor_f32(&format!("blk.{layer}.{norm}.weight"), &[width as u64], &vec![1.0; width]);
            }
            for square in ["attn_q", "attn_k", "attn_v", "attn_output"] {
                let (zeros, shape) = matrix(width, width);
                file.tensor_f32(&format!("blk.{layer}.{square}.weight"), &shape, &zeros);
            }
            for up in ["ffn_gate", "ffn_up"] {
                let (zeros, shape) = matrix(self.feed_forward, width);
                file.tensor_f32(&format!("blk.{layer}.{up}.weight"), &shape, &zeros);
            }
            let (zeros, shape) = matrix(width, self.feed_forward);
            file.tensor_f32(&format!("blk.{layer}.ffn_down.weight"), &shape, &zeros);
        }
        more(&mut file);
        file.write_to(path).expect("a temporary folder takes the toy");
    }

    /// The token that follows each token.
    fn chain(&self, vocabulary: usize, words: usize) -> Vec<usize> {
        let mark = FIRST_PIECE;
        let first = FIRST_PIECE + 1;
        let mut next = vec![END; vocabulary];
        next[mark] = first;
        for at in 0..words {
            let last = at + 1 == words;
            next[first + at] = match (last, self.for_ever) {
                (false, _) => first + at + 1,
                (true, true) => first,
                (true, false) => END,
            };
        }
        next
    }
}

/// Pieces and their types as GGUF numbers them: 1 ordinary, 2 unknown, 3 control, 6 a byte.
fn vocabulary(words: &[String]) -> (Vec<String>, Vec<i32>) {
    let mut tokens: Vec<String> = ["<unk>", "<s>", "</s>"].map(str::to_owned).into();
    let mut types = vec![2, 3, 3];
    for byte in 0..256 {
        tokens.push(format!("<0x{byte:02X}>"));
        types.push(6);
    }
    for piece in std::iter::once(MARK).chain(words.iter().map(String::as_str)) {
        tokens.push(piece.to_owned());
        types.push(1);
    }
    (tokens, types)
}

/// A gate that knows a domain by its own name in the text: "alpha …" is of the domain `alpha`. Anything else is `none`.
pub fn gate(domains: &[&str]) -> Vec<u8> {
    let buckets = 1 << 12;
    let labels: Vec<String> =
        domains.iter().map(|domain| (*domain).to_owned()).chain(["none".to_owned()]).collect();
    let mut class_weights = vec![0.0; buckets as usize * labels.len()];
    for (label, domain) in domains.iter().enumerate() {
        for (bucket, value) in features_in(domain, buckets) {
            class_weights[bucket as usize * labels.len() + label] += 12.0 * value;
        }
    }
    let mut class_bias = vec![0.0; labels.len()];
    class_bias[domains.len()] = 3.0;
    let weights = Weights {
        labels,
        temperature: 1.0,
        buckets,
        class_bias,
        class_weights,
        complexity_bias: 2.0,
        complexity_weights: vec![0.0; buckets as usize],
    };
    weights.write().expect("the toy gate has the shape that it says")
}
