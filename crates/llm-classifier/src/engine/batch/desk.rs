//! The provider's desk: files and batches over HTTP.

use bytes::Bytes;
use crawl_core::http::{Credential, Http, Request, Url};
use crawl_core::{Error, Kind, Result};
use serde::Deserialize;
use serde_json::json;

use crate::ask::Chat;
use crate::reply::{self, Fault, Heard, Reply};

/// So many pages of the list of batches are looked at.
const PAGES: usize = 200;

/// Where batches are handed in.
pub(super) struct Desk<'a> {
    http: &'a Http,
    base: Url,
    credential: Option<Credential>,
}

#[derive(Deserialize)]
struct Made {
    id: String,
}

#[derive(Deserialize)]
struct Batch {
    id: String,
    status: String,
    #[serde(default)]
    input_file_id: Option<String>,
    #[serde(default)]
    output_file_id: Option<String>,
    #[serde(default)]
    error_file_id: Option<String>,
    #[serde(default)]
    errors: Option<serde_json::Value>,
}

#[derive(Deserialize)]
struct Batches {
    data: Vec<Batch>,
    #[serde(default)]
    has_more: bool,
}

/// Where a batch stands at the provider.
pub(super) enum Standing {
    /// It is not back.
    Out,
    /// The provider's queue had no room for it, in these words.
    QueueFull(String),
    /// It was not taken, for this reason.
    Refused(String),
    /// It is back; the files with its results and its errors, if there are any.
    Back { files: Vec<String> },
}

/// What came of handing a file in.
pub(super) enum HandedIn {
    /// It is a batch of this id.
    As(String),
    /// The provider's queue is full, in these words.
    QueueFull(String),
}

/// What came of one request.
pub(super) enum Came {
    Answer(Reply),
    /// None: why, what came with it, and its whole line.
    Failure(Error, Option<Reply>, serde_json::Value),
}

/// Words of a queue that is full.
const FULL: [&str; 4] = ["token_limit_exceeded", "enqueued", "queue is full", "too many batches"];

fn is_full(said: &str) -> bool {
    let said = said.to_lowercase();
    FULL.iter().any(|words| said.contains(words))
}

/// How many tokens a queue holds, if it says so: "Limit: 90,000 enqueued tokens".
pub(super) fn limit_of(said: &str) -> Option<u64> {
    let said = said.to_lowercase();
    let (_, rest) = said.split_once("limit: ")?;
    let length = rest.find(|letter: char| !(letter.is_ascii_digit() || letter == ','))?;
    let (number, rest) = rest.split_at(length);
    let tokens = rest.trim_start().strip_prefix("enqueued ").unwrap_or(rest).trim_start();
    tokens.starts_with("token").then(|| number.replace(',', "").parse().ok()).flatten()
}

#[derive(Deserialize)]
struct Line<'a> {
    custom_id: String,
    #[serde(borrow, default)]
    response: Option<Response<'a>>,
}

#[derive(Deserialize)]
struct Response<'a> {
    /// A number, a text, or not there at all.
    #[serde(default)]
    status_code: serde_json::Value,
    #[serde(borrow, default)]
    body: Option<&'a serde_json::value::RawValue>,
}

impl Response<'_> {
    fn status(&self) -> u16 {
        let told = self.status_code.as_u64().and_then(|status| u16::try_from(status).ok());
        told.or_else(|| self.status_code.as_str()?.parse().ok()).unwrap_or(200)
    }
}

impl<'a> Desk<'a> {
    pub(super) fn new(http: &'a Http, chat: &Chat) -> Result<Self> {
        if chat.url().query().is_some() {
            return Err(Error::new(
                Kind::Config,
                "batches are handed in at addresses without api-version only",
            )
            .at(chat.address())
            .advise("leave --batch away"));
        }
        let text = chat.url().as_str().trim_end_matches("chat/completions");
        let base = Url::parse(text)
            .map_err(|cause| Error::new(Kind::Config, "the base URL cannot be used").because(cause))?;
        Ok(Desk { http, base, credential: chat.credential().cloned() })
    }

    fn url(&self, path: &str) -> Result<Url> {
        self.base.join(path).map_err(|cause| {
            Error::new(Kind::Shape, "an id of the endpoint is no part of a URL").because(cause)
        })
    }

    fn request(&self, request: Request) -> Request {
        // Batches have limits of their own.
        Request {
            credential: self.credential.clone(),
            bucket: "batch",
            service: &crate::ask::chat::ENDPOINT,
            ..request
        }
    }

    async fn get<T: serde::de::DeserializeOwned>(&self, path: &str) -> Result<T> {
        let request = self.request(Request::get(self.url(path)?));
        self.http.send_and(&request, |response| read(&response.body)).await.map_err(explained)
    }

    /// Uploads a file. Twice does no harm.
    pub(super) async fn upload(&self, file: Bytes) -> Result<String> {
        let url = self.url("files")?;
        let form = Request::post_form(url, &[("purpose", "batch")], "questions.jsonl", file, true);
        let request = self.request(form.await?);
        let made: Made =
            self.http.send_and(&request, |response| read(&response.body)).await.map_err(explained)?;
        Ok(made.id)
    }

