//! The tokens of a vocabulary: their texts, their kinds, and the special ones among them.

use std::cmp::Reverse;
use std::collections::HashMap;

use crate::gguf::{GgufError, Header, Strings};

/// What a token is, as GGUF numbers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Normal = 1,
    Unknown = 2,
    Control = 3,
    UserDefined = 4,
    Unused = 5,
    Byte = 6,
}

/// Largest vocabulary: four times the largest that is known.
const TOKENS: usize = 1 << 20;

/// Tokens that end a turn in one chat format or another, or a file in code completion. A file that calls one of them
/// normal is mistaken: it is a control token. From llama.cpp's list of the ends of generation.
const ENDS: &[&str] = &[
    "<|eot_id|>", "<|eom_id|>", "<|im_end|>", "<|end|>", "<|return|>", "<|call|>", "<|calls|>", "<|flush|>",
    "<|endoftext|>", "<|end_of_text|>", "<end_of_turn>", "<turn|>", "<end_of_utterance>", "<|EOT|>", "<EOT>",
    "_<EOT>", "<｜end▁of▁sentence｜>", "[e~[", "<|fim_pad|>", "<|fim_repo|>", "<|repo_name|>",
    "<|file_sep|>",
];
/// The same, where the names are ordinary enough to be text: only when the file says that they are special.
const ENDS_IF_SPECIAL: &[&str] = &["</s>", "<eos>", "[EOT]", "[EOS]"];

pub struct Vocabulary {
    texts: Strings,
    kinds: Vec<Kind>,
    ids: HashMap<Box<str>, u32>,
    unknown: Option<u32>,
    /// Bytes of the longest token.
    longest: usize,
    specials: Specials,
}

#[derive(Default)]
struct Specials {
    /// Longest first.
    list: Vec<Special>,
    /// A text is looked through for special tokens only where one of these first bytes is in it.
    first_bytes: Vec<u8>,
}

struct Special {
    id: u32,
    /// Counts only where control tokens are asked for.
    control: bool,
    strip: Strip,
}

/// White space that a special token takes away with it.
#[derive(Clone, Copy, PartialEq)]
enum Strip {
    None,
    Before,
    After,
}

impl Vocabulary {
    pub(super) fn read(header: &Header) -> Result<Vocabulary, GgufError> {
        let key = "tokenizer.ggml.tokens";
        let texts = header.strings(key)?.ok_or_else(|| header.error(key, "is absent"))?;
        if texts.is_empty() || texts.len() > TOKENS {
            return Err(header.error(key, format!("{} tokens; 1 to {TOKENS} are possible", texts.len())));
        }
        let mut ids: HashMap<Box<str>, u32> = HashMap::with_capacity(texts.len());
        for (id, text) in texts.iter().enumerate().filter(|(_, text)| !text.is_empty()) {
            if let Some(other) = ids.insert(text.into(), id as u32) {
                let text: String = text.chars().take(80).collect();
                return Err(header.error(key, format!("tokens {other} and {id} are both \"{text}\"")));
            }
        }
        let mut kinds = read_kinds(header, texts.len())?;
        for &id in ENDS.iter().filter_map(|end| ids.get(*end)) {
            if kinds[id as usize] == Kind::Normal {
                kinds[id as usize] = Kind::Control;
            }
        }
        let unknown = header
            .u64("tokenizer.ggml.unknown_token_id")?
            .filter(|&id| id < texts.len() as u64)
            .map(|id| id as u32)
            .or_else(|| kinds.iter().position(|&kind| kind == Kind::Unknown).map(|id| id as u32));
        let longest = texts.iter().map(str::len).max().unwrap_or(0);
        let mut vocabulary =
            Vocabulary { texts: texts.clone(), kinds, ids, unknown, longest, specials: Specials::default() };
        vocabulary.specials = vocabulary.find_specials(header)?;
        Ok(vocabulary)
    }

