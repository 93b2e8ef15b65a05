//! The library: files come from a hub that fails in every way that hubs and networks do, and what is under a final name
//! is right, always.
//!
//! Long because it is one list: each promise of the library has its test here, over the same small house.

// A helper that cannot go on fails its test.
#![allow(clippy::unwrap_used)]

// Other journeys use the rest of each.
#[allow(dead_code)]
#[path = "support/hub.rs"]
mod hub;
#[allow(dead_code)]
#[path = "support/toy.rs"]
mod toy;

use engine::home::Home;
use engine::hub::{
    Bytes, Downloads, Elsewhere, Fetched, FileName, Found, Hub, HubError, Machine, Patience, Phase, Place,
    Source, State, Stop, Trash, Wish, look,
};
use engine::pool::{Implementation, Manifest, Outcome, Pool};
use engine::words::Failure;
use hub::{COMMIT, FakeHub, Faults, noise, sha256};
use runtime::gguf::write::Writer;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;
use toy::Toy;

const REPO: &str = "somebody/model-GGUF";
const FILE: &str = "model-Q4_K_M.bin";
/// Seven parts, the last one short.
const SIZE: usize = 6 * (2 << 20) + 12_345;
const MIB: u64 = 1 << 20;

/// A fake hub, and a home and a cache of its own.
struct House {
    hub: FakeHub,
    folder: tempfile::TempDir,
}

impl House {
    fn new() -> House {
        House { hub: FakeHub::start(), folder: tempfile::tempdir().unwrap() }
    }

    /// With one file of `SIZE` bytes on the hub.
    fn with_file() -> (House, String) {
        let house = House::new();
        let sum = house.hub.put(REPO, FILE, noise(SIZE, 1));
        (house, sum)
    }

    fn home(&self) -> Home {
        let home = Home::at(self.folder.path().join("home"));
        home.prepare().unwrap();
        home
    }

    fn cache(&self) -> PathBuf {
        self.folder.path().join("cache")
    }

    fn place(&self) -> Place {
        Place::at(&self.hub.endpoint(), &self.cache()).unwrap()
    }

    fn ours(&self) -> Hub {
        Hub::at(&self.home(), self.place(), patience())
    }

    fn fetch(&self) -> Result<Fetched, HubError> {
        self.fetch_of(&name(), &Stop::default(), &mut |_| {})
    }

    fn fetch_of(&self, name: &FileName, stop: &Stop, on: &mut dyn FnMut(Phase)) -> Result<Fetched, HubError> {
        let found = Found::default();
        let see = |source: &mut dyn Bytes, size: u64| look(&name.file, size, source, &found);
        self.ours().fetch(name, Some(&see), stop, on)
    }

    /// `lectern experts …`, with this home, this cache and this hub.
    fn lectern(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lectern"));
        command
            .args(["--json", "experts"])
            .args(arguments)
            .env("LECTERN_HOME", self.home().root())
            .env("HF_ENDPOINT", self.hub.endpoint())
            .env("HF_HUB_CACHE", self.cache())
            .env_remove("HF_TOKEN")
            .env_remove("HF_HUB_OFFLINE")
            // No keyring of whoever runs the tests.
            .env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nowhere")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Files of the cache but the locks, which other tools leave as well.
    fn files(&self) -> Vec<String> {
        let mut found = Vec::new();
        let mut folders = vec![self.cache()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
                let path = entry.path();
                if entry.file_type().unwrap().is_dir() {
                    folders.push(path);
                } else if path.extension().is_none_or(|ending| ending != "lock") {
                    found.push(path.strip_prefix(self.cache()).unwrap().display().to_string());
                }
            }
        }
        found.sort();
        found
    }

    fn assert_nothing_is_left(&self) {
        assert_eq!(self.files(), Vec::<String>::new());
    }

    /// Blob, link and branch, and nothing else.
    fn assert_only_the_file(&self, sum: &str) {
        let folder = "models--somebody--model-GGUF";
        let expected = [
            format!("{folder}/blobs/{sum}"),
            format!("{folder}/refs/main"),
            format!("{folder}/snapshots/{COMMIT}/{FILE}"),
        ];
        assert_eq!(self.files(), expected);
    }
}

fn patience() -> Patience {
    Patience {
        attempts: 8,
        first: Duration::from_millis(2),
        most: Duration::from_millis(50),
        silence: Duration::from_secs(2),
        spare_bytes: 0,
    }
}

fn name() -> FileName {
    FileName::new(REPO, "main", FILE).unwrap()
}

fn code(error: HubError) -> String {
    Failure::from(error).code
}

fn json(output: &Output) -> Value {
    let text = String::from_utf8_lossy(&output.stdout);
    let said = String::from_utf8_lossy(&output.stderr);
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error} in {text:?}; it said {said}"))
}

/// Python's huggingface_hub beside us, where LECTERN_PYTHON has it.
fn python(house: &House, what: &str, file: &str) -> Value {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/reference/cache.py");
    let mut command = Command::new(std::env::var_os("LECTERN_PYTHON").unwrap_or_else(|| "python3".into()));
    command.args([script, what, REPO, file]).env("HF_ENDPOINT", house.hub.endpoint());
    command.env("HF_HUB_CACHE", house.cache()).env("HF_HOME", house.folder.path().join("hf"));
    command.env_remove("HF_TOKEN").env_remove("HF_HUB_OFFLINE");
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let said = json(&output);
    eprintln!("{what} {file}: {said}");
    said
}

