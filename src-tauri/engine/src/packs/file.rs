//! The file of a pack. What is wrong in it is said with line and column, as in the pool file.

use crate::pool::{PoolError, check_name, of_yaml};
use serde::{Deserialize, Serialize};
use std::path::Path;
use ts_rs::TS;

/// What one word that marks the domain says for it, as the keywords of the starters do.
pub(super) const KEYWORD: f32 = 0.6;
const MOST_BYTES: u64 = 1 << 20;
/// Below this a measure of them says nothing.
const LEAST_QUESTIONS: usize = 12;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct Pack {
    /// As an expert's: lowercase letters, digits and dashes.
    pub name: String,
    pub title: String,
    pub about: String,
    /// What its experts answer, as routing names it.
    pub domain: String,
    /// Words and phrases that mark the domain, lowercase; a `*` at the end stands for any ending.
    pub keywords: Vec<String>,
    /// Questions of the domain as people ask them: lessons for routing.
    pub wordings: Vec<String>,
    pub experts: Vec<PackExpert>,
    /// What is to be kept in mind, a sentence each.
    pub playbook: Vec<String>,
    pub questions: Vec<PackQuestion>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct PackExpert {
    pub kind: String,
    pub title: String,
    /// 0 to 10.
    pub complexity: f32,
    pub temperature: f32,
    pub max_tokens: u32,
    pub system_prompt: String,
    /// Repositories of the hub whose models would do, the likeliest first.
    pub catalogue: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct PackQuestion {
    pub question: String,
    /// A number, a letter, a word: what an answer can be compared with.
    pub answer: String,
}

impl Pack {
    pub fn read(path: &Path) -> Result<Pack, PoolError> {
        let files = |source| PoolError::Files { doing: "read", path: path.to_path_buf(), source };
        let bytes = path.metadata().map_err(files)?.len();
        if bytes > MOST_BYTES {
            return Err(bad(path, &format!("it has {bytes} bytes, and {MOST_BYTES} are the most")));
        }
        Pack::parse(&std::fs::read_to_string(path).map_err(files)?, path)
    }

    /// `path` is for what is said of it.
    pub fn parse(text: &str, path: &Path) -> Result<Pack, PoolError> {
        let pack: Pack = of_yaml(text, path)?;
        pack.check().map_err(|what| bad(path, &what)).map(|()| pack)
    }

    pub fn to_yaml(&self) -> Result<String, PoolError> {
        yaml_serde::to_string(self).map_err(|error| bad(Path::new(&self.name), &error.to_string()))
    }

    /// Its questions as `lectern bench --file` reads them.
    pub fn bench(&self) -> String {
        let line = |(at, asked): (usize, &PackQuestion)| {
            let id = format!("{}-{}", self.name, at + 1);
            let line = serde_json::json!({ "id": id, "question": asked.question, "expected": asked.answer });
            format!("{line}\n")
        };
        self.questions.iter().enumerate().map(line).collect()
    }

    /// Name of its expert in the pool: the pack's, with the kind behind it where there are several.
    pub(super) fn speaker(&self, expert: &PackExpert) -> String {
        match self.experts.len() {
            1 => format!("{}-pack", self.name),
            _ => format!("{}-{}", self.name, expert.kind),
        }
    }

    fn check(&self) -> Result<(), String> {
        check_name(&self.name)?;
        let said = [("title", &self.title), ("about", &self.about), ("domain", &self.domain)];
        if let Some((field, _)) = said.iter().find(|(_, text)| text.trim().is_empty()) {
            return Err(format!("{field} is empty"));
        }
        if self.domain != self.domain.to_lowercase() {
            return Err(format!("domain {:?} has capital letters", self.domain));
        }
        let lists =
            [("keywords", &self.keywords), ("wordings", &self.wordings), ("playbook", &self.playbook)];
        for (field, list) in lists {
            if let Some(at) = list.iter().position(|text| text.trim().is_empty()) {
                return Err(format!("{field} has an empty line, number {}", at + 1));
            }
        }
        for (at, text) in self.playbook.iter().enumerate() {
            crate::playbook::rule(text).map_err(|error| format!("playbook, number {}: {error}", at + 1))?;
        }
        if let Some(word) = self.keywords.iter().find(|word| **word != word.to_lowercase()) {
            return Err(format!("the keyword {word:?} has capital letters"));
        }
        if self.experts.is_empty() {
            return Err("it has no experts".into());
        }
        for expert in &self.experts {
            check_name(&expert.kind)?;
            check_name(&self.speaker(expert))?;
            let kind = &expert.kind;
            if !(0.0..=10.0).contains(&expert.complexity) {
                return Err(format!("{kind}: complexity {} is not from 0 to 10", expert.complexity));
            }
            if !(0.0..=5.0).contains(&expert.temperature) {
                return Err(format!("{kind}: temperature {} is not from 0 to 5", expert.temperature));
            }
            if expert.max_tokens == 0
                || expert.system_prompt.trim().is_empty()
                || expert.title.trim().is_empty()
            {
                return Err(format!("{kind}: title, system_prompt and max_tokens have to say something"));
            }
        }
        let kinds = self.experts.iter().map(|expert| &expert.kind);
        if kinds.clone().collect::<std::collections::HashSet<_>>().len() < kinds.count() {
            return Err("an expert's kind is there twice".into());
        }
        if self.questions.len() < LEAST_QUESTIONS {
            return Err(format!(
                "it has {} questions, and {LEAST_QUESTIONS} are the least",
                self.questions.len()
            ));
        }
        let is_empty =
            |asked: &PackQuestion| asked.question.trim().is_empty() || asked.answer.trim().is_empty();
        match self.questions.iter().position(is_empty) {
            Some(at) => Err(format!("question {} or its answer is empty", at + 1)),
            None => Ok(()),
        }
    }
}

fn bad(path: &Path, what: &str) -> PoolError {
    PoolError::BadPoolFile { place: path.display().to_string(), what: what.into() }
}

#[cfg(test)]
mod tests {
    use super::super::SHIPPED;
    use super::*;
    use crate::hub::catalogue;

    #[test]
    fn every_shipped_pack_is_right_and_comes_back_as_it_was() {
        let catalogue: Vec<String> = catalogue().into_iter().map(|pick| pick.repo).collect();
        for (name, text) in SHIPPED {
            let pack = Pack::parse(text, Path::new(name)).unwrap();
            assert_eq!(pack.name, name);
            assert!(pack.wordings.len() >= 6 && pack.playbook.len() >= 4, "{name}");
            for repo in pack.experts.iter().flat_map(|expert| &expert.catalogue) {
                assert!(catalogue.contains(repo), "{name}: {repo} is not recommended anywhere");
            }
            for asked in &pack.questions {
                // One word, number or letter, and the question says so: what a comparison can judge.
                assert!(!asked.answer.contains(' ') && asked.answer.len() <= 12, "{name}: {asked:?}");
                assert!(asked.question.contains("alone"), "{name}: {asked:?}");
                if let Some((_, choices)) = asked.question.split_once("the letter alone. ") {
                    assert!(choices.contains(&format!("{})", asked.answer)), "{name}: {asked:?}");
                }
            }
            assert_eq!(Pack::parse(&pack.to_yaml().unwrap(), Path::new(name)).unwrap(), pack);
            assert_eq!(pack.bench().lines().count(), pack.questions.len());
        }
    }

    #[test]
    fn what_is_wrong_in_a_pack_is_said() {
        let (_, law) = SHIPPED.into_iter().find(|(name, _)| *name == "law").unwrap();
        let said = |text: &str| Pack::parse(text, Path::new("law.yaml")).unwrap_err().to_string();
        for (from, to, place, word) in [
            ("title: Law\n", "titel: Law\n", "law.yaml:2:1", "titel"),
            ("complexity: 7", "complexity: many", "law.yaml:17:15", "many"),
            ("complexity: 7", "complexity: 11", "law.yaml", "0 to 10"),
            ("name: law", "name: Law One", "law.yaml", "no name"),
            ("domain: law", "domain: Law", "law.yaml", "capital"),
            ("max_tokens: 1024", "max_tokens: 0", "law.yaml", "max_tokens"),
            (
                "- The words of",
                &format!("- {} of", "The words ".repeat(60)),
                "law.yaml",
                "playbook, number 2",
            ),
        ] {
            let said = said(&law.replacen(from, to, 1));
            assert!(said.starts_with(place) && said.contains(word), "{from:?} to {to:?}: {said}");
        }
        let few: String = law.split("questions:").next().unwrap().to_owned() + "questions: []\n";
        assert!(said(&few).contains("12 are the least"));
        assert!(said("").starts_with("law.yaml"), "an empty file is no pack");
    }
}
