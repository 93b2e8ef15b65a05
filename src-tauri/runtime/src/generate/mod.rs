//! Generate: a loaded expert continues a text, token by token.
//!
//! In:     a request, a stop flag
//! Out:    pieces of text, then figures
//! Fails:  [`RequestError`]; the expert takes the next request
//! Cost:   one forward pass for each token, fewer where guesses are right; the prompt in chunks, from where it differs
//!         from what was read last

mod constraint;
mod context;
mod errors;
mod examine;
mod lookup;
mod measure;
mod perplexity;
mod run;
mod state;
mod stops;

use std::fs::File;
use std::io::{Read, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use serde::{Deserialize, Serialize};

use crate::device::{self, Device};
use crate::families::{ForwardError, Model, ModelError, PlaceError, Shape, Want};
use crate::gguf::Header;
use crate::host::{
    Finished, Loaded, LogitsRow, Measure, Perplexity, Placement, Prompt, Request, Role, Template, Tokenized,
};
use crate::inspect::parameters;
use crate::pool::Pool;
use crate::template::ChatTemplate;
use crate::tokenizer::Tokenizer;
use crate::weights::Weights;
use constraint::Grammars;
use context::Context;
pub use errors::{LoadError, RequestError};
use run::Run;
pub use run::Said;
use state::Fingerprint;

/// Why a text ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Finish {
    /// The model chose an end token, or a stop string came.
    End,
    /// The limit of tokens was reached.
    Length,
    /// Somebody stopped it.
    Stopped,
}

/// A tokenizer, and a model unless only the tokenizer was asked for.
pub struct Expert {
    tokenizer: Tokenizer,
    computing: Option<Computing>,
    running: Vec<Run>,
}

/// Texts that an expert goes on with at the same time, at most.
pub const SLOTS: usize = 32;

/// What computes: the model with its template, what it has read, and threads.
struct Computing {
    weights: Weights,
    model: Model,
    template: ChatTemplate,
    /// By slot: what has been read of the text there.
    contexts: Vec<Context>,
    /// Experts in smaller storage types that somebody has compared with, by the type's number.
    rounded: Vec<(u32, examine::Experts)>,
    /// Made for the first constraint.
    grammars: Option<Grammars>,
    fingerprint: Fingerprint,
    pool: Pool,
    loaded: Loaded,
}

impl Expert {
    /// Reads the tokenizer alone.
    pub fn tokenizer_only(header: &Header) -> Result<Expert, LoadError> {
        Ok(Expert { tokenizer: Tokenizer::read(header)?, computing: None, running: Vec::new() })
    }

    /// Loads a model; `progress` gets bytes read.
    pub fn load(
        file: &File,
        header: &Header,
        threads: usize,
        progress: &mut dyn FnMut(u64),
    ) -> Result<Expert, LoadError> {
        Expert::load_on(file, header, threads, None, progress)
    }

    /// [`Expert::load`], with as many layers on a device as fit; what `device` says instead of one is passed on. `None`:
    /// none is wanted.
    pub fn load_on(
        file: &File,
        header: &Header,
        threads: usize,
        device: Option<Result<Device, String>>,
        progress: &mut dyn FnMut(u64),
    ) -> Result<Expert, LoadError> {
        let kernels = crate::kernels::choice().as_ref().map_err(Clone::clone)?;
        crate::families::check(header)?;
        let tokenizer = Tokenizer::read(header)?;
        let weights = Weights::map(file, header)?;
        let template = ChatTemplate::read(header, &tokenizer)?;
        let (model, placement) = placed(header, &weights, device)?;
        match model.device() {
            // What the device has is not needed in memory.
            Some((_, 0)) => weights.let_go(),
            _ => weights.touch(progress),
        }
        let pool = Pool::new(threads).map_err(|error| LoadError::Threads(error.to_string()))?;
        let shape = model.shape();
        let loaded = Loaded {
            name: header.text("general.name")?.map(str::to_owned),
            architecture: header.text("general.architecture")?.unwrap_or_default().to_owned(),
            parameters: parameters(header),
            context_length: shape.context as u32,
            vocabulary: shape.vocabulary as u32,
            template: template.origin(),
            threads,
            placement,
            kernels: kernels.level.name().into(),
            kernels_refused: kernels.refused.as_ref().map(ToString::to_string),
            cache_bytes_per_token: shape.cache_bytes_per_token(),
            weight_bytes_per_token: weight_bytes_per_token(header, shape),
            sandbox: Vec::new(),
            load_ms: 0.0,
        };
        let contexts = vec![Context::new(model.cache())];
        let fingerprint = Fingerprint::of(file, header)?;
        let computing = Computing {
            weights,
            model,
            template,
            contexts,
            rounded: Vec::new(),
            grammars: None,
            fingerprint,
            pool,
            loaded,
        };
        Ok(Expert { tokenizer, computing: Some(computing), running: Vec::new() })
    }

