//! Very many past answers: what is found of the nearest, and what a search, a start, learning and forgetting take.
#![allow(clippy::unwrap_used, reason = "a helper that cannot go on fails its test")]

#[path = "support/answers.rs"]
mod answers;
#[path = "support/encoder.rs"]
mod encoder;
#[path = "reference/recipe.rs"]
mod recipe;

use answers::{answer, entry, place};
use encoder::{reference, wide, write_small};
use engine::archive::Archive;
use engine::home::Home;
use engine::learn::learn;
use engine::retrieve::past_answers;
use engine::words::Question;
use runtime::embed::{Nearest, Packed};
use rusqlite::{Connection, params};
use std::path::{Path, PathBuf};
use std::time::Instant;

const LECTERN: &str = env!("CARGO_BIN_EXE_lectern");

/// Numbers of a vector, as all-MiniLM-L6-v2 has them.
const WIDTH: usize = 384;
/// Past answers of one topic.
const OF_A_TOPIC: u64 = 50;
const QUESTIONS: u64 = 200;

/// SplitMix64.
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// 0 to 1.
    fn part(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Nearly normal: the sum of four.
    fn normal(&mut self) -> f32 {
        ((0..4).map(|_| self.part()).sum::<f64>() - 2.0) as f32
    }
}

/// Words as people use them: the second most frequent half as often as the first, and so on, of 30,000.
fn text(seed: u64, length: usize) -> String {
    let mut noise = Noise(seed);
    let word = |part: f64| {
        let rank = 30_000f64.powf(part) as u32;
        // Letters alone, so that a word is one token.
        (0..4).map(|at| char::from(b'a' + (rank / 14u32.pow(at) % 14) as u8)).collect::<String>()
    };
    (0..length).map(|_| word(noise.part())).collect::<Vec<_>>().join(" ")
}

fn unit(mut vector: Vec<f32>) -> Vec<f32> {
    let length = vector.iter().map(|x| x * x).sum::<f32>().sqrt();
    vector.iter_mut().for_each(|x| *x /= length);
    vector
}

/// A vector of a topic: nearer to its middle or farther from it.
fn vector(topic: u64, seed: u64) -> Packed {
    let normal = |seed: u64| {
        let mut noise = Noise(seed);
        unit((0..WIDTH).map(|_| noise.normal()).collect())
    };
    let near = 0.2 + 0.7 * Noise(seed).part() as f32;
    let (middle, own) = (normal(topic), normal(seed << 20));
    let away = (1.0 - near * near).sqrt();
    Packed::of(&unit(middle.iter().zip(own).map(|(middle, own)| near * middle + away * own).collect()))
}

fn topics(count: u64) -> u64 {
    (count / OF_A_TOPIC).max(1)
}

/// How many to measure with, instead of `usual`.
fn count(usual: u64) -> u64 {
    std::env::var("LECTERN_ENTRIES").map_or(usual, |count| count.parse().unwrap())
}

/// 4,000 vectors, or LECTERN_ENTRIES.
#[test]
fn of_the_ten_nearest_hardly_one_is_missed() {
    let count = count(4_000);
    let topics = topics(count);
    let vectors: Vec<Packed> = (0..count).map(|n| vector(n % topics, n + topics)).collect();
    let mut nearest = Nearest::default();
    for (key, vector) in vectors.iter().enumerate() {
        assert!(nearest.push(key as i64, &vector.signs()));
    }
    let (mut found, mut looked, mut took) = (0, 0, Vec::new());
    let questions = 40;
    for n in 0..questions {
        let asked = vector(n * 31 % topics, u64::MAX - n);
        let cosine = |key: usize| asked.cosine(vectors[key].scale, vectors[key].bytes()).unwrap();
        let started = Instant::now();
        let candidates = nearest.candidates(&asked, 10);
        took.push(started.elapsed().as_secs_f32() * 1e3);
        looked += candidates.len();
        let mut all: Vec<(f32, i64)> = (0..vectors.len()).map(|key| (cosine(key), key as i64)).collect();
        all.sort_by(|a, b| b.0.total_cmp(&a.0));
        found += all[..10].iter().filter(|(_, key)| candidates.binary_search(key).is_ok()).count() as u64;
    }
    took.sort_by(f32::total_cmp);
    let (part, looked) = (found as f64 / (10 * questions) as f64, looked as u64 / questions);
    eprintln!(
        "{part:.4} of the ten nearest among {looked} of {count}, which took {:.1} ms",
        took[took.len() / 2]
    );
    assert!(part >= 0.97, "{part}");
}

