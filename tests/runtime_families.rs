//! Families: a tiny model of each gives the logits that transformers gives for it, far into a text too, and every switch
//! that its file sets matters. The models are described in src-tauri/runtime/reference, by families.py.
//!
//! Long because all families, and what is done to their mixtures, are compared with the same described models.
#![allow(clippy::unwrap_used)]

#[path = "reference/recipe.rs"]
mod recipe;

use std::fs::File;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use runtime::blocks::{Choice, Observer};
use runtime::families::{Model, Pass, Text, Want, check};
use runtime::gguf::write::Writer;
use runtime::gguf::{Array, Dtype, Header, Value};
use runtime::inspect::facts;
use runtime::profile::{LayerSums, Profiler, Sums, aimer};
use runtime::weights::Weights;
use serde_json::Value as Json;

use recipe::noise;

/// Of the spread of the logits. Both sides compute in 32 bits: a sum of some dozen products is off by 2^-24 · √n of
/// itself, the angle at position 2,200 in transformers by 2,200 · 2^-24 = 1.3e-4 radians, and a few layers pass that on.
/// The least of the switches that the files set moves the logits by ten times this (`every_switch_matters`).
const TOLERANCE: f32 = 1e-3;

/// Changes a tensor's dimensions and numbers, by its name.
type Change<'a> = &'a dyn Fn(&str, &mut Vec<u64>, &mut Vec<f32>);

/// A model with its reference.
struct Described(Json);

fn described(name: &str) -> Described {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("reference");
    let text = std::fs::read_to_string(folder.join(format!("{name}.json"))).unwrap();
    Described(serde_json::from_str(&text).unwrap())
}

fn floats(json: &Json) -> Vec<f32> {
    json.as_array().unwrap().iter().map(|number| number.as_f64().unwrap() as f32).collect()
}

impl Described {
    fn name(&self) -> &str {
        self.0["name"].as_str().unwrap()
    }

    fn list(&self, key: &str) -> &[Json] {
        self.0[key].as_array().unwrap()
    }

    /// The text.
    fn ids(&self) -> Vec<u32> {
        let embedding = self.list("tensors").iter().find(|tensor| tensor[0] == "token_embd.weight").unwrap();
        let vocabulary = embedding[1][1].as_u64().unwrap();
        let count = self.0["tokens"].as_u64().unwrap() as usize;
        noise(&format!("{}/tokens", self.name()), count).map(|z| (z % vocabulary) as u32).collect()
    }

    /// Positions and their logits.
    fn rows(&self) -> impl Iterator<Item = (usize, Vec<f32>)> {
        let positions = self.list("positions").iter().map(|position| position.as_u64().unwrap() as usize);
        positions.zip(self.list("logits").iter().map(floats))
    }

    /// The file, without one of its keys.
    fn writer(&self, without: Option<&str>) -> Writer {
        self.changed(without, &|_, _, _| {})
    }

    /// The file without one of its keys, with tensors (name, dimensions, numbers) changed.
    fn changed(&self, without: Option<&str>, change: Change<'_>) -> Writer {
        let mut writer = Writer::new();
        for (key, json) in self.0["metadata"].as_object().unwrap() {
            if without != Some(key) {
                writer.set(key, value(json));
            }
        }
        for tensor in self.list("tensors") {
            let name = tensor[0].as_str().unwrap();
            let full = format!("{}/{name}", self.name());
            let mut dims: Vec<u64> =
                tensor[1].as_array().unwrap().iter().map(|dim| dim.as_u64().unwrap()).collect();
            let count = dims.iter().product::<u64>() as usize;
            if tensor[4] == "MXFP4" {
                writer.tensor(name, &dims, Dtype::from_number(39).unwrap(), blocks(&full, count));
                continue;
            }
            let mut numbers: Vec<f32> = match &tensor[2] {
                Json::Array(_) => floats(&tensor[2]),
                scale => {
                    let (scale, offset) = (scale.as_f64().unwrap(), tensor[3].as_f64().unwrap());
                    let uniform = |z: u64| (z >> 40) as f64 / f64::from(1 << 24) - 0.5;
                    noise(&full, count).map(|z| (offset + scale * uniform(z)) as f32).collect()
                }
            };
            change(name, &mut dims, &mut numbers);
            if tensor[4] == "F16" {
                writer.tensor_f16(name, &dims, &numbers);
            } else {
                writer.tensor_f32(name, &dims, &numbers);
            }
        }
        writer
    }
}

