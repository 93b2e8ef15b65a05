//! `lectern experts`: the pool, with what is declared and what was measured.

use crate::output::{Exit, Output};
use crate::{hub, outside, shelf};
use clap::{Args, Subcommand};
use engine::home::Home;
use engine::hub::{Hub, Outside, Trash, WithoutFile};
use engine::pool::{Edit, Expert, Offer, Statistics};
use engine::settings::Settings;
use engine::words::Failure;
use serde::Serialize;
use std::path::PathBuf;

#[derive(Subcommand)]
pub enum Command {
    /// Every expert of the pool.
    List,
    /// One expert in full.
    Show { name: String },
    /// Add a GGUF file; it is checked first and stays where it is. Under the name of an expert that is the same model
    /// with other bits a weight, it becomes one more file of that one.
    Add(Add),
    /// Choose which of its files an expert uses.
    Use(Use),
    /// Change what is said of an expert that was added; what is left out stays.
    Edit(Change),
    /// Take an added expert out of the pool, or one of its files; off the disk as well when Lectern fetched it.
    Remove(Remove),
    #[command(flatten)]
    Shelf(shelf::Command),
    #[command(flatten)]
    Outside(outside::Command),
    #[command(flatten)]
    Hub(hub::Command),
}

#[derive(Args)]
pub struct Use {
    name: String,
    /// Its quantisation, or the file itself. Without it: the best that fits the memory.
    file: Option<String>,
}

#[derive(Args)]
pub struct Change {
    name: String,
    #[arg(long)]
    title: Option<String>,
    #[arg(long, value_delimiter = ',', value_name = "a,b")]
    domains: Option<Vec<String>>,
    /// Stands before every conversation; empty: nothing does.
    #[arg(long, value_name = "TEXT")]
    prompt: Option<String>,
    /// 0 is greedy.
    #[arg(long)]
    temperature: Option<f32>,
    /// 0 is all.
    #[arg(long)]
    top_k: Option<u32>,
    /// 1 is all.
    #[arg(long)]
    top_p: Option<f32>,
    /// 0 is all.
    #[arg(long)]
    min_p: Option<f32>,
    /// 1 changes nothing.
    #[arg(long)]
    repeat_penalty: Option<f32>,
    /// Of one answer.
    #[arg(long)]
    max_tokens: Option<u32>,
    /// Whether the router may send questions to an expert outside Lectern by itself.
    #[arg(long, value_name = "true|false")]
    automatic: Option<bool>,
}

#[derive(Args)]
pub struct Remove {
    name: String,
    /// This of its files alone, by its quantisation or its path; the expert stays with the others.
    file: Option<String>,
}

#[derive(Args)]
pub struct Add {
    /// The model.
    #[arg(required_unless_present = "endpoint", conflicts_with = "endpoint")]
    file: Option<PathBuf>,
    #[command(flatten)]
    server: outside::Server,
    /// Lowercase letters, digits and dashes.
    #[arg(long, value_name = "N")]
    name: String,
    /// What it answers: mathematics, units, words, code, general, or a domain of your own.
    #[arg(long, value_delimiter = ',', value_name = "a,b")]
    domains: Vec<String>,
}

#[derive(Serialize)]
struct Listed {
    experts: Vec<Expert>,
    /// Manifests that are not right.
    problems: Vec<Failure>,
}

#[derive(Serialize)]
struct Removed {
    removed: String,
    freed_bytes: u64,
}

pub fn run(command: Command, output: &Output) -> Result<(), Exit> {
    let command = match command {
        Command::Hub(command) => return hub::run(command, output),
        Command::Shelf(command) => return shelf::run(command, output),
        Command::Outside(command) => return outside::run(command, output),
        ours => ours,
    };
    let home = Home::find()?;
    let settings = Settings::load(&home).settings;
    let pool = shelf::pool(&home, &settings)?;
    match command {
        Command::List => {
            let listed = Listed { experts: pool.experts(), problems: pool.problems() };
            for problem in &listed.problems {
                output.note(&format!("note: {} {}", problem.message, problem.fix));
            }
            output.show(&listed, |listed| listed.experts.iter().map(line).collect());
        }
        Command::Show { name } => output.show(&pool.get(&name).map_err(Failure::from)?, in_words),
        Command::Add(add) => {
            let Some(file) = &add.file else {
                return outside::add(&home, &pool, &add.name, &add.domains, &add.server, output);
            };
            let manifest = pool.add(file, &add.name, &add.domains).map_err(Failure::from)?;
            output.show(&manifest, |manifest| format!("added {}: {}", manifest.name, manifest.title));
        }
        Command::Use(Use { name, file }) => {
            output.show(&pool.choose(&name, file.as_deref()).map_err(Failure::from)?, in_words);
        }
        Command::Edit(change) => {
            let Change {
                name,
                title,
                domains,
                prompt,
                temperature,
                top_k,
                top_p,
                min_p,
                repeat_penalty,
                max_tokens,
                automatic,
            } = change;
            let edit = Edit {
                title,
                domains,
                system_prompt: prompt,
                temperature,
                top_k,
                top_p,
                min_p,
                repeat_penalty,
                max_tokens,
                automatic,
            };
            if edit == Edit::default() {
                return Err(Exit::Usage(
                    "say what is to change: `lectern experts edit --help` lists it".into(),
                ));
            }
            output.show(&pool.edit(&name, &edit).map_err(Failure::from)?, in_words);
        }
        Command::Remove(Remove { name, file }) => {
            shelf::finish(&home, &pool, output)?;
            let hub = Hub::open(&home, &settings).map_err(Failure::from)?;
            let trash = Trash::of(&hub);
            if let Some(file) = file {
                let without = trash.remove_build(&pool, &name, &file)?;
                trash.empty().map_err(Failure::from)?;
                output.show(&without, of_removed_file);
                return Ok(());
            }
            let gone = pool.get(&name).map_err(Failure::from)?;
            let freed_bytes = trash.remove_expert(&pool, &name)?;
            if let Some(endpoint) = gone.endpoint() {
                // Where no keyring runs none was kept.
                let _ = Outside::of(&home).key(&name, endpoint).remove();
            }
            trash.empty().map_err(Failure::from)?;
            output.show(&Removed { removed: name, freed_bytes }, |gone| {
                format!(
                    "removed {}; {} bytes came free (a file that Lectern did not fetch stays)",
                    gone.removed, gone.freed_bytes
                )
            });
        }
        Command::Hub(_) | Command::Shelf(_) | Command::Outside(_) => {}
    }
    Ok(())
}

