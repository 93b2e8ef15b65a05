//! The house stays the house: what the compiler does not check about the plan of the rooms, the configuration and the files.
#![allow(clippy::unwrap_used, reason = "a file of the house that cannot be read is the test's failure")]

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

const ROOMS: [&str; 9] =
    ["read", "retrieve", "compress", "route", "seat", "reason", "aggregate", "learn", "report"];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn json(path: &str) -> Value {
    serde_json::from_str(&read(path)).unwrap_or_else(|error| panic!("{path} is not JSON: {error}"))
}

/// Every file under `folder` whose name ends in `ending`, without what is built or installed.
fn files(folder: &str, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
            if path.is_dir() {
                if !["target", "node_modules", "dist", "gen", "lab-work", ".git"].contains(&name.as_str()) {
                    folders.push(path);
                }
            } else if name.ends_with(ending) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn shown(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).to_string_lossy().replace('\\', "/")
}

/// Code without comments and without its tests: what the rules of the rooms are about.
fn code(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap();
    let before_tests = text.split("#[cfg(test)]").next().unwrap_or_default().to_owned();
    before_tests
        .lines()
        .map(|line| line.split("//").next().unwrap_or_default())
        .collect::<Vec<_>>()
        .join("\n")
}

/// The crates that `package` depends on, directly or not, by Cargo.lock.
fn tree_of(package: &str) -> BTreeSet<String> {
    let lock = read("Cargo.lock");
    let mut dependencies: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for entry in lock.split("[[package]]").skip(1) {
        let name = entry.lines().find_map(|line| line.strip_prefix("name = ")).unwrap().trim_matches('"');
        let list = entry.split_once("dependencies = [").map(|(_, rest)| rest.split(']').next().unwrap());
        // An entry is `"name"`, or `"name version"` where several versions are there.
        let names = list.unwrap_or_default().lines().filter_map(|line| {
            line.trim()
                .trim_end_matches(',')
                .trim_matches('"')
                .split(' ')
                .next()
                .filter(|name| !name.is_empty())
        });
        dependencies.entry(name).or_default().extend(names);
    }
    let mut tree = BTreeSet::new();
    let mut next = vec![package];
    while let Some(name) = next.pop() {
        for dependency in dependencies.get(name).into_iter().flatten() {
            if tree.insert((*dependency).to_owned()) {
                next.push(dependency);
            }
        }
    }
    tree
}

#[test]
fn only_ask_strings_rooms_together() {
    for room in ROOMS {
        let folder = format!("src-tauri/engine/src/{room}");
        let of_the_room = files(&folder, ".rs");
        assert!(!of_the_room.is_empty(), "the room {room} is not in {folder}");
        for file in of_the_room {
            let code = code(&file);
            for other in ROOMS.iter().filter(|other| **other != room) {
                let crosses =
                    [format!("crate::{other}::"), format!("crate::{other};"), format!("super::{other}::")]
                        .iter()
                        .any(|path| code.contains(path))
                        || groups(&code).any(|name| name == *other);
                assert!(
                    !crosses,
                    "{} uses the room `{other}`: rooms hand each other plain words, by ask.rs",
                    shown(&file)
                );
            }
        }
    }
}

/// First names inside `use crate::{a::…, b}`.
fn groups(code: &str) -> impl Iterator<Item = &str> {
    code.split("use crate::{").skip(1).flat_map(|rest| {
        let group = rest.split(';').next().unwrap_or_default();
        group.split(',').map(|part| part.trim().split([':', '}', ' ']).next().unwrap_or_default())
    })
}

#[test]
fn stores_and_words_use_no_room() {
    let mut of_the_stores: Vec<PathBuf> =
        ["abilities", "archive", "documents", "lessons", "playbook", "pool", "prompts", "hub"]
            .iter()
            .flat_map(|store| files(&format!("src-tauri/engine/src/{store}"), ".rs"))
            .collect();
    for file in ["words.rs", "events.rs", "home.rs", "settings.rs"] {
        of_the_stores.push(root().join("src-tauri/engine/src").join(file));
    }
    for file in of_the_stores {
        let code = code(&file);
        for room in ROOMS {
            assert!(!code.contains(&format!("crate::{room}::")), "{} uses the room `{room}`", shown(&file));
        }
    }
}

