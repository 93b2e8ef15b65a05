//! Generations on their way: each chooses a token, gives its text, and is computed on, all of them in one pass.

use std::sync::atomic::AtomicBool;
use std::time::Instant;

use super::constraint::{Grammars, Guide};
use super::context::{Context, shift};
use super::lookup::Lookup;
use super::stops::StopStrings;
use super::{Computing, Finish, RequestError, refused};
use crate::families::{ForwardError, Model, Pass, Text, Want};
use crate::host::{Finished, Overflow, Prompt, Request};
use crate::sample::Sampler;
use crate::tokenizer::{TextStream, Tokenizer};

/// The smallest context that a text can be shifted in.
const SMALLEST: u32 = 16;

/// What a generation says, by its number.
pub enum Said<'a> {
    /// So many tokens of the prompt have been read.
    Read(u32),
    Piece(&'a str),
    Ended(Result<Finished, RequestError>),
}

pub(super) type Say<'a> = dyn FnMut(u64, Said<'_>) + 'a;

/// One generation on its way.
pub(super) struct Run {
    id: u64,
    /// Whose context it reads and writes.
    pub slot: usize,
    max_tokens: usize,
    /// The most tokens that the text may have, and how many at its beginning stay when it has more.
    limit: Option<usize>,
    head: usize,
    /// The tokens so far, without what was dropped: prompt, then answer.
    tokens: Vec<u32>,
    prompt_tokens: usize,
    sampler: Sampler,
    guide: Option<Guide>,
    lookup: Lookup,
    stream: TextStream,
    stops: StopStrings,
    /// White space is left out until something else has come: an answer begins with its first word, where a tokenizer
    /// puts a space before it or a model is used to a line of its own.
    trims: bool,
    /// Some of the text has to be read before a token can be chosen; else the newest token has.
    reads: bool,
    ids: Vec<u32>,
    text: String,
    /// Sum over the chosen tokens.
    probability: f64,
    cached: usize,
    shifted: usize,
    first_token: Option<Instant>,
    /// Tokens of the prompt that were computed, and the seconds that took.
    read: (usize, f64),
    /// The most texts that were in a pass with this one, itself included.
    together: u32,
    began: Instant,
    note: Option<String>,
    ended: Option<Result<Finish, RequestError>>,
}

/// What a pass has given one text: logits after its newest token, then after each guess as if it were right.
struct Given<'a> {
    /// (1 + drafted, vocabulary)
    logits: &'a [f32],
    draft: &'a [u32],
    /// Guesses that were right so far: the row to choose from.
    right: usize,
    /// How long it took; `None`: not for this text alone.
    seconds: Option<f64>,
}

impl Run {
    /// What is known of it without computing.
    pub fn new(
        computing: &mut Computing,
        tokenizer: &Tokenizer,
        (id, slot): (u64, usize),
        request: &Request,
    ) -> Result<Run, RequestError> {
        let began = Instant::now();
        let vocabulary = computing.model.shape().vocabulary;
        if let Some(problem) = request.sampling.problem(vocabulary) {
            return Err(RequestError::Sampling(problem));
        }
        let (prompt, note) = computing.prompt(request, tokenizer)?;
        computing.accept(&prompt)?;
        let limit = match request.overflow {
            Overflow::GoOn => None,
            Overflow::Shift { context } => {
                Some(context.map_or(computing.model.shape().context, |context| context as usize))
            }
        };
        let limit = limit.map(|limit| limit.max(SMALLEST as usize));
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
        let mut run = Run {
            id,
            slot,
            max_tokens: request.max_tokens as usize,
            limit,
            head,
            sampler: Sampler::new(&request.sampling, &prompt),
            guide,
            lookup: Lookup::new(request.lookup),
            stream: tokenizer.stream(after_control),
            stops: StopStrings::new(stops),
            trims: is_chat,
            reads: true,
            ids: Vec::new(),
            text: String::new(),
            probability: 0.0,
            cached: 0,
            shifted: 0,
            first_token: None,
            read: (0, 0.0),
            together: 0,
            began,
            note,
            ended: None,
            prompt_tokens: prompt.len(),
            tokens: prompt,
        };
        run.fit();
        let length = (run.tokens.len() + run.max_tokens).min(run.limit.unwrap_or(usize::MAX));
        let Computing { model, contexts, .. } = computing;
        let context = &mut contexts[slot];
        context.expect(model, length);
        run.cached = context.reuse(&run.tokens);
        Ok(run)
    }

