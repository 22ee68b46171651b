//! Competitions: from Meta Kaggle's table or from the service's list, and the map that fetches texts and leaderboards.

mod board;
mod details;
mod table;
mod texts;

use std::borrow::Cow;
use std::path::PathBuf;

use crawl_core::files::{Files, Wanted};
use crawl_core::{Record, Result, Stop};
use serde_json::{Map, Value, json};

pub use self::details::Details;
pub use self::table::Table;
use crate::datasets::word;
use crate::unpack::{Target, is_zip, unpack_single};
use crate::{Kaggle, Method, Part};

/// The listing of competitions.
pub static COMPETITIONS: Part = Part {
    name: "stages/competitions",
    method: Method::ListCompetitions,
    rows: "competitions",
    page_size: 100,
    numbered: true,
    wall: None,
    key: slug,
};

/// The name of the table of competitions within Meta Kaggle.
const TABLE: &str = "Competitions.csv";
/// Where tables lie below a root.
const FOLDER: &str = "meta-kaggle";

/// Which competitions to list.
#[derive(Clone, Debug, Default)]
pub struct Filters {
    /// Only with this text.
    pub search: Option<String>,
    /// Only of this kind: `featured`, `research`, `getting-started`, `playground`, `community`, ...
    pub category: Option<String>,
    /// `general`, `community`, `hosted`, `everyone` (the default), ...
    pub group: Option<String>,
    /// `recently-created` (the default), `prize`, `latest-deadline`, `number-of-teams`, ...
    pub sort_by: Option<String>,
}

impl Filters {
    /// As arguments of [`COMPETITIONS`].
    pub fn arguments(&self) -> Map<String, Value> {
        let group = self.group.as_deref().unwrap_or("everyone");
        let sort_by = self.sort_by.as_deref().unwrap_or("recently-created");
        crate::arguments([
            ("group", Some(word("COMPETITION_LIST_TAB", group))),
            ("sortBy", Some(word("COMPETITION_SORT_BY", sort_by))),
            ("category", self.category.as_ref().map(|category| word("HOST_SEGMENT", category))),
            ("search", self.search.clone()),
        ])
    }
}

/// The last part of the address, which names a competition: of a row of the table, of the service, or of a name.
pub(crate) fn slug(record: &Record) -> Option<Cow<'_, str>> {
    if let Some(slug) = record.raw().get("Slug") {
        return slug.str();
    }
    let reference = record.raw().get("ref")?.str()?;
    Some(match reference {
        Cow::Borrowed(text) => Cow::Borrowed(last(text)),
        Cow::Owned(text) => Cow::Owned(last(&text).to_owned()),
    })
}

fn last(address: &str) -> &str {
    address.trim_end_matches('/').rsplit('/').next().unwrap_or_default()
}

/// Meta Kaggle's table of competitions below `root`: the one that is there, else the newest, fetched.
///
/// # Errors
/// Those of asking and fetching, and of unpacking a table that comes zipped.
pub async fn fetch_table(kaggle: &Kaggle, root: &std::path::Path, stop: &Stop) -> Result<PathBuf> {
    let unpacked = root.join(FOLDER).join("unpacked").join(TABLE);
    let plain = root.join(FOLDER).join(TABLE);
    if unpacked.is_file() {
        return Ok(unpacked);
    }
    let files = Files::new(root);
    if !plain.is_file() {
        let asked = json!({"ownerSlug": "kaggle", "datasetSlug": "meta-kaggle"});
        // The table is made anew each day: what is gone on with tomorrow must be of the same day.
        let (dataset, _) = kaggle.ask(Method::GetDataset, &asked).await?;
        let version = dataset.raw().get("currentVersionNumber").and_then(|version| version.u64());
        let mut asked = asked;
        asked["fileName"] = TABLE.into();
        if let Some(version) = version {
            asked["datasetVersionNumber"] = version.into();
        }
        let request = kaggle.file(Method::DownloadDataset, &asked);
        let version = version.map(|version| format!("v{version}"));
        let wanted = Wanted { version, ..Wanted::new(request, format!("{FOLDER}/{TABLE}")) };
        files.fetch(kaggle.http(), &wanted).await?;
    }
    if !is_zip(&table::start(&plain)?) {
        return Ok(plain);
    }
    let target = Target { stop: stop.clone(), ..Target::new(&files, format!("{FOLDER}/unpacked")) };
    unpack_single(&plain, TABLE, &target).await?;
    Ok(unpacked)
}
