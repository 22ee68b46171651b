//! What becomes of a file that is done: it moves to the bucket before its page is committed, and is known there.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use crawl_core::files::{Held, Keeper, Kept};
use crawl_core::{Error, FileLine, Kind, Result};

use super::outage::Outage;
use super::{Crawl, Shared};
use crate::{Job, Local};

/// The mark of a folder of files below a root, which walks over listings do not enter.
const MARK: &str = ".files";

/// What takes the files of a root.
struct Carrier {
    root: PathBuf,
    job: Job,
    shared: Arc<Shared>,
    /// Folders of files whose mark is in the bucket.
    marked: Mutex<HashSet<String>>,
}

/// Moves each file on when it is done, and knows those that went before. `job` must replace nothing: what has a name
/// in the bucket may be what a committed page names.
pub(super) fn keeper(root: PathBuf, job: Job, shared: Arc<Shared>) -> Keeper {
    let carrier = Arc::new(Carrier { root, job, shared: shared.clone(), marked: Mutex::default() });
    let known = carrier.clone();
    Keeper::new(
        move |path| {
            let carrier = known.clone();
            async move { carrier.known(&path).await.map_err(of_the_bucket) }
        },
        move |bytes| {
            let shared = shared.clone();
            async move { shared.room_for(bytes).await.map(|room| Box::new(room) as Held) }
        },
        move |line| {
            let carrier = carrier.clone();
            async move { carrier.take(&line).await.map_err(of_the_bucket) }
        },
    )
}

impl Carrier {
    /// What lies in the bucket under a file's name. What has no receipt is another machine's, or of a run that died
    /// before it was written.
    async fn known(&self, path: &str) -> Result<Option<Kept>> {
        let mut outage = Outage::default();
        loop {
            match self.job.kept(path).await {
                Ok(sums) => {
                    return Ok(sums.map(|sums| Kept { size: sums.size, sha256: sums.sha256, md5: None }));
                }
                Err(error) => self.shared.sit_out(&mut outage, error).await?,
            }
        }
    }

    async fn take(&self, line: &FileLine) -> Result<()> {
        let path = self.root.join(&line.path);
        let mut outage = Outage::default();
        loop {
            match self.try_take(line).await {
                Ok(()) => {
                    let mut state = self.shared.state();
                    state.moved.files += 1;
                    state.moved.bytes += line.size;
                    return Ok(());
                }
                // A page that was committed before names the same file, and was faster.
                Err(error) if !path.is_file() => {
                    let gone = self.job.receipt_of(&line.path)?.filter(|sums| sums.sha256 == line.sha256);
                    return gone.map(|_| ()).ok_or(error);
                }
                Err(error) => self.shared.sit_out(&mut outage, error).await?,
            }
        }
    }

    /// Marks the folder of files in the bucket too: whoever fetches all of it has a root as this one is, in which a
    /// file that is called `checkpoint.json` makes no listing.
    async fn mark(&self, path: &str) -> Result<()> {
        let Some((folder, _)) = path.split_once('/') else { return Ok(()) };
        let marked = || self.marked.lock().unwrap_or_else(PoisonError::into_inner);
        if marked().contains(folder) {
            return Ok(());
        }
        let here = self.root.join(folder).join(MARK);
        match tokio::fs::read(&here).await {
            Ok(text) => self.job.put_bytes(&format!("{folder}/{MARK}"), text.into()).await?,
            Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => {}
            Err(cause) => return Err(Error::io("cannot read", &here, cause)),
        }
        marked().insert(folder.to_owned());
        Ok(())
    }

    async fn try_take(&self, line: &FileLine) -> Result<()> {
        self.mark(&line.path).await?;
        let file = Local::at(&self.root.join(&line.path), &line.path)?;
        let sent = self.job.one_that_is(&file, &line.sha256);
        if !self.job.goes_in_parts(&file) {
            return sent.await.map(|_| ());
        }
        // What has come of a large file stays in the bucket: the next run goes on with it.
        tokio::select! {
            sent = sent => sent.map(|_| ()),
            () = self.stopped() => {
                Err(Error::new(Kind::Stopped, "stopped while a file was sent").at(&line.path))
            }
        }
    }

    async fn stopped(&self) {
        loop {
            let mut woken = std::pin::pin!(self.shared.room.notified());
            woken.as_mut().enable();
            if self.shared.state().crawl == Crawl::Stopped {
                return;
            }
            woken.await;
        }
    }
}

/// The bucket's trouble is none of the record's: nobody may take it for a file that the service does not have.
fn of_the_bucket(error: Error) -> Error {
    match error.kind() {
        Kind::Storage | Kind::Config | Kind::Stopped => error,
        _ => {
            let advice = error.advice().to_owned();
            Error::new(Kind::Storage, format!("the bucket does not take the files: {error}"))
                .because(error)
                .advise(advice)
        }
    }
}
