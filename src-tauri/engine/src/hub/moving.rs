//! Moving: the models that Lectern fetched go to another folder. A kill at any moment loses nothing and leaves nothing
//! twice, and every expert can answer at every moment. Files of other tools stay where these look for them.
//!
//! ```text
//! begin      the journal says what goes where → the settings name the new folder
//! each file  is there, whole → is named there → experts use it there → is not here any more
//! end        no journal
//! ```
//!
//! On the same file system a file gets a second name; on another it is copied, hashed while it is written, on the disk,
//! and then named. Each step may have been done by a run before this one: it is looked at, not remembered.
//!
//! Fails:  no space there (before anything begins), the folder is decided by the environment, a move is under way
//! Cost:   nothing on the same file system; else one pass over the bytes and 1 MiB of memory

use super::cache::{Cache, Lock, hex, link, sha256_of, sync_folder};
use super::ledger::{Ledger, Line};
use super::partial::{self, carry};
use super::place::cache_variable;
use super::stop::Stop;
use super::{HubError, Patience, Place};
use crate::home::{Home, write_atomically};
use crate::pool::Pool;
use crate::settings::Settings;
use crate::words::Failure;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;
use ts_rs::TS;

/// Bytes that are copied at a time.
const PIECE: usize = 1 << 20;
/// How often somebody who waits for another process looks.
const LOOK: Duration = Duration::from_millis(200);
/// Of a copy that is not whole yet.
const ENDING: &str = "lectern-moving";

/// What goes where; written before the first file goes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Journal {
    from: PathBuf,
    to: PathBuf,
    files: Vec<Going>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Going {
    #[serde(flatten)]
    line: Line,
    /// Another tool had it in the new folder already; there it is not ours.
    theirs: bool,
}

/// A move that has begun, in this process or in one that is gone.
pub struct Move {
    home: Home,
    journal: Journal,
}

/// How far it is.
#[derive(Clone, Debug, PartialEq, Serialize, TS)]
pub struct Moved {
    #[ts(type = "string")]
    pub from: PathBuf,
    #[ts(type = "string")]
    pub to: PathBuf,
    #[ts(type = "number")]
    pub done_bytes: u64,
    #[ts(type = "number")]
    pub total_bytes: u64,
    pub files: u32,
    /// `owner/name:file` of those that stay, because their bytes are not what they were when they came.
    pub damaged: Vec<String>,
}

impl Move {
    /// Plans the move of the models to `to` and has the settings name that folder; no file goes yet.
    pub fn begin(home: &Home, settings: &mut Settings, to: &Path) -> Result<Move, Failure> {
        if let Some(variable) = cache_variable() {
            return Err(HubError::Fixed { variable }.into());
        }
        if let Some(under_way) = Move::unfinished(home)? {
            return Err(HubError::Moving { to: under_way.journal.to }.into());
        }
        let from = Place::find(settings)?.cache;
        let to = std::path::absolute(to).map_err(HubError::files("find", to))?;
        std::fs::create_dir_all(&to).map_err(HubError::files("make the folder", &to))?;
        let real = |folder: &Path| folder.canonicalize().unwrap_or_else(|_| folder.to_path_buf());
        if real(&to).starts_with(real(&from)) {
            let (field, value) = ("the new folder", to.display().to_string());
            return Err(HubError::Name { field, value, why: "the models lie in it already" }.into());
        }
        let (old, new) = (Cache::at(&from), Cache::at(&to));
        let here = Ledger::of(home).all().into_iter().filter(|line| is_whole(&old, line));
        let files: Vec<Going> = here.map(|line| Going { theirs: is_whole(&new, &line), line }).collect();
        enough_space(&from, &to, &files)?;
        let it = Move { home: home.clone(), journal: Journal { from, to, files } };
        let text = serde_json::to_vec_pretty(&it.journal).unwrap_or_default();
        let path = home.move_journal();
        write_atomically(&path, &text).map_err(HubError::files("write", &path))?;
        it.tell(settings)?;
        Ok(it)
    }

