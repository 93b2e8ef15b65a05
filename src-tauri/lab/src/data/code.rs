//! Code: short Python functions from a fixed repertoire, found by what the request describes.
//!
//! A million parameters do not invent programs: this expert recalls a known function, gives it the asked
//! name, and fills in a number or a letter. What is outside the repertoire, or another language, is refused.
//!
//! Long because the frames of its requests stand beside what they frame.

mod functions;

use super::{Corpus, Example, Split};
use crate::data::refusals;
use crate::data::wording::{bare, choices, murmured, outside_slots};
use functions::{FUNCTIONS, Function};
use rand::Rng;
use rand::seq::IndexedRandom;
use rand_chacha::ChaCha8Rng;

pub struct Code;

/// Share of the examples that the expert must refuse.
const REFUSALS: f64 = 0.10;
/// Share of the training requests in no frame at all.
const MURMURED: f64 = 0.25;
/// Share of the requests in capitals.
const SHOUTED: f64 = 0.03;
/// Share of the requests that give the function a name.
const NAMED: f64 = 0.35;

impl Corpus for Code {
    fn name(&self) -> &'static str {
        "code"
    }

    fn domain(&self) -> &'static str {
        "code"
    }

    fn sample(&self, rng: &mut ChaCha8Rng, split: Split) -> Example {
        if rng.random_bool(REFUSALS) {
            return if rng.random_bool(0.5) {
                near_miss(rng, split)
            } else {
                refusals::refusal_for("code", rng, split)
            };
        }
        let function = FUNCTIONS.choose(rng).unwrap_or(&FUNCTIONS[0]);
        let mut name = function.name.to_string();
        let mut text = if split == Split::Train && rng.random_bool(MURMURED) {
            murmured_request(function, rng)
        } else {
            request(&frame(rng, split), function, rng, split)
        };
        if rng.random_bool(SHOUTED) {
            text = outside_slots(&text, str::to_uppercase);
        } else if rng.random_bool(NAMED) {
            name = new_name(rng);
            text = match text.split_once(" function ") {
                Some((before, after)) if rng.random_bool(0.5) => {
                    let called =
                        pick(rng, &["", "", "called ", "named ", "with the name ", "by the name of "]);
                    format!("{before} function {called}{name} {after}")
                }
                _ => {
                    let naming = choices(pick(rng, by(split, NAMINGS, HELD_OUT_NAMINGS)), rng);
                    naming.replace("{text}", text.trim_end_matches(['.', '?'])).replace("{name}", &name)
                }
            };
        }
        let (k, letter) = parameters(function.name, rng);
        let (k, letter) = (k.to_string(), letter.to_string());
        let filled = |text: &str| text.replace("{k}", &k).replace("{letter}", &letter);
        let code = filled(&function.code.replace("{name}", &name));
        Example {
            question: dress(filled(&text), rng),
            answer: format!("```python\n{code}\n```\n{}", filled(function.says)),
            complexity: (1.0 + 0.5 * code.lines().count() as f32).min(10.0),
            task: "function",
        }
    }

    fn correct(&self, example: &Example, answer: &str) -> bool {
        match (last_fence(&example.answer), last_fence(answer)) {
            (Some(wanted), Some(given)) => wanted == given,
            (None, None) => example.answer.trim() == answer.trim(),
            _ => false,
        }
    }
}

/// What stands in the last closed fence, without the language's name.
fn last_fence(text: &str) -> Option<&str> {
    let parts: Vec<&str> = text.split("```").collect();
    let last = (parts.len().checked_sub(1)? / 2 * 2).checked_sub(1)?;
    let inside = parts.get(last)?;
    Some(inside.split_once('\n').map_or(*inside, |(_, code)| code).trim())
}

fn by<T>(split: Split, train: T, held_out: T) -> T {
    if split == Split::Train { train } else { held_out }
}

fn pick(rng: &mut ChaCha8Rng, from: &[&'static str]) -> &'static str {
    from.choose(rng).copied().unwrap_or("")
}

/// A number and a letter for the functions that take one.
fn parameters(name: &str, rng: &mut ChaCha8Rng) -> (u32, char) {
    let most = match name {
        "caesar" => 25,
        "divisible" => 20,
        _ => 100,
    };
    (rng.random_range(2..=most), char::from(rng.random_range(b'a'..=b'z')))
}

/// Trained wordings of a task; the held-out set asks for half of its tasks by the wordings kept back.
fn description(all: &'static [&'static str], rng: &mut ChaCha8Rng, split: Split) -> &'static str {
    match all.split_last() {
        Some((kept_back, trained)) if split == Split::Train || rng.random_bool(0.5) => {
            if trained.is_empty() {
                kept_back
            } else {
                pick(rng, trained)
            }
        }
        Some((kept_back, _)) => kept_back,
        None => "",
    }
}

