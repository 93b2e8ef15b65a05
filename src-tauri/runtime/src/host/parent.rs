//! The parent's side of an expert's process: starts it, asks it, and lets it go.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::HostError;
use super::hang::Watch;
use super::memory::{peak_bytes, resident_bytes};
use super::process::{Heard, Process};
use super::protocol::{FromExpert, ToExpert, VERSION};
use super::words::{Finish, Finished, Left, Loaded, LogitsRow, Purpose, Request, Spawn, Tokenized};

/// How often a waiting parent looks at the stop flag.
const LOOK: Duration = Duration::from_millis(10);
/// A told process has this long to stop or to say at least that it has heard; then it is ended. With `LOOK` and the kill
/// this stays below 200 ms.
const OBEY: Duration = Duration::from_millis(140);
/// One that has heard has this long to come out of the step that it is in.
const COME_OUT: Duration = Duration::from_secs(10);
/// An idle process answers a ping within this time even on a machine that is very busy.
const PONG: Duration = Duration::from_secs(5);
/// How often the memory of a process is looked at where the system itself does not hold it to its limit.
const WEIGH: Duration = Duration::from_millis(250);
/// A told process has this long to leave; then it is ended.
const LEAVE: Duration = Duration::from_millis(500);

/// The program for graphics processors that lies beside this one, if there is one.
pub fn device_program(program: &Path) -> Option<PathBuf> {
    let beside = program.with_file_name(format!("lectern-gpu{}", std::env::consts::EXE_SUFFIX));
    beside.is_file().then_some(beside)
}

/// What a generation says.
pub enum Spoken {
    Piece(String),
    Ended(Result<Finished, HostError>),
}

/// A generation that has not ended, and what is known of it.
#[derive(Default)]
struct Generation {
    id: u64,
    text: String,
    pieces: u32,
    prompt_tokens: u32,
    /// When it was told to stop, and whether the process has heard that.
    told: Option<Instant>,
    hears: bool,
}

/// A loaded expert in its own process. Dropping it ends the process.
pub struct Host {
    pub(super) process: Process,
    loaded: Loaded,
    memory_limit: Option<u64>,
    peak: u64,
    next_id: u64,
    alive: bool,
    generations: Vec<Generation>,
    /// What they have said and nobody has heard yet.
    unheard: VecDeque<(u64, Spoken)>,
    /// Answers that were stopped and are still on their way out, and since when.
    stopping: Vec<(u64, Instant)>,
    watch: Watch,
    weighed: Instant,
}

impl Host {
    /// Starts a process for the model and waits until it is ready. `progress` gets the process's resident memory.
    pub fn start(spawn: Spawn, progress: &mut dyn FnMut(u64)) -> Result<Host, HostError> {
        Host::start_unless(spawn, &AtomicBool::new(false), progress)
    }

    /// Like [`Host::start`]; a set `stop` ends the process and gives `Refused` with the code `stopped`.
    ///
    /// Where a program for graphics processors lies beside this one it becomes the host. Should it not start, or fall
    /// while it loads (both are known of drivers), this one does, and the facts say why.
    pub fn start_unless(
        spawn: Spawn,
        stop: &AtomicBool,
        progress: &mut dyn FnMut(u64),
    ) -> Result<Host, HostError> {
        let wanted = spawn.device && spawn.purpose == Purpose::Generate;
        let Some(beside) = device_program(&spawn.executable).filter(|_| wanted) else {
            return Host::start_here(&spawn, stop, progress);
        };
        match Host::start_here(&Spawn { executable: beside.clone(), ..spawn.clone() }, stop, progress) {
            Err(error) if !matches!(error, HostError::Refused { .. } | HostError::BadModel { .. }) => {
                let mut host = Host::start_here(&spawn, stop, progress)?;
                let words = match &error {
                    HostError::Crashed { last_words, .. } => last_words.trim(),
                    _ => "",
                };
                let why = if words.is_empty() { error.to_string() } else { words.to_owned() };
                host.loaded.placement.why = Some(format!("{}: {why}", beside.display()));
                Ok(host)
            }
            other => other,
        }
    }

