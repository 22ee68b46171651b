//! Which files and objects are meant.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use crawl_cli::clap::{self, Args};
use crawl_cli::parse_size;
use crawl_core::{Error, Kind, Result, Timestamp};
use s3_uploader::{Bounds, Choice};

use super::door::parse_time;

/// Which files are meant; all that is given must hold.
#[derive(Args, Debug)]
#[command(next_help_heading = "Which files")]
pub(crate) struct FilterArgs {
    /// Only files that fit this glob; may be given several times. Without / it fits the last part of a name
    #[arg(long, value_name = "GLOB")]
    include: Vec<String>,
    /// No files that fit this glob; may be given several times
    #[arg(long, value_name = "GLOB")]
    exclude: Vec<String>,
    /// Only the names that this file lists, one a line, as they are below the folder
    #[arg(long, value_name = "FILE")]
    files_from: Option<PathBuf>,
    /// Only files of at least so many bytes
    #[arg(long, value_name = "BYTES", value_parser = parse_size)]
    min_size: Option<u64>,
    /// Only files of at most so many bytes
    #[arg(long, value_name = "BYTES", value_parser = parse_size)]
    max_size: Option<u64>,
    /// Only files that were written within this time, such as 12h or 7d
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    newer_than: Option<Duration>,
    /// Only files that were last written longer ago than this
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    older_than: Option<Duration>,
}

impl FilterArgs {
    /// Whether names are listed, each of which must be there.
    pub(crate) fn names_files(&self) -> bool {
        self.files_from.is_some()
    }

    pub(crate) fn choice(&self) -> Result<Choice> {
        let now = Timestamp::now().as_second();
        let ago = |time: Duration| now.saturating_sub_unsigned(time.as_secs());
        let choice = Choice::new(&self.include, &self.exclude)?.within(Bounds {
            min_size: self.min_size,
            max_size: self.max_size,
            after: self.newer_than.map(ago),
            before: self.older_than.map(ago),
        });
        let Some(path) = &self.files_from else { return Ok(choice) };
        let text = std::fs::read_to_string(path).map_err(|cause| {
            Error::new(Kind::Config, "cannot read the names of files")
                .at(path.display().to_string())
                .because(cause)
                .advise("give a file of UTF-8 text behind --files-from")
        })?;
        let names: BTreeSet<String> =
            text.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect();
        Ok(choice.only(names))
    }
}
