//! The map from listed repositories to their details.

use crawl_core::http::shown;
use crawl_core::json::Raw;
use crawl_core::{
    Context, Error, Input, Judge, Kind, Map, Mapped, Over, Record, Result, Row, Settings, Since, SourceId,
};
use futures::future::try_join_all;
use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;
use tokio::sync::Semaphore;

use super::headers::AT_ONCE;
use super::ids::Repo;
use super::tree::{File, MOST_FILES};
use super::{Part, Parts};
use crate::{Hub, Repos};

const PLACE: &str = "the Hub";
/// The most bytes of a `config.json`, and of a card.
const LARGEST_CONFIG: u64 = 2 << 20;
const LARGEST_CARD: u64 = 4 << 20;

/// The map from listed repositories to what was asked for of each.
#[derive(Debug)]
pub struct Details {
    pub(super) hub: Hub,
    pub(super) repos: Repos,
    pub(super) parts: Parts,
    since: Option<Since>,
    judge: Judge,
    /// Whose header is in memory.
    pub(super) turns: Semaphore,
}

/// The row that is written: members that were not asked for are not there, and what a repository does not have is null.
#[derive(Default, Serialize)]
pub(super) struct Written {
    #[serde(rename = "_id")]
    object_id: Option<String>,
    id: String,
    sha: Option<String>,
    #[serde(rename = "config.json", skip_serializing_if = "Option::is_none")]
    config: Option<Option<Box<RawValue>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    files: Option<Option<Vec<File>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    card: Option<Option<String>>,
    /// Those of all files of one set, or null.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) safetensors_headers: Option<Option<Vec<Value>>>,
    /// Of each file one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) gguf_headers: Option<Option<Vec<Value>>>,
    /// Why something is null that the repository has.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    left_out: Vec<LeftOut>,
}

/// A part that could not be had of a repository of which others could, or whose content is not what it should be.
#[derive(Debug, Serialize)]
struct LeftOut {
    path: String,
    /// `denied` where access is refused; `shape` where the content is not what it should be.
    kind: &'static str,
    reason: String,
}

/// The repository and the commit of a row of details, for [`Since`]; `None` where access was refused, so that it is
/// asked for again.
pub fn version(row: &Record) -> Option<(String, String)> {
    let text = |name: &str| row.raw().get(name).and_then(|value| value.str().map(String::from));
    let mut left_out = row.raw().get("left_out").and_then(Raw::elements).into_iter().flatten();
    let denied =
        |left: Raw<'_>| left.get("kind").and_then(|kind| kind.str()).is_some_and(|kind| kind == "denied");
    if left_out.any(denied) {
        return None;
    }
    Some((text("_id").or_else(|| text("id"))?, text("sha")?))
}

impl Details {
    /// The map over `input`, which holds repositories of this sort, under the name `hf/models-details` or
    /// `hf/datasets-details`. What `since` has is left out where its commit is the same.
    ///
    /// # Errors
    /// Those of [`Over::new`].
    pub fn over(
        input: Input,
        hub: Hub,
        repos: Repos,
        parts: Parts,
        since: Option<Since>,
    ) -> Result<Over<Self>> {
        let turns = Semaphore::new(AT_ONCE);
        let details = Details { hub, repos, parts, since, judge: Judge::default(), turns };
        Ok(Over::new(input, details)?.named(Details::name(repos)?))
    }

    /// The name of what it writes.
    ///
    /// # Errors
    /// None: the names are good ones.
    pub fn name(repos: Repos) -> Result<SourceId> {
        SourceId::new(format!("{}-details", repos.listing()))
    }

    async fn one(&self, row: &Record) -> Result<Mapped> {
        match self.fetch(row).await {
            Ok(row) => {
                self.judge.had();
                Ok(row.into())
            }
            Err(error) => Ok(Row::Missing(self.judge.missing(self.id(row), error, Some(PLACE))?).into()),
        }
    }

