//! Texts: tokens are those of the libraries that define them (`src-tauri/runtime/reference/text.py`), hostile vocabularies
//! are refused by name, prompts are those of the transformers library, and no template takes more than its share.
#![allow(clippy::unwrap_used)]

use std::path::Path;

use proptest::prelude::*;
use runtime::gguf::write::Writer;
use runtime::gguf::{Array, Header, Value};
use runtime::tokenizer::{Kind, Part, Tokenizer};
use serde::Deserialize;

// ---- Vocabularies as metadata.

#[derive(Deserialize)]
struct Tokens {
    texts: Vec<String>,
    /// Texts with special tokens.
    marked: Vec<String>,
    groups: Vec<Group>,
}

/// One vocabulary, read in several ways.
#[derive(Deserialize)]
struct Group {
    metadata: Metadata,
    cases: Vec<Case>,
}

type Metadata = serde_json::Map<String, serde_json::Value>;

#[derive(Deserialize)]
struct Case {
    name: String,
    metadata: Metadata,
    /// Of each text.
    ids: Vec<Vec<u32>>,
    /// Of each marked text, where the vocabulary has the special tokens.
    marked: Vec<Vec<u32>>,
}

fn tokens() -> Tokens {
    serde_json::from_str(include_str!("../src-tauri/runtime/reference/tokens.json")).unwrap()
}

impl Group {
    fn writer(&self, case: &Case) -> Writer {
        let mut writer = Writer::new();
        writer.set("general.architecture", "llama");
        for (key, value) in self.metadata.iter().chain(&case.metadata) {
            writer.set(key, value_of(key, value));
        }
        writer
    }

    fn tokenizer(&self, case: &Case) -> Tokenizer {
        read(&self.writer(case)).unwrap_or_else(|error| panic!("{}: {error}", case.name))
    }
}

/// JSON as GGUF types it.
fn value_of(key: &str, value: &serde_json::Value) -> Value {
    use serde_json::Value as Json;
    match value {
        Json::String(text) => text.as_str().into(),
        Json::Bool(flag) => (*flag).into(),
        Json::Number(number) => (number.as_i64().unwrap() as i32).into(),
        Json::Array(list) if key.ends_with("scores") => {
            list.iter().map(|score| score.as_f64().unwrap() as f32).collect::<Vec<_>>().into()
        }
        Json::Array(list) if key.ends_with("charsmap") => {
            Value::Array(Array::U8(list.iter().map(|byte| byte.as_u64().unwrap() as u8).collect()))
        }
        Json::Array(list) if key.ends_with("token_type") => {
            list.iter().map(|kind| kind.as_i64().unwrap() as i32).collect::<Vec<_>>().into()
        }
        Json::Array(list) => list.iter().map(|text| text.as_str().unwrap()).collect::<Vec<_>>().into(),
        other => panic!("{key}: {other}"),
    }
}

fn read(writer: &Writer) -> Result<Tokenizer, String> {
    let bytes = writer.to_bytes();
    let header =
        Header::parse(std::io::Cursor::new(&bytes), bytes.len() as u64, Path::new("model.gguf")).unwrap();
    Tokenizer::read(&header).map_err(|error| error.to_string())
}

/// The vocabulary of a case of the reference.
fn named(name: &str) -> Tokenizer {
    let all = tokens();
    let mut found = all.groups.iter().flat_map(|group| group.cases.iter().map(move |case| (group, case)));
    let (group, case) = found.find(|(_, case)| case.name == name).unwrap();
    group.tokenizer(case)
}

