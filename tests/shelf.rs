//! The shelf: where models lie on this disk. Folders that are watched, several files of one expert, and the way of all
//! of it to another folder, cut off at every moment.

// A helper that cannot go on fails its test.
#![allow(clippy::unwrap_used)]

// Other journeys use the rest of the hub and of the toys.
#[allow(dead_code)]
#[path = "support/hub.rs"]
mod hub;
#[allow(dead_code)]
#[path = "support/toy.rs"]
mod toy;

use engine::home::Home;
use engine::hub::{
    Fetched, FileName, Hub, HubError, Machine, Move, Moved, Place, Stop, Trash, Watch, Wish, offer,
};
use engine::pool::{Expert, Manifest, Offer, Outcome, Pool};
use engine::settings::Settings;
use engine::words::Failure;
use hub::{FakeHub, sha256};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};
use toy::Toy;

const REPO: &str = "somebody/toy-GGUF";

/// A home, a hub, and the folder of the models.
struct House {
    hub: FakeHub,
    folder: tempfile::TempDir,
}

impl House {
    fn new() -> House {
        House { hub: FakeHub::start(), folder: tempfile::tempdir().unwrap() }
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn home(&self) -> Home {
        let home = Home::at(self.at("home"));
        home.prepare().unwrap();
        home
    }

    fn pool(&self) -> Pool {
        Pool::open_with(&self.home(), &[]).unwrap()
    }

    fn cache(&self) -> PathBuf {
        self.at("cache/huggingface/hub")
    }

    fn hub_at(&self, cache: &Path) -> Hub {
        Hub::at(&self.home(), Place::at(&self.hub.endpoint(), cache).unwrap(), Default::default())
    }

    /// A model in a folder of the house.
    fn model(&self, name: &str, toy: Toy<'_>) -> PathBuf {
        let path = self.at(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        toy.write(&path);
        path
    }

    /// Fetches a model from the hub and makes an expert of it.
    fn pull(&self, file: &str, toy: Toy<'_>) -> (Fetched, Manifest) {
        self.hub.put(REPO, file, std::fs::read(self.model("made.gguf", toy)).unwrap());
        let (ours, name) = (self.hub_at(&self.cache()), FileName::new(REPO, "main", file).unwrap());
        let fetched = ours.fetch(&name, None, &Stop::default(), &mut |_| {}).unwrap();
        let host = Path::new(env!("CARGO_BIN_EXE_lectern"));
        let manifest = ours.add_expert(&self.pool(), &fetched, &Wish::default(), host).unwrap();
        (fetched, manifest)
    }

    /// `lectern …` with this home, whose settings decide where the models lie.
    fn lectern(&self, arguments: &[&str]) -> Command {
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

    fn says(&self, arguments: &[&str]) -> Value {
        json(&self.lectern(arguments).output().unwrap())
    }

    fn answer_of(&self, expert: &str) -> String {
        let asked = self.says(&["ask", "hi", "--expert", expert]);
        asked["answer"].as_str().unwrap_or_else(|| panic!("{asked}")).trim().to_owned()
    }
}

fn json(output: &Output) -> Value {
    let text = String::from_utf8_lossy(&output.stdout);
    let said = String::from_utf8_lossy(&output.stderr);
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error} in {text:?}; it said {said}"))
}

fn watching(folders: &[PathBuf]) -> Settings {
    let mut settings = Settings::default();
    settings.hub.folders = folders.iter().map(|folder| folder.display().to_string()).collect();
    settings
}

fn experts(pool: &Pool) -> Vec<(String, Offer)> {
    let of = |expert: Expert| (expert.manifest.name, expert.manifest.offer);
    pool.experts().into_iter().filter(|expert| !expert.starter).map(of).collect()
}

/// Names of the added experts, each with how it came.
fn listed(list: &Value) -> Vec<(&str, &str)> {
    let added = list["experts"].as_array().unwrap().iter().filter(|expert| expert["starter"] == false);
    added
        .map(|expert| {
            let manifest = &expert["manifest"];
            (manifest["name"].as_str().unwrap(), manifest["offer"].as_str().unwrap())
        })
        .collect()
}

// ---- folders

#[test]
fn a_model_in_a_watched_folder_is_offered_answers_by_hand_and_vanishes_with_its_file() {
    let house = House::new();
    let model = house.model("shelf/deep/er/Speller-1B-Q8_0.gguf", Toy { says: &["hello"], ..Toy::default() });
    std::fs::write(house.at("shelf/broken.gguf"), b"GGUF and no more").unwrap();
    let before = std::fs::read(&model).unwrap();
    let shelf = house.at("shelf");
    let added = house.says(&["experts", "folders", "add", shelf.to_str().unwrap()]);
    let files = added["folders"][0]["files"].as_array().unwrap();
    assert_eq!(files[0]["expert"], Value::Null, "{added}");
    assert!(files[0]["why_not"].is_string(), "{added}");
    assert_eq!(files[1]["expert"], "speller-1b");
    assert_eq!(listed(&house.says(&["experts", "list"])), [("speller-1b", "open")]);
    assert_eq!(house.answer_of("speller-1b"), "hello");
    // No question goes there by itself: its domains are nobody's yet.
    let routed = house.says(&["route", "Tell me something about the sea"]);
    assert_ne!(routed["chosen"], "speller-1b");

    let aside = house.at("aside.gguf");
    std::fs::rename(&model, &aside).unwrap();
    assert!(listed(&house.says(&["experts", "list"])).is_empty(), "its file is gone");
    std::fs::rename(&aside, &model).unwrap();
    assert_eq!(listed(&house.says(&["experts", "list"])), [("speller-1b", "open")]);
    assert_eq!(std::fs::read(&model).unwrap(), before, "it is only read");
    let shown = house.says(&["experts", "show", "speller-1b"]);
    assert_eq!(shown["statistics"]["answers"], 1, "what it did here is not forgotten");

    house.says(&["experts", "folders", "remove", shelf.to_str().unwrap()]);
    assert!(listed(&house.says(&["experts", "list"])).is_empty(), "the folder is watched no more");
    assert!(model.is_file());
}

#[test]
fn an_offer_that_is_declined_stays_away_and_one_that_is_wanted_is_an_expert_like_any_other() {
    let house = House::new();
    let pool = house.pool();
    let first = house.model("shelf/first.gguf", Toy::default());
    house.model("shelf/second.gguf", Toy { layers: 2, ..Toy::default() });
    let settings = watching(&[house.at("shelf")]);
    offer(&pool, &settings).unwrap();
    let offered = |name: &str| (name.to_owned(), Offer::Open);
    assert_eq!(experts(&pool), [offered("first"), offered("second")]);

    assert_eq!(pool.remove("second").unwrap(), 0);
    let found = offer(&pool, &settings).unwrap();
    assert_eq!(experts(&pool), [offered("first")], "it was not wanted");
    assert_eq!(found[0].files[1].why_not.as_deref(), Some("you removed it"));

    pool.record("first", Outcome { success: true, latency_ms: 3.0, ..Outcome::default() }).unwrap();
    pool.add(&first, "law", &["law".into()]).unwrap();
    offer(&pool, &settings).unwrap();
    assert_eq!(experts(&pool), [("law".to_owned(), Offer::Accepted)], "one expert and no offer beside it");
    std::fs::remove_file(&first).unwrap();
    let expert = pool.get("law").unwrap();
    assert!(expert.unavailable.is_some(), "one that somebody wanted is missed, not forgotten");
}

#[test]
fn a_folder_that_is_away_keeps_its_offers_and_another_file_of_the_same_name_is_looked_at_anew() {
    let house = House::new();
    let pool = house.pool();
    let model = house.model("shelf/m.gguf", Toy::default());
    let settings = watching(&[house.at("shelf")]);
    offer(&pool, &settings).unwrap();
    std::fs::rename(house.at("shelf"), house.at("unplugged")).unwrap();
    let found = offer(&pool, &settings).unwrap();
    assert!(!found[0].here && experts(&pool).is_empty());
    std::fs::rename(house.at("unplugged"), house.at("shelf")).unwrap();
    assert_eq!(experts(&pool).len(), 1);
    let before = pool.get("m").unwrap().implementation().unwrap().bytes;
    Toy { layers: 3, ..Toy::default() }.write(&model);
    offer(&pool, &settings).unwrap();
    let now = pool.get("m").unwrap();
    assert!(now.unavailable.is_none() && now.implementation().unwrap().bytes > before);
}

#[test]
fn a_file_that_comes_while_somebody_watches_is_heard_of_once_it_is_whole() {
    let house = House::new();
    let pool = house.pool();
    let bytes = std::fs::read(house.model("made.gguf", Toy::default())).unwrap();
    let shelf = house.at("shelf");
    std::fs::create_dir_all(&shelf).unwrap();
    let settings = watching(std::slice::from_ref(&shelf));
    let (tell, told) = channel();
    let watch = Watch::begin(std::slice::from_ref(&shelf), move || {
        let _ = tell.send(());
    })
    .unwrap();
    let patience = Duration::from_secs(60);

    std::fs::write(shelf.join("comes.gguf"), &bytes[..bytes.len() / 2]).unwrap();
    told.recv_timeout(patience).unwrap();
    offer(&pool, &settings).unwrap();
    assert!(experts(&pool).is_empty(), "a half of it is no expert");
    std::fs::write(shelf.join("comes.gguf"), &bytes).unwrap();
    told.recv_timeout(patience).unwrap();
    offer(&pool, &settings).unwrap();
    assert_eq!(experts(&pool).len(), 1);
    // Reading it is no change; the next thing that is heard of is its end.
    std::fs::read(shelf.join("comes.gguf")).unwrap();
    std::fs::remove_file(shelf.join("comes.gguf")).unwrap();
    told.recv_timeout(patience).unwrap();
    assert!(experts(&pool).is_empty());
    drop(watch);
    assert!(told.recv_timeout(patience).is_err(), "the watch has ended, and its thread with it");
}

// ---- several files of one expert

#[test]
fn a_second_quantisation_is_one_more_file_of_the_expert_and_the_best_that_fits_answers() {
    let house = House::new();
    let (small, first) =
        house.pull("Speller-1B-Q4_0.gguf", Toy { says: &["small"], feed_forward: 64, ..Toy::default() });
    let (large, second) =
        house.pull("sub/Speller-1B-Q8_0.gguf", Toy { says: &["large"], feed_forward: 96, ..Toy::default() });
    assert_eq!((first.name.as_str(), second.name.as_str()), ("speller-1b", "speller-1b"));
    let kinds: Vec<&str> = second.implementations.iter().map(|file| file.quantisation.as_str()).collect();
    assert_eq!(kinds, ["Q4_0", "Q8_0"]);
    assert!(small.bytes < large.bytes, "the case that this test is about");
    let (_, other) = house.pull("Other-1B-Q8_0.gguf", Toy::default());
    assert_eq!(other.name, "other-1b", "another model is another expert");

    // Toys are of 32 bits a weight whatever their names say, so that the smaller of those that are more than enough is used.
    assert_eq!(house.answer_of("speller-1b"), "small");
    let used = house.says(&["experts", "use", "speller-1b", "q8_0"]);
    assert_eq!((&used["using"], &used["manifest"]["uses"]), (&1.into(), &used["file"]));
    assert_eq!(house.answer_of("speller-1b"), "large");
    let unknown = house.says(&["experts", "use", "speller-1b", "Q2_K"]);
    assert_eq!(unknown["error"]["code"], "pool.no_file");
    assert!(unknown["error"]["message"].as_str().unwrap().contains("Q4_0, Q8_0"), "{unknown}");
    assert_eq!(house.says(&["experts", "use", "speller-1b"])["using"], 0);

    let shown = house.lectern(&["experts", "show", "speller-1b"]).output().unwrap();
    assert!(json(&shown)["manifest"]["implementations"].as_array().unwrap().len() == 2);
    let disk = house.says(&["experts", "disk"]);
    let usage =
        disk["experts"].as_array().unwrap().iter().find(|usage| usage["expert"] == "speller-1b").unwrap();
    assert_eq!((&usage["bytes"], &usage["frees"]), (&(small.bytes + large.bytes).into(), &true.into()));
    let removed = house.says(&["experts", "remove", "speller-1b"]);
    assert_eq!(removed["freed_bytes"], small.bytes + large.bytes, "both files go");
    assert!(!small.path.exists() && !large.path.exists());
}

#[test]
fn a_file_of_ones_own_joins_the_expert_that_is_the_same_model_and_no_other() {
    let house = House::new();
    let pool = house.pool();
    let one = house.model("a/Speller-1B-Q4_0.gguf", Toy::default());
    let two = house.model("b/speller-1b.Q8_0.gguf", Toy::default());
    let three = house.model("b/another-1b.Q8_0.gguf", Toy::default());
    pool.add(&one, "mine", &["law".into()]).unwrap();
    let both = pool.add(&two, "mine", &[]).unwrap();
    assert_eq!((both.implementations.len(), both.domains), (2, vec!["law".to_owned()]));
    assert_eq!(Failure::from(pool.add(&two, "mine", &[]).unwrap_err()).code, "pool.name_taken", "it has it");
    assert_eq!(Failure::from(pool.add(&three, "mine", &[]).unwrap_err()).code, "pool.name_taken");

    // The memory decides: each file takes its own bytes, its cache and the process.
    let need = |at: usize| both.implementations[at].memory();
    assert!(need(0) > both.implementations[0].bytes);
    std::fs::remove_file(&one).unwrap();
    assert_eq!(pool.get("mine").unwrap().file, two, "the other one stands in");
    std::fs::remove_file(&two).unwrap();
    assert!(pool.get("mine").unwrap().unavailable.is_some());
}

#[test]
fn a_manifest_of_an_earlier_lectern_is_read_as_it_was() {
    let house = House::new();
    let pool = house.pool();
    let model = house.model("old.gguf", Toy::default());
    let old = format!(
        r#"{{"name": "old", "implementations": [{{"file": {:?}, "quantisation": "F32", "bytes": {}, "sha256": "", "parameters": 5}}]}}"#,
        model.display().to_string(),
        model.metadata().unwrap().len()
    );
    std::fs::write(house.home().pool_dir().join("old.json"), old).unwrap();
    let expert = pool.get("old").unwrap();
    assert_eq!((expert.file, expert.using, expert.unavailable), (model, 0, None));
    assert_eq!(expert.manifest.offer, Offer::Accepted);
}

// ---- what was removed, and what was asked

#[test]
fn an_undone_removal_brings_the_figures_back() {
    let house = House::new();
    let (fetched, manifest) = house.pull("Speller-1B-Q4_0.gguf", Toy::default());
    let (pool, name) = (house.pool(), manifest.name.as_str());
    for latency_ms in [10.0, 20.0, 60.0] {
        let outcome = Outcome { success: true, latency_ms, tokens: 4, ..Outcome::default() };
        pool.record(name, Outcome { tokens_per_s: Some(7.0), ..outcome }).unwrap();
    }
    let before = pool.get(name).unwrap();
    let trash = Trash::of(&house.hub_at(&house.cache()));
    trash.remove_expert(&pool, name).unwrap();
    assert!(!fetched.path.exists());
    // Another expert answers meanwhile, and so takes the next number of a sample.
    pool.record("somebody-else", Outcome { success: true, latency_ms: 1.0, ..Outcome::default() }).unwrap();
    trash.restore_expert(&pool, &manifest).unwrap();
    assert_eq!(pool.get(name).unwrap(), before, "as if nothing had been");
    assert_eq!(before.statistics.latency_p50_ms, Some(20.0));
    trash.remove_expert(&pool, name).unwrap();
    drop(trash);
    pool.put(&manifest).unwrap();
    assert_eq!(pool.get(name).unwrap().statistics.answers, 0, "what was not undone is forgotten");
}

#[test]
fn going_offline_ends_a_search_that_is_under_way() {
    let house = House::new();
    house.hub.describe("a/one", r#"{"id": "a/one"}"#);
    // The hub is sick for ever: without a stop the search would try for minutes.
    house.hub.faults().hub_statuses = vec![503; 1000];
    let ours = house.hub_at(&house.cache());
    let machine = Machine { budget_bytes: 1, bytes_per_s: None };
    std::thread::scope(|scope| {
        let search = scope.spawn(|| ours.search("anything", 5, machine));
        while house.hub.heard().is_empty() {
            std::thread::yield_now();
        }
        let told = Instant::now();
        ours.stop_asking();
        assert!(matches!(search.join().unwrap(), Err(HubError::Stopped)));
        assert!(told.elapsed() < Duration::from_secs(5), "it took {:?}", told.elapsed());
    });
    let asked = house.hub.heard().len();
    house.hub.faults().hub_statuses.clear();
    assert!(ours.search("anything", 5, machine).is_ok(), "the next search is a new one");
    assert!(house.hub.heard().len() > asked);
}

// ---- the way to another folder

/// A house with two experts from the hub, one of them with two files, one of another tool beside them, and half a download.
fn furnished(pad: usize) -> (House, Vec<String>) {
    let house = House::new();
    let toy = |says| Toy { says, feed_forward: pad, ..Toy::default() };
    let mut sums = Vec::new();
    for (file, says) in [
        ("Speller-1B-Q4_0.gguf", &["first"] as &'static [&'static str]),
        ("Speller-1B-Q8_0.gguf", &["second"]),
        ("sub/Other-1B-Q8_0.gguf", &["third"]),
    ] {
        sums.push(house.pull(file, toy(says)).0.sha256);
    }
    let theirs = house.cache().join("models--tool--its/blobs");
    std::fs::create_dir_all(&theirs).unwrap();
    std::fs::write(theirs.join("f".repeat(64)), b"of another tool").unwrap();
    (house, sums)
}

/// Where the experts' files are, and that they are whole, wherever that is.
fn assert_every_expert_is_whole(house: &House, when: &str) {
    let pool = house.pool();
    let added: Vec<Expert> = pool.experts();
    assert_eq!(added.len(), 2, "{when}");
    for expert in added {
        assert_eq!(expert.unavailable, None, "{when}");
        for its in &expert.manifest.implementations {
            let bytes =
                std::fs::read(&its.file).unwrap_or_else(|error| panic!("{when}: {}: {error}", its.file));
            assert_eq!(sha256(&bytes), its.sha256, "{when}: {}", its.file);
        }
    }
}

/// Files under a folder that have so many bytes or more, without links to them.
fn large_files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if entry.file_type().unwrap().is_dir() {
            found.extend(large_files(&path));
        } else if entry.file_type().unwrap().is_file() && entry.metadata().unwrap().len() > 1000 {
            found.push(path);
        }
    }
    found
}

