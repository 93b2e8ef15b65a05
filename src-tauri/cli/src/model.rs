//! `lectern model …`: look into a model file and run it alone. The file is not trusted: its header is read within
//! bounds here, everything else happens in the expert's own process.

use std::fs::File;
use std::io::{BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use clap::{Args, Subcommand};
use engine::words::Failure;
use runtime::gguf::GgufError;
use runtime::host::{
    Constraint, Host, HostError, LogitsRow, Message, Overflow, Placement, Purpose, Request, Role, Spawn,
};
use runtime::inspect::{Facts, inspect};
use runtime::sample::Sampling;
use serde::Serialize;

use crate::output::{Exit, Output};
use crate::program;

/// Rows of the best tokens that `logits` shows.
const TOP: usize = 10;

#[derive(Subcommand)]
pub enum Command {
    /// What a model file is and what it needs; reads its header alone.
    Inspect { file: PathBuf },
    /// The tokens of a text, without a start token.
    Tokenize(Tokenize),
    /// Logits after given tokens.
    Logits(Logits),
    /// Continue a text, or answer it by the model's chat template.
    Generate(Box<Generate>),
    /// How well the model foretells a text: e to the mean negative log-likelihood of a token.
    ///
    /// As llama.cpp's perplexity tool defines it: the text is cut into windows of --context tokens, each begins with the
    /// start token where the model has one, and the tokens of its second half are scored. What does not fill a window
    /// is left out.
    Perplexity(Perplexity),
    /// How fast it runs here: medians of some runs.
    Bench(crate::bench::Arguments),
}

#[derive(Args)]
pub struct Tokenize {
    file: PathBuf,
    /// The text, or `-` for standard input.
    text: String,
    /// Control tokens written in the text become tokens.
    #[arg(long)]
    special: bool,
}

#[derive(Args)]
pub struct Logits {
    file: PathBuf,
    /// Token ids, separated by commas.
    #[arg(long, value_delimiter = ',', required = true, value_name = "1,2,3")]
    tokens: Vec<u32>,
    /// After every token, not after the last alone.
    #[arg(long)]
    all: bool,
    /// Writes the logits as a NumPy file: f32, positions x vocabulary.
    #[arg(long, value_name = "X.npy")]
    out: Option<PathBuf>,
}

#[derive(Args)]
pub struct Perplexity {
    file: PathBuf,
    /// A UTF-8 text, or `-` for standard input.
    text_file: PathBuf,
    /// Tokens of a window.
    #[arg(long, default_value_t = 512, value_parser = clap::value_parser!(u32).range(2..=1 << 20))]
    context: u32,
}

#[derive(Args)]
pub struct Generate {
    file: PathBuf,
    /// The text, or `-` for standard input.
    text: String,
    /// The text as it is, without the chat template.
    #[arg(long)]
    raw: bool,
    /// A system message before the text.
    #[arg(long, conflicts_with = "raw")]
    system: Option<String>,
    #[arg(long, default_value_t = 256)]
    max_tokens: u32,
    #[command(flatten)]
    sampling: SamplingFlags,
    /// The text ends before this; may be given several times.
    #[arg(long, value_name = "TEXT")]
    stop: Vec<String>,
    /// The answer is JSON that follows the schema in this file.
    #[arg(long, value_name = "FILE", group = "constraint")]
    json_schema: Option<PathBuf>,
    /// The answer matches this regular expression as a whole.
    #[arg(long, value_name = "REGEX", group = "constraint")]
    regex: Option<String>,
    /// The answer follows the Lark grammar in this file.
    #[arg(long, value_name = "FILE", group = "constraint")]
    grammar: Option<PathBuf>,
    /// When the text outgrows so many tokens, its oldest part after the system prompt is dropped. A chat has the model's
    /// own context; a raw text goes on without.
    #[arg(long, value_name = "TOKENS")]
    context: Option<u32>,
    /// No guesses from the text itself. They make the same text in less time.
    #[arg(long)]
    no_lookup: bool,
    /// What the model has read is restored from this file, when it is there, and saved to it afterwards.
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,
}

/// How the next token is chosen: logit bias, penalties, top-k, typical, top-p, min-p, temperature, in this order.
#[derive(Args)]
struct SamplingFlags {
    /// 0 always takes the most likely token.
    #[arg(long, default_value_t = 0.0)]
    temperature: f32,
    /// Only the k most likely tokens; 0 is all.
    #[arg(long, default_value_t = 0)]
    top_k: u32,
    /// Only the most likely tokens that together have this probability.
    #[arg(long, default_value_t = 1.0)]
    top_p: f32,
    /// Only tokens with at least this share of the most likely one's probability.
    #[arg(long, default_value_t = 0.0)]
    min_p: f32,
    /// Only the tokens nearest to the expected information that together have this probability.
    #[arg(long, default_value_t = 1.0)]
    typical_p: f32,
    /// Divides positive (multiplies negative) logits of recent tokens.
    #[arg(long, default_value_t = 1.0)]
    repeat_penalty: f32,
    /// Taken from the logit of every recent token, once.
    #[arg(long, default_value_t = 0.0, allow_negative_numbers = true)]
    presence_penalty: f32,
    /// Taken from the logit of a recent token, for each time that it came.
    #[arg(long, default_value_t = 0.0, allow_negative_numbers = true)]
    frequency_penalty: f32,
    /// How many tokens back are recent.
    #[arg(long, default_value_t = 64)]
    penalty_window: u32,
    /// Adds to a token's logit; may be given several times.
    #[arg(long, value_name = "ID=BIAS", value_parser = bias)]
    logit_bias: Vec<(u32, f32)>,
    /// The same seed gives the same text.
    #[arg(long, default_value_t = 0)]
    seed: u64,
}

impl SamplingFlags {
    fn sampling(self) -> Sampling {
        Sampling {
            temperature: self.temperature,
            top_k: self.top_k,
            top_p: self.top_p,
            min_p: self.min_p,
            typical_p: self.typical_p,
            repeat_penalty: self.repeat_penalty,
            presence_penalty: self.presence_penalty,
            frequency_penalty: self.frequency_penalty,
            penalty_window: self.penalty_window,
            logit_bias: self.logit_bias,
            seed: self.seed,
        }
    }
}

fn bias(text: &str) -> Result<(u32, f32), String> {
    let read = || {
        let (id, bias) = text.split_once('=')?;
        Some((id.parse().ok()?, bias.parse().ok()?))
    };
    read().ok_or_else(|| "a token id, =, and a number".into())
}

pub fn run(command: Command, output: &Output) -> Result<(), Exit> {
    match command {
        Command::Inspect { file } => {
            let facts = inspect(&file).map_err(|error| Exit::Failed(file_failure(&error)))?;
            output.show(&facts, in_words);
            Ok(())
        }
        Command::Tokenize(arguments) => tokenize(arguments, output),
        Command::Logits(arguments) => logits(arguments, output),
        Command::Generate(arguments) => generate(*arguments, output),
        Command::Perplexity(arguments) => perplexity(arguments, output),
        Command::Bench(arguments) => crate::bench::run(arguments, output),
    }
}

fn in_words(facts: &Facts) -> String {
    let number = |value: Option<u64>| value.map_or("unknown".into(), |value| value.to_string());
    let mut lines = vec![
        format!("name            {}", facts.name.as_deref().unwrap_or("none")),
        format!("architecture    {}", facts.architecture),
        format!(
            "supported       {}",
            facts.why_not.as_ref().map_or("yes".into(), |why| format!("no: {why}"))
        ),
        format!("parameters      {}", facts.parameters),
        format!("quantisation    {}", facts.quantisation),
        format!("context length  {}", number(facts.context_length)),
    ];
    if facts.experts > 0 {
        lines.push(format!("experts         {} ({} for each token)", facts.experts, facts.experts_used));
    }
    lines.extend([
        format!("tokenizer       {}", facts.tokenizer.as_deref().unwrap_or("none")),
        format!("chat template   {}", if facts.chat_template { "its own" } else { "none" }),
        format!("size            {} bytes", facts.size_bytes),
        format!("memory needed   {} bytes", facts.memory_needed_bytes),
    ]);
    if let Some(license) = &facts.license {
        lines.push(format!("licence         {license}"));
    }
    lines.join("\n")
}

fn tokenize(arguments: Tokenize, output: &Output) -> Result<(), Exit> {
    let text = text_of(arguments.text)?;
    let mut host = start(&arguments.file, Purpose::Tokenize, output, &AtomicBool::new(false))?;
    let tokens = host.tokenize(&text, arguments.special).map_err(host_failure)?;
    host.leave();
    output.show(&tokens, |tokens| {
        let pairs = tokens.ids.iter().zip(&tokens.pieces);
        pairs.map(|(id, piece)| format!("{id}\t{piece:?}")).collect::<Vec<_>>().join("\n")
    });
    Ok(())
}

#[derive(Serialize)]
struct Top {
    id: u32,
    logit: f32,
}

#[derive(Serialize)]
struct LogitsShown {
    /// The most likely tokens after the last position.
    top: Vec<Top>,
    positions: u32,
    vocabulary: u32,
}

fn logits(arguments: Logits, output: &Output) -> Result<(), Exit> {
    let mut host = start(&arguments.file, Purpose::Generate, output, &AtomicBool::new(false))?;
    let vocabulary = host.facts().vocabulary;
    let positions = if arguments.all { arguments.tokens.len() as u32 } else { 1 };
    let mut file = match &arguments.out {
        Some(path) => Some(Npy::create(path, positions, vocabulary)?),
        None => None,
    };
    let mut last = Vec::new();
    let mut written = Ok(());
    let result = host.logits(&arguments.tokens, arguments.all, &mut |row: LogitsRow| {
        if let (Some(file), Ok(())) = (&mut file, &written) {
            written = file.row(&row.logits);
        }
        last = row.logits;
    });
    result.map_err(host_failure)?;
    host.leave();
    if let Some(file) = file {
        written.and_then(|()| file.finish()).map_err(Exit::Failed)?;
    }
    let mut order: Vec<u32> = (0..last.len() as u32).collect();
    order.sort_by(|&a, &b| last[b as usize].total_cmp(&last[a as usize]).then(a.cmp(&b)));
    let top = order.iter().take(TOP).map(|&id| Top { id, logit: last[id as usize] }).collect();
    output.show(&LogitsShown { top, positions, vocabulary }, |shown| {
        shown.top.iter().map(|top| format!("{}\t{}", top.id, top.logit)).collect::<Vec<_>>().join("\n")
    });
    Ok(())
}

#[derive(Serialize)]
struct Generated<'a> {
    text: &'a str,
    ids: &'a [u32],
    prompt_tokens: u32,
    cached_tokens: u32,
    shifted: u32,
    drafted: u32,
    accepted: u32,
    tokens: u32,
    prompt_tokens_per_s: f32,
    tokens_per_s: f32,
    first_token_ms: f32,
    load_ms: f32,
    peak_rss_bytes: u64,
    placement: &'a Placement,
    mean_probability: f32,
    finish: runtime::host::Finish,
    note: &'a Option<String>,
}

