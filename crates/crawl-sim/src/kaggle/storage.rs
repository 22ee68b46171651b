//! The second origin, where the bytes come from: signed links that expire, ranges, sums in headers.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;

use super::Service as Kaggle;
use super::calendar::{END, compact, http};
use super::object::{Object, attack};
use super::percent::{decode, encode};
use super::refuse::xml;
use crate::dice::hash;
use crate::fault::Fault;
use crate::http::answer::{Answer, Body, Header, Source};
use crate::http::request::Request;
use crate::http::server::Service;
use crate::locked;

/// Objects kept after they were made, in bytes of memory.
const KEPT: usize = 128 << 20;

/// The links that were given out, and the objects that were asked for lately.
#[derive(Default)]
pub(super) struct Storage {
    links: Mutex<Links>,
    objects: Mutex<Vec<(String, Arc<Object>)>>,
}

#[derive(Default)]
struct Links {
    /// Of the newest link; each has another.
    serial: u64,
    /// Links up to this one have expired.
    expired: u64,
    uses: HashMap<u64, u64>,
}

impl Storage {
    /// Path and query of a fresh link; `path` is not encoded.
    pub(super) fn sign(&self, path: &str) -> String {
        let serial = {
            let mut links = locked(&self.links);
            links.serial += 1;
            links.serial
        };
        let date = compact(END + serial as i64);
        format!(
            "{}?X-Goog-Algorithm=GOOG4-RSA-SHA256&X-Goog-Credential=double%40example.org%2F20261123%2Fauto%2Fstorage%2F\
             goog4_request&X-Goog-Date={date}&X-Goog-Expires=259200&X-Goog-SignedHeaders=host&X-Goog-Signature={}",
            encode(path),
            signature(path, serial)
        )
    }

    /// All links given so far are refused from now on.
    pub(super) fn expire(&self) {
        let mut links = locked(&self.links);
        links.expired = links.serial;
    }

    /// Refuses a link that is not signed, has expired, or was used `most` times.
    fn check(&self, request: &Request, path: &str, most: Option<u64>) -> Result<(), Answer> {
        let pairs = request.pairs();
        let find = |name: &str| pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        let serial = find("X-Goog-Signature").and_then(|text| u64::from_str_radix(text.get(..16)?, 16).ok());
        let wrong = || xml(403, "SignatureDoesNotMatch", "Access denied.");
        let serial = serial.ok_or_else(|| xml(403, "AccessDenied", "Access denied."))?;
        let right = find("X-Goog-Signature") == Some(&signature(path, serial))
            && find("X-Goog-Date") == Some(&compact(END + serial as i64))
            && request.method == "GET";
        if !right {
            return Err(wrong());
        }
        let mut links = locked(&self.links);
        let used = links.uses.entry(serial).or_default();
        *used += 1;
        let worn = most.is_some_and(|most| *used > most);
        if worn || serial <= links.expired { Err(expired()) } else { Ok(()) }
    }

    fn object(&self, key: String, make: impl FnOnce() -> Option<Object>) -> Option<Arc<Object>> {
        let known =
            locked(&self.objects).iter().find(|(known, _)| *known == key).map(|(_, object)| object.clone());
        if known.is_some() {
            return known;
        }
        let object = Arc::new(make()?);
        let mut objects = locked(&self.objects);
        objects.push((key, object.clone()));
        while objects.len() > 1 && objects.iter().map(|(_, object)| object.weight).sum::<usize>() > KEPT {
            objects.remove(0);
        }
        Some(object)
    }

    pub(super) fn forget(&self) {
        locked(&self.objects).clear();
    }
}

fn expired() -> Answer {
    xml(403, "ExpiredToken", "The provided token has expired. Invalid argument.")
}

/// 512 hex digits that begin with the serial.
fn signature(path: &str, serial: u64) -> String {
    let mut dice = crate::dice::Dice::new(hash(path), serial);
    let rest = (0..31).map(|_| format!("{:016x}", dice.next())).collect::<String>();
    format!("{serial:016x}{rest}")
}

/// The storage as an address of its own.
pub(super) struct FileHost {
    pub(super) kaggle: Arc<Kaggle>,
}

