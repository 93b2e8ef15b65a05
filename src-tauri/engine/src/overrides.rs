//! Overrides: what the environment says goes before the settings and the pool file, and away again with the variable.

use crate::pool::Router;
use crate::settings::QueueSettings;
use crate::words::Failure;
use serde::Serialize;

/// A variable that is set.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Override {
    pub name: &'static str,
    /// What it stands for in the settings or the pool file.
    pub sets: &'static str,
    pub value: u32,
}

/// Name, what it sets, and its bounds.
const VARIABLES: [(&str, &str, u32, u32); 4] = [
    ("BRAIN_MAX_QUEUE_DEPTH", "queue.depth", 1, 10_000),
    ("BRAIN_MOE_BATCHING_WINDOW_MS", "queue.gathering_ms", 0, 10_000),
    ("BRAIN_MOE_MAX_CONCURRENT_PER_SKILL", "queue.per_expert", 0, 10_000),
    ("BRAIN_MOE_TOP_K", "router.top_k", 1, 64),
];

/// Those that are set in this process.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Overrides(Vec<Override>);

impl Overrides {
    pub fn read() -> Result<Overrides, Failure> {
        Overrides::of(|name| std::env::var_os(name).map(|value| value.to_string_lossy().into_owned()))
    }

    fn of(value: impl Fn(&str) -> Option<String>) -> Result<Overrides, Failure> {
        let mut set = Vec::new();
        for (name, sets, least, most) in VARIABLES {
            let Some(text) = value(name).filter(|text| !text.trim().is_empty()) else { continue };
            let value = text.trim().parse().ok().filter(|value| (least..=most).contains(value));
            let value = value.ok_or_else(|| Failure {
                code: "bad_override".into(),
                message: format!("{name} is {text:?}: it is a number from {least} to {most}"),
                fix: "Set it to such a number, or take it out of the environment.".into(),
                detail: None,
            })?;
            set.push(Override { name, sets, value });
        }
        Ok(Overrides(set))
    }

    pub fn list(&self) -> &[Override] {
        &self.0
    }

    fn get(&self, sets: &str) -> Option<u32> {
        self.0.iter().find(|one| one.sets == sets).map(|one| one.value)
    }

    pub fn queue(&self, settings: QueueSettings) -> QueueSettings {
        QueueSettings {
            depth: self.get("queue.depth").unwrap_or(settings.depth),
            gathering_ms: self.get("queue.gathering_ms").unwrap_or(settings.gathering_ms),
            per_expert: self.get("queue.per_expert").unwrap_or(settings.per_expert),
            ..settings
        }
    }

    pub fn router(&self, router: Router) -> Router {
        Router { top_k: self.get("router.top_k").unwrap_or(router.top_k), ..router }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_set_goes_before_the_settings_and_nothing_else_changes() {
        let set = |name: &str| {
            ["BRAIN_MAX_QUEUE_DEPTH", "BRAIN_MOE_TOP_K"].contains(&name).then(|| " 7 ".to_owned())
        };
        let overrides = Overrides::of(set).unwrap();
        assert_eq!(overrides.list().len(), 2);
        let settings = QueueSettings { gathering_ms: 9, ..QueueSettings::default() };
        assert_eq!(overrides.queue(settings), QueueSettings { depth: 7, ..settings });
        assert_eq!(overrides.router(Router::default()), Router { top_k: 7, ..Router::default() });
        let none = Overrides::of(|_| None).unwrap();
        assert_eq!((none.queue(settings), none.router(Router::default())), (settings, Router::default()));
    }

    #[test]
    fn a_value_that_means_nothing_is_refused_by_name() {
        for bad in ["many", "-1", "0", "65", "1.5"] {
            let failure =
                Overrides::of(|name| (name == "BRAIN_MOE_TOP_K").then(|| bad.to_owned())).unwrap_err();
            assert!(
                failure.message.contains("BRAIN_MOE_TOP_K") && failure.message.contains(bad),
                "{failure:?}"
            );
        }
        assert_eq!(Overrides::of(|_| Some("  ".into())).unwrap(), Overrides::default(), "empty is not set");
    }
}