/// One of the frames with its choices made, and in training none that is held out.
fn frame(rng: &mut ChaCha8Rng, split: Split) -> String {
    loop {
        let frame = choices(pick(rng, by(split, FRAMES, HELD_OUT_FRAMES)), rng);
        if split == Split::HeldOut || !HELD_OUT_FRAMES.iter().any(|held| bare(held) == bare(&frame)) {
            return frame;
        }
    }
}

fn request(frame: &str, function: &Function, rng: &mut ChaCha8Rng, split: Split) -> String {
    if frame.contains("{noun}") {
        return frame.replace("{noun}", description(function.nouns, rng, split));
    }
    let verb = description(function.verbs, rng, split);
    frame.replace("{verbs}", &third_person(verb)).replace("{verb}", verb)
}

/// A description in no frame, some of its small words left out.
fn murmured_request(function: &Function, rng: &mut ChaCha8Rng) -> String {
    let list = if rng.random_bool(0.5) { function.nouns } else { function.verbs };
    let words = description(list, rng, Split::Train).split(' ');
    let small =
        ["a", "an", "the", "of", "in", "for", "to", "all", "from", "by", "is", "whether", "if", "with"];
    let kept: Vec<&str> = words.filter(|word| !small.contains(word) || rng.random_bool(0.6)).collect();
    let lead = *["", "", "python", "function", "python function", "code", "python code", "def"]
        .choose(rng)
        .unwrap_or(&"");
    let tail = *["", "", "", "python", "in python", "function", "with python"].choose(rng).unwrap_or(&"");
    murmured(&format!("{lead} {} {tail}", kept.join(" ")), 6, 4, rng)
}

/// "compute the sum" becomes "computes the sum".
fn third_person(phrase: &str) -> String {
    let (verb, rest) = phrase.split_once(' ').unwrap_or((phrase, ""));
    let ending = if verb.ends_with("ch") || verb.ends_with("sh") || verb.ends_with('s') || verb == "do" {
        format!("{verb}es")
    } else if verb.ends_with("ly") {
        format!("{}ies", verb.trim_end_matches('y'))
    } else {
        format!("{verb}s")
    };
    format!("{ending} {rest}").trim_end().to_string()
}

/// A name as people write them: one to three words, at times that of a known function, which need not be the asked one.
fn new_name(rng: &mut ChaCha8Rng) -> String {
    let (first, second) = (pick(rng, FIRST_WORDS), pick(rng, SECOND_WORDS));
    let known = FUNCTIONS.choose(rng).map_or("f", |function| function.name);
    match rng.random_range(0..22) {
        16 | 17 => known.into(),
        18 => format!("my_{known}"),
        19 => format!("{known}{}", rng.random_range(1..10)),
        20 => format!("{first}_{known}"),
        21 => first.into(),
        // Names that no list has, so that a name is copied and not recalled.
        10..13 => format!("{}_{}", made_up(rng), made_up(rng)),
        13 => made_up(rng),
        14 => format!("{first}_{}", made_up(rng)),
        15 => format!("{}_{second}", made_up(rng)),
        0 => second.into(),
        1 => format!("{first}{}", rng.random_range(1..10)),
        2 => format!("{first}_{second}_{}", pick(rng, THIRD_WORDS)),
        _ => format!("{first}_{second}"),
    }
}

/// Two or three syllables.
fn made_up(rng: &mut ChaCha8Rng) -> String {
    const STARTS: &[&str] = &[
        "b", "c", "d", "f", "g", "h", "k", "l", "m", "n", "p", "r", "s", "t", "v", "w", "z", "st", "pr", "fl",
    ];
    const ENDS: &[&str] = &["a", "e", "i", "o", "u", "an", "er", "is", "ot", "um", "ent", "al", "in", "ock"];
    (0..rng.random_range(2..4)).map(|_| [pick(rng, STARTS), pick(rng, ENDS)].concat()).collect()
}

/// What people put around a request, and how carefully they type.
fn dress(mut text: String, rng: &mut ChaCha8Rng) -> String {
    let before = pick(rng, BEFORE);
    let starts_with_i = text.starts_with("I ") || text.starts_with("I'm");
    if !before.is_empty() && !starts_with_i && rng.random_bool(0.8) {
        let mut letters = text.chars();
        text = letters.next().map(|c| c.to_lowercase().chain(letters).collect()).unwrap_or_default();
    }
    text = format!("{before}{text}{}", pick(rng, AFTER));
    match rng.random_range(0..20) {
        0..5 => text.to_lowercase(),
        5 => text.trim_end_matches(['?', '.']).to_string(),
        6 => format!("{}?", text.trim_end_matches(['?', '.'])),
        _ => text,
    }
}

