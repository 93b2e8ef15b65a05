//! Endpoint: an implementation that is no file: a model behind a server that speaks as OpenAI's does. What it is asked
//! leaves Lectern, so it is asked by name alone unless its user says otherwise.

use super::{Implementation, Manifest, Pool, PoolError, Reads, edit};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use ts_rs::TS;
use url::{Host, Url};

/// Tokens of a context where nobody says how many.
const CONTEXT: u32 = 8192;
const CONTEXTS: std::ops::RangeInclusive<u32> = 256..=100_000_000;

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct Endpoint {
    /// Without `/chat/completions`: `https://host/v1`.
    pub url: String,
    pub model: String,
    /// Tokens that it reads and writes in all.
    #[serde(default = "context")]
    pub context: u32,
    /// The router may send questions there; else it is asked by name alone.
    #[serde(default)]
    pub automatic: bool,
}

fn context() -> u32 {
    CONTEXT
}

impl Endpoint {
    /// As somebody typed it, checked and in its plain form.
    pub fn new(url: &str, model: &str, context: Option<u32>) -> Result<Endpoint, PoolError> {
        let url = url.trim().trim_end_matches('/');
        let url = url.strip_suffix("/chat/completions").unwrap_or(url);
        let url = match Url::parse(url) {
            Ok(url) if url.path() == "/" => format!("{}v1", url.as_str()),
            _ => url.to_owned(),
        };
        let endpoint = Endpoint {
            url,
            model: model.trim().to_owned(),
            context: context.unwrap_or(CONTEXT),
            automatic: false,
        };
        endpoint.check()?;
        Ok(endpoint)
    }

    /// The address, if the whole of it can be used.
    pub fn check(&self) -> Result<Url, PoolError> {
        let bad = |why: &str| PoolError::BadEndpoint { url: self.url.clone(), why: why.into() };
        let url = Url::parse(&self.url).map_err(|_| bad("it is no address"))?;
        if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
            return Err(bad("it begins with neither https:// nor http://"));
        }
        if url.scheme() == "http" && !is_loopback(&url) {
            return Err(bad(
                "beyond this machine only https:// is safe: anybody on the way could read along",
            ));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(bad("it holds a user name; a key belongs into the keyring"));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(bad("it has something behind its path"));
        }
        let model = &self.model;
        if model.is_empty() || model.len() > 200 || model.chars().any(char::is_control) {
            return Err(bad("its model is named in 1 to 200 letters"));
        }
        if !CONTEXTS.contains(&self.context) {
            return Err(bad("its context is 256 tokens at least and 100,000,000 at most"));
        }
        Ok(url)
    }

    /// Whom a question goes to, with the port where it is not the usual one.
    pub fn host(&self) -> String {
        let Ok(url) = Url::parse(&self.url) else { return self.url.clone() };
        let host = url.host_str().unwrap_or_default();
        url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
    }

    /// What becomes of a question, for people.
    pub fn in_words(&self) -> String {
        let is_here = Url::parse(&self.url).is_ok_and(|url| is_loopback(&url));
        match is_here {
            true => format!("leaves Lectern: another program of this machine, {}", self.host()),
            false => format!("leaves this machine: {}", self.host()),
        }
    }

    /// In the place of a file's path.
    fn address(&self) -> String {
        format!("{}#{}", self.url, self.model)
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

impl Implementation {
    pub fn at(endpoint: Endpoint) -> Implementation {
        Implementation { file: endpoint.address(), endpoint: Some(endpoint), ..Implementation::default() }
    }
}

impl Pool {
    /// Adds an expert that a server hosts. Asks the server nothing.
    pub fn add_endpoint(
        &self,
        endpoint: Endpoint,
        name: &str,
        domains: &[String],
    ) -> Result<Manifest, PoolError> {
        endpoint.check()?;
        let mut manifest = Manifest::named(name);
        manifest.domains = edit::plain(domains);
        manifest.origin = format!("{} at {}", endpoint.model, endpoint.host());
        manifest.reads = Reads::Conversation;
        manifest.max_tokens = manifest.max_tokens.max(1024).min(endpoint.context / 2);
        manifest.implementations = vec![Implementation::at(endpoint)];
        self.put(&manifest)?;
        Ok(manifest)
    }

    /// From now on no question leaves Lectern, for this reason; `None`: experts outside may be asked. A pool that was just
    /// opened lets nothing out.
    pub fn keep_inside(&self, why: Option<String>) {
        *self.inside() = why;
    }

    /// A file's path as it is, an address without a folder before it.
    pub(super) fn path_of(&self, its: &Implementation) -> PathBuf {
        match its.endpoint {
            Some(_) => PathBuf::from(&its.file),
            None => self.home.pool_dir().join(&its.file),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_brought_to_its_plain_form() {
        for (typed, plain) in [
            ("https://api.example.com", "https://api.example.com/v1"),
            ("https://api.example.com/v1/", "https://api.example.com/v1"),
            (" https://api.example.com/openai/v1/chat/completions ", "https://api.example.com/openai/v1"),
            ("http://localhost:11434", "http://localhost:11434/v1"),
            ("http://127.0.0.1:8080/v1", "http://127.0.0.1:8080/v1"),
            ("http://[::1]:8080/v1", "http://[::1]:8080/v1"),
        ] {
            let endpoint = Endpoint::new(typed, "m", None).unwrap();
            assert_eq!((endpoint.url.as_str(), endpoint.automatic), (plain, false), "{typed}");
        }
    }

    #[test]
    fn what_is_no_safe_address_is_refused() {
        for bad in [
            "", "api.example.com", "ftp://x/v1", "http://api.example.com/v1", "http://192.168.1.7:8000/v1",
            "http://127.0.0.1.evil.test/v1", "https://me:secret@host/v1", "https://host/v1?key=1",
            "https://host/v1#a",
        ] {
            assert!(Endpoint::new(bad, "m", None).is_err(), "{bad:?} was accepted");
        }
        assert!(Endpoint::new("https://host", "", None).is_err(), "no model");
        assert!(Endpoint::new("https://host", "a\nb", None).is_err(), "a line break in the model's name");
        assert!(Endpoint::new("https://host", "m", Some(7)).is_err(), "a context of 7 tokens");
    }

    #[test]
    fn people_are_told_where_a_question_goes() {
        let told = |url| Endpoint::new(url, "m", None).unwrap().in_words();
        assert_eq!(told("https://api.example.com:444"), "leaves this machine: api.example.com:444");
        assert_eq!(
            told("http://localhost:11434"),
            "leaves Lectern: another program of this machine, localhost:11434"
        );
    }
}
