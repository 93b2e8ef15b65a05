//! Generating: what makes it faster changes no token, what bounds it holds, and what it promises to give is given.
#![allow(clippy::unwrap_used)]

#[path = "reference/recipe.rs"]
mod recipe;
#[path = "support/speller.rs"]
mod speller;
#[path = "support/toy.rs"]
#[allow(dead_code)]
mod toy;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use runtime::generate::{Expert, RequestError};
use runtime::gguf::Header;
use runtime::gguf::write::Writer;
use runtime::host::{Constraint, Finish, Finished, LogitsRow, Message, Overflow, Request, Role};
use runtime::sample::Sampling;
use runtime::tokenizer::Tokenizer;
use serde::Deserialize;
use toy::Toy;

fn load(path: &Path) -> Expert {
    let header = Header::read(path).expect("a sound file");
    Expert::load(&File::open(path).unwrap(), &header, 1, &mut |_| {}).expect("a supported model")
}

fn write(writer: &Writer) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.gguf");
    writer.write_to(&path).unwrap();
    (folder, path)
}

fn run(expert: &mut Expert, request: &Request) -> Result<Finished, RequestError> {
    let mut pieces = String::new();
    let mut take = |piece: &str| pieces.push_str(piece);
    let done = expert.generate(request, &AtomicBool::new(false), &mut |_| {}, &mut take)?;
    assert_eq!(pieces, done.text, "the pieces are the text");
    Ok(done)
}

fn all_logits(expert: &mut Expert, ids: &[u32]) -> Vec<Vec<f32>> {
    let mut rows = Vec::new();
    let mut take = |row: LogitsRow| rows.push(row.logits);
    expert.logits(ids, true, &AtomicBool::new(false), &mut take).unwrap();
    rows
}

fn last_logits(expert: &mut Expert, ids: &[u32]) -> Vec<f32> {
    let mut last = Vec::new();
    let mut take = |row: LogitsRow| last = row.logits;
    expert.logits(ids, false, &AtomicBool::new(false), &mut take).unwrap();
    last
}

fn speller() -> (tempfile::TempDir, PathBuf) {
    write(&speller::writer())
}

/// Random models never come to an end of their own where their end token is none.
fn endless(model: usize) -> (tempfile::TempDir, PathBuf) {
    let mut writer = recipe::reference().models[model].endless();
    writer.set("tokenizer.ggml.add_bos_token", true);
    write(&writer)
}

fn sampled(temperature: f32, seed: u64) -> Sampling {
    Sampling { temperature, seed, ..Default::default() }
}

// ---- What makes it faster.

#[test]
fn several_tokens_in_one_pass_give_the_bits_of_one_at_a_time() {
    for model in 0..recipe::reference().models.len() {
        let (_folder, path) = endless(model);
        let ids: Vec<u32> = (0..20).map(|number| (number * 7 + 3) % 24).collect();
        let together = all_logits(&mut load(&path), &ids);
        let mut expert = load(&path);
        for (position, row) in together.iter().enumerate() {
            assert_eq!(
                &last_logits(&mut expert, &ids[..=position]),
                row,
                "model {model}, position {position}"
            );
        }
    }
}

#[test]
fn guesses_change_no_token() {
    let mut wrong = 0;
    for model in 0..recipe::reference().models.len() {
        let (_folder, path) = endless(model);
        let mut expert = load(&path);
        for (temperature, seed) in [(0.0, 0), (0.3, 1), (0.6, 2), (1.0, 3)] {
            let request = Request { sampling: sampled(temperature, seed), ..Request::raw("abcabcabc", 150) };
            let guessed = run(&mut expert, &request).unwrap();
            let plain = run(&mut expert, &Request { lookup: false, ..request }).unwrap();
            assert_eq!(guessed.ids, plain.ids, "model {model}, temperature {temperature}");
            assert_eq!((plain.drafted, plain.accepted), (0, 0));
            assert!(guessed.accepted <= guessed.drafted);
            wrong += guessed.drafted - guessed.accepted;
        }
    }
    assert!(wrong > 0, "wrong guesses were among them");
}

