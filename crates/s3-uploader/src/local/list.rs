//! Which files are to be sent: all below a folder that the globs leave, links never.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crawl_core::{Error, Kind, Result};
use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

use super::{Local, cannot, shown};

/// Which files are sent.
#[derive(Clone, Debug, Default)]
pub struct Choice {
    include: Option<GlobSet>,
    exclude: GlobSet,
    named: Option<BTreeSet<String>>,
    bounds: Bounds,
}

/// Bounds of size and age; `None` is none.
#[derive(Clone, Copy, Debug, Default)]
pub struct Bounds {
    /// The fewest bytes.
    pub min_size: Option<u64>,
    /// The most bytes.
    pub max_size: Option<u64>,
    /// Written after this, in seconds since 1970.
    pub after: Option<i64>,
    /// Written before this, in seconds since 1970.
    pub before: Option<i64>,
}

impl Bounds {
    fn hold(&self, size: u64, modified: Option<i64>) -> bool {
        // What does not tell its age is within no bound of age.
        let aged = |fits: &dyn Fn(i64) -> bool| modified.is_some_and(fits);
        self.min_size.is_none_or(|least| size >= least)
            && self.max_size.is_none_or(|most| size <= most)
            && self.after.is_none_or(|after| aged(&|modified| modified >= after))
            && self.before.is_none_or(|before| aged(&|modified| modified < before))
    }
}

impl Choice {
    /// Files whose names below the root fit one of `include` (all, if there is none) and none of `exclude`.
    /// `*` stays within a folder, `**` does not; a glob without `/` fits the last part of a name.
    ///
    /// # Errors
    /// [`Kind::Config`] if one of them is no glob.
    pub fn new(include: &[String], exclude: &[String]) -> Result<Self> {
        let set = |globs: &[String]| -> Result<GlobSet> {
            let mut set = GlobSetBuilder::new();
            for text in globs {
                let bad = |cause| Error::new(Kind::Config, "this is no glob").at(text).because(cause);
                let whole = if text.contains('/') { text.clone() } else { format!("**/{text}") };
                set.add(GlobBuilder::new(&whole).literal_separator(true).build().map_err(bad)?);
            }
            set.build().map_err(|cause| Error::new(Kind::Config, "too many globs").because(cause))
        };
        let include = if include.is_empty() { None } else { Some(set(include)?) };
        Ok(Choice { include, exclude: set(exclude)?, ..Choice::default() })
    }

    /// Only these names, of those that the globs take.
    #[must_use]
    pub fn only(self, names: BTreeSet<String>) -> Self {
        Choice { named: Some(names), ..self }
    }

    /// Only what is within these bounds.
    #[must_use]
    pub fn within(self, bounds: Bounds) -> Self {
        Choice { bounds, ..self }
    }

    /// Whether size and age, in seconds since 1970, are within bounds.
    pub fn fits(&self, size: u64, modified: Option<i64>) -> bool {
        self.bounds.hold(size, modified)
    }

    /// Whether the name is chosen.
    pub fn takes(&self, name: &str) -> bool {
        self.named.as_ref().is_none_or(|named| named.contains(name)) && self.takes_by_glob(name)
    }

    /// An error for each name that was asked for and is not among these.
    pub fn lacking<'a>(&'a self, seen: &'a BTreeSet<String>) -> impl Iterator<Item = Error> + 'a {
        let lacks = move |name: &&String| self.takes_by_glob(name) && !seen.contains(*name);
        self.named.iter().flatten().filter(lacks).map(|name| {
            Error::new(Kind::Gone, "this was named and is not there")
                .at(name.escape_debug().to_string())
                .advise(
                    "names are those below the folder, as `find FOLDER -type f -printf '%P\\n'` writes them",
                )
        })
    }

    fn takes_by_glob(&self, name: &str) -> bool {
        self.include.as_ref().is_none_or(|set| set.is_match(name)) && !self.exclude.is_match(name)
    }
}

/// What a folder holds.
#[derive(Debug, Default)]
pub struct Listing {
    /// The files to be sent, in order of name.
    pub files: Vec<Local>,
    /// What is there and is not sent, with the reason: links, sockets, names that are no text.
    pub refused: Vec<Error>,
    /// How many files the globs left out.
    pub left_out: u64,
}

/// Lists the files below a folder, or one file. Links are not followed, so nothing outside the root is sent.
/// Files in `own` (receipts and the like) are left out.
///
/// # Errors
/// [`Kind::Gone`] and others if the root itself cannot be read.
pub fn list(root: &Path, choice: &Choice, own: &[PathBuf]) -> Result<Listing> {
    let meta = root.metadata().map_err(|cause| cannot("look at", root, cause))?;
    let mut found = Listing::default();
    if meta.is_file() {
        let name = root.file_name().and_then(|name| name.to_str());
        let name = name.ok_or_else(|| no_text(root))?;
        let file = Local::at(root, name)?;
        if choice.takes(name) && choice.fits(file.stamp.size(), Some(file.stamp.modified())) {
            found.files.push(file);
        } else {
            found.left_out += 1;
        }
        found.refused.extend(choice.lacking(&BTreeSet::from([name.to_owned()])));
        return Ok(found);
    }
    let own: Vec<PathBuf> = own.iter().filter_map(|path| path.canonicalize().ok()).collect();
    let mut seen = BTreeSet::new();
    let mut folders = vec![(root.to_path_buf(), String::new())];
    while let Some((folder, prefix)) = folders.pop() {
        let entries = match std::fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(cause) if prefix.is_empty() => return Err(cannot("read", root, cause)),
            Err(cause) => {
                found.refused.push(cannot("read", &folder, cause));
                continue;
            }
        };
        for entry in entries {
            let entry = entry.map_err(|cause| cannot("read", &folder, cause))?;
            let path = entry.path();
            let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
                found.refused.push(no_text(&path));
                continue;
            };
            let name = format!("{prefix}{name}");
            // Links are no folders here: they are not followed.
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                folders.push((path, name + "/"));
            } else if is_own(&own, &path) {
                tracing::debug!(path = %shown(&path), "our own file is not sent");
            } else if !choice.takes(&name) {
                found.left_out += 1;
            } else {
                if choice.named.is_some() {
                    seen.insert(name.clone());
                }
                match Local::at(&path, &name) {
                    Ok(file) if !choice.fits(file.stamp.size(), Some(file.stamp.modified())) => {
                        found.left_out += 1;
                    }
                    Ok(file) => found.files.push(file),
                    Err(error) => found.refused.push(error),
                }
            }
        }
    }
    found.refused.extend(choice.lacking(&seen));
    found.files.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(found)
}

fn is_own(own: &[PathBuf], path: &Path) -> bool {
    // The last part first: asking the file system for each of many files takes its time.
    let same_name = |own: &&PathBuf| own.file_name() == path.file_name();
    own.iter().filter(same_name).any(|own| path.canonicalize().is_ok_and(|path| path == *own))
}

fn no_text(path: &Path) -> Error {
    Error::new(Kind::Denied, "not sent: the name is no UTF-8 text, and S3 knows no other")
        .at(shown(path))
        .advise("the file is kept; rename it")
}
