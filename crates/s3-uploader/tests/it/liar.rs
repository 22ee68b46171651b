//! A small S3 server of our own that checks checksums and MD5s as a real one does, and lies on demand.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use data_encoding::BASE64;
use md5::{Digest, Md5};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

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

fn error(status: u16, code: &str) -> Answer {
    Some((
        status,
        Vec::new(),
        format!("<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>no</Message></Error>"),
    ))
}

fn crc(bytes: &[u8]) -> String {
    BASE64.encode(&crc_fast::checksum(crc_fast::CrcAlgorithm::Crc64Nvme, bytes).to_be_bytes())
}

fn md5_hex(bytes: &[u8]) -> String {
    data_encoding::HEXLOWER.encode(&Md5::digest(bytes))
}

fn answer(request: &Request, lie: Lie, state: &Mutex<State>) -> Answer {
    let mut state = state.lock().unwrap();
    let what = match (request.method.as_str(), request.query.as_str()) {
        ("PUT", query) if query.contains("partNumber") => "part",
        ("PUT", _) => "put",
        ("POST", query) if query.contains("uploads") => "create",
        ("POST", query) if query.contains("delete") && lie == Lie::StrangeErrors => "remove",
        ("POST", _) => "complete",
        ("GET", query) if query.contains("uploadId") => "parts",
        ("GET", query) if query.split('&').any(|pair| pair == "uploads" || pair == "uploads=") => "uploads",
        ("GET", query) if query.contains("list-type=2") => "list",
        ("GET", _) => "get",
        ("HEAD", _) => "head",
        _ => "delete",
    };
    *state.counts.entry(what.into()).or_default() += 1;
    if what == "put" {
        *state.counts.entry(format!("put to {}", request.key)).or_default() += 1;
    }
    if what == "part" && !request.key.contains("probe") {
        *state.counts.entry("part bytes".into()).or_default() += request.body.len() as u64;
    }
    let probe = request.key.contains("probe");
    let upload = matches!(what, "put" | "part" | "complete");
    if !probe && upload {
        match lie {
            Lie::Always500 => return error(500, "InternalError"),
            Lie::Skewed => return error(403, "RequestTimeTooSkewed"),
            Lie::Elsewhere => {
                let mut answer = error(307, "TemporaryRedirect")?;
                answer.1.push(("x-amz-bucket-region", "eu-west-3".into()));
                answer.1.push(("location", "http://127.0.0.1:1/".into()));
                return Some(answer);
            }
            Lie::SlowDown if state.counts[what] <= if what == "put" { 5 } else { 2 } => {
                return error(503, "SlowDown");
            }
            Lie::ErrorIn200 if what != "part" => return error(200, "InternalError"),
            _ => {}
        }
    }
    match what {
        "put" => put(&mut state, request, lie, probe),
        "create" => {
            state.begun += 1;
            let id = format!("upload-{}", state.begun);
            let begun = jiff::Timestamp::now().to_string();
            let upload = Upload { key: request.key.clone(), begun, ..Upload::default() };
            state.uploads.insert(id.clone(), upload);
            let body = format!(
                "<InitiateMultipartUploadResult><UploadId>{id}</UploadId></InitiateMultipartUploadResult>"
            );
            Some((200, vec![("x-amz-checksum-algorithm", "CRC64NVME".into())], body))
        }
        "part" => part(&mut state, request, lie),
        "parts" => parts(&state, request),
        "uploads" => uploads(&state),
        "list" => list(&state, lie),
        "remove" => remove(&mut state, request),
        "complete" => complete(&mut state, request, lie),
        "delete" => {
            // An upload that is ended takes no object along.
            if state.uploads.remove(&id_of(&request.query)).is_none() {
                state.objects.remove(&request.key);
            }
            Some((204, Vec::new(), String::new()))
        }
        _ => look(&state, request, lie),
    }
}

fn id_of(query: &str) -> String {
    let id = query.split('&').find_map(|pair| pair.strip_prefix("uploadId="));
    id.unwrap_or_default().to_owned()
}

/// Whether what was sent is what its headers say, as far as this server looks.
fn checked(request: &Request, lie: Lie) -> Result<(), Answer> {
    if matches!(lie, Lie::FlippedEchoed | Lie::FlippedRightEtag) {
        return Ok(());
    }
    let wrong = |name: &str, right: String| request.headers.get(name).is_some_and(|value| *value != right);
    let md5 = BASE64.encode(&Md5::digest(&request.body));
    if wrong("x-amz-checksum-crc64nvme", crc(&request.body)) || wrong("content-md5", md5) {
        return Err(error(400, "BadDigest"));
    }
    Ok(())
}

fn store(state: &mut State, key: &str, mut bytes: Vec<u8>, etag: String, crc: Option<String>, lie: Lie) {
    let mut object = Object { etag: Some(etag), crc, ..Object::default() };
    let middle = bytes.len() / 2;
    match lie {
        Lie::Lost | Lie::ErrorIn200 => return,
        Lie::WrongEtag => {
            object.etag = Some("00000000000000000000000000000000".into());
            object.crc = None;
        }
        Lie::HalfNoEtag => {
            bytes.truncate(middle);
            (object.etag, object.crc) = (None, None);
        }
        Lie::FlippedOpaque => {
            bytes[middle] ^= 1;
            (object.etag, object.crc) = (Some("opaque".into()), None);
        }
        Lie::FlippedEchoed | Lie::FlippedRightEtag => bytes[middle] ^= 1,
        _ => {}
    }
    object.bytes = bytes;
    state.objects.insert(key.to_owned(), object);
}

