//! Unigram: of all ways to spell a text in tokens, the most probable one.
//!
//! Source: subword regularisation (arXiv:1804.10959), Viterbi's algorithm; normalisation as SentencePiece stores it.

use std::collections::HashMap;

use super::bytes::SPACE;
use super::charsmap::CharsMap;
use super::vocabulary::{Kind, Vocabulary};
use crate::gguf::{GgufError, Header};

/// What an unknown character costs more than the least probable token.
const UNKNOWN_PENALTY: f64 = 10.0;

pub(super) struct Unigram {
    tokens: Trie,
    unknown: u32,
    unknown_score: f64,
    /// Tokens that normalisation leaves alone.
    user_defined: Vec<String>,
    characters: Option<CharsMap>,
    adds_space: bool,
    merges_spaces: bool,
}

/// Token texts as paths of bytes from node 0.
#[derive(Default)]
struct Trie {
    next: HashMap<(u32, u8), u32>,
    /// By node: (token, score).
    ends: HashMap<u32, (u32, f64)>,
}

/// The best way to a place in the text.
#[derive(Clone, Copy)]
struct Best {
    score: f64,
    token: u32,
    from: usize,
}

impl Unigram {
    pub fn read(header: &Header, vocabulary: &Vocabulary) -> Result<Self, GgufError> {
        let scores = vocabulary.scores(header)?;
        let key = "tokenizer.ggml.unknown_token_id";
        // T5's own number, where the file does not say.
        let unknown = vocabulary.unknown().or_else(|| vocabulary.special("<unk>")).or_else(|| {
            (header.text("tokenizer.ggml.model").ok()?? == "t5" && vocabulary.len() > 2).then_some(2)
        });
        let unknown =
            unknown.ok_or_else(|| header.error(key, "is absent, and no token is marked as unknown"))?;
        let mut tokens = Trie::default();
        let mut lowest = f64::INFINITY;
        let mut user_defined = Vec::new();
        for id in 0..vocabulary.len() as u32 {
            let (text, kind) = (vocabulary.text(id), vocabulary.kind(id));
            let score = f64::from(scores[id as usize]);
            match kind {
                Kind::Normal => lowest = lowest.min(score),
                Kind::UserDefined => user_defined.push(text.to_owned()),
                Kind::Unused => {}
                Kind::Unknown | Kind::Control | Kind::Byte => continue,
            }
            tokens.insert(text, id, if kind == Kind::UserDefined { 0.0 } else { score });
        }
        user_defined.sort_by_key(|text| std::cmp::Reverse(text.len()));
        let lowest = if lowest.is_finite() { lowest } else { 0.0 };
        Ok(Unigram {
            tokens,
            unknown,
            unknown_score: lowest - UNKNOWN_PENALTY,
            user_defined,
            characters: CharsMap::read(header)?,
            adds_space: header.bool("tokenizer.ggml.add_space_prefix")?.unwrap_or(false),
            merges_spaces: header.bool("tokenizer.ggml.remove_extra_whitespaces")?.unwrap_or(false),
        })
    }

    pub fn adds_space(&self) -> bool {
        self.adds_space
    }

    pub fn encode(&self, text: &str, ids: &mut Vec<u32>) {
        let text = self.normal(text);
        let nothing = Best { score: f64::NEG_INFINITY, token: self.unknown, from: 0 };
        let mut best = vec![nothing; text.len() + 1];
        best[0].score = 0.0;
        for (from, character) in text.char_indices() {
            let so_far = best[from].score;
            let mut offer = |to: usize, token, score: f64| {
                if so_far + score > best[to].score {
                    best[to] = Best { score: so_far + score, token, from };
                }
            };
            let mut covered = false;
            let mut node = 0;
            for (length, byte) in text.as_bytes()[from..].iter().enumerate() {
                let Some(&next) = self.tokens.next.get(&(node, *byte)) else { break };
                node = next;
                if let Some(&(token, score)) = self.tokens.ends.get(&node) {
                    covered |= length + 1 == character.len_utf8();
                    offer(from + length + 1, token, score);
                }
            }
            if !covered {
                offer(from + character.len_utf8(), self.unknown, self.unknown_score);
            }
        }
        let first = ids.len();
        let mut place = text.len();
        let mut after_unknown = false;
        while place > 0 {
            let Best { token, from, .. } = best[place];
            // A run of unknown characters is one unknown token.
            if token != self.unknown || !after_unknown {
                ids.push(token);
            }
            after_unknown = token == self.unknown;
            place = from;
        }
        ids[first..].reverse();
    }

    /// The text in the characters of the vocabulary, its spaces as ▁.
    fn normal(&self, text: &str) -> String {
        let mut out = String::with_capacity(text.len() + SPACE.len());
        let mut put =
            Spaces { in_word: false, begun: false, adds: self.adds_space, merges: self.merges_spaces };
        let mut rest = text;
        while let Some(character) = rest.chars().next() {
            let kept = self.user_defined.iter().find(|token| rest.starts_with(token.as_str()));
            let (length, replaced) = match (kept, &self.characters) {
                (Some(token), _) => (token.len(), None),
                (None, Some(map)) => {
                    map.longest(rest).map_or((character.len_utf8(), None), |(n, s)| (n, Some(s)))
                }
                (None, None) => (character.len_utf8(), None),
            };
            put.push(replaced.unwrap_or(&rest[..length]), &mut out);
            rest = &rest[length..];
        }
        out
    }
}

/// Where spaces are written.
struct Spaces {
    in_word: bool,
    begun: bool,
    adds: bool,
    merges: bool,
}

impl Spaces {
    fn push(&mut self, text: &str, out: &mut String) {
        for character in text.chars() {
            if character == ' ' {
                self.in_word = false;
                if !self.merges {
                    out.push_str(SPACE);
                }
                continue;
            }
            if !self.in_word {
                self.in_word = true;
                if self.adds && !self.begun || self.merges {
                    out.push_str(SPACE);
                    self.begun = true;
                }
            }
            out.push(character);
        }
    }
}

impl Trie {
    fn insert(&mut self, text: &str, id: u32, score: f64) {
        let mut node = 0;
        for byte in text.bytes() {
            let fresh = self.next.len() as u32 + 1;
            node = *self.next.entry((node, byte)).or_insert(fresh);
        }
        if node != 0 {
            self.ends.insert(node, (id, score));
        }
    }
}
