//! Several hundred ways of saying one thing, generated: what is said must be found in at least 99 of 100.

use super::*;

struct Case {
    question: &'static str,
    answer: String,
    wanted: Said,
}

fn number(value: &str, unit: &str) -> Said {
    Said::Number { value: value.into(), unit: unit.into() }
}

/// A number as it is written, and its one form.
const NUMBERS: [(&str, &str); 18] = [
    ("42", "42"),
    ("481", "481"),
    ("1,234", "1234"),
    ("1 234", "1234"),
    ("12'345", "12345"),
    ("1,234,567", "1234567"),
    ("1.234.567", "1234567"),
    ("0.5", "0.5"),
    (".75", "0.75"),
    ("3.50", "3.5"),
    ("3,5", "3.5"),
    ("-17", "-17"),
    ("\u{2212}4", "-4"),
    ("007", "7"),
    ("3/4", "0.75"),
    ("1.5e3", "1500"),
    ("2.5 × 10^4", "25000"),
    ("2 million", "2000000"),
];

/// Where the number stands.
const FRAMES: [&str; 18] = [
    "{}", "{}.", "**{}**", "The answer is {}.", "The answer is **{}**.", "Answer: {}", "**Answer:** {}",
    "The result is {}", "So the final answer is {}.", "\\boxed{{}}", "$\\boxed{{}}$",
    "We work it out.\n\n#### {}", "First we add 12 and 30.\nThen we are done.\nx = {}", "It comes to {}.",
    "Therefore, there are {} of them.", "<think>maybe 99?</think>{}",
    "The answer is {}, because 6 * 7 was asked.", "Step 1: read it.\nStep 2: work.\nThat makes {}",
];

/// A unit as it is written, and its short form.
const UNITS: [(&str, &str); 18] = [
    (" km", "km"),
    (" kilometers", "km"),
    (" kilometres", "km"),
    (" m", "m"),
    ("m", "m"),
    (" metres", "m"),
    (" kg", "kg"),
    (" grams", "g"),
    (" hours", "h"),
    (" minutes", "min"),
    (" seconds", "s"),
    ("°C", "°C"),
    (" degrees Fahrenheit", "°F"),
    ("%", "%"),
    (" percent", "%"),
    (" square meters", "m²"),
    (" litres", "l"),
    (" miles", "mi"),
];

const CHOICES: [&str; 16] = [
    "{}", "{}.", "({})", "**{}**", "**{})** fourteen", "{}) fourteen", "The answer is {}.",
    "The answer is ({}).", "The correct answer is option {}.", "Answer: {}", "Option {}", "\\boxed{{}}",
    "I think it is {}.", "We compare them all.\nThe correct option is {}",
    "Seven times two is fourteen, so I choose option {}.", "<think>A? no</think>The final answer is {}",
];

const TEXTS: [(&str, &str, &[&str]); 4] = [
    (
        "What is the capital of France?",
        "paris",
        &[
            "Paris", "paris.", "**Paris**", "The capital of France is Paris.", "It is Paris.",
            "Paris is the capital of France.", "The answer is Paris.", "Answer: Paris", "\"Paris\"",
            "We look it up.\nThe answer is: Paris",
        ],
    ),
    (
        "Reverse the word lantern",
        "nretnal",
        &[
            "nretnal", "Nretnal.", "l a n t e r n\nn r e t n a l\n**nretnal**", "The answer is nretnal.",
            "'nretnal'", "The reversed word is nretnal.", "lantern reversed is nretnal",
        ],
    ),
    (
        "Sort these words: pear, apple, fig",
        "apple,fig,pear",
        &[
            "apple, fig, pear", "Sorted: apple, fig, pear", "**apple, fig, pear**", "apple, fig, and pear",
            "The answer is apple, fig, pear.", "[\"apple\", \"fig\", \"pear\"]",
            "We compare.\napple, fig, pear.",
        ],
    ),
    (
        "Is 17 a prime number?",
        "yes",
        &[
            "Yes", "yes.", "Yes, 17 is prime.", "**Yes**, it is.", "The answer is yes.", "True",
            "It has no divisors but 1 and 17.\nYes.", "Answer: Yes",
        ],
    ),
];

fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (written, value) in NUMBERS {
        for frame in FRAMES {
            let answer = frame.replace("{}", written);
            cases.push(Case { question: "How many is that?", answer, wanted: number(value, "") });
        }
    }
    for (written, short) in UNITS {
        for frame in ["{}", "The answer is {}.", "5000 of these are {}.", "**{}**", "7 * 6 = {}", "#### {}"] {
            let answer = frame.replace("{}", &format!("42{written}"));
            cases.push(Case {
                question: "Convert 5000 to something else",
                answer,
                wanted: number("42", short),
            });
        }
    }
    for letter in ["A", "B", "C", "D"] {
        for frame in CHOICES {
            let answer = frame.replace("{{}}", &format!("{{{letter}}}")).replace("{}", letter);
            let question = "What is 7 * 2?\nA) twelve\nB) fourteen\nC) sixteen\nD) eighteen";
            let wanted = Said::Choice(letter.chars().next().unwrap_or('?'));
            cases.push(Case { question, answer, wanted });
        }
    }
    for (question, wanted, answers) in TEXTS {
        for answer in answers {
            cases.push(Case { question, answer: (*answer).into(), wanted: Said::Text(wanted.into()) });
        }
    }
    for code in [
        "```python\ndef twice(x):\n    return 2 * x\n```",
        "Here it is:\n\n```python\ndef twice(x):\n    # doubles\n    return 2 * x\n```\nIt doubles.",
        "```\ndef twice(x):\n\n\treturn 2 * x   \n```",
    ] {
        let question = "Write a Python function that doubles a number";
        let wanted = Said::Code("def twice(x):\n    return 2 * x".into());
        cases.push(Case { question, answer: code.into(), wanted });
    }
    cases
}

#[test]
fn what_is_said_is_found_in_ninety_nine_of_a_hundred_forms() {
    let cases = cases();
    let wrong: Vec<String> = cases
        .iter()
        .filter(|case| said(case.question, &case.answer) != case.wanted)
        .map(|case| {
            format!("{:?} says {:?}, not {:?}", case.answer, said(case.question, &case.answer), case.wanted)
        })
        .collect();
    assert!(cases.len() >= 500, "{} forms are no table", cases.len());
    assert!(
        wrong.len() * 100 <= cases.len(),
        "{} of {} wrong:\n{}",
        wrong.len(),
        cases.len(),
        wrong.join("\n")
    );
}

#[test]
fn the_number_that_comes_out_is_not_the_one_that_went_in() {
    for (question, answer, wanted) in [
        ("What is 17 times 23?", "391 is 17 times 23", number("391", "")),
        ("How many metres are 5 km?", "5 km are 5000 m", number("5000", "m")),
        ("How many metres are 5 km?", "5 km = 5 · 1000 m = 5000 m", number("5000", "m")),
        ("What is 7 - 7?", "7 - 7 = 0", number("0", "")),
        ("What is 12 + 30?", "forty-two", number("42", "")),
        ("How much is it?", "$1,250.50", number("1250.5", "$")),
        ("How much is it?", "one hundred and five dollars", number("105", "$")),
        ("Divide 65 by 7", "65 / 7 = 9 R 2", Said::Text("9 r 2".into())),
        ("Divide 65 by 7", "9 remainder 2", Said::Text("9 r 2".into())),
        ("Divide 65 by 7", "9 R2", Said::Text("9 r 2".into())),
        ("Count", "1,2,3", Said::Text("1,2,3".into())),
        ("How much?", "1 1/2 cups", number("1.5", "")),
        ("How much?", "10^6", number("1000000", "")),
        ("Which? (A) one (B) two", "A is wrong. B is correct.", Said::Choice('B')),
        ("Which? (A) one (B) two", "It cannot be the first, so B.", Said::Choice('B')),
        ("Who wrote it?", "It was written by Homer.", Said::Text("homer".into())),
        ("When?", "3:45 pm", Said::Text("3:45 pm".into())),
    ] {
        assert_eq!(said(question, answer), wanted, "{answer:?}");
    }
}

#[test]
fn the_same_in_another_unit_agrees_and_another_number_does_not() {
    let says = |answer: &str| said("How far is it?", answer);
    assert!(says("5 km").agrees(&says("5000 m")) && says("5 km").agrees(&says("5")));
    assert!(says("1,000 g").agrees(&says("1 kg")) && says("90 min").agrees(&says("1.5 h")));
    assert!(!says("5 km").agrees(&says("5 m")) && !says("5 km").agrees(&says("5 kg")));
    assert!(!says("12345678901").agrees(&says("12345678902")), "digits that a float would lose");
    assert_eq!(says("0.21 lb").is_about(&says("95.26 g")), Some(true), "rounded");
    assert_eq!(says("1 kg").is_about(&says("2.21 lb")), Some(true), "by a factor of 2.205, rounded again");
    assert_eq!(says("0.21 lb").is_about(&says("952.56 g")), Some(false));
    assert_eq!(says("0.17 ft").is_about(&says("0.05 m")), Some(true), "as far as it is written out");
    assert_eq!(says("37.9 °F").is_about(&says("3.3 °C")), None, "no factor leads from one to the other");
    assert!(!says("").agrees(&says("")), "nothing agrees with nothing");
}

#[test]
fn any_text_at_all_is_read_without_a_panic() {
    // Every cut of a text with every odd character, in bytes that are characters.
    let odd =
        "\\boxed{−1'2 3/0 1e99 **½** (A) °C $ \u{202f}{{}} r 5 = ```a\n``` 日本 1,2 \\frac{1}{0} answer is";
    let chars: Vec<char> = odd.chars().collect();
    for start in 0..chars.len() {
        for end in start..=chars.len() {
            let text: String = chars[start..end].iter().collect();
            let _ = said(&text, &text).shown();
        }
    }
}
