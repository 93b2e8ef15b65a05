//! Formats: the bytes of a file become blocks of text with their places. Runs in the reader's process alone: what is
//! read here was made by strangers.
//!
//! Source: PDF by pdf-extract, the zip and the XML of a .docx by zip, flate2 and quick-xml, HTML by scraper (html5ever),
//!         Markdown's structure by pulldown-cmark.

use super::passages::Block;
use ego_tree::NodeRef;
use pulldown_cmark::{Event as Mark, Parser, Tag, TagEnd};
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use scraper::Node;
use serde::{Deserialize, Serialize};
use std::io::{Cursor, Read};
use std::path::Path;

/// Text of a document beyond this is refused, in bytes: a zip of a few kilobytes can hold gigabytes of zeros.
const MOST_TEXT: u64 = 16 << 20;

/// A page of print has a few hundred words; one word a page is what a scanner's stamp leaves.
const SCRAMBLED_PART: f32 = 0.2;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Kind {
    Text,
    Markdown,
    Html,
    Pdf,
    Docx,
    Code,
}

/// Endings that are read as program text.
const CODE: &[&str] = &[
    "c", "cc", "clj", "cpp", "cs", "css", "dart", "ex", "exs", "go", "h", "hpp", "hs", "java", "jl", "js",
    "json", "jsx", "kt", "lua", "m", "ml", "php", "pl", "ps1", "py", "r", "rb", "rs", "scala", "sh", "sql",
    "svelte", "swift", "toml", "ts", "tsx", "vue", "xml", "yaml", "yml", "zig",
];

impl Kind {
    /// By the ending of the name; `None` is no document.
    pub fn of(path: &Path) -> Option<Kind> {
        let ending = path.extension()?.to_str()?.to_ascii_lowercase();
        Some(match ending.as_str() {
            "txt" | "text" | "log" | "csv" | "tsv" | "rst" | "org" | "tex" => Kind::Text,
            "md" | "markdown" => Kind::Markdown,
            "html" | "htm" | "xhtml" => Kind::Html,
            "pdf" => Kind::Pdf,
            "docx" => Kind::Docx,
            code if CODE.contains(&code) => Kind::Code,
            _ => return None,
        })
    }
}

/// Why a file gave no text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub(super) enum NoText {
    #[error("it has no text")]
    Empty,
    #[error("its pages have no text: they are pictures, as a scanner makes them")]
    Scanned,
    #[error("its text is scrambled: its fonts do not say which letters they show")]
    Scrambled,
    #[error("it has more than {} MiB of text", MOST_TEXT >> 20)]
    TooMuch,
    #[error("it is damaged: {0}")]
    Damaged(String),
}

/// The text of a file in its order.
pub(super) fn blocks(kind: Kind, bytes: &[u8]) -> Result<Vec<Block>, NoText> {
    let blocks = match kind {
        Kind::Text | Kind::Code => vec![Block::lines(text(bytes)?, String::new(), 1)],
        Kind::Markdown => markdown(&text(bytes)?),
        Kind::Html => html(&text(bytes)?),
        Kind::Pdf => pdf(bytes)?,
        Kind::Docx => docx(bytes)?,
    };
    let all: usize = blocks.iter().map(|block| block.text.len()).sum();
    if all as u64 > MOST_TEXT {
        return Err(NoText::TooMuch);
    }
    let (mut letters, mut strange) = (0_usize, 0_usize);
    for c in blocks.iter().flat_map(|block| block.text.chars()) {
        letters += usize::from(c.is_alphanumeric());
        let private = matches!(c, '\u{E000}'..='\u{F8FF}' | '\u{FFFD}');
        strange += usize::from(private || (c.is_control() && !c.is_whitespace()));
    }
    match (letters, kind) {
        _ if strange as f32 > SCRAMBLED_PART * (letters + strange) as f32 => Err(NoText::Scrambled),
        (0, Kind::Pdf) => Err(NoText::Scanned),
        (0, _) => Err(NoText::Empty),
        _ => Ok(blocks),
    }
}

