//! One file from the first question to its name: gone on with after every break, begun anew where it has changed.

use std::time::Duration;

use bytes::Bytes;
use reqwest::header::{ACCEPT_ENCODING, IF_RANGE, RANGE};

use super::answer::{self, Answer};
use super::digest::{Digest, Hashes};
use super::feed::Feed;
use super::fetch::until;
use super::land::Name;
use super::part::{Of, Part};
use super::progress::Gauge;
use super::shelf::free_space;
use super::{Files, Held, Wanted, off};
use crate::http::{HeaderValue, Http, Opened, Request, Url, shown};
use crate::{Error, FileLine, Kind, Result};

/// How often in a row a body may break off that brings less than [`WORTH`], and the pause behind a break; it doubles.
const MOST_BREAKS: u32 = 5;
const WORTH: u64 = 64 << 10;
const PAUSE: Duration = Duration::from_millis(50);
/// How often a file may change, or turn out not to be one whole, while it comes.
const MOST_CHANGES: u32 = 5;
/// How often in a row the place that a redirect names may refuse: a signed address may have aged.
const MOST_REFUSALS: u32 = 3;

/// Works on a part on a thread that may block.
async fn with<T: Send + 'static>(
    mut part: Part,
    work: impl FnOnce(&mut Part) -> T + Send + 'static,
) -> (Part, T) {
    off(move || {
        let done = work(&mut part);
        (part, done)
    })
    .await
}

/// What came of one answer.
enum Came {
    /// The last byte is here.
    Whole,
    /// It turned out to be here, or moved on, already.
    Found(FileLine),
    /// It is asked for again, in a moment.
    Again,
    /// What there is is of another whole than what is to come.
    Changed,
    /// It is not what was wanted, and will not be.
    Wrong(Error),
}

/// How a download ended well.
pub(super) enum Brought {
    /// It was here, or moved on, already.
    Found(FileLine),
    /// All of it is here, verified, and has no name yet.
    Whole(Box<Part>),
}

pub(super) struct Download<'a> {
    files: &'a Files,
    http: &'a Http,
    wanted: &'a Wanted,
    pub(super) name: Name,
    gauge: Gauge,
    /// What is worked out of the bytes, beside what they are compared with.
    pub(super) hashes: Hashes,
    held: Option<[Option<Held>; 2]>,
    /// Whether what an answer told was compared with what is here.
    pub(super) looked: bool,
    /// Whether the service told of more bytes than are taken.
    pub(super) too_large: bool,
    /// Where the last answer came from.
    pub(super) url: Option<Url>,
}

impl<'a> Download<'a> {
    pub(super) fn new(files: &'a Files, http: &'a Http, wanted: &'a Wanted, name: Name) -> Self {
        let gauge = files.shared.meter.begin();
        let (hashes, held, looked, too_large, url) = (Hashes::NAMED, None, false, false, None);
        Download { files, http, wanted, name, gauge, hashes, held, looked, too_large, url }
    }

    pub(super) async fn bring(&mut self) -> Result<Brought> {
        if let Some(size) = self.wanted.size {
            self.held = Some(until(self.http.stop(), self.files.room(size)).await??);
        }
        let mut part = self.part().await?;
        let (mut breaks, mut changes, mut refusals) = (0, 0, 0);
        // What came of the whole that is coming now: to come so far again is no progress.
        let mut furthest = part.size();
        loop {
            let of = part.of().cloned();
            let (back, came) = self.once(part).await;
            part = back;
            let changed = matches!((&of, part.of()), (Some(of), Some(now)) if of.differs(now));
            if changed || matches!(came, Ok(Came::Changed)) {
                changes += 1;
                furthest = 0;
            }
            let worth = part.size() >= furthest + WORTH;
            furthest = furthest.max(part.size());
            let error = match came {
                Ok(Came::Found(line)) => return Ok(Brought::Found(line)),
                Ok(Came::Wrong(error)) => return self.wrong(part, error).await,
                Ok(Came::Again) => continue,
                Ok(Came::Whole) => {
                    let (size, digests) = (self.wanted.size, self.wanted.digests.clone());
                    let (back, checked) = with(part, move |part| part.check(size, &digests)).await;
                    part = back;
                    match checked {
                        Ok(()) => return Ok(Brought::Whole(Box::new(part))),
                        // What was there before may have been of another whole: once more from the beginning.
                        Err(error)
                            if error.kind() == Kind::Shape && part.joined && changes < MOST_CHANGES =>
                        {
                            tracing::debug!(%error, "what there is does not fit together, starting over");
                            changes += 1;
                            part = self.restart(part).await?;
                            furthest = 0;
                        }
                        Err(error) if error.kind() == Kind::Shape => return self.wrong(part, error).await,
                        Err(error) => return Err(error),
                    }
                    continue;
                }
                Ok(Came::Changed) if changes <= MOST_CHANGES => {
                    part = self.restart(part).await?;
                    continue;
                }
                Ok(Came::Changed) => {
                    let what = "the file changes again and again, or cannot be gone on with";
                    return Err(self.error(Kind::Transient, what));
                }
                Err(error) => error,
            };
            if worth {
                (breaks, refusals) = (0, 0);
            }
            // What the door has tried again and again is not tried again here.
            let wait = if error.kind() == Kind::Transient
                && error.tries() == 0
                && breaks < MOST_BREAKS
                && changes <= MOST_CHANGES
            {
                breaks += 1;
                breaks
            } else if self.aged(&error) && refusals < MOST_REFUSALS {
                refusals += 1;
                refusals
            } else {
                let tries = error.tries().max(breaks.max(refusals) + 1);
                if part.size() == 0 {
                    // Nothing has come that a later run could go on with.
                    let _ = off(move || part.remove()).await;
                }
                return Err(error.after(tries));
            };
            tracing::debug!(%error, bytes = part.size(), "the download broke off, going on");
            let pause = PAUSE * (1 << (wait - 1));
            until(self.http.stop(), tokio::time::sleep(pause)).await?;
        }
    }

