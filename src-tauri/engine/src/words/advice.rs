//! What an expert is told beside the question, and how hard the question is for it.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// Where a bullet comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// Somebody wrote it.
    #[default]
    User,
    /// From a good answer beside a bad one.
    Reflector,
    /// From elsewhere.
    Pack,
}

impl Origin {
    pub fn name(self) -> &'static str {
        match self {
            Origin::User => "user",
            Origin::Reflector => "reflector",
            Origin::Pack => "pack",
        }
    }
}

/// One bullet, or one trajectory, as it was given.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, TS)]
pub struct Advised {
    #[ts(type = "number")]
    pub id: i64,
    /// Of a trajectory: the form of the questions that it is for; of a bullet, empty.
    pub title: String,
    pub text: String,
    pub origin: Origin,
    /// Of a trajectory: whether it led to a good answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub good: Option<bool>,
    /// Likeness to the question, 0 to 1, by words and, with an encoder, by meaning.
    pub score: f32,
}

/// Playbook: what was put beside the question.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, TS)]
pub struct Advice {
    /// Read by the expert, best first.
    pub bullets: Vec<Advised>,
    /// For attempts to be compared with; the expert does not read them.
    pub trajectories: Vec<Advised>,
    /// Bullets of the domain that are in use.
    pub considered: u32,
    /// Of the bullets that were read, by the expert's own tokenizer.
    pub tokens: u32,
    /// Why some or all were left out.
    pub left_out: Option<String>,
    pub elapsed_ms: f32,
}

impl Advice {
    /// How the bullets read in a prompt; empty when there are none.
    pub fn in_prompt(&self) -> String {
        if self.bullets.is_empty() {
            return String::new();
        }
        let lines: String = self.bullets.iter().map(|bullet| format!("- {}\n", bullet.text)).collect();
        format!("Rules that helped with such questions:\n{lines}\n")
    }

    /// All that was used.
    pub fn ids(&self) -> Vec<i64> {
        self.bullets.iter().chain(&self.trajectories).map(|used| used.id).collect()
    }
}

/// How hard a question is for an expert: `value = 1 − 1 / (1 + exp(−discrimination (ability − difficulty)))`, the
/// probability that it gets it wrong.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, TS)]
pub struct Difficulty {
    /// `None`: not measured, `n` answers to questions of this cluster are fewer than `least`.
    pub value: Option<f32>,
    /// `None`: `expert_n` answers of this expert in this domain are fewer than `least`; it counts as average, 0.
    pub ability: Option<f32>,
    pub ability_error: Option<f32>,
    pub difficulty: Option<f32>,
    pub discrimination: Option<f32>,
    pub n: u32,
    pub expert_n: u32,
    pub least: u32,
    /// What follows from it, in one sentence.
    pub gate: String,
}
