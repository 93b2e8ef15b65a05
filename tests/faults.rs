//! The library among random faults: a hub that lies and breaks, processes that are killed at any byte, paused, or two at
//! once. What is under a final name is right at every moment; a kill costs at most 8 MiB; nothing is left that nobody
//! needs; the token is heard by the hub alone.
//!
//! `cargo xtask faults [--runs N] [--seed S]` makes as many runs as one likes; the ordinary tests a few. Run `i` is made
//! of the seed S + i alone, and a failure names it.
#![cfg(target_os = "linux")]
// A helper that cannot go on fails its test.
#![allow(clippy::unwrap_used)]

// Other journeys use the rest.
#[allow(dead_code)]
#[path = "support/hub.rs"]
mod hub;

use hub::{COMMIT, FakeHub, Faults, noise, sha256};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};
use serde_json::Value;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

const REPO: &str = "somebody/model-GGUF";
/// The name that it had before.
const OLD: &str = "somebody/model";
const TOKEN: &str = "hf_onlyForTheHub123";
const MIB: u64 = 1 << 20;
/// A kill costs so much at most, and so does any other end of the process: four parts under way.
const AGAIN: u64 = 8 * MIB;
/// Of the downloader, at its peak.
const MEMORY: u64 = 64 * MIB;
const LARGEST: u64 = 40 * MIB;

struct Random(ChaCha8Rng);

impl Random {
    fn of(seed: u64) -> Random {
        Random(ChaCha8Rng::seed_from_u64(seed))
    }

    fn below(&mut self, end: u64) -> u64 {
        self.0.next_u64() % end
    }

    fn one_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }

    /// Mostly nothing, else up to `most`.
    fn some(&mut self, most: u32) -> u32 {
        if self.one_in(4) { 1 + self.below(u64::from(most)) as u32 } else { 0 }
    }
}

/// How processes end before they are done.
#[derive(Clone, Copy, Debug)]
struct End {
    /// After so many bytes more went out.
    after: u64,
    /// The hub holds back what comes then, so that it is at that byte.
    at_the_byte: bool,
    /// Microseconds later.
    later: u64,
    /// An interrupt, which is a pause; else a kill.
    is_pause: bool,
    /// Two processes ask for the file: which of them ends.
    which: [bool; 2],
}

#[derive(Debug)]
struct Plan {
    size: u64,
    file: &'static str,
    faults: Faults,
    with_token: bool,
    is_renamed: bool,
    processes: usize,
    ends: Vec<End>,
    /// It is not wanted any more after the last of the ends.
    cancels: bool,
}

impl Plan {
    fn of(random: &mut Random) -> Plan {
        let size = match random.below(3) {
            0 => 1 + random.below(2 * MIB),
            1 => MIB + random.below(9 * MIB),
            _ => MIB + random.below(LARGEST - MIB),
        };
        let statuses = |random: &mut Random, known: &[u16]| -> Vec<u16> {
            (0..random.some(4)).map(|_| known[random.below(known.len() as u64) as usize]).collect()
        };
        let faults = Faults {
            cut_after: Some(random.below(2 * MIB)),
            cuts: random.some(6),
            stall_after: Some(random.below(2 * MIB)),
            stalls: u32::from(random.one_in(12)),
            flips: u32::from(random.one_in(8)) * (1 + random.below(3) as u32),
            portals: random.some(4),
            hub_portals: random.some(3),
            uses_of_an_address: random.one_in(4).then(|| 1 + random.below(4) as u32),
            new_etags: random.some(3),
            wrong_totals: random.some(3),
            wrong_ranges: random.some(3),
            half_ranges: random.some(3),
            no_ranges: random.one_in(8),
            statuses: statuses(random, &[500, 502, 503, 429, 403, 404, 408, 416]),
            hub_statuses: statuses(random, &[500, 503, 429]),
            wrong_sizes: random.some(2),
            wrong_size: [1, size - 1, size + 1, 1 << 42][random.below(4) as usize],
            drops: random.some(4),
            hub_drops: random.some(2),
            short_bodies: random.some(3),
            long_lengths: random.some(3),
            broken_chunks: random.some(3),
            encodings: random.some(3),
            detours: random.some(20),
            garbage: random.some(3),
            token: random.one_in(3).then(|| TOKEN.to_owned()),
            ..Faults::default()
        };
        let end = |random: &mut Random| End {
            after: random.below(size + size / 8 + 1),
            at_the_byte: random.one_in(2),
            later: random.below(4) * random.below(5_000),
            is_pause: random.one_in(4),
            which: [[true, true], [true, false], [false, true]][random.below(3) as usize],
        };
        let ends = (0..random.below(4)).map(|_| end(random)).collect();
        Plan {
            size,
            file: ["model-Q4_K_M.bin", "sub/model-Q4_K_M.gguf"][random.below(2) as usize],
            faults,
            with_token: random.one_in(2),
            is_renamed: random.one_in(6),
            processes: 1 + usize::from(random.one_in(3)),
            ends,
            cancels: random.one_in(8),
        }
    }
}