#[test]
fn ids_are_those_of_the_libraries_that_define_them() {
    let all = tokens();
    let mut wrong = Vec::new();
    for group in &all.groups {
        for case in &group.cases {
            let tokenizer = group.tokenizer(case);
            let pieces = |ids: &[u32]| {
                ids.iter().map(|&id| tokenizer.vocabulary().text(id)).collect::<Vec<_>>().join("|")
            };
            let texts = all.texts.iter().zip(&case.ids).map(|pair| (pair, false));
            let marked = all.marked.iter().zip(&case.marked).map(|pair| (pair, true));
            assert_eq!(all.texts.len(), case.ids.len());
            // GGUF writes a word's beginning as ▁, so what BERT says of a ▁ within a word cannot be said.
            let sayable = |text: &str| !case.name.starts_with("bert") || !text.contains('▁');
            for ((text, expected), special) in texts.chain(marked).filter(|((text, _), _)| sayable(text)) {
                let found = tokenizer.encode(text, special);
                if &found != expected {
                    let (found, expected) = (pieces(&found), pieces(expected));
                    wrong.push(format!("{}: {text:?}\n  is  {found}\n  not {expected}", case.name));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} texts:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn texts_come_back_whole_and_token_by_token() {
    let all = tokens();
    for group in &all.groups {
        for case in group.cases.iter().filter(|case| !["t5", "bert", "bert-cased"].contains(&&*case.name)) {
            let tokenizer = group.tokenizer(case);
            for text in &all.texts {
                // What such a vocabulary writes for a space is a space when it comes back.
                let plain = ["llama", "gemma", "gemma4"].contains(&&*case.name);
                let expected = if plain { text.replace('▁', " ") } else { text.clone() };
                comes_back(&tokenizer, text, &expected).unwrap_or_else(|why| panic!("{}: {why}", case.name));
            }
        }
    }
}

/// Checks that a text comes back, in whole characters when its tokens come one at a time.
fn comes_back(tokenizer: &Tokenizer, text: &str, expected: &str) -> Result<(), String> {
    let ids = tokenizer.encode(text, false);
    if tokenizer.decode(&ids) != expected {
        return Err(format!("{text:?} came back as {:?}", tokenizer.decode(&ids)));
    }
    let mut stream = tokenizer.stream(true);
    let mut out = String::new();
    for &id in &ids {
        let piece = stream.push(&tokenizer.bytes(id));
        if piece.contains('\u{fffd}') && !expected.contains('\u{fffd}') {
            return Err(format!("{text:?} was split within a character before {out:?}"));
        }
        out += &piece;
    }
    out += &stream.finish();
    if out == expected { Ok(()) } else { Err(format!("{text:?} was streamed as {out:?}")) }
}

proptest! {
    #[test]
    fn any_text_comes_back(text in "(\\PC|\\s|[a-z0-9' ]){0,60}") {
        use std::sync::LazyLock;
        static TOKENIZERS: LazyLock<Vec<Tokenizer>> = LazyLock::new(|| {
            ["gpt-2", "llama-bpe", "gpt-4o", "deepseek-v3", "superbpe", "tiny_aya"].map(named).into()
        });
        for tokenizer in TOKENIZERS.iter() {
            prop_assert_eq!(comes_back(tokenizer, &text, &text), Ok(()));
        }
    }
}

#[test]
fn a_megabyte_of_one_letter_takes_work_that_grows_with_its_length() {
    // A way of merging or of cutting that is quadratic takes 10^12 steps here and does not end in a test's time.
    let all = ["a", " "];
    let cuts = ["\n", "1", "中", " \n", "!"];
    let cases: [(&str, &[&str]); 9] = [
        ("llama-bpe", &all),
        ("deepseek-llm", &[" ", "\n"]),
        ("gemma4", &[" "]),
        ("llama", &all),
        ("t5", &all),
        ("bert", &all),
        ("gpt-4o", &cuts),
        ("deepseek-v3", &cuts),
        ("superbpe", &["1"]),
    ];
    for (name, texts) in cases {
        let tokenizer = named(name);
        for text in texts {
            let long = text.repeat((1 << 20) / text.len()) + "x";
            let ids = tokenizer.encode(&long, false);
            assert!(ids.len() <= long.len() + 1, "{name}");
            if !["t5", "bert"].contains(&name) {
                assert_eq!(tokenizer.decode(&ids), long, "{name} of {text:?}");
            }
        }
    }
}

// ---- Special tokens.

/// The byte-level vocabulary with more special tokens, and other keys.
fn with_tokens(extra: &[(&str, i32)], change: impl FnOnce(&mut Writer)) -> Writer {
    let all = tokens();
    let group = &all.groups[0];
    let case = group.cases.iter().find(|case| case.name == "llama-bpe").unwrap();
    let mut writer = group.writer(case);
    let texts = group.metadata["tokenizer.ggml.tokens"].as_array().unwrap();
    let kinds = group.metadata["tokenizer.ggml.token_type"].as_array().unwrap();
    let texts: Vec<&str> =
        texts.iter().map(|text| text.as_str().unwrap()).chain(extra.iter().map(|pair| pair.0)).collect();
    let kinds: Vec<i32> = kinds
        .iter()
        .map(|kind| kind.as_i64().unwrap() as i32)
        .chain(extra.iter().map(|pair| pair.1))
        .collect();
    writer.set("tokenizer.ggml.tokens", texts).set("tokenizer.ggml.token_type", kinds);
    change(&mut writer);
    writer
}

#[test]
fn control_tokens_are_text_unless_they_are_asked_for() {
    let tokenizer = named("llama-bpe");
    let id = |text| tokenizer.vocabulary().id(text).unwrap();
    assert!(tokenizer.encode("<|start|>", true) == [id("<|start|>")]);
    assert!(!tokenizer.encode("<|start|>", false).contains(&id("<|start|>")));
    // A user-defined token is never spelled.
    assert_eq!(tokenizer.encode("<mark>", false), [id("<mark>")]);
    let parts = tokenizer.encode_parts(&[Part::Parsed("<|start|>a"), Part::Literal("<|start|>")]);
    assert_eq!(parts.iter().filter(|&&found| found == id("<|start|>")).count(), 1);
    assert_eq!(tokenizer.decode(&[id("<|start|>"), id("<mark>")]), "<mark>", "control tokens are no text");
}

#[test]
fn phi_3_takes_white_space_after_its_special_tokens_away() {
    let plain = read(&with_tokens(&[], |_| ())).unwrap();
    let phi = read(&with_tokens(&[], |writer| {
        writer.set("general.name", "Phi-3 mini 4k instruct");
    }));
    let phi = phi.unwrap();
    let text = "<|start|>\n user<|end|> \n";
    assert_eq!(phi.encode(text, true), plain.encode("<|start|>user<|end|>", true));
    assert_ne!(plain.encode(text, true), plain.encode("<|start|>user<|end|>", true));
}

#[test]
fn ends_are_found_by_name_where_the_metadata_is_silent_or_wrong() {
    let tokenizer = read(&with_tokens(&[("<|im_end|>", 1), ("<|eot_id|>", 3), ("</s>", 1)], |_| ())).unwrap();
    let ends = |tokenizer: &Tokenizer, text| tokenizer.is_end(tokenizer.vocabulary().id(text).unwrap());
    assert!(ends(&tokenizer, "<|im_end|>") && ends(&tokenizer, "<|eot_id|>"));
    assert_eq!(tokenizer.vocabulary().kind(tokenizer.vocabulary().id("<|im_end|>").unwrap()), Kind::Control);
    assert!(!ends(&tokenizer, "</s>"), "an ordinary text stays one");
    assert!(ends(&tokenizer, "<|end|>"));
    // Harmony: <|end|> closes a message, and the answer goes on.
    let harmony = read(&with_tokens(&[("<|return|>", 3), ("<|call|>", 3)], |_| ())).unwrap();
    assert!(!ends(&harmony, "<|end|>") && ends(&harmony, "<|return|>") && ends(&harmony, "<|call|>"));
}

#[test]
fn a_whole_text_gets_the_tokens_that_the_file_asks_for() {
    let bert = named("bert");
    let id = |text| bert.vocabulary().id(text).unwrap();
    let ids = bert.encode_whole("fox", false);
    assert_eq!((ids[0], ids[ids.len() - 1]), (id("[CLS]"), id("[SEP]")));
    let t5 = named("t5");
    assert_eq!(t5.encode_whole("fox", false).last(), t5.vocabulary().id("</s>").as_ref());
    let llama = named("llama");
    assert_eq!(llama.encode_whole("fox", false)[0], llama.vocabulary().id("<s>").unwrap());
    assert_eq!(named("gpt-2").encode_whole("fox", false), named("gpt-2").encode("fox", false));
    let both = read(&with_tokens(&[], |writer| {
        writer.set("tokenizer.ggml.bos_token_id", 3u32).set("tokenizer.ggml.eos_token_id", 4u32);
        writer.set("tokenizer.ggml.add_eos_token", true);
    }));
    let ids = both.unwrap().encode_whole("fox", false);
    assert_eq!(
        (ids[0], ids[ids.len() - 1]),
        (3, 4),
        "Llama 3 begins with a start token when the file is silent"
    );
}

#[test]
fn thoughts_are_marked_as_the_vocabulary_shows() {
    let thinking = |extra: &[(&str, i32)]| read(&with_tokens(extra, |_| ())).unwrap().thinking();
    assert_eq!(thinking(&[]), None);
    let found = thinking(&[("<think>", 4), ("</think>", 4)]).unwrap();
    assert_eq!((found.opens.as_str(), found.closes.as_str()), ("<think>", "</think>"));
    assert_eq!((found.open_ids.len(), found.close_ids.len()), (1, 1));
    assert_eq!(thinking(&[("<think>", 4)]), None, "one alone is no pair");
    let harmony = [("<|channel|>", 3), ("analysis", 1), ("<|message|>", 3)];
    assert_eq!(thinking(&harmony).unwrap().opens, "<|channel|>analysis<|message|>");
}

#[test]
fn a_file_without_a_pre_tokenizer_says_so() {
    let all = tokens();
    let group = &all.groups[0];
    let mut writer = Writer::new();
    for (key, value) in &group.metadata {
        writer.set(key, value_of(key, value));
    }
    let tokenizer = read(&writer).unwrap();
    assert!(tokenizer.note().is_some_and(|note| note.contains("tokenizer.ggml.pre")));
    assert_eq!(tokenizer.encode("12345 a", false), named("default").encode("12345 a", false));
    assert_eq!(named("default").note(), None);
}

// ---- Hostile vocabularies.

#[test]
fn a_vocabulary_that_cannot_be_is_refused_by_the_name_of_its_key() {
    type Change = fn(&mut Writer);
    let byte_level: [(&str, &str, Change); 12] = [
        ("tokenizer.ggml.model", "not supported", |w| {
            w.set("tokenizer.ggml.model", "future");
        }),
        ("tokenizer.ggml.pre", "not supported", |w| {
            w.set("tokenizer.ggml.pre", "future");
        }),
        ("tokenizer.ggml.pre", "an integer", |w| {
            w.set("tokenizer.ggml.pre", 1u32);
        }),
        ("tokenizer.ggml.tokens", "0 tokens", |w| {
            w.set("tokenizer.ggml.tokens", Vec::<String>::new());
        }),
        ("tokenizer.ggml.tokens", "1048577 tokens", |w| {
            let many: Vec<String> = (0..(1 << 20) + 1).map(|n: u32| n.to_string()).collect();
            w.set("tokenizer.ggml.tokens", many);
        }),
        ("tokenizer.ggml.tokens", "tokens 0 and 2 are both \"a\"", |w| {
            w.set("tokenizer.ggml.tokens", vec!["a", "b", "a"]);
        }),
        ("tokenizer.ggml.token_type", "3 types", |w| {
            w.set("tokenizer.ggml.token_type", vec![1, 1, 1]);
        }),
        ("tokenizer.ggml.tokens", "byte 0x00", |w| {
            w.set("tokenizer.ggml.tokens", vec!["a"]).set("tokenizer.ggml.token_type", vec![1]);
        }),
        ("tokenizer.ggml.merges", "merge 0 (\"ab\")", |w| {
            w.set("tokenizer.ggml.merges", vec!["ab"]);
        }),
        ("tokenizer.ggml.merges", "merge 0 (\"a \u{2603}\")", |w| {
            w.set("tokenizer.ggml.merges", vec!["a \u{2603}"]);
        }),
        ("tokenizer.ggml.merges", "an integer", |w| {
            w.set("tokenizer.ggml.merges", 7u32);
        }),
        ("tokenizer.ggml.eos_token_id", "token 4000000000", |w| {
            w.set("tokenizer.ggml.eos_token_id", 4_000_000_000u32);
        }),
    ];
    for (key, reason, change) in byte_level {
        let error = read(&with_tokens(&[], change)).err().unwrap_or_else(|| panic!("{key} {reason}: taken"));
        assert!(error.contains(key) && error.contains(reason), "{key} {reason}: {error}");
    }
    let types: Change = |w| {
        w.set("tokenizer.ggml.token_type", vec![9; 3]).set("tokenizer.ggml.tokens", vec!["a", "b", "c"]);
    };
    let error = read(&with_tokens(&[], types)).err().unwrap();
    assert!(error.contains("token_type") && error.contains("token 0 has type 9"), "{error}");

    let unigram: [(&str, &str, Change); 6] = [
        ("tokenizer.ggml.scores", "2 scores", |w| {
            w.set("tokenizer.ggml.scores", vec![0.0f32; 2]);
        }),
        ("tokenizer.ggml.scores", "an array", |w| {
            w.set("tokenizer.ggml.scores", vec![0i32; 2]);
        }),
        ("tokenizer.ggml.precompiled_charsmap", "cut off", |w| {
            w.set("tokenizer.ggml.precompiled_charsmap", Value::Array(Array::U8(vec![1, 2])));
        }),
        ("tokenizer.ggml.precompiled_charsmap", "cut off", |w| {
            w.set(
                "tokenizer.ggml.precompiled_charsmap",
                Value::Array(Array::U8(vec![255, 255, 255, 255, 0])),
            );
        }),
        ("tokenizer.ggml.precompiled_charsmap", "not UTF-8", |w| {
            w.set("tokenizer.ggml.precompiled_charsmap", Value::Array(Array::U8(vec![0, 0, 0, 0, 255, 0])));
        }),
        ("tokenizer.ggml.precompiled_charsmap", "no end", |w| {
            w.set("tokenizer.ggml.precompiled_charsmap", Value::Array(Array::U8(vec![0, 0, 0, 0, 65])));
        }),
    ];
    for (key, reason, change) in unigram {
        let mut writer = t5_writer();
        change(&mut writer);
        let error = read(&writer).err().unwrap_or_else(|| panic!("{key} {reason}: taken"));
        assert!(error.contains(key) && error.contains(reason), "{key} {reason}: {error}");
    }
    let mut writer = t5_writer();
    let scores = vec![f32::NAN; named("t5").vocabulary().len()];
    writer.set("tokenizer.ggml.scores", scores);
    assert!(read(&writer).err().unwrap().contains("token 0 is not a number"));
}

fn t5_writer() -> Writer {
    let all = tokens();
    let group = all.groups.iter().find(|group| group.cases[0].name == "t5").unwrap();
    group.writer(&group.cases[0])
}

#[test]
fn a_token_that_is_not_utf_8_is_refused() {
    let mut writer = Writer::new();
    writer.set("tokenizer.ggml.model", "gpt2").set("tokenizer.ggml.tokens", vec!["ab", "good"]);
    let mut bytes = writer.to_bytes();
    let place = bytes.windows(4).position(|window| window == b"good").unwrap();
    bytes[place] = 0xff;
    let error = Header::parse(std::io::Cursor::new(&bytes), bytes.len() as u64, Path::new("model.gguf"))
        .unwrap_err()
        .to_string();
    assert!(error.contains("tokenizer.ggml.tokens") && error.contains("UTF-8"), "{error}");
}

proptest! {
    #[test]
    fn no_table_of_characters_makes_it_panic(
        array in prop::collection::vec(any::<u32>(), 0..300), text in "\\PC{0,20}", ends in "[a-z\\x00]{0,9}"
    ) {
        let mut bytes = ((array.len() * 4) as u32).to_le_bytes().to_vec();
        // Small numbers walk further.
        bytes.extend(array.iter().flat_map(|entry| (entry % 0x4_0000).to_le_bytes()));
        bytes.extend(ends.bytes().chain([0]));
        let mut writer = t5_writer();
        writer.set("tokenizer.ggml.precompiled_charsmap", Value::Array(Array::U8(bytes)));
        let tokenizer = read(&writer).unwrap();
        prop_assert!(tokenizer.encode(&text, false).len() <= 8 * text.len() + 1);
    }
}
