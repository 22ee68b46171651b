//! A zip that stays where it is: its directory and its members are read by Range, through a link that is renewed.

use std::io::{self, Read, Seek, SeekFrom};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crawl_core::http::{HeaderValue, Http, Opened, Request, Response, Url};
use crawl_core::{Error, Kind, Result, shown};
use tokio::runtime::Handle;

use super::{Counts, Member, Target, damaged, off, zip};

/// So much is asked for at once: of the directory, and of members.
const DIRECTORY: u64 = 1 << 20;
const BODIES: u64 = 8 << 20;
/// How often a piece is asked for, and the pause behind the first failure; it doubles.
const TRIES: u32 = 5;
const PAUSE: Duration = Duration::from_millis(200);

/// Unpacks the zip behind `request` without bringing it here: the directory first, then member by member, each checked
/// by its CRC-32, durable and moved on before much more is asked for. For archives larger than the disk budget.
///
/// The answer may redirect to a signed link, which is used until it is refused; then `request` is sent again.
///
/// # Errors
/// As [`super::unpack_each`]; those of [`Http::open`]; [`Kind::Shape`] if the service gives no ranges, or the archive
/// has changed on the way.
pub async fn unpack_remote<T>(http: &Http, request: &Request, target: &Target, take: T) -> Result<Counts>
where
    T: FnMut(Member) -> Result<()> + Send + 'static,
{
    let link = Arc::new(Link { http: http.clone(), request: request.clone(), known: Mutex::default() });
    // The end of it tells its size, and the directory's place is there.
    let (size, end) = Link::end(&link).await?;
    let (runtime, target) = (Handle::current(), target.clone());
    off(move || {
        let start = size - end.len() as u64;
        let directory = Remote { block: (start, end), ..Remote::new(&link, &runtime, size, DIRECTORY) };
        let bodies = Remote::new(&link, &runtime, size, BODIES);
        zip(directory, bodies, &target, take)
    })
    .await
}

/// Where an archive is, shared by those who read it.
struct Link {
    http: Http,
    request: Request,
    known: Mutex<Known>,
}

/// What was learned of it.
#[derive(Default)]
struct Known {
    /// Where the request has led.
    signed: Option<Request>,
    /// What tells that it is the same archive: its size and the service's words for its version.
    of: Option<(u64, Vec<Option<HeaderValue>>)>,
}

impl Link {
    /// The size, and the last bytes.
    async fn end(link: &Arc<Self>) -> Result<(u64, Vec<u8>)> {
        let (range, bytes) = link.bytes(&format!("bytes=-{DIRECTORY}"), None).await?;
        Ok((range.total, bytes))
    }

    /// The bytes of a range; `from` is where it must begin.
    async fn bytes(&self, range: &str, from: Option<u64>) -> Result<(Ranged, Vec<u8>)> {
        let mut tries = 0;
        loop {
            tries += 1;
            let signed = self.known().signed.clone();
            let fresh = signed.is_none();
            let error = match self.once(signed.as_ref().unwrap_or(&self.request), range, from).await {
                Ok(found) => return Ok(found),
                Err(error) => error,
            };
            // A signed link that is refused has aged: the service gives another one.
            let aged = !fresh && matches!(error.status(), Some(400 | 401 | 403 | 404 | 410));
            let passing = matches!(error.kind(), Kind::Transient);
            if tries >= TRIES || !(aged || passing) {
                return Err(error);
            }
            self.known().signed = None;
            if passing {
                tokio::time::sleep(PAUSE * 2_u32.pow(tries - 1)).await;
            }
        }
    }

    async fn once(&self, request: &Request, range: &str, from: Option<u64>) -> Result<(Ranged, Vec<u8>)> {
        let mut request = request.clone();
        let value = HeaderValue::from_str(range)
            .map_err(|cause| Error::new(Kind::Config, "a range is not a header").because(cause))?;
        request.headers.insert("range", value);
        let mut opened = self.http.open(&request).await?;
        let found = self.check(&opened.response, from)?;
        self.remember(&request, &opened.response);
        let bytes = read(&mut opened, found.ends - found.starts).await?;
        Ok((found, bytes))
    }

