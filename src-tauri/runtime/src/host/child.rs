//! The expert's side: hears its parent's greeting, gives up what it does not need, loads the file, then answers until
//! its parent is gone.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, Sender, TryRecvError};
use std::sync::{Arc, Weak};
use std::time::Duration;

use super::protocol::{FrameError, FromExpert, ToExpert, VERSION, read_frame, write_frame};
use super::state::{PART, packed, unpacked};
use super::words::{Loaded, Purpose};
use super::{cut, sandbox};
use crate::device::{self, Device};
use crate::generate::{Expert, LoadError, RequestError, Said};
use crate::gguf::{self, Header};

/// The first argument of a process that is to be a host.
pub(super) const ARGUMENT: &str = "--lectern-host";
/// How often an expert that computes without having something to say shows that it gets on.
const BEAT: Duration = Duration::from_millis(500);
/// Forward passes so far.
static STEPS: AtomicU64 = AtomicU64::new(0);

/// Counts one forward pass: the expert gets on.
pub(crate) fn step() {
    STEPS.fetch_add(1, Ordering::Relaxed);
}

/// Exit status after a panic, Rust's own.
const PANIC: i32 = 101;
/// Exit status when the other end does not speak this language.
const STRANGER: i32 = 3;

/// Becomes an expert's host when the command line says so, and then never returns. To be called first in `main`,
/// before any thread is started: the sandbox holds for threads that come after it.
pub fn serve_if_asked() {
    let mut arguments = std::env::args_os().skip(1);
    if arguments.next().is_none_or(|first| first != ARGUMENT) {
        return;
    }
    let Some(job) = Job::read(arguments) else {
        // A person has typed it: the parent's pipes would make sense of nothing else.
        let _ = writeln!(std::io::stderr(), "{ARGUMENT} is for Lectern itself");
        std::process::exit(2);
    };
    serve(job)
}

struct Job {
    threads: usize,
    /// 0: none given.
    memory_limit: u64,
    purpose: Purpose,
    /// A graphics processor may be used.
    device: bool,
    model: PathBuf,
}

impl Job {
    fn read(mut arguments: impl Iterator<Item = OsString>) -> Option<Job> {
        let mut number = || arguments.next()?.to_str()?.parse::<u64>().ok();
        let (threads, memory_limit) = (number()?, number()?);
        let purpose = match arguments.next()?.to_str()? {
            "generate" => Purpose::Generate,
            "tokenize" => Purpose::Tokenize,
            "cut" => Purpose::Cut,
            _ => return None,
        };
        let device = match arguments.next()?.to_str()? {
            "device" => true,
            "processor" => false,
            _ => return None,
        };
        let model = PathBuf::from(arguments.next()?);
        let threads = match threads as usize {
            0 => crate::cores::usable(),
            threads => threads.min(1024),
        };
        arguments.next().is_none().then_some(Job { threads, memory_limit, purpose, device, model })
    }
}

/// One request with the flag that stops it.
struct Order {
    message: ToExpert,
    stop: Arc<AtomicBool>,
}

