//! Flags and commands of `kaggle-crawler`.

mod account;

use std::num::NonZeroU64;
use std::path::PathBuf;

use crawl_cli::anyhow::Result;
use crawl_cli::clap::{self, Args, Parser, Subcommand};
use crawl_cli::{Flags, HttpFlags, Known, Outcome, Session, SharedCommand, parse_size, say};
use crawl_core::http::Http;
use crawl_core::{Error, Input, Kind, Next, Pump, Round, Share, SourceId, Store, Stored};
use kaggle_crawler::{Datasets, Details, Kaggle, Listing, Named, Select};
use s3_uploader::UploadFlags;

/// Datasets from Kaggle: metadata, lists of files, files.
///
/// Run the same command again to go on after a stop or a crash: nothing is lost, nothing is had twice.
#[derive(Parser, Debug)]
#[command(name = "kaggle-crawler", version)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
    #[command(flatten)]
    pub(crate) flags: Flags,
}

#[derive(Subcommand, Debug)]
pub(crate) enum Command {
    /// List datasets into ROOT/stages, then fetch their metadata and files into ROOT/meta_data and ROOT/dataset
    #[command(after_help = "\
Examples:
  kaggle-crawler datasets --root data/kaggle --search weather --limit 200 --no-files
  kaggle-crawler datasets --root data/two owner/one owner/two --files '*.csv' --max-size 1GiB
  kaggle-crawler datasets --root data/kaggle --tag finance --upload s3://bucket/kaggle --disk-budget 50GiB

Variables: KAGGLE_API_TOKEN, KAGGLE_USERNAME, KAGGLE_KEY, KAGGLE_CONFIG_DIR, XDG_CONFIG_HOME, HTTP_PROXY, HTTPS_PROXY,
NO_PROXY, NO_COLOR; with --upload those of AWS")]
    Datasets(Box<DatasetsArgs>),
    #[command(flatten)]
    Shared(SharedCommand),
}

#[derive(Args, Debug)]
pub(crate) struct DatasetsArgs {
    /// Only these: owner/slug
    #[arg(value_name = "REF", conflicts_with_all = ["search", "tag", "user", "license", "sort_by"])]
    refs: Vec<String>,
    /// Only those in this file, one a line
    #[arg(long = "refs", value_name = "FILE", conflicts_with_all = ["search", "tag", "user", "license", "sort_by"])]
    refs_file: Option<PathBuf>,
    /// Where everything goes; a new crawl is a new root
    #[arg(long, value_name = "DIR")]
    root: PathBuf,
    /// List no more than so many
    #[arg(long, value_name = "ROWS")]
    limit: Option<u64>,
    /// Only with this text
    #[arg(long, value_name = "TEXT")]
    search: Option<String>,
    /// Only with this tag
    #[arg(long)]
    tag: Option<String>,
    /// Only of this owner
    #[arg(long)]
    user: Option<String>,
    /// Only under such a licence
    #[arg(long, value_parser = ["cc", "gpl", "odb", "other"])]
    license: Option<String>,
    /// The order of the listing [default: published, which moves least]
    #[arg(long, value_parser = ["published", "votes", "updated", "hottest", "active", "download-count", "notebook-count"])]
    sort_by: Option<String>,
    /// Drop what is rated lower than this, or not at all; 0 keeps everything
    #[arg(long, value_name = "RATING", default_value_t = 0.8)]
    usability: f64,
    /// Only files whose name fits; may be given several times
    #[arg(long, value_name = "GLOB", conflicts_with = "no_files")]
    files: Vec<String>,
    /// Only files of this size at most; larger ones are named in FilesLeftOut
    #[arg(long, value_name = "BYTES", value_parser = parse_size, conflicts_with = "no_files")]
    max_size: Option<u64>,
    /// Fetch no files, only metadata
    #[arg(long)]
    no_files: bool,
    /// Only list; for --share, which wants a listing that has ended
    #[arg(long)]
    list_only: bool,
    /// Only a part of the pages, such as 3/16; `gather` joins them
    #[arg(long, value_name = "I/N", conflicts_with_all = ["list_only", "retry_missing"])]
    share: Option<Share>,
    /// Ask again for what is missing, into a listing of its own
    #[arg(long)]
    retry_missing: bool,
    /// Datasets a page of meta_data
    #[arg(long, value_name = "ROWS", default_value = "20")]
    rows_a_page: NonZeroU64,
    /// Kaggle's address; at its own no more than one request a second is sent, without --per-second
    #[arg(long, value_name = "URL", default_value = Kaggle::ENDPOINT)]
    endpoint: String,
    #[command(flatten)]
    http: HttpFlags,
    #[command(flatten)]
    upload: UploadFlags,
}

