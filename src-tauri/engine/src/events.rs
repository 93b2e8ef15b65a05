//! Two streams out: [`AnswerEvent`] of one answer, whose variants mirror the rooms in the order that a question meets
//! them, and [`News`], whole states of the app, never deltas to reconcile.

use crate::words::{
    Answer, Called, Composed, Compressed, Council, Draft, Failure, Generated, PassedOver, Plan, Reading,
    Reasoned, Recalled, Seated, Step, StepKind,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use ts_rs::TS;

/// One answer as it happens. The last event is `Done` or `Failed`.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum AnswerEvent {
    /// The answer's id and its conversation, before anything else.
    Begun {
        id: String,
        conversation: String,
    },
    Read(Reading),
    Retrieved(Recalled),
    Routed(Plan),
    /// This expert could not answer and the next one is asked; a new `Routed` follows, and text from the beginning.
    PassedOver(PassedOver),
    /// Whether several are asked and how, where that was left open.
    Composed(Composed),
    /// A council: this expert is asked now. What follows is of its draft, from the beginning.
    Called(Called),
    /// The seat changes hands: what it is now. Repeats while memory drains and fills.
    Seating(Seat),
    Seated(Seated),
    Compressed(Compressed),
    /// A strategy: the expert is asked this now. Text that follows is of this step, from the beginning.
    Asked {
        step: StepKind,
        prompt: String,
    },
    /// More text of the answer; in a council of the draft, in a strategy of the step.
    Text {
        piece: String,
    },
    /// A strategy: the step is complete.
    Step(Step),
    /// A strategy: all of its steps, and what came of them.
    Reasoned(Reasoned),
    Generated(Generated),
    /// A council: the draft is complete, or its expert is absent.
    Drafted(Box<Draft>),
    /// A council: all drafts, and what came of them.
    Joined(Box<Council>),
    Done {
        answer: Box<Answer>,
    },
    Failed {
        failure: Failure,
    },
}

/// Who stands at the lectern. One thread owns it; these are copies.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, TS)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Seat {
    #[default]
    Empty,
    Loading {
        expert: String,
        title: String,
        #[ts(type = "number")]
        memory_bytes: u64,
        /// What it is expected to take when loaded.
        #[ts(type = "number")]
        expected_bytes: u64,
    },
    Taken {
        expert: String,
        title: String,
        #[ts(type = "number")]
        memory_bytes: u64,
        pid: u32,
        busy: bool,
        /// Of the last answer here; `None` until measured.
        tokens_per_s: Option<f32>,
    },
    /// Nobody stands there, and questions wait: a model is worked on, and has the memory.
    Lent {
        what: String,
    },
    Leaving {
        expert: String,
        title: String,
        #[ts(type = "number")]
        memory_bytes: u64,
    },
    Failed {
        expert: String,
        failure: Failure,
    },
}

/// Whole states of the app.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum News {
    Seat {
        seat: Seat,
        #[ts(type = "number")]
        budget_bytes: u64,
    },
    Queue {
        queue: Queue,
    },
}

/// Questions that are on their way to the lectern or stand there.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, TS)]
pub struct Queue {
    /// By expert, those that it answers now included.
    pub waiting: BTreeMap<String, u32>,
    /// Those that the seated expert answers now.
    pub answering: u32,
    /// Experts that failed too often and are not asked for a while.
    pub resting: Vec<String>,
    pub traffic: Traffic,
}

/// What the queue came to since the lectern was opened.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, TS)]
pub struct Traffic {
    /// Questions that had their turn.
    #[ts(type = "number")]
    pub turns: u64,
    /// Answers that were computed in the same passes as others.
    #[ts(type = "number")]
    pub together: u64,
    /// Time that they waited for their turn, loads included.
    pub waited_ms: f64,
    /// Experts that were loaded.
    #[ts(type = "number")]
    pub loads: u64,
    /// Loads that the order of arrival would have cost, less those that the queue's order cost: exact when nobody waits.
    #[ts(type = "number")]
    pub loads_saved: i64,
    /// The most questions that waited at once, those at the lectern included.
    pub deepest: u32,
}
