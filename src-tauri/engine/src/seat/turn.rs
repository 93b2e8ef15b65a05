//! A turn at the lectern: one question has the seated expert's ear until the turn is dropped.

use super::board::Waiting;
use super::owner::Word;
use super::{LOOK, SeatError};
use crate::words::{Finish, Generated, Kept, Seated};
use runtime::generate;
use runtime::host::{Finished, HostError, Request};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

/// How long the owner may take to report how a stopped answer ended, before the asker goes without that report.
const GRACE: Duration = Duration::from_millis(120);

/// What a turn asks of the thread that owns the expert.
pub(super) enum Work {
    Count {
        text: String,
        stop: Arc<AtomicBool>,
        reply: Sender<Result<Option<u32>, HostError>>,
    },
    Generate {
        request: Request,
        conversation: Option<String>,
        stop: Arc<AtomicBool>,
        /// It was stopped because it took too long.
        late: Arc<AtomicBool>,
        says: Sender<Says>,
    },
}

impl Work {
    /// It cannot be done.
    pub(super) fn refuse(self, error: HostError) {
        // Whoever no longer listens does not mind.
        match self {
            Work::Count { reply, .. } => drop(reply.send(Err(error))),
            Work::Generate { says, .. } => {
                drop(says.send(Says::Ended { finished: Err(error), came_back: false }));
            }
        }
    }
}

/// Where a turn says what it asks. Dropping it ends the turn.
pub(super) struct Desk {
    turn: u64,
    words: Sender<Word>,
}

impl Desk {
    pub(super) fn new(turn: u64, words: Sender<Word>) -> Desk {
        Desk { turn, words }
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        // An owner that is gone has ended the turn already.
        let _ = self.words.send(Word::Over { turn: self.turn });
    }
}

/// What the expert says.
pub(super) enum Says {
    Piece(String),
    /// `came_back`: it had what it had read from a saved state.
    Ended {
        finished: Result<Finished, HostError>,
        came_back: bool,
    },
}

pub struct Turn {
    seated: Seated,
    title: String,
    context_length: u32,
    /// Seconds that one answer may take.
    limit: u32,
    desk: Desk,
    _waiting: Waiting,
}

impl Turn {
    pub(super) fn new(
        seated: Seated,
        title: String,
        context_length: u32,
        limit: u32,
        desk: Desk,
        waiting: Waiting,
    ) -> Self {
        Turn { seated, title, context_length, limit, desk, _waiting: waiting }
    }

    /// How the expert came to the seat.
    pub fn seated(&self) -> &Seated {
        &self.seated
    }

    /// Tokens that the expert can read and write in all.
    pub fn context_length(&self) -> u32 {
        self.context_length
    }

