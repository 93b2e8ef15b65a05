//! Files that are not what they claim: a clear error, no panic, and no more memory than the file justifies.
#![allow(clippy::unwrap_used)]

#[path = "support/cost.rs"]
mod cost;
#[path = "reference/recipe.rs"]
mod recipe;

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use cost::{alone, cost};
use runtime::families::{Model, Want};
use runtime::gguf::write::Writer;
use runtime::gguf::{Dtype, GgufError, Header};
use runtime::inspect::facts;
use runtime::tokenizer::Tokenizer;
use runtime::weights::Weights;

fn parse(bytes: &[u8]) -> Result<Header, GgufError> {
    Header::parse(std::io::Cursor::new(bytes), bytes.len() as u64, Path::new("some.gguf"))
}

fn toy() -> Writer {
    let mut recipe = recipe::reference().models[1].clone();
    (recipe.layers, recipe.width, recipe.feed, recipe.experts, recipe.vocabulary) = (1, 16, 8, 3, 12);
    let mut writer = recipe.writer();
    writer.set("tokenizer.chat_template", "{% for m in messages %}{{ m.content }}{% endfor %}");
    writer
}

/// The error of a file as text: it must name the file, and there must be a way out.
fn refused(bytes: &[u8]) -> String {
    let error = parse(bytes).expect_err("the file is refused");
    assert!(error.to_string().contains("some.gguf"), "{error}");
    assert!(!error.fix().is_empty() && !error.code().is_empty());
    error.to_string()
}

/// A header written by hand: magic, version 3, one tensor, no keys.
fn one_tensor(dims: &[u64], dtype: u32, offset: u64, data: usize) -> Vec<u8> {
    let mut bytes = b"GGUF".to_vec();
    bytes.extend(3u32.to_le_bytes());
    bytes.extend(1u64.to_le_bytes());
    bytes.extend(0u64.to_le_bytes());
    bytes.extend(1u64.to_le_bytes());
    bytes.push(b't');
    bytes.extend((dims.len() as u32).to_le_bytes());
    dims.iter().for_each(|dim| bytes.extend(dim.to_le_bytes()));
    bytes.extend(dtype.to_le_bytes());
    bytes.extend(offset.to_le_bytes());
    bytes.resize(bytes.len().next_multiple_of(32) + data, 0);
    bytes
}

#[test]
fn what_is_no_gguf_file_is_told_apart() {
    assert!(refused(b"").contains("empty"));
    assert!(refused(b"Dear reader, this is a text").contains("text file"));
    assert!(refused(b"\x89PNG\r\n\x1a\n").contains("not a GGUF file"));
    assert!(refused(b"GGUF").contains("version"));
    assert!(refused(b"GGUF\x01\0\0\0").contains("version 1"));
    assert!(refused(b"GGUF\0\0\0\x03").contains("big-endian"));
    assert!(refused(b"GGUF\x63\0\0\0").contains("version 99"));
}

#[test]
fn a_folder_and_a_missing_file_are_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let error = Header::read(folder.path()).unwrap_err();
    assert_eq!(error.code(), "model.not_a_file");
    assert_eq!(Header::read(&folder.path().join("none.gguf")).unwrap_err().code(), "model.absent");
    #[cfg(unix)]
    assert_eq!(Header::read(Path::new("/dev/zero")).unwrap_err().code(), "model.not_a_file");
}

#[test]
fn counts_are_believed_only_when_the_file_is_long_enough() {
    let _alone = alone();
    let head = |tensors: u64, keys: u64| {
        let mut bytes = b"GGUF\x03\0\0\0".to_vec();
        bytes.extend(tensors.to_le_bytes());
        bytes.extend(keys.to_le_bytes());
        bytes
    };
    let with_key = |kind: u32, rest: &[u8]| {
        let mut bytes = head(0, 1);
        bytes.extend(1u64.to_le_bytes());
        bytes.push(b'k');
        bytes.extend(kind.to_le_bytes());
        bytes.extend(rest);
        bytes
    };
    let array = |kind: u32, count: u64| [&kind.to_le_bytes()[..], &count.to_le_bytes()].concat();
    let cases = [
        head(u64::MAX, 0),
        head(0, u64::MAX),
        head(100_000, 0),
        head(0, 60_000),
        with_key(8, &u64::MAX.to_le_bytes()),
        with_key(8, &(1u64 << 40).to_le_bytes()),
        with_key(9, &array(4, u64::MAX)),
        with_key(9, &array(8, 1 << 61)),
        with_key(9, &array(9, 1 << 60)),
        with_key(9, &array(12, (u64::MAX / 8) + 1)),
        with_key(77, &[0; 64]),
        with_key(9, &array(77, 1)),
        // Arrays in arrays, far deeper than the stack.
        with_key(9, &array(9, 1).repeat(100_000)),
    ];
    for bytes in cases {
        let (text, bytes_taken) = cost(|| refused(&bytes));
        assert!(bytes_taken < 200_000 + 4 * bytes.len(), "{bytes_taken} bytes for {text}");
    }
}

