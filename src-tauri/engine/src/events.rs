//! Two streams out: [`AnswerEvent`] of one answer, whose variants mirror the rooms in the order that a question meets
//! them, and [`News`], whole states of the app, never deltas to reconcile.

use crate::words::{
    Answer, Called, Compressed, Council, Draft, Failure, Generated, PassedOver, Plan, Reading, Reasoned,
    Recalled, Seated, Step, StepKind,
};
use serde::{Deserialize, Serialize};
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
}
