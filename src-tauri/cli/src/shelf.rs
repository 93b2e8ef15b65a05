//! `lectern experts folders` and `move`: where models lie on this disk.

use crate::hub::{pause_on_interrupt, size};
use crate::output::{Exit, Output};
use clap::{Args, Subcommand};
use engine::home::Home;
use engine::hub::{Folder, Move, Moved, offer};
use engine::pool::Pool;
use engine::settings::Settings;
use engine::words::Failure;
use serde_json::json;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How often a line about the progress is said.
const SAY: Duration = Duration::from_secs(1);

#[derive(Subcommand)]
pub enum Command {
    /// Folders whose GGUF files are offered as experts, where they lie; what is in them now.
    Folders(Folders),
    /// Take the models that Lectern fetched to another folder. Without one: go on with a move that was cut off.
    Move(Going),
}

#[derive(Args)]
pub struct Folders {
    #[command(subcommand)]
    change: Option<Change>,
}

#[derive(Subcommand)]
enum Change {
    Add { folder: PathBuf },
    Remove { folder: PathBuf },
}

#[derive(Args)]
pub struct Going {
    folder: Option<PathBuf>,
}

pub fn run(command: Command, output: &Output) -> Result<(), Exit> {
    let home = Home::find()?;
    let mut settings = Settings::load(&home).settings;
    match command {
        Command::Folders(Folders { change }) => {
            if let Some(change) = change {
                apply(&change, &mut settings)?;
                settings.save(&home).map_err(Failure::from)?;
            }
            let folders = offer(&Pool::open(&home).map_err(Failure::from)?, &settings)?;
            output.show(&json!({ "folders": folders }), |_| match folders.as_slice() {
                [] => "no folder is watched; `lectern experts folders add PATH` adds one".into(),
                folders => folders.iter().map(of_folder).collect(),
            });
        }
        Command::Move(Going { folder }) => {
            let pool = Pool::open(&home).map_err(Failure::from)?;
            let moved = match folder {
                Some(folder) => Some(go(&Move::begin(&home, &mut settings, &folder)?, &pool, output)?),
                None => finish(&home, &pool, output)?,
            };
            output.show(&json!({ "moved": moved }), |_| match &moved {
                None => "there is nothing to go on with".into(),
                Some(Moved { to, files, done_bytes, .. }) => {
                    format!("{files} files, {}, lie in {} now", size(*done_bytes), to.display())
                }
            });
        }
    }
    Ok(())
}

fn apply(change: &Change, settings: &mut Settings) -> Result<(), Failure> {
    let (Change::Add { folder } | Change::Remove { folder }) = change;
    let wrong = |why: &str| Failure {
        code: "experts.bad_folder".into(),
        message: format!("{} {why}", folder.display()),
        fix: "`lectern experts folders` shows those that are watched.".into(),
        detail: None,
    };
    let whole = std::path::absolute(folder).map_err(|error| wrong(&error.to_string()))?;
    let text = whole.to_str().ok_or_else(|| wrong("has a name that cannot be written down"))?.to_owned();
    let text = text.trim_end_matches(std::path::MAIN_SEPARATOR).to_owned();
    let folders = &mut settings.hub.folders;
    let known = folders.iter().position(|known| Path::new(known) == Path::new(&text));
    match (change, known) {
        (Change::Add { .. }, _) if !whole.is_dir() => return Err(wrong("is no folder")),
        (Change::Add { .. }, None) => folders.push(text),
        (Change::Add { .. }, Some(_)) => {}
        (Change::Remove { .. }, Some(at)) => drop(folders.remove(at)),
        (Change::Remove { .. }, None) => return Err(wrong("is not watched")),
    }
    Ok(())
}

/// The pool as the settings have it: for the memory that there is, with what watched folders offer now.
pub fn pool(home: &Home, settings: &Settings) -> Result<Pool, Failure> {
    let pool = Pool::open(home)?;
    pool.fit(settings.budget_bytes().unwrap_or_else(engine::seat::default_budget));
    pool.keep_inside(engine::hub::why_inside(settings));
    if !settings.hub.folders.is_empty() {
        offer(&pool, settings)?;
    }
    Ok(pool)
}

/// Goes on with a move that was cut off, when there is one.
pub fn finish(home: &Home, pool: &Pool, output: &Output) -> Result<Option<Moved>, Exit> {
    let Some(move_) = Move::unfinished(home)? else { return Ok(None) };
    move_.tell(&mut Settings::load(home).settings)?;
    output.note(&format!("the models are still on their way to {}", move_.to().display()));
    Ok(Some(go(&move_, pool, output)?))
}

fn go(move_: &Move, pool: &Pool, output: &Output) -> Result<Moved, Exit> {
    let mut said = Instant::now();
    let moved = move_.run(pool, pause_on_interrupt(), &mut |moved| {
        if said.elapsed() >= SAY {
            output.note(&format!("{} of {}", size(moved.done_bytes), size(moved.total_bytes)));
            said = Instant::now();
        }
    })?;
    for file in &moved.damaged {
        output
            .note(&format!("note: {file} stays where it was: its bytes are not what they were when it came"));
    }
    Ok(moved)
}

fn of_folder(folder: &Folder) -> String {
    let away = if folder.here { "" } else { "  (not there now)" };
    let mut text = format!("{}{away}\n", folder.path);
    for file in &folder.files {
        let name = file.path.strip_prefix(&folder.path).unwrap_or(&file.path);
        let is = match (&file.expert, &file.why_not) {
            (Some(expert), _) => format!("expert {expert}"),
            (None, why) => format!("no expert: {}", why.as_deref().unwrap_or_default()),
        };
        text.push_str(&format!("  {:>9}  {}  {is}\n", size(file.bytes), name.display()));
    }
    text
}