    fn start_here(
        spawn: &Spawn,
        stop: &AtomicBool,
        progress: &mut dyn FnMut(u64),
    ) -> Result<Host, HostError> {
        let began = Instant::now();
        let mask = spawn.mask.clone();
        let mut host = Host {
            process: Process::start(spawn)?,
            loaded: Loaded::nothing(),
            memory_limit: spawn.memory_limit,
            peak: 0,
            next_id: 0,
            alive: true,
            generations: Vec::new(),
            unheard: VecDeque::new(),
            stopping: Vec::new(),
            watch: Watch::new(),
            weighed: began,
        };
        host.tell(ToExpert::Hello { version: VERSION });
        loop {
            if stop.load(Ordering::Relaxed) {
                let (code, fix) = ("stopped".into(), "Ask again when you like.".into());
                return Err(HostError::Refused { code, message: "loading was stopped".into(), fix });
            }
            match host.hear()? {
                None => {}
                Some(FromExpert::Hello { version: VERSION } | FromExpert::Loading { .. }) => {}
                Some(FromExpert::BadModel { code, message, fix }) => {
                    return Err(HostError::BadModel { code, message, fix });
                }
                Some(FromExpert::Loaded { loaded }) => {
                    host.loaded = Loaded { load_ms: ms(began), ..*loaded };
                    progress(host.memory());
                    host.peak_memory();
                    if !mask.is_empty() {
                        host.leave_out(mask, stop)?;
                    }
                    return Ok(host);
                }
                Some(other) => return Err(host.garbled(format!("{other:?} while loading"))),
            }
            progress(host.memory());
        }
    }

    pub fn facts(&self) -> &Loaded {
        &self.loaded
    }

    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// The process is there and takes requests, as far as is known without asking it.
    pub fn is_alive(&self) -> bool {
        self.alive && !self.process.is_closed() && resident_bytes(self.pid()).is_some()
    }

    /// No answer that was stopped is still on its way out.
    pub fn is_idle(&self) -> bool {
        self.stopping.is_empty()
    }

    /// Asks the process whether it is there. One that was killed a moment ago looks alive until the system has taken it
    /// down, but does not answer.
    pub fn answers(&mut self) -> bool {
        let id = self.new_id();
        self.tell(ToExpert::Ping { id });
        let asked = Instant::now();
        while asked.elapsed() < PONG {
            match self.hear() {
                Ok(Some(FromExpert::Pong { id: of })) if of == id => return true,
                Ok(None) => {}
                // The rest of an answer that was stopped.
                Ok(Some(frame)) => {
                    if self.unexpected(id, frame).is_err() {
                        return false;
                    }
                }
                Err(_) => return false,
            }
        }
        false
    }

    /// How long the process may be silent and still before it counts as hung; 30 s unless this is called.
    pub fn set_patience(&mut self, patience: Duration) {
        self.watch.set_patience(patience);
    }

    /// Resident memory of the process now; 0 when it is gone.
    pub fn memory(&self) -> u64 {
        resident_bytes(self.pid()).unwrap_or(0)
    }

    /// The most resident memory that the process has had.
    pub fn peak_memory(&mut self) -> u64 {
        self.peak = self.peak.max(peak_bytes(self.pid()).unwrap_or(0));
        self.peak
    }

    /// How many tokens a text has, without a start token. `None`: `stop` was set, and the process did not answer in time;
    /// it was ended, unless it answers others.
    pub fn count_tokens(&mut self, text: &str, stop: &AtomicBool) -> Result<Option<u32>, HostError> {
        Ok(self.tokenize_unless(text, false, stop)?.map(|tokenized| tokenized.ids.len() as u32))
    }

