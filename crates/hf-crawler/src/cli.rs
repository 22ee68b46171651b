//! Flags and commands of `hf-crawler`.

mod access;
mod apart;
pub(crate) mod catalogue;
pub(crate) mod details;
pub(crate) mod fits;
pub(crate) mod process;

use std::path::PathBuf;

use crawl_cli::anyhow::{self, Result};
use crawl_cli::clap::{self, Args, Parser, Subcommand, ValueEnum};
use crawl_cli::{Flags, Known, Outcome, Session, SharedCommand, grouped, say};
use crawl_core::{Compression, Error, Kind, Pump, Source, SourceId, Store, Stored, Timestamp};
use hf_crawler::{Fields, History, Listing, PARTIAL, Repos, Repositories, parse_date};
use s3_uploader::UploadFlags;

/// Metadata of datasets and models from the Hugging Face Hub, resumable page by page.
///
/// Run the same command again to go on after a stop or a crash: nothing is lost, nothing is had twice.
#[derive(Parser, Debug)]
#[command(name = "hf-crawler", version)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
    #[command(flatten)]
    pub(crate) flags: Flags,
}

#[derive(Subcommand, Debug)]
pub(crate) enum Command {
    /// List the Hub's datasets into ROOT/hf/datasets
    #[command(after_help = "\
Examples:
  hf-crawler datasets --root data/hub                      every dataset, oldest first
  hf-crawler datasets --root data/new --since 2026-11-16   what changed since that day
  hf-crawler datasets --root data/law --filter task_categories:text-classification --limit 5000
  hf-crawler datasets --root data/hub --upload s3://bucket/hub --disk-budget 10GiB

Variables: HF_TOKEN, HUGGING_FACE_HUB_TOKEN, HF_TOKEN_PATH, HF_HOME, HF_HUB_DISABLE_IMPLICIT_TOKEN,
HF_ENDPOINT, HF_HUB_OFFLINE, TRANSFORMERS_OFFLINE, HTTP_PROXY, HTTPS_PROXY, ALL_PROXY, NO_PROXY,
NO_COLOR;
with --upload: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, AWS_PROFILE, AWS_REGION, AWS_ENDPOINT_URL")]
    Datasets(ListArgs),
    /// List the Hub's models into ROOT/hf/models
    #[command(after_help = "\
Examples:
  hf-crawler models --root data/models                      every model, oldest first, with cards and configs
  hf-crawler models --root data/today --fields light        every model: names, times, tags and counters
  hf-crawler models --root data/new --since data/models     what changed since that crawl began
  hf-crawler models --root data/chat --pipeline-tag text-generation --library gguf --filter license:mit
  hf-crawler models --root data/models --upload s3://bucket/models --disk-budget 10GiB

Fields: light asks for author sha createdAt lastModified private gated disabled downloads downloadsAllTime likes
trendingScore usedStorage tags pipeline_tag library_name; heavy for these and cardData config safetensors gguf siblings
transformersInfo baseModels childrenModelCount. --expand FIELD asks for others, or for fewer.

Variables: HF_TOKEN, HUGGING_FACE_HUB_TOKEN, HF_TOKEN_PATH, HF_HOME, HF_HUB_DISABLE_IMPLICIT_TOKEN,
HF_ENDPOINT, HF_HUB_OFFLINE, TRANSFORMERS_OFFLINE, HTTP_PROXY, HTTPS_PROXY, ALL_PROXY, NO_PROXY,
NO_COLOR;
with --upload: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, AWS_PROFILE, AWS_REGION, AWS_ENDPOINT_URL")]
    Models(ModelsArgs),
    /// What the listing in ROOT does not tell of chosen models or datasets: files, config.json, cards
    #[command(after_help = details::HELP)]
    Details(details::DetailsArgs),
    /// Which models of a catalogue fit a device or so much memory
    #[command(after_help = fits::HELP)]
    Fits(fits::FitsArgs),
    /// Keep or drop listed rows by a filter file; write the 14 fields that classifying needs
    #[command(after_help = "\
Example:
  hf-crawler process data/hub --root data/processed --filter configs/filters/weekly.toml --history data/history.jsonl
  hf-crawler process data/hub --root data/processed --share 0/4     a quarter of the pages; then `gather data/processed`")]
    Process(process::ProcessArgs),
    /// Fold what runs have told into one Parquet file: of each field the newest value, of each row when it was gone
    #[command(after_help = "\
Examples:
  hf-crawler catalogue data/models data/models-new --to data/models.parquet   two runs, in any order
  hf-crawler catalogue data/today --to data/models.parquet                    one more run into the same file
  hf-crawler catalogue --to data/models.parquet --legacy data/seed.parquet    the 37 columns of the seed system
  hf-crawler catalogue data/today --to data/models.parquet --card             and what tells of it, beside it
Other tables: record-converter data/models.parquet models.csv --columns id,downloads,parameters")]
    Catalogue(catalogue::CatalogueArgs),
    /// Tell what changed between two catalogues: new, gone, back, renamed, licence, gated, which fields
    #[command(after_help = "\
Examples:
  hf-crawler diff last-week.parquet models.parquet                      a short report
  hf-crawler diff last-week.parquet models.parquet --to changes.jsonl   a line for each row that changed; or .xlsx, .md")]
    Diff(catalogue::DiffArgs),
    /// The history: what earlier runs have had
    #[command(subcommand)]
    History(HistoryCommand),
    #[command(flatten)]
    Shared(SharedCommand),
}

