//! The parent's side of an expert's process: starts it, asks it, and lets it go.

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

/// A loaded expert in its own process. Dropping it ends the process.
pub struct Host {
    pub(super) process: Process,
    loaded: Loaded,
    memory_limit: Option<u64>,
    peak: u64,
    next_id: u64,
    alive: bool,
    /// Since when an answer that was stopped is still on its way out.
    stopping: Option<Instant>,
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
            stopping: None,
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
        self.stopping.is_none()
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

    /// How many tokens a text has, without a start token. `None`: `stop` was set, and the process did not answer in time
    /// and was ended.
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
                self.end();
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
        let id = self.new_id();
        self.tell(ToExpert::Generate { id, request: request.clone() });
        let mut text = String::new();
        let mut pieces = 0;
        let mut prompt_tokens = 0;
        let mut told: Option<Instant> = None;
        let mut hears = false;
        loop {
            if told.is_none() && stop.load(Ordering::Relaxed) {
                self.process.tell(ToExpert::Stop { id });
                self.process.tell(ToExpert::Ping { id });
                told = Some(Instant::now());
            }
            if told.is_some_and(|told| told.elapsed() > OBEY) {
                let peak_memory_bytes = self.peak_memory();
                if hears {
                    self.stopping = told;
                } else {
                    self.end();
                }
                return Ok(Finished {
                    text,
                    ids: Vec::new(),
                    prompt_tokens,
                    cached_tokens: 0,
                    read_tokens: 0,
                    shifted: 0,
                    drafted: 0,
                    accepted: 0,
                    tokens: pieces,
                    first_token_ms: 0.0,
                    prompt_tokens_per_s: 0.0,
                    tokens_per_s: 0.0,
                    mean_probability: 0.0,
                    finish: Finish::Stopped,
                    peak_memory_bytes,
                    note: (!hears).then(|| "the expert did not stop in time and was ended".into()),
                    lost_expert: !hears,
                });
            }
            match self.hear()? {
                None => {}
                Some(FromExpert::Piece { id: of, text: piece }) if of == id => {
                    text.push_str(&piece);
                    pieces += 1;
                    on_piece(&piece);
                }
                Some(FromExpert::Prompt { id: of, done }) if of == id => prompt_tokens = done,
                Some(FromExpert::Pong { id: of }) if of == id => hears = true,
                Some(FromExpert::Finished { id: of, finished }) if of == id => {
                    return Ok(Finished { peak_memory_bytes: self.peak_memory(), ..finished });
                }
                Some(other) => self.unexpected(id, other)?,
            }
        }
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
        if let Some(since) = self.stopping.filter(|since| since.elapsed() > COME_OUT) {
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

    /// A refusal of this request is an error; an answer to an earlier one is dropped; anything else is garbage.
    pub(super) fn unexpected(&mut self, id: u64, frame: FromExpert) -> Result<(), HostError> {
        if let FromExpert::Finished { id: of, .. } | FromExpert::Refused { id: of, .. } = &frame
            && *of < id
        {
            self.stopping = None;
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
