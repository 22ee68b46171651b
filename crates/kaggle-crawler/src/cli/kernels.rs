//! `kernels`.

use std::path::PathBuf;

use crawl_cli::anyhow::Result;
use crawl_cli::clap::{self, Args};
use crawl_cli::{Outcome, Session};
use crawl_core::{Error, Kind, Since};
use kaggle_crawler::kernels::{Details, Filters, KERNELS, LANGUAGES, ORDERS, Select, TYPES, course, version};
use kaggle_crawler::meta::Which;
use kaggle_crawler::{Listed, Named, folder};

use super::common::{Common, FileFlags};
use super::desk::Desk;

#[derive(Args, Debug)]
pub(crate) struct KernelsArgs {
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    files: FileFlags,
    /// Fetch the output files too; --files and --max-size choose among them
    #[arg(long, conflicts_with = "no_files")]
    outputs: bool,
    /// Only with this text
    #[arg(long, value_name = "TEXT")]
    search: Option<String>,
    /// Only of this user; several are one query each
    #[arg(long, value_name = "USER")]
    user: Vec<String>,
    /// Only of this competition; several are one query each
    #[arg(long, value_name = "SLUG")]
    competition: Vec<String>,
    /// Only of this dataset (owner/slug); several are one query each
    #[arg(long, value_name = "REF")]
    dataset: Vec<String>,
    /// Only in this language
    #[arg(long, value_parser = LANGUAGES)]
    language: Option<String>,
    /// Only notebooks, or only scripts
    #[arg(long, value_parser = TYPES)]
    kernel_type: Option<String>,
    /// The order of the listing [default: date-created, which moves least]
    #[arg(long, value_parser = ORDERS)]
    sort_by: Option<String>,
    /// Where a query shows as much as Kaggle shows at most (about 1,000), list by language, by type, in other orders
    #[arg(long, conflicts_with_all = ["pages", "refs", "refs_file"])]
    slices: bool,
    /// List what Meta Kaggle's tables in this folder (Kernels.csv, Users.csv) have, beyond what queries show
    #[arg(long, value_name = "DIR", conflicts_with_all = ["refs", "refs_file", "slices", "pages", "course"])]
    meta: Option<PathBuf>,
    /// Only the lessons of this course of Kaggle Learn, such as python; a name that is not known tells those that are
    #[arg(long, value_name = "NAME", conflicts_with_all = ["refs", "refs_file", "slices", "pages"])]
    course: Option<String>,
}

pub(crate) async fn run(arguments: KernelsArgs, session: &Session) -> Result<Outcome> {
    let KernelsArgs { common, files, outputs, slices, .. } = &arguments;
    let (pick, outputs, slices) = (files.clone().pick(), *outputs, *slices);
    if !outputs && (!pick.globs.is_empty() || pick.max_size.is_some()) {
        return Err(Error::new(Kind::Config, "--files and --max-size choose among output files")
            .advise("add --outputs, or leave them out")
            .into());
    }
    if let Some(odd) = arguments.dataset.iter().find(|name| folder(name).is_none()) {
        return Err(Error::new(Kind::Config, "not the ref of a dataset")
            .at(odd.clone())
            .advise("write it as owner/slug, the end of its address")
            .into());
    }
    let mut desk = Desk::open(common, session)?;
    let filters = Filters {
        search: arguments.search.clone(),
        users: arguments.user.clone(),
        competitions: arguments.competition.clone(),
        datasets: arguments.dataset.clone(),
        language: arguments.language.clone(),
        kernel_type: arguments.kernel_type.clone(),
        sort_by: arguments.sort_by.clone(),
    };
    let refs = match &arguments.course {
        Some(name) => Some(course(name)?.lessons),
        None => common.refs()?,
    };
    if refs.is_some() || arguments.meta.is_some() {
        common.no_filters(&[
            ("--search", filters.search.is_some()),
            ("--user", !filters.users.is_empty()),
            ("--competition", !filters.competitions.is_empty()),
            ("--dataset", !filters.datasets.is_empty()),
            ("--language", filters.language.is_some()),
            ("--kernel-type", filters.kernel_type.is_some()),
            ("--sort-by", filters.sort_by.is_some()),
        ])?;
    }
    match (refs, &arguments.meta) {
        (Some(refs), _) => {
            let is = |name: &str| folder(name).is_some();
            desk.list(&Named::new(&desk.kaggle, &KERNELS, refs, is, "owner/slug")?).await?;
        }
        (None, Some(tables)) => desk.list_tables(tables, Which::Kernels).await?,
        (None, None) => {
            let listed = Listed::new(desk.kaggle.clone(), &KERNELS, filters.arguments())?;
            desk.list(&listed.sliced(filters.slices(slices)).pages(common.pages.clone())?).await?;
        }
    }
    if let Some(outcome) = desk.done(&KERNELS, |_| None)? {
        return Ok(outcome);
    }
    let since = common.since.as_deref().map(|root| Since::read(root, Details::NAME, version)).transpose()?;
    let select = Select { no_files: pick.none, outputs: outputs.then_some(pick), since };
    let over = Details::over(desk.input(&KERNELS)?, desk.kaggle.clone(), select)?;
    desk.map(over, Details::NAME).await
}
