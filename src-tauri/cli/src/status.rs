//! `lectern status`: what ran here, what it changed and what it cost, from counters.

use crate::output::{Exit, Output};
use engine::archive::Archive;
use engine::home::Home;
use engine::overrides::Overrides;
use engine::pool::Pool;
use engine::report::{ComponentStatus, status};
use engine::settings::Settings;
use engine::words::Failure;
use serde_json::json;

pub fn run(output: &Output) -> Result<(), Exit> {
    let home = Home::find()?;
    let archive = Archive::open(&home).map_err(Failure::from)?;
    let components = status(&archive)?;
    let overrides = Overrides::read()?;
    let pool = Pool::open(&home).map_err(Failure::from)?;
    let settings = Settings::load(&home).settings;
    let (queue, rules) = (overrides.queue(settings.queue), pool.rules());
    let router = overrides.router(rules.router);
    if output.is_json() {
        output.json(&json!({
            "components": components,
            "home": home.root(),
            "overrides": overrides.list(),
            "queue": queue,
            "rules": {
                "router": router,
                "aggregation": rules.aggregation,
                "management": overrides.management(rules.management),
            },
            "problems": pool.problems(),
        }));
        return Ok(());
    }
    output.line("component     answers  changed   mean ms  total s");
    for component in &components {
        output.line(&row(component));
    }
    if let Some(row) = components.iter().find(|row| row.component == "queue" && row.runs > 0) {
        let saved = row.changed_answer.unwrap_or(0);
        output.line(&format!("queue: {saved} loads saved against the order of arrival"));
    }
    for set in overrides.list() {
        output.line(&format!("{}={} is set, for {}", set.name, set.value, set.sets));
    }
    for problem in pool.problems() {
        output.note(&format!("{} {}", problem.message, problem.fix));
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
