//! Chat template: a conversation becomes the text that the model was trained on.
//!
//! In:     messages, the template of the file
//! Out:    parts of a prompt; what people wrote stays literal even when it looks like a control token
//! Fails:  never for long: a template that fails is replaced by a built-in one, and the result says so
//! Cost:   well below a millisecond
//! Source: the chat template convention of the transformers library (Jinja with Python's string methods)
//!
//! A template is a program from an untrusted file. Its size, steps and output are bounded here; memory and stack are
//! bounded by the process that this runs in, which is the expert's own.

mod python;

use std::borrow::Cow;
use std::sync::LazyLock;

use fancy_regex::Regex;
use jiff::Timestamp;
use minijinja::syntax::SyntaxConfig;
use minijinja::{Environment, Error, ErrorKind, Value, context};

use crate::gguf::{GgufError, Header};
use crate::host::{Message, Role, Template};
use crate::tokenizer::{Kind, Part, Tokenizer, Vocabulary};

/// Largest template; the largest known has about 40 KB.
const SIZE: usize = 1 << 18;
/// Steps of the template's program: some thousand a message are usual.
const FUEL: u64 = 5_000_000;
/// The output may have this many bytes more than the messages, twice.
const OUTPUT: usize = 1 << 20;
/// Stack of the thread that renders: deep nesting in a template is found by its parser, given room.
const STACK: usize = 16 << 20;

/// A model's way to write a conversation.
pub struct ChatTemplate {
    /// The file's own source.
    own: Option<String>,
    /// Why the own one is not used, or that there is none.
    why: String,
    chatml: bool,
    start: String,
    end: String,
}

/// A rendered conversation.
pub struct Rendered {
    text: String,
    /// What stands for each control text that somebody wrote: (mark, text).
    marks: Vec<(String, String)>,
    /// Why the model's own template was not used this time.
    pub note: Option<String>,
}

impl ChatTemplate {
    /// Takes the template from the file and tries it on one short message.
    pub fn read(header: &Header, tokenizer: &Tokenizer) -> Result<ChatTemplate, GgufError> {
        let vocabulary = tokenizer.vocabulary();
        let text = |id: Option<u32>| id.map(|id| vocabulary.text(id).to_owned()).unwrap_or_default();
        let is_control =
            |text: &str| vocabulary.id(text).is_some_and(|id| vocabulary.kind(id) == Kind::Control);
        let mut template = ChatTemplate {
            own: None,
            why: "the file has no chat template".into(),
            chatml: is_control("<|im_start|>") && is_control("<|im_end|>"),
            start: text(tokenizer.start()),
            end: text(tokenizer.end()),
        };
        if let Some(source) = header.text("tokenizer.chat_template")? {
            let probe = [Message::new(Role::User, "Hello")];
            match template.run(source, &probe, Timestamp::now()) {
                Ok(text) if text.contains("Hello") => template.own = Some(source.to_owned()),
                Ok(_) => template.why = "the file's chat template leaves the message out".into(),
                Err(why) => template.why = format!("the file's chat template fails: {why}"),
            }
        }
        Ok(template)
    }

    pub fn origin(&self) -> Template {
        match &self.own {
            Some(_) => Template::Own,
            None => Template::BuiltIn { name: self.built_in_name().into(), why: self.why.clone() },
        }
    }

    fn built_in_name(&self) -> &'static str {
        if self.chatml { "chatml" } else { "plain" }
    }

    /// Texts before which an answer in the built-in plain form ends.
    pub fn stop_strings(&self) -> &'static [&'static str] {
        if self.own.is_none() && !self.chatml { &["\nUser:", "\nSystem:"] } else { &[] }
    }

    /// Writes a conversation and the beginning of the answer.
    pub fn render(&self, messages: &[Message], vocabulary: &Vocabulary) -> Rendered {
        self.render_at(messages, vocabulary, Timestamp::now())
    }

    /// The same at another time, which some templates tell the model.
    pub fn render_at(&self, messages: &[Message], vocabulary: &Vocabulary, now: Timestamp) -> Rendered {
        let (messages, marks) = mark_controls(messages, vocabulary);
        let mut note = None;
        let text = self.own.as_ref().and_then(|source| {
            // Some templates refuse a system message: then it goes before the first question.
            let result = self.run(source, &messages, now).or_else(|why| match without_system(&messages) {
                Some(folded) => self.run(source, &folded, now),
                None => Err(why),
            });
            result.map_err(|why| note = Some(format!("the file's chat template fails: {why}"))).ok()
        });
        let text = text.unwrap_or_else(|| self.built_in(&messages));
        Rendered { text, marks, note }
    }

    fn built_in(&self, messages: &[Message]) -> String {
        let mut text = String::new();
        for message in messages {
            let content = &message.content;
            text += &match (self.chatml, message.role) {
                (true, role) => format!("<|im_start|>{}\n{content}<|im_end|>\n", role.name()),
                (false, Role::System) => format!("{content}\n\n"),
                (false, Role::User) => format!("User: {content}\n"),
                (false, Role::Assistant) => format!("Assistant: {content}\n"),
            };
        }
        text + if self.chatml { "<|im_start|>assistant\n" } else { "Assistant:" }
    }

    /// Runs a template in a thread with a deep stack.
    fn run(&self, source: &str, messages: &[Message], now: Timestamp) -> Result<String, String> {
        if source.len() > SIZE {
            return Err(format!("it has {} bytes; at most {SIZE} are read", source.len()));
        }
        let thread = std::thread::Builder::new().stack_size(STACK);
        std::thread::scope(|scope| {
            let handle = thread
                .spawn_scoped(scope, || {
                    self.run_here(source, messages, now).map_err(|error| describe(&error))
                })
                .map_err(|error| error.to_string())?;
            handle.join().unwrap_or_else(|_| Err("it made the template engine panic".into()))
        })
    }

    fn run_here(&self, source: &str, messages: &[Message], now: Timestamp) -> Result<String, Error> {
        let mut environment = Environment::new();
        // As the transformers library sets its own engine up.
        environment.set_syntax(SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()?);
        environment.set_fuel(Some(FUEL));
        environment.set_recursion_limit(100);
        python::add_to(&mut environment, now);
        let list: Vec<Value> = messages
            .iter()
            .map(|message| context! { role => message.role.name(), content => message.content.clone() })
            .collect();
        let room = 2 * (OUTPUT + messages.iter().map(|message| message.content.len()).sum::<usize>());
        let mut out = Bounded { text: Vec::new(), room };
        let source = without_generation(source);
        environment.template_from_str(&source)?.render_captured_to(
            context! {
                messages => list,
                add_generation_prompt => true,
                bos_token => self.start.clone(),
                eos_token => self.end.clone(),
            },
            &mut out,
        )?;
        String::from_utf8(out.text).map_err(|_| Error::new(ErrorKind::WriteFailure, "output is not UTF-8"))
    }
}

