//! Moving: the way of the models to another folder, as the window shows it. It runs in a thread of its own; one that was
//! cut off goes on when the page opens.

use crate::house::{House, Open};
use engine::hub::{HubError, Move, Moved, Stop};
use engine::settings::Settings;
use engine::words::Failure;
use serde::Serialize;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tauri::State;
use tauri::ipc::Channel;
use ts_rs::TS;

/// More than this nobody can read.
const TELL: Duration = Duration::from_millis(100);

/// What there is of a move.
#[derive(Clone, Debug, Default, PartialEq, Serialize, TS)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Moving {
    #[default]
    Still,
    Going {
        moved: Moved,
    },
    /// Stopped by the user; what is left goes another time.
    Paused {
        moved: Moved,
    },
    Done {
        moved: Moved,
    },
    Failed {
        failure: Failure,
    },
}

#[derive(Default)]
pub struct Mover(Mutex<Now>);

#[derive(Default)]
struct Now {
    moving: Moving,
    stop: Arc<Stop>,
    page: Option<Channel<Moving>>,
}

impl Mover {
    /// What must not happen while models are on their way.
    pub fn is_still(&self) -> Result<(), HubError> {
        match &self.now().moving {
            Moving::Going { moved } => Err(HubError::Moving { to: moved.to.clone() }),
            _ => Ok(()),
        }
    }

    fn show(&self, moving: Moving) {
        let mut now = self.now();
        now.moving = moving;
        if let Some(page) = &now.page {
            // A page that is gone has no use for it.
            let _ = page.send(now.moving.clone());
        }
    }

    /// A panic elsewhere leaves nothing half-written: what is inside is replaced whole.
    fn now(&self) -> MutexGuard<'_, Now> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Sends the models on their way; downloads wait until these are there.
fn go(open: &Arc<Open>, move_: Move) -> Result<(), Failure> {
    let mover = open.library.mover();
    mover.is_still()?;
    let (to, stop) = (move_.to().to_path_buf(), Arc::new(Stop::default()));
    mover.now().stop = Arc::clone(&stop);
    let nothing =
        Moved { from: PathBuf::new(), to, done_bytes: 0, total_bytes: 0, files: 0, damaged: Vec::new() };
    mover.show(Moving::Going { moved: nothing.clone() });
    let paused = open.library.pause();
    let home = open.home.clone();
    let open = Arc::clone(open);
    let run = move || {
        let mover = open.library.mover();
        let (mut last, mut told) = (nothing, Instant::now());
        let moved = move_.run(open.engine.pool(), &stop, &mut |moved| {
            last.clone_from(moved);
            if told.elapsed() >= TELL {
                told = Instant::now();
                mover.show(Moving::Going { moved: moved.clone() });
            }
        });
        let mut settings = Settings::load(&open.home).settings;
        let there = move_.tell(&mut settings).and_then(|()| open.library.renew(&settings, paused));
        mover.show(match (moved, there) {
            (Ok(moved), Ok(())) => Moving::Done { moved },
            (Err(failure), _) if failure.code == "stopped" => Moving::Paused { moved: last },
            (Err(failure), _) | (_, Err(failure)) => Moving::Failed { failure },
        });
    };
    let path = home.move_journal();
    let spawned = std::thread::Builder::new().name("move".into()).spawn(run);
    spawned.map(drop).map_err(|source| HubError::Files { doing: "start a thread for", path, source }.into())
}

/// The models that Lectern fetched go to another folder, which the settings name from now on.
#[tauri::command(async)]
pub fn move_models(house: State<'_, House>, folder: PathBuf) -> Result<(), Failure> {
    let open = house.inside()?;
    open.library.mover().is_still()?;
    let mut settings = Settings::load(&open.home).settings;
    let move_ = Move::begin(&open.home, &mut settings, &folder)?;
    go(&open, move_)
}

/// Goes on with a move that was stopped or failed.
#[tauri::command(async)]
pub fn go_on_moving(house: State<'_, House>) -> Result<(), Failure> {
    let open = house.inside()?;
    match Move::unfinished(&open.home)? {
        Some(move_) => go(&open, move_),
        None => Ok(()),
    }
}

/// Stops it between two steps.
#[tauri::command]
pub fn stop_moving(house: State<'_, House>) -> Result<(), Failure> {
    house.inside()?.library.mover().now().stop.pause();
    Ok(())
}

/// What there is of a move, now and whenever it changes. One that was cut off goes on.
#[tauri::command(async)]
pub fn watch_move(house: State<'_, House>, moving: Channel<Moving>) -> Result<(), Failure> {
    let open = house.inside()?;
    let mover = open.library.mover();
    mover.now().page = Some(moving);
    let known = mover.now().moving.clone();
    match (known, Move::unfinished(&open.home)?) {
        (Moving::Still, Some(move_)) => go(&open, move_),
        (known, _) => {
            mover.show(known);
            Ok(())
        }
    }
}
