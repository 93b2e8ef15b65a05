//! Stamps: a fingerprint of files as they were when something was made from them, so that it is made again only when
//! they changed. Over names and contents, because a fresh clone gives every file a new time.

use std::fs;
use std::path::{Path, PathBuf};

/// Fingerprint of a file or of a whole folder, without the entries (by name, at any depth) in `without`.
/// What cannot be read counts as absent.
pub fn of(path: &Path, without: &[&str]) -> String {
    let mut files = Vec::new();
    collect(path, without, &mut files);
    files.sort();
    let mut state = Fnv::new();
    for file in files {
        let name = file.strip_prefix(path).unwrap_or(&file).to_string_lossy().into_owned();
        let content = fs::read(&file).unwrap_or_default();
        // The length parts a name from a content: `ab` + `c` is not `a` + `bc`.
        for part in [name.as_bytes(), &content] {
            state.write(&(part.len() as u64).to_le_bytes());
            state.write(part);
        }
    }
    format!("{:016x}", state.0)
}

pub fn matches(stamp: &Path, value: &str) -> bool {
    fs::read_to_string(stamp).is_ok_and(|written| written.trim() == value)
}

pub fn write(stamp: &Path, value: &str) -> crate::Outcome {
    if let Some(folder) = stamp.parent() {
        fs::create_dir_all(folder).map_err(|error| format!("cannot create {}: {error}", folder.display()))?;
    }
    fs::write(stamp, value).map_err(|error| format!("cannot write {}: {error}", stamp.display()))
}

fn collect(path: &Path, without: &[&str], files: &mut Vec<PathBuf>) {
    if path.is_file() {
        files.push(path.to_owned());
        return;
    }
    for entry in fs::read_dir(path).into_iter().flatten().flatten() {
        if !without.iter().any(|name| entry.file_name() == *name) {
            collect(&entry.path(), without, files);
        }
    }
}

/// FNV-1a of 64 bits: nobody attacks a stamp, and the standard library's hasher may change with the toolchain.
struct Fnv(u64);

impl Fnv {
    fn new() -> Fnv {
        Fnv(0xcbf2_9ce4_8422_2325)
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fnv_gives_its_published_values() {
        // FNV-1a 64, test vectors of draft-eastlake-fnv: "" and "a".
        let mut state = Fnv::new();
        assert_eq!(state.0, 0xcbf2_9ce4_8422_2325);
        state.write(b"a");
        assert_eq!(state.0, 0xaf63_dc4c_8601_ec8c);
    }

    #[test]
    fn a_changed_file_changes_the_fingerprint_and_a_left_out_one_does_not() {
        let folder = std::env::temp_dir().join(format!("lectern-stamp-{}", std::process::id()));
        fs::create_dir_all(folder.join("node_modules")).unwrap();
        fs::write(folder.join("a"), "1").unwrap();
        let before = of(&folder, &["node_modules"]);
        fs::write(folder.join("node_modules/b"), "x").unwrap();
        assert_eq!(of(&folder, &["node_modules"]), before, "a folder that is left out must not count");
        fs::write(folder.join("a"), "2").unwrap();
        assert_ne!(of(&folder, &["node_modules"]), before, "a changed content must count");
        fs::remove_dir_all(folder).unwrap();
    }
}
