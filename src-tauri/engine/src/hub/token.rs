//! Token: the key to gated repositories, in the keyring of the system and nowhere else.
//!
//! In:     what the user types, HF_TOKEN, the keyring
//! Out:    the token for one hub
//! Fails:  no keyring, a locked one; then a token of this session alone is kept in memory
//! Source: the crate keyring (Keychain, Credential Manager, Secret Service)

use super::{HubError, Place};
use keyring::v1::{Entry, Error};
use serde::Serialize;
use std::sync::{Mutex, MutexGuard, PoisonError};
use ts_rs::TS;

/// The name under which the keyring lists it.
const SERVICE: &str = "Lectern";

/// Where the token in use comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum TokenFrom {
    #[default]
    Nowhere,
    /// HF_TOKEN.
    Environment,
    Keyring,
    /// In memory until Lectern closes.
    Session,
}

/// The token of one hub. `Debug` shows no secret.
pub struct Token {
    /// A token belongs to the hub that gave it: another endpoint never gets it.
    user: String,
    held: Mutex<Held>,
}

#[derive(Default)]
struct Held {
    session: Option<String>,
    environment: Option<String>,
    /// `None`: the keyring was not asked yet.
    keyring: Option<Option<String>>,
}

impl std::fmt::Debug for Token {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Token").field("user", &self.user).finish_non_exhaustive()
    }
}

impl Token {
    pub fn of(place: &Place) -> Token {
        let held = Held { environment: place.token.clone(), ..Held::default() };
        Token { user: place.endpoint.origin().ascii_serialization(), held: Mutex::new(held) }
    }

    /// The key of one server: `user` names it, and whom it is for, in the keyring.
    pub fn named(user: String, environment: Option<String>) -> Token {
        Token { user, held: Mutex::new(Held { environment, ..Held::default() }) }
    }

    /// The token in use. A keyring that cannot be read has none.
    pub fn get(&self) -> (Option<String>, TokenFrom) {
        let mut held = self.held();
        if let Some(token) = held.session.clone() {
            return (Some(token), TokenFrom::Session);
        }
        if let Some(token) = held.environment.clone() {
            return (Some(token), TokenFrom::Environment);
        }
        let kept =
            held.keyring.get_or_insert_with(|| self.entry().and_then(|entry| entry.get_password()).ok());
        match kept.clone() {
            Some(token) => (Some(token), TokenFrom::Keyring),
            None => (None, TokenFrom::Nowhere),
        }
    }

    /// Keeps it in the keyring, in place of the last one, and reads it back. Where that fails the token counts until
    /// Lectern closes, and the error says so.
    pub fn set(&self, token: &str) -> Result<(), HubError> {
        check(token)?;
        let kept = self.entry().and_then(|entry| {
            entry.set_password(token)?;
            entry.get_password()
        });
        let mut held = self.held();
        match kept {
            Ok(back) if back == token => {
                held.session = None;
                held.keyring = Some(Some(back));
                Ok(())
            }
            other => {
                held.session = Some(token.to_owned());
                let why = other
                    .err()
                    .map_or("it did not give back what it was given".into(), |error| in_words(&error));
                Err(HubError::Keyring { why: format!("{why}; the token is in use until Lectern closes") })
            }
        }
    }

    /// In use until Lectern closes; nothing is written.
    pub fn set_for_session(&self, token: &str) -> Result<(), HubError> {
        check(token)?;
        self.held().session = Some(token.to_owned());
        Ok(())
    }

    /// Forgets the one of this session and the one in the keyring. HF_TOKEN is the environment's.
    pub fn remove(&self) -> Result<(), HubError> {
        let removed = self.entry().and_then(|entry| entry.delete_credential());
        let mut held = self.held();
        held.session = None;
        match removed {
            Ok(()) | Err(Error::NoEntry) => {
                held.keyring = Some(None);
                Ok(())
            }
            Err(error) => Err(HubError::Keyring { why: in_words(&error) }),
        }
    }

    fn entry(&self) -> Result<Entry, Error> {
        Entry::new(SERVICE, &self.user)
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A token becomes a header: no sign in it may end that.
fn check(token: &str) -> Result<(), HubError> {
    if !token.is_empty() && token.len() <= 500 && token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Ok(());
    }
    let why = "letters, digits and signs without spaces are expected";
    // The value is a secret, even one that is wrong.
    Err(HubError::Name { field: "the token", value: "…".into(), why })
}

fn in_words(error: &Error) -> String {
    match error {
        Error::NoDefaultStore => "none is running".into(),
        Error::NoStorageAccess(_) => "it is locked".into(),
        Error::NoEntry => "it holds no token".into(),
        // Others may carry what was stored: their kind says enough.
        _ => "it refused".into(),
    }
}
