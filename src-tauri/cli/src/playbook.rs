//! `lectern playbook`: what experts are told beside a question, and how answers went that were judged.

use crate::ask::stop_on_interrupt;
use crate::batch::{self, HasQuestion};
use crate::measure::open;
use crate::output::{Exit, Output};
use clap::{Args, Subcommand};
use engine::archive::Archive;
use engine::home::Home;
use engine::playbook::{ANY, Added, Bullet, BulletKind, EditKind, Edited, NewBullet, Playbook, Rewording};
use engine::words::{Failure, Origin};
use serde::Deserialize;
use serde_json::json;
use std::path::PathBuf;

#[derive(Subcommand)]
pub enum Command {
    /// Rules with how often they helped and harmed, as the answers with them were judged.
    List(List),
    /// Add a rule, for every question of a domain.
    Add(Add),
    /// Say it otherwise, or move it to another domain.
    Edit {
        id: i64,
        #[arg(long, required_unless_present = "domain")]
        text: Option<String>,
        #[arg(long)]
        domain: Option<String>,
    },
    /// Make two rules one, which counts for both.
    Merge {
        id: i64,
        /// The rule that stays.
        #[arg(long, value_name = "ID")]
        into: i64,
        /// What it says from then on.
        #[arg(long)]
        text: Option<String>,
    },
    /// Use a rule no more.
    Retire { id: i64 },
    /// Undo the newest edit, or that one.
    Undo { number: Option<i64> },
    /// Ask an expert what good answers did that bad ones to the same question did not. Without this, rules come from comparing
    /// the two answers alone.
    Reflect {
        /// Default: who sits at the lectern and reads instructions, or another one that does.
        #[arg(long, value_name = "NAME")]
        expert: Option<String>,
    },
}

#[derive(Args)]
pub struct List {
    /// Of this domain.
    #[arg(long)]
    domain: Option<String>,
    /// Retired and merged ones, too.
    #[arg(long)]
    all: bool,
    /// How answers went that were judged good or bad, in place of the rules.
    #[arg(long, conflicts_with = "log")]
    trajectories: bool,
    /// The edits, the newest first, in place of the rules.
    #[arg(long)]
    log: bool,
}

#[derive(Args)]
pub struct Add {
    /// The rule, at most 500 characters.
    #[arg(required_unless_present = "file", conflicts_with = "file")]
    text: Option<String>,
    /// The domain as questions are read (`lectern route` says it), or any.
    #[arg(long, default_value = ANY)]
    domain: String,
    /// Many from a JSON lines file: {"text", "domain"?}.
    #[arg(long, value_name = "P.jsonl")]
    file: Option<PathBuf>,
}

#[derive(Deserialize)]
struct Line {
    text: String,
    #[serde(default = "any")]
    domain: String,
}

fn any() -> String {
    ANY.to_owned()
}

impl HasQuestion for Line {
    fn question(&self) -> &str {
        &self.text
    }
}

