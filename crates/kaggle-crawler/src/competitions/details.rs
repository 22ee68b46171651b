//! The map from listed competitions to their texts and leaderboards.

use crawl_core::http::shown;
use crawl_core::{
    Context, Error, Input, Judge, Kind, Map, Mapped, Over, Record, Result, Row, Settings, SourceId,
};
use futures::future::try_join_all;
use serde::Serialize;
use serde_json::{Value, json};

use super::board::{Board, Status};
use super::texts::{Found, Pages, Texts};
use crate::leaderboard::Standing;
use crate::{Kaggle, Method};

const PLACE: &str = "Kaggle";

/// The map from listed competitions to the final format.
#[derive(Debug)]
pub struct Details {
    kaggle: Kaggle,
    judge: Judge,
}

/// The row that is written. An unknown is null.
#[derive(Serialize)]
struct Written {
    #[serde(rename = "CompetitionID")]
    id: Option<u64>,
    #[serde(rename = "Title")]
    title: Option<String>,
    #[serde(rename = "SubTitle")]
    subtitle: Option<String>,
    #[serde(rename = "Slug")]
    slug: String,
    #[serde(rename = "HasLeaderboard")]
    has_leaderboard: Option<bool>,
    #[serde(rename = "DatasetDescription")]
    data: Option<String>,
    #[serde(rename = "Description")]
    description: Option<String>,
    #[serde(rename = "Evaluation")]
    evaluation: Option<String>,
    #[serde(rename = "LeaderboardTop100")]
    top: Vec<Standing>,
    #[serde(rename = "LeaderboardStatus")]
    status: Status,
    #[serde(rename = "LeaderboardSource")]
    source: Option<&'static str>,
    #[serde(rename = "TextSources")]
    sources: Value,
}

impl Details {
    /// The name of what it writes.
    pub const NAME: &'static str = "competitions";

    /// The map over the listing `input`, under [`Details::NAME`].
    ///
    /// # Errors
    /// Those of [`Over::new`].
    pub fn over(input: Input, kaggle: Kaggle) -> Result<Over<Self>> {
        let details = Details { kaggle, judge: Judge::default() };
        Ok(Over::new(input, details)?.named(SourceId::new(Self::NAME)?))
    }

    async fn one(&self, row: &Record) -> Result<Mapped> {
        match self.fetch(row).await {
            Ok(written) => {
                self.judge.had();
                Ok(Row::Kept(Record::write(&written)?).into())
            }
            Err(error) => Ok(Row::Missing(self.judge.missing(self.id(row), error, Some(PLACE))?).into()),
        }
    }

    async fn fetch(&self, row: &Record) -> Result<Written> {
        let slug = self.id(row).unwrap_or_default();
        if slug.is_empty() || slug.contains(['/', '?', '#']) {
            return Err(Error::new(Kind::Shape, "not the name of a competition").at(slug));
        }
        let asked = json!({"competitionName": slug});
        let known = ["Title", "title"].iter().any(|name| row.raw().get(name).is_some());
        let row = match known {
            true => row.clone(),
            // A name that was given.
            false => self.kaggle.ask(Method::GetCompetition, &asked).await?.0,
        };
        let (pages, shown) = self.pages(&asked).await?;
        let texts = Texts::of(&pages, &row);
        let has = match text(&row, &["HasLeaderboard"]).as_deref() {
            Some("True" | "true" | "1") => Some(true),
            Some("False" | "false" | "0") => Some(false),
            _ => None,
        };
        let board = Board::of(&self.kaggle, &slug, has).await?;
        let from = |found: &Found| json!(found.from);
        Ok(Written {
            id: row.raw().get("id").and_then(|id| id.u64()).or_else(|| text(&row, &["Id"])?.parse().ok()),
            title: text(&row, &["Title", "title"]),
            subtitle: text(&row, &["Subtitle", "description"]),
            slug,
            has_leaderboard: has,
            sources: json!({
                "Pages": shown,
                "DatasetDescription": from(&texts.data),
                "Description": from(&texts.description),
                "Evaluation": from(&texts.evaluation),
            }),
            data: texts.data.text,
            description: texts.description.text,
            evaluation: texts.evaluation.text,
            top: board.top,
            status: board.status,
            source: board.source,
        })
    }

    /// The pages of a competition; none where Kaggle shows none, since the table may have the texts.
    async fn pages(&self, asked: &Value) -> Result<(Pages, &'static str)> {
        match self.kaggle.ask(Method::ListCompetitionPages, asked).await {
            Ok((answer, response)) => {
                let pages: Pages = answer.raw().to().map_err(|cause| {
                    Error::new(Kind::Shape, "the pages have another form")
                        .at(shown(&response.url))
                        .because(cause)
                })?;
                let shown = if pages.pages.is_empty() { "none" } else { "shown" };
                Ok((pages, shown))
            }
            Err(error) if !error.concerns_all() && matches!(error.kind(), Kind::Denied | Kind::Gone) => {
                tracing::debug!(%error, "no pages: the table's texts are taken");
                let shown = if error.kind() == Kind::Denied { "refused" } else { "none" };
                Ok((Pages::default(), shown))
            }
            Err(error) => Err(error),
        }
    }
}

/// The first of these fields that holds a text.
fn text(row: &Record, fields: &[&str]) -> Option<String> {
    fields.iter().find_map(|field| {
        row.raw().get(field).and_then(|value| value.str().map(String::from)).filter(|text| !text.is_empty())
    })
}

impl Map for Details {
    fn settings(&self) -> Settings {
        Settings::default().with("endpoint", shown(self.kaggle.endpoint()))
    }

    fn id(&self, row: &Record) -> Option<String> {
        super::slug(row).map(String::from)
    }

    async fn map(&self, rows: Vec<Record>, _context: &Context) -> Result<Vec<Mapped>> {
        try_join_all(rows.iter().map(|row| self.one(row))).await
    }
}
