//! All rows of a list that belongs to one item: its pages by token, until there are no more.

use crawl_core::http::shown;
use crawl_core::{Error, Kind, Record, Result};
use serde_json::Value;

use crate::{Kaggle, Method};

/// So many rows are listed at once.
const ROWS: u64 = 200;
/// More rows of one item are an attack, or nothing for this way of fetching them.
const MOST: usize = 1_000_000;
/// So many pages may be empty although another one follows.
const MOST_EMPTY: u32 = 20;

impl Kaggle {
    /// The rows that lie under `path` in the answers of `method`.
    pub(crate) async fn all(&self, method: Method, arguments: &Value, path: &[&str]) -> Result<Vec<Record>> {
        let (mut found, mut token, mut empty) = (Vec::new(), String::new(), 0);
        loop {
            let mut asked = arguments.clone();
            asked["pageSize"] = ROWS.into();
            if !token.is_empty() {
                asked["pageToken"] = token.as_str().into();
            }
            let (answer, response) = self.ask(method, &asked).await?;
            let before = found.len();
            // Where nothing fits, proto3 leaves the list out.
            let list = path.iter().try_fold(answer.raw(), |raw, name| raw.get(name));
            for row in list.and_then(|list| list.elements()).into_iter().flatten() {
                found.push(Record::parse(row.text().as_bytes().to_vec())?);
            }
            let next = answer.raw().get("nextPageToken").and_then(|token| token.str()).unwrap_or_default();
            if next.is_empty() {
                return Ok(found);
            }
            empty += u32::from(found.len() == before);
            if next == token || empty > MOST_EMPTY || found.len() > MOST {
                return Err(Error::new(Kind::Shape, "the list does not come to an end")
                    .at(shown(&response.url))
                    .advise("ask again with --retry-missing"));
            }
            token = next.into_owned();
        }
    }
}
