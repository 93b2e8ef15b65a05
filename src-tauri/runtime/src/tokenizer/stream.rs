//! Bytes of tokens to text, whole characters only: one character may be spread over several tokens.

/// Collects bytes and gives them out as text as soon as characters are complete.
#[derive(Debug)]
pub struct TextStream {
    waiting: Vec<u8>,
    strip_space: bool,
}

impl TextStream {
    pub(super) fn new(strip_space: bool) -> Self {
        TextStream { waiting: Vec::new(), strip_space }
    }

    /// Adds bytes; gives the text that is complete now. Bytes that cannot be UTF-8 become U+FFFD.
    pub fn push(&mut self, bytes: &[u8]) -> String {
        self.waiting.extend(bytes);
        if self.strip_space && !self.waiting.is_empty() {
            self.strip_space = false;
            if self.waiting[0] == b' ' {
                self.waiting.remove(0);
            }
        }
        let mut text = String::new();
        let mut used = 0;
        while used < self.waiting.len() {
            match std::str::from_utf8(&self.waiting[used..]) {
                Ok(rest) => {
                    text.push_str(rest);
                    used = self.waiting.len();
                }
                Err(error) => {
                    let good = used + error.valid_up_to();
                    text.push_str(&String::from_utf8_lossy(&self.waiting[used..good]));
                    used = good;
                    match error.error_len() {
                        // The beginning of a character: the rest may still come.
                        None => break,
                        Some(bad) => {
                            text.push(char::REPLACEMENT_CHARACTER);
                            used += bad;
                        }
                    }
                }
            }
        }
        self.waiting.drain(..used);
        text
    }

    /// What is left at the end: a character that never became whole is U+FFFD.
    pub fn finish(&mut self) -> String {
        String::from_utf8_lossy(&std::mem::take(&mut self.waiting)).into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn half_a_character_waits() {
        let mut stream = TextStream::new(false);
        let smile = "🙂".as_bytes();
        assert_eq!(stream.push(&smile[..3]), "");
        assert_eq!(stream.push(&smile[3..]), "🙂");
        assert_eq!(stream.push(&[0xff, b'a', 0xe2]), "\u{fffd}a");
        assert_eq!(stream.finish(), "\u{fffd}");
    }

    #[test]
    fn the_first_space_goes_once() {
        let mut stream = TextStream::new(true);
        assert_eq!(stream.push(b""), "");
        assert_eq!(stream.push(b" a"), "a");
        assert_eq!(stream.push(b" b"), " b");
    }

    proptest! {
        #[test]
        fn pieces_of_any_size_make_the_same_text(text in "\\PC{0,30}", size in 1usize..5) {
            let mut stream = TextStream::new(false);
            let mut out = String::new();
            for piece in text.as_bytes().chunks(size) {
                out.push_str(&stream.push(piece));
            }
            out.push_str(&stream.finish());
            prop_assert_eq!(out, text);
        }
    }
}
