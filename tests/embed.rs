//! Encoders: texts become the vectors that transformers makes of them, in a locked process; hostile files are refused; the
//! archive searches by meaning beside words.
#![allow(clippy::unwrap_used, reason = "a helper that cannot go on fails its test")]

#[path = "support/answers.rs"]
mod answers;
#[path = "support/encoder.rs"]
mod encoder;
// Other journeys use the rest of it.
#[allow(dead_code)]
#[path = "support/hub.rs"]
mod hub;
#[path = "reference/recipe.rs"]
mod recipe;

use answers::{answer, entry, keep, place};
use encoder::{Tensors, reference, safetensors, tensors, wide, write_small};
use engine::archive::{Archive, NewEntry};
use engine::home::Home;
use engine::hub::{EncoderOnHub, Hub, HubError, KnownFile, Patience, Place, Stop};
use engine::retrieve::past_answers;
use engine::words::Question;
use hub::FakeHub;
use runtime::embed::{Embedder, EmbedderError, Encoder, Packed};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

const LECTERN: &str = env!("CARGO_BIN_EXE_lectern");

/// Both sides compute in 32 bits: sums of some dozen products are off by 2^-24 · √n of themselves, a few layers pass that
/// on, and the reference is rounded to seven places. Another epsilon or activation moves the numbers by a hundred times this.
const TOLERANCE: f32 = 1e-5;

fn floats(json: &Value) -> Vec<f32> {
    json.as_array().unwrap().iter().map(|number| number.as_f64().unwrap() as f32).collect()
}

