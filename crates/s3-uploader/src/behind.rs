//! Behind a crawl: committed pages and the files they name go to the bucket while the next page is fetched.
//!
//! The order is: the files of a page, the page, and then the bucket's own manifest and checkpoint. So whoever reads
//! the bucket as a store sees only whole pages. The local manifest and checkpoint stay: a rerun fetches nothing
//! again that is in the bucket.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crawl_core::{Checkpoint, Error, Kind, Manifest, Page, Result, Sink, SourceId, Store, Stored};
use futures::stream::{self, StreamExt, TryStreamExt};
use tokio::sync::Notify;

use crate::single::off_the_loop;
use crate::{Job, Local};

/// Pages on their way at once: what one waits for, another uses.
const PAGES_AT_ONCE: usize = 4;
/// Files of one page on their way at once; the bucket's own limits hold beside it.
const FILES_AT_ONCE: usize = 32;
/// The bucket's checkpoint is not older than this while pages move.
const TELL_WITHIN: Duration = Duration::from_secs(60);

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

/// What [`Behind::run`] came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Moved {
    /// Pages of the listing that are in the bucket, from this run and earlier ones.
    pub pages: u64,
    /// Files that this run moved, the pages' own among them.
    pub files: u64,
    /// Bytes of those files.
    pub bytes: u64,
}

#[derive(Default)]
struct State {
    /// Bytes on the disk that are not in the bucket yet, by page.
    waiting: BTreeMap<u64, u64>,
    moved: Moved,
    crawl: Crawl,
    failed: Option<String>,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Crawl {
    #[default]
    Running,
    Ended,
    Stopped,
}

/// How far the bucket is, and what its checkpoint says of it.
struct Bucket<'a> {
    id: &'a SourceId,
    there: Checkpoint,
    told: Checkpoint,
    told_at: Instant,
    bytes_since: u64,
}

