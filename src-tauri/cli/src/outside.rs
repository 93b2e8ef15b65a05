//! `lectern experts outside`, `key` and `served`: experts that a server hosts, and what may leave.

use crate::output::{Exit, Output};
use clap::{Args, Subcommand, ValueEnum};
use engine::home::Home;
use engine::hub::{Outside, Served, TokenFrom, Wanted, why_inside};
use engine::pool::{Endpoint, Expert, Pool};
use engine::settings::Settings;
use engine::words::Failure;
use serde_json::json;
use std::io::BufRead;

/// What a person has to know before he lets questions out.
const LEAVES: &str = "What an expert outside is asked leaves Lectern: your question, the earlier turns of its conversation, and the past answers \
and passages of your documents that were recalled for it.";

#[derive(Subcommand)]
pub enum Command {
    /// Whether experts that a server hosts may be asked at all. What they are asked leaves Lectern, with the past answers and
    /// passages of your documents that were recalled for it.
    Outside {
        /// Without it: say how it is.
        switch: Option<Switch>,
    },
    /// The key to the server of an expert, in the keyring of this system. Where none runs: LECTERN_KEY_NAME.
    #[command(subcommand)]
    Key(Key),
    /// Ask the server of an expert what models it has.
    Served {
        /// Of the expert.
        name: String,
    },
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Switch {
    On,
    Off,
}

#[derive(Subcommand)]
pub enum Key {
    /// Keep a key; it is read from stdin, so that no history of commands has it.
    Set { name: String },
    /// Forget it.
    Remove { name: String },
    /// Say whether there is one, and where it comes from.
    Show { name: String },
}

#[derive(Args)]
pub struct Server {
    /// The address of an OpenAI-compatible server, in the place of a file: https://host/v1, or http://localhost:11434/v1.
    /// What this expert is asked leaves Lectern.
    #[arg(long, value_name = "URL", requires = "model")]
    pub endpoint: Option<String>,
    /// The model there.
    #[arg(long, requires = "endpoint")]
    model: Option<String>,
    /// Tokens that it reads and writes in all; what its server says, else 8192.
    #[arg(long, value_name = "TOKENS", requires = "endpoint")]
    context: Option<u32>,
    /// Do not ask the server whether it has the model.
    #[arg(long, requires = "endpoint")]
    unchecked: bool,
}

/// Adds the expert of a server. Refused while nothing may leave.
pub fn add(
    home: &Home,
    pool: &Pool,
    name: &str,
    domains: &[String],
    server: &Server,
    output: &Output,
) -> Result<(), Exit> {
    let Server { endpoint: Some(url), model, context, unchecked } = server else { return Ok(()) };
    let wanted = Wanted {
        name: name.to_owned(),
        domains: domains.to_vec(),
        url: url.clone(),
        model: model.clone().unwrap_or_default(),
        context: *context,
        key: None,
        unchecked: *unchecked,
    };
    let added = Outside::of(home).add(pool, &wanted)?;
    for note in &added.unsure {
        output.note(&format!("note: {note}"));
    }
    let leaves = added.expert.endpoint().map(Endpoint::in_words).unwrap_or_default();
    output.show(&added.expert.manifest, |manifest| {
        format!("added {}, asked by name alone; what it is asked {leaves}", manifest.name)
    });
    Ok(())
}

pub fn run(command: Command, output: &Output) -> Result<(), Exit> {
    let home = Home::find()?;
    let mut settings = Settings::load(&home).settings;
    match command {
        Command::Outside { switch } => {
            if let Some(switch) = switch {
                settings.outside = switch == Switch::On;
                settings.save(&home).map_err(Failure::from)?;
                if settings.outside {
                    output.note(LEAVES);
                }
            }
            let why_not = why_inside(&settings);
            output.show(&json!({ "outside": settings.outside, "why_not": why_not }), |_| match &why_not {
                None => "experts outside Lectern may be asked".into(),
                Some(why) => format!("nothing leaves: {why}"),
            });
        }
        Command::Key(key) => {
            let (Key::Set { name } | Key::Remove { name } | Key::Show { name }) = &key;
            let (expert, outside) = (far(&home, &settings, name)?, Outside::of(&home));
            let endpoint = expert.endpoint().cloned().unwrap_or_default();
            let kept = outside.key(name, &endpoint);
            match key {
                Key::Set { .. } => {
                    let mut line = String::new();
                    let read = std::io::stdin().lock().read_line(&mut line);
                    read.map_err(|error| Exit::Usage(format!("no key could be read from stdin: {error}")))?;
                    kept.set(line.trim()).map_err(Failure::from)?;
                }
                Key::Remove { .. } => kept.remove().map_err(Failure::from)?,
                Key::Show { .. } => {}
            }
            let source = kept.get().1;
            output.show(&json!({ "key": source, "server": endpoint.host() }), |_| {
                format!("the key for {}: {}", endpoint.host(), from(source, name))
            });
        }
        Command::Served { name } => {
            let expert = far(&home, &settings, &name)?;
            let line = Outside::of(&home).line(&expert).map_err(Failure::from)?;
            output.show(&line.models().map_err(Failure::from)?, of_served);
        }
    }
    Ok(())
}

/// An expert that a server hosts.
fn far(home: &Home, settings: &Settings, name: &str) -> Result<Expert, Failure> {
    let expert = crate::shelf::pool(home, settings)?.get(name).map_err(Failure::from)?;
    match expert.endpoint() {
        Some(_) => Ok(expert),
        None => Err(engine::hub::OutsideError::NoServer.into()),
    }
}

fn from(source: TokenFrom, name: &str) -> String {
    match source {
        TokenFrom::Nowhere => "none".into(),
        TokenFrom::Environment => {
            format!("from LECTERN_KEY_{}", name.to_ascii_uppercase().replace('-', "_"))
        }
        TokenFrom::Keyring => "in the keyring".into(),
        TokenFrom::Session => "until this process ends".into(),
    }
}

fn of_served(served: &Served) -> String {
    let has = if served.has_model { "has the model" } else { "does not name the model" };
    let context = served.context.map_or(String::new(), |tokens| format!(", {tokens} tokens of context"));
    let models: String = served.models.iter().map(|model| format!("  {}\n", plain(model))).collect();
    format!("{} {has}{context}\n{models}", served.host)
}

/// What a server says is shown without what a terminal would obey.
fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}
