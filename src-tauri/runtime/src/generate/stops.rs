//! Stop strings: text is held back as long as it may be the beginning of one.

pub(super) struct StopStrings {
    stops: Vec<String>,
    held: String,
    ended: bool,
}

impl StopStrings {
    pub fn new(mut stops: Vec<String>) -> Self {
        stops.retain(|stop| !stop.is_empty());
        StopStrings { stops, held: String::new(), ended: false }
    }

    /// Adds text; gives what is certain, and whether a stop string has come (what follows it is dropped).
    pub fn push(&mut self, text: &str) -> (String, bool) {
        self.held.push_str(text);
        if let Some(at) = self.stops.iter().filter_map(|stop| self.held.find(stop.as_str())).min() {
            self.held.truncate(at);
            self.ended = true;
            return (std::mem::take(&mut self.held), true);
        }
        let keep = self.stops.iter().map(|stop| overlap(&self.held, stop)).max().unwrap_or(0);
        let waiting = self.held.split_off(self.held.len() - keep);
        (std::mem::replace(&mut self.held, waiting), false)
    }

    pub fn ended(&self) -> bool {
        self.ended
    }

    /// What was held back, at the end of the text.
    pub fn rest(&mut self) -> String {
        std::mem::take(&mut self.held)
    }
}

/// Bytes at the end of `text` that begin `stop`.
fn overlap(text: &str, stop: &str) -> usize {
    stop.char_indices()
        .map(|(at, _)| at)
        .filter(|&length| length > 0 && text.ends_with(&stop[..length]))
        .max()
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_stop_string_in_pieces_is_found_and_not_shown() {
        let mut stops = StopStrings::new(vec!["\nUser:".into()]);
        assert_eq!(stops.push("Hi\nUs"), ("Hi".into(), false));
        assert_eq!(stops.push("ed\nUser"), ("\nUsed".into(), false));
        assert_eq!(stops.push(": more"), ("".into(), true));
    }

    proptest! {
        #[test]
        fn the_text_is_what_comes_before_the_first_stop(text in "[ab]{0,12}", size in 1usize..4) {
            let stops = vec!["aab".to_owned(), "bbb".to_owned()];
            let expected = stops.iter().filter_map(|stop| text.find(stop.as_str())).min();
            let mut stream = StopStrings::new(stops);
            let mut out = String::new();
            for piece in text.as_bytes().chunks(size) {
                let (ready, ended) = stream.push(std::str::from_utf8(piece).unwrap());
                out.push_str(&ready);
                if ended {
                    break;
                }
            }
            if !stream.ended() {
                out.push_str(&stream.rest());
            }
            prop_assert_eq!(&out, &text[..expected.unwrap_or(text.len())]);
        }
    }
}