impl Bucket<'_> {
    /// The manifest is written whole each time. So it waits until as many bytes were moved as it has: then all its
    /// writings together cost no more than the pages.
    fn is_due(&self) -> bool {
        self.bytes_since >= self.there.manifest_bytes || self.told_at.elapsed() >= TELL_WITHIN
    }

    fn is_told(&self) -> bool {
        self.there.pages == self.told.pages
    }
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

    /// How many pages and bytes wait on the disk.
    pub fn waiting(&self) -> (u64, u64) {
        let state = self.state();
        (state.waiting.len() as u64, state.waiting.values().sum())
    }

    /// Tells [`Behind::run`] that no further page will come: it moves what is there and ends.
    pub fn end(&self) {
        let mut state = self.state();
        if state.crawl == Crawl::Running {
            state.crawl = Crawl::Ended;
        }
        drop(state);
        self.changed.notify_one();
    }

    /// Tells [`Behind::run`] to end after the page on its way. The crawl is held back no more.
    pub fn stop(&self) {
        self.state().crawl = Crawl::Stopped;
        self.changed.notify_one();
        self.room.notify_waiters();
    }

    /// Moves pages as they are committed, until [`Behind::end`] was called and all are in the bucket, or
    /// [`Behind::stop`].
    ///
    /// # Errors
    /// Those of sending and proving; [`Kind::Config`] if another program writes under the same prefix. The crawl's
    /// next write then fails too. Nothing is lost: run again.
    pub async fn run(&self, id: &SourceId) -> Result<Moved> {
        // Boxed: what a crawler makes of it would be too deep for the compiler.
        let result = Box::pin(self.follow(id)).await;
        if let Err(error) = &result {
            self.state().failed = Some(error.to_string());
            self.room.notify_waiters();
        }
        result
    }

    async fn follow(&self, id: &SourceId) -> Result<Moved> {
        self.job.begin().await?;
        let told = self.in_bucket(id).await?;
        let mut bucket = Bucket { id, there: told.clone(), told, told_at: Instant::now(), bytes_since: 0 };
        self.state().moved.pages = bucket.there.pages;
        loop {
            // Asked before looking: what was committed before the end is seen.
            let crawl = self.state().crawl;
            let moved = self.move_pages(&mut bucket).await?;
            match crawl {
                Crawl::Stopped => break,
                Crawl::Ended if !moved => break,
                _ if moved => {}
                _ if bucket.is_told() => self.changed.notified().await,
                _ => {
                    let left = TELL_WITHIN.saturating_sub(bucket.told_at.elapsed());
                    if tokio::time::timeout(left, self.changed.notified()).await.is_err() {
                        self.tell(&mut bucket).await?;
                    }
                }
            }
        }
        self.tell(&mut bucket).await?;
        Ok(self.state().moved)
    }

    /// Moves the committed pages that the bucket does not have; whether there were any.
    async fn move_pages(&self, bucket: &mut Bucket<'_>) -> Result<bool> {
        // Not begun yet: the pump makes the store.
        let Ok(stored) = Stored::open(self.store.root(), bucket.id) else { return Ok(false) };
        let lines = stored.manifest_from(bucket.there.manifest_bytes)?;
        if lines.is_empty() {
            return Ok(false);
        }
        self.check_alone(bucket).await?;
        bucket.there.settings.clone_from(&stored.checkpoint().settings);
        for (line, _) in &lines {
            let bytes = self.size(&stored, line.number).await?;
            self.state().waiting.entry(line.number).or_insert(bytes);
        }
        let pages = stream::iter(&lines).map(|(line, _)| self.move_page(&stored, line));
        let mut pages = std::pin::pin!(pages.buffered(PAGES_AT_ONCE));
        for (line, length) in &lines {
            let Some(moved) = pages.next().await else { break };
            moved?;
            bucket.there = bucket.there.after(line, *length);
            bucket.bytes_since += line.bytes + length;
            {
                let mut state = self.state();
                state.moved.pages = line.number;
                state.waiting.remove(&line.number);
            }
            self.room.notify_waiters();
            if bucket.is_due() {
                self.tell(bucket).await?;
            }
            if self.state().crawl == Crawl::Stopped {
                break;
            }
        }
        Ok(true)
    }

    /// Moves the files that a page names, what is missing from it, and at last the page.
    async fn move_page(&self, stored: &Stored, line: &Manifest) -> Result<()> {
        let paths = stored.page_paths(line.number);
        let Some(page) = paths.iter().find(|path| path.is_file()) else {
            // The page goes last, so all of it is there.
            return self.was_moved(&paths, Some(&line.sha256));
        };
        let files = self.named(stored, line.number).await?;
        let files = stream::iter(&files).map(|path| self.move_file(path, None));
        files.buffer_unordered(FILES_AT_ONCE).try_collect::<()>().await?;
        if let Some(sha256) = &line.missing_sha256 {
            self.move_file(&stored.missing_path(line.number), Some(sha256)).await?;
        }
        self.move_file(page, Some(&line.sha256)).await
    }

    async fn named(&self, stored: &Stored, number: u64) -> Result<Vec<PathBuf>> {
        let (names, stored) = (self.names.clone(), stored.clone());
        off_the_loop(move || names(&stored, number)).await
    }

    async fn move_file(&self, path: &Path, sha256: Option<&str>) -> Result<()> {
        if !path.is_file() {
            return self.was_moved(&[path.to_owned()], sha256);
        }
        let file = Local::at(path, &self.name(path)?)?;
        if let Some(sha256) = sha256
            && crate::job::sha256(&file).await? != sha256
        {
            return Err(Error::new(Kind::Storage, "a committed page is not what the manifest says")
                .at(path.display().to_string())
                .advise(
                    "it is kept and not sent; restore it from a copy, or crawl into a new root and prefix",
                ));
        }
        match self.job.one(&file).await {
            Ok(_) => {
                let mut state = self.state();
                state.moved.files += 1;
                state.moved.bytes += file.stamp.size();
                Ok(())
            }
            // Another page names the same file and was faster.
            Err(error) if !path.is_file() => self.was_moved(&[path.to_owned()], sha256).map_err(|_| error),
            Err(error) => Err(error),
        }
    }

    /// A file that is not here must have gone with a receipt.
    fn was_moved(&self, paths: &[PathBuf], sha256: Option<&str>) -> Result<()> {
        for path in paths {
            let sums = self.job.receipt_of(&self.name(path)?)?;
            if sums.is_some_and(|sums| sha256.is_none_or(|sha256| sums.sha256 == sha256)) {
                return Ok(());
            }
        }
        let place = paths.first().map_or(String::new(), |path| path.display().to_string());
        Err(Error::new(Kind::Storage, "a committed file is neither here nor in the receipts")
            .at(place)
            .advise("put back the receipts of the run that moved it, or the file"))
    }

    fn name(&self, path: &Path) -> Result<String> {
        let name = path.strip_prefix(self.store.root()).ok().and_then(Path::to_str);
        name.map(str::to_owned).ok_or_else(|| {
            Error::new(Kind::Config, "this file is not below the store's root").at(path.display().to_string())
        })
    }

    /// Bytes of a page and, where a budget asks for them, of the files that it names.
    async fn size(&self, stored: &Stored, number: u64) -> Result<u64> {
        let size = |path: &PathBuf| path.metadata().map_or(0, |meta| meta.len());
        let paths = stored.page_paths(number);
        let page: u64 = paths.iter().map(size).sum();
        if self.budget.is_none() || !paths.iter().any(|path| path.is_file()) {
            return Ok(page);
        }
        Ok(page + self.named(stored, number).await?.iter().map(size).sum::<u64>())
    }

    /// Writes the bucket's manifest and checkpoint, if they do not tell of all that is there.
    async fn tell(&self, bucket: &mut Bucket<'_>) -> Result<()> {
        if bucket.is_told() {
            return Ok(());
        }
        let stored = Stored::open(self.store.root(), bucket.id)?;
        let mut manifest = stored.manifest_bytes(0)?;
        manifest.truncate(bucket.there.manifest_bytes as usize);
        self.job.put_bytes(&format!("{}/manifest.jsonl", bucket.id), manifest.into()).await?;
        let mut text = serde_json::to_vec(&bucket.there)
            .map_err(|cause| Error::new(Kind::Storage, "cannot spell the checkpoint").because(cause))?;
        text.push(b'\n');
        self.job.put_bytes(&format!("{}/checkpoint.json", bucket.id), text.into()).await?;
        let (waiting, Moved { pages, files, bytes }) = (self.waiting().0, self.state().moved);
        tracing::info!(source = %bucket.id, pages, files, bytes, waiting, "in the bucket");
        bucket.told.clone_from(&bucket.there);
        (bucket.told_at, bucket.bytes_since) = (Instant::now(), 0);
        Ok(())
    }

    /// How far the bucket has come by its own checkpoint.
    async fn in_bucket(&self, id: &SourceId) -> Result<Checkpoint> {
        let name = format!("{id}/checkpoint.json");
        let Some(bytes) = self.job.read_bytes(&name).await? else { return Ok(Checkpoint::start()) };
        let bad = |what: &str| Error::new(Kind::Storage, what).at(self.job.place(&name));
        let found: Checkpoint = serde_json::from_slice(&bytes)
            .map_err(|cause| bad("the bucket's checkpoint is not readable").because(cause))?;
        if found.version != Checkpoint::start().version {
            return Err(bad("the bucket's checkpoint is of another version")
                .advise("use the program that wrote it, or a new prefix"));
        }
        Ok(found)
    }

    /// Whoever else writes here has moved the bucket's checkpoint.
    async fn check_alone(&self, bucket: &Bucket<'_>) -> Result<()> {
        if self.in_bucket(bucket.id).await? == bucket.told {
            return Ok(());
        }
        Err(Error::new(Kind::Config, "another program writes under the same prefix of the bucket")
            .at(self.job.place(bucket.id.as_str()))
            .advise("let one crawl at a time use a prefix; the pages here are kept"))
    }

    /// Goes on from whichever side is further: takes the bucket's manifest and checkpoint where this machine has
    /// fewer pages. Both sides must tell the same story as far as they both go.
    async fn catch_up(&self, id: &SourceId) -> Result<()> {
        let there = self.in_bucket(id).await?;
        if there.pages == 0 {
            return Ok(());
        }
        let here = self.store.checkpoint(id).await?;
        let mut theirs =
            self.job.read_bytes(&format!("{id}/manifest.jsonl")).await?.unwrap_or_default().to_vec();
        theirs.truncate(there.manifest_bytes as usize);
        let ours = match here.pages {
            0 => Vec::new(),
            _ => Stored::open(self.store.root(), id)?.manifest_bytes(0)?,
        };
        let both = ours.len().min(theirs.len());
        let settings = here.pages == 0 || here.settings == there.settings;
        if !settings || ours[..both] != theirs[..both] || theirs.len() as u64 != there.manifest_bytes {
            return Err(Error::new(Kind::Config, "the bucket holds another crawl under this prefix")
                .at(self.job.place(id.as_str()))
                .advise("use a new prefix, or the root and settings of that crawl"));
        }
        if there.pages > here.pages {
            self.store.adopt(id, &theirs, &there)?;
        }
        Ok(())
    }

    /// Waits until the disk has room.
    async fn hold(&self) -> Result<()> {
        loop {
            let mut freed = std::pin::pin!(self.room.notified());
            // Heard from here on: what is freed between the question and the wait counts.
            freed.as_mut().enable();
            if let Some(why) = &self.state().failed {
                return Err(Error::new(Kind::Storage, format!("the bucket does not take the pages: {why}"))
                    .advise("the committed pages are safe on the disk; run the same command again"));
            }
            let stopped = self.state().crawl == Crawl::Stopped;
            if stopped || self.budget.is_none_or(|budget| self.waiting().1 <= budget) {
                return Ok(());
            }
            freed.await;
        }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Sink for Behind {
    async fn checkpoint(&self, id: &SourceId) -> Result<Checkpoint> {
        Box::pin(self.catch_up(id)).await?;
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
        let bytes = self.size(&stored, to.pages).await?;
        let mut state = self.state();
        // It may be in the bucket already.
        if to.pages > state.moved.pages {
            state.waiting.insert(to.pages, bytes);
        }
        drop(state);
        self.changed.notify_one();
        Ok(())
    }
}
