//! Outside: an expert that a server hosts is asked, as OpenAI's interface has it.
//!
//! In:     the endpoint of an expert, a request as any expert gets it, the key of that server
//! Out:    the answer as it streams, with the figures that the server gives and no others
//! Fails:  [`OutsideError`]: switched off, offline, no key, another status, an answer that is none, silence
//! Cost:   one request an answer; what is asked, with what was recalled for it, leaves Lectern
//! Source: the chat completions of OpenAI, streamed, as vLLM, llama.cpp and Ollama give them

mod add;
mod failure;
mod stream;

pub use add::{AddedOutside, Wanted};
pub use failure::OutsideError;

use super::client::{Ask, Client, Reply};
use super::log::Log;
use super::token::Token;
use super::{HubError, Patience, Place, TokenFrom};
use crate::home::Home;
use crate::pool::{Endpoint, Expert};
use crate::settings::Settings;
use runtime::host::{Finish, Finished, Message, Prompt, Request};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use ts_rs::TS;
use url::Url;

/// A server that loads the model first says nothing for so many times as long as one that is at work.
const BEFORE_THE_FIRST: u32 = 4;
/// Servers tell in some hundred bytes what was wrong.
const REFUSAL: usize = 2000;

/// The servers of one home, and the keys to them. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Outside {
    home: Home,
    log: Log,
    keys: Arc<Mutex<HashMap<String, Arc<Token>>>>,
}

/// The way to one expert outside; open as long as this is there.
pub struct Line {
    client: Client,
    url: Url,
    endpoint: Endpoint,
    title: String,
    is_cut: AtomicBool,
}

/// What a server says of itself.
#[derive(Clone, Debug, PartialEq, Serialize, TS)]
pub struct Served {
    pub host: String,
    /// It names the model among those that it has.
    pub has_model: bool,
    /// Those that it has, at most a hundred.
    pub models: Vec<String>,
    /// Tokens of the model's context, where the server says so.
    pub context: Option<u32>,
}

/// Why nobody outside may be asked, by the settings and the environment.
pub fn why_inside(settings: &Settings) -> Option<String> {
    if !settings.outside {
        return Some(
            "experts outside Lectern are switched off; the settings, or `lectern experts outside on`, switch them on"
                .into(),
        );
    }
    match Place::find(settings) {
        Ok(place) => place.offline.map(|why| format!("Lectern is offline: {why}")),
        Err(error) => Some(error.to_string()),
    }
}

impl Outside {
    pub fn of(home: &Home) -> Outside {
        Outside { home: home.clone(), log: Log::of(home), keys: Arc::default() }
    }

    /// The key of one expert's server. It is that server's alone: under another address the expert has none.
    pub fn key(&self, name: &str, endpoint: &Endpoint) -> Arc<Token> {
        let user = format!("{name} at {}", endpoint.url);
        let variable = format!("LECTERN_KEY_{}", name.to_ascii_uppercase().replace('-', "_"));
        let environment = std::env::var(variable).ok().map(|key| key.trim().to_owned());
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        let named = || Arc::new(Token::named(user.clone(), environment.filter(|key| !key.is_empty())));
        Arc::clone(keys.entry(user.clone()).or_insert_with(named))
    }

    /// Where the key of an expert comes from; `None`: it is not outside.
    pub fn key_from(&self, expert: &Expert) -> Option<TokenFrom> {
        Some(self.key(&expert.manifest.name, expert.endpoint()?).get().1)
    }

    /// The way to an expert; asks it nothing. Refused while the settings, read anew, let nobody out.
    pub fn line(&self, expert: &Expert) -> Result<Line, OutsideError> {
        let Some(endpoint) = expert.endpoint() else { return Err(OutsideError::NoServer) };
        let manifest = &expert.manifest;
        let key = self.key(&manifest.name, endpoint);
        self.open(endpoint, &manifest.title, &key)
    }

    /// What the server at `endpoint` has, asked with `key`, before an expert is made of it.
    pub fn served(&self, endpoint: &Endpoint, key: Option<&str>) -> Result<Served, OutsideError> {
        let token = Arc::new(Token::named(endpoint.url.clone(), key.map(str::to_owned)));
        self.open(endpoint, &endpoint.model, &token)?.models()
    }

    fn open(&self, endpoint: &Endpoint, title: &str, key: &Arc<Token>) -> Result<Line, OutsideError> {
        let settings = Settings::load(&self.home).settings;
        if let Some(why) = why_inside(&settings) {
            return Err(OutsideError::Inside(why));
        }
        let url = endpoint.check().map_err(|error| OutsideError::Address(error.to_string()))?;
        let place = Place { endpoint: url.clone(), token: None, ..Place::find(&settings)? };
        let silence = Duration::from_secs(settings.queue.silence_s.into());
        let patience = Patience { silence, ..Patience::default() };
        let client = Client::slow(&Arc::new(place), key, &self.log, &patience, BEFORE_THE_FIRST);
        let (endpoint, title) = (endpoint.clone(), title.to_owned());
        Ok(Line { client, url, endpoint, title, is_cut: AtomicBool::new(false) })
    }
}

impl Line {
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// About so many tokens: a server has no tokenizer for others. One in three bytes is more than English, program text
    /// and most European languages take (3.5 to 4.5 bytes a token), so that what is counted fits.
    pub fn about_tokens(&self, text: &str) -> u32 {
        u32::try_from(text.len().div_ceil(3)).unwrap_or(u32::MAX)
    }

    /// Ends it at once, from whichever thread; the server sees the connection close. `so_far` is the answer.
    pub fn cut(&self, so_far: String) -> Finished {
        self.is_cut.store(true, Ordering::Relaxed);
        self.client.cut();
        stream::bare(so_far, Finish::Stopped)
    }

