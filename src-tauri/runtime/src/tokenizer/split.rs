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
/// The letters that DeepSeek LLM names one by one: Latin, Greek, Cyrillic, Armenian, Georgian, Cherokee and others
/// with upper and lower case.
const DEEPSEEK_LETTERS: &str = r"\s?[A-Za-zµÀ-ÖØ-öø-ƺƼ-ƿǄ-ʓʕ-ʯͰ-ͳͶͷͻ-ͽͿΆΈ-ΊΌΎ-ΡΣ-ϵϷ-ҁҊ-ԯԱ-ՖႠ-ჅᎠ-Ᏽᏸ-ᏽᲐ-ᲺᲽ-Ჿᴀ-ᴫᵫ-ᵷᵹ-ᶚḀ-ἕἘ-Ἕἠ-ὅὈ-Ὅὐ-ὗὙὛὝὟ-ώᾀ-ᾴᾶ-ᾼιῂ-ῄῆ-ῌῐ-ΐῖ-Ίῠ-Ῥῲ-ῴῶ-ῼℂℇℊ-ℓℕℙ-ℝℤΩℨK-ℭℯ-ℴℹℼ-ℿⅅ-ⅉⅎↃↄⰀ-ⱻⱾ-ⳤⳫ-ⳮⳲⳳꙀ-ꙭꚀ-ꚛꜢ-ꝯꝱ-ꞇꞋ-ꞎꭰ-ꮿﬀ-ﬆﬓ-ﬗＡ-Ｚａ-ｚ𐐀-𐑏𐒰-𐓓𐓘-𐓻𐲀-𐲲𐳀-𐳲𑢠-𑣟𞤀-𞥃]+";
const DEEPSEEK_CJK: &str = r"[一-龥ࠀ-一가-퟿]+";

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
        patterns: &[
            r"[\r\n]",
            DEEPSEEK_LETTERS,
            r"\s?[!-/:-~！-／：-～‘-‟\u{3000}-。]+",
            r"\s+$",
            DEEPSEEK_CJK,
            r"\p{N}+",
        ],
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
        let compile = |pattern: &&str| Regex::new(pattern).expect("the patterns are constants that a test compiles");
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
            for known in KNOWN {
                let splitter = Splitter::named(Some(known.names[0])).unwrap();
                prop_assert_eq!(splitter.split(&text).concat(), &text[..]);
            }
        }
    }
}
