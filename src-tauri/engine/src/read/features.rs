//! Plain facts of a question's text, found by one scan. Experts declare in their manifests what they can handle in
//! these terms ("at most four digits"), so each must mean the same for every text.

use crate::words::Features;

/// Signs of program text that ordinary questions do not have.
const CODE: [&str; 11] =
    ["```", "def ", "fn ", "return ", "import ", "();", "==", "!=", "->", "=>", "print("];

/// Counts of `text`. A number is a run of digits with its decimal point and thousands commas (`1,250.5` is one number
/// of five digits); an operator is one of `+ * / × ÷ ^ % =` or a minus that stands before a digit or a space.
pub fn features(text: &str) -> Features {
    let characters: Vec<char> = text.chars().collect();
    let mut found = Features {
        words: text.split_whitespace().filter(|word| word.chars().any(char::is_alphanumeric)).count() as u32,
        characters: characters.len() as u32,
        has_code: CODE.iter().any(|sign| text.contains(sign)),
        has_quotes: has_quotes(&characters),
        ..Features::default()
    };
    let mut at = 0;
    while at < characters.len() {
        if characters[at].is_ascii_digit() {
            let (digits, end) = number(&characters, at);
            found.numbers += 1;
            found.longest_number_digits = found.longest_number_digits.max(digits);
            at = end;
        } else {
            found.operators += u32::from(is_operator(&characters, at));
            at += 1;
        }
    }
    found
}

/// Digits of the number that begins at `start`, and the place after it.
fn number(characters: &[char], start: usize) -> (u32, usize) {
    let mut digits = 0;
    let mut at = start;
    while at < characters.len() {
        let inside =
            matches!(characters[at], '.' | ',') && characters.get(at + 1).is_some_and(char::is_ascii_digit);
        if characters[at].is_ascii_digit() {
            digits += 1;
        } else if !inside {
            break;
        }
        at += 1;
    }
    (digits, at)
}

fn is_operator(characters: &[char], at: usize) -> bool {
    match characters[at] {
        '+' | '*' | '/' | '×' | '÷' | '^' | '%' | '=' => true,
        // A hyphen inside a word ("well-known") is none.
        '-' | '−' => {
            let before = at.checked_sub(1).map(|before| characters[before]);
            let after = characters.get(at + 1);
            !before.is_some_and(char::is_alphabetic) && after.is_some_and(|c| c.is_ascii_digit() || *c == ' ')
        }
        _ => false,
    }
}

/// Something stands in quotation marks. A single apostrophe ("what's") is no quotation.
fn has_quotes(characters: &[char]) -> bool {
    let pairs = |mark: char| characters.iter().filter(|c| **c == mark).count() >= 2;
    let opens = characters.iter().any(|c| matches!(c, '“' | '„' | '«' | '‘'));
    let single = characters.windows(2).any(|w| !w[0].is_alphanumeric() && w[1] == '\'')
        || characters.first() == Some(&'\'');
    pairs('"') || pairs('`') || opens || (single && pairs('\''))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_their_commas_and_points() {
        let found = features("What is 1,250.5 - 97?");
        assert_eq!((found.numbers, found.longest_number_digits, found.operators), (2, 5, 1));
    }

    #[test]
    fn a_list_of_numbers_is_several_numbers() {
        let found = features("sort 3, 12, 4567");
        assert_eq!((found.numbers, found.longest_number_digits), (3, 4));
    }

    #[test]
    fn a_hyphen_inside_a_word_is_no_minus() {
        assert_eq!(features("a well-known state-of-the-art thing").operators, 0);
        assert_eq!(features("-5 + 3").operators, 2, "a sign before a number is an operator");
    }

    #[test]
    fn an_apostrophe_is_no_quotation() {
        assert!(!features("what's 5 of Anna's apples").has_quotes);
        assert!(features("reverse 'abc'").has_quotes);
        assert!(features("reverse \"abc\"").has_quotes);
    }

    #[test]
    fn words_are_things_with_letters_or_digits() {
        let found = features("What is 384 + 97?");
        assert_eq!((found.words, found.characters), (4, 17));
        assert!(!found.has_code);
        assert!(features("what does `x = []; x.append(1)` and def f(): do").has_code);
    }
}
