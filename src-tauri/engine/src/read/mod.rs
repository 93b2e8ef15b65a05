//! Read: what kind of question this is, before anything is loaded for it.
//!
//! In:     the question as the user wrote it
//! Out:    its domain with a calibrated probability, its complexity 0 to 10, plain features of its text
//! Fails:  NoGate (this build carries no classifier), BadGate
//! Cost:   under 1 ms; the classifier is some 5 MB and always in memory
//! Source: hashed word and character n-grams with a linear head (fastText, arXiv:1607.01759)

mod features;

pub use features::features;

use crate::words::{DomainScore, Failure, NONE, Reading};
use runtime::classifier::{Classifier, ClassifierError};
use std::time::Instant;

#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    #[error("this build of Lectern carries no classifier, so it cannot tell which expert a question is for")]
    NoGate,
    #[error("the classifier cannot be read: {0}")]
    BadGate(#[from] ClassifierError),
}

impl From<ReadError> for Failure {
    fn from(error: ReadError) -> Self {
        let (code, fix) = match &error {
            ReadError::NoGate => ("no_gate", "Train it with `cargo xtask train gate` and build again."),
            ReadError::BadGate(_) => {
                ("bad_gate", "Install Lectern again: a file that belongs to it is damaged.")
            }
        };
        Failure { code: code.into(), message: error.to_string(), fix: fix.into(), detail: None }
    }
}

/// Reads questions with one classifier.
pub struct Reader {
    gate: Option<Classifier>,
}

impl Reader {
    /// `gate`: the bytes of a classifier file; `None` when the build has none (each question then fails with `NoGate`).
    pub fn new(gate: Option<&[u8]>) -> Result<Self, ReadError> {
        Ok(Reader { gate: gate.map(Classifier::load).transpose()? })
    }

    /// The domains that there are, without that of questions that belong to none.
    pub fn domains(&self) -> Vec<String> {
        let labels = self.gate.iter().flat_map(|gate| gate.labels());
        labels.filter(|label| *label != NONE).cloned().collect()
    }

    /// Domain, complexity and features of `text`. Domains come highest first and their probabilities sum to 1.
    pub fn read(&self, text: &str) -> Result<Reading, ReadError> {
        let begun = Instant::now();
        let gate = self.gate.as_ref().ok_or(ReadError::NoGate)?;
        let mut domains: Vec<DomainScore> = gate
            .probabilities(text)
            .into_iter()
            .map(|(domain, probability)| DomainScore { domain, probability })
            .collect();
        domains.sort_by(|a, b| b.probability.total_cmp(&a.probability));
        let (domain, confidence) = match domains.first() {
            Some(best) => (best.domain.clone(), best.probability),
            None => (NONE.to_owned(), 0.0),
        };
        Ok(Reading {
            domain,
            confidence,
            domains,
            complexity: gate.complexity(text).clamp(0.0, 10.0),
            features: features(text),
            elapsed_ms: begun.elapsed().as_secs_f32() * 1000.0,
        })
    }
}
