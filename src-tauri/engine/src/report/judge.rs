//! Judge: whether an answer is the expected one. Plain text against plain text; no model has a say.

use crate::extract::unified;

/// Right: equal to `expected` after trimming, folding case, spaces and the way that numbers are written
/// (1,000 is 1000, 3.50 is 3.5); or its last line, without emphasis, is; or `expected` is a number, and the last number
/// of the answer is that number.
pub fn is_right(expected: &str, answer: &str) -> bool {
    let (wanted, given) = (unified(expected), unified(answer));
    let is_last_number = || wanted.is_number() && wanted.numbers.last() == given.numbers.last();
    wanted.text == given.text || wanted.text == unified(last_line(answer)).text || is_last_number()
}

/// Where an answer that shows its work says what comes out.
fn last_line(answer: &str) -> &str {
    let line = answer.trim_end().lines().last().unwrap_or_default();
    line.trim().trim_matches(['*', '_', '`'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_spaces_and_the_form_of_numbers_do_not_matter() {
        for (expected, answer) in [
            ("Paris", "  paris\n"),
            ("1000 m", "1,000.0  M"),
            ("3.5", "3.50"),
            ("007", "7"),
            ("-0", "0"),
            ("\u{2212}4", "-4"),
            ("1234567", "1,234,567"),
        ] {
            assert!(is_right(expected, answer), "{expected:?} and {answer:?}");
        }
    }

    #[test]
    fn an_answer_that_shows_its_work_counts_by_its_last_line() {
        assert!(is_right("nretnal", "l a n t e r n\nn r e t n a l\n**nretnal**\n"));
        assert!(!is_right("nretnal", "**nretnal**\nor lantern"), "it goes on to say something else");
        assert!(!is_right("no", "no, it is\nyes"));
    }

    #[test]
    fn an_expected_number_is_the_last_one_of_the_answer() {
        assert!(is_right("42", "12 + 30 = 42"));
        assert!(is_right("42", "It is 42."));
        assert!(is_right("-3", "7 - 10 = -3"));
        assert!(is_right("0.5", "about .5"));
        assert!(!is_right("42", "42 is 6 times 7"), "the last number is 7");
        assert!(!is_right("3", "10-13"), "13 is taken away, and it is not 3");
        assert!(!is_right("3", "see b3"), "digits inside words are no numbers");
        assert!(!is_right("42", "no number"));
    }

    #[test]
    fn expected_text_is_not_found_inside_an_answer() {
        assert!(!is_right("Paris", "The capital is Paris."));
        assert!(!is_right("42 km", "that makes 42 km"));
        assert!(!is_right("1,2,3", "3"), "a list is no number");
        assert!(!is_right("", "something"));
        assert!(!is_right("1.2.5", "5"));
    }
}
