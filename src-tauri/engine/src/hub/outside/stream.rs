//! An answer as a server streams it: events with pieces of JSON, the last one `[DONE]`. Nothing in it is trusted: its
//! length, its lines and its figures have limits.

use super::OutsideError;
use crate::hub::client::{Reply, authority};
use eventsource_stream::{EventStream, EventStreamError};
use futures_core::Stream;
use runtime::host::{Finish, Finished};
use serde::Deserialize;
use std::io::Read;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Instant;

/// Of one answer with all that is around its words; the longest books have a tenth of it.
const MOST: u64 = 32 << 20;
/// Between two line breaks: one piece of an answer has some hundred bytes.
const LINE: usize = 1 << 20;

#[derive(Deserialize)]
struct Chunk {
    #[serde(default)]
    choices: Vec<Choice>,
    usage: Option<Usage>,
    error: Option<serde_json::Value>,
}

#[derive(Deserialize)]
struct Choice {
    delta: Option<Said>,
    /// Of a server that does not stream.
    message: Option<Said>,
    finish_reason: Option<String>,
}

#[derive(Deserialize)]
struct Said {
    content: Option<String>,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(default)]
struct Usage {
    prompt_tokens: u32,
    completion_tokens: u32,
}

/// The body in the pieces in which it comes. It is always ready: reading waits.
struct Pieces<R> {
    body: R,
    read: u64,
    /// Bytes since the last line break.
    line: usize,
}

impl<R: Read + Unpin> Stream for Pieces<R> {
    type Item = std::io::Result<Vec<u8>>;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut piece = vec![0; 16 << 10];
        Poll::Ready(match self.body.read(&mut piece) {
            Ok(0) => None,
            Err(error) => Some(Err(error)),
            Ok(read) => {
                piece.truncate(read);
                self.read += read as u64;
                let end = piece.iter().rposition(|byte| *byte == b'\n');
                self.line = end.map_or(self.line + read, |end| read - 1 - end);
                let what = if self.line > LINE { "a line" } else { "the answer" };
                match self.line > LINE || self.read > MOST {
                    true => Some(Err(std::io::Error::other(format!("{what} has no end")))),
                    false => Some(Ok(piece)),
                }
            }
        })
    }
}

/// What the answer has come to so far.
struct Answer<'a> {
    text: String,
    usage: Option<Usage>,
    finish: Option<Finish>,
    begun: Instant,
    /// Of the first and the last piece.
    times: Option<(Instant, Instant)>,
    on_piece: &'a mut dyn FnMut(&str),
}

/// Reads the answer to its end. `begun`: when it was asked for.
pub(super) fn read(
    reply: Reply,
    begun: Instant,
    on_piece: &mut dyn FnMut(&str),
) -> Result<Finished, OutsideError> {
    let host = authority(&reply.url);
    let is_stream = reply.header("content-type").is_some_and(|kind| kind.starts_with("text/event-stream"));
    let mut answer = Answer { text: String::new(), usage: None, finish: None, begun, times: None, on_piece };
    if !is_stream {
        let text = reply.whole()?;
        answer.hear(&String::from_utf8_lossy(&text), &host)?;
        return answer.finished(&host);
    }
    let mut events = EventStream::new(Pieces { body: reply, read: 0, line: 0 });
    let mut context = Context::from_waker(Waker::noop());
    while let Poll::Ready(Some(event)) = Pin::new(&mut events).poll_next(&mut context) {
        let event = event.map_err(|error| broken(&host, error))?;
        if event.data.trim() == "[DONE]" {
            answer.finish.get_or_insert(Finish::End);
            break;
        }
        answer.hear(&event.data, &host)?;
    }
    answer.finished(&host)
}

impl Answer<'_> {
    fn hear(&mut self, data: &str, host: &str) -> Result<(), OutsideError> {
        let garbled = |why: String| OutsideError::Garbled { host: host.into(), why };
        let chunk: Chunk =
            serde_json::from_str(data).map_err(|error| garbled(format!("it said no JSON: {error}")))?;
        if let Some(error) = &chunk.error {
            let why = message_of(&serde_json::json!({ "error": error }))
                .unwrap_or_else(|| "it names no reason".into());
            return Err(OutsideError::BrokenOff { host: host.into(), why: why.chars().take(300).collect() });
        }
        // The last figures count: some servers give them with each piece.
        self.usage = chunk.usage.or(self.usage);
        let Some(choice) = chunk.choices.into_iter().next() else { return Ok(()) };
        let said = choice.delta.or(choice.message).and_then(|said| said.content).unwrap_or_default();
        if !said.is_empty() {
            let now = Instant::now();
            self.times = Some((self.times.map_or(now, |(first, _)| first), now));
            (self.on_piece)(&said);
            self.text.push_str(&said);
        }
        self.finish = match choice.finish_reason.as_deref() {
            None => self.finish,
            Some("length") => Some(Finish::Length),
            Some(_) => Some(Finish::End),
        };
        Ok(())
    }

    fn finished(self, host: &str) -> Result<Finished, OutsideError> {
        let Answer { text, usage, finish, begun, times, .. } = self;
        let Some(finish) = finish else {
            let why = "it ended before it said that it is done".into();
            return Err(OutsideError::BrokenOff { host: host.into(), why });
        };
        let Usage { prompt_tokens, completion_tokens: tokens } = usage.unwrap_or_default();
        let (first, last) = times.unwrap_or((begun, begun));
        let seconds = last.duration_since(first).as_secs_f32();
        let tokens_per_s = if tokens > 1 && seconds > 0.0 { (tokens - 1) as f32 / seconds } else { 0.0 };
        let first_token_ms = first.duration_since(begun).as_secs_f32() * 1000.0;
        let read_tokens = prompt_tokens;
        Ok(Finished {
            prompt_tokens,
            read_tokens,
            tokens,
            first_token_ms,
            tokens_per_s,
            ..bare(text, finish)
        })
    }
}

/// An answer of which nobody knows a figure: a server tells no memory and no probabilities.
pub(super) fn bare(text: String, finish: Finish) -> Finished {
    Finished {
        text,
        ids: Vec::new(),
        prompt_tokens: 0,
        cached_tokens: 0,
        read_tokens: 0,
        shifted: 0,
        drafted: 0,
        accepted: 0,
        tokens: 0,
        together: 0,
        first_token_ms: 0.0,
        prompt_tokens_per_s: 0.0,
        tokens_per_s: 0.0,
        mean_probability: 0.0,
        finish,
        peak_memory_bytes: 0,
        note: None,
        lost_expert: false,
    }
}

fn broken(host: &str, error: EventStreamError<std::io::Error>) -> OutsideError {
    let host = host.to_owned();
    match error {
        EventStreamError::Transport(error) => OutsideError::BrokenOff { host, why: error.to_string() },
        EventStreamError::Utf8(_) => OutsideError::Garbled { host, why: "its text is no UTF-8".into() },
        EventStreamError::Parser(_) => OutsideError::Garbled { host, why: "its lines are no events".into() },
    }
}

/// `{"error": {"message": "…"}}` or `{"error": "…"}`.
pub(super) fn message_of(json: &serde_json::Value) -> Option<String> {
    let error = json.get("error")?;
    error.get("message").unwrap_or(error).as_str().map(str::to_owned)
}
