//! The tokenizer of a model that the lab trains: byte-level BPE, digits one by one, three control tokens.
//! It is the `gpt2` tokenizer model with the `qwen2` pre-tokenizer of GGUF, so any GGUF software reads it.

use crate::LabError;
use tokenizers::models::bpe::{BPE, BpeTrainerBuilder};
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::pre_tokenizers::sequence::Sequence;
use tokenizers::pre_tokenizers::split::{Split, SplitPattern};
use tokenizers::tokenizer::SplitDelimiterBehavior;
use tokenizers::{
    AddedToken, DecoderWrapper, ModelWrapper, PreTokenizerWrapper, Tokenizer as Inner, TokenizerBuilder,
};

pub const END: u32 = 0;
pub const USER: u32 = 1;
pub const ASSISTANT: u32 = 2;
pub const CONTROL: [&str; 3] = ["<|end|>", "<|user|>", "<|assistant|>"];
/// Control tokens and one token a byte: the smallest vocabulary.
pub const BYTES_ONLY: usize = 259;

/// GGUF's name of the way that text is split before merging.
pub const PRE: &str = "qwen2";
const PATTERN: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

pub struct Tokenizer {
    inner: Inner,
}

impl Tokenizer {
    /// Learns merges from `texts` until there are `vocabulary` tokens. The same texts give the same tokenizer.
    pub fn train(texts: Vec<String>, vocabulary: usize) -> Result<Tokenizer, LabError> {
        let mut alphabet: Vec<char> = ByteLevel::alphabet().into_iter().collect();
        alphabet.sort_unstable();
        let mut trainer = BpeTrainerBuilder::new()
            .vocab_size(vocabulary)
            .min_frequency(2)
            .show_progress(false)
            .initial_alphabet(alphabet.into_iter().collect())
            .special_tokens(CONTROL.iter().map(|token| AddedToken::from(*token, true)).collect())
            .build();
        let split =
            Split::new(SplitPattern::Regex(PATTERN.to_string()), SplitDelimiterBehavior::Isolated, false)?;
        let bytes = ByteLevel::new(false, false, false);
        let steps = vec![PreTokenizerWrapper::Split(split), PreTokenizerWrapper::ByteLevel(bytes)];
        let mut tokenizer = TokenizerBuilder::new()
            .with_model(BPE::default())
            .with_normalizer(None::<tokenizers::NormalizerWrapper>)
            .with_pre_tokenizer(Some(PreTokenizerWrapper::Sequence(Sequence::new(steps))))
            .with_post_processor(None::<tokenizers::PostProcessorWrapper>)
            .with_decoder(Some(DecoderWrapper::ByteLevel(bytes)))
            .build()?;
        tokenizer.train(&mut trainer, texts.into_iter())?;
        let json = tokenizer.to_string(false)?;
        Tokenizer::from_json(&json)
    }

    pub fn from_json(json: &str) -> Result<Tokenizer, LabError> {
        let mut inner: Inner = json.parse()?;
        inner.set_encode_special_tokens(true);
        for (id, token) in CONTROL.iter().enumerate() {
            if inner.token_to_id(token) != Some(id as u32) {
                return Err(LabError::Tokenizer(format!("{token} is not token {id}")));
            }
        }
        Ok(Tokenizer { inner })
    }

    pub fn to_json(&self) -> Result<String, LabError> {
        Ok(self.inner.to_string(false)?)
    }

    pub fn vocabulary(&self) -> usize {
        self.inner.get_vocab_size(true)
    }

    /// Control tokens in `text` are read as plain text.
    pub fn encode(&self, text: &str) -> Result<Vec<u32>, LabError> {
        Ok(self.inner.encode_fast(text, false)?.get_ids().to_vec())
    }

    pub fn decode(&self, ids: &[u32]) -> Result<String, LabError> {
        Ok(self.inner.decode(ids, true)?)
    }

    /// Tokens in the order of their ids, and merges in the order of their rank, as GGUF wants them.
    pub fn tokens_and_merges(&self) -> Result<(Vec<String>, Vec<String>), LabError> {
        let mut tokens = vec![String::new(); self.vocabulary()];
        for (token, id) in self.inner.get_vocab(true) {
            tokens[id as usize] = token;
        }
        let json: serde_json::Value = serde_json::from_str(&self.to_json()?)?;
        let merges = json["model"]["merges"].as_array().cloned().unwrap_or_default();
        let merges = merges
            .iter()
            .map(|merge| match merge {
                serde_json::Value::String(text) => Ok(text.clone()),
                pair => match (pair[0].as_str(), pair[1].as_str()) {
                    (Some(left), Some(right)) => Ok(format!("{left} {right}")),
                    _ => Err(LabError::Tokenizer(format!("a merge is {pair}"))),
                },
            })
            .collect::<Result<Vec<_>, _>>()?;
        match self.inner.get_model() {
            ModelWrapper::BPE(_) => Ok((tokens, merges)),
            _ => Err(LabError::Tokenizer("the model is not BPE".into())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_stay_single_and_any_text_comes_back() {
        let texts = vec!["what is 384 + 97? what is what".to_string(); 20];
        let tokenizer = Tokenizer::train(texts, 280).unwrap();
        let ids = tokenizer.encode("1234").unwrap();
        assert_eq!(ids.len(), 4);
        for text in ["what is 7 × 8?", "naïve 🦙 <|end|>", " a  b\n\nc"] {
            assert_eq!(tokenizer.decode(&tokenizer.encode(text).unwrap()).unwrap(), text);
        }
        assert!(!tokenizer.encode("<|end|>").unwrap().contains(&END), "text cannot write a control token");
    }
}
