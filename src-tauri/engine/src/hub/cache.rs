//! Cache: the folder of huggingface_hub, shared with every tool that uses it.
//!
//! ```text
//! models--owner--name/blobs/SHA256            the bytes, named by what they are
//!                     snapshots/COMMIT/FILE   a link to them
//!                     refs/main               the commit that a branch had
//! .locks/models--owner--name/SHA256.lock      held by whoever fetches that blob
//! ```
//!
//! Source: huggingface_hub's `file_download.py`; the names of the folders come from the crate hf-hub.

use super::HubError;
use super::names::{FileName, is_commit, is_sha256};
use hf_hub::{Cache as Folder, Repo, RepoType};
use sha2::{Digest, Sha256};
use std::fs::{File, TryLockError};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

#[derive(Clone, Debug)]
pub struct Cache {
    root: PathBuf,
}

/// Ours alone to fetch, until this is dropped or the process ends, however it ends.
#[derive(Debug)]
pub struct Lock {
    _file: File,
    path: PathBuf,
}

impl Lock {
    /// Nothing was fetched under it: its file goes, too, with the folders that it alone needed.
    pub fn vanish(self) {
        let _ = std::fs::remove_file(&self.path);
        for folder in self.path.ancestors().skip(1).take(2) {
            let _ = std::fs::remove_dir(folder);
        }
    }
}

