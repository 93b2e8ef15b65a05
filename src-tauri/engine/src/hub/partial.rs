//! Partial: a download that is not finished, as it lies beside the blobs: the bytes, with holes, and a journal that says
//! which parts are there. Either survives the end of the process at any moment.
//!
//! The journal is lines: first what the file will be, then `PART CRC32` for each part that was written whole. A part is
//! believed when its bytes still have that sum, so neither has to reach the disk in any order. The last line is `whole`:
//! the bytes are right and get their final name; until the file has its links, too, and stands in the ledger, the journal
//! stays, so that whoever comes after a kill can complete that. Other tools look at neither file: huggingface_hub goes on
//! with an `.incomplete` one by its length, and ours has its full length from the start.

use super::HubError;
use super::cache::{Cache, sync_folder};
use super::names::{FileName, is_commit, is_sha256};
use fs4::fs_std::FileExt;
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// Bytes of one range request and of one line in the journal. Four are under way at a time, so that a kill costs at most
/// 8 MiB.
pub const PART: u64 = 2 << 20;

/// Bytes of one write. Into space that was taken before, Linux 6.18 with ext4 writes 3 GB/s in pieces of this size, and
/// 0.16 GB/s in pieces of 2 MiB (measured, two EPYC cores).
const PIECE: usize = 128 << 10;

const BYTES: &str = "lectern-part";
const JOURNAL: &str = "lectern-journal";
const WHOLE: &str = "whole";
const VERSION: u32 = 1;

/// What the file will be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    version: u32,
    pub name: FileName,
    pub commit: String,
    pub sha256: String,
    pub size: u64,
    part: u64,
}

#[derive(Debug)]
pub struct Partial {
    pub record: Record,
    file: File,
    path: PathBuf,
    journal: Mutex<File>,
    journal_path: PathBuf,
    /// By part: the sum that it had when it came.
    pub known: Vec<Option<u32>>,
}

impl Record {
    pub fn new(name: &FileName, commit: &str, sha256: &str, size: u64) -> Record {
        let (commit, sha256) = (commit.into(), sha256.into());
        Record { version: VERSION, name: name.clone(), commit, sha256, size, part: PART }
    }

    pub fn parts(&self) -> usize {
        self.size.div_ceil(PART) as usize
    }

    /// First byte and the one after the last.
    pub fn range(&self, part: usize) -> (u64, u64) {
        let first = part as u64 * PART;
        (first, (first + PART).min(self.size))
    }

    /// As a stranger may have written it: names become paths.
    fn is_sound(&self) -> bool {
        let FileName { repo, revision, file } = &self.name;
        self.version == VERSION
            && self.part == PART
            && is_sha256(&self.sha256)
            && is_commit(&self.commit)
            && FileName::new(repo, revision, file).is_ok()
    }
}

impl Partial {
    /// Goes on with what is there, or begins; the whole size is taken on the disk at once. `spare` bytes of the disk
    /// stay free. The caller holds the lock of the blob.
    pub fn open(cache: &Cache, record: Record, spare: u64) -> Result<Partial, HubError> {
        let folder = cache.prepare(&record.name.repo)?;
        let path = folder.join(format!("{}.{BYTES}", record.sha256));
        let journal_path = folder.join(format!("{}.{JOURNAL}", record.sha256));
        let known = match read(&journal_path) {
            Some(Journal { record: found, known, .. }) if found.size == record.size && path.is_file() => {
                known
            }
            _ => {
                remove(&journal_path)?;
                remove(&path)?;
                vec![None; record.parts()]
            }
        };
        let is_new = known.iter().all(Option::is_none);
        let file = File::options().create(true).truncate(false).read(true).write(true).open(&path);
        let file = file.map_err(HubError::files("write", &path))?;
        if let Err(error) = reserve(&file, &folder, &record, spare) {
            if is_new {
                forget(cache, &record)?;
            }
            return Err(error);
        }
        let mut journal = File::options()
            .create(true)
            .append(true)
            .open(&journal_path)
            .map_err(HubError::files("write", &journal_path))?;
        // A line that a kill broke ends here, and is not believed.
        let first = match is_new {
            true => {
                journal.set_len(0).map_err(HubError::files("write", &journal_path))?;
                serde_json::to_string(&record).unwrap_or_default()
            }
            false => String::new(),
        };
        writeln!(journal, "{first}").map_err(HubError::files("write", &journal_path))?;
        Ok(Partial { record, file, path, journal: Mutex::new(journal), journal_path, known })
    }

