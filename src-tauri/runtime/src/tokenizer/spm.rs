//! SentencePiece BPE: characters are joined, best score first, until no neighbours make a token; what is left over is
//! spelled in bytes.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use super::bytes::{ByteTokens, SPACE};
use super::vocabulary::Vocabulary;
use crate::gguf::{GgufError, Header};

pub(super) struct SentencePiece {
    scores: Vec<f32>,
    bytes: ByteTokens,
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
        let scores = vocabulary.scores(header)?;
        let bytes = ByteTokens::read(header, vocabulary)?;
        let adds_space = header.bool("tokenizer.ggml.add_space_prefix")?.unwrap_or(true);
        Ok(SentencePiece { scores, bytes, adds_space })
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
                None => ids.extend(self.bytes.spell(piece)),
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
        if length > vocabulary.longest() {
            return;
        }
        let start = symbols[left].start;
        if let Some(id) = vocabulary.id(&text[start..start + length]) {
            pairs.push(Pair { score: self.scores[id as usize], left, right, length });
        }
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