impl Cache {
    pub fn at(root: &Path) -> Cache {
        Cache { root: root.to_path_buf() }
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    fn repo_folder(&self, repo: &str) -> PathBuf {
        self.root.join(Repo::new(repo.to_owned(), RepoType::Model).folder_name())
    }

    pub fn blobs(&self, repo: &str) -> PathBuf {
        self.repo_folder(repo).join("blobs")
    }

    pub fn blob(&self, repo: &str, sha256: &str) -> PathBuf {
        debug_assert!(is_sha256(sha256));
        self.blobs(repo).join(sha256)
    }

    /// Where other tools look for the file.
    pub fn pointer(&self, name: &FileName, commit: &str) -> PathBuf {
        let repo = Repo::new(name.repo.clone(), RepoType::Model);
        let mut path = Folder::new(self.root.clone()).repo(repo).pointer_path(commit);
        path.extend(name.file.split('/'));
        path
    }

    /// The file at its revision as somebody fetched it before, without asking the hub.
    pub fn find(&self, name: &FileName) -> Option<PathBuf> {
        let commit = match is_commit(&name.revision) {
            true => name.revision.clone(),
            false => std::fs::read_to_string(self.reference(name)).ok()?.trim().to_owned(),
        };
        if !is_commit(&commit) {
            return None;
        }
        Some(self.pointer(name, &commit)).filter(|path| path.is_file())
    }

    fn reference(&self, name: &FileName) -> PathBuf {
        let mut path = self.repo_folder(&name.repo).join("refs");
        path.extend(name.revision.split('/'));
        path
    }

    /// Makes the folders for a blob of this repository. One without `snapshots` is broken to huggingface_hub.
    pub fn prepare(&self, repo: &str) -> Result<PathBuf, HubError> {
        for folder in [self.repo_folder(repo).join("snapshots"), self.blobs(repo)] {
            std::fs::create_dir_all(&folder).map_err(HubError::files("make the folder", &folder))?;
        }
        Ok(self.blobs(repo))
    }

    /// `None`: another process fetches this blob now. The lock is the one that huggingface_hub takes.
    pub fn try_lock(&self, repo: &str, sha256: &str) -> Result<Option<Lock>, HubError> {
        let path = self.lock_file(repo, sha256)?;
        loop {
            let file = File::options()
                .create(true)
                .truncate(false)
                .write(true)
                .open(&path)
                .map_err(HubError::files("open the lock", &path))?;
            match file.try_lock() {
                Err(TryLockError::WouldBlock) => return Ok(None),
                Err(TryLockError::Error(source)) => return Err(HubError::files("lock", &path)(source)),
                // Some tools delete a lock after use: one on a deleted file keeps nobody out.
                Ok(()) if is_still(&file, &path) => return Ok(Some(Lock { _file: file, path })),
                Ok(()) => {}
            }
        }
    }

    fn lock_file(&self, repo: &str, what: &str) -> Result<PathBuf, HubError> {
        let folder = self.root.join(".locks").join(Repo::new(repo.to_owned(), RepoType::Model).folder_name());
        std::fs::create_dir_all(&folder).map_err(HubError::files("make the folder", &folder))?;
        Ok(folder.join(format!("{what}.lock")))
    }

    /// Links and branches of a repository are written by one process at a time: what a kill left of one is then in the
    /// way of the next, which replaces it, and nothing else stays.
    fn turn(&self, repo: &str) -> Result<File, HubError> {
        let path = self.lock_file(repo, "names")?;
        let lock = File::options().create(true).truncate(false).write(true).open(&path);
        lock.and_then(|file| file.lock().map(|()| file)).map_err(HubError::files("lock", &path))
    }

    /// Makes a blob that is in place visible under its name.
    pub fn point(&self, name: &FileName, commit: &str, sha256: &str) -> Result<PathBuf, HubError> {
        let _turn = self.turn(&name.repo)?;
        let pointer = self.pointer(name, commit);
        let folder = pointer.parent().unwrap_or(&self.root).to_path_buf();
        std::fs::create_dir_all(&folder).map_err(HubError::files("make the folder", &folder))?;
        let blob = self.blob(&name.repo, sha256);
        let up: PathBuf = std::iter::repeat_n("..", 2 + name.file.matches('/').count()).collect();
        let target = up.join("blobs").join(sha256);
        if std::fs::read_link(&pointer).ok().as_deref() != Some(target.as_path()) {
            link(&target, &blob, &pointer).map_err(HubError::files("make the link", &pointer))?;
            sync_folder(&folder)?;
        }
        if !is_commit(&name.revision) {
            let reference = self.reference(name);
            let folder = reference.parent().unwrap_or(&self.root);
            std::fs::create_dir_all(folder).map_err(HubError::files("make the folder", folder))?;
            put(&reference, commit.as_bytes()).map_err(HubError::files("write", &reference))?;
        }
        Ok(pointer)
    }

    /// Every name that leads to this blob, and what it holds: a link's target.
    pub fn pointers(&self, repo: &str, blob: &Path) -> Vec<(PathBuf, PathBuf)> {
        let mut found = Vec::new();
        let mut folders = vec![self.repo_folder(repo).join("snapshots")];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
                let path = entry.path();
                match entry.file_type() {
                    Ok(kind) if kind.is_dir() => folders.push(path),
                    Ok(kind) if kind.is_symlink() => {
                        let target = std::fs::read_link(&path).unwrap_or_default();
                        if target.file_name() == blob.file_name() {
                            found.push((path, target));
                        }
                    }
                    _ => {}
                }
            }
        }
        found
    }

    /// Branches of this repository that are at `commit`.
    pub fn branches(&self, repo: &str, commit: &str) -> Vec<PathBuf> {
        branches_in(&self.repo_folder(repo), commit)
    }

    /// Takes folders of a repository away that are empty now; `pointers` led to what is gone.
    pub fn tidy(&self, repo: &str, pointers: &[(PathBuf, PathBuf)]) {
        let (blobs, repo) = (self.blobs(repo), self.repo_folder(repo));
        let snapshots = repo.join("snapshots");
        for (pointer, _) in pointers {
            let inside = pointer.ancestors().skip(1);
            for folder in inside.take_while(|folder| folder.starts_with(&snapshots) && *folder != snapshots) {
                // A branch at a commit without a folder is broken to huggingface_hub.
                if std::fs::remove_dir(folder).is_ok() && folder.parent() == Some(snapshots.as_path()) {
                    let commit = folder.file_name().unwrap_or_default().to_string_lossy();
                    for branch in branches_in(&repo, &commit) {
                        let _ = std::fs::remove_file(branch);
                    }
                }
            }
        }
        let is_empty =
            |folder: &Path| std::fs::read_dir(folder).map_or(true, |mut entries| entries.next().is_none());
        if is_empty(&blobs) && is_empty(&snapshots) {
            let _ = std::fs::remove_dir_all(repo.join("refs"));
            for folder in [snapshots, blobs, repo] {
                let _ = std::fs::remove_dir(folder);
            }
        }
    }

    /// Folders of repositories, and the repositories' names.
    pub fn repos(&self) -> Vec<(String, PathBuf)> {
        let entries = std::fs::read_dir(&self.root).into_iter().flatten().flatten();
        let mut repos: Vec<(String, PathBuf)> = entries
            .filter_map(|entry| {
                let name = entry.file_name().to_str()?.strip_prefix("models--")?.replacen("--", "/", 1);
                Some((name, entry.path())).filter(|(_, path)| path.is_dir())
            })
            .collect();
        repos.sort();
        repos
    }
}

