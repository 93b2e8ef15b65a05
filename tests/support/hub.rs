//! A hub as the real one answers, on loopback, with a second host that has the bytes; each can be made to fail in the ways
//! in which networks and servers do. What it was asked, and what it sent, can be looked at.
//!
//! Source: the answers of the Hugging Face hub to huggingface_hub: HEAD `resolve/…` gives 302 with `x-linked-etag` (the
//! sha256), `x-linked-size`, `x-repo-commit` and a signed location on another host, whose own `etag` is another number.

use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::Duration;

pub const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

/// What goes wrong. Numbers count down: so many answers are bad.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    /// The body ends after so many bytes, the connection with it.
    pub cut_after: Option<u64>,
    pub cuts: u32,
    /// The body stops after so many bytes, and the connection stays.
    pub stall_after: Option<u64>,
    pub stalls: u32,
    /// One bit of the body is another.
    pub flips: u32,
    /// A login page with status 200, from the host of the bytes.
    pub portals: u32,
    /// The same, from the hub itself.
    pub hub_portals: u32,
    /// A signed address is good for so many requests.
    pub uses_of_an_address: Option<u32>,
    /// The host's own etag differs with each answer.
    pub new_etags: u32,
    /// `content-range` names another size.
    pub wrong_totals: u32,
    /// Another range than was asked for.
    pub wrong_ranges: u32,
    /// Whole files whatever is asked for.
    pub no_ranges: bool,
    /// Status of so many answers of the host of the bytes.
    pub statuses: Vec<u16>,
    /// Status of so many answers of the hub.
    pub hub_statuses: Vec<u16>,
    /// The hub lets in whoever has this token.
    pub token: Option<String>,
    /// Bytes that go out before the next pause of a millisecond.
    pub pace: Option<usize>,
    /// Nothing goes out of the host of the bytes after so many of them, until the door is opened.
    pub gate_after: Option<u64>,
    /// The hub names another check sum from now on.
    pub other_sum: Option<String>,
    /// The hub names another size in so many answers.
    pub wrong_sizes: u32,
    pub wrong_size: u64,
    /// The connection ends before an answer: of the host of the bytes, of the hub.
    pub drops: u32,
    pub hub_drops: u32,
    /// The body is shorter than the range that it says it is.
    pub short_bodies: u32,
    /// `content-length` is larger than the body, after which the connection ends.
    pub long_lengths: u32,
    /// The body comes in chunks, and ends in the middle without the last one.
    pub broken_chunks: u32,
    /// The body is said to be compressed.
    pub encodings: u32,
    /// A smaller range than was asked for.
    pub half_ranges: u32,
    /// The bytes are at another name of the host.
    pub detours: u32,
    /// What is no HTTP.
    pub garbage: u32,
}

/// One request that was heard.
#[derive(Clone, Debug)]
pub struct Heard {
    /// `hub` or `bytes`.
    pub host: &'static str,
    pub path: String,
    pub range: Option<(u64, u64)>,
    pub authorization: Option<String>,
}

/// One file, with its check sum.
#[derive(Clone)]
struct Put {
    bytes: Arc<Vec<u8>>,
    sum: String,
}

struct Inside {
    files: Mutex<BTreeMap<String, Put>>,
    /// `owner/name` to JSON of `api/models/owner/name`.
    models: Mutex<BTreeMap<String, String>>,
    renamed: Mutex<BTreeMap<String, String>>,
    faults: Mutex<Faults>,
    heard: Mutex<Vec<Heard>>,
    bell: Condvar,
    addresses: Mutex<BTreeMap<u32, u32>>,
    sent: Mutex<u64>,
    /// Of these, bytes of answers that a fault made useless.
    spoiled: Mutex<u64>,
    /// To the host of the bytes.
    connections: Mutex<u32>,
    hub: u16,
    bytes: u16,
    over: AtomicBool,
}

pub struct FakeHub {
    inside: Arc<Inside>,
}

