//! What all requests share: the index, opened anew when it was written to, and how many may search at once.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use crawl_core::{Error, Kind, Result, Timestamp};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::Opener;
use super::guard::Guard;
use crate::index::Index;

/// So many requests wait for their turn; one more is sent away.
pub(super) const MOST_WAITING: usize = 256;
/// So long one waits.
const MOST_WAIT: Duration = Duration::from_secs(10);
/// So often it is looked whether the index was written to.
const LOOK: Duration = Duration::from_secs(1);

/// What those who ask are told of an error: not where it was, which may be a path of this machine.
pub(super) fn told(error: &Error) -> String {
    error.to_string().replace(&format!(": `{}`", error.place()), "")
}

pub(super) struct Shared {
    pub(super) roots: Vec<PathBuf>,
    pub(super) guard: Guard,
    open: Opener,
    held: RwLock<Held>,
    looked: Mutex<Instant>,
    turns: Arc<Semaphore>,
    waiting: AtomicUsize,
}

/// The index, and what is known of it.
#[derive(Clone)]
pub(super) struct Held {
    pub(super) index: Arc<Index>,
    pub(super) opened_at: Timestamp,
    /// Why a newer commit could not be opened, if one could not.
    pub(super) failed: Option<String>,
    /// Of the commit, or of one before it.
    opstamp: u64,
}

impl Shared {
    pub(super) fn open(
        open: Opener,
        roots: Vec<PathBuf>,
        token: Option<&str>,
        addr: SocketAddr,
    ) -> Result<Self> {
        // A stamp is that of the disk: what is opened after it was read is as new, or newer.
        let opstamp = open()?.opstamp()?;
        let index = Arc::new(open()?);
        let turns = std::thread::available_parallelism().map_or(2, |cores| cores.get().max(2));
        Ok(Shared {
            roots,
            guard: Guard::new(token, addr),
            open,
            held: RwLock::new(Held { index, opened_at: Timestamp::now(), failed: None, opstamp }),
            looked: Mutex::new(Instant::now()),
            turns: Arc::new(Semaphore::new(turns)),
            waiting: AtomicUsize::new(0),
        })
    }

    /// The index as it is held.
    pub(super) fn held(&self) -> Held {
        self.held.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The index of the newest commit, or the one before while another request opens it.
    pub(super) fn newest(&self) -> Arc<Index> {
        let held = self.held();
        let Ok(mut looked) = self.looked.try_lock() else { return held.index };
        if looked.elapsed() < LOOK {
            return held.index;
        }
        let opened = held.index.opstamp().and_then(|opstamp| match opstamp == held.opstamp {
            true => Ok(None),
            false => (self.open)().map(|index| Some((opstamp, Arc::new(index)))),
        });
        *looked = Instant::now();
        let mut next = held;
        match opened {
            Ok(None) if next.failed.is_none() => return next.index,
            Ok(None) => next.failed = None,
            Ok(Some((opstamp, index))) => {
                (next.opstamp, next.index, next.failed) = (opstamp, index, None);
                next.opened_at = Timestamp::now();
            }
            Err(error) => {
                let failed = told(&error);
                // It is tried again every second.
                if next.failed.as_ref() != Some(&failed) {
                    tracing::warn!(%error, advice = error.advice(), "a newer commit could not be opened");
                }
                next.failed = Some(failed);
            }
        }
        let index = next.index.clone();
        *self.held.write().unwrap_or_else(PoisonError::into_inner) = next;
        index
    }

    /// A turn to search.
    ///
    /// # Errors
    /// `Limited` if too many wait already, or it took too long.
    pub(super) async fn turn(&self) -> Result<OwnedSemaphorePermit> {
        let busy = || Error::new(Kind::Limited, "too many ask at once").advise("ask again in a few seconds");
        struct Waits<'a>(&'a AtomicUsize);
        impl Drop for Waits<'_> {
            fn drop(&mut self) {
                self.0.fetch_sub(1, Ordering::SeqCst);
            }
        }
        let before = self.waiting.fetch_add(1, Ordering::SeqCst);
        let _waits = Waits(&self.waiting);
        if before >= MOST_WAITING {
            return Err(busy());
        }
        match tokio::time::timeout(MOST_WAIT, self.turns.clone().acquire_owned()).await {
            Ok(Ok(turn)) => Ok(turn),
            _ => Err(busy()),
        }
    }
}
