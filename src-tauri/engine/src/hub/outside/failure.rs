//! What can go wrong between Lectern and a server outside it, with what to do.

use crate::words::Failure;
use std::time::Duration;

#[derive(Debug, thiserror::Error)]
pub enum OutsideError {
    /// News, not an error: the user stopped it.
    #[error("stopped by the user")]
    Stopped,
    /// Nothing was sent.
    #[error("nothing leaves Lectern now: {0}")]
    Inside(String),
    #[error("this expert is a file of this machine, no server")]
    NoServer,
    #[error("{0}")]
    Address(String),
    #[error("{host} cannot be reached: {why}")]
    Connection { host: String, why: String },
    #[error("{host} does not accept the key, or wants one{}", quoted(said))]
    Unauthorised { host: String, said: String },
    #[error("{host} has no {model}, or nothing at this address{}", quoted(said))]
    Absent { host: String, model: String, said: String },
    #[error("{host} asks for fewer requests{}{}", rest.map(|rest| format!("; it wants {} s of rest", rest.as_secs())).unwrap_or_default(), quoted(said))]
    TooMany { host: String, rest: Option<Duration>, said: String },
    #[error("{host} answered with status {status}{}", quoted(said))]
    Status { host: String, status: u16, said: String },
    #[error("{host} points to {there}, and neither question nor key is sent on")]
    Redirect { host: String, there: String },
    #[error("{host} did not answer as it should: {why}")]
    Garbled { host: String, why: String },
    #[error("{host} broke off in the middle of its answer: {why}")]
    BrokenOff { host: String, why: String },
    #[error("this way of asking needs the model itself, and a server only converses")]
    Unasked,
}

fn quoted(said: &str) -> String {
    if said.is_empty() { String::new() } else { format!(": \"{said}\"") }
}

impl OutsideError {
    pub fn code(&self) -> &'static str {
        match self {
            OutsideError::Stopped => "stopped",
            OutsideError::Inside(_) => "outside.off",
            OutsideError::NoServer => "outside.no_server",
            OutsideError::Address(_) => "outside.bad_address",
            OutsideError::Connection { .. } => "outside.connection",
            OutsideError::Unauthorised { .. } => "outside.unauthorised",
            OutsideError::Absent { .. } => "outside.absent",
            OutsideError::TooMany { .. } => "outside.too_many",
            OutsideError::Status { .. } => "outside.status",
            OutsideError::Redirect { .. } => "outside.redirect",
            OutsideError::Garbled { .. } => "outside.garbled",
            OutsideError::BrokenOff { .. } => "outside.broken_off",
            OutsideError::Unasked => "outside.unasked",
        }
    }

    pub fn fix(&self) -> &'static str {
        match self {
            OutsideError::Stopped => "Ask again when you like.",
            OutsideError::Inside(_) => {
                "Switch on what is off in the settings if questions may leave, or ask an expert of this machine."
            }
            OutsideError::NoServer => "Choose an expert that was added with an address.",
            OutsideError::Address(_) => "Remove the expert and add it again with the right address.",
            OutsideError::Connection { .. } => {
                "Check that the server runs and that this address is right, or ask an expert of this machine."
            }
            OutsideError::Unauthorised { .. } => {
                "Set the key of this server: `lectern experts key set NAME`."
            }
            OutsideError::Absent { .. } => {
                "Check the address and the model's name; `lectern experts served NAME` lists what it has."
            }
            OutsideError::TooMany { .. } => "Wait a little, or ask an expert of this machine.",
            OutsideError::Status { .. } => "Try again later, or ask an expert of this machine.",
            OutsideError::Redirect { .. } => "If you trust that address, add the expert with it.",
            OutsideError::Garbled { .. } => "Check that an OpenAI-compatible server is at this address.",
            OutsideError::BrokenOff { .. } => {
                "Ask again; if the server needs longer, raise `queue.silence_s` in the settings."
            }
            OutsideError::Unasked => "Ask it once, without this strategy, or ask an expert of this machine.",
        }
    }
}

impl From<OutsideError> for Failure {
    fn from(error: OutsideError) -> Failure {
        let (code, fix) = (error.code().into(), error.fix().into());
        Failure { code, message: error.to_string(), fix, detail: None }
    }
}
