//! `lectern lessons`: what routing learned from the user.

use crate::batch::{self, HasQuestion};
use crate::output::{Exit, Output};
use clap::{Args, Subcommand};
use engine::home::Home;
use engine::lessons::{Lesson, Lessons, New, TaughtBy};
use engine::pool::Pool;
use engine::words::Failure;
use serde::Deserialize;
use serde_json::json;
use std::path::PathBuf;

#[derive(Subcommand)]
pub enum Command {
    /// Say which expert is right, or wrong, for a question; routing learns from it at once.
    Add(Add),
    /// What was learned from ratings, from questions asked again of another expert, and from `add`.
    List,
    /// Take one back, or all.
    Remove(Remove),
}

#[derive(Args)]
pub struct Add {
    /// The question.
    #[arg(required_unless_present = "file", conflicts_with = "file", requires = "expert")]
    question: Option<String>,
    /// The expert that is right for it.
    #[arg(long, value_name = "NAME", conflicts_with = "file")]
    expert: Option<String>,
    /// The expert is wrong for it.
    #[arg(long, conflicts_with = "file")]
    wrong: bool,
    /// Many from a JSON lines file: {"question", "expert", "right": true}.
    #[arg(long, value_name = "C.jsonl")]
    file: Option<PathBuf>,
}

#[derive(Args)]
#[group(required = true, multiple = false)]
pub struct Remove {
    /// The number of a lesson, as list shows it.
    which: Option<i64>,
    /// Every lesson.
    #[arg(long)]
    all: bool,
}

#[derive(Deserialize)]
struct Line {
    question: String,
    expert: String,
    #[serde(default = "yes")]
    right: bool,
}

fn yes() -> bool {
    true
}

impl HasQuestion for Line {
    fn question(&self) -> &str {
        &self.question
    }
}

pub fn run(command: Command, output: &Output) -> Result<(), Exit> {
    let home = Home::find()?;
    let lessons = Lessons::open(&home).map_err(Failure::from)?;
    match command {
        Command::Add(add) => {
            let lines = match (add.file, add.question, add.expert) {
                (Some(file), _, _) => batch::lines_of::<Line>(&file)?,
                (None, Some(question), Some(expert)) => vec![Line { question, expert, right: !add.wrong }],
                _ => return Err(Exit::Usage("give a question with --expert NAME, or --file".into())),
            };
            if lines.iter().any(|line| line.question.trim().is_empty()) {
                return Err(Exit::Usage("the question is empty".into()));
            }
            let pool = Pool::open(&home).map_err(Failure::from)?;
            for line in &lines {
                // Names whom the pool has when it has not this one.
                pool.get(&line.expert).map_err(Failure::from)?;
            }
            let new: Vec<New<'_>> = lines
                .iter()
                .map(|line| New {
                    question: &line.question,
                    expert: &line.expert,
                    right: line.right,
                    source: TaughtBy::Told,
                    turn: None,
                })
                .collect();
            lessons.add(&new).map_err(Failure::from)?;
            let all = lessons.list().map_err(Failure::from)?.len();
            output.show(&json!({ "added": new.len(), "lessons": all }), |_| {
                format!("{} added; routing has learned from {all}\n", new.len())
            });
        }
        Command::List => {
            let all = lessons.list().map_err(Failure::from)?;
            output.show(&all, |all| match all.is_empty() {
                true => "nothing was learned yet\n".into(),
                false => all.iter().map(line).collect(),
            });
        }
        Command::Remove(remove) => {
            let gone = lessons.remove(remove.which).map_err(Failure::from)?;
            if let (0, Some(id)) = (gone, remove.which) {
                return Err(Exit::Failed(Failure {
                    code: "lessons.unknown".into(),
                    message: format!("there is no lesson {id}"),
                    fix: "`lectern lessons list` shows those that there are.".into(),
                    detail: None,
                }));
            }
            output.show(&json!({ "removed": gone }), |_| format!("{gone} removed\n"));
        }
    }
    Ok(())
}

fn line(lesson: &Lesson) -> String {
    let (is, source) = (if lesson.right { "right" } else { "wrong" }, lesson.source);
    let source = match source {
        TaughtBy::Rating => "rated",
        TaughtBy::Retry => "asked again",
        TaughtBy::Told => "told",
    };
    format!("{}  {} is {is}  ({source})  {}\n", lesson.id, lesson.expert, lesson.question)
}
