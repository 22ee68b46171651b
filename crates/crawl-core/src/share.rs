//! Shares: a part of a mapping's pages, made by one of several processes or machines.

use std::fmt;
use std::str::FromStr;

use crate::{Error, Kind, Result, SourceId};

/// Share `index` of `of`: the pages whose number leaves `index` when divided by `of`. Spelled `3/16`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    index: u64,
    of: u64,
}

impl Share {
    /// The setting under which a share tells how many pages the whole has.
    pub(crate) const PAGES: &str = "share.pages";

    /// Share `index`, from 0, of `of`.
    ///
    /// # Errors
    /// [`Kind::Config`] if there is no such share.
    pub fn new(index: u64, of: u64) -> Result<Self> {
        if index < of && of <= 9999 {
            return Ok(Share { index, of });
        }
        Err(Error::new(Kind::Config, format!("there is no share {index} of {of}"))
            .advise("shares are numbered from 0: 0/16 to 15/16, of 9999 at most"))
    }

    /// How many shares there are.
    pub fn of(self) -> u64 {
        self.of
    }

    /// The name of this share of the listing `whole`: `NAME.share-0003-of-0016`.
    pub fn name(self, whole: &SourceId) -> SourceId {
        whole.beside(&format!(".share-{:04}-of-{:04}", self.index, self.of))
    }

    /// The listing and the share that a name is of, if it is the name of a share.
    pub fn of_name(id: &SourceId) -> Option<(SourceId, Share)> {
        let (whole, share) = id.as_str().rsplit_once(".share-")?;
        let (index, of) = share.split_once("-of-")?;
        let share = Share::new(index.parse().ok()?, of.parse().ok()?).ok()?;
        SourceId::new(whole).ok().map(|whole| (whole, share))
    }

    /// The first page that is in this share.
    pub(crate) fn first(self) -> u64 {
        if self.index == 0 { self.of } else { self.index }
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.of)
    }
}

impl FromStr for Share {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let parts =
            text.split_once('/').and_then(|(index, of)| Some((index.parse().ok()?, of.parse().ok()?)));
        let (index, of) = parts.ok_or_else(|| {
            Error::new(Kind::Config, "not a share").at(text).advise("write it as 3/16, from 0/16 to 15/16")
        })?;
        Share::new(index, of)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_read_named_and_told_apart() {
        let whole = SourceId::new("hf/models").unwrap();
        let share: Share = "3/16".parse().unwrap();
        assert_eq!(share.name(&whole).as_str(), "hf/models.share-0003-of-0016");
        assert_eq!(Share::of_name(&share.name(&whole)), Some((whole.clone(), share)));
        assert_eq!(Share::of_name(&whole), None);
        for bad in ["16/16", "3", "a/b", "0/0", "-1/4"] {
            assert!(bad.parse::<Share>().is_err(), "{bad}");
        }
    }

    #[test]
    fn the_first_page_of_a_share_is_the_first_that_leaves_its_number() {
        assert_eq!((0..3).map(|index| Share::new(index, 3).unwrap().first()).collect::<Vec<_>>(), [3, 1, 2]);
    }
}
