//! Steps: the question in parts, each solved, then joined. Multi-stage: understand, plan, solve, verify, finish. The parts
//! are for hierarchical councils, too.

use super::{Outcome, Work, verify};
use crate::words::{Exchange, Failure, StepKind};

/// More parts than this are not asked.
pub const MOST_PARTS: usize = 6;

pub(super) fn steps(work: &mut Work) -> Result<Outcome, Failure> {
    let own = questions_in(&work.subject.question.text);
    if own.len() > 1 {
        return each(work, own);
    }
    if !work.follows() {
        return work.directly("this expert reads single questions and lists no steps: answered directly");
    }
    let question = work.subject.question.text.clone();
    let prompt = listing(&question, "the steps that solve it");
    let Some(plan) = work.ask(StepKind::Plan, prompt)? else { return work.directly("stopped") };
    let listed = numbered(&plan.text);
    if work.stopped || listed.len() < 2 {
        work.note(plan.at, None, "no list of steps");
        return work.directly("the expert did not follow the instruction to list steps: answered directly");
    }
    work.steps[plan.at].accepted = true;
    let mut turns = vec![Exchange { question: question.clone(), answer: plan.text }];
    for step in listed {
        let prompt = format!("Do this step, and only this one: {step}");
        let Some(done) = work.go_on(StepKind::Part, &turns, prompt.clone())? else { break };
        if work.stopped {
            break;
        }
        work.steps[done.at].accepted = true;
        turns.push(Exchange { question: prompt, answer: done.text });
    }
    let prompt = format!("With what was found, answer the question: {question}");
    match work.go_on(StepKind::Join, &turns, prompt)? {
        Some(answer) => {
            let said = format!("{} steps, solved and joined.", turns.len() - 1);
            Ok(Outcome { answer, said, fell_back: None })
        }
        None => work.directly("stopped before the steps were joined"),
    }
}

/// A text that asks several things: each is asked alone, and the answers stand together.
fn each(work: &mut Work, questions: Vec<String>) -> Result<Outcome, Failure> {
    let mut attempts = Vec::new();
    for question in questions.iter().take(MOST_PARTS) {
        let Some(attempt) = work.ask(StepKind::Part, question.clone())? else { break };
        work.steps[attempt.at].accepted = true;
        attempts.push(attempt);
        if work.stopped {
            break;
        }
    }
    let Some(mut answer) = attempts.pop() else { return work.directly("stopped") };
    let said = format!("{} questions, each asked alone.", attempts.len() + 1);
    attempts.push(answer.clone());
    let asked = questions.iter().map(String::as_str);
    answer.text = side_by_side(asked.zip(attempts.iter().map(|attempt| attempt.text.as_str())));
    Ok(Outcome { answer, said, fell_back: None })
}

/// What an expert is asked so that it lists `what` of a question; [`numbered`] reads the list.
pub fn listing(question: &str, what: &str) -> String {
    format!("{question}\n\nDo not solve this yet. List {what}, two to {MOST_PARTS}, numbered, one a line.")
}

/// Parts, each with its answer, as one text.
pub fn side_by_side<'t>(parts: impl Iterator<Item = (&'t str, &'t str)>) -> String {
    let parts: Vec<String> = parts.map(|(part, answer)| format!("**{part}**\n\n{}", answer.trim())).collect();
    parts.join("\n\n")
}

/// The questions of a text, where it has more than one and nothing else.
pub fn questions_in(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut begin = 0;
    for (at, c) in text.char_indices() {
        let ends = c == '?' && text[at + 1..].chars().next().is_none_or(char::is_whitespace);
        if ends {
            let sentence = text[begin..=at].trim();
            let bare = ["And ", "and ", "Also, ", "Then, ", "Then "]
                .iter()
                .find_map(|word| sentence.strip_prefix(word))
                .unwrap_or(sentence);
            found.push(bare.to_owned());
            begin = at + 1;
        }
    }
    let rest = text[begin..].trim();
    // A question behind another's facts ("Anna has 3. How many …?") would lose them alone.
    let is_one = |sentence: &String| !sentence.trim_end_matches('?').contains(['.', '!', '\n']);
    if rest.is_empty() && found.iter().all(is_one) { found } else { Vec::new() }
}

/// The lines of a numbered or dashed list.
pub fn numbered(text: &str) -> Vec<String> {
    let items = text.lines().filter_map(|line| {
        let line = line.trim().trim_start_matches("**");
        let bare = line.trim_start_matches(|c: char| c.is_ascii_digit());
        let listed = if bare.len() < line.len() {
            bare.strip_prefix(['.', ')', ':'])
        } else {
            line.strip_prefix("- ").or_else(|| line.strip_prefix("* "))
        };
        listed.map(|item| item.trim().to_owned()).filter(|item| !item.is_empty())
    });
    items.take(MOST_PARTS).collect()
}

pub(super) fn stages(work: &mut Work) -> Result<Outcome, Failure> {
    if !work.follows() {
        let mut outcome = verify::verify(work)?;
        let only = "this expert reads single questions: of the stages it was asked to solve and to verify";
        outcome.fell_back = Some(outcome.fell_back.unwrap_or_else(|| only.into()));
        return Ok(outcome);
    }
    let question = work.subject.question.text.clone();
    let mut turns = Vec::new();
    for (kind, prompt) in [
        (
            StepKind::Understand,
            format!("{question}\n\nDo not answer yet. Say in two sentences what is asked and what is given."),
        ),
        (StepKind::Plan, "Say in at most four lines how you will solve it. Do not solve it yet.".into()),
    ] {
        let Some(stage) = work.go_on(kind, &turns, prompt.clone())? else { break };
        if work.stopped {
            break;
        }
        work.steps[stage.at].accepted = true;
        turns.push(Exchange { question: prompt, answer: stage.text });
    }
    let prompt = format!("Now solve it, and answer the question: {question}");
    let Some(solved) = work.go_on(StepKind::Answer, &turns, prompt.clone())? else {
        return work.directly("stopped before it was solved");
    };
    work.steps[solved.at].accepted = true;
    turns.push(Exchange { question: prompt, answer: solved.text.clone() });
    let prompt =
        "Check the solution. If it is right, repeat it; if not, write the right one. Give the whole answer.";
    match work.go_on(StepKind::Check, &turns, prompt.into())? {
        Some(last) if !work.stopped && !last.text.trim().is_empty() => {
            let said = if last.said.agrees(&solved.said) {
                "Understood, planned, solved; the check agrees.".to_owned()
            } else {
                "Understood, planned, solved; the check changed the answer.".to_owned()
            };
            Ok(Outcome { answer: last, said, fell_back: None })
        }
        _ => Ok(Outcome { answer: solved, said: "Understood, planned and solved.".into(), fell_back: None }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_with_two_questions_has_two_parts_and_a_story_has_none() {
        assert_eq!(questions_in("What is 1 + 2? And what is 3 * 4?"), ["What is 1 + 2?", "what is 3 * 4?"]);
        assert!(questions_in("Anna has 3. How many are left? Why?").is_empty());
        assert_eq!(questions_in("What is it?").len(), 1);
    }

    #[test]
    fn a_list_is_read_as_people_write_it() {
        assert_eq!(numbered("Here:\n1. read\n2) work\n- say"), ["read", "work", "say"]);
        assert!(numbered("I would just do it.").is_empty());
    }
}