#[test]
fn a_text_that_repeats_is_guessed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("toy.gguf");
    Toy { says: &["one", "two", "three", "four", "five"], for_ever: true, ..Default::default() }.write(&path);
    let mut expert = load(&path);
    let mut request = Request::chat(vec![Message::new(Role::User, "go")], 100);
    for temperature in [0.0, 1.0] {
        request.sampling = sampled(temperature, 4);
        let done = run(&mut expert, &request).unwrap();
        assert_eq!(done.tokens, 100);
        // After the first round each guess is right; a measurement that says that they do not pay makes them fewer.
        assert!(done.accepted > 3 && done.accepted == done.drafted, "{} of {}", done.accepted, done.drafted);
        let plain = run(&mut expert, &Request { lookup: false, ..request.clone() }).unwrap();
        assert_eq!((done.text, done.ids), (plain.text, plain.ids));
    }
}

#[test]
fn the_common_beginning_is_not_read_again_and_the_text_is_the_same() {
    let (_folder, path) = endless(0);
    let mut expert = load(&path);
    let first = run(&mut expert, &Request::raw("once upon a time there was", 40)).unwrap();
    assert_eq!(first.cached_tokens, 0);
    let longer = format!("once upon a time there was{}and then", first.text);
    for text in [longer.as_str(), "once upon a day", "something else", "something else"] {
        let request = Request::raw(text, 40);
        let warm = run(&mut expert, &request).unwrap();
        let cold = run(&mut load(&path), &request).unwrap();
        assert_eq!((&warm.text, &warm.ids), (&cold.text, &cold.ids), "{text}");
        assert_eq!(cold.cached_tokens, 0);
        assert_eq!(warm.mean_probability, cold.mean_probability);
        assert!(
            warm.cached_tokens > 0 && warm.cached_tokens < warm.prompt_tokens,
            "{text}: the start token at least"
        );
    }
    let again = run(&mut expert, &Request::raw("something else", 1)).unwrap();
    assert_eq!(again.cached_tokens, again.prompt_tokens - 1, "the last token is computed");
}

#[test]
fn a_stopped_prompt_leaves_nothing_wrong_behind() {
    let (_folder, path) = endless(0);
    let mut expert = load(&path);
    let request = Request::raw("once upon a time there was", 20);
    let stopped = expert.generate(&request, &AtomicBool::new(true), &mut |_| {}, &mut |_| {}).unwrap();
    assert_eq!((stopped.finish, stopped.tokens), (Finish::Stopped, 0));
    assert_eq!(run(&mut expert, &request).unwrap().ids, run(&mut load(&path), &request).unwrap().ids);
}

// ---- Saved states.

fn saved(expert: &Expert) -> Vec<u8> {
    let mut bytes = Vec::new();
    expert.save_state(0, &mut bytes).unwrap();
    bytes
}

fn restore(expert: &mut Expert, mut bytes: &[u8]) -> Result<u32, RequestError> {
    let length = bytes.len() as u64;
    expert.restore_state(0, &mut bytes, length)
}

#[test]
fn a_restored_state_is_the_same_to_the_last_bit_and_saves_the_prompt() {
    let (_folder, path) = endless(0);
    let mut expert = load(&path);
    let first = run(&mut expert, &Request::raw("the story of a bear", 30)).unwrap();
    let bytes = saved(&expert);
    let mut other = load(&path);
    let tokens = restore(&mut other, &bytes).unwrap();
    // The last token was given and not read.
    assert_eq!(tokens, first.prompt_tokens + first.tokens - 1);
    assert_eq!(saved(&other), bytes);
    let request = Request::raw(format!("the story of a bear{}x", first.text), 30);
    let (here, there) = (run(&mut expert, &request).unwrap(), run(&mut other, &request).unwrap());
    assert_eq!((&here.ids, here.cached_tokens), (&there.ids, there.cached_tokens));
    // A text may be spelled in other tokens than it came in.
    assert!(there.cached_tokens >= first.prompt_tokens);
    assert_eq!(there.ids, run(&mut load(&path), &request).unwrap().ids);
}