fn assert_it_is_there(house: &House, to: &Path, sums: &[String], moved: &Moved) {
    assert_eq!((moved.files, moved.damaged.len(), moved.done_bytes), (3, 0, moved.total_bytes));
    assert_every_expert_is_whole(house, "at the end");
    for expert in house.pool().experts() {
        for its in &expert.manifest.implementations {
            assert!(Path::new(&its.file).starts_with(to), "{} is not used there", its.file);
        }
    }
    let mut names: Vec<String> =
        large_files(to).iter().map(|path| path.file_name().unwrap().to_string_lossy().into_owned()).collect();
    names.sort();
    let mut expected = sums.to_vec();
    expected.sort();
    assert_eq!(names, expected, "each file once and nothing else");
    assert_eq!(large_files(&house.cache()), Vec::<PathBuf>::new(), "nothing of it is where it was");
    assert!(
        house.cache().join("models--tool--its/blobs").join("f".repeat(64)).is_file(),
        "others keep theirs"
    );
    assert!(!house.home().move_journal().exists());
    let cache = Settings::load(&house.home()).settings.hub.cache.map(PathBuf::from);
    assert_eq!(cache.as_deref(), Some(to));
    // Where other tools look for it there.
    let name = FileName::new(REPO, "main", "sub/Other-1B-Q8_0.gguf").unwrap();
    let found = house.hub_at(to).fetch(&name, None, &Stop::default(), &mut |_| {}).unwrap();
    assert_eq!((found.received, found.sha256.as_str()), (0, sums[2].as_str()));
}

