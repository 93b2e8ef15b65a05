//! `lectern packs`: what a domain needs, in one file: prompts, a playbook, words that mark it, questions to test with.

use crate::output::{Exit, Output};
use crate::shelf;
use clap::{Args, Subcommand};
use engine::archive::Archive;
use engine::home::Home;
use engine::lessons::Lessons;
use engine::packs::{Listed, Packs, Stores};
use engine::playbook::Playbook;
use engine::settings::Settings;
use engine::words::Failure;
use serde_json::json;

#[derive(Subcommand)]
pub enum Command {
    /// Those that come with Lectern, and those that were imported.
    List,
    /// One in full.
    Show { name: String },
    /// Import one: its questions become a file for `lectern bench`, its rules go into the playbook. With --expert its experts are added
    /// over the model of that expert, and routing learns which questions are theirs. It gives no model any knowledge.
    Add(Add),
    /// Take it out, with its experts, its lessons, and its rules that nobody has changed.
    Remove { name: String },
}

#[derive(Args)]
pub struct Add {
    /// A name that `packs list` shows, or a YAML file.
    #[arg(value_name = "NAME|FILE")]
    what: String,
    /// The expert whose model speaks for it.
    #[arg(long, value_name = "NAME")]
    expert: Option<String>,
}

pub fn run(command: Command, output: &Output) -> Result<(), Exit> {
    let home = Home::find()?;
    let (packs, pool) = (Packs::of(&home), shelf::pool(&home, &Settings::load(&home).settings)?);
    match command {
        Command::List => {
            let all = packs.list(&pool);
            output.show(&all, |all| all.iter().map(line).collect());
        }
        Command::Show { name } => output.show(&packs.get(&name, &pool).map_err(Failure::from)?, in_words),
        Command::Add(Add { what, expert }) => {
            let pack = packs.find(&what).map_err(Failure::from)?;
            let (lessons, playbook, archive) = &stores(&home)?;
            archive.understand(&crate::program::own_file()?).map_err(Failure::from)?;
            let to = Stores { pool: &pool, lessons, playbook, archive };
            output.show(&packs.add(&pack, expert.as_deref(), to)?, added);
        }
        Command::Remove { name } => {
            let (lessons, playbook, archive) = &stores(&home)?;
            packs.remove(&name, Stores { pool: &pool, lessons, playbook, archive })?;
            output.show(&json!({ "removed": name }), |_| format!("removed the pack {name}\n"));
        }
    }
    Ok(())
}

fn stores(home: &Home) -> Result<(Lessons, Playbook, Archive), Failure> {
    Ok((Lessons::open(home)?, Playbook::open(home)?, Archive::open(home)?))
}

fn line(listed: &Listed) -> String {
    let state = match (listed.imported, listed.experts.is_empty()) {
        (false, _) => "not imported".into(),
        (true, true) => "imported, no model speaks for it".into(),
        (true, false) => format!("imported: {}", listed.experts.join(", ")),
    };
    format!("{:<22} {:<22} {state}\n", listed.pack.name, listed.pack.title)
}

fn added(listed: &Listed) -> String {
    let name = &listed.pack.name;
    let mut text = format!("imported the pack {name}\n");
    if let Some(file) = &listed.questions_file {
        text.push_str(&format!(
            "{} test questions: lectern bench --file {file}\n",
            listed.pack.questions.len()
        ));
    }
    if !listed.experts.is_empty() {
        return text + &format!("it speaks as {}\n", listed.experts.join(", "));
    }
    text.push_str(&format!(
        "no model speaks for it: `lectern packs add {name} --expert NAME` with an expert of yours; these of the hub would do:\n"
    ));
    for repo in listed.pack.experts.iter().flat_map(|expert| &expert.catalogue) {
        text.push_str(&format!("  lectern experts pull {repo}\n"));
    }
    text
}

fn in_words(listed: &Listed) -> String {
    let pack = &listed.pack;
    let mut text = format!("{} ({})\n{}\ndomain: {}\n", pack.title, pack.name, pack.about, pack.domain);
    for expert in &pack.experts {
        text.push_str(&format!(
            "\n{}, complexity {}\n{}\n",
            expert.title, expert.complexity, expert.system_prompt
        ));
    }
    let mut list = |title: &str, lines: &[String]| {
        text.push_str(&format!("\n{title}\n"));
        lines.iter().for_each(|line| text.push_str(&format!("  {line}\n")));
    };
    list("playbook", &pack.playbook);
    list("questions of it", &pack.wordings);
    let asked = |asked: &engine::packs::PackQuestion| format!("{}  = {}", asked.question, asked.answer);
    list("test questions", &pack.questions.iter().map(asked).collect::<Vec<_>>());
    text + "\n" + &line(listed)
}
