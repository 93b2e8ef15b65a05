//! Devices: layers computed by candle give what the decoder gives, with every storage type, in generation and in saved
//! states; where there is no device the processor computes, and it is said why. Candle computes on the processor here:
//! what a driver adds is not tested by this.
#![allow(clippy::unwrap_used)]

use std::fs::File;
use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use half::{bf16, f16};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use runtime::device::{Device, lowest_layer};
use runtime::families::{Model, Want, check};
use runtime::generate::Expert;
use runtime::gguf::write::Writer;
use runtime::gguf::{Dtype, Header};
use runtime::host::{Message, Request, Role};
use runtime::sample::Sampling;
use runtime::weights::Weights;

const WIDTH: u64 = 256;
const VOCABULARY: u64 = 64;

fn starter(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../starters").join(name)
}

/// A block of this type: every bit pattern of numbers, scales of an ordinary size.
fn block(dtype: Dtype, random: &mut ChaCha8Rng) -> Vec<u8> {
    let number = random.random_range(-0.1f32..0.1);
    match dtype {
        Dtype::F32 => return number.to_le_bytes().to_vec(),
        Dtype::F16 => return f16::from_f32(number).to_le_bytes().to_vec(),
        Dtype::BF16 => return bf16::from_f32(number).to_le_bytes().to_vec(),
        _ => {}
    }
    let mut block: Vec<u8> = (0..dtype.block_bytes()).map(|_| random.random()).collect();
    // Where the scales lie, and the largest number that they are multiplied with.
    let (halves, most): (&[usize], f32) = match dtype {
        Dtype::MXFP4 => {
            block[0] = 118 + block[0] % 4;
            (&[], 0.0)
        }
        Dtype::Q4_0 => (&[0], 8.0),
        Dtype::Q4_1 => (&[0, 2], 15.0),
        Dtype::Q5_0 => (&[0], 16.0),
        Dtype::Q5_1 => (&[0, 2], 31.0),
        Dtype::Q2K => (&[80, 82], 45.0),
        Dtype::Q3K => (&[108], 128.0),
        Dtype::Q4K => (&[0, 2], 945.0),
        Dtype::Q5K => (&[0, 2], 1953.0),
        Dtype::Q6K => (&[208], 4096.0),
        Dtype::IQ4_XS => (&[0], 4064.0),
        _ => (&[0], 127.0),
    };
    for &at in halves {
        // Attention whose scores are large turns a rounding into another choice: the weights stay small.
        let scale = f16::from_f32(random.random_range(0.1..0.2) / most);
        block[at..at + 2].copy_from_slice(&scale.to_le_bytes());
    }
    block
}

/// A model of two layers with all its matrices of one type.
fn model(dtype: Dtype) -> Writer {
    let mut random = ChaCha8Rng::seed_from_u64(u64::from(dtype.number()));
    let mut file = Writer::new();
    let tokens: Vec<String> = (0..VOCABULARY).map(|token| format!("t{token}")).collect();
    file.set("general.architecture", "llama")
        .set("llama.context_length", 512u32)
        .set("llama.embedding_length", WIDTH as u32)
        .set("llama.block_count", 2u32)
        .set("llama.feed_forward_length", WIDTH as u32)
        .set("llama.attention.head_count", 4u32)
        .set("llama.attention.head_count_kv", 2u32)
        .set("llama.attention.layer_norm_rms_epsilon", 1e-5f32)
        .set("tokenizer.ggml.model", "llama")
        .set("tokenizer.ggml.tokens", tokens.iter().map(String::as_str).collect::<Vec<_>>());
    let mut matrix = |file: &mut Writer, name: &str, rows: u64| {
        let blocks = WIDTH * rows / dtype.block_values();
        let bytes = (0..blocks).flat_map(|_| block(dtype, &mut random)).collect();
        file.tensor(name, &[WIDTH, rows], dtype, bytes);
    };
    matrix(&mut file, "token_embd.weight", VOCABULARY);
    matrix(&mut file, "output.weight", VOCABULARY);
    for layer in 0..2 {
        let parts = ["attn_q", "attn_output", "ffn_gate", "ffn_up", "ffn_down"];
        for (part, rows) in
            parts.map(|part| (part, WIDTH)).into_iter().chain([("attn_k", 128), ("attn_v", 128)])
        {
            matrix(&mut file, &format!("blk.{layer}.{part}.weight"), rows);
        }
    }
    let ones = vec![1.0; WIDTH as usize];
    for norm in ["output_norm", "blk.0.attn_norm", "blk.0.ffn_norm", "blk.1.attn_norm", "blk.1.ffn_norm"] {
        file.tensor_f32(&format!("{norm}.weight"), &[WIDTH], &ones);
    }
    file
}

fn written(writer: &Writer) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.gguf");
    writer.write_to(&path).unwrap();
    (folder, path)
}

