//! How a reasoning model marks its thoughts.

use super::Vocabulary;

/// Texts that stand before and after a model's thoughts. They are special tokens of the vocabulary, one or several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Thinking {
    pub opens: String,
    pub closes: String,
    /// Tokens of both.
    pub open_ids: Vec<u32>,
    pub close_ids: Vec<u32>,
}

/// Pairs in use: DeepSeek, Qwen 3 and most others; Magistral; Kimi; EXAONE; Seed; Gemma 4; Harmony, whose thoughts are a
/// message in a channel of their own.
const PAIRS: &[(&[&str], &[&str])] = &[
    (&["<think>"], &["</think>"]),
    (&["[THINK]"], &["[/THINK]"]),
    (&["◁think▷"], &["◁/think▷"]),
    (&["<thought>"], &["</thought>"]),
    (&["<thinking>"], &["</thinking>"]),
    (&["<seed:think>"], &["</seed:think>"]),
    (&["<|channel>"], &["<channel|>"]),
    (&["<|channel|>", "analysis", "<|message|>"], &["<|end|>"]),
];

impl Thinking {
    /// The pair that a vocabulary has as tokens.
    pub(super) fn of(vocabulary: &Vocabulary) -> Option<Thinking> {
        PAIRS.iter().find_map(|(open, close)| {
            let ids =
                |texts: &[&str]| texts.iter().map(|text| vocabulary.id(text)).collect::<Option<Vec<_>>>();
            let (open_ids, close_ids) = (ids(open)?, ids(close)?);
            Some(Thinking { opens: open.concat(), closes: close.concat(), open_ids, close_ids })
        })
    }
}
