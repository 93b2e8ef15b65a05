//! Compress: fewer tokens, the same question, and the answer still in it.
//!
//! In:     a text (with the question in it or beside it), the part that should stay; or the question, what was recalled,
//!         earlier turns, and what the seated expert reads
//! Out:    the same text without some of its units, as the byte ranges that went; or what goes in, fitted
//! Fails:  TooLong when the question alone exceeds the expert's context; whatever counting tokens fails with
//! Cost:   about 2 ms for 10 KB beside the counting, which is one request to the expert's tokenizer a sentence
//! Source: whole sentences by relevance keep the answer, fragments lose it (requirements R50 to R53); measured in
//!         `tests/compress.rs`
//!
//! | file | what |
//! |---|---|
//! | [`units`] | a text as sentences, items, rows and code |
//! | [`question`] | which part of a text asks |
//! | [`relevance`] | how much each unit bears on the question |
//! | [`features`] | what is known of a unit beside a question, as numbers |
//! | [`scorer`] | what these numbers are worth, learned |
//! | `kin` | words that stand for one another in question and answer |
//! | `sought` | the kind of thing that is asked for |
//! | [`by_model`] | how much each unit helps a model to foretell the question |
//! | [`choose`] | which units stay within the tokens |
//! | [`guards`] | what must not be lost, and whether it was |
//! | [`rules`] | padding that a prompt can spare |
//! | [`shorten`] | one text made shorter by these, and checked |
//! | [`fit`] | what the seated expert gets |

pub mod by_model;
pub mod choose;
pub mod features;
pub mod fit;
pub mod guards;
mod kin;
pub mod question;
pub mod relevance;
pub mod rules;
pub mod scorer;
pub mod shorten;
mod sought;
pub mod units;

pub use fit::{CompressError, Reader, compress};
pub use shorten::{Method, Shortened, Wish, shorten, shorten_with};