#[derive(Args, Debug)]
pub(crate) struct ModelsArgs {
    #[command(flatten)]
    list: ListArgs,
    /// Only of this task, such as text-generation
    #[arg(long, value_name = "TASK")]
    pipeline_tag: Option<String>,
    /// Only of this library, such as transformers or gguf; may be given several times. The Hub knows it as a tag
    #[arg(long, value_name = "NAME")]
    library: Vec<String>,
    /// Only of so many parameters, such as min:6B,max:128B
    #[arg(long, value_name = "RANGE")]
    num_parameters: Option<String>,
    /// Only what this program runs, such as ollama or vllm; may be given several times
    #[arg(long, value_name = "NAME")]
    apps: Vec<String>,
    /// Only what is served so: warm
    #[arg(long, value_name = "STATE")]
    inference: Option<String>,
    /// Only what this provider serves, or `all` for any of them; may be given several times
    #[arg(long, value_name = "NAME")]
    inference_provider: Vec<String>,
}

const SORTS: [&str; 8] = [
    "createdAt",
    "lastModified",
    "downloads",
    "likes",
    "likes30d",
    "trendingScore",
    "num_parameters",
    "mainSize",
];

/// What both listings are told.
#[derive(Args, Debug)]
pub(crate) struct ListArgs {
    /// Where the pages go; a new crawl is a new root
    #[arg(long, value_name = "DIR")]
    root: PathBuf,
    /// Stop after so many rows
    #[arg(long, value_name = "ROWS")]
    limit: Option<u64>,
    /// The order; all but createdAt are descending [default: createdAt, or lastModified with --since]
    #[arg(long, value_name = "KEY", value_parser = SORTS)]
    sort: Option<String>,
    /// Only what changed since: a day, a time (RFC 3339), or the root of an earlier crawl (its beginning)
    #[arg(long, value_name = "TIME|ROOT")]
    since: Option<String>,
    /// How many minutes before --since are listed again, for clocks that differ
    #[arg(long, value_name = "MINUTES", default_value_t = 60, requires = "since")]
    overlap: u32,
    /// Only of this owner
    #[arg(long)]
    author: Option<String>,
    /// Only with this in the id; for datasets it may be given several times
    #[arg(long, value_name = "TEXT")]
    search: Vec<String>,
    /// Only with this tag, such as license:mit; may be given several times
    #[arg(long, value_name = "TAG")]
    filter: Vec<String>,
    /// Only those that ask for access before they give files, or only those that do not
    #[arg(long, value_name = "true|false")]
    gated: Option<bool>,
    /// How much of each row: light is names, times, tags and counters; heavy has cards, and of models configs and files
    #[arg(long, value_enum, default_value_t = FieldSet::Heavy, conflicts_with = "expand")]
    fields: FieldSet,
    /// Only this field, beside the id; may be given several times [default: those of --fields]
    #[arg(long, value_name = "FIELD")]
    expand: Vec<String>,
    /// Rows a page, at most 1000
    #[arg(long, value_name = "ROWS", default_value_t = 1000, value_parser = clap::value_parser!(u64).range(1..=1000))]
    page_size: u64,
    /// How committed pages are compressed
    #[arg(long, value_enum, default_value_t = Packing::None)]
    compress: Packing,
    #[command(flatten)]
    hub: access::HubFlags,
    #[command(flatten)]
    upload: UploadFlags,
}

#[derive(ValueEnum, Clone, Copy, Debug)]
enum FieldSet {
    Light,
    Heavy,
}

#[derive(ValueEnum, Clone, Copy, Debug)]
enum Packing {
    None,
    Gzip,
    Zstd,
}

impl From<Packing> for Compression {
    fn from(packing: Packing) -> Self {
        match packing {
            Packing::None => Compression::None,
            Packing::Gzip => Compression::Gzip,
            Packing::Zstd => Compression::Zstd,
        }
    }
}

#[derive(Subcommand, Debug)]
pub(crate) enum HistoryCommand {
    /// Add the kept rows of a finished run, so that the next run drops them
    #[command(
        after_help = "Example:\n  hf-crawler history add data/weekly/2026-11-23/3_classified --history data/history.jsonl"
    )]
    Add {
        /// The root of a finished run
        input: PathBuf,
        /// The history file; made if it is not there
        #[arg(long, value_name = "FILE")]
        history: PathBuf,
    },
}

