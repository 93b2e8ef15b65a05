//! Signature: what goes in and what comes out, by name and kind, and the prompt that this makes.
//!
//! Source: signatures of DSPy (arXiv:2310.03714)

use crate::extract::{Said, said, unified};
use crate::words::{Prompt, QUESTION};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use ts_rs::TS;

/// What an expert is to do, declared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct Signature {
    /// What is to be done, in a sentence; may be empty.
    #[serde(default)]
    pub task: String,
    pub inputs: Vec<Field>,
    pub outputs: Vec<Field>,
}

/// One thing that goes in or comes out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct Field {
    pub name: String,
    #[serde(default)]
    pub kind: Kind,
    #[serde(default)]
    pub description: String,
    /// Of a choice.
    #[serde(default)]
    pub choices: Vec<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    #[default]
    Text,
    Number,
    Choice,
    Code,
}

impl Kind {
    /// By its name in a question file; other words say what a question is about, not what comes out.
    pub fn named(name: &str) -> Option<Kind> {
        serde_json::from_value(Value::String(name.into())).ok()
    }

    fn name(self) -> &'static str {
        match self {
            Kind::Text => "text",
            Kind::Number => "a number",
            Kind::Choice => "a choice",
            Kind::Code => "code",
        }
    }
}

impl Signature {
    /// A question, and an answer of this kind.
    pub fn plain(kind: Kind) -> Signature {
        let field = |name: &str, kind| Field { name: name.into(), kind, ..Field::default() };
        Signature {
            task: String::new(),
            inputs: vec![field("question", Kind::Text)],
            outputs: vec![field("answer", kind)],
        }
    }

    pub fn from_json(text: &str) -> Result<Signature, String> {
        let signature: Signature = serde_json::from_str(text).map_err(|error| error.to_string())?;
        let Signature { inputs, outputs, .. } = &signature;
        if inputs.is_empty() || outputs.is_empty() {
            return Err("a signature has at least one input and one output".into());
        }
        for (at, field) in inputs.iter().chain(outputs).enumerate() {
            let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
            if field.name.is_empty() || !field.name.chars().all(plain) {
                return Err(format!("{:?} is no name of a field: letters, digits and _", field.name));
            }
            if inputs.iter().chain(outputs).take(at).any(|other| other.name == field.name) {
                return Err(format!("the field \"{}\" is there twice", field.name));
            }
            if (field.kind == Kind::Choice) == field.choices.is_empty() {
                return Err(format!(
                    "\"{}\": \"choices\" belong to a choice, and to nothing else",
                    field.name
                ));
            }
        }
        Ok(signature)
    }

    /// The question that these values make: the value alone of a single input, else a line a field.
    pub fn question(&self, values: &Map<String, Value>) -> Result<String, String> {
        let texts: Vec<(&str, String)> = self
            .inputs
            .iter()
            .map(|field| Ok((field.name.as_str(), field.value(values)?)))
            .collect::<Result<_, String>>()?;
        match texts.as_slice() {
            [(_, only)] => Ok(only.clone()),
            several => Ok(several
                .iter()
                .map(|(name, text)| format!("{name}: {text}"))
                .collect::<Vec<_>>()
                .join("\n")),
        }
    }

    /// What is expected, as [`Signature::read`] gives it. `None`: the line says nothing of it.
    pub fn expected(&self, values: &Map<String, Value>) -> Result<Option<Vec<String>>, String> {
        let [only] = self.outputs.as_slice() else {
            let all = self
                .outputs
                .iter()
                .map(|field| field.value(values).map_err(|error| format!("output {error}")));
            return all.collect::<Result<_, String>>().map(Some);
        };
        let names = [only.name.as_str(), "expected", "answer"];
        let Some(name) =
            names.into_iter().find(|name| values.get(*name).is_some_and(|value| !value.is_null()))
        else {
            return Ok(None);
        };
        Field { name: name.into(), ..only.clone() }.value(values).map(|value| Some(vec![value]))
    }