fn value(json: &Json) -> Value {
    match json {
        Json::Bool(value) => Value::Bool(*value),
        Json::String(value) => Value::Text(value.clone()),
        Json::Array(flags) => {
            Value::Array(Array::Bool(flags.iter().map(|flag| flag.as_bool().unwrap()).collect()))
        }
        number if number.is_u64() => Value::U32(number.as_u64().unwrap() as u32),
        number => Value::F32(number.as_f64().unwrap() as f32),
    }
}

/// Blocks of 32 numbers of 4 bits: one of four exponents, then 16 bytes of noise.
fn blocks(name: &str, count: usize) -> Vec<u8> {
    let bytes = noise(name, count / 32 * 17).map(|z| (z >> 56) as u8).enumerate();
    bytes.map(|(at, byte)| if at % 17 == 0 { 123 + byte % 4 } else { byte }).collect()
}

/// A model from a file that is gone again.
fn load(writer: &Writer) -> Result<Model, String> {
    loaded(writer, |model, _, _| Ok(model))
}

/// The same, and what is made of it while the file is there.
fn loaded(
    writer: &Writer,
    then: impl Fn(Model, &Header, &Weights) -> Result<Model, String>,
) -> Result<Model, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.gguf");
    writer.write_to(&path).unwrap();
    let header = Header::read(&path).unwrap();
    let weights = Weights::map(&File::open(&path).unwrap(), &header).unwrap();
    let model = Model::load(&header, &weights).map_err(|error| error.to_string())?;
    then(model, &header, &weights)
}

fn go() -> AtomicBool {
    AtomicBool::new(false)
}

/// Logits at the first `count` positions of a text, `size` tokens at a time.
fn logits(model: &Model, ids: &[u32], count: usize, size: usize) -> Vec<Vec<f32>> {
    let stop = go();
    let mut cache = model.cache();
    let mut rows = Vec::new();
    for chunk in ids[..count].chunks(size) {
        let pass = Pass { length: ids.len(), ..Pass::new(Want::All, &stop) };
        let all = model.pass(chunk, &mut cache, pass).unwrap();
        rows.extend(all.chunks_exact(model.shape().vocabulary).map(<[f32]>::to_vec));
    }
    rows
}

/// The largest difference of two rows, as a part of the spread of the second.
fn distance(found: &[f32], expected: &[f32]) -> f32 {
    let mean = expected.iter().sum::<f32>() / expected.len() as f32;
    let spread =
        (expected.iter().map(|x| (x - mean) * (x - mean)).sum::<f32>() / expected.len() as f32).sqrt();
    let pairs = found.iter().zip(expected);
    assert_eq!(found.len(), expected.len());
    pairs.map(|(found, expected)| (found - expected).abs()).fold(0.0, f32::max) / spread
}

/// Distances from the reference at the positions below `count`.
fn distances(model: &Model, described: &Described, count: usize) -> Vec<(usize, f32)> {
    let rows = logits(model, &described.ids(), count, model.chunk());
    let known = described.rows().filter(|(position, _)| *position < count);
    known.map(|(position, expected)| (position, distance(&rows[position], &expected))).collect()
}

fn is_exact(name: &str) {
    is_within(name, TOLERANCE);
}

fn is_within(name: &str, tolerance: f32) {
    let described = described(name);
    let model = load(&described.writer(None)).unwrap();
    let all = distances(&model, &described, described.ids().len());
    assert_eq!(all.len(), described.list("positions").len());
    assert!(all.iter().all(|(_, off)| *off < tolerance), "{name} is off at (position, by) {all:?}");
    every_switch_matters(&described);
    one_token_at_a_time_gives_the_same(&model, &described);
    several_texts_at_once_give_what_each_gives_alone(&model, &described);
    #[cfg(feature = "gpu")]
    on_device::is_within(&described, tolerance);
}

