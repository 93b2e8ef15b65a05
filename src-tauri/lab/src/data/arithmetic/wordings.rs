//! How people ask for a calculation.

use super::Operation::{self, Add, Divide, Multiply, Percent, Subtract};
use crate::data::Split;

/// Noun phrases: they fit any frame. Everything that names an operation is learned; whole sentences are held out.
pub(super) fn phrases(operation: Operation) -> &'static [&'static str] {
    match operation {
        Add => &[
            "{a} + {b}", "{a} + {b}", "{a} + {b}", "{a}+{b}", "{a} plus {b}", "{a} plus {b}",
            "the sum of {a} and {b}", "{b} added to {a}", "{a} and {b} added together",
            "the total of {a} and {b}", "{b} more than {a}", "{a} increased by {b}",
            "the result of adding {a} and {b}", "{a} and {b} combined", "sum of {a} and {b}",
            "the sum {a} + {b}", "{a} with {b} added", "adding {a} and {b}", "{a} added to {b}",
            "{a} and {b} in total",
        ],
        Subtract => &[
            "{a} - {b}", "{a} - {b}", "{a} - {b}", "{a}-{b}", "{a} − {b}", "{a} – {b}", "{a} minus {b}",
            "{a} minus {b}", "{b} subtracted from {a}", "{b} less than {a}", "{a} take away {b}",
            "{a} less {b}", "{a} reduced by {b}", "{a} decreased by {b}",
            "the result of subtracting {b} from {a}", "the result of {a} minus {b}",
            "{b} taken away from {a}", "{b} taken from {a}", "subtracting {b} from {a}",
            "what is left of {a} after taking {b}",
        ],
        Multiply => &[
            "{a} * {b}", "{a} * {b}", "{a} x {b}", "{a} × {b}", "{a}*{b}", "{a}x{b}", "{a}×{b}",
            "{a} times {b}", "{a} times {b}", "{a} multiplied by {b}", "the product of {a} and {b}",
            "{a} lots of {b}", "{a} by {b} multiplied", "{a} · {b}", "the result of multiplying {a} by {b}",
            "product of {a} and {b}", "{a} groups of {b}", "{a} X {b}", "multiplying {a} by {b}",
            "{a} times by {b}",
        ],
        Divide => &[
            "{a} / {b}", "{a} / {b}", "{a} ÷ {b}", "{a}/{b}", "{a}÷{b}", "{a} : {b}", "{a} divided by {b}",
            "{a} divided by {b}", "{a} over {b}", "the quotient of {a} and {b}",
            "the result of dividing {a} by {b}", "{a} shared by {b}", "dividing {a} by {b}",
            "{a} split into {b}", "{a} split {b} ways", "quotient of {a} and {b}",
        ],
        Percent => &[
            "{a}% of {b}", "{a}% of {b}", "{a} % of {b}", "{a} percent of {b}", "{a} per cent of {b}",
            "{a}% from {b}", "{a} pct of {b}", "{a}% out of {b}", "{a} percent out of {b}",
            "a {a}% share of {b}", "{a}% off {b} as an amount",
        ],
    }
}

