//! Choice: which of an expert's files is used: the one that its user chose, else the best that fits the memory.

use super::manifest::{Implementation, Manifest};
use std::path::Path;

/// Bits a weight above which more of them are not seen in the answers, and cost as much time as memory.
/// Source: llama.cpp, tools/quantize/README.md: Q8_0 (8.5 bits) is 0.003 above F16 in the perplexity of Llama 3 8B.
const ENOUGH_BITS: f64 = 9.0;

/// The index of the file to use; 0 when none is there. Paths are absolute.
pub(super) fn choose(manifest: &Manifest, budget_bytes: u64) -> usize {
    let files = &manifest.implementations;
    let is_here = |at: &usize| why_not(Path::new(&files[*at].file), files[*at].bytes).is_none();
    let here = || (0..files.len()).filter(is_here);
    let wanted = manifest.uses.as_ref();
    if let Some(chosen) = here().find(|&at| wanted == Some(&files[at].file)) {
        return chosen;
    }
    let by_size = |&at: &usize| files[at].bytes;
    let fits = |at: &usize| files[*at].memory() <= budget_bytes;
    // What model pruning has made loses something: it is used where nothing whole fits, or somebody chose it.
    let whole_fits = here().any(|at| fits(&at) && files[at].pruned.is_none());
    let fitting = || here().filter(fits).filter(|&at| !whole_fits || files[at].pruned.is_none());
    let enough = fitting().filter(|&at| files[at].bits() <= ENOUGH_BITS).max_by_key(by_size);
    // What is larger than enough is used where there is nothing else, the smallest of it; so is what does not fit.
    enough.or_else(|| fitting().min_by_key(by_size)).or_else(|| here().min_by_key(by_size)).unwrap_or(0)
}

/// Why a file of so many bytes cannot be used now; 0 is any size.
pub(super) fn why_not(file: &Path, bytes: u64) -> Option<String> {
    match file.metadata() {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            Some(format!("its file {} is gone", file.display()))
        }
        Err(error) => Some(format!("its file {} cannot be read: {error}", file.display())),
        Ok(metadata) if !metadata.is_file() => Some(format!("{} is no file", file.display())),
        Ok(metadata) if bytes > 0 && metadata.len() != bytes => {
            Some(format!("its file {} has {} bytes now and had {bytes}", file.display(), metadata.len()))
        }
        Ok(_) => None,
    }
}

impl Implementation {
    /// Memory that it takes. Before its header was looked at about so much: its weights, a seventh of them for a text of
    /// 4,096 tokens (measured: 5 % for models with few key heads to 15 % for those with some), and the process.
    pub fn memory(&self) -> u64 {
        match self.memory_bytes {
            _ if self.endpoint.is_some() => 0,
            0 => self.bytes.saturating_add(self.bytes / 7).saturating_add(64 << 20),
            known => known,
        }
    }

    /// Bits a weight, 0 when the weights were not counted.
    fn bits(&self) -> f64 {
        match self.parameters {
            0 => 0.0,
            parameters => 8.0 * self.bytes as f64 / parameters as f64,
        }
    }

    /// Whether `other` may be the same model with other bits a weight: its file has the same name but for the
    /// quantisation, and as many weights. Some conversions write the output's weights twice: 30 % of a small model.
    pub fn is_same_model(&self, other: &Implementation) -> bool {
        if self.endpoint.is_some() || other.endpoint.is_some() {
            return false;
        }
        let (few, many) = (self.parameters.min(other.parameters), self.parameters.max(other.parameters));
        base(&self.file).is_some_and(|name| base(&other.file).as_ref() == Some(&name))
            && few as f64 >= 0.7 * many as f64
    }
}

/// `…/Qwen3-4B-Q4_K_M.gguf` is `qwen3-4b`; `None` where nothing is left, or the name is a number for its bytes.
pub fn base(file: &str) -> Option<String> {
    let name = file.rsplit(['/', '\\']).next()?.to_ascii_lowercase();
    let stem = name.strip_suffix(".gguf")?;
    let kept: Vec<&str> =
        stem.split(['-', '.', ' ']).filter(|part| !part.is_empty() && !is_quantisation(part)).collect();
    let base = kept.join("-");
    (!base.is_empty() && base != "model" && base != "ggml-model").then_some(base)
}

