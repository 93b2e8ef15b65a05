//! Settings: what the user chose, in one small JSON file.
//!
//! In:     settings.json of the home
//! Out:    the settings, and a warning when the file could not be read
//! Fails:  only when writing; a bad file is put aside, never lost and never in the way

use crate::home::{Home, write_atomically};
use crate::words::{Failure, Mode};
use runtime::generate::SLOTS;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::time::Duration;
use ts_rs::TS;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, TS)]
#[serde(default)]
pub struct Settings {
    pub theme: Theme,
    /// Where new questions start.
    pub mode: Mode,
    /// Memory for experts in GB (10^9 bytes); `None` lets the governor choose from what this machine has.
    pub budget_gb: Option<f32>,
    /// Graphics processors are left alone, also where there is one.
    pub processor_only: bool,
    pub hub: HubSettings,
    pub queue: QueueSettings,
    /// Experts that are servers outside Lectern may be asked: what they are asked leaves it.
    pub outside: bool,
    pub playbook: PlaybookSettings,
    pub gates: Gates,
}

/// What experts are told from the playbook.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(default)]
pub struct PlaybookSettings {
    /// Bullets go beside questions, where the expert reads them.
    pub on: bool,
    /// The most that they may take.
    pub tokens: u32,
}

impl Default for PlaybookSettings {
    fn default() -> Self {
        PlaybookSettings { on: true, tokens: 256 }
    }
}

/// What follows from how hard a question is, 0 to 1, where that is measured.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(default)]
pub struct Gates {
    pub on: bool,
    /// Easier questions are asked once, with nothing beside them but the user's own bullets.
    pub minimal_below: f32,
    /// Harder ones are asked by attempts that past answers guide, or by refining.
    pub guided_above: f32,
    /// Still harder ones have their answer verified, and learned bullets beside them.
    pub verify_above: f32,
}

impl Default for Gates {
    fn default() -> Self {
        Gates { on: true, minimal_below: 0.3, guided_above: 0.5, verify_above: 0.95 }
    }
}

impl Gates {
    fn check(&self) -> Result<(), SettingsError> {
        let gates = [0.0, self.minimal_below, self.guided_above, self.verify_above, 1.0];
        // Not a number is not in order.
        match gates.is_sorted() {
            true => Ok(()),
            false => Err(SettingsError::BadGates(self.minimal_below, self.guided_above, self.verify_above)),
        }
    }
}

/// Questions that wait for the lectern, and the expert that stands there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(default)]
pub struct QueueSettings {
    /// Questions that may wait at once.
    pub depth: u32,
    /// Questions that may wait for one expert or be with it; 0: as many as may wait at all.
    pub per_expert: u32,
    /// Questions that one expert answers at the same time, where memory allows; 1: one after the other.
    pub together: u32,
    /// The longest that a swap is put off, while others are there, for a question to the seated expert.
    pub gathering_ms: u32,
    /// Seconds that a question may wait for its turn.
    pub waiting_s: u32,
    /// Seconds that one answer may take.
    pub answering_s: u32,
    /// Seconds without a sign of life or of work after which an expert counts as hung.
    pub silence_s: u32,
    /// Seconds after which an expert that nobody asks leaves; 0: it stays.
    pub idle_s: u32,
    /// The expert that was used last is loaded when Lectern starts.
    pub warm_up: bool,
}

impl Default for QueueSettings {
    fn default() -> Self {
        QueueSettings {
            depth: 50,
            per_expert: 0,
            together: 8,
            gathering_ms: 100,
            waiting_s: 1800,
            answering_s: 1800,
            silence_s: 30,
            idle_s: 1800,
            warm_up: false,
        }
    }
}

impl QueueSettings {
    pub fn waiting(&self) -> Duration {
        Duration::from_secs(self.waiting_s.into())
    }

    pub fn gathering(&self) -> Duration {
        Duration::from_millis(self.gathering_ms.into())
    }