fn off(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

#[test]
fn a_small_encoder_makes_the_tokens_and_vectors_of_the_reference() {
    let place = tempfile::tempdir().unwrap();
    let small = reference("embed.json");
    write_small(place.path(), &small);
    let cases = small["texts"].as_array().unwrap();
    let texts: Vec<&str> = cases.iter().map(|case| case["text"].as_str().unwrap()).collect();
    for (pooling, key) in [("mean_tokens", "mean"), ("cls_token", "first")] {
        std::fs::create_dir_all(place.path().join("1_Pooling")).unwrap();
        let config = json!({ format!("pooling_mode_{pooling}"): true }).to_string();
        std::fs::write(place.path().join("1_Pooling/config.json"), config).unwrap();
        let encoder = Encoder::open(place.path(), 2).unwrap();
        // All together, so that what keeps them apart is tried too.
        for (vector, case) in encoder.embed(&texts).iter().zip(cases) {
            let ids: Vec<u64> =
                case["ids"].as_array().unwrap().iter().map(|id| id.as_u64().unwrap()).collect();
            let ours: Vec<u64> =
                encoder.ids(case["text"].as_str().unwrap()).iter().map(|&id| id.into()).collect();
            assert_eq!(ours, ids, "{}", case["text"]);
            let off = off(vector, &floats(&case[key]));
            assert!(off <= TOLERANCE, "{key} of {}: off by {off}", case["text"]);
        }
    }
}

/// all-MiniLM-L6-v2, where LECTERN_ENCODER names its folder or the shared data has it.
fn minilm() -> Option<PathBuf> {
    let shared = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/encoders/all-MiniLM-L6-v2");
    let folder = std::env::var_os("LECTERN_ENCODER").map_or(shared, PathBuf::from);
    let found = folder.join("model.safetensors").is_file();
    if !found {
        eprintln!("skipped: all-MiniLM-L6-v2 is not in {}", folder.display());
    }
    found.then_some(folder)
}

#[test]
fn the_published_encoder_makes_the_published_vectors() {
    let Some(folder) = minilm() else { return };
    let encoder = Encoder::open(&folder, 2).unwrap();
    let cases = reference("embed-minilm.json");
    let mut worst = 1.0f32;
    for case in cases.as_array().unwrap() {
        let text = case["text"].as_str().unwrap();
        let ids: Vec<u64> = case["ids"].as_array().unwrap().iter().map(|id| id.as_u64().unwrap()).collect();
        assert_eq!(encoder.ids(text).iter().map(|&id| u64::from(id)).collect::<Vec<_>>(), ids, "{text}");
        let vector = encoder.embed(&[text]).remove(0);
        let cosine: f32 = vector.iter().zip(floats(&case["mean"])).map(|(a, b)| a * b).sum();
        worst = worst.min(cosine);
    }
    let started = Instant::now();
    let rounds = 50;
    (0..rounds).for_each(|_| drop(encoder.embed(&["How do I reset my password on the new site?"])));
    let each = started.elapsed().as_secs_f32() * 1e3 / rounds as f32;
    eprintln!("worst cosine with the reference {worst:.7}; a question takes {each:.1} ms");
    assert!(worst > 0.999_99, "{worst}");
}

#[test]
fn the_locked_process_says_the_same() {
    let place = tempfile::tempdir().unwrap();
    write_small(place.path(), &reference("embed.json"));
    let texts: Vec<String> = (0..150).map(|n| format!("question {n} of the water mill")).collect();
    let mut process = Embedder::start(Path::new(LECTERN), place.path(), 1).unwrap();
    assert_eq!(process.width().unwrap(), 24);
    let parts = process.sandbox().unwrap();
    assert!(!cfg!(target_os = "linux") || parts.iter().any(|part| part.contains("memory")), "{parts:?}");
    let here = Encoder::open(place.path(), 1).unwrap().embed(&texts);
    let there = process.embed(&texts).unwrap();
    assert!(here.iter().zip(&there).all(|(a, b)| off(a, b) == 0.0), "the same bits");
}

#[test]
fn a_hostile_folder_is_refused_by_file_and_field() {
    let small = reference("embed.json");
    let place = tempfile::tempdir().unwrap();
    let folder = place.path();
    let said = |change: &dyn Fn()| -> (String, String) {
        write_small(folder, &small);
        change();
        match Embedder::start(Path::new(LECTERN), folder, 1).unwrap().width() {
            Err(EmbedderError::Model { code, message, .. }) => (code, message),
            other => panic!("{other:?}"),
        }
    };
    let config = |key: &str, value: Value| {
        let mut config = small["config"].clone();
        config[key] = value;
        std::fs::write(folder.join("config.json"), config.to_string()).unwrap();
    };
    let weights = |change: &dyn Fn(&mut Tensors)| {
        let mut all = tensors(&small);
        change(&mut all);
        safetensors(&folder.join("model.safetensors"), &all);
    };
    let words = |change: &dyn Fn(&str) -> String| {
        let text = std::fs::read_to_string(folder.join("vocab.txt")).unwrap();
        std::fs::write(folder.join("vocab.txt"), change(&text)).unwrap();
    };
    type Case<'a> = (&'a dyn Fn(), &'a str, &'a str);
    let cases: [Case; 12] = [
        (&|| config("hidden_size", json!(0)), "config.json: hidden_size", "embed.unsupported"),
        (&|| config("hidden_size", json!(u64::MAX)), "config.json: hidden_size", "embed.unsupported"),
        (&|| config("num_attention_heads", json!(5)), "config.json: hidden_size", "embed.unsupported"),
        (&|| config("num_hidden_layers", json!(3)), "encoder.layer.2.", "embed.unsupported"),
        (&|| config("hidden_act", json!("relu")), "config.json: hidden_act", "embed.unsupported"),
        (&|| config("vocab_size", json!(20)), "vocab.txt: words", "embed.unsupported"),
        (&|| config("model_type", json!("t5")), "config.json: model_type", "embed.unsupported"),
        (&|| words(&|text| text.replace("[CLS]", "[CLX]")), "vocab.txt: [CLS]", "embed.unsupported"),
        (&|| words(&|_| String::new()), "vocab.txt: words", "embed.unsupported"),
        (
            &|| weights(&|all| all.retain(|(name, _)| name != "embeddings.LayerNorm.bias")),
            "embeddings.LayerNorm.bias: the tensor is absent",
            "embed.unsupported",
        ),
        (
            &|| weights(&|all| all.iter_mut().for_each(|(_, shape)| shape.reverse())),
            "has the shape",
            "embed.unsupported",
        ),
        (
            &|| {
                let file = std::fs::read(folder.join("model.safetensors")).unwrap();
                std::fs::write(folder.join("model.safetensors"), &file[..file.len() - 5]).unwrap();
            },
            "model.safetensors: the tensors end",
            "model.malformed",
        ),
    ];
    for (change, part, code) in cases {
        let (said_code, message) = said(change);
        assert!(message.contains(part) && said_code == code, "{part}: {said_code}: {message}");
    }
    std::fs::remove_file(folder.join("config.json")).unwrap();
    let gone = Embedder::start(Path::new(LECTERN), folder, 1).unwrap().width();
    assert!(matches!(&gone, Err(EmbedderError::Model { code, .. }) if code == "embed.file"), "{gone:?}");
}