/// A programming request outside the repertoire.
fn near_miss(rng: &mut ChaCha8Rng, split: Split) -> Example {
    let text = match rng.random_range(0..3) {
        0 => {
            let function = FUNCTIONS.choose(rng).unwrap_or(&FUNCTIONS[0]);
            let frame = pick(rng, by(split, LANGUAGE_FRAMES, HELD_OUT_LANGUAGE_FRAMES));
            let (k, letter) = parameters(function.name, rng);
            request(frame, function, rng, split)
                .replace("{language}", pick(rng, LANGUAGES))
                .replace("{k}", &k.to_string())
                .replace("{letter}", &letter.to_string())
        }
        1 => {
            let verb = pick(rng, by(split, OTHER_TASKS, HELD_OUT_OTHER_TASKS));
            let asked = loop {
                let asked = frame(rng, split);
                if !asked.contains("{noun}") {
                    break asked;
                }
            };
            asked.replace("{verbs}", &third_person(verb)).replace("{verb}", verb)
        }
        _ => pick(rng, by(split, OTHER_REQUESTS, HELD_OUT_OTHER_REQUESTS)).to_string(),
    };
    Example {
        question: dress(text, rng),
        answer: refusals::REFUSAL.into(),
        complexity: 5.0,
        task: refusals::OUT_OF_RANGE,
    }
}

/// `{verb}`, `{verbs}` (third person) or `{noun}`.
const FRAMES: &[&str] = &[
    "Write a Python function that {verbs}",
    "Write a Python function that {verbs}.",
    "write a python function to {verb}",
    "Write a function that {verbs}",
    "Write a function to {verb} in Python.",
    "Write a Python function for {noun}",
    "write a function for {noun}",
    "python function to {verb}",
    "python function for {noun}",
    "python function that {verbs}",
    "Can you code {noun} in Python?",
    "can you write code to {verb}?",
    "Can you write a function that {verbs}?",
    "def for {noun}",
    "I need a function which {verbs}",
    "I need a Python function to {verb}.",
    "I need code for {noun}",
    "i need code that {verbs}",
    "how do I {verb} in python?",
    "How do I {verb}?",
    "How can I {verb} in Python?",
    "how to {verb} in python",
    "how to {verb}",
    "How would you code {noun}?",
    "give me code to {verb}",
    "Give me a function for {noun}",
    "give me python code that {verbs}",
    "{noun} python",
    "{noun} in python",
    "{noun} function",
    "{noun} code",
    "implement {noun}",
    "Implement {noun} in Python.",
    "Implement a function that {verbs}",
    "Python: {verb}",
    "Python: {noun}",
    "python {noun}",
    "show me a snippet that {verbs}",
    "Show me how to {verb} in Python",
    "show me code for {noun}",
    "code for {noun}",
    "code to {verb}",
    "function to {verb}",
    "function for {noun}",
    "Make a function that {verbs}",
    "make a python function to {verb}",
    "Create a Python function that {verbs}.",
    "create a function to {verb}",
    "a small function that {verbs}",
    "<Python|py|python>: a <small |short |>function <that|which> {verbs}",
    "<A short|A small|One|A simple> <Python |>function<, please:|:|, one that| which> {verbs}",
    "<Make|Write|Create> a <Python |>function. It {verbs}<.|>",
    "<I'm learning|I am new to|We use> Python. <Write|Make|Give me|Show me> a function <that|which> {verbs}<.|>",
    "{noun}<, python function|, function| as Python code|: python|; python please>",
    "Define a function that {verbs}",
    "I want to {verb} in Python. What does the code look like?",
    "I want a function for {noun}",
    "{verb}",
    "{verb} in python",
    "program {noun} in python",
    "snippet for {noun}",
    "What is the Python code for {noun}?",
    "what is a function that {verbs}?",
    "Let me see a function that {verbs}",
    "Python code for {noun}",
    "I am learning Python. Write a function that {verbs}.",
    "write me a def that {verbs}",
    "Code a function that {verbs}",
    "<Can|Could|Would|Will> you <please |><write|make|create|code|give me|show me> a <short |simple |small |>Python <function|method|def> <that|which> {verbs}<?|>",
    "<Can|Could|Would> you <write|make|code|create> <a function|something|Python|a program|a script> <to|that can> {verb}<?|>",
    "<I want|I need|I'd like|I would like|We need> <a|some kind of|one> <Python function|function|def|method> <to|that can> {verb}<.| please|>",
    "<I want|I need|I'd like|I am after|We need> <Python code|code|a script|a program|a snippet> <which|that> {verbs}<.|>",
    "<Please |><write|create|make|build|provide|define|implement|compose|produce|give me> a <python |><function|method|routine|procedure|def> <that|which> {verbs}<.| in Python.|>",
    "<Please |><write|create|make|build|provide|define|implement> <python |><code|a script|a snippet|a program|a routine> <to|that can> {verb}<.|>",
    "<Write|Create|Make|Build|Provide|Define> a <python |><function|method|routine|helper> for {noun}<.| in python|>",
    "<What is|What's|Show me|Give me|Tell me|Let me see> the <Python|code|Python function|function> <to|that would> {verb}<?|>",
    "<What does|How does|how would> <the code|a Python function|a function|Python code> for {noun} look<?| like?>",
    "<My teacher|My boss|My friend|The exercise|The task> <wants|asks for|needs> a <Python |>function <that|which> {verbs}<.|>",
    "<Help me|Help me to|Show me how to|Teach me to|Let's|Try to> {verb} <in|with|using> <Python|python|a function>",
    "<How do you|How can you|How would you|How should I|How could I> {verb} <in|with|using> <Python|python><?|>",
    "<Given an input|In Python|Using Python|With Python|As a Python function>, {verb}<.|>",
    "<in python|python 3|py>: {verb}",
    "{noun}<, python| - python| (python)|, code please|: code|, as a function>",
    "{verb}<, python| - python| (python)|, code please|; as a function| with a function>",
    "<Task|Exercise|Homework|Problem>: <write a function that {verbs}|{verb}|{verb} in Python>",
    "<Looking for|Searching for|Wanted:|Need> <a function|a Python function|code|python code> <that|which> {verbs}",
    "<need|want|get me> <code|a function|python> for {noun}",
    "<def|function|method|lambda or def> <to|that can> {verb}",
    "<Python|python> <example|code|solution|one-liner|implementation> <for|of> {noun}",
    "<an example of|the code of|a solution for|an implementation of> {noun} in <Python|python>",
];