    fn check(&self) -> Result<(), SettingsError> {
        for (field, value, least, most) in [
            ("depth", self.depth, 1, 10_000),
            ("together", self.together, 1, SLOTS as u32),
            ("gathering_ms", self.gathering_ms, 0, 10_000),
            ("waiting_s", self.waiting_s, 1, WEEK_S),
            ("answering_s", self.answering_s, 1, WEEK_S),
            ("silence_s", self.silence_s, 1, WEEK_S),
            ("idle_s", self.idle_s, 0, WEEK_S),
        ] {
            if value < least || value > most {
                return Err(SettingsError::BadQueue { field, value, least, most });
            }
        }
        Ok(())
    }
}

const WEEK_S: u32 = 7 * 24 * 3600;

/// The hub and its files. The environment (HF_ENDPOINT, HF_HOME, HF_HUB_CACHE, HF_HUB_OFFLINE) goes before each of these.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(default)]
pub struct HubSettings {
    /// Another address of the hub: a mirror.
    pub endpoint: Option<String>,
    /// The folder of the files; `None` is the one that other tools use.
    pub cache: Option<String>,
    /// Nothing is asked of the network, whatever anybody wants.
    pub offline: bool,
    /// Downloads at once; others wait.
    pub downloads_at_once: u32,
    /// Folders whose GGUF files are offered as experts, where they lie.
    pub folders: Vec<String>,
}

impl Default for HubSettings {
    fn default() -> Self {
        HubSettings { endpoint: None, cache: None, offline: false, downloads_at_once: 2, folders: Vec::new() }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Theme {
    #[default]
    System,
    Light,
    Dark,
}

#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    #[error("a memory budget of {0} GB makes no sense; it must be above 0 and at most 100000")]
    BadBudget(f32),
    #[error("queue.{field} is {value}; it must be {least} to {most}")]
    BadQueue { field: &'static str, value: u32, least: u32, most: u32 },
    #[error("gates of {0}, {1} and {2} are not in order; they must rise, from 0 to 1")]
    BadGates(f32, f32, f32),
    #[error("playbook.tokens is {0}; it must be 16 to 4096")]
    BadPlaybook(u32),
    #[error("the settings cannot be written to {}: {source}", path.display())]
    CannotWrite { path: PathBuf, source: std::io::Error },
}

impl From<SettingsError> for Failure {
    fn from(error: SettingsError) -> Failure {
        let (code, fix) = match &error {
            SettingsError::BadBudget(_) => {
                ("settings.bad_budget", "Give a number of gigabytes above 0, or none at all.")
            }
            SettingsError::BadQueue { .. } => ("settings.bad_queue", "Give a number within these bounds."),
            SettingsError::BadGates(..) => {
                ("settings.bad_gates", "Give three numbers from 0 to 1, each at least the one before it.")
            }
            SettingsError::BadPlaybook(_) => ("settings.bad_playbook", "Give a number within these bounds."),
            SettingsError::CannotWrite { .. } => {
                ("settings.cannot_write", "Free disk space or allow writing to that folder.")
            }
        };
        Failure { code: code.into(), message: error.to_string(), fix: fix.into(), detail: None }
    }
}

/// Settings as they were read, with the news that the file was bad.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Loaded {
    pub settings: Settings,
    /// The defaults are in use, and this says why.
    pub warning: Option<Failure>,
}

impl Settings {
    /// The saved settings; the defaults when there are none. A file that is no settings is kept beside as
    /// `settings.json.bad`.
    pub fn load(home: &Home) -> Loaded {
        let path = home.settings_file();
        let why = match std::fs::read(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Loaded::default(),
            Err(error) => error.to_string(),
            Ok(bytes) => match serde_json::from_slice::<Settings>(&bytes) {
                Err(error) => error.to_string(),
                Ok(settings) => match settings.check() {
                    Err(error) => error.to_string(),
                    Ok(()) => return Loaded { settings, warning: None },
                },
            },
        };
        let aside = path.with_extension("json.bad");
        let fix = match std::fs::rename(&path, &aside) {
            Ok(()) => format!("The defaults are in use; the old file is kept as {}.", aside.display()),
            Err(error) => format!("The defaults are in use; the old file could not be put aside: {error}."),
        };
        Loaded {
            settings: Settings::default(),
            warning: Some(Failure {
                code: "settings.unreadable".into(),
                message: format!("The settings in {} could not be read.", path.display()),
                fix,
                detail: Some(why),
            }),
        }
    }

