//! Passages: blocks of text are cut where their structure is, into pieces that an expert can be given.

use serde::{Deserialize, Serialize};
use std::ops::Range;
use unicode_segmentation::UnicodeSegmentation;

/// A passage grows up to this while its structure allows, and is never larger than the second, in tokens as
/// [`tokens`] guesses them.
const TARGET: usize = 220;
const MOST: usize = 300;

/// A piece of a file that belongs together: a section, a page, a whole text.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Block {
    /// What stands above it, from the outside in; empty when nothing does.
    pub heading: String,
    pub text: String,
    /// From 1.
    pub page: Option<u32>,
    /// The line of the file, from 1, that `text` begins in; `None` where a format has no lines.
    pub lines_from: Option<u32>,
}

impl Block {
    pub fn lines(text: String, heading: String, from: u32) -> Block {
        Block { heading, text, page: None, lines_from: Some(from) }
    }
}

/// Text with its place in the file.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Piece {
    pub heading: String,
    pub text: String,
    pub page: Option<u32>,
    /// First and last line, from 1.
    pub lines: Option<(u32, u32)>,
}

/// A guess from the outside, as every expert has a tokenizer of its own: four letters of Latin, one of other scripts.
pub(super) fn tokens(text: &str) -> usize {
    text.chars()
        .map(|c| {
            if c.is_ascii() {
                1
            } else if (c as u32) < 0x2E80 {
                2
            } else {
                4
            }
        })
        .sum::<usize>()
        .div_ceil(4)
}

/// Cuts by paragraphs (by functions and the like where `code`), those that are too long by sentences (lines), and joins
/// what is short as long as it stays under one heading and on one page.
pub(super) fn cut(blocks: &[Block], code: bool) -> Vec<Piece> {
    let mut pieces = Vec::new();
    for block in blocks {
        let mut units = Vec::new();
        split(&block.text, 0..block.text.len(), if code { &CODE } else { &PROSE }, &mut units);
        let mut joined = Vec::new();
        join(&block.text, units, &mut joined);
        pieces.extend(joined.into_iter().filter_map(|place| piece(block, place)));
    }
    pieces
}

fn piece(block: &Block, place: Range<usize>) -> Option<Piece> {
    let raw = &block.text[place.clone()];
    let text = raw.trim_end();
    let blank = text.len() - text.trim_start().len();
    // Indentation of the first line is part of code; empty lines before it are not.
    let start = text[..blank].rfind('\n').map_or(0, |end| end + 1);
    let text = &text[start..];
    let line = |at: usize| block.lines_from.map(|from| from + block.text[..at].matches('\n').count() as u32);
    let (from, to) = (place.start + start, place.start + start + text.len());
    text.chars().any(char::is_alphanumeric).then(|| Piece {
        heading: block.heading.clone(),
        text: text.to_owned(),
        page: block.page,
        lines: line(from).zip(line(to)),
    })
}

#[derive(Clone, Copy)]
enum Level {
    /// A line that is not indented, after an empty one.
    Item,
    Paragraph,
    Line,
    Sentence,
    Word,
    Letters,
}

const PROSE: [Level; 4] = [Level::Paragraph, Level::Sentence, Level::Word, Level::Letters];
const CODE: [Level; 4] = [Level::Item, Level::Paragraph, Level::Line, Level::Letters];

/// Ranges of `text` without gaps, none over `MOST` tokens.
fn split(text: &str, place: Range<usize>, levels: &[Level], out: &mut Vec<Range<usize>>) {
    let Some((level, finer)) = levels.split_first() else {
        out.push(place);
        return;
    };
    let mut from = place.start;
    for to in ends(&text[place.clone()], *level).map(|end| place.start + end).chain([place.end]) {
        if to <= from {
            continue;
        }
        if tokens(&text[from..to]) <= MOST {
            out.push(from..to);
        } else {
            // Sentences of a paragraph are joined again before the next: a passage does not end in the middle without need.
            let mut parts = Vec::new();
            split(text, from..to, finer, &mut parts);
            join(text, parts, out);
        }
        from = to;
    }
}