    /// One answer; `on_piece` hears it as it comes.
    pub fn ask(&self, request: &Request, on_piece: &mut dyn FnMut(&str)) -> Result<Finished, OutsideError> {
        let body = self.body(request)?;
        let url = below(&self.url, "chat/completions");
        let why = format!("a question to {}", self.title);
        let begun = Instant::now();
        let reply = self.send(&Ask { body: Some(&body), ..Ask::get(&url, &why) })?;
        let answer = stream::read(reply, begun, on_piece);
        answer.map_err(|error| self.unless_cut(error))
    }

    /// The models that the server has.
    pub fn models(&self) -> Result<Served, OutsideError> {
        #[derive(Deserialize)]
        struct List {
            data: Vec<Model>,
        }
        #[derive(Deserialize)]
        struct Model {
            id: String,
            /// vLLM's.
            max_model_len: Option<u32>,
            /// llama.cpp's.
            meta: Option<Meta>,
        }
        #[derive(Deserialize)]
        struct Meta {
            n_ctx: Option<u32>,
        }
        let url = below(&self.url, "models");
        let why = format!("the models of the server of {}", self.title);
        let reply = self.send(&Ask::get(&url, &why))?;
        let host = self.endpoint.host();
        let text = reply.whole().map_err(|error| self.unless_cut(error.into()))?;
        let list: List = serde_json::from_slice(&text).map_err(|error| OutsideError::Garbled {
            host: host.clone(),
            why: format!("its list of models is not what it should be: {error}"),
        })?;
        let ours = list.data.iter().find(|model| model.id == self.endpoint.model);
        let context = ours.and_then(|model| {
            model.max_model_len.or_else(|| model.meta.as_ref().and_then(|meta| meta.n_ctx))
        });
        let has_model = ours.is_some();
        let named = list.data.into_iter().map(|model| model.id.chars().take(200).collect());
        Ok(Served { host, has_model, models: named.take(100).collect(), context })
    }

    /// One request, whose answer is the server's own and no other's: a redirect is a refusal.
    fn send(&self, ask: &Ask<'_>) -> Result<Reply, OutsideError> {
        let reply = self.client.send(ask).map_err(|error| self.unless_cut(error.into()))?;
        match reply.status {
            200 => Ok(reply),
            _ => Err(self.refusal(reply)),
        }
    }

    fn refusal(&self, reply: Reply) -> OutsideError {
        let (host, status) = (self.endpoint.host(), reply.status);
        if (300..400).contains(&status) {
            let there = reply.header("location").unwrap_or("nowhere").chars().take(200).collect();
            return OutsideError::Redirect { host, there };
        }
        let rest = reply.rest();
        let said = reply.whole().map(|text| said(&text)).unwrap_or_default();
        match status {
            401 | 403 => OutsideError::Unauthorised { host, said },
            404 => OutsideError::Absent { host, model: self.endpoint.model.clone(), said },
            429 => OutsideError::TooMany { host, rest, said },
            status => OutsideError::Status { host, status, said },
        }
    }

    /// What goes wrong after a cut is the cut.
    fn unless_cut(&self, error: OutsideError) -> OutsideError {
        if self.is_cut.load(Ordering::Relaxed) { OutsideError::Stopped } else { error }
    }

    /// What is sent, and nothing else. Cuts of the sampling that OpenAI's interface does not know stay here.
    fn body(&self, request: &Request) -> Result<Vec<u8>, OutsideError> {
        let Prompt::Messages(messages) = &request.prompt else { return Err(OutsideError::Unasked) };
        if request.constraint.is_some() {
            return Err(OutsideError::Unasked);
        }
        let sampling = &request.sampling;
        let mut body = serde_json::json!({
            "model": self.endpoint.model,
            "messages": messages.iter().map(message).collect::<Vec<_>>(),
            "stream": true,
            "stream_options": { "include_usage": true },
            "max_tokens": request.max_tokens,
            "temperature": sampling.temperature,
            // A number that a double holds: what reads JSON elsewhere may have no other.
            "seed": sampling.seed & ((1 << 53) - 1),
        });
        if sampling.top_p < 1.0 {
            body["top_p"] = sampling.top_p.into();
        }
        if !request.stop_strings.is_empty() {
            body["stop"] = request.stop_strings.clone().into();
        }
        serde_json::to_vec(&body).map_err(|_| OutsideError::Unasked)
    }
}

fn message(message: &Message) -> serde_json::Value {
    serde_json::json!({ "role": message.role.name(), "content": message.content })
}

/// The path under an endpoint's address.
fn below(url: &Url, path: &str) -> Url {
    let mut below = url.clone();
    below.set_path(&format!("{}/{path}", url.path().trim_end_matches('/')));
    below
}

/// What a server says went wrong: `{"error": {"message": …}}`, else the start of what it wrote, on one line.
fn said(text: &[u8]) -> String {
    let whole = String::from_utf8_lossy(&text[..text.len().min(REFUSAL)]).into_owned();
    let json: Option<serde_json::Value> = serde_json::from_slice(text).ok();
    let message = json.as_ref().and_then(stream::message_of);
    let is_page = whole.trim_start().starts_with('<');
    let said = message.unwrap_or_else(|| if is_page { String::new() } else { whole });
    let plain = said.chars().map(|c| if c.is_control() { ' ' } else { c });
    plain.take(300).collect::<String>().trim().to_owned()
}

impl From<HubError> for OutsideError {
    fn from(error: HubError) -> OutsideError {
        match error {
            HubError::Offline(why) => OutsideError::Inside(format!("Lectern is offline: {why}")),
            HubError::Connection { host, why } => OutsideError::Connection { host, why },
            other => OutsideError::Garbled { host: "the server".into(), why: other.to_string() },
        }
    }
}
