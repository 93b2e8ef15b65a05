//! Runtime: real vocabularies give the published ids, logits are those of an independent implementation, and real files
//! give the published text.
#![allow(clippy::unwrap_used)]

#[path = "reference/recipe.rs"]
mod recipe;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use half::{bf16, f16};
use recipe::Recipe;
use runtime::cache::{Cache, KvType};
use runtime::families::{Model, Want};
use runtime::generate::Expert;
use runtime::gguf::write::Writer;
use runtime::gguf::{Dtype, Header};
use runtime::host::{Examined, Example, Finish, LogitsRow, Look, Message, Prompt, Request, Role, Template};
use runtime::tokenizer::{Part, Tokenizer};
use runtime::weights::Weights;

/// A file that this project did not write, or nothing with a word about it.
fn shared(name: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data").join(name);
    if !path.exists() {
        eprintln!("skipped: {} is not there", path.display());
        return None;
    }
    Some(path)
}

fn load(path: &Path, threads: usize) -> Expert {
    let header = Header::read(path).expect("a sound file");
    Expert::load(&File::open(path).unwrap(), &header, threads, &mut |_| {}).expect("a supported model")
}

fn write(writer: &Writer) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.gguf");
    writer.write_to(&path).unwrap();
    (folder, path)
}

fn all_logits(expert: &mut Expert, ids: &[u32]) -> Vec<Vec<f32>> {
    let mut rows = Vec::new();
    let mut take = |row: LogitsRow| {
        assert_eq!(row.position as usize, rows.len(), "rows come in order");
        rows.push(row.logits);
    };
    expert.logits(ids, true, &AtomicBool::new(false), &mut take).unwrap();
    rows
}

/// Largest difference of two rows.
fn distance(a: &[f32], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| (f64::from(*a) - b).abs()).fold(0.0, f64::max)
}

// ---- Tokenizers, against the ids that llama.cpp publishes beside its vocabularies.

fn tokens_are_published(name: &str) {
    let Some(path) = shared(&format!("tokenizers/ggml-vocab-{name}.gguf")) else { return };
    let beside = |ending: &str| std::fs::read_to_string(format!("{}.{ending}", path.display())).unwrap();
    let tokenizer = Tokenizer::read(&Header::read(&path).unwrap()).unwrap();
    let (texts, ids) = (beside("inp"), beside("out"));
    let texts: Vec<&str> =
        texts.trim_end_matches("\n__ggml_vocab_test__\n").split("\n__ggml_vocab_test__\n").collect();
    let expected: Vec<Vec<u32>> =
        ids.lines().map(|line| line.split_whitespace().map(|id| id.parse().unwrap()).collect()).collect();
    assert_eq!(texts.len(), expected.len(), "as many strings as lines");
    for (text, expected) in texts.iter().zip(&expected) {
        let found = tokenizer.encode(text, false);
        assert_eq!(&found, expected, "{name}: {text:?}");
        assert_eq!(tokenizer.decode(&found), *text, "{name}: the text comes back");
    }
}

#[test]
fn sentencepiece_ids_are_those_of_llama() {
    tokens_are_published("llama-spm");
}

#[test]
fn sentencepiece_ids_are_those_of_phi_3() {
    tokens_are_published("phi-3");
}

#[test]
fn byte_level_ids_are_those_of_gpt_2() {
    tokens_are_published("gpt-2");
}

#[test]
fn byte_level_ids_are_those_of_deepseek_coder() {
    tokens_are_published("deepseek-coder");
}

#[test]
fn control_tokens_are_parsed_only_where_it_is_said() {
    let Some(path) = shared("tokenizers/ggml-vocab-phi-3.gguf") else { return };
    let tokenizer = Tokenizer::read(&Header::read(&path).unwrap()).unwrap();
    let user = tokenizer.vocabulary().id("<|user|>").unwrap();
    assert_eq!(tokenizer.encode("<|user|>", true), [user]);
    assert!(!tokenizer.encode("<|user|>", false).contains(&user));
    let parts = tokenizer.encode_parts(&[Part::Parsed("<|user|>a"), Part::Literal("<|user|>")]);
    assert_eq!(parts.iter().filter(|&&id| id == user).count(), 1);
    assert!(tokenizer.is_end(tokenizer.vocabulary().id("<|end|>").unwrap()));
}

// ---- Logits, against tests/reference/logits.py (Llama's formulas in numpy, float64).

/// A logit here is a sum of about a hundred products of size 1 behind at most two layers. Rounding each step to 24 bits
/// gives errors of some 1e-6; a wrong frequency, head, expert or scale gives more than 1e-2.
const TOLERANCE: f64 = 5e-5;

