//! Client: every request to the network goes through [`Client::send`], which asks four questions first: is Lectern
//! offline, is the token for this host, is the connection safe for it, and what is written into the network log.
//!
//! Redirects are not followed by the HTTP crate: each hop is a request of its own, so that the token is decided anew for
//! each host.

use super::log::{Entry, Log};
use super::stop::Stop;
use super::{HubError, Patience, Place, Token};
use std::io::Read;
use std::sync::Arc;
use std::time::Duration;
use ureq::Agent;
use ureq::http::{HeaderMap, Request};
use ureq::tls::{RootCerts, TlsConfig};
use url::{Host, Url};

/// Redirects of one request.
const HOPS: usize = 5;
/// The largest answer that is kept in memory: a repository of a thousand files has about 1 MB.
const ANSWER: u64 = 16 << 20;
/// Nobody rests longer because a host says so.
const LONGEST_REST: Duration = Duration::from_secs(120);

#[derive(Clone, Debug)]
pub struct Client {
    agent: Agent,
    place: Arc<Place>,
    token: Arc<Token>,
    log: Log,
}

/// One request.
#[derive(Clone, Debug)]
pub struct Ask<'a> {
    pub url: &'a Url,
    /// The head alone.
    pub head: bool,
    /// First and last byte.
    pub range: Option<(u64, u64)>,
    /// JSON that is sent; then it is a POST.
    pub body: Option<&'a [u8]>,
    /// For the network log.
    pub why: &'a str,
}

impl<'a> Ask<'a> {
    pub fn get(url: &'a Url, why: &'a str) -> Ask<'a> {
        Ask { url, head: false, range: None, body: None, why }
    }
}

/// An answer whose body is still to be read.
pub struct Reply {
    pub status: u16,
    pub url: Url,
    headers: HeaderMap,
    body: ureq::BodyReader<'static>,
    entry: Entry,
}

impl Client {
    /// Its own connections: a stopped download cuts them and nobody else's.
    pub fn new(place: &Arc<Place>, token: &Arc<Token>, log: &Log, patience: &Patience) -> Client {
        Client::slow(place, token, log, patience, 1)
    }

    /// The same for a host that may be silent so many times as long before it begins to answer.
    pub fn slow(
        place: &Arc<Place>,
        token: &Arc<Token>,
        log: &Log,
        patience: &Patience,
        at_first: u32,
    ) -> Client {
        let mut config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .user_agent(concat!("lectern/", env!("CARGO_PKG_VERSION")))
            .timeout_connect(Some(patience.silence))
            .timeout_recv_response(Some(patience.silence.saturating_mul(at_first)))
            .timeout_per_read(Some(patience.silence))
            .max_idle_connections_per_host(8)
            // The system's own list, so that a company's certificate counts here as in a browser.
            .tls_config(TlsConfig::builder().root_certs(RootCerts::PlatformVerifier).build());
        if is_near(&place.endpoint) {
            config = config.proxy(None);
        }
        let agent = config.build().new_agent();
        Client { agent, place: Arc::clone(place), token: Arc::clone(token), log: log.clone() }
    }

    /// Setting `stop` cuts this client's connections.
    pub fn stopped_by(self, stop: &Stop) -> Client {
        stop.cuts(&self.agent);
        self
    }

    /// Its connections end now, and it makes no more.
    pub fn cut(&self) {
        self.agent.clone().shutdown();
    }

    pub fn place(&self) -> &Place {
        &self.place
    }

    /// One request, one answer, no redirect.
    pub fn send(&self, ask: &Ask<'_>) -> Result<Reply, HubError> {
        if let Some(why) = &self.place.offline {
            return Err(HubError::Offline(why.clone()));
        }
        let host = authority(ask.url);
        let token = self.may_have_token(ask.url).then(|| self.token.get().0).flatten();
        let method = match ask {
            Ask { head: true, .. } => "HEAD",
            Ask { body: Some(_), .. } => "POST",
            _ => "GET",
        };
        // Compressed bytes would have another length and another check sum.
        let mut request =
            Request::builder().method(method).uri(ask.url.as_str()).header("accept-encoding", "identity");
        if let Some((first, last)) = ask.range {
            request = request.header("range", format!("bytes={first}-{last}"));
        }
        if let Some(token) = &token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let lost = |why: String| HubError::Connection { host: host.clone(), why };
        if ask.body.is_some() {
            request = request.header("content-type", "application/json");
        }
        let request = request.body(ask.body.unwrap_or_default()).map_err(|error| lost(error.to_string()))?;
        let mut entry = self.log.begin(&host, ask.why, token.is_some());
        entry.request.sent_bytes = ask.body.map_or(0, |body| body.len() as u64);
        let run = match ask.body {
            Some(_) => self.agent.run(request),
            None => self.agent.run(request.map(|_| ())),
        };
        let (parts, body) = run.map_err(|error| lost(error.to_string()))?.into_parts();
        entry.request.status = Some(parts.status.as_u16());
        Ok(Reply {
            status: parts.status.as_u16(),
            url: ask.url.clone(),
            headers: parts.headers,
            body: body.into_reader(),
            entry,
        })
    }

