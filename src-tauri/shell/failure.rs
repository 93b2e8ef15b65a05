//! Failures of the shell's own making. Rooms bring theirs; this file only gives shape to the few that arise at the edge.

use engine::words::Failure;

pub fn failure(code: &str, message: &str, fix: &str) -> Draft {
    Draft(Failure { code: code.to_owned(), message: message.to_owned(), fix: fix.to_owned(), detail: None })
}

/// A failure that may still get a detail.
pub struct Draft(Failure);

impl Draft {
    pub fn with(self, detail: String) -> Failure {
        Failure { detail: Some(detail), ..self.0 }
    }
}

impl From<Draft> for Failure {
    fn from(draft: Draft) -> Failure {
        draft.0
    }
}
