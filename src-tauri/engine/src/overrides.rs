//! Overrides: what the environment says goes before the settings and the pool file, and away again with the variable.

use crate::pool::{Management, PoolFile, Router};
use crate::settings::QueueSettings;
use crate::words::Failure;
use serde::Serialize;
use ts_rs::TS;

/// A variable that is set.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Override {
    pub name: &'static str,
    /// What it stands for in the settings or the pool file, or what it alone can switch.
    pub sets: &'static str,
    pub value: Value,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Value {
    Whole(u32),
    /// 0 to 1.
    Part(f32),
    On(bool),
}

impl std::fmt::Display for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        match self {
            Value::Whole(number) => number.fmt(f),
            Value::Part(part) => part.fmt(f),
            Value::On(on) => f.write_str(if *on { "on" } else { "off" }),
        }
    }
}

/// What a variable may be.
#[derive(Clone, Copy)]
enum Kind {
    /// Least and most.
    Whole(u32, u32),
    Part,
    Switch,
}

impl Kind {
    fn read(self, text: &str) -> Option<Value> {
        match self {
            Kind::Whole(least, most) => {
                text.parse().ok().filter(|value| (least..=most).contains(value)).map(Value::Whole)
            }
            Kind::Part => text.parse().ok().filter(|part| (0.0..=1.0).contains(part)).map(Value::Part),
            Kind::Switch => match text.to_ascii_lowercase().as_str() {
                "1" | "true" | "on" | "yes" => Some(Value::On(true)),
                "0" | "false" | "off" | "no" => Some(Value::On(false)),
                _ => None,
            },
        }
    }

    fn in_words(self) -> String {
        match self {
            Kind::Whole(least, most) => format!("a number from {least} to {most}"),
            Kind::Part => "a number from 0 to 1".into(),
            Kind::Switch => "true or false".into(),
        }
    }
}

const SEVERAL: &str = "router.several";
const DYNAMIC: &str = "router.dynamic";
const BALANCING: &str = "router.load_balancing";
const THRESHOLD: &str = "management.performance_threshold";

/// Name, what it sets, and what it may be.
const VARIABLES: [(&str, &str, Kind); 8] = [
    ("BRAIN_DYNAMIC_ROUTING_ENABLED", DYNAMIC, Kind::Switch),
    ("BRAIN_LOAD_BALANCING_ENABLED", BALANCING, Kind::Switch),
    ("BRAIN_MAX_QUEUE_DEPTH", "queue.depth", Kind::Whole(1, 10_000)),
    ("BRAIN_MOE_BATCHING_WINDOW_MS", "queue.gathering_ms", Kind::Whole(0, 10_000)),
    ("BRAIN_MOE_ENABLED", SEVERAL, Kind::Switch),
    ("BRAIN_MOE_MAX_CONCURRENT_PER_SKILL", "queue.per_expert", Kind::Whole(0, 10_000)),
    ("BRAIN_MOE_TOP_K", "router.top_k", Kind::Whole(1, 64)),
    ("BRAIN_QUALITY_THRESHOLD", THRESHOLD, Kind::Part),
];

/// What the environment alone can switch off, for a comparison or in an emergency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Switches {
    /// Several experts may be asked for one question.
    pub several: bool,
    /// The question decides who answers; else the generalist does.
    pub dynamic: bool,
    /// An expert that many wait for counts half.
    pub balancing: bool,
}

/// What one variable stands for, as it is now.
#[derive(Clone, Debug, PartialEq, Serialize, TS)]
pub struct Knob {
    pub variable: String,
    pub sets: String,
    pub value: String,
    pub from: KnobFrom,
    /// What holds without the variable.
    pub otherwise: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum KnobFrom {
    Environment,
    PoolFile,
    Settings,
    Default,
}

/// Those that are set in this process.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Overrides(Vec<Override>);

impl Overrides {
    pub fn read() -> Result<Overrides, Failure> {
        Overrides::of(|name| std::env::var_os(name).map(|value| value.to_string_lossy().into_owned()))
    }

    fn of(value: impl Fn(&str) -> Option<String>) -> Result<Overrides, Failure> {
        let mut set = Vec::new();
        for (name, sets, kind) in VARIABLES {
            let Some(text) = value(name).filter(|text| !text.trim().is_empty()) else { continue };
            let value = kind.read(text.trim()).ok_or_else(|| Failure {
                code: "bad_override".into(),
                message: format!("{name} is {text:?}: it is {}", kind.in_words()),
                fix: "Set it to such a value, or take it out of the environment.".into(),
                detail: None,
            })?;
            set.push(Override { name, sets, value });
        }
        Ok(Overrides(set))
    }

    pub fn list(&self) -> &[Override] {
        &self.0
    }

    fn get(&self, sets: &str) -> Option<Value> {
        self.0.iter().find(|one| one.sets == sets).map(|one| one.value)
    }

    fn whole(&self, sets: &str, otherwise: u32) -> u32 {
        if let Some(Value::Whole(value)) = self.get(sets) { value } else { otherwise }
    }

