//! The leaderboard of a competition: the download, which counts submissions, else the view, which does not.

use std::io::Cursor;

use crawl_core::http::shown;
use crawl_core::{Error, Kind, Result};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::leaderboard::{Standing, TOP, read_zip, score};
use crate::{Kaggle, Method};

/// What became of a leaderboard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Status {
    /// It is here.
    Ok,
    /// The competition has none.
    None,
    /// Kaggle does not show it to this account.
    Refused,
    /// It came, and could not be read.
    Failed,
}

/// A leaderboard, and where it is from: `download`, or `view`, whose places are counted and not told.
#[derive(Debug)]
pub(super) struct Board {
    pub(super) top: Vec<Standing>,
    pub(super) status: Status,
    pub(super) source: Option<&'static str>,
}

impl Board {
    fn without(status: Status) -> Self {
        Board { top: Vec::new(), status, source: None }
    }

    /// That of competition `slug`; `has` is what the table says.
    ///
    /// # Errors
    /// What concerns the run, and what may pass: then the competition is missing until it is asked for again.
    pub(super) async fn of(kaggle: &Kaggle, slug: &str, has: Option<bool>) -> Result<Self> {
        if has == Some(false) {
            return Ok(Board::without(Status::None));
        }
        let first = match download(kaggle, slug).await {
            Ok(top) => return Ok(Board { top, status: Status::Ok, source: Some("download") }),
            Err(error) => told(error)?,
        };
        match view(kaggle, slug).await {
            Ok(top) if !top.is_empty() => Ok(Board { top, status: Status::Ok, source: Some("view") }),
            Ok(_) => Ok(Board::without(first)),
            Err(error) => {
                let second = told(error)?;
                Ok(Board::without(if first == Status::Failed { first } else { second }))
            }
        }
    }
}

/// What an error says of a leaderboard, unless it says something of the run or may pass.
fn told(error: Error) -> Result<Status> {
    match error.kind() {
        _ if error.concerns_all() => Err(error),
        Kind::Denied => Ok(Status::Refused),
        Kind::Gone => Ok(Status::None),
        Kind::Shape => Ok(Status::Failed),
        _ => Err(error),
    }
}

async fn download(kaggle: &Kaggle, slug: &str) -> Result<Vec<Standing>> {
    let request = kaggle.request(Method::DownloadLeaderboard, &json!({"competitionName": slug}));
    // Read in the door: a zip that was cut without a word is asked for again.
    kaggle
        .http()
        .send_and(&request, |answer| {
            read_zip(Cursor::new(&answer.body))
                .map(|board| board.top)
                .map_err(|error| error.at(shown(&answer.url)))
        })
        .await
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct View {
    #[serde(default)]
    submissions: Vec<Submission>,
    #[serde(default)]
    next_page_token: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Submission {
    #[serde(default)]
    team_name: Option<String>,
    #[serde(default)]
    score: Option<String>,
}

async fn view(kaggle: &Kaggle, slug: &str) -> Result<Vec<Standing>> {
    let (mut top, mut token) = (Vec::new(), String::new());
    loop {
        let mut asked = json!({"competitionName": slug, "pageSize": TOP});
        if !token.is_empty() {
            asked["pageToken"] = token.as_str().into();
        }
        let (answer, response) = kaggle.ask(Method::GetLeaderboard, &asked).await?;
        let page: View = answer.raw().to().map_err(|cause| {
            Error::new(Kind::Shape, "the leaderboard has another form")
                .at(shown(&response.url))
                .because(cause)
        })?;
        let new = page.submissions.len();
        for row in page.submissions.into_iter().take(TOP - top.len()) {
            top.push(Standing {
                rank: Some(top.len() as u64 + 1),
                team: row.team_name.filter(|name| !name.is_empty()),
                score: row.score.and_then(|text| score(&text)),
                submission_count: None,
            });
        }
        match page.next_page_token.unwrap_or_default() {
            next if next.is_empty() || top.len() >= TOP => return Ok(top),
            next if next == token || new == 0 => {
                return Err(Error::new(Kind::Shape, "the leaderboard does not come to an end")
                    .at(shown(&response.url)));
            }
            next => token = next,
        }
    }
}
