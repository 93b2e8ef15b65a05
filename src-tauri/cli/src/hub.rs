//! `lectern experts search`, `pull` and what belongs to them: the hub, and the model files on this disk.

use crate::output::{Exit, Output};
use crate::{program, shelf};
use clap::{Args, Subcommand};
use engine::home::Home;
use engine::hub::{
    Download, Downloads, Elsewhere, Fetched, FileName, Found, Hub, HubError, Machine, Model, Phase, Pick,
    Record, Request, Speed, State, Stop, TokenFrom, Trash, Wish, catalogue, date, look, show_phase,
};
use engine::pool::{Manifest, Pool};
use engine::settings::Settings;
use engine::words::Failure;
use serde::Serialize;
use serde_json::json;
use std::io::BufRead;
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

/// How often a line about the progress is said.
const SAY: Duration = Duration::from_secs(1);

#[derive(Subcommand)]
pub enum Command {
    /// Models on the hub that match a text: licence, files, and whether they run and fit here.
    Search(Search),
    /// Recommended models, by what they are good at and the memory of the machine.
    Catalogue(Catalogue),
    /// Fetch a model and make an expert of it. What an interrupted one left is gone on with.
    Pull(Pull),
    /// Downloads that can go on, and with --cancel none of that one.
    Downloads(DownloadsOf),
    /// Model files on this disk: size, last use, where they lie, the same bytes twice.
    Disk(Disk),
    /// Every request that Lectern made to the network.
    Network(Network),
    /// The key to gated repositories, in the keyring of this system.
    #[command(subcommand)]
    Token(Token),
}

#[derive(Args)]
pub struct Search {
    text: String,
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..=50))]
    limit: u16,
}

#[derive(Args)]
pub struct Catalogue {
    /// Those that run beside other programs on a machine with so much memory.
    #[arg(long, value_name = "GB")]
    memory: Option<u32>,
    /// mathematics, code, general, reasoning, writing, ...
    #[arg(long)]
    domain: Option<String>,
}

#[derive(Args)]
pub struct Pull {
    /// OWNER/NAME, or OWNER/NAME:FILE where it has several.
    #[arg(value_name = "REPO[:FILE]")]
    what: String,
    /// A branch, a tag or a commit.
    #[arg(long, default_value = "main")]
    revision: String,
    /// Name of the expert; made from the file's when not given.
    #[arg(long, value_name = "N", conflicts_with = "no_expert")]
    name: Option<String>,
    /// What it answers.
    #[arg(long, value_delimiter = ',', value_name = "a,b", conflicts_with = "no_expert")]
    domains: Vec<String>,
    /// The file alone.
    #[arg(long)]
    no_expert: bool,
}

#[derive(Args)]
pub struct DownloadsOf {
    /// Takes what is here of this file off the disk.
    #[arg(long, value_name = "REPO:FILE")]
    cancel: Option<String>,
}

#[derive(Args)]
pub struct Disk {
    /// Read files of the same size whose check sum nobody knows.
    #[arg(long)]
    hash: bool,
    /// Take a model that Lectern fetched and no expert uses off the disk.
    #[arg(long, value_name = "REPO:FILE|PATH", conflicts_with = "hash")]
    remove: Option<String>,
}

#[derive(Args)]
pub struct Network {
    /// The newest.
    #[arg(long, default_value_t = 100)]
    limit: usize,
}

#[derive(Subcommand)]
pub enum Token {
    /// Keep a token; it is read from stdin, so that no history of commands has it.
    Set,
    /// Forget it.
    Remove,
    /// Ask the hub whose it is.
    Test,
    /// Say whether there is one, and where it comes from.
    Show,
}

/// A download that is done, as `pull` says it.
#[derive(Serialize)]
struct Pulled {
    #[serde(flatten)]
    fetched: Fetched,
    expert: Option<Manifest>,
    /// Why it became no expert.
    why_not: Option<Failure>,
}

