//! `lectern archive`: search past answers, add some from a file, forget for good.

use crate::hub;
use crate::output::{Exit, Output};
use crate::program;
use clap::{Args, Subcommand};
use engine::archive::{Archive, Chosen, Hits, NewEntry};
use engine::home::Home;
use engine::hub::{EncoderOnHub, Hub, Speed, show_phase};
use engine::playbook::{Bullet, BulletKind, NewBullet, Playbook};
use engine::settings::Settings;
use engine::words::{Failure, Origin};
use serde::{Deserialize, Serialize};
use std::io::{BufRead, Write};
use std::path::{Path, PathBuf};

#[derive(Subcommand)]
pub enum Command {
    /// Past answers with these words in their question or answer, best first.
    Search(Search),
    /// Take in past answers from a file of JSON lines.
    #[command(alias = "import")]
    Add(Add),
    /// Write every past answer and the playbook's rules, or every conversation, into a file of JSON lines. `add` takes the
    /// first two in again.
    Export(Export),
    /// Search by meaning as well: use an encoder, and give the past answers that lack one their vector.
    Embed(Embed),
    /// Thumbs: say whether an answer was good. Routing, reports and recall learn from it.
    Rate(Rate),
    /// Forget one past answer, or everything, for good.
    Forget(Forget),
}

#[derive(Args)]
pub struct Search {
    /// Words to look for; any text will do.
    text: String,
    /// The most hits.
    #[arg(long, default_value_t = 10, value_name = "N")]
    limit: usize,
}

#[derive(Args)]
pub struct Add {
    /// Lines of {"question", "answer", "expert"?, "created"? (Unix milliseconds), "rating"?}; {"bullet", "domain"} goes
    /// into the playbook.
    #[arg(long, value_name = "A.jsonl")]
    file: PathBuf,
}

#[derive(Args)]
pub struct Export {
    /// It must not be there yet.
    file: PathBuf,
    /// Conversations with their answers and how those came about, one a line.
    #[arg(long)]
    conversations: bool,
}

#[derive(Args)]
#[group(multiple = false)]
pub struct Embed {
    /// The folder of an encoder of the BERT kind (all-MiniLM-L6-v2, bge-small-en-v1.5): config.json, vocab.txt,
    /// model.safetensors. Without it the one that was chosen before goes on.
    folder: Option<PathBuf>,
    /// Fetch all-MiniLM-L6-v2 from the hub (91 MB) and use it.
    #[arg(long)]
    fetch: bool,
    /// Without an encoder again: search ranks by words and the built-in vectors.
    #[arg(long)]
    off: bool,
}

#[derive(Args)]
pub struct Rate {
    /// The id of an answer, as `ask --json` and search show it.
    id: String,
    /// up, down, or none to take it back.
    #[arg(value_enum)]
    thumb: Thumb,
}

#[derive(Clone, Copy, clap::ValueEnum)]
pub enum Thumb {
    Up,
    Down,
    None,
}

#[derive(Args)]
#[group(required = true, multiple = false)]
pub struct Forget {
    /// The id of a past answer, as search shows it.
    id: Option<String>,
    /// Everything that was asked and answered.
    #[arg(long)]
    all: bool,
}

/// What became of the lines of a file.
#[derive(Default, Serialize)]
struct Added {
    added: u64,
    #[serde(skip_serializing_if = "is_none")]
    bullets: u64,
    rejected: Vec<Rejected>,
}

fn is_none(count: &u64) -> bool {
    *count == 0
}

/// A bullet on a line of its own.
#[derive(Serialize, Deserialize)]
struct BulletLine {
    bullet: String,
    domain: String,
}

#[derive(Serialize)]
struct Rejected {
    /// From 1.
    line: u64,
    reason: String,
}

/// What search knows of meaning now.
#[derive(Serialize)]
struct Embedded {
    encoder: Option<Chosen>,
    /// Numbers of a vector of the built-in table, where that is used.
    built_in: Option<usize>,
    /// In this run, and in all.
    embedded: usize,
    vectors: u64,
    /// Past answers and passages of documents.
    all: u64,
}

#[derive(Serialize)]
struct Exported {
    exported: u64,
}

#[derive(Serialize)]
struct Forgotten {
    forgotten: u64,
}

/// Lines stored in one transaction and one commit of the index.
const BATCH: usize = 20_000;

