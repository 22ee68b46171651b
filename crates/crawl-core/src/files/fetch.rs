//! Files by name: each is asked for once at a time, and not if it is here; one is brought aside, without a name.

use super::aside::Aside;
use super::digest::{Hashes, Sums};
use super::download::{Brought, Download};
use super::flights::Wish;
use super::{Files, Wanted};
use crate::http::Http;
use crate::{Error, FileLine, Kind, Result, Stop};

pub(super) async fn fetch(files: &Files, http: &Http, wanted: &Wanted) -> Result<FileLine> {
    let name = files.name(&wanted.name).await?;
    let wish = Wish::new(&wanted.request, wanted.version.as_deref());
    let flight = until(http.stop(), files.shared.flights.enter(&name.path)).await?;
    if let Some(line) = flight.landed(&wish) {
        return Ok(line);
    }
    let version = wanted.version.as_deref();
    let line = match files.proven(&name, version, wanted.size, &wanted.digests).await? {
        Some(line) => line,
        None => {
            let mut download = Download::new(files, http, wanted, name);
            match download.bring().await? {
                Brought::Found(line) => line,
                Brought::Whole(part) => {
                    let (path, sums) = part.done();
                    files.land(&download.name, version, path, sums.size, sums.sha256()).await?
                }
            }
        }
    };
    flight.land(wish, line.clone());
    Ok(line)
}

/// Brings the file, which gets no name; `None` if the service tells of more bytes than are taken.
pub(super) async fn fetch_aside(files: &Files, http: &Http, wanted: &Wanted) -> Result<Option<Aside>> {
    let name = files.name(&wanted.name).await?;
    let flight = until(http.stop(), files.shared.flights.enter(&name.path)).await?;
    let mut download = Download::new(files, http, wanted, name.clone());
    // What lies under its name is another matter.
    download.looked = true;
    // Nobody asks for its SHA-256.
    download.hashes = Hashes::default();
    let part = match download.bring().await {
        Ok(Brought::Whole(part)) => part,
        Ok(Brought::Found(_)) => {
            return Err(download.error(Kind::Storage, "it was found where nobody looked"));
        }
        Err(_) if download.too_large => return Ok(None),
        Err(error) => return Err(error),
    };
    let (path, Sums { size, .. }) = part.done();
    let (files, url) = (files.clone(), download.url.take());
    Ok(Some(Aside { files, name, path, size, url, _flight: flight }))
}

/// Waits, but not longer than until the user asks to stop.
pub(super) async fn until<T>(stop: &Stop, work: impl Future<Output = T>) -> Result<T> {
    tokio::select! {
        biased;
        () = stop.cancelled() => Err(stopped()),
        done = work => Ok(done),
    }
}

fn stopped() -> Error {
    Error::new(Kind::Stopped, "stopped before the file was whole; what has come of it stays")
}