#[test]
fn engine_runtime_lab_and_cli_build_without_a_window() {
    for package in ["engine", "runtime", "gpu", "lab", "cli", "xtask"] {
        let tree = tree_of(package);
        let window: Vec<&String> = tree
            .iter()
            .filter(|name| ["tauri", "wry", "tao", "gtk", "webkit2gtk"].contains(&name.as_str()))
            .collect();
        assert!(window.is_empty(), "{package} pulls in {window:?}");
    }
    assert!(tree_of("lectern").contains("wry"), "the walk through Cargo.lock must see what is there");
}

#[test]
fn only_the_hub_knows_the_network() {
    let clients = ["reqwest", "hyper", "ureq", "curl", "native-tls", "rustls"];
    for package in ["runtime", "gpu", "lab"] {
        let tree = tree_of(package);
        let pulled: Vec<&&str> = clients.iter().filter(|client| tree.contains(**client)).collect();
        assert!(pulled.is_empty(), "{package} pulls in {pulled:?}");
    }
    assert!(tree_of("engine").contains("ureq"), "the walk through Cargo.lock must see what is there");
    for file in files("src-tauri", ".rs") {
        let is_the_hub = shown(&file).starts_with("src-tauri/engine/src/hub/");
        let code = code(&file);
        for door in ["ureq", "TcpStream", "UdpSocket", "TcpListener"] {
            assert!(is_the_hub || !code.contains(door), "{} uses {door}: only the hub may", shown(&file));
        }
    }
}

#[test]
fn every_path_that_the_readme_names_exists() {
    let readme = read("README.md");
    let mut named: BTreeSet<&str> = BTreeSet::new();
    // Inline code, and the targets of links and pictures.
    named.extend(readme.split('`').skip(1).step_by(2));
    named.extend(readme.split("](").skip(1).filter_map(|rest| rest.split(')').next()));
    let mut checked = 0;
    for path in named {
        let path = path.trim_end_matches('/');
        let is_path =
            path.contains('/') && !path.contains([' ', '*', '<', '{', '\n']) && !path.contains("://");
        let is_ours = ["src-tauri", "ui", "tests", "icons", ".ci", ".cargo"]
            .iter()
            .any(|top| path == *top || path.starts_with(&format!("{top}/")));
        if (is_path && is_ours)
            || ["tauri.conf.json", "Cargo.toml", "CHANGELOG.md", "LICENSE"].contains(&path)
        {
            // What is built is named as well, and is not in a fresh tree.
            if !path.starts_with("ui/dist") && !path.starts_with("ui/node_modules") {
                assert!(root().join(path).exists(), "README.md names {path}, which is not there");
                checked += 1;
            }
        }
    }
    assert!(
        checked >= 20,
        "only {checked} paths were found in README.md: the map is gone, or this test cannot read it"
    );
}

#[test]
fn the_page_can_load_nothing_remote_and_run_nothing_inline() {
    let config = json("tauri.conf.json");
    let security = &config["app"]["security"];
    let policy = security["csp"].as_str().expect("one policy, as text");
    let directives: BTreeMap<&str, Vec<&str>> = policy
        .split(';')
        .filter_map(|directive| {
            let mut words = directive.split_whitespace();
            Some((words.next()?, words.collect()))
        })
        .collect();
    assert_eq!(directives["default-src"], ["'none'"], "what no directive names must be forbidden");
    assert_eq!(directives["script-src"], ["'self'"]);
    assert_eq!(
        directives["connect-src"],
        ["ipc:", "http://ipc.localhost"],
        "the page speaks to Rust and to nobody else"
    );
    for (directive, sources) in &directives {
        for source in sources {
            assert!(
                ["'none'", "'self'", "data:", "ipc:", "http://ipc.localhost"].contains(source),
                "{directive} allows {source}"
            );
            assert!(*source != "data:" || *directive == "img-src", "{directive} must not allow data:");
        }
    }
    assert!(security["devCsp"].is_null(), "the development build keeps the same policy");
    assert!(security["dangerousDisableAssetCspModification"].is_null());
    assert_eq!(security["freezePrototype"], true);
    assert_eq!(security["assetProtocol"]["enable"], false);
    assert_eq!(config["app"]["withGlobalTauri"], false);
    assert_eq!(config["build"]["frontendDist"], "ui/dist");
}

