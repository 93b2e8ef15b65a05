//! Tokenizer: text to token ids and back, from a GGUF file's own metadata.
//!
//! In:     a checked header; texts
//! Out:    ids equal to those of the software that made the vocabulary; text in whole characters
//! Fails:  [`TokenizerError`] when the metadata is malformed or of a kind that is not known
//! Cost:   about a microsecond a token
//! Source: SentencePiece (arXiv:1808.06226), byte-level BPE (GPT-2), WordPiece (BERT), GGUF's tokenizer keys as
//!         llama.cpp reads them

mod bpe;
mod bytes;
mod charsmap;
mod split;
mod spm;
mod stream;
mod thinking;
mod unigram;
mod vocabulary;
mod wordpiece;
mod words;

pub use stream::TextStream;
pub use thinking::Thinking;
pub use vocabulary::{Kind, Vocabulary};
pub use words::Words;

use crate::gguf::{GgufError, Header, Value};

#[derive(Debug, thiserror::Error)]
pub enum TokenizerError {
    #[error(transparent)]
    File(#[from] GgufError),
    #[error("{path}: tokenizer.ggml.model: the tokenizer \"{model}\" is not supported; {MODELS} are")]
    Model { path: String, model: String },
    #[error("{path}: tokenizer.ggml.pre: the pre-tokenizer \"{pre}\" is not supported; {known} are")]
    Pre { path: String, pre: String, known: String },
    #[error("{path}: there is no tokenizer in the file (tokenizer.ggml.model is absent)")]
    Absent { path: String },
}

const MODELS: &str = "\"llama\", \"gpt2\", \"gemma4\", \"bert\" and \"t5\"";

/// A model's tokenizer.
pub struct Tokenizer {
    vocabulary: Vocabulary,
    model: Model,
    start: Option<u32>,
    adds_start: bool,
    ends: Vec<u32>,
    end: Option<u32>,
    /// What closes a whole text: the end token, or a separator.
    closing: Option<u32>,
    note: Option<String>,
}

enum Model {
    SentencePiece(spm::SentencePiece),
    Bpe(Box<bpe::Bpe>),
    WordPiece(Box<wordpiece::WordPiece>),
    Unigram(Box<unigram::Unigram>),
}

/// What a kind of tokenizer does when the file does not say.
#[derive(Default)]
struct Defaults {
    start: Option<u32>,
    end: Option<u32>,
    adds_start: bool,
    adds_end: bool,
}

/// A stretch of text for [`Tokenizer::encode_parts`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Part<'a> {
    /// Control tokens written in it become tokens.
    Parsed(&'a str),
    /// Taken literally, whatever it looks like.
    Literal(&'a str),
}

/// The pre-tokenizer of byte-level BPE; files from before the key existed have the default one.
fn pre_of(header: &Header, model: &str) -> Result<String, GgufError> {
    let pre = header.text("tokenizer.ggml.pre")?;
    Ok(if model == "gemma4" { "gemma4" } else { pre.unwrap_or("default") }.to_owned())
}

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
            Some("llama" | "gemma4" | "bert" | "t5") => None,
            Some("gpt2") => split::Splitter::named(&pre_of(header, "gpt2")?).err().map(|pre| {
                format!("the pre-tokenizer \"{pre}\" is not supported; {} are", split::Splitter::names())
            }),
            Some(other) => Some(format!("the tokenizer \"{other}\" is not supported; {MODELS} are")),
        })
    }

    /// Reads the tokenizer of a file.
    pub fn read(header: &Header) -> Result<Tokenizer, TokenizerError> {
        let path = || header.path().display().to_string();
        let name = header
            .text("tokenizer.ggml.model")?
            .ok_or_else(|| TokenizerError::Absent { path: path() })?
            .to_owned();
        let splitter = match name.as_str() {
            "llama" | "bert" | "t5" => None,
            "gpt2" | "gemma4" => {
                let splitter = split::Splitter::named(&pre_of(header, &name)?);
                let known = split::Splitter::names;
                Some(splitter.map_err(|pre| TokenizerError::Pre { path: path(), pre, known: known() })?)
            }
            _ => return Err(TokenizerError::Model { path: path(), model: name }),
        };
        let vocabulary = Vocabulary::read(header)?;
        let mut defaults = Defaults::default();
        let model = match (splitter, name.as_str()) {
            (Some(splitter), _) => {
                defaults.adds_start = splitter.adds_start();
                Model::Bpe(Box::new(bpe::Bpe::read(header, &vocabulary, splitter)?))
            }
            (None, "bert") => {
                let special = |text| vocabulary.special(text);
                let (start, end) = (special("[CLS]"), special("[SEP]"));
                defaults = Defaults { start, end, adds_start: true, adds_end: true };
                Model::WordPiece(Box::new(wordpiece::WordPiece::read(header, &vocabulary)?))
            }
            (None, "t5") => {
                defaults = Defaults { end: vocabulary.special("</s>"), adds_end: true, ..defaults };
                Model::Unigram(Box::new(unigram::Unigram::read(header, &vocabulary)?))
            }
            _ => {
                let special = |text| vocabulary.special(text);
                let (start, end) = (special("<s>"), special("</s>"));
                defaults = Defaults { start, end, adds_start: true, adds_end: false };
                Model::SentencePiece(spm::SentencePiece::read(header, &vocabulary)?)
            }
        };
        let token = |key| token_key(header, &format!("tokenizer.ggml.{key}_token_id"), &vocabulary);
        let start = token("bos")?.or(token("cls")?).or(defaults.start);
        let end = token("eos")?;
        let mut ends = vocabulary.ends();
        ends.extend(end.or(defaults.end));
        for key in ["eot", "eom"] {
            ends.extend(token(key)?);
        }
        for key in ["unknown", "padding", "mask"] {
            token(key)?;
        }
        ends.sort_unstable();
        ends.dedup();
        let flag = |key| header.bool(&format!("tokenizer.ggml.add_{key}_token"));
        let adds_start = flag("bos")?.unwrap_or(defaults.adds_start) && start.is_some();
        // GGUF writes "separator" with an e.
        let closing = match &model {
            Model::WordPiece(_) => token("seperator")?.or(defaults.end),
            _ => end.or(defaults.end),
        };
        let closing =
            closing.filter(|_| matches!(flag("eos"), Ok(adds) if adds.unwrap_or(defaults.adds_end)));
        let unnamed =
            matches!(model, Model::Bpe(_)) && name == "gpt2" && header.get("tokenizer.ggml.pre").is_none();
        let note = unnamed.then(|| {
            "the file does not name its pre-tokenizer (tokenizer.ggml.pre): texts are cut into words in a common way, \
             which may not be the model's own"
                .to_owned()
        });
        let end = end.or(defaults.end);
        Ok(Tokenizer { vocabulary, model, start, adds_start, ends, end, closing, note })
    }

    /// Something that the file leaves open and that may cost quality.
    pub fn note(&self) -> Option<&str> {
        self.note.as_deref()
    }

    /// How the model marks its thoughts, when the vocabulary shows it.
    pub fn thinking(&self) -> Option<Thinking> {
        Thinking::of(&self.vocabulary)
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

    /// Tokens of a whole text, with the tokens before and after it that the file asks for.
    pub fn encode_whole(&self, text: &str, special: bool) -> Vec<u32> {
        let mut ids: Vec<u32> = self.start.filter(|_| self.adds_start).into_iter().collect();
        ids.extend(self.encode(text, special));
        ids.extend(self.closing);
        ids
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
            Model::Bpe(model) => model.encode(text, &self.vocabulary, ids),
            Model::WordPiece(model) => model.encode(text, &self.vocabulary, ids),
            Model::Unigram(model) => model.encode(text, ids),
        }
    }

    /// The bytes that a token stands for; control tokens stand for nothing.
    pub fn bytes(&self, id: u32) -> Vec<u8> {
        match self.vocabulary.kind(id) {
            Kind::Control | Kind::Unused => Vec::new(),
            Kind::Unknown => "\u{2047}".into(),
            kind => match &self.model {
                Model::Bpe(model) => model.bytes(id, kind, &self.vocabulary),
                _ => bytes::plain(self.vocabulary.text(id), kind),
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
        match self.model {
            Model::WordPiece(_) => wordpiece::clean_spaces(&text),
            _ => text,
        }
    }

    /// A decoder for tokens that come one at a time. `at_start`: they begin a text, so the space that the tokenizer
    /// put before it is taken away again.
    pub fn stream(&self, at_start: bool) -> TextStream {
        let strip = match &self.model {
            Model::SentencePiece(model) => model.adds_space(),
            Model::Unigram(model) => model.adds_space(),
            Model::WordPiece(_) => true,
            Model::Bpe(_) => false,
        };
        TextStream::new(strip && at_start)
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
