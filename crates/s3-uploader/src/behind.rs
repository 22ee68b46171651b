//! Behind a crawl: committed pages and the files they name go to the bucket while the next page is fetched.
//!
//! The order is: the files of a page, the page, and at last the bucket's own manifest and checkpoint. So whoever
//! reads the bucket as a store sees only whole pages. The local manifest and checkpoint stay: a rerun fetches
//! nothing again that is in the bucket.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use crawl_core::{Checkpoint, Error, Kind, Page, Result, Sink, SourceId, Store, Stored};
use tokio::sync::Notify;

use crate::{Job, Local};

/// Which files a page names: they lie below the store's root. Gets the listing and the page's number.
pub type Names = Arc<dyn Fn(&Stored, u64) -> Result<Vec<PathBuf>> + Send + Sync>;

/// A store whose committed pages move on to a bucket. A [`Sink`]: give it to the pump in the store's place, and
/// poll [`Behind::run`] beside it.
pub struct Behind {
    store: Store,
    job: Job,
    names: Names,
    budget: Option<u64>,
    state: Mutex<State>,
    changed: Notify,
    room: Notify,
}

#[derive(Default)]
struct State {
    /// Bytes on the disk that are not in the bucket yet, by page.
    waiting: BTreeMap<u64, u64>,
    crawl_ended: bool,
    failed: bool,
}

impl std::fmt::Debug for Behind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Behind").field("store", &self.store).field("job", &self.job).finish_non_exhaustive()
    }
}

impl Behind {
    /// Moves the pages of `store` with `job`, whose plan should delete. With a `budget` the crawl is held back
    /// while more bytes than that wait for the bucket.
    pub fn new(store: Store, job: Job, names: Names, budget: Option<u64>) -> Self {
        let (state, changed, room) = (Mutex::default(), Notify::new(), Notify::new());
        Behind { store, job, names, budget, state, changed, room }
    }

    /// How many bytes wait on the disk.
    pub fn waiting(&self) -> u64 {
        self.state().waiting.values().sum()
    }

    /// Tells [`Behind::run`] that no further page will come.
    pub fn end(&self) {
        self.state().crawl_ended = true;
        self.changed.notify_one();
    }

    /// Moves pages as they are committed, until [`Behind::end`] was called and all are in the bucket. Gives the
    /// number of pages there.
    ///
    /// # Errors
    /// Those of sending and proving; the crawl's next write then fails too. Nothing is lost: run again.
    pub async fn run(&self, id: &SourceId) -> Result<u64> {
        let result = self.follow(id).await;
        if result.is_err() {
            self.state().failed = true;
            self.room.notify_waiters();
        }
        result
    }

    async fn follow(&self, id: &SourceId) -> Result<u64> {
        self.job.begin().await?;
        let mut there = self.in_bucket(id).await?.map_or(0, |checkpoint| checkpoint.pages);
        loop {
            let ended = self.state().crawl_ended;
            let more = self.move_pages(id, there).await?;
            if more > there {
                there = more;
            } else if ended {
                return Ok(there);
            } else {
                self.changed.notified().await;
            }
        }
    }

    /// Moves the committed pages after the first `there`, then the bucket's manifest and checkpoint.
    async fn move_pages(&self, id: &SourceId, there: u64) -> Result<u64> {
        let Ok(stored) = Stored::open(self.store.root(), id) else { return Ok(there) };
        let lines = stored.manifest()?;
        let pages = lines.len() as u64;
        if pages <= there {
            return Ok(there);
        }
        for line in &lines[there as usize..] {
            // Those of an earlier run are not counted yet.
            self.state().waiting.entry(line.number).or_insert(line.bytes);
        }
        for line in &lines[there as usize..] {
            for path in (self.names)(&stored, line.number)? {
                self.move_file(&path, None).await?;
            }
            if line.missing_sha256.is_some() {
                let path = stored.folder().join(format!("page_{:05}.missing.jsonl", line.number));
                self.move_file(&path, line.missing_sha256.as_deref()).await?;
            }
            let name = |suffix: &str| stored.folder().join(format!("page_{:05}.jsonl{suffix}", line.number));
            let found = ["", ".gz", ".zst"].map(name).into_iter().find(|path| path.is_file());
            match found {
                Some(path) => self.move_file(&path, Some(&line.sha256)).await?,
                None => self.was_moved(&["", ".gz", ".zst"].map(name), &line.sha256)?,
            }
            self.state().waiting.remove(&line.number);
            self.room.notify_waiters();
        }
        self.write_checkpoint(&stored).await?;
        Ok(pages)
    }