    async fn part(&self) -> Result<Part> {
        let (disk, whole) = (self.files.disk.clone(), self.files.root.join(&self.name.path));
        let (version, digests) = (self.wanted.version.clone(), self.wanted.digests.clone());
        let bound = digests.iter().any(Digest::binds);
        let hashes = self.hashes.and(&digests);
        off(move || Part::open(&disk, &whole, version.as_deref(), bound, hashes)).await
    }

    async fn restart(&self, part: Part) -> Result<Part> {
        let (part, done) = with(part, |part| part.restart(None)).await;
        done.map(|()| part)
    }

    /// Only what is wrong is thrown away; a refusal or a full disk leaves what there is for the next run.
    async fn wrong(&self, part: Part, error: Error) -> Result<Brought> {
        off(move || part.remove()).await?;
        Err(error)
    }

    pub(super) fn error(&self, kind: Kind, what: &str) -> Error {
        Error::new(kind, what).at(shown(&self.wanted.request.url))
    }

    /// Whether a place refused to which the first address had led: a new answer of that one may name a better.
    fn aged(&self, error: &Error) -> bool {
        let place = Url::parse(error.place()).ok();
        matches!(error.status(), Some(400 | 403))
            && place.is_some_and(|place| place.origin() != self.wanted.request.url.origin())
    }

    /// Asks once, and takes what comes.
    async fn once(&mut self, part: Part) -> (Part, Result<Came>) {
        let size = part.size();
        if size > 0 && !part.goes_on() {
            return (part, Ok(Came::Changed));
        }
        let total = part.of().and_then(|of| of.total).or(self.wanted.size);
        let provable = !self.wanted.digests.is_empty() || part.of().is_some_and(|of| !of.digests.is_empty());
        if size > 0 && total == Some(size) && provable {
            return (part, Ok(Came::Whole));
        }
        if total.is_some_and(|total| size > total) {
            return (part, Ok(Came::Changed));
        }
        // Of a part that has all bytes the last is asked for: the answer tells whether they are still the same.
        let from = if total == Some(size) { size.saturating_sub(1) } else { size };
        let request = self.request(from, part.of());
        let opened = match until(self.http.stop(), self.http.open(&request)).await {
            Ok(Ok(opened)) => opened,
            Ok(Err(error)) if error.status() == Some(416) && size > 0 => {
                let came = if provable { Came::Whole } else { Came::Changed };
                return (part, Ok(came));
            }
            Ok(Err(error)) | Err(error) => return (part, Err(error)),
        };
        let Some(Answer { mut of, starts }) = Answer::read(&opened.response, from) else {
            let what = "the answer does not bring what was asked for";
            let unasked = if from > 0 { Came::Changed } else { Came::Wrong(self.error(Kind::Shape, what)) };
            return (part, Ok(unasked));
        };
        self.url = Some(opened.response.url.clone());
        of.version.clone_from(&self.wanted.version);
        if starts > 0 && part.of().is_some_and(|before| before.differs(&of)) {
            return (part, Ok(Came::Changed));
        }
        match self.admit(&opened, &of, size.min(starts)).await {
            Ok(None) => {}
            Ok(Some(Came::Again)) => {
                // Waiting for room is no business of the service.
                drop(opened);
                let bytes = of.total.unwrap_or(0);
                return match until(self.http.stop(), self.files.room(bytes)).await {
                    Ok(Ok(held)) => {
                        self.held = Some(held);
                        (part, Ok(Came::Again))
                    }
                    Ok(Err(error)) | Err(error) => (part, Err(error)),
                };
            }
            other => return (part, other.map(|came| came.unwrap_or(Came::Again))),
        }
        self.gauge.is_at(if starts > 0 { size } else { 0 }, of.total);
        let whole = of.total;
        let (part, ready) = with(part, move |part| part.begin(of, starts)).await;
        if let Err(error) = ready {
            return (part, Err(error));
        }
        self.body(opened, part, (size - starts.min(size)).min(starts), whole).await
    }