    /// The move that was cut off, or goes on in another process.
    pub fn unfinished(home: &Home) -> Result<Option<Move>, Failure> {
        let path = home.move_journal();
        let text = match std::fs::read(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            other => other.map_err(HubError::files("read", &path))?,
        };
        let unreadable = |error: serde_json::Error| HubError::files("understand", &path)(error.into());
        let mut journal: Journal = serde_json::from_slice(&text).map_err(unreadable)?;
        journal.files.retain(|going| going.line.is_sound());
        Ok(Some(Move { home: home.clone(), journal }))
    }

    /// Where to.
    pub fn to(&self) -> &Path {
        &self.journal.to
    }

    /// The settings name the new folder: what comes from now on goes there.
    pub fn tell(&self, settings: &mut Settings) -> Result<(), Failure> {
        let cache = Some(self.journal.to.display().to_string());
        if settings.hub.cache != cache {
            settings.hub.cache = cache;
            settings.save(&self.home)?;
        }
        Ok(())
    }

    /// Takes what is still to go. `on` hears after every step; a stop between two of them is as good as a kill: what is
    /// left goes another time.
    pub fn run(&self, pool: &Pool, stop: &Stop, on: &mut dyn FnMut(&Moved)) -> Result<Moved, Failure> {
        let _turn = self.turn()?;
        let Journal { from, to, files } = &self.journal;
        let (old, new) = (Cache::at(from), Cache::at(to));
        let moved = Moved {
            from: from.clone(),
            to: to.clone(),
            done_bytes: 0,
            total_bytes: files.iter().map(|going| going.line.bytes).fold(0, u64::saturating_add),
            files: 0,
            damaged: Vec::new(),
        };
        let mut run = Run { home: &self.home, pool, old, new, stop, on, moved };
        for (record, _) in partial::unfinished(&run.old) {
            run.carry(&record)?;
        }
        for going in files {
            run.take(going)?;
        }
        let path = self.home.move_journal();
        std::fs::remove_file(&path).map_err(HubError::files("remove", &path))?;
        // Not empty: others have files there.
        let _ = std::fs::remove_dir(from.join(".locks")).and_then(|()| std::fs::remove_dir(from));
        Ok(run.moved)
    }

    /// One process moves at a time.
    fn turn(&self) -> Result<File, HubError> {
        let path = self.home.move_journal().with_extension("lock");
        let open = File::options().create(true).truncate(false).write(true).open(&path);
        let file = open.map_err(HubError::files("open the lock", &path))?;
        match file.try_lock() {
            Ok(()) => Ok(file),
            Err(_) => Err(HubError::Moving { to: self.journal.to.clone() }),
        }
    }
}

/// The file is in this cache, as long as it should be.
fn is_whole(cache: &Cache, line: &Line) -> bool {
    let blob = cache.blob(&line.name.repo, &line.sha256);
    blob.metadata().is_ok_and(|metadata| metadata.is_file() && metadata.len() == line.bytes)
}

/// What has to be copied must find room, and leave some.
fn enough_space(from: &Path, to: &Path, files: &[Going]) -> Result<(), HubError> {
    let coming = files.iter().filter(|going| !going.theirs).map(|going| going.line.bytes);
    let needed: u64 = coming.fold(0, u64::saturating_add);
    if needed == 0 || is_same_file_system(from, to) {
        return Ok(());
    }
    let free = fs4::available_space(to).map_err(HubError::files("ask for the free space of", to))?;
    let spare = Patience::default().spare_bytes;
    if free < needed.saturating_add(spare) {
        let file = format!("The move of {} files", files.len());
        return Err(HubError::NoSpace { file, needed, free, spare, folder: to.to_path_buf() });
    }
    Ok(())
}

/// A file can have a name in both.
#[cfg(unix)]
fn is_same_file_system(one: &Path, other: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let device = |path: &Path| path.metadata().map(|metadata| metadata.dev()).ok();
    device(one).is_some() && device(one) == device(other)
}