/// What one run did.
#[derive(Debug, Default)]
struct Done {
    ends: u64,
    failures: u64,
    /// Bytes that came again although no fault made them useless.
    again: u64,
    sent: u64,
    peak: u64,
}

struct House {
    hub: FakeHub,
    folder: tempfile::TempDir,
    repo: &'static str,
    file: &'static str,
    sum: String,
    token: Option<&'static str>,
}

impl House {
    fn of(repo: &'static str, file: &'static str) -> House {
        let (hub, folder) = (FakeHub::start(), tempfile::tempdir().unwrap());
        hub.rename(OLD, REPO);
        House { hub, folder, repo, file, sum: String::new(), token: None }
    }

    fn cache(&self) -> PathBuf {
        self.folder.path().join("cache")
    }

    fn what(&self) -> String {
        format!("{}:{}", self.repo, self.file)
    }

    fn lectern(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lectern"));
        command.args(["--json", "experts"]).args(arguments);
        command.env("LECTERN_HOME", self.folder.path().join("home"));
        command.env("HF_ENDPOINT", self.hub.endpoint()).env("HF_HUB_CACHE", self.cache());
        // A host is gone after two seconds, and asked again after two milliseconds.
        command.env("HF_HUB_DOWNLOAD_TIMEOUT", "2").env("LECTERN_PAUSE_MS", "2");
        command.env_remove("HF_TOKEN").env_remove("HF_HUB_OFFLINE");
        command.env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nowhere");
        command.envs(self.token.map(|token| ("HF_TOKEN", token)));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    fn pull(&self) -> Child {
        self.lectern(&["pull", &self.what(), "--no-expert"]).spawn().unwrap()
    }

    /// Every file and link of the cache but the locks, which other tools leave as well.
    fn files(&self) -> Vec<String> {
        let mut found = Vec::new();
        let mut folders = vec![self.cache()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
                match entry.file_type() {
                    Ok(kind) if kind.is_dir() => folders.push(entry.path()),
                    _ => found.push(entry.path().strip_prefix(self.cache()).unwrap().display().to_string()),
                }
            }
        }
        found.retain(|file| !file.ends_with(".lock"));
        found.sort();
        found
    }

    /// What has a final name, a blob's or a model's, has its bytes.
    fn assert_nothing_wrong_is_seen(&self) {
        for file in self.files() {
            let path = Path::new(&file);
            let name = path.file_name().unwrap().to_str().unwrap();
            let is_blob =
                path.parent().is_some_and(|folder| folder.ends_with("blobs")) && !name.contains('.');
            let is_model = file.contains("/snapshots/") && !name.starts_with('.');
            if is_blob || is_model {
                // A process that goes on may finish meanwhile, and never the other way.
                let bytes =
                    std::fs::read(self.cache().join(path)).unwrap_or_else(|error| panic!("{file}: {error}"));
                assert_eq!(sha256(&bytes), self.sum, "{file} has a final name and {} bytes", bytes.len());
                assert!(!is_blob || name == self.sum, "{file} is named by another check sum");
            }
        }
    }

    /// Blob, link and branch.
    fn whole(&self) -> [String; 3] {
        let folder = format!("models--{}", self.repo.replace('/', "--"));
        [
            format!("{folder}/blobs/{}", self.sum),
            format!("{folder}/refs/main"),
            format!("{folder}/snapshots/{COMMIT}/{}", self.file),
        ]
    }

    fn assert_only_the_file(&self) {
        assert_eq!(self.files(), self.whole());
    }