    fn request(&self, from: u64, of: Option<&Of>) -> Request {
        let mut request = self.wanted.request.clone();
        request.headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        if from > 0 {
            let range = format!("bytes={from}-");
            request.headers.insert(RANGE, HeaderValue::from_str(&range).expect("digits are a header value"));
            let validator = of.and_then(Of::validator).and_then(|text| HeaderValue::from_str(text).ok());
            if let Some(validator) = validator {
                request.headers.insert(IF_RANGE, validator);
            }
        }
        request
    }

    /// What an answer's headers alone decide; `Again` if there is no room for it yet.
    async fn admit(&mut self, opened: &Opened, of: &Of, have: u64) -> Result<Option<Came>> {
        let (wanted, binds) = (self.wanted, self.wanted.digests.iter().any(Digest::binds));
        self.too_large = of.total.is_some_and(|total| total > wanted.most);
        let wrong = |what: String| Ok(Some(Came::Wrong(self.error(Kind::Shape, &what))));
        if let Err(error) = answer::check(&opened.response, &wanted.name, binds || !of.digests.is_empty()) {
            return Ok(Some(Came::Wrong(error)));
        }
        if let Some(total) = of.total {
            if total > wanted.most {
                return wrong(format!("the file has {total} bytes, {} are taken at most", wanted.most));
            }
            if let Some(size) = wanted.size.filter(|size| *size != total) {
                return wrong(format!("the file has {total} bytes, {size} were expected"));
            }
        }
        if !binds && !std::mem::replace(&mut self.looked, true) {
            let version = wanted.version.as_deref();
            if let Some(line) = self.files.proven(&self.name, version, of.total, &of.digests).await? {
                return Ok(Some(Came::Found(line)));
            }
        }
        if self.held.is_none() {
            let room = self.files.room(of.total.unwrap_or(0));
            futures::pin_mut!(room);
            match futures::poll!(room) {
                std::task::Poll::Ready(held) => self.held = Some(held?),
                std::task::Poll::Pending => return Ok(Some(Came::Again)),
            }
        }
        let needed = of.total.map_or(0, |total| total.saturating_sub(have));
        if let Some(free) = free_space(&self.files.root).filter(|free| *free < needed) {
            let what = format!("the disk has {free} bytes left, the file needs {needed}");
            return Err(Error::new(Kind::Storage, what).at(self.files.root.display().to_string()));
        }
        Ok(None)
    }

    /// Takes the bytes of an answer, but for the first `skip`, which are here.
    async fn body(
        &mut self,
        mut opened: Opened,
        part: Part,
        mut skip: u64,
        total: Option<u64>,
    ) -> (Part, Result<Came>) {
        let most = total.unwrap_or(u64::MAX).min(self.wanted.most).min(self.wanted.size.unwrap_or(u64::MAX));
        let mut size = part.size();
        let mut feed = Feed::new(part);
        let ended = loop {
            let mut chunk: Bytes = match until(self.http.stop(), opened.chunk()).await {
                Ok(Ok(Some(chunk))) => chunk,
                Ok(Ok(None)) => break Ok(Came::Whole),
                Ok(Err(error)) | Err(error) => break Err(error),
            };
            self.gauge.received(chunk.len() as u64);
            let here = usize::try_from(skip).unwrap_or(usize::MAX).min(chunk.len());
            skip -= here as u64;
            let chunk = chunk.split_off(here);
            size += chunk.len() as u64;
            if size > most {
                let what = format!("the file is larger than the {most} bytes that were expected");
                break Ok(Came::Wrong(self.error(Kind::Shape, &what)));
            }
            if !feed.give(chunk).await {
                break Ok(Came::Whole);
            }
        };
        drop(opened);
        let (part, fed) = feed.end().await;
        let came = fed.and(ended).and_then(|came| match came {
            Came::Whole if total.is_some_and(|total| part.size() < total) => {
                Err(self.error(Kind::Transient, "the body broke off"))
            }
            came => Ok(came),
        });
        (part, came)
    }
}
