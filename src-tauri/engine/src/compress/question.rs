//! Question: which part of a text asks, when context and question come as one text.

use super::units::{Kind, Unit, about_words};

/// A paragraph of more words than this is no question, whatever it ends with.
const LONGEST_QUESTION: usize = 80;

const LABELS: [&str; 6] = ["question:", "q:", "query:", "my question:", "user question:", "task:"];

const ASKS: [&str; 30] = [
    "who", "whom", "whose", "what", "what's", "when", "when's", "where", "where's", "which", "why", "how",
    "is", "are", "was", "were", "do", "does", "did", "can", "could", "should", "would", "will", "has",
    "have", "had", "who's", "in which", "name",
];

const ORDERS: [&str; 44] = [
    "write", "explain", "list", "summarize", "summarise", "translate", "give", "tell", "describe", "compare",
    "find", "compute", "calculate", "solve", "show", "make", "create", "fix", "convert", "draft", "rewrite",
    "answer", "help", "prove", "sort", "count", "classify", "extract", "generate", "implement", "analyze",
    "analyse", "identify", "suggest", "provide", "name", "choose", "correct", "debug", "plan", "return",
    "reply", "use", "keep",
];

const BEFORE_ORDERS: [&str; 8] = ["please", "kindly", "now", "then", "and", "also", "first", "finally"];

/// What asks in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// The units that hold the question, with what belongs to them ("Answer:").
    pub units: Vec<usize>,
    pub text: String,
}

/// The one question of a text: labelled as such, or its last or first paragraph. `None` when nothing asks, and when
/// several labelled questions make the text a row of examples.
pub fn find(text: &str, units: &[Unit]) -> Option<Asked> {
    let labelled: Vec<usize> =
        (0..units.len()).filter(|&at| label(&text[units[at].body()]).is_some()).collect();
    match labelled[..] {
        [at] => return Some(with_label(text, units, at)),
        [] => {}
        _ => return None,
    }
    let (first, last) = (units.first()?.passage, units.last()?.passage);
    if first == last && units.len() < 3 {
        return None;
    }
    let paragraph = |passage: usize| -> Vec<usize> {
        let all = (0..units.len()).filter(|&at| units[at].passage == passage).collect::<Vec<_>>();
        let words: usize = all.iter().map(|&at| about_words(&text[units[at].body()])).sum();
        if words <= LONGEST_QUESTION { all } else { Vec::new() }
    };
    let whole = |ids: Vec<usize>| Asked {
        text: ids.iter().map(|&at| &text[units[at].range.clone()]).collect::<String>().trim().to_owned(),
        units: ids,
    };
    // The last word has the asker's ear: the end is looked at before the beginning.
    for passage in [last, first] {
        let ids = paragraph(passage);
        if first != last && ids.iter().any(|&at| asks(&text[units[at].body()])) {
            return Some(whole(ids));
        }
    }
    for at in [units.len() - 1, 0] {
        if units[at].kind == Kind::Sentence && asks(&text[units[at].body()]) {
            return Some(whole(vec![at]));
        }
    }
    None
}

/// Whether a sentence asks or orders something.
pub fn asks(sentence: &str) -> bool {
    let said = sentence.trim().trim_end_matches(['"', '”', ')']);
    if said.ends_with(['?', '？', '؟']) {
        return true;
    }
    let mut words = said
        .split(|c: char| c.is_whitespace() || matches!(c, ',' | ':' | '.'))
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase);
    let first = words.find(|word| !BEFORE_ORDERS.contains(&word.as_str())).unwrap_or_default();
    // Questions as people type them have no sign: "who got the first nobel prize". A statement has its full stop.
    ORDERS.contains(&first.as_str()) || (!said.ends_with(['.', '!', '。']) && ASKS.contains(&first.as_str()))
}

fn label(said: &str) -> Option<&str> {
    let said = said.trim().trim_start_matches(['#', '*', ' ']);
    LABELS.iter().find_map(|label| {
        let start = said.get(..label.len())?;
        start.eq_ignore_ascii_case(label).then(|| said[label.len()..].trim_start_matches('*').trim())
    })
}

fn with_label(text: &str, units: &[Unit], at: usize) -> Asked {
    let mut ids: Vec<usize> =
        (at..units.len()).take_while(|&next| units[next].passage == units[at].passage).collect();
    let said = label(&text[units[at].body()]).unwrap_or_default();
    // The label stands alone: the question is the next paragraph.
    if said.is_empty() && ids.len() == 1 && at + 1 < units.len() {
        let next = units[at + 1].passage;
        ids.extend((at + 1..units.len()).take_while(|&other| units[other].passage == next));
    }
    // A cue at the very end ("Answer:") belongs to the question.
    let last = units.len() - 1;
    if !ids.contains(&last) && text[units[last].body()].trim_end().ends_with(':') {
        ids.push(last);
    }
    let rest = ids.iter().skip(1).map(|&id| text[units[id].body()].trim());
    let said: Vec<&str> = [said].into_iter().chain(rest).filter(|part| !part.is_empty()).collect();
    Asked { text: said.join(" "), units: ids }
}

#[cfg(test)]
mod tests {
    use super::super::units::units;
    use super::*;

    fn found(text: &str) -> Option<String> {
        find(text, &units(text)).map(|asked| asked.text)
    }

    const CONTEXT: &str =
        "Paris is the capital of France. It lies on the Seine.\n\nLyon is a city in France.\n\n";

    #[test]
    fn a_labelled_question_is_found_wherever_it_stands() {
        let last = format!("{CONTEXT}Question: what is the capital\nAnswer:");
        assert!(
            found(&last).is_some_and(|asked| asked.starts_with("what is the capital")),
            "{:?}",
            found(&last)
        );
        let first = format!("Question: what is the capital?\n\n{CONTEXT}");
        assert_eq!(found(&first).as_deref(), Some("what is the capital?"));
    }

    #[test]
    fn a_question_without_a_label_is_the_last_paragraph_or_the_first() {
        assert_eq!(
            found(&format!("{CONTEXT}what is the capital of france")).as_deref(),
            Some("what is the capital of france")
        );
        assert_eq!(
            found(&format!("Which city lies on the Seine?\n\n{CONTEXT}")).as_deref(),
            Some("Which city lies on the Seine?")
        );
        assert_eq!(found(&format!("{CONTEXT}Summarize this.")).as_deref(), Some("Summarize this."));
    }

    #[test]
    fn examples_and_statements_hold_no_one_question() {
        assert_eq!(found("Question: 1 + 1?\nThe answer is 2\n\nQuestion: 2 + 2?\nThe answer is 4"), None);
        assert_eq!(found(CONTEXT), None);
    }
}
