//! Rules: the words of politeness and padding that a question can spare; whole words only, and only where they are
//! certainly that.
//!
//! Nothing is taken from quoted text, code or names, after a negation, where the word itself is spoken of ("the word
//! please"), or from a terse prompt.

use super::guards::{guards, quoted};
use super::units::units;
use std::ops::Range;
use unicode_segmentation::UnicodeSegmentation;

/// Prompts of fewer words have nothing to spare.
pub const TERSE: usize = 12;

/// Padding anywhere in a sentence, longest first where one begins another.
const PADDING: [&str; 41] = [
    "i would really appreciate it if you could", "i would appreciate it if you could",
    "i'd really appreciate it if you could", "i'd appreciate it if you could",
    "i would be grateful if you could", "i would be very grateful if you could",
    "i was just wondering if you could", "i was wondering if you could", "i was wondering whether you could",
    "i was hoping that you could", "i was hoping you could", "it would be really great if you could",
    "it would be great if you could", "it would be really helpful if you could",
    "it would be helpful if you could", "it would be wonderful if you could",
    "would it be possible for you to", "do you think you could", "could you please kindly",
    "could you possibly please", "could you please", "can you please", "would you please",
    "would you kindly", "could you kindly", "can you kindly", "will you please",
    "i would like you to please", "it is important to note that", "it is worth noting that",
    "it should be noted that", "as a matter of fact", "to be honest", "needless to say", "as you may know",
    "as you know", "please", "kindly", "basically", "actually", "honestly",
];

/// Sounds and words that are padding between commas or at the start of a sentence before one.
const ASIDES: [&str; 12] =
    ["you know", "i mean", "well", "so", "okay", "ok", "um", "uh", "hmm", "er", "anyway", "like i said"];

/// Sentences that say nothing to a model. Words of them alone are left where they stand.
const COURTESIES: [&str; 26] = [
    "hello", "hi", "hi there", "hey", "hey there", "hello there", "good morning", "good afternoon",
    "good evening", "i hope you are doing well", "i hope you're doing well", "i hope you are well",
    "i hope this finds you well", "i hope this message finds you well", "i hope all is well", "thank you",
    "thanks", "thank you very much", "thank you so much", "thanks a lot", "thanks so much",
    "thank you in advance", "thanks in advance", "thank you so much in advance",
    "thank you very much in advance", "many thanks",
];

/// Words before padding that make it something spoken of, something named, or something denied.
const SPOKEN_OF: [&str; 32] = [
    "word", "words", "term", "phrase", "adverb", "say", "says", "said", "saying", "spell", "define",
    "translate", "mean", "means", "meaning", "called", "named", "titled", "of", "the", "a", "an", "not",
    "never", "no", "or", "write", "pronounce", "with", "without", "spelling", "than",
];

/// Words after it that do the same.
const SPOKEN_ABOUT: [&str; 7] = ["mean", "means", "is", "was", "are", "translates", "or"];

/// The bytes that the text can spare, in order, apart from each other.
pub fn padding(text: &str) -> Vec<Range<usize>> {
    let words: Vec<(usize, &str)> = text.unicode_word_indices().collect();
    if words.len() < TERSE {
        return Vec::new();
    }
    let low: Vec<String> = words.iter().map(|(_, word)| word.to_lowercase().replace('’', "'")).collect();
    let closed = quoted(text);
    let mut spare: Vec<Range<usize>> = courtesies(text);
    let mut courteous = spare.clone().into_iter().peekable();
    let mut fresh = Vec::new();
    // Quotes and words come in order: one walk over both.
    let mut next_closed = 0;
    let mut at = 0;
    while at < words.len() {
        let start = words[at].0;
        while closed.get(next_closed).is_some_and(|(range, _)| range.end <= start) {
            next_closed += 1;
        }
        while courteous.next_if(|range| range.end <= start).is_some() {}
        let inside = closed.get(next_closed).is_some_and(|(range, _)| range.contains(&start))
            || courteous.peek().is_some_and(|range| range.contains(&start));
        match (!inside).then(|| matched(text, &words, &low, at)).flatten() {
            Some(count) => {
                let last = at + count - 1;
                fresh.push(with_signs(text, start..words[last].0 + words[last].1.len()));
                at += count;
            }
            None => at += 1,
        }
    }
    spare.extend(fresh);
    spare.sort_by_key(|range| range.start);
    // Padding after padding may claim the same space.
    spare.dedup_by(|next, before| {
        let touches = next.start < before.end;
        if touches {
            before.end = before.end.max(next.end);
        }
        touches
    });
    // A space before and a space after become one.
    for range in &mut spare {
        let begins = text[..range.start].chars().next_back().is_none_or(char::is_whitespace);
        range.end += usize::from(begins && text[range.end..].starts_with(' '));
    }
    spare.retain(|range| guards(&text[range.clone()]).is_empty());
    spare
}

