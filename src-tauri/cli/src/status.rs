//! `lectern status`: what ran here, what it changed and what it cost, from counters.

use crate::output::{Exit, Output};
use engine::archive::Archive;
use engine::home::Home;
use engine::report::{ComponentStatus, status};
use serde_json::json;

pub fn run(output: &Output) -> Result<(), Exit> {
    let home = Home::find()?;
    let archive = Archive::open(&home).map_err(engine::words::Failure::from)?;
    let components = status(&archive)?;
    if output.is_json() {
        output.json(&json!({ "components": components, "home": home.root() }));
        return Ok(());
    }
    output.line("component     answers  changed   mean ms  total s");
    for component in &components {
        output.line(&row(component));
    }
    Ok(())
}

fn row(of: &ComponentStatus) -> String {
    let Some(mean_ms) = of.mean_ms else { return format!("{:<12} never ran", of.component) };
    let changed = of.changed_answer.map_or("-".to_owned(), |count| count.to_string());
    format!(
        "{:<12} {:>8} {:>8} {:>9.2} {:>8.1}",
        of.component,
        of.runs,
        changed,
        mean_ms,
        of.total_ms / 1000.0
    )
}
