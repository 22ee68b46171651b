//! Zip, Zip64 included: the directory is read twice, once to see what the archive would become, once to unpack it.

use std::io::{Read, Seek, SeekFrom};

use crawl_core::{Error, Kind, Result};
use zip::ZipReadOptions;
use zip::read::{ArchiveOffset, Config, ZipFileEntry};
use zip::result::ZipError;
use zip::unstable::read::ZipIterable;

use super::landing::{Broken, Landing, denied, ended, plain};
use super::{Counts, Member, Target, damaged};

/// The kind of a file within a Unix mode, and the one that regular files have.
const KIND: u32 = 0o170_000;
const REGULAR: u32 = 0o100_000;
const LINK: u32 = 0o120_000;

/// Unpacks the zip that both readers read: one reads its directory, the other its members. Memory does not grow with
/// the archive but for 8 bytes a name. Blocks, within a runtime.
///
/// A member is left out whose name leads out of the folder or was there before, that is no regular file, is
/// encrypted, is packed in another way than deflate, or has a wrong CRC-32; the others are unpacked all the same.
///
/// # Errors
/// As [`super::unpack_each`]. An archive that would become more than the limits allow is ended before its first file.
pub fn zip<R: Read + Seek>(
    mut directory: R,
    bodies: R,
    target: &Target,
    take: impl FnMut(Member) -> Result<()>,
) -> Result<Counts> {
    let packed = directory.seek(SeekFrom::End(0)).map_err(ended)?;
    let config = Config { archive_offset: ArchiveOffset::Detect };
    let mut archive = ZipIterable::try_new(directory, config).map_err(wrong)?;
    let mut landing = Landing::new(target, take)?;
    landing.meter.members(archive.len() as u64)?;
    for entry in archive.files().map_err(wrong)? {
        let size = entry.map_err(wrong)?.size();
        // What is left out for its size does not count: it is never unpacked.
        if size <= target.limits.member {
            landing.meter.bytes(size, packed)?;
        }
    }
    let mut bodies = bodies;
    for entry in archive.files().map_err(wrong)? {
        member(&mut landing, entry.map_err(wrong)?, &mut bodies)?;
    }
    landing.finish()
}

fn member<R: Read + Seek>(
    landing: &mut Landing<'_, impl FnMut(Member) -> Result<()>>,
    entry: ZipFileEntry<'_>,
    bodies: &mut R,
) -> Result<()> {
    let name = name(&entry);
    let kind = entry.unix_mode().map_or(0, |mode| mode & KIND);
    if entry.is_dir() && plain(&name).is_some() && entry.size() == 0 {
        return Ok(());
    }
    let refused = match kind {
        _ if entry.is_dir() => Some(denied("it is a folder with content, or leads out of the folder")),
        LINK => Some(denied("it is a symbolic link")),
        0 | REGULAR => None,
        _ => Some(denied("it is a device, a pipe or a socket")),
    };
    let refused = refused.or_else(|| {
        entry.encrypted().then(|| denied("it is encrypted").advise("ask its owner for a copy that is not"))
    });
    if let Some(error) = refused {
        return landing.refuse(&name, error);
    }
    let size = entry.size();
    let Some(place) = landing.place(&name, size)? else { return Ok(()) };
    let broken = match entry.with_reader(bodies, ZipReadOptions::new()) {
        // The directory's sizes were counted before, and no reader gives more than they say.
        Ok(mut body) => landing.land(&name, &place, size, &mut body, |_, _| Ok(()))?,
        Err(ZipError::Io(cause)) => Some(super::landing::broken(cause)),
        Err(error) => Some(Broken::Member(wrong(error))),
    };
    match broken {
        None => Ok(()),
        Some(Broken::All(error)) => Err(error),
        Some(Broken::Member(error)) => landing.refuse(&name, error),
    }
}

/// The name as UTF-8, which many packers write without saying so, else as the directory says.
pub(super) fn name(entry: &ZipFileEntry<'_>) -> String {
    match std::str::from_utf8(entry.name_raw()) {
        Ok(name) => name.to_owned(),
        Err(_) => match entry.name() {
            Ok(name) => name.into_owned(),
            Err(_) => String::from_utf8_lossy(entry.name_raw()).into_owned(),
        },
    }
}

pub(super) fn wrong(error: ZipError) -> Error {
    match error {
        ZipError::Io(cause) => ended(cause),
        ZipError::UnsupportedArchive(what) => {
            Error::new(Kind::Shape, "it is packed in a way that is not known").because(what)
        }
        error => damaged("the zip is damaged").because(error.to_string()),
    }
}