#[test]
fn a_state_of_another_model_or_a_damaged_one_is_refused() {
    let (_folder, path) = endless(0);
    let mut expert = load(&path);
    let request = Request::raw("the story", 5);
    let ids = run(&mut expert, &request).unwrap().ids;
    let bytes = saved(&expert);
    let refused = |expert: &mut Expert, bytes: &[u8]| match restore(expert, bytes) {
        Err(RequestError::State(why)) => why,
        other => panic!("{other:?}"),
    };
    let (_other_folder, other) = endless(1);
    assert!(refused(&mut load(&other), &bytes).contains("another model"));
    assert!(refused(&mut expert, b"LECTERN").contains("end"));
    assert!(refused(&mut expert, &bytes[..bytes.len() - 1]).contains("bytes"));
    assert!(refused(&mut expert, &[&bytes[..], b"x"].concat()).contains("bytes"));
    // Every field, and numbers here and there.
    for at in (0..bytes.len()).step_by(bytes.len() / 300).chain(0..100).chain(bytes.len() - 32..bytes.len()) {
        let mut damaged = bytes.clone();
        damaged[at] ^= 0x41;
        let why = refused(&mut expert, &damaged);
        assert!(!why.is_empty());
    }
    // A length that lies takes no memory.
    let mut huge = bytes.clone();
    huge[68..72].copy_from_slice(&u32::MAX.to_le_bytes());
    assert!(refused(&mut expert, &huge).contains("4294967295 tokens"));
    let after = run(&mut expert, &request).unwrap();
    assert_eq!((after.ids, after.cached_tokens), (ids, 0), "nothing of them stays");
}

// ---- The full context.

#[test]
fn a_full_context_keeps_the_head_and_drops_the_older_half() {
    let (_folder, path) = endless(0);
    let (mut expert, mut reference) = (load(&path), load(&path));
    let limit = 32;
    let shift = Overflow::Shift { context: Some(limit) };
    for text in ["abc", "a text that is longer than the context from its very beginning"] {
        let request = Request { overflow: shift, ..Request::raw(text, 90) };
        let done = run(&mut expert, &request).unwrap();
        // The same from the definition, every token from nothing.
        let mut tokens = reference.tokenizer().encode(text, true);
        tokens.insert(0, 1);
        let mut dropped = 0;
        let mut fit = |tokens: &mut Vec<u32>| {
            while tokens.len() > limit as usize {
                let half = (tokens.len() - 1).div_ceil(2);
                tokens.drain(1..1 + half);
                dropped += half;
            }
        };
        fit(&mut tokens);
        let mut ids = Vec::new();
        for _ in 0..90 {
            let logits = last_logits(&mut reference, &tokens);
            let best = (0..logits.len()).rev().max_by(|&a, &b| logits[a].total_cmp(&logits[b])).unwrap();
            ids.push(best as u32);
            tokens.push(best as u32);
            fit(&mut tokens);
        }
        assert_eq!(done.ids, ids);
        // The last token was never read, so the text need not be shifted for it.
        assert!(
            done.shifted as usize == dropped
                || dropped - done.shifted as usize == (limit as usize).div_ceil(2)
        );
        assert!(done.note.unwrap().contains("context of 32 tokens"));
    }
    let raw = run(&mut expert, &Request::raw("abc", 90)).unwrap();
    assert_eq!(raw.shifted, 0, "a raw text goes on");
}

#[test]
fn the_system_prompt_stays() {
    let mut writer = recipe::reference().models[0].endless();
    writer.set("llama.context_length", 48u32).set(
        "tokenizer.chat_template",
        "{% for m in messages %}{{ m.role[0] }}{{ m.content }}{% endfor %}{% if add_generation_prompt %}Z{% endif %}",
    );
    let (_folder, path) = write(&writer);
    let mut expert = load(&path);
    let messages = vec![
        Message::new(Role::System, "be very kind"),
        Message::new(Role::User, "tell me all that you know of bears"),
    ];
    let done = run(&mut expert, &Request::chat(messages, 60)).unwrap();
    assert!(done.shifted > 0 && done.note.unwrap().contains("dropped"));
    let state = saved(&expert);
    let tokens = u32::from_le_bytes(state[68..72].try_into().unwrap()) as usize;
    let ids: Vec<u32> = state[72..][..4 * tokens]
        .chunks_exact(4)
        .map(|b| u32::from_le_bytes(b.try_into().unwrap()))
        .collect();
    assert!(tokens <= 48);
    let text = expert.tokenizer().decode(&ids);
    assert!(text.starts_with("sbe"), "{text}");
    assert!(!text.contains("tell me all"), "{text}");
}

