//! Units: a text as the pieces that are kept or dropped whole.
//!
//! Prose becomes sentences; a fenced or plain stretch of code, a list item and a table row stay whole, whatever stands in
//! them. Units tile the text: each begins where the one before it ends, with the white space after it as its tail.
//! Neighbouring units make a passage (a paragraph with its heading), which is what relevance is first judged by.
//!
//! Source: sentence borders of UAX #29 (unicode-segmentation), repaired after abbreviations and in wrapped lines.

use std::ops::Range;
use unicode_segmentation::UnicodeSegmentation;

/// Longer than any sentence that people write, in bytes: a stretch beyond this has no sentence ends and is cut at the
/// last comma or space before it.
const LONGEST_SENTENCE: usize = 1_000;

/// No editor wraps lines at more than this many bytes: a longer line is a paragraph of its own.
const LONGEST_WRAPPED: usize = 160;

/// A line that ends without a sign and is at least this long was wrapped there.
const SHORTEST_WRAPPED: usize = 50;

/// A longer list item is several sentences, and a longer line no row of a table, in bytes.
const LONGEST_ITEM: usize = 400;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Sentence,
    /// What names the text after it; goes in with the first unit that is kept of its passage.
    Heading,
    Item,
    Row,
    Code,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unit {
    /// Bytes of the text, with the white space after it.
    pub range: Range<usize>,
    /// Where its white space begins.
    pub end: usize,
    pub kind: Kind,
    /// Counts paragraphs, headings joined to what follows them.
    pub passage: usize,
}

impl Unit {
    /// Its bytes without the white space around.
    pub fn body(&self) -> Range<usize> {
        self.range.start..self.end
    }
}

/// The units of a text, in order. White space before the first unit belongs to none.
pub fn units(text: &str) -> Vec<Unit> {
    let mut cut = Cut { text, units: Vec::new(), passage: 0, open: false };
    let mut lines = Lines { text, at: 0 }.peekable();
    let mut prose: Option<Range<usize>> = None;
    while let Some(line) = lines.next() {
        let said = &text[line.clone()];
        let kind = line_kind(said);
        if kind != Line::Prose
            && let Some(range) = prose.take()
        {
            cut.prose(range);
        }
        match kind {
            Line::Blank => cut.close(),
            Line::Fence(sign) => {
                let mut end = line.end;
                for next in lines.by_ref() {
                    end = next.end;
                    if text[next].trim_start().starts_with(sign) {
                        break;
                    }
                }
                cut.push(line.start..end, Kind::Code);
            }
            Line::Code => {
                let mut end = line.end;
                // Blank lines inside code belong to it, those after it do not.
                while let Some(next) = lines.next_if(|next| line_kind(&text[next.clone()]) == Line::Code) {
                    end = next.end;
                }
                cut.push(line.start..end, Kind::Code);
            }
            Line::Heading => {
                cut.close();
                cut.push(line, Kind::Heading);
                cut.open = true;
            }
            Line::Row => cut.push(line, Kind::Row),
            // Several sentences behind a mark are a paragraph.
            Line::Item if line.len() > LONGEST_ITEM => cut.prose(line),
            Line::Item => {
                let mut end = line.end;
                let continues = |next: &Range<usize>| {
                    let next = &text[next.clone()];
                    line_kind(next) == Line::Prose && next.starts_with([' ', '\t'])
                };
                while let Some(next) = lines.next_if(continues) {
                    end = next.end;
                }
                cut.push(line.start..end, Kind::Item);
            }
            Line::Prose => {
                let is_title = prose.is_none()
                    && is_title(said)
                    && lines.peek().is_some_and(|next| text[next.clone()].len() >= 2 * said.len());
                if is_title {
                    cut.close();
                    cut.push(line, Kind::Heading);
                    cut.open = true;
                    continue;
                }
                let long = line.len() > LONGEST_WRAPPED;
                if long && let Some(range) = prose.take() {
                    cut.prose(range);
                    cut.close();
                }
                let start = prose.take().map_or(line.start, |range| range.start);
                if long {
                    cut.prose(start..line.end);
                    cut.close();
                } else {
                    prose = Some(start..line.end);
                }
            }
        }
    }
    if let Some(range) = prose {
        cut.prose(range);
    }
    cut.units
}

