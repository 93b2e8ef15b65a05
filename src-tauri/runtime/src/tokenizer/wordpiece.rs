//! WordPiece: a text is cleaned and cut into words, and each word is spelled in the longest tokens that fit, from its
//! beginning on.
//!
//! Source: BERT (arXiv:1810.04805) and its published tokenizer; GGUF writes `▁word` for the beginning of a word and plain
//! `rest` for what BERT's own vocabulary calls `##rest`.

use fancy_regex::Regex;
use unicode_normalization_alignments::UnicodeNormalization;

use super::bytes::SPACE;
use super::vocabulary::Vocabulary;
use crate::gguf::{GgufError, Header};

/// A longer word is unknown as a whole.
const LETTERS: usize = 100;

/// Each sign and each Chinese character is a word of its own.
const WORDS: &str = concat!(
    r"[\p{P}!-/:-@\[-`{-~]",
    r"|[\x{4E00}-\x{9FFF}\x{3400}-\x{4DBF}\x{20000}-\x{2A6DF}\x{2A700}-\x{2B73F}\x{2B740}-\x{2B81F}",
    r"\x{2B920}-\x{2CEAF}\x{F900}-\x{FAFF}\x{2F800}-\x{2FA1F}]",
    r"|[^\s\p{P}!-/:-@\[-`{-~\x{4E00}-\x{9FFF}\x{3400}-\x{4DBF}\x{20000}-\x{2A6DF}\x{2A700}-\x{2B73F}",
    r"\x{2B740}-\x{2B81F}\x{2B920}-\x{2CEAF}\x{F900}-\x{FAFF}\x{2F800}-\x{2FA1F}]+"
);

pub(super) struct WordPiece {
    lowercase: bool,
    strip_accents: bool,
    unknown: u32,
    words: Regex,
    /// Control and format characters, which are dropped, apart from the white space among them.
    dropped: Regex,
    accents: Regex,
}

impl WordPiece {
    pub fn read(header: &Header, vocabulary: &Vocabulary) -> Result<Self, GgufError> {
        let lowercase = header.bool("tokenizer.ggml.normalizer.lowercase")?.unwrap_or(true);
        let strip_accents = header.bool("tokenizer.ggml.normalizer.strip_accents")?.unwrap_or(lowercase);
        let unknown = vocabulary.unknown().or_else(|| vocabulary.id("[UNK]"));
        let unknown = unknown.ok_or_else(|| {
            header.error("tokenizer.ggml.unknown_token_id", "is absent, and no token is unknown or \"[UNK]\"")
        })?;
        Ok(WordPiece::new(lowercase, strip_accents, unknown))
    }

    pub fn new(lowercase: bool, strip_accents: bool, unknown: u32) -> Self {
        let compile = |pattern| Regex::new(pattern).expect("the patterns are constants that a test compiles");
        WordPiece {
            lowercase,
            strip_accents,
            unknown,
            words: compile(WORDS),
            dropped: compile(r"[\p{C}\x{FFFD}--\t\n\r]+"),
            accents: compile(r"\p{Mn}+"),
        }
    }

    pub fn encode(&self, text: &str, vocabulary: &Vocabulary, ids: &mut Vec<u32>) {
        let clean = self.clean(text);
        for word in self.words.find_iter(&clean).flatten() {
            self.encode_word(word.as_str(), vocabulary, ids);
        }
    }

    fn clean(&self, text: &str) -> String {
        let mut text = self.dropped.replace_all(text, "").into_owned();
        if self.strip_accents {
            let decomposed: String = text.nfd().map(|(letter, _)| letter).collect();
            text = self.accents.replace_all(&decomposed, "").into_owned();
        }
        if self.lowercase {
            // Letter by letter: a sigma at the end of a word is like any other.
            text = text.chars().flat_map(char::to_lowercase).collect();
        }
        text
    }

    fn encode_word(&self, word: &str, vocabulary: &Vocabulary, ids: &mut Vec<u32>) {
        let before = ids.len();
        if word.chars().count() > LETTERS {
            ids.push(self.unknown);
            return;
        }
        let written = format!("{SPACE}{word}");
        let mut rest = written.as_str();
        while !rest.is_empty() {
            let ends = rest.char_indices().map(|(at, letter)| at + letter.len_utf8());
            let found = ends
                .rev()
                .filter(|&end| end <= vocabulary.longest())
                .find_map(|end| Some((end, vocabulary.id(&rest[..end])?)));
            let Some((end, id)) = found else {
                ids.truncate(before);
                ids.push(self.unknown);
                return;
            };
            ids.push(id);
            rest = &rest[end..];
        }
    }
}

/// Takes away the spaces before signs and in contractions, as BERT's decoder does.
pub(super) fn clean_spaces(text: &str) -> String {
    let pairs = [
        (" .", "."),
        (" ?", "?"),
        (" !", "!"),
        (" ,", ","),
        (" ' ", "'"),
        (" n't", "n't"),
        (" 'm", "'m"),
        (" do not", " don't"),
        (" 's", "'s"),
        (" 've", "'ve"),
        (" 're", "'re"),
    ];
    pairs.iter().fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
}
