//! JSONL that can be read twice: a file, a spooled stdin, the committed pages of a listing.

use std::fs::File;
use std::io::{self, Read, Seek};
use std::path::{Path, PathBuf};

use crawl_core::json::Raw;
use crawl_core::{Error, Input, Kind, Result, SourceId, Stored};

use crate::lines::{Line, Lines};
use crate::summary::Summary;
use crate::unpack;

/// Where lines come from. Each reading gives the same lines.
pub(crate) enum Supply {
    File(PathBuf),
    /// A file without a name; the system frees it when the process ends, however it ends.
    Spool(File),
    Pages(Input),
}

impl Supply {
    /// Keeps what `reader` gives in a temporary file in `folder`.
    ///
    /// # Errors
    /// [`Kind::Storage`] if the reader or the disk fails.
    pub(crate) fn spool(reader: &mut dyn Read, folder: &Path) -> Result<Self> {
        let spooled =
            tempfile::tempfile_in(folder).and_then(|mut file| io::copy(reader, &mut file).map(|_| file));
        spooled
            .map(Supply::Spool)
            .map_err(|cause| Error::io("cannot keep stdin in a temporary file", folder, cause))
    }

    /// The pages of the listing `source` under `root`, or of the only listing there.
    ///
    /// # Errors
    /// [`Kind::Config`] if there is none, or several and none is named.
    pub(crate) fn root(root: &Path, source: Option<&str>) -> Result<Self> {
        let id = match source {
            Some(source) => SourceId::new(source)?,
            None => only_source(root)?,
        };
        Input::open(root, &id).map(Supply::Pages)
    }

    /// Gives each record to `each`, once more for each call; bad lines are noted in `summary`.
    ///
    /// # Errors
    /// [`Kind::Storage`] if the lines cannot be read, and those of `each`.
    pub(crate) fn read(
        &self,
        summary: &mut Summary,
        mut each: impl FnMut(Raw<'_>) -> Result<()>,
    ) -> Result<()> {
        match self {
            Supply::File(path) => {
                let file = File::open(path).map_err(|cause| cannot_open(path, cause))?;
                drain(Lines::new(unpack::unpacked(file), path.display().to_string()), summary, &mut each)
            }
            Supply::Spool(file) => {
                let mut file = file;
                file.rewind().map_err(|cause| {
                    Error::new(Kind::Storage, "cannot read the spooled stdin").because(cause)
                })?;
                drain(Lines::new(unpack::unpacked(file), "stdin"), summary, &mut each)
            }
            Supply::Pages(input) => input.listings().try_for_each(|stored| {
                (1..=stored.checkpoint().pages).try_for_each(|number| {
                    let place = format!("{} page {number}", stored.folder().display());
                    let lines = stored.lines(number)?;
                    drain(Lines::new(lines.as_ref(), place), summary, &mut each)
                })
            }),
        }
    }
}

/// Gives each record of `lines` to `each`; the others are noted in `summary`.
///
/// # Errors
/// As [`Supply::read`].
pub(crate) fn drain<R: Read>(
    mut lines: Lines<R>,
    summary: &mut Summary,
    each: &mut impl FnMut(Raw<'_>) -> Result<()>,
) -> Result<()> {
    while let Some(line) = lines.next_line()? {
        match line {
            Line::Record(record) => {
                summary.records_read += 1;
                each(record)?;
            }
            Line::Bad(bad) => summary.note_bad(bad),
            Line::Blank => summary.blank_lines += 1,
        }
    }
    Ok(())
}

fn only_source(root: &Path) -> Result<SourceId> {
    let mut sources = Stored::sources(root)?;
    if let (1, Some(only)) = (sources.len(), sources.pop()) {
        return Ok(only);
    }
    let sources: Vec<_> = Stored::sources(root)?.iter().map(ToString::to_string).collect();
    let error = if sources.is_empty() {
        Error::new(Kind::Config, "no committed pages in this folder")
            .advise("name the root of a crawl; of a folder of tables, name one file after the other")
    } else {
        Error::new(Kind::Config, "this root has several listings")
            .advise(format!("name one with --source: {}", sources.join(", ")))
    };
    Err(error.at(root.display().to_string()))
}

/// The error for an input that cannot be opened: mostly a wrong name.
pub(crate) fn cannot_open(path: &Path, cause: io::Error) -> Error {
    let error = |kind| Error::new(kind, "cannot open the input").at(path.display().to_string());
    if cause.kind() == io::ErrorKind::NotFound {
        return error(Kind::Config).advise("name a file or a folder that is there").because(cause);
    }
    error(Kind::Storage).because(cause)
}
