//! How a sink takes part that moves files on when they are done, and how much may lie on the disk meanwhile.

use std::sync::Arc;

use futures::future::{BoxFuture, FutureExt};
use tokio::sync::Semaphore;

use super::Digest;
use crate::{FileLine, Result};

/// A file that was moved on, with proof.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Its size in bytes.
    pub size: u64,
    /// The SHA-256 of its bytes, hex.
    pub sha256: String,
    /// Their MD5, hex, where it is known.
    pub md5: Option<String>,
}

impl Kept {
    /// Whether a digest is of these bytes; `None` if that is not known.
    pub(super) fn is(&self, digest: &Digest) -> Option<bool> {
        match digest {
            Digest::Sha256(hex) => Some(hex.eq_ignore_ascii_case(&self.sha256)),
            Digest::Md5(hex) => self.md5.as_ref().map(|md5| hex.eq_ignore_ascii_case(md5)),
            Digest::Crc32c(_) | Digest::GitBlob(_) => None,
        }
    }
}

/// Room for a file: it counts until this is dropped.
pub type Held = Box<dyn Send + Sync>;

type Ask<A, T> = Arc<dyn Fn(A) -> BoxFuture<'static, Result<T>> + Send + Sync>;

/// What a sink does about files that are done: it moves them on, and knows those that it has moved.
#[derive(Clone)]
pub struct Keeper {
    pub(super) known: Ask<String, Option<Kept>>,
    pub(super) room: Ask<u64, Held>,
    pub(super) take: Ask<FileLine, ()>,
}

impl std::fmt::Debug for Keeper {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keeper").finish_non_exhaustive()
    }
}

impl Keeper {
    /// - `known`: what was moved on from that path below the root, in this run or an earlier one.
    /// - `room`: waits until so many more bytes may lie on the disk; more than may ever lie there go alone.
    /// - `take`: the file is durable here; comes back when it is moved on, and the file here is gone.
    pub fn new<K, R, T>(
        known: impl Fn(String) -> K + Send + Sync + 'static,
        room: impl Fn(u64) -> R + Send + Sync + 'static,
        take: impl Fn(FileLine) -> T + Send + Sync + 'static,
    ) -> Self
    where
        K: Future<Output = Result<Option<Kept>>> + Send + 'static,
        R: Future<Output = Result<Held>> + Send + 'static,
        T: Future<Output = Result<()>> + Send + 'static,
    {
        Keeper {
            known: Arc::new(move |path| known(path).boxed()),
            room: Arc::new(move |bytes| room(bytes).boxed()),
            take: Arc::new(move |line| take(line).boxed()),
        }
    }
}

/// How many bytes of files may be under way at once. Clones share it.
#[derive(Clone, Debug)]
pub struct Budget {
    units: u32,
    free: Arc<Semaphore>,
}

impl Budget {
    /// A finer measure would not fit the counter of a disk of 256 TB.
    const UNIT: u64 = 64 << 10;

    /// Of so many bytes.
    pub fn new(bytes: u64) -> Self {
        let units = u32::try_from((bytes / Self::UNIT).max(1)).unwrap_or(u32::MAX).min(1 << 28);
        Budget { units, free: Arc::new(Semaphore::new(units as usize)) }
    }

    /// Waits, in the order of asking, until so many bytes fit; more than the whole budget go alone.
    pub async fn room(&self, bytes: u64) -> Held {
        let units = u32::try_from(bytes.div_ceil(Self::UNIT)).unwrap_or(u32::MAX).min(self.units);
        Box::new(self.free.clone().acquire_many_owned(units).await.expect("the semaphore is never closed"))
    }
}