fn generate(arguments: Generate, output: &Output) -> Result<(), Exit> {
    let text = text_of(arguments.text)?;
    let constraint = match (arguments.json_schema, arguments.regex, arguments.grammar) {
        (Some(path), ..) => Some(Constraint::JsonSchema(text_in(&path)?)),
        (_, Some(regex), _) => Some(Constraint::Regex(regex)),
        (.., Some(path)) => Some(Constraint::Lark(text_in(&path)?)),
        _ => None,
    };
    let stop = interrupted();
    let mut host = start(&arguments.file, Purpose::Generate, output, &stop)?;
    let (load_ms, placement) = (host.facts().load_ms, host.facts().placement.clone());
    let mut request = if arguments.raw {
        Request::raw(text, arguments.max_tokens)
    } else {
        if let runtime::host::Template::BuiltIn { name, why } = &host.facts().template {
            output.note(&format!("the built-in template \"{name}\" is used: {why}"));
        }
        let system = arguments.system.map(|system| Message::new(Role::System, system));
        let messages = system.into_iter().chain([Message::new(Role::User, text)]).collect();
        Request::chat(messages, arguments.max_tokens)
    };
    request.stop_strings = arguments.stop;
    request.sampling = arguments.sampling.sampling();
    request.lookup = !arguments.no_lookup;
    request.constraint = constraint;
    if arguments.context.is_some() {
        request.overflow = Overflow::Shift { context: arguments.context };
    }
    if let Some(path) = arguments.state.as_ref().filter(|path| path.exists()) {
        host.restore_state(0, path).map_err(host_failure)?;
    }
    let streams = !output.is_json();
    let done = host.generate(&request, &stop, &mut |piece| {
        if streams {
            output.piece(piece);
        }
    });
    let done = done.map_err(host_failure)?;
    if streams {
        output.line("");
    } else {
        output.json(&Generated {
            text: &done.text,
            ids: &done.ids,
            prompt_tokens: done.prompt_tokens,
            cached_tokens: done.cached_tokens,
            shifted: done.shifted,
            drafted: done.drafted,
            accepted: done.accepted,
            tokens: done.tokens,
            prompt_tokens_per_s: done.prompt_tokens_per_s,
            tokens_per_s: done.tokens_per_s,
            first_token_ms: done.first_token_ms,
            load_ms,
            peak_rss_bytes: done.peak_memory_bytes,
            placement: &placement,
            mean_probability: done.mean_probability,
            finish: done.finish,
            note: &done.note,
        });
    }
    if let Some(note) = &done.note {
        output.note(note);
    }
    if let Some(path) = arguments.state.filter(|_| !done.lost_expert) {
        host.save_state(0, &path).map_err(host_failure)?;
    }
    if !done.lost_expert {
        host.leave();
    }
    Ok(())
}