// ---- Constraints.

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(dead_code)]
struct Person {
    name: String,
    age: u8,
    tags: Vec<Tag>,
    ok: bool,
    address: Option<Address>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Tag {
    Red,
    Green,
    VeryBlue,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(dead_code)]
struct Address {
    street: String,
    number: f64,
}

const PERSON: &str = r##"{
    "type": "object",
    "properties": {
        "name": {"type": "string", "minLength": 1, "maxLength": 8},
        "age": {"type": "integer", "minimum": 0, "maximum": 150},
        "tags": {"type": "array", "items": {"enum": ["red", "green", "very_blue"]}, "maxItems": 3},
        "ok": {"type": "boolean"},
        "address": {"anyOf": [{"$ref": "#/$defs/address"}, {"type": "null"}]}
    },
    "required": ["name", "age", "tags", "ok", "address"],
    "additionalProperties": false,
    "$defs": {
        "address": {
            "type": "object",
            "properties": {"street": {"type": "string", "maxLength": 5}, "number": {"type": "number", "minimum": -90, "maximum": 900}},
            "required": ["street", "number"],
            "additionalProperties": false
        }
    }
}"##;

#[test]
fn two_hundred_random_answers_follow_their_schema() {
    let (_folder, path) = speller();
    let mut expert = load(&path);
    let (mut texts, mut addresses) = (std::collections::HashSet::new(), 0);
    for seed in 0..200 {
        let request = Request {
            sampling: sampled(1.0, seed),
            constraint: Some(Constraint::JsonSchema(PERSON.into())),
            ..Request::raw("a person:", 1000)
        };
        let done = run(&mut expert, &request).unwrap();
        assert_eq!(done.finish, Finish::End, "{}", done.text);
        let person: Person =
            serde_json::from_str(&done.text).unwrap_or_else(|error| panic!("{error}: {}", done.text));
        let letters = person.name.chars().count();
        assert!((1..=8).contains(&letters) && person.age <= 150 && person.tags.len() <= 3, "{person:?}");
        addresses += usize::from(person.address.is_some());
        texts.insert(done.text);
    }
    assert!(texts.len() > 190, "they are random: {}", texts.len());
    assert!(addresses > 20 && addresses < 180, "{addresses}");
}

#[test]
fn guesses_change_no_token_under_a_schema() {
    let (_folder, path) = speller();
    let mut expert = load(&path);
    let schema =
        r#"{"type": "array", "items": {"enum": ["alpha beta", "gamma"]}, "minItems": 12, "maxItems": 12}"#;
    let mut accepted = 0;
    for seed in 0..10 {
        let request = Request {
            sampling: sampled(0.7, seed),
            constraint: Some(Constraint::JsonSchema(schema.into())),
            ..Request::raw("", 400)
        };
        let guessed = run(&mut expert, &request).unwrap();
        let plain = run(&mut expert, &Request { lookup: false, ..request }).unwrap();
        assert_eq!(guessed.ids, plain.ids);
        assert_eq!(serde_json::from_str::<Vec<String>>(&guessed.text).unwrap().len(), 12);
        accepted += guessed.accepted;
    }
    assert!(accepted > 0);
}

#[test]
fn expressions_and_grammars_are_followed() {
    let (_folder, path) = speller();
    let mut expert = load(&path);
    let lark = "start: NUMBER (OPERATOR NUMBER)*\nNUMBER: /[1-9][0-9]{0,2}/\nOPERATOR: \"+\" | \"*\"\n";
    for seed in 0..20 {
        let mut answer = |constraint| {
            let request = Request {
                sampling: sampled(1.0, seed),
                constraint: Some(constraint),
                ..Request::raw("x", 200)
            };
            run(&mut expert, &request).unwrap().text
        };
        let date = answer(Constraint::Regex("(19|20)[0-9]{2}-[01][0-9]".into()));
        let (year, month) = date.split_once('-').expect("a date");
        assert!(
            (1900..2100).contains(&year.parse::<u32>().unwrap()) && month.parse::<u32>().unwrap() < 20,
            "{date}"
        );
        let sum = answer(Constraint::Lark(lark.into()));
        for number in sum.split(['+', '*']) {
            assert!((1..1000).contains(&number.parse::<u32>().unwrap()), "{sum}");
        }
        let unicode = answer(Constraint::Regex("[é-ÿ]{3}".into()));
        assert!(
            unicode.chars().count() == 3 && unicode.chars().all(|c| ('é'..='ÿ').contains(&c)),
            "{unicode}"
        );
    }
}