pub fn run(command: Command, output: &Output) -> Result<(), Exit> {
    let archive = || Archive::open(&Home::find()?).map_err(Failure::from);
    match command {
        Command::Search(search) => {
            let archive = archive()?;
            archive.understand(&program::own_file()?).map_err(Failure::from)?;
            let hits = archive.search(&search.text, search.limit).map_err(Failure::from)?;
            output.show(&hits, in_words);
        }
        Command::Add(add) => {
            let added =
                add_file(&archive()?, &Playbook::open(&Home::find()?).map_err(Failure::from)?, &add.file)?;
            output.show(&added, |added| {
                let mut text = format!("added {}\n", added.added);
                if added.bullets > 0 {
                    text.push_str(&format!("added {} rules to the playbook\n", added.bullets));
                }
                for rejected in &added.rejected {
                    text.push_str(&format!("line {} not taken: {}\n", rejected.line, rejected.reason));
                }
                text
            });
        }
        Command::Export(export) => {
            let exported = Exported { exported: self::export(&archive()?, &export)? };
            output.show(&exported, |done| format!("exported {}\n", done.exported));
        }
        Command::Embed(embed) => {
            output.show(&embedded(&archive()?, &embed, output)?, |done| {
                let Some(encoder) = &done.encoder else { return "search goes by words alone\n".into() };
                let mut text = format!(
                    "{}: {} embedded now, {} of {} past answers and passages have a vector\n",
                    encoder.name, done.embedded, done.vectors, done.all
                );
                if let Some(numbers) = done.built_in {
                    text.push_str(&format!(
                        "its vectors of {numbers} numbers order what search finds; an encoder (--fetch, 91 MB) finds more, and \
                         decides what is recalled\n"
                    ));
                }
                text
            })
        }
        Command::Rate(rate) => self::rate(&rate, output)?,
        Command::Forget(forget) => {
            let forgotten = match forget.id {
                Some(id) => archive()?.forget(&id),
                None => archive()?.forget_all(),
            };
            let forgotten = Forgotten { forgotten: forgotten.map_err(Failure::from)? };
            output.show(&forgotten, |forgotten| format!("forgotten {}", forgotten.forgotten));
        }
    }
    Ok(())
}

/// The same as the thumbs of the window: whoever learns from them does.
fn rate(rate: &Rate, output: &Output) -> Result<(), Exit> {
    let home = Home::find()?;
    let settings = Settings::load(&home).settings;
    let rating = match rate.thumb {
        Thumb::Up => 1,
        Thumb::Down => -1,
        Thumb::None => 0,
    };
    if !crate::ask::open(home, &settings, output)?.rate(&rate.id, rating)? {
        return Err(Exit::Failed(Failure {
            code: "archive.unknown_answer".into(),
            message: format!("there is no answer {:?}", rate.id),
            fix: "`lectern archive search TEXT --json` and `lectern ask --json` show the ids of answers."
                .into(),
            detail: None,
        }));
    }
    output
        .show(&serde_json::json!({ "id": rate.id, "rating": rating }), |_| format!("{} is rated\n", rate.id));
    Ok(())
}

fn embedded(archive: &Archive, embed: &Embed, output: &Output) -> Result<Embedded, Exit> {
    let executable = program::own_file()?;
    let fetched = embed.fetch.then(|| fetch(output)).transpose()?;
    match fetched.as_ref().or(embed.folder.as_ref()) {
        _ if embed.off => archive.drop_encoder(),
        Some(folder) => archive.choose_encoder(&executable, folder),
        None => archive.understand(&executable),
    }
    .map_err(Failure::from)?;
    let (encoder, built_in) = (archive.encoder(), archive.built_in());
    let mut done = Embedded { encoder, built_in, embedded: 0, vectors: 0, all: 0 };
    if done.encoder.is_none() && embed.off {
        return Ok(done);
    }
    loop {
        let some = archive.embed_some().map_err(Failure::from)?;
        done.embedded += some;
        if some == 0 {
            break;
        }
        (done.vectors, done.all) = archive.embedded().map_err(Failure::from)?;
        output.note(&format!("{} of {} have a vector", done.vectors, done.all));
    }
    (done.vectors, done.all) = archive.embedded().map_err(Failure::from)?;
    Ok(done)
}

/// The folder of the encoder that the hub has.
fn fetch(output: &Output) -> Result<PathBuf, Exit> {
    let home = Home::find()?;
    let hub = Hub::open(&home, &Settings::load(&home).settings).map_err(Failure::from)?;
    let (mut speed, mut said) = (Speed::default(), String::new());
    let wanted = EncoderOnHub::usual();
    let stop = hub::pause_on_interrupt();
    let folder = hub.fetch_encoder(&wanted, &home.encoders_dir(), stop, &mut |phase| {
        let line = hub::of_state(&show_phase(phase, &mut speed));
        if line != said {
            output.note(&line);
            said = line;
        }
    });
    Ok(folder.map_err(Failure::from)?)
}