    async fn move_file(&self, path: &Path, sha256: Option<&str>) -> Result<()> {
        if !path.is_file() {
            return self.was_moved(&[path.to_owned()], sha256.unwrap_or_default());
        }
        let done = self.job.one(&Local::at(path, &self.name(path)?)?).await?;
        match sha256 {
            Some(sha256) if sha256 != done.sums.sha256 => {
                Err(Error::new(Kind::Storage, "a committed page is not what the manifest says")
                    .at(path.display().to_string())
                    .advise("it is in the bucket as it was; crawl into a new root and prefix"))
            }
            _ => Ok(()),
        }
    }

    /// A file that is not here must have gone with a receipt, before a crash.
    fn was_moved(&self, names: &[PathBuf], sha256: &str) -> Result<()> {
        for path in names {
            let sums = self.job.receipt_of(&self.name(path)?);
            if sums.is_some_and(|sums| sha256.is_empty() || sums.sha256 == sha256) {
                return Ok(());
            }
        }
        let place = names.first().map_or(String::new(), |path| path.display().to_string());
        Err(Error::new(Kind::Storage, "a committed file is neither here nor in the receipts")
            .at(place)
            .advise("name the --receipts of the run that moved it, or restore the file"))
    }

    fn name(&self, path: &Path) -> Result<String> {
        let name = path.strip_prefix(self.store.root()).ok().and_then(Path::to_str);
        name.map(str::to_owned).ok_or_else(|| {
            Error::new(Kind::Config, "this file is not below the store's root").at(path.display().to_string())
        })
    }

    async fn write_checkpoint(&self, stored: &Stored) -> Result<()> {
        let path = stored.folder().join("manifest.jsonl");
        let mut manifest =
            std::fs::read(&path).map_err(|cause| Error::io("cannot read the manifest", &path, cause))?;
        manifest.truncate(stored.checkpoint().manifest_bytes as usize);
        self.job.put(&format!("{}/manifest.jsonl", stored.id()), manifest.into()).await?;
        let mut text = serde_json::to_vec(stored.checkpoint())
            .map_err(|cause| Error::new(Kind::Storage, "cannot spell the checkpoint").because(cause))?;
        text.push(b'\n');
        self.job.put(&format!("{}/checkpoint.json", stored.id()), text.into()).await?;
        Ok(())
    }

    async fn in_bucket(&self, id: &SourceId) -> Result<Option<Checkpoint>> {
        let name = format!("{id}/checkpoint.json");
        let Some(bytes) = self.job.fetch(&name).await? else { return Ok(None) };
        serde_json::from_slice(&bytes).map(Some).map_err(|cause| {
            Error::new(Kind::Storage, "the bucket's checkpoint is not readable").at(name).because(cause)
        })
    }

