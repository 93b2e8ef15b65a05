//! What goes between rooms when an answer is more than one text of one expert: strategies and councils.

use super::{Advice, Difficulty, Failure, Generated, Seated};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// How one expert is asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum Strategy {
    /// Once, and what comes is the answer.
    #[default]
    Direct,
    /// The question in parts, each solved, then joined.
    Steps,
    /// Several attempts; the one that goes like past answers that were good.
    Guided,
    /// Attempts that replace the answer only where they lower its energy.
    Refine,
    /// The answer is checked, and overturned when two checks disagree with it.
    Verify,
    /// Understand, plan, solve, verify, finish.
    MultiStage,
    /// Several samples, the answer that most of them give.
    Vote,
}

impl Strategy {
    pub const ALL: [Strategy; 7] = [
        Strategy::Direct,
        Strategy::Steps,
        Strategy::Guided,
        Strategy::Refine,
        Strategy::Verify,
        Strategy::MultiStage,
        Strategy::Vote,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Strategy::Direct => "direct",
            Strategy::Steps => "steps",
            Strategy::Guided => "guided",
            Strategy::Refine => "refine",
            Strategy::Verify => "verify",
            Strategy::MultiStage => "multi-stage",
            Strategy::Vote => "vote",
        }
    }
}

/// How several drafts become one answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Aggregate {
    /// The answer that most experts give.
    #[default]
    Voting,
    /// The answer with the most weight behind it.
    Weighted,
    /// Each expert improves the answer before it.
    Sequential,
    /// One expert reads all answers and writes one.
    Ensemble,
    /// Each part of the question is answered by its own expert, then they are joined.
    Hierarchical,
    /// One of these, or none, as the question is: no council sits by it.
    Auto,
}

impl Aggregate {
    pub const ALL: [Aggregate; 6] = [
        Aggregate::Voting,
        Aggregate::Weighted,
        Aggregate::Sequential,
        Aggregate::Ensemble,
        Aggregate::Hierarchical,
        Aggregate::Auto,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Aggregate::Voting => "voting",
            Aggregate::Weighted => "weighted",
            Aggregate::Sequential => "sequential",
            Aggregate::Ensemble => "ensemble",
            Aggregate::Hierarchical => "hierarchical",
            Aggregate::Auto => "auto",
        }
    }
}

/// One thing that a strategy asked of the expert.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, TS)]
pub struct Step {
    pub step: StepKind,
    /// What the expert was asked; empty when it was the question itself.
    pub prompt: String,
    pub text: String,
    /// What the text comes to.
    pub says: String,
    /// What the strategy judges by; what it is stands in `note`.
    pub score: Option<f32>,
    /// It is part of what became the answer.
    pub accepted: bool,
    pub note: String,
    pub tokens: u32,
    pub elapsed_ms: f32,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum StepKind {
    #[default]
    Answer,
    Sample,
    Understand,
    Plan,
    Part,
    Check,
    Improve,
    Join,
}

/// Reason: what a strategy did with the seated expert.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, TS)]
pub struct Reasoned {
    pub strategy: Strategy,
    /// Why this one.
    pub why: String,
    pub steps: Vec<Step>,
    /// What came of it, in one sentence.
    pub outcome: String,
    /// Why it came down to asking once, when it did.
    pub fell_back: Option<String>,
    /// The answer is another than the one that asking once gave.
    pub changed_answer: bool,
    /// Lines of the first answer that went (`- `) and that came (`+ `).
    pub diff: Vec<String>,
    /// Generated in all.
    pub tokens: u32,
    pub elapsed_ms: f32,
}

/// How a question that left it open is answered.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Composed {
    /// `None`: by one expert.
    pub aggregate: Option<Aggregate>,
    /// Experts that it takes; 0: as many as the parts of the question have, or one.
    pub k: u32,
    /// One sentence.
    pub why: String,
}

/// A part of a question that an expert was asked in the place of the whole.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, TS)]
#[ts(rename = "QuestionPart")]
pub struct Part {
    /// Its place in the question, from 1.
    pub place: u32,
    pub text: String,
    /// As it was read.
    pub domain: String,
}

/// A council: an expert that is asked now.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Called {
    pub expert: String,
    pub title: String,
    /// Its place, from 1, and how many there are.
    pub at: u32,
    pub of: u32,
}

/// What one expert of a council said.
#[derive(Clone, Debug, Default, Serialize, Deserialize, TS)]
pub struct Draft {
    pub expert: String,
    pub title: String,
    pub answer: String,
    /// What it comes to: what is counted.
    pub says: String,
    pub weight: Weight,
    /// Mean probability that the expert gave to its tokens.
    pub confidence: f32,
    /// The expert said that it cannot do this: it has no vote.
    pub refused: bool,
    /// Why it is absent.
    pub absent: Option<Failure>,
    /// It was shown the answer before it.
    pub shown_answer: bool,
    /// What it was asked, where that was not the whole question.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub part: Option<Part>,
    /// How hard the question is for this expert, and what the playbook told it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub difficulty: Option<Difficulty>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub advice: Option<Box<Advice>>,
    pub seat: Seated,
    pub generate: Generated,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub reason: Option<Reasoned>,
    pub elapsed_ms: f32,
}

/// `accuracy · route`: what a draft counts in a weighted council, and in a tie.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, TS)]
pub struct Weight {
    pub weight: f32,
    /// (right + prior · share) / (n + n of the prior) in this domain.
    pub accuracy: f32,
    /// Questions behind it.
    pub n: u32,
    /// Where they were measured.
    pub source: String,
    /// The route's score, at least 0.
    pub route: f32,
}

/// Drafts that say the same.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, TS)]
pub struct Group {
    pub says: String,
    pub experts: Vec<String>,
    pub votes: u32,
    pub weight: f32,
}

/// Aggregate: several experts, one answer.
#[derive(Clone, Debug, Default, Serialize, Deserialize, TS)]
pub struct Council {
    pub aggregate: Aggregate,
    /// Experts that were to be asked, and why so many.
    pub k: u32,
    pub why: String,
    /// In the order in which they took the lectern, absent ones included.
    pub drafts: Vec<Draft>,
    /// What was said, most support first; a second one is a conflict.
    pub groups: Vec<Group>,
    /// Part of the votes for the answer; of the weight in a weighted council; of a hierarchical one's parts, those that
    /// have an answer.
    pub agreement: f32,
    /// Whose text the answer is.
    pub speaker: String,
    /// How it was decided, in one sentence.
    pub outcome: String,
    /// Why another way was gone than the one that was asked for.
    pub fell_back: Option<String>,
    /// Who named the parts of the question, and how; `None`: they stand in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub listed: Option<Box<Draft>>,
    /// The answer that was written from the others, also when it was not taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub synthesis: Option<Box<Draft>>,
    /// Experts that were loaded, and those of them for whom another one left.
    pub loads: u32,
    pub swaps: u32,
    /// Generated in all.
    pub tokens: u32,
    pub elapsed_ms: f32,
}

impl Council {
    /// All that was generated for it.
    pub fn heard(&self) -> impl Iterator<Item = &Draft> {
        self.listed.as_deref().into_iter().chain(&self.drafts).chain(self.synthesis.as_deref())
    }

    pub fn heard_mut(&mut self) -> impl Iterator<Item = &mut Draft> {
        let listed = self.listed.as_deref_mut().into_iter();
        listed.chain(&mut self.drafts).chain(self.synthesis.as_deref_mut())
    }
}