pub(crate) async fn datasets(arguments: DatasetsArgs, session: &Session) -> Result<Outcome> {
    let http = Http::new(arguments.http.http(4, session.stop()))?;
    let mut kaggle = account::with_account(Kaggle::new(http, &arguments.endpoint)?)?;
    if arguments.endpoint == Kaggle::ENDPOINT && arguments.http.per_second.is_none() {
        kaggle = kaggle.politely();
    }
    let waiting = || kaggle.waiting();
    let store = Store::new(&arguments.root);
    let id = SourceId::new("stages/datasets")?;
    let mut listed = Outcome::Done;
    if arguments.share.is_none() {
        let known = Known { expects: arguments.limit, waiting: Some(&waiting), ..Known::default() };
        let options = Pump::default().rows(arguments.limit);
        listed = match refs(&arguments)? {
            Some(refs) => session.crawl(&Named::new(&kaggle, refs)?, &store, options, known).await?.1,
            None => {
                let listing = Listing {
                    search: arguments.search,
                    tag: arguments.tag,
                    user: arguments.user,
                    license: arguments.license,
                    sort_by: arguments.sort_by,
                };
                session.crawl(&Datasets::new(kaggle.clone(), listing)?, &store, options, known).await?.1
            }
        };
        let doubts = Stored::open(&arguments.root, &id)?.manifest()?;
        if let Some(doubt) = doubts.into_iter().find_map(|line| line.doubt) {
            say(format!("  in doubt: {doubt}"));
            listed = worse(listed, Outcome::Missing);
        }
        if arguments.list_only || listed == Outcome::Stopped {
            return Ok(listed);
        }
    }
    let select = Select {
        usability: arguments.usability,
        files: !arguments.no_files,
        globs: arguments.files,
        max_size: arguments.max_size,
    };
    let input = Input::open(&arguments.root, &id)?;
    let details = Details::over(input, kaggle.clone(), select)?
        .rows_a_page(Some(arguments.rows_a_page))
        .share(arguments.share)?;
    let next = match arguments.retry_missing {
        true => Round::next(&arguments.root, &SourceId::new("meta_data")?)?,
        false => Next::Whole,
    };
    let source = match next {
        Next::Whole => details,
        Next::Again(round) => details.again(round)?,
        Next::Nothing => {
            say(format!("nothing is missing in {}", arguments.root.display()));
            return Ok(listed);
        }
    };
    let known = Known { expects: source.expects(), waiting: Some(&waiting), ..Known::default() };
    let crawled = arguments.upload.crawl(session, &source, &store, Pump::default().in_flight(2), known);
    Ok(worse(crawled.await?.1, listed))
}

fn worse(one: Outcome, other: Outcome) -> Outcome {
    if one == Outcome::Done { other } else { one }
}

/// The refs that were given, if any were.
fn refs(arguments: &DatasetsArgs) -> Result<Option<Vec<String>>> {
    let mut refs = arguments.refs.clone();
    if let Some(path) = &arguments.refs_file {
        let text = std::fs::read_to_string(path).map_err(|cause| {
            Error::new(Kind::Config, "cannot read the file of refs")
                .at(path.display().to_string())
                .because(cause)
        })?;
        refs.extend(text.lines().map(str::trim).filter(|line| !line.is_empty()).map(String::from));
    }
    Ok((!refs.is_empty() || arguments.refs_file.is_some()).then_some(refs))
}
