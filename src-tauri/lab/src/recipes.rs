//! The recipes of the starter experts: what each learns, how large it is, how long it trains.

use crate::LabError;
use crate::data::{self, Corpus, Own};
use crate::tokenizer::BYTES_ONLY;
use crate::train::model::Shape;
use crate::train::{Recipe, TokenizerFrom};

pub const NAMES: [&str; 5] = ["arithmetic", "units", "words", "code", "generalist"];

/// 768 tokens, learned once from texts of arithmetic, units and code, and kept, so that a new wording in one of them
/// does not change the others.
const BASE_TOKENIZER: &str = include_str!("base_tokenizer.json");

/// The step of arithmetic from which units start: copying and digit-wise work are learned by then.
const BASE_STEP: u64 = 3000;
/// The last step of arithmetic, from which the generalist starts.
const ARITHMETIC: u64 = 15_000;

/// About 0.75 million parameters.
fn dense(vocabulary: usize) -> Shape {
    Shape {
        vocabulary,
        width: 128,
        layers: 4,
        heads: 4,
        feed_forward: 256,
        experts: 0,
        experts_used: 0,
        context: 512,
        rope_base: 10_000.0,
        norm_eps: 1e-5,
    }
}

/// One recipe by its name.
pub fn recipe(name: &str) -> Result<Recipe, LabError> {
    let corpus = data::corpus;
    let own = |name| corpus(name).map(|corpus| Box::new(Own(corpus)) as Box<dyn Corpus>);
    let base = Recipe {
        name: "",
        corpora: Vec::new(),
        parent: None,
        kept: &[],
        tokenizer: TokenizerFrom::Json(BASE_TOKENIZER),
        shape: dense(512),
        cycles: &[],
        batch_tokens: 1536,
        learning_rate: 2e-3,
        seed: 20_261_121,
    };
    Ok(match name {
        "arithmetic" => Recipe {
            name: "arithmetic",
            corpora: vec![(corpus("arithmetic")?, 1.0)],
            kept: &[BASE_STEP, ARITHMETIC],
            shape: dense(768),
            cycles: &[10_000, 5000],
            ..base
        },
        "units" => Recipe {
            name: "units",
            corpora: vec![(corpus("units")?, 1.0)],
            parent: Some(("arithmetic", BASE_STEP)),
            cycles: &[2700],
            ..base
        },
        // Letters are its subject: every byte is a token.
        "words" => Recipe {
            name: "words",
            corpora: vec![(corpus("words")?, 1.0)],
            tokenizer: TokenizerFrom::Texts(vec![corpus("words")?]),
            shape: dense(BYTES_ONLY),
            cycles: &[11_000, 5000],
            ..base
        },
        "code" => Recipe {
            name: "code",
            corpora: vec![(corpus("code")?, 1.0)],
            tokenizer: TokenizerFrom::Texts(vec![corpus("code")?]),
            shape: dense(768),
            cycles: &[6000, 3000],
            ..base
        },
        "generalist" => Recipe {
            name: "generalist",
            corpora: vec![
                (own("arithmetic")?, 0.2),
                (own("units")?, 0.2),
                (own("words")?, 0.15),
                (own("code")?, 0.2),
                (corpus("everyday")?, 0.25),
            ],
            parent: Some(("arithmetic", ARITHMETIC)),
            shape: Shape { experts: 8, experts_used: 2, ..dense(0) },
            cycles: &[2500],
            learning_rate: 1.5e-3,
            ..base
        },
        other => return Err(LabError::NoRecipe(other.into())),
    })
}
