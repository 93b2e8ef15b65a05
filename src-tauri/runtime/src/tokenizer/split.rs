//! Pre-tokenizers: how byte-level BPE cuts a text into words before merging. Each is a list of cuts that are made one
//! after the other; what a cut finds and what lies between become pieces.
//!
//! No pattern looks around or refers back, so that every one runs in a time that grows with the text's length alone. What
//! the published patterns say by looking ahead is said by the kind of cut.

use fancy_regex::Regex;

pub(super) struct Splitter {
    cuts: Vec<(Cut, Regex)>,
    kind: &'static Known,
}

#[derive(Clone, Copy)]
enum Cut {
    /// Every match is a piece.
    At(&'static str),
    /// The same, where the last alternative is `\s+` and stands for the published `\s+(?!\S)|\s+`: white space leaves its
    /// last character to the word that follows. A match that ends a line is complete.
    Lines(&'static str),
    /// The same for patterns without an alternative for line ends.
    Words(&'static str),
    /// Every match is a number, cut into threes from its right end.
    Threes(&'static str),
}

struct Known {
    /// Names in `tokenizer.ggml.pre`.
    names: &'static [&'static str],
    cuts: &'static [Cut],
    /// A whole word that is a token is taken without merging.
    whole_words: bool,
    /// The start token goes before a text when the file does not say.
    start: bool,
    /// Tokens are written in plain letters, with ▁ for a space and <0xXX> for a byte that no token covers.
    plain: bool,
}

use Cut::{At, Lines, Threes, Words};

const GPT2: Cut = Words(r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+");
const LLAMA3: Cut = Lines(
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+",
);
const QWEN2: Cut = Lines(
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+",
);
/// As Qwen 2's, with marks as part of words.
const QWEN35: Cut = Lines(
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+",
);
/// Words of lower case with at most a capital beginning, contractions with their word.
const GPT4O: Cut = Lines(concat!(
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
    r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
    r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+"
));
const TEKKEN: Cut = Lines(concat!(
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+",
    r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*",
    r"|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+"
));
/// As GPT-4o's, with Chinese in pieces of its own.
const KIMI: Cut = Lines(concat!(
    r"\p{Han}+",
    r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]*[\p{Ll}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]+",
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
    r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]+[\p{Ll}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]*",
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)?", r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+"
));
const YOUTU: Cut = Lines(concat!(
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
    r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
    r"|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+"
));
/// DeepSeek V3: a sign goes with the word that follows it.
const DEEPSEEK3: Cut = Lines(concat!(
    r##"[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+"##,
    r"| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+"
));
const HAN_KANA: Cut = At(r"[\x{4E00}-\x{9FA5}\x{3040}-\x{309F}\x{30A0}-\x{30FF}]+");
const BAILING: Cut =
    Lines(r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]|\s+");
const EXAONE_MOE: Cut = Lines(concat!(
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?(?:\p{L}\p{M}*(?: \p{L}\p{M}*)*)+|\p{N}",
    r"| ?[^\s\p{L}\p{N}]+[\r\n/]?|\s*[\r\n]|\s+"
));
const SEED: Cut = Lines(
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}\r\n]+|\s*[\r\n]+|\s+",
);
const BLOOM: Cut = At(r" ?[^(\s|.,!?…。，、।۔،)]+");
const LINES: Cut = At(r"[^\n]+|\n+");
const ASIAN: Cut = At(concat!(
    r"[\x{4E00}-\x{9FFF}\x{3400}-\x{4DBF}\x{F900}-\x{FAFF}\x{3040}-\x{309F}\x{30A0}-\x{30FF}\x{FF65}-\x{FF9F}",
    r"\x{2F00}-\x{2FDF}\x{0E00}-\x{0E7F}\x{0E80}-\x{0EFF}\x{1780}-\x{17FF}\x{1000}-\x{109F}\x{AA60}-\x{AA7F}",
    r"\x{A9E0}-\x{A9FF}\x{AC00}-\x{D7AF}\x{1100}-\x{11FF}]+"
));
const YOUTU_SIGNS: Cut = At(concat!(
    r"[\x{AC00}-\x{D7A3}\x{3131}-\x{318E}]+|[！…“”‘’—：；，\x{3001}-\x{303F}\x{FE30}-\x{FE4F}]+",
    r"|[\x{3105}-\x{312F}]+|[\x{4E00}-\x{9FA5}\x{3040}-\x{309F}\x{30A0}-\x{30FF}]+"
));
const MINICPM5: Cut = Lines(
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}+| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+",
);
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

