//! What is said to an expert's process and what comes back.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub use crate::generate::Finish;
use crate::profile::LayerSums;
use crate::sample::Sampling;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    System,
    User,
    Assistant,
}

impl Role {
    /// As chat templates name it.
    pub fn name(self) -> &'static str {
        match self {
            Role::System => "system",
            Role::User => "user",
            Role::Assistant => "assistant",
        }
    }
}

/// One turn of a conversation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Message {
    pub role: Role,
    pub content: String,
}

impl Message {
    pub fn new(role: Role, content: impl Into<String>) -> Self {
        Message { role, content: content.into() }
    }
}

/// What the expert continues.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Prompt {
    /// Rendered by the model's own chat template. Text inside a message never becomes a control token.
    Messages(Vec<Message>),
    /// Taken as it is, after the model's start token; control tokens written in it are control tokens.
    Raw(String),
}

/// What an answer must look like.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Constraint {
    /// JSON that follows this schema (JSON Schema 2020-12; references within the schema alone).
    JsonSchema(String),
    /// Text that matches this regular expression as a whole (syntax of the crate `regex`, without look-around).
    Regex(String),
    /// Text of this grammar (Lark's syntax).
    Lark(String),
}

/// What happens when a text outgrows the context.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Overflow {
    /// It goes on past what the model was made for, and that is said.
    GoOn,
    /// The first tokens (the template's head and the system prompt) stay, the older half of the rest is dropped, and
    /// that is said. `context`: tokens; the model's own when `None`.
    Shift { context: Option<u32> },
}

/// One thing to generate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Request {
    pub prompt: Prompt,
    pub max_tokens: u32,
    pub sampling: Sampling,
    /// Generation ends before the first of these; they are not part of the text.
    pub stop_strings: Vec<String>,
    pub constraint: Option<Constraint>,
    pub overflow: Overflow,
    /// Guesses from the text itself, which never change it.
    pub lookup: bool,
}

impl Request {
    /// An answer to a conversation, whose oldest part is dropped when it outgrows the context.
    pub fn chat(messages: Vec<Message>, max_tokens: u32) -> Self {
        Request::new(Prompt::Messages(messages), max_tokens, Overflow::Shift { context: None })
    }

    /// A text that goes on.
    pub fn raw(text: impl Into<String>, max_tokens: u32) -> Self {
        Request::new(Prompt::Raw(text.into()), max_tokens, Overflow::GoOn)
    }

    fn new(prompt: Prompt, max_tokens: u32, overflow: Overflow) -> Self {
        Request {
            prompt,
            max_tokens,
            sampling: Sampling::default(),
            stop_strings: Vec::new(),
            constraint: None,
            overflow,
            lookup: true,
        }
    }
}

/// What a process is started for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Purpose {
    /// Tokenizer and weights.
    #[default]
    Generate,
    /// The tokenizer alone: works for files whose architecture is not supported, and for files without weights.
    Tokenize,
    /// No model: the file is copied to [`Spawn::output`] without some of its experts.
    Cut,
}

/// How to start an expert's process.
#[derive(Clone, Debug)]
pub struct Spawn {
    /// The program that has `serve_if_asked` in its `main`: this one's own file.
    pub executable: PathBuf,
    pub model: PathBuf,
    /// The most memory that the process may take, the mapped model file included.
    pub memory_limit: Option<u64>,
    /// Threads that compute; all that the machine offers when `None`.
    pub threads: Option<usize>,
    pub purpose: Purpose,
    /// A graphics processor may be used, where there is one.
    pub device: bool,
    /// The one file that a process may write, which stands in the place of its error output.
    pub output: Option<Arc<File>>,
    /// Experts of its mixtures that the model goes without: (layers, experts), true is left out. Empty: none.
    pub mask: Vec<Vec<bool>>,
}

impl Spawn {
    pub fn new(executable: impl Into<PathBuf>, model: impl Into<PathBuf>) -> Self {
        Spawn {
            executable: executable.into(),
            model: model.into(),
            memory_limit: None,
            threads: None,
            purpose: Purpose::Generate,
            device: true,
            output: None,
            mask: Vec::new(),
        }
    }
}

/// Where a model's layers are computed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Placement {
    /// The graphics processor's name; `None`: all is computed on the processor.
    pub device: Option<String>,
    /// Layers of the model, and how many of them are on the device: those from the last one down.
    pub layers: u32,
    pub on_device: u32,
    /// Why there is no device, or why not all is there.
    pub why: Option<String>,
}

/// Where the chat template comes from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Template {
    /// The model's own.
    Own,
    /// A built-in one, by name, and why.
    BuiltIn { name: String, why: String },
}

/// Facts of a loaded expert.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Loaded {
    /// The model's own name, if its file says one.
    pub name: Option<String>,
    pub architecture: String,
    pub parameters: u64,
    /// Tokens that it was made for.
    pub context_length: u32,
    /// Tokens that it knows.
    pub vocabulary: u32,
    pub template: Template,
    /// Threads that compute.
    pub threads: usize,
    pub placement: Placement,
    /// What its products are computed with: the name of a [`crate::kernels::Level`].
    #[serde(default)]
    pub kernels: String,
    /// Why it is not what the machine has best.
    #[serde(default)]
    pub kernels_refused: Option<String>,
    /// Bytes of the key and value cache for one token.
    pub cache_bytes_per_token: u64,
    /// Bytes of weights that are read for one token.
    pub weight_bytes_per_token: u64,
    /// The parts of the sandbox that hold, one short phrase each.
    pub sandbox: Vec<String>,
    /// From starting the process to ready, measured by the parent.
    pub load_ms: f32,
}