/// A reference that a wrong reader would pass is none: without each of these keys the logits are others, or there are
/// none.
fn every_switch_matters(described: &Described) {
    for key in described.list("matters") {
        let key = key.as_str().unwrap();
        assert!(described.0["metadata"].get(key).is_some(), "{} has no {key}", described.name());
        if let Ok(model) = load(&described.writer(Some(key))) {
            let all = distances(&model, described, 101);
            let moved = all.iter().any(|(_, off)| *off > 10.0 * TOLERANCE);
            assert!(moved, "{} without {key} is off by {all:?} alone", described.name());
        }
    }
}

fn one_token_at_a_time_gives_the_same(model: &Model, described: &Described) {
    let ids = described.ids();
    // Dot products add in one order whatever the number of tokens, so not a bit differs.
    assert_eq!(logits(model, &ids, 130, 1), logits(model, &ids, 130, 64), "{}", described.name());
}

fn several_texts_at_once_give_what_each_gives_alone(model: &Model, described: &Described) {
    let (ids, stop) = (described.ids(), go());
    // Of different lengths; the first is long, and where a model reads long texts in another way the others are not.
    let texts: Vec<&[u32]> = vec![&ids, &ids[7..30], &ids[40..45], &ids[1..24], &ids[3..4]];
    let mut caches: Vec<_> = texts.iter().map(|_| model.cache()).collect();
    let alone: Vec<_> = texts.iter().map(|text| logits(model, text, text.len().min(60), 64)).collect();
    let mut read = vec![0; texts.len()];
    for round in 0..24 {
        // Their beginnings in one pass, then one token of each at a time, as long as there are any.
        let size = if round == 0 { 7 } else { 1 };
        let (mut pass, mut ends) = (Vec::new(), Vec::new());
        for (at, cache) in caches.iter_mut().enumerate() {
            let rest = &texts[at][read[at]..];
            if !rest.is_empty() {
                let tokens = &rest[..size.min(rest.len())];
                read[at] += tokens.len();
                ends.push((at, read[at] - 1));
                pass.push(Text { tokens, cache, length: texts[at].len() });
            }
        }
        let found = model.pass_together(&mut pass, Pass::new(Want::Last, &stop)).unwrap();
        let rows = found.chunks_exact(model.shape().vocabulary);
        assert_eq!(rows.len(), ends.len());
        for (row, (at, position)) in rows.zip(ends) {
            assert_eq!(row, alone[at][position], "{}: text {at}, position {position}", described.name());
        }
    }
}

/// Layers on a device give the same: computed by candle, here on the processor.
#[cfg(feature = "gpu")]
mod on_device {
    use super::*;
    use runtime::device::Device;

    /// The layers from `lowest` on are there.
    pub fn load(writer: &Writer, lowest: usize) -> Model {
        let model = loaded(writer, |model, header, weights| {
            model.place(header, weights, &Device::processor(), lowest).map_err(|error| error.to_string())
        });
        model.unwrap()
    }

    pub fn is_within(described: &Described, tolerance: f32) {
        let name = described.name();
        for lowest in [0, 1] {
            let model = load(&described.writer(None), lowest);
            // Angles far into a text come from the processor; the cache and what is masked do not.
            let far = lowest == 0 && ["llama3", "gemma3", "deepseek2"].contains(&name);
            let all = distances(&model, described, if far { described.ids().len() } else { 130 });
            assert!(!all.is_empty() && (!far || all.len() == described.list("positions").len()));
            assert!(
                all.iter().all(|(_, off)| *off < tolerance),
                "{name} from layer {lowest} on is off by {all:?}"
            );
            if lowest == 0 {
                several_texts_and_single_tokens(&model, described, tolerance);
            }
        }
    }

