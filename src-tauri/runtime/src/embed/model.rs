//! The folder of an encoder: its configuration, its words and its weights, each checked before it is used.

use super::bert;
use crate::blocks::{Linear, Norm, NormKind};
use crate::gguf::{self, Dtype};
use crate::pool::Pool;
use crate::safetensors::{Header, SafetensorsError};
use crate::tokenizer::Words;
use crate::weights::{Matrix, Weights};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// Largest configuration and largest list of words, in bytes; those that are published have some kilobytes and 5 MB.
const CONFIG: u64 = 1 << 20;
const WORDS: u64 = 32 << 20;
/// Some times what the largest published encoders have.
const WIDTH: usize = 8192;
const INNER: usize = 65_536;
const LAYERS: usize = 96;
const POSITIONS: usize = 32_768;
/// Tokens of a text that are read when the folder does not say.
const TOKENS: usize = 512;
/// Tokens that go through the layers together.
const BATCH: usize = 512;

/// An encoder that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum EmbedError {
    #[error("{}: {problem}", .path.display())]
    File { path: PathBuf, problem: std::io::Error },
    #[error("{}: {field}: {why}", .path.display())]
    Field { path: PathBuf, field: String, why: String },
    #[error(transparent)]
    Weights(#[from] SafetensorsError),
    #[error("no threads can be started: {0}")]
    Threads(std::io::Error),
}

impl EmbedError {
    /// Stable name for programs.
    pub fn code(&self) -> &'static str {
        match self {
            EmbedError::File { .. } => "embed.file",
            EmbedError::Field { .. } => "embed.unsupported",
            EmbedError::Weights(error) => error.code(),
            EmbedError::Threads(_) => "embed.threads",
        }
    }

    /// What to do about it.
    pub fn fix(&self) -> &'static str {
        match self {
            EmbedError::File { .. } => {
                "Choose a folder with config.json, vocab.txt and model.safetensors of one encoder."
            }
            EmbedError::Field { .. } => {
                "Choose a BERT encoder such as all-MiniLM-L6-v2 or bge-small-en-v1.5."
            }
            EmbedError::Weights(error) => error.fix(),
            EmbedError::Threads(_) => "Close other programs and try again.",
        }
    }
}

/// The files of a folder, open: whoever has them can read an encoder when it may open nothing more.
pub(super) struct Files {
    folder: PathBuf,
    config: File,
    words: File,
    weights: File,
    /// Those that a folder may lack.
    pooling: Option<File>,
    limits: Option<File>,
    casing: Option<File>,
}

impl Files {
    pub fn open(folder: &Path) -> Result<Files, EmbedError> {
        let must = |name: &str| {
            let path = folder.join(name);
            gguf::open(&path).map_err(|error| EmbedError::File {
                problem: std::io::Error::other(error.problem.to_string()),
                path,
            })
        };
        let may = |name: &str| gguf::open(&folder.join(name)).ok();
        Ok(Files {
            folder: folder.to_path_buf(),
            config: must("config.json")?,
            words: must("vocab.txt")?,
            weights: must("model.safetensors")?,
            pooling: may("1_Pooling/config.json"),
            limits: may("sentence_bert_config.json"),
            casing: may("tokenizer_config.json"),
        })
    }

    /// Bytes of the weights.
    pub fn size(&self) -> u64 {
        self.weights.metadata().map_or(0, |about| about.len())
    }
}

#[derive(Deserialize)]
struct Config {
    model_type: Option<String>,
    hidden_size: usize,
    num_hidden_layers: usize,
    num_attention_heads: usize,
    intermediate_size: usize,
    max_position_embeddings: usize,
    vocab_size: usize,
    #[serde(default = "kinds")]
    type_vocab_size: usize,
    #[serde(default = "gelu")]
    hidden_act: String,
    #[serde(default = "epsilon")]
    layer_norm_eps: f32,
    position_embedding_type: Option<String>,
}

/// What BERT's own configuration says where a file is silent.
fn kinds() -> usize {
    2
}

fn gelu() -> String {
    "gelu".into()
}

fn epsilon() -> f32 {
    1e-12
}

#[derive(Deserialize, Default)]
struct PoolingConfig {
    #[serde(default)]
    pooling_mode_cls_token: bool,
    #[serde(default)]
    pooling_mode_mean_tokens: bool,
}