    /// The token, where it may not be.
    fn assert_the_token_is_kept(&self, said: &[Output]) {
        for heard in self.hub.heard().iter().filter(|heard| heard.host == "bytes") {
            assert_eq!(heard.authorization, None, "the host of the bytes was sent the token");
        }
        let log = self.folder.path().join("home/logs/network.jsonl");
        let log = std::fs::read_to_string(log).unwrap_or_default();
        let said = said.iter().flat_map(|output| [&output.stdout, &output.stderr]);
        for text in said.map(|text| String::from_utf8_lossy(text).into_owned()).chain([log]) {
            assert!(!text.contains(TOKEN) && !text.contains("signature="), "a key is told: {text}");
        }
    }
}

/// The highest memory of a process that still runs, bytes.
fn peak(process: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().trim_end_matches(" kB").parse::<u64>().ok()? << 10)
}

fn is_running(child: &mut Child) -> bool {
    child.try_wait().unwrap().is_none()
}

/// Files are cut out of it.
fn bytes(size: u64, seed: u64) -> Vec<u8> {
    static NOISE: Mutex<Vec<u8>> = Mutex::new(Vec::new());
    let mut all = NOISE.lock().unwrap();
    if all.is_empty() {
        *all = noise((LARGEST + MIB) as usize, 1);
    }
    let first = (seed % MIB) as usize;
    all[first..first + size as usize].to_vec()
}

/// One run. Panics where a promise is broken.
fn run(seed: u64) -> Done {
    let mut random = Random::of(seed);
    let plan = Plan::of(&mut random);
    let is_open = plan.faults.token.is_none();
    let mut house = House::of(if plan.is_renamed { OLD } else { REPO }, plan.file);
    house.sum = house.hub.put(REPO, plan.file, bytes(plan.size, seed));
    *house.hub.faults() = plan.faults.clone();
    let mut done = Done::default();
    let mut said = Vec::new();
    if plan.with_token || !is_open {
        house.token = Some(TOKEN);
    }

    for end in &plan.ends {
        let until = house.hub.sent() + end.after;
        house.hub.faults().gate_after = end.at_the_byte.then_some(until);
        let mut children: Vec<Child> = (0..plan.processes).map(|_| house.pull()).collect();
        house.hub.wait_unless(until, || !children.iter_mut().any(is_running));
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_micros(end.later) {
            std::hint::spin_loop();
        }
        for (child, _) in children.iter_mut().zip(end.which).filter(|(_, ends)| *ends || plan.processes == 1)
        {
            done.peak = done.peak.max(peak(child.id()).unwrap_or(0));
            if !is_running(child) {
                continue;
            }
            done.ends += 1;
            if end.is_pause {
                Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
            } else {
                child.kill().unwrap();
            }
        }
        house.assert_nothing_wrong_is_seen();
        house.hub.open_gate();
        for child in children {
            finish(child, &mut done, &mut said);
        }
        house.assert_nothing_wrong_is_seen();
    }

    if plan.cancels {
        said.push(house.lectern(&["downloads", "--cancel", &house.what()]).output().unwrap());
        let error = error_of(&said[said.len() - 1]);
        assert!(error.is_none() || error.as_deref() == Some("hub.absent"), "{error:?}");
        match error {
            None => assert_eq!(house.files(), Vec::<String>::new(), "it was cancelled"),
            // Nothing of it had come, or all of it.
            Some(_) if house.files().is_empty() => {}
            Some(_) => house.assert_only_the_file(),
        }
    }

    let mut tries = 0;
    loop {
        let children: Vec<Child> = (0..plan.processes).map(|_| house.pull()).collect();
        let outcomes: Vec<bool> =
            children.into_iter().map(|child| finish(child, &mut done, &mut said)).collect();
        house.assert_nothing_wrong_is_seen();
        if outcomes.iter().all(|well| *well) {
            break;
        }
        tries += 1;
        assert!(
            tries < 5,
            "it fails without a fault: {}",
            String::from_utf8_lossy(&said[said.len() - 1].stdout)
        );
        if tries == 3 {
            *house.hub.faults() = Faults { token: plan.faults.token.clone(), ..Faults::default() };
        }
    }
    house.assert_only_the_file();
    house.assert_the_token_is_kept(&said);

    done.sent = house.hub.sent();
    done.again = house.hub.sound().saturating_sub(plan.size);
    // Whoever sends whole files alone sends them anew each time; a wrong byte makes all of them useless.
    let anew = u64::from(plan.faults.flips) * plan.size + u64::from(plan.faults.new_etags) * AGAIN;
    let cancelled = if plan.cancels { plan.size } else { 0 };
    let allowed = (done.ends + done.failures) * AGAIN + anew + cancelled;
    assert!(
        plan.faults.no_ranges || done.again <= allowed,
        "{} bytes came again, and {allowed} may: {} ends, {} failures, {plan:?}",
        done.again,
        done.ends,
        done.failures
    );
    assert!(done.peak < MEMORY, "the downloader took {} bytes", done.peak);
    done
}

