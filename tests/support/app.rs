//! The real app, with a home of its own, driven as a person drives it: by what can be seen, clicked and typed.

use super::driver::{Driver, Element};
use super::screen::Screen;
use base64::Engine as _;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// One window at a time: two at once on two cores test the machine's patience.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
/// What the app does in under a second may take this long on a machine that does other things as well.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Fields are dropped in this order: the window, its screen, its files, then the turn of the next one.
pub struct App {
    pub driver: Driver,
    /// Where this app keeps its files.
    pub home: PathBuf,
    _screen: Screen,
    _folder: tempfile::TempDir,
    _turn: MutexGuard<'static, ()>,
}

impl App {
    /// Opens the app in a fresh home and waits for its page.
    pub fn open() -> App {
        App::open_with(|_| {})
    }

    /// The same, with `prepare` given the home before the app sees it.
    pub fn open_with(prepare: impl FnOnce(&Path)) -> App {
        App::open_beside(&[], prepare)
    }

    /// The same, with more in its environment.
    pub fn open_beside(more: &[(&str, &str)], prepare: impl FnOnce(&Path)) -> App {
        let turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
        let home = folder.path().join("lectern");
        prepare(&home);
        let screen = Screen::start();
        let (data, config, cache, models) = (at("data"), at("config"), at("cache"), at("models"));
        let (at_home, screen_address) = (home.to_string_lossy(), screen.address.as_str());
        let mut environment = vec![
            ("DISPLAY", screen_address),
            ("LECTERN_HOME", &at_home),
            ("XDG_DATA_HOME", &data),
            ("XDG_CONFIG_HOME", &config),
            ("XDG_CACHE_HOME", &cache),
            // Nobody's models but its own.
            ("HF_HOME", &models),
            ("LC_ALL", "C.UTF-8"),
            ("NO_AT_BRIDGE", "1"),
        ];
        environment.extend(more);
        let driver = Driver::start(env!("CARGO_BIN_EXE_lectern-app"), &environment);
        App { driver, home, _screen: screen, _folder: folder, _turn: turn }
    }

    /// The element with this test id; waits for it.
    pub fn see(&self, id: &str) -> Element {
        self.wait(&format!("`{id}` in the window"), || self.driver.find(&by_id(id)))
    }

    pub fn sees(&self, id: &str) -> bool {
        self.driver.find(&by_id(id)).is_some()
    }

    pub fn count(&self, id: &str) -> usize {
        self.driver.find_all(&by_id(id)).len()
    }

    pub fn click(&self, id: &str) {
        self.driver.click(&self.see(id));
    }

    /// What a person reads in the last element with this id; waits for one.
    pub fn read(&self, id: &str) -> String {
        // In one go, because the page may draw an element anew between two commands.
        let script = "return [...document.querySelectorAll(arguments[0])].at(-1)?.innerText ?? null";
        self.wait(&format!("`{id}` in the window"), || {
            self.driver.execute(script, json!([by_id(id)])).as_str().map(|text| text.trim().to_owned())
        })
    }

    /// The page from its beginning; returns when the new one is there.
    pub fn reload(&self) {
        self.driver.execute("window.beforeReload = true; location.reload()", json!([]));
        let is_new = "return window.beforeReload === undefined && document.readyState === 'complete'";
        self.wait("the page to be loaded anew", || {
            (self.driver.execute(is_new, json!([])) == json!(true)).then_some(())
        });
    }

    /// Calls one of the app's commands as the page does.
    pub fn invoke(&self, command: &str, arguments: Value) -> Value {
        let script = "const done = arguments[2];
            window.__TAURI_INTERNALS__.invoke(arguments[0], arguments[1]).then(
              (value) => done({ value }), (failure) => done({ failure }))";
        let outcome = self.driver.execute_async(script, json!([command, arguments]));
        assert!(outcome["failure"].is_null(), "{command} failed: {}", outcome["failure"]);
        outcome["value"].clone()
    }

    /// Waits until the last element with this id reads as `wanted` says.
    pub fn reads(&self, id: &str, what: &str, wanted: impl Fn(&str) -> bool) -> String {
        self.wait(&format!("`{id}` to read {what}"), || Some(self.read(id)).filter(|text| wanted(text)))
    }