/// Whole sentences of one operation.
pub(super) fn sentences(operation: Operation, split: Split) -> &'static [&'static str] {
    match (operation, split) {
        (Add, Split::Train) => &[
            "Add {a} and {b}", "Add {b} to {a}", "Sum {a} and {b}", "Increase {a} by {b}",
            "Could you add {a} and {b}?", "add {a}, {b}", "{a} increased by {b} is what?",
            "raise {a} by {b}", "how much do {a} and {b} make together?", "I need to add {b} to {a}",
            "Sum up {a} and {b}", "Add up {a} and {b}", "add {a} to {b}",
            "If I have {a} apples and get {b} more, how many do I have?", "add together {a} and {b}",
            "I have {a} and then {b} more. How many in total?", "What do {a} and {b} add up to?",
            "Add these two: {a}, {b}", "There are {a} cars and {b} more arrive. How many cars are there?",
            "add {a} with {b}", "Take {a} and add {b}",
            "I bought something for {a} and something for {b}. What did I pay in all?",
            "what do you get when you add {a} to {b}",
            "Tom has {a} coins, Ann has {b} coins. How many coins do they have together?",
            "Start with {a} and add {b}", "Please add {a} and {b} for me", "Total {a} and {b}",
            "What number is {b} greater than {a}?",
        ],
        (Add, Split::HeldOut) => &[
            "Can somebody add {a} and {b}?", "Put {a} and {b} together, what is the total?",
            "I have to add {b} to {a}",
            "Mia has {a} books and buys {b} more. How many books does she have now?",
            "Find the sum when {a} is added to {b}", "if you add {a} to {b}, what do you get?",
        ],
        (Subtract, Split::Train) => &[
            "Subtract {b} from {a}", "Subtract {b} from {a}", "Decrease {a} by {b}",
            "Could you subtract {b} from {a}?", "Take {b} away from {a}", "I need to take {b} away from {a}",
            "If I take {b} away from {a}, what is left?", "subtract {b} off {a}",
            "how much more is {a} than {b}?", "Take {b} from {a}", "Deduct {b} from {a}",
            "remove {b} from {a}", "I had {a} and spent {b}. How much is left?",
            "How much is left if I take {b} from {a}?", "Start with {a} and take away {b}",
            "There were {a} birds and {b} flew away. How many are left?",
            "What remains when {b} is taken from {a}?", "What do you get when you subtract {b} from {a}?",
            "Please subtract {b} from {a} for me", "from {a} subtract {b}", "Lower {a} by {b}",
            "Anna had {a} stamps and gave away {b}. How many does she have now?", "reduce {a} by {b}",
            "What number is {b} smaller than {a}?", "{a}, take off {b}",
        ],
        (Subtract, Split::HeldOut) => &[
            "Can somebody subtract {b} from {a}?", "If I remove {b} from {a}, what is left?",
            "I have to take {b} away from {a}", "Ben had {a} euros and paid {b}. How much is left?",
            "what is left when you take {b} from {a}", "lessen {a} by {b}",
        ],
        (Multiply, Split::Train) => &[
            "Multiply {a} by {b}", "Multiply {a} by {b}", "Could you multiply {a} by {b}?",
            "I need to multiply {a} by {b}", "Multiply {a} and {b}",
            "{a} crates hold {b} bottles each. How many bottles are there altogether?",
            "multiply together {a} and {b}", "{a} times {b} is how much?", "multiply {a} with {b}",
            "Times {a} by {b}", "How many is {a} lots of {b}?",
            "I have {a} boxes with {b} pens each. How many pens?",
            "There are {a} rows of {b} chairs. How many chairs are there?",
            "What do you get when you multiply {a} by {b}?", "Please multiply {a} by {b} for me",
            "{a} bags at {b} each, what is the total?", "A ticket costs {a}. What do {b} tickets cost?",
            "Take {a} and multiply it by {b}", "What do I get from {a} times {b}?",
            "Each of {a} children gets {b} sweets. How many sweets is that?", "Find {a} multiplied with {b}",
            "{a} items cost {b} each. Total price?",
        ],
        (Multiply, Split::HeldOut) => &[
            "Can somebody multiply {a} by {b}?", "If you multiply {a} and {b}, what is the result?",
            "I have to multiply {a} by {b}", "A shelf holds {a} books. How many books do {b} shelves hold?",
            "there are {a} packs with {b} cards each, how many cards are there?",
        ],
        (Divide, Split::Train) => &[
            "Divide {a} by {b}", "Divide {a} by {b}", "Could you divide {a} by {b}?",
            "I need to divide {a} by {b}", "How many times does {b} go into {a}?",
            "Split {a} into {b} equal parts", "Share {a} among {b} people",
            "How often does {b} fit into {a}?", "What do you get when you divide {a} by {b}?",
            "Please divide {a} by {b} for me",
            "{a} sweets are shared by {b} children. How many does each get?",
            "What is the remainder when {a} is divided by {b}?",
            "What is {a} divided by {b} with remainder?", "How many groups of {b} are in {a}?",
            "Take {a} and divide it by {b}", "divide {a} into {b} equal groups",
            "How many {b}s are there in {a}?", "Cut {a} into {b} equal pieces",
        ],
        (Divide, Split::HeldOut) => &[
            "Can somebody divide {a} by {b}?", "If {a} is divided by {b}, what is the result?",
            "I have to divide {a} by {b}", "{a} pens are packed in boxes of {b}. How many boxes are full?",
            "how many times can {b} be taken out of {a}?",
        ],
        (Percent, Split::Train) => &[
            "Could you work out {a}% of {b}?", "I need {a}% of {b}", "calculate {a} percent of {b}",
            "What percent is it: {a}% of {b}?", "Take {a}% of {b}",
            "How much is {a} percent if the whole is {b}?", "A bill is {b}. How much is a {a}% tip?",
            "The price is {b} and the discount is {a}%. How much is the discount?",
            "Find {a} percent of the number {b}", "{a}% of {b} people said yes. How many is that?",
            "get {a}% of {b} for me", "A {a}% tax on {b} is how much?", "out of {b}, how much is {a}%?",
            "of {b}, {a}% is what?", "Please take {a} percent of {b}",
        ],
        (Percent, Split::HeldOut) => &[
            "Can somebody work out {a}% of {b}?", "If something costs {b}, how much is {a} percent of it?",
            "I have to take {a}% of {b}",
            "There are {b} pupils and {a}% of them walk to school. How many is that?",
            "{b}: how much is {a}%?",
        ],
    }
}