fn cosines(archive: &Archive, text: &str, limit: usize) -> Vec<(String, f32)> {
    let hits = archive.search(text, limit).unwrap();
    assert!(hits.without_meaning.is_none(), "{:?}", hits.without_meaning);
    hits.hits.into_iter().map(|hit| (hit.id, hit.cosine.unwrap())).collect()
}

/// Whether a file under the folder has these bytes.
/// What the background took away meanwhile holds nothing.
fn has_bytes(folder: &Path, bytes: &[u8]) -> bool {
    std::fs::read_dir(folder).unwrap().flatten().any(|entry| {
        let path = entry.path();
        match path.is_dir() {
            true => has_bytes(&path, bytes),
            false => {
                std::fs::read(&path).unwrap_or_default().windows(bytes.len()).any(|window| window == bytes)
            }
        }
    })
}

#[test]
fn a_question_in_other_words_recalls_the_answer() {
    let Some(folder) = minilm() else { return };
    let place = place();
    let archive = Archive::open(&place.home).unwrap();
    archive.choose_encoder(Path::new(LECTERN), &folder).unwrap();
    let known = [
        ("How do I delete my account?", "Open the settings, then Account, then press Delete."),
        ("What is the capital of Germany?", "Berlin."),
        (
            "Write a Python function that returns the maximum of a list",
            "def largest(items):\n    return max(items)",
        ),
        ("What is 384 + 97?", "384 + 97 = 481"),
        ("What is my name?", "Your name is Ada."),
    ];
    for (question, answer) in known {
        archive.add(entry(question, answer)).unwrap().unwrap();
    }
    let ask = |question: &str| past_answers(&archive, &Question::new(question)).unwrap().passages;
    for (asked, expected) in [
        ("I want to get rid of my account, how does that work?", known[0].0),
        ("Which city is Germany's seat of government?", known[1].0),
    ] {
        let passages = ask(asked);
        assert_eq!(passages.first().map(|passage| passage.question.as_str()), Some(expected), "{asked}");
        assert!(passages[0].cosine.is_some_and(|cosine| cosine >= 0.7) && passages[0].score <= 1.0);
    }
    for asked in [
        "What is the capital of France?", "Write a Python function that returns the minimum of a list",
        "What is 384 + 98?", "What is your name?", "How do I knit a scarf?",
    ] {
        assert!(ask(asked).is_empty(), "{asked}: {:?}", ask(asked));
    }
}