const HELD_OUT_FRAMES: &[&str] = &[
    "Could you write a Python function which {verbs}?", "Please provide a function to {verb} in Python.",
    "what would a function for {noun} look like in python", "I'm looking for Python code which {verbs}",
    "python snippet to {verb}", "write some code for {noun}", "Develop a function that {verbs}",
    "is there a way to {verb} in python?", "I need help with a function that {verbs}",
    "solve this in python: {verb}", "simple Python for {noun}", "Would you show me {noun} in Python?",
];

const NAMINGS: &[&str] = &[
    "{text} called {name}", "{text}, called {name}", "{text} named {name}", "{text}. Call it {name}",
    "{text}. Name it {name}.", "{text}, name: {name}", "{text}. The function is called {name}",
    "{text} with the name {name}", "def {name}: {text}", "{name}: {text}", "{text} and call it {name}",
    "{text} <with|under|by> the name {name}", "{text}, <and |>it should be <called|named> {name}",
    "{text}. <The function name is|Its name is|The name is|Use the name|Please call it|Please name it> {name}<.|>",
    "<Write|Make|Create|Define> {name}: {text}",
    "<A function|A function called|A function named|The function> {name}: {text}",
    "{text} (<called|named|name|call it> {name})", "{text} - <name it|call it|name> {name}",
    "<Name it|Call it> {name}. {text}", "{text}, <function|def> name {name}",
    "{text}; <call|name> <it|the function> {name}",
    "{text}. <I call it|I want to call it|It must be called|We call it> {name}<.|>", "{name}(): {text}",
    "{text} def {name}",
];

const HELD_OUT_NAMINGS: &[&str] = &[
    "{text}. The name should be {name}", "{text}, name it {name}", "{text}; it is named {name}",
    "def {name}(...): {text}",
];

const FIRST_WORDS: &[&str] = &[
    "check", "get", "find", "my", "foo", "compute", "do", "make", "run", "calc", "test", "simple", "new",
    "the", "helper", "solve", "quick", "try", "is", "to", "handle", "apply", "process", "show", "demo",
    "main", "util", "first", "fast", "work",
];

const SECOND_WORDS: &[&str] = &[
    "value", "result", "bar", "number", "func", "it", "group", "data", "text", "item", "thing", "list_item",
    "answer", "task", "prime", "word", "sums", "every", "one", "step", "helper", "solution", "inputs",
    "stuff", "string", "score", "part", "table", "name", "peak", "count", "test", "fact", "case",
];

const THIRD_WORDS: &[&str] = &["now", "two", "fast", "here", "safe", "again", "one", "out", "in", "last"];

const BEFORE: &[&str] = &[
    "", "", "", "", "", "", "", "", "", "", "", "", "", "", "Please ", "Hi, ", "Hello! ", "Hey, ",
    "Quick question: ", "ok, ", "Python question: ", "One more: ", "Hi there. ", "Question: ", "Now ",
    "Next: ", "please ",
];

const AFTER: &[&str] = &[
    "", "", "", "", "", "", "", "", "", "", "", "", "", "", "", "", " please", " Thanks!", " Thank you.",
    " :)", " for me", " for my homework", " thanks",
];

const LANGUAGES: &[&str] = &[
    "JavaScript", "Java", "C++", "C", "Rust", "Go", "Ruby", "PHP", "C#", "Swift", "Kotlin", "Haskell",
    "TypeScript", "Perl", "Lua", "Scala", "bash", "SQL", "R", "Julia",
];