    /// Reads a chunk of what has not been read of the text.
    fn read_on(&mut self, scene: &Scene<'_>, context: &mut Context, say: &mut Say<'_>) {
        let began = Instant::now();
        let before = context.ids.len();
        let last = self.tokens.len().min(before + scene.model.chunk());
        let whole = last == self.tokens.len();
        let want = if whole { Want::Last } else { Want::None };
        let logits = match context.read(scene.model, &self.tokens[before..last], want, scene.interrupt) {
            // Whoever was told to stop is ended by the next look; the others go on.
            Err(ForwardError::Stopped) => return,
            Err(error) => return self.ended = Some(Err(refused(error))),
            Ok(logits) => logits,
        };
        if self.ids.is_empty() {
            self.read = (self.read.0 + last - before, self.read.1 + began.elapsed().as_secs_f64());
        }
        self.together = self.together.max(1);
        say(self.id, Said::Read(last as u32));
        if whole {
            self.reads = false;
            let given = Given { logits: &logits, draft: &[], right: 0, seconds: None };
            self.take_given(given, scene, context, say);
        }
    }

    /// Chooses as far as the logits reach.
    fn take_given(&mut self, given: Given<'_>, scene: &Scene<'_>, context: &mut Context, say: &mut Say<'_>) {
        match self.choose_on(given, scene, say) {
            Ok(Some(finish)) => self.ended = Some(Ok(finish)),
            Err(error) => self.ended = Some(Err(error)),
            Ok(None) if self.fit() => {
                self.reads = true;
                context.reuse(&self.tokens);
            }
            // What was computed for guesses that nobody has chosen is no part of the text.
            Ok(None) => context.truncate(self.tokens.len() - 1),
        }
    }

    /// `None`: something has to be computed before the next token can be chosen.
    fn choose_on(
        &mut self,
        mut given: Given<'_>,
        scene: &Scene<'_>,
        say: &mut Say<'_>,
    ) -> Result<Option<Finish>, RequestError> {
        let finish = loop {
            if self.ids.len() >= self.max_tokens {
                break Some(Finish::Length);
            }
            let Some(id) = self.choose(&given, scene)? else { break Some(Finish::End) };
            let complete = self.take(id, scene, say)?;
            if complete {
                break Some(Finish::End);
            }
            if self.ids.len() >= self.max_tokens {
                break Some(Finish::Length);
            }
            if given.draft.get(given.right) != Some(&id) {
                break None;
            }
            given.right += 1;
        };
        match given.seconds {
            Some(seconds) if given.draft.is_empty() => self.lookup.plain(seconds),
            Some(seconds) => self.lookup.tried(seconds, given.draft.len(), given.right),
            None => {}
        }
        Ok(finish)
    }

    /// The next token; `None` when it is one that ends the answer.
    fn choose(&mut self, given: &Given<'_>, scene: &Scene<'_>) -> Result<Option<u32>, RequestError> {
        let vocabulary = scene.model.shape().vocabulary;
        let logits = &given.logits[given.right * vocabulary..][..vocabulary];
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
        if scene.tokenizer.is_end(chosen.id) {
            return Ok(None);
        }
        self.probability += f64::from(chosen.probability);
        Ok(Some(chosen.id))
    }