    /// Not bit for bit: a device adds in an order that depends on how many tokens there are.
    fn several_texts_and_single_tokens(model: &Model, described: &Described, tolerance: f32) {
        let (ids, stop) = (described.ids(), go());
        let texts = [&ids[..], &ids[7..30]];
        let alone = texts.map(|text| logits(model, text, 20, 64));
        let mut caches = texts.map(|_| model.cache());
        for (first, end) in [(0, 7), (7, 8), (8, 13)] {
            let mut together: Vec<_> = texts
                .iter()
                .zip(&mut caches)
                .map(|(text, cache)| Text { tokens: &text[first..end], cache, length: text.len() })
                .collect();
            let found = model.pass_together(&mut together, Pass::new(Want::Last, &stop)).unwrap();
            for (row, alone) in found.chunks_exact(model.shape().vocabulary).zip(&alone) {
                let off = distance(row, &alone[end - 1]);
                assert!(off < tolerance, "{} at {end} is off by {off}", described.name());
            }
        }
    }
}

macro_rules! exact {
    ($($test:ident: $name:literal,)*) => {
        $(
            #[test]
            fn $test() {
                is_exact($name);
            }
        )*

        const NAMES: &[&str] = &[$($name),*];
    };
}

exact! {
    llama_3_is_exact: "llama3",
    llama_with_squeezed_positions_is_exact: "llama-linear",
    llama_with_yarn_is_exact: "llama-yarn",
    ministral_3_is_exact: "mistral3",
    mixtral_is_exact: "mixtral",
    qwen_2_is_exact: "qwen2",
    qwen_2_mixture_is_exact: "qwen2moe",
    qwen_3_is_exact: "qwen3",
    qwen_3_mixture_is_exact: "qwen3moe",
    gemma_2_is_exact: "gemma2",
    gemma_3_is_exact: "gemma3",
    phi_3_is_exact: "phi3",
    phi_3_with_a_long_text_is_exact: "phi3-long",
    phi_3_with_a_short_text_is_exact: "phi3-short",
    olmoe_is_exact: "olmoe",
    gpt_oss_is_exact: "gpt-oss",
    smollm_3_is_exact: "smollm3",
    granite_is_exact: "granite",
    granite_mixture_is_exact: "granitemoe",
    olmo_2_is_exact: "olmo2",
    olmo_3_is_exact: "olmo3",
    glm_4_is_exact: "glm4",
    deepseek_2_is_exact: "deepseek2",
    deepseek_2_with_joined_heads_is_exact: "deepseek2-joined",
    deepseek_2_with_short_queries_is_exact: "deepseek2-short",
    stablelm_is_exact: "stablelm",
    stablelm_with_parallel_parts_is_exact: "stablelm-parallel",
}

#[test]
fn matrices_of_16_bits_give_the_same() {
    // The cache may keep 11 bits of each number of such a file: an error of 2^-12 of it, and less of a sum of many.
    is_within("llama-f16", 4e-3);
}

#[test]
fn experts_of_4_bits_give_the_same_or_are_refused() {
    if Dtype::from_number(39).unwrap().computable() {
        // What is multiplied with 4-bit numbers is rounded to 8 bits, as in llama.cpp: 1/254 of the largest of 32, which
        // is about 2.2 deviations, so 0.5 % a product; √12 of that after four layers of three products, and the farthest
        // of some hundred logits is 3.5 deviations off: 6 %, more where a choice of experts tips.
        return is_within("gpt-oss-mxfp4", 1e-1);
    }
    let why = load(&described("gpt-oss-mxfp4").writer(None)).err().unwrap();
    assert!(why.contains("MXFP4, which is not supported"), "{why}");
}

// ---- Mixtures can be watched, and experts be left out.

#[derive(Default)]
struct Seen {
    routed: Vec<(usize, usize)>,
    chosen: Vec<(usize, Vec<Choice>)>,
    answered: Vec<(usize, Vec<Choice>, usize)>,
}

impl Observer for Seen {
    fn routed(&mut self, layer: usize, logits: &[f32]) {
        self.routed.push((layer, logits.len()));
    }
    fn chosen(&mut self, layer: usize, choices: &[Choice]) {
        self.chosen.push((layer, choices.to_vec()));
    }
    fn answered(&mut self, layer: usize, choices: &[Choice], output: &[f32]) {
        self.answered.push((layer, choices.to_vec(), output.len()));
    }
}