const LANGUAGE_FRAMES: &[&str] = &[
    "Write a {language} function that {verbs}", "{language} function to {verb}", "{noun} in {language}",
    "how do I {verb} in {language}?", "{verb} in {language}", "{language} code for {noun}",
    "implement {noun} in {language}", "Can you code {noun} in {language}?",
    "I need a {language} function which {verbs}",
];

const HELD_OUT_LANGUAGE_FRAMES: &[&str] =
    &["show me {language} code that {verbs}", "Could you {verb} in {language}?"];

const OTHER_TASKS: &[&str] = &[
    "scrape a website", "download a web page", "send an email", "query an SQL database",
    "connect to a database", "build a REST API", "write a web server", "make a chat bot",
    "train a neural network", "train a linear regression", "plot a line chart", "draw a bar chart",
    "invert a matrix", "multiply two matrices", "solve a system of equations",
    "compute the determinant of a matrix", "validate an email with a regex",
    "match phone numbers with a regex", "parse JSON from a web API", "parse an XML file",
    "read an Excel sheet", "convert a CSV to JSON", "resize an image", "detect faces in a picture",
    "record audio from the microphone", "play a sound", "make a snake game", "make a tic tac toe game",
    "solve a sudoku", "solve the towers of hanoi", "find the shortest path in a graph",
    "traverse a binary tree", "run quicksort on a list", "run merge sort on a list",
    "implement a linked list", "implement a stack class", "encrypt a file with AES", "hash a password",
    "open a socket", "start ten threads", "schedule a job every day", "build a GUI with a button",
    "log in to a website", "create a class hierarchy for animals", "write unit tests for a class",
    "write a decorator that caches results", "compute the nth permutation", "solve the knapsack problem",
    "convert roman numerals", "generate a random password", "compress a folder into a zip",
    "find the longest common subsequence", "translate a text", "predict the weather",
    "parse command line arguments", "make a discord bot",
];

const HELD_OUT_OTHER_TASKS: &[&str] = &[
    "crawl web pages", "select rows from a SQL table", "draw a scatter plot",
    "compute the eigenvalues of a matrix", "match dates with a regex", "rotate an image",
    "make a hangman game", "implement a queue class", "run dijkstra on a graph", "run heap sort on a list",
    "read a PDF file", "fine-tune a language model",
];

const OTHER_REQUESTS: &[&str] = &[
    "fix this bug", "Fix this bug: my loop never ends", "explain this code",
    "explain what this function does", "why does my code not work?", "my code throws an IndexError, why?",
    "what does this error mean: TypeError", "what is wrong with my function?", "what is a pointer in C++?",
    "what is the difference between a list and a tuple?", "what is object-oriented programming?",
    "Create a React component with a button", "write a SQL query that joins two tables",
    "SQL: select all customers from Berlin", "write CSS to center a div", "HTML page with a form",
    "write a Dockerfile for a web app", "make a git commit", "how do I undo a git merge?",
    "which is faster, Python or Rust?", "refactor this class", "make this code faster",
    "add comments to this code", "add types to my function", "review my code", "how do I install Python?",
    "how do I install numpy with pip?", "what is recursion?", "what is a decorator?", "quicksort in C++",
    "write a Makefile", "write a bash script that deletes old files", "set up a Django project",
    "write a Vue component", "what is a dictionary in Python?", "who invented Python?",
    "what does def mean?", "is Python hard to learn?", "write unit tests for my function",
    "translate this JavaScript to Python", "what is the newest version of Python?", "optimize my SQL query",
    "explain recursion with an example", "how do I open a terminal?", "what does this line do: x = x + 1",
    "rename all variables in my file", "what editor should I use for Python?", "how do I read a stack trace",
    "print hello world in Java", "why is my loop slow?", "document this function", "what is a null pointer",
    "compare Go and Rust", "How do I deploy my app?", "what is an API?", "merge these two branches",
    "write a shell alias", "what does async mean?", "write a regex for email addresses",
    "regex for phone numbers", "convert this Python code to Java", "design a database for a shop",
    "what is Big O?", "should I learn Python or Java?", "how do I become a programmer?",
    "a class hierarchy for vehicles", "write an operating system", "make me an app for my phone",
    "build a website for my shop", "write a compiler",
];

