//! The map from listed datasets to their metadata, their lists of files, and the files.

use std::collections::HashSet;

use crawl_core::http::shown;
use crawl_core::{
    Context, Error, Input, Judge, Kind, Map, Mapped, Over, Record, Result, Row, Settings, Since, SourceId,
};
use futures::future::try_join_all;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::files::{FileRow, Job, Way};
use crate::folder::{folder, parts};
use crate::pick::{Pick, Picker};
use crate::{Archives, Kaggle, Method};

/// More files in one dataset are an attack, or nothing for this way of fetching them.
const MOST_FILES: usize = 1_000_000;
/// So many files are listed at once.
const ROWS: u64 = 200;
const PLACE: &str = "Kaggle";

/// Which datasets are kept, and which of their files are fetched.
#[derive(Clone, Debug)]
pub struct Select {
    /// Datasets rated lower, or not rated, are dropped; 0 keeps all.
    pub usability: f64,
    /// Their files.
    pub files: Pick,
    /// Datasets that this earlier root has are left out, where they have not changed.
    pub since: Option<Since>,
    /// How their archives are brought.
    pub archives: Archives,
}

impl Default for Select {
    fn default() -> Self {
        Select { usability: 0.8, files: Pick::default(), since: None, archives: Archives::default() }
    }
}

/// The map from listed datasets to what belongs to them.
#[derive(Debug)]
pub struct Details {
    way: Way,
    usability: f64,
    since: Option<Since>,
    judge: Judge,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct FilePage {
    #[serde(default)]
    dataset_files: Vec<FileRow>,
    #[serde(default)]
    next_page_token: Option<String>,
    #[serde(default)]
    error_message: Option<String>,
}

/// What is read of `info` of `GetDatasetMetadata`.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Info {
    title: Option<String>,
    usability_rating: Option<f64>,
    description: Option<String>,
    keywords: Option<Vec<String>>,
    licenses: Option<Vec<License>>,
}

#[derive(Deserialize)]
struct License {
    name: Option<String>,
}

/// The row that is written. An unknown is null.
#[derive(Serialize)]
struct Written<'a> {
    #[serde(rename = "Ref")]
    name: &'a str,
    #[serde(rename = "Title")]
    title: Option<String>,
    #[serde(rename = "lastUpdated")]
    last_updated: Option<String>,
    #[serde(rename = "DatasetSize")]
    size: Option<u64>,
    #[serde(rename = "usabilityRating")]
    usability: Option<f64>,
    #[serde(rename = "Licenses")]
    licenses: Option<Vec<String>>,
    #[serde(rename = "Tags")]
    tags: Option<Vec<String>>,
    #[serde(rename = "Content")]
    content: Option<String>,
    #[serde(rename = "File Explorer")]
    files: Vec<Explored<'a>>,
    #[serde(rename = "FilesLeftOut", skip_serializing_if = "Vec::is_empty")]
    left_out: Vec<Value>,
}

/// A listed file, borrowed: a dataset may have very many.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Explored<'a> {
    file_name: Option<&'a str>,
    size: Option<u64>,
}

/// Id and version of a row of the final format, for [`Since`].
pub fn version(row: &Record) -> Option<(String, String)> {
    let text = |field: &str| row.raw().get(field).and_then(|value| value.str().map(String::from));
    Some((text("Ref")?, text("lastUpdated")?))
}

impl<'a> Explored<'a> {
    fn of(file: &'a FileRow) -> Self {
        Explored { file_name: file.name.as_deref(), size: file.total_bytes }
    }
}

impl Details {
    /// The name of what it writes.
    pub const NAME: &'static str = "meta_data";

    /// The map over the listing `input`, under [`Details::NAME`].
    ///
    /// # Errors
    /// [`Kind::Config`] for a pattern that is none, and those of [`Over::new`].
    pub fn over(input: Input, kaggle: Kaggle, select: Select) -> Result<Over<Self>> {
        let Select { usability, files, since, archives } = select;
        let way = Way { kaggle, picker: Picker::new(files)?, archives };
        let details = Details { way, usability, since, judge: Judge::default() };
        Ok(Over::new(input, details)?.named(SourceId::new(Self::NAME)?))
    }

    async fn one(&self, row: &Record, context: &Context) -> Result<Mapped> {
        let id = self.id(row);
        match self.fetch(row, context).await {
            Ok(mapped) => {
                self.judge.had();
                Ok(mapped)
            }
            Err(error) => Ok(Row::Missing(self.judge.missing(id, error, Some(PLACE))?).into()),
        }
    }