/// `q4_k_m`, `iq3_xxs`, `f16`, `mxfp4`, ...: the name of a number of bits.
pub fn is_quantisation(part: &str) -> bool {
    let part = part.to_ascii_lowercase();
    if matches!(part.as_str(), "f16" | "f32" | "bf16" | "fp16" | "fp32" | "mxfp4") {
        return true;
    }
    let digits = ["iq", "tq", "q"].iter().find_map(|kind| part.strip_prefix(kind));
    digits.is_some_and(|rest| {
        rest.split_once('_').is_some_and(|(bits, _)| matches!(bits, "1" | "2" | "3" | "4" | "5" | "6" | "8"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Files of so many bytes in a folder, of a model with 1,000 weights.
    fn expert(folder: &Path, files: &[(&str, u64)]) -> Manifest {
        let mut manifest = Manifest::named("m");
        for &(name, bytes) in files {
            std::fs::write(folder.join(name), vec![0; bytes as usize]).unwrap();
            manifest.implementations.push(Implementation {
                file: folder.join(name).display().to_string(),
                bytes,
                memory_bytes: bytes,
                parameters: 1000,
                ..Implementation::default()
            });
        }
        manifest
    }

    #[test]
    fn the_best_that_fits_is_used_and_who_chose_is_obeyed() {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path();
        let mut manifest = expert(at, &[("m-Q4_0.gguf", 560), ("m-Q8_0.gguf", 1060), ("m-F16.gguf", 2000)]);
        let used = |manifest: &Manifest, budget| {
            let file = Path::new(&manifest.implementations[choose(manifest, budget)].file);
            file.file_name().unwrap().to_str().unwrap().to_owned()
        };
        assert_eq!(used(&manifest, 10_000), "m-Q8_0.gguf", "sixteen bits cost time and gain nothing");
        assert_eq!(used(&manifest, 1000), "m-Q4_0.gguf");
        assert_eq!(used(&manifest, 100), "m-Q4_0.gguf", "what is refused for its size is the smallest");
        manifest.uses = Some(at.join("m-F16.gguf").display().to_string());
        assert_eq!(used(&manifest, 100), "m-F16.gguf");
        std::fs::remove_file(at.join("m-F16.gguf")).unwrap();
        assert_eq!(used(&manifest, 10_000), "m-Q8_0.gguf", "the chosen one is gone");
        std::fs::write(at.join("m-Q8_0.gguf"), b"short").unwrap();
        assert_eq!(used(&manifest, 10_000), "m-Q4_0.gguf", "another file has that name now");
    }

    #[test]
    fn a_pruned_file_is_used_where_nothing_whole_fits() {
        let folder = tempfile::tempdir().unwrap();
        let mut manifest = expert(folder.path(), &[("m-F32.gguf", 4000), ("m-pruned-F32.gguf", 3000)]);
        manifest.implementations[1].pruned = Some("6 of 8 experts".into());
        assert_eq!((choose(&manifest, 10_000), choose(&manifest, 3500)), (0, 1));
        manifest.uses = Some(manifest.implementations[1].file.clone());
        assert_eq!(choose(&manifest, 10_000), 1);
    }

    #[test]
    fn a_lone_file_of_many_bits_is_used() {
        let folder = tempfile::tempdir().unwrap();
        let manifest = expert(folder.path(), &[("m-F32.gguf", 4000), ("m-F16.gguf", 2000)]);
        assert_eq!(choose(&manifest, 10_000), 1);
    }

    #[test]
    fn files_of_one_model_are_known_by_name_and_weights() {
        let of = |file: &str, parameters| Implementation {
            file: file.into(),
            parameters,
            ..Implementation::default()
        };
        let small = of("/a/Qwen3-4B-Q4_K_M.gguf", 4_022_000_000);
        assert!(small.is_same_model(&of("/b/c/qwen3-4b-q8_0.gguf", 4_022_000_000)));
        assert!(small.is_same_model(&of("/b/Qwen3-4B.BF16.gguf", 4_411_000_000)), "the output twice");
        assert!(!small.is_same_model(&of("/a/Qwen3-8B-Q4_K_M.gguf", 4_022_000_000)));
        assert!(!small.is_same_model(&of("/a/Qwen3-4B-Q8_0.gguf", 8_000_000_000)));
        let nameless = of("/x/model-Q4_0.gguf", 1000);
        assert!(!nameless.is_same_model(&of("/y/model-Q8_0.gguf", 1000)), "a name that many have");
        assert_eq!(base("/blobs/sha256-abc"), None);
    }
}
