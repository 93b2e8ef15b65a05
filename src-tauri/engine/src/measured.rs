//! Measured: what `lectern bench --remember` and `lectern pool pipeline` found on this machine: how often each expert is right
//! in a domain, what a strategy gains there over asking once, and a pair of experts over the better one.
//!
//! In:     shares and paired differences of a benchmark
//! Out:    accuracies that councils weigh by; the strategy that a question may be asked by without being told to
//! Fails:  only when writing; a file that is not there, or is not readable, is nothing measured
//! Cost:   one small JSON file, read once

use crate::home::{Home, write_atomically};
use crate::words::{Aggregate, Failure, Mode, Strategy};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// Everything that was measured.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Measured {
    accuracies: Vec<Accuracy>,
    gains: Vec<Gain>,
    modes: Vec<ModeGain>,
    pairs: Vec<PairGain>,
}

/// Right answers of one expert in one domain.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Accuracy {
    pub expert: String,
    pub domain: String,
    pub right: u32,
    pub n: u32,
}

/// The accuracy of a strategy minus that of asking once, over the same questions, with its 95 % interval.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Gain {
    pub strategy: Strategy,
    pub domain: String,
    pub n: u32,
    pub difference: f64,
    pub low: f64,
    pub high: f64,
}

/// The accuracy of a mode minus that of another, over the same questions, with its 95 % interval.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct ModeGain {
    pub mode: Mode,
    pub than: Mode,
    pub n: u32,
    pub difference: f64,
    pub low: f64,
    pub high: f64,
}

/// The accuracy of two experts as a council minus that of the better one alone, over the same questions, with its 95 %
/// interval.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PairGain {
    pub pair: [String; 2],
    pub domain: String,
    pub aggregate: Aggregate,
    pub n: u32,
    pub difference: f64,
    pub low: f64,
    pub high: f64,
}

impl PairGain {
    fn is_of(&self, one: &str, other: &str, domain: &str) -> bool {
        let [first, second] = &self.pair;
        let same = (first == one && second == other) || (first == other && second == one);
        same && self.domain == domain
    }
}

impl Measured {
    pub fn load(home: &Home) -> Measured {
        let read = std::fs::read(home.measured_file());
        read.ok().and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default()
    }

    pub fn save(&self, home: &Home) -> Result<(), Failure> {
        let path = home.measured_file();
        let bytes = serde_json::to_vec_pretty(self).map_err(std::io::Error::from);
        bytes.and_then(|bytes| write_atomically(&path, &bytes)).map_err(|error| Failure {
            code: "measured.cannot_write".into(),
            message: format!("What was measured cannot be written to {}: {error}.", path.display()),
            fix: "Free disk space or allow writing to that folder.".into(),
            detail: None,
        })
    }

    /// A new measurement takes the place of the old one of the same expert and domain.
    pub fn count(&mut self, expert: &str, domain: &str, right: u32, n: u32) {
        self.accuracies.retain(|known| known.expert != expert || known.domain != domain);
        self.accuracies.push(Accuracy { expert: expert.into(), domain: domain.into(), right, n });
    }

    pub fn gain(&mut self, gain: Gain) {
        self.gains.retain(|known| known.strategy != gain.strategy || known.domain != gain.domain);
        self.gains.push(gain);
    }

    pub fn mode(&mut self, gain: ModeGain) {
        self.modes.retain(|known| known.mode != gain.mode || known.than != gain.than);
        self.modes.push(gain);
    }

    pub fn pair_of(&mut self, gain: PairGain) {
        self.pairs.retain(|known| !known.is_of(&gain.pair[0], &gain.pair[1], &gain.domain));
        self.pairs.push(gain);
    }

    /// What two experts gain together in a domain, in whatever order they are named.
    pub fn pair(&self, one: &str, other: &str, domain: &str) -> Option<&PairGain> {
        self.pairs.iter().find(|known| known.is_of(one, other, domain))
    }

    /// What a mode gains over another.
    pub fn of_mode(&self, mode: Mode, than: Mode) -> Option<&ModeGain> {
        self.modes.iter().find(|known| known.mode == mode && known.than == than)
    }

    /// Right answers of an expert in a domain, and of how many.
    pub fn accuracy(&self, expert: &str, domain: &str) -> Option<(u32, u32)> {
        let found = self.accuracies.iter().find(|known| known.expert == expert && known.domain == domain);
        found.map(|known| (known.right.min(known.n), known.n))
    }

    /// What a strategy gains in a domain.
    pub fn of(&self, strategy: Strategy, domain: &str) -> Option<&Gain> {
        self.gains.iter().find(|gain| gain.strategy == strategy && gain.domain == domain)
    }

    /// The strategy that gains the most in a domain, of those whose interval is wholly above nothing.
    pub fn best(&self, domain: &str) -> Option<&Gain> {
        let proven = self.gains.iter().filter(|gain| gain.domain == domain && gain.low > 0.0);
        proven.max_by(|a, b| a.difference.total_cmp(&b.difference))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gain(strategy: Strategy, difference: f64, low: f64) -> Gain {
        Gain { strategy, domain: "units".into(), n: 200, difference, low, high: difference + 0.1 }
    }

    #[test]
    fn only_a_gain_whose_interval_is_above_nothing_counts() {
        let mut measured = Measured::default();
        measured.gain(gain(Strategy::Vote, 0.05, -0.01));
        assert!(measured.best("units").is_none());
        measured.gain(gain(Strategy::Verify, 0.03, 0.01));
        assert_eq!(measured.best("units").map(|best| best.strategy), Some(Strategy::Verify));
        assert!(measured.best("words").is_none(), "a gain is of its domain");
        measured.gain(gain(Strategy::Verify, 0.03, -0.02));
        assert!(measured.best("units").is_none(), "measured anew, it is not there");
    }

    #[test]
    fn what_was_measured_is_there_again_and_a_spoilt_file_is_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::at(folder.path());
        home.prepare().unwrap();
        let mut measured = Measured::default();
        measured.count("a", "units", 90, 100);
        measured.save(&home).unwrap();
        assert_eq!(Measured::load(&home), measured);
        std::fs::write(home.measured_file(), b"{").unwrap();
        assert_eq!(Measured::load(&home), Measured::default());
    }
}