pub fn run(command: Command, output: &Output) -> Result<(), Exit> {
    let home = Home::find()?;
    if let Command::Reflect { expert } = command {
        let done = open(home, output)?.reflect(expert.as_deref(), &stop_on_interrupt()?)?;
        output.show(&done, |done| {
            format!(
                "{} was asked about {} of {} pairs of answers: {} rules\n",
                done.expert,
                done.asked,
                done.pairs,
                done.added.len()
            )
        });
        return Ok(());
    }
    let playbook = Playbook::open(&home).map_err(Failure::from)?;
    match command {
        Command::List(list) if list.log => {
            output.show(&playbook.log().map_err(Failure::from)?, |log| match log.is_empty() {
                true => "nothing was edited yet\n".into(),
                false => log.iter().map(edited).collect(),
            });
        }
        Command::List(list) => {
            let wanted = if list.trajectories { BulletKind::Trajectory } else { BulletKind::Bullet };
            let mut all = playbook.list().map_err(Failure::from)?;
            all.retain(|bullet| {
                bullet.kind == wanted
                    && (list.all || bullet.is_in_use())
                    && list.domain.as_ref().is_none_or(|domain| *domain == bullet.domain)
            });
            output.show(&all, |all| match all.is_empty() {
                true => "nothing is there yet\n".into(),
                false => all.iter().map(line).collect(),
            });
        }
        Command::Add(add) => {
            let (lines, origin) = match (add.file, add.text) {
                (Some(file), _) => (batch::lines_of::<Line>(&file)?, Origin::Pack),
                (None, text) => {
                    (vec![Line { text: text.unwrap_or_default(), domain: add.domain }], Origin::User)
                }
            };
            let archive = Archive::open(&home).map_err(Failure::from)?;
            archive.understand(&crate::program::own_file()?).map_err(Failure::from)?;
            let mut added = Vec::with_capacity(lines.len());
            for Line { text, domain } in &lines {
                let new = NewBullet { domain, text, origin, sources: &[] };
                added.push(playbook.add(&archive, &new).map_err(Failure::from)?);
            }
            output.show(&added, |added| added.iter().map(said).collect());
        }
        Command::Edit { id, text, domain } => {
            playbook.edit(id, &Rewording { text, domain }).map_err(Failure::from)?;
            output.show(&json!({ "edited": id }), |_| format!("{id} says it so now\n"));
        }
        Command::Merge { id, into, text } => {
            playbook.merge(id, into, text.as_deref()).map_err(Failure::from)?;
            output.show(&json!({ "merged": id, "into": into }), |_| format!("{into} counts for {id}, too\n"));
        }
        Command::Retire { id } => {
            playbook.retire(id).map_err(Failure::from)?;
            output.show(&json!({ "retired": id }), |_| format!("{id} is used no more\n"));
        }
        Command::Undo { number } => {
            let undone = playbook.undo(number).map_err(Failure::from)?;
            output.show(&json!({ "undone": undone }), |_| format!("edit {undone} is undone\n"));
        }
        Command::Reflect { .. } => {}
    }
    Ok(())
}

fn said(added: &Added) -> String {
    match added.merged_into {
        Some(into) => format!("{} says what {into} says, and is merged into it\n", added.id),
        None => format!("{} is added\n", added.id),
    }
}

fn line(bullet: &Bullet) -> String {
    let state = match (bullet.retired, bullet.merged_into) {
        (Some(_), _) => "  retired".to_owned(),
        (None, Some(into)) => format!("  merged into {into}"),
        (None, None) => String::new(),
    };
    let what = match (bullet.kind, bullet.good) {
        (BulletKind::Trajectory, Some(true)) => format!("good: {}", bullet.title),
        (BulletKind::Trajectory, _) => format!("bad: {}", bullet.title),
        (BulletKind::Bullet, _) => bullet.text.clone(),
    };
    let mut text = format!(
        "{}  {}  ({}, used {}, helped {}, harmed {}{state})  {what}\n",
        bullet.id,
        bullet.domain,
        bullet.origin.name(),
        bullet.uses,
        bullet.helpful,
        bullet.harmful
    );
    if let Some(doubt) = &bullet.doubt {
        text.push_str(&format!("    {doubt} `lectern playbook retire {}`\n", bullet.id));
    }
    text
}

fn edited(edited: &Edited) -> String {
    let what = match edited.edit {
        EditKind::Add => "added",
        EditKind::Edit => "reworded",
        EditKind::Merge => "merged",
        EditKind::Retire => "retired",
    };
    let undone = if edited.undone { "  (undone)" } else { "" };
    let before = edited.before.as_ref().filter(|before| **before != edited.now);
    let before = before.map_or(String::new(), |before| format!("; before: {before}"));
    format!("{}  {what} {}{undone}  {}{before}\n", edited.number, edited.bullet, edited.now)
}
