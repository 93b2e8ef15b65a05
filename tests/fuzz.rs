//! Everything that reads what others wrote, fed with damaged files: no panic, no abort, and no more memory than the file
//! justifies. The files that are damaged lie in `tests/support/corpus`, one folder a target.
//!
//! `cargo xtask fuzz [TARGET] [--mutations N] [--seed S]` runs as long as one likes; the ordinary tests some thousand
//! mutations of each target. A failure names target, seed and number, and these three make the file again.
#![allow(clippy::unwrap_used)]

#[path = "support/cost.rs"]
mod cost;
#[path = "support/mutations.rs"]
mod mutations;
#[path = "reference/recipe.rs"]
mod recipe;

use std::fs::File;
use std::io::{Cursor, Seek, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use cost::{alone, cost};
use mutations::mutation;
use runtime::families::{Model, Want};
use runtime::gguf::write::Writer;
use runtime::gguf::{self, Array, Value};
use runtime::host::protocol::{FrameError, FromExpert, ToExpert, read_frame, write_frame};
use runtime::host::{Message, Request, Role};
use runtime::inspect::facts;
use runtime::safetensors;
use runtime::template::ChatTemplate;
use runtime::tokenizer::Tokenizer;
use runtime::weights::Weights;

/// Something that reads.
struct Target<'a> {
    name: &'static str,
    /// Pieces of the format that are put into files.
    words: &'a [&'a [u8]],
    /// How many mutations the ordinary tests try.
    usual: u64,
    /// Memory that may be taken: so many times the bytes that `read` gives back, and so much beside them.
    most: (usize, usize),
    /// Reads; says whether all was well, and how many bytes it was about.
    read: &'a dyn Fn(&[u8]) -> (bool, usize),
}

#[derive(Debug)]
struct Report {
    mutations: u64,
    accepted: u64,
    /// Highest memory for the bytes read, beside the fixed allowance.
    times: f32,
    slowest: Duration,
    elapsed: Duration,
}

/// Room for a buffer, a path and the words of an error.
const WORDS: usize = 16 << 10;

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/support/corpus").join(name)
}

fn corpus(name: &str) -> Vec<Vec<u8>> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(path(name)).unwrap().map(|e| e.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty(), "the corpus of {name} is there");
    files.iter().map(|file| std::fs::read(file).unwrap()).collect()
}

fn number(variable: &str, usual: u64) -> u64 {
    std::env::var(variable).ok().and_then(|value| value.parse().ok()).unwrap_or(usual)
}

/// Reads every file of the corpus as it is, then damaged ones.
fn fuzz(target: &Target<'_>, corpus: &[Vec<u8>]) -> Result<Report, String> {
    let _alone = alone();
    let (seed, mutations) = (number("LECTERN_SEED", 1), number("LECTERN_MUTATIONS", target.usual));
    let began = Instant::now();
    let mut report =
        Report { mutations, accepted: 0, times: 0.0, slowest: Duration::ZERO, elapsed: Duration::ZERO };
    let damaged = (0..mutations).map(|number| (Some(number), mutation(corpus, target.words, seed, number)));
    for (number, bytes) in corpus.iter().map(|bytes| (None, bytes.clone())).chain(damaged) {
        let which = || match number {
            Some(number) => format!("{}: mutation {number} of seed {seed}", target.name),
            None => format!("{}: a file of the corpus", target.name),
        };
        let read = Instant::now();
        let (result, peak) = cost(|| catch_unwind(AssertUnwindSafe(|| (target.read)(&bytes))));
        let (good, about) = result.map_err(|_| format!("{} made it panic", which()))?;
        let (times, beside) = target.most;
        if peak > times * about + beside {
            return Err(format!("{} took {peak} bytes for {about}", which()));
        }
        report.accepted += u64::from(good && number.is_some());
        report.times = report.times.max(peak.saturating_sub(beside) as f32 / about.max(1) as f32);
        report.slowest = report.slowest.max(read.elapsed());
        if number.is_some_and(|number| number % 1_000_000 == 999_999) {
            eprintln!("{}, {:.0} s", which(), began.elapsed().as_secs_f32());
        }
    }
    report.elapsed = began.elapsed();
    eprintln!("{}, seed {seed}: {report:?}", target.name);
    Ok(report)
}