#[test]
fn an_encoder_is_fetched_by_its_check_sums_or_not_at_all() {
    let place = place();
    place.home.prepare().unwrap();
    let beside = place.home.root().parent().unwrap();
    let source = beside.join("source");
    write_small(&source, &reference("embed.json"));
    let (there, repo) = (FakeHub::start(), "somebody/small-encoder");
    let known = |file: &str| KnownFile {
        file: file.into(),
        sha256: there.put(repo, file, std::fs::read(source.join(file)).unwrap()),
    };
    let wanted = EncoderOnHub {
        name: "small".into(),
        repo: repo.into(),
        weights: known("model.safetensors"),
        small: ["config.json", "vocab.txt", "sentence_bert_config.json"].map(known).into(),
    };
    let at = Place::at(&there.endpoint(), &beside.join("cache")).unwrap();
    let patience = Patience { first: Duration::from_millis(2), spare_bytes: 0, ..Patience::default() };
    let fetch = |wanted: &EncoderOnHub, at: &Place| {
        let ours = Hub::at(&place.home, at.clone(), patience);
        ours.fetch_encoder(wanted, &place.home.encoders_dir(), &Stop::default(), &mut |_| {})
    };
    let folder = fetch(&wanted, &at).unwrap();
    let archive = Archive::open(&place.home).unwrap();
    archive.choose_encoder(Path::new(LECTERN), &folder).unwrap();
    assert_eq!(archive.encoder().unwrap().name, "small");

    let asked = there.heard().len();
    assert_eq!(fetch(&wanted, &at).unwrap(), folder);
    let again: Vec<String> = there.heard().split_off(asked).into_iter().map(|heard| heard.path).collect();
    assert!(again.iter().all(|path| path.contains("model.safetensors")), "what is here is here: {again:?}");

    let asked = there.heard().len();
    let offline = Place { offline: Some("the test".into()), ..at.clone() };
    let elsewhere = EncoderOnHub { name: "elsewhere".into(), ..wanted.clone() };
    assert!(matches!(fetch(&elsewhere, &offline), Err(HubError::Offline(_))));
    assert_eq!(there.heard().len(), asked, "something was asked");

    let mut other = EncoderOnHub { name: "other".into(), ..wanted.clone() };
    other.small[1].sha256 = "0".repeat(64);
    assert!(matches!(fetch(&other, &at), Err(HubError::WrongBytes { file, .. }) if file == "vocab.txt"));
    other.small[1] = wanted.small[1].clone();
    other.weights.sha256 = "0".repeat(64);
    assert!(
        matches!(fetch(&other, &at), Err(HubError::WrongBytes { file, .. }) if file == "model.safetensors")
    );
    let other = place.home.encoders_dir().join("other");
    assert!(!other.join("model.safetensors").exists(), "other weights than were asked for are not used");
}

#[test]
fn what_is_exported_is_taken_in_again() {
    let places = [place(), place()];
    let lectern = |home: &Path, arguments: &[&str]| -> Value {
        let output =
            Command::new(LECTERN).env("LECTERN_HOME", home).arg("--json").args(arguments).output().unwrap();
        serde_json::from_slice(&output.stdout).unwrap()
    };
    let [from, to] = places.each_ref().map(|place| place.home.root());
    {
        let archive = Archive::open(&places[0].home).unwrap();
        let all = (0..1_200)
            .map(|n| entry(&format!("What is in box {n}?\nSay it."), &format!("\"{n}\" marbles, größte")));
        archive.add_all(all.collect()).unwrap();
        archive
            .add(NewEntry { rating: Some(3), created: Some(7), ..entry("Who?", "Anna") })
            .unwrap()
            .unwrap();
    }
    let file = from.join("all.jsonl");
    let file = file.to_str().unwrap();
    assert_eq!(lectern(from, &["archive", "export", file])["exported"], 1_201);
    assert_eq!(
        lectern(from, &["archive", "export", file])["error"]["code"],
        "archive.file",
        "nothing is overwritten"
    );
    assert_eq!(lectern(to, &["archive", "import", "--file", file])["added"], 1_201);
    let archive = Archive::open(&places[1].home).unwrap();
    let hit = archive.search("who", 1).unwrap().hits.remove(0);
    assert_eq!((hit.answer.as_str(), hit.rating, hit.created), ("Anna", 3, 7));
    assert_eq!(archive.search("box 17", 1).unwrap().hits[0].answer, "\"17\" marbles, größte");
}

