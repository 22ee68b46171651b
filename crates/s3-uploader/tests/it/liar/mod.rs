//! A small S3 server of our own that checks checksums and MD5s as a real one does, and lies on demand.

mod answers;

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use answers::answer;

/// How it lies. The probe at the start is answered honestly, but where the name says otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lie {
    None,
    /// 200 and the right ETag, then the object is not there.
    Lost,
    /// An ETag that belongs to nothing; the object is right.
    WrongEtag,
    /// No ETag, no checksum, half of the bytes.
    HalfNoEtag,
    /// One bit flipped, and an ETag that says nothing.
    FlippedOpaque,
    /// One bit flipped; checksums and MD5s are not checked, the header that was sent is handed back.
    FlippedEchoed,
    /// One bit flipped; nothing is checked, and the ETag is that of what was sent.
    FlippedRightEtag,
    /// What comes whole is checked; what is joined has a bit flipped, its true ETag, and the checksum that was sent.
    FlippedJoined,
    /// CompleteMultipartUpload and PutObject answer 200 with an error in the body, and store nothing.
    ErrorIn200,
    /// A listing says that there is more and not where.
    HalfListed,
    /// A removal of many goes well, but for errors of keys that nobody asked about, and of one that is gone.
    StrangeErrors,
    /// Stored, then 500, always.
    StoredThen500,
    /// Not stored, 500, always.
    Always500,
    /// The clocks differ.
    Skewed,
    /// 307 to another region.
    Elsewhere,
    /// 503 for the first 20 uploads.
    SlowDown,
    /// The connection is cut before an upload's body was read, while it was, or before its answer: once each.
    CutEarly,
    CutMiddle,
    CutLate,
    /// As above, at every upload.
    CutAlways,
}

#[derive(Clone, Default)]
struct Object {
    bytes: Vec<u8>,
    etag: Option<String>,
    crc: Option<String>,
}

#[derive(Default)]
struct Upload {
    key: String,
    begun: String,
    parts: BTreeMap<u32, Vec<u8>>,
}

#[derive(Default)]
struct State {
    objects: BTreeMap<String, Object>,
    uploads: BTreeMap<String, Upload>,
    counts: BTreeMap<String, u64>,
    begun: u64,
}

pub(crate) struct Liar {
    pub(crate) address: SocketAddr,
    state: Arc<Mutex<State>>,
}

struct Request {
    method: String,
    key: String,
    query: String,
    headers: BTreeMap<String, String>,
    body: Vec<u8>,
}

/// Status, headers, body; `None` cuts the connection.
type Answer = Option<(u16, Vec<(&'static str, String)>, String)>;

impl Liar {
    pub(crate) async fn start(lie: Lie) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(Mutex::new(State::default()));
        let shared = state.clone();
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let state = shared.clone();
                tokio::spawn(async move {
                    // A connection that breaks is the client's to notice.
                    let _ = serve(stream, lie, &state).await;
                });
            }
        });
        Liar { address, state }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn object(&self, key: &str) -> Option<Vec<u8>> {
        self.state.lock().unwrap().objects.get(key).map(|object| object.bytes.clone())
    }

    pub(crate) fn objects(&self) -> BTreeMap<String, Vec<u8>> {
        let state = self.state.lock().unwrap();
        state.objects.iter().map(|(key, object)| (key.clone(), object.bytes.clone())).collect()
    }

    /// How many uploads have not ended.
    pub(crate) fn unfinished(&self) -> usize {
        self.state.lock().unwrap().uploads.len()
    }

    pub(crate) fn count(&self, what: &str) -> u64 {
        self.state.lock().unwrap().counts.get(what).copied().unwrap_or(0)
    }
}

async fn serve(mut stream: TcpStream, lie: Lie, state: &Mutex<State>) -> io::Result<()> {
    let mut unread = Vec::new();
    while let Some(request) = read(&mut stream, &mut unread, lie, state).await? {
        let head = request.method == "HEAD";
        let Some((status, headers, body)) = answer(&request, lie, state) else { return Ok(()) };
        let mut text = format!("HTTP/1.1 {status} x\r\n");
        if !headers.iter().any(|(name, _)| *name == "content-length") {
            text.push_str(&format!("content-length: {}\r\n", body.len()));
        }
        for (name, value) in headers {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        text.push_str("\r\n");
        stream.write_all(text.as_bytes()).await?;
        let object = !request.query.contains("upload") && !request.key.is_empty();
        if request.method == "GET" && object && status == 200 {
            let bytes = state.lock().unwrap().objects[&request.key].bytes.clone();
            stream.write_all(&bytes).await?;
        } else if !head {
            stream.write_all(body.as_bytes()).await?;
        }
    }
    Ok(())
}

async fn read(
    stream: &mut TcpStream,
    unread: &mut Vec<u8>,
    lie: Lie,
    state: &Mutex<State>,
) -> io::Result<Option<Request>> {
    let end = loop {
        if let Some(end) = unread.windows(4).position(|four| four == b"\r\n\r\n") {
            break end;
        }
        if stream.read_buf(unread).await? == 0 {
            return Ok(None);
        }
    };
    let head = String::from_utf8_lossy(&unread[..end]).into_owned();
    unread.drain(..end + 4);
    let mut lines = head.split("\r\n");
    let mut first = lines.next().unwrap_or_default().split(' ');
    let method = first.next().unwrap_or_default().to_owned();
    let target = first.next().unwrap_or_default();
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let headers: BTreeMap<String, String> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    let key = path.trim_start_matches("/bucket");
    let key = key.strip_prefix('/').unwrap_or(key).to_owned();
    let length = headers.get("content-length").and_then(|text| text.parse().ok()).unwrap_or(0);
    let cut = method == "PUT" && !key.contains("probe") && cuts(lie, state);
    if cut && matches!(lie, Lie::CutEarly | Lie::CutAlways) {
        return Ok(None);
    }
    let enough = if cut && lie == Lie::CutMiddle { length / 2 } else { length };
    while unread.len() < enough {
        if stream.read_buf(unread).await? == 0 {
            return Ok(None);
        }
    }
    if cut && lie == Lie::CutMiddle {
        return Ok(None);
    }
    let body = unread.drain(..length).collect();
    Ok(Some(Request { method, key, query: query.to_owned(), headers, body }))
}

fn cuts(lie: Lie, state: &Mutex<State>) -> bool {
    let mut state = state.lock().unwrap();
    let count = state.counts.entry("cuttable".into()).or_default();
    *count += 1;
    match lie {
        Lie::CutEarly | Lie::CutMiddle => *count <= 2,
        Lie::CutAlways => true,
        _ => false,
    }
}