/// A folder on the same file system, and one on another where this machine has one.
fn targets(house: &House) -> Vec<(PathBuf, Option<tempfile::TempDir>)> {
    let mut targets = vec![(house.at("new"), None)];
    #[cfg(target_os = "linux")]
    {
        use std::os::unix::fs::MetadataExt;
        let device = |path: &Path| path.metadata().map(|metadata| metadata.dev()).ok();
        let memory = Path::new("/dev/shm");
        match tempfile::tempdir_in(memory) {
            Ok(folder) if device(memory) != device(house.folder.path()) => {
                targets.push((folder.path().join("new"), Some(folder)));
            }
            _ => eprintln!("not run here: there is no second file system to move to"),
        }
    }
    targets
}

/// Every folder with every step of it: the move is left there as a kill leaves it, and gone on with.
#[test]
fn a_move_that_is_cut_off_at_any_step_loses_nothing_and_doubles_nothing() {
    for which in 0..2 {
        let mut last = None;
        for cut in 1.. {
            let (house, sums) = furnished(64);
            let mut targets = targets(&house);
            if which >= targets.len() {
                break;
            }
            let (to, _folder) = targets.swap_remove(which);
            let (pool, stop) = (house.pool(), Stop::default());
            let mut settings = Settings::default();
            settings.hub.cache = Some(house.cache().display().to_string());
            let it = Move::begin(&house.home(), &mut settings, &to).unwrap();
            assert_every_expert_is_whole(&house, "before the first step");
            let mut steps = 0;
            let run = it.run(&pool, &stop, &mut |_| {
                steps += 1;
                if steps == cut {
                    stop.pause();
                }
            });
            let moved = match run {
                Ok(moved) => moved,
                Err(failure) => {
                    assert_eq!(failure.code, "stopped", "{failure:?}");
                    assert_every_expert_is_whole(&house, &format!("after step {cut}"));
                    let it = Move::unfinished(&house.home()).unwrap().expect("it is not at its end");
                    it.run(&house.pool(), &Stop::default(), &mut |_| {}).unwrap()
                }
            };
            assert_it_is_there(&house, &to, &sums, &moved);
            if steps < cut {
                last = Some(cut - 1);
                break;
            }
        }
        eprintln!("cut off after each of {last:?} steps");
        assert!(which == 1 || last.is_some_and(|steps| steps >= 15), "{last:?} steps");
    }
}

