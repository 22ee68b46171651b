//! Flags that all parts share.

use std::num::NonZeroU64;
use std::ops::RangeInclusive;
use std::path::PathBuf;

use crawl_cli::anyhow::Result;
use crawl_cli::clap::{self, Args};
use crawl_cli::{HttpFlags, parse_size};
use crawl_core::{Error, Kind, Share};
use kaggle_crawler::{Kaggle, Pick};
use s3_uploader::UploadFlags;

/// Which items, how far, from where, whereto.
#[derive(Args, Debug)]
pub(crate) struct Common {
    /// Only these: owner/slug (of a competition its slug, of a topic its number)
    #[arg(value_name = "REF")]
    pub(crate) refs: Vec<String>,
    /// Only those in this file, one a line
    #[arg(long = "refs", value_name = "FILE")]
    pub(crate) refs_file: Option<PathBuf>,
    /// Where everything goes; a new crawl is a new root
    #[arg(long, value_name = "DIR")]
    pub(crate) root: PathBuf,
    /// List no more than so many
    #[arg(long, value_name = "ROWS")]
    pub(crate) limit: Option<u64>,
    /// List only this page of Kaggle's (20 items), or these, both included, where Kaggle numbers its pages
    #[arg(long, value_name = "N|A..B", value_parser = pages, conflicts_with_all = ["limit", "refs", "refs_file"])]
    pub(crate) pages: Option<RangeInclusive<u64>>,
    /// Fetch the next K pages of what is listed, then end; again for the K after those
    #[arg(long, value_name = "K", conflicts_with_all = ["list_only", "plan", "retry_missing"])]
    pub(crate) next: Option<NonZeroU64>,
    /// Only list, and tell how many items, bytes and hours it will be
    #[arg(long)]
    pub(crate) plan: bool,
    /// Only list; for --share, which wants a listing that has ended
    #[arg(long)]
    pub(crate) list_only: bool,
    /// Only a part of the pages, such as 3/16; `gather` joins them
    #[arg(long, value_name = "I/N", conflicts_with_all = ["list_only", "plan", "retry_missing", "next"])]
    pub(crate) share: Option<Share>,
    /// Leave out what this earlier root has and what has not changed since; counted as `unchanged`
    #[arg(long, value_name = "ROOT")]
    pub(crate) since: Option<PathBuf>,
    /// Ask again for what is missing, into a listing of its own
    #[arg(long)]
    pub(crate) retry_missing: bool,
    /// Items a page of the final format
    #[arg(long, value_name = "ROWS", default_value = "20")]
    pub(crate) rows_a_page: NonZeroU64,
    /// Kaggle's address; at its own no more than one request a second is sent, without --per-second
    #[arg(long, value_name = "URL", default_value = Kaggle::ENDPOINT)]
    pub(crate) endpoint: String,
    #[command(flatten)]
    pub(crate) http: HttpFlags,
    #[command(flatten)]
    pub(crate) upload: UploadFlags,
}

/// Which files of an item.
#[derive(Args, Clone, Debug)]
pub(crate) struct FileFlags {
    /// Only files whose name fits; may be given several times
    #[arg(long, value_name = "GLOB", conflicts_with = "no_files")]
    files: Vec<String>,
    /// Only files of this size at most; larger ones are named in FilesLeftOut
    #[arg(long, value_name = "BYTES", value_parser = parse_size, conflicts_with = "no_files")]
    max_size: Option<u64>,
    /// Fetch no files, only metadata
    #[arg(long)]
    no_files: bool,
}

impl FileFlags {
    pub(crate) fn pick(self) -> Pick {
        Pick { none: self.no_files, globs: self.files, max_size: self.max_size }
    }
}

/// One page or several, from 1.
fn pages(text: &str) -> Result<RangeInclusive<u64>, String> {
    let (from, to) = text.split_once("..").unwrap_or((text, text));
    let number = |text: &str| text.trim_start_matches('=').parse::<u64>().ok().filter(|page| *page > 0);
    match (number(from), number(to)) {
        (Some(from), Some(to)) if from <= to => Ok(from..=to),
        _ => Err("write a page as 7 or pages as 7..12; the first is 1".into()),
    }
}

impl Common {
    /// The refs that were given, if any were.
    pub(crate) fn refs(&self) -> Result<Option<Vec<String>>> {
        let mut refs = self.refs.clone();
        if let Some(path) = &self.refs_file {
            let text = std::fs::read_to_string(path).map_err(|cause| {
                Error::new(Kind::Config, "cannot read the file of refs")
                    .at(path.display().to_string())
                    .because(cause)
            })?;
            let lines = text.trim_start_matches('\u{feff}').lines().map(str::trim);
            refs.extend(lines.filter(|line| !line.is_empty() && !line.starts_with('#')).map(String::from));
        }
        Ok((!refs.is_empty() || self.refs_file.is_some()).then_some(refs))
    }

    /// Refuses to move the pages of a share on: they get their numbers, and so their names, when shares are joined.
    pub(crate) fn no_shared_upload(&self) -> Result<()> {
        if self.share.is_none() || (self.upload.upload.is_none() && self.upload.cloud.is_none()) {
            return Ok(());
        }
        let root = self.root.display();
        Err(Error::new(Kind::Config, "--share does not go with --upload or --cloud: shares are joined first")
            .advise(format!(
                "fetch each share without --upload, join them with `kaggle-crawler gather {root}`, then send them with \
                 `s3-uploader move {root} s3://bucket/prefix`"
            ))
            .into())
    }

    /// Refuses filters beside refs, which would be ignored.
    pub(crate) fn no_filters(&self, given: &[(&str, bool)]) -> Result<()> {
        match given.iter().find(|(_, given)| *given) {
            Some((name, _)) => Err(Error::new(Kind::Config, format!("{name} does not go with refs"))
                .advise("give either refs or filters")
                .into()),
            None => Ok(()),
        }
    }
}
