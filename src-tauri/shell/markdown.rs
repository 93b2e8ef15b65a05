//! Markdown, parsed here into a typed tree, so that the window never sees HTML.
//!
//! In:     what an expert wrote, which is not to be trusted
//! Out:    blocks and inlines: raw HTML and images are plain text, links lead to http, https and mailto alone
//! Fails:  never; beyond [`MAX_DEPTH`] nesting becomes plain text, beyond [`MAX_NODES`] the rest becomes one paragraph
//! Cost:   3 to 5 ms for 100 KB in a release build, about 20 ms in a debug build (x86-64, three runs each)
//! Source: CommonMark 0.31 with GitHub's tables and strikethrough, by pulldown-cmark

use crate::links;
use pulldown_cmark::{Alignment, CodeBlockKind, Event, HeadingLevel, Options, Parser, Tag, TagEnd};
use serde::Serialize;
use ts_rs::TS;

/// The window draws the tree by recursion, and so does JSON: both are safe far beyond this, and no person nests as deep.
pub const MAX_DEPTH: usize = 24;
/// A bound by choice, not by measurement: no answer may make the page build a tree without end.
pub const MAX_NODES: usize = 20_000;

#[derive(Clone, Debug, PartialEq, Serialize, TS)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Block {
    Paragraph {
        inlines: Vec<Inline>,
    },
    Heading {
        /// 1 to 6.
        level: u8,
        inlines: Vec<Inline>,
    },
    Code {
        /// The first word after the fence, when it looks like a language's name.
        language: Option<String>,
        text: String,
    },
    List {
        /// The first number; `null` for a list of points.
        #[ts(type = "number | null")]
        start: Option<u64>,
        items: Vec<Vec<Block>>,
    },
    Quote {
        blocks: Vec<Block>,
    },
    Table {
        align: Vec<Align>,
        head: Vec<Vec<Inline>>,
        rows: Vec<Vec<Vec<Inline>>>,
    },
    Rule,
}

#[derive(Clone, Debug, PartialEq, Serialize, TS)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Inline {
    Text { text: String },
    Code { text: String },
    Strong { inlines: Vec<Inline> },
    Emphasis { inlines: Vec<Inline> },
    Strikethrough { inlines: Vec<Inline> },
    Link { url: String, inlines: Vec<Inline> },
    Break,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Align {
    None,
    Left,
    Center,
    Right,
}

/// The tree of `text`.
pub fn blocks(text: &str) -> Vec<Block> {
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH;
    let mut tree = Tree::new();
    for (event, range) in Parser::new_ext(text, options).into_offset_iter() {
        if tree.nodes >= MAX_NODES {
            let rest = text.get(range.start..).unwrap_or_default();
            return tree.cut_short(rest);
        }
        tree.take(event, text, range.start);
    }
    tree.finish()
}

/// Something that was opened and not closed yet.
enum Open {
    /// Takes blocks; a tight list's item also takes inlines directly, which become a paragraph.
    Blocks {
        what: Container,
        blocks: Vec<Block>,
        loose: Vec<Inline>,
    },
    List {
        start: Option<u64>,
        items: Vec<Vec<Block>>,
    },
    Inlines {
        what: Span,
        inlines: Vec<Inline>,
    },
    Code {
        language: Option<String>,
        text: String,
    },
    Table {
        align: Vec<Align>,
        head: Vec<Vec<Inline>>,
        rows: Vec<Vec<Vec<Inline>>>,
        row: Vec<Vec<Inline>>,
    },
}

enum Container {
    Document,
    Quote,
    Item,
    /// What has no block of its own here: its content goes to the one around it.
    Passing,
}

enum Span {
    Paragraph,
    Heading(u8),
    Strong,
    Emphasis,
    Strikethrough,
    Link(String),
    /// An image's description, or the text of a link that leads nowhere good.
    Plain,
    Cell,
    /// No markup after all: these signs stand around it.
    Literal(&'static str),
}

struct Tree {
    open: Vec<Open>,
    /// Opened beyond the depth that is kept: only their text counts, until as many were closed.
    ignored: usize,
    nodes: usize,
}

impl Tree {
    fn new() -> Tree {
        Tree { open: vec![Open::blocks(Container::Document)], ignored: 0, nodes: 0 }
    }

    /// `source` and `at`: the whole text, and where in it the event begins.
    fn take(&mut self, event: Event<'_>, source: &str, at: usize) {
        match event {
            Event::Start(tag) if self.ignored > 0 || self.open.len() + depth_of(&tag) > MAX_DEPTH => {
                self.ignored += 1;
                if matches!(tag, Tag::Paragraph | Tag::Item | Tag::TableRow | Tag::CodeBlock(_)) {
                    self.inline(Inline::Break);
                }
            }
            Event::End(_) if self.ignored > 0 => self.ignored -= 1,
            Event::Start(tag) => match literal(&tag, source, at) {
                Some(signs) => self.open.push(Open::inlines(Span::Literal(signs))),
                None => self.start(tag),
            },
            Event::End(tag) => self.end(tag),
            // Without MathML here: a formula's source is its text.
            Event::Text(text)
            | Event::Html(text)
            | Event::InlineHtml(text)
            | Event::InlineMath(text)
            | Event::DisplayMath(text) => {
                self.text(&text);
            }
            Event::FootnoteReference(label) => self.text(&format!("[^{label}]")),
            Event::TaskListMarker(done) => self.text(if done { "[x] " } else { "[ ] " }),
            Event::Code(code) => self.inline(Inline::Code { text: code.into_string() }),
            // An expert's lines are lines: worked steps stand under each other.
            Event::SoftBreak | Event::HardBreak => self.inline(Inline::Break),
            Event::Rule => self.block(Block::Rule),
        }
    }

