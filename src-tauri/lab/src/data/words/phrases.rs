//! How people ask for each thing that the words expert does. `<a|b>` is a choice, `{w}` what it is about.

use super::Task;
use super::Task::*;
use crate::data::Split;

/// Templates of a task. The held-out ones are never trained on.
pub fn templates(task: Task, split: Split) -> &'static [&'static str] {
    match split {
        Split::Train => trained(task),
        Split::HeldOut => held_out(task),
    }
}

fn trained(task: Task) -> &'static [&'static str] {
    match task {
        Sort => &[
            "Sort <these words|this list|the words|the following words|the list|these|> <alphabetically|in alphabetical order|from a to z|A-Z>: {w}",
            "<Sort|Order|Arrange|Put|Place> <these words|the following words|this list|the words|these> <in alphabetical order|in ABC order|in alphabetic order|alphabetically|from a to z>: {w}",
            "Sort {w}", "sort: {w}", "Sort {w} <alphabetically|in alphabetical order|by alphabet|a-z|from A to Z>",
            "<Put|Arrange|Order> {w} <in|into> <alphabetical|ABC|alphabetic> order", "Alphabetize {w}", "alphabetize <this|these|this list|these words>: {w}",
            "alphabetise: {w}", "What is the alphabetical order of {w}?", "<What is|what's|give me> the alphabetical order of <these words|this list>: {w}",
            "alphabetical order: {w}", "{w} in alphabetical order", "{w} - sort <them|these|this> <alphabetically|in alphabetical order|>",
            "{w}. Sort <them|these|this list>.", "{w}: <sort|order> alphabetically", "I need {w} <sorted|in alphabetical order|ordered alphabetically>",
            "<Can|Could|Would> you <sort|order|alphabetize|arrange> {w}?", "<Can|Could> you <sort|put|arrange> <these|these words|this list> <in alphabetical order|alphabetically>: {w}?",
            "which of these comes first <in the alphabet|alphabetically>, and then: {w}?", "How would {w} be sorted?", "List {w} in alphabetical order",
            "Here is a list: {w}. <Sort it|Please sort it|Put it in alphabetical order>.", "I have <these words|a list>: {w}. <Sort them|Can you sort them|put them in order>",
            "words to sort: {w}", "Write <these words|the words> in alphabetical order: {w}", "Rearrange <these words|this list|> alphabetically: {w}", "ABC order: {w}",
            "order <these names|the names|these words|these items> alphabetically: {w}", "sort my <list|shopping list|words>: {w}", "Sort the words {w}", "sort ascending: {w}",
        ],
        SortDown => &[
            "Sort <these words|this list|the words|the following words|these|> <in reverse alphabetical order|from z to a|Z-A|descending|in descending order>: {w}",
            "<Order|Arrange|Put> <these words|the following words|this list|these> in <reverse alphabetical|descending|backwards alphabetical|reverse ABC> order: {w}",
            "Sort {w} <in reverse alphabetical order|descending|from z to a|in descending order|reverse alphabetically|z-a>",
            "<Put|Arrange|Order> {w} <in|into> <reverse alphabetical|descending> order", "{w} in <reverse alphabetical|descending> order",
            "reverse alphabetical order: {w}", "{w} - sort <them|these> from z to a", "What is the reverse alphabetical order of {w}?",
            "<Can|Could> you sort {w} <from z to a|in reverse alphabetical order|descending>?", "sort descending: {w}", "Z to A: {w}",
            "I need {w} sorted <from z to a|in reverse alphabetical order>", "sort alphabetically but reversed: {w}", "List {w} from z to a",
        ],
        Reverse => &[
            "Reverse {w}", "<Reverse|Flip|Invert> <the word|the letters of|the letters in|the string> {w}", "reverse: {w}", "<Spell|Write|Say|Type|Read> {w} backwards",
            "<Spell|Write> {w} backward", "{w} backwards", "{w} backwards?", "{w} reversed", "<What is|what's|Whats> {w} <backwards|reversed|spelled backwards|spelt backwards|in reverse|written backwards>?",
            "How do you <spell|write> {w} backwards?", "How is {w} spelled backwards?", "<Can|Could> you <reverse|spell backwards|flip> {w}?", "the reverse of {w}",
            "<What is|give me> the reverse of {w}", "turn {w} around", "Turn the word {w} <around|backwards|back to front>", "Write the word {w} <in reverse|in reverse order|backwards|the other way round>",
            "Write the letters of {w} in <reverse|reverse order|backwards order|the opposite order>", "reverse the order of the letters in {w}", "Spell {w} in reverse",
            "{w}, but backwards", "I want {w} backwards", "Take the word {w} and <reverse it|write it backwards|flip it>", "what does {w} look like backwards?",
            "what do you get if you <reverse|flip> {w}?", "backwards: {w}", "reverse word {w}", "Mirror the word {w}", "how would {w} read backwards",
            "give me {w} <backwards|reversed|in reverse>", "Show me {w} spelled backwards", "read {w} from right to left", "The word is {w}. Reverse it.",
        ],
        ReverseWords => &[
            "Reverse the <order of the words|word order|order of words|words> in {w}", "Reverse the order of <the words|these words>: {w}", "reverse the words: {w}",
            "<Write|Say|Put> the words of {w} in reverse order", "Put the words in reverse order: {w}", "{w} with the words in reverse order", "reverse word order: {w}",
            "Write the sentence {w} with the words backwards", "flip the word order of {w}", "<Can|Could> you reverse the <word order|order of the words> of {w}?",
            "the words of {w} in <reverse|reversed|backwards> order", "turn the word order around: {w}", "Reverse the sentence word by word: {w}", "last word first: {w}",
            "What is {w} with its words in reverse order?", "list the words of {w} from last to first", "reverse the words in the <sentence|phrase> {w}", "swap the word order: {w}",
        ],
        CountLetters => &[
            "How many letters <are in|are there in|does|in> {w}<?|>", "How many letters <are in|are there in|in> the word {w}?", "how many letters does {w} have?",
            "How many letters does the word {w} have?", "Count the letters <in|of> <the word |>{w}", "count letters: {w}", "number of letters in {w}",
            "<What is|what's|tell me|give me> the number of letters in {w}", "How long is <the word |>{w}?", "<What is|what's> the length of <the word |>{w}?", "length of {w}",
            "letter count of {w}", "letter count: {w}", "{w}: how many letters?", "{w} has how many letters?", "how many characters <are in|are there in|does> {w}<?|>",
            "how many characters does {w} have", "count the characters in {w}", "<Can|Could> you count the letters in {w}?", "I need to know how many letters {w} has",
            "tell me how many letters <are in|there are in> {w}", "how many letters do you need to spell {w}?", "how many letters long is {w}?", "{w} - number of letters",
            "The word {w} has how many letters?", "word length of {w}", "how many letters make up {w}?", "letters in {w}?",
        ],
        CountVowels => &[
            "How many vowels <are in|are there in|in> <the word |>{w}?", "how many vowels does {w} have?", "How many vowels does the word {w} have?",
            "Count the vowels <in|of> <the word |>{w}", "count vowels: {w}", "<What is|tell me|give me> the number of vowels in {w}", "number of vowels in {w}",
            "vowel count of {w}", "vowels in {w}", "vowels in {w}?", "{w}: how many vowels?", "{w} has how many vowels?", "<Can|Could> you count the vowels in {w}?",
            "I need to know how many vowels {w} has", "tell me how many vowels <are in|there are in> {w}", "how many vowels can you find in {w}?", "{w} - number of vowels",
            "how many of the letters in {w} are vowels?", "Which number of vowels has {w}?", "count how many vowels are in {w}", "vowel count: {w}",
        ],
        CountConsonants => &[
            "How many consonants <are in|are there in|in> <the word |>{w}?", "how many consonants does {w} have?", "Count the consonants <in|of> <the word |>{w}",
            "number of consonants in {w}", "<What is|tell me> the number of consonants in {w}", "consonants in {w}", "{w}: how many consonants?", "<Can|Could> you count the consonants in {w}?",
            "how many of the letters in {w} are consonants?", "tell me how many consonants <are in|there are in> {w}", "consonant count of {w}", "count consonants: {w}",
        ],
        CountLetter => &[
            "How many {c} are in <the word |>{w}?", "How many {c} <in|are there in> <the word |>{w}?", "how many {c} does <the word |>{w} have?", "how many {c} in {w}",
            "How many times does <the letter |>{s} <appear|occur|come up|show up> in <the word |>{w}?", "How often does <the letter |>{s} <appear|occur|come> in <the word |>{w}?",
            "Count the {c} in <the word |>{w}", "count the letter {s} in {w}", "count {c} in {w}", "number of {c} in {w}", "<What is|tell me> the number of {c} in {w}",
            "How many letters {s} <are in|are there in|does> {w}<?|>", "how many times is {s} in {w}?", "how many times is the letter {s} used in {w}?", "<Can|Could> you count the {c} in {w}?",
            "how many {c} do you see in {w}", "in {w}, how many {c} are there?", "In the word {w}, how many times does {s} <appear|occur>?", "{w}: how many {c}?", "{w} has how many {c}?",
            "count how many {c} are in {w}", "count how many times {s} appears in {w}", "tell me how many {c} there are in {w}", "the number of times {s} occurs in {w}",
            "how many letter {s} in {w}?", "occurrences of {s} in {w}", "count occurrences of the letter {s} in {w}", "How many of the letters in {w} are {s}?", "{c} in {w}?",
        ],
        CountWords => &[
            "How many words <are in|are there in|in> <this sentence|this|the sentence|this phrase>: {w}", "How many words <are in|are there in|in> {w}?", "Count the words <in|of> {w}",
            "count the words: {w}", "count words: {w}", "number of words in {w}", "word count: {w}", "word count of {w}", "{w} - how many words <is that|are there|>?",
            "<What is|tell me> the number of words in {w}", "how many words does {w} have?", "how many words does this have: {w}", "<Can|Could> you count the words in <this sentence|this>: {w}?",
            "Count how many words <there are in|are in> {w}", "{w}: how many words?", "tell me how many words this has: {w}", "How many words long is {w}?", "I wrote {w}. How many words is that?",
            "how many words did I use in {w}", "how many words are in the <sentence|phrase|text> {w}?", "words in {w}?",
        ],
        Upper => &[
            "<Write|Put|Convert|Change|Turn|Make|Type> {w} <in|into|to> <upper case|uppercase|capital letters|all caps|capitals|caps|block letters|big letters>", "{w} in <upper case|uppercase|capital letters|all caps|capitals|caps>",
            "uppercase {w}", "uppercase: {w}", "upper case: {w}", "make {w} <uppercase|upper case|all caps>", "Capitalize <all letters|every letter|all the letters> <in|of> {w}", "to uppercase: {w}", "{w} to upper case", "to upper: {w}",
            "<Can|Could> you <write|put> {w} in <capital letters|upper case|all caps>?", "all caps: {w}", "convert to <uppercase|capitals|upper case>: {w}", "change to <upper case|all caps|uppercase>: {w}", "SHOUT {w}", "I want {w} in capital letters",
            "What is {w} in <capital letters|upper case|uppercase|all caps>?", "give me {w} in <caps|upper case|capital letters>", "turn <this|the text> into capital letters: {w}", "{w} -> uppercase", "{w} all in capitals", "write everything in capitals: {w}",
        ],
        Lower => &[
            "<Write|Put|Convert|Change|Turn|Make|Type> {w} <in|into|to> <lower case|lowercase|small letters>", "{w} in <lower case|lowercase|small letters>", "lowercase {w}", "lowercase: {w}", "lower case: {w}",
            "make {w} <lowercase|lower case|all lowercase>", "to lowercase: {w}", "{w} to lower case", "to lower: {w}", "<Can|Could> you <write|put> {w} in <small letters|lower case>?", "convert to <lowercase|lower case>: {w}",
            "change to <lower case|lowercase|small letters>: {w}", "I want {w} in small letters", "What is {w} in <lower case|lowercase|small letters>?", "no capitals: {w}", "write {w} without capital letters", "remove the capitals from {w}",
            "give me {w} in <lowercase|lower case|small letters>", "{w} -> lowercase", "all lowercase: {w}", "turn <this|the text> into lower case: {w}", "decapitalize {w}", "write everything in small letters: {w}",
        ],
        Title => &[
            "<Write|Put|Convert|Change|Turn> {w} <in|into|to> <title case|Title Case>", "{w} in title case", "title case: {w}", "title case {w}", "make {w} title case", "Capitalize <each|every> word <in|of> {w}", "capitalize {w}",
            "capitalise each word: {w}", "capitalize the words: {w}", "Capitalize the first letter of <each|every> word <in|of> {w}", "<Write|Put> {w} with <a capital letter at the start of every word|capital first letters|every word capitalized>",
            "start every word of {w} with a capital letter", "convert to title case: {w}", "<Can|Could> you put {w} in title case?", "give me {w} in title case", "{w} as a title", "{w} to title case", "{w} -> title case", "What is {w} in title case?",
            "every word with a capital: {w}", "turn <this|the text> into title case: {w}",
        ],
        Initials => &[
            "What are the initials of {w}?", "initials of {w}", "initials: {w}", "What are {w}'s initials?", "<Give|Tell|Show> me the initials of {w}", "<Write|Find|Make|Get> the initials of {w}", "initials for {w}", "what are the initials for {w}?",
            "{w} initials", "{w}: initials?", "<Can|Could> you give me the initials of {w}?", "the initials of {w}", "Take the first letter of each word in {w}", "first letters of the words in {w}", "What is the first letter of each word in {w}?",
            "Make an acronym from {w}", "acronym for {w}", "acronym of {w}", "what is the acronym of {w}?", "abbreviate {w} by its initials", "my name is {w}, what are my initials?", "I am {w}. What are my initials?", "{w} - what are the initials?",
            "Which initials does {w} have?", "which letters do the words in {w} start with", "shorten {w} to its initials", "abbreviate {w}", "turn {w} into initials", "what does {w} shorten to",
        ],
        Plural => &[
            "What is the plural of {w}?", "plural of {w}", "plural: {w}", "{w} plural", "{w} in <the|> plural", "What's the plural of <the word |the noun |>{w}?", "<Give|Tell> me the plural of {w}", "the plural form of {w}", "What is the plural form of <the word |>{w}?",
            "Make {w} plural", "pluralize {w}", "Pluralise {w}.", "turn {w} into <a plural|the plural|its plural>", "put {w} in the plural", "write the plural of {w}", "How do you <say|write> {w} in the plural?", "How do you make {w} plural?", "<Can|Could> you give me the plural of {w}?",
            "one {n}, two ...?", "One {n}, two what?", "one {n}, many ...", "What do you call more than one {n}?", "what is more than one {n} called", "more than one {n}", "how do you write more than one {n}?", "What is the plural for {w}?", "whats the plural of {w}",
            "I have one {n}. If I get another, I have two what?", "form the plural: {w}", "form the plural of {w}", "plural form: {w}", "change {w} to plural", "{w} -> plural", "singular: {n}, plural: ?", "If there are many, how do you write {w}?", "The plural of {w} is?", "do you know the plural of {w}?",
        ],
    }
}