/// How many words from `at` on are padding.
fn matched(text: &str, words: &[(usize, &str)], low: &[String], at: usize) -> Option<usize> {
    let phrase = |phrase: &str| {
        let count = phrase.split(' ').count();
        let same =
            phrase.split(' ').enumerate().all(|(n, part)| low.get(at + n).is_some_and(|word| word == part));
        let spaced = || {
            (at..at + count - 1)
                .all(|n| text[words[n].0 + words[n].1.len()..words[n + 1].0].trim().is_empty())
        };
        (same && spaced()).then_some(count)
    };
    let begins = |said: &str| said.starts_with(low[at].as_str());
    let before = text[..words[at].0].trim_end_matches(' ');
    let starts = before.is_empty() || before.ends_with(['.', '!', '?', '\n', ':', ';']);
    let capital = |word: &str| word.chars().next().is_some_and(char::is_uppercase);
    let plain = |count: usize| {
        let named = words[at..at + count]
            .iter()
            .skip(usize::from(starts))
            .any(|(_, word)| capital(word) && *word != "I");
        let named_after =
            starts && words.get(at + count).is_some_and(|(_, word)| capital(word) && *word != "I");
        let of_it = at.checked_sub(1).is_some_and(|n| !starts && SPOKEN_OF.contains(&low[n].as_str()));
        let denied = at.checked_sub(1).is_some_and(|n| low[n].ends_with("n't"));
        let about =
            low.get(at + count).is_some_and(|word| count == 1 && SPOKEN_ABOUT.contains(&word.as_str()));
        !named && !named_after && !of_it && !denied && !about
    };
    let aside = |count: usize| {
        let end = words[at + count - 1].0 + words[at + count - 1].1.len();
        (starts || before.ends_with(',')) && text[end..].starts_with(',')
    };
    PADDING
        .iter()
        .filter(|said| begins(said))
        .filter_map(|said| phrase(said))
        .find(|&count| plain(count))
        .or_else(|| ASIDES.iter().filter_map(|said| phrase(said)).find(|&count| plain(count) && aside(count)))
}

/// Sentences and lines that are courtesies and nothing else.
fn courtesies(text: &str) -> Vec<Range<usize>> {
    units(text)
        .into_iter()
        .filter(|unit| {
            let said = text[unit.body()].to_lowercase().replace('’', "'");
            let said = said.trim().trim_end_matches(['.', '!', ',', ' ']);
            COURTESIES.contains(&said)
        })
        .map(|unit| unit.range)
        .collect()
}

/// The range with the comma and the space that belonged to it.
fn with_signs(text: &str, range: Range<usize>) -> Range<usize> {
    let (before, after) = (&text[..range.start], &text[range.end..]);
    let ends = after.is_empty() || after.starts_with(['.', '!', '?', ';', '\n']);
    if before.ends_with(", ") && (ends || after.starts_with(',')) {
        return range.start - 2..range.end + usize::from(!ends);
    }
    if let Some(rest) = after.strip_prefix(',') {
        return range.start..range.end + 1 + usize::from(rest.starts_with(' '));
    }
    if after.starts_with(' ') {
        return range.start..range.end + 1;
    }
    range.start - usize::from(before.ends_with(' '))..range.end
}

#[cfg(test)]
mod tests {
    use super::*;

    fn without(text: &str) -> String {
        let mut said = text.to_owned();
        for range in padding(text).into_iter().rev() {
            said.replace_range(range, "");
        }
        said
    }

    #[test]
    fn verbose_prompts_lose_their_padding() {
        let table = [
            (
                "Hello there! I was wondering if you could please tell me, basically, how many moons the planet Mars has. Thank you in advance!",
                "tell me how many moons the planet Mars has. ",
            ),
            (
                "Could you please kindly explain why the sky is actually blue and the sunset red, please?",
                "explain why the sky is blue and the sunset red?",
            ),
            (
                "So, to be honest, I would appreciate it if you could list three rivers of Spain for me.",
                "list three rivers of Spain for me.",
            ),
        ];
        for (said, expected) in table {
            assert_eq!(without(said), expected);
        }
    }

    #[test]
    fn what_is_spoken_of_named_quoted_or_denied_stays() {
        for text in [
            "What does the word basically mean in a sentence like the one that I sent you yesterday?",
            "Translate \"could you please help me\" into French, German and Spanish, one line for each language.",
            "Who sang Please Please Me on the album that came out in the spring of that year?",
            "The answer was not actually wrong, it is the question that nobody had ever asked before now.",
            "Write a thank you note to my aunt who gave me a red bicycle for my birthday.",
            "Is thesis or this the word with more letters, and which pleases a reader of theses most?",
            "Run `please --actually` in the folder and say what it prints when the file is not there.",
            "I know you know that the so called wells are dry, so what is like water but not water?",
        ] {
            assert_eq!(without(text), text);
        }
    }

    #[test]
    fn terse_prompts_are_left_alone() {
        for text in ["Could you please add 2 and 2?", "please", "", "Sort: 3 1 2, please", "hi"] {
            assert_eq!(without(text), text);
        }
    }
}