    /// The prompt that says all that the signature says: the task, what comes in, what is to come out and in which form.
    pub fn compiled(&self) -> Prompt {
        let mut lines: Vec<String> = Vec::new();
        lines.extend(Some(self.task.trim().to_owned()).filter(|task| !task.is_empty()));
        let described = |field: &&Field| !field.description.is_empty();
        lines.extend(self.inputs.iter().filter(described).map(|f| format!("{}: {}.", f.name, f.description)));
        lines.extend(self.outputs.iter().map(|field| self.form(field)));
        Prompt { system: Some(lines.join("\n")), layout: QUESTION.into(), ..Prompt::default() }
    }

    /// How one output is to be written.
    pub fn form(&self, field: &Field) -> String {
        let what = match field.kind {
            Kind::Choice => format!("one of {}", field.choices.join(", ")),
            kind => kind.name().to_owned(),
        };
        let described =
            if field.description.is_empty() { String::new() } else { format!(", {}", field.description) };
        match self.outputs.as_slice() {
            [_] => match field.kind {
                Kind::Text if described.is_empty() => "Write the answer alone, in a few words.".to_owned(),
                Kind::Code => format!("Write the answer as code in one block{described}."),
                _ => format!("Write the answer alone: {what}{described}."),
            },
            _ => format!("Write a line \"{}:\" with {what}{described}.", field.name),
        }
    }

    /// What an answer gives for each output, in their order.
    pub fn read(&self, question: &str, answer: &str) -> Vec<String> {
        let alone = self.outputs.len() == 1;
        self.outputs
            .iter()
            .map(|field| match (field.labelled(answer), alone) {
                (Some(part), _) => field.read(question, part),
                (None, true) => field.read(question, answer),
                (None, false) => String::new(),
            })
            .collect()
    }
}

impl Field {
    fn value(&self, values: &Map<String, Value>) -> Result<String, String> {
        let name = &self.name;
        let text = match values.get(name) {
            None | Some(Value::Null) => return Err(format!("the field \"{name}\" is missing")),
            Some(Value::String(text)) => text.clone(),
            Some(Value::Number(number)) => number.to_string(),
            Some(_) => return Err(format!("the field \"{name}\" is neither text nor a number")),
        };
        match self.kind {
            Kind::Number if unified(&text).numbers.is_empty() => {
                Err(format!("the field \"{name}\" is {text:?}, and should be a number"))
            }
            Kind::Choice
                if !self.choices.is_empty()
                    && !self.choices.iter().any(|choice| choice.eq_ignore_ascii_case(&text)) =>
            {
                Err(format!(
                    "the field \"{name}\" is {text:?}, and should be one of {}",
                    self.choices.join(", ")
                ))
            }
            _ => Ok(text),
        }
    }