/// A target must come through, accept some of what it is given, and refuse some.
fn survives(target: &Target<'_>) {
    let report = fuzz(target, &corpus(target.name)).unwrap_or_else(|failure| panic!("{failure}"));
    assert!(report.accepted > 0, "some damage does no harm: {report:?}");
    assert!(report.accepted < report.mutations, "some damage is found: {report:?}");
}

const GGUF_WORDS: &[&[u8]] = &[
    b"GGUF", b"general.alignment", b"general.architecture", b"split.count", b"llama.block_count",
    b"blk.0.attn_q.weight", b"tokenizer.ggml.tokens", b"tokenizer.ggml.merges", b"tokenizer.chat_template",
    b"\x09\0\0\0\x09\0\0\0", b"\x09\0\0\0\x08\0\0\0", b"\xff\xff\xff\xff\xff\xff\xff\xff",
    b"\0\0\0\0\0\0\0\0", b"{% for m in messages %}", b"{{ m.content * 99999 }}", b"<0x41>", b"\xc3",
    b"\xe2\x96\x81",
];

fn header(bytes: &[u8]) -> Result<gguf::Header, gguf::GgufError> {
    gguf::Header::parse(Cursor::new(bytes), bytes.len() as u64, Path::new("some.gguf"))
}

#[test]
fn gguf() {
    let read = |bytes: &[u8]| match header(bytes) {
        // What is behind the header is not its business, nor is the filling up to the first tensor.
        Ok(header) => (true, bytes.len().min(header.data_start() as usize)),
        Err(error) => {
            assert!(!error.code().is_empty() && !error.fix().is_empty());
            (false, bytes.len())
        }
    };
    survives(&Target { name: "gguf", words: GGUF_WORDS, usual: 30_000, most: (2, WORDS), read: &read });
}

#[test]
fn safetensors() {
    let words: &[&[u8]] = &[
        b"\"__metadata__\":{", b"{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}",
        b"\"data_offsets\":[", b"\"shape\":[", b"\"dtype\":", b"\"F4\"", b"\\u0061", b"\\", b"\"", b",",
        b"[", b"]", b"{", b"}", b" ", b"-", b"1e9", b"\xff",
    ];
    let read = |bytes: &[u8]| {
        let parsed =
            safetensors::Header::parse(Cursor::new(bytes), bytes.len() as u64, Path::new("some.safetensors"));
        match parsed {
            Ok(header) => {
                assert!(header.tensors().all(|tensor| tensor.offset + tensor.bytes <= bytes.len() as u64));
                (true, header.data_start() as usize)
            }
            Err(_) => (false, bytes.len()),
        }
    };
    survives(&Target { name: "safetensors", words, usual: 30_000, most: (2, WORDS), read: &read });
}

#[test]
fn frames() {
    let words: &[&[u8]] = &[
        b"{\"kind\":\"stop\",\"id\":1}", b"\"kind\":\"generate\"", b"\"bits\":[", b"[[[[[[[[", b"{\"a\":",
        b"null", b"1e999", b"\"\\ud800\"", b"\x20\0\0\0", b"\xff\xff\xff\x01",
    ];
    let read = |bytes: &[u8]| {
        let mut understood = 0;
        let mut parent = bytes;
        while let Ok(()) | Err(FrameError::Garbage(_)) =
            read_frame::<ToExpert>(&mut parent).map(|_| understood += 1)
        {}
        let mut child = bytes;
        while let Ok(()) | Err(FrameError::Garbage(_)) =
            read_frame::<FromExpert>(&mut child).map(|_| understood += 1)
        {}
        (understood > 1, bytes.len())
    };
    // A list of empty texts takes 3 bytes an item on the way and 24 in memory, twice and a half while it grows.
    survives(&Target { name: "frames", words, usual: 30_000, most: (64, WORDS), read: &read });
}

#[test]
fn inspect() {
    let read = |bytes: &[u8]| match header(bytes) {
        Ok(header) => (facts(&header).is_ok_and(|facts| facts.supported), bytes.len()),
        Err(_) => (false, bytes.len()),
    };
    // Beside the header, names of tensors that were asked for are kept, and facts are texts of the header again; the
    // pattern of a pre-tokenizer is compiled to see that it is known.
    survives(&Target { name: "inspect", words: GGUF_WORDS, usual: 10_000, most: (6, 1 << 20), read: &read });
}

