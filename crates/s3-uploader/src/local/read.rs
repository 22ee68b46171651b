//! Reading and hashing of files, where it holds up nobody; and deleting what was sent.

use std::fs::File;
use std::io::Read;

use bytes::Bytes;
use crawl_core::{Error, Kind, Result};
use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};
use tokio::sync::Semaphore;

use super::{Local, cannot, changed};
use crate::sums::{self, Sums};

/// Reads a file whole and hashes it; it must be as it was listed before and after.
pub(crate) async fn read(file: &Local, md5: bool) -> Result<(Bytes, Sums)> {
    if file.stamp.size() <= AT_ONCE {
        return read_now(file, md5);
    }
    let file = file.clone();
    off_the_loop(move || read_now(&file, md5)).await
}

/// So small a file is read and hashed in less time than it takes to hand it to another thread and back.
const AT_ONCE: u64 = 128 << 10;

fn read_now(file: &Local, md5: bool) -> Result<(Bytes, Sums)> {
    let mut open = file.open()?;
    let failed = |cause: std::io::Error| match cause.kind() {
        std::io::ErrorKind::UnexpectedEof => changed(&file.path),
        _ => cannot("read", &file.path, cause),
    };
    let bytes = read_exact(&mut open, file.stamp.size()).map_err(failed)?;
    if open.read(&mut [0]).map_err(failed)? > 0 {
        return Err(changed(&file.path));
    }
    let sums = sums::whole(&bytes, md5);
    file.check_open(&open)?;
    Ok((Bytes::from(bytes), sums))
}

/// The next `size` bytes of a file, read into memory that nobody filled with zeros before.
pub(crate) fn read_exact(file: &mut File, size: u64) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(size as usize);
    match file.take(size).read_to_end(&mut bytes)? as u64 {
        read if read == size => Ok(bytes),
        _ => Err(std::io::ErrorKind::UnexpectedEof.into()),
    }
}

/// The SHA-256 of a file, which must be as it was listed, in hex.
pub(crate) async fn sha256(file: &Local) -> Result<String> {
    let file = file.clone();
    off_the_loop(move || hash(&file)).await
}

fn hash(file: &Local) -> Result<String> {
    let mut sha256 = Sha256::new();
    show(file, |bytes| sha256.update(bytes))?;
    Ok(HEXLOWER.encode(&sha256.finalize()))
}

/// Shows the bytes of a file, which must be as it was listed before and after.
pub(crate) fn show(file: &Local, mut to: impl FnMut(&[u8])) -> Result<()> {
    let (mut open, mut piece) = (file.open()?, vec![0; 128 << 10]);
    loop {
        match open.read(&mut piece).map_err(|cause| cannot("read", &file.path, cause))? {
            0 => return file.check_open(&open),
            count => to(&piece[..count]),
        }
    }
}

/// Deletes the file if it is still the one that was sent.
pub(crate) async fn delete(file: &Local, sha256: &str) -> Result<()> {
    let (file, sha256) = (file.clone(), sha256.to_owned());
    off_the_loop(move || {
        file.check()?;
        // Times tell nothing of a file that was written to just before: its bytes do.
        if file.fresh && hash(&file)? != sha256 {
            return Err(changed(&file.path));
        }
        file.check()?;
        std::fs::remove_file(&file.path).map_err(|cause| {
            cannot("delete", &file.path, cause)
                .advise("the object is in the bucket and proven; the file is kept")
        })
    })
    .await
}

/// So many threads read and hash at once: more would only push each other off the cores.
const READERS: usize = 8;
static READING: Semaphore = Semaphore::const_new(READERS);

/// Runs blocking work where it holds up nobody.
pub(crate) async fn off_the_loop<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    // It is never closed.
    let _turn = READING.acquire().await.ok();
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(cause) => Err(Error::new(Kind::Storage, "reading was broken off").because(cause)),
    }
}