const HELD_OUT_OTHER_REQUESTS: &[&str] = &[
    "debug this for me", "what does this snippet do?", "why do I get a KeyError?", "what is inheritance?",
    "make an Angular component", "SQL query for the newest orders", "clean up this function",
    "how do I use git rebase?", "regex for dates", "what is a lambda?",
];

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use std::collections::HashSet;
    use std::process::Command;

    /// Python expressions that hold for every function `f`, with `k` = 3 and `letter` = a.
    const ASSERTIONS: &[(&str, &[&str])] = &[
        ("is_prime", &["f(7) is True", "f(9) is False", "f(1) is False", "f(2) is True"]),
        ("factorial", &["f(5) == 120", "f(0) == 1", "f(3) == 6"]),
        ("fibonacci", &["f(0) == 0", "f(1) == 1", "f(10) == 55"]),
        ("gcd", &["f(12, 18) == 6", "f(7, 5) == 1", "f(9, 0) == 9"]),
        ("lcm", &["f(4, 6) == 12", "f(3, 5) == 15", "f(8, 8) == 8"]),
        ("reverse_string", &["f('abc') == 'cba'", "f('') == ''", "f('ab c') == 'c ba'"]),
        ("reverse_list", &["f([1, 2, 3]) == [3, 2, 1]", "f([]) == []", "f(['a']) == ['a']"]),
        ("is_palindrome", &["f('Never odd or even') is True", "f('abc') is False", "f('Anna') is True"]),
        ("count_vowels", &["f('Hello') == 2", "f('xyz') == 0", "f('AEiou') == 5"]),
        ("largest", &["f([1, 5, 3]) == 5", "f([-2, -1]) == -1", "f([4]) == 4"]),
        ("smallest", &["f([1, 5, 3]) == 1", "f([-2, -1]) == -2", "f([4]) == 4"]),
        ("total", &["f([1, 2, 3]) == 6", "f([]) == 0", "f([-1, 1]) == 0"]),
        ("product", &["f([2, 3, 4]) == 24", "f([]) == 1", "f([5, 0]) == 0"]),
        ("average", &["f([1, 2, 3]) == 2", "f([4]) == 4", "f([1, 2]) == 1.5"]),
        ("flatten", &["f([[1, 2], [3]]) == [1, 2, 3]", "f([]) == []", "f([[], ['a']]) == ['a']"]),
        ("unique", &["f([1, 2, 1]) == [1, 2]", "f([]) == []", "f(['b', 'a', 'b']) == ['b', 'a']"]),
        (
            "fizzbuzz",
            &[
                "printed(f, 5) == '1\\n2\\nFizz\\n4\\nBuzz\\n'",
                "printed(f, 15).endswith('14\\nFizzBuzz\\n')", "printed(f, 0) == ''",
            ],
        ),
        ("sort_ascending", &["f([3, 1, 2]) == [1, 2, 3]", "f([]) == []", "f(['b', 'a']) == ['a', 'b']"]),
        ("sort_descending", &["f([3, 1, 2]) == [3, 2, 1]", "f([]) == []", "f(['a', 'b']) == ['b', 'a']"]),
        (
            "merge_dicts",
            &[
                "f({'a': 1}, {'b': 2}) == {'a': 1, 'b': 2}", "f({'a': 1}, {'a': 2}) == {'a': 2}",
                "f({}, {}) == {}",
            ],
        ),
        (
            "invert_dict",
            &["f({'a': 1}) == {1: 'a'}", "f({}) == {}", "f({'x': 'y', 'z': 'w'}) == {'y': 'x', 'w': 'z'}"],
        ),
        ("count_words", &["f('one two') == 2", "f('') == 0", "f(' a  b c ') == 3"]),
        ("to_fahrenheit", &["f(0) == 32", "f(100) == 212", "f(-40) == -40"]),
        ("to_celsius", &["f(32) == 0", "f(212) == 100", "f(-40) == -40"]),
        ("divisors", &["f(6) == [1, 2, 3, 6]", "f(1) == [1]", "f(7) == [1, 7]"]),
        ("power", &["f(2, 10) == 1024", "f(5, 0) == 1", "f(3, 2) == 9"]),
        ("is_leap_year", &["f(2000) is True", "f(1900) is False", "f(2024) is True", "f(2023) is False"]),
        ("second_largest", &["f([1, 3, 2]) == 2", "f([5, 5, 4]) == 4", "f([-1, -2]) == -2"]),
        (
            "binary_search",
            &["f([1, 3, 5], 5) == 2", "f([1, 3, 5], 4) == -1", "f([], 1) == -1", "f([2], 2) == 0"],
        ),
        ("bubble_sort", &["f([3, 1, 2]) == [1, 2, 3]", "f([]) == []", "f([2, 1]) == [1, 2]"]),
        ("caesar", &["f('abc') == 'def'", "f('Xyz!') == 'Abc!'", "f('') == ''"]),
        ("are_anagrams", &["f('Listen', 'silent') is True", "f('abc', 'abd') is False", "f('', '') is True"]),
        ("capitalize_words", &["f('hello world') == 'Hello World'", "f('') == ''", "f('aBC d') == 'Abc D'"]),
        ("digit_sum", &["f(123) == 6", "f(0) == 0", "f(-45) == 9"]),
        ("to_binary", &["f(5) == '101'", "f(0) == '0'", "f(8) == '1000'"]),
        ("from_binary", &["f('101') == 5", "f('0') == 0", "f('1000') == 8"]),
        (
            "transpose",
            &["f([[1, 2], [3, 4]]) == [[1, 3], [2, 4]]", "f([]) == []", "f([[1, 2, 3]]) == [[1], [2], [3]]"],
        ),
        (
            "to_dict",
            &["f(['a', 'b'], [1, 2]) == {'a': 1, 'b': 2}", "f([], []) == {}", "f(['x'], [0]) == {'x': 0}"],
        ),
        ("evens", &["f([1, 2, 4]) == [2, 4]", "f([]) == []", "f([1, 3]) == []"]),
        ("odds", &["f([1, 2, 3]) == [1, 3]", "f([]) == []", "f([2, 4]) == []"]),
        ("squares", &["f([1, 2, 3]) == [1, 4, 9]", "f([]) == []", "f([-2]) == [4]"]),
        ("running_sum", &["f([1, 2, 3]) == [1, 3, 6]", "f([]) == []", "f([5, -5]) == [5, 0]"]),
        ("count_items", &["f(['a', 'b', 'a']) == {'a': 2, 'b': 1}", "f([]) == {}", "f([1, 1]) == {1: 2}"]),
        ("longest_word", &["f('a bcd ef') == 'bcd'", "f('one') == 'one'", "f('hi there you') == 'there'"]),
        ("median", &["f([3, 1, 2]) == 2", "f([1, 2, 3, 4]) == 2.5", "f([7]) == 7"]),
        ("is_even", &["f(2) is True", "f(3) is False", "f(0) is True"]),
        ("is_odd", &["f(2) is False", "f(3) is True", "f(-1) is True"]),
        ("swap_case", &["f('aBc') == 'AbC'", "f('') == ''", "f('1x') == '1X'"]),
        ("remove_vowels", &["f('Hello') == 'Hll'", "f('') == ''", "f('AbE') == 'b'"]),
        ("length", &["f('abc') == 3", "f('') == 0", "f('a b') == 3"]),
        (
            "read_lines",
            &[
                "(write('a\\nb\\n'), f('t.txt'))[1] == ['a', 'b']", "(write(''), f('t.txt'))[1] == []",
                "(write('x'), f('t.txt'))[1] == ['x']",
            ],
        ),
        ("absolute", &["f(-3) == 3", "f(4) == 4", "f(0) == 0"]),
        ("clamp", &["f(5, 0, 3) == 3", "f(-1, 0, 3) == 0", "f(2, 0, 3) == 2"]),
        ("add", &["f(1, 2) == 3", "f(-1, 1) == 0", "f(0.5, 0.5) == 1"]),
        ("above", &["f([1, 4, 9]) == [4, 9]", "f([]) == []", "f([3]) == []"]),
        ("below", &["f([1, 4, 2]) == [1, 2]", "f([]) == []", "f([3]) == []"]),
        ("divisible", &["f(9) is True", "f(10) is False", "f(0) is True"]),
        ("count_letter", &["f('Banana') == 3", "f('') == 0", "f('xyz') == 0"]),
        ("starts_with", &["f(['apple', 'Ant', 'bee']) == ['apple', 'Ant']", "f([]) == []", "f(['x']) == []"]),
        ("primes_up_to", &["f(10) == [2, 3, 5, 7]", "f(1) == []", "f(2) == [2]"]),
        ("square", &["f(5) == 25", "f(-3) == 9", "f(0) == 0"]),
        ("cube", &["f(3) == 27", "f(-2) == -8", "f(0) == 0"]),
        ("square_root", &["f(16) == 4", "f(0) == 0", "f(2.25) == 1.5"]),
        ("multiply", &["f(4, 3) == 12", "f(-1, 5) == -5", "f(0, 9) == 0"]),
        ("subtract", &["f(4, 3) == 1", "f(1, 5) == -4", "f(0, 0) == 0"]),
        ("divide", &["f(6, 3) == 2", "f(1, 4) == 0.25", "f(1, 0) is None"]),
        ("circle_area", &["abs(f(1) - 3.14159) < 0.001", "f(0) == 0", "abs(f(2) - 12.56637) < 0.001"]),
        ("rectangle_area", &["f(3, 4) == 12", "f(0, 5) == 0", "f(1, 1) == 1"]),
        ("max_of_three", &["f(1, 9, 4) == 9", "f(3, 2, 1) == 3", "f(-3, -2, -1) == -1"]),
        ("char_frequency", &["f('aab') == {'a': 2, 'b': 1}", "f('') == {}", "f('x') == {'x': 1}"]),
        (
            "common_elements",
            &["f([1, 2, 3], [2, 3, 4]) == [2, 3]", "f([], [1]) == []", "f(['a'], ['a']) == ['a']"],
        ),
        ("difference", &["f([1, 2, 3], [2]) == [1, 3]", "f([], [1]) == []", "f(['a'], ['a']) == []"]),
        ("remove_spaces", &["f('a b c') == 'abc'", "f('') == ''", "f('x') == 'x'"]),
        ("to_upper", &["f('abc') == 'ABC'", "f('aB c') == 'AB C'", "f('') == ''"]),
        ("to_lower", &["f('ABC') == 'abc'", "f('aB c') == 'ab c'", "f('') == ''"]),
        ("first_element", &["f([1, 2, 3]) == 1", "f([]) is None", "f(['a']) == 'a'"]),
        ("last_element", &["f([1, 2, 3]) == 3", "f([]) is None", "f(['a']) == 'a'"]),
        (
            "chunks",
            &["f([1, 2, 3, 4, 5], 2) == [[1, 2], [3, 4], [5]]", "f([], 3) == []", "f([1], 3) == [[1]]"],
        ),
        ("sum_to_n", &["f(10) == 55", "f(1) == 1", "f(0) == 0"]),
        ("collatz_steps", &["f(1) == 0", "f(6) == 8", "f(8) == 3"]),
        ("is_perfect_square", &["f(16) is True", "f(15) is False", "f(-4) is False"]),
        ("count_evens", &["f([1, 2, 4]) == 2", "f([]) == 0", "f([1, 3]) == 0"]),
        ("join_words", &["f(['a', 'b']) == 'a b'", "f([]) == ''", "f(['x']) == 'x'"]),
        ("split_words", &["f('a b') == ['a', 'b']", "f('') == []", "f(' x  y ') == ['x', 'y']"]),
        ("starts_with_vowel", &["f('apple') is True", "f('pear') is False", "f('') is False"]),
        ("rotate_left", &["f([1, 2, 3, 4], 1) == [2, 3, 4, 1]", "f([], 1) == []", "f([1, 2], 2) == [1, 2]"]),
        ("count_digits", &["f(1234) == 4", "f(7) == 1", "f(-25) == 2"]),
        ("reverse_number", &["f(123) == 321", "f(7) == 7", "f(100) == 1"]),
        ("index_of", &["f([5, 6], 6) == 1", "f([], 1) == -1", "f(['a'], 'b') == -1"]),
        ("sign", &["f(5) == 1", "f(-2) == -1", "f(0) == 0"]),
    ];

    const HELPERS: &str = r#"