    pub fn queue(&self, settings: QueueSettings) -> QueueSettings {
        QueueSettings {
            depth: self.whole("queue.depth", settings.depth),
            gathering_ms: self.whole("queue.gathering_ms", settings.gathering_ms),
            per_expert: self.whole("queue.per_expert", settings.per_expert),
            ..settings
        }
    }

    pub fn router(&self, router: Router) -> Router {
        Router { top_k: self.whole("router.top_k", router.top_k), ..router }
    }

    pub fn management(&self, management: Management) -> Management {
        match self.get(THRESHOLD) {
            Some(Value::Part(performance_threshold)) => Management { performance_threshold, ..management },
            _ => management,
        }
    }

    pub fn switches(&self) -> Switches {
        let is_on = |sets| self.get(sets) != Some(Value::On(false));
        Switches { several: is_on(SEVERAL), dynamic: is_on(DYNAMIC), balancing: is_on(BALANCING) }
    }

    /// Everything that a variable can set: what holds, where it comes from, and what would hold without the variable.
    pub fn knobs(&self, queue: QueueSettings, file: &PoolFile) -> Vec<Knob> {
        let (usual, bare) = (QueueSettings::default(), PoolFile::default());
        let otherwise = |sets: &str| match sets {
            "queue.depth" => (Value::Whole(queue.depth), Value::Whole(usual.depth), KnobFrom::Settings),
            "queue.gathering_ms" => {
                (Value::Whole(queue.gathering_ms), Value::Whole(usual.gathering_ms), KnobFrom::Settings)
            }
            "queue.per_expert" => {
                (Value::Whole(queue.per_expert), Value::Whole(usual.per_expert), KnobFrom::Settings)
            }
            "router.top_k" => {
                (Value::Whole(file.router.top_k), Value::Whole(bare.router.top_k), KnobFrom::PoolFile)
            }
            THRESHOLD => {
                let part = |file: &PoolFile| Value::Part(file.management.performance_threshold);
                (part(file), part(&bare), KnobFrom::PoolFile)
            }
            _ => (Value::On(true), Value::On(true), KnobFrom::Default),
        };
        let knob = |(name, sets, _): (&str, &str, Kind)| {
            let (said, usual, by) = otherwise(sets);
            let set = self.get(sets);
            let from = match set {
                Some(_) => KnobFrom::Environment,
                None if said == usual => KnobFrom::Default,
                None => by,
            };
            let value = set.unwrap_or(said).to_string();
            Knob { variable: name.into(), sets: sets.into(), value, from, otherwise: said.to_string() }
        };
        VARIABLES.map(knob).into()
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
    fn each_variable_is_shown_with_what_holds_and_why() {
        let set = |name: &str| match name {
            "BRAIN_QUALITY_THRESHOLD" => Some("0.7".to_owned()),
            "BRAIN_MOE_ENABLED" => Some("off".to_owned()),
            _ => None,
        };
        let overrides = Overrides::of(set).unwrap();
        let mut file = PoolFile::default();
        (file.router.top_k, file.management.performance_threshold) = (3, 0.5);
        let queue = QueueSettings { depth: 9, ..QueueSettings::default() };
        let knobs = overrides.knobs(queue, &file);
        let knob = |name: &str| {
            let knob = knobs.iter().find(|knob| knob.variable == name).unwrap();
            (knob.value.as_str(), knob.from, knob.otherwise.as_str())
        };
        assert_eq!(knobs.len(), VARIABLES.len());
        assert_eq!(knob("BRAIN_QUALITY_THRESHOLD"), ("0.7", KnobFrom::Environment, "0.5"));
        assert_eq!(knob("BRAIN_MOE_ENABLED"), ("off", KnobFrom::Environment, "on"));
        assert_eq!(knob("BRAIN_MOE_TOP_K"), ("3", KnobFrom::PoolFile, "3"));
        assert_eq!(knob("BRAIN_MAX_QUEUE_DEPTH"), ("9", KnobFrom::Settings, "9"));
        assert_eq!(knob("BRAIN_MOE_BATCHING_WINDOW_MS"), ("100", KnobFrom::Default, "100"));
        assert_eq!(overrides.switches(), Switches { several: false, dynamic: true, balancing: true });
        assert_eq!(overrides.management(file.management).performance_threshold, 0.7);
        assert_eq!(Overrides::default().management(file.management), file.management);
    }

    #[test]
    fn a_value_that_means_nothing_is_refused_by_name() {
        for (name, bad) in [
            ("BRAIN_QUALITY_THRESHOLD", "1.01"),
            ("BRAIN_QUALITY_THRESHOLD", "NaN"),
            ("BRAIN_MOE_ENABLED", "2"),
        ] {
            let failure = Overrides::of(|known| (known == name).then(|| bad.to_owned())).unwrap_err();
            assert!(failure.message.contains(name) && failure.message.contains(bad), "{failure:?}");
        }
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
