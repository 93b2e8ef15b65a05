//! The parent's side of an expert's process: starts it, asks it, and lets it go.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::HostError;
use super::memory::{peak_bytes, resident_bytes};
use super::process::{Heard, Process};
use super::protocol::{FromExpert, ToExpert, VERSION};
use super::words::{Finish, Finished, Left, Loaded, LogitsRow, Request, Spawn, Template, Tokenized};

/// How often a waiting parent looks at the stop flag.
const LOOK: Duration = Duration::from_millis(10);
/// A told process has this long to stop; then it is ended. With `LOOK` and the kill this stays below 200 ms.
const OBEY: Duration = Duration::from_millis(140);
/// A process that says nothing for this long hangs. The longest silence of a healthy one is one piece of prompt.
const SILENCE: Duration = Duration::from_secs(120);
/// A told process has this long to leave; then it is ended.
const LEAVE: Duration = Duration::from_millis(500);

/// A loaded expert in its own process. Dropping it ends the process.
pub struct Host {
    process: Process,
    loaded: Loaded,
    memory_limit: Option<u64>,
    peak: u64,
    next_id: u64,
    alive: bool,
}

impl Host {
    /// Starts a process for the model and waits until it is ready. `progress` gets the process's resident memory.
    pub fn start(spawn: Spawn, progress: &mut dyn FnMut(u64)) -> Result<Host, HostError> {
        Host::start_unless(spawn, &AtomicBool::new(false), progress)
    }

    /// Like [`Host::start`]; a set `stop` ends the process and gives `Refused` with the code `stopped`.
    pub fn start_unless(
        spawn: Spawn,
        stop: &AtomicBool,
        progress: &mut dyn FnMut(u64),
    ) -> Result<Host, HostError> {
        let began = Instant::now();
        let mut host = Host {
            process: Process::start(&spawn)?,
            loaded: nothing_yet(),
            memory_limit: spawn.memory_limit,
            peak: 0,
            next_id: 0,
            alive: true,
        };
        host.process.tell(ToExpert::Hello { version: VERSION });
        let mut silent_since = Instant::now();
        loop {
            if stop.load(Ordering::Relaxed) {
                let (code, fix) = ("stopped".into(), "Ask again when you like.".into());
                return Err(HostError::Refused { code, message: "loading was stopped".into(), fix });
            }
            match host.hear(silent_since)? {
                None => {}
                Some(FromExpert::Hello { version }) if version == VERSION => silent_since = Instant::now(),
                Some(FromExpert::Loading { .. }) => silent_since = Instant::now(),
                Some(FromExpert::BadModel { code, message, fix }) => {
                    return Err(HostError::BadModel { code, message, fix });
                }
                Some(FromExpert::Loaded { loaded }) => {
                    host.loaded = Loaded { load_ms: ms(began), ..loaded };
                    progress(host.memory());
                    host.peak_memory();
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

    /// The process is there and takes requests, as far as is known.
    pub fn is_alive(&self) -> bool {
        self.alive && resident_bytes(self.pid()).is_some()
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
        self.process.tell(ToExpert::Tokenize { id, text: text.to_owned(), special });
        let since = Instant::now();
        let mut stopped: Option<Instant> = None;
        loop {
            if stopped.is_none() && stop.load(Ordering::Relaxed) {
                stopped = Some(Instant::now());
            }
            if stopped.is_some_and(|stopped| stopped.elapsed() > OBEY) {
                self.end();
                return Ok(None);
            }
            match self.hear(since)? {
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
        self.process.tell(ToExpert::Logits { id, tokens: tokens.to_vec(), all });
        let mut since = Instant::now();
        loop {
            match self.hear(since)? {
                None => continue,
                Some(FromExpert::Logits { id: of, position, bits }) if of == id => {
                    on_row(LogitsRow { position, logits: bits.into_iter().map(f32::from_bits).collect() });
                }
                Some(FromExpert::Prompt { id: of, .. }) if of == id => {}
                Some(FromExpert::LogitsEnd { id: of }) if of == id => return Ok(()),
                Some(other) => self.unexpected(id, other)?,
            }
            since = Instant::now();
        }
    }

    /// Generates text; `on_piece` gets it as it comes, whole characters only. When `stop` is set this returns within
    /// 200 ms with `Finish::Stopped` and what there was; a process that does not obey is ended (`lost_expert`).
    pub fn generate(
        &mut self,
        request: &Request,
        stop: &AtomicBool,
        on_piece: &mut dyn FnMut(&str),
    ) -> Result<Finished, HostError> {
        let id = self.new_id();
        self.process.tell(ToExpert::Generate { id, request: request.clone() });
        let mut text = String::new();
        let mut pieces = 0;
        let mut prompt_tokens = 0;
        let mut since = Instant::now();
        let mut told: Option<Instant> = None;
        loop {
            if told.is_none() && stop.load(Ordering::Relaxed) {
                self.process.tell(ToExpert::Stop { id });
                told = Some(Instant::now());
            }
            if told.is_some_and(|told| told.elapsed() > OBEY) {
                let peak_memory_bytes = self.peak_memory();
                self.end();
                return Ok(Finished {
                    text,
                    ids: Vec::new(),
                    prompt_tokens,
                    tokens: pieces,
                    first_token_ms: 0.0,
                    prompt_tokens_per_s: 0.0,
                    tokens_per_s: 0.0,
                    mean_probability: 0.0,
                    finish: Finish::Stopped,
                    peak_memory_bytes,
                    note: Some("the expert did not stop in time and was ended".into()),
                    lost_expert: true,
                });
            }
            match self.hear(since)? {
                None => continue,
                Some(FromExpert::Piece { id: of, text: piece }) if of == id => {
                    text.push_str(&piece);
                    pieces += 1;
                    on_piece(&piece);
                }
                Some(FromExpert::Prompt { id: of, done }) if of == id => prompt_tokens = done,
                Some(FromExpert::Finished { id: of, finished }) if of == id => {
                    return Ok(Finished { peak_memory_bytes: self.peak_memory(), ..finished });
                }
                Some(other) => self.unexpected(id, other)?,
            }
            since = Instant::now();
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

    fn new_id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id
    }

    /// The next message, or `None` after a short while. `since`: when it was last heard.
    fn hear(&mut self, since: Instant) -> Result<Option<FromExpert>, HostError> {
        if !self.alive {
            let how = "it had ended before".into();
            return Err(HostError::Crashed { how, last_words: self.process.last_words() });
        }
        match self.process.hear(LOOK) {
            Heard::Frame(frame) => Ok(Some(frame)),
            Heard::Garbage(what) => Err(self.garbled(what)),
            Heard::Gone => Err(self.crashed()),
            Heard::Silence if since.elapsed() > SILENCE => {
                self.end();
                Err(HostError::Hung { seconds: SILENCE.as_secs() })
            }
            Heard::Silence => Ok(None),
        }
    }

    /// A refusal of this request is an error; an answer to an earlier one is dropped; anything else is garbage.
    fn unexpected(&mut self, id: u64, frame: FromExpert) -> Result<(), HostError> {
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
            | FromExpert::Tokenized { id: of, .. }
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

/// Facts before there are any.
fn nothing_yet() -> Loaded {
    Loaded {
        name: None,
        architecture: String::new(),
        parameters: 0,
        context_length: 0,
        vocabulary: 0,
        template: Template::Own,
        threads: 0,
        cache_bytes_per_token: 0,
        sandbox: Vec::new(),
        load_ms: 0.0,
    }
}
