//! `datasets`.

use std::path::PathBuf;

use crawl_cli::anyhow::Result;
use crawl_cli::clap::{self, Args};
use crawl_cli::{Outcome, Session};
use crawl_core::Since;
use kaggle_crawler::datasets::{DATASETS, Details, Filters, Select, version};
use kaggle_crawler::meta::Which;
use kaggle_crawler::{Listed, Named, Slices, folder};

use super::common::{Common, FileFlags};
use super::desk::Desk;

#[derive(Args, Debug)]
pub(crate) struct DatasetsArgs {
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    files: FileFlags,
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
    /// List in windows of sizes, which split where one shows as much as Kaggle shows at most (about 10,000)
    #[arg(long, conflicts_with_all = ["pages", "refs", "refs_file"])]
    slices: bool,
    /// List what Meta Kaggle's tables in this folder have instead of asking Kaggle: Datasets.csv, DatasetVersions.csv,
    /// Users.csv, Organizations.csv
    #[arg(long, value_name = "DIR", conflicts_with_all = ["refs", "refs_file", "pages", "slices", "search", "tag", "user", "license", "sort_by"])]
    meta: Option<PathBuf>,
    /// Drop what is rated lower than this, or not at all; 0 keeps everything
    #[arg(long, value_name = "RATING", default_value_t = 0.8)]
    usability: f64,
}

pub(crate) async fn run(arguments: DatasetsArgs, session: &Session) -> Result<Outcome> {
    let DatasetsArgs { common, files, search, tag, user, license, sort_by, slices, meta, usability } =
        arguments;
    let mut desk = Desk::open(&common, session)?;
    let filters = Filters { search, tag, user, license, sort_by };
    match (common.refs()?, &meta) {
        (Some(refs), _) => {
            common.no_filters(&[
                ("--search", filters.search.is_some()),
                ("--tag", filters.tag.is_some()),
                ("--user", filters.user.is_some()),
                ("--license", filters.license.is_some()),
                ("--sort-by", filters.sort_by.is_some()),
            ])?;
            let is = |name: &str| folder(name).is_some();
            desk.list(&Named::new(&desk.kaggle, &DATASETS, refs, is, "owner/slug")?).await?;
        }
        (None, Some(tables)) => desk.list_tables(tables, Which::Datasets).await?,
        (None, None) => {
            let listed = Listed::new(desk.kaggle.clone(), &DATASETS, filters.arguments())?;
            let slices = if slices { Slices::Sizes } else { Slices::Whole };
            desk.list(&listed.sliced(slices).pages(common.pages.clone())?).await?;
        }
    }
    if let Some(outcome) =
        desk.done(&DATASETS, |row| row.raw().get("totalBytes").and_then(|bytes| bytes.u64()))?
    {
        return Ok(outcome);
    }
    let since = common.since.as_deref().map(|root| Since::read(root, Details::NAME, version)).transpose()?;
    let select = Select { usability, files: files.pick(), since, archives: desk.archives() };
    let over = Details::over(desk.input(&DATASETS)?, desk.kaggle.clone(), select)?;
    desk.map(over, Details::NAME).await
}
