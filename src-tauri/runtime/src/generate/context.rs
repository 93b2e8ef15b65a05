//! Context: what a model has read, token for token, and so need not read again.

use std::sync::atomic::AtomicBool;

use crate::blocks::Cache;
use crate::families::{ForwardError, Model, Pass, Text, Want};

/// The cache with the tokens that it stands for, always as many.
pub(super) struct Context {
    pub cache: Cache,
    pub ids: Vec<u32>,
    /// Tokens that the text is to have.
    pub length: usize,
}

impl Context {
    pub fn new(cache: Cache) -> Context {
        Context { cache, ids: Vec::new(), length: 0 }
    }

    /// Forgets all after the first `count` tokens.
    pub fn truncate(&mut self, count: usize) {
        self.cache.truncate(count);
        self.ids.truncate(count);
    }

    /// The text is to have `length` tokens. Where the model reads a text of that length in another way, what it has read
    /// is forgotten.
    pub fn expect(&mut self, model: &Model, length: usize) {
        if model.reads_as_long(length) != model.reads_as_long(self.length) {
            self.truncate(0);
        }
        self.length = length;
    }

    /// Reads `tokens`, which follow what has been read.
    pub fn read(
        &mut self,
        model: &Model,
        tokens: &[u32],
        want: Want,
        stop: &AtomicBool,
    ) -> Result<Vec<f32>, ForwardError> {
        let pass = Pass { length: self.length, ..Pass::new(want, stop) };
        let logits = model.pass(tokens, &mut self.cache, pass)?;
        self.ids.extend_from_slice(tokens);
        Ok(logits)
    }

    /// Keeps what `text` begins with and forgets the rest; gives how many tokens that are. The last token of `text` is
    /// never among them, so that there is something to compute.
    pub fn reuse(&mut self, text: &[u32]) -> usize {
        let same = self.ids.iter().zip(text).take_while(|(old, new)| old == new).count();
        self.truncate(same.min(text.len().saturating_sub(1)));
        self.ids.len()
    }

    /// The next tokens, to be read with those of others. Whoever has them read adds them to `ids`.
    pub fn text<'a>(&'a mut self, tokens: &'a [u32]) -> Text<'a> {
        Text { tokens, cache: &mut self.cache, length: self.length }
    }
}

/// Drops the older half of what follows the first `keep` tokens, as often as it takes to be at most `limit` long. Gives
/// how many tokens were dropped.
///
/// The tokens that stay are read again: keys and values hold what came before them and where they stood, so that
/// whatever rotates and moves them is an approximation. This costs one more token read for each token generated.
pub(super) fn shift(text: &mut Vec<u32>, keep: usize, limit: usize) -> usize {
    let before = text.len();
    while text.len() > limit {
        let keep = keep.min(limit / 2);
        let drop = (text.len() - keep).div_ceil(2);
        text.drain(keep..keep + drop);
    }
    before - text.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_shifted_text_has_its_head_and_its_end(length in 1usize..400, keep in 0usize..400, limit in 8usize..100) {
            let text: Vec<u32> = (0..length as u32).collect();
            let mut shifted = text.clone();
            let dropped = shift(&mut shifted, keep, limit);
            prop_assert_eq!(dropped + shifted.len(), length);
            prop_assert!(shifted.len() <= limit);
            if dropped > 0 {
                let keep = keep.min(limit / 2);
                prop_assert_eq!(&shifted[..keep], &text[..keep]);
                prop_assert_eq!(&shifted[keep..], &text[keep + dropped..]);
                prop_assert!(2 * (shifted.len() - keep) + 2 > limit - keep, "no more than needed: {}", shifted.len());
            } else {
                prop_assert_eq!(shifted, text);
            }
        }
    }
}