    /// Writes them whole or not at all.
    pub fn save(&self, home: &Home) -> Result<(), SettingsError> {
        self.check()?;
        let path = home.settings_file();
        let text = serde_json::to_vec_pretty(self)
            .map_err(|error| SettingsError::CannotWrite { path: path.clone(), source: error.into() })?;
        write_atomically(&path, &text).map_err(|source| SettingsError::CannotWrite { path, source })
    }

    /// The budget in bytes, when one is set.
    pub fn budget_bytes(&self) -> Option<u64> {
        self.budget_gb.map(|gb| (f64::from(gb) * 1e9) as u64)
    }

    fn check(&self) -> Result<(), SettingsError> {
        match self.budget_gb {
            Some(gb) if !gb.is_finite() || gb <= 0.0 || gb > 100_000.0 => Err(SettingsError::BadBudget(gb)),
            _ => {
                self.queue.check()?;
                self.gates.check()?;
                match self.playbook.tokens {
                    16..=4096 => Ok(()),
                    tokens => Err(SettingsError::BadPlaybook(tokens)),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn home() -> (tempfile::TempDir, Home) {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::at(folder.path());
        home.prepare().unwrap();
        (folder, home)
    }

    #[test]
    fn what_is_saved_comes_back() {
        let (_folder, home) = home();
        assert_eq!(Settings::load(&home), Loaded::default(), "no file means the defaults and no warning");
        let settings =
            Settings { theme: Theme::Dark, mode: Mode::Fast, budget_gb: Some(2.5), ..Settings::default() };
        settings.save(&home).unwrap();
        assert_eq!(Settings::load(&home), Loaded { settings: settings.clone(), warning: None });
        assert_eq!(settings.budget_bytes(), Some(2_500_000_000));
    }

    #[test]
    fn a_bad_file_gives_the_defaults_a_warning_and_is_kept() {
        for bad in [&b"{ not json"[..], b"", b"{\"theme\":\"plaid\"}", b"{\"budget_gb\":-3}", b"\xff\xfe"] {
            let (_folder, home) = home();
            std::fs::write(home.settings_file(), bad).unwrap();
            let loaded = Settings::load(&home);
            assert_eq!(loaded.settings, Settings::default());
            let warning = loaded.warning.expect("the user is told");
            assert_eq!(warning.code, "settings.unreadable");
            let aside = home.root().join("settings.json.bad");
            assert_eq!(std::fs::read(aside).unwrap(), bad, "what the user wrote is not lost");
            assert_eq!(Settings::load(&home), Loaded::default(), "it is said once");
        }
    }

    #[test]
    fn fields_of_a_newer_version_are_passed_over() {
        let (_folder, home) = home();
        std::fs::write(home.settings_file(), b"{\"theme\":\"light\",\"colour\":\"brass\"}").unwrap();
        assert_eq!(Settings::load(&home).settings.theme, Theme::Light);
    }

    #[test]
    fn a_budget_that_makes_no_sense_is_refused() {
        let (_folder, home) = home();
        for gb in [0.0, -1.0, f32::NAN, f32::INFINITY] {
            let refused = Settings { budget_gb: Some(gb), ..Settings::default() }.save(&home);
            assert!(refused.is_err(), "{gb} GB was accepted");
        }
        assert!(!home.settings_file().exists());
    }
}