impl FakeHub {
    pub fn start() -> FakeHub {
        let hub = TcpListener::bind("127.0.0.1:0").unwrap();
        let bytes = TcpListener::bind("127.0.0.1:0").unwrap();
        let inside = Arc::new(Inside {
            files: Mutex::default(),
            models: Mutex::default(),
            renamed: Mutex::default(),
            faults: Mutex::default(),
            heard: Mutex::default(),
            bell: Condvar::new(),
            addresses: Mutex::default(),
            sent: Mutex::default(),
            spoiled: Mutex::default(),
            connections: Mutex::default(),
            hub: hub.local_addr().unwrap().port(),
            bytes: bytes.local_addr().unwrap().port(),
            over: AtomicBool::new(false),
        });
        for (listener, host) in [(hub, "hub"), (bytes, "bytes")] {
            let inside = Arc::clone(&inside);
            std::thread::spawn(move || {
                for stream in listener.incoming().flatten() {
                    if inside.over.load(Ordering::SeqCst) {
                        return;
                    }
                    *inside.connections.lock().unwrap() += u32::from(host == "bytes");
                    let inside = Arc::clone(&inside);
                    std::thread::spawn(move || {
                        let _ = serve(&inside, host, stream);
                    });
                }
            });
        }
        FakeHub { inside }
    }

    /// For HF_ENDPOINT.
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.inside.hub)
    }

    /// Gives the check sum.
    pub fn put(&self, repo: &str, file: &str, bytes: Vec<u8>) -> String {
        let sum = sha256(&bytes);
        let put = Put { bytes: Arc::new(bytes), sum: sum.clone() };
        self.inside.files.lock().unwrap().insert(format!("{repo}/{file}"), put);
        sum
    }

    /// What `api/models/REPO` answers.
    pub fn describe(&self, repo: &str, json: &str) {
        self.inside.models.lock().unwrap().insert(repo.into(), json.into());
    }

    pub fn rename(&self, old: &str, new: &str) {
        self.inside.renamed.lock().unwrap().insert(old.into(), new.into());
    }

    pub fn faults(&self) -> MutexGuard<'_, Faults> {
        self.inside.faults.lock().unwrap()
    }

    pub fn heard(&self) -> Vec<Heard> {
        self.inside.heard.lock().unwrap().clone()
    }

    /// Bytes of files that went out.
    pub fn sent(&self) -> u64 {
        *self.inside.sent.lock().unwrap()
    }

    /// Bytes that went out in answers which no fault made useless.
    pub fn sound(&self) -> u64 {
        self.sent() - *self.inside.spoiled.lock().unwrap()
    }

    /// Connections that were made to the host of the bytes.
    pub fn connections(&self) -> u32 {
        *self.inside.connections.lock().unwrap()
    }

    /// Waits until so many bytes went out, or `enough`, which is asked every few milliseconds.
    pub fn wait_unless(&self, bytes: u64, mut enough: impl FnMut() -> bool) {
        let mut sent = self.inside.sent.lock().unwrap();
        while *sent < bytes && !enough() {
            sent = self.inside.bell.wait_timeout(sent, Duration::from_millis(3)).unwrap().0;
        }
    }

    /// Waits until so many bytes went out.
    pub fn wait_for(&self, bytes: u64) {
        let mut sent = self.inside.sent.lock().unwrap();
        while *sent < bytes {
            let (next, timeout) = self.inside.bell.wait_timeout(sent, Duration::from_secs(120)).unwrap();
            assert!(!timeout.timed_out(), "only {} of {bytes} bytes went out in two minutes", *next);
            sent = next;
        }
    }

    /// Lets what the gate holds back go out.
    pub fn open_gate(&self) {
        self.faults().gate_after = None;
        self.inside.bell.notify_all();
    }
}

impl Drop for FakeHub {
    fn drop(&mut self) {
        self.inside.over.store(true, Ordering::SeqCst);
        self.inside.bell.notify_all();
        // A listener hears of it by one more connection.
        for port in [self.inside.hub, self.inside.bytes] {
            let _ = TcpStream::connect(("127.0.0.1", port));
        }
    }
}

pub fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Bytes that look like nothing, the same for the same seed.
pub fn noise(length: usize, seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut bytes = vec![0; length];
    for chunk in bytes.chunks_mut(8) {
        // xorshift64
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        chunk.copy_from_slice(&state.to_le_bytes()[..chunk.len()]);
    }
    bytes
}

struct Request {
    method: String,
    path: String,
    range: Option<(u64, u64)>,
    authorization: Option<String>,
    host: String,
}

