//! Hub: models come from the Hugging Face hub, or are found where other tools put them; nothing else in Lectern knows
//! the network.
//!
//! In:     a repository and a file, or words to search for
//! Out:    files in the shared cache, each with the check sum that the hub named; what lies on this disk
//! Fails:  [`HubError`]: offline, absent, gated, wrong bytes, no space, ...
//! Cost:   a download takes about 12 MB of memory and one pass over its bytes; nothing is asked unless somebody asks
//! Source: the layout and the variables of huggingface_hub
//!
//! | to find | look in |
//! |---|---|
//! | one request, the token, the offline switch | `client.rs` |
//! | a download from start to end | `download.rs`; its bytes: `transfer.rs`; what a kill leaves: `partial.rs` |
//! | the encoder of search by meaning | `encoder.rs` |
//! | the shared folder | `cache.rs`; which of it is ours: `ledger.rs` |
//! | several downloads at once | `queue.rs` |
//! | what is on the hub | `search.rs`, `catalogue.json`; how fast it would be here: `memory.rs` |
//! | experts that a server hosts, outside Lectern | `outside/` |
//! | what is on this disk | `disk.rs`; what was removed: `trash.rs`; what lies in watched folders: `folders.rs`; the way to another folder: `moving.rs` |

mod cache;
mod catalogue;
mod client;
mod disk;
mod download;
mod encoder;
mod expert;
mod failure;
mod folders;
mod given;
mod ledger;
mod log;
mod look;
mod memory;
mod moving;
mod names;
mod outside;
mod partial;
mod place;
mod queue;
mod resolve;
mod search;
mod stop;
mod token;
mod transfer;
mod trash;

pub use catalogue::{Pick, catalogue};
pub use disk::{Copies, Elsewhere, FoundFile, OnDisk, Source, Usage};
pub use download::{Fetched, Phase};
pub use encoder::{EncoderOnHub, KnownFile};
pub use expert::{Wish, WithoutFile};
pub use failure::HubError;
pub use folders::{Folder, Watch, Watched, offer};
pub use given::models_at;
pub use log::{Request, date};
pub use look::{Found, look};
pub use memory::Prospect;
pub use moving::{Move, Moved};
pub use names::{FileName, quantisation};
pub use outside::{AddedOutside, Line, Outside, OutsideError, Served, Wanted, why_inside};
pub use partial::Record;
pub use place::Place;
pub use queue::{Download, Downloads, Speed, State, state as show_phase};
pub use runtime::inspect::Facts;
pub use search::{Choice, Machine, Model};
pub use stop::Stop;
pub use token::{Token, TokenFrom};
pub use transfer::{Far, Look, Source as Bytes};
pub use trash::{Discarded, Trash};

use crate::home::Home;
use crate::settings::Settings;
use cache::Cache;
use client::Client;
use ledger::Ledger;
use log::Log;
use std::sync::Arc;
use std::time::Duration;
use stop::Stops;

/// One hub, one cache, one home. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Hub {
    place: Arc<Place>,
    token: Arc<Token>,
    log: Log,
    cache: Cache,
    ledger: Ledger,
    patience: Patience,
    /// Searches and other questions that are under way.
    asked: Arc<Stops>,
}

/// How long and how often before it is given up.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// Failures in a row.
    pub attempts: u32,
    /// After the first failure; each next one doubles it.
    pub first: Duration,
    pub most: Duration,
    /// A host that says nothing for so long is gone.
    pub silence: Duration,
    /// Of the disk: so much stays free.
    pub spare_bytes: u64,
}

impl Default for Patience {
    fn default() -> Self {
        let (first, most) = (Duration::from_millis(500), Duration::from_secs(30));
        Patience { attempts: 8, first, most, silence: Duration::from_secs(20), spare_bytes: 256 << 20 }
    }
}

/// Failures in a row of a host that is not reached before it has said anything: then somebody waits for the first word.
const UNREACHED: u32 = 3;

impl Patience {
    /// How many failures of this kind are borne before anything was fetched.
    fn of(&self, error: &HubError) -> u32 {
        match error {
            HubError::Connection { .. } => self.attempts.min(UNREACHED),
            _ => self.attempts,
        }
    }

    /// How long to wait after so many failures.
    fn pause(&self, failures: u32, error: &HubError) -> Duration {
        let pause = self.first.saturating_mul(1 << failures.clamp(1, 16).saturating_sub(1)).min(self.most);
        match error {
            HubError::TooMany { wait: Some(wait), .. } => pause.max(*wait),
            _ => pause,
        }
    }
}

impl Hub {
    /// By the environment and the settings; asks nobody anything. Completes what a kill left short of its end, and deletes
    /// what downloads that can never go on left.
    pub fn open(home: &Home, settings: &Settings) -> Result<Hub, HubError> {
        let place = Place::find(settings)?;
        let patience = Patience::default();
        let silence = place.silence.unwrap_or(patience.silence);
        let first = place.pause.unwrap_or(patience.first);
        let hub = Hub::at(home, place, Patience { silence, first, ..patience });
        hub.complete_all();
        partial::sweep(&hub.cache);
        trash::sweep(&hub);
        Ok(hub)
    }

    /// At this place.
    pub fn at(home: &Home, place: Place, patience: Patience) -> Hub {
        let (token, cache) = (Arc::new(Token::of(&place)), Cache::at(&place.cache));
        let (log, ledger) = (Log::of(home), Ledger::of(home));
        Hub { place: Arc::new(place), token, log, cache, ledger, patience, asked: Arc::default() }
    }

    /// Searches and other questions that are under way end now. Downloads have their own [`Stop`].
    pub fn stop_asking(&self) {
        self.asked.stop();
    }

    pub fn place(&self) -> &Place {
        &self.place
    }

    pub fn token(&self) -> &Token {
        &self.token
    }

    /// The newest requests that were made, oldest first.
    pub fn requests(&self, limit: usize) -> Vec<Request> {
        self.log.read(limit)
    }

    /// Downloads that were paused, or that a kill cut off, with the bytes that are here.
    pub fn unfinished(&self) -> Vec<(Record, u64)> {
        partial::unfinished(&self.cache)
    }

    /// Whose token it is, by a call to the hub.
    pub fn whoami(&self) -> Result<String, HubError> {
        #[derive(serde::Deserialize)]
        struct Account {
            name: String,
        }
        let url = names::below(&self.place.endpoint, ["api", "whoami-v2"].into_iter());
        let stop = self.asked.begin();
        let client = self.client().stopped_by(&stop);
        match client.json::<Account>(&client::Ask::get(&url, "test the token"), "the account") {
            Ok(account) => Ok(account.name),
            Err(_) if stop.is_set() => Err(HubError::Stopped),
            Err(error) => Err(error),
        }
    }

    fn client(&self) -> Client {
        Client::new(&self.place, &self.token, &self.log, &self.patience)
    }
}