impl Service for FileHost {
    fn kind(&self, _: &Request) -> &'static str {
        "cdn"
    }

    /// A signed link and credentials together are refused.
    fn admit(&self, request: &Request, _: &'static str) -> Result<Vec<Header>, Answer> {
        match request.header("authorization") {
            Some(_) => Err(xml(400, "InvalidArgument", "Only one auth mechanism allowed")),
            None => Ok(Vec::new()),
        }
    }

    fn instead(&self, _: &Request, fault: &Fault) -> Option<Answer> {
        match fault {
            Fault::Expired => Some(expired()),
            Fault::Refuse(_) => Some(xml(403, "AccessDenied", "Access denied.")),
            Fault::TooMany(_) => Some(xml(429, "SlowDown", "Please reduce your request rate.")),
            Fault::Status(status) => Some(xml(*status, "InternalError", "We encountered an internal error.")),
            _ => None,
        }
    }

    fn answer(&self, request: &Request, _: &'static str, fault: Option<&Fault>) -> Answer {
        let path = decode(request.path());
        let (storage, world) = (&self.kaggle.storage, &self.kaggle.world);
        if let Err(refusal) = storage.check(request, &path, world.config.link_uses) {
            return refusal;
        }
        let changed = matches!(fault, Some(Fault::Changed));
        let object = match fault.and_then(attack) {
            Some((name, bytes)) => storage.object(name.into(), || Some(Object::fixed(name, bytes()))),
            None => storage.object(format!("{path}#{changed}"), || Object::at(world, &path, changed)),
        };
        match object {
            Some(object) => send(request, &object, fault),
            None => xml(404, "NoSuchKey", "The specified key does not exist."),
        }
    }
}

/// One range, or the whole where none is asked for, where it cannot be read, or where `If-Range` names another version.
fn send(request: &Request, object: &Object, fault: Option<&Fault>) -> Answer {
    let size = object.length;
    let same =
        request.header("if-range").is_none_or(|mark| mark == object.etag || mark == http(object.modified));
    let wanted = request.header("range").filter(|_| same && !matches!(fault, Some(Fault::Whole)));
    let range = wanted.and_then(|range| range.strip_prefix("bytes=")?.split_once('-'));
    let range = match range {
        Some(("", last)) => {
            last.parse().ok().map(|last: u64| (size.saturating_sub(last), size.wrapping_sub(1)))
        }
        Some((from, "")) => from.parse().ok().map(|from| (from, size.wrapping_sub(1))),
        Some((from, to)) => {
            from.parse().ok().zip(to.parse().ok().map(|to: u64| to.min(size.wrapping_sub(1))))
        }
        None => None,
    };
    let (status, from, length) = match range {
        Some((from, _)) if from >= size => {
            return xml(416, "InvalidRange", "The requested range cannot be satisfied.")
                .with("Content-Range", format!("bytes */{size}"));
        }
        Some((from, to)) if from <= to => (206, from, to - from + 1),
        _ => (200, 0, size),
    };
    let mut source = object.source.clone();
    if matches!(fault, Some(Fault::Flip)) {
        source = Arc::new(Flipped { source, at: from + length / 2 });
    }
    let mut answer = Answer::new(status, object.kind, Bytes::new());
    answer.body = Body::Made { source, from, length };
    if status == 206 {
        answer = answer.with("Content-Range", format!("bytes {from}-{}/{size}", from + length - 1));
    }
    describe(answer, object)
}

fn describe(answer: Answer, object: &Object) -> Answer {
    let crc = format!("crc32c={}", STANDARD.encode(object.crc32c.to_be_bytes()));
    let md5 = object.md5.map(|md5| format!("md5={}", STANDARD.encode(md5)));
    let answer = answer
        .with("ETag", object.etag.clone())
        .with("Last-Modified", http(object.modified))
        .with("Accept-Ranges", "bytes")
        .with("x-goog-generation", object.generation.to_string())
        .with("x-goog-stored-content-encoding", "identity")
        .with("x-goog-stored-content-length", object.length.to_string());
    match md5 {
        // Both spellings occur.
        Some(md5) if object.generation.is_multiple_of(2) => {
            answer.with("x-goog-hash", format!("{crc},{md5}"))
        }
        Some(md5) => answer.with("x-goog-hash", crc).with("x-goog-hash", md5),
        None => answer.with("x-goog-hash", crc),
    }
}

/// One bit of one byte is wrong.
struct Flipped {
    source: Arc<dyn Source>,
    at: u64,
}

impl Source for Flipped {
    fn fill(&self, at: u64, into: &mut [u8]) {
        self.source.fill(at, into);
        let place = self.at.checked_sub(at).and_then(|place| usize::try_from(place).ok());
        if let Some(byte) = place.and_then(|place| into.get_mut(place)) {
            *byte ^= 0x10;
        }
    }
}