/// The archive with `count` answers and their vectors, made where it is not there yet. The encoder is a small one of the
/// usual width, for the questions' vectors.
fn fill(home: &Home, count: u64) {
    let folder = home.root().join("encoder");
    let archive = Archive::open(home).unwrap();
    if archive.count().unwrap() >= count {
        return archive.understand(Path::new(LECTERN)).unwrap();
    }
    write_small(&folder, &wide(&reference("embed.json")));
    archive.choose_encoder(Path::new(LECTERN), &folder).unwrap();
    let mut database = Connection::open(home.database()).unwrap();
    let (mut adding, mut storing) = (0.0, 0.0);
    for from in (0..count).step_by(10_000) {
        let some = (from..(from + 10_000).min(count))
            .map(|n| entry(&format!("{} {n}", text(n, 9)), &text(n << 20, 30)));
        let some = some.collect();
        let started = Instant::now();
        archive.add_all(some).unwrap();
        adding += started.elapsed().as_secs_f32();
        let topics = topics(count);
        let vectors: Vec<Packed> =
            (from..(from + 10_000).min(count)).map(|n| vector(n % topics, n + topics)).collect();
        let started = Instant::now();
        let step = database.transaction().unwrap();
        {
            let mut rows = step.prepare("SELECT number FROM meanings WHERE numbers IS NULL").unwrap();
            let numbers: Vec<i64> =
                rows.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
            let mut vector =
                step.prepare("UPDATE meanings SET scale = ?2, numbers = ?3 WHERE number = ?1").unwrap();
            let mut signs = step.prepare("INSERT INTO signs VALUES (?1, 0, ?2)").unwrap();
            for (number, packed) in numbers.into_iter().zip(&vectors) {
                vector.execute(params![number, packed.scale, packed.bytes()]).unwrap();
                signs.execute(params![number, packed.signs()]).unwrap();
            }
        }
        step.commit().unwrap();
        storing += started.elapsed().as_secs_f32();
    }
    eprintln!("{count} added in {adding:.0} s, their vectors stored in {storing:.0} s");
}

fn bytes(path: &Path) -> u64 {
    let here = std::fs::metadata(path).map_or(0, |about| about.len());
    let inside = std::fs::read_dir(path).into_iter().flatten().flatten();
    here + inside.map(|entry| bytes(&entry.path())).sum::<u64>()
}

/// The most memory that this process has had since it was last asked, where the system says it.
fn most_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let _ = std::fs::write("/proc/self/clear_refs", "5");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.parse::<u64>().ok().map(|kilobytes| kilobytes << 10)
}

/// What 95 of 100 questions do not exceed, in ms.
fn times(what: &str, one: impl FnMut(u64) -> f32) -> f32 {
    let mut times: Vec<f32> = (0..QUESTIONS).map(one).collect();
    times.sort_by(f32::total_cmp);
    let at = |part: f64| times[(times.len() as f64 * part) as usize];
    eprintln!("{what}: p50 {:.1} ms, p95 {:.1} ms, at most {:.1} ms", at(0.5), at(0.95), at(0.999));
    at(0.95)
}

fn timed<T>(what: &str, one: impl FnOnce() -> T) -> T {
    let started = Instant::now();
    let result = one();
    eprintln!("{what}: {:.1} ms", started.elapsed().as_secs_f32() * 1e3);
    result
}

/// 100,000 past answers, or LECTERN_ENTRIES; made in LECTERN_SCALE where that names a folder, which is kept.
#[test]
#[ignore = "takes minutes: a measurement"]
fn very_many_are_searched_in_milliseconds() {
    let count = count(100_000);
    let most = if count <= 100_000 { 20.0 } else { 50.0 };
    let temporary = place();
    let home = match std::env::var_os("LECTERN_SCALE").map(PathBuf::from) {
        Some(folder) => Home::at(folder.join(count.to_string())),
        None => temporary.home.clone(),
    };
    fill(&home, count);
    eprintln!(
        "{} MB on the disk, {} of them the index",
        bytes(home.root()) >> 20,
        bytes(&home.index_dir()) >> 20
    );
    most_memory();

    let archive = timed("open", || Archive::open(&home).unwrap());
    let words = |n: u64| text(n * 7, 9);
    let by_words = times("search by words", |n| archive.search(&words(n), 10).unwrap().elapsed_ms);
    archive.understand(Path::new(LECTERN)).unwrap();
    timed("first search by meaning", || archive.search("a", 10).unwrap());
    let both = times("search by words and meaning", |n| {
        let hits = archive.search(&words(n), 10).unwrap();
        assert!(hits.encoder.is_some() && hits.hits[0].cosine.is_some());
        hits.elapsed_ms
    });
    let recalled = times("recall", |n| past_answers(&archive, &Question::new(words(n))).unwrap().elapsed_ms);
    let memory = most_memory().unwrap_or(0);
    eprintln!("{} MB of memory at most", memory >> 20);
    let learned = times("learn", |n| {
        let answer =
            answer(&format!("scale{n}"), "scale", &format!("{} {count}", words(n)), &text(n << 40, 30), 1);
        learn(&archive, &Question::new(&answer.question), &answer).elapsed_ms
    });
    timed("forget one", || assert_eq!(archive.forget("scale7").unwrap(), 1));
    timed("search after it", || archive.search("b", 10).unwrap());
    timed("forget a conversation", || archive.delete_conversation("scale").unwrap());
    timed("open again", || drop(Archive::open(&home).unwrap()));
    assert!(by_words < most && both < most && recalled < most, "more than {most} ms");
    assert!(memory < 2 << 30 && learned < 50.0);
}
