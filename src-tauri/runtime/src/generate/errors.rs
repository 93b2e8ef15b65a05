//! Why a file is no expert, and why a request gives no text.

use crate::families::ModelError;
use crate::gguf::GgufError;
use crate::kernels::LevelError;
use crate::tokenizer::TokenizerError;

/// A file that cannot become an expert.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    #[error(transparent)]
    File(#[from] GgufError),
    #[error(transparent)]
    Model(#[from] ModelError),
    #[error(transparent)]
    Tokenizer(#[from] TokenizerError),
    #[error("the threads that compute cannot be started: {0}")]
    Threads(String),
    #[error(transparent)]
    Kernels(#[from] LevelError),
}

impl LoadError {
    pub fn code(&self) -> &'static str {
        match self {
            LoadError::File(error)
            | LoadError::Model(ModelError::File(error))
            | LoadError::Tokenizer(TokenizerError::File(error)) => error.code(),
            LoadError::Model(ModelError::Unsupported { .. }) => "model.unsupported",
            LoadError::Tokenizer(_) => "model.tokenizer",
            LoadError::Threads(_) => "expert.threads",
            LoadError::Kernels(_) => "expert.kernels",
        }
    }

    pub fn fix(&self) -> &'static str {
        match self {
            LoadError::File(error)
            | LoadError::Model(ModelError::File(error))
            | LoadError::Tokenizer(TokenizerError::File(error)) => error.fix(),
            LoadError::Model(_) | LoadError::Tokenizer(_) => {
                "Choose another model; `lectern model inspect` says beforehand what is supported."
            }
            LoadError::Threads(_) => "Use fewer threads, or raise the memory budget.",
            LoadError::Kernels(_) => "Take the variable LECTERN_KERNELS away, or name what the machine has.",
        }
    }
}

/// A request that gives no text.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    #[error("there is nothing to continue: the text is empty and the model has no start token")]
    Nothing,
    #[error("token {id} is outside the vocabulary of {vocabulary}")]
    Token { id: u32, vocabulary: usize },
    #[error("{0}")]
    Sampling(String),
    #[error("the constraint cannot be followed: {0}")]
    Constraint(String),
    #[error("the text has {tokens} tokens; one window of {context} is needed at least, of 2 tokens or more")]
    Short { tokens: usize, context: usize },
    #[error("the saved state cannot be used: {0}")]
    State(String),
    #[error(transparent)]
    Memory(#[from] crate::blocks::CacheFull),
    #[error("the model gives logits that are no numbers after {tokens} tokens")]
    NotNumbers { tokens: usize },
    #[error(transparent)]
    Device(crate::device::DeviceError),
    #[error("the mask does not fit this model: {0}")]
    Mask(String),
    #[error("experts cannot be rounded: {0}")]
    Rounding(String),
    #[error("slot {0} is taken or does not exist")]
    Slot(usize),
    #[error("answers are being written")]
    Busy,
    #[error("this process has the tokenizer alone")]
    TokenizerOnly,
    #[error("stopped")]
    Stopped,
}

impl RequestError {
    pub fn code(&self) -> &'static str {
        match self {
            RequestError::Nothing => "request.empty",
            RequestError::Token { .. } => "request.token",
            RequestError::Sampling(_) => "request.sampling",
            RequestError::Constraint(_) => "request.constraint",
            RequestError::Short { .. } => "request.short",
            RequestError::State(_) => "state.unusable",
            RequestError::Memory(_) => "expert.out_of_memory",
            RequestError::NotNumbers { .. } => "model.not_numbers",
            RequestError::Device(_) => "expert.device",
            RequestError::Mask(_) => "request.mask",
            RequestError::Rounding(_) => "request.rounding",
            RequestError::Slot(_) => "request.slot",
            RequestError::Busy => "request.busy",
            RequestError::TokenizerOnly => "request.tokenizer_only",
            RequestError::Stopped => "stopped",
        }
    }

    pub fn fix(&self) -> &'static str {
        match self {
            RequestError::Nothing => "Give a text.",
            RequestError::Token { .. } => "Give token ids of this model's vocabulary.",
            RequestError::Sampling(_) => "Change the sampling settings.",
            RequestError::Constraint(_) => {
                "Change the schema, expression or grammar; the message says where."
            }
            RequestError::Short { .. } => "Give a longer text, or a smaller context.",
            RequestError::State(_) => "Delete the file: the conversation is read again without it.",
            RequestError::Memory(_) => "Ask with a shorter text, or raise the memory budget.",
            RequestError::NotNumbers { .. } => "The file is damaged: download it again from its source.",
            RequestError::Device(_) => "Compute on the processor: `--device cpu`, or in Settings.",
            RequestError::Mask(_) => "Take the mask off, or make one for this file: `lectern prune plan`.",
            RequestError::Rounding(_) => "Compare with another storage type.",
            RequestError::Slot(_) | RequestError::Busy => "Ask again when what runs has ended.",
            RequestError::TokenizerOnly => "Start the expert for generating.",
            RequestError::Stopped => "Ask again when you like.",
        }
    }
}