    /// What stands behind `name:` at the beginning of a line, the last time that it does; of code all that follows.
    fn labelled<'a>(&self, answer: &'a str) -> Option<&'a str> {
        let mut found = None;
        let mut at = 0;
        for line in answer.split_inclusive('\n') {
            let plain = line.trim_start_matches([' ', '*', '_', '#', '-']);
            let label = plain.get(..self.name.len()).filter(|label| label.eq_ignore_ascii_case(&self.name));
            if let Some(rest) =
                label.and_then(|_| plain[self.name.len()..].trim_start_matches(['*', '_']).strip_prefix(':'))
            {
                let from = at + line.len() - rest.len();
                found = Some(if self.kind == Kind::Code {
                    &answer[from..]
                } else {
                    rest.trim_matches(['*', '_', ' ', '\n', '\r'])
                });
            }
            at += line.len();
        }
        found
    }

    /// What a text comes to, as the judge reads it.
    fn read(&self, question: &str, text: &str) -> String {
        match self.kind {
            Kind::Choice if !self.choices.is_empty() => {
                let last = text.trim().lines().last().unwrap_or_default().to_lowercase();
                let words: Vec<&str> = last.split(|c: char| !c.is_alphanumeric()).collect();
                let named = |choice: &&String| {
                    let choice = choice.to_lowercase();
                    let parts: Vec<&str> = choice.split(|c: char| !c.is_alphanumeric()).collect();
                    words.windows(parts.len().max(1)).any(|window| window == parts)
                };
                let mut choices = self.choices.iter().filter(named);
                match (choices.next(), choices.next()) {
                    (Some(only), None) => only.clone(),
                    // Two of them are no choice.
                    _ => text.to_owned(),
                }
            }
            Kind::Choice => match said(question, text) {
                Said::Choice(letter) => letter.to_string(),
                _ => text.to_owned(),
            },
            Kind::Text | Kind::Number | Kind::Code => text.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn values(value: Value) -> Map<String, Value> {
        value.as_object().cloned().unwrap()
    }

    fn invoice() -> Signature {
        Signature::from_json(
            r#"{"task": "Read the invoice.", "inputs": [{"name": "line"}, {"name": "vat", "kind": "number"}],
                "outputs": [{"name": "sum", "kind": "number", "description": "with tax"},
                            {"name": "paid", "kind": "choice", "choices": ["yes", "no"]}]}"#,
        )
        .unwrap()
    }

    #[test]
    fn a_signature_becomes_a_question_a_prompt_and_what_comes_out() {
        let signature = invoice();
        let asked = signature.question(&values(json!({ "line": "3 pens", "vat": 20 }))).unwrap();
        assert_eq!(asked, "line: 3 pens\nvat: 20");
        let system = signature.compiled().system.unwrap();
        assert_eq!(
            system,
            "Read the invoice.\nWrite a line \"sum:\" with a number, with tax.\nWrite a line \"paid:\" with one of yes, no."
        );
        assert_eq!(signature.read(&asked, "It is so:\n**Sum:** 3.60\npaid: No, not yet"), ["3.60", "no"]);
        assert_eq!(signature.read(&asked, "3.60"), ["", ""], "several outputs need their names");
        let expected = signature.expected(&values(json!({ "sum": 3.6, "paid": "no" }))).unwrap();
        assert_eq!(expected, Some(vec!["3.6".into(), "no".into()]));
    }

    #[test]
    fn values_have_their_kind() {
        let wrong = |line: Value| invoice().question(&values(line)).unwrap_err();
        assert!(wrong(json!({ "line": "pens", "vat": "much" })).contains("\"vat\" is \"much\""));
        assert!(wrong(json!({ "vat": 1 })).contains("\"line\" is missing"));
        let wrong = invoice().expected(&values(json!({ "sum": 1, "paid": "perhaps" }))).unwrap_err();
        assert!(wrong.contains("one of yes, no"), "{wrong}");
    }

    #[test]
    fn one_answer_needs_no_name_and_a_doubtful_choice_is_none() {
        let choice = Signature::from_json(
            r#"{"inputs": [{"name": "question"}], "outputs": [{"name": "mood", "kind": "choice", "choices": ["good", "not good"]}]}"#,
        )
        .unwrap();
        assert_eq!(choice.read("", "I think it is good."), ["good"]);
        assert_eq!(choice.read("", "I think it is not good."), ["I think it is not good."]);
        assert_eq!(Signature::plain(Kind::Number).read("", "so\nanswer: 12"), ["12"]);
    }

    #[test]
    fn what_is_wrong_with_a_signature_is_said() {
        for (text, why) in [
            (r#"{"inputs": [], "outputs": []}"#, "at least one"),
            (r#"{"inputs": [{"name": "a b"}], "outputs": [{"name": "c"}]}"#, "no name"),
            (r#"{"inputs": [{"name": "a"}], "outputs": [{"name": "a"}]}"#, "twice"),
            (r#"{"inputs": [{"name": "a"}], "outputs": [{"name": "b", "kind": "choice"}]}"#, "choices"),
            (r#"{"inputs": [{"name": "a", "size": 3}], "outputs": [{"name": "b"}]}"#, "size"),
        ] {
            assert!(Signature::from_json(text).unwrap_err().contains(why), "{text}");
        }
    }
}
