//! A server of files that does what a test says, on threads of its own; it keeps who asked and what was sent.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use crawl_core::http::{Request, Url};

/// What was asked.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) number: u64,
    pub(crate) path: String,
    pub(crate) headers: HashMap<String, String>,
}

impl Asked {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    /// The first byte of the range that is asked for.
    pub(crate) fn from(&self) -> Option<u64> {
        self.header("range")?.strip_prefix("bytes=")?.split_once('-')?.0.parse().ok()
    }
}

/// An answer: the body is bytes `from` to `to` of a version of the made file, or a text.
#[derive(Clone, Debug, Default)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) text: Option<String>,
    pub(crate) made: (u64, u64, u64),
    /// The connection breaks after so many bytes.
    pub(crate) cut: Option<u64>,
    /// A pause behind each 64 KiB.
    pub(crate) slow: Duration,
}

impl Answer {
    pub(crate) fn text(status: u16, text: &str) -> Self {
        Answer { status, text: Some(text.to_owned()), ..Answer::default() }
    }

    pub(crate) fn moved(to: &str) -> Self {
        Answer::text(302, "moved").with("location", to)
    }

    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn cut(mut self, after: u64) -> Self {
        self.cut = Some(after);
        self
    }

    pub(crate) fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(known, _)| known != name);
        self
    }
}

/// What a good server answers about a version of a file of `size` bytes.
pub(crate) fn good(asked: &Asked, size: u64, version: u64) -> Answer {
    let etag = format!("\"v{version}\"");
    let fits = asked.header("if-range").is_none_or(|validator| validator == etag);
    let answer = match asked.from().filter(|_| fits) {
        Some(from) if from >= size => {
            return Answer::text(416, "").with("content-range", &format!("bytes */{size}"));
        }
        Some(from) => Answer { status: 206, made: (version, from, size), ..Answer::default() }
            .with("content-range", &format!("bytes {from}-{}/{size}", size - 1)),
        None => Answer { status: 200, made: (version, 0, size), ..Answer::default() },
    };
    answer.with("etag", &etag)
}

/// Bytes `from` to `to` of a version of the made file.
pub(crate) fn made(version: u64, from: u64, to: u64) -> Vec<u8> {
    // A prime length, so that nothing at another place of a power of two looks alike.
    static NOISE: OnceLock<Vec<u8>> = OnceLock::new();
    let noise = NOISE.get_or_init(|| {
        let mut state = 0x9E37_79B9_7F4A_7C15_u64;
        (0..1_048_573)
            .map(|_| {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                (state >> 32) as u8
            })
            .collect()
    });
    let mut bytes = Vec::with_capacity((to - from) as usize);
    let mut at = ((from + version * 7_919) % noise.len() as u64) as usize;
    while (bytes.len() as u64) < to - from {
        let end = noise.len().min(at + (to - from) as usize - bytes.len());
        bytes.extend_from_slice(&noise[at..end]);
        at = end % noise.len();
    }
    bytes
}

/// The server; it ends when this is dropped.
pub(crate) struct Origin {
    port: u16,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    asked: Mutex<Vec<Asked>>,
    sent: AtomicU64,
    ended: AtomicBool,
}

impl Origin {
    pub(crate) fn start(answer: impl Fn(&Asked) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new(State::default());
        let (shared, answer) = (state.clone(), Arc::new(answer));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if shared.ended.load(Ordering::SeqCst) {
                    return;
                }
                let (shared, answer) = (shared.clone(), answer.clone());
                std::thread::spawn(move || {
                    let _ = serve(stream, &shared, &*answer);
                });
            }
        });
        Origin { port, state }
    }

    pub(crate) fn url(&self) -> Url {
        Url::parse(&format!("http://127.0.0.1:{}/file", self.port)).unwrap()
    }

    pub(crate) fn request(&self) -> Request {
        Request::get(self.url())
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.state.asked.lock().unwrap().clone()
    }

    /// Bytes of bodies that were handed to the system.
    pub(crate) fn sent(&self) -> u64 {
        self.state.sent.load(Ordering::SeqCst)
    }
}

impl Drop for Origin {
    fn drop(&mut self) {
        self.state.ended.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

fn serve(
    mut stream: TcpStream,
    state: &State,
    answer: &(dyn Fn(&Asked) -> Answer + Send + Sync),
) -> std::io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let mut lines = head.lines();
    let path = lines.next().unwrap().split(' ').nth(1).unwrap().to_owned();
    let headers = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    let asked = {
        let mut all = state.asked.lock().unwrap();
        let asked = Asked { number: all.len() as u64 + 1, path, headers };
        all.push(asked.clone());
        asked
    };
    let answer = answer(&asked);
    let (version, from, to) = answer.made;
    let length = answer.text.as_ref().map_or(to - from, |text| text.len() as u64);
    let mut head = format!("HTTP/1.1 {} X\r\nconnection: close\r\n", answer.status);
    if !answer.headers.iter().any(|(name, _)| matches!(&**name, "transfer-encoding" | "content-length")) {
        head += &format!("content-length: {length}\r\n");
    }
    for (name, value) in &answer.headers {
        head += &format!("{name}: {value}\r\n");
    }
    stream.write_all((head + "\r\n").as_bytes())?;
    let ends = from + answer.cut.unwrap_or(length).min(length);
    let mut at = from;
    while at < ends {
        let next = ends.min(at + (64 << 10));
        match &answer.text {
            Some(text) => stream.write_all(&text.as_bytes()[at as usize..next as usize])?,
            None => stream.write_all(&made(version, at, next))?,
        }
        state.sent.fetch_add(next - at, Ordering::SeqCst);
        at = next;
        if !answer.slow.is_zero() {
            std::thread::sleep(answer.slow);
        }
    }
    stream.shutdown(std::net::Shutdown::Write)?;
    // A reader that has bytes left must see them before the connection goes.
    let _ = stream.read(&mut [0; 64]);
    Ok(())
}