fn logits(model: &Model) -> Vec<f32> {
    let ids: Vec<u32> = (0..40).map(|number| number * 7 % VOCABULARY as u32).collect();
    model.forward(&ids, &mut model.cache(), Want::All, &AtomicBool::new(false)).unwrap()
}

#[test]
fn every_storage_type_gives_the_same_there() {
    let types = [0, 1, 30, 2, 3, 6, 7, 8, 10, 11, 12, 13, 14, 20, 23, 39];
    for dtype in types.map(|number| Dtype::from_number(number).unwrap()) {
        let (_folder, path) = written(&model(dtype));
        let header = Header::read(&path).unwrap();
        let weights = Weights::map(&File::open(&path).unwrap(), &header).unwrap();
        let here = Model::load(&header, &weights).unwrap();
        let expected = logits(&here);
        let there = here.place(&header, &weights, &Device::processor(), 0).unwrap();
        assert_eq!(there.device().map(|(_, lowest)| lowest), Some(0));
        let found = logits(&there);
        let mean = |numbers: &mut dyn Iterator<Item = f32>| {
            (numbers.map(|x| x * x).sum::<f32>() / expected.len() as f32).sqrt()
        };
        let differences = &mut found.iter().zip(&expected).map(|(found, expected)| found - expected);
        let off = mean(differences) / mean(&mut expected.iter().copied());
        // Both round what is multiplied with quantised numbers to 8 bits, each in groups of its own: 1/254 of the
        // largest, 0.5 % a product, √14 of that after two layers of seven: 2 %. Neither rounds beside plain floats.
        let most = if dtype.block_values() == 1 { 1e-4 } else { 5e-2 };
        assert!(off < most, "{}: off by {off} of the logits", dtype.name());
    }
}

fn request(question: &str) -> Request {
    let sampling = Sampling { temperature: 0.0, ..Sampling::default() };
    Request { sampling, ..Request::chat(vec![Message::new(Role::User, question)], 24) }
}

fn load(path: &Path, device: bool) -> Expert {
    let header = Header::read(path).unwrap();
    let device = device.then(|| Ok(Device::processor()));
    Expert::load_on(&File::open(path).unwrap(), &header, 1, device, &mut |_| {}).unwrap()
}

fn answer(expert: &mut Expert, question: &str) -> (String, u32) {
    let go = AtomicBool::new(false);
    let done = expert.generate(&request(question), &go, &mut |_| {}, &mut |_| {}).unwrap();
    (done.text, done.cached_tokens)
}

#[test]
fn starters_say_the_same_there_and_take_their_states_with_them() {
    // A dense one and a mixture.
    for (name, question) in [("arithmetic.gguf", "What is 17 * 23?"), ("generalist.gguf", "What is 12 + 30?")]
    {
        let (mut here, mut there) = (load(&starter(name), false), load(&starter(name), true));
        let facts = there.facts().placement;
        assert!(facts.on_device > 0 && facts.on_device == facts.layers && facts.why.is_none(), "{facts:?}");
        assert_eq!(here.facts().placement.on_device, 0);
        let (said, _) = answer(&mut here, question);
        assert!(!said.is_empty());
        assert_eq!(answer(&mut there, question).0, said, "{name}");
        // What was read there need not be read again here, nor the other way round.
        let mut state = Vec::new();
        assert!(there.save_state(0, &mut state).unwrap() > 0);
        let mut fresh = load(&starter(name), false);
        fresh.restore_state(0, &mut Cursor::new(&state), state.len() as u64).unwrap();
        let (again, cached) = answer(&mut fresh, question);
        assert!(again == said && cached > 0, "{name}: {again}, {cached} cached");
        let mut back = Vec::new();
        fresh.save_state(0, &mut back).unwrap();
        let mut there = load(&starter(name), true);
        there.restore_state(0, &mut Cursor::new(&back), back.len() as u64).unwrap();
        let (again, cached) = answer(&mut there, question);
        assert!(again == said && cached > 0, "{name}: {again}, {cached} cached");
    }
}

#[test]
fn as_many_layers_as_fit_are_there_from_the_last_one_down() {
    let (_folder, path) = written(&model(Dtype::Q8_0));
    let header = Header::read(&path).unwrap();
    let shape = check(&header).unwrap();
    let lowest = |room: u64| lowest_layer(&header, &shape, room);
    assert_eq!(lowest(u64::MAX), Some(0));
    assert_eq!(lowest(0), None);
    let bytes = |prefix: &str| -> u64 {
        let tensors = header.tensors();
        tensors.iter().filter(|tensor| tensor.name.starts_with(prefix)).map(|tensor| tensor.bytes).sum()
    };
    // Keys and values of 512 positions for one layer.
    let cache = shape.cache_bytes_per_token() / 2 * 512;
    let one = (512 << 20) + bytes("output") + bytes("blk.1.") + cache;
    assert_eq!((lowest(one - 1), lowest(one)), (None, Some(1)));
    let both = one + bytes("blk.0.") + cache;
    assert_eq!((lowest(both - 1), lowest(both)), (Some(1), Some(0)));
}
