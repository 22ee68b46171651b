//! Which files of an item are fetched.

use crawl_core::{Error, Kind, Result, Settings};
use globset::GlobMatcher;

/// Which files of an item are fetched.
#[derive(Clone, Debug, Default)]
pub struct Pick {
    /// None at all.
    pub none: bool,
    /// Only files whose whole name fits one of these patterns, where there are any.
    pub globs: Vec<String>,
    /// Only files of so many bytes at most.
    pub max_size: Option<u64>,
}

/// What becomes of a file that an item has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Choice {
    /// It is fetched.
    Wanted,
    /// Nobody asked for it.
    Unwanted,
    /// It is left out, and why: the item's record tells it.
    LeftOut(&'static str),
}

/// A [`Pick`] whose patterns are read.
#[derive(Clone, Debug)]
pub(crate) struct Picker {
    pick: Pick,
    globs: Vec<GlobMatcher>,
}

impl Picker {
    /// # Errors
    /// [`Kind::Config`] for a pattern that is none.
    pub(crate) fn new(pick: Pick) -> Result<Self> {
        let glob = |pattern: &String| {
            globset::Glob::new(pattern).map(|glob| glob.compile_matcher()).map_err(|cause| {
                Error::new(Kind::Config, "not a pattern of file names").at(pattern.clone()).because(cause)
            })
        };
        let globs = pick.globs.iter().map(glob).collect::<Result<_>>()?;
        Ok(Picker { pick, globs })
    }

    /// Whether any file is fetched.
    pub(crate) fn any(&self) -> bool {
        !self.pick.none
    }

    /// Whether all files are: the archive of the item may be taken.
    pub(crate) fn all(&self) -> bool {
        self.any() && self.globs.is_empty() && self.pick.max_size.is_none()
    }

    pub(crate) fn choose(&self, name: &str, size: Option<u64>) -> Choice {
        if self.pick.none || !(self.globs.is_empty() || self.globs.iter().any(|glob| glob.is_match(name))) {
            return Choice::Unwanted;
        }
        match size.zip(self.pick.max_size) {
            Some((size, most)) if size > most => Choice::LeftOut("larger than --max-size"),
            _ => Choice::Wanted,
        }
    }

    /// More bytes than this are not taken of one file.
    pub(crate) fn most(&self) -> u64 {
        self.pick.max_size.unwrap_or(u64::MAX)
    }

    pub(crate) fn settings(&self) -> Settings {
        let pick = &self.pick;
        Settings::default()
            .with("files", !pick.none)
            .with_some("globs", (!pick.globs.is_empty()).then(|| pick.globs.join(",")))
            .with_some("max_size", pick.max_size)
    }
}
