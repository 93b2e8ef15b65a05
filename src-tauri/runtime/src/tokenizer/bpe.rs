//! BPE: a text is cut into words, each word is written in bytes or in letters, and neighbours are joined in the order of
//! the merge list.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

use super::bytes::{self, ByteTokens};
use super::split::Splitter;
use super::vocabulary::{Kind, Vocabulary};
use crate::gguf::{GgufError, Header};

pub(super) struct Bpe {
    splitter: Splitter,
    /// (left, right) to (rank, joined).
    merges: Merges,
    writing: Writing,
}

/// Two neighbours: the rank of their merge, and the token that they become.
type Merges = HashMap<(u32, u32), (u32, u32)>;

/// How words are written before they are merged.
enum Writing {
    /// GPT-2's way: every byte is a printable letter.
    Bytes {
        /// The token of each byte; `None` for bytes that UTF-8 never has.
        tokens: Vec<Option<u32>>,
        letters: Box<[char; 256]>,
        from_letter: HashMap<char, u8>,
    },
    /// Letters as they are, spaces as ▁; what no token covers is spelled in byte tokens.
    Plain(ByteTokens),
}

/// Stands for a character without a token; no vocabulary is that large.
const MISSING: u32 = u32::MAX;
/// Stands where the right one of two joined tokens was.
const JOINED: u32 = u32::MAX - 1;

impl Bpe {
    pub fn read(header: &Header, vocabulary: &Vocabulary, splitter: Splitter) -> Result<Self, GgufError> {
        let writing = if splitter.writes_plainly() {
            Writing::Plain(ByteTokens::read(header, vocabulary)?)
        } else {
            Writing::bytes(header, vocabulary)?
        };
        Ok(Bpe { splitter, merges: read_merges(header, vocabulary)?, writing })
    }

    pub fn encode(&self, text: &str, vocabulary: &Vocabulary, ids: &mut Vec<u32>) {
        match &self.writing {
            Writing::Bytes { tokens, letters, .. } => {
                for word in self.splitter.split(text) {
                    let whole = self.splitter.takes_whole_words().then(|| {
                        let written: String = word.bytes().map(|byte| letters[byte as usize]).collect();
                        vocabulary.id(&written)
                    });
                    match whole.flatten() {
                        Some(id) => ids.push(id),
                        None => {
                            let mut word: Vec<u32> =
                                word.bytes().filter_map(|byte| tokens[byte as usize]).collect();
                            self.merge(&mut word);
                            ids.extend(word.into_iter().filter(|&id| id != JOINED));
                        }
                    }
                }
            }
            Writing::Plain(bytes) => {
                for word in self.splitter.split(&text.replace(' ', bytes::SPACE)) {
                    match vocabulary.id(word).filter(|_| word.starts_with('\n')) {
                        Some(id) => ids.push(id),
                        None => self.encode_letters(word, bytes, vocabulary, ids),
                    }
                }
            }
        }
    }

    fn encode_letters(&self, word: &str, bytes: &ByteTokens, vocabulary: &Vocabulary, ids: &mut Vec<u32>) {
        let mut letter = [0; 4];
        let mut tokens: Vec<u32> = word
            .chars()
            .map(|character| vocabulary.id(character.encode_utf8(&mut letter)).unwrap_or(MISSING))
            .collect();
        self.merge(&mut tokens);
        for (token, character) in tokens.into_iter().zip(word.chars()) {
            match token {
                JOINED => {}
                MISSING => ids.extend(bytes.spell(character.encode_utf8(&mut letter))),
                id => ids.push(id),
            }
        }
    }

    /// Joins neighbours in place, the first merge of the list first; `JOINED` is left where a token went into its left
    /// neighbour. Takes n log n steps for n tokens.
    fn merge(&self, tokens: &mut [u32]) {
        let count = tokens.len();
        // Neighbours by index; `count` is the end, and the place before the first is `count` as well.
        let mut after: Vec<usize> = (1..=count).collect();
        let mut before: Vec<usize> = std::iter::once(count).chain(0..count.saturating_sub(1)).collect();
        let mut queue = BinaryHeap::new();
        let rank = |tokens: &[u32], left: usize, right: usize| {
            let pair = (*tokens.get(left)?, *tokens.get(right)?);
            self.merges.get(&pair).map(|&(rank, whole)| (rank, pair, whole))
        };
        for left in 0..count.saturating_sub(1) {
            if let Some((rank, pair, _)) = rank(tokens, left, left + 1) {
                queue.push(Reverse((rank, left, pair)));
            }
        }
        while let Some(Reverse((_, left, pair))) = queue.pop() {
            let right = after[left];
            let Some((_, now, whole)) = rank(tokens, left, right) else { continue };
            // One of the two has been joined with another since.
            if now != pair {
                continue;
            }
            tokens[left] = whole;
            tokens[right] = JOINED;
            let next = after[right];
            after[left] = next;
            if next < count {
                before[next] = left;
                if let Some((rank, pair, _)) = rank(tokens, left, next) {
                    queue.push(Reverse((rank, left, pair)));
                }
            }
            let previous = before[left];
            if let Some((rank, pair, _)) = rank(tokens, previous, left) {
                queue.push(Reverse((rank, previous, pair)));
            }
        }
    }

    pub fn bytes(&self, id: u32, kind: Kind, vocabulary: &Vocabulary) -> Vec<u8> {
        let text = vocabulary.text(id);
        match &self.writing {
            Writing::Plain(_) => bytes::plain(text, kind),
            Writing::Bytes { .. } if kind == Kind::UserDefined => text.into(),
            Writing::Bytes { from_letter, .. } => {
                let mut bytes = Vec::with_capacity(text.len());
                for letter in text.chars() {
                    match from_letter.get(&letter) {
                        Some(&byte) => bytes.push(byte),
                        None => bytes.extend(letter.encode_utf8(&mut [0; 4]).bytes()),
                    }
                }
                bytes
            }
        }
    }
}

impl Writing {
    fn bytes(header: &Header, vocabulary: &Vocabulary) -> Result<Writing, GgufError> {
        let letters = letters();
        let unknown = vocabulary.unknown();
        let mut tokens = Vec::with_capacity(256);
        for byte in 0..=255u8 {
            let id = vocabulary.id(letters[byte as usize].encode_utf8(&mut [0; 4])).or(unknown);
            let in_utf8 = !matches!(byte, 0xc0 | 0xc1 | 0xf5..);
            if id.is_none() && in_utf8 {
                let why = format!("has neither a token for byte 0x{byte:02X} nor an unknown token");
                return Err(header.error("tokenizer.ggml.tokens", why));
            }
            tokens.push(id);
        }
        let from_letter = (0..=255u8).map(|byte| (letters[byte as usize], byte)).collect();
        Ok(Writing::Bytes { tokens, letters: Box::new(letters), from_letter })
    }
}

fn read_merges(header: &Header, vocabulary: &Vocabulary) -> Result<Merges, GgufError> {
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
            let merge: String = merge.chars().take(80).collect();
            let why = format!("merge {rank} (\"{merge}\") does not join two tokens into a third");
            return Err(header.error(key, why));
        };
        merges.entry(pair).or_insert((rank as u32, whole));
    }
    Ok(merges)
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
