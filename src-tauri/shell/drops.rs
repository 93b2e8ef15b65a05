//! Drops: files that somebody drags over the window. The page itself may not hear of them; it gets paths from here.

use crate::house::House;
use engine::words::Failure;
use serde::Serialize;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use tauri::ipc::Channel;
use tauri::{DragDropEvent, State};
use ts_rs::TS;

/// Files that somebody drags over the window.
#[derive(Clone, Debug, PartialEq, Serialize, TS)]
#[serde(tag = "drop", rename_all = "snake_case")]
pub enum Drop {
    Over,
    Gone,
    Files {
        #[ts(type = "string[]")]
        paths: Vec<PathBuf>,
    },
}

/// The page that listens.
#[derive(Default)]
pub struct Drops(Mutex<Option<Channel<Drop>>>);

impl Drops {
    pub fn hear(&self, event: &DragDropEvent) {
        let Some(drop) = meant(event) else { return };
        if let Some(page) = &*self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            // A page that is gone has no use for it.
            let _ = page.send(drop);
        }
    }
}

fn meant(event: &DragDropEvent) -> Option<Drop> {
    match event {
        DragDropEvent::Enter { paths, .. } if !paths.is_empty() => Some(Drop::Over),
        DragDropEvent::Drop { paths, .. } if !paths.is_empty() => Some(Drop::Files { paths: paths.clone() }),
        DragDropEvent::Drop { .. } | DragDropEvent::Leave => Some(Drop::Gone),
        _ => None,
    }
}

#[tauri::command]
pub fn watch_drops(house: State<'_, House>, drops: Channel<Drop>) -> Result<(), Failure> {
    *house.drops.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(drops);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_file_is_no_drop() {
        let position = tauri::PhysicalPosition::new(1.0, 1.0);
        let paths = vec![PathBuf::from("/m/a.gguf")];
        assert_eq!(meant(&DragDropEvent::Enter { paths: paths.clone(), position }), Some(Drop::Over));
        assert_eq!(meant(&DragDropEvent::Enter { paths: Vec::new(), position }), None, "text is dragged");
        assert_eq!(
            meant(&DragDropEvent::Drop { paths: paths.clone(), position }),
            Some(Drop::Files { paths })
        );
        assert_eq!(meant(&DragDropEvent::Leave), Some(Drop::Gone));
    }
}
