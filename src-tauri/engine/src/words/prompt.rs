//! A prompt: in what words an expert is asked, beside the question itself.

use super::Exchange;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// Where the question stands in a layout.
pub const QUESTION: &str = "{question}";

/// How the question is put to the expert.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, TS)]
pub struct Prompt {
    /// Stands before the conversation in the place of the manifest's; `None`: the manifest's own.
    pub system: Option<String>,
    /// What the expert reads in the place of the question; `{question}` stands in it once.
    pub layout: String,
    /// Questions with their answers that it is shown first, as turns before this one.
    pub shots: Vec<Shot>,
    /// Questions of so many words it was tried on, at least and at most; others are asked without it. `None`: all.
    #[serde(default)]
    pub words: Option<(u32, u32)>,
}

/// One example.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, TS)]
pub struct Shot {
    pub question: String,
    pub answer: String,
}

impl Default for Prompt {
    fn default() -> Prompt {
        Prompt { system: None, layout: QUESTION.into(), shots: Vec::new(), words: None }
    }
}

impl Prompt {
    /// It was tried on questions of this length.
    pub fn suits(&self, question: &str) -> bool {
        let words = question.split_whitespace().count() as u32;
        self.words.is_none_or(|(least, most)| (least..=most).contains(&words))
    }

    /// What the expert reads in the place of `question`. A layout without a place for it is the question alone.
    pub fn text(&self, question: &str) -> String {
        match self.layout.split_once(QUESTION) {
            Some((before, after)) => format!("{before}{question}{after}"),
            None => question.to_owned(),
        }
    }

    /// The examples as turns before this one, laid out as the question is.
    pub fn turns(&self) -> Vec<Exchange> {
        let turn =
            |shot: &Shot| Exchange { question: self.text(&shot.question), answer: shot.answer.clone() };
        self.shots.iter().map(turn).collect()
    }

    /// All that goes in beside the question.
    pub fn beside(&self, system: Option<&str>) -> String {
        let system = self.system.as_deref().or(system).unwrap_or_default();
        let turns: String =
            self.turns().iter().map(|turn| format!("{}\n{}\n", turn.question, turn.answer)).collect();
        format!("{system}\n{turns}{}", self.text("")).trim().to_owned()
    }

    /// As people read it, a line a thing: what two prompts differ in is what their lines do.
    pub fn lines(&self) -> String {
        let mut lines = Vec::new();
        match self.system.as_deref() {
            None => {}
            Some("") => lines.push("system: (none)".to_owned()),
            Some(system) => {
                lines.extend(sentences(system).into_iter().map(|sentence| format!("system: {sentence}")));
            }
        }
        lines.extend(
            self.shots
                .iter()
                .map(|shot| format!("example: {} → {}", shot.question.trim(), shot.answer.trim())),
        );
        lines.push(format!("asked: {}", self.layout));
        lines.join("\n")
    }
}

/// A text's sentences: cut at line ends, and after `.`, `!` and `?` before a space.
pub fn sentences(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for line in text.lines() {
        let mut from = 0;
        for (at, mark) in line.char_indices() {
            let end = at + mark.len_utf8();
            if ['.', '!', '?'].contains(&mark) && line[end..].starts_with(' ') {
                found.push(line[from..end].trim().to_owned());
                from = end;
            }
        }
        found.push(line[from..].trim().to_owned());
    }
    found.retain(|sentence| !sentence.is_empty());
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_question_stands_where_the_layout_says_word_for_word() {
        let prompt = Prompt { layout: "Reverse {question}!".into(), ..Prompt::default() };
        assert_eq!(prompt.text("{question} {x}"), "Reverse {question} {x}!");
        assert_eq!(Prompt::default().text(" a "), " a ");
        let shown = Prompt { shots: vec![Shot { question: "ab".into(), answer: "ba".into() }], ..prompt };
        assert_eq!(shown.turns()[0].question, "Reverse ab!");
        assert!(shown.beside(Some("Be brief.")).starts_with("Be brief.\nReverse ab!\nba"));
    }

    #[test]
    fn sentences_end_where_they_end() {
        assert_eq!(
            sentences("Be brief. Write 3.5 as 3.5!\n\nNo units"),
            ["Be brief.", "Write 3.5 as 3.5!", "No units"]
        );
    }
}
