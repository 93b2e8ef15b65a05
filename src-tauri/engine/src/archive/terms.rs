//! One analyzer for everything that is searched: English words by their stem, numbers as they are meant, signs
//! between numbers as words, and text without spaces (Chinese, Japanese, Korean, Thai) as overlapping pairs of
//! characters.
//!
//! Source: bigrams for text without spaces as in Lucene's CJKBigramFilter; the parts are those of tantivy's
//!         tokenizer API.

use tantivy::tokenizer::{
    Language, LowerCaser, RemoveLongFilter, Stemmer, TextAnalyzer, Token, TokenStream, Tokenizer,
};

/// The name under which the index knows the analyzer.
pub(super) const ANALYZER: &str = "lectern";

/// Longer tokens (a pasted key, a hash of hashes) are not searched for, in bytes.
const LONGEST_TOKEN: usize = 80;

pub(super) fn analyzer() -> TextAnalyzer {
    TextAnalyzer::builder(Words)
        .filter(RemoveLongFilter::limit(LONGEST_TOKEN))
        .filter(LowerCaser)
        .filter(Stemmer::new(Language::English))
        .build()
}

/// The terms of a text in the order written, as the index holds them. "What's 1,000 km + 2?" is `what 1000 km
/// plus 2` (the sign counts only between numbers).
pub fn terms(text: &str) -> Vec<String> {
    let mut analyzer = analyzer();
    let mut stream = analyzer.token_stream(text);
    let mut terms = Vec::new();
    while let Some(token) = stream.next() {
        terms.push(token.text.clone());
    }
    terms
}

/// Splits text; the filters after it lower and stem.
#[derive(Clone, Copy, Debug, Default)]
struct Words;

/// Tokens that were cut already.
struct Cut {
    tokens: Vec<Token>,
    /// One past the current token.
    next: usize,
    nothing: Token,
}

impl Tokenizer for Words {
    type TokenStream<'a> = Cut;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> Cut {
        Cut { tokens: cut(text), next: 0, nothing: Token::default() }
    }
}

impl TokenStream for Cut {
    fn advance(&mut self) -> bool {
        let more = self.next < self.tokens.len();
        self.next += usize::from(more);
        more
    }

    fn token(&self) -> &Token {
        self.next.checked_sub(1).and_then(|at| self.tokens.get(at)).unwrap_or(&self.nothing)
    }