fn serve(job: Job) -> ! {
    std::panic::set_hook(Box::new(|panic| {
        let _ = writeln!(std::io::stderr(), "the expert panicked: {panic}");
        std::process::exit(PANIC);
    }));
    // The parent's word arrives on a pipe that closes when the parent ends, however it ends. It greets when it has this
    // process in its hands, so nothing is read before that.
    let mut source = BufReader::new(std::io::stdin());
    match read_frame(&mut source) {
        Ok(ToExpert::Hello { version: VERSION }) => say(&FromExpert::Hello { version: VERSION }),
        Ok(_) | Err(FrameError::Garbage(_) | FrameError::TooLong(_)) => std::process::exit(STRANGER),
        Err(FrameError::End | FrameError::Broken(_)) => std::process::exit(0),
    }
    let opened = gguf::open(&job.model);
    let size = opened.as_ref().ok().and_then(|file| file.metadata().ok()).map_or(0, |about| about.len());
    let limit = Some(job.memory_limit).filter(|limit| *limit > 0);
    let writes = if job.purpose == Purpose::Cut { size.saturating_add(cut::KEYS) } else { 0 };
    // A driver opens files, maps code and starts threads: as much of that as can be is done before the door is closed.
    let wanted = device::BUILT && job.device && job.purpose == Purpose::Generate;
    let device = wanted.then(Device::open);
    let driver = matches!(device, Some(Ok(_)));
    let parts = sandbox::enter(&job.model, size, job.threads, limit, writes, driver);
    let (give, take) = mpsc::channel();
    let interrupt = Arc::new(AtomicBool::new(false));
    let interrupts = Arc::clone(&interrupt);
    std::thread::spawn(move || listen(&mut source, &give, &interrupts));
    std::thread::spawn(beat);

    if job.purpose == Purpose::Cut {
        serve_cut(opened, &job, parts, &take);
    }
    let loaded = opened.map_err(LoadError::File).and_then(|file| load(&file, &job, device));
    let mut expert = match loaded {
        Ok(expert) => expert,
        Err(error) => bad_model(&error),
    };
    let loaded = Box::new(Loaded { sandbox: parts, ..expert.facts() });
    say(&FromExpert::Loaded { loaded });
    let mut generating: BTreeMap<u64, Arc<AtomicBool>> = BTreeMap::new();
    loop {
        let order = if generating.is_empty() {
            take.recv().map_err(|_| TryRecvError::Disconnected)
        } else {
            take.try_recv()
        };
        match order {
            Ok(Order { message: ToExpert::Generate { id, slot, request }, stop }) => {
                // Whoever was stopped leaves his slot first.
                if generating.values().any(|stop| stop.load(Ordering::SeqCst)) {
                    go_on(&mut expert, &mut generating, &interrupt);
                }
                match expert.begin(id, slot, &request) {
                    Ok(()) => drop(generating.insert(id, stop)),
                    Err(error) => refuse(id, &error),
                }
            }
            Ok(Order { message, stop }) => answer(&mut expert, message, &stop, &take),
            Err(TryRecvError::Disconnected) => std::process::exit(0),
            Err(TryRecvError::Empty) => go_on(&mut expert, &mut generating, &interrupt),
        }
    }
}

/// One pass for all that generate.
fn go_on(expert: &mut Expert, generating: &mut BTreeMap<u64, Arc<AtomicBool>>, interrupt: &AtomicBool) {
    // Whoever is stopped sets his own flag first: one that is not seen below interrupts the pass.
    interrupt.store(false, Ordering::SeqCst);
    let mut ended = Vec::new();
    let stopped = |id: u64| generating.get(&id).is_some_and(|stop| stop.load(Ordering::SeqCst));
    expert.go_on(interrupt, &stopped, &mut |id, said| match said {
        Said::Read(done) => say(&FromExpert::Prompt { id, done }),
        Said::Piece(text) => say(&FromExpert::Piece { id, text: text.to_owned() }),
        Said::Ended(finished) => {
            ended.push(id);
            match finished {
                Ok(finished) => say(&FromExpert::Finished { id, finished }),
                Err(error) => refuse(id, &error),
            }
        }
    });
    generating.retain(|id, _| !ended.contains(id));
}

fn refuse(id: u64, error: &RequestError) {
    say(&FromExpert::Refused {
        id,
        code: error.code().into(),
        message: error.to_string(),
        fix: error.fix().into(),
    });
}

fn bad_model(error: &LoadError) -> ! {
    say(&FromExpert::BadModel {
        code: error.code().into(),
        message: error.to_string(),
        fix: error.fix().into(),
    });
    std::process::exit(0)
}