/// `{% generation %}` marks what a model wrote, for training on it; here it prints what is in it.
fn without_generation(source: &str) -> Cow<'_, str> {
    static MARK: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"\{%([-+]?)\s*(?:(end)|)generation\s*([-+]?)%\}").expect("a valid pattern")
    });
    MARK.replace_all(source, |found: &fancy_regex::Captures| {
        let part = |index| found.get(index).map_or("", |part| part.as_str());
        let tag = if found.get(2).is_some() { "endif" } else { "if true" };
        format!("{{%{} {tag} {}%}}", part(1), part(3))
    })
}

impl Rendered {
    /// The prompt as one text.
    pub fn text(&self) -> String {
        self.marks
            .iter()
            .fold(self.text.clone(), |text, (mark, written)| text.replace(mark.as_str(), written))
    }

    /// The prompt's parts: template text is parsed for control tokens, what people wrote is not.
    pub fn parts(&self) -> Vec<Part<'_>> {
        let mut parts = vec![Part::Parsed(self.text.as_str())];
        for (mark, written) in &self.marks {
            parts = parts
                .into_iter()
                .flat_map(|part| match part {
                    Part::Literal(_) => vec![part],
                    Part::Parsed(text) => {
                        let mut cut = Vec::new();
                        for (number, piece) in text.split(mark.as_str()).enumerate() {
                            if number > 0 {
                                cut.push(Part::Literal(written.as_str()));
                            }
                            cut.push(Part::Parsed(piece));
                        }
                        cut
                    }
                })
                .collect();
        }
        parts
    }
}

/// Puts a mark for every control text in the messages, so that it goes through the template unseen.
fn mark_controls(messages: &[Message], vocabulary: &Vocabulary) -> (Vec<Message>, Vec<(String, String)>) {
    let mut messages = messages.to_vec();
    let mut marks = Vec::new();
    // A letter of a private plane that nobody has written.
    let free = ('\u{f0000}'..='\u{ffffd}')
        .find(|letter| messages.iter().all(|message| !message.content.contains(*letter)))
        .unwrap_or('\u{f0000}');
    for control in vocabulary.control_texts() {
        if !messages.iter().any(|message| message.content.contains(control)) {
            continue;
        }
        let mark = format!("{free}{}{free}", marks.len());
        for message in &mut messages {
            message.content = message.content.replace(control, &mark);
        }
        marks.push((mark, control.to_owned()));
    }
    (messages, marks)
}

/// The same conversation with its system message at the head of the first question.
fn without_system(messages: &[Message]) -> Option<Vec<Message>> {
    let (first, rest) = messages.split_first()?;
    let question = rest.first().filter(|next| next.role == Role::User)?;
    if first.role != Role::System {
        return None;
    }
    let mut folded = rest.to_vec();
    folded[0].content = format!("{}\n\n{}", first.content, question.content);
    Some(folded)
}

fn describe(error: &Error) -> String {
    let detail = error.detail().map(|detail| format!(": {detail}")).unwrap_or_default();
    let line = error.line().map(|line| format!(" (line {line})")).unwrap_or_default();
    format!("{}{detail}{line}", error.kind())
}

/// Takes output until there is no more room.
struct Bounded {
    text: Vec<u8>,
    room: usize,
}

impl std::io::Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if self.text.len() + bytes.len() > self.room {
            return Err(std::io::Error::other(format!("the output is longer than {} bytes", self.room)));
        }
        self.text.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
