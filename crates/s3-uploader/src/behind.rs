//! Behind a crawl: committed pages and the files they name go to the bucket while the next page is fetched.
//!
//! The order is: the files of a page, the page, and then the bucket's own manifest and checkpoint. So whoever reads
//! the bucket as a store sees only whole pages. The local manifest and checkpoint stay: a rerun fetches nothing
//! again that is in the bucket.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crawl_core::files::{Held, Keeper, Kept};
use crawl_core::{
    Checkpoint, Error, FileLine, Files, Kind, Manifest, Mark, Page, Result, Settings, Sink, SourceId, Store,
    Stored,
};
use futures::stream::{self, StreamExt, TryStreamExt};
use tokio::sync::{Notify, OnceCell};

use crate::single::off_the_loop;
use crate::{Job, Local};

/// Pages on their way at once: what one waits for, another uses.
const PAGES_AT_ONCE: usize = 4;
/// Files of one page on their way at once; the bucket's own limits hold beside it.
const FILES_AT_ONCE: usize = 32;
/// Who writes under a prefix, beside the bucket's checkpoint.
const CLAIM: &str = "writer";
/// The bucket's checkpoint is not older than this while pages move.
const TELL_WITHIN: Duration = Duration::from_secs(60);
/// So long a bucket that had answered may be out of reach before it is an error; the crawl goes on meanwhile.
const PATIENCE: Duration = Duration::from_secs(3600);
/// So often it is told that the crawl waits for the bucket.
const TELL_WAITING: Duration = Duration::from_secs(30);

/// A store whose committed pages move on to a bucket. A [`Sink`]: give it to the pump in the store's place, and
/// poll [`Behind::run`] beside it.
pub struct Behind {
    store: Store,
    job: Job,
    /// For pages: another crawl's, sent before the two noticed each other, must not be lost under ours.
    page_job: Job,
    settings: Settings,
    files: Files,
    budget: Option<u64>,
    joined: OnceCell<Checkpoint>,
    state: Arc<Mutex<State>>,
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
    /// Whether what waited at the beginning is in `waiting`.
    counted: bool,
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

/// How long the bucket has been out of reach.
#[derive(Default)]
struct Outage {
    since: Option<Instant>,
    tries: u32,
}

impl Outage {
    /// Whether patience has ended, or waiting cannot help.
    fn is_over(&mut self, error: &Error) -> bool {
        let passes = matches!(error.kind(), Kind::Transient | Kind::Limited);
        !passes || self.since.get_or_insert_with(Instant::now).elapsed() > PATIENCE
    }

    /// One second, two, four, up to a minute.
    fn wait(&mut self) -> Duration {
        self.tries += 1;
        Duration::from_secs(1 << (self.tries - 1).min(6)).min(Duration::from_secs(60))
    }
}

impl std::fmt::Debug for Behind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Behind").field("store", &self.store).field("job", &self.job).finish_non_exhaustive()
    }
}