pub fn run(command: Command, output: &Output) -> Result<(), Exit> {
    let home = Home::find()?;
    let loaded = Settings::load(&home);
    if let Some(warning) = &loaded.warning {
        output.note(&format!("note: {} {}", warning.message, warning.fix));
    }
    let settings = loaded.settings;
    if let Command::Catalogue(catalogue) = command {
        return recommend(&catalogue, output);
    }
    if matches!(command, Command::Pull(_)) {
        // What has still to go would be fetched once more.
        shelf::finish(&home, &shelf::pool(&home, &settings)?, output)?;
    }
    let hub = Hub::open(&home, &settings).map_err(Failure::from)?;
    let budget = settings.budget_bytes().unwrap_or_else(engine::seat::default_budget);
    match command {
        Command::Search(search) => {
            let pool = shelf::pool(&home, &settings)?;
            let machine = Machine::measured(budget, &pool.experts());
            let found = hub.search(&search.text, search.limit.into(), machine).map_err(Failure::from)?;
            let picks = recommended(&search.text);
            output.show(&json!({ "picks": picks, "results": found }), |_| {
                let head = if picks.is_empty() { "" } else { "recommended\n" };
                let rest = if picks.is_empty() { "" } else { "on the hub\n" };
                let picks: String = picks.iter().map(of_pick).collect();
                format!("{head}{picks}{rest}{}", found.iter().map(of_model).collect::<String>())
            });
        }
        Command::Pull(pull) => return pull_one(&hub, &home, pull, budget, output),
        Command::Downloads(downloads) => return unfinished(hub, &settings, downloads, output),
        Command::Disk(disk) => {
            let pool = shelf::pool(&home, &settings)?;
            if let Some(wanted) = &disk.remove {
                let trash = Trash::of(&hub);
                let gone = trash.remove_unused(&pool.experts(), wanted).map_err(Failure::from)?;
                let freed_bytes = trash.empty().map_err(Failure::from)?;
                let said = json!({ "removed": gone, "freed_bytes": freed_bytes });
                output.show(&said, |_| format!("{} are off the disk", size(freed_bytes)));
                return Ok(());
            }
            let disk = hub.on_disk(&pool.experts(), &Elsewhere::usual(), disk.hash).map_err(Failure::from)?;
            output.show(&disk, of_disk);
        }
        Command::Network(network) => {
            let requests = hub.requests(network.limit);
            output.show(&json!({ "requests": requests }), |_| requests.iter().map(of_request).collect());
        }
        Command::Token(token) => return with_token(&hub, &token, output),
        Command::Catalogue(_) => {}
    }
    Ok(())
}

fn recommend(wanted: &Catalogue, output: &Output) -> Result<(), Exit> {
    let mut picks = catalogue();
    picks.retain(|pick| {
        let fits = wanted.memory.is_none_or(|memory| pick.memory_gb <= memory);
        fits && wanted.domain.as_ref().is_none_or(|domain| pick.domains.contains(domain))
    });
    output.show(&json!({ "picks": picks }), |_| picks.iter().map(of_pick).collect());
    Ok(())
}

/// Of the catalogue what somebody who searches for `text` may mean: every word is a domain of it, or in its name.
fn recommended(text: &str) -> Vec<Pick> {
    let text = text.to_lowercase();
    let mut picks = catalogue();
    picks.retain(|pick| {
        let name = format!("{} {}", pick.title, pick.repo).to_lowercase();
        let knows = |word: &str| name.contains(word) || pick.domains.iter().any(|domain| domain == word);
        text.split_whitespace().all(knows) && !text.trim().is_empty()
    });
    picks
}

fn of_pick(pick: &Pick) -> String {
    let Pick { title, repo, file, domains, memory_gb, why, .. } = pick;
    format!("{title:<30} {memory_gb:>3} GB  {}\n  {repo}:{file}\n  {why}\n", domains.join(","))
}

fn pull_one(hub: &Hub, home: &Home, pull: Pull, budget: u64, output: &Output) -> Result<(), Exit> {
    let (repo, file) = match pull.what.split_once(':') {
        Some((repo, file)) => (repo, Some(file)),
        None => (pull.what.as_str(), None),
    };
    let pinned = file.and_then(|file| {
        let pick = catalogue().into_iter().find(|pick| pick.repo == repo && pick.file == file)?;
        hub.picked(&pick).ok().filter(|_| pull.revision == "main")
    });
    let name = match (file, pinned) {
        (_, Some(pinned)) => Ok(pinned),
        (Some(file), None) => FileName::new(repo, &pull.revision, file),
        (None, None) => hub
            .choose(repo, Machine { budget_bytes: budget, bytes_per_s: None })
            .map(|name| name.at(&pull.revision)),
    };
    let name = name.map_err(Failure::from)?;
    let fetched = fetch(hub, &name, budget, pause_on_interrupt(), output)?;

    let wish = Wish { name: pull.name.clone(), domains: pull.domains.clone(), licence: None };
    let is_asked_for = pull.name.is_some() || !pull.domains.is_empty();
    let (mut expert, mut why_not) = (None, None);
    if !pull.no_expert {
        let pool = Pool::open(home).map_err(Failure::from)?;
        let host = program::own_file()?;
        match hub.add_expert(&pool, &fetched, &wish, &host) {
            Ok(manifest) => expert = Some(manifest),
            Err(failure) if is_asked_for => return Err(failure.into()),
            Err(failure) => why_not = Some(failure),
        }
    }
    output.show(&Pulled { fetched, expert, why_not }, |pulled| {
        let Fetched { path, sha256, bytes, resumed_from, .. } = &pulled.fetched;
        let mut text =
            format!("{}\n{bytes} bytes, {resumed_from} of them were here, sha256 {sha256}\n", path.display());
        match (&pulled.expert, &pulled.why_not) {
            (Some(expert), _) => text.push_str(&format!("expert {}: {}", expert.name, expert.title)),
            (None, Some(why)) => text.push_str(&why.message),
            (None, None) => {}
        }
        text
    });
    Ok(())
}