#[test]
fn logits_are_those_of_the_papers_formulas() {
    for recipe in recipe::reference().models {
        let (_folder, path) = write(&recipe.writer());
        for threads in [1, 2] {
            let rows = all_logits(&mut load(&path, threads), &recipe.ids());
            for (position, expected) in recipe.positions.iter().zip(&recipe.logits) {
                let off = distance(&rows[*position], expected);
                assert!(off < TOLERANCE, "{} at position {position}: off by {off}", recipe.name);
            }
        }
    }
}

#[test]
fn one_token_at_a_time_gives_what_the_whole_prompt_gives() {
    for recipe in recipe::reference().models.into_iter().filter(|recipe| recipe.tokens < 100) {
        let (_folder, path) = write(&recipe.writer());
        let header = Header::read(&path).unwrap();
        let weights = Weights::map(&File::open(&path).unwrap(), &header).unwrap();
        let model = Model::load(&header, &weights).unwrap();
        let (go, want) = (AtomicBool::new(false), Want::Last);
        let mut whole = model.cache();
        let at_once = model.forward(&recipe.ids(), &mut whole, want, &go).unwrap();
        let mut single = model.cache();
        let mut last = Vec::new();
        for id in recipe.ids() {
            last = model.forward(&[id], &mut single, want, &go).unwrap();
        }
        // Dot products add in one order whatever the number of tokens, so not a bit differs.
        assert_eq!(at_once, last, "{}", recipe.name);
    }
}

#[test]
fn a_stopped_pass_leaves_the_cache_as_it_was() {
    let recipe = &recipe::reference().models[0];
    let (_folder, path) = write(&recipe.writer());
    let header = Header::read(&path).unwrap();
    let weights = Weights::map(&File::open(&path).unwrap(), &header).unwrap();
    let model = Model::load(&header, &weights).unwrap();
    let mut cache = model.cache();
    let want = Want::Last;
    model.forward(&[1, 5], &mut cache, want, &AtomicBool::new(false)).unwrap();
    assert!(model.forward(&[6, 7], &mut cache, want, &AtomicBool::new(true)).is_err());
    assert_eq!(cache.positions(), 2);
    let after = model.forward(&[6, 7], &mut cache, want, &AtomicBool::new(false)).unwrap();
    let straight = model.forward(&[1, 5, 6, 7], &mut model.cache(), want, &AtomicBool::new(false)).unwrap();
    assert_eq!(after, straight);
}

/// A dense model of the recipe with its matrices stored as `dtype`, and the same model with what is left of the numbers
/// in 32 bits. `store` gives the bytes of some numbers and what they stand for.
fn stored(dtype: Dtype, store: impl Fn(&[f32]) -> (Vec<u8>, Vec<f32>)) -> (Writer, Writer) {
    let mut recipe: Recipe = recipe::reference().models[0].clone();
    (recipe.width, recipe.feed, recipe.head_width, recipe.layers) = (256, 256, 64, 1);
    let (mut stored, mut plain) = (recipe.writer(), recipe.writer());
    for name in ["attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down"] {
        let name = format!("blk.0.{name}.weight");
        let kv = name.contains("attn_k") || name.contains("attn_v");
        let dims = [256, if kv { 128 } else { 256 }];
        let (bytes, numbers) = store(&recipe.matrix(&name, &dims));
        stored.replace(&name, &dims, dtype, bytes);
        plain.replace(&name, &dims, Dtype::F32, numbers.iter().flat_map(|v| v.to_le_bytes()).collect());
    }
    (stored, plain)
}

/// Logits after every token, with a cache of 32 bits.
fn exact_logits(writer: &Writer, ids: &[u32]) -> Vec<f32> {
    let (_folder, path) = write(writer);
    let header = Header::read(&path).unwrap();
    let weights = Weights::map(&File::open(&path).unwrap(), &header).unwrap();
    let model = Model::load(&header, &weights).unwrap();
    let shape = model.shape();
    let width = shape.kv_heads * shape.key_width;
    let mut cache = Cache::new(KvType::F32, shape.layers, width, width);
    model.forward(ids, &mut cache, Want::All, &AtomicBool::new(false)).unwrap()
}

#[test]
fn weights_of_16_bits_compute_as_their_numbers_in_32_bits() {
    let ids: Vec<u32> = (3..23).collect();
    let halves = |numbers: &[f32]| {
        let halves: Vec<f16> = numbers.iter().map(|&number| f16::from_f32(number)).collect();
        (
            halves.iter().flat_map(|half| half.to_le_bytes()).collect(),
            halves.iter().map(|half| half.to_f32()).collect(),
        )
    };
    let uppers = |numbers: &[f32]| {
        let uppers: Vec<bf16> = numbers.iter().map(|&number| bf16::from_f32(number)).collect();
        (
            uppers.iter().flat_map(|half| half.to_le_bytes()).collect(),
            uppers.iter().map(|half| half.to_f32()).collect(),
        )
    };
    for (stored, plain) in [stored(Dtype::F16, halves), stored(Dtype::BF16, uppers)] {
        // The same numbers in the same order: not a bit differs.
        assert_eq!(exact_logits(&stored, &ids), exact_logits(&plain, &ids));
    }
}

