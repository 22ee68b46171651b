//! Files that pages name: fetched or made, verified, durable under a name that is theirs before a page names them.
//!
//! A file keeps its plain name. What is there under it is never replaced: other bytes go to `NAME@` and twelve digits
//! of their version or SHA-256. The first folder of a name is a folder of files: a file `.files` in it says so, and
//! no walk over listings enters it.

#[cfg(feature = "http")]
mod answer;
#[cfg(feature = "http")]
mod aside;
mod digest;
#[cfg(feature = "http")]
mod download;
#[cfg(feature = "http")]
mod feed;
#[cfg(feature = "http")]
mod fetch;
mod flights;
mod keeper;
mod land;
mod making;
mod names;
mod part;
mod progress;
mod scratch;
mod shelf;
#[cfg(feature = "http")]
mod told;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;

#[cfg(feature = "http")]
pub use self::aside::Aside;
pub use self::digest::Digest;
pub use self::keeper::{Budget, Held, Keeper, Kept};
pub use self::making::Making;
pub(crate) use self::names::MARK;
pub use self::names::{encode, place, plain_name};
pub use self::progress::Progress;
pub use self::scratch::Scratch;
#[cfg(feature = "http")]
use crate::http::{Http, Request};
use crate::{Disk, FileLine, Result};

/// A file that is wanted, and what is known of it beforehand. What is known is checked.
#[cfg(feature = "http")]
#[derive(Clone, Debug)]
pub struct Wanted {
    /// What to ask for.
    pub request: Request,
    /// Its name below the root as the service spells it, `/` between parts; the first is the folder of files.
    pub name: String,
    /// The service's word for its version: the same word, the same bytes.
    pub version: Option<String>,
    /// The size in bytes.
    pub size: Option<u64>,
    /// Digests; all of them must be right.
    pub digests: Vec<Digest>,
    /// More bytes than this are not taken.
    pub most: u64,
}

#[cfg(feature = "http")]
impl Wanted {
    /// The file behind `request`, of which nothing else is known.
    pub fn new(request: Request, name: impl Into<String>) -> Self {
        Wanted { request, name: name.into(), version: None, size: None, digests: Vec::new(), most: u64::MAX }
    }
}

/// The files below a root. Given by a sink; cheap to clone, and clones share what is under way.
#[derive(Clone)]
pub struct Files {
    root: PathBuf,
    disk: Disk,
    budget: Option<Budget>,
    keeper: Option<Keeper>,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    shelf: shelf::Shelf,
    flights: flights::Flights,
    workroom: scratch::Workroom,
    meter: progress::Meter,
}

impl std::fmt::Debug for Files {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Files").field("root", &self.root).finish_non_exhaustive()
    }
}

impl Files {
    /// The files below `root`. Nothing is touched before the first file.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        let (disk, budget, keeper, shared) = (Disk::default(), None, None, Arc::default());
        Files { root: root.into(), disk, budget, keeper, shared }
    }

    /// With a disk of a test.
    pub fn with_disk(self, disk: Disk) -> Self {
        Files { disk, ..self }
    }

    /// With so many bytes of files under way at once: from before a file is asked for until it is done, and moved on
    /// where there is a keeper. One that is larger goes alone.
    pub fn with_budget(self, bytes: u64) -> Self {
        Files { budget: Some(Budget::new(bytes)), ..self }
    }

    /// With somebody who moves files on when they are done.
    pub fn with_keeper(self, keeper: Keeper) -> Self {
        Files { keeper: Some(keeper), ..self }
    }

    /// The root.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// How far files are that are on their way.
    pub fn progress(&self) -> Progress {
        self.shared.meter.progress()
    }

    /// Brings the file that is wanted: it is durable, or moved on, when this comes back. It is not asked for if it is
    /// here or was moved on and a digest proves it; what there is of it from an earlier try is gone on with. Who asks for
    /// the same file meanwhile shares it; later, or where it was refused, it is asked for again.
    ///
    /// # Errors
    /// Those of [`encode`] and [`Http::open`]; [`Kind::Shape`](crate::Kind::Shape) if what comes is not what was
    /// wanted, and then nothing of it stays; [`Kind::Stopped`](crate::Kind::Stopped) if the user asked to stop: what
    /// has come stays for the next run, as after every other error.
    #[cfg(feature = "http")]
    pub async fn fetch(&self, http: &Http, wanted: &Wanted) -> Result<FileLine> {
        // Boxed: what a crawler makes of it would be too deep for the compiler.
        let line = Box::pin(fetch::fetch(self, http, wanted)).await?;
        self.shared.meter.done();
        Ok(line)
    }

    /// Brings a file that is to be taken apart, as [`Files::fetch`] does, but for its name, which it does not get: it is
    /// not moved on, and no page can name it. `None` if the service tells of more than `wanted.most` bytes.
    ///
    /// # Errors
    /// Those of [`Files::fetch`].
    #[cfg(feature = "http")]
    pub async fn fetch_aside(&self, http: &Http, wanted: &Wanted) -> Result<Option<Aside>> {
        Box::pin(fetch::fetch_aside(self, http, wanted)).await
    }

    /// Puts bytes that were made.
    ///
    /// # Errors
    /// Those of [`encode`] and of the disk.
    pub async fn put(&self, name: &str, version: Option<&str>, bytes: Bytes) -> Result<FileLine> {
        let mut making = self.create(name, version, bytes.len() as u64).await?;
        let making = off(move || making.take(&bytes).map(|()| making)).await?;
        making.finish().await
    }

    /// A writer for a file of `most` bytes at most that is made or unpacked: of as many as are told of it, for so
    /// many are asked of the disk budget. It blocks: write on a thread that may. If it is dropped without
    /// [`Making::finish`], nothing stays.
    ///
    /// # Errors
    /// Those of [`encode`] and of the disk.
    pub async fn create(&self, name: &str, version: Option<&str>, most: u64) -> Result<Making> {
        making::create(self, name, version, most).await
    }

    /// A folder for work on the same file system, gone when it is dropped; what a dead process has left is removed at
    /// the next start. Blocks for a moment.
    ///
    /// # Errors
    /// Those of the disk.
    pub fn scratch(&self) -> Result<Scratch> {
        self.shared.workroom.scratch(&self.root, &self.disk)
    }

    /// Room for so many bytes, for as long as what comes back is held.
    async fn room(&self, bytes: u64) -> Result<[Option<Held>; 2]> {
        let budget = match &self.budget {
            Some(budget) => Some(budget.room(bytes).await),
            None => None,
        };
        let keeper = match &self.keeper {
            Some(keeper) => Some((keeper.room)(bytes).await?),
            None => None,
        };
        Ok([budget, keeper])
    }

    /// Moves a file on that is durable here.
    async fn moved(&self, line: FileLine) -> Result<FileLine> {
        if let Some(keeper) = &self.keeper {
            (keeper.take)(line.clone()).await?;
        }
        Ok(line)
    }
}

/// Runs what blocks on a thread that may.
async fn off<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    joined(tokio::task::spawn_blocking(work).await)
}

/// What a thread gave; its panic goes on here.
fn joined<T>(result: std::result::Result<T, tokio::task::JoinError>) -> T {
    match result {
        Ok(value) => value,
        Err(error) => std::panic::resume_unwind(match error.try_into_panic() {
            Ok(panic) => panic,
            Err(error) => Box::new(error),
        }),
    }
}