fn fetch(hub: &Hub, name: &FileName, budget: u64, stop: &Stop, output: &Output) -> Result<Fetched, Exit> {
    let found = Found::default();
    let see = |source: &mut dyn engine::hub::Bytes, size: u64| look(&name.file, size, source, &found);
    let mut speed = Speed::default();
    let mut said: Option<(Instant, String)> = None;
    let is_model = name.file.ends_with(".gguf");
    let fetched = hub.fetch(name, is_model.then_some(&see), stop, &mut |phase: Phase| {
        if let Some(note) = found.take().and_then(|facts| of_look(&facts, budget)) {
            output.note(&format!("note: {note}"));
        }
        let line = of_state(&show_phase(phase, &mut speed));
        let is_new = said.as_ref().is_none_or(|(when, last)| when.elapsed() >= SAY && *last != line);
        if is_new {
            output.note(&line);
            said = Some((Instant::now(), line));
        }
    });
    Ok(fetched.map_err(Failure::from)?)
}

/// Set by an interrupt: what is here stays, and is gone on with another time.
pub fn pause_on_interrupt() -> &'static Stop {
    static STOP: LazyLock<Arc<Stop>> = LazyLock::new(|| {
        let stop = Arc::new(Stop::default());
        let interrupted = Arc::clone(&stop);
        // Without a way to hear an interrupt it ends the process, and another one goes on from there all the same.
        let _ = ctrlc::set_handler(move || interrupted.pause());
        stop
    });
    &STOP
}

/// What somebody who waits for gigabytes wants to know before.
fn of_look(seen: &Result<engine::hub::Facts, String>, budget: u64) -> Option<String> {
    match seen {
        Ok(facts) if facts.memory_needed_bytes > budget => Some(format!(
            "it will need {} of memory, and the budget for experts is {}",
            size(facts.memory_needed_bytes),
            size(budget)
        )),
        Ok(_) => None,
        Err(why) => Some(format!("this is no model that can become an expert: {why}")),
    }
}

fn unfinished(hub: Hub, settings: &Settings, wanted: DownloadsOf, output: &Output) -> Result<(), Exit> {
    let Some(what) = wanted.cancel else {
        let list = Downloads::new(hub, settings.hub.downloads_at_once as usize).list();
        let line =
            |one: &Download| format!("{}:{}  {}\n", one.name.repo, one.name.file, of_state(&one.state));
        output.show(&json!({ "downloads": list }), |_| list.iter().map(line).collect());
        return Ok(());
    };
    let named = |record: &Record| format!("{}:{}", record.name.repo, record.name.file) == what;
    let mut freed_bytes = 0;
    let mut cancelled = 0;
    for (record, here) in hub.unfinished().into_iter().filter(|(record, _)| named(record)) {
        hub.discard(&record).map_err(Failure::from)?;
        (cancelled, freed_bytes) = (cancelled + 1, freed_bytes + here);
    }
    if cancelled == 0 {
        let (host, what) = ("this disk".to_owned(), format!("an unfinished download of {what}"));
        return Err(Failure::from(HubError::Absent { host, what }).into());
    }
    let gone = json!({ "cancelled": cancelled, "freed_bytes": freed_bytes });
    output.show(&gone, |_| format!("{} are off the disk", size(freed_bytes)));
    Ok(())
}

fn with_token(hub: &Hub, command: &Token, output: &Output) -> Result<(), Exit> {
    let from = |from: TokenFrom| match from {
        TokenFrom::Nowhere => "there is no token",
        TokenFrom::Environment => "HF_TOKEN gives the token",
        TokenFrom::Keyring => "the token is in the keyring",
        TokenFrom::Session => "the token is in memory until Lectern closes",
    };
    match command {
        Token::Set => {
            let mut token = String::new();
            let read = std::io::stdin().lock().read_line(&mut token);
            read.map_err(|error| Exit::Usage(format!("no token could be read from stdin: {error}")))?;
            hub.token().set(token.trim()).map_err(Failure::from)?;
        }
        Token::Remove => hub.token().remove().map_err(Failure::from)?,
        Token::Test => {
            let name = hub.whoami().map_err(Failure::from)?;
            output.show(&json!({ "account": name }), |_| format!("the token of {name}"));
            return Ok(());
        }
        Token::Show => {}
    }
    let (_, source) = hub.token().get();
    output.show(&json!({ "token": source }), |_| from(source).to_owned());
    Ok(())
}