#[test]
fn a_constraint_that_cannot_be_used_is_refused_in_words() {
    let (_folder, path) = speller();
    let mut expert = load(&path);
    let nested = |depth: usize| format!("{}true{}", "{\"not\":".repeat(depth), "}".repeat(depth));
    let properties =
        (0..64).map(|n| format!("\"p{n}\":{{\"pattern\":\"(a|b|c){{1,900}}x{n}\"}}")).collect::<Vec<_>>();
    let cases = [
        (Constraint::JsonSchema("{\"type\":\n\"object\",}".into()), "line 2"),
        (Constraint::JsonSchema("[]".into()), "not a JSON object"),
        (Constraint::JsonSchema("{\"type\":\"strin\"}".into()), "strin"),
        (Constraint::JsonSchema("{\"$ref\":\"https://example.org/s.json\"}".into()), "example.org"),
        (Constraint::JsonSchema("{\"$ref\":\"#/$defs/none\"}".into()), "none"),
        (Constraint::JsonSchema("{\"type\":\"string\",\"minLength\":5,\"maxLength\":2}".into()), ""),
        (
            Constraint::JsonSchema(
                "{\"properties\":{\"a\":{\"not\":{}}},\"dependentRequired\":{\"a\":[\"b\"]}}".into(),
            ),
            "",
        ),
        (Constraint::JsonSchema(nested(100_000)), "bytes"),
        (Constraint::JsonSchema(nested(2_000)), "deep"),
        (Constraint::JsonSchema(format!("{{\"properties\":{{{}}}}}", properties.join(","))), ""),
        (Constraint::JsonSchema("{\"type\":\"string\",\"pattern\":\"(\"}".into()), ""),
        (Constraint::Regex("a(b".into()), "regular expression"),
        (Constraint::Regex("((a{1,1000}){1,1000}){1,1000}".into()), ""),
        (Constraint::Regex("(a|b)*a(a|b){60}".into()), ""),
        (Constraint::Lark("start: other".into()), "other"),
        (Constraint::Lark("begin: \"a\"".into()), "start"),
        (Constraint::Lark(format!("start: {}\"a\"{}", "(".repeat(5000), ")".repeat(5000))), "deep"),
    ];
    for (constraint, words) in cases {
        let shown: String = format!("{constraint:?}").chars().take(80).collect();
        let request =
            Request { constraint: Some(constraint), sampling: sampled(1.0, 1), ..Request::raw("a", 100) };
        match run(&mut expert, &request) {
            Err(error @ RequestError::Constraint(_)) => {
                let text = error.to_string();
                assert!(text.contains(words) && text.len() < 500, "{shown}: {text}");
            }
            // A bounded one may be followed after all, but then the answer is bounded too.
            other => assert!(words.is_empty() && other.is_ok(), "{shown}: {other:?}"),
        }
    }
    // A vocabulary without braces.
    let (_folder, letters) = endless(0);
    let request = Request {
        constraint: Some(Constraint::JsonSchema("{\"type\":\"object\"}".into())),
        ..Request::raw("a", 10)
    };
    let error = run(&mut load(&letters), &request).unwrap_err();
    assert!(matches!(&error, RequestError::Constraint(why) if why.contains("vocabulary")), "{error}");
}

#[test]
fn a_schema_of_many_levels_ends_in_an_answer_or_in_words_on_a_small_stack() {
    let (_folder, path) = speller();
    let deep = (0..31).fold("{\"type\":\"null\"}".to_owned(), |inner, _| {
        format!("{{\"type\":\"object\",\"properties\":{{\"a\":{inner}}},\"required\":[\"a\"],\"additionalProperties\":false}}")
    });
    let request = Request { constraint: Some(Constraint::JsonSchema(deep)), ..Request::raw("a", 1000) };
    // Threads of tests have 2 MB.
    let done = run(&mut load(&path), &request).unwrap();
    let value: serde_json::Value = serde_json::from_str(&done.text).unwrap();
    assert!(value.pointer(&"/a".repeat(31)).is_some_and(serde_json::Value::is_null), "{}", done.text);
}