#[cfg(not(unix))]
fn is_same_file_system(one: &Path, other: &Path) -> bool {
    one.components().next() == other.components().next()
}

struct Run<'a> {
    home: &'a Home,
    pool: &'a Pool,
    old: Cache,
    new: Cache,
    stop: &'a Stop,
    on: &'a mut dyn FnMut(&Moved),
    moved: Moved,
}

impl Run<'_> {
    /// Something was done; whether the next thing may be.
    fn step(&mut self) -> Result<(), HubError> {
        (self.on)(&self.moved);
        if self.stop.is_set() { Err(HubError::Stopped) } else { Ok(()) }
    }

    /// An unfinished download goes on there. One that somebody works on stays his.
    fn carry(&mut self, record: &partial::Record) -> Result<(), HubError> {
        let (repo, sha256) = (&record.name.repo, &record.sha256);
        let here = self.old.try_lock(repo, sha256)?;
        let there = self.new.try_lock(repo, sha256)?;
        if here.is_some() && there.is_some() {
            carry(record, &self.old, &self.new)?;
        }
        here.into_iter().for_each(Lock::vanish);
        self.step()
    }

    fn take(&mut self, going: &Going) -> Result<(), Failure> {
        let Going { line, theirs } = going;
        let before = self.moved.done_bytes;
        let here = self.lock(&self.old.clone(), line)?;
        let there = self.lock(&self.new.clone(), line)?;
        if self.place(line, *theirs)? {
            self.name(line)?;
            self.release(line)?;
            if *theirs {
                Ledger::of(self.home).remove(line)?;
            }
        }
        here.vanish();
        drop(there);
        self.moved.done_bytes = before + line.bytes;
        self.moved.files += 1;
        Ok(self.step()?)
    }

    /// Waits until nobody else works on it.
    fn lock(&self, cache: &Cache, line: &Line) -> Result<Lock, HubError> {
        loop {
            if let Some(lock) = cache.try_lock(&line.name.repo, &line.sha256)? {
                return Ok(lock);
            }
            if self.stop.wait(LOOK) {
                return Err(HubError::Stopped);
            }
        }
    }

    /// The bytes are in the new folder. `false`: they are in neither, or are not what they were.
    fn place(&mut self, line: &Line, theirs: bool) -> Result<bool, HubError> {
        let (here, there) = (self.blob(&self.old, line), self.blob(&self.new, line));
        // What is whole there was put there by an earlier run, which hashed it, or by another tool.
        let is_there = is_whole(&self.new, line)
            && (!theirs || sha256_of(&there, |_| true)?.as_ref() == Some(&line.sha256));
        if is_there || !here.is_file() {
            return Ok(is_there);
        }
        self.new.prepare(&line.name.repo)?;
        let aside = there.with_extension(ENDING);
        if is_same_file_system(&here, &self.new.blobs(&line.name.repo)) {
            let _ = std::fs::remove_file(&there);
            if std::fs::hard_link(&here, &there).is_ok() {
                sync_folder(&self.new.blobs(&line.name.repo))?;
                self.step()?;
                return Ok(true);
            }
        }
        // An earlier run may have left a part that is not right: then once more, from the beginning.
        let is_right = self.copy(&here, &aside, line)? || self.copy(&here, &aside, line)?;
        if !is_right {
            self.moved.damaged.push(format!("{}:{}", line.name.repo, line.name.file));
            self.new.tidy(&line.name.repo, &[]);
            return Ok(false);
        }
        std::fs::rename(&aside, &there).map_err(HubError::files("rename", &aside))?;
        sync_folder(&self.new.blobs(&line.name.repo))?;
        self.step()?;
        Ok(true)
    }

    /// Copies a file, or goes on with a copy. `true`: it is on the disk with the sum that it should have; else it is gone.
    fn copy(&mut self, from: &Path, to: &Path, line: &Line) -> Result<bool, HubError> {
        let begun = self.moved.done_bytes;
        let mut source = File::open(from).map_err(HubError::files("read", from))?;
        let open = File::options().create(true).truncate(false).read(true).write(true).open(to);
        let mut target = open.map_err(HubError::files("write", to))?;
        let mut hash = Sha256::new();
        let mut buffer = vec![0; PIECE];
        let mut done = 0;
        loop {
            let read = target.read(&mut buffer).map_err(HubError::files("read", to))?;
            if read == 0 {
                break;
            }
            hash.update(&buffer[..read]);
            done += read as u64;
        }
        source.seek(SeekFrom::Start(done)).map_err(HubError::files("read", from))?;
        loop {
            self.moved.done_bytes = begun + done.min(line.bytes);
            self.step()?;
            let read = source.read(&mut buffer).map_err(HubError::files("read", from))?;
            if read == 0 {
                break;
            }
            target.write_all(&buffer[..read]).map_err(HubError::files("write", to))?;
            hash.update(&buffer[..read]);
            done += read as u64;
        }
        target.sync_all().map_err(HubError::files("write", to))?;
        let is_right = done == line.bytes && hex(hash) == line.sha256;
        if !is_right {
            drop(target);
            std::fs::remove_file(to).map_err(HubError::files("remove", to))?;
            self.moved.done_bytes = begun;
        }
        Ok(is_right)
    }

    /// Every name of the file is in the new folder as well, and experts use it there.
    fn name(&mut self, line: &Line) -> Result<(), Failure> {
        let (repo, root) = (&line.name.repo, self.old.root().to_path_buf());
        let (here, there) = (self.blob(&self.old, line), self.blob(&self.new, line));
        let in_new = |path: &Path| {
            let inside = path.strip_prefix(&root).map_err(|_| HubError::NotRemoved(line.sha256.clone()))?;
            Ok::<PathBuf, HubError>(self.new.root().join(inside))
        };
        for (pointer, target) in self.old.pointers(repo, &here) {
            let pointer = in_new(&pointer)?;
            let folder = pointer.parent().unwrap_or(&pointer);
            std::fs::create_dir_all(folder).map_err(HubError::files("make the folder", folder))?;
            let target = if target.is_absolute() { &there } else { &target };
            link(target, &there, &pointer).map_err(HubError::files("make the link", &pointer))?;
            sync_folder(folder)?;
        }
        for branch in self.old.branches(repo, &line.commit) {
            let branch = in_new(&branch)?;
            let folder = branch.parent().unwrap_or(&branch);
            std::fs::create_dir_all(folder).map_err(HubError::files("make the folder", folder))?;
            if !branch.exists() {
                write_atomically(&branch, line.commit.as_bytes())
                    .map_err(HubError::files("write", &branch))?;
            }
        }
        let pointer = self.new.point(&line.name.at(&line.commit), &line.commit, &line.sha256)?;
        self.step()?;
        if let Ok(real) = here.canonicalize() {
            self.pool.follow(&real, &|path| {
                let same = path.strip_prefix(&root).map(|inside| self.new.root().join(inside));
                same.ok().filter(|same| same.is_file()).unwrap_or_else(|| pointer.clone())
            })?;
        }
        Ok(self.step()?)
    }

    /// Nothing of it is in the old folder.
    fn release(&mut self, line: &Line) -> Result<(), HubError> {
        let blob = self.blob(&self.old, line);
        let pointers = self.old.pointers(&line.name.repo, &blob);
        for (pointer, _) in &pointers {
            std::fs::remove_file(pointer).map_err(HubError::files("remove", pointer))?;
            self.step()?;
        }
        match std::fs::remove_file(&blob) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(HubError::files("remove", &blob)(error));
            }
            _ => {}
        }
        self.step()?;
        self.old.tidy(&line.name.repo, &pointers);
        Ok(())
    }

    fn blob(&self, cache: &Cache, line: &Line) -> PathBuf {
        cache.blob(&line.name.repo, &line.sha256)
    }
}
