//! Reading numbers and texts from a prefix, which may end anywhere.

use crawl_core::Error;

use crate::header::broken;

/// Why reading ended early.
pub(super) enum Stop {
    /// The prefix ended: the file's first bytes are needed, so many at least.
    Needs(u64),
    /// The file is not what it claims to be.
    Broken(Error),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Stop::Broken(error)
    }
}

/// A prefix, and how far it is read.
#[derive(Clone)]
pub(super) struct Bytes<'a> {
    prefix: &'a [u8],
    at: usize,
}

impl<'a> Bytes<'a> {
    pub(super) fn new(prefix: &'a [u8]) -> Self {
        Bytes { prefix, at: 0 }
    }

    /// The next bytes; a claim beyond the prefix costs nothing.
    pub(super) fn take(&mut self, count: u64) -> Result<&'a [u8], Stop> {
        let end = (self.at as u64).saturating_add(count);
        let taken = usize::try_from(end).ok().and_then(|end| self.prefix.get(self.at..end));
        let taken = taken.ok_or(Stop::Needs(end))?;
        self.at += taken.len();
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Stop> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N as u64)?);
        Ok(array)
    }

    pub(super) fn u8(&mut self) -> Result<u8, Stop> {
        Ok(u8::from_le_bytes(self.array()?))
    }

    pub(super) fn u16(&mut self) -> Result<u16, Stop> {
        Ok(u16::from_le_bytes(self.array()?))
    }

    pub(super) fn u32(&mut self) -> Result<u32, Stop> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    pub(super) fn u64(&mut self) -> Result<u64, Stop> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    /// A text that has its length before it.
    pub(super) fn text(&mut self, longest: u64) -> Result<&'a [u8], Stop> {
        let length = self.u64()?;
        if length > longest {
            return Err(broken(format!("a text of {length} bytes, and {longest} are allowed")).into());
        }
        self.take(length)
    }
}