/// Neighbours become one as long as that stays under `TARGET`.
fn join(text: &str, parts: Vec<Range<usize>>, out: &mut Vec<Range<usize>>) {
    let mut open: Option<Range<usize>> = None;
    for part in parts {
        open = Some(match open {
            Some(so_far) if tokens(&text[so_far.start..part.end]) <= TARGET => so_far.start..part.end,
            Some(so_far) => {
                out.push(so_far);
                part
            }
            None => part,
        });
    }
    out.extend(open);
}

/// Where a unit of this level ends, in bytes.
fn ends(text: &str, level: Level) -> Box<dyn Iterator<Item = usize> + '_> {
    let after_blank = move |item: bool| {
        let mut at = 0;
        let mut blank = false;
        text.split_inclusive('\n').filter_map(move |line| {
            let (start, was_blank) = (at, blank);
            at += line.len();
            blank = line.trim().is_empty();
            let opens = was_blank && !blank && (!item || !line.starts_with([' ', '\t', '}', ')', ']']));
            opens.then_some(start)
        })
    };
    match level {
        Level::Item => Box::new(after_blank(true)),
        Level::Paragraph => Box::new(after_blank(false)),
        Level::Line => Box::new(text.match_indices('\n').map(|(at, _)| at + 1)),
        Level::Sentence => Box::new(text.split_sentence_bound_indices().map(|(at, _)| at).skip(1)),
        Level::Word => Box::new(text.match_indices(char::is_whitespace).map(|(at, space)| at + space.len())),
        // At most 4 quarter tokens a letter.
        Level::Letters => Box::new(text.char_indices().map(|(at, _)| at).step_by(MOST / 2).skip(1)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_is_cut_between_paragraphs_and_every_line_is_said() {
        let paragraph =
            |n: usize| format!("Paragraph {n} begins.\n{}\n\n", "It goes on and on here. ".repeat(15));
        let text: String = (0..12).map(paragraph).collect();
        let pieces = cut(&[Block::lines(text.clone(), "Title".into(), 1)], false);
        assert!(pieces.len() > 4, "{} pieces", pieces.len());
        for piece in &pieces {
            assert!(piece.text.starts_with("Paragraph") && tokens(&piece.text) <= MOST, "{piece:?}");
            let (from, to) = piece.lines.expect("a text has lines");
            let lines: Vec<&str> =
                text.lines().skip(from as usize - 1).take((to - from) as usize + 1).collect();
            assert_eq!(lines.join("\n").trim_end(), piece.text);
        }
    }

    #[test]
    fn nothing_is_too_large_and_no_letter_is_lost_whatever_the_text() {
        for text in [
            "x".repeat(9_000),
            "漢".repeat(4_000),
            "word ".repeat(3_000),
            "a\n".repeat(4_000),
            "é".repeat(3_001),
        ] {
            for code in [false, true] {
                let pieces = cut(&[Block::lines(text.clone(), String::new(), 1)], code);
                assert!(pieces.iter().all(|piece| tokens(&piece.text) <= MOST));
                let letters = |text: &str| text.chars().filter(|c| !c.is_whitespace()).count();
                assert_eq!(pieces.iter().map(|piece| letters(&piece.text)).sum::<usize>(), letters(&text));
            }
        }
    }

    #[test]
    fn a_function_stays_whole_where_it_fits() {
        let function = |n: usize| {
            format!("def f{n}(x):\n    y = x + {n}\n\n    return {}\n\n", "y + ".repeat(120) + "0")
        };
        let text: String = (0..5).map(function).collect();
        let pieces = cut(&[Block::lines(text, String::new(), 1)], true);
        assert_eq!(pieces.len(), 5);
        assert!(pieces.iter().all(|piece| piece.text.starts_with("def f") && piece.text.ends_with("+ 0")));
    }
}
