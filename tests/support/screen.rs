//! An Xvfb of the test's own, so that windows neither disturb anybody nor depend on a desktop.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

pub struct Screen {
    /// Its address, such as `:99`.
    pub address: String,
    server: Child,
}

impl Screen {
    /// Starts Xvfb on the first free display. Its number comes back on stdout once it accepts clients, so there is
    /// nothing to wait for or to guess.
    pub fn start() -> Screen {
        let mut server = Command::new("Xvfb")
            .args(["-displayfd", "1", "-screen", "0", "1400x900x24", "-nolisten", "tcp"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("Xvfb is needed to test the window; `cargo xtask test` installs it");
        let mut number = String::new();
        BufReader::new(server.stdout.as_mut().unwrap()).read_line(&mut number).unwrap();
        let number: u32 = number.trim().parse().expect("Xvfb ended before it had a display");
        Screen { address: format!(":{number}"), server }
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}