struct Answer {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
    /// It is a piece of a file: the faults of bodies apply.
    is_file: bool,
    /// Nobody can use it.
    is_spoiled: bool,
    ending: Ending,
}

/// How the end of a body is told.
#[derive(Clone, Copy, PartialEq)]
enum Ending {
    /// By so many bytes more than there are.
    Length(usize),
    /// By a last chunk, which does not come.
    Chunks,
    /// Not at all: the connection ends without an answer, or after what is no answer.
    Nothing,
    Garbage,
}

fn serve(inside: &Inside, host: &'static str, mut stream: TcpStream) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut buffer = Vec::new();
    loop {
        let Some(request) = read(&mut stream, &mut buffer)? else { return Ok(()) };
        let answer = match host {
            "hub" => of_hub(inside, &request),
            _ => of_bytes(inside, &request),
        };
        inside.heard.lock().unwrap().push(Heard {
            host,
            path: request.path.clone(),
            range: request.range,
            authorization: request.authorization.clone(),
        });
        if !send(inside, &mut stream, &request, answer)? {
            return stream.shutdown(Shutdown::Both);
        }
    }
}

fn read(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> std::io::Result<Option<Request>> {
    loop {
        let mut headers = [httparse::EMPTY_HEADER; 32];
        let mut parsed = httparse::Request::new(&mut headers);
        if let Ok(httparse::Status::Complete(length)) = parsed.parse(buffer) {
            let header = |name: &str| {
                let found = parsed.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name))?;
                Some(String::from_utf8_lossy(found.value).into_owned())
            };
            let range = header("range").and_then(|range| {
                let (first, last) = range.strip_prefix("bytes=")?.split_once('-')?;
                Some((first.parse().ok()?, last.parse().ok()?))
            });
            let request = Request {
                method: parsed.method.unwrap_or_default().into(),
                path: parsed.path.unwrap_or_default().into(),
                range,
                authorization: header("authorization"),
                host: header("host").unwrap_or_default(),
            };
            buffer.drain(..length);
            return Ok(Some(request));
        }
        let mut more = [0; 4096];
        match stream.read(&mut more)? {
            0 => return Ok(None),
            read => buffer.extend_from_slice(&more[..read]),
        }
    }
}