    /// Writes a whole part and notes it.
    pub fn keep(&self, part: usize, bytes: &[u8]) -> Result<u32, HubError> {
        let sum = crc32fast::hash(bytes);
        let first = self.record.range(part).0;
        for (piece, bytes) in bytes.chunks(PIECE).enumerate() {
            write_at(&self.file, bytes, first + (piece * PIECE) as u64)
                .map_err(HubError::files("write", &self.path))?;
        }
        let line = format!("{part} {sum:08x}\n");
        let mut journal = self.journal.lock().unwrap_or_else(PoisonError::into_inner);
        journal.write_all(line.as_bytes()).map_err(HubError::files("write", &self.journal_path))?;
        Ok(sum)
    }

    /// Bytes from `offset` on, as many as `buffer` takes.
    pub fn read(&self, buffer: &mut [u8], offset: u64) -> Result<(), HubError> {
        read_at(&self.file, buffer, offset).map_err(HubError::files("read", &self.path))
    }

    /// The bytes are right: they get their final name. On the disk when this returns; the journal stays until
    /// [`close`].
    pub fn publish(self, cache: &Cache) -> Result<(), HubError> {
        let blob = cache.blob(&self.record.name.repo, &self.record.sha256);
        self.file.sync_all().map_err(HubError::files("write", &self.path))?;
        drop(self.file);
        let mut journal = self.journal.into_inner().unwrap_or_else(PoisonError::into_inner);
        writeln!(journal, "{WHOLE}")
            .and_then(|()| journal.sync_all())
            .map_err(HubError::files("write", &self.journal_path))?;
        std::fs::rename(&self.path, &blob).map_err(HubError::files("rename", &self.path))?;
        sync_folder(&cache.blobs(&self.record.name.repo))
    }

    /// Nothing of it stays.
    pub fn forget(self, cache: &Cache) -> Result<(), HubError> {
        drop((self.file, self.journal));
        forget(cache, &self.record)
    }
}

/// The file has its links and stands in the ledger: the journal goes. The caller holds the lock.
pub fn close(cache: &Cache, record: &Record) -> Result<(), HubError> {
    remove(&cache.blobs(&record.name.repo).join(format!("{}.{JOURNAL}", record.sha256)))
}

/// Files that a kill left under their final name without [`close`].
pub fn unclosed(cache: &Cache) -> Vec<Record> {
    let journals = files(cache, JOURNAL).into_iter();
    journals
        .filter_map(|path| read(&path))
        .map(|journal| journal.record)
        .filter(|record| is_unclosed(cache, record))
        .collect()
}

/// Whether that happened to this file. The caller holds the lock, or asks again when he has it.
pub fn is_unclosed(cache: &Cache, record: &Record) -> bool {
    let blob = cache.blob(&record.name.repo, &record.sha256);
    let journal = read(&blob.with_extension(JOURNAL));
    journal.is_some_and(|journal| journal.whole && journal.record == *record)
        && !blob.with_extension(BYTES).exists()
        && blob.metadata().is_ok_and(|metadata| metadata.is_file() && metadata.len() == record.size)
}

/// Takes an unfinished download off the disk, with the folders that it alone needed. The caller holds the lock.
pub fn forget(cache: &Cache, record: &Record) -> Result<(), HubError> {
    let folder = cache.blobs(&record.name.repo);
    // The journal first: bytes without one are an orphan, and go at the next start at the latest.
    remove(&folder.join(format!("{}.{JOURNAL}", record.sha256)))?;
    remove(&folder.join(format!("{}.{BYTES}", record.sha256)))?;
    let repo = folder.parent().map(Path::to_path_buf).unwrap_or_default();
    // Folders with something in them stay: that is the error here.
    let mut folders = [folder, repo.join("snapshots"), repo].into_iter();
    let _ = folders.try_for_each(std::fs::remove_dir);
    Ok(())
}

/// Takes an unfinished download to another cache. The caller holds its lock in both.
pub fn carry(record: &Record, from: &Cache, to: &Cache) -> Result<(), HubError> {
    let (old, new) = (from.blobs(&record.name.repo), to.prepare(&record.name.repo)?);
    // The bytes first: a journal alone would promise what is not there.
    for ending in [BYTES, JOURNAL] {
        let name = format!("{}.{ending}", record.sha256);
        let (here, there) = (old.join(&name), new.join(&name));
        remove(&there)?;
        if std::fs::hard_link(&here, &there).is_err() {
            std::fs::copy(&here, &there).map_err(HubError::files("copy", &here))?;
            File::open(&there).and_then(|file| file.sync_all()).map_err(HubError::files("write", &there))?;
        }
    }
    sync_folder(&new)?;
    forget(from, record)
}

