//! Runtime: turns a model file and tokens into logits, and hosts one expert in a process of its own. Knows nothing of
//! questions.
//!
//! The rooms, in the order in which a file meets them:
//!
//! | room | what |
//! |---|---|
//! | [`gguf`] | the file: checked header, metadata, writer |
//! | [`safetensors`] | the header of a file that is to be converted |
//! | [`inspect`] | what a file is and what it needs, from its header alone |
//! | [`tokenizer`] | text to tokens and back |
//! | [`template`] | a conversation becomes a prompt |
//! | [`weights`], [`kernels`] | matrices in the mapped file, inner loops |
//! | [`cores`], [`pool`] | how many threads compute, and how they share work |
//! | [`cache`] | keys and values of the text so far |
//! | [`blocks`], [`families`] | norm, rope, attention, feed-forward; the architectures made of them |
//! | [`device`] | the upper layers on a graphics processor |
//! | [`sample`], [`generate`] | the next token; the loop around it |
//! | [`profile`] | what the experts of a mixture do with a text |
//! | [`embed`] | texts as vectors of what they mean, by an encoder in a process of its own |
//! | [`host`] | the process that does all this for one expert, and its parent's side |
//! | [`classifier`] | the tiny linear text classifier that reads questions |

pub mod blocks;
pub mod cache;
pub mod classifier;
pub mod cores;
pub mod device;
pub mod embed;
pub mod families;
pub mod generate;
pub mod gguf;
pub mod host;
pub mod inspect;
pub mod kernels;
pub mod pool;
pub mod profile;
pub mod safetensors;
pub mod sample;
pub mod template;
pub mod tokenizer;
pub mod weights;