#[test]
fn who_looks_at_a_mixture_sees_all_and_changes_nothing() {
    // (name, layers with a mixture, experts, used, sum of shares where it is the same for all)
    let models = [("mixtral", 0..2, 6, 2, Some(1.0)), ("deepseek2", 1..3, 8, 3, None)];
    for (name, layers, experts, used, whole) in models {
        let described = described(name);
        let model = load(&described.writer(None)).unwrap();
        let (ids, stop) = (&described.ids()[..20], go());
        let plain = model.forward(ids, &mut model.cache(), Want::All, &stop).unwrap();
        let mut seen = Seen::default();
        let pass = Pass { observer: Some(&mut seen), ..Pass::new(Want::All, &stop) };
        assert_eq!(model.pass(ids, &mut model.cache(), pass).unwrap(), plain, "{name}");
        let layers: Vec<usize> = layers.collect();
        assert_eq!(seen.routed, layers.iter().map(|&layer| (layer, 20 * experts)).collect::<Vec<_>>());
        for (layer, choices) in &seen.chosen {
            assert_eq!(choices.len(), 20 * used, "{name}");
            for (token, chosen) in choices.chunks(used).enumerate() {
                assert!(chosen.iter().all(|choice| choice.token == token && choice.expert < experts));
                assert!(chosen.windows(2).all(|pair| pair[0].share >= pair[1].share));
                let sum: f32 = chosen.iter().map(|choice| choice.share).sum();
                assert!(whole.is_none_or(|whole: f32| (sum - whole).abs() < 1e-6), "{name}: {sum}");
            }
            let here = seen.answered.iter().filter(|(other, ..)| other == layer);
            let mut answered: Vec<Choice> =
                here.clone().flat_map(|(_, choices, _)| choices.clone()).collect();
            answered.sort_by_key(|choice| choice.token);
            assert_eq!(answered.len(), choices.len());
            assert!(choices.iter().all(|choice| answered.contains(choice)), "{name}");
            assert!(here.clone().all(|(_, choices, numbers)| *numbers == choices.len() * 32));
            let order: Vec<usize> = here.map(|(_, choices, _)| choices[0].expert).collect();
            assert!(order.is_sorted(), "{name}: each expert is read once, in order: {order:?}");
        }
        assert_eq!(seen.chosen.iter().map(|(layer, _)| *layer).collect::<Vec<_>>(), layers);
    }
}

#[test]
fn leaving_an_expert_out_is_what_a_file_without_it_computes() {
    for (name, experts) in [("mixtral", 6), ("olmoe", 8), ("qwen2moe", 8), ("deepseek2", 8), ("gpt-oss", 8)] {
        let described = described(name);
        let gone = 2;
        let mut pruned = described.changed(None, &|tensor, dims, numbers| {
            let mixture = tensor.contains("_exps.") || tensor.contains("ffn_gate_inp.");
            if mixture {
                let last = dims.last_mut().unwrap();
                let size = numbers.len() / *last as usize;
                assert_eq!(*last, experts, "{tensor}");
                numbers.drain(gone * size..(gone + 1) * size);
                *last -= 1;
            }
        });
        let architecture = described.0["metadata"]["general.architecture"].as_str().unwrap();
        pruned.set(&format!("{architecture}.expert_count"), experts as u32 - 1);
        let (pruned, whole) = (load(&pruned).unwrap(), load(&described.writer(None)).unwrap());
        let (ids, stop) = (&described.ids()[..40], go());
        let mut excluded = vec![vec![false; experts as usize]; whole.shape().layers];
        excluded.iter_mut().for_each(|layer| layer[gone] = true);
        let pass = Pass { excluded: &excluded, ..Pass::new(Want::All, &stop) };
        let found = whole.pass(ids, &mut whole.cache(), pass).unwrap();
        // Experts are added in their order, so not a bit differs.
        assert_eq!(found, pruned.forward(ids, &mut pruned.cache(), Want::All, &stop).unwrap(), "{name}");
        let plain = whole.forward(ids, &mut whole.cache(), Want::All, &stop).unwrap();
        assert_ne!(found, plain, "{name}: the expert had something to say");
    }
}