    async fn fetch(&self, row: &Record, context: &Context) -> Result<Mapped> {
        let name = self.id(row).unwrap_or_default();
        let odd = || Error::new(Kind::Shape, "not the ref of a dataset").at(name.clone());
        let ((owner, slug), folder) = parts(&name).zip(folder(&name)).ok_or_else(odd)?;
        let asked = json!({"ownerSlug": owner, "datasetSlug": slug});
        let (mut row, mut size) = (row.clone(), row.raw().get("totalBytes").and_then(|size| size.u64()));
        if row.raw().get("lastUpdated").is_none() {
            // A ref that was given: its listed (packed) size is told by lists only, and this one is another.
            row = self.way.kaggle.ask(Method::GetDataset, &asked).await?.0;
            size = None;
        }
        if let Some(reason) = self.drops(&row, None) {
            return Ok(Row::Dropped(reason).into());
        }
        let text = |field: &str| row.raw().get(field).and_then(|value| value.str().map(String::from));
        if self
            .since
            .as_ref()
            .zip(text("lastUpdated"))
            .is_some_and(|(since, version)| since.has(&name, &version))
        {
            return Ok(Row::Dropped("unchanged".into()).into());
        }
        let (metadata, response) = self.way.kaggle.ask(Method::GetDatasetMetadata, &asked).await?;
        let not_read = |cause| {
            Error::new(Kind::Shape, "the metadata has another form").at(shown(&response.url)).because(cause)
        };
        let info = metadata.raw().get("info").map(|info| info.to::<Info>()).transpose().map_err(not_read)?;
        let info = info
            .ok_or_else(|| Error::new(Kind::Shape, "the metadata holds no info").at(shown(&response.url)))?;
        if let Some(reason) = self.drops(&row, Some(&info)) {
            return Ok(Row::Dropped(reason).into());
        }
        let version = row.raw().get("currentVersionNumber").and_then(|version| version.u64());
        let listed = self.files(&asked, version).await?;
        let mut job = Job::new(&self.way, context, &asked, version, &folder);
        job.run(&listed).await?;
        let Job { lines: files, left_out, .. } = job;
        let written = Written {
            name: &name,
            usability: rating(&row, Some(&info)),
            title: info.title.or_else(|| text("title")),
            last_updated: text("lastUpdated"),
            size,
            licenses: info.licenses.map(|all| all.into_iter().filter_map(|license| license.name).collect()),
            tags: info.keywords,
            content: info.description,
            files: listed.iter().map(Explored::of).collect(),
            left_out,
        };
        Ok(Mapped { row: Row::Kept(Record::write(&written)?), files })
    }

    /// The reason for which a dataset is left out, if what is known tells one.
    fn drops(&self, row: &Record, info: Option<&Info>) -> Option<String> {
        let least = self.usability;
        match rating(row, info) {
            Some(rating) => (rating < least).then(|| format!("usabilityRating below {least}")),
            // The list may lack it where the metadata has it.
            None => (least > 0.0 && info.is_some()).then(|| "usabilityRating unknown".to_owned()),
        }
    }

    /// All files, from all pages.
    async fn files(&self, asked: &Value, version: Option<u64>) -> Result<Vec<FileRow>> {
        let mut files: Vec<FileRow> = Vec::new();
        // Where the list moves while it is read, its pages overlap.
        let mut seen = HashSet::new();
        let (mut token, mut rows) = (String::new(), 0);
        loop {
            let mut asked = asked.clone();
            asked["pageSize"] = ROWS.into();
            if let Some(version) = version {
                asked["datasetVersionNumber"] = version.into();
            }
            if !token.is_empty() {
                asked["pageToken"] = token.as_str().into();
            }
            let (answer, response) = self.way.kaggle.ask(Method::ListDatasetFiles, &asked).await?;
            let bad = |what: &str| Error::new(Kind::Shape, what.to_owned()).at(shown(&response.url));
            let page: FilePage = answer
                .raw()
                .to()
                .map_err(|cause| bad("the list of files has another form").because(cause))?;
            if let Some(message) = page.error_message.filter(|message| !message.is_empty()) {
                return Err(bad("the files cannot be listed").because(message));
            }
            let new = page.dataset_files.len();
            rows += new;
            let once = |file: &FileRow| file.name.as_ref().is_none_or(|name| seen.insert(name.clone()));
            files.extend(page.dataset_files.into_iter().filter(once));
            let next = page.next_page_token.unwrap_or_default();
            if next.is_empty() {
                return Ok(files);
            }
            if next == token || new == 0 || rows > MOST_FILES {
                return Err(bad("the list of files does not come to an end"));
            }
            token = next;
        }
    }
}

fn rating(row: &Record, info: Option<&Info>) -> Option<f64> {
    let listed = row.raw().get("usabilityRating").and_then(|rating| rating.f64());
    listed.or_else(|| info?.usability_rating)
}

impl Map for Details {
    fn settings(&self) -> Settings {
        Settings::default()
            .with("endpoint", shown(self.way.kaggle.endpoint()))
            .with("usability", self.usability)
            .with_some("since", self.since.as_ref().map(Since::root))
            .and(self.way.picker.settings())
    }

    fn id(&self, row: &Record) -> Option<String> {
        row.raw().get("ref").and_then(|name| name.str().map(String::from))
    }

    async fn map(&self, rows: Vec<Record>, context: &Context) -> Result<Vec<Mapped>> {
        try_join_all(rows.iter().map(|row| self.one(row, context))).await
    }
}