#[test]
fn tokenizer() {
    let read = |bytes: &[u8]| {
        let all = || -> Option<()> {
            let header = header(bytes).ok()?;
            let tokenizer = Tokenizer::read(&header).ok()?;
            let ids = tokenizer.encode("ab <s> grüß\u{0}\n 12", true);
            tokenizer.decode(&ids);
            let template = ChatTemplate::read(&header, &tokenizer).ok()?;
            let messages = [Message::new(Role::System, "a</s>"), Message::new(Role::User, "b <|im_end|>")];
            let rendered = template.render(&messages, tokenizer.vocabulary());
            tokenizer.encode_parts(&rendered.parts());
            Some(())
        };
        (all().is_some(), bytes.len())
    };
    // Tables of a vocabulary take some times their bytes; compiled patterns and a template's output a fixed amount.
    let most = (16, 8 << 20);
    survives(&Target { name: "tokenizer", words: GGUF_WORDS, usual: 1_000, most, read: &read });
}

/// The whole way from bytes to the logits of two tokens.
#[test]
fn load() {
    let file = std::cell::RefCell::new(tempfile::tempfile().unwrap());
    let read = |bytes: &[u8]| {
        let all = |file: &mut File| -> Option<()> {
            file.set_len(0).and_then(|()| file.rewind()).and_then(|()| file.write_all(bytes)).unwrap();
            let header = gguf::Header::read_from(file, Path::new("some.gguf")).ok()?;
            runtime::families::check(&header).ok()?;
            Tokenizer::read(&header).ok()?;
            let weights = Weights::map(file, &header).ok()?;
            let model = Model::load(&header, &weights).ok()?;
            let mut cache = model.cache();
            model.forward(&[1, 2], &mut cache, Want::Last, &AtomicBool::new(false)).ok().map(drop)
        };
        (all(&mut file.borrow_mut()).is_some(), bytes.len())
    };
    survives(&Target { name: "load", words: GGUF_WORDS, usual: 1_500, most: (16, 8 << 20), read: &read });
}

#[test]
fn what_is_planted_is_found() {
    let corpus = vec![b"a file of 8 bytes: \x08\0\0\0\0\0\0\0".to_vec()];
    let planted = |name, read: &dyn Fn(&[u8]) -> (bool, usize)| {
        fuzz(&Target { name, words: &[b"xyz"], usual: 5_000, most: (2, WORDS), read }, &corpus)
    };
    let panics = planted("panics", &|bytes| {
        assert!(!bytes.windows(8).any(|window| window == u64::MAX.to_le_bytes()), "planted");
        (true, bytes.len())
    });
    assert!(panics.is_err_and(|failure| failure.contains("panic")), "a length of all ones is tried");
    let takes = planted("takes", &|bytes| {
        let much = if bytes.windows(3).any(|window| window == b"xyz") { 1 << 20 } else { 0 };
        (vec![1u8; much].len() == much, bytes.len())
    });
    assert!(takes.is_err_and(|failure| failure.contains("bytes for")), "memory is counted");
}