    /// The tokens of a text, without a start token. `special`: control tokens written in the text become tokens.
    pub fn tokenize(&mut self, text: &str, special: bool) -> Result<Tokenized, HostError> {
        let never = AtomicBool::new(false);
        Ok(self.tokenize_unless(text, special, &never)?.unwrap_or_default())
    }

    fn tokenize_unless(
        &mut self,
        text: &str,
        special: bool,
        stop: &AtomicBool,
    ) -> Result<Option<Tokenized>, HostError> {
        let id = self.new_id();
        self.tell(ToExpert::Tokenize { id, text: text.to_owned(), special });
        let mut stopped: Option<Instant> = None;
        loop {
            if stopped.is_none() && stop.load(Ordering::Relaxed) {
                stopped = Some(Instant::now());
            }
            if stopped.is_some_and(|stopped| stopped.elapsed() > OBEY) {
                // One that answers others may be in a long step; what it says of this later is dropped.
                if self.generations.is_empty() {
                    self.end();
                }
                return Ok(None);
            }
            match self.hear()? {
                None => {}
                Some(FromExpert::Tokenized { id: of, tokenized }) if of == id => return Ok(Some(tokenized)),
                Some(other) => self.unexpected(id, other)?,
            }
        }
    }

    /// Logits after the tokens, or after each of them. `on_row` gets one position at a time.
    pub fn logits(
        &mut self,
        tokens: &[u32],
        all: bool,
        on_row: &mut dyn FnMut(LogitsRow),
    ) -> Result<(), HostError> {
        let id = self.new_id();
        self.tell(ToExpert::Logits { id, tokens: tokens.to_vec(), all });
        loop {
            match self.hear()? {
                None => {}
                Some(FromExpert::Logits { id: of, position, bits }) if of == id => {
                    on_row(LogitsRow { position, logits: bits.into_iter().map(f32::from_bits).collect() });
                }
                Some(FromExpert::Prompt { id: of, .. }) if of == id => {}
                Some(FromExpert::LogitsEnd { id: of }) if of == id => return Ok(()),
                Some(other) => self.unexpected(id, other)?,
            }
        }
    }

    /// Generates text; `on_piece` gets it as it comes, whole characters only. When `stop` is set this returns within
    /// 200 ms with `Finish::Stopped` and what there was. A process that is in a long step then comes out of it before it
    /// takes the next request; one that does not even hear is ended (`lost_expert`).
    pub fn generate(
        &mut self,
        request: &Request,
        stop: &AtomicBool,
        on_piece: &mut dyn FnMut(&str),
    ) -> Result<Finished, HostError> {
        let id = self.begin(0, request);
        loop {
            match self.listen(&|_| stop.load(Ordering::Relaxed))? {
                Some((of, Spoken::Piece(text))) if of == id => on_piece(&text),
                Some((of, Spoken::Ended(finished))) if of == id => return finished,
                _ => {}
            }
        }
    }

    /// Begins a generation, which goes on from what was read in its slot and has the slot until it ends; several can run,
    /// in slots below [`crate::generate::SLOTS`]. Gives its number; [`Host::listen`] does the rest.
    pub fn begin(&mut self, slot: usize, request: &Request) -> u64 {
        let id = self.new_id();
        self.tell(ToExpert::Generate { id, slot, request: request.clone() });
        self.generations.push(Generation { id, ..Generation::default() });
        id
    }

