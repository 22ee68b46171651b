//! How much an archive may become, and the meter that tells when it is too much.

use crawl_core::{Error, Kind, Result};

/// How much an archive may become. Whoever sends more than this sends a bomb, and all of it is given up, except for
/// members that are too large: those are left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Members at most, folders and refused ones included. Default: 2,000,000.
    pub members: u64,
    /// Bytes of all members at most. Default: 1 TiB.
    pub bytes: u64,
    /// Bytes of one member at most; a larger one is left out. Default: 1 TiB.
    pub member: u64,
    /// So many bytes may come of one packed byte, over the whole archive. Default: 200; zip and gzip end at 1032.
    pub ratio: u64,
    /// So many bytes may come of any archive, whatever their ratio. Default: 1 GiB.
    pub free: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { members: 2_000_000, bytes: 1 << 40, member: 1 << 40, ratio: 200, free: 1 << 30 }
    }
}

/// What an archive has become so far.
#[derive(Debug)]
pub(super) struct Meter {
    limits: Limits,
    members: u64,
    bytes: u64,
}

impl Meter {
    pub(super) fn new(limits: Limits) -> Self {
        Meter { limits, members: 0, bytes: 0 }
    }

    /// Counts `more` members.
    pub(super) fn members(&mut self, more: u64) -> Result<()> {
        self.members = self.members.saturating_add(more);
        if self.members > self.limits.members {
            return Err(bomb(format!("the archive has more than {} members", self.limits.members)));
        }
        Ok(())
    }

    /// Counts `more` bytes that have come, or will, of an archive of which `packed` bytes were read, or are there.
    pub(super) fn bytes(&mut self, more: u64, packed: u64) -> Result<()> {
        let Limits { bytes, ratio, free, .. } = self.limits;
        self.bytes = self.bytes.saturating_add(more);
        if self.bytes > bytes {
            return Err(bomb(format!("the archive becomes more than {bytes} bytes")));
        }
        if self.bytes > free.saturating_add(packed.saturating_mul(ratio)) {
            return Err(bomb(format!("more than {ratio} bytes come of one packed byte")));
        }
        Ok(())
    }
}

fn bomb(what: String) -> Error {
    Error::new(Kind::Shape, what)
        .advise("leave the archive alone, or raise the limit if its owner is to be trusted")
}
