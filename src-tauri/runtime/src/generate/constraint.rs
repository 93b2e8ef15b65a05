//! Constraints: an answer that follows a JSON schema, a regular expression or a grammar, token by token.
//!
//! The constraint allows a set of tokens at each step, and the sampler chooses among them; so an answer that comes to
//! its end fits, whatever the model is. One that is cut by the limit of tokens is the beginning of one that fits.
//! Source: the derivative-based lexer and Earley parser of llguidance.

use std::sync::Arc;

use llguidance::api::TopLevelGrammar;
use llguidance::toktrie::{ApproximateTokEnv, InferenceCapabilities, SimpleVob, TokRxInfo, TokTrie};
use llguidance::{Matcher, ParserFactory};

use super::RequestError;
use crate::host::Constraint;
use crate::tokenizer::{Kind, Tokenizer};

/// Longest constraint: the largest published schemas (FHIR) are larger, and too large for a prompt's patience.
const BYTES: usize = 256 << 10;
/// Deepest nesting of brackets: the compiler of a constraint recurses.
const DEPTH: usize = 64;
/// States of the lexer, at most about 2 kB each.
const LEXER_STATES: usize = 50_000;
/// Between the signs of JSON: one space, or a new line and up to sixteen spaces. A model that is lost cannot go on with
/// white space for ever.
const WHITE_SPACE: &str = r"\x20|\n\x20{0,16}";

/// How the library's error begins when no token of the vocabulary may come.
const NOTHING_FITS: &str = "NoExtensionBias";

/// What is needed for every constraint of one vocabulary.
pub(super) struct Grammars {
    factory: ParserFactory,
}

/// One answer's constraint on its way.
pub(super) struct Guide {
    matcher: Matcher,
    allowed: SimpleVob,
}

impl Grammars {
    pub fn new(tokenizer: &Tokenizer) -> Result<Grammars, RequestError> {
        let vocabulary = tokenizer.vocabulary();
        let count = vocabulary.len() as u32;
        let mut words: Vec<Vec<u8>> = (0..count)
            .map(|id| match vocabulary.kind(id) {
                // Stands for text that the vocabulary does not have.
                Kind::Unknown => Vec::new(),
                _ => tokenizer.bytes(id),
            })
            // No text has the byte 255, and the library marks control tokens with it.
            .map(|word| if word.contains(&255) { Vec::new() } else { word })
            .collect();
        let mut ends: Vec<u32> = (0..count).filter(|&id| tokenizer.is_end(id)).collect();
        for &end in &ends {
            words[end as usize].clear();
        }
        if ends.is_empty() {
            // The library wants one: it stands behind the vocabulary, where no model can choose it.
            words.push(Vec::new());
            ends.push(count);
        }
        let trie = TokTrie::from(&TokRxInfo::new(words.len() as u32, ends[0]), &words).with_eos_tokens(&ends);
        let environment: Arc<_> = Arc::new(ApproximateTokEnv::new(trie));
        let slices = llguidance::earley::SlicedBiasComputer::json_slices();
        let mut factory = ParserFactory::new(
            &(environment as llguidance::toktrie::TokEnv),
            InferenceCapabilities::default(),
            &slices,
        )
        .map_err(|error| refused("vocabulary", &error))?;
        factory.quiet();
        let limits = factory.limits_mut();
        limits.max_lexer_states = LEXER_STATES;
        limits.verbose_errors = false;
        Ok(Grammars { factory })
    }

    pub fn guide(&self, constraint: &Constraint) -> Result<Guide, RequestError> {
        let (kind, text) = match constraint {
            Constraint::JsonSchema(text) => ("JSON schema", text),
            Constraint::Regex(text) => ("regular expression", text),
            Constraint::Lark(text) => ("grammar", text),
        };
        let say = |why: String| RequestError::Constraint(format!("{kind}: {why}"));
        if text.len() > BYTES {
            return Err(say(format!("it has {} bytes; at most {BYTES} are possible", text.len())));
        }
        if let Some(at) = too_deep(text) {
            let line = text[..at].lines().count().max(1);
            return Err(say(format!("line {line}: brackets are nested more than {DEPTH} deep")));
        }
        let grammar = match constraint {
            Constraint::JsonSchema(text) => {
                let mut schema: serde_json::Value =
                    serde_json::from_str(text).map_err(|error| say(error.to_string()))?;
                if !schema.is_object() {
                    return Err(say("it is not a JSON object".into()));
                }
                // A schema may bring settings of its own. `oneOf` is taken as `anyOf`: a text that fits two is not refused.
                if schema.get("x-guidance").is_none() {
                    schema["x-guidance"] =
                        serde_json::json!({ "whitespace_pattern": WHITE_SPACE, "coerce_one_of": true });
                }
                TopLevelGrammar::from_json_schema(schema)
            }
            Constraint::Regex(text) => TopLevelGrammar::from_regex(text),
            Constraint::Lark(text) => TopLevelGrammar::from_lark(text.clone()),
        };
        let mut matcher = Matcher::new(self.factory.create_parser(grammar));
        match matcher.compute_mask() {
            Ok(allowed) => Ok(Guide { matcher, allowed }),
            Err(error) if error.to_string().starts_with(NOTHING_FITS) => {
                Err(say("the vocabulary has no token that it may begin with".into()))
            }
            Err(error) => Err(refused(kind, &error)),
        }
    }
}

impl Guide {
    pub fn allows(&self, id: u32) -> bool {
        (id as usize) < self.allowed.len() && self.allowed.is_allowed(id)
    }

    /// Takes a chosen token that is no end token. True when nothing can follow it.
    pub fn take(&mut self, id: u32) -> Result<bool, RequestError> {
        self.matcher.consume_token(id).map_err(|error| refused("constraint", &error))?;
        if self.matcher.is_stopped() {
            return match self.matcher.get_error() {
                None => Ok(true),
                Some(why) => Err(RequestError::Constraint(first_lines(&why))),
            };
        }
        self.allowed = self.matcher.compute_mask().map_err(|error| refused("constraint", &error))?;
        Ok(self.matcher.is_stopped())
    }
}

fn refused(kind: &str, error: &dyn std::fmt::Display) -> RequestError {
    RequestError::Constraint(format!("{kind}: {}", first_lines(&error.to_string())))
}

/// Messages of the library may go on with its whole state.
fn first_lines(text: &str) -> String {
    let mut text: String = text.lines().map(str::trim).take(3).collect::<Vec<_>>().join("; ");
    text.truncate(text.floor_char_boundary(300));
    text
}

/// Where brackets are nested too deep. Those in strings count too: they only make it stricter.
fn too_deep(text: &str) -> Option<usize> {
    let mut depth = 0usize;
    text.bytes().position(|byte| {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth > DEPTH
    })
}