#[derive(Deserialize, Default)]
struct Limits {
    max_seq_length: Option<usize>,
}

#[derive(Deserialize, Default)]
struct Casing {
    do_lower_case: Option<bool>,
    strip_accents: Option<bool>,
}

/// Which tokens speak for a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pooling {
    First,
    Mean,
}

/// The weights in their places.
pub(super) struct Model {
    pub width: usize,
    pub heads: usize,
    /// (vocabulary, width)
    pub words: Matrix,
    /// (positions, width)
    pub positions: Vec<f32>,
    /// Of the first of two texts, which every text is here; (width)
    pub kind: Vec<f32>,
    pub norm: Norm,
    pub layers: Vec<Layer>,
    pub pooling: Pooling,
}

pub(super) struct Layer {
    pub query: Linear,
    pub key: Linear,
    pub value: Linear,
    /// What the heads saw, put together.
    pub look: Linear,
    pub look_norm: Norm,
    pub up: Linear,
    pub down: Linear,
    pub norm: Norm,
}

/// Ready to embed.
pub struct Encoder {
    model: Model,
    words: Words,
    /// The first and the last token of every text.
    ends: [u32; 2],
    /// Tokens of a text that are read; what is beyond them is not.
    most: usize,
    pool: Pool,
}

impl Encoder {
    /// Reads the encoder in a folder, to compute on this many threads.
    pub fn open(folder: &Path, threads: usize) -> Result<Encoder, EmbedError> {
        Encoder::read(Files::open(folder)?, threads)
    }

    pub(super) fn read(files: Files, threads: usize) -> Result<Encoder, EmbedError> {
        let Files { folder, config, words, weights, pooling, limits, casing } = files;
        let place = folder.join("config.json");
        let config: Config = json(config, &place)?;
        check(&config, &place)?;
        let path = folder.join("1_Pooling/config.json");
        let pooling = match pooling.map(|file| json::<PoolingConfig>(file, &path)).transpose()? {
            None => Pooling::Mean,
            Some(config) => match (config.pooling_mode_cls_token, config.pooling_mode_mean_tokens) {
                (true, false) => Pooling::First,
                (false, true) => Pooling::Mean,
                _ => {
                    return Err(field(
                        &path, "pooling_mode", "only the first token or the mean of all can be used",
                    ));
                }
            },
        };
        let path = folder.join("sentence_bert_config.json");
        let limits: Limits = limits.map(|file| json(file, &path)).transpose()?.unwrap_or_default();
        let path = folder.join("tokenizer_config.json");
        let casing: Casing = casing.map(|file| json(file, &path)).transpose()?.unwrap_or_default();

        let most = limits.max_seq_length.unwrap_or(TOKENS).clamp(3, config.max_position_embeddings);
        let path = folder.join("vocab.txt");
        let text = whole(words, WORDS, &path)?;
        let lowercase = casing.do_lower_case.unwrap_or(true);
        let words = Words::read(&text, lowercase, casing.strip_accents.unwrap_or(lowercase))
            .map_err(|(name, why)| field(&path, &name, &why))?;
        if words.len() > config.vocab_size {
            let why = format!("{} words where config.json says {}", words.len(), config.vocab_size);
            return Err(field(&path, "words", &why));
        }
        let end = |name: &str| words.id(name).ok_or_else(|| field(&path, name, "the word is absent"));
        let ends = [end("[CLS]")?, end("[SEP]")?];
        let model = model(&config, pooling, weights, &folder.join("model.safetensors"))?;
        let pool = Pool::new(threads).map_err(EmbedError::Threads)?;
        Ok(Encoder { model, words, ends, most, pool })
    }

    /// Numbers of a vector.
    pub fn width(&self) -> usize {
        self.model.width
    }

    /// A vector of length 1 for each text, of its beginning where it is longer than the encoder reads.
    pub fn embed<S: AsRef<str>>(&self, texts: &[S]) -> Vec<Vec<f32>> {
        self.forward(&texts.iter().map(|text| self.ids(text.as_ref())).collect::<Vec<_>>())
    }

