//! Behind a crawl: committed pages and the files they name go to the bucket while the next page is fetched.
//!
//! The order is: the files of a page when they are done, the page once it is committed, and then the bucket's own
//! manifest and checkpoint. So whoever reads the bucket as a store sees only whole pages. The local manifest and
//! checkpoint stay: a rerun fetches nothing again that is in the bucket.

mod carry;
mod join;
mod keep;
mod outage;
mod room;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use crawl_core::{Checkpoint, Files, Mark, Page, Result, Settings, Sink, SourceId, Store, Stored};
use tokio::sync::{Notify, OnceCell};

use self::carry::{Progress, TELL_WITHIN};
use self::outage::Outage;
use crate::Job;

/// A store whose committed pages move on to a bucket. A [`Sink`]: give it to the pump in the store's place, and
/// poll [`Behind::run`] beside it.
pub struct Behind {
    store: Store,
    /// It replaces nothing: another crawl's pages and files, sent before the two noticed each other, must not be lost
    /// under ours.
    job: Job,
    settings: Settings,
    files: Files,
    joined: OnceCell<Checkpoint>,
    shared: Arc<Shared>,
}

/// What the crawl, the files on their way and [`Behind::run`] know of each other.
#[derive(Default)]
struct Shared {
    /// How many bytes may lie here that are not in the bucket.
    budget: Option<u64>,
    state: Mutex<State>,
    /// The file whose turn it is to wait for room: those behind it wait for their turn.
    turn: tokio::sync::Mutex<()>,
    /// Wakes [`Behind::run`].
    changed: Notify,
    /// Wakes all who wait for room or for the bucket.
    room: Notify,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
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
    /// Whether what waited at the beginning is in `waiting`.
    counted: bool,
    /// Bytes on the disk that are not in the bucket yet, by page.
    waiting: BTreeMap<u64, u64>,
    /// Bytes of files that are under way, from before they are asked for until they are in the bucket.
    files: u64,
    /// How many pages were committed here before this run.
    before: u64,
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

impl std::fmt::Debug for Behind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Behind").field("store", &self.store).field("job", &self.job).finish_non_exhaustive()
    }
}

impl Behind {
    /// Moves the pages of one listing in `store`, whose source has these `settings`, with `job`, whose plan should
    /// delete. With a `budget` the crawl is held back while more bytes than that lie here and are not in the bucket: of
    /// pages that wait and of files that are under way, together. A file that is larger goes alone.
    pub fn new(store: Store, job: Job, settings: Settings, budget: Option<u64>) -> Self {
        let (job, joined) = (job.that_replaces_nothing(), OnceCell::new());
        let shared = Arc::new(Shared { budget, ..Shared::default() });
        let keeper = keep::keeper(store.root().to_owned(), job.clone(), shared.clone());
        let files = store.files().with_keeper(keeper);
        Behind { store, job, settings, files, joined, shared }
    }

    /// Tells [`Behind::run`] that no further page will come: it moves what is there and ends.
    pub fn end(&self) {
        let mut state = self.state();
        if state.crawl == Crawl::Running {
            state.crawl = Crawl::Ended;
        }
        drop(state);
        self.shared.changed.notify_one();
    }

    /// Tells [`Behind::run`] to end after the page on its way. The crawl is held back no more.
    pub fn stop(&self) {
        self.state().crawl = Crawl::Stopped;
        self.shared.changed.notify_one();
        self.shared.room.notify_waiters();
    }

    /// Moves pages as they are committed, until [`Behind::end`] was called and all are in the bucket, or
    /// [`Behind::stop`].
    ///
    /// # Errors
    /// Those of sending and proving, but an outage of less than an hour is sat out; [`Kind::Config`] if the bucket
    /// holds another crawl under the same prefix, or another program writes there. The crawl's next write then fails
    /// too. Nothing is lost: run again.
    pub async fn run(&self, id: &SourceId) -> Result<Moved> {
        // Boxed: what a crawler makes of it would be too deep for the compiler.
        let result = Box::pin(self.follow(id)).await;
        if let Err(error) = &result {
            self.state().failed = Some(error.to_string());
            self.shared.room.notify_waiters();
        }
        result
    }

    async fn follow(&self, id: &SourceId) -> Result<Moved> {
        // Nothing moves before both sides are known to tell the same story.
        let told = self.join(id).await?.clone();
        let mut bucket = Progress { id, there: told.clone(), told, told_at: Instant::now(), bytes_since: 0 };
        self.state().moved.pages = bucket.there.pages;
        let mut outage = Outage::default();
        loop {
            // Asked before looking: what was committed before the end is seen.
            let (crawl, before) = (self.state().crawl, bucket.there.pages);
            match self.step(&mut bucket, crawl).await {
                Ok(true) => break,
                Ok(false) => outage = Outage::default(),
                Err(error) => {
                    if bucket.there.pages > before {
                        outage = Outage::default();
                    }
                    if outage.is_over(&error) {
                        return Err(error);
                    }
                    tracing::warn!(%error, "the bucket is out of reach; trying again for an hour");
                    if crawl == Crawl::Stopped || self.pause(outage.wait()).await {
                        break;
                    }
                }
            }
        }
        // After a stop in an outage the bucket may tell of fewer than it has.
        Ok(Moved { pages: bucket.told.pages, ..self.state().moved })
    }

    /// Moves what there is to move, or waits for it; whether all is done.
    async fn step(&self, bucket: &mut Progress<'_>, crawl: Crawl) -> Result<bool> {
        let moved = self.move_pages(bucket).await?;
        if crawl == Crawl::Stopped || (crawl == Crawl::Ended && !moved) {
            self.tell(bucket).await?;
            return Ok(true);
        }
        if !moved && bucket.is_told() {
            self.shared.changed.notified().await;
        } else if !moved {
            let left = TELL_WITHIN.saturating_sub(bucket.told_at.elapsed());
            if tokio::time::timeout(left, self.shared.changed.notified()).await.is_err() {
                self.tell(bucket).await?;
            }
        }
        Ok(false)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.state()
    }
}

impl Sink for Behind {
    async fn checkpoint(&self, id: &SourceId) -> Result<Checkpoint> {
        Box::pin(self.join(id)).await?;
        self.store.checkpoint(id).await
    }

    async fn marks(&self, id: &SourceId, at: &Checkpoint) -> Result<Vec<Mark>> {
        self.store.marks(id, at).await
    }

    fn files(&self) -> Files {
        self.files.clone()
    }

    async fn write(&self, id: &SourceId, at: &Checkpoint, page: Page) -> Result<Checkpoint> {
        self.hold().await?;
        let written = self.store.write(id, at, page).await?;
        // From here on it takes room; it can move once it is committed.
        let bytes = Behind::size(&Stored::open(self.store.root(), id)?, written.pages);
        let mut state = self.state();
        // It may be in the bucket already.
        if written.pages > state.moved.pages {
            state.waiting.insert(written.pages, bytes);
        }
        Ok(written)
    }

    async fn commit(&self, id: &SourceId, to: &Checkpoint) -> Result<()> {
        self.store.commit(id, to).await?;
        self.shared.changed.notify_one();
        Ok(())
    }
}
