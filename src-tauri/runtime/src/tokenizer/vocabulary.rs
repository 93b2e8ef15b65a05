//! The tokens of a vocabulary: their texts, their kinds, and the special ones among them.

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

pub struct Vocabulary {
    texts: Strings,
    kinds: Vec<Kind>,
    ids: HashMap<Box<str>, u32>,
    /// Special tokens, longest first: (id, is control).
    specials: Vec<(u32, bool)>,
}

impl Vocabulary {
    pub(super) fn read(header: &Header) -> Result<Vocabulary, GgufError> {
        let key = "tokenizer.ggml.tokens";
        let texts = header.strings(key)?.ok_or_else(|| header.error(key, "is absent"))?;
        if texts.is_empty() || texts.len() > TOKENS {
            return Err(header.error(key, format!("{} tokens; 1 to {TOKENS} are possible", texts.len())));
        }
        let key = "tokenizer.ggml.token_type";
        let kinds = match header.integers(key)? {
            None => vec![Kind::Normal; texts.len()],
            Some(numbers) if numbers.len() != texts.len() => {
                let why = format!("{} types for {} tokens", numbers.len(), texts.len());
                return Err(header.error(key, why));
            }
            Some(numbers) => {
                let kind = |(id, number)| {
                    Kind::from_number(number).ok_or_else(|| {
                        header.error(key, format!("token {id} has type {number}; 1 to 6 exist"))
                    })
                };
                numbers.into_iter().enumerate().map(kind).collect::<Result<Vec<_>, _>>()?
            }
        };
        let ids: HashMap<Box<str>, u32> =
            texts.iter().enumerate().map(|(id, text)| (text.into(), id as u32)).collect();
        let is_special = |kind| matches!(kind, Kind::Control | Kind::UserDefined | Kind::Unknown);
        let mut specials: Vec<(u32, bool)> = (0..texts.len())
            .filter(|&id| is_special(kinds[id]) && texts.get(id).is_some_and(|text| !text.is_empty()))
            .map(|id| (id as u32, kinds[id] != Kind::UserDefined))
            .collect();
        specials.sort_by_key(|&(id, _)| std::cmp::Reverse(texts.get(id as usize).map_or(0, str::len)));
        Ok(Vocabulary { texts: texts.clone(), kinds, ids, specials })
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

    /// Texts of the control tokens, longest first.
    pub fn control_texts(&self) -> impl Iterator<Item = &str> {
        self.specials.iter().filter(|(_, control)| *control).map(|&(id, _)| self.text(id))
    }

    /// Cuts special tokens out of a text: plain stretches are `Ok`, special tokens `Err(id)`. User-defined tokens
    /// always count, control tokens only when `control`. A longer token wins over a shorter one wherever it stands.
    pub(super) fn cut_specials<'a>(&self, text: &'a str, control: bool) -> Vec<Result<&'a str, u32>> {
        let mut pieces = vec![Ok(text)];
        for &(id, is_control) in &self.specials {
            if is_control && !control || !text.contains(self.text(id)) {
                continue;
            }
            let special = self.text(id);
            pieces = pieces
                .into_iter()
                .flat_map(|piece| match piece {
                    Err(id) => vec![Err(id)],
                    Ok(plain) => {
                        let mut cut = Vec::new();
                        for (number, part) in plain.split(special).enumerate() {
                            if number > 0 {
                                cut.push(Err(id));
                            }
                            if !part.is_empty() {
                                cut.push(Ok(part));
                            }
                        }
                        cut
                    }
                })
                .collect();
        }
        pieces
    }
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
