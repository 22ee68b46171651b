//! `competitions`.

use std::path::PathBuf;

use crawl_cli::anyhow::Result;
use crawl_cli::clap::{self, Args};
use crawl_cli::{Outcome, Session};
use crawl_core::{Error, Kind};
use kaggle_crawler::competitions::{COMPETITIONS, Details, Filters, Table, fetch_table};
use kaggle_crawler::{Listed, Named};

use super::common::Common;
use super::desk::Desk;

#[derive(Args, Debug)]
pub(crate) struct CompetitionsArgs {
    #[command(flatten)]
    common: Common,
    /// Meta Kaggle's Competitions.csv, if you have it; else it is fetched
    #[arg(long, value_name = "FILE", conflicts_with_all = ["refs", "refs_file"])]
    table: Option<PathBuf>,
    /// List by the service instead of the table; so do the filters below, and --pages
    #[arg(long, conflicts_with = "table")]
    api: bool,
    /// Only with this text
    #[arg(long, value_name = "TEXT", conflicts_with = "table")]
    search: Option<String>,
    /// Only of this kind
    #[arg(long, conflicts_with = "table", value_parser = ["featured", "research", "recruitment", "getting-started", "masters", "playground", "community", "analytics"])]
    category: Option<String>,
    /// Of this list [default: everyone]
    #[arg(long, conflicts_with = "table", value_parser = ["general", "community", "hosted", "entered", "unlaunched", "everyone"])]
    group: Option<String>,
    /// The order of the list [default: recently-created]
    #[arg(long, conflicts_with = "table", value_parser = ["recently-created", "prize", "earliest-deadline", "latest-deadline", "number-of-teams", "best", "grouped", "relevance"])]
    sort_by: Option<String>,
}

pub(crate) async fn run(arguments: CompetitionsArgs, session: &Session) -> Result<Outcome> {
    let CompetitionsArgs { common, table, api, search, category, group, sort_by } = arguments;
    if common.since.is_some() {
        return Err(Error::new(Kind::Config, "competitions have no version that --since could compare")
            .advise("leave --since out")
            .into());
    }
    let given = [
        ("--search", search.is_some()),
        ("--category", category.is_some()),
        ("--group", group.is_some()),
        ("--sort-by", sort_by.is_some()),
    ];
    let by_service = api || common.pages.is_some() || given.iter().any(|(_, given)| *given);
    let mut desk = Desk::open(&common, session)?;
    match common.refs()? {
        Some(refs) => {
            common.no_filters(&given)?;
            let is = |name: &str| !name.is_empty() && !name.contains(['/', ' ', '?', '#']);
            desk.list(&Named::new(&desk.kaggle, &COMPETITIONS, refs, is, "its slug, such as titanic")?)
                .await?;
        }
        None if by_service => {
            let filters = Filters { search, category, group, sort_by };
            let listed = Listed::new(desk.kaggle.clone(), &COMPETITIONS, filters.arguments())?;
            desk.list(&listed.pages(common.pages.clone())?).await?;
        }
        None if common.share.is_none() => {
            let path = match table {
                Some(path) => path,
                None => fetch_table(&desk.kaggle, &common.root, &session.stop()).await?,
            };
            desk.list(&Table::open(path)?).await?;
        }
        None => {}
    }
    if let Some(outcome) = desk.done(&COMPETITIONS, |_| None)? {
        return Ok(outcome);
    }
    let over = Details::over(desk.input(&COMPETITIONS)?, desk.kaggle.clone())?;
    desk.map(over, Details::NAME).await
}