fn held_out(task: Task) -> &'static [&'static str] {
    match task {
        Sort => &[
            "Please arrange the words {w} from A to Z.", "Help me alphabetize: {w}", "In which alphabetical order do {w} come?", "Could you put {w} into order by the alphabet?", "Order the following alphabetically: {w}",
            "I'd like this sorted alphabetically: {w}", "alphabetical sort of {w}", "Sort the following list of words alphabetically: {w}",
        ],
        SortDown => &["Please arrange {w} from Z to A.", "I'd like these in reverse alphabetical order: {w}", "Order these words from z to a: {w}"],
        Reverse => &[
            "Please write {w} from back to front.", "What would {w} be if you spelled it backwards?", "I'd like to see {w} reversed", "Could you write {w} backwards?", "Print {w} in reverse", "Reverse the letters: {w}", "how do I spell {w} backwards?",
            "Reverse the characters of {w}",
        ],
        ReverseWords => &["Please write {w} with the word order reversed.", "Could you put the words of {w} in reverse order?", "reverse the order of the words in this sentence: {w}"],
        CountLetters => &[
            "Please count the letters in {w}.", "Do you know how many letters there are in {w}?", "Find the number of letters in the word {w}", "what number of letters does {w} have", "How many letters does it take to write {w}?", "total letters in {w}",
        ],
        CountVowels => &["Please count the vowels in {w}.", "Do you know how many vowels there are in {w}?", "Find the number of vowels in the word {w}", "what number of vowels does {w} contain", "How many vowels does {w} contain?"],
        CountConsonants => &["Please count the consonants in {w}.", "Find the number of consonants in the word {w}", "How many consonants does the word {w} contain?"],
        CountLetter => &[
            "Please count the {c} in {w}.", "Do you know how many {c} are in {w}?", "What is the count of {s} in {w}?", "How many {c} can be found in the word {w}?", "find how many times the letter {s} is in {w}", "how many {c} does {w} contain?",
        ],
        CountWords => &["Please count the words in this sentence: {w}", "Do you know how many words there are in {w}?", "Find the number of words in {w}", "how many words does the sentence {w} contain?", "total words: {w}"],
        Upper => &["Please write {w} in capitals.", "I'd like {w} in all caps", "Could you convert {w} to uppercase?", "Rewrite {w} using only capital letters", "transform {w} to upper case"],
        Lower => &["Please write {w} in lower case.", "I'd like {w} all in lowercase", "Could you convert {w} to lowercase?", "Rewrite {w} using only small letters", "transform {w} to lower case"],
        Title => &["Please write {w} in title case.", "Could you capitalize every word of {w}?", "Rewrite {w} with each word capitalized", "transform {w} to title case"],
        Initials => &["Please write the initials of {w}.", "Could you tell me the initials of {w}?", "Which initials belong to {w}?", "If someone is called {w}, what are the initials?", "the first letters of {w}"],
        Plural => &["Please write the plural of {w}.", "Could you tell me what the plural of {w} is?", "Which word is the plural of {w}?", "I need the plural form of {w}", "plural for the word {w}?", "There is one {n} here and three more there. Three what?"],
    }
}

