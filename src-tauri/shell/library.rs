//! Library: the hub as the settings have it now, its downloads, and what was removed since the window opened.
//!
//! Other settings make another hub: downloads of the old one pause, and those that ran go on with the new one, unless it
//! is offline. A hub that cannot be opened is a failure of its commands and not of the app.

use engine::home::Home;
use engine::hub::{Download, Downloads, Hub, HubError, Place, State, Trash};
use engine::pool::{Expert, Manifest, Pool};
use engine::settings::{HubSettings, Settings};
use engine::words::Failure;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

type Watcher = Box<dyn Fn(&[Download]) + Send>;

pub struct Library {
    home: Home,
    /// The program that hosts an expert while its file is tried.
    host: PathBuf,
    now: Mutex<Now>,
    watchers: Arc<Mutex<Vec<Watcher>>>,
}

struct Now {
    settings: HubSettings,
    open: Result<Arc<Shelf>, Failure>,
    /// Those of earlier settings: what was removed under them can still come back.
    before: Vec<Arc<Shelf>>,
}

/// One hub with what it does.
pub struct Shelf {
    pub hub: Hub,
    pub downloads: Downloads,
    pub trash: Trash,
}

impl Library {
    pub fn open(home: &Home, host: PathBuf, settings: &Settings) -> Library {
        let watchers: Arc<Mutex<Vec<Watcher>>> = Arc::default();
        let open = shelf(home, settings, &watchers).map(Arc::new);
        let now = Mutex::new(Now { settings: settings.hub.clone(), open, before: Vec::new() });
        Library { home: home.clone(), host, now, watchers }
    }

    pub fn shelf(&self) -> Result<Arc<Shelf>, Failure> {
        self.now().open.clone()
    }

    /// Hears the list of downloads now and at each change, whatever hub there is.
    pub fn watch(&self, watcher: Watcher) {
        let list = self.shelf().map(|shelf| shelf.downloads.list()).unwrap_or_default();
        watcher(&list);
        lock(&self.watchers).push(watcher);
    }

    /// From now on by these settings. Settings that no hub can be opened with change nothing.
    pub fn follow(&self, settings: &Settings) -> Result<(), Failure> {
        let mut now = self.now();
        if now.settings == settings.hub && now.open.is_ok() {
            return Ok(());
        }
        let place = Place::find(settings)?;
        let ran = now.open.as_ref().map(|shelf| pause_all(&shelf.downloads)).unwrap_or_default();
        let shelf = shelf(&self.home, settings, &self.watchers).map(Arc::new)?;
        if place.offline.is_none() {
            for download in &ran {
                shelf.downloads.start(&download.name);
            }
        }
        if let Ok(old) = std::mem::replace(&mut now.open, Ok(shelf)) {
            now.before.push(old);
        }
        now.settings = settings.hub.clone();
        Ok(())
    }

    /// The file of a download that is ready becomes an expert; one that it is already is given back.
    pub fn add(&self, pool: &Pool, id: u64) -> Result<Expert, Failure> {
        let shelf = self.shelf()?;
        let download = shelf.downloads.list().into_iter().find(|download| download.id == id);
        let Some(State::Ready { fetched }) = download.map(|download| download.state) else {
            return Err(HubError::NoDownload(id).into());
        };
        let manifest = shelf.hub.add_expert(pool, &fetched, &Default::default(), &self.host)?;
        Ok(pool.get(&manifest.name)?)
    }

    /// Takes an expert out of the pool, and its file where it is ours alone. Without a hub the file stays.
    pub fn remove(&self, pool: &Pool, name: &str) -> Result<u64, Failure> {
        match self.shelf() {
            Ok(shelf) => shelf.trash.remove_expert(pool, name),
            Err(_) => Ok(pool.remove(name)?),
        }
    }

    /// Undoes a removal.
    pub fn restore(&self, pool: &Pool, manifest: &Manifest) -> Result<(), Failure> {
        let sum = manifest.implementations.first().map(|file| file.sha256.as_str());
        let has_it =
            |shelf: &Arc<Shelf>| shelf.trash.list().iter().any(|kept| Some(kept.sha256.as_str()) == sum);
        let shelf = self.now().before.iter().find(|shelf| has_it(shelf)).cloned();
        shelf.map_or_else(|| self.shelf(), Ok)?.trash.restore_expert(pool, manifest)
    }

    /// What was removed is gone for good. Gives the bytes that came free.
    pub fn free(&self) -> Result<u64, Failure> {
        let mut freed = self.shelf()?.trash.empty()?;
        for shelf in &self.now().before {
            freed += shelf.trash.empty()?;
        }
        Ok(freed)
    }

    fn now(&self) -> MutexGuard<'_, Now> {
        lock(&self.now)
    }
}

fn shelf(home: &Home, settings: &Settings, watchers: &Arc<Mutex<Vec<Watcher>>>) -> Result<Shelf, Failure> {
    let hub = Hub::open(home, settings)?;
    let downloads = Downloads::new(hub.clone(), settings.hub.downloads_at_once as usize);
    let watchers = Arc::clone(watchers);
    downloads.watch(Box::new(move |list| tell(&watchers, list)));
    let trash = Trash::of(&hub);
    Ok(Shelf { hub, downloads, trash })
}

/// Those that ran; none does any more.
fn pause_all(downloads: &Downloads) -> Vec<Download> {
    let ran: Vec<Download> =
        downloads.list().into_iter().filter(|download| !download.state.is_still()).collect();
    for download in &ran {
        // One that ended or left the list meanwhile is what was wanted.
        let _ = downloads.pause(download.id).and_then(|()| downloads.wait(download.id));
    }
    ran
}

fn tell(watchers: &Mutex<Vec<Watcher>>, list: &[Download]) {
    lock(watchers).iter().for_each(|watcher| watcher(list));
}

/// A panic elsewhere leaves nothing half-written: what is inside is replaced whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