pub(super) const FRAMES: &[&str] = &[
    "What is {e}?", "What is {e}?", "What is {e}", "what's {e}", "What's {e}?", "{e}", "{e}", "{e} = ?",
    "{e}=", "{e} =", "{e}?", "Calculate {e}.", "Calculate {e}", "calculate: {e}", "Compute {e}",
    "Compute {e}.", "Work out {e}", "Work out {e}.", "How much is {e}?", "how much is {e}", "Tell me {e}",
    "Find {e}", "Find {e}.", "Evaluate {e}", "Solve {e}", "solve: {e}", "What does {e} equal?",
    "what does {e} come to?", "Give me {e}", "What do you get for {e}?", "{e} equals what?", "{e} is what?",
    "What is the answer to {e}?", "What is the value of {e}?", "what is the result of {e}",
    "I want to know {e}", "{e} makes?", "Can you calculate {e}?", "Can you work out {e}?",
    "can you tell me {e}", "Do the math: {e}", "What would {e} be?", "I need {e}.",
    "Show me how to work out {e}", "Work out {e} step by step", "{e}, show the steps", "Explain {e}",
    "How do I work out {e}?", "Could you tell me what {e} is?", "Do you know what {e} is?",
    "I'd like to know {e}", "Determine {e}", "help me with {e}", "Please tell me {e}", "What number is {e}?",
    "Could you calculate {e}?", "Could you compute {e} for me?", "{e} please", "Can you solve {e}",
    "Can you compute {e}?", "let me know {e}", "tell me what {e} is", "the answer to {e}", "{e} gives?",
    "whats {e}", "wats {e}", "What will {e} give?", "answer this: {e}", "Result of {e}", "Figure out {e}",
    "My homework says {e}",
];

pub(super) const HELD_OUT_FRAMES: &[&str] = &[
    "Would you tell me what {e} is?", "Any idea what {e} equals?", "quick one, {e}",
    "I'd like you to find {e}", "Please determine {e}.", "Help me work out {e}", "{e}, please",
    "what do I get for {e}?", "Tell me the answer to {e}", "Would you calculate {e}?",
    "find the value of {e}", "How much does {e} come to?", "I wonder what {e} is",
];

pub(super) const BEFORE: &[&str] = &[
    "", "", "", "", "", "", "", "", "", "", "Please ", "Hi, ", "Hello! ", "Hey, ", "Quick question: ",
    "ok, ", "So, ", "Math question: ", "I have a question. ", "One more: ", "Hi there. ", "Question: ",
    "Now ", "And ", "Next: ", "Q: ", "hm, ",
];
pub(super) const AFTER: &[&str] = &[
    "", "", "", "", "", "", "", "", "", "", " Thanks!", " please", " Show your work.", " Thank you.",
    " (with steps)", " :)", " exactly", " for me", " then", " Step by step please.",
];
