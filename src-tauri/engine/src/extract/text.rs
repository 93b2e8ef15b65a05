//! Where in an answer its result stands, and what is left of words when nothing else is there.

/// The part of an answer that says what comes out.
pub(super) struct Ending {
    pub text: String,
    /// The answer announces it: "the answer is …".
    pub is_marked: bool,
}

/// What announces a result; the last one counts.
const MARKS: [&str; 9] = [
    "final answer is", "answer is", "final answer:", "answer:", "result is", "result:", "####",
    "correct option is", "correct choice is",
];

/// Without what a model thinks aloud before it answers.
pub(super) fn without_thoughts(answer: &str) -> &str {
    answer.rsplit_once("</think>").map_or(answer, |(_, behind)| behind)
}

/// The last boxed expression, what an announcement announces, or the last line.
pub(super) fn ending(answer: &str) -> Ending {
    if let Some(boxed) = boxed(answer) {
        return Ending { text: boxed, is_marked: true };
    }
    // The marks are ASCII: places in the lowered text are places in the text.
    let lower = answer.to_ascii_lowercase();
    let places = MARKS.iter().filter_map(|mark| lower.rfind(mark).map(|at| at + mark.len()));
    if let Some(at) = places.max() {
        let behind = answer[at..].trim_start_matches([':', ' ', '*', '\n', '_', '`']);
        let line = behind.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
        let sentence = line.split(". ").next().unwrap_or(line);
        let reason = [", because", " because", ", since", " since "];
        let end = reason.iter().filter_map(|word| sentence.find(word)).min().unwrap_or(sentence.len());
        if !sentence[..end].trim().is_empty() {
            return Ending { text: sentence[..end].to_owned(), is_marked: true };
        }
    }
    let line = answer.lines().rev().map(str::trim).find(|line| line.chars().any(char::is_alphanumeric));
    Ending { text: line.unwrap_or(answer.trim()).to_owned(), is_marked: false }
}

/// What the last `\boxed{…}` holds.
fn boxed(answer: &str) -> Option<String> {
    let (_, inside) = answer.rsplit_once("\\boxed{")?;
    let mut depth = 1;
    for (at, c) in inside.char_indices() {
        depth += i32::from(c == '{') - i32::from(c == '}');
        if depth == 0 {
            return Some(inside[..at].to_owned());
        }
    }
    None
}

/// A line without emphasis, LaTeX and odd spaces and signs.
pub(super) fn plain(text: &str) -> String {
    let mut text = text.replace("\\frac", "").replace("}{", "/");
    for (from, to) in [
        ("{,}", ","),
        ("\\,", ""),
        ("\\!", ""),
        ("\\text", ""),
        ("\\mathrm", ""),
        ("\\times", "×"),
        ("\\cdot", "×"),
        ("\\%", "%"),
        ("\\$", "$"),
        ("^\\circ", "°"),
        ("\\(", ""),
        ("\\)", ""),
        ("\\[", ""),
        ("\\]", ""),
        ("**", ""),
        ("`", ""),
        ("\u{2212}", "-"),
        ("\u{2013}", "-"),
        ("·", "×"),
    ] {
        text = text.replace(from, to);
    }
    // A dollar around LaTeX is no currency: one that no digit follows, and one behind a digit or a brace.
    let chars: Vec<char> = text.chars().collect();
    let digit = |at: usize| chars.get(at).is_some_and(char::is_ascii_digit);
    let paired = chars.iter().filter(|c| **c == '$').count() % 2 == 0;
    let mut plain = String::new();
    for (at, c) in chars.iter().enumerate() {
        let between = at > 0 && digit(at - 1) && digit(at + 1);
        match c {
            // 1 234 567 and 1'234: groups of three behind one to three digits.
            ' ' | '\u{a0}' | '\u{202f}' | '\u{2009}' | '\'' | '_'
                if between && is_group(&chars, at) && starts_groups(&chars, at) => {}
            '\u{a0}' | '\u{202f}' | '\u{2009}' => plain.push(' '),
            '$' if paired => {}
            '{' | '}' => {}
            '*' | '_' if !between => plain.push(if *c == '*' && spaced(&chars, at) { '*' } else { ' ' }),
            _ => plain.push(*c),
        }
    }
    let words: Vec<&str> = plain.split_whitespace().collect();
    words.join(" ")
}

