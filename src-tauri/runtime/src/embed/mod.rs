//! Embed: texts become vectors of which those of like meaning point the same way.
//!
//! In:     a folder with a BERT encoder as it is published: `config.json`, `vocab.txt`, `model.safetensors`; texts
//! Out:    a vector of length 1 for each text, so that a dot product of two is their cosine
//! Fails:  [`EmbedError`] with the file, its field and the way out; a text never makes it fail
//! Cost:   a few milliseconds for a short text on one core; the weights stay in the mapped file
//! Source: BERT (arXiv:1810.04805), Sentence-BERT (arXiv:1908.10084); compared with the published vectors of
//!         all-MiniLM-L6-v2 in `tests/embed.rs`
//!
//! | file | what |
//! |---|---|
//! | `model` | the folder: configuration, words, checked weights |
//! | `bert` | the forward pass |
//! | `nearest` | vectors in memory, and those nearest to another |
//! | `process` | the locked process that does both, and its parent's side |
//! | `table` | the same without an encoder: vectors of word pieces, added up |

mod bert;
mod model;
mod nearest;
mod process;
mod table;

pub use model::{EmbedError, Encoder};
pub use nearest::{Nearest, Packed};
pub use process::{Embedder, EmbedderError, serve_if_asked};
pub use table::{Table, TableError};
