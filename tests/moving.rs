//! The way of the models to another folder, cut off at every moment: every expert can answer at each of them, and at the
//! end each file is there once.

// A helper that cannot go on fails its test.
#![allow(clippy::unwrap_used)]

// Other journeys use the rest of each.
#[allow(dead_code)]
#[path = "support/house.rs"]
mod house;
#[allow(dead_code)]
#[path = "support/hub.rs"]
mod hub;
#[allow(dead_code)]
#[path = "support/toy.rs"]
mod toy;

use engine::hub::{FileName, Move, Moved, Stop};
use engine::pool::Expert;
use engine::settings::Settings;
use house::{House, REPO, json};
use hub::sha256;
use std::path::{Path, PathBuf};
use std::time::Instant;
use toy::Toy;

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

/// The real program, killed at moments that nobody chose. `cargo xtask faults` does it more often.
#[test]
fn a_move_that_is_killed_again_and_again_ends_with_every_expert_answering() {
    let runs: u32 = std::env::var("LECTERN_RUNS").ok().and_then(|runs| runs.parse().ok()).unwrap_or(0);
    let rounds = (runs / 100).max(1);
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
