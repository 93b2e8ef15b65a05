//! What the machine must have, what of it is missing, and how it gets there: the platform's own package manager.
//! Nothing is installed that is there already, and nothing without saying why.

use crate::Outcome;
use crate::build::finish;
use std::io::IsTerminal;
use std::process::{Command, Stdio};
use std::time::Duration;

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Build and open the window.
    Window,
    /// That, and drive it where nobody looks.
    Test,
}

/// Makes the machine ready, or says what a person has to do.
pub fn prepare(purpose: Purpose) -> Outcome {
    if cfg!(target_os = "linux") {
        prepare_linux(purpose)
    } else if cfg!(target_os = "macos") {
        if succeeds("xcode-select", &["-p"]) {
            return Ok(());
        }
        Err("The command line tools of Xcode are missing (compiler and WebKit headers): xcode-select --install".to_owned())
    } else {
        hint_webview2();
        Ok(())
    }
}

/// One thing that is needed: how to see it, why it is needed, and its name with each package manager.
/// dnf and zypper take what a package provides (a file, a pkg-config module), which outlives renamed packages.
struct Need {
    what: &'static str,
    why: &'static str,
    tests_only: bool,
    is_there: fn() -> bool,
    apt: &'static str,
    dnf: &'static str,
    zypper: &'static str,
    pacman: &'static str,
}

const NEEDS: &[Need] = &[
    Need {
        what: "a C compiler",
        why: "SQLite is built from its source",
        tests_only: false,
        is_there: || succeeds("cc", &["--version"]),
        apt: "build-essential",
        dnf: "gcc",
        zypper: "gcc",
        pacman: "base-devel",
    },
    Need {
        what: "pkg-config",
        why: "the build asks it where WebKit is",
        tests_only: false,
        is_there: || succeeds("pkg-config", &["--version"]),
        apt: "pkg-config",
        dnf: "/usr/bin/pkg-config",
        zypper: "/usr/bin/pkg-config",
        pacman: "pkgconf",
    },
    Need {
        what: "WebKitGTK 4.1 with its headers",
        why: "it draws the window",
        tests_only: false,
        is_there: || succeeds("pkg-config", &["--exists", "webkit2gtk-4.1", "gtk+-3.0"]),
        apt: "libwebkit2gtk-4.1-dev",
        dnf: "pkgconfig(webkit2gtk-4.1)",
        zypper: "pkgconfig(webkit2gtk-4.1)",
        pacman: "webkit2gtk-4.1",
    },
    Need {
        what: "Xvfb",
        why: "the window is tested on a screen that nobody sees",
        tests_only: true,
        is_there: || is_program("Xvfb"),
        apt: "xvfb",
        dnf: "/usr/bin/Xvfb",
        zypper: "/usr/bin/Xvfb",
        pacman: "xorg-server-xvfb",
    },
    Need {
        what: "WebKitWebDriver",
        why: "it clicks through the window in the tests",
        tests_only: true,
        is_there: || is_program("WebKitWebDriver"),
        apt: "webkit2gtk-driver",
        dnf: "/usr/bin/WebKitWebDriver",
        zypper: "/usr/bin/WebKitWebDriver",
        pacman: "webkitgtk-6.0",
    },
    Need {
        what: "a font",
        why: "without one the window's text has no size, and screenshots no letters",
        tests_only: true,
        is_there: || output("fc-list", &[":", "family"]).is_some_and(|families| !families.trim().is_empty()),
        apt: "fonts-dejavu-core fontconfig",
        dnf: "dejavu-sans-fonts fontconfig",
        zypper: "dejavu-fonts fontconfig",
        pacman: "ttf-dejavu fontconfig",
    },
];

/// The package managers that we speak.
#[derive(Clone, Copy)]
enum Installer {
    Apt,
    Dnf,
    Zypper,
    Pacman,
}

impl Installer {
    fn find() -> Option<Installer> {
        [
            ("apt-get", Installer::Apt),
            ("dnf", Installer::Dnf),
            ("zypper", Installer::Zypper),
            ("pacman", Installer::Pacman),
        ]
        .into_iter()
        .find(|(program, _)| is_program(program))
        .map(|(_, installer)| installer)
    }