    fn token_mut(&mut self) -> &mut Token {
        match self.next.checked_sub(1).and_then(|at| self.tokens.get_mut(at)) {
            Some(token) => token,
            None => &mut self.nothing,
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Letter,
    Digit,
    /// Of a script that writes no spaces between words.
    Unspaced,
    Other,
}

fn kind(c: char) -> Kind {
    match c {
        '0'..='9' => Kind::Digit,
        '\u{0E00}'..='\u{0E7F}' // Thai
        | '\u{3041}'..='\u{30FF}' // Hiragana, Katakana
        | '\u{31F0}'..='\u{31FF}'
        | '\u{3400}'..='\u{4DBF}' // Han
        | '\u{4E00}'..='\u{9FFF}'
        | '\u{AC00}'..='\u{D7AF}' // Hangul
        | '\u{F900}'..='\u{FAFF}'
        | '\u{20000}'..='\u{323AF}' => Kind::Unspaced,
        c if c.is_alphanumeric() => Kind::Letter,
        _ => Kind::Other,
    }
}

/// The word for a sign that stands between numbers.
fn sign(c: char) -> Option<&'static str> {
    Some(match c {
        '+' => "plus",
        '-' | '\u{2212}' | '\u{2013}' => "minus",
        '*' | '×' | '·' | 'x' | 'X' => "times",
        '/' | '÷' | ':' => "divided",
        '%' => "percent",
        '^' => "power",
        _ => return None,
    })
}

fn cut(text: &str) -> Vec<Token> {
    let chars: Vec<(usize, char)> = text.char_indices().collect();
    let end_of = |at: usize| chars.get(at).map_or(text.len(), |(offset, _)| *offset);
    let mut tokens: Vec<Token> = Vec::new();
    let mut push = |from: usize, to: usize, word: String| {
        let position = tokens.len();
        tokens.push(Token {
            offset_from: end_of(from),
            offset_to: end_of(to),
            position,
            text: word,
            position_length: 1,
        });
    };
    // The last thing that is not a space was a number or a closing bracket: a sign here works on it.
    let mut after_number = false;
    let mut at = 0;
    while at < chars.len() {
        let c = chars[at].1;
        let run = |same: Kind| chars[at..].iter().take_while(|(_, c)| kind(*c) == same).count();
        match kind(c) {
            Kind::Digit => {
                let to = number_end(&chars, at);
                // Thousands commas are writing, not value.
                push(at, to, chars[at..to].iter().map(|(_, c)| *c).filter(|c| *c != ',').collect());
                at = to;
                after_number = true;
            }
            Kind::Unspaced => {
                let to = at + run(Kind::Unspaced);
                if to - at == 1 {
                    push(at, to, c.to_string());
                }
                for pair in at..to - 1 {
                    push(pair, pair + 2, chars[pair..pair + 2].iter().map(|(_, c)| *c).collect());
                }
                at = to;
                after_number = false;
            }
            Kind::Letter => {
                // A word may end in digits (mp3, sha256); a number never ends in letters (5km is two).
                let to = at
                    + chars[at..]
                        .iter()
                        .take_while(|(_, c)| matches!(kind(*c), Kind::Letter | Kind::Digit))
                        .count();
                let word: String = chars[at..to].iter().map(|(_, c)| *c).collect();
                match sign(c).filter(|_| to - at == 1 && after_number && number_follows(&chars, to)) {
                    Some(sign) => push(at, to, sign.into()),
                    None if to - at <= 2 && is_contraction(&chars, at, &word) => {}
                    None => push(at, to, word),
                }
                at = to;
                after_number = false;
            }
            Kind::Other => {
                if let Some(word) =
                    sign(c).filter(|_| after_number && (c == '%' || number_follows(&chars, at + 1)))
                {
                    push(at, at + 1, word.into());
                }
                if !c.is_whitespace() {
                    after_number = c == ')' || (c == '%' && after_number);
                }
                at += 1;
            }
        }
    }
    tokens
}

/// One past the last character of the number that starts at `at`: digits, then `,ddd` groups, then one `.dd`.
fn number_end(chars: &[(usize, char)], at: usize) -> usize {
    let digits =
        |from: usize| chars[from.min(chars.len())..].iter().take_while(|(_, c)| c.is_ascii_digit()).count();
    let is = |at: usize, wanted: char| chars.get(at).is_some_and(|(_, c)| *c == wanted);
    let mut to = at + digits(at);
    while is(to, ',') && to - at >= 1 && digits(to + 1) == 3 {
        to += 4;
    }
    if is(to, '.') && digits(to + 1) > 0 {
        to += 1 + digits(to + 1);
    }
    to
}

/// A number, its sign or an opening bracket comes next.
fn number_follows(chars: &[(usize, char)], from: usize) -> bool {
    chars[from..]
        .iter()
        .map(|(_, c)| *c)
        .find(|c| !c.is_whitespace() && !matches!(c, '-' | '+' | '\u{2212}' | '*'))
        .is_some_and(|c| c.is_ascii_digit() || c == '(')
}

/// The short end of "what's", "they're", "don't": it follows an apostrophe.
fn is_contraction(chars: &[(usize, char)], at: usize, word: &str) -> bool {
    let after_apostrophe =
        at.checked_sub(1).is_some_and(|before| matches!(chars[before].1, '\'' | '\u{2019}'));
    after_apostrophe
        && matches!(word.to_ascii_lowercase().as_str(), "s" | "t" | "d" | "m" | "re" | "ve" | "ll")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_ways_to_write_a_sum_have_the_same_terms() {
        assert_eq!(terms("What is 384 + 97?"), ["what", "is", "384", "plus", "97"]);
        assert_eq!(terms("What's 384 plus 97"), ["what", "384", "plus", "97"]);
        assert_eq!(terms("384+97"), ["384", "plus", "97"]);
    }

    #[test]
    fn another_sign_is_another_term() {
        assert_eq!(terms("12 * 12")[1], "time");
        assert_eq!(terms("12 x 12")[1], "time");
        assert_eq!(terms("12 / 12")[1], "divid");
        assert_eq!(terms("12 - 12")[1], "minus");
        assert_eq!(terms("15% of 200"), ["15", "percent", "of", "200"]);
        assert_eq!(terms("(3 + 4) * -2"), ["3", "plus", "4", "time", "2"]);
    }

    #[test]
    fn signs_that_work_on_no_number_are_punctuation() {
        assert_eq!(terms("and/or well-known - really"), ["and", "or", "well", "known", "realli"]);
        assert_eq!(terms("x is C++"), ["x", "is", "c"]);
    }

    #[test]
    fn numbers_are_what_they_mean() {
        assert_eq!(terms("1,234,567 and 3.50"), ["1234567", "and", "3.50"]);
        assert_eq!(terms("1,2,3."), ["1", "2", "3"]);
        assert_eq!(terms("5km mp3"), ["5", "km", "mp3"]);
    }

    #[test]
    fn words_meet_by_their_stem() {
        assert_eq!(terms("Reversing reversed strings"), ["revers", "revers", "string"]);
    }

    #[test]
    fn text_without_spaces_becomes_pairs() {
        assert_eq!(terms("東京都"), ["東京", "京都"]);
        assert_eq!(terms("東 は"), ["東", "は"]);
        assert_eq!(terms("GPU東京"), ["gpu", "東京"]);
    }

    #[test]
    fn no_text_makes_it_fail() {
        for text in [
            "", "   ", "'", "%", "1,", "1.", ".5", "🙂🙂", "\u{0}", "a\u{301}", "'s", "+ + +", "9.9.9.9", "٣",
        ] {
            let cut = cut(text);
            for token in &cut {
                assert!(text.get(token.offset_from..token.offset_to).is_some(), "{text:?} {token:?}");
            }
        }
    }
}
