//! Tokenizer: text to token ids and back, from a GGUF file's own metadata.
//!
//! In:     a checked header; texts
//! Out:    ids equal to those of the software that made the vocabulary; text in whole characters
//! Fails:  [`TokenizerError`] when the metadata is malformed or of a kind that is not known
//! Cost:   about a microsecond a token
//! Source: SentencePiece BPE (arXiv:1808.06226), byte-level BPE (GPT-2), GGUF's tokenizer keys

mod bpe;
mod split;
mod spm;
mod stream;
mod vocabulary;

pub use stream::TextStream;
pub use vocabulary::{Kind, Vocabulary};

use crate::gguf::{GgufError, Header, Value};

#[derive(Debug, thiserror::Error)]
pub enum TokenizerError {
    #[error(transparent)]
    File(#[from] GgufError),
    #[error(
        "{path}: tokenizer.ggml.model: the tokenizer \"{model}\" is not supported; \"llama\" and \"gpt2\" are"
    )]
    Model { path: String, model: String },
    #[error("{path}: tokenizer.ggml.pre: the pre-tokenizer \"{pre}\" is not supported; {known} are")]
    Pre { path: String, pre: String, known: String },
    #[error("{path}: there is no tokenizer in the file (tokenizer.ggml.model is absent)")]
    Absent { path: String },
}

/// A model's tokenizer.
pub struct Tokenizer {
    vocabulary: Vocabulary,
    model: Model,
    start: Option<u32>,
    adds_start: bool,
    ends: Vec<u32>,
    end: Option<u32>,
}

enum Model {
    SentencePiece(spm::SentencePiece),
    ByteLevel(Box<bpe::ByteLevel>),
}

