//! A file that the service has zipped on its own account: `x.csv` was asked for, `x.csv.zip` came.

use std::fs::File;
use std::io::{BufReader, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use crawl_core::{Error, FileLine, Result};
use percent_encoding::percent_decode_str;
use zip::ZipReadOptions;
use zip::read::{ArchiveOffset, Config};
use zip::unstable::read::ZipIterable;

use super::landing::{Broken, Landing, broken, denied, ended};
use super::zip::wrong;
use super::{Member, READ, Target, damaged, off};

/// Whether the bytes that begin with `start`, and came from a URL with the path `from`, are the file `asked` in a zip.
/// Names are compared as they are and percent-decoded, for they come in both ways.
pub fn was_zipped(asked: &str, from: &str, start: &[u8]) -> bool {
    let decoded = |name: &str| percent_decode_str(name).decode_utf8_lossy().into_owned();
    let last = |path: &str| path.rsplit('/').next().unwrap_or_default().to_owned();
    let came = last(from);
    let asked = last(asked);
    let named = [came.clone(), decoded(&came), last(&decoded(&came))]
        .iter()
        .any(|came| came.strip_suffix(".zip").is_some_and(|came| came == asked || came == decoded(&asked)));
    named && start.starts_with(b"PK\x03\x04")
}

/// Unpacks the one member of a zip that holds one file, whatever it is called there, as `name` into `target`.
///
/// # Errors
/// [`Kind::Shape`](crawl_core::Kind::Shape) if it holds another number of files, if they are damaged, or more than the
/// limits allow; [`Kind::Denied`](crawl_core::Kind::Denied) if the name or the member is refused; those of the disk.
pub async fn unpack_single(archive: &Path, name: &str, target: &Target) -> Result<FileLine> {
    let (archive, name, target) = (archive.to_owned(), name.to_owned(), target.clone());
    off(move || blocking(&archive, &name, &target)).await
}

fn blocking(archive: &PathBuf, name: &str, target: &Target) -> Result<FileLine> {
    let failed = |cause| Error::io("cannot read the archive", archive, cause);
    let open = || File::open(archive).map(|file| BufReader::with_capacity(READ, file)).map_err(failed);
    let mut directory = open()?;
    let packed = directory.seek(SeekFrom::End(0)).map_err(ended)?;
    let config = Config { archive_offset: ArchiveOffset::Detect };
    let mut zip = ZipIterable::try_new(directory, config).map_err(wrong)?;
    if zip.len() != 1 {
        let what = format!("the zip holds {} members where one file was asked for", zip.len());
        return Err(damaged(what).at(archive.display().to_string()));
    }
    let mut found = None;
    let mut landing = Landing::new(target, |member| {
        found = Some(member);
        Ok(())
    })?;
    for entry in zip.files().map_err(wrong)? {
        let entry = entry.map_err(wrong)?;
        if entry.is_dir() || entry.is_symlink() || entry.encrypted() {
            return Err(denied("the member is a folder, a link or encrypted").at(name));
        }
        let size = entry.size();
        landing.meter.bytes(size, packed)?;
        let Some(place) = landing.place(name, size)? else { break };
        let mut bodies = open()?;
        let end = match entry.with_reader(&mut bodies, ZipReadOptions::new()) {
            Ok(mut body) => landing.land(name, &place, size, &mut body, |_, _| Ok(()))?,
            Err(zip::result::ZipError::Io(cause)) => Some(broken(cause)),
            Err(error) => return Err(wrong(error)),
        };
        if let Some(Broken::All(error) | Broken::Member(error)) = end {
            return Err(error);
        }
    }
    landing.finish()?;
    match found {
        Some(Member::Landed(line)) => Ok(line),
        Some(Member::Refused(_, error)) => Err(error),
        None => Err(damaged("the zip holds no file").at(archive.display().to_string())),
    }
}
