//! Generate: a loaded expert continues a text, token by token.
//!
//! In:     a request, a stop flag
//! Out:    pieces of text, then figures
//! Fails:  [`RequestError`]; the expert takes the next request
//! Cost:   one forward pass for each token; the prompt in chunks

mod errors;
mod stops;

use std::fs::File;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use serde::{Deserialize, Serialize};

use crate::blocks::Cache;
use crate::families::{ForwardError, Model, Want};
use crate::gguf::Header;
use crate::host::{Finished, Loaded, LogitsRow, Prompt, Request, Template, Tokenized};
use crate::inspect::parameters;
use crate::sample::Sampler;
use crate::template::ChatTemplate;
use crate::tokenizer::Tokenizer;
use crate::weights::Weights;
pub use errors::{LoadError, RequestError};
use stops::StopStrings;

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
}

/// What computes: the model with its template, cache and threads.
struct Computing {
    model: Model,
    template: ChatTemplate,
    cache: Cache,
    pool: rayon::ThreadPool,
    loaded: Loaded,
}

impl Expert {
    /// Reads the tokenizer alone.
    pub fn tokenizer_only(header: &Header) -> Result<Expert, LoadError> {
        Ok(Expert { tokenizer: Tokenizer::read(header)?, computing: None })
    }

    /// Loads a model; `progress` gets bytes read.
    pub fn load(
        file: &File,
        header: &Header,
        threads: usize,
        progress: &mut dyn FnMut(u64),
    ) -> Result<Expert, LoadError> {
        crate::families::check(header)?;
        let tokenizer = Tokenizer::read(header)?;
        let weights = Weights::map(file, header)?;
        let model = Model::load(header, &weights)?;
        let template = ChatTemplate::read(header, &tokenizer)?;
        weights.touch(progress);
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .thread_name(|number| format!("expert-{number}"))
            .build()
            .map_err(|error| LoadError::Threads(error.to_string()))?;
        let shape = model.shape();
        let loaded = Loaded {
            name: header.text("general.name")?.map(str::to_owned),
            architecture: header.text("general.architecture")?.unwrap_or_default().to_owned(),
            parameters: parameters(header),
            context_length: shape.context as u32,
            vocabulary: shape.vocabulary as u32,
            template: template.origin(),
            threads,
            cache_bytes_per_token: shape.cache_bytes_per_token(),
            sandbox: Vec::new(),
            load_ms: 0.0,
        };
        let cache = model.cache();
        Ok(Expert { tokenizer, computing: Some(Computing { model, template, cache, pool, loaded }) })
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
                cache_bytes_per_token: 0,
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
        let Computing { model, cache, pool, .. } = computing;
        cache.truncate(0);
        pool.install(|| {
            let vocabulary = model.shape().vocabulary;
            let size = model.shape().chunk();
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
                let logits = model.forward(chunk, cache, want, stop).map_err(refused)?;
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
    pub fn generate(
        &mut self,
        request: &Request,
        stop: &AtomicBool,
        on_prompt: &mut (dyn FnMut(u32) + Send),
        on_piece: &mut (dyn FnMut(&str) + Send),
    ) -> Result<Finished, RequestError> {
        let tokenizer = &self.tokenizer;
        let computing = self.computing.as_mut().ok_or(RequestError::TokenizerOnly)?;
        if let Some(problem) = request.sampling.problem() {
            return Err(RequestError::Sampling(problem));
        }
        let began = Instant::now();
        let (prompt, note) = computing.prompt(request, tokenizer)?;
        computing.accept(&prompt)?;
        let stops = computing.template.stop_strings().iter().map(|stop| stop.to_string());
        let stops = match request.prompt {
            Prompt::Messages(_) => stops.chain(request.stop_strings.iter().cloned()).collect(),
            Prompt::Raw(_) => request.stop_strings.clone(),
        };
        let Computing { model, cache, pool, .. } = computing;
        let mut run = Run {
            model,
            cache,
            tokenizer,
            stop,
            stops: StopStrings::new(stops),
            trims: matches!(request.prompt, Prompt::Messages(_)),
            ids: Vec::new(),
            text: String::new(),
            probability: 0.0,
            first_token: None,
            prompt_seconds: 0.0,
            began,
        };
        let finish = pool.install(|| run.run(&prompt, request, on_prompt, on_piece))?;
        let positions = prompt.len() + run.ids.len();
        let context = run.model.shape().context;
        let beyond = (positions > context).then(|| {
            format!("the text has {positions} tokens, more than the {context} that the model was made for")
        });
        let note = [note, beyond].into_iter().flatten().collect::<Vec<_>>().join("; ");
        Ok(run.finished(finish, prompt.len(), Some(note).filter(|note| !note.is_empty())))
    }
}

impl Computing {
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
}

fn refused(error: ForwardError) -> RequestError {
    match error {
        ForwardError::Stopped => RequestError::Stopped,
        ForwardError::CacheFull(full) => full.into(),
    }
}

/// One generation on its way.
struct Run<'a> {
    model: &'a Model,
    cache: &'a mut Cache,
    tokenizer: &'a Tokenizer,
    stop: &'a AtomicBool,
    stops: StopStrings,
    /// White space is left out until something else has come: an answer begins with its first word, where a tokenizer
    /// puts a space before it or a model is used to a line of its own.
    trims: bool,
    ids: Vec<u32>,
    text: String,
    /// Sum over the chosen tokens.
    probability: f64,
    first_token: Option<Instant>,
    prompt_seconds: f64,
    began: Instant,
}

impl Run<'_> {
    fn run(
        &mut self,
        prompt: &[u32],
        request: &Request,
        on_prompt: &mut (dyn FnMut(u32) + Send),
        on_piece: &mut (dyn FnMut(&str) + Send),
    ) -> Result<Finish, RequestError> {
        self.cache.truncate(0);
        let mut logits = Vec::new();
        let mut done = 0;
        let prompt_began = Instant::now();
        for chunk in prompt.chunks(self.model.shape().chunk()) {
            let want = if done + chunk.len() == prompt.len() { Want::Last } else { Want::None };
            match self.model.forward(chunk, self.cache, want, self.stop) {
                Ok(last) => logits = last,
                Err(ForwardError::Stopped) => return Ok(Finish::Stopped),
                Err(error) => return Err(refused(error)),
            }
            done += chunk.len();
            on_prompt(done as u32);
        }
        self.prompt_seconds = prompt_began.elapsed().as_secs_f64();
        let mut sampler = Sampler::new(&request.sampling);
        let after_control = prompt.last().is_some_and(|&id| self.tokenizer.bytes(id).is_empty());
        let mut stream = self.tokenizer.stream(after_control);
        let finish = loop {
            if self.ids.len() >= request.max_tokens as usize {
                break Finish::Length;
            }
            let chosen = sampler
                .choose(&logits)
                .ok_or(RequestError::NotNumbers { tokens: prompt.len() + self.ids.len() })?;
            self.first_token.get_or_insert_with(Instant::now);
            if self.tokenizer.is_end(chosen.id) {
                break Finish::End;
            }
            self.ids.push(chosen.id);
            self.probability += f64::from(chosen.probability);
            let text = stream.push(&self.tokenizer.bytes(chosen.id));
            let (ready, ended) = self.stops.push(&text);
            self.give(&ready, on_piece);
            if ended {
                break Finish::End;
            }
            if self.ids.len() >= request.max_tokens as usize {
                break Finish::Length;
            }
            match self.model.forward(&[chosen.id], self.cache, Want::Last, self.stop) {
                Ok(next) => logits = next,
                Err(ForwardError::Stopped) => break Finish::Stopped,
                Err(error) => return Err(refused(error)),
            }
        };
        if !self.stops.ended() {
            let (ready, _) = self.stops.push(&stream.finish());
            let rest = ready + &self.stops.rest();
            self.give(&rest, on_piece);
        }
        Ok(finish)
    }

    fn give(&mut self, mut text: &str, on_piece: &mut (dyn FnMut(&str) + Send)) {
        if self.trims {
            text = text.trim_start();
            self.trims = text.is_empty();
        }
        if !text.is_empty() {
            self.text.push_str(text);
            on_piece(text);
        }
    }

    fn finished(self, finish: Finish, prompt_tokens: usize, note: Option<String>) -> Finished {
        let tokens = self.ids.len();
        let rate =
            |count: usize, seconds: f64| if seconds > 0.0 { (count as f64 / seconds) as f32 } else { 0.0 };
        let first = self.first_token;
        // The first token comes with the prompt; the rate is of those after it.
        let later = first.map_or(0.0, |first| first.elapsed().as_secs_f64());
        Finished {
            prompt_tokens: prompt_tokens as u32,
            tokens: tokens as u32,
            first_token_ms: first.map_or(0.0, |first| (first - self.began).as_secs_f32() * 1000.0),
            prompt_tokens_per_s: rate(prompt_tokens, self.prompt_seconds),
            tokens_per_s: rate(tokens.saturating_sub(1), later),
            mean_probability: if tokens == 0 { 0.0 } else { (self.probability / tokens as f64) as f32 },
            text: self.text,
            ids: self.ids,
            finish,
            peak_memory_bytes: 0,
            note,
            lost_expert: false,
        }
    }
}