#[test]
fn the_archive_searches_by_meaning_beside_words() {
    let place = place();
    let folder = place.home.root().parent().unwrap().join("encoder");
    let small = reference("embed.json");
    write_small(&folder, &small);
    let executable = Path::new(LECTERN);
    let archive = Archive::open(&place.home).unwrap();
    let add = |archive: &Archive, number: usize| {
        let question =
            format!("How is the engine {} in the mill?", ["of water", "and the answer", "to do"][number % 3]);
        archive.add(entry(&format!("{question} {number}"), "It is the answer.")).unwrap().unwrap()
    };
    for number in 0..100 {
        add(&archive, number);
    }
    assert_eq!(archive.search("engine", 5).unwrap().hits[0].cosine, None, "words alone");
    assert!(matches!(archive.embed_some(), Err(engine::archive::ArchiveError::NoEncoder)));
    archive.choose_encoder(executable, &folder).unwrap();
    let mut embedded = 0;
    loop {
        let some = archive.embed_some().unwrap();
        embedded += some;
        if some == 0 {
            break;
        }
    }
    assert_eq!((embedded, archive.embedded().unwrap()), (100, (100, 100)));

    let text = "water in the mill";
    let before = cosines(&archive, text, 20);
    assert_eq!(before.len(), 20);
    assert!(before.iter().all(|(_, cosine)| (-1.01..=1.01).contains(cosine)));
    // A word that no entry has: found by meaning alone, with the cosine of the vectors themselves.
    let by_meaning = archive.search("u", 3).unwrap();
    assert_eq!((by_meaning.hits.len(), by_meaning.considered), (3, 0));
    let first = &by_meaning.hits[0];
    let vectors = Encoder::open(&folder, 1)
        .unwrap()
        .embed(&["u".to_owned(), format!("{}\n{}", first.question, first.answer)]);
    let exact: f32 = vectors[0].iter().zip(&vectors[1]).map(|(a, b)| a * b).sum();
    // Eight bits: 24 numbers, each off by at most half of 1/127 of the largest.
    assert!((first.cosine.unwrap() - exact).abs() < 0.02, "{:?} and {exact}", first.cosine);

    // A new answer is embedded on the way, a forgotten one is gone with its vector, a restart gives the same.
    let (asked, said) =
        ("The mill is to do how in the engine water?", "The answer of the mill is in the engine and water.");
    let new = archive.add(entry(asked, said)).unwrap().unwrap();
    assert!(cosines(&archive, asked, 200).iter().any(|(id, _)| *id == new));
    assert_eq!(archive.embedded().unwrap().0, 101);
    let vector = Encoder::open(&folder, 1).unwrap().embed(&[format!("{asked}\n{said}")]);
    let packed = Packed::of(&vector[0]);
    let bytes = packed.bytes();
    assert!(has_bytes(place.home.root(), bytes), "the scan must find the vector while it is there");
    archive.forget(&new).unwrap();
    assert!(!has_bytes(place.home.root(), bytes), "a vector tells of its text: it goes from every file");
    assert_eq!(archive.embedded().unwrap().0, 100);
    assert!(cosines(&archive, asked, 200).iter().all(|(id, _)| *id != new));
    drop(archive);
    let archive = Archive::open(&place.home).unwrap();
    archive.understand(executable).unwrap();
    assert_eq!(cosines(&archive, text, 20), before, "the same after a restart");

    // Files that are gone: search goes on by words and says so.
    drop(archive);
    std::fs::remove_dir_all(&folder).unwrap();
    let archive = Archive::open(&place.home).unwrap();
    archive.understand(executable).unwrap();
    let hits = archive.search("engine", 5).unwrap();
    assert!(hits.without_meaning.unwrap().contains("config.json") && hits.encoder.is_none());
    assert!(hits.hits.len() == 5 && hits.hits[0].cosine.is_none());
    // Without it again the built-in vectors take its place.
    archive.drop_encoder().unwrap();
    let hits = archive.search("engine", 5).unwrap();
    assert_eq!((hits.without_meaning, hits.encoder.as_deref()), (None, Some("built-in")));
    assert!(hits.hits.iter().all(|hit| hit.cosine.is_some()));
    assert_eq!(archive.embedded().unwrap(), (100, 100));
}

/// The numbers and the signs of every vector, as they stand in the file.
fn stored(home: &Home) -> Vec<Vec<u8>> {
    let database = rusqlite::Connection::open(home.database()).unwrap();
    let mut rows = database.prepare("SELECT numbers FROM meanings UNION ALL SELECT bits FROM signs").unwrap();
    let rows = rows.query_map([], |row| row.get(0)).unwrap();
    rows.map(Result::unwrap).collect()
}

