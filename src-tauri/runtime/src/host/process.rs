//! The process itself: started, heard, spoken to, ended.
//!
//! Three threads help: one starts the process and then reads what it says (the system ties the child's life to the
//! thread that started it, so that thread lives as long as the child's pipe), one writes to it, so that a process that
//! does not read cannot hold anybody up, and one keeps its last words.

use std::collections::VecDeque;
use std::io::Read;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::protocol::{FrameError, FromExpert, ToExpert, read_frame, write_frame};
use super::words::{Purpose, Spawn};
use super::{HostError, child};

/// Of what the process writes to its error output, this much is kept.
const LAST_WORDS: usize = 4096;

/// A host's process with its pipes. Dropping it ends the process.
pub(super) struct Process {
    child: Child,
    heard: Receiver<Heard>,
    /// `None` once nothing more is to be said.
    say: Option<Sender<ToExpert>>,
    /// The reader is the first.
    helpers: Vec<JoinHandle<()>>,
    last_words: Arc<Mutex<VecDeque<u8>>>,
    /// Closed with this process, however it ends; then the system ends the child.
    #[cfg(windows)]
    _job: Option<super::sandbox::Job>,
}

/// What comes from the process's pipe.
pub(super) enum Heard {
    Frame(FromExpert),
    Garbage(String),
    /// Nothing within the time.
    Silence,
    /// The pipe is closed: the process is gone, or as good as gone.
    Gone,
}

impl Process {
    /// Starts the process.
    pub fn start(spawn: &Spawn) -> Result<Process, HostError> {
        let mut command = Command::new(&spawn.executable);
        command
            .arg(child::ARGUMENT)
            .arg(spawn.threads.unwrap_or(0).to_string())
            .arg(spawn.memory_limit.unwrap_or(0).to_string())
            .arg(match spawn.purpose {
                Purpose::Generate => "generate",
                Purpose::Tokenize => "tokenize",
                Purpose::Cut => "cut",
            })
            .arg(if spawn.device { "device" } else { "processor" })
            .arg(&spawn.model)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(match &spawn.output {
                Some(file) => file
                    .try_clone()
                    .map(Stdio::from)
                    .map_err(|error| HostError::Spawn { why: error.to_string() })?,
                None => Stdio::piped(),
            });
        // The expert has no business with this process's environment. Windows programs do not start without some of it.
        #[cfg(unix)]
        command.env_clear();
        #[cfg(unix)]
        if let Some(level) = std::env::var_os(crate::kernels::VARIABLE) {
            command.env(crate::kernels::VARIABLE, level);
        }
        // An interrupt from the terminal goes to a group, and is the parent's to hear.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        #[cfg(windows)]
        {
            use std::os::windows::process::CommandExt;
            const CREATE_NO_WINDOW: u32 = 0x0800_0000;
            command.creation_flags(CREATE_NO_WINDOW);
        }

        let (hand_over, handed) = mpsc::channel();
        let (hear, heard) = mpsc::channel();
        let reader = move || match command.spawn() {
            Err(error) => drop(hand_over.send(Err(error.to_string()))),
            Ok(mut child) => {
                let stdout = child.stdout.take();
                drop(hand_over.send(Ok(child)));
                if let Some(mut stdout) = stdout {
                    listen(&mut stdout, &hear);
                }
            }
        };
        let reader = thread::Builder::new().name("expert-reader".into()).spawn(reader);
        let reader = reader.map_err(|error| HostError::Spawn { why: error.to_string() })?;
        let mut child: Child = handed
            .recv()
            .unwrap_or_else(|_| Err("the starting thread ended".into()))
            .map_err(|why| HostError::Spawn { why: format!("{}: {why}", spawn.executable.display()) })?;

        #[cfg(windows)]
        let job = {
            let size = std::fs::metadata(&spawn.model).map_or(0, |about| about.len());
            let threads = spawn.threads.unwrap_or_else(crate::cores::usable);
            super::sandbox::Job::hold(&child, super::sandbox::own_bytes(size, threads, spawn.memory_limit))
        };
        let mut helpers = vec![reader];
        let (say, said) = mpsc::channel::<ToExpert>();
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
        Ok(Process {
            child,
            heard,
            say: Some(say),
            helpers,
            last_words,
            #[cfg(windows)]
            _job: job,
        })
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// A process that is gone hears nothing; that is found out when listening.
    pub fn tell(&self, message: ToExpert) {
        if let Some(say) = &self.say {
            let _ = say.send(message);
        }
    }

    /// Its pipe is closed, or it has been ended.
    pub fn is_closed(&self) -> bool {
        self.helpers.first().is_none_or(JoinHandle::is_finished)
    }

    /// The next thing it says within `time`.
    pub fn hear(&self, time: Duration) -> Heard {
        match self.heard.recv_timeout(time) {
            Ok(heard) => heard,
            Err(RecvTimeoutError::Timeout) => Heard::Silence,
            Err(RecvTimeoutError::Disconnected) => Heard::Gone,
        }
    }

    /// The end of what it wrote to its error output.
    pub fn last_words(&self) -> String {
        let words = self.last_words.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let bytes: Vec<u8> = words.iter().copied().collect();
        String::from_utf8_lossy(&bytes).trim().to_owned()
    }

    /// Waits until it has closed its pipe, at most for `time`.
    pub fn wait_for_silence(&self, time: Duration) {
        let began = Instant::now();
        while began.elapsed() < time && !matches!(self.hear(time), Heard::Gone) {}
    }

    /// Ends the process if it is still there, and waits until it is gone. Says how it ended.
    pub fn end(&mut self) -> String {
        self.say = None;
        // A process whose pipe has closed by itself exits in a moment: its own exit status says more than our kill.
        let began = Instant::now();
        let closed = self.is_closed();
        let mut status = self.child.try_wait().ok().flatten();
        while status.is_none() && closed && began.elapsed() < Duration::from_millis(50) {
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
        status.map_or_else(|| "the system does not say how".into(), describe)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.end();
    }
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
