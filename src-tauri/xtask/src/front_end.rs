//! The front end in `ui/`: its packages, and the build that the window embeds. Each only when something changed.

use crate::build::{finish, target_dir};
use crate::{Outcome, root, stamp};
use std::path::PathBuf;
use std::process::Command;

/// The oldest Node (major, minor) that the front end's build tool takes.
const OLDEST_NODE: (u32, u32) = (20, 19);

pub fn npm(arguments: &[&str]) -> Command {
    let mut command = Command::new(if cfg!(windows) { "npm.cmd" } else { "npm" });
    command.args(arguments).current_dir(root().join("ui"));
    command
}

/// `npm ci`, unless node_modules was made from this very lock file.
pub fn install_packages() -> Outcome {
    check_node()?;
    let ui = root().join("ui");
    let written = ui.join("node_modules/.lectern-stamp");
    let now = stamp::of(&ui.join("package-lock.json"), &[]);
    if stamp::matches(&written, &now) {
        return Ok(());
    }
    println!(
        "xtask: installing the front end's packages into ui/node_modules (npm ci), because they are missing or ui/package-lock.json changed"
    );
    finish(&mut npm(&["ci", "--no-audit", "--no-fund"]), "npm ci")?;
    stamp::write(&written, &now)
}

/// Builds `ui/dist`, unless it was built from these very sources and is still as it was then.
pub fn build_if_changed() -> Outcome {
    install_packages()?;
    if stamp::matches(&dist_stamp()?, &fingerprint()) {
        return Ok(());
    }
    println!("xtask: building the front end (ui/dist)");
    finish(&mut npm(&["run", "build"]), "the front end's build")?;
    remember_build()
}

/// To call after a successful `npm run build`.
pub fn remember_build() -> Outcome {
    stamp::write(&dist_stamp()?, &fingerprint())
}

fn dist_stamp() -> Outcome<PathBuf> {
    Ok(target_dir()?.join("xtask/ui-dist.stamp"))
}

/// Sources and result: a placeholder in place of a deleted build must not pass for it.
fn fingerprint() -> String {
    let ui = root().join("ui");
    format!(
        "{}:{}",
        stamp::of(&ui, &["node_modules", "dist", "screenshots"]),
        stamp::of(&ui.join("dist"), &[])
    )
}

fn check_node() -> Outcome {
    let version = Command::new("node").arg("--version").output();
    let text =
        version.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned()).unwrap_or_default();
    let (major, minor) = OLDEST_NODE;
    match version_of(&text) {
        Some(found) if found >= OLDEST_NODE => Ok(()),
        Some(_) => Err(format!(
            "Node {text} is too old for the front end: install Node {major}.{minor} or newer (nodejs.org)"
        )),
        None => Err(format!(
            "Node is missing, and the window's front end is built with it: install Node {major}.{minor} or newer (nodejs.org). \
             Questions in the terminal work without: cargo xtask run -- ask \"What is 17 * 23?\""
        )),
    }
}

/// Major and minor of what `node --version` says.
fn version_of(text: &str) -> Option<(u32, u32)> {
    let mut numbers = text.trim_start_matches('v').split('.').map(|number| number.parse().ok());
    Some((numbers.next()??, numbers.next()??))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_as_numbers() {
        assert!(version_of("v20.20.2").unwrap() >= OLDEST_NODE);
        assert!(version_of("v22.1.0").unwrap() >= OLDEST_NODE);
        assert!(version_of("v20.9.0").unwrap() < OLDEST_NODE);
        assert!(version_of("v18.19.0").unwrap() < OLDEST_NODE);
        assert_eq!(version_of(""), None);
    }
}