#[test]
#[ignore = "needs Python's huggingface_hub: tests/reference/cache.py says how"]
fn huggingface_hub_finds_what_we_fetched_and_we_what_it_fetched() {
    let (house, sum) = House::with_file();
    let other = house.hub.put(REPO, "sub/other.bin", noise(5_000_000, 2));
    let found = |said: &Value| -> Vec<(String, String)> {
        let of = |file: &Value| {
            (file["file"].as_str().unwrap().to_owned(), file["blob"].as_str().unwrap().to_owned())
        };
        let mut files: Vec<_> = said["files"].as_array().unwrap().iter().map(of).collect();
        files.sort();
        files
    };
    // A download that waits in the cache is nothing to it, and no fault of the cache.
    house.hub.faults().gate_after = Some(5 * MIB);
    let stop = Stop::default();
    std::thread::scope(|scope| {
        let fetch = scope.spawn(|| house.fetch_of(&name(), &stop, &mut |_| {}));
        house.hub.wait_for(5 * MIB);
        stop.pause();
        assert!(fetch.join().unwrap().is_err());
    });
    house.hub.open_gate();
    let nothing = python(&house, "find", FILE);
    assert_eq!((&nothing["sha256"], &nothing["warnings"]), (&Value::Null, &serde_json::json!([])));

    house.fetch().unwrap();
    let (heard, ours) = (house.hub.heard().len(), python(&house, "find", FILE));
    assert_eq!((&ours["sha256"], &ours["snapshot"]), (&sum.as_str().into(), &sum.as_str().into()));
    assert_eq!(ours["warnings"], serde_json::json!([]));
    assert_eq!(found(&ours), [(FILE.to_owned(), sum.clone())]);
    assert_eq!(ours["files"][0]["refs"], serde_json::json!(["main"]));
    let asked = house.hub.heard().drain(heard..).any(|heard| heard.path.contains(REPO));
    assert!(!asked, "the hub was asked for what is here");

    let theirs = python(&house, "fetch", "sub/other.bin");
    assert_eq!((&theirs["sha256"], &theirs["warnings"]), (&other.as_str().into(), &serde_json::json!([])));
    let sent = house.hub.sent();
    let name = FileName::new(REPO, "main", "sub/other.bin").unwrap();
    let fetched = house.fetch_of(&name, &Stop::default(), &mut |_| {}).unwrap();
    assert_eq!((fetched.sha256.as_str(), fetched.received), (other.as_str(), 0));
    assert_eq!(house.hub.sent(), sent, "nothing was sent again");
    assert_eq!(python(&house, "find", "sub/other.bin")["warnings"], serde_json::json!([]));
    // What it fetched is not ours to remove.
    assert_eq!(Trash::of(&house.ours()).remove(REPO, &other).unwrap(), None);
}

#[test]
fn the_cache_is_laid_out_as_huggingface_hub_wants_it_at_every_step() {
    let (house, sum) = House::with_file();
    let repo = house.cache().join("models--somebody--model-GGUF");
    house.hub.faults().gate_after = Some(5 * MIB);
    let stop = Stop::default();
    std::thread::scope(|scope| {
        let fetch = scope.spawn(|| house.fetch_of(&name(), &stop, &mut |_| {}));
        house.hub.wait_for(5 * MIB);
        // Its scan calls a repository without this folder corrupted.
        assert!(repo.join("snapshots").is_dir());
        stop.pause();
        assert!(fetch.join().unwrap().is_err());
    });
    let named = |folder: &str| std::fs::read_dir(repo.join(folder)).into_iter().flatten().flatten();
    assert_eq!((named("snapshots").count(), named("refs").count()), (0, 0), "nothing is promised yet");
    house.hub.open_gate();
    house.fetch().unwrap();
    // The file again at a commit of its own, and then one of the two goes: no branch is left without its commit.
    let trash = Trash::of(&house.ours());
    let (second, at) = (noise(100_000, 3), "f".repeat(40));
    let other = sha256(&second);
    std::fs::write(repo.join("blobs").join(&other), second).unwrap();
    std::fs::create_dir_all(repo.join("snapshots").join(&at)).unwrap();
    std::fs::write(repo.join("refs/older"), &at).unwrap();
    #[cfg(unix)]
    std::os::unix::fs::symlink(
        format!("../../blobs/{other}"),
        repo.join("snapshots").join(&at).join("b.bin"),
    )
    .unwrap();
    assert_eq!(trash.remove(REPO, &sum).unwrap(), Some(SIZE as u64));
    drop(trash);
    let branches: Vec<_> = named("refs").map(|entry| entry.file_name()).collect();
    assert_eq!(branches, ["older"], "a branch at a commit that is gone is a fault to it");
}

/// The last instants of a download: the bytes have their name, the links and the ledger have not heard of it.
#[test]
fn a_kill_between_the_name_and_the_links_is_completed_at_the_next_start() {
    let (house, sum) = House::with_file();
    house.fetch().unwrap();
    let repo = house.cache().join("models--somebody--model-GGUF");
    let fetched = house.home().root().join("fetched.jsonl");
    let first = std::fs::read_to_string(&fetched).unwrap();
    let line: Value = serde_json::from_str(first.trim()).unwrap();
    let journal = repo.join(format!("blobs/{sum}.lectern-journal"));
    for whole in ["", "whole\n"] {
        std::fs::remove_dir_all(repo.join("snapshots")).unwrap();
        std::fs::remove_dir_all(repo.join("refs")).unwrap();
        std::fs::remove_file(&fetched).unwrap();
        let record = serde_json::json!({
            "version": 1, "name": line["name"], "commit": COMMIT, "sha256": sum, "size": SIZE, "part": 2 << 20
        });
        std::fs::write(&journal, format!("{record}\n{whole}")).unwrap();
        let listed = json(&house.lectern(&["downloads"]).output().unwrap());
        assert_eq!(listed["downloads"], serde_json::json!([]), "it is no download any more");
        assert!(!journal.exists());
        if whole.is_empty() {
            // Nobody said that the bytes are right: another tool may have brought them. They stay as they are.
            assert!(!fetched.exists() && !repo.join("refs").exists());
            house.fetch().unwrap();
            assert!(!fetched.exists(), "what another tool fetched does not become ours");
            std::fs::write(&fetched, &first).unwrap();
        } else {
            house.assert_only_the_file(&sum);
            let again: Value =
                serde_json::from_str(std::fs::read_to_string(&fetched).unwrap().trim()).unwrap();
            assert_eq!(
                (&again["sha256"], &again["removed"]),
                (&line["sha256"], &false.into()),
                "and it is ours"
            );
        }
    }
}