/// UTF-8, or UTF-16 with its mark, or else Latin-1, which every byte has a letter in. A zero byte is no text.
fn text(bytes: &[u8]) -> Result<String, NoText> {
    let wide = |unit: fn([u8; 2]) -> u16| {
        let units = bytes[2..].chunks_exact(2).map(|pair| unit([pair[0], pair[1]]));
        char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
    };
    Ok(match bytes {
        [0xFF, 0xFE, ..] => wide(u16::from_le_bytes),
        [0xFE, 0xFF, ..] => wide(u16::from_be_bytes),
        _ if bytes.contains(&0) => {
            return Err(NoText::Damaged("it has zero bytes, which text has not".into()));
        }
        _ => match std::str::from_utf8(bytes) {
            Ok(text) => text.trim_start_matches('\u{FEFF}').to_owned(),
            Err(_) => bytes.iter().map(|&byte| char::from(byte)).collect(),
        },
    })
}

/// One block from heading to heading, as it is written.
fn markdown(text: &str) -> Vec<Block> {
    let mut starts: Vec<(usize, usize, String)> = Vec::new();
    let mut within = false;
    for (event, place) in Parser::new(text).into_offset_iter() {
        match event {
            Mark::Start(Tag::Heading { level, .. }) => {
                starts.push((place.start, level as usize, String::new()));
                within = true;
            }
            Mark::End(TagEnd::Heading(_)) => within = false,
            Mark::Text(words) | Mark::Code(words) if within => {
                if let Some((.., title)) = starts.last_mut() {
                    title.push_str(&words);
                }
            }
            _ => {}
        }
    }
    let mut blocks = Vec::new();
    let mut above: Vec<(usize, String)> = Vec::new();
    let mut push = |from: usize, to: usize, heading: String| {
        let line = 1 + text[..from].matches('\n').count() as u32;
        blocks.push(Block::lines(text[from..to].to_owned(), heading, line));
    };
    push(0, starts.first().map_or(text.len(), |(start, ..)| *start), String::new());
    for (at, (start, level, title)) in starts.iter().enumerate() {
        above.retain(|(upper, _)| upper < level);
        above.push((*level, title.trim().to_owned()));
        let heading: Vec<&str> = above.iter().map(|(_, title)| title.as_str()).collect();
        push(*start, starts.get(at + 1).map_or(text.len(), |(next, ..)| *next), heading.join(" › "));
    }
    blocks
}

/// Paragraphs under headings, as they come.
#[derive(Default)]
struct Paragraphs {
    blocks: Vec<Block>,
    paragraph: String,
    page: Option<u32>,
}

impl Paragraphs {
    fn end(&mut self) {
        let paragraph = std::mem::take(&mut self.paragraph);
        if paragraph.trim().is_empty() {
            return;
        }
        let page = self.page;
        if self.blocks.last().is_none_or(|block| block.page != page) {
            let heading = self.blocks.last().map(|block| block.heading.clone()).unwrap_or_default();
            self.blocks.push(Block { heading, page, ..Block::default() });
        }
        if let Some(block) = self.blocks.last_mut() {
            block.text.push_str(paragraph.trim());
            block.text.push_str("\n\n");
        }
    }

    /// Text whose spaces are only there to part words.
    fn words(&mut self, words: &str) {
        let is_space = |c: Option<char>| c.is_some_and(char::is_whitespace);
        if is_space(words.chars().next()) {
            self.paragraph.push(' ');
        }
        self.paragraph.push_str(&words.split_whitespace().collect::<Vec<_>>().join(" "));
        if is_space(words.chars().last()) {
            self.paragraph.push(' ');
        }
    }

    fn end_heading(&mut self) {
        let heading = std::mem::take(&mut self.paragraph).split_whitespace().collect::<Vec<_>>().join(" ");
        if !heading.is_empty() {
            let text = format!("{heading}\n\n");
            self.blocks.push(Block { heading, text, page: self.page, lines_from: None });
        }
    }
}

const NOT_READ: &[&str] = &["script", "style", "noscript", "template", "head", "nav", "svg", "iframe"];
const INLINE: &[&str] = &[
    "a", "abbr", "b", "bdi", "cite", "code", "data", "dfn", "em", "font", "i", "kbd", "mark", "q", "s",
    "samp", "small", "span", "strong", "sub", "sup", "time", "tt", "u", "var", "wbr",
];

