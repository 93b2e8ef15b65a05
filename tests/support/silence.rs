//! Silence: a network namespace of its own, from which no way leads out. What is tried there is counted by the kernel, in
//! any process, by any library; nobody has to be believed.
//!
//! Source: network_namespaces(7), and the counters of RFC 1213 (`ipOutNoRoutes`, `udpOutDatagrams`) in /proc/net/snmp

use std::path::Path;
use std::process::{Command, Output};

/// What was tried in a namespace.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tried {
    /// Packets to where no way leads, of both versions of IP. Where loopback is down, that is everywhere.
    pub no_route: u64,
    /// Datagrams, as questions for names are: also those to this machine itself.
    pub datagrams: u64,
}

impl Tried {
    /// From /proc/net/snmp and /proc/net/snmp6, one behind the other.
    pub fn read(text: &str) -> Tried {
        let number = |table: &str, name: &str| {
            let mut lines = text.lines().filter_map(|line| line.strip_prefix(table)?.strip_prefix(": "));
            let (names, values) = (lines.next().expect("names"), lines.next().expect("values"));
            let at = names.split(' ').position(|known| known == name).expect("the kernel counts it");
            values.split(' ').nth(at).and_then(|value| value.parse::<u64>().ok()).expect("a number")
        };
        let six = |name: &str| {
            let line = text.lines().find(|line| line.starts_with(name));
            line.and_then(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok()).unwrap_or(0)
        };
        Tried {
            no_route: number("Ip", "OutNoRoutes") + six("Ip6OutNoRoutes "),
            datagrams: number("Udp", "OutDatagrams") + six("Udp6OutDatagrams "),
        }
    }

    /// In the namespace of this process.
    pub fn here() -> Tried {
        let table =
            |name: &str| std::fs::read_to_string(Path::new("/proc/net").join(name)).unwrap_or_default();
        Tried::read(&(table("snmp") + &table("snmp6")))
    }
}

/// A command in a namespace where even loopback is down.
pub fn silent(program: &str) -> Command {
    let mut command = Command::new("unshare");
    // The counters come last on stderr, whatever the program said there before.
    let script =
        r#""$@"; status=$?; echo; echo COUNTERS >&2; cat /proc/net/snmp /proc/net/snmp6 >&2; exit $status"#;
    command.args(["--user", "--map-root-user", "--net", "--", "sh", "-c", script, "sh", program]);
    command
}

/// What a [`silent`] command tried.
pub fn tried(output: &Output) -> Tried {
    let said = String::from_utf8_lossy(&output.stderr);
    Tried::read(said.rsplit_once("COUNTERS\n").expect("the counters are said last").1)
}

/// Whether this system lets us make such a namespace; else why not is said.
pub fn is_possible() -> bool {
    match silent("true").output() {
        Ok(output) if output.status.success() => true,
        Ok(output) => {
            eprintln!("not run here: {}", String::from_utf8_lossy(&output.stderr).trim());
            false
        }
        Err(error) => {
            eprintln!("not run here: unshare cannot be started: {error}");
            false
        }
    }
}
