//! Lookup: guesses what comes next from what stands in the text already, so that several tokens are computed in one
//! pass. A guess costs time when it is wrong and never changes the text: each token is chosen as without guesses, and
//! what was computed for a wrong one is forgotten.
//! Source: speculative decoding (arXiv:2211.17192) with drafts from the text itself (prompt lookup decoding).

/// Most tokens guessed at once.
const MOST: usize = 10;
/// Guessed at first.
const FIRST: usize = 4;
/// A guess needs the last tokens, this many at most and at least, somewhere before in the text.
const LONGEST: usize = 4;
const SHORTEST: usize = 2;
/// After guesses that cost time, this many plain steps at most before the next one.
const PATIENCE: u32 = 64;
/// Share of the newest measurement in the mean time of a plain step.
const NEWEST: f64 = 0.2;

/// Guesses as long as that is measured to be faster than one token at a time.
pub(super) struct Lookup {
    on: bool,
    size: usize,
    /// Plain steps to take before the next guess.
    wait: u32,
    /// The wait after the next guess that costs time.
    penance: u32,
    /// Mean seconds of a step of one token, once one has been measured.
    plain: Option<f64>,
    pub drafted: u32,
    pub accepted: u32,
}

impl Lookup {
    pub fn new(on: bool) -> Lookup {
        Lookup { on, size: FIRST, wait: 0, penance: 1, plain: None, drafted: 0, accepted: 0 }
    }

    /// A guess of at most `room` tokens; none when there is nothing to go by or guessing does not pay.
    pub fn draft(&mut self, text: &[u32], room: usize) -> Vec<u32> {
        if !self.on || self.plain.is_none() {
            return Vec::new();
        }
        if self.wait > 0 {
            self.wait -= 1;
            return Vec::new();
        }
        guess(text, self.size.min(room))
    }

    /// A step without a guess took this long.
    pub fn plain(&mut self, seconds: f64) {
        self.plain = Some(self.plain.map_or(seconds, |mean| mean + NEWEST * (seconds - mean)));
    }

    /// A step with a guess of `drafted` tokens took this long, and `accepted` of them were right.
    pub fn tried(&mut self, seconds: f64, drafted: usize, accepted: usize) {
        self.drafted += drafted as u32;
        self.accepted += accepted as u32;
        if accepted == drafted {
            self.size = (2 * self.size).min(MOST);
        } else {
            self.size = (accepted + 1).min(MOST);
        }
        let gained = self.plain.is_none_or(|plain| seconds <= plain * (accepted + 1) as f64);
        if gained {
            self.penance = 1;
        } else {
            self.wait = self.penance;
            self.penance = (2 * self.penance).min(PATIENCE);
        }
    }
}

/// What followed the last tokens where they stood before: the longest match, of equal ones the latest. A match that
/// overlaps the end goes on with its own guess, so that a short period is guessed as far as a long one.
fn guess(text: &[u32], size: usize) -> Vec<u32> {
    if size == 0 {
        return Vec::new();
    }
    for length in (SHORTEST..=LONGEST).rev() {
        if text.len() <= length {
            continue;
        }
        let (before, last) = text.split_at(text.len() - length);
        // The match may overlap `last`, but is not `last` itself.
        let starts = (0..before.len()).rev();
        if let Some(at) = starts.into_iter().find(|&at| text[at..at + length] == *last) {
            let period = before.len() - at;
            let mut draft: Vec<u32> = Vec::with_capacity(size);
            for number in 0..size {
                let known = text.len() + number - period;
                draft.push(text.get(known).copied().unwrap_or_else(|| draft[known - text.len()]));
            }
            return draft;
        }
    }
    Vec::new()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_latest_longest_match_is_continued() {
        assert_eq!(guess(&[1, 2, 3, 4, 9, 1, 2], 2), [3, 4]);
        assert_eq!(guess(&[1, 2, 3, 7, 1, 2, 5, 9, 1, 2], 1), [5]);
        assert_eq!(guess(&[8, 1, 2, 3, 7, 1, 2, 5, 8, 1, 2], 1), [3], "three tokens match there");
        assert!(guess(&[1, 2, 3], 4).is_empty());
        assert!(guess(&[], 4).is_empty());
        assert!(guess(&[1, 2, 1, 2, 1], 0).is_empty());
    }

    #[test]
    fn a_period_goes_on() {
        assert_eq!(guess(&[5, 5, 5], 4), [5; 4]);
        assert_eq!(guess(&[1, 2, 3, 1, 2, 3, 1], 7), [2, 3, 1, 2, 3, 1, 2]);
    }

    #[test]
    fn guesses_that_cost_time_become_rare() {
        let mut lookup = Lookup::new(true);
        let text = [5; 20];
        assert!(lookup.draft(&text, 9).is_empty(), "a plain step is measured first");
        lookup.plain(1.0);
        let mut tries = 0;
        for _ in 0..1000 {
            let draft = lookup.draft(&text, 9);
            if draft.is_empty() {
                lookup.plain(1.0);
            } else {
                tries += 1;
                lookup.tried(1.0 + draft.len() as f64, draft.len(), 0);
            }
        }
        assert!(tries < 25, "{tries}");
        lookup.tried(1.0, 1, 1);
        assert_eq!((lookup.penance, lookup.size), (1, 2), "one that pays brings them back");
    }

    proptest! {
        #[test]
        fn a_text_of_any_period_is_guessed(period in proptest::collection::vec(0u32..50, 1..12), size in 1usize..11) {
            let text: Vec<u32> = period.iter().cycle().take(3 * period.len() + 4).copied().collect();
            let expected: Vec<u32> = period.iter().cycle().skip(text.len() % period.len()).take(size).copied().collect();
            // A period with a repetition inside may be guessed from the repetition, unless it is longer than the match.
            prop_assume!(period.iter().collect::<std::collections::HashSet<_>>().len() == period.len());
            prop_assert_eq!(guess(&text, size), expected);
        }
    }
}