fn of_model(model: &Model) -> String {
    let mut facts = Vec::new();
    facts.extend(model.architecture.clone());
    facts.extend(model.parameters.map(|parameters| format!("{:.1} B parameters", parameters as f64 / 1e9)));
    facts.push(model.licence.clone().unwrap_or_else(|| "no licence said".into()));
    facts.extend(model.gated.then(|| "gated".to_owned()));
    facts.extend(model.downloads.map(|downloads| format!("{downloads} downloads")));
    let mut text = format!("{}  {}\n", model.repo, facts.join(", "));
    if let Some(why) = &model.why_not {
        return format!("{text}  does not run here: {why}\n");
    }
    for choice in &model.files {
        let fits = match (choice.here, &choice.why_not, choice.fits) {
            (true, _, _) => "is here",
            (_, Some(why), _) => why,
            (_, _, Some(true)) => "fits",
            (_, _, Some(false)) => "needs more memory than the budget",
            (_, _, None) => "",
        };
        let quantisation = choice.quantisation.as_deref().unwrap_or("-");
        let bytes = choice.size.map_or("-".into(), size);
        let speed = choice.tokens_per_s.map_or(String::new(), |speed| format!(", about {speed:.0} tokens/s"));
        text.push_str(&format!("  {bytes:>9}  {quantisation:<8} {}  {fits}{speed}\n", choice.file));
    }
    text
}

fn of_disk(disk: &engine::hub::OnDisk) -> String {
    let mut text = String::from("experts\n");
    for usage in &disk.experts {
        let used = usage.last_used.map_or("never asked".into(), date);
        let frees = if usage.frees { ", removing it frees that" } else { "" };
        let (bytes, path) = (size(usage.bytes), usage.path.display());
        text.push_str(&format!("  {bytes:>9}  {:<20} {used}{frees}\n             {path}\n", usage.expert));
    }
    text.push_str("other models, usable where they lie\n");
    for file in disk.files.iter().filter(|file| file.experts.is_empty()) {
        text.push_str(&format!(
            "  {:>9}  {}\n             {}\n",
            size(file.bytes),
            file.name,
            file.path.display()
        ));
    }
    for copies in &disk.copies {
        text.push_str(&format!("the same {} several times\n", size(copies.bytes)));
        copies.paths.iter().for_each(|path| text.push_str(&format!("             {}\n", path.display())));
    }
    text + &format!("{} are free for {}", size(disk.free_bytes), disk.cache.display())
}

fn of_request(request: &Request) -> String {
    let status = request.status.map_or("no answer".into(), |status| status.to_string());
    let token = if request.with_token { ", with the token" } else { "" };
    let Request { when, host, why, bytes, sent_bytes, .. } = request;
    let sent = if *sent_bytes > 0 { format!("{sent_bytes} bytes sent, ") } else { String::new() };
    format!("{}  {host}  {status}  {sent}{bytes} bytes  {why}{token}\n", date(*when))
}

pub fn of_state(state: &State) -> String {
    match state {
        State::Queued => "waits for its turn".into(),
        State::Finding => "asks the hub".into(),
        State::WaitsForAnother => "another program fetches the same file: waiting for it".into(),
        State::Checking { done_bytes } => format!("checks {}", size(*done_bytes)),
        State::Paused { done_bytes, total_bytes } => {
            format!("paused at {} of {}", size(*done_bytes), size(*total_bytes))
        }
        State::Ready { fetched } => format!("ready at {}", fetched.path.display()),
        State::Failed { failure } => failure.message.clone(),
        State::Fetching { done_bytes, total_bytes, bytes_per_s, seconds_left, waits } => {
            let mut text = format!("{} of {}", size(*done_bytes), size(*total_bytes));
            if let (Some(speed), Some(left)) = (bytes_per_s, seconds_left) {
                text.push_str(&format!(", {}/s, {left:.0} s left", size(*speed as u64)));
            }
            waits.iter().for_each(|why| text.push_str(&format!(" ({why}; trying again)")));
            text
        }
    }
}

pub fn size(bytes: u64) -> String {
    match bytes {
        1_000_000_000.. => format!("{:.1} GB", bytes as f64 / 1e9),
        1_000_000.. => format!("{:.1} MB", bytes as f64 / 1e6),
        _ => format!("{:.1} kB", bytes as f64 / 1e3),
    }
}