    /// A list of texts alone: no kinds, nothing special. Fails with what is wrong.
    pub(super) fn plain(texts: Strings) -> Result<Vocabulary, String> {
        if texts.is_empty() || texts.len() > TOKENS {
            return Err(format!("{} words; 1 to {TOKENS} are possible", texts.len()));
        }
        let mut ids: HashMap<Box<str>, u32> = HashMap::with_capacity(texts.len());
        for (id, text) in texts.iter().enumerate() {
            // The first of two that are written alike, as in a list of words.
            ids.entry(text.into()).or_insert(id as u32);
        }
        let longest = texts.iter().map(str::len).max().unwrap_or(0);
        let kinds = vec![Kind::Normal; texts.len()];
        Ok(Vocabulary { texts, kinds, ids, unknown: None, longest, specials: Specials::default() })
    }

    fn find_specials(&self, header: &Header) -> Result<Specials, GgufError> {
        let mut list = Vec::new();
        let strips = Strips::read(header)?;
        for id in 0..self.len() as u32 {
            let (text, kind) = (self.text(id), self.kind(id));
            if !text.is_empty() && matches!(kind, Kind::Control | Kind::UserDefined | Kind::Unknown) {
                list.push(Special { id, control: kind != Kind::UserDefined, strip: strips.of(text) });
            }
        }
        list.sort_by_key(|special| Reverse(self.text(special.id).len()));
        let mut first_bytes: Vec<u8> =
            list.iter().map(|special| self.text(special.id).as_bytes()[0]).collect();
        first_bytes.sort_unstable();
        first_bytes.dedup();
        Ok(Specials { list, first_bytes })
    }

    pub fn len(&self) -> usize {
        self.texts.len()
    }

    pub fn is_empty(&self) -> bool {
        self.texts.is_empty()
    }

    /// A token as the vocabulary writes it; empty when there is no such token.
    pub fn text(&self, id: u32) -> &str {
        self.texts.get(id as usize).unwrap_or("")
    }

    /// `Unused` when there is no such token.
    pub fn kind(&self, id: u32) -> Kind {
        self.kinds.get(id as usize).copied().unwrap_or(Kind::Unused)
    }

    pub fn id(&self, text: &str) -> Option<u32> {
        self.ids.get(text).copied()
    }

    /// The token that stands for what no token covers.
    pub(super) fn unknown(&self) -> Option<u32> {
        self.unknown
    }

    /// Bytes of the longest token.
    pub(super) fn longest(&self) -> usize {
        self.longest
    }

    /// The token of this text when it is a special one.
    pub fn special(&self, text: &str) -> Option<u32> {
        self.id(text).filter(|&id| matches!(self.kind(id), Kind::Control | Kind::UserDefined))
    }

    /// Tokens that end an answer, whatever the metadata says about it.
    pub(super) fn ends(&self) -> Vec<u32> {
        let mut ends: Vec<u32> =
            ENDS.iter().chain(ENDS_IF_SPECIAL).filter_map(|text| self.special(text)).collect();
        // Harmony's <|end|> closes a message, after which the answer goes on.
        let harmony = |text| self.special(text).is_some();
        if harmony("<|return|>") && harmony("<|call|>") || harmony("<|flush|>") && harmony("<|calls|>") {
            ends.retain(|&id| self.text(id) != "<|end|>");
        }
        ends
    }

    /// Scores of all tokens, in logarithms of probabilities.
    pub(super) fn scores(&self, header: &Header) -> Result<Vec<f32>, GgufError> {
        let key = "tokenizer.ggml.scores";
        let scores = header.floats(key)?.ok_or_else(|| header.error(key, "is absent"))?;
        if scores.len() != self.len() {
            return Err(header.error(key, format!("{} scores for {} tokens", scores.len(), self.len())));
        }
        if let Some(id) = scores.iter().position(|score| score.is_nan()) {
            return Err(header.error(key, format!("the score of token {id} is not a number")));
        }
        // Minus zero becomes zero: the two are one score.
        Ok(scores.iter().map(|score| score + 0.0).collect())
    }

    /// Texts of the control tokens, longest first.
    pub fn control_texts(&self) -> impl Iterator<Item = &str> {
        self.specials.list.iter().filter(|special| special.control).map(|special| self.text(special.id))
    }