#[test]
fn tensors_must_lie_in_the_file() {
    let f32_number = 0;
    assert!(parse(&one_tensor(&[8], f32_number, 0, 32)).is_ok());
    let cases: [(Vec<u8>, &str); 9] = [
        (one_tensor(&[8], f32_number, 0, 31), "needs 32 bytes"),
        (one_tensor(&[8], f32_number, 32, 32), "needs 32 bytes"),
        (one_tensor(&[8], f32_number, u64::MAX - 31, 32), "needs"),
        (one_tensor(&[8], f32_number, 4, 64), "alignment"),
        (one_tensor(&[1 << 32, 1 << 32], f32_number, 0, 32), "too large"),
        (one_tensor(&[1 << 62, 2], f32_number, 0, 32), "too large"),
        (one_tensor(&[0, 8], f32_number, 0, 32), "empty dimension"),
        (one_tensor(&[1, 1, 1, 1, 1], f32_number, 0, 32), "5 dimensions"),
        (one_tensor(&[16], 8, 0, 32), "blocks of 32"),
    ];
    for (bytes, words) in cases {
        let text = refused(&bytes);
        assert!(text.contains(words), "{text} says {words}");
    }
    assert!(refused(&one_tensor(&[8], 4242, 0, 32)).contains("4242"));
}

#[test]
fn one_name_twice_is_refused() {
    let writer = |keys: &[&str]| {
        let mut writer = Writer::new();
        for key in keys {
            writer.set(key, 1u32);
        }
        writer.to_bytes()
    };
    let mut bytes = writer(&["aa", "ab"]);
    let at = bytes.windows(2).position(|pair| pair == b"ab").unwrap();
    bytes[at + 1] = b'a';
    assert!(refused(&bytes).contains("\"aa\" appears twice"));

    let mut writer = Writer::new();
    writer.tensor_f32("aa", &[8], &[0.0; 8]).tensor_f32("ab", &[8], &[0.0; 8]);
    let mut bytes = writer.to_bytes();
    let at = bytes.windows(2).position(|pair| pair == b"ab").unwrap();
    let offset = at + 2 + 4 + 8 + 4;
    assert_eq!(bytes[offset], 32);
    let mut overlapping = bytes.clone();
    overlapping[offset] = 0;
    assert!(refused(&overlapping).contains("overlap"));
    bytes[at + 1] = b'a';
    assert!(refused(&bytes).contains("\"aa\" appears twice"));
}

#[test]
fn an_alignment_of_nothing_is_refused() {
    for alignment in [0u32, 3, 48, 1 << 30] {
        let mut writer = Writer::new();
        let text = refused(&writer.set("general.alignment", alignment).to_bytes());
        assert!(text.contains("general.alignment"), "{text}");
    }
}

/// What the whole way from bytes to two tokens says; `Ok` when everything went well.
fn whole_way(file: &mut File, bytes: &[u8]) -> Result<(), String> {
    use std::io::Seek;
    file.set_len(0).and_then(|()| file.rewind()).and_then(|()| file.write_all(bytes)).unwrap();
    file.rewind().unwrap();
    let header = Header::read_from(file, Path::new("some.gguf")).map_err(|error| error.to_string())?;
    facts(&header).map_err(|error| error.to_string())?;
    let tokenizer = Tokenizer::read(&header).map_err(|error| error.to_string())?;
    let ids = tokenizer.encode("ab <s>", true);
    tokenizer.decode(&ids);
    let weights = Weights::map(file, &header).map_err(|error| error.to_string())?;
    let model = Model::load(&header, &weights).map_err(|error| error.to_string())?;
    let mut cache = model.cache();
    let go = AtomicBool::new(false);
    model.forward(&[1, 2], &mut cache, Want::Last, &go).map_err(|error| error.to_string())?;
    Ok(())
}