/// Every unfinished download of the cache, with the bytes that are there.
pub fn unfinished(cache: &Cache) -> Vec<(Record, u64)> {
    let mut found = Vec::new();
    for path in files(cache, JOURNAL) {
        if let Some(Journal { record, known, .. }) = read(&path)
            && path == cache.blobs(&record.name.repo).join(format!("{}.{JOURNAL}", record.sha256))
            && path.with_extension(BYTES).is_file()
        {
            let here = known.iter().enumerate().filter(|(_, sum)| sum.is_some());
            let here = here.map(|(part, _)| record.range(part)).map(|(first, end)| end - first).sum();
            found.push((record, here));
        }
    }
    found
}

/// Deletes what no download will ever go on with: bytes without a journal, a journal without bytes, either beside a
/// finished blob that is [`close`]d. Gives the bytes that came free. What another process works on stays.
pub fn sweep(cache: &Cache) -> u64 {
    let mut freed = 0;
    for path in files(cache, JOURNAL).into_iter().chain(files(cache, BYTES)) {
        let Some(sha256) = path.file_stem().and_then(|stem| stem.to_str()).filter(|stem| is_sha256(stem))
        else {
            continue;
        };
        let repo = path.parent().and_then(Path::parent).and_then(Path::file_name);
        let Some(repo) = repo.and_then(|name| name.to_str()?.strip_prefix("models--")) else { continue };
        let Ok(Some(_lock)) = cache.try_lock(&repo.replacen("--", "/", 1), sha256) else { continue };
        let (bytes, journal) = (path.with_extension(BYTES), path.with_extension(JOURNAL));
        let known = read(&journal);
        let is_begun = bytes.is_file() && known.is_some() && !path.with_extension("").is_file();
        let is_wanted = is_begun || known.is_some_and(|known| is_unclosed(cache, &known.record));
        if !is_wanted {
            freed += allocated(&path);
            let _ = std::fs::remove_file(&path);
        }
    }
    freed
}

fn files(cache: &Cache, ending: &str) -> Vec<PathBuf> {
    let folders =
        cache.repos().into_iter().filter_map(|(_, folder)| std::fs::read_dir(folder.join("blobs")).ok());
    let paths = folders.flat_map(|entries| entries.flatten().map(|entry| entry.path()));
    paths.filter(|path| path.extension().is_some_and(|found| found == ending)).collect()
}

/// A journal, as far as its lines are whole.
#[derive(Debug)]
struct Journal {
    record: Record,
    known: Vec<Option<u32>>,
    /// All of it was right.
    whole: bool,
}

fn read(path: &Path) -> Option<Journal> {
    let text = std::fs::read_to_string(path).ok()?;
    let mut lines = text.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n'));
    let record: Record = serde_json::from_str(lines.next()?).ok()?;
    if !record.is_sound() || record.parts() > 1 << 22 {
        return None;
    }
    let mut known = vec![None; record.parts()];
    let mut whole = false;
    for line in lines {
        whole |= line == WHOLE;
        let Some((part, sum)) = line.split_once(' ') else { continue };
        let (Ok(part), 8, Ok(sum)) = (part.parse::<usize>(), sum.len(), u32::from_str_radix(sum, 16)) else {
            continue;
        };
        if let Some(known) = known.get_mut(part) {
            *known = Some(sum);
        }
    }
    Some(Journal { record, known, whole })
}

/// The file gets its whole size on the disk, so that a full disk is told now and not after an hour.
fn reserve(file: &File, folder: &Path, record: &Record, spare: u64) -> Result<(), HubError> {
    let taken = FileExt::allocated_size(file).unwrap_or(0);
    let needed = record.size.saturating_sub(taken);
    let free = fs4::available_space(folder).map_err(HubError::files("ask for the free space of", folder))?;
    if needed > 0 && free < needed.saturating_add(spare) {
        let (file, folder) = (record.name.file.clone(), folder.to_path_buf());
        return Err(HubError::NoSpace { file, needed, free, spare, folder });
    }
    let reserved = match needed {
        0 => Ok(()),
        _ => FileExt::allocate(file, record.size),
    };
    match reserved {
        // Some file systems cannot: the disk may then fill later, and that is told then.
        Err(error) if error.kind() == std::io::ErrorKind::Unsupported => {}
        other => other.map_err(HubError::files("take space for", folder))?,
    }
    file.set_len(record.size).map_err(HubError::files("take space for", folder))
}

fn allocated(path: &Path) -> u64 {
    File::open(path).and_then(|file| FileExt::allocated_size(&file)).unwrap_or(0)
}

fn remove(path: &Path) -> Result<(), HubError> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(HubError::files("remove", path)(error))
        }
        _ => Ok(()),
    }
}

#[cfg(unix)]
fn write_at(file: &File, bytes: &[u8], offset: u64) -> std::io::Result<()> {
    std::os::unix::fs::FileExt::write_all_at(file, bytes, offset)
}

#[cfg(unix)]
fn read_at(file: &File, buffer: &mut [u8], offset: u64) -> std::io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, buffer, offset)
}