    /// The same, and where the answer points elsewhere, the answer from there; until `enough`.
    pub fn follow(&self, ask: &Ask<'_>, enough: impl Fn(&Reply) -> bool) -> Result<Reply, HubError> {
        let mut url = ask.url.clone();
        for _ in 0..=HOPS {
            let reply = self.send(&Ask { url: &url, ..ask.clone() })?;
            match reply.location()? {
                Some(next) if !enough(&reply) => url = next,
                _ => return Ok(reply),
            }
        }
        let why = format!("points elsewhere more than {HOPS} times");
        Err(HubError::Garbled { host: authority(ask.url), field: "location", why })
    }

    /// JSON from the hub's own interface. `what` names the thing in messages.
    pub fn json<T: serde::de::DeserializeOwned>(&self, ask: &Ask<'_>, what: &str) -> Result<T, HubError> {
        let reply = self.follow(ask, |_| false)?;
        if reply.status != 200 {
            return Err(self.refusal(&reply, what));
        }
        let host = authority(&reply.url);
        let text = reply.whole()?;
        serde_json::from_slice(&text).map_err(|error| {
            let start = String::from_utf8_lossy(&text[..text.len().min(15)]).to_lowercase();
            let is_page = start.trim_start().starts_with('<');
            let why = if is_page {
                "is a web page".to_owned()
            } else {
                format!("is not what it should be: {error}")
            };
            HubError::Garbled { host, field: "its answer", why }
        })
    }

    /// Why the hub said no. `what`: `owner/name`, or a file in it.
    pub fn refusal(&self, reply: &Reply, what: &str) -> HubError {
        let host = authority(&reply.url);
        let code = reply.header("x-error-code").unwrap_or_default();
        match (reply.status, code) {
            (_, "GatedRepo") => {
                let repo: String = what.split(':').next().unwrap_or(what).to_owned();
                let page = super::names::below(&self.place.endpoint, repo.split('/')).to_string();
                HubError::Gated { repo, page }
            }
            // The hub does not say whether a repository is private or not there.
            (404, _) | (401, "RepoNotFound") => HubError::Absent { host, what: what.into() },
            (401 | 403, _) => HubError::Unauthorised { host, what: what.into() },
            (429, _) => HubError::TooMany { host, wait: reply.rest() },
            (status, _) => HubError::Status { host, status, asked: what.into() },
        }
    }

    /// The token goes to the hub alone, and never in the clear beyond the house.
    fn may_have_token(&self, url: &Url) -> bool {
        url.origin() == self.place.endpoint.origin() && (url.scheme() == "https" || is_near(url))
    }
}

impl Reply {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok().map(str::trim)
    }

    pub fn number(&self, name: &str) -> Option<u64> {
        self.header(name)?.parse().ok()
    }

    /// How long the host wants to be left alone.
    pub fn rest(&self) -> Option<Duration> {
        self.number("retry-after").map(|seconds| Duration::from_secs(seconds).min(LONGEST_REST))
    }

    pub fn is_page(&self) -> bool {
        self.header("content-type").is_some_and(|kind| kind.starts_with("text/html"))
    }

    /// Where a redirect points.
    pub fn location(&self) -> Result<Option<Url>, HubError> {
        let Some(location) = self.header("location").filter(|_| (300..400).contains(&self.status)) else {
            return Ok(None);
        };
        let bad =
            |why: &str| HubError::Garbled { host: authority(&self.url), field: "location", why: why.into() };
        let next = self.url.join(location).map_err(|_| bad("is no address"))?;
        let is_worse = self.url.scheme() == "https" && next.scheme() != "https";
        if !matches!(next.scheme(), "http" | "https") || is_worse {
            return Err(bad("leads to a connection that is less safe"));
        }
        Ok(Some(next))
    }

    /// The whole body, which has to be small.
    pub fn whole(mut self) -> Result<Vec<u8>, HubError> {
        let mut text = Vec::new();
        let host = authority(&self.url);
        let read = (&mut self).take(ANSWER + 1).read_to_end(&mut text);
        read.map_err(|error| HubError::Connection { host: host.clone(), why: error.to_string() })?;
        if text.len() as u64 > ANSWER {
            let why = format!("is longer than {ANSWER} bytes");
            return Err(HubError::Garbled { host, field: "its answer", why });
        }
        Ok(text)
    }
}

impl Read for Reply {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.body.read(buffer)?;
        self.entry.request.bytes += read as u64;
        Ok(read)
    }
}

/// The host, with its port where that is not the usual one.
pub fn authority(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// This machine, or one of the same private network.
fn is_near(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback() || address.is_private(),
        Some(Host::Ipv6(address)) => address.is_loopback() || address.is_unique_local(),
        None => false,
    }
}
