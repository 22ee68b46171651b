//! All rows of a list that belongs to one item: its pages by token, until there are no more.

use std::borrow::Cow;

use crawl_core::http::shown;
use crawl_core::json::Raw;
use crawl_core::{Error, Kind, Record, Result};
use serde_json::Value;

use crate::{Kaggle, Method};

/// So many rows are listed at once.
const ROWS: u64 = 200;
/// More rows of one item are an attack, or nothing for this way of fetching them.
const MOST: usize = 1_000_000;
/// So many pages may be empty although another one follows.
const MOST_EMPTY: u32 = 20;

/// The rows that lie under `path` in an answer; none where the list is left out, as proto3 does where nothing fits.
///
/// # Errors
/// [`Kind::Shape`] if something else than a list is there: its rows would be lost without a word.
pub(crate) fn rows<'a>(answer: Raw<'a>, path: &[&str]) -> Result<impl Iterator<Item = Raw<'a>> + use<'a>> {
    let told = path.iter().try_fold(answer, |raw, name| raw.get(name)).filter(|told| !told.is_null());
    let list = told.map(|told| told.elements().ok_or_else(|| odd("the list", path))).transpose()?;
    Ok(list.into_iter().flatten())
}

/// The token of the next page, empty on the last one.
///
/// # Errors
/// [`Kind::Shape`] if it is no text: what is behind it would be lost without a word.
pub(crate) fn next_token(answer: Raw<'_>) -> Result<Cow<'_, str>> {
    let told = answer.get("nextPageToken").filter(|told| !told.is_null());
    let token =
        told.map(|told| told.str().ok_or_else(|| odd("the token", &["nextPageToken"]))).transpose()?;
    Ok(token.unwrap_or_default())
}

fn odd(what: &str, path: &[&str]) -> Error {
    Error::new(Kind::Shape, format!("{what} `{}` of the answer has another form", path.join("."))).advise(
        "ask again later; if it stays, Kaggle has changed its answers, and this program must learn them",
    )
}

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
            let odd = |error: Error| error.at(shown(&response.url));
            found.extend(rows(answer.raw(), path).map_err(odd)?.map(Record::from));
            let next = next_token(answer.raw()).map_err(odd)?;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_or_a_token_of_another_form_is_an_error_and_one_that_is_left_out_is_none() {
        let count = |text: &str, path: &[&str]| {
            let answer = Record::parse(text.as_bytes().to_vec()).unwrap();
            rows(answer.raw(), path).map(Iterator::count).map_err(|error| error.kind())
        };
        assert_eq!(count(r#"{"a": [1, {}], "b": {"c": [1]}}"#, &["a"]), Ok(2));
        assert_eq!(count(r#"{"b": {"c": [1]}}"#, &["b", "c"]), Ok(1));
        for none in ["{}", r#"{"a": null}"#, r#"{"a": []}"#] {
            assert_eq!(count(none, &["a"]), Ok(0), "{none}");
        }
        for odd in [r#"{"a": {"0": 1}}"#, r#"{"a": "[]"}"#, r#"{"a": 5}"#] {
            assert_eq!(count(odd, &["a"]), Err(Kind::Shape), "{odd}");
        }
        let token = |text: &str| {
            let answer = Record::parse(text.as_bytes().to_vec()).unwrap();
            next_token(answer.raw()).map(Cow::into_owned).map_err(|error| error.kind())
        };
        assert_eq!(token(r#"{"nextPageToken": "x"}"#), Ok("x".into()));
        for last in ["{}", r#"{"nextPageToken": null}"#, r#"{"nextPageToken": ""}"#] {
            assert_eq!(token(last), Ok(String::new()), "{last}");
        }
        for odd in [r#"{"nextPageToken": 2}"#, r#"{"nextPageToken": ["x"]}"#] {
            assert_eq!(token(odd), Err(Kind::Shape), "{odd}");
        }
    }
}