#[cfg(windows)]
fn write_at(file: &File, mut bytes: &[u8], mut offset: u64) -> std::io::Result<()> {
    while !bytes.is_empty() {
        let written = std::os::windows::fs::FileExt::seek_write(file, bytes, offset)?;
        (bytes, offset) = (&bytes[written..], offset + written as u64);
    }
    Ok(())
}

#[cfg(windows)]
fn read_at(file: &File, mut buffer: &mut [u8], mut offset: u64) -> std::io::Result<()> {
    while !buffer.is_empty() {
        match std::os::windows::fs::FileExt::seek_read(file, buffer, offset)? {
            0 => return Err(std::io::ErrorKind::UnexpectedEof.into()),
            read => (buffer, offset) = (&mut buffer[read..], offset + read as u64),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(size: u64) -> Record {
        let name = FileName::new("a/b", "main", "m.gguf").unwrap();
        Record::new(&name, &"c".repeat(40), &"d".repeat(64), size)
    }

    fn part(partial: &Partial, part: usize) -> Vec<u8> {
        let (first, end) = partial.record.range(part);
        let mut bytes = vec![0; (end - first) as usize];
        partial.read(&mut bytes, first).unwrap();
        bytes
    }

    #[test]
    fn what_was_kept_is_known_again_and_a_broken_line_is_not_believed() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::at(folder.path());
        let partial = Partial::open(&cache, record(2 * PART + 5), 0).unwrap();
        let sum = partial.keep(2, b"hello").unwrap();
        let journal = partial.journal_path.clone();
        assert_eq!(partial.path.metadata().unwrap().len(), 2 * PART + 5, "the whole size is taken at once");
        drop(partial);
        // A kill in the middle of a line: no end of line, and half of a sum.
        File::options().append(true).open(&journal).unwrap().write_all(b"0 12ab").unwrap();
        let again = Partial::open(&cache, record(2 * PART + 5), 0).unwrap();
        assert_eq!(again.known, [None, None, Some(sum)]);
        assert_eq!(part(&again, 2), b"hello");
        again.keep(0, &vec![7; PART as usize]).unwrap();
        drop(again);
        let third = Partial::open(&cache, record(2 * PART + 5), 0).unwrap();
        assert!(
            third.known[0].is_some() && third.known[1].is_none(),
            "what comes after it counts: {:?}",
            third.known
        );
    }

    #[test]
    fn another_size_begins_anew() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::at(folder.path());
        Partial::open(&cache, record(5), 0).unwrap().keep(0, b"hello").unwrap();
        assert_eq!(Partial::open(&cache, record(6), 0).unwrap().known, [None]);
    }

    #[test]
    fn too_little_space_is_told_before_a_byte_comes_and_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::at(folder.path());
        let error = Partial::open(&cache, record(5), u64::MAX / 2).unwrap_err();
        assert!(matches!(error, HubError::NoSpace { needed: 5, .. }), "{error}");
        assert!(std::fs::read_dir(folder.path()).unwrap().next().is_none(), "not even a folder");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_disk_that_fills_midway_is_told_as_that() {
        let folder = tempfile::tempdir().unwrap();
        let mut partial = Partial::open(&Cache::at(folder.path()), record(5), 0).unwrap();
        // The system's own full disk: each write to it fails with ENOSPC.
        partial.file = File::options().read(true).write(true).open("/dev/full").unwrap();
        let error = partial.keep(0, b"hello").unwrap_err();
        assert!(matches!(error, HubError::DiskFull { .. }), "{error}");
        assert_eq!(read(&partial.journal_path).unwrap().known, [None], "and the part is not noted");
    }

    #[test]
    fn the_sweep_takes_orphans_and_leaves_what_can_go_on() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::at(folder.path());
        Partial::open(&cache, record(5), 0).unwrap().keep(0, b"hello").unwrap();
        let blobs = cache.blobs("a/b");
        let orphan = blobs.join(format!("{}.{BYTES}", "e".repeat(64)));
        std::fs::write(&orphan, vec![1; 10_000]).unwrap();
        let alone = blobs.join(format!("{}.{JOURNAL}", "f".repeat(64)));
        std::fs::write(&alone, b"{}").unwrap();
        let busy = blobs.join(format!("{}.{BYTES}", "a".repeat(64)));
        std::fs::write(&busy, b"x").unwrap();
        let lock = cache.try_lock("a/b", &"a".repeat(64)).unwrap().expect("nobody else has it");
        assert!(sweep(&cache) >= 10_000);
        assert!(!orphan.exists() && !alone.exists());
        assert!(busy.exists(), "another one may be writing it");
        assert_eq!(unfinished(&cache), [(record(5), 5)]);
        drop(lock);
        sweep(&cache);
        assert!(!busy.exists());
    }
}
