//! The loop of one generation: choose a token, give its text, compute the next logits.

use std::sync::atomic::AtomicBool;
use std::time::Instant;

use super::constraint::{Grammars, Guide};
use super::context::{Context, shift};
use super::lookup::Lookup;
use super::stops::StopStrings;
use super::{Computing, Finish, RequestError, refused};
use crate::families::{Model, Want};
use crate::host::{Finished, Overflow, Prompt, Request};
use crate::sample::Sampler;
use crate::tokenizer::{TextStream, Tokenizer};

/// The smallest context that a text can be shifted in.
const SMALLEST: u32 = 16;

/// One generation on its way.
struct Run<'a> {
    model: &'a Model,
    context: &'a mut Context,
    tokenizer: &'a Tokenizer,
    stop: &'a AtomicBool,
    on_prompt: &'a mut (dyn FnMut(u32) + Send),
    on_piece: &'a mut (dyn FnMut(&str) + Send),
    max_tokens: usize,
    /// The most tokens that the text may have, and how many at its beginning stay when it has more.
    limit: Option<usize>,
    head: usize,
    /// The tokens so far, without what was dropped: prompt, then answer.
    tokens: Vec<u32>,
    sampler: Sampler,
    guide: Option<Guide>,
    lookup: Lookup,
    stream: TextStream,
    stops: StopStrings,
    /// White space is left out until something else has come: an answer begins with its first word, where a tokenizer
    /// puts a space before it or a model is used to a line of its own.
    trims: bool,
    ids: Vec<u32>,
    text: String,
    /// Sum over the chosen tokens.
    probability: f64,
    cached: usize,
    shifted: usize,
    first_token: Option<Instant>,
    /// Tokens of the prompt that were computed, and the seconds that took.
    read: (usize, f64),
    began: Instant,
}

/// Logits of a pass: after the newest token, then after each guess as if it were right.
struct Pass {
    /// (1 + drafted, vocabulary)
    logits: Vec<f32>,
    draft: Vec<u32>,
    /// Guesses that were right so far: the row to choose from.
    right: usize,
    seconds: f64,
}

pub(super) fn generate(
    computing: &mut Computing,
    tokenizer: &Tokenizer,
    request: &Request,
    stop: &AtomicBool,
    on_prompt: &mut (dyn FnMut(u32) + Send),
    on_piece: &mut (dyn FnMut(&str) + Send),
) -> Result<Finished, RequestError> {
    let began = Instant::now();
    let vocabulary = computing.model.shape().vocabulary;
    if let Some(problem) = request.sampling.problem(vocabulary) {
        return Err(RequestError::Sampling(problem));
    }
    let (prompt, note) = computing.prompt(request, tokenizer)?;
    computing.accept(&prompt)?;
    let made_for = computing.model.shape().context;
    let limit = match request.overflow {
        Overflow::GoOn => None,
        Overflow::Shift { context: None } => Some(made_for.max(SMALLEST as usize)),
        Overflow::Shift { context: Some(context) } => Some(context.max(SMALLEST) as usize),
    };
    let head = if limit.is_some() { computing.head(request, &prompt, tokenizer)? } else { 0 };
    let guide = match &request.constraint {
        None => None,
        Some(constraint) => {
            if computing.grammars.is_none() {
                computing.grammars = Some(Grammars::new(tokenizer)?);
            }
            computing.grammars.as_ref().map(|grammars| grammars.guide(constraint)).transpose()?
        }
    };
    let own = computing.template.stop_strings().iter().map(|stop| stop.to_string());
    let is_chat = matches!(request.prompt, Prompt::Messages(_));
    let stops = own.filter(|_| is_chat).chain(request.stop_strings.iter().cloned()).collect();
    let after_control = prompt.last().is_some_and(|&id| tokenizer.bytes(id).is_empty());
    let Computing { model, context, pool, .. } = computing;
    let mut run = Run {
        model,
        context,
        tokenizer,
        stop,
        on_prompt,
        on_piece,
        max_tokens: request.max_tokens as usize,
        limit,
        head,
        sampler: Sampler::new(&request.sampling, &prompt),
        guide,
        lookup: Lookup::new(request.lookup),
        stream: tokenizer.stream(after_control),
        stops: StopStrings::new(stops),
        trims: is_chat,
        ids: Vec::new(),
        text: String::new(),
        probability: 0.0,
        cached: 0,
        shifted: 0,
        first_token: None,
        read: (0, 0.0),
        began,
        tokens: prompt.clone(),
    };
    let finish = pool.install(|| run.run())?;
    let positions = run.tokens.len();
    let dropped = (run.shifted > 0).then(|| {
        let (limit, shifted) = (limit.unwrap_or(made_for), run.shifted);
        format!("the text outgrew the context of {limit} tokens: {shifted} of its oldest were dropped")
    });
    let beyond = (positions > made_for).then(|| {
        format!("the text has {positions} tokens, more than the {made_for} that the model was made for")
    });
    let note = [note, dropped, beyond].into_iter().flatten().collect::<Vec<_>>().join("; ");
    Ok(run.finished(finish, prompt.len(), Some(note).filter(|note| !note.is_empty())))
}

