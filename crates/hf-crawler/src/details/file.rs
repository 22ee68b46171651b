//! Files of a repository, never more of one than was asked for.

use std::time::Duration;

use crawl_core::http::{HeaderMap, HeaderValue, Opened, Response, Url};
use crawl_core::{Error, Kind, Result, shown};

use crate::Hub;
use crate::hub::is_no_file;

/// How often a body that breaks is asked for, and the pause behind the first failure; it doubles.
const TRIES: u32 = 5;
const PAUSE: Duration = Duration::from_millis(200);

/// A part of a file.
#[derive(Debug)]
pub(super) struct Piece {
    /// The bytes, no more than were asked for; a server may give fewer at once.
    pub(super) bytes: Vec<u8>,
    /// The size of the whole file, where it was told.
    pub(super) total: Option<u64>,
}

impl Hub {
    /// A whole file of `most` bytes at most; `None` if the repository has no such file. Of a larger one, one byte more
    /// than `most` comes and no further one.
    pub(super) async fn small(&self, url: &Url, most: u64) -> Result<Option<Vec<u8>>> {
        match self.piece(url, 0, most + 1, false).await {
            Ok(piece) => Ok(Some(piece.bytes)),
            Err(error) if is_no_file(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The bytes of a file from `from` on, `count` of them or as many as there are. A server that sends the whole file
    /// instead is left when they are there.
    pub(super) async fn piece(&self, url: &Url, from: u64, count: u64, by_range: bool) -> Result<Piece> {
        let mut tries = 1;
        loop {
            match self.once(url, from, count, by_range).await {
                Err(error)
                    if error.kind() == Kind::Transient && error.status().is_none() && tries < TRIES =>
                {
                    tokio::time::sleep(PAUSE * 2_u32.pow(tries - 1)).await;
                    tries += 1;
                }
                result => return result,
            }
        }
    }

    async fn once(&self, url: &Url, from: u64, count: u64, by_range: bool) -> Result<Piece> {
        let mut headers = HeaderMap::new();
        if by_range {
            let range = HeaderValue::try_from(format!("bytes={from}-{}", from + count.max(1) - 1));
            let odd = |cause| Error::new(Kind::Config, "a range is not a header").because(cause);
            headers.insert("range", range.map_err(odd)?);
        }
        let mut opened = match self.open(url.clone(), headers).await {
            // The file ends before the range begins.
            Err(error) if error.status() == Some(416) => return Ok(Piece { bytes: Vec::new(), total: None }),
            opened => opened?,
        };
        let (begins, ends, total) = match opened.response.status {
            206 => ranged(&opened.response)?,
            _ => (0, length(&opened.response), length(&opened.response)),
        };
        let Some(skip) = from.checked_sub(begins) else {
            return Err(wrong(&opened.response, "the server gives another part of the file"));
        };
        let bytes = read(&mut opened, skip, count).await?;
        let expected = ends.map_or(0, |ends| count.min(ends.saturating_sub(from)));
        if (bytes.len() as u64) < expected {
            let what = "a part of the file is shorter than the answer says";
            return Err(Error::new(Kind::Transient, what).at(shown(&opened.response.url)));
        }
        Ok(Piece { bytes, total })
    }
}

/// So many bytes behind those that are skipped; what follows is not waited for.
async fn read(opened: &mut Opened, mut skip: u64, count: u64) -> Result<Vec<u8>> {
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    let mut bytes = Vec::new();
    while bytes.len() < count
        && let Some(chunk) = opened.chunk().await?
    {
        let over = usize::try_from(skip).map_or(chunk.len(), |skip| skip.min(chunk.len()));
        skip -= over as u64;
        let some = &chunk[over..];
        bytes.extend_from_slice(&some[..some.len().min(count - bytes.len())]);
    }
    Ok(bytes)
}

/// Where the part begins and ends, and the size of the whole.
fn ranged(response: &Response) -> Result<(u64, Option<u64>, Option<u64>)> {
    let text = response.headers.get("content-range").and_then(|value| value.to_str().ok());
    let range = text.and_then(|text| {
        let (range, total) = text.trim().strip_prefix("bytes ")?.split_once('/')?;
        let (first, last) = range.split_once('-')?;
        let last: Option<u64> = last.trim().parse().ok();
        Some((
            first.trim().parse().ok()?,
            last.and_then(|last| last.checked_add(1)),
            total.trim().parse().ok(),
        ))
    });
    range.ok_or_else(|| wrong(response, "the server does not tell which part of the file it gives"))
}

fn length(response: &Response) -> Option<u64> {
    response.headers.get("content-length")?.to_str().ok()?.parse().ok()
}

fn wrong(response: &Response, what: &str) -> Error {
    Error::new(Kind::Shape, what).at(shown(&response.url))
}
