//! A server becomes an expert: asked first whether it has the model, and added whatever it says then.

use super::{Outside, OutsideError, why_inside};
use crate::pool::{Endpoint, Expert, Pool};
use crate::settings::Settings;
use crate::words::Failure;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// A server as somebody wants it for an expert.
#[derive(Clone, Default, Deserialize, TS)]
#[serde(default)]
pub struct Wanted {
    pub name: String,
    pub domains: Vec<String>,
    pub url: String,
    pub model: String,
    /// `None`: what the server says, else 8,192 tokens.
    pub context: Option<u32>,
    /// It goes into the keyring.
    pub key: Option<String>,
    /// The server is asked nothing.
    pub unchecked: bool,
}

#[derive(Clone, Debug, Serialize, TS)]
pub struct AddedOutside {
    pub expert: Expert,
    /// What could not be made sure of, for people.
    pub unsure: Vec<String>,
}

impl Outside {
    /// Refused while nothing may leave. The key is kept for this address alone.
    pub fn add(&self, pool: &Pool, wanted: &Wanted) -> Result<AddedOutside, Failure> {
        if let Some(why) = why_inside(&Settings::load(&self.home).settings) {
            return Err(OutsideError::Inside(why).into());
        }
        let Wanted { name, domains, url, model, context, key, unchecked } = wanted;
        let mut endpoint = Endpoint::new(url, model, *context)?;
        let kept = self.key(name, &endpoint);
        let mut unsure = Vec::new();
        if !unchecked {
            let key = key.clone().or_else(|| kept.get().0);
            match self.served(&endpoint, key.as_deref()) {
                Ok(served) => {
                    if let Some(said) = served.context.filter(|_| context.is_none()) {
                        endpoint = Endpoint::new(url, model, Some(said)).unwrap_or(endpoint);
                    }
                    if !served.has_model {
                        unsure.push(format!("{} does not name {model} among its models.", served.host));
                    }
                }
                // It may be down now, or want a key that is set when the expert is there.
                Err(error) => unsure.push(format!("It was not checked: {error}. {}", error.fix())),
            }
        }
        let manifest = pool.add_endpoint(endpoint, name, domains)?;
        if let Some(key) = key
            && let Err(error) = kept.set(key)
        {
            unsure.push(error.to_string());
        }
        Ok(AddedOutside { expert: pool.get(&manifest.name)?, unsure })
    }
}
