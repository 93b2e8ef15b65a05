//! The words of an encoder as BERT's own list writes them: one a line, `##rest` for what goes on inside a word.

use super::bytes::SPACE;
use super::vocabulary::Vocabulary;
use super::wordpiece::WordPiece;
use crate::gguf::Strings;

/// Letters of a text that are looked at for each token that is wanted.
const LETTERS: usize = 64;

/// A WordPiece tokenizer without a GGUF file.
pub struct Words {
    vocabulary: Vocabulary,
    pieces: WordPiece,
}

impl Words {
    /// `list`: the text of `vocab.txt`. Fails with what is wrong, and why.
    pub fn read(list: &str, lowercase: bool, strip_accents: bool) -> Result<Words, (String, String)> {
        let written = |line: &str| match line.strip_prefix("##") {
            Some(rest) if !rest.is_empty() => rest.to_owned(),
            _ if line.len() > 2 && line.starts_with('[') && line.ends_with(']') => line.to_owned(),
            _ => format!("{SPACE}{line}"),
        };
        let texts: Strings = list.lines().map(|line| written(line.trim_end_matches('\r'))).collect();
        let vocabulary = Vocabulary::plain(texts).map_err(|why| ("words".to_owned(), why))?;
        let unknown = vocabulary.id("[UNK]").ok_or_else(|| ("[UNK]".into(), "the word is absent".into()))?;
        Ok(Words { vocabulary, pieces: WordPiece::new(lowercase, strip_accents, unknown) })
    }

    pub fn len(&self) -> usize {
        self.vocabulary.len()
    }

    pub fn is_empty(&self) -> bool {
        self.vocabulary.is_empty()
    }

    pub fn id(&self, word: &str) -> Option<u32> {
        self.vocabulary.id(word)
    }

    /// Adds the tokens of `text` to `ids` until it has `most`.
    pub fn encode(&self, text: &str, most: usize, ids: &mut Vec<u32>) {
        let end = text.char_indices().nth(most.saturating_mul(LETTERS)).map_or(text.len(), |(at, _)| at);
        self.pieces.encode(&text[..end], &self.vocabulary, ids);
        ids.truncate(most);
    }
}