    /// The same for each word piece of the list, in its order, as if it were a text.
    pub fn embed_words(&self) -> Vec<Vec<f32>> {
        let alone = |word| vec![self.ends[0], word, self.ends[1]];
        self.forward(&(0..self.words.len() as u32).map(alone).collect::<Vec<_>>())
    }

    fn forward(&self, ids: &[Vec<u32>]) -> Vec<Vec<f32>> {
        let mut vectors = Vec::with_capacity(ids.len());
        let mut from = 0;
        while from < ids.len() {
            let mut tokens = 0;
            let fits = |ids: &&Vec<u32>| {
                tokens += ids.len();
                tokens <= BATCH
            };
            let count = ids[from..].iter().take_while(fits).count().max(1);
            vectors.extend(self.pool.install(|| bert::forward(&self.model, &ids[from..from + count])));
            from += count;
        }
        vectors
    }

    /// The tokens of a text with its ends.
    pub fn ids(&self, text: &str) -> Vec<u32> {
        let mut ids = vec![self.ends[0]];
        self.words.encode(text, self.most - 1, &mut ids);
        ids.push(self.ends[1]);
        ids
    }
}

fn check(config: &Config, path: &Path) -> Result<(), EmbedError> {
    let wrong = |name: &str, why: String| Err(field(path, name, &why));
    if let Some(other) = config.model_type.as_deref().filter(|name| *name != "bert") {
        return wrong("model_type", format!("is \"{other}\"; only \"bert\" can be used"));
    }
    if config.hidden_act != "gelu" {
        return wrong("hidden_act", format!("is \"{}\"; only \"gelu\" can be used", config.hidden_act));
    }
    if let Some(other) = config.position_embedding_type.as_deref().filter(|name| *name != "absolute") {
        return wrong("position_embedding_type", format!("is \"{other}\"; only \"absolute\" can be used"));
    }
    for (name, value, most) in [
        ("hidden_size", config.hidden_size, WIDTH),
        ("num_hidden_layers", config.num_hidden_layers, LAYERS),
        ("num_attention_heads", config.num_attention_heads, config.hidden_size),
        ("intermediate_size", config.intermediate_size, INNER),
        ("max_position_embeddings", config.max_position_embeddings, POSITIONS),
        ("type_vocab_size", config.type_vocab_size, WIDTH),
    ] {
        if value == 0 || value > most {
            return wrong(name, format!("is {value}; 1 to {most} are possible"));
        }
    }
    if config.max_position_embeddings < 3 {
        return wrong("max_position_embeddings", "leaves no room for a token".into());
    }
    if !config.hidden_size.is_multiple_of(config.num_attention_heads) {
        let heads = config.num_attention_heads;
        return wrong(
            "hidden_size",
            format!("is {}, which is no multiple of {heads} heads", config.hidden_size),
        );
    }
    if !(config.layer_norm_eps >= 0.0 && config.layer_norm_eps < 1.0) {
        return wrong("layer_norm_eps", format!("is {}", config.layer_norm_eps));
    }
    Ok(())
}

fn model(config: &Config, pooling: Pooling, file: File, path: &Path) -> Result<Model, EmbedError> {
    let size = file.metadata().map_err(|problem| EmbedError::File { path: path.into(), problem })?.len();
    let header = Header::parse(std::io::BufReader::with_capacity(1 << 13, &file), size, path)?;
    let map =
        Weights::whole(&file, size).map_err(|problem| EmbedError::File { path: path.into(), problem })?;
    // Some files were saved with the name of the whole model before each tensor.
    let prefix = if header.tensor("embeddings.word_embeddings.weight").is_some() { "" } else { "bert." };
    let source = Source { header, map, path, prefix };
    let (width, inner) = (config.hidden_size, config.intermediate_size);
    let norm = |name: &str| source.norm(name, width, config.layer_norm_eps);
    let layer = |number: usize| -> Result<Layer, EmbedError> {
        let linear = |name: &str, columns, rows| {
            source.linear(&format!("encoder.layer.{number}.{name}"), columns, rows)
        };
        let norm = |name: &str| norm(&format!("encoder.layer.{number}.{name}"));
        Ok(Layer {
            query: linear("attention.self.query", width, width)?,
            key: linear("attention.self.key", width, width)?,
            value: linear("attention.self.value", width, width)?,
            look: linear("attention.output.dense", width, width)?,
            look_norm: norm("attention.output.LayerNorm")?,
            up: linear("intermediate.dense", width, inner)?,
            down: linear("output.dense", inner, width)?,
            norm: norm("output.LayerNorm")?,
        })
    };
    let rows = |name: &str, rows: usize| source.floats(name, &[rows, width]);
    Ok(Model {
        width,
        heads: config.num_attention_heads,
        words: source.matrix("embeddings.word_embeddings.weight", width, config.vocab_size)?,
        positions: rows("embeddings.position_embeddings.weight", config.max_position_embeddings)?,
        kind: rows("embeddings.token_type_embeddings.weight", config.type_vocab_size)?[..width].to_vec(),
        norm: norm("embeddings.LayerNorm")?,
        layers: (0..config.num_hidden_layers).map(layer).collect::<Result<_, _>>()?,
        pooling,
    })
}