fn branches_in(repo: &Path, commit: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![repo.join("refs")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                folders.push(path);
            } else if std::fs::read_to_string(&path).is_ok_and(|text| text.trim() == commit) {
                found.push(path);
            }
        }
    }
    found
}

/// `path` still names the open `file`.
#[cfg(unix)]
fn is_still(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    match (file.metadata(), path.metadata()) {
        (Ok(open), Ok(named)) => open.dev() == named.dev() && open.ino() == named.ino(),
        _ => false,
    }
}

/// A file that is open cannot be deleted there.
#[cfg(not(unix))]
fn is_still(_file: &File, _path: &Path) -> bool {
    true
}

/// Where `path` is made before it gets its name: the same place each time, so that the next one takes what a kill left.
fn beside(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.lectern-new"))
}

/// A small file, whole or not at all, put in the place of whatever was there.
fn put(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let temporary = beside(path);
    let mut file = File::create(&temporary)?;
    file.write_all(bytes).and_then(|()| file.sync_all())?;
    std::fs::rename(&temporary, path)
}

/// A link to `target`, put in the place of whatever was there.
#[cfg(unix)]
pub fn link(target: &Path, _blob: &Path, pointer: &Path) -> std::io::Result<()> {
    let temporary = beside(pointer);
    let _ = std::fs::remove_file(&temporary);
    std::os::unix::fs::symlink(target, &temporary)?;
    std::fs::rename(&temporary, pointer)
}

/// Where a user may make no symbolic link, a second name of the same bytes does it.
#[cfg(windows)]
pub fn link(target: &Path, blob: &Path, pointer: &Path) -> std::io::Result<()> {
    let _ = std::fs::remove_file(pointer);
    std::os::windows::fs::symlink_file(target, pointer).or_else(|_| std::fs::hard_link(blob, pointer))
}

/// A rename survives a power cut when its folder is on the disk.
pub fn sync_folder(folder: &Path) -> Result<(), HubError> {
    if cfg!(unix) {
        File::open(folder)
            .and_then(|folder| folder.sync_all())
            .map_err(HubError::files("write the folder", folder))?;
    }
    Ok(())
}

/// The check sum of a whole file, 64 hex digits; `None` when `go_on` said no.
pub fn sha256_of(path: &Path, mut go_on: impl FnMut(u64) -> bool) -> Result<Option<String>, HubError> {
    let mut file = File::open(path).map_err(HubError::files("read", path))?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    let mut done = 0;
    loop {
        match file.read(&mut buffer).map_err(HubError::files("read", path))? {
            0 => return Ok(Some(hex(hash))),
            read => {
                hash.update(&buffer[..read]);
                done += read as u64;
            }
        }
        if !go_on(done) {
            return Ok(None);
        }
    }
}

pub fn hex(hash: Sha256) -> String {
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}
