//! Data: the texts that the starters learn from, written by the lab itself.

pub mod arithmetic;
pub mod code;
pub mod public;
pub mod refusals;
pub mod requests;
pub mod units;
pub mod wording;
pub mod words;

use crate::LabError;
use rand_chacha::ChaCha8Rng;

/// One question with its reference answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Example {
    pub question: String,
    pub answer: String,
    /// 0 (a fact) to 10 (long work).
    pub complexity: f32,
    pub task: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Split {
    Train,
    /// Other wordings and other numbers.
    HeldOut,
}

/// An endless source of examples, a pure function of the generator's state.
pub trait Corpus {
    fn name(&self) -> &'static str;
    fn domain(&self) -> &'static str;
    fn sample(&self, rng: &mut ChaCha8Rng, split: Split) -> Example;
    /// Whether `answer` says what the reference says.
    fn correct(&self, example: &Example, answer: &str) -> bool;
}

/// A corpus without what it refuses for being another's: for a model that answers them all.
pub struct Own(pub Box<dyn Corpus>);

impl Corpus for Own {
    fn name(&self) -> &'static str {
        self.0.name()
    }

    fn domain(&self) -> &'static str {
        self.0.domain()
    }

    fn sample(&self, rng: &mut ChaCha8Rng, split: Split) -> Example {
        loop {
            let example = self.0.sample(rng, split);
            if example.task != refusals::TASK {
                return example;
            }
        }
    }

    fn correct(&self, example: &Example, answer: &str) -> bool {
        self.0.correct(example, answer)
    }
}

pub fn corpus(name: &str) -> Result<Box<dyn Corpus>, LabError> {
    match name {
        "arithmetic" => Ok(Box::new(arithmetic::Arithmetic)),
        "code" => Ok(Box::new(code::Code)),
        "everyday" => Ok(Box::new(refusals::Everyday)),
        "units" => Ok(Box::new(units::Units)),
        "words" => Ok(Box::new(words::Words)),
        other => Err(LabError::NoRecipe(other.into())),
    }
}