fn html(text: &str) -> Vec<Block> {
    let document = scraper::Html::parse_document(text);
    let mut found = Paragraphs::default();
    // A stack of its own: elements may be nested deeper than calls may.
    enum Step<'a> {
        Enter(NodeRef<'a, Node>),
        Leave(String),
    }
    let mut steps = vec![Step::Enter(document.tree.root())];
    while let Some(step) = steps.pop() {
        let node = match step {
            Step::Leave(name) if is_heading(&name) => {
                found.end_heading();
                continue;
            }
            Step::Leave(_) => {
                found.end();
                continue;
            }
            Step::Enter(node) => node,
        };
        let name = match node.value() {
            Node::Text(words) => {
                found.words(words);
                continue;
            }
            Node::Element(element) => element.name(),
            Node::Document => "",
            _ => continue,
        };
        if NOT_READ.contains(&name) {
            continue;
        }
        if name == "br" {
            found.paragraph.push('\n');
        } else if !INLINE.contains(&name) {
            found.end();
            steps.push(Step::Leave(name.to_owned()));
        }
        steps.extend(node.children().rev().map(Step::Enter));
    }
    found.end();
    found.blocks
}

fn is_heading(name: &str) -> bool {
    matches!(name, "h1" | "h2" | "h3" | "h4" | "h5" | "h6")
}

fn pdf(bytes: &[u8]) -> Result<Vec<Block>, NoText> {
    let pages = pdf_extract::extract_text_from_mem_by_pages(bytes)
        .map_err(|error| NoText::Damaged(error.to_string()))?;
    let page = |(text, number)| Block { text, page: Some(number), ..Block::default() };
    Ok(pages.into_iter().zip(1..).map(page).collect())
}

fn docx(bytes: &[u8]) -> Result<Vec<Block>, NoText> {
    let damaged = |error: &dyn std::fmt::Display| NoText::Damaged(error.to_string());
    let mut file = zip::ZipArchive::new(Cursor::new(bytes)).map_err(|error| damaged(&error))?;
    let part = file
        .index_for_name("word/document.xml")
        .ok_or_else(|| NoText::Damaged("it has no word/document.xml".into()))?;
    let part = file.by_index_raw(part).map_err(|error| damaged(&error))?;
    let method = part.compression();
    let mut xml = Vec::new();
    let read = if method == zip::CompressionMethod::DEFLATE {
        flate2::read::DeflateDecoder::new(part).take(8 * MOST_TEXT).read_to_end(&mut xml)
    } else if method == zip::CompressionMethod::Stored {
        part.take(8 * MOST_TEXT).read_to_end(&mut xml)
    } else {
        return Err(NoText::Damaged(format!("word/document.xml is compressed as {method}")));
    };
    let read = read.map_err(|error| damaged(&error))?;
    if read as u64 == 8 * MOST_TEXT {
        return Err(NoText::TooMuch);
    }
    let xml = String::from_utf8(xml).map_err(|error| damaged(&error))?;
    word(&xml).map_err(|error| damaged(&error))
}

/// Paragraphs of WordprocessingML (ECMA-376 part 1, 17.3). Pages are known when Word noted where it broke them.
fn word(xml: &str) -> Result<Vec<Block>, quick_xml::Error> {
    let pages = xml.contains("lastRenderedPageBreak");
    let mut found = Paragraphs { page: pages.then_some(1), ..Paragraphs::default() };
    let (mut in_text, mut heading) = (false, false);
    let mut reader = Reader::from_str(xml);
    loop {
        let event = reader.read_event()?;
        match &event {
            Event::Eof => break,
            Event::Start(tag) | Event::Empty(tag) => match tag.local_name().as_ref() {
                "t" => in_text = matches!(event, Event::Start(_)),
                "tab" => found.paragraph.push('\t'),
                "br" | "cr" => found.paragraph.push('\n'),
                "lastRenderedPageBreak" => found.page = found.page.map(|page| page.saturating_add(1)),
                "pStyle" => {
                    heading = style(tag).is_some_and(|style| {
                        let style = style.to_ascii_lowercase();
                        style.starts_with("heading") || style == "title"
                    })
                }
                _ => {}
            },
            Event::End(tag) => match tag.local_name().as_ref() {
                "t" => in_text = false,
                "p" if std::mem::take(&mut heading) => found.end_heading(),
                "p" => found.end(),
                _ => {}
            },
            Event::Text(words) if in_text => found.paragraph.push_str(&words.html_content()),
            Event::GeneralRef(name) if in_text => {
                let character = name.resolve_char_ref()?;
                let known = quick_xml::escape::resolve_predefined_entity(name);
                found.paragraph.extend(character);
                found.paragraph.push_str(known.unwrap_or_default());
            }
            _ => {}
        }
    }
    found.end();
    Ok(found.blocks)
}

fn style(tag: &BytesStart<'_>) -> Option<String> {
    let attribute =
        tag.attributes().flatten().find(|attribute| attribute.key.local_name().as_ref() == "val")?;
    Some(attribute.value.to_string())
}
