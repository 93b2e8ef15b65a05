//! A home of its own with toy experts in its pool and a gate that knows them, and what can be seen from outside of the
//! processes that host them.

use super::toy::{Toy, gate};
use engine::events::AnswerEvent;
use engine::home::Home;
use engine::words::{Answer, Failure, Question};
use engine::{Engine, Options};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// An engine over a temporary home. The folder goes when this is dropped, the engine (and its expert) first.
pub struct Toys {
    pub engine: Engine,
    pub folder: tempfile::TempDir,
}

impl Toys {
    /// Toy experts by name; each has the domain of its name.
    pub fn with(experts: &[(&str, Toy)]) -> Toys {
        Toys::with_budget(experts, None)
    }

    pub fn with_budget(experts: &[(&str, Toy)], budget_bytes: Option<u64>) -> Toys {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let names: Vec<&str> = experts.iter().map(|(name, _)| *name).collect();
        let engine = Engine::open(Home::at(folder.path().join("home")), options(&names, budget_bytes))
            .expect("an engine over an empty home");
        for (name, toy) in experts {
            let file = model_file(folder.path(), name);
            toy.write(&file);
            engine
                .pool()
                .add(&file, name, &[(*name).to_owned()])
                .expect("the toy is a model that can be run");
        }
        Toys { engine, folder }
    }

    /// Asks and waits, without anybody listening.
    pub fn ask(&self, text: &str) -> Result<Answer, Failure> {
        self.listen(Question::new(text), &mut |_| {})
    }

    pub fn listen(&self, question: Question, on: &mut dyn FnMut(AnswerEvent)) -> Result<Answer, Failure> {
        self.engine.ask(question, Arc::new(AtomicBool::new(false)), on)
    }

    pub fn model(&self, name: &str) -> PathBuf {
        model_file(self.folder.path(), name)
    }
}

pub fn options(domains: &[&str], budget_bytes: Option<u64>) -> Options {
    Options {
        host_executable: env!("CARGO_BIN_EXE_lectern").into(),
        budget_bytes,
        processor_only: false,
        threads: Some(1),
        states_bytes: None,
        gate: Some(gate(domains)),
    }
}

fn model_file(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("{name}.gguf"))
}

/// A process that hosts an expert.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HostProcess {
    pub pid: u32,
    pub resident_bytes: u64,
}

/// The living host processes of the models under `folder`, from /proc: what the system says, not what we believe.
#[cfg(target_os = "linux")]
pub fn hosts_under(folder: &Path) -> Vec<HostProcess> {
    let processes = std::fs::read_dir("/proc").expect("Linux has /proc").flatten();
    processes
        .filter_map(|entry| {
            let pid: u32 = entry.file_name().to_str()?.parse().ok()?;
            // A process that has ended has an empty command line and no resident memory.
            let command = std::fs::read(entry.path().join("cmdline")).ok()?;
            let command = String::from_utf8_lossy(&command).into_owned();
            let hosts = command.split('\0').any(|argument| argument == "--lectern-host");
            if !hosts || !command.contains(folder.to_str()?) {
                return None;
            }
            Some(HostProcess { pid, resident_bytes: runtime::host::resident_bytes(pid)? })
        })
        .collect()
}

/// Ends a process the hard way, as the system does when memory runs out.
#[cfg(unix)]
pub fn kill(pid: u32) {
    let status = std::process::Command::new("kill").args(["-9", &pid.to_string()]).status();
    assert!(status.is_ok_and(|status| status.success()), "kill -9 {pid}");
}