impl Loaded {
    /// Facts before there are any.
    pub(super) fn nothing() -> Loaded {
        Loaded {
            name: None,
            architecture: String::new(),
            parameters: 0,
            context_length: 0,
            vocabulary: 0,
            template: Template::Own,
            threads: 0,
            placement: Placement::default(),
            kernels: String::new(),
            kernels_refused: None,
            cache_bytes_per_token: 0,
            weight_bytes_per_token: 0,
            sandbox: Vec::new(),
            load_ms: 0.0,
        }
    }
}

/// What is to be measured of a loaded expert.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// Tokens a second, all texts together, when so many texts go on by so many tokens in the same passes.
    Decoding { texts: u32, tokens: u32 },
    /// Bytes a second that the threads read from memory.
    Reading,
}

/// One finished generation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finished {
    pub text: String,
    pub ids: Vec<u32>,
    pub prompt_tokens: u32,
    /// Of the prompt's tokens, those that were still in the cache from before.
    #[serde(default)]
    pub cached_tokens: u32,
    /// Those that were computed.
    #[serde(default)]
    pub read_tokens: u32,
    /// Tokens of prompt and answer that were dropped because the context was full.
    #[serde(default)]
    pub shifted: u32,
    /// Tokens guessed from the text itself, and how many of them were right.
    #[serde(default)]
    pub drafted: u32,
    #[serde(default)]
    pub accepted: u32,
    /// Tokens generated, a closing end token not counted.
    pub tokens: u32,
    /// The most texts that one pass computed together, this one included.
    #[serde(default)]
    pub together: u32,
    /// From the request to the first token, the prompt included.
    pub first_token_ms: f32,
    /// Of the tokens that were not in the cache.
    pub prompt_tokens_per_s: f32,
    pub tokens_per_s: f32,
    /// Mean probability that the model gave to the tokens that were chosen, before temperature and cuts.
    pub mean_probability: f32,
    pub finish: Finish,
    /// The most resident memory that the process has had so far, measured.
    pub peak_memory_bytes: u64,
    /// Something worth knowing, for example that the text went past the model's context length.
    pub note: Option<String>,
    /// The process did not stop in time and was ended: start a new one for the next request.
    #[serde(default)]
    pub lost_expert: bool,
}

/// A process that ended because it was told to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Left {
    /// Resident memory before, minus what is left of the process (measured after its end).
    pub freed_bytes: u64,
    pub elapsed_ms: f32,
}

/// Tokens of a text.
#[derive(Default, Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tokenized {
    pub ids: Vec<u32>,
    /// Each token as the vocabulary writes it.
    pub pieces: Vec<String>,
}

/// Logits of one position.
#[derive(Clone, Debug, PartialEq)]
pub struct LogitsRow {
    pub position: u32,
    /// (vocabulary)
    pub logits: Vec<f32>,
}

/// How well a model foretells a text.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Perplexity {
    /// e^nll
    pub perplexity: f64,
    /// Mean negative log-likelihood of a token, in nats.
    pub nll: f64,
    /// Tokens that were foretold.
    pub tokens: u64,
    /// Windows of `context` tokens.
    pub windows: u32,
    pub context: u32,
}

/// A text whose way through a mixture is looked at: a prompt, and the answer to it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Example {
    pub prompt: Prompt,
    /// The model's own greedy answer, of at most so many tokens, when `None`.
    pub answer: Option<String>,
    pub own_tokens: u32,
}

/// What is looked for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Look {
    /// What each expert does.
    Profile,
    /// How much differs with each of these in its place.
    Compare { others: Vec<Other> },
    /// How little each token of the answer was expected.
    Surprise,
    /// The very logits.
    Digest { excluded: Vec<Vec<bool>> },
}

/// What stands in a model's place.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Other {
    /// The model without some experts. (layers, experts): true is left out; empty: nobody is.
    Without(Vec<Vec<bool>>),
    /// The model with its experts' weights in this storage type, by its number in a file.
    Rounded(u32),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Examined {
    /// `tokens`: of prompt and answer.
    Profile { tokens: u32, layers: Vec<LayerSums> },
    /// One for each of the others.
    Compare(Vec<Compared>),
    /// −ln of the probability of each token of the answer. Of a dense model as well.
    Surprise(Vec<f64>),
    /// SHA-256 of the logits after every token, as the bits of 32-bit floats, little-endian.
    Digest(String),
}

/// An answer by the model and by what stands in its place; one entry for each of its tokens.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Compared {
    /// −ln of the token's probability, by the one and by the other.
    pub before: Vec<f64>,
    pub after: Vec<f64>,
    /// Of the one's probabilities from the other's, in nats.
    pub divergence: Vec<f64>,
    /// Both find the same token the most likely.
    pub same: Vec<bool>,
}

/// What a new file is to be.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Cutting {
    /// Experts that stay, ascending, for every layer with a mixture. No map: serde reads none with numbers for keys out of a
    /// tagged message.
    pub kept: Vec<(usize, Vec<u32>)>,
    /// Keys that say where the new file comes from: texts, then lists of whole numbers.
    pub texts: BTreeMap<String, String>,
    pub lists: BTreeMap<String, Vec<u32>>,
}

/// A file that was written.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cut {
    pub bytes_before: u64,
    pub bytes: u64,
    pub kept: Vec<Block>,
}

/// The numbers of one expert in one tensor, which are the same in both files.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Block {
    pub tensor: String,
    /// By its number in the old file.
    pub expert: u32,
    pub bytes: u64,
    pub sha256: String,
}

/// A saved state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Saved {
    pub tokens: u32,
    pub bytes: u64,
}
