//! Place: where the hub is, where its files lie here, and whether the network may be used at all.
//!
//! In:     the environment as huggingface_hub reads it, then the settings
//! Out:    endpoint, cache folder, token of the environment, offline or not
//! Fails:  an endpoint that is no http address, no home folder

use super::HubError;
use crate::settings::Settings;
use hf_hub::Cache;
use std::path::{Path, PathBuf};
use std::time::Duration;
use url::Url;

/// The hub's documented default; HF_ENDPOINT or the settings name another.
const ENDPOINT: &str = "https://huggingface.co";

#[derive(Clone)]
pub struct Place {
    /// Without a slash at its end.
    pub endpoint: Url,
    /// The folder with `models--…` in it, shared with other tools.
    pub cache: PathBuf,
    /// HF_TOKEN.
    pub token: Option<String>,
    /// Why nothing may be asked.
    pub offline: Option<String>,
    /// HF_HUB_DOWNLOAD_TIMEOUT: a host that says nothing for so long is gone.
    pub silence: Option<Duration>,
    /// LECTERN_PAUSE_MS: how long after a first failure it is tried again.
    pub pause: Option<Duration>,
}

/// Shows everything but the token.
impl std::fmt::Debug for Place {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Place { endpoint, cache, offline, .. } = self;
        write!(formatter, "Place {{ {endpoint}, {}, offline: {offline:?} }}", cache.display())
    }
}

/// Variables that name the folder of the files, before the settings do.
const CACHE_VARIABLES: [&str; 3] = ["HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_HOME"];

/// The variable of this environment that names the folder of the files, whatever the settings say.
pub fn cache_variable() -> Option<&'static str> {
    let is_set = |name: &&str| std::env::var(name).is_ok_and(|value| !value.trim().is_empty());
    CACHE_VARIABLES.into_iter().find(is_set)
}

impl Place {
    /// A hub and a folder by hand, without token, online.
    pub fn at(address: &str, cache: &Path) -> Result<Place, HubError> {
        Ok(Place {
            endpoint: endpoint(address)?,
            cache: cache.to_path_buf(),
            token: None,
            offline: None,
            silence: None,
            pause: None,
        })
    }

    /// By the environment of this process first, then by what the user set.
    pub fn find(settings: &Settings) -> Result<Place, HubError> {
        Place::from(&|name| std::env::var(name).ok(), settings)
    }

    /// `variable`: the environment.
    fn from(variable: &dyn Fn(&str) -> Option<String>, settings: &Settings) -> Result<Place, HubError> {
        let set = |name: &str| variable(name).map(|value| value.trim().to_owned()).filter(|v| !v.is_empty());
        let hub = &settings.hub;
        let address = set("HF_ENDPOINT").or_else(|| hub.endpoint.clone()).unwrap_or_else(|| ENDPOINT.into());
        let offline = match set("HF_HUB_OFFLINE").filter(|value| is_true(value)) {
            Some(_) => Some("HF_HUB_OFFLINE is set".to_owned()),
            None => hub.offline.then(|| "you switched it off".to_owned()),
        };
        let cache = match set("HF_HUB_CACHE").or_else(|| set("HUGGINGFACE_HUB_CACHE")).map(PathBuf::from) {
            Some(cache) => cache,
            None => match set("HF_HOME") {
                Some(home) => PathBuf::from(home).join("hub"),
                None => match &hub.cache {
                    Some(cache) => PathBuf::from(cache),
                    None => default_cache(set("XDG_CACHE_HOME"))?,
                },
            },
        };
        let cache = std::path::absolute(&cache).map_err(HubError::files("find", &cache))?;
        let silence = set("HF_HUB_DOWNLOAD_TIMEOUT").and_then(|seconds| seconds.parse().ok());
        let silence = silence.filter(|&seconds| seconds > 0).map(Duration::from_secs);
        let pause = set("LECTERN_PAUSE_MS").and_then(|pause| pause.parse().ok()).map(Duration::from_millis);
        Ok(Place { endpoint: endpoint(&address)?, cache, token: set("HF_TOKEN"), offline, silence, pause })
    }
}

/// As huggingface_hub has it; hf-hub alone does not look at XDG_CACHE_HOME, and panics where there is no home folder.
fn default_cache(xdg: Option<String>) -> Result<PathBuf, HubError> {
    if let Some(xdg) = xdg {
        return Ok(PathBuf::from(xdg).join("huggingface").join("hub"));
    }
    let why = "this system names no home folder; set HF_HOME";
    match directories::BaseDirs::new() {
        Some(_) => Ok(Cache::default().path().clone()),
        None => Err(HubError::Name { field: "the cache folder", value: String::new(), why }),
    }
}

fn endpoint(address: &str) -> Result<Url, HubError> {
    let bad = |why| HubError::Name { field: "the hub's address", value: address.into(), why };
    let url = Url::parse(address.trim_end_matches('/')).map_err(|_| bad("it is no address"))?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return Err(bad("it begins with neither http:// nor https://"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(bad("it holds a user name; a token belongs into the keyring"));
    }
    Ok(url)
}

/// As huggingface_hub reads it.
fn is_true(value: &str) -> bool {
    matches!(value.to_ascii_uppercase().as_str(), "1" | "ON" | "YES" | "TRUE")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(variables: &[(&str, &str)], settings: &Settings) -> Result<Place, HubError> {
        let get = |name: &str| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        };
        Place::from(&get, settings)
    }

    #[test]
    fn the_environment_is_read_as_huggingface_hub_reads_it() {
        let cache = |variables: &[(&str, &str)]| place(variables, &Settings::default()).unwrap().cache;
        assert_eq!(cache(&[("HF_HUB_CACHE", "/a"), ("HF_HOME", "/b")]), PathBuf::from("/a"));
        assert_eq!(cache(&[("HF_HOME", "/b"), ("XDG_CACHE_HOME", "/c")]), PathBuf::from("/b/hub"));
        assert_eq!(cache(&[("XDG_CACHE_HOME", "/c")]), PathBuf::from("/c/huggingface/hub"));
        assert!(cache(&[]).ends_with(".cache/huggingface/hub"));
        let offline = |value| place(&[("HF_HUB_OFFLINE", value)], &Settings::default()).unwrap().offline;
        assert!(offline("1").is_some() && offline("true").is_some() && offline("0").is_none());
    }

    #[test]
    fn the_environment_goes_before_the_settings() {
        let mut settings = Settings::default();
        settings.hub.endpoint = Some("http://mirror.example/hf/".into());
        settings.hub.cache = Some("/models".into());
        settings.hub.offline = true;
        let of_settings = place(&[], &settings).unwrap();
        assert_eq!(of_settings.endpoint.as_str(), "http://mirror.example/hf");
        assert_eq!((of_settings.cache, of_settings.offline.is_some()), (PathBuf::from("/models"), true));
        let of_both = place(&[("HF_ENDPOINT", "http://127.0.0.1:9"), ("HF_HOME", "/b")], &settings).unwrap();
        assert_eq!(of_both.endpoint.as_str(), "http://127.0.0.1:9/");
        assert_eq!(of_both.cache, PathBuf::from("/b/hub"));
    }

    #[test]
    fn an_address_that_is_none_is_refused() {
        for bad in ["mirror", "ftp://x", "http://", "http://me:secret@host"] {
            assert!(place(&[("HF_ENDPOINT", bad)], &Settings::default()).is_err(), "{bad:?}");
        }
    }
}
