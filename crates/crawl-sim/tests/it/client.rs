//! A client that hides nothing: one connection a request, the bytes as they came.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::Value;

pub(crate) struct Got {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Got {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The body, which must be as long as it was promised.
    pub(crate) fn json(&self) -> Value {
        assert_eq!(self.length(), self.body.len());
        serde_json::from_slice(&self.body).unwrap()
    }

    pub(crate) fn rows(&self) -> Vec<Value> {
        self.json().as_array().unwrap().clone()
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }

    pub(crate) fn length(&self) -> usize {
        self.header("content-length").unwrap().parse().unwrap()
    }

    pub(crate) fn next(&self) -> Option<String> {
        let link = self.header("link")?;
        Some(link.strip_prefix('<')?.strip_suffix(">; rel=\"next\"")?.to_owned())
    }
}

pub(crate) fn get(url: &str) -> Got {
    send("GET", url, &[], b"").unwrap()
}

pub(crate) fn get_with(url: &str, headers: &[(&str, &str)]) -> Got {
    send("GET", url, headers, b"").unwrap()
}

pub(crate) fn post(url: &str, headers: &[(&str, &str)], body: &Value) -> Got {
    send("POST", url, headers, body.to_string().as_bytes()).unwrap()
}

pub(crate) fn send(method: &str, url: &str, headers: &[(&str, &str)], body: &[u8]) -> io::Result<Got> {
    let (address, path) = split(url);
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(20)))?;
    let mut head = format!("{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n");
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str(&format!("Content-Length: {}\r\n\r\n", body.len()));
    stream.write_all(head.as_bytes())?;
    stream.write_all(body)?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    parse(&answer).ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
}

pub(crate) fn split(url: &str) -> (&str, &str) {
    let rest = url.strip_prefix("http://").unwrap();
    rest.split_at(rest.find('/').unwrap())
}

fn parse(answer: &[u8]) -> Option<Got> {
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = std::str::from_utf8(&answer[..end]).unwrap();
    let mut lines = head.lines();
    let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    let headers =
        lines.filter_map(|line| line.split_once(": ")).map(|(name, value)| (name.into(), value.into()));
    Some(Got { status, headers: headers.collect(), body: answer[end + 4..].to_vec() })
}

/// All pages from this address on.
pub(crate) fn walk(first: &str) -> Vec<Got> {
    let mut pages = Vec::new();
    let mut next = Some(first.to_owned());
    while let Some(url) = next {
        let page = get(&url);
        assert_eq!(page.status, 200, "{url}: {}", page.text());
        next = page.next();
        pages.push(page);
        assert!(pages.len() < 1000, "the listing does not end");
    }
    pages
}

/// The `_id` of every record of all pages from this address on.
pub(crate) fn walk_ids(first: &str) -> Vec<String> {
    let rows = walk(first).into_iter().flat_map(|page| page.rows());
    rows.map(|row| row["_id"].as_str().unwrap().to_owned()).collect()
}