#[test]
fn a_layer_without_any_expert_left_adds_only_what_is_shared() {
    let described = described("mixtral");
    let model = load(&described.writer(None)).unwrap();
    let stop = go();
    let excluded = vec![vec![true; 6]; 2];
    let pass = Pass { excluded: &excluded, ..Pass::new(Want::Last, &stop) };
    let logits = model.pass(&[1, 2, 3], &mut model.cache(), pass).unwrap();
    assert!(logits.iter().all(|logit| logit.is_finite()));
}

#[test]
fn a_stopped_pass_leaves_every_kind_of_cache_as_it_was() {
    for name in ["gemma3", "deepseek2", "gpt-oss"] {
        let model = load(&described(name).writer(None)).unwrap();
        let (mut cache, want) = (model.cache(), Want::Last);
        model.forward(&[1, 5], &mut cache, want, &go()).unwrap();
        assert!(model.forward(&[6, 7], &mut cache, want, &AtomicBool::new(true)).is_err());
        assert_eq!(cache.positions(), 2);
        let after = model.forward(&[6, 7], &mut cache, want, &go()).unwrap();
        assert_eq!(after, model.forward(&[1, 5, 6, 7], &mut model.cache(), want, &go()).unwrap(), "{name}");
    }
}

// ---- What a header says.

fn header(writer: &Writer) -> Header {
    let bytes = writer.to_bytes();
    Header::parse(std::io::Cursor::new(&bytes), bytes.len() as u64, Path::new("some.gguf")).unwrap()
}

#[test]
fn memory_and_parameters_are_those_of_the_family() {
    // (name, numbers that the cache keeps for a position, numbers that are tables)
    let models = [
        ("llama3", 2 * (2 * 2 * 16), 8),
        ("qwen3moe", 2 * (2 * 2 * 16), 0),
        ("gemma3", 7 * (2 * 2 * 16), 0),
        ("phi3-long", 2 * (2 * 2 * 16), 12),
        // The short vector of 24 and the 8 numbers that are turned, whatever the file calls them.
        ("deepseek2", 3 * 32, 0),
        ("deepseek2-joined", 3 * 32, 0),
    ];
    for (name, cached, tables) in models {
        let header = header(&described(name).writer(None));
        let facts = facts(&header).unwrap();
        assert_eq!(facts.cache_bytes_per_token, Some(4 * cached), "{name}");
        let all: u64 = header.tensors().iter().map(|tensor| tensor.values()).sum();
        assert_eq!(facts.parameters, all - tables, "{name}");
        let least = header.size() + 4 * cached * 4096;
        let spare = facts.memory_needed_bytes - least;
        assert!((16 << 20..64 << 20).contains(&spare), "{name}: {spare} beside the file and the cache");
    }
}

#[test]
fn what_is_not_computed_is_refused_in_one_sentence() {
    let cases: [(&str, &str, Value, &str); 8] = [
        ("qwen2", "general.architecture", "bloom".into(), "the architecture \"bloom\" is not supported"),
        ("qwen2", "qwen2.attn_logit_softcapping", 30f32.into(), "\"qwen2.attn_logit_softcapping\""),
        ("qwen2", "qwen2.attention.sliding_window", 4096u32.into(), "\"qwen2.attention.sliding_window\""),
        ("llama3", "llama.rope.scaling.type", "dynamic".into(), "rope scaling \"dynamic\" is not supported"),
        ("llama3", "llama.attention.causal", false.into(), "\"llama.attention.causal\""),
        ("deepseek2", "deepseek2.expert_group_count", 4u32.into(), "chosen by groups are not supported"),
        ("deepseek2", "deepseek2.expert_gating_func", 7u32.into(), "the gating function 7 is not supported"),
        ("glm4", "glm4.nextn_predict_layers", 1u32.into(), "\"glm4.nextn_predict_layers\""),
    ];
    for (name, key, value, why) in cases {
        let mut writer = described(name).writer(None);
        let header = header(writer.set(key, value));
        let found = facts(&header).unwrap().why_not.unwrap();
        assert!(found.contains(why) && !found.contains('\n'), "{name}: {found}");
    }
    let mut writer = described("qwen3").writer(None);
    let header = header(writer.tensor_f32("blk.0.attn_gate.weight", &[2], &[0.0; 2]));
    let found = facts(&header).unwrap().why_not.unwrap();
    assert!(found.contains("the tensor \"blk.0.attn_gate.weight\""), "{found}");
}

