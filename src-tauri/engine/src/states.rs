//! States: what experts have read of conversations, kept on the disk, so that coming back to one needs no reading.
//!
//! In:     an expert's file and a conversation
//! Out:    the place of its state, and whether one lies there
//! Fails:  never an answer: what cannot be kept or found is read again
//! Cost:   a look into a folder; a state is 30 to 130 kB a token for models of 1.5 to 7 billion parameters
//!
//! A state holds the words of a conversation, and of past answers that were recalled in it. So whatever is forgotten
//! takes all states with it. They lie in a folder of a random name that forgetting takes away: a process that had read
//! something before finds no place to write it to after.

use crate::home::Home;
use sha2::{Digest, Sha256};
use std::collections::hash_map::RandomState;
use std::ffi::OsStr;
use std::fs::DirEntry;
use std::hash::{BuildHasher, Hasher};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

/// What all states may take when nobody says otherwise: a dozen long conversations.
pub const BUDGET_BYTES: u64 = 2_000_000_000;

/// The states of one home.
pub struct States {
    root: PathBuf,
    /// The program that computes: another build may compute other numbers.
    executable: PathBuf,
    budget_bytes: u64,
}

/// Where the state of one conversation with one expert lies, or may lie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// `FOLDER/WHO-WHAT.state`. Who: the expert's path and the conversation. What: size and time of its file and of
    /// the program.
    path: PathBuf,
}

impl States {
    /// A budget of 0 keeps none.
    pub fn open(home: &Home, executable: &Path, budget_bytes: u64) -> States {
        let root = home.states_dir();
        for gone in entries(&root).filter(|entry| is_gone(&entry.file_name())) {
            let _ = std::fs::remove_dir_all(gone.path());
        }
        States { root, executable: executable.into(), budget_bytes }
    }

    /// The place for what the expert in `model` reads of `conversation`; `None` when nothing can be kept.
    pub fn place(&self, model: &Path, conversation: &str) -> Option<Place> {
        if self.budget_bytes == 0 {
            return None;
        }
        let who = name(&[model.as_os_str().as_encoded_bytes(), conversation.as_bytes()]);
        let what = name(&[&stamp(model).ok()?, &stamp(&self.executable).ok()?]);
        Some(Place { path: self.folder().ok()?.join(format!("{who}-{what}.state")) })
    }

    /// The state that lies at `place`. One of an older file or another build is deleted.
    pub fn find<'a>(&self, place: &'a Place) -> Option<&'a Path> {
        let (folder, own) = (place.path.parent()?, place.path.file_name()?.to_string_lossy());
        let who = own.split('-').next()?;
        for other in entries(folder) {
            let name = other.file_name().to_string_lossy().into_owned();
            if name != own && name.starts_with(who) && name.ends_with(".state") {
                let _ = std::fs::remove_file(other.path());
            }
        }
        place.path.is_file().then_some(&place.path)
    }

    /// Has `write` write a state of about `bytes` bytes to `place`, whole or not at all; the oldest go when there are
    /// too many. Nothing is written when something was forgotten since the place was given.
    pub fn keep<E>(&self, place: &Place, bytes: u64, write: impl FnOnce(&Path) -> Result<(), E>) {
        if bytes > self.budget_bytes || !place.path.parent().is_some_and(Path::is_dir) {
            return;
        }
        if write(&place.path).is_ok() {
            self.drop_oldest();
        }
    }

    /// The state at `place` is of no use.
    pub fn drop_at(&self, place: &Place) {
        let _ = std::fs::remove_file(&place.path);
    }

    fn drop_oldest(&self) {
        let about = |file: DirEntry| {
            let about = file.metadata().ok()?;
            Some((about.modified().ok()?, about.len(), file.path()))
        };
        let files = entries(&self.root).flat_map(|folder| entries(&folder.path()));
        let mut files: Vec<(SystemTime, u64, PathBuf)> = files.filter_map(about).collect();
        files.sort_by_key(|file| std::cmp::Reverse(file.0));
        let mut sum = 0u64;
        for (_, bytes, path) in files {
            sum = sum.saturating_add(bytes);
            if sum > self.budget_bytes {
                let _ = std::fs::remove_file(path);
            }
        }
    }

    /// The folder that states are written to until something is forgotten.
    fn folder(&self) -> io::Result<PathBuf> {
        let known = entries(&self.root).map(|entry| entry.file_name()).filter(|name| !is_gone(name)).min();
        let folder = self.root.join(known.unwrap_or_else(|| {
            // The standard library keys each `RandomState` with the system's randomness.
            format!("{:016x}", RandomState::new().build_hasher().finish()).into()
        }));
        std::fs::create_dir_all(&folder)?;
        Ok(folder)
    }
}