impl Behind {
    /// Moves the pages of one listing in `store`, whose source has these `settings`, with `job`, whose plan should
    /// delete. With a `budget` the crawl is held back while more bytes of pages than that wait for the bucket; so
    /// many bytes of files may be under way beside them, and a larger file goes alone.
    pub fn new(store: Store, job: Job, settings: Settings, budget: Option<u64>) -> Self {
        let (joined, state, changed, room) =
            (OnceCell::new(), Arc::<Mutex<State>>::default(), Notify::new(), Notify::new());
        let mut files = store.files().with_keeper(keeper(store.root(), &job, &state));
        if let Some(budget) = budget {
            files = files.with_budget(budget);
        }
        let page_job = job.that_replaces_nothing();
        Behind { store, job, page_job, settings, files, budget, joined, state, changed, room }
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
    /// Those of sending and proving, but an outage of less than an hour is sat out; [`Kind::Config`] if the bucket
    /// holds another crawl under the same prefix, or another program writes there. The crawl's next write then fails
    /// too. Nothing is lost: run again.
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
        // Nothing moves before both sides are known to tell the same story.
        let told = self.join(id).await?.clone();
        let mut bucket = Bucket { id, there: told.clone(), told, told_at: Instant::now(), bytes_since: 0 };
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
    async fn step(&self, bucket: &mut Bucket<'_>, crawl: Crawl) -> Result<bool> {
        let moved = self.move_pages(bucket).await?;
        if crawl == Crawl::Stopped || (crawl == Crawl::Ended && !moved) {
            self.tell(bucket).await?;
            return Ok(true);
        }
        if !moved && bucket.is_told() {
            self.changed.notified().await;
        } else if !moved {
            let left = TELL_WITHIN.saturating_sub(bucket.told_at.elapsed());
            if tokio::time::timeout(left, self.changed.notified()).await.is_err() {
                self.tell(bucket).await?;
            }
        }
        Ok(false)
    }

    /// Waits; whether a stop was heard.
    async fn pause(&self, time: Duration) -> bool {
        let until = tokio::time::Instant::now() + time;
        loop {
            let woken = tokio::time::timeout_at(until, self.changed.notified()).await.is_ok();
            let stopped = self.state().crawl == Crawl::Stopped;
            if stopped || !woken {
                return stopped;
            }
        }
    }

    /// Moves the committed pages that the bucket does not have; whether there were any.
    async fn move_pages(&self, bucket: &mut Bucket<'_>) -> Result<bool> {
        let stored = self.begun(bucket.id)?;
        let lines = match &stored {
            Some(stored) => stored.manifest_from(bucket.there.manifest_bytes)?,
            None => Vec::new(),
        };
        if let Some(stored) = &stored {
            self.count(stored, &lines);
        }
        self.state().counted = true;
        self.room.notify_waiters();
        let Some(stored) = stored.filter(|_| !lines.is_empty()) else { return Ok(false) };
        self.check_alone(bucket.id).await?;
        bucket.there.settings.clone_from(&stored.checkpoint().settings);
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

    /// The store, once the pump has made it. (`Store::checkpoint` may write, which is the pump's to do.)
    fn begun(&self, id: &SourceId) -> Result<Option<Stored>> {
        let checkpoint = self.store.root().join(id.as_str()).join("checkpoint.json");
        match checkpoint.try_exists() {
            Ok(true) => Stored::open(self.store.root(), id).map(Some),
            Ok(false) => Ok(None),
            Err(cause) => Err(Error::io("cannot look at the checkpoint", &checkpoint, cause)),
        }
    }

    /// Counts the pages that were committed before this run; those of this run were counted then.
    fn count(&self, stored: &Stored, lines: &[(Manifest, u64)]) {
        for (line, _) in lines {
            let known = {
                let state = self.state();
                state.crawl == Crawl::Stopped || state.waiting.contains_key(&line.number)
            };
            if !known {
                let bytes = Behind::size(stored, line.number);
                self.state().waiting.entry(line.number).or_insert(bytes);
            }
        }
    }

    /// Moves the files that a page names, what is missing from it, and at last the page.
    async fn move_page(&self, stored: &Stored, line: &Manifest) -> Result<()> {
        let paths = stored.page_paths(line.number);
        let Some(page) = paths.iter().find(|path| path.is_file()) else {
            // The page goes last, so all of it went.
            for (path, sha256) in beside(stored, line) {
                self.was_moved(&[path], Some(sha256)).await?;
            }
            return self.was_moved(&paths, Some(&line.sha256)).await;
        };
        let files = self.named(stored, line).await?;
        let files = stream::iter(&files).map(|file| self.move_named(file));
        files.buffer_unordered(FILES_AT_ONCE).try_collect::<()>().await?;
        for (path, sha256) in beside(stored, line) {
            self.move_file(&self.page_job, &path, Some(sha256)).await?;
        }
        self.move_file(&self.page_job, page, Some(&line.sha256)).await
    }

    /// The files that a page names.
    async fn named(&self, stored: &Stored, line: &Manifest) -> Result<Vec<FileLine>> {
        if line.files == 0 {
            return Ok(Vec::new());
        }
        let (stored, number) = (stored.clone(), line.number);
        off_the_loop(move || stored.files(number)).await
    }

    /// Moves a file that a page names, unless it went when it was done.
    async fn move_named(&self, file: &FileLine) -> Result<()> {
        let path = self.store.root().join(&file.path);
        if path.is_file() {
            return self.move_file(&self.job, &path, Some(&file.sha256)).await;
        }
        match self.job.receipt_of(&file.path)? {
            Some(sums) if sums.sha256 == file.sha256 => Ok(()),
            _ => self.was_moved(&[path], Some(&file.sha256)).await,
        }
    }

    async fn move_file(&self, job: &Job, path: &Path, sha256: Option<&str>) -> Result<()> {
        if !path.is_file() {
            return self.was_moved(&[path.to_owned()], sha256).await;
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
        match job.one(&file).await {
            Ok(_) => {
                let mut state = self.state();
                state.moved.files += 1;
                state.moved.bytes += file.stamp.size();
                Ok(())
            }
            // Another page names the same file and was faster.
            Err(error) if !path.is_file() => {
                self.was_moved(&[path.to_owned()], sha256).await.map_err(|_| error)
            }
            Err(error) => Err(error),
        }
    }

    /// A file that is not here must have gone with a receipt, and must be in the bucket still.
    async fn was_moved(&self, paths: &[PathBuf], sha256: Option<&str>) -> Result<()> {
        for path in paths {
            let name = self.name(path)?;
            let sums = self.job.receipt_of(&name)?;
            if let Some(sums) = sums.filter(|sums| sha256.is_none_or(|sha256| sums.sha256 == sha256)) {
                return self.job.still_there(&name, &sums).await;
            }
        }
        let place = paths.first().map_or(String::new(), |path| path.display().to_string());
        Err(Error::new(Kind::Gone, "a committed file is neither here nor in the receipts for this prefix").at(place).advise(
            "if it moved to another prefix, go on with that one, or fetch it from there with `s3-uploader get`; else put \
             back the receipts of the run that moved it",
        ))
    }

    fn name(&self, path: &Path) -> Result<String> {
        let name = path.strip_prefix(self.store.root()).ok().and_then(Path::to_str);
        name.map(str::to_owned).ok_or_else(|| {
            Error::new(Kind::Config, "this file is not below the store's root").at(path.display().to_string())
        })
    }

    /// Bytes of a page that are on the disk.
    fn size(stored: &Stored, number: u64) -> u64 {
        let paths = stored.page_paths(number);
        paths.iter().map(|path| path.metadata().map_or(0, |meta| meta.len())).sum()
    }

    /// Writes the bucket's manifest and checkpoint, if they do not tell of all that is there.
    async fn tell(&self, bucket: &mut Bucket<'_>) -> Result<()> {
        if bucket.is_told() {
            return Ok(());
        }
        self.check_alone(bucket.id).await?;
        let stored = Stored::open(self.store.root(), bucket.id)?;
        let mut manifest = stored.manifest_bytes(0)?;
        manifest.truncate(bucket.there.manifest_bytes as usize);
        self.job.put_bytes(&format!("{}/manifest.jsonl", bucket.id), manifest.into()).await?;
        if bucket.there.marks > 0 {
            let marks = stored.mark_bytes(bucket.there.marks)?;
            self.job.put_bytes(&format!("{}/seen.bin", bucket.id), marks.into()).await?;
        }
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
            .map_err(|cause| bad("the bucket's checkpoint is not readable").because(cause))
            .map_err(|error| error.advise("put back what was there, or use a new prefix"))?;
        if !(1..=2).contains(&found.version) {
            return Err(bad("the bucket's checkpoint is of another version")
                .advise("use the program that wrote it, or a new prefix"));
        }
        Ok(found)
    }

    /// Claims the prefix: whoever claimed it before notices, and stops. So a new machine can take over from one
    /// that hangs, and of two that begin together one goes on.
    async fn claim(&self, id: &SourceId) -> Result<()> {
        let mark = self.job.mark().to_owned().into();
        let claimed = self.job.put_bytes(&format!("{id}/{CLAIM}"), mark).await;
        claimed.map_err(|error| if error.kind() == Kind::Storage { self.not_alone(id) } else { error })
    }

    fn not_alone(&self, id: &SourceId) -> Error {
        Error::new(Kind::Config, "another program writes under the same prefix of the bucket")
            .at(self.job.place(id.as_str()))
            .advise("let one crawl at a time use a prefix; the pages that are here are kept")
    }

    async fn check_alone(&self, id: &SourceId) -> Result<()> {
        let claim = self.job.read_bytes(&format!("{id}/{CLAIM}")).await?;
        if claim.is_some_and(|claim| claim == self.job.mark().as_bytes()) {
            return Ok(());
        }
        Err(self.not_alone(id))
    }

    /// Goes on from whichever side is further, once; what the bucket's checkpoint tells. Until both sides are known
    /// to tell the same story, as far as they both go, nothing is changed on either.
    async fn join(&self, id: &SourceId) -> Result<&Checkpoint> {
        let join = async {
            self.compare(id).await?;
            self.claim(id).await?;
            // Whoever had the prefix may have told of more meanwhile; from here on it stops.
            let (there, manifest) = self.compare(id).await?;
            let here = self.store.checkpoint(id).await?.pages;
            self.put_leftovers_aside(id, there.pages, here).await?;
            if there.pages > here {
                let marks = match there.marks {
                    0 => Vec::new(),
                    _ => self.job.read_bytes(&format!("{id}/seen.bin")).await?.unwrap_or_default().to_vec(),
                };
                self.store.adopt(id, manifest, marks, &there).await?;
            }
            Ok(there)
        };
        self.joined.get_or_try_init(|| join).await
    }

    /// The bucket's checkpoint and manifest, if they tell the same story as the disk.
    async fn compare(&self, id: &SourceId) -> Result<(Checkpoint, Vec<u8>)> {
        self.job.begin().await?;
        let there = self.in_bucket(id).await?;
        let here = self.store.checkpoint(id).await?;
        self.check_settings(&here, self.store.root().display().to_string())?;
        self.check_settings(&there, self.job.place(id.as_str()))?;
        if there.pages == 0 {
            return Ok((there, Vec::new()));
        }
        let mut theirs =
            self.job.read_bytes(&format!("{id}/manifest.jsonl")).await?.unwrap_or_default().to_vec();
        theirs.truncate(there.manifest_bytes as usize);
        let ours = match here.pages {
            0 => Vec::new(),
            _ => Stored::open(self.store.root(), id)?.manifest_bytes(0)?,
        };
        let both = ours.len().min(theirs.len());
        if ours[..both] != theirs[..both] || theirs.len() as u64 != there.manifest_bytes {
            return Err(Error::new(Kind::Config, "the bucket holds another crawl under this prefix")
                .at(self.job.place(id.as_str()))
                .advise("use a new prefix, or the root of that crawl; nothing was changed here or there"));
        }
        Ok((there, theirs))
    }

    /// Pages that another machine sent and did not tell of before it ended: this one will send its own under the
    /// same names. They are moved within the bucket and not removed, for they may be the only copy.
    async fn put_leftovers_aside(&self, id: &SourceId, told: u64, here: u64) -> Result<()> {
        let folder = format!("{id}/page_");
        for name in self.job.names_below(&folder).await? {
            let Some(rest) = name.strip_prefix(&folder) else { continue };
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            let Ok(number) = rest[..digits].parse::<u64>() else { continue };
            // One that is committed here and not on the disk is ours, sent by an earlier run.
            if number > told && (number > here || self.store.root().join(&name).is_file()) {
                let mark = self.job.mark();
                tracing::warn!(name, "a page of a machine that ended is put aside in the bucket");
                self.job.rename(&name, &format!("{id}/aside-{mark}/page_{rest}")).await?;
            }
        }
        Ok(())
    }

    fn check_settings(&self, begun: &Checkpoint, place: String) -> Result<()> {
        match &begun.settings {
            Some(settings) if begun.pages > 0 && *settings != self.settings => {
                let changes = settings.changes(&self.settings).join("; ");
                Err(Error::new(Kind::Config, format!("a crawl with other settings is there: {changes}"))
                    .at(place)
                    .advise(
                        "use a new root and prefix, or those settings; nothing was changed here or there",
                    ))
            }
            _ => Ok(()),
        }
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
            let counted = self.state().counted;
            if stopped || self.budget.is_none_or(|budget| counted && self.waiting().1 <= budget) {
                return Ok(());
            }
            if tokio::time::timeout(TELL_WAITING, freed).await.is_err() {
                let ((waiting, bytes), budget) = (self.waiting(), self.budget);
                tracing::info!(waiting, bytes, budget, "the crawl waits for the bucket");
            }
        }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What belongs to a page beside its records, with its hash.
fn beside<'a>(stored: &Stored, line: &'a Manifest) -> impl Iterator<Item = (PathBuf, &'a str)> + use<'a> {
    let paths = [stored.missing_path(line.number), stored.files_path(line.number)];
    let sums = [line.missing_sha256.as_deref(), line.files_sha256.as_deref()];
    paths.into_iter().zip(sums).filter_map(|(path, sha256)| Some((path, sha256?)))
}

/// Moves each file to the bucket when it is done, and knows by the receipts those that went before.
fn keeper(root: &Path, job: &Job, state: &Arc<Mutex<State>>) -> Keeper {
    let (known, root, job, state) = (job.clone(), root.to_owned(), job.clone(), state.clone());
    Keeper::new(
        move |path| {
            let job = known.clone();
            async move {
                let sums = job.receipt_of(&path)?;
                Ok(sums.map(|sums| Kept { size: sums.size, sha256: sums.sha256, md5: None }))
            }
        },
        |_| async { Ok(Box::new(()) as Held) },
        move |line| {
            let (root, job, state) = (root.clone(), job.clone(), state.clone());
            async move {
                job.begin().await?;
                job.one(&Local::at(&root.join(&line.path), &line.path)?).await?;
                let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
                state.moved.files += 1;
                state.moved.bytes += line.size;
                Ok(())
            }
        },
    )
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
        self.store.write(id, at, page).await
    }

    async fn commit(&self, id: &SourceId, to: &Checkpoint) -> Result<()> {
        self.store.commit(id, to).await?;
        if to.pages == 0 {
            return Ok(());
        }
        let stored = Stored::open(self.store.root(), id)?;
        let bytes = Behind::size(&stored, to.pages);
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