    async fn fetch(&self, row: &Record) -> Result<Row> {
        let repo = Repo::of(row)?;
        let name = repo.object_id.as_deref().unwrap_or(&repo.id);
        if let Some((since, sha)) = self.since.as_ref().zip(repo.sha.as_deref())
            && since.has(name, sha)
        {
            return Ok(Row::Dropped("unchanged".into()));
        }
        let mut written = Written {
            object_id: repo.object_id.clone(),
            id: repo.id.clone(),
            sha: repo.sha.clone(),
            ..Written::default()
        };
        let mut files = None;
        if self.parts.asks_tree() {
            files = self.hub.tree(self.repos, &repo).await?;
            if files.is_none() {
                written.note("", Kind::Shape, format!("the repository has more than {MOST_FILES} files"));
            }
        }
        // What the tree does not have needs no request.
        let has = |path: &str| files.as_ref().is_none_or(|files| files.iter().any(|file| file.path == path));
        if self.parts.has(Part::Config) {
            let text = match has("config.json") {
                true => self.text(&repo, "config.json", LARGEST_CONFIG, &mut written).await?,
                false => None,
            };
            written.config = Some(text.and_then(|text| match serde_json::from_str::<Box<RawValue>>(&text) {
                Ok(config) if config.get().starts_with('{') => Some(config),
                Ok(_) => written.leave("config.json", Kind::Shape, "it is not an object"),
                Err(cause) => written.leave("config.json", Kind::Shape, format!("it is not JSON: {cause}")),
            }));
        }
        if self.parts.has(Part::Card) {
            written.card = Some(match has("README.md") {
                true => self.text(&repo, "README.md", LARGEST_CARD, &mut written).await?,
                false => None,
            });
        }
        if self.parts.has(Part::Headers) {
            match &files {
                Some(files) => self.headers(&repo, files, &mut written).await?,
                None => (written.safetensors_headers, written.gguf_headers) = (Some(None), Some(None)),
            }
        }
        written.files = self.parts.has(Part::Files).then_some(files);
        let text = serde_json::to_vec(&written)
            .map_err(|cause| Error::new(Kind::Shape, "details that are no JSON").because(cause))?;
        // A config keeps its line breaks, which a record may not have.
        Record::parse(text).map(Row::Kept)
    }

    /// Whether an error concerns one file of a repository of which other things are told.
    pub(super) fn is_closed(&self, error: &Error) -> bool {
        self.parts.has(Part::Files) && error.kind() == Kind::Denied && !error.concerns_all()
    }

    /// A small text file; `None` if the repository has none, or one that is left out.
    async fn text(
        &self,
        repo: &Repo,
        path: &str,
        most: u64,
        written: &mut Written,
    ) -> Result<Option<String>> {
        let Some(address) = repo.file(self.repos, path) else { return Ok(None) };
        let bytes = match self.hub.small(&self.hub.address(address), most).await {
            // Where the files are known, a closed door costs only what is behind it.
            Err(error)
                if self.parts.has(Part::Files) && error.kind() == Kind::Denied && !error.concerns_all() =>
            {
                return Ok(written.leave(path, Kind::Denied, error.to_string()));
            }
            bytes => bytes?,
        };
        Ok(match bytes {
            None => None,
            Some(bytes) if bytes.len() as u64 > most => {
                written.leave(path, Kind::Shape, format!("it is larger than {most} bytes"))
            }
            Some(bytes) => match String::from_utf8(bytes) {
                Ok(text) => Some(text),
                Err(_) => written.leave(path, Kind::Shape, "it is not UTF-8"),
            },
        })
    }
}

impl Written {
    /// Notes what is left out.
    pub(super) fn note(&mut self, path: &str, kind: Kind, reason: impl Into<String>) {
        self.left_out.push(LeftOut { path: path.to_owned(), kind: kind.word(), reason: reason.into() });
    }

    /// Notes what is left out, and gives nothing in its place.
    pub(super) fn leave<T>(&mut self, path: &str, kind: Kind, reason: impl Into<String>) -> Option<T> {
        self.note(path, kind, reason);
        None
    }
}

impl Map for Details {
    fn settings(&self) -> Settings {
        Settings::default()
            .with("endpoint", shown(&self.hub.url("")))
            .with("details", self.parts.names())
            .with_some("gguf", self.parts.all_gguf().then_some("all"))
            .with_some("since", self.since.as_ref().map(Since::root))
    }

    fn id(&self, row: &Record) -> Option<String> {
        row.raw().get("id").and_then(|id| id.str().map(String::from))
    }

    async fn map(&self, rows: Vec<Record>, _context: &Context) -> Result<Vec<Mapped>> {
        try_join_all(rows.iter().map(|row| self.one(row))).await
    }
}
