//! Built-in vectors: without any download search ranks by words and by a table of word pieces, which is the same on every
//! machine and after every restart; a chosen encoder takes its place, and nothing is recalled by it.
#![allow(clippy::unwrap_used, reason = "a helper that cannot go on fails its test")]

#[path = "support/answers.rs"]
mod answers;

use answers::{answer, entry, keep, place};
use engine::archive::Archive;
use engine::home::Home;
use engine::retrieve::past_answers;
use engine::words::Question;
use runtime::embed::{Packed, Table};
use serde_json::Value;
use std::path::Path;
use std::process::Command;

const LECTERN: &str = env!("CARGO_BIN_EXE_lectern");

fn file(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(name)
}

fn table() -> Table {
    Table::load(std::fs::read(file("starters/vectors.bin")).unwrap()).unwrap()
}

/// Question and answer count half each.
fn of_past_answer(question: &str, answer: &str) -> Vec<f32> {
    let mut sum = table().embed(question);
    sum.iter_mut().zip(table().embed(answer)).for_each(|(sum, x)| *sum += x);
    let length = sum.iter().map(|x| x * x).sum::<f32>().sqrt();
    sum.iter().map(|x| x / length).collect()
}

const KNOWN: [(&str, &str); 6] = [
    ("How do I delete my account?", "Open the settings, then press the red button at the bottom."),
    ("Which vehicle should I buy?", "A small hatchback is enough for the town."),
    ("Why does the kettle whistle?", "Steam leaves through a narrow slit."),
    ("How long do eggs have to boil?", "Eight minutes for a firm yolk."),
    ("Who painted the ceiling of the chapel?", "Michelangelo did, lying on a scaffold."),
    ("How do I sharpen a chisel?", "On a wet stone, at twenty-five degrees."),
];

fn understood(home: &Home) -> Archive {
    let archive = Archive::open(home).unwrap();
    archive.understand(Path::new(LECTERN)).unwrap();
    archive
}

fn cosines(archive: &Archive, text: &str) -> Vec<(String, Option<f32>)> {
    archive.search(text, 10).unwrap().hits.into_iter().map(|hit| (hit.id, hit.cosine)).collect()
}

/// Whether a file under the folder holds these bytes.
/// What the background took away meanwhile holds nothing.
fn has_bytes(folder: &Path, bytes: &[u8]) -> bool {
    std::fs::read_dir(folder).unwrap().flatten().map(|found| found.path()).any(|path| match path.is_dir() {
        true => has_bytes(&path, bytes),
        false => std::fs::read(&path).unwrap_or_default().windows(bytes.len()).any(|window| window == bytes),
    })
}

#[test]
fn texts_have_the_vectors_of_the_reference() {
    let reference: Value =
        serde_json::from_slice(&std::fs::read(file("runtime/reference/vectors.json")).unwrap()).unwrap();
    let table = table();
    for case in reference["texts"].as_array().unwrap() {
        let (text, expected) = (case["text"].as_str().unwrap(), case["vector"].as_array().unwrap());
        let vector = table.embed(text);
        assert_eq!(vector.len(), expected.len());
        let off = vector.iter().zip(expected).map(|(a, b)| (f64::from(*a) - b.as_f64().unwrap()).abs());
        // A number is rounded to half of 1/127 of the largest of its row, which is at most 0.5 of the sum, and the roundings
        // of a dozen rows add up as their root: 0.5 / 254 * sqrt(12) = 0.007; measured 0.0017. Another axis or weight is off
        // by ten times this.
        let off = off.fold(0.0, f64::max);
        assert!(off < 0.004, "{text}: off by {off}");
    }
}

