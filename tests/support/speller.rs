//! A random model whose vocabulary can spell every text: bytes, and some pieces. Needs `mod recipe` beside it.

use runtime::gguf::write::Writer;

pub fn writer() -> Writer {
    of(crate::recipe::reference().models[0].clone())
}

/// A model of this shape that can spell.
pub fn of(mut recipe: crate::recipe::Recipe) -> Writer {
    let mut tokens: Vec<String> = ["<unk>", "<s>", "</s>"].map(String::from).into();
    let mut kinds = vec![2, 3, 3];
    for byte in 0..256 {
        tokens.push(format!("<0x{byte:02X}>"));
        kinds.push(6);
    }
    for piece in ["▁", "\",\"", "{\"", "\":", "tr", "true", "ab", "abc", "12", "▁the", "▁story", "é"] {
        tokens.push(piece.into());
        kinds.push(1);
    }
    recipe.vocabulary = tokens.len() as u64;
    let mut writer = recipe.writer();
    writer
        .set("tokenizer.ggml.scores", vec![0f32; tokens.len()])
        .set("tokenizer.ggml.tokens", tokens)
        .set("tokenizer.ggml.token_type", kinds)
        .set("tokenizer.ggml.add_bos_token", true);
    writer
}
