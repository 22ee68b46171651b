//! Archives into files: each member checked, named safely and landed, bombs ended before they fill the disk.
//!
//! The archive itself is left alone: who calls removes it when this has come back without an error. Until then nothing
//! that was unpacked counts, however many files are there; unpacking again finds those that are whole.

mod landing;
mod limits;
mod remote;
mod single;
mod tar;
mod writing;
mod zip;

use std::fs::File;
use std::io::{BufReader, Read, Seek};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use crawl_core::http::{Http, Request};
use crawl_core::{Error, FileLine, Files, Kind, Result, Stop};

use crate::off;

pub(crate) use self::landing::plain;
pub use self::limits::Limits;
pub use self::remote::unpack_remote;
pub use self::single::{unpack_single, was_zipped};
pub use self::tar::tar_gz;
pub use self::zip::zip;

/// How much of a file is read at once.
const READ: usize = 64 << 10;

/// Where the members of an archive go.
#[derive(Clone, Debug)]
pub struct Target {
    /// The files of the root.
    pub files: Files,
    /// The folder below the root, `/` between parts: `dataset/owner_slug`.
    pub folder: String,
    /// The service's word for the version of the archive.
    pub version: Option<String>,
    /// How much an archive may become.
    pub limits: Limits,
    /// The user's wish to stop: unpacking ends within one piece of a file.
    pub stop: Stop,
}

impl Target {
    /// A folder below the root of `files`, with the default limits.
    pub fn new(files: &Files, folder: impl Into<String>) -> Self {
        let (files, folder) = (files.clone(), folder.into());
        Target { files, folder, version: None, limits: Limits::default(), stop: Stop::new() }
    }
}

/// What became of one member of an archive. Folders are none.
#[derive(Debug)]
pub enum Member {
    /// It is durable, or moved on.
    Landed(FileLine),
    /// It was left out, and nothing of it stays: its name as far as it can be told, and why.
    Refused(String, Error),
}

/// What became of all members of an archive, in the archive's order.
#[derive(Debug, Default)]
pub struct Unpacked {
    /// The files.
    pub files: Vec<FileLine>,
    /// The names of members that were left out, and why.
    pub refused: Vec<(String, Error)>,
}

/// How much was unpacked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Members that are files here now.
    pub files: u64,
    /// Members that were left out.
    pub refused: u64,
    /// The bytes of the files.
    pub bytes: u64,
}

/// Unpacks a zip, a tar or a tar.gz, told by its first bytes, into `target`. Keeps a line for each member in memory:
/// for archives of millions see [`unpack_each`].
///
/// # Errors
/// Those of [`unpack_each`].
pub async fn unpack(archive: &Path, target: &Target) -> Result<Unpacked> {
    let (take, gathered) = gather();
    unpack_each(archive, target, take).await?;
    Ok(gathered.all())
}

/// Unpacks as [`unpack_remote`] does, and keeps a line for each member in memory.
///
/// # Errors
/// Those of [`unpack_remote`].
pub(crate) async fn unpack_remote_whole(http: &Http, request: &Request, target: &Target) -> Result<Unpacked> {
    let (take, gathered) = gather();
    unpack_remote(http, request, target, take).await?;
    Ok(gathered.all())
}

/// Members that come on another thread.
#[derive(Clone, Default)]
struct Gathered(Arc<Mutex<Unpacked>>);

/// Takes members, and where they are then.
fn gather() -> (impl FnMut(Member) -> Result<()> + Send + 'static, Gathered) {
    let gathered = Gathered::default();
    let to = gathered.clone();
    let take = move |member| {
        let mut unpacked = to.0.lock().unwrap_or_else(PoisonError::into_inner);
        match member {
            Member::Landed(line) => unpacked.files.push(line),
            Member::Refused(name, error) => unpacked.refused.push((name, error)),
        }
        Ok(())
    };
    (take, gathered)
}

impl Gathered {
    fn all(self) -> Unpacked {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Unpacks as [`unpack`] does, and hands each member on as it lands, in the archive's order; an error of `take` ends it.
///
/// # Errors
/// [`Kind::Shape`] if the archive is damaged, is none, or becomes more than the limits allow; [`Kind::Stopped`] if the
/// user asked to stop; those of the disk, of whoever moves files on, and of `take`. What was handed on before counts
/// only if there is no error.
pub async fn unpack_each<T>(archive: &Path, target: &Target, take: T) -> Result<Counts>
where
    T: FnMut(Member) -> Result<()> + Send + 'static,
{
    let (archive, target) = (archive.to_owned(), target.clone());
    off(move || blocking(&archive, &target, take)).await
}

fn blocking(archive: &PathBuf, target: &Target, take: impl FnMut(Member) -> Result<()>) -> Result<Counts> {
    let failed = |cause| Error::io("cannot read the archive", archive, cause);
    let open = || File::open(archive).map(|file| BufReader::with_capacity(READ, file)).map_err(failed);
    let mut reader = open()?;
    let mut start = Vec::new();
    (&mut reader).take(512).read_to_end(&mut start).map_err(failed)?;
    reader.rewind().map_err(failed)?;
    let unpacked = if is_zip(&start) {
        zip(reader, open()?, target, take)
    } else if start.starts_with(&[0x1F, 0x8B]) {
        tar_gz(reader, target, take)
    } else if start.get(257..262) == Some(b"ustar") {
        tar::tar(reader, target, take)
    } else {
        Err(damaged("this is neither a zip nor a tar nor a tar.gz"))
    };
    unpacked.map_err(|error| match error.kind() {
        Kind::Shape if error.place().is_empty() => error.at(archive.display().to_string()),
        _ => error,
    })
}

/// Whether a file begins as a zip does, one without members too.
pub fn is_zip(start: &[u8]) -> bool {
    start.starts_with(b"PK\x03\x04") || start.starts_with(b"PK\x05\x06")
}

/// The archive, or the member, is not what it should be.
fn damaged(what: impl Into<String>) -> Error {
    Error::new(Kind::Shape, what).advise("fetch the archive anew; if it stays so, its owner must repair it")
}