    /// Adds a token to the answer. True when the answer is complete: by a stop string, or because nothing may follow.
    fn take(&mut self, id: u32, scene: &Scene<'_>, say: &mut Say<'_>) -> Result<bool, RequestError> {
        self.ids.push(id);
        self.tokens.push(id);
        let text = self.stream.push(&scene.tokenizer.bytes(id));
        let (ready, ended) = self.stops.push(&text);
        self.give(&ready, say);
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

    /// The newest token and guesses after it. Who is computed with others guesses nothing: the pass is used already.
    fn next_tokens(&mut self, model: &Model, alone: bool) -> Vec<u32> {
        let known = self.tokens.len() - 1;
        let mut tokens = vec![self.tokens[known]];
        // At most one guess less than may come, than the context has room for, and than are computed together.
        let room = (self.max_tokens - self.ids.len())
            .min(self.limit.map_or(usize::MAX, |limit| limit - known))
            .min(model.chunk());
        // A device adds in another order when it computes several tokens: a guess could change what is said.
        if alone && model.device().is_none() {
            tokens.extend(self.lookup.draft(&self.tokens, room.saturating_sub(1)));
        }
        tokens
    }

    fn give(&mut self, mut text: &str, say: &mut Say<'_>) {
        if self.trims {
            text = text.trim_start();
            self.trims = text.is_empty();
        }
        if !text.is_empty() {
            self.text.push_str(text);
            say(self.id, Said::Piece(text));
        }
    }

    /// Gives what is left of the text, and the figures.
    fn close(mut self, model: &Model, context: &mut Context, say: &mut Say<'_>) {
        context.truncate(self.tokens.len());
        let finish = match self.ended.take() {
            Some(Err(error)) => return say(self.id, Said::Ended(Err(error))),
            Some(Ok(finish)) => finish,
            None => Finish::Stopped,
        };
        if !self.stops.ended() {
            let (ready, _) = self.stops.push(&self.stream.finish());
            let rest = ready + &self.stops.rest();
            self.give(&rest, say);
        }
        let made_for = model.shape().context;
        let positions = self.tokens.len();
        let dropped = (self.shifted > 0).then(|| {
            let (limit, shifted) = (self.limit.unwrap_or(made_for), self.shifted);
            format!("the text outgrew the context of {limit} tokens: {shifted} of its oldest were dropped")
        });
        let beyond = (positions > made_for).then(|| {
            format!("the text has {positions} tokens, more than the {made_for} that the model was made for")
        });
        let note = [self.note.take(), dropped, beyond].into_iter().flatten().collect::<Vec<_>>().join("; ");
        let id = self.id;
        say(id, Said::Ended(Ok(self.finished(finish, Some(note).filter(|note| !note.is_empty())))));
    }

    fn finished(self, finish: Finish, note: Option<String>) -> Finished {
        let tokens = self.ids.len();
        let rate =
            |count: usize, seconds: f64| if seconds > 0.0 { (count as f64 / seconds) as f32 } else { 0.0 };
        let first = self.first_token;
        // The first token comes with the prompt; the rate is of those after it.
        let later = first.map_or(0.0, |first| first.elapsed().as_secs_f64());
        Finished {
            prompt_tokens: self.prompt_tokens as u32,
            cached_tokens: self.cached as u32,
            read_tokens: self.read.0 as u32,
            shifted: self.shifted as u32,
            drafted: self.lookup.drafted,
            accepted: self.lookup.accepted,
            tokens: tokens as u32,
            together: self.together,
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

/// What all generations use.
struct Scene<'a> {
    model: &'a Model,
    tokenizer: &'a Tokenizer,
    interrupt: &'a AtomicBool,
}

/// One pass: whoever was told to stop is ended; the first that has text to read reads a chunk of it; all that write go on
/// by one token at least, together. Whoever has ended is gone from `runs`.
pub(super) fn go_on(
    computing: &mut Computing,
    tokenizer: &Tokenizer,
    runs: &mut Vec<Run>,
    interrupt: &AtomicBool,
    stopped: &dyn Fn(u64) -> bool,
    say: &mut Say<'_>,
) {
    let Computing { model, contexts, pool, .. } = computing;
    let scene = Scene { model, tokenizer, interrupt };
    for run in runs.iter_mut().filter(|run| stopped(run.id)) {
        run.ended = Some(Ok(Finish::Stopped));
    }
    pool.install(|| {
        if let Some(run) = runs.iter_mut().find(|run| run.reads && run.ended.is_none()) {
            run.read_on(&scene, &mut contexts[run.slot], say);
        }
        write_on(&scene, runs, contexts, say);
    });
    for run in runs.extract_if(.., |run| run.ended.is_some()) {
        let context = &mut contexts[run.slot];
        run.close(model, context, say);
    }
}

fn write_on(scene: &Scene<'_>, runs: &mut [Run], contexts: &mut [Context], say: &mut Say<'_>) {
    let mut free: Vec<Option<&mut Context>> = contexts.iter_mut().map(Some).collect();
    let writing = runs.iter_mut().filter(|run| !run.reads && run.ended.is_none());
    let mut writing: Vec<(&mut Run, &mut Context)> =
        writing.filter_map(|run| free[run.slot].take().map(|context| (run, context))).collect();
    let together = writing.len();
    match pass(scene, &mut writing, say) {
        Ok(()) | Err(ForwardError::Stopped) => {}
        // It is not told whose text it was: that one fails alone.
        Err(_) if together > 1 => {
            for one in writing.chunks_mut(1) {
                if let Err(error) = pass(scene, one, say)
                    && !matches!(error, ForwardError::Stopped)
                {
                    one[0].0.ended = Some(Err(refused(error)));
                }
            }
        }
        Err(error) => writing[0].0.ended = Some(Err(refused(error))),
    }
}

fn pass(
    scene: &Scene<'_>,
    writing: &mut [(&mut Run, &mut Context)],
    say: &mut Say<'_>,
) -> Result<(), ForwardError> {
    let together = writing.len();
    if together == 0 {
        return Ok(());
    }
    let next: Vec<Vec<u32>> =
        writing.iter_mut().map(|(run, _)| run.next_tokens(scene.model, together == 1)).collect();
    let began = Instant::now();
    let texts = writing.iter_mut().zip(&next);
    let mut texts: Vec<Text<'_>> = texts.map(|((_, context), tokens)| context.text(tokens)).collect();
    let logits = scene.model.pass_together(&mut texts, Pass::new(Want::All, scene.interrupt))?;
    let seconds = (together == 1).then(|| began.elapsed().as_secs_f64());
    let mut rows = &logits[..];
    for ((run, context), tokens) in writing.iter_mut().zip(&next) {
        let (logits, others) = rows.split_at(tokens.len() * scene.model.shape().vocabulary);
        rows = others;
        context.ids.extend_from_slice(tokens);
        run.together = run.together.max(together as u32);
        run.take_given(Given { logits, draft: &tokens[1..], right: 0, seconds }, scene, context, say);
    }
    Ok(())
}
