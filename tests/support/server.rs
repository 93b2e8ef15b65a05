//! A server that speaks as OpenAI's does, on loopback, in as many manners as servers have; what it was asked can be looked at.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};

/// How it answers a question.
#[derive(Clone, Debug)]
pub enum Manner {
    /// These pieces, as events, and the end as it should be.
    Says(Vec<&'static str>),
    /// This after the head of an event stream, and then the connection ends.
    Writes(Vec<u8>),
    /// This after the head, and then nothing while the other side stays.
    FallsSilent(Vec<u8>),
    /// Not even a head.
    SaysNothing,
    /// The connection ends.
    HangsUp,
    /// A status, a header and a body.
    Refuses(u16, String, &'static str),
    /// One line without an end.
    NeverEnds,
    /// JSON in one piece, as servers do that do not stream.
    InOne(&'static str),
}

#[derive(Clone, Debug)]
pub struct Heard {
    pub path: String,
    pub authorization: Option<String>,
    pub body: serde_json::Value,
}

struct Inside {
    manner: Mutex<Manner>,
    heard: Mutex<Vec<Heard>>,
    over: AtomicBool,
    /// Somebody waits for an answer that does not come; and then: he has gone.
    waits: Mutex<Sender<&'static str>>,
    port: u16,
}

pub struct Server {
    inside: Arc<Inside>,
    /// `waits`, then `gone`, of whoever is left without an answer.
    pub news: Receiver<&'static str>,
}

impl Server {
    pub fn start(manner: Manner) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (waits, news) = channel();
        let inside = Arc::new(Inside {
            manner: Mutex::new(manner),
            heard: Mutex::default(),
            over: AtomicBool::new(false),
            waits: Mutex::new(waits),
            port: listener.local_addr().unwrap().port(),
        });
        let here = Arc::clone(&inside);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if here.over.load(Ordering::SeqCst) {
                    return;
                }
                let here = Arc::clone(&here);
                std::thread::spawn(move || {
                    // The other side may be gone at any time.
                    let _ = serve(&here, stream);
                });
            }
        });
        Server { inside, news }
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/v1", self.inside.port)
    }

    pub fn host(&self) -> String {
        format!("127.0.0.1:{}", self.inside.port)
    }

    pub fn now(&self, manner: Manner) {
        *self.inside.manner.lock().unwrap() = manner;
    }

    pub fn heard(&self) -> Vec<Heard> {
        self.inside.heard.lock().unwrap().clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.inside.over.store(true, Ordering::SeqCst);
        // The listener hears of it by one more connection.
        let _ = TcpStream::connect(("127.0.0.1", self.inside.port));
    }
}

const EVENTS: &str =
    "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\nconnection: close\r\n\r\n";

fn serve(inside: &Inside, mut stream: TcpStream) -> std::io::Result<()> {
    let Some(heard) = read(&mut stream)? else { return Ok(()) };
    let is_list = heard.path.ends_with("/models");
    inside.heard.lock().unwrap().push(heard);
    let manner = inside.manner.lock().unwrap().clone();
    if is_list && !matches!(manner, Manner::Refuses(..)) {
        let list = r#"{"object":"list","data":[{"id":"big","max_model_len":4096},{"id":"bigger"}]}"#;
        return whole(&mut stream, 200, "", list);
    }
    match manner {
        Manner::Says(pieces) => {
            stream.write_all(EVENTS.as_bytes())?;
            stream.write_all(b": hello\n\n")?;
            for piece in &pieces {
                let chunk = serde_json::json!({ "choices": [{ "index": 0, "delta": { "content": piece }, "finish_reason": null }] });
                // Cut where no reader expects it.
                let event = format!("data: {chunk}\r\n\r\n");
                let (left, right) = event.as_bytes().split_at(event.len() / 2);
                stream.write_all(left)?;
                stream.flush()?;
                stream.write_all(right)?;
            }
            let end = r#"{"choices":[{"delta":{},"finish_reason":"stop"}]}"#;
            let usage = r#"{"choices":[],"usage":{"prompt_tokens":11,"completion_tokens":3}}"#;
            write!(stream, "data: {end}\n\ndata: {usage}\n\ndata: [DONE]\n\n")
        }
        Manner::Writes(bytes) => {
            stream.write_all(EVENTS.as_bytes())?;
            stream.write_all(&bytes)?;
            stream.shutdown(Shutdown::Both)
        }
        Manner::FallsSilent(bytes) => {
            stream.write_all(EVENTS.as_bytes())?;
            stream.write_all(&bytes)?;
            wait(inside, stream)
        }
        Manner::SaysNothing => wait(inside, stream),
        Manner::HangsUp => stream.shutdown(Shutdown::Both),
        Manner::Refuses(status, header, body) => whole(&mut stream, status, &header, body),
        Manner::NeverEnds => {
            stream.write_all(EVENTS.as_bytes())?;
            stream.write_all(b"data: ")?;
            loop {
                stream.write_all(&[b'x'; 4096])?;
            }
        }
        Manner::InOne(json) => whole(&mut stream, 200, "content-type: application/json\r\n", json),
    }
}

/// Until the other side closes.
fn wait(inside: &Inside, mut stream: TcpStream) -> std::io::Result<()> {
    let say = |what| inside.waits.lock().unwrap().send(what).unwrap_or(());
    say("waits");
    let ended = stream.read(&mut [0; 1]);
    say("gone");
    ended.map(|_| ())
}

fn whole(stream: &mut TcpStream, status: u16, header: &str, body: &str) -> std::io::Result<()> {
    write!(
        stream,
        "HTTP/1.1 {status} Well\r\n{header}content-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )
}

fn read(stream: &mut TcpStream) -> std::io::Result<Option<Heard>> {
    let mut buffer = Vec::new();
    loop {
        let mut headers = [httparse::EMPTY_HEADER; 32];
        let mut parsed = httparse::Request::new(&mut headers);
        if let Ok(httparse::Status::Complete(head)) = parsed.parse(&buffer) {
            let header = |name: &str| {
                let found = parsed.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name))?;
                Some(String::from_utf8_lossy(found.value).into_owned())
            };
            let length: usize = header("content-length").map_or(0, |length| length.parse().unwrap());
            if buffer.len() >= head + length {
                return Ok(Some(Heard {
                    path: parsed.path.unwrap_or_default().into(),
                    authorization: header("authorization"),
                    body: serde_json::from_slice(&buffer[head..]).unwrap_or_default(),
                }));
            }
        }
        let mut more = [0; 4096];
        match stream.read(&mut more)? {
            0 => return Ok(None),
            read => buffer.extend_from_slice(&more[..read]),
        }
    }
}