fn spaced(chars: &[char], at: usize) -> bool {
    at > 0 && chars[at - 1] == ' ' && chars.get(at + 1) == Some(&' ')
}

/// Exactly three digits follow.
fn is_group(chars: &[char], at: usize) -> bool {
    chars[at + 1..].iter().take_while(|c| c.is_ascii_digit()).count() == 3
}

/// One to three digits stand before, and no word, so that "add 12 345" stays two numbers in a sum of many.
fn starts_groups(chars: &[char], at: usize) -> bool {
    let digits = chars[..at].iter().rev().take_while(|c| c.is_ascii_digit()).count();
    (1..=3).contains(&digits)
}

/// The letters that the question offers, each with its text.
pub(super) fn offered(question: &str) -> Vec<(char, String)> {
    let chars: Vec<char> = question.chars().collect();
    let mut places: Vec<(char, usize, usize)> = Vec::new();
    for at in 0..chars.len() {
        let letter = chars[at].to_ascii_uppercase();
        let opens = at == 0 || chars[at - 1].is_whitespace() || chars[at - 1] == '(';
        let closes = chars.get(at + 1).is_some_and(|c| [')', '.', ':'].contains(c));
        let goes_on = chars.get(at + 2).is_none_or(|c| c.is_whitespace());
        let expected = char::from(b'A' + places.len().min(9) as u8);
        if letter == expected && opens && closes && goes_on {
            places.push((letter, at, at + 2));
        }
    }
    if places.len() < 2 {
        return Vec::new();
    }
    let end = |next: usize| places.get(next).map_or(chars.len(), |(_, start, _)| *start);
    places
        .iter()
        .enumerate()
        .map(|(number, (letter, _, start))| {
            let text: String = chars[*start..end(number + 1).max(*start)].iter().collect();
            (*letter, folded(text.trim_end_matches(['(', ' ', ',', ';', '\n'])))
        })
        .collect()
}

/// The letter that an answer chooses of those that are offered.
pub(super) fn choice(offered: &[(char, String)], answer: &str) -> Option<char> {
    if offered.is_empty() {
        return None;
    }
    let letters: Vec<char> = offered.iter().map(|(letter, _)| *letter).collect();
    let end = ending(answer);
    let plain = plain(&end.text);
    leading(&plain, &letters)
        .or_else(|| by_text(offered, &plain))
        .or_else(|| marked(&plain, &letters))
        .or_else(|| leading(answer.trim_start_matches(['*', '(', ' ']), &letters))
        .or_else(|| marked(answer, &letters))
        .or_else(|| mentioned(offered, &plain))
        .or_else(|| last_letter(&plain, &letters))
}

/// The letter that is called right, or the last one that stands alone before a mark or the end.
fn last_letter(text: &str, letters: &[char]) -> Option<char> {
    let chars: Vec<char> = text.chars().collect();
    let alone = |at: usize| {
        letters.contains(&chars[at])
            && (at == 0 || !chars[at - 1].is_alphanumeric())
            && chars.get(at + 1).is_none_or(|c| !c.is_alphanumeric() && *c != '\'')
    };
    let rest = |at: usize| chars[at + 1..].iter().collect::<String>();
    let right = |at: &usize| {
        [" is correct", " is right", " is the answer", " is the correct"]
            .iter()
            .any(|word| rest(*at).starts_with(word))
    };
    let places: Vec<usize> = (0..chars.len()).filter(|&at| alone(at)).collect();
    let ends = |at: &&usize| chars.get(**at + 1).is_none_or(|c| *c != ' ');
    let found = places.iter().find(|at| right(at)).or_else(|| places.iter().rev().find(ends));
    found.map(|&at| chars[at])
}