pub(crate) async fn datasets(arguments: ListArgs, session: &Session) -> Result<Outcome> {
    list(arguments, Listing::default(), session).await
}

pub(crate) async fn models(arguments: ModelsArgs, session: &Session) -> Result<Outcome> {
    let ModelsArgs { mut list, pipeline_tag, library, num_parameters, apps, inference, inference_provider } =
        arguments;
    list.filter.extend(library);
    let asked = Listing {
        repos: Repos::Models,
        pipeline_tag,
        num_parameters,
        apps,
        inference,
        inference_provider,
        ..Listing::default()
    };
    self::list(list, asked, session).await
}

/// `asked` is what the arguments do not know.
async fn list(arguments: ListArgs, asked: Listing, session: &Session) -> Result<Outcome> {
    let listing = Listing {
        sort: arguments.sort,
        since: arguments.since.as_deref().map(|since| since_time(since, asked.repos)).transpose()?,
        overlap: arguments.overlap,
        author: arguments.author,
        search: arguments.search,
        filter: arguments.filter,
        gated: arguments.gated,
        fields: match arguments.fields {
            FieldSet::Light => Fields::Light,
            FieldSet::Heavy => Fields::Heavy,
        },
        expand: arguments.expand,
        page_size: Some(arguments.page_size),
        ..asked
    };
    let (hub, _) = arguments.hub.open(session)?;
    let source = Repositories::new(hub.clone(), listing)?;
    let store = Store::new(&arguments.root).with_compression(arguments.compress.into());
    let waiting = || hub.waiting();
    let options = Pump::default().rows(arguments.limit);
    let known = Known { expects: arguments.limit, waiting: Some(&waiting), ..Known::default() };
    let crawled = arguments.upload.crawl(session, &source, &store, options, known);
    let (_, outcome) = crawled.await?;
    let doubt = doubt(&Stored::open(&arguments.root, source.id())?)?;
    let Some(doubt) = doubt else { return Ok(outcome) };
    say(format!("  in doubt: {doubt}"));
    // Whatever waits for the end of this must not take it for whole.
    Ok(if outcome == Outcome::Done { Outcome::Missing } else { outcome })
}

/// Why a listing may have holes, if there is a reason.
fn doubt(stored: &Stored) -> Result<Option<String>> {
    Ok(stored.manifest()?.into_iter().find_map(|line| line.doubt))
}

/// A day, a time, or the moment at which an earlier crawl began.
fn since_time(since: &str, repos: Repos) -> Result<Timestamp> {
    let time = match parse_date(since) {
        Ok(time) => time,
        Err(_) if std::path::Path::new(since).is_dir() => {
            let stored = Stored::open(since.as_ref(), &SourceId::new(repos.listing())?)?;
            let settings = stored.checkpoint().settings.clone().unwrap_or_default();
            let partial = PARTIAL.iter().find(|name| settings.get(name).is_some());
            let why = match (stored.checkpoint().ended(), partial) {
                (_, Some(flag)) => Some(format!("it was made with --{}", flag.replace('_', "-"))),
                (false, None) => Some("it has not ended".to_owned()),
                (true, None) => doubt(&stored)?,
            };
            if let Some(why) = why {
                let what = "that crawl is not surely a whole one: what it did not reach would be lost";
                return Err(Error::new(Kind::Config, format!("{what} ({why})"))
                    .at(since)
                    .advise("finish it, or give a day or a time")
                    .into());
            }
            let pages = stored.manifest()?;
            let none = || Error::new(Kind::Config, "that crawl has no pages").at(since);
            pages.first().ok_or_else(none)?.fetched_at
        }
        Err(error) => {
            // What does not begin as a time was meant as a folder.
            let error = match since.starts_with(|first: char| first.is_ascii_digit()) {
                true => error,
                false => Error::new(Kind::Config, "neither a day nor a folder that is there").at(since),
            };
            return Err(error.advise("give a day, a time (RFC 3339) or the root of an earlier crawl").into());
        }
    };
    if time > Timestamp::now() {
        return Err(Error::new(Kind::Config, "--since lies in the future").at(since).into());
    }
    Ok(time)
}

pub(crate) fn history(command: HistoryCommand) -> Result<Outcome> {
    let HistoryCommand::Add { input, history } = command;
    let sources = Stored::sources(&input)?;
    anyhow::ensure!(
        !sources.is_empty(),
        Error::new(Kind::Config, "no listing was begun here").at(input.display().to_string())
    );
    for id in sources {
        let (new, known) = History::add(&history, &input, &id)?;
        say(format!("{id}: {} added to {}, {} were there", grouped(new), history.display(), grouped(known)));
    }
    Ok(Outcome::Done)
}