#[test]
fn search_finds_what_is_said_in_other_words_and_a_restart_changes_nothing() {
    let place = place();
    let archive = Archive::open(&place.home).unwrap();
    archive.add_all(KNOWN.map(|(question, answer)| entry(question, answer)).into()).unwrap();
    for asked in ["remove profile", "cars"] {
        assert!(archive.search(asked, 3).unwrap().hits.is_empty(), "no word of \"{asked}\" is there");
    }
    drop(archive);
    let archive = understood(&place.home);
    for (asked, expected) in [("remove profile", KNOWN[0].0), ("cars", KNOWN[1].0)] {
        let hits = archive.search(asked, 3).unwrap();
        assert_eq!((hits.encoder.as_deref(), hits.considered), (Some("built-in"), 0));
        assert_eq!(hits.hits[0].question, expected, "{asked}: {:?}", hits.hits);
        // With the cosine of the vectors themselves: two of eight bits a number.
        let one = table().embed(asked);
        let other = of_past_answer(&hits.hits[0].question, &hits.hits[0].answer);
        let exact: f32 = one.iter().zip(&other).map(|(a, b)| a * b).sum();
        assert!((hits.hits[0].cosine.unwrap() - exact).abs() < 0.01, "{:?} and {exact}", hits.hits[0].cosine);
    }
    assert_eq!(archive.embedded().unwrap(), (6, 6));
    let before = cosines(&archive, "remove profile");
    drop(archive);
    assert_eq!(cosines(&understood(&place.home), "remove profile"), before);
    let output = Command::new(LECTERN)
        .env("LECTERN_HOME", place.home.root())
        .args(["--json", "archive", "search", "remove profile", "--limit", "10"])
        .output()
        .unwrap();
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    let there: Vec<(String, Option<f32>)> = found["hits"]
        .as_array()
        .unwrap()
        .iter()
        .map(|hit| (hit["id"].as_str().unwrap().into(), hit["cosine"].as_f64().map(|cosine| cosine as f32)))
        .collect();
    assert_eq!(there, before, "another process makes the same of it");
}

#[test]
fn an_answer_is_learned_with_its_vector_and_forgotten_with_it() {
    let place = place();
    let archive = understood(&place.home);
    let (asked, said) =
        ("How do penguins keep warm?", "They huddle together and turn their backs to the wind.");
    keep(&archive, &answer("a1", "c1", asked, said, 1_000));
    assert_eq!(archive.embedded().unwrap(), (1, 1), "nobody has searched yet");
    let vector = Packed::of(&of_past_answer(asked, said));
    let bytes: Vec<u8> = vector.numbers.iter().map(|&number| number as u8).collect();
    assert!(has_bytes(place.home.root(), &bytes), "the scan must find the vector while it is there");
    assert_eq!(cosines(&archive, "birds in the cold").len(), 1);
    archive.forget("a1").unwrap();
    assert!(!has_bytes(place.home.root(), &bytes), "a vector tells of its text: it goes from every file");
    assert_eq!(archive.embedded().unwrap(), (0, 0));
    assert!(cosines(&archive, "birds in the cold").is_empty());
}

#[test]
fn nothing_is_recalled_by_the_built_in_vectors() {
    let place = place();
    let archive = Archive::open(&place.home).unwrap();
    archive.add_all(KNOWN.map(|(question, answer)| entry(question, answer)).into()).unwrap();
    let questions = [
        "remove profile", "cars", "How do I delete my account?", "How do I delete the account of mine?",
        "Who painted it?",
    ];
    // What is shown, how relevant, and by which cosine.
    let recall = |archive: &Archive| {
        questions.map(|text| {
            let passages = past_answers(archive, &Question::new(text)).unwrap().passages;
            passages.into_iter().map(|shown| (shown.question, shown.score, shown.cosine)).collect::<Vec<_>>()
        })
    };
    let by_words = recall(&archive);
    assert!(by_words[0].is_empty() && by_words[1].is_empty());
    assert_eq!(by_words[2].first().map(|(question, ..)| question.as_str()), Some(KNOWN[0].0));
    archive.understand(Path::new(LECTERN)).unwrap();
    assert!(archive.search("cars", 1).unwrap().hits[0].cosine.is_some());
    assert_eq!(recall(&archive), by_words);
}

#[test]
fn the_command_says_what_is_built_in() {
    let place = place();
    Archive::open(&place.home)
        .unwrap()
        .add_all(KNOWN.map(|(question, answer)| entry(question, answer)).into())
        .unwrap();
    let embed = |arguments: &[&str]| -> String {
        let output = Command::new(LECTERN)
            .env("LECTERN_HOME", place.home.root())
            .args(arguments)
            .args(["archive", "embed"])
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let said = embed(&[]);
    assert!(said.starts_with("built-in: 6 embedded now, 6 of 6"), "{said}");
    let width = table().width();
    assert!(said.contains(&format!("its vectors of {width} numbers order what search finds")), "{said}");
    let done: Value = serde_json::from_str(&embed(&["--json"])).unwrap();
    assert_eq!((&done["built_in"], &done["embedded"]), (&width.into(), &0.into()));
}
