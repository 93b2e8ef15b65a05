//! Pre-tokenizers: how byte-level BPE cuts a text into words before merging. Each is a list of patterns that are
//! applied one after the other; what a pattern finds and what lies between become pieces.

use fancy_regex::Regex;

pub(super) struct Splitter {
    patterns: Vec<Regex>,
    kind: &'static Known,
}

struct Known {
    /// Names in `tokenizer.ggml.pre`.
    names: &'static [&'static str],
    patterns: &'static [&'static str],
    /// A whole word that is a token is taken without merging.
    whole_words: bool,
    /// The start token goes before a text when the file does not say.
    start: bool,
}

const GPT2: &str = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)";
const LLAMA3: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
const QWEN2: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
/// The letters that DeepSeek LLM names one by one: those with upper and lower case in Unicode 11.
const DEEPSEEK_LETTERS: &str = concat!(
    r"\s?[",
    r"A-Za-z\x{00B5}\x{00C0}-\x{00D6}\x{00D8}-\x{00F6}\x{00F8}-\x{01BA}\x{01BC}-\x{01BF}\x{01C4}-\x{0293}",
    r"\x{0295}-\x{02AF}\x{0370}-\x{0373}\x{0376}\x{0377}\x{037B}-\x{037D}\x{037F}\x{0386}\x{0388}-\x{038A}",
    r"\x{038C}\x{038E}-\x{03A1}\x{03A3}-\x{03F5}\x{03F7}-\x{0481}\x{048A}-\x{052F}\x{0531}-\x{0556}",
    r"\x{10A0}-\x{10C5}\x{13A0}-\x{13F5}\x{13F8}-\x{13FD}\x{1C90}-\x{1CBA}\x{1CBD}-\x{1CBF}",
    r"\x{1D00}-\x{1D2B}\x{1D6B}-\x{1D77}\x{1D79}-\x{1D9A}\x{1E00}-\x{1F15}\x{1F18}-\x{1F1D}",
    r"\x{1F20}-\x{1F45}\x{1F48}-\x{1F4D}\x{1F50}-\x{1F57}\x{1F59}\x{1F5B}\x{1F5D}\x{1F5F}-\x{1F7D}",
    r"\x{1F80}-\x{1FB4}\x{1FB6}-\x{1FBC}\x{1FBE}\x{1FC2}-\x{1FC4}\x{1FC6}-\x{1FCC}\x{1FD0}-\x{1FD3}",
    r"\x{1FD6}-\x{1FDB}\x{1FE0}-\x{1FEC}\x{1FF2}-\x{1FF4}\x{1FF6}-\x{1FFC}\x{2102}\x{2107}",
    r"\x{210A}-\x{2113}\x{2115}\x{2119}-\x{211D}\x{2124}\x{2126}\x{2128}\x{212A}-\x{212D}\x{212F}-\x{2134}",
    r"\x{2139}\x{213C}-\x{213F}\x{2145}-\x{2149}\x{214E}\x{2183}\x{2184}\x{2C00}-\x{2C7B}\x{2C7E}-\x{2CE4}",
    r"\x{2CEB}-\x{2CEE}\x{2CF2}\x{2CF3}\x{A640}-\x{A66D}\x{A680}-\x{A69B}\x{A722}-\x{A76F}",
    r"\x{A771}-\x{A787}\x{A78B}-\x{A78E}\x{AB70}-\x{ABBF}\x{FB00}-\x{FB06}\x{FB13}-\x{FB17}",
    r"\x{FF21}-\x{FF3A}\x{FF41}-\x{FF5A}\x{10400}-\x{1044F}\x{104B0}-\x{104D3}\x{104D8}-\x{104FB}",
    r"\x{10C80}-\x{10CB2}\x{10CC0}-\x{10CF2}\x{118A0}-\x{118DF}\x{1E900}-\x{1E943}", r"]+"
);
const DEEPSEEK_SIGNS: &str =
    r"\s?[!-/:-~\x{FF01}-\x{FF0F}\x{FF1A}-\x{FF5E}\x{2018}-\x{201F}\x{3000}-\x{3002}]+";
const DEEPSEEK_CJK: &str = r"[\x{4E00}-\x{9FA5}\x{0800}-\x{4E00}\x{AC00}-\x{D7FF}]+";

const KNOWN: &[Known] = &[
    Known {
        names: &["default"],
        patterns: &[r"[\p{P}\$\+<=>\^~\|]+", GPT2, r"\p{N}+", r"[0-9][0-9][0-9]"],
        whole_words: false,
        start: false,
    },
    Known {
        names: &["gpt-2", "gpt2", "phi-2", "jina-es", "jina-de", "roberta-bpe"],
        patterns: &[GPT2],
        whole_words: false,
        start: false,
    },
    Known {
        names: &["llama-bpe", "llama3", "llama-v3"],
        patterns: &[LLAMA3],
        whole_words: true,
        start: true,
    },
    Known { names: &["qwen2"], patterns: &[QWEN2], whole_words: false, start: false },
    Known {
        names: &["deepseek-coder"],
        patterns: &[r"[\r\n]", r"\s?\p{L}+", r"\s?\p{P}+", DEEPSEEK_CJK, r"\p{N}"],
        whole_words: false,
        start: false,
    },
    Known {
        names: &["deepseek-llm"],
        patterns: &[r"[\r\n]", DEEPSEEK_LETTERS, DEEPSEEK_SIGNS, r"\s+$", DEEPSEEK_CJK, r"\p{N}+"],
        whole_words: false,
        start: false,
    },
    Known {
        names: &["smollm", "starcoder", "refact", "command-r", "codeshell"],
        patterns: &[r"\p{N}", GPT2],
        whole_words: false,
        start: false,
    },
];

