//! Vocabularies that write spaces as ▁ and have a token `<0xXX>` for each byte, for what no other token covers.

use super::vocabulary::{Kind, Vocabulary};
use crate::gguf::{GgufError, Header};

/// How such a vocabulary writes a space.
pub(super) const SPACE: &str = "▁";

/// The token of each byte, or the unknown token.
pub(super) struct ByteTokens(Vec<u32>);

impl ByteTokens {
    pub fn read(header: &Header, vocabulary: &Vocabulary) -> Result<ByteTokens, GgufError> {
        let mut tokens = Vec::with_capacity(256);
        for byte in 0..=255u8 {
            let Some(id) = vocabulary.id(&format!("<0x{byte:02X}>")).or(vocabulary.unknown()) else {
                let why = format!("has neither a token for byte 0x{byte:02X} nor an unknown token");
                return Err(header.error("tokenizer.ggml.tokens", why));
            };
            tokens.push(id);
        }
        Ok(ByteTokens(tokens))
    }

    pub fn spell(&self, text: &str) -> impl Iterator<Item = u32> {
        text.bytes().map(|byte| self.0[byte as usize])
    }
}

/// The bytes that a token stands for.
pub(super) fn plain(text: &str, kind: Kind) -> Vec<u8> {
    if kind == Kind::Byte {
        let hex = text.strip_prefix("<0x").and_then(|rest| rest.strip_suffix('>'));
        if let Some(byte) = hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            return vec![byte];
        }
    }
    text.replace(SPACE, " ").into_bytes()
}
