//! Catalogue: models that are known to be good at something, by domain and by the memory of the machine. A list in the
//! repository: names alone. Commit, check sum, size and licence are the hub's to say, and are kept from the first use on.

use super::names::FileName;
use super::{Hub, HubError};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

const LIST: &str = include_str!("catalogue.json");

/// One recommendation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct Pick {
    pub title: String,
    pub repo: String,
    pub file: String,
    /// What it is good at, as the classifier names it.
    pub domains: Vec<String>,
    /// GB of memory of a machine on which it runs beside other programs.
    pub memory_gb: u32,
    /// One sentence: why this one.
    pub why: String,
    /// Billions of weights, as its maker names them. What the file takes is the hub's to say; this tells about what.
    pub billions: f64,
    /// Of a mixture: those that a token reads.
    #[serde(default)]
    pub active_billions: Option<f64>,
}

/// Every recommendation, in the order of the list.
pub fn catalogue() -> Vec<Pick> {
    // A test reads the list; one that cannot be read recommends nothing.
    serde_json::from_str(LIST).unwrap_or_default()
}

impl Hub {
    /// The file of a recommendation: at the commit of its first use here, else as it is on the hub now.
    pub fn picked(&self, pick: &Pick) -> Result<FileName, HubError> {
        let revision = self.ledger.pin(&pick.repo, &pick.file);
        FileName::new(&pick.repo, revision.as_deref().unwrap_or("main"), &pick.file)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hub::quantisation;
    use std::collections::BTreeSet;

    #[test]
    fn the_list_can_be_read_and_names_files_that_can_be_fetched() {
        let picks: Vec<Pick> = serde_json::from_str(LIST).unwrap();
        let mut seen = BTreeSet::new();
        for pick in &picks {
            FileName::new(&pick.repo, "main", &pick.file).unwrap();
            assert!(quantisation(&pick.file).is_some(), "{} does not say its quantisation", pick.file);
            assert!([8, 16, 32, 64].contains(&pick.memory_gb), "{}: {} GB", pick.title, pick.memory_gb);
            // Q4_K_M is 4.9 bits a weight: the file, with a seventh for a text, is inside 60 % of such a machine.
            let memory = pick.billions * 4.9 / 8.0 * 8.0 / 7.0;
            let most = 0.6 * f64::from(pick.memory_gb);
            assert!(pick.billions > 0.5 && memory < most, "{}: {memory:.1} of {most:.1} GB", pick.title);
            assert!(pick.active_billions.is_none_or(|active| active < pick.billions), "{}", pick.title);
            assert!(!pick.domains.is_empty() && !pick.why.is_empty(), "{}", pick.title);
            assert!(seen.insert((&pick.repo, &pick.file)), "{} is there twice", pick.file);
        }
        for domain in ["general", "code", "mathematics", "reasoning", "writing"] {
            for memory_gb in [8, 16, 32] {
                let fits =
                    |pick: &&Pick| pick.memory_gb <= memory_gb && pick.domains.iter().any(|d| d == domain);
                assert!(picks.iter().any(|pick| fits(&pick)), "nothing for {domain} in {memory_gb} GB");
            }
        }
    }
}
