//! The page and its JSON API, over loopback.

mod bounds;
mod guard;
mod hostile;
mod pages;
mod state;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use record_search::serve::{Serve, Server};
use record_search::{Embedder, Index};

/// A server on a free port, until the process ends or it is dropped.
pub(crate) struct Running {
    pub(crate) addr: SocketAddr,
    runtime: Option<tokio::runtime::Runtime>,
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Got {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Got {
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.filter(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| value).next()
    }
}

pub(crate) fn serve(
    folder: &std::path::Path,
    embedder: Option<Arc<dyn Embedder>>,
    token: Option<&str>,
) -> Running {
    serve_with(folder, embedder, token, Vec::new())
}

/// With the state of crawls.
pub(crate) fn serve_with(
    folder: &std::path::Path,
    embedder: Option<Arc<dyn Embedder>>,
    token: Option<&str>,
    roots: Vec<std::path::PathBuf>,
) -> Running {
    let folder = folder.to_owned();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let serve = Serve {
        open: Box::new(move || Index::open(&folder, embedder.clone())),
        addr: "127.0.0.1:0".parse().unwrap(),
        token: token.map(str::to_owned),
        roots,
    };
    let server = runtime.block_on(Server::bind(serve)).unwrap();
    let addr = server.addr();
    runtime.spawn(server.run());
    Running { addr, runtime: Some(runtime) }
}

impl Running {
    pub(crate) fn get(&self, path: &str) -> Got {
        self.ask(path, "")
    }

    /// With more lines of the head, each ended.
    pub(crate) fn ask(&self, path: &str, more: &str) -> Got {
        let host = if more.to_lowercase().contains("host:") {
            String::new()
        } else {
            format!("Host: {}\r\n", self.addr)
        };
        self.send(format!("GET {path} HTTP/1.1\r\n{host}{more}Connection: close\r\n\r\n").as_bytes())
    }

    pub(crate) fn send(&self, bytes: &[u8]) -> Got {
        let mut stream = TcpStream::connect(self.addr).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        // What is refused while it is sent may not be taken to its end.
        let _ = stream.write_all(bytes);
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        let answer = String::from_utf8(answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
        let chunked = head.to_lowercase().contains("transfer-encoding: chunked");
        let body = if chunked { unchunked(body) } else { body.to_owned() };
        Got { status, head: head.to_owned(), body }
    }
}

fn unchunked(mut body: &str) -> String {
    let mut out = String::new();
    while let Some((size, rest)) = body.split_once("\r\n") {
        let size = usize::from_str_radix(size, 16).unwrap();
        if size == 0 {
            break;
        }
        out.push_str(&rest[..size]);
        body = &rest[size + 2..];
    }
    out
}

/// For an address.
pub(crate) fn encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}