fn what() -> String {
    format!("{REPO}:{FILE}")
}

#[test]
fn a_file_arrives_whole_where_other_tools_look_for_it() {
    let (house, sum) = House::with_file();
    let fetched = house.fetch().unwrap();
    assert_eq!(
        (fetched.sha256.as_str(), fetched.bytes, fetched.commit.as_str()),
        (sum.as_str(), SIZE as u64, COMMIT)
    );
    assert_eq!(std::fs::read(&fetched.path).unwrap(), noise(SIZE, 1));
    house.assert_only_the_file(&sum);
    let repo = house.cache().join("models--somebody--model-GGUF");
    #[cfg(unix)]
    assert_eq!(std::fs::read_link(&fetched.path).unwrap(), Path::new("../../blobs").join(&sum));
    assert_eq!(std::fs::read_to_string(repo.join("refs/main")).unwrap(), COMMIT);
    let ranges: Vec<_> = house.hub.heard().iter().filter_map(|heard| heard.range).collect();
    assert_eq!(ranges.len(), 7, "each part once: {ranges:?}");
    let connections = house.hub.connections();
    assert!(connections <= 4, "{connections} connections for 7 parts, four of which come at once");

    let sent = house.hub.sent();
    let again = house.fetch().unwrap();
    assert_eq!((again.received, again.resumed_from, house.hub.sent()), (0, SIZE as u64, sent), "it was here");
}

#[test]
fn every_fault_that_passes_ends_in_the_right_file_and_nothing_else() {
    let faults: [(&str, Faults); 14] = [
        ("cut in the middle", Faults { cut_after: Some(300_000), cuts: 6, ..Faults::default() }),
        ("cut at once", Faults { cut_after: Some(0), cuts: 3, ..Faults::default() }),
        ("stall", Faults { stall_after: Some(100_000), stalls: 2, ..Faults::default() }),
        ("a flipped bit", Faults { flips: 1, ..Faults::default() }),
        ("a login page for the bytes", Faults { portals: 5, ..Faults::default() }),
        ("a login page for the hub", Faults { hub_portals: 3, ..Faults::default() }),
        ("addresses that expire", Faults { uses_of_an_address: Some(2), ..Faults::default() }),
        ("other bytes at the same address", Faults { new_etags: 4, ..Faults::default() }),
        ("a wrong total", Faults { wrong_totals: 3, ..Faults::default() }),
        ("another range", Faults { wrong_ranges: 3, ..Faults::default() }),
        ("no ranges", Faults { no_ranges: true, ..Faults::default() }),
        (
            "no ranges, and cuts",
            Faults { no_ranges: true, cut_after: Some(5_000_000), cuts: 2, ..Faults::default() },
        ),
        ("a sick host", Faults { statuses: vec![500, 502, 503, 429, 403, 404, 408], ..Faults::default() }),
        ("a sick hub", Faults { hub_statuses: vec![500, 503, 429], ..Faults::default() }),
    ];
    for (what, fault) in faults {
        let (house, sum) = House::with_file();
        *house.hub.faults() = fault;
        let fetched = house.fetch().unwrap_or_else(|error| panic!("{what}: {error}"));
        assert_eq!(sha256(&std::fs::read(&fetched.path).unwrap()), sum, "{what}");
        house.assert_only_the_file(&sum);
    }
}

#[test]
fn wrong_bytes_are_never_seen_under_a_final_name() {
    let (house, _) = House::with_file();
    house.hub.faults().flips = u32::MAX;
    assert_eq!(code(house.fetch().unwrap_err()), "hub.wrong_bytes");
    house.assert_nothing_is_left();
    assert!(house.hub.sent() >= 2 * SIZE as u64, "it was tried once more");
}

#[test]
fn a_login_page_that_stays_is_told_as_that() {
    let (house, _) = House::with_file();
    house.hub.faults().hub_portals = u32::MAX;
    let failure = Failure::from(house.fetch().unwrap_err());
    assert_eq!(failure.code, "hub.garbled");
    assert!(failure.fix.contains("Sign in"), "{}", failure.fix);
    house.assert_nothing_is_left();
}

#[test]
fn a_file_that_changes_under_a_commit_is_not_believed() {
    let (house, _) = House::with_file();
    {
        let mut faults = house.hub.faults();
        faults.gate_after = Some(1);
        faults.uses_of_an_address = Some(1);
    }
    std::thread::scope(|scope| {
        let fetch = scope.spawn(|| house.fetch());
        house.hub.wait_for(1);
        house.hub.faults().other_sum = Some("a".repeat(64));
        house.hub.open_gate();
        assert_eq!(code(fetch.join().unwrap().unwrap_err()), "hub.changed");
    });
    // What is here is not thrown away for a word of a hub that takes it back.
    *house.hub.faults() = Faults::default();
    let fetched = house.fetch().unwrap();
    assert_eq!((fetched.resumed_from, house.hub.sent()), (2 * MIB, SIZE as u64));
}

#[test]
fn a_hub_that_is_wrong_about_the_size_costs_one_part_and_not_one_of_each_try() {
    for no_ranges in [false, true] {
        let (house, sum) = House::with_file();
        *house.hub.faults() =
            Faults { wrong_sizes: 1, wrong_size: SIZE as u64 - 1, no_ranges, ..Faults::default() };
        assert_eq!(code(house.fetch().unwrap_err()), "hub.changed");
        let answers = house.hub.heard().iter().filter(|heard| heard.host == "bytes").count();
        assert_eq!(answers, 1, "the host says another size, and the hub is asked once more");
        house.fetch().unwrap();
        house.assert_only_the_file(&sum);
    }
}

