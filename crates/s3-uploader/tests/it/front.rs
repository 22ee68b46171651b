//! What stands before the real server and refuses, demands, counts or damages, as a test says; a proxy too.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// A request without its body.
pub(crate) struct Asked {
    pub(crate) method: String,
    /// `/bucket/key?query`; with `http://host` before it if a proxy is asked.
    pub(crate) target: String,
    pub(crate) headers: BTreeMap<String, String>,
}

impl Asked {
    pub(crate) fn has(&self, header: &str) -> bool {
        self.headers.contains_key(header)
    }

    /// Whether it begins an object.
    pub(crate) fn makes(&self) -> bool {
        (self.method == "PUT" && !self.target.contains("partNumber="))
            || (self.method == "POST" && self.target.contains("uploads"))
    }
}

/// What becomes of a request.
pub(crate) enum Fate {
    Pass,
    /// Status and code of an answer of our own, with `: ` and a message behind it where that matters.
    Refuse(u16, &'static str),
    /// So many bytes of the answer's body, then nothing more.
    Cut(usize),
    /// It is done, and the answer never comes.
    Lose,
    /// A bit of the answer's body is turned.
    Flip,
    /// The answer loses the headers that begin so.
    Strip(&'static [&'static str]),
    /// The ETags of the answer are weak ones.
    Weaken,
    /// An answer of our own, with status 200.
    Say(&'static str),
}

type Rule = dyn Fn(&Asked) -> Fate + Send + Sync;

pub(crate) struct Front {
    pub(crate) url: String,
    log: Arc<Mutex<Vec<String>>>,
}

impl Front {
    /// Before the server at `behind`.
    pub(crate) async fn start(behind: &str, rule: impl Fn(&Asked) -> Fate + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (rule, log): (Arc<Rule>, _) = (Arc::new(rule), Arc::<Mutex<Vec<String>>>::default());
        let (behind, kept) = (behind.trim_start_matches("http://").to_owned(), log.clone());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (behind, rule, log) = (behind.clone(), rule.clone(), kept.clone());
                tokio::spawn(async move {
                    // A connection that breaks is the client's to notice.
                    let _ = serve(stream, &behind, &*rule, &log).await;
                });
            }
        });
        Front { url, log }
    }

    /// How many requests have this in their first line.
    pub(crate) fn count(&self, part: &str) -> usize {
        self.log.lock().unwrap().iter().filter(|line| line.contains(part)).count()
    }

    pub(crate) fn forget(&self) {
        self.log.lock().unwrap().clear();
    }
}

async fn head(stream: &mut TcpStream, unread: &mut Vec<u8>) -> io::Result<Option<String>> {
    loop {
        if let Some(end) = unread.windows(4).position(|four| four == b"\r\n\r\n") {
            let text = String::from_utf8_lossy(&unread[..end]).into_owned();
            unread.drain(..end + 4);
            return Ok(Some(text));
        }
        if stream.read_buf(unread).await? == 0 {
            return Ok(None);
        }
    }
}

async fn serve(mut client: TcpStream, behind: &str, rule: &Rule, log: &Mutex<Vec<String>>) -> io::Result<()> {
    let mut unread = Vec::new();
    let Some(text) = head(&mut client, &mut unread).await? else { return Ok(()) };
    let mut lines = text.split("\r\n");
    let mut first = lines.next().unwrap_or_default().split(' ').map(str::to_owned);
    let (method, target) = (first.next().unwrap_or_default(), first.next().unwrap_or_default());
    let headers = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    let asked = Asked { method, target, headers };
    log.lock().unwrap().push(format!("{} {}", asked.method, asked.target));
    let length = asked.headers.get("content-length").and_then(|text| text.parse().ok()).unwrap_or(0);
    while unread.len() < length {
        if client.read_buf(&mut unread).await? == 0 {
            return Ok(());
        }
    }
    let fate = rule(&asked);
    if let Fate::Refuse(status, code) = fate {
        let (code, message) = code.split_once(": ").unwrap_or((code, "no"));
        let body = match asked.method.as_str() {
            "HEAD" => String::new(),
            _ => format!(
                "<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>{message}</Message></Error>"
            ),
        };
        let length = body.len();
        let text =
            format!("HTTP/1.1 {status} x\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}");
        return client.write_all(text.as_bytes()).await;
    }
    if let Fate::Say(body) = fate {
        let (kind, length) = ("content-type: application/xml", body.len());
        let text = format!(
            "HTTP/1.1 200 x\r\n{kind}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
        );
        return client.write_all(text.as_bytes()).await;
    }
    let path = match asked.target.strip_prefix("http://") {
        Some(rest) => &rest[rest.find('/').unwrap_or(0)..],
        None => &asked.target,
    };
    let mut text = format!("{} {path} HTTP/1.1\r\n", asked.method);
    for (name, value) in &asked.headers {
        if name != "connection" {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
    }
    text.push_str("connection: close\r\n\r\n");
    let mut server = TcpStream::connect(behind).await?;
    server.write_all(text.as_bytes()).await?;
    server.write_all(&unread[..length]).await?;
    let mut unread = Vec::new();
    let Some(text) = head(&mut server, &mut unread).await? else { return Ok(()) };
    let stripped = |line: &str| match &fate {
        Fate::Strip(names) => names.iter().any(|name| line.to_ascii_lowercase().starts_with(name)),
        _ => false,
    };
    let kept: Vec<&str> = text.split("\r\n").filter(|line| !stripped(line)).collect();
    let told = text.split("\r\n").filter_map(|line| line.split_once(": "));
    let mut told = told.filter(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    match told.next().and_then(|(_, length)| length.parse().ok()) {
        _ if asked.method == "HEAD" => {}
        Some(length) => while unread.len() < length && server.read_buf(&mut unread).await? > 0 {},
        None => drop(server.read_to_end(&mut unread).await?),
    }
    match fate {
        Fate::Lose => return Ok(()),
        Fate::Cut(most) => unread.truncate(most),
        Fate::Flip if !unread.is_empty() => {
            let middle = unread.len() / 2;
            unread[middle] ^= 1;
        }
        _ => {}
    }
    let text = kept.join("\r\n");
    let text = if matches!(fate, Fate::Weaken) { text.replace("etag: \"", "etag: W/\"") } else { text };
    client.write_all(format!("{text}\r\n\r\n").as_bytes()).await?;
    client.write_all(&unread).await
}

/// The program in `folder`, with these variables besides the usual ones: its exit code and what it told.
pub(crate) async fn told(
    url: &str,
    folder: &std::path::Path,
    env: &[(&str, &str)],
    arguments: &[&str],
) -> (Option<i32>, String) {
    let mut command = crate::desk::command(url, folder);
    command.args(arguments).envs(env.iter().copied());
    if matches!(arguments, ["copy" | "move", ..]) && !arguments.contains(&"--receipts") {
        command.args(crate::desk::RECEIPTS);
    }
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8_lossy(&text).into_owned())
}
