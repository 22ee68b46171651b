//! Kaggle as an address with a credential, which is asked by read-only methods and by nothing else.

use crawl_core::http::{
    Answered, Credential, HeaderName, Http, Limit, Request, Response, Secret, Service, Url, Verdict, Waiting,
    shown,
};
use crawl_core::{Error, Kind, Record, Result};
use serde::Deserialize;
use serde_json::Value;

/// The methods that can be sent: all of them only read. Kaggle has GETs that delete, so "only GET" would not be safe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are Kaggle's")]
pub enum Method {
    ListDatasets,
    GetDataset,
    GetDatasetMetadata,
    ListDatasetFiles,
    DownloadDataset,
    ListKernels,
    GetKernel,
    ListKernelFiles,
    ListKernelSessionOutput,
    ListCompetitions,
    GetCompetition,
    ListCompetitionPages,
    GetLeaderboard,
    DownloadLeaderboard,
    ListModels,
    GetModel,
    ListModelInstances,
    ListModelInstanceVersions,
    ListModelInstanceVersionFiles,
    DownloadModelInstanceVersion,
    ListForums,
    ListTopics,
    GetTopic,
    ListComments,
    ListDatasetTopics,
    ListKernelTopics,
    ListModelTopics,
}

impl Method {
    /// All of them.
    pub const ALL: [Method; 27] = [
        Method::ListDatasets,
        Method::GetDataset,
        Method::GetDatasetMetadata,
        Method::ListDatasetFiles,
        Method::DownloadDataset,
        Method::ListKernels,
        Method::GetKernel,
        Method::ListKernelFiles,
        Method::ListKernelSessionOutput,
        Method::ListCompetitions,
        Method::GetCompetition,
        Method::ListCompetitionPages,
        Method::GetLeaderboard,
        Method::DownloadLeaderboard,
        Method::ListModels,
        Method::GetModel,
        Method::ListModelInstances,
        Method::ListModelInstanceVersions,
        Method::ListModelInstanceVersionFiles,
        Method::DownloadModelInstanceVersion,
        Method::ListForums,
        Method::ListTopics,
        Method::GetTopic,
        Method::ListComments,
        Method::ListDatasetTopics,
        Method::ListKernelTopics,
        Method::ListModelTopics,
    ];

    /// The method of this name, such as `ListDatasets`.
    ///
    /// # Errors
    /// [`Kind::Config`] if it is not one of those that can be sent.
    pub fn named(name: &str) -> Result<Self> {
        let refused = || Error::new(Kind::Config, "this method is not known to only read, so it is not sent");
        Self::ALL.into_iter().find(|method| format!("{method:?}") == name).ok_or_else(|| refused().at(name))
    }

    fn path(self) -> String {
        let service = match self {
            Method::ListDatasets
            | Method::GetDataset
            | Method::GetDatasetMetadata
            | Method::ListDatasetFiles
            | Method::DownloadDataset => "datasets.DatasetApiService",
            Method::ListKernels
            | Method::GetKernel
            | Method::ListKernelFiles
            | Method::ListKernelSessionOutput => "kernels.KernelsApiService",
            Method::ListCompetitions
            | Method::GetCompetition
            | Method::ListCompetitionPages
            | Method::GetLeaderboard
            | Method::DownloadLeaderboard => "competitions.CompetitionApiService",
            Method::ListModels
            | Method::GetModel
            | Method::ListModelInstances
            | Method::ListModelInstanceVersions
            | Method::ListModelInstanceVersionFiles
            | Method::DownloadModelInstanceVersion => "models.ModelApiService",
            Method::ListForums
            | Method::ListTopics
            | Method::GetTopic
            | Method::ListComments
            | Method::ListDatasetTopics
            | Method::ListKernelTopics
            | Method::ListModelTopics => "discussions.DiscussionApiService",
        };
        format!("v1/{service}/{self:?}")
    }
}

const PLAIN: Service = Service { name: "Kaggle", read, bucket, ..Service::PLAIN };
static SERVICE: Service = PLAIN;
static POLITE: Service =
    Service { limits: &[Limit { per_second: Some(1.0), ..Limit::on("metadata") }], ..PLAIN };

/// Files have links of their own; all other methods share one budget.
fn bucket(url: &Url) -> &'static str {
    match url.path() {
        path if !path.starts_with("/v1/") => "",
        path if path.contains("/Download") => "files",
        _ => "metadata",
    }
}

/// What Kaggle says is wrong: `{"code", "message"}`, or the same within `error`.
#[derive(Deserialize)]
struct Said {
    code: Option<u16>,
    message: Option<String>,
    error: Option<Box<Said>>,
}

/// An answer of 200 may hold an error; what is longer is none.
const LONGEST_ERROR: usize = 16 << 10;

