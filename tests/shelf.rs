//! The shelf: models of folders that are watched, several files of one expert, and what comes back with an expert that was
//! removed.

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

use engine::hub::{HubError, Machine, Trash, Watch, offer};
use engine::pool::{Expert, Manifest, Offer, Outcome, Pool};
use engine::settings::Settings;
use engine::words::Failure;
use house::{House, json};
use serde_json::Value;
use std::path::PathBuf;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};
use toy::Toy;

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
fn one_of_several_files_goes_alone_says_who_takes_over_and_comes_back_as_it_was() {
    let house = House::new();
    let (small, _) =
        house.pull("Speller-1B-Q4_0.gguf", Toy { says: &["small"], feed_forward: 64, ..Toy::default() });
    let (large, _) =
        house.pull("Speller-1B-Q8_0.gguf", Toy { says: &["large"], feed_forward: 96, ..Toy::default() });
    let (pool, name) = (house.pool(), "speller-1b");
    pool.choose(name, Some("Q8_0")).unwrap();
    pool.record(name, Outcome { success: true, latency_ms: 5.0, ..Outcome::default() }).unwrap();
    let before = pool.get(name).unwrap();
    let trash = Trash::of(&house.hub_at(&house.cache()));

    let without = trash.remove_build(&pool, name, "q8_0").unwrap();
    assert_eq!((without.file.quantisation.as_str(), without.freed_bytes), ("Q8_0", large.bytes));
    let uses = without.expert.implementation().unwrap();
    assert_eq!(
        (uses.quantisation.as_str(), &without.expert.manifest.uses),
        ("Q4_0", &None),
        "the other takes over"
    );
    assert!(!large.path.exists() && small.path.exists());
    assert_eq!(house.answer_of(name), "small");
    let last = Failure::from(pool.take_file(name, "Q4_0").unwrap_err());
    assert_eq!(last.code, "pool.last_file");
    assert_eq!(trash.restore_build(&pool, name, "/no/such.gguf").unwrap_err().code, "hub.not_removed");

    let back = trash.restore_build(&pool, name, &without.file.file).unwrap();
    assert_eq!(back.manifest, before.manifest, "chosen as before, in its place");
    assert_eq!(std::fs::metadata(&large.path).unwrap().len(), large.bytes);
    assert_eq!(house.answer_of(name), "large");
    assert!(trash.restore_build(&pool, name, &without.file.file).is_err(), "once");

    // With the expert gone meanwhile, it comes back after it.
    let without = trash.remove_build(&pool, name, "Q4_0").unwrap();
    let rest = pool.get(name).unwrap().manifest;
    trash.remove_expert(&pool, name).unwrap();
    assert_eq!(trash.restore_build(&pool, name, &without.file.file).unwrap_err().code, "pool.not_found");
    trash.restore_expert(&pool, &rest).unwrap();
    trash.restore_build(&pool, name, &without.file.file).unwrap();
    assert_eq!(pool.get(name).unwrap().manifest, before.manifest);

    // In the terminal it is for good; what another expert uses stays.
    pool.put(&Manifest { name: "twin".into(), ..before.manifest.clone() }).unwrap();
    let kept = house.says(&["experts", "remove", "twin", "Q8_0"]);
    assert_eq!((&kept["freed_bytes"], large.path.exists()), (&0.into(), true), "{kept}");
    let gone = house.says(&["experts", "remove", name, "Q8_0"]);
    assert_eq!((&gone["freed_bytes"], large.path.exists()), (&large.bytes.into(), false), "{gone}");
    assert_eq!(gone["expert"]["manifest"]["implementations"].as_array().unwrap().len(), 1);
    assert!(small.path.exists());
    drop(trash);
    assert!(small.path.exists(), "what came back is not swept");
}

#[test]
fn sampling_comes_from_the_file_and_everything_that_is_said_of_an_expert_can_be_edited() {
    let house = House::new();
    let path = house.at("advised.gguf");
    Toy::default().write_with(&path, |file| {
        file.set("general.sampling.temp", 0.75f32).set("general.sampling.top_k", 20i32);
        file.set("general.sampling.top_p", 7.0f32).set("general.sampling.min_p", "much");
    });
    let file = path.to_str().unwrap();
    let added = house.says(&["experts", "add", file, "--name", "advised", "--domains", "law"]);
    let sampling = &added["sampling"];
    assert_eq!((&sampling["temperature"], &sampling["top_k"]), (&0.75.into(), &20.into()), "{added}");
    assert_eq!(
        (&sampling["top_p"], &sampling["min_p"]),
        (&1.0.into(), &0.0.into()),
        "what makes no sense is passed over"
    );

    let edited = house.says(&[
        "experts", "edit", "advised", "--title", "Of law", "--domains", "Law, ,tax", "--prompt", "Be brief.",
        "--temperature", "0", "--max-tokens", "64",
    ]);
    let now = &edited["manifest"];
    assert_eq!(
        (&now["title"], &now["domains"]),
        (&"Of law".into(), &serde_json::json!(["law", "tax"])),
        "{edited}"
    );
    assert_eq!((&now["system_prompt"], &now["max_tokens"]), (&"Be brief.".into(), &64.into()));
    assert_eq!((&now["sampling"]["temperature"], &now["sampling"]["top_k"]), (&0.0.into(), &20.into()));
    assert_eq!(
        house.says(&["experts", "edit", "advised", "--prompt", ""])["manifest"]["system_prompt"],
        Value::Null
    );
    let wrong = house.says(&["experts", "edit", "advised", "--top-p", "0"]);
    assert_eq!(wrong["error"]["code"], "pool.bad_edit");
    let nothing = house.lectern(&["experts", "edit", "advised"]).output().unwrap();
    assert_eq!(nothing.status.code(), Some(2));
}

#[test]
fn a_file_that_is_offered_or_named_twice_is_not_taken() {
    let house = House::new();
    let pool = house.pool();
    house.model("shelf/Reader-1B-Q4_0.gguf", Toy::default());
    house.model("shelf/Reader-1B-Q8_0.gguf", Toy::default());
    offer(&pool, &watching(&[house.at("shelf")])).unwrap();
    let code = |name: &str, file: &str| Failure::from(pool.take_file(name, file).unwrap_err()).code;
    assert_eq!(
        code("reader-1b", "Q8_0"),
        "pool.is_offered",
        "the next look at the folder would bring it back"
    );
    let one = house.model("a/Speller-1B-Q4_0.gguf", Toy::default());
    let two = house.model("b/Speller-1B-Q4_0.gguf", Toy::default());
    pool.add(&one, "mine", &[]).unwrap();
    pool.add(&two, "mine", &[]).unwrap();
    assert_eq!(code("mine", "Q4_0"), "pool.which_file");
    assert_eq!(code("mine", "Q2_K"), "pool.no_file");
    let (taken, left) = pool.take_file("mine", two.to_str().unwrap()).unwrap();
    assert_eq!((PathBuf::from(taken.file.file), left.file), (two, one));
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
