//! Reading of a file part by part, which hashes the whole on the way.

use std::fs::File;
use std::io::Read;
use std::path::PathBuf;

use bytes::Bytes;
use crawl_core::Result;
use sha2::{Digest, Sha256};

use super::{Local, cannot, changed, off_the_loop, read_exact};
use crate::sums::{self, PartSums, Sums};

/// Reads a file part by part and hashes the whole on the way.
pub(crate) struct Parts {
    file: File,
    path: PathBuf,
    left: u64,
    part_size: u64,
    sha256: Sha256,
    local: Local,
}

impl Parts {
    pub(crate) fn open(local: &Local, part_size: u64) -> Result<Self> {
        let (file, left) = (local.open()?, local.stamp.size());
        let path = local.path.clone();
        Ok(Parts { file, path, left, part_size, sha256: Sha256::new(), local: local.clone() })
    }

    /// The next part, or `None` at the end. The file must end where it did when it was listed.
    pub(crate) async fn next(self) -> Result<(Self, Option<Bytes>)> {
        off_the_loop(move || self.next_now()).await
    }

    /// The sums of the file, whose parts have these.
    pub(crate) fn joined(self, parts: &[PartSums]) -> Sums {
        sums::joined(self.sha256, parts)
    }

    fn next_now(mut self) -> Result<(Self, Option<Bytes>)> {
        let failed = |path: &PathBuf, cause: std::io::Error| match cause.kind() {
            std::io::ErrorKind::UnexpectedEof => changed(path),
            _ => cannot("read", path, cause),
        };
        if self.left == 0 {
            let more = self.file.read(&mut [0]).map_err(|cause| failed(&self.path, cause))?;
            if more > 0 {
                return Err(changed(&self.path));
            }
            self.local.check_open(&self.file)?;
            return Ok((self, None));
        }
        let bytes = read_exact(&mut self.file, self.left.min(self.part_size));
        let bytes = bytes.map_err(|cause| failed(&self.path, cause))?;
        self.left -= bytes.len() as u64;
        self.sha256.update(&bytes);
        Ok((self, Some(Bytes::from(bytes))))
    }
}

/// Works out the sums of a part.
pub(crate) async fn hashed(bytes: Bytes, md5: bool) -> Result<(Bytes, PartSums)> {
    off_the_loop(move || {
        let sums = PartSums::of(&bytes, md5);
        Ok((bytes, sums))
    })
    .await
}
