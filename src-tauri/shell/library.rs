//! Library: the hub as the settings have it now, its downloads, and what was removed since the window opened.
//!
//! Other settings make another hub: downloads of the old one pause, and those that ran go on with the new one, unless it
//! is offline. A hub that cannot be opened is a failure of its commands and not of the app.

use crate::moving::Mover;
use engine::home::Home;
use engine::hub::{
    Discarded, Download, Downloads, FileName, Hub, HubError, Place, State, Trash, Watch, WithoutFile,
};
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
    mover: Arc<Mover>,
    /// Who wants to hear that something changed in a watched folder.
    looker: Arc<Mutex<Option<Looker>>>,
}

type Looker = Box<dyn Fn() + Send>;

struct Now {
    settings: HubSettings,
    /// `None`: no folder is to be watched, or the system cannot.
    watch: Option<Watch>,
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
        let looker = Arc::default();
        let watch = watch(&settings.hub, &looker);
        let now = Mutex::new(Now { settings: settings.hub.clone(), watch, open, before: Vec::new() });
        Library { home: home.clone(), host, now, watchers, mover: Arc::default(), looker }
    }

    pub fn mover(&self) -> Arc<Mover> {
        Arc::clone(&self.mover)
    }

    /// Hears when something changed in a watched folder.
    pub fn look(&self, looker: Looker) {
        *lock(&self.looker) = Some(looker);
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
        if now.settings.folders != settings.hub.folders {
            // The last one ends before the next one begins.
            now.watch = None;
            now.watch = watch(&settings.hub, &self.looker);
        }
        let alone = HubSettings { folders: now.settings.folders.clone(), ..settings.hub.clone() };
        if now.settings != alone || now.open.is_err() {
            let ran = match &now.open {
                Ok(shelf) => {
                    // What is asked at the moment is asked under the settings that were.
                    shelf.hub.stop_asking();
                    pause_all(&shelf.downloads)
                }
                Err(_) => Vec::new(),
            };
            self.open_anew(&mut now, settings, if place.offline.is_none() { &ran } else { &[] })?;
        }
        now.settings = settings.hub.clone();
        Ok(())
    }

    /// Downloads that ran; none does any more.
    pub fn pause(&self) -> Vec<FileName> {
        self.shelf().map(|shelf| pause_all(&shelf.downloads)).unwrap_or_default()
    }

    /// The models lie elsewhere now, and what was fetched of others with them; these downloads go on.
    pub fn renew(&self, settings: &Settings, downloads: Vec<FileName>) -> Result<(), Failure> {
        let mut now = self.now();
        let mut going = now.open.as_ref().map(|shelf| pause_all(&shelf.downloads)).unwrap_or_default();
        going.extend(downloads);
        self.open_anew(&mut now, settings, &going)?;
        now.settings = settings.hub.clone();
        Ok(())
    }

    fn open_anew(&self, now: &mut Now, settings: &Settings, downloads: &[FileName]) -> Result<(), Failure> {
        let shelf = shelf(&self.home, settings, &self.watchers).map(Arc::new)?;
        for name in downloads {
            shelf.downloads.start(name);
        }
        if let Ok(old) = std::mem::replace(&mut now.open, Ok(shelf)) {
            now.before.push(old);
        }
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
        self.mover.is_still()?;
        match self.shelf() {
            Ok(shelf) => shelf.trash.remove_expert(pool, name),
            Err(_) => Ok(pool.remove(name)?),
        }
    }

    /// Undoes a removal.
    pub fn restore(&self, pool: &Pool, manifest: &Manifest) -> Result<(), Failure> {
        self.mover.is_still()?;
        let before = self.now().before.iter().find(|shelf| shelf.trash.knows(&manifest.name)).cloned();
        before.map_or_else(|| self.shelf(), Ok)?.trash.restore_expert(pool, manifest)
    }

    /// Takes one of several files from an expert, and off the disk where it is ours alone.
    pub fn remove_build(&self, pool: &Pool, name: &str, file: &str) -> Result<WithoutFile, Failure> {
        self.mover.is_still()?;
        self.shelf()?.trash.remove_build(pool, name, file)
    }

    /// Undoes that.
    pub fn restore_build(&self, pool: &Pool, name: &str, file: &str) -> Result<Expert, Failure> {
        self.mover.is_still()?;
        let before = self.now().before.iter().find(|shelf| shelf.trash.knows_file(name, file)).cloned();
        before.map_or_else(|| self.shelf(), Ok)?.trash.restore_build(pool, name, file)
    }

    /// Takes a model that we fetched and that no expert uses off the disk.
    pub fn remove_unused(&self, pool: &Pool, path: &str) -> Result<Discarded, Failure> {
        self.mover.is_still()?;
        Ok(self.shelf()?.trash.remove_unused(&pool.experts(), path)?)
    }

    /// Undoes that.
    pub fn restore_unused(&self, sha256: &str) -> Result<(), Failure> {
        self.mover.is_still()?;
        let has_it = |shelf: &&Arc<Shelf>| shelf.trash.list().iter().any(|kept| kept.sha256 == sha256);
        let before = self.now().before.iter().find(has_it).cloned();
        Ok(before.map_or_else(|| self.shelf(), Ok)?.trash.undo(sha256)?)
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

fn watch(settings: &HubSettings, looker: &Arc<Mutex<Option<Looker>>>) -> Option<Watch> {
    if settings.folders.is_empty() {
        return None;
    }
    let folders: Vec<PathBuf> = settings.folders.iter().map(PathBuf::from).collect();
    let looker = Arc::clone(looker);
    Watch::begin(&folders, move || lock(&looker).iter().for_each(|look| look())).ok()
}

/// Those that ran; none does any more.
fn pause_all(downloads: &Downloads) -> Vec<FileName> {
    let ran: Vec<Download> =
        downloads.list().into_iter().filter(|download| !download.state.is_still()).collect();
    for download in &ran {
        // One that ended or left the list meanwhile is what was wanted.
        let _ = downloads.pause(download.id).and_then(|()| downloads.wait(download.id));
    }
    ran.into_iter().map(|download| download.name).collect()
}

fn tell(watchers: &Mutex<Vec<Watcher>>, list: &[Download]) {
    lock(watchers).iter().for_each(|watcher| watcher(list));
}

/// A panic elsewhere leaves nothing half-written: what is inside is replaced whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use engine::hub::Machine;
    use std::net::TcpListener;

    #[test]
    fn a_search_that_gets_no_answer_ends_when_the_network_is_switched_off() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let home = Home::at(folder.path().join("home"));
        home.prepare().expect("a folder that can be made");
        // It takes the connection and says nothing.
        let silent = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let mut settings = Settings::default();
        settings.hub.endpoint = silent.local_addr().ok().map(|address| format!("http://{address}"));
        settings.hub.cache = Some(folder.path().join("models").display().to_string());
        let library = Library::open(&home, PathBuf::new(), &settings);
        let shelf = library.shelf().expect("a hub that can be opened");
        let machine = Machine { budget_bytes: 1, bytes_per_s: None };
        std::thread::scope(|scope| {
            let search = scope.spawn(|| shelf.hub.search("anything", 5, machine));
            let asked = silent.accept().expect("the search asks");
            settings.hub.offline = true;
            library.follow(&settings).expect("settings that can be followed");
            let ended = search.join().expect("a search that does not panic");
            assert!(matches!(ended, Err(HubError::Stopped)), "{ended:?}");
            drop(asked);
        });
        assert!(library.shelf().is_ok_and(|shelf| shelf.hub.place().offline.is_some()));
    }
}