/// Blocks of 32: a 16-bit scale and whole numbers up to `most`, packed by `pack`.
fn blocks_of_32(numbers: &[f32], most: f32, pack: impl Fn(&[i8]) -> Vec<u8>) -> (Vec<u8>, Vec<f32>) {
    let (mut bytes, mut back) = (Vec::new(), Vec::new());
    for block in numbers.chunks_exact(32) {
        let scale = f16::from_f32(block.iter().fold(0f32, |most, x| most.max(x.abs())) / most);
        let wholes: Vec<i8> =
            block.iter().map(|x| (x / scale.to_f32()).round().clamp(-most, most) as i8).collect();
        bytes.extend(scale.to_le_bytes());
        bytes.extend(pack(&wholes));
        back.extend(wholes.iter().map(|&whole| scale.to_f32() * f32::from(whole)));
    }
    (bytes, back)
}

#[test]
fn quantised_weights_compute_as_their_numbers_within_the_rounding_of_activations() {
    let ids: Vec<u32> = (3..23).collect();
    let bytes = |wholes: &[i8]| wholes.iter().map(|&whole| whole as u8).collect();
    let halves = |wholes: &[i8]| -> Vec<u8> {
        let half = |whole: i8| (whole + 8) as u8;
        (0..16).map(|place| half(wholes[place]) | half(wholes[place + 16]) << 4).collect()
    };
    for (dtype, most, tolerance, pack) in [
        // Activations of 16 bits: a step of 1/65,534 of the largest of 32 is below what 24 bits lose in a layer's sums.
        (Dtype::Q8_0, 127.0, 2e-4, &bytes as &dyn Fn(&[i8]) -> Vec<u8>),
        // Of 8 bits: a number is off by 1/254 of the largest at most, evenly spread, so that a product of 256 is off by
        // 1/254 / sqrt(3) of its size and seven of them after each other by about 1 %.
        (Dtype::Q4_0, 7.0, 2e-2, &halves),
    ] {
        let (stored, plain) = stored(dtype, |numbers| blocks_of_32(numbers, most, pack));
        let (found, expected) = (exact_logits(&stored, &ids), exact_logits(&plain, &ids));
        let size =
            |x: &mut dyn Iterator<Item = f32>| x.map(|x| f64::from(x) * f64::from(x)).sum::<f64>().sqrt();
        let off =
            size(&mut found.iter().zip(&expected).map(|(a, b)| a - b)) / size(&mut expected.iter().copied());
        assert!(off > 0.0 && off < tolerance, "{}: off by {off} of its size", dtype.name());
    }
}

// ---- Real files.

fn published_text() -> Option<String> {
    let golden = std::fs::read_to_string(shared("models/stories260K-golden.md")?).unwrap();
    let begin = golden.find("Once upon a time").unwrap();
    let end = begin + golden[begin..].find("\n```").unwrap();
    Some(golden[begin..end].to_owned())
}

fn tells_the_published_story(name: &str) {
    let (Some(path), Some(expected)) = (shared(name), published_text()) else { return };
    let mut expert = load(&path, 2);
    let mut streamed = String::new();
    let mut take = |piece: &str| streamed.push_str(piece);
    let done =
        expert.generate(&Request::raw("", 256), &AtomicBool::new(false), &mut |_| {}, &mut take).unwrap();
    assert_eq!(done.text, expected, "{name}");
    assert_eq!(streamed, expected, "{name}: the pieces are the text");
    assert_eq!((done.tokens, done.finish), (256, Finish::Length));
    assert!(done.mean_probability > 0.5 && done.mean_probability < 1.0, "{}", done.mean_probability);
}

#[test]
fn stories260k_tells_the_story_that_its_author_published() {
    tells_the_published_story("models/stories260K.gguf");
}

#[test]
fn the_mixture_made_of_it_tells_the_same_story() {
    tells_the_published_story("models/stories260K-moe8x2.gguf");
}

#[test]
fn going_past_the_models_context_is_said() {
    let Some(path) = shared("models/stories260K.gguf") else { return };
    let mut expert = load(&path, 1);
    let mut run = |tokens| {
        let request = Request::raw("", tokens);
        expert.generate(&request, &AtomicBool::new(false), &mut |_| {}, &mut |_| {}).unwrap().note
    };
    assert_eq!(run(100), None);
    assert!(run(140).is_some_and(|note| note.contains("141") && note.contains("128")));
}

// ---- Chat templates.