fn perplexity(arguments: Perplexity, output: &Output) -> Result<(), Exit> {
    let path = arguments.text_file;
    let text = if path == Path::new("-") { text_of("-".into())? } else { text_in(&path)? };
    let stop = interrupted();
    let mut host = start(&arguments.file, Purpose::Generate, output, &stop)?;
    let found = host.perplexity(&text, arguments.context, &stop, &mut |_| {}).map_err(host_failure)?;
    host.leave();
    output.show(&found, |found| {
        format!(
            "perplexity {:.4}: {:.4} nats a token over {} tokens, {} windows of {}",
            found.perplexity, found.nll, found.tokens, found.windows, found.context
        )
    });
    Ok(())
}

/// Starts the file's own process; the header is checked here first, so that most bad files never reach one.
pub fn start(file: &Path, purpose: Purpose, output: &Output, stop: &AtomicBool) -> Result<Host, Exit> {
    runtime::gguf::Header::read(file).map_err(|error| Exit::Failed(file_failure(&error)))?;
    Host::start_unless(spawn(file, purpose, output)?, stop, &mut |_| {}).map_err(host_failure)
}

/// As the general options say.
pub fn spawn(file: &Path, purpose: Purpose, output: &Output) -> Result<Spawn, Exit> {
    let (threads, device) = (output.threads, !output.processor_only);
    Ok(Spawn { threads, purpose, device, ..Spawn::new(program::own_file()?, file) })
}