fn error_of(output: &Output) -> Option<String> {
    let text: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
    text["error"]["code"].as_str().map(str::to_owned)
}

/// Waits for the end of a process; `true` when it has the file. What it may fail with is what a fault explains.
fn finish(child: Child, done: &mut Done, said: &mut Vec<Output>) -> bool {
    use std::os::unix::process::ExitStatusExt;
    let output = child.wait_with_output().unwrap();
    let error = error_of(&output);
    let is_well = output.status.success();
    match error.as_deref() {
        _ if output.status.signal() == Some(9) || is_well => {}
        Some("stopped") => {}
        // An interrupt that came before the program listened.
        None if output.status.signal() == Some(2) => {}
        Some(
            "hub.connection" | "hub.status" | "hub.too_many" | "hub.garbled" | "hub.wrong_bytes"
            | "hub.changed" | "hub.no_space",
        ) => done.failures += 1,
        _ => panic!(
            "it ended with {:?}, and said {}{}",
            output.status,
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        ),
    }
    said.push(output);
    is_well
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

#[test]
fn whatever_happens_nothing_wrong_is_seen_and_little_comes_twice() {
    let (runs, seed) = (number("LECTERN_RUNS").unwrap_or(24), number("LECTERN_SEED").unwrap_or(1));
    let begun = Instant::now();
    let next = AtomicU64::new(0);
    let sum = Mutex::new(Done::default());
    let failed: Mutex<Option<u64>> = Mutex::new(None);
    // Most of a run is waiting.
    let workers = 3 * std::thread::available_parallelism().map_or(1, usize::from) as u64;
    std::thread::scope(|scope| {
        for _ in 0..workers.min(runs) {
            scope.spawn(|| {
                while failed.lock().unwrap().is_none() {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    if at >= runs {
                        break;
                    }
                    let run_seed = seed.wrapping_add(at);
                    let Ok(done) = catch_unwind(AssertUnwindSafe(|| run(run_seed))) else {
                        eprintln!("the same again: cargo xtask faults --runs 1 --seed {run_seed}");
                        failed.lock().unwrap().get_or_insert(run_seed);
                        break;
                    };
                    let mut sum = sum.lock().unwrap();
                    sum.ends += done.ends;
                    sum.failures += done.failures;
                    sum.sent += done.sent;
                    sum.again = sum.again.max(done.again);
                    sum.peak = sum.peak.max(done.peak);
                    if (at + 1).is_multiple_of(100) {
                        eprintln!("{} runs in {:.0} s", at + 1, begun.elapsed().as_secs_f64());
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().unwrap();
    assert_eq!(failed, None, "the seed of a run that broke a promise");
    let sum = sum.into_inner().unwrap();
    eprintln!(
        "{runs} runs from seed {seed} in {:.0} s: {} ends in the middle, {} failures by faults, {} MB sent, at most {} \
         bytes again in a run, {} KiB of memory",
        begun.elapsed().as_secs_f64(),
        sum.ends,
        sum.failures,
        sum.sent / 1_000_000,
        sum.again,
        sum.peak >> 10
    );
}

/// A disk of its own, in a namespace where anybody may mount one; somebody else fills it when a quarter of the file is
/// there. The space of the bytes was taken before; the links and the branch may find none.
#[test]
fn a_disk_that_fills_midway_costs_nothing_and_is_told() {
    const SIZE: u64 = 40 * MIB;
    let mut house = House::of(REPO, "full.bin");
    house.sum = house.hub.put(REPO, house.file, bytes(SIZE, 3));
    std::fs::create_dir_all(house.cache()).unwrap();
    let namespace = ["--user", "--map-root-user", "--mount", "--", "sh", "-c"];
    let is_possible = |script: &str| {
        Command::new("unshare").args(namespace).args([script, "sh"]).arg(house.cache()).status()
    };
    if !is_possible("mount -t tmpfs none \"$1\"").is_ok_and(|status| status.success()) {
        eprintln!("not run here: no disk can be mounted");
        return;
    }
    // 256 MiB stay free before a download begins.
    let script = r#"
        mount -t tmpfs -o size=304m none "$1" && shift
        "$@"; rm -f "$HF_HUB_CACHE/filler"; "$@"
        cd "$HF_HUB_CACHE" && find . ! -type d | sort
    "#;
    let pull = house.lectern(&["pull", &house.what(), "--no-expert"]);
    let mut command = Command::new("unshare");
    command
        .args(namespace)
        .args([script, "sh"])
        .arg(house.cache())
        .arg(pull.get_program())
        .args(pull.get_args());
    command.envs(pull.get_envs().filter_map(|(name, value)| Some((name, value?)))).env_remove("HF_TOKEN");
    // As long as it takes to fill the disk.
    command.env("HF_HUB_DOWNLOAD_TIMEOUT", "300");
    house.hub.faults().gate_after = Some(SIZE / 4);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    house.hub.wait_unless(SIZE / 4, || !is_running(&mut child));
    let filler = format!("/proc/{}/root{}/filler", child.id(), house.cache().display());
    let full = std::fs::write(filler, vec![1; 400 << 20]).unwrap_err();
    assert_eq!(full.kind(), std::io::ErrorKind::StorageFull);
    house.hub.open_gate();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<&str> = said.lines().collect();
    let first: Value = serde_json::from_str(lines[0]).unwrap();
    let second: Value = serde_json::from_str(lines[1]).unwrap();
    eprintln!("with a full disk: {first}");
    assert!(first["error"]["code"] == "hub.disk_full" || first["sha256"] == house.sum.as_str(), "{said}");
    assert_eq!((&second["sha256"], &second["received"]), (&house.sum.as_str().into(), &0.into()), "{said}");
    assert_eq!(house.hub.sent(), SIZE, "every byte came once");
    let left: Vec<&str> = lines[2..].iter().copied().filter(|file| !file.ends_with(".lock")).collect();
    assert_eq!(left, house.whole().map(|file| format!("./{file}")));
}

/// The downloader's memory just before the last bytes of so large a file, and the seconds that the whole took.
fn peak_for(size: u64) -> (u64, f64) {
    let house = House::of(REPO, "large.bin");
    house.hub.put(REPO, house.file, vec![0; size as usize]);
    house.hub.faults().gate_after = Some(size - MIB);
    let begun = Instant::now();
    let child = house.pull();
    house.hub.wait_unless(size - MIB, || false);
    let peak = peak(child.id()).unwrap();
    house.hub.open_gate();
    assert!(child.wait_with_output().unwrap().status.success());
    let seconds = begun.elapsed().as_secs_f64();
    eprintln!("{} MB in {seconds:.1} s, {} KiB of memory at the peak", size / 1_000_000, peak >> 10);
    (peak, seconds)
}

#[test]
fn a_large_file_takes_no_more_memory_than_a_small_one() {
    assert!(peak_for(200 * MIB).0 < MEMORY);
}

#[test]
#[ignore = "writes 3 GB: cargo xtask faults does it"]
fn a_file_of_gigabytes_takes_no_more_memory_than_a_small_one() {
    let size = 1500 * MIB;
    let (peak, seconds) = peak_for(size);
    assert!(peak < MEMORY);
    // Beside it the same bytes by a program that checks nothing, as far as one is here.
    let (hub, folder) = (FakeHub::start(), tempfile::tempdir().unwrap());
    hub.put(REPO, "plain.bin", vec![0; size as usize]);
    let begun = Instant::now();
    let mut plain = Command::new("curl");
    plain.args(["--silent", "--location", "--output"]).arg(folder.path().join("plain.bin"));
    if plain
        .arg(format!("{}/{REPO}/resolve/main/plain.bin", hub.endpoint()))
        .status()
        .is_ok_and(|it| it.success())
    {
        eprintln!("{:.1} s by curl, {seconds:.1} s with every byte checked", begun.elapsed().as_secs_f64());
    }
}
