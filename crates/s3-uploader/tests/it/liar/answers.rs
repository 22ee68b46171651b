//! What the server answers, honestly or not.

use std::sync::Mutex;

use data_encoding::BASE64;
use md5::{Digest, Md5};

use super::{Answer, Lie, Object, Request, State, Upload};

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

pub(super) fn answer(request: &Request, lie: Lie, state: &Mutex<State>) -> Answer {
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
