//! Home: the one folder under which every file of Lectern lies.
//!
//! In:     `LECTERN_HOME`, else the platform's folder for application data
//! Out:    the path of each thing that is written
//! Fails:  no folder known, or it cannot be made

use crate::words::Failure;
use std::path::{Path, PathBuf};

/// The folder and the names inside it. Cheap to clone; makes no file by itself but the folders asked for by
/// `prepare`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Home {
    root: PathBuf,
}

#[derive(Debug, thiserror::Error)]
pub enum HomeError {
    #[error("this system names no folder for application data, and LECTERN_HOME is not set")]
    Unknown,
    #[error("the folder {} cannot be made: {source}", path.display())]
    CannotMake { path: PathBuf, source: std::io::Error },
}

impl From<HomeError> for Failure {
    fn from(error: HomeError) -> Failure {
        let (code, fix) = match &error {
            HomeError::Unknown => ("home.unknown", "Set LECTERN_HOME to a folder that you can write to."),
            HomeError::CannotMake { .. } => (
                "home.cannot_make",
                "Free the name, allow writing there, or set LECTERN_HOME to another folder.",
            ),
        };
        Failure { code: code.into(), message: error.to_string(), fix: fix.into(), detail: None }
    }
}

impl Home {
    /// `LECTERN_HOME` when it is set and not empty, else the platform's application data folder; made when
    /// absent.
    pub fn find() -> Result<Home, Failure> {
        let root = match std::env::var_os("LECTERN_HOME").filter(|value| !value.is_empty()) {
            Some(value) => PathBuf::from(value),
            None => directories::ProjectDirs::from("app", "Lectern", "Lectern")
                .map(|folders| folders.data_dir().to_path_buf())
                .ok_or(HomeError::Unknown)?,
        };
        let home = Home::at(root);
        home.prepare()?;
        Ok(home)
    }

    /// Exactly this folder. A relative path is taken from the current folder now, so that a later change of it
    /// moves nothing.
    pub fn at(path: impl Into<PathBuf>) -> Home {
        let path = path.into();
        Home { root: std::path::absolute(&path).unwrap_or(path) }
    }

    /// Makes the folders. On Unix the root is readable by its user alone: it holds private conversations.
    pub fn prepare(&self) -> Result<(), HomeError> {
        let is_new = !self.root.exists();
        for folder in [self.root.clone(), self.starters_dir(), self.pool_dir(), self.logs_dir()] {
            std::fs::create_dir_all(&folder)
                .map_err(|source| HomeError::CannotMake { path: folder.clone(), source })?;
        }
        if is_new {
            private(&self.root)
                .map_err(|source| HomeError::CannotMake { path: self.root.clone(), source })?;
        }
        Ok(())
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Conversations, past answers, statistics, counters.
    pub fn database(&self) -> PathBuf {
        self.root.join("lectern.sqlite")
    }

    /// The search index, made again from the database whenever it is damaged.
    pub fn index_dir(&self) -> PathBuf {
        self.root.join("index")
    }

    /// Held while a process writes the index.
    pub fn index_lock(&self) -> PathBuf {
        self.root.join("index.lock")
    }

    /// The search index of documents, made again from the database whenever it is damaged.
    pub fn documents_index_dir(&self) -> PathBuf {
        self.root.join("documents-index")
    }

    /// Held while a process writes that index.
    pub fn documents_index_lock(&self) -> PathBuf {
        self.root.join("documents-index.lock")
    }

    /// The experts that come with the app.
    pub fn starters_dir(&self) -> PathBuf {
        self.root.join("starters")
    }

    /// How the pool is routed, for people who write it down.
    pub fn pool_file(&self) -> PathBuf {
        self.root.join("pool.yaml")
    }

    /// Manifests of the experts that the user added.
    pub fn pool_dir(&self) -> PathBuf {
        self.root.join("pool")
    }

    /// What experts have read of conversations; whatever is forgotten takes all of it.
    pub fn states_dir(&self) -> PathBuf {
        self.root.join("states")
    }

    /// Encoders that Lectern fetched, a folder each.
    pub fn encoders_dir(&self) -> PathBuf {
        self.root.join("encoders")
    }

    pub fn logs_dir(&self) -> PathBuf {
        self.root.join("logs")
    }

    /// What a move of the models has still to do.
    pub fn move_journal(&self) -> PathBuf {
        self.root.join("moving.json")
    }

    pub fn measured_file(&self) -> PathBuf {
        self.root.join("measured.json")
    }

    pub fn settings_file(&self) -> PathBuf {
        self.root.join("settings.json")
    }
}

#[cfg(unix)]
fn private(folder: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o700))
}

/// Elsewhere the application data folder already belongs to its user.
#[cfg(not(unix))]
fn private(_folder: &Path) -> std::io::Result<()> {
    Ok(())
}

/// Writes a whole file or nothing: a temporary neighbour, flushed to the disk, then renamed over the old one.
pub(crate) fn write_atomically(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    use std::io::Write;
    let folder = path.parent().ok_or_else(|| std::io::Error::other("the path has no folder"))?;
    let name = path.file_name().ok_or_else(|| std::io::Error::other("the path has no file name"))?;
    // The process id keeps two processes that write the same file at once out of each other's temporary file.
    let temporary = folder.join(format!(".{}.{}.part", name.to_string_lossy(), std::process::id()));
    let written = std::fs::File::create(&temporary)
        .and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()))
        .and_then(|()| std::fs::rename(&temporary, path));
    if written.is_err() {
        // The error that matters is the first one; a leftover temporary file is only untidy.
        let _ = std::fs::remove_file(&temporary);
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_path_lies_under_the_root() {
        let home = Home::at("/some/where");
        let paths = [
            home.database(),
            home.index_dir(),
            home.index_lock(),
            home.starters_dir(),
            home.pool_dir(),
            home.states_dir(),
            home.logs_dir(),
            home.settings_file(),
            home.move_journal(),
        ];
        for path in paths {
            assert!(path.starts_with(home.root()), "{} is outside", path.display());
        }
    }

    #[test]
    fn a_file_where_the_folder_should_be_is_a_clear_failure() {
        let folder = tempfile::tempdir().unwrap();
        let blocked = folder.path().join("file");
        std::fs::write(&blocked, b"x").unwrap();
        let failure = Failure::from(Home::at(&blocked).prepare().unwrap_err());
        assert_eq!(failure.code, "home.cannot_make");
        assert!(failure.message.contains("file"), "the message names the path: {}", failure.message);
    }

    #[cfg(unix)]
    #[test]
    fn a_new_home_is_closed_to_other_users() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let home = Home::at(folder.path().join("home"));
        home.prepare().unwrap();
        let mode = std::fs::metadata(home.root()).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o700);
    }

    #[test]
    fn an_atomic_write_leaves_no_temporary_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.json");
        write_atomically(&path, b"one").unwrap();
        write_atomically(&path, b"two").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"two");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