    /// Tokens of `text` by the expert's own tokenizer.
    pub fn count_tokens(&self, text: &str, stop: &Arc<AtomicBool>) -> Result<u32, SeatError> {
        let (reply, answer) = channel();
        self.ask(Work::Count { text: text.to_owned(), stop: Arc::clone(stop), reply })?;
        loop {
            match answer.recv_timeout(LOOK) {
                Ok(Ok(counted)) => return counted.ok_or(SeatError::Stopped),
                Ok(Err(source)) => return Err(self.failed(source)),
                Err(RecvTimeoutError::Disconnected) => return Err(SeatError::Closed),
                Err(RecvTimeoutError::Timeout) if stop.load(Ordering::Relaxed) => {
                    return Err(SeatError::Stopped);
                }
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
    }

    /// The expert answers; `on_piece` hears the text as it comes. What it has read of `conversation` before it does not
    /// read again. When `stop` is set, what there is so far comes back with `Finish::Stopped`, whether or not the expert's
    /// process has obeyed by then. After the turn's limit it is stopped as well, and that is an error.
    pub fn generate(
        &self,
        request: Request,
        conversation: Option<&str>,
        stop: &Arc<AtomicBool>,
        on_piece: &mut dyn FnMut(&str),
    ) -> Result<(String, Generated), SeatError> {
        let begun = Instant::now();
        let (says, heard) = channel();
        let conversation = conversation.map(str::to_owned);
        // The expert hears this one: it is set when the asker stops, and when he has waited too long.
        let (end, late) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        let limit = Duration::from_secs(self.limit.into());
        let work =
            Work::Generate { request, conversation, stop: Arc::clone(&end), late: Arc::clone(&late), says };
        self.ask(work)?;
        let mut text = String::new();
        let mut stopped_at: Option<Instant> = None;
        loop {
            let stopped = stop.load(Ordering::Relaxed);
            if !stopped && begun.elapsed() > limit {
                late.store(true, Ordering::Relaxed);
            }
            if stopped || late.load(Ordering::Relaxed) {
                end.store(true, Ordering::Relaxed);
            }
            match heard.recv_timeout(LOOK) {
                Ok(Says::Piece(piece)) => {
                    on_piece(&piece);
                    text.push_str(&piece);
                }
                Ok(Says::Ended { finished: Ok(_), .. }) if late.load(Ordering::Relaxed) => {
                    return Err(self.too_slow());
                }
                Ok(Says::Ended { finished: Ok(finished), came_back }) => {
                    let generated = generated(&finished, came_back, begun);
                    return Ok((finished.text, generated));
                }
                Ok(Says::Ended { finished: Err(_), .. }) if stop.load(Ordering::Relaxed) => {
                    return Ok((text, cut_off(begun)));
                }
                Ok(Says::Ended { finished: Err(source), .. }) => return Err(self.failed(source)),
                Err(RecvTimeoutError::Disconnected) => return Err(SeatError::Closed),
                Err(RecvTimeoutError::Timeout) => {}
            }
            if end.load(Ordering::Relaxed) && stopped_at.get_or_insert_with(Instant::now).elapsed() > GRACE {
                let ended =
                    if late.load(Ordering::Relaxed) { Err(self.too_slow()) } else { Ok(cut_off(begun)) };
                return ended.map(|generated| (text, generated));
            }
        }
    }

    fn ask(&self, work: Work) -> Result<(), SeatError> {
        self.desk.words.send(Word::Work { turn: self.desk.turn, work }).map_err(|_| SeatError::Closed)
    }

    fn too_slow(&self) -> SeatError {
        SeatError::TooSlow { title: self.title.clone(), seconds: self.limit }
    }

    fn failed(&self, source: HostError) -> SeatError {
        SeatError::Host { title: self.title.clone(), source }
    }
}

fn generated(finished: &Finished, came_back: bool, begun: Instant) -> Generated {
    let kept = if came_back { Kept::State } else { Kept::Seat };
    Generated {
        prompt_tokens: finished.prompt_tokens,
        tokens: finished.tokens,
        first_token_ms: finished.first_token_ms,
        tokens_per_s: finished.tokens_per_s,
        prompt_tokens_per_s: finished.prompt_tokens_per_s,
        confidence: finished.mean_probability,
        peak_memory_bytes: finished.peak_memory_bytes,
        cached_tokens: finished.cached_tokens,
        cached_in: (finished.cached_tokens > 0).then_some(kept),
        read_tokens: finished.read_tokens,
        shifted: finished.shifted,
        together: finished.together,
        finish: match finished.finish {
            generate::Finish::End => Finish::End,
            generate::Finish::Length => Finish::Length,
            generate::Finish::Stopped => Finish::Stopped,
        },
        elapsed_ms: begun.elapsed().as_secs_f32() * 1000.0,
    }
}

/// Stopped before the expert could report its figures: none are known, and none are made up.
fn cut_off(begun: Instant) -> Generated {
    Generated {
        finish: Finish::Stopped,
        elapsed_ms: begun.elapsed().as_secs_f32() * 1000.0,
        ..Generated::default()
    }
}
