//! A house for the tests of the shelf: a home, a hub, and the folder of the models, whose place the settings decide.

use super::hub::FakeHub;
use super::toy::Toy;
use engine::home::Home;
use engine::hub::{Fetched, FileName, Hub, Place, Stop, Wish};
use engine::pool::{Manifest, Pool};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

pub const REPO: &str = "somebody/toy-GGUF";

/// A home, a hub, and the folder of the models.
pub struct House {
    pub hub: FakeHub,
    pub folder: tempfile::TempDir,
}

impl House {
    pub fn new() -> House {
        House { hub: FakeHub::start(), folder: tempfile::tempdir().unwrap() }
    }

    pub fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn home(&self) -> Home {
        let home = Home::at(self.at("home"));
        home.prepare().unwrap();
        home
    }

    pub fn pool(&self) -> Pool {
        Pool::open_with(&self.home(), &[]).unwrap()
    }

    pub fn cache(&self) -> PathBuf {
        self.at("cache/huggingface/hub")
    }

    pub fn hub_at(&self, cache: &Path) -> Hub {
        Hub::at(&self.home(), Place::at(&self.hub.endpoint(), cache).unwrap(), Default::default())
    }

    /// A model in a folder of the house.
    pub fn model(&self, name: &str, toy: Toy<'_>) -> PathBuf {
        let path = self.at(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        toy.write(&path);
        path
    }

    /// Fetches a model from the hub and makes an expert of it.
    pub fn pull(&self, file: &str, toy: Toy<'_>) -> (Fetched, Manifest) {
        self.hub.put(REPO, file, std::fs::read(self.model("made.gguf", toy)).unwrap());
        let (ours, name) = (self.hub_at(&self.cache()), FileName::new(REPO, "main", file).unwrap());
        let fetched = ours.fetch(&name, None, &Stop::default(), &mut |_| {}).unwrap();
        let host = Path::new(env!("CARGO_BIN_EXE_lectern"));
        let manifest = ours.add_expert(&self.pool(), &fetched, &Wish::default(), host).unwrap();
        (fetched, manifest)
    }

    /// `lectern …` with this home, whose settings decide where the models lie.
    pub fn lectern(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lectern"));
        command.arg("--json").args(arguments).env("LECTERN_HOME", self.home().root());
        command.env("HF_ENDPOINT", self.hub.endpoint()).env("XDG_CACHE_HOME", self.at("cache"));
        for name in ["HF_HOME", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_TOKEN", "HF_HUB_OFFLINE"] {
            command.env_remove(name);
        }
        command.env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nowhere");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    pub fn says(&self, arguments: &[&str]) -> Value {
        json(&self.lectern(arguments).output().unwrap())
    }

    pub fn answer_of(&self, expert: &str) -> String {
        let asked = self.says(&["ask", "hi", "--expert", expert]);
        asked["answer"].as_str().unwrap_or_else(|| panic!("{asked}")).trim().to_owned()
    }
}

/// The document on stdout.
pub fn json(output: &Output) -> Value {
    let text = String::from_utf8_lossy(&output.stdout);
    let said = String::from_utf8_lossy(&output.stderr);
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error} in {text:?}; it said {said}"))
}