#[test]
fn a_renamed_repository_is_found() {
    let (house, sum) = House::with_file();
    house.hub.rename("somebody/old", REPO);
    let old = FileName::new("somebody/old", "main", FILE).unwrap();
    let fetched = house.fetch_of(&old, &Stop::default(), &mut |_| {}).unwrap();
    assert_eq!(fetched.sha256, sum);
}

#[test]
fn the_token_goes_to_the_hub_alone_and_into_no_file() {
    let (house, _) = House::with_file();
    let token = "hf_onlyForTheHub123";
    house.hub.faults().token = Some(token.into());
    let refused = Failure::from(house.fetch().unwrap_err());
    assert_eq!(refused.code, "hub.gated");
    assert!(
        refused.fix.contains(&format!("{}/{REPO}", house.hub.endpoint())),
        "where to accept: {}",
        refused.fix
    );

    let place = Place { token: Some(token.into()), ..house.place() };
    let ours = Hub::at(&house.home(), place, patience());
    ours.fetch(&name(), None, &Stop::default(), &mut |_| {}).unwrap();
    let heard = house.hub.heard();
    assert!(heard.iter().any(|heard| heard.host == "hub" && heard.authorization.is_some()));
    assert!(heard.iter().any(|heard| heard.host == "bytes"), "the bytes came from the other host");
    for heard in heard.iter().filter(|heard| heard.host == "bytes") {
        assert_eq!(heard.authorization, None, "the other host was sent the token");
    }
    let log = std::fs::read_to_string(house.home().logs_dir().join("network.jsonl")).unwrap();
    assert!(!log.contains(token) && !log.contains("signature="), "a key is in the log");
    assert!(!format!("{ours:?}").contains(token), "what is printed for debugging shows it");
}

#[test]
fn the_log_has_every_request() {
    let (house, _) = House::with_file();
    house.hub.faults().statuses = vec![500];
    house.fetch().unwrap();
    let (heard, logged) = (house.hub.heard(), house.ours().requests(usize::MAX));
    assert_eq!(logged.len(), heard.len());
    let bytes: u64 = logged.iter().map(|request| request.bytes).sum();
    assert!(bytes >= SIZE as u64, "{bytes} bytes in the log");
    let endpoint = house.hub.endpoint();
    assert!(logged.iter().any(|request| endpoint.ends_with(&request.host) && request.why.contains(FILE)));
}

#[test]
fn a_pause_keeps_what_is_here_and_a_part_that_was_damaged_meanwhile_comes_again() {
    let (house, sum) = House::with_file();
    house.hub.faults().gate_after = Some(9 * MIB);
    let stop = Stop::default();
    std::thread::scope(|scope| {
        let fetch = scope.spawn(|| house.fetch_of(&name(), &stop, &mut |_| {}));
        house.hub.wait_for(9 * MIB);
        stop.pause();
        assert!(matches!(fetch.join().unwrap(), Err(HubError::Stopped)));
    });
    let unfinished = house.ours().unfinished();
    let [(record, here)] = &unfinished[..] else { panic!("{unfinished:?}") };
    assert_eq!((&record.name, record.size), (&name(), SIZE as u64));
    assert!(*here >= MIB, "{here} bytes are here of 9 MiB that went out");
    let file = house.cache().join(format!("models--somebody--model-GGUF/blobs/{sum}.lectern-part"));
    let mut bytes = std::fs::read(&file).unwrap();
    assert_eq!(bytes.len(), SIZE, "the space is taken");
    bytes[1000] ^= 1;
    std::fs::write(&file, bytes).unwrap();

    house.hub.open_gate();
    let fetched = house.fetch().unwrap();
    assert_eq!(fetched.resumed_from, here - (2 << 20), "the damaged part does not count");
    assert_eq!(sha256(&std::fs::read(&fetched.path).unwrap()), sum);
    house.assert_only_the_file(&sum);
}

#[test]
fn what_was_left_of_an_older_content_goes_when_the_newer_one_comes() {
    let (house, _) = House::with_file();
    house.hub.faults().gate_after = Some(5 * MIB);
    let stop = Stop::default();
    std::thread::scope(|scope| {
        let fetch = scope.spawn(|| house.fetch_of(&name(), &stop, &mut |_| {}));
        house.hub.wait_for(5 * MIB);
        stop.pause();
        assert!(fetch.join().unwrap().is_err());
    });
    assert_eq!(house.ours().unfinished().len(), 1);
    house.hub.open_gate();
    let newer = house.hub.put(REPO, FILE, noise(SIZE, 9));
    assert_eq!(house.fetch().unwrap().sha256, newer);
    house.assert_only_the_file(&newer);
}

#[test]
fn the_speed_is_told_where_an_expert_of_some_size_was_measured_and_nowhere_else() {
    let house = House::new();
    let pool = Pool::open_with(&house.home(), &[]).unwrap();
    assert_eq!(Machine::measured(1, &pool.experts()).bytes_per_s, None, "nothing was measured");
    let mut large = Manifest::named("large");
    large.implementations =
        vec![Implementation { file: "x".into(), bytes: 1 << 30, ..Implementation::default() }];
    pool.put(&large).unwrap();
    let answer = Outcome { success: true, latency_ms: 1.0, tokens_per_s: Some(8.0), ..Outcome::default() };
    pool.record("large", answer).unwrap();
    // Eight tokens a second, each of which reads 2^30 bytes.
    assert_eq!(Machine::measured(1, &pool.experts()).bytes_per_s, Some(8.0 * (1u64 << 30) as f64));
}

