//! Byte-level BPE: a text is cut into words, each word is written in bytes, and neighbours are joined in the order of
//! the merge list.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

use super::split::Splitter;
use super::vocabulary::{Kind, Vocabulary};
use crate::gguf::{GgufError, Header};

pub(super) struct ByteLevel {
    splitter: Splitter,
    /// The token of each byte; `None` for bytes that UTF-8 never has.
    bytes: Vec<Option<u32>>,
    /// (left, right) to (rank, joined).
    merges: HashMap<(u32, u32), (u32, u32)>,
    /// How each byte is written, and back.
    letters: [char; 256],
    from_letter: HashMap<char, u8>,
}

impl ByteLevel {
    pub fn read(header: &Header, vocabulary: &Vocabulary, splitter: Splitter) -> Result<Self, GgufError> {
        let letters = letters();
        let unknown = (0..vocabulary.len() as u32).find(|&id| vocabulary.kind(id) == Kind::Unknown);
        let mut bytes = Vec::with_capacity(256);
        for byte in 0..=255u8 {
            let id = vocabulary.id(letters[byte as usize].encode_utf8(&mut [0; 4])).or(unknown);
            let in_utf8 = !matches!(byte, 0xc0 | 0xc1 | 0xf5..);
            if id.is_none() && in_utf8 {
                let why = format!("has neither a token for byte 0x{byte:02X} nor an unknown token");
                return Err(header.error("tokenizer.ggml.tokens", why));
            }
            bytes.push(id);
        }
        let key = "tokenizer.ggml.merges";
        let list = header.strings(key)?.ok_or_else(|| header.error(key, "is absent"))?;
        let mut merges = HashMap::with_capacity(list.len());
        for (rank, merge) in list.iter().enumerate() {
            // A part may begin with a space in vocabularies that write spaces plainly; none ends with one.
            let cut = merge.char_indices().skip(1).find(|&(_, letter)| letter == ' ').map(|(at, _)| at);
            let joined = cut.and_then(|at| {
                let (left, right) = (&merge[..at], &merge[at + 1..]);
                let whole = vocabulary.id(&format!("{left}{right}"))?;
                Some(((vocabulary.id(left)?, vocabulary.id(right)?), whole))
            });
            let Some((pair, whole)) = joined else {
                let why = format!("merge {rank} (\"{merge}\") does not join two tokens into a third");
                return Err(header.error(key, why));
            };
            merges.entry(pair).or_insert((rank as u32, whole));
        }
        let from_letter = (0..=255u8).map(|byte| (letters[byte as usize], byte)).collect();
        Ok(ByteLevel { splitter, bytes, merges, letters, from_letter })
    }

    pub fn encode(&self, text: &str, vocabulary: &Vocabulary, ids: &mut Vec<u32>) {
        for word in self.splitter.split(text) {
            if self.splitter.takes_whole_words() {
                let written: String = word.bytes().map(|byte| self.letters[byte as usize]).collect();
                if let Some(id) = vocabulary.id(&written) {
                    ids.push(id);
                    continue;
                }
            }
            self.encode_word(word, ids);
        }
    }

    fn encode_word(&self, word: &str, ids: &mut Vec<u32>) {
        let mut tokens: Vec<Option<u32>> = word.bytes().map(|byte| self.bytes[byte as usize]).collect();
        let count = tokens.len();
        // Neighbours by index; `count` is the end, and the place before the first is `count` as well.
        let mut after: Vec<usize> = (1..=count).collect();
        let mut before: Vec<usize> = std::iter::once(count).chain(0..count.saturating_sub(1)).collect();
        let mut queue = BinaryHeap::new();
        let rank = |tokens: &[Option<u32>], left: usize, right: usize| {
            let pair = (*tokens.get(left)?.as_ref()?, *tokens.get(right)?.as_ref()?);
            self.merges.get(&pair).map(|&(rank, whole)| (rank, pair, whole))
        };
        for left in 0..count.saturating_sub(1) {
            if let Some((rank, pair, _)) = rank(&tokens, left, left + 1) {
                queue.push(Reverse((rank, left, pair)));
            }
        }
        while let Some(Reverse((_, left, pair))) = queue.pop() {
            let right = after[left];
            let Some((_, now, whole)) = rank(&tokens, left, right) else { continue };
            // One of the two has been joined with another since.
            if now != pair {
                continue;
            }
            tokens[left] = Some(whole);
            tokens[right] = None;
            let next = after[right];
            after[left] = next;
            if next < count {
                before[next] = left;
                if let Some((rank, pair, _)) = rank(&tokens, left, next) {
                    queue.push(Reverse((rank, left, pair)));
                }
            }
            let previous = before[left];
            if let Some((rank, pair, _)) = rank(&tokens, previous, left) {
                queue.push(Reverse((rank, previous, pair)));
            }
        }
        ids.extend(tokens.into_iter().flatten());
    }

    pub fn bytes(&self, id: u32, kind: Kind, vocabulary: &Vocabulary) -> Vec<u8> {
        let text = vocabulary.text(id);
        if kind == Kind::UserDefined {
            return text.into();
        }
        let mut bytes = Vec::with_capacity(text.len());
        for letter in text.chars() {
            match self.from_letter.get(&letter) {
                Some(&byte) => bytes.push(byte),
                None => bytes.extend(letter.encode_utf8(&mut [0; 4]).bytes()),
            }
        }
        bytes
    }
}

/// GPT-2's table: printable bytes stand for themselves, the others for the letters from 256 on.
fn letters() -> [char; 256] {
    let mut letters = ['\0'; 256];
    let mut next = 256u32;
    for byte in 0..=255u8 {
        letters[byte as usize] = match byte {
            b'!'..=b'~' | 0xa1..=0xac | 0xae..=0xff => byte as char,
            _ => {
                next += 1;
                char::from_u32(next - 1).expect("letters from 256 to 324 exist")
            }
        };
    }
    letters
}