/// Looks like a question about words, but is not one that this expert learned.
pub const OUT_OF_RANGE: &[&str] = &[
    "What rhymes with {w}?", "give me a rhyme for {w}", "<Find|Give me> <a synonym|another word|synonyms> for {w}", "synonym of {w}", "What is the opposite of {w}?", "antonym of {w}", "What does <the word |>{w} mean?", "define {w}",
    "meaning of {w}", "definition of {w}", "Is {w} a noun or a verb?", "Use {w} in a sentence", "make a sentence with {w}", "How do you pronounce {w}?", "how many syllables <does|has> {w}<?|>", "How many syllables are in {w}?", "Is {w} a palindrome?",
    "Find an anagram of {w}", "anagrams of {w}", "unscramble {w}", "Is {w} spelled correctly?", "correct the spelling of {w}", "What is the past tense of {w}?", "past tense of {w}", "comparative of {w}", "Where does the word {w} come from?",
    "Translate {w} into <French|German|Spanish|Italian>", "what is {w} in <French|Spanish|Latin>", "Write {w} in Morse code", "encrypt {w} with a Caesar cipher", "{w} in pig latin", "what words can you make from {w}?", "hyphenate {w}",
    "Which letter is most frequent in {w}?", "remove the vowels from {w}", "replace the vowels in {w} by stars", "Which of these is longest: {w}, {x}?", "is {w} longer than {x}?", "which word is longer, {w} or {x}?", "what letter comes after {c} in the alphabet?",
    "What is the first letter of {w}?", "last letter of {w}", "the third letter of {w}", "write a poem with the word {w}", "a word that starts with {c}", "give me <five|three|ten> words that begin with {c}", "words ending in {c}", "Sort the numbers {m}", "sort {m}",
    "order these numbers: {m}", "sum of the letters in {w}", "what is the singular of {w}?", "singular of {w}", "combine {w} and {x} into one word", "is {w} a real word?", "Crossword: {w}, 7 letters", "what part of speech is {w}", "possessive of {w}",
    "Write {w} and {x} without spaces", "repeat {w} ten times", "swap the first and last letter of {w}", "which words in {w} {x} are verbs", "Sort these words: {l}", "sort alphabetically: {l}", "put in alphabetical order: {l}", "order {l} by length", "Sort by length: {w}, {x}",
];

pub const HELD_OUT_OUT_OF_RANGE: &[&str] = &[
    "Tell me a word that rhymes with {w}", "What is another word for {w}?", "Could you explain what {w} means?", "what is the antonym of {w}", "How is {w} pronounced?", "Check the spelling of {w}", "Put {w} in the past tense", "find words that start with {c}",
    "arrange the numbers {m} from small to large", "Does {w} read the same backwards?", "Alphabetize these: {l}", "How do I say {w} in French?",
];
