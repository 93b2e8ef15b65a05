//! The plain words that rooms hand each other. No behaviour beyond small conversions; every figure carries its unit
//! in its name. What crosses the bridge to the window derives `TS`; what the command line prints is the same data.

mod advice;
mod prompt;
mod ranked;
mod several;

pub use advice::{Advice, Advised, Difficulty, Origin};
pub use prompt::{Prompt, QUESTION, Shot, sentences};
pub use ranked::{Ranked, RankedExpert};
pub use several::{
    Aggregate, Called, Composed, Council, Draft, Group, Part, Reasoned, Step, StepKind, Strategy, Weight,
};

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// What somebody asks, with the choices that belong to this one question.
#[derive(Clone, Debug, Default, Serialize, Deserialize, TS)]
#[serde(default)]
pub struct Question {
    /// As the user wrote it. Routing always reads this.
    pub text: String,
    /// The conversation that it continues; `None` starts a new one.
    pub conversation: Option<String>,
    pub mode: Mode,
    /// Chosen by hand: routing is still traced, but this expert answers.
    pub expert: Option<String>,
    /// `false` asks without looking at past answers and documents, whatever the mode says.
    pub recall: bool,
    /// Whether the playbook is used; `None`: as the settings and the difficulty say.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub playbook: Option<bool>,
    /// Passages that the user took out for this question.
    pub without: Vec<String>,
    /// The answer that this one replaces (regenerate), if any.
    pub replaces: Option<String>,
    /// The part of the context's tokens that stays; `None` drops only what does not fit.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub ratio: Option<f32>,
    /// So many experts are asked, one after the other; `None` with an `aggregate`: 3, or 5 for a hard question.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub top_k: Option<u32>,
    /// How their answers become one; `None` without `top_k`: one expert is asked. `Auto`: as the question is.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub aggregate: Option<Aggregate>,
    /// Who writes the one answer of an ensemble, or joins parts; `None`: the best generalist, or the best for the whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub synthesis: Option<String>,
    /// How each expert is asked; `None`: once, or by what was measured to do better (in the mode Optimized).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub strategy: Option<Strategy>,
    pub max_tokens: Option<u32>,
    pub temperature: Option<f32>,
    #[ts(type = "number | null")]
    pub seed: Option<u64>,
    /// Asked to measure: nothing of it is stored, learned or counted. Never comes from outside of this process.
    #[serde(skip)]
    #[ts(skip)]
    pub trial: bool,
    /// One of many for which nobody sits and waits: the questions of people go first.
    #[serde(skip)]
    #[ts(skip)]
    pub batch: bool,
    /// Experts that take no part this time.
    #[serde(skip)]
    #[ts(skip)]
    pub excluding: Vec<String>,
    /// In what words the expert is asked; `None`: as those in use here say.
    #[serde(skip)]
    #[ts(skip)]
    pub prompt: Option<Prompt>,
}

impl Question {
    /// A question in the default mode, with recall.
    pub fn new(text: impl Into<String>) -> Self {
        Question { text: text.into(), recall: true, ..Question::default() }
    }

    /// Several experts are to be asked.
    pub fn is_for_several(&self) -> bool {
        self.top_k.is_some() || self.aggregate.is_some()
    }
}

/// Presets over the one path (R2). Each only sets where the stages start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Recall and compression.
    #[default]
    Optimized,
    /// Compression without recall.
    Fast,
    /// Neither.
    Basic,
}

impl Mode {
    pub const ALL: [Mode; 3] = [Mode::Optimized, Mode::Fast, Mode::Basic];

    pub fn name(self) -> &'static str {
        match self {
            Mode::Optimized => "optimized",
            Mode::Fast => "fast",
            Mode::Basic => "basic",
        }
    }
}

/// The domain of a question that belongs to none of those that the classifier was taught.
pub const NONE: &str = "none";

/// What reading the question found.
#[derive(Clone, Debug, Default, Serialize, Deserialize, TS)]
pub struct Reading {
    /// The most likely domain, `"none"` when the classifier knows that it is none of its own.
    pub domain: String,
    /// Calibrated probability of `domain`, 0 to 1.
    pub confidence: f32,
    /// Every domain with its probability, highest first.
    pub domains: Vec<DomainScore>,
    /// 0 (a fact) to 10 (long work).
    pub complexity: f32,
    pub features: Features,
    pub elapsed_ms: f32,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize, TS)]