/// A stretch of text for [`Tokenizer::encode_parts`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Part<'a> {
    /// Control tokens written in it become tokens.
    Parsed(&'a str),
    /// Taken literally, whatever it looks like.
    Literal(&'a str),
}

/// Tokens that end an answer in one chat format or another, when the vocabulary has them as control tokens.
const END_TEXTS: &[&str] = &[
    "<|eot_id|>", "<|im_end|>", "<|end|>", "<|endoftext|>", "<|end_of_text|>", "<end_of_turn>", "<|EOT|>",
    "<EOT>", "<|end▁of▁sentence|>",
];

impl Tokenizer {
    /// The name of the file's tokenizer, as inspection shows it: its model, and its pre-tokenizer when it has one.
    pub fn name_in(header: &Header) -> Result<Option<String>, GgufError> {
        let Some(model) = header.text("tokenizer.ggml.model")? else { return Ok(None) };
        Ok(Some(match header.text("tokenizer.ggml.pre")? {
            Some(pre) if model == "gpt2" => format!("{model}/{pre}"),
            _ => model.to_owned(),
        }))
    }

    /// Why this file's tokenizer cannot be used; `None` when its kind is known (its data is checked by
    /// [`Tokenizer::read`]).
    pub fn why_not(header: &Header) -> Result<Option<String>, GgufError> {
        Ok(match header.text("tokenizer.ggml.model")? {
            None => Some("there is no tokenizer in the file".into()),
            Some("llama") => None,
            Some("gpt2") => split::Splitter::named(header.text("tokenizer.ggml.pre")?).err().map(|pre| {
                format!("the pre-tokenizer \"{pre}\" is not supported; {} are", split::Splitter::names())
            }),
            Some(other) => {
                Some(format!("the tokenizer \"{other}\" is not supported; \"llama\" and \"gpt2\" are"))
            }
        })
    }

    /// Reads the tokenizer of a file.
    pub fn read(header: &Header) -> Result<Tokenizer, TokenizerError> {
        let path = || header.path().display().to_string();
        let vocabulary;
        let (model, starts) = match header.text("tokenizer.ggml.model")? {
            None => return Err(TokenizerError::Absent { path: path() }),
            Some("llama") => {
                vocabulary = Vocabulary::read(header)?;
                (Model::SentencePiece(spm::SentencePiece::read(header, &vocabulary)?), true)
            }
            Some("gpt2") => {
                let splitter = split::Splitter::named(header.text("tokenizer.ggml.pre")?).map_err(|pre| {
                    TokenizerError::Pre { path: path(), pre, known: split::Splitter::names() }
                })?;
                vocabulary = Vocabulary::read(header)?;
                let starts = splitter.adds_start();
                (Model::ByteLevel(Box::new(bpe::ByteLevel::read(header, &vocabulary, splitter)?)), starts)
            }
            Some(other) => return Err(TokenizerError::Model { path: path(), model: other.into() }),
        };
        let start = token_key(header, "tokenizer.ggml.bos_token_id", &vocabulary)?;
        let end = token_key(header, "tokenizer.ggml.eos_token_id", &vocabulary)?;
        let mut ends: Vec<u32> = end.into_iter().collect();
        for key in ["tokenizer.ggml.eot_token_id", "tokenizer.ggml.eom_token_id"] {
            ends.extend(token_key(header, key, &vocabulary)?);
        }
        for key in ["tokenizer.ggml.unknown_token_id", "tokenizer.ggml.padding_token_id"] {
            token_key(header, key, &vocabulary)?;
        }
        let controls = END_TEXTS.iter().filter_map(|text| vocabulary.id(text));
        ends.extend(controls.filter(|&id| matches!(vocabulary.kind(id), Kind::Control | Kind::UserDefined)));
        ends.sort_unstable();
        ends.dedup();
        let adds_start = header.bool("tokenizer.ggml.add_bos_token")?.unwrap_or(starts) && start.is_some();
        Ok(Tokenizer { vocabulary, model, start, adds_start, ends, end })
    }

    pub fn vocabulary(&self) -> &Vocabulary {
        &self.vocabulary
    }

    /// The token before every text (BOS), when the vocabulary has one.
    pub fn start(&self) -> Option<u32> {
        self.start
    }

    /// The token after every text (EOS), when the vocabulary has one.
    pub fn end(&self) -> Option<u32> {
        self.end
    }

    /// A raw prompt begins with the start token.
    pub fn adds_start(&self) -> bool {
        self.adds_start
    }

    /// The model is done when it chooses this token.
    pub fn is_end(&self, id: u32) -> bool {
        self.ends.binary_search(&id).is_ok()
    }

    /// Tokens of a text, without a start token. `special`: control tokens written in the text become tokens.
    pub fn encode(&self, text: &str, special: bool) -> Vec<u32> {
        self.encode_parts(&[if special { Part::Parsed(text) } else { Part::Literal(text) }])
    }

    /// Tokens of a text that is made of parts. Plain text runs on over the borders of parts.
    pub fn encode_parts(&self, parts: &[Part<'_>]) -> Vec<u32> {
        let mut ids = Vec::new();
        // The text since the last special token.
        let mut plain = String::new();
        let mut after_special = true;
        for part in parts {
            let (text, control) = match part {
                Part::Parsed(text) => (text, true),
                Part::Literal(text) => (text, false),
            };
            for piece in self.vocabulary.cut_specials(text, control) {
                match piece {
                    Ok(text) => plain.push_str(text),
                    Err(special) => {
                        self.encode_plain(&plain, after_special, &mut ids);
                        plain.clear();
                        ids.push(special);
                        after_special = true;
                    }
                }
            }
        }
        self.encode_plain(&plain, after_special, &mut ids);
        ids
    }

    fn encode_plain(&self, text: &str, after_special: bool, ids: &mut Vec<u32>) {
        if text.is_empty() {
            return;
        }
        match &self.model {
            Model::SentencePiece(model) => model.encode(text, after_special, &self.vocabulary, ids),
            Model::ByteLevel(model) => model.encode(text, &self.vocabulary, ids),
        }
    }

    /// The bytes that a token stands for; control tokens stand for nothing.
    pub fn bytes(&self, id: u32) -> Vec<u8> {
        match self.vocabulary.kind(id) {
            Kind::Control | Kind::Unused => Vec::new(),
            Kind::Unknown => "\u{2047}".into(),
            kind => match &self.model {
                Model::SentencePiece(model) => model.bytes(id, kind, &self.vocabulary),
                Model::ByteLevel(model) => model.bytes(id, kind, &self.vocabulary),
            },
        }
    }

    /// The text of tokens that begin a text.
    pub fn decode(&self, ids: &[u32]) -> String {
        let mut stream = self.stream(true);
        let mut text = String::new();
        for &id in ids {
            text.push_str(&stream.push(&self.bytes(id)));
        }
        text.push_str(&stream.finish());
        text
    }

    /// A decoder for tokens that come one at a time. `at_start`: they begin a text, so the space that the tokenizer
    /// put before it is taken away again.
    pub fn stream(&self, at_start: bool) -> TextStream {
        let strip = match &self.model {
            Model::SentencePiece(model) => model.adds_space() && at_start,
            Model::ByteLevel(_) => false,
        };
        TextStream::new(strip)
    }
}

/// A token id of the metadata. Both 4294967295 and −1 mean "none" in files that exist.
fn token_key(header: &Header, key: &str, vocabulary: &Vocabulary) -> Result<Option<u32>, GgufError> {
    if matches!(header.get(key), Some(Value::U32(u32::MAX) | Value::I32(-1))) {
        return Ok(None);
    }
    let Some(id) = header.u64(key)? else { return Ok(None) };
    if id >= vocabulary.len() as u64 {
        return Err(
            header.error(key, format!("token {id} is outside the vocabulary of {}", vocabulary.len()))
        );
    }
    Ok(Some(id as u32))
}