#[test]
fn a_cancelled_download_leaves_nothing() {
    let (house, _) = House::with_file();
    house.hub.faults().gate_after = Some(5 * MIB);
    let downloads = Downloads::new(house.ours(), 2);
    let id = downloads.start(&name());
    house.hub.wait_for(5 * MIB);
    downloads.cancel(id).unwrap();
    house.assert_nothing_is_left();
    let folders = std::fs::read_dir(house.cache()).into_iter().flatten().flatten();
    assert_eq!(folders.map(|entry| entry.file_name()).collect::<Vec<_>>(), Vec::<std::ffi::OsString>::new());
    assert_eq!(downloads.list(), []);
}

#[test]
fn downloads_wait_for_their_turn_and_can_be_paused_and_gone_on_with() {
    let house = House::new();
    let sum = house.hub.put(REPO, FILE, noise(SIZE, 1));
    house.hub.put(REPO, "second.bin", noise(100_000, 2));
    house.hub.faults().gate_after = Some(9 * MIB);
    let downloads = Downloads::new(house.ours(), 1);
    let first = downloads.start(&name());
    house.hub.wait_for(9 * MIB);
    let second = downloads.start(&FileName::new(REPO, "main", "second.bin").unwrap());
    let state = |id: u64| downloads.list().into_iter().find(|download| download.id == id).unwrap().state;
    assert!(matches!(state(first), State::Fetching { total_bytes, .. } if total_bytes == SIZE as u64));
    assert_eq!(state(second), State::Queued);
    downloads.pause(first).unwrap();
    assert!(
        matches!(downloads.wait(first).unwrap().state, State::Paused { done_bytes, .. } if done_bytes > 0)
    );
    house.hub.open_gate();
    assert!(matches!(downloads.wait(second).unwrap().state, State::Ready { .. }));

    // Another start of the program: what was paused is there, and goes on.
    let later = Downloads::new(house.ours(), 1);
    let [paused] = &later.list()[..] else { panic!("{:?}", later.list()) };
    later.resume(paused.id).unwrap();
    let State::Ready { fetched } = later.wait(paused.id).unwrap().state else { panic!("{:?}", later.list()) };
    assert!(fetched.sha256 == sum && fetched.resumed_from > 0, "{fetched:?}");
}

/// Waits for the end of a process that should end by itself.
fn end(child: Child) -> Output {
    child.wait_with_output().unwrap()
}

#[cfg(target_os = "linux")]
#[test]
fn a_kill_costs_at_most_eight_mebibytes_and_leaves_no_orphan() {
    const BYTES: usize = 48 << 20;
    let house = House::new();
    let sum = house.hub.put(REPO, FILE, noise(BYTES, 1));
    for kill in 1..=3u64 {
        let until = house.hub.sent() + kill * 6 * MIB;
        house.hub.faults().gate_after = Some(until);
        let mut child = house.lectern(&["pull", &what(), "--no-expert"]).spawn().unwrap();
        house.hub.wait_for(until);
        let peak = peak_kib(child.id());
        assert!(peak < 64 << 10, "the downloader took {peak} KiB");
        child.kill().unwrap();
        end(child);
    }
    house.hub.open_gate();
    let pulled = json(&house.lectern(&["pull", &what(), "--no-expert"]).output().unwrap());
    assert_eq!(pulled["sha256"], sum.as_str());
    assert!(pulled["resumed_from"].as_u64().unwrap() > 0);
    let again = house.hub.sent() - BYTES as u64;
    assert!(again <= 3 * 8 * MIB, "three kills made {again} bytes come again");
    eprintln!("three kills made {again} bytes come again");
    house.assert_only_the_file(&sum);
}

/// The most memory that a process has had.
#[cfg(target_os = "linux")]
fn peak_kib(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    eprintln!("the downloader took {} at most", peak.trim());
    peak.trim().trim_end_matches(" kB").parse().unwrap()
}

#[test]
fn two_processes_that_want_the_same_file_make_one_transfer() {
    let (house, sum) = House::with_file();
    house.hub.faults().gate_after = Some(3 * MIB);
    let first = house.lectern(&["pull", &what(), "--no-expert"]).spawn().unwrap();
    house.hub.wait_for(3 * MIB);
    let second = house.lectern(&["pull", &what(), "--no-expert"]).spawn().unwrap();
    // The second one has asked the hub what the file is: from then on it waits for the first.
    while house.hub.heard().iter().filter(|heard| heard.host == "hub").count() < 2 {
        std::thread::yield_now();
    }
    house.hub.open_gate();
    let (first, second) = (json(&end(first)), json(&end(second)));
    assert_eq!(
        (&first["sha256"], &second["sha256"]),
        (&Value::from(sum.as_str()), &Value::from(sum.as_str()))
    );
    assert_eq!(house.hub.sent(), SIZE as u64);
    house.assert_only_the_file(&sum);
}

#[test]
fn a_file_of_another_tool_is_found_and_one_that_is_damaged_is_replaced() {
    let (house, sum) = House::with_file();
    let blobs = house.cache().join("models--somebody--model-GGUF/blobs");
    std::fs::create_dir_all(&blobs).unwrap();
    std::fs::write(blobs.join(&sum), noise(SIZE, 1)).unwrap();
    assert_eq!(house.fetch().unwrap().received, 0);
    let mut damaged = noise(SIZE, 1);
    damaged[77] ^= 4;
    std::fs::write(blobs.join(&sum), damaged).unwrap();
    let fetched = house.fetch().unwrap();
    assert_eq!(sha256(&std::fs::read(&fetched.path).unwrap()), sum);
    house.assert_only_the_file(&sum);
}

#[test]
fn a_full_disk_is_told_before_a_byte_comes() {
    let (house, _) = House::with_file();
    let ours = Hub::at(&house.home(), house.place(), Patience { spare_bytes: u64::MAX / 2, ..patience() });
    let error = ours.fetch(&name(), None, &Stop::default(), &mut |_| {}).unwrap_err();
    assert_eq!(code(error), "hub.no_space");
    assert_eq!(house.hub.sent(), 0);
    house.assert_nothing_is_left();
}

