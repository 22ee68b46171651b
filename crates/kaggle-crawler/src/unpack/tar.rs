//! Tar and tar.gz as a stream: no byte is read twice, none is kept.

use std::cell::Cell;
use std::io::{self, BufReader, Read};
use std::rc::Rc;

use crawl_core::Result;
use flate2::bufread::MultiGzDecoder;
use tar::EntryType;

use super::landing::{Broken, Landing, denied, ended, plain};
use super::limits::Meter;
use super::{Counts, Member, READ, Target, damaged};

/// So many bytes may come between two members: headers, and names of any length that a file system takes.
const HEADERS: u64 = 1 << 20;

/// Unpacks a tar.gz, of one gzip member or several, as it comes. Blocks, within a runtime.
///
/// A member is left out whose name leads out of the folder or was there before, or that is no regular file: no link
/// is made, and none is followed. What is damaged ends it, for nothing tells where the next member begins.
///
/// # Errors
/// As [`super::unpack_each`].
pub fn tar_gz(packed: impl Read, target: &Target, take: impl FnMut(Member) -> Result<()>) -> Result<Counts> {
    let read = Rc::new(Cell::new(0));
    let counted = Counting { from: packed, read: read.clone() };
    let unpacked = MultiGzDecoder::new(BufReader::with_capacity(READ, counted));
    stream(unpacked, &move || read.get(), target, take)
}

/// Unpacks a tar that is not packed.
pub(super) fn tar(
    from: impl Read,
    target: &Target,
    take: impl FnMut(Member) -> Result<()>,
) -> Result<Counts> {
    let read = Rc::new(Cell::new(0));
    let counted = Counting { from, read: read.clone() };
    stream(counted, &move || read.get(), target, take)
}

fn stream(
    from: impl Read,
    packed: &dyn Fn() -> u64,
    target: &Target,
    take: impl FnMut(Member) -> Result<()>,
) -> Result<Counts> {
    let left = Rc::new(Cell::new(HEADERS));
    let mut archive = tar::Archive::new(Guarded { from, left: left.clone() });
    let mut landing = Landing::new(target, take)?;
    let count = |meter: &mut Meter, more: u64| meter.bytes(more, packed());
    for entry in archive.entries().map_err(ended)? {
        let mut entry = entry.map_err(ended)?;
        landing.meter.members(1)?;
        left.set(u64::MAX);
        member(&mut landing, &mut entry, &count)?;
        // The next header lies behind the bytes of this member, wanted or not.
        landing.drain(&mut entry, count)?;
        left.set(HEADERS);
    }
    left.set(u64::MAX);
    // Only the end of the packed bytes has their checksum.
    landing.drain(&mut archive.into_inner(), count)?;
    landing.finish()
}

fn member<R: Read>(
    landing: &mut Landing<'_, impl FnMut(Member) -> Result<()>>,
    entry: &mut tar::Entry<'_, R>,
    count: &dyn Fn(&mut Meter, u64) -> Result<()>,
) -> Result<()> {
    let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
    let size = entry.size();
    let kind = entry.header().entry_type();
    let refused = match kind {
        EntryType::XGlobalHeader => return Ok(()),
        EntryType::Directory if plain(&name).is_some() || matches!(&*name, "." | "./") => return Ok(()),
        EntryType::Directory => Some("it leads out of the folder"),
        // The old way to say that it is a folder.
        EntryType::Regular if name.ends_with('/') && size == 0 && plain(&name).is_some() => return Ok(()),
        EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse => None,
        EntryType::Symlink => Some("it is a symbolic link"),
        EntryType::Link => Some("it is a hard link"),
        EntryType::Char | EntryType::Block | EntryType::Fifo => Some("it is a device or a pipe"),
        _ => Some("it is of no kind that is known"),
    };
    if let Some(what) = refused {
        return landing.refuse(&name, denied(what));
    }
    let Some(place) = landing.place(&name, size)? else { return Ok(()) };
    match landing.land(&name, &place, size, entry, count)? {
        None => Ok(()),
        Some(Broken::All(error)) => Err(error),
        Some(Broken::Member(error)) => {
            Err(damaged(format!("the archive is damaged within a member: {error}")))
        }
    }
}

/// Counts what is read.
struct Counting<R> {
    from: R,
    read: Rc<Cell<u64>>,
}

impl<R: Read> Read for Counting<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.from.read(into)?;
        self.read.set(self.read.get() + read as u64);
        Ok(read)
    }
}

/// Gives so many bytes as are left: what is read into memory at once is bounded by it.
struct Guarded<R> {
    from: R,
    left: Rc<Cell<u64>>,
}

impl<R: Read> Read for Guarded<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let left = self.left.get();
        if left == 0 {
            return Err(io::Error::other("the headers of a member are too long"));
        }
        let most = usize::try_from(left).unwrap_or(usize::MAX).min(into.len());
        let read = self.from.read(&mut into[..most])?;
        if left != u64::MAX {
            self.left.set(left - read as u64);
        }
        Ok(read)
    }
}
