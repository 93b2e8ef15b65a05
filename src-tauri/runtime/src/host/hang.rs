//! Hang: whether a silent expert gets on.
//!
//! A healthy expert speaks: text, progress of the prompt, and a beat while it computes. One that says nothing may still be
//! waiting for a slow disk or be in a very long step; it is hung when its process does not use the processor either, or when
//! the silence goes on ten times as long.

use std::time::{Duration, Instant};

use super::memory::cpu_ms;

/// How long an expert may be silent and still.
const PATIENCE: Duration = Duration::from_secs(30);
/// So many times `PATIENCE` it may be silent while it computes.
const WHILE_BUSY: u32 = 10;

pub(super) struct Watch {
    patience: Duration,
    heard: Instant,
    /// Processor time of the process, and when it was looked at.
    seen: Option<(Instant, Option<u64>)>,
}

impl Watch {
    pub fn new() -> Watch {
        Watch { patience: PATIENCE, heard: Instant::now(), seen: None }
    }

    pub fn set_patience(&mut self, patience: Duration) {
        self.patience = patience;
    }

    /// It has said something, or has just been asked.
    pub fn heard(&mut self) {
        self.heard = Instant::now();
        self.seen = None;
    }

    /// It is still silent. Gives how long it has been when that is too long.
    pub fn silent(&mut self, pid: u32) -> Option<Duration> {
        let silence = self.heard.elapsed();
        if silence < self.patience / 2 {
            return None;
        }
        if silence > self.patience * WHILE_BUSY {
            return Some(silence);
        }
        match self.seen {
            // Half of the patience has passed: from here on it has to move.
            None => self.seen = Some((Instant::now(), cpu_ms(pid))),
            Some((at, cpu)) if at.elapsed() >= self.patience / 2 => {
                let now = cpu_ms(pid);
                if now == cpu {
                    return Some(silence);
                }
                self.seen = Some((Instant::now(), now));
            }
            Some(_) => {}
        }
        None
    }
}