    /// Cuts special tokens out of a text: plain stretches are `Ok`, special tokens `Err(id)`. User-defined tokens
    /// always count, control tokens only when `control`. A longer token wins over a shorter one wherever it stands.
    pub(super) fn cut_specials<'a>(&self, text: &'a str, control: bool) -> Vec<Result<&'a str, u32>> {
        let mut pieces = vec![Ok(text)];
        if !text.bytes().any(|byte| self.specials.first_bytes.contains(&byte)) {
            return pieces;
        }
        for special in self.specials.list.iter().filter(|special| control || !special.control) {
            let written = self.text(special.id);
            if !text.contains(written) {
                continue;
            }
            let mut finer = Vec::with_capacity(pieces.len());
            for piece in pieces {
                match piece {
                    Err(id) => finer.push(Err(id)),
                    Ok(plain) => special.cut(written, plain, &mut finer),
                }
            }
            pieces = finer;
        }
        pieces
    }
}

impl Special {
    fn cut<'a>(&self, written: &str, plain: &'a str, pieces: &mut Vec<Result<&'a str, u32>>) {
        let mut parts = plain.split(written).peekable();
        let mut first = true;
        while let Some(mut part) = parts.next() {
            if !first {
                pieces.push(Err(self.id));
            }
            let last = parts.peek().is_none();
            match self.strip {
                Strip::After if !first => part = part.trim_start_matches(is_space),
                Strip::Before if !last => part = part.trim_end_matches(is_space),
                _ => {}
            }
            if !part.is_empty() {
                pieces.push(Ok(part));
            }
            first = false;
        }
    }
}

/// C's isspace.
fn is_space(letter: char) -> bool {
    matches!(letter, ' ' | '\t'..='\r')
}

/// Which special tokens take white space away: GGUF has no key for it, so it is known by the model's name, as in
/// llama.cpp.
struct Strips {
    phi3: bool,
    mask: Option<&'static str>,
}

impl Strips {
    fn read(header: &Header) -> Result<Strips, GgufError> {
        let name = header.text("general.name")?.unwrap_or("").to_lowercase();
        let pre = header.text("tokenizer.ggml.pre")?.unwrap_or("");
        let architecture = header.text("general.architecture")?.unwrap_or("");
        let jina = ["jina-v2-de", "jina-v2-es", "jina-v2-code"].iter().any(|known| pre.contains(known))
            || ["nomic-bert-moe", "jina-bert-v3"].contains(&architecture);
        let phi3 = !jina && (name.contains("phi-3") || name.contains("phi3"));
        let modern = name.contains("modern-bert").then_some("[MASK]");
        Ok(Strips { phi3, mask: if jina { Some("<mask>") } else { modern } })
    }

    fn of(&self, text: &str) -> Strip {
        if self.phi3 && !["<unk>", "<s>", "<|endoftext|>"].contains(&text) {
            Strip::After
        } else if self.mask == Some(text) {
            Strip::Before
        } else {
            Strip::None
        }
    }
}

fn read_kinds(header: &Header, tokens: usize) -> Result<Vec<Kind>, GgufError> {
    let key = "tokenizer.ggml.token_type";
    let Some(numbers) = header.integers(key)? else { return Ok(vec![Kind::Normal; tokens]) };
    if numbers.len() != tokens {
        return Err(header.error(key, format!("{} types for {tokens} tokens", numbers.len())));
    }
    let kind = |(id, number)| {
        Kind::from_number(number)
            .ok_or_else(|| header.error(key, format!("token {id} has type {number}; 1 to 6 exist")))
    };
    numbers.into_iter().enumerate().map(kind).collect()
}

impl Kind {
    fn from_number(number: i64) -> Option<Kind> {
        Some(match number {
            // 0 is "undefined"; files that exist use it for unused places.
            0 | 5 => Kind::Unused,
            1 => Kind::Normal,
            2 => Kind::Unknown,
            3 => Kind::Control,
            4 => Kind::UserDefined,
            6 => Kind::Byte,
            _ => return None,
        })
    }
}