/// Deletes every state, and the place of those that are yet to be written.
pub fn forget(home: &Home) -> io::Result<()> {
    let root = home.states_dir();
    for folder in entries(&root) {
        let mut path = folder.path();
        if !is_gone(&folder.file_name()) {
            let mut gone = std::ffi::OsString::from(".");
            gone.push(folder.file_name());
            let gone = root.join(gone);
            // Windows does not move a folder with an open file in it: that one is emptied where it is.
            if std::fs::rename(&path, &gone).is_ok() {
                path = gone;
            }
        }
        match std::fs::remove_dir_all(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

/// Taken away, and to be deleted.
fn is_gone(name: &OsStr) -> bool {
    name.as_encoded_bytes().starts_with(b".")
}

fn entries(folder: &Path) -> impl Iterator<Item = DirEntry> + use<> {
    std::fs::read_dir(folder).into_iter().flatten().flatten()
}

/// Size and time of a file.
fn stamp(file: &Path) -> io::Result<Vec<u8>> {
    let about = std::fs::metadata(file)?;
    let modified = about.modified()?.duration_since(UNIX_EPOCH).unwrap_or_default();
    Ok([about.len().to_le_bytes().as_slice(), &modified.as_nanos().to_le_bytes()].concat())
}

/// 16 bytes of SHA-256 over the parts and their lengths, in hex.
fn name(parts: &[&[u8]]) -> String {
    let mut sum = Sha256::new();
    for part in parts {
        sum.update((part.len() as u64).to_le_bytes());
        sum.update(part);
    }
    sum.finalize()[..16].iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Here {
        folder: tempfile::TempDir,
        home: Home,
        model: PathBuf,
    }

    fn here() -> Here {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let model = folder.path().join("model.gguf");
        std::fs::write(&model, "weights").expect("the folder takes it");
        std::fs::write(folder.path().join("program"), "code").expect("the folder takes it");
        Here { home: Home::at(folder.path().join("home")), model, folder }
    }

    impl Here {
        fn states(&self, budget_bytes: u64) -> States {
            States::open(&self.home, &self.folder.path().join("program"), budget_bytes)
        }

        fn keep(&self, states: &States, conversation: &str, bytes: usize) -> Place {
            let place = states.place(&self.model, conversation).expect("a place");
            states.keep(&place, bytes as u64, |path| std::fs::write(path, vec![7; bytes]));
            place
        }
    }

    #[test]
    fn a_state_is_found_by_its_conversation_and_its_expert_alone() {
        let here = here();
        let states = here.states(1000);
        let place = here.keep(&states, "a", 10);
        assert_eq!(here.states(1000).place(&here.model, "a"), Some(place.clone()), "also by another process");
        assert_eq!(states.find(&place), Some(place.path.as_path()));
        let other = states.place(&here.model, "b").expect("a place");
        assert_eq!(states.find(&other), None);
        let program = states.place(&here.folder.path().join("program"), "a").expect("a place");
        assert_eq!(states.find(&program), None, "another expert's");
    }

    #[test]
    fn a_state_of_an_older_file_or_another_build_is_deleted() {
        let here = here();
        let states = here.states(1000);
        for changed in ["model.gguf", "program"] {
            let old = here.keep(&states, "a", 10);
            std::fs::write(here.folder.path().join(changed), format!("newer {changed}"))
                .expect("it is written");
            let new = states.place(&here.model, "a").expect("a place");
            assert_eq!(states.find(&new), None, "{changed} is another one");
            assert!(!old.path.exists());
        }
    }

    #[test]
    fn the_oldest_go_first_and_what_is_larger_than_all_is_not_written() {
        let here = here();
        let states = here.states(100);
        let places: Vec<Place> = (0..3u64)
            .map(|age| {
                let place = here.keep(&states, &age.to_string(), 45);
                // The times of files are as coarse as the file system: the test sets them.
                let file = std::fs::File::options().write(true).open(&place.path).expect("it was written");
                file.set_modified(UNIX_EPOCH + std::time::Duration::from_secs(age)).expect("a time");
                place
            })
            .collect();
        states.drop_oldest();
        assert_eq!(places.iter().map(|place| place.path.exists()).collect::<Vec<_>>(), [false, true, true]);
        assert!(!here.keep(&states, "large", 101).path.exists());
        assert_eq!(here.states(0).place(&here.model, "a"), None, "no budget, no states");
    }

    #[test]
    fn forgetting_takes_every_state_and_those_that_were_on_their_way() {
        let here = here();
        let states = here.states(1000);
        let (old, late) = (here.keep(&states, "a", 10), states.place(&here.model, "b").expect("a place"));
        forget(&here.home).expect("they are deleted");
        assert!(!old.path.exists());
        states.keep(&late, 10, |_| -> io::Result<()> { panic!("it was read before") });
        assert_eq!(entries(&here.home.states_dir()).count(), 0);
        let again = states.place(&here.model, "b").expect("a place");
        assert_ne!(again, late);
        forget(&here.home).expect("an empty folder is deleted, too");
    }
}