impl Splitter {
    /// The pre-tokenizer of this name; files from before the key existed have the default one. An unknown name is
    /// given back: guessing would silently give other tokens than the model was trained on.
    pub fn named(name: Option<&str>) -> Result<Splitter, String> {
        let name = name.unwrap_or("default");
        let kind = KNOWN.iter().find(|known| known.names.contains(&name)).ok_or_else(|| name.to_owned())?;
        let compile =
            |pattern: &&str| Regex::new(pattern).expect("the patterns are constants that a test compiles");
        Ok(Splitter { patterns: kind.patterns.iter().map(compile).collect(), kind })
    }

    /// Every name that is known, for messages.
    pub fn names() -> String {
        let names: Vec<&str> = KNOWN.iter().flat_map(|known| known.names.iter().copied()).collect();
        names.join(", ")
    }

    pub fn takes_whole_words(&self) -> bool {
        self.kind.whole_words
    }

    pub fn adds_start(&self) -> bool {
        self.kind.start
    }

    /// The words of a text; together they are the text.
    pub fn split<'a>(&self, text: &'a str) -> Vec<&'a str> {
        let mut pieces = vec![text];
        for pattern in &self.patterns {
            let mut finer = Vec::with_capacity(pieces.len());
            for piece in pieces {
                let mut from = 0;
                for found in pattern.find_iter(piece) {
                    // Only a pattern that backtracks without end fails, and none of these can; the rest of the piece
                    // would then stay whole.
                    let Ok(found) = found else { break };
                    if found.start() > from {
                        finer.push(&piece[from..found.start()]);
                    }
                    if found.end() > found.start() {
                        finer.push(found.as_str());
                    }
                    from = found.end();
                }
                if from < piece.len() {
                    finer.push(&piece[from..]);
                }
            }
            pieces = finer;
        }
        pieces
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::sync::LazyLock;

    #[test]
    fn every_pattern_compiles() {
        for known in KNOWN {
            for name in known.names {
                assert!(Splitter::named(Some(name)).is_ok(), "{name}");
            }
        }
        assert_eq!(Splitter::named(Some("of-the-future")).err().as_deref(), Some("of-the-future"));
    }

    #[test]
    fn words_are_cut_as_published() {
        let split = |name, text| Splitter::named(Some(name)).unwrap().split(text).join("|");
        // From the GPT-2 paper's pattern: a word takes its one space, contractions stand alone.
        assert_eq!(split("gpt-2", "I'm 1234 years  old"), "I|'m| 1234| years| | old");
        assert_eq!(split("llama-bpe", "I'M 1234 years\n\nold"), "I|'M| |123|4| years|\n\n|old");
        assert_eq!(split("qwen2", "12 a"), "1|2| a");
        assert_eq!(split("smollm", "a 12"), "a| |1|2");
    }

    #[test]
    fn the_letters_of_deepseek_llm_are_letters_with_case() {
        let listed = Regex::new(&format!("^{DEEPSEEK_LETTERS}$")).unwrap();
        let cased = Regex::new(r"^[\p{Lu}\p{Ll}\p{Lt}]$").unwrap();
        for letter in ('!'..=char::MAX).map(String::from) {
            assert!(!listed.is_match(&letter).unwrap() || cased.is_match(&letter).unwrap(), "{letter}");
        }
        assert!(listed.is_match(" Straße").unwrap() && listed.is_match("\u{1F7D}\u{212A}").unwrap());
    }

    #[test]
    fn a_long_run_of_spaces_is_cut_in_time() {
        let spaces = " ".repeat(300_000) + "x";
        for known in KNOWN {
            let pieces = Splitter::named(Some(known.names[0])).unwrap();
            assert_eq!(pieces.split(&spaces).concat().len(), spaces.len());
        }
    }

    proptest! {
        #[test]
        fn nothing_is_lost(text in "(\\PC|\\s){0,80}") {
            // Compiling the patterns takes far longer than a split.
            static SPLITTERS: LazyLock<Vec<Splitter>> = LazyLock::new(|| {
                KNOWN.iter().map(|known| Splitter::named(Some(known.names[0])).unwrap()).collect()
            });
            for splitter in SPLITTERS.iter() {
                prop_assert_eq!(splitter.split(&text).concat(), &text[..]);
            }
        }
    }
}
