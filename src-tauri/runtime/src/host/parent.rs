//! The parent's side: starts an expert's process, talks to it, and ends it.
//!
//! Three threads help: one starts the process and then reads what it says (the system ties the child's life to the
//! thread that started it, so that thread lives as long as the child's pipe), one writes to it, so that a process that
//! does not read cannot hold anybody up, and one keeps its last words.

use std::collections::VecDeque;
use std::io::Read;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::memory::{peak_bytes, resident_bytes};
use super::protocol::{FrameError, FromExpert, ToExpert, VERSION, read_frame, write_frame};
use super::words::{Finish, Finished, Left, Loaded, LogitsRow, Purpose, Request, Spawn, Tokenized};
use super::{HostError, child};

/// How often a waiting parent looks at the stop flag.
const LOOK: Duration = Duration::from_millis(10);
/// A told process has this long to stop; then it is ended. With `LOOK` and the kill this stays below 200 ms.
const OBEY: Duration = Duration::from_millis(140);
/// A process that says nothing for this long hangs. The longest silence of a healthy one is one piece of prompt.
const SILENCE: Duration = Duration::from_secs(120);
/// A told process has this long to leave; then it is ended.
const LEAVE: Duration = Duration::from_millis(500);
/// Of what the process writes to its error output, this much is kept.
const LAST_WORDS: usize = 4096;

/// A loaded expert in its own process. Dropping it ends the process.
pub struct Host {
    child: Child,
    heard: Receiver<Heard>,
    /// `None` once the process was told to leave.
    say: Option<Sender<ToExpert>>,
    helpers: Vec<JoinHandle<()>>,
    last_words: Arc<Mutex<VecDeque<u8>>>,
    loaded: Loaded,
    memory_limit: Option<u64>,
    peak: u64,
    next_id: u64,
    alive: bool,
}

enum Heard {
    Frame(FromExpert),
    Garbage(String),
    /// The pipe is closed: the process is gone, or as good as gone.
    Gone,
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
        let mut host = launch(&spawn)?;
        host.tell(ToExpert::Hello { version: VERSION });
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
        self.child.id()
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

    /// How many tokens a text has, without a start token.
    pub fn count_tokens(&mut self, text: &str) -> Result<u32, HostError> {
        Ok(self.tokenize(text, false)?.ids.len() as u32)
    }