/// About how many words a text has, also where none are parted by spaces.
pub fn about_words(text: &str) -> usize {
    text.split_whitespace().count().max(text.chars().filter(|c| !c.is_whitespace()).count() / 6)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Line {
    Blank,
    Fence(&'static str),
    Code,
    Heading,
    Row,
    Item,
    Prose,
}

fn line_kind(line: &str) -> Line {
    let said = line.trim();
    if said.is_empty() {
        return Line::Blank;
    }
    if let Some(sign) = ["```", "~~~"].into_iter().find(|sign| said.starts_with(sign)) {
        return Line::Fence(sign);
    }
    let hashes = said.bytes().take_while(|&byte| byte == b'#').count();
    if (1..=6).contains(&hashes) && said[hashes..].starts_with(' ') && said.len() < LONGEST_WRAPPED {
        return Line::Heading;
    }
    if said.len() > LONGEST_ITEM {
        return if is_item(said) { Line::Item } else { Line::Prose };
    }
    if said.starts_with('|') || said.matches('\t').count() >= 2 || said.matches(" | ").count() >= 2 {
        return Line::Row;
    }
    if is_item(said) {
        return Line::Item;
    }
    if is_code_line(line) { Line::Code } else { Line::Prose }
}

/// `- x`, `* x`, `• x`, `3. x`, `(b) x`.
fn is_item(line: &str) -> bool {
    let mark = line.split(char::is_whitespace).next().unwrap_or_default();
    if matches!(mark, "-" | "*" | "•" | "–" | "+") {
        return line.len() > mark.len();
    }
    let bare = mark.trim_start_matches('(').trim_end_matches(['.', ')']);
    let closed = mark.ends_with([')', '.']) && mark.len() <= 5;
    let counted = bare.bytes().all(|byte| byte.is_ascii_digit())
        || (mark.ends_with(')') && bare.len() == 1 && bare.bytes().all(|byte| byte.is_ascii_alphabetic()));
    closed && !bare.is_empty() && counted && line.len() > mark.len()
}

/// A line of a programming language, told by its end, its first word or its signs.
pub fn is_code_line(line: &str) -> bool {
    const FIRST: [&str; 22] = [
        "def ", "class ", "import ", "from ", "return ", "fn ", "let ", "const ", "var ", "function ",
        "#include", "public ", "private ", "static ", "SELECT ", "INSERT ", "UPDATE ", "CREATE ", "elif ",
        "else:", "#!/", "@",
    ];
    let said = line.trim();
    let signs = said.bytes().filter(|byte| b"(){}[]=;<>_".contains(byte)).count();
    let ends = said.ends_with(['{', '}', ';']) || said.ends_with("):") || said.ends_with("});");
    let opens = FIRST.iter().any(|first| said.starts_with(first));
    let indented = line.starts_with("    ") || line.starts_with('\t');
    let assigns =
        said.contains(" = ") || said.contains(" == ") || said.contains(" := ") || said.contains("->");
    (ends && signs >= 1 && !said.contains(". "))
        || (opens && (signs >= 1 || said.starts_with("import ")) && !said.ends_with('.'))
        || (indented && (signs >= 2 || opens || said.starts_with("return")))
        || (assigns && signs >= 3 && !said.contains(". "))
}

/// A short line that ends without a sign: a title when longer text follows it.
fn is_title(line: &str) -> bool {
    let said = line.trim();
    said.len() <= 80
        && !said.ends_with(|c: char| ends_sentence(c) || matches!(c, ',' | ';' | '-' | '—'))
        && said
            .chars()
            .next()
            .is_some_and(|first| first.is_uppercase() || first.is_numeric() || !first.is_ascii())
}

fn ends_sentence(c: char) -> bool {
    matches!(
        c,
        '.' | '!'
            | '?'
            | '…'
            | '。'
            | '！'
            | '？'
            | '؟'
            | '۔'
            | '।'
            | '"'
            | '”'
            | '’'
            | '»'
            | '」'
            | ')'
            | ']'
            | '}'
    )
}

struct Lines<'a> {
    text: &'a str,
    at: usize,
}

impl Iterator for Lines<'_> {
    type Item = Range<usize>;

    /// The next line with its end.
    fn next(&mut self) -> Option<Range<usize>> {
        let start = self.at;
        let rest = self.text.get(start..).filter(|rest| !rest.is_empty())?;
        self.at = rest.find('\n').map_or(self.text.len(), |end| start + end + 1);
        Some(start..self.at)
    }
}

struct Cut<'a> {
    text: &'a str,
    units: Vec<Unit>,
    passage: usize,
    /// The passage has a heading and waits for its text.
    open: bool,
}

