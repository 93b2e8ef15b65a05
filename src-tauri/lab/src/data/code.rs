//! Code: short Python functions from a fixed repertoire, found by what the request describes.
//!
//! A million parameters do not invent programs: this expert recalls a known function, gives it the asked
//! name, and fills in a number or a letter. What is outside the repertoire, or another language, is refused.

use super::{Corpus, Example, Split};
use crate::data::refusals;
use crate::data::wording::murmured;
use rand::Rng;
use rand::seq::IndexedRandom;
use rand_chacha::ChaCha8Rng;

pub struct Code;

/// One function of the repertoire. `{name}`, `{k}` and `{letter}` come from the request.
struct Function {
    name: &'static str,
    code: &'static str,
    says: &'static str,
    /// They follow "code for". The last one is held out, here and in `verbs`.
    nouns: &'static [&'static str],
    /// They follow "how to".
    verbs: &'static [&'static str],
}

/// Share of the examples that the expert must refuse.
const REFUSALS: f64 = 0.10;
/// Share of the training requests in no frame at all.
const MURMURED: f64 = 0.35;
/// Share of the requests that give the function a name.
const NAMED: f64 = 0.15;

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
            request(pick(rng, by(split, FRAMES, HELD_OUT_FRAMES)), function, rng, split)
        };
        if rng.random_bool(NAMED) {
            name = new_name(rng);
            let naming = pick(rng, by(split, NAMINGS, HELD_OUT_NAMINGS));
            text = naming.replace("{text}", text.trim_end_matches(['.', '?'])).replace("{name}", &name);
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
            if trained.is_empty() { kept_back } else { pick(rng, trained) }
        }
        Some((kept_back, _)) => kept_back,
        None => "",
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
    let small = ["a", "an", "the", "of", "in", "for", "to", "all", "from", "by", "is", "whether", "if", "with"];
    let kept: Vec<&str> = words.filter(|word| !small.contains(word) || rng.random_bool(0.6)).collect();
    let lead = *["", "", "python", "function", "python function", "code", "python code", "def"].choose(rng).unwrap_or(&"");
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

/// A name as people write them: two or three words.
fn new_name(rng: &mut ChaCha8Rng) -> String {
    let (first, second) = (pick(rng, FIRST_WORDS), pick(rng, SECOND_WORDS));
    match rng.random_range(0..10) {
        0 => second.into(),
        1 => format!("{first}{}", rng.random_range(1..10)),
        2 => format!("{first}_{second}_{}", pick(rng, THIRD_WORDS)),
        _ => format!("{first}_{second}"),
    }
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
            let frames = by(split, FRAMES, HELD_OUT_FRAMES).iter();
            let verbs: Vec<&'static str> = frames.filter(|f| !f.contains("{noun}")).copied().collect();
            let verb = pick(rng, by(split, OTHER_TASKS, HELD_OUT_OTHER_TASKS));
            pick(rng, &verbs).replace("{verbs}", &third_person(verb)).replace("{verb}", verb)
        }
        _ => pick(rng, by(split, OTHER_REQUESTS, HELD_OUT_OTHER_REQUESTS)).to_string(),
    };
    Example { question: dress(text, rng), answer: refusals::REFUSAL.into(), complexity: 5.0, task: refusals::TASK }
}

/// `{verb}`, `{verbs}` (third person) or `{noun}`.
const FRAMES: &[&str] = &[
    "Write a Python function that {verbs}", "Write a Python function that {verbs}.",
    "write a python function to {verb}", "Write a function that {verbs}",
    "Write a function to {verb} in Python.", "Write a Python function for {noun}",
    "write a function for {noun}", "python function to {verb}", "python function for {noun}",
    "python function that {verbs}", "Can you code {noun} in Python?", "can you write code to {verb}?",
    "Can you write a function that {verbs}?", "def for {noun}", "I need a function which {verbs}",
    "I need a Python function to {verb}.", "I need code for {noun}", "i need code that {verbs}",
    "how do I {verb} in python?", "How do I {verb}?", "How can I {verb} in Python?",
    "how to {verb} in python", "how to {verb}", "How would you code {noun}?", "give me code to {verb}",
    "Give me a function for {noun}", "give me python code that {verbs}", "{noun} python",
    "{noun} in python", "{noun} function", "{noun} code", "implement {noun}",
    "Implement {noun} in Python.", "Implement a function that {verbs}", "Python: {verb}", "Python: {noun}",
    "python {noun}", "show me a snippet that {verbs}", "Show me how to {verb} in Python",
    "show me code for {noun}", "code for {noun}", "code to {verb}", "function to {verb}",
    "function for {noun}", "Make a function that {verbs}", "make a python function to {verb}",
    "Create a Python function that {verbs}.", "create a function to {verb}",
    "a small function that {verbs}", "Define a function that {verbs}",
    "I want to {verb} in Python. What does the code look like?", "I want a function for {noun}", "{verb}",
    "{verb} in python", "program {noun} in python", "snippet for {noun}",
    "What is the Python code for {noun}?", "what is a function that {verbs}?",
    "Let me see a function that {verbs}", "Python code for {noun}",
    "I am learning Python. Write a function that {verbs}.", "write me a def that {verbs}",
    "Code a function that {verbs}",
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
    "value", "result", "bar", "number", "func", "it", "group", "data", "text", "item", "thing",
    "list_item", "answer", "task", "prime", "word", "sums", "every", "one", "step", "helper", "solution",
    "inputs", "stuff", "string", "score", "part", "table", "name", "peak", "count", "test", "fact", "case",
];

const THIRD_WORDS: &[&str] = &[
    "now", "two", "fast", "here", "safe", "again", "one", "out", "in", "last",
];

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

const HELD_OUT_LANGUAGE_FRAMES: &[&str] = &[
    "show me {language} code that {verbs}", "Could you {verb} in {language}?",
];

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
    "write a Vue component", "what does async mean?", "write a regex for email addresses",
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