    /// The next that a generation says, with its number; `None`: nothing for a short while. Those that `stopped` names end
    /// as [`Host::generate`] says. An error is the end of all of them.
    pub fn listen(&mut self, stopped: &dyn Fn(u64) -> bool) -> Result<Option<(u64, Spoken)>, HostError> {
        let now = Instant::now();
        for generation in &mut self.generations {
            if generation.told.is_none() && stopped(generation.id) {
                self.process.tell(ToExpert::Stop { id: generation.id });
                self.process.tell(ToExpert::Ping { id: generation.id });
                generation.told = Some(now);
            }
        }
        if let Some(said) = self.unheard.pop_front() {
            return Ok(Some(said));
        }
        let late = |generation: &Generation| generation.told.is_some_and(|told| told.elapsed() > OBEY);
        if let Some(at) = self.generations.iter().position(late) {
            let generation = self.generations.remove(at);
            let id = generation.id;
            let finished = self.give_up(generation);
            return Ok(Some((id, Spoken::Ended(Ok(finished)))));
        }
        let Some(frame) = self.hear()? else { return Ok(None) };
        self.unexpected(self.next_id + 1, frame)?;
        Ok(self.unheard.pop_front())
    }

    /// It has not stopped in time. One that has heard comes out later, and so must one that answers others.
    fn give_up(&mut self, generation: Generation) -> Finished {
        let peak_memory_bytes = self.peak_memory();
        let Generation { id, text, pieces, prompt_tokens, hears, .. } = generation;
        let hears = hears || !self.generations.is_empty();
        if hears {
            self.stopping.push((id, Instant::now()));
        } else {
            self.end();
        }
        Finished {
            text,
            ids: Vec::new(),
            prompt_tokens,
            cached_tokens: 0,
            read_tokens: 0,
            shifted: 0,
            drafted: 0,
            accepted: 0,
            tokens: pieces,
            together: 0,
            first_token_ms: 0.0,
            prompt_tokens_per_s: 0.0,
            tokens_per_s: 0.0,
            mean_probability: 0.0,
            finish: Finish::Stopped,
            peak_memory_bytes,
            note: (!hears).then(|| "the expert did not stop in time and was ended".into()),
            lost_expert: !hears,
        }
    }

    /// Whether the frame is of a generation that runs; what it says waits in `unheard`.
    fn overhear(&mut self, frame: FromExpert) -> Option<FromExpert> {
        let of = match &frame {
            FromExpert::Piece { id, .. }
            | FromExpert::Prompt { id, .. }
            | FromExpert::Pong { id }
            | FromExpert::Finished { id, .. }
            | FromExpert::Refused { id, .. } => *id,
            _ => return Some(frame),
        };
        let Some(at) = self.generations.iter().position(|generation| generation.id == of) else {
            return Some(frame);
        };
        let generation = &mut self.generations[at];
        let ended = match frame {
            FromExpert::Piece { text, .. } => {
                generation.text.push_str(&text);
                generation.pieces += 1;
                self.unheard.push_back((of, Spoken::Piece(text)));
                return None;
            }
            FromExpert::Prompt { done, .. } => {
                generation.prompt_tokens = done;
                return None;
            }
            FromExpert::Pong { .. } => {
                generation.hears = true;
                return None;
            }
            FromExpert::Finished { finished, .. } => {
                Ok(Finished { peak_memory_bytes: self.peak_memory(), ..finished })
            }
            FromExpert::Refused { code, message, fix, .. } => Err(HostError::Refused { code, message, fix }),
            other => return Some(other),
        };
        self.generations.remove(at);
        self.unheard.push_back((of, Spoken::Ended(ended)));
        None
    }

    /// Ends the process, waits for its exit, and measures that its memory is gone.
    pub fn leave(mut self) -> Left {
        let began = Instant::now();
        let before = self.memory();
        self.process.tell(ToExpert::Leave);
        self.process.wait_for_silence(LEAVE);
        let pid = self.pid();
        self.end();
        let after = resident_bytes(pid).unwrap_or(0);
        Left { freed_bytes: before.saturating_sub(after), elapsed_ms: ms(began) }
    }