pub struct DomainScore {
    pub domain: String,
    pub probability: f32,
}

/// Plain facts of a question's text.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, TS)]
pub struct Features {
    pub words: u32,
    pub characters: u32,
    pub numbers: u32,
    /// The most digits in one number.
    pub longest_number_digits: u32,
    pub operators: u32,
    pub has_code: bool,
    pub has_quotes: bool,
}

/// A past answer or a passage of a document that bears on the question.
#[derive(Clone, Debug, Default, Serialize, Deserialize, TS)]
pub struct Passage {
    /// The past answer's id, or the passage's.
    pub id: String,
    pub question: String,
    pub answer: String,
    pub expert: String,
    /// Unix time in milliseconds.
    #[ts(type = "number")]
    pub created: i64,
    /// Relevance after all terms, 0 to 1; at least the threshold.
    pub score: f32,
    pub bm25: f32,
    /// Of its meaning with that of the question; `None` without an encoder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub cosine: Option<f32>,
    pub rating: i32,
    /// Where it stands in a document; `None`: it is a past answer. Then `question` names the place for people, `answer`
    /// is the text as it stands there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub document: Option<DocumentPlace>,
}

/// A place in a document, so that what is cited can be opened.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, TS)]
pub struct DocumentPlace {
    /// The document's id.
    pub id: String,
    /// The file's name and where it lies.
    pub name: String,
    pub path: String,
    /// What stands above the passage; empty when nothing does.
    pub heading: String,
    /// From 1; `None` where the format has no pages.
    pub page: Option<u32>,
    /// First and last line, from 1; `None` where the format has no lines.
    pub lines: Option<(u32, u32)>,
}

impl DocumentPlace {
    /// As people name it: "report.pdf, page 3" or "notes.md, lines 4-9, Heating".
    pub fn in_words(&self) -> String {
        let mut words = self.name.clone();
        match (self.page, self.lines) {
            (Some(page), _) => words.push_str(&format!(", page {page}")),
            (None, Some((from, to))) if from == to => words.push_str(&format!(", line {from}")),
            (None, Some((from, to))) => words.push_str(&format!(", lines {from}-{to}")),
            (None, None) => {}
        }
        if !self.heading.is_empty() {
            words.push_str(&format!(", {}", self.heading));
        }
        words
    }
}

impl Passage {
    /// How it reads in a prompt; what is counted is what is sent.
    pub fn in_prompt(&self) -> String {
        if let Some(place) = &self.document {
            return format!("From {}:\n{}", place.in_words(), self.answer.trim());
        }
        format!("Question: {}\nAnswer: {}", self.question.trim(), self.answer.trim())
    }
}

/// Retrieve: what was looked at and what was kept.
#[derive(Clone, Debug, Default, Serialize, Deserialize, TS)]
pub struct Recalled {
    /// `false`: recall was off for this question.
    pub asked: bool,
    pub passages: Vec<Passage>,
    /// Past answers and passages that matched some word.
    pub considered: u32,
    /// Passages under this relevance are not shown.
    pub threshold: f32,
    /// Why the encoder that was chosen was not used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub without_meaning: Option<String>,
    pub elapsed_ms: f32,
}

/// Who answers, and why.
#[derive(Clone, Debug, Default, Serialize, Deserialize, TS)]
pub struct Plan {
    pub domain: String,
    /// Calibrated probability of `domain`, 0 to 1.
    pub confidence: f32,
    pub complexity: f32,
    /// Every expert that was ready, best first; the first one answers unless `by_hand` or `abstained`.
    pub experts: Vec<Candidate>,
    /// The expert that answers.
    pub chosen: String,
    /// No expert reached `min_confidence`: the generalist answers.
    pub abstained: bool,
    /// The user chose.
    pub by_hand: bool,
    pub min_confidence: f32,
    /// One sentence.
    pub reason: String,
    /// What the user's lessons say; `None` when they say nothing of this question.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub taught: Option<Taught>,
    pub elapsed_ms: f32,
}

