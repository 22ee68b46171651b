//! `discussions`.

use std::path::PathBuf;

use crawl_cli::anyhow::Result;
use crawl_cli::clap::{self, Args};
use crawl_cli::{Outcome, Session};
use crawl_core::Since;
use kaggle_crawler::discussions::{DISCUSSIONS, Details, Filters, Nameless, Of, Pseudonyms, version};
use kaggle_crawler::{Listed, Named};

use super::common::Common;
use super::desk::Desk;

#[derive(Args, Debug)]
pub(crate) struct DiscussionsArgs {
    #[command(flatten)]
    common: Common,
    /// Only with this text
    #[arg(long, value_name = "TEXT")]
    search: Option<String>,
    /// Only of this kind
    #[arg(long, value_parser = ["forums", "competitions", "competition-write-ups", "datasets", "models", "benchmarks"])]
    category: Option<String>,
    /// Only in this forum of the site, such as getting-started
    #[arg(long, value_name = "SLUG")]
    forum: Option<String>,
    /// Only about this dataset
    #[arg(long, value_name = "OWNER/SLUG", group = "of", conflicts_with_all = ["category", "forum"])]
    dataset: Option<String>,
    /// Only about this kernel
    #[arg(long, value_name = "OWNER/SLUG", group = "of", conflicts_with_all = ["category", "forum"])]
    kernel: Option<String>,
    /// Only about this model
    #[arg(long, value_name = "OWNER/SLUG", group = "of", conflicts_with_all = ["category", "forum"])]
    model: Option<String>,
    /// The order of the listing [default: new, which moves least]
    #[arg(long, value_parser = ["new", "hot", "top", "recent", "active", "relevance"])]
    sort_by: Option<String>,
    /// Write pseudonyms instead of names: the same for the same user all over this root
    #[arg(long)]
    pseudonyms: bool,
    /// Take all discussions from Meta Kaggle's tables in this folder, and ask Kaggle nothing: ForumTopics.csv,
    /// ForumMessages.csv, and as far as they are there Users, Organizations, Forums, Competitions, Datasets,
    /// DatasetVersions, Models and Kernels
    #[arg(long, value_name = "DIR", conflicts_with_all = ["refs", "refs_file", "pages", "search", "category", "forum",
        "dataset", "kernel", "model", "sort_by", "since", "share", "next", "plan", "list_only", "retry_missing"])]
    meta: Option<PathBuf>,
}

pub(crate) async fn run(arguments: DiscussionsArgs, session: &Session) -> Result<Outcome> {
    let DiscussionsArgs {
        common,
        search,
        category,
        forum,
        dataset,
        kernel,
        model,
        sort_by,
        pseudonyms,
        meta,
    } = arguments;
    let mut desk = Desk::open(&common, session)?;
    let pseudonyms = pseudonyms.then(|| Pseudonyms::of(&common.root)).transpose()?;
    if let Some(tables) = meta {
        return desk.topics(&tables, pseudonyms).await;
    }
    let of = match (dataset, kernel, model) {
        (Some(dataset), ..) => Of::Dataset(dataset),
        (_, Some(kernel), _) => Of::Kernel(kernel),
        (.., Some(model)) => Of::Model(model),
        _ => Of::Everything,
    };
    let filters = Filters { of, search, category, forum, sort_by };
    match common.refs()? {
        Some(refs) => {
            common.no_filters(&[
                ("--search", filters.search.is_some()),
                ("--category", filters.category.is_some()),
                ("--forum", filters.forum.is_some()),
                ("--dataset, --kernel or --model", filters.of != Of::Everything),
                ("--sort-by", filters.sort_by.is_some()),
            ])?;
            let is = |name: &str| name.parse::<u64>().is_ok_and(|number| number > 0);
            desk.list(&Named::new(&desk.kaggle, &DISCUSSIONS, refs, is, "a number")?).await?;
        }
        None => {
            let listed = Listed::new(desk.kaggle.clone(), filters.part(), filters.arguments()?)?;
            let listed = listed.pages(common.pages.clone())?;
            match &pseudonyms {
                Some(_) => desk.list(&Nameless(listed)).await?,
                None => desk.list(&listed).await?,
            }
        }
    }
    if let Some(outcome) = desk.done(&DISCUSSIONS, |_| None)? {
        return Ok(outcome);
    }
    let since = common.since.as_deref().map(|root| Since::read(root, Details::NAME, version)).transpose()?;
    let over = Details::over(desk.input(&DISCUSSIONS)?, desk.kaggle.clone(), pseudonyms, since)?;
    desk.map(over, Details::NAME).await
}