fn read(answered: &Answered<'_>) -> Option<Verdict> {
    // A file that happens to look like an error is data.
    if !answered.home || answered.body.len() > LONGEST_ERROR {
        return None;
    }
    let said: Said = serde_json::from_slice(answered.body).ok()?;
    let (code, message) = match said.error {
        Some(inner) => (inner.code, inner.message),
        None => (said.code, said.message),
    };
    let status = if answered.status >= 400 { answered.status } else { code.filter(|code| *code >= 400)? };
    let message = message.unwrap_or_default();
    let usual = answered.with_status(status).usual();
    let lower = message.to_lowercase();
    let (what, advice) = match status {
        403 if lower.contains("rules") => (
            "the rules of the competition are not accepted",
            "accept them on the competition's page, then ask again with --retry-missing",
        ),
        403 if lower.contains("consent") || lower.contains("license") => (
            "the licence is not agreed to",
            "agree to it on the page of the model, then ask again with --retry-missing",
        ),
        403 if lower.contains("expired") => ("the link has expired", "run the same command again"),
        403 if lower.contains("permission") => (
            "private, removed or misspelt (Kaggle does not say which)",
            "check the name and whether the account may see it",
        ),
        401 if answered.credential => (
            "Kaggle does not accept the credentials",
            "make a new token (https://www.kaggle.com/settings); notebooks also want a verified phone number",
        ),
        401 => (
            "Kaggle wants to know who asks",
            "set KAGGLE_API_TOKEN, or put kaggle.json in place (https://www.kaggle.com/settings)",
        ),
        _ => return Some(Verdict { said: message, ..usual }),
    };
    Some(Verdict { what: what.into(), advice: Some(advice.into()), said: message, ..usual })
}

/// Where Kaggle is, who asks, and through which door.
#[derive(Clone, Debug)]
pub struct Kaggle {
    http: Http,
    endpoint: Url,
    credential: Option<Credential>,
    service: &'static Service,
}

impl Kaggle {
    /// Kaggle's own address.
    pub const ENDPOINT: &'static str = "https://api.kaggle.com";

    /// Kaggle at `endpoint`; slashes at its end do not matter.
    ///
    /// # Errors
    /// [`Kind::Config`] if that is not a plain http or https URL.
    pub fn new(http: Http, endpoint: &str) -> Result<Self> {
        let bad = || {
            Error::new(Kind::Config, "Kaggle's address is not a plain http or https address")
                .advise("give --endpoint an address such as https://api.kaggle.com")
        };
        let endpoint = Url::parse(&format!("{}/", endpoint.trim_end_matches('/')))
            .map_err(|cause| bad().because(cause))?;
        let plain = matches!(endpoint.scheme(), "http" | "https") && endpoint.username().is_empty();
        if !plain || endpoint.password().is_some() {
            return Err(bad());
        }
        Ok(Kaggle { http, endpoint, credential: None, service: &SERVICE })
    }

    /// Asks with this access token, which is sent to the endpoint and nowhere else.
    pub fn with_token(mut self, token: &Secret) -> Self {
        self.credential = Some(Credential::bearer(&self.endpoint, token));
        self
    }

    /// Asks with this user name and key of `kaggle.json`, which are sent to the endpoint and nowhere else.
    pub fn with_key(mut self, user: &str, key: &Secret) -> Self {
        let pair = data_encoding::BASE64.encode(format!("{user}:{}", key.expose()).as_bytes());
        self.credential = Some(Credential {
            origin: self.endpoint.origin(),
            header: HeaderName::from_static("authorization"),
            value: Secret::new(format!("Basic {pair}")),
        });
        self
    }

    /// Asks for no more than one thing a second, files left out.
    pub fn politely(self) -> Self {
        Kaggle { service: &POLITE, ..self }
    }

    /// The address.
    pub fn endpoint(&self) -> &Url {
        &self.endpoint
    }

    /// The door.
    pub(crate) fn http(&self) -> &Http {
        &self.http
    }

    /// How long nobody may ask, from now, and why.
    pub fn waiting(&self) -> Option<Waiting> {
        self.http.waiting(&self.request(Method::ListDatasets, &Value::Null))
    }

    /// The request for a method with its arguments, an object.
    pub(crate) fn request(&self, method: Method, arguments: &Value) -> Request {
        let url = self.endpoint.join(&method.path()).expect("a plain path can be joined");
        let body = arguments.to_string();
        let credential = self.credential.clone();
        Request { service: self.service, credential, ..Request::post_json(url, body.into(), true) }
    }

    /// The request for a file, to which the method leads on by a signed link.
    pub(crate) fn file(&self, method: Method, arguments: &Value) -> Request {
        Request { leads_on: true, ..self.request(method, arguments) }
    }

    /// Asks, and gives the answer, an object.
    ///
    /// # Errors
    /// Those of [`Http::send`]; [`Kind::Shape`] if it is no JSON object.
    pub(crate) async fn ask(&self, method: Method, arguments: &Value) -> Result<(Record, Response)> {
        let read = |answer: Response| {
            let record = Record::parse(answer.body.clone())?;
            if record.raw().members().is_none() {
                return Err(Error::new(Kind::Shape, "the answer is not an object").at(shown(&answer.url)));
            }
            Ok((record, answer))
        };
        self.http.send_and(&self.request(method, arguments), read).await
    }
}
