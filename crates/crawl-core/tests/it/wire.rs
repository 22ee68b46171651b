//! A server of scripted bytes: for answers that no well-behaved double gives.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crawl_core::http::{Http, HttpConfig, Url};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Bytes with pauses before them; then the connection is closed.
pub(crate) type Script = Vec<(Duration, Vec<u8>)>;

/// A running server and the requests that it saw, as they came in.
pub(crate) struct Wire {
    pub(crate) address: SocketAddr,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Wire {
    /// Answers the n-th request, from 0, with what `script` makes of it.
    pub(crate) async fn start(script: impl Fn(usize, &str) -> Script + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen: Arc<Mutex<Vec<String>>> = Arc::default();
        let (kept, script) = (seen.clone(), Arc::new(script));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (seen, script) = (kept.clone(), script.clone());
                tokio::spawn(async move {
                    let _ = answer(stream, &seen, &*script).await;
                });
            }
        });
        Wire { address, seen }
    }

    pub(crate) fn url(&self, path: &str) -> Url {
        Url::parse(&format!("http://{}{path}", self.address)).unwrap()
    }

    pub(crate) fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }

    pub(crate) fn count(&self) -> usize {
        self.seen.lock().unwrap().len()
    }
}

async fn answer(
    mut stream: TcpStream,
    seen: &Mutex<Vec<String>>,
    script: &(impl Fn(usize, &str) -> Script + Sync),
) -> std::io::Result<()> {
    let mut bytes = Vec::new();
    let text = loop {
        if stream.read_buf(&mut bytes).await? == 0 {
            return Ok(());
        }
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.to_ascii_lowercase().lines().find_map(|line| {
            line.strip_prefix("content-length:").map(|length| length.trim().parse::<usize>().unwrap())
        });
        if body.len() >= length.unwrap_or(0) {
            break text;
        }
    };
    let number = {
        let mut seen = seen.lock().unwrap();
        seen.push(text.clone());
        seen.len() - 1
    };
    for (pause, bytes) in script(number, &text) {
        tokio::time::sleep(pause).await;
        stream.write_all(&bytes).await?;
        stream.flush().await?;
    }
    stream.shutdown().await
}

/// A whole answer at once.
pub(crate) fn whole(status: u16, headers: &[(&str, &str)], body: impl AsRef<[u8]>) -> Script {
    let body = body.as_ref();
    let mut bytes = head(status, headers, body.len());
    bytes.extend_from_slice(body);
    vec![(Duration::ZERO, bytes)]
}

/// The head of an answer with a body of `length` bytes.
pub(crate) fn head(status: u16, headers: &[(&str, &str)], length: usize) -> Vec<u8> {
    let mut text = format!("HTTP/1.1 {status} Some\r\nconnection: close\r\ncontent-length: {length}\r\n");
    headers.iter().for_each(|(name, value)| text.push_str(&format!("{name}: {value}\r\n")));
    text.push_str("\r\n");
    text.into_bytes()
}

/// A door that does not wait long.
pub(crate) fn quick() -> HttpConfig {
    HttpConfig { backoff: Duration::from_millis(5), tries: 3, ..HttpConfig::default() }
}

pub(crate) fn door() -> Http {
    Http::new(quick()).unwrap()
}