impl Run<'_> {
    fn run(&mut self) -> Result<Finish, RequestError> {
        let finish = self.choose_and_read();
        // What was computed for guesses that nobody has chosen is no part of the text.
        self.context.truncate(self.tokens.len());
        let finish = match finish {
            Err(RequestError::Stopped) => Finish::Stopped,
            other => other?,
        };
        if !self.stops.ended() {
            let (ready, _) = self.stops.push(&self.stream.finish());
            let rest = ready + &self.stops.rest();
            self.give(&rest);
        }
        Ok(finish)
    }

    fn choose_and_read(&mut self) -> Result<Finish, RequestError> {
        let began = Instant::now();
        self.fit();
        let length = (self.tokens.len() + self.max_tokens).min(self.limit.unwrap_or(usize::MAX));
        self.context.expect(self.model, length);
        self.cached = self.context.reuse(&self.tokens);
        let mut pass = self.read_text()?;
        self.read = (self.tokens.len() - self.cached, began.elapsed().as_secs_f64());
        let finish = loop {
            if self.ids.len() >= self.max_tokens {
                break Finish::Length;
            }
            let Some(id) = self.choose(&pass)? else { break Finish::End };
            let complete = self.take(id)?;
            if complete {
                break Finish::End;
            }
            if self.ids.len() >= self.max_tokens {
                break Finish::Length;
            }
            if pass.draft.get(pass.right) == Some(&id) {
                pass.right += 1;
                continue;
            }
            self.settle(&pass);
            pass = if self.fit() { self.read_text()? } else { self.step()? };
        };
        self.settle(&pass);
        Ok(finish)
    }

    /// The next token; `None` when it is one that ends the answer.
    fn choose(&mut self, pass: &Pass) -> Result<Option<u32>, RequestError> {
        let vocabulary = self.model.shape().vocabulary;
        let logits = &pass.logits[pass.right * vocabulary..][..vocabulary];
        let guide = self.guide.as_ref();
        let allows = guide.map(|guide| move |id| guide.allows(id));
        let allows = allows.as_ref().map(|allows| allows as &dyn Fn(u32) -> bool);
        let Some(chosen) = self.sampler.choose(logits, allows) else {
            if allows.is_some_and(|allows| !(0..vocabulary as u32).any(allows)) {
                let why = format!("after {:?} the vocabulary has no token that may follow", self.text);
                return Err(RequestError::Constraint(why));
            }
            return Err(RequestError::NotNumbers { tokens: self.tokens.len() });
        };
        self.first_token.get_or_insert_with(Instant::now);
        if self.tokenizer.is_end(chosen.id) {
            return Ok(None);
        }
        self.probability += f64::from(chosen.probability);
        Ok(Some(chosen.id))
    }

    /// Adds a token to the answer. True when the answer is complete: by a stop string, or because nothing may follow.
    fn take(&mut self, id: u32) -> Result<bool, RequestError> {
        self.ids.push(id);
        self.tokens.push(id);
        let text = self.stream.push(&self.tokenizer.bytes(id));
        let (ready, ended) = self.stops.push(&text);
        self.give(&ready);
        match &mut self.guide {
            Some(guide) if !ended => guide.take(id),
            _ => Ok(ended),
        }
    }

    /// Drops the oldest tokens when there are too many. True when there were.
    fn fit(&mut self) -> bool {
        let Some(limit) = self.limit else { return false };
        let dropped = shift(&mut self.tokens, self.head, limit);
        self.shifted += dropped;
        dropped > 0
    }

    /// Reads whatever of the text has not been read.
    fn read_text(&mut self) -> Result<Pass, RequestError> {
        let Run { context, tokens, model, stop, on_prompt, .. } = self;
        let logits = context.become_text(model, tokens, stop, &mut |read| on_prompt(read as u32));
        Ok(Pass { logits: logits.map_err(refused)?, draft: Vec::new(), right: 0, seconds: 0.0 })
    }

    /// Reads the newest token, and guesses after it.
    fn step(&mut self) -> Result<Pass, RequestError> {
        let known = self.tokens.len() - 1;
        self.context.truncate(known);
        // At most one guess less than may come, than the context has room for, and than are computed together.
        let room = (self.max_tokens - self.ids.len())
            .min(self.limit.map_or(usize::MAX, |limit| limit - known))
            .min(self.model.chunk());
        // A device adds in another order when it computes several tokens: a guess could change what is said.
        let room = if self.model.device().is_some() { 1 } else { room };
        let draft = self.lookup.draft(&self.tokens, room.saturating_sub(1));
        let mut tokens = vec![self.tokens[known]];
        tokens.extend(&draft);
        let began = Instant::now();
        let logits = self.context.read(self.model, &tokens, Want::All, self.stop).map_err(refused)?;
        Ok(Pass { logits, draft, right: 0, seconds: began.elapsed().as_secs_f64() })
    }

    /// A pass has been used up.
    fn settle(&mut self, pass: &Pass) {
        if !pass.draft.is_empty() {
            self.lookup.tried(pass.seconds, pass.draft.len(), pass.right);
        } else if pass.seconds > 0.0 {
            self.lookup.plain(pass.seconds);
        }
    }

    fn give(&mut self, mut text: &str) {
        if self.trims {
            text = text.trim_start();
            self.trims = text.is_empty();
        }
        if !text.is_empty() {
            self.text.push_str(text);
            (self.on_piece)(text);
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
            cached_tokens: self.cached as u32,
            read_tokens: self.read.0 as u32,
            shifted: self.shifted as u32,
            drafted: self.lookup.drafted,
            accepted: self.lookup.accepted,
            tokens: tokens as u32,
            first_token_ms: first.map_or(0.0, |first| (first - self.began).as_secs_f32() * 1000.0),
            prompt_tokens_per_s: rate(self.read.0, self.read.1),
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