/// What lessons say of a question. The gate of an expert is `(left · gate without them + right) · (1 − wrong)`, where
/// `left` is 1 minus all that is said for somebody.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, TS)]
pub struct Taught {
    /// Those that something is said of.
    pub experts: Vec<TaughtExpert>,
    /// Lessons that are like the question.
    pub lessons: u32,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, TS)]
pub struct TaughtExpert {
    pub name: String,
    /// Probability that it is the right one, and that it is a wrong one.
    pub right: f32,
    pub wrong: f32,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize, TS)]
pub struct Candidate {
    pub name: String,
    pub title: String,
    /// `0.6 gate + 0.4 self_assessment`, times 0.5 when overloaded, minus `swap`.
    pub score: f32,
    pub terms: Terms,
}

/// Every term of a score.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, TS)]
pub struct Terms {
    /// The classifier's probability of this expert's domains, and what lessons say ([`Taught`]).
    pub gate: f32,
    /// What the expert says of itself: `can_handle(question)`.
    #[serde(rename = "self")]
    pub self_assessment: f32,
    /// 1.0, or 0.5 when overloaded.
    pub load: f32,
    /// Subtracted: 0 for the seated expert, else the price of a swap.
    pub swap: f32,
}

/// Compress: the recalled context was made to fit.
#[derive(Clone, Debug, Default, Serialize, Deserialize, TS)]
pub struct Compressed {
    /// Tokens of the expert's own tokenizer, question and context.
    pub tokens_before: u32,
    pub tokens_after: u32,
    /// Passages given to the expert.
    pub kept: u32,
    pub dropped: u32,
    /// What was done, in one sentence.
    pub reason: String,
    /// How sentences were left out; `None` when none were.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub method: Option<String>,
    /// `tokens_after` of `tokens_before`.
    #[serde(default)]
    #[ts(as = "Option<f32>", optional)]
    pub ratio: f32,
    /// Nothing guarded was lost.
    #[serde(default)]
    #[ts(as = "Option<bool>", optional)]
    pub kept_guards: bool,
    pub elapsed_ms: f32,
}

/// One earlier question of the conversation and its answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Exchange {
    pub question: String,
    pub answer: String,
}

/// What goes to the expert beside the question.
#[derive(Clone, Debug, Default)]
pub struct Context {
    /// The question as it goes in, when its text had to be shortened.
    pub question: Option<String>,
    pub passages: Vec<Passage>,
    /// Oldest first.
    pub earlier: Vec<Exchange>,
    /// Bullets of the playbook; empty: none are given.
    pub advice: String,
}

/// Seat: the expert took the lectern.
#[derive(Clone, Debug, Default, Serialize, Deserialize, TS)]
pub struct Seated {
    pub expert: String,
    /// It was there already.
    pub was_seated: bool,
    /// Who left for it.
    pub left: Option<String>,
    /// Memory that came back when the last one left, measured.
    #[ts(type = "number")]
    pub freed_bytes: u64,
    /// Resident memory of the expert's process after loading, measured.
    #[ts(type = "number")]
    pub memory_bytes: u64,
    /// What the governor allows.
    #[ts(type = "number")]
    pub budget_bytes: u64,
    /// It is no process here: what becomes of the question, in words, with the host that it goes to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub outside: Option<String>,
    /// Where its layers are computed.
    #[serde(default)]
    pub placement: Placement,
    pub leave_ms: f32,
    pub load_ms: f32,
    pub elapsed_ms: f32,
}

/// Where an expert's layers are computed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, TS)]
pub struct Placement {
    /// The graphics processor's name; `None`: all is computed on the processor.
    pub device: Option<String>,
    /// Layers of the model, and how many of them are on the device.
    pub layers: u32,
    pub on_device: u32,
    /// Why there is no device, or why not all is there.
    pub why: Option<String>,
}

