//! Memory: how fast this machine reads it, from which the speed of an expert follows before one was ever loaded: each
//! token of an answer reads every weight once.
//!
//! Cost:   256 MiB and about 150 ms, once; nobody measures who has seen an expert answer here

use super::Machine;
use serde::Serialize;
use std::sync::OnceLock;
use std::time::Instant;
use ts_rs::TS;

/// Several times the caches of the processors that desktops have.
const BUFFER: usize = 256 << 20;
/// The best of so many readings counts: others use the memory, too.
const READINGS: usize = 3;
/// What decoding reaches of a plain reading: 75 to 85 % was measured on two cores of an EPYC (Zen 3) with models of 1.5
/// billion parameters; the lower one is promised.
const REACHED: f64 = 0.75;

/// What is known of this machine before a download.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, TS)]
pub struct Prospect {
    #[ts(type = "number")]
    pub budget_bytes: u64,
    /// Weights that an expert reads a second.
    pub bytes_per_s: f64,
    /// Experts did it here; else it follows from how fast this machine reads its memory.
    pub by_answers: bool,
}

impl Machine {
    /// With a speed in any case: where no expert told one, the memory does.
    pub(super) fn predicting(self) -> Machine {
        Machine { bytes_per_s: Some(self.prospect().bytes_per_s), ..self }
    }

    /// The speed of experts here, measured at them or predicted.
    pub fn prospect(self) -> Prospect {
        let Machine { budget_bytes, bytes_per_s } = self;
        match bytes_per_s {
            Some(bytes_per_s) => Prospect { budget_bytes, bytes_per_s, by_answers: true },
            None => Prospect { budget_bytes, bytes_per_s: REACHED * reading(), by_answers: false },
        }
    }
}

/// Bytes a second that all cores together read from memory, in order.
fn reading() -> f64 {
    static READING: OnceLock<f64> = OnceLock::new();
    *READING.get_or_init(|| {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        // Pages of zeros would all be one page. The zero that is looked for is in none.
        let buffer = vec![1u8; BUFFER];
        let read = || {
            let begun = Instant::now();
            std::thread::scope(|scope| {
                for piece in buffer.chunks(buffer.len().div_ceil(threads)) {
                    scope.spawn(|| std::hint::black_box(memchr::memchr(0, piece)));
                }
            });
            BUFFER as f64 / begun.elapsed().as_secs_f64().max(1e-9)
        };
        (0..READINGS).map(|_| read()).fold(0.0, f64::max)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_experts_did_here_comes_before_what_the_memory_promises() {
        let seen = Machine { budget_bytes: 1, bytes_per_s: Some(7.0) }.prospect();
        assert_eq!(seen, Prospect { budget_bytes: 1, bytes_per_s: 7.0, by_answers: true });
        let promised = Machine { budget_bytes: 1, bytes_per_s: None }.prospect();
        assert!(!promised.by_answers);
        // From a slow machine that does other things to memory of the future.
        assert!((1e8..1e13).contains(&promised.bytes_per_s), "{promised:?}");
        assert_eq!(
            Machine { budget_bytes: 1, bytes_per_s: None }.prospect(),
            promised,
            "it is measured once"
        );
    }
}