const FUNCTIONS: &[Function] = &[
    Function {
        name: "is_prime",
        code: r#"def {name}(n):
    if n < 2:
        return False
    for i in range(2, int(n ** 0.5) + 1):
        if n % i == 0:
            return False
    return True"#,
        says: "It tells whether n is a prime number.",
        nouns: &[
            "prime numbers", "a prime check", "a primality test", "checking prime numbers",
            "a prime number test", "testing for primes",
        ],
        verbs: &[
            "check if a number is prime", "test whether n is prime", "check for a prime number",
            "tell if a number is a prime", "see if n is a prime number",
            "determine whether a number is prime",
        ],
    },
    Function {
        name: "factorial",
        code: r#"def {name}(n):
    result = 1
    for i in range(2, n + 1):
        result *= i
    return result"#,
        says: "It returns the factorial of n.",
        nouns: &[
            "the factorial of a number", "n factorial", "the factorial", "n!", "factorials",
            "the factorial of n",
        ],
        verbs: &[
            "compute the factorial of n", "calculate the factorial of a number", "return n factorial",
            "find the factorial", "work out n!", "get the factorial of a number",
        ],
    },
    Function {
        name: "fibonacci",
        code: r#"def {name}(n):
    a, b = 0, 1
    for _ in range(n):
        a, b = b, a + b
    return a"#,
        says: "It returns the nth Fibonacci number.",
        nouns: &[
            "the nth Fibonacci number", "fibonacci", "Fibonacci numbers", "the fibonacci sequence",
            "a Fibonacci number", "the Fibonacci series",
        ],
        verbs: &[
            "compute the nth Fibonacci number", "calculate fibonacci numbers",
            "return the Fibonacci number n", "find the nth number of the fibonacci sequence",
            "do fibonacci", "get the nth Fibonacci number",
        ],
    },
    Function {
        name: "gcd",
        code: r#"def {name}(a, b):
    while b:
        a, b = b, a % b
    return a"#,
        says: "It returns the greatest common divisor of a and b.",
        nouns: &[
            "the greatest common divisor", "the gcd of two numbers", "gcd",
            "the greatest common divisor of a and b", "the greatest common factor",
            "the Euclidean algorithm for the gcd",
        ],
        verbs: &[
            "compute the greatest common divisor", "find the gcd of two numbers", "calculate the gcd",
            "return the greatest common factor of two numbers", "get the gcd of a and b",
            "work out the greatest common divisor of two numbers",
        ],
    },
    Function {
        name: "lcm",
        code: r#"def {name}(a, b):
    x, y = a, b
    while y:
        x, y = y, x % y
    return a * b // x"#,
        says: "It returns the least common multiple of a and b.",
        nouns: &[
            "the least common multiple", "the lcm of two numbers", "lcm", "the lowest common multiple",
            "the least common multiple of a and b", "the lcm",
        ],
        verbs: &[
            "compute the least common multiple", "find the lcm of two numbers", "calculate the lcm",
            "return the lowest common multiple of two numbers", "get the lcm of a and b",
            "work out the least common multiple of two numbers",
        ],
    },
    Function {
        name: "reverse_string",
        code: r#"def {name}(text):
    return text[::-1]"#,
        says: "It returns the text from back to front.",
        nouns: &[
            "reversing a string", "a reversed string", "string reversal", "a string backwards",
            "text reversal", "the reverse of a string",
        ],
        verbs: &[
            "reverse a string", "return a string backwards", "turn a string backwards", "reverse text",
            "reverse the characters of a string", "reverse a given string",
        ],
    },
    Function {
        name: "reverse_list",
        code: r#"def {name}(items):
    return items[::-1]"#,
        says: "It returns the list in reverse order.",
        nouns: &[
            "reversing a list", "a reversed list", "list reversal", "a list in reverse order",
            "the reverse of a list", "a list backwards",
        ],
        verbs: &[
            "reverse a list", "return a list in reverse order", "reverse the order of a list",
            "reverse the items of a list", "turn a list around", "reverse an array",
        ],
    },
    Function {
        name: "is_palindrome",
        code: r#"def {name}(text):
    text = text.lower().replace(" ", "")
    return text == text[::-1]"#,
        says: "It tells whether the text reads the same backwards.",
        nouns: &[
            "palindromes", "a palindrome check", "a palindrome test", "checking for palindromes",
            "a palindrome checker", "testing for a palindrome",
        ],
        verbs: &[
            "check if a string is a palindrome", "test whether a word is a palindrome",
            "detect palindromes", "tell if a text is a palindrome",
            "see if a string reads the same backwards", "determine whether a word is a palindrome",
        ],
    },
    Function {
        name: "count_vowels",
        code: r#"def {name}(text):
    return sum(1 for c in text.lower() if c in "aeiou")"#,
        says: "It counts the vowels in the text.",
        nouns: &[
            "counting vowels", "the number of vowels in a string", "a vowel count",
            "counting the vowels of a word", "a vowel counter", "the vowel count of a text",
        ],
        verbs: &[
            "count the vowels in a string", "count vowels", "return the number of vowels in a text",
            "find how many vowels a word has", "get the number of vowels",
            "tell how many vowels a string has",
        ],
    },
    Function {
        name: "largest",
        code: r#"def {name}(numbers):
    return max(numbers)"#,
        says: "It returns the largest number of the list.",
        nouns: &[
            "the largest number in a list", "the maximum of a list", "the max of a list",
            "the biggest number in a list", "the highest number in a list", "the maximum value of a list",
        ],
        verbs: &[
            "find the largest number in a list", "return the maximum of a list", "get the max of a list",
            "find the biggest number", "return the highest value in a list", "find the maximum in a list",
        ],
    },
    Function {
        name: "smallest",
        code: r#"def {name}(numbers):
    return min(numbers)"#,
        says: "It returns the smallest number of the list.",
        nouns: &[
            "the smallest number in a list", "the minimum of a list", "the min of a list",
            "the lowest number in a list", "the least number in a list", "the minimum value of a list",
        ],
        verbs: &[
            "find the smallest number in a list", "return the minimum of a list", "get the min of a list",
            "find the smallest number", "return the lowest value in a list", "find the minimum in a list",
        ],
    },
    Function {
        name: "total",
        code: r#"def {name}(numbers):
    return sum(numbers)"#,
        says: "It returns the sum of the numbers.",
        nouns: &[
            "the sum of a list", "the sum of all numbers in a list", "the total of a list",
            "summing a list", "a list sum", "the sum of the items of a list",
        ],
        verbs: &[
            "sum a list", "add up all numbers in a list", "compute the sum of a list",
            "return the total of a list", "sum the numbers of a list",
            "calculate the sum of all numbers in a list",
        ],
    },
    Function {
        name: "product",
        code: r#"def {name}(numbers):
    result = 1
    for n in numbers:
        result *= n
    return result"#,
        says: "It returns the product of the numbers.",
        nouns: &[
            "the product of a list", "the product of all numbers in a list",
            "multiplying all numbers of a list", "a list product", "the product of numbers",
            "the product of the items of a list",
        ],
        verbs: &[
            "multiply all numbers in a list", "compute the product of a list",
            "return the product of all numbers", "multiply the items of a list",
            "calculate the product of numbers", "multiply a list together",
        ],
    },
    Function {
        name: "average",
        code: r#"def {name}(numbers):
    return sum(numbers) / len(numbers)"#,
        says: "It returns the average of the numbers.",
        nouns: &[
            "the average of a list", "the mean of a list", "the average", "the mean of numbers",
            "the arithmetic mean", "the average of numbers",
        ],
        verbs: &[
            "compute the average of a list", "calculate the mean of numbers", "return the average",
            "find the mean of a list", "average a list", "work out the average of numbers",
        ],
    },
    Function {
        name: "flatten",
        code: r#"def {name}(items):
    return [x for part in items for x in part]"#,
        says: "It joins a list of lists into one flat list.",
        nouns: &[
            "flattening a list", "a flat list from nested lists", "flattening nested lists",
            "a flattened list of lists", "list flattening", "a list of lists made flat",
        ],
        verbs: &[
            "flatten a list", "flatten a list of lists", "make a nested list flat",
            "join a list of lists into one list", "turn nested lists into a flat list",
            "flatten nested lists",
        ],
    },
    Function {
        name: "unique",
        code: r#"def {name}(items):
    return list(dict.fromkeys(items))"#,
        says: "It removes duplicates and keeps the order.",
        nouns: &[
            "removing duplicates", "the unique items of a list", "a list without duplicates",
            "duplicate removal", "unique values of a list", "the unique elements of a list",
        ],
        verbs: &[
            "remove duplicates from a list", "return the unique items of a list", "drop duplicates",
            "get unique values", "delete duplicates from a list", "keep only unique items",
        ],
    },
    Function {
        name: "fizzbuzz",
        code: r#"def {name}(n):
    for i in range(1, n + 1):
        word = "Fizz" * (i % 3 == 0) + "Buzz" * (i % 5 == 0)
        print(word or i)"#,
        says: "It prints FizzBuzz from 1 to n.",
        nouns: &[
            "fizzbuzz", "a fizzbuzz function", "the fizzbuzz game", "a fizz buzz program",
            "the FizzBuzz problem", "the fizz buzz game",
        ],
        verbs: &[
            "print fizzbuzz", "play fizzbuzz", "solve FizzBuzz", "do fizz buzz",
            "print the FizzBuzz numbers", "run fizzbuzz up to n",
        ],
    },
    Function {
        name: "sort_ascending",
        code: r#"def {name}(items):
    return sorted(items)"#,
        says: "It returns the list sorted in ascending order.",
        nouns: &[
            "sorting a list", "a sorted list", "sorting numbers in ascending order", "ascending sorting",
            "a list sorted from small to large", "sorting in ascending order",
        ],
        verbs: &[
            "sort a list", "sort numbers in ascending order", "sort a list from smallest to largest",
            "return a sorted list", "sort numbers", "sort a list ascending",
        ],
    },
    Function {
        name: "sort_descending",
        code: r#"def {name}(items):
    return sorted(items, reverse=True)"#,
        says: "It returns the list sorted in descending order.",
        nouns: &[
            "sorting in descending order", "a list in descending order", "sorting a list descending",
            "descending sorting", "a list sorted from large to small",
            "sorting numbers in descending order",
        ],
        verbs: &[
            "sort a list in descending order", "sort numbers descending",
            "sort a list from largest to smallest", "sort a list from high to low",
            "return a list in descending order", "sort numbers in descending order",
        ],
    },
    Function {
        name: "merge_dicts",
        code: r#"def {name}(a, b):
    return {**a, **b}"#,
        says: "It merges two dictionaries; b wins.",
        nouns: &[
            "merging dictionaries", "merging two dicts", "two merged dictionaries", "a merge of two dicts",
            "combining two dictionaries", "merging two dictionaries",
        ],
        verbs: &[
            "merge two dictionaries", "merge dicts", "combine two dictionaries", "join two dicts",
            "merge two dicts into one", "combine two dicts",
        ],
    },
    Function {
        name: "invert_dict",
        code: r#"def {name}(data):
    return {v: k for k, v in data.items()}"#,
        says: "It swaps the keys and values of a dictionary.",
        nouns: &[
            "inverting a dictionary", "an inverted dict", "swapping keys and values",
            "a dictionary with keys and values swapped", "dict inversion", "inverting a dict",
        ],
        verbs: &[
            "invert a dictionary", "swap keys and values of a dict", "invert a dict",
            "swap the keys and values", "exchange keys and values of a dictionary",
            "swap keys and values in a dictionary",
        ],
    },
    Function {
        name: "count_words",
        code: r#"def {name}(text):
    return len(text.split())"#,
        says: "It counts the words in the text.",
        nouns: &[
            "counting words", "the number of words in a text", "a word count",
            "the word count of a string", "a word counter", "the number of words in a string",
        ],
        verbs: &[
            "count the words in a string", "count words", "return the number of words",
            "find how many words a text has", "get the word count", "count the words of a text",
        ],
    },
    Function {
        name: "to_fahrenheit",
        code: r#"def {name}(celsius):
    return celsius * 9 / 5 + 32"#,
        says: "It converts degrees Celsius to Fahrenheit.",
        nouns: &[
            "celsius to fahrenheit", "converting Celsius to Fahrenheit", "Fahrenheit from Celsius",
            "a celsius to fahrenheit conversion", "C to F", "a Celsius to Fahrenheit converter",
        ],
        verbs: &[
            "convert celsius to fahrenheit", "turn Celsius into Fahrenheit",
            "change celsius to fahrenheit", "convert a temperature from Celsius to Fahrenheit",
            "convert C to F", "convert degrees Celsius to Fahrenheit",
        ],
    },
    Function {
        name: "to_celsius",
        code: r#"def {name}(fahrenheit):
    return (fahrenheit - 32) * 5 / 9"#,
        says: "It converts degrees Fahrenheit to Celsius.",
        nouns: &[
            "fahrenheit to celsius", "converting Fahrenheit to Celsius", "Celsius from Fahrenheit",
            "a fahrenheit to celsius conversion", "F to C", "a Fahrenheit to Celsius converter",
        ],
        verbs: &[
            "convert fahrenheit to celsius", "turn Fahrenheit into Celsius",
            "change fahrenheit to celsius", "convert a temperature from Fahrenheit to Celsius",
            "convert F to C", "convert degrees Fahrenheit to Celsius",
        ],
    },
    Function {
        name: "divisors",
        code: r#"def {name}(n):
    return [i for i in range(1, n + 1) if n % i == 0]"#,
        says: "It returns all divisors of n.",
        nouns: &[
            "the divisors of a number", "all factors of n", "the factors of a number", "all divisors of n",
            "a list of divisors", "the divisors of n",
        ],
        verbs: &[
            "find all divisors of a number", "list the factors of n", "return the divisors of n",
            "get all factors of a number", "compute the divisors", "list all divisors of a number",
        ],
    },
    Function {
        name: "power",
        code: r#"def {name}(base, exponent):
    return base ** exponent"#,
        says: "It raises base to the power of exponent.",
        nouns: &[
            "the power of a number", "a number to the power of another", "exponentiation",
            "base to the power of exponent", "powers", "raising to a power",
        ],
        verbs: &[
            "compute the power of a number", "raise a number to a power",
            "calculate base to the power of exponent", "return a to the power of b", "do exponentiation",
            "raise base to the exponent",
        ],
    },
    Function {
        name: "is_leap_year",
        code: r#"def {name}(year):
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)"#,
        says: "It tells whether the year is a leap year.",
        nouns: &[
            "leap years", "a leap year check", "checking leap years", "a leap year test",
            "testing for a leap year", "a leap year checker",
        ],
        verbs: &[
            "check if a year is a leap year", "test for leap years", "tell whether a year is a leap year",
            "detect leap years", "see if a year is a leap year", "determine whether it is a leap year",
        ],
    },
    Function {
        name: "second_largest",
        code: r#"def {name}(numbers):
    return sorted(set(numbers))[-2]"#,
        says: "It returns the second largest number of the list.",
        nouns: &[
            "the second largest number", "the second largest number in a list",
            "the second biggest number", "the second highest value in a list", "the second maximum",
            "the second largest value",
        ],
        verbs: &[
            "find the second largest number", "return the second largest number in a list",
            "get the second biggest number", "find the second highest value",
            "compute the second maximum of a list", "get the second largest value",
        ],
    },
    Function {
        name: "binary_search",
        code: r#"def {name}(items, target):
    low, high = 0, len(items) - 1
    while low <= high:
        mid = (low + high) // 2
        if items[mid] == target:
            return mid
        low, high = (mid + 1, high) if items[mid] < target else (low, mid - 1)
    return -1"#,
        says: "It finds the index in a sorted list, or -1.",
        nouns: &[
            "binary search", "a binary search", "binary search in a sorted list",
            "the binary search algorithm", "searching a sorted list", "a binary search of a list",
        ],
        verbs: &[
            "do a binary search", "search a sorted list", "perform binary search",
            "run a binary search on a list", "find an item by binary search",
            "do binary search in a sorted list",
        ],
    },
    Function {
        name: "bubble_sort",
        code: r#"def {name}(items):
    for i in range(len(items)):
        for j in range(len(items) - 1 - i):
            if items[j] > items[j + 1]:
                items[j], items[j + 1] = items[j + 1], items[j]
    return items"#,
        says: "It sorts the list by swapping neighbours.",
        nouns: &[
            "bubble sort", "a bubble sort", "the bubble sort algorithm", "bubble sorting",
            "sorting with bubble sort", "a bubblesort of a list",
        ],
        verbs: &[
            "do a bubble sort", "sort a list by bubble sort", "sort a list with bubble sort",
            "perform bubble sort", "run the bubble sort algorithm", "sort numbers with bubble sort",
        ],
    },
    Function {
        name: "caesar",
        code: r#"def {name}(text, shift={k}):
    result = ""
    for c in text:
        if c.isalpha():
            start = ord("A") if c.isupper() else ord("a")
            c = chr((ord(c) - start + shift) % 26 + start)
        result += c
    return result"#,
        says: "It shifts every letter by {k}.",
        nouns: &[
            "a caesar cipher with shift {k}", "the Caesar shift by {k}", "a Caesar cipher of {k}",
            "a caesar code with shift {k}", "caesar encryption with {k}",
            "a Caesar cipher with a shift of {k}",
        ],
        verbs: &[
            "do a caesar cipher with shift {k}", "shift letters by {k}",
            "encrypt text with a Caesar shift of {k}", "shift every letter by {k}",
            "apply a caesar cipher with {k}", "do a Caesar shift by {k}",
        ],
    },
    Function {
        name: "are_anagrams",
        code: r#"def {name}(a, b):
    return sorted(a.lower()) == sorted(b.lower())"#,
        says: "It tells whether a and b are anagrams.",
        nouns: &[
            "anagrams", "an anagram check", "checking for anagrams", "an anagram test",
            "testing two words for anagrams", "an anagram checker",
        ],
        verbs: &[
            "check if two words are anagrams", "test for anagrams",
            "tell whether two strings are anagrams", "see if a is an anagram of b", "detect anagrams",
            "determine whether two words are anagrams",
        ],
    },
    Function {
        name: "capitalize_words",
        code: r#"def {name}(text):
    return " ".join(w.capitalize() for w in text.split())"#,
        says: "It makes the first letter of every word a capital.",
        nouns: &[
            "capitalizing words", "title case", "a string with every word capitalized",
            "capital first letters", "capitalizing every word", "a text in title case",
        ],
        verbs: &[
            "capitalize every word", "capitalize the words of a string", "convert text to title case",
            "make the first letter of each word a capital", "capitalize each word in a string",
            "capitalize all words of a text",
        ],
    },
    Function {
        name: "digit_sum",
        code: r#"def {name}(n):
    return sum(int(d) for d in str(abs(n)))"#,
        says: "It returns the sum of the digits of n.",
        nouns: &[
            "the sum of digits", "the digit sum of a number", "the sum of the digits of n", "a digit sum",
            "adding the digits of a number", "the digit sum of n",
        ],
        verbs: &[
            "sum the digits of a number", "compute the digit sum", "add up the digits of n",
            "return the sum of the digits", "calculate the digit sum of a number",
            "add all digits of a number",
        ],
    },
    Function {
        name: "to_binary",
        code: r#"def {name}(n):
    return bin(n)[2:]"#,
        says: "It returns n as a binary string.",
        nouns: &[
            "decimal to binary", "converting a number to binary", "a number in binary",
            "the binary form of a number", "conversion to binary", "decimal to binary conversion",
        ],
        verbs: &[
            "convert a number to binary", "turn a number into binary", "convert decimal to binary",
            "return n in binary", "write a number as binary", "change a decimal number to binary",
        ],
    },
    Function {
        name: "from_binary",
        code: r#"def {name}(text):
    return int(text, 2)"#,
        says: "It returns the number that a binary string stands for.",
        nouns: &[
            "binary to decimal", "converting binary to a number", "a number from binary",
            "the decimal value of a binary string", "conversion from binary",
            "binary to decimal conversion",
        ],
        verbs: &[
            "convert binary to decimal", "turn binary into a number",
            "convert a binary string to a number", "read a binary number", "parse a binary string",
            "change binary to a decimal number",
        ],
    },
    Function {
        name: "transpose",
        code: r#"def {name}(matrix):
    return [list(row) for row in zip(*matrix)]"#,
        says: "It swaps the rows and columns of the matrix.",
        nouns: &[
            "transposing a matrix", "a transposed matrix", "the transpose of a matrix",
            "swapping rows and columns", "a matrix transpose", "matrix transposition",
        ],
        verbs: &[
            "transpose a matrix", "swap rows and columns", "return the transpose of a matrix",
            "swap the rows and columns of a matrix", "compute a matrix transpose",
            "transpose a list of lists",
        ],
    },
    Function {
        name: "to_dict",
        code: r#"def {name}(keys, values):
    return dict(zip(keys, values))"#,
        says: "It makes a dictionary from keys and values.",
        nouns: &[
            "a dictionary from two lists", "a dict from keys and values", "zipping two lists to a dict",
            "two lists as a dictionary", "making a dict from two lists",
            "a dictionary from keys and values",
        ],
        verbs: &[
            "make a dictionary from two lists", "zip two lists into a dict",
            "create a dict from keys and values", "build a dictionary from two lists",
            "turn two lists into a dict", "zip keys and values into a dictionary",
        ],
    },
    Function {
        name: "evens",
        code: r#"def {name}(numbers):
    return [n for n in numbers if n % 2 == 0]"#,
        says: "It keeps the even numbers of the list.",
        nouns: &[
            "filtering even numbers", "the even numbers in a list", "all even numbers of a list",
            "keeping even numbers", "a list of the even numbers", "a filter for even numbers",
        ],
        verbs: &[
            "filter even numbers", "return the even numbers in a list", "keep only even numbers",
            "get all even numbers of a list", "find the even numbers in a list",
            "filter the even numbers from a list",
        ],
    },
    Function {
        name: "odds",
        code: r#"def {name}(numbers):
    return [n for n in numbers if n % 2 != 0]"#,
        says: "It keeps the odd numbers of the list.",
        nouns: &[
            "filtering odd numbers", "the odd numbers in a list", "all odd numbers of a list",
            "keeping odd numbers", "a list of the odd numbers", "a filter for odd numbers",
        ],
        verbs: &[
            "filter odd numbers", "return the odd numbers in a list", "keep only odd numbers",
            "get all odd numbers of a list", "find the odd numbers in a list",
            "filter the odd numbers from a list",
        ],
    },
    Function {
        name: "squares",
        code: r#"def {name}(numbers):
    return [n * n for n in numbers]"#,
        says: "It squares every number of the list.",
        nouns: &[
            "squaring a list", "the squares of a list", "a list of squares", "the square of every number",
            "squares of numbers", "squaring every number in a list",
        ],
        verbs: &[
            "square every number in a list", "return the squares of a list",
            "square the numbers of a list", "compute squares", "square all numbers",
            "make a list of squares",
        ],
    },
    Function {
        name: "running_sum",
        code: r#"def {name}(numbers):
    total, result = 0, []
    for n in numbers:
        total += n
        result.append(total)
    return result"#,
        says: "It returns the sum up to each number.",
        nouns: &[
            "the cumulative sum", "a running sum", "the cumulative sum of a list", "a running total",
            "the running sum of a list", "the running total of a list",
        ],
        verbs: &[
            "compute the cumulative sum", "return a running total", "calculate the running sum of a list",
            "make a list of cumulative sums", "get the cumulative sum of a list",
            "compute the running total of a list",
        ],
    },
    Function {
        name: "count_items",
        code: r#"def {name}(items):
    counts = {}
    for item in items:
        counts[item] = counts.get(item, 0) + 1
    return counts"#,
        says: "It counts how often each item occurs.",
        nouns: &[
            "counting occurrences", "the number of occurrences of each item", "the frequency of each item",
            "occurrences of items in a list", "item frequencies", "the frequencies of items in a list",
        ],
        verbs: &[
            "count the occurrences of each item", "count how often each item occurs",
            "return the frequency of each item", "count occurrences in a list",
            "find the frequency of items", "count how often items occur in a list",
        ],
    },
    Function {
        name: "longest_word",
        code: r#"def {name}(text):
    return max(text.split(), key=len)"#,
        says: "It returns the longest word of the text.",
        nouns: &[
            "the longest word", "the longest word in a sentence", "the longest word of a text",
            "finding the longest word", "the word with most letters", "the longest word in a string",
        ],
        verbs: &[
            "find the longest word", "return the longest word in a sentence",
            "get the longest word of a text", "find the longest word in a string", "pick the longest word",
            "return the longest word of a string",
        ],
    },
    Function {
        name: "median",
        code: r#"def {name}(numbers):
    s = sorted(numbers)
    mid = len(s) // 2
    if len(s) % 2:
        return s[mid]
    return (s[mid - 1] + s[mid]) / 2"#,
        says: "It returns the median of the numbers.",
        nouns: &[
            "the median", "the median of a list", "the median of numbers", "finding the median",
            "a list median", "the median value of a list",
        ],
        verbs: &[
            "compute the median", "find the median of a list", "calculate the median of numbers",
            "return the median", "get the median of a list", "work out the median of a list",
        ],
    },
    Function {
        name: "is_even",
        code: r#"def {name}(n):
    return n % 2 == 0"#,
        says: "It tells whether n is even.",
        nouns: &[
            "an even check", "checking if a number is even", "a test for even",
            "testing whether n is even", "an even number check", "an even test",
        ],
        verbs: &[
            "check if a number is even", "test whether n is even", "tell if a number is even",
            "see if n is even", "check for even", "determine whether a number is even",
        ],
    },
    Function {
        name: "is_odd",
        code: r#"def {name}(n):
    return n % 2 != 0"#,
        says: "It tells whether n is odd.",
        nouns: &[
            "an odd check", "checking if a number is odd", "a test for odd", "testing whether n is odd",
            "an odd number check", "an odd test",
        ],
        verbs: &[
            "check if a number is odd", "test whether n is odd", "tell if a number is odd",
            "see if n is odd", "check for odd", "determine whether a number is odd",
        ],
    },
    Function {
        name: "swap_case",
        code: r#"def {name}(text):
    return text.swapcase()"#,
        says: "It swaps upper and lower case.",
        nouns: &[
            "swapping case", "a string with swapped case", "upper and lower case swapped", "case swapping",
            "a case swap", "swapping upper and lower case",
        ],
        verbs: &[
            "swap the case of a string", "swap upper and lower case", "swap case",
            "invert the case of letters", "change upper to lower case and back",
            "swap the case of every letter",
        ],
    },
    Function {
        name: "remove_vowels",
        code: r#"def {name}(text):
    return "".join(c for c in text if c.lower() not in "aeiou")"#,
        says: "It removes all vowels from the text.",
        nouns: &[
            "removing vowels", "a string without vowels", "vowel removal", "a text without vowels",
            "removing all vowels from a string", "a word without its vowels",
        ],
        verbs: &[
            "remove vowels from a string", "delete all vowels", "strip the vowels of a text",
            "remove all vowels", "drop vowels from a word", "remove the vowels of a text",
        ],
    },
    Function {
        name: "length",
        code: r#"def {name}(text):
    count = 0
    for _ in text:
        count += 1
    return count"#,
        says: "It counts the characters without len.",
        nouns: &[
            "the length of a string without len", "string length without len",
            "the string length by counting", "counting characters without len", "length without len",
            "the length of a text without len",
        ],
        verbs: &[
            "find the length of a string without len", "compute string length without len",
            "count characters without len", "get the length of a string without using len",
            "return the length without len", "count the characters of a string without len",
        ],
    },
    Function {
        name: "read_lines",
        code: r#"def {name}(path):
    with open(path) as file:
        return [line.rstrip("\n") for line in file]"#,
        says: "It returns the lines of a file as a list.",
        nouns: &[
            "reading a file", "the lines of a file", "reading lines from a file",
            "a list of the lines of a file", "reading a file line by line", "a text file read into lines",
        ],
        verbs: &[
            "read the lines of a file", "read a file", "read a file line by line",
            "return the lines of a file", "load the lines of a text file", "read a text file into a list",
        ],
    },
    Function {
        name: "absolute",
        code: r#"def {name}(n):
    return -n if n < 0 else n"#,
        says: "It returns the absolute value of n.",
        nouns: &[
            "the absolute value", "the absolute value of a number", "absolute value", "the absolute of n",
            "abs of a number", "the absolute value of n",
        ],
        verbs: &[
            "compute the absolute value", "return the absolute value of a number",
            "get the absolute value of n", "find the absolute of a number", "calculate the absolute value",
            "find the absolute value of n",
        ],
    },
    Function {
        name: "clamp",
        code: r#"def {name}(value, low, high):
    return max(low, min(value, high))"#,
        says: "It keeps the value between low and high.",
        nouns: &[
            "clamping a value", "clamping a number between low and high", "a clamped number", "a clamp",
            "a number limited to a range", "clamping a number to a range",
        ],
        verbs: &[
            "clamp a value", "clamp a number between low and high", "limit a number to a range",
            "keep a value between low and high", "clamp a number", "clamp a number to a range",
        ],
    },
    Function {
        name: "add",
        code: r#"def {name}(a, b):
    return a + b"#,
        says: "It returns the sum of a and b.",
        nouns: &[
            "adding two numbers", "the sum of two numbers", "addition of two numbers",
            "the sum of a and b", "a plus b", "the addition of two numbers",
        ],
        verbs: &[
            "add two numbers", "return the sum of two numbers", "add a and b", "compute a plus b",
            "add two numbers together", "calculate the sum of two numbers",
        ],
    },
    Function {
        name: "above",
        code: r#"def {name}(numbers):
    return [n for n in numbers if n > {k}]"#,
        says: "It keeps the numbers above {k}.",
        nouns: &[
            "numbers above {k}", "numbers greater than {k}", "filtering numbers above {k}",
            "the numbers in a list larger than {k}", "all numbers above {k}",
            "the numbers of a list greater than {k}",
        ],
        verbs: &[
            "keep numbers above {k}", "filter numbers greater than {k}",
            "return the numbers larger than {k}", "keep only numbers above {k}",
            "get all numbers greater than {k}", "filter a list for numbers above {k}",
        ],
    },
    Function {
        name: "below",
        code: r#"def {name}(numbers):
    return [n for n in numbers if n < {k}]"#,
        says: "It keeps the numbers below {k}.",
        nouns: &[
            "numbers below {k}", "numbers less than {k}", "filtering numbers below {k}",
            "the numbers in a list smaller than {k}", "all numbers below {k}",
            "the numbers of a list less than {k}",
        ],
        verbs: &[
            "keep numbers below {k}", "filter numbers less than {k}",
            "return the numbers smaller than {k}", "keep only numbers below {k}",
            "get all numbers less than {k}", "filter a list for numbers below {k}",
        ],
    },
    Function {
        name: "divisible",
        code: r#"def {name}(n):
    return n % {k} == 0"#,
        says: "It tells whether n is divisible by {k}.",
        nouns: &[
            "divisibility by {k}", "a check for divisible by {k}", "checking if n is divisible by {k}",
            "a test for multiples of {k}", "numbers divisible by {k}", "a divisible by {k} test",
        ],
        verbs: &[
            "check if a number is divisible by {k}", "test whether n is divisible by {k}",
            "tell if a number is a multiple of {k}", "see if {k} divides n", "check for multiples of {k}",
            "determine whether n is divisible by {k}",
        ],
    },
    Function {
        name: "count_letter",
        code: r#"def {name}(text):
    return text.lower().count("{letter}")"#,
        says: "It counts the letter {letter} in the text.",
        nouns: &[
            "counting the letter {letter}", "the number of {letter}s in a string",
            "a count of the letter {letter}", "how many {letter}s are in a text",
            "the number of letters {letter} in a word", "occurrences of the letter {letter}",
        ],
        verbs: &[
            "count the letter {letter}", "count how many {letter}s are in a string",
            "count the letter {letter} in a text", "return the number of {letter}s in a word",
            "find how often the letter {letter} is in a text", "count the letter {letter} in a string",
        ],
    },
    Function {
        name: "starts_with",
        code: r#"def {name}(words):
    return [w for w in words if w.lower().startswith("{letter}")]"#,
        says: "It keeps the words that start with {letter}.",
        nouns: &[
            "words starting with {letter}", "the words that start with {letter}",
            "all words that begin with {letter}", "filtering words that start with {letter}",
            "the words of a list starting with {letter}", "a filter for words starting with {letter}",
        ],
        verbs: &[
            "keep words starting with {letter}", "find words that start with {letter}",
            "filter words that begin with {letter}", "return the words starting with {letter}",
            "get all words that start with {letter}", "keep only words that begin with {letter}",
        ],
    },
    Function {
        name: "primes_up_to",
        code: r#"def {name}(n):
    return [p for p in range(2, n + 1) if all(p % d for d in range(2, p))]"#,
        says: "It lists the primes up to n.",
        nouns: &[
            "all primes up to n", "a list of primes up to n", "the primes up to a limit",
            "the primes below a limit", "primes up to n", "a list of all primes up to a limit",
        ],
        verbs: &[
            "list all primes up to n", "find the primes up to a limit", "return all primes up to n",
            "generate primes up to n", "get a list of primes up to a limit", "list the primes up to n",
        ],
    },
];

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use std::collections::HashSet;
    use std::process::Command;

    /// Python expressions that hold for every function `f`, with `k` = 3 and `letter` = a.
    const ASSERTIONS: &[(&str, &[&str])] = &[
        ("is_prime", &[
            "f(7) is True", "f(9) is False", "f(1) is False", "f(2) is True",
        ]),
        ("factorial", &[
            "f(5) == 120", "f(0) == 1", "f(3) == 6",
        ]),
        ("fibonacci", &[
            "f(0) == 0", "f(1) == 1", "f(10) == 55",
        ]),
        ("gcd", &[
            "f(12, 18) == 6", "f(7, 5) == 1", "f(9, 0) == 9",
        ]),
        ("lcm", &[
            "f(4, 6) == 12", "f(3, 5) == 15", "f(8, 8) == 8",
        ]),
        ("reverse_string", &[
            "f('abc') == 'cba'", "f('') == ''", "f('ab c') == 'c ba'",
        ]),
        ("reverse_list", &[
            "f([1, 2, 3]) == [3, 2, 1]", "f([]) == []", "f(['a']) == ['a']",
        ]),
        ("is_palindrome", &[
            "f('Never odd or even') is True", "f('abc') is False", "f('Anna') is True",
        ]),
        ("count_vowels", &[
            "f('Hello') == 2", "f('xyz') == 0", "f('AEiou') == 5",
        ]),
        ("largest", &[
            "f([1, 5, 3]) == 5", "f([-2, -1]) == -1", "f([4]) == 4",
        ]),
        ("smallest", &[
            "f([1, 5, 3]) == 1", "f([-2, -1]) == -2", "f([4]) == 4",
        ]),
        ("total", &[
            "f([1, 2, 3]) == 6", "f([]) == 0", "f([-1, 1]) == 0",
        ]),
        ("product", &[
            "f([2, 3, 4]) == 24", "f([]) == 1", "f([5, 0]) == 0",
        ]),
        ("average", &[
            "f([1, 2, 3]) == 2", "f([4]) == 4", "f([1, 2]) == 1.5",
        ]),
        ("flatten", &[
            "f([[1, 2], [3]]) == [1, 2, 3]", "f([]) == []", "f([[], ['a']]) == ['a']",
        ]),
        ("unique", &[
            "f([1, 2, 1]) == [1, 2]", "f([]) == []", "f(['b', 'a', 'b']) == ['b', 'a']",
        ]),
        ("fizzbuzz", &[
            "printed(f, 5) == '1\\n2\\nFizz\\n4\\nBuzz\\n'", "printed(f, 15).endswith('14\\nFizzBuzz\\n')",
            "printed(f, 0) == ''",
        ]),
        ("sort_ascending", &[
            "f([3, 1, 2]) == [1, 2, 3]", "f([]) == []", "f(['b', 'a']) == ['a', 'b']",
        ]),
        ("sort_descending", &[
            "f([3, 1, 2]) == [3, 2, 1]", "f([]) == []", "f(['a', 'b']) == ['b', 'a']",
        ]),
        ("merge_dicts", &[
            "f({'a': 1}, {'b': 2}) == {'a': 1, 'b': 2}", "f({'a': 1}, {'a': 2}) == {'a': 2}",
            "f({}, {}) == {}",
        ]),
        ("invert_dict", &[
            "f({'a': 1}) == {1: 'a'}", "f({}) == {}", "f({'x': 'y', 'z': 'w'}) == {'y': 'x', 'w': 'z'}",
        ]),
        ("count_words", &[
            "f('one two') == 2", "f('') == 0", "f(' a  b c ') == 3",
        ]),
        ("to_fahrenheit", &[
            "f(0) == 32", "f(100) == 212", "f(-40) == -40",
        ]),
        ("to_celsius", &[
            "f(32) == 0", "f(212) == 100", "f(-40) == -40",
        ]),
        ("divisors", &[
            "f(6) == [1, 2, 3, 6]", "f(1) == [1]", "f(7) == [1, 7]",
        ]),
        ("power", &[
            "f(2, 10) == 1024", "f(5, 0) == 1", "f(3, 2) == 9",
        ]),
        ("is_leap_year", &[
            "f(2000) is True", "f(1900) is False", "f(2024) is True", "f(2023) is False",
        ]),
        ("second_largest", &[
            "f([1, 3, 2]) == 2", "f([5, 5, 4]) == 4", "f([-1, -2]) == -2",
        ]),
        ("binary_search", &[
            "f([1, 3, 5], 5) == 2", "f([1, 3, 5], 4) == -1", "f([], 1) == -1", "f([2], 2) == 0",
        ]),
        ("bubble_sort", &[
            "f([3, 1, 2]) == [1, 2, 3]", "f([]) == []", "f([2, 1]) == [1, 2]",
        ]),
        ("caesar", &[
            "f('abc') == 'def'", "f('Xyz!') == 'Abc!'", "f('') == ''",
        ]),
        ("are_anagrams", &[
            "f('Listen', 'silent') is True", "f('abc', 'abd') is False", "f('', '') is True",
        ]),
        ("capitalize_words", &[
            "f('hello world') == 'Hello World'", "f('') == ''", "f('aBC d') == 'Abc D'",
        ]),
        ("digit_sum", &[
            "f(123) == 6", "f(0) == 0", "f(-45) == 9",
        ]),
        ("to_binary", &[
            "f(5) == '101'", "f(0) == '0'", "f(8) == '1000'",
        ]),
        ("from_binary", &[
            "f('101') == 5", "f('0') == 0", "f('1000') == 8",
        ]),
        ("transpose", &[
            "f([[1, 2], [3, 4]]) == [[1, 3], [2, 4]]", "f([]) == []", "f([[1, 2, 3]]) == [[1], [2], [3]]",
        ]),
        ("to_dict", &[
            "f(['a', 'b'], [1, 2]) == {'a': 1, 'b': 2}", "f([], []) == {}", "f(['x'], [0]) == {'x': 0}",
        ]),
        ("evens", &[
            "f([1, 2, 4]) == [2, 4]", "f([]) == []", "f([1, 3]) == []",
        ]),
        ("odds", &[
            "f([1, 2, 3]) == [1, 3]", "f([]) == []", "f([2, 4]) == []",
        ]),
        ("squares", &[
            "f([1, 2, 3]) == [1, 4, 9]", "f([]) == []", "f([-2]) == [4]",
        ]),
        ("running_sum", &[
            "f([1, 2, 3]) == [1, 3, 6]", "f([]) == []", "f([5, -5]) == [5, 0]",
        ]),
        ("count_items", &[
            "f(['a', 'b', 'a']) == {'a': 2, 'b': 1}", "f([]) == {}", "f([1, 1]) == {1: 2}",
        ]),
        ("longest_word", &[
            "f('a bcd ef') == 'bcd'", "f('one') == 'one'", "f('hi there you') == 'there'",
        ]),
        ("median", &[
            "f([3, 1, 2]) == 2", "f([1, 2, 3, 4]) == 2.5", "f([7]) == 7",
        ]),
        ("is_even", &[
            "f(2) is True", "f(3) is False", "f(0) is True",
        ]),
        ("is_odd", &[
            "f(2) is False", "f(3) is True", "f(-1) is True",
        ]),
        ("swap_case", &[
            "f('aBc') == 'AbC'", "f('') == ''", "f('1x') == '1X'",
        ]),
        ("remove_vowels", &[
            "f('Hello') == 'Hll'", "f('') == ''", "f('AbE') == 'b'",
        ]),
        ("length", &[
            "f('abc') == 3", "f('') == 0", "f('a b') == 3",
        ]),
        ("read_lines", &[
            "(write('a\\nb\\n'), f('t.txt'))[1] == ['a', 'b']", "(write(''), f('t.txt'))[1] == []",
            "(write('x'), f('t.txt'))[1] == ['x']",
        ]),
        ("absolute", &[
            "f(-3) == 3", "f(4) == 4", "f(0) == 0",
        ]),
        ("clamp", &[
            "f(5, 0, 3) == 3", "f(-1, 0, 3) == 0", "f(2, 0, 3) == 2",
        ]),
        ("add", &[
            "f(1, 2) == 3", "f(-1, 1) == 0", "f(0.5, 0.5) == 1",
        ]),
        ("above", &[
            "f([1, 4, 9]) == [4, 9]", "f([]) == []", "f([3]) == []",
        ]),
        ("below", &[
            "f([1, 4, 2]) == [1, 2]", "f([]) == []", "f([3]) == []",
        ]),
        ("divisible", &[
            "f(9) is True", "f(10) is False", "f(0) is True",
        ]),
        ("count_letter", &[
            "f('Banana') == 3", "f('') == 0", "f('xyz') == 0",
        ]),
        ("starts_with", &[
            "f(['apple', 'Ant', 'bee']) == ['apple', 'Ant']", "f([]) == []", "f(['x']) == []",
        ]),
        ("primes_up_to", &[
            "f(10) == [2, 3, 5, 7]", "f(1) == []", "f(2) == [2]",
        ]),
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
            println!("skipped: there is no python3 here");
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