fn plain(status: u16, headers: Vec<(&'static str, String)>, body: &str) -> Answer {
    let (is_file, is_spoiled, ending) = (false, false, Ending::Length(0));
    Answer { status, headers, body: body.as_bytes().to_vec(), is_file, is_spoiled, ending }
}

fn page() -> Answer {
    let html = ("content-type", "text/html; charset=utf-8".to_owned());
    plain(200, vec![html], "<!DOCTYPE html><html><body>Please sign in to this network</body></html>")
}

/// Takes one of a fault that counts down.
fn one(count: &mut u32) -> bool {
    let is_left = *count > 0;
    *count = count.saturating_sub(1);
    is_left
}

fn of_hub(inside: &Inside, request: &Request) -> Answer {
    let path = request.path.trim_start_matches('/').to_owned();
    {
        let mut faults = inside.faults.lock().unwrap();
        if let Some(status) = faults.hub_statuses.pop() {
            return plain(status, vec![("retry-after", "0".into())], "");
        }
        if one(&mut faults.hub_portals) {
            return page();
        }
        if one(&mut faults.hub_drops) {
            return Answer { ending: Ending::Nothing, ..plain(200, Vec::new(), "") };
        }
        if let Some(token) = &faults.token {
            match request.authorization.as_deref() {
                Some(given) if given == format!("Bearer {token}") => {}
                Some(_) => return plain(403, vec![("x-error-code", "GatedRepo".into())], ""),
                None => return plain(401, vec![("x-error-code", "GatedRepo".into())], ""),
            }
        }
    }
    if path == "api/whoami-v2" {
        return plain(200, Vec::new(), r#"{"name": "somebody"}"#);
    }
    if let Some(rest) = path.strip_prefix("api/models") {
        let models = inside.models.lock().unwrap();
        let name = rest.split('?').next().unwrap_or_default().trim_start_matches('/');
        if name.is_empty() {
            let listed: Vec<String> = models.keys().map(|repo| format!(r#"{{"id": "{repo}"}}"#)).collect();
            return plain(200, Vec::new(), &format!("[{}]", listed.join(",")));
        }
        return match models.get(name) {
            Some(json) => plain(200, Vec::new(), json),
            None => plain(404, vec![("x-error-code", "RepoNotFound".into())], ""),
        };
    }
    let Some((repo, rest)) = path.split_once("/resolve/") else { return plain(404, Vec::new(), "") };
    if let Some(new) = inside.renamed.lock().unwrap().get(repo) {
        return plain(307, vec![("location", format!("/{new}/resolve/{rest}"))], "");
    }
    let file = rest.split_once('/').map_or("", |(_, file)| file);
    let Some(Put { bytes, sum }) = inside.files.lock().unwrap().get(&format!("{repo}/{file}")).cloned()
    else {
        return plain(404, vec![("x-error-code", "EntryNotFound".into())], "");
    };
    let (sum, size) = {
        let mut faults = inside.faults.lock().unwrap();
        let size = if one(&mut faults.wrong_sizes) { faults.wrong_size } else { bytes.len() as u64 };
        (faults.other_sum.clone().unwrap_or(sum), size)
    };
    let address = {
        let mut addresses = inside.addresses.lock().unwrap();
        let number = addresses.len() as u32;
        addresses.insert(number, 0);
        number
    };
    // Another name of the same machine: another host, to whom the token must not go.
    let location = format!("http://localhost:{}/{repo}/{file}?signature={address}", inside.bytes);
    let headers = vec![
        ("x-repo-commit", COMMIT.to_owned()),
        ("x-linked-etag", format!("\"{sum}\"")),
        ("x-linked-size", size.to_string()),
        ("etag", "\"0123456789abcdef\"".to_owned()),
        ("location", location),
    ];
    plain(302, headers, "")
}

fn of_bytes(inside: &Inside, request: &Request) -> Answer {
    let mut faults = inside.faults.lock().unwrap();
    if let Some(status) = faults.statuses.pop() {
        return plain(status, vec![("retry-after", "0".into())], "no");
    }
    if one(&mut faults.portals) {
        return page();
    }
    if one(&mut faults.drops) {
        return Answer { ending: Ending::Nothing, ..plain(200, Vec::new(), "") };
    }
    if one(&mut faults.garbage) {
        return Answer { ending: Ending::Garbage, ..plain(200, Vec::new(), "") };
    }
    let (path, query) = request.path.split_once('?').unwrap_or((&request.path, ""));
    let address: u32 =
        query.strip_prefix("signature=").and_then(|number| number.parse().ok()).unwrap_or(u32::MAX);
    {
        let mut addresses = inside.addresses.lock().unwrap();
        match addresses.get_mut(&address) {
            Some(uses) if faults.uses_of_an_address.is_none_or(|most| *uses < most) => *uses += 1,
            _ => return plain(403, Vec::new(), "the signature has expired"),
        }
    }
    // The hub has this address, too, under another port.
    let is_elsewhere = request.host.starts_with("127.");
    if !is_elsewhere && one(&mut faults.detours) {
        let location = format!("http://127.0.0.1:{}{}", inside.bytes, request.path);
        return plain(302, vec![("location", location)], "");
    }
    let files = inside.files.lock().unwrap();
    let Some(Put { bytes, .. }) = files.get(path.trim_start_matches('/')) else {
        return plain(404, Vec::new(), "");
    };
    let mut is_spoiled = false;
    let mut spoil = |count: &mut u32| {
        let is_left = one(count);
        is_spoiled |= is_left;
        is_left
    };
    let etag = match one(&mut faults.new_etags) {
        true => format!("\"other-{}\"", faults.new_etags),
        false => "\"xet\"".to_owned(),
    };
    let mut headers = vec![("etag", etag), ("accept-ranges", "bytes".to_owned())];
    let (status, mut body) = match request.range.filter(|_| !faults.no_ranges) {
        None => (200, bytes.to_vec()),
        Some((first, last)) => {
            let (mut first, mut total) = (first as usize, bytes.len());
            let mut last = (last as usize).min(bytes.len() - 1);
            if first > 0 && spoil(&mut faults.wrong_ranges) {
                first -= 1;
            }
            if last > first && spoil(&mut faults.half_ranges) {
                last = first + (last - first) / 2;
            }
            if spoil(&mut faults.wrong_totals) {
                total += 1;
            }
            headers.push(("content-range", format!("bytes {first}-{last}/{total}")));
            (206, bytes[first..=last].to_vec())
        }
    };
    drop(files);
    if spoil(&mut faults.flips) {
        let middle = body.len() / 2;
        body[middle] ^= 1;
    }
    if spoil(&mut faults.short_bodies) {
        body.truncate(body.len() - 1);
    }
    if spoil(&mut faults.encodings) {
        headers.push(("content-encoding", "gzip".into()));
    }
    let ending = match () {
        () if spoil(&mut faults.long_lengths) => Ending::Length(1),
        () if spoil(&mut faults.broken_chunks) => Ending::Chunks,
        () => Ending::Length(0),
    };
    Answer { status, headers, body, is_file: true, is_spoiled, ending }
}

/// `false`: the connection is to be closed.
fn send(inside: &Inside, stream: &mut TcpStream, request: &Request, answer: Answer) -> std::io::Result<bool> {
    let mut out = 0;
    let mut is_spoiled = answer.is_spoiled;
    let sent = send_counting(inside, stream, request, answer, &mut out, &mut is_spoiled);
    if is_spoiled {
        *inside.spoiled.lock().unwrap() += out;
    }
    sent
}

/// `out`: bytes of a file that went.
fn send_counting(
    inside: &Inside,
    stream: &mut TcpStream,
    request: &Request,
    answer: Answer,
    out: &mut u64,
    is_spoiled: &mut bool,
) -> std::io::Result<bool> {
    let length = match answer.ending {
        Ending::Nothing => return Ok(false),
        Ending::Garbage => {
            stream.write_all(&noise(300, 7))?;
            return Ok(false);
        }
        Ending::Chunks => "transfer-encoding: chunked".to_owned(),
        Ending::Length(more) => format!("content-length: {}", answer.body.len() + more),
    };
    let mut head = format!("HTTP/1.1 {} x\r\n{length}\r\n", answer.status);
    for (name, value) in &answer.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    stream.write_all(format!("{head}\r\n").as_bytes())?;
    if request.method == "HEAD" {
        return Ok(true);
    }
    if !answer.is_file {
        stream.write_all(&answer.body)?;
        return Ok(true);
    }
    let (cut, stall, pace) = {
        let mut faults = inside.faults.lock().unwrap();
        let length = answer.body.len() as u64;
        let cut = faults.cut_after.filter(|&cut| cut < length && one(&mut faults.cuts));
        (cut, faults.stall_after.filter(|&stall| stall < length && one(&mut faults.stalls)), faults.pace)
    };
    *is_spoiled |= cut.is_some() || stall.is_some();
    for piece in answer.body.chunks(pace.unwrap_or(64 << 10)) {
        let end = *out + piece.len() as u64;
        if let Some(cut) = cut.filter(|&cut| end > cut) {
            stream.write_all(&piece[..(cut - *out) as usize])?;
            return Ok(false);
        }
        if stall.is_some_and(|stall| end > stall) {
            // Until the other side has had enough.
            let _ = stream.read(&mut [0]);
            return Ok(false);
        }
        {
            let mut sent = inside.sent.lock().unwrap();
            while inside.faults.lock().unwrap().gate_after.is_some_and(|gate| *sent >= gate) {
                sent = inside.bell.wait_timeout(sent, Duration::from_millis(20)).unwrap().0;
                if inside.over.load(Ordering::SeqCst) {
                    return Ok(false);
                }
            }
        }
        if answer.ending == Ending::Chunks {
            stream.write_all(format!("{:x}\r\n", piece.len()).as_bytes())?;
        }
        stream.write_all(piece)?;
        *out = end;
        *inside.sent.lock().unwrap() += piece.len() as u64;
        inside.bell.notify_all();
        if answer.ending == Ending::Chunks {
            stream.write_all(b"\r\n")?;
            if *out >= answer.body.len() as u64 / 2 {
                return Ok(false);
            }
        }
        if pace.is_some() {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
    Ok(answer.ending == Ending::Length(0))
}
