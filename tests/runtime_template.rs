//! Chat templates: prompts are those of the transformers library (`src-tauri/runtime/reference/prompts.py`), for what
//! real templates use of the language and for the chat formats of the families; what a template asks for and the engine
//! lacks ends in the built-in format and in words, never in another prompt.

#![allow(clippy::unwrap_used)]

use jiff::Timestamp;
use runtime::gguf::Header;
use runtime::gguf::write::Writer;
use runtime::host::{Message, Role, Template};
use runtime::template::ChatTemplate;
use runtime::tokenizer::Tokenizer;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::Path;

#[derive(Deserialize)]
struct Prompts {
    templates: BTreeMap<String, String>,
    conversations: BTreeMap<String, Vec<(String, String)>>,
    /// Seconds of the Unix epoch.
    now: i64,
    /// (template, conversation, prompt, or nothing where the template refuses the conversation)
    cases: Vec<(String, String, Option<String>)>,
}

/// A vocabulary of `<s>`, `</s>` and a few letters, with this template.
fn with_template(source: &str) -> (Tokenizer, ChatTemplate) {
    let mut writer = Writer::new();
    let mut tokens: Vec<String> = ["<unk>", "<s>", "</s>"].map(String::from).to_vec();
    tokens.extend((0..=255u8).map(|byte| format!("<0x{byte:02X}>")));
    let kinds: Vec<i32> = (0..tokens.len()).map(|id| if id < 3 { [2, 3, 3][id] } else { 6 }).collect();
    writer.set("tokenizer.ggml.model", "llama");
    writer.set("tokenizer.ggml.scores", vec![0f32; tokens.len()]);
    writer.set("tokenizer.ggml.tokens", tokens);
    writer.set("tokenizer.ggml.token_type", kinds);
    writer.set("tokenizer.ggml.bos_token_id", 1u32);
    writer.set("tokenizer.ggml.eos_token_id", 2u32);
    writer.set("tokenizer.chat_template", source);
    let bytes = writer.to_bytes();
    let header =
        Header::parse(std::io::Cursor::new(&bytes), bytes.len() as u64, Path::new("model.gguf")).unwrap();
    let tokenizer = Tokenizer::read(&header).unwrap();
    let template = ChatTemplate::read(&header, &tokenizer).unwrap();
    (tokenizer, template)
}

fn messages(turns: &[(String, String)]) -> Vec<Message> {
    let role = |name: &str| match name {
        "system" => Role::System,
        "user" => Role::User,
        _ => Role::Assistant,
    };
    turns.iter().map(|(name, content)| Message::new(role(name), content.as_str())).collect()
}

#[test]
fn prompts_are_those_of_transformers() {
    let all: Prompts =
        serde_json::from_str(include_str!("../src-tauri/runtime/reference/prompts.json")).unwrap();
    let now = Timestamp::from_second(all.now).unwrap();
    let read: BTreeMap<&str, (Tokenizer, ChatTemplate)> =
        all.templates.iter().map(|(name, source)| (name.as_str(), with_template(source))).collect();
    let mut wrong = Vec::new();
    for (name, title, expected) in &all.cases {
        let (tokenizer, template) = &read[name.as_str()];
        let messages = messages(&all.conversations[title]);
        let rendered = template.render_at(&messages, tokenizer.vocabulary(), now);
        let own = template.origin() == Template::Own && rendered.note.is_none();
        match expected {
            Some(expected) if own && rendered.text() == *expected => {}
            // A refusal of a system message is met by putting it before the question; any other is said.
            None if !own || messages[0].role == Role::System => {}
            _ => {
                let found = (rendered.text(), &rendered.note, template.origin());
                wrong.push(format!("{name}, {title}:\n  is  {found:?}\n  not {expected:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), all.cases.len(), wrong.join("\n"));
}