fn put(state: &mut State, request: &Request, lie: Lie, probe: bool) -> Answer {
    if let Err(refusal) = checked(request, lie) {
        return refusal;
    }
    let crc = request.headers.get("x-amz-checksum-crc64nvme").cloned();
    let etag = md5_hex(&request.body);
    let as_told = if probe { Lie::None } else { lie };
    store(state, &request.key, request.body.clone(), etag, crc, as_told);
    if !probe {
        match lie {
            Lie::StoredThen500 => return error(500, "InternalError"),
            Lie::CutLate if state.counts["put"] < 6 => return None,
            _ => {}
        }
    }
    Some((200, vec![("etag", "\"0\"".into())], String::new()))
}

fn part(state: &mut State, request: &Request, lie: Lie) -> Answer {
    if let Err(refusal) = checked(request, lie) {
        return refusal;
    }
    let number = request.query.split('&').find_map(|pair| pair.strip_prefix("partNumber="));
    let number = number.and_then(|number| number.parse().ok()).unwrap_or(0);
    let etag = md5_hex(&request.body);
    let late = lie == Lie::CutLate && state.counts["part"] < 3;
    let Some(upload) = state.uploads.get_mut(&id_of(&request.query)) else {
        return error(404, "NoSuchUpload");
    };
    if upload.parts.insert(number, request.body.clone()).is_some() {
        *state.counts.entry("parts sent twice".into()).or_default() += 1;
    }
    if late {
        return None;
    }
    Some((200, vec![("etag", format!("\"{etag}\""))], String::new()))
}

fn parts(state: &State, request: &Request) -> Answer {
    let Some(upload) = state.uploads.get(&id_of(&request.query)) else { return error(404, "NoSuchUpload") };
    let mut body = "<ListPartsResult>".to_owned();
    for (number, bytes) in &upload.parts {
        let (etag, size) = (md5_hex(bytes), bytes.len());
        body.push_str(&format!(
            "<Part><PartNumber>{number}</PartNumber><ETag>\"{etag}\"</ETag><Size>{size}</Size></Part>"
        ));
    }
    body.push_str("</ListPartsResult>");
    Some((200, Vec::new(), body))
}

/// All objects, whatever prefix was asked for.
fn list(state: &State, lie: Lie) -> Answer {
    let one = |(key, object): (&String, &Object)| {
        format!("<Contents><Key>{key}</Key><Size>{}</Size></Contents>", object.bytes.len())
    };
    let all: String = state.objects.iter().map(one).collect();
    let more = lie == Lie::HalfListed;
    let body = format!("<ListBucketResult><IsTruncated>{more}</IsTruncated>{all}</ListBucketResult>");
    Some((200, Vec::new(), body))
}

fn remove(state: &mut State, request: &Request) -> Answer {
    let asked = String::from_utf8_lossy(&request.body).into_owned();
    let gone: Vec<String> =
        state.objects.keys().filter(|key| asked.contains(&format!("<Key>{key}</Key>"))).cloned().collect();
    let error = |key: &str, code: &str| format!("<Error><Key>{key}</Key><Code>{code}</Code></Error>");
    let mut body = "<DeleteResult>".to_owned();
    for key in &gone {
        state.objects.remove(key);
        body.push_str(&error(key, "NoSuchKey"));
        body.push_str(&error(&format!("foreign/{key}"), "AccessDenied"));
    }
    body.push_str("</DeleteResult>");
    Some((200, Vec::new(), body))
}

fn uploads(state: &State) -> Answer {
    let one = |(id, Upload { key, begun, .. }): (&String, &Upload)| {
        format!("<Upload><Key>{key}</Key><UploadId>{id}</UploadId><Initiated>{begun}</Initiated></Upload>")
    };
    let all: String = state.uploads.iter().map(one).collect();
    Some((200, Vec::new(), format!("<ListMultipartUploadsResult>{all}</ListMultipartUploadsResult>")))
}

fn complete(state: &mut State, request: &Request, lie: Lie) -> Answer {
    let Some(upload) = state.uploads.remove(&id_of(&request.query)) else {
        return error(404, "NoSuchUpload");
    };
    let mut upload = upload;
    if lie == Lie::FlippedJoined
        && let Some(byte) = upload.parts.values_mut().next().and_then(|part| part.first_mut())
    {
        *byte ^= 1;
    }
    let md5s: Vec<u8> = upload.parts.values().flat_map(|part| Md5::digest(part).to_vec()).collect();
    let etag = format!("{}-{}", md5_hex(&md5s), upload.parts.len());
    let bytes = upload.parts.into_values().collect::<Vec<_>>().concat();
    let echoed = request.headers.get("x-amz-checksum-crc64nvme").cloned();
    if !matches!(lie, Lie::FlippedEchoed | Lie::FlippedJoined)
        && echoed.as_ref().is_some_and(|echoed| *echoed != crc(&bytes))
    {
        return error(400, "BadDigest");
    }
    store(state, &request.key, bytes, etag, echoed, lie);
    match lie {
        Lie::StoredThen500 => error(500, "InternalError"),
        Lie::CutLate if state.counts["complete"] < 2 => None,
        _ => {
            let body = "<CompleteMultipartUploadResult><ETag>\"0\"</ETag></CompleteMultipartUploadResult>";
            Some((200, Vec::new(), body.to_owned()))
        }
    }
}

fn look(state: &State, request: &Request, lie: Lie) -> Answer {
    let Some(object) = state.objects.get(&request.key) else { return error(404, "NoSuchKey") };
    let mut headers = vec![("content-length", object.bytes.len().to_string())];
    if let Some(etag) = &object.etag {
        headers.push(("etag", format!("\"{etag}\"")));
    }
    if let Some(crc) = object.crc.as_ref().filter(|_| lie != Lie::FlippedRightEtag) {
        headers.push(("x-amz-checksum-crc64nvme", crc.clone()));
    }
    Some((200, headers, String::new()))
}