    pub fn tokenizer(&self) -> &Tokenizer {
        &self.tokenizer
    }

    /// Facts of the loaded model; of the vocabulary alone where there is no model.
    pub fn facts(&self) -> Loaded {
        match &self.computing {
            Some(computing) => computing.loaded.clone(),
            None => Loaded {
                name: None,
                architecture: String::new(),
                parameters: 0,
                context_length: 0,
                vocabulary: self.tokenizer.vocabulary().len() as u32,
                template: Template::BuiltIn {
                    name: "none".into(),
                    why: "the tokenizer alone was loaded".into(),
                },
                threads: 0,
                placement: Placement::default(),
                kernels: String::new(),
                kernels_refused: None,
                cache_bytes_per_token: 0,
                weight_bytes_per_token: 0,
                sandbox: Vec::new(),
                load_ms: 0.0,
            },
        }
    }

    /// Tokens of a text, without a start token.
    pub fn tokenize(&self, text: &str, special: bool) -> Tokenized {
        let ids = self.tokenizer.encode(text, special);
        let pieces = ids.iter().map(|&id| self.tokenizer.vocabulary().text(id).to_owned()).collect();
        Tokenized { ids, pieces }
    }

    /// Logits after the tokens, or after each of them when `all`; one row at a time.
    pub fn logits(
        &mut self,
        tokens: &[u32],
        all: bool,
        stop: &AtomicBool,
        on_row: &mut (dyn FnMut(LogitsRow) + Send),
    ) -> Result<(), RequestError> {
        let computing = self.computing.as_mut().ok_or(RequestError::TokenizerOnly)?;
        computing.accept(tokens)?;
        let Computing { model, contexts, pool, .. } = computing;
        let context = &mut contexts[0];
        context.truncate(0);
        context.expect(model, tokens.len());
        pool.install(|| {
            let vocabulary = model.shape().vocabulary;
            let size = model.chunk();
            // All rows of a chunk are in memory at once: 16 MB of them at most.
            let size = if all { size.min((4 << 20) / vocabulary).max(1) } else { size };
            let mut position = 0;
            for chunk in tokens.chunks(size) {
                let last = position + chunk.len() == tokens.len();
                let want = match (all, last) {
                    (true, _) => Want::All,
                    (false, true) => Want::Last,
                    (false, false) => Want::None,
                };
                let logits = context.read(model, chunk, want, stop).map_err(refused)?;
                position += chunk.len();
                let first = position - logits.len() / vocabulary;
                for (index, row) in logits.chunks_exact(vocabulary).enumerate() {
                    on_row(LogitsRow { position: (first + index) as u32, logits: row.to_vec() });
                }
            }
            Ok(())
        })
    }

    /// Generates. `on_prompt` gets how many prompt tokens have been read, `on_piece` text as it comes.
    ///
    /// What the prompt has in common with the text before it is not read again, and guesses from the text
    /// ([`Request::lookup`]) are computed several at once. Neither changes a token, as long as a pass over several
    /// tokens gives each the same numbers as one token at a time: families and kernels hold to that.
    pub fn generate(
        &mut self,
        request: &Request,
        stop: &AtomicBool,
        on_prompt: &mut dyn FnMut(u32),
        on_piece: &mut dyn FnMut(&str),
    ) -> Result<Finished, RequestError> {
        let mut ended = None;
        self.begin(0, 0, request)?;
        while ended.is_none() {
            self.go_on(stop, &|_| stop.load(Ordering::Relaxed), &mut |_, said| match said {
                Said::Read(tokens) => on_prompt(tokens),
                Said::Piece(text) => on_piece(text),
                Said::Ended(finished) => ended = Some(finished),
            });
        }
        ended.unwrap_or(Err(RequestError::Stopped))
    }