/// `B`, `(B)`, `B) fourteen`, `Option B`.
fn leading(text: &str, letters: &[char]) -> Option<char> {
    let text = text.trim_start_matches(['(', '[', ' ', '"', '\'']);
    let lower = text.to_ascii_lowercase();
    let word = ["option ", "choice ", "letter "].iter().find(|word| lower.starts_with(**word));
    let text = word.map_or(text, |word| text[word.len()..].trim_start_matches('('));
    let mut chars = text.chars();
    let first = chars.next()?;
    let behind = chars.next();
    let stands_alone = behind.is_none_or(|c| [')', '.', ':', ',', ']', '"', '\''].contains(&c))
        || (behind == Some(' ') && word.is_some());
    let letter = first.to_ascii_uppercase();
    (letters.contains(&letter)
        && stands_alone
        && (first.is_ascii_uppercase() || word.is_some() || text.len() <= 2))
        .then_some(letter)
}

/// The last `(B)`, `option B` or `B)` anywhere.
fn marked(text: &str, letters: &[char]) -> Option<char> {
    let chars: Vec<char> = text.chars().collect();
    let found = (0..chars.len()).rev().find(|&at| {
        let before = at.checked_sub(1).map(|place| chars[place]);
        let bracketed = chars.get(at + 1) == Some(&')') && before.is_none_or(|c| c == '(' || c == ' ');
        let lead: String = chars[..at].iter().collect::<String>().to_ascii_lowercase();
        let named = ["option ", "choice ", "option (", "choose ", "choose option ", "it is ", "it's "]
            .iter()
            .any(|word| lead.ends_with(word));
        let ends = chars.get(at + 1).is_none_or(|c| !c.is_alphanumeric());
        letters.contains(&chars[at].to_ascii_uppercase())
            && chars[at].is_ascii_uppercase()
            && (bracketed || (named && ends))
    });
    found.map(|at| chars[at])
}

/// The answer is the text of one offer.
fn by_text(offered: &[(char, String)], plain: &str) -> Option<char> {
    let said = folded(plain);
    offered.iter().find(|(_, text)| !text.is_empty() && *text == said).map(|(letter, _)| *letter)
}

/// The answer has the text of one offer in it, and of no other.
fn mentioned(offered: &[(char, String)], plain: &str) -> Option<char> {
    let said = format!(" {} ", words(plain).join(" "));
    let mut found = offered.iter().filter(|(_, text)| {
        let text = words(text).join(" ");
        !text.is_empty() && said.contains(&format!(" {text} "))
    });
    let first = found.next()?;
    found.next().is_none().then_some(first.0)
}

/// The code of an answer to a question that wants some: the last fence, without comments and empty lines.
pub(super) fn code(question: &str, answer: &str) -> Option<String> {
    let parts: Vec<&str> = answer.split("```").collect();
    let last = (parts.len().checked_sub(1)? / 2 * 2).checked_sub(1)?;
    let inside = parts.get(last)?;
    let inside = inside.split_once('\n').map_or(*inside, |(_, code)| code);
    let asked = words(question);
    let wants =
        ["function", "code", "python", "program", "script", "class", "method", "sql", "regex", "rust"]
            .iter()
            .any(|word| asked.iter().any(|asked| asked == word));
    let count = |text: &str| text.chars().filter(|c| !c.is_whitespace()).count();
    let is_most = count(inside) * 2 > count(answer);
    let looks = inside.contains(['(', '{', ';', '=']) && inside.chars().any(char::is_alphabetic);
    if !(wants || is_most && looks) {
        return None;
    }
    let lines = inside.replace('\t', "    ");
    let kept: Vec<&str> = lines
        .lines()
        .map(|line| without_comment(line).trim_end())
        .filter(|line| !line.trim().is_empty())
        .collect();
    (!kept.is_empty()).then(|| kept.join("\n"))
}

/// A comment goes when it has a line to itself or two spaces before it.
fn without_comment(line: &str) -> &str {
    let whole = line.trim_start();
    if whole.starts_with('#') || whole.starts_with("//") {
        return "";
    }
    line.split_once("  #").map_or(line, |(code, _)| code)
}

