//! The pool: starters put in place, experts added in place, figures measured here.

// A helper that cannot go on fails its test.
#![allow(clippy::unwrap_used)]

// Other journeys use the rest of the toys.
#[allow(dead_code)]
#[path = "support/toy.rs"]
mod toy;

use engine::home::Home;
use engine::pool::{Manifest, Outcome, Pool, PoolError, PoolFile, Reads, RouterKind, Shipped, shipped};
use engine::words::Failure;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};
use toy::Toy;

struct Place {
    folder: tempfile::TempDir,
    home: Home,
}

impl Place {
    /// A model outside the home.
    fn model(&self, name: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        Toy::default().write(&path);
        path
    }
}

fn place() -> Place {
    let folder = tempfile::tempdir().unwrap();
    let home = Home::at(folder.path().join("home"));
    Place { folder, home }
}

fn sha256(bytes: &[u8]) -> String {
    use sha2::{Digest, Sha256};
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A starter whose model is a toy; leaked, as shipped ones live as long as the program.
fn starter(name: &'static str, manifest: &'static str, says: &[&str]) -> Shipped {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("toy.gguf");
    Toy { says, ..Toy::default() }.write(&path);
    let model: &'static [u8] = std::fs::read(path).unwrap().leak();
    Shipped { name, manifest, model, sha256: sha256(model).leak() }
}

const SMALL: &str =
    r#"{"name": "arithmetic", "title": "Arithmetic", "domains": ["mathematics"], "reads": "question"}"#;

fn names(pool: &Pool) -> Vec<String> {
    pool.experts().into_iter().map(|expert| expert.manifest.name).collect()
}

#[test]
fn starters_are_put_in_place_with_what_their_manifest_left_out() {
    let place = place();
    let shipped = [starter("arithmetic", SMALL, &["four"])];
    let pool = Pool::open_with(&place.home, &shipped).unwrap();
    let expert = pool.get("arithmetic").unwrap();
    assert!(expert.starter && expert.unavailable.is_none());
    assert_eq!(expert.manifest.reads, Reads::Question);
    assert!(expert.file.starts_with(place.home.starters_dir()));
    assert_eq!(std::fs::read(&expert.file).unwrap(), shipped[0].model);
    let file = &expert.manifest.implementations[0];
    assert_eq!((file.bytes, file.sha256.as_str()), (shipped[0].model.len() as u64, shipped[0].sha256));
    assert!(file.parameters > 0 && !file.quantisation.is_empty(), "read from the file: {file:?}");
}

#[test]
fn a_starter_that_is_right_is_not_written_again() {
    let place = place();
    let shipped = [starter("arithmetic", SMALL, &["four"])];
    let file = Pool::open_with(&place.home, &shipped).unwrap().get("arithmetic").unwrap().file;
    // A time of long ago that the pool has never seen: the check sum is read, is right, and the file stays.
    let long_ago = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
    let touch = || std::fs::File::options().write(true).open(&file).unwrap().set_modified(long_ago).unwrap();
    touch();
    for _ in 0..2 {
        Pool::open_with(&place.home, &shipped).unwrap();
        assert_eq!(file.metadata().unwrap().modified().unwrap(), long_ago, "it was written again");
    }
}

#[test]
fn a_starter_that_is_damaged_missing_or_of_another_version_is_written_again() {
    let place = place();
    let shipped = [starter("arithmetic", SMALL, &["four"])];
    let open =
        |shipped: &[Shipped]| Pool::open_with(&place.home, shipped).unwrap().get("arithmetic").unwrap();
    let file = open(&shipped).file;

    let mut damaged = shipped[0].model.to_vec();
    let last = damaged.len() - 1;
    damaged[last] ^= 1;
    std::fs::write(&file, &damaged).unwrap();
    // Some file systems count in whole seconds: the same size at the same time would look untouched.
    std::fs::File::options().write(true).open(&file).unwrap().set_modified(SystemTime::UNIX_EPOCH).unwrap();
    open(&shipped);
    assert_eq!(std::fs::read(&file).unwrap(), shipped[0].model, "damaged");

    std::fs::remove_file(&file).unwrap();
    open(&shipped);
    assert_eq!(std::fs::read(&file).unwrap(), shipped[0].model, "missing");

    let newer = [starter("arithmetic", SMALL, &["five"])];
    assert_eq!(
        newer[0].model.len(),
        shipped[0].model.len(),
        "the same size, so that only the check sum tells"
    );
    assert_eq!(open(&newer).manifest.implementations[0].sha256, newer[0].sha256);
    assert_eq!(std::fs::read(&file).unwrap(), newer[0].model, "another version");
    let left: Vec<_> =
        std::fs::read_dir(place.home.starters_dir()).unwrap().flatten().map(|e| e.file_name()).collect();
    assert_eq!(left.len(), 2, "the model and the list, no temporary file: {left:?}");
}

#[test]
fn what_is_shipped_has_honest_manifests() {
    if shipped().is_empty() {
        eprintln!("skipped: no starter lies in src-tauri/starters yet");
    }
    for starter in shipped() {
        let manifest = Manifest::from_json(starter.manifest).unwrap();
        assert_eq!(manifest.name, starter.name, "the file is named as the expert");
        assert_eq!(sha256(starter.model), starter.sha256);
        assert!(!manifest.cannot.is_empty(), "{} says nothing about what it cannot do", starter.name);
        assert!(!manifest.measured.is_empty(), "{} shows no measured accuracy", starter.name);
        for measured in &manifest.measured {
            assert!(
                measured.n > 0 && (0.0..=1.0).contains(&measured.accuracy),
                "{}: {measured:?}",
                starter.name
            );
        }
    }
    let bytes: usize = shipped().iter().map(|starter| starter.model.len()).sum();
    assert!(bytes <= 20_000_000, "the starters take {bytes} bytes, more than 20 MB");
}

#[test]
fn an_added_expert_is_checked_described_and_used_in_place() {
    let place = place();
    let model = place.model("mine.gguf");
    let pool = Pool::open_with(&place.home, &[]).unwrap();
    let manifest = pool.add(&model, "mine", &["Law".into(), " ".into()]).unwrap();
    assert_eq!(manifest.domains, ["law"]);
    assert_eq!(manifest.reads, Reads::Conversation);
    let file = &manifest.implementations[0];
    assert_eq!(Path::new(&file.file), model);
    assert_eq!(file.sha256, sha256(&std::fs::read(&model).unwrap()));
    assert_eq!(file.bytes, model.metadata().unwrap().len());
    assert!(file.parameters > 0);

    let again = Pool::open_with(&place.home, &[]).unwrap();
    let expert = again.get("mine").unwrap();
    assert_eq!((expert.manifest, expert.starter), (manifest, false));

    std::fs::remove_file(&model).unwrap();
    let why = again.get("mine").unwrap().unavailable.expect("its file is gone");
    assert!(why.contains("mine.gguf"), "{why}");
    assert_eq!(names(&again), ["mine"], "it is listed all the same");
}

#[test]
fn another_process_that_adds_an_expert_is_noticed() {
    let place = place();
    let (window, shell) =
        (Pool::open_with(&place.home, &[]).unwrap(), Pool::open_with(&place.home, &[]).unwrap());
    shell.add(&place.model("mine.gguf"), "mine", &[]).unwrap();
    assert_eq!(names(&window), ["mine"]);
    window.record("mine", Outcome { success: true, latency_ms: 5.0, ..Outcome::default() }).unwrap();
    assert_eq!(shell.get("mine").unwrap().statistics.answers, 1);
    assert_eq!(window.get("mine").unwrap().statistics.answers, 1);
}

#[test]
fn what_is_no_model_is_refused_with_its_name() {
    let place = place();
    let pool = Pool::open_with(&place.home, &[]).unwrap();
    let whole = std::fs::read(place.model("whole.gguf")).unwrap();
    let bad = |name: &str, bytes: &[u8]| {
        let path = place.folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    };
    let files = [
        bad("empty.gguf", b""),
        bad("text.gguf", b"hello, I am a text"),
        bad("cut.gguf", &whole[..whole.len() / 2]),
        bad("header.gguf", &whole[..30]),
        place.folder.path().join("absent.gguf"),
        place.folder.path().to_path_buf(),
    ];
    for file in files {
        let failure = Failure::from(pool.add(&file, "bad", &[]).unwrap_err());
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        assert!(failure.message.contains(&name), "{name}: {}", failure.message);
        assert!(!failure.code.is_empty() && !failure.fix.is_empty(), "{failure:?}");
    }
    assert!(names(&pool).is_empty(), "nothing was added");
}

#[test]
fn names_are_unique_and_plain() {
    let place = place();
    let model = place.model("mine.gguf");
    let pool = Pool::open_with(&place.home, &[starter("arithmetic", SMALL, &["four"])]).unwrap();
    pool.add(&model, "mine", &[]).unwrap();
    for taken in ["mine", "arithmetic"] {
        assert!(matches!(pool.add(&model, taken, &[]), Err(PoolError::NameTaken(name)) if name == taken));
    }
    for bad in ["", "Mine", "../mine", "a b"] {
        assert!(matches!(pool.add(&model, bad, &[]), Err(PoolError::BadName(_))), "{bad:?}");
    }
}

#[test]
fn removing_never_deletes_a_file_that_is_not_ours() {
    let place = place();
    let model = place.model("mine.gguf");
    let pool = Pool::open_with(&place.home, &[starter("arithmetic", SMALL, &["four"])]).unwrap();
    pool.add(&model, "mine", &[]).unwrap();
    pool.record("mine", Outcome { success: true, latency_ms: 5.0, ..Outcome::default() }).unwrap();
    assert_eq!(pool.remove("mine").unwrap(), 0);
    assert!(model.is_file());
    assert_eq!(names(&pool), ["arithmetic"]);
    assert!(matches!(pool.remove("mine"), Err(PoolError::NotFound { known, .. }) if known == "arithmetic"));
    assert!(matches!(pool.remove("arithmetic"), Err(PoolError::IsStarter(_))));

    let inside = place.home.pool_dir().join("ours.gguf");
    std::fs::rename(&model, &inside).unwrap();
    pool.add(&inside, "mine", &[]).unwrap();
    assert_eq!(
        pool.get("mine").unwrap().statistics.answers,
        0,
        "the figures of the last one with this name are gone"
    );
    let bytes = inside.metadata().unwrap().len();
    assert_eq!(pool.remove("mine").unwrap(), bytes, "a file in our own folder is ours");
    assert!(!inside.exists());
}

#[test]
fn a_manifest_that_is_not_right_hides_no_other() {
    let place = place();
    let pool = Pool::open_with(&place.home, &[]).unwrap();
    pool.add(&place.model("mine.gguf"), "mine", &[]).unwrap();
    std::fs::write(place.home.pool_dir().join("broken.json"), "{ \"name\": ").unwrap();
    std::fs::write(place.home.pool_dir().join("other.json"), "{ \"name\": \"another\" }").unwrap();
    assert_eq!(names(&pool), ["mine"]);
    let problems = pool.problems();
    assert_eq!(problems.len(), 2);
    assert!(
        problems[0].message.contains("broken.json") && problems[1].message.contains("another"),
        "{problems:?}"
    );
}

#[test]
fn figures_are_measured_or_absent_and_survive_a_restart() {
    let place = place();
    let shipped = [starter("arithmetic", SMALL, &["four"])];
    let pool = Pool::open_with(&place.home, &shipped).unwrap();
    let none = pool.get("arithmetic").unwrap().statistics;
    assert_eq!(
        (none.answers, none.mean_latency_ms, none.latency_p50_ms, none.last_used),
        (0, None, None, None)
    );
    for (success, latency_ms) in [(true, 100.0), (true, 200.0), (false, 300.0)] {
        pool.record("arithmetic", Outcome { success, latency_ms, tokens: 7, ..Outcome::default() }).unwrap();
    }
    drop(pool);
    let found = Pool::open_with(&place.home, &shipped).unwrap().get("arithmetic").unwrap().statistics;
    assert_eq!((found.answers, found.successes, found.failures, found.tokens), (3, 2, 1, 21));
    // 100, then 100 + 0.2 · 100 = 120, then 120 + 0.2 · 180 = 156.
    assert_eq!((found.mean_latency_ms, found.latency_p50_ms, found.samples), (Some(156.0), Some(200.0), 3));
    assert_eq!(found.mean_tokens_per_s, None, "nobody measured it");
    assert!(found.last_used.is_some());
}

// The pool file.

fn with_file() -> (Place, Pool) {
    let place = place();
    let pool = with_starter(&place);
    (place, pool)
}

fn with_starter(place: &Place) -> Pool {
    Pool::open_with(&place.home, &[starter("arithmetic", SMALL, &["fine"])]).unwrap()
}

fn code(result: Result<PoolFile, PoolError>) -> (String, String) {
    let failure = Failure::from(result.unwrap_err());
    (failure.code, failure.message)
}

#[test]
fn a_pool_is_exported_and_imported_elsewhere_as_it_was() {
    let (place, pool) = with_file();
    let model = place.model("law model-Q8_0.gguf");
    pool.add(&model, "law", &["law".into()]).unwrap();
    std::fs::write(
        place.home.pool_file(),
        "router: {type: heuristic, top_k: 2, min_confidence: 0.5}\naggregation: {strategy: weighted, synthesis_model: law}\nmanagement: {performance_threshold: 0.25}\n",
    )
    .unwrap();
    let exported = pool.export();
    assert_eq!(
        exported.experts.iter().map(|entry| entry.name.as_str()).collect::<Vec<_>>(),
        ["arithmetic", "law"]
    );
    assert_eq!(exported.experts[1].models, std::slice::from_ref(&model));
    let file = place.folder.path().join("mine.yaml");
    std::fs::write(&file, exported.to_yaml().unwrap()).unwrap();

    let (elsewhere, other) = with_file();
    other.import(&file).unwrap();
    assert_eq!(other.export(), exported);
    assert_eq!(other.get("law").unwrap().file, model);
    assert_eq!(with_starter(&elsewhere).rules().router.top_k, 2, "it is followed from now on");
    other.import(&file).unwrap();
    assert_eq!(other.export(), exported, "twice is as once");
}

#[test]
fn what_the_file_says_of_an_expert_is_done_and_what_it_leaves_out_stays() {
    let (place, pool) = with_file();
    place.model("law.gguf");
    pool.add(&place.model("other.gguf"), "other", &["none".into()]).unwrap();
    let file = place.folder.path().join("mine.yaml");
    let text = "experts:\n- name: law\n  title: The Law\n  domains: [Law, insurance]\n  models: [law.gguf]\n  priority: 3\n  system_prompt: Be brief.\n  max_tokens: 77\n";
    std::fs::write(&file, text).unwrap();
    pool.import(&file).unwrap();
    let law = pool.get("law").unwrap().manifest;
    assert_eq!((law.title.as_str(), law.priority, law.max_tokens), ("The Law", 3, 77));
    assert_eq!(
        (law.domains, law.system_prompt.as_deref()),
        (vec!["law".to_owned(), "insurance".into()], Some("Be brief."))
    );
    assert_eq!(
        PathBuf::from(&law.implementations[0].file),
        place.folder.path().join("law.gguf"),
        "beside the file"
    );
    assert!(pool.get("other").is_ok(), "who is not named stays");

    std::fs::write(&file, "experts:\n- name: law\n  priority: 4\n").unwrap();
    pool.import(&file).unwrap();
    let law = pool.get("law").unwrap().manifest;
    assert_eq!((law.title.as_str(), law.priority, law.max_tokens), ("The Law", 4, 77));
}

#[test]
fn a_file_that_cannot_be_followed_changes_nothing_and_says_where() {
    let (place, pool) = with_file();
    let file = place.folder.path().join("mine.yaml");
    let good = place.model("good.gguf");
    let gone = "experts:\n- name: good\n  models: [good.gguf]\n- name: bad\n  models: [gone.gguf]\n";
    for (text, word) in [
        ("router:\n  top_k: 99\n", "mine.yaml:2:10"),
        ("management:\n  auto_scale: true\n", "mine.yaml:2:15"),
        (gone, "gone.gguf is no file"),
        ("experts:\n- name: new\n", "new is new and has no models"),
        ("experts:\n- name: arithmetic\n  title: Mine\n", "arithmetic came with Lectern"),
        ("aggregation:\n  synthesis_model: nobody\n", "synthesis_model nobody"),
    ] {
        std::fs::write(&file, text).unwrap();
        let (code, message) = code(pool.import(&file));
        assert_eq!(code, "pool.bad_file", "{message}");
        assert!(message.contains(word), "{text}: {message}");
    }
    assert_eq!(names(&pool), ["arithmetic"], "{} was not added", good.display());
    assert!(!place.home.pool_file().exists());
    assert_eq!(pool.rules(), PoolFile::default());
}

#[test]
fn an_edit_of_the_file_counts_at_once_and_a_bad_one_leaves_the_rules_as_they_were() {
    let (place, pool) = with_file();
    let write = |text: &str| std::fs::write(place.home.pool_file(), text).unwrap();
    assert_eq!(pool.rules(), PoolFile::default());
    write("router:\n  type: heuristic\n");
    assert_eq!(pool.rules().router.kind, RouterKind::Heuristic);
    assert!(pool.problems().is_empty());
    place.model("law.gguf");
    write(&format!(
        "router:\n  top_k: 3\nexperts:\n- name: law\n  models: [{:?}]\n",
        place.folder.path().join("law.gguf")
    ));
    assert_eq!((pool.rules().router.kind, pool.rules().router.top_k), (RouterKind::Neural, 3));
    assert!(pool.get("law").is_ok());

    write("router:\n  top_k: three, or four\n");
    assert_eq!(pool.rules().router.top_k, 3, "the last right one");
    let problems = pool.problems();
    assert_eq!(problems.len(), 1);
    assert!(problems[0].message.contains("pool.yaml:2:10"), "{}", problems[0].message);
    std::fs::remove_file(place.home.pool_file()).unwrap();
    assert_eq!(pool.rules(), PoolFile::default());
    assert!(pool.problems().is_empty());
}