#[test]
fn the_page_may_ask_tauri_for_the_file_dialog_alone() {
    let config = json("tauri.conf.json");
    let listed =
        config["app"]["security"]["capabilities"].as_array().expect("capabilities are listed one by one");
    let capabilities = files("src-tauri/capabilities", "");
    assert_eq!(
        listed.len(),
        capabilities.len(),
        "each file in src-tauri/capabilities is listed, and nothing else"
    );
    for file in capabilities {
        let capability = json(&shown(&file));
        assert!(listed.contains(&capability["identifier"]), "{} is not listed", shown(&file));
        assert!(capability["remote"].is_null(), "{} opens commands to a remote page", shown(&file));
        assert_eq!(capability["windows"], serde_json::json!(["main"]));
        assert_eq!(capability["permissions"], serde_json::json!(["dialog:allow-open"]), "{}", shown(&file));
    }
}

#[test]
fn one_version_everywhere() {
    let cargo = read("Cargo.toml");
    let version =
        cargo.split("[workspace.package]").nth(1).and_then(|part| part.split("version = \"").nth(1));
    let version = version.and_then(|rest| rest.split('"').next()).expect("a workspace version");
    assert_eq!(json("tauri.conf.json")["version"], version, "tauri.conf.json");
    assert_eq!(json("ui/package.json")["version"], version, "ui/package.json");
    assert!(read("CHANGELOG.md").contains(&format!("## {version}")), "CHANGELOG.md has nothing on {version}");
}

#[test]
fn the_shipped_experts_take_at_most_20_mb() {
    let vectors = root().join("src-tauri/starters/vectors.bin");
    let size = |file: &PathBuf| file.metadata().unwrap().len();
    let bytes: u64 = files("src-tauri/starters", "").iter().filter(|file| **file != vectors).map(size).sum();
    assert!(bytes <= 20_000_000, "src-tauri/starters takes {bytes} bytes without the vectors");
    assert!(size(&vectors) <= 8_000_000, "src-tauri/starters/vectors.bin takes {} bytes", size(&vectors));
}

#[test]
fn every_icon_that_the_bundle_names_is_there() {
    let config = json("tauri.conf.json");
    for icon in config["bundle"]["icon"].as_array().expect("a list of icons") {
        assert!(root().join(icon.as_str().unwrap()).is_file(), "{icon}");
    }
    assert!(root().join(config["bundle"]["licenseFile"].as_str().unwrap()).is_file());
}

#[test]
fn a_file_of_rust_has_one_idea_or_says_why_it_is_long() {
    for file in files("src-tauri", ".rs").into_iter().chain(files("tests", ".rs")) {
        let text = fs::read_to_string(&file).unwrap();
        let lines = text.lines().count();
        let says_why =
            text.lines().take_while(|line| line.starts_with("//!")).any(|line| line.contains("Long because"));
        assert!(
            lines <= 600 || says_why,
            "{} has {lines} lines: look for the second idea in it, or say at its top `//! Long because …`",
            shown(&file)
        );
    }
}

#[test]
fn a_file_of_rust_says_what_it_is_for() {
    for file in files("src-tauri", ".rs").into_iter().chain(files("tests", ".rs")) {
        let text = fs::read_to_string(&file).unwrap();
        assert!(text.starts_with("//!"), "{} does not begin with what it is for (//! …)", shown(&file));
    }
}