/// Several things in an order: items joined by one comma each, numbers in one form.
pub(super) fn list(plain: &str) -> Option<String> {
    let body = plain.rsplit_once(':').map_or(plain, |(_, behind)| behind).trim_end_matches('.');
    let body = body.trim().trim_matches(['[', ']', '(', ')']);
    let parts: Vec<String> = body
        .replace(", and ", ", ")
        .split(", ")
        .map(|item| super::unified(item.trim().trim_matches(['"', '\'', ' '])).text)
        .collect();
    let is_item = |item: &String| !item.is_empty() && item.split(' ').count() <= 3;
    if parts.len() >= 2 && parts.iter().all(is_item) && !body.contains('=') {
        return Some(parts.join(","));
    }
    let tight: Vec<&str> = body.split(',').map(str::trim).collect();
    let are_numbers = tight.len() >= 3 && tight.iter().all(|item| super::unified(item).is_number());
    let is_one_number = tight[1..].iter().all(|group| group.len() == 3);
    (are_numbers && !is_one_number)
        .then(|| tight.iter().map(|item| super::unified(item).text).collect::<Vec<_>>().join(","))
}

/// Yes or no, true or false, to a question that wants that.
pub(super) fn verdict(question: &str, plain: &str) -> Option<&'static str> {
    const ASKS: [&str; 16] = [
        "is", "are", "was", "were", "does", "do", "did", "can", "could", "will", "would", "has", "have",
        "should", "true", "may",
    ];
    let asked = words(question);
    let wants = asked.first().is_some_and(|word| ASKS.contains(&word.as_str()))
        || asked.windows(3).any(|three| three == ["yes", "or", "no"] || three == ["true", "or", "false"]);
    let said = words(plain);
    let found = [("yes", "yes"), ("no", "no"), ("true", "yes"), ("false", "no")];
    let is = |word: &String| found.iter().find(|(name, _)| name == word).map(|(_, verdict)| *verdict);
    let first = said.first().and_then(is);
    first.or_else(|| said.last().and_then(is)).filter(|_| wants)
}

/// The question is for a name, a place or a reason, not for a number.
pub(super) fn wants_words(question: &str) -> bool {
    let asked = words(question);
    let starts = |word: &str| asked.first().is_some_and(|first| first == word);
    ["who", "whose", "where", "why", "name", "reverse", "sort"].iter().any(|word| starts(word))
}

/// What is left when a sentence's frame is taken away: "The capital of France is Paris." says "paris".
pub(super) fn core(question: &str, plain: &str) -> String {
    let asked = words(question);
    let sentence = plain.trim_end_matches(['.', '!', ' ']);
    let padded = format!(" {sentence} ");
    let frame = [" is ", " are ", " was ", " were ", " becomes ", " equals ", " = ", " -> ", " → "];
    let place = frame.iter().filter_map(|verb| padded.find(verb).map(|at| (at, verb.len()))).min();
    let core = match place {
        Some((at, length)) if sentence.split(' ').count() <= 24 => {
            let (head, tail) = (padded[..at].trim(), padded[at + length - 1..].trim());
            let is_known = |part: &str| words(part).iter().all(|word| asked.contains(word) || is_small(word));
            let tail = tail.split_once(" by ").map_or(tail, |(_, by)| by);
            // What the question said already is the frame.
            match (is_known(head), is_known(tail)) {
                (false, true) if !tail.is_empty() => head,
                _ if !tail.is_empty() => tail,
                _ => sentence,
            }
        }
        _ => sentence,
    };
    folded(core)
}

fn is_small(word: &str) -> bool {
    ["the", "a", "an", "of", "it", "that", "this", "in", "to", "its", "word", "answer"].contains(&word)
}

/// Lower case, single spaces, without quotes, closing marks and a leading article.
fn folded(text: &str) -> String {
    let lower = text.to_lowercase();
    let joined = lower.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut bare = joined.trim_matches(['"', '\'', '“', '”', '‘', '’', '.', '!', ',', ':', ';', '*', ' ']);
    for article in ["the ", "a ", "an "] {
        bare = bare.strip_prefix(article).unwrap_or(bare);
    }
    super::unified(bare).text
}

fn words(text: &str) -> Vec<String> {
    let lower = text.to_lowercase();
    lower.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}