    /// Begins a generation under a number of the caller's choice; [`Expert::go_on`] does the rest. It goes on from what has
    /// been read in this slot, which is its own until it has ended.
    pub fn begin(&mut self, id: u64, slot: usize, request: &Request) -> Result<(), RequestError> {
        let computing = self.computing.as_mut().ok_or(RequestError::TokenizerOnly)?;
        free(&self.running, slot)?;
        computing.open(slot);
        self.running.push(Run::new(computing, &self.tokenizer, (id, slot), request)?);
        Ok(())
    }

    /// Generations that have not ended.
    pub fn running(&self) -> usize {
        self.running.len()
    }

    /// One pass for all generations that have begun: the weights are read once for all of them, and each gets, token for
    /// token, what it gets alone. A set `interrupt` ends the pass early; those that `stopped` names are ended by the next.
    pub fn go_on(
        &mut self,
        interrupt: &AtomicBool,
        stopped: &dyn Fn(u64) -> bool,
        say: &mut dyn FnMut(u64, Said<'_>),
    ) {
        if let Some(computing) = &mut self.computing {
            run::go_on(computing, &self.tokenizer, &mut self.running, interrupt, stopped, say);
        }
    }

    /// How well the model foretells a text, in windows of `context` tokens. `on_read` gets the tokens read so far.
    pub fn perplexity(
        &mut self,
        text: &str,
        context: usize,
        stop: &AtomicBool,
        on_read: &mut (dyn FnMut(u32) + Send),
    ) -> Result<Perplexity, RequestError> {
        let computing = self.computing.as_mut().ok_or(RequestError::TokenizerOnly)?;
        perplexity::perplexity(computing, &self.tokenizer, text, context, stop, on_read)
    }

    /// Measures what the model reaches on this machine.
    pub fn measure(&self, what: Measure, stop: &AtomicBool) -> Result<f64, RequestError> {
        let computing = self.computing.as_ref().ok_or(RequestError::TokenizerOnly)?;
        measure::measure(computing, &self.tokenizer, what, stop)
    }

    /// Writes what has been read in a slot, so that [`Expert::restore_state`] needs no computing. Gives how many tokens that
    /// are.
    pub fn save_state(&self, slot: usize, out: &mut dyn Write) -> Result<u32, RequestError> {
        let computing = self.computing.as_ref().ok_or(RequestError::TokenizerOnly)?;
        free(&self.running, slot)?;
        state::save(computing, slot, out).map_err(|error| RequestError::State(error.to_string()))
    }

    /// Takes a state of `bytes` bytes to a slot. Gives how many tokens it has. When it cannot be used, nothing has been read.
    pub fn restore_state(
        &mut self,
        slot: usize,
        source: &mut dyn Read,
        bytes: u64,
    ) -> Result<u32, RequestError> {
        let computing = self.computing.as_mut().ok_or(RequestError::TokenizerOnly)?;
        free(&self.running, slot)?;
        computing.open(slot);
        state::restore(computing, slot, source, bytes)
    }
}

/// Nobody writes in the slot.
fn free(running: &[Run], slot: usize) -> Result<(), RequestError> {
    match slot < SLOTS && running.iter().all(|run| run.slot != slot) {
        true => Ok(()),
        false => Err(RequestError::Slot(slot)),
    }
}

impl Computing {
    /// There is such a slot from now on.
    fn open(&mut self, slot: usize) {
        while self.contexts.len() <= slot {
            self.contexts.push(Context::new(self.model.cache()));
        }
    }

    fn accept(&self, tokens: &[u32]) -> Result<(), RequestError> {
        let vocabulary = self.model.shape().vocabulary;
        if tokens.is_empty() {
            return Err(RequestError::Nothing);
        }
        match tokens.iter().find(|&&id| id as usize >= vocabulary) {
            Some(&id) => Err(RequestError::Token { id, vocabulary }),
            None => Ok(()),
        }
    }

