//! A WebDriver client: the dozen commands that the journeys need, over WebKitWebDriver on loopback.
//!
//! Source: W3C WebDriver, <https://www.w3.org/TR/webdriver2/>

use serde_json::{Value, json};
use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The key under which WebDriver hands out an element (section 12, "web element identifier").
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";
/// No command of ours takes as long, also on two busy cores.
const LONGEST: Duration = Duration::from_secs(90);

/// A driver process with one session in it. Ends both, and whatever they started, with this value.
pub struct Driver {
    process: Child,
    agent: ureq::Agent,
    address: String,
    session: Option<String>,
}

pub struct Element(String);

impl Driver {
    /// Starts the driver with `environment`, and in it the program as a session.
    pub fn start(program: &str, environment: &[(&str, &str)]) -> Driver {
        // The system picks a free port, which the driver takes a moment later.
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let process = Command::new("WebKitWebDriver")
            .args([format!("--port={port}"), "--host=127.0.0.1".to_owned()])
            .env_remove("WAYLAND_DISPLAY")
            .envs(environment.iter().copied())
            // Without it the app takes no commands and the session hangs for ever.
            .env("TAURI_WEBVIEW_AUTOMATION", "true")
            .stdin(Stdio::null())
            // A group of its own: whatever is left over at the end goes with it.
            .process_group(0)
            .spawn()
            .expect("WebKitWebDriver is needed to test the window; `cargo xtask test` installs it");
        let config = ureq::Agent::config_builder().timeout_global(Some(LONGEST)).http_status_as_error(false);
        let mut driver = Driver {
            process,
            agent: config.build().into(),
            address: format!("http://127.0.0.1:{port}"),
            session: None,
        };
        driver.wait_until_it_listens();
        let capabilities =
            json!({ "alwaysMatch": { "webkitgtk:browserOptions": { "binary": program, "args": [] } } });
        let session = driver.post("/session", json!({ "capabilities": capabilities }));
        driver.session = Some(session["sessionId"].as_str().expect("a session has an id").to_owned());
        driver
    }

    /// The driver's process: everything in the window descends from it.
    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    pub fn find(&self, css: &str) -> Option<Element> {
        self.find_all(css).into_iter().next()
    }

    pub fn find_all(&self, css: &str) -> Vec<Element> {
        let found = self.command("elements", json!({ "using": "css selector", "value": css }));
        let found = found.as_array().expect("a list of elements").iter();
        found.map(|element| Element(element[ELEMENT].as_str().expect("an element").to_owned())).collect()
    }

    pub fn click(&self, element: &Element) {
        self.command(&format!("element/{}/click", element.0), json!({}));
    }

    /// Types as a keyboard does. `\u{E007}` is Enter, `\u{E00C}` Escape (section 17.4.2).
    pub fn type_text(&self, element: &Element, text: &str) {
        self.command(&format!("element/{}/value", element.0), json!({ "text": text }));
    }

    /// Runs `script` as the body of a function in the page.
    pub fn execute(&self, script: &str, arguments: Value) -> Value {
        self.command("execute/sync", json!({ "script": script, "args": arguments }))
    }

    /// The same, where the function's last argument is called with the result.
    pub fn execute_async(&self, script: &str, arguments: Value) -> Value {
        self.command("execute/async", json!({ "script": script, "args": arguments }))
    }

    /// Returns when the page has its new size: until then a click would land where its aim was before.
    pub fn resize(&self, width: u32, height: u32) {
        self.command("window/rect", json!({ "width": width, "height": height }));
        self.execute_async(
            "const [width, done] = arguments;
             const look = (before) => requestAnimationFrame(() => {
               const now = `${innerWidth} x ${innerHeight}`;
               if (innerWidth === width && now === before) done(); else look(now);
             });
             look('');",
            json!([width]),
        );
    }

    /// The window as PNG, in base64, once what changed last is drawn.
    pub fn screenshot(&self) -> String {
        self.execute_async(
            "requestAnimationFrame(() => requestAnimationFrame(() => arguments[0]()))",
            json!([]),
        );
        let answer = self.get(&format!("/session/{}/screenshot", self.session.as_deref().unwrap()));
        answer.as_str().expect("a screenshot").to_owned()
    }

    fn command(&self, name: &str, body: Value) -> Value {
        let session = self.session.as_deref().expect("the session has begun");
        self.post(&format!("/session/{session}/{name}"), body)
    }

    fn post(&self, path: &str, body: Value) -> Value {
        let response = self.agent.post(format!("{}{path}", self.address)).send_json(&body);
        value(path, response)
    }

    fn get(&self, path: &str) -> Value {
        value(path, self.agent.get(format!("{}{path}", self.address)).call())
    }

    fn wait_until_it_listens(&mut self) {
        let started = Instant::now();
        while self.agent.get(format!("{}/status", self.address)).call().is_err() {
            assert!(started.elapsed() < LONGEST, "WebKitWebDriver does not listen on {}", self.address);
            if let Some(status) = self.process.try_wait().unwrap() {
                panic!("WebKitWebDriver ended before it listened: {status}");
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

fn value(path: &str, response: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> Value {
    let mut response = response.unwrap_or_else(|error| panic!("WebDriver {path}: {error}"));
    let status = response.status();
    // A screenshot of a large window is more than the client takes by default.
    let body: Value = response
        .body_mut()
        .with_config()
        .limit(64 << 20)
        .read_json()
        .unwrap_or_else(|error| panic!("WebDriver {path}: {error}"));
    assert!(status.is_success(), "WebDriver {path}: {status} {}", body["value"]);
    body["value"].clone()
}

impl Drop for Driver {
    fn drop(&mut self) {
        // Ending the session ends the app; a driver that is killed leaves it behind.
        if let Some(session) = &self.session {
            let _ = self.agent.delete(format!("{}/session/{session}", self.address)).call();
        }
        let group = format!("-{}", self.process.id());
        let _ = Command::new("kill").args(["-KILL", "--", &group]).stderr(Stdio::null()).status();
        let _ = self.process.wait();
    }
}
