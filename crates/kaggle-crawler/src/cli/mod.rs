//! Flags and commands of `kaggle-crawler`.

mod account;
mod common;
mod competitions;
mod coverage;
mod datasets;
mod desk;
mod discussions;
mod kernels;
mod models;
mod plan;

use std::path::PathBuf;

use crawl_cli::anyhow::Result;
use crawl_cli::clap::{self, Parser, Subcommand};
use crawl_cli::{Flags, Outcome, Session, SharedCommand};

/// What Kaggle has: metadata, texts, lists of files, files.
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

/// What every command that asks Kaggle reads.
macro_rules! variables {
    ($examples:literal) => {
        concat!(
            "Examples:\n",
            $examples,
            "\n\nVariables: KAGGLE_API_TOKEN, KAGGLE_USERNAME, KAGGLE_KEY, KAGGLE_CONFIG_DIR, XDG_CONFIG_HOME, \
             HTTP_PROXY, HTTPS_PROXY,\nNO_PROXY, NO_COLOR; with --upload those of AWS"
        )
    };
}

#[derive(Subcommand, Debug)]
pub(crate) enum Command {
    /// List datasets into ROOT/stages, then fetch their metadata and files into ROOT/meta_data and ROOT/dataset
    #[command(after_help = variables!(
        "  kaggle-crawler datasets --root data/datasets --search weather --limit 200 --no-files
  kaggle-crawler datasets --root data/two owner/one owner/two --files '*.csv' --max-size 1GiB
  kaggle-crawler datasets --root data/all --slices --list-only
  kaggle-crawler datasets --root data/datasets --tag finance --upload s3://bucket/kaggle --disk-budget 50GiB"
    ))]
    Datasets(Box<datasets::DatasetsArgs>),
    /// List competitions from Meta Kaggle's table, then fetch their texts and leaderboards into ROOT/competitions
    #[command(after_help = variables!(
        "  kaggle-crawler competitions --root data/competitions
  kaggle-crawler competitions --root data/two titanic house-prices-advanced-regression-techniques
  kaggle-crawler competitions --root data/open --category research --limit 50"
    ))]
    Competitions(Box<competitions::CompetitionsArgs>),
    /// List kernels into ROOT/stages, then fetch their sources, logs and metadata into ROOT/info and ROOT/code
    #[command(after_help = variables!(
        "  kaggle-crawler kernels --root data/kernels --competition titanic --limit 200
  kaggle-crawler kernels --root data/two owner/one owner/two --outputs --files '*.csv' --max-size 1GiB
  kaggle-crawler kernels --root data/all --slices --list-only
  kaggle-crawler kernels --root data/some --user ann --user bob --language python --kernel-type notebook
  kaggle-crawler kernels --root data/course --course pandas"
    ))]
    Kernels(Box<kernels::KernelsArgs>),
    /// List topics of discussion into ROOT/stages, then fetch them with all comments into ROOT/topics
    #[command(after_help = variables!(
        "  kaggle-crawler discussions --root data/talk --forum getting-started --limit 500
  kaggle-crawler discussions --root data/noise --dataset owner/slug --pseudonyms
  kaggle-crawler discussions --root data/some 123456 123457
  kaggle-crawler discussions --root data/all --meta meta-kaggle --pseudonyms"
    ))]
    Discussions(Box<discussions::DiscussionsArgs>),
    /// List models into ROOT/stages, then fetch their cards, variations and files into ROOT/info and ROOT/model
    #[command(after_help = variables!(
        "  kaggle-crawler models --root data/models --sort-by vote-count --limit 100 --no-files
  kaggle-crawler models --root data/two owner/one owner/two --versions all
  kaggle-crawler models --root data/configs --owner google --files 'config.json' --files '*.md'"
    ))]
    Models(Box<models::ModelsArgs>),
    /// Show how much of what there is a listing saw: expected, seen, and queries that may have hidden something
    #[command(after_help = "Example:\n  kaggle-crawler coverage data/all")]
    Coverage {
        /// The root of a crawl
        root: PathBuf,
        /// How many items there should be, where you know it; else what Meta Kaggle's tables told, if --meta read them
        #[arg(long, value_name = "ITEMS")]
        expected: Option<u64>,
        /// As JSON: a list, an object a listing
        #[arg(long)]
        json: bool,
    },
    #[command(flatten)]
    Shared(SharedCommand),
}

impl Command {
    pub(crate) async fn run(self, session: &Session) -> Result<Outcome> {
        match self {
            Command::Datasets(arguments) => datasets::run(*arguments, session).await,
            Command::Competitions(arguments) => competitions::run(*arguments, session).await,
            Command::Kernels(arguments) => kernels::run(*arguments, session).await,
            Command::Discussions(arguments) => discussions::run(*arguments, session).await,
            Command::Models(arguments) => models::run(*arguments, session).await,
            Command::Coverage { root, expected, json } => coverage::run(&root, expected, json),
            Command::Shared(command) => session.shared::<Cli>(command).await,
        }
    }
}