fn told(change: impl FnOnce(&mut Writer)) -> String {
    let mut writer = toy();
    change(&mut writer);
    whole_way(&mut tempfile::tempfile().unwrap(), &writer.to_bytes()).expect_err("the file is refused")
}

#[test]
fn sizes_that_do_not_fit_are_named() {
    assert_eq!(whole_way(&mut tempfile::tempfile().unwrap(), &toy().to_bytes()), Ok(()));
    type Change = fn(&mut Writer);
    let cases: Vec<(&str, Change)> = vec![
        ("block_count", |w| {
            w.set("llama.block_count", 0u32);
        }),
        ("blk.1.attn_q.weight", |w| {
            w.set("llama.block_count", 2u32);
        }),
        ("blk.1.attn_q.weight", |w| {
            w.set("llama.block_count", 4096u32);
        }),
        ("attn_q.weight", |w| {
            w.set("llama.embedding_length", 1u32 << 20);
        }),
        ("head_count", |w| {
            w.set("llama.attention.head_count", 0u32);
        }),
        ("head_count_kv", |w| {
            w.set("llama.attention.head_count_kv", 3u32);
        }),
        ("embedding_length", |w| {
            w.set("llama.embedding_length", "wide");
        }),
        ("embedding_length", |w| {
            w.set("llama.embedding_length", -16i32);
        }),
        ("dimension_count", |w| {
            w.set("llama.rope.dimension_count", 7u32);
        }),
        ("dimension_count", |w| {
            w.set("llama.rope.dimension_count", 64u32);
        }),
        ("freq_base", |w| {
            w.set("llama.rope.freq_base", f32::NAN);
        }),
        ("epsilon", |w| {
            w.set("llama.attention.layer_norm_rms_epsilon", -1f32);
        }),
        ("rope scaling", |w| {
            w.set("llama.rope.scaling.type", "dynamic");
        }),
        ("expert_used_count", |w| {
            w.set("llama.expert_used_count", 4u32);
        }),
        ("expert_used_count", |w| {
            w.set("llama.expert_used_count", 0u32);
        }),
        ("ffn_gate_inp", |w| {
            w.set("llama.expert_count", 2u32);
        }),
        ("vocab_size", |w| {
            w.set("llama.vocab_size", 13u32);
        }),
        ("bos_token_id", |w| {
            w.set("tokenizer.ggml.bos_token_id", 12u32);
        }),
        ("eos_token_id", |w| {
            w.set("tokenizer.ggml.eos_token_id", u64::MAX);
        }),
        ("scores", |w| {
            w.set("tokenizer.ggml.scores", vec![0f32; 11]);
        }),
        ("scores", |w| {
            w.set("tokenizer.ggml.scores", vec![f32::NAN; 12]);
        }),
        ("token_type", |w| {
            w.set("tokenizer.ggml.token_type", vec![9i32; 12]);
        }),
        ("tokenizer.ggml.tokens", |w| {
            w.set("tokenizer.ggml.tokens", vec!["a", "b"]);
        }),
        ("\"rwkv\"", |w| {
            w.set("tokenizer.ggml.model", "rwkv");
        }),
        ("\"mamba\"", |w| {
            w.set("general.architecture", "mamba");
        }),
        ("attn_v.weight", |w| {
            w.replace("blk.0.attn_v.weight", &[16, 15], Dtype::F32, vec![0; 960]);
        }),
        ("\"surprise\"", |w| {
            w.tensor_f32("surprise", &[4], &[0.0; 4]);
        }),
        ("I8", |w| {
            w.replace("output.weight", &[16, 12], Dtype::Other(24), vec![0; 192]);
        }),
    ];
    for (words, change) in cases {
        let text = told(change);
        assert!(text.contains(words) && text.contains("some.gguf"), "\"{text}\" names {words}");
    }
}
