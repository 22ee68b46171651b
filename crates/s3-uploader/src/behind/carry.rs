//! The way of a page to the bucket: its files, what belongs to it, itself, and then the bucket's own checkpoint.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use bytes::Bytes;
use crawl_core::{Checkpoint, Error, FileLine, Kind, Manifest, Mark, Result, SourceId, Stored};
use futures::stream::{self, StreamExt, TryStreamExt};

use super::{Behind, Crawl, Moved};
use crate::Local;
use crate::local::off_the_loop;

/// Pages on their way at once: what one waits for, another uses.
const PAGES_AT_ONCE: usize = 4;
/// Files of one page on their way at once; the bucket's own limits hold beside it.
const FILES_AT_ONCE: usize = 32;
/// So often what is replaced may change while it is.
const TELL_TRIES: u32 = 3;
/// The bucket's checkpoint is not older than this while pages move.
pub(super) const TELL_WITHIN: Duration = Duration::from_secs(60);

/// How far the bucket is, and what its checkpoint says of it.
pub(super) struct Progress<'a> {
    pub(super) id: &'a SourceId,
    pub(super) there: Checkpoint,
    pub(super) told: Checkpoint,
    pub(super) told_at: Instant,
    pub(super) bytes_since: u64,
}

impl Progress<'_> {
    /// The manifest and what was seen are written whole each time. So they wait until as many bytes were moved as
    /// they have: then all their writings together cost no more than the pages.
    pub(super) fn is_due(&self) -> bool {
        let whole = self.there.manifest_bytes + self.there.marks * size_of::<Mark>() as u64;
        self.bytes_since >= whole || self.told_at.elapsed() >= TELL_WITHIN
    }

    pub(super) fn is_told(&self) -> bool {
        self.there.pages == self.told.pages
    }
}

impl Behind {
    /// Moves the committed pages that the bucket does not have; whether there were any.
    pub(super) async fn move_pages(&self, bucket: &mut Progress<'_>) -> Result<bool> {
        let stored = self.begun(bucket.id)?;
        let lines = match &stored {
            Some(stored) => stored.manifest_from(bucket.there.manifest_bytes)?,
            None => Vec::new(),
        };
        if let Some(stored) = &stored {
            self.count(stored, &lines);
        }
        self.state().counted = true;
        self.shared.room.notify_waiters();
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
            self.shared.room.notify_waiters();
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
        let files = stream::iter(&files).map(|file| self.move_named(line, file));
        files.buffer_unordered(FILES_AT_ONCE).try_collect::<()>().await?;
        for (path, sha256) in beside(stored, line) {
            self.move_file(&path, Some(sha256)).await?;
        }
        self.move_file(page, Some(&line.sha256)).await
    }

    /// The files that a page names.
    async fn named(&self, stored: &Stored, line: &Manifest) -> Result<Vec<FileLine>> {
        // Their names go to the bucket after all of them.
        if line.files == 0 || !stored.files_path(line.number).is_file() {
            return Ok(Vec::new());
        }
        let (stored, number) = (stored.clone(), line.number);
        off_the_loop(move || stored.files(number)).await
    }

    /// Moves a file that a page names, unless it went when it was done.
    async fn move_named(&self, line: &Manifest, file: &FileLine) -> Result<()> {
        let path = self.store.root().join(&file.path);
        if path.is_file() {
            return self.move_file(&path, Some(&file.sha256)).await;
        }
        let moved_now = line.number > self.state().before;
        match self.job.receipt_of(&file.path)? {
            // It was shown to be there when its page was made, in this run.
            Some(sums) if moved_now && sums.sha256 == file.sha256 => Ok(()),
            _ => self.was_moved(&[path], Some(&file.sha256)).await,
        }
    }

    async fn move_file(&self, path: &Path, sha256: Option<&str>) -> Result<()> {
        if !path.is_file() {
            return self.was_moved(&[path.to_owned()], sha256).await;
        }
        let file = Local::at(path, &self.name(path)?)?;
        if let Some(sha256) = sha256
            && crate::local::sha256(&file).await? != sha256
        {
            return Err(Error::new(
                Kind::Storage,
                "a committed file is not what its page or the manifest says",
            )
            .at(path.display().to_string())
            .advise("it is kept and not sent; restore it from a copy, or crawl into a new root and prefix"));
        }
        match self.job.one(&file).await {
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

    /// Writes the bucket's manifest and checkpoint, if they do not tell of all that is there.
    pub(super) async fn tell(&self, bucket: &mut Progress<'_>) -> Result<()> {
        if bucket.is_told() {
            return Ok(());
        }
        let stored = Stored::open(self.store.root(), bucket.id)?;
        let mut manifest = stored.manifest_bytes(0)?;
        manifest.truncate(bucket.there.manifest_bytes as usize);
        self.tell_of(bucket.id, "manifest.jsonl", manifest.into()).await?;
        if bucket.there.marks > 0 {
            let marks = stored.mark_bytes(bucket.there.marks)?;
            self.tell_of(bucket.id, "seen.bin", marks.into()).await?;
        }
        let mut text = serde_json::to_vec(&bucket.there)
            .map_err(|cause| Error::new(Kind::Storage, "cannot spell the checkpoint").because(cause))?;
        text.push(b'\n');
        self.tell_of(bucket.id, "checkpoint.json", text.into()).await?;
        let (waiting, Moved { pages, files, bytes }) = (self.waiting().0, self.state().moved);
        tracing::info!(source = %bucket.id, pages, files, bytes, waiting, "in the bucket");
        bucket.told.clone_from(&bucket.there);
        (bucket.told_at, bucket.bytes_since) = (Instant::now(), 0);
        Ok(())
    }

    /// Replaces what the bucket tells of the crawl. It is looked at before the claim is: whoever claims the prefix later,
    /// while this machine hangs, and tells of more, is not rolled back, where the bucket hears If-Match.
    async fn tell_of(&self, id: &SourceId, name: &str, bytes: Bytes) -> Result<()> {
        let name = format!("{id}/{name}");
        // What changed under our own claim is an earlier try of ours that came through late.
        for _ in 0..TELL_TRIES {
            let over = self.job.over(&name).await?;
            self.check_alone(id).await?;
            if self.job.put_over(&name, bytes.clone(), &over).await? {
                return Ok(());
            }
        }
        Err(self.not_alone(id))
    }
}

/// What belongs to a page beside its records, with its hash.
fn beside<'a>(stored: &Stored, line: &'a Manifest) -> impl Iterator<Item = (PathBuf, &'a str)> + use<'a> {
    let paths = [stored.missing_path(line.number), stored.files_path(line.number)];
    let sums = [line.missing_sha256.as_deref(), line.files_sha256.as_deref()];
    paths.into_iter().zip(sums).filter_map(|(path, sha256)| Some((path, sha256?)))
}
