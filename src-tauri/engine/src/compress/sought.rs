//! Sought: the kind of thing that a question asks for, by its words, and whether a text holds one.

/// What kind of thing a question asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sought {
    Time,
    Number,
    Name,
    Anything,
}

impl Sought {
    pub fn of(question: &str) -> Sought {
        let low = question.to_lowercase();
        let has = |word: &str| low.split(|c: char| !c.is_alphanumeric()).any(|other| other == word);
        let says = |words: &[&str]| words.iter().any(|word| low.contains(word));
        if has("when") || says(&["what year", "which year", "what date", "what time", "what month"]) {
            Sought::Time
        } else if says(&[
            "how many", "how much", "how long", "how old", "how tall", "how far", "how big", "what percent",
        ]) {
            Sought::Number
        } else if has("who") || has("whom") || has("whose") || has("where") || says(&["name of", "which "]) {
            Sought::Name
        } else {
            Sought::Anything
        }
    }

    /// The text holds such a thing.
    pub fn is_in(self, text: &str) -> bool {
        let digits = || text.bytes().any(|byte| byte.is_ascii_digit());
        match self {
            Sought::Anything => false,
            Sought::Time => digits(),
            Sought::Number => {
                const WORDS: [&str; 14] = [
                    " one ", " two ", " three ", " four ", " five ", " six ", " seven ", " eight ", " nine ",
                    " ten ", " twelve ", " hundred ", " thousand ", " million ",
                ];
                digits() || WORDS.iter().any(|word| text.contains(word))
            }
            Sought::Name => text
                .split_whitespace()
                .skip(1)
                .filter(|word| word.chars().next().is_some_and(char::is_uppercase))
                .nth(1)
                .is_some(),
        }
    }
}
