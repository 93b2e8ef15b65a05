//! Questions of a person, a JSON object a line.

use std::path::Path;

use runtime::host::{Example, Message, Prompt, Role};
use serde::Deserialize;

use super::{PruneError, file};

#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Question {
    pub question: String,
    /// The model's own answer when absent.
    pub answer: Option<String>,
    pub topic: Option<String>,
    /// How much it counts among the others; 1 when absent.
    pub weight: Option<f64>,
}

impl Question {
    pub fn topic(&self) -> &str {
        self.topic.as_deref().unwrap_or("all")
    }

    pub fn weight(&self) -> f64 {
        self.weight.unwrap_or(1.0)
    }

    pub(super) fn example(&self, asking: Asking) -> Example {
        let prompt = match asking.raw {
            true => Prompt::Raw(self.question.clone()),
            false => Prompt::Messages(vec![Message::new(Role::User, &self.question)]),
        };
        Example { prompt, answer: self.answer.clone(), own_tokens: asking.own_tokens }
    }
}

/// How questions are put to the model.
#[derive(Clone, Copy, Debug, clap::Args)]
pub struct Asking {
    /// Tokens of the model's own answer, at most, where a line has none.
    #[arg(long, default_value_t = 64, value_name = "TOKENS")]
    pub own_tokens: u32,
    /// Read each question as it stands, without the chat template.
    #[arg(long)]
    pub raw: bool,
}

/// Every line of a file, or none.
pub fn questions(path: &Path) -> Result<Vec<Question>, PruneError> {
    let text = std::fs::read_to_string(path).map_err(file(path))?;
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let all: Vec<Question> = lines
        .map(|(at, line)| {
            let wrong = |why: String| PruneError::Line { path: path.to_path_buf(), line: at + 1, why };
            let question: Question = serde_json::from_str(line).map_err(|error| wrong(error.to_string()))?;
            if question.question.trim().is_empty() {
                return Err(wrong("the question is empty".into()));
            }
            if !(question.weight().is_finite() && question.weight() > 0.0) {
                return Err(wrong(format!("the weight {} is not above 0", question.weight())));
            }
            Ok(question)
        })
        .collect::<Result<_, _>>()?;
    if all.is_empty() {
        return Err(PruneError::Line {
            path: path.to_path_buf(),
            line: 1,
            why: "there is no question in it".into(),
        });
    }
    Ok(all)
}