    fn start(&mut self, tag: Tag<'_>) {
        self.open.push(match tag {
            Tag::Paragraph | Tag::HtmlBlock => Open::inlines(Span::Paragraph),
            Tag::Heading { level, .. } => Open::inlines(Span::Heading(number(level))),
            Tag::BlockQuote(_) => Open::blocks(Container::Quote),
            Tag::CodeBlock(kind) => Open::Code { language: language(&kind), text: String::new() },
            Tag::List(start) => Open::List { start, items: Vec::new() },
            Tag::Item => Open::blocks(Container::Item),
            Tag::Table(align) => Open::Table {
                align: align.into_iter().map(aligned).collect(),
                head: Vec::new(),
                rows: Vec::new(),
                row: Vec::new(),
            },
            // Rows are collected by their table.
            Tag::TableHead | Tag::TableRow => return,
            Tag::TableCell => Open::inlines(Span::Cell),
            Tag::Emphasis => Open::inlines(Span::Emphasis),
            Tag::Strong => Open::inlines(Span::Strong),
            Tag::Strikethrough => Open::inlines(Span::Strikethrough),
            Tag::Link { dest_url, .. } => Open::inlines(match links::permitted(&dest_url) {
                Some(url) => Span::Link(url.to_string()),
                None => Span::Plain,
            }),
            Tag::Image { .. } | Tag::Superscript | Tag::Subscript => Open::inlines(Span::Plain),
            Tag::FootnoteDefinition(_)
            | Tag::DefinitionList
            | Tag::DefinitionListTitle
            | Tag::DefinitionListDefinition
            | Tag::MetadataBlock(_) => Open::blocks(Container::Passing),
        });
    }

    fn end(&mut self, tag: TagEnd) {
        if let TagEnd::TableHead | TagEnd::TableRow = tag {
            if let Some(Open::Table { head, rows, row, .. }) = self.open.last_mut() {
                let row = std::mem::take(row);
                if tag == TagEnd::TableHead { *head = row } else { rows.push(row) }
            }
            return;
        }
        self.close();
    }

    /// Closes the innermost open element into the one around it.
    fn close(&mut self) {
        // The document itself is closed by `finish` alone.
        if self.open.len() < 2 {
            return;
        }
        let Some(closed) = self.open.pop() else { return };
        match closed {
            Open::Blocks { what, blocks, loose } => {
                let blocks = with_loose(blocks, loose);
                match what {
                    Container::Quote => self.block(Block::Quote { blocks }),
                    Container::Item => self.item(blocks),
                    Container::Document | Container::Passing => {
                        blocks.into_iter().for_each(|block| self.block(block))
                    }
                }
            }
            Open::List { start, items } => self.block(Block::List { start, items }),
            Open::Code { language, text } => self.block(Block::Code { language, text }),
            Open::Table { align, head, rows, .. } => self.block(Block::Table { align, head, rows }),
            Open::Inlines { what, inlines } => match what {
                Span::Paragraph if inlines.is_empty() => {}
                Span::Paragraph => self.block(Block::Paragraph { inlines }),
                Span::Heading(level) => self.block(Block::Heading { level, inlines }),
                Span::Strong => self.inline(Inline::Strong { inlines }),
                Span::Emphasis => self.inline(Inline::Emphasis { inlines }),
                Span::Strikethrough => self.inline(Inline::Strikethrough { inlines }),
                Span::Link(url) => self.inline(Inline::Link { url, inlines }),
                Span::Plain => inlines.into_iter().for_each(|inline| self.inline(inline)),
                Span::Cell => self.cell(inlines),
                Span::Literal(signs) => {
                    self.text(signs);
                    for inline in inlines {
                        if let Inline::Text { text } = inline {
                            self.text(&text)
                        } else {
                            self.inline(inline)
                        }
                    }
                    self.text(signs);
                }
            },
        }
    }

    fn text(&mut self, text: &str) {
        match self.open.last_mut() {
            Some(Open::Code { text: code, .. }) => code.push_str(text),
            Some(Open::Inlines { inlines, .. }) | Some(Open::Blocks { loose: inlines, .. }) => {
                // The parser hands out text in pieces: one run stays one node.
                if let Some(Inline::Text { text: last }) = inlines.last_mut() {
                    last.push_str(text);
                } else {
                    self.inline(Inline::Text { text: text.to_owned() });
                }
            }
            _ => self.inline(Inline::Text { text: text.to_owned() }),
        }
    }

