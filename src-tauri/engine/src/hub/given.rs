//! Given: the model files among paths that somebody hands over, by a dialog or by dropping them.

use super::disk::{models_under, whole};
use super::{FoundFile, Source};
use std::path::PathBuf;

/// GGUF files as they are given, and those in folders, each once.
pub fn models_at(paths: &[PathBuf]) -> Vec<FoundFile> {
    let mut found: Vec<FoundFile> = Vec::new();
    for given in paths {
        let is_model = given.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("gguf"));
        let models = if given.is_dir() { models_under(given) } else { Vec::new() };
        let alone = (is_model && given.is_file()).then(|| given.clone());
        for path in models.into_iter().chain(alone) {
            let Some((_, bytes)) = whole(&path) else { continue };
            if found.iter().any(|known| known.path == path) {
                continue;
            }
            let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
            found.push(FoundFile {
                name,
                path,
                bytes,
                source: Source::Elsewhere,
                sha256: None,
                experts: Vec::new(),
            });
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn models_are_found_in_folders_and_among_files_and_named_once() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::create_dir_all(at("sub")).unwrap();
        for name in ["a.gguf", "sub/B.GGUF", "note.txt"] {
            std::fs::write(at(name), b"GGUF").unwrap();
        }
        let found = models_at(&[folder.path().into(), at("a.gguf"), at("note.txt"), at("absent.gguf")]);
        let names: Vec<&str> = found.iter().map(|file| file.name.as_str()).collect();
        assert_eq!(names, ["a.gguf", "B.GGUF"], "{found:?}");
        assert!(found.iter().all(|file| file.bytes == 4 && file.path.is_absolute()));
    }
}
