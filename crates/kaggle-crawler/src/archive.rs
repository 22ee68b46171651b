//! Archives on their way: fetched to a place aside, unpacked, removed; what is too large for that is read where it lies.
//!
//! An archive that is fetched aside survives the death of the program, as far as it has come: the next run goes on with
//! it. It goes when all of it is unpacked. What was unpacked of one before the program died counts for nothing: it is
//! unpacked again, and finds the files that are whole.

use std::collections::HashSet;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use crawl_core::files::{Aside, Wanted};
use crawl_core::http::{Http, Request, shown};
use crawl_core::{Error, FileLine, Kind, Result, Stop};
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::unpack::{Target, Unpacked, is_zip, unpack, unpack_remote_whole, unpack_single, was_zipped};

/// So many archives are on their way, or unpacked, at once, where no budget says less.
const AT_ONCE: usize = 8;
/// A zip of one file is larger than the file by so much at most, and by a hundredth of it.
const SLACK: u64 = 1 << 20;

/// How archives are brought: up to which size they lie on the disk while they are unpacked, and how many at once.
#[derive(Clone, Debug)]
pub struct Archives {
    most: u64,
    turns: Arc<Semaphore>,
}

impl Default for Archives {
    fn default() -> Self {
        Archives { most: u64::MAX, turns: Arc::new(Semaphore::new(AT_ONCE)) }
    }
}

/// An archive that is wanted.
pub(crate) struct Archive {
    pub(crate) request: Request,
    /// Its name below the root, which it has only while it comes.
    pub(crate) name: String,
    pub(crate) version: Option<String>,
    /// Whether it can be read where it lies: a zip can, a tar.gz cannot.
    pub(crate) by_range: bool,
}

impl Archives {
    /// One at a time, and each of so many bytes at most.
    pub fn within(bytes: u64) -> Self {
        Archives { most: bytes, turns: Arc::new(Semaphore::new(1)) }
    }

    /// Brings all that is in an archive into `target`; `None` if it is too large, and cannot be read where it lies.
    pub(crate) async fn bring(
        &self,
        http: &Http,
        archive: &Archive,
        target: &Target,
    ) -> Result<Option<Unpacked>> {
        let _turn = self.turn(&target.stop).await?;
        let named = |error: Error| match error.kind() {
            // Nobody has the archive that lies here; what matters is whose it is.
            Kind::Shape => error.at(shown(&archive.request.url)),
            _ => error,
        };
        let wanted = Wanted {
            version: archive.version.clone(),
            most: self.most,
            ..Wanted::new(archive.request.clone(), &archive.name)
        };
        let Some(aside) = target.files.fetch_aside(http, &wanted).await.map_err(named)? else {
            return match archive.by_range {
                true => unpack_remote_whole(http, &archive.request, target).await.map_err(named).map(Some),
                false => Ok(None),
            };
        };
        let unpacked = unpack(aside.path(), target).await;
        done(aside, unpacked).await.map_err(named).map(Some)
    }

    /// Brings the file `name` that is `wanted`, if the service sends a zip of it, which it makes on its own account;
    /// `None` if it sends something else.
    pub(crate) async fn single(
        &self,
        http: &Http,
        wanted: &Wanted,
        name: &str,
        target: &Target,
    ) -> Result<Option<FileLine>> {
        let _turn = self.turn(&target.stop).await?;
        let size = wanted.size;
        let zipped = size.map_or(u64::MAX, |size| size.saturating_add(size / 100).saturating_add(SLACK));
        let most = wanted.most.min(self.most).min(zipped);
        let (above, folder) = target.folder.rsplit_once('/').unwrap_or_default();
        let aside = format!("{above}/=archive.{folder}={}", name.replace('/', "="));
        let wanted = Wanted { size: None, most, name: aside, ..wanted.clone() };
        let Some(aside) = target.files.fetch_aside(http, &wanted).await? else { return Ok(None) };
        let start = start(aside.path()).await?;
        let is_zipped = match aside.url() {
            Some(url) => was_zipped(name, url.path(), &start),
            // It was here as a whole already; nothing tells where it came from but its size.
            None => is_zip(&start) && size.is_some_and(|size| size != aside.size()),
        };
        if !is_zipped {
            return aside.remove().await.map(|()| None);
        }
        let unpacked = unpack_single(aside.path(), name, target).await;
        let line = done(aside, unpacked).await?;
        Ok(Some(line).filter(|line| size.is_none_or(|size| size == line.size)))
    }

    async fn turn(&self, stop: &Stop) -> Result<SemaphorePermit<'_>> {
        let stopped = || Error::new(Kind::Stopped, "stopped before an archive was asked for");
        tokio::select! {
            biased;
            () = stop.cancelled() => Err(stopped()),
            turn = self.turns.acquire() => turn.map_err(|_| stopped()),
        }
    }
}

/// Removes an archive that is unpacked, or is none; after any other error it stays for the next run.
async fn done<T>(aside: Aside, unpacked: Result<T>) -> Result<T> {
    if unpacked.as_ref().err().is_none_or(|error| matches!(error.kind(), Kind::Shape | Kind::Denied)) {
        aside.remove().await?;
    }
    unpacked
}

async fn start(path: &Path) -> Result<Vec<u8>> {
    let path = path.to_owned();
    let read = move || {
        let mut start = Vec::new();
        std::fs::File::open(&path)
            .and_then(|file| file.take(4).read_to_end(&mut start))
            .map_err(|cause| Error::io("cannot read", &path, cause))?;
        Ok(start)
    };
    crate::off(read).await
}

/// The names below `folder` of these files, as the service spells them.
pub(crate) fn landed(lines: &[FileLine], folder: &str) -> HashSet<String> {
    let below = |line: &FileLine| Some(line.plain_name().strip_prefix(folder)?.strip_prefix('/')?.to_owned());
    lines.iter().filter_map(below).collect()
}
