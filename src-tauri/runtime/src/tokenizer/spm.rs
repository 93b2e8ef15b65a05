//! SentencePiece BPE: characters are joined, best score first, until no neighbours make a token; what is left over is
//! spelled in bytes.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use super::vocabulary::{Kind, Vocabulary};
use crate::gguf::{GgufError, Header};

/// How the vocabulary writes a space.
const SPACE: &str = "▁";

pub(super) struct SentencePiece {
    scores: Vec<f32>,
    /// The token of each byte, or the unknown token.
    bytes: Vec<u32>,
    adds_space: bool,
}

/// Two neighbours that make a token.
struct Pair {
    score: f32,
    left: usize,
    right: usize,
    /// Bytes of both when this was found; when it differs now, one of them has changed.
    length: usize,
}

/// A stretch of the text; linked to its neighbours by index.
struct Symbol {
    start: usize,
    length: usize,
    before: Option<usize>,
    after: Option<usize>,
}

impl SentencePiece {
    pub fn read(header: &Header, vocabulary: &Vocabulary) -> Result<Self, GgufError> {
        let key = "tokenizer.ggml.scores";
        let scores = header.floats(key)?.ok_or_else(|| header.error(key, "is absent"))?;
        if scores.len() != vocabulary.len() {
            let why = format!("{} scores for {} tokens", scores.len(), vocabulary.len());
            return Err(header.error(key, why));
        }
        if let Some(id) = scores.iter().position(|score| score.is_nan()) {
            return Err(header.error(key, format!("the score of token {id} is not a number")));
        }
        let unknown = header
            .u64("tokenizer.ggml.unknown_token_id")?
            .filter(|&id| id < vocabulary.len() as u64)
            .map(|id| id as u32)
            .or_else(|| (0..vocabulary.len() as u32).find(|&id| vocabulary.kind(id) == Kind::Unknown));
        let mut bytes = Vec::with_capacity(256);
        for byte in 0..=255u8 {
            let Some(id) = vocabulary.id(&format!("<0x{byte:02X}>")).or(unknown) else {
                let why = format!("has neither a token for byte 0x{byte:02X} nor an unknown token");
                return Err(header.error("tokenizer.ggml.tokens", why));
            };
            bytes.push(id);
        }
        let adds_space = header.bool("tokenizer.ggml.add_space_prefix")?.unwrap_or(true);
        Ok(SentencePiece { scores: scores.to_vec(), bytes, adds_space })
    }

    pub fn adds_space(&self) -> bool {
        self.adds_space
    }

    pub fn encode(&self, text: &str, after_special: bool, vocabulary: &Vocabulary, ids: &mut Vec<u32>) {
        let mut written = text.replace(' ', SPACE);
        if self.adds_space && after_special {
            written.insert_str(0, SPACE);
        }
        let mut symbols: Vec<Symbol> = Vec::new();
        for (start, character) in written.char_indices() {
            let index = symbols.len();
            if let Some(last) = symbols.last_mut() {
                last.after = Some(index);
            }
            let before = index.checked_sub(1);
            symbols.push(Symbol { start, length: character.len_utf8(), before, after: None });
        }
        let mut pairs = BinaryHeap::new();
        for right in 1..symbols.len() {
            self.consider(&written, &symbols, right - 1, right, vocabulary, &mut pairs);
        }
        while let Some(pair) = pairs.pop() {
            let (left, right) = (&symbols[pair.left], &symbols[pair.right]);
            if left.length == 0 || right.length == 0 || left.length + right.length != pair.length {
                continue;
            }
            let after = right.after;
            symbols[pair.left].length = pair.length;
            symbols[pair.left].after = after;
            symbols[pair.right].length = 0;
            if let Some(after) = after {
                symbols[after].before = Some(pair.left);
                self.consider(&written, &symbols, pair.left, after, vocabulary, &mut pairs);
            }
            if let Some(before) = symbols[pair.left].before {
                self.consider(&written, &symbols, before, pair.left, vocabulary, &mut pairs);
            }
        }
        for symbol in symbols.iter().filter(|symbol| symbol.length > 0) {
            let piece = &written[symbol.start..symbol.start + symbol.length];
            match vocabulary.id(piece) {
                Some(id) => ids.push(id),
                None => ids.extend(piece.bytes().map(|byte| self.bytes[byte as usize])),
            }
        }
    }

    fn consider(
        &self,
        text: &str,
        symbols: &[Symbol],
        left: usize,
        right: usize,
        vocabulary: &Vocabulary,
        pairs: &mut BinaryHeap<Pair>,
    ) {
        let length = symbols[left].length + symbols[right].length;
        let start = symbols[left].start;
        if let Some(id) = vocabulary.id(&text[start..start + length]) {
            pairs.push(Pair { score: self.scores[id as usize], left, right, length });
        }
    }

    pub fn bytes(&self, id: u32, kind: Kind, vocabulary: &Vocabulary) -> Vec<u8> {
        let text = vocabulary.text(id);
        if kind == Kind::Byte {
            let hex = text.strip_prefix("<0x").and_then(|rest| rest.strip_suffix('>'));
            if let Some(byte) = hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
                return vec![byte];
            }
        }
        text.replace(SPACE, " ").into_bytes()
    }
}

/// The best score comes first; of equal ones the leftmost.
impl Ord for Pair {
    fn cmp(&self, other: &Self) -> Ordering {
        self.score.total_cmp(&other.score).then(other.left.cmp(&self.left))
    }
}

impl PartialOrd for Pair {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Pair {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Pair {}