/// Every number of every family's header, made absurd: the file is refused, or computes without harm.
#[test]
fn absurd_hyper_parameters_do_no_harm() {
    for name in NAMES {
        let described = described(name);
        let keys = described.0["metadata"].as_object().unwrap().clone();
        let mut writer = described.writer(None);
        for (key, json) in &keys {
            let absurd: Vec<Value> = match value(json) {
                Value::U32(_) => {
                    vec![0u32.into(), 1u32.into(), 7u32.into(), u32::MAX.into(), u64::MAX.into()]
                }
                Value::F32(_) => {
                    vec![0f32.into(), (-1f32).into(), 1e-30f32.into(), f32::MAX.into(), f32::NAN.into()]
                }
                _ => vec!["absurd".into(), 3u32.into(), vec![1u32].into()],
            };
            for absurd in absurd {
                writer.set(key, absurd.clone());
                if check(&header(&writer)).is_ok() {
                    let model = load(&writer).unwrap();
                    let logits = model.forward(&[1, 2, 3], &mut model.cache(), Want::Last, &go()).unwrap();
                    assert_eq!(logits.len(), 64, "{name} with {key} = {absurd:?}");
                }
                writer.set(key, value(json));
            }
        }
    }
}

// ---- What the experts of a mixture do is what reference/experts.py says.

/// DeepSeek V2's tensors with the routing of DeepSeek V3.
fn as_deepseek_3(writer: &mut Writer) {
    writer
        .set("deepseek2.expert_gating_func", 2u32)
        .set("deepseek2.expert_weights_norm", true)
        .set("deepseek2.expert_weights_scale", 2.5f32);
    for layer in 1..3 {
        let name = format!("blk.{layer}.exp_probs_b.bias");
        let uniform = |z: u64| (z >> 40) as f32 / (1 << 24) as f32 - 0.5;
        let bias: Vec<f32> = noise(&format!("deepseek2/{name}"), 8).map(|z| 0.5 * uniform(z)).collect();
        writer.tensor_f32(&name, &[8], &bias);
    }
}

#[test]
fn the_scores_of_experts_are_those_of_the_reference() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("reference/experts.json");
    let reference: Json = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let count = reference["tokens"].as_u64().unwrap() as usize;
    let models = reference["models"].as_object().unwrap();
    assert_eq!(models.len(), 7);
    for (name, layers) in models {
        let described = described(name.split(' ').next().unwrap());
        let mut writer = described.writer(None);
        if name.contains("routed as") {
            as_deepseek_3(&mut writer);
        }
        let model = load(&writer).unwrap();
        let mixtures = model.mixtures().map(|(layer, mixture)| (layer, mixture.experts.len()));
        let mut profiler = Profiler::new(mixtures);
        let (stop, mut cache) = (go(), model.cache());
        // In two passes: sums go on.
        for tokens in described.ids()[..count].chunks(64) {
            let pass = Pass { observer: Some(&mut profiler), ..Pass::new(Want::None, &stop) };
            model.pass(tokens, &mut cache, pass).unwrap();
        }
        let found = profiler.layers();
        assert_eq!(found.len(), layers.as_array().unwrap().len(), "{name}");
        for (found, expected) in found.iter().zip(layers.as_array().unwrap()) {
            assert_eq!(found.layer as u64, expected["layer"].as_u64().unwrap(), "{name}");
            let (_, mixture) = model.mixtures().find(|(layer, _)| *layer == found.layer).unwrap();
            let aimer = aimer(mixture, &mut || {});
            for (expert, (sums, expected)) in
                found.experts.iter().zip(expected["experts"].as_array().unwrap()).enumerate()
            {
                let tokens = sums.tokens.max(1) as f64;
                let all = [
                    ("count", sums.tokens as f64),
                    ("gate", sums.gate),
                    ("norm_sum", sums.norm),
                    ("norm_mean", sums.norm / tokens),
                    ("norm_squared", sums.norm_squared / tokens),
                    ("reap", sums.weighted / tokens),
                    ("easy_ep", sums.easy_ep),
                    ("aimer", aimer[expert]),
                ];
                for (score, found) in all {
                    let expected = expected[score].as_f64().unwrap();
                    // 32 bits here, 64 there; the closest of all choices of experts is 1e-4 apart, so none tips.
                    assert!(
                        (found - expected).abs() <= 1e-4 * expected.abs(),
                        "{name}, expert {expert}: {score} is {found}, not {expected}"
                    );
                }
            }
        }
    }
}

