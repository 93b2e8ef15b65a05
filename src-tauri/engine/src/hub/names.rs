//! Names from the hub become paths and addresses here: none is used before it is checked.

use super::HubError;
use crate::pool::is_quantisation;
use serde::{Deserialize, Serialize};
use ts_rs::TS;
use url::Url;

/// One file of one repository, as somebody asks for it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, TS)]
pub struct FileName {
    /// `owner/name`.
    pub repo: String,
    /// A branch, a tag, or a commit of 40 hex digits.
    pub revision: String,
    /// Inside the repository, with `/` between folders.
    pub file: String,
}

impl FileName {
    /// Checks every part.
    pub fn new(repo: &str, revision: &str, file: &str) -> Result<FileName, HubError> {
        check_repo(repo)?;
        check_path("the revision", revision)?;
        check_path("the file", file)?;
        Ok(FileName { repo: repo.into(), revision: revision.into(), file: file.into() })
    }

    /// The same file at another revision.
    pub fn at(&self, revision: &str) -> FileName {
        FileName { revision: revision.into(), ..self.clone() }
    }

    /// Where the hub serves it.
    pub fn address(&self, endpoint: &Url) -> Url {
        // A revision is one segment: its own slashes are escaped, as the hub wants it.
        let middle = ["resolve", self.revision.as_str()];
        below(endpoint, self.repo.split('/').chain(middle).chain(self.file.split('/')))
    }
}

/// The address of a path under the endpoint; each segment is escaped.
pub fn below<'a>(endpoint: &Url, segments: impl Iterator<Item = &'a str>) -> Url {
    let mut url = endpoint.clone();
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().extend(segments);
    }
    url
}

/// `owner/name`, or a name alone as a few old repositories have it.
pub fn check_repo(repo: &str) -> Result<(), HubError> {
    let bad = |why| HubError::Name { field: "the repository", value: shown(repo), why };
    let parts: Vec<&str> = repo.split('/').collect();
    if parts.len() > 2 || repo.len() > 96 * 2 + 1 {
        return Err(bad("it is not OWNER/NAME"));
    }
    for part in parts {
        let plain = part.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'));
        if part.is_empty() || !plain {
            return Err(bad("it has other signs than letters, digits, - _ and ."));
        }
        // The cache writes "/" as "--": such a name would be another repository's folder.
        if part.starts_with(['.', '-']) || part.contains("--") || part.contains("..") {
            return Err(bad("no repository of the hub is named so"));
        }
    }
    Ok(())
}

/// A path that stays in its folder on every system.
fn check_path(field: &'static str, path: &str) -> Result<(), HubError> {
    let bad = |why| HubError::Name { field, value: shown(path), why };
    if path.is_empty() || path.len() > 1000 {
        return Err(bad("it is empty or too long"));
    }
    for part in path.split('/') {
        if part.is_empty() || part == "." || part == ".." || part.len() > 255 {
            return Err(bad("it leaves its folder"));
        }
        if part.chars().any(|c| c.is_control() || matches!(c, '\\' | ':' | '*' | '?' | '"' | '<' | '>' | '|'))
        {
            return Err(bad("it has signs that no file name may have everywhere"));
        }
    }
    Ok(())
}

/// 64 lowercase hex digits.
pub fn is_sha256(text: &str) -> bool {
    is_hex(text, 64)
}

/// 40 lowercase hex digits.
pub fn is_commit(text: &str) -> bool {
    is_hex(text, 40)
}

fn is_hex(text: &str, digits: usize) -> bool {
    text.len() == digits && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// What a stranger wrote, short enough for a message.
pub fn shown(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(80).collect()
}

/// `Model-Q4_K_M.gguf` is `Q4_K_M`; `None` where the name does not say it.
pub fn quantisation(file: &str) -> Option<String> {
    let stem = file.rsplit('/').next()?.strip_suffix(".gguf")?.to_ascii_uppercase();
    // Some put a folder's name between, some a part number behind.
    stem.split(['-', '.']).rev().find(|part| is_quantisation(part)).map(str::to_owned)
}

/// A piece of a model that lies in several files: `…-00002-of-00003.gguf`.
pub fn is_piece(file: &str) -> bool {
    let Some((rest, last)) = file.strip_suffix(".gguf").and_then(|stem| stem.rsplit_once("-of-")) else {
        return false;
    };
    let is_number = |text: &str| text.len() == 5 && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number(last) && rest.rsplit_once('-').is_some_and(|(_, number)| is_number(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_leave_their_folder_are_refused() {
        for bad in ["", "a/b/c", "../x", "a/..", "a//b", "a\\b/c", "a--b/c", "a/b c", "a/\0", "-a/b", ".a/b"]
        {
            assert!(FileName::new(bad, "main", "m.gguf").is_err(), "repository {bad:?}");
        }
        for bad in ["", "/etc/passwd", "../m.gguf", "a/../m", "a//m", "a\\m", "c:m", "m\n", "a/./m", "m/"] {
            assert!(FileName::new("a/b", "main", bad).is_err(), "file {bad:?}");
            assert!(FileName::new("a/b", bad, "m.gguf").is_err(), "revision {bad:?}");
        }
        assert!(FileName::new("gpt2", "refs/pr/1", "sub/m q.gguf").is_ok());
    }

    #[test]
    fn addresses_are_escaped() {
        let name = FileName::new("a/b", "refs/pr/1", "sub/m #1?.gguf");
        assert!(name.is_err(), "a question mark is no sign of a file name on Windows");
        let name = FileName::new("a/b", "refs/pr/1", "sub/m #1%.gguf").unwrap();
        let address = name.address(&Url::parse("http://hub.example/base").unwrap());
        assert_eq!(
            address.as_str(),
            "http://hub.example/base/a/b/resolve/refs%2Fpr%2F1/sub/m%20%231%25.gguf"
        );
    }

    #[test]
    fn quantisations_are_read_from_names() {
        for (file, expected) in [
            ("qwen2.5-7b-instruct-q4_k_m.gguf", Some("Q4_K_M")),
            ("Llama-3.2-3B-Instruct-Q8_0.gguf", Some("Q8_0")),
            ("phi-4-IQ4_XS.gguf", Some("IQ4_XS")),
            ("model.Q5_K_S.gguf", Some("Q5_K_S")),
            ("sub/gpt-oss-20b-mxfp4.gguf", Some("MXFP4")),
            ("model-f16.gguf", Some("F16")),
            ("Big-Q4_K_M-00001-of-00002.gguf", Some("Q4_K_M")),
            ("model.gguf", None),
            ("Qwen3-8B.gguf", None),
        ] {
            assert_eq!(quantisation(file).as_deref(), expected, "{file}");
        }
        assert!(is_piece("Big-Q4_K_M-00001-of-00002.gguf"));
        assert!(!is_piece("best-of-00002.gguf") && !is_piece("m.gguf"));
    }
}
