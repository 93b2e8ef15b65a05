//! What a starter must refuse: everyday questions, the other starters' domains, and gibberish.

use super::wording::first_letter;
use super::{Corpus, Example, Split};
use rand::Rng;
use rand::seq::IndexedRandom;
use rand_chacha::ChaCha8Rng;

/// The task of a question that belongs to no starter, or to another one.
pub const TASK: &str = "refusal";
/// The task of a question that looks like a starter's own, and is more than it learned: it is the one to refuse it.
pub const OUT_OF_RANGE: &str = "out of range";
/// What reading such a question is worth: nobody knows how hard the answer would be.
pub const COMPLEXITY: f32 = 3.0;
pub const REFUSAL: &str = "This starter expert can't do that; download one that can.";

/// Share of the refusals that belong to another starter.
const OTHER_DOMAIN: f64 = 0.25;
const GIBBERISH: f64 = 0.03;

/// A question that `expert` must refuse. The expert "generalist" is never given a starter's domain to refuse.
pub fn refusal_for(expert: &str, rng: &mut ChaCha8Rng, split: Split) -> Example {
    let question = if expert != "generalist" && rng.random_bool(OTHER_DOMAIN) {
        other_domain(expert, rng, split)
    } else {
        everyday(rng, split)
    };
    Example { question, answer: REFUSAL.into(), complexity: COMPLEXITY, task: TASK }
}

/// Nothing but questions that the generalist must refuse.
pub struct Everyday;

impl Corpus for Everyday {
    fn name(&self) -> &'static str {
        "everyday"
    }

    fn domain(&self) -> &'static str {
        "general"
    }

    fn sample(&self, rng: &mut ChaCha8Rng, split: Split) -> Example {
        refusal_for("generalist", rng, split)
    }

    fn correct(&self, example: &Example, answer: &str) -> bool {
        example.answer.trim() == answer.trim()
    }
}

/// A question of no starter's domain.
pub fn everyday(rng: &mut ChaCha8Rng, split: Split) -> String {
    if rng.random_bool(GIBBERISH) {
        return gibberish(rng);
    }
    let templates = if split == Split::Train { TEMPLATES } else { HELD_OUT_TEMPLATES };
    let text = fill(pick(rng, templates), rng);
    dress(text, rng)
}

/// A question of no starter's domain that has a number in it: what only the gate learns from.
pub fn everyday_with_a_number(rng: &mut ChaCha8Rng, split: Split) -> String {
    let templates = if split == Split::Train { WITH_A_NUMBER } else { HELD_OUT_WITH_A_NUMBER };
    let text =
        fill(pick(rng, templates).replace("{year}", &rng.random_range(1750..2035).to_string()).as_str(), rng);
    dress(text.replace("#", &rng.random_range(2..120).to_string()), rng)
}