fn of_removed_file(without: &WithoutFile) -> String {
    let WithoutFile { file, freed_bytes, expert } = without;
    let uses = expert.implementation().map_or("nothing", |its| its.quantisation.as_str());
    format!(
        "removed {} of {}, which uses {uses} now; {freed_bytes} bytes came free (a file that Lectern did not fetch stays)",
        file.quantisation, expert.manifest.name
    )
}

fn line(expert: &Expert) -> String {
    let manifest = &expert.manifest;
    let (bytes, parameters) = expert.implementation().map_or((0, 0), |file| (file.bytes, file.parameters));
    let came = match manifest.offer {
        _ if expert.starter => "starter".into(),
        Offer::Open => "offered".into(),
        _ => expert.endpoint().map_or("added".into(), |endpoint| endpoint.in_words()),
    };
    let state = expert.unavailable.clone().unwrap_or(came);
    let retired = if expert.retired.is_some() { ", retired" } else { "" };
    format!(
        "{:<14} {:<24} {:>9} {:>10}  {}{}\n",
        manifest.name,
        manifest.domains.join(","),
        format!("{:.1} M", parameters as f64 / 1e6),
        format!("{:.1} MB", bytes as f64 / 1e6),
        state,
        retired
    )
}

fn in_words(expert: &Expert) -> String {
    let manifest = &expert.manifest;
    let mut text = format!("{} ({})\n{}\n", manifest.title, manifest.name, manifest.description);
    let mut say = |what: &str, value: String| {
        if !value.is_empty() {
            text.push_str(&format!("{what:<12} {value}\n"));
        }
    };
    say("domains", manifest.domains.join(", "));
    say("cannot", manifest.cannot.clone());
    say("licence", manifest.licence.clone());
    say("origin", manifest.origin.clone());
    if manifest.offer == Offer::Open {
        say(
            "offered",
            "asked by hand alone; `lectern experts add` with this file makes it an expert of yours".into(),
        );
    }
    for (at, file) in manifest.implementations.iter().enumerate() {
        let used = match (at == expert.using, manifest.implementations.len(), &manifest.uses) {
            (_, ..=1, _) | (false, ..) => "",
            (true, _, Some(chosen)) if *chosen == file.file => ", in use because you chose it",
            (true, ..) => ", in use because it is the best that fits",
        };
        if let Some(endpoint) = &file.endpoint {
            say("outside", format!("what it is asked {}", endpoint.in_words()));
            say("model", format!("{}, {} tokens of context", endpoint.model, endpoint.context));
            say("asked", if endpoint.automatic { "by the router, too" } else { "by name alone" }.into());
            continue;
        }
        say("file", file.file.clone());
        let memory = format!("about {:.1} MB of memory", file.memory() as f64 / 1e6);
        let (bytes, parameters) = (file.bytes, file.parameters);
        say("", format!("{}, {bytes} bytes, {memory}, {parameters} parameters{used}", file.quantisation));
        say("sha256", file.sha256.clone());
    }
    for measured in &manifest.measured {
        say("tested", format!("{}: {:.1} % of {}", measured.test, measured.accuracy * 100.0, measured.n));
    }
    say("here", measured_here(&expert.statistics));
    if expert.retired.is_some() {
        say("retired", format!("the router passes it by; `lectern pool restore {}`", manifest.name));
    }
    say("unavailable", expert.unavailable.clone().unwrap_or_default());
    text
}

fn measured_here(statistics: &Statistics) -> String {
    if statistics.answers == 0 {
        return "not measured yet".into();
    }
    let figure = |figure: Option<f32>, unit: &str| {
        figure.map_or("not measured yet".into(), |figure| format!("{figure:.0} {unit}"))
    };
    format!(
        "{} answers, {} succeeded, latency p50 {}, p99 {} (n = {}), {}",
        statistics.answers,
        statistics.successes,
        figure(statistics.latency_p50_ms, "ms"),
        figure(statistics.latency_p99_ms, "ms"),
        statistics.samples,
        figure(statistics.mean_tokens_per_s, "tokens/s")
    )
}
