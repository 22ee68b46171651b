//! Reads one request from a connection.

use std::io;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const MAX_HEAD: usize = 64 << 10;
const MAX_BODY: usize = 64 << 20;

/// A request, whole, with its body.
#[derive(Clone, Debug, Default)]
pub(crate) struct Request {
    pub(crate) method: String,
    /// Path and query as they came; of an absolute address (`GET http://host/path`, as to a proxy) the host is taken
    /// into the headers.
    pub(crate) target: String,
    /// Names are in lower case.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Request {
    /// Case does not matter; the first of several.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    pub(crate) fn is_head(&self) -> bool {
        self.method == "HEAD"
    }

    /// Still percent-encoded.
    pub(crate) fn path(&self) -> &str {
        self.target.split_once('?').map_or(self.target.as_str(), |(path, _)| path)
    }

    /// Still percent-encoded; empty without a query.
    pub(crate) fn query(&self) -> &str {
        self.target.split_once('?').map_or("", |(_, query)| query)
    }

    /// Decoded pairs of the query, in order.
    pub(crate) fn pairs(&self) -> Vec<(String, String)> {
        url::form_urlencoded::parse(self.query().as_bytes()).into_owned().collect()
    }

    fn keeps_alive(&self) -> bool {
        !self.header("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"))
    }
}

/// A connection and what was read from it but not used yet.
pub(crate) struct Connection {
    pub(crate) stream: TcpStream,
    pub(crate) unread: Vec<u8>,
    pub(crate) keep: bool,
}

impl Connection {
    pub(crate) fn new(stream: TcpStream) -> Self {
        Self { stream, unread: Vec::new(), keep: true }
    }

    /// `None` when the peer closed between two requests.
    pub(crate) async fn request(&mut self) -> io::Result<Option<Request>> {
        let (mut request, head) = loop {
            if let Some(parsed) = parse_head(&self.unread)? {
                break parsed;
            }
            if !self.read_more().await? {
                return Ok(None);
            }
        };
        self.unread.drain(..head);
        let length = request.header("content-length").and_then(|text| text.parse().ok()).unwrap_or(0);
        if length > MAX_BODY {
            return Err(io::Error::other("request body too large"));
        }
        if length > self.unread.len() && request.header("expect").is_some() {
            self.stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await?;
        }
        while self.unread.len() < length {
            if !self.read_more().await? {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        request.body = self.unread.drain(..length).collect();
        self.keep = request.keeps_alive();
        Ok(Some(request))
    }

    /// Whether the peer hung up while the answer was being prepared.
    pub(crate) fn peer_left(&mut self) -> bool {
        let mut more = [0; 4096];
        match self.stream.try_read(&mut more) {
            Ok(0) => true,
            Ok(count) => {
                self.unread.extend_from_slice(&more[..count]);
                false
            }
            Err(error) => error.kind() != io::ErrorKind::WouldBlock,
        }
    }

    async fn read_more(&mut self) -> io::Result<bool> {
        self.unread.reserve(8 << 10);
        Ok(self.stream.read_buf(&mut self.unread).await? > 0)
    }
}

fn parse_head(bytes: &[u8]) -> io::Result<Option<(Request, usize)>> {
    let mut headers = [httparse::EMPTY_HEADER; 64];
    let mut parsed = httparse::Request::new(&mut headers);
    let length = match parsed.parse(bytes) {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) if bytes.len() < MAX_HEAD => return Ok(None),
        Ok(httparse::Status::Partial) => return Err(io::Error::other("request head too large")),
        Err(error) => return Err(io::Error::other(error)),
    };
    let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
    let headers = parsed.headers.iter().map(|header| (header.name.to_ascii_lowercase(), text(header.value)));
    let mut request = Request {
        method: parsed.method.unwrap_or_default().into(),
        target: parsed.path.unwrap_or_default().into(),
        headers: headers.collect(),
        body: Vec::new(),
    };
    if let Some(rest) = request.target.strip_prefix("http://") {
        let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let (host, path) = (host.to_owned(), if path.is_empty() { "/" } else { path }.to_owned());
        request.headers.retain(|(name, _)| name != "host");
        request.headers.push(("host".into(), host));
        request.target = path;
    }
    Ok(Some((request, length)))
}