    fn inline(&mut self, inline: Inline) {
        self.nodes += 1;
        match self.open.last_mut() {
            Some(Open::Inlines { inlines, .. }) | Some(Open::Blocks { loose: inlines, .. }) => {
                inlines.push(inline)
            }
            Some(Open::List { items, .. }) => items.push(vec![Block::Paragraph { inlines: vec![inline] }]),
            Some(Open::Table { row, .. }) => row.push(vec![inline]),
            // Only text gets into code, by `text`; a break inside ignored nesting is none.
            Some(Open::Code { .. }) | None => {}
        }
    }

    fn block(&mut self, block: Block) {
        self.nodes += 1;
        match self.open.last_mut() {
            Some(Open::Blocks { blocks, loose, .. }) => {
                let before = std::mem::take(loose);
                if !before.is_empty() {
                    blocks.push(Block::Paragraph { inlines: before });
                }
                blocks.push(block);
            }
            Some(Open::List { items, .. }) => items.push(vec![block]),
            // CommonMark puts no block into a span, code or a cell.
            Some(Open::Inlines { .. } | Open::Code { .. } | Open::Table { .. }) | None => {}
        }
    }

    fn item(&mut self, blocks: Vec<Block>) {
        self.nodes += 1;
        if let Some(Open::List { items, .. }) = self.open.last_mut() {
            items.push(blocks);
        }
    }

    fn cell(&mut self, inlines: Vec<Inline>) {
        self.nodes += 1;
        if let Some(Open::Table { row, .. }) = self.open.last_mut() {
            row.push(inlines);
        }
    }

    /// The tree so far, with everything that was not read yet as one paragraph of plain text.
    fn cut_short(self, rest: &str) -> Vec<Block> {
        let mut blocks = self.finish();
        blocks.push(Block::Paragraph { inlines: vec![Inline::Text { text: rest.to_owned() }] });
        blocks
    }

    fn finish(mut self) -> Vec<Block> {
        while self.open.len() > 1 {
            self.close();
        }
        match self.open.pop() {
            Some(Open::Blocks { blocks, loose, .. }) => with_loose(blocks, loose),
            _ => Vec::new(),
        }
    }
}

impl Open {
    fn blocks(what: Container) -> Open {
        Open::Blocks { what, blocks: Vec::new(), loose: Vec::new() }
    }

    fn inlines(what: Span) -> Open {
        Open::Inlines { what, inlines: Vec::new() }
    }
}

/// Levels that an element needs at least: a list is nothing without an item, nor a table without a cell.
fn depth_of(tag: &Tag<'_>) -> usize {
    match tag {
        Tag::List(_) | Tag::Table(_) | Tag::BlockQuote(_) => 3,
        _ => 1,
    }
}

/// The signs of an emphasis that is none: in `2*3*4` and `2**3**4` they multiply and raise, and one tilde says "about".
/// CommonMark would swallow them; prose begins its emphasis after a space or an opening bracket.
fn literal(tag: &Tag<'_>, source: &str, at: usize) -> Option<&'static str> {
    let before = source.get(..at).and_then(|text| text.chars().next_back());
    let inside_a_term = before.is_some_and(|letter| letter.is_alphanumeric() || ")]}".contains(letter));
    match tag {
        Tag::Emphasis if inside_a_term => source.get(at..)?.starts_with('*').then_some("*"),
        Tag::Strong if inside_a_term => source.get(at..)?.starts_with("**").then_some("**"),
        Tag::Strikethrough => (!source.get(at..)?.starts_with("~~")).then_some("~"),
        _ => None,
    }
}

fn with_loose(mut blocks: Vec<Block>, loose: Vec<Inline>) -> Vec<Block> {
    if !loose.is_empty() {
        blocks.push(Block::Paragraph { inlines: loose });
    }
    blocks
}

fn number(level: HeadingLevel) -> u8 {
    match level {
        HeadingLevel::H1 => 1,
        HeadingLevel::H2 => 2,
        HeadingLevel::H3 => 3,
        HeadingLevel::H4 => 4,
        HeadingLevel::H5 => 5,
        HeadingLevel::H6 => 6,
    }
}

fn aligned(alignment: Alignment) -> Align {
    match alignment {
        Alignment::None => Align::None,
        Alignment::Left => Align::Left,
        Alignment::Center => Align::Center,
        Alignment::Right => Align::Right,
    }
}

fn language(kind: &CodeBlockKind<'_>) -> Option<String> {
    let CodeBlockKind::Fenced(info) = kind else { return None };
    let word = info.split([' ', ',', '{']).next().unwrap_or_default();
    let is_name = |letter: char| letter.is_ascii_alphanumeric() || "+#-_.".contains(letter);
    (!word.is_empty() && word.len() <= 32 && word.chars().all(is_name)).then(|| word.to_owned())
}

#[cfg(test)]
#[path = "markdown_tests.rs"]
mod tests;
