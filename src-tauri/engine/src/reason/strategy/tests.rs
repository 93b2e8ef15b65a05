//! Strategies over a voice whose words are known before it says them.

use super::*;
use crate::words::Mode;
use runtime::host::Prompt;
use std::collections::HashMap;

/// Says for each text what it is told to, one after the other, the last one for ever.
struct Script<'s> {
    says: HashMap<&'s str, Vec<(&'s str, f32)>>,
    asked: Vec<String>,
    stops_at: usize,
}

fn script<'s>(says: &[(&'s str, &[(&'s str, f32)])]) -> Script<'s> {
    let says = says.iter().map(|(question, answers)| (*question, answers.to_vec())).collect();
    Script { says, asked: Vec::new(), stops_at: usize::MAX }
}

impl Voice for Script<'_> {
    fn say(&mut self, _: StepKind, _: &str, request: Request) -> Result<(String, Generated), Failure> {
        let Prompt::Messages(messages) = &request.prompt else { panic!("experts are asked in messages") };
        let text = messages.last().expect("a message").content.clone();
        self.asked.push(text.clone());
        let answers =
            self.says.get_mut(text.as_str()).unwrap_or_else(|| panic!("{text:?} is not in the script"));
        let (answer, confidence) = if answers.len() > 1 { answers.remove(0) } else { answers[0] };
        let finish = if self.asked.len() >= self.stops_at { Finish::Stopped } else { Finish::End };
        Ok((answer.to_owned(), Generated { confidence, finish, tokens: 3, ..Generated::default() }))
    }

    fn done(&mut self, _: &Step) {}
}

fn single() -> Manifest {
    Manifest { reads: Reads::Question, ..Manifest::named("single") }
}

fn thought(
    strategy: Strategy,
    manifest: &Manifest,
    question: &str,
    voice: &mut Script,
    past: &[Passage],
) -> Thought {
    let question = Question { seed: Some(7), mode: Mode::Basic, ..Question::new(question) };
    let subject =
        Subject { manifest, question: &question, context: &Context::default(), past, trajectories: &[] };
    think(strategy, "by hand", &subject, voice).expect("the voice never fails")
}

#[test]
fn the_answer_of_most_samples_wins_and_ends_the_vote_early() {
    let question = "What is 6 * 7?";
    let mut voice =
        script(&[(question, &[("41", 0.9), ("42", 0.5), ("it is 42", 0.6), ("= 42", 0.4), ("41", 0.9)])]);
    let thought = thought(Strategy::Vote, &single(), question, &mut voice, &[]);
    assert_eq!((thought.text.as_str(), voice.asked.len()), ("it is 42", 4), "three of five cannot be beaten");
    assert!(thought.reasoned.changed_answer);
    assert_eq!(thought.reasoned.steps[1].score, Some(0.75));
    assert_eq!(thought.reasoned.tokens, 12);
}

#[test]
fn one_check_alone_overturns_nothing() {
    let question = "What is 384 + 97?";
    let mut voice = script(&[
        (question, &[("481", 0.9)]),
        ("What is 481 - 97?", &[("385", 0.9)]),
        ("What is 481 - 384?", &[("97", 0.9)]),
    ]);
    let thought = thought(Strategy::Verify, &single(), question, &mut voice, &[]);
    assert_eq!(thought.text, "481");
    assert!(!thought.reasoned.changed_answer);
}

#[test]
fn two_checks_overturn_an_answer_when_another_stands_its_own() {
    let question = "Find the sum of 384 and 97";
    let mut voice = script(&[
        (question, &[("384 + 97 = 471", 0.9)]),
        ("What is 471 - 97?", &[("374", 0.9)]),
        ("What is 471 - 384?", &[("87", 0.9)]),
        ("What is 384 + 97?", &[("384 + 97 = 481", 0.9)]),
        ("What is 481 - 97?", &[("384", 0.9)]),
    ]);
    let thought = thought(Strategy::Verify, &single(), question, &mut voice, &[]);
    assert_eq!(thought.text, "384 + 97 = 481");
    assert!(thought.reasoned.changed_answer && thought.reasoned.outcome.contains("stands its check"));
    assert_eq!(thought.reasoned.diff, ["- 384 + 97 = 471", "+ 384 + 97 = 481"]);
}

#[test]
fn two_checks_that_lead_nowhere_keep_the_answer() {
    let question = "Find the sum of 384 and 97";
    let mut voice = script(&[
        (question, &[("384 + 97 = 471", 0.9)]),
        ("What is 471 - 97?", &[("374", 0.9)]),
        ("What is 471 - 384?", &[("87", 0.9)]),
        ("What is 384 + 97?", &[("384 + 97 = 482", 0.9)]),
        ("What is 482 - 97?", &[("385", 0.9)]),
    ]);
    let thought = thought(Strategy::Verify, &single(), question, &mut voice, &[]);
    assert_eq!(thought.text, "384 + 97 = 471");
    assert!(thought.reasoned.outcome.contains("kept"));
}

#[test]
fn only_a_move_that_lowers_the_energy_is_taken() {
    let question = "Say it";
    let mut voice = script(&[(
        question,
        &[("rough", 0.5), ("worse", 0.4), ("better", 0.8), ("worse", 0.7), ("worse", 0.6)],
    )]);
    let thought = thought(Strategy::Refine, &single(), question, &mut voice, &[]);
    assert_eq!(thought.text, "better");
    let energies: Vec<f32> = thought.reasoned.steps.iter().filter_map(|step| step.score).collect();
    assert_eq!(energies, [0.5_f32, 0.4, 0.8, 0.7, 0.6].map(|probability| -probability.ln()));
    assert_eq!(voice.asked.len(), 5, "two moves in a row that were no better end it");
}

#[test]
fn an_expert_of_single_questions_says_that_it_lists_no_steps() {
    let mut voice = script(&[("What is 1 + 2?", &[("3", 0.9)])]);
    let thought = thought(Strategy::Steps, &single(), "What is 1 + 2?", &mut voice, &[]);
    assert_eq!(thought.text, "3");
    assert!(thought.reasoned.fell_back.expect("it says so").contains("answered directly"));
}

#[test]
fn two_questions_in_one_are_asked_alone() {
    let mut voice = script(&[("What is 1 + 2?", &[("3", 0.9)]), ("what is 3 * 4?", &[("12", 0.9)])]);
    let thought = thought(Strategy::Steps, &single(), "What is 1 + 2? And what is 3 * 4?", &mut voice, &[]);
    assert!(thought.text.contains('3') && thought.text.ends_with("12"), "{}", thought.text);
}

#[test]
fn a_plan_is_solved_step_by_step_and_joined() {
    let question = "How long is the way?";
    let plan = format!(
        "{question}\n\nDo not solve this yet. List the steps that solve it, two to 6, numbered, one a line."
    );
    let join = format!("With what was found, answer the question: {question}");
    let mut voice = script(&[
        (&plan, &[("1. find the parts\n2. add them", 0.9)]),
        ("Do this step, and only this one: find the parts", &[("2 and 3", 0.9)]),
        ("Do this step, and only this one: add them", &[("5", 0.9)]),
        (&join, &[("5 km", 0.9)]),
    ]);
    let thought = thought(Strategy::Steps, &Manifest::named("talker"), question, &mut voice, &[]);
    assert_eq!((thought.text.as_str(), thought.reasoned.steps.len()), ("5 km", 4));
    assert!(thought.reasoned.fell_back.is_none());
}

#[test]
fn the_attempt_that_goes_like_past_answers_is_taken() {
    let question = "What is 6 * 7?";
    let mut voice = script(&[(question, &[("no idea", 0.9), ("6 * 7 = 42", 0.5), ("42", 0.9)])]);
    let past = [Passage { answer: "3 * 4 = 12".into(), ..Passage::default() }];
    let thought = thought(Strategy::Guided, &single(), question, &mut voice, &past);
    assert_eq!(thought.text, "6 * 7 = 42");
    let none = self::thought(Strategy::Guided, &single(), question, &mut voice, &[]);
    assert!(none.reasoned.fell_back.is_some_and(|why| why.contains("no past answer")));
}

#[test]
fn a_stop_ends_a_strategy_with_what_there_is() {
    let question = "What is 6 * 7?";
    let mut voice = Script { stops_at: 2, ..script(&[(question, &[("42", 0.5), ("4", 0.9)])]) };
    let thought = thought(Strategy::Vote, &single(), question, &mut voice, &[]);
    assert_eq!((thought.text.as_str(), thought.generated.finish), ("42", Finish::Stopped));
    assert_eq!(voice.asked.len(), 2);
}