    /// Asks and waits until the answer is whole.
    pub fn ask(&self, question: &str) -> String {
        self.begin(question);
        let outcome = self.outcome(&format!("the answer to {question:?}"));
        assert!(
            outcome == "done" || outcome == "refused",
            "{question:?} ended as {outcome}: {}",
            self.page()
        );
        self.read("answer")
    }

    /// Types the question, sends it, and waits until it stands in the conversation.
    pub fn begin(&self, question: &str) {
        let before = self.outcomes().len();
        self.driver.type_text(&self.see("composer"), question);
        self.click("send");
        self.wait("the question in the conversation", || (self.outcomes().len() > before).then_some(()));
    }

    /// How the last answer ended; waits until it did.
    pub fn outcome(&self, what: &str) -> String {
        self.wait(what, || {
            self.outcomes().pop().filter(|outcome| outcome != "queued" && outcome != "running")
        })
    }

    /// The outcome of every answer in the conversation, in order.
    pub fn outcomes(&self) -> Vec<String> {
        let script =
            "return [...document.querySelectorAll('[data-outcome]')].map((turn) => turn.dataset.outcome)";
        let outcomes = self.driver.execute(script, json!([]));
        outcomes.as_array().unwrap().iter().map(|outcome| outcome.as_str().unwrap().to_owned()).collect()
    }

    /// The state of a step of the last answer's path.
    pub fn step(&self, name: &str) -> String {
        let script = "return [...document.querySelectorAll(arguments[0])].at(-1)?.dataset.state ?? 'absent'";
        let state = self.driver.execute(script, json!([by_id(&format!("path-step-{name}"))]));
        state.as_str().unwrap().to_owned()
    }

    /// Everything that a person reads in the window.
    pub fn page(&self) -> String {
        let text = self.driver.execute("return document.body.innerText", json!([]));
        text.as_str().unwrap_or_default().to_owned()
    }

    /// Asks again and again until `look` finds something; else fails with what the window shows.
    pub fn wait<T>(&self, what: &str, look: impl Fn() -> Option<T>) -> T {
        let started = Instant::now();
        loop {
            if let Some(found) = look() {
                return found;
            }
            if started.elapsed() > PATIENCE {
                let picture = self.picture("failed");
                panic!(
                    "waited {PATIENCE:?} for {what}; see {}. The window reads:\n{}",
                    picture.display(),
                    self.page()
                );
            }
            std::thread::sleep(Duration::from_millis(25));
        }
    }

    /// A picture of the window in `target/screenshots/`.
    pub fn picture(&self, name: &str) -> PathBuf {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("../screenshots");
        std::fs::create_dir_all(&folder).unwrap();
        let file = folder.join(format!("{name}.png"));
        let png = base64::engine::general_purpose::STANDARD.decode(self.driver.screenshot()).unwrap();
        std::fs::write(&file, png).unwrap();
        file
    }

    /// The process ids of the experts' hosts in this window.
    pub fn hosts(&self) -> Vec<u32> {
        let processes = std::fs::read_dir("/proc").unwrap().flatten();
        let ids = processes.filter_map(|entry| entry.file_name().to_string_lossy().parse::<u32>().ok());
        ids.filter(|id| is_host(*id) && descends_from(*id, self.driver.pid())).collect()
    }
}

fn by_id(id: &str) -> String {
    format!("[data-testid='{id}']")
}

fn is_host(process: u32) -> bool {
    let line = std::fs::read(format!("/proc/{process}/cmdline")).unwrap_or_default();
    line.split(|byte| *byte == 0).nth(1) == Some(b"--lectern-host")
}

fn descends_from(process: u32, ancestor: u32) -> bool {
    let mut process = process;
    while process > 1 {
        if process == ancestor {
            return true;
        }
        let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
        let parent = status.lines().find_map(|line| line.strip_prefix("PPid:"));
        process = parent.and_then(|parent| parent.trim().parse().ok()).unwrap_or(0);
    }
    false
}