    /// The batch that was made of a file, if there is one, looked for on every page of the list.
    pub(super) async fn handed_in(&self, file: &str) -> Result<Option<String>> {
        let mut after = String::new();
        for _ in 0..PAGES {
            let page: Batches = self.get(&format!("batches?limit=100{after}")).await?;
            let last = page.data.last().map(|batch| batch.id.clone());
            let of_file =
                |batch: &Batch| batch.input_file_id.as_deref() == Some(file) && batch.status != "failed";
            if let Some(found) = page.data.into_iter().find(of_file) {
                return Ok(Some(found.id));
            }
            match last.filter(|_| page.has_more) {
                Some(last) => after = format!("&after={last}"),
                None => break,
            }
        }
        Ok(None)
    }

    /// Hands a file in. Twice would be paid twice, so it is never sent again by itself.
    pub(super) async fn hand_in(&self, file: &str) -> Result<HandedIn> {
        let wish = json!({
            "input_file_id": file, "endpoint": "/v1/chat/completions", "completion_window": "24h",
            "metadata": {"by": "gleaner"},
        });
        let request = Request::post_json(self.url("batches")?, wish.to_string().into(), false);
        let request = self.request(request);
        let made: Result<Made> =
            self.http.send_and(&request, |response| read(&response.body)).await.map_err(explained);
        match made {
            Ok(made) => Ok(HandedIn::As(made.id)),
            Err(error) => {
                let said = format!("{error:?}");
                match matches!(error.kind(), Kind::Limited | Kind::Shape) && is_full(&said) {
                    true => Ok(HandedIn::QueueFull(said)),
                    false => Err(error),
                }
            }
        }
    }

    /// Looks where a batch stands.
    pub(super) async fn look(&self, batch: &str) -> Result<Standing> {
        let found: Batch = self.get(&format!("batches/{batch}")).await?;
        Ok(match found.status.to_lowercase().as_str() {
            // What was answered before it expired or was cancelled is paid, and there.
            "completed" | "expired" | "cancelled" | "canceled" => Standing::Back {
                files: [found.output_file_id, found.error_file_id].into_iter().flatten().collect(),
            },
            "failed" => {
                let why = found.errors.map(|errors| errors.to_string()).unwrap_or_default();
                if is_full(&why) { Standing::QueueFull(why) } else { Standing::Refused(why) }
            }
            _ => Standing::Out,
        })
    }

    /// Hears each result of a file, good or not, read piece by piece.
    pub(super) async fn results(
        &self,
        file: &str,
        mut hear: impl FnMut(&str, Came) -> Result<()>,
    ) -> Result<()> {
        let request = self.request(Request::get(self.url(&format!("files/{file}/content"))?));
        let mut opened = self.http.open(&request).await.map_err(explained)?;
        let mut rest: Vec<u8> = Vec::new();
        while let Some(chunk) = opened.chunk().await? {
            rest.extend_from_slice(&chunk);
            while let Some(end) = memchr::memchr(b'\n', &rest) {
                let line: Vec<u8> = rest.drain(..=end).collect();
                result(&line, &mut hear)?;
            }
        }
        result(&rest, &mut hear)
    }
}

/// Hears one line. A question without an answer is not in the cache, and is asked again.
fn result(line: &[u8], hear: &mut impl FnMut(&str, Came) -> Result<()>) -> Result<()> {
    if line.trim_ascii().is_empty() {
        return Ok(());
    }
    let line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
    let Ok(Line { custom_id, response }) = serde_json::from_slice::<Line<'_>>(line) else {
        tracing::warn!("a line of the batch's results cannot be read");
        return Ok(());
    };
    let failed = |error: Error, within: Option<Reply>| {
        Came::Failure(error, within, serde_json::from_slice(line).unwrap_or_default())
    };
    let body = |response: &Response<'_>| response.body.map_or("", |body| body.get()).as_bytes().to_vec();
    let came = match response.map(|response| (response.status(), body(&response))) {
        None => failed(Error::new(Kind::Limited, "the batch has no answer to it"), None),
        Some((200, body)) => match Reply::read(&body) {
            Heard::Answer(reply) => Came::Answer(reply),
            Heard::Error(fault, counted) => failed(fault.error(String::new()), Some(counted)),
            Heard::Broken(what) => failed(reply::broken(&what), None),
        },
        Some((status, body)) => failed(Fault::of(status, &body).error(String::new()), None),
    };
    hear(&custom_id, came)
}

fn read<T: serde::de::DeserializeOwned>(body: &Bytes) -> Result<T> {
    serde_json::from_slice(body).map_err(|cause| crawl_core::json::not_json(body, &cause))
}

fn explained(error: Error) -> Error {
    if error.kind() != Kind::Gone {
        return error;
    }
    let status = error.status().unwrap_or(404);
    Error::new(Kind::Config, "the endpoint has no batches, or lost this one")
        .at(error.place().to_owned())
        .with_status(status)
        .advise("leave --batch away: most endpoints but OpenAI's have none")
        .because(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_queue_tells_how_many_tokens_it_holds() {
        let said = "Enqueued token limit reached for m in organization o. Limit: 1,350,000 enqueued tokens. Please try";
        assert_eq!((limit_of(said), is_full(said)), (Some(1_350_000), true));
        assert_eq!(limit_of("limit: 90000 tokens"), Some(90_000));
        for none in
            ["too many batches. Limit: 50 batches", "Limit: ", "Limit: 90", "Limit: many enqueued tokens", ""]
        {
            assert_eq!(limit_of(none), None, "{none}");
        }
    }
}