#[test]
fn offline_is_absolute() {
    let (house, sum) = House::with_file();
    let offline =
        || house.lectern(&["pull", &what(), "--no-expert"]).env("HF_HUB_OFFLINE", "1").output().unwrap();
    let refused = offline();
    assert_eq!(
        (refused.status.code(), &json(&refused)["error"]["code"]),
        (Some(1), &Value::from("hub.offline"))
    );
    let search = house.lectern(&["search", "x"]).env("HF_HUB_OFFLINE", "1").output().unwrap();
    assert_eq!(json(&search)["error"]["code"], "hub.offline");
    assert!(house.hub.heard().is_empty(), "something was asked");
    // The control: the same command asks when it may. What is here then is found without asking.
    house.fetch().unwrap();
    let heard = house.hub.heard().len();
    assert!(heard > 0);
    assert_eq!(json(&offline())["sha256"], sum.as_str());
    assert_eq!(house.hub.heard().len(), heard);
}

/// A sound GGUF file of an architecture that nobody computes, with `bytes` of weights.
fn unknown_model(path: &Path, bytes: usize) -> Vec<u8> {
    let mut file = Writer::new();
    file.set("general.architecture", "clip").set("general.name", "Pictures");
    file.tensor_f32("weights", &[(bytes / 4) as u64], &vec![0.5; bytes / 4]);
    file.write_to(path).unwrap();
    std::fs::read(path).unwrap()
}

#[test]
fn a_model_that_cannot_run_here_is_refused_by_its_first_bytes() {
    let house = House::new();
    let bytes = unknown_model(&house.folder.path().join("pictures.gguf"), 40 << 20);
    house.hub.put(REPO, "pictures.gguf", bytes);
    let failed = house.lectern(&["pull", &format!("{REPO}:pictures.gguf")]).output().unwrap();
    let error = &json(&failed)["error"];
    assert_eq!(error["code"], "hub.unsupported");
    assert!(error["message"].as_str().unwrap().contains("clip"), "{error}");
    assert!(house.hub.sent() <= 2 * MIB, "{} bytes came before it was refused", house.hub.sent());
    house.assert_nothing_is_left();
}

#[test]
fn a_pulled_model_is_an_expert_that_answers_and_its_removal_frees_its_bytes() {
    let house = House::new();
    let model = house.folder.path().join("toy.gguf");
    Toy { says: &["hello", "there"], ..Toy::default() }.write(&model);
    let bytes = std::fs::read(&model).unwrap();
    let size = bytes.len() as u64;
    let file = "Toy-F32.gguf";
    house.hub.put(REPO, file, bytes);
    let pulled = json(&house.lectern(&["pull", REPO_AND_TOY, "--domains", "general"]).output().unwrap());
    assert_eq!(pulled["expert"]["name"], "toy", "{pulled}");
    assert_eq!(pulled["expert"]["domains"], serde_json::json!(["general"]));
    let asked = Command::new(env!("CARGO_BIN_EXE_lectern"))
        .args(["--json", "ask", "hi", "--expert", "toy"])
        .env("LECTERN_HOME", house.home().root())
        .output()
        .unwrap();
    assert_eq!(json(&asked)["answer"].as_str().unwrap().trim(), "hello there");

    let disk = json(&house.lectern(&["disk"]).output().unwrap());
    let usage = disk["experts"].as_array().unwrap().iter().find(|usage| usage["expert"] == "toy").unwrap();
    assert_eq!((&usage["bytes"], &usage["frees"]), (&Value::from(size), &Value::from(true)));
    assert!(usage["last_used"].is_i64(), "{usage}");
    let removed = json(&house.lectern(&["remove", "toy"]).output().unwrap());
    assert_eq!(removed["freed_bytes"], size);
    house.assert_nothing_is_left();
}

const REPO_AND_TOY: &str = "somebody/model-GGUF:Toy-F32.gguf";

#[test]
fn a_removal_can_be_undone_until_the_end_and_takes_no_file_of_another_tool() {
    let house = House::new();
    let model = house.folder.path().join("toy.gguf");
    Toy::default().write(&model);
    house.hub.put(REPO, "Toy-F32.gguf", std::fs::read(&model).unwrap());
    let (ours, pool) = (house.ours(), Pool::open_with(&house.home(), &[]).unwrap());
    let name = FileName::new(REPO, "main", "Toy-F32.gguf").unwrap();
    let fetched = ours.fetch(&name, None, &Stop::default(), &mut |_| {}).unwrap();
    let host = Path::new(env!("CARGO_BIN_EXE_lectern"));
    let manifest = ours.add_expert(&pool, &fetched, &Wish::default(), host).unwrap();

    let trash = Trash::of(&ours);
    let before = house.files();
    assert_eq!(trash.remove_expert(&pool, &manifest.name).unwrap(), fetched.bytes);
    assert!(!fetched.path.exists() && pool.get(&manifest.name).is_err());
    trash.restore_expert(&pool, &manifest).unwrap();
    assert_eq!(house.files(), before);
    assert!(pool.get(&manifest.name).unwrap().unavailable.is_none());
    trash.remove_expert(&pool, &manifest.name).unwrap();
    drop(trash);
    house.assert_nothing_is_left();

    // The same file, brought by another tool: it stays.
    let other = House::new();
    let blobs = other.cache().join("models--somebody--model-GGUF/blobs");
    let sum = other.hub.put(REPO, "Toy-F32.gguf", std::fs::read(&model).unwrap());
    std::fs::create_dir_all(&blobs).unwrap();
    std::fs::copy(&model, blobs.join(&sum)).unwrap();
    let (ours, pool) = (other.ours(), Pool::open_with(&other.home(), &[]).unwrap());
    let fetched = ours.fetch(&name, None, &Stop::default(), &mut |_| {}).unwrap();
    let manifest = ours.add_expert(&pool, &fetched, &Wish::default(), host).unwrap();
    assert_eq!(Trash::of(&ours).remove_expert(&pool, &manifest.name).unwrap(), 0);
    assert!(blobs.join(&sum).is_file() && fetched.path.is_file());
}