    pub(super) fn new_id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id
    }

    pub(super) fn tell(&mut self, message: ToExpert) {
        self.process.tell(message);
        self.watch.heard();
    }

    /// The next message, or `None` after a short while.
    pub(super) fn hear(&mut self) -> Result<Option<FromExpert>, HostError> {
        if !self.alive {
            let how = "it had ended before".into();
            return Err(HostError::Crashed { how, last_words: self.process.last_words() });
        }
        self.weigh()?;
        let out = self.stopping.iter().map(|(_, since)| *since).find(|since| since.elapsed() > COME_OUT);
        if let Some(since) = out {
            self.end();
            return Err(HostError::Hung { seconds: since.elapsed().as_secs() });
        }
        match self.process.hear(LOOK) {
            Heard::Frame(frame) => {
                self.watch.heard();
                Ok(Some(frame).filter(|frame| !matches!(frame, FromExpert::Beat { .. })))
            }
            Heard::Garbage(what) => Err(self.garbled(what)),
            Heard::Gone => Err(self.crashed()),
            Heard::Silence => match self.watch.silent(self.process.pid()) {
                Some(silence) => {
                    self.end();
                    Err(HostError::Hung { seconds: silence.as_secs() })
                }
                None => Ok(None),
            },
        }
    }

    /// On macOS nothing but the parent holds a process to its memory.
    fn weigh(&mut self) -> Result<(), HostError> {
        let Some(limit) = self.memory_limit.filter(|_| cfg!(target_os = "macos")) else { return Ok(()) };
        if self.weighed.elapsed() < WEIGH {
            return Ok(());
        }
        self.weighed = Instant::now();
        if self.memory() > limit {
            self.end();
            return Err(HostError::OutOfMemory { limit_bytes: Some(limit) });
        }
        Ok(())
    }

    /// What a generation says is kept for whoever listens to it; a refusal of this request is an error; an answer to an
    /// earlier one is dropped; anything else is garbage.
    pub(super) fn unexpected(&mut self, id: u64, frame: FromExpert) -> Result<(), HostError> {
        let Some(frame) = self.overhear(frame) else { return Ok(()) };
        if let FromExpert::Finished { id: of, .. } | FromExpert::Refused { id: of, .. } = &frame {
            self.stopping.retain(|(stopped, _)| stopped != of);
        }
        match frame {
            FromExpert::Refused { id: of, code, message, fix } if of == id => {
                Err(HostError::Refused { code, message, fix })
            }
            FromExpert::Refused { id: of, .. }
            | FromExpert::Piece { id: of, .. }
            | FromExpert::Prompt { id: of, .. }
            | FromExpert::Finished { id: of, .. }
            | FromExpert::Logits { id: of, .. }
            | FromExpert::LogitsEnd { id: of }
            | FromExpert::Perplexity { id: of, .. }
            | FromExpert::Examined { id: of, .. }
            | FromExpert::Weighed { id: of, .. }
            | FromExpert::Cutting { id: of, .. }
            | FromExpert::Cut { id: of, .. }
            | FromExpert::Measured { id: of, .. }
            | FromExpert::StatePart { id: of, .. }
            | FromExpert::StateSaved { id: of, .. }
            | FromExpert::StateWanted { id: of }
            | FromExpert::StateRestored { id: of, .. }
            | FromExpert::Tokenized { id: of, .. }
            | FromExpert::Pong { id: of }
                if of < id =>
            {
                Ok(())
            }
            other => Err(self.garbled(format!("{other:?} in answer to request {id}"))),
        }
    }

    fn garbled(&mut self, mut what: String) -> HostError {
        self.end();
        what.truncate(what.floor_char_boundary(300));
        HostError::Garbled { what }
    }

    fn crashed(&mut self) -> HostError {
        let how = self.end();
        let last_words = self.process.last_words();
        // What Rust's allocator says before it aborts.
        if last_words.contains("memory allocation of") {
            return HostError::OutOfMemory { limit_bytes: self.memory_limit };
        }
        HostError::Crashed { how, last_words }
    }

    fn end(&mut self) -> String {
        self.alive = false;
        self.process.end()
    }
}

fn ms(since: Instant) -> f32 {
    since.elapsed().as_secs_f32() * 1000.0
}