    /// Goes on from whichever side is further: takes the bucket's manifest and checkpoint where this machine has
    /// fewer pages. Both sides must tell the same story as far as they both go.
    async fn catch_up(&self, id: &SourceId) -> Result<()> {
        let Some(there) = self.in_bucket(id).await? else { return Ok(()) };
        let here = self.store.checkpoint(id).await?;
        let folder = self.store.root().join(id.as_str());
        let name = format!("{id}/manifest.jsonl");
        let mut theirs = self.job.fetch(&name).await?.unwrap_or_default().to_vec();
        theirs.truncate(there.manifest_bytes as usize);
        let mut ours = std::fs::read(folder.join("manifest.jsonl")).unwrap_or_default();
        ours.truncate(here.manifest_bytes as usize);
        let both = ours.len().min(theirs.len());
        let settings = here.settings.is_none() || here.settings == there.settings;
        if !settings || ours[..both] != theirs[..both] || theirs.len() as u64 != there.manifest_bytes {
            return Err(Error::new(Kind::Config, "the bucket holds another crawl under this prefix")
                .at(id.as_str())
                .advise("use a new prefix, or the root and settings of that crawl"));
        }
        if there.pages <= here.pages {
            return Ok(());
        }
        put_file(&folder, "manifest.jsonl", &theirs)?;
        let text = serde_json::to_vec(&there)
            .map_err(|cause| Error::new(Kind::Storage, "cannot spell the checkpoint").because(cause))?;
        put_file(&folder, "checkpoint.json", &text)
    }

    /// Waits until the disk has room.
    async fn hold(&self) -> Result<()> {
        let Some(budget) = self.budget else { return self.check() };
        loop {
            let mut freed = std::pin::pin!(self.room.notified());
            // Heard from here on: what is freed between the question and the wait counts.
            freed.as_mut().enable();
            self.check()?;
            if self.waiting() <= budget {
                return Ok(());
            }
            freed.await;
        }
    }

    fn check(&self) -> Result<()> {
        if self.state().failed {
            return Err(Error::new(Kind::Storage, "the bucket does not take the pages")
                .advise("see the uploader's own error; the committed pages are safe on the disk"));
        }
        Ok(())
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Sink for Behind {
    async fn checkpoint(&self, id: &SourceId) -> Result<Checkpoint> {
        self.catch_up(id).await?;
        self.store.checkpoint(id).await
    }

    async fn write(&self, id: &SourceId, at: &Checkpoint, page: Page) -> Result<Checkpoint> {
        self.hold().await?;
        self.store.write(id, at, page).await
    }

    async fn commit(&self, id: &SourceId, to: &Checkpoint) -> Result<()> {
        self.store.commit(id, to).await?;
        if to.pages == 0 {
            return Ok(());
        }
        let stored = Stored::open(self.store.root(), id)?;
        let files = (self.names)(&stored, to.pages)?;
        let size = |path: &PathBuf| path.metadata().map_or(0, |meta| meta.len());
        let name = |suffix: &str| stored.folder().join(format!("page_{:05}.jsonl{suffix}", to.pages));
        let bytes =
            files.iter().map(size).sum::<u64>() + ["", ".gz", ".zst"].map(name).iter().map(size).sum::<u64>();
        self.state().waiting.insert(to.pages, bytes);
        self.changed.notify_one();
        Ok(())
    }
}

/// Puts a file in place whole or not at all.
fn put_file(folder: &Path, name: &str, bytes: &[u8]) -> Result<()> {
    let (path, staged) = (folder.join(name), folder.join(format!("{name}.part")));
    let write = || {
        std::fs::create_dir_all(folder)?;
        let mut file = std::fs::File::create(&staged)?;
        std::io::Write::write_all(&mut file, bytes)?;
        file.sync_all()?;
        std::fs::rename(&staged, &path)?;
        std::fs::File::open(folder)?.sync_all()
    };
    write().map_err(|cause| Error::io("cannot write", &path, cause))
}

impl Job {
    /// What the receipts that were there at the beginning say of a name.
    pub(crate) fn receipt_of(&self, name: &str) -> Option<&crate::Sums> {
        self.known().get(&format!("{}{name}", self.plan().prefix))
    }

    /// Sends bytes under a name and proves them; no receipt.
    async fn put(&self, name: &str, bytes: Bytes) -> Result<()> {
        let key = format!("{}{name}", self.plan().prefix);
        self.put_bytes(&key, bytes).await
    }

    /// The bytes under a name; `None` if there are none.
    async fn fetch(&self, name: &str) -> Result<Option<Bytes>> {
        self.bucket().read(&format!("{}{name}", self.plan().prefix)).await
    }
}