const PLAIN: Known = Known { names: &[], cuts: &[], whole_words: false, start: false, plain: false };

/// Names, patterns and flags as llama.cpp's converter writes them and its vocabulary reads them.
const KNOWN: &[Known] = &[
    Known {
        names: &["default"],
        cuts: &[At(r"[\p{P}\$\+<=>\^~\|]+"), GPT2, At(r"\p{N}+"), At(r"[0-9][0-9][0-9]")],
        ..PLAIN
    },
    Known {
        names: &[
            "gpt-2", "gpt2", "phi-2", "jina-es", "jina-de", "jina-v2-es", "jina-v2-de", "jina-v1-en",
            "jina-v2-code", "roberta-bpe", "modern-bert", "gigachat", "a.x-4.0", "mellum", "mpt", "olmo",
            "jais", "trillion", "granite-docling", "exaone4",
        ],
        cuts: &[GPT2],
        ..PLAIN
    },
    Known {
        names: &[
            "llama-bpe", "llama3", "llama-v3", "falcon3", "falcon-h1", "pixtral", "midm-2.0", "lfm2",
            "jina-v5-nano",
        ],
        cuts: &[LLAMA3],
        whole_words: true,
        start: true,
        ..PLAIN
    },
    Known { names: &["dbrx", "smaug-bpe", "chatglm-bpe"], cuts: &[LLAMA3], ..PLAIN },
    Known { names: &["glm4", "glm5"], cuts: &[LLAMA3], whole_words: true, ..PLAIN },
    Known {
        names: &[
            "qwen2", "deepseek-r1-qwen", "stablelm2", "hunyuan", "megrez", "solar-open", "grok-2", "kormo",
            "f2llmv2",
        ],
        cuts: &[QWEN2],
        ..PLAIN
    },
    Known { names: &["qwen35"], cuts: &[QWEN35], ..PLAIN },
    Known {
        names: &["deepseek-coder"],
        cuts: &[At(r"[\r\n]"), At(r"\s?\p{L}+"), At(r"\s?\p{P}+"), At(DEEPSEEK_CJK), At(r"\p{N}")],
        ..PLAIN
    },
    Known {
        names: &["deepseek-llm"],
        cuts: &[
            At(r"[\r\n]"),
            At(DEEPSEEK_LETTERS),
            At(DEEPSEEK_SIGNS),
            At(r"\s+$"),
            At(DEEPSEEK_CJK),
            At(r"\p{N}+"),
        ],
        ..PLAIN
    },
    Known {
        names: &["deepseek-v3", "hunyuan-dense", "joyai-llm", "hy_v4"],
        cuts: &[At(r"\p{N}{1,3}"), HAN_KANA, DEEPSEEK3],
        ..PLAIN
    },
    Known {
        names: &["falcon"],
        cuts: &[At(r"[\p{P}\$\+<=>\^~\|`]+"), GPT2, At(r"[0-9][0-9][0-9]")],
        ..PLAIN
    },
    Known {
        names: &[
            "smollm", "starcoder", "refact", "command-r", "codeshell", "exaone", "minerva-7b", "mellum2",
        ],
        cuts: &[At(r"\p{N}"), GPT2],
        ..PLAIN
    },
    Known { names: &["poro-chat", "bloom", "gpt3-finnish"], cuts: &[BLOOM], ..PLAIN },
    Known { names: &["viking"], cuts: &[BLOOM, At(r"\p{N}")], ..PLAIN },
    Known { names: &["tekken"], cuts: &[TEKKEN], whole_words: true, start: true, ..PLAIN },
    Known { names: &["gpt-4o", "llama4", "kanana2", "minimax-m2", "talkie"], cuts: &[GPT4O], ..PLAIN },
    Known { names: &["tiny_aya", "cohere2moe"], cuts: &[Threes(r"\d+\b"), GPT4O], ..PLAIN },
    Known { names: &["superbpe"], cuts: &[At(r"\p{N}+"), Threes(r"\d+")], ..PLAIN },
    Known { names: &["kimi-k2"], cuts: &[KIMI], ..PLAIN },
    Known { names: &["bailingmoe", "bailingmoe2", "llada-moe"], cuts: &[BAILING], ..PLAIN },
    Known { names: &["seed-coder"], cuts: &[SEED], ..PLAIN },
    Known { names: &["exaone-moe"], cuts: &[EXAONE_MOE], ..PLAIN },
    Known { names: &["youtu"], cuts: &[YOUTU_SIGNS, YOUTU], whole_words: true, ..PLAIN },
    Known { names: &["afmoe"], cuts: &[Threes(r"\p{N}+"), ASIAN, DEEPSEEK3], ..PLAIN },
    Known { names: &["minicpm5"], cuts: &[At(r"\p{N}{1,3}"), MINICPM5], whole_words: true, ..PLAIN },
    Known { names: &["laguna"], cuts: &[LINES, QWEN2], ..PLAIN },
    Known { names: &["gemma4"], cuts: &[LINES], start: true, plain: true, ..PLAIN },
    Known { names: &["sarvam-moe"], cuts: &[LINES], plain: true, ..PLAIN },
];