/// `described` with two of its experts' three matrices in Q4_0, or with the numbers which those stand for.
fn in_four_bits(described: &Described, unpacked: bool) -> Writer {
    let dtype = Dtype::from_number(2).unwrap();
    let layout = runtime::kernels::layout::layout(dtype).unwrap();
    // Rows of the third are no multiple of a block.
    let is_expert = |name: &str| name.contains("ffn_gate_exps.") || name.contains("ffn_up_exps.");
    let mut writer = described.changed(None, &|_, _, _| {});
    for tensor in described.list("tensors").iter().filter(|tensor| is_expert(tensor[0].as_str().unwrap())) {
        let name = tensor[0].as_str().unwrap();
        let dims: Vec<u64> = tensor[1].as_array().unwrap().iter().map(|dim| dim.as_u64().unwrap()).collect();
        let count = dims.iter().product::<u64>() as usize;
        // A scale of 0.02, and any four bits.
        let bytes: Vec<u8> = noise(name, count / 32 * 18).map(|z| (z >> 40) as u8).collect();
        let bytes: Vec<u8> = bytes
            .chunks_exact(18)
            .flat_map(|block| [&half::f16::from_f32(0.02).to_le_bytes()[..], &block[2..]].concat())
            .collect();
        if unpacked {
            let mut numbers = vec![0f32; count];
            runtime::kernels::layout::unpack_row(layout, &bytes, &mut numbers);
            let numbers = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
            writer.replace(name, &dims, Dtype::F32, numbers);
        } else {
            writer.replace(name, &dims, dtype, bytes);
        }
    }
    writer
}

#[test]
fn the_scores_of_quantised_experts_are_those_of_the_numbers_they_stand_for() {
    let described = described("mixtral");
    let profiled = |writer: &Writer, exactly: bool| {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model.gguf");
        writer.write_to(&path).unwrap();
        let header = Header::read(&path).unwrap();
        let weights = Weights::map(&File::open(&path).unwrap(), &header).unwrap();
        let model = Model::load(&header, &weights).unwrap();
        let _exactly = exactly.then(|| weights.exactly());
        let mixtures = model.mixtures().map(|(layer, mixture)| (layer, mixture.experts.len()));
        let mut profiler = Profiler::new(mixtures);
        let (stop, mut cache) = (go(), model.cache());
        let pass = Pass { observer: Some(&mut profiler), ..Pass::new(Want::None, &stop) };
        model.pass(&described.ids()[..48], &mut cache, pass).unwrap();
        profiler.layers()
    };
    let furthest = |found: Vec<LayerSums>, expected: &[LayerSums]| {
        let pairs = found.iter().zip(expected).flat_map(|(a, b)| a.experts.iter().zip(&b.experts));
        let off = |(a, b): (&Sums, &Sums)| {
            let sums = [(a.norm, b.norm), (a.weighted, b.weighted), (a.easy_ep, b.easy_ep)];
            sums.into_iter().map(|(a, b)| (a - b).abs() / b.abs().max(1e-9)).fold(0.0, f64::max)
        };
        pairs.map(off).fold(0.0, f64::max)
    };
    let expected = profiled(&in_four_bits(&described, true), false);
    let packed = in_four_bits(&described, false);
    // Both in 32 bits; sums in another order.
    assert!(furthest(profiled(&packed, true), &expected) < 1e-5);
    // As the model runs, activations are rounded to 8 bits: that is what the exact pass leaves out.
    assert!(furthest(profiled(&packed, false), &expected) > 1e-4);
}