    /// The tokens of a text, without a start token. `special`: control tokens written in the text become tokens.
    pub fn tokenize(&mut self, text: &str, special: bool) -> Result<Tokenized, HostError> {
        let id = self.new_id();
        self.tell(ToExpert::Tokenize { id, text: text.to_owned(), special });
        let since = Instant::now();
        loop {
            match self.hear(since)? {
                None => {}
                Some(FromExpert::Tokenized { id: of, tokenized }) if of == id => return Ok(tokenized),
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
        self.tell(ToExpert::Generate { id, request: request.clone() });
        let mut text = String::new();
        let mut pieces = 0;
        let mut prompt_tokens = 0;
        let mut since = Instant::now();
        let mut told: Option<Instant> = None;
        loop {
            if told.is_none() && stop.load(Ordering::Relaxed) {
                self.tell(ToExpert::Stop { id });
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
        self.tell(ToExpert::Leave);
        self.say = None;
        while began.elapsed() < LEAVE && matches!(self.child.try_wait(), Ok(None)) {
            // The closed pipe is the signal; the timeout only bounds the wait.
            match self.heard.recv_timeout(Duration::from_millis(2)) {
                Ok(Heard::Gone) | Err(RecvTimeoutError::Disconnected) => break,
                _ => {}
            }
        }
        let pid = self.pid();
        self.end();
        let after = resident_bytes(pid).unwrap_or(0);
        Left { freed_bytes: before.saturating_sub(after), elapsed_ms: ms(began) }
    }

    fn new_id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id
    }

    /// A process that is gone hears nothing; that is found out when listening.
    fn tell(&mut self, message: ToExpert) {
        if let Some(say) = &self.say {
            let _ = say.send(message);
        }
    }

    /// The next message, or `None` after a short while. `since`: when it was last heard.
    fn hear(&mut self, since: Instant) -> Result<Option<FromExpert>, HostError> {
        if !self.alive {
            let how = "it had ended before".into();
            return Err(HostError::Crashed { how, last_words: self.last_words() });
        }
        match self.heard.recv_timeout(LOOK) {
            Ok(Heard::Frame(frame)) => Ok(Some(frame)),
            Ok(Heard::Garbage(what)) => Err(self.garbled(what)),
            Ok(Heard::Gone) | Err(RecvTimeoutError::Disconnected) => Err(self.crashed()),
            Err(RecvTimeoutError::Timeout) if since.elapsed() > SILENCE => {
                self.end();
                Err(HostError::Hung { seconds: SILENCE.as_secs() })
            }
            Err(RecvTimeoutError::Timeout) => Ok(None),
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
        let how = self.end().map_or_else(|| "it cannot be asked how".into(), describe);
        let last_words = self.last_words();
        // What Rust's allocator says before it aborts.
        if last_words.contains("memory allocation of") {
            return HostError::OutOfMemory { limit_bytes: self.memory_limit };
        }
        HostError::Crashed { how, last_words }
    }

    fn last_words(&self) -> String {
        let words = self.last_words.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let bytes: Vec<u8> = words.iter().copied().collect();
        String::from_utf8_lossy(&bytes).trim().to_owned()
    }

    /// Ends the process if it is still there, and waits until it is gone.
    fn end(&mut self) -> Option<ExitStatus> {
        self.alive = false;
        self.say = None;
        // A process whose pipe has closed by itself exits in a moment: its own exit status says more than our kill.
        let began = Instant::now();
        let mut status = self.child.try_wait().ok().flatten();
        while status.is_none() && began.elapsed() < Duration::from_millis(20) && self.pipe_is_closed() {
            thread::sleep(Duration::from_millis(1));
            status = self.child.try_wait().ok().flatten();
        }
        if status.is_none() {
            let _ = self.child.kill();
            status = self.child.wait().ok();
        }
        for helper in self.helpers.drain(..) {
            let _ = helper.join();
        }
        status
    }

    fn pipe_is_closed(&self) -> bool {
        self.helpers.first().is_none_or(JoinHandle::is_finished)
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        self.end();
    }
}

fn ms(since: Instant) -> f32 {
    since.elapsed().as_secs_f32() * 1000.0
}

fn launch(spawn: &Spawn) -> Result<Host, HostError> {
    let spawn_error = |why: String| HostError::Spawn { why };
    let mut command = Command::new(&spawn.executable);
    command
        .arg(child::ARGUMENT)
        .arg(spawn.threads.unwrap_or(0).to_string())
        .arg(spawn.memory_limit.unwrap_or(0).to_string())
        .arg(match spawn.purpose {
            Purpose::Generate => "generate",
            Purpose::Tokenize => "tokenize",
        })
        .arg(&spawn.model)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    // The expert has no business with this process's environment. Windows programs do not start without some of it.
    #[cfg(unix)]
    {
        use std::os::unix::process::CommandExt;
        command.env_clear();
        // An interrupt from the terminal is for the parent, which stops the answer and keeps what there is of it.
        command.process_group(0);
    }
    #[cfg(windows)]
    {
        use std::os::windows::process::CommandExt;
        const CREATE_NO_WINDOW: u32 = 0x0800_0000;
        command.creation_flags(CREATE_NO_WINDOW);
    }

    let (hand_over, handed) = mpsc::channel();
    let (hear, heard) = mpsc::channel();
    let reader = thread::Builder::new()
        .name("expert-reader".into())
        .spawn(move || {
            let started = command.spawn().map(|mut child| {
                let stdout = child.stdout.take();
                (child, stdout)
            });
            match started {
                Err(error) => drop(hand_over.send(Err(error.to_string()))),
                Ok((child, stdout)) => {
                    drop(hand_over.send(Ok(child)));
                    if let Some(mut stdout) = stdout {
                        listen(&mut stdout, &hear);
                    }
                    let _ = hear.send(Heard::Gone);
                }
            }
        })
        .map_err(|error| spawn_error(error.to_string()))?;
    let mut child: Child = handed
        .recv()
        .unwrap_or_else(|_| Err("the starting thread ended".into()))
        .map_err(|why| spawn_error(format!("{}: {why}", spawn.executable.display())))?;

    let (say, said) = mpsc::channel::<ToExpert>();
    let mut helpers = vec![reader];
    if let Some(mut stdin) = child.stdin.take() {
        helpers.push(thread::spawn(move || {
            while let Ok(message) = said.recv() {
                if write_frame(&mut stdin, &message).is_err() {
                    break;
                }
            }
        }));
    }
    let last_words = Arc::new(Mutex::new(VecDeque::new()));
    if let Some(stderr) = child.stderr.take() {
        let words = Arc::clone(&last_words);
        helpers.push(thread::spawn(move || keep_last_words(stderr, &words)));
    }
    Ok(Host {
        child,
        heard,
        say: Some(say),
        helpers,
        last_words,
        loaded: Loaded {
            name: None,
            architecture: String::new(),
            parameters: 0,
            context_length: 0,
            vocabulary: 0,
            template: super::Template::Own,
            threads: 0,
            cache_bytes_per_token: 0,
            sandbox: Vec::new(),
            load_ms: 0.0,
        },
        memory_limit: spawn.memory_limit,
        peak: 0,
        next_id: 0,
        alive: true,
    })
}

fn listen(source: &mut impl Read, hear: &Sender<Heard>) {
    loop {
        let heard = match read_frame(source) {
            Ok(frame) => Heard::Frame(frame),
            Err(FrameError::End) => return,
            Err(FrameError::Garbage(what)) => Heard::Garbage(what),
            Err(FrameError::Broken(error)) if error.kind() == std::io::ErrorKind::UnexpectedEof => return,
            Err(error) => {
                let _ = hear.send(Heard::Garbage(error.to_string()));
                return;
            }
        };
        if hear.send(heard).is_err() {
            return;
        }
    }
}

fn keep_last_words(mut source: impl Read, words: &Mutex<VecDeque<u8>>) {
    let mut buffer = [0; 1024];
    while let Ok(count) = source.read(&mut buffer) {
        if count == 0 {
            return;
        }
        let mut words = words.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        words.extend(&buffer[..count]);
        let surplus = words.len().saturating_sub(LAST_WORDS);
        words.drain(..surplus);
    }
}

/// How a process ended, for people.
fn describe(status: ExitStatus) -> String {
    #[cfg(unix)]
    {
        use std::os::unix::process::ExitStatusExt;
        if let Some(signal) = status.signal() {
            let name = match signal {
                libc::SIGKILL => "SIGKILL: killed, perhaps by the system for memory",
                libc::SIGSEGV => "SIGSEGV: invalid memory access",
                libc::SIGABRT => "SIGABRT: it gave up",
                libc::SIGBUS => "SIGBUS: the model file changed or cannot be read",
                libc::SIGILL => "SIGILL: invalid instruction",
                libc::SIGSYS => "SIGSYS: a call that the sandbox forbids",
                libc::SIGTERM => "SIGTERM: told to end",
                _ => "",
            };
            return if name.is_empty() { format!("signal {signal}") } else { name.to_owned() };
        }
    }
    match status.code() {
        Some(code) => format!("exit status {code}"),
        None => status.to_string(),
    }
}