#[test]
fn vectors_go_from_every_file_with_what_they_are_of() {
    let place = place();
    let folder = place.home.root().parent().unwrap().join("encoder");
    let mut small = reference("embed.json");
    // So wide that no two vectors have the same signs by chance.
    small = wide(&small);
    write_small(&folder, &small);
    let archive = Archive::open(&place.home).unwrap();
    archive.choose_encoder(Path::new(LECTERN), &folder).unwrap();
    let texts = ["of water", "and the answer", "to do", "in the mill", "how is the engine"];
    for (number, text) in texts.iter().enumerate() {
        let (id, question) = (format!("a{number}"), format!("Is it {text}, {number}?"));
        let conversation = if number < 2 { "first" } else { "second" };
        keep(&archive, &answer(&id, conversation, &question, &format!("It is {text}."), number as i64));
    }
    while archive.embed_some().unwrap() > 0 {}
    let left = |all: &[Vec<u8>]| all.iter().filter(|bytes| has_bytes(place.home.root(), bytes)).count();
    let all = stored(&place.home);
    assert_eq!((all.len(), left(&all), archive.embedded().unwrap()), (10, 10, (5, 5)));
    archive.forget("a4").unwrap();
    assert_eq!(left(&all), 8);
    archive.delete_conversation("first").unwrap();
    assert_eq!((left(&all), archive.embedded().unwrap()), (4, (2, 2)));
    archive.forget_all().unwrap();
    assert_eq!((left(&all), archive.embedded().unwrap()), (0, (0, 0)));
    keep(&archive, &answer("b", "c", "How is the water?", "It is the answer.", 9));
    while archive.embed_some().unwrap() > 0 {}
    let all = stored(&place.home);
    assert_eq!((all.len(), left(&all)), (2, 2));
    archive.drop_encoder().unwrap();
    assert!(archive.encoder().is_none_or(|encoder| encoder.is_built_in()));
    let hits = archive.search("water", 5).unwrap().hits;
    assert_eq!(hits[0].cosine.is_some(), archive.built_in().is_some(), "none of the encoder's is left");
}

#[test]
fn vectors_are_made_in_the_background_while_questions_are_answered() {
    let place = place();
    let folder = place.home.root().parent().unwrap().join("encoder");
    write_small(&folder, &reference("embed.json"));
    let executable = Path::new(LECTERN);
    let count = 400;
    {
        let archive = Archive::open(&place.home).unwrap();
        let texts = ["of water", "and the answer", "to do"];
        let all = (0..count)
            .map(|n| entry(&format!("How is the engine {} in the mill? {n}", texts[n % 3]), "It is."));
        archive.add_all(all.collect()).unwrap();
        archive.choose_encoder(executable, &folder).unwrap();
    }
    let done = |archive: &Archive| archive.embedded().unwrap().0 as usize;
    // Asks while they are made, until so many are.
    let until = |archive: &Archive, enough: usize| {
        let (mut seen, mut last) = (0, Instant::now());
        while seen < enough {
            let hits = archive.search("engine", 5).unwrap();
            assert!(hits.hits.len() == 5 && hits.encoder.is_some());
            let now = done(archive);
            assert!(now >= seen, "progress goes one way");
            if now > seen {
                (seen, last) = (now, Instant::now());
            }
            assert!(last.elapsed() < Duration::from_secs(60), "{seen} of {count}, and no more");
        }
    };
    let open = || {
        let archive = Archive::open(&place.home).unwrap();
        archive.understand(executable).unwrap();
        archive.embed_in_background().unwrap();
        archive
    };
    let archive = open();
    until(&archive, 1);
    // Closed in the middle: no more are made, and the next one goes on from there.
    drop(archive);
    let archive = Archive::open(&place.home).unwrap();
    let at = done(&archive);
    assert!((1..count).contains(&at), "{at}");
    drop(archive);
    assert_eq!(done(&Archive::open(&place.home).unwrap()), at);
    let archive = open();
    until(&archive, count);
    assert_eq!(archive.embedded().unwrap(), (count as u64, count as u64));

    // What is kept later gets its own.
    archive.add(entry("How is the mill of the engine?", "It is the answer.")).unwrap().unwrap();
    until(&archive, count + 1);

    // Other weights: all are made again.
    let old = archive.encoder().unwrap().id;
    let before = stored(&place.home);
    let mut file = std::fs::read(folder.join("model.safetensors")).unwrap();
    // Highest bytes of the last numbers but one: another sign.
    let last = file.len() - 1;
    file[last - 4] ^= 0x80;
    std::fs::write(folder.join("model.safetensors"), &file).unwrap();
    archive.choose_encoder(executable, &folder).unwrap();
    assert_ne!(archive.encoder().unwrap().id, old);
    until(&archive, count + 1);
    drop(archive);
    assert_eq!(stored(&place.home).len(), before.len());
    assert_ne!(stored(&place.home), before);
}
