//! `lectern documents`: files that answers may cite.

use crate::output::{Exit, Output};
use crate::program;
use clap::{Args, Subcommand};
use engine::archive::Archive;
use engine::documents::{Added, Document, Documents, Found};
use engine::home::Home;
use engine::words::Failure;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;

#[derive(Subcommand)]
pub enum Command {
    /// Read files and folders: text, Markdown, HTML, PDF, .docx, program text. A changed file is read again.
    Add(Add),
    /// Those that were read.
    List,
    /// Passages with these words, best first.
    Search(Search),
    /// Remove some, or all, for good. Answers that were given from them stay.
    Remove(Remove),
}

#[derive(Args)]
pub struct Add {
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
}

#[derive(Args)]
pub struct Search {
    /// Words to look for; any text will do.
    text: String,
    /// The most passages.
    #[arg(long, default_value_t = 10, value_name = "N")]
    limit: usize,
}

#[derive(Args)]
#[group(required = true, multiple = false)]
pub struct Remove {
    /// A name, an id or a path, as list shows them.
    which: Option<String>,
    /// Every document.
    #[arg(long)]
    all: bool,
}

pub fn run(command: Command, output: &Output) -> Result<(), Exit> {
    let (home, executable) = (Home::find()?, program::own_file()?);
    let mut documents = Documents::open(&home, &executable).map_err(Failure::from)?;
    match command {
        Command::Add(add) => {
            let mut told = |done: usize, all: usize, path: &std::path::Path| {
                if all > 1 {
                    output.note(&format!("{} of {all}: {}", done + 1, path.display()));
                }
            };
            let added =
                documents.add(&add.paths, &AtomicBool::new(false), &mut told).map_err(Failure::from)?;
            output.show(&added, added_in_words);
            if !added.failed.is_empty() {
                return Err(Exit::Said);
            }
        }
        Command::List => {
            let all = documents.list().map_err(Failure::from)?;
            output.show(&all, |all| all.iter().map(line).collect());
        }
        Command::Search(search) => {
            let archive = Archive::open(&home).map_err(Failure::from)?;
            archive.understand(&executable).map_err(Failure::from)?;
            documents.understand_as(&archive);
            let found = documents.search(&search.text, search.limit).map_err(Failure::from)?;
            output.show(&found, found_in_words);
        }
        Command::Remove(remove) => {
            let gone = documents.remove(remove.which.as_deref()).map_err(Failure::from)?;
            output.show(&gone, |gone| {
                gone.iter().map(|document| format!("removed {}", line(document))).collect()
            });
        }
    }
    Ok(())
}

fn line(document: &Document) -> String {
    let state = match &document.unread {
        _ if document.missing => "  (no longer there)".into(),
        Some(why) => format!("  (changed since: {why})"),
        None => String::new(),
    };
    let passages = if document.passages == 1 { "passage" } else { "passages" };
    format!(
        "{}  {}  {} {passages}  {}{state}\n",
        document.id, document.name, document.passages, document.path
    )
}

fn added_in_words(added: &Added) -> String {
    let mut text: String = added.added.iter().map(|document| format!("added {}", line(document))).collect();
    text.extend(added.unchanged.iter().map(|document| format!("known {}", line(document))));
    for failed in &added.failed {
        text.push_str(&format!("not added: {}\n  fix: {}\n", failed.failure.message, failed.failure.fix));
    }
    text
}

fn found_in_words(found: &Found) -> String {
    let mut text = String::new();
    for passage in &found.passages {
        let words: String =
            passage.answer.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(160).collect();
        text.push_str(&format!("{:.2}  {}\n      {words}\n", passage.score, passage.question));
    }
    let (shown, all) = (found.passages.len(), found.considered);
    text.push_str(&format!("{shown} of {all} in {:.1} ms\n", found.elapsed_ms));
    text
}