/// A flag that the first Ctrl-C sets. Without a way to hear it Ctrl-C ends the program at once, which is fine as well.
pub fn interrupted() -> Arc<AtomicBool> {
    program::stop_on_interrupt().unwrap_or_default()
}

fn text_of(argument: String) -> Result<String, Exit> {
    if argument != "-" {
        return Ok(argument);
    }
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text).map_err(|error| {
        Exit::Failed(Failure {
            code: "cli.stdin".into(),
            message: format!("standard input cannot be read as text: {error}"),
            fix: "Give UTF-8 text on standard input.".into(),
            detail: None,
        })
    })?;
    Ok(text)
}

fn text_in(path: &Path) -> Result<String, Exit> {
    std::fs::read_to_string(path).map_err(|error| {
        Exit::Failed(Failure {
            code: "file.unreadable".into(),
            message: format!("{}: cannot be read as text: {error}", path.display()),
            fix: "Give the path of a UTF-8 text file.".into(),
            detail: None,
        })
    })
}

fn file_failure(error: &GgufError) -> Failure {
    Failure { code: error.code().into(), message: error.to_string(), fix: error.fix().into(), detail: None }
}

pub fn host_failure(error: HostError) -> Exit {
    Exit::Failed(Failure {
        code: error.code().into(),
        message: error.to_string(),
        fix: error.fix().into(),
        detail: error.detail().map(str::to_owned),
    })
}

/// A NumPy file of f32 rows, written as they come. Source: NumPy's format specification, version 1.0.
struct Npy {
    path: PathBuf,
    part: PathBuf,
    out: BufWriter<File>,
}

impl Npy {
    fn create(path: &Path, rows: u32, columns: u32) -> Result<Npy, Exit> {
        let mut name = path.file_name().unwrap_or_default().to_os_string();
        name.push(".part");
        let part = path.with_file_name(name);
        let mut header =
            format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({rows}, {columns}), }}");
        // Magic, version and length take 10 bytes; the whole head ends with a newline at a multiple of 64.
        let padding = (10 + header.len() + 1).next_multiple_of(64) - (10 + header.len() + 1);
        header.push_str(&" ".repeat(padding));
        header.push('\n');
        let created = File::create(&part).and_then(|file| {
            let mut out = BufWriter::new(file);
            out.write_all(b"\x93NUMPY\x01\x00")?;
            out.write_all(&(header.len() as u16).to_le_bytes())?;
            out.write_all(header.as_bytes())?;
            Ok(out)
        });
        let out = created.map_err(|error| Exit::Failed(cannot_write(path, &error)))?;
        Ok(Npy { path: path.to_path_buf(), part, out })
    }

    fn row(&mut self, row: &[f32]) -> Result<(), Failure> {
        let bytes: Vec<u8> = row.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.out.write_all(&bytes).map_err(|error| cannot_write(&self.path, &error))
    }

    fn finish(mut self) -> Result<(), Failure> {
        let finished = self.out.flush().and_then(|()| std::fs::rename(&self.part, &self.path));
        finished.map_err(|error| cannot_write(&self.path, &error))
    }
}

fn cannot_write(path: &Path, error: &std::io::Error) -> Failure {
    Failure {
        code: "file.unwritable".into(),
        message: format!("{}: cannot be written: {error}", path.display()),
        fix: "Check that the folder exists, can be written and has room.".into(),
        detail: None,
    }
}