fn pick(rng: &mut ChaCha8Rng, from: &[&'static str]) -> &'static str {
    from.choose(rng).copied().unwrap_or("")
}

/// Replaces every `{slot}` by a word of its list.
fn fill(template: &str, rng: &mut ChaCha8Rng) -> String {
    let mut out = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        let (slot, tail) = after.split_once('}').unwrap_or((after, ""));
        out.push_str(before);
        out.push_str(pick(rng, words_for(slot)));
        rest = tail;
    }
    out.push_str(rest);
    out
}

fn gibberish(rng: &mut ChaCha8Rng) -> String {
    if rng.random_bool(0.4) {
        return pick(rng, NOISE).into();
    }
    let words: Vec<String> = (0..rng.random_range(1..4))
        .map(|_| {
            let length = rng.random_range(2..8);
            (0..length).map(|_| char::from(rng.random_range(b'a'..=b'z'))).collect()
        })
        .collect();
    words.join(" ")
}

/// A short and clear question of a starter other than `expert`.
fn other_domain(expert: &str, rng: &mut ChaCha8Rng, split: Split) -> String {
    let starters = ["arithmetic", "units", "words", "code"];
    let others: Vec<&str> = starters.into_iter().filter(|o| *o != expert).collect();
    let (a, b) = (rng.random_range(2..1000), rng.random_range(2..100));
    let held_out = split == Split::HeldOut;
    let templates = match (others.choose(rng).copied().unwrap_or("units"), held_out) {
        ("arithmetic", false) => ARITHMETIC,
        ("arithmetic", true) => HELD_OUT_ARITHMETIC,
        ("words", false) => WORDS,
        ("words", true) => HELD_OUT_WORDS,
        ("code", false) => CODE,
        ("code", true) => HELD_OUT_CODE,
        (_, false) => UNITS,
        (_, true) => HELD_OUT_UNITS,
    };
    let text = pick(rng, templates).replace("{a}", &a.to_string()).replace("{b}", &b.to_string());
    let text = fill(&text, rng);
    dress(text, rng)
}

/// What people put around a question, and how carefully they type.
fn dress(mut text: String, rng: &mut ChaCha8Rng) -> String {
    let before = pick(rng, BEFORE);
    let starts_with_i = text.starts_with("I ") || text.starts_with("I'm");
    if before.is_empty() && rng.random_bool(0.4) {
        text = first_letter(&text, true);
    } else if !before.is_empty() && !starts_with_i && rng.random_bool(0.8) {
        text = first_letter(&text, false);
    }
    text = format!("{before}{text}{}", pick(rng, AFTER));
    match rng.random_range(0..20) {
        0..4 => text.to_lowercase(),
        4 => text.to_uppercase(),
        5..7 => text.trim_end_matches(['?', '.']).to_string(),
        7 => format!("{}?", text.trim_end_matches(['?', '.', '!'])),
        _ => text,
    }
}

const BEFORE: &[&str] = &[
    "", "", "", "", "", "", "", "", "", "", "", "", "", "", "Please ", "Hi, ", "Hello! ", "Hey, ",
    "Quick question: ", "ok, ", "So, ", "I have a question. ", "One more: ", "Question: ", "And ", "hm, ",
    "Tell me, ", "Q: ",
];

const AFTER: &[&str] = &[
    "", "", "", "", "", "", "", "", "", "", "", "", "", "", " Thanks!", " please", " Thank you.", " :)",
    " for me", " thanks", " now", " Please be brief.",
];

/// As [`TEMPLATES`], with `{year}`, and `#` for a number.
const WITH_A_NUMBER: &[&str] = &[
    "who won the world cup in {year}?", "who was the president of {country} in {year}?",
    "what happened in {year}?", "what happened in {country} in {year}", "who won the election of {year}",
    "which film won the oscar in {year}?", "how many people lived in {city} in {year}?",
    "tell me about the year {year}", "songs from {year}", "the best films of {year}",
    "who was born in {year}?", "what was invented in {year}", "was {person} alive in {year}?",
    "what did {person} do in {year}", "set an alarm for # o'clock", "wake me at # in the morning",
    "remind me in # minutes", "set a timer for # minutes", "book a table for # people",
    "a table for # at eight please", "is # a lucky number?", "what does it mean to be # years old?",
    "I am # years old. What should I do?", "my son is #, what should he read?",
    "gifts for someone who turns #", "games for # players", "recommend # books",
    "give me # ideas for dinner", "name # cities in {country}", "list # animals",
    "tell me # facts about {animal}", "# jokes please", "top # songs of all time",
    "is it warm at # degrees in {city}?", "flights to {city} under # euros",
    "how far is {city} from {city} by car, about # hours?", "what channel is # on",
    "which bus goes to the station, the # or the 7?", "room # is too loud", "chapter # of {book}",
    "who wrote symphony number #?", "play track #", "article # of the constitution", "what is route # like",
    "is my order number # shipped?", "my flight is at #, when should I leave?", "who wears number #",
    "explain the war of {year}", "was {year} a good year for wine?", "the olympic games of {year}",
    "how did {country} change after {year}", "who was king in {year}", "write a poem with # lines",
    "a story in # words", "an essay of # words about {idea}", "explain it to a # year old",
];

const HELD_OUT_WITH_A_NUMBER: &[&str] = &[
    "which team won the championship in {year}?", "who ruled {country} in {year}?",
    "what was life like in {year}", "alarm at # please", "what should a # year old eat",
    "suggest # names for my dog", "a speech of # minutes about {idea}", "what is on page # of {book}",
];

/// Every slot in braces is a list of `words_for`.
const TEMPLATES: &[&str] = &[
    "{hello}", "{hello}!", "{hello}, how are you?", "{hello}, I am {name}", "{hello}, what can you do?",
    "{hello}, nice to meet you", "how are you {day}?", "how is it going?", "what's up", "who are you?",
    "what is your name?", "are you a robot?", "who made you?", "are you human or a machine?",
    "thank you, {name}", "thanks, that was great", "bye, see you {day}", "good night {name}",
    "tell me a joke", "tell me a joke about {animal}", "tell me something interesting about {animal}",
    "I am {name}, and {trouble}. Can we talk?", "{trouble}", "{trouble}. What should I do?",
    "do you like {animal}?", "do you like {food}?", "what do you think about {idea}?",
    "which is better, {choice}?", "do you prefer {choice}?", "what is your favourite film, mine is {film}",
    "what is your opinion on {company}?", "is {artist} overrated?", "What is the capital of {country}?",
    "capital of {country}", "where is {city}?", "what language do they speak in {country}?",
    "what is the currency of {country}?", "how many people live in {city}?", "What is {city} known for?",
    "which countries border {country}?", "Who is the president of {country}?",
    "what does the flag of {country} look like", "where is {landmark}?", "how old is {landmark}?",
    "who built {landmark}", "tell me about {landmark}", "Who was {person}?", "who was {person}",
    "when was {person} born?", "What did {person} do?", "where did {person} live and die",
    "Tell me about the life of {person}", "who is older, {person} or {person}?", "why is {person} famous",
    "When did {event} begin?", "what caused {event}?", "Explain {event} to me.", "how did {event} end",
    "who took part in {event}?", "what happened in {country} during {event}", "Who wrote {book}?",
    "what is {book} about?", "who is the main character of {book}", "Is {book} worth reading?",
    "who directed {film}?", "what is the plot of {film}", "who played the lead in {film}?",
    "when did {film} come out", "can you recommend a film like {film}?", "did {film} win an Oscar",
    "Which songs did {artist} write?", "who sings with {artist}", "what is the best album of {artist}?",
    "play something by {artist}", "play {artist} in the {room}", "how do I learn the {instrument}?",
    "how do you tune a {instrument}", "who is the best {instrument} player ever?", "How do I make {dish}?",
    "recipe for {dish}", "how to cook {dish} for {who}", "how long do I cook {food}",
    "What goes well with {food}?", "can I freeze {food}?", "is {food} healthy?",
    "what can I cook with {food} and {food}",
    "I have {food} and {food} at home. What could I make for dinner {day}?", "what wine goes with {dish}?",
    "what can I use instead of {food}", "I have {illness}, what should I do?",
    "what are the symptoms of {illness}", "what helps against {illness}?", "is {illness} dangerous",
    "should I see a doctor about {illness}?", "can I do sport with {illness}",
    "My child has {illness} since {day}. Should I worry?", "what causes {illness}?",
    "how do I lose weight without giving up {food}", "how much sleep do I need",
    "Who won the {sport} final?", "what are the rules of {sport}?", "how do I get better at {sport}",
    "who is the best {sport} player in {country}?", "is there a {sport} match {day}",
    "when is the next {sport} world cup?", "where can I play {sport} in {city}",
    "What's the weather in {city} {day}?", "weather {city}", "will it rain {day}?",
    "do I need an umbrella in {city} {day}", "how cold is it in {city} in winter?",
    "is it going to snow {day}?", "What should I see in {city}?", "best restaurants in {city}",
    "book a flight to {city} for {day}", "how do I get from {city} to {city}?", "cheap hotel {city} {day}",
    "Do I need a visa for {country}?", "what is the best time to visit {country}",
    "plan a trip to {country} for two with stops in {city}", "is {country} safe for tourists?",
    "what should I pack for {country}", "I'm going to {city} {day} with {who}. What should we not miss?",
    "what time is it in {city}", "Where can I buy {thing}?", "which {gadget} should I buy?",
    "how much does {thing} cost", "find me {thing} under budget", "is it a good time to buy {thing}?",
    "order {food} and {food} for {day}", "add {food} to my shopping list", "Set an alarm for {clock}",
    "wake me up at {clock}", "remind me to {task}", "remind me to {task} {day}",
    "remind me at {clock} to {task}", "set a timer for the {food}", "what's on my calendar {day}?",
    "put a meeting with {name} on {day} at {clock}", "cancel my appointment {day}",
    "Am I free {day} at {clock}?", "call {name}", "send a message to {name} that I am late",
    "turn off the lights in the {room}", "turn up the heating in the {room}", "My {gadget} doesn't turn on",
    "my {gadget} is broken, how do I fix it?", "how do I reset my {gadget}",
    "how do I connect my {gadget} to {app}?", "{app} does not work",
    "{app} keeps crashing since {day}. What can I do about it?", "how do I install {app}",
    "I forgot my password for {app}", "my {gadget} is slow", "how do I clean my {gadget}?",
    "Translate \"{phrase}\" into {language}", "translate {phrase} to {language}",
    "how do you say {phrase} in {language}?", "what is {phrase} in {language}",
    "what does this {language} text mean", "teach me some {language}", "is {language} hard to learn?",
    "Write an email to {who} about {matter}", "write a letter to {who} because of {matter}",
    "write a poem about {theme}", "a haiku about {theme}", "write a short story about {theme} and {theme}",
    "make up a song about {theme}", "write a birthday card for {who}", "Write a speech about {idea}",
    "draft a reply to {who}: {matter}", "write an essay on {idea}",
    "help me write a cover letter for a job as a {job}", "Summarize {book}",
    "summarise the plot of {film} in a few sentences", "give me a summary of {event}",
    "summarize this article about {science}", "what are the main points of {book}?", "Explain {science}",
    "how does {science} work?", "what is {science}", "why is the sky blue?", "why do {animal} sleep?",
    "what do {animal} eat", "how long do {animal} live?", "are {animal} dangerous",
    "where do {animal} live?", "Explain {science} like I'm five", "who discovered {science}?",
    "how far away is {planet}", "is there life on {planet}?", "what is {planet} made of", "What is {idea}?",
    "what is the meaning of life", "does {idea} exist?", "what did {person} say about {idea}",
    "is {idea} more important than {idea}?", "What are my rights as {law}?", "do I need a lawyer for {law}",
    "how does {law} work in {country}?", "is it legal to record {who} in {country}",
    "I have a problem with {law} and {who} is angry. What does the law say?",
    "can {who} sue me over {matter}?", "how do I become a {job}", "how much does a {job} earn?",
    "what does a {job} do all day", "should I quit my job as a {job}?", "how do I ask {who} for {matter}",
    "what should I give {who} as a present?", "How do I grow {plant}?", "why are my {plant} dying",
    "when do I plant {plant}?", "how often should I water {plant}", "how do I remove {stain} stains?",
    "how do I paint the {room}", "ideas for a small {room}", "how do I look after {child}?",
    "what can I do with {child} {day}", "names for {child}", "is {hobby} good for you?",
    "how do I start with {hobby}", "what do I need for {hobby}?", "who founded {company}",
    "where is {company} based?", "should I buy shares of {company}",
    "what is the latest news about {company}", "news from {country}", "what happened {day} in {country}?",
    "who will win the election in {country}", "write me a short story with {theme}",
    "compose a song about {theme}", "give me a joke about {animal}", "a riddle about {theme} please",
    "rewrite this more politely: {phrase}", "what should I cook with {food} and {food}?",
    "how many calories are in {food}?", "how long do I boil {food}", "what year was {person} born?",
    "how old was {person}", "when did {event} start?", "how high is {landmark}?",
    "what is the population of {city}", "how many people live in {country}",
    "how far is {city} from {city}?", "what time is it in {city}?", "how long is the flight to {country}",
    "what currency do they use in {country}?", "list three facts about {animal}",
    "name five {animal} species", "two good books like {book}", "sort out my life, {trouble}",
    "count on me, {name}", "reverse my luck, {trouble}", "convert me to {hobby}",
    "what is the function of {science}", "which is older, {book} or {film}?", "top ten songs by {artist}",
    "how much does {thing} cost?", "where can I buy {thing}", "how do I fix my {gadget}?",
    "my {gadget} is slow, what now", "describe {landmark} in a few words", "pros and cons of {choice}",
    "what does {science} have to do with {idea}", "an essay on {idea}", "a letter to {who} about {matter}",
    "plan {day} for me", "who won in {sport} {day}", "rules of {sport}", "how much {food} may {child} eat",
];

const HELD_OUT_TEMPLATES: &[&str] = &[
    "{hello} {name}, how was your day?", "good to see you again", "do you have feelings?",
    "can you cheer me up? {trouble}", "what would you do, {trouble}",
    "make me laugh with something about {animal}", "tell me which one you would choose: {choice}",
    "which city is the capital of {country}", "is {city} bigger than {city}?",
    "on which continent is {country}", "what is special about {landmark}",
    "for what do people remember {person}", "did {person} ever meet {person}?",
    "how many people died in {event}",
    "I need to learn about {event} for school. What were the reasons for it?", "who is the author of {book}",
    "how does {film} end?", "is {film} suitable for {child}", "which instrument did {artist} play?",
    "put on some music by {artist}", "what ingredients do I need for {dish}?",
    "how do I know if {food} has gone bad", "{food} or {food}, which is healthier?",
    "which medicine is good for {illness}", "how long does {illness} last?",
    "which team is the best in {sport} right now", "how do I teach {child} to play {sport}",
    "is it sunny in {city} {day}", "forecast for {city}",
    "I want to travel from {city} to {country}, what do you recommend?", "what are good museums in {city}",
    "can you compare two kinds of {gadget} for me", "what should I look for when buying {thing}",
    "don't let me forget to {task}", "alarm {clock} {day}", "move my meeting with {name} to {day}",
    "why does my {gadget} make a strange noise", "how do I update {app} on my {gadget}",
    "say {phrase} in {language} please", "compose a message to {who} concerning {matter}",
    "a limerick about {theme}", "write a fairy tale with {theme} in it",
    "shorten this report about {science}", "why does {science} matter", "which {animal} are the fastest",
    "can people live on {planet}", "would the world be better with more {idea}?",
    "what can I do legally about {law}", "what do I have to study to be a {job}",
    "where should I put {plant} in my {room}", "is {hobby} expensive", "how did {company} become so big",
];

const NOISE: &[&str] = &[
    "asdf", "qwertz uiop", "blah blah", "lorem ipsum", "xyzzy", "hmm", "???", "...", "foo", "zzz", "aaaaa",
    "lkjh", "test test", "ok", "uh", "x", "brrr", "wfgh kk", "nnn", "la la la",
];

const ARITHMETIC: &[&str] = &[
    "{a} + {b}", "what is {a} - {b}?", "{a} times {b}", "{a} divided by {b}", "{a} * {b} =",
    "what is {a} + {b}?", "{a} x {b}", "{a} minus {b}", "the sum of {a} and {b}", "take {b} from {a}",
    "the product of {a} and {b}", "divide {a} by {b}", "what is {b} percent of {a}",
    "I have {a} apples and eat {b}, how many are left?", "{a} plus {b}", "share {a} among {b}",
    "what is {a} times {b}?", "increase {a} by {b}", "calculate {a} + {b}", "{b}% of {a}",
    "how much is {a} minus {b}", "add {a} and {b}", "{a} / {b}",
];

const HELD_OUT_ARITHMETIC: &[&str] =
    &["multiply {a} by {b}", "what does {a} plus {b} make?", "subtract {b} from {a}"];

const UNITS: &[&str] = &[
    "{b} {unit} in {unit2}", "convert {a} {unit} to {unit2}", "how many {unit2} are {b} {unit}?",
    "{a} {unit} to {unit2}", "what is {b} {unit} in {unit2}", "{b} degrees celsius in fahrenheit",
    "how many minutes are {b} hours?", "express {a} {unit} in {unit2}", "{b} {unit} = ? {unit2}",
    "turn {a} {unit} into {unit2}", "what is {b} fahrenheit in celsius?",
    "how many seconds are in {b} minutes", "{a} {unit} as {unit2}", "how long is {a} {unit} in {unit2}?",
    "I need {a} {unit} in {unit2}",
];

const HELD_OUT_UNITS: &[&str] = &["change {b} {unit} into {unit2}", "{a} {unit} is how many {unit2}?"];

const WORDS: &[&str] = &[
    "reverse {word}", "spell {word} backwards", "how many letters are in {word}?",
    "{word} in capital letters", "how many vowels does {word} have?",
    "sort these words: {word}, {word}, {word}", "first letter of {word}", "last letter of {word}",
    "spell {word}", "is {word} a palindrome?", "plural of {word}", "what is the plural of {word}?",
    "{word} backwards", "alphabetize {word}, {word}, {word}", "write {word} in lower case",
    "what are the initials of {word} {word}?", "count the words: {word} {word} {word}",
    "how many e's are in {word}?", "uppercase {word}",
];

const HELD_OUT_WORDS: &[&str] = &[
    "write {word} from back to front", "count the letters of {word}",
    "put {word} and {word} in alphabetical order",
];

const CODE: &[&str] = &[
    "python function for {function}", "write a python function for {function}",
    "how do I do {function} in python?", "code for {function}", "implement {function} in python",
    "give me code for {function}", "{function} python", "I need a function for {function}",
    "def for {function}", "a python script for {function}", "write code for {function}",
    "how would you code {function}?", "python snippet for {function}", "make a function for {function}",
];

const HELD_OUT_CODE: &[&str] = &["can you program {function}", "show me {function} as python code"];

fn words_for(slot: &str) -> &'static [&'static str] {
    match slot {
        "city" => &[
            "Paris", "London", "Rome", "Berlin", "Tokyo", "Madrid", "Lisbon", "Vienna", "Prague", "New York",
            "Chicago", "Cairo", "Sydney", "Mumbai", "Nairobi", "Oslo", "Dublin", "Athens", "Bangkok",
            "Toronto", "Lima", "Seoul", "Boston", "Istanbul", "Hamburg",
        ],
        "country" => &[
            "France", "Japan", "Brazil", "Canada", "Egypt", "Kenya", "India", "Spain", "Norway", "Italy",
            "Peru", "Germany", "Mexico", "China", "Australia", "Greece", "Turkey", "Poland", "Sweden",
            "Chile", "Vietnam", "Morocco", "Ireland", "Portugal", "Iceland",
        ],
        "person" => &[
            "Einstein", "Napoleon", "Shakespeare", "Cleopatra", "Mozart", "Marie Curie", "Picasso", "Gandhi",
            "Lincoln", "Beethoven", "Julius Caesar", "Galileo", "Darwin", "Newton", "Mandela", "Frida Kahlo",
            "Churchill", "Plato", "Aristotle", "Tolstoy", "Columbus", "Van Gogh", "Jane Austen", "Bach",
        ],
        "dish" => &[
            "lasagna", "pancakes", "sushi", "tomato soup", "apple pie", "risotto", "pizza", "banana bread",
            "curry", "chili", "fried rice", "guacamole", "an omelette", "ramen", "paella", "tacos", "hummus",
            "brownies", "bread", "mashed potatoes", "cheesecake", "pesto",
        ],
        "food" => &[
            "eggs", "rice", "chicken", "salmon", "cheese", "chocolate", "spinach", "garlic", "butter",
            "milk", "potatoes", "mushrooms", "coffee", "honey", "beef", "tofu", "lemons", "onions",
            "avocados", "beans",
        ],
        "animal" => &[
            "cats", "dogs", "whales", "elephants", "penguins", "owls", "bees", "sharks", "bats", "horses",
            "spiders", "tigers", "octopuses", "dolphins", "snakes", "wolves", "bears", "ants", "frogs",
            "rabbits", "kangaroos", "parrots", "turtles",
        ],
        "film" => &[
            "Titanic", "The Godfather", "Star Wars", "Jaws", "Casablanca", "Inception", "The Matrix",
            "Frozen", "Gladiator", "Avatar", "Psycho", "Alien", "Toy Story", "Forrest Gump", "Rocky",
            "Amelie", "The Lion King", "Vertigo", "Up", "Shrek",
        ],
        "book" => &[
            "Hamlet", "Dracula", "Moby Dick", "War and Peace", "1984", "Emma", "The Hobbit", "Don Quixote",
            "Frankenstein", "Ulysses", "The Odyssey", "Jane Eyre", "Macbeth", "Faust", "Dune",
            "Great Expectations",
        ],
        "sport" => &[
            "football", "tennis", "basketball", "golf", "cricket", "rugby", "hockey", "volleyball", "boxing",
            "swimming", "cycling", "skiing", "baseball", "badminton", "chess", "rowing", "surfing", "judo",
        ],
        "gadget" => &[
            "phone", "laptop", "printer", "router", "tablet", "camera", "TV", "keyboard", "headset",
            "smartwatch", "monitor", "washing machine", "car radio", "game console", "speaker", "mouse",
            "dishwasher", "vacuum cleaner",
        ],
        "illness" => &[
            "a cold", "the flu", "a headache", "a fever", "back pain", "hay fever", "a cough", "asthma",
            "migraine", "a sore throat", "insomnia", "diabetes", "stomach ache", "a sunburn", "measles",
            "high blood pressure", "a sprained ankle", "anxiety",
        ],
        "science" => &[
            "photosynthesis", "gravity", "evolution", "black holes", "electricity", "magnetism", "DNA",
            "vaccines", "rainbows", "earthquakes", "volcanoes", "tides", "nuclear fusion",
            "the immune system", "atoms", "climate change", "inflation", "relativity", "plate tectonics",
            "lightning", "osmosis", "the water cycle", "quantum mechanics",
        ],
        "idea" => &[
            "happiness", "love", "justice", "freedom", "truth", "time", "consciousness", "free will",
            "beauty", "friendship", "courage", "democracy", "wisdom", "knowledge", "good and evil",
            "the soul", "success", "art", "power over others", "honesty",
        ],
        "event" => &[
            "the French Revolution", "World War II", "the Cold War", "the fall of Rome", "the moon landing",
            "the Black Death", "the Renaissance", "the American Civil War", "the Industrial Revolution",
            "the fall of the Berlin Wall", "the Great Depression", "the Boston Tea Party", "the Trojan War",
            "the Crusades", "World War I",
        ],
        "language" => &[
            "French", "Spanish", "German", "Italian", "Japanese", "Chinese", "Latin", "Portuguese",
            "Russian", "Dutch", "Arabic", "Greek", "Polish", "Turkish", "Korean", "Swedish", "Hindi",
        ],
        "phrase" => &[
            "good morning", "thank you", "where is the station", "I love you", "see you tomorrow",
            "the weather is nice", "happy birthday", "I am hungry", "what is your name", "have a nice day",
            "excuse me", "the house is red", "good night", "I would like a coffee", "how are you",
            "my brother lives in Rome",
        ],
        "who" => &[
            "my boss", "my mother", "a friend", "my landlord", "my teacher", "my neighbour", "a customer",
            "my grandmother", "my team", "my sister", "a colleague", "the school", "the bank",
            "my girlfriend", "my doctor", "my son", "my uncle",
        ],
        "matter" => &[
            "a late delivery", "my birthday party", "a day off", "a new job", "the rent", "a broken window",
            "a refund", "the meeting", "a missed call", "our holiday", "the noise at night", "my illness",
            "a pay rise", "an apology", "the wedding", "a lost parcel",
        ],
        "theme" => &[
            "the sea", "autumn", "love", "winter", "a lost dog", "my cat", "friendship", "the moon",
            "a brave knight", "rain", "home", "a dragon", "spring", "a lighthouse", "the stars", "a robot",
            "coffee", "old age", "the forest", "a train journey",
        ],
        "day" => &[
            "Monday", "Tuesday", "Friday", "Saturday", "Sunday", "today", "tomorrow", "tonight",
            "this weekend", "next week", "next Thursday", "this afternoon", "Wednesday",
        ],
        "clock" => &[
            "7 am", "8 o'clock", "noon", "6:30", "9 pm", "half past seven", "10 tomorrow",
            "5 in the morning", "midnight", "a quarter to eight", "3 pm", "four",
        ],
        "artist" => &[
            "the Beatles", "Queen", "Madonna", "Bob Dylan", "ABBA", "Adele", "Prince", "Elvis", "Nirvana",
            "David Bowie", "Beyonce", "Taylor Swift", "Miles Davis", "the Rolling Stones", "U2", "Coldplay",
        ],
        "instrument" => &[
            "guitar", "piano", "violin", "drums", "flute", "saxophone", "cello", "trumpet", "harp",
            "ukulele", "clarinet", "bass",
        ],
        "thing" => &[
            "shoes", "a bike", "a sofa", "a coat", "a mattress", "a backpack", "a phone", "a laptop",
            "a tent", "headphones", "a coffee machine", "a desk", "a used car", "a birthday present",
            "a watch", "running shoes", "a camera", "sunglasses",
        ],
        "trouble" => &[
            "I can't sleep", "I am bored", "I feel sad", "I feel lonely", "I had a bad day", "I am so tired",
            "I lost my job", "I am nervous", "my back hurts", "I argued with my friend", "I failed my exam",
            "I am stressed", "I have no energy", "I miss my family",
        ],
        "job" => &[
            "nurse", "teacher", "pilot", "lawyer", "chef", "plumber", "doctor", "designer", "journalist",
            "firefighter", "carpenter", "baker", "architect", "vet", "electrician", "manager",
        ],
        "law" => &[
            "a tenant", "a landlord", "an employer", "divorce", "inheritance", "a contract",
            "a speeding ticket", "copyright", "a will", "child custody", "self-defence", "a patent",
            "data protection", "a parking fine", "an unpaid invoice", "small claims",
        ],
        "plant" => &[
            "tomatoes", "roses", "basil", "orchids", "cacti", "lavender", "tulips", "ferns", "an apple tree",
            "ivy", "sunflowers", "mint", "strawberries", "bamboo", "a lawn", "peppers",
        ],
        "app" => &[
            "Excel", "Windows", "Gmail", "Wi-Fi", "Bluetooth", "Photoshop", "WhatsApp", "Zoom", "Chrome",
            "iTunes", "Word", "Netflix", "Spotify", "Outlook", "Linux", "Instagram",
        ],
        "task" => &[
            "call the dentist", "water the plants", "buy milk", "take out the rubbish", "pick up the kids",
            "pay the rent", "take my pills", "feed the cat", "send the report", "walk the dog",
            "book the flight", "do the laundry",
        ],
        "room" => &[
            "kitchen", "bathroom", "garage", "bedroom", "living room", "garden", "attic", "cellar", "office",
            "balcony",
        ],
        "choice" => &[
            "tea or coffee", "cats or dogs", "summer or winter", "books or films", "city or country",
            "pizza or pasta", "beach or mountains", "train or plane", "morning or evening", "Mac or PC",
            "football or tennis",
        ],
        "hello" => &[
            "hello", "hi", "hey", "good morning", "good evening", "hi there", "hello there", "hey you",
            "good afternoon", "yo", "hiya", "howdy", "greetings", "hey there",
        ],
        "stain" => &[
            "red wine", "coffee", "grass", "ink", "blood", "oil", "candle wax", "chocolate", "rust", "mud",
            "tomato sauce", "lipstick",
        ],
        "company" => &[
            "Apple", "Google", "Toyota", "Nike", "IKEA", "Amazon", "Tesla", "Lego", "Nintendo", "Siemens",
            "Disney", "Microsoft", "Sony", "Ford",
        ],
        "landmark" => &[
            "the Eiffel Tower", "the Great Wall", "Mount Everest", "the Colosseum", "Machu Picchu",
            "the Taj Mahal", "Big Ben", "Stonehenge", "the Grand Canyon", "the Sahara", "the Nile",
            "the Statue of Liberty", "the Pyramids", "Lake Victoria", "the Amazon",
        ],
        "planet" => &[
            "Mars", "Venus", "Jupiter", "Saturn", "Mercury", "Neptune", "the moon", "the sun", "Uranus",
            "Pluto",
        ],
        "hobby" => &[
            "painting", "hiking", "knitting", "photography", "gardening", "fishing", "yoga", "running",
            "camping", "pottery", "birdwatching", "dancing", "juggling", "meditation",
        ],
        "child" => &[
            "a newborn", "a toddler", "a teenager", "my daughter", "my son", "a puppy", "a kitten",
            "two small children", "a shy child",
        ],
        "name" => &[
            "Anna", "Tom", "Sarah", "Max", "Julia", "Ben", "Emma", "Paul", "Lucy", "Omar", "Nina", "Leo",
            "Maria", "Sam", "Kim", "Ivan",
        ],
        "unit" => &["km", "miles", "feet", "metres", "inches", "yards", "cm"],
        "unit2" => &["m", "meters", "kilometres", "mm", "millimetres", "centimetres"],
        "word" => &[
            "lantern", "garden", "banana", "window", "pepper", "silver", "orange", "mountain", "ticket",
            "planet", "kitten", "bottle", "river", "castle", "pocket", "winter", "letter", "apple", "forest",
            "button",
        ],
        "function" => &[
            "prime numbers", "the factorial", "fibonacci numbers", "reversing a string", "sorting a list",
            "a palindrome check", "counting vowels", "the greatest common divisor", "fizzbuzz",
            "removing duplicates", "binary search", "the average of a list", "leap years", "bubble sort",
        ],
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use std::collections::HashSet;

    #[test]
    fn every_slot_has_words_and_held_out_templates_are_not_trained_on() {
        let first = [TEMPLATES, HELD_OUT_TEMPLATES, UNITS, HELD_OUT_UNITS];
        for template in first.into_iter().chain([WORDS, HELD_OUT_WORDS, CODE, HELD_OUT_CODE]).flatten() {
            for part in template.split('{').skip(1) {
                let slot = part.split_once('}').unwrap().0;
                assert!(matches!(slot, "a" | "b") || !words_for(slot).is_empty(), "{slot} has no words");
            }
        }
        let trained: HashSet<&str> = TEMPLATES.iter().copied().collect();
        assert_eq!(trained.len(), TEMPLATES.len(), "a template is there twice");
        assert!(HELD_OUT_TEMPLATES.iter().all(|t| !trained.contains(t)));
    }

    #[test]
    fn questions_are_many_and_a_function_of_the_seed() {
        let questions = |seed| -> Vec<String> {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            (0..5000).map(|_| refusal_for("code", &mut rng, Split::Train).question).collect()
        };
        let first = questions(1);
        assert_eq!(first, questions(1));
        assert!(first.iter().all(|q| !q.contains(['{', '}']) && !q.is_empty()));
        assert!(first.iter().collect::<HashSet<_>>().len() > 4000);
    }
}
