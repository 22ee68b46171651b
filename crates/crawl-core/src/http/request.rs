//! What is asked for, and with which credential.

use bytes::{Bytes, BytesMut};
use futures::TryStreamExt;
use reqwest::Method;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::multipart::{Form, Part};
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::Service;
use crate::{Error, Kind, Result};

/// A text that never shows itself: `Debug` prints `[secret]`.
#[derive(Clone)]
pub struct Secret(SecretString);

impl Secret {
    /// Hides a text.
    pub fn new(text: impl Into<String>) -> Self {
        Secret(SecretString::from(text.into()))
    }

    /// The text, for the one place that sends it.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[secret]")
    }
}

/// A header that is sent to one origin and to no other.
#[derive(Clone, Debug)]
pub struct Credential {
    /// Scheme, host and port that may see it.
    pub origin: url::Origin,
    /// The header's name.
    pub header: HeaderName,
    /// The header's value.
    pub value: Secret,
}

impl Credential {
    /// `Authorization: Bearer TOKEN` for the origin of `url`.
    pub fn bearer(url: &Url, token: &Secret) -> Self {
        Credential {
            origin: url.origin(),
            header: AUTHORIZATION,
            value: Secret::new(format!("Bearer {}", token.expose())),
        }
    }
}

/// What to ask for.
#[derive(Clone, Debug)]
pub struct Request {
    /// The method. Only GET, HEAD and what says [`Request::repeatable`] is tried again after it was sent.
    pub method: Method,
    /// The address.
    pub url: Url,
    /// More headers; another origin, to which the address leads on, gets only `Accept`, `Accept-Encoding`, `Range`
    /// and `If-Range` of them.
    pub headers: HeaderMap,
    /// The body.
    pub body: Option<Bytes>,
    /// The service's own name for the limit that this counts against, such as `api` or `resolvers`; empty where the
    /// service's function tells it from the address.
    pub bucket: &'static str,
    /// What is special to the service that is asked.
    pub service: &'static Service,
    /// Sent only to its origin.
    pub credential: Option<Credential>,
    /// Whether sending it twice does no harm.
    pub repeatable: bool,
    /// Whether the address came out of content: then only public hosts are asked.
    pub untrusted: bool,
    /// Whether the first address only leads on to what is wanted, as to a file behind a signed one. A success that it
    /// sends itself is an error then, in the service's words where its function reads them.
    pub leads_on: bool,
    /// What it is expected to count against a limit of units, such as tokens; what answers tell corrects it.
    pub units: u64,
    /// How often it is tried at most, instead of [`HttpConfig::tries`](super::HttpConfig::tries): 1 for whoever must know
    /// of every try.
    pub tries: Option<u32>,
}

impl Request {
    /// A GET of our own making.
    pub fn get(url: Url) -> Self {
        Request {
            method: Method::GET,
            url,
            headers: HeaderMap::new(),
            body: None,
            bucket: "",
            service: &Service::PLAIN,
            credential: None,
            repeatable: true,
            untrusted: false,
            leads_on: false,
            units: 0,
            tries: None,
        }
    }

    /// A HEAD: the headers of a GET without its body.
    pub fn head(url: Url) -> Self {
        Request { method: Method::HEAD, ..Request::get(url) }
    }

    /// A POST of JSON; `repeatable` says whether sending it twice does no harm.
    pub fn post_json(url: Url, body: Bytes, repeatable: bool) -> Self {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        Request { method: Method::POST, headers, body: Some(body), repeatable, ..Request::get(url) }
    }

    /// A POST of a form, `multipart/form-data`: fields of text, and a file of JSON lines behind them in the field `file`.
    /// `repeatable` says whether sending it twice does no harm.
    ///
    /// # Errors
    /// [`Kind::Config`] if the form cannot be spelled.
    pub async fn post_form(
        url: Url,
        fields: &[(&'static str, &'static str)],
        name: &'static str,
        file: Bytes,
        repeatable: bool,
    ) -> Result<Self> {
        let failed =
            |cause: reqwest::Error| Error::new(Kind::Config, "a form cannot be spelled").because(cause);
        let length = file.len();
        let file = Part::stream(file).file_name(name).mime_str("application/jsonl").map_err(failed)?;
        let form = fields.iter().fold(Form::new(), |form, (name, text)| form.text(*name, *text));
        let form = form.part("file", file);
        let kind = HeaderValue::from_str(&format!("multipart/form-data; boundary={}", form.boundary()));
        let kind =
            kind.map_err(|cause| Error::new(Kind::Config, "a form cannot be spelled").because(cause))?;
        let mut body = BytesMut::with_capacity(length + 1024);
        let mut parts = form.into_stream();
        while let Some(part) = parts.try_next().await.map_err(failed)? {
            body.extend_from_slice(&part);
        }
        let mut request = Request::post_json(url, body.freeze(), repeatable);
        request.headers.insert(CONTENT_TYPE, kind);
        Ok(request)
    }
}