    fn package(self, need: &Need) -> &'static str {
        match self {
            Installer::Apt => need.apt,
            Installer::Dnf => need.dnf,
            Installer::Zypper => need.zypper,
            Installer::Pacman => need.pacman,
        }
    }

    fn install(self) -> &'static [&'static str] {
        match self {
            // Another apt may be at work, a fresh server's own for one: wait for its lock, up to ten minutes.
            Installer::Apt => {
                &["apt-get", "-o", "DPkg::Lock::Timeout=600", "install", "--yes", "--no-install-recommends"]
            }
            Installer::Dnf => &["dnf", "install", "--assumeyes"],
            Installer::Zypper => &["zypper", "--non-interactive", "install"],
            Installer::Pacman => &["pacman", "-S", "--noconfirm", "--needed"],
        }
    }
}

fn prepare_linux(purpose: Purpose) -> Outcome {
    let missing: Vec<&Need> = NEEDS
        .iter()
        .filter(|need| (purpose == Purpose::Test || !need.tests_only) && !(need.is_there)())
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    println!("xtask: missing on this machine:");
    for need in &missing {
        println!("  {}: {}", need.what, need.why);
    }
    let Some(installer) = Installer::find() else {
        return Err(
            "None of apt, dnf, zypper and pacman is here: install the above by hand, then run this again"
                .to_owned(),
        );
    };
    let packages: Vec<&str> = missing.iter().flat_map(|need| installer.package(need).split(' ')).collect();
    let command = [installer.install(), &packages].concat();
    println!("xtask: installing them: {}", command.join(" "));
    let administrator = administrator(&command)?;
    if matches!(installer, Installer::Apt) {
        update_apt_lists(administrator)?;
    }
    finish(&mut as_administrator(administrator, &command), "the installation")?;
    match missing.iter().find(|need| !(need.is_there)()) {
        Some(still) => Err(format!(
            "{} is still not found after the installation of {}",
            still.what,
            installer.package(still)
        )),
        None => Ok(()),
    }
}

/// `apt-get update` knows no waiting for its lock: it is asked again until the other one is through.
fn update_apt_lists(administrator: Administrator) -> Outcome {
    for _ in 0..60 {
        let mut update = as_administrator(administrator, &["apt-get", "update", "--quiet"]);
        let output = update.output().map_err(|error| format!("apt-get does not start: {error}"))?;
        if output.status.success() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        if !said.contains("Could not get lock") {
            return Err(format!("apt-get update failed ({}):\n{said}", output.status));
        }
        println!("xtask: another program holds apt's lock; waiting for it");
        std::thread::sleep(Duration::from_secs(10));
    }
    Err("another program has held apt's lock for ten minutes".to_owned())
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Administrator {
    /// We are root.
    Already,
    Sudo,
}

fn administrator(command: &[&str]) -> Outcome<Administrator> {
    if output("id", &["-u"]).is_some_and(|id| id.trim() == "0") {
        return Ok(Administrator::Already);
    }
    // Without a terminal sudo can ask for no password.
    let can_ask = std::io::stdin().is_terminal();
    if is_program("sudo") && (can_ask || succeeds("sudo", &["--non-interactive", "true"])) {
        return Ok(Administrator::Sudo);
    }
    Err(format!(
        "installing needs the administrator, and there is no usable sudo here. Run this as root, then try again:\n\n    {}\n",
        command.join(" ")
    ))
}

fn as_administrator(administrator: Administrator, command: &[&str]) -> Command {
    let (program, arguments) = match administrator {
        Administrator::Already => (command[0], &command[1..]),
        Administrator::Sudo => ("sudo", command),
    };
    let mut prepared = Command::new(program);
    // Under sudo the environment is reset: `env` sets it on the other side.
    if administrator == Administrator::Sudo {
        prepared.args(["env", "DEBIAN_FRONTEND=noninteractive"]);
    } else {
        prepared.env("DEBIAN_FRONTEND", "noninteractive").stdin(Stdio::null());
    }
    prepared.args(arguments);
    prepared
}

/// Windows 11 has WebView2; an older Windows may not.
fn hint_webview2() {
    const KEY: &str =
        r"HKLM\SOFTWARE\WOW6432Node\Microsoft\EdgeUpdate\Clients\{F3017226-FE2A-4295-8BDF-00C3A9A7E4C5}";
    if !succeeds("reg", &["query", KEY]) {
        println!(
            "xtask: WebView2, which draws the window, was not found. If the window stays away: winget install Microsoft.EdgeWebView2Runtime"
        );
    }
}

fn is_program(name: &str) -> bool {
    std::env::var_os("PATH")
        .is_some_and(|paths| std::env::split_paths(&paths).any(|folder| folder.join(name).is_file()))
}

fn succeeds(program: &str, arguments: &[&str]) -> bool {
    output(program, arguments).is_some()
}

/// What the program says, when it succeeds.
fn output(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).stdin(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}