impl Splitter {
    /// The pre-tokenizer of this name. An unknown name is given back: guessing would silently give other tokens than the
    /// model was trained on.
    pub fn named(name: &str) -> Result<Splitter, String> {
        let kind = KNOWN.iter().find(|known| known.names.contains(&name)).ok_or_else(|| name.to_owned())?;
        let compile = |&cut: &Cut| {
            let (At(pattern) | Lines(pattern) | Words(pattern) | Threes(pattern)) = cut;
            (cut, Regex::new(pattern).expect("the patterns are constants that a test compiles"))
        };
        Ok(Splitter { cuts: kind.cuts.iter().map(compile).collect(), kind })
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

    pub fn writes_plainly(&self) -> bool {
        self.kind.plain
    }

    /// The words of a text; together they are the text.
    pub fn split<'a>(&self, text: &'a str) -> Vec<&'a str> {
        let mut pieces = vec![text];
        for (cut, pattern) in &self.cuts {
            let mut finer = Vec::with_capacity(pieces.len());
            for piece in pieces {
                cut.split(pattern, piece, &mut finer);
            }
            pieces = finer;
        }
        pieces
    }
}

impl Cut {
    fn split<'a>(self, pattern: &Regex, piece: &'a str, pieces: &mut Vec<&'a str>) {
        let mut from = 0;
        // A pattern without look-around cannot fail; should one, the rest of the piece stays whole.
        while let Ok(Some(found)) = pattern.find_from_pos(piece, from) {
            let (start, mut end) = (found.start(), found.end());
            if start > from {
                pieces.push(&piece[from..start]);
            }
            if let Lines(_) | Words(_) = self {
                end = self.without_last_space(piece, start, end);
            }
            match self {
                Threes(_) => threes(&piece[start..end], pieces),
                _ => pieces.push(&piece[start..end]),
            }
            from = end;
        }
        if from < piece.len() {
            pieces.push(&piece[from..]);
        }
    }

    /// Where white space ends that something follows: before its last character, unless that is all there is.
    fn without_last_space(self, piece: &str, start: usize, end: usize) -> usize {
        let found = &piece[start..end];
        let line_end = matches!(self, Lines(_)) && found.ends_with(['\r', '\n']);
        let last = found.char_indices().next_back().map_or(0, |(at, _)| at);
        if end == piece.len() || last == 0 || line_end || !found.ends_with(char::is_whitespace) {
            return end;
        }
        // Only the last alternative both begins and ends with white space.
        if found.starts_with(char::is_whitespace) { start + last } else { end }
    }
}

/// Cuts a number into threes from its right end.
fn threes<'a>(number: &'a str, pieces: &mut Vec<&'a str>) {
    let places: Vec<usize> = number.char_indices().map(|(at, _)| at).chain([number.len()]).collect();
    let digits = places.len() - 1;
    let mut from = 0;
    while from < digits {
        let to = if from == 0 && !digits.is_multiple_of(3) { digits % 3 } else { from + 3 };
        pieces.push(&number[places[from]..places[to]]);
        from = to;
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
                assert!(Splitter::named(name).is_ok(), "{name}");
            }
        }
        assert_eq!(Splitter::named("of-the-future").err().as_deref(), Some("of-the-future"));
    }

    #[test]
    fn words_are_cut_as_published() {
        let split = |name, text| Splitter::named(name).unwrap().split(text).join("|");
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
            let pieces = Splitter::named(known.names[0]).unwrap();
            assert_eq!(pieces.split(&spaces).concat().len(), spaces.len());
        }
    }

    proptest! {
        #[test]
        fn nothing_is_lost(text in "(\\PC|\\s){0,80}") {
            // Compiling the patterns takes far longer than a split.
            static SPLITTERS: LazyLock<Vec<Splitter>> = LazyLock::new(|| {
                KNOWN.iter().map(|known| Splitter::named(known.names[0]).unwrap()).collect()
            });
            for splitter in SPLITTERS.iter() {
                prop_assert_eq!(splitter.split(&text).concat(), &text[..]);
            }
        }
    }
}