/// Writes the corpus again: `cargo test --workspace --test fuzz -- --ignored`.
#[test]
#[ignore = "writes into the tree"]
fn the_corpus_is_made() {
    let put = |name: &str, bytes: &[u8]| {
        std::fs::create_dir_all(path(name).parent().unwrap()).unwrap();
        std::fs::write(path(name), bytes).unwrap();
    };
    let mut every = Writer::new();
    every.set("general.architecture", "llama").set("general.alignment", 64u32).set("f64", Value::F64(1.5));
    for (number, value) in [
        Value::U8(1),
        Value::I8(-1),
        Value::U16(2),
        Value::I16(-2),
        Value::U64(3),
        Value::I64(-3),
        Value::Bool(true),
        Value::Array(Array::U8(vec![1, 2, 3])),
        Value::Array(Array::I64(vec![-1; 9])),
        Value::Array(Array::Bool(vec![true, false])),
        Value::Array(Array::F64(vec![0.5])),
        Value::Array(Array::Nested(vec![
            Array::U32(vec![7]),
            Array::Nested(vec![Array::Text(["a"].iter().collect())]),
        ])),
    ]
    .into_iter()
    .enumerate()
    {
        every.set(&format!("every.{number}"), value);
    }
    put("gguf/every-type.gguf", &every.to_bytes());
    let mut many = Writer::new();
    for number in 0..200 {
        many.set(&number.to_string(), Value::U8(1));
        many.tensor(&number.to_string(), &[1], gguf::Dtype::Other(24), vec![0]);
    }
    put("gguf/many-small.gguf", &many.to_bytes());
    let mut words = Writer::new();
    let tokens: Vec<String> =
        (0..300).map(|id| "▁word"[..id % 7 / 3 * 3].to_owned() + &id.to_string()).collect();
    words.set("tokenizer.ggml.tokens", tokens).set("tokenizer.ggml.scores", vec![0.5f32; 300]);
    put("gguf/words.gguf", &words.to_bytes());

    let mut toy = recipe::reference().models[1].clone();
    // Small, so that most bytes are the header's.
    (toy.layers, toy.width, toy.feed, toy.experts, toy.experts_used, toy.vocabulary) = (1, 8, 4, 2, 1, 12);
    (toy.heads, toy.kv_heads, toy.head_width, toy.rope_dims) = (2, 1, 4, 4);
    let mut writer = toy.writer();
    writer.set("tokenizer.chat_template", "{% for m in messages %}{{ m.content }}{% endfor %}");
    for folder in ["gguf", "inspect", "load", "tokenizer"] {
        put(&format!("{folder}/mixture.gguf"), &writer.to_bytes());
    }
    let tokens = vec!["<unk>", "a", "b", "Ġ", "ab", "Ġab", "c", "d", "e", "f", "g", "h"];
    writer
        .set("tokenizer.ggml.model", "gpt2")
        .set("tokenizer.ggml.pre", "gpt-2")
        .set("tokenizer.ggml.tokens", tokens)
        .set("tokenizer.ggml.merges", vec!["a b", "Ġ ab"]);
    for folder in ["inspect", "load", "tokenizer"] {
        put(&format!("{folder}/byte-level.gguf"), &writer.to_bytes());
    }

    let file = |json: &str, data: usize| {
        let mut bytes = (json.len() as u64).to_le_bytes().to_vec();
        bytes.extend(json.as_bytes());
        bytes.resize(bytes.len() + data, 0);
        bytes
    };
    let two = r#"{"__metadata__":{"format":"pt","a":"\u00e9\n"},"w":{"dtype":"BF16","shape":[2,3],"data_offsets":[0,12]},"b":{"dtype":"F4","shape":[4],"data_offsets":[12,14]},"none":{"dtype":"I64","shape":[0,7],"data_offsets":[14,14]}}   "#;
    put("safetensors/kinds.safetensors", &file(two, 14));
    let many: Vec<String> = (0..100)
        .map(|id| format!(r#""{id}":{{"dtype":"U8","shape":[],"data_offsets":[{id},{}]}}"#, id + 1))
        .collect();
    put("safetensors/many-small.safetensors", &file(&format!("{{{}}}", many.join(",")), 100));

    let mut pipe = Vec::new();
    for message in [
        ToExpert::Hello { version: 1 },
        ToExpert::Generate {
            id: 1,
            slot: 0,
            request: Request::chat(vec![Message::new(Role::User, "grüß")], 9),
        },
        ToExpert::Tokenize { id: 2, text: "a".into(), special: true },
        ToExpert::Logits { id: 3, tokens: vec![1, 2, 3], all: true },
        ToExpert::Stop { id: 1 },
        ToExpert::Leave,
    ] {
        write_frame(&mut pipe, &message).unwrap();
    }
    put("frames/to-expert", &pipe);
    let mut pipe = Vec::new();
    for message in [
        FromExpert::Loading { done_bytes: 7 },
        FromExpert::Piece { id: 1, text: "ä".into() },
        FromExpert::Prompt { id: 1, done: 3 },
        FromExpert::Logits { id: 3, position: 1, bits: vec![1, 0x7f80_0000] },
        FromExpert::Refused { id: 4, code: "a".into(), message: "b".into(), fix: "c".into() },
    ] {
        write_frame(&mut pipe, &message).unwrap();
    }
    put("frames/from-expert", &pipe);
}
