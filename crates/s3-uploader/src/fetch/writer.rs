//! The file that an object comes into: a beginning of the object at any time, placed when it is whole.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use crawl_core::{Error, Result, Scope};

use super::told::Check;
use crate::Object;
use crate::local::off_the_loop;
use crate::sums;

/// The file that is not whole yet.
pub(super) struct Writer {
    file: File,
    path: PathBuf,
    pub(super) size: u64,
}

impl Writer {
    pub(super) fn new(path: &Path) -> Result<Self> {
        let file = File::create(path).map_err(|cause| cannot("write", path, cause))?;
        Ok(Writer { file, path: path.to_owned(), size: 0 })
    }

    /// Goes on with what is there, if it may, and reads it through.
    pub(super) async fn resume(
        path: &Path,
        resumes: bool,
        most: u64,
        mut check: Check,
    ) -> Result<(Check, Self)> {
        if !resumes || path.metadata().is_ok_and(|meta| meta.len() > most) {
            return Ok((check, Writer::new(path)?));
        }
        let path = path.to_owned();
        off_the_loop(move || {
            let failed = |cause| cannot("go on with", &path, cause);
            let open = OpenOptions::new().create(true).truncate(false).read(true).write(true).open(&path);
            let mut file = open.map_err(failed)?;
            let (mut size, mut piece) = (0, vec![0; 128 << 10]);
            loop {
                match file.read(&mut piece).map_err(failed)? {
                    0 => break,
                    count => {
                        check.update(&piece[..count]);
                        size += count as u64;
                    }
                }
            }
            Ok((check, Writer { file, path, size }))
        })
        .await
    }

    pub(super) async fn write(mut self, bytes: Bytes, mut check: Check) -> Result<(Check, Self)> {
        off_the_loop(move || {
            check.update(&bytes);
            self.file.write_all(&bytes).map_err(|cause| cannot("write", &self.path, cause))?;
            self.size += bytes.len() as u64;
            Ok((check, self))
        })
        .await
    }

    pub(super) async fn end(self) -> Result<()> {
        off_the_loop(move || self.file.sync_all().map_err(|cause| cannot("write", &self.path, cause))).await
    }
}

/// A full disk concerns all; a folder where a file should be, or a name that is too long, the one object.
pub(super) fn cannot(what: &str, path: &Path, cause: std::io::Error) -> Error {
    use std::io::ErrorKind::{QuotaExceeded, ReadOnlyFilesystem, StorageFull};
    let all = matches!(cause.kind(), StorageFull | QuotaExceeded | ReadOnlyFilesystem);
    let error = Error::io(&format!("cannot {what}"), path, cause);
    if all { error } else { error.with_scope(Scope::Record) }
}

/// The name of what is not whole yet: the same in each run for the same object, short, and no user's own.
pub(super) fn part_name(object: &Object) -> String {
    let text = format!("{}\n{}\n{}", object.key, object.size, object.etag.as_deref().unwrap_or_default());
    let name: String = sums::md5_hex(text.as_bytes()).chars().take(16).collect();
    format!(".s3-uploader-{name}.part")
}