/// A toy whose template is `template`, loaded.
fn with_template(template: &str) -> (tempfile::TempDir, Expert) {
    let mut writer = recipe::reference().models[0].writer();
    writer.set("tokenizer.chat_template", template);
    let (folder, path) = write(&writer);
    (folder, load(&path, 1))
}

#[test]
fn a_template_that_cannot_be_used_is_replaced_and_that_is_said() {
    let cases = [
        ("{% for", "fails"),
        ("{{ raise_exception('no') }}", "no"),
        ("nothing of the message", "leaves the message out"),
        ("{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}", "fails"),
        (
            "{% for i in range(99999) %}{{ 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa' }}{% endfor %}",
            "fails",
        ),
    ];
    for (template, reason) in cases {
        let (_folder, expert) = with_template(template);
        match expert.facts().template {
            Template::BuiltIn { name, why } => {
                assert_eq!(name, "plain");
                assert!(why.contains(reason), "{template}: {why}");
            }
            Template::Own => panic!("{template} was taken"),
        }
    }
    let nested = format!("{{{{ {}1{} }}}}", "(".repeat(7_000), ")".repeat(7_000));
    let (_folder, expert) = with_template(&nested);
    assert!(matches!(expert.facts().template, Template::BuiltIn { .. }), "deep nesting ends in words");
}

#[test]
fn templates_of_the_usual_kind_are_used() {
    // In the manner of real templates: loops, filters, Python methods, namespaces, a refusal of system messages.
    let cases = [
        "{% for m in messages %}{{ '<s>' + m['role'] + '\\n' + m['content'] | trim + '</s>' }}{% endfor %}",
        "{% set ns = namespace(last='') %}{% for m in messages %}{% set ns.last = m.content.strip() %}{% endfor %}\
         {{ bos_token }}{{ ns.last.split(' ')[0] }}{{ strftime_now('%Y') }}",
        "{%- if messages[0].role == 'system' %}{{ raise_exception('System role not supported') }}{% endif -%}\
         {% for m in messages %}{{ m.get('content', '') }}{% if loop.last %}!{% endif %}{% endfor %}",
    ];
    for template in cases {
        let (_folder, mut expert) = with_template(template);
        assert_eq!(expert.facts().template, Template::Own, "{template}");
        let messages = vec![Message::new(Role::System, "be kind"), Message::new(Role::User, "Hello you")];
        let request = Request::chat(messages, 1);
        let done = expert.generate(&request, &AtomicBool::new(false), &mut |_| {}, &mut |_| {}).unwrap();
        assert_eq!(done.note, None, "{template}");
        assert!(done.prompt_tokens > 3);
    }
}

#[test]
fn a_control_token_that_somebody_writes_stays_text() {
    let (_folder, mut expert) = with_template("{{ messages[0].content }}");
    let mut tokens = |content: &str| {
        let request = Request::chat(vec![Message::new(Role::User, content)], 1);
        expert.generate(&request, &AtomicBool::new(false), &mut |_| {}, &mut |_| {}).unwrap().prompt_tokens
    };
    // As text "</s>" is spelled in four tokens; as a control token it would be one.
    assert_eq!(tokens("a</s>b"), tokens("ab") + 4);
}

#[test]
fn how_little_a_text_was_expected_after_another_is_in_the_logits() {
    let Some(model) = shared("models/stories260K.gguf") else { return };
    let mut expert = load(&model, 1);
    let (before, text) = ("Once upon a time, there was a little girl", " named Lily. She loved to play.");
    // Its start token is 1.
    let mut ids = [&[1][..], &expert.tokenize(before, false).ids].concat();
    let read = ids.len();
    ids.extend(expert.tokenize(text, false).ids);
    let rows = all_logits(&mut expert, &ids);
    let mut after = |before: &str, text: &str| {
        let example =
            Example { prompt: Prompt::Raw(before.into()), answer: Some(text.into()), own_tokens: 0 };
        match expert.examine(&example, &Look::Surprise, &AtomicBool::new(false)) {
            Ok(Examined::Surprise(each)) => each,
            other => panic!("{other:?}"),
        }
    };
    let found = after(before, text);
    assert_eq!(found.len(), ids.len() - read);
    for (at, found) in (read..).zip(&found) {
        let row = &rows[at - 1];
        let sum: f64 = row.iter().map(|logit| f64::from(*logit).exp()).sum();
        let expected = sum.ln() - f64::from(row[ids[at] as usize]);
        // Sums of 32-bit floats in another order.
        assert!((found - expected).abs() < 1e-3, "{found}, and the logits say {expected}");
    }
    let elsewhere = after("The stock market fell", text);
    assert!(
        elsewhere.iter().sum::<f64>() > found.iter().sum::<f64>() + 1.0,
        "a story foretells its next sentence"
    );
    assert!(after(before, "").is_empty() && after("", "").is_empty());
}