/// Loads nothing, and cuts when it is told how.
fn serve_cut(
    opened: Result<std::fs::File, gguf::GgufError>,
    job: &Job,
    sandbox: Vec<String>,
    take: &Receiver<Order>,
) -> ! {
    let file = opened.unwrap_or_else(|error| bad_model(&error.into()));
    say(&FromExpert::Loaded { loaded: Box::new(Loaded { sandbox, ..Loaded::nothing() }) });
    while let Ok(Order { message, stop }) = take.recv() {
        let ToExpert::Cut { id, cutting } = message else { std::process::exit(STRANGER) };
        match cut::write(&file, &job.model, &cutting, &stop, &mut |done_bytes| {
            say(&FromExpert::Cutting { id, done_bytes })
        }) {
            Ok(cut) => say(&FromExpert::Cut { id, cut }),
            Err(error) => say(&FromExpert::Refused {
                id,
                code: error.code().into(),
                message: error.to_string(),
                fix: error.fix().into(),
            }),
        }
    }
    std::process::exit(0)
}

/// Gives up, for this process and for ever, what serving the model (a file of `size` bytes) does not need. Gives the
/// parts that hold, one short phrase each. Threads that are there already keep what they have.
pub fn lock_down(model: &Path, size: u64, threads: usize, memory_limit: Option<u64>) -> Vec<String> {
    sandbox::enter(model, size, threads, memory_limit, 0, false)
}

fn load(
    file: &std::fs::File,
    job: &Job,
    device: Option<Result<Device, String>>,
) -> Result<Expert, LoadError> {
    let header = Header::read_from(file, Path::new(&job.model))?;
    if job.purpose == Purpose::Tokenize {
        return Expert::tokenizer_only(&header);
    }
    let mut progress = |done_bytes| say(&FromExpert::Loading { done_bytes });
    Expert::load_on(file, &header, job.threads, device, &mut progress)
}

fn beat() {
    let mut shown = 0;
    loop {
        std::thread::sleep(BEAT);
        let steps = STEPS.load(Ordering::Relaxed);
        if steps != shown {
            shown = steps;
            say(&FromExpert::Beat { steps });
        }
    }
}

/// Reads orders. A stop acts at once, on the request that it names; the end of the pipe ends the process.
fn listen(source: &mut impl Read, give: &Sender<Order>, interrupt: &AtomicBool) {
    let mut stops: Vec<(u64, Weak<AtomicBool>)> = Vec::new();
    loop {
        let message = match read_frame::<ToExpert>(source) {
            Ok(message) => message,
            // A parent that talks nonsense is not the one that this process was started by.
            Err(FrameError::Garbage(_) | FrameError::TooLong(_)) => std::process::exit(STRANGER),
            Err(FrameError::End | FrameError::Broken(_)) => std::process::exit(0),
        };
        let stop = Arc::new(AtomicBool::new(false));
        match message {
            ToExpert::Leave => std::process::exit(0),
            ToExpert::Hello { .. } => std::process::exit(STRANGER),
            ToExpert::Ping { id } => {
                say(&FromExpert::Pong { id });
                continue;
            }
            ToExpert::Stop { id } => {
                let named = stops.iter().find(|(of, _)| *of == id);
                if let Some(flag) = named.and_then(|(_, flag)| flag.upgrade()) {
                    flag.store(true, Ordering::SeqCst);
                    interrupt.store(true, Ordering::SeqCst);
                }
                continue;
            }
            _ => {}
        }
        if let Some(id) = message.id() {
            stops.retain(|(_, flag)| flag.strong_count() > 0);
            stops.push((id, Arc::downgrade(&stop)));
        }
        if give.send(Order { message, stop }).is_err() {
            return;
        }
    }
}