#[test]
fn a_model_that_no_expert_uses_can_go_and_one_that_is_used_or_not_ours_cannot() {
    let house = House::new();
    let model = house.folder.path().join("toy.gguf");
    Toy::default().write(&model);
    let bytes = std::fs::read(&model).unwrap();
    house.hub.put(REPO, "Toy-F32.gguf", bytes.clone());
    let size = bytes.len() as u64;
    let pull = |more: &[&str]| {
        let pulled = house.lectern(&[&["pull", REPO_AND_TOY], more].concat()).output().unwrap();
        assert!(pulled.status.success());
    };
    let remove = |what: &str| json(&house.lectern(&["disk", "--remove", what]).output().unwrap());
    pull(&["--no-expert"]);
    assert_eq!(remove(REPO_AND_TOY)["freed_bytes"], size);
    house.assert_nothing_is_left();
    assert_eq!(remove(REPO_AND_TOY)["error"]["code"], "hub.absent");
    pull(&["--name", "toy"]);
    assert_eq!(remove(REPO_AND_TOY)["error"]["code"], "hub.stays", "an expert uses it");

    let theirs = house.cache().join("models--else--where/snapshots").join(COMMIT);
    std::fs::create_dir_all(&theirs).unwrap();
    std::fs::write(theirs.join("b.gguf"), &bytes).unwrap();
    assert_eq!(remove("else/where:b.gguf")["error"]["code"], "hub.stays", "another tool brought it");
    assert!(theirs.join("b.gguf").is_file());
}

#[test]
fn a_removal_that_a_kill_cut_off_is_ended_at_the_next_start() {
    let (house, sum) = House::with_file();
    house.fetch().unwrap();
    let blob = house.cache().join("models--somebody--model-GGUF/blobs").join(&sum);
    // The bytes are aside, and nothing else has happened.
    std::fs::rename(&blob, blob.with_extension("lectern-removed")).unwrap();
    house.lectern(&["disk"]).output().unwrap();
    house.assert_nothing_is_left();
    assert!(!house.cache().join("models--somebody--model-GGUF").exists());
    let fetched = house.fetch().unwrap();
    assert_eq!(fetched.received, SIZE as u64);
    assert_eq!(Trash::of(&house.ours()).remove(REPO, &sum).unwrap(), Some(SIZE as u64), "ours once more");
}

#[test]
fn models_of_other_tools_are_found_in_place_and_copies_are_seen() {
    let (house, _) = House::with_file();
    let toy = house.folder.path().join("toy.gguf");
    Toy::default().write(&toy);
    let bytes = std::fs::read(&toy).unwrap();
    let sum = house.hub.put(REPO, "Toy-F32.gguf", bytes.clone());
    let name = FileName::new(REPO, "main", "Toy-F32.gguf").unwrap();
    house.ours().fetch(&name, None, &Stop::default(), &mut |_| {}).unwrap();

    let ollama = house.folder.path().join("ollama");
    let manifest = ollama.join("manifests/registry.example/library/toy/1b");
    std::fs::create_dir_all(manifest.parent().unwrap()).unwrap();
    std::fs::create_dir_all(ollama.join("blobs")).unwrap();
    let layers = format!(
        r#"{{"layers": [{{"mediaType": "application/vnd.example.image.license", "digest": "sha256:{0}"}},
            {{"mediaType": "application/vnd.example.image.model", "digest": "sha256:{sum}"}}]}}"#,
        "b".repeat(64)
    );
    std::fs::write(&manifest, layers).unwrap();
    std::fs::write(ollama.join(format!("blobs/sha256-{sum}")), &bytes).unwrap();
    let studio = house.folder.path().join("studio");
    std::fs::create_dir_all(studio.join("owner/name")).unwrap();
    std::fs::write(studio.join("owner/name/toy.gguf"), &bytes).unwrap();

    let elsewhere = Elsewhere { ollama: vec![ollama], lm_studio: vec![studio] };
    let quick = house.ours().on_disk(&[], &elsewhere, false).unwrap();
    let found: Vec<(&str, Source)> =
        quick.files.iter().map(|file| (file.name.as_str(), file.source)).collect();
    assert_eq!(
        found,
        [
            ("somebody/model-GGUF:Toy-F32.gguf", Source::Fetched),
            ("toy:1b", Source::Ollama),
            ("owner/name/toy.gguf", Source::LmStudio)
        ]
    );
    assert_eq!(quick.copies[0].paths.len(), 2, "two whose sums are known");
    let whole = house.ours().on_disk(&[], &elsewhere, true).unwrap();
    assert_eq!((whole.copies[0].paths.len(), whole.copies[0].sha256.as_str()), (3, sum.as_str()));
}