    fn prompt(
        &self,
        request: &Request,
        tokenizer: &Tokenizer,
    ) -> Result<(Vec<u32>, Option<String>), RequestError> {
        let (mut ids, note) = match &request.prompt {
            Prompt::Raw(text) => (tokenizer.encode(text, true), None),
            Prompt::Messages(messages) => {
                let rendered = self.template.render(messages, tokenizer.vocabulary());
                (tokenizer.encode_parts(&rendered.parts()), rendered.note)
            }
        };
        if let Some(start) = tokenizer.start()
            && (ids.is_empty() || tokenizer.adds_start() && ids[0] != start)
        {
            ids.insert(0, start);
        }
        Ok((ids, note))
    }

    /// How many tokens of the prompt stand before anything that was asked: start token, template head, system prompt.
    fn head(&self, request: &Request, prompt: &[u32], tokenizer: &Tokenizer) -> Result<usize, RequestError> {
        let Prompt::Messages(messages) = &request.prompt else {
            return Ok(usize::from(prompt.first().copied() == tokenizer.start()));
        };
        // Where the prompt begins to differ when something else is asked.
        let mut messages = messages.clone();
        if let Some(first) = messages.iter_mut().find(|message| message.role != Role::System) {
            let other = if first.content.starts_with('0') { "1" } else { "0" };
            first.content = other.into();
        }
        let other = Request { prompt: Prompt::Messages(messages), ..request.clone() };
        let (other, _) = self.prompt(&other, tokenizer)?;
        Ok(prompt.iter().zip(&other).take_while(|(a, b)| a == b).count())
    }
}

/// The model, with as many layers on the device as fit.
fn placed(
    header: &Header,
    weights: &Weights,
    device: Option<Result<Device, String>>,
) -> Result<(Model, Placement), ModelError> {
    let model = Model::load(header, weights)?;
    let layers = model.shape().layers as u32;
    let here = |why| Placement { device: None, layers, on_device: 0, why };
    let device = match device {
        None => return Ok((model, here(None))),
        Some(Err(why)) => return Ok((model, here(Some(why)))),
        Some(Ok(device)) => device,
    };
    let room = device.free_bytes().unwrap_or(u64::MAX);
    let free = format!("{} has {} MiB free", device.name(), room >> 20);
    let Some(lowest) = device::lowest_layer(header, model.shape(), room) else {
        return Ok((model, here(Some(format!("{free}: not one layer fits")))));
    };
    match model.place(header, weights, &device, lowest) {
        Ok(model) => {
            let why = (lowest > 0).then(|| format!("{free}: the lowest {lowest} layers do not fit"));
            let on_device = layers - lowest as u32;
            Ok((model, Placement { device: Some(device.name().to_owned()), layers, on_device, why }))
        }
        Err(PlaceError::Model(error)) => Err(error),
        Err(PlaceError::Device(error)) => Ok((Model::load(header, weights)?, here(Some(error.to_string())))),
    }
}

/// Bytes of weights that are read for one token: of a mixture the experts that it is given, of an embedding one row.
fn weight_bytes_per_token(header: &Header, shape: &Shape) -> u64 {
    let share =
        |bytes: u64, part: usize, of: usize| (u128::from(bytes) * part as u128 / of.max(1) as u128) as u64;
    let tied = header.tensor("output.weight").is_none();
    let read = header.tensors().iter().map(|tensor| match (tensor.name.as_str(), &shape.mixture) {
        ("token_embd.weight", _) if !tied => share(tensor.bytes, 1, shape.vocabulary),
        (name, Some(mixture)) if name.contains("_exps.") => {
            share(tensor.bytes, mixture.routing.used, mixture.experts)
        }
        _ => tensor.bytes,
    });
    read.fold(0, u64::saturating_add)
}

fn refused(error: ForwardError) -> RequestError {
    match error {
        ForwardError::Stopped => RequestError::Stopped,
        ForwardError::CacheFull(full) => full.into(),
        ForwardError::Device(error) => RequestError::Device(error),
    }
}