impl Cut<'_> {
    /// The passage ends here, unless it is a heading alone.
    fn close(&mut self) {
        if !self.open && self.units.last().is_some_and(|unit| unit.passage == self.passage) {
            self.passage += 1;
        }
    }

    fn push(&mut self, range: Range<usize>, kind: Kind) {
        let said = self.text[range.clone()].trim_end();
        if said.trim_start().is_empty() {
            return;
        }
        let end = range.start + said.len();
        // What stands between two units is white space, and belongs to the first.
        if let Some(last) = self.units.last_mut() {
            last.range.end = range.start;
        }
        self.open = false;
        self.units.push(Unit { range: range.start..self.tail(end), end, kind, passage: self.passage });
    }

    /// Where the white space after `at` ends.
    fn tail(&self, at: usize) -> usize {
        let rest = &self.text[at..];
        at + rest.len() - rest.trim_start().len()
    }

    /// Cuts prose into sentences.
    fn prose(&mut self, range: Range<usize>) {
        let mut start = range.start;
        let said = &self.text[range.clone()];
        let mut borders = said.split_sentence_bound_indices().map(|(at, _)| range.start + at).skip(1);
        loop {
            let border = borders.next().unwrap_or(range.end);
            let (before, after) = (&self.text[start..border], &self.text[border..range.end]);
            if border < range.end && runs_on(before, after) {
                continue;
            }
            for piece in pieces(self.text, start..border) {
                self.push(piece, Kind::Sentence);
            }
            start = border;
            if border == range.end {
                return;
            }
        }
    }
}

/// The sentence goes on after this border: an abbreviation ended there, or an editor wrapped its line.
fn runs_on(before: &str, after: &str) -> bool {
    let said = before.trim_end();
    if said.is_empty() {
        return true;
    }
    if before.ends_with('\n') {
        let line = said.rsplit('\n').next().unwrap_or(said);
        let next = after.trim_start().chars().next();
        let ended = said.ends_with(|c: char| ends_sentence(c) || c == ':');
        return !ended && (line.len() >= SHORTEST_WRAPPED || next.is_some_and(char::is_lowercase));
    }
    let word =
        said.rsplit(char::is_whitespace).next().unwrap_or(said).trim_start_matches(['(', '"', '“', '[']);
    let Some(bare) = word.strip_suffix('.') else { return false };
    let initial = bare.chars().count() == 1 && bare.chars().all(char::is_uppercase);
    let dotted = bare.contains('.') && bare.split('.').all(|part| part.chars().count() == 1);
    initial || dotted || ABBREVIATIONS.contains(&bare.to_lowercase().as_str())
}

/// Words that a full stop shortens and rarely ends a sentence with.
const ABBREVIATIONS: [&str; 40] = [
    "mr", "mrs", "ms", "dr", "prof", "rev", "hon", "st", "sr", "jr", "gen", "col", "sgt", "lt", "capt",
    "gov", "sen", "rep", "vs", "v", "cf", "viz", "fig", "eq", "sec", "art", "no", "nos", "vol", "pp", "p",
    "ch", "ed", "approx", "ca", "dept", "messrs", "mme", "inc", "para",
];