#[test]
fn a_search_says_what_runs_and_fits_here() {
    let house = House::new();
    let file = |name: &str, size: u64| {
        format!(
            r#"{{"rfilename": "{name}", "size": 130, "lfs": {{"sha256": "{}", "size": {size}}}}}"#,
            "c".repeat(64)
        )
    };
    let files = [
        file("m-Q4_K_M.gguf", 2_000_000_000),
        file("m-Q8_0.gguf", 900_000_000_000_000),
        file("m-Q4_K_M-00001-of-00002.gguf", 5),
        file("../../escape.gguf", 5),
        file("README.md", 5),
    ];
    let describe = |repo: &str, architecture: &str, gated: &str| {
        let json = format!(
            r#"{{"id": "{repo}", "gated": {gated}, "downloads": 42, "tags": ["license:apache-2.0"],
                "gguf": {{"total": 3000000000, "architecture": "{architecture}", "context_length": 32768}},
                "siblings": [{}]}}"#,
            files.join(",")
        );
        house.hub.describe(repo, &json);
    };
    describe("a/runs", "qwen3", "false");
    describe("b/alien", "mamba9", "\"manual\"");
    let found = json(&house.lectern(&["search", "anything at all"]).output().unwrap());
    assert_eq!(found["picks"], serde_json::json!([]), "nothing is recommended for that");
    let code = json(&house.lectern(&["search", "code"]).output().unwrap());
    let picks = code["picks"].as_array().unwrap();
    let is_of_code = |pick: &Value| pick["domains"].as_array().unwrap().contains(&"code".into());
    assert!(picks.iter().any(is_of_code), "the catalogue comes first: {code}");
    let [runs, alien] = &found["results"].as_array().unwrap()[..] else { panic!("{found}") };
    assert_eq!(
        (&runs["repo"], &runs["supported"], &runs["gated"]),
        (&"a/runs".into(), &true.into(), &false.into())
    );
    assert_eq!((&runs["licence"], &runs["downloads"]), (&"apache-2.0".into(), &42.into()));
    assert_eq!(runs["parameters"], 3_000_000_000u64);
    let files = runs["files"].as_array().unwrap();
    let names: Vec<&str> = files.iter().map(|file| file["file"].as_str().unwrap()).collect();
    assert_eq!(
        names,
        ["m-Q4_K_M-00001-of-00002.gguf", "m-Q4_K_M.gguf", "m-Q8_0.gguf"],
        "no path that escapes"
    );
    assert!(files[0]["why_not"].is_string(), "a piece of a model");
    assert_eq!((&files[1]["size"], &files[1]["quantisation"]), (&2_000_000_000u64.into(), &"Q4_K_M".into()));
    assert_eq!((&files[1]["fits"], &files[2]["fits"]), (&true.into(), &false.into()));
    let speeds = [&files[1], &files[2]].map(|file| file["tokens_per_s"].as_f64().unwrap());
    assert!(speeds[0] > 1000.0 * speeds[1], "as many times slower as it is larger: {speeds:?}");
    assert_eq!((&alien["supported"], &alien["gated"]), (&false.into(), &true.into()));
    assert!(alien["why_not"].as_str().unwrap().contains("mamba9"));
    let asked = house.hub.heard().into_iter().find(|heard| heard.path.contains("search=")).unwrap();
    assert!(
        asked.path.contains("search=anything+at+all") && asked.path.contains("filter=gguf"),
        "{}",
        asked.path
    );
}

#[test]
fn without_a_keyring_the_token_counts_for_the_session_and_that_is_said() {
    let house = House::new();
    let ours = house.ours();
    ours.token().set_for_session("hf_session").unwrap();
    assert_eq!(ours.whoami().unwrap(), "somebody");
    assert!(
        house.hub.heard().iter().all(|heard| heard.authorization.as_deref() == Some("Bearer hf_session"))
    );
    for bad in ["", "with space", "line\nbreak", "ümlaut"] {
        assert!(ours.token().set_for_session(bad).is_err(), "{bad:?}");
    }
    #[cfg(target_os = "linux")]
    {
        let set = with_stdin(house.lectern(&["token", "set"]), "hf_kept\n");
        let error = &json(&set)["error"];
        assert_eq!((&error["code"], set.status.code()), (&"hub.keyring".into(), Some(1)));
        assert!(!error.to_string().contains("hf_kept"));
    }
}

fn with_stdin(mut command: Command, text: &str) -> Output {
    use std::io::Write;
    let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    end(child)
}

/// The real keyring of GNOME on a bus of its own.
#[cfg(target_os = "linux")]
#[test]
fn a_token_is_kept_in_the_keyring_replaced_tested_and_removed() {
    let has =
        |program: &str| Command::new("which").arg(program).output().is_ok_and(|found| found.status.success());
    if !has("dbus-run-session") || !has("gnome-keyring-daemon") {
        eprintln!("skipped: dbus-run-session and gnome-keyring-daemon are not installed");
        return;
    }
    let house = House::new();
    house.hub.faults().token = Some("hf_second".into());
    let at = |name: &str| house.folder.path().join(name);
    std::fs::create_dir_all(at("run")).unwrap();
    let script = r#"
        printf 'password' | gnome-keyring-daemon --unlock --components=secrets >/dev/null 2>&1
        printf 'hf_first\n' | "$LECTERN" --json experts token set
        "$LECTERN" --json experts token test
        printf 'hf_second\n' | "$LECTERN" --json experts token set
        "$LECTERN" --json experts token test
        "$LECTERN" --json experts token show
        "$LECTERN" --json experts token remove
    "#;
    let mut command = Command::new("dbus-run-session");
    command.args(["--", "sh", "-c", script]).env("LECTERN", env!("CARGO_BIN_EXE_lectern"));
    command.env("LECTERN_HOME", house.home().root()).env("HF_ENDPOINT", house.hub.endpoint());
    command.env("HF_HUB_CACHE", house.cache()).env_remove("HF_TOKEN").env("HOME", at("user"));
    command
        .env("XDG_DATA_HOME", at("data"))
        .env("XDG_CONFIG_HOME", at("config"))
        .env("XDG_CACHE_HOME", at("xdg"));
    command.env("XDG_RUNTIME_DIR", at("run"));
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 6, "{text} {}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(lines[0]["token"], "keyring", "{text}");
    assert_eq!(lines[1]["error"]["code"], "hub.gated", "the wrong token");
    assert_eq!(lines[3]["account"], "somebody");
    assert_eq!((&lines[4]["token"], &lines[5]["token"]), (&"keyring".into(), &"nowhere".into()));
    assert!(!text.contains("hf_"));
}