/// The real program, killed at moments that nobody chose. `LIBRARY_ROUNDS=100` does it a hundred times as often.
#[test]
fn a_move_that_is_killed_again_and_again_ends_with_every_expert_answering() {
    let rounds: u32 =
        std::env::var("LIBRARY_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(1);
    let mut killed = 0;
    for round in 0..rounds * 2 {
        let (house, sums) = furnished(12_000);
        let mut targets = targets(&house);
        let (to, _folder) = targets.swap_remove(round as usize % targets.len());
        let first = Instant::now();
        let _ = house.lectern(&["experts", "list"]).output().unwrap();
        let start_up = first.elapsed();
        for kill in 0..6 {
            let mut arguments = vec!["experts", "move"];
            arguments.extend((kill == 0).then(|| to.to_str().unwrap()));
            let mut child = house.lectern(&arguments).spawn().unwrap();
            // From before the program has begun to after it is at its end.
            let moment = start_up.mul_f64(0.7 + 0.15 * f64::from((kill * 7 + round * 3) % 9));
            let begun = Instant::now();
            while begun.elapsed() < moment && child.try_wait().unwrap().is_none() {
                std::thread::yield_now();
            }
            killed += u32::from(child.try_wait().unwrap().is_none());
            let _ = child.kill();
            child.wait().unwrap();
            assert_every_expert_is_whole(&house, &format!("round {round}, after kill {kill}"));
        }
        // One that was killed before it had begun is asked for again.
        let is_under_way = house.home().move_journal().exists();
        let is_there = Settings::load(&house.home()).settings.hub.cache.is_some();
        match (is_under_way, is_there) {
            (true, _) => assert!(house.says(&["experts", "move"])["moved"].is_object()),
            (false, false) => {
                assert!(house.says(&["experts", "move", to.to_str().unwrap()])["moved"].is_object());
            }
            (false, true) => {}
        }
        let total: u64 = large_files(&to).iter().map(|path| path.metadata().unwrap().len()).sum();
        let moved = Moved {
            from: house.cache(),
            to: to.clone(),
            done_bytes: total,
            total_bytes: total,
            files: 3,
            damaged: Vec::new(),
        };
        assert_it_is_there(&house, &to, &sums, &moved);
        assert_eq!(house.answer_of("other-1b"), "third");
        assert_eq!(house.answer_of("speller-1b"), "first");
    }
    eprintln!("{killed} of {} runs were killed before their end", rounds * 12);
}

#[test]
fn an_unfinished_download_goes_on_in_the_new_folder() {
    let house = House::new();
    let bytes = hub::noise(13 << 20, 5);
    let sum = house.hub.put(REPO, "part.bin", bytes);
    let name = FileName::new(REPO, "main", "part.bin").unwrap();
    house.hub.faults().gate_after = Some(9 << 20);
    let (ours, stop) = (house.hub_at(&house.cache()), Stop::default());
    std::thread::scope(|scope| {
        let fetch = scope.spawn(|| ours.fetch(&name, None, &stop, &mut |_| {}));
        house.hub.wait_for(9 << 20);
        stop.pause();
        assert!(fetch.join().unwrap().is_err());
    });
    house.hub.open_gate();
    let targets = targets(&house);
    for (to, _folder) in &targets {
        let mut settings = Settings::load(&house.home()).settings;
        settings.hub.cache.get_or_insert(house.cache().display().to_string());
        let it = Move::begin(&house.home(), &mut settings, to).unwrap();
        it.run(&house.pool(), &Stop::default(), &mut |_| {}).unwrap();
        assert_eq!(house.hub_at(to).unfinished().len(), 1, "it is in {}", to.display());
        assert!(large_files(&house.cache()).is_empty(), "and not in the old one");
    }
    let to = PathBuf::from(Settings::load(&house.home()).settings.hub.cache.unwrap());
    let fetched = house.hub_at(&to).fetch(&name, None, &Stop::default(), &mut |_| {}).unwrap();
    assert!(fetched.sha256 == sum && fetched.resumed_from >= 2 << 20, "{fetched:?}");
}

#[test]
fn a_move_that_cannot_be_is_refused_before_anything_is_touched() {
    let (house, _) = furnished(64);
    let moves = |to: &Path| house.says(&["experts", "move", to.to_str().unwrap()]);
    assert_eq!(moves(&house.cache().join("deeper"))["error"]["code"], "hub.bad_name");
    std::fs::write(house.at("file"), b"x").unwrap();
    assert_eq!(moves(&house.at("file/below"))["error"]["code"], "hub.files");
    let fixed =
        house.lectern(&["experts", "move", house.at("new").to_str().unwrap()]).env("HF_HOME", "/x").output();
    let error = &json(&fixed.unwrap())["error"];
    assert_eq!(error["code"], "hub.fixed");
    assert!(error["message"].as_str().unwrap().contains("HF_HOME"), "{error}");
    assert!(house.says(&["experts", "move"])["moved"].is_null());
    assert_every_expert_is_whole(&house, "after refusals");
    assert_eq!(Settings::load(&house.home()).settings, Settings::default());
}

#[test]
fn a_file_that_is_damaged_stays_where_it_is_and_is_named() {
    let (house, sums) = furnished(64);
    let Some((to, _folder)) = targets(&house).into_iter().nth(1) else { return };
    let blob = house.cache().join("models--somebody--toy-GGUF/blobs").join(&sums[1]);
    let mut bytes = std::fs::read(&blob).unwrap();
    bytes[5000] ^= 1;
    std::fs::write(&blob, bytes).unwrap();
    let said = house.says(&["experts", "move", to.to_str().unwrap()]);
    assert_eq!(said["moved"]["damaged"][0], format!("{REPO}:Speller-1B-Q8_0.gguf"));
    assert!(blob.is_file(), "what nobody can read right is not thrown away either");
    let there: Vec<PathBuf> = large_files(&to);
    assert_eq!(there.len(), 2, "{there:?}");
}