struct Source<'a> {
    header: Header,
    map: Weights,
    path: &'a Path,
    prefix: &'static str,
}

impl Source<'_> {
    fn linear(&self, name: &str, columns: usize, rows: usize) -> Result<Linear, EmbedError> {
        let matrix = self.matrix(&format!("{name}.weight"), columns, rows)?;
        let bias = self.floats(&format!("{name}.bias"), &[rows])?;
        Ok(Linear { matrix, bias: Some(bias) })
    }

    fn norm(&self, name: &str, width: usize, epsilon: f32) -> Result<Norm, EmbedError> {
        Ok(Norm {
            kind: NormKind::Layer,
            epsilon,
            span: width,
            weight: self.floats(&format!("{name}.weight"), &[width])?,
            bias: Some(self.floats(&format!("{name}.bias"), &[width])?),
        })
    }

    fn floats(&self, name: &str, shape: &[usize]) -> Result<Vec<f32>, EmbedError> {
        let columns = shape.last().copied().unwrap_or(1);
        let matrix = self.shaped(name, shape, columns)?;
        let mut values = vec![0.0; shape.iter().product()];
        for (row, out) in values.chunks_exact_mut(columns).enumerate() {
            matrix.read_row(row, out);
        }
        Ok(values)
    }

    fn matrix(&self, name: &str, columns: usize, rows: usize) -> Result<Matrix, EmbedError> {
        self.shaped(name, &[rows, columns], columns)
    }

    /// The tensor, which must have this shape. That its bytes are those of its shape and lie in the file, its header has
    /// checked.
    fn shaped(&self, name: &str, shape: &[usize], columns: usize) -> Result<Matrix, EmbedError> {
        let name = format!("{}{name}", self.prefix);
        let wrong = |why: String| field(self.path, &name, &why);
        let tensor = self.header.tensor(&name).ok_or_else(|| wrong("the tensor is absent".into()))?;
        if !tensor.shape.iter().copied().eq(shape.iter().map(|&size| size as u64)) {
            return Err(wrong(format!("has the shape {:?} where {shape:?} belongs", tensor.shape)));
        }
        let dtype = match tensor.dtype {
            "F32" => Dtype::F32,
            "F16" => Dtype::F16,
            "BF16" => Dtype::BF16,
            other => return Err(wrong(format!("is stored as {other}; F32, F16 and BF16 can be used"))),
        };
        let rows = shape.iter().product::<usize>() / columns;
        self.map
            .floats_at(tensor.offset, dtype, columns, rows)
            .ok_or_else(|| wrong("is not in the file".into()))
    }
}

fn field(path: &Path, name: &str, why: &str) -> EmbedError {
    EmbedError::Field { path: path.into(), field: name.into(), why: why.into() }
}

fn whole(file: File, most: u64, path: &Path) -> Result<String, EmbedError> {
    let mut text = String::new();
    let read = file.take(most + 1).read_to_string(&mut text);
    match read {
        Ok(read) if read as u64 > most => Err(field(path, "size", &format!("more than {most} bytes"))),
        Ok(_) => Ok(text),
        Err(problem) => Err(EmbedError::File { path: path.into(), problem }),
    }
}

fn json<T: DeserializeOwned>(file: File, path: &Path) -> Result<T, EmbedError> {
    let text = whole(file, CONFIG, path)?;
    serde_json::from_str(&text).map_err(|error| field(path, "JSON", &error.to_string()))
}