import contextlib, io
def write(text):
    with open("t.txt", "w") as file:
        file.write(text)
def printed(f, *given):
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        f(*given)
    return out.getvalue()
"#;

    #[test]
    fn every_function_does_what_it_says() {
        if Command::new("python3").arg("--version").output().is_err() {
            eprintln!("skipped: there is no python3 here");
            return;
        }
        let mut script = HELPERS.to_string();
        for function in FUNCTIONS {
            let (_, checks) = ASSERTIONS.iter().find(|(name, _)| *name == function.name).unwrap();
            assert!(checks.len() >= 3, "{} has too few assertions", function.name);
            let code = function.code.replace("{name}", "f").replace("{k}", "3").replace("{letter}", "a");
            script.push_str(&format!("{code}\n"));
            for check in *checks {
                script.push_str(&format!("assert {check}, '{}'\n", function.name));
            }
        }
        let folder = tempfile::tempdir().unwrap();
        let run = Command::new("python3").arg("-c").arg(script).current_dir(folder.path()).output().unwrap();
        assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    }

    #[test]
    fn held_out_wordings_are_never_trained_on() {
        let disjoint = |a: &[&str], b: &[&str]| a.iter().all(|x| !b.contains(x));
        assert!(FRAMES.len() >= 45 && disjoint(FRAMES, HELD_OUT_FRAMES));
        assert!(disjoint(NAMINGS, HELD_OUT_NAMINGS) && disjoint(LANGUAGE_FRAMES, HELD_OUT_LANGUAGE_FRAMES));
        assert!(disjoint(OTHER_TASKS, HELD_OUT_OTHER_TASKS));
        assert!(disjoint(OTHER_REQUESTS, HELD_OUT_OTHER_REQUESTS));
        let mut seen = HashSet::new();
        for wording in FUNCTIONS.iter().flat_map(|f| f.nouns.iter().chain(f.verbs)) {
            assert!(seen.insert(wording.to_lowercase()), "{wording} is there twice");
        }
        assert!(FUNCTIONS.iter().all(|f| f.nouns.len() >= 6 && f.verbs.len() >= 6));
    }

    #[test]
    fn examples_are_a_function_of_the_seed_and_short() {
        for split in [Split::Train, Split::HeldOut] {
            let mut once = ChaCha8Rng::seed_from_u64(5);
            let mut again = ChaCha8Rng::seed_from_u64(5);
            for _ in 0..3000 {
                let example = Code.sample(&mut once, split);
                assert_eq!(example, Code.sample(&mut again, split));
                assert!(Code.correct(&example, &example.answer));
                assert!(example.answer.len() < 360, "{} is too long", example.answer);
                for slot in ["{name}", "{k}", "{letter}", "{noun}", "{verb", "{text}", "{language}"] {
                    assert!(!example.question.contains(slot), "{slot} is left");
                    assert!(!example.answer.contains(slot), "{slot} is left");
                }
                if example.task == "function" {
                    assert!(!Code.correct(&example, refusals::REFUSAL));
                }
            }
        }
    }
}