fn answer(expert: &mut Expert, message: ToExpert, stop: &AtomicBool, take: &Receiver<Order>) {
    // These touch nothing that is being written.
    let beside = matches!(
        message,
        ToExpert::Tokenize { .. }
            | ToExpert::SaveState { .. }
            | ToExpert::RestoreState { .. }
            | ToExpert::StatePart { .. }
    );
    if expert.running() > 0
        && !beside
        && let Some(id) = message.id()
    {
        return refuse(id, &RequestError::Busy);
    }
    match message {
        ToExpert::Tokenize { id, text, special } => {
            say(&FromExpert::Tokenized { id, tokenized: expert.tokenize(&text, special) });
        }
        ToExpert::Logits { id, tokens, all } => {
            let result = expert.logits(&tokens, all, stop, &mut |row| {
                let bits = row.logits.into_iter().map(f32::to_bits).collect();
                say(&FromExpert::Logits { id, position: row.position, bits });
            });
            match result {
                Ok(()) => say(&FromExpert::LogitsEnd { id }),
                Err(error) => refuse(id, &error),
            }
        }
        ToExpert::Perplexity { id, text, context } => {
            let mut read = |done| say(&FromExpert::Prompt { id, done });
            match expert.perplexity(&text, context as usize, stop, &mut read) {
                Ok(perplexity) => say(&FromExpert::Perplexity { id, perplexity }),
                Err(error) => refuse(id, &error),
            }
        }
        ToExpert::Examine { id, example, look } => match expert.examine(&example, &look, stop) {
            Ok(examined) => say(&FromExpert::Examined { id, examined }),
            Err(error) => refuse(id, &error),
        },
        ToExpert::Weigh { id } => match expert.weigh(stop) {
            Ok(layers) => say(&FromExpert::Weighed { id, layers }),
            Err(error) => refuse(id, &error),
        },
        ToExpert::LeaveOut { id, mask } => match expert.leave_out(mask) {
            Ok(()) => say(&FromExpert::LeftOut { id }),
            Err(error) => refuse(id, &error),
        },
        ToExpert::Measure { id, what } => match expert.measure(what, stop) {
            Ok(value) => say(&FromExpert::Measured { id, value }),
            Err(error) => refuse(id, &error),
        },
        ToExpert::SaveState { id, slot } => {
            let mut out = BufWriter::with_capacity(PART, Parts { id });
            let saved = expert.save_state(slot, &mut out);
            drop(out);
            match saved {
                Ok(tokens) => say(&FromExpert::StateSaved { id, tokens }),
                Err(error) => refuse(id, &error),
            }
        }
        ToExpert::RestoreState { id, slot, bytes } => {
            let mut given = Given { id, take, part: Vec::new(), used: 0 };
            match expert.restore_state(slot, &mut given, bytes) {
                Ok(tokens) => say(&FromExpert::StateRestored { id, tokens }),
                Err(error) => refuse(id, &error),
            }
        }
        // The end of a restoring that has been refused.
        ToExpert::StatePart { .. } => {}
        // A process that holds a model was not started to cut, and has no file to write.
        ToExpert::Cut { .. } => std::process::exit(STRANGER),
        ToExpert::Hello { .. }
        | ToExpert::Stop { .. }
        | ToExpert::Ping { .. }
        | ToExpert::Leave
        | ToExpert::Generate { .. } => {
            unreachable!("the reader and the loop keep these to themselves")
        }
    }
}

/// A state on its way to the parent.
struct Parts {
    id: u64,
}

impl Write for Parts {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        for part in bytes.chunks(PART) {
            say(&FromExpert::StatePart { id: self.id, part: packed(part) });
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A state on its way from the parent, part by part as it is asked for.
struct Given<'a> {
    id: u64,
    take: &'a Receiver<Order>,
    part: Vec<u8>,
    used: usize,
}

impl Read for Given<'_> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        if self.used == self.part.len() {
            say(&FromExpert::StateWanted { id: self.id });
            match self.take.recv() {
                Ok(Order { message: ToExpert::StatePart { id, part }, .. }) if id == self.id => {
                    (self.part, self.used) = (unpacked(&part)?, 0);
                }
                _ => return Err(io::ErrorKind::UnexpectedEof.into()),
            }
        }
        let count = bytes.len().min(self.part.len() - self.used);
        bytes[..count].copy_from_slice(&self.part[self.used..][..count]);
        self.used += count;
        Ok(count)
    }
}

/// Says something to the parent. A parent that does not listen any more is gone.
fn say(message: &FromExpert) {
    if write_frame(&mut std::io::stdout().lock(), message).is_err() {
        std::process::exit(0);
    }
}
