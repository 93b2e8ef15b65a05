//! Distil: what a good answer did that a bad one to the same question did not, as rules in plain words; without a model,
//! from what both come to. Nothing is guessed: where they differ in nothing that can be named, there is no rule.

use crate::extract::{Said, said};

/// Words up to which an answer is a short line, and from which it is an explanation.
const BRIEF: usize = 12;
const LONG: usize = 40;

/// Rules, the surest first.
pub fn rules(question: &str, bad: &str, good: &str) -> Vec<String> {
    let (of_bad, of_good) = (said(question, bad), said(question, good));
    let mut rules = Vec::new();
    match (&of_bad, &of_good) {
        (Said::Number { value: a, unit: bad_unit }, Said::Number { value: b, unit }) => {
            if !unit.is_empty() && bad_unit.is_empty() {
                rules.push(format!("Give the result with its unit ({unit})."));
            } else if !unit.is_empty() && unit != bad_unit && a != b {
                rules.push(format!("Give the result in {unit}, not in {bad_unit}."));
            }
            let (few, many) = (decimals(a), decimals(b));
            if few != many && rounded(a, b) {
                rules.push(match many {
                    0 => "Give the result as a whole number.".into(),
                    1 => "Give the result to 1 decimal.".into(),
                    many => format!("Give the result to {many} decimals."),
                });
            }
            if !of_bad.agrees(&of_good) && has_steps(good) && !has_steps(bad) {
                rules.push("Write the steps before the result.".into());
            }
        }
        (_, Said::Choice(_)) if !matches!(of_bad, Said::Choice(_)) => {
            rules.push("Name the letter of the choice.".into());
        }
        (_, Said::Code(_)) if !matches!(of_bad, Said::Code(_)) => {
            rules.push("Write the code itself, in one block.".into());
        }
        (Said::Nothing, _) => {}
        _ => {}
    }
    let lists = |text: &str| text.lines().filter(|line| is_item(line)).count();
    if lists(good) >= 2 && lists(bad) == 0 {
        rules.push("Answer as a list, one point a line.".into());
    }
    let words = |text: &str| text.split_whitespace().count();
    if of_bad.agrees(&of_good) || matches!((&of_bad, &of_good), (Said::Text(_), Said::Text(_))) {
        if words(good) <= BRIEF && words(bad) >= LONG {
            rules.push("Answer in one short line.".into());
        } else if words(bad) <= BRIEF && words(good) >= LONG {
            rules.push("Explain the answer: a short line was not enough.".into());
        }
    }
    rules
}

/// Digits behind the point.
fn decimals(value: &str) -> usize {
    value.split_once('.').map_or(0, |(_, decimals)| decimals.len())
}

/// One is the other with fewer decimals.
fn rounded(a: &str, b: &str) -> bool {
    let (Ok(one), Ok(other)) = (a.parse::<f64>(), b.parse::<f64>()) else { return false };
    let coarser = decimals(a).min(decimals(b)) as i32;
    (one - other).abs() <= 0.5 * 10f64.powi(-coarser) + 1e-9
}

/// Two lines that come to something.
fn has_steps(text: &str) -> bool {
    text.lines().filter(|line| line.contains('=')).count() >= 2
}

fn is_item(line: &str) -> bool {
    let line = line.trim_start();
    let numbered = line.split_once(['.', ')']).is_some_and(|(number, rest)| {
        !number.is_empty() && number.chars().all(|c| c.is_ascii_digit()) && rest.starts_with(' ')
    });
    line.starts_with("- ") || line.starts_with("* ") || numbered
}

/// What an expert is asked, to say it in words of its own.
pub fn asking(question: &str, bad: &str, good: &str) -> String {
    format!(
        "Question:\n{question}\n\nThis answer was refused:\n{bad}\n\nThis answer was accepted:\n{good}\n\nWrite one rule of \
         at most 25 words that leads to answers like the accepted one, for other questions of this kind as well. Name no \
         figures and no names of this question. If there is no such rule, write NONE. Rule:"
    )
}

/// The rule in what it wrote; `None`: it wrote none that could be used.
pub fn rule_of(text: &str) -> Option<String> {
    let line = text.lines().map(str::trim).find(|line| !line.is_empty())?;
    let line = line.trim_start_matches("Rule:").trim().trim_start_matches(['-', '*', '•']).trim();
    let line = line.trim_matches(['"', '“', '”']);
    let words = line.split_whitespace().count();
    let is_rule =
        (3..=40).contains(&words) && !line.to_uppercase().starts_with("NONE") && !line.ends_with('?');
    is_rule.then(|| line.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_names_what_the_good_answer_did() {
        for (question, bad, good, rule) in [
            ("How far is it, 5 km and 300 m?", "5.3", "5.3 km", "Give the result with its unit (km)."),
            ("What is 2 / 3?", "0.6666667", "0.67", "Give the result to 2 decimals."),
            ("What is 384 + 97?", "471", "384 + 97 = 384 + 100 - 3\n= 484 - 3 = 481", "Write the steps"),
            ("Name the planets.", "Mercury, Venus, Earth", "- Mercury\n- Venus\n- Earth", "Answer as a list"),
        ] {
            let rules = rules(question, bad, good);
            assert!(rules.iter().any(|found| found.starts_with(rule)), "{question}: {rules:?}");
        }
    }

    #[test]
    fn where_nothing_can_be_named_there_is_no_rule() {
        for (question, bad, good) in [
            ("What is 384 + 97?", "471", "481"),
            ("Who wrote Hamlet?", "Marlowe", "Shakespeare"),
            ("Who wrote Hamlet?", "", "Shakespeare"),
            ("What is 2 + 2?", "4", "4"),
        ] {
            assert_eq!(rules(question, bad, good), Vec::<String>::new(), "{question}");
        }
    }

    #[test]
    fn of_what_an_expert_writes_one_line_is_taken_or_none() {
        assert_eq!(
            rule_of("\nRule: - Convert to metres first.\nBecause …"),
            Some("Convert to metres first.".into())
        );
        for none in ["NONE", "None.", "", "Yes", "What should the rule be about?"] {
            assert_eq!(rule_of(none), None, "{none}");
        }
    }
}