    /// What the answer is of: the range that was asked for, of the archive that was there before.
    fn check(&self, response: &Response, from: Option<u64>) -> Result<Ranged> {
        let wrong = |what: &str| Error::new(Kind::Shape, what).at(shown(&response.url));
        let ranged = Ranged::of(response).filter(|found| from.is_none_or(|from| from == found.starts));
        let Some(found) = ranged.filter(|_| response.status == 206) else {
            return Err(wrong("the service does not give a part of the archive")
                .advise("raise the disk budget above the size of the archive, so that it comes whole"));
        };
        let of = ["etag", "x-goog-generation"].map(|name| response.headers.get(name).cloned());
        let of = (found.total, of.to_vec());
        let mut known = self.known();
        match &known.of {
            Some(before) if *before != of => Err(wrong("the archive has changed while it was read")
                .advise("run the same command again; it reads the new version")),
            Some(_) => Ok(found),
            None => {
                known.of = Some(of);
                Ok(found)
            }
        }
    }

    /// Keeps where the request has led, so that the service is not asked for each piece.
    fn remember(&self, asked: &Request, response: &Response) {
        if response.hops.is_empty() {
            return;
        }
        let same = origin(&response.url) == origin(&asked.url);
        let mut signed = Request { credential: None, ..Request::get(response.url.clone()) };
        signed.service = asked.service;
        signed.untrusted = asked.untrusted;
        if same {
            signed.credential.clone_from(&asked.credential);
        }
        self.known().signed = Some(signed);
    }

    fn known(&self) -> std::sync::MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn origin(url: &Url) -> (String, Option<String>, Option<u16>) {
    (url.scheme().to_owned(), url.host_str().map(str::to_owned), url.port_or_known_default())
}

async fn read(opened: &mut Opened, size: u64) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    while let Some(chunk) = opened.chunk().await? {
        bytes.extend_from_slice(&chunk);
        if bytes.len() as u64 > size {
            break;
        }
    }
    if bytes.len() as u64 != size {
        return Err(Error::new(
            Kind::Transient,
            "a part of the archive has another length than the answer says",
        )
        .at(shown(&opened.response.url)));
    }
    Ok(bytes)
}

/// `Content-Range`: the bytes from `starts` up to `ends` of `total`.
struct Ranged {
    starts: u64,
    ends: u64,
    total: u64,
}

impl Ranged {
    fn of(response: &Response) -> Option<Self> {
        let value = response.headers.get("content-range")?.to_str().ok()?;
        let (range, total) = value.trim().strip_prefix("bytes ")?.split_once('/')?;
        let (starts, last) = range.split_once('-')?;
        let (starts, last, total): (u64, u64, u64) =
            (starts.trim().parse().ok()?, last.trim().parse().ok()?, total.trim().parse().ok()?);
        // No answer may be longer than what was asked for.
        let fits = starts <= last && last < total && last - starts < BODIES;
        fits.then_some(Ranged { starts, ends: last + 1, total })
    }
}

/// An archive as a reader that blocks: one piece of it is in memory.
struct Remote {
    link: Arc<Link>,
    runtime: Handle,
    size: u64,
    /// How much is asked for at once.
    piece: u64,
    at: u64,
    /// Where the piece begins, and its bytes.
    block: (u64, Vec<u8>),
}

impl Remote {
    fn new(link: &Arc<Link>, runtime: &Handle, size: u64, piece: u64) -> Self {
        let (link, runtime) = (link.clone(), runtime.clone());
        Remote { link, runtime, size, piece, at: 0, block: (0, Vec::new()) }
    }
}

impl Read for Remote {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.at >= self.size || into.is_empty() {
            return Ok(0);
        }
        let (start, bytes) = &self.block;
        if self.at < *start || self.at >= start + bytes.len() as u64 {
            let end = self.size.min(self.at + self.piece);
            let range = format!("bytes={}-{}", self.at, end - 1);
            // The old piece goes first: two would be twice the memory.
            self.block = (0, Vec::new());
            let asked = self.link.bytes(&range, Some(self.at));
            let (found, bytes) = self.runtime.block_on(asked).map_err(io::Error::other)?;
            if bytes.is_empty() || found.total != self.size {
                return Err(io::Error::other(damaged("the archive has changed while it was read")));
            }
            self.block = (found.starts, bytes);
        }
        let (start, bytes) = &self.block;
        let from = usize::try_from(self.at - start).map_err(io::Error::other)?;
        let some = &bytes[from..];
        let read = some.len().min(into.len());
        into[..read].copy_from_slice(&some[..read]);
        self.at += read as u64;
        Ok(read)
    }
}

impl Seek for Remote {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(by) => self.size.checked_add_signed(by),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
        };
        self.at =
            at.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "a seek before the beginning"))?;
        Ok(self.at)
    }
}