/// A stretch without sentence ends in pieces of at most [`LONGEST_SENTENCE`] bytes; a sentence as it is.
fn pieces(text: &str, range: Range<usize>) -> Vec<Range<usize>> {
    let mut pieces = Vec::new();
    let mut start = range.start;
    while range.end - start > LONGEST_SENTENCE {
        let mut limit = start + LONGEST_SENTENCE;
        while !text.is_char_boundary(limit) {
            limit -= 1;
        }
        let window = &text[start..limit];
        // The last half of the window: pieces stay long. Before a space no number, word or code is torn.
        let half = window.len() / 2;
        let after_sign = window
            .char_indices()
            .rev()
            .take_while(|(at, _)| *at > half)
            .find(|&(at, c)| {
                matches!(c, '\n' | '，' | '、' | '；' | '،')
                    || (matches!(c, ',' | ';') && window[at + 1..].starts_with(' '))
            })
            .map(|(at, c)| at + c.len_utf8());
        let cut =
            after_sign.or_else(|| window.rfind(char::is_whitespace).map(|at| at + 1).filter(|&at| at > 1));
        let end = match cut.map(|at| start + at) {
            Some(end) if text.is_char_boundary(end) => end,
            // No space in a thousand bytes is no writing of words (or a script without them): nothing there is whole.
            _ if window.is_ascii() => break,
            _ => limit,
        };
        pieces.push(start..end);
        start = end;
    }
    pieces.push(start..range.end);
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(text: &str) -> Vec<(Kind, &str)> {
        units(text).into_iter().map(|unit| (unit.kind, &text[unit.body()])).collect()
    }

    fn passages(text: &str) -> Vec<usize> {
        units(text).into_iter().map(|unit| unit.passage).collect()
    }

    #[test]
    fn sentences_end_at_their_signs_and_not_at_abbreviations() {
        use Kind::Sentence;
        assert_eq!(
            cut("Dr. Smith paid 3.50 to J. K. Rowling, e.g. in U.S. dollars. Was it no. 5? Yes!"),
            [
                (Sentence, "Dr. Smith paid 3.50 to J. K. Rowling, e.g. in U.S. dollars."),
                (Sentence, "Was it no. 5?"),
                (Sentence, "Yes!")
            ]
        );
    }

    #[test]
    fn other_scripts_have_sentences_too() {
        assert_eq!(cut("東京は日本の首都です。人口は約1400万人です。").len(), 2);
        assert_eq!(cut("القاهرة عاصمة مصر. هل تقع على النيل؟ نعم.").len(), 3);
        assert_eq!(cut("दिल्ली राजधानी है। यमुना पर है।").len(), 2);
    }

    #[test]
    fn wrapped_lines_are_one_sentence_and_short_lines_are_not() {
        let wrapped =
            "The committee met on the third floor of the old town hall\nand decided nothing. Then it left.";
        assert_eq!(cut(wrapped).len(), 2);
        assert_eq!(cut("Dear Sam,\nThank you.\nYours,\nAnna").len(), 4);
    }

    #[test]
    fn code_items_rows_and_headings_stay_whole() {
        use Kind::{Code, Heading, Item, Row, Sentence};
        let text = "# Setup\nRun this. It is short.\n\n```py\nx = 1\n\nprint(x)\n```\n- one. two.\n  three\n2) four\n| a | b |\n| 1 | 2 |\n";
        assert_eq!(
            cut(text),
            [
                (Heading, "# Setup"),
                (Sentence, "Run this."),
                (Sentence, "It is short."),
                (Code, "```py\nx = 1\n\nprint(x)\n```"),
                (Item, "- one. two.\n  three"),
                (Item, "2) four"),
                (Row, "| a | b |"),
                (Row, "| 1 | 2 |"),
            ]
        );
        assert_eq!(cut("def f(x):\n    return x + 1\n")[0], (Code, "def f(x):\n    return x + 1"));
    }

    #[test]
    fn a_paragraph_with_its_heading_is_a_passage_and_so_is_a_long_line() {
        assert_eq!(passages("# A\n\nOne. Two.\n\nThree."), [0, 0, 0, 1]);
        let line = "It has words enough to be longer than any line that an editor wraps. ".repeat(4);
        let text = format!("{line}\n{line}\n");
        let passages = passages(&text);
        assert_eq!((passages[0], passages[3], passages[4]), (0, 0, 1), "{passages:?}");
    }

    #[test]
    fn units_tile_any_text_and_tear_no_character() {
        let long_words = "word ".repeat(1_000);
        let (long_line, cjk) = ("x".repeat(5_000), "東".repeat(3_000));
        let texts = [
            "", " \n\t ", "\r\n\r\n", "a", "...", "?!?!", "```\nnever closed", "|", "- ", "1.", "\u{feff}x",
            "🙂. 🙂", "a\u{2028}b", "  lead. in  ", "\u{0}\u{0}", &long_words, &long_line, &cjk,
            "Line\r\nLine two.\r\n\r\nNext.",
        ];
        for text in texts {
            let units = units(text);
            let mut at = text.len() - text.trim_start().len();
            for unit in &units {
                assert!(
                    unit.range.start <= at.max(unit.range.start) && unit.end <= unit.range.end,
                    "{text:?} {unit:?}"
                );
                assert!(text.get(unit.range.clone()).is_some(), "{text:?} {unit:?}");
                assert!(!text[unit.body()].trim().is_empty(), "{text:?} {unit:?}");
                at = unit.range.end;
            }
            for pair in units.windows(2) {
                assert_eq!(pair[0].range.end, pair[1].range.start, "{text:?}");
            }
            if let Some(last) = units.last() {
                assert_eq!(last.range.end, text.len(), "{text:?}");
            } else {
                assert!(text.trim().is_empty());
            }
        }
    }

    #[test]
    fn a_stretch_without_sentence_ends_is_cut_between_words() {
        let text = "seven words, ".repeat(400);
        let cut = cut(&text);
        assert!(cut.len() > 4, "{}", cut.len());
        assert!(cut.iter().all(|(_, piece)| piece.len() <= LONGEST_SENTENCE && piece.ends_with(',')));
    }
}