fn export(archive: &Archive, export: &Export) -> Result<u64, Exit> {
    let failed = |error: std::io::Error| Failure {
        code: "archive.file".into(),
        message: format!("{} cannot be written: {error}", export.file.display()),
        fix: "Name a file that is not there yet, in a folder that you can write to.".into(),
        detail: None,
    };
    let mut file = std::io::BufWriter::new(std::fs::File::create_new(&export.file).map_err(failed)?);
    let mut line = |value: serde_json::Value| writeln!(file, "{value}").map_err(failed);
    let exported = if export.conversations {
        let conversations = archive.conversations(None).map_err(Failure::from)?;
        for conversation in &conversations {
            let answers = archive.conversation(&conversation.id).map_err(Failure::from)?;
            line(serde_json::json!({ "conversation": conversation, "answers": answers }))?;
        }
        conversations.len() as u64
    } else {
        let bullets =
            Playbook::open(&Home::find()?).and_then(|playbook| playbook.list()).map_err(Failure::from)?;
        let said = |bullet: &Bullet| bullet.kind == BulletKind::Bullet && bullet.is_in_use();
        let count = archive.each(|entry| line(serde_json::json!(entry)))?;
        for Bullet { text: bullet, domain, .. } in bullets.into_iter().filter(said) {
            line(serde_json::json!(BulletLine { bullet, domain }))?;
        }
        count
    };
    file.flush().and_then(|()| file.get_ref().sync_all()).map_err(failed)?;
    Ok(exported)
}

fn in_words(hits: &Hits) -> String {
    let mut text = String::new();
    for hit in &hits.hits {
        let answer: String =
            hit.answer.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(100).collect();
        text.push_str(&format!("{:.2}  {}  {}\n      {answer}\n", hit.score, hit.id, hit.question.trim()));
    }
    if let Some(why) = &hits.without_meaning {
        text.push_str(&format!("by words alone: {why}\n"));
    }
    let found = match &hits.encoder {
        Some(encoder) => format!("{} by words and by meaning ({encoder})", hits.hits.len()),
        None => format!("{} of {}", hits.hits.len(), hits.considered),
    };
    text.push_str(&format!("{found} in {:.1} ms\n", hits.elapsed_ms));
    text
}

fn add_file(archive: &Archive, playbook: &Playbook, path: &Path) -> Result<Added, Exit> {
    let unreadable = |error: std::io::Error| Failure {
        code: "archive.file".into(),
        message: format!("{} cannot be read: {error}", path.display()),
        fix: "Give a text file with one JSON object on each line.".into(),
        detail: None,
    };
    let file = std::fs::File::open(path).map_err(unreadable)?;
    let mut result = Added::default();
    let mut batch: Vec<(u64, NewEntry)> = Vec::new();
    for (number, line) in (1..).zip(std::io::BufReader::new(file).lines()) {
        let line = line.map_err(unreadable)?;
        if line.trim().is_empty() {
            continue;
        }
        match serde_json::from_str(&line) {
            Ok(entry) => batch.push((number, entry)),
            Err(error) => {
                if let Ok(BulletLine { bullet, domain }) = serde_json::from_str(&line) {
                    let new =
                        NewBullet { domain: &domain, text: &bullet, origin: Origin::Pack, sources: &[] };
                    match playbook.add(archive, &new).map_err(Failure::from) {
                        Ok(_) => result.bullets += 1,
                        Err(why) => result.rejected.push(Rejected { line: number, reason: why.message }),
                    }
                    continue;
                }
                result.rejected.push(Rejected { line: number, reason: format!("not such an entry: {error}") })
            }
        }
        if batch.len() == BATCH {
            store(archive, &mut batch, &mut result)?;
        }
    }
    store(archive, &mut batch, &mut result)?;
    result.rejected.sort_by_key(|rejected| rejected.line);
    Ok(result)
}

fn store(archive: &Archive, batch: &mut Vec<(u64, NewEntry)>, result: &mut Added) -> Result<(), Exit> {
    let (lines, entries): (Vec<u64>, Vec<NewEntry>) = batch.drain(..).unzip();
    for (line, stored) in lines.into_iter().zip(archive.add_all(entries).map_err(Failure::from)?) {
        match stored {
            Ok(_) => result.added += 1,
            Err(reason) => result.rejected.push(Rejected { line, reason }),
        }
    }
    Ok(())
}
