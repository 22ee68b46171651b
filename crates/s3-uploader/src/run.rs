//! Many files at once: small ones and large ones side by side, until all had their turn or a stop is heard.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crawl_core::{Error, Result};
use tokio::task::JoinSet;

use crate::local::Local;
use crate::{Done, InVain, Job};

/// How many large files are on their way at once; their parts share the memory.
const LARGE_AT_ONCE: usize = 3;

/// What became of the files of a run. `files = sent + there + failed + not_begun`.
#[derive(Debug, Default)]
pub struct Summary {
    /// How many files were to be sent.
    pub files: u64,
    /// How many were sent and proven.
    pub sent: u64,
    /// How many were in the bucket already, and proven.
    pub there: u64,
    /// How many failed; each is kept.
    pub failed: u64,
    /// How many were not begun, or broken off, because of a stop; each is kept.
    pub not_begun: u64,
    /// Bytes of what was sent.
    pub bytes: u64,
    /// The first error.
    pub first: Option<Error>,
}

/// Is told what became of each file.
pub type Watch = Arc<dyn Fn(&Local, std::result::Result<&Done, &Error>) + Send + Sync>;

/// Sends the files. Hears `stop` between files and finishes those on their way. A file that fails is kept and does
/// not hold up the others. What would make all others fail too (keys that are worth nothing, a full disk, a bucket that
/// is gone, a service that refuses whatever it is asked) ends the run: nothing further is begun, and what was under way
/// and failed by it is not told again, file by file.
///
/// # Errors
/// Those of [`Job::begin`]; what goes wrong with a file is in the summary.
pub async fn run(
    job: &Job,
    files: Vec<Local>,
    stop: impl Future<Output = ()> + Send,
    watch: Watch,
) -> Result<Summary> {
    let count = files.len() as u64;
    if files.is_empty() {
        return Ok(Summary::default());
    }
    job.begin().await?;
    let limits = *job.bucket().limits();
    let (large, small): (Vec<_>, Vec<_>) =
        files.into_iter().partition(|file| file.stamp.size() > limits.part_from);
    let crew = Arc::new(Crew {
        job: job.clone(),
        watch,
        small: Mutex::new(small.into_iter()),
        large: Mutex::new(large.into_iter()),
        stopped: AtomicBool::new(false),
        vain: Mutex::default(),
        summary: Mutex::new(Summary { files: count, ..Summary::default() }),
    });
    let mut workers = JoinSet::new();
    for _ in 0..LARGE_AT_ONCE {
        workers.spawn(crew.clone().work(true));
    }
    // Many more than requests at once: the others wait for their receipts to reach the disk, which takes long while
    // it is busy with other writes, and share the syncs.
    for _ in 0..limits.in_flight.max(1) * 4 {
        workers.spawn(crew.clone().work(false));
    }
    let all = async { while workers.join_next().await.is_some() {} };
    let mut all = std::pin::pin!(all);
    tokio::select! {
        () = &mut all => {}
        () = stop => {
            crew.stopped.store(true, Ordering::Relaxed);
            all.await;
        }
    }
    let mut summary = std::mem::take(&mut *crew.summary.lock().unwrap_or_else(PoisonError::into_inner));
    summary.not_begun = summary.files - summary.sent - summary.there - summary.failed;
    Ok(summary)
}

struct Crew {
    job: Job,
    watch: Watch,
    small: Mutex<std::vec::IntoIter<Local>>,
    large: Mutex<std::vec::IntoIter<Local>>,
    stopped: AtomicBool,
    /// And whether an error concerned all.
    vain: Mutex<(InVain, bool)>,
    summary: Mutex<Summary>,
}

impl Crew {
    async fn work(self: Arc<Self>, large: bool) {
        let queue = if large { &self.large } else { &self.small };
        while !self.stopped.load(Ordering::Relaxed) {
            let next = queue.lock().unwrap_or_else(PoisonError::into_inner).next();
            let Some(file) = next else { break };
            let result = self.job.one(&file).await;
            if self.is_told(&result) {
                (self.watch)(&file, result.as_ref());
                self.note(&file, result);
            }
        }
    }

    /// Whether this is worth a line of its own: not after an error that concerned all, of which it is one more.
    fn is_told(&self, result: &Result<Done>) -> bool {
        let Err(error) = result else { return true };
        let mut vain = self.vain.lock().unwrap_or_else(PoisonError::into_inner);
        let (vain, ended) = &mut *vain;
        if *ended && (error.concerns_all() || error.place().starts_with("s3://")) {
            return false;
        }
        *ended |= vain.is_after(error);
        if *ended {
            self.stopped.store(true, Ordering::Relaxed);
        }
        true
    }

    fn note(&self, file: &Local, result: Result<Done>) {
        let mut summary = self.summary.lock().unwrap_or_else(PoisonError::into_inner);
        match result {
            Ok(done) => {
                self.vain.lock().unwrap_or_else(PoisonError::into_inner).0.well();
                if done.was_there {
                    summary.there += 1;
                } else {
                    summary.sent += 1;
                    summary.bytes += file.stamp.size();
                }
            }
            Err(error) => {
                summary.failed += 1;
                summary.first.get_or_insert(error);
            }
        }
    }
}
