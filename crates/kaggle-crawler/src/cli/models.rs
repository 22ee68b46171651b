//! `models`.

use std::path::PathBuf;

use crawl_cli::anyhow::Result;
use crawl_cli::clap::{self, Args, ValueEnum};
use crawl_cli::{Outcome, Session};
use crawl_core::json::Raw;
use crawl_core::{Record, Since};
use kaggle_crawler::meta;
use kaggle_crawler::models::{Details, Filters, MODELS, Select, Versions, version};
use kaggle_crawler::{Listed, Named, folder};

use super::common::{Common, FileFlags};
use super::desk::Desk;

#[derive(Args, Debug)]
pub(crate) struct ModelsArgs {
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    files: FileFlags,
    /// Which versions of each variation
    #[arg(long, value_enum, default_value_t = Which::Latest)]
    versions: Which,
    /// Only with this text
    #[arg(long, value_name = "TEXT")]
    search: Option<String>,
    /// Only of this owner
    #[arg(long, visible_alias = "user")]
    owner: Option<String>,
    /// List what Meta Kaggle's tables in this folder (Models.csv, Users.csv, Organizations.csv) have
    #[arg(long, value_name = "DIR", conflicts_with_all = ["refs", "refs_file", "pages", "search", "owner", "sort_by"])]
    meta: Option<PathBuf>,
    /// The order of the listing [default: create-time, which moves least]
    #[arg(long, value_parser = ["create-time", "publish-time", "update-time", "hotness", "vote-count", "download-count", "notebook-count"])]
    sort_by: Option<String>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Which {
    /// The latest one
    Latest,
    /// All of them: the others into versions/N
    All,
}

pub(crate) async fn run(arguments: ModelsArgs, session: &Session) -> Result<Outcome> {
    let ModelsArgs { common, files, versions, search, owner, meta: tables, sort_by } = arguments;
    let mut desk = Desk::open(&common, session)?;
    let filters = Filters { search, owner, sort_by };
    match (common.refs()?, &tables) {
        (Some(refs), _) => {
            common.no_filters(&[
                ("--search", filters.search.is_some()),
                ("--owner", filters.owner.is_some()),
                ("--sort-by", filters.sort_by.is_some()),
            ])?;
            let is = |name: &str| folder(name).is_some();
            desk.list(&Named::new(&desk.kaggle, &MODELS, refs, is, "owner/slug")?).await?;
        }
        (None, Some(folder)) => desk.list_tables(folder, meta::Which::Models).await?,
        (None, None) => {
            let listed = Listed::new(desk.kaggle.clone(), &MODELS, filters.arguments())?;
            desk.list(&listed.pages(common.pages.clone())?).await?;
        }
    }
    if let Some(outcome) = desk.done(&MODELS, bytes)? {
        return Ok(outcome);
    }
    let since = common.since.as_deref().map(|root| Since::read(root, Details::NAME, version)).transpose()?;
    let versions = match versions {
        Which::Latest => Versions::Latest,
        Which::All => Versions::All,
    };
    let select = Select { files: files.pick(), versions, since, archives: desk.archives() };
    let over = Details::over(desk.input(&MODELS)?, desk.kaggle.clone(), select)?;
    desk.map(over, Details::NAME).await
}

/// The bytes of the latest versions of a listed model, where all of them are told.
fn bytes(row: &Record) -> Option<u64> {
    let instances = row.raw().get("instances")?.elements()?;
    instances.map(|instance| instance.get("totalUncompressedBytes").and_then(Raw::u64)).sum()
}