// ---- The end.

#[test]
fn every_end_token_of_the_metadata_ends_the_answer() {
    for key in ["eos", "eot", "eom"] {
        let (_folder, path) = endless(0);
        let ids = run(&mut load(&path), &Request::raw("abc", 30)).unwrap().ids;
        let at = (1..ids.len())
            .find(|&at| !ids[..at].contains(&ids[at]) && ids[at] > 3)
            .expect("a new token comes");
        let mut writer = recipe::reference().models[0].endless();
        writer
            .set("tokenizer.ggml.add_bos_token", true)
            .set(&format!("tokenizer.ggml.{key}_token_id"), ids[at]);
        let (_folder, path) = write(&writer);
        let done = run(&mut load(&path), &Request::raw("abc", 30)).unwrap();
        assert_eq!((done.finish, &done.ids[..]), (Finish::End, &ids[..at]), "{key}");
    }
}

#[test]
fn a_stop_string_is_never_shown_in_part() {
    let (_folder, path) = endless(0);
    let whole = run(&mut load(&path), &Request::raw("abc", 40)).unwrap().text;
    let inner: String = whole.chars().skip(20).take(6).collect();
    let mut request = Request::raw("abc", 40);
    request.stop_strings = vec![inner.clone()];
    let mut seen = Vec::new();
    let mut take = |piece: &str| seen.push(piece.to_owned());
    let done = load(&path).generate(&request, &AtomicBool::new(false), &mut |_| {}, &mut take).unwrap();
    assert_eq!(done.text, whole[..whole.find(&inner).unwrap()]);
    assert_eq!((seen.concat(), done.finish), (done.text, Finish::End));
}

// ---- Perplexity.

#[test]
fn perplexity_is_that_of_the_logits() {
    let (_folder, path) = speller();
    let mut expert = load(&path);
    let text: String = (0..300u32).map(|n| char::from(b'a' + (n * n % 23) as u8)).collect();
    let context = 48;
    let found = expert.perplexity(&text, context, &AtomicBool::new(false), &mut |_| {}).unwrap();
    let mut tokens = expert.tokenizer().encode(&text, false);
    tokens.insert(0, 1);
    let (mut sum, mut count) = (0.0, 0);
    for window in tokens.chunks_exact(context) {
        let mut window = window.to_vec();
        window[0] = 1;
        let rows = all_logits(&mut expert, &window);
        for position in context / 2..context - 1 {
            let exps: Vec<f64> = rows[position].iter().map(|&logit| f64::from(logit).exp()).collect();
            sum -= (exps[window[position + 1] as usize] / exps.iter().sum::<f64>()).ln();
            count += 1;
        }
    }
    assert_eq!((found.tokens, found.windows as usize), (count, tokens.len() / context));
    let nll = sum / count as f64;
    assert!((found.nll - nll).abs() < 1e-9, "{} {nll}", found.nll);
    assert!((found.perplexity - nll.exp()).abs() < 1e-6 * nll.exp());
    let short = expert.perplexity("ab", 512, &AtomicBool::new(false), &mut |_| {}).unwrap_err();
    assert!(short.to_string().contains("512"), "{short}");
}

#[test]
fn a_model_that_knows_what_comes_has_a_perplexity_near_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("toy.gguf");
    Toy { says: &["a", "b", "c"], for_ever: true, ..Default::default() }.write(&path);
    let header = Header::read(&path).unwrap();
    let text = "a b c ".repeat(40);
    assert!(Tokenizer::read(&header).unwrap().encode(&text, false).len() < 200);
    let mut expert = load(&path);
    let known = expert.perplexity(text.trim(), 32, &AtomicBool::new(false), &mut |_| {}).unwrap();
    assert!(known.perplexity < 1.01, "{known:?}");
    let unknown =
        expert.perplexity("b a ".repeat(60).trim(), 32, &AtomicBool::new(false), &mut |_| {}).unwrap();
    assert!(unknown.perplexity > 10.0, "{unknown:?}");
}