/// Generate: what the expert did.
#[derive(Clone, Debug, Default, Serialize, Deserialize, TS)]
pub struct Generated {
    pub prompt_tokens: u32,
    pub tokens: u32,
    pub first_token_ms: f32,
    pub tokens_per_s: f32,
    pub prompt_tokens_per_s: f32,
    /// Mean probability that the expert gave to the tokens it chose.
    pub confidence: f32,
    #[ts(type = "number")]
    pub peak_memory_bytes: u64,
    /// Of the prompt's tokens, those that the expert had read before, and where that was.
    #[serde(default)]
    pub cached_tokens: u32,
    #[serde(default)]
    pub cached_in: Option<Kept>,
    /// Those that it read now.
    #[serde(default)]
    pub read_tokens: u32,
    /// Oldest tokens that were dropped because the conversation outgrew the expert's context.
    #[serde(default)]
    pub shifted: u32,
    /// The most questions that the expert answered in the same passes, this one included; 0: it was stopped before one.
    #[serde(default)]
    pub together: u32,
    /// `"end"`, `"length"` or `"stopped"`.
    pub finish: Finish,
    pub elapsed_ms: f32,
}

/// Where an expert has what it had read before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Kept {
    /// In its process: it was not away.
    Seat,
    /// In a saved state: it has come back.
    State,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Finish {
    /// The expert said that it is done.
    #[default]
    End,
    /// The token limit cut it.
    Length,
    /// The user stopped it.
    Stopped,
}

/// Learn: what became of the answer.
#[derive(Clone, Debug, Default, Serialize, Deserialize, TS)]
pub struct Learned {
    /// Kept as a past answer that later questions may recall.
    pub stored: bool,
    /// Why not, when not.
    pub why_not: Option<String>,
    pub elapsed_ms: f32,
}

/// Everything that happened on the way.
#[derive(Clone, Debug, Default, Serialize, Deserialize, TS)]
pub struct Trace {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub mode: Option<Mode>,
    /// Questions that waited or were being answered when this one was routed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub waiting: Option<u32>,
    pub read: Reading,
    pub retrieve: Recalled,
    /// `chosen` is who was asked in the end.
    pub route: Plan,
    /// Why it was asked of several, or of one; `None`: that was not left open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub composed: Option<Composed>,
    /// How hard it is for who was asked; `None`: it came to nobody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub difficulty: Option<Difficulty>,
    /// What the playbook gave; `None`: it was not looked into.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub advice: Option<Box<Advice>>,
    /// Who was asked before, and why it did not answer.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[ts(as = "Option<Vec<PassedOver>>", optional)]
    pub passed_over: Vec<PassedOver>,
    pub seat: Seated,
    pub compress: Compressed,
    pub generate: Generated,
    /// The number of the prompt that it was asked with; `None`: as its manifest has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional, type = "number")]
    pub prompt: Option<i64>,
    /// A strategy asked the expert; `None`: it was asked once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub reason: Option<Reasoned>,
    /// Several experts were asked: what stands above from `difficulty` on is of the one whose text the answer is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub council: Option<Box<Council>>,
    pub learn: Learned,
    pub total_ms: f32,
    /// The stage in which the user stopped it; the stages after it never ran and hold their empty values.
    #[serde(default)]
    pub stopped_in: Option<Stage>,
}

/// An expert that was chosen and could not answer: the next one of the plan did.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct PassedOver {
    pub expert: String,
    pub title: String,
    pub failure: Failure,
}

/// The rooms in the order that a question meets them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    Read,
    Retrieve,
    Route,
    Seat,
    Compress,
    Generate,
    Learn,
}

/// One answer with its trace.
#[derive(Clone, Debug, Default, Serialize, Deserialize, TS)]
pub struct Answer {
    pub id: String,
    pub conversation: String,
    pub question: String,
    pub answer: String,
    pub expert: String,
    pub trace: Trace,
    /// Tokens generated.
    pub tokens: u32,
    pub stopped: bool,
    /// The expert said that it cannot do this.
    pub refused: bool,
    /// The user's thumb: 1, -1, or 0 for none.
    #[serde(default)]
    pub rating: i32,
    /// Unix time in milliseconds.
    #[ts(type = "number")]
    pub created: i64,
}

/// What the window and `--json` get of any error: a stable code, what happened, what to do, and details.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct Failure {
    pub code: String,
    pub message: String,
    pub fix: String,
    pub detail: Option<String>,
}
